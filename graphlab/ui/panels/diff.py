"""The change that a fix makes, as removed and added lines with the changed characters marked in them."""

from __future__ import annotations

import difflib
import html

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from graphlab.trace.records import Fix
from graphlab.ui.canvas.faces import blend
from graphlab.ui.theme import Tokens

MARK = 0.32  # how strongly a changed piece is marked
BEFORE = 6  # characters left of the first change that stay in sight
BAR = 12  # room of the scroll bar
FAR = 40  # a change that begins further right is scrolled to, and the lines around it would be out of sight

Row = tuple[str, str, int, int]
"""Sign, line, and from where to where the line was changed (0, 0 for not at all or as a whole)."""


def diff_rows(source: str, fix: Fix) -> list[Row]:
    """The lines of a change with a line of context; none where the fix has no edits or doesn't fit the program."""
    from graphlab.program.edits import apply

    if not fix.edits or not source:
        return []
    try:
        changed = apply(source, fix.edits)
    except ValueError:
        return []
    before, after = source.split("\n"), changed.split("\n")
    lines = [line for line in list(difflib.unified_diff(before, after, lineterm="", n=1))[2:] if line[:2] != "@@"]
    rows: list[Row] = []
    removed: list[str] = []
    added: list[str] = []
    for line in [*lines, " "]:
        if line[0] == "-":
            removed.append(line[1:])
        elif line[0] == "+":
            added.append(line[1:])
        else:
            rows += _changed(removed, added)
            removed, added = [], []
            if line.strip():
                rows.append((" ", line[1:], 0, 0))
    rows = _dedented(rows)
    if min((start for sign, _line, start, end in rows if sign == "+" and end > start), default=0) > FAR:
        rows = [row for row in rows if row[0] != " "]
    return rows


def _dedented(rows: list[Row]) -> list[Row]:
    """Without the blanks that all lines begin with: there is little room."""
    lines = [line for _sign, line, _start, _end in rows if line.strip()]
    n = min((len(line) - len(line.lstrip(" ")) for line in lines), default=0)
    return [(sign, line[n:], max(start - n, 0), max(end - n, 0)) for sign, line, start, end in rows]


def _changed(removed: list[str], added: list[str]) -> list[Row]:
    """Removed lines, then added ones; pairs are compared where there are as many of both."""
    spans = [_spans(old, new) for old, new in zip(removed, added)] if len(removed) == len(added) else []
    nothing = ((0, 0), (0, 0))
    pairs = spans or [nothing] * max(len(removed), len(added))
    return [("-", line, *pair[0]) for line, pair in zip(removed, pairs)] + [
        ("+", line, *pair[1]) for line, pair in zip(added, pairs)
    ]


def _spans(old: str, new: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """From where to where two lines differ, in each of them."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    rest = shorter - head
    tail = next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)
    return (head, len(old) - tail), (head, len(new) - tail)


class Diff(QScrollArea):
    """Draws the rows; of lines that are too long the changed place is shown first."""

    def __init__(self, rows: list[Row], t: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("background: transparent;")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows = rows
        self._character = QFontMetricsF(t.mono(t.small_size)).horizontalAdvance("0")
        self._was_placed = False
        label = QLabel("".join(_row_html(row, t) for row in rows), self)
        label.setObjectName("diff")
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setFont(t.mono(t.small_size))
        label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setWidget(label)
        self.setWidgetResizable(True)
        self._wanted = label.sizeHint()
        self.setFixedHeight(self._wanted.height() + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = self._wanted.width() > event.size().width()
        self.setFixedHeight(self._wanted.height() + (BAR if is_wide else 2))
        spans = [(start, end) for sign, _line, start, end in self._rows if sign == "+" and end > start]
        # Where characters only go, the removed line alone shows which.
        spans = spans or [(start, end) for _sign, _line, start, end in self._rows if end > start]
        first = min((start for start, _end in spans), default=0)
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(0, self._wanted.width() - event.size().width()))
        last = max((end for _start, end in spans), default=0)
        if is_wide and not self._was_placed and (last + 2) * self._character > event.size().width():
            bar.setValue(int(max(0, first + 2 - BEFORE) * self._character))
            self._was_placed = True


def _row_html(row: Row, t: Tokens) -> str:
    sign, line, start, end = row
    color = {"+": t.update, "-": t.failed}.get(sign, t.text_muted)
    back = {"+": t.update_soft, "-": t.failed_soft}.get(sign, t.surface_raised)
    text = _escaped(f"{sign} {line[:start]}")
    if end > start:
        text += f'<span style="background-color:{_mark(back, color)};">{_escaped(line[start:end])}</span>'
    text += _escaped(line[max(start, end) :])
    return f'<div style="color:{color.name()}; background-color:{back.name()};">{text}</div>'


def _mark(back: QColor, color: QColor) -> str:
    return blend(back, color, MARK).name()


def _escaped(text: str) -> str:
    return html.escape(text).replace(" ", "&nbsp;")
