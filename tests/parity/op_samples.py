"""PyTorch's own operator database as test cases: its samples, run in both, compared."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphlab.engine as engine

MAX_ELEMENTS = 20_000


class NotConverted(Exception):  # noqa: N818 - a fact, not a fault
    """A sample holds what this engine does not have (a complex number, a sparse layout, …)."""


def entries() -> list[Any]:
    """The entries of the database whose operator is here, the first variant of each name and variant first."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [op for op in op_db if function_of(op) is not None]


def label(op: Any) -> str:
    """A name for one entry: "std.unbiased"."""
    return op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")


_T = engine.Tensor
_AS_METHODS = {
    *("bool", "double", "float", "half", "int", "long", "short", "char", "byte", "where"),
    *("bfloat16", "cdouble", "cfloat"),
}
_SPECIAL: dict[str, Any] = {
    "__getitem__": _T.__getitem__,
    "__radd__": _T.__radd__,
    "__rsub__": _T.__rsub__,
    "__rmul__": _T.__rmul__,
    "__rdiv__": _T.__rtruediv__,
    "__rmod__": _T.__rmod__,
    "__rpow__": _T.__rpow__,
    "__rmatmul__": lambda a, b: b @ a,
    "__rand__": _T.__rand__,
    "__ror__": _T.__ror__,
    "__rxor__": _T.__rxor__,
    "T": lambda a: a.T,
    "H": lambda a: a.H,
    "mT": lambda a: a.mT,
    "mH": lambda a: a.mH,
    # The database gives these their arguments in another order.
    "where": lambda a, condition, b: engine.where(condition, a, b),
    "einsum": lambda tensors, equation: engine.einsum(equation, tensors),
    "svd_lowrank": lambda a, b, **named: engine.svd_lowrank(a @ b.mT, **named),
    "pca_lowrank": lambda a, b, **named: engine.pca_lowrank(a @ b.mT, **named),
    "normal.number_mean": lambda std, mean, *args, **named: engine.normal(mean, std, *args, **named),
    "normal.in_place": lambda t, *args, **named: t.normal_(*args, **named),
    "polygamma": lambda x, n: engine.polygamma(n, x),
    "special.polygamma": lambda x, n: engine.special.polygamma(n, x),
    "nn.functional.embedding_bag": lambda weight, index, offsets=None, **named: engine.nn.functional.embedding_bag(
        index, weight, offsets, **named
    ),
    "nn.functional.embedding": lambda weight, index, **named: engine.nn.functional.embedding(index, weight, **named),
}


def function_of(op: Any) -> Any:
    """Our function for an entry, or None."""
    for name in (label(op), op.name):
        if name in _SPECIAL:
            return _SPECIAL[name]
    if op.name in _AS_METHODS:
        return getattr(_T, op.name)
    where: Any = engine
    parts = op.name.split(".")
    try:
        for part in parts:
            where = getattr(where, part)
    except (AttributeError, ImportError):
        return getattr(_T, op.name, None) if len(parts) == 1 else None
    return where


def dtype_of(op: Any) -> Any:
    """float32 where the operator takes it, else int64, else bool."""
    import torch

    for each in (torch.float32, torch.int64, torch.bool):
        if op.supports_dtype(each, "cpu"):
            return each
    return None


def numbers(value: Any) -> Any:
    """A PyTorch tensor's numbers as an array; bfloat16, which NumPy does not have, by its package."""
    import torch

    value = value.detach().resolve_conj().resolve_neg()
    if value.dtype is torch.bfloat16:
        import ml_dtypes

        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.numpy()


def _with_memory(value: Any) -> Any:
    """A tensor's numbers as an array that looks at a copy of the same memory, with the same strides and offset."""
    array = numbers(value)
    n = value.untyped_storage().nbytes() // value.element_size()
    if n <= value.numel() or n > MAX_ELEMENTS:
        return np.array(array, order="K")
    memory = np.array(numbers(value.detach().resolve_conj().as_strided((n,), (1,), 0)))
    steps = tuple(s * value.element_size() for s in value.stride())
    return np.ndarray(tuple(value.shape), memory.dtype, memory, value.storage_offset() * value.element_size(), steps)


def convert(value: Any, leaves: list[tuple[Any, Any]] | None = None) -> Any:
    """A PyTorch argument as ours; `leaves` gets the pairs of tensors that require grad."""
    import torch

    if isinstance(value, torch.Tensor):
        if value.dtype is torch.complex32 or value.layout is not torch.strided:
            raise NotConverted(str(value.dtype))
        if value.numel() > MAX_ELEMENTS:
            raise NotConverted("large")
        try:
            array = _with_memory(value)
        except (TypeError, RuntimeError, ValueError):
            raise NotConverted(str(value.dtype)) from None
        made = engine.from_numpy(array)
        if value.requires_grad:
            made.requires_grad_(True)
            if leaves is not None:
                leaves.append((value, made))
        return made
    if isinstance(value, torch.dtype):
        name = str(value).removeprefix("torch.")
        found = getattr(engine, name, None)
        if found is None:
            raise NotConverted(name)
        return found
    if isinstance(value, torch.Size):
        return engine.Size(value)
    if isinstance(value, torch.device):
        if value.type not in ("cpu",):
            raise NotConverted(str(value))
        return engine.device(value.type)
    if isinstance(value, (torch.Generator, torch.layout, torch.memory_format)):
        if value in (torch.strided, torch.contiguous_format, torch.preserve_format):
            return None
        raise NotConverted(str(value))
    if isinstance(value, tuple):
        return tuple(convert(v, leaves) for v in value)
    if isinstance(value, list):
        return [convert(v, leaves) for v in value]
    if isinstance(value, dict):
        return {k: convert(v, leaves) for k, v in value.items()}
    return value


def flat(value: Any) -> list[Any]:
    """All tensors and numbers of a result."""
    if isinstance(value, (tuple, list)):
        return [each for v in value for each in flat(v)]
    return [value]


TOLERANCE = {"torch.float16": 2e-3, "torch.bfloat16": 1.6e-2}
"""For types of few digits: a last digit or two, of values about 1."""


def compare(theirs: Any, ours: Any, what: str, rtol: float = 2e-5, atol: float = 2e-5) -> None:
    """Fail with a sentence unless both results are the same."""
    a, b = flat(theirs), flat(ours)
    assert len(a) == len(b), f"{what}: {len(b)} results instead of {len(a)}"
    import torch

    for x, y in zip(a, b):
        if not isinstance(x, torch.Tensor):
            assert x == y or (x != x and y != y), f"{what}: {y!r} instead of {x!r}"
            continue
        assert isinstance(y, engine.Tensor), f"{what}: a {type(y).__name__} instead of a tensor"
        assert tuple(x.shape) == tuple(y.shape), f"{what}: shape {tuple(y.shape)} instead of {tuple(x.shape)}"
        assert str(x.dtype) == str(y.dtype), f"{what}: {y.dtype} instead of {x.dtype}"
        mine, expected = y.detach().numpy(), numbers(x)
        few = TOLERANCE.get(str(x.dtype), 0.0)
        if few:
            mine, expected = mine.astype(np.float64), expected.astype(np.float64)
            # What cancels out has lost digits of what was added up.
            known = np.abs(expected[np.isfinite(expected)])
            rtol, atol = few, few * max(1.0, float(known.max(initial=0.0)))
        np.testing.assert_allclose(mine, expected, rtol=rtol, atol=atol, err_msg=what, equal_nan=True)


UP_TO_SIGN = {"svd", "linalg.svd", "linalg.eigh", "linalg.eig", "svd_lowrank", "pca_lowrank"}
"""Vectors of these have no sign of their own: PyTorch's tests look at what the samples' own functions leave of them."""


def judged(op: Any, sample: Any, result: Any) -> Any:
    """What is to be the same of a result: all of it, save for vectors that are only fixed up to their sign."""
    return sample.output_process_fn_grad(result) if op.name in UP_TO_SIGN else result


def cotangents(results: list[Any]) -> list[Any]:
    """A fixed gradient for each result."""
    import torch

    out = []
    for i, x in enumerate(results):
        n = x.numel()
        values = np.cos(np.arange(n, dtype=np.float64) * 0.7 + i).reshape(tuple(x.shape))
        if x.dtype.is_complex:
            values = values + 1j * np.sin(np.arange(n) * 0.9 + i).reshape(tuple(x.shape))
        out.append(torch.from_numpy(np.asarray(values)).to(x.dtype))
    return out


def described(op: Any, sample: Any) -> str:
    """A call in a few words: shapes instead of numbers."""

    def short(value: Any) -> str:
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        if isinstance(value, (tuple, list)):
            return "(" + ", ".join(short(v) for v in value) + ")"
        return repr(value)[:60]

    named = [f"{k}={short(v)}" for k, v in sample.kwargs.items()]
    return f"{label(op)}({', '.join([short(sample.input), *map(short, sample.args), *named])})"[:300]


def check_sample(op: Any, sample: Any, with_grad: bool) -> bool:
    """Run one sample in both; False when it can't be converted."""
    import torch

    leaves: list[tuple[Any, Any]] = []
    try:
        args = convert((sample.input, *sample.args), leaves)
        kwargs = convert(dict(sample.kwargs), leaves)
    except NotConverted:
        return False
    # The database's random operators start from this seed.
    engine.manual_seed(42)
    ours = judged(op, sample, function_of(op)(*args, **kwargs))
    torch.manual_seed(42)
    theirs = judged(op, sample, op(sample.input, *sample.args, **sample.kwargs))
    what = described(op, sample)
    compare(theirs, ours, what)
    if not with_grad or not leaves:
        return True
    pairs = [
        (x, y)
        for x, y in zip(flat(theirs), flat(ours))
        if isinstance(x, torch.Tensor) and x.requires_grad and (x.dtype.is_floating_point or x.dtype.is_complex)
    ]
    if not pairs:
        return True
    for _, y in pairs:
        assert y.requires_grad, f"{what}: the result does not require grad"
    gs = cotangents([x for x, _ in pairs])
    expected = torch.autograd.grad([x for x, _ in pairs], [a for a, _ in leaves], gs, allow_unused=True)
    got = engine.autograd.grad(
        [y for _, y in pairs], [b for _, b in leaves], [convert(g) for g in gs], allow_unused=True
    )
    for e, g in zip(expected, got):
        if e is None or g is None:
            # Where one of the two says "not used", the other's gradient must be zero.
            other = e if g is None else g
            assert other is None or not np.any(other.detach().numpy()), f"{what}: gradient is None in one only"
            continue
        # A zero tensor of PyTorch's own kind has no memory: adding makes it one that has.
        compare(e + 0 if e._is_zerotensor() else e, g, what + " gradient", rtol=1e-4, atol=1e-4)
    return True


def raised(function: Any, *args: Any, **kwargs: Any) -> BaseException | None:
    """The exception of a call."""
    try:
        function(*args, **kwargs)
    except Exception as error:  # the edge between the two engines: any exception is the result
        return error
    return None


def check_error(op: Any, error_input: Any) -> bool:
    """Run inputs that must fail in both; compare type and message. False when they can't be converted."""
    sample = error_input.sample_input
    try:
        args = convert((sample.input, *sample.args))
        kwargs = convert(dict(sample.kwargs))
    except NotConverted:
        return False
    what = described(op, sample)
    theirs = raised(op, sample.input, *sample.args, **sample.kwargs)
    if theirs is None or "meta" in str(theirs) or isinstance(theirs, NotImplementedError):
        return False
    ours = raised(function_of(op), *args, **kwargs)
    assert ours is not None, f"{what}: PyTorch refuses this: {theirs}"
    assert type(ours).__name__ == type(theirs).__name__, (
        f"{what}: {type(ours).__name__}: {ours} INSTEAD OF {type(theirs).__name__}: {theirs}"
    )
    assert first_line(ours) == first_line(theirs), f"{what}: {first_line(ours)!r} INSTEAD OF {first_line(theirs)!r}"
    return True


def first_line(error: BaseException) -> str:
    """The message without what comes after its first line (signatures, backtraces)."""
    return (str(error).splitlines() or [""])[0]
