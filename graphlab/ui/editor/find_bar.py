"""The line under the editor that finds text in the program."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from graphlab.i18n import N_, ngettext
from graphlab.ui.editor.editor import Editor
from graphlab.ui.language import say

MAX_FOUND = 1000


class FindBar(QWidget):
    """Hidden until `open` is called; marks all places and goes from one to the next."""

    def __init__(self, editor: Editor, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("find_bar")
        self._editor = editor
        self._found: list[QTextCursor] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 4, 4)
        layout.setSpacing(4)
        self.field = QLineEdit(self)
        say(self.field.setPlaceholderText, N_("Find in program"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._search)
        self._count = QLabel(self)
        self._count.setProperty("muted", True)
        self._previous = self._button("up", N_("Previous place (Shift+Enter)"), self.previous)
        self._next = self._button("down", N_("Next place (Enter)"), self.next)
        self._close = self._button("close", N_("Close (Esc)"), self.close_bar)
        for widget in (self.field, self._count, self._previous, self._next, self._close):
            layout.addWidget(widget, 1 if widget is self.field else 0)
        self.hide()

    def _button(self, name: str, tip: str, act) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("icon_name", name)
        say(button.setToolTip, tip)
        button.clicked.connect(act)
        return button

    def open(self) -> None:
        """Show it with the selected text."""
        from graphlab.ui.icons import icon

        for button in (self._previous, self._next, self._close):
            button.setIcon(icon(button.property("icon_name"), self._editor.theme))
        selected = self._editor.textCursor().selectedText()
        if selected and "\u2029" not in selected:
            self.field.setText(selected)
        self.show()
        self.field.setFocus()
        self.field.selectAll()
        self._search()

    def close_bar(self) -> None:
        """Hide it and give the focus back."""
        self.hide()
        self._editor.show_found([])
        self._editor.setFocus()

    def _search(self) -> None:
        self._found = []
        text = self.field.text()
        if text:
            flags = QTextDocument.FindFlag(0) if text.islower() else QTextDocument.FindFlag.FindCaseSensitively
            cursor = QTextCursor(self._editor.document())
            while len(self._found) < MAX_FOUND:
                cursor = self._editor.document().find(text, cursor, flags)
                if cursor.isNull():
                    break
                self._found.append(cursor)
        n = len(self._found)
        say(self._count.setText, lambda: ngettext("{n} place", "{n} places", n).format(n=n) if text else "")
        self._editor.show_found(self._found)

    def next(self) -> None:
        """Go to the next place, around the end."""
        here = self._editor.textCursor().selectionEnd()
        self._go(next((c for c in self._found if c.selectionStart() >= here), self._found[0] if self._found else None))

    def previous(self) -> None:
        """Go to the place before, around the beginning."""
        here = self._editor.textCursor().selectionStart()
        before = [c for c in self._found if c.selectionEnd() <= here]
        self._go(before[-1] if before else self._found[-1] if self._found else None)

    def _go(self, cursor: QTextCursor | None) -> None:
        if cursor is not None:
            self._editor.setTextCursor(cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.previous()
            else:
                self.next()
        else:
            super().keyPressEvent(event)
