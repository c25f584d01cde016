"""What is wrong, in plain words: the list, and for the chosen problem what, why, how to mend it, and a picture."""

from __future__ import annotations

import difflib
import html

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from graphlab.i18n import N_, _
from graphlab.trace.records import Axes, Fix, Problem
from graphlab.ui.language import again, say
from graphlab.ui.panels.axes_picture import AxesPicture
from graphlab.ui.state import ViewState
from graphlab.ui.theme import Tokens, tokens

SIDE_BY_SIDE = 720
"""Width from which words, fixes and picture stand beside each other."""
DIFF_WIDTH = 260  # a wider diff gets room for a scroll bar
BAR = 14
SEVERITIES = {"error": "failed", "warning": "warning", "hint": "hint"}


class Problems(QWidget):
    """The list and the chosen problem.

    Signals:
        problem_chosen(object): show this `Problem` in source and graph
        fix_requested(object): apply this `Fix`
    """

    problem_chosen = Signal(object)
    fix_requested = Signal(object)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("problems")
        self._state = state
        self._shown: list[Problem] = []
        self.list = QListWidget(self)
        self.list.setObjectName("problem_list")
        say(self.list.setAccessibleName, N_("Problems"))
        self.list.setIconSize(QSize(16, 16))
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._choose)
        self.list.itemClicked.connect(lambda item: self._go(self.list.row(item)))
        self.list.itemActivated.connect(lambda item: self._go(self.list.row(item)))
        self.detail = QScrollArea(self)
        self.detail.setObjectName("problem_detail")
        self.detail.setWidgetResizable(True)
        self.detail.setFrameShape(QFrame.Shape.NoFrame)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.setHandleWidth(1)
        splitter.addWidget(self.list)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(0, 0)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([280, 900])
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
        """The titles in the list."""
        return [self.list.item(row).text() for row in range(self.list.count())]

    @property
    def current(self) -> Problem | None:
        """The chosen problem."""
        row = self.list.currentRow()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _show(self) -> None:
        problems = self._state.problems
        if self._state.trace is None and not problems:
            self._empty.setText(_("Run the program to see what may be wrong with it"))
        elif self._state.run_state != "idle":
            self._empty.setText(_("Running…"))
        else:
            self._empty.setText(_("No problems found"))
        self._pages.setCurrentIndex(1 if problems else 0)
        row = self.list.currentRow()
        old = self.current
        self._shown = list(problems)
        self.list.clear()
        for problem in problems:
            self.list.addItem(self._item(problem))
        same = next((n for n, p in enumerate(problems) if old and (p.code, p.line) == (old.code, old.line)), 0)
        del row
        if problems:
            self.list.setCurrentRow(same)
        else:
            self._show_detail(None)

    def _item(self, problem: Problem) -> QListWidgetItem:
        from graphlab.ui.icons import icon

        item = QListWidgetItem(plain(problem.title))
        color = SEVERITIES.get(problem.severity, "hint")
        item.setIcon(icon(problem.severity if problem.severity in SEVERITIES else "hint", self._state.theme, color))
        where = _("Line {line}").format(line=problem.line) if problem.line else ""
        item.setToolTip("\n".join(part for part in (problem.title, where, problem.code) if part))
        return item

    def _choose(self, row: int) -> None:
        self._show_detail(self._shown[row] if 0 <= row < len(self._shown) else None)

    def _go(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self.problem_chosen.emit(self._shown[row])

    def _show_detail(self, problem: Problem | None) -> None:
        old = self.detail.takeWidget()
        if old is not None:
            old.deleteLater()
        if problem is not None:
            self.detail.setWidget(ProblemPage(problem, self._state, self))


class ProblemPage(QWidget):
    """One problem: words, fixes and picture beside each other, or under each other where there is no room."""

    def __init__(self, problem: Problem, state: ViewState, panel: Problems) -> None:
        super().__init__()
        self.setProperty("surface", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._state = state
        self._t = tokens(state.theme)
        self._panel = panel
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._columns.setContentsMargins(16, 12, 16, 16)
        self._columns.setSpacing(32)
        self._columns.addLayout(self._words(problem), 5)
        if problem.fixes:
            self._columns.addLayout(self._fixes(problem), 4)
        if problem.picture is not None and problem.picture.operands:
            self._columns.addLayout(self._picture(problem.picture))

    def resizeEvent(self, event: QResizeEvent) -> None:
        direction = QBoxLayout.Direction
        wanted = direction.LeftToRight if event.size().width() >= SIDE_BY_SIDE else direction.TopToBottom
        if self._columns.direction() != wanted:
            self._columns.setDirection(wanted)
            self._columns.setSpacing(32 if wanted == direction.LeftToRight else 16)
        super().resizeEvent(event)

    def _words(self, problem: Problem) -> QVBoxLayout:
        words = QVBoxLayout()
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
        words.addStretch(1)
        return words

    def _fixes(self, problem: Problem) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self._heading(_("Fixes")))
        for fix in problem.fixes:
            column.addWidget(self._fix(fix))
        column.addStretch(1)
        return column

    def _picture(self, axes: Axes) -> QVBoxLayout:
        column = QVBoxLayout()
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
        return column

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
        row = QHBoxLayout()
        row.setSpacing(8)
        title = QLabel(plain(fix.title), box)
        title.setWordWrap(True)
        title.setStyleSheet("font-weight: 600;")
        row.addWidget(title, 1)
        apply = QPushButton(_("Apply"), box)
        apply.setObjectName("apply_fix")
        apply.setProperty("primary", True)
        apply.setEnabled(bool(fix.edits))
        apply.clicked.connect(lambda: self._panel.fix_requested.emit(fix))
        row.addWidget(apply, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(row)
        layout.addWidget(self._mark(fix, box), 0, Qt.AlignmentFlag.AlignLeft)
        diff = diff_html(self._state.problem_source, fix, t)
        if diff:
            label = QLabel(diff, box)
            label.setObjectName("diff")
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setFont(t.mono(t.small_size))
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            scroll = QScrollArea(box)
            scroll.setWidget(label)
            scroll.setWidgetResizable(True)
            scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            scroll.setFixedHeight(label.sizeHint().height() + (BAR if label.sizeHint().width() > DIFF_WIDTH else 2))
            scroll.setStyleSheet("background: transparent;")
            layout.addWidget(scroll)
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


def plain(text: str) -> str:
    """A text without the marks of code."""
    return text.replace("`", "")


def rich(text: str, t: Tokens) -> str:
    """A text with `code` in the program's font, as HTML."""
    parts = html.escape(text).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts).replace("\n", "<br>")
    family = ", ".join(f"'{name}'" for name in t.mono_families)
    code = f'<span style="font-family: {family}; background-color: {t.hover.name()};">'
    words = [f"{code}{part}</span>" if n % 2 else part for n, part in enumerate(parts)]
    return "".join(words).replace("\n", "<br>")


def diff_html(source: str, fix: Fix, t: Tokens) -> str:
    """The change of a fix as removed and added lines, coloured; the sign in front says it too."""
    from graphlab.program.edits import apply

    if not fix.edits or not source:
        return ""
    try:
        changed = apply(source, fix.edits)
    except ValueError:
        return ""
    rows = []
    before, after = source.split("\n"), changed.split("\n")
    for line in list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]:
        if line.startswith("@@"):
            continue
        color = {"+": t.update, "-": t.failed}.get(line[0], t.text_muted).name()
        back = {"+": t.update_soft, "-": t.failed_soft}.get(line[0], t.surface_raised).name()
        text = html.escape(line[0] + " " + line[1:]).replace(" ", "&nbsp;")
        rows.append(f'<div style="color:{color}; background-color:{back};">{text}</div>')
    return "".join(rows)
