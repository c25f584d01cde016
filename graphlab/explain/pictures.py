"""The drawing for a failure about shapes, from the engine's facts alone: which axes stand under each other, and which
clash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import msgspec

from graphlab.explain import drawings
from graphlab.explain.axes import broadcast_axes, marked_axes, matmul_axes
from graphlab.explain.case import Case
from graphlab.explain.meanings import Meanings, told, weight_axes, with_meanings
from graphlab.explain.words import tuple_of
from graphlab.i18n import _
from graphlab.trace.records import Axes, Operand, Problem

OUTSIDE = "∌"
_MAX_NAME = 28


class Row:
    """One operand of the failure: what it is called, its shape, the tensor of the trace."""

    def __init__(self, item: dict[str, Any], index: int, text_counts: bool) -> None:
        name, text = str(item.get("name") or ""), str(item.get("text") or "")
        shown = name or (text if text_counts and text[:1].isalpha() and "\n" not in text else "")
        self.name = shown if len(shown) <= _MAX_NAME else ""
        self.name = self.name or _("tensor {n}").format(n=index + 1)
        self.shape = tuple_of(item.get("shape") or [])
        self.tensor = int(item.get("tensor", -1))


Drawn = tuple[Axes, list[int]]
"""A drawing, and the tensor of each of its rows (-1 for none)."""


def picture_of(case: Case) -> Drawn | None:
    """The drawing of a failure; None for one that isn't about axes, or without the operands' shapes."""
    draw = _DRAWERS.get(case.kind)
    rows = rows_of(case)
    if (recurrent := _RECURRENT.get(case.kind)) is not None:
        return recurrent(case)
    return draw(case, rows) if draw is not None and rows else None


def rows_of(case: Case) -> list[Row]:
    """The operands of a failure, as far as the recorder named them."""
    items = [item for item in case.facts.get("operands") or [] if isinstance(item, dict)]
    # For a method the texts are those of the arguments: they stand one place off.
    texts = [str(item.get("text") or "") for item in items]
    counts = not any(text == "torch" or text[:1] in "'\"[(" for text in texts)
    return [Row(item, index, counts) for index, item in enumerate(items)]


def illustrated(problem: Problem, meanings: Meanings, drawn: Drawn | None = None) -> Problem:
    """The problem with its drawing (`drawn`, else its own), and in that the meanings of the axes."""
    if drawn is None and problem.picture is not None:
        drawn = problem.picture, [-1] * len(problem.picture.operands)
    if drawn is None:
        return problem
    return msgspec.structs.replace(problem, picture=with_meanings(*drawn, meanings))


# One function a kind of failure


def _broadcast(case: Case, rows: Sequence[Row]) -> Drawn | None:
    op = case.op
    if op == "einsum":
        return drawings.einsum(case, rows)
    if op == "expand":
        wanted = tuple_of((case.facts.get("shapes") or [[], []])[-1])
        axes = broadcast_axes([rows[0].name, _("wanted")], [rows[0].shape, wanted])
        return axes, [rows[0].tensor, -1]
    if op == "setitem":
        shapes = [tuple_of(shape) for shape in case.facts.get("shapes") or []]
        if len(shapes) != 2:
            return None
        return broadcast_axes([_("the values"), _("the places")], shapes), [-1, -1]
    if op in ("matmul", "bmm", "linalg_matmul") and len(rows) == 2 and all(row.shape for row in rows):
        return _product(case, rows)
    rows = [row for row in rows if row.tensor >= 0]
    if len(rows) < 2:
        return None
    axes = broadcast_axes([row.name for row in rows], [row.shape for row in rows])
    if op.endswith("_") and not any(operand.marked for operand in axes.operands):
        axes = _grown(axes)
    return axes, [row.tensor for row in rows]


def _grown(axes: Axes) -> Axes:
    """An in-place operator whose result would be larger than its target: the axes that the target lacks are marked."""
    target, *others = axes.operands
    changed = [
        msgspec.structs.replace(
            other, marked=[axis for axis, column in enumerate(other.columns) if column in target.dotted]
        )
        for other in others
    ]
    note = _("An operator in place writes into {name}, whose shape can't grow.").format(name=target.name)
    return msgspec.structs.replace(axes, operands=[target, *changed], note=note)


def _product(case: Case, rows: Sequence[Row]) -> Drawn | None:
    if case.op == "einsum":
        return drawings.einsum(case, rows)
    if case.op == "linear":
        return _linear(case, rows)
    if case.op in ("addmm", "addmv", "baddbmm", "addbmm"):
        rows = rows[1:]
    rows = rows[:2]
    if len(rows) != 2 or not all(row.shape for row in rows):
        return None
    left, right = rows
    if case.op == "scaled_dot_product_attention":
        turned = [*right.shape[:-2], *right.shape[-2:][::-1]]
        name = _("{name} turned over").format(name=right.name)
        return matmul_axes([left.name, name], [left.shape, turned]), [left.tensor, -1]
    if case.op not in ("matmul", "mm", "bmm", "mv", "dot", "addmm", "addmv", "baddbmm", "inner", "vdot"):
        return None
    return matmul_axes([left.name, right.name], [left.shape, right.shape]), [left.tensor, right.tensor]


def _linear(case: Case, rows: Sequence[Row]) -> Drawn | None:
    if len(rows) < 2 or len(rows[1].shape) != 2 or not rows[0].shape:
        return None
    x, weight = rows[0], rows[1]
    last = len(x.shape) - 1
    operands = [
        Operand(x.name, x.shape, list(range(last + 1)), [last], [""] * (last + 1)),
        Operand(weight.name, weight.shape, [last + 1, last], [1], weight_axes("Linear", "weight", 2)),
    ]
    note = _("The last axis of the input meets in_features, the last axis of the weight.")
    return Axes(operands, last + 2, note), [x.tensor, weight.tensor]


def _reshape(case: Case, rows: Sequence[Row]) -> Drawn | None:
    shape, wanted = tuple_of(case.facts.get("shape") or []), tuple_of(case.facts.get("wanted") or [])
    fixed = prod(size for size in wanted if size >= 0)
    if not wanted or (fixed == prod(shape) and -1 not in wanted):
        return None  # the sizes agree: it is the order in memory that doesn't
    column = max(len(shape), len(wanted)) + 1
    total = f"= {fixed} × ?" if -1 in wanted else f"= {fixed}"
    operands = [
        _sum_row(rows[0].name, shape, f"= {prod(shape)}", column),
        _sum_row(_("wanted"), wanted, total, column),
    ]
    note = _("A new shape holds the same entries, so the sizes multiplied must give the same number.")
    return Axes(operands, column + 1, note), [rows[0].tensor, -1]


def _sum_row(name: str, shape: Sequence[int], total: str, column: int) -> Operand:
    cells = ["?" if size < 0 else str(size) for size in shape]
    n = len(shape)
    return Operand(name, list(shape), [*range(n), column], [n], [""] * (n + 1), [], [*cells, total])


def _concat(case: Case, rows: Sequence[Row]) -> Drawn | None:
    rows = [row for row in rows if row.tensor >= 0]
    shapes = [row.shape for row in rows]
    if len(rows) < 2:
        return None
    dim = case.facts.get("dim")
    n = max(map(len, shapes))
    is_stack = case.op in ("stack", "hstack", "vstack", "dstack") and case.op == "stack"
    joined = dim % n if isinstance(dim, int) and n and not is_stack else -1
    differs = {
        axis
        for axis in range(n)
        if axis != joined and len({shape[axis] if axis < len(shape) else -1 for shape in shapes}) > 1
    }
    if not differs:
        return None
    marked = [[axis for axis in range(len(shape)) if axis in differs] for shape in shapes]
    if is_stack:
        note = _("To be stacked, all shapes must be equal.")
    elif joined >= 0:
        note = _("All sizes must be equal, but along dim {dim}, where they are put after each other.").format(
            dim=joined
        )
    else:
        note = _("All must have the same number of axes.")
    return marked_axes([row.name for row in rows], shapes, marked, note), [row.tensor for row in rows]


def _convolution(case: Case, rows: Sequence[Row]) -> Drawn | None:
    if len(rows) < 2 or len(rows[1].shape) < 3 or not rows[0].shape:
        return None
    x, weight = rows[0], rows[1]
    space = len(weight.shape) - 2
    transposed = "transpose" in case.op
    first = space + 3 - len(x.shape)  # columns: out_channels, batch, channels, space
    if first < 1:
        return None
    columns = [2, 0] if transposed else [0, 2]
    channel = 0 if transposed else 1
    marked_x, marked_w = [len(x.shape) - space - 1], [channel]
    note = _("The channels of the input meet the in_channels of the layer.")
    if case.kind == "conv_kernel":
        marked_x = list(range(len(x.shape) - space, len(x.shape)))
        marked_w = list(range(2, space + 2))
        note = _("The kernel must not be larger than the input with its padding.")
    elif case.kind == "conv_dims":
        marked_x, marked_w = [], []
        note = _("The input needs the axes batch, channels and one for each axis of the kernel; batch may be left out.")
    words = weight_axes("ConvTranspose" if transposed else "Conv", "weight", space + 2)
    groups = case.facts.get("groups")
    if isinstance(groups, int) and groups > 1 and not transposed:
        words[channel] = _("in_channels ÷ {n} groups").format(n=groups)
    axes = Axes(
        [
            Operand(x.name, x.shape, list(range(first, space + 3)), marked_x, [""] * len(x.shape)),
            Operand(
                weight.name, weight.shape, [*columns, *range(3, space + 3)], marked_w, [told(word) for word in words]
            ),
        ],
        space + 3,
        note,
        "<" if case.kind == "conv_kernel" else "≠",
    )
    return axes, [x.tensor, weight.tensor]


def _features(case: Case, rows: Sequence[Row]) -> Drawn | None:
    x = rows[0]
    weight = next((row for row in rows[1:] if len(row.shape) == 1), None)
    if weight is None or len(x.shape) < 2:
        return None
    operands = [
        Operand(x.name, x.shape, list(range(len(x.shape))), [1], [""] * len(x.shape)),
        Operand(weight.name, weight.shape, [1], [0], ["num_features"]),
    ]
    return Axes(operands, len(x.shape), _("Axis 1 holds the features: there the layer keeps one number each.")), [
        x.tensor,
        weight.tensor,
    ]


def _normalized(case: Case, rows: Sequence[Row]) -> Drawn | None:
    x, wanted = rows[0], tuple_of(case.facts.get("wanted") or [])
    n, k = len(x.shape), len(wanted)
    if not wanted or k > n:
        return None
    marked = [n - k + place for place in range(k) if x.shape[n - k + place] != wanted[place]]
    axes = marked_axes(
        [x.name, "normalized_shape"],
        [x.shape, wanted],
        [marked, [axis - n + k for axis in marked]],
        _("The last axes of the input must be those that the layer was made for."),
        align="right",
    )
    return axes, [x.tensor, -1]


def _index(case: Case, rows: Sequence[Row]) -> Drawn | None:
    index, dim, size = (case.facts.get(key) for key in ("index", "dim", "size"))
    mask = case.facts.get("mask_shape")
    if mask:
        return _mask(rows[0], tuple_of(mask))
    row = rows[0]
    if case.op == "embedding":
        row, dim = next((each for each in rows if len(each.shape) == 2 and each.shape[0] == size), row), 0
    if not isinstance(index, int) or not isinstance(dim, int) or not isinstance(size, int):
        return None
    n = len(row.shape)
    if not -n <= dim < n or row.shape[dim] != size:
        return None
    axis = dim % n
    operands = [
        Operand(row.name, row.shape, list(range(n)), [axis], [""] * n, [], [_span(s) if a == axis else str(s)
                                                                           for a, s in enumerate(row.shape)]),
        Operand(_("index"), [], [axis], [0], [""], [], [str(index)]),
    ]  # fmt: skip
    note = _("An axis of size {size} has the entries 0 to {last}, or −{size} to −1 from its end.").format(
        size=size, last=size - 1
    )
    return Axes(operands, n, note, OUTSIDE), [row.tensor, -1]


def _span(size: int) -> str:
    """The entries of an axis: "0…3"."""
    return f"0…{size - 1}" if size > 1 else "0" if size else "–"


def _mask(row: Row, mask: Sequence[int]) -> Drawn | None:
    n = max(len(row.shape), len(mask))
    differs = [a for a in range(n) if a >= len(row.shape) or (a < len(mask) and row.shape[a] != mask[a])]
    axes = marked_axes(
        [row.name, _("the mask")],
        [row.shape, mask],
        [[axis for axis in differs if axis < len(row.shape)], [axis for axis in differs if axis < len(mask)]],
        _("A mask says yes or no for each entry: its axes are those of the tensor, from the left."),
    )
    return axes, [row.tensor, -1]


def _dim(case: Case, rows: Sequence[Row]) -> Drawn | None:
    dim, n = case.facts.get("dim"), case.facts.get("n_dims")
    row = next((each for each in rows if len(each.shape) == n), None)
    if not isinstance(dim, int) or not n or row is None:
        return None
    low = dim < 0
    numbers = [str(axis - n if low else axis).replace("-", "−") for axis in range(n)]
    shift = 1 if low else 0
    operands = [
        Operand(row.name, row.shape, list(range(shift, n + shift)), [], [""] * n),
        Operand(
            "dim",
            [],
            [*range(shift, n + shift), 0 if low else n],
            [n],
            [""] * (n + 1),
            [],
            [*numbers, str(dim).replace("-", "−")],
        ),
    ]
    note = _("A tensor with {n} axes has dim 0 to {last}, or −{n} to −1 from its end.").format(n=n, last=n - 1)
    return Axes(operands, n + 1, note, OUTSIDE), [row.tensor, -1]


def _target_range(case: Case, rows: Sequence[Row]) -> Drawn | None:
    target, n_classes = case.facts.get("target"), case.facts.get("n_classes")
    row = rows[0]
    axis = 1 if len(row.shape) >= 2 else 0
    if not isinstance(target, int) or not row.shape or row.shape[axis] != n_classes:
        return None
    cells = [_span(size) if place == axis else str(size) for place, size in enumerate(row.shape)]
    n = len(row.shape)
    operands = [
        Operand(row.name, row.shape, list(range(n)), [axis], [""] * n, [], cells),
        Operand(_("a target"), [], [axis], [0], [""], [], [str(target)]),
    ]
    note = _("The targets are numbers of classes, and there are {n} of them along axis {axis}.").format(
        n=n_classes, axis=axis
    )
    return Axes(operands, n, note, OUTSIDE), [row.tensor, -1]


_DRAWERS: dict[str, Callable[[Case, Sequence[Row]], Drawn | None]] = {
    "broadcast": _broadcast,
    "matmul": _product,
    "reshape": _reshape,
    "concat": _concat,
    "conv_channels": _convolution,
    "conv_kernel": _convolution,
    "conv_dims": _convolution,
    "features": _features,
    "normalized_shape": _normalized,
    "index_range": _index,
    "dim_range": _dim,
    "target_range": _target_range,
    "einsum": drawings.einsum,
    "permute_count": drawings.permute,
}
_RECURRENT: dict[str, Callable[[Case], Drawn | None]] = {
    "rnn_input": drawings.recurrent_input,
    "rnn_hidden": drawings.recurrent_state,
}
