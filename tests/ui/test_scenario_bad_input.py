"""What nobody wants to run, run: one clear sentence each, nothing lost, and the window lives."""

import os
import signal

import pytest
from driving import console_text, open_program, press, problem_titles, run
from PySide6.QtGui import QTextCursor

GOOD = "import torch\nx = torch.ones(2, requires_grad=True)\n(x * 3).sum().backward()\n"
PROGRAMS = {
    "recursion": ("def f(n):\n    return f(n + 1)\n\nf(0)\n", "failed", "without end"),
    "refused": ("import os\nprint(os.listdir('/'))\n", "refused", "Line 1"),
    "syntax": ("import torch\nx = torch.tensor([1.0\nprint(x)\n", "refused", "Line"),
    "endless printing": ("while True:\n    print('x' * 50)\n", "limit", "output limit"),
}


def check_alive(window, qtbot):
    """The next program runs as if nothing had been."""
    window.editor.setPlainText(GOOD)
    assert run(window, qtbot) == "ok"
    assert len(window.state.trace.events) > 4 and problem_titles(window) == []


@pytest.mark.parametrize("kind", PROGRAMS)
def test_bad_program_gets_a_sentence_and_the_next_one_runs(window, qtbot, kind):
    source, status, words = PROGRAMS[kind]
    open_program(window, source)
    assert run(window, qtbot) == status
    assert words in problem_titles(window)[0]
    assert window.editor.toPlainText() == source
    check_alive(window, qtbot)


@pytest.mark.parametrize("source", ["exit()\n", "import sys\nsys.exit(1)\n", "raise SystemExit\n", "", "print('hi')\n"])
def test_program_without_tensors_is_told(window, qtbot, source):
    open_program(window, source)
    assert run(window, qtbot) == "ok"
    assert "no tensors" in window.message_bar.text
    check_alive(window, qtbot)


def test_letters_of_all_kinds_and_windows_line_ends(window, qtbot, tmp_path):
    path = tmp_path / "program.py"
    source = (
        "import torch\r\n变量 = torch.ones(3,\trequires_grad=True)\r\nprint('😀', 变量)\r\n变量.sum().backward()\r\n"
    )
    path.write_bytes(source.encode())
    assert window.files.open_path(path)
    assert run(window, qtbot) == "ok"
    assert console_text(window).startswith("😀 tensor([1., 1., 1.]")
    assert any(tensor.name == "变量" for tensor in window.state.trace.tensors)
    press(window, "file.save")
    assert path.read_bytes() == source.encode()


def test_thousands_of_iterations_and_operators_are_seen_whole(window, qtbot):
    open_program(
        window,
        "import torch\nw = torch.tensor(0.5, requires_grad=True)\nfor i in range(3000):\n    loss = (w - 2) ** 2\n"
        "    loss.backward()\n    w.grad.zero_()\n",
    )
    assert run(window, qtbot) == "ok"
    assert len(window.state.trace.losses) == 3000
    assert len(window.panel("loss_plot").points("loss")) == 3000
    window.editor.setPlainText(
        "import torch\ny = torch.ones(2, requires_grad=True)\nfor i in range(20000):\n    y = y * 1.0001\n"
        "y.sum().backward()\n"
    )
    assert run(window, qtbot) == "ok"
    assert len(window.state.trace.events) > 40_000
    assert window.state.event >= 0


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_idle_worker_that_is_killed_is_replaced(window, qtbot):
    open_program(window, GOOD)
    assert run(window, qtbot) == "ok"
    spare = window.controller._runner_now()._spare
    qtbot.waitUntil(lambda: spare is None or spare.is_ready.is_set(), timeout=30_000)
    if spare is not None:
        os.kill(spare.process.pid, signal.SIGKILL)
        spare.process.wait()
    check_alive(window, qtbot)


def test_mark_of_a_problem_stays_at_its_line_while_the_program_is_edited(window, qtbot):
    open_program(window, "import torch\nprint(1)\nfor i in range(2000):\n    x = torch.ones(2)\ntorch.nosuch(1)\n")
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000):
        press(window, "program.run")
        window.editor.moveCursor(QTextCursor.MoveOperation.Start)
        window.editor.insertPlainText("# edited while it runs\n")
    assert window.editor.problem_lines == {6: "error"}
    window.editor.insertPlainText("# and after\n")
    assert window.editor.problem_lines == {7: "error"}
