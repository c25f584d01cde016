"""Normalization: `LayerNorm`, `BatchNorm1d`."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import resolve
from graphlab.engine.nn import functional as F
from graphlab.engine.nn.linear import fill, new_parameter
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.tensor import Tensor, wrap


class LayerNorm(Module):
    """Subtracts the mean and divides by the standard deviation over the last dims, then scales and shifts."""

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        has_bias = elementwise_affine and bias
        weight = new_parameter(self.normalized_shape, device, dtype) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.register_parameter("bias", new_parameter(self.normalized_shape, device, dtype) if has_bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1 and shift by 0."""
        if self.weight is not None:
            fill(self.weight, 1)
        if self.bias is not None:
            fill(self.bias, 0)

    def forward(self, input: Tensor) -> Any:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class BatchNorm1d(Module):
    """Normalizes each feature over the batch; in evaluation by running statistics."""

    _version = 2
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        shape = (num_features,)
        self.register_parameter("weight", new_parameter(shape, device, dtype) if affine else None)
        self.register_parameter("bias", new_parameter(shape, device, dtype) if affine and bias else None)
        tracked = track_running_stats
        where = resolve(device)
        kind = (dtypes.get_default_dtype() if dtype is None else dtype).np
        self.register_buffer("running_mean", wrap(np.zeros(shape, kind), where) if tracked else None)
        self.register_buffer("running_var", wrap(np.ones(shape, kind), where) if tracked else None)
        self.register_buffer("num_batches_tracked", wrap(np.zeros((), np.int64), where) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget what was seen so far."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            fill(self.running_mean, 0)
            fill(self.running_var, 1)
            fill(self.num_batches_tracked, 0)

    def reset_parameters(self) -> None:
        """Scale by 1, shift by 0, and forget what was seen so far."""
        self.reset_running_stats()
        if self.weight is not None:
            fill(self.weight, 1)
        if self.bias is not None:
            fill(self.bias, 0)

    def forward(self, input: Tensor) -> Any:
        if input.dim() not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.dim()}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked._array[...] += 1
            if self.momentum is None:
                momentum = 1.0 / float(self.num_batches_tracked._array)
        uses_batch = self.training or self.running_mean is None
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, uses_batch, momentum, self.eps
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )
