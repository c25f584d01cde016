"""`nn.Module`: parameters, buffers and submodules by attribute, the call with its hooks, and `state_dict`.

Parameters, buffers and submodules stand in their own dictionaries, as in PyTorch, and also among the plain instance
attributes: a class with `__getattr__` would lose the interpreter's quick way to read `self.weight`. Every way of
setting or deleting keeps the two alike.
"""

from __future__ import annotations

import types
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from graphlab.engine import observe
from graphlab.engine.device import META, resolve
from graphlab.engine.errors import fail
from graphlab.engine.modes import no_grad
from graphlab.engine.nn import hooks
from graphlab.engine.nn.hooks import RemovableHandle
from graphlab.engine.nn.parameter import Buffer, Parameter
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor

Self = TypeVar("Self", bound="Module")


class _IncompatibleKeys(NamedTuple("Keys", [("missing_keys", list[str]), ("unexpected_keys", list[str])])):
    """What `load_state_dict` returns."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    __str__ = __repr__


class _Loading(NamedTuple):
    """What all modules share while a state_dict is loaded."""

    strict: bool
    assign: bool
    missing: list[str]
    unexpected: list[str]
    errors: list[str]


def typename(value: Any) -> str:
    """The type's name as PyTorch's messages give it (`torch.FloatTensor`, `torch.nn.modules.linear.Linear`, `int`)."""
    if isinstance(value, Tensor):
        return str(value.type())
    if isinstance(value, types.GeneratorType):
        return value.__qualname__  # "Module.parameters"
    kind: Any = value if isinstance(value, types.FunctionType) else type(value)
    module = kind.__module__
    if module is None or module == "builtins":
        return str(kind.__qualname__)
    if kind is value and module.startswith("graphlab.engine"):
        from graphlab.engine.nn import functional

        name = getattr(value, "__name__", "")
        return f"torch.nn.functional.{name}" if hasattr(functional, name) else name
    if module.startswith("graphlab.engine.nn."):
        module = module.replace("graphlab.engine.nn.", "torch.nn.modules.", 1)
    return f"{module.replace('graphlab.engine', 'torch', 1)}.{kind.__qualname__}"


def _indented(text: str, n_spaces: int) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * n_spaces + line for line in rest)])


class Module:
    """Base of all layers and models. Subclasses call `super().__init__()` first and define `forward`."""

    training: bool
    _version = 1
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _forward_hooks: dict[int, Any]
    _forward_pre_hooks: dict[int, Any]
    # Whether there are hooks of any kind. It bears the name over which PyTorch's call stumbles without `__init__`.
    _backward_hooks: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs:
            name = next(iter(kwargs))
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument '{name}'")
        if args:
            n = len(args) + 1
            raise TypeError(f"{type(self).__name__}.__init__() takes 1 positional argument but {n} were given")
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _backward_hooks=False,
            _forward_hooks={},
            _forward_pre_hooks={},
            _modules={},
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # The call.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if observe.observer is None and not self._backward_hooks:
            return self.forward(*args, **kwargs)
        return self._call_watched(args, kwargs)

    def _call_always_hooked(self, *args: Any, **kwargs: Any) -> Any:
        """In the place of `__call__` while all modules have hooks, so that it needn't ask for them otherwise."""
        return self._call_watched(args, kwargs)

    _call_plain = __call__

    def _call_watched(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        is_hooked = self._backward_hooks or hooks.shared.any
        watcher = observe.observer
        if watcher is not None:
            watcher.module_entered(self)
        result = None
        try:
            result = hooks.call(self, args, kwargs) if is_hooked else self.forward(*args, **kwargs)
            return result
        finally:
            if watcher is not None:
                watcher.module_left(self, result)

    def _hooks_changed(self) -> None:
        own = self.__dict__
        own["_backward_hooks"] = any(
            own.get(name)
            for name in ("_forward_hooks", "_forward_pre_hooks", "_full_backward_hooks", "_backward_pre_hooks")
        )

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each `forward`; what it returns, unless None, replaces the output.

        `with_kwargs`: call `hook(module, args, kwargs, output)`. `always_call`: also where `forward` fails.
        """
        entry = hooks.ForwardHook(hook, with_kwargs, always_call)
        return hooks.add(self._forward_hooks, entry, prepend, self._hooks_changed)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each `forward`; what it returns, unless None, replaces the arguments."""
        return hooks.add(self._forward_pre_hooks, hooks.ForwardHook(hook, with_kwargs), prepend, self._hooks_changed)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` in each backward pass, once the inputs' gradients are known.

        What it returns, unless None, replaces `grad_input`.
        """
        return hooks.add(self._own_hooks("_full_backward_hooks"), hook, prepend, self._hooks_changed)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` in each backward pass; what it returns, unless None, replaces it."""
        return hooks.add(self._own_hooks("_backward_pre_hooks"), hook, prepend, self._hooks_changed)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before this module's part of `state_dict` is made."""
        return hooks.add(self._own_hooks("_state_dict_pre_hooks"), hook, False, self._hooks_changed)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing comes of it: see `torch.compile`."""

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after it; it may change the dict in place."""
        return hooks.add(self._own_hooks("_state_dict_hooks"), hook, False, self._hooks_changed)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`
        before values are copied into this module."""
        return hooks.add(self._own_hooks("_load_state_dict_pre_hooks"), hook, False, self._hooks_changed)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after `load_state_dict`; it may change the keys in place."""
        return hooks.add(self._own_hooks("_load_state_dict_post_hooks"), hook, False, self._hooks_changed)

    def _own_hooks(self, name: str) -> dict[int, Any]:
        made: dict[int, Any] = self.__dict__.setdefault(name, {})
        return made

    # Attributes.

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        parameters = own.get("_parameters")
        if parameters is None:
            if isinstance(value, Parameter):
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            if isinstance(value, Module):
                raise AttributeError("cannot assign module before Module.__init__() call")
            if isinstance(value, Buffer):
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            object.__setattr__(self, name, value)
            return
        if isinstance(value, Parameter):
            self._forget(name)
            self.register_parameter(name, value)
        elif name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if name not in self._modules:
                self._forget(name)
            self._modules[name] = value
            own[name] = value
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = value
            own[name] = value
        elif isinstance(value, Buffer) or name in self._buffers:
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
            )
        if name in self._buffers:
            self._buffers[name] = value
            self.__dict__[name] = value
        else:
            self._forget(name)
            self.register_buffer(name, value, getattr(value, "persistent", True))

    def _forget(self, name: str) -> None:
        """Drop what stands under the name, but keep a parameter's place in the order when it is only replaced."""
        self._buffers.pop(name, None)
        self._modules.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        self.__dict__.pop(name, None)

    def __delattr__(self, name: str) -> None:
        if name in self._parameters or name in self._buffers or name in self._modules:
            self._parameters.pop(name, None)
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def _put_modules(self, modules: Mapping[str, Any]) -> None:
        """Replace all submodules, as containers do when they number anew."""
        for name in self._modules:
            self.__dict__.pop(name, None)
        self._modules.clear()
        self._modules.update(modules)
        self.__dict__.update(modules)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make `param` (or None) a parameter of this module under `name`."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name(name, "parameter", self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in "
                    "the forward() method."
                )
        self._parameters[name] = param
        self.__dict__[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make `tensor` part of the module's state without it being a parameter."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        self.__dict__[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def _check_name(self, name: Any, what: str, known: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in known and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def add_module(self, name: str, module: Module | None) -> None:
        """Make `module` a child under `name`."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_class_or_typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        if name not in self._modules and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = module
        self.__dict__[name] = module

    register_module = add_module

    # Walking the tree.

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their paths; each once unless `remove_duplicate` is False."""
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self, dictionary: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in module.__dict__[dictionary].items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Parameters with their paths, in the order of registration, module by module."""
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Parameters, in the order of registration, module by module."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers with their paths."""
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The module at the path `target` ("net.0")."""
        module: Any = self
        for name in target.split(".") if target else []:
            if not hasattr(module, name):
                raise AttributeError(module._get_name() + " has no attribute `" + name + "`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError("`" + name + "` is not an nn.Module")
        return module  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the path `target` ("net.0.weight")."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(module._get_name() + " has no attribute `" + name + "`")
        parameter = getattr(module, name)
        if not isinstance(parameter, Parameter):
            raise AttributeError("`" + name + "` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the path `target`."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(module._get_name() + " has no attribute `" + name + "`")
        if name not in module._buffers:
            raise AttributeError("`" + name + "` is not a buffer")
        return getattr(module, name)  # type: ignore[no-any-return]

    # Changing all at once.

    def train(self: Self, mode: bool = True) -> Self:
        """Switch training behaviour (dropout, batch norm) on or off, here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` of every parameter."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        parameters: list[Tensor] = list(self.parameters())
        clear_gradients(parameters, set_to_none)
        if observe.observer is not None:
            observe.observer.zeroed(parameters)

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` with every module below and then with this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self: Self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # To who watches, the parameters stay what they are: they are no outputs of operators that the program wrote.
        watcher = observe.set_observer(None)
        try:
            self._convert(fn, recurse)
        finally:
            observe.set_observer(watcher)
        return self

    def _convert(self, fn: Callable[[Tensor], Tensor], recurse: bool) -> None:
        for module in self.children() if recurse else ():
            module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad.data = fn(parameter.grad.data)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = self.__dict__[name] = fn(buffer)

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, floating-point ones to a dtype (`to(device)`, `to(dtype)`, …)."""
        device, dtype = _device_and_dtype(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(tensor: Tensor) -> Tensor:
            if device is not None:
                if tensor._device is META and resolve(device) is not META:
                    fail(
                        NotImplementedError,
                        "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                        "torch.nn.Module.to() when moving module from meta to a different device.",
                        kind="virtual_value",
                        op="to",
                    )
                tensor = tensor.to(device)
            if dtype is not None and tensor.is_floating_point():
                tensor = tensor.to(dtype)
            return tensor

        return self._apply(convert)

    def to_empty(self: Self, *, device: Any, recurse: bool = True) -> Self:
        """Move parameters and buffers to a device without their values: they are not initialised there."""
        return self._apply(lambda tensor: FUNCTIONS["empty_like"](tensor, device=device), recurse)

    def cpu(self: Self) -> Self:
        """Move parameters and buffers to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self: Self, device: Any = None) -> Self:
        """Move parameters and buffers to the simulated GPU."""
        if isinstance(device, int):
            device = f"cuda:{device}"
        return self.to("cuda" if device is None else device)

    def float(self: Self) -> Self:
        """Convert floating-point parameters and buffers to float32."""
        return self._apply(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def double(self: Self) -> Self:
        """Convert floating-point parameters and buffers to float64."""
        return self._apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def half(self: Self) -> Self:
        """Convert floating-point parameters and buffers to float16."""
        return self._apply(lambda tensor: tensor.half() if tensor.is_floating_point() else tensor)

    def bfloat16(self: Self) -> Self:
        """Convert floating-point parameters and buffers to bfloat16."""
        return self._apply(lambda tensor: tensor.bfloat16() if tensor.is_floating_point() else tensor)

    def type(self: Self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a type."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at the path `target`; `strict`: only where there is one already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    # State.

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Parameters and persistent buffers by path; detached (sharing memory) unless `keep_vars`."""
        if destination is None:
            made: Any = OrderedDict()
            made._metadata = OrderedDict()
            destination = made
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        own = self.__dict__
        for hook in own.get("_state_dict_pre_hooks", {}).values():
            hook(self, prefix, keep_vars)
        for name, parameter in self._parameters.items():
            if parameter is not None:
                destination[prefix + name] = parameter if keep_vars else parameter.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[f"{prefix}_extra_state"] = self.get_extra_state()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in own.get("_state_dict_hooks", {}).values():
            hook(self, destination, prefix, metadata)
        return destination  # type: ignore[no-any-return]

    def get_extra_state(self) -> Any:
        """What else belongs into `state_dict`, as `_extra_state`; for subclasses, together with `set_extra_state`."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called. Please file an issue at "
            "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called. Please file an issue at "
            "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
        )

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy values from `state_dict`; refuses, after copying what fits, missing, unexpected and misshapen keys."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        self._load(_Loading(strict, assign, missing, unexpected, errors), dict(state_dict), "")
        if strict:
            if unexpected:
                errors.insert(
                    0, "Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in unexpected))
                )
            if missing:
                names = ", ".join(f'"{key}"' for key in missing)
                errors.insert(0, f"Missing key(s) in state_dict: {names}. ")
        if errors:
            text = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{text}")
        return _IncompatibleKeys(missing, unexpected)

    def _load(self, to: _Loading, state: dict[str, Any], prefix: str) -> None:
        for hook in self.__dict__.get("_load_state_dict_pre_hooks", {}).values():
            hook(self, state, prefix, {"version": self._version}, to.strict, to.missing, to.unexpected, to.errors)
        extra = f"{prefix}_extra_state"
        if type(self).set_extra_state is not Module.set_extra_state:
            if extra in state:
                self.set_extra_state(state[extra])
            elif to.strict:
                to.missing.append(extra)
        elif to.strict and extra in state:
            to.unexpected.append(extra)
        own: dict[str, Any] = {name: value for name, value in self._parameters.items() if value is not None}
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                own[name] = buffer
        for name, value in own.items():
            key = prefix + name
            if key in state:
                self._load_one(name, key, value, state[key], to.assign, to.errors)
            else:
                to.missing.append(key)
        for key in state:
            if key.startswith(prefix) and key != extra:
                first, dot, _ = key[len(prefix) :].partition(".")
                if first not in (self._modules if dot else own):
                    to.unexpected.append(key)
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}{name}."
                part = {key: value for key, value in state.items() if key.startswith(below)}
                module._load(to, part, below)
        found = _IncompatibleKeys(to.missing, to.unexpected)
        for hook in self.__dict__.get("_load_state_dict_post_hooks", {}).values():
            if hook(self, found) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )

    def _load_one(self, name: str, key: str, value: Any, new: Any, assign: bool, errors: list[str]) -> None:
        if not isinstance(new, Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(new)}"
            )
            return
        if value.dim() == 0 and tuple(new.shape) == (1,):
            new = new.reshape(())
        if tuple(new.shape) != tuple(value.shape):
            errors.append(
                f"size mismatch for {key}: copying a param with shape {new.shape} from checkpoint, "
                f"the shape in current model is {value.shape}."
            )
            return
        if assign:
            if isinstance(value, Parameter) and not isinstance(new, Parameter):
                new = Parameter(new, requires_grad=value.requires_grad)
            setattr(self, name, new)
            return
        if value._device is META and new._device is not META:
            warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                "to their corresponding key in the module instead of copying them in place?)",
                "load_no_op",
                parameter=key,
            )
        try:
            with no_grad():
                value.copy_(new)
        except RuntimeError as error:
            errors.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {value.shape} and '
                f"whose dimensions in the checkpoint are {new.shape}, an exception occurred : {error.args}."
            )

    # Text.

    def extra_repr(self) -> str:
        """The settings shown between the brackets of the module's `repr`."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indented(repr(module), 2)}" for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        lines += children
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name[:1].isdigit())


def clear_gradients(parameters: list[Any], set_to_none: bool) -> None:
    """Forget the gradients of `parameters`, or fill them with zeros (`zero_grad`)."""
    for parameter in parameters:
        if parameter.grad is None:
            continue
        if set_to_none:
            parameter.grad = None
        else:
            parameter.grad = parameter.grad.detach()
            parameter.grad.zero_()


def _class_or_typename(value: Any) -> str:
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return typename(value)


def _device_and_dtype(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    for arg in args:
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif hasattr(arg, "is_floating_point"):
            dtype = arg
        elif arg is not None and not isinstance(arg, bool):
            device = arg
    return device, dtype
