"""Imports what the first run needs while nobody waits for it: after the window was painted."""

from __future__ import annotations

import importlib
import threading

from PySide6.QtCore import QObject, QTimer

DELAY = 300  # ms after the window was painted
IN_THREAD = (
    "numpy", "graphlab.trace.store", "graphlab.session.runner", "graphlab.analysis.flow", "graphlab.analysis.steps",
    "graphlab.layout.arrange", "graphlab.explain", "graphlab.explain.narrate", "graphlab.program.edits",
    "graphlab.session.verify",
)  # fmt: skip
IN_TURN = ("pyqtgraph",)  # modules with Qt objects belong to the main thread


class Preload(QObject):
    """Begins by itself a moment after `start`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left = list(IN_TURN)
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self._go_on)

    def start(self) -> None:
        """Begin soon."""
        self._timer.start()

    def stop(self) -> None:
        """The window closes."""
        self._timer.stop()

    def _go_on(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=_import_all, name="preload", daemon=True)
            self._thread.start()
            self._timer.start()
        elif self._thread.is_alive():
            self._timer.start()
        elif self._left:
            importlib.import_module(self._left.pop(0))
            self._timer.start()


def _import_all() -> None:
    for name in IN_THREAD:
        importlib.import_module(name)
