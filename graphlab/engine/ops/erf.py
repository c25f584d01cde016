"""The error function, which NumPy lacks."""

from __future__ import annotations

import math

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.pointwise import unary
from graphlab.i18n import N_

_erf = np.vectorize(math.erf, otypes=[np.float64])


# A rational approximation of erf on [-4, 4], as in Eigen: computed in double precision it is off by 6.5e-8 at most,
# half a unit in the last place of float32.
_ERF_OVER = (
    -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04,
    -2.95459980854025e-03, -1.60960333262415e-02,
)  # fmt: skip
_ERF_UNDER = (
    -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02,
)  # fmt: skip
_ERF_PIECE = 4096  # entries at once, so that the three work arrays stay in the first cache


def _horner(square: Array, factors: tuple[float, ...], out: Array) -> None:
    np.multiply(square, factors[0], out=out)
    for factor in factors[1:-1]:
        out += factor
        out *= square
    out += factors[-1]


def _erf_single(x: Array) -> Array:
    """erf of a float32 array, to its precision; 60 times as quick as entry by entry."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty(flat.shape, flat.dtype)
    work = np.empty((4, min(_ERF_PIECE, flat.size)))
    for at in range(0, flat.size, _ERF_PIECE):
        part = flat[at : at + _ERF_PIECE]
        n = part.size
        v, square, over, under = work[0, :n], work[1, :n], work[2, :n], work[3, :n]
        np.clip(part, -4.0, 4.0, out=v)
        np.multiply(v, v, out=square)
        _horner(square, _ERF_OVER, over)
        over *= v
        _horner(square, _ERF_UNDER, under)
        over /= under
        # Beyond 3.92 float32 knows no number between erf and 1.
        np.copyto(over, np.sign(v), where=np.abs(v) > 3.92)
        out[at : at + n] = over
    return out.reshape(x.shape)


def erf_array(x: Array) -> Array:
    """The error function, which NumPy lacks: by math.erf entry by entry, or a formula for many entries of float32."""
    if x.dtype == np.float32 and x.size > 64:
        return _erf_single(x)
    out: Array = _erf(x).astype(x.dtype) if x.size else x.copy()
    return out


_erfc = np.vectorize(math.erfc, otypes=[np.float64])
_lgamma = np.vectorize(
    lambda v: (
        math.lgamma(v) if math.isfinite(v) and not (v <= 0 and v == int(v)) else (math.nan if v != v else math.inf)
    ),
    otypes=[np.float64],
)
unary(
    "erf",
    erf_array,
    lambda n, g, x: (g * (2 / math.sqrt(math.pi)) * n.xp.exp(-(x * x)),),
    formula="out = erf input",
    backward="d input = g · 2/√π · e^(−input²)",
    narrate=N_("the error function of each entry of {input}"),
    aliases=("special_erf",),
)
unary(
    "erfc",
    lambda x: _erfc(x).astype(x.dtype) if x.size else x.copy(),
    lambda n, g, x: (g * (-2 / math.sqrt(math.pi)) * n.xp.exp(-(x * x)),),
    formula="out = 1 − erf input",
    backward="d input = −g · 2/√π · e^(−input²)",
    narrate=N_("one less the error function of each entry of {input}"),
    aliases=("special_erfc",),
)
