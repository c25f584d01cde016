"""Programs that fail: each is explained, mended by a click with a fix that was proved, and the mending undone."""

import pytest
from driving import open_program, open_sample, press, problem_titles, run
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QPushButton

BROADCAST = """\
import torch

a = torch.ones(3, 4)
b = torch.ones(3)
c = a + b
print(c.sum())
"""
MATMUL = """\
import torch

x = torch.ones(5, 3)
w = torch.ones(4, 3, requires_grad=True)
y = x @ w
y.sum().backward()
"""
OPENERS = {
    "linear": lambda window: open_sample(window, "wide_linear"),
    "column target": lambda window: open_sample(window, "column_targets"),
    "softmax": lambda window: open_sample(window, "softmax_dim"),
    "out of memory": lambda window: open_sample(window, "out_of_memory"),
    "broadcast": lambda window: open_program(window, BROADCAST),
    "matmul": lambda window: open_program(window, MATMUL),
}


def click_checked_fix(window, qtbot):
    """Click the first fix that was proved by a re-run; returns it."""
    place, fix = next(
        (at, fix) for at, problem in enumerate(window.state.problems) for fix in problem.fixes if fix.verified
    )
    panel = window.panel("problems")
    panel.findChild(QListWidget).setCurrentRow(place)
    at = window.state.problems[place].fixes.index(fix)
    buttons = [button for button in panel.findChildren(QPushButton, "apply_fix") if button.isVisible()]
    qtbot.mouseClick(buttons[at], Qt.MouseButton.LeftButton)
    return fix


@pytest.mark.parametrize("kind", OPENERS)
def test_mistake_is_explained_mended_and_the_mending_undone(window, qtbot, kind):
    OPENERS[kind](window)
    with qtbot.waitSignal(window.controller.fixes_checked, timeout=120_000):
        status = run(window, qtbot)
    assert status == ("ok" if kind == "softmax" else "failed")
    problem = window.state.problems[0]
    assert problem.what and problem.why and problem.fix and problem.line > 0
    assert window.editor.problem_lines.get(problem.line)
    before = window.editor.toPlainText()
    click_checked_fix(window, qtbot)
    mended = window.editor.toPlainText()
    assert mended != before and "Applied" in window.message_bar.text
    assert run(window, qtbot) == "ok"
    assert problem_titles(window) == []
    press(window, "edit.undo")
    assert window.editor.toPlainText() == before
    press(window, "edit.redo")
    assert window.editor.toPlainText() == mended


def test_fix_is_applied_once_only(window, qtbot):
    open_sample(window, "wide_linear")
    with qtbot.waitSignal(window.controller.fixes_checked, timeout=120_000):
        run(window, qtbot)
    fix = click_checked_fix(window, qtbot)
    mended = window.editor.toPlainText()
    window.apply_fix(fix)
    assert window.editor.toPlainText() == mended
    assert "Run it again" in window.message_bar.text
