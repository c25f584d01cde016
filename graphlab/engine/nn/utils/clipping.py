"""Helpers for all parameters of a model at once: `torch.nn.utils`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from graphlab.engine import observe
from graphlab.engine.device import Virtual, virtual
from graphlab.engine.ops.run import FUNCTIONS, bump
from graphlab.engine.tensor import Tensor, wrap


def _gradients(parameters: Any) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    return [p._grad for p in parameters if p._grad is not None]


def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """The norm of all numbers of all tensors together."""
    given = list(tensors)
    arrays = [t._array for t in given]
    if not arrays:
        return wrap(np.zeros((), np.float32))
    for t in given:
        if type(t._array) is Virtual:
            return wrap(virtual((), t._array.dtype), t._device)  # as the gradients, it has no value
    norm_type = float(norm_type)
    # One norm a tensor in its own precision, then the norm of these, as PyTorch does.
    norms = np.array([_norm(a, norm_type) for a in arrays], arrays[0].dtype)
    total = np.asarray(_norm(norms, norm_type), arrays[0].dtype)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return wrap(total)


def _norm(array: Any, order: float) -> float:
    if not array.size:
        return 0.0
    if math.isinf(order):
        return float(np.abs(array).max())
    wide = np.abs(array.astype(np.float64))
    if order == 2:
        return math.sqrt(float((wide * wide).sum()))
    return float((wide**order).sum() ** (1.0 / order))


def _scaled(gradients: list[Tensor], factor: float) -> None:
    for gradient in gradients:
        gradient._array *= gradient._array.dtype.type(factor)
        _changed(gradient, "clip_grad_norm_")


def _changed(gradient: Tensor, name: str) -> None:
    bump(gradient)
    if observe.observer is not None:
        observe.observer.inplace(name, gradient, (gradient,), {})


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale gradients whose norm is `total_norm` down to `max_norm`."""
    if type(total_norm._array) is Virtual:
        for gradient in _gradients(parameters):
            _changed(gradient, "clip_grad_norm_")
        return
    factor = float(max_norm) / (total_norm._array + total_norm._array.dtype.type(1e-6))
    _scaled(_gradients(parameters), float(min(factor, 1.0)))


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients down so that their common norm is at most `max_norm`; returns the norm before."""
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Cut every entry of the gradients off at plus and minus `clip_value`."""
    for gradient in _gradients(parameters):
        np.clip(gradient._array, -float(clip_value), float(clip_value), out=gradient._array)
        _changed(gradient, "clip_grad_value_")


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters' numbers in one vector (differentiable)."""
    return FUNCTIONS["cat"]([p.reshape(-1) for p in parameters])  # type: ignore[no-any-return]


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Set all parameters from one vector."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec)}")
    start = 0
    for parameter in parameters:
        n = parameter.numel()
        parameter.data = vec.narrow(0, start, n).view_as(parameter).data
        start += n
