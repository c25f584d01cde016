"""Scattering with a reduction: scatter_reduce and index_reduce."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import wrap_dim
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.gather import _checked_index
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import method, need_tensor, public, run, run_inplace
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import known
from graphlab.i18n import N_

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def _grid(i: Array, dim: int) -> tuple[Any, ...]:
    grid: list[Any] = list(np.indices(i.shape, sparse=True))
    grid[dim] = i
    return tuple(grid)


def _identity(kind: Any, reduce: str) -> Any:
    if reduce in ("sum", "mean"):
        return kind.type(0)
    if reduce == "prod":
        return kind.type(1)
    if kind.kind in "fVc":
        return kind.type(-np.inf if reduce == "amax" else np.inf)
    if kind.kind == "b":
        return reduce == "amin"
    info = np.iinfo(kind)
    return kind.type(info.min if reduce == "amax" else info.max)


_UFUNCS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _forward(x: Array, i: Array, src: Array, dim: int, reduce: str, include_self: bool) -> Any:
    if not x.ndim:
        x, i, src, shape = x.reshape(1), i.reshape(-1), src.reshape(-1), ()
    else:
        shape = x.shape
    out = x.copy()
    if not i.size:
        return out.reshape(shape)
    grid = _grid(i, dim)
    values = src[tuple(slice(0, n) for n in i.shape)]
    if not include_self:
        out[grid] = _identity(x.dtype, reduce)
    _UFUNCS[reduce].at(out, grid, values)
    if reduce == "mean":
        counts = np.full(x.shape, 1 if include_self else 0, np.int64)
        np.add.at(counts, grid, 1)
        counts = np.maximum(counts, 1)
        out = np.floor_divide(out, counts) if x.dtype.kind not in "fVc" else out / counts.astype(x.dtype)
    return out.astype(x.dtype).reshape(shape)


def _vjp(node: Any, g: Any, x: Any, index: Any, src: Any, out: Any) -> Any:
    shape, _, src_shape, dim, reduce, include_self = node.params
    xp = node.xp
    i = xp.array_of(index)
    if not shape:
        g, x, src, out = (xp.reshape(t, (1,)) for t in (g, x, src, out))
        dx, ds = _slopes(
            node, g, x, src, out, i.reshape(-1), (1,), tuple(i.reshape(-1).shape), dim, reduce, include_self
        )
        return xp.reshape(dx, ()), None, xp.reshape(ds, src_shape)
    dx, ds = _slopes(node, g, x, src, out, i, shape, src_shape, dim, reduce, include_self)
    return dx, None, ds


def _slopes(
    node: Any,
    g: Any,
    x: Any,
    src: Any,
    out: Any,
    i: Array,
    shape: Any,
    src_shape: Any,
    dim: int,
    reduce: str,
    include_self: bool,
) -> Any:
    xp = node.xp
    kind = xp.array_of(g).dtype
    part = tuple(slice(0, n) for n in i.shape)
    values = xp.pick(src, part) if tuple(src_shape) != i.shape else src

    def constant(a: Any) -> Any:
        return xp.constant(np.asarray(a, kind), g)

    def counted(mask: Any) -> Any:
        total = np.zeros(shape, kind)
        np.add.at(total, _grid(i, dim), mask)
        return total

    hit = counted(np.ones(i.shape, kind))
    if reduce == "sum":
        dx, ds = g, xp.gather(g, dim, i)
    elif reduce == "mean":
        n = hit + (1 if include_self else 0)
        share = g / constant(np.where(n == 0, 1, n))
        dx, ds = share, xp.gather(share, dim, i)
    elif reduce in ("amax", "amin"):
        mine = xp.array_of(x) == xp.array_of(out)
        theirs = xp.array_of(values) == xp.array_of(xp.gather(out, dim, i))
        n = counted(theirs.astype(kind)) + mine
        share = g / constant(np.where(n == 0, 1, n))
        dx, ds = share * constant(mine), xp.gather(share, dim, i) * constant(theirs)
    else:
        zero = xp.array_of(x) == 0
        safe = xp.where(zero, x * 0 + 1, x)
        dx = g * apply(node, SCATTER_REDUCE, (safe, i, values), (dim, "prod", include_self)) / safe
        zeros = xp.array_of(values) == 0
        single = zeros & (_at(counted(zeros.astype(kind)), i, dim) == 1)
        lifted = xp.where(single, values * 0 + 1, values)
        others = apply(node, SCATTER_REDUCE, (x, i, lifted), (dim, "prod", include_self))
        divisor = xp.where(zeros, values * 0 + 1, values)
        ds = xp.where(single, xp.gather(g * others, dim, i), xp.gather(g * out, dim, i) / divisor)
    if not include_self:
        dx = dx * constant(hit == 0)
    if tuple(src_shape) != i.shape:
        ds = xp.scatter_pick(ds, src_shape, part, True)
    return dx, ds


def _at(a: Array, i: Array, dim: int) -> Any:
    return a[_grid(i, dim)]


SCATTER_REDUCE = declare(
    Op(
        name="scatter_reduce",
        category=Category.INDEX,
        args=("input", "index", "src"),
        params=("dim", "reduce", "include_self"),
        formula=N_("out[index[i]] = the sum, product, mean, largest or smallest of input and src[i], along dim"),
        backward_formula=N_("d src = g at index, times the slope of the reduction"),
        forward=_forward,
        vjp=_vjp,
        saves=("input", "index", "src", "out"),
        broadcasts=True,
        shape=lambda x, *_: x,
        narrate=N_("{src} is gathered into {input} along dim {dim} at {index} by {reduce}"),
        narrate_backward=N_("each entry of {src} gets the gradient of its place, by its share in the result"),
    )
)


def _arguments(name: str, input: Any, dim: int, index: Any, src: Any, reduce: str) -> Any:
    x = need_tensor(input, name)._array
    need_tensor(src, name, "src", 4)
    d = wrap_dim(dim, x.ndim, name)
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    i = _checked_index("scatter", x, d, index)
    if src._array.dtype != x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if max(src._array.ndim, 1) != max(i.ndim, 1) and i.size:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    for k, n in enumerate(i.shape):
        if i.size and ((k != d and n > x.shape[k]) or n > (src._array.shape[k] if src._array.ndim else 1)):
            raise RuntimeError(
                f"Expected index {list(i.shape)} to be no larger than self {list(x.shape)} apart from dimension {d} "
                "and to "
                f"be no larger size than src {list(src.shape)}"
            )
    return d


@public(SCATTER_REDUCE)
def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True, out: Any = None
) -> Any:
    """src reduced into a copy at index along a dim."""
    d = _arguments("scatter_reduce", input, dim, index, src, reduce)
    return run(SCATTER_REDUCE, (input, index, src), (d, reduce, bool(include_self)))


@method("scatter_reduce_")
def scatter_reduce_(self: Tensor, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """In place: src reduced at index along a dim."""
    d = _arguments("scatter_reduce", self, dim, index, src, reduce)
    return run_inplace(SCATTER_REDUCE, (self, index, src), (d, reduce, bool(include_self)), "scatter_reduce_")


_INDEX_REDUCE = known_as(SCATTER_REDUCE, "IndexReduceBackward0")


def _index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool, inplace: bool) -> Any:
    x = need_tensor(input, "index_reduce")._array
    i, s = (
        need_tensor(index, "index_reduce", "index", 3)._array,
        need_tensor(source, "index_reduce", "source", 4)._array,
    )
    d = wrap_dim(dim, x.ndim, "index_reduce")
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if i.ndim > 1:
        raise IndexError("index_reduce_(): Index is supposed to be a vector")
    if i.dtype not in (np.int64, np.int32):
        raise RuntimeError("index_reduce_(): Expected dtype int32/int64 for index")
    if s.dtype != x.dtype:
        raise RuntimeError("index_reduce_(): self and source expected to have the same dtype")
    n = x.shape[d] if x.ndim else 1
    if known(i) and (i.min() < 0 or i.max() >= n):
        raise IndexError("index out of range in self")
    shape = [-1 if k == d else 1 for k in range(s.ndim)]
    whole = np.broadcast_to(i.reshape(shape) if s.ndim else i.reshape(()), s.shape).astype(np.int64)
    params = (d, reduce, bool(include_self))
    call = run_inplace if inplace else run
    return call(_INDEX_REDUCE, (input, wrap(whole, index._device), source), params)


@public("index_reduce")
def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True, out: Any = None
) -> Any:
    """source reduced into slices of a copy."""
    return _index_reduce(input, dim, index, source, reduce, include_self, False)


@method("index_reduce_")
def index_reduce_(self: Tensor, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """In place: source reduced into slices."""
    return _index_reduce(self, dim, index, source, reduce, include_self, True)
