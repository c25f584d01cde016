"""Adamax: Adam with the largest gradient in the place of the mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_quotient, add_scaled, lerp, scale
from graphlab.engine.tensor import Tensor


class Adamax(Optimizer):
    """Steps along the gradient's running mean, divided by its largest size, which fades."""

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
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
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:
            state["step"] = new_step()
            state["exp_avg"] = new_state(param)
            state["exp_inf"] = new_state(param)
        array = param._array
        beta1, beta2 = group["betas"]
        state["step"]._array[...] += 1
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            decayed = grad.copy()
            add_scaled(decayed, grad, array, group["weight_decay"])
            grad = decayed
        mean, largest = state["exp_avg"]._array, state["exp_inf"]._array
        lerp(mean, grad, 1 - beta1)
        scale(largest, beta2)
        np.maximum(largest, np.abs(grad) + array.dtype.type(group["eps"]), out=largest)
        correction = 1 - beta1 ** state["step"].item()
        add_quotient(array, mean, largest, -number(group["lr"]) / correction)
