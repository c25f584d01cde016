"""Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_product, add_scaled, scale
from graphlab.engine.tensor import Tensor


class Adadelta(Optimizer):
    """Steps as long as the latest ones were, in units of the root of the gradient's running mean square."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 <= rho <= 1.0, f"Invalid rho value: {rho}")
        check_setting(0.0 <= eps, f"Invalid epsilon value: {eps}")  # noqa: SIM300
        check_setting(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:
            state["step"] = new_step()
            state["square_avg"] = new_state(param)
            state["acc_delta"] = new_state(param)
        array, rho = param._array, group["rho"]
        eps = array.dtype.type(group["eps"])
        state["step"]._array[...] += 1
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            decayed = grad.copy()
            add_scaled(decayed, grad, array, group["weight_decay"])
            grad = decayed
        square, moved = state["square_avg"]._array, state["acc_delta"]._array
        scale(square, rho)
        add_product(square, grad, grad, 1 - rho)
        delta = np.sqrt(moved + eps) / np.sqrt(square + eps) * grad
        scale(moved, rho)
        add_product(moved, delta, delta, 1 - rho)
        add_scaled(array, array, delta, -number(group["lr"]))
