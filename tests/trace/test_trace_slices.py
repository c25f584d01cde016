"""A trace read in slices shows nothing that refers to what it does not show yet."""

import pytest

from graphlab.trace.records import Event, EventKind, Tensor, TensorKind, Value, ValueForm
from graphlab.trace.store import TraceError, TraceReader, TraceWriter

N_BATCHES = 40
BATCH = 100


def write_batches(path, n_batches=N_BATCHES):
    writer = TraceWriter(path)
    for batch in range(n_batches):
        first = batch * BATCH
        for at in range(first, first + BATCH):
            chunk, offset, size = writer.put_bytes(b"\0\0\0\0")
            writer.add(
                "event", Event(at, EventKind.FORWARD, "relu", inputs=[max(0, at - 1)], outputs=[at], values=[at])
            )
            writer.add("tensor", Tensor(at, TensorKind.INTERMEDIATE, [], "float32", "cpu", ""))
            writer.add("value", Value(at, at, at, ValueForm.WHOLE, "float32", [], chunk, offset, size))
        writer.flush()
    writer.close()


def check_closed(trace):
    """Every reference of what is shown leads to what is shown."""
    n_tensors, n_values = len(trace.tensors), len(trace.values)
    assert all(max(event.outputs) < n_tensors and max(event.values) < n_values for event in trace.events)
    assert all(value.event < len(trace.events) for value in trace.values)


def test_slices_end_with_the_same_records(tmp_path):
    path = tmp_path / "t.graphlab"
    write_batches(path)
    whole = TraceReader(path)
    sliced = TraceReader(path, 0.0)
    n_slices, shown, progress = 1, len(sliced.events), sliced.progress
    while sliced.is_behind:
        sliced.refresh(0.0)
        check_closed(sliced)
        assert len(sliced.events) >= shown and sliced.progress >= progress
        n_slices, shown, progress = n_slices + 1, len(sliced.events), sliced.progress
    assert n_slices > 5
    assert (sliced.events, sliced.values, sliced.tensors) == (whole.events, whole.values, whole.tensors)
    assert not whole.is_behind and sliced.progress == 1.0
    whole.close()
    sliced.close()


def test_trace_that_can_only_be_shown_whole_is_held_back_until_then(tmp_path):
    path = tmp_path / "t.graphlab"
    writer = TraceWriter(path)
    last = N_BATCHES * BATCH - 1
    for batch in range(N_BATCHES):
        first = batch * BATCH
        writer.add_many(
            "event", [Event(at, EventKind.FORWARD, "relu", outputs=[last]) for at in range(first, first + BATCH)]
        )
        writer.flush()
    writer.add_many("tensor", [Tensor(at, TensorKind.INTERMEDIATE, [], "float32", "cpu", "") for at in range(last + 1)])
    writer.close()
    trace = TraceReader(path, 0.0)
    while trace.is_behind:
        assert len(trace.events) in (0, last + 1)
        trace.refresh(0.0)
    assert len(trace.events) == last + 1 and len(trace.tensors) == last + 1
    trace.close()


def test_damage_is_told_when_it_is_reached(tmp_path):
    path = tmp_path / "t.graphlab"
    writer = TraceWriter(path)
    for batch in range(N_BATCHES):
        writer.add_many("event", [Event(batch * BATCH + at, EventKind.PRINT, "") for at in range(BATCH)])
        writer.flush()
    writer.add("event", Event(N_BATCHES * BATCH, EventKind.FORWARD, "relu", outputs=[5]))
    writer.close()
    trace = TraceReader(path, 0.0)
    assert trace.events
    with pytest.raises(TraceError, match="damaged"):
        trace.refresh()
    trace.close()
