"""Starts the window. Imports as little as it can: what is heavy comes after the first picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow


def create_application(argv: list[str] | None = None) -> QApplication:
    """The application object: the one that there is, or a new one."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    sys.setswitchinterval(0.001)  # threads that read and lay out keep the window from painting no longer than this
    app = QApplication(argv if argv is not None else sys.argv[:1])
    app.setApplicationName("graphlab")
    app.setApplicationDisplayName("GraphLab")
    app.setDesktopFileName("graphlab")
    app.setStyle("Fusion")  # the same on every system, and what the stylesheet was made for
    return app


def create_window(path: str | Path | None = None) -> MainWindow:
    """A main window, not shown yet, with `path` opened in it (a program, a project folder or a saved trace)."""
    create_application()
    from graphlab.ui.window import MainWindow

    window = MainWindow()
    if path is not None:
        window.files.open_path(Path(path))
    return window


def main(argv: list[str] | None = None) -> int:
    """Show the window and stay until it is closed. `argv`: at most one path."""
    arguments = sys.argv[1:] if argv is None else argv
    app = create_application()
    window = create_window(arguments[0] if arguments else None)
    window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
