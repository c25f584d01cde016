"""`torch.autograd`: backward passes, gradients of gradients, functions with their own derivative."""

from typing import Any

from graphlab.engine.autograd import graph
from graphlab.engine.autograd.gradients import backward, grad
from graphlab.engine.autograd.variable import Variable
from graphlab.engine.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "Function", "Variable", "backward", "enable_grad", "grad", "graph", "inference_mode", "no_grad", "set_grad_enabled",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # These stand on the operators, which stand on the graph.
    if name == "Function":
        from graphlab.engine.autograd.function import Function

        return Function
    if name in ("gradcheck", "gradgradcheck"):
        from graphlab.engine.autograd import slopes

        return getattr(slopes, name)
    if name in ("detect_anomaly", "set_detect_anomaly"):
        from graphlab.engine.autograd import anomaly

        return getattr(anomaly, name)
    if name in ("functional", "function"):
        import importlib

        return importlib.import_module(f"graphlab.engine.autograd.{name}")
    raise AttributeError(f"module 'torch.autograd' has no attribute '{name}'")
