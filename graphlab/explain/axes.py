"""The operands' axes drawn under each other: aligned right as broadcasting does, or by the inner axes of a matmul."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from graphlab.i18n import _
from graphlab.trace.records import Axes, Operand

Meanings = Sequence[Sequence[str]]
STRETCHED = "·"
"""What stands in the drawing as text where an operand has no axis and is stretched."""


def broadcast_axes(names: Sequence[str], shapes: Sequence[Sequence[int]], meanings: Meanings = ()) -> Axes:
    """Axes aligned at the right edge; a column is marked where two sizes differ and neither is 1.

    Where one operand has size 1 or no axis at all and another has more, it is dotted: stretched along that axis.
    """
    width = max((len(shape) for shape in shapes), default=0)
    clashing: set[int] = set()
    wide: set[int] = set()
    for column in range(width):
        sizes = {shape[column - width + len(shape)] for shape in shapes if column - width + len(shape) >= 0}
        if len(sizes - {1}) > 1:
            clashing.add(column)
        elif sizes - {1}:
            wide.add(column)
    operands = []
    for index, (name, shape) in enumerate(zip(names, shapes)):
        first = width - len(shape)
        columns = list(range(first, width))
        marked = [axis for axis, column in enumerate(columns) if column in clashing]
        ones = [column for column in columns if column in wide and shape[column - first] == 1]
        labels = _labels(meanings, index, len(shape))
        operands.append(Operand(name, list(shape), columns, marked, labels, [*range(first), *ones]))
    return Axes(operands, width, _("Sizes are compared from the right; equal sizes or a 1 fit."))


def matmul_axes(names: Sequence[str], shapes: Sequence[Sequence[int]], meanings: Meanings = ()) -> Axes:
    """Axes of `a @ b`: the last of a stands above the last but one of b (or its only one), which must be equal.

    The axes before the matrices align at the right edge of theirs, as broadcasting does; what clashes there is marked.
    """
    a, b = list(shapes[0]), list(shapes[1])
    batch = broadcast_axes(names[:2], [a[:-2], b[:-2]])
    inner = batch.n_columns + 1
    columns_a = [inner] if len(a) == 1 else [*batch.operands[0].columns, inner - 1, inner][-len(a) :]
    columns_b = [inner] if len(b) == 1 else [*batch.operands[1].columns, inner, inner + 1][-len(b) :]
    axis_b = 0 if len(b) == 1 else len(b) - 2
    clash = bool(a) and bool(b) and a[-1] != b[axis_b]
    marked_a, marked_b = (list(operand.marked) for operand in batch.operands)
    if clash:
        marked_a.append(len(a) - 1)
        marked_b.append(axis_b)
    note = _("The last axis of the left matrix meets the first axis of the right one; their sizes must be equal.")
    if marked_a and not clash:
        note = _("The axes before the matrices are compared from the right; equal sizes or a 1 fit.")
    left = Operand(names[0], a, columns_a, marked_a, _labels(meanings, 0, len(a)), batch.operands[0].dotted)
    right = Operand(names[1], b, columns_b, marked_b, _labels(meanings, 1, len(b)), batch.operands[1].dotted)
    return Axes([left, right], inner + 2, note)


def marked_axes(
    names: Sequence[str],
    shapes: Sequence[Sequence[int]],
    marked: Sequence[Sequence[int]],
    note: str,
    meanings: Meanings = (),
    align: Literal["left", "right"] = "left",
) -> Axes:
    """Axes aligned at one edge, with the given ones marked (losses, layers, concatenation, indexing)."""
    width = max((len(shape) for shape in shapes), default=0)
    operands = []
    for index, (name, shape, marks) in enumerate(zip(names, shapes, marked)):
        first = width - len(shape) if align == "right" else 0
        columns = list(range(first, first + len(shape)))
        operands.append(Operand(name, list(shape), columns, list(marks), _labels(meanings, index, len(shape))))
    return Axes(operands, width, note)


def cells_of(operand: Operand) -> list[str]:
    """What stands in the boxes of a row, in the order of its columns."""
    return operand.cells or [str(size) for size in operand.shape]


def clashes(axes: Axes) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The pairs of boxes that clash, each box as (row, place in the row).

    Marked boxes under each other clash where they differ. One box each in two rows clashes wherever they stand.
    """
    boxes = [(row, place) for row, operand in enumerate(axes.operands) for place in operand.marked]
    columns: dict[int, list[tuple[int, int]]] = {}
    for row, place in boxes:
        columns.setdefault(axes.operands[row].columns[place], []).append((row, place))
    if len(boxes) == 2 and boxes[0][0] != boxes[1][0]:
        return [(boxes[0], boxes[1])]
    pairs = []
    for cells in columns.values():
        for upper, lower in pairwise(sorted(cells)):
            if _text(axes, upper) != _text(axes, lower):
                pairs.append((upper, lower))
    return pairs


def clash_texts(axes: Axes) -> list[str]:
    """What clashes in words: ["4 ≠ 3"], each once."""
    texts = [f"{_text(axes, upper)} {axes.sign} {_text(axes, lower)}" for upper, lower in clashes(axes)]
    return list(dict.fromkeys(texts))


def _text(axes: Axes, box: tuple[int, int]) -> str:
    return cells_of(axes.operands[box[0]])[box[1]].removeprefix("= ")


def as_text(axes: Axes) -> str:
    """The drawing for a terminal: one row an operand, `^` under the columns that clash, `·` where one is stretched.

    >>> print(as_text(broadcast_axes(["x", "b"], [[3, 4], [3]])))  # doctest: +NORMALIZE_WHITESPACE
      x  (3, 4)   3   4
      b  (3,)     ·   3
                      ^   4 ≠ 3
    Sizes are compared from the right; equal sizes or a 1 fit.
    """
    from graphlab.explain.words import shape as shape_text

    rows: list[tuple[str, str, dict[int, str]]] = []
    for operand in axes.operands:
        cells = dict.fromkeys(operand.dotted, STRETCHED)
        for column, cell in zip(operand.columns, cells_of(operand)):
            cells[column] = f"{STRETCHED}{cell}" if column in operand.dotted else cell
        is_value = operand.cells and not operand.shape
        rows.append((operand.name, "" if is_value else shape_text(operand.shape), cells))
    marks = {operand.columns[axis] for operand in axes.operands for axis in operand.marked}
    name_width = max((_width(name) for name, _, _ in rows), default=0)
    shape_width = max((len(shape) for _, shape, _ in rows), default=0)
    widths = [max([1, *(len(cells.get(c, "")) for _, _, cells in rows)]) for c in range(axes.n_columns)]

    def line(name: str, shape: str, cells: dict[int, str], after: str = "") -> str:
        body = "   ".join(_pad(cells.get(c, ""), widths[c]) for c in range(axes.n_columns))
        start = name + " " * (name_width - _width(name))
        return f"  {start}  {shape:<{shape_width}}   {body}   {after}".rstrip()

    lines = [line(*row, _meanings_text(operand)) for row, operand in zip(rows, axes.operands)]
    if marks:
        lines.append(line("", "", dict.fromkeys(marks, "^"), ", ".join(clash_texts(axes))))
    if any(operand.dotted for operand in axes.operands):
        lines.append(_("{sign} marks an axis that is stretched to the size beside it.").format(sign=STRETCHED))
    if axes.note:
        lines.append(axes.note)
    return "\n".join(lines)


def _meanings_text(operand: Operand) -> str:
    """What the axes mean, in their order; "?" for one that isn't known beside others that are."""
    return " × ".join(meaning or "?" for meaning in operand.meanings) if any(operand.meanings) else ""


def _labels(meanings: Meanings, index: int, n: int) -> list[str]:
    labels = list(meanings[index]) if index < len(meanings) else []
    return labels if len(labels) == n else [""] * n


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text
