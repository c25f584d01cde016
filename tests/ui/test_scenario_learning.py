"""The main job as a reader does it: open a sample by its card, run, step through every event, read, travel."""

import numpy as np
import pytest
from driving import action, open_program, press, problem_titles, run
from PySide6.QtCore import QPointF, Qt

from graphlab.analysis.values import value_at
from graphlab.explain import narrate
from graphlab.trace.records import EventKind, ValueForm

SAMPLES = ["linear_regression", "mlp"]


def open_card(window, qtbot, name):
    """Choose a card of the start page with the keyboard."""
    assert window.is_start_shown
    card = next(card for card in window.arrangement.start.cards if card.name == name)
    card.setFocus()
    qtbot.keyClick(card, Qt.Key.Key_Return)
    assert not window.is_start_shown and window.has_program
    qtbot.waitUntil(lambda: window.hosts["graph_view"].is_built)
    window.graph.animated = False


def wait_for_graph(window, qtbot):
    """The graph of the shown iteration is drawn."""
    graph = window.graph
    qtbot.waitUntil(
        lambda: not graph.is_busy and graph.scene is not None and graph.scene.flow.section == window.state.section,
        timeout=20_000,
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_every_step_says_the_same_in_all_panels_both_ways(window, qtbot, name):
    open_card(window, qtbot, name)
    assert run(window, qtbot) == "ok"
    trace = window.state.trace
    narration, inspector, editor = window.panel("narration"), window.panel("inspector"), window.editor
    press(window, "step.first")
    n = len(trace.events)
    order = [*range(n), *reversed(range(n - 1))]
    for at, number in enumerate(order):
        if at:
            press(window, "step.forward" if number > order[at - 1] else "step.back")
        event = trace.events[number]
        assert window.state.event == number
        assert narration.text() == narrate(trace, number)
        assert window.place.text() == f"Step {number + 1} of {n}"
        if event.span >= 0:
            assert editor.current_line == trace.spans[event.span].line
        if event.kind in (EventKind.FORWARD, EventKind.UPDATE) and event.values and event.values[-1] >= 0:
            shown = [view.array for view in inspector.views() if view.array is not None]
            value = trace.values[event.values[0]]
            if value.form == ValueForm.WHOLE:
                wanted = trace.array(value.id)
                assert any(a.shape == wanted.shape and np.array_equal(a, wanted, equal_nan=True) for a in shown)
    assert not action(window, "step.back").isEnabled()


@pytest.mark.parametrize("name", SAMPLES)
def test_graph_lights_the_current_step(window, qtbot, name):
    open_card(window, qtbot, name)
    run(window, qtbot)
    trace = window.state.trace
    wait_for_graph(window, qtbot)
    section = trace.sections[window.state.section]
    lit = 0
    for number in range(section.first, section.end):
        window.state.seek(number)
        event = trace.events[number]
        if event.kind in (EventKind.FORWARD, EventKind.BACKWARD):
            assert window.graph.current_keys, (number, event.op)
            lit += 1
    assert lit > 4


@pytest.mark.parametrize("name", SAMPLES)
def test_loss_falls_and_a_click_on_it_travels(window, qtbot, name):
    open_card(window, qtbot, name)
    run(window, qtbot)
    trace = window.state.trace
    plot = window.panel("loss_plot")
    qtbot.waitUntil(lambda: window.hosts["loss_plot"].is_seen and plot.plot is not None and plot.isVisible())
    [loss] = plot.names
    points = plot.points(loss)
    assert [value for _x, value in points] == [record.value for record in trace.losses]
    assert points[-1][1] < 0.75 * points[0][1]
    wanted = len(points) - 3
    place = plot.plot.place_of(*points[wanted])
    canvas = plot.plot.canvas
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.mapFrom(plot.plot, QPointF(place)).toPoint())
    qtbot.waitUntil(lambda: window.state.event == trace.losses[wanted].event)
    assert window.toolbar.iteration.currentText() == f"Iteration {wanted + 1}/{len(points)}"


def test_tensors_panel_and_inspector_agree_with_the_trace(window, qtbot):
    open_card(window, qtbot, "mlp")
    run(window, qtbot)
    trace, state = window.state.trace, window.state
    press(window, "step.last")
    window.show_panel("tensors")
    tensors = window.panel("tensors")
    qtbot.waitUntil(lambda: len(tensors.rows()) > 3)
    for row in tensors.rows():
        found = [t.id for t in trace.tensors if t.name == row[0]]
        values = [value for t in found if (value := value_at(trace, t, state.event)) is not None]
        if row[4] and values:
            assert any(row[4] == f"{trace.array(value.id).min():.4g}" for value in values), row
    weight = next(t.id for t in trace.tensors if t.name.endswith("fc1.weight") and t.requires_grad)
    state.select_tensor(weight)
    view = window.panel("inspector").views()[0]
    assert np.array_equal(view.array, trace.array(value_at(trace, weight, state.event).id))


def test_edit_and_run_again_keeps_the_view(window, qtbot):
    open_card(window, qtbot, "mlp")
    run(window, qtbot)
    wait_for_graph(window, qtbot)
    press(window, "step.next_iteration")
    for _step in range(4):
        press(window, "step.forward")
    wait_for_graph(window, qtbot)
    graph = window.graph
    place, camera = (window.state.section, window.state.event), graph.camera
    window.editor.replace_text(window.editor.toPlainText().replace("lr=0.1", "lr=0.05"))
    assert run(window, qtbot) == "ok"
    wait_for_graph(window, qtbot)
    assert (window.state.section, window.state.event) == place
    assert graph.camera == camera


def test_expression_bar_draws_a_graph_without_other_code(window, qtbot):
    press(window, "file.new")
    window.show_panel("builder")
    builder = window.panel("builder")
    builder.set_expression("loss = ((w * x + b - y) ** 2).mean()")
    for name, numbers, grad in (("x", "1 2 3", False), ("y", "2 4 6", False), ("w", "0.5", True), ("b", "0", True)):
        builder.set_variable(name, "numbers", numbers, grad)
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000) as ended:
        builder.build()
    assert ended.args == ["ok"]
    names = {tensor.name for tensor in window.state.trace.tensors}
    assert {"x", "y", "w", "b", "loss"} <= names
    assert any(event.kind == EventKind.BACKWARD for event in window.state.trace.events)
    assert problem_titles(window) == []


def test_everything_is_reached_with_the_keyboard_alone(window, qtbot):
    open_program(window, "import torch\nx = torch.ones(2, requires_grad=True)\n(x * 3).sum().backward()\n")
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000):
        qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.keyClick(window.editor, Qt.Key.Key_F10)
    before = window.state.event
    qtbot.keyClick(window.editor, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    assert window.state.event == before - 1
    for panel in window.docks:
        shortcut = action(window, f"view.panel_{panel}").shortcut()
        assert not shortcut.isEmpty(), panel
        action(window, f"view.panel_{panel}").trigger()
        qtbot.waitUntil(lambda panel=panel: window.hosts[panel].is_seen)
        focus = window.focusWidget()
        assert focus is not None and window.hosts[panel].isAncestorOf(focus), panel
