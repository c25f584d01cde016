"""Puts on disk what a program recorded before it fell silent, from a thread of its own.

The program's thread flushes when it records something; in a long pause nobody would see its last steps. The watch only
copies what that thread has completed, and never changes what it works with: it gives the same records again later, and
the writer leaves out what it had. A lock is held while records are handed over, not while they are made.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from graphlab.trace.store import TraceError

if TYPE_CHECKING:
    from graphlab.record.recorder import Recorder

PERIOD = 0.04
"""Seconds between two looks. What lies still from one look to the next is flushed."""


class Watch(threading.Thread):
    """Looks at a recorder until it is stopped."""

    def __init__(self, recorder: Recorder, period: float = PERIOD) -> None:
        super().__init__(name="recorder-watch", daemon=True)
        self._recorder = recorder
        self._period = period
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Look no more; returns when the last look is over."""
        self._stopped.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        """What the thread does."""
        before = flushed = self._recorder.progress
        while not self._stopped.wait(self._period):
            now = self._recorder.progress
            if now == before and now != flushed:
                with contextlib.suppress(TraceError):  # the program's thread will meet the same, and say so
                    show(self._recorder)
                flushed = now
            before = now


def show(recorder: Recorder) -> None:
    """Put on disk all events that are complete, while another thread may be making the next one."""
    with recorder._lock:
        if recorder._is_finished:
            return
        if not recorder._is_thin:  # else it is not decided yet what is kept
            if recorder._replay is not None:
                _give_replay(recorder)
            else:
                _give_records(recorder)
        recorder._writer.flush()


def _give_replay(recorder: Recorder) -> None:
    replay, writer = recorder._replay, recorder._writer
    assert replay is not None
    n = replay.n  # before the step: it is set to 0 before this grows
    counters = replay.counters_at(n, replay.at)
    rows = replay.rows(writer.done, recorder._chunk_id, counters)
    data = bytes(recorder._chunk[: counters.bytes - replay.taken])
    if data:
        writer.put_chunk(data, recorder._chunk_id)
    for row in rows:
        writer.put_encoded(*row)
    _give_unnumbered(recorder, counters.event)


def _give_records(recorder: Recorder) -> None:
    writer = recorder._writer
    sections = recorder._sections[:]
    events = recorder._events[:]
    if not events:
        return
    end = events[-1][0] + 1
    # What events refer to is made before them, so it is copied after them.
    values = [value for value in recorder._values[:] if value[2] < end]
    data = bytes(recorder._chunk)
    tensors = recorder._tensors[:]
    if data:
        writer.put_chunk(data, recorder._chunk_id)
    for kind, records in (("tensor", tensors), ("event", events), ("value", values), ("section", sections)):
        if records:
            writer.put_records(kind, records)
    _give_unnumbered(recorder, end)


def _give_unnumbered(recorder: Recorder, end: int) -> None:
    """Losses and memory have no ids: how many were given is counted."""
    for kind, records, place in (("loss", recorder._losses[:], 3), ("memory", recorder._memory[:], 0)):
        fresh = [record for record in records[recorder._given[kind] :] if record[place] < end]
        if fresh:
            recorder._writer.put_records(kind, fresh)
            recorder._given[kind] += len(fresh)
