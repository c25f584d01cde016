"""What a number type can hold (`torch.finfo`, `torch.iinfo`), and the type of a result (`torch.result_type`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.ops.run import FUNCTIONS, bad_combination
from graphlab.engine.tensor import Tensor


class _Info:
    """What both have in common."""

    def __init__(self, kind: dtypes.dtype) -> None:
        self.bits = 8 * kind.itemsize
        self.dtype = kind.name
        self.max: Any
        self.min: Any

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.dtype == getattr(other, "dtype", None)

    def __hash__(self) -> int:
        return hash(self.dtype)

    def _text(self, *names: str) -> str:
        numbers = ", ".join(f"{name}={getattr(self, name):.6g}" for name in names)
        return f"{type(self).__name__}({numbers}, dtype={self.dtype})"


class finfo(_Info):
    """The limits of a floating-point type: eps, max, min, tiny, smallest_normal, resolution, bits."""

    def __init__(self, type: Any = None) -> None:
        kind = dtypes.get_default_dtype() if type is None else type
        if not isinstance(kind, dtypes.dtype):
            raise TypeError(f"finfo(): argument 'type' (position 1) must be torch.dtype, not {_named(kind)}")
        if kind.rank < 2:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        kind = kind.to_real()
        super().__init__(kind)
        if kind is dtypes.bfloat16:
            import ml_dtypes

            limits: Any = ml_dtypes.finfo
            found: Any = limits(kind.np)
        else:
            found = np.finfo(kind.np)
        self.eps = float(found.eps)
        self.max, self.min = float(found.max), float(found.min)
        self.tiny = self.smallest_normal = float(found.smallest_normal)
        self.resolution = {2: 0.001, 4: 1e-6, 8: 1e-15}[kind.itemsize] if kind is not dtypes.bfloat16 else 0.01

    def __repr__(self) -> str:
        return self._text("resolution", "min", "max", "eps", "smallest_normal", "tiny")


class iinfo(_Info):
    """The limits of an integer type: max, min, bits."""

    def __init__(self, type: Any) -> None:
        kind = type
        if not isinstance(kind, dtypes.dtype):
            raise TypeError(f"iinfo(): argument 'type' (position 1) must be torch.dtype, not {_named(kind)}")
        if kind.rank >= 2:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if not kind.rank:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        super().__init__(kind)
        self.max, self.min = int(np.iinfo(kind.np).max), int(np.iinfo(kind.np).min)

    def __repr__(self) -> str:
        return self._text("min", "max")


def _named(value: Any) -> str:
    return type(value).__name__


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The type that an operation on two tensors or numbers gives."""
    for each in (tensor1, tensor2):
        if not isinstance(each, (Tensor, bool, int, float, complex)):
            raise bad_combination("result_type", tensor1, tensor2)
    return dtypes.result(*(t._array if isinstance(t, Tensor) else t for t in (tensor1, tensor2)))


FUNCTIONS["result_type"] = result_type
