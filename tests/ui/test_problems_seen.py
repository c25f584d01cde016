"""What is seen of problems: groups, filters and keys, lit paths on the graph, pictures, and the page of a diagnosis."""

from __future__ import annotations

import msgspec
import pytest
from driving import action, open_program, press, run
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from graphlab.trace.records import Axes, Edit, Fix, Operand, Problem
from graphlab.ui import language
from graphlab.ui.panels.axes_picture import AxesPicture
from graphlab.ui.panels.problem_bar import grouped
from graphlab.ui.panels.problems import Problems

NAN = """import torch
w = torch.tensor([0.0, 1.0], requires_grad=True)
p = w * 2
loss = torch.log(p).sum()
loss.backward()
"""
CUT = """import torch
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
optimizer = torch.optim.SGD([a, b], lr=0.01)
for step in range(3):
    h = (a * 2.0).detach()
    loss = (h * b - 1.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def problem(code: str, severity: str, line: int, title: str = "", fixes: list[Fix] | None = None) -> Problem:
    return Problem(code, severity, title or f"`{code}` happened", "what", "why", "fix", line, line, fixes=fixes or [])


MANY = [
    problem("GL101", "error", 7),
    problem("GL410", "warning", 3, "Softmax without `dim`"),
    problem("GL410", "warning", 9, "Softmax again"),
    problem("GL706", "hint", 3),
]


@pytest.fixture
def panel(qtbot, state):
    shown = Problems(state)
    qtbot.addWidget(shown)
    shown.resize(1000, 300)
    shown.show()
    qtbot.waitExposed(shown)
    state.set_problems(MANY)
    return shown


def test_groups_by_severity_kind_and_line() -> None:
    assert [(title, len(group)) for title, group in grouped(MANY, "severity")] == [
        ("Errors", 1),
        ("Warnings", 2),
        ("Hints", 1),
    ]
    assert [title for title, _group in grouped(MANY, "code")] == ["GL101", "GL410", "GL706"]
    assert [title for title, _group in grouped(MANY, "line")] == ["Line 3", "Line 7", "Line 9"]
    assert grouped(MANY[:1], "severity") == [("", MANY[:1])]


def test_list_is_grouped_and_filtered(panel: Problems) -> None:
    assert panel.groups == ["Errors", "Warnings", "Hints"]
    panel.bar.choose_grouping("none")
    assert panel.groups == []
    panel.bar.filter.setText("softmax")
    assert panel.titles == ["Softmax without dim", "Softmax again"]
    panel.bar.filter.setText("line 9")
    assert panel.titles == ["Softmax again"]
    panel.bar.filter.setText("no such thing")
    assert panel.titles == [] and panel.current is None
    panel.bar.filter.clear()
    panel.bar.buttons["warning"].click()
    assert panel.titles == ["GL101 happened", "GL706 happened"]
    assert panel.bar.buttons["warning"].text() == "2"


def test_arrows_walk_over_the_titles_of_groups(panel: Problems, qtbot) -> None:
    panel.list.setFocus()
    shown = [panel.current]
    for _step in range(3):
        qtbot.keyClick(panel.list, Qt.Key.Key_Down)
        shown.append(panel.current)
    assert shown == sorted(MANY, key=lambda p: (["error", "warning", "hint"].index(p.severity), p.line))
    with qtbot.waitSignal(panel.problem_chosen) as chosen:
        qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert chosen.args == [shown[-1]]


def test_next_and_previous_go_round(panel: Problems, qtbot) -> None:
    seen = []
    panel.problem_chosen.connect(seen.append)
    for _step in range(4):
        panel.next()
    panel.previous()
    lines = [p.line for p in seen]
    assert lines == [3, 9, 3, 7, 3]


def test_first_fix_is_applied_by_key(panel: Problems, qtbot, state) -> None:
    fix = Fix("Do it", "safe", [Edit(1, 0, 1, 0, "x")])
    state.set_problems([problem("GL101", "error", 1, fixes=[fix])])
    with qtbot.waitSignal(panel.fix_requested) as wished:
        panel.apply_first()
    assert wished.args == [fix]


@pytest.mark.parametrize(("width", "beside", "under"), [(1700, True, False), (1300, True, True), (840, False, True)])
def test_nothing_of_a_problem_is_cut_in_narrow_panels(
    panel: Problems, state, width: int, beside: bool, under: bool
) -> None:
    """Words, fix and picture stand in three columns, in two, or in one: never under a horizontal scroll bar."""
    shapes = [Operand("flattened_features", [4, 3600], [0, 1], marked=[1]), Operand("w", [4096, 9], [1, 2], marked=[0])]
    axes = Axes(operands=shapes, n_columns=3, note="The last axis meets the last axis.")
    fix = Fix("Let it take 3600", "maybe", [Edit(1, 0, 1, 5, "w = 1")])
    shown = msgspec.structs.replace(problem("GL103", "error", 2, fixes=[fix]), picture=axes)
    panel.resize(width, 400)
    state.set_problems([shown], "x = 3\n")
    page = panel.detail.widget()
    page.layout().activate()
    assert panel.detail.horizontalScrollBar().maximum() == 0
    apply, picture = page.findChild(QPushButton, "apply_fix"), page.findChild(AxesPicture)

    def left(widget: QWidget) -> int:
        return widget.mapTo(page, QPoint(0, 0)).x()

    def top(widget: QWidget) -> int:
        return widget.mapTo(page, QPoint(0, 0)).y()

    assert (left(apply) > page.width() / 4) == beside
    assert (top(picture) > top(apply)) == under


def test_path_of_nan_is_lit_and_cleared_by_keys(window, qtbot) -> None:
    open_program(window, NAN)
    assert run(window, qtbot) == "ok"
    graph = window.panel("graph_view")
    assert not action(window, "view.clear_path").isEnabled()
    press(window, "problem.next")
    press(window, "problem.show_path")
    qtbot.waitUntil(lambda: bool(graph.lit_keys), timeout=10_000)
    assert graph.lit_place == "op:/log="
    assert "op:/mul=p" not in graph.lit_keys and "t:loss" in graph.lit_keys
    assert "makes −inf at [0], where p is 0" in graph.lit_notice
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.state.path is None
    assert graph.lit_keys == []


def test_cause_of_nan_is_not_lit_on_its_other_ways(window, qtbot) -> None:
    open_program(window, NAN.replace("loss = torch.log(p).sum()", "loss = (p - torch.log(p)).sum()"))
    assert run(window, qtbot) == "ok"
    graph = window.panel("graph_view")
    press(window, "problem.show_path")
    qtbot.waitUntil(lambda: bool(graph.lit_keys), timeout=10_000)
    scene, lit = graph.scene, graph._lit
    ends = {(scene.keys[a], scene.keys[b]) for a, b in scene.edge_ends[lit.edges].tolist()}
    from_cause = [end for start, end in ends if start == "t:p"]
    assert from_cause == ["op:/log="]
    assert any(start != "t:p" and end.startswith("op:/sub") for start, end in ends)


def test_card_gets_room_where_nobody_chose_the_height(window, qtbot) -> None:
    open_program(window, "import torch\nprint(torch.ones(2))\n")
    assert run(window, qtbot) == "ok"
    dock = window.docks["problems"]
    low = dock.height()
    window.editor.setPlainText("import torch\nprint(torch.ones(3, 4) + torch.ones(3))\n")
    assert run(window, qtbot) == "failed"
    qtbot.waitUntil(lambda: dock.height() > low + 50)
    window.resizeDocks([dock], [120], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: dock.height() <= 120)
    chosen = dock.height()
    assert run(window, qtbot) == "failed"
    assert dock.height() == chosen


def test_room_for_a_card_is_given_back(window, qtbot) -> None:
    fine, broken = "print(torch.ones(2))\n", "print(torch.ones(3, 4) + torch.ones(3))\n"
    open_program(window, f"import torch\n{fine}")
    assert run(window, qtbot) == "ok"
    low = window.docks["console"].height()
    window.editor.setPlainText(f"import torch\n{broken}")
    assert run(window, qtbot) == "failed"
    qtbot.waitUntil(lambda: window.docks["problems"].height() > low + 50)
    window.editor.setPlainText(f"import torch\n{fine}")
    assert run(window, qtbot) == "ok"
    qtbot.waitUntil(lambda: abs(window.docks["console"].height() - low) <= 1)


def test_long_titles_stand_in_as_many_lines_as_they_need(panel: Problems, state) -> None:
    state.set_problems([problem("GL1", "error", 1, "short"), problem("GL2", "error", 2, "a long title " * 16)])
    heights = [
        panel.list.visualItemRect(panel.list.item(row)).height()
        for row in range(panel.list.count())
        if panel.list.item(row).text() in panel.titles
    ]
    line = panel.list.fontMetrics().lineSpacing()
    assert heights[0] < 2 * line
    assert heights[1] >= 3 * line


def test_path_of_a_gradient_is_lit_to_where_it_ends(window, qtbot) -> None:
    open_program(window, CUT)
    assert run(window, qtbot) == "ok"
    graph, panel = window.panel("graph_view"), window.problems
    window.show_panel("problems")
    qtbot.waitUntil(lambda: panel.current is not None)
    assert panel.current.code == "GL731"
    qtbot.mouseClick(panel.detail.widget().findChild(QPushButton, "show_path"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(graph.lit_keys), timeout=10_000)
    assert graph.lit_place == "op:/detach=h"
    assert {"t:a", "t:h", "t:loss"} <= set(graph.lit_keys)
    assert "The path ends at detach on line 6" in graph.lit_notice
    assert not graph.grab().isNull()


def test_inspector_asks_why_and_shows_norms_where_the_path_is_whole(window, qtbot) -> None:
    open_program(window, CUT)
    assert run(window, qtbot) == "ok"
    graph, inspector, trace = window.panel("graph_view"), window.panel("inspector"), window.state.trace
    button = inspector.findChild(QPushButton, "gradient_path")
    a, b = (next(t.id for t in trace.tensors if t.name == name) for name in "ab")
    window.state.select_tensor(a)
    assert button.text() == "Why has this no gradient?"
    window.state.select_tensor(b)
    assert button.text() == "Show gradient path"
    button.click()
    qtbot.waitUntil(lambda: bool(graph.lit_keys), timeout=10_000)
    assert graph.lit_place == ""
    assert window.state.path.reason == "" and all(step.norm is not None for step in window.state.path.steps)
    press(window, "view.clear_path")
    press(window, "view.gradient_path")
    assert window.state.path is not None


def test_new_run_clears_the_path(window, qtbot) -> None:
    open_program(window, NAN)
    assert run(window, qtbot) == "ok"
    press(window, "problem.show_path")
    assert window.state.path is not None
    assert run(window, qtbot) == "ok"
    assert window.state.path is None


def test_softmax_is_pictured_in_the_inspector_and_the_problem(window, qtbot) -> None:
    program = "import torch\nimport torch.nn.functional as F\nx = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]])\n"
    open_program(window, program + "p = F.softmax(x)\ny = p + 1\n")
    assert run(window, qtbot) == "ok"
    trace, inspector = window.state.trace, window.panel("inspector")
    window.state.seek(next(e.id for e in trace.events if e.op == "softmax" and e.outputs))
    picture = inspector.sums()
    assert picture is not None
    heads = [label.text() for label in picture.findChildren(QLabel, "softmax_choice")]
    assert heads == ["dim=1  ·  used", "dim=0"]
    assert "so it took dim 1" in picture.accessibleName()
    assert not picture.grab().isNull()
    window.state.seek(next(e.id for e in trace.events if e.op == "add"))
    assert inspector.sums() is None
    assert picture.isHidden()  # at once, not only when it is deleted: other numbers stand there now
    window.show_panel("problems")
    qtbot.waitUntil(lambda: window.problems.current is not None)
    assert window.problems.detail.widget().findChild(QLabel, "softmax_choice") is not None


def test_page_of_a_diagnosis_is_shown_inside(window, qtbot) -> None:
    open_program(window, "import torch\nx = torch.ones(3, 4)\nb = torch.ones(3)\nprint(x + b)\n")
    run(window, qtbot)
    press(window, "problem.more")
    dialog = window.findChild(object, "diagnosis_dialog")
    assert dialog is not None
    assert "must match the size of tensor b" in dialog.findChild(QLabel, "diagnosis_message").text()
    assert dialog.findChild(AxesPicture, "axes_picture") is not None
    try:
        language.use("zh_CN")
        assert "关于" in dialog.windowTitle()
        assert "What happened" not in [label.text() for label in dialog.findChildren(QLabel)]
    finally:
        language.use("en")
        dialog.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axes_are_painted_with_a_sign_between_what_clashes(qtbot, state, theme: str) -> None:
    from graphlab.explain.axes import broadcast_axes

    state.set_theme(theme)
    picture = AxesPicture(broadcast_axes(["x", "b"], [[3, 4], [3]]), state)
    qtbot.addWidget(picture)
    picture.resize(picture.sizeHint())
    image = picture.grab().toImage()
    from graphlab.ui.theme import tokens

    upper, lower = picture.cell(0, 1), picture.cell(1, 1)
    between = [image.pixelColor(x, y).name() for x in range(int(upper.left()), int(upper.right()))
               for y in range(int(upper.bottom()), int(lower.top()))]  # fmt: skip
    assert tokens(theme).failed.name() in between
    assert "4 ≠ 3" in picture.accessibleName()
