"""Further products: inner, cross, addbmm; and renorm, which limits the norms of slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, method, need_tensor, public, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.i18n import N_

tensor_of: Any = need_tensor
# Its operators are attached to Tensor later, so a type checker does not know them.


@public("inner")
def inner(input: Any, other: Any, *, out: Any = None) -> Any:
    """Sums of products over the last dims."""
    a, b = tensor_of(input, "inner"), tensor_of(other, "inner", "other", 2)
    if not a.ndim or not b.ndim:
        return a * b
    if a._array.shape[-1] != b._array.shape[-1]:
        fail(
            RuntimeError,
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(a.shape)} and {list(b.shape)}",
            kind="matmul",
            op="inner",
            shapes=[list(a.shape), list(b.shape)],
            sizes=[a._array.shape[-1], b._array.shape[-1]],
        )
    return FUNCTIONS["tensordot"](a, b, ([-1], [-1]))


def _cross(a: Any, b: Any, dim: int) -> Any:
    return np.cross(a, b, axis=dim) if a.size else np.zeros(np.broadcast_shapes(a.shape, b.shape), a.dtype)


def _cross_vjp(node: Any, g: Any, a: Any, b: Any) -> Any:
    shape_a, shape_b, dim = node.params
    xp = node.xp

    def product(u: Any, v: Any) -> Any:
        key = (slice(None),) * (dim % u.ndim)
        at = [[xp.pick(t, (*key, slice(i, i + 1))) for i in range(3)] for t in (u, v)]
        (x, y, z), (p, q, r) = at
        return xp.cat([y * r - z * q, z * p - x * r, x * q - y * p], dim % u.ndim)

    wide = tuple(g.shape)
    da = None if node.edges[0] is None else xp.sum_to(product(xp.expand(b, wide), g), shape_a)
    db = None if node.edges[1] is None else xp.sum_to(product(g, xp.expand(a, wide)), shape_b)
    return da, db


CROSS = declare(
    Op(
        name="linalg_cross",
        category=Category.MATRIX,
        args=("input", "other"),
        params=("dim",),
        formula="out = input × other: (a₁b₂ − a₂b₁, a₂b₀ − a₀b₂, a₀b₁ − a₁b₀)",
        backward_formula="d input = other × g;  d other = g × input",
        forward=_cross,
        vjp=_cross_vjp,
        saves=("input", "other"),
        broadcasts=True,
        shape=lambda a, b, dim: np.broadcast_shapes(a, b),
        narrate=N_("the cross product of {input} and {other} along dim {dim}"),
        narrate_backward=N_("each factor gets the cross product of the other one with the gradient"),
        samples=lambda: [((2, 3), (2, 3), {"dim": 1})],
    )
)


def cross_along(input: Any, other: Any, dim: int) -> Any:
    """The cross product, with its checks."""
    a, b = tensor_of(input, "cross")._array, tensor_of(other, "cross", "other", 2)._array
    if a.ndim != b.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = wrap_dim(dim, a.ndim, "cross")
    if a.shape[d] != 3 or b.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {a.shape[d]} and {b.shape[d]}"
        )
    kind = dtypes.result(a, b)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        from graphlab.engine import errors

        raise errors.broadcast("cross", a.shape, b.shape) from None
    casts = None if a.dtype == b.dtype else (kind.np, kind.np)
    return run(CROSS, (input, other), (d,), casts)


@public("cross")
def cross(input: Any, other: Any, dim: int | None = None, *, out: Any = None) -> Any:
    """The cross product of vectors of three entries along a dim (the first one of size 3 unless given)."""
    if dim is None:
        sizes = tensor_of(input, "cross")._array.shape
        if 3 not in sizes:
            raise RuntimeError("no dimension of size 3 in input")
        dim = sizes.index(3)
    return cross_along(input, other, dim)


CROSS.function = FUNCTIONS["cross"]


@public("addbmm")
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1, out: Any = None) -> Any:
    """beta · input + alpha · Σ batch1[i] @ batch2[i]"""
    a, b = tensor_of(batch1, "addbmm", "batch1", 2), tensor_of(batch2, "addbmm", "batch2", 3)
    for name, t in (("batch1", a), ("batch2", b)):
        if t.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if a.shape[0] != b.shape[0]:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {a.shape[0]} and {b.shape[0]}")
    if a.shape[2] != b.shape[1]:
        fail(
            RuntimeError,
            f"Incompatible matrix sizes for bmm ({a.shape[1]}x{a.shape[2]} and {b.shape[1]}x{b.shape[2]})",
            kind="matmul",
            op="addbmm",
            shapes=[list(a.shape), list(b.shape)],
            sizes=[a.shape[2], b.shape[1]],
        )
    total = FUNCTIONS["bmm"](a, b).sum(0)
    if alpha != 1:
        total = total * alpha
    # With beta 0 not even a nan of input counts.
    wide = np.broadcast_shapes(tuple(input.shape), tuple(total.shape))
    return rename(total.expand(wide) if beta == 0 else input * beta + total, "AddbmmBackward0")


@method("addbmm_")
def addbmm_(self: Tensor, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """In place: beta · self + alpha · Σ batch1[i] @ batch2[i]"""
    return self.copy_(addbmm(self, batch1, batch2, beta=beta, alpha=alpha))


@public("renorm")
def renorm(input: Any, p: float, dim: int, maxnorm: float, *, out: Any = None) -> Any:
    """Slices along a dim, scaled down to a largest p-norm."""
    x = tensor_of(input, "renorm")._array
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError("renorm: expected maxnorm to be >= 0 but got " + f"{maxnorm:g}")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions")
    d = wrap_dim(dim, x.ndim, "renorm")
    others = tuple(i for i in range(x.ndim) if i != d)
    norms = FUNCTIONS["norm"](input, float(p), others, True)
    high = norms._array > maxnorm
    factor = FUNCTIONS["where"](wrap(high, input._device), maxnorm / (norms + 1e-7), 1.0)
    return rename(input * factor, "RenormBackward0")


@method("renorm_")
def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Any:
    """In place: slices along a dim, scaled down to a largest p-norm."""
    return self.copy_(renorm(self, p, dim, maxnorm))
