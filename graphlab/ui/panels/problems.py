"""What is wrong, in plain words: the list, and for the chosen problem what, why, how to mend it, and a picture."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QTextLayout
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from graphlab.i18n import N_, _
from graphlab.trace.records import Axes, Fix, Problem, Softmax
from graphlab.ui.language import again, say
from graphlab.ui.panels.axes_picture import AxesPicture
from graphlab.ui.panels.diff import Diff, diff_rows
from graphlab.ui.panels.problem_bar import SEVERITIES, ProblemBar, grouped
from graphlab.ui.panels.rich import plain, rich
from graphlab.ui.panels.softmax_picture import SoftmaxPicture
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

BESIDE_TITLE = 42  # icon and padding
TITLE_PADDING = 5
COLUMN = 280
"""Width that words and fixes need, each, to stand beside something else."""
GAP = 32


class WholeTitles(QStyledItemDelegate):
    """Gives an item the height that its title needs. WORKAROUND Qt: the style sheet's padding is not counted when a
    text is wrapped for its height, so that a title which just fits is cut."""

    def __init__(self, view: QListWidget) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        room = max(80, self._view.viewport().width() - BESIDE_TITLE)
        layout = QTextLayout(index.data(), index.data(Qt.ItemDataRole.FontRole) or self._view.font())
        layout.beginLayout()
        height = 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(room)
            height += line.height()  # Chinese letters come from another font, whose lines are higher
        layout.endLayout()
        return QSize(room, max(ceil(height), self._view.iconSize().height()) + 2 * TITLE_PADDING)


class Problems(QWidget):
    """The list, grouped and filtered, and the chosen problem.

    Signals:
        problem_chosen(object): show this `Problem` in source and graph
        fix_requested(object): apply this `Fix`
        path_requested(object): light the path that this `Problem` is about
        page_requested(str): show the page of the diagnosis with this code
        choice_changed: another problem is chosen, or none
    """

    problem_chosen = Signal(object)
    fix_requested = Signal(object)
    path_requested = Signal(object)
    page_requested = Signal(str)
    choice_changed = Signal()

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("problems")
        self._state = state
        self._rows: list[Problem | None] = []  # what stands in each row, None for the title of a group
        self.bar = ProblemBar(state, self)
        self.bar.changed.connect(self._show)
        self.list = QListWidget(self)
        self.list.setObjectName("problem_list")
        say(self.list.setAccessibleName, N_("Problems"))
        self.list.setIconSize(QSize(16, 16))
        self.list.setWordWrap(True)
        self.list.setItemDelegate(WholeTitles(self.list))
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._choose)
        self.list.itemClicked.connect(lambda item: self._go(self.list.row(item)))
        self.list.itemActivated.connect(lambda item: self._go(self.list.row(item)))
        self.bar.left_downwards.connect(self.list.setFocus)
        self._none = QLabel(self)
        self._none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._none.setWordWrap(True)
        self._none.setProperty("muted", True)
        say(self._none.setText, N_("No problem fits the filter"))
        side = QWidget(self)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._none, 1)
        column.addWidget(self.list, 1)
        self.detail = QScrollArea(self)
        self.detail.setObjectName("problem_detail")
        self.detail.setWidgetResizable(True)
        self.detail.setFrameShape(QFrame.Shape.NoFrame)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.setHandleWidth(1)
        splitter.addWidget(side)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(0, 0)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([330, 900])
        splitter.setChildrenCollapsible(False)
        self._empty = QLabel(self)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("muted", True)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.setFocusProxy(self.list)
        state.problems_changed.connect(self._show)
        state.theme_changed.connect(self._show)
        state.trace_changed.connect(self._show)
        state.run_state_changed.connect(self._show)
        again(self._show)

    @property
    def titles(self) -> list[str]:
        """The titles of the problems in the list."""
        return [self.list.item(row).text() for row, problem in enumerate(self._rows) if problem is not None]

    @property
    def groups(self) -> list[str]:
        """The titles of the groups in the list."""
        return [self.list.item(row).text() for row, problem in enumerate(self._rows) if problem is None]

    @property
    def current(self) -> Problem | None:
        """The chosen problem."""
        row = self.list.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    # Commands

    def next(self) -> None:
        """Choose the next problem and show it in the source and in the graph; after the last comes the first."""
        self._walk(1)

    def previous(self) -> None:
        """The same with the problem before."""
        self._walk(-1)

    def _walk(self, step: int) -> None:
        rows = [row for row, problem in enumerate(self._rows) if problem is not None]
        if not rows:
            return
        at = rows.index(self.list.currentRow()) if self.list.currentRow() in rows else -1 if step > 0 else 0
        row = rows[(at + step) % len(rows)]
        self.list.setCurrentRow(row)
        self._go(row)

    def apply_first(self) -> None:
        """Apply the fix that the chosen problem offers first."""
        fix = next((fix for fix in self.current.fixes if fix.edits), None) if self.current is not None else None
        if fix is not None:
            self.fix_requested.emit(fix)

    def show_path(self) -> None:
        """Light the path of the chosen problem."""
        if self.current is not None:
            self.path_requested.emit(self.current)

    def show_page(self) -> None:
        """Show the page of the chosen problem's diagnosis."""
        if self.current is not None:
            self.page_requested.emit(self.current.code)

    # The list

    def _show(self) -> None:
        problems = self._state.problems
        if self._state.trace is None and not problems:
            self._empty.setText(_("Run the program to see what may be wrong with it"))
        elif self._state.run_state != "idle":
            self._empty.setText(_("Running…"))
        else:
            self._empty.setText(_("No problems found"))
        self._pages.setCurrentIndex(1 if problems else 0)
        old = self.current
        self.bar.count(problems)
        self.bar.setVisible(len(problems) > 1)
        self._rows = []
        self.list.clear()
        for title, group in grouped([p for p in problems if self.bar.lets_pass(p)], self.bar.grouping):
            if title:
                self._rows.append(None)
                self.list.addItem(self._group_item(title))
            for problem in group:
                self._rows.append(problem)
                self.list.addItem(self._item(problem))
        rows = [row for row, problem in enumerate(self._rows) if problem is not None]
        self._none.setVisible(bool(problems) and not rows)
        self.list.setVisible(bool(rows) or not problems)
        if not rows:
            self._show_detail(None)
            self.choice_changed.emit()
            return
        same = next((row for row in rows if old is not None and _is_same(self._rows[row], old)), rows[0])
        self.list.setCurrentRow(same)

    def _group_item(self, title: str) -> QListWidgetItem:
        t = tokens(self._state.theme)
        item = QListWidgetItem(title)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setFont(t.font(t.small_size, bold=True))
        item.setForeground(t.text_muted)
        return item

    def _item(self, problem: Problem) -> QListWidgetItem:
        from graphlab.ui.icons import icon

        item = QListWidgetItem(plain(problem.title))
        color = SEVERITIES.get(problem.severity, "hint")
        item.setIcon(icon(problem.severity if problem.severity in SEVERITIES else "hint", self._state.theme, color))
        where = _("Line {line}").format(line=problem.line) if problem.line else ""
        item.setToolTip("\n".join(part for part in (plain(problem.title), where, problem.code) if part))
        return item

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._rows):
            self._show_detail(self._rows[row])
            self.choice_changed.emit()

    def _go(self, row: int) -> None:
        problem = self._rows[row] if 0 <= row < len(self._rows) else None
        if problem is not None:
            self.problem_chosen.emit(problem)

    def _show_detail(self, problem: Problem | None) -> None:
        old = self.detail.takeWidget()
        if old is not None:
            old.deleteLater()
        if problem is not None:
            self.detail.setWidget(ProblemPage(problem, self._state, self))


def _is_same(problem: Problem | None, other: Problem) -> bool:
    return problem is not None and (problem.code, problem.line) == (other.code, other.line)


class ProblemPage(QWidget):
    """One problem: words, fixes and picture beside each other, or under each other where there is no room."""

    def __init__(self, problem: Problem, state: ViewState, panel: Problems) -> None:
        super().__init__()
        self.setProperty("surface", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._state = state
        self._t = tokens(state.theme)
        self._panel = panel
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 12, 16, 16)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(16)
        self._parts = [(self._words(problem), 5, COLUMN)]  # with stretch and least width
        if problem.fixes:
            self._parts.append((self._fixes(problem), 4, COLUMN))
        if problem.picture is not None and problem.picture.operands:
            picture = self._picture(problem.picture)
            self._parts.append((picture, 0, picture.sizeHint().width()))
        if problem.softmax is not None:
            self._parts.append((self._sums(problem.softmax), 5, COLUMN))
        self._n_columns = 0
        self._arrange(1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All beside each other; or the words, and all else beside them; or all under each other."""
        room = event.size().width() - 2 * GAP
        widths = [width for _part, _stretch, width in self._parts]
        if sum(widths) + GAP * (len(widths) - 1) <= room:
            self._arrange(len(widths))
        else:
            self._arrange(2 if COLUMN + GAP + max(widths[1:], default=0) <= room else 1)
        super().resizeEvent(event)

    def _arrange(self, n_columns: int) -> None:
        """Give the parts their places in so many columns; the words have the first for themselves."""
        if n_columns == self._n_columns:
            return
        self._n_columns = n_columns
        for column in range(len(self._parts)):
            self._grid.setColumnStretch(column, 0)
        n_beside = len(self._parts) - 1
        for place, (part, stretch, _width) in enumerate(self._parts):
            self._grid.removeWidget(part)
            if n_columns == 1:
                row, column, n_rows = place, 0, 1
            elif n_columns == 2:
                row, column, n_rows = (place - 1, 1, 1) if place else (0, 0, max(n_beside, 1))
            else:
                row, column, n_rows = 0, place, 1
            self._grid.addWidget(part, row, column, n_rows, 1)
            self._grid.setColumnStretch(column, max(stretch, self._grid.columnStretch(column)))
        for row in range(len(self._parts)):
            self._grid.setRowStretch(row, 0)
        self._grid.setRowStretch(max(n_beside - 1, 0) if n_columns == 2 else n_beside if n_columns == 1 else 0, 1)

    def _words(self, problem: Problem) -> QWidget:
        part, words = self._column()
        words.setSpacing(4)
        title = self._label(problem.title)
        title.setStyleSheet("font-size: 11pt; font-weight: 600;")
        words.addWidget(title)
        words.addWidget(self._meta(problem))
        for name, text in ((_("What happened"), problem.what), (_("Why"), problem.why), (_("What to do"), problem.fix)):
            if text:
                words.addSpacing(6)
                words.addWidget(self._heading(name))
                words.addWidget(self._label(text))
        words.addSpacing(8)
        words.addLayout(self._ways_on(problem))
        words.addStretch(1)
        return part

    def _column(self) -> tuple[QWidget, QVBoxLayout]:
        part = QWidget(self)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        return part, column

    def _ways_on(self, problem: Problem) -> QHBoxLayout:
        """Buttons: the path on the graph, where there is one, and the page of the diagnosis."""
        from graphlab.explain.lineage import has_path

        row = QHBoxLayout()
        row.setSpacing(8)
        if has_path(problem.code) and self._state.trace is not None:
            path = QPushButton(_("Show the path"), self)
            path.setObjectName("show_path")
            path.setToolTip(_("Light on the graph where it comes from and where it goes (F6); Esc clears it"))
            path.clicked.connect(lambda: self._panel.path_requested.emit(problem))
            row.addWidget(path)
        if problem.code:
            more = QPushButton(_("More about {code}").format(code=problem.code), self)
            more.setObjectName("more_about")
            more.setToolTip(_("The page of this diagnosis, with a program that shows it (Ctrl+F1)"))
            more.clicked.connect(lambda: self._panel.page_requested.emit(problem.code))
            row.addWidget(more)
        row.addStretch(1)
        return row

    def _sums(self, softmax: Softmax) -> QWidget:
        part, column = self._column()
        column.setSpacing(8)
        column.addWidget(self._heading(_("What sums to 1")))
        column.addWidget(SoftmaxPicture(softmax, self._state, self))
        column.addStretch(1)
        return part

    def _fixes(self, problem: Problem) -> QWidget:
        part, column = self._column()
        column.setSpacing(8)
        column.addWidget(self._heading(_("Fixes")))
        for fix in problem.fixes:
            column.addWidget(self._fix(fix))
        column.addStretch(1)
        return part

    def _picture(self, axes: Axes) -> QWidget:
        part, column = self._column()
        column.setSpacing(8)
        column.addWidget(self._heading(_("Axes")))
        picture = AxesPicture(axes, self._state, self)
        column.addWidget(picture)
        if axes.note:
            note = self._label(axes.note)
            note.setProperty("muted", True)
            note.setFixedWidth(max(220, picture.sizeHint().width()))
            column.addWidget(note)
        column.addStretch(1)
        return part

    def _heading(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setProperty("section", True)
        return label

    def _label(self, text: str) -> QLabel:
        label = QLabel(rich(text, self._t), self)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _meta(self, problem: Problem) -> QLabel:
        words = {"error": _("Error"), "warning": _("Warning"), "hint": _("Hint")}
        parts = [words.get(problem.severity, problem.severity)]
        if problem.line:
            parts.append(_("line {line}").format(line=problem.line))
        if problem.code:
            parts.append(problem.code)
        label = QLabel(" · ".join(parts), self)
        label.setProperty("muted", True)
        return label

    def _fix(self, fix: Fix) -> QFrame:
        box = QFrame(self)
        box.setObjectName("fix")
        t = self._t
        box.setStyleSheet(
            f"QFrame#fix {{ background: {t.surface_raised.name()};"
            f" border: 1px solid {t.border.name()}; border-radius: 6px; }}"
        )
        layout = QVBoxLayout(box)
        layout.setContentsMargins(12, 8, 8, 10)
        layout.setSpacing(6)
        title = QLabel(plain(fix.title), box)
        title.setWordWrap(True)
        title.setStyleSheet("font-weight: 600;")
        layout.addWidget(title)
        apply = QPushButton(_("Apply"), box)
        apply.setObjectName("apply_fix")
        apply.setProperty("primary", True)
        apply.setEnabled(bool(fix.edits))
        apply.clicked.connect(lambda: self._panel.fix_requested.emit(fix))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(apply)
        row.addWidget(self._mark(fix, box))
        row.addStretch(1)
        layout.addLayout(row)
        rows = diff_rows(self._state.problem_source, fix)
        if rows:
            layout.addWidget(Diff(rows, t, box))
        return box

    def _mark(self, fix: Fix, parent: QWidget) -> QLabel:
        t = self._t
        if fix.verified:
            text, color, soft = "✓ " + _("checked"), t.update, t.update_soft
            tip = _("The program was run again with this change and came out clean")
        elif fix.applicability == "needs-input":
            text, color, soft = _("needs your input"), t.warning, t.warning_soft
            tip = _("Fill in what is missing after applying")
        else:
            text, color, soft = _("not checked"), t.text_muted, t.ghost_soft
            tip = _("This change was not tried yet")
        label = QLabel(text, parent)
        label.setObjectName("fix_mark")
        label.setToolTip(tip)
        label.setStyleSheet(
            f"color: {color.name()}; background: {soft.name()}; border-radius: 9px; padding: 2px 8px; font-size: 9pt;"
        )
        return label
