"""Operators that only layers use: dropout, prelu, layer and batch normalization."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine.device import Virtual
from graphlab.engine.errors import fail
from graphlab.engine.generator import default_generator
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, guard, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.i18n import N_


def _same_shape(shape: tuple[int, ...], *_: Any) -> tuple[int, ...]:
    return shape


DROPOUT = declare(
    Op(
        name="dropout",
        node="MulBackward0",
        category=Category.RANDOM,
        args=("input", "mask"),
        params=("p",),
        formula="out = input · mask,  mask = 0 with probability p, else 1 / (1 − p)",
        backward_formula="d input = g · mask",
        forward=lambda x, mask, p: x * mask,
        vjp=lambda node, g, mask: (g * mask, None),
        saves=("mask",),
        shape=_same_shape,
        narrate=N_("{n_dropped} of {n} entries of {input} become 0 (p = {p}), the others are divided by {kept}"),
        narrate_backward=N_("the gradient of {input} is 0 where its entry was dropped"),
        facts=lambda out, x, mask, p=0.5: {"n": x.size, "n_dropped": int((mask == 0).sum()), "kept": 1 - p},
        samples=lambda: [((3, 4), (3, 4), {"p": 0.5})],
    )
)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """In training, set each entry to 0 with probability `p` and divide the others by 1 − p."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    array = input._array
    if type(array) is Virtual:
        mask: Any = array
    elif p == 1:
        mask = np.zeros_like(array)
    else:
        mask = default_generator.bernoulli(1 - p, array.shape).astype(array.dtype)
        mask /= array.dtype.type(1 - p)
    if inplace:
        return input.mul_(wrap(mask, input._device))
    return run(DROPOUT, (input, wrap(mask, input._device)), (p,))


def _prelu_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    xp = node.xp
    ex, ew = node.edges
    dx = None if ex is None else xp.where(x > 0, g, g * w)
    return dx, None if ew is None else xp.sum_to(xp.where(x > 0, g * 0, g * x), w.shape)


PRELU = declare(
    Op(
        name="prelu",
        node="PreluKernelBackward0",
        category=Category.ACTIVATION,
        args=("input", "weight"),
        formula="out = input where input > 0, else weight · input",
        backward_formula="d input = g or g · weight;  d weight = sum of g · input where input ≤ 0",
        forward=lambda x, w: np.where(x > 0, x, w * x),
        vjp=_prelu_vjp,
        saves=("input", "weight"),
        shape=_same_shape,
        narrate=N_("each negative entry of {input} is multiplied with the learned slope {weight}"),
        narrate_backward=N_("the gradient passes where {input} was positive, and times {weight} elsewhere"),
        samples=lambda: [((3, 4), (4,))],
    )
)


def prelu(input: Tensor, weight: Tensor) -> Any:
    """x where positive, else the learned slope times x; one slope, or one for each channel (dim 1)."""
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    if weight.numel() != 1:
        if not input.dim():
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.dim() > 1 else 1
        if channels != weight.numel():
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
    elif not input.dim():
        weight = weight.reshape(())
    if weight.numel() > 1 and input.dim() > 2:
        weight = weight.reshape(1, -1, *[1] * (input.dim() - 2))
    return run(PRELU, (input, weight))


def _moments(xp: Any, x: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any, int]:
    """x less its mean, one over its standard deviation, and over how many entries."""
    n = prod(x.shape[d] for d in dims)
    centred = x - xp.sum(x, dims, True) / n
    return centred, (xp.sum(centred * centred, dims, True) / n + eps) ** -0.5, n


def _normalized_vjp(xp: Any, g: Any, x: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """The derivative of (x − mean) / std, and that value."""
    centred, scale, n = _moments(xp, x, dims, eps)
    out = centred * scale
    return (g - xp.sum(g, dims, True) / n - out * (xp.sum(g * out, dims, True) / n)) * scale, out


def _layer_norm(x: Any, w: Any, b: Any, n_dims: int, eps: float) -> Any:
    dims = tuple(range(x.ndim - n_dims, x.ndim))
    centred = x - x.mean(axis=dims, keepdims=True, dtype=x.dtype)
    variance = (centred * centred).mean(axis=dims, keepdims=True, dtype=x.dtype)
    out = centred / np.sqrt(variance + x.dtype.type(eps))
    if w is not None:
        out = out * w
    return out if b is None else out + b


def _layer_norm_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    xp = node.xp
    n_dims, eps = node.params
    dims = tuple(range(len(x.shape) - n_dims, len(x.shape)))
    _, ew, eb = node.edges
    dx, out = _normalized_vjp(xp, g if w is None else g * w, x, dims, eps)
    shape = x.shape[len(x.shape) - n_dims :]
    return dx, None if ew is None else xp.sum_to(g * out, shape), None if eb is None else xp.sum_to(g, shape)


LAYER_NORM = declare(
    Op(
        name="layer_norm",
        node="NativeLayerNormBackward0",
        category=Category.NORMALIZATION,
        args=("input", "weight", "bias"),
        params=("n_dims", "eps"),
        formula="out = (input − mean) / √(variance + eps) · weight + bias, over the last dims",
        backward_formula="d input = (h − mean(h) − x̂ · mean(h · x̂)) / std,  h = g · weight",
        forward=_layer_norm,
        vjp=_layer_norm_vjp,
        saves=("input", "weight"),
        shape=_same_shape,
        narrate=N_("each group of {input} gets mean 0, variance 1, then is scaled by {weight}, shifted by {bias}"),
        narrate_backward=N_("the gradient of {input} loses its mean and its part along the normalized values"),
        samples=lambda: [((3, 4), (4,), (4,), {"n_dims": 1, "eps": 1e-5})],
    )
)


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Any:
    """Mean 0 and variance 1 over the last dims, then scaled and shifted."""
    shape = list(normalized_shape)
    if list(input.shape)[len(input.shape) - len(shape) :] != shape or len(shape) > input.dim():
        text = ", ".join(str(n) for n in shape)
        fail(
            RuntimeError,
            f"Given normalized_shape={shape}, expected input with shape [*, {text}], but got input of size"
            f"{list(input.shape)}",
            kind="normalized_shape",
            op="layer_norm",
            shape=list(input.shape),
            wanted=shape,
        )
    return run(LAYER_NORM, (input, weight, bias), (len(shape), eps))


def _channels(x: Any, values: Any) -> Any:
    return values.reshape((1, -1) + (1,) * (len(x.shape) - 2))


def _batch_dims(x: Any) -> tuple[int, ...]:
    return (0, *range(2, len(x.shape)))


def _batch_norm(x: Any, w: Any, b: Any, mean: Any, variance: Any, uses_batch: bool, eps: float) -> Any:
    dims = _batch_dims(x)
    if uses_batch:
        centred = x - x.mean(axis=dims, keepdims=True, dtype=x.dtype)
        out = centred / np.sqrt((centred * centred).mean(axis=dims, keepdims=True, dtype=x.dtype) + x.dtype.type(eps))
    else:
        out = (x - _channels(x, mean)) / np.sqrt(_channels(x, variance) + x.dtype.type(eps))
    if w is not None:
        out = out * _channels(x, w)
    return out if b is None else out + _channels(x, b)


def _batch_norm_vjp(node: Any, g: Any, x: Any, w: Any, mean: Any, variance: Any) -> Any:
    xp = node.xp
    uses_batch, eps = node.params
    _, ew, eb, *_rest = node.edges
    dims = _batch_dims(x)
    h = g if w is None else g * _channels(x, w)
    if uses_batch:
        dx, out = _normalized_vjp(xp, h, x, dims, eps)
    else:
        scale = (_channels(x, variance) + eps) ** -0.5
        dx, out = h * scale, (x - _channels(x, mean)) * scale
    dw = None if ew is None else xp.sum(g * out, dims)
    return dx, dw, None if eb is None else xp.sum(g, dims), None, None


BATCH_NORM = declare(
    Op(
        name="batch_norm",
        node="NativeBatchNormBackward0",
        category=Category.NORMALIZATION,
        args=("input", "weight", "bias", "running_mean", "running_var"),
        params=("training", "eps"),
        formula="out = (input − mean) / √(variance + eps) · weight + bias, for each feature over the batch",
        backward_formula="d input = (h − mean(h) − x̂ · mean(h · x̂)) / std,  h = g · weight",
        forward=_batch_norm,
        vjp=_batch_norm_vjp,
        saves=("input", "weight", "running_mean", "running_var"),
        shape=_same_shape,
        narrate=N_("each feature of {input} gets mean 0, variance 1, then is scaled by {weight}, shifted by {bias}"),
        narrate_backward=N_("the gradient of {input} loses its mean and its part along the normalized values"),
        samples=lambda: [((5, 3), (3,), (3,), (3,), (3,), {"training": True, "eps": 1e-5})],
    )
)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Mean 0 and variance 1 for each feature; in training by the batch, which also moves the running statistics."""
    x = input._array
    n = x.size // x.shape[1] if x.size else 0
    if training and n == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    for name, each in (("running_mean", running_mean), ("weight", weight)):
        if each is not None and each.numel() != x.shape[1]:
            fail(
                RuntimeError,
                f"{name} should contain {x.shape[1]} elements not {each.numel()}",
                kind="features",
                op="batch_norm",
                shape=list(x.shape),
                wanted=each.numel(),
            )
    # Running statistics are not saved while the batch's own are used, so that moving them does no harm.
    statistics = (None, None) if training else (running_mean, running_var)
    out = run(BATCH_NORM, (input, weight, bias, *statistics), (training, eps))
    if training and running_mean is not None and running_var is not None and type(x) is not Virtual:
        dims = _batch_dims(x)
        mean = x.mean(axis=dims, dtype=np.float64)
        variance = x.var(axis=dims, ddof=1, dtype=np.float64)
        for running, batch in ((running_mean._array, mean), (running_var._array, variance)):
            running[...] = momentum * batch + (1 - momentum) * running
    return out


for _function in (dropout, prelu, layer_norm, batch_norm):
    FUNCTIONS.setdefault(_function.__name__, guard(_function.__name__, _function))
