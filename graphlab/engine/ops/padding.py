"""Padding: with a constant, or by entries of the input itself (reflect, replicate, circular)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from graphlab.engine.errors import fail, type_name
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.columns import padded
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.resampling import nearest
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.i18n import N_

Way = tuple[Any, ...]
"""How one dim is picked from: (mode of padding, n, before, after) or ("nearest", n, m, scale, exact)."""


@functools.lru_cache(128)
def index_of(way: Way) -> Any:
    """Which entry of the input each entry of the output takes."""
    kind, n, *rest = way
    if kind == "nearest":
        return nearest(n, *rest)
    before, after = rest
    at = np.arange(-before, n + after)
    if kind == "replicate":
        return np.clip(at, 0, n - 1)
    if kind == "circular":
        # What a negative number cuts off does not come back on the other side.
        core = np.arange(max(0, -before), n - max(0, -after))
        return np.concatenate((core[len(core) - max(before, 0) :], core, core[: max(after, 0)]))
    at = np.abs(at)
    return np.where(at >= n, 2 * (n - 1) - at, at)


def pick(x: Any, ways: tuple[Way, ...]) -> Any:
    """Entries of the last dims by their numbers."""
    first = x.ndim - len(ways)
    for i, way in enumerate(ways):
        x = np.take(x, index_of(way), axis=first + i)
    return x


def put_back(g: Any, ways: tuple[Way, ...]) -> Any:
    """Add each entry to where it was picked from."""
    first = g.ndim - len(ways)
    for i, way in enumerate(ways):
        moved = np.moveaxis(g, first + i, 0)
        out = np.zeros((way[1], *moved.shape[1:]), g.dtype)
        np.add.at(out, index_of(way), moved)
        g = np.moveaxis(out, 0, first + i)
    return np.ascontiguousarray(g)


def picked_shape(shape: tuple[int, ...], ways: tuple[Way, ...]) -> tuple[int, ...]:
    """The shape after picking."""
    return (*shape[: len(shape) - len(ways)], *(len(index_of(way)) for way in ways))


PICK_BACK: Op = declare(
    Op(
        name="pick_back",
        category=Category.INDEX,
        args=("gradient",),
        params=("ways",),
        formula=N_("out = each entry added to where it was taken from"),
        backward_formula=N_("d gradient = g, taken as the input was"),
        forward=put_back,
        vjp=lambda node, g: (apply(node, PICK, (g,), node.params),),
        shape=lambda shape, ways: (*shape[: len(shape) - len(ways)], *(way[1] for way in ways)),
        narrate=N_("each entry of {gradient} is added to the entry that it was taken from: {shape}"),
        narrate_backward=N_("the gradient is taken as the input was"),
    )
)
PICK: Op = declare(
    Op(
        name="pick",
        category=Category.INDEX,
        args=("input",),
        params=("ways",),
        formula=N_("out = entries of input by their numbers, dim by dim"),
        backward_formula=N_("d input = each g added to where its entry was taken from"),
        forward=pick,
        vjp=lambda node, g: (apply(node, PICK_BACK, (g,), node.params),),
        shape=picked_shape,
        narrate=N_("entries of {input} {input_shape} are taken, some more than once: {shape}"),
        narrate_backward=N_("each entry of {input} gets the gradients of all places that it was taken to"),
        samples=lambda: [((2, 3, 4), {"ways": (("reflect", 3, 1, 2), ("circular", 4, 2, 1))})],
    )
)


def pick_vjp(node: Any, g: Any) -> Any:
    """The vjp of an operator whose first parameter is its ways."""
    return (apply(node, PICK_BACK, (g,), node.params[:1]),)


def _constant_forward(x: Any, pairs: Any, value: Any) -> Any:
    if not value:
        return padded(x, pairs) if any(a or b for a, b in pairs) else x.copy()
    n = len(pairs)
    shape = x.shape[:-n] + tuple(s + a + b for s, (a, b) in zip(x.shape[-n:], pairs))
    out: Any = np.full(shape, value, x.dtype)
    to = tuple(slice(max(a, 0), s - max(b, 0)) for s, (a, b) in zip(shape[-n:], pairs))
    of = tuple(slice(max(-a, 0), s - max(-b, 0)) for s, (a, b) in zip(x.shape[-n:], pairs))
    out[(..., *to)] = x[(..., *of)]
    return out


CONSTANT_PAD: Op = declare(
    Op(
        name="constant_pad",
        node="ConstantPadNdBackward0",
        category=Category.SHAPE,
        args=("input",),
        params=("pad", "value"),
        formula=N_("out = input with a border of value"),
        backward_formula=N_("d input = g without the border"),
        forward=_constant_forward,
        vjp=lambda node, g: (apply(node, CONSTANT_PAD, (g,), (tuple((-a, -b) for a, b in node.params[0]), 0)),),
        shape=lambda x, pairs, value: (
            *x[: len(x) - len(pairs)],
            *(n + a + b for n, (a, b) in zip(x[len(x) - len(pairs) :], pairs)),
        ),
        narrate=N_("{input} {input_shape} gets a border of {value}: {shape}"),
        narrate_backward=N_("{input} gets the gradient of its own part; that of the border is dropped"),
        samples=lambda: [
            ((2, 3, 4), {"pad": ((1, 2), (0, 1)), "value": 1.5}),
            ((3, 4), {"pad": ((-1, 2),), "value": 0}),
        ],
    )
)


def _declare(mode: str, word: str, n: int, formula: str) -> Op:
    node = f"{word.title()}Pad{n}DBackward0" if mode != "circular" else "CopySlices"
    return declare(
        Op(
            name=f"{word}_pad{n}d",
            node=node,
            category=Category.SHAPE,
            args=("input",),
            params=("ways",),
            formula=formula,
            backward_formula=N_("d input = g, and that of the border added to where its entries came from"),
            forward=pick,
            vjp=pick_vjp,
            shape=picked_shape,
            narrate=N_("{input} {input_shape} gets a border made of its own entries: {shape}"),
            narrate_backward=N_("the gradient of the border is added to the entries of {input} that it repeats"),
            samples=lambda: [((2, 3, *(4, 5, 3)[:n]), {"ways": tuple((mode, m, 1, 2) for m in (4, 5, 3)[:n])})],
        )
    )


_BY_MODE = {
    mode: {n: _declare(mode, word, n, formula) for n in (1, 2, 3)}
    for mode, word, formula in (
        ("reflect", "reflection", N_("out = input with a border: its entries mirrored at the edge")),
        ("replicate", "replication", N_("out = input with a border: the entry at the edge again and again")),
        ("circular", "circular", N_("out = input with a border: the entries of the opposite edge")),
    )
}

_COMBINATIONS = (
    "\nSupported combinations for non-constant padding:\n  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
    "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
    "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
)


def _check_constant(x: Any, pairs: Any) -> None:
    for i, (a, b) in enumerate(pairs):
        size = x.shape[x.ndim - len(pairs) + i]
        if size + min(a, 0) + min(b, 0) < 0:
            fail(
                RuntimeError,
                "narrow(): length must be non-negative.",
                kind="pad_size",
                op="pad",
                shape=list(x.shape),
                pad=[a, b],
            )


def _check_picked(x: Any, pairs: Any, mode: str) -> None:
    n = len(pairs)
    sizes = x.shape[-n:]
    letters = ("D", "H", "W")[-n:]
    facts: dict[str, Any] = {"op": "pad", "shape": list(x.shape), "pad": [list(p) for p in pairs], "mode": mode}
    if mode != "circular" and (0 in sizes or 0 in x.shape[-n - 1 : -n]):
        fail(
            RuntimeError,
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            "dimensions "
            f"for input, but got: {list(x.shape)}",
            kind="pad_size",
            **facts,
        )
    for back, (size, (a, b)) in enumerate(zip(reversed(sizes), reversed(pairs))):
        if mode == "circular" and (a > size or b > size):
            fail(RuntimeError, "Padding value causes wrapping around more than once.", kind="pad_size", **facts)
        if mode == "reflect" and (a >= size or b >= size):
            fail(
                RuntimeError,
                f"Argument #{4 + 2 * back}: Padding size should be less than the corresponding input dimension, "
                "but got: "
                f"padding ({a}, {b}) at dimension {x.ndim - 1 - back} of input {list(x.shape)}",
                kind="pad_size",
                **facts,
            )
    after = [size + a + b for size, (a, b) in zip(sizes, pairs)]
    if mode == "circular":
        if any(m < 0 for m in after):
            fail(RuntimeError, "Negative padding value is resulting in an empty dimension.", kind="pad_size", **facts)
        return
    if any(m < 1 for m in after):
        before = " ".join(f"{letter}: {size}" for letter, size in zip(letters, sizes))
        made = " ".join(f"{letter}: {m}" for letter, m in zip(letters, after))
        fail(RuntimeError, f"input ({before}) is too small. Calculated output {made}", kind="pad_size", **facts)


@public("pad", method=False)
def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """A border around the last dims: `pad` gives (before, after) from the last dim backwards."""
    x = need_tensor(input, "pad")._array
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"pad(): argument 'pad' (position 2) must be tuple of ints, not {type_name(pad)}")
    if pad and (isinstance(pad[0], bool) or not hasattr(pad[0], "__index__")):
        kind = type_name(pad[0])
        raise TypeError(
            f"pad(): argument 'pad' (position 2) must be tuple of ints, but found element of type {kind} at pos 0"
        )
    ints = [index(p) for p in pad]
    facts: dict[str, Any] = {"kind": "pad_size", "op": "pad", "shape": list(x.shape), "pad": ints}
    if len(ints) % 2:
        fail(RuntimeError, "Padding length must be divisible by 2", **facts)
    n = len(ints) // 2
    if n > x.ndim:
        fail(
            RuntimeError,
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(ints)} and input of dimension {x.ndim}",
            **facts,
        )
    pairs = tuple((ints[2 * i], ints[2 * i + 1]) for i in reversed(range(n)))
    if mode == "constant":
        _check_constant(x, pairs)
        return run(CONSTANT_PAD, (input,), (pairs, 0 if value is None else value))
    if value is not None and value != 0:
        fail(RuntimeError, f'Padding mode "{mode}" doesn\'t take in value argument', **facts)
    if mode not in _BY_MODE:
        fail(NotImplementedError, f"Unrecognised padding mode {mode}", **facts)
    if n not in (1, 2, 3) or x.ndim not in (n + 1, n + 2):
        fail(
            NotImplementedError,
            f"Padding size {len(ints)} is not supported for {x.ndim}D input tensor.{_COMBINATIONS}",
            **facts,
        )
    _check_picked(x, pairs, mode)
    ways = tuple((mode, size, a, b) for size, (a, b) in zip(x.shape[-n:], pairs))
    return run(_BY_MODE[mode][n], (input,), (ways,))


def as_pairs(padding: Any, n: int) -> tuple[int, ...]:
    """A layer's padding as F.pad takes it."""
    return tuple(padding) if isinstance(padding, Iterable) else (padding,) * (2 * n)
