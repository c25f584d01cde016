"""Random numbers drawn one by one: Poisson, binomial, gamma and Dirichlet, from the same uniform numbers as PyTorch.

W. Hörmann, The Transformed Rejection Method for Generating Poisson Random Variables, 1993, and The Generation of
Binomial Random Variates, 1993; G. Marsaglia and W. Tsang, A Simple Method for Generating Gamma Variables, 2000.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import make
from graphlab.engine.generator import Generator, default_generator
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.engine.ops.special import lower_gamma
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _uniform(source: Generator) -> float:
    return float(source.uniform64(1)[0])


def _poisson_one(rate: float, source: Generator) -> float:
    if rate == 0 or rate != rate:
        return 0.0
    if rate < 10:
        limit, product, count = math.exp(-rate), 1.0, 0
        while True:
            product *= _uniform(source)
            if product <= limit:
                return count
            count += 1
    root = math.sqrt(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    limit = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = _uniform(source) - 0.5
        v = _uniform(source)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= limit:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if left <= -rate + k * math.log(rate) - math.lgamma(k + 1):
            return k


def _stirling_tail(k: float) -> float:
    """ln k! less its Stirling approximation."""
    if k <= 9:
        n = k + 1
        return math.lgamma(n) - ((k + 0.5) * math.log(n) - n + 0.5 * math.log(2 * math.pi))
    square = (k + 1) ** 2
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _binomial_small(n: float, p: float, source: Generator) -> float:
    total, found = 0.0, 0
    while True:
        total += math.ceil(math.log(_uniform(source)) / math.log1p(-p))
        if total > n:
            return found
        found += 1


def _binomial_large(n: float, p: float, source: Generator) -> float:
    spread = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    c = n * p + 0.5
    limit = 0.92 - 4.2 / b
    odds = p / (1 - p)
    alpha = (2.83 + 5.1 / b) * spread
    m = math.floor((n + 1) * p)
    while True:
        u = _uniform(source) - 0.5
        v = _uniform(source)
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + c)
        if us >= 0.07 and v <= limit:
            return k
        if k < 0 or k > n:
            continue
        bound = (
            (m + 0.5) * math.log((m + 1) / (odds * (n - m + 1)))
            + (n + 1) * math.log((n - m + 1) / (n - k + 1))
            + (k + 0.5) * math.log(odds * (n - k + 1) / (k + 1))
            + _stirling_tail(m)
            + _stirling_tail(n - m)
            - _stirling_tail(k)
            - _stirling_tail(n - k)
        )
        if math.log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


def _binomial_one(n: float, p: float, source: Generator) -> float:
    if n <= 0 or p <= 0:
        return 0.0
    if p >= 1:
        return n
    if p != p:
        return math.nan
    mirrored = p > 0.5
    q = 1 - p if mirrored else p
    k = _binomial_large(n, q, source) if n * q >= 10 else _binomial_small(n, q, source)
    return n - k if mirrored else k


def _gamma_one(alpha: float, source: Generator) -> float:
    scale = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = (1 - _uniform(source)) ** (1 / alpha)
        alpha += 1
    d = alpha - 1 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        y = 0.0
        while y <= 0:
            x = source.normal()
            y = 1 + c * x
        v = y * y * y
        u = 1 - _uniform(source)
        xx = x * x
        if u < 1 - 0.0331 * xx * xx or math.log(u) < 0.5 * xx + d * (1 - v + math.log(v)):
            return scale * d * v


def _each(function: Any, source: Generator | None, dtype: Any, *arrays: Array) -> Any:
    chosen = source or default_generator
    wide = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in arrays))
    found = [function(*values, chosen) for values in zip(*(w.reshape(-1).tolist() for w in wide))]
    return np.array(found, np.float64).reshape(wide[0].shape).astype(dtype)


POISSON = declare(
    Op(
        name="poisson",
        category=Category.RANDOM,
        args=("input",),
        params=("generator",),
        formula=N_("out = random counts with mean input"),
        backward_formula="d input = 0",
        forward=lambda x, source: _each(_poisson_one, source, x.dtype, x),
        vjp=lambda node, g: (g * 0,),
        shape=same_shape,
        narrate=N_("counts are drawn at random, with {input} as their means"),
        narrate_backward=N_("counts do not change with {input}: its gradient is 0"),
    )
)
BINOMIAL = declare(
    Op(
        name="binomial",
        category=Category.RANDOM,
        args=("count", "prob"),
        params=("generator",),
        formula=N_("out = how many of count trials succeed, each with probability prob"),
        backward_formula="d count = d prob = 0",
        forward=lambda n, p, source: _each(_binomial_one, source, n.dtype, n, p),
        vjp=lambda node, g: (g * 0, g * 0),
        shape=lambda n, p, _: np.broadcast_shapes(n, p),
        narrate=N_("for each entry of {count} trials are made at random, and the successes counted"),
        narrate_backward=N_("counts do not change with {prob}: its gradient is 0"),
    )
)


def gamma_slope(sample: Array, alpha: Array) -> Any:
    """How a gamma sample moves with its concentration: −(∂P/∂α) / density, with P its distribution function.

    Figurnov, Mohamed and Mnih, Implicit Reparameterization Gradients, 2018.
    """
    x, a = np.asarray(sample, np.float64), np.asarray(alpha, np.float64)
    h = 1e-4 * np.maximum(a, 1e-2)
    with np.errstate(all="ignore"):
        slope = (
            8 * (lower_gamma(a + h, x) - lower_gamma(a - h, x))
            - (lower_gamma(a + 2 * h, x) - lower_gamma(a - 2 * h, x))
        ) / (12 * h)
        log_gamma = np.vectorize(math.lgamma, otypes=[np.float64])(a) if a.size else a
        density = np.exp((a - 1) * np.log(x) - x - log_gamma)
        return np.where(x > 0, -slope / density, 0.0).astype(sample.dtype)


def _gamma_vjp(node: Any, g: Any, alpha: Any, out: Any) -> Any:
    xp = node.xp
    return (g * xp.constant(gamma_slope(xp.array_of(out), xp.array_of(alpha)), g),)


STANDARD_GAMMA = declare(
    Op(
        name="standard_gamma",
        category=Category.RANDOM,
        args=("concentration",),
        params=("generator",),
        formula=N_("out = random numbers with density x^(concentration − 1) · e^(−x) / Γ(concentration)"),
        backward_formula=N_("d concentration = −g · (∂P/∂concentration) / density, with P the distribution function"),
        forward=lambda a, source: _each(_gamma_one, source, a.dtype, a),
        vjp=_gamma_vjp,
        saves=("concentration", "out"),
        shape=same_shape,
        narrate=N_("numbers are drawn from a gamma distribution with {concentration}"),
        narrate_backward=N_("{concentration} gets the gradient of moving each drawn number along its distribution"),
    )
)


def _dirichlet(alpha: Array, source: Generator | None) -> Any:
    gammas = _each(_gamma_one, source, np.float64, alpha)
    shares = (gammas / gammas.sum(-1, keepdims=True)).astype(alpha.dtype)
    return np.clip(shares, np.finfo(alpha.dtype).tiny, 1)


def _dirichlet_vjp(node: Any, g: Any, alpha: Any, out: Any) -> Any:
    xp = node.xp
    x, a = np.asarray(xp.array_of(out), np.float64), np.asarray(xp.array_of(alpha), np.float64)
    total = np.broadcast_to(a.sum(-1, keepdims=True), a.shape)
    # Each share is Beta(a, total − a); moving it along that distribution takes from the others in proportion.
    slope = beta_slope(x, a, total - a)
    slopes = xp.constant(slope.astype(xp.array_of(out).dtype), g)
    shares = xp.constant(xp.array_of(out), g)
    rest = xp.constant((1 - x).clip(1e-300).astype(xp.array_of(out).dtype), g)
    pulled = g - xp.sum(shares * g, (len(x.shape) - 1,), True)
    return (slopes / rest * pulled,)


def beta_slope(x: Array, a: Array, b: Array) -> Any:
    """How a Beta(a, b) sample moves with a when b is held: −(∂I/∂a) / density, I the incomplete beta function."""
    h = 1e-4 * np.maximum(a, 1e-2)
    with np.errstate(all="ignore"):
        slope = (
            8 * (_beta_cdf(x, a + h, b) - _beta_cdf(x, a - h, b))
            - (_beta_cdf(x, a + 2 * h, b) - _beta_cdf(x, a - 2 * h, b))
        ) / (12 * h)
        density = np.exp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - _log_beta(a, b))
        return np.where((x > 0) & (x < 1), -slope / density, 0.0)


def _log_beta(a: Array, b: Array) -> Any:
    log_gamma = np.vectorize(math.lgamma, otypes=[np.float64])
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def _beta_cdf(x: Array, a: Array, b: Array) -> Any:
    """The regularized incomplete beta function by its continued fraction (DLMF 8.17.22)."""
    swap = x > (a + 1) / (a + b + 2)
    p, q, y = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, 1 - x, x)
    front = np.exp(p * np.log(y) + q * np.log1p(-y) - _log_beta(p, q)) / p
    tiny = 1e-300
    c = np.ones_like(y)
    d = 1 / np.where(np.abs(1 - (p + q) * y / (p + 1)) < tiny, tiny, 1 - (p + q) * y / (p + 1))
    h = d.copy()
    for m in range(1, 300):
        for number in (
            m * (q - m) * y / ((p + 2 * m - 1) * (p + 2 * m)),
            -(p + m) * (p + q + m) * y / ((p + 2 * m) * (p + 2 * m + 1)),
        ):
            d = 1 + number * d
            d = 1 / np.where(np.abs(d) < tiny, tiny, d)
            c = 1 + number / c
            c = np.where(np.abs(c) < tiny, tiny, c)
            h = h * d * c
        if not np.any(np.abs(d * c - 1) > 1e-15):
            break
    return np.where(swap, 1 - front * h, front * h)


SAMPLE_DIRICHLET = declare(
    Op(
        name="dirichlet",
        category=Category.RANDOM,
        args=("concentration",),
        params=("generator",),
        formula=N_("out = gamma numbers with these concentrations, divided by their sum"),
        backward_formula=N_("each share moves along its beta distribution, the others make room in proportion"),
        forward=_dirichlet,
        vjp=_dirichlet_vjp,
        saves=("concentration", "out"),
        shape=same_shape,
        narrate=N_("shares that sum to 1 are drawn from a Dirichlet distribution with {concentration}"),
        narrate_backward=N_("{concentration} gets the gradient of moving each share along its distribution"),
    )
)


@public(POISSON, "poisson", method=False)
def poisson(input: Any, generator: Generator | None = None) -> Any:
    """Random counts with these means."""
    t = need_tensor(input, "poisson")
    if t._array.dtype.kind not in "fV":
        raise make(
            NotImplementedError,
            f"\"poisson_cpu\" not implemented for '{t.dtype.title}'",
            kind="dtype_unsupported",
            dtype=t.dtype.name,
        )
    if (t._array < 0).any():
        raise make(RuntimeError, "invalid Poisson rate, expected rate to be non-negative", kind="probability_range")
    return run(POISSON, (t,), (generator,))


@public(BINOMIAL, "binomial", method=False)
def binomial(count: Any, prob: Any, generator: Generator | None = None) -> Any:
    """How many of `count` trials succeed, each with probability `prob`."""
    n, p = need_tensor(count, "binomial", "count"), need_tensor(prob, "binomial", "prob", 2)
    return run(BINOMIAL, (n, p), (generator,))


def standard_gamma(concentration: Tensor) -> Any:
    """Gamma numbers of rate 1."""
    return run(STANDARD_GAMMA, (concentration,), (None,))


def sample_dirichlet(concentration: Tensor) -> Any:
    """Shares that sum to 1."""
    return run(SAMPLE_DIRICHLET, (concentration,), (None,))


# Samples of tensors that require grad: part of the graph, with a gradient of 0, as PyTorch has it.


def _normal_of(mean: Any, std: Any) -> Any:
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std))
    drawn = np.empty(shape, np.result_type(*(a for a in (mean, std) if isinstance(a, np.ndarray))))
    default_generator.fill_normal(drawn)
    return drawn * std + mean


def _nothing(node: Any, g: Any) -> Any:
    shapes = node.params
    return tuple(None if e is None else node.xp.full(s, 0.0, g) for e, s in zip(node.edges, shapes))


NORMAL_OF = declare(
    Op(
        name="normal_of",
        node="NormalBackward3",
        category=Category.RANDOM,
        args=("mean", "std"),
        formula=N_("out = random numbers with these means and standard deviations"),
        backward_formula="d mean = d std = 0",
        forward=_normal_of,
        vjp=_nothing,
        broadcasts=True,
        shape=lambda m, s: np.broadcast_shapes(m, s),
        narrate=N_("normal numbers are drawn around {mean}, as far spread as {std}"),
        narrate_backward=N_("drawn numbers carry no gradient back: it is 0 (rsample of a distribution has one)"),
    )
)
BERNOULLI_OF = declare(
    Op(
        name="bernoulli_of",
        node="BernoulliBackward0",
        category=Category.RANDOM,
        args=("input",),
        formula=N_("out = 1 with probability input, else 0"),
        backward_formula="d input = 0",
        forward=lambda p: default_generator.bernoulli_each(p).astype(p.dtype),
        vjp=_nothing,
        broadcasts=True,
        shape=same_shape,
        narrate=N_("ones and zeros are drawn, with {input} as the probabilities of one"),
        narrate_backward=N_("drawn numbers carry no gradient back: it is 0"),
    )
)
