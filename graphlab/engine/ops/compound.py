"""Functions put together of others: norms that give their statistics, Gumbel softmax, a layer and its loss in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename_all
from graphlab.engine.errors import fail, make
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public
from graphlab.engine.tensor import Tensor, wrap

# Norms


@public("native_layer_norm", "native_layer_norm", method=False)
def native_layer_norm(input: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    """`layer_norm`, and the mean and 1 / standard deviation of each group."""
    out = FUNCTIONS["layer_norm"](input, normalized_shape, weight, bias, eps)
    x = input._array
    dims = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    mean = x.mean(axis=dims, keepdims=True)
    with np.errstate(invalid="ignore"):
        scale = (1 / np.sqrt(x.var(axis=dims, keepdims=True) + eps)).astype(x.dtype)
    return out, wrap(mean, input._device), wrap(scale, input._device)


@public("native_group_norm", "native_group_norm", method=False)
def native_group_norm(input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float) -> Any:
    """`group_norm`, and the mean and 1 / standard deviation of each group; these have gradients, too."""
    t = need_tensor(input, "native_group_norm")
    out = FUNCTIONS["group_norm"](t, group, weight, bias, eps)
    rows = t.reshape(N, group, C // group * HxW)
    centre = rows.mean(-1, keepdim=True)
    variance = (rows - centre).square().mean(-1)
    return rename_all((out, centre.squeeze(-1), (variance + eps).rsqrt()), "NativeGroupNormBackward0")


@public("native_batch_norm", "native_batch_norm", method=False)
def native_batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    *,
    out: Any = None,
) -> Any:
    """`batch_norm`, and the mean and 1 / standard deviation of each channel where the batch's own were used."""
    x = need_tensor(input, "native_batch_norm")._array
    made = FUNCTIONS["batch_norm"](input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        none = wrap(np.zeros(0, x.dtype), input._device)
        return made, none, none.clone()
    dims = tuple(d for d in range(x.ndim) if d != 1)
    mean = x.mean(axis=dims)
    scale = (1 / np.sqrt(x.var(axis=dims) + eps)).astype(x.dtype)
    return made, wrap(mean, input._device), wrap(scale, input._device)


@public("native_dropout", "native_dropout", method=False)
def native_dropout(input: Any, p: float, train: bool | None) -> Any:
    """`dropout`, and which entries were kept."""
    t: Any = need_tensor(input, "native_dropout")
    if train is False or not t.numel():
        return t.clone(), wrap(np.ones(t._array.shape, bool), t._device)
    if p == 1:
        return t * 0.0, wrap(np.zeros(t._array.shape, bool), t._device)
    kept = FUNCTIONS["empty_like"](t).bernoulli_(1 - p).to(FUNCTIONS["isnan"](t).dtype)
    return t * kept * (1 / (1 - p)), kept


# Padding and interpolation under other names


@public("constant_pad_nd", "constant_pad_nd", method=False)
def constant_pad_nd(input: Any, pad: Any, value: Any = 0) -> Any:
    """A number around a tensor: pad is (before, after) for the last dim, then for the one before, …"""
    t = need_tensor(input, "constant_pad_nd")
    if not isinstance(pad, (tuple, list)):
        raise TypeError(
            f"constant_pad_nd(): argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}"
        )
    if len(pad) % 2:
        raise make(RuntimeError, f"Length of pad must be even but instead it equals {len(pad)}", kind="pad_size")
    if len(pad) > 2 * t.dim():
        raise make(
            RuntimeError,
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)}while the input has {t.dim()}dimensions.",
            kind="pad_size",
        )
    return FUNCTIONS["pad"](t, tuple(pad), "constant", value)


def _upsample(name: str, mode: str, **more: Any) -> Any:
    def upsample(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
        """`interpolate` under its old name."""
        warn(
            f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
            "deprecated",
            stacklevel=4,
        )
        return FUNCTIONS["interpolate"](input, size, scale_factor, mode=mode, **more)

    upsample.__name__ = name
    return upsample


public("upsample_nearest", "upsample_nearest", method=False)(_upsample("upsample_nearest", "nearest"))
public("upsample_bilinear", "upsample_bilinear", method=False)(
    _upsample("upsample_bilinear", "bilinear", align_corners=True)
)


# Activations and losses


@public("gumbel_softmax", "gumbel_softmax", method=False)
def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A random choice by `logits` that has a gradient; `hard` gives one-hot vectors, with the soft ones' gradient."""
    t = need_tensor(logits, "gumbel_softmax", "logits")
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.", "deprecated")
    noise = -FUNCTIONS["empty_like"](t).exponential_().log()
    soft = FUNCTIONS["softmax"]((t + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    return FUNCTIONS["zeros_like"](t).scatter_(dim, index, 1.0) - soft.detach() + soft


@public("linear_cross_entropy", "linear_cross_entropy", method=False)
def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Any:
    """The cross-entropy of `linear(input, linear_weight)`.

    PyTorch's `options` say in how many pieces to compute it, to save memory; the result is the same without.
    """
    x, w = (
        need_tensor(input, "linear_cross_entropy"),
        need_tensor(linear_weight, "linear_cross_entropy", "linear_weight", 2),
    )
    goal = need_tensor(target, "linear_cross_entropy", "target", 3)
    shapes: dict[str, Any] = {"op": "linear_cross_entropy", "shapes": [list(x.shape), list(w.shape)]}
    if x.dim() not in (1, 2):
        fail(RuntimeError, f"expected input with dimensionality 1 or 2, got {x.dim()}", kind="matrix_dims", **shapes)
    if w.dim() < 2:
        text = f"expected linear_weight with dimensionality at least 2, got {w.dim()}"
        fail(RuntimeError, text, kind="matrix_dims", **shapes)
    n_features, n_classes, further = x.shape[-1], w.shape[0], tuple(w.shape[1:-1])
    if n_features != w.shape[-1]:
        fail(
            RuntimeError,
            f"expected equal input and linear_weight last dimensions (in_features), got {n_features} and "
            f"{w.shape[-1]}, respectively",
            kind="matmul",
            sizes=[n_features, w.shape[-1]],
            **shapes,
        )
    if linear_bias is not None and tuple(linear_bias.shape) != (n_classes, *further):
        text = f"expected linear_bias shape {(n_classes, *further)}, got {tuple(linear_bias.shape)}"
        fail(RuntimeError, text, kind="matrix_dims", **shapes)
    if further and x.dim() == 1:
        fail(
            RuntimeError,
            f"K-dimensional loss defined by linear_weight shape {tuple(w.shape)} requires batched input, "
            f"(N, {n_features}), got unbatched input with shape {tuple(x.shape)}",
            kind="matrix_dims",
            **shapes,
        )
    logits_shape = (*x.shape[:-1], n_classes, *further)
    if tuple(goal.shape) == logits_shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    logits = _logits(x, w, linear_bias, further)
    return FUNCTIONS["cross_entropy"](
        logits,
        goal,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def _logits(x: Tensor, w: Tensor, bias: Any, further: tuple[int, ...]) -> Any:
    if not further:
        return FUNCTIONS["linear"](x, w, bias)
    flat = FUNCTIONS["linear"](x, w.reshape(-1, w.shape[-1]), None if bias is None else bias.reshape(-1))
    return flat.reshape(*x.shape[:-1], w.shape[0], *further)
