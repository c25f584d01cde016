"""The canvas shows what the trace says, and answers mouse and keys."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from canvas_traces import MLP, record, trace_of
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from graphlab.analysis.values import value_at
from graphlab.trace.records import Event, EventKind, Section
from graphlab.trace.store import TraceError, TraceReader, TraceWriter
from graphlab.ui.canvas.camera import Camera
from graphlab.ui.canvas.values import number_text
from graphlab.ui.canvas.view import GraphView
from graphlab.ui.state import ViewState


def shown(qtbot, state: ViewState, trace: TraceReader | None, event: int = -1, size=(1100, 800)) -> GraphView:
    """A canvas with a trace, at an event."""
    view = GraphView(state)
    view.animated = False
    qtbot.addWidget(view)
    view.resize(*size)
    view.show()
    qtbot.waitExposed(view)
    if trace is not None:
        show(qtbot, state, view, trace, event)
    return view


def show(qtbot, state: ViewState, view: GraphView, trace: TraceReader, event: int = -1) -> None:
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        state.show_trace(trace)
    if event >= 0:
        go(qtbot, state, view, event)


def go(qtbot, state: ViewState, view: GraphView, event: int) -> None:
    state.seek(event)
    qtbot.waitUntil(lambda: not view.is_busy, timeout=10_000)


def event_of(trace: TraceReader, kind: EventKind, op: str, nth: int = 0) -> int:
    return [event.id for event in trace.events if event.kind == kind and event.op == op][nth]


@pytest.fixture
def linear(qtbot, state):
    trace = trace_of("linear")
    yield shown(qtbot, state, trace), state, trace
    trace.close()


@pytest.fixture
def mlp(qtbot, state):
    trace = trace_of("mlp")
    yield shown(qtbot, state, trace), state, trace
    trace.close()


def test_every_node_and_edge_of_the_flow_graph_is_drawn(mlp):
    view, _state, _trace = mlp
    assert view.scene is not None
    view.fit()
    assert sorted(view.visible_keys()) == sorted(node.key for node in view.scene.flow.nodes)
    lengths = np.diff(view.scene.geometry.offsets)
    cut = {portal.edge for portal in view.scene.geometry.picture.portals}
    assert all(lengths[edge] > 1 or edge in cut for edge in range(len(lengths)))


def test_no_two_nodes_overlap(mlp):
    view, _state, _trace = mlp
    r = view.scene.rects
    for i in range(len(r)):
        hit = (r[:, 0] < r[i, 2]) & (r[:, 2] > r[i, 0]) & (r[:, 1] < r[i, 3]) & (r[:, 3] > r[i, 1])
        assert np.flatnonzero(hit).tolist() == [i]


def test_shape_labels_stand_off_the_nodes(mlp):
    view, _state, _trace = mlp
    geometry = view.scene.geometry
    n_labels = 0
    for (x, y), width in zip(geometry.label_places, geometry.label_widths, strict=True):
        if np.isnan(x):
            continue
        n_labels += 1
        r = geometry.rects
        assert not ((r[:, 0] < x + width / 2) & (r[:, 2] > x - width / 2) & (r[:, 1] < y + 7) & (r[:, 3] > y - 7)).any()
    assert n_labels >= 0.8 * len(geometry.label_places)
    assert "3×16" in view.scene.edge_labels


def test_scalars_show_the_number_of_the_current_step(linear, qtbot):
    view, state, trace = linear
    w = next(tensor.id for tensor in trace.tensors if tensor.name == "w")
    seen = set()
    for nth in (0, 3, 9):
        event = event_of(trace, EventKind.BACKWARD, "mul", nth)
        go(qtbot, state, view, event)
        expected = trace.array(value_at(trace, w, event).id).item()
        assert view.shown_value("t:w") == number_text(expected)
        seen.add(view.shown_value("t:w"))
    assert len(seen) == 3


def test_a_gradient_shows_its_value_from_the_step_that_made_it_on(linear, qtbot):
    view, state, trace = linear
    for nth in (0, 4):
        event = event_of(trace, EventKind.BACKWARD, "mul", nth)
        go(qtbot, state, view, event)
        key = next(node.key for node in view.scene.flow.nodes if node.label == "w.grad")
        contribution = trace.events[event].outputs[0]
        expected = number_text(trace.array(value_at(trace, contribution, event).id).item())
        assert view.shown_value(key) == expected
        accumulated = next(e.id for e in trace.events[event:] if e.kind == EventKind.UPDATE) - 1
        go(qtbot, state, view, accumulated)
        assert view.shown_value(key) == expected


def test_heat_map_is_painted_from_the_trace(mlp, qtbot):
    view, state, trace = mlp
    go(qtbot, state, view, len(trace.events) - 1)
    assert view.shown_value("t:x") == "heat map 3×2"
    view.set_camera(Camera(view.scene.rects[view.scene.index["t:x"], 0] - 50, 0, 2.0))
    view.reveal("t:x")
    paint_fully(view, qtbot)
    rect = view.rect_of("t:x")
    picture = view.grab().toImage().copy(rect)
    colors = {picture.pixel(x, y) for x in range(rect.width() // 2, rect.width()) for y in range(0, rect.height(), 3)}
    from graphlab.ui.theme import heat_colors

    strongest = tuple(int(c) for c in heat_colors("light")[255][:3])
    assert any(((c >> 16) & 255, (c >> 8) & 255, c & 255) == strongest for c in colors)


def test_what_has_not_happened_yet_is_dimmed_and_shows_no_value(linear, qtbot):
    view, state, trace = linear
    event = event_of(trace, EventKind.FORWARD, "mul", 2)
    go(qtbot, state, view, event)
    assert view.has_happened("t:x") and not view.has_happened("t:loss")
    assert view.shown_value("t:loss") == ""
    go(qtbot, state, view, event_of(trace, EventKind.BACKWARD, "mul", 2))
    assert view.has_happened("t:loss") and view.shown_value("t:loss") != ""


def test_the_current_step_is_lit_at_every_event_both_ways(linear, qtbot):
    view, state, trace = linear
    section = trace.sections[2]
    events = list(range(section.first, section.end))
    drawn = {EventKind.FORWARD, EventKind.BACKWARD, EventKind.UPDATE}
    for event in [*events, *reversed(events)]:
        go(qtbot, state, view, event)
        if trace.events[event].kind in drawn:
            assert view.current_keys, trace.events[event]
        marked = [line for line in view.text().splitlines() if line.startswith("*")]
        assert len(marked) == len(view.current_keys)


def test_text_lists_nodes_with_shape_kind_and_sources(linear):
    view, _state, _trace = linear
    lines = view.text().splitlines()
    assert any(line.split() == ["y_pred", "5", "float32", "intermediate", "<-", "add"] for line in lines)
    assert any(line.split()[:2] == ["mse_loss", "backward"] for line in lines)


def test_click_selects_the_node_and_its_tensor(mlp, qtbot):
    view, state, trace = mlp
    view.fit()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect_of("t:out").center())
    assert state.node == "t:out"
    assert trace.tensors[state.tensor].name == "out"
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert state.node == ""


def test_click_on_an_operator_shows_what_it_made_and_keeps_the_operator(mlp, qtbot):
    view, state, trace = mlp
    view.fit()
    key = next(node.key for node in view.scene.flow.nodes if node.label == "relu")
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect_of(key).center())
    assert state.node == key
    assert trace.tensors[state.tensor].shape == [3, 16]
    assert state.node_event == view.scene.events[view.scene.index[key]]


def test_double_click_goes_to_the_step(mlp, qtbot):
    view, state, trace = mlp
    view.fit()
    key = next(node.key for node in view.scene.flow.nodes if node.label == "relu backward")
    place = view.rect_of(key).center()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=view.rect_of(key).center())
    assert trace.events[state.event].op == "relu" and trace.events[state.event].kind == EventKind.BACKWARD


def test_node_at_finds_every_visible_node(mlp):
    view, _state, _trace = mlp
    view.fit()
    for key in view.visible_keys():
        assert view.node_at(view.rect_of(key).center()) == key
    assert view.node_at(QPoint(1, 1)) == ""
    assert view.rect_of("no such node") == QRect()


def test_wheel_with_ctrl_zooms_about_the_cursor(mlp, qtbot):
    view, _state, _trace = mlp
    view.fit()
    place = view.rect_of("t:h").center()
    before = view.camera
    wheel(view, place, 240, Qt.KeyboardModifier.ControlModifier)
    assert view.camera.scale == pytest.approx(before.scale * 1.2**2)
    assert view.node_at(place) == "t:h"
    assert (view.rect_of("t:h").center() - place).manhattanLength() <= 2


def test_wheel_without_ctrl_pans(mlp, qtbot):
    view, _state, _trace = mlp
    before = view.rect_of("t:h")
    wheel(view, QPoint(400, 300), -120, Qt.KeyboardModifier.NoModifier)
    assert view.rect_of("t:h").top() < before.top() and view.rect_of("t:h").left() == before.left()


def test_drag_moves_the_paper_and_selects_nothing(mlp, qtbot):
    view, state, _trace = mlp
    view.fit()
    before = view.rect_of("t:h").center()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=before)
    qtbot.mouseMove(view, before + QPoint(40, 30))
    qtbot.mouseMove(view, before + QPoint(90, 70))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=before + QPoint(90, 70))
    assert (view.rect_of("t:h").center() - before - QPoint(90, 70)).manhattanLength() <= 2
    assert state.node == ""


def test_panning_by_shifting_the_frame_paints_the_same_picture(mlp, qtbot):
    view, _state, _trace = mlp
    view.set_camera(Camera(0, 0, 1.0))
    paint_fully(view, qtbot)
    for delta in ((37, 0), (0, -53), (-91, 64)):
        view.set_camera(view.camera.moved(*delta))
        view.grab()
    paint_fully(view, qtbot)
    moved = view.grab().toImage()
    view._redraw()
    paint_fully(view, qtbot)
    assert difference(moved, view.grab().toImage()) < 0.002


def test_labels_at_the_rim_are_whole_when_panning_brings_them_in(mlp, qtbot):
    """A strip that comes into view may hold half a label whose thin edge stays outside of it."""
    view, _state, _trace = mlp
    scene = view.scene
    boxes = scene.geometry.edge_boxes
    jut = scene.geometry.label_widths * ~np.isnan(scene.geometry.label_places[:, 0]) - (boxes[:, 2] - boxes[:, 0])
    widest = int(np.argmax(jut))
    x, y = scene.geometry.label_places[widest].tolist()
    half = scene.geometry.label_widths[widest] / 2
    for start in (x + 0.4 * half, x - 0.4 * half - view.width()):  # a part of it stands in view, its edge doesn't
        view.set_camera(Camera(start, y - 300, 1.0))
        paint_fully(view, qtbot)
        view.set_camera(view.camera.moved(60 if start > x else -60, 0))
        paint_fully(view, qtbot)
        moved = view.grab().toImage()
        view._redraw()
        paint_fully(view, qtbot)
        place = view.camera.to_widget(x - half, y - 7)
        label = QRect(int(place[0]), int(place[1]), int(2 * half) + 1, 14)
        assert difference(moved.copy(label), view.grab().toImage().copy(label)) < 0.002


def test_results_of_the_step_are_brought_into_view_with_it(qtbot, state):
    trace = trace_of("mlp")
    view = shown(qtbot, state, trace, size=(700, 240))
    view.set_camera(Camera(0, 0, 1.0))
    for event in range(len(trace.events)):
        go(qtbot, state, view, event)
        rects = [view.rect_of(key) for key in view.current_keys]
        around = QRect()
        for rect in rects:
            around = around.united(rect)
        if rects and around.height() < 200 and around.width() < 660:
            assert view.rect().contains(around), (event, trace.events[event].op)
    trace.close()


def test_arrow_keys_walk_along_edges(mlp, qtbot):
    view, state, _trace = mlp
    state.select_node("t:h")
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.scene.flow.nodes[view.scene.index[state.node]].label == "relu"
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert state.node == "t:h"
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.scene.flow.nodes[view.scene.index[state.node]].label == "linear"


def test_enter_goes_to_the_selected_step_and_escape_lets_go(mlp, qtbot):
    view, state, trace = mlp
    state.select_node("t:h")
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert trace.events[state.event].op == "relu"
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert state.node == ""


def test_n_and_p_visit_every_node_in_the_order_of_the_run(linear, qtbot):
    view, state, _trace = linear
    visited = []
    for _ in range(view.scene.n_nodes):
        qtbot.keyClick(view, Qt.Key.Key_N)
        visited.append(state.node)
    assert visited == view.scene.keys
    qtbot.keyClick(view, Qt.Key.Key_P)
    assert state.node == view.scene.keys[-2]
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert state.node == view.scene.keys[0]
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert state.node == view.scene.keys[-1]


def test_tab_leaves_the_canvas(qtbot, state):
    trace = trace_of("linear")
    around = QWidget()
    qtbot.addWidget(around)
    view = GraphView(state)
    before, after = QPushButton("before"), QPushButton("after")
    box = QVBoxLayout(around)
    for widget in (before, view, after):
        box.addWidget(widget)
    around.show()
    qtbot.waitExposed(around)
    show(qtbot, state, view, trace)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    assert around.focusWidget() is after and state.node == ""
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Backtab)
    assert around.focusWidget() is before
    trace.close()


def test_an_arrow_key_selects_the_current_step_first(mlp, qtbot):
    view, state, _trace = mlp
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert state.node in view.scene.index


def test_find_highlights_and_cycles(mlp):
    view, state, _trace = mlp
    assert view.find("relu") == 2
    first = state.node
    assert view.find_next() != first
    assert view.find_next() == first
    assert view.find("no such thing") == 0
    assert view.find("") == 0


def test_keys_stay_and_the_view_stands_still_from_iteration_to_iteration(mlp, qtbot):
    view, state, trace = mlp
    view.follow = False
    iterations = [section for section in trace.sections if section.kind == "iteration"]
    go(qtbot, state, view, iterations[0].first)
    layout = view.scene.geometry
    view.set_camera(Camera(10, 20, 0.9))
    places = {key: view.rect_of(key) for key in view.visible_keys()}
    go(qtbot, state, view, iterations[3].first)
    assert view.scene.flow.section == iterations[3].index
    assert view.scene.geometry is layout, "the same structure is not laid out again"
    assert {key: view.rect_of(key) for key in view.visible_keys()} == places


def test_edit_and_run_again_keeps_zoom_and_the_selected_node_in_place(mlp, qtbot, state, tmp_path):
    view, state, _trace = mlp
    other = TraceReader(
        record(
            MLP.replace("{inner}", "16").replace("F.relu(", "F.relu(F.relu(").replace("fc1(x))", "fc1(x)))"),
            tmp_path / "edited.trace",
        )
    )
    view.set_camera(Camera(0, 0, 0.8))
    state.select_node("t:out")
    view.reveal("t:out")
    zoom, place = view.camera.scale, view.rect_of("t:out").center()
    show(qtbot, state, view, other)
    assert [node.label for node in view.scene.flow.nodes].count("relu") == 2
    assert view.camera.scale == zoom
    assert (view.rect_of("t:out").center() - place).manhattanLength() <= 2
    other.close()


def test_folding_a_module_keeps_its_title_under_the_mouse(mlp, qtbot):
    view, _state, _trace = mlp
    view.set_camera(Camera(-40, -40, 1.0))
    box = next(
        box for box in view.scene.geometry.picture.groups if view.scene.flow.groups[box.group].path.endswith("fc2")
    )
    path = view.scene.flow.groups[box.group].path
    n_before = view.scene.n_nodes
    sign = QPointF(*view.camera.to_widget(box.x0 + 14, box.y0 + 12)).toPoint()
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=sign)
    assert view.collapsed == {path}
    assert view.scene.n_nodes < n_before
    folded = view.rect_of(f"module:{path}")
    corner = QPointF(*view.camera.to_widget(box.x0, box.y0)).toPoint()
    assert folded.contains(sign)
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(folded.left() + 16, folded.center().y()))
    assert view.scene.n_nodes == n_before and not view.collapsed
    again = next(b for b in view.scene.geometry.picture.groups if view.scene.flow.groups[b.group].path == path)
    now = QPointF(*view.camera.to_widget(again.x0, again.y0)).toPoint()
    assert (now - folded.topLeft()).manhattanLength() <= 2 or (now - corner).manhattanLength() <= 2


def test_space_folds_the_module_of_the_selected_node_and_unfolds_it(mlp, qtbot):
    view, state, _trace = mlp
    key = next(node.key for node in view.scene.flow.nodes if node.label == "linear" and node.module == "net.fc2")
    state.select_node(key)
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        qtbot.keyClick(view, Qt.Key.Key_Space)
    assert view.collapsed == {"net.fc2"} and state.node == "module:net.fc2"
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        qtbot.keyClick(view, Qt.Key.Key_Space)
    assert not view.collapsed and key in view.scene.index


def test_a_trace_that_contradicts_itself_is_told_and_the_picture_stays(mlp, qtbot, tmp_path):
    view, state, _trace = mlp
    n = view.scene.n_nodes
    writer = TraceWriter(tmp_path / "bad")
    writer.add("event", Event(0, EventKind.FORWARD, "relu", inputs=[7], outputs=[9], values=[3]))
    writer.add("section", Section(0, "iteration", 0, 0, 1))
    writer.close()
    try:
        bad = TraceReader(tmp_path / "bad")
    except TraceError:
        return  # refused before it got here, which is as good
    with qtbot.waitSignal(view._loader.failed):
        state.show_trace(bad)
    assert view.scene.n_nodes == n and "could not be drawn" in view._failure
    view.grab()
    bad.close()


def test_a_view_may_go_while_its_layout_is_on_its_way(qtbot, state):
    trace = trace_of("mlp")
    view = GraphView(state)
    view.resize(600, 400)
    state.show_trace(trace)
    threads = [thread for thread in threading.enumerate() if thread.name == "graph layout"]
    view.deleteLater()
    with qtbot.waitSignal(view.destroyed):
        pass
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    trace.close()


def test_an_error_marks_the_node_and_keeps_what_was_computed(qtbot, state):
    trace = trace_of("failing")
    view = shown(qtbot, state, trace, len(trace.events) - 1)
    lines = view.text().splitlines()
    nodes = view.scene.flow.nodes
    failed = [node for node in nodes if node.failed]
    assert [node.label for node in failed] == ["linear"]
    assert failed[0].key in view.current_keys
    assert view.shown_value("t:h") == "heat map 3×16"
    assert any(node.ghost for node in nodes) and any(line.startswith("?") for line in lines)
    view.fit()
    trace.close()


def test_follow_brings_the_step_into_view_without_zooming(mlp, qtbot):
    view, state, trace = mlp
    go(qtbot, state, view, trace.sections[1].first)
    view.set_camera(Camera(-5000, -5000, 1.4))
    go(qtbot, state, view, event_of(trace, EventKind.BACKWARD, "linear"))
    assert view.camera.scale == 1.4
    assert set(view.current_keys) & set(view.visible_keys())
    view.follow = False
    view.set_camera(Camera(-5000, -5000, 1.4))
    go(qtbot, state, view, event_of(trace, EventKind.FORWARD, "relu"))
    assert view.camera == Camera(-5000, -5000, 1.4)


def test_a_tensor_chosen_elsewhere_is_selected_here(mlp):
    view, state, trace = mlp
    tensor = view.scene.flow.nodes[view.scene.index["t:h"]].tensor
    state.select_tensor(tensor)
    assert state.node == "t:h"
    assert trace.tensors[tensor].name == "h"


def test_a_stretch_that_only_prints_keeps_the_picture(linear, qtbot):
    view, state, trace = linear
    go(qtbot, state, view, len(trace.events) - 2)
    n = view.scene.n_nodes
    go(qtbot, state, view, len(trace.events) - 1)
    assert trace.events[-1].kind == EventKind.PRINT
    assert view.scene.n_nodes == n > 0
    assert view.has_happened("t:loss")


def test_without_a_trace_and_without_tensors_the_canvas_teaches(qtbot, state):
    view = shown(qtbot, state, None)
    assert view.visible_keys() == [] and view.text() == "" and view.node_at(QPoint(5, 5)) == ""
    empty = view.grab().toImage()
    trace = trace_of("empty")
    show(qtbot, state, view, trace)
    assert view.scene.n_nodes == 0
    assert difference(empty, view.grab().toImage()) > 0
    trace.close()


def test_only_the_newest_request_is_answered(qtbot, state):
    trace = trace_of("mlp")
    view = shown(qtbot, state, trace)
    answers = []
    view.layout_ready.connect(lambda: answers.append(view.collapsed))
    view.set_collapsed(frozenset({"net.fc1"}))
    view.set_collapsed(frozenset({"net.fc1", "net.fc2"}))
    view.set_collapsed(frozenset({"net.fc2"}))
    qtbot.waitUntil(lambda: not view.is_busy, timeout=10_000)
    assert answers == [frozenset({"net.fc2"})]
    assert "module:net.fc2" in view.scene.index and "module:net.fc1" not in view.scene.index
    trace.close()


def test_dark_theme_repaints_in_its_colours(mlp):
    from graphlab.ui.theme import tokens

    view, state, _trace = mlp
    state.set_theme("dark")
    assert view.grab().toImage().pixelColor(2, 2) == tokens("dark").canvas


def test_screen_readers_are_told_of_the_selected_node(mlp):
    view, state, _trace = mlp
    state.select_node("t:h")
    assert view.accessibleDescription().startswith("h, tensor, 3×16 float32")


def test_context_menu_copies_names_and_leads_to_the_program(mlp, qtbot, qapp):
    view, _state, trace = mlp
    node = view.scene.index["t:h"]
    menu = view.context_menu(node)
    actions = {action.text(): action for action in menu.actions()}
    actions["Copy name"].trigger()
    assert qapp.clipboard().text() == "h"
    with qtbot.waitSignal(view.source_requested) as asked:
        actions["Show in the program"].trigger()
    assert trace.events[asked.args[0]].op == "relu"
    assert trace.spans[view.span_of("t:h")].line == 12
    menu.deleteLater()


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_export_writes_the_whole_graph(mlp, tmp_path, suffix):
    view, _state, _trace = mlp
    path = tmp_path / f"graph.{suffix}"
    view.export_image(path)
    if suffix == "svg":
        text = path.read_text(encoding="utf-8")
        assert text.count("cross_entropy") >= 2 and "3×16" in text
    else:
        picture = QImage(str(path))
        x0, _y0, x1, _y1 = view.scene.geometry.bounds
        assert picture.width() >= 1.9 * (x1 - x0)


def test_export_to_an_impossible_place_says_so(mlp, tmp_path):
    view, _state, _trace = mlp
    for name in ("a.svg", "a.png"):
        with pytest.raises(OSError, match="no such folder"):
            view.export_image(tmp_path / "no such folder" / name)


def wheel(view: GraphView, place: QPoint, delta: int, modifiers: Qt.KeyboardModifier) -> None:
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtGui import QWheelEvent

    event = QWheelEvent(
        QPointF(place),
        QPointF(view.mapToGlobal(place)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QCoreApplication.sendEvent(view, event)


def paint_fully(view: GraphView, qtbot) -> None:
    """Paint until no tile is missing."""

    def is_complete() -> bool:
        view.grab()
        return view._navigator.is_settled and not view._frame.is_incomplete

    qtbot.waitUntil(is_complete, timeout=5_000)


def difference(first: QImage, second: QImage) -> float:
    """Share of pixels that differ by more than a shade."""
    assert first.size() == second.size()
    a, b = (
        np.frombuffer(image.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint8)
        .reshape(-1, 4)[:, :3]
        .astype(int)
        for image in (first, second)
    )
    return float((np.abs(a - b).max(axis=1) > 24).mean())


RESIDUAL_CHAIN = """
import torch
x = torch.randn(2, 2, requires_grad=True)
first = x * 2
h = first
for i in range(30):
    h = torch.relu(h) + 1
loss = (h + first).sum()
"""


def test_a_click_on_a_portal_leads_to_its_other_end(qtbot, state, tmp_path):
    trace = TraceReader(record(RESIDUAL_CHAIN, tmp_path / "chain.trace"))
    view = shown(qtbot, state, trace)
    (portal,) = view.scene.geometry.picture.portals
    assert portal.name == "first"
    for here, there in ((portal.from_place, portal.to_place), (portal.to_place, portal.from_place)):
        view.set_camera(view.camera.zoomed(1 / view.camera.scale, 0, 0).placing(here, (400, 300)))
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
        assert view.camera.to_widget(*there) == pytest.approx((400, 300), abs=1)
    trace.close()


SHARED = """
import torch
W = torch.randn(2, 2, requires_grad=True)
h = torch.ones(1, 2)
for i in range(8):
    h = torch.tanh(h @ W)
"""


def test_any_box_of_a_shared_weight_selects_its_tensor(qtbot, state, tmp_path):
    trace = TraceReader(record(SHARED, tmp_path / "shared.trace"))
    view = shown(qtbot, state, trace)
    boxes = [key for key in view.scene.keys if key.startswith("t:W")]
    assert len(boxes) > 4
    for key in boxes:
        view.reveal(key)
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect_of(key).center())
        assert state.node == key and trace.tensors[state.tensor].name == "W"
        assert view.shown_value(key) == "heat map 2×2"
    trace.close()


@pytest.mark.parametrize("size", [(560, 320), (800, 420), (1100, 800), (1500, 1200)])
def test_names_can_be_read_in_the_first_view(qtbot, state, size):
    trace = trace_of("mlp")
    view = shown(qtbot, state, trace, size=size)
    scene = view.scene
    assert view.camera.scale >= 0.6
    assert view._is_in_view(int(np.argmin(scene.rects[:, 1])))
    view.fit()
    assert set(view.visible_keys()) == set(scene.keys)
    trace.close()


def test_what_comes_into_view_by_panning_is_painted_in_full_soon(mlp, qtbot, monkeypatch):
    view, _state, _trace = mlp
    view.set_camera(Camera(0, 0, 1.0))
    paint_fully(view, qtbot)
    view._renderer.atlas.clear()
    rushed = view.view
    monkeypatch.setattr(view, "view", lambda: replace(rushed(), tile_seconds=0.0))
    view.set_camera(view.camera.moved(40, -300))  # both a strip at the side and one below
    view.grab()
    assert view._frame.is_incomplete
    monkeypatch.undo()
    qtbot.waitUntil(lambda: not view._frame.is_incomplete, timeout=5_000)
