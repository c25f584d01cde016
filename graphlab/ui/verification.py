"""Checks the fixes of problems in a thread: each is tried in a worker of its own, so that Run stays instant."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

if TYPE_CHECKING:
    from graphlab.session.messages import Limits
    from graphlab.trace.records import Problem


class Verification(QThread):
    """One round of checks.

    Signals:
        checked(object): the same problems, with `verified` set on what came out clean
    """

    checked = Signal(object)

    def __init__(self, problems: list[Problem], source: str, limits: Limits, parent: QObject, folder: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("verification")
        self._problems = problems
        self._source = source
        self._limits = limits
        self._folder = folder
        self._is_cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop checking; nothing is reported any more."""
        self._is_cancelled.set()

    def run(self) -> None:
        from graphlab.session.runner import Runner
        from graphlab.session.verify import verify_fixes

        with Runner(keep_warm=False) as runner:
            problems = verify_fixes(
                self._problems, self._source, runner, self._limits, self._is_cancelled.is_set, self._folder
            )
        if not self._is_cancelled.is_set():
            self.checked.emit(problems)
