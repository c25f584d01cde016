"""Values of a trace by tensor and event, for the sentences. An index over the records, built once and then extended."""

from __future__ import annotations

import math
import weakref
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphlab.trace.records import EventKind, Value, ValueForm

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader


class Index:
    """What belongs together in a trace: values of each tensor, contributions to each gradient."""

    def __init__(self) -> None:
        self.n_values = 0
        self.n_events = 0
        self.values: dict[int, tuple[list[int], list[int]]] = {}  # tensor -> events, value ids
        self.producer: dict[int, int] = {}  # tensor -> the event that made it
        self.within: set[int] = set()  # made in a module and read on in it: not what the module gives
        self._lines: list[str] | None = None
        self.n_contributions: dict[tuple[int, int], list[int]] = {}  # backward pass, tensor -> events that contribute

    def lines(self, trace: TraceReader) -> list[str]:
        """The program's lines."""
        if self._lines is None:
            self._lines = trace.source.splitlines()
        return self._lines

    def extend(self, trace: TraceReader) -> None:
        """Read the records that came since."""
        for value in trace.values[self.n_values :]:
            events, ids = self.values.setdefault(value.tensor, ([], []))
            events.append(value.event)
            ids.append(value.id)
        self.n_values = len(trace.values)
        for event in trace.events[self.n_events :]:
            if event.kind in (EventKind.CREATE, EventKind.FORWARD, EventKind.BACKWARD, EventKind.ACCUMULATE):
                for output in event.outputs:
                    if output >= 0:
                        self.producer.setdefault(output, event.id)
            if event.kind == EventKind.FORWARD and event.module:
                for tensor in event.inputs:
                    made = self.producer.get(tensor, -1)
                    if made >= 0 and trace.events[made].module == event.module:
                        self.within.add(tensor)
            if event.kind == EventKind.BACKWARD:
                for output in event.outputs:
                    if 0 <= output < len(trace.tensors):
                        self.n_contributions.setdefault((event.root, trace.tensors[output].of), []).append(event.id)
        self.n_events = len(trace.events)


_indexes: weakref.WeakKeyDictionary[TraceReader, Index] = weakref.WeakKeyDictionary()


def index_of(trace: TraceReader) -> Index:
    """The index of a trace, up to date."""
    index = _indexes.get(trace)
    if index is None:
        index = _indexes[trace] = Index()
    if index.n_values < len(trace.values) or index.n_events < len(trace.events):
        index.extend(trace)
    return index


def value_at(trace: TraceReader, tensor: int, event: int) -> Value | None:
    """The value of a tensor just after an event: the last one recorded up to it."""
    entry = index_of(trace).values.get(tensor)
    if entry is None:
        return None
    at = bisect_right(entry[0], event) - 1
    return trace.values[entry[1][at]] if at >= 0 else None


def array_at(trace: TraceReader, tensor: int, event: int) -> npt.NDArray[Any] | None:
    """The whole value of a tensor just after an event, None where only a summary was kept."""
    value = value_at(trace, tensor, event)
    if value is None or value.form != ValueForm.WHOLE:
        return None
    # An empty tensor has no bytes, and so no place in the store.
    return (
        trace.array(value.id)
        if value.size
        else np.empty(value.shape, value.dtype if value.dtype != "bfloat16" else "f4")
    )


def range_at(trace: TraceReader, tensor: int, event: int) -> tuple[float, float] | None:
    """Least and greatest finite number of a value."""
    value = value_at(trace, tensor, event)
    if value is None:
        return None
    if value.form != ValueForm.WHOLE:
        low, high = value.stats.get("min"), value.stats.get("max")
        return (low, high) if low is not None and high is not None else None
    if not value.size:
        return None
    array = trace.array(value.id)
    if array.dtype.kind not in "fiu" or not array.size:
        return None
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    return (float(finite.min()), float(finite.max())) if finite.size else None


@dataclass(frozen=True)
class NotFinite:
    """How many entries of a value are NaN or infinite; where only a summary was kept, infinities have no sign."""

    n_nan: int
    n_inf: int  # inf, and −inf as well where only a summary was kept
    n_minus: int
    total: int
    is_signed: bool

    def counts(self) -> list[tuple[int, str]]:
        """How many of what there are, the most frequent first."""
        found = [(self.n_nan, "NaN"), (self.n_inf, "inf" if self.is_signed else "±inf"), (self.n_minus, "−inf")]
        return sorted(((n, what) for n, what in found if n), key=lambda item: -item[0])

    @property
    def every(self) -> str:
        """What every entry is; "" where they differ."""
        n, what = self.counts()[0]
        return what if n == self.total else ""


def not_finite_at(trace: TraceReader, tensor: int, event: int) -> NotFinite | None:
    """What isn't a finite number in the value of a tensor just after an event; None where all are, or none is known."""
    value = value_at(trace, tensor, event)
    if value is None or not value.size:
        return None
    if value.form != ValueForm.WHOLE:
        n_nan, n_inf = (int(value.stats.get(key) or 0) for key in ("n_nan", "n_inf"))
        total = math.prod(value.shape)
        return NotFinite(n_nan, n_inf, 0, total, is_signed=False) if n_nan or n_inf else None
    array = trace.array(value.id)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    n_nan = int(np.isnan(array).sum())
    n_minus = int(np.isneginf(array).sum())
    return NotFinite(n_nan, int(np.isposinf(array).sum()), n_minus, int(array.size), is_signed=True)
