"""The expression bar: rows follow the names, trouble is told in place, the program runs."""

from __future__ import annotations

import ast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from graphlab.ui.panels.builder import EXAMPLE, Builder


@pytest.fixture
def builder(qtbot, state) -> Builder:
    made = Builder(state)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def built(qtbot, builder: Builder) -> str:
    with qtbot.waitSignal(builder.program_built, timeout=5000) as signal:
        builder.build()
    return signal.args[0]


def test_it_opens_with_an_example_that_can_be_run_at_once(qtbot, builder) -> None:
    program = built(qtbot, builder)
    ast.parse(program)
    assert EXAMPLE in program
    assert "requires_grad=True" in program and "backward" in program


def test_rows_follow_the_names_of_the_expression(qtbot, builder) -> None:
    line = builder.findChild(QLineEdit)
    line.clear()
    qtbot.keyClicks(line, "y = (A @ v).relu()")
    qtbot.waitUntil(lambda: builder.names() == ["A", "v"], timeout=3000)


def test_a_row_keeps_its_value_while_the_expression_changes(qtbot, builder) -> None:
    builder.set_expression("y = a * b")
    builder.set_variable("a", "numbers", "1 2 3")
    builder.set_variable("b", "numbers", "4")
    builder.set_expression("y = a * b + c")
    builder.set_variable("c", "ones", "3")
    program = built(qtbot, builder)
    assert "a = torch.tensor([1, 2, 3])" in program
    assert "c = torch.ones(3)" in program


def test_a_cell_that_is_no_number_is_told_with_its_place(builder) -> None:
    builder.set_expression("y = a * 2")
    builder.set_variable("a", "numbers", "1 2 abc")
    builder.build()
    assert "column 3: 'abc' isn't a number" in builder.message()


def test_a_name_without_a_value_is_told(builder) -> None:
    builder.set_expression("y = q * 2")
    builder.build()
    assert "q has no value" in builder.message()


def test_a_pasted_block_keeps_its_rows(qtbot, builder) -> None:
    builder.set_expression("y = M * 2")
    builder._value(0).paste_block("1\t2\n3\t4\n")
    assert "[1, 2],\n    [3, 4]" in built(qtbot, builder)


def test_numbers_from_a_csv_file_are_read(qtbot, builder, tmp_path) -> None:
    (tmp_path / "points.csv").write_text("a,b\n1.5,2\n3,4\n", encoding="utf-8")
    builder.set_expression("y = M.sum()")
    builder.set_variable("M", "file", str(tmp_path / "points.csv"))
    assert "[1.5, 2.0]" in built(qtbot, builder)


def test_return_in_a_cell_builds(qtbot, builder) -> None:
    builder.set_expression("y = a * 2")
    builder.set_variable("a", "numbers", "7")
    with qtbot.waitSignal(builder.program_built, timeout=5000):
        qtbot.keyClick(builder._value(0), Qt.Key.Key_Return)
