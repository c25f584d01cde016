"""Convolution layers and transposed ones, in one to three dims."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

from graphlab.engine.nn import functional as F
from graphlab.engine.nn import init
from graphlab.engine.nn.linear import draw_uniform, new_parameter
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.tensor import Tensor

_MODES = ("zeros", "reflect", "replicate", "circular")


def per_dim(value: Any, n: int) -> tuple[int, ...]:
    """One number for each dim."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


class _ConvNd(Module):
    """What all convolution layers share."""

    _n: int
    padding: Any
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        n = self._n
        stride = per_dim(stride, n)
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _MODES:
            names = "{" + ", ".join(repr(m) for m in _MODES) + "}"
            raise ValueError(f"padding_mode must be one of {names}, but got padding_mode={padding_mode!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_dim(kernel_size, n)
        self.stride = stride
        self.padding = padding if isinstance(padding, str) else per_dim(padding, n)
        self.dilation = per_dim(dilation, n)
        self.transposed = transposed
        self.output_padding = per_dim(output_padding, n)
        self.groups = groups
        self.padding_mode = padding_mode
        around: list[int] = []
        for size, d, i in zip(reversed(self.kernel_size), reversed(self.dilation), reversed(range(n))):
            if isinstance(self.padding, str):
                total = d * (size - 1) if padding == "same" else 0
                around += [total // 2, total - total // 2]
            else:
                around += [self.padding[i]] * 2
        self._reversed_padding_repeated_twice = around
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        self.weight = new_parameter((first, second // groups, *self.kernel_size), device, dtype)
        if bias:
            self.bias = new_parameter((out_channels,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform within 1 / sqrt(entries under the kernel), the weight first."""
        if 0 in self.weight.shape:
            warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        else:
            draw_uniform(self.weight, init.kaiming_bound(self.weight, a=math.sqrt(5)))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in:
            draw_uniform(self.bias, 1 / math.sqrt(fan_in))

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self._n:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self._n:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self._n:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Any:
        conv = getattr(F, f"conv{self._n}d")
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        return conv(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Slides filters along one dim: (N, C, L) becomes (N, out_channels, places)."""

    _n = 1


class Conv2d(_Conv):
    """Slides filters over images: (N, C, H, W) becomes (N, out_channels, places high, places wide)."""

    _n = 2


class Conv3d(_Conv):
    """Slides filters through volumes: (N, C, D, H, W)."""

    _n = 3


class _ConvTranspose(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _missing(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that makes the output of the size that was asked for."""
        if output_size is None:
            return self.output_padding
        n = self._n
        is_batch = input.dim() == n + 2
        extra = 2 if is_batch else 1
        size = tuple(output_size)
        if len(size) == n + extra:
            size = size[extra:]
        if len(size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {n + extra} elements "
                f"(got {len(size)})"
            )
        spatial = tuple(input.shape[extra:])
        low = [
            (m - 1) * s - 2 * p + d * (k - 1) + 1
            for m, s, p, d, k in zip(spatial, self.stride, self.padding, self.dilation, self.kernel_size)
        ]
        high = [a + s - 1 for a, s in zip(low, self.stride)]
        if any(not a <= wanted <= b for a, wanted, b in zip(low, size, high)):
            raise ValueError(
                f"requested an output size of {tuple(output_size)}, but valid sizes range from {low} to {high} "
                f"(for an input of {input.shape[2:]})"
            )
        return tuple(wanted - a for wanted, a in zip(size, low))

    def forward(self, input: Tensor, output_size: Any = None) -> Any:
        conv = getattr(F, f"conv_transpose{self._n}d")
        more = self._missing(input, output_size)
        return conv(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)


class ConvTranspose1d(_ConvTranspose):
    """Each entry paints its kernel, `stride` apart: (N, C, L) becomes longer."""

    _n = 1


class ConvTranspose2d(_ConvTranspose):
    """Each entry paints its kernel, `stride` apart: (N, C, H, W) becomes larger."""

    _n = 2


class ConvTranspose3d(_ConvTranspose):
    """Each entry paints its kernel, `stride` apart: (N, C, D, H, W) becomes larger."""

    _n = 3
