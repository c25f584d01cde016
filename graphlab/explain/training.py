"""Training loops that run without an error and learn the wrong thing."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.axes import broadcast_axes
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.modules import OPTIMIZERS
from graphlab.explain.narrate import name_of
from graphlab.explain.run import Run
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix, Span, TensorKind

_THROUGH = {"view", "reshape", "squeeze", "unsqueeze", "flatten", "clone", "select", "slice", "getitem", "index"}


def _source_of(run: Run, tensor: int) -> Event | None:
    """The operator that computed a tensor, seen through changes of shape."""
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or event.kind != EventKind.FORWARD:
            return None
        if event.op not in _THROUGH or not event.inputs:
            return event
        tensor = event.inputs[0]
    return None


@silent_bug(
    "GL411",
    Severity.WARNING,
    title=N_("Softmax before cross-entropy: it is applied twice"),
    what=N_("{x} goes through `softmax` on line {line} and then into cross-entropy, which applies softmax itself."),
    why=N_(
        "Probabilities taken for scores all lie between 0 and 1, so a second softmax makes them nearly equal: "
        "the loss can't fall far and learning is slow."
    ),
    fix=N_(
        "Give the scores to the loss as they come from the last layer; use softmax only where you want to look "
        "at probabilities."
    ),
    example={"x": "`scores`", "line": "8"},
    program="""import torch
import torch.nn.functional as F
scores = torch.tensor([[2.0, 0.5], [0.3, 1.5]], requires_grad=True)
p = F.softmax(scores, dim=1)
loss = F.cross_entropy(p, torch.tensor([0, 1]))
loss.backward()
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.tensor([[2.0, 0.5], [0.3, 1.5]], requires_grad=True)
loss = F.cross_entropy(scores, torch.tensor([0, 1]))
loss.backward()
""",
)
def softmax_twice(run: Run) -> list[Found]:
    """Probabilities where cross-entropy wants scores."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("cross_entropy", "cross_entropy_loss", "log_softmax") or not event.inputs:
            continue
        before = _source_of(run, event.inputs[0])
        if before is None or before.op != "softmax" or not run.tensor(before.outputs[0]).requires_grad:
            continue
        span = run.span(before)
        line = span.line if span else 0
        if line in found:
            continue
        x = name_of(run.trace, before.inputs[0]) if before.inputs else ""
        found[line] = Found(
            {"x": words.code(x), "line": line}, fixes=_without_softmax(run, span), event=before.id, line=line
        )
    return list(found.values())


def _without_softmax(run: Run, span: Span | None) -> list[Fix]:
    node = run.source.expression_at(span)
    if not isinstance(node, ast.Call):
        return []
    if called(node) == "softmax" and isinstance(node.func, ast.Attribute):
        owner = dotted(node.func.value)
        is_function = owner in ("F", "torch", "nn.functional", "torch.nn.functional")
        inner = node.args[0] if (is_function or owner == "self") and node.args else node.func.value
        if not is_function and owner.startswith("self") and node.args:
            inner = node.args[0]
        text = run.source.text_of(inner)
        title = words.fill(N_("Leave the softmax out: `{text}`"), {"text": text})
        return [Fix(title, "maybe", [run.source.replace(node, text)])]
    layers = [c for c in run.source.calls() if called(c) == "Softmax"]
    if len(layers) == 1:
        holder = run.source.parents.get(layers[0])
        if isinstance(holder, ast.Call) and called(holder) == "Sequential" and holder.args[-1] is layers[0]:
            title = N_("Leave the softmax layer out")
            return [Fix(words.fill(title, {}), "maybe", [run.source.replace(layers[0], "nn.Identity()")])]
    return []


@silent_bug(
    "GL412",
    Severity.WARNING,
    title=N_("{a} {a_shape} and {b} {b_shape} are compared pair by pair, not one to one"),
    what=N_(
        "{a} has shape {a_shape} and {b} has shape {b_shape}; their difference has shape {shape}: every "
        "prediction meets every target."
    ),
    why=N_(
        "A column (N, 1) and a row (N,) are broadcast to a table (N, N), so the loss pulls each prediction "
        "towards the mean of all targets."
    ),
    fix=N_("Give both the same shape: `{b_text}.unsqueeze(1)` or `{a_text}.squeeze(1)`, whichever is the column."),
    example={
        "a": "`prediction`",
        "b": "`y`",
        "a_shape": "(5, 1)",
        "b_shape": "(5,)",
        "shape": "(5, 5)",
        "a_text": "prediction",
        "b_text": "y",
    },
    program="""import torch
x = torch.tensor([[1.0], [2.0], [3.0]])
y = torch.tensor([2.0, 4.0, 6.0])
w = torch.tensor([[0.5]], requires_grad=True)
prediction = x @ w
loss = ((prediction - y) ** 2).mean()
loss.backward()
""",
    mended="""import torch
x = torch.tensor([[1.0], [2.0], [3.0]])
y = torch.tensor([[2.0], [4.0], [6.0]])
w = torch.tensor([[0.5]], requires_grad=True)
prediction = x @ w
loss = ((prediction - y) ** 2).mean()
loss.backward()
""",
)
def paired_with_all(run: Run) -> list[Found]:
    """(N, 1) − (N,) between predictions and targets, squared and averaged."""
    found: dict[int, Found] = {}
    used: dict[int, list[Event]] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        for tensor in event.inputs:
            used.setdefault(tensor, []).append(event)
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("sub", "rsub") or len(event.inputs) != 2 or min(event.inputs) < 0:
            continue
        a, b = (run.tensor(t) for t in event.inputs)
        column, row = (a, b) if len(a.shape) == 2 else (b, a)
        if len(column.shape) != 2 or column.shape[1] != 1 or row.shape != column.shape[:1] or row.shape[0] < 2:
            continue
        target = next((t for t in (a, b) if t.kind == TensorKind.LEAF and not t.requires_grad), None)
        computed = next((t for t in (a, b) if t.kind == TensorKind.INTERMEDIATE and t.requires_grad), None)
        if target is None or computed is None:
            continue
        out = event.outputs[0]
        powers = [
            e
            for e in used.get(out, [])
            if e.op in ("pow", "square", "abs") or (e.op == "mul" and set(e.inputs) == {out})
        ]
        if not any(
            e.op in ("mean", "sum") and not e.params.get("dim") for p in powers for e in used.get(p.outputs[0], [])
        ):
            continue
        span = run.span(event)
        line = span.line if span else 0
        if line in found:
            continue
        names = [name_of(run.trace, t.id) for t in (computed, target)]
        found[line] = Found(
            {
                "a": words.code(names[0]),
                "b": words.code(names[1]),
                "a_text": names[0] if computed is column else names[1],
                "b_text": names[1] if computed is column else names[0],
                "a_shape": words.shape(computed.shape),
                "b_shape": words.shape(target.shape),
                "shape": words.shape(run.tensor(out).shape),
            },
            fixes=_aligned(run, span, computed is column),
            picture=broadcast_axes(names, [computed.shape, target.shape]),
            event=event.id,
            line=line,
        )
    return list(found.values())


def _aligned(run: Run, span: Span | None, is_prediction_column: bool) -> list[Fix]:
    node = run.source.expression_at(span)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return []
    fixes = []
    for operand in (node.right, node.left):
        shape = run.trace.tensors
        text = run.source.text_of(operand)
        name = dotted(operand)
        tensor = next((t for t in reversed(shape) if name and t.name == name and t.kind != TensorKind.GRADIENT), None)
        if tensor is None:
            continue
        suffix = ".unsqueeze(1)" if len(tensor.shape) == 1 else ".squeeze(1)"
        title = words.fill(N_("Write `{text}{suffix}`, so that both have one shape"), {"text": text, "suffix": suffix})
        fixes.append(Fix(title, "maybe", run.source.append(operand, suffix)))
    return fixes


@silent_bug(
    "GL706",
    Severity.WARNING,
    title=N_("The gradients are never cleared: `zero_grad()` is missing"),
    what=N_(
        "After each step {grad} keeps what it had, and the next `backward()` on line {line} adds to it: by now "
        "{n} gradients are summed up."
    ),
    why=N_(
        "PyTorch adds new gradients to `.grad` instead of replacing it, so each step repeats all the earlier "
        "ones as well."
    ),
    fix=N_("Call `{call}` once in each turn, before `backward()`."),
    example={"grad": "`w.grad`", "line": "6", "n": "10", "call": "optimizer.zero_grad()"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    loss = (w * 3.0 - 6.0) ** 2
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def never_cleared(run: Run) -> list[Found]:
    """Gradients that pile up over the steps of an optimizer."""
    text = run.source.text
    if re.search(r"zero_grad|\.zero_\(|\.grad\s*=|set_to_none|\.grad\.(fill_|mul_|copy_)", text):
        return []
    if any(e.op == "zero_grad" for e in run.by_kind[EventKind.INPLACE]):
        return []
    moved: set[int] = set()
    piled: dict[int, int] = {}
    n_updates = 0
    first: Event | None = None
    for event in run.trace.events:
        if event.kind == EventKind.UPDATE:
            moved.update(event.outputs)
            n_updates += 1
        elif event.kind == EventKind.ACCUMULATE and len(event.inputs) == 2 and event.outputs:
            record = run.tensor(event.outputs[0])
            if record.kind == TensorKind.LEAF_GRAD and record.of in moved:
                moved.discard(record.of)
                piled[record.id] = piled.get(record.id, 1) + 1
                first = first or event
    # Twice in a row is needed: a single leftover gradient may be on purpose, at the end of a program.
    most = max(piled.items(), key=lambda item: item[1], default=(-1, 0))
    if first is None or most[1] < 3 or n_updates < 3:
        return []
    span = run.span(first)
    optimizer = next(
        (
            dotted(n.targets[0])
            for n in run.source.nodes
            if isinstance(n, ast.Assign) and called(n.value) in OPTIMIZERS and dotted(n.targets[0])
        ),
        "",
    )
    call = f"{optimizer or 'optimizer'}.zero_grad()"
    line = span.line if span else 0
    fixes = []
    backward = [c for c in run.source.calls_at(line) if called(c) == "backward"]
    statement = run.source.statement_of(backward[0]) if len(backward) == 1 else None
    if optimizer and statement is not None:
        title = words.fill(N_("Add `{call}` before `backward()`"), {"call": call})
        fixes.append(Fix(title, "maybe", [run.source.line_before(statement, call)]))
    grad = words.code(name_of(run.trace, most[0]))
    return [Found({"grad": grad, "line": line, "n": most[1], "call": call}, fixes=fixes, event=first.id, line=line)]
