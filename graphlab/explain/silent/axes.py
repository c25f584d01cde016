"""Softmax along the wrong axis."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.scores import softmax_by_hand
from graphlab.explain.silent.trail import line_of
from graphlab.explain.source import called, integer
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, TensorKind


@silent_bug(
    "GL734",
    Severity.WARNING,
    title=N_("{op} along dim 0 mixes the samples of the batch"),
    what=N_(
        "{x} has shape {shape}: {n} samples with {classes} scores each. With `dim=0` the {n} samples of each "
        "class sum to 1."
    ),
    why=N_(
        "Class probabilities of one sample must sum to 1, so softmax goes along the class axis; axis 0 is the batch."
    ),
    fix=N_("Use `dim=1` (or `dim=-1`), the axis of the classes."),
    example={"op": "`softmax`", "x": "`scores`", "shape": "(8, 3)", "n": 8, "classes": 3},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 3)
scores = net(torch.randn(4, 2))
p = torch.softmax(scores, dim=0)
print(p)
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 3)
scores = net(torch.randn(4, 2))
p = torch.softmax(scores, dim=1)
print(p)
""",
)
def softmax_over_batch(run: Run) -> list[Found]:
    """Softmax along axis 0 of what a layer gave for a batch."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        written = softmax_by_hand(run, event)
        if written is not None and written.axis == 0:
            _by_hand_over_batch(run, event, written.x, found)
        if event.op not in ("softmax", "log_softmax") or not event.inputs or event.inputs[0] < 0:
            continue
        x = run.tensor(event.inputs[0])
        if len(x.shape) == 3 and event.params.get("dim") in (0, -3) and x.shape[0] >= 2:
            _attention_over_batch(run, event, found)
        dim, classes = event.params.get("dim"), _classes_of(run, event)
        is_elsewhere = classes is not None and isinstance(dim, int) and dim % len(x.shape) != classes
        if is_elsewhere and (len(x.shape) > 2 or dim not in (0, -2)):
            _not_the_classes(run, event, classes or 0, found)
            continue
        if len(x.shape) != 2 or dim not in (0, -2) or x.shape[0] < 2 or x.shape[1] < 2:
            continue
        if not is_elsewhere and (not _is_one_row_a_sample(run, x.id) or _is_weighting(run, event)):
            continue
        warned = any(
            e.kind == EventKind.WARNING and e.params.get("kind") == "softmax_dim"
            for e in run.trace.events[max(0, event.id - 2) : event.id]
        )
        line = line_of(run, event)
        if line in found or warned:
            continue
        node = run.source.expression_at(run.span(event))
        fixes = []
        for keyword in node.keywords if isinstance(node, ast.Call) else []:
            if keyword.arg == "dim" and integer(keyword.value) in (0, -2):
                fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(keyword.value, "1")]))
        if isinstance(node, ast.Call) and not fixes:
            last = [a for a in node.args if integer(a) in (0, -2)]
            if len(last) == 1:
                fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(last[0], "1")]))
        made = [
            c
            for c in run.source.calls()
            if called(c) in ("Softmax", "LogSoftmax") and (k := _dim_of(c)) is not None and integer(k) == 0
        ]
        if not fixes and len(made) == 1:
            written_dim = _dim_of(made[0])
            if written_dim is not None:
                fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(written_dim, "1")]))
        values = {
            "op": words.code(event.op),
            "x": quoted_name(run.trace, x.id),
            "shape": words.shape(x.shape),
            "n": x.shape[0],
            "classes": x.shape[1],
        }
        found[line] = Found(values, {"dim": 0}, fixes, event=event.id, line=line)
    return list(found.values())


_SAME_AXES = {"log", "clamp", "add", "sub", "mul", "div", "neg", "clone", "to", "float"}


def _classes_of(run: Run, event: Event) -> int | None:
    """The axis of a softmax's result that `nll_loss` takes for the classes, None where it doesn't get there."""
    tensor = event.outputs[0] if event.outputs else -1
    axes = list(range(len(run.tensor(tensor).shape))) if tensor >= 0 else []
    for _turn in range(8):
        users = [u for u in run.used_by.get(tensor, []) if u.outputs and u.inputs[:1] == [tensor]]
        if any(u.op == "nll_loss" for u in users):
            return axes[min(1, len(axes) - 1)] if axes else None
        if len(users) != 1:
            return None
        user = users[0]
        shape = run.tensor(user.outputs[0]).shape
        if user.op in ("permute", "transpose", "swapaxes", "t"):
            dims = user.params.get("dims")
            pair = [user.params.get(k) for k in ("dim0", "dim1")]
            if isinstance(dims, list | tuple) and len(dims) == len(axes) and all(isinstance(d, int) for d in dims):
                axes = [axes[d] for d in dims]
            elif user.op == "t" and len(axes) == 2:
                axes.reverse()
            elif isinstance(pair[0], int) and isinstance(pair[1], int):
                axes[pair[0]], axes[pair[1]] = axes[pair[1]], axes[pair[0]]
            else:
                return None
        elif user.op in ("view", "reshape", "flatten"):
            if len(shape) != 2 or len(axes) < 2 or shape[1] != run.tensor(tensor).shape[-1]:
                return None
            axes = [axes[0], axes[-1]]  # the axes before the last become one
        elif user.op not in _SAME_AXES or shape != run.tensor(tensor).shape:
            return None
        tensor = user.outputs[0]
    return None


def _not_the_classes(run: Run, event: Event, axis: int, found: dict[int, Found]) -> None:
    """A softmax along another axis than the one that the loss takes for the classes."""
    line = line_of(run, event)
    shape = run.tensor(event.inputs[0]).shape
    along = event.params.get("dim")
    dim = along % len(shape) if isinstance(along, int) else 0
    if line in found or shape[dim] < 2 or shape[axis] < 2:
        return
    values = {
        "op": words.code(event.op),
        "x": quoted_name(run.trace, event.inputs[0]),
        "shape": words.shape(shape),
        "n": shape[dim],
        "dim": dim,
        "axis": axis,
        "classes": shape[axis],
    }
    one = Found(values, {"dim": dim}, event=event.id, line=line)
    one.title = N_("{op} sums along dim {dim}, but the classes stand in dim {axis}")
    one.what = N_(
        "{x} has shape {shape}. The loss takes the {classes} entries along dim {axis} for the classes, and {op} makes "
        "the {n} entries along dim {dim} sum to 1."
    )
    one.why = N_("Class probabilities of one sample must sum to 1, so softmax goes along the class axis.")
    one.fix = N_("Use `dim={axis}`, the axis of the classes.")
    node = run.source.expression_at(run.span(event))
    if isinstance(node, ast.Call):
        same = (dim, dim - len(shape))
        dims = [k.value for k in node.keywords if k.arg == "dim"] or [a for a in node.args if integer(a) in same]
        if len(dims) == 1 and integer(dims[0]) in same:
            title = words.fill(N_("Use `dim={axis}`"), {"axis": axis})
            one.fixes.append(Fix(title, "maybe", [run.source.replace(dims[0], str(axis))]))
    found[line] = one


def _is_balanced(run: Run, event: Event) -> bool:
    """Whether shares are then made to sum to 1 along the other axis as well: rows and columns are balanced."""
    shares = event.outputs[0]
    users = run.used_by.get(shares, [])
    sums = {u.outputs[0] for u in users if u.op == "sum" and u.params.get("dim") is not None and u.outputs}
    return any(u.op == "div" and u.inputs[:1] == [shares] and not sums.isdisjoint(u.inputs[1:]) for u in users)


def _by_hand_over_batch(run: Run, event: Event, x: int, found: dict[int, Found]) -> None:
    """A softmax that is written out and sums over axis 0 of what a layer gave for a batch."""
    shape = run.tensor(x).shape
    line = line_of(run, event)
    if len(shape) != 2 or min(shape) < 2 or line in found:
        return
    if not _is_one_row_a_sample(run, x) or _is_weighting(run, event) or _is_balanced(run, event):
        return
    values = {
        "op": words.code("softmax"),
        "x": quoted_name(run.trace, x),
        "shape": words.shape(shape),
        "n": shape[0],
        "classes": shape[1],
        "line": line,
    }
    one = Found(values, {"dim": 0}, event=event.id, line=line)
    one.title = N_("The softmax on line {line} sums along dim 0 and mixes the samples of the batch")
    one.what = N_(
        "{x} has shape {shape}: {n} samples with {classes} scores each. Line {line} divides the exponentials by their "
        "sums along dim 0, so the {n} samples of each class sum to 1."
    )
    one.fix = N_("Sum along the axis of the classes: `sum(1, keepdim=True)`.")
    node = run.source.expression_at(run.span(event))
    scope = run.source.scope_of(node)
    if isinstance(scope, ast.FunctionDef):  # the sum, and the largest entry that is taken off before
        calls = [
            c for c in run.source.calls() if called(c) in ("sum", "max", "amax") and run.source.scope_of(c) is scope
        ]
        dims = [
            a for c in calls for a in [*c.args, *(k.value for k in c.keywords if k.arg == "dim")] if integer(a) == 0
        ]
        if dims and len(dims) == len(calls):
            one.fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(d, "1") for d in dims]))
    found[line] = one


def _attention_over_batch(run: Run, event: Event, found: dict[int, Found]) -> None:
    """Attention whose weights sum to 1 over the samples of the batch: a table for each of them, mixed with others."""
    line = line_of(run, event)
    if line in found or not _is_weighting(run, event):
        return
    made = _source_through(run, event.inputs[0], {"mul", "div", "masked_fill", "add", "where", "dropout"})
    if made is None or made.op not in ("matmul", "bmm", "baddbmm", "einsum") or len(made.inputs) < 2:
        return
    if any(t < 0 or len(run.tensor(t).shape) != 3 for t in made.inputs[-2:]):
        return
    shape = run.tensor(event.inputs[0]).shape
    values = {
        "op": words.code("softmax"),
        "x": quoted_name(run.trace, event.inputs[0]),
        "shape": words.shape(shape),
        "n": shape[0],
        "line": line,
    }
    one = Found(values, {"dim": 0}, event=event.id, line=line)
    one.what = N_(
        "{x} has shape {shape}: a table of weights for each of {n} samples. With `dim=0` the weights at one place "
        "sum to 1 over the {n} samples."
    )
    one.why = N_(
        "In attention the weights with which one query mixes the values must sum to 1, so softmax goes along the keys, "
        "the last axis."
    )
    one.fix = N_("Use `dim=-1`, the axis of the keys.")
    node = run.source.expression_at(run.span(event))
    if isinstance(node, ast.Call):
        dims = [k.value for k in node.keywords if k.arg == "dim"] or [a for a in node.args if integer(a) in (0, -3)]
        if len(dims) == 1 and integer(dims[0]) in (0, -3):
            one.fixes.append(Fix(_("Use `dim=-1`"), "maybe", [run.source.replace(dims[0], "-1")]))
    found[line] = one


def _source_through(run: Run, tensor: int, through: set[str]) -> Event | None:
    """The operator that computed a tensor, seen through some others that keep its shape."""
    shape = run.tensor(tensor).shape
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or event.op not in through:
            return event
        same = [t for t in event.inputs if t >= 0 and run.tensor(t).shape == shape]
        if not same:
            return None
        tensor = same[0]
    return None


_ROW_BY_ROW = {
    "batch_norm",
    "layer_norm",
    "relu",
    "tanh",
    "leaky_relu",
    "gelu",
    "dropout",
    "clone",
    "to",
    "neg",
    "clamp",
}


def _is_one_row_a_sample(run: Run, tensor: int) -> bool:
    """Whether a table comes out of a layer for a batch, a row for each sample, perhaps scaled or shifted since."""
    shape = run.tensor(tensor).shape
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or not event.inputs:
            return False
        if event.op in ("linear", "addmm") and len(event.inputs) >= 2:
            return True
        if event.op in ("matmul", "mm") and len(event.inputs) == 2 and min(event.inputs) >= 0:
            a, b = (run.tensor(t) for t in event.inputs)
            return b.kind == TensorKind.PARAMETER and a.kind != TensorKind.PARAMETER
        if event.op in ("add", "sub", "mul", "div"):
            same = [t for t in event.inputs if t >= 0 and run.tensor(t).shape == shape]
            if len(same) != 1:
                return False
            tensor = same[0]
        elif event.op in _ROW_BY_ROW and event.inputs[0] >= 0 and run.tensor(event.inputs[0]).shape == shape:
            tensor = event.inputs[0]
        else:
            return False
    return False


def _is_weighting(run: Run, event: Event) -> bool:
    """Whether a softmax gives weights by which other rows are mixed, as in attention: then axis 0 may be meant."""
    if event.op == "log_softmax":
        return False
    outs = {event.outputs[0]}
    for user in run.by_kind[EventKind.FORWARD]:
        if user.id <= event.id or outs.isdisjoint(user.inputs):
            continue
        if user.op in ("t", "transpose", "permute", "unsqueeze", "dropout"):
            outs.update(user.outputs)
        elif user.op in ("matmul", "mm", "bmm", "einsum", "mul") and min(user.inputs) >= 0:
            return True
    return False


def _dim_of(call: ast.Call) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == "dim"), call.args[0] if call.args else None)
