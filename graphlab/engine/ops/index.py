"""Indexing: `x[…]` and writing to it, gather, scatter, selection by index or mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors, modes
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import (
    FUNCTIONS,
    attach,
    bad_argument,
    guard,
    method,
    need_tensor,
    public,
    run,
    run_inplace,
)
from graphlab.engine.tensor import Tensor, wrap
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
    if array.dtype.kind == "f":
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
    if index.size and (index.min() < -n or index.max() >= n):
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
            narrate=N_("a part of {input} {input_shape} is picked out: {shape}"),
            narrate_backward=N_("the gradient goes to the part of {input} that was picked; the rest gets 0"),
            samples=lambda: [((3, 4), {"key": (slice(0, 2), 1, ...)})],
        )
    )


SELECT = _view_key("select", "SelectBackward0")
SLICE = _view_key("slice", "SliceBackward0")
NEWAXIS = _view_key("index_view", "UnsqueezeBackward0")
ALIAS = _view_key("alias", "AliasBackward0")


def _two_steps(x: Array, basic: Key, second: Key) -> Any:
    return x[basic][second]


def _two_steps_vjp(node: Any, g: Any) -> Any:
    shape, basic, second = node.params
    xp = node.xp
    inner = np.broadcast_to(np.zeros(()), shape)[basic].shape
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
    place = np.broadcast_to(np.zeros(()), self._array.shape)[basic]
    if second is not None:
        place = place[second]
    array = source._array if isinstance(source, Tensor) else None
    if array is not None:
        while array.ndim > place.ndim and array.shape[0] == 1:
            array = array[0]
            source = source[0]
        try:
            fits = np.broadcast_shapes(array.shape, place.shape) == place.shape
        except ValueError:
            fits = False
        if not fits:
            _cannot_assign(array.shape, place.shape, second is not None)
        if array.dtype != self._array.dtype:
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


# In-place fills and copies

COPY = declare(
    Op(
        name="copy",
        node="CopyBackwards",
        category=Category.INDEX,
        args=("input", "src"),
        formula="input = src",
        backward_formula="d src = g;  d input = 0",
        forward=lambda x, src: np.broadcast_to(src.astype(x.dtype), x.shape),
        vjp=lambda node, g: (
            None if node.edges[0] is None else g * 0,
            None if node.edges[1] is None else node.xp.sum_to(g, node.params[1]),
        ),
        broadcasts=True,
        narrate=N_("{src} is copied into {input}"),
        narrate_backward=N_("the gradient goes to {src}, from where the values came"),
    )
)


@method("copy_")
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """In place: the values of src."""
    need_tensor(src, "copy_", "other", 1)
    x, y = self._array, src._array
    try:
        fits = np.broadcast_shapes(x.shape, y.shape) == x.shape
    except ValueError:
        raise errors.broadcast("copy_", x.shape, y.shape) from None
    if not fits:
        raise RuntimeError(
            f"output with shape {list(x.shape)} doesn't match the broadcast shape "
            f"{list(np.broadcast_shapes(x.shape, y.shape))}"
        )
    if src._device is not self._device:
        src = src.to(self._device)
    casts = (None, x.dtype) if y.dtype != x.dtype else None
    return run_inplace(COPY, (self, src), (), "copy_", casts)  # type: ignore[no-any-return]


FILL = declare(
    Op(
        name="fill",
        category=Category.INDEX,
        args=("input", "value"),
        formula="input = value everywhere",
        backward_formula="d input = 0;  d value = Σ g",
        forward=lambda x, value: np.full(x.shape, value, x.dtype),
        vjp=lambda node, g: (g * 0, None if node.edges[1] is None else node.xp.sum_to(g, ())),
        broadcasts=True,
        narrate=N_("every entry of {input} becomes {value}"),
        narrate_backward=N_("nothing of the old {input} is left: its gradient is 0"),
    )
)


@public("fill_")
def fill_(input: Tensor, value: Any) -> Tensor:
    """In place: every entry is value."""
    if isinstance(value, Tensor) and value._array.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
        )
    return run_inplace(FILL, (input, value), (), "fill_")  # type: ignore[no-any-return]


@public("zero_")
def zero_(input: Tensor) -> Tensor:
    """In place: every entry is 0."""
    return run_inplace(FILL, (input, 0), (), "zero_")  # type: ignore[no-any-return]


def _set_data(self: Tensor, source: Tensor | None = None) -> Tensor:
    if source is not None:
        self._array = source._array
    return self


attach(set_=_set_data)

# Picking along a dim

GATHER = declare(
    Op(
        name="gather",
        category=Category.INDEX,
        args=("input", "index"),
        params=("dim",),
        formula="out[i][j] = input[index[i][j]][j] (dim 0), input[i][index[i][j]] (dim 1)",
        backward_formula="d input = g added at index",
        forward=lambda x, i, dim: _gather(x, dim, i),
        vjp=lambda node, g, i: (node.xp.scatter_add(node.params[0], node.params[2], node.xp.array_of(i), g), None),
        saves=("index",),
        broadcasts=True,
        shape=lambda x, i, dim: i,
        narrate=N_("entries of {input} are picked along dim {dim} by {index}: {shape}"),
        narrate_backward=N_("each picked entry of {input} gets its gradient added"),
    )
)


def _gather(x: Array, dim: int, index: Array) -> Array:
    from graphlab.engine.ops import numeric

    found: Array = numeric.gather(x, dim, index)
    return found


def _checked_index(name: str, x: Array, dim: int, index: Any, position: int = 3) -> Array:
    need_tensor(index, name, "index", position)
    i: Array = index._array
    if i.dtype not in (np.int64, np.int32) and i.size:
        fail(
            RuntimeError,
            f"{name}(): Expected dtype int32/int64 for index"
            if name in ("scatter", "scatter_add", "gather")
            else f"{name}(): Expected dtype int64 for index",
            kind="index_dtype",
            op=name,
        )
    if max(i.ndim, 1) != max(x.ndim, 1) and i.size:
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as input tensor"
            if name == "gather"
            else "Index tensor must have the same number of dimensions as self tensor"
        )
    n = x.shape[dim] if x.ndim else 1
    if i.size and (i.min() < 0 or i.max() >= n):
        bad = int(i.min()) if i.min() < 0 else int(i.max())
        fail(
            RuntimeError,
            f"index {bad} is out of bounds for dimension {dim} with size {n}",
            kind="index_range",
            op=name,
            index=bad,
            dim=dim,
            size=n,
        )
    return i


@public(GATHER)
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False, out: Any = None) -> Any:
    """Entries picked along a dim by an index of the same number of dims."""
    x = need_tensor(input, "gather")._array
    d = wrap_dim(dim, x.ndim, "gather")
    given = need_tensor(index, "gather", "index", 3)._array
    if given.ndim == x.ndim and given.size:
        for k, (n, m) in enumerate(zip(given.shape, x.shape)):
            if k != d and n > m:
                raise RuntimeError(
                    f"Size does not match at dimension {k} expected index {list(given.shape)} to be "
                    f"no larger than self "
                    f"{list(x.shape)} apart from dimension {d}"
                )
    i = _checked_index("gather", x, d, index)
    if i.dtype.kind != "i":
        index = index.to(dtypes.int64)
    return run(GATHER, (input, index), (d,))


@public("take_along_dim")
def take_along_dim(input: Any, indices: Any, dim: int | None = None, *, out: Any = None) -> Any:
    """Entries picked along a dim, with broadcasting."""
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    d = wrap_dim(dim, input._array.ndim, "take_along_dim")
    if indices._array.size and indices._array.min() < 0:
        indices = wrap(np.where(indices._array < 0, indices._array + input._array.shape[d], indices._array))
    a, b = list(input._array.shape), list(indices._array.shape)
    shape = list(np.broadcast_shapes((*a[:d], 1, *a[d + 1 :]), (*b[:d], 1, *b[d + 1 :])))
    return gather(
        input.expand((*shape[:d], a[d], *shape[d + 1 :])), d, indices.expand((*shape[:d], b[d], *shape[d + 1 :]))
    )


def _grid(i: Array, dim: int) -> Key:
    grid: list[Any] = list(np.indices(i.shape, sparse=True)) if i.ndim else []
    if i.ndim:
        grid[dim] = i
    return tuple(grid)


def _scatter_forward(x: Array, i: Array, src: Any, dim: int, reduce: str) -> Any:
    out = x.copy()
    if not i.size:
        return out
    where = _grid(i, dim) if x.ndim else ()
    values = src[tuple(slice(0, n) for n in i.shape)] if isinstance(src, np.ndarray) and src.ndim else src
    if not x.ndim:
        out = out.reshape(1)
        where = (i.reshape(-1),)
        values = np.reshape(values, -1) if isinstance(values, np.ndarray) else values
    if reduce == "add":
        np.add.at(out, where, values)
    elif reduce == "multiply":
        np.multiply.at(out, where, values)
    else:
        out[where] = values
    return out.reshape(x.shape)


def _scatter_vjp(node: Any, g: Any, i: Any) -> Any:
    shape, _, src_shape, dim, reduce = node.params
    xp = node.xp
    index = xp.array_of(i)
    dx = ds = None
    if node.edges[0] is not None:
        dx = g
        if reduce == "":
            dx = xp.zero_at(g, _grid(index, dim) if shape else (), None)
    if node.edges[2] is not None:
        ds = xp.gather(g, dim, index)
        if tuple(src_shape) != index.shape:
            ds = xp.scatter_pick(ds, src_shape, tuple(slice(0, n) for n in index.shape), True)
    return dx, None, ds


SCATTER = declare(
    Op(
        name="scatter",
        category=Category.INDEX,
        args=("input", "index", "src"),
        params=("dim", "reduce"),
        formula="out = input with out[index[i][j]][j] = src[i][j] (dim 0)",
        backward_formula="d input = g, 0 where written;  d src = g at index",
        forward=_scatter_forward,
        vjp=_scatter_vjp,
        saves=("index",),
        broadcasts=True,
        shape=lambda x, *_: x,
        narrate=N_("{src} is written into {input} along dim {dim} at {index}"),
        narrate_backward=N_("each written entry's gradient goes to {src}"),
    )
)


def _scatter(name: str, input: Any, dim: int, index: Any, src: Any, reduce: str, inplace: bool) -> Any:
    x = need_tensor(input, name)._array
    d = wrap_dim(dim, x.ndim, name)
    if isinstance(src, Tensor):
        if src._array.dtype != x.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        if index._array.size and max(src._array.ndim, 1) != max(index._array.ndim, 1):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    _checked_index(name, x, d, index)
    if isinstance(src, Tensor) and src._array.ndim:
        shapes = index._array.shape, x.shape, src._array.shape
        for k, (n, m, s) in enumerate(zip(*shapes)):
            if (k != d and n > m) or n > s:
                raise RuntimeError(
                    f"Expected index {list(shapes[0])} to be no larger than self {list(shapes[1])} "
                    f"apart from dimension {d} "
                    f"and to be no larger size than src {list(shapes[2])}"
                )
    params = (d, reduce)
    if inplace:
        return run_inplace(SCATTER, (input, index, src), params, name + "_")
    return run(SCATTER, (input, index, src), params)


@public(SCATTER)
def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str = "", out: Any = None
) -> Any:
    """src (or a number) written at index along a dim of a copy."""
    return _scatter("scatter", input, dim, index, src if value is None else value, reduce, False)


@method("scatter_")
def scatter_(self: Tensor, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str = "") -> Any:
    """In place: src (or a number) written at index along a dim."""
    return _scatter("scatter", self, dim, index, src if value is None else value, reduce, True)


@public("scatter_add")
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """src added at index along a dim of a copy."""
    return _scatter("scatter_add", input, dim, index, src, "add", False)


@method("scatter_add_")
def scatter_add_(self: Tensor, dim: int, index: Any, src: Any) -> Any:
    """In place: src added at index along a dim."""
    return _scatter("scatter_add", self, dim, index, src, "add", True)


@public("index_select")
def index_select(input: Any, dim: int, index: Any, *, out: Any = None) -> Any:
    """Slices picked along a dim."""
    x = need_tensor(input, "index_select")._array
    d = wrap_dim(dim, x.ndim, "index_select")
    i = need_tensor(index, "index_select", "index", 3)._array
    if i.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if i.dtype not in (np.int64, np.int32):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    n = x.shape[d] if x.ndim else 1
    if i.size and (i.min() < 0 or i.max() >= n):
        raise IndexError("index out of range in self")
    if not x.ndim:
        return run(INDEX, (input.reshape(1),), ((slice(None), ...), (i.reshape(-1),))).reshape(())
    basic = (slice(None),) * x.ndim + (...,)
    return run(INDEX_SELECT, (input,), (basic, (slice(None),) * d + (i.reshape(-1).astype(np.int64),)))


INDEX_SELECT = declare(
    Op(
        name="index_select",
        category=Category.INDEX,
        args=("input",),
        params=("basic", "arrays"),
        formula="out = input[index] along dim",
        backward_formula="d input = g added at the indices, 0 elsewhere",
        forward=_two_steps,
        vjp=_two_steps_vjp,
        broadcasts=True,
        narrate=N_("slices of {input} {input_shape} are picked by index: {shape}"),
        narrate_backward=N_("each picked slice of {input} gets its gradient; picked twice, the sum"),
        function=index_select,
    )
)


def _indexed(name: str, input: Any, dim: int, index: Any, source: Any, adds: bool, alpha: Any, inplace: bool) -> Any:
    x = need_tensor(input, name)._array
    d = wrap_dim(dim, x.ndim, name)
    i = need_tensor(index, name, "index", 3)._array.reshape(-1).astype(np.int64)
    if name == "index_fill":
        i = np.unique(i)
        if isinstance(source, Tensor) and source._array.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{source._array.ndim} dimension(s)."
            )
    if alpha != 1:
        source = source * alpha
    if not x.ndim:
        key: Key = (None, ...)
        return (
            run_inplace(SETITEM, (input, source), (key, (i,), adds), name + "_")
            if inplace
            else run(SETITEM, (input, source), (key, (i,), adds))
        )
    if isinstance(source, Tensor) and source._array.ndim != x.ndim and name in ("index_add", "index_copy") and adds:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(x.shape)} source.shape = {list(source._array.shape)}"
        )
    params = ((slice(None),) * x.ndim + (...,), (slice(None),) * d + (i,), adds)
    if inplace:
        return run_inplace(SETITEM, (input, source), params, name + "_")
    return run(SETITEM, (input, source), params)


@public("index_add")
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """source added at slices along a dim of a copy."""
    return _indexed("index_add", input, dim, index, source, True, alpha, False)


@method("index_add_")
def index_add_(self: Tensor, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """In place: source added at slices along a dim."""
    return _indexed("index_add", self, dim, index, source, True, alpha, True)


@public("index_copy")
def index_copy(input: Any, dim: int, index: Any, source: Any, *, out: Any = None) -> Any:
    """source written at slices along a dim of a copy."""
    return _indexed("index_copy", input, dim, index, source, False, 1, False)


@method("index_copy_")
def index_copy_(self: Tensor, dim: int, index: Any, source: Any) -> Any:
    """In place: source written at slices along a dim."""
    return _indexed("index_copy", self, dim, index, source, False, 1, True)


@public("index_fill")
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """A number written at slices along a dim of a copy."""
    return _indexed("index_fill", input, dim, index, value, False, 1, False)


@method("index_fill_")
def index_fill_(self: Tensor, dim: int, index: Any, value: Any) -> Any:
    """In place: a number written at slices along a dim."""
    return _indexed("index_fill", self, dim, index, value, False, 1, True)


@public("masked_select")
def masked_select(input: Any, mask: Any, *, out: Any = None) -> Any:
    """The entries where the mask holds, in a row."""
    x, m = FUNCTIONS["broadcast_tensors"](input, mask)
    if m._array.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    basic = (slice(None),) * m._array.ndim + (...,)
    if not m._array.ndim:
        return run(INDEX, (x,), ((None, ...), (m._array.reshape(1),)))
    return run(INDEX, (x,), (basic, (m._array,)))


def _c_name(t: Tensor) -> str:
    return t.dtype.title


@public("masked_scatter")
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """source written where the mask holds, in order."""
    if mask._array.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {_c_name(mask)}")
    shape = np.broadcast_shapes(input._array.shape, mask._array.shape)
    m = np.broadcast_to(mask._array, shape)
    n = int(m.sum())
    basic = (slice(None),) * len(shape) + (...,)
    return run(SETITEM, (input.expand(shape), source.reshape(-1)[:n]), (basic, (m,), False))


@public("take")
def take(input: Any, index: Any, *, out: Any = None) -> Any:
    """Entries of the flattened tensor."""
    i = need_tensor(index, "take", "index", 2)._array
    if i.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype.title}")
    n = need_tensor(input, "take")._array.size
    if i.size and (i.min() < -n or i.max() >= n):
        raise IndexError("out of range: tried to access index " + str(int(i.max())) + f" on a tensor of {n} elements.")
    return run(INDEX, (input.reshape(-1),), ((slice(None), ...), (i,)))


@public("nonzero")
def nonzero(input: Any, *, as_tuple: bool = False, out: Any = None) -> Any:
    """Where the entries are not 0: one row of indices for each."""
    x = need_tensor(input, "nonzero")._array
    found = np.nonzero(np.atleast_1d(x) if as_tuple else x) if x.ndim or as_tuple else ()
    if as_tuple:
        return tuple(wrap(f.astype(np.int64), input._device) for f in found)
    if not x.ndim:
        return wrap(np.zeros((int(bool(x)), 0), np.int64), input._device)
    return wrap(np.stack(found, 1).astype(np.int64), input._device)


@public("argwhere")
def argwhere(input: Any) -> Any:
    """Where the entries are not 0: one row of indices for each."""
    return nonzero(input)


@public("count_nonzero")
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """How many entries are not 0."""
    return (input != 0).sum(dim)


# Diagonals


def _diagonal_key(shape: tuple[int, ...], offset: int) -> tuple[Array, Array]:
    n, m = shape
    size = max(0, min(n, m - offset) if offset >= 0 else min(n + offset, m))
    i = np.arange(size)
    return i - min(offset, 0), i + max(offset, 0)


DIAGONAL = declare(
    Op(
        name="diagonal",
        category=Category.INDEX,
        args=("input",),
        params=("offset", "dim1", "dim2"),
        formula="out = the entries of input with equal places in dim1 and dim2",
        backward_formula="d input = g on the diagonal, 0 elsewhere",
        forward=lambda x, o, a, b: _writeable_diagonal(x, o, a, b),
        vjp=lambda node, g: (node.xp.undo_diagonal(g, *node.params),),
        broadcasts=True,
        view=True,
        narrate=N_("the diagonal of {input} {input_shape} is picked out: {shape}"),
        narrate_backward=N_("only the diagonal of {input} gets a gradient"),
        samples=lambda: [((3, 4), {"offset": 0, "dim1": 0, "dim2": 1})],
    )
)


def _writeable_diagonal(x: Array, offset: int, a: int, b: int) -> Array:
    out = x.diagonal(offset, a, b)
    if x.flags.writeable:
        out.flags.writeable = True
    return out


@public(DIAGONAL)
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two dims, sharing memory."""
    n = need_tensor(input, "diagonal")._array.ndim
    a, b = wrap_dim(dim1, n, "diagonal"), wrap_dim(dim2, n, "diagonal")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return run(DIAGONAL, (input,), (offset, a, b))


DIAG_EMBED = declare(
    Op(
        name="diag_embed",
        category=Category.INDEX,
        args=("input",),
        params=("offset", "dim1", "dim2"),
        formula="out = matrices with input on their diagonals",
        backward_formula="d input = g on the diagonals",
        forward=lambda x, o, a, b: _embed(x, o, a, b),
        vjp=lambda node, g: (node.xp.diagonal(g, *node.params),),
        narrate=N_("{input} is put on a diagonal: {shape}"),
        narrate_backward=N_("{input} gets the gradient on the diagonal"),
        samples=lambda: [((3,), {"offset": 0, "dim1": 0, "dim2": 1})],
    )
)


def _embed(x: Array, offset: int, a: int, b: int) -> Array:
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n), x.dtype)
    i = np.arange(x.shape[-1])
    out[..., i - min(offset, 0), i + max(offset, 0)] = x
    return np.moveaxis(out, (-2, -1), (a, b))


@public(DIAG_EMBED)
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices with the last dim on their diagonals."""
    n = need_tensor(input, "diag_embed")._array.ndim + 1
    a, b = wrap_dim(dim1, n, "diag_embed"), wrap_dim(dim2, n, "diag_embed")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return run(DIAG_EMBED, (input,), (offset if a < b else -offset, min(a, b), max(a, b)))


@public("diag")
def diag(input: Any, diagonal: int = 0, *, out: Any = None) -> Any:
    """The diagonal of a matrix, or a matrix with a vector on its diagonal."""
    n = need_tensor(input, "diag")._array.ndim
    if n == 1:
        return diag_embed(input, diagonal, 0, 1)
    if n == 2:
        return FUNCTIONS["diagonal"](input, diagonal, 0, 1).clone()
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {n}D")


@public("trace")
def trace(input: Any) -> Any:
    """The sum of a matrix's diagonal."""
    if need_tensor(input, "trace")._array.ndim != 2:
        raise RuntimeError("trace: expected a matrix, but got tensor with dim " + str(input._array.ndim))
    return FUNCTIONS["diagonal"](input).sum()


@public("meshgrid", method=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> Any:
    """Coordinates of a grid."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = [t._array.size for t in tensors]
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    full = [shape[i] for i in order]
    return tuple(
        t.reshape([-1 if order[k] == i else 1 for k in range(len(order))]).expand(full) for i, t in enumerate(tensors)
    )


# Classes and words


@public("one_hot", method=False)
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows with a single 1 at each class."""
    x = need_tensor(tensor, "one_hot", "self")._array
    if x.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if x.size and x.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        if not x.size:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(x.max()) + 1
    elif x.size and x.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((x[..., None] == np.arange(num_classes)).astype(np.int64), tensor._device)


EMBEDDING = declare(
    Op(
        name="embedding",
        category=Category.INDEX,
        args=("weight", "input"),
        params=("padding_idx",),
        formula="out = weight[input]",
        backward_formula="d weight = g added to the rows that were looked up",
        forward=lambda w, i, pad: w[i],
        vjp=lambda node, g, i: (_embedding_vjp(node, g, i), None),
        saves=("input",),
        broadcasts=True,
        shape=lambda w, i, pad: (*i, w[1]),
        narrate=N_("{n} rows of the table {weight} {weight_shape} are looked up by {input}"),
        narrate_backward=N_("each row of {weight} that was looked up gets its gradient added"),
        facts=lambda out, w, i, *_, **__: {"n": int(np.size(i))},
    )
)


def _embedding_vjp(node: Any, g: Any, i: Any) -> Any:
    shape, _, pad = node.params
    index = node.xp.array_of(i)
    if pad is not None and pad >= 0:
        keep = np.expand_dims(index != pad, -1).astype(node.xp.array_of(g).dtype)
        g = g * node.xp.constant(keep, g)
    return node.xp.scatter_pick(g, shape, (index,), False)


@public(EMBEDDING, method=False)
def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of a table at the given indices."""
    if not isinstance(weight, Tensor):
        raise bad_argument("embedding", "weight", 1, "Tensor", weight)
    i = need_tensor(input, "embedding", "indices", 2)._array
    if i.dtype not in (np.int64, np.int32):
        fail(
            RuntimeError,
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{input.dtype.title}Tensor instead (while checking arguments for embedding)",
            kind="index_dtype",
            op="embedding",
        )
    if weight._array.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    n = weight._array.shape[0]
    if padding_idx is not None and padding_idx < 0:
        padding_idx += n
    if i.size and (i.min() < 0 or i.max() >= n):
        fail(
            IndexError,
            "index out of range in self",
            kind="index_range",
            op="embedding",
            index=int(i.max()),
            size=n,
        )
    return run(EMBEDDING, (weight, input), (padding_idx,))
