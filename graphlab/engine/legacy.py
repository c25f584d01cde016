"""The old constructors `torch.FloatTensor(2, 3)`, `torch.LongTensor([1, 2])` and so on, also for isinstance."""

from __future__ import annotations

from typing import Any

from graphlab.engine import dtypes
from graphlab.engine.tensor import Tensor, adopt, legacy


class _Typed(type):
    """The type of those types: an instance is a tensor of the right element type."""

    kind: dtypes.dtype

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype is cls.kind

    def __call__(cls, *args: Any) -> Tensor:
        return adopt(Tensor, legacy(args, cls.kind), None)  # type: ignore[no-any-return]

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


NAMES = {
    "HalfTensor": dtypes.float16,
    "BFloat16Tensor": dtypes.bfloat16,
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "CharTensor": dtypes.int8,
    "ShortTensor": dtypes.int16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "ByteTensor": dtypes.uint8,
    "BoolTensor": dtypes.bool_,
}
globals().update({name: _Typed(name, (), {"kind": kind}) for name, kind in NAMES.items()})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch' has no attribute '{name}'")
