"""What the program printed, as it prints it, and what went wrong. Keeps a bounded number of lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from graphlab.i18n import N_, _
from graphlab.ui.language import again, say
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

MAX_LINES = 10_000
MAX_LINE = 4_000
"""Longer lines are cut: a text widget lays one out in time that grows with its length."""

AT_ONCE = 6_000
"""Characters that are inserted at once."""

Words = str | Callable[[], str]


class Console(QWidget):
    """Text in, text out. The run controller appends to it."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("console")
        self._state = state
        self._pieces: list[tuple[Words, str]] = []  # what was shown, to be coloured again when the theme changes
        self._pending: deque[tuple[str, str]] = deque()  # not in the text widget yet
        self._more = QTimer(self)
        self._more.setSingleShot(True)
        self._more.setInterval(0)
        self._more.timeout.connect(self._insert_some)
        self.output = QPlainTextEdit(self)
        self.output.setObjectName("console_text")
        self.output.setReadOnly(True)
        self.output.setUndoRedoEnabled(False)
        self.output.setMaximumBlockCount(MAX_LINES)
        say(self.output.setPlaceholderText, N_("What the program prints appears here"))
        say(self.output.setAccessibleName, N_("Output of the program"))
        self.output.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.output.document().setDocumentMargin(8)
        side = QVBoxLayout()
        side.setContentsMargins(2, 4, 4, 4)
        side.setSpacing(2)
        self._copy = self._button(N_("Copy all output"), self.copy)
        self._clear = self._button(N_("Clear the output"), self.clear)
        side.addWidget(self._copy)
        side.addWidget(self._clear)
        side.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.output, 1)
        layout.addLayout(side)
        state.theme_changed.connect(self._show)
        self.setFocusProxy(self.output)
        self._show()
        again(self._retell, now=False)

    def _button(self, tip: str, act) -> QToolButton:
        button = QToolButton(self)
        say(button.setToolTip, tip)
        say(button.setAccessibleName, tip)
        button.clicked.connect(act)
        return button

    @property
    def text(self) -> str:
        """All that is shown."""
        while self._pending:
            self._insert_some()
        return self.output.toPlainText()

    @property
    def is_at_line_start(self) -> bool:
        """Whether what is appended next stands at the beginning of a line."""
        return not self._pieces or _told(self._pieces[-1][0]).endswith("\n")

    def append(self, text: Words, kind: str = "print") -> None:
        """Add text, from a function where it can be told anew in another language; `kind` is "print", "warning",
        "error" or "note" and chooses the colour."""
        if not text:
            return
        if isinstance(text, str):
            text = "\n".join(
                line if len(line) <= MAX_LINE else line[:MAX_LINE] + _(" … (line cut)") for line in text.split("\n")
            )
        self._pieces.append((text, kind))
        del self._pieces[:-MAX_LINES]
        self._pending.append((_told(text), kind))
        self._insert_some()

    def _retell(self) -> None:
        """Another language was chosen: what the program printed stays, what was said of it is told anew."""
        if any(not isinstance(words, str) for words, _kind in self._pieces):
            self._show()

    def _insert_some(self) -> None:
        """Show what takes some milliseconds of what waits; the rest when the window is idle."""
        if not self._pending:
            return
        bar = self.output.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum() - 4
        cursor = QTextCursor(self.output.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        room = AT_ONCE
        while self._pending and room > 0:
            text, kind = self._pending.popleft()
            if len(text) > room:
                self._pending.appendleft((text[room:], kind))
                text = text[:room]
            room -= len(text)
            cursor.insertText(text, self._format(kind))
        cursor.endEditBlock()
        if is_at_end:
            bar.setValue(bar.maximum())
        if self._pending:
            self._more.start()

    def _format(self, kind: str) -> QTextCharFormat:
        t = tokens(self._state.theme)
        form = QTextCharFormat()
        form.setForeground({"warning": t.warning, "error": t.failed, "note": t.text_muted}.get(kind, t.text))
        if kind == "note":
            form.setFontWeight(QFont.Weight.Normal)
            form.setFontItalic(True)
        return form

    def clear(self) -> None:
        """Forget everything."""
        self._pieces = []
        self._pending.clear()
        self.output.clear()

    def copy(self) -> None:
        """Put the selected text, or all of it, on the clipboard."""
        from PySide6.QtGui import QGuiApplication

        selected = self.output.textCursor().selectedText().replace("\u2029", "\n")
        QGuiApplication.clipboard().setText(selected or self.text)

    def set_font_size(self, points: float) -> None:
        """Take another font size, in points."""
        self.output.setFont(tokens(self._state.theme).mono(points))

    def _show(self) -> None:
        from graphlab.ui.icons import icon

        self._copy.setIcon(icon("copy", self._state.theme, "text_muted"))
        self._clear.setIcon(icon("clear", self._state.theme, "text_muted"))
        self.output.setFont(tokens(self._state.theme).mono(self.output.font().pointSizeF() if self._pieces else None))
        self.output.clear()
        self._pending = deque((_told(words), kind) for words, kind in self._pieces)
        self._insert_some()


def _told(words: Words) -> str:
    return words if isinstance(words, str) else words()
