"""Calls at the wrong place: `backward()` after the loop, clipping after the step, best weights without a copy."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import loops_around, method_calls, step_calls
from graphlab.explain.silent.moves import moved, moved_behind
from graphlab.explain.silent.trail import line_of, roots
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import EventKind, Fix


@silent_bug(
    "GL766",
    Severity.WARNING,
    title=N_("Only the last batch is learned from: `{call}` stands after the loop"),
    what=N_(
        "The loop on line {loop} computes {loss} for each batch, and `{call}` on line {line} runs once after it: with "
        "the loss of the last batch."
    ),
    why=N_("A name holds the last value it was given; the losses of the batches before are lost."),
    fix=N_("Indent `{call}` and what belongs to it, so that it runs in each turn of the inner loop."),
    example={"call": "loss.backward()", "line": 14, "loop": 11, "loss": "`loss`"},
    program="""import torch
torch.manual_seed(0)
x = torch.randn(12)
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for epoch in range(3):
    for xb in x.split(4):
        loss = ((w * xb - 2 * xb) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
torch.manual_seed(0)
x = torch.randn(12)
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for epoch in range(3):
    for xb in x.split(4):
        loss = ((w * xb - 2 * xb) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
)
def backward_after_loop(run: Run) -> list[Found]:
    """`backward()` outside the loop that computes the loss."""
    for call in method_calls(run, "backward"):
        name = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        statement = run.source.statement_of(call)
        if not name or statement is None:
            continue
        body = _block_of(run, statement)
        before = [s for s in body[: body.index(statement)] if isinstance(s, ast.For)] if statement in body else []
        if not before or any(_binds(s, name) for s in body[body.index(before[-1]) + 1 : body.index(statement)]):
            continue
        loop = before[-1]
        sets = [n for n in ast.walk(loop) if isinstance(n, ast.Assign) and any(dotted(t) == name for t in n.targets)]
        is_summed = any(isinstance(n, ast.AugAssign) and dotted(n.target) == name for n in ast.walk(loop))
        is_kept = any(
            isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) and not _is_number_read(run, n)
            for n in ast.walk(loop)
        )
        if len(sets) != 1 or is_summed or is_kept or (called(loop.iter) == "range" and not loops_around(run, loop)):
            continue
        # A loop over the layers of one pass makes its last value from the one before.
        if not _is_loss(run, sets[0]):
            continue
        values = {
            "call": run.source.text_of(call),
            "line": call.lineno,
            "loop": loop.lineno,
            "loss": words.code(name),
        }
        return [Found(values, line=call.lineno)]
    return []


def _is_number_read(run: Run, node: ast.Name) -> bool:
    """Whether only the number is read: `loss.item()`, `float(loss)`."""
    holder = run.source.parents.get(node)
    if isinstance(holder, ast.Attribute):
        return holder.attr in ("item", "detach", "data")
    return isinstance(holder, ast.Call) and called(holder) in ("float", "print")


def _is_loss(run: Run, node: ast.Assign) -> bool:
    """Whether several tensors that came from this line need gradients and were never used."""
    idle = [
        e
        for e in run.by_kind[EventKind.FORWARD]
        if line_of(run, e) == node.lineno
        and e.outputs
        and run.tensor(e.outputs[0]).requires_grad
        and not run.tensor(e.outputs[0]).shape
        and not run.used_by.get(e.outputs[0])
    ]
    known = roots(run)
    return sum(e.outputs[0] not in known for e in idle) >= 2


def _block_of(run: Run, statement: ast.stmt) -> list[ast.stmt]:
    parent = run.source.parents.get(statement)
    for field in ("body", "orelse", "finalbody"):
        block = getattr(parent, field, None)
        if isinstance(block, list) and statement in block:
            return block
    return []


def _binds(statement: ast.stmt, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(statement))


@silent_bug(
    "GL767",
    Severity.WARNING,
    title=N_("The gradients are clipped too late: `{clip}` comes after `{step}`"),
    what=N_("`{clip}` stands on line {line}, `{step}` on line {step_line} before it, so the step is taken unclipped."),
    why=N_("Clipping changes `.grad`; it must lie between `backward()`, which fills it, and `step()`, which uses it."),
    fix=N_("Put `{clip}` between `backward()` and `{step}`."),
    example={
        "clip": "clip_grad_norm_(…)",
        "step": "optimizer.step()",
        "line": 10,
        "step_line": 9,
    },
    program="""import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    torch.nn.utils.clip_grad_norm_([w], 1.0)
""",
    mended="""import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([w], 1.0)
    optimizer.step()
""",
)
def clipped_in_vain(run: Run) -> list[Found]:
    """Clipping that no step makes use of."""
    for call in run.source.calls():
        if called(call) not in ("clip_grad_norm_", "clip_grad_value_"):
            continue
        statement = run.source.statement_of(call)
        body = _block_of(run, statement) if statement is not None else []
        if statement is None or statement not in body or not loops_around(run, call):
            continue
        at = body.index(statement)
        steps = [i for i, s in enumerate(body) if _calls_method(s, "step")]
        backwards = [i for i, s in enumerate(body) if _calls_method(s, "backward")]
        if not steps or not backwards:
            continue
        step = next((i for i in steps if backwards[0] < i), steps[0])
        clip = f"{called(call)}(…)"
        stepping = run.source.text_of(body[step])
        values = {"clip": clip, "step": stepping, "line": call.lineno, "step_line": body[step].lineno}
        later = [i for i in (*steps, *backwards) if i > at]
        if step < at and not any(i in steps for i in later):
            edits = moved(run, statement, body[step])
            title = words.fill(N_("Move it before `{step}`"), values)
            return [Found(values, fixes=[Fix(title, "maybe", edits)] if edits else [], line=call.lineno)]
        if at < backwards[0] and not any(i < at for i in backwards):
            found = Found({**values, "backward": body[backwards[0]].lineno}, line=call.lineno)
            found.title = N_("The gradients are clipped too early: `{clip}` comes before `backward()`")
            found.what = N_(
                "`{clip}` stands on line {line}, and only `backward()` on line {backward} fills the gradients."
            )
            return [found]
    return []


def _calls_method(statement: ast.stmt, method: str) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    is_it = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == method
    return is_it and (method != "step" or "sched" not in ast.dump(statement))


@silent_bug(
    "GL768",
    Severity.WARNING,
    title=N_("{name} isn't a copy: it changes on with the training"),
    what=N_(
        "`{text}` on line {line} keeps a reference to the parameters, and each later `step()` changes what it shows."
    ),
    why=N_("`state_dict()` and `=` hand out the tensors themselves, not their values at that moment."),
    fix=N_("Keep a copy: `{instead}`."),
    example={
        "name": "`best`",
        "text": "best = model.state_dict()",
        "line": 14,
        "instead": "best = copy.deepcopy(model.state_dict())",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
lowest = 1e9
for epoch in range(4):
    loss = ((net(x) - y) ** 2).mean()
    if loss.item() < lowest:
        lowest, best = loss.item(), None
        best = net.state_dict()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
net.load_state_dict(best)
""",
    mended="""import copy
import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
lowest = 1e9
for epoch in range(4):
    loss = ((net(x) - y) ** 2).mean()
    if loss.item() < lowest:
        lowest, best = loss.item(), None
        best = copy.deepcopy(net.state_dict())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
net.load_state_dict(best)
""",
)
def best_not_copied(run: Run) -> list[Found]:
    """The best weights kept by reference."""
    loaded = {dotted(c.args[0]) for c in method_calls(run, "load_state_dict") if c.args}
    models = {m.path for m in run.trace.modules if "." not in m.path}
    for node in run.source.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(run.source.parents.get(node), ast.If):
            continue
        if not loops_around(run, node):
            continue
        for target, value in _pairs(node):
            name = dotted(target)
            is_state = isinstance(value, ast.Call) and called(value) == "state_dict" and name in loaded
            is_model = dotted(value) in models and re.match(r"best", name) is not None
            if not is_state and not is_model:
                continue
            text, instead = run.source.text_of(value), f"copy.deepcopy({run.source.text_of(value)})"
            edits = [run.source.replace(value, instead)]
            if not re.search(r"^\s*(import copy|from copy)", run.source.text, re.MULTILINE):
                edits.insert(0, run.source.insert_at(1, 0, "import copy\n"))
            values = {
                "name": words.code(name),
                "text": f"{name} = {text}",
                "line": node.lineno,
                "instead": f"{name} = {instead}",
            }
            title = words.fill(N_("Keep a copy: `{instead}`"), {"instead": values["instead"]})
            return [Found(values, fixes=[Fix(title, "maybe", edits)], line=node.lineno)]
    return []


def _pairs(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        return list(zip(target.elts, node.value.elts))
    return [(target, node.value)]


@silent_bug(
    "GL772",
    Severity.WARNING,
    title=N_("The gradients that should add up are cleared for each batch"),
    what=N_(
        "`{step}` on line {line} runs only where `{test}`, and `{clear}` on line {clear_line} runs for each batch: the "
        "gradients of all batches but the last are thrown away."
    ),
    why=N_("To accumulate, gradients must be kept from one `backward()` to the next until the step is taken."),
    fix=N_("Put `{clear}` behind `{step}`, into the same `if`."),
    example={
        "step": "optimizer.step()",
        "line": 13,
        "test": "(i + 1) % 4 == 0",
        "clear": "optimizer.zero_grad()",
        "clear_line": 9,
    },
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for i in range(8):
    optimizer.zero_grad()
    loss = (w * i - 2.0 * i) ** 2 / 4
    loss.backward()
    if (i + 1) % 4 == 0:
        optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for i in range(8):
    loss = (w * i - 2.0 * i) ** 2 / 4
    loss.backward()
    if (i + 1) % 4 == 0:
        optimizer.step()
        optimizer.zero_grad()
""",
)
def cleared_while_adding_up(run: Run) -> list[Found]:
    """`zero_grad()` for each batch where `step()` comes only each few batches."""
    for step in step_calls(run):
        statement = run.source.statement_of(step)
        guard = run.source.parents.get(statement) if statement is not None else None
        if not isinstance(guard, ast.If) or not any(isinstance(n, ast.Mod) for n in ast.walk(guard.test)):
            continue
        body = _block_of(run, guard)
        clears = [s for s in body if _calls_method(s, "zero_grad")]
        backwards = [s for s in body if _calls_method(s, "backward")]
        if len(backwards) != 1 or len(clears) != 1 or guard.orelse:
            continue
        values = {
            "step": run.source.text_of(step),
            "line": step.lineno,
            "test": run.source.text_of(guard.test),
            "clear": run.source.text_of(clears[0]),
            "clear_line": clears[0].lineno,
        }
        edits = moved_behind(run, clears[0], statement) if statement is not None else []
        title = words.fill(N_("Move it behind `{step}`"), values)
        return [Found(values, fixes=[Fix(title, "maybe", edits)] if edits else [], line=clears[0].lineno)]
    return []
