"""Special functions, entry by entry: gamma and its relatives, normal distribution, Bessel functions of order 0 and 1.

Computed in float64 and rounded to the type asked for. `torch.special` is `graphlab.engine.special`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.cody import lgamma_for_single
from graphlab.engine.ops.erf import erf_array, erfc_array
from graphlab.engine.ops.op import OPS, Category, Op, declare
from graphlab.engine.ops.pointwise import positive, unary, unit
from graphlab.engine.ops.run import FUNCTIONS, method, need_tensor, public, run, run_inplace
from graphlab.i18n import N_


def wide(function: Callable[..., Array]) -> Callable[..., Any]:
    """Compute in float64, give back the first argument's type."""

    def forward(x: Array, *rest: Any) -> Any:
        found = function(np.asarray(x, np.float64), *rest)
        return np.asarray(found).astype(x.dtype)

    return forward


def each(function: Callable[[float], float]) -> Callable[..., Any]:
    """A function of one number, for every entry: what NumPy has not."""
    vector = np.vectorize(function, otypes=[np.float64])
    return lambda x: vector(x).astype(x.dtype) if x.size else x.copy()


# Gamma


def lgamma_array(x: Array) -> Array:
    """ln |Γ|: number by number, or for many entries of float32 by Lanczos' formula."""
    if x.dtype == np.float32 and x.size > 64:
        return lgamma_for_single(x.astype(np.float64)).astype(np.float32)
    out: Array = _lgamma_each(x)
    return out


def _lgamma_number(v: float) -> float:
    if v != v:
        return math.nan
    if math.isinf(v) or (v <= 0 and v == int(v)):
        return math.inf
    return math.lgamma(v)


_lgamma_each = each(_lgamma_number)
# B(2k) / (2k), of the asymptotic series of digamma
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


@wide
def digamma_array(x: Array) -> Array:
    """The slope of ln Γ: recurrence up to 10, then its asymptotic series; below 0 by reflection."""
    low = x < 0
    y = np.where(low, 1 - x, x)
    total = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        total = np.where(small, total - 1 / np.where(small & (y != 0), y, 1), total)
        y = np.where(small, y + 1, y)
    inverse = 1 / (y * y)
    series = np.zeros_like(y)
    for c in reversed(_DIGAMMA):
        series = inverse * (c + series)
    out = total + np.log(y) - 0.5 / y - series
    fraction = x - np.trunc(x)
    out = np.where(low, out - math.pi / np.tan(math.pi * np.where(low, fraction, 0.5)), out)
    out = np.where(low & (fraction == 0), np.nan, out)
    return np.where(x == 0, np.copysign(np.inf, -x), np.where(np.isposinf(x), np.inf, out))


# (2k)! / B(2k)
_ZETA = (
    12.0,
    -720.0,
    30240.0,
    -1209600.0,
    47900160.0,
    -1.8924375803183791606e9,
    7.47242496e10,
    -2.950130727918164224e12,
    1.1646782814350067249e14,
    -4.5979787224074726105e15,
    1.8152105401943546773e17,
    -7.1661652561756670113e18,
)


def zeta_array(s: Any, q: Any) -> Any:
    """The Hurwitz zeta function Σ 1 / (q + k)^s, by Euler and Maclaurin."""
    kind = np.result_type(s, q)
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    whole = q == np.floor(q)
    bad = (s < 1) | ((q <= 0) & ~whole & (s != np.floor(s)))
    pole = (s == 1) | ((q <= 0) & whole)
    a = q.copy()
    total = np.power(a, -s)
    n_terms = 0
    while n_terms < 9 or (np.any(a <= 9) and n_terms < 2000):
        a = a + 1
        total = total + np.power(a, -s)
        n_terms += 1
    power = np.power(a, -s)
    total = total + power * a / (s - 1) - 0.5 * power
    factor = np.ones_like(total)
    k = 0.0
    b = power
    for c in _ZETA:
        factor = factor * (s + k)
        b = b / a
        total = total + factor * b / c
        k += 1
        factor = factor * (s + k)
        b = b / a
        k += 1
    return np.asarray(np.where(bad, np.nan, np.where(pole, np.inf, total))).astype(kind)


def _polygamma(x: Array, n: int) -> Any:
    if n == 0:
        return digamma_array(x)
    if n == 1:
        return _trigamma(x)
    return (((-1.0) ** (n + 1) * math.gamma(n + 1)) * zeta_array(float(n + 1), x.astype(np.float64))).astype(x.dtype)


def _trigamma(x: Array) -> Any:
    # In the type of x itself and with PyTorch's few terms: near negative integers its rounding shows.
    one = x.dtype.type
    low = x < 0.5
    sine = np.sin(one(math.pi) * np.where(low, x, one(0.5)))
    y = np.where(low, 1 - x, x)
    total = np.where(low, -one(math.pi * math.pi) / (sine * sine), one(0))
    for _ in range(6):
        total = total + 1 / (y * y)
        y = y + 1
    i = 1 / (y * y)
    total = total + (1 + 1 / (2 * y) + i * (one(1 / 6) - i * (one(1 / 30) - i * one(1 / 42)))) / y
    return np.where(low, -total, total).astype(x.dtype)


POLYGAMMA: Op = declare(
    Op(
        name="polygamma",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("n",),
        formula=N_("out = the n-th derivative of digamma at input"),
        backward_formula="d input = g · polygamma(n + 1, input)",
        forward=_polygamma,
        vjp=lambda node, g, x: (g * apply(node, POLYGAMMA, (x,), (node.params[0] + 1,)),),
        saves=("input",),
        shape=same_shape,
        narrate=N_("derivative number {n} of digamma at each entry of {input}"),
        narrate_backward=N_("the gradient into {input} is the incoming one times the next derivative"),
        samples=lambda: [((3, 2), {"n": 1, "_domain": (0.5, 2.0)}), ((3,), {"n": 2, "_domain": (0.5, 2.0)})],
    )
)


def _float_cast(x: Array) -> Any:
    return None if x.dtype.kind in "fVc" else (dtypes.get_default_dtype().np,)


def _checked_order(n: Any) -> int:
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return int(n)


@public(POLYGAMMA, "polygamma", "special_polygamma", method=False)
def polygamma(n: int, input: Any, *, out: Any = None) -> Any:
    """The n-th derivative of digamma."""
    x = need_tensor(input, "polygamma", "input", 2)._array
    return run(POLYGAMMA, (input,), (_checked_order(n),), _float_cast(x))


@method(POLYGAMMA, "polygamma")
def _polygamma_method(self: Any, n: int) -> Any:
    return FUNCTIONS["polygamma"](n, self)


@method(POLYGAMMA, "polygamma_")
def _polygamma_(self: Any, n: int) -> Any:
    return run_inplace(POLYGAMMA, (self,), (_checked_order(n),), "polygamma_")


unary(
    "digamma",
    digamma_array,
    lambda n, g, x: (g * apply(n, POLYGAMMA, (x,), (1,)),),
    formula="out = d ln Γ(input)",
    backward="d input = g · polygamma(1, input)",
    narrate=N_("the slope of the logarithm of the gamma function at each entry of {input}"),
    samples=positive,
    aliases=("special_digamma", "special_psi"),
)
unary(
    "lgamma",
    lgamma_array,
    lambda n, g, x: (g * apply(n, OPS["digamma"], (x,)),),
    formula="out = ln |Γ(input)|",
    backward="d input = g · digamma(input)",
    narrate=N_("the logarithm of the gamma function of each entry of {input}"),
    samples=positive,
    aliases=("special_gammaln",),
)


@public("mvlgamma", "mvlgamma", "special_multigammaln")
def mvlgamma(input: Any, p: int, *, out: Any = None) -> Any:
    """The logarithm of the gamma function of p dimensions."""
    x = need_tensor(input, "mvlgamma")._array
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    if x.dtype.kind == "b":
        raise RuntimeError("mvlgamma: The input tensor may not be a bool tensor")
    kind = None if x.dtype.kind not in "fVc" else input.dtype
    parts = FUNCTIONS["arange"](-p * 0.5 + 0.5, 0.5, 0.5, dtype=kind, device=input._device)
    made = (input.unsqueeze(-1) + parts).lgamma().sum(-1) + p * (p - 1) * math.log(math.pi) / 4
    return rename(made, "MvlgammaBackward0")


@method("mvlgamma_")
def mvlgamma_(self: Any, p: int) -> Any:
    """In place: the logarithm of the gamma function of p dimensions."""
    return self.copy_(mvlgamma(self, p))


# Incomplete gamma functions


def _gamma_parts(a: Array, x: Array) -> Any:
    """The lower and the upper regularized incomplete gamma function."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    log_gamma = np.vectorize(_lgamma_number, otypes=[np.float64])(a) if a.size else a
    scale = np.exp(a * np.log(x) - x - log_gamma)
    # Below x = a + 1 the power series, above it the continued fraction (Lentz), as in Numerical Recipes 6.2.
    term = 1 / a
    total = term.copy()
    for k in range(1, 400):
        term = term * x / (a + k)
        total = total + term
        if not np.any(np.abs(term) > np.abs(total) * 1e-17):
            break
    lower = total * scale
    tiny = 1e-300
    b = x + 1 - a
    c = np.full_like(b, 1 / tiny)
    d = 1 / np.where(b == 0, tiny, b)
    h = d.copy()
    for i in range(1, 400):
        an = -i * (i - a)
        b = b + 2
        d = an * d + b
        d = 1 / np.where(np.abs(d) < tiny, tiny, d)
        c = b + an / c
        c = np.where(np.abs(c) < tiny, tiny, c)
        h = h * d * c
        if not np.any(np.abs(d * c - 1) > 1e-16):
            break
    upper = h * scale
    series = x < a + 1
    low = np.where(series, lower, 1 - upper)
    high = np.where(series, 1 - lower, upper)
    low = np.where(x == 0, 0.0, np.where(np.isposinf(x), 1.0, low))
    high = np.where(x == 0, 1.0, np.where(np.isposinf(x), 0.0, high))
    low, high = np.where(a == 0, 1.0, low), np.where(a == 0, 0.0, high)
    low, high = np.where(np.isposinf(a), 0.0, low), np.where(np.isposinf(a), 1.0, high)
    bad = (a < 0) | (x < 0) | np.isnan(a) | np.isnan(x) | ((a == 0) & (x == 0)) | (np.isinf(a) & np.isinf(x))
    return np.where(bad, np.nan, low), np.where(bad, np.nan, high)


def lower_gamma(a: Array, x: Array) -> Any:
    """P(a, x)"""
    return np.asarray(_gamma_parts(a, x)[0]).astype(np.result_type(a, x))


def upper_gamma(a: Array, x: Array) -> Any:
    """Q(a, x)"""
    return np.asarray(_gamma_parts(a, x)[1]).astype(np.result_type(a, x))


# The normal distribution and the error function

_SQRT_PI = math.sqrt(math.pi)


def _erfcx_number(v: float) -> float:
    if v < 25:
        try:
            return math.exp(v * v) * math.erfc(v)
        except OverflowError:
            return math.inf
    if v == math.inf:
        return 0.0
    w = 1 / (2 * v * v)
    return (1 - w * (1 - 3 * w * (1 - 5 * w * (1 - 7 * w)))) / (v * _SQRT_PI)


def _ndtri_number(p: float) -> float:
    if p <= 0 or p >= 1 or p != p:
        return -math.inf if p == 0 else math.inf if p == 1 else math.nan
    return _NORMAL.inv_cdf(p)


def _log_ndtr_number(v: float) -> float:
    if v < -1:
        return math.log(_erfcx_number(-v * math.sqrt(0.5)) / 2) - v * v / 2
    return math.log1p(-math.erfc(v * math.sqrt(0.5)) / 2)


_NORMAL = NormalDist()
# The rational approximations that PyTorch starts from, then two steps of Newton.
_ERFINV_A = (-0.140543331, 0.914624893, -1.645349621, 0.886226899)
_ERFINV_B = (0.012229801, -0.329097515, 1.442710462, -2.118377725, 1.0)
_ERFINV_C = (1.641345311, 3.429567803, -1.624906493, -1.970840454)
_ERFINV_D = (1.637067800, 3.543889200, 1.0)


@wide
def erfinv_array(y: Array) -> Array:
    """The inverse of the error function."""
    z = y * y
    centre = y * np.polyval(_ERFINV_A, z) / np.polyval(_ERFINV_B, z)
    w = np.sqrt(-np.log((1 - np.abs(y)) / 2))
    tail = np.copysign(np.polyval(_ERFINV_C, w) / np.polyval(_ERFINV_D, w), y)
    x = np.where(np.abs(y) <= 0.7, centre, tail)
    inside = np.abs(y) < 1
    x = np.where(inside, x, 0)
    for _ in range(2):
        x = x - (erf_array(x) - np.where(inside, y, 0)) / (2 / _SQRT_PI * np.exp(-x * x))
    return np.where(inside, x, np.where(np.abs(y) == 1, np.copysign(np.inf, y), np.nan))


_SQRT_2 = math.sqrt(2)
unary(
    "erfinv",
    erfinv_array,
    lambda n, g, out: (g * n.xp.exp(out * out) * (_SQRT_PI / 2),),
    ("out",),
    formula=N_("out = the number whose erf is input"),
    backward="d input = g · √π/2 · e^(out²)",
    narrate=N_("the numbers whose error function is {input}"),
    samples=unit,
    aliases=("special_erfinv",),
)
unary(
    "special_erfcx",
    each(_erfcx_number),
    lambda n, g, x, out: (g * (2 * x * out - 2 / _SQRT_PI),),
    ("input", "out"),
    formula="out = e^(input²) · erfc(input)",
    backward="d input = g · (2 · input · out − 2/√π)",
    narrate=N_("the scaled complementary error function of each entry of {input}"),
    inplace=False,
)
unary(
    "special_ndtr",
    lambda x: (0.5 * erfc_array(x.astype(np.float64) * -math.sqrt(0.5))).astype(x.dtype),
    lambda n, g, x: (g * n.xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi)),),
    formula="out = Φ(input)",
    backward="d input = g · φ(input)",
    narrate=N_("the chance that a normal number lies below each entry of {input}"),
    inplace=False,
    node="MulBackward1",
)
unary(
    "special_log_ndtr",
    each(_log_ndtr_number),
    lambda n, g, x: (g * math.sqrt(2 / math.pi) / apply(n, OPS["special_erfcx"], (-x * math.sqrt(0.5),)),),
    formula="out = ln Φ(input)",
    backward="d input = g · φ(input) / Φ(input)",
    narrate=N_("the logarithm of the chance that a normal number lies below each entry of {input}"),
    inplace=False,
)
unary(
    "special_ndtri",
    each(_ndtri_number),
    lambda n, g, out: (g * math.sqrt(2 * math.pi) * n.xp.exp(0.5 * out * out),),
    ("out",),
    formula=N_("out = the number that a normal number lies below with chance input"),
    backward="d input = g / φ(out)",
    narrate=N_("the numbers that a normal number lies below with the chance {input}"),
    samples=lambda: [((3, 2), {"_domain": (0.2, 0.8)})],
    inplace=False,
)


def _entr(x: Array) -> Any:
    inner = -x * np.log(np.where(x > 0, x, 1))
    return np.where(np.isnan(x), x, np.where(x > 0, inner, np.where(x == 0, 0, -np.inf))).astype(x.dtype)


unary(
    "special_entr",
    _entr,
    lambda n, g, x: (g * (-n.xp.log(x) - 1),),
    formula="out = −input · ln input",
    backward="d input = −g · (ln input + 1)",
    narrate=N_("the entropy of each entry of {input}"),
    samples=positive,
    inplace=False,
)


# Sine over its argument


def _sinc_vjp(node: Any, g: Any, x: Any) -> Any:
    xp = node.xp
    zero = x == 0
    safe = xp.where(zero, x * 0 + 1, x)
    slope = (xp.cos(safe * math.pi) * (math.pi * safe) - xp.sin(safe * math.pi)) / (math.pi * safe * safe)
    return (g * xp.where(zero, x * 0, slope),)


unary(
    "sinc",
    np.sinc,
    _sinc_vjp,
    formula=N_("out = sin(π · input) / (π · input), 1 at 0"),
    aliases=("special_sinc",),
    backward="d input = g · (cos(π · input) · π · input − sin(π · input)) / (π · input²)",
    narrate=N_("sine over its argument, of π times each entry of {input}"),
)


@wide
def _spherical(x: Array) -> Array:
    safe = np.where(x == 0, 1, x)
    return np.where(np.isinf(x), 0, np.where(np.abs(x) < 0.5, _spherical_series(x), np.sin(safe) / safe))


def _spherical_series(x: Array) -> Array:
    z = x * x
    return 1 - z / 6 * (1 - z / 20 * (1 - z / 42 * (1 - z / 72 * (1 - z / 110))))


unary(
    "special_spherical_bessel_j0",
    _spherical,
    None,
    formula="out = sin input / input",
    inplace=False,
    narrate=N_("the spherical Bessel function of order 0 of each entry of {input}"),
)


# Modified Bessel functions of the first kind


def _bessel(order: int, scaled: bool) -> Callable[..., Any]:
    @wide
    def forward(x: Array) -> Array:
        a = np.abs(x)
        small = np.minimum(a, 25)
        quarter = small * small / 4
        term = np.ones_like(a) if not order else small / 2
        total = term.copy()
        for k in range(1, 120):
            term = term * quarter / (k * (k + order))
            total += term
        near = total * np.exp(-small) if scaled else total
        big = np.maximum(a, 25)
        term, total = np.ones_like(a), np.ones_like(a)
        for k in range(1, 25):
            # Abramowitz and Stegun 9.7.1
            term = -term * (4 * order * order - (2 * k - 1) ** 2) / (k * 8 * big)
            total += term
        far = total / np.sqrt(2 * math.pi * big) * (1 if scaled else np.exp(big))
        out = np.where(a <= 25, near, far)
        return np.copysign(out, x) if order else out

    return forward


def _i1_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    return (g * (apply(node, OPS["i0"], (x,)) - _ratio(node, out, x, 0.5)),)


def _i1e_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    return (g * (apply(node, OPS["special_i0e"], (x,)) - out * node.xp.sign(x) - _ratio(node, out, x, 0.5)),)


def _ratio(node: Any, out: Any, x: Any, at_zero: float) -> Any:
    """out / x, with its limit at 0."""
    xp = node.xp
    zero = x == 0
    return xp.where(zero, x * 0 + at_zero, out / xp.where(zero, x * 0 + 1, x))


unary(
    "i0",
    _bessel(0, False),
    lambda n, g, x: (g * apply(n, OPS["special_i1"], (x,)),),
    formula="out = I₀(input)",
    backward="d input = g · I₁(input)",
    narrate=N_("the modified Bessel function of order 0 of each entry of {input}"),
    aliases=("special_i0",),
)
unary(
    "special_i0e",
    _bessel(0, True),
    lambda n, g, x, out: (g * (apply(n, OPS["special_i1e"], (x,)) - n.xp.sign(x) * out),),
    ("input", "out"),
    formula="out = e^−|input| · I₀(input)",
    backward="d input = g · (I₁e(input) − sign(input) · out)",
    narrate=N_("the scaled modified Bessel function of order 0 of each entry of {input}"),
    inplace=False,
)
unary(
    "special_i1",
    _bessel(1, False),
    _i1_vjp,
    ("input", "out"),
    formula="out = I₁(input)",
    backward="d input = g · (I₀(input) − out / input)",
    narrate=N_("the modified Bessel function of order 1 of each entry of {input}"),
    inplace=False,
)
unary(
    "special_i1e",
    _bessel(1, True),
    _i1e_vjp,
    ("input", "out"),
    formula="out = e^−|input| · I₁(input)",
    backward="d input = g · (I₀e(input) − out · (sign(input) + 1 / input))",
    narrate=N_("the scaled modified Bessel function of order 1 of each entry of {input}"),
    inplace=False,
)
for _name in ("special_modified_bessel_i0", "special_modified_bessel_i1"):
    _of = _bessel(int(_name[-1]), False)
    unary(
        _name,
        _of,
        None,
        formula=f"out = I{'₀₁'[int(_name[-1])]}(input)",
        inplace=False,
        narrate=N_("the modified Bessel function of each entry of {input}"),
    )
