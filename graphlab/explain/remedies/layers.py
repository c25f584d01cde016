"""Layers and what goes into them: channels, windows, states, tables, features."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.remedies.kit import (
    creation,
    expression_of,
    made_by,
    maybe,
    on_line,
    remedy,
    shortened,
    sizes_written,
    tensor_named,
    without_argument,
    without_call,
)
from graphlab.explain.remedies.shapes import with_size
from graphlab.explain.results import maker
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Fix


@remedy("GL114", leads=True)
def channels_last(case: Case, found: Found) -> Iterator[Fix]:
    """A picture with its channels last, moved where it is made or handed over."""
    tensors = case.tensors
    given, wanted = found.facts.get("given"), found.facts.get("wanted")
    if not tensors or case.kind != "conv_channels" or given is None:
        return
    shape = list(tensors[0].shape)
    if len(shape) < 4 or shape[-1] != wanted or any("permute" in f.title for f in found.fixes):
        return
    n = len(shape)
    suffix = f".permute({', '.join(map(str, [0, n - 1, *range(1, n - 1)]))})"
    node = _handed_over(case, tensors[0].id)
    if node is not None:
        yield maybe(
            N_("Move the channels to axis 1: `{text}{suffix}`"),
            case.source.append(node, suffix),
            text=case.source.base(node),
            suffix=suffix,
        )


def _handed_over(case: Case, tensor: int) -> ast.expr | None:
    """The expression of the program that gave a tensor to the module in which it failed."""
    if case.trace is None or tensor < 0:
        return None
    name = case.trace.tensors[tensor].name
    outer = on_line(case, ast.Call)
    for call in outer:
        for argument_ in call.args:
            if isinstance(argument_, ast.expr) and name and dotted(argument_) == name:
                return argument_
    made = expression_of(case, made_by(case, tensor))
    if made is not None and any(made in call.args for call in outer):
        return made
    return made if isinstance(made, ast.Call) else None


@remedy("GL114")
def kernel_sizes(case: Case, found: Found) -> Iterator[Fix]:
    """A kernel of one's own, made for another number of channels; a missing batch or channel axis."""
    shapes = shapes_of(case)
    call = next((c for c in on_line(case, ast.Call) if called(c).startswith("conv")), None)
    if case.kind != "conv_channels":
        yield from _axes_put_in(case)
        return
    if call is None or len(call.args) < 2 or len(shapes) < 2:
        return
    made = creation(case, call.args[1])
    sizes = sizes_written(made)
    given = found.facts.get("given")
    if len(sizes) > 1 and made is not None and given:
        yield maybe(
            N_("Make {name} with {size} there: `{text}`"),
            [case.source.replace(sizes[1], str(given))],
            name=words.code(case.source.text_of(call.args[1])),
            size=given,
            text=with_size(case, made, sizes[1], str(given)),
        )


def _channels(case: Case) -> int | None:
    """The `in_channels` that the layer was made with."""
    path, type_ = str(case.facts.get("module") or ""), str(case.facts.get("module_type") or "")
    call = case.source.layer(path, type_) if path and type_ else None
    return integer(argument(call, 0, "in_channels")) if call is not None else None


def _axes_put_in(case: Case) -> Iterator[Fix]:
    tensors = case.tensors
    if not tensors:
        return
    shape = list(tensors[0].shape)
    node = _handed_over(case, tensors[0].id)
    n_space = next((int(d) for d in case.op if d in "123"), 2)
    if node is None:
        return
    if len(shape) == n_space + 1 and "pool" not in case.op:
        yield maybe(
            N_("Put one channel in: `{text}.unsqueeze(1)`"),
            case.source.append(node, ".unsqueeze(1)"),
            text=case.source.base(node),
        )
    elif len(shape) == 2 and n_space == 2 and shape[1] == _channels(case):
        suffix = ".unsqueeze(-1)" * n_space
        yield maybe(
            N_("Make each row a picture of one point with {n} channels: `{text}`"),
            case.source.append(node, suffix),
            n=shape[1],
            text=f"{case.source.base(node)}{suffix}",
        )
    elif len(shape) == 2 and n_space == 2:
        side = int(shape[1] ** 0.5)
        if side * side == shape[1]:
            text = f".view(-1, 1, {side}, {side})"
            yield maybe(
                N_("Make pictures of the rows: `{text}`"),
                case.source.append(node, text),
                text=f"{case.source.base(node)}{text}",
            )
    elif len(shape) == 2 and n_space == 1:
        yield maybe(
            N_("Put one channel in: `{text}.unsqueeze(1)`"),
            case.source.append(node, ".unsqueeze(1)"),
            text=case.source.base(node),
        )


@remedy("GL115", leads=True)
def pooling_left_out(case: Case, found: Found) -> Iterator[Fix]:
    """One layer less, where the layer stands in a `Sequential`."""
    path, type_ = str(case.facts.get("module") or ""), str(case.facts.get("module_type") or "")
    call = case.source.layer(path, type_) if path and type_ else None
    parent = case.source.parents.get(call) if call is not None else None
    if call is not None and "Pool" in type_ and isinstance(parent, ast.Call) and called(parent) == "Sequential":
        yield maybe(
            N_("Leave out {layer}: `{text}`"),
            [without_argument(case, parent, call)],
            layer=words.code(path),
            text=shortened(case.source.text_of(call)),
        )


@remedy("GL130")
def state_of_other_size(case: Case, found: Found) -> Iterator[Fix]:
    """The hidden state made for this batch, left out, or `batch_first=True` for the layer."""
    if case.kind == "rnn_batch":
        yield from _cell_states(case, found)
        return
    if case.kind != "rnn_hidden":
        yield from _cell_features(case)
        return
    wanted, given = words.tuple_of(case.facts["wanted"]), words.tuple_of(case.facts["given"])
    makers = [c for c in case.source.calls() if called(c) in ("RNN", "LSTM", "GRU")]
    if len(makers) == 1 and argument(makers[0], 99, "batch_first") is None and len(wanted) == 3:
        inputs = [t for t in case.tensors if len(t.shape) == 3 and t.shape[0] == given[1]]
        inputs = inputs or [
            t
            for c in on_line(case, ast.Call)
            for a in c.args
            if (t := tensor_named(case, dotted(a))) is not None and len(t.shape) == 3 and t.shape[0] == given[1]
        ]
        if inputs:
            yield maybe(
                N_("The input has the batch in front, so tell the layer: `batch_first=True`"),
                [case.source.add_argument(makers[0], "batch_first=True")],
            )
    edits = []
    for call in case.source.calls():
        sizes = sizes_written(call)
        is_like = len(sizes) == len(given) and all(integer(s) in (None, g) for s, g in zip(sizes, given))
        is_other = any(integer(s) == g != w for s, g, w in zip(sizes, given, wanted))
        if called(call) in ("zeros", "randn", "ones") and is_like and is_other:
            edits += [case.source.replace(s, str(w)) for s, w, g in zip(sizes, wanted, given) if w != g == integer(s)]
    if edits:
        yield maybe(N_("Make the state with shape {shape}"), edits, shape=words.shape(wanted))
    for call in on_line(case, ast.Call):
        if len(call.args) == 2 and dotted(call.func) and called(call) not in ("zeros", "randn"):
            yield maybe(
                N_("Leave the state out; it starts from zeros then"), [without_argument(case, call, call.args[1])]
            )


def _cell_states(case: Case, found: Found) -> Iterator[Fix]:
    """States of a cell that were made for one sample, or for another batch."""
    given, hidden = case.facts.get("given"), case.facts.get("hidden")
    made = [
        c
        for c in case.source.calls()
        if called(c) in ("zeros", "randn", "ones") and len(sizes_written(c)) == 2 and c.lineno < case.line
    ]
    states = [c for c in made if integer(sizes_written(c)[0]) == hidden]
    if not states:
        return
    found.fix = N_("Make the state with one row for each of the {given} samples, or check which axis is the batch.")
    yield maybe(
        N_("Make the state with {given} rows"),
        [case.source.replace(sizes_written(c)[0], str(given)) for c in states],
        given=given,
    )


def _cell_features(case: Case) -> Iterator[Fix]:
    wanted = case.facts.get("wanted")
    tensors = case.tensors
    call = case.expression
    node = call.args[0] if isinstance(call, ast.Call) and call.args else None
    if node is not None and tensors and dotted(node) and wanted == 1:
        yield maybe(
            N_("Give each step one number of its own: `{text}.unsqueeze(-1)`"),
            case.source.append(node, ".unsqueeze(-1)"),
            text=case.source.base(node),
        )


@remedy("GL103")
def flattened_on_the_way(case: Case, found: Found) -> Iterator[Fix]:
    """A picture that reaches a linear layer: flatten it before, in the net or where the layer is called."""
    tensors = case.tensors
    sizes = list(case.facts.get("sizes") or [])
    if not tensors or len(sizes) != 2:
        return
    shape = list(tensors[0].shape)
    path = str(found.facts.get("layer") or "")
    call = case.source.layer(path, "Linear") if path else None
    parent = case.source.parents.get(call) if call is not None else None
    if len(shape) > 2 and isinstance(parent, ast.Call) and called(parent) == "Sequential" and call is not None:
        line, column, _, _ = case.source.place(call)
        prefix = re.sub(r"Linear$", "", case.source.text_of(call.func))
        edits = [case.source.insert_at(line, column, f"{prefix}Flatten(), ")]
        old = argument(call, 0, "in_features")
        if prod(shape[1:]) != sizes[1] and old is not None:
            edits.append(case.source.replace(old, str(prod(shape[1:]))))
        yield maybe(
            N_("Flatten each sample before {layer}, which then takes {n} features"),
            edits,
            layer=words.code(path),
            n=prod(shape[1:]),
        )


@remedy("GL205", is_cause=True)
def index_made_float(case: Case, found: Found) -> Iterator[Fix]:
    """An index that was turned into floats where it was made, or that is used in several places."""
    nodes = [n.slice for n in on_line(case, ast.Subscript)] + [a for c in on_line(case, ast.Call) for a in c.args]
    for node in nodes:
        made = maker(case, node) if isinstance(node, ast.Name) else None
        if not isinstance(node, ast.Name) or made is None or str(found.words.get("index")) != words.code(node.id):
            continue
        if isinstance(made, ast.Call) and called(made) in ("float", "double", "half") and not made.args:
            found.words.update(at=made.lineno, deed=words.code(f".{called(made)}()"))
            found.fix = N_("Leave out {deed} on line {at}, where {index} is made.")
            yield maybe(
                N_("Leave out {deed} on line {at}"),
                [without_call(case, made)],
                deed=found.words["deed"],
                at=made.lineno,
            )
        uses = [n for n in case.source.nodes if isinstance(n, ast.Subscript) and dotted(n.slice) == node.id]
        if len(uses) > 1 and not isinstance(case.source.parents.get(made), ast.For):
            yield maybe(
                N_("Make whole numbers of it where it is made: `{text}`"),
                case.source.append(made, ".long()"),
                text=f"{node.id} = {shortened(case.source.base(made))}.long()",
            )
        return
