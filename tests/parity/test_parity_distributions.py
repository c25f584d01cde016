"""`torch.distributions` in both: samples under a seed, densities, moments, gradients, divergences, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import graphlab.engine as engine  # noqa: E402 - torch must be there first

pytestmark = pytest.mark.parity
A, B = [0.5, 1.5, 4.0], [1.2, 0.7, 2.5]
PROBS, LOGITS = [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], [[0.1, -1.0, 2.0], [0.0, 0.3, 0.2]]
TRIL = [[1.0, 0.0], [0.4, 1.3]]


def _t(lib: Any, data: Any) -> Any:
    return lib.tensor(data, requires_grad=True)


MAKERS: dict[str, Any] = {
    "normal": lambda lib: lib.distributions.Normal(_t(lib, A), _t(lib, B)),
    "normal_numbers": lambda lib: lib.distributions.Normal(0.5, 2.0),
    "laplace": lambda lib: lib.distributions.Laplace(_t(lib, A), _t(lib, B)),
    "cauchy": lambda lib: lib.distributions.Cauchy(_t(lib, A), _t(lib, B)),
    "uniform": lambda lib: lib.distributions.Uniform(_t(lib, [0.0, 1.0, -2.0]), _t(lib, [1.0, 3.0, 2.0])),
    "exponential": lambda lib: lib.distributions.Exponential(_t(lib, A)),
    "gamma": lambda lib: lib.distributions.Gamma(_t(lib, A), _t(lib, B)),
    "chi2": lambda lib: lib.distributions.Chi2(_t(lib, A)),
    "beta": lambda lib: lib.distributions.Beta(_t(lib, A), _t(lib, B)),
    "beta_numbers": lambda lib: lib.distributions.Beta(2.0, 3.0),
    "dirichlet": lambda lib: lib.distributions.Dirichlet(_t(lib, [A, B])),
    "student": lambda lib: lib.distributions.StudentT(_t(lib, [3.0, 4.0, 9.0]), _t(lib, A), _t(lib, B)),
    "bernoulli": lambda lib: lib.distributions.Bernoulli(_t(lib, [0.2, 0.9, 0.4])),
    "bernoulli_logits": lambda lib: lib.distributions.Bernoulli(logits=_t(lib, A)),
    "categorical": lambda lib: lib.distributions.Categorical(_t(lib, PROBS)),
    "categorical_logits": lambda lib: lib.distributions.Categorical(logits=_t(lib, LOGITS)),
    "one_hot": lambda lib: lib.distributions.OneHotCategorical(_t(lib, PROBS)),
    "one_hot_through": lambda lib: lib.distributions.OneHotCategoricalStraightThrough(_t(lib, PROBS)),
    "geometric": lambda lib: lib.distributions.Geometric(_t(lib, [0.2, 0.9, 0.4])),
    "poisson": lambda lib: lib.distributions.Poisson(_t(lib, [0.2, 3.0, 40.0])),
    "binomial": lambda lib: lib.distributions.Binomial(lib.tensor([3.0, 40.0]), _t(lib, [0.3, 0.6])),
    "binomial_numbers": lambda lib: lib.distributions.Binomial(10, _t(lib, [0.3, 0.6])),
    "multivariate_tril": lambda lib: lib.distributions.MultivariateNormal(
        _t(lib, [[0.0, 1.0], [2.0, 3.0]]), scale_tril=_t(lib, TRIL)
    ),
    "multivariate": lambda lib: lib.distributions.MultivariateNormal(
        _t(lib, [0.0, 1.0]), covariance_matrix=_t(lib, [[2.0, 0.3], [0.3, 1.0]])
    ),
    "multivariate_precision": lambda lib: lib.distributions.MultivariateNormal(
        _t(lib, [0.0, 1.0]), precision_matrix=_t(lib, [[2.0, 0.3], [0.3, 1.0]])
    ),
    "weibull": lambda lib: lib.distributions.Weibull(_t(lib, A), _t(lib, B)),
    "weibull_numbers": lambda lib: lib.distributions.Weibull(1.0, 2.0),
    "pareto": lambda lib: lib.distributions.Pareto(_t(lib, A), _t(lib, [1.2, 2.7, 3.5])),
    "kumaraswamy": lambda lib: lib.distributions.Kumaraswamy(_t(lib, A), _t(lib, B)),
    "inverse_gamma": lambda lib: lib.distributions.InverseGamma(_t(lib, [0.5, 1.5, 4.0]), _t(lib, B)),
    "von_mises": lambda lib: lib.distributions.VonMises(_t(lib, A), _t(lib, [0.7, 2.5, 9.0])),
    "fisher": lambda lib: lib.distributions.FisherSnedecor(_t(lib, [1.5, 3.0, 6.0]), _t(lib, [1.5, 3.5, 8.0])),
    "continuous_bernoulli": lambda lib: lib.distributions.ContinuousBernoulli(_t(lib, [0.2, 0.5001, 0.9])),
    "continuous_bernoulli_logits": lambda lib: lib.distributions.ContinuousBernoulli(logits=_t(lib, [-1.0, 0.3, 2.0])),
    "logistic_normal": lambda lib: lib.distributions.LogisticNormal(_t(lib, [A, B]), _t(lib, B)),
    "low_rank": lambda lib: lib.distributions.LowRankMultivariateNormal(
        _t(lib, [[0.0, 1.0, 2.0], [1.0, 0.0, 1.0]]), _t(lib, [[0.5, 1.0], [1.0, -1.0], [0.2, 0.1]]), _t(lib, B)
    ),
    "log_normal": lambda lib: lib.distributions.LogNormal(_t(lib, A), _t(lib, B)),
    "half_normal": lambda lib: lib.distributions.HalfNormal(_t(lib, B)),
    "half_cauchy": lambda lib: lib.distributions.HalfCauchy(_t(lib, B)),
    "gumbel": lambda lib: lib.distributions.Gumbel(_t(lib, A), _t(lib, B)),
    "independent": lambda lib: lib.distributions.Independent(lib.distributions.Normal(_t(lib, [A, B]), _t(lib, B)), 1),
    "squashed": lambda lib: lib.distributions.TransformedDistribution(
        lib.distributions.Normal(_t(lib, [0.1, 0.2]), _t(lib, [0.5, 0.7])),
        [lib.distributions.transforms.TanhTransform(), lib.distributions.transforms.AffineTransform(1.0, 2.0)],
    ),
    "multinomial": lambda lib: lib.distributions.Multinomial(4, _t(lib, PROBS)),
    "multinomial_logits": lambda lib: lib.distributions.Multinomial(4, logits=_t(lib, LOGITS)),
    "negative_binomial": lambda lib: lib.distributions.NegativeBinomial(lib.tensor([1.0, 5.0]), _t(lib, [0.4, 0.7])),
    "relaxed_bernoulli": lambda lib: lib.distributions.RelaxedBernoulli(lib.tensor(0.5), _t(lib, [0.2, 0.9])),
    "relaxed_bernoulli_logits": lambda lib: lib.distributions.RelaxedBernoulli(lib.tensor(2.0), logits=_t(lib, A)),
    "relaxed_one_hot": lambda lib: lib.distributions.RelaxedOneHotCategorical(lib.tensor(0.5), _t(lib, PROBS)),
    "relaxed_one_hot_logits": lambda lib: lib.distributions.RelaxedOneHotCategorical(
        lib.tensor(2.0), logits=_t(lib, LOGITS)
    ),
    "mixture": lambda lib: lib.distributions.MixtureSameFamily(
        lib.distributions.Categorical(_t(lib, [0.3, 0.7])),
        lib.distributions.Normal(_t(lib, [0.0, 3.0]), _t(lib, [1.0, 0.5])),
    ),
}


def _same(mine: Any, theirs: Any, what: str, rtol: float = 2e-5) -> None:
    assert tuple(mine.shape) == tuple(theirs.shape), what
    assert str(mine.dtype) == str(theirs.dtype), what
    np.testing.assert_allclose(
        mine.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=1e-5, err_msg=what, equal_nan=True
    )


def _leaves(distribution: Any, lib: Any) -> list[Any]:
    found = [v for v in vars(distribution).values() if isinstance(v, lib.Tensor)]
    return [v for v in found if v.requires_grad]


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_samples_and_densities_are_those_of_pytorch(name: str, shape: Any) -> None:
    results = []
    for lib in (torch, engine):
        distribution = MAKERS[name](lib)
        lib.manual_seed(3)
        sample = distribution.sample(shape)
        results.append((sample, distribution.log_prob(sample)))
    (theirs, their_density), (mine, my_density) = results
    _same(mine, theirs, "sample")
    assert not mine.requires_grad
    _same(my_density, their_density, "log_prob", 1e-4)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_moments_shapes_and_words_are_those_of_pytorch(name: str) -> None:
    theirs, mine = MAKERS[name](torch), MAKERS[name](engine)
    assert tuple(mine.batch_shape) == tuple(theirs.batch_shape)
    assert tuple(mine.event_shape) == tuple(theirs.event_shape)
    assert repr(mine.batch_shape) == repr(theirs.batch_shape)
    assert mine.has_rsample == theirs.has_rsample
    if name != "mixture":
        assert repr(mine) == repr(theirs)
    for what in ("mean", "mode", "variance", "stddev"):
        try:
            expected = getattr(theirs, what)
        except NotImplementedError:
            continue
        _same(getattr(mine, what), expected, what)
    try:
        expected = theirs.entropy()
    except NotImplementedError:
        return
    if name != "poisson":
        _same(mine.entropy(), expected, "entropy")


@pytest.mark.parametrize("name", sorted(n for n in MAKERS if MAKERS[n](torch).has_rsample))
def test_reparametrized_samples_have_pytorchs_gradients(name: str) -> None:
    gradients = []
    for lib in (torch, engine):
        made: list[Any] = []

        def tensor(data: Any, requires_grad: bool = False, lib: Any = lib, made: list[Any] = made) -> Any:
            t = lib.tensor(data, requires_grad=requires_grad)
            made.append(t)
            return t

        stand_in = type("Lib", (), {"tensor": staticmethod(tensor), "distributions": lib.distributions})
        distribution = MAKERS[name](stand_in)
        lib.manual_seed(5)
        sample = distribution.rsample((3,))
        if not any(t.requires_grad for t in made):
            assert not sample.requires_grad
            return
        (sample.pow(2).sum() + distribution.log_prob(sample.detach()).sum()).backward()
        gradients.append([t.grad for t in made if t.requires_grad])
    for expected, got in zip(*gradients):
        assert (expected is None) == (got is None)
        if expected is not None:
            # PyTorch approximates the slope of gamma numbers to about one part in a thousand. What is left of a stick
            # is 1 − z, with few digits where z is near 1.
            loose = name in ("gamma", "chi2", "beta", "dirichlet", "student", "fisher", "logistic_normal")
            _same(got, expected, "gradient", 5e-3 if loose else 1e-4)


PAIRS = [
    ("normal", lambda lib: lib.distributions.Normal(lib.tensor([1.0, 2.0, 3.0]), lib.tensor([1.0, 0.5, 2.0]))),
    ("laplace", lambda lib: lib.distributions.Laplace(0.3, 1.1)),
    ("exponential", lambda lib: lib.distributions.Exponential(1.3)),
    ("gamma", lambda lib: lib.distributions.Gamma(2.0, 1.5)),
    ("beta", lambda lib: lib.distributions.Beta(2.0, 1.5)),
    ("dirichlet", lambda lib: lib.distributions.Dirichlet(lib.tensor([1.0, 2.0, 3.0]))),
    ("bernoulli", lambda lib: lib.distributions.Bernoulli(lib.tensor([0.3, 1.0, 0.0]))),
    ("categorical", lambda lib: lib.distributions.Categorical(lib.tensor([0.3, 0.7, 0.0]))),
    ("geometric", lambda lib: lib.distributions.Geometric(0.3)),
    ("poisson", lambda lib: lib.distributions.Poisson(2.0)),
    ("uniform", lambda lib: lib.distributions.Uniform(-1.0, 4.0)),
    ("multivariate", lambda lib: lib.distributions.MultivariateNormal(lib.tensor([1.0, 1.0]), lib.eye(2))),
    ("independent", lambda lib: lib.distributions.Independent(
        lib.distributions.Normal(lib.zeros(2, 3), lib.ones(3)), 1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "other"), PAIRS, ids=[n for n, _ in PAIRS])
def test_divergences_are_those_of_pytorch(name: str, other: Any) -> None:
    both = []
    for lib in (torch, engine):
        divergence = lib.distributions.kl_divergence
        both.append((divergence(MAKERS[name](lib), other(lib)), divergence(other(lib), MAKERS[name](lib))))
    for theirs, mine in zip(*both):
        _same(mine, theirs, "divergence", 1e-4)


WRONG: list[Any] = [
    lambda lib: lib.distributions.Normal(0.0, -1.0),
    lambda lib: lib.distributions.Normal(lib.tensor([0.0, float("nan")]), 1.0),
    lambda lib: lib.distributions.Normal("a", 1.0),
    lambda lib: lib.distributions.Categorical(),
    lambda lib: lib.distributions.Categorical(lib.tensor(0.5)),
    lambda lib: lib.distributions.Categorical(lib.tensor([-0.5, 1.5])),
    lambda lib: lib.distributions.Categorical(lib.tensor([0.5, 0.5])).log_prob(lib.tensor(7)),
    lambda lib: lib.distributions.Categorical(lib.tensor([0.5, 0.5])).log_prob(1),
    lambda lib: lib.distributions.Bernoulli(1.5),
    lambda lib: lib.distributions.Bernoulli(0.5).log_prob(lib.tensor(0.5)),
    lambda lib: lib.distributions.Bernoulli(0.5, 0.5),
    lambda lib: lib.distributions.Uniform(2.0, 1.0),
    lambda lib: lib.distributions.Uniform(0.0, 1.0).log_prob(lib.tensor(3.0)),
    lambda lib: lib.distributions.Gamma(-1.0, 1.0),
    lambda lib: lib.distributions.Beta(-1.0, 1.0),
    lambda lib: lib.distributions.Exponential(0.0),
    lambda lib: lib.distributions.Geometric(0.0),
    lambda lib: lib.distributions.MultivariateNormal(lib.zeros(2)),
    lambda lib: lib.distributions.MultivariateNormal(lib.zeros(2), -lib.eye(2)),
    lambda lib: lib.distributions.MultivariateNormal(lib.tensor(0.0), lib.eye(2)),
    lambda lib: lib.distributions.MultivariateNormal(lib.zeros(2), lib.eye(2)).log_prob(lib.zeros(3)),
    lambda lib: lib.distributions.Normal(lib.zeros(2), 1.0).log_prob(lib.zeros(3)),
    lambda lib: lib.distributions.Independent(lib.distributions.Normal(0.0, 1.0), 1),
    lambda lib: lib.distributions.kl_divergence(lib.distributions.Gamma(1.0, 1.0), lib.distributions.Poisson(1.0)),
    lambda lib: lib.distributions.kl_divergence(
        lib.distributions.HalfCauchy(1.0), lib.distributions.MultivariateNormal(lib.zeros(2), lib.eye(2))
    ),
    lambda lib: lib.poisson(lib.tensor([-1.0])),
    lambda lib: lib.poisson(lib.tensor([1])),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_pytorch_refuses_is_refused_in_its_words(number: int) -> None:
    seen = []
    for lib in (torch, engine):
        with pytest.raises((ValueError, RuntimeError, NotImplementedError)) as caught:
            WRONG[number](lib)
        seen.append((type(caught.value).__name__, str(caught.value)))
    assert seen[1] == seen[0]


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_expand_stretches_the_batch(name: str) -> None:
    wide = [4]
    try:
        theirs = MAKERS[name](torch)
        shape = wide + list(theirs.batch_shape)
        theirs = theirs.expand(shape)
    except NotImplementedError:
        return
    if name == "mixture":
        return
    mine = MAKERS[name](engine).expand(shape)
    assert tuple(mine.batch_shape) == tuple(theirs.batch_shape)
    torch.manual_seed(2), engine.manual_seed(2)
    _same(mine.sample(), theirs.sample(), "sample")


def test_policy_gradient_and_enumeration() -> None:
    for lib in (torch, engine):
        categorical = lib.distributions.Categorical(logits=lib.tensor(LOGITS))
        assert categorical.enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]
        bernoulli = lib.distributions.Bernoulli(lib.tensor([0.3, 0.4]))
        assert bernoulli.enumerate_support(expand=False).tolist() == [[0.0], [1.0]]
