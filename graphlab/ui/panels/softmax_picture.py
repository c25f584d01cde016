"""What a softmax sums to 1 along which axis: for every choice of `dim` the probabilities as bars, and their sums."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from graphlab.explain import softmax as words
from graphlab.trace.records import Softmax, SoftmaxChoice
from graphlab.ui.painting import guarded
from graphlab.ui.panels.rich import rich
from graphlab.ui.state import ViewState
from graphlab.ui.theme import Tokens, tokens

CELL = 38
LEAST_CELL = 15
ROW = 26
SUM = 96  # width of the bars of sums
ONE = 44  # length of a bar that is 1
COLUMN_SUM = 40
GAP = 8
MAX_CHOICES = 5
BAR_ALPHA = 95


class SoftmaxPicture(QWidget):
    """All choices under each other, the used one first, with the sentences that belong to them."""

    def __init__(self, view: Softmax, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("softmax_picture")
        self.setAccessibleName(words.as_text(view))
        t = tokens(state.theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._label(words.title(view), t))
        for sentence in words.sentences(view):
            layout.addWidget(self._label(sentence, t))
        for choice in words.choices(view)[:MAX_CHOICES]:
            layout.addSpacing(4)
            layout.addWidget(self._head(view, choice, t))
            if len(view.axes) or choice.table:
                layout.addWidget(ChoicePicture(view, choice, state, self))
            layout.addWidget(self._label(words.choice_sentence(view, choice), t, is_muted=True))

    def _head(self, view: Softmax, choice: SoftmaxChoice, t: Tokens) -> QLabel:
        mark = words.marks(view, choice.dim)
        text = f"dim={choice.dim}"
        label = QLabel(f"{text}  ·  {mark}" if mark else text, self)
        label.setObjectName("softmax_choice")
        is_wrong = choice.dim == view.dim and view.expected not in (-1, view.dim)
        color = t.failed if is_wrong else t.update if choice.dim == view.expected else t.text
        label.setStyleSheet(f"font-weight: 600; color: {color.name()};")
        return label

    def _label(self, text: str, t: Tokens, is_muted: bool = False) -> QLabel:
        label = QLabel(rich(text, t), self)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setProperty("muted", is_muted)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label


class ChoicePicture(QWidget):
    """The table of one choice: a bar in each cell, a bar for each row's sum, one under each column, a line at 1."""

    def __init__(self, view: Softmax, choice: SoftmaxChoice, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._choice = choice
        self._state = state
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._n_columns = len(choice.table[0]) if choice.table else 0
        self._has_columns = len(view.axes) == 2
        state.theme_changed.connect(self.update)
        self.setToolTip("\n".join("  ".join(words.number(value) for value in row) for row in choice.table))

    def sizeHint(self) -> QSize:
        return QSize(self._n_columns * CELL + GAP + SUM, self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._n_columns * LEAST_CELL + GAP + SUM, self._height())

    def _height(self) -> int:
        return len(self._choice.table) * ROW + (GAP + COLUMN_SUM if self._has_columns else 0) + 4

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t, choice = tokens(self._state.theme), self._choice
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(t.mono(t.small_size - 0.5))
        room = self.width() - GAP - SUM
        cell = max(LEAST_CELL, min(CELL, room / max(self._n_columns, 1)))
        right = self._n_columns * cell + GAP
        for row, values in enumerate(choice.table):
            for column, value in enumerate(values):
                self._cell(painter, QRectF(column * cell, row * ROW, cell, ROW), value, t)
            self._row_sum(painter, QRectF(right, row * ROW, SUM, ROW), choice.row_sums[row], t)
        if self._has_columns:
            top = len(choice.table) * ROW + GAP
            for column, value in enumerate(choice.column_sums):
                self._column_sum(painter, QRectF(column * cell, top, cell, COLUMN_SUM), value, t)
        painter.end()

    def _cell(self, painter: QPainter, place: QRectF, value: float, t: Tokens) -> None:
        box = place.adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.surface_raised)
        painter.drawRoundedRect(box, 3, 3)
        if value == value:
            height = box.height() * min(max(value, 0.0), 1.0)
            color = QColor(t.forward)
            color.setAlpha(BAR_ALPHA)  # the number stands on it
            painter.setBrush(color)
            painter.drawRect(QRectF(box.left(), box.bottom() - height, box.width(), height))
        text = words.number(value)
        if painter.fontMetrics().horizontalAdvance(text) <= place.width() - 2:
            painter.setPen(t.text)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def _color(self, value: float, t: Tokens) -> QColor:
        return t.update if _is_one(value) else t.warning

    def _row_sum(self, painter: QPainter, place: QRectF, value: float, t: Tokens) -> None:
        bar = QRectF(place.left(), place.center().y() - 5, ONE * _length(value), 10)
        painter.fillRect(bar, self._color(value, t))
        one = place.left() + ONE
        painter.setPen(QPen(t.text, 1.2, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(one, place.top() + 2, one, place.bottom() - 2))
        painter.setPen(t.text)
        painter.drawText(place.adjusted(0, 0, -2, 0), _RIGHT, _sum_text(value))

    def _column_sum(self, painter: QPainter, place: QRectF, value: float, t: Tokens) -> None:
        scale = (COLUMN_SUM - 16) / 1.4
        height = scale * min(_length(value), 1.4)
        painter.fillRect(QRectF(place.center().x() - 5, place.top(), 10, height), self._color(value, t))
        painter.setPen(QPen(t.text, 1.2, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(place.left() + 3, place.top() + scale, place.right() - 3, place.top() + scale))
        text = _sum_text(value) if place.width() > 30 else words.number(value)
        if painter.fontMetrics().horizontalAdvance(text) <= place.width():
            painter.setPen(t.text)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, text)


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _is_one(value: float) -> bool:
    return abs(value - 1) < 1e-3


def _length(value: float) -> float:
    """Length of a bar in units of 1; what isn't a number has none, and more than 1.5 is cut."""
    return min(max(value, 0.0), 1.5) if value == value else 0.0


def _sum_text(value: float) -> str:
    """The sum, with a tick where it is 1: the colour isn't the only sign."""
    return "1 ✓" if _is_one(value) else words.number(value)
