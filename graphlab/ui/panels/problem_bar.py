"""Above the list of problems: a filter by text, one by severity with counts, and how the list is grouped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Problem
from graphlab.ui.language import again, say

if TYPE_CHECKING:
    from graphlab.ui.state import ViewState

SEVERITIES = {"error": "failed", "warning": "warning", "hint": "hint"}
"""Colour of each severity."""
GROUPINGS = {
    "severity": N_("By severity"),
    "code": N_("By kind"),
    "line": N_("By line"),
    "none": N_("Not grouped"),
}
TITLES = {"error": N_("Errors"), "warning": N_("Warnings"), "hint": N_("Hints")}
_ORDER = {severity: n for n, severity in enumerate(SEVERITIES)}


def grouped(problems: Iterable[Problem], grouping: str) -> list[tuple[str, list[Problem]]]:
    """The problems in groups, each with its title ("" for one without); one group alone gets no title."""
    groups: dict[object, list[Problem]] = {}
    ordered = sorted(problems, key=lambda p: (_ORDER.get(p.severity, 3), p.line)) if grouping != "none" else problems
    for problem in ordered:
        groups.setdefault(_key(problem, grouping), []).append(problem)
    keys = sorted(groups, key=str) if grouping == "code" else sorted(groups) if grouping == "line" else list(groups)
    if len(groups) == 1:
        return [("", groups[keys[0]])]
    return [(_title(groups[key][0], grouping), groups[key]) for key in keys]


def _key(problem: Problem, grouping: str) -> object:
    return {"severity": problem.severity, "code": problem.code, "line": problem.line}.get(grouping, "")


def _title(problem: Problem, grouping: str) -> str:
    if grouping == "severity":
        return _(TITLES.get(problem.severity, TITLES["hint"]))
    if grouping == "line":
        return _("Line {line}").format(line=problem.line) if problem.line else _("The whole program")
    return problem.code


class ProblemBar(QWidget):
    """The filters.

    Signals:
        changed: another filter or grouping was chosen
        left_downwards: the reader wants to go from the filter into the list
    """

    changed = Signal()
    left_downwards = Signal()

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("problem_bar")
        self._state = state
        self._counts = dict.fromkeys(SEVERITIES, 0)
        self.filter = QLineEdit(self)
        self.filter.setObjectName("problem_filter")
        say(self.filter.setPlaceholderText, N_("Filter by text, code or line"))
        say(self.filter.setAccessibleName, N_("Filter the problems"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self.changed)
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout()
        row.setSpacing(2)
        for severity in SEVERITIES:
            button = QToolButton(self)
            button.setObjectName(f"problem_filter_{severity}")
            button.setCheckable(True)
            button.setChecked(True)
            button.setAutoRaise(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.toggled.connect(self.changed)
            self.buttons[severity] = button
            row.addWidget(button)
        row.addStretch(1)
        self._grouping = QComboBox(self)
        self._grouping.setObjectName("problem_grouping")
        say(self._grouping.setAccessibleName, N_("Group the problems"))
        for key in GROUPINGS:
            self._grouping.addItem("", key)
        self._grouping.currentIndexChanged.connect(self.changed)
        row.addWidget(self._grouping)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 4)
        layout.setSpacing(4)
        layout.addWidget(self.filter)
        layout.addLayout(row)
        state.theme_changed.connect(self._dress)
        again(self._dress)

    @property
    def grouping(self) -> str:
        """How the list is grouped."""
        return str(self._grouping.currentData())

    def choose_grouping(self, grouping: str) -> None:
        """Group by "severity", "code", "line", or not at all ("none")."""
        self._grouping.setCurrentIndex(list(GROUPINGS).index(grouping))

    def lets_pass(self, problem: Problem) -> bool:
        """Whether a problem is to be listed."""
        button = self.buttons.get(problem.severity, self.buttons["hint"])
        wanted = self.filter.text().strip().casefold()
        where = _("Line {line}").format(line=problem.line)
        texts = (problem.title.replace("`", ""), problem.code, where, problem.what.replace("`", ""))
        return button.isChecked() and any(wanted in text.casefold() for text in texts)

    def count(self, problems: Iterable[Problem]) -> None:
        """Say how many there are of each severity."""
        self._counts = dict.fromkeys(SEVERITIES, 0)
        for problem in problems:
            self._counts[problem.severity if problem.severity in SEVERITIES else "hint"] += 1
        self._dress()

    def _dress(self) -> None:
        from graphlab.ui.icons import icon

        for place, text in enumerate(GROUPINGS.values()):
            self._grouping.setItemText(place, _(text))
        tips = {
            "error": lambda n: ngettext("{n} error", "{n} errors", n),
            "warning": lambda n: ngettext("{n} warning", "{n} warnings", n),
            "hint": lambda n: ngettext("{n} hint", "{n} hints", n),
        }
        for severity, button in self.buttons.items():
            n = self._counts[severity]
            button.setIcon(icon(severity, self._state.theme, SEVERITIES[severity]))
            button.setText(str(n))
            text = tips[severity](n).format(n=n)
            button.setToolTip(_("{count}; press to list or leave out").format(count=text))
            button.setAccessibleName(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.filter.hasFocus() and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left_downwards.emit()
        elif self.filter.hasFocus() and event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
        else:
            super().keyPressEvent(event)
