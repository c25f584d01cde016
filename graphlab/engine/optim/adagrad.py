"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_product, add_quotient, add_scaled
from graphlab.engine.tensor import Tensor


class Adagrad(Optimizer):
    """Steps along the gradient, divided by the root of the sum of all its squares so far."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 <= lr_decay, f"Invalid lr_decay value: {lr_decay}")  # noqa: SIM300
        check_setting(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")  # noqa: SIM300
        check_setting(
            0.0 <= initial_accumulator_value,  # noqa: SIM300
            f"Invalid initial_accumulator_value value: {initial_accumulator_value}",
        )
        check_setting(0.0 <= eps, f"Invalid epsilon value: {eps}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["step"] = new_step()
                self.state[param]["sum"] = new_state(param, initial_accumulator_value)

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:  # of a group that was added later
            state["step"] = new_step()
            state["sum"] = new_state(param, group["initial_accumulator_value"])
        array = param._array
        state["step"]._array[...] += 1
        step = float(state["step"]._array)
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            decayed = grad.copy()
            add_scaled(decayed, grad, array, group["weight_decay"])
            grad = decayed
        rate = number(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        total = state["sum"]._array
        add_product(total, grad, grad, 1)
        root = np.sqrt(total)
        root += array.dtype.type(group["eps"])
        add_quotient(array, grad, root, -rate)
