"""The change that a fix makes, as rows and as it is drawn."""

from __future__ import annotations

import pytest

from graphlab.trace.records import Edit, Fix
from graphlab.ui.panels.diff import Diff, diff_rows
from graphlab.ui.theme import tokens

LONG = "net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(16, 2))"
SOURCE = f"x = torch.randn(3)\ny = f(x)\n{LONG}\nprint(y)\n"


def replace(line: int, start: int, end: int, text: str) -> Fix:
    return Fix(title="", applicability="safe", verified=False, edits=[Edit(line, start, line, end, text)])


def test_the_changed_characters_are_marked_in_both_lines() -> None:
    rows = diff_rows(SOURCE, replace(2, 6, 7, "x.float()"))
    assert rows == [
        (" ", "x = torch.randn(3)", 0, 0),
        ("-", "y = f(x)", 7, 7),
        ("+", "y = f(x.float())", 7, 15),
        (" ", LONG, 0, 0),
    ]


def test_an_inserted_line_is_marked_as_a_whole() -> None:
    rows = diff_rows(SOURCE, replace(2, 0, 0, "x = x + 1\n"))
    assert ("+", "x = x + 1", 0, 0) in rows
    assert not any(sign == "-" for sign, *_rest in rows)


def test_lines_around_a_change_far_to_the_right_are_left_out() -> None:
    at = LONG.index("16")
    rows = diff_rows(SOURCE, replace(3, at, at + 2, "8"))
    assert [sign for sign, *_rest in rows] == ["-", "+"]


def test_what_all_lines_are_indented_by_is_left_out() -> None:
    rows = diff_rows("for i in x:\n    a = 1\n    b = f(i)\n    c = 2\n", replace(3, 8, 9, "g"))
    assert rows == [(" ", "a = 1", 0, 0), ("-", "b = f(i)", 4, 5), ("+", "b = g(i)", 4, 5), (" ", "c = 2", 0, 0)]


def test_a_fix_that_does_not_fit_the_program_has_no_rows() -> None:
    assert diff_rows(SOURCE, replace(90, 0, 1, "")) == []
    assert diff_rows("", replace(1, 0, 1, "")) == []


@pytest.mark.parametrize("text", ["8", ""])
def test_of_a_long_line_the_changed_place_is_in_sight(qtbot, text: str) -> None:
    """Also where characters only go, so that the added line has no changed place."""
    at = LONG.index("16")
    diff = Diff(diff_rows(SOURCE, replace(3, at, at + 2, text)), tokens("light"))
    qtbot.addWidget(diff)
    diff.resize(260, 60)
    diff.show()
    qtbot.waitExposed(diff)
    bar = diff.horizontalScrollBar()
    character = diff.widget().fontMetrics().horizontalAdvance("0")
    assert bar.value() <= (at + 2) * character <= bar.value() + diff.viewport().width() - 2 * character
