"""The editor: colours, breakpoints, edits, and what it shows of a run."""

import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor

from graphlab.trace.records import Edit, Problem
from graphlab.ui.editor.highlighter import SLICE
from graphlab.ui.editor.program import ProgramPanel
from graphlab.ui.theme import tokens


@pytest.fixture
def panel(qtbot, state):
    shown = ProgramPanel(state)
    qtbot.addWidget(shown)
    shown.resize(600, 400)
    shown.show()
    qtbot.waitExposed(shown)
    return shown


@pytest.fixture
def editor(panel):
    return panel.editor


def colors_of(editor, line: int) -> dict[str, str]:
    """The coloured words of a line."""
    block = editor.document().findBlockByNumber(line - 1)
    return {
        block.text()[part.start : part.start + part.length]: part.format.foreground().color().name()
        for part in block.layout().formats()
    }


def test_words_have_the_colours_of_the_theme(editor):
    editor.setPlainText("def f(x):  # why\n    return 'a' + 12")
    syntax = tokens("light").syntax
    first, second = colors_of(editor, 1), colors_of(editor, 2)
    assert first["def"] == syntax.keyword.name()
    assert first["f"] == syntax.function.name()
    assert first["# why"] == syntax.comment.name()
    assert second["return"] == syntax.keyword.name()
    assert second["12"] == syntax.number.name()


def test_triple_quotes_colour_the_lines_between(editor):
    editor.setPlainText('x = """one\nfor two\n""" + 3\nfor y in z: pass')
    syntax = tokens("light").syntax
    assert set(colors_of(editor, 2).values()) == {syntax.string.name()}
    assert colors_of(editor, 3)["3"] == syntax.number.name()
    assert colors_of(editor, 4)["for"] == syntax.keyword.name()


def test_closing_the_quotes_recolours_what_follows(editor):
    editor.setPlainText("x = '''\nfor y in z:\n")
    syntax = tokens("light").syntax
    assert set(colors_of(editor, 2).values()) == {syntax.string.name()}
    cursor = QTextCursor(editor.document().findBlockByNumber(0))
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
    cursor.insertText("'''")
    assert colors_of(editor, 2)["for"] == syntax.keyword.name()


def test_long_program_is_coloured_in_slices_and_to_its_end(editor, qtbot):
    n = 4 * SLICE
    begin = time.perf_counter()
    editor.setPlainText("\n".join(f"x{number} = {number}  # line" for number in range(n)))
    assert time.perf_counter() - begin < 5
    assert not colors_of(editor, n)
    qtbot.waitUntil(lambda: "# line" in colors_of(editor, n), timeout=20_000)
    assert all(colors_of(editor, number) for number in range(1, n + 1, 97))


def test_theme_recolours(editor, state):
    editor.setPlainText("for x in y: pass")
    state.set_theme("dark")
    assert colors_of(editor, 1)["for"] == tokens("dark").syntax.keyword.name()


def test_click_beside_a_line_sets_and_removes_a_breakpoint(editor, state, qtbot):
    editor.setPlainText("a = 1\nb = 2\nc = 3")
    gutter = editor._gutter
    lines = {line: top + height / 2 for line, top, height in editor.visible_lines(0, 400)}
    qtbot.mouseClick(gutter, Qt.MouseButton.LeftButton, pos=QPoint(6, int(lines[2])))
    assert state.breakpoints == {2}
    qtbot.mouseClick(gutter, Qt.MouseButton.LeftButton, pos=QPoint(6, int(lines[2])))
    assert state.breakpoints == frozenset()


def test_breakpoints_move_with_the_text(editor, state):
    editor.setPlainText("a = 1\nb = 2\nc = 3")
    editor.toggle_breakpoint(2)
    QTextCursor(editor.document()).insertText("# first\n")
    assert state.breakpoints == {3}


def test_edits_of_a_fix_are_one_step_to_undo(editor):
    text = "x = f(1)\ny = g(2)\n"
    editor.setPlainText(text)
    editor.apply_edits([Edit(1, 6, 1, 7, "10"), Edit(2, 4, 2, 5, "hh")])
    assert editor.toPlainText() == "x = f(10)\ny = hh(2)\n"
    editor.undo()
    assert editor.toPlainText() == text


def test_edits_count_characters_not_utf16_units(editor):
    editor.setPlainText("x = '𝔸' + 1")
    editor.apply_edits([Edit(1, 10, 1, 11, "2")])
    assert editor.toPlainText() == "x = '𝔸' + 2"


def test_problem_is_underlined_and_marked(editor, state):
    editor.setPlainText("a = 1\n    b = c\n")
    state.set_problems([Problem("GL1", "error", "No `c`", "There is no c", "", "", 2, 2)])
    assert editor.problem_lines == {2: "error"}
    waves = [s for s in editor.extraSelections() if s.format.underlineColor() == tokens("light").failed]
    assert [s.cursor.selectedText() for s in waves] == ["b = c"]


def test_problem_outside_the_text_is_left_alone(editor, state):
    editor.setPlainText("a = 1")
    state.set_problems([Problem("GL1", "error", "t", "w", "", "", 99, 99)])
    assert editor.problem_lines == {}


def test_zoom_keeps_to_its_limits(editor):
    for _step in range(60):
        editor.zoom(1)
    assert editor.font().pointSizeF() == 40
    for _step in range(60):
        editor.zoom(-1)
    assert editor.font().pointSizeF() == 6


def test_find_bar_goes_around(panel, editor, qtbot):
    editor.setPlainText("loss = 1\nLoss = 2\nloss = 3")
    qtbot.keyClick(editor, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    bar = panel.find_bar
    assert bar.isVisible()
    bar.field.setText("loss")
    lines = []
    for _press in range(4):
        qtbot.keyClick(bar.field, Qt.Key.Key_Return)
        lines.append(editor.textCursor().blockNumber() + 1)
    assert lines in ([1, 2, 3, 1], [2, 3, 1, 2])
    bar.field.setText("Loss")
    assert len(bar._found) == 1
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible()


def test_tab_and_return_keys_reach_the_text(editor, qtbot):
    qtbot.keyClicks(editor, "if x:")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "y")
    assert editor.toPlainText() == "if x:\n    y"
