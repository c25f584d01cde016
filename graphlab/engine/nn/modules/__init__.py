"""`torch.nn.modules`: the same classes as `torch.nn`, where PyTorch keeps them."""

from graphlab.engine.nn import *  # noqa: F403
from graphlab.engine.nn import __all__ as _names
from graphlab.engine.nn.modules import module

__all__ = [*(name for name in _names if name not in ("functional", "init", "utils", "modules")), "module"]
