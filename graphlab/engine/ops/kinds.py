"""Operators on types that need care: float16 and bfloat16 are computed in float32 and rounded once, as PyTorch does;
derivatives of complex operators follow PyTorch's convention (the gradient is the conjugate of Wirtinger's).

An operator knows of neither: `variant` makes a second `Op` of it, with another forward and another node type, which
`run` takes where such an array is among the operands. Until a program uses one of these types nobody looks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import Node
from graphlab.engine.errors import fail
from graphlab.engine.ops.op import Op
from graphlab.engine.tensor import Tensor

NUMERIC = Node.xp
_variants: dict[tuple[str, str, str], Op] = {}

COMPLEX_FORWARD: dict[str, Callable[..., Any]] = {}
"""What an operator computes on complex arrays, where that is not what it does on real ones."""
COMPLEX_DTYPE: dict[str, Callable[..., Any]] = {}
"""The types of an operator's outputs for complex arrays, where that is not what `Op.dtype` says: `abs`, …"""
COMPLEX_VJP: dict[str, Callable[..., Any]] = {}
"""Derivatives, in PyTorch's convention, of what has no complex derivative: `abs`, `conj`, `real`, …"""
ADJOINT: set[str] = set()
"""Derivatives written with transposed matrices that are right where the adjoint stands for them: `svd`, `qr`, …"""
PLAIN: set[str] = set()
"""Real functions of complex numbers whose vjp is right as it is: `norm`, `var`, …"""
REFUSED_LOW: dict[str, str] = {}
"""The kernels that do not take float16 or bfloat16, by operator."""
REFUSED: dict[str, tuple[type[Exception], str]] = {}
"""What an operator says to complex numbers; `{title}` stands for ComplexFloat or ComplexDouble."""


def variant(op: Op, arrays: Any) -> Op:
    """The operator for these operands: itself, or what stands for it where one is float16, bfloat16 or complex."""
    found = ""
    for a in arrays:
        if isinstance(a, np.ndarray):
            kind = a.dtype.kind
            if kind == "c":
                if op.name in REFUSED:
                    refuse(op.name, a.dtype)
                found = "complex"
                break
            if a.itemsize == 2 and kind in "fV":
                if op.name in REFUSED_LOW:
                    refuse_low(op.name, a.dtype)
                found = "low"
    if not found:
        return op
    made = _variants.get((op.name, op.node, found))
    if made is None:
        made = _variants[op.name, op.node, found] = _make(op, found)
    return made


def refuse(name: str, dtype: Any) -> None:
    """Fail as PyTorch does where an operator does not take complex numbers."""
    kind = dtypes.BY_NUM[dtype.num]
    error, words = REFUSED[name]
    fail(error, words.format(title=kind.title), kind="dtype_unsupported", op=name, dtype=kind.name)


def refuse_low(name: str, dtype: Any) -> None:
    """Fail as PyTorch does where a kernel does not take float16 or bfloat16."""
    kind = dtypes.BY_NUM[dtype.num]
    text = f"\"{REFUSED_LOW[name]}\" not implemented for '{kind.title}'"
    fail(NotImplementedError, text, kind="dtype_unsupported", op=name, dtype=kind.name)


def _make(op: Op, found: str) -> Op:
    made = copy.copy(op)
    inner = op.node_type.vjp
    if found == "low":
        if not op.view:
            made.forward = _rounding(op.forward)
        vjp = _widening(inner)
    else:
        made.forward = COMPLEX_FORWARD.get(op.name, op.forward)
        made.dtype = COMPLEX_DTYPE.get(op.name, op.dtype)
        as_written = op.name in PLAIN
        vjp = COMPLEX_VJP.get(op.name) or (
            inner if as_written else (_adjoining if op.name in ADJOINT else _conjugating)(inner)
        )
    made.node_type = type(op.node, (op.node_type,), {"__slots__": (), "vjp": staticmethod(vjp), "op": made})
    return made


# float16, bfloat16


def is_low(dtype: Any) -> bool:
    """Whether a NumPy type is float16 or bfloat16."""
    return bool(dtype.itemsize == 2 and dtype.kind in dtypes.FLOATING)


def widened(value: Any) -> Any:
    """An array (or tensor) of float16 or bfloat16 as float32; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float32) if is_low(value.dtype) else value
    if isinstance(value, Tensor):
        return value.to(dtypes.float32) if is_low(value._array.dtype) else value
    if isinstance(value, (list, tuple)):
        return [widened(each) for each in value]
    return value


def _rounding(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The computation in float32; its results are rounded to the type of the first floating-point operand."""

    def low(*operands: Any) -> Any:
        first = next(a.dtype for a in operands if isinstance(a, np.ndarray) and a.dtype.kind in dtypes.FLOATING)
        out = forward(*[widened(a) if isinstance(a, np.ndarray) else a for a in operands])
        if not is_low(first):
            return out
        if isinstance(out, (tuple, list)):
            return tuple(_rounded(each, first) for each in out)
        return _rounded(out, first)

    return low


def _rounded(out: Any, dtype: Any) -> Any:
    if out is not None and getattr(out, "dtype", None) == np.float32:
        return np.asarray(out).astype(dtype)
    return out


def _widening(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative in float32; the node's `casts` round it."""

    def low(node: Any, g: Any, *saved: Any) -> Any:
        return vjp(node, widened(g), *[widened(s) for s in saved])

    return low


# Complex numbers


def conjugate(value: Any) -> Any:
    """The conjugate of an array or tensor, or of each in a list."""
    if isinstance(value, (list, tuple)):
        return [conjugate(each) for each in value]
    if isinstance(value, np.ndarray):
        return np.conj(value) if value.dtype.kind == "c" else value
    if isinstance(value, np.generic):
        return np.conj(value)
    if isinstance(value, Tensor):
        return value.conj() if value._array.dtype.kind == "c" else value
    return value


def _conjugating(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of an operator with a complex derivative: its vjp is linear, PyTorch's wants the conjugate slope."""

    def conj(node: Any, g: Any, *saved: Any) -> Any:
        result = vjp(node, conjugate(g), *saved)
        return [conjugate(each) for each in result]

    return conj


class _Adjoint:
    """What a vjp computes with, save that matrices are conjugated where they are transposed."""

    def __init__(self, base: Any) -> None:
        self.base = base

    def __getattr__(self, name: str) -> Any:
        return getattr(self.base, name)

    def mT(self, x: Any) -> Any:
        """The adjoint."""
        return conjugate(self.base.mT(x))


class _AdjointNode:
    """A node whose `xp` is `_Adjoint`."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self.xp = _Adjoint(node.xp)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


def _adjoining(vjp: Callable[..., Any]) -> Callable[..., Any]:
    def adjoint(node: Any, g: Any, *saved: Any) -> Any:
        return vjp(_AdjointNode(node), g, *saved)

    return adjoint
