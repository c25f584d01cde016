"""Functions on tensors with PyTorch's signatures: `torch.nn.functional`. Most are operators, re-exported."""

from __future__ import annotations

from typing import Any

from graphlab.engine import ops  # noqa: F401 - declares the operators
from graphlab.engine.nn import operators  # noqa: F401 - declares those of layers
from graphlab.engine.ops.loss import reduction_of
from graphlab.engine.ops.run import FUNCTIONS

_OPERATORS = (
    "adaptive_avg_pool2d", "avg_pool2d", "batch_norm", "bilinear", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "celu", "conv1d", "conv2d", "cosine_similarity", "cross_entropy", "dropout",
    "elu", "elu_", "embedding", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "huber_loss", "kl_div",
    "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_", "linear", "log_softmax", "logsigmoid", "max_pool2d",
    "mish", "mse_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "prelu", "relu", "relu6",
    "relu_", "selu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softmin", "softplus", "softsign", "tanh",
    "tanhshrink", "threshold", "unfold",
)  # fmt: skip

globals().update({name: FUNCTIONS[name] for name in _OPERATORS if name in FUNCTIONS})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.nn.functional' has no attribute '{name}'")


def legacy_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that PyTorch's two old switches mean, or `reduction` itself, unchecked."""
    if size_average is None and reduce is None:
        return reduction
    return reduction_of(reduction, size_average, reduce)
