"""Adam, and AdamW with its weight decay apart from the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.optim.rounding import add_product, add_quotient, add_scaled, lerp, scale
from graphlab.engine.tensor import Tensor


class Adam(Optimizer):
    """Steps of the size lr along the running mean of the gradient, divided by the root of its running mean square."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 <= eps, f"Invalid epsilon value: {eps}")  # noqa: SIM300
        check_setting(0.0 <= betas[0] < 1.0, f"Invalid beta parameter at index 0: {betas[0]}")
        check_setting(0.0 <= betas[1] < 1.0, f"Invalid beta parameter at index 1: {betas[1]}")
        check_setting(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")  # noqa: SIM300
        check_setting(
            all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas),
            "betas must be either both floats or both Tensors",
        )
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(number(b) for b in betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:
            state["step"] = new_step()
            state["exp_avg"] = new_state(param)
            state["exp_avg_sq"] = new_state(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = new_state(param)
        array = param._array
        lr, weight_decay = number(group["lr"]), number(group["weight_decay"])
        beta1, beta2 = group["betas"]
        state["step"]._array[...] += 1
        step = float(state["step"]._array)
        if group["maximize"]:
            grad = -grad
        if weight_decay != 0:
            if group["decoupled_weight_decay"]:
                scale(array, 1 - lr * weight_decay)
            else:
                decayed = grad.copy()
                add_scaled(decayed, grad, array, weight_decay)
                grad = decayed
        mean, square = state["exp_avg"]._array, state["exp_avg_sq"]._array
        lerp(mean, grad, 1 - beta1)
        scale(square, beta2)
        add_product(square, grad, grad, 1 - beta2)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]._array
            np.maximum(largest, square, out=largest)
            square = largest
        kind = array.dtype.type
        root = np.sqrt(square)
        root /= kind((1 - beta2**step) ** 0.5)
        root += kind(group["eps"])
        add_quotient(array, mean, root, -(lr / (1 - beta1**step)))


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
