"""The normal distribution of vectors whose covariance is a thin matrix times itself, and a diagonal."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.continuous import standard_normal
from graphlab.engine.distributions.distribution import Distribution, lazy_property
from graphlab.engine.distributions.multivariate import mahalanobis


def _times(matrix: Any, vector: Any) -> Any:
    return engine.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def _with_eye(a: Any) -> Any:
    return a + engine.eye(a.shape[-1], dtype=a.dtype, device=a.device)


class LowRankMultivariateNormal(Distribution):
    """Normal vectors with the covariance cov_factor · cov_factorᵀ + diag(cov_diag)."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    _parameters: ClassVar[dict[str, int]] = {"loc": 1, "cov_factor": 2, "cov_diag": 1}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            wide, self.cov_factor, diag = engine.broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = wide[..., 0], diag[..., 0]
        self._factor, self._diag = cov_factor, cov_diag  # before they were broadcast
        # The Cholesky factor of I + Wᵀ D⁻¹ W, small where the covariance is large (Woodbury's identity).
        self._small = engine.linalg.cholesky(_with_eye(engine.matmul(self._scaled(), cov_factor)))
        super().__init__(self.loc.shape[:-1], event, validate_args=validate_args)

    def _scaled(self) -> Any:
        """Wᵀ D⁻¹"""
        return self._factor.mT / self._diag.unsqueeze(-2)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._factor, new._diag, new._small = self._factor, self._diag, self._small
        return new

    def _wide(self, value: Any, n_dims: int) -> Any:
        return value.expand(tuple(self._batch_shape) + tuple(self._event_shape) * n_dims)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The covariance's diagonal."""
        return self._wide(self._factor.pow(2).sum(-1) + self._diag, 1)

    @lazy_property
    def scale_tril(self) -> Any:
        """The Cholesky factor of the covariance."""
        root = self._diag.sqrt().unsqueeze(-1)
        scaled = self._factor / root
        return self._wide(root * engine.linalg.cholesky(_with_eye(engine.matmul(scaled, scaled.mT))), 2)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The covariance."""
        return self._wide(engine.matmul(self._factor, self._factor.mT) + engine.diag_embed(self._diag), 2)

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        a = engine.linalg.solve_triangular(self._small, self._scaled(), upper=False)
        return self._wide(engine.diag_embed(self._diag.reciprocal()) - a.mT @ a, 2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        inner = standard_normal((*tuple(shape)[:-1], self.cov_factor.shape[-1]), self.loc)
        return self.loc + _times(self._factor, inner) + self._diag.sqrt() * standard_normal(shape, self.loc)

    def _log_det(self) -> Any:
        return 2 * self._small.diagonal(dim1=-2, dim2=-1).log().sum(-1) + self._diag.log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        away = value - self.loc
        distance = (away.pow(2) / self._diag).sum(-1) - mahalanobis(self._small, _times(self._scaled(), away))
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def entropy(self) -> Any:
        found = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return found.expand(tuple(self._batch_shape)) if self._batch_shape else found
