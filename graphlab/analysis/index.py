"""Look-up tables over a trace, built when first asked for and extended as the trace grows."""

import weakref
from bisect import bisect_right, insort
from collections import defaultdict

from graphlab.trace.records import EventKind, TensorKind
from graphlab.trace.store import TraceReader


class TraceIndex:
    """For each tensor its values, its gradients and the events that name it; each list in the order of events."""

    def __init__(self) -> None:
        self.values: dict[int, list[tuple[int, int]]] = defaultdict(list)  # tensor -> (event, value or -1 when cleared)
        self.gradients: dict[int, list[int]] = defaultdict(list)  # tensor -> gradient tensors, `.grad` among them
        self.leaves: list[int] = []  # tensors that no operator made
        self.made_at: dict[int, int] = {}  # tensor -> first event that gave it a value
        self.last_use: dict[int, int] = {}  # tensor -> last event that names it
        self.writers: dict[int, list[int]] = {}  # tensor -> events that made or changed it
        self.by_event: dict[int, list[int]] = defaultdict(list)  # event -> backward events of that forward event
        self._n_values = self._n_tensors = self._n_events = 0

    def extend(self, trace: TraceReader) -> None:
        """Take in what the trace has had since the last call."""
        for value in trace.values[self._n_values :]:
            entries = self.values[value.tensor]
            if entries and entries[-1][0] > value.event:
                insort(entries, (value.event, value.id))
            else:
                entries.append((value.event, value.id))
            self.made_at[value.tensor] = min(value.event, self.made_at.get(value.tensor, value.event))
        self._n_values = len(trace.values)
        for tensor in trace.tensors[self._n_tensors :]:
            if tensor.of >= 0 and tensor.kind in (TensorKind.GRADIENT, TensorKind.LEAF_GRAD):
                self.gradients[tensor.of].append(tensor.id)
            elif tensor.kind != TensorKind.INTERMEDIATE:
                self.leaves.append(tensor.id)
        self._n_tensors = len(trace.tensors)
        for event in trace.events[self._n_events :]:
            for tensor_id in event.inputs:
                if tensor_id >= 0:
                    self.last_use[tensor_id] = event.id
            for tensor_id in event.outputs:
                if tensor_id >= 0:
                    self.last_use[tensor_id] = event.id
                    self.made_at.setdefault(tensor_id, event.id)
                    self.writers.setdefault(tensor_id, []).append(event.id)
            if event.kind == EventKind.BACKWARD:
                self.by_event[event.forward].append(event.id)
            elif event.kind == EventKind.INPLACE and event.op == "zero_grad":
                for tensor_id in event.outputs:
                    if tensor_id >= 0:
                        insort(self.values[tensor_id], (event.id, -1))
        self._n_events = len(trace.events)

    def value_at(self, tensor: int, event: int) -> int:
        """The newest value of `tensor` at or before `event`, -1 when there is none."""
        entries = self.values.get(tensor)
        if not entries:
            return -1
        at = bisect_right(entries, (event, 1 << 62)) - 1
        return entries[at][1] if at >= 0 else -1


_indices: "weakref.WeakKeyDictionary[TraceReader, TraceIndex]" = weakref.WeakKeyDictionary()


def index_of(trace: TraceReader) -> TraceIndex:
    """The up-to-date index of a trace."""
    index = _indices.get(trace)
    if index is None:
        index = _indices[trace] = TraceIndex()
    index.extend(trace)
    return index
