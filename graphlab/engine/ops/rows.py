"""The largest entry and the sum of each row, at several times the speed of NumPy's own reductions of short rows."""

from __future__ import annotations

import numpy as np

from graphlab.engine.dtypes import F32, F64, Array


def row_max(x: Array) -> Array:
    """The largest entry of each row, the dim kept with size 1; NaN where there is one."""
    width = x.shape[-1]
    # Halves against each other, as long as that works on long pieces of memory.
    while width >= 16 and not width % 2 and x.size > 1024:
        width //= 2
        x = np.maximum(x[..., :width], x[..., width:])
    top: Array = np.maximum.reduce(x, axis=-1, keepdims=True)
    return top


def row_sum(x: Array) -> Array:
    """The sum of each row, the dim kept with size 1."""
    width = x.shape[-1]
    if (x.dtype is F32 or x.dtype is F64) and width and x.flags.c_contiguous:
        sums: Array = x.reshape(-1, width).dot(np.ones(width, x.dtype)).reshape(*x.shape[:-1], 1)
        return sums
    total: Array = np.add.reduce(x, axis=-1, keepdims=True)
    return total
