"""What keys do to program text beyond inserting it: indentation, comments, brackets. Works on a cursor."""

from __future__ import annotations

import re

from PySide6.QtGui import QTextBlock, QTextCursor

INDENT = 4
_CLOSES = re.compile(r"^\s*(return|pass|break|continue|raise)\b")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_BACK = {close: opening for opening, close in _PAIRS.items()}
SEARCH_LIMIT = 20_000
"""Characters that bracket matching looks at before it gives up."""


def lines_of(cursor: QTextCursor) -> list[QTextBlock]:
    """The blocks that a selection touches; one that it only ends at the beginning of is not touched."""
    document = cursor.document()
    first = document.findBlock(cursor.selectionStart())
    end = cursor.selectionEnd()
    last = document.findBlock(end)
    if last != first and end == last.position():
        last = last.previous()
    blocks = [first]
    while blocks[-1] != last:
        blocks.append(blocks[-1].next())
    return blocks


def _insert_at(block: QTextBlock, column: int, text: str) -> None:
    cursor = QTextCursor(block)
    cursor.setPosition(block.position() + column)
    cursor.insertText(text)


def _remove_at(block: QTextBlock, column: int, n: int) -> None:
    cursor = QTextCursor(block)
    cursor.setPosition(block.position() + column)
    cursor.setPosition(block.position() + column + n, QTextCursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()


def indent(cursor: QTextCursor) -> None:
    """Tab: indent the selected lines, or go to the next stop."""
    if not cursor.hasSelection() or cursor.document().findBlock(cursor.selectionStart()) == cursor.document().findBlock(
        cursor.selectionEnd()
    ):
        cursor.insertText(" " * (INDENT - cursor.positionInBlock() % INDENT))
        return
    cursor.beginEditBlock()
    for block in lines_of(cursor):
        if block.text().strip():
            _insert_at(block, 0, " " * INDENT)
    cursor.endEditBlock()


def dedent(cursor: QTextCursor) -> None:
    """Shift+Tab: take one level from the touched lines."""
    cursor.beginEditBlock()
    for block in lines_of(cursor):
        text = block.text()
        if text.startswith("\t"):
            _remove_at(block, 0, 1)
        elif n := min(INDENT, len(text) - len(text.lstrip(" "))):
            _remove_at(block, 0, n)
    cursor.endEditBlock()


def toggle_comment(cursor: QTextCursor) -> None:
    """Comment the touched lines out, or in again when all of them are comments."""
    blocks = [block for block in lines_of(cursor) if block.text().strip()]
    if not blocks:
        return
    cursor.beginEditBlock()
    if all(block.text().lstrip().startswith("#") for block in blocks):
        for block in blocks:
            column = block.text().index("#")
            _remove_at(block, column, 2 if block.text()[column + 1 : column + 2] == " " else 1)
    else:
        column = min(len(block.text()) - len(block.text().lstrip()) for block in blocks)
        for block in blocks:
            _insert_at(block, column, "# ")
    cursor.endEditBlock()


def new_line(cursor: QTextCursor) -> None:
    """Return: keep the indentation, one level deeper after a colon or an open bracket, one back after `return`."""
    before = cursor.block().text()[: cursor.positionInBlock()]
    level = len(before) - len(before.lstrip(" "))
    code = before.split("#")[0].rstrip()
    if code.endswith((":", "(", "[", "{")):
        level += INDENT
    elif _CLOSES.match(before):
        level = max(0, level - INDENT)
    cursor.insertText("\n" + " " * level)


def backspace(cursor: QTextCursor) -> bool:
    """Delete back to the previous stop inside indentation; False when there is none to delete."""
    column = cursor.positionInBlock()
    before = cursor.block().text()[:column]
    if cursor.hasSelection() or not before or before.strip(" "):
        return False
    for _step in range((column - 1) % INDENT + 1):
        cursor.deletePreviousChar()
    return True


def matching_brackets(cursor: QTextCursor) -> tuple[int, int] | None:
    """Positions of the bracket at the cursor and of its partner; the partner is -1 where it has none."""
    document = cursor.document()
    for position in (cursor.position() - 1, cursor.position()):
        char = document.characterAt(position) if position >= 0 else ""
        if char in _PAIRS or char in _BACK:
            return position, _partner(document, position, char)
    return None


def _partner(document, position: int, char: str) -> int:
    step = 1 if char in _PAIRS else -1
    other = _PAIRS.get(char) or _BACK[char]
    depth = 0
    length = document.characterCount()
    for _n in range(SEARCH_LIMIT):
        if not 0 <= position < length:
            return -1
        here = document.characterAt(position)
        if here == char:
            depth += 1
        elif here == other:
            depth -= 1
            if depth == 0:
                return position
        position += step
    return -1
