"""The records of one iteration as bytes of a fixed length, from which those of later iterations are made in bulk.

Numbers that differ from iteration to iteration are encoded at full width, so that all iterations look alike but for the
bytes of these numbers, and NumPy writes them into many copies at once. What comes out is what encoding each record
would have given, but for the width of its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from graphlab.trace.records import EventKind

Array = np.ndarray[Any, Any]

EVENT, TENSOR, VALUE, PASS, CHUNK, BYTES = range(6)
N_COUNTERS = 6
_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode = msgspec.msgpack.Decoder(list[list[Any]]).decode
_PRINT = int(EventKind.PRINT)
_U32 = b"\xce\0\0\0\0"
_I64 = b"\xd3\0\0\0\0\0\0\0\0"


class Counters(NamedTuple):
    """First numbers of an iteration, or how many of each it makes."""

    event: int
    tensor: int
    value: int
    passes: int
    chunk: int = 0
    bytes: int = 0


NO_STEP = Counters(0, 0, 0, 0)


class _Layout:
    """Collects bytes, and the places in them that change."""

    def __init__(self, first: Counters) -> None:
        self.first = first
        self.data = bytearray()
        self.ends: list[int] = []
        self.places: list[int] = []
        self.numbers: list[int] = []
        self.counters: list[int] = []
        self.memory: list[int] = []
        self.holes: list[tuple[int, int]] = []

    def put(self, value: Any) -> None:
        self.data += _encode(value)

    def number(self, value: int, counter: int) -> None:
        """A number that grows with each iteration, unless it is older than this one."""
        if value < self.first[counter]:
            self.put(value)
            return
        self.places.append(len(self.data) + 1)
        self.numbers.append(value)
        self.counters.append(counter)
        self.data += _U32

    def many(self, values: Sequence[int], counter: int) -> None:
        n = len(values)
        self.data += bytes((0x90 | n,)) if n < 16 else b"\xdd" + n.to_bytes(4, "big")
        for value in values:
            self.number(value, counter)

    def begin(self, n_fields: int) -> None:
        self.data.append(0x90 | n_fields)

    def hole(self) -> None:
        """A text that differs, also in length: it is put in when the records are cut out."""
        self.holes.append((len(self.ends), len(self.data)))

    def end(self) -> None:
        self.ends.append(len(self.data))


class Pattern:
    """The bytes of one iteration's records of one kind; `expand` makes those of many."""

    def __init__(self, layout: _Layout) -> None:
        self._bytes = np.frombuffer(bytes(layout.data), np.uint8)
        self._ends = [0, *layout.ends]
        self._numbers = np.array(layout.numbers, np.int64)
        self._counters = np.array(layout.counters, np.intp)
        places = np.array(layout.places, np.intp)
        self._places = (places[:, None] + np.arange(4)).ravel()
        self._memory = (np.array(layout.memory, np.intp)[:, None] + np.arange(8)).ravel()
        self._holes = layout.holes  # record and offset
        self.n = len(layout.ends)

    def expand(self, shift: Counters, step: Counters, first: int, last: int, memory: Array | None) -> Array:
        """One row of bytes for each of the iterations from `first` to `last`.

        Iteration 0 has the numbers of the pattern plus `shift`; each later one has `step` more. `memory`: bytes in use
        after each event, a row an iteration.
        """
        n = last + 1 - first
        rows = np.tile(self._bytes, (n, 1))
        if len(self._numbers):
            start = self._numbers + np.array(shift, np.int64)[self._counters]
            steps = np.array(step, np.int64)[self._counters]
            numbers = start + np.arange(first, last + 1)[:, None] * steps
            rows[:, self._places] = numbers.astype(">u4").view(np.uint8)
        if memory is not None and len(self._memory):
            rows[:, self._memory] = np.ascontiguousarray(memory, ">i8").view(np.uint8)
        return rows

    def cut(self, rows: Array, start: int, end: int, texts: Sequence[str] = ()) -> bytes:
        """The bytes of the records from number `start` up to `end`, counted from the first row.

        `texts`: of all rows, where the pattern has holes for them.
        """
        flat = rows.ravel()
        at, stop = self._offset(start), self._offset(end)
        if not self._holes:
            return flat[at:stop].tobytes()
        pieces: list[bytes] = []
        n_holes = len(self._holes)
        for row in range(start // self.n, -(-end // self.n)):
            for number, (record, offset) in enumerate(self._holes):
                if start <= row * self.n + record < end:
                    here = row * len(self._bytes) + offset
                    pieces += (flat[at:here].tobytes(), _encode(texts[row * n_holes + number]))
                    at = here
        pieces.append(flat[at:stop].tobytes())
        return b"".join(pieces)

    def records(self, shift: Counters, end: int, memory: Array | None, texts: Sequence[str]) -> list[tuple[Any, ...]]:
        """The first `end` records of one iteration, whose numbers are those of the pattern plus `shift`, as tuples."""
        end = min(end, self.n)
        if not end:
            return []
        rows = self.expand(shift, NO_STEP, 0, 0, memory)
        return [tuple(record) for record in _decode(header(end) + self.cut(rows, 0, end, texts))]

    @property
    def n_texts(self) -> int:
        """How many texts a row takes."""
        return len(self._holes)

    def _offset(self, record: int) -> int:
        row, rest = divmod(record, self.n)
        return row * len(self._bytes) + self._ends[rest]


def events_pattern(events: list[tuple[Any, ...]], first: Counters, is_counted: bool) -> Pattern:
    """From the tuples of an iteration's events. `is_counted`: the bytes in use will be told for each."""
    layout = _Layout(first)
    for e in events:
        layout.begin(len(e))
        layout.number(e[0], EVENT)
        for field in e[1:6]:
            layout.put(field)
        layout.many(e[6], TENSOR)
        layout.many(e[7], TENSOR)
        layout.many(e[8], VALUE)
        layout.put(e[9])
        layout.number(e[10], EVENT)
        if e[1] == _PRINT:
            layout.hole()
        else:
            layout.put(e[11])
        if is_counted:
            layout.memory.append(len(layout.data) + 1)
            layout.data += _I64
        else:
            layout.put(e[12])
        layout.put(e[13])
        layout.number(e[14], PASS)
        layout.end()
    return Pattern(layout)


def tensors_pattern(tensors: list[tuple[Any, ...]], first: Counters) -> Pattern:
    """From the tuples of an iteration's tensors."""
    layout = _Layout(first)
    for t in tensors:
        layout.begin(len(t))
        layout.number(t[0], TENSOR)
        for field in t[1:7]:
            layout.put(field)
        layout.number(t[7], TENSOR)
        layout.number(t[8], TENSOR)
        layout.put(t[9])
        layout.end()
    return Pattern(layout)


def values_pattern(values: list[tuple[Any, ...]], first: Counters) -> Pattern:
    """From the tuples of an iteration's values, which must all be whole."""
    layout = _Layout(first._replace(chunk=0, bytes=0))
    for v in values:
        layout.begin(len(v))
        layout.number(v[0], VALUE)
        layout.number(v[1], TENSOR)
        layout.number(v[2], EVENT)
        for field in v[3:6]:
            layout.put(field)
        layout.number(0, CHUNK)
        layout.number(v[7] - first.bytes, BYTES)
        layout.put(v[8])
        layout.end()
    return Pattern(layout)


def header(n: int) -> bytes:
    """What stands before the records of a row."""
    return b"\xdd" + n.to_bytes(4, "big")
