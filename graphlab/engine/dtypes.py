"""The element types by their PyTorch names, and PyTorch's rules for mixing them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class dtype:
    """An element type. One object each: compare with `is` or `==`."""

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "np", "rank", "title")

    def __init__(self, name: str, numpy: Any, title: str, rank: int) -> None:
        self.name = name
        self.np: np.dtype[Any] = np.dtype(numpy)
        self.title = title  # PyTorch's word for it in error messages: "Float"
        self.rank = rank  # 0 bool, 1 integer, 2 floating point: kinds that promote to the higher one
        self.is_floating_point = rank == 2
        self.is_complex = False
        self.is_signed = name not in ("bool", "uint8")
        self.itemsize = self.np.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    def to_real(self) -> dtype:
        """The type itself: there are no complex ones."""
        return self


float16 = half = dtype("float16", np.float16, "Half", 2)
float32 = float_ = dtype("float32", np.float32, "Float", 2)
float64 = double = dtype("float64", np.float64, "Double", 2)
int8 = dtype("int8", np.int8, "Char", 1)
int16 = short = dtype("int16", np.int16, "Short", 1)
int32 = int_ = dtype("int32", np.int32, "Int", 1)
int64 = long = dtype("int64", np.int64, "Long", 1)
uint8 = dtype("uint8", np.uint8, "Byte", 1)
bool_ = dtype("bool", np.bool_, "Bool", 0)

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool_)
BY_NUM: dict[int, dtype] = {each.np.num: each for each in ALL}
"""By NumPy's type number, which is quicker to look up than the dtype object."""
# Some platforms have two C types of the same width; both mean the same here.
BY_NUM.setdefault(np.dtype(np.longlong).num, int64)
BY_NUM.setdefault(np.dtype(np.intc).num, int32)

F32 = float32.np
F64 = float64.np
I64 = int64.np
BOOL = bool_.np

_default = float32


def get_default_dtype() -> dtype:
    """The type of new floating-point tensors."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the type of new floating-point tensors."""
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def of(array: Array) -> dtype:
    """The PyTorch name of an array's type."""
    return BY_NUM[array.dtype.num]


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type that both promote to, by PyTorch's table (int64 with float32 is float32)."""
    if a is b or (b.rank < a.rank and a.rank != 1):
        return a
    if a.rank < b.rank:
        return b
    if a.rank > b.rank:
        return a
    return BY_NUM[np.promote_types(a.np, b.np).num]


def of_number(value: Any) -> dtype:
    """The type that a Python number stands for when it meets a tensor."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    return _default


def combine(dims: dtype | None, zeros: dtype | None, numbers: dtype | None) -> dtype:
    """PyTorch's rule: dimensioned tensors decide; 0-dim ones and Python numbers only where their kind is higher."""
    return _above(dims, _above(zeros, numbers)) or _default


def _above(higher: dtype | None, lower: dtype | None) -> dtype | None:
    if higher is None or lower is None:
        return higher or lower
    if higher.rank == 2:
        return higher
    if higher.rank == 0 or lower.rank == 2:
        return promote_types(higher, lower)
    return higher


def result(*operands: Any) -> dtype:
    """The type of an operation on arrays (with or without dimensions) and Python numbers."""
    dims: dtype | None = None
    zeros: dtype | None = None
    numbers: dtype | None = None
    for each in operands:
        if isinstance(each, np.ndarray):
            own = BY_NUM[each.dtype.num]
            if each.ndim:
                dims = own if dims is None else promote_types(dims, own)
            else:
                zeros = own if zeros is None else promote_types(zeros, own)
        else:
            own = of_number(each)
            numbers = own if numbers is None else promote_types(numbers, own)
    return combine(dims, zeros, numbers)


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether PyTorch converts silently for an in-place result: never to a lower kind."""
    return from_.rank <= to.rank and not (to is bool_ and from_ is not bool_)
