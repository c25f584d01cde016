"""Normalization layers beside `LayerNorm` and `BatchNorm1d`."""

from __future__ import annotations

from typing import Any

from graphlab.engine.nn import functional as F
from graphlab.engine.nn.linear import fill, new_parameter
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.norm import BatchNorm1d
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.tensor import Tensor


class _BatchNorm(BatchNorm1d):
    _n: int

    def forward(self, input: Tensor) -> Any:
        if input.dim() != self._n + 2:
            raise ValueError(f"expected {self._n + 2}D input (got {input.dim()}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked._array[...] += 1
            if self.momentum is None:
                momentum = 1.0 / float(self.num_batches_tracked._array)
        uses_batch = self.training or self.running_mean is None
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, uses_batch, momentum, self.eps
        )


class BatchNorm2d(_BatchNorm):
    """Normalizes each channel of (N, C, H, W) over the batch and all places."""

    _n = 2


class BatchNorm3d(_BatchNorm):
    """Normalizes each channel of (N, C, D, H, W) over the batch and all places."""

    _n = 3


class GroupNorm(Module):
    """Normalizes each sample over groups of channels."""

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        shape = (num_channels,)
        self.register_parameter("weight", new_parameter(shape, device, dtype) if affine else None)
        self.register_parameter("bias", new_parameter(shape, device, dtype) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1 and shift by 0."""
        if self.weight is not None:
            fill(self.weight, 1)
        if self.bias is not None:
            fill(self.bias, 0)

    def forward(self, input: Tensor) -> Any:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divides by the root mean square over the last dims, then scales."""

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = new_parameter(self.normalized_shape, device, dtype) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale by 1."""
        if self.weight is not None:
            fill(self.weight, 1)

    def forward(self, x: Tensor) -> Any:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class _InstanceNorm(BatchNorm1d):
    _n: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Any:
        n = self._n
        if input.dim() not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)")
        is_batch = input.dim() == n + 2
        channels = input.shape[input.dim() - n - 1]
        if self.affine and channels != self.num_features:
            raise ValueError(
                f"expected input's size at dim={input.dim() - n - 1} to match num_features ({self.num_features}), "
                f"but got: {channels}."
            )
        momentum = 0.0 if self.momentum is None else self.momentum
        x = input if is_batch else input.unsqueeze(0)
        uses_input = self.training or not self.track_running_stats
        out = F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, uses_input, momentum, self.eps
        )
        return out if is_batch else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Normalizes each channel of each sample of (N, C, L)."""

    _n = 1


class InstanceNorm2d(_InstanceNorm):
    """Normalizes each channel of each picture of (N, C, H, W)."""

    _n = 2


class InstanceNorm3d(_InstanceNorm):
    """Normalizes each channel of each volume of (N, C, D, H, W)."""

    _n = 3


class LocalResponseNorm(Module):
    """Divides by a power of the mean square of the neighbouring channels."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Any:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
