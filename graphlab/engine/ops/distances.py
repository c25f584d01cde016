"""Distances and similarities between vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.device import need_room
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public, run
from graphlab.engine.tensor import wrap
from graphlab.engine.virtual import known
from graphlab.i18n import N_

tensor_of: Any = need_tensor
# Its operators are attached to Tensor later, so a type checker does not know them.


def _cdist(x: Any, y: Any, p: float) -> Any:
    if p == 2 and (x.shape[-2] > 25 or y.shape[-2] > 25):
        # |x|² − 2 x·y + |y|², as PyTorch does for many vectors: quicker, and less precise for near ones.
        squares = (x * x).sum(-1)[..., :, None] + (y * y).sum(-1)[..., None, :] - 2 * (x @ y.swapaxes(-1, -2))
        return np.sqrt(np.maximum(squares, 0))
    d = np.abs(x[..., :, None, :] - y[..., None, :, :])
    if not d.shape[-1]:
        return np.zeros(d.shape[:-1], x.dtype)
    if p == 0:
        return (d != 0).sum(-1).astype(x.dtype)
    if p == 1:
        return d.sum(-1)
    if p == 2:
        return np.sqrt((d * d).sum(-1))
    if p == math.inf:
        return d.max(-1)
    return np.power(np.power(d, x.dtype.type(p)).sum(-1), x.dtype.type(1 / p))


def _cdist_vjp(node: Any, g: Any, x: Any, y: Any, out: Any) -> Any:
    shape_x, shape_y, p = node.params
    xp = node.xp
    if p == 0 or not shape_x[-1]:
        return x * 0, y * 0
    d = xp.reshape(x, (*shape_x[:-1], 1, shape_x[-1])) - xp.reshape(y, (*shape_y[:-2], 1, *shape_y[-2:]))
    wide = (*out.shape, 1)
    if p == 1:
        slope = xp.sign(d)
    else:
        length = xp.reshape(out, wide)
        if p == math.inf:
            slope = xp.sign(d) * (xp.abs(d) == length)
        else:
            zero = length == 0
            safe = xp.where(zero, length * 0 + 1, length)
            if p == 2:
                slope = d / safe
            else:
                ratio = xp.abs(d) / safe
                # A power below 1 has no slope at 0: nothing is sent there.
                ratio = xp.where(d == 0, ratio * 0 + 1, ratio)
                slope = xp.sign(d) * ratio ** (p - 1)
            slope = xp.where(zero, slope * 0, slope)
    each = xp.reshape(g, wide) * slope
    n = each.ndim
    dx = None if node.edges[0] is None else xp.sum_to(xp.sum(each, (n - 2,)), shape_x)
    dy = None if node.edges[1] is None else xp.sum_to(-xp.sum(each, (n - 3,)), shape_y)
    return dx, dy


CDIST = declare(
    Op(
        name="cdist",
        category=Category.MATRIX,
        args=("x1", "x2"),
        params=("p",),
        formula="out[i, j] = (Σ |x1[i] − x2[j]|^p)^(1/p)",
        backward_formula="d x1[i] = Σ g[i, j] · (x1[i] − x2[j]) / out[i, j]  (p = 2)",
        forward=_cdist,
        vjp=_cdist_vjp,
        saves=("x1", "x2", "out"),
        broadcasts=True,
        shape=lambda a, b, p: (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-2]),
        narrate=N_("the distance of every row of {x1} {x1_shape} from every row of {x2} {x2_shape}: {shape}"),
        narrate_backward=N_("each row is pushed along its differences from the others, scaled by the gradients"),
        samples=lambda: [((3, 2), (4, 2), {"p": 2.0}), ((3, 2), (4, 2), {"p": 3.0})],
    )
)


def _need_float(t: Any, name: str, label: str) -> None:
    if t._array.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            f"{name} only supports floating-point dtypes, {label} got: {t.dtype.title}",
            kind="dtype_unsupported",
            op=name,
            dtype=t.dtype.name,
        )


@public("cdist", method=False)
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    """The distance of every row of one from every row of the other."""
    a, b = tensor_of(x1, "cdist", "x1")._array, tensor_of(x2, "cdist", "x2", 2)._array
    _need_float(x1, "cdist", "X1")
    _need_float(x2, "cdist", "X2")
    for label, array in (("X1", a), ("X2", b)):
        if array.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {label} got: {array.ndim}D")
    if a.shape[-1] != b.shape[-1]:
        fail(
            RuntimeError,
            f"X1 and X2 must have the same number of columns. X1: {a.shape[-1]} X2: {b.shape[-1]}",
            kind="matmul",
            op="cdist",
            shapes=[list(a.shape), list(b.shape)],
            sizes=[a.shape[-1], b.shape[-1]],
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    return run(CDIST, (x1, x2), (float(p),))


CDIST.function = FUNCTIONS["cdist"]


@public("pdist", method=False)
def pdist(input: Any, p: float = 2.0) -> Any:
    """The distances between all pairs of rows."""
    x = tensor_of(input, "pdist")._array
    if x.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {x.ndim}D")
    _need_float(input, "pdist", "input")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    need_room(x.shape[0] * (x.shape[0] - 1) // 2, itemsize=x.itemsize)
    rows, columns = np.triu_indices(x.shape[0], 1)
    both = cdist(input, input, p)
    return rename(both[wrap(rows.astype(np.int64)), wrap(columns.astype(np.int64))], "PdistBackward0")


@public("dist")
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of the difference."""
    difference = tensor_of(input, "dist") - tensor_of(other, "dist", "other", 2)
    return rename(FUNCTIONS["norm"](difference, float(p)), "DistBackward0")


@public("pairwise_distance", method=False)
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The distance of each row from the row at the same place."""
    tensor_of(x1, "pairwise_distance", "x1")
    tensor_of(x2, "pairwise_distance", "x2", 2)
    return rename(FUNCTIONS["norm"](x1 - x2 + eps, float(p), -1, keepdim), "NormBackward1")


@public("cosine_similarity", method=False)
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along a dim."""
    a, b = tensor_of(x1, "cosine_similarity", "x1"), tensor_of(x2, "cosine_similarity", "x2", 2)
    kind = dtypes.result(a._array, b._array)
    if kind.rank < 2:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {kind.title}")
    a, b = FUNCTIONS["broadcast_tensors"](a.to(kind), b.to(kind))
    d = wrap_dim(dim, a._array.ndim, "cosine_similarity")
    return (a / _length(a, d, eps) * (b / _length(b, d, eps))).sum(d)


def _length(t: Any, dim: int, eps: float) -> Any:
    # The limit counts for the value only: PyTorch lets the norm's own gradient through.
    length = FUNCTIONS["norm"](t, 2.0, dim, True)
    lift = np.maximum(length._array, length._array.dtype.type(eps)) - length._array
    return length + wrap(lift, t._device) if known(lift) and lift.any() else length


@public("normalize", method=False)
def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """Vectors along a dim, divided by their p-norm."""
    length = FUNCTIONS["norm"](tensor_of(input, "normalize"), float(p), dim, True)
    return input / FUNCTIONS["clamp_min"](length, eps).expand_as(input)
