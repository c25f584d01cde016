"""Interpolation to another size, and layouts that move places into channels: pixel_shuffle, unfold, fold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from operator import index
from typing import Any, TypeVar

import numpy as np

from graphlab.engine.device import need_room
from graphlab.engine.errors import fail, type_name, wrap_dim
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.columns import out_sizes, padded, shifted, windows
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.padding import pick, pick_vjp, picked_shape
from graphlab.engine.ops.resampling import out_size, resample, resample_vjp, sizes
from graphlab.engine.ops.run import FUNCTIONS, guard, need_tensor, public, run
from graphlab.i18n import N_

Ints = tuple[int, ...]
F = TypeVar("F", bound=Callable[..., Any])
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"


def _declare_nearest(n: int, exact: bool) -> Op:
    word = "upsample_nearest_exact" if exact else "upsample_nearest"
    return declare(
        Op(
            name=f"{word}{n}d",
            node=f"UpsampleNearest{'Exact' if exact else ''}{n}DBackward0",
            category=Category.SHAPE,
            args=("input",),
            params=("ways",),
            formula=N_("out[place] = input at the nearest place"),
            backward_formula=N_("d input = Σ g of the places that took the entry"),
            forward=pick,
            vjp=pick_vjp,
            shape=picked_shape,
            narrate=N_("each place of the output takes the nearest entry of {input} {input_shape}: {shape}"),
            narrate_backward=N_("each entry of {input} gets the gradients of all places that took it"),
            samples=lambda: [
                ((2, 3, *(4, 3, 2)[:n]), {"ways": tuple(("nearest", m, 5, None, exact) for m in (4, 3, 2)[:n])})
            ],
        )
    )


def _declare_smooth(n: int, kind: str) -> Op:
    word = "bicubic" if kind == "cubic" else _LINEAR[n]
    return declare(
        Op(
            name=f"upsample_{word}{n}d",
            node=f"Upsample{word.title()}{n}DBackward0",
            category=Category.SHAPE,
            args=("input",),
            params=("maps",),
            formula=N_("out[place] = mean of the entries of input around place, weighted by nearness"),
            backward_formula=N_("d input = Σ weight · g of the places that the entry took part in"),
            forward=resample,
            vjp=resample_vjp,
            shape=sizes,
            narrate=N_(
                "each place of the output is a weighted mean of the entries of {input} {input_shape} around it: {shape}"
            ),
            narrate_backward=N_("each entry of {input} gets its weights' part of the gradients around it"),
            samples=lambda: [
                ((2, 3, *(4, 3, 2)[:n]), {"maps": tuple((kind, m, 5, False, None) for m in (4, 3, 2)[:n])})
            ],
        )
    )


_NEAREST = {(n, exact): _declare_nearest(n, exact) for n in (1, 2, 3) for exact in (False, True)}
_SMOOTH = {(n, "linear"): _declare_smooth(n, "linear") for n in (1, 2, 3)} | {(2, "cubic"): _declare_smooth(2, "cubic")}


@public("interpolate", method=False)
def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The input at another size (or scaled): nearest, linear, bilinear, bicubic, trilinear, area, nearest-exact."""
    x = need_tensor(input, "interpolate")._array
    n = x.ndim - 2
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic "
                "| trilinear"
            )
        align = False
    else:
        align = bool(align_corners)
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    wanted, scales = _wanted(x.shape, size, scale_factor)
    if recompute_scale_factor is not None and recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if mode == "area" and wanted is None:
        recompute_scale_factor = True
    if wanted is None:
        wanted = tuple(out_size(m, s) for m, s in zip(x.shape[2:], scales))
    if recompute_scale_factor or not scales:
        scales = (None,) * n
    if antialias:
        fail(
            NotImplementedError, "interpolate with antialias is not part of GraphLab", kind="not_here", op="interpolate"
        )
    if n in (1, 2, 3):
        need_room(*x.shape[:2], *wanted, itemsize=x.itemsize)
        if mode == "area":
            return FUNCTIONS[f"adaptive_avg_pool{n}d"](input, wanted)
        if mode in ("nearest", "nearest-exact"):
            _check_sizes(x.shape, wanted)
            exact = mode == "nearest-exact"
            ways = tuple(("nearest", a, b, s, exact) for a, b, s in zip(x.shape[2:], wanted, scales))
            return run(_NEAREST[n, exact], (input,), (ways,))
        needs = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode)
        if needs == n:
            _check_sizes(x.shape, wanted)
            kind = "cubic" if mode == "bicubic" else "linear"
            maps = tuple((kind, a, b, align, s) for a, b, s in zip(x.shape[2:], wanted, scales))
            return run(_SMOOTH[n, kind], (input,), (maps,))
        if needs is not None and mode != "bicubic":
            raise NotImplementedError(f"Got {x.ndim}D input, but {mode} mode needs {needs + 2}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {x.ndim}D) for the modes: {_MODES} (got {mode})"
    )


def _wanted(shape: Ints, size: Any, scale_factor: Any) -> tuple[Any, Any]:
    n = len(shape) - 2
    if size is not None:
        if isinstance(size, (tuple, list)):
            if len(size) != n:
                raise ValueError(
                    "Input and output must have the same number of spatial dimensions, but got input with spatial "
                    f"dimensions of {list(shape[2:])} and output size of {size}. Please provide input tensor in "
                    "(N, C, d1, "
                    "d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
                )
            return tuple(int(s) for s in size), None
        return (int(size),) * n, None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(scale_factor, (tuple, list)):
        if len(scale_factor) != n:
            raise ValueError(
                "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(shape[2:])} and scale_factor of shape {scale_factor}. Please provide "
                "input tensor in "
                "(N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
            )
        return None, tuple(float(s) for s in scale_factor)
    return None, (float(scale_factor),) * n


def _check_sizes(shape: Ints, wanted: Ints) -> None:
    if all(m > 0 for m in wanted) and 0 not in shape[2:]:
        return
    letters = ("D", "H", "W")[-len(wanted) :]

    def text(values: Any) -> str:
        return ", ".join(f"{letter}: {m}" for letter, m in zip(letters, values))

    fail(
        RuntimeError,
        f"Input and output sizes should be greater than 0, but got input ({text(shape[2:])}) and output "
        f"({text(wanted)})",
        kind="output_too_small",
        op="interpolate",
        shapes=[list(shape)],
        sizes=[list(shape[2:]), list(wanted)],
    )


@public("upsample", method=False)
def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """The old name of interpolate."""
    warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", "deprecated")
    return interpolate(input, size, scale_factor, mode, align_corners)


# Pixels and channels


def _shuffle(x: Any, r: int) -> Any:
    *lead, c, h, w = x.shape
    k = len(lead)
    parts = x.reshape(*lead, c // (r * r), r, r, h, w)
    order = (*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return np.ascontiguousarray(parts.transpose(order)).reshape(*lead, c // (r * r), h * r, w * r)


def _unshuffle(x: Any, r: int) -> Any:
    *lead, c, h, w = x.shape
    k = len(lead)
    parts = x.reshape(*lead, c, h // r, r, w // r, r)
    order = (*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return np.ascontiguousarray(parts.transpose(order)).reshape(*lead, c * r * r, h // r, w // r)


PIXEL_SHUFFLE: Op = declare(
    Op(
        name="pixel_shuffle",
        category=Category.SHAPE,
        args=("input",),
        params=("upscale_factor",),
        formula="out[c, h·r + i, w·r + j] = input[c·r² + i·r + j, h, w]",
        backward_formula="d input = g, moved back",
        forward=_shuffle,
        vjp=lambda node, g: (apply(node, PIXEL_UNSHUFFLE, (g,), node.params),),
        shape=lambda s, r: (*s[:-3], s[-3] // (r * r), s[-2] * r, s[-1] * r),
        narrate=N_(
            "channels of {input} {input_shape} become pixels of a picture {upscale_factor} times as wide: {shape}"
        ),
        narrate_backward=N_("each gradient goes back to the channel that its pixel came from"),
        samples=lambda: [((2, 8, 3, 2), {"upscale_factor": 2})],
    )
)
PIXEL_UNSHUFFLE: Op = declare(
    Op(
        name="pixel_unshuffle",
        category=Category.SHAPE,
        args=("input",),
        params=("downscale_factor",),
        formula="out[c·r² + i·r + j, h, w] = input[c, h·r + i, w·r + j]",
        backward_formula="d input = g, moved back",
        forward=_unshuffle,
        vjp=lambda node, g: (apply(node, PIXEL_SHUFFLE, (g,), node.params),),
        shape=lambda s, r: (*s[:-3], s[-3] * r * r, s[-2] // r, s[-1] // r),
        narrate=N_(
            "pixels of {input} {input_shape} become channels of a picture {downscale_factor} times smaller: {shape}"
        ),
        narrate_backward=N_("each gradient goes back to the pixel that its channel came from"),
        samples=lambda: [((2, 2, 4, 6), {"downscale_factor": 2})],
    )
)


def _check_shuffle(name: str, x: Any, factor: int, which: str) -> None:
    if x.ndim < 3:
        text = f"{name} expects input to have at least 3 dimensions, but got input with {x.ndim} dimension(s)"
        fail(RuntimeError, text, kind="shuffle", op=name, shape=list(x.shape))
    if factor <= 0:
        text = f"{name} expects a positive {which}, but got {factor}"
        fail(RuntimeError, text, kind="shuffle", op=name, shape=list(x.shape))


@public(PIXEL_SHUFFLE, method=False)
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels become pixels: (…, C·r², H, W) to (…, C, H·r, W·r)."""
    x = need_tensor(input, "pixel_shuffle")._array
    _check_shuffle("pixel_shuffle", x, upscale_factor, "upscale_factor")
    square = upscale_factor * upscale_factor
    if x.shape[-3] % square:
        fail(
            RuntimeError,
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            "upscale_factor, but "
            f"input.size(-3)={x.shape[-3]} is not divisible by {square}",
            kind="shuffle",
            op="pixel_shuffle",
            shape=list(x.shape),
        )
    return run(PIXEL_SHUFFLE, (input,), (int(upscale_factor),))


@public(PIXEL_UNSHUFFLE, method=False)
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Pixels become channels: (…, C, H·r, W·r) to (…, C·r², H, W)."""
    x = need_tensor(input, "pixel_unshuffle")._array
    _check_shuffle("pixel_unshuffle", x, downscale_factor, "downscale_factor")
    for dim, word in ((-2, "height"), (-1, "width")):
        if x.shape[dim] % downscale_factor:
            fail(
                RuntimeError,
                f"pixel_unshuffle expects {word} to be divisible by downscale_factor, but input.size({dim})="
                f"{x.shape[dim]} is not divisible by {downscale_factor}",
                kind="shuffle",
                op="pixel_unshuffle",
                shape=list(x.shape),
            )
    return run(PIXEL_UNSHUFFLE, (input,), (int(downscale_factor),))


# Windows as columns


def _unfold(x: Any, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Any:
    pairs = tuple((p, p) for p in padding)
    places = out_sizes(x.shape[2:], kernel, stride, pairs, dilation)
    wide = np.ascontiguousarray(padded(x, pairs))
    columns = np.ascontiguousarray(windows(wide, kernel, places, stride, dilation))
    return columns.reshape(x.shape[0], x.shape[1] * prod(kernel), prod(places))


def _fold(x: Any, size: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Any:
    pairs = tuple((p, p) for p in padding)
    places = out_sizes(size, kernel, stride, pairs, dilation)
    channels = x.shape[1] // prod(kernel)
    parts = x.reshape(x.shape[0], channels, *kernel, *places)
    out: Any = np.zeros((x.shape[0], channels, *(n + 2 * p for n, p in zip(size, padding))), x.dtype)
    for offset in product(*(range(k) for k in kernel)):
        shifted(out, offset, places, stride, dilation)[...] += parts[(slice(None), slice(None), *offset)]
    return np.ascontiguousarray(out[(..., *(slice(p, p + n) for n, p in zip(size, padding)))])


_HOW = {"kernel_size": (2, 2), "dilation": (1, 1), "padding": (1, 0), "stride": (1, 2)}
UNFOLD: Op = declare(
    Op(
        name="unfold",
        node="Im2ColBackward0",
        category=Category.SHAPE,
        args=("input",),
        params=("kernel_size", "dilation", "padding", "stride"),
        formula=N_("out[:, place] = the input under the window at place, as a column"),
        backward_formula=N_("d input = each column of g added to where its window lay"),
        forward=_unfold,
        vjp=lambda node, g: (apply(node, FOLD, (g,), (node.params[0][2:], *node.params[1:])),),
        broadcasts=True,
        shape=lambda s, k, d, p, t: (
            s[0],
            s[1] * prod(k),
            prod(out_sizes(s[2:], k, t, tuple((a, a) for a in p), d)),
        ),
        narrate=N_("each window of {input} {input_shape} becomes a column: {shape}"),
        narrate_backward=N_("each entry of {input} gets the gradients of all windows that showed it"),
        samples=lambda: [((2, 3, 4, 5), _HOW)],
    )
)
FOLD: Op = declare(
    Op(
        name="fold",
        node="Col2ImBackward0",
        category=Category.SHAPE,
        args=("input",),
        params=("output_size", "kernel_size", "dilation", "padding", "stride"),
        formula=N_("out = each column of input added to where its window lies"),
        backward_formula=N_("d input = the windows of g as columns"),
        forward=_fold,
        vjp=lambda node, g: (apply(node, UNFOLD, (g,), node.params[1:]),),
        shape=lambda s, size, k, *_: (s[0], s[1] // prod(k), *size),
        narrate=N_("the columns of {input} {input_shape} are added to where their windows lie: {shape}"),
        narrate_backward=N_("each column of {input} gets the gradient under its window"),
        samples=lambda: [((2, 12, 15), {"output_size": (4, 6), **_HOW})],
    )
)


def _functional(op: Op) -> Callable[[F], F]:
    """Make a function what `nn.functional.<name>` is; `torch` has no such name, and `Tensor.unfold` is another."""

    def decorate(function: F) -> F:
        made = guard(op.name, function)
        op.function = made
        return made

    return decorate


def _two(function: str, position: int, name: str, value: Any) -> Ints:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    for i, v in enumerate(values):
        if isinstance(v, bool) or not hasattr(v, "__index__"):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found element of "
                f"type {type_name(v)} at pos {i}"
            )
    ints = tuple(index(v) for v in values)
    if len(ints) == 1:
        return ints * 2
    if len(ints) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(ints)}")
    return ints


def _positive(name: str, kernel: Ints, stride: Ints, dilation: Ints) -> None:
    for word, short, value in (
        ("kernel size", "kernel", kernel),
        ("stride", "stride", stride),
        ("dilation", "dilation", dilation),
    ):
        if any(v <= 0 for v in value):
            fail(
                RuntimeError,
                f"{word} should be greater than zero, but got {short}_height: {value[0]} {short}_width: {value[1]}",
                kind="conv_argument",
                op=name,
                argument=short,
            )


@_functional(UNFOLD)
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of (N, C, H, W) as columns: (N, C · window, places)."""
    x = need_tensor(input, "im2col")._array
    kernel = _two("im2col", 2, "kernel_size", kernel_size)
    spread = _two("im2col", 3, "dilation", dilation)
    around = _two("im2col", 4, "padding", padding)
    steps = _two("im2col", 5, "stride", stride)
    _positive("unfold", kernel, steps, spread)
    is_batch = x.ndim == 4
    if x.ndim not in (3, 4):
        wrap_dim(2, x.ndim, "unfold")
        fail(
            RuntimeError,
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(x.shape)}",
            kind="conv_dims",
            op="unfold",
            shapes=[list(x.shape)],
        )
    spatial = x.shape[-2:]
    places = out_sizes(spatial, kernel, steps, tuple((p, p) for p in around), spread)
    if any(m < 1 for m in places):
        fail(
            RuntimeError,
            f"Given input with spatial size {spatial}, kernel_size={kernel}, dilation={spread}, padding={around}, "
            f"calculated shape of the array of sliding blocks as {places}, but its components must be at least one.",
            kind="output_too_small",
            op="unfold",
            shapes=[list(x.shape)],
            sizes=[list(spatial), list(places)],
        )
    need_room(*x.shape[:-2], *kernel, *places, itemsize=x.itemsize)
    out = run(UNFOLD, (input if is_batch else input.unsqueeze(0),), (kernel, spread, around, steps))
    return out if is_batch else out.squeeze(0)


@_functional(FOLD)
def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The opposite of unfold: columns are added to where their windows lie."""
    x = need_tensor(input, "col2im")._array
    size = _two("col2im", 2, "output_size", output_size)
    kernel = _two("col2im", 3, "kernel_size", kernel_size)
    spread = _two("col2im", 4, "dilation", dilation)
    around = _two("col2im", 5, "padding", padding)
    steps = _two("col2im", 6, "stride", stride)
    _positive("fold", kernel, steps, spread)
    facts: dict[str, Any] = {"kind": "conv_dims", "op": "fold", "shapes": [list(x.shape)]}
    if x.ndim not in (2, 3) or 0 in x.shape[-2:]:
        fail(
            RuntimeError,
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions "
            "for input, "
            f"but got: {list(x.shape)}",
            **facts,
        )
    dim = x.ndim - 2
    if x.shape[dim] % prod(kernel):
        fail(
            RuntimeError,
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            "input.size(1)="
            f"{x.shape[dim]} and kernel_size={kernel}.",
            **facts,
        )
    blocks = out_sizes(size, kernel, steps, tuple((p, p) for p in around), spread)
    if prod(blocks) != x.shape[-1] or any(b < 1 for b in blocks):
        fail(
            RuntimeError,
            f"Given output_size={size}, kernel_size={kernel}, dilation={spread}, padding={around}, stride={steps}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding blocks {blocks[0]} * "
            f"{blocks[1]} = {prod(blocks)}, but got input.size(2)={x.shape[-1]}.",
            **facts,
        )
    need_room(x.shape[0] if x.ndim == 3 else 1, x.shape[dim] // prod(kernel), *size, itemsize=x.itemsize)
    out = run(FOLD, (input if x.ndim == 3 else input.unsqueeze(0),), (size, kernel, spread, around, steps))
    return out if x.ndim == 3 else out.squeeze(0)
