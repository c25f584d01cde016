"""Bessel functions of the first and second kind, modified ones of the second kind, and Airy's.

Between 0 and 50 the Fourier coefficients of e^(i·x·sin τ) are the J_n(x), by the trapezoidal rule, whose error is gone
once there are more points than x is large; from there on the asymptotic series of Hankel. NIST DLMF 10 and 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.ops.pointwise import unary
from graphlab.engine.ops.special import wide
from graphlab.i18n import N_

_FAR = 50.0
_N_POINTS = 160
_EULER = 0.57721566490153286


def _coefficients(x: Array, n_orders: int) -> Any:
    """J_0(x) … J_(n-1)(x) for 0 ≤ x ≤ 50, along a new last dim."""
    t = 2 * np.pi * np.arange(_N_POINTS) / _N_POINTS
    wave = np.exp(1j * x[..., None] * np.sin(t))
    return (np.fft.fft(wave, axis=-1) / _N_POINTS).real[..., :n_orders]


def _hankel(x: Array, order: int) -> tuple[Any, Any]:
    """Amplitude times the cosine and times the sine of the phase, for large x (DLMF 10.17.3)."""
    p, q = np.zeros_like(x), np.zeros_like(x)
    term = np.ones_like(x)
    for k in range(24):
        if k:
            term = term * (4 * order * order - (2 * k - 1) ** 2) / (k * 8 * x)
        sign = 1 if k % 4 < 2 else -1
        if k % 2:
            q = q + sign * term
        else:
            p = p + sign * term
    phase = x - (0.5 * order + 0.25) * np.pi
    scale = np.sqrt(2 / (np.pi * x))
    cosine, sine = np.cos(phase), np.sin(phase)
    return scale * (p * cosine - q * sine), scale * (p * sine + q * cosine)


def _first(order: int) -> Callable[..., Any]:
    @wide
    def forward(x: Array) -> Array:
        a = np.abs(x)
        near = _coefficients(np.minimum(a, _FAR), 2)[..., order]
        with np.errstate(all="ignore"):
            far = _hankel(np.maximum(a, _FAR), order)[0]
        out = np.where(a < _FAR, near, far)
        return np.asarray(np.where(x < 0, -out, out) if order else out)

    return forward


def _second(order: int) -> Callable[..., Any]:
    @wide
    def forward(x: Array) -> Array:
        inside = np.where((x > 0) & (x <= _FAR), x, 1.0)
        j = _coefficients(inside, 120)
        k = np.arange(1, 58)
        signs = np.where(k % 2, -1.0, 1.0)
        log = np.log(inside / 2)
        if order:
            # DLMF 10.8 / Abramowitz and Stegun 9.1.88
            series = (signs * (2 * k + 1) / (k * (k + 1)) * j[..., 2 * k + 1]).sum(-1)
            near = -2 * j[..., 0] / (np.pi * inside) + 2 / np.pi * ((log + _EULER - 1) * j[..., 1] - series)
        else:
            series = (signs / k * j[..., 2 * k]).sum(-1)
            near = 2 / np.pi * ((log + _EULER) * j[..., 0] - 2 * series)
        with np.errstate(all="ignore"):
            far = _hankel(np.maximum(x, _FAR), order)[1]
        out = np.where(x < _FAR, near, far)
        return np.where(x > 0, out, np.where(x == 0, -np.inf, np.nan))

    return forward


def _integral(x: Array, order: float) -> Any:
    """eˣ · K(x) = ∫₀^∞ e^(−x·(cosh t − 1)) · cosh(order · t) dt for x > 0 (DLMF 10.32.9), by the trapezoidal rule."""
    n = 600
    last = np.arccosh(1 + 745 / x)
    step = last / n
    t = step[..., None] * np.arange(n + 1)
    values = np.exp(-x[..., None] * (2 * np.sinh(t / 2) ** 2)) * np.cosh(order * t)
    return step * (values.sum(-1) - 0.5 * values[..., 0])


def _modified(order: int, scaled: bool) -> Callable[..., Any]:
    @wide
    def forward(x: Array) -> Array:
        inside = np.where((x > 0) & np.isfinite(x), x, 1.0)
        with np.errstate(all="ignore"):
            out = _integral(np.maximum(inside, 1e-290), order)
            if not scaled:
                out = out * np.exp(-inside)
        return np.where(x > 0, np.where(np.isinf(x), 0.0, out), np.where(x == 0, np.inf, np.nan))

    return forward


_AIRY_0 = 1 / (3 ** (2 / 3) * math.gamma(2 / 3))
_AIRY_1 = 1 / (3 ** (1 / 3) * math.gamma(1 / 3))


def _airy_series(x: Array) -> Any:
    """Both Maclaurin series (DLMF 9.4.1), for −7 ≤ x ≤ 2."""
    cube = x**3
    f, g = np.ones_like(x), x.copy()
    a, b = f.copy(), g.copy()
    for k in range(1, 60):
        a = a * cube / ((3 * k) * (3 * k - 1))
        b = b * cube / ((3 * k + 1) * (3 * k))
        f, g = f + a, g + b
    return _AIRY_0 * f - _AIRY_1 * g


def _airy_waves(z: Array) -> Any:
    """Ai(−z) for large z (DLMF 9.7.9)."""
    zeta = 2 / 3 * z**1.5
    term = np.ones_like(z)
    p, q = np.ones_like(z), np.zeros_like(z)
    for k in range(1, 14):
        term = term * (6 * k - 5) * (6 * k - 3) * (6 * k - 1) / (216 * k * (2 * k - 1)) / zeta
        sign = 1 if k % 4 < 2 else -1
        if k % 2:
            q = q + sign * term
        else:
            p = p + sign * term
    phase = zeta - np.pi / 4
    return (p * np.cos(phase) + q * np.sin(phase)) / (np.sqrt(np.pi) * z**0.25)


@wide
def _airy(x: Array) -> Array:
    with np.errstate(all="ignore"):
        middle = _airy_series(np.clip(x, -7, 2))
        z = np.clip(x, 2, 120)
        zeta = 2 / 3 * z**1.5
        # DLMF 9.6.2
        right = np.sqrt(z / 3) / np.pi * _integral(zeta, 1 / 3) * np.exp(-zeta)
        left = _airy_waves(np.maximum(-x, 7))
        out = np.where(x > 2, np.where(x > 103.892, 0.0, right), np.where(x < -7, left, middle))
    return np.where(np.isinf(x) | np.isnan(x), np.nan, out)


unary(
    "special_airy_ai",
    _airy,
    None,
    formula=N_("out = Ai(input), which solves y″ = input · y and fades to the right"),
    inplace=False,
    narrate=N_("the Airy function of each entry of {input}"),
)
for _order in (0, 1):
    _digit = "₀₁"[_order]
    unary(
        f"special_bessel_j{_order}",
        _first(_order),
        None,
        formula=f"out = J{_digit}(input)",
        inplace=False,
        narrate=N_("the Bessel function of the first kind of each entry of {input}"),
    )
    unary(
        f"special_bessel_y{_order}",
        _second(_order),
        None,
        formula=f"out = Y{_digit}(input)",
        inplace=False,
        narrate=N_("the Bessel function of the second kind of each entry of {input}"),
    )
    unary(
        f"special_modified_bessel_k{_order}",
        _modified(_order, False),
        None,
        formula=f"out = K{_digit}(input)",
        inplace=False,
        narrate=N_("the modified Bessel function of the second kind of each entry of {input}"),
    )
    unary(
        f"special_scaled_modified_bessel_k{_order}",
        _modified(_order, True),
        None,
        formula=f"out = e^input · K{_digit}(input)",
        inplace=False,
        narrate=N_("the scaled modified Bessel function of the second kind of each entry of {input}"),
    )
