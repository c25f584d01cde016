"""The numbers of one tensor as a heat map, a table and a histogram."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QTableView,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from graphlab.analysis.statistics import magnitudes
from graphlab.i18n import N_, _, ngettext
from graphlab.ui.language import say
from graphlab.ui.painting import guarded
from graphlab.ui.theme import Tokens, heat_colors, tokens

if TYPE_CHECKING:
    import numpy.typing as npt

    from graphlab.ui.state import ViewState

Index = QModelIndex | QPersistentModelIndex
COLUMN = 78
"""Width of a number in the table; a complex one has twice that."""


def number_text(number: Any) -> str:
    """One number as short as it can be without lying: integers whole, others with four significant digits."""
    if isinstance(number, (bool, np.bool_)):
        return "True" if number else "False"
    if isinstance(number, (int, np.integer)):
        return str(int(number))
    if isinstance(number, (complex, np.complexfloating)):
        return f"{complex(number):.4g}".replace("-", "−")
    return f"{float(number):.4g}".replace("-", "−")


def heat_image(matrix: npt.NDArray[Any], theme: str) -> QImage:
    """A matrix as an image, one pixel a number: blue below 0, grey at 0, orange above; NaN and inf are left clear.

    The scale is symmetric around 0, so that the same colour means the same sign in every heat map.
    """
    numbers = np.ascontiguousarray(magnitudes(matrix), dtype=np.float64)
    finite = np.isfinite(numbers)
    top = float(np.abs(numbers[finite]).max()) if finite.any() else 1.0
    places = np.full(numbers.shape, 128, dtype=np.intp)
    places[finite] = np.rint(numbers[finite] / (top or 1.0) * 127 + 128).astype(np.intp)
    pixels = heat_colors(theme)[places]
    pixels[~finite] = (0, 0, 0, 0)
    height, width = numbers.shape
    return QImage(np.ascontiguousarray(pixels).data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def as_matrix(array: npt.NDArray[Any], lead: tuple[int, ...] = ()) -> npt.NDArray[Any]:
    """The last two axes of an array at position `lead` of the axes before them; vectors become one row."""
    if array.ndim == 0:
        return array.reshape(1, 1)
    if array.ndim == 1:
        return array.reshape(1, -1)
    return array[lead] if array.ndim > 2 else array


class HeatMap(QWidget):
    """A matrix as coloured cells, with the numbers in them where they fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matrix: npt.NDArray[Any] = np.zeros((0, 0))
        self._image = QImage()
        self._tokens: Tokens | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(72)

    def show_matrix(self, matrix: npt.NDArray[Any], t: Tokens) -> None:
        """Draw a matrix in a theme's colours."""
        self._matrix = matrix
        self._tokens = t
        self._image = heat_image(matrix, t.name) if matrix.size else QImage()
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        rows, columns = self._matrix.shape
        cell = max(16.0, min(34.0, 280 / max(columns, 1)))
        return QSize(280, int(min(240.0, max(40.0, rows * cell))) + 4)

    def _cells(self) -> tuple[QRectF, float, float]:
        """Where the cells are: the whole box and one cell's width and height."""
        rows, columns = self._matrix.shape
        width, height = self.width() - 2, self.height() - 2
        cell_w = min(width / max(columns, 1), 64.0)
        cell_h = min(height / max(rows, 1), 34.0, max(cell_w, 22.0))
        return QRectF(1, 1, cell_w * columns, cell_h * rows), cell_w, cell_h

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = self._tokens
        if t is None or not self._matrix.size:
            return
        painter = QPainter(self)
        box, cell_w, cell_h = self._cells()
        painter.drawImage(box, self._image)
        rows, columns = self._matrix.shape
        painter.setPen(t.border)
        painter.drawRect(box)
        if cell_w >= 9 and cell_h >= 9:
            line = QColor(t.surface)
            line.setAlpha(110)
            painter.setPen(line)
            for column in range(1, columns):
                painter.drawLine(
                    int(box.left() + column * cell_w), 1, int(box.left() + column * cell_w), int(box.bottom())
                )
            for row in range(1, rows):
                painter.drawLine(1, int(box.top() + row * cell_h), int(box.right()), int(box.top() + row * cell_h))
        font = t.mono(t.small_size - 1)
        painter.setFont(font)
        if cell_h < painter.fontMetrics().height() or rows * columns > 2000:
            return
        texts = [[number_text(number) for number in row] for row in self._matrix]
        widest = max(painter.fontMetrics().horizontalAdvance(text) for row in texts for text in row)
        if widest > cell_w - 2:
            return
        for row, row_texts in enumerate(texts):
            for column, text in enumerate(row_texts):
                ground = self._image.pixelColor(column, row)
                painter.setPen(_ink_on(ground, t))
                painter.drawText(
                    QRectF(1 + column * cell_w, 1 + row * cell_h, cell_w, cell_h), Qt.AlignmentFlag.AlignCenter, text
                )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        box, cell_w, cell_h = self._cells()
        place = event.position()
        if not self._matrix.size or not box.contains(place):
            QToolTip.hideText()
            return
        rows, columns = self._matrix.shape
        row = min(rows - 1, int((place.y() - box.top()) / cell_h))
        column = min(columns - 1, int((place.x() - box.left()) / cell_w))
        QToolTip.showText(
            event.globalPosition().toPoint(), f"[{row}, {column}]  {number_text(self._matrix[row, column])}", self
        )


def _ink_on(ground: QColor, t: Tokens) -> QColor:
    if ground.alpha() == 0:
        return t.failed
    bright = 0.299 * ground.red() + 0.587 * ground.green() + 0.114 * ground.blue()
    return QColor("#14181f") if bright > 140 else QColor("#ffffff")


class MatrixModel(QAbstractTableModel):
    """A matrix for a table view; the array itself is never copied into items."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._matrix: npt.NDArray[Any] = np.zeros((0, 0))

    def show_matrix(self, matrix: npt.NDArray[Any]) -> None:
        """Show other numbers."""
        same = matrix.shape == self._matrix.shape
        if same:
            self._matrix = matrix
            if matrix.size:
                self.dataChanged.emit(self.index(0, 0), self.index(matrix.shape[0] - 1, matrix.shape[1] - 1))
            return
        self.beginResetModel()
        self._matrix = matrix
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else self._matrix.shape[0]

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else self._matrix.shape[1]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return number_text(self._matrix[index.row(), index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return section if role == Qt.ItemDataRole.DisplayRole else None  # from 0, as programs count


class Histogram(QWidget):
    """How often values occur, in equal bins between the smallest and the largest finite number."""

    N_BINS = 40

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: npt.NDArray[Any] = np.zeros(0)
        self._edges: npt.NDArray[Any] = np.zeros(0)
        self._tokens: Tokens | None = None
        self._color = QColor()
        self.setMinimumHeight(120)

    def show_numbers(self, numbers: npt.NDArray[Any], t: Tokens, color: QColor) -> None:
        """Count and draw the finite numbers of an array."""
        self._tokens = t
        self._color = color
        flat = np.asarray(magnitudes(numbers), dtype=np.float64).ravel()
        flat = flat[np.isfinite(flat)]
        n_bins = min(self.N_BINS, max(1, len(np.unique(flat[:1000]))))
        self._counts, self._edges = np.histogram(flat, bins=n_bins) if len(flat) else (np.zeros(0), np.zeros(0))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, 140)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = self._tokens
        if t is None or not len(self._counts):
            return
        painter = QPainter(self)
        font = t.font(t.small_size)
        painter.setFont(font)
        text_h = painter.fontMetrics().height()
        box = QRectF(2, 4, self.width() - 4, self.height() - text_h - 10)
        top = float(self._counts.max()) or 1.0
        width = box.width() / len(self._counts)
        gap = 1.0 if width > 4 else 0.0
        for i, count in enumerate(self._counts):
            height = box.height() * float(count) / top
            painter.fillRect(
                QRectF(box.left() + i * width, box.bottom() - height, max(1.0, width - gap), height), self._color
            )
        low, high = float(self._edges[0]), float(self._edges[-1])
        painter.setPen(t.border_strong)
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        if low < 0 < high:
            zero = box.left() + box.width() * -low / (high - low)
            painter.setPen(t.text_muted)
            painter.drawLine(int(zero), int(box.top()), int(zero), int(box.bottom()))
        painter.setPen(t.text_muted)
        line = QRectF(box.left(), box.bottom() + 3, box.width(), text_h + 2)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, number_text(low))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, number_text(high))
        most = ngettext("at most {n} in a bin", "at most {n} in a bin", int(top)).format(n=int(top))
        painter.drawText(line, Qt.AlignmentFlag.AlignHCenter, most)


PAGES = (N_("Heat map"), N_("Table"), N_("Histogram"))


class PageChoice(QWidget):
    """Three buttons of which one is down.

    Signals:
        page_chosen(int): index into `PAGES`
    """

    page_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for index, text in enumerate(PAGES):
            button = QToolButton(self)
            say(button.setText, text)
            button.setCheckable(True)
            button.setAutoRaise(True)
            self._group.addButton(button, index)
            row.addWidget(button)
        row.addStretch(1)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self.page_chosen)

    @property
    def page(self) -> int:
        """The chosen page."""
        return self._group.checkedId()


class ValueView(QWidget):
    """One array under a title: heat map, table or histogram, a choice of slice, and a line of statistics."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._role = "forward"
        self._array: npt.NDArray[Any] | None = None
        self._title = QLabel(self)
        self._title.setWordWrap(True)
        self._stats = QLabel(self)
        self._stats.setWordWrap(True)
        self._stats.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._scalar = QLabel(self)
        self._scalar.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._heat = HeatMap(self)
        self._model = MatrixModel(self)
        self._table = QTableView(self)
        self._table.setModel(self._model)
        self._table.horizontalHeader().setDefaultSectionSize(COLUMN)
        self._table.setMinimumHeight(150)
        self._histogram = Histogram(self)
        self._pages = QStackedWidget(self)
        self._pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        for page in (self._heat, self._table, self._histogram):
            self._pages.addWidget(page)
        self._slices = QHBoxLayout()
        self._slices.setSpacing(4)
        self._spins: list[QSpinBox] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._title)
        layout.addLayout(self._slices)
        layout.addWidget(self._scalar)
        layout.addWidget(self._pages)
        layout.addWidget(self._stats)

    def show_array(
        self, title: str, array: npt.NDArray[Any] | None, note: str = "", stats: dict[str, float] | None = None
    ) -> None:
        """Show an array; None says with `note` why there is none. With an array, `note` stands under it.

        `stats` are the statistics of the whole where the array is only a sample of it.
        """
        self._title.setText(title)
        self._array = array
        is_plain = array is None or array.ndim == 0
        self._pages.setVisible(not is_plain and array is not None and array.size > 0)
        self._scalar.setVisible(array is not None and array.ndim == 0)
        self._make_slices(array)
        if array is None:
            self._stats.setText(note)
            return
        if array.ndim == 0:
            self._scalar.setText(str(array[()]).replace("-", "−"))
        self._show()
        line = summary_text(stats) if stats else stats_text(array)
        self._stats.setText("   ".join(part for part in (unbroken(line), note) if part))

    def set_role(self, role: str) -> None:
        """Take the colour of a phase: "forward", "backward" or "update"."""
        if role != self._role:
            self._role = role
            self.dress(tokens(self._state.theme))

    @property
    def title(self) -> str:
        """What the numbers are."""
        return self._title.text()

    @property
    def array(self) -> npt.NDArray[Any] | None:
        """What is shown."""
        return self._array

    def text(self) -> str:
        """What stands in words under (or instead of) the picture."""
        return self._stats.text()

    def _make_slices(self, array: npt.NDArray[Any] | None) -> None:
        lead = array.shape[:-2] if array is not None and array.ndim > 2 else ()
        if [spin.maximum() + 1 for spin in self._spins] == list(lead):
            return
        while (item := self._slices.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()  # at once: it lies where the numbers come to lie
                item.widget().deleteLater()
        self._spins = []
        for axis, size in enumerate(lead):
            spin = QSpinBox(self)
            spin.setRange(0, max(0, size - 1))
            say(spin.setPrefix, lambda axis=axis: _("axis {n}: ").format(n=axis))
            spin.setWrapping(True)
            spin.lineEdit().setTextMargins(6, 0, 0, 0)  # a stylesheet's padding doesn't reach it
            spin.valueChanged.connect(self._show)
            self._slices.addWidget(spin)
            self._spins.append(spin)
        if lead:
            self._slices.addStretch(1)

    def choose(self, page: int) -> None:
        """Show the numbers as number `page` of `PAGES`."""
        self._pages.setCurrentIndex(page)
        self._show()

    def _show(self) -> None:
        if self._array is None or self._array.ndim == 0 or not self._array.size:
            return
        t = tokens(self._state.theme)
        matrix = as_matrix(self._array, tuple(spin.value() for spin in self._spins))
        page = self._pages.currentIndex()
        if page == 0:
            self._heat.show_matrix(matrix, t)
        elif page == 1:
            self._table.horizontalHeader().setDefaultSectionSize(2 * COLUMN if np.iscomplexobj(matrix) else COLUMN)
            self._model.show_matrix(matrix)
        else:
            self._histogram.show_numbers(self._array, t, t.phase(self._role))
        self._pages.setFixedHeight(self._pages.currentWidget().sizeHint().height() if page != 1 else 200)

    def dress(self, t: Tokens) -> None:
        """Take the colours and fonts of a theme."""
        self._title.setFont(t.font(bold=True))
        self._title.setStyleSheet(f"color: {t.phase(self._role).name()};")
        self._stats.setFont(t.font(t.small_size))
        self._stats.setStyleSheet(f"color: {t.text_muted.name()};")
        number = QFont(t.mono(t.ui_size + 6))
        self._scalar.setFont(number)
        self._table.setFont(t.mono(t.small_size))
        self._table.verticalHeader().setDefaultSectionSize(t.row_height - 4)
        self._show()


def summary_text(stats: dict[str, float]) -> str:
    """The same line as `stats_text` from a value's kept statistics (min max mean norm n_nan n_inf)."""
    keys = {"low": "min", "mean": "mean", "high": "max", "norm": "norm"}
    texts = {place: number_text(stats[key]) for place, key in keys.items() if key in stats}
    line = _figures(texts) if len(texts) == 4 else ""
    n_odd = int(stats.get("n_nan", 0) + stats.get("n_inf", 0))
    odd = ngettext("⚠ {n} entry is NaN or infinite", "⚠ {n} entries are NaN or infinite", n_odd).format(n=n_odd)
    return "   ".join(part for part in (line, odd if n_odd else "") if part)


def stats_text(array: npt.NDArray[Any]) -> str:
    """ "min −1.2  mean 0.3  max 2.1", and how many entries are not numbers."""
    if not array.size:
        return _("Empty: one of its sizes is 0")
    if array.ndim == 0 or array.dtype == bool:
        return ""
    numbers = magnitudes(array).astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    n_odd = int(numbers.size - finite.size)
    parts = []
    if finite.size:
        texts = {
            "low": number_text(finite.min()),
            "mean": number_text(finite.mean()),
            "high": number_text(finite.max()),
            "norm": number_text(np.linalg.norm(finite)),
        }
        parts.append(_figures(texts))
    if n_odd:
        text = ngettext("⚠ {n} entry is NaN or infinite", "⚠ {n} entries are NaN or infinite", n_odd)
        parts.append(text.format(n=n_odd))
    return "   ".join(parts)


def _figures(texts: dict[str, str]) -> str:
    return _("min {low}   mean {mean}   max {high}   norm {norm}").format(**texts)


def unbroken(line: str) -> str:
    """The same words, where a line may be broken between two figures, but not between a name and its number."""
    line = re.sub(r"(?<=[\u3400-\u9fff])(?=[\u3400-\u9fff])", "\N{WORD JOINER}", line)
    return "   ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in line.split("   "))
