"""Tensors from data: `tensor`, `zeros`, `arange`, … Each tells the observer that the program made a leaf."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes, observe
from graphlab.engine.device import CPU, META, Virtual, cpu_error, device, is_hollow, reserve, reserved, resolve, virtual
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, type_name
from graphlab.engine.ops.run import FUNCTIONS, attach, bad_combination, guard
from graphlab.engine.tensor import Tensor, wrap


def leaf(
    op: str,
    array: Array,
    requires_grad: bool = False,
    where: device = CPU,
    params: dict[str, Any] | None = None,
) -> Tensor:
    """A leaf that the program made, told to the observer."""
    t = wrap(array, where)
    if requires_grad:
        if array.dtype.kind not in "fVc":
            fail(
                RuntimeError,
                "Only Tensors of floating point and complex dtype can require gradients",
                kind="integer_grad",
                dtype=t.dtype.name,
            )
        t._rg = True
    if observe.observer is not None:
        observe.observer.created(op, t, params or {})
    return t


def room(shape: tuple[int, ...], kind: dtypes.dtype, where: device) -> Virtual | None:
    """Refuse what does not fit, before it is allocated; the array itself if it is too large to be held."""
    n_bytes = prod(shape) * kind.itemsize
    if n_bytes >= 2**63:
        fail(
            RuntimeError,
            f"Storage size calculation overflowed with sizes={list(shape)}",
            kind="out_of_memory",
            device=str(where),
            requested=n_bytes,
        )
    if is_hollow(where, n_bytes):
        return reserved(where, shape, kind.np)
    reserve(where, n_bytes)
    return None


def sizes(size: tuple[Any, ...], function: str) -> tuple[int, ...]:
    """The shape from `(2, 3)` or `((2, 3),)`."""
    if len(size) == 1 and not isinstance(size[0], (int, np.integer, Tensor)):
        if not isinstance(size[0], (tuple, list)):
            raise TypeError(
                f"{function}(): argument 'size' (position 1) must be tuple of ints, not {type(size[0]).__name__}"
            )
        size = tuple(size[0])
    for i, n in enumerate(size):
        if isinstance(n, (bool, float)) or not isinstance(n, (int, np.integer, Tensor)):
            raise TypeError(
                f"{function}(): argument 'size' (position 1) must be tuple of ints, but found element of type "
                f"{type(n).__name__} at pos {i}"
            )
    shape = tuple(int(n) for n in size)
    for n in shape:
        if n < 0:
            fail(
                RuntimeError,
                "zeros: Dimension size must be non-negative."
                if function == "zeros"
                else f"Trying to create tensor with negative dimension {n}: {list(shape)}",
                kind="negative_size",
                shape=list(shape),
            )
    return shape


def _kind(dtype: Any, default: dtypes.dtype) -> dtypes.dtype:
    if dtype is None:
        return default
    if not isinstance(dtype, dtypes.dtype):
        known = {float: dtypes.float64, int: dtypes.int64, bool: dtypes.bool_}
        if dtype not in known:
            raise TypeError(f"dtype must be a torch.dtype, not {type_name(dtype)}")
        return known[dtype]
    return dtype


def infer(data: Any, wanted: Any = None) -> Array:
    """The array that PyTorch makes of numbers, nested lists, arrays or tensors in them.

    With a type `wanted`, Python's numbers keep their precision: the caller converts them to it.
    """
    if isinstance(data, Tensor):
        return data._array
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
        if array.dtype.num not in dtypes.BY_NUM:
            raise TypeError(
                f"can't convert np.ndarray of type {array.dtype.type.__module__}.{array.dtype.type.__name__}. The only "
                "supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
                "uint64, uint32, uint16, uint8, and bool."
            )
        return array
    if isinstance(data, bool):
        return np.array(data)
    if isinstance(data, float):
        return np.array(data, _floating_for(wanted))
    if isinstance(data, complex):
        return np.array(data, _complex_for(wanted))
    if isinstance(data, int):
        if wanted is not None and wanted.rank != 1:
            return np.array(data, dtypes.F64 if wanted.rank else np.bool_)
        if not -(2**63) <= data < 2**63:
            raise ValueError("Overflow when unpacking long long")
        return np.array(data, np.int64)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    if isinstance(data, _LISTS):
        shape = _list_shape(data)
        flat: list[Any] = []
        kinds: dict[int, dtypes.dtype] = {}
        try:
            if prod(shape):
                _flatten(data, shape, 0, flat, kinds)
        except (TypeError, ValueError):
            _kinds(data)
            raise
        except _TooDeepError as error:
            rank = _kinds(data)
            text = (
                f"'{error}' object cannot be interpreted as an integer"
                if rank < 2
                else (f"must be real number, not {error}")
            )
            raise TypeError(text) from None
        if not flat:
            _kinds(data)
        if kinds and wanted is None:
            return np.array(flat, _common_type(flat, kinds)).reshape(shape)
        highest = max((dtypes.of_number(v).rank for v in flat), default=2)
        kind = _complex_for(wanted) if highest > 2 else (dtypes.BOOL, dtypes.I64, _floating_for(wanted))[highest]
        try:
            return np.array(flat, kind).reshape(shape)
        except OverflowError:
            raise ValueError("Overflow when unpacking long long") from None
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, dict):
        return infer(list(data), wanted)
    raise RuntimeError(f"Could not infer dtype of {type_name(data)}")


_LISTS = (list, tuple, range, deque)


def _floating_for(wanted: Any) -> Any:
    return dtypes.get_default_dtype().np if wanted is None else dtypes.F64


def _complex_for(wanted: Any) -> Any:
    return (dtypes.get_default_dtype().to_complex() if wanted is None else dtypes.complex128).np


def _list_shape(data: Any) -> tuple[int, ...]:
    """The sizes that nested lists have along their first entries, as PyTorch measures them."""
    item: Any = data
    shape: list[int] = []
    while isinstance(item, (*_LISTS, str, bytes)) or (isinstance(item, np.ndarray) and item.ndim):
        shape.append(len(item))
        if not len(item):
            break
        item = item[0]
        if isinstance(item, str) and item:
            # The first letter of a text is a text again.
            raise ValueError("too many dimensions 'str'")
    return tuple(shape)


class _TooDeepError(Exception):
    """A list where a number should be."""


def _kinds(data: Any) -> int:
    """The rank of the type that nested data is held in; refuses what is no number."""
    if isinstance(data, _LISTS):
        return max((_kinds(each) for each in data), default=-1)
    if isinstance(data, Tensor):
        return data.dtype.rank
    if isinstance(data, np.ndarray):
        return dtypes.of(data).rank
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    if not isinstance(data, (int, float, bool, complex, np.number, np.bool_)):
        raise RuntimeError(f"Could not infer dtype of {type_name(data)}")
    return dtypes.of_number(data).rank


def _common_type(flat: list[Any], kinds: dict[int, dtypes.dtype]) -> Any:
    """The type of a list in which some entries (by their places) have one of their own: NumPy's numbers, tensors."""
    found = [*kinds.values(), *(dtypes.of_number(v) for i, v in enumerate(flat) if i not in kinds)]
    return reduce(dtypes.promote_types, found).np


def _flatten(data: Any, shape: tuple[int, ...], depth: int, flat: list[Any], kinds: dict[int, dtypes.dtype]) -> None:
    if depth == len(shape):
        if isinstance(data, (Tensor, np.ndarray)):
            array = data._array if isinstance(data, Tensor) else data
            if array.size != 1:
                raise ValueError("only one element tensors can be converted to Python scalars")
            kinds[len(flat)] = dtypes.of(array)
            data = array.item()
        elif isinstance(data, _LISTS):
            raise _TooDeepError(type_name(data))
        elif not isinstance(data, (int, float, complex, np.number, np.bool_)):
            raise TypeError(f"new(): invalid data type '{type_name(data)}'")
        if isinstance(data, np.generic):
            if data.dtype.num in dtypes.BY_NUM:
                kinds[len(flat)] = dtypes.of(np.asarray(data))
            data = data.item()
        flat.append(data)
        return
    if isinstance(data, Tensor) and data._array.ndim:
        data = data._array
    if not isinstance(data, _LISTS) and not (isinstance(data, np.ndarray) and data.ndim):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    for each in data:
        _flatten(each, shape, depth + 1, flat, kinds)


def _named(value: Any) -> str:
    return type(value).__name__


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor with a copy of the data."""
    where = resolve(device) if device is not None or not isinstance(data, Tensor) else data._device
    if isinstance(data, Tensor):
        import warnings

        text = (
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
        )
        warnings.warn(text, UserWarning, stacklevel=3)
        if observe.observer is not None:
            observe.observer.warned(text, "UserWarning", "copy_construct", {})
    array = infer(data, dtype if dtype is None else _kind(dtype, dtypes.int64))
    kind = _kind(dtype, dtypes.of(array))
    if not isinstance(data, (Tensor, np.ndarray)):
        _check_range(array, kind)
        _check_complex(array, kind)
    reserve(where, array.size * kind.itemsize)
    array = np.array(array, kind.np, order="C") if array.dtype != kind.np or array is not None else array
    if requires_grad and kind.rank < 2:
        fail(
            RuntimeError,
            "Only Tensors of floating point and complex dtype can require gradients",
            kind="integer_grad",
            dtype=kind.name,
        )
    return leaf("tensor", array, requires_grad, where, {"dtype": kind.name})


def _check_range(array: Array, kind: dtypes.dtype) -> None:
    """Refuse numbers that a whole-number type does not hold."""
    source = array.dtype.kind
    if kind.rank != 1 or not array.size or array.dtype == kind.np or source not in "iuf":
        return
    low, high = np.iinfo(kind.np).min, np.iinfo(kind.np).max
    if source in "iu" and not low:
        low = -high  # a negative number wraps round, as in C
    if not (low <= array.min() and array.max() <= high):
        raise RuntimeError(f"value cannot be converted to type {kind.name} without overflow")


def _check_complex(array: Array, kind: dtypes.dtype) -> None:
    if array.dtype.kind == "c" and kind.rank < 3:
        raise TypeError(
            "must be real number, not complex"
            if kind.rank > 1
            else "'complex' object cannot be interpreted as an integer"
        )


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """The data as a tensor, without copying an array or tensor where that can be avoided."""
    if isinstance(data, Tensor):
        found: Tensor = data.to(device=device or data._device, dtype=dtype or data.dtype)
        return found
    if isinstance(data, np.ndarray):
        array = infer(data)
        kind = _kind(dtype, dtypes.of(array))
        return leaf("as_tensor", array.astype(kind.np, copy=False), False, resolve(device), {})
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of an array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if any(s < 0 for s in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  "
            "with array.copy().) "
        )
    return leaf("from_numpy", infer(ndarray), False, CPU, {})


def make_filled(
    op: str, shape: tuple[int, ...], value: Any, kind: dtypes.dtype, device: Any, requires_grad: bool
) -> Tensor:
    """A leaf of one value."""
    where = resolve(device)
    if requires_grad and kind.rank < 2:
        fail(
            RuntimeError,
            "Only Tensors of floating point and complex dtype can require gradients",
            kind="integer_grad",
            dtype=kind.name,
        )
    array: Array | None = room(shape, kind, where)
    if array is None:
        try:
            array = np.zeros(shape, kind.np) if value == 0 else np.full(shape, value, kind.np)
        except (MemoryError, ValueError):
            raise cpu_error(prod(shape) * kind.itemsize) from None
    return leaf(op, array, requires_grad, where, {"shape": list(shape), "dtype": kind.name})


def _filled(name: str, value: float, doc: str) -> Callable[..., Tensor]:
    """The creation function that fills a shape with one value of the default type."""

    def make(
        *size: Any,
        out: Any = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        kind = _kind(dtype, dtypes.get_default_dtype())
        return make_filled(name, sizes(size, name), value, kind, device, requires_grad)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = doc
    return make


zeros = _filled("zeros", 0, "A tensor of zeros.")
ones = _filled("ones", 1, "A tensor of ones.")
empty = _filled("empty", 0, "A tensor that the program will fill; zeros here, so that runs repeat.")


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one value."""
    value = fill_value.item() if isinstance(fill_value, (Tensor, np.generic)) else fill_value
    kind = _kind(dtype, dtypes.of_number(value))
    return make_filled("full", sizes((size,), "full"), value, kind, device, requires_grad)


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-dim tensor."""
    return make_filled("scalar_tensor", (), s, _kind(dtype, dtypes.get_default_dtype()), device, requires_grad)


def arange(
    *bounds: Any,
    start: Any = None,
    end: Any = None,
    step: Any = None,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from start (0) up to, but not including, end."""
    given = [b.item() if isinstance(b, (Tensor, np.generic)) else b for b in bounds]
    if len(given) == 1:
        given = [0 if start is None else start, given[0]] if end is None else [given[0], end]
    elif not given:
        given = [0 if start is None else start, end]
    low, high = given[0], given[1]
    by = given[2] if len(given) > 2 else 1 if step is None else step
    whole = all(isinstance(v, (int, bool)) for v in (low, high, by))
    kind = _kind(dtype, dtypes.int64 if whole else dtypes.get_default_dtype())
    if kind.rank == 3:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.title}'")
    if by == 0:
        raise RuntimeError("step must be nonzero")
    if not all(math.isfinite(v) for v in (low, high)):
        raise RuntimeError(f"unsupported range: {low} -> {high}")
    if (by > 0 and low > high) or (by < 0 and low < high):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    n = max(0, math.ceil((high - low) / by))
    where = resolve(device)
    array: Array | None = room((n,), kind, where)
    if array is None:
        array = (np.arange(n, dtype=np.float64 if not whole else np.int64) * by + low).astype(kind.np)
    return leaf("arange", array, requires_grad, where, {"start": low, "end": high, "step": by})


def range_(start: Any = 0, end: Any = None, step: Any = 1, **options: Any) -> Tensor:
    """Numbers from start to end, both included: the deprecated `torch.range`."""
    n = math.floor((end - start) / step) + 1
    kind = _kind(options.get("dtype"), dtypes.get_default_dtype())
    return leaf("range", (np.arange(n) * step + start).astype(kind.np), bool(options.get("requires_grad")), CPU, {})


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at even distances from start to end, both included."""
    _check_steps("linspace", start, end, steps)
    where = resolve(device)
    low, high = (0 if where is META else v.item() if isinstance(v, Tensor) else v for v in (start, end))
    kind = _kind(dtype, dtypes.get_default_dtype())
    array: Array | None = room((steps,), kind, where)
    if array is None:
        array = _linspace(low, high, steps, kind)
    return leaf("linspace", array, requires_grad, where, {"start": low, "end": high, "steps": steps})


def _check_steps(name: str, start: Any, end: Any, steps: Any) -> None:
    if not isinstance(steps, (int, Tensor, np.integer)) or isinstance(steps, bool):
        raise bad_combination(name, start, end, steps)
    n_start, n_end = (v._array.ndim if isinstance(v, Tensor) else 0 for v in (start, end))
    if n_start or n_end:
        raise RuntimeError(
            f"{name} only supports 0-dimensional start and end tensors, but got start with {n_start} "
            f"dimension(s) and end "
            f"with {n_end} dimension(s)."
        )
    if int(steps) < 0:
        raise RuntimeError("number of steps must be non-negative")


def _linspace(low: Any, high: Any, steps: int, kind: dtypes.dtype) -> Array:
    # PyTorch counts up from the start in the first half and down from the end in the second, in the type itself.
    real = kind.np if kind.rank >= 2 and kind not in dtypes.LOW else np.dtype(np.float32)
    if steps == 1:
        return np.array([low], kind.np)
    step = real.type((real.type(high) - real.type(low)) / real.type(max(steps - 1, 1)))
    i = np.arange(steps)
    up = real.type(low) + step * i.astype(real)
    down = real.type(high) - step * (steps - 1 - i).astype(real)
    return np.where(i < steps // 2, up, down).astype(kind.np)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """base ^ linspace(start, end, steps)"""
    _check_steps("logspace", start, end, steps)
    kind = _kind(dtype, dtypes.get_default_dtype())
    where = resolve(device)
    if where is META:
        return leaf("logspace", virtual((int(steps),), kind.np), requires_grad, where, {"steps": steps})
    array = np.power(float(base), np.linspace(float(start), float(end), steps)).astype(kind.np)
    return leaf("logspace", array, requires_grad, where, {"start": start, "end": end, "steps": steps})


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    for name, value in (("n", n), ("m", m)):
        if value is not None and value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    kind = _kind(dtype, dtypes.get_default_dtype())
    where = resolve(device)
    shape = (n, n if m is None else m)
    array: Array | None = room(shape, kind, where)
    if array is None:
        array = np.eye(*shape, dtype=kind.np)
    return leaf("eye", array, requires_grad, where, {"n": n, "m": shape[1]})


def _like(name: str, value: Any) -> Any:
    def like(
        input: Tensor,
        *args: Any,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
        **named: Any,
    ) -> Tensor:
        fill = value if value is not None else args[0] if args else named["fill_value"]
        if isinstance(fill, Tensor):
            fill = fill.item()
        where = input._device if device is None else device
        return make_filled(name, input._array.shape, fill, _kind(dtype, input.dtype), where, requires_grad)

    like.__name__ = name
    return like


def _new(name: str, value: Any) -> Any:
    def new(
        self: Tensor,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
        **named: Any,
    ) -> Tensor:
        kind = _kind(dtype, self.dtype)
        where = self._device if device is None else device
        if value is None:
            fill = args[1] if len(args) > 1 else named["fill_value"]
            args = args[:1]
        else:
            fill = value
        if not args and "size" in named:
            args = (named["size"],)
        return make_filled(name, sizes(args, name), fill, kind, where, requires_grad)

    new.__name__ = name
    return new


def _new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    return tensor(data, dtype=dtype or self.dtype, device=device or self._device, requires_grad=requires_grad)


def complete(op: str, function: Any) -> None:
    """Enter a creation function into `torch`."""
    FUNCTIONS[op] = guard(op, function)


for _name, _function in (
    ("tensor", tensor),
    ("as_tensor", as_tensor),
    ("asarray", as_tensor),
    ("from_numpy", from_numpy),
    ("zeros", zeros),
    ("ones", ones),
    ("empty", empty),
    ("full", full),
    ("scalar_tensor", scalar_tensor),
    ("arange", arange),
    ("range", range_),
    ("linspace", linspace),
    ("logspace", logspace),
    ("eye", eye),
    ("zeros_like", _like("zeros_like", 0)),
    ("ones_like", _like("ones_like", 1)),
    ("empty_like", _like("empty_like", 0)),
    ("full_like", _like("full_like", None)),
):
    complete(_name, _function)
for _name, _value in (("new_zeros", 0), ("new_ones", 1), ("new_empty", 0), ("new_full", None)):
    setattr(Tensor, _name, guard(_name, _new(_name, _value)))
attach(new_tensor=guard("new_tensor", _new_tensor))
