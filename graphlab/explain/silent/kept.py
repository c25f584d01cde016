"""Graphs that are kept alive from iteration to iteration."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import method_calls
from graphlab.explain.silent.trail import ancestors, line_of, roots
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix


@silent_bug(
    "GL725",
    Severity.HINT,
    title=N_("{total} keeps the graph of every iteration alive"),
    what=N_("Line {line} adds {loss} to {total} with its graph, so {total} holds on to all iterations so far."),
    why=N_("A sum of tensors with gradients has a gradient itself, and so keeps everything that it was computed from."),
    fix=N_("Add only the number: `{text}.item()`."),
    example={"total": "`total`", "loss": "`loss`", "text": "loss", "line": 9},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
total = 0.0
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total += loss
print(total)
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
total = 0.0
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total += loss.item()
print(total)
""",
)
def graph_kept(run: Run) -> list[Found]:
    """A loss summed or collected with its graph."""
    known = roots(run)
    names = {run.tensor(t).name for t in known if run.tensor(t).name}
    if len(known) < 2:
        return []
    # The loss was gone through backward already: its sum, or a multiple of it, can't be meant for another one.
    spent = {t: e.id for t, e in known.items()}
    for event in [*run.by_kind[EventKind.FORWARD], *run.by_kind[EventKind.INPLACE]]:
        added = [t for t in event.inputs if t in spent and spent[t] < event.id]
        if not added or not event.outputs or event.outputs[0] in known:
            continue
        if not run.tensor(event.outputs[0]).requires_grad:
            continue
        if event.op in ("mul", "div"):
            spent[event.outputs[0]] = event.id
        if event.op not in ("add", "add_"):
            continue
        line = line_of(run, event)
        total, value = _summed(run, line)
        if value is not None and total:
            return [_kept(run, total, value, line, event.id)]
    grown = _grown(run, known)
    if grown is not None:
        return [grown]
    handed = _handed_on(run, names)
    for call in method_calls(run, "append"):
        if len(call.args) != 1 or not isinstance(call.func, ast.Attribute):
            continue
        name = dotted(call.args[0])
        if name in names or (name, run.source.scope_of(call)) in handed:
            owner = run.source.text_of(call.func.value)
            text = run.source.text
            if owner and not re.search(rf"(stack|cat|sum)\(\s*{re.escape(owner)}", text):
                return [_kept(run, owner, call.args[0], call.lineno, -1)]
    return _collected(run, names)


def _collected(run: Run, names: set[str]) -> list[Found]:
    """Losses that a function gives back after their `backward()`, collected as they are: `[train(b) for b in data]`."""
    spent = {}
    for node in run.source.nodes:
        if not isinstance(node, ast.Return) or dotted(node.value) not in names or node.value is None:
            continue
        function = run.source.scope_of(node)
        starts = [c for c in method_calls(run, "backward") if run.source.scope_of(c) is function]
        if isinstance(function, ast.FunctionDef) and any(
            isinstance(c.func, ast.Attribute) and dotted(c.func.value) == dotted(node.value) for c in starts
        ):
            spent[function.name] = node.value
    for node in run.source.nodes if spent else ():
        value: ast.expr | None = None
        owner = ""
        if isinstance(node, ast.ListComp):
            holder = run.source.parents.get(node)
            if isinstance(holder, ast.Assign):
                owner, value = dotted(holder.targets[0]), node.elt
        elif isinstance(node, ast.Call) and called(node) == "append" and isinstance(node.func, ast.Attribute):
            owner, value = dotted(node.func.value), (node.args[0] if len(node.args) == 1 else None)
        if owner and isinstance(value, ast.Call) and called(value) in spent:
            one = _kept(run, owner, value, value.lineno, -1)
            text = run.source.text_of(spent[called(value)])
            title = words.fill(N_("Give back only the number: `return {text}.item()`"), {"text": text})
            one.fixes = [Fix(title, "maybe", run.source.append(spent[called(value)], ".item()"))]
            return [one]
    return []


def _handed_on(run: Run, names: set[str]) -> set[tuple[str, ast.AST | None]]:
    """The arguments as which some names come into functions, each with its function."""
    functions = {f.name: f for f in run.source.nodes if isinstance(f, ast.FunctionDef)}
    found: set[tuple[str, ast.AST | None]] = set()
    for call in run.source.calls():
        function = functions.get(called(call))
        if function is None:
            continue
        arguments = [a.arg for a in function.args.args]
        if arguments[:1] == ["self"] and isinstance(call.func, ast.Attribute):
            arguments = arguments[1:]
        found.update((a, function) for a, value in zip(arguments, call.args) if dotted(value) in names)
        found.update((k.arg, function) for k in call.keywords if k.arg and dotted(k.value) in names)
    return found


def _grown(run: Run, known: dict[int, Event]) -> Found | None:
    """A number with a history that grows from turn to turn in one place, and from which no `backward()` starts."""
    needed = ancestors(run, known)
    length: dict[int, int] = {}
    for event in run.trace.events:
        if event.op not in ("add", "add_") or event.kind not in (EventKind.FORWARD, EventKind.INPLACE):
            continue
        if not event.outputs or event.outputs[0] in needed:
            continue
        record = run.tensor(event.outputs[0])
        if not record.requires_grad or record.shape or not record.name:
            continue
        before = [t for t in event.inputs if t in length and run.tensor(t).name == record.name]
        length[record.id] = 1 + max((length[t] for t in before), default=0)
        if length[record.id] >= 3:
            line = line_of(run, event)
            total, value = _summed(run, line)
            if value is not None and total == record.name:
                return _kept(run, total, value, line, event.id)
    return None


def _summed(run: Run, line: int) -> tuple[str, ast.expr | None]:
    """What `total += value` or `total = total + value` on a line adds, and to what."""
    for node in run.source.nodes:
        if isinstance(node, ast.AugAssign) and node.lineno == line:
            return run.source.text_of(node.target), node.value
        is_sum = (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add)
        )
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and is_sum and node.lineno == line:
            total = run.source.text_of(node.targets[0])
            sides = [node.value.left, node.value.right]
            # `total + loss`, or a moving mean: `0.9 * mean + 0.1 * loss`
            rest = [s for s in sides if not any(dotted(part) == total for part in ast.walk(s))]
            if len(rest) == 1:
                return total, rest[0]
    return "", None


def _kept(run: Run, total: str, value: ast.expr, line: int, event: int) -> Found:
    text = run.source.base(value)
    title = words.fill(N_("Add only the number: `{text}.item()`"), {"text": text})
    fixes = [Fix(title, "maybe", run.source.append(value, ".item()"))]
    found = Found(
        {"total": words.code(total), "loss": words.code(run.source.text_of(value)), "text": text, "line": line},
        fixes=fixes,
        line=line,
        event=event,
    )
    if event < 0:
        found.what = N_(
            "Line {line} puts {loss} into {total} with its graph, so {total} holds on to all iterations so far."
        )
        found.why = N_("A tensor with a gradient keeps everything that it was computed from.")
        found.fix = N_("Keep only the number: `{text}.item()`.")
    return found
