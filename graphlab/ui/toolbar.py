"""The bar with Run and Stop, the transport buttons, the choice of the iteration and the search field."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QToolBar, QToolButton, QWidget

from graphlab.i18n import N_, _
from graphlab.ui.commands import Commands
from graphlab.ui.language import again, say
from graphlab.ui.state import ViewState

TRANSPORT = ("step.first", "step.previous_iteration", "step.back", "step.forward", "step.next_iteration", "step.last")


class SectionModel(QAbstractListModel):
    """The sections of the shown trace as "Iteration 3/10"; grows with it."""

    def __init__(self, state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        self._state = state
        self._n = 0
        state.trace_changed.connect(self._reset)
        state.trace_grown.connect(self._grow)

    def _reset(self) -> None:
        self.beginResetModel()
        self._n = len(self._state.trace.sections) if self._state.trace else 0
        self.endResetModel()

    def _grow(self) -> None:
        n = len(self._state.trace.sections) if self._state.trace else 0
        if n > self._n:
            self.beginInsertRows(QModelIndex(), self._n, n - 1)
            self._n = n
            self.endInsertRows()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else self._n

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole or self._state.trace is None or index.row() >= self._n:
            return None
        sections = self._state.trace.sections
        section = sections[index.row()]
        if section.kind == "setup":
            return _("Setup") if len(sections) > 1 else _("Whole program")
        if section.kind == "after":
            return _("After training") if section.index == len(sections) - 1 else _("Between iterations")
        last = next((s.iteration for s in reversed(sections) if s.iteration >= 0), section.iteration)
        return _("Iteration {number}/{total}").format(number=section.iteration + 1, total=last + 1)


class IterationBox(QComboBox):
    """Shows the iteration that we are in, and goes to the chosen one.

    Signals:
        section_requested(int): the reader chose a section
    """

    section_requested = Signal(int)

    def __init__(self, state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("iteration")
        say(self.setAccessibleName, N_("Iteration"))
        say(self.setToolTip, N_("Iteration that the graph shows"))
        self.setModel(SectionModel(state, self))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(17)
        self.setMaxVisibleItems(20)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.activated.connect(self.section_requested)
        self._state = state
        again(self._say_none)
        state.run_state_changed.connect(self._say_none)
        state.section_changed.connect(self.setCurrentIndex)
        state.trace_changed.connect(self._show)
        state.trace_grown.connect(self._show)
        self._show()

    def _say_none(self) -> None:
        self.setPlaceholderText(_("No run yet") if self._state.run_state == "idle" else _("Running…"))

    def _show(self) -> None:
        self.setEnabled(self.count() > 0)
        self.setCurrentIndex(self._state.section)
        self.update()


class SearchField(QLineEdit):
    """Finds nodes of the graph.

    Signals:
        search_requested(str): go to the next node that this text is found in
    """

    search_requested = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("search")
        say(self.setPlaceholderText, N_("Search the graph"))
        say(self.setAccessibleName, N_("Search the graph"))
        self.setClearButtonEnabled(True)
        self.setMinimumWidth(140)
        self.setMaximumWidth(260)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.returnPressed.connect(lambda: self.search_requested.emit(self.text()))


class ToolBar(QToolBar):
    """The window's only tool bar; it stays where it is."""

    def __init__(self, commands: Commands, state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        say(self.setWindowTitle, N_("Toolbar"))
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(18, 18))
        actions = commands.actions
        self.addAction(actions["program.run"])
        self.addAction(actions["program.stop"])
        run = self.widgetForAction(actions["program.run"])
        assert isinstance(run, QToolButton)
        run.setObjectName("run_button")
        run.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.addSeparator()
        for name in TRANSPORT:
            self.addAction(actions[name])
            self.widgetForAction(actions[name]).setAutoRepeat(True)
        self.addSeparator()
        self.iteration = IterationBox(state, self)
        self.addWidget(self.iteration)
        space = QWidget(self)
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self.search = SearchField(self)
        self.addWidget(self.search)
        for name in ("view.fit", "help.explain_message", "app.command_palette"):
            self.addAction(actions[name])
