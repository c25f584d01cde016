"""Painting that may fail: a defect in one panel's paintEvent is told once instead of taking the window down."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

W = TypeVar("W", bound=QWidget)
log = logging.getLogger(__name__)


class PaintFailed(QEvent):
    """Sent to the window of a widget that could not paint itself; `what` names the panel and the error."""

    TYPE = QEvent.Type(QEvent.registerEventType())

    def __init__(self, what: str) -> None:
        super().__init__(self.TYPE)
        self.what = what


def guarded(paint: Callable[[W, QPaintEvent], None]) -> Callable[[W, QPaintEvent], None]:
    """A paintEvent from which no exception escapes into Qt: it would leave a painter open, which crashes the process.

    Each different error of a widget is told once, to the log and to its window.
    """
    told: set[tuple[str, str]] = set()

    @functools.wraps(paint)
    def paint_event(widget: W, event: QPaintEvent) -> None:
        try:
            paint(widget, event)
        except Exception as error:  # the edge between Qt and us; see above
            what = f"{widget.objectName() or type(widget).__name__}: {type(error).__name__}: {error}"
            if (type(widget).__name__, what) not in told:
                told.add((type(widget).__name__, what))
                log.error("%s\n%s", what, traceback.format_exc())
                QCoreApplication.postEvent(widget.window(), PaintFailed(what))

    return paint_event
