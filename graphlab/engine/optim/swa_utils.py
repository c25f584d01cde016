"""Averages of a model's parameters over training: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import numpy as np

from graphlab.engine.modes import no_grad
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.norm import BatchNorm1d
from graphlab.engine.optim.lr_scheduler import LRScheduler
from graphlab.engine.optim.optimizer import Optimizer
from graphlab.engine.tensor import wrap

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """Moves a list of averages towards the present parameters by 1 - decay."""
    _check_decay(decay)

    def update(averages: list[Any], params: list[Any], _n: Any) -> None:
        with no_grad():
            for average, param in zip(averages, params):
                if average.is_floating_point():
                    average.lerp_(param, 1 - decay)
                else:
                    average.copy_(average * decay + param * (1 - decay))

    return update


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """Keeps a list of equal averages of all parameters so far."""

    def update(averages: list[Any], params: list[Any], n: Any) -> None:
        with no_grad():
            for average, param in zip(averages, params):
                if average.is_floating_point():
                    average.lerp_(param, 1 / (float(n) + 1))
                else:
                    average.copy_(average + (param - average) / (float(n) + 1))

    return update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """One exponential moving average."""
    _check_decay(decay)

    def update(average: Any, param: Any, _n: Any) -> Any:
        with no_grad():
            return decay * average + (1 - decay) * param

    return update


def get_swa_avg_fn() -> Callable[..., Any]:
    """One equal average."""

    def update(average: Any, param: Any, n: Any) -> Any:
        with no_grad():
            return average + (param - average) / (n + 1)

    return update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's: equal ones unless a function is given."""

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[..., Any] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module: Any = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", wrap(np.asarray(0, np.int64)))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the averages; the first time they are copied."""
        mine: list[Any] = list(self.module.parameters())
        theirs: list[Any] = list(model.parameters())
        if self.use_buffers:
            mine, theirs = mine + list(self.module.buffers()), theirs + list(model.buffers())
        averages = [each.detach() for each in mine]
        params = [each.detach().to(average.device) for each, average in zip(theirs, averages)]
        with no_grad():
            if not int(self.n_averaged):
                for average, param in zip(averages, params):
                    average.copy_(param)
            elif self.avg_fn is not None:
                for average, param in zip(averages, params):
                    average.copy_(self.avg_fn(average, param, self.n_averaged))
            else:
                (self.multi_avg_fn or get_swa_multi_avg_fn())(averages, params, self.n_averaged)
            if not self.use_buffers:
                for kept, given in zip(self.module.buffers(), model.buffers()):
                    kept.detach().copy_(given.detach().to(kept.device))
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of all batch norms anew, by one pass over the data."""
    norms = [module for module in model.modules() if isinstance(module, BatchNorm1d)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with no_grad():
        for batch in loader:
            given = batch[0] if isinstance(batch, list | tuple) else batch
            model(given if device is None else given.to(device))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Brings each group's rate to `swa_lr` within `anneal_epochs`, and keeps it there."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        n = len(optimizer.param_groups)
        if isinstance(swa_lr, list | tuple) and len(swa_lr) != n:
            raise ValueError(
                f"swa_lr must have the same length as optimizer.param_groups. swa_lr has {len(swa_lr)}, "
                f"optimizer.param_groups has {n}"
            )
        rates = list(swa_lr) if isinstance(swa_lr, list | tuple) else [swa_lr] * n
        for rate, group in zip(rates, optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._is_linear = anneal_strategy == "linear"
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._is_linear else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            rate, end = group["lr"], group["swa_lr"]
            first = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + first * (1 - now))
        return rates
