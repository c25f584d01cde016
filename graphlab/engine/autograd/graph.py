"""The graph of recorded operators.

A node is one operator's derivative. Nodes are numbered as they are made; an operator's inputs are always older than
itself, so falling numbers are a topological order and a pass over them needs no recursion.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graphlab.engine.device import CPU
from graphlab.engine.dtypes import Array
from graphlab.engine.tensor import Tensor, wrap

if TYPE_CHECKING:
    from graphlab.engine.ops.op import Op

next_seq = count().__next__
_new = object.__new__

_SAVED = ("disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks")


def __getattr__(name: str) -> Any:
    if name in _SAVED:  # these stand on the graph
        from graphlab.engine.autograd import saved

        return getattr(saved, name)
    raise AttributeError(f"module 'torch.autograd.graph' has no attribute '{name}'")


class SavedOutput:
    """A node's own output, kept for its derivative without keeping the tensor (which would keep the node)."""

    __slots__ = ("_array", "_device", "_version", "nr")

    def __init__(self, array: Array, where: Any, version: list[int], nr: int = 0) -> None:
        self._array = array
        self._device = where
        self._version = version
        self.nr = nr


class Scratch:
    """An intermediate array that the vjp on arrays can use again; freed with the saved tensors."""

    __slots__ = ("_array", "_version")

    def __init__(self, array: Array) -> None:
        self._array = array
        self._version = None


class Node:
    """One operator's derivative: `grad_fn`. Subclasses, one an operator, carry PyTorch's name and the vjp."""

    __slots__ = (
        "__weakref__", "_mark", "casts", "edges", "hooks", "meta", "nrs", "outs", "params", "saved", "seq", "versions",
    )  # fmt: skip

    op: ClassVar[Op]
    vjp: ClassVar[Callable[..., Any]]
    n_outputs: ClassVar[int] = 1
    xp: ClassVar[Any]  # what vjps compute with: NumPy (see Taped for tensors)

    _mark: Any
    casts: tuple[Any, ...] | None  # NumPy type for each input's gradient where operands were of mixed types
    edges: tuple[Node | None, ...]  # where each input's gradient goes
    hooks: dict[int, Any] | None
    meta: Any  # on a device whose bytes are counted: (device, (shape, NumPy type) of each input)
    nrs: tuple[int, ...] | None  # which output of the edge's node each input was; None when all are 0
    outs: Any  # what is needed of the outputs where there are several: [(shape, dtype), …]
    params: Any
    saved: tuple[Any, ...] | None  # tensors for the vjp; None once freed
    seq: int
    versions: tuple[int, ...] | None  # of the saved tensors; None when all were 0

    def name(self) -> str:
        """PyTorch's name for it."""
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """Where its gradients go: (node, number of the node's output) for each input."""
        return tuple(zip(self.edges, self.nrs or (0,) * len(self.edges)))

    def __repr__(self) -> str:
        kind = type(self)
        # Nodes of the program's own functions tell their module, as PyTorch's do.
        home = f"{kind.__module__}." if kind.__module__ == "torch.autograd.function" else ""
        return f"<{home}{kind.__name__} object at {id(self):#x}>"

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after it ran."""
        return RemovableHandle(_hooks(self), ("node", hook))

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before it runs."""
        return RemovableHandle(_hooks(self), ("pre", hook))


class AccumulateGrad(Node):
    """The end of the graph at a leaf: adds to `variable.grad`."""

    __slots__ = ("variable",)
    variable: Tensor


class RemovableHandle:
    """Takes a hook off again: `handle.remove()`."""

    _next = count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = next(self._next)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook off."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def accumulator(leaf: Tensor) -> AccumulateGrad:
    """The AccumulateGrad node of a leaf, made when first needed."""
    held: Any = leaf._acc
    if held is not None:
        found: AccumulateGrad | None = held if type(held) is AccumulateGrad else held()
        if found is not None:
            return found
    made = _new(AccumulateGrad)
    made.variable = leaf
    made.edges = ()
    made.saved = ()
    made.seq = -1
    made.nrs = made.versions = made.hooks = made.params = made.casts = made.outs = made.meta = made._mark = None
    # A Parameter lives long and keeps its node; for other leaves a weak reference avoids a cycle, so that their
    # memory is freed at once.
    leaf._acc = made if type(leaf) is not Tensor else weakref.ref(made)
    return made


def edge(t: Tensor) -> Node | None:
    """Where the gradient of `t` goes; None when it needs none."""
    if not t._rg:
        return None
    return t._fn or accumulator(t)


def make_node(cls: type[Node], inputs: Iterable[Any], saved: tuple[Any, ...], params: Any) -> Node:
    """A node for an operator with these inputs (tensors, numbers or None)."""
    node = _new(cls)
    edges: list[Node | None] = []
    nrs = None
    for i, t in enumerate(inputs):
        if isinstance(t, Tensor) and t._rg:
            edges.append(t._fn or accumulator(t))
            if t._nr:
                nrs = nrs or {}
                nrs[i] = t._nr
        else:
            edges.append(None)
    node.edges = tuple(edges)
    node.nrs = None if nrs is None else tuple(nrs.get(i, 0) for i in range(len(edges)))
    node.saved = saved
    versions = None
    for t in saved:
        if t is not None and t._version is not None and t._version[0]:
            versions = tuple(0 if s is None or s._version is None else s._version[0] for s in saved)
            break
    node.versions = versions
    node.params = params
    node.seq = next_seq()
    node.hooks = node.casts = node.outs = node.meta = node._mark = None
    return node


_kinds: dict[tuple[type[Node], str], type[Node]] = {}


def kind_named(cls: type[Node], name: str) -> type[Node]:
    """The same derivative under another of PyTorch's names: `SumBackward1` is what sum does with a dim."""
    kind = _kinds.get((cls, name))
    if kind is None:
        kind = _kinds[cls, name] = type(name, (cls,), {"__slots__": (), "__module__": "builtins"})
    return kind


def rename(t: Tensor, name: str) -> Tensor:
    """Give the node that made `t` PyTorch's name for what the program called; returns `t`."""
    node = t._fn
    if node is not None and type(node).__name__ != name:
        node.__class__ = kind_named(type(node), name)
    return t


def rename_all(made: Any, name: str) -> Any:
    """`rename` for each of several results."""
    for t in made:
        rename(t, name)
    return made


def rename_written(t: Tensor, name: str) -> Tensor:
    """`rename` after a write in place; where `t` is a view, its node is that of the view."""
    return t if t._view is not None else rename(t, name)


# Hooks


def _hooks(node: Node) -> dict[int, Any]:
    if node.hooks is None:
        node.hooks = {}
    return node.hooks


def add_hook(t: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook` with the gradient that flows into `t`."""
    if t._fn is None:
        node: Node = accumulator(t)
        # The node must live as long as the leaf, or the hook would go with it.
        t._more()["hooked"] = node
    else:
        node = t._fn
    return RemovableHandle(_hooks(node), (t._nr, hook))


def keep_grad(t: Tensor) -> RemovableHandle:
    """Set `.grad` of a non-leaf when its gradient is complete."""
    assert t._fn is not None
    return RemovableHandle(_hooks(t._fn), ("keep", t._nr, weakref.ref(t)))


def _place(node: Node) -> Any:
    """The device of a node's gradients."""
    if node.seq < 0:
        return node.variable._device  # type: ignore[attr-defined]
    return CPU if node.meta is None else node.meta[0]


def _run_hooks(node: Node, grads: list[Any], taped: bool) -> list[Any]:
    assert node.hooks is not None
    # PyTorch's order: hooks of the tensors, gradients that are kept, hooks of the node.
    where = CPU if taped else _place(node)
    hooks = list(node.hooks.values())
    for what, *rest in hooks:
        if isinstance(what, int) and grads[what] is not None:
            g = grads[what] if taped else wrap(grads[what], where)
            new = rest[0](g)
            if new is not None:
                _check_hooked(rest[0], g, new)
                grads[what] = new if taped else np.asanyarray(new._array)
    for what, *rest in hooks:
        if what == "keep" and grads[rest[0]] is not None:
            t = rest[1]()
            if t is not None:
                g = grads[rest[0]]
                g = g if taped else wrap(g, t._device)
                t._grad = g if t._grad is None else t._grad + g
    for what, *rest in hooks:
        if what == "pre":
            new = rest[0](tuple(None if g is None else g if taped else wrap(g, where) for g in grads))
            if new is not None:
                grads = [None if g is None else g if taped else g._array for g in new]
    return grads


def _check_hooked(hook: Any, g: Tensor, new: Any) -> None:
    """Refuse what a hook made of a gradient where it is no gradient of the same kind."""
    if not isinstance(new, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    name = getattr(hook, "__name__", type(hook).__name__)
    if new._array.dtype != g._array.dtype:
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {g.type()} got {new.type()})")
    if new._array.shape != g._array.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")


def _run_node_hooks(node: Node, result: Any, grads: list[Any], taped: bool) -> Any:
    assert node.hooks is not None
    where = CPU if taped else _place(node)
    for what, *rest in list(node.hooks.values()):
        if what == "node":
            ins = tuple(None if g is None else g if taped else wrap(np.asanyarray(g), where) for g in result)
            outs = tuple(None if g is None else g if taped else wrap(g, where) for g in grads)
            new = rest[0](ins, outs)
            if new is not None:
                result = tuple(None if g is None else g if taped else g._array for g in new)
    return result
