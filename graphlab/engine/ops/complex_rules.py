"""What operators that were written for real numbers do with complex ones, where that is another computation."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.ops.complex import is_complex
from graphlab.engine.ops.kinds import COMPLEX_FORWARD, COMPLEX_VJP, PLAIN
from graphlab.engine.ops.moments import _norm, _var
from graphlab.engine.ops.reduce import reduced
from graphlab.engine.ops.run import FUNCTIONS, public

PLAIN.update(("var", "std", "norm", "l1_loss"))


def _complex_var(x: Any, *params: Any) -> Any:
    return _var(np.ascontiguousarray(x.real), *params) + _var(np.ascontiguousarray(x.imag), *params)


COMPLEX_FORWARD["var"] = _complex_var
COMPLEX_FORWARD["std"] = lambda x, *params: np.sqrt(_complex_var(x, *params))
COMPLEX_FORWARD["norm"] = lambda x, *params: _norm(np.abs(x), *params)


def _logsumexp(x: Any, dim: Any, keepdim: bool) -> Any:
    if not x.ndim:
        return x.copy()
    top = np.max(x.real, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(np.sum(np.exp(x - top), axis=dim, keepdims=True)) + top
    return (out if keepdim else out.reshape(reduced(x.shape, dim, False))).astype(x.dtype)


def _logaddexp(x: Any, y: Any) -> Any:
    top = np.maximum(x.real, y.real)
    top = np.where(np.isfinite(top), top, 0)
    return (np.log(np.exp(x - top) + np.exp(y - top)) + top).astype(np.result_type(x, y))


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
    if xp is not np and hasattr(g, "_array"):
        back = FUNCTIONS["flip"](FUNCTIONS["cumsum"](FUNCTIONS["flip"](g * (-out).exp().conj(), (dim,)), dim), (dim,))
        return (back * x.exp().conj(),)
    back = np.flip(np.cumsum(np.flip(g * np.conj(np.exp(-out)), dim), axis=dim), dim)
    return (back * np.conj(np.exp(x)),)


COMPLEX_FORWARD["logsumexp"] = _logsumexp
COMPLEX_FORWARD["logaddexp"] = _logaddexp
COMPLEX_FORWARD["logcumsumexp"] = _logcumsumexp
COMPLEX_VJP["logcumsumexp"] = _logcumsumexp_vjp
_dot = FUNCTIONS["dot"]


@public("vdot")
def vdot(input: Any, other: Any, *, out: Any = None) -> Any:
    """Σ conjugate of input · other, of two vectors."""
    return _dot(FUNCTIONS["conj"](input) if hasattr(input, "_array") and is_complex(input) else input, other)
