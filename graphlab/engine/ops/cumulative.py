"""Running sums and products: cumsum, cumprod."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import wrap_dim
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.i18n import N_


def _cumsum_vjp(node: Any, g: Any) -> Any:
    dim = node.params[0]
    xp = node.xp
    if not len(g.shape):
        return (g,)
    return (xp.flip(xp.cumsum(xp.flip(g, (dim,)), dim), (dim,)),)


def _cumprod_slopes(node: Any, g: Any, x: Any, dim: int) -> Any:
    """The slope of each entry from the running products without it: slow, but there may be zeros."""
    from graphlab.engine.ops.applied import apply
    from graphlab.engine.ops.op import OPS

    xp = node.xp
    n = x.shape[dim]
    at = np.arange(n).reshape([-1 if d == dim else 1 for d in range(len(g.shape))])
    kind = xp.array_of(g).dtype
    parts = []
    for i in range(n):
        own = xp.constant(np.asarray(at == i, kind), x)
        others = apply(node, OPS["cumprod"], (x * (1 - own) + own,), (dim,))
        parts.append(xp.sum(g * others * xp.constant(np.asarray(at >= i, kind), x), (dim,), True))
    return xp.cat(parts, dim)


def _cumprod_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    dim = node.params[0]
    xp = node.xp
    if not len(g.shape):
        return (g,)
    if (xp.array_of(x) == 0).any():
        return (_cumprod_slopes(node, g, x, dim),)
    return (xp.flip(xp.cumsum(xp.flip(g * out, (dim,)), dim), (dim,)) / x,)


def _running(
    name: str, forward: Any, vjp: Any, saves: tuple[str, ...], formula: str, backward: str, words: str
) -> None:
    op = declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim",),
            formula=formula,
            backward_formula=backward,
            forward=lambda x, dim: forward(x, axis=dim, dtype=x.dtype) if x.ndim else x.copy(),
            vjp=vjp,
            saves=saves,
            shape=lambda s, dim: s,
            narrate=words,
            narrate_backward=N_("each entry of {input} gets the gradients of all results that it went into"),
            samples=lambda: [((3, 4), {"dim": 1})],
        )
    )

    def call(input: Any, dim: int, *, dtype: Any = None, out: Any = None) -> Any:
        x = need_tensor(input, name)._array
        if dtype is not None:
            input = input.to(dtype)
        elif x.dtype.kind not in "fVc" and x.dtype != dtypes.I64:
            input = input.to(dtypes.int64)
        return run(op, (input,), (wrap_dim(dim, x.ndim, name),))

    call.__name__ = name
    public(op)(call)


_running(
    "cumsum",
    np.cumsum,
    _cumsum_vjp,
    (),
    N_("out[i] = Σ input[0 … i] along dim"),
    "d input[i] = Σ g[i …]",
    N_("running sums of {input} along dim {dim}"),
)
_running(
    "cumprod",
    np.cumprod,
    _cumprod_vjp,
    ("input", "out"),
    N_("out[i] = Π input[0 … i] along dim"),
    "d input[i] = Σ g[i …] · out[i …] / input[i]",
    N_("running products of {input} along dim {dim}"),
)
