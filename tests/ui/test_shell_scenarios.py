"""What a reader does in the whole window, with real programs in the real worker."""

import os
import signal

import pytest
from driving import action, console_text, open_program, open_sample, press, problem_titles, run
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton

from graphlab.trace.records import EventKind

LINEAR = """\
import torch

x = torch.tensor([1.0, 2.0, 3.0])
w = torch.tensor(0.5, requires_grad=True)
for step in range(3):
    loss = ((w * x - 2 * x) ** 2).mean()
    loss.backward()
    print(step, loss.item())
"""
BROKEN = """\
import torch

a = torch.zeros(2, 3)
b = torch.zeros(4)
c = a + b
"""
ENDLESS = "import torch\nprint('begun')\nwhile True:\n    pass\n"


def test_first_run_prints_and_shows_the_first_iteration(window, qtbot):
    open_program(window, LINEAR)
    assert run(window, qtbot) == "ok"
    trace = window.state.trace
    assert trace.sections[window.state.section].iteration == 0
    assert console_text(window).count("\n") == 3
    assert problem_titles(window) == []
    assert window.toolbar.iteration.currentText() == "Iteration 1/3"


def test_steps_go_through_every_event_both_ways(window, qtbot):
    open_program(window, LINEAR)
    run(window, qtbot)
    press(window, "step.first")
    n = len(window.state.trace.events)
    for expected in range(1, n):
        press(window, "step.forward")
        assert window.state.event == expected
    assert not action(window, "step.forward").isEnabled()
    for expected in reversed(range(n - 1)):
        press(window, "step.back")
        assert window.state.event == expected
    assert not action(window, "step.back").isEnabled()


def test_editor_marks_the_expression_of_the_current_step(window, qtbot):
    open_program(window, LINEAR)
    run(window, qtbot)
    trace = window.state.trace
    forward = next(e for e in trace.events if e.kind == EventKind.FORWARD and e.span >= 0)
    window.state.seek(forward.id)
    assert window.editor.current_line == trace.spans[forward.span].line


def test_next_iteration_is_the_same_step_one_iteration_later(window, qtbot):
    open_program(window, LINEAR)
    run(window, qtbot)
    press(window, "step.forward")
    before = window.state.trace.events[window.state.event]
    press(window, "step.next_iteration")
    after = window.state.trace.events[window.state.event]
    assert (after.kind, after.op, after.span) == (before.kind, before.op, before.span)
    assert window.toolbar.iteration.currentText() == "Iteration 2/3"
    press(window, "step.previous_iteration")
    assert window.state.event == before.id


def test_continue_halts_at_a_breakpoint_both_ways(window, qtbot):
    open_program(window, LINEAR)
    window.editor.toggle_breakpoint(7)
    run(window, qtbot)
    press(window, "step.first")
    lines = []
    for _press in range(3):
        press(window, "step.continue")
        lines.append(window.editor.current_line)
    assert lines == [7, 7, 7]
    here = window.state.event
    press(window, "step.reverse_continue")
    assert window.editor.current_line == 7 and window.state.event < here


def test_failure_is_explained_and_the_failing_line_marked(window, qtbot):
    open_program(window, BROKEN)
    assert run(window, qtbot) == "failed"
    assert len(problem_titles(window)) == 1
    assert window.editor.problem_lines == {5: "error"}
    assert window.state.trace.events[window.state.event].kind == EventKind.ERROR
    assert "RuntimeError: The size of tensor a (3) must match the size of tensor b (4)" in console_text(window)


def test_checked_fix_is_applied_with_one_click_and_undone_with_one(window, qtbot):
    open_sample(window, "wide_linear")
    with qtbot.waitSignal(window.controller.fixes_checked, timeout=60_000):
        run(window, qtbot)
    source = window.editor.toPlainText()
    fixes = window.state.problems[0].fixes
    assert any(fix.verified for fix in fixes)
    panel = window.panel("problems")
    button = panel.findChild(QPushButton, "apply_fix")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.editor.toPlainText() != source
    assert run(window, qtbot) == "ok"
    assert problem_titles(window) == []
    press(window, "edit.undo")
    assert window.editor.toPlainText() == source


def test_fix_is_not_applied_to_a_program_that_was_changed(window, qtbot):
    open_sample(window, "wide_linear")
    window.settings.set("run/check_fixes", False)
    run(window, qtbot)
    window.editor.insertPlainText("# new\n")
    text = window.editor.toPlainText()
    window.apply_fix(window.state.problems[0].fixes[0])
    assert window.editor.toPlainText() == text
    assert "Run it again" in window.message_bar.text


def test_syntax_error_keeps_the_last_good_graph(window, qtbot):
    open_program(window, LINEAR)
    run(window, qtbot)
    trace, event = window.state.trace, window.state.event
    window.editor.setPlainText("import torch\nx = torch.tensor([1.0\nprint(x)\n")
    assert run(window, qtbot) == "refused"
    assert window.state.trace is trace and window.state.event == event
    assert len(problem_titles(window)) == 1
    assert window.editor.problem_lines
    window.editor.setPlainText(LINEAR)
    assert run(window, qtbot) == "ok"
    assert window.state.trace is not trace


def test_run_again_keeps_the_place(window, qtbot):
    open_program(window, LINEAR)
    run(window, qtbot)
    press(window, "step.next_iteration")
    press(window, "step.forward")
    place = (window.state.section, window.state.event)
    window.editor.setPlainText(LINEAR.replace("0.5", "0.7"))
    run(window, qtbot)
    assert (window.state.section, window.state.event) == place


def test_stop_ends_an_endless_program(window, qtbot):
    open_program(window, ENDLESS)
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000) as ended:
        press(window, "program.run")
        qtbot.waitUntil(lambda: "begun" in console_text(window), timeout=20_000)
        assert not action(window, "program.run").isEnabled()
        press(window, "program.stop")
    assert ended.args == ["stopped"]
    assert window.state.run_state == "idle"
    assert action(window, "program.run").isEnabled()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_worker_is_told_and_the_window_lives(window, qtbot):
    open_program(window, ENDLESS)
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000) as ended:
        press(window, "program.run")
        qtbot.waitUntil(lambda: "begun" in console_text(window), timeout=20_000)
        os.kill(window.controller.process_id, signal.SIGKILL)
    assert ended.args == ["crashed"]
    assert window.message_bar.text
    assert len(problem_titles(window)) == 1
    window.editor.setPlainText(LINEAR)
    assert run(window, qtbot) == "ok"


def test_time_limit_is_told(window, qtbot):
    window.settings.set("run/time_limit", 1.0)
    open_program(window, ENDLESS)
    assert run(window, qtbot) == "limit"
    assert "1 s" in window.message_bar.text


def test_program_without_tensors_says_so(window, qtbot):
    open_program(window, "print(1 + 1)\n")
    assert run(window, qtbot) == "ok"
    assert console_text(window) == "2\n"


def test_closing_the_window_ends_the_running_program(window, qtbot):
    open_program(window, ENDLESS)
    press(window, "program.run")
    qtbot.waitUntil(lambda: "begun" in console_text(window), timeout=30_000)
    process = window.controller.process_id
    window.editor.document().setModified(False)
    assert window.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_second_run_is_refused_while_one_runs(window, qtbot):
    open_program(window, ENDLESS)
    press(window, "program.run")
    process = window.controller.process_id
    window.controller.run()
    assert window.controller.process_id == process
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000):
        press(window, "program.stop")


def test_explain_box_answers_while_typing(window, qtbot):
    press(window, "help.explain_message")
    from graphlab.ui.explain_dialog import ExplainDialog

    dialog = window.findChild(ExplainDialog)
    dialog.box.setPlainText("RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)")
    qtbot.waitUntil(lambda: any("784" in text for text in dialog.shown), timeout=5000)
    dialog.close()


def test_a_trace_is_shown_and_followed_in_two_turns(window, qtbot):
    """Input and painting go between, so that the window answers while a long run comes in."""
    open_program(window, "import torch\nx = torch.ones(2, 2)\ny = x + 1\n")
    order = []

    def shown() -> None:
        order.append("shown")
        QTimer.singleShot(0, lambda: order.append("turn"))

    window.state.trace_changed.connect(shown)
    window.state.event_changed.connect(lambda _event: order.append("followed"))
    assert run(window, qtbot) == "ok"
    assert order[:3] == ["shown", "turn", "followed"]
