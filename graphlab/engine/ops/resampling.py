"""Linear maps along single dims, one after another: what adaptive average pooling and interpolation are made of.

Each dim's map is a matrix that follows from its kind and sizes; the derivative applies the transposed matrices.
"""

from __future__ import annotations

import functools
from math import floor
from typing import Any

import numpy as np

from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.i18n import N_

Map = tuple[Any, ...]
"""(kind, size before, size after, align_corners, scale or None) for one dim."""


@functools.lru_cache(64)
def matrix(way: Map, dtype: Any) -> Any:
    """The (after, before) matrix of a map."""
    kind, n, m, align, scale = way
    out = np.zeros((m, n), np.float64)
    if kind == "mean":
        for i in range(m):
            start, end = i * n // m, -((-(i + 1) * n) // m)
            out[i, start:end] = 1 / (end - start)
    else:
        at = _sources(n, m, align, scale, kind == "cubic")
        base = np.floor(at)
        t = at - base
        rows = np.arange(m)
        if kind == "linear":
            for shift, weight in ((0, 1 - t), (1, t)):
                np.add.at(out, (rows, np.clip(base.astype(int) + shift, 0, n - 1)), weight)
        else:
            for shift in range(-1, 3):
                np.add.at(out, (rows, np.clip(base.astype(int) + shift, 0, n - 1)), _cubic(np.abs(t - shift)))
    made = out.astype(dtype)
    made.flags.writeable = False
    return made


def _sources(n: int, m: int, align: bool, scale: float | None, is_cubic: bool) -> Any:
    """Where each entry of the output lies in the input (float32's rounding as in PyTorch is below what is printed)."""
    i = np.arange(m, dtype=np.float64)
    if align:
        return i * ((n - 1) / (m - 1)) if m > 1 else i * 0
    step = 1 / scale if scale else n / m
    at = (i + 0.5) * step - 0.5
    return at if is_cubic else np.maximum(at, 0)


def _cubic(x: Any, a: float = -0.75) -> Any:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def resample(x: Any, maps: tuple[Map, ...], transposed: bool = False) -> Any:
    """Apply one map to each of the last dims."""
    first = x.ndim - len(maps)
    kind = np.float32 if x.dtype == np.float16 else x.dtype
    out = x.astype(kind, copy=False)
    for i, way in enumerate(maps):
        if way[1] == way[2] and way[0] == "mean":
            continue
        m = matrix(way, kind)
        m = m.T if transposed else m
        out = (
            np.moveaxis(np.matmul(m, np.moveaxis(out, first + i, -2)), -2, first + i)
            if i < len(maps) - 1
            else np.matmul(out, m.T)
        )
    return np.ascontiguousarray(out, x.dtype)


def sizes(shape: tuple[int, ...], maps: tuple[Map, ...], transposed: bool = False) -> tuple[int, ...]:
    """The shape after the maps."""
    return (*shape[: len(shape) - len(maps)], *(way[1 if transposed else 2] for way in maps))


RESAMPLE_BACK: Op = declare(
    Op(
        name="resample_back",
        category=Category.SHAPE,
        args=("gradient",),
        params=("maps",),
        formula=N_("out = each entry shared out to the entries that it was made of"),
        backward_formula=N_("d gradient = g, resampled as the input was"),
        forward=lambda g, maps: resample(g, maps, True),
        vjp=lambda node, g: (apply(node, RESAMPLE, (g,), node.params),),
        shape=lambda shape, maps: sizes(shape, maps, True),
        narrate=N_("each entry of {gradient} is shared out to the entries that it was made of: {shape}"),
        narrate_backward=N_("the gradient is resampled as the input was"),
    )
)
RESAMPLE: Op = declare(
    Op(
        name="resample",
        category=Category.SHAPE,
        args=("input",),
        params=("maps",),
        formula=N_("out = weighted means of neighbouring entries"),
        backward_formula=N_("d input = g, shared out by the same weights"),
        forward=resample,
        vjp=lambda node, g: (apply(node, RESAMPLE_BACK, (g,), node.params),),
        shape=sizes,
        narrate=N_("{input} {input_shape} is resampled: {shape}"),
        narrate_backward=N_("each entry of {input} gets its share of the gradients that it took part in"),
        samples=lambda: [((2, 3, 5), {"maps": (("linear", 3, 4, False, None), ("mean", 5, 2, False, None))})],
    )
)


def resample_vjp(node: Any, g: Any) -> Any:
    """The vjp of an operator whose first parameter is its maps."""
    return (apply(node, RESAMPLE_BACK, (g,), node.params[:1]),)


def nearest(n: int, m: int, scale: float | None, exact: bool) -> Any:
    """Which entry of the input each entry of the output takes."""
    step = np.float32(1 / scale if scale else n / m)
    i = np.arange(m, dtype=np.float32)
    at = (i + np.float32(0.5)) * step if exact else i * step
    return np.minimum(np.floor(at).astype(np.int64), n - 1)


def out_size(n: int, scale: float) -> int:
    """The size that a scale factor gives."""
    return floor(float(n) * scale)
