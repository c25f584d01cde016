"""Operators that only layers use: dropout, prelu, layer and batch normalization."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import Virtual
from graphlab.engine.errors import fail
from graphlab.engine.generator import default_generator
from graphlab.engine.ops.applied import NUMERIC, finish, needs_grad
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, common_device, guard, need_tensor, run
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
        formula=N_("out = input · mask,  mask = 0 with probability p, else 1 / (1 − p)"),
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
    elif array.dtype.kind in "iub":
        fail(
            RuntimeError,
            f"result type Float can't be cast to the desired output type {input.dtype.title}",
            kind="dtype_unsupported",
            op="dropout",
            dtype=input.dtype.name,
        )
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
        formula=N_("out = input where input > 0, else weight · input"),
        backward_formula=N_("d input = g or g · weight;  d weight = sum of g · input where input ≤ 0"),
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


def _standardized(rows: Any, eps: float) -> tuple[Any, Any, Any]:
    """The rows with mean 0 and variance 1, their means and one over their deviations; sums as matrix products."""
    n = max(rows.shape[1], 1)
    mean = rows @ np.full(rows.shape[1], 1 / n, rows.dtype)
    out = rows - mean[:, None]
    scale = np.einsum("ij,ij->i", out, out)
    scale /= n
    scale += rows.dtype.type(eps)
    np.sqrt(scale, out=scale)
    np.divide(1, scale, out=scale)
    out *= scale[:, None]
    return out, mean, scale


def _layer_norm(x: Any, w: Any, b: Any, n_dims: int, eps: float) -> Any:
    return _layer_norm_parts(x, w, b, n_dims, eps)[0]


def _layer_norm_parts(x: Any, w: Any, b: Any, n_dims: int, eps: float) -> tuple[Any, Any, Any]:
    """The output, and each row's mean and scale."""
    width = prod(x.shape[x.ndim - n_dims :])
    if x.itemsize == 2:
        wide: list[Any] = [None if a is None else a.astype(np.float32) for a in (x, w, b)]
        out, mean, scale = _layer_norm_parts(wide[0], wide[1], wide[2], n_dims, eps)
        return out.astype(x.dtype), mean, scale
    out, mean, scale = _standardized(x.reshape(x.size // width if width else 0, width), eps)
    if w is not None:
        out *= w.reshape(width)
    if b is not None:
        out += b.reshape(width)
    return out.reshape(x.shape), mean, scale


def _layer_norm_numeric(node: Any, g: Any, x: Any, w: Any, mean: Any, scale: Any) -> Any:
    ex, ew, eb = node.edges
    n = prod(x.shape[x.ndim - node.params[0] :])
    normal = x.reshape(len(mean), n) - mean[:, None]
    normal *= scale[:, None]
    g = g.reshape(normal.shape)
    ones = np.ones(len(normal), g.dtype)
    db = None if eb is None else (ones @ g).reshape(x.shape[x.ndim - node.params[0] :])
    dw = dx = None
    if ew is not None:
        dw = (ones @ (g * normal)).reshape(w.shape)
    if ex is not None:
        dx = g.copy() if w is None else g * w.reshape(n)
        along = np.einsum("ij,ij->i", dx, normal)
        along /= n
        dx -= (dx @ np.full(n, 1 / n, g.dtype))[:, None]
        normal *= along[:, None]
        dx -= normal
        dx *= scale[:, None]
        dx = dx.reshape(x.shape)
    return dx, dw, db


def _layer_norm_vjp(node: Any, g: Any, x: Any, w: Any, mean: Any = None, scale: Any = None) -> Any:
    xp = node.xp
    n_dims, eps = node.params
    if mean is not None and xp is NUMERIC:
        return _layer_norm_numeric(node, g, x, w, mean, scale)
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
        formula=N_("out = (input − mean) / √(variance + eps) · weight + bias, over the last dims"),
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
    x = need_tensor(input, "layer_norm")._array
    if not isinstance(normalized_shape, (tuple, list)):
        kind = type(normalized_shape).__name__
        raise TypeError(f"layer_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, not {kind}")
    shape = list(normalized_shape)
    facts: dict[str, Any] = {"kind": "normalized_shape", "op": "layer_norm", "shape": list(x.shape), "wanted": shape}
    if not shape:
        fail(
            RuntimeError,
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []",
            **facts,
        )
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and list(each._array.shape) != shape:
            fail(
                RuntimeError,
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(each._array.shape)} and normalized_shape = {shape}",
                **facts,
            )
    if len(shape) > x.ndim or list(x.shape)[x.ndim - len(shape) :] != shape:
        text = ", ".join(str(n) for n in shape)
        fail(
            RuntimeError,
            f"Given normalized_shape={shape}, expected input with shape [*, {text}], but got input of size"
            f"{list(x.shape)}",
            **facts,
        )
    _check_types("LayerNormKernelImpl", "layer_norm", x, (weight, bias))
    inputs, params = (input, weight, bias), (len(shape), eps)
    if common_device("layer_norm", inputs).simulated or type(x) is Virtual or not needs_grad(inputs):
        return run(LAYER_NORM, inputs, params)
    w, b = (None if t is None else t._array for t in (weight, bias))
    out, mean, scale = _layer_norm_parts(x, w, b, len(shape), eps)
    return finish(LAYER_NORM, inputs, out, params, (mean, scale) if x.itemsize != 2 else ())


def _check_types(kernel: str, op: str, x: Any, others: Any) -> None:
    """Refuse what is not floating, and weights of another type (float32 ones beside float16 pass)."""
    if x.dtype.kind in "iubc":
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op=op,
            dtype=dtypes.of(x).name,
        )
    for t in others:
        if t is not None and t._array.dtype != x.dtype and x.dtype.itemsize != 2:
            fail(
                RuntimeError,
                "mixed dtype (CPU): all inputs must share same datatype.",
                kind="dtype_mix",
                op=op,
                dtypes=[dtypes.of(x).name, dtypes.of(t._array).name],
            )


def _channels(x: Any, values: Any) -> Any:
    return values.reshape((1, -1) + (1,) * (len(x.shape) - 2))


def _batch_dims(x: Any) -> tuple[int, ...]:
    return (0, *range(2, len(x.shape)))


def _batch_norm(x: Any, w: Any, b: Any, mean: Any, variance: Any, uses_batch: bool, eps: float) -> Any:
    return _batch_norm_parts(x, w, b, mean, variance, uses_batch, eps)[0]


def _planes(x: Any) -> Any:
    """(samples, channels, places)."""
    return x.reshape(*x.shape[:2], prod(x.shape[2:]))


def _channel_sum(x: Any, y: Any = None) -> Any:
    """The sum of x, or of x · y, for each channel of (samples, channels, places)."""
    if x.shape[2] == 1:
        flat = x[:, :, 0]
        return np.ones(len(flat), x.dtype) @ (flat if y is None else flat * y[:, :, 0])
    if y is not None:
        return np.einsum("ncl,ncl->nc", x, y).sum(0)
    return np.matmul(x, np.ones(x.shape[2], x.dtype)).sum(0)


def _batch_norm_parts(
    x: Any, w: Any, b: Any, mean: Any, variance: Any, uses_batch: bool, eps: float
) -> tuple[Any, Any, Any, Any]:
    """The output and, for each channel, mean, variance (of the population) and one over the standard deviation."""
    if x.itemsize == 2:
        wide: list[Any] = [None if a is None else a.astype(np.float32) for a in (x, w, b, mean, variance)]
        half = _batch_norm_parts(wide[0], wide[1], wide[2], wide[3], wide[4], uses_batch, eps)
        return half[0].astype(x.dtype), *half[1:]
    planes = _planes(x)
    n = max(planes.shape[0] * planes.shape[2], 1)
    centred = None
    if uses_batch:
        mean = _channel_sum(planes)
        mean /= n
        centred = planes - mean[:, None]
        variance = _channel_sum(centred, centred)
        variance /= n
    scale = 1 / np.sqrt(variance + x.dtype.type(eps))
    factor = scale if w is None else scale * w
    out = planes - mean[:, None] if centred is None else centred
    out *= factor[:, None]
    if b is not None:
        out += b[:, None]
    return out.reshape(x.shape), mean, variance, scale


def _batch_norm_numeric(node: Any, g: Any, x: Any, w: Any, mean: Any, scale: Any) -> Any:
    ex, ew, eb, *_rest = node.edges
    planes = _planes(x)
    shape = planes.shape
    g = g.reshape(shape)
    n = max(shape[0] * shape[2], 1)
    total = _channel_sum(g)
    work = planes - mean[:, None]
    along = _channel_sum(g, work)
    along *= scale
    dx = None
    if ex is not None:
        # (g − mean(g) − x̂ · mean(g · x̂)) · factor, the work array used again
        factor = scale if w is None else scale * w
        work *= (along * scale / -n)[:, None]
        work += g
        work -= (total / n)[:, None]
        work *= factor[:, None]
        dx = work.reshape(x.shape)
    return dx, None if ew is None else along, None if eb is None else total, None, None


def _batch_norm_vjp(
    node: Any, g: Any, x: Any, w: Any, mean: Any, variance: Any, own_mean: Any = None, own_scale: Any = None
) -> Any:
    xp = node.xp
    uses_batch, eps = node.params
    if own_mean is not None and xp is NUMERIC:
        return _batch_norm_numeric(node, g, x, w, own_mean, own_scale)
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
        formula=N_("out = (input − mean) / √(variance + eps) · weight + bias, for each feature over the batch"),
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
    if x.ndim == 1 and not x.size:
        # PyTorch takes whatever is empty as it is.
        return input.clone()
    if training:
        if not x.ndim:
            raise IndexError("tuple index out of range")
        if x.ndim < 2:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-max(x.ndim, 1)}, {max(x.ndim, 1) - 1}], "
                "but got 1)"
            )
        if prod(x.shape) == x.shape[1] and x.size:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    if training and (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    given = (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias))
    n_features = x.shape[1] if x.ndim > 1 else 0
    for name, each in given:
        if each is None:
            if not training and name.startswith("running"):
                raise RuntimeError(f"{name} must be defined in evaluation mode")
        elif each.numel() != n_features:
            fail(
                RuntimeError,
                f"{name} should contain {n_features} elements not {each.numel()}",
                kind="features",
                op="batch_norm",
                shape=list(x.shape),
                wanted=each.numel(),
            )
    _check_types("batch_norm", "batch_norm", x, (running_mean, running_var, weight, bias))
    # Running statistics are not saved while the batch's own are used, so that moving them does no harm.
    statistics = (None, None) if training else (running_mean, running_var)
    inputs, params = (input, weight, bias, *statistics), (training, eps)
    device = common_device("batch_norm", (*inputs, running_mean, running_var))
    if device.simulated or type(x) is Virtual or not training:
        out = run(BATCH_NORM, inputs, params)
        if not training or type(x) is Virtual:
            return out
        mean, variance = x.mean(axis=_batch_dims(x), dtype=np.float64), x.var(axis=_batch_dims(x), dtype=np.float64)
    else:
        w, b = (None if t is None else t._array for t in (weight, bias))
        value, mean, variance, scale = _batch_norm_parts(x, w, b, None, None, True, eps)
        out = finish(BATCH_NORM, inputs, value, params, (mean, scale) if x.itemsize != 2 else ())
    n = x.size // x.shape[1] if x.shape[1] else 0
    if n > 1:
        for running, batch in ((running_mean, mean), (running_var, variance * (n / (n - 1)))):
            if running is not None:
                running._array[...] = momentum * batch + (1 - momentum) * running._array
    return out


for _function in (dropout, prelu, layer_norm, batch_norm):
    FUNCTIONS.setdefault(_function.__name__, guard(_function.__name__, _function))
