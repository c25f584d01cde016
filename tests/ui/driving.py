"""What a reader does, as functions: tests of whole windows are written in these words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow

RUN_TIMEOUT = 30_000  # ms; the first worker imports NumPy on a busy machine


def action(window: MainWindow, name: str) -> QAction:
    """The command with this id."""
    found = window.findChild(QAction, name)
    assert found is not None, f"there is no command {name}"
    return found


def press(window: MainWindow, name: str) -> None:
    """Give a command; it must be one that can be given now."""
    command = action(window, name)
    window.commands.update()
    assert command.isEnabled(), f"{name} cannot be used now"
    command.trigger()


def open_program(window: MainWindow, source: str) -> None:
    """Start a new program with this text."""
    window.editor.document().setModified(False)
    press(window, "file.new")
    window.editor.setPlainText(source)
    window.editor.document().setModified(False)


def open_sample(window: MainWindow, name: str) -> None:
    """Open a sample as its card does."""
    window.files.open_sample(name)
    assert window.has_program


def run(window: MainWindow, qtbot) -> str:
    """Press Run and wait for the end; returns the status of the outcome."""
    with qtbot.waitSignal(window.controller.run_ended, timeout=RUN_TIMEOUT) as ended:
        press(window, "program.run")
    return ended.args[0]


def problem_titles(window: MainWindow) -> list[str]:
    """What the problems panel lists."""
    return window.panel("problems").titles


def console_text(window: MainWindow) -> str:
    """What the console shows."""
    return window.panel("console").text
