"""The operands' axes drawn under each other: aligned right as broadcasting does, or by the inner axes of a matmul."""

import unicodedata
from collections.abc import Sequence
from typing import Literal

from graphlab.i18n import _
from graphlab.trace.records import Axes, Operand

Meanings = Sequence[Sequence[str]]


def broadcast_axes(names: Sequence[str], shapes: Sequence[Sequence[int]], meanings: Meanings = ()) -> Axes:
    """Axes aligned at the right edge; a column is marked where two sizes differ and neither is 1."""
    width = max((len(shape) for shape in shapes), default=0)
    clashing: set[int] = set()
    for column in range(width):
        sizes = {shape[column - width + len(shape)] for shape in shapes if column - width + len(shape) >= 0}
        if len(sizes - {1}) > 1:
            clashing.add(column)
    operands = []
    for index, (name, shape) in enumerate(zip(names, shapes)):
        columns = list(range(width - len(shape), width))
        marked = [axis for axis, column in enumerate(columns) if column in clashing]
        operands.append(Operand(name, list(shape), columns, marked, _labels(meanings, index, len(shape))))
    return Axes(operands, width, _("Sizes are compared from the right; equal sizes or a 1 fit."))


def matmul_axes(names: Sequence[str], shapes: Sequence[Sequence[int]], meanings: Meanings = ()) -> Axes:
    """Axes of `a @ b`: the last of a stands above the last but one of b (or its only one), which must be equal."""
    a, b = shapes[0], shapes[1]
    batch = max(len(a) - 2, len(b) - 2, 0)
    inner = batch + 1
    columns_a = list(range(inner - len(a) + 1, inner + 1))
    columns_b = [inner] if len(b) == 1 else list(range(inner - len(b) + 2, inner + 2))
    if len(a) == 1:
        columns_a = [inner]
    # Batch axes align at the right edge of the batch, the matrix axes stand apart: nothing moves left of column 0.
    axis_b = 0 if len(b) == 1 else len(b) - 2
    clash = bool(a) and bool(b) and a[-1] != b[axis_b]
    return Axes(
        [
            Operand(names[0], list(a), columns_a, [len(a) - 1] if clash else [], _labels(meanings, 0, len(a))),
            Operand(names[1], list(b), columns_b, [axis_b] if clash else [], _labels(meanings, 1, len(b))),
        ],
        inner + 2,
        _("The last axis of the left matrix meets the first axis of the right one; their sizes must be equal."),
    )


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


def as_text(axes: Axes) -> str:
    """The drawing for a terminal: one row an operand, `^` under the columns that clash.

    >>> print(as_text(broadcast_axes(["x", "b"], [[3, 4], [3]])))  # doctest: +NORMALIZE_WHITESPACE
      x  (3, 4)   3   4
      b  (3,)         3
                      ^
    Sizes are compared from the right; equal sizes or a 1 fit.
    """
    from graphlab.explain.words import shape as shape_text

    rows: list[tuple[str, str, dict[int, str]]] = []
    for operand in axes.operands:
        cells = {column: str(operand.shape[axis]) for axis, column in enumerate(operand.columns)}
        rows.append((operand.name, shape_text(operand.shape), cells))
    marks = {operand.columns[axis] for operand in axes.operands for axis in operand.marked}
    name_width = max((_width(name) for name, _, _ in rows), default=0)
    shape_width = max((len(shape) for _, shape, _ in rows), default=0)
    widths = [max([1, *(len(cells.get(c, "")) for _, _, cells in rows)]) for c in range(axes.n_columns)]

    def line(name: str, shape: str, cells: dict[int, str], meanings: str = "") -> str:
        body = "   ".join(_pad(cells.get(c, ""), widths[c]) for c in range(axes.n_columns))
        start = name + " " * (name_width - _width(name))
        return f"  {start}  {shape:<{shape_width}}   {body}   {meanings}".rstrip()

    lines = [
        line(*row, " × ".join(operand.meanings) if all(operand.meanings) else "")
        for row, operand in zip(rows, axes.operands)
    ]
    if marks:
        lines.append(line("", "", dict.fromkeys(marks, "^")))
    if axes.note:
        lines.append(axes.note)
    return "\n".join(lines)


def _labels(meanings: Meanings, index: int, n: int) -> list[str]:
    labels = list(meanings[index]) if index < len(meanings) else []
    return labels if len(labels) == n else [""] * n


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text
