"""Probability distributions with samples, densities and divergences: `torch.distributions`."""

from graphlab.engine.distributions import constraints as constraints
from graphlab.engine.distributions import transforms as transforms
from graphlab.engine.distributions.angles import VonMises
from graphlab.engine.distributions.compound import (
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Independent,
    LogNormal,
    MixtureSameFamily,
    TransformedDistribution,
)
from graphlab.engine.distributions.continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from graphlab.engine.distributions.discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)
from graphlab.engine.distributions.distribution import Distribution, ExponentialFamily
from graphlab.engine.distributions.gamma import Beta, Chi2, Dirichlet, Gamma, StudentT
from graphlab.engine.distributions.kl import kl_divergence, register_kl
from graphlab.engine.distributions.lowrank import LowRankMultivariateNormal
from graphlab.engine.distributions.multivariate import MultivariateNormal
from graphlab.engine.distributions.powers import InverseGamma, Kumaraswamy, LogisticNormal, Pareto, Weibull
from graphlab.engine.distributions.ratios import ContinuousBernoulli, FisherSnedecor
from graphlab.engine.distributions.relaxed import (
    Multinomial,
    NegativeBinomial,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
)
from graphlab.engine.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2",
    "ComposeTransform", "ContinuousBernoulli", "Dirichlet", "Distribution", "ExpTransform", "Exponential",
    "ExponentialFamily", "FisherSnedecor", "Gamma", "Geometric", "Gumbel", "HalfCauchy", "HalfNormal",
    "Independent", "InverseGamma", "Kumaraswamy", "Laplace", "LogNormal", "LogisticNormal",
    "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial", "MultivariateNormal", "NegativeBinomial",
    "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "PowerTransform",
    "RelaxedBernoulli", "RelaxedOneHotCategorical", "SigmoidTransform", "SoftplusTransform",
    "StickBreakingTransform", "StudentT", "TanhTransform", "Transform", "TransformedDistribution", "Uniform",
    "VonMises", "Weibull", "identity_transform", "kl_divergence", "register_kl",
]  # fmt: skip


def __getattr__(name: str) -> object:
    raise AttributeError(f"module 'torch.distributions' has no attribute '{name}'")
