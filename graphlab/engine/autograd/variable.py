"""`torch.autograd.Variable`: what wrapped tensors before PyTorch 0.4, and still stands in many lessons."""

from __future__ import annotations

from typing import Any

from graphlab.engine.tensor import Tensor


class _VariableMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(t)` is a leaf tensor with the memory of `t`; the second argument asks for its gradient."""

    __module__ = "torch.autograd.variable"

    def __new__(cls, data: Any = None, requires_grad: Any = None, volatile: Any = None) -> Any:
        if data is None:
            data = Tensor()
        elif not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        made = data.detach()
        if requires_grad and made.dtype.rank < 2:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return made.requires_grad_() if requires_grad else made
