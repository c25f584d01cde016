"""Hooks of modules: the call with hooks before, after and on the way back, for one module or for all."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from graphlab.engine import modes
from graphlab.engine.autograd.function import Function
from graphlab.engine.tensor import Tensor

if TYPE_CHECKING:
    from graphlab.engine.nn.module import Module


class RemovableHandle:
    """Takes a hook away again."""

    _numbers = itertools.count()

    def __init__(self, hooks: dict[int, Any], on_change: Callable[[], None]) -> None:
        self.id = next(self._numbers)
        self._hooks = hooks
        self._on_change = on_change

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self.id, None)
        self._on_change()

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


class ForwardHook(NamedTuple):
    """A hook around `forward` and how it is to be called."""

    call: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False


class Shared:
    """The hooks of all modules at once."""

    forward: dict[int, ForwardHook]
    forward_pre: dict[int, ForwardHook]
    backward: dict[int, Callable[..., Any]]
    backward_pre: dict[int, Callable[..., Any]]

    def __init__(self) -> None:
        self.forward, self.forward_pre, self.backward, self.backward_pre = {}, {}, {}, {}
        self.any = False

    def changed(self) -> None:
        """Let modules ask for them, or not."""
        from graphlab.engine.nn.module import Module

        self.any = bool(self.forward or self.forward_pre or self.backward or self.backward_pre)
        Module.__call__ = Module._call_always_hooked if self.any else Module._call_plain  # type: ignore[method-assign]


shared = Shared()


def add(hooks: dict[int, Any], hook: Any, prepend: bool, on_change: Callable[[], None]) -> RemovableHandle:
    """Enter a hook as the last one, or as the first."""
    handle = RemovableHandle(hooks, on_change)
    before = dict(hooks) if prepend else {}
    if prepend:
        hooks.clear()
    hooks[handle.id] = hook
    hooks.update(before)
    on_change()
    return handle


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before the `forward` of every module."""
    return add(shared.forward_pre, ForwardHook(hook), False, shared.changed)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the `forward` of every module."""
    return add(shared.forward, ForwardHook(hook, with_kwargs, always_call), False, shared.changed)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` when the gradients of any module's outputs are known."""
    return add(shared.backward_pre, hook, False, shared.changed)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` when the gradients of any module's inputs are known."""
    return add(shared.backward, hook, False, shared.changed)


def call(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The module's `forward` with all its hooks around it."""
    state = _Call(module, args, kwargs)
    try:
        return state.run()
    except Exception:
        state.run_always()
        raise


class _Call:
    """One call: what the hooks have made of the arguments and of the result."""

    def __init__(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module = module
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.done: set[int] = set()

    def run(self) -> Any:
        """Hooks before, `forward`, hooks after."""
        own = self.module.__dict__
        pre = [*shared.backward_pre.values(), *own.get("_backward_pre_hooks", {}).values()]
        post = [*shared.backward.values(), *own.get("_full_backward_hooks", {}).values()]
        for hook in (*shared.forward_pre.values(), *self.module._forward_pre_hooks.values()):
            self._before(hook)
        back = _Backward(self.module, post, pre) if pre or post else None
        if back is not None:
            self.args = back.watch_inputs(self.args)
        self.result = self.module.forward(*self.args, **self.kwargs)
        for number, hook in self._after():
            self.done.add(number)
            self._call_after(hook)
        if back is not None:
            if not isinstance(self.result, Tensor | tuple):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                    f"received {type(self.result)}",
                    stacklevel=4,
                )
            self.result = back.watch_outputs(self.result)
        return self.result

    def _before(self, hook: ForwardHook) -> None:
        if hook.with_kwargs:
            changed = hook.call(self.module, self.args, self.kwargs)
            if changed is None:
                return
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed
            return
        changed = hook.call(self.module, self.args)
        if changed is not None:
            self.args = changed if isinstance(changed, tuple) else (changed,)

    def _after(self) -> list[tuple[int, ForwardHook]]:
        return [*shared.forward.items(), *self.module._forward_hooks.items()]

    def _call_after(self, hook: ForwardHook) -> None:
        if hook.with_kwargs:
            changed = hook.call(self.module, self.args, self.kwargs, self.result)
        else:
            changed = hook.call(self.module, self.args, self.result)
        if changed is not None:
            self.result = changed

    def run_always(self) -> None:
        """After an error: the hooks that want to be called all the same."""
        for number, hook in self._after():
            if hook.always and number not in self.done:
                try:
                    self._call_after(hook)
                except Exception as error:  # the first error is the one to be told
                    scope = "global module" if number in shared.forward else "module"
                    warnings.warn(
                        f"{scope} forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=4,
                    )


class BackwardHookFunction(Function):
    """The identity, in the graph: a place where a module's gradients come by."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads


class _Backward:
    """The hooks on the way back of one call: gradients of the outputs come first, those of the inputs end it."""

    def __init__(self, module: Module, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self._module = module
        self._hooks = hooks
        self._pre_hooks = pre_hooks
        self._grad_outputs: Any = None
        self._inputs: list[int] | None = None
        self._outputs: list[int] | None = None
        self._n_inputs = self._n_outputs = 0

    def watch_inputs(self, args: tuple[Any, ...]) -> Any:
        """The arguments, led through a place where their gradients are seen."""
        self._n_inputs = len(args)
        made, self._inputs = _led_through(args, self._on_inputs)
        return made

    def watch_outputs(self, result: Any) -> Any:
        """The same for the result."""
        many = result if isinstance(result, tuple) else (result,)
        self._n_outputs = len(many)
        made, self._outputs = _led_through(many, self._on_outputs)
        return made if isinstance(result, tuple) else made[0]

    def _on_outputs(self, _grads: Any, grad_outputs: Any) -> Any:
        assert self._outputs is not None
        self._grad_outputs = _spread(self._outputs, grad_outputs, self._n_outputs)
        for hook in self._pre_hooks:
            changed = hook(self._module, self._grad_outputs)
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if len(changed) != self._n_outputs:
                raise RuntimeError(
                    f"Backward pre hook returned an invalid number of grad_output, got {len(changed)}, but expected "
                    f"{self._n_outputs}"
                )
            self._grad_outputs = changed
        found = self._grad_outputs
        if self._inputs is None:
            self._end_without_inputs()
        return tuple(found[i] for i in self._outputs)

    def _end_without_inputs(self) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=4,
        )
        nothing = (None,) * self._n_inputs
        for hook in self._hooks:
            changed = hook(self._module, nothing, self._grad_outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(each is None for each in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self._grad_outputs = None

    def _on_inputs(self, grad_inputs: Any, _grads: Any) -> Any:
        # Gradients that reach the inputs around the outputs, as in a second derivative, are none of the module's.
        if self._grad_outputs is None or self._inputs is None:
            return None
        found = _spread(self._inputs, grad_inputs, self._n_inputs)
        for hook in self._hooks:
            changed = hook(self._module, found, self._grad_outputs)
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if len(changed) != len(found):
                raise RuntimeError(
                    f"Backward hook returned an invalid number of grad_input, got {len(changed)}, but expected "
                    f"{len(found)}"
                )
            found = changed
        self._grad_outputs = None
        return tuple(found[i] for i in self._inputs)


def _spread(places: list[int], values: Any, n: int) -> tuple[Any, ...]:
    made: list[Any] = [None] * n
    for place, value in zip(places, values):
        made[place] = value
    return tuple(made)


def _led_through(values: tuple[Any, ...], on_gradients: Callable[..., Any]) -> tuple[Any, list[int] | None]:
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not (modes.grad and any(values[i].requires_grad for i in places)):
        return values, None
    new = BackwardHookFunction.apply(*[values[i] for i in places])
    next(t.grad_fn for t in new if t.grad_fn is not None).register_hook(on_gradients)
    made = list(values)
    for place, t in zip(places, new):
        made[place] = t
    return (tuple(made) if type(values) is tuple else type(values)(*made)), places
