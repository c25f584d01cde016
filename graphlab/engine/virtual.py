"""`Virtual`: arrays that have a shape, a type and strides, but no numbers; NumPy's functions on them do no work.

Tensors of the `meta` device and giants of the simulated GPU hold them. Operators with a shape rule never get here: this
is for what computes with NumPy directly. `__array_ufunc__` and `__array_function__` answer with shapes worked out by
rule; the type of a result is found by letting NumPy compute on arrays of no elements. What needs a value fails as in
PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphlab.engine.errors import fail

Shape = tuple[int, ...]
_ZEROS = bytes(64)
_WITHOUT_KERNEL = (
    "attempted to run this operator with Meta tensors, but there was no fake impl or Meta kernel registered. You may have "
    "run into this message while using an operator with PT2 compilation APIs (torch.compile/torch.export); in order to "
    "use this operator with those APIs you'll need to add a fake impl. Please see the following for next steps:  "
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


def contiguous(shape: Shape, itemsize: int) -> Shape:
    """The strides of an array that lies in row order without gaps."""
    steps = []
    step = itemsize
    for n in reversed(shape):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


class _Flags:
    """What programs ask of `array.flags`."""

    __slots__ = ("c_contiguous", "contiguous", "f_contiguous", "forc", "owndata", "writeable")

    def __init__(self, shape: Shape, strides: Shape, itemsize: int, owns: bool) -> None:
        self.c_contiguous = self.contiguous = _is_dense(shape, strides, itemsize)
        self.f_contiguous = _is_dense(shape[::-1], strides[::-1], itemsize)
        self.forc = self.c_contiguous or self.f_contiguous
        self.owndata = owns
        self.writeable = True


def _is_dense(shape: Shape, strides: Shape, itemsize: int) -> bool:
    if 0 in shape:
        return True
    step = itemsize
    for n, s in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if s != step:
                return False
            step *= n
    return True


class Virtual(np.ndarray[Any, Any]):
    """An array without numbers. In memory all its strides are 0; those that programs see are kept beside."""

    steps: Shape | None = None  # its strides in bytes; None where it lies in row order
    start = 0  # where its first element lies in its owner's memory, in bytes
    owner: Virtual | None = None  # whose memory it looks at; None where it is its own

    @property  # type: ignore[override]
    def strides(self) -> Shape:
        """Its strides in bytes, as if it had memory."""
        return contiguous(self.shape, self.itemsize) if self.steps is None else self.steps

    @property  # type: ignore[override]
    def flags(self) -> Any:
        """Whether it is contiguous, as if it had memory."""
        return _Flags(self.shape, self.strides, self.itemsize, self.owner is None)

    # NumPy's functions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> Any:
        out = named.pop("out", None)
        if method == "at":
            return None
        if out is not None and all(o is not None for o in out):
            return out[0] if len(out) == 1 else out
        return _UFUNC[method](ufunc, inputs, named)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = _RULES.get(function)
        if rule is not None:
            return rule(*args, **kwargs)
        return function._implementation(*args, **kwargs)

    # Views

    def _seen(self, look: Callable[[Any], Any]) -> Virtual:
        """What a function makes of an array with these strides; it may only look at shape and strides."""
        base: Any = np.empty(1, self.dtype)
        made = look(as_strided(base, self.shape, self.strides))
        here: int = made.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return virtual(made.shape, made.dtype, made.strides, self.start + here, self.owner or self)

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
        sizes = _filled_in(wanted, self.size)
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

    @property  # type: ignore[override]
    def real(self) -> Any:
        """Its real part."""
        return self._seen(lambda a: a.real) if self.dtype.kind == "c" else self

    @property  # type: ignore[override]
    def imag(self) -> Any:
        """Its imaginary part."""
        return self._seen(lambda a: a.imag) if self.dtype.kind == "c" else virtual(self.shape, self.dtype)

    @property  # type: ignore[override]
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

    def astype(self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: Any = True) -> Any:
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
        return _clip(self, *args, **named)

    def fill(self, value: Any) -> None:
        """Nothing: there is nowhere to write to."""

    def put(self, *args: Any, **named: Any) -> None:
        """Nothing: there is nowhere to write to."""

    def sort(self, *args: Any, **named: Any) -> None:
        """Nothing: there is nothing to sort."""

    def partition(self, *args: Any, **named: Any) -> None:
        """Nothing: there is nothing to sort."""

    def argsort(self, axis: Any = -1, *args: Any, **named: Any) -> Any:
        """Where the elements would go."""
        return virtual((self.size,) if axis is None else self.shape, np.dtype(np.intp))

    argpartition = None

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

    def trace(self, *args: Any, **named: Any) -> Any:
        """Sums of its diagonals."""
        named.pop("out", None)
        return self.diagonal(*args, **named).sum(-1)

    def searchsorted(self, v: Any, *_: Any, **__: Any) -> Any:
        """Where values would go."""
        return virtual(np.shape(v), np.dtype(np.intp))

    def dot(self, b: Any, out: Any = None) -> Any:
        """Sums of products over the last axis and the last but one."""
        return _dot(self, b)

    # Values

    def item(self, *args: Any) -> Any:
        """Never: there is no value."""
        no_value()

    def tolist(self) -> Any:
        """Never: there are no values."""
        no_data()

    tobytes = tolist

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


def dense_like(array: Any, itemsize: int | None = None) -> Shape:
    """The strides of a copy that keeps the order of the axes and has no gaps."""
    size = itemsize or array.itemsize
    shape, steps = array.shape, array.strides
    order = sorted(range(len(shape)), key=lambda d: (-abs(steps[d]), d))
    dense = contiguous(tuple(shape[d] for d in order), size)
    made = [0] * len(shape)
    for d, s in zip(order, dense):
        made[d] = s
    return tuple(made)


def _filled_in(wanted: Any, size: int) -> Shape:
    sizes = (int(wanted),) if isinstance(wanted, (int, np.integer)) else tuple(int(n) for n in wanted)
    known = prod(n for n in sizes if n != -1)
    return tuple(size // max(known, 1) if n == -1 else n for n in sizes)


def indexed_shape(shape: Shape, key: Any) -> Shape:
    """The shape of `array[key]` by NumPy's rules, arrays and masks among the indices; reads no array but masks."""
    items: list[Any] = []
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, (list, bool, np.bool_)):
            item = np.asarray(item)
        if isinstance(item, np.ndarray) and item.dtype.kind == "b":
            if type(item) is Virtual:
                no_nonzero()
            # A mask stands for the places of its true entries, one array for each of its axes.
            items.extend([("mask", int(np.count_nonzero(item)), n) for n in item.shape] or [("flag", bool(item))])
        else:
            items.append(item)
    used = sum(1 for i in items if i is not None and i is not Ellipsis and not (isinstance(i, tuple) and i[0] == "flag"))
    if used > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed"
        )
    if not any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    out: list[Any] = []
    picked: list[Shape] = []
    at = -1  # where the picked axes go
    runs = 0
    was_array = False
    dim = 0
    for item in items:
        is_array = isinstance(item, (np.ndarray, int, np.integer, tuple))
        if is_array:
            if isinstance(item, tuple):
                picked.append((item[1],) if item[0] == "mask" else (int(item[1]),))
                dim += item[0] == "mask"
            else:
                picked.append(np.shape(item))
                dim += 1
            if not was_array:
                runs += 1
                if at < 0:
                    at = len(out)
        elif item is Ellipsis:
            n = len(shape) - used
            out.extend(shape[dim : dim + n])
            dim += n
            if not n:
                continue  # an Ellipsis of no axes still separates; see below
        elif item is None:
            out.append(1)
        else:
            out.append(len(range(*item.indices(shape[dim]))))
            dim += 1
        was_array = is_array
    if not picked:
        return tuple(out)
    try:
        middle = np.broadcast_shapes(*picked)
    except ValueError:
        shapes = " ".join(str(p).replace(" ", "") for p in picked)
        raise IndexError(
            f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}"
        ) from None
    at = 0 if runs > 1 else at
    return (*out[:at], *middle, *out[at:])


# Universal functions


def _probe(value: Any, shape: Shape = (0,)) -> Any:
    """An array of no elements in the place of an array; Python's numbers as they are."""
    return np.empty(shape, value.dtype) if isinstance(value, (np.ndarray, np.generic)) else value


def _broadcast(values: Iterable[Any]) -> Shape:
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


def _call(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    if ufunc.signature is not None:
        return _generalized(ufunc, inputs, named)
    where = named.pop("where", True)
    named.pop("order", None)
    shape = _broadcast([*inputs, where])
    found = ufunc(*[_probe(i) for i in inputs], **named)
    many = isinstance(found, tuple)
    made = tuple(
        virtual(shape, f.dtype, ordered(shape, inputs, f.dtype.itemsize)) for f in (found if many else (found,))
    )
    return made if many else made[0]


def _generalized(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    ins, outs = ufunc.signature.split("->")
    sizes: dict[str, int] = {}
    missing: set[str] = set()
    loops = []
    axis = named.pop("axis", None)
    for text, value in zip(_cores(ins), inputs):
        shape = np.shape(value)
        if axis is not None:
            shape = (*shape[: axis % len(shape)], *shape[axis % len(shape) + 1 :], shape[axis])
        core = list(text)
        for name in text:
            if len(core) > len(shape) and name.endswith("?"):
                core.remove(name)
                missing.add(name)
        n = len(shape) - len(core)
        if n < 0:
            raise ValueError(f"{ufunc.__name__}: Input operand does not have enough dimensions")
        loops.append(shape[:n])
        for name, size in zip(core, shape[n:]):
            if sizes.setdefault(name, size) != size:
                raise ValueError(
                    f"{ufunc.__name__}: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                    f"{ufunc.signature} (size {size} is different from {sizes[name]})"
                )
    loop = np.broadcast_shapes(*loops)
    found = ufunc(
        *[_probe(v, (0, *(1 for name in text if name not in missing))) for text, v in zip(_cores(ins), inputs)], **named
    )
    many = isinstance(found, tuple)
    made = tuple(
        virtual((*loop, *(sizes.get(n, min(sizes.values(), default=0)) for n in text if n not in missing)), f.dtype)
        for text, f in zip(_cores(outs), found if many else (found,))
    )
    return made if many else made[0]


def _cores(text: str) -> list[list[str]]:
    return [[n.strip() for n in part.strip("()").split(",") if n.strip()] for part in text.split("),")]


def reduced_shape(shape: Shape, axis: Any, keepdims: Any) -> Shape:
    """The shape after the axes are reduced (None: all of them)."""
    n = len(shape)
    if axis is None:
        gone = set(range(n))
    else:
        gone = {a % n if n else 0 for a in (axis if isinstance(axis, (tuple, list)) else (axis,))}
    if keepdims:
        return tuple(1 if d in gone else size for d, size in enumerate(shape))
    return tuple(size for d, size in enumerate(shape) if d not in gone)


def _reduce(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    (array, *rest) = inputs
    axis = rest[0] if rest else named.get("axis", 0)
    dtype = rest[1] if len(rest) > 1 else named.get("dtype")
    keepdims = rest[3] if len(rest) > 3 else named.get("keepdims", False)
    found = ufunc.reduce(np.ones(1, array.dtype), dtype=dtype)
    return virtual(reduced_shape(array.shape, axis, keepdims is True), found.dtype)


def _accumulate(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    array = inputs[0]
    dtype = inputs[2] if len(inputs) > 2 else named.get("dtype")
    return virtual(array.shape, ufunc.accumulate(np.ones(1, array.dtype), dtype=dtype).dtype)


def _outer_ufunc(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    a, b = inputs
    return virtual((*np.shape(a), *np.shape(b)), ufunc(_probe(a), _probe(b), **named).dtype)


def _reduceat(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    array, at = inputs[:2]
    axis = (inputs[2] if len(inputs) > 2 else named.get("axis", 0)) % array.ndim
    kind = ufunc.reduce(np.ones(1, array.dtype), dtype=named.get("dtype")).dtype
    return virtual((*array.shape[:axis], len(at), *array.shape[axis + 1 :]), kind)


_UFUNC: dict[str, Callable[[Any, Any, dict[str, Any]], Any]] = {
    "__call__": _call,
    "reduce": _reduce,
    "accumulate": _accumulate,
    "outer": _outer_ufunc,
    "reduceat": _reduceat,
}


# Methods that reduce


def _reduction(name: str) -> Any:
    def method(self: Virtual, axis: Any = None, *args: Any, **named: Any) -> Any:
        keepdims = named.get("keepdims", False) is True
        probe: Any = np.ones(1, self.dtype)
        kept = {k: v for k, v in named.items() if k in ("dtype",) and v is not None}
        if args and name in ("sum", "prod", "mean", "std", "var") and args[0] is not None:
            kept["dtype"] = args[0]
        kind = getattr(probe, name)(**kept).dtype if name != "ptp" else self.dtype
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


for _name in ("sum", "prod", "mean", "std", "var", "max", "min", "any", "all", "argmax", "argmin", "ptp"):
    setattr(Virtual, _name, _reduction(_name))
for _name in ("cumsum", "cumprod"):
    setattr(Virtual, _name, _cumulation(_name))
Virtual.argpartition = Virtual.argsort  # type: ignore[method-assign,assignment]


# Functions of NumPy that are no universal functions

_RULES: dict[Any, Callable[..., Any]] = {}


def _rule(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            _RULES[function] = rule
        return rule

    return enter


def _as_virtual(value: Any) -> Any:
    """An array of NumPy's as one without numbers; a number as a 0-dim one."""
    if type(value) is Virtual:
        return value
    array = np.asarray(value)
    return virtual(array.shape, array.dtype)


@_rule(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **named: Any) -> Any:
    low, high = named.pop("min", a_min), named.pop("max", a_max)
    if out is not None:
        return out
    given = [v for v in (a, low, high) if v is not None]
    kind = np.clip(*[_probe(v) for v in (a, low, high)], **named).dtype
    return virtual(_broadcast(given), kind)


@_rule(np.where)
def _where(condition: Any, *branches: Any) -> Any:
    if not branches:
        return condition.nonzero()
    shape = _broadcast([condition, *branches])
    return virtual(shape, np.where(np.empty(0, bool), *[_probe(b) for b in branches]).dtype)


@_rule(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [np.asanyarray(a) for a in arrays]
    kind = np.concatenate([_probe(p) for p in parts], dtype=dtype).dtype
    if out is not None:
        return out
    if axis is None:
        return virtual((sum(p.size for p in parts),), kind)
    d = axis % parts[0].ndim
    for p in parts[1:]:
        if p.ndim != parts[0].ndim or any(
            m != n for i, (m, n) in enumerate(zip(parts[0].shape, p.shape)) if i != d
        ):
            raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
    shape = parts[0].shape
    return virtual((*shape[:d], sum(p.shape[d] for p in parts), *shape[d + 1 :]), kind)


@_rule(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    kind = np.dot(_probe(a), _probe(b)).dtype
    sa, sb = np.shape(a), np.shape(b)
    if not sa or not sb:
        return virtual(sa + sb, kind)
    inner = sb[-2] if len(sb) > 1 else sb[0]
    if sa[-1] != inner:
        raise ValueError(f"shapes {sa} and {sb} not aligned: {sa[-1]} (dim {len(sa) - 1}) != {inner} (dim 0)")
    return virtual((*sa[:-1], *sb[:-2], *(sb[-1:] if len(sb) > 1 else ())), kind)


@_rule(np.inner)
def _inner(a: Any, b: Any) -> Any:
    sa, sb = np.shape(a), np.shape(b)
    shape = (*sa[:-1], *sb[:-1]) if sa and sb else sa + sb
    return virtual(shape, np.inner(_probe(a), _probe(b)).dtype)


@_rule(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return virtual((), np.vdot(_probe(a), _probe(b)).dtype)


@_rule(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return virtual((np.size(a), np.size(b)), np.multiply(_probe(a), _probe(b)).dtype)


@_rule(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    sa, sb = np.shape(a), np.shape(b)
    if isinstance(axes, int):
        left, right = tuple(range(len(sa) - axes, len(sa))), tuple(range(axes))
    else:
        left, right = (tuple(x) if isinstance(x, (tuple, list)) else (x,) for x in axes)
    gone_a, gone_b = {d % len(sa) for d in left}, {d % len(sb) for d in right}
    shape = (*(n for d, n in enumerate(sa) if d not in gone_a), *(n for d, n in enumerate(sb) if d not in gone_b))
    return virtual(shape, np.multiply(_probe(a), _probe(b)).dtype)


@_rule(np.kron)
def _kron(a: Any, b: Any) -> Any:
    sa, sb = np.shape(a), np.shape(b)
    n = max(len(sa), len(sb))
    sa, sb = (1,) * (n - len(sa)) + sa, (1,) * (n - len(sb)) + sb
    return virtual(tuple(x * y for x, y in zip(sa, sb)), np.multiply(_probe(a), _probe(b)).dtype)


@_rule(np.einsum)
def _einsum(subscripts: str, *operands: Any, **named: Any) -> Any:
    kind = np.result_type(*operands)
    return virtual(einsum_shape(subscripts, [np.shape(o) for o in operands]), kind)


def einsum_shape(subscripts: str, shapes: list[Shape]) -> Shape:
    """The shape that `einsum` gives: letters and an ellipsis."""
    text = subscripts.replace(" ", "")
    left, _, right = text.partition("->")
    sizes: dict[str, int] = {}
    rest: Shape = ()
    for part, shape in zip(left.split(","), shapes):
        before, dots, after = part.partition("...")
        n = len(shape) - len(before) - len(after)
        for name, size in zip(before + after, (*shape[: len(before)], *shape[len(shape) - len(after) :])):
            if sizes.get(name, 1) == 1:
                sizes[name] = size
        if dots:
            rest = np.broadcast_shapes(rest, shape[len(before) : len(before) + n])
    if "->" not in text:
        letters = left.replace("...", "").replace(",", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    before, _, after = right.partition("...")
    middle = rest if "..." in right else ()
    return (*(sizes[c] for c in before), *middle, *(sizes[c] for c in after))


@_rule(np.empty_like, np.zeros_like, np.ones_like)
def _like(prototype: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None, **_: Any) -> Any:
    sizes = np.shape(prototype) if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    return virtual(sizes, np.dtype(dtype) if dtype is not None else prototype.dtype)


@_rule(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None) -> Any:
    if not isinstance(a, np.ndarray):
        a = np.asarray(a)
    return _like(a, dtype, shape=shape)


@_rule(np.copyto, np.putmask, np.place, np.fill_diagonal, np.put_along_axis)
def _nothing(*args: Any, **named: Any) -> None:
    return None


@_rule(np.copy)
def _copy(a: Any, order: Any = "K", subok: Any = False) -> Any:
    return a.copy(order)


@_rule(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: Any = False) -> Any:
    sizes = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
    return array._seen(lambda a: np.broadcast_to(a, sizes))


@_rule(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: Any = False) -> Any:
    shape = _broadcast(arrays)
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@_rule(np.nan_to_num)
def _nan_to_num(x: Any, copy: Any = True, **_: Any) -> Any:
    return x.copy("K") if copy else x


@_rule(np.lexsort)
def _lexsort(keys: Any, axis: Any = -1) -> Any:
    first = keys[0]
    return virtual(np.shape(first), np.dtype(np.intp))


@_rule(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    return virtual(np.shape(v), np.dtype(np.intp))


@_rule(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    no_kernel("bincount")


@_rule(np.unique)
def _unique(*args: Any, **named: Any) -> Any:
    no_kernel("_unique2")


@_rule(np.flatnonzero, np.argwhere)
def _flatnonzero(a: Any) -> Any:
    no_nonzero()


@_rule(np.array_equal, np.allclose)
def _equal(*args: Any, **named: Any) -> Any:
    no_value()


@_rule(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return virtual(reduced_shape(a.shape, axis, keepdims), np.dtype(np.intp))


@_rule(np.isin, np.isclose)
def _tests(a: Any, b: Any, *args: Any, **named: Any) -> Any:
    return virtual(np.shape(a), np.dtype(bool))


_RULES[np.isclose] = lambda a, b, *args, **named: virtual(_broadcast([a, b]), np.dtype(bool))


@_rule(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **_: Any) -> Any:
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    return virtual(tuple(n + a + b for n, (a, b) in zip(array.shape, widths)), array.dtype)


@_rule(np.apply_along_axis)
def _apply_along_axis(function: Any, axis: Any, array: Any, *args: Any, **named: Any) -> Any:
    d = axis % array.ndim
    found = np.shape(function(np.zeros(array.shape[d], array.dtype), *args, **named))
    return virtual((*array.shape[:d], *found, *array.shape[d + 1 :]), array.dtype)


@_rule(np.median, np.nanmedian, np.nanmean, np.nanmax, np.nanmin, np.nansum, np.nanvar)
def _statistic(a: Any, axis: Any = None, out: Any = None, *args: Any, keepdims: Any = False, **_: Any) -> Any:
    return virtual(reduced_shape(a.shape, axis, keepdims is True), a.dtype)


@_rule(np.quantile, np.nanquantile, np.percentile)
def _quantile(a: Any, q: Any, axis: Any = None, *args: Any, keepdims: Any = False, **_: Any) -> Any:
    kind = np.quantile(np.ones(1, _array_type(a)), np.zeros((), _array_type(q))).dtype
    return virtual((*np.shape(q), *reduced_shape(np.shape(a), axis, keepdims)), kind)


def _array_type(value: Any) -> Any:
    return value.dtype if isinstance(value, np.ndarray) else np.asarray(value).dtype


@_rule(np.interp)
def _interp(x: Any, *args: Any, **named: Any) -> Any:
    return virtual(np.shape(x), np.dtype(np.float64))


@_rule(np.cross)
def _cross(a: Any, b: Any, *args: Any, axis: Any = None, **named: Any) -> Any:
    return virtual(_broadcast([a, b]), np.multiply(_probe(a), _probe(b)).dtype)


@_rule(np.cov, np.corrcoef)
def _cov(m: Any, *args: Any, **named: Any) -> Any:
    n = m.shape[0] if m.ndim > 1 else 1
    return virtual((n, n) if n > 1 else (), np.dtype(np.float64))


@_rule(np.result_type)
def _result_type(*values: Any) -> Any:
    return np.result_type(*[v.dtype if isinstance(v, np.ndarray) else v for v in values])


@_rule(np.shares_memory, np.may_share_memory)
def _shares(a: Any, b: Any, *_: Any) -> bool:
    return (getattr(a, "owner", None) or a) is (getattr(b, "owner", None) or b)


@_rule(np.save, np.savez, np.array2string, np.array_repr, np.array_str)
def _written(*args: Any, **named: Any) -> Any:
    no_data()


# Linear algebra: what NumPy makes of one small matrix of ones on the diagonal tells the types


def _square(a: Any) -> Any:
    return np.eye(1, dtype=a.dtype)


@_rule(np.linalg.inv, np.linalg.cholesky, np.linalg.matrix_power)
def _same_matrix(a: Any, *args: Any, **named: Any) -> Any:
    return virtual(a.shape, np.linalg.inv(_square(a)).dtype)


@_rule(np.linalg.pinv)
def _pinv(a: Any, *args: Any, **named: Any) -> Any:
    return virtual((*a.shape[:-2], a.shape[-1], a.shape[-2]), np.linalg.inv(_square(a)).dtype)


@_rule(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    kind = np.linalg.solve(np.eye(1, dtype=a.dtype), np.ones((1, 1), b.dtype)).dtype
    if b.ndim == 1:
        return virtual((*a.shape[:-2], a.shape[-1]), kind)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return virtual((*batch, a.shape[-1], b.shape[-1]), kind)


@_rule(np.linalg.det)
def _det(a: Any) -> Any:
    return virtual(a.shape[:-2], np.linalg.det(_square(a)).dtype)


@_rule(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    found = np.linalg.slogdet(_square(a))
    return type(found)(virtual(a.shape[:-2], found[0].dtype), virtual(a.shape[:-2], found[1].dtype))


@_rule(np.linalg.eigh, np.linalg.eig)
def _eigen(a: Any, *args: Any) -> Any:
    found = np.linalg.eigh(_square(a))
    return type(found)(virtual(a.shape[:-1], found[0].dtype), virtual(a.shape, found[1].dtype))


@_rule(np.linalg.eigvalsh)
def _eigvalsh(a: Any, *args: Any) -> Any:
    return virtual(a.shape[:-1], np.linalg.eigvalsh(_square(a)).dtype)


@_rule(np.linalg.svd)
def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    *batch, m, n = a.shape
    k = min(m, n)
    found = np.linalg.svd(_square(a))
    s = virtual((*batch, k), found[1].dtype)
    if not compute_uv:
        return s
    u, vh = ((m, m), (n, n)) if full_matrices else ((m, k), (k, n))
    return type(found)(virtual((*batch, *u), found[0].dtype), s, virtual((*batch, *vh), found[2].dtype))


@_rule(np.linalg.svdvals)
def _svdvals(a: Any) -> Any:
    return _svd(a, compute_uv=False)


@_rule(np.linalg.qr)
def _qr(a: Any, mode: Any = "reduced") -> Any:
    *batch, m, n = a.shape
    k = m if mode == "complete" else min(m, n)
    r = virtual((*batch, k, n), a.dtype)
    if mode == "r":
        return r
    return type(np.linalg.qr(np.eye(1)))(virtual((*batch, m, k), a.dtype), r)


@_rule(np.linalg.matrix_rank)
def _matrix_rank(a: Any, *args: Any, **named: Any) -> Any:
    return virtual(a.shape[:-2], np.dtype(np.intp))


@_rule(np.linalg.lstsq)
def _lstsq(*args: Any, **named: Any) -> Any:
    no_kernel("linalg_lstsq.out")
