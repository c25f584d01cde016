"""Joining and cutting: cat, stack, split, chunk, unbind."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import CPU
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import FUNCTIONS, attach, bad_argument, common_device, need_tensor, public, run
from graphlab.engine.ops.views import unsqueeze
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _cat_vjp(node: Any, g: Any) -> Any:
    *shapes, dim = node.params
    out = []
    at = 0
    for shape in shapes:
        n = shape[dim] if len(shape) > dim else 0
        key = (slice(None),) * dim + (slice(at, at + n),)
        out.append(g[key] if len(shape) == g.ndim else None)
        at += n
    return out


def _cat_shape(*args: Any) -> tuple[int, ...]:
    *shapes, dim = args
    full = [s for s in shapes if s != (0,)] or [(0,)]
    return tuple(sum(s[dim] for s in full) if i == dim else n for i, n in enumerate(full[0]))


CAT = declare(
    Op(
        name="cat",
        category=Category.SHAPE,
        args=("tensors",),
        params=("dim",),
        formula=N_("out = the tensors one after another along dim"),
        backward_formula=N_("d of each tensor = its part of g"),
        forward=lambda *args: np.concatenate([a for a in args[:-1] if a.shape != (0,)] or args[:1], args[-1]),
        vjp=_cat_vjp,
        broadcasts=True,
        shape=_cat_shape,
        narrate=N_("tensors are joined along dim {dim}: {shape}"),
        narrate_backward=N_("each tensor that was joined gets its part of the gradient"),
    )
)
STACK = declare(
    Op(
        name="stack",
        category=Category.SHAPE,
        args=("tensors",),
        params=("dim",),
        formula=N_("out = the tensors side by side along a new dim"),
        backward_formula=N_("d of each tensor = its slice of g"),
        forward=lambda *args: np.stack(args[:-1], args[-1]),
        vjp=lambda node, g: [g[(slice(None),) * node.params[-1] + (i,)] for i in range(len(node.edges))],
        broadcasts=True,
        shape=lambda *args: (*args[0][: args[-1]], len(args) - 1, *args[0][args[-1] :]),
        narrate=N_("tensors of the same shape are put side by side along a new dim {dim}: {shape}"),
        narrate_backward=N_("each tensor that was stacked gets its slice of the gradient"),
    )
)


def _sequence(tensors: Any, name: str) -> tuple[Tensor, ...]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(each).__name__}")
    return tuple(tensors)


@public(CAT, "cat", "concat", "concatenate", method=False)
def cat(tensors: Any, dim: int = 0, *, out: Any = None, axis: int | None = None) -> Any:
    """The tensors one after another along a dim."""
    parts = _sequence(tensors, "cat")
    if not parts:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    shapes = [p._array.shape for p in parts]
    for i, s in enumerate(shapes):
        if not s:
            fail(
                RuntimeError,
                f"zero-dimensional tensor (at position {i}) cannot be concatenated",
                kind="concat",
                op="cat",
                shapes=[list(s) for s in shapes],
            )
    full = [s for s in shapes if s != (0,)]
    d = wrap_dim(dim if axis is None else axis, len(full[0]) if full else 1, "cat")
    for i, s in enumerate(shapes):
        if s == (0,):
            continue
        if len(s) != len(full[0]):
            fail(
                RuntimeError,
                f"Tensors must have same number of dimensions: got {len(full[0])} and {len(s)}",
                kind="concat",
                op="cat",
                shapes=[list(s) for s in shapes],
            )
        for k, (n, m) in enumerate(zip(full[0], s)):
            if n != m and k != d:
                fail(
                    RuntimeError,
                    f"Sizes of tensors must match except in dimension {d}. Expected size {n} but got "
                    f"size {m} for tensor "
                    f"number {i} in the list.",
                    kind="concat",
                    op="cat",
                    shapes=[list(s) for s in shapes],
                    dim=d,
                    sizes=[n, m],
                )
    kind = dtypes.of(parts[0]._array)
    for p in parts[1:]:
        kind = dtypes.promote_types(kind, p.dtype)
    casts = None if all(p._array.dtype == kind.np for p in parts) else (kind.np,) * len(parts)
    common_device("cat", parts)
    return run(CAT, parts, (d,), casts)


@public(STACK, method=False)
def stack(tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    """The tensors side by side along a new dim."""
    parts = _sequence(tensors, "stack")
    if not parts:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = parts[0]._array.shape
    for i, p in enumerate(parts):
        if p._array.shape != shape:
            fail(
                RuntimeError,
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(p._array.shape)} at entry {i}",
                kind="concat",
                op="stack",
                shapes=[list(q._array.shape) for q in parts],
            )
    kind = dtypes.of(parts[0]._array)
    for p in parts[1:]:
        kind = dtypes.promote_types(kind, p.dtype)
    casts = None if all(p._array.dtype == kind.np for p in parts) else (kind.np,) * len(parts)
    return run(STACK, parts, (wrap_dim(dim, len(shape) + 1, "stack"),), casts)


def _not_empty(tensors: Any, name: str) -> None:
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")


def _need_list(tensors: Any, name: str) -> None:
    if isinstance(tensors, Tensor):
        raise bad_argument(name, "tensors", 1, "tuple of Tensors", tensors)


@public("hstack", method=False)
def hstack(tensors: Any, *, out: Any = None) -> Any:
    """Joined along columns."""
    _not_empty(tensors, "hstack")
    _need_list(tensors, "hstack")
    parts = [p if p._array.ndim else p.reshape(1) for p in tensors]
    return cat(parts, 0 if parts[0]._array.ndim == 1 else 1)


@public("vstack", "vstack", "row_stack", method=False)
def vstack(tensors: Any, *, out: Any = None) -> Any:
    """Joined along rows."""
    _not_empty(tensors, "vstack")
    _need_list(tensors, "vstack")
    return cat([p.reshape(1, -1) if p._array.ndim < 2 else p for p in tensors], 0)


@public("column_stack", method=False)
def column_stack(tensors: Any, *, out: Any = None) -> Any:
    """Vectors as columns side by side."""
    _need_list(tensors, "column_stack")
    return hstack([p.reshape(-1, 1) if p._array.ndim < 2 else p for p in tensors])


@public("dstack", method=False)
def dstack(tensors: Any, *, out: Any = None) -> Any:
    """Joined along a third dim."""
    _not_empty(tensors, "dstack")
    _need_list(tensors, "dstack")
    deep = [p.reshape(1, -1, 1) if p._array.ndim < 2 else unsqueeze(p, 2) if p._array.ndim == 2 else p for p in tensors]
    return cat(deep, 2)


def _split(x: Any, sizes_: tuple[int, ...], dim: int) -> Any:
    out, at = [], 0
    for n in sizes_:
        out.append(x[(slice(None),) * dim + (slice(at, at + n),)])
        at += n
    return out


def _filled(node: Any, gs: Any) -> list[Any]:
    """The gradients of several outputs, zeros where none arrived."""
    like = next(g for g in gs if g is not None)
    return [node.xp.full(shape, 0, like) if g is None else g for g, (shape, _) in zip(gs, node.outs)]


SPLIT = declare(
    Op(
        name="split",
        node="SplitBackward0",
        category=Category.SHAPE,
        args=("input",),
        params=("sizes", "dim"),
        formula=N_("out = consecutive pieces of input along dim"),
        backward_formula=N_("d input = the pieces' gradients joined"),
        forward=_split,
        vjp=lambda node, gs: (node.xp.cat(_filled(node, gs), node.params[1]),),
        view=True,
        n_outputs=2,
        shape=lambda s, sizes, dim: tuple((*s[:dim], n, *s[dim + 1 :]) for n in sizes),
        narrate=N_("{input} {input_shape} is cut along dim {dim} into pieces of sizes {sizes}"),
        narrate_backward=N_("the gradients of the pieces are joined into that of {input}"),
    )
)
UNBIND = declare(
    Op(
        name="unbind",
        category=Category.SHAPE,
        args=("input",),
        params=("dim",),
        formula=N_("out[i] = slice i of input along dim"),
        backward_formula=N_("d input = the slices' gradients stacked"),
        forward=lambda x, dim: [
            x[(slice(None),) * dim + (slice(i, i + 1),)].reshape(x.shape[:dim] + x.shape[dim + 1 :])
            for i in range(x.shape[dim])
        ],
        vjp=lambda node, gs: (node.xp.stack(_filled(node, gs), node.params[0]),),
        view=True,
        n_outputs=2,
        shape=lambda s, dim: ((*s[:dim], *s[dim + 1 :]),) * s[dim],
        narrate=N_("{input} {input_shape} is taken apart along dim {dim}"),
        narrate_backward=N_("the gradients of the slices are stacked into that of {input}"),
    )
)


_SPLIT_SIZES, _SLICES = known_as(SPLIT, "SplitWithSizesBackward0"), known_as(SPLIT, "SliceBackward0")


def _pieces(sizes: Any) -> tuple[int, ...]:
    for i, size in enumerate(sizes):
        if not isinstance(size, (int, np.integer, Tensor)):
            where = "split_with_sizes(): argument 'split_sizes'"
            name = type(size).__name__
            if i:
                why = f'"type must be tuple of ints,but got {name}"'
                raise TypeError(f"{where} failed to unpack the object at pos {i + 1} with error {why}")
            raise TypeError(f"{where} (position 2) must be tuple of ints, but found element of type {name} at pos 0")
    return tuple(int(size) for size in sizes)


@public(SPLIT)
def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Consecutive pieces of a size, or of given sizes, along a dim."""
    x = need_tensor(input, "split")._array
    if not x.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = wrap_dim(dim, x.ndim, "split")
    n = x.shape[d]
    if isinstance(split_size_or_sections, Tensor) and split_size_or_sections._array.size == 1:
        split_size_or_sections = int(split_size_or_sections)
    if not isinstance(split_size_or_sections, (int, np.integer)):
        if not isinstance(split_size_or_sections, (tuple, list)):
            raise bad_argument("split_with_sizes", "split_sizes", 2, "tuple of ints", split_size_or_sections)
        pieces = _pieces(split_size_or_sections)
        if any(s < 0 for s in pieces):
            raise RuntimeError(
                "split_with_sizes expects split_sizes have only non-negative entries, but got "
                f"split_sizes={list(pieces)}"
            )
        if sum(pieces) != n:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                f"dimension {d}), but "
                f"got split_sizes={list(pieces)}"
            )
        return run(_SPLIT_SIZES, (input,), (pieces, d))
    else:
        size = int(split_size_or_sections)
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        pieces = tuple(min(size, n - at) for at in range(0, n, size or 1)) or (0,)
    return run(SPLIT, (input,), (pieces, d))


attach(split_with_sizes=split)


@public("chunk")
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of equal size (the last may be smaller)."""
    x = need_tensor(input, "chunk")._array
    if not x.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = wrap_dim(dim, x.ndim, "chunk")
    size = -(-x.shape[d] // chunks)
    if not size:
        return split(input, [0] * chunks, d)
    return split(input, size, d)


@public("tensor_split")
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    """Pieces cut at indices, or a number of almost equal pieces."""
    x = need_tensor(input, "tensor_split")._array
    d = wrap_dim(dim, x.ndim, "tensor_split")
    n = x.shape[d]
    if isinstance(indices_or_sections, Tensor):
        found = indices_or_sections._array
        if indices_or_sections._device is not CPU:
            where = indices_or_sections._device
            raise RuntimeError(f"tensor_split expected tensor_indices_or_sections to be on cpu, but it's on {where}")
        if found.dtype != np.int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{indices_or_sections.dtype.title}"
            )
        indices_or_sections = found.tolist()
    if isinstance(indices_or_sections, int):
        if indices_or_sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {indices_or_sections}")
        k, extra = divmod(n, indices_or_sections)
        return run(_SLICES, (input,), ((k + 1,) * extra + (k,) * (indices_or_sections - extra), d))
    cuts = [0, *(min(max(i + n if i < 0 else i, 0), n) for i in map(int, indices_or_sections)), n]
    return tuple(FUNCTIONS["narrow"](input, d, a, max(b - a, 0)) for a, b in pairwise(cuts))


@public(UNBIND)
def unbind(input: Any, dim: int = 0) -> Any:
    """All slices along a dim."""
    x = need_tensor(input, "unbind")._array
    if not x.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    d = wrap_dim(dim, x.ndim, "unbind")
    return run(UNBIND, (input,), (d,)) if x.shape[d] else ()


def _iterate(self: Tensor) -> Any:
    if not self._array.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self, 0))


attach(__iter__=_iterate)
