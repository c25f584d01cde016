"""Small changes of operands that make their shapes fit, whichever operator failed; a re-run says which of them helps.

The ways are tried in the order of how little they change: one axis more or less on one side, two axes swapped, and
then an axis more on both sides, which pairs everything with everything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.remedies.kit import (
    creation,
    enclosing,
    maybe,
    on_line,
    remedy,
    shape_named,
    shortened,
    sizes_written,
)
from graphlab.explain.shapes import broadcast_shape, shapes_of
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Fix

MAX_OF_ONE = 2
"""Ways shown for one operand."""

_PRODUCTS = frozenset({"matmul", "mm", "bmm"})
_LAYERS = frozenset({"Linear", "Conv1d", "Conv2d", "Conv3d", "BatchNorm1d", "LayerNorm", "LSTM", "GRU", "RNN"})
Fits = Callable[[Sequence[int], Sequence[int]], bool]


@dataclass(frozen=True)
class Way:
    """A method call that gives a tensor another shape."""

    suffix: str
    shape: list[int]


def ways(shape: Sequence[int]) -> Iterator[Way]:
    """What one short method call makes of a shape, the smallest change first."""
    n = len(shape)
    for axis in range(n + 1):
        yield Way(f".unsqueeze({axis})", [*shape[:axis], 1, *shape[axis:]])
    for axis in range(n):
        if shape[axis] == 1:
            yield Way(f".squeeze({axis})", [*shape[:axis], *shape[axis + 1 :]])
    for axis in range(n - 2, -1, -1):
        turned = list(shape)
        turned[axis], turned[axis + 1] = turned[axis + 1], turned[axis]
        if turned != list(shape):
            yield Way(f".transpose({axis}, {axis + 1})", turned)
    if n > 2 and shape[0] != shape[2]:
        yield Way(".transpose(0, 2)", [shape[2], shape[1], shape[0], *shape[3:]])


def _broadcasts(a: Sequence[int], b: Sequence[int]) -> bool:
    return broadcast_shape(a, b) is not None


def _multiplies(a: Sequence[int], b: Sequence[int]) -> bool:
    if len(a) < 2 or len(b) < 2:
        return bool(a and b) and a[-1] == (b[-2] if len(b) > 1 else b[0])
    return a[-1] == b[-2] and broadcast_shape(a[:-2], b[:-2]) is not None


def _nodes(case: Case) -> list[ast.expr]:
    nodes = case.operand_nodes()
    return [n for n in nodes if not isinstance(getattr(n, "ctx", None), ast.Store)] if len(nodes) == 2 else []


@remedy("GL101", "GL102", "GL111", "GL126")
def one_turned(case: Case, found: Found) -> Iterator[Fix]:
    """An axis more, an axis less or two axes swapped in one of two operands, where the shapes fit then."""
    shapes, nodes = shapes_of(case), _nodes(case)
    if len(shapes) != 2 or len(nodes) != 2:
        return
    fits: Fits = _multiplies if case.op in _PRODUCTS else _broadcasts
    small = min((0, 1), key=lambda at: (len(shapes[at]), at == 0))
    for at in (small, 1 - small):
        n = 0
        for way in ways(shapes[at]):
            pair = (way.shape, shapes[1]) if at == 0 else (shapes[0], way.shape)
            if fits(*pair) and (case.op in _PRODUCTS or _keeps_size(way.shape, shapes[1 - at])) and n < MAX_OF_ONE:
                n += 1
                yield maybe(
                    N_("Write `{text}`: shape {shape}, which fits the other side"),
                    case.source.append(nodes[at], way.suffix),
                    text=f"{shortened(case.source.base(nodes[at]))}{way.suffix}",
                    shape=words.shape(way.shape),
                )


def _keeps_size(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether broadcasting makes one side no larger: else everything is paired with everything."""
    return broadcast_shape(a, b) in (list(a), list(b))


@remedy("GL101", leads=True)
def rows_with_rows(case: Case, found: Found) -> Iterator[Fix]:
    """`points - centers` of (50, 2) and (3, 2): differences of all rows, as for distances."""
    if case.op == "sub" and all(len(s) > 1 for s in shapes_of(case)):
        yield from every_pair(case, found)


@remedy("GL101")
def every_pair(case: Case, found: Found) -> Iterator[Fix]:
    """`a[:, None] - b[None]`: rows of one against all rows of the other, as for distances."""
    shapes, nodes = shapes_of(case), _nodes(case)
    if len(shapes) != 2 or len(nodes) != 2 or len(shapes[0]) != len(shapes[1]):
        return
    a, b = shapes
    if not a or a[1:] != b[1:] or a[0] == b[0]:
        return
    yield from _column_where_made(case, nodes, shapes)
    edits = [*case.source.append(nodes[0], ".unsqueeze(1)"), *case.source.append(nodes[1], ".unsqueeze(0)")]
    yield maybe(
        N_("Pair each of the {n} with each of the {m}: `{left}` and `{right}` give shape {shape}"),
        edits,
        n=a[0],
        m=b[0],
        left=f"{shortened(case.source.base(nodes[0]))}.unsqueeze(1)",
        right=f"{shortened(case.source.base(nodes[1]))}.unsqueeze(0)",
        shape=words.shape([a[0], b[0], *a[1:]]),
    )


def _column_where_made(case: Case, nodes: Sequence[ast.expr], shapes: Sequence[Sequence[int]]) -> Iterator[Fix]:
    """The same pair stands on several lines: a column of one where it is made mends them all."""
    left, right = (case.source.text_of(n) for n in nodes)
    pairs = [
        n
        for n in case.source.nodes
        if isinstance(n, ast.BinOp) and (case.source.text_of(n.left), case.source.text_of(n.right)) == (left, right)
    ]
    made = case.source.assigned(left, nodes[0]) if isinstance(nodes[0], ast.Name) else None
    if len(pairs) < 2 or made is None:
        return
    text = f"{left} = {shortened(case.source.base(made))}.unsqueeze(1)"
    yield maybe(
        N_("Make a column of {name} where it is made, for all {n} lines that use it so: `{text}`"),
        case.source.append(made, ".unsqueeze(1)"),
        name=words.code(left),
        n=len(pairs),
        text=text,
    )


# tensors that are joined


def _joins(shapes: Sequence[Sequence[int]], dim: int) -> bool:
    n = len(shapes[0])
    if any(len(s) != n for s in shapes) or not -n <= dim < n:
        return False
    dim %= n
    return all([*s[:dim], *s[dim + 1 :]] == [*shapes[0][:dim], *shapes[0][dim + 1 :]] for s in shapes)


@remedy("GL106", "GL107", is_cause=True)
def joined_axes(case: Case, found: Found) -> Iterator[Fix]:
    """`cat` of (4, 128) and (4,): the axis that makes a column of the second; an axis too many, two swapped."""
    call = case.call_of("cat", "concat", "concatenate", "hstack", "vstack", "stack")
    items = call.args[0] if call is not None and call.args else None
    shapes = [list(t.shape) for t in case.tensors] or shapes_of(case)
    if call is None or not isinstance(items, ast.List | ast.Tuple) or len(items.elts) != len(shapes) or len(shapes) < 2:
        return
    if any(isinstance(e, ast.Starred) for e in items.elts):
        return
    given = argument(call, 1, "dim") or argument(call, 1, "axis")
    dim = integer(given) if given is not None else 0
    if dim is None:
        return
    if called(call) == "stack":
        yield from _stacked(case, items.elts, shapes)
        return
    n = 0
    for at, shape in enumerate(shapes):
        others = shapes[:at] + shapes[at + 1 :]
        if len(shape) > 2 and all(len(o) == 2 and o[0] == shape[0] for o in others) and dim in (1, -1):
            n += 1
            text = f"{shortened(case.source.base(items.elts[at]))}.flatten(1)"
            flat = words.shape([shape[0], prod(shape[1:])])
            found.words.update(flat=text, flat_shape=flat)
            found.fix = N_("Flatten each sample of the larger one first: `{flat}` has shape {flat_shape}.")
            yield maybe(
                N_("Write `{text}`: shape {shape}, which can be joined along dim {dim}"),
                case.source.append(items.elts[at], ".flatten(1)"),
                text=text,
                shape=flat,
                dim=dim,
            )
        for way in ways(shape):
            if n < MAX_OF_ONE and _joins([*others, way.shape], dim):
                n += 1
                yield maybe(
                    N_("Write `{text}`: shape {shape}, which can be joined along dim {dim}"),
                    case.source.append(items.elts[at], way.suffix),
                    text=f"{shortened(case.source.base(items.elts[at]))}{way.suffix}",
                    shape=words.shape(way.shape),
                    dim=dim,
                )
    least = min(len(s) for s in shapes)
    for axis in range(least + 1) if n == 0 and max(len(s) for s in shapes) > least else ():
        # several of the smaller ones: each gets the same axis
        grown = [[*s[:axis], 1, *s[axis:]] if len(s) == least else s for s in shapes]
        if _joins(grown, dim):
            small = [e for e, s in zip(items.elts, shapes) if len(s) == least]
            yield maybe(
                N_("Give {names} an axis of size 1 at place {axis}: `.unsqueeze({axis})`"),
                [e for node in small for e in case.source.append(node, f".unsqueeze({axis})")],
                names=words.listing(words.code(shortened(case.source.text_of(e))) for e in small),
                axis=axis,
            )
            return


def _stacked(case: Case, items: Sequence[ast.expr], shapes: Sequence[list[int]]) -> Iterator[Fix]:
    for at, shape in enumerate(shapes):
        others = shapes[:at] + shapes[at + 1 :] if isinstance(shapes, list) else []
        if any(s != others[0] for s in others):
            continue
        for way in ways(shape):
            if way.shape == others[0]:
                yield maybe(
                    N_("Write `{text}`: it has shape {shape} like the others"),
                    case.source.append(items[at], way.suffix),
                    text=f"{shortened(case.source.base(items[at]))}{way.suffix}",
                    shape=words.shape(way.shape),
                )


# what a layer is given


def _input_node(case: Case) -> ast.expr | None:
    """The expression that is handed to the layer which failed."""
    node = case.expression
    if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
        return node.args[0]
    calls = [c for c in on_line(case, ast.Call) if c.args]
    return calls[0].args[0] if len(calls) == 1 else None


@remedy("GL103", "GL114", "GL116", "GL130", leads=True)
def input_turned(case: Case, found: Found) -> Iterator[Fix]:
    """The features or channels lie on another axis of the input: swap it with the one where the layer looks."""
    node = _input_node(case)
    tensors = case.tensors
    module = case.module
    shape = list(tensors[0].shape) if tensors else shape_named(case, dotted(node)) if node is not None else None
    if node is None or not shape or (module is not None and module.type not in _LAYERS):
        return
    if shape_named(case, dotted(node)) not in (None, shape):
        return
    wanted = _size_wanted(case, found)
    is_last = case.op in ("linear", "addmm", "layer_norm", "lstm", "gru", "rnn") or case.kind == "rnn_input"
    at = len(shape) - 1 if is_last else 1
    if wanted is None or not 1 <= at < len(shape) or shape[at] == wanted:
        return
    for axis in range(len(shape) - 1, -1, -1):
        if axis != at and shape[axis] == wanted:
            turned = list(shape)
            turned[axis], turned[at] = turned[at], turned[axis]
            low, high = sorted((axis, at))
            suffix = f".transpose({low}, {high})"
            yield maybe(
                N_("The {n} stand on axis {axis}; bring them to axis {at}: `{text}` has shape {shape}"),
                case.source.append(node, suffix),
                n=wanted,
                axis=axis,
                at=at,
                text=f"{shortened(case.source.base(node))}{suffix}",
                shape=words.shape(turned),
            )
            return


def _size_wanted(case: Case, found: Found) -> int | None:
    for facts in (found.facts, case.facts):
        if isinstance(facts.get("wanted"), int):
            return int(facts["wanted"])
    sizes = case.facts.get("sizes") or []
    return int(sizes[1]) if len(sizes) == 2 else None


# numbers that are written


@remedy("GL101", "GL102", "GL103", "GL106", "GL114", "GL116", "GL130", "GL900")
def number_written(case: Case, found: Found) -> Iterator[Fix]:
    """A size that has a name, `hidden = 128`, or is handed to a layer or a class of the program: the other one."""
    n = 0
    for old, new in _clashing(case, found):
        for node in case.source.nodes:
            if n == MAX_OF_ONE or not (isinstance(node, ast.Constant) and type(node.value) is int):
                continue
            if node.value == old and (said := _size_said(case, node)):
                n += 1
                yield maybe(
                    N_("Make {said} {new} instead of {old} on line {line}"),
                    [case.source.replace(node, str(new))],
                    said=words.code(said),
                    new=new,
                    old=old,
                    line=node.lineno,
                )


def _clashing(case: Case, found: Found) -> list[tuple[int, int]]:
    """Pairs of a size that is there and the one that would fit."""
    pairs: list[tuple[int, int]] = []
    sizes = [s for s in case.facts.get("sizes") or [] if isinstance(s, int)]
    if said := re.search(r"expect\w* .*?\b(\d+), (?:but )?got (\d+)", case.message):
        sizes = [int(said.group(2)), int(said.group(1))]
    wanted, given = _size_wanted(case, found), found.facts.get("given", case.facts.get("given"))
    if isinstance(wanted, int) and isinstance(given, int):
        sizes = [given, wanted]
    if len(sizes) == 2 and sizes[0] != sizes[1]:
        pairs = [(sizes[0], sizes[1]), (sizes[1], sizes[0])] if said else [(sizes[1], sizes[0]), (sizes[0], sizes[1])]
    return [(old, new) for old, new in pairs if old > 1 and new > 0]


def _size_said(case: Case, node: ast.Constant) -> str:
    """What a written size is called: its name, its argument's, or the class that it goes to; "" for other numbers."""
    parent = case.source.parents.get(node)
    if isinstance(parent, ast.Assign) and parent.value is node and len(parent.targets) == 1:
        return dotted(parent.targets[0])
    if isinstance(parent, ast.keyword) and parent.arg and not _is_in_loop_count(case, parent):
        return parent.arg if _makes_module(case, case.source.parents.get(parent)) else ""
    if isinstance(parent, ast.arguments):
        names = [*parent.posonlyargs, *parent.args]
        if node in parent.defaults:
            return names[len(names) - len(parent.defaults) + parent.defaults.index(node)].arg
        return ""
    if isinstance(parent, ast.Call) and node in parent.args and _makes_module(case, parent):
        is_own = case.source.class_of(called(parent)) is not None
        return called(parent) if is_own or parent.args.index(node) < _N_FEATURES.get(called(parent), 2) else ""
    return ""


_N_FEATURES = {"MaxPool2d": 0, "AvgPool2d": 0, "MaxPool1d": 0, "Dropout": 0, "LayerNorm": 1, "BatchNorm2d": 1}
"""How many of a layer's first arguments are counts of features or channels; 2 for all others."""


def _is_in_loop_count(case: Case, node: ast.AST) -> bool:
    return any(called(c) == "range" for c in enclosing(case, node, ast.Call))


def _makes_module(case: Case, node: ast.AST | None) -> bool:
    if not isinstance(node, ast.Call):
        return False
    import graphlab.engine.nn as nn

    made = getattr(nn, called(node), None)
    is_layer = isinstance(made, type) and issubclass(made, nn.Module)
    return is_layer or case.source.class_of(called(node)) is not None


@remedy("GL132")
def divisor_chosen(case: Case, found: Found) -> Iterator[Fix]:
    """Heads or groups that don't divide the channels: the nearest number that does, or the next size that fits."""
    names = (str(case.facts.get("a") or ""), str(case.facts.get("b") or ""))
    for call in on_line(case, ast.Call):
        whole, part = (_size_given(case, call, name) for name in names)
        if whole is None or part is None or part[1] < 1 or whole[1] % part[1] == 0:
            continue
        near = min((d for d in range(1, whole[1] + 1) if whole[1] % d == 0), key=lambda d: (abs(d - part[1]), d))
        for (node, old), new, name in ((part, near, names[1]), (whole, -(-whole[1] // part[1]) * part[1], names[0])):
            yield maybe(
                N_("Make {said} {new} instead of {old} on line {line}"),
                [case.source.replace(node, str(new))],
                said=words.code(name),
                new=new,
                old=old,
                line=node.lineno,
            )
        return


_SAME_SIZE = {
    "embed_dim": ("d_model",),
    "num_heads": ("nhead", "heads"),
    "num_channels": (),
    "num_groups": ("groups",),
    "in_channels": (),
    "out_channels": (),
    "groups": (),
}
_PLACES = {"embed_dim": 0, "num_heads": 1, "num_groups": 0, "num_channels": 1, "in_channels": 0, "out_channels": 1}


def _size_given(case: Case, call: ast.Call, name: str) -> tuple[ast.expr, int] | None:
    """The number that a layer's constructor was given, and where it is written, looking through one name."""
    node = None
    for known in (name, *_SAME_SIZE.get(name, ())):
        node = node or argument(call, _PLACES.get(name, 99), known)
    return case.source.number_behind(node)


@remedy("GL126", "GL111")
def place_made_larger(case: Case, found: Found) -> Iterator[Fix]:
    """`batch[i, :n] = row` of a longer row: more room where `torch.zeros(2, 4)` made the target."""
    wanted, size = case.facts.get("wanted"), case.facts.get("size")
    sizes = [s for s in (wanted, size) if isinstance(s, int)] or list(case.facts.get("sizes") or [])
    if said := re.search(r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)", case.message):
        sizes = [int(said.group(1)), int(said.group(2))]
    if len(sizes) != 2:
        return
    low, high = sorted(sizes)
    for target in [t for n in case.source.nodes if isinstance(n, ast.Assign) for t in n.targets]:
        if not isinstance(target, ast.Subscript) or target.lineno != case.line:
            continue
        made = creation(case, target.value)
        for node in reversed(sizes_written(made)):
            if integer(node) == low:
                yield maybe(
                    N_("Make {said} {new} instead of {old} on line {line}"),
                    [case.source.replace(node, str(high))],
                    said=words.code(case.source.text_of(target.value)),
                    new=high,
                    old=low,
                    line=node.lineno,
                )
                return


@remedy("GL402", leads=True)
def axis_of_one_dropped(case: Case, found: Found) -> Iterator[Fix]:
    """Scores of shape (1, N, C), as the last state of a recurrent layer has them: drop the axis in front."""
    call = case.expression
    shape = words.tuple_of(case.facts.get("input_shape") or [])
    if not shape and case.tensors:
        shape = list(case.tensors[0].shape)
    if not isinstance(call, ast.Call) or not call.args or len(shape) < 2 or shape[0] != 1:
        return
    text = f"{shortened(case.source.base(call.args[0]))}.squeeze(0)"
    found.words.update(given=words.shape(shape), text=text, kept=words.shape(shape[1:]))
    found.fix = N_("The scores have shape {given}, with an axis of size 1 in front: `{text}` has shape {kept}.")
    yield maybe(
        N_("Drop the axis of size 1 in front: `{text}` has shape {shape}"),
        case.source.append(call.args[0], ".squeeze(0)"),
        text=f"{shortened(case.source.base(call.args[0]))}.squeeze(0)",
        shape=words.shape(shape[1:]),
    )


_CHOOSERS = frozenset({"argmax", "argmin"})


@remedy("GL101", "GL403", "GL402", is_cause=True)
def chosen_along_the_other(case: Case, found: Found) -> Iterator[Fix]:
    """`out.argmax(0) == y`: along the classes, of which there is one axis, and not along the samples."""
    shapes, nodes = shapes_of(case), _nodes(case)
    for at, node in enumerate(nodes if len(shapes) == 2 else []):
        made = case.source.assigned(dotted(node), node) if dotted(node) else node
        if not isinstance(made, ast.Call) or called(made) not in _CHOOSERS or not isinstance(made.func, ast.Attribute):
            continue
        is_function = dotted(made.func.value) == "torch"
        dim = argument(made, 1 if is_function else 0, "dim")
        base = made.args[0] if is_function and made.args else made.func.value
        shape = shape_named(case, dotted(base))
        if dim is None or shape is None or integer(dim) is None:
            continue
        for new in range(len(shape)):
            if [*shape[:new], *shape[new + 1 :]] == shapes[1 - at] and new != integer(dim):
                yield maybe(
                    N_("Choose along dim {new}: the result has shape {shape}"),
                    [case.source.replace(dim, str(new))],
                    new=new,
                    shape=words.shape(shapes[1 - at]),
                )
                return
