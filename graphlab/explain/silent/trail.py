"""What the watches for silent bugs ask of a run: what made a tensor, what it was computed from, what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from graphlab.explain.run import Run
from graphlab.explain.values import value_at
from graphlab.trace.records import Event, EventKind, Loss, TensorKind, ValueForm

MAX_WALK = 200_000

MAKERS = (EventKind.CREATE, EventKind.FORWARD)

THROUGH = {
    "clamp",
    "view",
    "reshape",
    "squeeze",
    "unsqueeze",
    "flatten",
    "clone",
    "select",
    "slice",
    "getitem",
    "index",
}


def norm_of(run: Run, tensor: int, event: int) -> float | None:
    """The Euclidean norm of a value at an event, None where nothing was kept."""
    value = value_at(run.trace, tensor, event)
    if value is None:
        return None
    if value.form != ValueForm.WHOLE:
        return value.stats.get("norm")
    if not value.size:
        return 0.0
    array = run.trace.array(value.id)
    return float(np.linalg.norm(array.astype(np.float64).ravel())) if array.dtype.kind in "fiu" else None


def is_zero(run: Run, tensor: int, event: int) -> bool:
    """Whether every entry of a value is 0, as far as the trace knows."""
    value = value_at(run.trace, tensor, event)
    if value is None:
        return False
    if value.form != ValueForm.WHOLE:
        return value.stats.get("min") == 0 and value.stats.get("max") == 0
    if not value.size:
        return False
    array = run.trace.array(value.id)
    return bool(array.size and not array.any())


def losses_by_name(run: Run) -> dict[str, list[Loss]]:
    """The losses of a run, each under its name."""
    found: dict[str, list[Loss]] = {}
    for loss in run.trace.losses:
        found.setdefault(loss.name, []).append(loss)
    return found


def roots(run: Run) -> dict[int, Event]:
    """The tensors from which `backward()` started, with the event of its start."""
    found: dict[int, Event] = {}
    for loss in run.trace.losses:
        event = run.trace.events[loss.event]
        for tensor in event.outputs:
            if tensor >= 0 and run.tensor(tensor).kind == TensorKind.GRADIENT:
                found[run.tensor(tensor).of] = event
    return found


def line_of(run: Run, event: Event) -> int:
    """The line that an event stands on, 0 when unknown."""
    span = run.span(event)
    return span.line if span else 0


def ancestors(run: Run, starts: Iterable[int]) -> set[int]:
    """Every tensor that some tensors were computed from, gradients or not, themselves included."""
    queue = list(starts)
    seen: set[int] = set(queue)
    while queue and len(seen) < MAX_WALK:
        event = run.made_by.get(queue.pop())
        for tensor in event.inputs if event is not None else ():
            if tensor >= 0 and tensor not in seen:
                seen.add(tensor)
                queue.append(tensor)
    return seen


def learned(run: Run) -> set[int]:
    """Everything that was computed from a parameter, whether its gradient is recorded or not."""
    found = {t.id for t in run.trace.tensors if t.kind == TensorKind.PARAMETER or t.requires_grad}
    for event in run.by_kind[EventKind.FORWARD]:
        if not found.isdisjoint(event.inputs):
            found.update(event.outputs)
    return found


def updated(run: Run) -> set[int]:
    """Tensors that an optimizer changed."""
    return {t for e in run.by_kind[EventKind.UPDATE] for t in e.outputs if t >= 0}


def with_gradient(run: Run) -> dict[int, set[int]]:
    """For each leaf that got a gradient, the backward passes in which it did."""
    found: dict[int, set[int]] = {}
    for event in run.by_kind[EventKind.ACCUMULATE]:
        if event.outputs and event.outputs[0] >= 0:
            record = run.tensor(event.outputs[0])
            if record.kind == TensorKind.LEAF_GRAD:
                found.setdefault(record.of, set()).add(event.root)
    return found


def gradients_of(run: Run) -> dict[int, int]:
    """How many gradients each leaf got."""
    found: dict[int, int] = defaultdict(int)
    for event in run.by_kind[EventKind.ACCUMULATE]:
        if event.outputs and event.outputs[0] >= 0 and event.op != "backward":
            record = run.tensor(event.outputs[0])
            if record.kind == TensorKind.LEAF_GRAD:
                found[record.of] += 1
    return found


def source_of(run: Run, tensor: int) -> Event | None:
    """The operator that computed a tensor, seen through changes of shape."""
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or event.kind != EventKind.FORWARD:
            return None
        if event.op not in THROUGH or not event.inputs:
            return event
        tensor = event.inputs[0]
    return None


def rate_of(event: Event) -> float | None:
    """The learning rate of an update."""
    rate = event.params.get("lr")
    return float(rate) if isinstance(rate, int | float) else None
