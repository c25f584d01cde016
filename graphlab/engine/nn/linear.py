"""Layers that multiply by a weight, and those that only change the shape."""

from __future__ import annotations

import math
import warnings
from typing import Any

from graphlab.engine import dtypes
from graphlab.engine.device import Virtual, resolve
from graphlab.engine.device import device as Device
from graphlab.engine.errors import fail, type_name
from graphlab.engine.generator import default_generator
from graphlab.engine.nn import functional as F
from graphlab.engine.nn import init
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.ops.run import FUNCTIONS, bump
from graphlab.engine.random import empty_array
from graphlab.engine.tensor import Tensor, adopt


def new_parameter(shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter of this shape whose numbers are still to be set."""
    if device is not None and (isinstance(device, bool) or not isinstance(device, (str, int, Device))):
        raise TypeError(f"empty(): argument 'device' must be torch.device, not {type_name(device)}")
    where = resolve(device)
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    for n in shape:
        if type(n) is not int or n < 0 or type(kind) is not dtypes.dtype:
            # What can't be a size is refused as `empty` refuses it.
            made = FUNCTIONS["empty"](shape, dtype=dtype)
            shape, kind = tuple(made.shape), made.dtype
    if kind.rank < 2:
        fail(
            RuntimeError,
            "Only Tensors of floating point and complex dtype can require gradients",
            kind="integer_grad",
            dtype=kind.name,
        )
    return adopt(Parameter, empty_array(shape, kind, where), where, True)  # type: ignore[no-any-return]


def draw_uniform(parameter: Parameter, bound: float) -> None:
    """Initial values from [-bound, bound), without telling an observer: the program did not ask for them."""
    if type(parameter._array) is not Virtual:
        default_generator.fill_uniform(parameter._array, -bound, bound)
    bump(parameter)


def fill(parameter: Tensor, value: float) -> None:
    """Initial values that are all one number."""
    if type(parameter._array) is not Virtual:
        parameter._array.fill(value)
    bump(parameter)


class Identity(Module):
    """Returns its input; takes any arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Any:
        return input


class Linear(Module):
    """y = x W^T + b. `weight`: (out_features, in_features), `bias`: (out_features)."""

    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = new_parameter((out_features, in_features), device, dtype)
        if bias:
            self.bias = new_parameter((out_features,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform within 1 / sqrt(in_features), the weight first."""
        if 0 in self.weight.shape:
            warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        else:
            draw_uniform(self.weight, init.kaiming_bound(self.weight, a=math.sqrt(5)))
        if self.bias is not None:
            draw_uniform(self.bias, 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0)

    def forward(self, input: Tensor) -> Any:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y = x1 A x2 + b, one matrix A for each output."""

    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = new_parameter((out_features, in1_features, in2_features), device, dtype)
        if bias:
            self.bias = new_parameter((out_features,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform within 1 / sqrt(in1_features)."""
        bound = 1 / math.sqrt(self.in1_features)
        draw_uniform(self.weight, bound)
        if self.bias is not None:
            draw_uniform(self.bias, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Any:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Flatten(Module):
    """Joins dims `start_dim` to `end_dim` into one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Any:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits one dim into several."""

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(unflattened_size, tuple | list):
            kind = type(unflattened_size).__name__
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {kind}")
        for i, n in enumerate(unflattened_size):
            if not isinstance(n, int):
                kind = type(n).__name__
                raise TypeError(f"unflattened_size must be tuple of ints, but found element of type {kind} at pos {i}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Any:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
