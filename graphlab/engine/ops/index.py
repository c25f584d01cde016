"""Indexing: `x[…]` and writing to it, gather, scatter, selection by index or mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import errors, modes
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare, first_shape
from graphlab.engine.ops.run import (
    FUNCTIONS,
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


def _index_array(value: Any) -> Array | None:
    """The array that an index stands for, if it is one of several numbers or a mask."""
    if isinstance(value, Tensor):
        array = value._array
    elif isinstance(value, (list, tuple)):
        array = np.asarray([v._array if isinstance(v, Tensor) else v for v in value])
        if array.size == 0:
            array = array.astype(np.int64)
    elif isinstance(value, np.ndarray):
        array = value
    elif isinstance(value, bool):
        return np.array(value)
    else:
        return None
    if array.dtype.kind in "fVc":
        fail(
            IndexError,
            "tensors used as indices must be long, int, byte or bool tensors",
            kind="index_dtype",
            op="getitem",
        )
    if array.dtype == np.uint8:
        return array.astype(bool)
    return array if array.dtype.kind == "b" else array.astype(np.int64, copy=False)


def parse(x: Array, key: Any) -> tuple[Key, Key | None]:
    """`x[key]` as PyTorch means it, in two steps: numbers and slices first (a view), then arrays (a copy) if any."""
    items = list(key) if isinstance(key, tuple) else [key]
    arrays = [_index_array(i) for i in items]
    used = sum(a.ndim if a is not None and a.dtype.kind == "b" else 0 if i is None or i is Ellipsis else 1
               for i, a in zip(items, arrays))  # fmt: skip
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
    for item, array in zip(items, arrays):
        if array is not None and array.ndim == 0 and array.dtype.kind == "i":
            item, array = int(array), None
        if array is not None:
            if type(array) is Virtual and type(x) is not Virtual:
                raise RuntimeError("Tensor on device meta is not on the expected device cpu!")
            if array.dtype.kind == "b":
                if not array.ndim:
                    basic.append(None)
                    second.append(array.reshape(1))
                    continue
                for k, n in enumerate(array.shape):
                    if n != x.shape[dim + k]:
                        fail(
                            IndexError,
                            f"The shape of the mask {list(array.shape)} at index {k} does not match the shape of the "
                            f"indexed tensor {list(x.shape)} at index {dim + k}",
                            kind="index_range",
                            op="getitem",
                            shape=list(x.shape),
                            mask_shape=list(array.shape),
                        )
                basic.extend([slice(None)] * array.ndim)
                dim += array.ndim
                second.append(array)
            else:
                _check_range(array, x.shape[dim], dim)
                basic.append(slice(None))
                second.append(array)
                dim += 1
        elif item is Ellipsis:
            n = x.ndim - used
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
            if not x.ndim:
                fail(
                    IndexError,
                    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                    "convert a 0-dim tensor to a number",
                    kind="index_range",
                    op="getitem",
                )
            if not -n <= item < n:
                fail(
                    IndexError,
                    f"index {int(item)} is out of bounds for dimension {dim} with size {n}",
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
    return (*basic, ...), tuple(second) if any(isinstance(s, np.ndarray) for s in second) else None


def _slice(item: slice) -> slice:
    ends = tuple(int(v) if isinstance(v, Tensor) else v for v in (item.start, item.stop, item.step))
    if ends[2] is not None and ends[2] <= 0:
        raise ValueError("step must be greater than zero")
    return slice(*ends)


def _check_range(index: Array, n: int, dim: int) -> None:
    if known(index) and (index.min() < -n or index.max() >= n):
        bad = int(index.max()) if index.max() >= n else int(index.min())
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
            backward_formula="d input = g at key, 0 elsewhere",
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
        backward_formula="d input = g added at the indices, 0 elsewhere",
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


def _getitem(self: Tensor, key: Any) -> Any:
    basic, second = parse(self._array, key)
    if second is not None:
        try:
            return run(INDEX, (self,), (basic, second))
        except IndexError as error:
            shapes = ", ".join(str(list(s.shape)) for s in second if isinstance(s, np.ndarray))
            if "broadcast" in str(error):
                raise errors.make(
                    IndexError,
                    f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}",
                    kind="index_range",
                    op="getitem",
                ) from None
            raise
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
        backward_formula="d input = g with 0 at key;  d value = g at key",
        forward=_set_forward,
        vjp=_set_vjp,
        broadcasts=True,
        shape=first_shape,
        narrate=N_("{value} is written into a part of {input}"),
        narrate_backward=N_("what was overwritten gets no gradient; {value} gets that of its place"),
    )
)


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    basic, second = parse(self._array, key)
    source: Any = value
    if not isinstance(value, Tensor):
        if isinstance(value, (np.ndarray, list, tuple)):
            source = FUNCTIONS["tensor"](value, dtype=self.dtype)
        elif not isinstance(value, (int, float, bool, np.generic)):
            raise TypeError(f"can't assign a {type(value).__name__} to a torch.{self.dtype.title}Tensor")
    place: tuple[int, ...] | None = indexed_shape(self._array.shape, basic)
    if second is not None:
        hidden = any(type(i) is Virtual and i.dtype.kind == "b" for i in second)
        place = None if hidden else two_steps_shape(self._array.shape, basic, second)
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
            _cannot_assign(array.shape, place, second is not None)
    if array is not None and array.dtype != self._array.dtype:
        if second is not None:
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
    run_inplace(SETITEM, (self, source), (basic, second, False), "setitem")


def _cannot_assign(have: tuple[int, ...], place: tuple[int, ...], by_arrays: bool) -> None:
    facts: dict[str, Any] = {"kind": "broadcast", "op": "setitem", "shapes": [list(have), list(place)]}
    if by_arrays:
        fail(
            RuntimeError,
            f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing "
            f"result of shape {list(place)}",
            **facts,
        )
    for back in range(1, len(have) + 1):
        n = have[-back]
        m = place[-back] if back <= len(place) else None
        if m is None:
            break
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
        f"The number of sizes provided ({len(place)}) must be greater or equal to the number of "
        f"dimensions in the tensor "
        f"({len(have)})"
        if False
        else f"expand(torch.FloatTensor{{{list(have)}}}, size={list(place)}): the number of sizes "
        f"provided ({len(place)}) must "
        f"be greater or equal to the number of dimensions in the tensor ({len(have)})",
        **facts,
    )


attach(__setitem__=guard("setitem", _setitem))


@method("index_put_")
def index_put_(self: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """In place: values written (or added) at indices."""
    basic, second = parse(self._array, tuple(indices))
    run_inplace(SETITEM, (self, values), (basic, second, accumulate), "index_put_")
    return self


@public("index_put")
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """values written (or added) at indices of a copy."""
    basic, second = parse(input._array, tuple(indices))
    return run(SETITEM, (input, values), (basic, second, accumulate))
