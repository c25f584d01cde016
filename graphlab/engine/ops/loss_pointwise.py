"""Losses of each entry against its target: L1, smooth L1, Huber, binary cross-entropy, Kullback–Leibler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import broadcast, fail
from graphlab.engine.ops.loss import _reduce, pointwise_loss, reduced_shape, reduction_of
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import known
from graphlab.i18n import N_


def _each(forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y, reduction, *rest: _reduce(forward(x, y, *rest), reduction)


def _slopes(slope_x: Callable[..., Any], slope_y: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """The vjp from the slope of one entry's loss; the target's slope is the opposite one unless it is given."""

    def vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
        sx, sy, reduction, *rest = node.params
        xp = node.xp
        if reduction == "mean":
            n = 1
            for size in np.broadcast_shapes(sx, sy):
                n *= size
            g = g / (n or 1)
        dx: Any = slope_x(xp, x, y, *rest) * g if node.edges[0] is not None or slope_y is None else None
        dy = None
        if node.edges[1] is not None:
            dy = xp.sum_to(-dx if slope_y is None else slope_y(xp, x, y, *rest) * g, sy)
        return (None if node.edges[0] is None else xp.sum_to(dx, sx)), dy

    return vjp


def _loss(
    name: str,
    node: str,
    params: tuple[str, ...],
    forward: Any,
    vjp: Any,
    formula: str,
    backward: str,
    words: str,
    samples: Any,
) -> Op:
    return declare(
        Op(
            name=name,
            node=node,
            category=Category.LOSS,
            args=("input", "target"),
            params=("reduction", *params),
            formula=formula,
            backward_formula=backward,
            forward=_each(forward),
            vjp=vjp,
            saves=("input", "target"),
            broadcasts=True,
            shape=reduced_shape,
            narrate=words,
            narrate_backward=N_("each entry of {input} gets the slope of its own loss, shared out by the reduction"),
            facts=lambda out, x, y, *_, **__: {"n": int(max(np.size(x), np.size(y)))},
            samples=samples,
        )
    )


def _pair(**extra: Any) -> Callable[[], list[tuple[Any, ...]]]:
    return lambda: [((3, 2), (3, 2), {"reduction": r, **extra}) for r in ("mean", "sum", "none")]


L1 = _loss(
    "l1_loss",
    "L1LossBackward0",
    (),
    lambda x, y: np.abs(x - y),
    _slopes(lambda xp, x, y: xp.sign(x - y)),
    N_("out = mean of |input − target|"),
    "d input = sign(input − target) · g / n",
    N_("the {n} differences between {input} and {target} lose their signs and are averaged"),
    _pair(),
)


def _smooth(x: Any, y: Any, beta: float) -> Any:
    d = np.abs(x - y)
    return np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta).astype(d.dtype) if beta else d


SMOOTH_L1 = _loss(
    "smooth_l1_loss",
    "SmoothL1LossBackward0",
    ("beta",),
    _smooth,
    _slopes(lambda xp, x, y, beta: xp.where(xp.abs(x - y) < beta, (x - y) / (beta or 1), xp.sign(x - y))),
    N_("out = mean of d²/(2·beta) where d < beta, else d − beta/2, with d = |input − target|"),
    N_("d input = d/beta where d < beta, else its sign, times g / n"),
    N_("the {n} differences between {input} and {target} count squared while small, linearly beyond {beta}"),
    _pair(beta=1.0),
)


def _huber(x: Any, y: Any, delta: float) -> Any:
    d = np.abs(x - y)
    return np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)).astype(d.dtype)


HUBER = _loss(
    "huber_loss",
    "HuberLossBackward0",
    ("delta",),
    _huber,
    _slopes(lambda xp, x, y, delta: xp.where(xp.abs(x - y) <= delta, x - y, xp.sign(x - y) * delta)),
    N_("out = mean of d²/2 where d ≤ delta, else delta · (d − delta/2), with d = |input − target|"),
    N_("d input = d where d ≤ delta, else ± delta, times g / n"),
    N_("the {n} differences between {input} and {target} count squared up to {delta}, linearly beyond"),
    _pair(delta=1.0),
)


def _bce(x: Any, y: Any) -> Any:
    low = x.dtype.type(-100)
    return -(y * np.maximum(np.log(x), low) + (1 - y) * np.maximum(np.log1p(-x), low))


BCE = _loss(
    "binary_cross_entropy",
    "BinaryCrossEntropyBackward0",
    (),
    _bce,
    _slopes(
        lambda xp, x, y: (x - y) / xp.where((1 - x) * x < 1e-12, x * 0 + 1e-12, (1 - x) * x),
        lambda xp, x, y: xp.log(1 - x) - xp.log(x),
    ),
    N_("out = mean of −(target · ln input + (1 − target) · ln(1 − input))"),
    "d input = (input − target) / (input · (1 − input)) · g / n",
    N_("the {n} probabilities in {input} are compared with {target}"),
    lambda: [((3, 2), (3, 2), {"reduction": "mean", "_domain": (0.1, 0.9)})],
)


def _logits(x: Any, y: Any) -> Any:
    return np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))


BCE_LOGITS = _loss(
    "binary_cross_entropy_with_logits",
    "BinaryCrossEntropyWithLogitsBackward0",
    (),
    _logits,
    _slopes(lambda xp, x, y: 1 / (1 + xp.exp(-x)) - y, lambda xp, x, y: -x),
    N_("out = mean of −(target · ln σ(input) + (1 − target) · ln(1 − σ(input)))"),
    "d input = (σ(input) − target) · g / n",
    N_("the {n} scores in {input}, taken as probabilities, are compared with {target}"),
    lambda: [((3, 2), (3, 2), {"reduction": "mean", "_domain": (0.1, 0.9)})],
)


def _bce_logits_weighted(x: Any, y: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
    """The form with weights, from other operators."""
    softplus = FUNCTIONS["softplus"]
    scale = 1 if pos_weight is None else (pos_weight - 1) * y + 1
    values = (1 - y) * x + scale * softplus(-x)
    if weight is not None:
        values = values * weight
    total = values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()
    return rename(total, "BinaryCrossEntropyWithLogitsBackward0")


def _kl(x: Any, y: Any, log_target: bool) -> Any:
    if log_target:
        return np.exp(y) * (y - x)
    return np.where(y > 0, y * (np.log(np.where(y > 0, y, 1)) - x), y * 0 - np.where(y == 0, 0, y * x))


KL = _loss(
    "kl_div",
    "KlDivBackward0",
    ("log_target",),
    _kl,
    _slopes(
        lambda xp, x, y, log_target: -xp.exp(y) + x * 0 if log_target else -y + x * 0,
        lambda xp, x, y, log_target: xp.exp(y) * (y - x + 1) if log_target else xp.log(y) + 1 - x,
    ),
    N_("out = mean of target · (ln target − input)"),
    "d input = −target · g / n",
    N_("how far the {n} log-probabilities in {input} are from {target}"),
    lambda: [((3, 2), (3, 2), {"reduction": "mean", "log_target": False, "_domain": (0.1, 0.9)})],
)


@public(L1, method=False)
def l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Any:
    """The mean of |input − target|."""
    made = pointwise_loss(L1, input, target, reduction, size_average, reduce, (), weight)
    return made if weight is not None else _ended(made, size_average, reduce, reduction, "AbsBackward0")


def _ended(made: Any, size_average: Any, reduce: Any, reduction: str, each: str) -> Any:
    """Named as PyTorch's last step, where it has no operator for the loss: the reduction, or what each entry's is."""
    if made._fn is None:
        return made
    if reduce is False or reduction == "none":
        return rename(made, each)
    is_sum = reduction == "sum" if size_average is None and reduce is None else size_average is False
    return rename(made, "SumBackward0" if is_sum else "MeanBackward0")


@public(SMOOTH_L1, method=False)
def smooth_l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
) -> Any:
    """Squared for small differences, linear for large ones."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    return pointwise_loss(SMOOTH_L1, input, target, reduction, size_average, reduce, (beta,))


@public(HUBER, method=False)
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Squared up to delta, linear beyond."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    return pointwise_loss(HUBER, input, target, reduction, None, None, (delta,), weight)


def _first_outside(x: Any) -> int | None:
    """The place of the first entry that is no probability."""
    inside = ((x >= 0) & (x <= 1)).reshape(-1)
    return None if inside.all() else int(inside.argmin())


@public(BCE, method=False)
def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """The cross-entropy of probabilities against targets between 0 and 1."""
    x, y = need_tensor(input, "binary_cross_entropy"), need_tensor(target, "binary_cross_entropy", "target", 2)
    reduction = reduction_of(reduction, size_average, reduce)
    if x._array.shape != y._array.shape:
        fail(
            ValueError,
            f"Using a target size ({y.shape}) that is different to the input size ({x.shape}) is deprecated. Please "
            "ensure they have the same size.",
            kind="target_shape",
            loss="binary_cross_entropy",
            input_shape=list(x._array.shape),
            target_shape=list(y._array.shape),
        )
    if y._array.dtype != x._array.dtype:
        fail(
            RuntimeError,
            f"Found dtype {y.dtype.title} but expected {x.dtype.title}",
            kind="target_dtype",
            loss="binary_cross_entropy",
            input_dtype=x.dtype.name,
            target_dtype=y.dtype.name,
        )
    # Entry by entry, of each the input first.
    of_input, of_target = (_first_outside(t._array) if known(t._array) else None for t in (x, y))
    for name, first, other in (("input", of_input, of_target), ("target", of_target, of_input)):
        if first is not None and (other is None or first < other or (first == other and name == "input")):
            fail(
                RuntimeError,
                f"all elements of {name} should be between 0 and 1",
                kind="probability_range",
                op="binary_cross_entropy",
                **({"is_target": True} if name == "target" else {}),
            )
    if weight is None:
        return pointwise_loss(BCE, x, y, reduction)
    values = pointwise_loss(BCE, x, y, "none") * weight
    total = values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()
    return rename(total, "BinaryCrossEntropyBackward0")


@public(BCE_LOGITS, method=False)
def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The cross-entropy of σ(input) against targets between 0 and 1."""
    x = need_tensor(input, "binary_cross_entropy_with_logits")
    y = need_tensor(target, "binary_cross_entropy_with_logits", "target", 2)
    reduction = reduction_of(reduction, size_average, reduce)
    if x._array.shape != y._array.shape:
        fail(
            ValueError,
            f"Target size ({y.shape}) must be the same as input size ({x.shape})",
            kind="target_shape",
            loss="binary_cross_entropy_with_logits",
            input_shape=list(x._array.shape),
            target_shape=list(y._array.shape),
        )
    if y._array.dtype.kind not in "fVc":
        _no_integers(x, y)
    if weight is not None or pos_weight is not None:
        if pos_weight is not None:
            _check_pos_weight(pos_weight, y)
        return _bce_logits_weighted(x, y, weight, pos_weight, reduction)
    return pointwise_loss(BCE_LOGITS, x, y, reduction)


def _check_pos_weight(pos_weight: Any, y: Tensor) -> None:
    """Refuse a `pos_weight` that doesn't broadcast with the target."""
    shape, wanted = pos_weight._array.shape, y._array.shape
    if any(a != b and 1 not in (a, b) for a, b in zip(shape[::-1], wanted[::-1])):
        error: Any = broadcast("binary_cross_entropy_with_logits", shape, wanted)
        error.kind = "class_weight"
        error.facts = {"loss": "binary_cross_entropy_with_logits", "n": wanted[-1], "shape": list(shape)}
        error.facts["name"] = "pos_weight"
        raise error


def _no_integers(x: Tensor, y: Tensor) -> None:
    """Refuse targets of integers: PyTorch multiplies 1 − target in place, and that stays of its type."""
    if x._array.dtype.kind not in "fVc":
        raise NotImplementedError(f"\"log_sigmoid_cpu\" not implemented for '{x.dtype.title}'")
    is_bool = y._array.dtype.kind == "b"
    fail(
        RuntimeError,
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
        "operator instead."
        if is_bool
        else f"result type {x.dtype.title} can't be cast to the desired output type {y.dtype.title}",
        kind="target_dtype",
        loss="binary_cross_entropy_with_logits",
        input_dtype=x.dtype.name,
        target_dtype=y.dtype.name,
    )


@public(KL, method=False)
def kl_div(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """target · (ln target − input), for log-probabilities."""
    if reduction == "batchmean":
        total = pointwise_loss(KL, input, target, "sum", None, None, (log_target,))
        return total / (input._array.shape[0] if input._array.ndim else 1)
    if reduction == "mean":
        from graphlab.engine.ops.activation import warn

        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support "
            "size.'batchmean' divides only "
            "by the batch size, and aligns with the KL div math definition.'mean' will be changed to "
            "behave the same as "
            "'batchmean' in the next major release.",
            "kl_mean",
            stacklevel=5,
        )
    made = pointwise_loss(KL, input, target, reduction, size_average, reduce, (log_target,))
    each = "MulBackward0" if log_target else "SubBackward0"
    return _ended(made, size_average, reduce, reduction, each)
