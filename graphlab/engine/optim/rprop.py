"""Rprop: steps by the gradient's sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, new_state, new_step, number
from graphlab.engine.tensor import Tensor


class Rprop(Optimizer):
    """A step size for each entry, which grows while its gradient keeps its sign and shrinks when it turns."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        check_setting(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        if not state:
            state["step"] = new_step()
            state["prev"] = new_state(param)
            state["step_size"] = new_state(param, number(group["lr"]))
        array = param._array
        kind = array.dtype.type
        shrink, grow = group["etas"]
        least, most = group["step_sizes"]
        state["step"]._array[...] += 1
        if group["maximize"]:
            grad = -grad
        before, size = state["prev"]._array, state["step_size"]._array
        agreement = grad * before
        turned = agreement < 0
        size *= np.where(agreement > 0, kind(grow), np.where(turned, kind(shrink), kind(1)))
        np.clip(size, kind(least), kind(most), out=size)
        # Where the sign has turned, this step is left out.
        grad = np.where(turned, kind(0), grad)
        array -= np.sign(grad) * size
        before[...] = grad
