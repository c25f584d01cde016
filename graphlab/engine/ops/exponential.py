"""The exponential of matrices, by scaling and squaring of its Taylor series."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.i18n import N_

_DEGREE = 18
_LARGEST = 1.09
"""Up to this 1-norm the Taylor polynomial of degree 18 has an error below float64's (Bader, Blanes and Casas, 2019)."""


def _matrix_exp(a: Array) -> Any:
    if not a.size:
        return a.copy()
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    norms = np.abs(wide).sum(-2).max(-1)
    with np.errstate(all="ignore"):
        doublings = np.ceil(np.log2(np.maximum(norms, _LARGEST) / _LARGEST))
    doublings = np.where(np.isfinite(doublings), doublings, 0).astype(np.int64)
    scaled = wide / (2.0**doublings)[..., None, None]
    eye = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    out = eye.copy()
    for k in range(_DEGREE, 0, -1):
        out = eye + scaled @ out / k
    for i in range(int(doublings.max(initial=0))):
        # Each matrix as often as its own norm asks for.
        out = np.where((doublings > i)[..., None, None], out @ out, out)
    return out.astype(a.dtype)


def _matrix_exp_vjp(node: Any, g: Any, a: Any) -> Any:
    # The derivative of exp at Aᵀ in direction g stands in the corner of the exponential of a matrix twice as large.
    xp = node.xp
    n = a.shape[-1]
    last = len(a.shape) - 1
    t = xp.mT(a)
    zeros = xp.constant(np.zeros(tuple(a.shape), xp.array_of(a).dtype), a)
    block = xp.cat([xp.cat([t, g], last), xp.cat([zeros, t], last)], last - 1)
    return (xp.pick(apply(node, MATRIX_EXP, (block,)), (..., slice(0, n), slice(n, None))),)


MATRIX_EXP = declare(
    Op(
        name="linalg_matrix_exp",
        category=Category.MATRIX,
        args=("input",),
        formula="out = 1 + input + input² / 2 + input³ / 6 + …",
        backward_formula=N_("d input = the upper right corner of exp [[inputᵀ, g], [0, inputᵀ]]"),
        forward=_matrix_exp,
        vjp=_matrix_exp_vjp,
        saves=("input",),
        shape=lambda a: a,
        narrate=N_("the exponential of the matrix {input} {input_shape} is computed from its series"),
        narrate_backward=N_("the gradient is the derivative of that series, from a matrix twice as large"),
        samples=lambda: [((3, 3), {})],
    )
)
