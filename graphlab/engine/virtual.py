"""`Virtual`: arrays that have a shape, a type and strides, but no numbers; NumPy's functions on them do no work.

Tensors of the `meta` device and giants of the simulated GPU hold them. Operators with a shape rule never get here: this
is for what computes with NumPy directly. `__array_ufunc__` and `__array_function__` answer with shapes worked out by
rule; the type of a result is found by letting NumPy compute on arrays of no elements. What needs a value fails as in
PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphlab.engine.errors import fail
from graphlab.engine.shapes import Shape, contiguous, dense_like, filled_in, indexed_shape, is_dense, reduced_shape

RULES: dict[Any, Callable[..., Any]] = {}
"""What NumPy's functions do on these arrays; `virtual_rules.py` fills it."""
UFUNCS: dict[str, Callable[[Any, Any, dict[str, Any]], Any]] = {}
"""What the ways of calling a universal function do."""
_ZEROS = bytes(64)
_WITHOUT_KERNEL = (
    "attempted to run this operator with Meta tensors, but there was no fake impl or Meta kernel registered. You may "
    "have run into this message while using an operator with PT2 compilation APIs (torch.compile/torch.export); in "
    "order to use this operator with those APIs you'll need to add a fake impl. Please see the following for next "
    "steps:  "
    "https://pytorch.org/tutorials/advanced/custom_ops_landing_page.html"
)


def no_value() -> NoReturn:
    """Refuse to tell a number that was never computed."""
    fail(RuntimeError, "Tensor.item() cannot be called on meta tensors", kind="virtual_value", op="")


def no_data() -> NoReturn:
    """Refuse to copy numbers that were never computed."""
    fail(NotImplementedError, "Cannot copy out of meta tensor; no data!", kind="virtual_value", op="")


def no_kernel(name: str) -> NoReturn:
    """Refuse an operator whose result's shape depends on values."""
    fail(NotImplementedError, f"aten::{name}: {_WITHOUT_KERNEL}", kind="virtual_value", op=name)


def no_nonzero() -> NoReturn:
    """Refuse to count what is not zero."""
    fail(
        NotImplementedError,
        "The register_meta function for torch.nonzero() raises unimplemented by default, as a correct data-independent "
        "implementation does not exist. This implementation returns a fake value, assuming all elements of the tensor "
        "are non-zero. To enable this registration, please set "
        "'torch.fx.experimental._config.meta_nonzero_assume_all_nonzero' to True.",
        kind="virtual_value",
        op="nonzero",
    )


class _Flags:
    """What programs ask of `array.flags`."""

    __slots__ = ("c_contiguous", "contiguous", "f_contiguous", "forc", "owndata", "writeable")

    def __init__(self, shape: Shape, strides: Shape, itemsize: int, owns: bool) -> None:
        self.c_contiguous = self.contiguous = is_dense(shape, strides, itemsize)
        self.f_contiguous = is_dense(shape[::-1], strides[::-1], itemsize)
        self.forc = self.c_contiguous or self.f_contiguous
        self.owndata = owns
        self.writeable = True


class Virtual(np.ndarray[Any, Any]):
    """An array without numbers. In memory all its strides are 0; those that programs see are kept beside."""

    steps: Shape | None = None  # its strides in bytes; None where it lies in row order
    start = 0  # where its first element lies in its owner's memory, in bytes
    owner: Virtual | None = None  # whose memory it looks at; None where it is its own

    @property  # type: ignore[misc]
    def strides(self) -> Shape:
        """Its strides in bytes, as if it had memory."""
        return contiguous(self.shape, self.itemsize) if self.steps is None else self.steps

    @property
    def flags(self) -> Any:
        """Whether it is contiguous, as if it had memory."""
        return _Flags(self.shape, self.strides, self.itemsize, self.owner is None)

    def root(self) -> Virtual:
        """The array whose memory it looks at."""
        return self if self.owner is None else self.owner

    # NumPy's functions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> Any:
        out = named.pop("out", None)
        if method == "at":
            return None
        if out is not None and all(o is not None for o in out):
            return out[0] if len(out) == 1 else out
        return _rules(UFUNCS)[method](ufunc, inputs, named)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = _rules(RULES).get(function)
        if rule is None:
            no_kernel(function.__name__)
        return rule(*args, **kwargs)

    # Views

    def _seen(self, look: Callable[[Any], Any]) -> Virtual:
        """What a function makes of an array with these strides; it may only look at shape and strides."""
        base: Any = np.empty(1, self.dtype)
        made = look(as_strided(base, self.shape, self.strides))
        here: int = made.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return virtual(made.shape, made.dtype, made.strides, self.start + here, self.root())

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        if any(isinstance(i, (np.ndarray, list, bool, np.bool_)) for i in items):
            return virtual(indexed_shape(self.shape, items), self.dtype)
        if not any(i is Ellipsis for i in items):
            items = (*items, ...)  # keeps NumPy from reading a single element
        return self._seen(lambda a: a[items])

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing: there is nowhere to write to."""

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        """The view where there is one, else a new array."""
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        try:
            return self._seen(lambda a: np.reshape(a, wanted, order=order, copy=False))
        except ValueError:
            if copy is False:
                raise
        sizes = filled_in(wanted, self.size)
        if prod(sizes) != self.size:
            raise ValueError(f"cannot reshape array of size {self.size} into shape {sizes}")
        return virtual(sizes, self.dtype)

    def transpose(self, *axes: Any) -> Any:
        """With its axes in another order."""
        return self._seen(lambda a: a.transpose(*axes))

    def swapaxes(self, a: Any, b: Any) -> Any:
        """With two axes exchanged."""
        return self._seen(lambda x: x.swapaxes(a, b))

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of size 1."""
        return self._seen(lambda a: a.squeeze(axis))

    def diagonal(self, *args: Any, **named: Any) -> Any:
        """Its diagonals."""
        return self._seen(lambda a: a.diagonal(*args, **named))

    def ravel(self, order: Any = "C") -> Any:
        """In one axis."""
        return self.reshape(-1)

    def flatten(self, order: Any = "C") -> Any:
        """A copy in one axis."""
        return virtual((self.size,), self.dtype)

    def view(self, dtype: Any = None, type: Any = None) -> Any:
        """As another type of the same bytes."""
        if dtype is None or dtype is Virtual:
            return self
        return self._seen(lambda a: a.view(dtype))

    @property
    def T(self) -> Any:
        """With its axes reversed."""
        return self.transpose()

    @property
    def mT(self) -> Any:
        """With its last two axes exchanged."""
        return self.swapaxes(-1, -2)

    @property  # type: ignore[misc]
    def real(self) -> Any:
        """Its real part."""
        return self._seen(lambda a: a.real) if self.dtype.kind == "c" else self

    @property  # type: ignore[misc]
    def imag(self) -> Any:
        """Its imaginary part."""
        return self._seen(lambda a: a.imag) if self.dtype.kind == "c" else virtual(self.shape, self.dtype)

    @property
    def flat(self) -> Any:
        """In one axis."""
        return self.reshape(-1)

    # Copies

    def copy(self, order: Any = "C") -> Any:
        """Another one like it."""
        return virtual(self.shape, self.dtype, None if order == "C" else dense_like(self))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: Any = True
    ) -> Any:
        """One like it of another type."""
        if not copy and self.dtype == dtype:
            return self
        kind = np.dtype(dtype)
        if order == "C" or self.steps is None:
            return virtual(self.shape, kind)
        steps = tuple(s // self.itemsize * kind.itemsize for s in dense_like(self))
        return virtual(self.shape, kind, steps)

    def conj(self, *_: Any, **__: Any) -> Any:
        """Its complex conjugate."""
        return self.copy("K")

    conjugate = conj

    def round(self, decimals: Any = 0, out: Any = None) -> Any:
        """Rounded."""
        return self.copy("K")

    def clip(self, *args: Any, **named: Any) -> Any:
        """Kept between two bounds."""
        return np.clip(self, *args, **named)

    def fill(self, value: Any) -> None:
        """Nothing: there is nowhere to write to."""

    def sort(self, *args: Any, **named: Any) -> None:
        """Nothing: there is nothing to sort."""

    def argsort(self, axis: Any = -1, *args: Any, **named: Any) -> Any:
        """Where the elements would go."""
        return virtual((self.size,) if axis is None else self.shape, np.dtype(np.intp))

    def take(self, indices: Any, axis: Any = None, *_: Any, **__: Any) -> Any:
        """Entries picked along an axis."""
        at = np.shape(indices)
        if axis is None:
            return virtual(at, self.dtype)
        d = axis % max(self.ndim, 1)
        return virtual((*self.shape[:d], *at, *self.shape[d + 1 :]), self.dtype)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Entries repeated along an axis."""
        shape = (self.size,) if axis is None else self.shape
        d = 0 if axis is None else axis % self.ndim
        if isinstance(repeats, Virtual):
            no_value()
        many = np.asarray(repeats)
        n = shape[d] * int(many.reshape(-1)[0]) if many.size == 1 else int(many.sum())
        return virtual((*shape[:d], n, *shape[d + 1 :]), self.dtype)

    # Values

    def item(self, *args: Any) -> Any:
        """Never: there is no value."""
        no_value()

    def tolist(self) -> Any:
        """Never: there are no values."""
        no_data()

    def nonzero(self) -> Any:
        """Never: there are no values."""
        no_nonzero()

    def __bool__(self) -> bool:
        no_value()

    def __float__(self) -> float:
        no_value()

    def __int__(self) -> int:
        no_value()

    def __index__(self) -> int:
        no_value()

    def __complex__(self) -> complex:
        no_value()

    def __contains__(self, value: Any) -> bool:
        no_value()

    def __repr__(self) -> str:
        return f"Virtual(shape={self.shape}, dtype={self.dtype})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)


def _rules(table: dict[Any, Any]) -> dict[Any, Any]:
    if not table:
        import_module("graphlab.engine.virtual_rules")
    return table


def known(array: Any) -> bool:
    """Whether there are numbers that can be checked: entries, and not those of an array without numbers."""
    return type(array) is not Virtual and array.size > 0


def virtual(
    shape: Iterable[int], dtype: Any, steps: Shape | None = None, start: int = 0, owner: Virtual | None = None
) -> Virtual:
    """An array of `shape` that holds no numbers; without `steps` it lies in row order."""
    sizes = tuple(shape)
    try:
        made = np.ndarray.__new__(Virtual, sizes, dtype, _ZEROS, 0, (0,) * len(sizes))
    except (ValueError, OverflowError):
        fail(
            RuntimeError,
            f"Storage size calculation overflowed with sizes={list(sizes)}",
            kind="storage_size",
            shape=list(sizes),
        )
    if steps is not None:
        made.steps = tuple(steps)
    if start:
        made.start = start
    if owner is not None:
        made.owner = owner
    return made


# Universal functions


def probe(value: Any, shape: Shape = (0,)) -> Any:
    """An array of no elements in the place of an array; Python's numbers as they are."""
    return np.empty(shape, value.dtype) if isinstance(value, (np.ndarray, np.generic)) else value


def broadcast(values: Iterable[Any]) -> Shape:
    shapes = [np.shape(v) for v in values]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        text = " ".join(str(s).replace(" ", "") for s in shapes)
        raise ValueError(f"operands could not be broadcast together with shapes {text} ") from None


def ordered(shape: Shape, inputs: Iterable[Any], itemsize: int) -> Shape | None:
    """The strides of an elementwise result: as the first input of its shape lies."""
    for each in inputs:
        if isinstance(each, np.ndarray) and each.shape == shape:
            if type(each) is Virtual and each.steps is None:
                return None
            steps = dense_like(each, itemsize)
            return None if steps == contiguous(shape, itemsize) else steps
    return None


# Methods that reduce


def _reduction(name: str) -> Any:
    def method(self: Virtual, axis: Any = None, *args: Any, **named: Any) -> Any:
        keepdims = named.get("keepdims", False) is True
        probe: Any = np.ones(1, self.dtype)
        kept = {k: v for k, v in named.items() if k in ("dtype",) and v is not None}
        if args and name in ("sum", "prod", "mean", "std", "var") and args[0] is not None:
            kept["dtype"] = args[0]
        kind = getattr(probe, name)(**kept).dtype
        return virtual(reduced_shape(self.shape, axis, keepdims), kind)

    method.__name__ = name
    method.__doc__ = f"Its {name} over some axes or all."
    return method


def _cumulation(name: str) -> Any:
    def method(self: Virtual, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        kind = getattr(np.ones(1, self.dtype), name)(dtype=dtype).dtype
        return virtual((self.size,) if axis is None else self.shape, kind)

    method.__name__ = name
    method.__doc__ = f"Its {name} along an axis."
    return method


for _name in ("sum", "prod", "mean", "std", "var", "max", "min", "any", "all", "argmax", "argmin"):
    setattr(Virtual, _name, _reduction(_name))
for _name in ("cumsum", "cumprod"):
    setattr(Virtual, _name, _cumulation(_name))


def _refused(name: str) -> Any:
    def method(self: Virtual, *args: Any, **named: Any) -> Any:
        no_kernel(name)

    method.__name__ = name
    method.__doc__ = "Never: there is no rule for it."
    return method


for _name in (
    "argpartition", "byteswap", "choose", "compress", "dot", "dump", "dumps", "partition", "put", "resize",
    "searchsorted", "setfield", "tobytes", "tofile", "trace",
):  # fmt: skip
    setattr(Virtual, _name, _refused(_name))
