"""What panels share: setters compare before they tell, and stay inside the trace."""

import pytest

from graphlab.trace.records import Event, EventKind, Section
from graphlab.trace.store import TraceReader, TraceWriter
from graphlab.ui.state import ViewState


@pytest.fixture
def trace(tmp_path):
    writer = TraceWriter(tmp_path / "t.graphlab")
    writer.set_meta("source", "a\nb")
    for number in range(6):
        writer.add("event", Event(number, EventKind.PRINT, "", text="x"))
    writer.add("section", Section(0, "setup", -1, 0, 2))
    writer.add("section", Section(1, "iteration", 0, 2, 6))
    writer.close()
    reader = TraceReader(tmp_path / "t.graphlab")
    yield reader
    reader.close()


def recorded(signal) -> list:
    """What a signal tells, as a list that grows."""
    told: list = []
    signal.connect(lambda *payload: told.append(payload))
    return told


def test_seek_tells_event_and_section_once(qapp, trace):
    state = ViewState()
    state.show_trace(trace)
    events, sections = recorded(state.event_changed), recorded(state.section_changed)
    state.seek(1)
    state.seek(1)
    state.seek(3)
    assert events == [(1,), (3,)]
    assert sections == [(0,), (1,)]


@pytest.mark.parametrize(("wanted", "reached"), [(-5, 0), (99, 5)])
def test_seek_stays_inside(qapp, trace, wanted, reached):
    state = ViewState()
    state.show_trace(trace)
    state.seek(wanted)
    assert state.event == reached


def test_seek_without_a_trace_does_nothing(qapp):
    state = ViewState()
    state.seek(3)
    assert state.event == -1


def test_another_trace_resets_the_place(qapp, trace):
    state = ViewState()
    state.show_trace(trace)
    state.seek(3)
    state.select_node("h", 2)
    assert state.source_lines == ["a", "b"]
    state.show_trace(None)
    assert (state.event, state.section, state.node_event) == (-1, -1, -1)
    assert state.problem_source == ""


@pytest.mark.parametrize(
    ("setter", "signal", "value"),
    [
        ("select_tensor", "tensor_selected", 4),
        ("set_theme", "theme_changed", "dark"),
        ("set_run_state", "run_state_changed", "running"),
        ("set_breakpoints", "breakpoints_changed", frozenset({3})),
    ],
)
def test_setter_tells_a_change_once(qapp, setter, signal, value):
    state = ViewState()
    told = recorded(getattr(state, signal))
    getattr(state, setter)(value)
    getattr(state, setter)(value)
    assert len(told) == 1
