"""`torch.func`: transforms of functions of tensors."""

from graphlab.engine.func.stateless import functional_call, stack_module_state
from graphlab.engine.func.transforms import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from graphlab.engine.func.vectorized import vmap

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "stack_module_state", "vjp", "vmap",
]  # fmt: skip
