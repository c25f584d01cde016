"""LDLᵀ factorizations of symmetric matrices with the pivoting of Bunch and Kaufman, as LAPACK's sytf2 does it.

J. R. Bunch and L. Kaufman, Some Stable Methods for Calculating Inertia and Solving Symmetric Linear Systems, 1977.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.matrices import INT32, listed, magnitude
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.i18n import N_

_ALPHA = (1 + 17**0.5) / 8
"""Below this share of the largest entry beside it, a diagonal entry is no pivot of its own."""


def _exchange(a: Array, k: int, at: int, by: int) -> None:
    """Swap rows and columns `at` and `by` of the lower triangle, from column k on."""
    if at == by:
        return
    a[by + 1 :, [at, by]] = a[by + 1 :, [by, at]]
    a[at + 1 : by, at], a[by, at + 1 : by] = a[by, at + 1 : by].copy(), a[at + 1 : by, at].copy()
    a[at, at], a[by, by] = a[by, by], a[at, at]
    if at > k:
        a[at, k], a[by, k] = a[by, k], a[at, k]


def _factor_one(a: Array, pivots: Array) -> int:
    """Factorize the lower triangle in place; 0, or the first exactly zero pivot (from 1)."""
    n = len(a)
    info = 0
    k = 0
    while k < n:
        width = 1
        here = magnitude(a[k, k])
        below = magnitude(a[k + 1 :, k])
        largest_at = k + 1 + int(np.argmax(below)) if len(below) else k
        largest = below[largest_at - k - 1] if len(below) else magnitude(a.dtype.type(0))
        if max(here, largest) == 0 or np.isnan(here):
            info = info or k + 1
            pivots[k] = k + 1
            k += 1
            continue
        other = k
        if here < _ALPHA * largest:
            row = magnitude(np.concatenate([a[largest_at, k:largest_at], a[largest_at + 1 :, largest_at]]))
            beside = row.max()
            if here >= _ALPHA * largest * (largest / beside):
                other = k
            elif magnitude(a[largest_at, largest_at]) >= _ALPHA * beside:
                other = largest_at
            else:
                other, width = largest_at, 2
        _exchange(a, k, k + width - 1, other)
        rest = slice(k + width, None)
        if width == 1:
            column = a[rest, k].copy()
            a[rest, rest] -= np.tril(np.outer(column / a[k, k], column))
            a[rest, k] = column / a[k, k]
            pivots[k] = other + 1
        else:
            block = np.array([[a[k, k], a[k + 1, k]], [a[k + 1, k], a[k + 1, k + 1]]])
            columns = a[rest, k : k + 2].copy()
            weights = columns @ np.linalg.inv(block)
            a[rest, rest] -= np.tril(weights @ columns.T)
            a[rest, k : k + 2] = weights
            pivots[k] = pivots[k + 1] = -(other + 1)
        k += width
    return info


def _factor(a: Array) -> tuple[Any, Any, Any]:
    flat = listed(np.tril(a))
    pivots = np.zeros(flat.shape[:-1], INT32)
    infos = np.zeros(len(flat), INT32)
    with np.errstate(all="ignore"):
        for i, each in enumerate(flat):
            infos[i] = _factor_one(each, pivots[i])
    return flat.reshape(a.shape), pivots.reshape(a.shape[:-1]), infos.reshape(a.shape[:-2])


def _solve_one(ld: Array, pivots: Array, b: Array) -> None:
    """Solve L · D · Lᵀ · x = b in place, exchanges included."""
    n = len(ld)
    k = 0
    while k < n:
        width = 1 if pivots[k] > 0 else 2
        other = abs(int(pivots[k])) - 1
        at = k + width - 1
        if other != at:
            b[[at, other]] = b[[other, at]]
        rest = slice(k + width, None)
        b[rest] -= ld[rest, k : k + width] @ b[k : k + width]
        if width == 1:
            b[k] /= ld[k, k]
        else:
            block = np.array([[ld[k, k], ld[k + 1, k]], [ld[k + 1, k], ld[k + 1, k + 1]]])
            b[k : k + 2] = np.linalg.solve(block, b[k : k + 2])
        k += width
    k = n - 1
    while k >= 0:
        width = 1 if pivots[k] > 0 else 2
        first = k - width + 1
        b[first : k + 1] -= ld[k + 1 :, first : k + 1].T @ b[k + 1 :]
        other = abs(int(pivots[k])) - 1
        if other != k:
            b[[k, other]] = b[[other, k]]
        k -= width


def _solve(ld: Array, pivots: Array, b: Array) -> Any:
    batch = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    x = np.broadcast_to(b, (*batch, *b.shape[-2:])).copy()
    lds = listed(np.broadcast_to(ld, (*batch, *ld.shape[-2:])))
    exchanges = listed(np.broadcast_to(pivots, (*batch, pivots.shape[-1])), 1)
    with np.errstate(all="ignore"):
        for i, each in enumerate(listed(x)):
            _solve_one(lds[i], exchanges[i], each)
    return x


def _without(name: str) -> Any:
    def vjp(node: Any, g: Any, *saved: Any) -> Any:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return vjp


LDL_FACTOR = declare(
    Op(
        name="linalg_ldl_factor_ex",
        node="NotImplemented",
        category=Category.MATRIX,
        args=("input",),
        formula=N_("L · D · Lᵀ = input, for a symmetric input; D has blocks of one and of two rows"),
        backward_formula=N_("not implemented in PyTorch either"),
        forward=_factor,
        vjp=_without("linalg_ldl_factor_ex"),
        n_outputs=3,
        shape=lambda a: (a, a[:-1], a[:-2]),
        dtype=lambda a: (a.dtype, INT32, INT32),
        narrate=N_("the symmetric {input} {input_shape} is written as L · D · Lᵀ"),
        narrate_backward=N_("no gradient: this factorization has no derivative here"),
    )
)
LDL_SOLVE = declare(
    Op(
        name="linalg_ldl_solve",
        node="NotImplemented",
        category=Category.MATRIX,
        args=("LD", "pivots", "B"),
        formula="out = (L · D · Lᵀ)⁻¹ · B",
        backward_formula=N_("not implemented in PyTorch either"),
        forward=_solve,
        vjp=_without("linalg_ldl_solve"),
        shape=lambda ld, p, b: (*np.broadcast_shapes(ld[:-2], b[:-2]), *b[-2:]),
        dtype=lambda ld, p, b: b.dtype,
        narrate=N_("the symmetric system that {LD} holds the factors of is solved for {B}: {shape}"),
        narrate_backward=N_("no gradient: this solution has no derivative here"),
    )
)
