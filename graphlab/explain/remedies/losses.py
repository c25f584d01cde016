"""Losses: classes, batches, weights, and which argument comes first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.remedies.kit import (
    expression_of,
    maybe,
    on_line,
    range_of,
    remedy,
    sizes_written,
    tensor_named,
)
from graphlab.explain.remedies.shapes import last_layer, placed, with_size
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Event, EventKind, Fix


def _loss_operands(case: Case) -> tuple[Argument, Argument] | None:
    shapes = [words.tuple_of(case.facts.get(key) or []) for key in ("input_shape", "target_shape")]
    operands = case.arguments(["", ""], shapes)
    return (operands[0], operands[1]) if len(operands) >= 2 else None


@remedy("GL401", "GL402", leads=True)
def scores_by_class(case: Case, found: Found) -> Iterator[Fix]:
    """Scores of sequences (N, L, C) with targets (N, L): classes belong to axis 1, or all steps into one batch."""
    operands = _loss_operands(case)
    if operands is None or not all(placed(o) for o in operands):
        return
    scores, target = operands
    if (
        len(scores.shape) == 3
        and len(target.shape) == 2
        and scores.shape[:2] == target.shape
        and scores.node is not None
    ):
        assert target.node is not None
        n = scores.shape[2]
        edits = [*case.source.append(scores.node, ".flatten(0, 1)"), *case.source.append(target.node, ".flatten()")]
        yield maybe(
            N_("Let each step be a sample of its own, with {n} scores: `{a}.flatten(0, 1)` and `{b}.flatten()`"),
            edits,
            n=n,
            a=scores.base,
            b=target.base,
        )
        yield maybe(
            N_("Bring the {n} classes to axis 1: `{text}.transpose(1, 2)`"),
            case.source.append(scores.node, ".transpose(1, 2)"),
            n=n,
            text=scores.base,
        )
    elif len(scores.shape) == len(target.shape) >= 3 and target.shape[1] == 1 and target.node is not None:
        yield maybe(
            N_("Drop the axis of size 1: `{text}.squeeze(1)`"),
            case.source.append(target.node, ".squeeze(1)"),
            text=target.base,
        )


@remedy("GL401", "GL402", "GL406", "GL405", "GL202", "GL201")
def arguments_swapped(case: Case, found: Found) -> Iterator[Fix]:
    """`criterion(labels, logits)`: predictions come first."""
    call = case.call
    if call is None or len(call.args) < 2:
        return
    first, second = (tensor_named(case, dotted(a)) for a in call.args[:2])
    if first is None or second is None:
        return
    is_loss = "loss" in case.op or "entropy" in case.op or case.op in ("log_softmax",)
    if (
        is_loss
        and first.dtype == "int64"
        and second.dtype.startswith("float")
        and len(second.shape) > len(first.shape) - 1
    ):
        a, b = (case.source.text_of(x) for x in call.args[:2])
        yield maybe(
            N_("Predictions come first, targets second: `{a}, {b}`"),
            [case.source.replace(call.args[0], b), case.source.replace(call.args[1], a)],
            a=b,
            b=a,
        )


@remedy("GL402", leads=True)
def batch_kept(case: Case, found: Found) -> Iterator[Fix]:
    """`x.view(-1, 36)` that moved samples into each other: keep the batch axis, and fit the layer after it."""
    if case.trace is None:
        return
    sizes = case.facts.get("batch_sizes") or []
    operands = _loss_operands(case)
    target = operands[1].shape if operands is not None else []
    n = int(target[0]) if target else (int(sizes[1]) if len(sizes) == 2 else 0)
    for event in case.trace.events:
        node = (
            expression_of(case, event) if event.op in ("view", "reshape") and event.kind == EventKind.FORWARD else None
        )
        if not isinstance(node, ast.Call) or called(node) not in ("view", "reshape") or not event.inputs:
            continue
        before, after = (list(case.trace.tensors[t].shape) for t in (event.inputs[0], event.outputs[0]))
        written = sizes_written(node)
        if not before or before[0] != n or after[0] == n or len(written) != 2 or integer(written[0]) != -1:
            continue
        base = case.source.text_of(node.func.value) if isinstance(node.func, ast.Attribute) else "x"
        line, column, _, _ = case.source.place(written[0])
        _, _, end_line, end_column = case.source.place(written[1])
        size = prod(before[1:])
        edits = [Edit(line, column, end_line, end_column, f"{base}.size(0), -1")]
        layer = _linear_after(case, event, after[-1])
        if layer is not None:
            edits.append(case.source.replace(layer, str(size)))
        yield maybe(
            N_("Keep the samples apart: `{text}`, and let the layer after it take {size} features"),
            edits,
            text=f"{base}.{called(node)}({base}.size(0), -1)",
            size=size,
        )


def _linear_after(case: Case, event: Event, features: int) -> ast.expr | None:
    """The `in_features` of the linear layer that takes what an event made."""
    later = [
        e
        for e in (case.trace.events if case.trace is not None else [])
        if e.id > event.id and e.op == "linear" and e.kind == EventKind.FORWARD and e.inputs[:1] == event.outputs[:1]
    ]
    call = case.source.layer(later[0].module, "Linear") if later and later[0].module else None
    node = argument(call, 0, "in_features") if call is not None else None
    return node if integer(node) == features else None


@remedy("GL402")
def samples_cut(case: Case, found: Found) -> Iterator[Fix]:
    """More predictions than targets, or the other way round."""
    operands = _loss_operands(case)
    if operands is None:
        return
    short, long = sorted(operands, key=lambda o: o.shape[:1] or [0])
    if short.shape and long.shape and short.shape[0] and long.shape[0] % short.shape[0] == 0:
        return  # a whole number of times as many: a `view` mixed samples and features, and a cut would hide it
    if short.shape and long.shape and short.shape[0] != long.shape[0] and placed(long) and long.node is not None:
        text = f"[:{short.shape[0]}]"
        yield maybe(
            N_("Compare only the first {n}: `{text}`"),
            case.source.append(long.node, text),
            n=short.shape[0],
            text=f"{long.base}{text}",
        )


@remedy("GL405", leads=True)
def more_classes(case: Case, found: Found) -> Iterator[Fix]:
    """`num_classes` or the last layer's `out_features` raised to what the targets hold; −1 left out of the loss."""
    tensors = case.tensors
    ranges = [r for t in tensors if (r := range_of(case, t)) is not None]
    for call in on_line(case, ast.Call):
        node = argument(call, 1, "num_classes") if called(call) == "one_hot" else None
        high = ranges[0][1] if ranges else None
        if (
            node is not None
            and high is not None
            and high >= 0
            and integer(node) is not None
            and (integer(node) or 0) <= high
        ):
            yield maybe(
                N_("Make room for all classes: `num_classes={n}`"),
                [case.source.replace(node, str(high + 1))],
                n=high + 1,
            )
    value = case.facts.get("target")
    if not isinstance(value, int):
        return
    high = max([value, *(r[1] for r in ranges)])
    if value < 0:
        yield from _ignored(case, value)
        return
    layer = last_layer(case, tensors[0].id) if tensors else None
    if layer is not None and high < 100_000:
        call, node, path = layer
        yield maybe(
            N_("Let {layer} give {new} scores, one for each class: `{text}`"),
            [case.source.replace(node, str(high + 1))],
            layer=words.code(path),
            new=high + 1,
            text=with_size(case, call, node, str(high + 1)),
        )


def _ignored(case: Case, value: int) -> Iterator[Fix]:
    for call in [*on_line(case, ast.Call), *case.source.calls()]:
        if called(call) in ("cross_entropy", "nll_loss", "CrossEntropyLoss", "NLLLoss"):
            if argument(call, 99, "ignore_index") is None:
                yield maybe(
                    N_("Leave out the samples with class {value}: `ignore_index={plain}`"),
                    [case.source.add_argument(call, f"ignore_index={value}")],
                    value=words.number(value),
                    plain=value,
                )
            return


@remedy("GL403")
def score_and_type(case: Case, found: Found) -> Iterator[Fix]:
    """The shape and, at once, the dtype of the target and the sigmoid that would be missing next."""
    operands = _loss_operands(case)
    tensors = case.tensors
    if operands is None or len(tensors) < 2 or not all(placed(o) for o in operands):
        return
    prediction, target = operands
    if prediction.node is None or target.node is None:
        return
    same = prod(prediction.shape) == prod(target.shape)
    if same and (len(prediction.shape) != 2 or prediction.shape[1] != 1):
        yield maybe(
            N_("Give {target} the shape of the input: `{text}`"),
            case.source.append(target.node, f".view_as({prediction.text})"),
            target=target.said or words.code(target.base),
            text=f"{target.base}.view_as({prediction.text})",
        )


@remedy("GL414")
def weights_filled(case: Case, found: Found) -> Iterator[Fix]:
    """A weight of 1 for the classes that have none."""
    n = int(case.facts.get("n") or 0)
    for call in case.source.calls():
        weight = argument(call, 99, "weight")
        made = case.source.assigned(dotted(weight), weight) if isinstance(weight, ast.Name) else weight
        if (
            isinstance(made, ast.Call)
            and called(made) in ("tensor", "FloatTensor")
            and made.args
            and isinstance(made.args[0], ast.List)
        ):
            items = made.args[0].elts
            if items and len(items) < n:
                _, _, line, column = case.source.place(items[-1])
                yield maybe(
                    N_("Give the missing classes the weight 1: {n} numbers in all"),
                    [case.source.insert_at(line, column, ", 1.0" * (n - len(items)))],
                    n=n,
                )
            elif len(items) > n > 0:
                _, _, line, column = case.source.place(items[n - 1])
                _, _, end_line, end_column = case.source.place(items[-1])
                yield maybe(
                    N_("Keep the weights of the {n} classes that there are"),
                    [Edit(line, column, end_line, end_column, "")],
                    n=n,
                )


@remedy("GL407")
def loss_of_scores(case: Case, found: Found) -> Iterator[Fix]:
    """`BCELoss` of scores: the loss that takes the sigmoid itself."""
    made = [c for c in case.source.calls() if called(c) == "BCELoss"]
    if len(made) == 1:
        text = case.source.text_of(made[0].func).removesuffix("BCELoss") + "BCEWithLogitsLoss"
        yield maybe(
            N_("Use `{text}`, which applies the sigmoid itself"), [case.source.replace(made[0].func, text)], text=text
        )
