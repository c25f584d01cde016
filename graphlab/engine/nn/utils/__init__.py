"""Helpers for modules and their parameters: `torch.nn.utils`."""

from typing import Any

from graphlab.engine.nn.utils import rnn
from graphlab.engine.nn.utils.clipping import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "fuse_conv_bn_eval", "fuse_conv_bn_weights",
    "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm", "parameters_to_vector", "parametrizations",
    "parametrize", "prune", "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init", "spectral_norm",
    "vector_to_parameters", "weight_norm",
]  # fmt: skip

_NORMS = ("remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm")
_FUSION = (
    "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "skip_init",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    # These stand on the layers, which stand on `rnn` here.
    import importlib

    if name in ("parametrize", "parametrizations", "prune"):
        return importlib.import_module(f"graphlab.engine.nn.utils.{name}")
    for where, names in (("norms", _NORMS), ("fusion", _FUSION)):
        if name in names:
            return getattr(importlib.import_module(f"graphlab.engine.nn.utils.{where}"), name)
    raise AttributeError(f"module 'torch.nn.utils' has no attribute '{name}'")
