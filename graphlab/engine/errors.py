"""Errors in PyTorch's types and words. Each carries its facts as attributes, so that nobody parses our own messages."""

from __future__ import annotations

from typing import Any, NoReturn


class OutOfMemoryError(RuntimeError):
    """A device has not enough free memory: `torch.OutOfMemoryError`."""

    __module__ = "torch"  # what tracebacks print before the name


def make(type_: type[BaseException], message: str, *, kind: str = "", **facts: Any) -> BaseException:
    """An exception with PyTorch's words that carries what it is about in `.kind` and `.facts`."""
    error: Any = type_(message)
    error.kind = kind
    error.facts = facts
    return error  # type: ignore[no-any-return]


def fail(type_: type[BaseException], message: str, *, kind: str = "", **facts: Any) -> NoReturn:
    """Raise an exception with PyTorch's words; see `make`."""
    raise make(type_, message, kind=kind, **facts)


def broadcast(op: str, a: tuple[int, ...], b: tuple[int, ...]) -> BaseException:
    """The error for two shapes that do not broadcast, at the last dimension that clashes, as PyTorch counts it."""
    n = max(len(a), len(b))
    for back in range(1, n + 1):
        size_a = a[-back] if back <= len(a) else 1
        size_b = b[-back] if back <= len(b) else 1
        if size_a != size_b and size_a != 1 and size_b != 1:
            dim = n - back
            return make(
                RuntimeError,
                f"The size of tensor a ({size_a}) must match the size of tensor b ({size_b}) "
                f"at non-singleton dimension {dim}",
                kind="broadcast",
                op=op,
                shapes=[list(a), list(b)],
                dim=dim,
                sizes=[size_a, size_b],
            )
    return make(RuntimeError, "shapes do not broadcast", kind="broadcast", op=op, shapes=[list(a), list(b)])


def wrap_dim(dim: Any, n_dims: int, op: str = "") -> int:
    """`dim` counted from the front; a 0-dim tensor counts as having one."""
    n = n_dims or 1
    if not -n <= dim < n:
        fail(
            IndexError,
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})",
            kind="dim_range",
            op=op,
            dim=int(dim),
            n_dims=n_dims,
        )
    return int(dim) + n if dim < 0 else int(dim)


def wrap_dims(dims: Any, n_dims: int, op: str = "") -> tuple[int, ...]:
    """Several dims counted from the front, each at most once."""
    out = tuple(wrap_dim(d, n_dims, op) for d in dims)
    for i, d in enumerate(out):
        if d in out[:i]:
            fail(RuntimeError, f"dim {d} appears multiple times in the list of dims", kind="dim_repeated", op=op, dim=d)
    return out


_TYPE_NAMES = {
    "Size": "torch.Size",
    "dtype": "torch.dtype",
    "device": "torch.device",
    "Generator": "torch._C.Generator",
}


def type_name(value: Any) -> str:
    """What PyTorch calls the type of a value in its messages."""
    kind = type(value)
    if kind.__module__ == "numpy":
        return f"numpy.{kind.__name__}"
    if kind.__module__ == "collections":
        return f"collections.{kind.__name__}"
    if kind.__module__.startswith(("graphlab.engine.", "torch")):
        return _TYPE_NAMES.get(kind.__name__, kind.__name__)
    return kind.__name__
