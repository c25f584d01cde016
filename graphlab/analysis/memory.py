"""Where the memory went: bytes in use on each device over time, and which tensors hold them at one step."""

from dataclasses import dataclass, field

from graphlab.analysis.index import index_of
from graphlab.analysis.sections import section_at, section_of
from graphlab.trace.records import TensorKind
from graphlab.trace.store import TraceReader


@dataclass(slots=True)
class Series:
    """Bytes in use on one device after each event that changed it."""

    device: str
    events: list[int] = field(default_factory=list)
    in_use: list[int] = field(default_factory=list)
    peak: int = 0
    peak_event: int = -1


@dataclass(slots=True, frozen=True)
class Holder:
    """A tensor that holds bytes."""

    tensor: int
    name: str  # its variable, else what made it: "relu"
    n_bytes: int
    kind: int  # TensorKind


def series(trace: TraceReader) -> dict[str, Series]:
    """Bytes in use by device, also of a run that is not over."""
    found: dict[str, Series] = {}
    for record in trace.memory:
        one = found.get(record.device)
        if one is None:
            one = found[record.device] = Series(record.device)
        one.events.append(record.event)
        one.in_use.append(record.in_use)
        if record.peak > one.peak:
            one.peak, one.peak_event = record.peak, record.event
    return found


def peak(trace: TraceReader) -> dict[str, int]:
    """The most bytes in use by device."""
    return {device: one.peak for device, one in series(trace).items()}


def holders(trace: TraceReader, event: int, limit: int = 20, device: str = "") -> list[Holder]:
    """The tensors that hold the most bytes at `event`, the largest first.

    An estimate from the trace alone: leaves, parameters and their gradients hold on once they are made; what an
    operator made holds from then until the last event of its section that names it (saved for backward or used again).
    Views hold nothing of their own, nor do tensors on the meta device.
    """
    index = index_of(trace)
    section = section_at(trace, section_of(trace, event))
    start = section.first if section is not None else 0
    found: list[tuple[int, int]] = []
    saved_until = _saved_until(trace, start, section.end if section is not None else len(trace.events))
    for tensor in trace.tensors:
        if tensor.n_bytes == 0 or tensor.base >= 0 or tensor.device == "meta":
            continue
        if device and tensor.device != device:
            continue
        made = index.made_at.get(tensor.id, -1)
        if made < 0 or made > event:
            continue
        if tensor.kind in (TensorKind.INTERMEDIATE, TensorKind.GRADIENT) and tensor.id not in saved_until:
            if index.last_use.get(tensor.id, made) < event:
                continue
        elif tensor.id in saved_until and saved_until[tensor.id] < event:
            continue
        if tensor.kind == TensorKind.LEAF_GRAD and index.value_at(tensor.id, event) < 0:
            continue
        found.append((tensor.n_bytes, tensor.id))
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return [
        Holder(tensor_id, name_of(trace, tensor_id), n_bytes, trace.tensors[tensor_id].kind)
        for n_bytes, tensor_id in found[:limit]
    ]


def _saved_until(trace: TraceReader, first: int, end: int) -> dict[int, int]:
    """For each operator's output in a section: the last event that needs it, its backward included."""
    until: dict[int, int] = {}
    backward_of = index_of(trace).by_event
    for event in trace.events[first:end]:
        last = max([event.id, *(each for each in backward_of.get(event.id, ()) if each < end)])
        for tensor_id in (*event.inputs, *event.outputs):
            if tensor_id >= 0 and trace.tensors[tensor_id].kind in (TensorKind.INTERMEDIATE, TensorKind.GRADIENT):
                until[tensor_id] = max(last, until.get(tensor_id, -1))
    return until


def name_of(trace: TraceReader, tensor: int) -> str:
    """What a reader calls a tensor: its variable, "grad of h" for a gradient, else the operator that made it."""
    record = trace.tensors[tensor]
    if record.name:
        return record.name
    if record.of >= 0 and record.of != tensor:
        return f"grad {name_of(trace, record.of)}" if trace.tensors[record.of].of < 0 else "grad"
    made = index_of(trace).made_at.get(tensor, -1)
    return trace.events[made].op if made >= 0 else ""
