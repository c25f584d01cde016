"""Padding layers."""

from __future__ import annotations

from typing import Any

from graphlab.engine.nn import functional as F
from graphlab.engine.nn.module import Module
from graphlab.engine.ops.padding import as_pairs
from graphlab.engine.tensor import Tensor


class _Pad(Module):
    _n: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = as_pairs(padding, self._n)

    def forward(self, input: Tensor) -> Any:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(Module):
    _n: int

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.padding = as_pairs(padding, self._n)
        self.value = value

    def forward(self, input: Tensor) -> Any:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


def _make(name: str, base: type[Module], n: int, mode: str, what: str) -> type[Module]:
    return type(name, (base,), {"_n": n, "_mode": mode, "__doc__": what, "__module__": __name__})


_DIMS = {1: "one dim", 2: "the last two dims", 3: "the last three dims"}
ConstantPad1d, ConstantPad2d, ConstantPad3d = (
    _make(f"ConstantPad{n}d", _ConstantPad, n, "constant", f"A border of one number around {_DIMS[n]}.") for n in _DIMS
)
ZeroPad1d, ZeroPad2d, ZeroPad3d = (
    _make(f"ZeroPad{n}d", _ZeroPad, n, "constant", f"A border of zeros around {_DIMS[n]}.") for n in _DIMS
)
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = (
    _make(f"ReflectionPad{n}d", _Pad, n, "reflect", f"A border of mirrored entries around {_DIMS[n]}.") for n in _DIMS
)
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = (
    _make(f"ReplicationPad{n}d", _Pad, n, "replicate", f"A border that repeats the edge around {_DIMS[n]}.")
    for n in _DIMS
)
CircularPad1d, CircularPad2d, CircularPad3d = (
    _make(f"CircularPad{n}d", _Pad, n, "circular", f"A border of the opposite edge around {_DIMS[n]}.") for n in _DIMS
)
