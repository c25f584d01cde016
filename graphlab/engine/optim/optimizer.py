"""`Optimizer`: parameter groups, state, and what all optimizers share."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.autograd.graph import RemovableHandle
from graphlab.engine.device import Virtual, device, reserve, reserved
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.nn.module import clear_gradients, typename
from graphlab.engine.tensor import Tensor, wrap


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
"""Default of a setting that every parameter group must give."""


class Optimizer:
    """Base of all optimizers. A subclass defines `_update(group, param, grad, state)`, which writes into the arrays."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + typename(params)
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._pre_hooks: dict[int, Callable[..., Any]] = {}
        self._post_hooks: dict[int, Callable[..., Any]] = {}
        self._plans: Any = None  # what a subclass prepares for its parameters
        self._told: dict[int, tuple[list[Any], dict[str, Any]]] = {}  # what an observer was told of each group
        self.n_steps = 0  # taken so far; schedules look at it
        groups = list(params)
        if not groups:
            fail(ValueError, "optimizer got an empty parameter list", kind="optimizer_empty")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, Tensor):
            given = [given]
        elif isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        params, names = _split_names(list(given))
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + typename(param))
            if not (param.is_leaf or param.retains_grad):
                fail(ValueError, "can't optimize a non-leaf Tensor", kind="optimizer_non_leaf")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        known = {id(param) for group in self.param_groups for param in group["params"]}
        if any(id(param) in known for param in params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)
        self._plans = None

    def _update(self, group: dict[str, Any], param: Tensor, grad: Array, state: dict[str, Any]) -> None:
        """Change `param` by its gradient. `state` is kept from step to step."""
        raise NotImplementedError

    def _update_hollow(self, group: dict[str, Any], param: Tensor) -> None:
        """The update of a parameter without numbers: its state has shapes only, and steps are counted.

        What the state is, the update of a parameter of one number tells.
        """
        state, where, kind = self.state[param], param._device, param._array.dtype
        own = {
            name: wrap(np.zeros(1, kind)) if isinstance(value, Tensor) and type(value._array) is Virtual else value
            for name, value in state.items()
        }
        self._update(group, wrap(np.zeros(1, kind)), np.zeros(1, kind), own)
        for name, value in own.items():
            if not (isinstance(value, Tensor) and value._array.ndim):
                state[name] = value
            elif name not in state:
                state[name] = wrap(reserved(where, param._array.shape, value._array.dtype), where)

    def _watched_settings(self, group: dict[str, Any]) -> dict[str, Any]:
        """The settings that an observer is told: the same dict until one of them changes."""
        values = [group.get(name) for name in self.defaults]
        told = self._told.get(id(group))
        if told is not None and told[0] == values:
            return told[1]
        settings = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in group.items()
            if name in self.defaults and isinstance(value, int | float | tuple) and not isinstance(value, bool)
        }
        self._told[id(group)] = (values, settings)
        return settings

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient. `closure`, if given, computes the loss again and is returned."""
        loss = None
        if closure is not None:
            with modes.enable_grad():
                loss = closure()
        self.n_steps += 1
        for hook in tuple(self._pre_hooks.values()):
            hook(self, (self,), {})
        watcher = observe.observer
        for group in self.param_groups:
            settings = {} if watcher is None else self._watched_settings(group)
            for param in group["params"]:
                if param._grad is None:
                    continue
                if type(param._array) is Virtual:
                    self._update_hollow(group, param)
                elif dtypes.special and param._array.dtype.kind == "c":
                    # Real and imaginary parts are moved as numbers of their own.
                    self._update(group, _parts(param), _parts(param._grad)._array, self.state[param])
                elif type(param._grad._array) is not Virtual:
                    self._update(group, param, param._grad._array, self.state[param])
                if param._version is None:
                    param._version = [1]
                else:
                    param._version[0] += 1
                if watcher is not None:
                    watcher.updated(type(self).__name__, param, settings)
        for hook in tuple(self._post_hooks.values()):
            hook(self, (self,), {})
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        if set_to_none:
            for group in self.param_groups:
                for param in group["params"]:
                    param._grad = None
        else:
            clear_gradients([param for group in self.param_groups for param in group["params"]], set_to_none=False)
        if observe.observer is not None:
            observe.observer.zeroed([param for group in self.param_groups for param in group["params"]])

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step."""
        return RemovableHandle(self._pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return RemovableHandle(self._post_hooks, hook)

    def state_dict(self) -> dict[str, Any]:
        """State and settings, with parameters by their number."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {numbers[id(param)]: values for param, values in self.state.items() if values}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned; groups must have the same sizes."""
        state_dict = state_dict.copy()
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        pairs = list(zip(self.param_groups, saved_groups, strict=True))
        if any(len(own["params"]) != len(saved["params"]) for own, saved in pairs):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        numbers = chain.from_iterable(saved["params"] for saved in saved_groups)
        params = chain.from_iterable(own["params"] for own in self.param_groups)
        by_number = dict(zip(numbers, params, strict=True))
        self.state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            param = by_number[number]
            self.state[param] = {name: _copied(value, name, param) for name, value in values.items()}
        for own, saved in pairs:
            saved["params"] = own["params"]
        self.param_groups = saved_groups
        self._plans = None

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


def _parts(t: Tensor) -> Tensor:
    """A complex tensor as pairs of real numbers, sharing its memory."""
    return wrap(t._array[..., None].view(dtypes.of(t._array).to_real().np), t._device)


def _split_names(given: Iterable[Any]) -> tuple[list[Any], list[str]]:
    params: list[Any] = []
    names: list[str] = []
    for each in given:
        if isinstance(each, tuple):
            names.append(each[0])
            params.append(each[1])
        else:
            params.append(each)
    if names and len(names) != len(params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return params, names


def _copied(value: Any, name: str, param: Tensor) -> Any:
    if not isinstance(value, Tensor):
        return value
    kind = value._array.dtype if name == "step" else param._array.dtype
    return wrap(value._array.astype(kind), value._device if name == "step" else param._device)


def new_state(param: Tensor, fill: float = 0.0) -> Tensor:
    """A state tensor like `param`, filled with one number; counted on the parameter's device."""
    where: device = param._device
    if where.counts:
        reserve(where, param._array.nbytes)
    if param._array.dtype.kind == "c":
        param = _parts(param)
    return wrap(np.full(param._array.shape, fill, param._array.dtype), where)


def new_step() -> Tensor:
    """The count of steps, which PyTorch keeps as a float32 tensor."""
    return wrap(np.zeros((), np.float32))


def check_setting(is_valid: bool, message: str) -> None:
    """Refuse an optimizer's setting in PyTorch's words."""
    if not is_valid:
        fail(ValueError, message, kind="optimizer_setting")


def number(value: Any) -> Any:
    """A setting as a plain number; a tensor of one element is allowed too."""
    return value.item() if isinstance(value, Tensor) else value
