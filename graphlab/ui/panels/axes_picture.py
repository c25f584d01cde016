"""The operands' axes as boxes in columns, with the clashing ones joined in red."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from graphlab.trace.records import Axes
from graphlab.ui.painting import guarded
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

CELL = 30
COLUMN_GAP = 10
ROW_GAP = 18
MEANING = 14  # height of the line of meanings
NAME_GAP = 14


class AxesPicture(QWidget):
    """Draws an `Axes` record; as wide as it needs to be."""

    def __init__(self, axes: Axes, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("axes_picture")
        self._axes = axes
        self._state = state
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._measure()
        state.theme_changed.connect(self.update)
        self.setAccessibleName(self._as_sentence())

    def _as_sentence(self) -> str:
        return "; ".join(f"{operand.name} ({', '.join(map(str, operand.shape))})" for operand in self._axes.operands)

    def _measure(self) -> None:
        t = tokens(self._state.theme)
        mono, small = QFontMetricsF(t.mono()), QFontMetricsF(t.font(t.small_size - 1))
        operands = self._axes.operands
        self._name_width = max((mono.horizontalAdvance(operand.name) for operand in operands), default=0) + NAME_GAP
        widths = [float(CELL)] * max(1, self._axes.n_columns)
        for operand in operands:
            for axis, column in enumerate(operand.columns):
                wanted = mono.horizontalAdvance(str(operand.shape[axis])) + 14
                meaning = operand.meanings[axis] if axis < len(operand.meanings) else ""
                widths[column] = max(widths[column], wanted, small.horizontalAdvance(meaning) + 4)
        self._widths = widths
        self._lefts = [self._name_width + sum(widths[:n]) + n * COLUMN_GAP for n in range(len(widths))]
        self._has_meanings = any(any(operand.meanings) for operand in operands)
        self._row = CELL + ROW_GAP + (MEANING if self._has_meanings else 0)

    def sizeHint(self) -> QSize:
        width = self._lefts[-1] + self._widths[-1] + 6
        return QSize(int(width) + 1, int(self._row * len(self._axes.operands) - ROW_GAP + 6))

    def _cell(self, row: int, column: int) -> QRectF:
        return QRectF(self._lefts[column], 2 + row * self._row, self._widths[column], CELL)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens(self._state.theme)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        clashes: dict[int, list[QRectF]] = defaultdict(list)
        for row, operand in enumerate(self._axes.operands):
            painter.setFont(t.mono())
            painter.setPen(t.text)
            painter.drawText(
                QRectF(0, 2 + row * self._row, self._name_width - NAME_GAP, CELL),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                operand.name,
            )
            if not operand.shape:
                painter.setPen(t.text_muted)
                painter.drawText(self._cell(row, 0).adjusted(0, 0, 60, 0), Qt.AlignmentFlag.AlignVCenter, "()")
            for axis, column in enumerate(operand.columns):
                cell = self._cell(row, column)
                is_marked = axis in operand.marked
                if is_marked:
                    clashes[column].append(cell)
                painter.setFont(t.mono(bold=is_marked))
                painter.setPen(QPen(t.failed if is_marked else t.border_strong, 1.6 if is_marked else 1))
                painter.setBrush(t.failed_soft if is_marked else t.surface_raised)
                painter.drawRoundedRect(cell.adjusted(0.8, 0.8, -0.8, -0.8), 5, 5)
                painter.setPen(t.failed if is_marked else t.text)
                painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, str(operand.shape[axis]))
                meaning = operand.meanings[axis] if axis < len(operand.meanings) else ""
                if meaning:
                    painter.setFont(t.font(t.small_size - 1))
                    painter.setPen(t.text_muted)
                    below = QRectF(cell.left() - 6, cell.bottom() + 1, cell.width() + 12, MEANING)
                    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, meaning)
        self._join(
            painter, [cell for cells in clashes.values() for cell in cells] if _is_pair(clashes) else None, clashes
        )
        painter.end()

    def _join(self, painter: QPainter, pair: list[QRectF] | None, clashes: dict[int, list[QRectF]]) -> None:
        t = tokens(self._state.theme)
        painter.setPen(QPen(t.failed, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        shift = MEANING if self._has_meanings else 0
        groups = [pair] if pair else list(clashes.values())
        for cells in groups:
            cells = sorted(cells, key=QRectF.top)
            for upper, lower in pairwise(cells):
                if lower.top() > upper.bottom():
                    start = upper.center().x()
                    end = lower.center().x()
                    painter.drawLine(QLineF(start, upper.bottom() + shift + 2, end, lower.top() - 2))


def _is_pair(clashes: dict[int, list[QRectF]]) -> bool:
    """One marked axis in each of two operands, in different columns: they clash with each other."""
    return len(clashes) == 2 and all(len(cells) == 1 for cells in clashes.values())
