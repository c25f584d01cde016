"""Diagonals and grids: diagonal, diag_embed, diag, trace, meshgrid."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import wrap_dim
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import (
    FUNCTIONS,
    need_tensor,
    public,
    run,
)
from graphlab.i18n import N_


def _diagonal_key(shape: tuple[int, ...], offset: int) -> tuple[Array, Array]:
    n, m = shape
    size = max(0, min(n, m - offset) if offset >= 0 else min(n + offset, m))
    i = np.arange(size)
    return i - min(offset, 0), i + max(offset, 0)


def _diagonal_shape(shape: tuple[int, ...], offset: int, a: int, b: int) -> tuple[int, ...]:
    n, m = shape[a], shape[b]
    size = max(0, min(n, m - offset) if offset >= 0 else min(n + offset, m))
    return (*(k for d, k in enumerate(shape) if d not in (a, b)), size)


def _embedded_shape(shape: tuple[int, ...], offset: int, a: int, b: int) -> tuple[int, ...]:
    n = shape[-1] + abs(offset)
    out = list(shape[:-1])
    for d in sorted((a, b)):
        out.insert(d, n)
    return tuple(out)


DIAGONAL = declare(
    Op(
        name="diagonal",
        category=Category.INDEX,
        args=("input",),
        params=("offset", "dim1", "dim2"),
        formula=N_("out = the entries of input with equal places in dim1 and dim2"),
        backward_formula=N_("d input = g on the diagonal, 0 elsewhere"),
        forward=lambda x, o, a, b: _writeable_diagonal(x, o, a, b),
        vjp=lambda node, g: (node.xp.undo_diagonal(g, *node.params),),
        broadcasts=True,
        view=True,
        shape=_diagonal_shape,
        narrate=N_("the diagonal of {input} {input_shape} is picked out: {shape}"),
        narrate_backward=N_("only the diagonal of {input} gets a gradient"),
        samples=lambda: [((3, 4), {"offset": 0, "dim1": 0, "dim2": 1})],
    )
)


def _writeable_diagonal(x: Array, offset: int, a: int, b: int) -> Array:
    out = x.diagonal(offset, a, b)
    if x.flags.writeable:
        out.flags.writeable = True
    return out


@public(DIAGONAL)
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two dims, sharing memory."""
    n = need_tensor(input, "diagonal")._array.ndim
    a, b = wrap_dim(dim1, n, "diagonal"), wrap_dim(dim2, n, "diagonal")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return run(DIAGONAL, (input,), (offset, a, b))


DIAG_EMBED = declare(
    Op(
        name="diag_embed",
        category=Category.INDEX,
        args=("input",),
        params=("offset", "dim1", "dim2"),
        formula=N_("out = matrices with input on their diagonals"),
        backward_formula=N_("d input = g on the diagonals"),
        forward=lambda x, o, a, b: _embed(x, o, a, b),
        vjp=lambda node, g: (node.xp.diagonal(g, *node.params),),
        shape=_embedded_shape,
        narrate=N_("{input} is put on a diagonal: {shape}"),
        narrate_backward=N_("{input} gets the gradient on the diagonal"),
        samples=lambda: [((3,), {"offset": 0, "dim1": 0, "dim2": 1})],
    )
)


def _embed(x: Array, offset: int, a: int, b: int) -> Array:
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n), x.dtype)
    i = np.arange(x.shape[-1])
    out[..., i - min(offset, 0), i + max(offset, 0)] = x
    return np.moveaxis(out, (-2, -1), (a, b))


@public(DIAG_EMBED)
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices with the last dim on their diagonals."""
    n = need_tensor(input, "diag_embed")._array.ndim + 1
    a, b = wrap_dim(dim1, n, "diag_embed"), wrap_dim(dim2, n, "diag_embed")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return run(DIAG_EMBED, (input,), (offset if a < b else -offset, min(a, b), max(a, b)))


@public("diag")
def diag(input: Any, diagonal: int = 0, *, out: Any = None) -> Any:
    """The diagonal of a matrix, or a matrix with a vector on its diagonal."""
    n = need_tensor(input, "diag")._array.ndim
    if n == 1:
        return diag_embed(input, diagonal, 0, 1)
    if n == 2:
        return rename(FUNCTIONS["diagonal"](input, diagonal, 0, 1).clone(), "DiagonalBackward0_copy")
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {n}D")


@public("trace")
def trace(input: Any) -> Any:
    """The sum of a matrix's diagonal."""
    if need_tensor(input, "trace")._array.ndim != 2:
        raise RuntimeError("trace: expected a matrix, but got tensor with dim " + str(input._array.ndim))
    return rename(FUNCTIONS["diagonal"](input).sum(), "TraceBackward0")


@public("meshgrid", method=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> Any:
    """Coordinates of a grid."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = [t._array.size for t in tensors]
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    full = [shape[i] for i in order]
    return tuple(
        t.reshape([-1 if order[k] == i else 1 for k in range(len(order))]).expand(full) for i, t in enumerate(tensors)
    )
