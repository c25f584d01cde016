"""The narration says the sentence of the step, always in the same place."""

from __future__ import annotations

import pytest
from canvas_traces import trace_of

from graphlab.explain import narrate
from graphlab.trace.records import EventKind
from graphlab.ui.panels.narration import Narration, emphasised


@pytest.fixture
def trace():
    reader = trace_of("mlp")
    yield reader
    reader.close()


@pytest.fixture
def narration(qtbot, state, trace):
    widget = Narration(state)
    qtbot.addWidget(widget)
    widget.resize(900, widget.height())
    widget.show()
    qtbot.waitExposed(widget)
    state.show_trace(trace)
    return widget


def test_before_a_step_it_says_what_to_do(narration):
    assert "Run" in narration.text() and narration.place() == ""


def test_every_step_has_its_sentence_and_the_height_never_changes(narration, state, trace):
    height = narration.height()
    for event in range(len(trace.events)):
        state.seek(event)
        assert narration.text() == narrate(trace, event) != ""
        assert narration.height() == height


def test_the_place_gives_step_phase_and_line(narration, state, trace):
    event = next(e.id for e in trace.events if e.kind == EventKind.BACKWARD)
    state.seek(event)
    line = trace.spans[trace.events[event].span].line
    assert narration.place() == f"step {event + 1} of {len(trace.events)} · backward · line {line}"


def test_clearing_gradients_is_told_as_update(narration, state, trace):
    state.seek(next(e.id for e in trace.events if e.op == "zero_grad"))
    assert "· update ·" in narration.place()


def test_names_are_emphasised_and_nothing_else():
    said = emphasised("w becomes w - lr * w.grad, where <w> is below", {"w", "w.grad", ""}, "#123456")
    bold = '<b style="color:#123456">'
    assert said == f"{bold}w</b> becomes {bold}w</b> - lr * {bold}w.grad</b>, where &lt;{bold}w</b>&gt; is below"
    assert emphasised("below", {"w"}, "#000000") == "below"


def test_a_long_sentence_is_whole_in_the_tooltip(narration, state, trace):
    state.seek(next(e.id for e in trace.events if e.kind == EventKind.UPDATE))
    assert narration._sentence.toolTip() == narration.text()


@pytest.mark.parametrize("width", [260, 420, 700, 1100])
def test_no_sentence_is_taller_than_its_room(narration, state, trace, width):
    narration.resize(width, narration.height())
    for event in range(len(trace.events)):
        state.seek(event)
        label = narration._sentence
        assert label.heightForWidth(label.width()) <= label.height(), narration.shown_text()
        whole, shown = narration.text(), narration.shown_text()
        assert shown == whole or (shown.endswith(" …") and whole.startswith(shown[:-2]))


def test_a_long_sentence_is_set_smaller_before_it_is_cut(narration, state, trace):
    event = next(e.id for e in trace.events if e.kind == EventKind.BACKWARD and e.op == "linear")
    state.seek(event)
    large = narration._sentence.font().pointSizeF()
    room = narration.width()
    while narration._sentence.font().pointSizeF() == large:
        room -= 20
        narration.resize(room, narration.height())
    assert narration.shown_text() == narration.text()
    narration.resize(200, narration.height())
    assert narration.shown_text() != narration.text() == narration._sentence.toolTip()
