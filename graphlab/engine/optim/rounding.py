"""The arithmetic of optimizers, written into arrays in place and rounded where PyTorch's CPU kernels round.

Those kernels are compiled with fused multiply-add: `a + alpha * b` is rounded once. A product of two float32 is exact
in float64, so the fused result is a float64 sum rounded back; for float64 the rounding error is computed along.
"""

from __future__ import annotations

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.generator import fma64

BLOCK = 1 << 15
"""Elements treated at a time, so that the float64 copy stays within the processor's cache."""

_scratch: dict[tuple[int, ...], Array] = {}
_numbers: dict[float, Array] = {}


def _scratch_like(array: Array) -> Array:
    shape = array.shape
    found = _scratch.get(shape)
    if found is None:
        if len(_scratch) >= 64:
            _scratch.clear()
        found = _scratch[shape] = np.empty(shape)
    return found


def single(number: float) -> Array:
    """The number as float32 sees it, in a float64 array of no dimensions (quicker for ufuncs than a Python number)."""
    found = _numbers.get(number)
    if found is None:
        if len(_numbers) >= 256:
            _numbers.clear()
        found = _numbers[number] = np.array(np.float64(np.float32(number)))
    return found


def add_scaled(out: Array, a: Array, b: Array, alpha: float) -> None:
    """out = a + alpha * b, rounded once (`a.add(b, alpha=alpha)`)."""
    if out.dtype.kind == "c":
        real = np.float32 if out.itemsize == 8 else np.float64
        out, a, b = (x[..., None].view(real) for x in (out, a, b))
    if out.dtype == np.float64:
        if alpha in (1, -1):
            np.add(a, b, out=out) if alpha == 1 else np.subtract(a, b, out=out)
        else:
            out[...] = fma64(b, np.float64(alpha), a)
        return
    factor = single(alpha)
    if out.size <= BLOCK:
        # Assignment converts quicker than a ufunc does.
        wide = _scratch_like(out)
        wide[...] = b
        np.multiply(wide, factor, wide)
        wide += a
        out[...] = wide
        return
    if not (out.flags.c_contiguous and a.flags.c_contiguous and b.flags.c_contiguous):
        out[...] = np.multiply(b, factor, dtype=np.float64) + a
        return
    flat_out, flat_a, flat_b = out.reshape(-1), a.reshape(-1), b.reshape(-1)
    buffer = _scratch_like(np.broadcast_to(out.dtype.type(0), BLOCK))
    for start in range(0, out.size, BLOCK):
        part = slice(start, start + BLOCK)
        wide = buffer[: min(BLOCK, out.size - start)]
        np.multiply(flat_b[part], factor, wide)
        np.add(flat_a[part], wide, wide)
        flat_out[part] = wide


def scale(out: Array, factor: float) -> None:
    """out *= factor, the factor in the array's own precision."""
    np.multiply(out, out.dtype.type(factor), out=out)


def lerp(out: Array, end: Array, weight: float) -> None:
    """out += weight * (end - out), as `Tensor.lerp_`."""
    difference = end - out
    if abs(weight) < 0.5:
        add_scaled(out, out, difference, weight)
    else:
        add_scaled(out, end, difference, -(1 - weight))


def add_product(out: Array, a: Array, b: Array, value: float) -> None:
    """out += value * a * b, as `Tensor.addcmul_`."""
    scaled = a if value == 1 else a * a.dtype.type(value)
    if out.dtype == np.float64:
        out[...] = fma64(scaled, b, out)
    else:
        wide = np.multiply(scaled, b, dtype=np.float64)
        wide += out
        out[...] = wide


def add_quotient(out: Array, a: Array, b: Array, value: float) -> None:
    """out += value * a / b, as `Tensor.addcdiv_`."""
    scaled = a if value == 1 else a * a.dtype.type(value)
    np.add(out, scaled / b, out=out)
