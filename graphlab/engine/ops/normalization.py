"""Normalization beside that of layers and batches: groups of channels, single pictures, the root mean square."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, common_device, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _channel_shape(x: tuple[int, ...]) -> tuple[int, ...]:
    return (1, x[1], *(1,) * (len(x) - 2))


def _rows(xp: Any, x: Any, groups: int) -> Any:
    return xp.reshape(x, (x.shape[0] * groups, -1 if 0 not in x.shape else 0))


def _centred(xp: Any, rows: Any, eps: float) -> tuple[Any, Any]:
    """The rows less their means, and one over their standard deviations."""
    n = max(rows.shape[1], 1)
    centred = rows - xp.sum(rows, (1,), True) / n
    return centred, (xp.sum(centred * centred, (1,), True) / n + eps) ** -0.5


def _standardized(x: Any, groups: int, eps: float) -> tuple[Any, Any]:
    """The rows with mean 0 and variance 1, and one over their standard deviations; sums as matrix products."""
    rows = _rows(_NUMERIC, x, groups)
    n = max(rows.shape[1], 1)
    out = rows - (rows @ np.full(rows.shape[1], 1 / n, rows.dtype))[:, None]
    scale = ((np.einsum("ij,ij->i", out, out) / n + rows.dtype.type(eps)) ** rows.dtype.type(-0.5))[:, None]
    out *= scale
    return out, scale


def _group_forward(x: Any, w: Any, b: Any, groups: int, eps: float) -> Any:
    if x.dtype in (np.float32, np.float64):
        out = _standardized(x, groups, eps)[0].reshape(x.shape)
    else:
        centred, scale = _centred(_NUMERIC, _rows(_NUMERIC, x, groups), x.dtype.type(eps))
        centred *= scale
        out = centred.reshape(x.shape)
    if w is not None:
        out *= w.reshape(_channel_shape(x.shape))
    if b is not None:
        out += b.reshape(_channel_shape(x.shape))
    return out


def _group_numeric(node: Any, g: Any, x: Any, w: Any) -> Any:
    groups, eps = node.params
    ex, ew, eb = node.edges
    normal, scale = _standardized(x, groups, eps)
    planes = (*x.shape[:2], prod(x.shape[2:]))
    g = np.ascontiguousarray(g).reshape(planes)
    db = None if eb is None else np.matmul(g, np.ones(planes[2], g.dtype)).sum(0)
    dw = None if ew is None else np.einsum("ncl,ncl->nc", g, normal.reshape(planes)).sum(0)
    if ex is None:
        return None, dw, db
    h = (g.copy() if w is None else g * w[:, None]).reshape(normal.shape)
    n = max(h.shape[1], 1)
    along = np.einsum("ij,ij->i", h, normal)
    along /= n
    h -= (h @ np.full(h.shape[1], 1 / n, h.dtype))[:, None]
    normal *= along[:, None]
    h -= normal
    h *= scale
    return h.reshape(x.shape), dw, db


def _group_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    groups, eps = node.params
    xp = node.xp
    if xp is _NUMERIC and x.dtype in (np.float32, np.float64):
        return _group_numeric(node, g, x, w)
    _, ew, eb = node.edges
    centred, scale = _centred(xp, _rows(xp, x, groups), eps)
    normal = centred * scale
    h = _rows(xp, g if w is None else g * xp.reshape(w, _channel_shape(x.shape)), groups)
    n = max(h.shape[1], 1)
    dx = (h - xp.sum(h, (1,), True) / n - normal * (xp.sum(h * normal, (1,), True) / n)) * scale
    dims = (0, *range(2, len(x.shape)))
    return (
        xp.reshape(dx, x.shape),
        None if ew is None else xp.sum(g * xp.reshape(normal, x.shape), dims),
        None if eb is None else xp.sum(g, dims),
    )


GROUP_NORM = declare(
    Op(
        name="group_norm",
        node="NativeGroupNormBackward0",
        category=Category.NORMALIZATION,
        args=("input", "weight", "bias"),
        params=("num_groups", "eps"),
        formula=N_("out = (input − mean) / √(variance + eps) · weight + bias, over each group of channels"),
        backward_formula="d input = (h − mean(h) − x̂ · mean(h · x̂)) / std,  h = g · weight",
        forward=_group_forward,
        vjp=_group_vjp,
        saves=("input", "weight"),
        shape=same_shape,
        narrate=N_("each of {num_groups} groups of channels of {input} gets mean 0 and variance 1, sample by sample"),
        narrate_backward=N_("the gradient of {input} loses its mean and its part along the normalized values"),
        samples=lambda: [((2, 4, 3), (4,), (4,), {"num_groups": 2, "eps": 1e-5})],
    )
)
_NUMERIC = GROUP_NORM.node_type.xp


def _rms_forward(x: Any, w: Any, n_dims: int, eps: float) -> Any:
    dims = tuple(range(x.ndim - n_dims, x.ndim))
    work = x
    square = (work * work).mean(axis=dims, keepdims=True, dtype=work.dtype)
    out = work / np.sqrt(square + work.dtype.type(eps))
    return np.asarray(out if w is None else out * w, x.dtype)


def _rms_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    n_dims, eps = node.params
    xp = node.xp
    _, ew = node.edges
    dims = tuple(range(len(x.shape) - n_dims, len(x.shape)))
    n = max(prod(x.shape[d] for d in dims), 1)
    scale = (xp.sum(x * x, dims, True) / n + eps) ** -0.5
    normal = x * scale
    h = g if w is None else g * w
    dx = (h - normal * (xp.sum(h * normal, dims, True) / n)) * scale
    return dx, None if ew is None else xp.sum_to(g * normal, tuple(w.shape))


RMS_NORM = declare(
    Op(
        name="rms_norm",
        node="MulBackward0",
        category=Category.NORMALIZATION,
        args=("input", "weight"),
        params=("n_dims", "eps"),
        formula=N_("out = input / √(mean of input² + eps) · weight, over the last dims"),
        backward_formula="d input = (h − x̂ · mean(h · x̂)) / rms,  h = g · weight",
        forward=_rms_forward,
        vjp=_rms_vjp,
        saves=("input", "weight"),
        shape=same_shape,
        narrate=N_("each group of {input} is divided by its root mean square, then scaled by {weight}"),
        narrate_backward=N_("the gradient of {input} loses its part along the normalized values"),
        samples=lambda: [((3, 4), (4,), {"n_dims": 1, "eps": 1e-5})],
    )
)


@public(GROUP_NORM, method=False)
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Any:
    """Mean 0 and variance 1 for each sample and group of channels, then scaled and shifted by channel."""
    x = need_tensor(input, "group_norm")._array
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    facts: dict[str, Any] = {"op": "group_norm", "shape": list(x.shape), "num_groups": num_groups}
    if x.ndim < 2:
        fail(
            RuntimeError,
            f"Expected at least 2 dimensions for input tensor but received {x.ndim}",
            kind="norm_dims",
            **facts,
        )
    if x.shape[0] * x.shape[1] // num_groups * prod(x.shape[2:]) == 1:
        size = [x.shape[0] * x.shape[1] // num_groups, num_groups, *x.shape[2:]]
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")
    if x.shape[1] % num_groups:
        fail(
            RuntimeError,
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(x.shape)} and num_groups={num_groups}",
            kind="norm_groups",
            **facts,
        )
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and each._array.shape != (x.shape[1],):
            # PyTorch gives the weight's shape in both messages.
            shown = list(weight._array.shape) if weight is not None else [0]
            fail(
                RuntimeError,
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {shown} and input of shape {list(x.shape)}",
                kind="features",
                wanted=x.shape[1],
                **facts,
            )
    _float_only("GroupNormKernelImpl", x)
    common_device("group_norm", (input, weight, bias))
    return run(GROUP_NORM, (input, weight, bias), (num_groups, eps))


def _float_only(kernel: str, x: Any) -> None:
    if x.dtype.kind not in "fVc":
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op=kernel,
            dtype=dtypes.of(x).name,
        )


@public(RMS_NORM, method=False)
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Any:
    """Divide by the root mean square over the last dims, then scale."""
    x = need_tensor(input, "rms_norm")._array
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(
            "rms_norm(): argument 'normalized_shape' (position 2) must be tuple of ints, not "
            f"{type(normalized_shape).__name__}"
        )
    shape = list(normalized_shape)
    facts: dict[str, Any] = {"op": "rms_norm", "shape": list(x.shape), "wanted": shape, "kind": "normalized_shape"}
    if not shape:
        fail(
            RuntimeError,
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []",
            **facts,
        )
    if weight is not None and list(weight._array.shape) != shape:
        fail(
            RuntimeError,
            "Expected weight to be of same shape as normalized_shape, but got weight of shape "
            f"{list(weight._array.shape)} "
            f"and normalized_shape = {shape}",
            **facts,
        )
    if list(x.shape[max(x.ndim - len(shape), 0) :]) != shape:
        fail(
            RuntimeError,
            f"Given normalized_shape={shape}, expected input with shape [*{', '.join(map(str, shape))}], but "
            "got input of "
            f"size{list(x.shape)}",
            **facts,
        )
    common_device("rms_norm", (input, weight))
    if eps is None:
        eps = float(np.finfo(np.float32 if x.itemsize == 2 else x.dtype).eps)
    return run(RMS_NORM, (input, weight), (len(shape), eps))


@public("instance_norm", method=False)
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Mean 0 and variance 1 for each sample and channel: batch normalization of a batch of one."""
    x = need_tensor(input, "instance_norm")._array
    if use_input_stats and prod(x.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    if not use_input_stats and (running_mean is None or running_var is None):
        fail(
            RuntimeError,
            "Expected running_mean and running_var to be defined when use_input_stats is false",
            kind="features",
            op="instance_norm",
            shape=list(x.shape),
        )
    n, c = x.shape[:2]
    repeated = [None if each is None else each.repeat(n) for each in (running_mean, running_var, weight, bias)]
    mean, variance, scale, shift = repeated
    flat = input.contiguous().view(1, n * c, *x.shape[2:])
    out = FUNCTIONS["batch_norm"](flat, mean, variance, scale, shift, use_input_stats, momentum, eps)
    if use_input_stats:
        for own, moved in ((running_mean, mean), (running_var, variance)):
            if own is not None and moved is not None:
                own._array[...] = moved._array.reshape(n, c).mean(0)
    return out.view(*x.shape)


@public("local_response_norm", method=False)
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """Divide by a power of the mean square of the neighbouring channels."""
    dim = input.dim()
    if dim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {dim} dimensions)")
    if not input.numel():
        return input
    squares = input.mul(input)
    zeros = FUNCTIONS["zeros_like"]
    before = [zeros(squares[:, :1]) for _ in range(size // 2)]
    after = [zeros(squares[:, :1]) for _ in range((size - 1) // 2)]
    wide = FUNCTIONS["cat"]([*before, squares, *after], 1)
    channels = squares.shape[1]
    total: Any = wide[:, :channels]
    for i in range(1, size):
        total = total + wide[:, i : i + channels]
    return input / (total / size).mul(alpha).add(k).pow(beta)
