"""Picking and writing along a dim by indices or a mask: gather, scatter, index_select, masked_select, nonzero."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, type_name, wrap_dim
from graphlab.engine.ops.index import INDEX, SETITEM, Key, _two_steps, _two_steps_vjp, two_steps_shape
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.overlap import refuse_overlap
from graphlab.engine.ops.run import (
    FUNCTIONS,
    method,
    need_tensor,
    public,
    run,
    run_inplace,
)
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, known, no_kernel, no_nonzero
from graphlab.i18n import N_

GATHER = declare(
    Op(
        name="gather",
        category=Category.INDEX,
        args=("input", "index"),
        params=("dim",),
        formula="out[i][j] = input[index[i][j]][j] (dim 0), input[i][index[i][j]] (dim 1)",
        backward_formula=N_("d input = g added at index"),
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
    if known(i) and (i.min() < 0 or i.max() >= n):
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
    if known(indices._array) and indices._array.min() < 0:
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
        formula=N_("out = input with out[index[i][j]][j] = src[i][j] (dim 0)"),
        backward_formula=N_("d input = g, 0 where written;  d src = g at index"),
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
    op = SCATTER if isinstance(src, Tensor) else _SCATTER_NUMBER
    if reduce:
        op = _SCATTER_ADD if name == "scatter_add" else SCATTER
    if inplace:
        return run_inplace(op, (input, index, src), params, name + "_")
    return run(op, (input, index, src), params)


_SCATTER_NUMBER = known_as(SCATTER, "ScatterBackward1")
_SCATTER_ADD = known_as(SCATTER, "ScatterAddBackward0")


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
    if known(i) and (i.min() < 0 or i.max() >= n):
        raise IndexError("index out of range in self")
    if not x.ndim:
        row = run(INDEX, (input.reshape(1),), ((slice(None), ...), (i.reshape(-1),)))
        return rename(row.reshape(()), "IndexSelectBackward0")
    basic = (slice(None),) * x.ndim + (...,)
    return run(INDEX_SELECT, (input,), (basic, (slice(None),) * d + (i.reshape(-1).astype(np.int64),)))


INDEX_SELECT = declare(
    Op(
        name="index_select",
        category=Category.INDEX,
        args=("input",),
        params=("basic", "arrays"),
        formula=N_("out = input[index] along dim"),
        backward_formula=N_("d input = g added at the indices, 0 elsewhere"),
        forward=_two_steps,
        vjp=_two_steps_vjp,
        broadcasts=True,
        shape=two_steps_shape,
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
        i = np.unique(i) if known(i) else i
        if isinstance(source, Tensor) and source._array.ndim:
            raise RuntimeError(
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{source._array.ndim} dimension(s)."
            )
    if alpha != 1:
        source = source * alpha
    if inplace and isinstance(source, Tensor) and name != "index_fill":
        refuse_overlap(name, x, source._array, whole=True)
    op = _FILL_BY_TENSOR if name == "index_fill" and isinstance(source, Tensor) else _INDEXED_OPS[name]
    if not x.ndim:
        key: Key = (None, ...)
        return (
            run_inplace(op, (input, source), (key, (i,), adds), name + "_")
            if inplace
            else run(op, (input, source), (key, (i,), adds))
        )
    if isinstance(source, Tensor) and source._array.ndim != x.ndim and name in ("index_add", "index_copy") and adds:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(x.shape)} source.shape = {list(source._array.shape)}"
        )
    params = ((slice(None),) * x.ndim + (...,), (slice(None),) * d + (i,), adds)
    if inplace:
        return run_inplace(op, (input, source), params, name + "_")
    return run(op, (input, source), params)


_INDEXED_OPS = {
    "index_add": known_as(SETITEM, "IndexAddBackward0"),
    "index_copy": known_as(SETITEM, "IndexCopyBackward0"),
    "index_fill": known_as(SETITEM, "IndexFillBackward0"),
}
_FILL_BY_TENSOR = known_as(SETITEM, "IndexFillBackward1")


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
    if type(m._array) is Virtual:
        no_kernel("masked_select")
    basic = (slice(None),) * m._array.ndim + (...,)
    if not m._array.ndim:
        return run(_MASKED_SELECT, (x,), ((None, ...), (m._array.reshape(1),)))
    return run(_MASKED_SELECT, (x,), (basic, (m._array,)))


_MASKED_SELECT, _TAKE = known_as(INDEX, "MaskedSelectBackward0"), known_as(INDEX, "TakeBackward0")
_MASKED_SCATTER = known_as(SETITEM, "MaskedScatterBackward0")


@public("masked_scatter")
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """source written where the mask holds, in order."""
    if mask._array.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype.title}")
    shape = np.broadcast_shapes(input._array.shape, mask._array.shape)
    m = np.broadcast_to(mask._array, shape)
    n = int(m.sum()) if type(m) is not Virtual else source._array.size
    basic = (slice(None),) * len(shape) + (...,)
    return run(_MASKED_SCATTER, (input.expand(shape), source.reshape(-1)[:n]), (basic, (m,), False))


@public("take")
def take(input: Any, index: Any, *, out: Any = None) -> Any:
    """Entries of the flattened tensor."""
    i = need_tensor(index, "take", "index", 2)._array
    if i.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype.title}")
    n = need_tensor(input, "take")._array.size
    if known(i) and (i.min() < -n or i.max() >= n):
        raise IndexError("out of range: tried to access index " + str(int(i.max())) + f" on a tensor of {n} elements.")
    return run(_TAKE, (input.reshape(-1),), ((slice(None), ...), (i,)))


@public("nonzero")
def nonzero(input: Any, *, as_tuple: bool = False, out: Any = None) -> Any:
    """Where the entries are not 0: one row of indices for each."""
    x = need_tensor(input, "nonzero")._array
    if type(as_tuple) is not bool:
        raise TypeError(f"nonzero(): argument 'as_tuple' must be bool, not {type_name(as_tuple)}")
    if type(x) is Virtual:
        no_nonzero()
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
