"""`autograd.Function`: an operator whose derivative the program writes itself."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from graphlab.engine import modes, observe
from graphlab.engine.autograd.graph import Node, SavedOutput, make_node
from graphlab.engine.autograd.passes import Taped
from graphlab.engine.device import CPU, device
from graphlab.engine.errors import fail
from graphlab.engine.ops.op import Category, Op
from graphlab.engine.ops.run import report
from graphlab.engine.tensor import Tensor, wrap
from graphlab.i18n import N_


class FunctionCtx:
    """What `forward` leaves for `backward`: `ctx`."""

    needs_input_grad: tuple[bool, ...]
    _device: device

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] | None = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._constant: tuple[Tensor, ...] = ()
        self._materialize = True
        self._shapes: tuple[tuple[int, ...] | None, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for `backward`, where `ctx.saved_tensors` gives them back."""
        for each in tensors:
            if each is not None and not isinstance(each, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type(each).__name__}"
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved."""
        if self._saved is None:
            from graphlab.engine.autograd.passes import _freed

            raise _freed(self._node)
        return self._saved or self._to_save

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Tell which inputs `forward` wrote into."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Tell which outputs have no derivative."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients come as zeros (the default) or as None."""
        self._materialize = value

    _node: Any = None


class Function:
    """Derive from it, write static methods `forward(ctx, …)` and `backward(ctx, *grads)`, call `.apply(…)`."""

    __module__ = "torch.autograd.function"
    _node_type: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What old programs did; PyTorch refuses it."""
        fail(
            RuntimeError,
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. "
            "(Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)",
            kind="legacy_function",
            name=type(self).__name__,
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The computation."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradient of each argument of `forward`."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Where `forward` takes no ctx: what to keep for `backward`."""
        raise NotImplementedError("setup_context is not implemented.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run it."""
        ctx = FunctionCtx()
        tensors = [a for a in args if isinstance(a, Tensor)]
        needs = modes.grad and any(t._rg for t in tensors)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a._rg for a in args)
        before, modes.grad = modes.grad, False
        watcher = observe.set_observer(None)
        separate = cls.setup_context is not Function.setup_context
        try:
            if separate:
                outs = cls.forward(*args)
                cls.setup_context(ctx, args, outs)
            else:
                outs = cls.forward(ctx, *args)
        except Exception as error:
            observe.set_observer(watcher)
            report(cls.__name__, args, {}, error)
            raise
        finally:
            modes.grad = before
            observe.set_observer(watcher)
        many = isinstance(outs, tuple)
        made = []
        for out in outs if many else (outs,):
            if isinstance(out, Tensor) and any(out is t for t in tensors) and not any(out is d for d in ctx._dirty):
                out = _alias(out, ctx)
            made.append(out)
        if needs:
            _record(cls, ctx, args, made)
        if watcher is not None:
            inputs = tuple(a for a in args if isinstance(a, Tensor))
            watcher.forward(cls.__name__, inputs, tuple(made) if many else made[0], {})
        return tuple(made) if many else made[0]


def _alias(t: Tensor, ctx: FunctionCtx) -> Tensor:
    """An input that is returned as it is: another tensor that looks at the same memory."""
    made = wrap(t._array, t._device)
    if t._version is None:
        t._version = [0]
    made._version = t._version
    if any(t is each for each in ctx._constant):
        ctx._constant = (*ctx._constant, made)
    return made


def _record(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outs: list[Any]) -> None:
    kind = cls.__dict__.get("_node_type")
    if kind is None or kind.n_outputs != len(outs):
        kind = cls._node_type = _node_type(cls, len(outs))
    inputs = tuple(a if isinstance(a, Tensor) else None for a in args)
    saved = []
    for s in ctx._to_save:
        position = next((i for i, o in enumerate(outs) if o is s), None)
        if s is not None and position is not None:
            if s._version is None:
                s._version = [0]
            s = SavedOutput(s._array, s._device, s._version, position)
        saved.append(s)
    ctx._shapes = tuple(a._array.shape if isinstance(a, Tensor) else None for a in args)
    ctx._device = next((o._device for o in outs if isinstance(o, Tensor)), CPU)
    node = make_node(kind, inputs, tuple(saved), ctx)
    node.outs = [(o._array.shape, o._array.dtype) if isinstance(o, Tensor) else None for o in outs]
    ctx._to_save = ()
    ctx._node = node
    for i, out in enumerate(outs):
        if isinstance(out, Tensor) and out._array.dtype.kind in "fVc" and not any(out is c for c in ctx._constant):
            out._fn, out._nr, out._rg = node, i, True


def _node_type(cls: type[Function], n_outputs: int) -> Any:
    op = Op(
        name=cls.__name__,
        category=Category.ELEMENTWISE,
        args=(),
        formula=cls.__name__,
        forward=cls.forward,
        narrate=N_("the program's own function runs"),
        narrate_backward=N_("the program's own derivative runs"),
    )
    op.node = cls.__name__ + "Backward"
    body = {"__slots__": (), "__module__": "torch.autograd.function", "op": op}
    body |= {"vjp": staticmethod(_run_backward(cls)), "n_outputs": n_outputs}
    return type(op.node, (_FunctionNode,), body)


class _FunctionNode(Node):
    """A node of a program's own function. In PyTorch it is the `ctx` itself: what was kept there can be read here."""

    __slots__ = ()
    __module__ = "torch.autograd.function"

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept."""
        if self.saved is None:
            from graphlab.engine.autograd.passes import _freed

            raise _freed(self)
        from graphlab.engine.autograd.passes import _as_tensor

        return tuple(None if s is None else _as_tensor(s, self) for s in self.saved)

    def __getattr__(self, name: str) -> Any:
        if name[:1] != "_":
            kept = vars(self.params)
            if name in kept:
                return kept[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def _run_backward(cls: type[Function]) -> Any:
    def vjp(node: Any, g: Any, *saved: Any) -> Any:
        ctx: FunctionCtx = node.params
        taped = isinstance(node, Taped)
        given = list(g) if len(node.outs) > 1 else [g]
        grads: list[Any] = []
        for each, out in zip(given, node.outs):
            if each is None:
                grads.append(wrap(np.zeros(*out), ctx._device) if ctx._materialize and out is not None else None)
            else:
                grads.append(each if taped else wrap(each, ctx._device))
        ctx._saved = tuple(s if s is None or isinstance(s, Tensor) else wrap(s, ctx._device) for s in saved)
        watcher = None if taped else observe.set_observer(None)
        try:
            result = cls.backward(ctx, *grads)
        finally:
            if not taped:
                observe.set_observer(watcher)
        found = list(result) if isinstance(result, (tuple, list)) else [result]
        while len(found) > len(node.edges) and found[-1] is None:
            found.pop()
        if len(found) != len(node.edges):
            raise RuntimeError(
                f"function {cls.__name__}Backward returned an incorrect number of gradients (expected "
                f"{len(node.edges)}, got {len(found)})"
            )
        for i, (gradient, shape) in enumerate(zip(found, ctx._shapes)):
            if gradient is not None and shape is not None and gradient._array.shape != shape:
                found[i] = _fitted(gradient, shape, i, cls.__name__)
        return [r if taped or r is None else r._array for r in found]

    return vjp


def _fitted(gradient: Tensor, shape: tuple[int, ...], index: int, name: str) -> Any:
    """A gradient of the program's own, summed to the shape of its input, which it may only be broadcast from."""
    given = gradient._array.shape
    missing = len(given) - len(shape)
    if missing < 0 or any(size not in (1, there) for size, there in zip(shape, given[missing:])):
        fail(
            RuntimeError,
            f"Function {name}Backward returned an invalid gradient at index {index} - got {list(given)} but expected "
            f"shape compatible with {list(shape)}",
            kind="gradient_shape",
            shape=list(given),
            wanted=list(shape),
            function=name,
        )
    return gradient.sum_to_size(*shape)


def once_differentiable(function: Any) -> Any:
    """Mark a `backward` that cannot itself be differentiated: what it returns has no graph."""

    @functools.wraps(function)
    def once(ctx: Any, *grads: Any) -> Any:
        recorded = modes.grad
        before, modes.grad = modes.grad, False
        try:
            found = function(ctx, *grads)
        finally:
            modes.grad = before
        if not recorded or not any(isinstance(g, Tensor) and g._rg for g in grads):
            return found
        several = isinstance(found, tuple)
        marked = [_refusing(f) if isinstance(f, Tensor) else f for f in (found if several else (found,))]
        return tuple(marked) if several else marked[0]

    return once


def _refusing(gradient: Tensor) -> Any:
    """The gradient, with a node that refuses to be differentiated."""
    return _Refusal.apply(gradient.detach().requires_grad_())


class _Refusal(Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor) -> Any:
        return gradient.detach()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
