"""Sampling an image at the places of a grid, as spatial transformers do: grid_sample and affine_grid.

M. Jaderberg and others, Spatial Transformer Networks, 2015 (arXiv:1506.02025).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, make
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
_A = -0.75
"""Keys' cubic convolution constant, as PyTorch has it."""


def _bounded(x: Array, size: int, padding: int, align: bool) -> tuple[Any, Any]:
    """A coordinate brought inside, as (factor, offset) of the given one: x is factor · x + offset."""
    factor, offset = np.ones_like(x), np.zeros_like(x)
    one = x.dtype.type
    if padding == 2:
        low, high = (0, 2 * (size - 1)) if align else (-1, 2 * size - 1)
        if low == high:
            factor[...], x = 0, np.zeros_like(x)
        else:
            start, span = one(low / 2), one((high - low) / 2)
            away = x - start
            sign = np.where(away < 0, one(-1), one(1))
            flips = np.floor(np.abs(away) / span)
            even = flips % 2 == 0
            # Inside, the distance from the start is |x − start| − flips · span, seen from one end or the other.
            factor = np.where(even, sign, -sign)
            offset = np.where(even, -flips * span, (flips + 1) * span) + start - factor * start
            x = factor * x + offset
    if padding:
        inside = (x > 0) & (x < size - 1)
        limit = np.clip(x, 0, size - 1)
        factor, offset = np.where(inside, factor, one(0)), np.where(inside, offset, limit)
    return factor.astype(x.dtype), offset.astype(x.dtype)


class _Taps:
    """For one axis: the pixels that each place looks at, their weights, and the weights' slopes along the grid."""

    def __init__(self, xp: Any, g: Any, size: int, mode: int, padding: int, align: bool) -> None:
        scale = (size - 1) / 2 if align else size / 2
        x = (g + 1) * ((size - 1) / 2) if align else ((g + 1) * size - 1) / 2
        raw = xp.array_of(x)
        kind = raw.dtype
        if mode != 2 and padding:
            factor, offset = _bounded(np.nan_to_num(raw), size, padding, align)
            x = x * xp.constant(factor, g) + xp.constant(offset, g)
            slope: Any = factor * kind.type(scale)
        else:
            slope = np.full_like(raw, scale)
        raw = np.nan_to_num(xp.array_of(x), nan=-100, posinf=-100, neginf=-100)
        raw = np.where(np.abs(raw) < 2**30, raw, -100)
        self.pixels: list[Any] = []
        self.inside: list[Any] = []
        self.weights: list[Any] = []
        self.slopes: list[Any] = []
        if mode == 1:
            self._add(np.rint(raw), size)
            self.weights.append(xp.constant(np.ones_like(raw), g))
            self.slopes.append(xp.constant(np.zeros_like(raw), g))
            return
        first = np.floor(raw)
        t = x - xp.constant(first.astype(kind), g)
        steep = xp.constant(slope.astype(kind), g)
        if mode == 0:
            self._add(first, size)
            self._add(first + 1, size)
            self.weights += [1 - t, t]
            self.slopes += [-steep, steep]
            return
        for k in range(-1, 3):
            place = first + k
            if padding:
                f, o = _bounded(place, size, padding, align)
                place = np.rint(f * place + o)
            self._add(place, size)
        for d, sign in ((t + 1, 1), (t, 1), (1 - t, -1), (2 - t, -1)):
            if len(self.weights) in (1, 2):
                self.weights.append(((_A + 2) * d - (_A + 3)) * d * d + 1)
                self.slopes.append(sign * ((3 * (_A + 2)) * d - 2 * (_A + 3)) * d * steep)
            else:
                self.weights.append(((_A * d - 5 * _A) * d + 8 * _A) * d - 4 * _A)
                self.slopes.append(sign * ((3 * _A * d - 10 * _A) * d + 8 * _A) * steep)

    def _add(self, place: Array, size: int) -> None:
        self.inside.append((place >= 0) & (place < size))
        self.pixels.append(np.clip(place, 0, size - 1).astype(np.int64))


def _looks(xp: Any, grid: Any, space: Any, mode: int, padding: int, align: bool) -> tuple[list[_Taps], list[Any]]:
    """The taps of each axis (the grid's last coordinate is the image's first axis), and all their combinations."""
    n = len(space)
    taps = [_Taps(xp, xp.pick(grid, (..., n - 1 - d)), space[d], mode, padding, align) for d in range(n)]
    return taps, list(itertools.product(*(range(len(t.pixels)) for t in taps)))


def _place(taps: list[_Taps], which: Any, space: Any) -> tuple[Any, Any]:
    """The pixel of a combination as a number in the flat image, and whether it lies inside. (batch, places)"""
    flat: Any = 0
    inside: Any = True
    for d, k in enumerate(which):
        flat = flat * space[d] + taps[d].pixels[k]
        inside = inside & taps[d].inside[k]
    n_batch = len(flat)
    return flat.reshape(n_batch, -1), inside.reshape(n_batch, -1)


def _weight(xp: Any, taps: list[_Taps], which: Any, slope_of: int = -1) -> Any:
    total: Any = None
    for d, k in enumerate(which):
        part = taps[d].slopes[k] if d == slope_of else taps[d].weights[k]
        total = part if total is None else total * part
    return xp.reshape(total, (total.shape[0], 1, math.prod(total.shape[1:])))


def _sample_with(xp: Any, x: Any, grid: Any, mode: int, padding: int, align: bool) -> Any:
    space = tuple(x.shape[2:])
    lead = tuple(x.shape[:2])
    flat = xp.reshape(x, (*lead, math.prod(space)))
    taps, combinations = _looks(xp, grid, space, mode, padding, align)
    total: Any = 0
    for which in combinations:
        place, inside = _place(taps, which, space)
        mask = xp.constant(inside[:, None].astype(xp.array_of(x).dtype), x)
        index = np.broadcast_to(place[:, None], (*lead, place.shape[-1]))
        total = total + xp.gather(flat, 2, index) * (_weight(xp, taps, which) * mask)
    return xp.reshape(total, (*lead, *tuple(grid.shape[1:-1])))


def _sample(x: Array, grid: Array, mode: int, padding: int, align: bool) -> Any:
    from graphlab.engine.ops.applied import NUMERIC

    return np.ascontiguousarray(_sample_with(NUMERIC, x, grid, mode, padding, align).astype(x.dtype, copy=False))


def _sample_vjp(node: Any, g: Any, x: Any, grid: Any) -> Any:
    xp = node.xp
    mode, padding, align = node.params
    space, lead = tuple(x.shape[2:]), tuple(x.shape[:2])
    n = len(space)
    taps, combinations = _looks(xp, grid, space, mode, padding, align)
    flat = xp.reshape(x, (*lead, math.prod(space)))
    g = xp.reshape(g, (*lead, math.prod(g.shape[2:])))
    gx: Any = None
    slopes: list[Any] = [None] * n
    for which in combinations:
        place, inside = _place(taps, which, space)
        mask = xp.constant(inside[:, None].astype(xp.array_of(x).dtype), x)
        index = np.broadcast_to(place[:, None], (*lead, place.shape[-1]))
        if node.edges[0] is not None:
            part = xp.scatter_add((*lead, math.prod(space)), 2, index, g * (_weight(xp, taps, which) * mask))
            gx = part if gx is None else gx + part
        if node.edges[1] is not None and mode != 1:
            through = xp.sum(g * xp.gather(flat, 2, index) * mask, (1,), False)
            for d in range(n):
                weight = _weight(xp, taps, which, d)
                part = through * xp.reshape(weight, (weight.shape[0], weight.shape[2]))
                slopes[d] = part if slopes[d] is None else slopes[d] + part
    g_grid = None
    if node.edges[1] is not None:
        if mode == 1:
            g_grid = xp.constant(np.zeros(tuple(grid.shape), xp.array_of(grid).dtype), grid)
        else:
            inner = tuple(grid.shape[:-1])
            g_grid = xp.stack([xp.reshape(s, inner) for s in reversed(slopes)], len(inner))
    return None if gx is None else xp.reshape(gx, (*lead, *space)), g_grid


def _declare_sampler(n: int) -> Op:
    return declare(
        Op(
            name=f"grid_sampler_{n}d",
            node=f"GridSampler{n}DBackward0",
            category=Category.INDEX,
            args=("input", "grid"),
            params=("interpolation_mode", "padding_mode", "align_corners"),
            formula=N_("out[p] = the pixels of input around grid[p], weighted by how near they are"),
            backward_formula=N_("d input = g at those pixels, by the same weights;  d grid = g · the image's slope"),
            forward=_sample,
            vjp=_sample_vjp,
            saves=("input", "grid"),
            shape=lambda x, g, *_: (*x[:2], *g[1:-1]),
            narrate=N_("{input} {input_shape} is looked at where {grid} says: {shape}"),
            narrate_backward=N_("each gradient goes to the pixels around its place, and moves the place itself"),
            samples=lambda: [
                (
                    (2, 1) + (3,) * n,
                    (2, 2) + (1,) * (n - 1) + (n,),
                    {"interpolation_mode": m, "padding_mode": 0, "align_corners": False, "_domain": (-0.9, 0.9)},
                )
                for m in ((0, 2) if n == 2 else (0,))
            ],
        )
    )


SAMPLER = {n: _declare_sampler(n) for n in (2, 3)}


def _check_sampled(x: Tensor, grid: Tensor, bicubic: bool) -> None:
    shape, g = tuple(x.shape), tuple(grid.shape)
    if not shape or not g or shape[0] != g[0]:
        fail(
            RuntimeError,
            "grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
            f"{list(shape)} and grid with sizes {list(g)}",
            kind="conv_dims",
            op="grid_sampler",
            shapes=[list(shape), list(g)],
        )
    if g[-1] != len(shape) - 2:
        fail(
            RuntimeError,
            f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but got grid with sizes "
            f"{list(g)}",
            kind="conv_dims",
            op="grid_sampler",
            shapes=[list(shape), list(g)],
        )
    for d in range(2, len(shape)):
        if shape[d] <= 0:
            raise make(
                RuntimeError,
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                f"{list(shape)} with dimension {d} being empty",
                kind="output_too_small",
            )
    if len(shape) not in (4, 5) or len(shape) != len(g):
        raise make(
            RuntimeError,
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{list(shape)} and grid with sizes {list(g)}",
            kind="conv_dims",
        )
    if len(shape) == 5 and bicubic:
        raise make(RuntimeError, "grid_sampler(): bicubic interpolation only supports 4D input", kind="conv_dims")
    if x._array.dtype.kind not in "fV":
        raise make(
            NotImplementedError,
            f"\"grid_sampler_{len(shape) - 2}d_cpu_kernel_impl\" not implemented for '{x.dtype.title}'",
            kind="dtype_unsupported",
        )
    if x._array.dtype != grid._array.dtype:
        fail(
            RuntimeError,
            f"expected scalar type {x.dtype.title} but found {grid.dtype.title}",
            kind="dtype_mix",
            op="grid_sampler",
            dtypes=[x.dtype.name, grid.dtype.name],
        )


def _sampler(name: str) -> Any:
    def sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
        """`grid_sample` with modes as numbers."""
        x, g = need_tensor(input, name), need_tensor(grid, name, "grid", 2)
        _check_sampled(x, g, interpolation_mode == 2)
        return run(SAMPLER[x.dim() - 2], (x, g), (int(interpolation_mode), int(padding_mode), bool(align_corners)))

    sampler.__name__ = name
    return sampler


for _name in ("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"):
    public(_name, _name, method=False)(_sampler(_name))

_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


@public("grid_sample", "grid_sample", method=False)
def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """`input` at the places of `grid` (x, y[, z] from −1 to 1 in its last dim)."""
    if mode not in MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        warn(_CHANGED, "align_corners")
        align_corners = False
    return _sampler("grid_sampler")(input, grid, MODES.index(mode), PADDINGS.index(padding_mode), align_corners)


def _base(size: tuple[int, ...], align: bool, dtype: Any) -> Any:
    """The grid that looks at each pixel itself, with a one for the offset: (places, n + 1)."""
    axes = []
    for n in size[2:]:
        line = np.linspace(-1, 1, n, dtype=dtype) if n > 1 else np.zeros(1, dtype)
        axes.append(line if align or n <= 1 else line * dtype.type(n - 1) / dtype.type(n))
    parts = np.meshgrid(*axes, indexing="ij")
    # The last axis is x, the first coordinate.
    return np.stack([*(p.reshape(-1) for p in reversed(parts)), np.ones(parts[0].size, dtype)], -1)


def _affine(theta: Array, size: tuple[int, ...], align: bool) -> Any:
    base = _base(size, align, theta.dtype)
    return (base @ theta.swapaxes(-1, -2)).reshape(size[0], *size[2:], len(size) - 2)


def _affine_vjp(node: Any, g: Any) -> Any:
    xp = node.xp
    size, align = node.params
    base = xp.constant(_base(size, align, xp.array_of(g).dtype), g)
    flat = xp.reshape(g, (size[0], math.prod(size[2:]), len(size) - 2))
    return (xp.matmul(xp.mT(flat), base),)


AFFINE_GRID = declare(
    Op(
        name="affine_grid_generator",
        category=Category.CREATION,
        args=("theta",),
        params=("size", "align_corners"),
        formula=N_("out[p] = theta · (x, y, 1) for each pixel p = (x, y), both from −1 to 1"),
        backward_formula=N_("d theta = Σ over pixels of g[p] · (x, y, 1)"),
        forward=_affine,
        vjp=_affine_vjp,
        shape=lambda t, size, _: (size[0], *size[2:], len(size) - 2),
        narrate=N_("the pixels of an image of size {size} are moved by the matrices {theta}"),
        narrate_backward=N_("each matrix gets the gradients of all pixels that it moved"),
        samples=lambda: [((2, 2, 3), {"size": (2, 1, 2, 3), "align_corners": False})],
    )
)


@public(AFFINE_GRID, "affine_grid", method=False)
def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The places that each pixel of an image of `size` comes from under the matrices `theta`."""
    if align_corners is None:
        warn(_CHANGED, "align_corners")
        align_corners = False
    t = need_tensor(theta, "affine_grid", "theta")
    if not t.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {t.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    if t.dim() != 3 or t.shape[-2] != n or t.shape[-1] != n + 1:
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {t.shape}."
        )
    if align_corners and min(size[-n:]) == 1:
        warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            "align_corners",
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    if t.shape[0] != size[0]:
        fail(
            RuntimeError,
            f"Expected size for first two dimensions of batch2 tensor to be: [{size[0]}, {n + 1}] but got: "
            f"[{t.shape[0]}, {n + 1}].",
            kind="matmul",
            op="affine_grid_generator",
            shapes=[list(size), list(t.shape)],
            sizes=[size[0], t.shape[0]],
        )
    return run(AFFINE_GRID, (t,), (tuple(size), bool(align_corners)))


@public("affine_grid_generator", "affine_grid_generator", method=False)
def affine_grid_generator(theta: Any, size: Any, align_corners: bool) -> Any:
    """`affine_grid` without its checks of `size`."""
    return affine_grid(theta, size, bool(align_corners))
