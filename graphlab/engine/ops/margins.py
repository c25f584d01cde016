"""Losses with margins and their kin: ranking, hinge, triplets, several labels, counts and Gaussian likelihoods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.ops.arithmetic import NUMBERS
from graphlab.engine.ops.loss import pointwise_loss, reduction_of
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public, run
from graphlab.engine.virtual import known
from graphlab.i18n import N_

tensor_of: Any = need_tensor
# Its operators are attached to Tensor later, so a type checker does not know them.


def reduce(values: Any, reduction: str) -> Any:
    """The mean, the sum, or the losses themselves."""
    return values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()


def _positive(values: Any) -> Any:
    return FUNCTIONS["clamp_min"](values, 0)


# Pairs and triplets


@public("margin_ranking_loss", method=False)
def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce_: Any = None,
    reduction: str = "mean",
    **old: Any,
) -> Any:
    """max(0, margin − target · (input1 − input2)): input1 should be larger where target is 1."""
    reduction = reduction_of(reduction, size_average, old.get("reduce", reduce_))
    a, b, t = (tensor_of(x, "margin_ranking_loss") for x in (input1, input2, target))
    if not a.ndim == b.ndim == t.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: {a.size()}, "
            "input2: "
            f"{b.size()}, target: {t.size()} "
        )
    return reduce(_positive(-t * (a - b) + margin), reduction)


@public("hinge_embedding_loss", method=False)
def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce_: Any = None,
    reduction: str = "mean",
    **old: Any,
) -> Any:
    """input where target is 1, max(0, margin − input) where it is −1."""
    reduction = reduction_of(reduction, size_average, old.get("reduce", reduce_))
    x, t = tensor_of(input, "hinge_embedding_loss"), tensor_of(target, "hinge_embedding_loss", "target", 2)
    where, zero = FUNCTIONS["where"], FUNCTIONS["zeros_like"](x)
    return reduce(where(t != 1, _positive(margin - x), zero) + where(t != -1, x, zero), reduction)


@public("cosine_embedding_loss", method=False)
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce_: Any = None,
    reduction: str = "mean",
    **old: Any,
) -> Any:
    """1 − cos where target is 1, max(0, cos − margin) where it is −1."""
    reduction = reduction_of(reduction, size_average, old.get("reduce", reduce_))
    a, b, t = (tensor_of(x, "cosine_embedding_loss") for x in (input1, input2, target))
    if t.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if t.ndim == 1 and (a.ndim != 2 or b.ndim != 2):
        raise RuntimeError(
            "1D target tensor expects 2D input tensors, but found inputs with sizes "
            f"{list(a.shape)} and {list(b.shape)}."
        )
    if t.ndim == 0 and (a.ndim != 1 or b.ndim != 1):
        raise RuntimeError(
            "0D target tensor expects 1D input tensors, but found inputs with sizes "
            f"{list(a.shape)} and {list(b.shape)}."
        )
    dim = t.ndim
    tiny = 1e-12
    cosine = (a * b).sum(dim) / (((a * a).sum(dim) + tiny) * ((b * b).sum(dim) + tiny)).sqrt()
    where, zero = FUNCTIONS["where"], FUNCTIONS["zeros_like"](cosine)
    return reduce(where(t == 1, 1 - cosine, zero) + where(t == -1, _positive(cosine - margin), zero), reduction)


def _same_n_dims(anchor: Any, positive: Any, negative: Any) -> None:
    a, p, n = anchor.ndim, positive.ndim, negative.ndim
    if not a == p == n:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {a}D, positive {p}D, and negative {n}D inputs"
        )


@public("triplet_margin_loss", method=False)
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce_: Any = None,
    reduction: str = "mean",
    **old: Any,
) -> Any:
    """max(0, margin + distance to the positive − distance to the negative)."""
    reduction = reduction_of(reduction, size_average, old.get("reduce", reduce_))
    if isinstance(margin, NUMBERS) and margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_n_dims(*(tensor_of(x, "triplet_margin_loss", "anchor") for x in (anchor, positive, negative)))
    distance = FUNCTIONS["pairwise_distance"]
    near, far = distance(anchor, positive, p, eps), distance(anchor, negative, p, eps)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative, p, eps))
    return reduce(_positive(margin + near - far), reduction)


@public("triplet_margin_with_distance_loss", method=False)
def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Any = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The triplet loss with a distance of one's own."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_n_dims(anchor, positive, negative)
    distance = distance_function or FUNCTIONS["pairwise_distance"]
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative))
    return reduce(_positive(margin + near - far), reduction)


# Two classes


def _soft(x: Any, y: Any, reduction: str) -> Any:
    values = np.log1p(np.exp(-x * y))
    return values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()


def _soft_vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
    sx, sy, reduction = node.params
    xp = node.xp
    if reduction == "mean":
        g = g / (math.prod(np.broadcast_shapes(sx, sy)) or 1)
    e = xp.exp(-x * y)
    slope = -e / (e + 1) * g
    dx = None if node.edges[0] is None else xp.sum_to(slope * y, sx)
    dy = None if node.edges[1] is None else xp.sum_to(slope * x, sy)
    return dx, dy


SOFT_MARGIN = declare(
    Op(
        name="soft_margin_loss",
        category=Category.LOSS,
        args=("input", "target"),
        params=("reduction",),
        formula=N_("out = mean of ln(1 + e^(−target · input))"),
        backward_formula="d input = −target · g / n / (1 + e^(target · input))",
        forward=_soft,
        vjp=_soft_vjp,
        saves=("input", "target"),
        broadcasts=True,
        shape=lambda x, y, reduction: np.broadcast_shapes(x, y) if reduction == "none" else (),
        narrate=N_("the {n} scores {input} should have the signs of {target}: a wrong sign costs about its size"),
        narrate_backward=N_("each entry of {input} is pushed towards the sign of its target"),
        facts=lambda out, x, y, *_, **__: {"n": int(np.size(x))},
        samples=lambda: [((3, 2), (3, 2), {"reduction": r}) for r in ("mean", "sum", "none")],
    )
)


@public(SOFT_MARGIN, method=False)
def soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """The mean of ln(1 + e^(−target · input)), for targets 1 and −1."""
    x, y = tensor_of(input, "soft_margin_loss"), tensor_of(target, "soft_margin_loss", "target", 2)
    reduction = reduction_of(reduction, size_average, reduce)
    if x._array.shape == y._array.shape:
        return pointwise_loss(SOFT_MARGIN, x, y, reduction)
    x, y = FUNCTIONS["broadcast_tensors"](x, y)
    return pointwise_loss(SOFT_MARGIN, x, y, reduction)


# Several classes


def _numeric_reduce(values: Array, reduction: str) -> Any:
    return values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()


def _multi_margin(x: Array, y: Array, w: Any, p: int, margin: float, reduction: str) -> Any:
    rows, labels = x.reshape(-1, x.shape[-1]), y.reshape(-1)
    at = np.arange(len(rows))
    over = np.maximum(x.dtype.type(margin) - rows[at, labels][:, None] + rows, 0) ** p
    over[at, labels] = 0
    if w is not None:
        over *= w[labels][:, None]
    values = over.sum(1) / x.dtype.type(x.shape[-1])
    return _numeric_reduce(values if y.ndim else values.reshape(()), reduction)


def _multi_margin_vjp(node: Any, g: Any, x: Any, y: Any, w: Any) -> Any:
    shape, _, _, p, margin, reduction = node.params
    xp = node.xp
    n = math.prod(shape[:-1]) if len(shape) > 1 else 1
    n_classes = shape[-1]
    labels = xp.array_of(y).reshape(-1)
    rows = xp.reshape(x, (n, n_classes))
    place = labels[:, None]
    over = rows - xp.gather(rows, 1, place) + margin
    kind = xp.array_of(x).dtype
    active = (xp.array_of(over) > 0) & (np.arange(n_classes) != place)
    factor = np.asarray(active, kind) * kind.type(p / n_classes)
    if w is not None:
        factor = factor * xp.array_of(w)[labels][:, None]
    if reduction == "mean":
        g = g / (n or 1)
    each = xp.reshape(g, (n, 1)) if reduction == "none" else g
    slope = xp.constant(factor.astype(kind), x) * each
    if p == 2:
        slope = slope * over
    total = xp.sum(slope, (1,), True)
    own = np.asarray(np.arange(n_classes) == place, kind)
    return xp.reshape(slope - total * xp.constant(own, x), shape), None, None


MULTI_MARGIN = declare(
    Op(
        name="multi_margin_loss",
        category=Category.LOSS,
        args=("input", "target", "weight"),
        params=("p", "margin", "reduction"),
        formula=N_("out = mean of Σ max(0, margin − input[target] + input[j])^p / n over the other classes j"),
        backward_formula=N_(
            "d input[j] = g · p · over[j]^(p − 1) / n where over[j] > 0;  d input[target] = −Σ of these"
        ),
        forward=_multi_margin,
        vjp=_multi_margin_vjp,
        saves=("input", "target", "weight"),
        broadcasts=True,
        shape=lambda x, y, w, p, margin, reduction: y if reduction == "none" else (),
        narrate=N_("the target class's score in {input} should be {margin} above every other one's"),
        narrate_backward=N_("the scores that come too near are pushed down, the target class's up"),
    )
)


@public(MULTI_MARGIN, method=False)
def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """How much other classes' scores come nearer than a margin to the target class's."""
    reduction = reduction_of(reduction, size_average, reduce)
    x, y = tensor_of(input, "multi_margin_loss")._array, tensor_of(target, "multi_margin_loss", "target", 2)._array
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    if not ((x.ndim == 2 and x.shape[1]) or (x.ndim == 1 and x.shape[0]) or (x.ndim == 0)):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: " + str(list(x.shape))
        )
    n = x.shape[0] if x.ndim == 2 else 1
    if y.ndim > 1 or y.size != n:
        fail(
            RuntimeError,
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            "size). "
            f"Expected target size [{n}], but got {list(y.shape)}. Input has shape {list(x.shape)}.",
            kind="target_shape",
            loss="multi_margin_loss",
            input_shape=list(x.shape),
            target_shape=list(y.shape),
        )
    n_classes = x.shape[-1] if x.ndim else 1
    if weight is not None and weight._array.size != n_classes:
        raise RuntimeError(f"inconsistent weight size, expected {n_classes} but got {list(weight.shape)}")
    if y.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.title}")
    if known(y) and (y.min() < 0 or y.max() >= n_classes):
        fail(
            RuntimeError,
            "target out of range",
            kind="target_range",
            loss="multi_margin_loss",
            target=int(y.min() if y.min() < 0 else y.max()),
            n_classes=n_classes,
        )
    rows = input if x.ndim else input.reshape(1)
    if x.ndim < 2 and y.ndim:
        target = target.reshape(())
    return run(MULTI_MARGIN, (rows, target, weight), (int(p), float(margin), reduction))


def _label_counts(y: Array) -> Array:
    """How often each class stands in a row's labels, which end at the first −1."""
    rows = y.reshape(-1, y.shape[-1])
    valid = np.logical_and.accumulate(rows >= 0, axis=1)
    counts = np.zeros(rows.shape)
    at = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    np.add.at(counts, (at[valid], rows[valid]), 1)
    return counts


def _label_margins(x: Array, y: Array) -> Any:
    """1 − x[label] + x[other], and how often it counts, for each pair (row, label, other)."""
    rows = x.reshape(-1, x.shape[-1])
    counts = _label_counts(y)
    over = 1 - rows[:, :, None] + rows[:, None, :]
    factor = counts[:, :, None] * (counts[:, None, :] == 0)
    return over, (factor * (over > 0)).astype(x.dtype)


def _multilabel(x: Array, y: Array, reduction: str) -> Any:
    if not x.size:
        return _numeric_reduce(np.zeros(x.shape[:-1], x.dtype), "sum" if reduction == "mean" else reduction)
    over, factor = _label_margins(x, y)
    values = (over * factor).sum((1, 2)) / x.dtype.type(x.shape[-1])
    return _numeric_reduce(values.astype(x.dtype) if x.ndim == 2 else values.astype(x.dtype).reshape(()), reduction)


def _multilabel_vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
    shape, _, reduction = node.params
    xp = node.xp
    if not math.prod(shape):
        return x * 0, None
    _, factor = _label_margins(xp.array_of(x), xp.array_of(y))
    slope = ((factor.sum(1) - factor.sum(2)) / shape[-1]).astype(factor.dtype).reshape(shape)
    if reduction == "mean":
        g = g / (shape[0] if len(shape) == 2 else 1)
    each = xp.reshape(g, (*shape[:-1], 1)) if reduction == "none" else g
    return xp.constant(slope, x) * each, None


MULTILABEL_MARGIN = declare(
    Op(
        name="multilabel_margin_loss",
        category=Category.LOSS,
        args=("input", "target"),
        params=("reduction",),
        formula=N_(
            "out = mean of Σ max(0, 1 − input[label] + input[j]) / n over labels and the classes j that are none"
        ),
        backward_formula=N_("d input = g / n · (pairs in which it is too high − pairs in which it is too low)"),
        forward=_multilabel,
        vjp=_multilabel_vjp,
        saves=("input", "target"),
        broadcasts=True,
        shape=lambda x, y, reduction: x[:-1] if reduction == "none" else (),
        narrate=N_("each label's score in {input} should be 1 above that of every class that is no label"),
        narrate_backward=N_("labels' scores that are too low are pushed up, the others that are too high down"),
    )
)


@public(MULTILABEL_MARGIN, method=False)
def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """How much the scores of classes that are no labels come nearer than 1 to those of labels."""
    reduction = reduction_of(reduction, size_average, reduce)
    x = tensor_of(input, "multilabel_margin_loss")._array
    y = tensor_of(target, "multilabel_margin_loss", "target", 2)._array
    if x.ndim > 2 or (x.ndim and not x.shape[-1]):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: " + str(list(x.shape))
        )
    if x.shape != y.shape and not (x.size == y.size == 1):
        raise RuntimeError(f"inconsistent target size: {list(y.shape)} for input of size: {list(x.shape)}")
    if y.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.title}")
    if known(y) and y.min() < -1:
        raise RuntimeError("target is out of range")
    if known(y) and y.max() >= (x.shape[-1] if x.ndim else 1):
        raise RuntimeError("target is out of range")
    if not x.ndim:
        return run(MULTILABEL_MARGIN, (input.reshape(1), target.reshape(1)), (reduction,))
    return run(MULTILABEL_MARGIN, (input, target.reshape(x.shape)), (reduction,))


@public("multilabel_soft_margin_loss", method=False)
def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce_: Any = None,
    reduction: str = "mean",
    **old: Any,
) -> Any:
    """The cross-entropy of σ(input) against targets 0 and 1, averaged over classes."""
    reduction = reduction_of(reduction, size_average, old.get("reduce", reduce_))
    x, t = tensor_of(input, "multilabel_soft_margin_loss"), target
    softly = FUNCTIONS["logsigmoid"]
    values = -(t * softly(x) + (1 - t) * softly(-x))
    if weight is not None:
        values = values * weight
    return reduce(values.sum(-1) / x._array.shape[-1], reduction)


# Likelihoods


@public("poisson_nll_loss", method=False)
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce_: Any = None,
    reduction: str = "mean",
    **old: Any,
) -> Any:
    """The negative log-likelihood of counts under a Poisson distribution."""
    reduction = reduction_of(reduction, size_average, old.get("reduce", reduce_))
    x, t = tensor_of(input, "poisson_nll_loss"), tensor_of(target, "poisson_nll_loss", "target", 2)
    values = x.exp() - t * x if log_input else x - t * (x + eps).log()
    if full:
        # Stirling's approximation of ln target!
        stirling = t * t.log() - t + 0.5 * (2 * math.pi * t).log()
        values = values + stirling.masked_fill(t <= 1, 0)
    return reduce(values, reduction)


@public("gaussian_nll_loss", method=False)
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """The negative log-likelihood under normal distributions with given variances."""
    x, t = tensor_of(input, "gaussian_nll_loss"), tensor_of(target, "gaussian_nll_loss", "target", 2)
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * FUNCTIONS["ones_like"](x)
    elif (var._array < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.size() != x.size():
        if x.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not (x.ndim == var.ndim and sum(b for a, b in zip(x.shape, var.shape) if a != b) == 1):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    variance: Any = _lifted(var, eps)
    values = 0.5 * (variance.log() + (x - t) ** 2 / variance)
    if full:
        values = values + 0.5 * math.log(2 * math.pi)
    return reduce(values, reduction)


def _lifted(var: Any, eps: float) -> Any:
    """At least eps; the gradient passes as if nothing had been changed, as in PyTorch."""
    from graphlab.engine.tensor import wrap

    raw = var._array
    return var + wrap(np.maximum(raw, raw.dtype.type(eps)) - raw, var._device)
