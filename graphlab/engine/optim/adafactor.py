"""Adafactor and Muon: optimizers for matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_step, number
from graphlab.engine.tensor import Tensor, wrap


class Adafactor(Optimizer):
    """Scales steps by the root of averaged squares, of which a matrix keeps only means of rows and of columns."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Learning rate should be >= 0 but is: {lr}")  # noqa: SIM300
        check_setting(0.0 >= beta2_decay, f"beta2_decay should be <= 0 but is: {beta2_decay}")  # noqa: SIM300
        check_setting(eps[0] is None or eps[0] >= 0.0, f"epsilon1 should be >= 0 but is: {eps[0]}")
        check_setting(0.0 <= eps[1], f"epsilon2 should be >= 0 but is: {eps[1]}")  # noqa: SIM300
        check_setting(1.0 <= d, f"Clipping threshold d should be >= 1 but is: {d}")  # noqa: SIM300
        check_setting(0.0 <= weight_decay, f"weight_decay should be >= 0 but is: {weight_decay}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        array = param._array
        if not state:
            state["step"] = new_step()
            if grad.ndim > 1:
                state["row_var"] = wrap(np.zeros((*grad.shape[:-1], 1), grad.dtype), param._device)
                state["col_var"] = wrap(np.zeros((*grad.shape[:-2], 1, grad.shape[-1]), grad.dtype), param._device)
            else:
                state["variance"] = wrap(np.zeros_like(grad), param._device)
        if group["maximize"]:
            grad = -grad
        state["step"]._array[...] += 1
        step = float(state["step"]._array)
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(array.dtype).eps) if eps1 is None else eps1
        share = step ** group["beta2_decay"]
        rate = number(group["lr"])
        alpha = max(eps2, _norm(array) / math.sqrt(array.size)) * min(rate, 1 / math.sqrt(step))
        if group["weight_decay"]:
            array *= array.dtype.type(1 - rate * group["weight_decay"])
        if grad.ndim > 1:
            squares = grad * grad
            row, col = state["row_var"]._array, state["col_var"]._array
            row += array.dtype.type(share) * (squares.mean(-1, keepdims=True) - row)
            col += array.dtype.type(share) * (squares.mean(-2, keepdims=True) - col)
            variance = row @ col
            variance /= np.maximum(row.mean(-2, keepdims=True), array.dtype.type(eps1))
        else:
            variance = state["variance"]._array
            variance += array.dtype.type(share) * (grad * grad - variance)
        update = grad / np.sqrt(np.maximum(variance, array.dtype.type(eps1 * eps1)))
        size = max(1.0, _norm(update) / (math.sqrt(update.size) * group["d"]))
        array -= array.dtype.type(alpha / size) * update


def _norm(array: Array) -> float:
    wide = array.astype(np.float64, copy=False).reshape(-1)
    return math.sqrt(float(wide @ wide))


class Muon(Optimizer):
    """Momentum whose direction is made nearly orthogonal, for the matrices of hidden layers."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Learning rate should be >= 0 but is: {lr}")  # noqa: SIM300
        check_setting(0.0 <= momentum, f"momentum should be >= 0 but is: {momentum}")  # noqa: SIM300
        check_setting(0.0 <= weight_decay, f"weight decay should be >= 0 but is: {weight_decay}")  # noqa: SIM300
        check_setting(
            adjust_lr_fn in (None, "original", "match_rms_adamw"),
            f"Adjust learning rate function {adjust_lr_fn} is not supported",
        )
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    fail(
                        ValueError,
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}",
                        kind="optimizer_setting",
                    )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        array = param._array
        if not state:
            state["momentum_buffer"] = wrap(np.zeros_like(grad), param._device)
        momentum = array.dtype.type(group["momentum"])
        buffer = state["momentum_buffer"]._array
        buffer += (1 - momentum) * (grad - buffer)
        direction = grad + momentum * (buffer - grad) if group["nesterov"] else buffer
        rate = number(group["lr"])
        update = _orthogonalized(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        array *= array.dtype.type(1 - rate * group["weight_decay"])
        array -= array.dtype.type(rate * _factor(group["adjust_lr_fn"], array.shape)) * update.astype(array.dtype)


def _factor(kind: str | None, shape: tuple[int, ...]) -> float:
    rows, cols = shape[:2]
    if kind == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, cols))
    return math.sqrt(max(1, rows / cols))


def _orthogonalized(matrix: Array, coefficients: tuple[float, float, float], n_steps: int, eps: float) -> Array:
    """Newton and Schulz's iteration: singular values near 1, in bfloat16 as in PyTorch."""
    if n_steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = _rounded(matrix.T if is_tall else matrix)
    x = _rounded(x / np.maximum(_rounded(np.asarray(np.sqrt((x * x).sum()))), np.float32(eps)))
    for _ in range(n_steps):
        gram = _rounded(x @ x.T)
        mixed = _rounded(np.float32(b) * gram + np.float32(c) * (gram @ gram))
        x = _rounded(np.float32(a) * x + mixed @ x)
    return x.T if is_tall else x


def _rounded(array: Array) -> Array:
    """float32 numbers rounded to bfloat16."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)
