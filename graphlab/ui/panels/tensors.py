"""All tensors at the current step, one a row, with their numbers in brief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHeaderView, QLabel, QLineEdit, QStackedLayout, QTableView, QVBoxLayout, QWidget

from graphlab.i18n import N_, _
from graphlab.ui.language import again, say
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.analysis.values import TensorRow
    from graphlab.ui.state import ViewState

Index = QModelIndex | QPersistentModelIndex

_COLUMNS = (
    N_("name"),
    N_("shape"),
    N_("dtype"),
    N_("device"),
    N_("min"),
    N_("mean"),
    N_("max"),
    N_("gradient norm"),
)
_FIRST_NUMBER = 4


def number_text(number: float | None) -> str:
    """A number with four significant digits, "" where there is none."""
    return "" if number is None else f"{number:.4g}"


class TensorModel(QAbstractTableModel):
    """The rows of `analysis.values.tensors_at` for one event."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[TensorRow] = []
        self._number_font = QFont()

    def show_rows(self, rows: list[TensorRow]) -> None:
        """Replace the rows; when the same tensors stay, only their numbers are told to have changed."""
        same = [row.tensor for row in rows] == [row.tensor for row in self._rows]
        if same:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(_COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def set_number_font(self, font: QFont) -> None:
        """The font of the columns with numbers."""
        self._number_font = font

    def row(self, index: int) -> TensorRow:
        """The row at a place in this model (not in a sorted view of it)."""
        return self._rows[index]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _(_COLUMNS[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def _cells(self, row: TensorRow) -> tuple[Any, ...]:
        return (row.name, tuple(row.shape), row.dtype, row.device, row.minimum, row.mean, row.maximum, row.grad_norm)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = self._cells(self._rows[index.row()])[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            if index.column() == 1:
                return "×".join(map(str, cell)) or _("scalar")
            return number_text(cell) if index.column() >= _FIRST_NUMBER else cell
        if role == Qt.ItemDataRole.UserRole:  # what the rows are sorted by
            return _sort_key(cell)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.FontRole and index.column() >= 1:
            return self._number_font
        return None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column >= _FIRST_NUMBER else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _sort_key(cell: Any) -> Any:
    if cell is None:
        return float("-inf")
    if isinstance(cell, tuple):  # shapes by their number of elements
        n = 1
        for size in cell:
            n *= size
        return n
    return cell


class Tensors(QWidget):
    """The table, a filter over it; a click shows a tensor in the inspector and on the graph.

    Signals:
        gradient_path_requested(int): light the way of the gradient to this tensor, or to where it ends
    """

    gradient_path_requested = Signal(int)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tensors")
        say(self.setAccessibleName, N_("Tensors"))
        self._state = state
        self._model = TensorModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self._sorted.setFilterKeyColumn(0)
        self._sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._filter = QLineEdit(self)
        say(self._filter.setPlaceholderText, N_("Filter by name"))
        self._filter.setClearButtonEnabled(True)
        self._filter.setMaximumWidth(280)
        self._filter.textChanged.connect(self._sorted.setFilterFixedString)
        self._table = QTableView(self)
        self._table.setModel(self._sorted)
        say(self._table.setAccessibleName, N_("Tensors at this step"))
        self._table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.verticalHeader().hide()
        header = self._table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate((240, 110, 80, 70, 100, 100, 100, 110)):
            header.resizeSection(column, width)
        self._table.setSortingEnabled(True)
        self._sorted.sort(-1)  # the order of creation until a header is clicked
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._table.selectionModel().currentRowChanged.connect(self._select)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._path = QAction(self)
        self._path.setObjectName("tensors_gradient_path")
        say(self._path.setText, N_("Show gradient path"))
        self._path.triggered.connect(self._ask_for_path)
        self._table.addAction(self._path)
        self._empty = QLabel(self)
        say(
            self._empty.setText,
            N_("The tensors of the program appear here, with their shapes and numbers at each step"),
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        page = QWidget(self)
        rows = QVBoxLayout(page)
        rows.setContentsMargins(8, 6, 8, 0)
        rows.setSpacing(6)
        rows.addWidget(self._filter)
        rows.addWidget(self._table, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(page)
        state.trace_changed.connect(self._show)
        state.event_changed.connect(self._show)
        state.tensor_selected.connect(self._show_selected)
        state.theme_changed.connect(self._dress)
        self._dress()
        again(self._show)

    def rows(self) -> list[tuple[str, ...]]:
        """The shown rows as text, in the shown order."""
        model = self._sorted
        return [
            tuple(str(model.index(row, column).data()) for column in range(model.columnCount()))
            for row in range(model.rowCount())
        ]

    def _show(self) -> None:
        trace, event = self._state.trace, self._state.event
        if trace is None or event < 0:
            self._model.show_rows([])
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        if not self.isVisible():
            return  # drawn when its tab is opened
        from graphlab.analysis.values import tensors_at

        self._model.show_rows(tensors_at(trace, event))
        self._show_selected()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._show()

    def _select(self, current: QModelIndex) -> None:
        if current.isValid():
            self._state.select_tensor(self._model.row(self._sorted.mapToSource(current).row()).tensor)

    def _ask_for_path(self) -> None:
        current = self._table.currentIndex()
        if current.isValid():
            self.gradient_path_requested.emit(self._model.row(self._sorted.mapToSource(current).row()).tensor)

    def _show_selected(self) -> None:
        wanted = self._state.tensor
        for row in range(self._model.rowCount()):
            if self._model.row(row).tensor == wanted:
                self._table.setCurrentIndex(self._sorted.mapFromSource(self._model.index(row, 0)))
                return
        self._table.clearSelection()

    def _dress(self) -> None:
        t = tokens(self._state.theme)
        self._empty.setFont(t.font())
        self._empty.setStyleSheet(f"color: {t.text_muted.name()};")
        self._table.verticalHeader().setDefaultSectionSize(t.row_height)
        self._model.set_number_font(t.mono(t.small_size))
