"""The fused `linear`: rows times a weight, plus a bias."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import modes, observe
from graphlab.engine.autograd.graph import Node, accumulator, kind_named, next_seq
from graphlab.engine.device import ROOMY
from graphlab.engine.dtypes import F32, F64
from graphlab.engine.errors import fail
from graphlab.engine.ops.matching import mismatch, same_dtype
from graphlab.engine.ops.op import OPS, Category, Op, declare
from graphlab.engine.ops.run import (
    FUNCTIONS,
    bad_argument,
    common_device,
    out_of_memory,
    report,
    run,
)
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

_new = object.__new__
_empty = np.empty


def _rows_dot(x: Any, w: Any) -> Any:
    """x · wᵀ; `dot` of more than two dims goes to BLAS row by row, five times slower."""
    if x.ndim < 3:
        return x.dot(w.T)
    return x.reshape(prod(x.shape[:-1]), x.shape[-1]).dot(w.T).reshape(*x.shape[:-1], *w.shape[:-1])


def _linear_forward(x: Any, w: Any, b: Any = None) -> Any:
    out = _rows_dot(x, w)
    return out if b is None else out + b


def _linear_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    edges = node.edges
    params = node.params
    xp = node.xp
    dx = dw = db = None
    if xp is _NUMERIC and g.ndim == 2 and len(params[0]) == 2:
        # The usual case: a batch of rows.
        if edges[0] is not None:
            dx = g.dot(w)
        if edges[1] is not None:
            dw = g.T.dot(x)
        if len(edges) == 3 and edges[2] is not None:
            db = ones(len(g), g.dtype).dot(g)
            if db.shape != params[2]:
                db = xp.sum_to(db, params[2])
        return dx, dw, db
    ex, ew, *rest = edges
    sx, sw, *sb = params
    eb = rest[0] if rest else None
    if xp is _NUMERIC and len(sw) == 2 and g.ndim > 2 and (g.dtype is F32 or g.dtype is F64):
        g = g.reshape(prod(sx[:-1]), sw[0])
        if ex is not None:
            dx = g.dot(w).reshape(sx)
        if ew is not None:
            dw = g.T.dot(x.reshape(len(g), sx[-1]))
        if eb is not None:
            db = ones(len(g), g.dtype).dot(g)
            if db.shape != sb[0]:
                db = xp.sum_to(db, sb[0])
        return dx, dw, db
    if eb is not None:
        db = xp.sum_to(g, sb[0])
    if len(sw) == 1:  # the weight is a vector: one output
        g = xp.reshape(g, (*g.shape, 1))
        w = None if w is None else xp.reshape(w, (1, sw[0]))
    if ex is not None:
        dx = xp.matmul(g, w)
    if ew is not None:
        flat = xp.reshape(g, (prod(sx[:-1]), g.shape[-1]))
        dw = xp.reshape(xp.matmul(xp.mT(flat), xp.reshape(x, (prod(sx[:-1]), sx[-1]))), sw)
    return dx, dw, db


_ONES: dict[int, Any] = {}
_ONES64: dict[int, Any] = {}


def ones(n: int, dtype: Any) -> Any:
    """Ones to sum rows with: a product with ones takes a third of the time of a reduction of a small array."""
    known = _ONES if dtype is F32 else _ONES64
    found = known.get(n)
    if found is None or found.dtype is not dtype:
        if len(known) > 64:
            known.clear()
        found = known[n] = np.ones(n, dtype)
    return found


def _linear_shape(x: tuple[int, ...], w: tuple[int, ...], b: Any = None) -> tuple[int, ...]:
    return (*x[:-1], w[0]) if len(w) == 2 else x[:-1]


LINEAR = declare(
    Op(
        name="linear",
        node="AddmmBackward0",
        category=Category.MATRIX,
        args=("input", "weight", "bias"),
        formula="out = input · weightᵀ + bias",
        backward_formula=N_("d input = g · weight;  d weight = gᵀ · input;  d bias = sum of g over the batch"),
        forward=_linear_forward,
        vjp=_linear_vjp,
        saves=("input:weight", "weight:input"),
        broadcasts=True,
        shape=_linear_shape,
        narrate=N_(
            "each row of {input} {input_shape} is multiplied with {weight} {weight_shape}, plus {bias}: {shape}"
        ),
        narrate_backward=N_(
            "the gradient goes back through {weight} to {input}; {weight} gets gᵀ · {input}, {bias} "
            "the sum over the batch"
        ),
        samples=lambda: [((3, 4), (2, 4), (2,)), ((2, 3, 4), (5, 4), (5,)), ((4,), (2, 4), (2,))],
    )
)
_LINEAR_NODE = LINEAR.node_type


def _linear_next_functions(node: Node) -> tuple[tuple[Node | None, int], ...]:
    """As PyTorch has them: of `addmm(bias, input, weight.t())`."""
    (x, at_x), (weight, at_weight), *bias = zip(node.edges, node.nrs or (0,) * len(node.edges))
    turned = None
    if weight is not None:
        turned = _new(OPS["t"].node_type)
        turned.edges, turned.nrs = (weight,), (at_weight,)
        turned.saved = turned.params = ()
        turned.versions = turned.hooks = turned.casts = turned.outs = turned.meta = turned._mark = None
        turned.seq = node.seq
    return (*(each for each in bias if node.params[2] is not None), (x, at_x), (turned, 0))


def _linear_node(ndim: int, is_bare: bool) -> type[Node]:
    if ndim == 1:
        return kind_named(_LINEAR_NODE, "SqueezeBackward4" if is_bare else "ViewBackward0")
    if ndim == 2:
        return kind_named(_LINEAR_NODE, "MmBackward0" if is_bare else "AddmmBackward0")
    return kind_named(_LINEAR_NODE, "UnsafeViewBackward0" if is_bare else "ViewBackward0")


_LINEAR_NODE.next_functions = property(_linear_next_functions)  # type: ignore[assignment]
_NUMERIC = LINEAR.node_type.xp


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input · weightᵀ + bias"""
    try:
        x = input._array
        w = weight._array
        where = input._device
        b = None if bias is None else bias._array
    except AttributeError:
        for i, (name, value) in enumerate((("input", input), ("weight", weight), ("bias", bias))):
            if not isinstance(value, Tensor) and not (i == 2 and value is None):
                error = bad_argument("linear", name, i + 1, "Tensor", value)
                report("linear", (input, weight, bias), {}, error)
                raise error from None
        raise
    kind, sx, sw = x.dtype, x.shape, w.shape
    sb = None if b is None else b.shape
    if (
        where.simulated
        or w.dtype is not kind
        or (kind is not F32 and kind is not F64)
        or weight._device is not where
        or len(sw) != 2
        or not sx
        or sx[-1] != sw[1]
        or (where.counts and x.size * sw[0] > ROOMY * sw[1])
        or (b is not None and (b.dtype is not kind or sb != sw[:1] or bias._device is not where))
    ):
        return _general_linear(input, weight, bias)
    try:
        out = x.dot(w.T) if len(sx) < 3 else _rows_dot(x, w)
    except MemoryError as error:
        raise out_of_memory("linear", (input, weight, bias), error) from None
    if b is not None:
        if len(sx) == 2 and out.size <= 4096:
            # Stretched by assignment: a ufunc that broadcasts takes twice as long on a small array.
            wide = _empty(out.shape, kind)
            wide[...] = b
            out += wide
        else:
            out += b
    if where.counts:
        where.ledger.charge(out)
    t = _new(Tensor)
    t._array = out
    t._device = where
    t._nr = 0
    t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    rx, rw, rb = input._rg, weight._rg, b is not None and bias._rg
    if modes.grad and (rx or rw or rb):
        t._rg = True
        node = _new(_LINEAR_NODE if b is not None and len(sx) == 2 else _linear_node(len(sx), b is None))
        node.edges = (
            (input._fn or accumulator(input)) if rx else None,
            (weight._fn or accumulator(weight)) if rw else None,
            (bias._fn or accumulator(bias)) if rb else None,
        )
        node.nrs = (
            None
            if not (input._nr or weight._nr or (b is not None and bias._nr))
            else (input._nr, weight._nr, 0 if b is None else bias._nr)
        )
        node.saved = (input if rw else None, weight if rx else None)
        version, other = input._version, weight._version
        if version is None and other is None:
            node.versions = None
        else:
            node.versions = (0 if version is None else version[0], 0 if other is None else other[0])
        node.params = (sx, sw, sb)
        node.seq = next_seq()
        node.hooks = node.casts = node.outs = node.meta = node._mark = None
        t._fn = node
    else:
        t._rg = False
        t._fn = None
    if observe.observer is not None:
        observe.observer.forward("linear", (input, weight) if bias is None else (input, weight, bias), t, {})
    return t


def _not_expandable(own: tuple[int, ...], target: tuple[int, ...]) -> tuple[str, int, tuple[int, int]] | None:
    """Why a shape does not expand to another: the words, the dim and its two sizes."""
    ends = f"Target sizes: {list(target)}.  Tensor sizes: {list(own)}"
    if len(own) > len(target):
        n, m = len(target), len(own)
        return (
            f"expand({list(own)}, size={list(target)}): the number of sizes provided ({n}) must be greater or "
            f"equal to the number of dimensions in the tensor ({m})",
            0,
            (n, m),
        )
    for back in range(1, len(own) + 1):
        size, wanted = own[-back], target[-back]
        if size not in (1, wanted):
            dim = len(target) - back
            return (
                f"The expanded size of the tensor ({wanted}) must match the existing size ({size}) at non-singleton "
                f"dimension {dim}.  {ends}",
                dim,
                (wanted, size),
            )
    return None


def _general_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    try:
        common_device("linear", (input, weight, bias))
        x, w = input._array, weight._array
        if w.ndim > 2:
            fail(
                RuntimeError,
                f"t() expects a tensor with <= 2 dimensions, but self is {w.ndim}D",
                kind="matmul_dims",
                op="linear",
            )
        if not x.ndim or not w.ndim:
            fail(
                RuntimeError,
                f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D",
                kind="matmul",
                op="linear",
                shapes=[list(x.shape), list(w.shape)],
                sizes=[],
            )
        inner = w.shape[-1]
        if bias is not None and w.ndim == 1:
            fail(RuntimeError, "mat2 must be a matrix, got 1-D tensor", kind="matmul_dims", op="linear")
        if x.shape[-1] != inner:
            if x.ndim == 1 and w.ndim == 1:
                fail(
                    RuntimeError,
                    f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{inner}] to have the same "
                    f"number of elements, but got {x.shape[0]} and {inner} elements respectively",
                    kind="matmul",
                    op="linear",
                    shapes=[list(x.shape), list(w.shape)],
                    sizes=[x.shape[-1], inner],
                )
            mismatch("linear", x.shape, w.shape[::-1], (x.shape[-1], inner))
        # PyTorch adds the bias as it multiplies, over all rows at once, where they lie in one piece.
        is_joined = bias is not None and (x.ndim < 4 and (x.ndim < 3 or x.flags.c_contiguous))
        if is_joined:
            same_dtype("linear", x, w, "mat1 and mat2 must have the same dtype, but got {} and {}")
        same_dtype("linear", x, w)
        if bias is not None:
            same_dtype("linear", bias._array, x, "self and mat2 must have the same dtype, but got {} and {}")
            target = _linear_shape(x.shape, w.shape)
            rows = (prod(target[:-1]), target[-1]) if is_joined else target
            clash = _not_expandable(bias._array.shape, rows)
            if clash is not None:
                fail(
                    RuntimeError,
                    clash[0],
                    kind="broadcast",
                    op="linear",
                    shapes=[list(rows), list(bias._array.shape)],
                    dim=clash[1],
                    sizes=list(clash[2]),
                )
        return run(LINEAR, (input, weight) if bias is None else (input, weight, bias))
    except Exception as error:
        report("linear", (input, weight, bias), {}, error)
        raise


FUNCTIONS["linear"] = LINEAR.function = linear
