"""The Kullback–Leibler divergence of pairs of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import graphlab.engine as engine
from graphlab.engine.distributions.compound import Independent
from graphlab.engine.distributions.continuous import Exponential, Laplace, Normal, Uniform
from graphlab.engine.distributions.discrete import Bernoulli, Categorical, Geometric, OneHotCategorical, Poisson
from graphlab.engine.distributions.distribution import Distribution, ExponentialFamily, sum_rightmost
from graphlab.engine.distributions.gamma import Beta, Dirichlet, Gamma
from graphlab.engine.distributions.multivariate import MultivariateNormal, log_det_half, mahalanobis

_RULES: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Enter a function as the divergence of two kinds of distributions."""
    if not (isinstance(type_p, type) and issubclass(type_p, Distribution)):
        raise TypeError(f"Expected type_p to be a Distribution subclass but got {type_p}")
    if not (isinstance(type_q, type) and issubclass(type_q, Distribution)):
        raise TypeError(f"Expected type_q to be a Distribution subclass but got {type_q}")

    def decorate(function: Any) -> Any:
        _RULES[type_p, type_q] = function
        return function

    return decorate


def _rule(p: type, q: type) -> Any:
    """The rule for the nearest bases."""
    found = [
        (p.__mro__.index(a) + q.__mro__.index(b), rule)
        for (a, b), rule in _RULES.items()
        if issubclass(p, a) and issubclass(q, b)
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """Σ p · ln (p / q), for each place of the batch."""
    rule = _rule(type(p), type(q))
    if rule is None and isinstance(p, ExponentialFamily) and isinstance(q, ExponentialFamily):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot                             be "
            "computed using Bregman divergences"
        )
    if rule is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return rule(p, q)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).pow(2)
    away = ((p.loc - q.loc) / q.scale).pow(2)
    return 0.5 * (ratio + away - 1 - ratio.log())


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Any:
    softplus: Any = engine.nn.functional.softplus
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    yes = engine.where(p.probs == 0, 0.0, engine.where(q.probs == 0, math.inf, yes))
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return yes + engine.where(p.probs == 1, 0.0, engine.where(q.probs == 1, math.inf, no))


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Any:
    each = p.probs * (p.logits - q.logits)
    return engine.where(p.probs == 0, 0.0, engine.where(q.probs == 0, math.inf, each)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Any:
    return _categorical(p._categorical, q._categorical)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Any:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return engine.where((q.low > p.low) | (q.high < p.high), math.inf, found)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Any:
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + away / q.scale + ratio * engine.exp(-away / p.scale) - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    first = b * (p.rate / q.rate).log() + engine.lgamma(b) - engine.lgamma(a)
    return first + (a - b) * engine.digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Any:
    total_p, total_q = p.concentration1 + p.concentration0, q.concentration1 + q.concentration0
    first = q.concentration1.lgamma() + q.concentration0.lgamma() + total_p.lgamma()
    second = p.concentration1.lgamma() + p.concentration0.lgamma() + total_q.lgamma()
    ones = (p.concentration1 - q.concentration1) * engine.digamma(p.concentration1)
    zeros = (p.concentration0 - q.concentration0) * engine.digamma(p.concentration0)
    return first - second + ones + zeros + (total_q - total_p) * engine.digamma(total_p)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    first = a.sum(-1).lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return first + ((a - b) * (a.digamma() - a.sum(-1).digamma().unsqueeze(-1))).sum(-1)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - engine.log1p(-q.probs) / p.probs - q.logits


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with                          different event shapes "
            "cannot be computed"
        )
    n = p.event_shape[0]
    scaled = engine.linalg.solve_triangular(q._tril, p._tril, upper=False)
    spread = scaled.pow(2).sum((-2, -1))
    away = mahalanobis(q._tril, q.loc - p.loc)
    return log_det_half(q._tril) - log_det_half(p._tril) + 0.5 * (spread + away - n)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
