"""Hooks on what derivatives keep: `saved_tensors_hooks` packs a tensor when it is saved, and unpacks it for backward.

A block listens to what operators report and packs what their new nodes have saved; outside of any block nothing is
looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import modes, observe
from graphlab.engine.autograd.graph import Node, SavedOutput, Scratch, accumulator, next_seq
from graphlab.engine.tensor import Tensor, wrap

__all__ = ["disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks"]

_stack: list[saved_tensors_hooks] = []
_refusals: list[str] = []


class Packed:
    """What a hook made of a saved tensor; unpacked each time that a derivative asks for it."""

    __slots__ = ("_acc", "_device", "_fn", "_nr", "_rg", "_version", "_what", "hook")

    def __init__(self, t: Tensor, what: Any, hook: Callable[[Any], Any]) -> None:
        self._what = what
        self.hook = hook
        self._version: Any = None  # in-place writes are the hooks' own affair
        self._device = t._device
        self._rg = t._rg
        # An output's own node would keep itself alive.
        self._fn = t._fn
        self._nr = t._nr
        self._acc = accumulator(t) if t._rg and t._fn is None else None

    def _unpacked(self, keeps_mode: bool) -> Any:
        before, modes.grad = modes.grad, keeps_mode and modes.grad
        watcher = observe.set_observer(None)
        try:
            made = self.hook(self._what)
        finally:
            observe.set_observer(watcher)
            modes.grad = before
        if not isinstance(made, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(made).__name__}"
            )
        return made

    @property
    def _array(self) -> Any:
        return self._unpacked(False)._array

    def tensor(self, node: Node) -> Tensor:
        """The tensor as part of the graph, for a pass that is itself recorded."""
        made = wrap(self._unpacked(True)._array)
        made._device = self._device
        made._rg = self._rg
        made._fn = node if self._fn is _OWN else self._fn
        made._nr = self._nr
        if self._acc is not None:
            made._acc = self._acc
        return made


_OWN: Any = object()
"""Stands for the node that keeps the tensor, which made it too."""


class _Packing:
    """The observer of a block: hands on what it is told, and packs what new nodes have saved."""

    def __init__(self, hooks: saved_tensors_hooks, next_: Any) -> None:
        self._hooks = hooks
        self._next = next_
        self._last = next_seq()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._next, name) if self._next is not None else _nothing

    def forward(self, op: str, inputs: tuple[Any, ...], output: Any, params: dict[str, Any]) -> None:
        if self._next is not None:
            self._next.forward(op, inputs, output, params)
        self._pack(output if isinstance(output, (tuple, list)) else (output,))

    def inplace(self, op: str, tensor: Tensor, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        if self._next is not None:
            self._next.inplace(op, tensor, inputs, params)
        self._pack((tensor,))

    def _pack(self, outputs: Any) -> None:
        waiting = [t._fn for t in outputs if isinstance(t, Tensor) and t._fn is not None]
        found: dict[Node, None] = {}
        while waiting:
            node = waiting.pop()
            if node.seq > self._last and node not in found:
                found[node] = None
                waiting.extend(n for n in node.edges if n is not None)
        if not found:
            return
        self._last = max(node.seq for node in found)
        before, modes.grad = modes.grad, False
        watcher = observe.set_observer(None)
        try:
            for node in sorted(found, key=lambda n: n.seq):
                if node.saved:
                    saved = list(node.saved)
                    for i in _order(node, len(saved)):
                        saved[i] = self._packed(saved[i], node)
                    node.saved = tuple(saved)
        finally:
            observe.set_observer(watcher)
            modes.grad = before

    def _packed(self, s: Any, node: Node) -> Any:
        if s is None or isinstance(s, (Scratch, Packed)):
            return s
        if isinstance(s, SavedOutput):
            t = wrap(s._array, s._device)
            t._rg, t._fn, t._nr, t._version = True, node, s.nr, s._version
        else:
            t = wrap(s._array, s._device)
            t._rg, t._fn, t._nr, t._version = s._rg, s._fn, s._nr, s._version
        version = None if t._version is None else t._version[0]
        what = self._hooks.pack_hook(t)
        if t._version is not None and t._version[0] != (version or 0):
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open "
                "an issue if you need to perform in-place operations on the input to a pack hook."
            )
        made = Packed(s if isinstance(s, Tensor) else t, what, self._hooks.unpack_hook)
        if made._fn is node:
            made._fn = _OWN
        return made


def _order(node: Node, n: int) -> list[int]:
    """In which order PyTorch packs what a node saves: by its names for them."""
    names = getattr(getattr(node, "op", None), "saves", ())
    if len(names) != n:
        return list(range(n))
    plain = [name.partition(":")[0].replace("input", "self").replace("out", "result") for name in names]
    return sorted(range(n), key=lambda i: plain[i])


def _nothing(*_args: Any, **_named: Any) -> None:
    """What an observer does where nobody watches."""


class saved_tensors_hooks:
    """A block in which each tensor that is saved for backward goes through `pack_hook`, and through `unpack_hook` when
    backward asks for it."""

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _refusals:
            raise RuntimeError(_refusals[-1])
        if not (callable(self.pack_hook) and callable(self.unpack_hook)):
            raise TypeError(
                "_push_saved_tensors_default_hooks(): incompatible function arguments. The following argument types "
                "are supported:\n    1. (arg0: collections.abc.Callable, arg1: collections.abc.Callable) -> None\n\n"
                f"Invoked with: {self.pack_hook!r}, {self.unpack_hook!r}"
            )
        # The innermost block packs; those around it only hand on.
        outer = observe.observer
        _stack.append(self)
        self._outer = outer
        observe.set_observer(_Packing(self, outer._next if isinstance(outer, _Packing) else outer))

    def __exit__(self, *error: object) -> None:
        _stack.remove(self)
        outer = self._outer
        if isinstance(outer, _Packing):
            outer._last = next_seq()
        observe.set_observer(outer)


class save_on_cpu(saved_tensors_hooks):
    """A block in which tensors that are saved for backward are kept on the cpu."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(t: Tensor) -> Any:
            return t.device, t.cpu() if t._device.type != "cpu" else wrap(np.array(t._array, order="K"))

        def unpack(packed: Any) -> Any:
            where, t = packed
            return t.to(where)

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:
    """A block in which `saved_tensors_hooks` is refused with a message."""

    def __init__(self, error_message: str) -> None:
        self._message = error_message

    def __enter__(self) -> None:
        _refusals.append(self._message)

    def __exit__(self, *error: object) -> None:
        _refusals.remove(self._message)
