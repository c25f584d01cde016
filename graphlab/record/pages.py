"""The records that wait to be written, and which of them are: all, or, in a long run, those of chosen iterations."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.analysis.statistics import sample, statistics
from graphlab.engine.device import CPU, CUDA0, Virtual
from graphlab.engine.dtypes import BY_NUM
from graphlab.record.iterations import Iterations
from graphlab.record.retention import DETAIL_BYTES, DETAIL_EVENTS, Renumbering, Retention
from graphlab.trace.records import EventKind, ValueForm

if TYPE_CHECKING:
    from graphlab.record.learning import Template
    from graphlab.trace.store import TraceWriter

Array = np.ndarray[Any, Any]

FLUSH_SECONDS = 0.05
FLUSH_BYTES = 4 * 2**20
FLUSH_EVENTS = 512  # as bytes they cost the garbage collector nothing
SPILL_BYTES = 32 * 2**20
SPILL_EVENTS = 50_000


class _Names(dict[int, str]):
    """The names of element types by NumPy's number; some types come into being when a program first uses them."""

    def __missing__(self, number: int) -> str:
        name = self[number] = BY_NUM[number].name
        return name


DTYPES = _Names((number, each.name) for number, each in BY_NUM.items())

_ACCUMULATE = int(EventKind.ACCUMULATE)
_KEPT_ALWAYS = frozenset({int(EventKind.PRINT), int(EventKind.WARNING), int(EventKind.ERROR)})
_FIELDS = {"kind": 1, "name": 5, "requires_grad": 6}  # places in a tensor's tuple
_WHOLE = ValueForm.WHOLE.value
_SUMMARY = ValueForm.SUMMARY.value


class Pages:
    """Records as tuples of their fields, numbered as they come; see `Renumbering` for how numbers become ids."""

    def __init__(
        self,
        writer: TraceWriter,
        detail_bytes: int = DETAIL_BYTES,
        detail_events: int = DETAIL_EVENTS,
        whole_value_bytes: int = 65536,
        flush_seconds: float = FLUSH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._lock = threading.RLock()  # held while records are handed over; see `watch`
        self._given = {"loss": 0, "memory": 0}  # how many of those that wait the writer has already
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._due = clock() + flush_seconds
        self._whole = whole_value_bytes
        self._events: list[tuple[Any, ...]] = []
        self._tensors: list[tuple[Any, ...]] = []
        self._values: list[tuple[Any, ...]] = []
        self._memory: list[tuple[Any, ...]] = []
        self._losses: list[tuple[Any, ...]] = []
        self._sections: list[tuple[Any, ...]] = []
        self._chunk = bytearray()
        self._chunk_id = writer.next_chunk
        self._n_events = 0
        self._n_tensors = 0
        self._n_values = 0
        self._n_sections = 0
        self._lost_values = 0  # of iterations left out
        self._value_bytes = 0
        self._names: dict[int, str] = {}  # of leaves
        self._named: dict[int, str] = {}  # of other tensors that have a name, the newest
        self._past: deque[tuple[int, int, Template]] = deque(maxlen=64)  # replays: first tensor, end, of what
        self._cpu = CPU.ledger
        self._cuda = CUDA0.ledger
        self._in_use_cpu = self._in_use_cuda = -1
        self._shown_memory = -1
        self._iterations = Iterations(self._section_over)
        self._retention = Retention(detail_bytes, detail_events)
        self._is_thin = False
        self._is_finished = False
        self._tensor_ids = Renumbering()
        self._event_ids = Renumbering()
        self._carried: dict[int, tuple[tuple[Any, ...], bytes]] = {}  # newest values of iterations left out

    def _add_tensor(self, kind: int, array: Array, name: str, requires_grad: bool, of: int, device: str) -> int:
        number = self._n_tensors
        self._n_tensors = number + 1
        self._tensors.append(
            (number, kind, array.shape, DTYPES[array.dtype.num], device, name, requires_grad, of, -1, array.nbytes)
        )
        return number

    def _add_value(self, tensor: int, event: int, array: Array) -> int:
        size = array.nbytes
        if size > self._whole or array.__class__ is Virtual:
            return self._add_summary(tensor, event, array)
        number = self._n_values
        self._n_values = number + 1
        chunk = self._chunk
        offset = len(chunk)
        chunk += array.tobytes()
        self._values.append(
            (number, tensor, event, _WHOLE, DTYPES[array.dtype.num], array.shape, self._chunk_id, offset, size)
        )
        return number

    def _add_summary(self, tensor: int, event: int, array: Array) -> int:
        if type(array) is Virtual:  # has a shape and no numbers
            return -1
        stats = statistics(array)
        kept = sample(array)
        number = self._n_values
        self._n_values = number + 1
        offset = len(self._chunk)
        self._chunk += kept.tobytes()
        dtype = DTYPES[array.dtype.num]
        place = (self._chunk_id, offset, kept.nbytes)
        self._values.append((number, tensor, event, _SUMMARY, dtype, array.shape, *place, kept.shape, stats))
        return number

    def _name_of(self, number: int) -> str:
        """The name of a tensor, "" when it has none or is long past."""
        name = self._names.get(number) or self._named.get(number, "")
        if not name:
            for first, end, template in reversed(self._past):
                if first <= number < end:
                    return template.names.get(template.first.tensor + (number - first) % template.step.tensor, "")
        return name

    def _amend(self, number: int, **changes: Any) -> None:
        self._named.pop(number, None)
        with self._lock:
            first = self._tensors[0][0] if self._tensors else self._n_tensors
            if number >= first:
                fields = list(self._tensors[number - first])
                for field, value in changes.items():
                    fields[_FIELDS[field]] = value
                self._tensors[number - first] = tuple(fields)
            if number < first or (not self._is_thin and number < self._writer.done["tensor"]):
                self._writer.amend_tensor(self._tensor_ids.id_of(number), changes)

    def _note_memory(self, event: int) -> None:
        cpu, cuda = self._cpu, self._cuda
        self._note_counts(event, cpu.in_use, cpu.peak, cuda.in_use, cuda.peak)

    def _note_counts(self, event: int, cpu: int, cpu_peak: int, cuda: int, cuda_peak: int) -> None:
        if cpu != self._in_use_cpu and cpu_peak:
            self._memory.append((event, "cpu", cpu, cpu_peak))
        if cuda != self._in_use_cuda and cuda_peak:
            self._memory.append((event, "cuda:0", cuda, cuda_peak))
        self._in_use_cpu, self._in_use_cuda = cpu, cuda
        self._shown_memory = cuda if cuda_peak else cpu if cpu_peak else -1

    def flush(self) -> None:
        """Put on disk what is decided, so that a reader sees it."""
        self._due = 0.0
        self._flush_some()

    def _flush_some(self) -> None:
        with self._lock:
            if self._keeps_at_flush():
                self._keep()
            now = self._clock()
            if now >= self._due:
                self._writer.flush()
                self._due = now + self._flush_seconds

    def _keeps_at_flush(self) -> bool:
        return not self._is_thin or len(self._chunk) > SPILL_BYTES or len(self._events) > SPILL_EVENTS

    def _mend(self) -> None:
        """Set the counts by what is there: an interruption may have come between counting and appending."""
        if self._events:
            self._n_events = self._events[-1][0] + 1
        if self._tensors:
            self._n_tensors = self._tensors[-1][0] + 1
        values = self._values
        while values and (values[-1][1] >= self._n_tensors or values[-1][2] > self._n_events):
            values.pop()
        if values:
            self._n_values = values[-1][0] + 1

    def _section_over(self, kind: str, iteration: int, first: int, end: int) -> None:
        if self._is_thin:
            with self._lock:
                self._end_section(kind, iteration, first, end)
        else:
            self._end_section(kind, iteration, first, end)

    def _end_section(self, kind: str, iteration: int, first: int, end: int) -> None:
        # What stands between two iterations is kept as the one before it is.
        is_open = not self._is_finished and kind != "setup" and end == self._n_events
        number = iteration if kind == "iteration" else self._iterations.iteration
        if self._is_thin and is_open and first >= self._event_ids.start and not self._retention.keeps(number):
            self._drop(kind, iteration, first)
            return
        self._sections.append((self._n_sections, kind, iteration, first, end, True))
        self._n_sections += 1
        if self._is_thin:
            self._keep()
        elif is_open and self._retention.is_spent(self._value_bytes + len(self._chunk), end):
            with self._lock:
                self._keep()
                self._is_thin = True
                self._event_ids.begin(self._n_events)
                self._tensor_ids.begin(self._n_tensors)

    def _keep(self) -> None:
        """Hand all records that wait to the writer."""
        writer = self._writer
        if len(self._named) > 20_000:
            self._named = dict(list(self._named.items())[-5_000:])
        if self._is_thin:
            self._renumber()
            if self._carried and self._events:
                self._write_carried(self._events[0][0])
        if self._chunk:
            self._value_bytes += len(self._chunk)
            writer.put_chunk(self._chunk, self._chunk_id)  # it is the writer's from here on
            self._chunk = bytearray()
            self._chunk_id = writer.next_chunk
        self._hand_over(writer.put_records)
        if self._is_thin:
            self._event_ids.keep(self._n_events)
            self._tensor_ids.keep(self._n_tensors)

    def _hand_over(self, put: Callable[[str, list[tuple[Any, ...]]], None]) -> None:
        # What belongs to an event that has not come yet waits for it.
        end = self._event_ids.id_of(self._n_events)
        early_values = take_from(self._values, 2, end)
        early_losses = take_from(self._losses, 3, end)
        waiting = (self._tensors, self._events, self._values, self._memory, self._losses, self._sections)
        for kind, records in zip(("tensor", "event", "value", "memory", "loss", "section"), waiting, strict=True):
            given = self._given.get(kind, 0)
            if len(records) > given:
                put(kind, records[given:] if given else records)
            if given:
                self._given[kind] = 0
            records.clear()
        self._values += early_values
        self._losses += early_losses

    def _renumber(self) -> None:
        """Put ids in the place of numbers in all records that wait."""
        event_id, tensor_id, lost = self._event_ids.id_of, self._tensor_ids.id_of, self._lost_values
        self._tensors[:] = [(tensor_id(t[0]), *t[1:7], tensor_id(t[7]), tensor_id(t[8]), *t[9:]) for t in self._tensors]
        self._events[:] = [
            (
                event_id(e[0]),
                *e[1:6],
                [tensor_id(number) for number in e[6]],
                [tensor_id(number) for number in e[7]],
                [number - lost if number >= 0 else -1 for number in e[8]],
                e[9],
                event_id(e[10]),
                *e[11:],
            )
            for e in self._events
        ]
        self._values[:] = [(v[0] - lost, tensor_id(v[1]), event_id(v[2]), *v[3:]) for v in self._values]
        self._memory[:] = [(event_id(m[0]), *m[1:]) for m in self._memory]
        self._losses[:] = [(*loss[:3], event_id(loss[3])) for loss in self._losses]
        self._sections[:] = [(*s[:3], event_id(s[3]), event_id(s[4]), s[5]) for s in self._sections]

    def _write_carried(self, first: int) -> None:
        """What iterations left out made of older tensors is their value before event `first`, the next one kept."""
        for value, data in self._carried.values():
            number = self._n_values
            self._n_values = number + 1
            place = (self._chunk_id, len(self._chunk), len(data))
            self._chunk += data
            tensor = self._tensor_ids.id_of(value[1])
            self._values.append(
                (number - self._lost_values, tensor, max(first - 1, 0), *value[3:6], *place, *value[9:])
            )
        self._carried.clear()

    def _drop(self, kind: str, iteration: int, first: int) -> None:
        """Leave out an iteration but for its losses and messages, and remember what it made of older tensors."""
        oldest = self._tensor_ids.start
        for value in self._values:
            if value[1] < oldest:
                self._carried[value[1]] = (value, bytes(self._chunk[value[7] : value[7] + value[8]]))
        roots = {loss[3] for loss in self._losses}
        events, tensors, values = what_stays(self._events, self._tensors, self._values, roots, oldest)
        n_before = self._n_values - len(self._values)
        self._event_ids.drop(self._n_events, [e[0] for e in events])
        self._tensor_ids.drop(self._n_tensors, [t[0] for t in tensors])
        first_id = n_before - self._lost_values
        event_id, tensor_id = self._event_ids.id_of, self._tensor_ids.id_of
        ids: dict[int, int] = {}
        records = []
        for at, value in enumerate(values):
            ids[value[0]] = first_id + at
            place = self._writer.put_bytes(bytes(self._chunk[value[7] : value[7] + value[8]]))
            event = max(event_id(value[2]), event_id(events[0][0]) if events else 0)
            records.append((first_id + at, tensor_id(value[1]), event, *value[3:6], *place, *value[9:]))
        self._lost_values += len(self._values) - len(records)
        self._tensors[:] = [(tensor_id(t[0]), *t[1:7], tensor_id(t[7]), -1, *t[9:]) for t in tensors]
        self._events[:] = [
            (
                event_id(e[0]),
                *e[1:6],
                [tensor_id(number) for number in e[6]],
                [tensor_id(number) for number in e[7]],
                [ids.get(number, -1) for number in e[8]],
                e[9],
                -1,
                *e[11:],
            )
            for e in events
        ]
        self._values[:] = records
        last = event_id(events[-1][0]) if events else -1
        newest = {m[1]: m for m in self._memory}
        self._memory[:] = [(last, *m[1:]) for m in newest.values()] if events else []
        self._losses[:] = [(*loss[:3], event_id(loss[3])) for loss in self._losses if event_id(loss[3]) >= 0]
        if events:
            self._sections.append((self._n_sections, kind, iteration, event_id(events[0][0]), last + 1, False))
            self._n_sections += 1
        self._hand_over(self._writer.add_many)  # too few to be worth a row of their own
        self._chunk.clear()
        self._chunk_id = self._writer.next_chunk
        self._named_tensor = -1


def what_stays(
    events: list[tuple[Any, ...]],
    tensors: list[tuple[Any, ...]],
    values: list[tuple[Any, ...]],
    roots: set[int],
    oldest: int,
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Of the records of an iteration that is left out, those that stay: messages, and what the losses begin with.

    `roots`: first events of the passes that have a loss; `oldest`: first tensor of the iteration.
    """
    events = [e for e in events if e[1] in _KEPT_ALWAYS or (e[0] in roots and e[1] == _ACCUMULATE)]
    gradients = {number for e in events if e[1] == _ACCUMULATE for number in e[7]}
    wanted = gradients | {t[7] for t in tensors if t[0] in gradients}
    newest = {v[1]: v for v in values if v[1] in wanted and v[1] >= oldest}
    return events, [t for t in tensors if t[0] in wanted], sorted(newest.values())


def take_from(records: list[tuple[Any, ...]], place: int, event: int) -> list[tuple[Any, ...]]:
    """Cut off and return the end of `records` whose field `place` is `event` or later."""
    at = len(records)
    while at and records[at - 1][place] >= event:
        at -= 1
    taken = records[at:]
    del records[at:]
    return taken
