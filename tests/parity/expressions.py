"""Expressions with good and bad arguments, evaluated in PyTorch and here: layers, optimizers, samplers, whatever is no
plain function of a tensor (those are `fuzzing`'s). An expression is text, so that a test can print it, and keep it.
"""

from __future__ import annotations

import inspect
import random
import re
import warnings
from collections.abc import Callable
from typing import Any

import fuzzing
import torch

import graphlab.engine as engine

_SHAPES = {
    "s": (),
    "e": (0,),
    "v3": (3,),
    "v4": (4,),
    "x": (2, 4),
    "x23": (2, 3),
    "x44": (4, 4),
    "t": (2, 4, 6),
    "t3": (3, 2, 4),
    "i": (2, 4, 6, 6),
    "w": (1, 4, 4, 4, 4),
    "n": (0, 4),
    "ni": (0, 4, 6, 6),
    "z": (2, 4, 0),
}
BAD = [
    "None", "'a'", "0", "-1", "1.5", "-0.5", "True", "2", "(2, 2)", "(1,)", "()", "[]", "[1.5]", "['a']", "{}",
    "2**40", "2**70", "float('nan')", "float('inf')", "1j", "object()", "torch.float32", "v3", "s", "l", "(0, 0)",
    "(-1, 2)", "'mean'", "lambda x: x", "torch.device('meta')",
]  # fmt: skip
TENSORS = [*_SHAPES, "l", "l3", "d", "h", "b", "c", "r", "m"]


class Names(dict[str, Any]):
    """What expressions may name, each tensor made when it is first asked for."""

    def __init__(self, m: Any) -> None:
        super().__init__(torch=m, nn=m.nn, F=m.nn.functional, optim=m.optim, math=__import__("math"))
        self["lr_scheduler"] = m.optim.lr_scheduler
        self["init"] = m.nn.init
        self["utils"] = m.nn.utils
        self["data"] = m.utils.data
        self["dist"] = m.distributions
        self["after"] = _after
        self["object"] = object

    def __missing__(self, name: str) -> Any:
        m = self["torch"]
        made: Any
        if name in _SHAPES:
            made = fuzzing._numbers(m, _SHAPES[name], "float32")
        elif name in ("l", "l3"):
            made = m.tensor([[1, 0, 2, 1], [0, 3, 1, 2]] if name == "l" else [0, 2, 1])
        elif name in ("d", "h"):
            made = self["x"].to(m.float64 if name == "d" else m.float16)
        elif name == "b":
            made = self["x"] > 1
        elif name == "c":
            made = self["x"].to(m.complex64)
        elif name == "r":
            made = self["x"].clone().requires_grad_()
        elif name == "m":
            made = self["x"].to("meta")
        elif name == "p":
            made = m.nn.Parameter(self["x"].clone())
        elif name == "net":
            m.manual_seed(0)
            made = m.nn.Linear(4, 3)
        elif name == "opt":
            made = m.optim.SGD([self["p"]], lr=0.1)
        else:
            raise NameError(f"name {name!r} is not defined")
        self[name] = made
        return made


def _after(value: Any, *then: Callable[[Any], Any]) -> Any:
    """What a chain of calls gives, each handed what the one before gave."""
    for each in then:
        value = each(value)
    return value


def run(m: Any, text: str) -> Any:
    """What an expression gives, by the seed 0."""
    m.manual_seed(0)
    m.set_grad_enabled(True)  # an expression may have changed it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = Names(m)
        return eval(text, names)


def _text(text: str) -> str:
    # Python names the classes of a module written in C with the module, and those written in Python without.
    text = re.sub(r"0x[0-9a-f]+", "0x", text.replace("graphlab.engine", "torch"))
    return re.sub(r"'torch\.(dtype|device|layout)'", r"'\1'", text.replace('"torch.device"', '"device"'))


def outcome(m: Any, text: str) -> tuple[str, Any]:
    """How an expression ends: ("ok", its `plain` value) or (type of the exception, first line of its message)."""
    try:
        return "ok", plain(run(m, text))
    except Exception as error:
        return type(error).__name__, _text(str(error).split("\n")[0])


def plain(value: Any) -> Any:
    """A value as what can be compared: tensors as numbers, modules as what they print."""
    name = type(value).__module__ or ""
    if isinstance(value, (torch.Tensor, engine.Tensor)):
        if str(value.device) == "meta" or value.is_complex() or "float16" in str(value.dtype):
            return ["meta", str(value.dtype), tuple(value.shape)]
        return "tensor", str(value.dtype), tuple(value.shape), value.detach().tolist()
    if isinstance(value, dict):
        return [[str(k), plain(v)] for k, v in value.items()]
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, (int, float, str, type(None))):
        return value
    if name.startswith(("torch", "graphlab")):
        text = _text(repr(value))
        return text if "object at" not in text else type(value).__name__
    return type(value).__name__


def same(theirs: tuple[str, Any], ours: tuple[str, Any]) -> bool:
    """Whether two outcomes are alike."""
    if theirs[0] != "ok" or ours[0] != "ok":
        return fuzzing.same(theirs, ours)
    return fuzzing._close(theirs[1], ours[1])


def tell(text: str, theirs: tuple[str, Any], ours: tuple[str, Any]) -> str:
    """Both outcomes, for a person."""
    return f"{text}\n    torch  {theirs[0]}: {theirs[1]}\n    engine {ours[0]}: {ours[1]}"


# Drawing arguments

GOOD: dict[str, list[str]] = {
    "in_features": ["4", "4", "3", "6"],
    "out_features": ["3", "2", "1"],
    "in1_features": ["4"],
    "in2_features": ["4", "6"],
    "bias": ["True", "False"],
    "in_channels": ["4", "4", "2"],
    "out_channels": ["4", "2", "3"],
    "kernel_size": ["2", "3", "1", "(2, 2)", "(1,)", "(2, 2, 2)"],
    "stride": ["1", "2", "(2, 1)", "None"],
    "padding": ["0", "1", "'same'", "'valid'", "(1, 0)", "3", "(1, 1, 1, 1)"],
    "dilation": ["1", "2"],
    "groups": ["1", "2", "4", "3"],
    "padding_mode": ["'zeros'", "'reflect'", "'circular'", "'replicate'"],
    "num_features": ["4", "4", "3"],
    "num_channels": ["4", "4", "6"],
    "num_groups": ["2", "1", "4", "3"],
    "normalized_shape": ["4", "(4,)", "(4, 6)", "6", "[6, 6]"],
    "eps": ["1e-5", "0.1", "None"],
    "momentum": ["0.1", "None", "0.9", "0"],
    "affine": ["True", "False"],
    "elementwise_affine": ["True", "False"],
    "track_running_stats": ["True", "False"],
    "p": ["0.5", "0.1", "0", "1", "2"],
    "inplace": ["False", "True"],
    "dim": ["0", "1", "-1", "None", "2"],
    "num_embeddings": ["5", "10"],
    "embedding_dim": ["3", "4"],
    "padding_idx": ["None", "0", "1", "-1"],
    "max_norm": ["None", "1.0"],
    "mode": ["'nearest'", "'bilinear'", "'linear'", "'sum'", "'mean'", "'max'", "'trilinear'", "'bicubic'"],
    "input_size": ["4", "6"],
    "hidden_size": ["3", "4"],
    "num_layers": ["1", "2"],
    "batch_first": ["True", "False"],
    "bidirectional": ["True", "False"],
    "dropout": ["0", "0.0", "0.5"],
    "nonlinearity": ["'relu'", "'tanh'"],
    "proj_size": ["0", "2"],
    "embed_dim": ["4", "6"],
    "num_heads": ["2", "1"],
    "d_model": ["4", "6"],
    "nhead": ["2", "1"],
    "dim_feedforward": ["3"],
    "num_encoder_layers": ["1"],
    "num_decoder_layers": ["1"],
    "activation": ["'relu'", "'gelu'", "F.relu"],
    "reduction": ["'mean'", "'sum'", "'none'"],
    "weight": ["None", "v4", "v3"],
    "pos_weight": ["None", "v4"],
    "output_size": ["1", "2", "(2, 2)", "(2, None)", "None", "(3,)"],
    "size": ["None", "3", "(3, 3)", "4"],
    "scale_factor": ["None", "2", "1.5", "(2, 2)"],
    "upscale_factor": ["2", "1"],
    "downscale_factor": ["2", "3"],
    "start_dim": ["1", "0", "-1"],
    "end_dim": ["-1", "1"],
    "unflattened_size": ["(2, 2)", "(1, 4)", "(-1, 2)"],
    "negative_slope": ["0.01", "0.5"],
    "alpha": ["1.0", "0.5"],
    "beta": ["1.0", "2"],
    "delta": ["1.0", "0.5"],
    "margin": ["0.0", "1.0"],
    "min_val": ["-1.0", "0"],
    "max_val": ["1.0", "2"],
    "lambd": ["0.5", "1"],
    "threshold": ["0.5", "20"],
    "value": ["0.5", "1"],
    "lower": ["0.1"],
    "upper": ["0.3"],
    "num_parameters": ["1", "4"],
    "init": ["0.25"],
    "k": ["1", "2"],
    "n_classes": ["10"],
    "cutoffs": ["[2, 4]", "[3]"],
    "device": ["None", "'cpu'", "'meta'"],
    "dtype": ["None", "torch.float64", "torch.float32"],
    "approximate": ["'none'", "'tanh'"],
    "blank": ["0"],
    "label_smoothing": ["0.0", "0.1"],
    "ignore_index": ["-100", "1"],
    "lr": ["0.1", "1e-3", "0", "torch.tensor(0.1)"],
    "betas": ["(0.9, 0.99)", "(0.5, 0.5)"],
    "weight_decay": ["0", "0.1"],
    "dampening": ["0", "0.1"],
    "nesterov": ["False", "True"],
    "amsgrad": ["False", "True"],
    "maximize": ["False", "True"],
    "rho": ["0.9"],
    "lr_decay": ["0", "0.1"],
    "initial_accumulator_value": ["0", "0.1"],
    "centered": ["False", "True"],
    "etas": ["(0.5, 1.2)"],
    "step_sizes": ["(1e-6, 50)"],
    "foreach": ["None", "False", "True"],
    "fused": ["None", "False"],
    "capturable": ["False"],
    "differentiable": ["False"],
    "optimizer": ["opt", "opt", "opt", "net"],
    "step_size": ["1", "3"],
    "gamma": ["0.1", "0.9"],
    "milestones": ["[1, 3]", "[2]"],
    "T_max": ["5", "1"],
    "eta_min": ["0", "0.01"],
    "T_0": ["1", "3"],
    "T_mult": ["1", "2"],
    "last_epoch": ["-1"],
    "factor": ["0.5", "0.1"],
    "total_iters": ["5", "2"],
    "start_factor": ["0.5", "1.0"],
    "end_factor": ["1.0", "0.5"],
    "power": ["1.0", "2.0"],
    "max_lr": ["0.1", "[0.1]", "1"],
    "base_lr": ["0.01", "[0.01]"],
    "total_steps": ["10", "None"],
    "epochs": ["2", "None"],
    "steps_per_epoch": ["5", "None"],
    "pct_start": ["0.3"],
    "anneal_strategy": ["'cos'", "'linear'"],
    "lr_lambda": ["lambda e: 0.9 ** e", "[lambda e: 0.9]"],
    "patience": ["2", "10"],
    "cooldown": ["0", "1"],
    "schedulers": ["[lr_scheduler.StepLR(opt, 1)]", "[lr_scheduler.StepLR(opt, 1), lr_scheduler.ConstantLR(opt)]"],
    "step_size_up": ["2"],
    "cycle_momentum": ["False", "True"],
}  # fmt: skip
"""Arguments that fit, by the name of the parameter."""
_COUNTS = ("num_layers", "num_encoder_layers", "num_decoder_layers", "total_iters", "cooldown", "epochs")
"""Parameters that tell how often something is done: never huge."""
_INPUTS = {
    "1d": ["t", "t", "x", "z", "v4"],
    "2d": ["i", "i", "t", "ni"],
    "3d": ["w", "w", "i"],
    "Embedding": ["l", "l", "l3", "x"],
    "Linear": ["x", "x", "t", "v4", "n"],
    "LSTM": ["t3", "x", "t", "z"],
    "GRU": ["t3", "x", "t", "z"],
    "RNN": ["t3", "x", "t", "z"],
    "Norm": ["x", "t", "i"],
}
_PAIRS = {
    "CrossEntropyLoss": ["x, l3[:2]", "x, x", "i, l", "x, l3", "x, v3", "v4, s", "x, l"],
    "NLLLoss": ["x, l3[:2]", "x, x", "x, l3", "x, v3", "v4, torch.tensor(1)"],
    "CosineEmbeddingLoss": ["x, x, torch.ones(2)", "x, x, v3", "x, x23, s"],
    "TripletMarginLoss": ["x, x, x", "x, x, x23", "x, v4, x", "l, l, l"],
    "MarginRankingLoss": ["x, x, x", "x, x, v3", "v3, v3, v3"],
    "GaussianNLLLoss": ["x, x, x", "x, x, v3", "x, x, -x", "x, x, 1.0"],
    "MultiheadAttention": ["t, t, t", "x, x, x", "t, x, t", "t3, t3, t3"],
    "Transformer": ["t3, t3", "x, x", "t, t", "t3, x"],
    "TransformerDecoderLayer": ["t3, t3", "x, x", "t, x"],
    "Bilinear": ["x, x", "x, x23", "t, t"],
    "CTCLoss": ["t.log_softmax(2), l, l3[:2], l3[:2]", "x, l, l, l"],
    "MultiMarginLoss": ["x, l3[:2]", "x, x", "x, l3"],
    "LSTMCell": ["x", "v4", "t", "x, (x, x)", "x, x"],
    "LSTM": ["t3", "x", "t", "t3, (t3, t3)", "t3, t3", "t3, None"],
}


def _signature(what: Any) -> list[inspect.Parameter]:
    try:
        shape = inspect.signature(what)
    except (TypeError, ValueError):
        return []
    return [p for p in shape.parameters.values() if p.name not in ("self", "kwargs", "_weight", "_freeze")]


def arguments(parameters: list[inspect.Parameter], rng: random.Random, faults: float) -> str:
    """The text of arguments for parameters: mostly good ones, some left out, some bad."""
    texts: list[str] = []
    by_name = False
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            texts += [rng.choice(BAD) for _ in range(rng.randint(0, 2))]
            by_name = True
            continue
        if p.kind is p.VAR_KEYWORD:
            continue
        if p.default is not p.empty and rng.random() < 0.65:
            by_name = True
            continue
        if p.default is p.empty and rng.random() < 0.02 + faults / 8:
            by_name = True
            continue
        good = GOOD.get(p.name) or ["2", "1.0", "x"]
        value = rng.choice(BAD if rng.random() < faults else good)
        if p.name in _COUNTS and "2**" in value:
            value = "-2"
        if by_name or p.kind is p.KEYWORD_ONLY or rng.random() < 0.1:
            by_name = True
            texts.append(f"{p.name}={value}")
        else:
            texts.append(value)
    if rng.random() < 0.02:
        texts.append("foo=1")
    return ", ".join(texts)


def _faults(rng: random.Random) -> float:
    return rng.choice([0.0, 0.0, 0.1, 0.3])


def layers() -> list[str]:
    """Classes of nn that both have."""
    found = []
    for name in sorted(dir(engine.nn)):
        theirs = getattr(torch.nn, name, None)
        is_layer = isinstance(theirs, type) and issubclass(theirs, torch.nn.Module) and name != "Module"
        if is_layer and not name.startswith(("Lazy", "Sync", "CrossMap", "_", "DataParallel", "FractionalMax")):
            found.append(name)
    return found


def _layer(rng: random.Random) -> str:
    name = rng.choice(layers())
    made = f"nn.{name}({arguments(_signature(getattr(torch.nn, name)), rng, _faults(rng))})"
    if name in ("ModuleList", "ModuleDict", "ParameterList", "ParameterDict") or rng.random() < 0.3:
        return made
    pool = next((v for k, v in _PAIRS.items() if name == k), None)
    if pool is None and name.endswith("Loss"):
        pool = ["x, x", "x, x", "x, x23", "x, d", "t, t", "x, l", "l, l", "x, b", "x, None", "n, n"]
    if pool is None:
        pool = next((v for k, v in _INPUTS.items() if k in name), ["x", "x", "t", "i", "v4", "s", "e", "n"])
    given = rng.choice(pool) if rng.random() < 0.7 else rng.choice(TENSORS if rng.random() < 0.7 else BAD)
    return f"{made}({given})"


def _optimizer(rng: random.Random) -> str:
    kinds = [
        "SGD",
        "Adam",
        "AdamW",
        "Adagrad",
        "RMSprop",
        "Adadelta",
        "NAdam",
        "RAdam",
        "Rprop",
        "LBFGS",
        "Adamax",
        "ASGD",
    ]
    name = rng.choice(kinds)
    params = rng.choice(
        ["[p]"] * 8
        + ["p", "[]", "None", "net", "net.parameters()", "[x]", "[r * 2]", "[p, p]", "{p}", "[{'params': [p]}]", "'a'"]
        + ["[{'params': p, 'lr': 'a'}]", "[{'lr': 1}]", "[{'params': [p]}, {'params': [p]}]", "[1]", "5", "[None]"]
        + ["[('w', p)]", "[('w', p), p]", "[l]", "[b]", "{'params': [p]}"]
    )  # fmt: skip
    rest = arguments(_signature(getattr(torch.optim, name))[1:], rng, _faults(rng))
    made = f"optim.{name}({params}{', ' + rest if rest else ''})"
    steps = [
        f"after({made}, lambda o: (p.sum().backward(), o.step(), p)[-1])",
        f"after({made}, lambda o: o.state_dict())",
        f"after({made}, lambda o: o.step(lambda: p.sum()))",
        f"after({made}, lambda o: o.add_param_group({rng.choice([*BAD, 'x', '[p]'])}))",
        f"after({made}, lambda o: o.load_state_dict({rng.choice([*BAD, 'o.state_dict()'])}))",
        f"after({made}, lambda o: o.zero_grad({rng.choice(BAD)}))",
    ]  # fmt: skip
    return made if rng.random() < 0.4 else rng.choice(steps if "LBFGS" not in made else steps[2:])


def _scheduler(rng: random.Random) -> str:
    kinds = [
        "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "CosineAnnealingLR", "PolynomialLR",
        "CosineAnnealingWarmRestarts", "OneCycleLR", "CyclicLR", "LambdaLR", "MultiplicativeLR", "ReduceLROnPlateau",
        "SequentialLR", "ChainedScheduler",
    ]  # fmt: skip
    name = rng.choice(kinds)
    made = f"lr_scheduler.{name}({arguments(_signature(getattr(torch.optim.lr_scheduler, name)), rng, _faults(rng))})"
    if rng.random() < 0.4:
        return made
    step = rng.choice(["", "", "1.0", rng.choice(BAD)])
    return f"after({made}, lambda s: (opt.step(), s.step({step}), s.step({step}), opt.param_groups[0]['lr'])[-1])"


def _einsum(rng: random.Random) -> str:
    letters = "ijkl"
    n = rng.randint(1, 3)
    operands = [rng.choice(["x", "x23", "x44", "t", "t3", "v3", "v4", "s", "l", "d", "i", "m"]) for _ in range(n)]
    sides = []
    for each in operands:
        size = len(_SHAPES.get(each, (2, 4)))
        size += rng.choice([0] * 8 + [1, -1])
        sides.append("".join(rng.choice(letters) for _ in range(max(size, 0))))
        if rng.random() < 0.08:
            sides[-1] = rng.choice(["...", "." + sides[-1], "..." + sides[-1][1:], sides[-1] + "1", sides[-1] + "..."])
    left = ",".join(sides)
    known = sorted(set(left) & set(letters))
    right = "".join(rng.sample(known, rng.randint(0, min(2, len(known)))))
    if rng.random() < 0.1:
        right += rng.choice(["z", right, "->", "...", "!", ","])
    equation = rng.choice([f"{left}->{right}"] * 3 + [left, left + ",", f"{left}-{right}", f"{left}>{right}"])
    if rng.random() < 0.05:
        return f"torch.einsum({rng.choice(BAD)}, {', '.join(operands)})"
    if rng.random() < 0.05:
        operands.append(rng.choice(BAD))
    if rng.random() < 0.1:
        return f"torch.einsum('{equation}', [{', '.join(operands)}])"
    return f"torch.einsum('{equation}', {', '.join(operands)})"


_SAMPLERS: dict[str, list[list[str]]] = {
    "torch.rand": [["2", "(2, 3)", "[2]", "()"], ["3", "(2,)"]],
    "torch.randn": [["2", "(2, 3)", "[2]", "()"], ["3", "(2,)"]],
    "torch.randint": [["5", "0", "-3"], ["9", "(2, 3)", "3"], ["(2,)", "()", "[3]", "2"]],
    "torch.randperm": [["4", "0", "10"]],
    "torch.normal": [["0.0", "x", "v4", "0"], ["1.0", "x", "v4", "-x", "-1.0"], ["(2, 3)", "2"]],
    "torch.bernoulli": [["x / 3", "x", "b", "s", "n", "torch.full((2,), 0.5)"], ["0.5", "0.0", "2"]],
    "torch.multinomial": [
        ["x", "v4", "t", "s", "-x", "l", "n", "torch.zeros(3)"], ["1", "2", "5", "0"], ["True", "False"],
    ],
    "torch.poisson": [["x", "l", "-x", "s"]],
    "torch.rand_like": [["x", "l", "b", "m"]],
    "torch.randn_like": [["x", "l", "b", "c"]],
    "torch.randint_like": [["x", "l", "b"], ["3", "0"], ["7"]],
    "torch.manual_seed": [["1", "-1", "1.5"]],
    "torch.Generator": [["'cpu'", "'meta'"]],
    "F.dropout": [["x", "l", "b", "s"], ["0.5", "1", "0", "2", "-1"], ["True", "False"], ["True", "False"]],
    "F.dropout1d": [["t", "x", "i"], ["0.5", "2"]],
    "F.dropout2d": [["i", "t", "x"], ["0.5", "2"]],
    "F.dropout3d": [["w", "i", "x"], ["0.5", "2"]],
    "F.alpha_dropout": [["x", "l"], ["0.5", "2"], ["True"]],
    "F.feature_alpha_dropout": [["t", "i"], ["0.5", "2"], ["True"]],
    "F.gumbel_softmax": [["x", "l", "s"], ["1.0", "0", "0.5"], ["True", "False"], ["1e-10"], ["-1", "3"]],
    "F.rrelu": [["x", "l"], ["0.1", "0.5"], ["0.3"], ["True", "False"]],
    "x.normal_": [["0.0"], ["1.0", "-1.0"]],
    "l.normal_": [["0"], ["1"]],
    "x.uniform_": [["0.0", "2.0"], ["1.0"]],
    "x.bernoulli_": [["0.5", "2.0", "x / 3"]],
    "l.random_": [["0", "5"], ["9", "-1"]],
    "x.exponential_": [["1.0", "-1.0", "0"]],
    "x.cauchy_": [["0.0"], ["1.0", "-1.0"]],
    "x.log_normal_": [["0.0"], ["1.0", "-1.0"]],
    "x.geometric_": [["0.5", "2", "0"]],
    "l.uniform_": [["0"], ["1"]],
    "b.bernoulli_": [["0.5"]],
}  # fmt: skip
_SAMPLER_KEYS = [
    "out=torch.empty(2, 3)", "out=x", "out=l", "out=None", "out='a'", "dtype=torch.int64", "dtype=torch.float64",
    "dtype='a'", "dtype=torch.bool", "generator=None", "generator=1", "generator=torch.Generator()", "device='meta'",
    "device='a'", "device=5.5", "requires_grad=True", "requires_grad=1", "layout=1", "foo=2", "p=0.5", "size=(2,)",
    "training=True", "inplace=True", "std=1.0", "mean=0.0", "high=5", "num_samples=2", "replacement=True",
]  # fmt: skip


def _from_pools(pools: dict[str, list[list[str]]], keys: list[str], rng: random.Random) -> str:
    name = rng.choice(list(pools))
    faults = _faults(rng)
    n = rng.randint(max(len(pools[name]) - 1, 0), len(pools[name]))
    if rng.random() < 0.1:
        n = rng.randint(0, len(pools[name]))
    args = [rng.choice(BAD + TENSORS if rng.random() < faults else pool) for pool in pools[name][:n] if pool]
    if rng.random() < 0.3 and keys:
        args.append(rng.choice(keys))
    return f"{name}({', '.join(args)})"


def _sampler(rng: random.Random) -> str:
    return _from_pools(_SAMPLERS, _SAMPLER_KEYS, rng)


_META = {
    f"{a} {op} {b}": [] for a, b in (("x", "m"), ("m", "x"), ("m", "v4.to('meta')"), ("m", "1"), ("s", "m"), ("m", "t"))
    for op in ("+", "-", "*", "/", "@", "==", "<", "**", "//", "%")
}  # fmt: skip
_MIXED = {
    "torch.matmul": [["x", "m"], ["m.t()", "x44"]],
    "F.linear": [["x", "m"], ["m", "x44"], ["v3.to('meta')", "v4", "None"]],
    "torch.cat": [["[x, m]", "[m, m]", "[m, x]", "[m, t.to('meta')]"], ["0", "1", "5"]],
    "torch.stack": [["[x, m]", "[m, m]", "[m, x]"], ["0", "5"]],
    "torch.where": [["b", "b.to('meta')"], ["m", "x"], ["x", "m", "1"]],
    "torch.addmm": [["s", "v4", "m"], ["m", "x"], ["x44", "m.t()"]],
    "F.mse_loss": [["x", "m"], ["m", "x"]],
    "F.cross_entropy": [["m", "x"], ["l3[:2]", "l3[:2].to('meta')"]],
    "nn.Linear(4, 3, device='meta')": [["x", "m", "d.to('meta')"]],
    "net": [["m", "x", "x.to('meta', torch.float64)"]],
    "net.to('meta')": [["m", "x"]],
    "nn.Embedding(5, 3, device='meta')": [["l", "l.to('meta')", "m"]],
    "torch.gather": [["m", "x"], ["1", "0"], ["l", "l.to('meta')"]],
    "m.copy_": [["x", "t", "m"]],
    "x.copy_": [["x", "m"]],
    "m.item": [],
    "m.tolist": [],
    "m.numpy": [],
    "bool": [["m", "m.sum()"]],
    "float": [["m", "m.sum()"]],
    "m.nonzero": [],
    "torch.masked_select": [["m", "x"], ["b", "b.to('meta')"]],
    "torch.unique": [["m"]],
    "x.__getitem__": [["l3[:2].to('meta')", "b.to('meta')", "m"]],
    "m.__getitem__": [["0", "5", "b", "b.to('meta')", "(0, 9)", "l3"]],
    "torch.add": [["x", "m"], ["m", "x"]],
    "torch.equal": [["m", "x"], ["m", "x"]],
    "torch.allclose": [["m", "x"], ["m", "x"]],
    "m.to": [["'cpu'", "'cuda'", "'a'", "torch.float64", "'meta'"]],
    "x.to": [["'meta'", "'cuda'", "'a'", "5", "'cuda:7'", "'cpu:0'", "torch.device('meta')", "None", "m"]],
    "torch.device": [["'cpu'", "'cuda'", "'a'", "'cuda:x'", "'meta:0'", "'cpu:0'", "1", "None"], ["0", "-1", "'a'"]],
    "torch.zeros": [["2"]],
    "x.add_": [["m", "1"]],
    "m.add_": [["x", "m", "t.to('meta')"]],
    "torch.bmm": [["t", "t.to('meta')"], ["t.transpose(1, 2)", "t.to('meta')"]],
    "F.batch_norm": [["m", "x"], ["None", "v4"], ["None", "v4"], ["v4.to('meta')"], ["v4"], ["True"]],
    "F.layer_norm": [["m", "x"], ["(4,)", "(3,)"], ["v4", "v4.to('meta')"]],
    "F.conv2d": [["i", "i.to('meta')"], ["torch.ones(3, 4, 2, 2)", "torch.ones(3, 4, 2, 2, device='meta')"]],
}


def _mixed(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(list(_META))
    return _from_pools(_MIXED, ["out=m", "device='cuda'", "device='meta'"], rng)


_DATA = {
    "data.TensorDataset": [["x", "t", "s"], ["l3", "x", "l"]],
    "data.TensorDataset(x, l).__getitem__": [["0", "1", "5", "-1", "slice(0, 2)", "[0, 1]"]],
    "data.Subset(range(5), [1, 2]).__getitem__": [["0", "1", "5", "[0]"]],
    "data.random_split": [
        ["range(5)", "data.TensorDataset(x)"], ["[2, 3]", "[0.5, 0.5]", "[1, 1]", "[0.2, 0.9]", "[6]"],
    ],
    "data.ConcatDataset": [["[range(2), range(3)]", "[]", "[data.TensorDataset(x)]"]],
    "data.ConcatDataset([range(2), range(3)]).__getitem__": [["0", "4", "5", "-1", "-7"]],
    "data.RandomSampler": [["range(4)", "[]"], ["True", "False"], ["None", "3", "0"]],
    "data.WeightedRandomSampler": [["[0.1, 0.9]", "v4", "x"], ["3", "0", "9"], ["True", "False"]],
    "data.BatchSampler": [["range(5)", "data.SequentialSampler(range(4))"], ["2", "0"], ["True", "False"]],
    "data.SubsetRandomSampler": [["[1, 2]", "v3"]],
    "data.default_collate": [
        ["[x, x]", "[1, 2]", "[1.5]", "[(1, x), (2, x)]", "[{'a': 1}]", "[x, v3]", "['a']", "[None]"],
    ],
}  # fmt: skip
_LOADER = [
    "batch_size=2", "batch_size=0", "batch_size=None", "batch_size=-1", "batch_size='a'", "shuffle=True", "shuffle='a'",
    "sampler=data.SequentialSampler(range(2))", "sampler=[0, 1]", "batch_sampler=[[0], [1]]", "drop_last=True",
    "num_workers=-1", "num_workers=0", "timeout=-1", "timeout=5", "collate_fn=lambda b: b",
    "generator=torch.Generator()", "prefetch_factor=2", "persistent_workers=True", "pin_memory=False",
    "multiprocessing_context='a'", "batch_size=1.5",
    "worker_init_fn=1", "generator=5",
]  # fmt: skip


def _data(rng: random.Random) -> str:
    if rng.random() < 0.5:
        of = rng.choice(
            [
                "data.TensorDataset(x, l)",
                "range(5)",
                "[x, x]",
                "[]",
                "x",
                "[(1, 'a'), (2, 'b')]",
                "'abc'",
                "None",
                "{0: 1}",
            ]
        )
        n = rng.randint(0, 3)
        keys = {k.partition("=")[0]: k for k in rng.sample(_LOADER, n)}
        return f"list(data.DataLoader({', '.join([of, *keys.values()])}))"
    made = _from_pools(_DATA, ["foo=1", "generator=5"], rng)
    return f"list({made})" if "Sampler" in made and "SubsetR" not in made else made


_UTILS = {
    "utils.clip_grad_norm_": [
        ["p", "[p]", "net.parameters()", "[]", "[x]", "net"], ["1.0", "0", "-1.0"], ["2.0", "float('inf')", "0", "1"],
        ["True", "False"],
    ],
    "utils.clip_grad_value_": [["p", "[p]", "net.parameters()", "[]", "[x]"], ["1.0", "0", "-1.0"]],
    "utils.parameters_to_vector": [["net.parameters()", "[p]", "[]", "p", "[x, v3]", "[m, x]"]],
    "utils.vector_to_parameters": [["torch.ones(15)", "torch.ones(3)", "v4"], ["net.parameters()", "[p]", "[]"]],
    "utils.rnn.pad_sequence": [
        ["[v3, v4]", "[x, x44]", "[]", "[x, v3]", "x", "v3"], ["True", "False"], ["0.0", "1"],
        ["'right'", "'left'", "'up'"],
    ],
    "utils.rnn.pack_padded_sequence": [
        ["t", "x", "t3"],
        ["[2, 1]", "[6, 6]", "torch.tensor([2, 1])", "[1, 2, 1]", "[4, 3]", "[2, 0]", "[1, 2]", "v3"],
        ["True", "False"], ["True", "False"],
    ],
    "utils.rnn.pad_packed_sequence": [
        ["utils.rnn.pack_padded_sequence(t, [2, 1, 1, 1])", "x", "utils.rnn.pack_sequence([v4, v3])"],
        ["True", "False"], ["0.0"], ["None", "3", "9", "1"],
    ],
    "utils.rnn.pack_sequence": [["[v4, v3]", "[v3, v4]", "[]", "x", "[x, v3]"], ["True", "False"]],
    "utils.weight_norm": [["net", "nn.ReLU()"], ["'weight'", "'bias'", "'foo'"], ["0", "1", "None", "5"]],
    "utils.spectral_norm": [["net"], ["'weight'", "'bias'", "'foo'"], ["1", "0", "-1"], ["1e-12"], ["0", "1", "None"]],
    "utils.remove_weight_norm": [["net", "utils.weight_norm(net)"], ["'weight'", "'foo'"]],
    "utils.parametrize.register_parametrization": [
        ["net"], ["'weight'", "'foo'"], ["nn.Identity()", "nn.Linear(3, 2)", "nn.ReLU()"],
    ],
    "utils.parametrize.remove_parametrizations": [["net"], ["'weight'"]],
    "utils.parametrizations.orthogonal": [["net", "nn.ReLU()"], ["'weight'", "'bias'"]],
    "utils.parametrizations.weight_norm": [["net"], ["'weight'", "'bias'", "'foo'"], ["0", "9"]],
    "utils.parametrizations.spectral_norm": [["net"], ["'weight'", "'bias'"], ["1", "0"]],
    "utils.fuse_conv_bn_eval": [["net"], ["net"]],
    "utils.prune.l1_unstructured": [["net"], ["'weight'", "'foo'"], ["0.5", "2", "-1"]],
    "net.load_state_dict": [
        ["net.state_dict()", "{}", "{'weight': x}", "{'weight': 1, 'bias': v3}", "{'foo': x}"], ["True", "False"],
    ],
    "net.register_buffer": [["'a'", "'weight'", "'a.b'", "''", "1"], ["x", "None", "1", "p"]],
    "net.register_parameter": [["'a'", "'weight'", "'a.b'", "''", "1"], ["p", "None", "x", "p * 1"]],
    "net.add_module": [["'a'", "'weight'", "'a.b'", "''", "1"], ["net", "None", "x", "1"]],
    "net.get_submodule": [["''", "'a'", "'weight'", "1"]],
    "net.get_parameter": [["'weight'", "'a.b'", "''", "'in_features'"]],
    "net.to": [["torch.float64", "'meta'", "torch.int64", "'a'", "x", "None", "1.5"]],
    "net.apply": [["lambda m: None", "1"]],
    "net.train": [["True", "False", "1", "'a'"]],
    "net.requires_grad_": [["True", "False", "'a'", "1"]],
    "net.__setattr__": [["'weight'", "'bias'", "'foo'", "'training'"], ["x", "p", "None", "1", "net"]],
    "net.__getattr__": [["'foo'", "'weight'"]],
    "net.register_forward_hook": [["lambda *a: None", "1"]],
    "net.zero_grad": [["True", "False"]],
    "nn.Parameter": [["x", "l", "None", "1", "r * 2", "[1.0]"], ["True", "False"]],
    "nn.Sequential(net, nn.ReLU()).__getitem__": [["0", "2", "-1", "-3", "'a'", "slice(1)"]],
    "nn.Sequential(net).append": [["net", "1", "None"]],
    "nn.ModuleList([net]).append": [["net", "1", "None"]],
    "nn.ModuleList([net]).extend": [["[net]", "net", "1", "[1]"]],
    "nn.ModuleList([net]).insert": [["0", "5"], ["net", "1"]],
    "nn.ModuleDict({'a': net}).__getitem__": [["'a'", "'b'", "0"]],
    "nn.ModuleDict({'a': net}).update": [["{'b': net}", "[('c', net)]", "1", "[1]", "[(1, 2, 3)]", "{'b': 1}"]],
    "nn.ParameterList([p]).append": [["p", "x", "1", "None"]],
    "nn.ParameterDict({'a': p}).__getitem__": [["'a'", "'b'"]],
}  # fmt: skip
_INIT = {
    f"init.{name}": [["x", "v4", "t", "i", "n", "s", "w", "l", "p", "torch.ones(4, 6)"], *rest]
    for name, rest in {
        "uniform_": [["0.0", "2.0"], ["1.0", "-1"]],
        "normal_": [["0.0"], ["1.0", "-1.0"]],
        "trunc_normal_": [["0.0"], ["1.0"], ["-2.0"], ["2.0"]],
        "constant_": [["1.0", "0"]],
        "ones_": [],
        "zeros_": [],
        "eye_": [],
        "dirac_": [["1", "2", "3"]],
        "xavier_uniform_": [["1.0"]],
        "xavier_normal_": [["1.0"]],
        "kaiming_uniform_": [["0", "0.5"], ["'fan_in'", "'fan_out'", "'fan'"], ["'relu'", "'tanh'", "'foo'"]],
        "kaiming_normal_": [["0", "0.5"], ["'fan_in'", "'fan_out'", "'fan'"], ["'relu'", "'leaky_relu'"]],
        "orthogonal_": [["1", "2.0"]],
        "sparse_": [["0.5", "0.1", "2"], ["0.01"]],
    }.items()
}  # fmt: skip
_INIT["init.calculate_gain"] = [["'relu'", "'tanh'", "'leaky_relu'", "'selu'", "'foo'"], ["None", "0.1", "True"]]
_AUTOGRAD = {
    "torch.autograd.grad": [
        ["r.sum()", "r", "x.sum()", "[r.sum()]", "(r * 2)", "[]", "None"], ["r", "[r]", "x", "[]", "p", "()"],
        ["None", "x", "v3", "[x]", "torch.tensor(1.0)", "[None, None]"], ["None", "True", "False"], ["True", "False"],
    ],
    "torch.autograd.backward": [
        ["r.sum()", "r", "x.sum()", "[r.sum(), r.sum()]", "[]"], ["None", "x", "[x]", "[None]", "s"],
        ["True", "False"],
    ],
    "r.sum().backward": [
        ["None", "s", "x", "1.0", "[x]"], ["True", "False", "None"], ["True", "False"],
        ["None", "[r]", "r", "[]", "[x]", "x", "[r * 2]"],
    ],
    "r.backward": [["None", "x", "v3", "d", "l", "s", "m"]],
    "x.backward": [[]],
    "(r * 2).detach_": [],
    "r.requires_grad_": [["True", "False"]],
    "l.requires_grad_": [["True", "False"]],
    "(r * 2).requires_grad_": [["False"]],
    "r.add_": [["1"]],
    "r.detach().add_": [["1"]],
    "r.register_hook": [["lambda g: g", "1", "lambda g: 'a'"]],
    "x.register_hook": [["lambda g: g"]],
    "(r * 2).retain_grad": [],
    "x.retain_grad": [],
    "after(r * 2, lambda y: (y.register_hook(lambda g: g[0]), y.sum().backward()))[-1:].count": [["0"]],
    "x.__setattr__": [["'requires_grad'", "'grad'", "'data'", "'foo'"], ["True", "x", "v3", "None", "1", "d", "l"]],
    "l.__setattr__": [["'requires_grad'"], ["True", "1"]],
    "r.numpy": [],
    "torch.autograd.functional.jacobian": [
        ["lambda x: x * 2", "lambda x: 1", "lambda x: [x]", "lambda x: (x, 1)"], ["x", "v3", "l", "(x, x)", "1"],
        ["True", "False"], ["True", "False"], ["False", "True"],
    ],
    "torch.autograd.functional.hessian": [
        ["lambda x: (x * x).sum()", "lambda x: x", "lambda x: 1"], ["v3", "l", "(v3,)"],
    ],
    "torch.autograd.functional.vjp": [
        ["lambda x: x * 2", "lambda x: x.sum()"], ["v3", "x"], ["None", "v3", "x", "1", "v4"],
    ],
    "torch.autograd.functional.jvp": [["lambda x: x * 2", "lambda x: x.sum()"], ["v3", "s"], ["None", "v3", "x", "1"]],
    "torch.autograd.functional.hvp": [["lambda x: (x * x).sum()", "lambda x: x"], ["v3"], ["None", "v3", "x"]],
    "torch.autograd.gradcheck": [["lambda x: x * 2", "lambda x: 1"], ["d.requires_grad_()", "r", "x", "(d,)"]],
    "torch.set_grad_enabled": [["True", "False"]],
    "torch.no_grad": [[]],
    "torch.autograd.Function.apply": [["x"]],
}  # fmt: skip
_FUNC = {
    "torch.func.grad(lambda x: x.sum())": [["x", "v3", "1.0", "l", "[x]", "s"]],
    "torch.func.grad(lambda x: x)": [["x", "s", "1.0"]],
    "torch.func.grad(lambda x: 1)": [["x"]],
    "torch.func.grad(lambda x: (x.sum(), x), has_aux=True)": [["x", "s"]],
    "torch.func.grad(lambda x: x.sum(), has_aux=True)": [["x"]],
    "torch.func.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))": [["x", "1"], ["x", "v3"]],
    "torch.func.grad(lambda x, y: (x * y).sum(), argnums=5)": [["x"], ["x"]],
    "torch.func.vmap(lambda x: x * 2)": [["x", "s", "1", "t", "n", "[x]", "(x, x)"]],
    "torch.func.vmap(lambda x, y: x + y)": [["x", "v4"], ["x", "x23", "v3", "1"]],
    "torch.func.vmap(lambda x, y: x + y, in_dims=(0, None))": [["x"], ["v4", "x", "1"]],
    "torch.func.vmap(lambda x: x, in_dims=5)": [["x"]],
    "torch.func.vmap(lambda x: x, in_dims='a')": [["x"]],
    "torch.func.vmap(lambda x: x, in_dims=(0, 0))": [["x"]],
    "torch.func.vmap(lambda x: x, out_dims=5)": [["x"]],
    "torch.func.vmap(lambda x: x, out_dims=(0, 1))": [["x"]],
    "torch.func.vmap(lambda x: 1)": [["x"]],
    "torch.func.vmap(lambda x: x.item())": [["v3"]],
    "torch.func.vmap(lambda x: x if x > 1 else -x)": [["v3"]],
    "torch.func.vmap(lambda x: x.sum(), randomness='a')": [["x"]],
    "torch.func.vmap(lambda x: torch.rand(2) + x)": [["v3"]],
    "torch.func.jacrev(lambda x: x * 2)": [["v3", "1", "l", "s"]],
    "torch.func.jacfwd(lambda x: x * 2)": [["v3", "1", "l", "s"]],
    "torch.func.jacrev(lambda x: 1)": [["v3"]],
    "torch.func.hessian(lambda x: (x * x).sum())": [["v3", "l", "1"]],
    "torch.func.vjp": [["lambda x: x * 2", "1"], ["v3", "1"]],
    "torch.func.vjp(lambda x: x * 2, v3)[1]": [["v3", "x", "1", "None", "v4"]],
    "torch.func.jvp": [
        ["lambda x: x * 2", "1"], ["(v3,)", "v3", "[v3]", "()", "(1,)"],
        ["(v3,)", "v3", "(v4,)", "(x, x)", "(d,)", "()"],
    ],
    "torch.func.functional_call": [
        ["net"], ["{}", "{'weight': torch.ones(3, 4)}", "{'foo': x}", "dict(net.named_parameters())"],
        ["x", "(x,)", "()", "v3"],
    ],
    "torch.func.stack_module_state": [["[net, net]", "[]", "[net, nn.ReLU()]"]],
    "torch.func.linearize(lambda x: x * 2, v3)[1]": [["v3", "x", "1"]],
}  # fmt: skip
_SAVING = {
    "torch.save": [["x", "net", "{'a': x}", "lambda: 1", "1"], ["'a.pt'", "None", "1", "'/nowhere/at/all/a.pt'"]],
    "torch.load": [["'missing.pt'", "None", "1", "''", "'/nowhere/a.pt'"]],
}
_DISTRIBUTIONS = [
    "Normal", "Bernoulli", "Categorical", "Uniform", "Beta", "Gamma", "Exponential", "Poisson", "Laplace", "Cauchy",
    "Gumbel", "HalfNormal", "HalfCauchy", "LogNormal", "StudentT", "Chi2", "Dirichlet", "Multinomial", "Binomial",
    "Geometric", "NegativeBinomial", "OneHotCategorical", "MultivariateNormal", "Pareto", "Weibull", "VonMises",
    "Kumaraswamy", "FisherSnedecor", "Independent", "RelaxedBernoulli", "InverseGamma", "ContinuousBernoulli",
    "MixtureSameFamily", "TransformedDistribution", "LowRankMultivariateNormal", "LKJCholesky", "LogisticNormal",
]  # fmt: skip
_DISTRIBUTION_ARGS = [
    "0.5", "1.0", "s", "x", "v3", "v4", "-x", "x23", "0", "2", "l", "x44", "torch.eye(4)", "-1.0", "nan_", "b", "d",
    "torch.full((3,), 0.5)", "dist.Normal(v3, 1.0)", "dist.Normal(0.0, 1.0)", "dist.Categorical(v3)",
]  # fmt: skip


def _distribution(rng: random.Random) -> str:
    name = rng.choice([n for n in _DISTRIBUTIONS if hasattr(engine.distributions, n)])
    faults = _faults(rng)
    texts: list[str] = []
    by_name = False
    pool = [a.replace("nan_", "float('nan')") for a in _DISTRIBUTION_ARGS]
    for p in _signature(getattr(torch.distributions, name)):
        if p.default is not p.empty and rng.random() < 0.7:
            by_name = True
            continue
        if p.name == "validate_args":
            value = rng.choice(["True", "False", "None"])
        else:
            value = rng.choice(BAD if rng.random() < faults else pool)
        by_name = by_name or rng.random() < 0.1
        texts.append(f"{p.name}={value}" if by_name else value)
    made = f"dist.{name}({', '.join(texts)})"
    if rng.random() < 0.35:
        return made
    then = [".sample()", ".log_prob({})", ".sample({})", ".rsample({})", ".mean", ".variance", ".entropy()", ".cdf({})"]
    then += [".expand({})", ".icdf({})", ".log_prob({})", ".log_prob({})", ".mode", ".stddev"]
    sizes = ["(2,)", "()", "(2, 3)", "2", "torch.Size([2])", "-1", "'a'"]
    step = rng.choice(then)
    return made + step.format(rng.choice(sizes if "sample" in step or "expand" in step else [*pool, *BAD[:8]]))


FAMILIES: dict[str, Callable[[random.Random], str]] = {
    "layers": _layer,
    "optimizers": _optimizer,
    "schedulers": _scheduler,
    "einsum": _einsum,
    "samplers": _sampler,
    "devices": _mixed,
    "data": _data,
    "utils": lambda rng: _from_pools(_UTILS, ["foo=1"], rng),
    "init": lambda rng: _from_pools(_INIT, ["foo=1", "generator=1"], rng),
    "autograd": lambda rng: _from_pools(_AUTOGRAD, ["foo=1", "allow_unused=True", "inputs=x", "create_graph='a'"], rng),
    "func": lambda rng: _from_pools(_FUNC, ["foo=1"], rng),
    "saving": lambda rng: _from_pools(_SAVING, ["foo=1", "map_location='a'", "weights_only=True"], rng),
    "distributions": _distribution,
}
"""How an expression of each family is drawn."""
