"""Fisher's F, a ratio of gamma numbers, and the continuous Bernoulli distribution on the unit interval."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.discrete import to_logits
from graphlab.engine.distributions.distribution import (
    Distribution,
    ExponentialFamily,
    broadcast_all,
    clamp_probs,
    lazy_property,
    tiny_of,
)
from graphlab.engine.distributions.gamma import Gamma
from graphlab.engine.nn import functional as nn_functional
from graphlab.engine.tensor import Tensor


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared numbers, each over its degrees of freedom."""

    arg_constraints: ClassVar[dict[str, Any]] = {"df1": constraints.positive, "df2": constraints.positive}
    _parameters: ClassVar[dict[str, int]] = {"df1": 0, "df2": 0}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gammas = Gamma(self.df1 * 0.5, self.df1), Gamma(self.df2 * 0.5, self.df2)
        is_scalar = not isinstance(df1, Tensor) and not isinstance(df2, Tensor)
        super().__init__(() if is_scalar else self.df1.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._gammas = tuple(each.expand(batch_shape) for each in self._gammas)
        return new

    @property
    def mean(self) -> Any:
        df2 = engine.where(self.df2 <= 2, math.nan, self.df2)
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Any:
        return engine.where(self.df1 <= 2, math.nan, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2))

    @property
    def variance(self) -> Any:
        df2 = engine.where(self.df2 <= 4, math.nan, self.df2)
        return 2 * df2.pow(2) * (self.df1 + df2 - 2) / (self.df1 * (df2 - 2).pow(2) * (df2 - 4))

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        above, below = (each.rsample(sample_shape).view(shape) for each in self._gammas)
        tiny = tiny_of(below.dtype)
        below.clamp_(min=tiny)
        out = above / below
        out.clamp_(min=tiny)
        return out

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        a, b, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        factor = (a + b).lgamma() - a.lgamma() - b.lgamma()
        return factor + (a * ratio.log() + (a - 1) * engine.log(value)) - (a + b) * engine.log1p(ratio * value)


class ContinuousBernoulli(ExponentialFamily):
    """Numbers from 0 to 1 with the density C · p^x · (1 − p)^(1 − x)."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.unit_interval, "logits": constraints.real}
    _parameters: ClassVar[dict[str, int]] = {"probs": 0, "logits": 0}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        given = probs if probs is not None else logits
        (value,) = broadcast_all(given)
        if probs is not None:
            if validate_args is not None and not self.arg_constraints["probs"].check(value).all():
                raise ValueError("The parameter probs has invalid values")
            self.__dict__["probs"] = clamp_probs(value)
        else:
            self.__dict__["logits"] = value
        self._lims = lims
        super().__init__(value.size() if isinstance(given, Tensor) else (), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._lims = self._lims
        return new

    @lazy_property
    def logits(self) -> Any:
        """ln (p / (1 − p))"""
        return to_logits(self.probs, True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities p."""
        return clamp_probs(engine.sigmoid(self.logits))

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        given: Any = self.__dict__.get("probs", self.__dict__.get("logits"))
        return given.size()

    # Near p = ½ the formulas divide nearly 0 by nearly 0: there their Taylor series takes their place.

    def _is_far(self) -> Any:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self) -> Any:
        return engine.where(self._is_far(), self.probs, self._lims[0] * engine.ones_like(self.probs))

    def _log_norm(self) -> Any:
        p = self._cut()
        log_norm = engine.log(engine.abs(engine.log1p(-p) - engine.log(p))) - engine.where(
            p <= 0.5, engine.log1p(-2.0 * engine.where(p <= 0.5, p, 0.0)), engine.log(2.0 * _above_half(p) - 1.0)
        )
        x = engine.pow(self.probs - 0.5, 2)
        return engine.where(self._is_far(), log_norm, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Any:
        p = self._cut()
        far = p / (2.0 * p - 1.0) + 1.0 / (engine.log1p(-p) - engine.log(p))
        x = self.probs - 0.5
        return engine.where(self._is_far(), far, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * engine.pow(x, 2)) * x)

    @property
    def variance(self) -> Any:
        p = self._cut()
        far = p * (p - 1.0) / engine.pow(1.0 - 2.0 * p, 2) + 1.0 / engine.pow(engine.log1p(-p) - engine.log(p), 2)
        x = engine.pow(self.probs - 0.5, 2)
        return engine.where(self._is_far(), far, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def sample(self, sample_shape: Any = ()) -> Any:
        with engine.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(engine.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        crossed = nn_functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return -crossed + self._log_norm()

    def cdf(self, value: Any) -> Any:
        self._check(value)
        p = self._cut()
        far = (engine.pow(p, value) * engine.pow(1.0 - p, 1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        found = engine.where(self._is_far(), far, value)
        high = engine.where(value >= 1.0, engine.ones_like(value), found)
        return engine.where(value <= 0.0, engine.zeros_like(value), high)

    def icdf(self, value: Any) -> Any:
        p = self._cut()
        far = (engine.log1p(-p + value * (2.0 * p - 1.0)) - engine.log1p(-p)) / (engine.log(p) - engine.log1p(-p))
        return engine.where(self._is_far(), far, value)

    def entropy(self) -> Any:
        low, high = engine.log1p(-self.probs), engine.log(self.probs)
        return self.mean * (low - high) - self._log_norm() - low


def _above_half(p: Any) -> Any:
    return engine.where(p >= 0.5, p, engine.ones_like(p))
