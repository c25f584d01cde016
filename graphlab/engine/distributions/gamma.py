"""Distributions that gamma numbers make: gamma, chi-squared, Dirichlet, beta, Student's t."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.continuous import standard_normal
from graphlab.engine.distributions.distribution import (
    Distribution,
    ExponentialFamily,
    OfTwo,
    broadcast_all,
    tiny_of,
)
from graphlab.engine.ops.counts import sample_dirichlet, standard_gamma
from graphlab.engine.tensor import Tensor


class Gamma(OfTwo):
    """The density rate^c · x^(c − 1) · e^(−rate · x) / Γ(c), with c the concentration."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    _parameters: ClassVar[dict[str, int]] = {"concentration": 0, "rate": 0}
    _pair = ("concentration", "rate")
    support = constraints.nonnegative
    has_rsample = True
    concentration: Any
    rate: Any

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._set(concentration, rate, validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=tiny_of(value.dtype))
        return value

    def log_prob(self, value: Any) -> Any:
        value = engine.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._check(value)
        return (
            engine.xlogy(self.concentration, self.rate)
            + engine.xlogy(self.concentration - 1, value)
            - self.rate * value
            - engine.lgamma(self.concentration)
        )

    def cdf(self, value: Any) -> Any:
        self._check(value)
        return engine.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        c = self.concentration
        return c - engine.log(self.rate) + engine.lgamma(c) + (1.0 - c) * engine.digamma(c)


class Chi2(Gamma):
    """The sum of the squares of `df` normal numbers."""

    arg_constraints: ClassVar[dict[str, Any]] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args)

    @property
    def df(self) -> Any:
        """The degrees of freedom."""
        return self.concentration * 2


class Dirichlet(ExponentialFamily):
    """Shares of a whole along the last dim."""

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.independent(constraints.positive, 1)}
    _parameters: ClassVar[dict[str, int]] = {"concentration": 1}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = tuple(concentration.shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        above = (self.concentration - 1).clamp(min=0.0)
        shares = above / above.sum(-1, True)
        corner = engine.nn.functional.one_hot(shares.argmax(-1), shares.shape[-1]).to(shares.dtype)
        return engine.where((self.concentration < 1).all(-1, keepdim=True), corner, shares)

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        c = self.concentration
        return engine.xlogy(c - 1.0, value).sum(-1) + engine.lgamma(c.sum(-1)) - engine.lgamma(c).sum(-1)

    def entropy(self) -> Any:
        c = self.concentration
        k, total = c.size(-1), c.sum(-1)
        return (
            engine.lgamma(c).sum(-1)
            - engine.lgamma(total)
            - (k - total) * engine.digamma(total)
            - ((c - 1.0) * engine.digamma(c)).sum(-1)
        )


class Beta(ExponentialFamily):
    """The first share of a Dirichlet distribution of two."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        if not isinstance(concentration1, Tensor) and not isinstance(concentration0, Tensor):
            both = Tensor([float(concentration1), float(concentration0)])
        else:
            both = engine.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new._dirichlet = self._dirichlet.expand(batch_shape)
        Distribution.__init__(new, batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def concentration1(self) -> Any:
        """The weight of 1."""
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self) -> Any:
        """The weight of 0."""
        return self._dirichlet.concentration[..., 1]

    @property
    def mean(self) -> Any:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Any:
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        return self._dirichlet.log_prob(engine.stack([value, 1.0 - value], -1))

    def entropy(self) -> Any:
        return self._dirichlet.entropy()


class StudentT(Distribution):
    """A normal number divided by the root of a chi-squared one over `df`."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    _parameters: ClassVar[dict[str, int]] = {"df": 0, "loc": 0, "scale": 0}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._chi2 = self._chi2.expand(batch_shape)
        return new

    @property
    def mean(self) -> Any:
        return engine.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        usual = self.scale.pow(2) * self.df / (self.df - 2)
        return engine.where(self.df > 2, usual, engine.where(self.df > 1, math.inf, math.nan).to(usual.dtype))

    def rsample(self, sample_shape: Any = ()) -> Any:
        normal = standard_normal(self._extended_shape(sample_shape), self.df)
        return self.loc + self.scale * (normal * engine.rsqrt(self._chi2.rsample(sample_shape) / self.df))

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        away = (value - self.loc) / self.scale
        normal = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + engine.lgamma(0.5 * self.df)
            - engine.lgamma(0.5 * (self.df + 1.0))
        )
        return -0.5 * (self.df + 1.0) * engine.log1p(away**2.0 / self.df) - normal

    def entropy(self) -> Any:
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        log_beta = engine.lgamma(half) + math.lgamma(0.5) - engine.lgamma(more)
        slopes = engine.digamma(more) - engine.digamma(half)
        return self.scale.log() + more * slopes + 0.5 * self.df.log() + log_beta
