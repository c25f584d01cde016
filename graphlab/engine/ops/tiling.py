"""Repeating and turning over: repeat, tile, flip, roll, tril and triu."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import wrap_dim, wrap_dims
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, method, need_tensor, public, run
from graphlab.engine.ops.views import _dims_argument, flatten
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, virtual
from graphlab.i18n import N_


def _repeat_vjp(node: Any, g: Any) -> Any:
    shape, repeats = node.params
    full = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    xp = node.xp
    parts = xp.reshape(g, tuple(v for r, n in zip(repeats, full) for v in (r, n)))
    dims = tuple(range(0, 2 * len(full), 2))
    return (xp.reshape(xp.sum(parts, dims) if dims else parts, shape),)


REPEAT = declare(
    Op(
        name="repeat",
        category=Category.SHAPE,
        args=("input",),
        params=("repeats",),
        formula=N_("out = copies of input, repeats along each dim"),
        backward_formula=N_("d input = g summed over the copies"),
        forward=lambda x, repeats: np.tile(x, repeats),
        vjp=_repeat_vjp,
        broadcasts=True,
        shape=lambda s, repeats: tuple(r * n for r, n in zip(repeats, (1,) * (len(repeats) - len(s)) + tuple(s))),
        narrate=N_("{input} {input_shape} is copied {repeats} times: {shape}"),
        narrate_backward=N_("the gradients of all copies are summed into {input}"),
        samples=lambda: [((2, 3), {"repeats": (2, 1, 2)})],
    )
)


@method(REPEAT, "repeat")
def repeat(self: Tensor, *repeats: Any) -> Any:
    """Copies along each dim."""
    counts = _dims_argument(repeats, "repeat")
    if len(counts) < self._array.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(c < 0 for c in counts):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(counts)}: {list(counts)}")
    return run(REPEAT, (self,), (counts,))


REPEAT.function = lambda input, repeats: repeat(input, *repeats)


@public("tile")
def tile(input: Any, *dims: Any) -> Any:
    """Copies along each dim; missing counts are 1."""
    counts = _dims_argument(dims, "tile")
    return repeat(input, (1,) * (input._array.ndim - len(counts)) + counts)


@public("repeat_interleave")
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None, *, output_size: Any = None) -> Any:
    """Each entry (or slice along dim) repeated in place."""
    if dim is None:
        input, dim = flatten(input) if input._array.ndim != 1 else input, 0
    n = input._array.shape[wrap_dim(dim, input._array.ndim, "repeat_interleave")]
    counts = repeats._array if isinstance(repeats, Tensor) else repeats
    if type(counts) is Virtual:
        if output_size is None:
            raise RuntimeError("cannot repeat_interleave a meta tensor without output_size")
        places = virtual((int(output_size),), np.dtype(np.int64))
        return FUNCTIONS["index_select"](input, dim, wrap(places, input._device))
    index = np.repeat(np.arange(n), np.broadcast_to(counts, (n,)) if np.ndim(counts) else counts)
    made = FUNCTIONS["index_select"](input, dim, wrap(index, input._device))
    return made if isinstance(repeats, Tensor) else rename(made, "ViewBackward0")


FLIP = declare(
    Op(
        name="flip",
        category=Category.SHAPE,
        args=("input",),
        params=("dims",),
        formula=N_("out = input in reverse order along dims"),
        backward_formula=N_("d input = g in reverse order along dims"),
        forward=lambda x, dims: np.flip(x, dims).copy(),
        vjp=lambda node, g: (node.xp.flip(g, node.params[0]),),
        shape=lambda s, dims: s,
        narrate=N_("{input} is put in reverse order along dims {dims}"),
        narrate_backward=N_("the gradient is put back in order"),
        samples=lambda: [((2, 3), {"dims": (1,)})],
    )
)
ROLL = declare(
    Op(
        name="roll",
        category=Category.SHAPE,
        args=("input",),
        params=("shifts", "dims"),
        formula=N_("out = input shifted along dims, what falls out comes in at the other end"),
        backward_formula="d input = g shifted back",
        forward=lambda x, shifts, dims: np.roll(x, shifts, dims),
        vjp=lambda node, g: (
            node.xp.roll(g, tuple(-s for s in node.params[0]), node.params[1])
            if node.params[1] is not None
            else node.xp.reshape(node.xp.roll(node.xp.reshape(g, (-1,)), (-node.params[0][0],), (0,)), g.shape),
        ),
        shape=lambda s, *_: s,
        narrate=N_("{input} is shifted by {shifts} along dims {dims}"),
        narrate_backward=N_("the gradient is shifted back"),
        samples=lambda: [((2, 3), {"shifts": (1,), "dims": (1,)})],
    )
)


@public(FLIP)
def flip(input: Any, *dims: Any, **named: Any) -> Any:
    """In reverse order along dims."""
    dims = (named["dims"],) if named else dims
    n = need_tensor(input, "flip")._array.ndim
    return run(FLIP, (input,), (wrap_dims(_dims_argument(dims, "flip"), n, "flip"),))


@public("fliplr")
def fliplr(input: Any) -> Any:
    """Columns in reverse order."""
    if input._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@public("flipud")
def flipud(input: Any) -> Any:
    """Rows in reverse order."""
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@public(ROLL)
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Shifted along dims, around the end."""
    n = need_tensor(input, "roll")._array.ndim
    by = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    along = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not by:
        raise RuntimeError("`shifts` required")
    if along and not n:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    if not along:
        if len(by) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:0")
        return run(ROLL, (input,), (by, None))
    if len(by) != len(along):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}")
    return run(ROLL, (input,), (by, tuple(wrap_dim(d, n, "roll") for d in along)))


def _triangle(name: str, forward: Any, words: str) -> Op:
    op = declare(
        Op(
            name=name,
            category=Category.INDEX,
            args=("input",),
            params=("diagonal",),
            formula=(
                N_("out = the lower triangle of input, 0 elsewhere")
                if name == "tril"
                else N_("out = the upper triangle of input, 0 elsewhere")
            ),
            backward_formula=N_("d input = g in the triangle, 0 elsewhere"),
            forward=forward,
            vjp=lambda node, g: (getattr(node.xp, name)(g, node.params[0]),),
            shape=lambda s, *_: s,
            narrate=words,
            narrate_backward=N_("only the triangle of {input} gets a gradient"),
            samples=lambda: [((3, 4), {"diagonal": 0}), ((3, 3), {"diagonal": 1})],
        )
    )

    def call(input: Any, diagonal: int = 0, *, out: Any = None) -> Any:
        if need_tensor(input, name)._array.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        return run(op, (input,), (diagonal,))

    call.__name__ = name
    public(op)(call)
    return op


_triangle("tril", np.tril, N_("what lies above the diagonal of {input} becomes 0"))
_triangle("triu", np.triu, N_("what lies below the diagonal of {input} becomes 0"))
