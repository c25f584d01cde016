"""A run of iterations that are alike: how far it is, and the records that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.record.pattern import Counters, header

if TYPE_CHECKING:
    from graphlab.engine.device import Ledger
    from graphlab.record.learning import Position, Template

Array = np.ndarray[Any, Any]
Shift = tuple[int, int]

ROW_EVENTS = 512
"""About how many events stand in one row."""


_RECORD = np.dtype(
    [
        *(("array", "u1"), ("number", "u1"), ("event", ">i8"), ("device", "S4")),
        *(("is_used", "u1"), ("in_use", ">i8"), ("is_peak", "u1"), ("peak", ">i8")),
    ]
)
"""A `Memory` record of the cpu in msgpack: an array of four, with 64-bit numbers."""
_MARKS = {"array": 0x94, "number": 0xD3, "device": b"\xa3cpu", "is_used": 0xD3, "is_peak": 0xD3}


class Copies:
    """Iterations like `template`, the first of which has the numbers `first`."""

    __slots__ = (
        *("_counted", "_cpu", "_cuda", "_cuda_log", "_log", "_logged", "_note", "_peak", "_peaks", "_shift", "_texts"),
        *("at", "first", "n", "taken", "template"),
    )

    def __init__(self, template: Template, first: Counters, cpu: Ledger, cuda: Ledger) -> None:
        self.template = template
        self.first = first
        self.n = 0  # iterations that are over
        self.at = 0  # steps of the running one
        self.taken = 0  # bytes of values that are with the writer
        self._shift: Shift = (first.event - template.first.event, first.tensor - template.first.tensor)
        self._counted = template.is_counted
        self._log: list[int] = []  # for each event: cpu bytes in use
        self._cuda_log: list[tuple[int, int]] = []  # if cuda is used, for each event: in use and peak
        self._peak = cpu.peak
        self._peaks = [(first.event, cpu.peak)]  # from which event on the cpu's peak is which
        self._logged = first.event  # first event in the logs
        self._cpu, self._cuda = cpu, cuda
        # Who uses cuda for the first time does something that the template does not.
        self._note: Callable[[int], None] = self._note_both if cuda.peak else self._log.append
        cpu.risen = self._risen if self._counted else None
        self._texts: list[str] = []  # printed since the run began

    def _risen(self, peak: int) -> None:
        """The cpu's peak is another one at the next event."""
        self._peak = peak
        self._peaks.append((self._logged + len(self._log), peak))

    def _note_both(self, in_use: int) -> None:
        """One event's bytes in use, where cuda is used as well."""
        cuda = self._cuda
        self._cuda_log.append((cuda.in_use, cuda.peak))
        self._log.append(in_use)

    def over(self) -> None:
        """Nothing more is recorded by this."""
        self._cpu.risen = None

    @property
    def position(self) -> Position:
        """Where the running iteration is, with the numbers of the one that was learned."""
        return self.template.positions[self.at]

    @property
    def shift(self) -> Shift:
        """How far the running iteration's events and tensors are from those that were learned."""
        return self._shift

    @property
    def event(self) -> int:
        """Number of the next event."""
        return self.template.positions[self.at].counters.event + self._shift[0]

    @property
    def counters(self) -> Counters:
        """Numbers of the next records; and the bytes of values since the replay began."""
        return self.counters_at(self.n, self.at)

    def counters_at(self, n: int, at: int) -> Counters:
        """The same after `n` iterations and `at` steps."""
        template = self.template
        return Counters(
            *(
                start + n * step + here - learned
                for start, step, here, learned in zip(
                    self.first, template.step, template.positions[at].counters, template.first
                )
            )
        )

    def rows(self, done: dict[str, int], chunk: int, counters: Counters) -> list[tuple[str, int, int, bytes]]:
        """The records that nobody has had up to `counters`: kind, first number, how many, their bytes as a row.

        `done`: first number of each kind that is not with the writer yet.
        """
        template = self.template
        shift = Counters(*(a - b for a, b in zip(self.first, template.first)))
        shift = shift._replace(chunk=chunk, bytes=-self.taken)
        group = max(1, ROW_EVENTS // max(1, template.events.n))
        found: list[tuple[int, str, int, int, bytes]] = []
        kinds = (("tensor", template.tensors, 1), ("event", template.events, 0), ("value", template.values, 2))
        for kind, pattern, which in kinds:
            start, end = done[kind], counters[which]
            n = pattern.n
            if end <= start or not n:
                continue
            origin = self.first[which]
            first, last = (start - origin) // n, (end - 1 - origin) // n
            memory = self._memory(first, last, n) if kind == "event" and self._counted else None
            rows = pattern.expand(shift, template.step, first, last, memory)
            texts = self._texts[first * pattern.n_texts :] if pattern.n_texts else ()
            for at in range(first, last + 1, group):
                begin = max(start, origin + at * n)
                stop = min(end, origin + (at + group) * n)
                data = pattern.cut(rows, begin - origin - first * n, stop - origin - first * n, texts)
                found.append((at, kind, begin, stop - begin, header(stop - begin) + data))
        found.sort(key=lambda row: row[0])  # what belongs together stands together
        return [row[1:] for row in found]

    def _memory(self, first: int, last: int, n: int) -> Array:
        """Bytes in use after each event of the iterations from `first` to `last`; 0 for those that are to come."""
        in_use = np.array(self._log, np.int64) if self._peak else np.full(len(self._log), -1)
        for at, (cuda, peak) in enumerate(self._cuda_log):
            if peak:
                in_use[at] = cuda
        rows = np.zeros((last + 1 - first) * n, np.int64)
        start = self._logged - (self.first.event + first * n)
        known = in_use[max(-start, 0) :][: len(rows)]
        rows[max(start, 0) : max(start, 0) + len(known)] = known
        return rows.reshape(-1, n)

    def memory_changes(self, end: int, before: int) -> tuple[Array, Array]:
        """Taken out: where before event `end` the bytes in use changed, as `Memory` records of the cpu that are encoded
        already, and the same on cuda as rows of numbers: event, in use and peak on cpu, in use and peak on cuda.

        `before`: bytes in use on the cpu to begin with.
        """
        n = end - self._logged
        log = np.array(self._log[:n], np.int64)
        events = np.arange(self._logged, self._logged + len(log))
        risen, peaks = (np.array(column) for column in zip(*self._peaks))
        peak = peaks[np.maximum(np.searchsorted(risen, events, side="right") - 1, 0)]
        del self._log[:n]
        self._peaks = [
            (end, max(known for at, known in self._peaks if at <= end)),
            *(pair for pair in self._peaks if pair[0] > end),
        ]
        self._logged = end
        if self._cuda_log:
            other = np.zeros((len(log), 2), np.int64)
            other[: len(self._cuda_log)] = self._cuda_log[:n]
            del self._cuda_log[:n]
            return np.empty(0, _RECORD), np.column_stack((events, log, peak, other))
        is_new = np.diff(log, prepend=before) != 0
        rows = np.zeros(int(is_new.sum()) if self._peak else 0, _RECORD)
        for field, value in _MARKS.items():
            rows[field] = value
        if len(rows):
            rows["event"], rows["in_use"], rows["peak"] = events[is_new], log[is_new], peak[is_new]
        return rows, np.empty((0, 5), np.int64)
