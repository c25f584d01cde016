"""The text of the program, with what the run says about it: current expression, selected node, problems."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip, QWidget

from graphlab.i18n import N_
from graphlab.ui.editor import keys
from graphlab.ui.editor.gutter import Gutter
from graphlab.ui.editor.highlighter import Highlighter
from graphlab.ui.language import say
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.trace.records import Edit, Problem, Span

MAX_COMPARED = 100_000
"""Characters of a program up to which marks look for the lines that they belong to."""
_KEEP = QTextCursor.MoveMode.KeepAnchor


class Editor(QPlainTextEdit):
    """The program editor.

    Signals:
        find_requested: the reader pressed Ctrl+F in the text
        zoomed(float): the font has this size now
    """

    find_requested = Signal()
    zoomed = Signal(float)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("editor")
        say(self.setAccessibleName, N_("Program"))
        self._state = state
        self._breakpoints: list[QTextCursor] = []
        self._marked_node: Span | None = None
        self._found: list[QTextEdit.ExtraSelection] = []
        self._squiggles: list[tuple[QTextCursor, Problem]] = []
        self.current_line = 0
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        say(self.setPlaceholderText, N_("Type a program here, or open a sample"))
        self.setTabChangesFocus(False)
        self.document().setDocumentMargin(4)
        self._highlighter = Highlighter(self.document(), state.theme)
        self._gutter = Gutter(self)
        self._gutter.line_clicked.connect(self.toggle_breakpoint)
        self.blockCountChanged.connect(self._fit_gutter)
        self.updateRequest.connect(self._scroll_gutter)
        self.cursorPositionChanged.connect(self._show)
        self.document().contentsChange.connect(self._text_changed)
        state.event_changed.connect(self._go_to_event)
        state.trace_changed.connect(self._go_to_event)
        state.problems_changed.connect(self._show_problems)
        state.theme_changed.connect(self._change_theme)
        self.set_font_size(tokens(state.theme).mono_size)
        self._show()

    # Text

    def setPlainText(self, text: str) -> None:
        self._breakpoints = []
        self._highlighter.expect_text()
        super().setPlainText(text)
        self._highlighter.text_came()
        self._tell_breakpoints()

    def replace_text(self, text: str) -> None:
        """Put another text in place as one step that can be undone; the view stays where it was."""
        if text == self.toPlainText():
            return
        place = self.verticalScrollBar().value()
        line = self.textCursor().blockNumber()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        cursor.select(QTextCursor.SelectionType.Document)
        self._highlighter.expect_text()
        cursor.insertText(text)
        cursor.endEditBlock()
        self._highlighter.text_came()
        self.setTextCursor(QTextCursor(self.document().findBlockByNumber(min(line, self.blockCount() - 1))))
        self.verticalScrollBar().setValue(place)

    def apply_edits(self, edits: list[Edit]) -> None:
        """Make the changes of a fix as one step that can be undone."""
        group = QTextCursor(self.document())
        group.beginEditBlock()
        for edit in sorted(edits, key=lambda e: (e.line, e.column), reverse=True):
            cursor = self._cursor_between(edit.line, edit.column, edit.end_line, edit.end_column)
            cursor.insertText(edit.text)
        group.endEditBlock()
        if edits:
            self.go_to_line(min(edit.line for edit in edits))

    def go_to_line(self, line: int, column: int = 0) -> None:
        """Put the cursor into a line, from 1, and make it visible."""
        block = self.document().findBlockByNumber(max(0, min(line, self.blockCount()) - 1))
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + min(column, block.length() - 1))
        self.setTextCursor(cursor)
        self._reveal(line)

    def _reveal(self, line: int) -> None:
        """Scroll only when the line is not seen, and then to the middle."""
        first = self.firstVisibleBlock().blockNumber() + 1
        visible = max(1, int(self.viewport().height() / max(1.0, QFontMetricsF(self.font()).lineSpacing())))
        if not first <= line < first + visible - 1:
            self.verticalScrollBar().setValue(max(0, line - 1 - visible // 2))

    def _cursor_between(self, line: int, column: int, end_line: int, end_column: int) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._position(line, column))
        cursor.setPosition(self._position(end_line, end_column), _KEEP)
        return cursor

    def _position(self, line: int, column: int) -> int:
        block = self.document().findBlockByNumber(line - 1)
        if not block.isValid():
            return self.document().characterCount() - 1
        text = block.text()
        # Qt counts UTF-16 units, Python characters.
        units = len(text[:column].encode("utf-16-le")) // 2 if not text.isascii() else min(column, len(text))
        return block.position() + units

    # Breakpoints

    @property
    def breakpoints(self) -> frozenset[int]:
        """The lines that have one, from 1; they move with the text."""
        return self._state.breakpoints

    def toggle_breakpoint(self, line: int) -> None:
        """Set or remove a breakpoint."""
        for cursor in self._breakpoints:
            if cursor.blockNumber() + 1 == line:
                self._breakpoints.remove(cursor)
                break
        else:
            self._breakpoints.append(QTextCursor(self.document().findBlockByNumber(line - 1)))
        self._tell_breakpoints()

    def toggle_breakpoint_here(self) -> None:
        """Set or remove a breakpoint in the cursor's line."""
        self.toggle_breakpoint(self.textCursor().blockNumber() + 1)

    def _tell_breakpoints(self) -> None:
        self._state.set_breakpoints(frozenset(cursor.blockNumber() + 1 for cursor in self._breakpoints))
        self._gutter.update()

    # What the run says

    def _go_to_event(self) -> None:
        span = self._span_of_event()
        self.current_line = span.line if span else 0
        if span:
            self._reveal(span.line)
        self._show()
        self._gutter.update()

    def _span_of_event(self) -> Span | None:
        trace = self._state.trace
        if trace is None or not 0 <= self._state.event < len(trace.events):
            return None
        return self._still_there(trace.events[self._state.event].span)

    def _still_there(self, span_id: int) -> Span | None:
        """The span, unless its lines were edited since the run."""
        trace = self._state.trace
        if trace is None or not 0 <= span_id < len(trace.spans):
            return None
        span = trace.spans[span_id]
        lines = self._state.source_lines
        for number in range(span.line, span.end_line + 1):
            block = self.document().findBlockByNumber(number - 1)
            if not block.isValid() or number > len(lines) or block.text() != lines[number - 1]:
                return None
        return span

    def mark_span(self, span_id: int) -> None:
        """Mark the expression that made the selected node (-1 for none) and scroll to it."""
        self._marked_node = self._still_there(span_id)
        if self._marked_node:
            self._reveal(self._marked_node.line)
        self._show()

    @property
    def problem_lines(self) -> dict[int, str]:
        """The lines with problems as they stand now, each with the worst severity; they move as the text is edited."""
        rank = {"error": 0, "warning": 1}
        worst: dict[int, str] = {}
        for cursor, problem in self._squiggles:
            line = self.document().findBlock(cursor.selectionStart()).blockNumber() + 1
            old = worst.get(line)
            if old is None or rank.get(problem.severity, 2) < rank.get(old, 2):
                worst[line] = problem.severity
        return worst

    def _show_problems(self) -> None:
        self._squiggles = []
        trace = self._state.trace
        problems = [problem for problem in self._state.problems if problem.line > 0]
        moved = self._moved_lines() if problems else None
        for problem in problems:
            if moved is not None:  # the text was edited while the program ran
                if problem.line in moved:
                    line = moved[problem.line]
                    self._squiggles.append((self._cursor_of_lines(line, line), problem))
                continue
            if problem.line > self.blockCount():
                continue
            span = None
            if trace is not None and 0 <= problem.event < len(trace.events):
                span = self._still_there(trace.events[problem.event].span)
            if span is not None and span.line == problem.line:
                cursor = self._cursor_between(span.line, span.column, span.end_line, span.end_column)
            else:
                cursor = self._cursor_of_lines(problem.line, max(problem.line, problem.end_line))
            self._squiggles.append((cursor, problem))
        self._show()
        self._gutter.update()

    def _moved_lines(self) -> dict[int, int] | None:
        """Where the unchanged lines of the program that was run stand now; None where it was not edited since."""
        before, now = self._state.problem_source, self.toPlainText()
        if before == now or not before or max(len(before), len(now)) > MAX_COMPARED:
            return None
        matcher = SequenceMatcher(None, before.split("\n"), now.split("\n"), autojunk=False)
        return {a + i + 1: b + i + 1 for a, b, size in matcher.get_matching_blocks() for i in range(size)}

    def _cursor_of_lines(self, line: int, end_line: int) -> QTextCursor:
        text = self.document().findBlockByNumber(line - 1).text()
        last = self.document().findBlockByNumber(end_line - 1).text()
        return self._cursor_between(line, len(text) - len(text.lstrip()), end_line, len(last.rstrip()))

    def show_found(self, cursors: list[QTextCursor]) -> None:
        """Mark the places that the find bar found."""
        color = QColor(tokens(self.theme).current)
        color.setAlpha(90)
        self._found = [_selection(cursor, background=color) for cursor in cursors]
        self._show()

    @property
    def theme(self) -> str:
        """The theme that it is drawn in."""
        return self._state.theme

    def _show(self) -> None:
        t = tokens(self.theme)
        selections = []
        if not self.isReadOnly():
            line = _selection(self.textCursor(), background=t.current_line)
            line.cursor.clearSelection()
            line.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            selections.append(line)
        if self._marked_node:
            span = self._marked_node
            cursor = self._cursor_between(span.line, span.column, span.end_line, span.end_column)
            selections.append(_selection(cursor, background=t.accent_soft))
        if (span := self._span_of_event()) is not None:
            cursor = self._cursor_between(span.line, span.column, span.end_line, span.end_column)
            selections.append(_selection(cursor, background=t.current_expression))
        selections += self._found
        selections += self._bracket_marks()
        colors = {"error": t.failed, "warning": t.warning}
        selections += [_squiggle(cursor, colors.get(problem.severity, t.hint)) for cursor, problem in self._squiggles]
        self.setExtraSelections(selections)
        self._gutter.update()

    def _bracket_marks(self) -> list[QTextEdit.ExtraSelection]:
        pair = keys.matching_brackets(self.textCursor())
        if pair is None:
            return []
        t = tokens(self.theme)
        color = t.selection if pair[1] >= 0 else t.failed_soft
        marks = []
        for position in pair:
            if position >= 0:
                cursor = QTextCursor(self.document())
                cursor.setPosition(position)
                cursor.setPosition(position + 1, _KEEP)
                marks.append(_selection(cursor, background=color))
        return marks

    def _text_changed(self, _position: int, removed: int, added: int) -> None:
        if self._breakpoints and removed + added:
            self._tell_breakpoints()

    # Looks

    def _change_theme(self, theme: str) -> None:
        self._highlighter.set_theme(theme)
        self._show()

    def set_font_size(self, points: float) -> None:
        """Take another font size, in points."""
        self.setFont(tokens(self.theme).mono(points))
        self.setTabStopDistance(QFontMetricsF(self.font()).horizontalAdvance(" ") * keys.INDENT)
        self._fit_gutter()

    def zoom(self, steps: float) -> None:
        """Make the text larger or smaller by steps of one point."""
        size = max(6.0, min(40.0, self.font().pointSizeF() + steps))
        self.set_font_size(size)
        self.zoomed.emit(size)

    def _fit_gutter(self) -> None:
        self.setViewportMargins(self._gutter.width_needed(), 0, 0, 0)
        self._place_gutter()

    def _place_gutter(self) -> None:
        area = self.contentsRect()
        self._gutter.setGeometry(QRect(area.left(), area.top(), self._gutter.width_needed(), area.height()))

    def _scroll_gutter(self, area: QRect, dy: int) -> None:
        if dy:
            self._gutter.scroll(0, dy)
        else:
            self._gutter.update(0, area.y(), self._gutter.width(), area.height())

    def visible_lines(self, top: int, bottom: int) -> Iterator[tuple[int, float, float]]:
        """Line number, top and height in the viewport of each line that is seen there."""
        block = self.firstVisibleBlock()
        while block.isValid():
            area = self.blockBoundingGeometry(block).translated(self.contentOffset())
            if area.top() > bottom:
                return
            if area.bottom() >= top and block.isVisible():
                yield block.blockNumber() + 1, area.top(), area.height()
            block = block.next()

    def line_at(self, y: float) -> int:
        """Number of the line at a height in the viewport, 0 below the last."""
        for line, top, height in self.visible_lines(int(y), int(y)):
            if top <= y < top + height:
                return line
        return 0

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_gutter()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(event.angleDelta().y() / 120)
            event.accept()
            return
        super().wheelEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and _is_find(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.ToolTip:
            return self._show_tip(event)
        return super().event(event)

    def _show_tip(self, event: QHelpEvent) -> bool:
        at = self.cursorForPosition(self.viewport().mapFrom(self, event.pos()))
        for cursor, problem in self._squiggles:
            if cursor.selectionStart() <= at.position() <= cursor.selectionEnd():
                QToolTip.showText(event.globalPos(), f"{problem.title}\n\n{problem.what}".replace("`", ""), self)
                return True
        QToolTip.hideText()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        plain = not modifiers & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        cursor = self.textCursor()
        if _is_find(event):
            self.find_requested.emit()
        elif self.isReadOnly() or not plain:
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Tab:
            keys.indent(cursor)
            self.ensureCursorVisible()
        elif key == Qt.Key.Key_Backtab:
            keys.dedent(cursor)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            keys.new_line(cursor)
            self.setTextCursor(cursor)
            self.ensureCursorVisible()
        elif key == Qt.Key.Key_Backspace and keys.backspace(cursor):
            self.ensureCursorVisible()
        else:
            super().keyPressEvent(event)

    def toggle_comment(self) -> None:
        """Comment the touched lines out or in."""
        keys.toggle_comment(self.textCursor())


def _is_find(event: QEvent) -> bool:
    return (
        isinstance(event, QKeyEvent)
        and event.key() == Qt.Key.Key_F
        and event.modifiers() == Qt.KeyboardModifier.ControlModifier
    )


def _selection(cursor: QTextCursor, background: QColor) -> QTextEdit.ExtraSelection:
    selection = QTextEdit.ExtraSelection()
    selection.cursor = cursor
    selection.format = QTextCharFormat()
    selection.format.setBackground(background)
    return selection


def _squiggle(cursor: QTextCursor, color: QColor) -> QTextEdit.ExtraSelection:
    selection = QTextEdit.ExtraSelection()
    selection.cursor = cursor
    selection.format = QTextCharFormat()
    selection.format.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
    selection.format.setUnderlineColor(color)
    return selection
