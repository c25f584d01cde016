"""Inspector, tensors, loss curves, memory: each panel alone, over the trace of a real run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QToolButton

from graphlab.session.runner import Limits, Runner, RunRequest
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader
from graphlab.ui.panels.inspector import Inspector
from graphlab.ui.panels.loss_plot import LossPlot
from graphlab.ui.panels.memory_plot import MemoryPlot
from graphlab.ui.panels.plot import Series, bytes_text
from graphlab.ui.panels.tensors import Tensors
from graphlab.ui.panels.value_view import heat_image, stats_text
from graphlab.ui.state import ViewState

LINE = """
import torch
import torch.nn as nn
x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
y = 2 * x
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.01)
for epoch in range(10):
    loss = nn.MSELoss()(w * x + b, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture(scope="module")
def line_path() -> Iterator[object]:
    with Runner() as runner:
        run = runner.start(RunRequest(LINE, limits=Limits(seconds=20)))
        assert run.wait(30).status == "ok"
        yield run.trace_path


@pytest.fixture
def trace(line_path) -> Iterator[TraceReader]:
    reader = TraceReader(line_path)
    yield reader
    reader.close()


def event_where(trace: TraceReader, kind: EventKind, op: str, nth: int = 0) -> int:
    return [event.id for event in trace.events if event.kind == kind and event.op == op][nth]


def shown(qtbot, state: ViewState, panel_class, trace: TraceReader):
    panel = panel_class(state)
    qtbot.addWidget(panel)
    panel.resize(520, 420)
    panel.show()
    qtbot.waitExposed(panel)
    state.show_trace(trace)
    return panel


def test_loss_curve_holds_the_losses_of_the_trace_and_falls(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, LossPlot, trace)
    points = panel.points("loss")
    assert points == [(loss.iteration + 1, loss.value) for loss in trace.losses]
    values = [value for _, value in points]
    assert len(values) == 10
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(44.0)


def test_a_click_on_the_loss_curve_travels_to_that_iteration(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, LossPlot, trace)
    state.seek(0)
    x, y = panel.points("loss")[6]
    place = panel.plot.place_of(x, y)
    qtbot.mouseClick(panel.plot.canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(place.x()), round(place.y())))
    assert state.event == trace.losses[6].event
    assert trace.sections[state.section].iteration == 6


def test_values_that_are_not_finite_leave_a_gap() -> None:
    series = Series("loss")
    for i, value in enumerate([3.0, math.inf, 1.0, math.nan]):
        series.append(i, value)
    assert np.isnan(series.y).tolist() == [False, True, False, True]
    assert series.nearest(1.9) == 2


def test_inspector_shows_value_and_gradient_of_a_selected_tensor(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, Inspector, trace)
    w = next(tensor.id for tensor in trace.tensors if tensor.name == "w")
    update = event_where(trace, EventKind.UPDATE, "SGD")
    state.seek(update)
    state.select_tensor(w)
    assert panel.title() == "w"
    value, gradient = panel.views()
    # By hand: dL/dw = mean(2·(0 − 2x)·x) = −44, and w = 0 − 0.01·(−44).
    assert gradient.array == pytest.approx(-44.0)
    assert value.array == pytest.approx(0.44)


def test_inspector_follows_the_step_with_formula_and_chain_rule(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, Inspector, trace)
    state.seek(event_where(trace, EventKind.FORWARD, "mul", nth=1))
    assert "mul" in panel.title()
    assert "w" in panel.formula() and "x" in panel.formula()
    state.seek(event_where(trace, EventKind.BACKWARD, "mul", nth=-1))
    assert "∂loss/∂w" in re.sub("<[^>]*>", "", panel.chain())


def test_a_pinned_tensor_stays_while_stepping(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, Inspector, trace)
    state.seek(3)
    state.select_tensor(next(tensor.id for tensor in trace.tensors if tensor.name == "b"))
    pin = next(button for button in panel.findChildren(QToolButton) if button.accessibleName() == "Pin")
    qtbot.mouseClick(pin, Qt.MouseButton.LeftButton)
    first = panel.views()[0].array
    state.seek(len(trace.events) - 1)
    assert panel.title() == "b"
    assert panel.views()[0].array != first


def test_inspector_says_when_the_gradient_is_not_there_yet(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, Inspector, trace)
    state.seek(event_where(trace, EventKind.CREATE, "tensor", nth=1))
    state.select_tensor(next(tensor.id for tensor in trace.tensors if tensor.name == "w"))
    assert "No gradient yet" in panel.views()[1].text()


def test_tensors_lists_names_shapes_and_numbers_of_the_step(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, Tensors, trace)
    state.seek(len(trace.events) - 1)
    rows = {row[0]: row for row in panel.rows()}
    assert rows["x"][1:7] == ("5", "float32", "cpu", "1", "3", "5")
    assert float(rows["w"][5]) == pytest.approx(1.73, abs=0.02)
    assert rows["w"][7] != ""


def test_memory_shows_what_the_trace_counted(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, MemoryPlot, trace)
    assert panel.points("cpu") == [(p.event + 1, p.in_use) for p in trace.memory if p.device == "cpu"]
    state.seek(len(trace.events) - 1)
    assert "w" in panel.holders()


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (20 * 2**20, "20 MiB"), (8 * 2**30, "8 GiB"), (2**42, "4096 GiB")],
)
def test_bytes_are_told_with_a_binary_unit(n: int, text: str) -> None:
    assert bytes_text(n) == text


def test_heat_maps_are_symmetric_around_zero() -> None:
    image = heat_image(np.array([[-2.0, 0.0, 1.0, 2.0, math.nan]]), "light")
    low, zero, half, high, nan = (image.pixelColor(i, 0) for i in range(5))
    assert low.blue() > low.red() and high.red() > high.blue()
    assert max(zero.red(), zero.blue()) - min(zero.red(), zero.blue()) < 12
    assert half.red() >= high.red()
    assert nan.alpha() == 0


def test_statistics_tell_of_entries_that_are_no_numbers() -> None:
    text = stats_text(np.array([1.0, 2.0, math.nan, math.inf]))
    assert "mean 1.5" in text and "2 entries are NaN or infinite" in text
    assert "min" not in stats_text(np.array([math.nan, math.nan]))


def test_a_parameter_shows_no_formula_of_an_operator_that_only_used_it(qtbot, state, trace) -> None:
    panel = shown(qtbot, state, Inspector, trace)
    state.seek(len(trace.events) - 1)
    state.select_tensor(next(tensor.id for tensor in trace.tensors if tensor.name == "w"))
    assert "mul" not in panel.formula() and "·" not in panel.formula()
