"""The backward pass over the graph: iterative, newest nodes first; on tensors when it is itself recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from operator import attrgetter
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine import dtypes, observe
from graphlab.engine.device import CPU, META, Virtual, reserve, reserved
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, make
from graphlab.engine.tensor import Tensor, wrap

if TYPE_CHECKING:
    pass
from graphlab.engine.autograd import anomaly
from graphlab.engine.autograd.graph import Node, SavedOutput, Scratch, _run_hooks, _run_node_hooks
from graphlab.engine.autograd.saved import Packed
from graphlab.engine.autograd.versions import check_versions

_new = object.__new__
_by_seq = attrgetter("seq")


class Taped:
    """What a vjp sees as its node when the backward pass itself is recorded: tensors instead of arrays."""

    __slots__ = ("edges", "outs", "params", "xp")

    def __init__(self, node: Node) -> None:
        from graphlab.engine.ops import taped

        self.edges = node.edges
        self.params = node.params
        self.outs = node.outs
        self.xp = taped


def _freed(node: Node) -> BaseException:
    return make(
        RuntimeError,
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
        "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
        "saved tensors after calling backward.",
        kind="backward_twice",
        op=node.op.name,
    )


def _as_tensor(s: Any, node: Node) -> Any:
    """A saved value as a tensor that is part of the graph."""
    if type(s) is not SavedOutput:
        if type(s) is Packed:
            return s.tensor(node)
        return s if type(s) is not Scratch else None
    t = wrap(s._array)
    t._device = s._device
    t._rg = True
    t._fn = node
    t._nr = s.nr
    t._version = s._version
    return t


def _discover(roots: Iterable[Node]) -> tuple[list[Node], dict[Node, int]]:
    """All nodes that can be reached, newest first, and how many gradients will arrive at each leaf."""
    seen: set[Node] = set()
    order: list[Node] = []
    waiting: dict[Node, int] = {}
    stack = list(roots)
    pop, push, add, keep = stack.pop, stack.append, seen.add, order.append
    while stack:
        node = pop()
        if node in seen:
            continue
        add(node)
        keep(node)
        for next_ in node.edges:
            if next_ is not None:
                if next_.seq < 0:
                    waiting[next_] = waiting.get(next_, 0) + 1
                elif next_ not in seen:
                    push(next_)
    order.sort(key=_by_seq, reverse=True)
    return order, waiting


def _needed(order: list[Node], targets: set[Node]) -> set[Node]:
    """The nodes from which a target can be reached."""
    needed = set(targets)
    for node in reversed(order):
        if node not in needed:
            for next_ in node.edges:
                if next_ is not None and next_ in needed:
                    needed.add(node)
                    break
    return needed


def run(
    roots: list[tuple[Node, int, Any]],
    retain: bool,
    taped: bool,
    targets: list[tuple[Node, int]] | None = None,
    accumulate: bool = True,
) -> dict[tuple[Node, int], Any]:
    """Send gradients (node, output number, gradient) down the graph.

    Without `targets` every leaf's `.grad` is added to. With them only what leads to a target runs; the targets'
    gradients are returned, or added to their leaves when `accumulate` is set. Gradients are arrays, or tensors with
    `taped`, when the pass itself is recorded.
    """
    order, waiting = _discover(node for node, _, _ in roots)
    pending: dict[Node, Any] = {}
    captured: dict[tuple[Node, int], Any] = {}
    wanted: dict[Node, list[int]] = {}
    needed: set[Node] | None = None
    if targets is not None:
        for node, nr in targets:
            wanted.setdefault(node, []).append(nr)
        needed = _needed(order, set(wanted))
    watcher = observe.observer
    for node, nr, g in roots:
        if node.seq < 0:
            _leaf(node, g, taped, wanted, captured, accumulate, needed)
        else:
            _arrive(pending, node, nr, g, taped, watcher)
    for node in order:
        if node not in pending:
            continue
        g = pending.pop(node)
        if node.hooks is not None:
            grads = g if node.n_outputs > 1 else [g]
            grads = _run_hooks(node, grads, taped)
            g = grads if node.n_outputs > 1 else grads[0]
        if needed is not None:
            if node in wanted:
                for nr in wanted[node]:
                    captured[node, nr] = g[nr] if node.n_outputs > 1 else g
                if not any(e is not None and e in needed for e in node.edges):
                    continue
            elif node not in needed:
                continue
        saved = node.saved
        if saved is None:
            raise _freed(node)
        if taped:
            if saved:
                check_versions(node, saved)
            result = node.vjp(Taped(node), g, *[None if s is None else _as_tensor(s, node) for s in saved])
        elif saved:
            arrays: list[Any] = []
            for s in saved:
                if s is None:
                    arrays.append(None)
                    continue
                if s._version is not None:
                    check_versions(node, saved)
                arrays.append(s._array)
            result = node.vjp(node, g, *arrays) if node.meta is None else _counted(node, g, arrays)
            if not retain:
                node.saved = None
        elif node.meta is None:
            result = node.vjp(node, g)
        else:
            result = _counted(node, g, ())
        if node.casts is not None:
            result = _cast(result, node.casts, taped)
        if node.hooks is not None:
            result = _run_node_hooks(node, result, g if node.n_outputs > 1 else [g], taped)
        if anomaly.nan_check:
            _refuse_nan(node, result)
        if CPU.counts and not taped and node.meta is None:
            _charge(CPU.ledger.charge, result)
        if watcher is not None:
            _tell(watcher, node, g, result, taped)
        g = None
        edges = node.edges
        nrs = node.nrs
        for i, next_ in enumerate(edges):
            if next_ is None:
                continue
            gi = result[i]
            if gi is None:
                if next_.seq < 0:
                    waiting[next_] -= 1
                    if not waiting[next_] and next_ in pending:
                        _leaf(next_, pending.pop(next_), taped, wanted, captured, accumulate, needed)
                continue
            if not taped and type(gi) is not np.ndarray and type(gi) is not Virtual:
                gi = np.asarray(gi)
            if next_.seq < 0:
                left = waiting[next_] - 1
                waiting[next_] = left
                if next_ in pending:
                    before = pending.pop(next_)
                    total = _sum(before, gi, taped)
                    if watcher is not None:
                        watcher.summed(next_, 0, _raw(gi), _raw(total))
                    gi = total
                if left:
                    pending[next_] = gi
                else:
                    if i + 1 == len(edges):
                        result = None
                    _leaf(next_, gi, taped, wanted, captured, accumulate, needed)
            elif next_.n_outputs == 1 and next_ not in pending:
                pending[next_] = gi
            else:
                _arrive(pending, next_, 0 if nrs is None else nrs[i], gi, taped, watcher)
    return captured


def sweep(root: Node, first: Array, retain: bool, watcher: observe.Observer | None) -> None:
    """`run` for the usual case: one root, arrays only, every leaf's `.grad` added to."""
    order = [root]
    seen = {root}
    add = seen.add
    waiting: dict[Node, int] = {}  # how many gradients are still to come, for leaves that get several
    last = root.seq
    falling = True
    for node in order:  # grows while it is walked
        for next_ in node.edges:
            if next_ is not None:
                if next_ not in seen:
                    add(next_)
                    seq = next_.seq
                    if seq >= 0:
                        order.append(next_)
                        if seq > last:
                            falling = False
                        last = seq
                elif next_.seq < 0:
                    waiting[next_] = waiting.get(next_, 1) + 1
    if not falling:
        order.sort(key=_by_seq, reverse=True)
    pending: dict[Node, Any] = {root: first}
    take = pending.pop
    charge = CPU.ledger.charge if CPU.counts else None
    for node in order:
        g = take(node, None)
        if g is None:
            continue
        if node.hooks is not None:
            g = _run_hooks(node, g if node.n_outputs > 1 else [g], False)
            if node.n_outputs == 1:
                g = g[0]
        saved = node.saved
        if saved:
            arrays: list[Any] = []
            versions = node.versions
            for s in saved:
                if s is None:
                    arrays.append(None)
                else:
                    version = s._version
                    if version is not None and version[0] != (0 if versions is None else versions[len(arrays)]):
                        check_versions(node, saved)
                    arrays.append(s._array)
            if node.meta is not None:
                result = _counted(node, g, arrays)
            elif len(arrays) == 2:  # a call without a star is quicker
                result = node.vjp(node, g, arrays[0], arrays[1])
            else:
                result = node.vjp(node, g, *arrays)
            if charge is not None and node.meta is None:
                _charge(charge, result)
            if not retain:
                node.saved = None
        elif saved is None:
            raise _freed(node)
        else:
            result = node.vjp(node, g) if node.meta is None else _counted(node, g, ())
            if charge is not None and node.meta is None:
                _charge(charge, result)
        if node.casts is not None:
            result = _cast(result, node.casts, False)
        if node.hooks is not None:
            result = _run_node_hooks(node, result, g if node.n_outputs > 1 else [g], False)
        if watcher is not None:
            for r in result:
                if r.__class__ is not _ndarray and r is not None:
                    result = [None if r is None else _raw(r) for r in result]
                    break
            watcher.backward(node, (g,) if node.n_outputs == 1 else tuple(g), result)
        g = None
        nrs = node.nrs
        i = 0
        for next_ in node.edges:
            if next_ is None:
                i += 1
                continue
            gi = result[i]
            i += 1
            if gi is None:
                if next_ in waiting:
                    waiting[next_] -= 1
                    if not waiting[next_] and next_ in pending:
                        _leaf(next_, take(next_), False, _NOTHING, _NOTHING, True, None)
                continue
            if gi.__class__ is not _ndarray and gi.__class__ is not Virtual:
                gi = _asarray(gi)
            if next_.seq < 0:
                if waiting and next_ in waiting:
                    waiting[next_] = left = waiting[next_] - 1
                    if next_ in pending:
                        total = _sum(take(next_), gi, False)
                        if watcher is not None:
                            watcher.summed(next_, 0, gi, total)
                        gi = total
                    if left:
                        pending[next_] = gi
                        continue
                leaf: Tensor = next_.variable  # type: ignore[attr-defined]
                old = leaf._grad
                # A gradient that nobody else holds is not copied: `gi`, `result` and the argument hold it.
                if (
                    old is None
                    and next_.hooks is None
                    and leaf._extra is None
                    and not leaf._device.simulated
                    and getrefcount(gi) <= 3
                    and gi.base is None
                    and gi.dtype is leaf._array.dtype
                ):
                    t = _new(Tensor)
                    t._array = gi
                    t._device = leaf._device
                    t._rg = False
                    t._nr = 0
                    t._fn = t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
                    leaf._grad = t
                    if watcher is not None:
                        watcher.accumulated(leaf, gi)
                else:
                    _leaf(next_, gi, False, _NOTHING, _NOTHING, True, None)
            elif next_.n_outputs == 1 and next_ not in pending:
                pending[next_] = gi
            else:
                _arrive(pending, next_, 0 if nrs is None else nrs[i - 1], gi, False, watcher)


def _charge(charge: Callable[[Array], None], result: Sequence[Any]) -> None:
    """Count the memory of gradients; a stretched view has none of its own."""
    for g in result:
        if g.__class__ is _ndarray and g.base is None:
            charge(g)


_NOTHING: dict[Any, Any] = {}
_ndarray = np.ndarray
_asarray = np.asarray


def _raw(g: Any) -> Array:
    array: Array = g._array if isinstance(g, Tensor) else g if isinstance(g, np.ndarray) else np.asarray(g)
    return array


def _sum(a: Any, b: Any, taped: bool) -> Any:
    if taped or type(a) is Virtual:
        return a if type(a) is Virtual else a + b
    total = np.add(a, b)
    return total if type(total) is np.ndarray else np.asarray(total)


def _arrive(pending: dict[Node, Any], node: Node, nr: int, g: Any, taped: bool, watcher: Any) -> None:
    """Keep or add a gradient that reached output `nr` of a node."""
    if node.n_outputs == 1:
        if node not in pending:
            pending[node] = g
            return
        total = _sum(pending[node], g, taped)
        pending[node] = total
    else:
        slots = pending.get(node)
        if slots is None:
            slots = pending[node] = [None] * len(node.outs)
        if slots[nr] is None:
            slots[nr] = g
            return
        total = _sum(slots[nr], g, taped)
        slots[nr] = total
    if watcher is not None:
        watcher.summed(node, nr, _raw(g), _raw(total))


def _cast(result: Sequence[Any], casts: tuple[Any, ...], taped: bool) -> list[Any]:
    if taped:
        return [
            g if g is None or c is None
            else (g.real if g.dtype.is_complex and c.kind != "c" else g).to(dtypes.BY_NUM[c.num])
            for g, c in zip(result, casts)
        ]  # fmt: skip
    return [
        g if g is None or c is None or g.dtype == c else (g.real if g.dtype.kind == "c" != c.kind else g).astype(c)
        for g, c in zip(result, casts)
    ]


def _counted(node: Node, g: Any, saved: Sequence[Any]) -> Any:
    """The vjp on a device whose bytes are counted: giant gradients have a shape only, the others are charged."""
    where, inputs = node.meta
    given = g if node.n_outputs > 1 else (g,)
    if where is META or any(type(a) is Virtual for a in given) or any(type(a) is Virtual for a in saved):
        result: list[Any] = [None if e is None else reserved(where, *inputs[i]) for i, e in enumerate(node.edges)]
    else:
        for i, e in enumerate(node.edges):
            if e is not None:
                shape, dtype = inputs[i]
                reserve(where, prod(shape) * dtype.itemsize)
        result = [None if r is None else np.asarray(r) for r in node.vjp(node, g, *saved)]
    for r in result:
        # A stretched view has no memory of its own.
        if r is not None and (r.base is None or type(r) is Virtual):
            where.ledger.charge(r)
    return result


def _refuse_nan(node: Node, result: Sequence[Any]) -> None:
    for i, g in enumerate(result):
        if g is not None and type(raw := _raw(g)) is not Virtual and raw.dtype.kind in "fVc" and np.isnan(raw).any():
            fail(
                RuntimeError,
                f"Function '{node.name()}' returned nan values in its {i}th output.",
                kind="backward_nan",
                op=node.op.name,
                output=i,
            )


def _tell(watcher: Any, node: Node, g: Any, result: Sequence[Any], taped: bool) -> None:
    grads = tuple(g) if node.n_outputs > 1 else (g,)
    if taped:
        grads = tuple(None if each is None else each._array for each in grads)
    watcher.backward(node, grads, tuple(None if each is None else _raw(each) for each in result))


def _leaf(
    node: Node,
    g: Any,
    taped: bool,
    wanted: dict[Node, list[int]],
    captured: dict[tuple[Node, int], Any],
    accumulate: bool,
    needed: set[Node] | None,
) -> None:
    """A leaf's gradient is complete."""
    if needed is not None and node not in wanted:
        return
    if node.hooks is not None:
        g = _run_hooks(node, [g], taped)[0]
    if needed is not None and not accumulate:
        captured[node, 0] = g
        return
    leaf: Tensor = node.variable  # type: ignore[attr-defined]
    watcher = observe.observer
    if taped:
        if leaf._grad is None:
            leaf._grad = g if g._fn is not None else g.detach().clone()
        else:
            leaf._grad = leaf._grad + g
        if watcher is not None:
            watcher.accumulated(leaf, g._array)
    else:
        old = leaf._grad
        if type(g) is Virtual:
            leaf._grad = wrap(g, leaf._device) if old is None else old
        elif old is None:
            # A gradient that nobody else holds need not be copied: this frame, the caller's and the argument hold it.
            if getrefcount(g) > 4 or g.base is not None or g.dtype is not leaf._array.dtype:
                g = g.astype(leaf._array.dtype)
            leaf._grad = wrap(g, leaf._device)
        elif old._fn is not None or old._rg:
            leaf._grad = wrap(old._array + g, leaf._device)
        else:
            np.add(old._array, g, out=old._array)
            if old._version is None:
                old._version = [1]
            else:
                old._version[0] += 1
        if watcher is not None:
            watcher.accumulated(leaf, g)
    if leaf._extra is not None and "post_hooks" in leaf._extra:
        for hook in list(leaf._extra["post_hooks"].values()):
            hook(leaf)
