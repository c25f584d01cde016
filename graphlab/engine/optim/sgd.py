"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import observe
from graphlab.engine.device import Virtual
from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, number
from graphlab.engine.optim.rounding import BLOCK, add_scaled, scale, single
from graphlab.engine.tensor import Tensor, wrap

multiply, add = np.multiply, np.add
Part = tuple[Tensor, Array, Any, Any]
"""A parameter, its array, and float64 memory for its step and for its sum (None: the general way)."""
Joint = tuple[list[Part], Array, Array]
"""Parameters whose float64 memory is one piece: the parts, all steps, all sums."""


class SGD(Optimizer):
    """p -= lr * g, where g may carry weight decay, momentum and Nesterov's look ahead."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(not lr < 0.0, f"Invalid learning rate: {lr}")
        check_setting(not momentum < 0.0, f"Invalid momentum value: {momentum}")
        check_setting(not weight_decay < 0.0, f"Invalid weight_decay value: {weight_decay}")
        check_setting(
            not (nesterov and (momentum <= 0 or dampening != 0)),
            "Nesterov momentum requires a momentum and zero dampening",
        )
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; see `Optimizer.step`."""
        if closure is not None or self._pre_hooks or self._post_hooks:
            return super().step(closure)
        watcher = observe.observer
        # The same as the base class does, without its calls for each parameter.
        self.n_steps += 1
        plans = self._plans or self._plan()
        for group, (plan, joint) in zip(self.param_groups, plans, strict=True):
            is_plain = not (group["momentum"] or group["weight_decay"] or group["maximize"])
            lr = group["lr"]
            rate = -lr if lr.__class__ is float else -number(lr)
            factor = single(rate)
            settings = {} if watcher is None else self._watched_settings(group)
            if joint is not None and is_plain and self._step_together(joint, factor):
                if watcher is not None:
                    for param, *_ in plan:
                        watcher.updated(type(self).__name__, param, settings)
                continue
            for param, array, wide, sum_ in plan:
                grad = param._grad
                if grad is None:
                    continue
                if array is not param._array:
                    # `param.data = …` gave it other memory: plan anew, and this time go the general way.
                    self._plans = None
                    array, wide = param._array, None
                if type(array) is Virtual or type(grad._array) is Virtual:
                    if type(array) is Virtual and not is_plain:
                        self._update_hollow(group, param)
                elif not is_plain:
                    self._update(group, param, grad._array, self.state[param])
                elif wide is None:
                    add_scaled(array, array, grad._array, rate)
                elif sum_ is None:
                    array[...] = array.item() + grad._array.item() * factor.item()
                else:
                    # `add_scaled` for a small float32 array. Assignment converts quicker than a ufunc does.
                    wide[...] = grad._array
                    multiply(wide, factor, wide)
                    sum_[...] = array
                    add(sum_, wide, wide)
                    array[...] = wide
                version = param._version
                if version is None:
                    param._version = [1]
                else:
                    version[0] += 1
                if watcher is not None:
                    watcher.updated(type(self).__name__, param, settings)
        return None

    @staticmethod
    def _step_together(joint: Joint, factor: Array) -> bool:
        """The update of all parameters of a group as one, unless one of them has no gradient or other memory now."""
        parts, wide, sum_ = joint
        for param, array, part, sum_part in parts:
            grad = param._grad
            if grad is None or array is not param._array:
                return False
            # Assignment converts quicker than a ufunc does.
            part[...] = grad._array
            sum_part[...] = array
        multiply(wide, factor, wide)
        add(sum_, wide, wide)
        for param, array, part, _ in parts:
            array[...] = part
            version = param._version
            if version is None:
                param._version = [1]
            else:
                version[0] += 1
        return True

    def _plan(self) -> list[tuple[list[Part], Joint | None]]:
        """For each group: its parameters with their arrays, and float64 memory for the update of those that are small,
        each for itself and, where that goes for several, in one piece."""
        plans = []
        for group in self.param_groups:
            plan: list[Part] = []
            for param in group["params"]:
                array = param._array
                if array.dtype != np.float32 or array.size > BLOCK or type(array) is Virtual:
                    plan.append((param, array, None, None))
                elif array.size == 1:
                    plan.append((param, array, array, None))
                else:
                    plan.append((param, array, np.empty(array.shape), np.empty(array.shape)))
            plans.append((plan, self._join(plan)))
        self._plans = plans
        return plans

    @staticmethod
    def _join(plan: list[Part]) -> Joint | None:
        sizes = [array.size for _, array, _, _ in plan]
        if len(plan) < 2 or sum(sizes) > BLOCK or max(sizes) == 1:
            return None
        if any(wide is None or array.base is not None or param._device.simulated for param, array, wide, _ in plan):
            return None
        if len({id(array) for _, array, _, _ in plan}) < len(plan):
            return None  # memory that is named twice must change twice
        whole, sums = np.empty(sum(sizes)), np.empty(sum(sizes))
        parts: list[Part] = []
        start = 0
        for (param, array, _, _), size in zip(plan, sizes, strict=True):
            span = slice(start, start + size)
            parts.append((param, array, whole[span].reshape(array.shape), sums[span].reshape(array.shape)))
            start += size
        return parts, whole, sums

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        array = param._array
        momentum = group["momentum"]
        weight_decay = group["weight_decay"]
        if group["maximize"]:
            grad = -grad
        if weight_decay != 0:
            decayed = grad.copy()
            add_scaled(decayed, grad, array, number(weight_decay))
            grad = decayed
        if momentum != 0:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = wrap(grad.copy(), param._device)
            else:
                scale(buffer._array, momentum)
                add_scaled(buffer._array, buffer._array, grad, 1 - group["dampening"])
            if group["nesterov"]:
                ahead = grad.copy()
                add_scaled(ahead, grad, buffer._array, momentum)
                grad = ahead
            else:
                grad = buffer._array
        add_scaled(array, array, grad, -number(group["lr"]))
