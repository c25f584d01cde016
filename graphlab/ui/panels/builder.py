"""The expression bar: type one line, give its variables values in a small table, and the graph is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from graphlab.i18n import N_, _
from graphlab.ui.icons import icon
from graphlab.ui.language import again, say
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.program.expression import Variable
    from graphlab.ui.state import ViewState

NEW_LINE = " ⏎ "  # how a pasted block of several rows stands in one line

_KINDS = (
    ("numbers", N_("numbers"), N_("1 2 3, [[1, 2], [3, 4]] or a pasted block")),
    ("zeros", N_("zeros"), N_("shape: 3, 2")),
    ("ones", N_("ones"), N_("shape: 3, 2")),
    ("random", N_("random 0 to 1"), N_("shape: 3, 2")),
    ("normal", N_("random normal"), N_("shape: 3, 2")),
    ("file", N_("file"), N_("a .csv or .npy file")),
)
EXAMPLE = "loss = ((w * x + b - y) ** 2).mean()"
_EXAMPLE_ROWS = (
    ("w", "numbers", "0.0", True),
    ("x", "numbers", "1. 2. 3. 4. 5.", False),
    ("b", "numbers", "0.0", True),
    ("y", "numbers", "2. 4. 6. 8. 10.", False),
)


class ValueEdit(QLineEdit):
    """A line that takes a pasted block of numbers and keeps its rows."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_block(QGuiApplication.clipboard().text())
            return
        super().keyPressEvent(event)

    def paste_block(self, text: str) -> None:
        """Insert text; line breaks are kept as marks between rows."""
        rows = [line.replace("\t", "  ").strip() for line in text.strip().splitlines()]
        self.insert(NEW_LINE.join(rows))

    def block(self) -> str:
        """The text with its rows on lines of their own."""
        return self.text().replace(NEW_LINE.strip(), "\n").strip()


class Builder(QWidget):
    """An expression and its variables, made into a program.

    Signals:
        program_built(str): the text of the program to run
    """

    program_built = Signal(str)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("builder")
        say(self.setAccessibleName, N_("Expression"))
        self._state = state
        self._line = QLineEdit(self)
        self._line.setPlaceholderText(EXAMPLE)
        say(self._line.setAccessibleName, N_("Expression"))
        self._line.setClearButtonEnabled(True)
        self._line.textChanged.connect(self._expression_edited)
        self._line.returnPressed.connect(self.build)
        self._run = QPushButton(self)
        say(self._run.setText, N_("Draw and run"))
        say(self._run.setToolTip, N_("Make a program of this expression, run it and draw its graph"))
        self._run.clicked.connect(self.build)
        self._message = QLabel(self)
        self._message.setWordWrap(True)
        self._table = QTableWidget(0, 4, self)
        say(self._table.setAccessibleName, N_("Values of the variables"))
        say(self._table.setHorizontalHeaderLabels, lambda: [_("name"), _("given as"), _("value"), _("gradient")])
        self._table.verticalHeader().hide()
        self._table.setShowGrid(False)
        self._table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self._table.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes through the cells' own widgets
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, 48), (1, 124), (3, 72)):
            header.resizeSection(column, width)
        self._hint = QLabel(self)
        hint = N_("Each name in the expression gets a row here. Tick gradient to see its backward pass")
        say(self._hint.setText, hint)
        self._hint.setWordWrap(True)
        # Rows follow the expression once the typing pauses, not at each letter of a name.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(300)
        self._pause.timeout.connect(self.take_names)
        bottom = QHBoxLayout()
        bottom.setSpacing(12)
        bottom.addWidget(self._hint, 1)
        bottom.addWidget(self._run, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(self._line)
        layout.addWidget(self._message)
        layout.addWidget(self._table, 1)
        layout.addLayout(bottom)
        self._message.hide()
        for row in _EXAMPLE_ROWS:
            self._add_row(*row)
        self._line.setText(EXAMPLE)
        self._line.setCursorPosition(0)
        self._pause.stop()
        state.theme_changed.connect(self._dress)
        self._dress()
        again(self._say_kinds)

    # What tests and other parts do

    def set_expression(self, text: str) -> None:
        """Put a line into the bar and make the rows that it needs."""
        self._line.setText(text)
        self.take_names()

    def set_variable(self, name: str, kind: str, value: str, requires_grad: bool = False) -> None:
        """Fill the row of `name`; `kind` is "numbers", "zeros", "ones", "random", "normal" or "file"."""
        row = self.names().index(name)
        self._kind(row).setCurrentIndex([key for key, _label, _hint in _KINDS].index(kind))
        self._value(row).setText(value)
        self._value(row).setCursorPosition(0)
        self._grad(row).setChecked(requires_grad)

    def names(self) -> list[str]:
        """The variables of the table, in order."""
        return [self._name(row) for row in range(self._table.rowCount())]

    def message(self) -> str:
        """What stands under the bar: the trouble with the expression or a cell, "" when there is none."""
        return "" if self._message.isHidden() else self._message.text()

    def build(self) -> None:
        """Make the program and hand it on; trouble is told under the bar instead."""
        from graphlab.program.expression import ExpressionError, build

        self.take_names()
        try:
            variables = [self._variable(row) for row in range(self._table.rowCount())]
            program = build(self._line.text(), variables)
        except ExpressionError as error:
            self._show_error(error)
            return
        self._show_message("")
        self.program_built.emit(program)

    def take_names(self) -> None:
        """Make a row for each name that the expression needs; rows of names that it no longer has go."""
        from graphlab.program.expression import ExpressionError, parse

        self._pause.stop()
        try:
            expression = parse(self._line.text())
        except ExpressionError as error:
            self._show_error(error)
            return
        self._show_message("")
        kept = self.names()
        for row in reversed(range(len(kept))):
            if kept[row] not in expression.needs:
                self._table.removeRow(row)
        for name in expression.needs:
            if name not in self.names():
                self._add_row(name, "numbers", "", False)

    def _expression_edited(self) -> None:
        self._pause.start()

    # Rows

    def _add_row(self, name: str, kind: str, value: str, requires_grad: bool) -> None:
        row = self._table.rowCount()
        self._table.insertRow(row)
        item = QTableWidgetItem(name)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setFont(tokens(self._state.theme).mono(bold=True))
        self._table.setItem(row, 0, item)
        choice = QComboBox(self._table)
        say(choice.setAccessibleName, lambda: _("How {name} is given").format(name=name))
        for key, label, _hint in _KINDS:
            choice.addItem(_(label), key)
        cell = QWidget(self._table)
        edit = ValueEdit(cell)
        say(edit.setAccessibleName, lambda: _("Value of {name}").format(name=name))
        edit.setText(value)
        edit.setCursorPosition(0)  # of a long row of numbers the beginning is seen
        edit.returnPressed.connect(self.build)
        browse = QToolButton(cell)
        browse.setText("…")
        say(browse.setToolTip, N_("Choose a file…"))
        browse.clicked.connect(lambda: self._browse(edit))
        box = QHBoxLayout(cell)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addWidget(edit, 1)
        box.addWidget(browse)
        grad_cell = QWidget(self._table)
        grad = QCheckBox(grad_cell)
        grad.setChecked(requires_grad)
        say(
            grad.setToolTip,
            lambda: _("requires_grad: compute the gradient with respect to {name}").format(name=name),
        )
        say(grad.setAccessibleName, lambda: _("Gradient of {name}").format(name=name))
        middle = QHBoxLayout(grad_cell)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addWidget(grad, 0, Qt.AlignmentFlag.AlignCenter)

        def show_kind(index: int) -> None:
            key, _label, hint = _KINDS[index]
            say(edit.setPlaceholderText, hint)
            browse.setVisible(key == "file")

        choice.currentIndexChanged.connect(show_kind)
        choice.setCurrentIndex([key for key, _label, _hint in _KINDS].index(kind))
        show_kind(choice.currentIndex())
        self._table.setCellWidget(row, 1, choice)
        self._table.setCellWidget(row, 2, cell)
        self._table.setCellWidget(row, 3, grad_cell)
        self._table.setRowHeight(row, tokens(self._state.theme).row_height + 8)

    def _say_kinds(self) -> None:
        self._show_message("")  # it was said in the other language, and is said again at the next try
        for row in range(self._table.rowCount()):
            for index, (_key, label, _hint) in enumerate(_KINDS):
                self._kind(row).setItemText(index, _(label))

    def _name(self, row: int) -> str:
        item = self._table.item(row, 0)
        return item.text() if item is not None else ""

    def _kind(self, row: int) -> QComboBox:
        widget = self._table.cellWidget(row, 1)
        assert isinstance(widget, QComboBox)
        return widget

    def _value(self, row: int) -> ValueEdit:
        widget = self._table.cellWidget(row, 2).findChild(ValueEdit)
        assert isinstance(widget, ValueEdit)
        return widget

    def _grad(self, row: int) -> QCheckBox:
        widget = self._table.cellWidget(row, 3).findChild(QCheckBox)
        assert isinstance(widget, QCheckBox)
        return widget

    def _variable(self, row: int) -> Variable:
        from graphlab.program.expression import Variable, parse_shape

        name, kind, text = self._name(row), self._kind(row).currentData(), self._value(row).block()
        grad = self._grad(row).isChecked()
        if kind in ("numbers", "file"):
            return Variable(name, text=text, requires_grad=grad)
        return Variable(name, shape=parse_shape(text, name), fill=kind, requires_grad=grad)

    def _browse(self, edit: ValueEdit) -> None:
        path, _chosen = QFileDialog.getOpenFileName(
            self, _("Choose a file with numbers"), "", _("Numbers (*.csv *.npy *.txt *.tsv)")
        )
        if path:
            edit.setText(path)

    # Messages

    def _show_error(self, error: Exception) -> None:
        variable = getattr(error, "variable", "")
        column, end = getattr(error, "column", -1), getattr(error, "end_column", -1)
        self._show_message(str(error))
        if variable in self.names():
            self._value(self.names().index(variable)).setFocus()
        elif 0 <= column < end:
            self._line.setSelection(column, end - column)

    def _show_message(self, text: str) -> None:
        self._message.setText(text.replace("`", ""))  # plain text: no marks of code
        self._message.setVisible(bool(text))

    def _dress(self) -> None:
        t = tokens(self._state.theme)
        self._line.setFont(t.mono(t.mono_size + 1))
        self._line.setMinimumHeight(t.row_height + 8)
        self._run.setMinimumHeight(t.row_height + 8)
        self._run.setIcon(icon("run", self._state.theme))
        self._message.setStyleSheet(
            f"color: {t.failed.name()}; background: {t.failed_soft.name()};"
            f"border-radius: {t.radius}px; padding: 6px 10px;"
        )
        self._hint.setFont(t.font(t.small_size))
        self._hint.setStyleSheet(f"color: {t.text_muted.name()};")
