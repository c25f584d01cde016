"""erf, erfc and ln Γ of whole float64 arrays, where Python's `math` goes number by number.

erf and erfc: the rational approximations of W. J. Cody, Mathematics of Computation 23 (1969), good to 1e-16 relative.
ln Γ: Lanczos' formula with Godfrey's factors for g = 7, good to 1e-14 absolute: enough for float32, and only for that.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.choice import choose

# |x| ≤ 0.46875: erf x = x · A(x²) / B(x²)
_A = (
    1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3,
)  # fmt: skip
_B = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
# to 4: erfc x = e^(−x²) · C(x) / D(x)
_C = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
    2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
)  # fmt: skip
_D = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
    3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
)  # fmt: skip
# beyond: erfc x = e^(−x²) / x · (1/√π − P(1/x²) / (x² · Q(1/x²)))
_P = (
    1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
    1.60837851487422766e-2, 6.58749161529837803e-4,
)  # fmt: skip
_Q = (
    1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
    2.33520497626869185e-3,
)  # fmt: skip
_NEAR, _FAR = 0.46875, 4.0
_PIECE = 8192


def _horner(factors: tuple[float, ...], x: Array) -> Array:
    out = np.full(x.shape, factors[0])
    for factor in factors[1:]:
        out *= x
        out += factor
    return out


def _upper(y: Array) -> Array:
    """erfc of entries above 0.46875."""
    out = np.zeros(y.shape)
    middle = y <= _FAR
    x = y[middle]
    out[middle] = _horner(_C, x) / _horner(_D, x)
    x = y[~middle]
    inverse = 1 / (x * x)
    out[~middle] = (1 / math.sqrt(math.pi) - inverse * _horner(_P, inverse) / _horner(_Q, inverse)) / x
    # e^(−x²) of a rounded square would be off by as many units as x² has; so in two factors.
    short = np.trunc(y * 16) / 16
    out *= np.exp(-short * short) * np.exp(-(y - short) * (y + short))
    return out


def _pieced(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function, working on as many entries at once as stay in the cache."""

    @functools.wraps(function)
    def call(x: Array) -> Array:
        if x.size <= _PIECE:
            return function(x)
        flat = np.ascontiguousarray(x).reshape(-1)
        out = np.empty_like(flat)
        for at in range(0, flat.size, _PIECE):
            out[at : at + _PIECE] = function(flat[at : at + _PIECE])
        return out.reshape(x.shape)

    return call


@_pieced
def erf_double(x: Array) -> Array:
    """The error function."""
    y = np.abs(x)
    out = np.copysign(1.0, x)
    near = y <= _NEAR
    v = x[near]
    square = v * v
    out[near] = v * _horner(_A, square) / _horner(_B, square)
    rest = ~near & (y < 6)  # beyond, erf is 1
    out[rest] = np.copysign(1 - _upper(y[rest]), x[rest])
    out[np.isnan(x)] = np.nan
    return out


@_pieced
def erfc_double(x: Array) -> Array:
    """One less the error function, without loss for large entries."""
    y = np.abs(x)
    out = np.where(x > 0, 0.0, 2.0)
    near = y <= _NEAR
    v = x[near]
    square = v * v
    out[near] = 1 - v * _horner(_A, square) / _horner(_B, square)
    rest = ~near & (y < 28)  # beyond, float64 knows no number so small
    upper = _upper(y[rest])
    out[rest] = np.where(x[rest] > 0, upper, 2 - upper)
    out[np.isnan(x)] = np.nan
    return out


_LANCZOS = (
    676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
)  # fmt: skip


@_pieced
def lgamma_for_single(x: Array) -> Array:
    """ln |Γ(x)| of a float64 array, good for float32."""
    low = x < 0.5
    z: Array = choose(low, -x, x - 1)  # Γ(z + 1), for small entries by reflection
    total = np.full(x.shape, 0.99999999999980993)
    for k, factor in enumerate(_LANCZOS, 1):
        total += factor / (z + k)
    t = z + 7.5
    out: Array = 0.5 * math.log(2 * math.pi) + (z + 0.5) * np.log(t) - t + np.log(total)
    # Γ(x) · Γ(1 − x) = π / sin πx, the sine of what is left over from a whole number
    sine = np.abs(np.sin(math.pi * (x - np.rint(x))))
    out = choose(low, math.log(math.pi) - np.log(sine) - out, out)
    out[np.isinf(x)] = np.inf
    out[(x == 1) | (x == 2)] = 0
    return out
