"""Iterations that are like one before, of a long run that keeps chosen iterations only: the values of the running one
are copied, since it may be the last; of each one that is over stays what stays of an iteration that was recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphlab.record.pages import FLUSH_BYTES, SPILL_BYTES, what_stays
from graphlab.record.pattern import (
    NO_STEP,
    Counters,
    Pattern,
    events_pattern,
    header,
    tensors_pattern,
    values_pattern,
)
from graphlab.record.replay import Replay

if TYPE_CHECKING:
    from graphlab.record.learning import Template
    from graphlab.record.recorder import Recorder

_ALL = 1 << 62


class Kept(NamedTuple):
    """What stays of an iteration like a template when it is left out."""

    first: Counters  # the patterns' first numbers
    step: Counters  # how many of each there are
    events: Pattern
    tensors: Pattern
    values: Pattern
    event_places: tuple[int, ...]  # which of the iteration's events these are
    tensor_places: tuple[int, ...]
    slices: list[tuple[int, int]]  # where the values' bytes lie
    losses: list[int]  # of each loss, which of the events that stay it belongs to
    older: list[tuple[tuple[Any, ...], int, int]]  # newest values of older tensors, and where their bytes lie


def kept_of(template: Template) -> Kept | None:
    """What stays of `template`; None where that depends on more than the iteration."""
    first = template.first
    if template.step.bytes > SPILL_BYTES:
        return None
    whole = (_ALL, None, [""] * template.events.n_texts)
    events = template.events.records(NO_STEP, *whole)
    tensors = template.tensors.records(NO_STEP, *whole)
    values = template.values.records(NO_STEP, *whole)
    passes = [(at, entry) for at, entry in enumerate(template.kinds.get("backward_started", ())) if entry is not None]
    roots = [template.positions[at].counters.event for at, entry in passes if entry[2] is not None]
    older = {v[1]: v for v in values if v[1] < first.tensor}
    stay, made, kept = what_stays(events, tensors, values, set(roots), first.tensor)
    event_ids = {e[0]: first.event + at for at, e in enumerate(stay)}
    tensor_ids = {t[0]: first.tensor + at for at, t in enumerate(made)}
    value_ids = {v[0]: first.value + at for at, v in enumerate(kept)}
    of_older = [number for e in stay for number in (*e[6], *e[7])] + [t[7] for t in made]
    if any(root not in event_ids for root in roots) or any(0 <= number < first.tensor for number in of_older):
        return None
    slices = []
    size = 0
    records = []
    for v in kept:
        slices.append((v[7], v[7] + v[8]))
        event = event_ids.get(v[2], first.event)
        records.append((value_ids[v[0]], tensor_ids[v[1]], event, *v[3:7], first.bytes + size, v[8]))
        size += v[8]
    return Kept(
        first,
        Counters(len(stay), len(made), len(kept), template.step.passes, 0, size),
        events_pattern(
            [
                (
                    event_ids[e[0]],
                    *e[1:6],
                    [tensor_ids.get(number, -1) for number in e[6]],
                    [tensor_ids.get(number, -1) for number in e[7]],
                    [value_ids.get(number, -1) for number in e[8]],
                    e[9],
                    -1,
                    *e[11:],
                )
                for e in stay
            ],
            first,
            template.is_counted,
        ),
        tensors_pattern([(tensor_ids[t[0]], *t[1:7], tensor_ids.get(t[7], -1), -1, *t[9:]) for t in made], first),
        values_pattern(records, first),
        tuple(e[0] - first.event for e in stay),
        tuple(t[0] - first.tensor for t in made),
        slices,
        [event_ids[root] - first.event for root in roots],
        [(v, v[7], v[7] + v[8]) for v in older.values()],
    )


class Thinned(Replay):
    """A run of iterations like `template` that are left out, but for the one that is running when it ends.

    `ids`: those of the next event, tensor and value that are kept.
    """

    __slots__ = (
        *("_before", "_bytes", "_ends", "_first_iteration", "_given", "_ids", "_in_use", "_kept", "_last", "_losses"),
    )

    def __init__(self, recorder: Recorder, template: Template, kept: Kept, first: Counters, ids: Counters) -> None:
        super().__init__(recorder, template, first)
        self._kept = kept
        self._ids = ids
        self._first_iteration = recorder._iterations.iteration
        self._given = 0  # iterations of which the writer has the rest
        self._last = bytearray()  # values of the iteration that was left out last
        self._before = recorder._in_use_cpu  # bytes in use after it
        # Of the iterations whose rest waits:
        self._bytes = bytearray()
        self._losses: list[tuple[Any, ...]] = []
        self._in_use: list[int] = []  # bytes in use after each event that stays
        self._ends: list[tuple[int, int] | None] = []  # where the bytes in use changed: at last, and the peak then

    def loop_started(self, loop: int) -> None:
        """See `Recorder.loop_started`."""
        recorder = self._recorder
        iterations = self._iterations
        if recorder._partial or loop != iterations.training:
            super().loop_started(loop)
            return
        n = self.n + 1
        event = self.first.event + n * self.template.step.event
        if (
            self.at != self._n_steps
            or self._running
            or not recorder._retention.drops(iterations.iteration)
            or not iterations.turned(loop, event, False)
        ):
            self._leave().loop_started(loop)
            return
        self._put_aside()
        self._turned(n)
        if recorder._clock() >= recorder._due or len(self._bytes) > FLUSH_BYTES:
            recorder._flush_some()

    def _put_aside(self) -> None:
        recorder, kept = self._recorder, self._kept
        chunk = recorder._chunk
        for start, end in kept.slices:
            self._bytes += chunk[start:end]
        self._last, recorder._chunk = chunk, bytearray()
        self._losses += recorder._losses
        recorder._losses.clear()
        if self._counted:
            log = self._log
            for place in kept.event_places:
                self._in_use.append(log[place])
            last = log[-1]
            at = len(log) - 1
            while at and log[at - 1] == last:
                at -= 1
            if at or last != self._before:
                event = self._logged + at
                peak = next(peak for since, peak in reversed(self._peaks) if since <= event)
                self._ends.append((last, peak) if peak else None)
            else:
                self._ends.append(None)
            self._before = last
            self._logged += len(log)
            log.clear()
            del self._peaks[:-1]

    def give(self) -> None:
        """Hand to the writer what stays of the iterations that are over."""
        done = self._given
        n = self.n - done
        if n <= 0:
            return
        recorder, kept, ids = self._recorder, self._kept, self._ids
        writer = recorder._writer
        template, step = self.template, kept.step
        n_texts = kept.events.n_texts
        if step.event:
            chunk = writer.put_chunk(bytes(self._bytes)) if self._bytes else 0
            recorder._chunk_id = writer.next_chunk
            first_event = ids.event + done * step.event
            shift = Counters(*(a - b for a, b in zip(ids, kept.first)))
            shift = shift._replace(
                passes=self.first.passes - template.first.passes, chunk=chunk, bytes=-done * step.bytes
            )
            in_use = self._in_use[: n * step.event]
            memory = np.array(in_use, np.int64).reshape(n, -1) if self._counted else None
            for kind, pattern, first in (
                ("tensor", kept.tensors, ids.tensor + done * step.tensor),
                ("event", kept.events, first_event),
                ("value", kept.values, ids.value + done * step.value),
            ):
                if pattern.n:
                    rows = pattern.expand(shift, step, done, self.n - 1, memory if kind == "event" else None)
                    many = n * pattern.n
                    writer.put_encoded(kind, first, many, header(many) + pattern.cut(rows, 0, many, self._texts))
            ends = [first_event + (at + 1) * step.event for at in range(n)]
            writer.put_records(
                "memory", [(end - 1, "cpu", *use) for end, use in zip(ends, self._ends) if use is not None]
            ) if self._counted else None
            n_losses = len(kept.losses)
            writer.put_records(
                "loss",
                [
                    (*loss[:3], first_event + at // n_losses * step.event + kept.losses[at % n_losses])
                    for at, loss in enumerate(self._losses[: n * n_losses])
                ],
            ) if n_losses else None
            number, iteration = recorder._n_sections, self._first_iteration + done
            writer.put_records(
                "section",
                [
                    (number + at, "iteration", iteration + at, end - step.event, end, False)
                    for at, end in enumerate(ends)
                ],
            )
            recorder._n_sections = number + n
        self._given = done + n
        del self._bytes[: n * step.bytes], self._losses[: n * len(kept.losses)]
        del self._in_use[: n * step.event], self._ends[:n], self._texts[: n * n_texts]

    def hand_back(self) -> None:
        """Give the recorder the running iteration's records, as if it had made them itself."""
        self.give()
        recorder, template, kept, n = self._recorder, self.template, self._kept, self.n
        recorder._event_ids.drop_alike(n, template.step.event, kept.event_places)
        recorder._tensor_ids.drop_alike(n, template.step.tensor, kept.tensor_places)
        recorder._lost_values += n * (template.step.value - kept.step.value)
        if n:
            for value, start, end in kept.older:
                recorder._carried[value[1]] = (value, bytes(self._last[start:end]))
        counters = self.counters
        here = template.positions[self.at].counters
        n_events, n_tensors, n_values = (a - b for a, b in zip(here[:3], template.first[:3]))
        del recorder._chunk[here.bytes - template.first.bytes :]  # of a step that was interrupted
        shift = Counters(*(now - learned for now, learned in zip(counters, here)))
        shift = shift._replace(chunk=recorder._chunk_id, bytes=0)
        memory = None
        if self._counted:
            log = self._log[:n_events]
            memory = np.zeros((1, template.events.n), np.int64)
            memory[0, : len(log)] = log if self._peak else -1
            if n:
                recorder._in_use_cpu = recorder._shown_memory = self._before
            for event, in_use in enumerate(log, self._logged):
                if in_use != recorder._in_use_cpu:
                    peak = next(peak for since, peak in reversed(self._peaks) if since <= event)
                    recorder._note_counts(event, in_use, peak, 0, 0)
        recorder._tensors += template.tensors.records(shift, n_tensors, None, ())
        recorder._events += template.events.records(shift, n_events, memory, self._texts)
        recorder._values += template.values.records(shift, n_values, None, ())
