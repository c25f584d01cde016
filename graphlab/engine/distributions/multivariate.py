"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.continuous import standard_normal
from graphlab.engine.distributions.distribution import Distribution, lazy_property


def mahalanobis(tril: Any, away: Any) -> Any:
    """|tril⁻¹ · away|² for each vector; both may have batches."""
    shape = tuple(away.shape[:-1])
    whole = engine.linalg.solve_triangular(tril, away.unsqueeze(-1), upper=False).squeeze(-1)
    return whole.pow(2).sum(-1).expand(engine.broadcast_shapes(shape, tuple(tril.shape[:-2])))


def log_det_half(tril: Any) -> Any:
    """Half the logarithm of the covariance's determinant."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class MultivariateNormal(Distribution):
    """Normal vectors with mean `loc` and a covariance, its inverse, or its Cholesky factor."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    _parameters: ClassVar[dict[str, int]] = {
        "loc": 1,
        "covariance_matrix": 2,
        "precision_matrix": 2,
        "scale_tril": 2,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        choices = {
            "scale_tril": scale_tril,
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
        }
        given = {name: value for name, value in choices.items() if value is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, value),) = given.items()
        if value.dim() < 2:
            word = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{word} must be at least two-dimensional, with optional leading batch dimensions")
        batch = tuple(engine.broadcast_shapes(tuple(value.shape[:-2]), tuple(loc.shape[:-1])))
        self.__dict__[name] = value.expand((*batch, -1, -1))
        self.loc = loc.expand((*batch, -1))
        super().__init__(batch, tuple(self.loc.shape[-1:]), validate_args=validate_args)
        if name == "scale_tril":
            self._tril = value
        elif name == "covariance_matrix":
            self._tril = engine.linalg.cholesky(value)
        else:
            self._tril = _from_precision(value)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._tril = self._tril
        return new

    def _wide(self, value: Any) -> Any:
        return value.expand(tuple(self._batch_shape) + tuple(self._event_shape) * 2)

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        return self._wide(self._tril)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        return self._wide(engine.matmul(self._tril, self._tril.mT))

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        return self._wide(engine.cholesky_inverse(self._tril))

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return self._tril.pow(2).sum(-1).expand(tuple(self._batch_shape) + tuple(self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        drawn = standard_normal(self._extended_shape(sample_shape), self.loc)
        return self.loc + engine.matmul(self._tril, drawn.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        away = mahalanobis(self._tril, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + away) - log_det_half(self._tril)

    def entropy(self) -> Any:
        found = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det_half(self._tril)
        return found.expand(tuple(self._batch_shape)) if self._batch_shape else found


def _from_precision(precision: Any) -> Any:
    """The Cholesky factor of the inverse."""
    flipped = engine.linalg.cholesky(engine.flip(precision, (-2, -1)))
    inverse = engine.flip(flipped, (-2, -1)).mT
    eye = engine.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return engine.linalg.solve_triangular(inverse, eye, upper=False)
