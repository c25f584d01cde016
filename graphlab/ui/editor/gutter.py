"""The strip left of the text: line numbers, breakpoints, the arrow of the current step, marks of problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from graphlab.i18n import N_
from graphlab.ui.language import say
from graphlab.ui.painting import guarded
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent

    from graphlab.ui.editor.editor import Editor

MARKS = 18  # width of the column of breakpoints and arrows
GAP = 10  # between the numbers and the text


class Gutter(QWidget):
    """Drawn beside an `Editor`.

    Signals:
        line_clicked(int): the reader clicked beside a line, from 1
    """

    line_clicked = Signal(int)

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self._editor = editor
        self._hovered = 0
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        say(self.setToolTip, N_("Click to set or remove a breakpoint"))
        say(self.setAccessibleName, N_("Line numbers and breakpoints"))

    def width_needed(self) -> int:
        """Width for the numbers of all lines."""
        digits = max(3, len(str(self._editor.blockCount())))
        return MARKS + self._editor.fontMetrics().horizontalAdvance("9") * digits + GAP

    def sizeHint(self) -> QSize:
        return QSize(self.width_needed(), 0)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        editor = self._editor
        t = tokens(editor.theme)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), t.surface)
        font = editor.font()
        painter.setFont(font)
        current = editor.textCursor().blockNumber() + 1
        right = self.width() - GAP
        problems = editor.problem_lines
        for line, top, height in editor.visible_lines(event.rect().top(), event.rect().bottom()):
            if line in problems:
                color = t.failed if problems[line] == "error" else t.warning
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawRect(QRectF(self.width() - 3, top, 3, height))
            painter.setPen(t.text if line == current else t.text_muted)
            painter.drawText(
                QRectF(0, top, right, height), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(line)
            )
            middle = QPointF(MARKS / 2 + 1, top + height / 2)
            if line in editor.breakpoints:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(t.failed)
                painter.drawEllipse(middle, 4.5, 4.5)
            elif line == self._hovered:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(t.border_strong)
                painter.drawEllipse(middle, 4, 4)
            if line == editor.current_line:
                painter.setPen(t.surface)
                painter.setBrush(t.current.darker(105))
                x, y = middle.x(), middle.y()
                painter.drawPolygon(
                    QPolygonF(
                        [
                            QPointF(x - 5, y - 2.5),
                            QPointF(x, y - 2.5),
                            QPointF(x, y - 6),
                            QPointF(x + 6, y),
                            QPointF(x, y + 6),
                            QPointF(x, y + 2.5),
                            QPointF(x - 5, y + 2.5),
                        ]
                    )
                )
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and (line := self._editor.line_at(event.position().y())):
            self.line_clicked.emit(line)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._editor.line_at(event.position().y()))

    def leaveEvent(self, event) -> None:
        self._hover(0)

    def _hover(self, line: int) -> None:
        if line != self._hovered:
            self._hovered = line
            self.update()
