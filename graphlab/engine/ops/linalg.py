"""Linear algebra: inverses, determinants, systems and factorizations, on batches of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import make
from graphlab.engine.ops.applied import NUMERIC, apply
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


class _LinAlgError(RuntimeError):
    """A matrix that cannot be inverted or factorized: `torch.linalg.LinAlgError`."""


LinAlgError = _LinAlgError


def _where(index: int, is_batch: bool) -> str:
    return f"(Batch element {index}): " if is_batch else ""


def _first_zero_pivot(a: Any) -> tuple[int, int]:
    """Which matrix of the batch has a zero on the diagonal of its U, and where (from 1)."""
    rows = a.reshape(-1, *a.shape[-2:]).astype(np.result_type(a.dtype, np.float64))
    for index, m in enumerate(rows):
        m = m.copy()
        for k in range(len(m)):
            pivot = k + int(np.argmax(np.abs(m[k:, k])))
            if m[pivot, k] == 0:
                return index, k + 1
            m[[k, pivot]] = m[[pivot, k]]
            m[k + 1 :] -= np.outer(m[k + 1 :, k] / m[k, k], m[k])
    return 0, rows.shape[-1]


def _singular(name: str, a: Any, text: str) -> BaseException:
    index, place = _first_zero_pivot(a)
    shown = text.format(place=place)
    return make(
        _LinAlgError,
        f"{name}: {_where(index, a.ndim > 2)}{shown}",
        kind="singular",
        op=name,
        shape=list(a.shape),
    )


def _inv(a: Any) -> Any:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise _singular(
            "linalg.inv",
            a,
            "The diagonal element {place} is zero, the inversion could not be completed because the input matrix is "
            "singular.",
        ) from None


def _inv_vjp(node: Any, g: Any, out: Any) -> Any:
    xp = node.xp
    t = xp.mT(out)
    return (-xp.matmul(t, xp.matmul(g, t)),)


def _square(shape: Any, *_: Any) -> Any:
    return shape


def _op(
    name: str, formula: str, backward: str, forward: Any, vjp: Any, narrate: str, narrate_backward: str, **more: Any
) -> Op:
    return declare(
        Op(
            name=f"linalg_{name}",
            category=Category.MATRIX,
            args=more.pop("args", ("input",)),
            formula=formula,
            backward_formula=backward,
            forward=forward,
            vjp=vjp,
            narrate=narrate,
            narrate_backward=narrate_backward,
            **more,
        )
    )


def _spread(n: int) -> Any:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, n)) + n * np.eye(n)


INV = _op(
    "inv",
    "out = input⁻¹",
    "d input = −outᵀ · g · outᵀ",
    _inv,
    _inv_vjp,
    N_("the matrix {input} {input_shape} is inverted"),
    N_("the gradient goes between two transposed inverses, with its sign turned"),
    node="LinalgInvExBackward0",
    saves=("out",),
    shape=_square,
)


def _cofactors(a: Any) -> Any:
    """The derivative of the determinant; right for singular matrices too."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.broadcast_to(s[..., None, :], (*s.shape, n)).copy()
    others[..., range(n), range(n)] = 1
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return np.asarray(((u * others.prod(-1)[..., None, :]) @ vh).conj() * sign[..., None, None], a.dtype)


def _det_vjp(node: Any, g: Any, a: Any, out: Any) -> Any:
    xp = node.xp
    wide = xp.reshape(g, (*g.shape, 1, 1))
    if xp is NUMERIC:
        return (wide * _cofactors(a),)
    return (wide * xp.reshape(out, (*out.shape, 1, 1)) * xp.mT(apply(node, INV, (a,))),)


DET = _op(
    "det",
    "out = det(input)",
    "d input = g · det(input) · input⁻ᵀ",
    lambda a: np.asarray(np.linalg.det(a), a.dtype),
    _det_vjp,
    N_("the determinant of {input} {input_shape} is computed"),
    N_("each entry of {input} gets its cofactor times the gradient"),
    node="LinalgDetBackward0",
    saves=("input", "out"),
    shape=lambda s: s[:-2],
)


def _slogdet(a: Any) -> tuple[Any, Any]:
    sign, log = np.linalg.slogdet(a)
    return np.asarray(sign, a.dtype), np.asarray(log, a.dtype)


def _slogdet_vjp(node: Any, gs: Any, a: Any) -> Any:
    if gs[1] is None:
        return (None,)
    xp = node.xp
    return (xp.reshape(gs[1], (*gs[1].shape, 1, 1)) * xp.mT(apply(node, INV, (a,))),)


SLOGDET = _op(
    "slogdet",
    N_("sign, logabsdet = sign and ln of |det(input)|"),
    "d input = g · input⁻ᵀ",
    _slogdet,
    _slogdet_vjp,
    N_("sign and logarithm of the determinant of {input} {input_shape} are computed"),
    N_("{input} gets the transposed inverse times the gradient of the logarithm"),
    node="LinalgSlogdetBackward0",
    saves=("input",),
    n_outputs=2,
    shape=lambda s: (s[:-2], s[:-2]),
)


def _solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise _singular("torch.linalg.solve", a, "The solver failed because the input matrix is singular.") from None


def _solve_vjp(node: Any, g: Any, a: Any, x: Any) -> Any:
    xp = node.xp
    ea, _eb = node.edges
    sa, sb = node.params
    gb = apply(node, SOLVE, (xp.mT(a), g))
    ga = None if ea is None else xp.sum_to(-xp.matmul(gb, xp.mT(x)), sa)
    return ga, xp.sum_to(gb, sb)


SOLVE = _op(
    "solve",
    "out = A⁻¹ · B",
    "d B = A⁻ᵀ · g;  d A = −d B · outᵀ",
    _solve,
    _solve_vjp,
    N_("the system {A} · x = {B} is solved: {shape}"),
    N_("the transposed system is solved for the gradient; {A} gets that times the solution"),
    node="LinalgSolveExBackward0",
    args=("A", "B"),
    saves=("A", "out"),
    broadcasts=True,
    shape=lambda a, b: (*np.broadcast_shapes(a[:-2], b[:-2]), *b[-2:]),
)


def _cholesky(a: Any, upper: bool) -> Any:
    try:
        low = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        raise _not_positive(a) from None
    return np.ascontiguousarray(low.conj().swapaxes(-1, -2)) if upper else low


def _not_positive(a: Any) -> BaseException:
    rows = a.reshape(-1, *a.shape[-2:])
    for index, m in enumerate(rows):
        for order in range(1, len(m) + 1):
            try:
                np.linalg.cholesky(m[:order, :order])
            except np.linalg.LinAlgError:
                return make(
                    _LinAlgError,
                    f"linalg.cholesky: {_where(index, a.ndim > 2)}The factorization could not be completed because the "
                    f"input is not positive-definite (the leading minor of order {order} is not positive-definite).",
                    kind="not_positive_definite",
                    op="linalg_cholesky",
                    shape=list(a.shape),
                )
    return make(_LinAlgError, "linalg.cholesky: the input is not positive-definite", kind="not_positive_definite")


def _constant(node: Any, array: Any, like: Any) -> Any:
    return node.xp.constant(array, like)


def _cholesky_vjp(node: Any, g: Any, out: Any) -> Any:
    xp = node.xp
    if node.params[0]:
        out, g = xp.mT(out), xp.mT(g)
    n = out.shape[-1]
    kind = xp.array_of(out).dtype
    whole = xp.matmul(xp.mT(out), g)
    lower = whole * _constant(node, np.tril(np.ones((n, n), kind)), out)
    below = whole * _constant(node, np.tril(np.ones((n, n), kind), -1), out)
    inverse = apply(node, INV, (out,))
    # Half of the lower triangle mirrored: of complex matrices, too, the diagonal is left as it is.
    middle = (lower + xp.mT(below)) * 0.5
    return (xp.matmul(xp.mT(inverse), xp.matmul(middle, inverse)),)


CHOLESKY = _op(
    "cholesky",
    "out · outᵀ = input",
    N_("d input = symmetric part of out⁻ᵀ · Φ(outᵀ · g) · out⁻¹"),
    _cholesky,
    _cholesky_vjp,
    N_("the positive-definite {input} {input_shape} is written as L · Lᵀ"),
    N_("the gradient of the factor becomes a symmetric one of {input}"),
    node="LinalgCholeskyExBackward0",
    params=("upper",),
    saves=("out",),
    shape=_square,
)


def _qr(a: Any, mode: str) -> tuple[Any, Any]:
    if mode == "r":
        r = np.linalg.qr(a, "r")
        return np.zeros(0, a.dtype), np.asarray(r, a.dtype)
    factorize: Any = np.linalg.qr
    q, r = factorize(a, mode)
    return np.asarray(q, a.dtype), np.asarray(r, a.dtype)


def _qr_vjp(node: Any, gs: Any, q: Any, r: Any) -> Any:
    xp = node.xp
    gq, gr = gs
    m = q.shape[-2]
    n = r.shape[-1]
    if node.params[0] == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                           "linalg.qr(A, mode='reduced') if you are going to require gradients")  # fmt: skip
    if node.params[0] == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
    wide = None
    if m < n:
        # A = (X | Y), R = (U | V): A's first columns are factorized, and V = Qᵀ · Y.
        head, tail = (..., slice(0, m)), (..., slice(m, n))
        if gr is not None:
            wide = xp.matmul(q, gr[tail])
            y = xp.matmul(q, r[tail])
            part = xp.matmul(y, xp.mT(gr[tail]))
            gq = part if gq is None else gq + part
            gr = gr[head]
        r = r[head]
    kind = xp.array_of(r).dtype
    size = r.shape[-1]
    total: Any = 0
    if gr is not None:
        total = xp.matmul(r, xp.mT(gr))
    if gq is not None:
        total = total - xp.matmul(xp.mT(gq), q)
    low = _constant(node, np.tril(np.ones((size, size), kind), -1), r)
    diagonal = _constant(node, np.eye(size, dtype=kind), r)
    lower = total * low
    middle = lower + xp.mT(lower) + (total + xp.mT(total)) * diagonal * 0.5
    inner = xp.matmul(q, middle)
    if gq is not None:
        inner = inner + gq
    ga = xp.mT(apply(node, SOLVE, (r, xp.mT(inner))))
    if m < n:
        zeros = _constant(node, np.zeros((*ga.shape[:-1], n - m), kind), r)
        return (xp.cat((ga, zeros if wide is None else wide), len(ga.shape) - 1),)
    return (ga,)


def _qr_shape(shape: Any, mode: str) -> Any:
    *batch, m, n = shape
    k = m if mode == "complete" else min(m, n)
    return (0,) if mode == "r" else (*batch, m, k), (*batch, k, n)


QR = _op(
    "qr",
    "Q · R = input, Qᵀ · Q = 1, R upper triangular",
    "d input = (gQ + Q · copyltu(R · gRᵀ − gQᵀ · Q)) · R⁻ᵀ",
    _qr,
    _qr_vjp,
    N_("{input} {input_shape} is written as a rotation times an upper triangle"),
    N_("the gradients of both factors are joined to that of {input}"),
    node="LinalgQrBackward0",
    params=("mode",),
    saves=("out", "out1"),
    n_outputs=2,
    shape=_qr_shape,
)


def _svd(a: Any, full: bool) -> tuple[Any, Any, Any]:
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    return u, s, vh


def _svd_shape(shape: Any, full: bool) -> Any:
    *batch, m, n = shape
    k = min(m, n)
    return (*batch, m, m if full else k), (*batch, k), (*batch, n if full else k, n)


def _gaps(node: Any, values: Any, squares: bool) -> Any:
    """1 / (v_j − v_i), 0 on the diagonal."""
    xp = node.xp
    v = values * values if squares else values
    n = v.shape[-1]
    kind = xp.array_of(v).dtype
    eye = _constant(node, np.eye(n, dtype=kind), v)
    row, column = xp.reshape(v, (*v.shape[:-1], 1, n)), xp.reshape(v, (*v.shape[:-1], n, 1))
    off = _constant(node, 1 - np.eye(n, dtype=kind), v)
    return off / (row - column + eye)


def _svd_vjp(node: Any, gs: Any, u: Any, s: Any, vh: Any) -> Any:
    xp = node.xp
    gu, gsv, gvh = gs
    k = s.shape[-1]
    if u.shape[-1] != k or vh.shape[-2] != k:
        if gu is not None or gvh is not None:
            u, vh = u[..., :k], vh[..., :k, :]
            gu = None if gu is None else gu[..., :k]
            gvh = None if gvh is None else gvh[..., :k, :]
        else:
            u, vh = u[..., :k], vh[..., :k, :]
    m, n = u.shape[-2], vh.shape[-1]
    row = xp.reshape(s, (*s.shape[:-1], 1, k))
    column = xp.reshape(s, (*s.shape[:-1], k, 1))
    kind = xp.array_of(s).dtype
    eye = _constant(node, np.eye(k, dtype=kind), s)
    inner: Any = 0
    if gsv is not None:
        inner = xp.reshape(gsv, (*gsv.shape[:-1], k, 1)) * eye
    if gu is not None or gvh is not None:
        gaps = _gaps(node, s, True)
    if gu is not None:
        x = xp.matmul(xp.mT(u), gu)
        inner = inner + (x - xp.mT(x)) * gaps * row
    if gvh is not None:
        x = xp.matmul(vh, xp.mT(gvh))
        inner = inner + column * ((x - xp.mT(x)) * gaps)
    if gu is not None and xp.array_of(u).dtype.kind == "c":
        # The phases: what turns U and V together.
        x = xp.matmul(xp.mT(u), gu)
        inner = inner + (x - xp.mT(x)) * eye / (row * 2)
    ga = xp.matmul(xp.matmul(u, inner), vh)
    if gu is not None and m > k:
        scaled = gu / row
        ga = ga + xp.matmul(scaled - xp.matmul(u, xp.matmul(xp.mT(u), scaled)), vh)
    if gvh is not None and n > k:
        scaled = gvh / column
        ga = ga + xp.matmul(u, scaled - xp.matmul(xp.matmul(scaled, xp.mT(vh)), vh))
    return (ga,)


SVD = _op(
    "svd",
    "U · diag(S) · Vh = input",
    "d input = U · (skew(Uᵀ · gU) / E · S + S · skew(Vᵀ · gV) / E + diag(gS)) · Vh",
    _svd,
    _svd_vjp,
    N_("{input} {input_shape} is written as a rotation, a scaling and a rotation"),
    N_("the gradients of the three factors are joined to that of {input}"),
    node="LinalgSvdBackward0",
    params=("full_matrices",),
    saves=("out", "out1", "out2"),
    n_outputs=3,
    shape=_svd_shape,
)


def _eigh(a: Any, lower: bool) -> tuple[Any, Any]:
    values, vectors = np.linalg.eigh(a, "L" if lower else "U")
    return values, vectors


def _eigh_vjp(node: Any, gs: Any, values: Any, vectors: Any) -> Any:
    xp = node.xp
    g_values, g_vectors = gs
    n = values.shape[-1]
    eye = _constant(node, np.eye(n, dtype=xp.array_of(values).dtype), values)
    inner: Any = 0
    if g_values is not None:
        inner = xp.reshape(g_values, (*g_values.shape[:-1], n, 1)) * eye
    if g_vectors is not None:
        inner = inner + xp.matmul(xp.mT(vectors), g_vectors) * _gaps(node, values, False)
    turned = xp.matmul(vectors, xp.matmul(inner, xp.mT(vectors)))
    # The input is symmetric: both triangles share the gradient, as PyTorch has it.
    return ((turned + xp.mT(turned)) * 0.5,)


EIGH = _op(
    "eigh",
    N_("input · V = V · diag(L), for a symmetric input"),
    N_("d input = the symmetric part of V · (diag(gL) + Vᵀ · gV / E) · Vᵀ"),
    _eigh,
    _eigh_vjp,
    N_("the symmetric {input} {input_shape} is turned to its own axes: eigenvalues and eigenvectors"),
    N_("the gradients of eigenvalues and eigenvectors are turned back to {input}"),
    node="LinalgEighBackward0",
    params=("lower",),
    saves=("out", "out1"),
    n_outputs=2,
    shape=lambda s, lower: (s[:-1], s),
)


def _pinv_vjp(node: Any, g: Any, a: Any, p: Any) -> Any:
    xp = node.xp
    mm, t = xp.matmul, xp.mT
    m, n = a.shape[-2:]
    kind = xp.array_of(a).dtype
    left = _constant(node, np.eye(m, dtype=kind), a) - mm(a, p)
    right = _constant(node, np.eye(n, dtype=kind), a) - mm(p, a)
    ga = -mm(t(p), mm(g, t(p)))
    ga = ga + mm(left, mm(t(g), mm(p, t(p)))) + mm(mm(t(p), p), mm(t(g), right))
    return (ga,)


def _pinv(a: Any, rtol: float, atol: float, hermitian: bool) -> Any:
    if not a.size:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    if hermitian:
        # From the lower triangle only, as PyTorch does it.
        s, vectors = np.linalg.eigh(a, "L")
        size = np.abs(s)
        with np.errstate(divide="ignore"):
            inverse = np.where(size > np.maximum(atol, rtol * size.max(-1, keepdims=True)), 1 / s, 0).astype(a.dtype)
        return np.ascontiguousarray((vectors * inverse[..., None, :]) @ vectors.conj().swapaxes(-1, -2))
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    limit = np.maximum(atol, rtol * s.max(-1, keepdims=True))
    with np.errstate(divide="ignore"):
        inverse = np.where(s > limit, 1 / s, 0).astype(a.dtype)
    return np.ascontiguousarray((vh.conj().swapaxes(-1, -2) * inverse[..., None, :]) @ u.conj().swapaxes(-1, -2))


PINV = _op(
    "pinv",
    N_("out = the pseudo-inverse of input"),
    "d input = −outᵀ·g·outᵀ + (1 − input·out)·gᵀ·out·outᵀ + outᵀ·out·gᵀ·(1 − out·input)",
    _pinv,
    _pinv_vjp,
    N_("the pseudo-inverse of {input} {input_shape} is computed: {shape}"),
    N_("the gradient goes between two transposed pseudo-inverses, and through what they leave out"),
    node="LinalgPinvBackward0",
    params=("rtol", "atol", "hermitian"),
    saves=("input", "out"),
    shape=lambda s, *_: (*s[:-2], s[-1], s[-2]),
)
for _each in (INV, DET, SLOGDET):
    _each.samples = lambda: [(_spread(3),)]
SOLVE.samples = lambda: [(_spread(3), (3, 2))]
CHOLESKY.samples = lambda: [(_spread(3) @ _spread(3).T, {"upper": False})]
QR.samples = lambda: [(_spread(3), {"mode": "reduced"})]
SVD.samples = lambda: [(_spread(3), {"full_matrices": False})]
EIGH.samples = lambda: [(_spread(3), {"lower": True})]
PINV.samples = lambda: [((4, 3), {"rtol": 1e-6, "atol": 0.0, "hermitian": False})]


# Refusals that all share


def matrices(
    name: str, value: Any, square: bool = False, word: str = "A", position: int = 1, numbers: str = "fVc"
) -> Tensor:
    """The argument, if it is a tensor of matrices of floating-point numbers."""
    t = need_tensor(value, f"linalg_{name}", word, position)
    x = t._array
    if x.ndim < 2:
        raise make(
            RuntimeError,
            f"linalg.{name}: The input tensor {word} must have at least 2 dimensions.",
            kind="matrix_dims",
            op=f"linalg_{name}",
            shape=list(x.shape),
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise make(
            RuntimeError,
            f"linalg.{name}: {word} must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} "
            "matrices",
            kind="matrix_square",
            op=f"linalg_{name}",
            shape=list(x.shape),
        )
    if x.dtype.kind not in numbers:
        raise make(
            RuntimeError,
            f"linalg.{name}: Expected a floating point or complex tensor as input. Got {dtypes.of(x).title}",
            kind="dtype_unsupported",
            op=f"linalg_{name}",
            dtype=dtypes.of(x).name,
        )
    if x.itemsize == 2:
        raise _low(name, x)
    return t


_LOW_KERNELS = {
    "det": "lu_cpu", "solve": "lu_cpu", "cholesky": "cholesky_cpu", "eigh": "linalg_eigh_cpu", "qr": "geqrf_cpu",
    "svd": "linalg_svd_cpu", "cond": "linalg_svd_cpu", "solve_triangular": "triangular_solve_cpu",
}  # fmt: skip


def _low(name: str, x: Any) -> BaseException:
    """PyTorch's error for matrices of float16 or bfloat16."""
    title = dtypes.of(x).title
    kind: type[Exception] = RuntimeError
    text = f"linalg.{name}: Low precision dtypes not supported. Got {title}"
    if name in _LOW_KERNELS:
        kind, text = NotImplementedError, f"\"{_LOW_KERNELS[name]}\" not implemented for '{title}'"
    elif name in ("matrix_rank", "lstsq"):
        text = "This function doesn't handle types other than float and double"
    elif name == "pinv":
        text = (
            f"linalg.pinv({title}{{{list(x.shape)}}}): expected a tensor with 2 or more dimensions of float, double, "
            "cfloat or cdouble types"
        )
    return make(kind, text, kind="dtype_unsupported", op=f"linalg_{name}", dtype=dtypes.of(x).name)


def call(op: Op, *inputs: Any, params: tuple[Any, ...] = ()) -> Any:
    """Run one of these operators."""
    return run(op, inputs, params)


def product(a: Any, b: Any) -> Any:
    """The matrix product."""
    return FUNCTIONS["matmul"](a, b)
