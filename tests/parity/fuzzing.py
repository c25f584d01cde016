"""Calls of public functions with good and bad arguments, made in PyTorch and here, and whether they end alike.

A call is plain data ("torch.sum", arguments by their names in VALUES), so that a test can print it, and keep it.
"""

from __future__ import annotations

import random
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphlab.engine as engine
from graphlab.engine.ops import parsing

_KINDS = ("float32", "float64", "int64", "int32", "bool", "uint8")


def _numbers(m: Any, shape: tuple[int, ...], kind: str) -> Any:
    n = int(np.prod(shape, dtype=int))
    values = (np.arange(n) * 7 % 5) / 2 + 0.25
    return m.tensor(values.tolist()).reshape(shape).to(getattr(m, kind))


def _tensor(shape: tuple[int, ...], kind: str = "float32") -> Any:
    return lambda m: _numbers(m, shape, kind)


def _not_finite(m: Any) -> Any:
    return m.tensor([[float("nan"), float("inf"), 1.0], [-float("inf"), -0.0, 2.0]])


VALUES: dict[str, Any] = {
    "x": _tensor((2, 3)),
    "x32": _tensor((3, 2)),
    "x22": _tensor((2, 2)),
    "x33": _tensor((3, 3)),
    "v2": _tensor((2,)),
    "v3": _tensor((3,)),
    "v4": _tensor((4,)),
    "t234": _tensor((2, 3, 4)),
    "t1345": _tensor((1, 3, 4, 5)),
    "scalar": _tensor(()),
    "empty": _tensor((0,)),
    "x03": _tensor((0, 3)),
    "x20": _tensor((2, 0)),
    "double": _tensor((2, 3), "float64"),
    "long": _tensor((2, 3), "int64"),
    "long2": _tensor((2,), "int64"),
    "long3": _tensor((3,), "int64"),
    "long_scalar": _tensor((), "int64"),
    "int": _tensor((2, 3), "int32"),
    "bool": _tensor((2, 3), "bool"),
    "byte": _tensor((2, 3), "uint8"),
    "nan": _not_finite,
    "turned": lambda m: _numbers(m, (3, 2), "float32").t(),
    "strided": lambda m: _numbers(m, (4, 6), "float32")[::2, ::2],
    "stretched": lambda m: _numbers(m, (1, 3), "float32").expand(2, 3),
    "grad": lambda m: _numbers(m, (2, 3), "float32").clone().requires_grad_(),
    "0": lambda m: 0,
    "1": lambda m: 1,
    "2": lambda m: 2,
    "3": lambda m: 3,
    "7": lambda m: 7,
    "-1": lambda m: -1,
    "-2": lambda m: -2,
    "-5": lambda m: -5,
    "10**12": lambda m: 10**12,
    "2**70": lambda m: 2**70,
    "0.5": lambda m: 0.5,
    "1.0": lambda m: 1.0,
    "-1.5": lambda m: -1.5,
    "inf": lambda m: float("inf"),
    "nan number": lambda m: float("nan"),
    "True": lambda m: True,
    "False": lambda m: False,
    "None": lambda m: None,
    "'a'": lambda m: "a",
    "'mean'": lambda m: "mean",
    "'none'": lambda m: "none",
    "(0, 1)": lambda m: (0, 1),
    "(1, 0)": lambda m: (1, 0),
    "(0, 0)": lambda m: (0, 0),
    "(2, 3)": lambda m: (2, 3),
    "(3, 2)": lambda m: (3, 2),
    "(-1,)": lambda m: (-1,),
    "[6]": lambda m: [6],
    "[2, -1]": lambda m: [2, -1],
    "[1, 1.5]": lambda m: [1, 1.5],
    "[1.5]": lambda m: [1.5],
    "['a']": lambda m: ["a"],
    "()": lambda m: (),
    "(10**12, 10**6)": lambda m: (10**12, 10**6),
    "[x, x]": lambda m: [_numbers(m, (2, 3), "float32")] * 2,
    "[x, v3]": lambda m: [_numbers(m, (2, 3), "float32"), _numbers(m, (3,), "float32")],
    "[x, 1]": lambda m: [_numbers(m, (2, 3), "float32"), 1],
    "{}": lambda m: {},
    "float32": lambda m: m.float32,
    "int64": lambda m: m.int64,
    "bool type": lambda m: m.bool,
    "object": lambda m: object(),
}
TENSORS = [k for k, v in VALUES.items() if callable(v)][:26]
_BY_KIND = {
    "Tensor": TENSORS,
    "Scalar": ["1", "2", "0.5", "-1.5", "0", "True", "nan number", "inf"],
    "double": ["0.5", "1.0", "2", "0", "-1.5", "inf"],
    "int64_t": ["0", "1", "2", "-1", "-2", "3", "7", "-5"],
    "SymInt": ["0", "1", "2", "-1", "3", "7"],
    "bool": ["True", "False"],
    "IntArrayRef": ["(0, 1)", "(1, 0)", "1", "2", "0", "-1", "(2, 3)", "(-1,)", "()", "[6]", "(0, 0)", "(3, 2)"],
    "SymIntArrayRef": ["(2, 3)", "(3, 2)", "[6]", "[2, -1]", "1", "2", "()", "(0, 1)", "(-1,)"],
    "TensorList": ["[x, x]", "[x, v3]"],
    "ScalarType": ["float32", "int64", "bool type", "None"],
    "std::string": ["'mean'", "'none'", "'a'"],
    "c10::string_view": ["'mean'", "'none'", "'a'"],
}
LEFT_OUT = re.compile(
    r"^_|^(set_|resize_|resize_as_|as_strided|as_strided_|data_ptr|is_shared|share_memory_|pin_memory|seed|manual_seed|"
    r"initial_seed|get_rng_state|set_rng_state|set_|storage|untyped_storage|apply_|map_|map2_|backward|register_hook|"
    r"compile|vmap|cond|empty|empty_like|new_empty|empty_strided|new_empty_strided|new|rename|rename_|refine_names|"
    r"align_to|align_as|unflatten|names|numpy|type|dump|set_default_.*|set_printoptions|default_generator|rand.*|"
    r"normal_?|uniform_|bernoulli_?|multinomial|poisson|cauchy_|exponential_|geometric_|log_normal_|random_|binomial|"
    r"dropout.*|.*_dropout.*|rrelu_?|alpha_dropout|empty_permuted|grad|save|load|from_file|from_numpy|get_device|"
    r"is_tensor|is_storage|typename|gradcheck|use_deterministic.*|set_grad_enabled|stft|istft|lobpcg|svd_lowrank|"
    r"pca_lowrank|fractional_.*|gumbel_softmax|.*_lowrank|to|cuda|xpu|requires_grad_|retain_grad|__.*|scaled_dot.*|"
    r"multi_head.*|split|unsafe_.*|ctc_loss|einsum|tensordot|meshgrid|block_diag|cartesian_prod|broadcast_tensors)$"
)
"""Names that are tried elsewhere, draw random numbers, or have no like in a process of our own."""


def public_names(module: Any = None) -> dict[str, list[str]]:
    """Functions that both have, by family."""
    import torch
    import torch.nn.functional as functional

    import graphlab.engine.linalg as linalg
    import graphlab.engine.nn.functional as own

    families: dict[str, list[str]] = {"torch": [], "Tensor": [], "F": [], "linalg": []}
    for where, theirs, ours in (
        ("torch", torch, engine),
        ("Tensor", torch.Tensor, engine.Tensor),
        ("F", functional, own),
        ("linalg", torch.linalg, linalg),
    ):
        for name in sorted(dir(ours)):
            key = f"{where}.{name}"
            if LEFT_OUT.match(name) or not parsing.is_known(key) or not callable(getattr(theirs, name, None)):
                continue
            try:
                if callable(getattr(ours, name)):
                    families[where].append(key)
            except AttributeError:
                continue
    return families


@dataclass(frozen=True)
class Call:
    """One call: the name, its arguments by position and by name, as keys of VALUES."""

    key: str
    args: tuple[str, ...] = ()
    kwargs: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        parts = [*self.args, *(f"{k}={v}" for k, v in self.kwargs)]
        return f"{self.key}({', '.join(parts)})"


def draw(key: str, rng: random.Random) -> Call:
    """A call of `key`: mostly of arguments that fit one of its forms, with a fault or two."""
    where = key.partition(".")[0]
    forms = parsing.forms_of(key) or parsing.forms_of("aten." + key.partition(".")[2])
    args: list[str] = [rng.choice(TENSORS)] if where == "Tensor" else []
    kwargs: dict[str, str] = {}
    everything = list(VALUES)
    if not forms:
        names = list(parsing.parameters_of(key))
        n = rng.randint(1, min(4, max(1, len(names))))
        args += [rng.choice(TENSORS if rng.random() < 0.6 and i < 2 else everything) for i in range(n)]
        return Call(key, tuple(args))
    form = rng.choice(forms)
    fault = 0.0 if rng.random() < 0.5 else 0.25
    for i, p in enumerate(form.parameters):
        if p.kind in ("Layout", "Device", "MemoryFormat", "Generator", "Dimname", "DimnameList") or p.name == "out":
            continue
        if p.name in ("pin_memory", "requires_grad"):
            continue
        if p.default is not None and rng.random() < 0.6:
            break
        fitting = _BY_KIND.get(p.kind, everything)
        value = rng.choice(everything if rng.random() < fault else fitting)
        if rng.random() < 0.15 or p.only_by_name:
            kwargs[p.name] = value
        elif len(args) == i + (where == "Tensor"):
            args.append(value)
        else:
            kwargs[p.name] = value
    if rng.random() < 0.04:
        kwargs[rng.choice(["foo", "dim", "axis", "input"])] = rng.choice(everything)
    if rng.random() < 0.04 and args:
        args.append(rng.choice(everything))
    return Call(key, tuple(args), tuple(kwargs.items()))


def _module(m: Any, where: str) -> Any:
    if where == "torch":
        return m
    if where == "Tensor":
        return m.Tensor
    if where == "linalg":
        return m.linalg
    return m.nn.functional


def run(m: Any, call: Call) -> Any:
    """What a call returns."""
    where, _, name = call.key.partition(".")
    args = [VALUES[a](m) for a in call.args]
    kwargs = {k: VALUES[v](m) for k, v in call.kwargs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(_module(m, where), name)(*args, **kwargs)


def outcome(m: Any, call: Call) -> tuple[str, Any]:
    """How a call ends: ("ok", value) or (type of the exception, the first line of its message)."""
    try:
        return "ok", run(m, call)
    except Exception as error:
        text = str(error)
        return type(error).__name__, text.split("\n")[0]


def _plain(value: Any) -> Any:
    if hasattr(value, "requires_grad") and hasattr(value, "detach"):
        array = value.detach()
        kind = str(array.dtype)
        return "tensor", kind, tuple(array.shape), array.tolist()
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple) and a[:1] == ("tensor",) == b[:1]:
        if a[1] != b[1] or a[2] != b[2]:
            return False
        x, y = np.array(a[3]), np.array(b[3])
        if "float" in a[1] or "complex" in a[1]:
            return bool(np.allclose(x, y, 1e-4, 1e-5, equal_nan=True))
        return bool((x == y).all())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_close(x, y) for x, y in zip(a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= 1e-4 * abs(a) or (a != a and b != b)
    return type(a).__name__ == type(b).__name__ and str(a) == str(b)


def same(theirs: tuple[str, Any], ours: tuple[str, Any]) -> bool:
    """Whether two outcomes are alike."""
    if theirs[0] != ours[0]:
        return False
    if theirs[0] != "ok":
        # The forms that are listed, and the order of keywords in what was given, are another test's.
        listing = "received an invalid combination of arguments"
        return bool(theirs[1] == ours[1]) or (listing in theirs[1] and listing in ours[1])
    return _close(_plain(theirs[1]), _plain(ours[1]))


def tell(call: Call, theirs: tuple[str, Any], ours: tuple[str, Any]) -> str:
    """Both outcomes, for a person."""
    shown = [(kind, _plain(value) if kind == "ok" else value) for kind, value in (theirs, ours)]
    return f"{call}\n    torch  {shown[0][0]}: {shown[0][1]}\n    engine {shown[1][0]}: {shown[1][1]}"
