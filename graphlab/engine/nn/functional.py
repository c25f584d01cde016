"""Functions on tensors with PyTorch's signatures: `torch.nn.functional`. Most are operators, re-exported."""

from __future__ import annotations

from typing import Any

from graphlab.engine import ops  # noqa: F401 - declares the operators
from graphlab.engine.nn import operators  # noqa: F401 - declares those of layers
from graphlab.engine.ops.interpolation import fold as fold
from graphlab.engine.ops.interpolation import unfold as unfold
from graphlab.engine.ops.loss import reduction_of
from graphlab.engine.ops.run import FUNCTIONS, renamed

_OPERATORS = (
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "conv1d",
    "conv2d",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "elu",
    "elu_",
    "embedding",
    "gelu",
    "glu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
)

_BREADTH = (
    "pixel_unshuffle",
    "pixel_shuffle",
    "upsample",
    "interpolate",
    "multi_head_attention_forward",
    "scaled_dot_product_attention",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "instance_norm",
    "local_response_norm",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "rms_norm",
)

_FURTHER = (
    "alpha_dropout",
    "channel_shuffle",
    "cosine_embedding_loss",
    "cosine_similarity",
    "ctc_loss",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "embedding_bag",
    "feature_alpha_dropout",
    "gaussian_nll_loss",
    "glu",
    "hardshrink",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "normalize",
    "pairwise_distance",
    "pdist",
    "poisson_nll_loss",
    "rrelu",
    "rrelu_",
    "soft_margin_loss",
    "softmin",
    "softshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "affine_grid",
    "selu_",
    "hardtanh_",
    "celu_",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "grid_sample",
    "gumbel_softmax",
    "linear_cross_entropy",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "upsample_bilinear",
    "upsample_nearest",
)

# Named anew, because most of them are written in Python in PyTorch, and refuse their arguments in Python's words.
globals().update(
    {name: renamed(FUNCTIONS[name], f"F.{name}") for name in (*_OPERATORS, *_BREADTH, *_FURTHER) if name in FUNCTIONS}
)


_GROUP_NORM = renamed(FUNCTIONS["group_norm"], "F.group_norm")


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """`torch.group_norm`; 0 groups are a `ZeroDivisionError` here, because Python divides by them first."""
    if num_groups == 0 and input.ndim >= 2:
        raise ZeroDivisionError("integer division or modulo by zero")
    return _GROUP_NORM(input, num_groups, weight, bias, eps)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.nn.functional' has no attribute '{name}'")


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that PyTorch's two old switches mean, or `reduction` itself, unchecked."""
    if size_average is None and reduce is None:
        return reduction
    return reduction_of(reduction, size_average, reduce)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """One number for each matrix A of `weight`: x1 A x2, plus its bias."""
    for i, given in ((1, input1), (2, input2)):
        if given.shape[-1] != weight.shape[i]:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {given.shape[-1]} but expected "
                f"{weight.shape[i]}"
            )
    rows = input1.reshape(-1, input1.shape[-1])
    columns = input2.reshape(-1, input2.shape[-1])
    products = (rows.unsqueeze(1).unsqueeze(2) @ weight).squeeze(2)
    out = (products * columns.unsqueeze(1)).sum(-1).reshape(*input1.shape[:-1], weight.shape[0])
    return out if bias is None else out + bias
