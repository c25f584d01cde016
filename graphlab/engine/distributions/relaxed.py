"""Counts of several classes, and choices made soft so that gradients pass (Maddison and others, 2016; Jang, 2016)."""

from __future__ import annotations

from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.compound import TransformedDistribution
from graphlab.engine.distributions.discrete import Binomial, Categorical, to_logits
from graphlab.engine.distributions.distribution import Distribution, broadcast_all, clamp_probs, lazy_property
from graphlab.engine.distributions.gamma import Gamma
from graphlab.engine.distributions.transforms import ExpTransform, SigmoidTransform
from graphlab.engine.tensor import Size, Tensor

nn_functional: Any = engine.nn.functional


class Multinomial(Distribution):
    """How often each class comes in `total_count` draws."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = tuple(self._categorical.param_shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.total_count = self.total_count
        new._categorical = self._categorical.expand(batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Any:
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        drawn = drawn.permute(*range(1, drawn.dim()), 0)
        counts = drawn.new_zeros(self._extended_shape(sample_shape))
        counts.scatter_add_(-1, drawn, engine.ones_like(drawn))
        return counts.type_as(self.probs)

    def entropy(self) -> Any:
        n = self.total_count
        counts = engine.arange(1.0, n + 1, dtype=self.probs.dtype).view(-1, *[1] * self.probs.dim())
        chance = Binomial(n, probs=self.probs).log_prob(counts).exp()
        ordered = n * self._categorical.entropy() - engine.lgamma(engine.as_tensor(n + 1.0))
        return ordered + (chance * engine.lgamma(counts + 1)).sum([0, -1])

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        logits = logits.clone()
        ways = engine.lgamma(value.sum(-1) + 1) - engine.lgamma(value + 1).sum(-1)
        logits[(value == 0) & (logits == -engine.inf)] = 0
        return ways + (logits * value).sum(-1)


class NegativeBinomial(Distribution):
    """Successes before `total_count` failures."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    _parameters: ClassVar[dict[str, int]] = {"total_count": 0, "probs": 0, "logits": 0}
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        self.total_count, value = broadcast_all(total_count, given)
        self.total_count = self.total_count.type_as(value)
        self.__dict__[name] = value
        super().__init__(value.size(), validate_args=validate_args)

    @lazy_property
    def logits(self) -> Any:
        """The logarithm of the odds of a success."""
        return to_logits(self.probs, True)

    @lazy_property
    def probs(self) -> Any:
        """The probability of a success."""
        return engine.sigmoid(self.logits)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self.__dict__.get("probs", self.__dict__.get("logits")).size()  # type: ignore[no-any-return, union-attr]

    @property
    def mean(self) -> Any:
        return self.total_count * engine.exp(self.logits)

    @property
    def mode(self) -> Any:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        return self.mean / engine.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Any:
        with engine.no_grad():
            rate = Gamma(self.total_count, engine.exp(-self.logits), validate_args=False).sample(sample_shape)
            return engine.poisson(rate)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        odds = self.total_count * nn_functional.logsigmoid(-self.logits) + value * nn_functional.logsigmoid(self.logits)
        ways = -engine.lgamma(self.total_count + value) + engine.lgamma(1.0 + value) + engine.lgamma(self.total_count)
        return odds - ways.masked_fill(self.total_count + value == 0.0, 0.0)


class _ExpRelaxedCategorical(Distribution):
    """The logarithms of a soft choice among classes."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any, logits: Any, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = tuple(self._categorical.param_shape)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.temperature = self.temperature
        new._categorical = self._categorical.expand(batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def probs(self) -> Any:
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        return self._categorical.logits

    def rsample(self, sample_shape: Any = ()) -> Any:
        logits = self.logits
        shape = self._extended_shape(sample_shape)
        uniform = clamp_probs(engine.rand(shape, dtype=logits.dtype, device=logits.device))
        scores = (logits - (-uniform.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value: Any) -> Any:
        n = self._categorical._num_events
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        steep = engine.full_like(engine.as_tensor(self.temperature), float(n)).lgamma() - (
            engine.as_tensor(self.temperature).log().mul(-(n - 1))
        )
        score = logits - value.mul(self.temperature)
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + steep


class RelaxedOneHotCategorical(TransformedDistribution):
    """A soft choice among classes; nearer to a hard one the smaller the temperature is."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True
    base_dist: Any

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = _ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How soft the choice is."""
        return self.base_dist.temperature

    @property
    def probs(self) -> Any:
        """The probabilities."""
        return self.base_dist.probs

    @property
    def logits(self) -> Any:
        """Their logarithms."""
        return self.base_dist.logits


class _LogitRelaxedBernoulli(Distribution):
    """The log-odds of a soft yes or no."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real

    def __init__(self, temperature: Any, probs: Any, logits: Any, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self.temperature = temperature
        given = logits if probs is None else probs
        (value,) = broadcast_all(given)
        self.__dict__["logits" if probs is None else "probs"] = value
        super().__init__(value.size() if isinstance(given, Tensor) else (), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = type(self).__new__(type(self)) if _instance is None else _instance
        new.temperature = self.temperature
        for name in ("probs", "logits"):
            if name in self.__dict__:
                new.__dict__[name] = self.__dict__[name].expand(batch_shape)
        Distribution.__init__(new, batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @lazy_property
    def logits(self) -> Any:
        return to_logits(self.probs, True)

    @lazy_property
    def probs(self) -> Any:
        return engine.sigmoid(self.logits)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(engine.rand(shape, dtype=probs.dtype, device=probs.device))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        away = logits - value.mul(self.temperature)
        return engine.as_tensor(self.temperature).log() + away - 2 * away.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """A soft yes or no; nearer to a hard one the smaller the temperature is."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    base_dist: Any

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = _LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How soft the choice is."""
        return self.base_dist.temperature

    @property
    def probs(self) -> Any:
        """The probability of yes."""
        return self.base_dist.probs

    @property
    def logits(self) -> Any:
        """The logarithm of its odds."""
        return self.base_dist.logits
