"""Sorting and counting: sort, topk, kthvalue, unique, bincount."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.extremes import named
from graphlab.engine.ops.op import Category, Op, declare, known_as, values_and_places
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public, run
from graphlab.engine.virtual import known
from graphlab.i18n import N_


def _sort(x: Any, dim: int, descending: bool) -> Any:
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    if descending:
        # Stable from the other end, so that equal entries keep their order.
        order = np.flip(x.shape[dim] - 1 - np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim).copy()
    else:
        order = np.argsort(x, axis=dim, kind="stable")
    return np.take_along_axis(x, order, dim), order


def _topk(x: Any, dim: int, k: int, largest: bool) -> Any:
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    values, order = _sort(x, dim, largest)
    key = (slice(None),) * dim + (slice(0, k),)
    return values[key].copy(), order[key].copy()


def _topk_shape(shape: tuple[int, ...], dim: int, k: int, largest: bool) -> Any:
    return ((*shape[:dim], k, *shape[dim + 1 :]) if shape else (),) * 2


def _order_vjp(node: Any, gs: Any, order: Any) -> Any:
    shape, dim = node.params[:2]
    if gs[0] is None:
        return (None,)
    if not shape:
        return (gs[0],)
    return (node.xp.scatter_add(shape, dim, node.xp.array_of(order), gs[0]),)


def _ordering(name: str, params: tuple[str, ...], forward: Any, shape: Any, formula: str, words: str) -> Op:
    return declare(
        Op(
            name=name,
            category=Category.INDEX,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula=N_("d input = g at the places that the entries came from"),
            forward=forward,
            vjp=_order_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            shape=shape,
            dtype=values_and_places,
            narrate=words,
            narrate_backward=N_("each entry's gradient goes back to its place in {input}"),
        )
    )


SORT = _ordering(
    "sort",
    ("dim", "descending"),
    _sort,
    lambda s, *_: (s, s),
    N_("out = input in order along dim, and where each entry came from"),
    N_("{input} is put in order along dim {dim}"),
)
TOPK = _ordering(
    "topk",
    ("dim", "k", "largest"),
    _topk,
    _topk_shape,
    N_("out = the k largest entries along dim, and their places"),
    N_("the {k} first entries of {input} by size along dim {dim} are kept: {shape}"),
)
_STABLE = known_as(SORT, "SortBackward1")
_SORT_RESULT, _TOPK_RESULT = named("sort"), named("topk")


@public(SORT)
def sort(input: Any, dim: int = -1, descending: bool = False, stable: Any = None, *, out: Any = None) -> Any:
    """In order along a dim, with the places that the entries came from."""
    x = need_tensor(input, "sort")._array
    op = SORT if stable is None else _STABLE
    return _SORT_RESULT(run(op, (input,), (wrap_dim(dim, x.ndim, "sort"), bool(descending))))


@public("argsort")
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Where the entries in order came from."""
    return sort(input, dim, descending)[1]


@public("msort")
def msort(input: Any) -> Any:
    """In order along the first dim."""
    return sort(input, 0)[0]


@public(TOPK)
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The k largest (or smallest) entries along a dim, with their places."""
    x = need_tensor(input, "topk")._array
    d = wrap_dim(dim, x.ndim, "topk")
    if not 0 <= k <= (x.shape[d] if x.ndim else 1):
        fail(RuntimeError, "selected index k out of range", kind="index_range", op="topk", k=k, shape=list(x.shape))
    return _TOPK_RESULT(run(TOPK, (input,), (d, int(k), bool(largest))))


@public("kthvalue")
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest entry along a dim, with its place."""
    x = need_tensor(input, "kthvalue")._array
    d = wrap_dim(dim, x.ndim, "kthvalue")
    if not 1 <= k <= (x.shape[d] if x.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    values, places = sort(input, d)
    if not x.ndim:
        return named("kthvalue")((rename(values, "KthvalueBackward0"), places))
    pick = (FUNCTIONS["narrow"](v, d, k - 1, 1) for v in (values, places))
    return named("kthvalue")(rename(v if keepdim else v.squeeze(d), "KthvalueBackward0") for v in pick)


@public("unique")
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """The distinct entries in order."""
    from graphlab.engine.tensor import wrap

    x = need_tensor(input, "unique")._array
    found, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=dim)
    out = [wrap(found, input._device)]
    if return_inverse:
        out.append(wrap(inverse.reshape(x.shape if dim is None else -1).astype(np.int64), input._device))
    if return_counts:
        out.append(wrap(counts.astype(np.int64), input._device))
    return out[0] if len(out) == 1 else tuple(out)


@public("bincount")
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number occurs."""
    from graphlab.engine.tensor import wrap

    x = need_tensor(input, "bincount")._array
    if x.ndim != 1 or (known(x) and x.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    return wrap(np.bincount(x, None if weights is None else weights._array, minlength), input._device)
