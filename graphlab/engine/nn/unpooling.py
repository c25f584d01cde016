"""Layers that go back from max pooling, and that pool in windows at random places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphlab.engine.nn import functional as F
from graphlab.engine.nn.module import Module
from graphlab.engine.tensor import Tensor


class _MaxUnpool(Module):
    _n: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = self._each(kernel_size)
        self.stride = self._each(stride if stride is not None else kernel_size)
        self.padding = self._each(padding)

    def _each(self, value: Any) -> tuple[Any, ...]:
        return tuple(value) if isinstance(value, Iterable) else (value,) * self._n

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        return getattr(F, f"max_unpool{self._n}d")(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The largest entries back at their places along one dim."""

    _n = 1


class MaxUnpool2d(_MaxUnpool):
    """The largest entries back at their places in an image."""

    _n = 2


class MaxUnpool3d(_MaxUnpool):
    """The largest entries back at their places in a volume."""

    _n = 3


class _FractionalMaxPool(Module):
    _n: int
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = self._each(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = self._each(output_size) if output_size is not None else None
        self.output_ratio = self._each(output_ratio) if output_ratio is not None else None
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"FractionalMaxPool{self._n}d requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _each(self, value: Any) -> tuple[Any, ...]:
        return tuple(value) if isinstance(value, (tuple, list)) else (value,) * self._n

    def forward(self, input: Tensor) -> Any:
        return getattr(F, f"fractional_max_pool{self._n}d")(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest entries of windows at random places of an image."""

    _n = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest entries of windows at random places of a volume."""

    _n = 3
