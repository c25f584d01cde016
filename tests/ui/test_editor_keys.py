"""What keys do to program text."""

import pytest
from PySide6.QtGui import QTextCursor, QTextDocument

from graphlab.ui.editor import keys


def cursor_in(text: str) -> QTextCursor:
    """A cursor for a text in which `|` marks the cursor and `[`…`]` a selection of whole places."""
    document = QTextDocument()
    if "⟦" in text:
        start = text.index("⟦")
        end = text.index("⟧") - 1
        document.setPlainText(text.replace("⟦", "").replace("⟧", ""))
        cursor = QTextCursor(document)
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    else:
        place = text.index("|")
        document.setPlainText(text.replace("|", ""))
        cursor = QTextCursor(document)
        cursor.setPosition(place)
    cursor.owner = document  # keeps it alive
    return cursor


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("for x in y:|", "for x in y:\n    "),
        ("    z = 1|", "    z = 1\n    "),
        ("    return z|", "    return z\n"),
        ("f(|", "f(\n    "),
        ("x = 1  # like this:|", "x = 1  # like this:\n"),
        ("if x:  # so|", "if x:  # so\n    "),
    ],
)
def test_return_keeps_the_indentation(qapp, before, after):
    cursor = cursor_in(before)
    keys.new_line(cursor)
    assert cursor.document().toPlainText() == after


def test_tab_goes_to_the_next_stop(qapp):
    cursor = cursor_in("ab|")
    keys.indent(cursor)
    assert cursor.document().toPlainText() == "ab  "


def test_tab_indents_selected_lines_and_leaves_empty_ones(qapp):
    cursor = cursor_in("⟦a\n\nb\n⟧c")
    keys.indent(cursor)
    assert cursor.document().toPlainText() == "    a\n\n    b\nc"
    cursor.document().undo()
    assert cursor.document().toPlainText() == "a\n\nb\nc"


def test_shift_tab_takes_one_level(qapp):
    cursor = cursor_in("⟦      a\n  b\n\tc⟧")
    keys.dedent(cursor)
    assert cursor.document().toPlainText() == "  a\nb\nc"


def test_comment_and_back(qapp):
    cursor = cursor_in("⟦    a\n        b\n\n⟧")
    keys.toggle_comment(cursor)
    assert cursor.document().toPlainText() == "    # a\n    #     b\n\n"
    cursor.select(QTextCursor.SelectionType.Document)
    keys.toggle_comment(cursor)
    assert cursor.document().toPlainText() == "    a\n        b\n\n"


@pytest.mark.parametrize(("before", "after"), [("        |", "    "), ("      |", "    "), ("  |x", "x")])
def test_backspace_goes_back_one_stop(qapp, before, after):
    cursor = cursor_in(before)
    assert keys.backspace(cursor)
    assert cursor.document().toPlainText() == after


def test_backspace_leaves_words_to_qt(qapp):
    assert not keys.backspace(cursor_in("    x|"))
    assert not keys.backspace(cursor_in("|x"))


@pytest.mark.parametrize(
    ("text", "pair"),
    [("|f(a[1])", None), ("f|(a[1])", (1, 6)), ("f(a[1])|", (6, 1)), ("f(a[1|])", (5, 3)), ("f|(a[1]", (1, -1))],
)
def test_brackets_find_their_partner(qapp, text, pair):
    assert keys.matching_brackets(cursor_in(text)) == pair
