"""The meta device: over PyTorch's operator database and for whole models, the shapes and types that the cpu gives."""

from __future__ import annotations

import copy
import gc
import random
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from op_samples import NotConverted, convert, described, dtype_of, flat, label, raised  # noqa: E402
from op_table import ours, rows_wanted  # noqa: E402

import graphlab.engine as engine  # noqa: E402
from graphlab.engine.device import META, Virtual, hollow, root, virtual  # noqa: E402
from graphlab.engine.tensor import wrap  # noqa: E402

MAX_SAMPLES = 12
NO_TENSORS = {"broadcast_shapes"}
"""Entries that take no tensors and make none."""
OTHER_SHAPE = {
    "native_batch_norm": "outside training, PyTorch's CPU kernel tells statistics that its meta kernel leaves out",
    "native_layer_norm": "the statistics of bfloat16 are float32 on PyTorch's meta device, bfloat16 on its cpu",
    "masked.var": "of complex numbers is complex on PyTorch's meta device, real on its cpu",
    "masked.std": "as for var",
}
"""Entries whose results on PyTorch's meta device are not those of its CPU kernels."""
OTHER_ERROR = {
    "arange": "the type of out= is refused before the step is looked at",
    "complex": "PyTorch's meta kernel asserts where its CPU kernel raises RuntimeError",
    "masked_fill": "complex values into real tensors",
    "gather": "out= of another type",
}
"""Entries whose refusals are not PyTorch's, neither those of its meta nor of its CPU kernels."""


def on_meta(value: Any) -> Any:
    """The arguments with tensors of the same shapes, types and strides on the meta device."""
    if isinstance(value, engine.Tensor):
        array, memory = value._array, root(value._array)
        owner = None if memory is array else hollow(memory)
        at = value.storage_offset() * array.itemsize
        made = wrap(virtual(array.shape, array.dtype, array.strides, at, owner), META)
        made._rg = value._rg
        return made
    if isinstance(value, tuple | list):
        return type(value)(on_meta(v) for v in value) if type(value) in (tuple, list) else value
    if isinstance(value, dict):
        return {k: on_meta(v) for k, v in value.items()}
    if isinstance(value, engine.device) or (isinstance(value, str) and value == "cpu"):
        return engine.device("meta")
    return value


def theirs_on_meta(value: Any) -> Any:
    """The same for PyTorch's arguments."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("meta").requires_grad_(value.requires_grad)
    if isinstance(value, tuple | list):
        return type(value)(theirs_on_meta(v) for v in value) if type(value) in (tuple, list) else value
    return "meta" if isinstance(value, torch.device) or (isinstance(value, str) and value == "cpu") else value


def told(results: Any) -> list[Any]:
    """Shape, type and whether it requires grad of each result."""
    return [
        (tuple(t.shape), str(t.dtype), bool(t.requires_grad)) if hasattr(t, "requires_grad") else type(t).__name__
        for t in flat(results)
    ]


def samples(op: Any, kind: Any, most: int) -> Iterator[tuple[Any, Any, Any]]:
    """Each sample with our arguments for it."""
    with_grad = (kind.is_floating_point or kind.is_complex) and kind in op.supported_backward_dtypes("cpu")
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    for sample in islice(op.sample_inputs("cpu", kind, requires_grad=with_grad), most):
        try:
            args, kwargs = convert((sample.input, *sample.args)), convert(dict(sample.kwargs))
        except NotConverted:
            continue
        for name, value in sample.kwargs.items():
            if isinstance(value, torch.nn.Module):
                kwargs[name] = getattr(engine.nn, type(value).__name__)()
        yield sample, args, kwargs


def check_backward(given: Any, results: Any, what: str) -> None:
    """The gradients of a meta result have the shapes and types of what they belong to, and are on meta."""
    leaves = [t for t in flat(given) if isinstance(t, engine.Tensor) and t._rg]
    outs = [t for t in flat(results) if isinstance(t, engine.Tensor) and t._rg]
    if not leaves or not outs:
        return
    grads = engine.autograd.grad(outs, leaves, [t.detach() for t in outs], allow_unused=True)
    for grad, leaf in zip(grads, leaves, strict=True):
        if grad is not None:
            assert told(grad)[0][:2] == told(leaf)[0][:2], f"gradient of {what}"
            assert grad.device.type == "meta" and type(grad._array) is Virtual, f"gradient of {what}"


ENTRIES = [op for op in rows_wanted() if ours(op) is not None and dtype_of(op) is not None]


def check_entry(op: Any, kind: Any, most: int) -> None:
    """Run samples of an entry on the cpu and on meta, and where it is telling on PyTorch's meta too."""
    function = ours(op)
    engine.manual_seed(42)  # the database's random entries start from it, too
    state = engine.get_rng_state().numpy().copy()
    for n, (sample, args, kwargs) in enumerate(samples(op, kind, most)):
        what = described(op, sample)
        meta_args, meta_kwargs = on_meta(args), on_meta(kwargs)
        if not any(isinstance(t, engine.Tensor) for t in flat((args, tuple(kwargs.values())))):
            meta_kwargs["device"] = "meta"
        engine.manual_seed(42)
        try:
            expected = told(function(*args, **kwargs))
        except Exception:  # what fails on the cpu is no matter of this test
            continue
        engine.manual_seed(42)
        refusal = raised(function, *meta_args, **meta_kwargs)
        if refusal is not None or n < 2:
            theirs: Any = None
            its_refusal = None
            try:
                its_kwargs = {k: theirs_on_meta(v) for k, v in sample.kwargs.items()}
                theirs = op(*theirs_on_meta((sample.input, *sample.args)), **its_kwargs)
            except Exception as error:  # the edge between two engines: any exception is the result
                its_refusal = error
            if refusal is not None:
                assert type(refusal) is type(its_refusal), f"{what}: {refusal!r} INSTEAD OF {its_refusal!r}"
                continue
            if its_refusal is None and op.name not in OTHER_SHAPE:
                assert [e[:2] for e in told(theirs)] == [e[:2] for e in expected], f"{what}: PyTorch's meta"
        found = function(*meta_args, **meta_kwargs)
        assert told(found) == expected, what
        for t in flat(found):
            if isinstance(t, engine.Tensor):
                assert t.device.type == "meta" and type(t._array) is Virtual, what
        # No number is drawn for a tensor without numbers.
        assert np.array_equal(engine.get_rng_state().numpy(), state), what
        check_backward((meta_args, tuple(meta_kwargs.values())), found, what)


TAKING_TENSORS = [pytest.param(op, id=label(op)) for op in ENTRIES if op.name not in NO_TENSORS]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", TAKING_TENSORS)
def test_meta_tells_what_the_cpu_gives(op: Any) -> None:
    check_entry(op, dtype_of(op), MAX_SAMPLES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", TAKING_TENSORS)
def test_meta_tells_the_types_of_complex_numbers_and_halves(op: Any) -> None:
    for kind in (torch.complex64, torch.bfloat16):
        if op.supports_dtype(kind, "cpu"):
            check_entry(op, kind, 2)


@pytest.mark.parametrize(
    "op", [pytest.param(op, id=label(op)) for op in ENTRIES if op.error_inputs_func and op.name not in OTHER_ERROR]
)
@pytest.mark.filterwarnings("ignore")
def test_meta_refuses_what_pytorch_refuses(op: Any) -> None:
    for each in op.error_inputs("cpu"):
        sample = each.sample_input
        try:
            args, kwargs = convert((sample.input, *sample.args)), convert(dict(sample.kwargs))
        except NotConverted:
            continue
        try:
            its_args = theirs_on_meta((sample.input, *sample.args))
        except RuntimeError:
            continue
        theirs = raised(op, *its_args, **{k: theirs_on_meta(v) for k, v in sample.kwargs.items()})
        if theirs is None:
            continue
        on_cpu = raised(op, sample.input, *sample.args, **sample.kwargs)
        mine = raised(ours(op), *on_meta(args), **on_meta(kwargs))
        assert mine is not None, f"{described(op, sample)}: PyTorch refuses this: {theirs}"
        # Where PyTorch's two kernels differ, either one's type will do.
        allowed = {type(theirs).__name__, type(on_cpu).__name__}
        assert type(mine).__name__ in allowed, f"{described(op, sample)}: {mine!r} INSTEAD OF {theirs!r}"


# Whole models


def mlp(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 4))


def cnn(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 4, 3, stride=2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 10),
        nn.LogSoftmax(1),
    )


def encoder(nn: Any) -> Any:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)


def lstm(nn: Any) -> Any:
    return nn.LSTM(5, 7, num_layers=2, batch_first=True, bidirectional=True)


def gpt(nn: Any) -> Any:
    lib = engine if nn is engine.nn else torch

    class Block(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, width: int) -> None:
            super().__init__()
            self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
            self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            b, n, c = x.shape
            q, k, v = (t.view(b, n, 2, c // 2).transpose(1, 2) for t in self.qkv(self.norm(x)).split(c, 2))
            scores = (q @ k.transpose(-2, -1)) * c**-0.5
            mask = lib.tril(lib.ones(n, n, device=x.device)) == 0
            weights = nn.functional.softmax(scores.masked_fill(mask, float("-inf")), -1)
            x = x + self.out((weights @ v).transpose(1, 2).contiguous().view(b, n, c))
            return x + self.feed(self.norm2(x))

    class Gpt(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(50, 16), nn.Embedding(8, 16)
            self.blocks = nn.Sequential(Block(16), Block(16))
            self.head = nn.Linear(16, 50, bias=False)
            self.head.weight = self.tokens.weight

        def forward(self, index: Any) -> Any:
            x = self.tokens(index) + self.places(lib.arange(index.shape[1], device=index.device))
            return self.head(self.blocks(x))

    return Gpt()


MODELS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, str], Any]]] = {
    "mlp": (mlp, lambda lib, where: lib.empty(3, 12, device=where)),
    "cnn": (cnn, lambda lib, where: lib.empty(2, 3, 16, 16, device=where)),
    "encoder": (encoder, lambda lib, where: lib.empty(2, 5, 16, device=where)),
    "lstm": (lstm, lambda lib, where: lib.empty(3, 6, 5, device=where)),
    "gpt": (gpt, lambda lib, where: lib.zeros(2, 6, dtype=lib.int64, device=where)),
}


def steps(lib: Any, name: str, where: str) -> list[Any]:
    """Forward, backward and a step of Adam: shape and type of all that comes out, in order."""
    make, data = MODELS[name]
    with lib.device(where):
        model = make(lib.nn)
    optimizer = lib.optim.Adam(model.parameters(), amsgrad=True)
    outs = model(data(lib, where))
    first = outs[0] if isinstance(outs, tuple) else outs
    loss = (first * first).mean()
    loss.backward()
    optimizer.step()
    grads = [p.grad for p in model.parameters()]
    buffers = list(model.buffers())
    state = [value for param in model.parameters() for value in optimizer.state[param].values()]
    everything = [*flat(outs), loss, *grads, *buffers, *state]
    assert {str(t.device) for t in [*flat(outs), loss, *grads, *buffers]} == {where}
    return [(tuple(t.shape), tuple(t.stride()), str(t.dtype), bool(t.requires_grad)) for t in everything]


@pytest.mark.parametrize("name", MODELS)
def test_whole_models_train_on_meta(name: str) -> None:
    found = steps(engine, name, "meta")
    assert found == steps(engine, name, "cpu")
    assert found == steps(torch, name, "meta")


def test_a_hundred_billion_parameters_take_no_memory() -> None:
    tracemalloc.start()
    try:
        with engine.device("meta"):
            model = engine.nn.Sequential(*(engine.nn.Linear(100_000, 100_000) for _ in range(10)))
        optimizer = engine.optim.Adam(model.parameters())
        x = engine.empty(10**6, 100_000, device="meta")
        model(x).relu().sum().backward()
        optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(p.numel() for p in model.parameters()) == 100_001_000_000
    assert model[0].weight.grad.shape == (100_000, 100_000)
    assert peak < 2 * 2**20


@pytest.mark.parametrize(
    "compute",
    [
        lambda t: t @ t,
        lambda t: t + t.T,
        lambda t: engine.softmax(t, 0),
        lambda t: t.sort(1)[0],
        lambda t: t.cumsum(0),
        lambda t: engine.cat([t, t]),
        lambda t: t[::2, 5:],
        lambda t: t.reshape(-1).topk(7)[1],
        lambda t: t.std(1),
        lambda t: engine.einsum("ij,kj->ik", t, t),
        lambda t: t[engine.empty(9, dtype=engine.int64, device="meta")],
        lambda t: engine.where(t > 0, t, 0.0).norm(dim=1),
        lambda t: t.unfold(0, 1000, 1000).flatten(1),
        lambda t: engine.nn.functional.pad(t, (1, 1)),
        lambda t: engine.nn.functional.layer_norm(t, (10**6,)),
        lambda t: engine.nn.functional.conv2d(t.view(1, 1, 10**6, 10**6), t[:3, :3].reshape(1, 1, 3, 3)),
        lambda t: engine.quantile(t, 0.5, 0),
        lambda t: engine.isclose(t, t),
        lambda t: engine.histc(t),
        lambda t: engine.bucketize(t, t[0]),
    ],
)  # fmt: skip
def test_a_million_by_a_million_takes_no_memory(compute: Callable[[Any], Any]) -> None:
    t = engine.empty(10**6, 10**6, device="meta", requires_grad=True)
    tracemalloc.start()
    try:
        out = compute(t)
        if out.requires_grad:
            out.sum().backward()
            assert t.grad.shape == t.shape
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(out._array) is Virtual
    assert peak < 2**20


# What programs see: each line runs in both

M = "T.empty(3, 4, device='meta')"
SEEN = [
    M,
    "T.empty((), device='meta')",
    "T.empty(0, device='meta')",
    "T.zeros(2, dtype=T.int64, device='meta')",
    "T.ones(3, device='meta', requires_grad=True) * 2",
    "T.nn.Linear(2, 3, device='meta').weight",
    "T.device('meta')",
    "T.empty(3, device='meta:0').device",
    f"{M}.is_meta, {M}.is_cpu, {M}.get_device(), {M}.data_ptr(), {M}.type()",
    f"{M}.T.stride(), {M}.T.is_contiguous(), ({M}.T + 1).stride(), {M}[:, 1:].storage_offset()",
    f"{M}.T.contiguous().stride(), {M}.T.reshape(-1).stride()",
    f"{M}.unsqueeze(1).expand(3, 5, 4).stride(), {M}[::2].stride(), {M}.diagonal().stride()",
    f"{M}.T.view(-1)",
    f"{M}.item()",
    "T.empty(1, device='meta').item()",
    "bool(T.empty(1, device='meta'))",
    f"bool({M})",
    "float(T.empty((), device='meta'))",
    "[1, 2, 3][T.empty((), dtype=T.int64, device='meta')]",
    f"{M}.tolist()",
    f"{M}.numpy()",
    f"{M}.numpy(force=True)",
    f"{M}.cpu()",
    f"{M}.to('cpu')",
    f"T.ones(2).copy_({M}[0, :2])",
    f"{M}.copy_(T.ones(3, 4))",
    f"{M}.nonzero()",
    f"{M}[{M} > 0]",
    f"T.where({M} > 0)",
    f"{M}.unique()",
    f"T.unique_consecutive({M})",
    f"T.masked_select({M}, {M} > 0)",
    f"T.equal({M}, {M})",
    f"T.allclose({M}, {M})",
    f"2.0 in {M}",
    "T.bincount(T.empty(3, dtype=T.int64, device='meta'))",
    "T.nn.functional.one_hot(T.empty(3, dtype=T.int64, device='meta'))",
    "T.repeat_interleave(T.empty(3, device='meta'), T.empty(3, dtype=T.int64, device='meta'))",
    "T.repeat_interleave(T.empty(3, device='meta'), T.empty(3, dtype=T.int64, device='meta'), output_size=6)",
    "T.empty(3, device='meta')[T.empty((), dtype=T.int64, device='meta')]",
    "T.empty(3, device='meta')[T.tensor([0, 1])], T.empty(3, device='meta')[T.tensor([True, False, True])]",
    "T.empty(3, device='meta') + T.ones(3)",
    "T.ones(3) + T.empty(3, device='meta')",
    "T.empty(3, device='meta') + T.tensor(1.0)",
    "T.cat([T.empty(3, device='meta'), T.ones(3)])",
    "T.empty(10**10, 10**10, device='meta')",
    "T.tensor([1.0, 2.0], device='meta'), T.arange(5, device='meta'), T.eye(3, device='meta')",
    "T.zeros_like(T.ones(3), device='meta'), T.ones(3).to('meta')",
    "'{}'.format(T.empty((), device='meta'))",
    "'{:.2f}'.format(T.empty((), device='meta'))",
    "T.nn.Linear(2, 3, device='meta').to('cpu')",
    "T.nn.Linear(2, 3, device='meta').cpu()",
    "T.nn.Linear(2, 3, device='meta').to_empty(device='cpu').weight.device",
    "T.nn.Linear(2, 3).to('meta').weight",
    "T.nn.Linear(2, 3, device='meta').state_dict()",
    "T.nn.Linear(2, 3).load_state_dict(T.nn.Linear(2, 3, device='meta').state_dict())",
    "T.nn.init.xavier_uniform_(T.nn.Linear(2, 3, device='meta').weight)",
    "T.ones(2, requires_grad=True).__setattr__('grad', T.empty(2, device='meta'))",
    "(T.empty(2, device='meta', requires_grad=True) * 2).backward(T.ones(2))",
    "T.ones(2, requires_grad=True).to('meta').sum().backward()",
]


@pytest.mark.parametrize("line", SEEN)
def test_programs_see_what_they_see_in_pytorch(line: str) -> None:
    def run(lib: Any) -> str:
        try:
            return repr(eval(line, {"T": lib}))
        except Exception as error:  # the edge between two engines: any exception is the result
            return f"{type(error).__name__}: {error}"

    assert run(engine) == run(torch)


def test_load_state_dict_can_assign() -> None:
    source, model = engine.nn.Linear(2, 3), engine.nn.Linear(2, 3, device="meta")
    with pytest.warns(UserWarning, match="which is a no-op"):
        model.load_state_dict(source.state_dict())
    assert model.weight.is_meta
    model.load_state_dict(source.state_dict(), assign=True)
    assert model.weight.device.type == "cpu" and model.weight.requires_grad
    assert model(engine.ones(1, 2)).tolist() == source(engine.ones(1, 2)).tolist()


def test_meta_draws_no_random_numbers() -> None:
    engine.manual_seed(0)
    expected = engine.randn(3).tolist()
    engine.manual_seed(0)
    engine.randn(5, device="meta")
    engine.nn.Linear(4, 4, device="meta")
    engine.nn.functional.dropout(engine.empty(5, device="meta"))
    engine.empty(5, device="meta").normal_().exponential_().bernoulli_()
    assert engine.randn(3).tolist() == expected


def test_views_know_their_base() -> None:
    base = engine.empty(3, 4, device="meta")
    view = base[1:].T
    assert view._base is base and view.storage_offset() == 4
    view.add_(1)
    assert base._version_number == 1


def test_in_place_writes_are_followed() -> None:
    x = engine.empty(3, 4, device="meta", requires_grad=True)
    y = x * 2
    y[0] = 1.0
    y[:, 1] += 3
    y.add_(engine.empty(4, device="meta"))
    y.sum().backward()
    assert told(x.grad) == [((3, 4), "torch.float32", False)]
    with pytest.raises(RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"):
        engine.empty(3, device="meta").add_(engine.empty(2, 3, device="meta"))
    z = x.exp()
    z.add_(1)
    with pytest.raises(RuntimeError, match=r"\[MetaFloatType \[3, 4\]\], which is output 0 of Exp, is at version 1"):
        z.sum().backward()


def test_functions_and_hooks_get_meta_tensors() -> None:
    seen = []

    class Square(engine.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            seen.append(g)
            return 2 * x * g

    x = engine.empty(3, device="meta", requires_grad=True)
    x.register_hook(seen.append)
    Square.apply(x).sum().backward()
    assert [str(g.device) for g in [*seen, x.grad]] == ["meta"] * 3


def test_double_backward_and_copies() -> None:
    x = engine.empty(3, device="meta", requires_grad=True)
    (first,) = engine.autograd.grad((x**3).sum(), x, create_graph=True)
    (second,) = engine.autograd.grad(first.sum(), x)
    assert told([first, second]) == [((3,), "torch.float32", True), ((3,), "torch.float32", False)]
    model = engine.nn.Linear(2, 3, device="meta")
    assert told(copy.deepcopy(model).weight) == told(model.weight)


def test_giants_of_the_simulated_gpu_use_the_same_rules() -> None:
    t = engine.zeros(2**14, 2**13, device="cuda")  # 512 MiB
    values, places = t.sort(1)
    assert (values.shape, places.dtype) == (t.shape, engine.int64)
    assert t[0:4, ::2].sum(1).shape == (4,)
    assert engine.einsum("ij,kj->ik", t[:2], t).shape == (2, 2**14)
    assert t.max(0)[1].shape == (2**13,)
    refusal = raised(t.unique)
    assert isinstance(refusal, NotImplementedError) and "_unique2" in str(refusal)
    # A caught exception holds on to the giant that it was about.
    del refusal, t, values, places
    gc.collect()
