"""The timeline shows every event where it belongs, and seeks."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_traces import trace_of
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent

from graphlab.trace.records import Event, EventKind, Section
from graphlab.trace.store import TraceReader, TraceWriter
from graphlab.ui.panels.timeline import Timeline
from graphlab.ui.theme import tokens


@pytest.fixture
def trace():
    reader = trace_of("linear")
    yield reader
    reader.close()


@pytest.fixture
def timeline(qtbot, state, trace):
    widget = Timeline(state)
    qtbot.addWidget(widget)
    widget.resize(1000, 60)
    widget.show()
    qtbot.waitExposed(widget)
    state.show_trace(trace)
    return widget


def write_events(writer: TraceWriter, start: int, kinds: list[EventKind]) -> None:
    writer.add_many("event", [Event(start + i, kind, "op") for i, kind in enumerate(kinds)])
    writer.flush()


def color_at(widget: Timeline, x: float, y: float) -> tuple[int, int, int]:
    color = widget.grab().toImage().pixelColor(round(x), round(y))
    return color.red(), color.green(), color.blue()


def rgb(color) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def test_click_goes_to_the_event_under_the_mouse(timeline, state, qtbot, trace):
    for event in (0, 17, len(trace.events) - 1):
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline.x_of(event)), 35))
        assert state.event == event


def test_dragging_scrubs(timeline, state, qtbot):
    seen = []
    state.event_changed.connect(seen.append)
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline.x_of(5)), 35))
    for event in (6, 7, 8):
        qtbot.mouseMove(timeline, QPoint(round(timeline.x_of(event)), 35))
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(timeline.x_of(8)), 35))
    assert seen == [5, 6, 7, 8]
    qtbot.mouseMove(timeline, QPoint(round(timeline.x_of(30)), 35))
    assert state.event == 8


def test_forward_stands_above_and_backward_below_in_their_colours(timeline, trace):
    t = tokens("light")
    strip = timeline._strip_rect()
    above, below = strip.center().y() - 6, strip.center().y() + 6
    forward = next(e.id for e in trace.events if e.kind == EventKind.FORWARD and e.op == "mul")
    backward = next(e.id for e in trace.events if e.kind == EventKind.BACKWARD)
    assert color_at(timeline, timeline.x_of(forward), above) == rgb(t.forward)
    assert color_at(timeline, timeline.x_of(forward), below) != rgb(t.forward)
    assert color_at(timeline, timeline.x_of(backward), below) == rgb(t.backward)
    assert color_at(timeline, timeline.x_of(backward), above) != rgb(t.backward)


def test_keys_step_and_jump_by_iteration(timeline, state, qtbot, trace):
    timeline.setFocus()
    state.seek(trace.sections[2].first + 3)
    qtbot.keyClick(timeline, Qt.Key.Key_Right)
    assert state.event == trace.sections[2].first + 4
    qtbot.keyClick(timeline, Qt.Key.Key_PageDown)
    assert state.event == trace.sections[3].first + 4
    qtbot.keyClick(timeline, Qt.Key.Key_PageUp)
    qtbot.keyClick(timeline, Qt.Key.Key_Left)
    assert state.event == trace.sections[2].first + 3
    qtbot.keyClick(timeline, Qt.Key.Key_End)
    assert state.event == len(trace.events) - 1
    qtbot.keyClick(timeline, Qt.Key.Key_Home)
    assert state.event == 0


def test_zoom_keeps_the_event_under_the_cursor(timeline, qtbot):
    x = timeline.x_of(60)
    for _ in range(4):
        wheel(timeline, x, 120, Qt.KeyboardModifier.ControlModifier)
    first, last = timeline.shown_range
    assert last - first < 0.5 * timeline._n
    assert timeline.event_at(x) == 60
    qtbot.mouseDClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(200, 35))
    assert timeline.shown_range == (0, timeline._n)


def test_the_playhead_scrolls_into_view_when_zoomed(timeline, state):
    for _ in range(6):
        wheel(timeline, timeline.x_of(2), 120, Qt.KeyboardModifier.ControlModifier)
    state.seek(100)
    first, last = timeline.shown_range
    assert first <= 100 < last


def test_tooltip_says_step_phase_and_sentence(timeline, trace):
    event = next(e.id for e in trace.events if e.kind == EventKind.BACKWARD)
    head, _newline, said = timeline.tip(event).partition("\n")
    assert head == f"Step {event + 1} · backward" and len(said) > 10
    assert timeline.tip(len(trace.events)) == ""


def test_it_grows_with_the_trace(qtbot, state, tmp_path):
    writer = TraceWriter(tmp_path / "growing")
    write_events(writer, 0, [EventKind.FORWARD] * 10)
    trace = TraceReader(tmp_path / "growing")
    widget = Timeline(state)
    qtbot.addWidget(widget)
    widget.resize(800, 60)
    state.show_trace(trace)
    assert widget.shown_range == (0, 10)
    for round_ in range(30):
        write_events(writer, 10 + 100 * round_, [EventKind.BACKWARD] * 100)
        assert trace.refresh()
        state.tell_growth()
    assert widget.shown_range == (0, 3010)
    assert widget.event_at(widget.x_of(2500)) == 2500
    # Zoomed in, growth doesn't move what is looked at.
    wheel(widget, 400, 600, Qt.KeyboardModifier.ControlModifier)
    before = widget.shown_range
    write_events(writer, 3010, [EventKind.UPDATE] * 100)
    trace.refresh()
    state.tell_growth()
    assert widget.shown_range == before
    writer.close()
    trace.close()


def test_one_error_among_a_hundred_thousand_events_is_seen(qtbot, state, tmp_path):
    kinds = [EventKind.FORWARD, EventKind.BACKWARD] * 60_000
    kinds[70_001] = EventKind.ERROR
    writer = TraceWriter(tmp_path / "long")
    write_events(writer, 0, kinds)
    writer.add_many("section", [Section(i, "iteration", i, i * 100, i * 100 + 100) for i in range(1200)])
    writer.close()
    trace = TraceReader(tmp_path / "long")
    widget = Timeline(state)
    qtbot.addWidget(widget)
    widget.resize(1200, 60)
    state.show_trace(trace)
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[:, :, :3]
    failed = tokens("light").failed
    is_failed = (np.abs(pixels.astype(int) - (failed.blue(), failed.green(), failed.red())) < 3).all(axis=2)
    columns = np.flatnonzero(is_failed.any(axis=0))
    assert len(columns) and abs(columns.mean() - widget.x_of(70_001)) < 3
    trace.close()


def test_without_a_run_nothing_can_be_clicked(qtbot, state):
    widget = Timeline(state)
    qtbot.addWidget(widget)
    widget.resize(800, 60)
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(300, 30))
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    assert state.event == -1 and widget.event_at(100) == -1
    widget.grab()


def wheel(widget: Timeline, x: float, delta: int, modifiers: Qt.KeyboardModifier) -> None:
    place = QPointF(x, 35)
    widget.wheelEvent(
        QWheelEvent(
            place,
            place,
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
    )
