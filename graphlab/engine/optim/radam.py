"""RAdam: Adam that waits until its mean square is known well enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_product, add_scaled, lerp, scale
from graphlab.engine.tensor import Tensor


class RAdam(Optimizer):
    """Adam with a rectified step: plain momentum until the variance of the mean square is small enough."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 <= eps, f"Invalid epsilon value: {eps}")  # noqa: SIM300
        check_setting(0.0 <= betas[0] < 1.0, f"Invalid beta parameter at index 0: {betas[0]}")
        check_setting(0.0 <= betas[1] < 1.0, f"Invalid beta parameter at index 1: {betas[1]}")
        check_setting(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:
            state["step"] = new_step()
            state["exp_avg"] = new_state(param)
            state["exp_avg_sq"] = new_state(param)
        array = param._array
        kind = array.dtype.type
        beta1, beta2 = group["betas"]
        lr = number(group["lr"])
        state["step"]._array[...] += 1
        n = state["step"].item()
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                scale(array, 1 - lr * group["weight_decay"])
            else:
                decayed = grad.copy()
                add_scaled(decayed, grad, array, group["weight_decay"])
                grad = decayed
        mean, square = state["exp_avg"]._array, state["exp_avg_sq"]._array
        lerp(mean, grad, 1 - beta1)
        scale(square, beta2)
        add_product(square, grad, grad, 1 - beta2)
        left = 1 - beta2**n
        step = mean / kind(1 - beta1**n) * kind(lr)
        # The length of the simple moving average that the mean square is worth.
        most = 2 / (1 - beta2) - 1
        length = most - 2 * n * (beta2**n) / left
        if length > 5.0:
            rectified = ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) ** 0.5
            step *= kind(left**0.5) / (np.sqrt(square) + kind(group["eps"]))
            step *= kind(rectified)
        array -= step
