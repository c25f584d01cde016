"""Colours Python text line by line, with Pygments for the words and one state a line for open triple quotes.

Only what changed is lexed again. A long text that is set at once is coloured in slices, so that the window stays awake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from PySide6.QtGui import QColor

_OPEN = {1: '"""', 2: "'''"}
_STATE = {quote: state for state, quote in _OPEN.items()}
_PREFIX = "x="  # so that Pygments takes the reopened string for a string, not for a docstring
SLICE = 400
"""Lines that are coloured in one go when a text is loaded; about 20 ms."""


class Highlighter(QSyntaxHighlighter):
    """Python colours for one document."""

    def __init__(self, document: QTextDocument, theme: str) -> None:
        super().__init__(document)
        self._theme = theme
        self._formats: list[tuple[object, QTextCharFormat]] = []
        self._cache: dict[object, QTextCharFormat | None] = {}
        self._lexer = None
        self._end: int | None = None  # blocks from this one on wait for their colours
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._colour_slice)

    def set_theme(self, theme: str) -> None:
        """Take the colours of another theme."""
        self._theme = theme
        self._formats = []
        self._cache = {}
        self.expect_text()
        self.rehighlight()
        self.text_came()

    def expect_text(self) -> None:
        """A whole new text comes now: only its first slice is coloured at once."""
        self._end = SLICE

    def text_came(self) -> None:
        """The text is there: colour the rest of it slice by slice."""
        if self.document().blockCount() > SLICE:
            self._timer.start()
        else:
            self._end = None

    def _colour_slice(self) -> None:
        assert self._end is not None
        block = self.document().findBlockByNumber(self._end)
        self._end += SLICE
        while block.isValid() and block.blockNumber() < self._end:
            self.rehighlightBlock(block)
            block = block.next()
        if not block.isValid():
            self._end = None
            self._timer.stop()

    def highlightBlock(self, text: str) -> None:
        if self._end is not None and self.currentBlock().blockNumber() >= self._end:
            self.setCurrentBlockState(0)
            return
        self.setCurrentBlockState(self._colour(text, max(self.previousBlockState(), 0)))

    def _colour(self, text: str, state: int) -> int:
        if not text.strip():  # also keeps Pygments, 0.1 s to import, out of the start of an empty window
            return state
        if len(text) > 5000:  # a line like this is data, and lexing it would take longer than a frame
            return state
        opened = _OPEN.get(state)
        shift = 0
        if opened:
            text = _PREFIX + opened + text
            shift = len(_PREFIX) + 3
            opened = None
        for start, kind, value in self._lex(text):
            if opened is None and value in _STATE:
                opened = value
            elif value == opened:
                opened = None
            if start + len(value) > shift and (form := self._format(kind)) is not None:
                begin = max(start - shift, 0)
                self.setFormat(begin, start + len(value) - shift - begin, form)
        return _STATE[opened] if opened else 0

    def _lex(self, text: str):
        if self._lexer is None:
            from pygments.lexers.python import PythonLexer

            self._lexer = PythonLexer()
        return self._lexer.get_tokens_unprocessed(text)

    def _format(self, kind) -> QTextCharFormat | None:
        if kind not in self._cache:
            self._cache[kind] = next((form for parent, form in self._table() if kind in parent), None)
        return self._cache[kind]

    def _table(self) -> list[tuple[object, QTextCharFormat]]:
        if not self._formats:
            from pygments.token import Comment, Keyword, Name, Number, Operator, String

            syntax = tokens(self._theme).syntax
            bold = QFont.Weight.DemiBold
            self._formats = [
                (Keyword, _format(syntax.keyword)),
                (Operator.Word, _format(syntax.keyword)),
                (Name.Decorator, _format(syntax.decorator)),
                (Name.Function, _format(syntax.function, bold)),
                (Name.Class, _format(syntax.function, bold)),
                (Name.Builtin.Pseudo, _format(syntax.builtin, italic=True)),
                (Name.Builtin, _format(syntax.builtin)),
                (Name.Exception, _format(syntax.builtin)),
                (Name.Namespace, _format(syntax.builtin)),
                (Name.Function.Magic, _format(syntax.function)),
                (String.Interpol, _format(syntax.number)),
                (String.Escape, _format(syntax.number)),
                (String.Affix, _format(syntax.keyword)),
                (String, _format(syntax.string)),
                (Number, _format(syntax.number)),
                (Comment, _format(syntax.comment, italic=True)),
                (Operator, _format(syntax.operator)),
            ]
        return self._formats


def _format(color: QColor, weight: QFont.Weight | None = None, italic: bool = False) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setForeground(color)
    if weight is not None:
        form.setFontWeight(weight)
    form.setFontItalic(italic)
    return form
