"""For operators whose derivative is itself made of operators, and for those that keep intermediate arrays.

`apply` runs an operator inside a vjp, on arrays or on tensors; `composed` is the vjp of a fused operator while the
backward pass is recorded, made from a formula that does the same with plain operators; `finish` makes the output of an
operator whose forward computation left something that its vjp can use again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.autograd import gradients, passes
from graphlab.engine.autograd.graph import Node, Scratch, make_node
from graphlab.engine.ops.kinds import variant
from graphlab.engine.ops.op import Op
from graphlab.engine.ops.run import _kept, _saved, run
from graphlab.engine.tensor import Tensor, wrap

NUMERIC = Node.xp
"""What vjps compute with when they run on arrays."""


def apply(node: Any, op: Op, inputs: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """An operator inside a vjp: on arrays, or recorded when the backward pass is."""
    if node.xp is NUMERIC or getattr(node.xp, "base", None) is NUMERIC:
        return op.forward(*inputs, *params)
    where = next(t._device for t in inputs if isinstance(t, Tensor))
    return run(op, tuple(t if t is None or isinstance(t, Tensor) else wrap(t, where) for t in inputs), params)


def composed(function: Callable[..., Any], inputs: tuple[Any, ...], g: Any, wanted: tuple[Any, ...]) -> list[Any]:
    """The gradient of `function(*inputs)` under the cotangent `g` (a tensor, or several for several outputs).

    `inputs` are tensors of the graph; `wanted` says for which a gradient is needed (its edge, or None).
    """
    from graphlab.engine.ops.index import ALIAS

    watcher = observe.set_observer(None)
    before, modes.grad = modes.grad, True
    try:
        # Copies of the inputs, so that what leads from one input to another stays out.
        own: list[Any] = []
        for t, edge in zip(inputs, wanted):
            if isinstance(t, Tensor) and edge is not None:
                alias = run(ALIAS, (t,), ((...,),)) if t._rg else t.detach().requires_grad_()
                own.append(alias)
            else:
                own.append(t)
        outs = function(*own)
        pairs = [(outs, g)] if isinstance(outs, Tensor) else list(zip(outs, g))
        roots = [(gradients._target(o), o._nr, c) for o, c in pairs if c is not None and o._rg]
        targets = [
            (gradients._target(t), t._nr) for t, e in zip(own, wanted) if isinstance(t, Tensor) and e is not None
        ]
        captured = passes.run(roots, True, True, targets, False)
        return [
            captured.get((gradients._target(t), t._nr)) if isinstance(t, Tensor) and e is not None else None
            for t, e in zip(own, wanted)
        ]
    finally:
        modes.grad = before
        observe.set_observer(watcher)


def finish(
    op: Op, inputs: tuple[Any, ...], out: Any, params: tuple[Any, ...] = (), scratch: tuple[Any, ...] = ()
) -> Tensor:
    """The output tensor of an operator that was computed apart; `scratch` arrays reach its vjp after what it saves."""
    where = next(t._device for t in inputs if isinstance(t, Tensor))
    t = wrap(out, where)
    plain = op
    if dtypes.special:
        op = variant(op, [x._array for x in inputs if isinstance(x, Tensor)])
    if modes.grad and t._array.dtype.kind in "fVc" and any(isinstance(x, Tensor) and x._rg for x in inputs):
        if where.counts:
            for array in scratch:
                where.ledger.charge(array)
        kept = (*_saved(op, inputs, (t,)), *(Scratch(a) for a in scratch))
        t._fn = make_node(op.node_type, inputs, kept, _kept(op, inputs, params))
        t._rg = True
        if op is not plain:
            t._fn.casts = tuple(x._array.dtype if isinstance(x, Tensor) else None for x in inputs)
    if observe.observer is not None:
        observe.observer.forward(op.name, inputs, t, dict(zip(op.params, params)))
    return t


def needs_grad(inputs: tuple[Any, ...]) -> bool:
    """Whether a gradient of one of them is to be recorded."""
    return modes.grad and any(isinstance(x, Tensor) and x._rg for x in inputs)


def finish_many(
    op: Op,
    inputs: tuple[Any, ...],
    outs: tuple[Any, ...],
    params: tuple[Any, ...] = (),
    scratch: tuple[Any, ...] = (),
) -> tuple[Tensor, ...]:
    """The same for an operator of several outputs."""
    where = next(t._device for t in inputs if isinstance(t, Tensor))
    made = tuple(wrap(out, where) for out in outs)
    plain = op
    if dtypes.special:
        op = variant(op, [x._array for x in inputs if isinstance(x, Tensor)])
    if needs_grad(inputs):
        if where.counts:
            for array in scratch:
                where.ledger.charge(array)
        kept = (*_saved(op, inputs, made), *(Scratch(a) for a in scratch))
        node = make_node(op.node_type, inputs, kept, _kept(op, inputs, params))
        node.outs = [(t._array.shape, t._array.dtype) for t in made]
        if op is not plain:
            node.casts = tuple(x._array.dtype if isinstance(x, Tensor) else None for x in inputs)
        for i, t in enumerate(made):
            t._fn, t._nr, t._rg = node, i, True
    if observe.observer is not None:
        observe.observer.forward(op.name, inputs, made, dict(zip(op.params, params)))
    return made
