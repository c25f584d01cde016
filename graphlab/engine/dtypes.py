"""The element types by their PyTorch names, and PyTorch's rules for mixing them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


_C_NAMES = {
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
    "int64": "long int",
    "int32": "int",
    "int16": "short int",
    "int8": "signed char",
    "uint8": "unsigned char",
}


class dtype:
    """An element type. One object each: compare with `is` or `==`."""

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "np", "rank", "title")

    np: np.dtype[Any]  # NumPy's type, looked up when it is first asked for

    def __init__(self, name: str, title: str, rank: int, itemsize: int) -> None:
        self.name = name
        self.title = title  # PyTorch's word for it in error messages: "Float"
        self.rank = rank  # 0 bool, 1 integer, 2 floating point, 3 complex: kinds that promote to the higher one
        self.is_floating_point = rank == 2
        self.is_complex = rank == 3
        self.is_signed = name != "bool" and not name.startswith("u")
        self.itemsize = itemsize

    def __getattr__(self, name: str) -> Any:
        # Only `np` of a type that was not used yet gets here.
        if name != "np":
            raise AttributeError(f"'torch.dtype' object has no attribute '{name}'")
        return _enter(self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    def c_name(self) -> str:
        """C++'s name for it, as some error messages have it: "long int"."""
        return _C_NAMES.get(self.name, self.name)

    def to_real(self) -> dtype:
        """The type of the real part: complex64 gives float32; others are real already."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts are of this type; there is none for the parts of float16."""
        return complex128 if self in (float64, complex128) else complex64


float16 = half = dtype("float16", "Half", 2, 2)
bfloat16 = dtype("bfloat16", "BFloat16", 2, 2)
float32 = float_ = dtype("float32", "Float", 2, 4)
float64 = double = dtype("float64", "Double", 2, 8)
complex64 = cfloat = dtype("complex64", "ComplexFloat", 3, 8)
complex128 = cdouble = dtype("complex128", "ComplexDouble", 3, 16)
int8 = dtype("int8", "Char", 1, 1)
int16 = short = dtype("int16", "Short", 1, 2)
int32 = int_ = dtype("int32", "Int", 1, 4)
int64 = long = dtype("int64", "Long", 1, 8)
uint8 = dtype("uint8", "Byte", 1, 1)
uint16 = dtype("uint16", "UInt16", 1, 2)
uint32 = dtype("uint32", "UInt32", 1, 4)
uint64 = dtype("uint64", "UInt64", 1, 8)
bool_ = dtype("bool", "Bool", 0, 1)

LOW = (float16, bfloat16)
"""Computed in float32 and rounded once: see `ops/kinds.py`."""
ALL = (float32, float64, int8, int16, int32, int64, uint8, bool_, uint16, uint32, uint64, *LOW, complex64, complex128)
COMMON = ALL[:8]
"""What needs no care in `ops/run.py`."""
special = False
"""Whether a type was used that operators treat apart (float16, bfloat16, complex): until then nobody looks for one."""


class _ByNum(dict[int, dtype]):
    """Types that were not used yet are entered when they are first met."""

    def __missing__(self, num: int) -> dtype:
        for each in ALL:
            # An array of bfloat16 is there only where its package is.
            if (each is not bfloat16 or "ml_dtypes" in sys.modules) and np.dtype(_name(each)).num == num:
                _enter(each)
                return each
        raise KeyError(num)

    def __contains__(self, num: object) -> bool:
        try:
            self[num]  # type: ignore[index]
        except KeyError:
            return False
        return True


BY_NUM: dict[int, dtype] = _ByNum()
"""By NumPy's type number, which is quicker to look up than the dtype object."""


def _name(kind: dtype) -> Any:
    if kind is not bfloat16:
        return kind.name
    # Imported when a program first uses the type.
    import ml_dtypes

    return ml_dtypes.bfloat16


def _enter(kind: dtype) -> np.dtype[Any]:
    """NumPy's type for `kind`, which becomes one that is in use."""
    global special
    found: np.dtype[Any] = np.dtype(_name(kind))
    kind.np = found
    BY_NUM[found.num] = kind
    if kind.rank == 3 or kind in LOW:
        special = True
    return found


for _kind in COMMON:
    _enter(_kind)
# Some platforms have two C types of the same width; both mean the same here.
BY_NUM.setdefault(np.dtype(np.longlong).num, int64)
BY_NUM.setdefault(np.dtype(np.intc).num, int32)

F32 = float32.np
F64 = float64.np
I64 = int64.np
BOOL = bool_.np
FLOATING = "fV"
"""NumPy's letters for the kinds of floating-point types; V is bfloat16's."""
INEXACT = "fVc"
"""The same, and complex ones: what can require grad."""

_default = float32


def get_default_dtype() -> dtype:
    """The type of new floating-point tensors."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Set the type of new floating-point tensors."""
    global _default
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def largest(kind: np.dtype[Any]) -> float:
    """The largest number of a floating-point type."""
    if kind.kind == "V":
        import ml_dtypes

        limits: Any = ml_dtypes.finfo
        return float(limits(kind).max)
    return float(np.finfo(kind).max)


def of(array: Array) -> dtype:
    """The PyTorch name of an array's type."""
    return BY_NUM[array.dtype.num]


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest type that both promote to, by PyTorch's table (int64 with float32 is float32)."""
    if a is b:
        return a
    low, high = (a, b) if a.rank <= b.rank else (b, a)
    if (a in _WIDE_UNSIGNED or b in _WIDE_UNSIGNED) and high.rank != 2:
        raise RuntimeError(
            f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {a.title} and {b.title}"
        )
    if low.rank < high.rank:
        return complex128 if high.rank == 3 and low is float64 else high
    if high.rank == 2 and low.itemsize == high.itemsize == 2:
        return float32  # float16 with bfloat16
    if high.rank == 2 or high.rank == 3:
        return low if low.itemsize > high.itemsize else high
    return BY_NUM[np.promote_types(a.np, b.np).num]


_WIDE_UNSIGNED = (uint16, uint32, uint64)


def of_number(value: Any) -> dtype:
    """The type that a Python number stands for when it meets a tensor."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (complex, np.complexfloating)):
        return _default.to_complex()
    return _default


def combine(dims: dtype | None, zeros: dtype | None, numbers: dtype | None) -> dtype:
    """PyTorch's rule: dimensioned tensors decide; 0-dim ones and Python numbers only where their kind is higher."""
    return _above(dims, _above(zeros, numbers)) or _default


def _above(higher: dtype | None, lower: dtype | None) -> dtype | None:
    if higher is None or lower is None:
        return higher or lower
    if higher.rank >= 2:
        return higher.to_complex() if higher.rank == 2 and lower.rank == 3 else higher
    if higher.rank == 0 or lower.rank >= 2:
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
