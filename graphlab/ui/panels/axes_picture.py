"""The operands' axes as boxes in columns, with the clashing ones joined in red and marked ≠, stretched ones dotted."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from graphlab.explain.axes import as_text, cells_of, clashes
from graphlab.trace.records import Axes, Operand
from graphlab.ui.painting import guarded
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

CELL = 30
COLUMN_GAP = 10
ROW_GAP = 24
MEANING = 14  # height of the line of meanings
NAME_GAP = 14
SIGN = 9  # radius of the disc with the sign on a joint


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
        self.setAccessibleName(as_text(axes))

    def _measure(self) -> None:
        t = tokens(self._state.theme)
        mono, small = QFontMetricsF(t.mono(bold=True)), QFontMetricsF(t.font(t.small_size - 1))
        operands = self._axes.operands
        self._name_width = max((mono.horizontalAdvance(operand.name) for operand in operands), default=0) + NAME_GAP
        widths = [float(CELL)] * max(1, self._axes.n_columns)
        used = {column for operand in operands for column in (*operand.columns, *operand.dotted)}
        for operand in operands:
            for place, (column, cell) in enumerate(zip(operand.columns, cells_of(operand))):
                wanted = mono.horizontalAdvance(cell) + 14
                meaning = _meaning(operand, place)
                widths[column] = max(widths[column], wanted, small.horizontalAdvance(meaning) + 4)
        for column in range(len(widths)):
            if column not in used and operands:
                widths[column] = 0.0
        self._widths = widths
        self._lefts = [self._name_width + sum(widths[:n]) + n * COLUMN_GAP for n in range(len(widths))]
        # The room for words is kept under every row, so that the joints are equally long.
        self._has_meanings = any(any(operand.meanings) for operand in operands)
        self._row = CELL + ROW_GAP + (MEANING if self._has_meanings else 0)

    def sizeHint(self) -> QSize:
        width = self._lefts[-1] + self._widths[-1] + 6
        return QSize(int(width) + 1, int(self._row * len(self._axes.operands) - ROW_GAP + 6))

    def cell(self, row: int, column: int) -> QRectF:
        """Where the box of a row in a column stands."""
        return QRectF(self._lefts[column], 2 + row * self._row, self._widths[column], CELL)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens(self._state.theme)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, operand in enumerate(self._axes.operands):
            painter.setFont(t.mono())
            painter.setPen(t.text)
            painter.drawText(
                QRectF(0, 2 + row * self._row, self._name_width - NAME_GAP, CELL),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                operand.name,
            )
            if not operand.shape and not operand.cells and not operand.dotted:
                painter.setPen(t.text_muted)
                painter.drawText(self.cell(row, 0).adjusted(0, 0, 60, 0), Qt.AlignmentFlag.AlignVCenter, "()")
            for column in operand.dotted:
                if column not in operand.columns:
                    self._box(painter, self.cell(row, column), "", is_dotted=True)
            for place, (column, text) in enumerate(zip(operand.columns, cells_of(operand))):
                cell = self.cell(row, column)
                self._box(painter, cell, text, column in operand.dotted, place in operand.marked)
                meaning = _meaning(operand, place)
                if meaning:
                    painter.setFont(t.font(t.small_size - 1))
                    painter.setPen(t.text_muted)
                    below = QRectF(cell.left() - 6, cell.bottom() + 1, cell.width() + 12, MEANING)
                    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, meaning)
        for upper, lower in clashes(self._axes):
            self._join(painter, self._rect(upper), self._rect(lower))
        painter.end()

    def _rect(self, box: tuple[int, int]) -> QRectF:
        row, place = box
        return self.cell(row, self._axes.operands[row].columns[place])

    def _box(
        self, painter: QPainter, cell: QRectF, text: str, is_dotted: bool = False, is_marked: bool = False
    ) -> None:
        t = tokens(self._state.theme)
        pen = QPen(t.failed if is_marked else t.border_strong, 1.6 if is_marked else 1)
        if is_dotted:
            pen = QPen(t.text_muted, 1.4)
            pen.setDashPattern([1.2, 2.6])
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.setBrush(t.failed_soft if is_marked else Qt.BrushStyle.NoBrush if is_dotted else t.surface_raised)
        painter.drawRoundedRect(cell.adjusted(0.8, 0.8, -0.8, -0.8), 5, 5)
        painter.setFont(t.mono(bold=is_marked))
        painter.setPen(t.failed if is_marked else t.text_muted if is_dotted else t.text)
        painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)

    def _join(self, painter: QPainter, upper: QRectF, lower: QRectF) -> None:
        """A line between two boxes, and on it the sign that says how they stand to each other."""
        t = tokens(self._state.theme)
        shift = MEANING if self._has_meanings else 0
        line = QLineF(upper.center().x(), upper.bottom() + shift + 1, lower.center().x(), lower.top() - 1)
        painter.setPen(QPen(t.failed, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(line)
        middle: QPointF = line.center()
        painter.setBrush(t.surface)
        painter.setPen(QPen(t.failed, 1.2))
        painter.drawEllipse(middle, SIGN, SIGN)
        painter.setPen(t.failed)
        painter.setFont(t.font(t.ui_size, bold=True))
        disc = QRectF(middle.x() - SIGN, middle.y() - SIGN, 2 * SIGN, 2 * SIGN)
        painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, self._axes.sign)


def _meaning(operand: Operand, place: int) -> str:
    return operand.meanings[place] if place < len(operand.meanings) else ""
