"""`torch.autograd`: backward passes, gradients of gradients, functions with their own derivative."""

from graphlab.engine.autograd.graph import backward, grad
from graphlab.engine.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]
