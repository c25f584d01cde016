"""Losses: fused, one operator each."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors, modes, observe
from graphlab.engine.autograd.graph import Scratch, accumulator, next_seq
from graphlab.engine.dtypes import F32, F64
from graphlab.engine.errors import fail, type_name
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, common_device, report, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

_new = object.__new__
_asarray = np.asarray
_empty = np.empty
_INF = float("inf")
_subtract = np.subtract
_divide = np.divide
_max_reduce = np.maximum.reduce
_exp = np.exp
_log = np.log


def reduction_of(reduction: str, size_average: Any = None, reduce: Any = None) -> str:
    """The reduction's name, checked."""
    if size_average is not None or reduce is not None:
        average = True if size_average is None else size_average
        reduction = "none" if reduce is False else "mean" if average else "sum"
        warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            "deprecated",
            stacklevel=5,
        )
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced_shape(x: tuple[int, ...], y: tuple[int, ...], *params: Any) -> tuple[int, ...]:
    """The shape of a pointwise loss after its reduction (the first parameter)."""
    return np.broadcast_shapes(x, y) if params[0] == "none" else ()


def _reduce(values: Any, reduction: str) -> Any:
    if reduction == "none":
        return values
    total = values.sum()
    return total if reduction == "sum" else np.true_divide(total, values.size or np.nan)


def _scale(g: Any, reduction: str, n: int) -> Any:
    return g / (n or 1) if reduction == "mean" else g


# Mean squared error


def _mse_forward(x: Any, y: Any, reduction: str) -> Any:
    d = x - y
    return _reduce(d * d, reduction)


def _mse_vjp(node: Any, g: Any, x: Any, y: Any, d: Any = None) -> Any:
    a, b = node.edges
    sx, sy, reduction = node.params
    if d is None:
        d = x - y
    if reduction == "mean":
        n = prod(d.shape) or 1
        dx = d * (g.item() * (2.0 / n)) if node.xp is _NUMERIC and not g.ndim else d * (g * (2.0 / n))
    else:
        dx = d * (g * 2)
    to = node.xp.sum_to
    return (
        None if a is None else dx if dx.shape == sx else to(dx, sx),
        None if b is None else -dx if dx.shape == sy else to(-dx, sy),
    )


MSE = declare(
    Op(
        name="mse_loss",
        node="MseLossBackward0",
        category=Category.LOSS,
        args=("input", "target"),
        params=("reduction",),
        formula=N_("out = mean of (input − target)²"),
        backward_formula="d input = 2 · (input − target) · g / n",
        forward=_mse_forward,
        vjp=_mse_vjp,
        saves=("input", "target"),
        broadcasts=True,
        shape=reduced_shape,
        narrate=N_(
            "the {n} differences between {input} and {target} are squared and averaged; the largest is {largest:.4g}"
        ),
        narrate_backward=N_("each entry of {input} is pulled towards {target} by twice its difference over {n}"),
        facts=lambda out, x, y, **_: {
            "n": max(x.size, y.size),
            "largest": float(np.max(np.abs(x - y))) if x.size else 0.0,
        },
        samples=lambda: [
            ((3, 2), (3, 2), {"reduction": "mean"}),
            ((3, 2), (3, 2), {"reduction": "sum"}),
            ((3,), (3,), {"reduction": "none"}),
        ],
    )
)
_MSE_NODE = MSE.node_type
_NUMERIC = _MSE_NODE.xp


def _size_warning(op: str, input: Tensor, target: Tensor) -> None:
    warn(
        f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
        f"This will likely lead "
        "to incorrect results due to broadcasting. Please ensure they have the same size.",
        "target_size",
        stacklevel=5,
        op=op,
        loss=op,
        input_shape=list(input._array.shape),
        target_shape=list(target._array.shape),
    )


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The mean of (input − target)²."""
    try:
        x, y = input._array, target._array
        where = input._device
    except AttributeError:
        # PyTorch compares the sizes before it looks at the types.
        wrong = input if isinstance(target, Tensor) else target
        error: Exception = AttributeError(f"'{type_name(wrong)}' object has no attribute 'size'")
        if isinstance(wrong, np.ndarray):
            error = TypeError("'int' object is not callable")
        report("mse_loss", (input, target), {}, error)
        raise error from None
    kind = x.dtype
    if (
        reduction != "mean"
        or weight is not None
        or size_average is not None
        or reduce is not None
        or y.dtype is not kind
        or (kind is not F32 and kind is not F64)
        or x.shape != y.shape
        or not x.size
        or where.simulated
        or target._device is not where
        or x.size > 65536
    ):
        return pointwise_loss(MSE, input, target, reduction, size_average, reduce, (), weight)
    d = x - y
    n = x.size
    if d.__class__ is not np.ndarray:
        d = _asarray(d)
    flat = d if d.ndim == 1 else d.reshape(-1)
    t = _new(Tensor)
    t._array = _asarray(float(flat.dot(flat)) / n, kind)
    if where.counts:
        where.ledger.charge(t._array)
        where.ledger.charge(d)
    t._device = where
    t._nr = 0
    t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    rx, ry = input._rg, target._rg
    if modes.grad and (rx or ry):
        t._rg = True
        node = _new(_MSE_NODE)
        node.edges = (
            (input._fn or accumulator(input)) if rx else None,
            (target._fn or accumulator(target)) if ry else None,
        )
        node.nrs = (input._nr, target._nr) if input._nr or target._nr else None
        node.saved = (input, target, Scratch(d))
        node.versions = None
        if input._version is not None or target._version is not None:
            node.versions = (*(0 if s._version is None else s._version[0] for s in (input, target)), 0)
        node.params = (x.shape, y.shape, "mean")
        node.seq = next_seq()
        node.hooks = node.casts = node.outs = node.meta = node._mark = None
        t._fn = node
    else:
        t._rg = False
        t._fn = None
    if observe.observer is not None:
        observe.observer.forward("mse_loss", (input, target), t, {"reduction": "mean"})
    return t


FUNCTIONS["mse_loss"] = MSE.function = mse_loss


def pointwise_loss(
    op: Op,
    input: Any,
    target: Any,
    reduction: str,
    size_average: Any = None,
    reduce: Any = None,
    params: tuple[Any, ...] = (),
    weight: Any = None,
) -> Any:
    """The general way for a loss of each entry against its target."""
    try:
        for i, (name, value) in enumerate((("input", input), ("target", target))):
            if not isinstance(value, Tensor):
                raise bad_argument(op.name, name, i + 1, "Tensor", value)
        reduction = reduction_of(reduction, size_average, reduce)
        x, y = input._array, target._array
        if x.shape != y.shape:
            _size_warning(op.name, input, target)
        kind = dtypes.result(x, y)
        if kind.rank < 2:
            fail(
                NotImplementedError,
                f"\"{op.name.split('_')[0]}_cpu\" not implemented for '{kind.title}'",
                kind="target_dtype",
                loss=op.name,
                op=op.name,
                input_dtype=dtypes.of(x).name,
                target_dtype=dtypes.of(y).name,
            )
        common_device(op.name, (input, target))
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            raise errors.broadcast(op.name, x.shape, y.shape) from None
        casts = None if x.dtype == kind.np and y.dtype == kind.np else (kind.np, kind.np)
        if weight is None:
            return run(op, (input, target), (reduction, *params), casts)
        values = run(op, (input, target), ("none", *params), casts) * weight
        return values if reduction == "none" else values.sum() if reduction == "sum" else values.sum() / weight.sum()
    except Exception as error:
        report(op.name, (input, target), {"reduction": reduction}, error)
        raise
