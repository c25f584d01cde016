"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_product, add_quotient, add_scaled, lerp, scale
from graphlab.engine.tensor import Tensor


class RMSprop(Optimizer):
    """Steps along the gradient, divided by the root of its running mean square."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 <= eps, f"Invalid epsilon value: {eps}")  # noqa: SIM300
        check_setting(0.0 <= momentum, f"Invalid momentum value: {momentum}")  # noqa: SIM300
        check_setting(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")  # noqa: SIM300
        check_setting(0.0 <= alpha, f"Invalid alpha value: {alpha}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:
            state["step"] = new_step()
            state["square_avg"] = new_state(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = new_state(param)
            if group["centered"]:
                state["grad_avg"] = new_state(param)
        array = param._array
        kind = array.dtype.type
        lr, alpha = number(group["lr"]), group["alpha"]
        state["step"]._array[...] += 1
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            decayed = grad.copy()
            add_scaled(decayed, grad, array, group["weight_decay"])
            grad = decayed
        square = state["square_avg"]._array
        scale(square, alpha)
        add_product(square, grad, grad, 1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]._array
            lerp(mean, grad, 1 - alpha)
            root = square.copy()
            add_product(root, mean, mean, -1)
            np.sqrt(root, out=root)
        else:
            root = np.sqrt(square)
        root += kind(group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"]._array
            scale(buffer, group["momentum"])
            add_quotient(buffer, grad, root, 1)
            add_scaled(array, array, buffer, -lr)
        else:
            add_quotient(array, grad, root, -lr)
