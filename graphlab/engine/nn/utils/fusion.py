"""A batch norm in evaluation, taken into the layer before it; modules made without drawing their weights."""

from __future__ import annotations

import copy
from typing import Any

from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.ops.run import FUNCTIONS


def fuse_conv_bn_weights(
    conv_w: Any, conv_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any, transpose: bool = False
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution that does what it and the batch norm after it did."""
    bias = FUNCTIONS["zeros_like"](bn_rm) if conv_b is None else conv_b
    scale = FUNCTIONS["ones_like"](bn_rm) if bn_w is None else bn_w
    shift = FUNCTIONS["zeros_like"](bn_rm) if bn_b is None else bn_b
    factor = (bn_rv + bn_eps).rsqrt()
    shape = [1, -1] if transpose else [-1, 1]
    weight = conv_w * (scale * factor).reshape(shape + [1] * (conv_w.dim() - 2))
    return (
        Parameter(weight.detach(), conv_w.requires_grad),
        Parameter(((bias - bn_rm) * factor * scale + shift).detach(), bias.requires_grad),
    )


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A copy of the convolution with the batch norm taken into it; both must be in evaluation."""
    return _fused(conv, bn, transpose, "Fusion only for eval!")


def _fused(layer: Module, bn: Any, transpose: bool, words: str) -> Module:
    if layer.training or bn.training:
        raise AssertionError(words)
    made: Any = copy.deepcopy(layer)
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    made.weight, made.bias = fuse_conv_bn_weights(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return made  # type: ignore[no-any-return]


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """The same for a linear layer."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """A copy of the linear layer with the batch norm taken into it."""
    return _fused(linear, bn, False, "Fusion only for eval!")


def skip_init(module_cls: type, *args: Any, **kwargs: Any) -> Any:
    """A module whose weights are still to be set (here they are drawn all the same)."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    return module_cls(*args, **kwargs)
