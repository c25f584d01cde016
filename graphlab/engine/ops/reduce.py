"""Reductions: sum, mean, max and min with their dims, products, variances, norms, cumulative sums."""

from __future__ import annotations

from math import prod as _prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail, wrap_dim, wrap_dims
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def dims_of(dim: Any, n_dims: int, op: str) -> tuple[int, ...] | None:
    """The dims that an argument `dim` names, None for all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    if isinstance(dim, (tuple, list)):
        found = wrap_dims(dim, n_dims, op)
    else:
        found = (wrap_dim(dim, n_dims, op),)
    return found if n_dims else ()


def reduced(shape: tuple[int, ...], dim: tuple[int, ...] | None, keepdim: bool) -> tuple[int, ...]:
    """The shape that is left."""
    if dim is None:
        return (1,) * len(shape) if keepdim else ()
    return tuple(1 if i in dim else n for i, n in enumerate(shape) if keepdim or i not in dim)


def spread(node: Any, g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """The gradient of a reduced result, stretched back to the shape before."""
    xp = node.xp
    if not keepdim and dim is not None and dim != ():
        g = xp.reshape(g, reduced(shape, dim, True))
    elif not keepdim and dim is None and shape:
        g = xp.reshape(g, (1,) * len(shape))
    return xp.expand(g, shape)


def _sum(x: Any, dim: Any, keepdim: bool, dtype: Any = None) -> Any:
    if dtype is not None:
        return x.sum(axis=dim, keepdims=keepdim, dtype=dtype)
    return np.add.reduce(x, axis=dim, keepdims=keepdim)


SUM = declare(
    Op(
        name="sum",
        category=Category.REDUCTION,
        args=("input",),
        params=("dim", "keepdim"),
        formula="out = Σ input",
        backward_formula="d input = g for every entry that was summed",
        forward=_sum,
        vjp=lambda node, g: (spread(node, g, *node.params),),
        broadcasts=True,
        shape=lambda s, dim, keepdim, dtype=None: reduced(s, dim, keepdim),
        narrate=N_("all {n} entries of {input} are summed into {shape}"),
        narrate_backward=N_("each entry that was summed gets the same gradient"),
        facts=lambda out, x, **_: {"n": x.size},
        samples=lambda: [((3, 2), {}), ((3, 2), {"dim": 1}), ((2, 3, 2), {"dim": (0, 2), "keepdim": True}), ((), {})],
    )
)


@public(SUM)
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, out: Any = None,
        keepdims: bool | None = None) -> Any:  # fmt: skip
    """Σ input over all or the given dims; integers are summed as int64."""
    x = need_tensor(input, "sum")._array
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind != "f" and x.dtype != dtypes.I64:
        input = input.to(dtypes.int64)
    which = dims_of(dim if axis is None else axis, x.ndim, "sum")
    return run(SUM, (input,), (which, bool(keepdim if keepdims is None else keepdims)))


def _count(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> int:
    return _prod(shape) if dim is None else _prod(shape[d] for d in dim)


def _mean(x: Any, dim: Any, keepdim: bool) -> Any:
    n = _count(x.shape, dim)
    total = np.add.reduce(x, axis=dim, keepdims=keepdim)
    return np.true_divide(total, n if n else np.nan)


MEAN = declare(
    Op(
        name="mean",
        category=Category.REDUCTION,
        args=("input",),
        params=("dim", "keepdim"),
        formula="out = Σ input / n",
        backward_formula="d input = g / n",
        forward=_mean,
        vjp=lambda node, g: (spread(node, g / _count(node.params[0], node.params[1]), *node.params),),
        broadcasts=True,
        shape=lambda s, dim, keepdim: reduced(s, dim, keepdim),
        narrate=N_("the mean of {n} entries of {input} is taken for each of the results {shape}"),
        narrate_backward=N_("each entry gets the gradient divided by the number of entries averaged, {n}"),
        facts=lambda out, x, dim=None, **_: {"n": _count(x.shape, dim)},
        samples=lambda: [((3, 2), {}), ((3, 2), {"dim": 1}), ((2, 3, 2), {"dim": (0, 2), "keepdim": True})],
    )
)


@public(MEAN)
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, out: Any = None,
         keepdims: bool | None = None) -> Any:  # fmt: skip
    """The mean over all or the given dims; floating point only."""
    x = need_tensor(input, "mean")._array
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind != "f":
        fail(
            RuntimeError,
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {dtypes.of(x).title}",
            kind="mean_dtype",
            dtype=dtypes.of(x).name,
        )
    which = dims_of(dim if axis is None else axis, x.ndim, "mean")
    return run(MEAN, (input,), (which, bool(keepdim if keepdims is None else keepdims)))
