"""Imports what the first run needs while nobody waits for it: after the window was painted, in a thread."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from graphlab.ui.docks import PANELS

ICONS = "qtawesome"
MODULES = (
    "numpy", "graphlab.session.projects", "graphlab.session.samples", "graphlab.trace.store",
    "graphlab.session.runner", "graphlab.analysis.flow", "graphlab.analysis.steps", "graphlab.layout.arrange",
    "graphlab.explain", "graphlab.explain.narrate", "graphlab.program.edits", "graphlab.session.verify",
    "graphlab.ui.verification", "pyqtgraph",
)  # fmt: skip
"""None of them makes a Qt object that would belong to the thread: pyqtgraph makes them with its first plot."""


class Preload(QObject):
    """One thread that imports.

    Signals:
        icons_ready: the icons can be drawn without waiting
    """

    icons_ready = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._is_over = threading.Event()

    def start(self) -> None:
        """Begin."""
        # No daemon: the interpreter waits for it. An import that is cut off by the process's end crashes it.
        threading.Thread(target=self._import_all, name="preload").start()

    def stop(self) -> None:
        """The window closes: begin with no further module."""
        self._is_over.set()

    def _import_all(self) -> None:
        importlib.import_module(ICONS)
        with suppress(RuntimeError):  # the window is gone
            self.icons_ready.emit()
        from pygments.lexers.python import PythonLexer

        PythonLexer()  # the first one compiles a hundred patterns
        for name in (*(panel.target.partition(":")[0] for panel in PANELS), *MODULES):
            if self._is_over.is_set():
                return
            importlib.import_module(name)
