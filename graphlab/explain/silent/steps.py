"""Steps that don't happen or happen with the wrong gradients: cleared too early, never cleared, never taken."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import name_of
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import method_calls, optimizers, step_calls
from graphlab.explain.silent.trail import is_zero, line_of, updated
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import EventKind, Fix, TensorKind


@silent_bug(
    "GL720",
    Severity.WARNING,
    title=N_("The gradients are cleared before the optimizer can use them"),
    what=N_(
        "`zero_grad()` on line {line} comes after `backward()` and before `step()`, so {optimizer} finds no gradients."
    ),
    why=N_("`backward()` fills `.grad`, `step()` reads it; what lies between must leave it alone."),
    fix=N_("Call `zero_grad()` before `backward()`, or after `step()`."),
    example={"line": 7, "optimizer": "`optimizer`"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def cleared_too_early(run: Run) -> list[Found]:
    """zero_grad between backward and step."""
    filled: set[int] = set()
    n_lost, used, first = 0, 0, None
    for event in run.trace.events:
        if event.kind == EventKind.ACCUMULATE:
            filled.update(t for t in event.outputs if t >= 0 and run.tensor(t).kind == TensorKind.LEAF_GRAD)
        elif event.kind == EventKind.INPLACE and event.op == "zero_grad":
            lost = filled & set(event.outputs)
            if lost:
                n_lost += 1
                first = first or event
            filled -= lost
        elif event.kind == EventKind.UPDATE and len(event.inputs) > 1:
            used += event.inputs[1] in filled and not is_zero(run, event.inputs[1], event.id)
            filled.discard(event.inputs[1])
    steps = step_calls(run)
    if not n_lost and not used:
        return _set_to_none_too_early(run, steps)
    if n_lost < 2 or used or first is None or not steps:
        return []
    line = line_of(run, first)
    scope = next((run.source.scope_of(c) for c in method_calls(run, "zero_grad") if c.lineno == line), None)
    step = next((c for c in steps if run.source.scope_of(c) is scope), steps[0])
    name = dotted(step.func.value) if isinstance(step.func, ast.Attribute) else "optimizer"
    found = Found({"line": line, "optimizer": words.code(name)}, event=first.id, line=line)
    backward = next((c for c in method_calls(run, "backward") if run.source.scope_of(c) is scope), None)
    if backward is not None and line <= step.lineno < backward.lineno:
        found.words["backward"] = backward.lineno
        found.words["step"] = step.lineno
        found.title = N_("{optimizer} steps before `backward()`")
        found.what = N_(
            "In each turn `step()` on line {step} comes before `backward()` on line {backward}, and `zero_grad()` on "
            "line {line} has just cleared what the turn before computed."
        )
        found.fix = N_("Call `backward()` first, then `step()`.")
        found.line = step.lineno
    else:
        found.fixes = _moved_up(run, line)
    return [found]


def _set_to_none_too_early(run: Run, steps: list[ast.Call]) -> list[Found]:
    """`p.grad = None` between backward and step: nothing is left to see in the trace but steps that do nothing."""
    n_first: dict[int, int] = {}  # how often a gradient came to a parameter that had none
    for event in run.by_kind[EventKind.ACCUMULATE]:
        is_leaf = event.outputs and event.outputs[0] >= 0
        if is_leaf and run.tensor(event.outputs[0]).kind == TensorKind.LEAF_GRAD and len(event.inputs) < 2:
            of = run.tensor(event.outputs[0]).of
            n_first[of] = n_first.get(of, 0) + 1
    if max(n_first.values(), default=0) < 2 or updated(run):
        return []
    clears = [
        n for n in run.source.nodes
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant) and n.value.value is None
        and isinstance(n.targets[0], ast.Attribute) and n.targets[0].attr == "grad"
    ]  # fmt: skip
    for step in steps:
        scope = run.source.scope_of(step)
        backward = next((c for c in method_calls(run, "backward") if run.source.scope_of(c) is scope), None)
        clear = next((n for n in clears if run.source.scope_of(n) is scope), None)
        if backward is None or clear is None or not backward.lineno < clear.lineno < step.lineno:
            continue
        name = dotted(step.func.value) if isinstance(step.func, ast.Attribute) else "optimizer"
        text = run.source.text_of(clear)
        found = Found({"line": clear.lineno, "optimizer": words.code(name), "text": text}, line=clear.lineno)
        found.what = N_(
            "`{text}` on line {line} comes after `backward()` and before `step()`, so {optimizer} finds no gradients."
        )
        found.fix = N_("Clear the gradients before `backward()`, or after `step()`.")
        loop = run.source.parents.get(clear)
        statement = loop if isinstance(loop, ast.For) and loop.body == [clear] else clear
        first, second = run.source.statement_of(backward), run.source.statement_of(step)
        if (
            first is not None
            and second is not None
            and run.source.parents.get(statement) is run.source.parents.get(first) is run.source.parents.get(second)
        ):
            found.fixes = _moved_before(run, statement, first)
        return [found]
    return []


def _moved_before(run: Run, statement: ast.stmt, first: ast.stmt) -> list[Fix]:
    """A statement on lines of its own put before another one of its block."""
    line, _column, end_line, _end_column = run.source.place(statement)
    text = run.source.text_of(statement)
    if "\n".join(run.source.lines[line - 1 : end_line]).strip() != text or end_line >= len(run.source.lines):
        return []
    remove = run.source.replace(statement, "pass")
    remove = type(remove)(line, 0, end_line + 1, 0, "")
    return [Fix(_("Move it before `backward()`"), "maybe", [run.source.line_before(first, text), remove])]


def _moved_up(run: Run, line: int) -> list[Fix]:
    """`zero_grad()` put before `backward()`, where both are statements of one block."""
    clear = next((c for c in method_calls(run, "zero_grad") if c.lineno == line), None)
    statement = run.source.statement_of(clear)
    if clear is None or statement is None:
        return []
    parent = run.source.parents.get(statement)
    body = [b for b in getattr(parent, "body", []) if isinstance(b, ast.stmt)]
    backwards = [b for b in body if isinstance(b, ast.Expr) and called(b.value) == "backward" and b.lineno < line]
    if not backwards or statement not in body or len(body) < 2:
        return []
    text = run.source.text_of(statement)
    _line, column, end_line, end_column = run.source.place(statement)
    if run.source.lines[line - 1].strip() != text:
        return []
    remove = run.source.replace(statement, "pass")
    after = body[body.index(statement) + 1 :]
    if after:
        remove = type(remove)(line, column, after[0].lineno, run.source.place(after[0])[1], "")
    insert = run.source.line_before(backwards[-1], text)
    _unused = (end_line, end_column)
    return [Fix(_("Move it before `backward()`"), "maybe", [insert, remove])]


@silent_bug(
    "GL721",
    Severity.WARNING,
    title=N_("The optimizer never takes a step"),
    what=N_("Gradients are computed {n} times, but nothing changes the parameters: `{call}` is missing."),
    why=N_("`backward()` only computes gradients; it is `step()` that moves the parameters against them."),
    fix=N_("Call `{call}` after `backward()` in each turn."),
    example={"n": 5, "call": "optimizer.step()"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def never_stepped(run: Run) -> list[Found]:
    """An optimizer whose step() isn't called."""
    if len(run.trace.losses) >= 3 and run.by_kind[EventKind.UPDATE]:
        return one_never_stepped(run)
    if len(run.trace.losses) < 3 or run.by_kind[EventKind.UPDATE] or not optimizers(run):
        return []
    # `step` without brackets is not a call of it; a scheduler's step is another one.
    if step_calls(run):
        return []
    parameters = {t.id for t in run.trace.tensors if t.kind == TensorKind.PARAMETER}
    if any(set(e.outputs) & parameters for e in run.by_kind[EventKind.INPLACE]):
        return []
    name = next(iter(optimizers(run)))
    call = f"{name}.step()"
    line = line_of(run, run.trace.events[run.trace.losses[0].event])
    fixes = []
    bare = [
        n
        for n in run.source.nodes
        if isinstance(n, ast.Expr) and isinstance(n.value, ast.Attribute) and dotted(n.value) == f"{name}.step"
    ]
    backward = [c for c in run.source.calls_at(line) if called(c) == "backward"]
    statement = run.source.statement_of(backward[0]) if len(backward) == 1 else None
    if len(bare) == 1:
        line = bare[0].lineno
        fixes.append(
            Fix(_("Add the brackets that call it: `step()`"), "maybe", [run.source.replace(bare[0].value, call)])
        )
    elif statement is not None:
        _line, column, end_line, end_column = run.source.place(statement)
        indent = run.source.lines[statement.lineno - 1][:column]
        title = words.fill(N_("Add `{call}` after `backward()`"), {"call": call})
        fixes.append(Fix(title, "maybe", [run.source.insert_at(end_line, end_column, f"\n{indent}{call}")]))
    return [Found({"n": len(run.trace.losses), "call": call}, fixes=fixes, event=run.trace.losses[0].event, line=line)]


def one_never_stepped(run: Run) -> list[Found]:
    """One of several optimizers whose step() stands nowhere, while its parameters get gradients."""
    made = optimizers(run)
    steps = {dotted(c.func.value) for c in step_calls(run) if isinstance(c.func, ast.Attribute)}
    if len({id(c) for c in made.values()}) < 2 or not steps <= set(made):
        return []  # one that goes by a name we don't know may be any of them
    stepped = {id(made[name]) for name in steps}
    moved = updated(run)
    n_gradients: dict[int, int] = {}
    for event in run.by_kind[EventKind.ACCUMULATE]:
        if event.outputs and event.outputs[0] >= 0 and run.tensor(event.outputs[0]).kind == TensorKind.LEAF_GRAD:
            of = run.tensor(event.outputs[0]).of
            n_gradients[of] = n_gradients.get(of, 0) + 1
    for name, call in made.items():
        if id(call) in stepped or not call.args or any(k.arg == "lr_scheduler" for k in call.keywords):
            continue
        if any(name in (dotted(a) for a in c.args) for c in run.source.calls()):
            continue  # handed to something that may step it: a scaler, a trainer
        owners = {dotted(n) for n in ast.walk(call.args[0]) if isinstance(n, ast.Name)}
        idle = [t for t, n in n_gradients.items() if n >= 3 and run.tensor(t).name.partition(".")[0] in owners]
        if not idle and owners == {"self"} and len({id(c) for c in made.values()} - stepped) == 1:
            # What belongs to an object goes by other names in the trace; all that rests must be this optimizer's.
            idle = [t for t, n in n_gradients.items() if n >= 3 and t not in moved and run.tensor(t).name]
        if not idle or any(t in moved for t in idle):
            continue
        wanted = f"{name}.step()"
        near = [c for c in step_calls(run) if run.source.scope_of(c) is not None]
        fixes = []
        statement = run.source.statement_of(near[0]) if near else None
        if statement is not None:
            _line, column, end_line, end_column = run.source.place(statement)
            indent = run.source.lines[statement.lineno - 1][:column]
            title = words.fill(N_("Add `{call}` after the other `step()`"), {"call": wanted})
            fixes.append(Fix(title, "maybe", [run.source.insert_at(end_line, end_column, f"\n{indent}{wanted}")]))
        n = max(n_gradients[t] for t in idle)
        one = Found({"n": n, "call": wanted, "optimizer": words.code(name)}, fixes=fixes, line=call.lineno)
        one.title = N_("{optimizer} never takes a step")
        one.what = N_(
            "Its parameters get gradients {n} times and keep their values: another optimizer steps, but `{call}` is "
            "missing."
        )
        return [one]
    return []


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
    """Gradients that pile up over the steps of an optimizer, or over updates by hand."""
    if re.search(r"\.grad\.data\b|\.grad\.detach_?\(", run.source.text):
        return []  # another tensor on the gradient's memory: what is written there can't be followed
    hits = _piled(run)
    if not hits:
        return []
    grad_id, piled = max(hits.items(), key=lambda item: item[1].most)
    first = run.trace.events[piled.first]
    span = run.span(first)
    line = span.line if span else 0
    backward = [c for c in run.source.calls_at(line) if called(c) == "backward"]
    statement = run.source.statement_of(backward[0]) if len(backward) == 1 else None
    grad = name_of(run.trace, grad_id)
    found = Found({"grad": words.code(grad), "line": line, "n": piled.most}, event=first.id, line=line)
    if piled.is_by_hand:
        found.words["owner"] = run.tensor(run.tensor(grad_id).of).name or grad.removesuffix(".grad")
        found.title = N_("The gradients are never cleared: {grad} keeps growing")
        found.fix = N_("Set `{owner}.grad = None` in each turn, after the update.")
        return [found]
    optimizer = _stepping(run, statement)
    call = f"{optimizer or 'optimizer'}.zero_grad()"
    found.words["call"] = call
    if optimizer and statement is not None:
        title = words.fill(N_("Add `{call}` before `backward()`"), {"call": call})
        found.fixes.append(Fix(title, "maybe", [run.source.line_before(statement, call)]))
    return [found]


_MOVES = ("sub", "add", "addcmul", "addcdiv", "lerp")


@dataclass
class _Pile:
    """How a gradient piles up: how many were summed at most, in which event first, and how often one was used."""

    most: int = 0
    first: int = -1
    n_stale: int = 0
    n_used: int = 0
    is_by_hand: bool = False


def _piled(run: Run) -> dict[int, _Pile]:
    """Gradients that were used for an update again and again with what earlier updates had used still in them."""
    piles: dict[int, _Pile] = {}
    n_summed: dict[int, int] = {}  # since it was cleared
    used: set[int] = set()  # gradients that an update has read and nobody cleared since
    stale: set[int] = set()  # of these, the ones to which a backward pass has added
    scaled: dict[int, int] = {}  # results of `lr * w.grad` -> the gradient
    leaves = {t.of for t in run.trace.tensors if t.kind == TensorKind.LEAF_GRAD}
    for event in run.trace.events:
        spent: list[int] = []
        if event.kind == EventKind.ACCUMULATE and event.op != "backward" and event.outputs:
            grad = event.outputs[0]
            if run.tensor(grad).kind != TensorKind.LEAF_GRAD:
                continue
            if len(event.inputs) < 2 or is_zero(run, event.inputs[0], event.id - 1):
                n_summed[grad] = 1
                used.discard(grad)
                stale.discard(grad)
                continue
            n_summed[grad] = n_summed.get(grad, 1) + 1
            if grad in used:
                stale.add(grad)
                pile = piles.setdefault(grad, _Pile())
                pile.first = event.id if pile.first < 0 else pile.first
        elif event.kind == EventKind.UPDATE and len(event.inputs) > 1:
            spent = [event.inputs[1]]
        elif event.op in ("mul", "div") and event.kind == EventKind.FORWARD and event.outputs:
            for tensor in (t for t in event.inputs if t >= 0):
                if tensor in scaled or _is_leaf_grad(run, tensor):
                    scaled[event.outputs[0]] = scaled.get(tensor, tensor)
        elif event.op in _MOVES and event.kind in (EventKind.FORWARD, EventKind.INPLACE) and event.outputs:
            of = [scaled.get(t, t) for t in event.inputs if t in scaled or (t >= 0 and _is_leaf_grad(run, t))]
            target = run.tensor(event.outputs[0])
            if event.kind == EventKind.INPLACE and target.id not in leaves and not _is_leaf_grad(run, target.id):
                for grad in of:  # added to a velocity or a mean, which moves the parameter later
                    scaled[target.id] = grad
            else:
                spent = [scaled[t] for t in event.inputs if t in scaled]
                if not spent and event.kind == EventKind.INPLACE and not _is_leaf_grad(run, target.id):
                    spent = of  # `w.add_(w.grad, alpha=-0.1)`
        elif event.kind == EventKind.INPLACE and event.op in ("zero_grad", "zero", "fill"):
            for grad in event.outputs:
                used.discard(grad)
                stale.discard(grad)
        for grad in spent:
            pile = piles.setdefault(grad, _Pile())
            pile.n_used += 1
            pile.is_by_hand = event.kind != EventKind.UPDATE
            if grad in stale:
                pile.n_stale += 1
                pile.most = max(pile.most, n_summed.get(grad, 1))
            used.add(grad)
    # Now and then is not enough: it must be so most of the time.
    return {g: p for g, p in piles.items() if p.n_stale >= 2 and p.n_stale * 2 >= p.n_used - 1 and p.most >= 3}


def _is_leaf_grad(run: Run, tensor: int) -> bool:
    return run.tensor(tensor).kind == TensorKind.LEAF_GRAD


def _stepping(run: Run, statement: ast.stmt | None) -> str:
    """The name of the optimizer in the function of a statement: the one that steps there, else any of the text."""
    scope = run.source.scope_of(statement) if statement is not None else None
    steps = step_calls(run)
    near = [c for c in steps if run.source.scope_of(c) is scope]
    owners = [dotted(c.func.value) for c in near or steps if isinstance(c.func, ast.Attribute)]
    return owners[0] if owners else next(iter(optimizers(run)), "")
