"""What operators that were written for real numbers do with complex ones, where that is another computation."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.complex import is_complex, real_of
from graphlab.engine.ops.kinds import ADJOINT, COMPLEX_DTYPE, COMPLEX_FORWARD, COMPLEX_VJP, PLAIN, conjugate
from graphlab.engine.ops.linalg import INV, SLOGDET
from graphlab.engine.ops.moments import _norm, _var
from graphlab.engine.ops.reduce import reduced
from graphlab.engine.ops.run import FUNCTIONS, public

PLAIN.update(("var", "std", "norm", "l1_loss"))
ADJOINT.update(
    ("linalg_cholesky", "linalg_cholesky_ex", "cholesky", "cholesky_solve", "cholesky_inverse", "linalg_lu_solve",
     "linalg_qr", "linalg_svd", "linalg_eigh", "linalg_pinv")
)  # fmt: skip
PLAIN.update(("linalg_householder_product", "ormqr"))


for _name in ("abs", "norm", "var", "std", "l1_loss"):
    COMPLEX_DTYPE[_name] = lambda x, *_: real_of(x)
COMPLEX_DTYPE["linalg_svd"] = lambda x, *_: (x.dtype, real_of(x), x.dtype)
COMPLEX_DTYPE["linalg_eigh"] = lambda x, *_: (real_of(x), x.dtype)
COMPLEX_DTYPE["linalg_slogdet"] = lambda x, *_: (x.dtype, real_of(x))


def _complex_var(x: Any, *params: Any) -> Any:
    return _var(np.ascontiguousarray(x.real), *params) + _var(np.ascontiguousarray(x.imag), *params)


COMPLEX_FORWARD["var"] = _complex_var
COMPLEX_FORWARD["std"] = lambda x, *params: np.sqrt(_complex_var(x, *params))
COMPLEX_FORWARD["norm"] = lambda x, *params: _norm(np.abs(x), *params)


def _logsumexp(x: Any, dim: Any, keepdim: bool) -> Any:
    if not x.ndim:
        return np.log(np.exp(x - x.real)) + x.real
    top = np.max(x.real, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(np.sum(np.exp(x - top), axis=dim, keepdims=True)) + top
    return (out if keepdim else out.reshape(reduced(x.shape, dim, False))).astype(x.dtype)


def _logaddexp(x: Any, y: Any) -> Any:
    larger = np.where(x.real >= y.real, x, y)
    smaller = np.where(x.real >= y.real, y, x)
    same = (smaller == larger) & ~np.isfinite(larger.real)
    return np.where(same, larger, np.log1p(np.exp(smaller - larger)) + larger).astype(np.result_type(x, y))


def _logcumsumexp(x: Any, dim: int) -> Any:
    if not x.ndim or not x.size:
        return x.copy()
    wide = np.moveaxis(x.astype(np.complex128), dim, 0).copy()
    for i in range(1, len(wide)):
        wide[i] = _logaddexp(wide[i - 1], wide[i])
    return np.moveaxis(wide, 0, dim).astype(x.dtype)


def _logcumsumexp_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    (dim,) = node.params
    if not len(g.shape):
        return (g,)
    xp = node.xp
    logs = xp.flip(xp.log(conjugate(g)) - out, (dim,))
    back = _logcumsumexp(logs, dim) if isinstance(logs, np.ndarray) else FUNCTIONS["logcumsumexp"](logs, dim)
    return (conjugate(xp.exp(xp.flip(back, (dim,)) + x)),)


COMPLEX_FORWARD["logsumexp"] = _logsumexp
COMPLEX_FORWARD["logaddexp"] = _logaddexp
COMPLEX_FORWARD["logcumsumexp"] = _logcumsumexp
COMPLEX_VJP["logcumsumexp"] = _logcumsumexp_vjp


def _slogdet(a: Any) -> tuple[Any, Any]:
    sign, log = np.linalg.slogdet(a)
    return np.asarray(sign, a.dtype), np.asarray(log, real_of(a))


def _slogdet_vjp(node: Any, gs: Any, a: Any) -> Any:
    g_sign, g_log = gs
    if g_sign is None and g_log is None:
        return (None,)
    # sign = e^(i·angle): the logarithm changes with the real part of tr(A⁻¹ dA), the angle with the imaginary one.
    g: Any = 0 if g_log is None else g_log
    if g_sign is not None:
        sign = apply(node, SLOGDET, (a,))[0]
        g = g - (conjugate(g_sign) * sign).imag * 1j
    inverse = conjugate(node.xp.mT(apply(node, INV, (a,))))
    return (node.xp.reshape(g, (*g.shape, 1, 1)) * inverse,)


COMPLEX_FORWARD["linalg_slogdet"] = _slogdet
COMPLEX_VJP["linalg_slogdet"] = _slogdet_vjp
_dot = FUNCTIONS["dot"]


@public("vdot")
def vdot(input: Any, other: Any, *, out: Any = None) -> Any:
    """Σ conjugate of input · other, of two vectors."""
    return _dot(FUNCTIONS["conj"](input) if hasattr(input, "_array") and is_complex(input) else input, other)
