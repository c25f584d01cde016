"""Products of Householder reflections, which QR factorizations are made of: householder_product, ormqr, geqrf."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.kinds import conjugate
from graphlab.engine.ops.matrices import adjoint
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.i18n import N_


def _vector(node: Any, v: Any, i: int) -> Any:
    """Reflection i's vector: zeros, a one, and what lies below the diagonal in column i. A column."""
    xp = node.xp
    m = v.shape[-2]
    head = np.zeros((*v.shape[:-2], i + 1, 1), xp.array_of(v).dtype)
    head[..., i, :] = 1
    if i + 1 == m:
        return xp.constant(head, v)
    below = xp.pick(v, (..., slice(i + 1, None), slice(i, i + 1)))
    return xp.cat([xp.constant(head, v), below], len(v.shape) - 2)


def _steps(node: Any, v: Any, tau: Any, c: Any, order: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """What c is before each reflection and at the end, the reflections' vectors and their factors."""
    xp = node.xp
    states, vectors, factors = [c], [], []
    for i in order:
        u = _vector(node, v, i)
        f = xp.reshape(xp.pick(tau, (..., slice(i, i + 1))), (*tau.shape[:-1], 1, 1))
        c = c - f * xp.matmul(u, xp.matmul(conjugate(xp.mT(u)), c))
        states.append(c)
        vectors.append(u)
        factors.append(f)
    return states, vectors, factors


def _gradients(node: Any, g: Any, v: Any, tau: Any, c: Any, order: list[int]) -> tuple[Any, Any, Any]:
    """Of the reflections' vectors (as columns below the diagonal), of their factors, and of what was reflected."""
    xp = node.xp
    states, vectors, factors = _steps(node, v, tau, c, order)
    m, n = v.shape[-2:]
    columns: dict[int, Any] = {}
    g_tau: dict[int, Any] = {}
    for step in range(len(order) - 1, -1, -1):
        i, u, f, before = order[step], vectors[step], factors[step], states[step]
        across = conjugate(xp.mT(u))
        ug, ub = xp.matmul(across, g), xp.matmul(across, before)
        g_tau[i] = xp.reshape(-xp.sum(ug * conjugate(ub), (-1,), False), (*tau.shape[:-1], 1))
        column = -(conjugate(f) * xp.matmul(g, conjugate(xp.mT(ub))) + f * xp.matmul(before, conjugate(xp.mT(ug))))
        columns[i] = xp.pick(column, (..., slice(i + 1, None), slice(None)))
        g = g - conjugate(f) * xp.matmul(u, ug)
    kind = xp.array_of(v).dtype
    parts = []
    for i in range(n):
        if i not in columns:
            parts.append(xp.constant(np.zeros((*v.shape[:-1], 1), kind), v))
            continue
        zeros = xp.constant(np.zeros((*v.shape[:-2], min(i + 1, m), 1), kind), v)
        parts.append(xp.cat([zeros, columns[i]], len(v.shape) - 2) if i + 1 < m else zeros)
    gv = xp.cat(parts, len(v.shape) - 1) if parts else xp.constant(np.zeros(v.shape, kind), v)
    gt = [g_tau[i] for i in range(tau.shape[-1]) if i in g_tau]
    g_factors = xp.cat(gt, len(tau.shape) - 1) if gt else xp.constant(np.zeros(tau.shape, kind), tau)
    return gv, g_factors, g


def _product(v: Array, tau: Array) -> Any:
    from graphlab.engine.ops.applied import NUMERIC  # nodes' own way to compute

    c = np.broadcast_to(np.eye(*v.shape[-2:], dtype=v.dtype), v.shape)
    node = _Arrays(NUMERIC)
    return np.array(_steps(node, v, tau, c, range(tau.shape[-1] - 1, -1, -1))[0][-1])


class _Arrays:
    """A node as far as the functions here look at it, for computing forward on arrays."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp


def _product_vjp(node: Any, g: Any, v: Any, tau: Any) -> Any:
    xp = node.xp
    c = xp.constant(np.broadcast_to(np.eye(*v.shape[-2:], dtype=xp.array_of(v).dtype), tuple(v.shape)).copy(), v)
    gv, gt, _ = _gradients(node, g, v, tau, c, list(range(tau.shape[-1] - 1, -1, -1)))
    return gv, gt


HOUSEHOLDER = declare(
    Op(
        name="linalg_householder_product",
        category=Category.MATRIX,
        args=("input", "tau"),
        formula=N_("out = the first columns of (1 − τ₁·v₁·v₁ᵀ) · (1 − τ₂·v₂·v₂ᵀ) · …"),
        backward_formula=N_("reflection by reflection: d τ = −vᵀ·g·outᵀ·v;  d v = −τ·(g·outᵀ·v + out·gᵀ·v)"),
        forward=_product,
        vjp=_product_vjp,
        saves=("input", "tau"),
        shape=lambda v, tau: v,
        narrate=N_("the reflections in the columns of {input} are multiplied to an orthogonal matrix: {shape}"),
        narrate_backward=N_("the gradient is reflected back, one reflection after the other"),
        samples=lambda: [((4, 3), (3,)), ((2, 3, 3), (2, 2))],
    )
)


def _order(n: int, transpose: bool) -> list[int]:
    return list(range(n)) if transpose else list(range(n - 1, -1, -1))


def _ormqr(v: Array, tau: Array, c: Array, left: bool, transpose: bool) -> Any:
    from graphlab.engine.ops.applied import NUMERIC

    if not left:
        return np.ascontiguousarray(adjoint(_ormqr(v, tau, adjoint(c), True, not transpose)))
    if transpose:
        tau = tau.conj()
    return np.array(_steps(_Arrays(NUMERIC), v, tau, c, _order(tau.shape[-1], transpose))[0][-1])


def _ormqr_vjp(node: Any, g: Any, v: Any, tau: Any, c: Any) -> Any:
    left, transpose = node.params
    t = node.xp.mT
    # The transpose has the conjugate factors.
    turned = transpose if left else not transpose
    factors = conjugate(tau) if turned else tau
    if not left:
        g, c = conjugate(t(g)), conjugate(t(c))
    gv, gt, gc = _gradients(node, g, v, factors, c, _order(tau.shape[-1], turned))
    return gv, conjugate(gt) if turned else gt, gc if left else conjugate(t(gc))


ORMQR = declare(
    Op(
        name="ormqr",
        category=Category.MATRIX,
        args=("input", "tau", "other"),
        params=("left", "transpose"),
        formula=N_("out = Q · other, with Q = (1 − τ₁·v₁·v₁ᵀ) · (1 − τ₂·v₂·v₂ᵀ) · …"),
        backward_formula=N_("d τ = −vᵀ·g·outᵀ·v;  d v = −τ·(g·outᵀ·v + out·gᵀ·v), one by one;  d other = Qᵀ · g"),
        forward=_ormqr,
        vjp=_ormqr_vjp,
        saves=("input", "tau", "other"),
        shape=lambda v, tau, c, *_: c,
        narrate=N_("{other} is reflected by the columns of {input}, one after the other"),
        narrate_backward=N_("the gradient is reflected back, one reflection after the other"),
        samples=lambda: [
            ((4, 3), (3,), (4, 2), {"left": True, "transpose": False}),
            ((4, 2), (2,), (3, 4), {"left": False, "transpose": True}),
        ],
    )
)


def _geqrf(a: Array) -> tuple[Any, Any]:
    m, n = a.shape[-2:]
    if not a.size:
        return a.copy(), np.zeros((*a.shape[:-2], min(m, n)), a.dtype)
    raw: Any = np.linalg.qr
    h, tau = raw(a, "raw")
    return np.ascontiguousarray(h.swapaxes(-1, -2)).astype(a.dtype), np.asarray(tau).astype(a.dtype)


def _geqrf_vjp(node: Any, gs: Any, *saved: Any) -> Any:
    raise NotImplementedError("the derivative for 'geqrf' is not implemented.")


GEQRF = declare(
    Op(
        name="geqrf",
        category=Category.MATRIX,
        args=("input",),
        formula=N_("out = R above the diagonal and the reflections below it; tau = their factors"),
        backward_formula=N_("not implemented in PyTorch either"),
        forward=_geqrf,
        vjp=_geqrf_vjp,
        n_outputs=2,
        shape=lambda a: (a, (*a[:-2], min(a[-2:]))),
        narrate=N_("{input} {input_shape} is brought to an upper triangle by reflections"),
        narrate_backward=N_("no gradient: the reflections themselves have no derivative here"),
    )
)
