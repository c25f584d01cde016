"""Losses and metrics that are computed in the wrong way: sums for means, whole divisions, one-hot rows."""

from __future__ import annotations

import ast
import re

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import name_of, quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import method_calls
from graphlab.explain.silent.trail import ancestors, line_of, losses_by_name, rate_of, roots, source_of
from graphlab.explain.source import dotted, integer
from graphlab.explain.values import array_at, range_at
from graphlab.i18n import N_, _
from graphlab.trace.records import EventKind, Fix


@silent_bug(
    "GL739",
    Severity.WARNING,
    title=N_("Class numbers are compared with one-hot rows"),
    what=N_(
        "{a} holds one class number for each sample, shape {a_shape}, and {b} holds one-hot rows, shape {b_shape}."
    ),
    why=N_(
        "Both are stretched to one shape and compared place by place, which says nothing about right and wrong classes."
    ),
    fix=N_("Turn the one-hot rows into class numbers first: `{text}.argmax(dim=1)`."),
    example={"a": "`predicted`", "b": "`y`", "a_shape": "(3,)", "b_shape": "(3, 3)", "text": "y"},
    program="""import torch
predicted = torch.tensor([0, 2, 1])
y = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
print((predicted == y).float().mean())
""",
    mended="""import torch
predicted = torch.tensor([0, 2, 1])
y = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
print((predicted == y.argmax(dim=1)).float().mean())
""",
)
def one_hot_compared(run: Run) -> list[Found]:
    """argmax == one-hot."""
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "eq" or len(event.inputs) != 2 or min(event.inputs) < 0:
            continue
        a, b = sorted((run.tensor(t) for t in event.inputs), key=lambda t: int(np.prod(t.shape)))
        if len(b.shape) != 2 or b.shape[0] < 2 or b.shape[1] < 2 or not _is_choice(run, a.id):
            continue
        if a.shape not in (b.shape[1:], (b.shape[0], 1), [b.shape[1]], [b.shape[0], 1]):
            continue
        array = array_at(run.trace, b.id, event.id)
        if array is None or not ((array == 0) | (array == 1)).all() or not (array.sum(1) == 1).all():
            continue
        line = line_of(run, event)
        text = name_of(run.trace, b.id)
        fixes = []
        node = run.source.expression_at(run.span(event))
        for side in [node.left, *node.comparators] if isinstance(node, ast.Compare) else []:
            if dotted(side) == text:
                title = words.fill(N_("Write `{text}.argmax(dim=1)`"), {"text": text})
                fixes.append(Fix(title, "maybe", run.source.append(side, ".argmax(dim=1)")))
        values = {
            "a": quoted_name(run.trace, a.id),
            "b": words.code(text),
            "a_shape": words.shape(a.shape),
            "b_shape": words.shape(b.shape),
            "text": text,
        }
        return [Found(values, fixes=fixes, event=event.id, line=line)]
    return []


def _is_choice(run: Run, tensor: int) -> bool:
    """Whether a tensor holds the numbers of chosen classes: what `argmax` gave, or whole numbers."""
    source = source_of(run, tensor)
    if source is not None and source.op in ("argmax", "max", "topk", "sort", "argsort"):
        return True
    return run.tensor(tensor).dtype in ("int64", "int32")


@silent_bug(
    "GL740",
    Severity.HINT,
    title=N_("`//` makes {name} a whole number"),
    what=N_("Line {line} divides with `//`, so {name} is rounded down: 0 until all are right."),
    why=N_("`//` drops the rest of a division; a share between 0 and 1 becomes 0."),
    fix=N_("Use `/`."),
    example={"name": "`accuracy`", "line": 3},
    program="""correct, total = 3, 4
accuracy = correct // total
print(accuracy)
""",
    mended="""correct, total = 3, 4
accuracy = correct / total
print(accuracy)
""",
)
def share_rounded(run: Run) -> list[Found]:
    """An accuracy or an average made with a whole division."""
    found = []
    for node in run.source.nodes:
        if isinstance(node, ast.Return | ast.Expr):
            found += _share_told(run, node)
        if not isinstance(node, ast.Assign) or not dotted(node.targets[0]):
            continue
        name = dotted(node.targets[0])
        if not re.search(r"(^|_)(acc|accuracy|avg|average|precision|recall)(_|$)", name.lower()):
            continue
        value = node.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.FloorDiv):
            text = f"{run.source.text_of(value.left)} / {run.source.text_of(value.right)}"
            title = words.fill(N_("Divide with `/`: `{text}`"), {"text": text})
            fixes = [Fix(title, "maybe", [run.source.replace(value, text)])]
            found.append(Found({"name": words.code(name), "line": node.lineno}, fixes=fixes, line=node.lineno))
    return found + _data_rounded(run)


def _data_rounded(run: Run) -> list[Found]:
    """`images // 255`: whole numbers that become zeros, and go into a model."""
    for event in run.by_kind[EventKind.FORWARD]:
        by = event.params.get("other")
        if event.op != "floor_divide" or not isinstance(by, int | float) or by < 2 or not event.inputs:
            continue
        before = range_at(run.trace, event.inputs[0], event.id)
        after = array_at(run.trace, event.outputs[0], event.id)
        if before is None or after is None or before[1] <= 1 or not after.size or not run.trace.losses:
            continue
        if float((after == 0).mean()) < 0.9 or event.outputs[0] not in ancestors(run, roots(run)):
            continue
        line = line_of(run, event)
        node = run.source.expression_at(run.span(event))
        fixes = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            text = f"{run.source.text_of(node.left)} / {run.source.text_of(node.right)}"
            title = words.fill(N_("Divide with `/`: `{text}`"), {"text": text})
            fixes.append(Fix(title, "maybe", [run.source.replace(node, text)]))
        values = {
            "name": quoted_name(run.trace, event.inputs[0]),
            "line": line,
            "n_zero": int((after == 0).sum()),
            "n": after.size,
        }
        one = Found(values, fixes=fixes, event=event.id, line=line)
        one.title = N_("`//` rounds {name} down to zeros")
        one.what = N_("After the division on line {line}, {n_zero} of the {n} entries of {name} are 0.")
        one.why = N_("`//` drops the rest of a division, so pixels from 0 to 254 become 0.")
        return [one]
    return []


_COUNTED = re.compile(r"(^|_)(n_|num_)?(correct|hits|right|matches|loss|running_loss)$")


def _share_told(run: Run, node: ast.Return | ast.Expr) -> list[Found]:
    """`return correct // total`, `print(correct // total)`: a count of right ones divided by how many there are."""
    found = []
    for value in ast.walk(node):
        if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.FloorDiv):
            continue
        if not _COUNTED.search(dotted(value.left).rpartition(".")[2].lower()) or (integer(value.right) is not None):
            continue
        said = run.source.text_of(value)
        text = f"{run.source.text_of(value.left)} / {run.source.text_of(value.right)}"
        title = words.fill(N_("Divide with `/`: `{text}`"), {"text": text})
        fixes = [Fix(title, "maybe", [run.source.replace(value, text)])]
        found.append(Found({"name": words.code(said), "line": value.lineno}, fixes=fixes, line=value.lineno))
    return found


@silent_bug(
    "GL741",
    Severity.WARNING,
    title=N_("{loss} adds up {n} samples instead of averaging them"),
    what=N_("{loss} sums over {n} entries, and with a learning rate of {rate} it grew from {first} to {last}."),
    why=N_("The gradient of a sum grows with the number of samples: each step is {n} times as long as with the mean."),
    fix=N_("Use `reduction='mean'` or `.mean()`, or divide the learning rate by {n}."),
    example={"loss": "`loss`", "n": 64, "rate": "0.1", "first": "12", "last": "9e12"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.randn(64, 2)
y = x.sum(1, keepdim=True)
model = nn.Linear(2, 1)
loss_fn = nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(6):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.randn(64, 2)
y = x.sum(1, keepdim=True)
model = nn.Linear(2, 1)
loss_fn = nn.MSELoss(reduction="mean")
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(6):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def summed_loss(run: Run) -> list[Found]:
    """A sum over the batch with a learning rate made for a mean."""
    rates = [r for e in run.by_kind[EventKind.UPDATE] if (r := rate_of(e)) is not None]
    if not rates:
        return []
    for name, losses in losses_by_name(run).items():
        values = [each.value for each in losses]
        if len(values) < 4:
            continue
        finite = [v for v in values if np.isfinite(v)]
        if not finite or (len(finite) == len(values) and finite[-1] < 10 * max(finite[0], 1e-9)):
            continue
        root = next((t for t, e in roots(run).items() if e.id == losses[0].event), -1)
        made = run.made_by.get(root) if root >= 0 else None
        if made is None or not made.inputs or made.inputs[0] < 0:
            continue
        is_sum = made.params.get("reduction") == "sum" or (made.op == "sum" and not made.params.get("dim"))
        shape = run.tensor(made.inputs[0]).shape
        n = int(np.prod(shape)) if shape else 1
        if not is_sum or n < 16:
            continue
        nodes = [
            k.value for c in run.source.calls() for k in c.keywords
            if k.arg == "reduction" and isinstance(k.value, ast.Constant) and k.value.value == "sum"
        ]  # fmt: skip
        fixes = (
            [Fix(_("Average instead: `reduction='mean'`"), "maybe", [run.source.replace(nodes[0], '"mean"')])]
            if len(nodes) == 1
            else []
        )
        line = line_of(run, made)
        found = {
            "loss": words.code(name) if name else _("the loss"),
            "n": n,
            "rate": words.number(rates[0]),
            "first": words.number(finite[0]),
            "last": words.number(float(f"{finite[-1]:.3g}")),
        }
        calls = [c for c in method_calls(run, "sum") if c.lineno == line and not c.args and not c.keywords]
        if not fixes and len(calls) == 1 and isinstance(calls[0].func, ast.Attribute):
            text = f"{run.source.text_of(calls[0].func.value)}.mean()"
            fixes = [
                Fix(
                    words.fill(N_("Average instead: `{text}`"), {"text": text}),
                    "maybe",
                    [run.source.replace(calls[0], text)],
                )
            ]
        return [Found(found, {"n": n}, fixes, event=made.id, line=line)]
    return []
