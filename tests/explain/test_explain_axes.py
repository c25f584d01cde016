"""The drawing of operands' axes."""

from __future__ import annotations

from graphlab.explain.axes import as_text, broadcast_axes, marked_axes, matmul_axes


def test_broadcast_aligns_right_and_marks_the_clash() -> None:
    axes = broadcast_axes(["x", "b"], [[3, 4], [3]])
    assert [o.columns for o in axes.operands] == [[0, 1], [1]]
    assert [o.marked for o in axes.operands] == [[1], [0]]


def test_size_one_does_not_clash() -> None:
    axes = broadcast_axes(["x", "b"], [[3, 4], [3, 1]])
    assert all(not o.marked for o in axes.operands)


def test_matmul_puts_the_inner_axes_under_each_other() -> None:
    axes = matmul_axes(["a", "b"], [[2, 3, 4], [5, 6]])
    a, b = axes.operands
    assert a.columns == [0, 1, 2]
    assert b.columns == [2, 3]
    assert (a.marked, b.marked) == ([2], [0])
    assert axes.n_columns == 4


def test_matmul_with_vectors() -> None:
    a, b = matmul_axes(["a", "v"], [[3, 4], [5]]).operands
    assert (a.columns, b.columns) == ([0, 1], [1])
    a, b = matmul_axes(["v", "a"], [[3], [4, 5]]).operands
    assert (a.columns, b.columns) == ([1], [1, 2])
    assert not matmul_axes(["v", "u"], [[3], [3]]).operands[0].marked


def test_text_puts_a_mark_under_the_clashing_column() -> None:
    text = as_text(broadcast_axes(["x", "bias"], [[3, 4], [3]]))
    x, bias, mark, stretched, note = text.splitlines()
    assert mark.index("^") == len(x) - 1 == len(bias) - 1
    assert mark.endswith("^   4 ≠ 3")
    assert x.split() == ["x", "(3,", "4)", "3", "4"]
    assert bias.split() == ["bias", "(3,)", "·", "3"]
    assert stretched.startswith("·") and note


def test_wide_characters_keep_the_columns() -> None:
    text = as_text(marked_axes(["数据", "x"], [[10], [7]], [[0], [0]], "", [["批"], [""]]))
    first, second, _mark = text.splitlines()
    assert first.endswith("10   批")
    # Two characters of the first name are two columns wide each.
    assert len(first.removesuffix("10   批")) + 2 == len(second) - 2


def test_scalars_and_no_operands_are_drawn() -> None:
    assert "()" in as_text(broadcast_axes(["x"], [[]]))
    assert as_text(broadcast_axes([], [])).strip()
