"""The drawings of failures whose axes stand in the call itself: einsum's letters, permute's order, a recurrent layer's
input and state."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphlab.explain.axes import marked_axes
from graphlab.explain.remedies.kit import tensor_named
from graphlab.explain.source import dotted, integer
from graphlab.explain.words import tuple_of
from graphlab.i18n import _
from graphlab.trace.records import Axes, Operand

if TYPE_CHECKING:
    from graphlab.explain.case import Case
    from graphlab.explain.pictures import Drawn, Row
    from graphlab.trace.records import Tensor


def einsum(case: Case, rows: Sequence[Row]) -> Drawn | None:
    """Each letter a column; the axes of a letter with two sizes clash."""
    call = case.call_of("einsum")
    first = call.args[0] if call is not None and call.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str) or "." in first.value:
        return None
    terms = first.value.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(rows) or any(len(set(term)) != len(term) for term in terms):
        return None
    for term, row in zip(terms, rows):
        if len(term) != len(row.shape):
            return _letters(term, row)
    letters = list(dict.fromkeys("".join(terms)))
    sizes: dict[str, set[int]] = {letter: set() for letter in letters}
    for term, row in zip(terms, rows):
        for letter, size in zip(term, row.shape):
            sizes[letter] |= {size} - {1}
    operands = [
        Operand(
            row.name,
            row.shape,
            [letters.index(letter) for letter in term],
            [axis for axis, letter in enumerate(term) if len(sizes[letter]) > 1 and row.shape[axis] != 1],
            list(term),
        )
        for term, row in zip(terms, rows)
    ]
    note = _("Axes with the same letter must have the same size.")
    return Axes(operands, len(letters), note), [row.tensor for row in rows]


def _letters(term: str, row: Row) -> Drawn:
    """One operand with more axes than letters, or fewer."""
    n, k = len(row.shape), len(term)
    operands = [
        Operand(row.name, row.shape, list(range(n)), list(range(k, n)), [""] * n),
        Operand("einsum", [], list(range(k)), list(range(n, k)), [""] * k, [], list(term)),
    ]
    return Axes(operands, max(n, k), _("Each letter names one axis.")), [row.tensor, -1]


def permute(case: Case, rows: Sequence[Row]) -> Drawn | None:
    """The order under the axes that it names; axes that it leaves out are marked, and numbers that no axis has."""
    row, n = rows[0], len(rows[0].shape)
    call = case.call_of("permute")
    nodes: list[ast.expr] = []
    for node in call.args if call is not None else []:
        nodes += node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    dims = list(dict.fromkeys(number for node in nodes if (number := integer(node)) is not None))
    if not dims or not n:
        return None
    inside = [dim for dim in dims if -n <= dim < n]
    outside = [dim for dim in dims if dim not in inside]
    columns = [dim % n for dim in inside]
    if len(set(columns)) < len(columns):
        return None
    cells = [str(dim).replace("-", "−") for dim in (*inside, *outside)]
    named = len(inside)
    operands = [
        Operand(row.name, row.shape, list(range(n)), [axis for axis in range(n) if axis not in columns], [""] * n),
        Operand(
            "permute",
            [],
            [*columns, *range(n, n + len(outside))],
            list(range(named, named + len(outside))),
            [""] * len(cells),
            [],
            cells,
        ),
    ]
    return Axes(operands, n + len(outside), _("Every axis is named exactly once, in the new order.")), [row.tensor, -1]


def recurrent_input(case: Case) -> Drawn | None:
    """The numbers of a step against those that the layer was made for."""
    wanted, given = int(case.facts["wanted"]), int(case.facts["given"])
    x = _argument(case, 0)
    if x is None or not x.shape or x.shape[-1] != given:
        return None
    last = len(x.shape) - 1
    operands = [
        Operand(x.name, list(x.shape), list(range(last + 1)), [last], [""] * (last + 1)),
        Operand("input_size", [], [last], [0], [""], [], [str(wanted)]),
    ]
    return Axes(operands, last + 1, _("The last axis of the input holds the numbers of one step.")), [x.id, -1]


def recurrent_state(case: Case) -> Drawn | None:
    """The state against the shape that it must have for this input."""
    wanted, given = tuple_of(case.facts["wanted"]), tuple_of(case.facts["given"])
    if len(wanted) != len(given):
        return None
    state = _argument(case, 1, given)
    differs = [axis for axis in range(len(wanted)) if wanted[axis] != given[axis]]
    axes = marked_axes(
        [state.name if state is not None else _("tensor {n}").format(n=1), _("wanted")],
        [given, wanted],
        [differs, differs],
        _("A state has one vector for each layer and sample: (layers × directions, batch, hidden size)."),
    )
    return axes, [-1, -1]


def _argument(case: Case, place: int, shape: Sequence[int] | None = None) -> Tensor | None:
    """The tensor that was given at a place of the call, with this shape where one is asked for; of a pair either."""
    call = case.call
    if call is None or place >= len(call.args):
        return None
    node = call.args[place]
    for each in node.elts if isinstance(node, ast.Tuple | ast.List) else [node]:
        tensor = tensor_named(case, dotted(each))
        if tensor is not None and (shape is None or list(tensor.shape) == list(shape)):
            return tensor
    return None
