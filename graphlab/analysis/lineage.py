"""Paths through a run that are worth lighting: from where a NaN or infinity was born to the loss, and from the loss to
a parameter that gets a gradient, or that gets none because the path ends somewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from graphlab.analysis.index import TraceIndex, index_of
from graphlab.analysis.sections import section_at, section_of
from graphlab.analysis.values import statistics_of, value_at
from graphlab.trace.records import Event, EventKind, TensorKind, Value, ValueForm
from graphlab.trace.store import TraceReader

MAX_STEPS = 20_000
MAX_ENTRIES = 3
ZERO = 1e-30
"""A gradient whose norm is not above this says nothing any more."""
_MADE = (EventKind.CREATE, EventKind.FORWARD, EventKind.INPLACE)


@dataclass(frozen=True, slots=True)
class Operand:
    """One number that went into an entry."""

    name: str
    role: str  # "value", "gradient": what flowed in from the loss's side, "result": of the forward step
    place: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a result that isn't finite, and the entries that it was computed from, where such can be named."""

    place: tuple[int, ...]
    value: float
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of a path: the event, and the tensor that goes on from it."""

    event: int
    tensor: int
    norm: float | None = None  # of a gradient, None where it wasn't kept


@dataclass(frozen=True, slots=True)
class Lineage:
    """A path to be lit. `steps` go from the birth to the loss, or from the loss to the tensor or where it ends."""

    kind: str  # "not_finite" or "gradient"
    steps: tuple[PathStep, ...]
    place: int  # event that is marked: the birth, or where the path ends; -1 where it is whole
    tensor: int  # the loss (or gradient) that isn't finite; the tensor whose gradient is asked for
    reason: str = ""  # why it ends: see `gradient_path`
    beyond: tuple[PathStep, ...] = ()  # from the tensor to where the path ends
    entries: tuple[Entry, ...] = ()
    n_bad: int = 0  # entries of the birth's result that aren't finite
    loss: int = -1
    extra: tuple[int, ...] = ()  # tensors at the ends

    @property
    def events(self) -> frozenset[int]:
        """The events of the path."""
        return frozenset(step.event for step in (*self.steps, *self.beyond) if step.event >= 0)

    @property
    def tensors(self) -> frozenset[int]:
        """The tensors of the path."""
        return frozenset(
            tensor for tensor in (*(step.tensor for step in (*self.steps, *self.beyond)), *self.extra) if tensor >= 0
        )


class _Values:
    """Whether values are finite, each looked at once."""

    def __init__(self, trace: TraceReader) -> None:
        self.trace = trace
        self._known: dict[int, tuple[bool, bool]] = {}

    def at(self, tensor: int, event: int) -> tuple[bool, bool]:
        """Whether the value of a tensor just after an event holds NaN, and whether infinity; False where not kept."""
        value = value_at(self.trace, tensor, event)
        if value is None or not value.dtype.startswith(("float", "bfloat", "complex")):
            return False, False
        found = self._known.get(value.id)
        if found is None:
            found = self._known[value.id] = self._look(value)
        return found

    def _look(self, value: Value) -> tuple[bool, bool]:
        if value.form != ValueForm.WHOLE:
            return bool(value.stats.get("n_nan")), bool(value.stats.get("n_inf"))
        if not value.size:
            return False, False
        array = self.trace.array(value.id)
        if np.isfinite(array).all():
            return False, False
        return bool(np.isnan(array).any()), bool(np.isinf(array).any())


# NaN and infinity


def not_finite_path(trace: TraceReader, loss_event: int = -1) -> Lineage | None:
    """From the birth of the first NaN or infinity to the loss that it spoilt.

    Without `loss_event` the first loss that isn't finite is taken; where all are, the first `.grad` that isn't. None
    where every kept number on the way is finite.
    """
    values = _Values(trace)
    start = _bad_loss(trace, values, loss_event) or (_bad_gradient(trace, values) if loss_event < 0 else None)
    if start is None:
        return None
    tensor, at = start
    trail = _trace_back(trace, values, tensor, at)
    if not trail:
        return None
    birth = trail[-1]
    entries, n_bad = _entries(trace, trace.events[birth.event], birth.tensor)
    sources = tuple(t for t in trace.events[birth.event].inputs if t >= 0)
    return Lineage(
        "not_finite", tuple(reversed(trail)), birth.event, tensor, entries=entries, n_bad=n_bad, extra=sources
    )


def _bad_loss(trace: TraceReader, values: _Values, loss_event: int) -> tuple[int, int] | None:
    for loss in trace.losses:
        if np.isfinite(loss.value) or (loss_event >= 0 and loss.event != loss_event):
            continue
        for event in reversed(trace.events[max(0, loss.event - 1) : loss.event + 1]):
            for tensor in event.outputs:
                if tensor < 0:
                    continue
                of = trace.tensors[tensor].of
                if of >= 0 and event.kind == EventKind.ACCUMULATE and any(values.at(of, event.id)):
                    return of, event.id  # the loss that the backward pass starts from
                if of < 0 and any(values.at(tensor, event.id)):
                    return tensor, event.id
    return None


def _bad_gradient(trace: TraceReader, values: _Values) -> tuple[int, int] | None:
    for event in trace.events:
        if event.kind == EventKind.ACCUMULATE and event.outputs and event.outputs[0] >= 0:
            tensor = event.outputs[0]
            if trace.tensors[tensor].kind == TensorKind.LEAF_GRAD and any(values.at(tensor, event.id)):
                return tensor, event.id
    return None


def _trace_back(trace: TraceReader, values: _Values, tensor: int, at: int) -> list[PathStep]:
    """Steps from a bad tensor back to where its first bad number was made."""
    index = index_of(trace)
    trail: list[PathStep] = []
    seen: set[tuple[int, int]] = set()
    for _turn in range(MAX_STEPS):
        made = _last_writer(index, tensor, at)
        if made < 0 or (made, tensor) in seen:
            break
        seen.add((made, tensor))
        trail.append(PathStep(made, tensor))
        event = trace.events[made]
        before = _bad_sources(trace, values, event, values.at(tensor, made)[0])
        if before is None:
            break
        tensor, at = before
    return trail


def _last_writer(index: TraceIndex, tensor: int, at: int) -> int:
    writers = index.writers.get(tensor, [])
    place = bisect_right(writers, at) - 1
    return writers[place] if place >= 0 else -1


def _bad_sources(trace: TraceReader, values: _Values, event: Event, is_nan: bool) -> tuple[int, int] | None:
    """The operand that an event's bad result comes from, and the event up to which its value counts."""
    candidates = [(tensor, event.id - 1) for tensor in event.inputs if tensor >= 0]
    if event.kind == EventKind.BACKWARD and 0 <= event.forward < len(trace.events):
        forward = trace.events[event.forward]
        # What flowed in counts first: a forward infinity (a mask, say) is harmless where no gradient meets it.
        candidates += [(tensor, forward.id) for tensor in (*forward.inputs, *forward.outputs) if tensor >= 0]
    bad = [(tensor, at, values.at(tensor, at)) for tensor, at in candidates]
    bad = [each for each in bad if any(each[2])]
    if is_nan:
        bad.sort(key=lambda each: not each[2][0])  # NaN comes from NaN rather than from an infinity beside it
    return (bad[0][0], bad[0][1]) if bad else None


def _entries(trace: TraceReader, event: Event, tensor: int) -> tuple[tuple[Entry, ...], int]:
    """The first entries of a result that aren't finite, with the numbers that they were computed from."""
    result = _array(trace, tensor, event.id)
    if result is None or result.dtype.kind != "f":
        value = value_at(trace, tensor, event.id)
        stats = value.stats if value is not None else {}
        return (), int(stats.get("n_nan", 0) + stats.get("n_inf", 0))
    places = np.argwhere(~np.isfinite(result))
    operands = _operands(trace, event)
    entries = []
    for place in places[:MAX_ENTRIES].tolist():
        at = tuple(place)
        found = [_operand_at(name, role, array, result.shape, at) for name, role, array in operands]
        entries.append(Entry(at, float(result[at]), tuple(each for each in found if each is not None)))
    return tuple(entries), len(places)


def _operands(trace: TraceReader, event: Event) -> list[tuple[str, str, npt.NDArray[Any]]]:
    from graphlab.analysis.memory import name_of

    found: list[tuple[str, str, npt.NDArray[Any]]] = []

    def add(tensors: Iterable[int], role: str, at: int) -> None:
        for tensor in tensors:
            array = _array(trace, tensor, at) if tensor >= 0 else None
            if array is not None and array.dtype.kind in "fiub":
                found.append((name_of(trace, tensor), role, array))

    if event.kind == EventKind.BACKWARD and 0 <= event.forward < len(trace.events):
        forward = trace.events[event.forward]
        add(event.inputs, "gradient", event.id)
        add(forward.inputs, "value", forward.id - 1)
        add(forward.outputs, "result", forward.id)
    else:
        add(event.inputs, "value", event.id - 1)
    other = (event if event.kind != EventKind.BACKWARD else trace.events[event.forward]).params.get("other")
    if isinstance(other, int | float) and not isinstance(other, bool):
        found.append(("", "value", np.asarray(other)))
    return found


def _operand_at(
    name: str, role: str, array: npt.NDArray[Any], shape: tuple[int, ...], place: tuple[int, ...]
) -> Operand | None:
    """The entry of an operand that stands for one of the result: by broadcasting, None where it doesn't."""
    n = len(shape)
    if array.ndim > n or any(
        size not in (1, whole) for size, whole in zip(array.shape, shape[n - array.ndim :], strict=True)
    ):
        return None
    at = tuple(0 if size == 1 else index for size, index in zip(array.shape, place[n - array.ndim :], strict=True))
    return Operand(name, role, at, float(array[at]))


def _array(trace: TraceReader, tensor: int, event: int) -> npt.NDArray[Any] | None:
    value = value_at(trace, tensor, event)
    if value is None or value.form != ValueForm.WHOLE or not value.size:
        return None
    return trace.array(value.id)


# Gradients


def gradient_path(trace: TraceReader, tensor: int, event: int = -1) -> Lineage | None:
    """From the loss to a tensor, along the backward pass of the section of `event`; or where that path ends.

    Of several contributions the largest is followed. `reason` says why the path ends, "" where it is whole:
    "detach", "no_grad", "integers" (a step whose result has no slope), "left" (what it was used for never reaches the
    loss as a tensor), "unused", "not_wanted" (requires_grad is False), "no_backward" (no backward pass there),
    "zero" (from `place` on the gradient is 0). None for what has no gradients at all.
    """
    if not 0 <= tensor < len(trace.tensors) or trace.tensors[tensor].of >= 0:
        return None
    record = trace.tensors[tensor]
    events = _stretch(trace, tensor, event)
    seeds = [e for e in events if e.kind == EventKind.ACCUMULATE and not any(t >= 0 for t in e.inputs) and e.outputs]
    if not seeds:
        return Lineage("gradient", (), -1, tensor, "no_backward" if record.requires_grad else "not_wanted")
    up = _climb(trace, events, tensor)
    if up:
        return _with_zero(Lineage("gradient", tuple(up), -1, tensor, loss=_of(trace, up[0].tensor), extra=(tensor,)))
    loss = _of(trace, seeds[-1].outputs[0])
    if not record.requires_grad and not _was_computed(trace, tensor):
        return Lineage("gradient", (), -1, tensor, "not_wanted", loss=loss, extra=(tensor,))
    return _ended(trace, events, tensor, loss)


def _stretch(trace: TraceReader, tensor: int, event: int) -> Sequence[Event]:
    """The events of the section of `event`, where a backward pass runs in it; else of the whole run."""
    stretch = section_at(trace, section_of(trace, event)) if event >= 0 else None
    if stretch is not None:
        events = trace.events[stretch.first : stretch.end]
        if any(each.kind == EventKind.BACKWARD for each in events):
            return events
    return trace.events


def _of(trace: TraceReader, gradient: int) -> int:
    return trace.tensors[gradient].of if gradient >= 0 else -1


def _was_computed(trace: TraceReader, tensor: int) -> bool:
    return trace.tensors[tensor].kind == TensorKind.INTERMEDIATE


def _norm(trace: TraceReader, tensor: int, event: int) -> float | None:
    value = value_at(trace, tensor, event)
    if value is None:
        return None
    stats = statistics_of(trace, value)  # whose norm is that of the finite entries
    if stats.get("n_nan"):
        return float("nan")
    if stats.get("n_inf"):
        return float("inf")
    norm = stats.get("norm")
    return float(norm) if norm is not None else None


def _climb(trace: TraceReader, events: Sequence[Event], tensor: int) -> list[PathStep]:
    """The backward steps from the loss's gradient down to the tensor's, [] where none reaches it."""
    made: dict[int, list[Event]] = {}
    ends: list[tuple[Event, int]] = []
    for event in events:
        if event.kind in (EventKind.BACKWARD, EventKind.ACCUMULATE):
            for output in event.outputs:
                if output >= 0:
                    made.setdefault(output, []).append(event)
                    if trace.tensors[output].of == tensor:
                        ends.append((event, output))
    if not ends:
        return []
    finals = [end for end in ends if trace.tensors[end[1]].kind == TensorKind.LEAF_GRAD] or ends
    event, gradient = finals[-1]
    path: list[PathStep] = []
    for _turn in range(MAX_STEPS):
        path.append(PathStep(event.id, gradient, _norm(trace, gradient, event.id)))
        inputs = [t for t in event.inputs if t >= 0 and t != gradient and t in made]
        if not inputs:
            break
        gradient = max(inputs, key=lambda t: _norm(trace, t, event.id) or 0.0)
        before = [e for e in made[gradient] if e.id < event.id]
        if not before:
            break
        event = before[-1]
    return path[::-1]


def _with_zero(path: Lineage) -> Lineage:
    """The path with the place where its gradient becomes 0, if it does."""
    if not path.steps or path.steps[-1].norm is None or path.steps[-1].norm > ZERO:
        return path
    zero = next((step for step in path.steps if step.norm is not None and step.norm <= ZERO), None)
    return replace(path, reason="zero", place=zero.event) if zero is not None else path


def _ended(trace: TraceReader, events: Sequence[Event], tensor: int, loss: int) -> Lineage:
    """Why no gradient reaches a tensor: the steps from it to where the path ends, and from the loss back to there."""
    users: dict[int, list[Event]] = {}
    for event in events:
        if event.kind in _MADE:
            for each in event.inputs:
                if each >= 0:
                    users.setdefault(each, []).append(event)
    if tensor not in users:
        return Lineage("gradient", (), -1, tensor, "unused", loss=loss, extra=(tensor, loss))
    needed = _ancestors(trace, events, loss)
    came: dict[int, PathStep] = {}  # tensor -> the step that made it, and the tensor before it
    before: dict[int, int] = {tensor: -1}
    queue = deque([tensor])
    cuts: list[tuple[bool, Event, int, int]] = []
    last = (tensor, -1)
    while queue and len(before) < MAX_STEPS:
        current = queue.popleft()
        for event in users.get(current, []):
            for output in event.outputs:
                if output < 0 or output in before:
                    continue
                if not trace.tensors[output].requires_grad:
                    cuts.append((output in needed, event, output, current))
                    continue
                before[output] = current
                came[output] = PathStep(event.id, output)
                last = (output, event.id)
                queue.append(output)
    beyond: list[PathStep] = []

    def walk(end: int) -> None:
        while end >= 0 and end in came:
            beyond.append(came[end])
            end = before[end]
        beyond.reverse()

    leading = [cut for cut in cuts if cut[0]]
    if leading or (cuts and loss not in before):
        _leads, event, output, current = (leading or cuts)[0]
        walk(current)
        steps = _down(trace, events, output, loss) if leading else []
        reason = _cut_reason(trace, event, output)
        steps = [*steps, PathStep(event.id, output)]
        return Lineage(
            "gradient", tuple(steps), event.id, tensor, reason, tuple(beyond), loss=loss, extra=(tensor, loss)
        )
    walk(last[0])
    return Lineage("gradient", (), last[1], tensor, "left", tuple(beyond), loss=loss, extra=(tensor, loss))


def _cut_reason(trace: TraceReader, event: Event, output: int) -> str:
    if event.op in ("detach", "detach_"):
        return "detach"
    return "no_grad" if trace.tensors[output].dtype.startswith(("float", "bfloat", "complex")) else "integers"


def _ancestors(trace: TraceReader, events: Sequence[Event], loss: int) -> set[int]:
    """Every tensor that the loss was computed from in these events, gradients or not."""
    made: dict[int, Event] = {}
    for event in events:
        if event.kind in _MADE:
            for output in event.outputs:
                if output >= 0:
                    made[output] = event
    seen, queue = {loss}, [loss]
    while queue and len(seen) < MAX_STEPS:
        maker = made.get(queue.pop())
        for tensor in maker.inputs if maker is not None else ():
            if tensor >= 0 and tensor not in seen:
                seen.add(tensor)
                queue.append(tensor)
    return seen


def _down(trace: TraceReader, events: Sequence[Event], start: int, loss: int) -> list[PathStep]:
    """Forward steps from a tensor to the loss, told from the loss on; [] where there is none."""
    needed = _ancestors(trace, events, loss)
    came: dict[int, tuple[int, int]] = {start: (-1, -1)}
    for event in events:
        if event.kind not in _MADE:
            continue
        source = next((t for t in event.inputs if t in came), -1)
        if source < 0:
            continue
        for output in event.outputs:
            if output >= 0 and output in needed and output not in came:
                came[output] = (source, event.id)
    steps: list[PathStep] = []
    current = loss
    while current in came and current != start:
        source, event_id = came[current]
        steps.append(PathStep(event_id, current))
        current = source
    return steps
