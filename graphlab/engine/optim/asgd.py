"""ASGD: stochastic gradient descent with averaged parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_scaled, scale
from graphlab.engine.tensor import Tensor, wrap


class ASGD(Optimizer):
    """Gradient descent with a rate that falls, and the mean of all parameters from step `t0` on in its state."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        lr = number(group["lr"])
        if not state:
            state["step"] = new_step()
            state["eta"] = wrap(np.asarray(lr, np.float32))
            state["mu"] = wrap(np.ones((), np.float32))
            state["ax"] = new_state(param)
        array = param._array
        state["step"]._array[...] += 1
        n = state["step"].item()
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            decayed = grad.copy()
            add_scaled(decayed, grad, array, group["weight_decay"])
            grad = decayed
        rate, weight, mean = state["eta"].item(), state["mu"].item(), state["ax"]._array
        scale(array, 1 - group["lambd"] * rate)
        add_scaled(array, array, grad, -rate)
        if weight == 1:
            mean[...] = array
        else:
            mean += (array - mean) * array.dtype.type(weight)
        state["eta"]._array[...] = lr / ((1 + group["lambd"] * lr * n) ** group["alpha"])
        state["mu"]._array[...] = 1 / max(1, n - group["t0"])
