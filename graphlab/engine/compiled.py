"""`torch.compile`: what it is given runs as it is. PyTorch's compiler makes programs faster and keeps their results."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from graphlab.engine.nn.module import Module

__all__ = ["OptimizedModule", "compile"]

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


class OptimizedModule(Module):
    """A module that was given to `compile`; what it is asked for, the module inside answers."""

    __module__ = "torch._dynamo.eval_frame"

    def __init__(self, mod: Module) -> None:
        super().__init__()
        self._orig_mod = mod
        self.training = mod.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        inside = self.__dict__.get("_modules", {}).get("_orig_mod")
        if name == "_orig_mod" or inside is None:
            return super().__getattr__(name)  # type: ignore[misc]
        return getattr(inside, name)

    def __setattr__(self, name: str, value: Any) -> None:
        inside = self.__dict__.get("_modules", {}).get("_orig_mod")
        if inside is None or name in self.__dict__ or name == "_orig_mod":
            super().__setattr__(name, value)
        else:
            setattr(inside, name, value)


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """A function or module that computes what `model` does; also a decorator, with settings or without."""
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if model is None:
        return functools.partial(compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode)
    if isinstance(model, Module):
        return model if disable else OptimizedModule(model)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if disable or isinstance(model, type):
        return model

    @functools.wraps(model)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        return model(*args, **kwargs)

    return compiled
