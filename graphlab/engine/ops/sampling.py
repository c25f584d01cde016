"""Random numbers in place (cauchy_, geometric_, log_normal_), dropout of whole channels, and bags of embeddings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.generator import Generator, default_generator
from graphlab.engine.ops.activation import same_shape, warn
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import FUNCTIONS, bump, method, need_tensor, public, run, run_inplace
from graphlab.engine.random import _overwrite
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, known, virtual
from graphlab.i18n import N_

_EPS = float(np.finfo(np.float64).eps)


def _put(t: Tensor, name: str, values: Array, params: dict[str, Any]) -> Tensor:
    return _overwrite(t, name, values.astype(t._array.dtype).reshape(t._array.shape), params)


@method("cauchy_")
def cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers from a Cauchy distribution."""
    if sigma <= 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    if self._array.dtype.kind not in "fV":
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {self.dtype.c_name()}"
        )
    if type(self._array) is Virtual:
        return _overwrite(self, "cauchy_", self._array, {"median": median, "sigma": sigma})
    u = (generator or default_generator).uniform64(self._array.size)
    # tan is not asked for the ends of its range.
    u = np.clip(u, _EPS, 1 - _EPS)
    return _put(self, "cauchy_", median + sigma * np.tan(math.pi * (u - 0.5)), {"median": median, "sigma": sigma})


@method("geometric_")
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the number of trials until the first success of probability p."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if type(self._array) is Virtual:
        return _overwrite(self, "geometric_", self._array, {"p": p})
    u = (generator or default_generator).uniform64(self._array.size)
    return _put(self, "geometric_", np.ceil(np.log(u) / math.log1p(-p)), {"p": p})


@method("log_normal_")
def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponentials of normal numbers."""
    if std <= 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if self._array.dtype.kind not in "fV":
        fail(
            NotImplementedError,
            f"\"log_normal_cpu\" not implemented for '{self.dtype.title}'",
            kind="dtype_unsupported",
            op="log_normal_",
            dtype=self.dtype.name,
        )
    if type(self._array) is Virtual:
        return _overwrite(self, "log_normal_", self._array, {"mean": mean, "std": std})
    source = generator or default_generator
    drawn = np.array([source.normal() for _ in range(self._array.size)])
    return _put(self, "log_normal_", np.exp(drawn * std + mean), {"mean": mean, "std": std})


# Dropout of channels, and the one that keeps mean and variance

FEATURE_DROPOUT = declare(
    Op(
        name="feature_dropout",
        category=Category.RANDOM,
        args=("input", "mask"),
        params=("p",),
        formula=N_("out = input · mask, the mask 0 or 1 / (1 − p) for each channel"),
        backward_formula="d input = g · mask",
        forward=lambda x, mask, p: x * mask,
        vjp=lambda node, g, mask: (node.xp.expand(mask, g.shape) * g, None),
        saves=("mask",),
        shape=same_shape,
        narrate=N_("whole channels of {input} become 0 with probability {p}, the others are scaled up"),
        narrate_backward=N_("the gradient passes through the channels that were kept, scaled alike"),
    )
)
ALPHA_DROPOUT = declare(
    Op(
        name="alpha_dropout",
        category=Category.RANDOM,
        args=("input", "scale", "shift"),
        params=("p",),
        formula=N_("out = input · scale + shift: dropped entries take the value that selu has far below 0"),
        backward_formula="d input = g · scale",
        forward=lambda x, scale, shift, p: x * scale + shift,
        vjp=lambda node, g, scale: (node.xp.expand(scale, g.shape) * g, None, None),
        saves=("scale",),
        shape=same_shape,
        narrate=N_("entries of {input} are dropped with probability {p} so that mean and variance stay"),
        narrate_backward=N_("the gradient passes through the entries that were kept, scaled alike"),
    )
)


# PyTorch computes both from other operators.
_FEATURE_OP, _ALPHA_OP = known_as(FEATURE_DROPOUT, "MulBackward0"), known_as(ALPHA_DROPOUT, "AddBackward0")


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _dropped(input: Any, p: float, training: bool, inplace: bool, feature: bool, alpha: bool) -> Any:
    x = need_tensor(input, "dropout")._array
    if p == 0 or not training or not x.size:
        return input
    if p == 1:
        return input.mul_(0) if inplace else input * 0
    shape = x.shape
    if feature:
        if x.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shape = (*x.shape[:2], *(1,) * (x.ndim - 2))
    noise: Any
    if type(x) is Virtual:
        noise = virtual(shape, x.dtype)
    else:
        noise = default_generator.bernoulli(1 - p, shape).astype(x.dtype)
    kind = x.dtype.type
    call = run_inplace if inplace else run
    if alpha:
        # The negative of the limit of selu at −∞: scale · alpha.
        limit = 1.7580993408473766
        a = 1 / math.sqrt((limit * limit * p + 1) * (1 - p))
        shift = (noise - kind(1)) * kind(limit * a) + kind(limit * a * p)
        tensors = (input, wrap(noise * kind(a), input._device), wrap(shift, input._device))
        return call(_ALPHA_OP, tensors, (p,))
    return call(_FEATURE_OP, (input, wrap(noise / kind(1 - p), input._device)), (p,))


@public("alpha_dropout", method=False)
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean and variance, for selu networks."""
    _check_probability(p)
    return _dropped(input, p, training, inplace, False, True)


@public("feature_alpha_dropout", method=False)
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Alpha dropout of whole channels."""
    _check_probability(p)
    return _dropped(input, p, training, inplace, True, True)


@public("feature_dropout", method=False)
def feature_dropout(input: Any, p: float, train: bool) -> Any:
    """Dropout of whole channels."""
    return _dropped(input, p, train, False, True, False)


@public("dropout1d", method=False)
def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels of (N, C, L) or (C, L)."""
    _check_probability(p)
    n = need_tensor(input, "dropout1d").ndim
    if n not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {n}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension "
            "(i.e. 2D or 3D inputs)."
        )
    if n == 3:
        return _dropped(input, p, training, inplace, True, False)
    return _dropped(input.unsqueeze(0), p, training, inplace, True, False).squeeze(0)


@public("dropout2d", method=False)
def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels of (N, C, H, W)."""
    _check_probability(p)
    n = need_tensor(input, "dropout2d").ndim
    if n not in (3, 4):
        warn(
            f"dropout2d: Received a {n}-D input to dropout2d, which is deprecated and will result in an error in a "
            "future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout2d "
            "exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 3D or 4D inputs).",
            "dropout_dims",
        )
    if n == 3:
        warn(
            "dropout2d: Received a 3-D input to dropout2d and assuming that channel-wise 1-D dropout behavior is "
            "desired - "
            "input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future "
            "release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the "
            "1-D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.",
            "dropout_dims",
        )
    return _dropped(input, p, training, inplace, True, False)


@public("dropout3d", method=False)
def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check_probability(p)
    n = need_tensor(input, "dropout3d").ndim
    if n not in (4, 5):
        warn(
            f"dropout3d: Received a {n}-D input to dropout3d, which is deprecated and will result in an error in a "
            "future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout3d "
            "exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 4D or 5D inputs).",
            "dropout_dims",
        )
    if n == 5:
        return _dropped(input, p, training, inplace, True, False)
    return _dropped(input.unsqueeze(0), p, training, inplace, True, False).squeeze(0)


@public("native_dropout_backward", method=False)
def native_dropout_backward(grad_output: Any, mask: Any, scale: float) -> Any:
    """The gradient of dropout from its mask."""
    return rename(grad_output * mask.to(grad_output.dtype) * scale, "NativeDropoutBackwardBackward0")


# Bags of embeddings


@public("embedding_bag", method=False)
def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or largest of the rows of a table, for each bag of indices."""
    i = need_tensor(input, "embedding_bag")._array
    w = need_tensor(weight, "embedding_bag", "weight", 2)._array
    if per_sample_weights is not None and per_sample_weights._array.shape != i.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            "same "
            f"shape as the input ({input.shape})"
        )
    if w.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {w.ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    flat, starts = _bags(i, offsets, include_last_offset)
    n_bags = len(starts)
    if max_norm is not None and known(flat):
        limit_rows(weight, flat, max_norm, norm_type)
        bump(weight)
    if type(flat) is Virtual or type(starts) is Virtual:
        rows = FUNCTIONS["embedding"](input, weight).reshape(-1, w.shape[1])
        if per_sample_weights is not None:
            rows = rows * per_sample_weights.reshape(-1, 1)
        empty = FUNCTIONS["empty"](n_bags, w.shape[1], dtype=weight.dtype, device=input._device)
        return empty.index_add(0, wrap(virtual((flat.size,), np.dtype(np.int64)), input._device), rows)
    bag = np.searchsorted(starts, np.arange(flat.size), side="right") - 1
    if padding_idx is not None:
        keep = flat != (padding_idx + w.shape[0] if padding_idx < 0 else padding_idx)
    else:
        keep = np.ones(flat.size, bool)
    where = input._device
    rows = FUNCTIONS["embedding"](wrap(flat[keep], where), weight)
    bag = bag[keep]
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1)[wrap(keep, where)].unsqueeze(1)
    zeros = FUNCTIONS["zeros"](n_bags, w.shape[1], dtype=weight.dtype, device=where)
    if mode == "max":
        index = np.broadcast_to(bag[:, None], (bag.size, w.shape[1]))
        largest = FUNCTIONS["scatter_reduce"](
            zeros, 0, wrap(np.ascontiguousarray(index), where), rows, "amax", include_self=False
        )
        return rename(largest, "EmbeddingBagBackward0")
    total = FUNCTIONS["index_add"](zeros, 0, wrap(bag, where), rows)
    if mode == "sum":
        return rename(total, "EmbeddingBagBackward0")
    counts = np.maximum(np.bincount(bag, minlength=n_bags), 1).astype(w.dtype)
    return rename(total / wrap(counts[:, None], where), "EmbeddingBagBackward0")


def _bags(i: Array, offsets: Any, include_last: bool) -> tuple[Array, Array]:
    """The indices in a row, and where each bag begins."""
    if i.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        return i.reshape(-1), np.arange(i.shape[0]) * i.shape[1]
    if i.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {i.ndim}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts = offsets._array
    if known(starts) and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            "However, got "
            f"{starts[0]}"
        )
    return i, starts[:-1] if include_last else starts


def limit_rows(weight: Tensor, flat: Array, max_norm: float, norm_type: float) -> None:
    """In place: rows that are looked up are scaled down to a largest norm."""
    w = weight._array
    for row in np.unique(flat):
        size = float(np.sum(np.abs(w[row]) ** norm_type) ** (1 / norm_type))
        if size > max_norm:
            w[row] *= w.dtype.type(max_norm / (size + 1e-7))
