"""LU and Cholesky factorizations and what is solved with them, with partial pivoting as LAPACK does it."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.linalg import CHOLESKY
from graphlab.engine.ops.matrices import (
    INT32,
    listed,
    magnitude,
    permutation,
    permutation_matrix,
    transposed,
    triangular,
)
from graphlab.engine.ops.matrices import adjoint as adjoint_of
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.i18n import N_


def lu_arrays(a: Array) -> tuple[Array, Array, Array]:
    """L and U packed into one matrix, the row exchanges (from 1), and which U has a zero on its diagonal (from 1)."""
    m, n = a.shape[-2:]
    k = min(m, n)
    lu = listed(a).copy()
    pivots = np.zeros((len(lu), k), INT32)
    infos = np.zeros(len(lu), INT32)
    rows = np.arange(len(lu))
    with np.errstate(all="ignore"):
        for j in range(k):
            p = j + np.argmax(magnitude(lu[:, j:, j]), 1)
            pivots[:, j] = p + 1
            lu[rows, j], lu[rows, p] = lu[rows, p], lu[rows, j]
            pivot = lu[:, j, j]
            zero = pivot == 0
            infos[zero & (infos == 0)] = j + 1
            lu[:, j + 1 :, j] = np.where(zero[:, None], lu[:, j + 1 :, j], lu[:, j + 1 :, j] / pivot[:, None])
            lu[:, j + 1 :, j + 1 :] -= lu[:, j + 1 :, j, None] * lu[:, None, j, j + 1 :]
    batch = a.shape[:-2]
    return lu.reshape(a.shape), pivots.reshape(*batch, k), infos.reshape(batch)


def lower_of(lu: Array) -> Any:
    """The unit lower triangle of packed factors."""
    m, n = lu.shape[-2:]
    return np.tril(lu[..., : min(m, n)], -1) + np.eye(m, min(m, n), dtype=lu.dtype)


def upper_of(lu: Array) -> Any:
    """The upper triangle of packed factors."""
    m, n = lu.shape[-2:]
    return np.triu(lu[..., : min(m, n), :])


def _lu_gradient(node: Any, p: Any, low: Any, up: Any, g_low: Any, g_up: Any) -> Any:
    """The gradient of A = P · L · U from those of L (below its diagonal) and U."""
    xp = node.xp
    mm, t = xp.matmul, xp.mT
    m, n = low.shape[-2], up.shape[-1]
    k = min(m, n)
    head, tail = (..., slice(0, k), slice(None)), (..., slice(k, None), slice(None))
    left, right = (..., slice(None), slice(0, k)), (..., slice(None), slice(k, None))
    low1, up1 = xp.pick(low, head) if m > k else low, xp.pick(up, left) if n > k else up
    lower: Any = None
    upper: Any = None
    if g_low is not None:
        lower = mm(t(low1), xp.pick(g_low, head) if m > k else g_low)
    if g_up is not None:
        upper = mm(xp.pick(g_up, left) if n > k else g_up, t(up1))
    if n > k and g_up is not None:
        part = -mm(xp.pick(g_up, right), t(xp.pick(up, right)))
        lower = part if lower is None else lower + part
    if m > k and g_low is not None:
        part = -mm(t(xp.pick(low, tail)), xp.pick(g_low, tail))
        upper = part if upper is None else upper + part
    middle: Any = 0
    if lower is not None:
        middle = xp.tril(lower, -1)
    if upper is not None:
        middle = middle + xp.triu(upper, 0)
    # L1⁻ᵀ · middle · U1⁻ᵀ
    inner = apply(node, TRIANGLE, (t(low1), middle), (True,))
    if n > k:
        wide = apply(node, TRIANGLE, (t(low1), xp.pick(g_up, right)), (True,)) if g_up is not None else None
        first = t(apply(node, TRIANGLE, (up1, t(inner)), (True,)))
        if wide is None:
            wide = xp.constant(np.zeros((*first.shape[:-1], n - k), xp.array_of(low).dtype), low)
        whole = xp.cat([first, wide], len(first.shape) - 1)
    else:
        whole = t(apply(node, TRIANGLE, (up1, t(inner)), (True,)))
        if m > k:
            if g_low is None:
                rest = xp.constant(np.zeros((*whole.shape[:-2], m - k, n), xp.array_of(low).dtype), low)
            else:
                rest = t(apply(node, TRIANGLE, (up1, t(xp.pick(g_low, tail))), (True,)))
            whole = xp.cat([whole, rest], len(whole.shape) - 2)
    return mm(p, whole)


def _triangle_vjp(node: Any, g: Any, a: Any, x: Any) -> Any:
    xp = node.xp
    shape_a, shape_b, upper = node.params
    gb = apply(node, TRIANGLE, (xp.mT(a), g), (not upper,))
    ga = None
    if node.edges[0] is not None:
        whole = -xp.matmul(gb, xp.mT(x))
        ga = xp.sum_to(xp.triu(whole, 0) if upper else xp.tril(whole, 0), shape_a)
    return ga, xp.sum_to(gb, shape_b)


TRIANGLE = declare(
    Op(
        name="linalg_solve_triangular",
        category=Category.MATRIX,
        args=("A", "B"),
        params=("upper",),
        formula=N_("out = A⁻¹ · B, by substitution"),
        backward_formula=N_("d B = A⁻ᵀ · g;  d A = the triangle of −d B · outᵀ"),
        forward=lambda a, b, upper: triangular(np.triu(a) if upper else np.tril(a), b, upper),
        vjp=_triangle_vjp,
        saves=("A", "out"),
        broadcasts=True,
        shape=lambda a, b, _: (*np.broadcast_shapes(a[:-2], b[:-2]), *b[-2:]),
        narrate=N_("the triangular system {A} · x = {B} is solved by substitution: {shape}"),
        narrate_backward=N_("the transposed system is solved for the gradient; {A} gets that times the solution"),
        samples=lambda: [((3, 3), (3, 2), {"upper": True}), ((3, 3), (2, 3, 1), {"upper": False})],
    )
)


def _parts(node: Any, packed: Any) -> tuple[Any, Any]:
    """L and U out of packed factors, with operators."""
    xp = node.xp
    m, n = packed.shape[-2:]
    k = min(m, n)
    low = xp.pick(packed, (..., slice(None), slice(0, k))) if n > k else packed
    up = xp.pick(packed, (..., slice(0, k), slice(None))) if m > k else packed
    eye = xp.constant(np.eye(m, k, dtype=xp.array_of(packed).dtype), packed)
    return xp.tril(low, -1) + eye, xp.triu(up, 0)


def _half_gradients(node: Any, g: Any, m: int, n: int) -> tuple[Any, Any]:
    xp = node.xp
    k = min(m, n)
    low = xp.pick(g, (..., slice(None), slice(0, k))) if n > k else g
    up = xp.pick(g, (..., slice(0, k), slice(None))) if m > k else g
    return xp.tril(low, -1), xp.triu(up, 0)


def _factor_vjp(node: Any, gs: Any, packed: Any, pivots: Any) -> Any:
    xp = node.xp
    m, n = packed.shape[-2:]
    low, up = _parts(node, packed)
    kind = xp.array_of(packed).dtype
    p = xp.constant(permutation_matrix(xp.array_of(pivots), m, kind), packed)
    return (_lu_gradient(node, p, low, up, *_half_gradients(node, gs[0], m, n)),)


def _factor_shapes(a: Any) -> Any:
    return a, (*a[:-2], min(a[-2:])), a[:-2]


LU_FACTOR = declare(
    Op(
        name="linalg_lu_factor_ex",
        category=Category.MATRIX,
        args=("A",),
        formula=N_("A = P · L · U; out = L below the diagonal and U above it, and the row exchanges"),
        backward_formula="d A = P · L⁻ᵀ · (tril(Lᵀ·gL, −1) + triu(gU·Uᵀ)) · U⁻ᵀ",
        forward=lu_arrays,
        vjp=_factor_vjp,
        saves=("out", "out1"),
        n_outputs=3,
        shape=_factor_shapes,
        dtype=lambda a: (a.dtype, INT32, INT32),
        narrate=N_("{A} {A_shape} is written as P · L · U, by elimination with the largest pivots"),
        narrate_backward=N_("the gradients of both triangles are joined to that of {A}"),
        samples=lambda: [((3, 3), {}), ((4, 3), {}), ((2, 3, 4), {})],
    )
)


def _lu(a: Array) -> tuple[Any, Any, Any]:
    packed, pivots, _ = lu_arrays(a)
    return permutation_matrix(pivots, a.shape[-2], a.dtype), lower_of(packed), upper_of(packed)


def _lu_vjp(node: Any, gs: Any, p: Any, low: Any, up: Any) -> Any:
    _, g_low, g_up = gs
    if g_low is None and g_up is None:
        return (None,)
    p = node.xp.constant(node.xp.array_of(p), p)
    return (_lu_gradient(node, p, low, up, g_low, g_up),)


def _lu_shapes(a: Any, *_: Any) -> Any:
    m, n = a[-2:]
    k = min(m, n)
    return (*a[:-2], m, m), (*a[:-2], m, k), (*a[:-2], k, n)


LU = declare(
    Op(
        name="linalg_lu",
        category=Category.MATRIX,
        args=("A",),
        formula="P · L · U = A",
        backward_formula="d A = P · L⁻ᵀ · (tril(Lᵀ·gL, −1) + triu(gU·Uᵀ)) · U⁻ᵀ",
        forward=_lu,
        vjp=_lu_vjp,
        saves=("out", "out1", "out2"),
        n_outputs=3,
        shape=_lu_shapes,
        narrate=N_("{A} {A_shape} is written as a permutation times a lower times an upper triangle"),
        narrate_backward=N_("the gradients of both triangles are joined to that of {A}"),
        samples=lambda: [((3, 3), {}), ((4, 2), {}), ((2, 4), {})],
    )
)


def _unpack(lu: Array, pivots: Array) -> tuple[Any, Any, Any]:
    return permutation_matrix(pivots, lu.shape[-2], lu.dtype), lower_of(lu), upper_of(lu)


def _unpack_vjp(node: Any, gs: Any) -> Any:
    xp = node.xp
    _, g_low, g_up = gs
    shape = node.params[0]
    m, n = shape[-2:]
    total = None
    if g_low is not None:
        part = xp.tril(g_low, -1)
        if n > m:
            zeros = xp.constant(np.zeros((*shape[:-1], n - m), xp.array_of(g_low).dtype), g_low)
            part = xp.cat([part, zeros], len(shape) - 1)
        total = part
    if g_up is not None:
        part = xp.triu(g_up, 0)
        if m > n:
            zeros = xp.constant(np.zeros((*shape[:-2], m - n, n), xp.array_of(g_up).dtype), g_up)
            part = xp.cat([part, zeros], len(shape) - 2)
        total = part if total is None else total + part
    return total, None


LU_UNPACK = declare(
    Op(
        name="lu_unpack",
        category=Category.MATRIX,
        args=("LU", "pivots"),
        formula=N_("P, L, U = the three factors that LU and pivots hold"),
        backward_formula=N_("d LU = gL below the diagonal, gU above it"),
        forward=_unpack,
        vjp=_unpack_vjp,
        broadcasts=True,
        n_outputs=3,
        shape=_lu_shapes,
        narrate=N_("{LU} {LU_shape} is taken apart into a lower and an upper triangle"),
        narrate_backward=N_("each entry of {LU} gets the gradient of the triangle that it went to"),
    )
)


def _lu_solve(lu: Array, pivots: Array, b: Array, adjoint: bool) -> Any:
    order = permutation(pivots, lu.shape[-1])
    batch = np.broadcast_shapes(lu.shape[:-2], b.shape[:-2])
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    places = np.broadcast_to(order[..., None], b.shape)
    if not adjoint:
        y = triangular(lower_of(lu), np.take_along_axis(b, places, -2), False)
        return np.ascontiguousarray(triangular(upper_of(lu), y, True))
    y = triangular(adjoint_of(upper_of(lu)), b, False)
    y = triangular(adjoint_of(lower_of(lu)), y, True)
    out = np.empty_like(y)
    np.put_along_axis(out, places, y, -2)
    return out


def _lu_solve_vjp(node: Any, g: Any, lu: Any, pivots: Any, x: Any) -> Any:
    xp = node.xp
    shape_lu, _, shape_b, adjoint = node.params
    gb = apply(node, LU_SOLVE, (lu, pivots, g), (not adjoint,))
    ga = None
    if node.edges[0] is not None:
        whole = -xp.matmul(x, xp.mT(gb)) if adjoint else -xp.matmul(gb, xp.mT(x))
        p = xp.constant(permutation_matrix(xp.array_of(pivots), lu.shape[-1], xp.array_of(lu).dtype), lu)
        whole = xp.matmul(xp.mT(p), whole)
        low, up = _parts(node, lu)
        ga = xp.tril(xp.matmul(whole, xp.mT(up)), -1) + xp.triu(xp.matmul(xp.mT(low), whole), 0)
        ga = xp.sum_to(ga, shape_lu)
    return ga, None, xp.sum_to(gb, shape_b)


LU_SOLVE = declare(
    Op(
        name="linalg_lu_solve",
        category=Category.MATRIX,
        args=("LU", "pivots", "B"),
        params=("adjoint",),
        formula="out = (P · L · U)⁻¹ · B",
        backward_formula=N_("d B = (P · L · U)⁻ᵀ · g;  d LU = the triangles of Pᵀ · (−d B · outᵀ), through L and U"),
        forward=_lu_solve,
        vjp=_lu_solve_vjp,
        saves=("LU", "pivots", "out"),
        broadcasts=True,
        shape=lambda lu, p, b, _: (*np.broadcast_shapes(lu[:-2], b[:-2]), *b[-2:]),
        narrate=N_("two triangular systems are solved with the factors {LU} for {B}: {shape}"),
        narrate_backward=N_("the transposed systems are solved for the gradient"),
    )
)


# Cholesky


def _cholesky_ex(a: Array, upper: bool) -> tuple[Any, Any]:
    rows = listed(a)
    infos = np.zeros(len(rows), INT32)
    try:
        low = np.linalg.cholesky(rows)
    except np.linalg.LinAlgError:
        low = np.zeros_like(rows)
        for i, m in enumerate(rows):
            low[i], infos[i] = _as_far_as_it_goes(m)
    low = low.reshape(a.shape)
    return (np.ascontiguousarray(adjoint_of(low)) if upper else low), infos.reshape(a.shape[:-2])


def _as_far_as_it_goes(a: Array) -> tuple[Any, int]:
    """The factor of one matrix up to the first pivot that is not positive, and that pivot's number (0: none)."""
    low = np.tril(a)
    for j in range(len(a)):
        pivot = (low[j, j] - low[j, :j] @ low[j, :j].conj()).real
        if not pivot > 0:
            low[j, j] = pivot
            return low, j + 1
        low[j, j] = np.sqrt(pivot)
        low[j + 1 :, j] = (low[j + 1 :, j] - low[j + 1 :, :j] @ low[j, :j].conj()) / low[j, j]
    return low, 0


def _cholesky_ex_vjp(node: Any, gs: Any, out: Any) -> Any:
    assert CHOLESKY.vjp is not None
    return CHOLESKY.vjp(node, gs[0], out)


CHOLESKY_EX = declare(
    Op(
        name="linalg_cholesky_ex",
        category=Category.MATRIX,
        args=("input",),
        params=("upper",),
        formula=N_("out · outᵀ = input, and whether there is such a factor"),
        backward_formula=N_("d input = symmetric part of out⁻ᵀ · Φ(outᵀ · g) · out⁻¹"),
        forward=_cholesky_ex,
        vjp=_cholesky_ex_vjp,
        saves=("out",),
        n_outputs=2,
        shape=lambda a, _: (a, a[:-2]),
        dtype=lambda a, _: (a.dtype, INT32),
        narrate=N_("{input} {input_shape} is written as L · Lᵀ, as far as it is positive-definite"),
        narrate_backward=N_("the gradient of the factor becomes a symmetric one of {input}"),
    )
)
CHOLESKY_OLD = declare(
    Op(
        name="cholesky",
        category=Category.MATRIX,
        args=("input",),
        params=("upper",),
        formula="out · outᵀ = input",
        backward_formula=N_("d input = symmetric part of out⁻ᵀ · Φ(outᵀ · g) · out⁻¹"),
        forward=lambda a, upper: _cholesky_ex(a, upper)[0],
        vjp=CHOLESKY.vjp,
        saves=("out",),
        shape=lambda a, _: a,
        narrate=N_("the positive-definite {input} {input_shape} is written as L · Lᵀ"),
        narrate_backward=N_("the gradient of the factor becomes a symmetric one of {input}"),
    )
)


def _half(a: Array, upper: bool) -> Any:
    return adjoint_of(np.triu(a)) if upper else np.tril(a)


def _cholesky_solve(b: Array, a: Array, upper: bool) -> Any:
    low = _half(a, upper)
    return np.ascontiguousarray(triangular(adjoint_of(low), triangular(low, b, False), True))


def _from_symmetric(node: Any, common: Any, factor: Any, upper: bool) -> Any:
    xp = node.xp
    return -xp.matmul(factor, common) if upper else -xp.matmul(common, factor)


def _cholesky_solve_vjp(node: Any, g: Any, a: Any, x: Any) -> Any:
    xp = node.xp
    shape_b, shape_a, upper = node.params
    gb = apply(node, CHOLESKY_SOLVE, (g, a), (upper,))
    ga = None
    if node.edges[1] is not None:
        common = xp.matmul(gb, xp.mT(x))
        ga = xp.sum_to(_from_symmetric(node, common + xp.mT(common), a, upper), shape_a)
    return xp.sum_to(gb, shape_b), ga


CHOLESKY_SOLVE = declare(
    Op(
        name="cholesky_solve",
        category=Category.MATRIX,
        args=("B", "L"),
        params=("upper",),
        formula="out = (L · Lᵀ)⁻¹ · B",
        backward_formula="d B = (L · Lᵀ)⁻¹ · g;  d L = −(d B · outᵀ + out · d Bᵀ) · L",
        forward=_cholesky_solve,
        vjp=_cholesky_solve_vjp,
        saves=("L", "out"),
        broadcasts=True,
        shape=lambda b, a, _: (*np.broadcast_shapes(a[:-2], b[:-2]), *b[-2:]),
        narrate=N_("two triangular systems are solved with the factor {L} for {B}: {shape}"),
        narrate_backward=N_("the same system is solved for the gradient"),
    )
)


def _cholesky_inverse(a: Array, upper: bool) -> Any:
    low = _half(a, upper)
    eye = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    inverse = triangular(low, eye, False)
    return np.ascontiguousarray(adjoint_of(inverse) @ inverse)


def _cholesky_inverse_vjp(node: Any, g: Any, a: Any, out: Any) -> Any:
    xp = node.xp
    common = xp.matmul(out, xp.matmul(g + xp.mT(g), out))
    return (_from_symmetric(node, common, a, node.params[0]),)


CHOLESKY_INVERSE = declare(
    Op(
        name="cholesky_inverse",
        category=Category.MATRIX,
        args=("input",),
        params=("upper",),
        formula=N_("out = (L · Lᵀ)⁻¹, with L = input"),
        backward_formula="d input = −out · (g + gᵀ) · out · L",
        forward=_cholesky_inverse,
        vjp=_cholesky_inverse_vjp,
        saves=("input", "out"),
        shape=lambda a, _: a,
        narrate=N_("the matrix whose Cholesky factor is {input} is inverted"),
        narrate_backward=N_("the gradient goes between two inverses and on to the factor"),
    )
)


# The old way to solve a triangular system


def _old_triangle(b: Array, a: Array, upper: bool, transpose: bool, unit: bool) -> tuple[Any, Any]:
    half = np.triu(a) if upper else np.tril(a)
    if unit:
        half = half.copy()
        half[..., range(a.shape[-1]), range(a.shape[-1])] = 1
    flipped = transposed(half) if transpose else half
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return triangular(flipped, b, upper != transpose), np.broadcast_to(a, (*batch, *a.shape[-2:])).copy()


def _old_triangle_vjp(node: Any, gs: Any, a: Any, x: Any) -> Any:
    xp = node.xp
    shape_b, shape_a, upper, transpose, unit = node.params
    g, g_copy = gs
    ga = gb = None
    if g is not None:
        gb, _ = apply(node, TRIANGLE_OLD, (g, a), (upper, not transpose, unit))
        if node.edges[1] is not None:
            whole = -xp.matmul(x, xp.mT(gb)) if transpose else -xp.matmul(gb, xp.mT(x))
            ga = xp.triu(whole, 1 if unit else 0) if upper else xp.tril(whole, -1 if unit else 0)
        gb = xp.sum_to(gb, shape_b)
    if g_copy is not None:
        ga = g_copy if ga is None else ga + g_copy
    return gb, None if ga is None else xp.sum_to(ga, shape_a)


TRIANGLE_OLD = declare(
    Op(
        name="triangular_solve",
        category=Category.MATRIX,
        args=("b", "A"),
        params=("upper", "transpose", "unitriangular"),
        formula=N_("out = A⁻¹ · b, by substitution"),
        backward_formula=N_("d b = A⁻ᵀ · g;  d A = the triangle of −d b · outᵀ"),
        forward=_old_triangle,
        vjp=_old_triangle_vjp,
        saves=("A", "out"),
        broadcasts=True,
        n_outputs=2,
        shape=lambda b, a, *_: (
            (*np.broadcast_shapes(a[:-2], b[:-2]), *b[-2:]),
            (*np.broadcast_shapes(a[:-2], b[:-2]), *a[-2:]),
        ),
        narrate=N_("the triangular system {A} · x = {b} is solved by substitution"),
        narrate_backward=N_("the transposed system is solved for the gradient; {A} gets that times the solution"),
        samples=lambda: [((3, 2), (3, 3), {"upper": True, "transpose": False, "unitriangular": False})],
    )
)
