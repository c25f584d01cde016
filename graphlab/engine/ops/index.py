"""Indexing: `x[…]` and writing to it, gather, scatter, selection by index or mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import errors, modes
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, type_name, wrap_dim
from graphlab.engine.ops.create import infer
from graphlab.engine.ops.op import Category, Op, declare, first_shape, known_as
from graphlab.engine.ops.overlap import refuse_overlap, refuse_repeats
from graphlab.engine.ops.run import (
    attach,
    guard,
    method,
    need_tensor,
    public,
    run,
    run_inplace,
)
from graphlab.engine.shapes import indexed_shape
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import Virtual, known
from graphlab.i18n import N_

Key = tuple[Any, ...]


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, str, bytes, range, np.ndarray))


def items_of(key: Any) -> list[Any]:
    """The indices in `x[key]`: a tuple's, and those of a short list with lists, slices or tensors in it."""
    if isinstance(key, tuple):
        return list(key)
    if isinstance(key, (list, str, bytes, range)) and len(key) < 32:
        for each in key:
            if each is None or each is Ellipsis or isinstance(each, (Tensor, slice)) or _is_sequence(each):
                return list(key) if not isinstance(key, bytes) else [key]
    return [key]


def _listed(value: Any) -> Array:
    """The array that a list among the indices stands for: whole numbers, or truth values."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    array = infer(list(value) if isinstance(value, range) else value)
    if not array.size:
        return array.astype(np.int64)
    return array if array.dtype.kind == "b" or array.dtype == np.uint8 else array.astype(np.int64)


def _index_array(value: Any) -> Array | None:
    """The array that an index stands for, if it is one of several numbers or a mask."""
    if isinstance(value, (Tensor, bool)) or _is_sequence(value):
        if isinstance(value, Tensor):
            array = value._array
        elif isinstance(value, np.ndarray):
            array = value
        else:
            array = np.array(value) if isinstance(value, bool) else _listed(value)
        return array.astype(bool) if array.dtype == np.uint8 and known(array) else array
    return None


def _n_dims(item: Any) -> int:
    """How many dims of the tensor an index is about."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    if isinstance(item, (Tensor, np.ndarray)):
        array = item._array if isinstance(item, Tensor) else item
        return array.ndim if array.dtype.kind == "b" or array.dtype == np.uint8 else 1
    if isinstance(item, list) and item and all(isinstance(each, bool) for each in item):
        return 1
    return 1


def parse(x: Array, key: Any) -> tuple[Key, Key | None]:
    """`x[key]` as PyTorch means it, in two steps: numbers and slices first (a view), then arrays (a copy) if any."""
    items = items_of(key)
    used = sum([_n_dims(item) for item in items])
    if not x.ndim and len(items) == 1 and items[0] is key:
        _refuse_scalar(key)
    if used > x.ndim:
        fail(
            IndexError,
            f"too many indices for tensor of dimension {x.ndim}",
            kind="index_range",
            op="getitem",
            shape=list(x.shape),
        )
    basic: list[Any] = []
    second: list[Any] = []
    dim = 0
    for place, item in enumerate(items):
        array = _index_array(item)
        if array is not None and array.ndim == 0 and array.dtype.kind in "iu":
            item, array = int(array), None
        if array is not None:
            if type(array) is Virtual and type(x) is not Virtual:
                raise RuntimeError("Tensor on device meta is not on the expected device cpu!")
            if array.dtype.kind == "b" and not array.ndim:
                basic.append(None)
                second.append(array.reshape(1))
                continue
            n = array.ndim if array.dtype.kind == "b" else 1
            basic.extend([slice(None)] * n)
            dim += n
            second.append(array)
        elif item is Ellipsis:
            n = max(min(x.ndim - used, x.ndim - dim), 0)
            basic.extend([slice(None)] * n)
            second.extend([slice(None)] * n)
            dim += n
        elif item is None:
            basic.append(None)
            second.append(slice(None))
        elif isinstance(item, slice):
            basic.append(_slice(item))
            second.append(slice(None))
            dim += 1
        elif isinstance(item, (int, np.integer)):
            n = x.shape[dim] if dim < x.ndim else 0
            if not -n <= item < n:
                _index_number(item)
                fail(
                    IndexError,
                    # PyTorch counts the indices here, not the dims.
                    f"index {int(item)} is out of bounds for dimension {place} with size {n}",
                    kind="index_range",
                    op="getitem",
                    index=int(item),
                    dim=dim,
                    size=n,
                )
            basic.append(int(item))
            dim += 1
        else:
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                f"(got {type(item).__name__})"
            )
    # An Ellipsis keeps NumPy from turning a full index into a number instead of a view.
    start = (*basic, ...)
    if not any(isinstance(s, np.ndarray) for s in second):
        return start, None
    return start, _checked_arrays(indexed_shape(x.shape, start), second)


def _index_number(item: Any) -> int:
    if not -(2**63) <= item < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return int(item)


def _refuse_scalar(item: Any) -> None:
    """A tensor without dims takes neither a number nor a slice."""
    if isinstance(item, slice):
        _slice(item)
        fail(
            IndexError,
            "slice() cannot be applied to a 0-dim tensor.",
            kind="index_scalar",
            op="getitem",
        )
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        number = _index_number(item)
        fail(
            IndexError,
            f"index {number} is out of bounds for dimension 0 with size 0"
            if number or isinstance(item, np.integer)
            else "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
            "convert a 0-dim tensor to a number",
            kind="index_scalar",
            op="getitem",
        )


def _checked_arrays(shape: tuple[int, ...], second: list[Any]) -> Key:
    """The indices that are arrays, checked against what the numbers and slices before them leave."""
    for each in second:
        if isinstance(each, np.ndarray) and each.dtype.kind != "b" and each.dtype not in (np.int64, np.int32):
            fail(
                IndexError,
                "tensors used as indices must be long, int, byte or bool tensors",
                kind="index_dtype",
                op="getitem",
            )
    dim = 0
    for i, each in enumerate(second):
        if not isinstance(each, np.ndarray):
            dim += 1
        elif each.dtype.kind == "b":
            for k, n in enumerate(each.shape):
                if n != shape[dim + k]:
                    fail(
                        IndexError,
                        f"The shape of the mask {list(each.shape)} at index {k} does not match the shape of the "
                        f"indexed tensor {list(shape)} at index {dim + k}",
                        kind="index_range",
                        op="getitem",
                        shape=list(shape),
                        mask_shape=list(each.shape),
                    )
            dim += each.ndim
        else:
            second[i] = each.astype(np.int64, copy=False)
            _check_range(second[i], shape[dim], dim)
            dim += 1
    return tuple(second)


def _slice(item: slice) -> slice:
    ends = tuple(int(v) if isinstance(v, Tensor) else v for v in (item.start, item.stop, item.step))
    # Python refuses a step of 0 and what is no whole number.
    slice(*ends).indices(1)
    if ends[2] is not None and ends[2] <= 0:
        raise ValueError("step must be greater than zero")
    return slice(*ends)


def _check_range(index: Array, n: int, dim: int) -> None:
    if index.size and known(index) and (index.min() < -n or index.max() >= n):
        bad = int(index[(index < -n) | (index >= n)].flat[0])
        fail(
            IndexError,
            f"index {bad} is out of bounds for dimension {dim} with size {n}",
            kind="index_range",
            op="getitem",
            index=bad,
            dim=dim,
            size=n,
        )


def _basic_vjp(node: Any, g: Any) -> Any:
    shape, key = node.params
    return (node.xp.scatter_pick(g, shape, key, True),)


def _view_key(name: str, node: str) -> Op:
    return declare(
        Op(
            name=name,
            node=node,
            category=Category.INDEX,
            args=("input",),
            params=("key",),
            formula="out = input[key]",
            backward_formula=N_("d input = g at key, 0 elsewhere"),
            forward=lambda x, key: x[key],
            vjp=_basic_vjp,
            broadcasts=True,
            view=True,
            shape=indexed_shape,
            narrate=N_("a part of {input} {input_shape} is picked out: {shape}"),
            narrate_backward=N_("the gradient goes to the part of {input} that was picked; the rest gets 0"),
            samples=lambda: [((3, 4), {"key": (slice(0, 2), 1, ...)})],
        )
    )


SELECT = _view_key("select", "SelectBackward0")
SLICE = _view_key("slice", "SliceBackward0")
NEWAXIS = _view_key("index_view", "UnsqueezeBackward0")
ALIAS = _view_key("alias", "AliasBackward0")


def two_steps_shape(shape: tuple[int, ...], basic: Key, second: Key) -> tuple[int, ...]:
    """The shape of `x[basic][second]`."""
    return indexed_shape(indexed_shape(shape, basic), second)


def _two_steps(x: Array, basic: Key, second: Key) -> Any:
    return x[basic][second]


def _two_steps_vjp(node: Any, g: Any) -> Any:
    shape, basic, second = node.params
    xp = node.xp
    inner = indexed_shape(shape, basic)
    part = xp.scatter_pick(g, inner, second, False)
    return (xp.scatter_pick(part, shape, basic, True),)


INDEX = declare(
    Op(
        name="index",
        category=Category.INDEX,
        args=("input",),
        params=("basic", "arrays"),
        formula="out = input[indices]",
        backward_formula=N_("d input = g added at the indices, 0 elsewhere"),
        forward=_two_steps,
        vjp=_two_steps_vjp,
        broadcasts=True,
        shape=two_steps_shape,
        narrate=N_("entries of {input} {input_shape} are picked by index or mask: {shape}"),
        narrate_backward=N_("each picked entry of {input} gets its gradient; picked twice, the sum"),
        samples=lambda: [
            ((3, 4), {"basic": (slice(None), slice(None), ...), "arrays": (np.array([0, 2, 0]), slice(None))})
        ],
    )
)


def _clashing(second: Key, error: IndexError) -> BaseException:
    """The error for index arrays that do not broadcast."""
    if "broadcast" not in str(error):
        return error
    shapes = ", ".join(str(list(s.shape)) for s in second if isinstance(s, np.ndarray))
    return errors.make(
        IndexError,
        f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}",
        kind="index_range",
        op="getitem",
    )


def _getitem(self: Tensor, key: Any) -> Any:
    basic, second = parse(self._array, key)
    if second is not None:
        try:
            return run(INDEX, (self,), (basic, second))
        except IndexError as error:
            raise _clashing(second, error) from None
    op = ALIAS
    for item in basic[:-1]:
        if isinstance(item, int):
            op = SELECT
        elif item is None:
            op = NEWAXIS
        elif item != slice(None):
            op = SLICE
    return run(op, (self,), (basic,))


_guarded_getitem = guard("getitem", _getitem)
attach(__getitem__=_guarded_getitem)
for _op in (SELECT, SLICE, INDEX, NEWAXIS, ALIAS):
    _op.function = _guarded_getitem


@public("select")
def select(input: Any, dim: int, index: int) -> Any:
    """One slice along a dim."""
    x = need_tensor(input, "select")._array
    if not x.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, x.ndim, "select")
    if not -x.shape[d] <= index < x.shape[d]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}")
    return run(SELECT, (input,), ((slice(None),) * d + (int(index), ...),))


@public("narrow")
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """A piece along a dim."""
    x = need_tensor(input, "narrow")._array
    if not x.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, x.ndim, "narrow")
    n = x.shape[d]
    if isinstance(start, Tensor) and (start._array.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    at = int(start)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= at <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {at})")
    at = at + n if at < 0 else at
    if at + length > n:
        raise RuntimeError(f"start ({at}) + length ({length}) exceeds dimension size ({n}).")
    return run(SLICE, (input,), ((slice(None),) * d + (slice(at, at + length), ...),))


# Writing to x[…]


def _set_forward(x: Array, value: Any, basic: Key, second: Key | None, adds: bool) -> Any:
    out = x.copy()
    part = out[basic]
    if second is None:
        part[...] = value
    elif adds:
        np.add.at(part, second, value)
    else:
        part[second] = value
    return out


def _set_vjp(node: Any, g: Any) -> Any:
    _, value_shape, basic, second, adds = node.params
    xp = node.xp
    dx = dv = None
    if node.edges[0] is not None:
        dx = g if adds else xp.zero_at(g, basic, second)
    if node.edges[1] is not None:
        part = xp.pick(g, basic)
        if second is not None:
            part = xp.pick(part, second)
        dv = xp.sum_to(part, value_shape)
    return dx, dv


SETITEM = declare(
    Op(
        name="setitem",
        node="CopySlices",
        category=Category.INDEX,
        args=("input", "value"),
        params=("basic", "arrays", "adds"),
        formula="input[key] = value",
        backward_formula=N_("d input = g with 0 at key;  d value = g at key"),
        forward=_set_forward,
        vjp=_set_vjp,
        broadcasts=True,
        shape=first_shape,
        narrate=N_("{value} is written into a part of {input}"),
        narrate_backward=N_("what was overwritten gets no gradient; {value} gets that of its place"),
    )
)


INDEX_PUT = known_as(SETITEM, "IndexPutBackward0")


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    source: Any = value
    if not isinstance(value, Tensor):
        source = _assigned_number(self, value)
    basic, second = parse(self._array, key)
    place: tuple[int, ...] | None = indexed_shape(self._array.shape, basic)
    if second is not None:
        hidden = any(type(i) is Virtual and i.dtype.kind == "b" for i in second)
        try:
            place = None if hidden else two_steps_shape(self._array.shape, basic, second)
        except IndexError as error:
            raise _clashing(second, error) from None
    array = source._array if isinstance(source, Tensor) else None
    if array is not None and place is not None:
        while array.ndim > len(place) and array.shape[0] == 1:
            array = array[0]
            source = source[0]
        try:
            fits = np.broadcast_shapes(array.shape, place) == place
        except ValueError:
            fits = False
        if not fits:
            _cannot_assign(array.shape, place, second is not None, source.dtype.title)
    if array is not None and array.dtype != self._array.dtype:
        is_fill = not array.ndim and second is not None and sum(isinstance(i, np.ndarray) for i in second) == 1
        if second is not None and not (
            is_fill and any(isinstance(i, np.ndarray) and i.dtype.kind == "b" for i in second)
        ):
            raise RuntimeError(
                f"Index put requires the source and destination dtypes match, got {self.dtype.title} for the "
                f"destination and {source.dtype.title} for the source."
            )
        source = source.to(self.dtype)
    if second is None and modes.grad and self._rg and self._fn is None and self._view is None:
        # PyTorch takes the view first and then refuses to write into it.
        fail(
            RuntimeError,
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            kind="inplace_leaf",
            op="setitem",
            shape=list(self._array.shape),
        )
    if type(self._array) is not Virtual and not self._array.flags.writeable:
        refuse_repeats("setitem", self._array)
    if isinstance(source, Tensor) and source._array.ndim:
        written = self._array[basic] if second is None else self._array
        refuse_overlap("setitem", written, source._array, whole=second is not None)
    op = SETITEM if second is None or not _is_whole(basic) else INDEX_PUT
    run_inplace(op, (self, source), (basic, second, False), "setitem")


def _is_whole(basic: Key) -> bool:
    return all(item is Ellipsis or item == slice(None) for item in basic)


def _assigned_number(self: Tensor, value: Any) -> Any:
    """A number that is written into a part of a tensor, as that tensor takes it."""
    if not isinstance(value, (int, float, bool, complex, np.integer)):
        raise TypeError(f"can't assign a {type_name(value)} to a torch.{self.dtype.title}Tensor")
    kind = self._array.dtype.kind
    if isinstance(value, (int, np.integer)) and not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    if isinstance(value, complex) and kind not in "c" and value.imag:
        name = {"float32": "float", "float64": "double", "int64": "int64_t", "int32": "int"}.get(self.dtype.name)
        raise RuntimeError(f"value cannot be converted to type {name or self.dtype.name} without overflow")
    if isinstance(value, (int, np.integer)):
        return int(value) if kind in "iufcV" else bool(value)
    return value


def _cannot_assign(have: tuple[int, ...], place: tuple[int, ...], by_arrays: bool, title: str) -> None:
    facts: dict[str, Any] = {"kind": "broadcast", "op": "setitem", "shapes": [list(have), list(place)]}
    if by_arrays:
        fail(
            RuntimeError,
            f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing "
            f"result of shape {list(place)}",
            **facts,
        )
    for back in range(1, len(have) + 1 if len(have) <= len(place) else 0):
        n, m = have[-back], place[-back]
        if n not in (1, m):
            fail(
                RuntimeError,
                f"The expanded size of the tensor ({m}) must match the existing size ({n}) at non-singleton dimension "
                f"{len(place) - back}.  Target sizes: {list(place)}.  Tensor sizes: {list(have)}",
                dim=len(place) - back,
                sizes=[m, n],
                **facts,
            )
    fail(
        RuntimeError,
        f"expand(torch.{title}Tensor{{{list(have)}}}, size={list(place)}): the number of sizes provided ({len(place)}) "
        f"must be greater or equal to the number of dimensions in the tensor ({len(have)})",
        **facts,
    )


attach(__setitem__=guard("setitem", _setitem))


@method("index_put_")
def index_put_(self: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """In place: values written (or added) at indices."""
    basic, second = parse(self._array, tuple(indices))
    run_inplace(INDEX_PUT, (self, values), (basic, second, accumulate), "index_put_")
    return self


@public("index_put")
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """values written (or added) at indices of a copy."""
    basic, second = parse(input._array, tuple(indices))
    return run(INDEX_PUT, (input, values), (basic, second, accumulate))
