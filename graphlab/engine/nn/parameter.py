"""`nn.Parameter` and `nn.Buffer`: tensors that a module adopts when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import CPU
from graphlab.engine.errors import fail
from graphlab.engine.tensor import Tensor, adopt, wrap


class Parameter(Tensor):
    """A leaf that a module lists in `parameters()`; shares the memory of the tensor that it is made from."""

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = wrap(np.zeros(0, dtypes.get_default_dtype().np))
        if not isinstance(data, Tensor):
            raise AttributeError(f"'{type(data).__name__}' object has no attribute 'detach'")
        if requires_grad and data.dtype.rank < 2:
            fail(
                RuntimeError,
                "Only Tensors of floating point and complex dtype can require gradients",
                kind="integer_grad",
                dtype=data.dtype.name,
            )
        return adopt(cls, data._array, data._device, requires_grad)  # type: ignore[no-any-return]

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override, unused-ignore]
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned."""

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Buffer:
        if data is None:
            data = wrap(np.zeros(0, dtypes.get_default_dtype().np), CPU)
        made: Buffer = adopt(cls, data._array, data._device, data._rg)
        made.persistent = persistent
        return made
