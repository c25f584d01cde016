"""`torch.nn.utils.prune`: parameters some of whose entries are held at zero by a mask.

A pruned parameter `weight` becomes a parameter `weight_orig`, a buffer `weight_mask`, and an attribute `weight` that
is their product, computed again before each forward pass.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator
from typing import Any

from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip

_TABLE = "_pruners"


def _torch() -> Any:
    import graphlab.engine as torch

    return torch


class BasePruningMethod:
    """A rule for masks: derive from it, set `PRUNING_TYPE` and define `compute_mask(t, default_mask)`."""

    _tensor_name: str | None = None
    PRUNING_TYPE: str

    def __call__(self, module: Module, _inputs: Any) -> None:
        module.__dict__[self._name(module)] = self.apply_mask(module)

    def _name(self, module: Module, suffix: str = "") -> str:
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned{suffix}")
        return self._tensor_name

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for `t`, as what is left of `default_mask`."""
        raise NotImplementedError

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter of `module` with its masked entries at zero."""
        name = self._name(module)
        original = getattr(module, f"{name}_orig")
        masked: Tensor = getattr(module, f"{name}_mask").to(dtype=original.dtype) * original
        return masked

    @classmethod
    def apply(cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter of `module` by a new method of this class, on top of what it was pruned by before."""
        made = cls(*args, **kwargs)
        made._tensor_name = name
        pruners = module.__dict__.setdefault(_TABLE, {})
        method: BasePruningMethod = made
        now = getattr(module, name)
        if importance_scores is None:
            scores = now
        elif importance_scores.shape == now.shape:
            scores = importance_scores
        else:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter                 {name} of {module}"
            )
        if name in pruners:
            before, handle = pruners[name]
            handle.remove()
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(made)
            method = container
            mask = method.compute_mask(scores, default_mask=getattr(module, f"{name}_mask").detach().clone())
        else:
            # The mask comes first: a method that refuses leaves the module as it was.
            mask = method.compute_mask(scores, default_mask=FUNCTIONS["ones_like"](now.detach()))
            delattr(module, name)
            module.register_parameter(f"{name}_orig", now)
        module.register_buffer(f"{name}_mask", mask)
        module.__dict__[name] = method.apply_mask(module)
        pruners[name] = (method, module.register_forward_pre_hook(method))
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """`t` with the entries at zero that the method takes out; no module is changed."""
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        if default_mask is None:
            default_mask = FUNCTIONS["ones_like"](t)
        pruned: Any = self.compute_mask(importance_scores, default_mask=default_mask)
        return t * pruned  # type: ignore[no-any-return]

    def remove(self, module: Module) -> None:
        """Make the parameter a plain one again, with its masked entries at zero."""
        name = self._name(module, " before pruning can be removed")
        masked = self.apply_mask(module)
        original: Parameter = getattr(module, f"{name}_orig")
        module.__dict__.pop(name, None)
        original.data = masked.data
        delattr(module, f"{name}_mask")
        delattr(module, f"{name}_orig")
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter, one after the other."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if args and not isinstance(args[0], Iterable):
            self._tensor_name = args[0]._tensor_name
        for method in args if len(args) != 1 or not isinstance(args[0], Iterable) else args[0]:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Put a method behind the others."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods = (*self._pruning_methods, method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the newest method, which sees only what the older ones have left."""
        method = self._pruning_methods[-1]
        mask: Any = default_mask.to(dtype=t.dtype)
        part: Any
        if method.PRUNING_TYPE == "unstructured":
            part = mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = method.dim if method.dim >= 0 else mask.dim() + method.dim
            if not 0 <= dim < mask.dim():
                raise IndexError(f"Index is out of bounds for tensor with dimensions {mask.dim()}")
            is_kept = mask.sum(dim=[d for d in range(mask.dim()) if d != dim]) != 0
            part = (*[slice(None)] * dim, is_kept)
        elif method.PRUNING_TYPE == "global":
            part = (slice(None),) * mask.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask[part] = method.compute_mask(t[part], default_mask=mask[part]).to(dtype=mask.dtype)
        return mask  # type: ignore[no-any-return]


class Identity(BasePruningMethod):
    """Takes nothing out."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class _Amount(BasePruningMethod):
    """Takes out a number, or a part, of the entries or channels."""

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        is_whole = isinstance(amount, numbers.Integral)
        if amount < 0 or (not is_whole and float(amount) > 1.0):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
        self.amount = amount

    def _count(self, size: int) -> int:
        amount: Any = self.amount
        count = int(amount) if isinstance(amount, numbers.Integral) else round(amount * size)
        if count > size:
            raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
        return count


class _Entries(_Amount):
    """Takes out single entries."""

    PRUNING_TYPE = "unstructured"

    def _chosen(self, t: Tensor, count: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with the chosen entries at zero."""
        count = self._count(t.nelement())
        mask: Tensor = default_mask.clone()
        if count:
            mask.view(-1)[self._chosen(t, count)] = 0
        return mask


class RandomUnstructured(_Entries):
    """Takes out entries at random."""

    def _chosen(self, t: Tensor, count: int) -> Tensor:
        found: Tensor = _torch().rand_like(t).view(-1).topk(count).indices
        return found

    @classmethod
    def apply(cls, module: Module, name: str, amount: Any) -> Any:  # type: ignore[override]
        """Prune a parameter of `module`."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Entries):
    """Takes out the entries nearest to zero."""

    def _chosen(self, t: Tensor, count: int) -> Tensor:
        found: Tensor = t.detach().abs().view(-1).topk(count, largest=False).indices
        return found

    @classmethod
    def apply(cls, module: Module, name: str, amount: Any, importance_scores: Any = None) -> Any:  # type: ignore[override]
        """Prune a parameter of `module`."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Channels(_Amount):
    """Takes out whole channels along `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _is_kept(self, t: Tensor, count: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with the chosen channels at zero."""
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. "
                f"Found tensor of shape {t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        count = self._count(t.shape[self.dim])
        if not count:
            return default_mask
        shape = [1] * t.dim()
        shape[self.dim] = -1
        kept: Tensor = default_mask * self._is_kept(t, count).view(shape).to(dtype=default_mask.dtype)
        return kept


class RandomStructured(_Channels):
    """Takes out channels at random."""

    def _is_kept(self, t: Tensor, count: int) -> Tensor:
        chance = _torch().rand(t.shape[self.dim])
        kept: Tensor = chance > chance.kthvalue(count).values
        return kept

    @classmethod
    def apply(cls, module: Module, name: str, amount: Any, dim: int = -1) -> Any:  # type: ignore[override]
        """Prune a parameter of `module`."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Channels):
    """Takes out the channels of the smallest norm."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _is_kept(self, t: Tensor, count: int) -> Tensor:
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        size = FUNCTIONS["norm"](t.detach(), p=self.n, dim=others)
        kept: Tensor = _torch().zeros(len(size), dtype=_torch().bool)
        kept[size.topk(len(size) - count).indices] = True
        return kept

    @classmethod
    def apply(cls, module: Module, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Any:  # type: ignore[override]
        """Prune a parameter of `module`."""
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Takes out what a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Both masks together."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"Expected default_mask.shape ({default_mask.shape}) to match self.mask.shape ({self.mask.shape})"
            )
        both: Tensor = default_mask * self.mask.to(dtype=default_mask.dtype)
        return both

    @classmethod
    def apply(cls, module: Module, name: str, mask: Tensor) -> Any:  # type: ignore[override]
        """Prune a parameter of `module`."""
        return super().apply(module, name, mask=mask)


def identity(module: Module, name: str) -> Module:
    """Give a parameter a mask that takes nothing out."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Any) -> Module:
    """Take out entries at random: a number, or a part between 0 and 1."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: Any, importance_scores: Any = None) -> Module:
    """Take out the entries nearest to zero."""
    L1Unstructured.apply(module, name, amount, importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Any, dim: int) -> Module:
    """Take out channels along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Module, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Module:
    """Take out the channels along `dim` with the smallest norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Take out what `mask` says."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any) -> None:
    """Prune several parameters, given as (module, name), as if they were one long vector."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = importance_scores if importance_scores is not None else {}
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = [(module, name, getattr(module, name)) for module, name in parameters]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    join = FUNCTIONS["cat"]
    values = join([scores.get((module, name), t).reshape(-1) for module, name, t in pairs])
    masks = [getattr(module, f"{name}_mask", None) for module, name, _ in pairs]
    before = join([(FUNCTIONS["ones_like"](t) if m is None else m).reshape(-1) for (_, _, t), m in zip(pairs, masks)])
    method._tensor_name = "temp_name"
    container = PruningContainer()
    container._tensor_name = "temp_name"
    container.add_pruning_method(method)
    mask = container.compute_mask(values.detach(), before.detach())
    at = 0
    for module, name, t in pairs:
        n = t.numel()
        custom_from_mask(module, name, mask=mask[at : at + n].view_as(t))
        at += n


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter a plain one again; its masked entries stay at zero."""
    held = module.__dict__.get(_TABLE, {}).pop(name, None)
    if held is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    method, handle = held
    handle.remove()
    method.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether any parameter of a module, or of one inside it, is pruned."""
    return any(each.__dict__.get(_TABLE) for each in module.modules())
