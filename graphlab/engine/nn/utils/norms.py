"""The older `weight_norm` and `spectral_norm`, which compute the weight in a hook before each forward pass."""

from __future__ import annotations

import warnings
from typing import Any

from graphlab.engine.modes import no_grad
from graphlab.engine.nn import functional as F
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.nn.utils.parametrizations import norm_except_dim
from graphlab.engine.tensor import Tensor


class _Hook:
    """Computes `module.<name>` before `forward`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.handle: Any = None

    def compute(self, module: Module) -> Any:
        """The weight."""
        raise NotImplementedError

    def __call__(self, module: Any, _args: Any) -> None:
        module.__dict__[self.name] = self.compute(module)


class WeightNorm(_Hook):
    """weight = g · v / |v|."""

    def __init__(self, name: str, dim: int) -> None:
        super().__init__(name)
        self.dim = dim

    def compute(self, module: Module) -> Any:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, 2, self.dim))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Part a weight into `<name>_g` (length) and `<name>_v` (direction)."""
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    for held in module.__dict__.get("_norm_hooks", []):
        if isinstance(held, WeightNorm) and held.name == name:
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, -1 if dim is None else dim)
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, 2, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    module.__dict__[name] = hook.compute(module)
    return _enter(module, hook)


def _enter(module: Module, hook: _Hook) -> Module:
    hook.handle = module.register_forward_pre_hook(hook)
    module.__dict__.setdefault("_norm_hooks", []).append(hook)
    return module


def _leave(module: Module, name: str, kind: type[_Hook], words: str) -> Any:
    for hook in module.__dict__.get("_norm_hooks", []):
        if isinstance(hook, kind) and hook.name == name:
            module.__dict__["_norm_hooks"].remove(hook)
            hook.handle.remove()
            return hook
    raise ValueError(f"{words} of '{name}' not found in {module}")


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a plain parameter again."""
    hook = _leave(module, name, WeightNorm, "weight_norm")
    weight = hook.compute(module)
    module.__dict__.pop(name, None)
    delattr(module, f"{name}_g")
    delattr(module, f"{name}_v")
    setattr(module, name, Parameter(weight.detach()))
    return module


class SpectralNorm(_Hook):
    """weight / its largest singular value."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__(name)
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def matrix(self, weight: Any) -> Any:
        """The weight with `dim` first and the rest flattened."""
        if self.dim:
            weight = weight.permute(self.dim, *(d for d in range(weight.dim()) if d != self.dim))
        return weight.reshape(weight.size(0), -1)

    def compute(self, module: Module) -> Any:
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self.matrix(weight)
        if module.training:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix.mv(v), dim=0, eps=self.eps))
                if self.n_power_iterations:
                    u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value; the plain weight is `<name>_orig`."""
    if dim is None:
        transposed = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
        dim = 1 if type(module).__name__ in transposed else 0
    for held in module.__dict__.get("_norm_hooks", []):
        if isinstance(held, SpectralNorm) and held.name == name:
            raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight: Any = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    with no_grad():
        matrix = hook.matrix(weight)
        h, w = matrix.shape
        u = F.normalize(weight.new_empty(h).normal_(0, 1), dim=0, eps=eps)
        v = F.normalize(weight.new_empty(w).normal_(0, 1), dim=0, eps=eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    module.__dict__[name] = weight.data
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    return _enter(module, hook)


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a plain parameter again, with its present value."""
    hook: Any = _leave(module, name, SpectralNorm, "spectral_norm")
    was_training, module.training = module.training, False
    weight: Tensor = hook.compute(module).detach()
    module.training = was_training
    module.__dict__.pop(name, None)
    for end in ("u", "v", "orig"):
        delattr(module, f"{name}_{end}")
    module.register_parameter(name, Parameter(weight))
    return module
