"""Runs that end well and learn badly: steps that don't happen, gradients that fade, modes that are wrong, odd rates."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.modules import OPTIMIZERS
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.source import called, dotted
from graphlab.explain.values import value_at
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, Loss, TensorKind, ValueForm

_RANDOM = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")
MAX_WALK = 200_000


def norm_of(run: Run, tensor: int, event: int) -> float | None:
    """The Euclidean norm of a value at an event, None where nothing was kept."""
    value = value_at(run.trace, tensor, event)
    if value is None:
        return None
    if value.form != ValueForm.WHOLE:
        return value.stats.get("norm")
    if not value.size:
        return 0.0
    array = run.trace.array(value.id)
    return float(np.linalg.norm(array.astype(np.float64).ravel())) if array.dtype.kind in "fiu" else None


def is_zero(run: Run, tensor: int, event: int) -> bool:
    """Whether every entry of a value is 0, as far as the trace knows."""
    value = value_at(run.trace, tensor, event)
    if value is None:
        return False
    if value.form != ValueForm.WHOLE:
        return value.stats.get("min") == 0 and value.stats.get("max") == 0
    if not value.size:
        return False
    array = run.trace.array(value.id)
    return bool(array.size and not array.any())


def losses_by_name(run: Run) -> dict[str, list[Loss]]:
    """The losses of a run, each under its name."""
    found: dict[str, list[Loss]] = {}
    for loss in run.trace.losses:
        found.setdefault(loss.name, []).append(loss)
    return found


def roots(run: Run) -> dict[int, Event]:
    """The tensors from which `backward()` started, with the event of its start."""
    found: dict[int, Event] = {}
    for loss in run.trace.losses:
        event = run.trace.events[loss.event]
        for tensor in event.outputs:
            if tensor >= 0 and run.tensor(tensor).kind == TensorKind.GRADIENT:
                found[run.tensor(tensor).of] = event
    return found


def line_of(run: Run, event: Event) -> int:
    """The line that an event stands on, 0 when unknown."""
    span = run.span(event)
    return span.line if span else 0


def optimizers(run: Run) -> dict[str, ast.Call]:
    """The optimizers that the program makes, by the names they go by: of variables, and of arguments they become."""
    functions = {f.name: f for f in run.source.nodes if isinstance(f, ast.FunctionDef)}
    classes = {c.name: c for c in run.source.nodes if isinstance(c, ast.ClassDef)}
    for name, class_ in classes.items():
        init = next((f for f in class_.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
        if init is not None:
            functions[name] = init
    makers = {
        f.name: r.value
        for f in functions.values()
        for r in ast.walk(f)
        if isinstance(r, ast.Return) and isinstance(r.value, ast.Call) and called(r.value) in OPTIMIZERS
    }
    found: dict[str, ast.Call] = {}

    def made(value: ast.AST | None) -> ast.Call | None:
        if isinstance(value, ast.IfExp):
            return made(value.body) or made(value.orelse)
        if isinstance(value, ast.Call):
            return value if called(value) in OPTIMIZERS else makers.get(called(value))
        return found.get(dotted(value)) if isinstance(value, ast.Name | ast.Attribute) else None

    def bind(name: str, value: ast.AST | None) -> None:
        call = made(value)
        if name and call is not None:
            found.setdefault(name, call)

    for _round in range(3):  # handed on from function to function
        n_found = len(found)
        for node in run.source.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    bind(dotted(target), node.value)
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        for part, value in zip(target.elts, node.value.elts):
                            bind(dotted(part), value)
        for call in run.source.calls():
            function = functions.get(called(call))
            if function is not None:
                names = [a.arg for a in function.args.args]
                for name, value in zip(names[1:] if names[:1] == ["self"] else names, call.args):
                    bind(name, value)
                for keyword in call.keywords:
                    bind(keyword.arg or "", keyword.value)
        if len(found) == n_found:
            break
    return found


def step_calls(run: Run) -> list[ast.Call]:
    """Calls that may be `step()` of an optimizer: not a scheduler's, nor an environment's with an action."""
    known = optimizers(run)
    return [
        c
        for c in method_calls(run, "step")
        if isinstance(c.func, ast.Attribute)
        and (dotted(c.func.value) in known or (not c.args and re.search(r"opt", dotted(c.func.value), re.IGNORECASE)))
    ]


def method_calls(run: Run, method: str) -> list[ast.Call]:
    """Every call of a method of that name, in the order of the text."""
    return [c for c in run.source.calls() if isinstance(c.func, ast.Attribute) and c.func.attr == method]


def ancestors(run: Run, starts: Iterable[int]) -> set[int]:
    """Every tensor that some tensors were computed from, gradients or not, themselves included."""
    queue = list(starts)
    seen: set[int] = set(queue)
    while queue and len(seen) < MAX_WALK:
        event = run.made_by.get(queue.pop())
        for tensor in event.inputs if event is not None else ():
            if tensor >= 0 and tensor not in seen:
                seen.add(tensor)
                queue.append(tensor)
    return seen


def learned(run: Run) -> set[int]:
    """Everything that was computed from a parameter, whether its gradient is recorded or not."""
    found = {t.id for t in run.trace.tensors if t.kind == TensorKind.PARAMETER or t.requires_grad}
    for event in run.by_kind[EventKind.FORWARD]:
        if not found.isdisjoint(event.inputs):
            found.update(event.outputs)
    return found


def updated(run: Run) -> set[int]:
    """Tensors that an optimizer changed."""
    return {t for e in run.by_kind[EventKind.UPDATE] for t in e.outputs if t >= 0}


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
    "GL722",
    Severity.WARNING,
    title=N_("{relu} is dead: all its outputs are 0"),
    what=N_(
        "All {n} entries that {relu} on line {line} gets are negative in each of the last {turns} iterations, "
        "so it gives only 0."
    ),
    why=N_("The slope of ReLU is 0 for negative inputs, so no gradient passes and nothing before it learns any more."),
    fix=N_(
        "Lower the learning rate, start with smaller weights and biases, or use `leaky_relu`, whose slope is never 0."
    ),
    example={"relu": "`relu`", "n": 12, "line": 8, "turns": 5},
    program="""import torch
x = torch.tensor([[1.0], [2.0]])
w = torch.tensor([[-3.0]], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    h = torch.relu(x @ w)
    loss = ((h - 1.0) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
x = torch.tensor([[1.0], [2.0]])
w = torch.tensor([[3.0]], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    h = torch.relu(x @ w)
    loss = ((h - 1.0) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def dead_relu(run: Run) -> list[Found]:
    """A relu that gave nothing but zeros until the end."""
    # A hinge that is satisfied gives 0 as well, and then the loss is 0: nothing is wrong with it.
    if run.trace.losses and all(each.value == 0 for each in run.trace.losses[-4:]):
        return []
    places: dict[tuple[int, str], list[Event]] = {}
    users = run.used_by
    for event in run.by_kind[EventKind.BACKWARD]:
        if event.op in ("relu", "clamp") and event.forward >= 0:
            forward = run.trace.events[event.forward]
            if event.op == "clamp" and not _is_rectifier(users, forward):
                continue
            if _is_hinge(users, forward.outputs[0]):
                continue
            places.setdefault((forward.span, forward.module), []).append(forward)
    found = []
    for (_span, module), events in places.items():
        last = events[-4:]
        if len(last) < 3 or not all(is_zero(run, e.outputs[0], e.id) for e in last):
            continue
        tensor = run.tensor(events[-1].outputs[0])
        line = line_of(run, events[-1])
        is_own_layer = events[-1].op == "relu" and module.rpartition(".")[2]
        relu = words.code(module) if is_own_layer else words.code(events[-1].op)
        n = int(np.prod(tensor.shape)) if tensor.shape else 1
        found.append(Found({"relu": relu, "n": n, "line": line, "turns": len(last)}, event=events[-1].id, line=line))
    return found[:1]


_LAYERS = {"linear", "addmm", "matmul", "mm", "bmm", "conv1d", "conv2d", "conv3d", "batch_norm", "layer_norm"}


def _is_rectifier(users: dict[int, list[Event]], event: Event) -> bool:
    """Whether a clamp at 0 stands where a relu would: a layer works on what it gives, perhaps after a pooling."""
    if event.params.get("min") != 0 or event.params.get("max") is not None:
        return False
    for user in users.get(event.outputs[0], []):
        if user.op in _LAYERS:
            return True
        is_between = user.op in ("dropout", "max_pool2d", "avg_pool2d", "flatten", "view", "reshape")
        if is_between and user.outputs and any(u.op in _LAYERS for u in users.get(user.outputs[0], [])):
            return True
    return False


def _is_hinge(users: dict[int, list[Event]], tensor: int) -> bool:
    """Whether what comes out is only added up, as a penalty is that may well be 0: a hinge, not a layer."""
    after = users.get(tensor, [])
    for _turn in range(3):
        if not after or any(u.op not in ("pow", "square", "mul", "div", "sum", "mean", "add") for u in after):
            return False
        if all(u.op in ("sum", "mean") and not u.params.get("dim") for u in after):
            return True
        after = [u for each in after for u in (users.get(each.outputs[0], []) if each.outputs else [])]
    return False


def gradient_norms(run: Run, backward: int) -> dict[int, float]:
    """The norm of each parameter's gradient in one backward pass, by parameter."""
    found: dict[int, float] = {}
    for event in run.by_kind[EventKind.ACCUMULATE]:
        if event.root != backward or not event.inputs or not event.outputs:
            continue
        target = run.tensor(event.outputs[0])
        if target.kind == TensorKind.LEAF_GRAD:
            norm = norm_of(run, event.inputs[-1], event.id)
            if norm is not None:
                found[target.of] = norm
    return found


def _passes(run: Run) -> list[int]:
    return sorted({e.root for e in run.by_kind[EventKind.ACCUMULATE] if e.root >= 0})


def _weights(run: Run, norms: dict[int, float]) -> list[int]:
    """Weight matrices in the order in which the forward pass uses them."""
    order: dict[int, int] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        for tensor in event.inputs:
            if tensor in norms and len(run.tensor(tensor).shape) >= 2:
                order.setdefault(tensor, len(order))
    return sorted(order, key=lambda t: order[t])


def _mean_gradient(run: Run, norms: dict[int, float], tensor: int) -> float:
    return norms[tensor] / float(np.sqrt(max(1, int(np.prod(run.tensor(tensor).shape)))))


@silent_bug(
    "GL723",
    Severity.WARNING,
    title=N_("The gradients vanish on the way to {first}"),
    what=N_(
        "A typical entry of the gradient is {last_size} at {last}, the last layer, but only {first_size} at "
        "{first}: {ratio} times smaller."
    ),
    why=N_(
        "Each {activation} multiplies the gradient by its slope, at most {slope}; over {n} layers that "
        "leaves almost nothing."
    ),
    fix=N_(
        "Use `relu` between the layers, fewer layers, batch norm or residual connections, so that the first "
        "layers learn too."
    ),
    example={
        "first": "`net.0.weight`",
        "last": "`net.8.weight`",
        "first_size": "1e−8",
        "last_size": "0.01",
        "ratio": "1e6",
        "activation": "`sigmoid`",
        "slope": "0.25",
        "n": 8,
    },
    program="""import torch
torch.manual_seed(0)
weights = [(torch.randn(4, 4) * 0.3).requires_grad_() for i in range(8)]
x = torch.randn(6, 4)
for step in range(3):
    h = x
    for w in weights:
        h = torch.sigmoid(h @ w)
    loss = ((h - 1.0) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for w in weights:
            w -= 0.1 * w.grad
            w.grad = None
""",
    mended="""import torch
torch.manual_seed(0)
weights = [(torch.randn(4, 4) * 0.7).requires_grad_() for i in range(8)]
x = torch.randn(6, 4)
for step in range(3):
    h = x
    for w in weights:
        h = torch.relu(h @ w) + h
    loss = ((h - 1.0) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for w in weights:
            w -= 0.0001 * w.grad
            w.grad = None
""",
)
def vanishing(run: Run) -> list[Found]:
    """Gradients that fade from layer to layer."""
    passes = _passes(run)
    squashing = [e for e in run.by_kind[EventKind.BACKWARD] if e.op in ("sigmoid", "tanh", "softsign", "hardtanh")]
    if len(passes) < 2 or not squashing:
        return []
    hits = []
    for backward in (passes[0], passes[-1]):
        norms = gradient_norms(run, backward)
        weights = _weights(run, norms)
        if len(weights) < 4:
            return []
        sizes = [_mean_gradient(run, norms, w) for w in weights]
        if not (sizes[0] < 1e-3 * sizes[-1] and sizes[-1] > 0 and max(sizes[: len(sizes) // 2]) < 0.1 * sizes[-1]):
            return []
        hits.append((weights, sizes))
    weights, sizes = hits[0]
    activation = squashing[0].op
    n = len(weights)
    event = run.trace.events[squashing[0].forward] if squashing[0].forward >= 0 else squashing[0]
    ratio = sizes[-1] / sizes[0] if sizes[0] else float("inf")
    return [
        Found(
            {
                "first": quoted_name(run.trace, weights[0]),
                "last": quoted_name(run.trace, weights[-1]),
                "first_size": words.number(sizes[0]),
                "last_size": words.number(sizes[-1]),
                "ratio": words.number(float(f"{ratio:.1g}")),
                "activation": words.code(activation),
                "slope": "0.25" if activation == "sigmoid" else "1",
                "n": n,
            },
            {"gradients": sizes},
            event=event.id,
            line=line_of(run, event),
        )
    ]


@silent_bug(
    "GL724",
    Severity.WARNING,
    title=N_("The gradients explode: {name} gets one of size {size}"),
    what=N_("The gradient of {name} has norm {size}, {ratio} times the norm of {name} itself."),
    why=N_("Each layer multiplies the gradient by its weights; factors above 1 grow with every layer or time step."),
    fix=N_(
        "Start with smaller weights, scale the inputs to about 1, lower the learning rate, or clip with "
        "`nn.utils.clip_grad_norm_`."
    ),
    example={"name": "`net.0.weight`", "size": "1.2e6", "ratio": "1e5"},
    program="""import torch
torch.manual_seed(0)
weights = [(torch.randn(6, 6) * 20).requires_grad_() for i in range(6)]
x = torch.randn(8, 6)
for step in range(3):
    h = x
    for w in weights:
        h = torch.relu(h @ w)
    loss = h.mean()
    loss.backward()
    for w in weights:
        w.grad = None
""",
    mended="""import torch
torch.manual_seed(0)
weights = [(torch.randn(6, 6) * 0.5).requires_grad_() for i in range(6)]
x = torch.randn(8, 6)
for step in range(3):
    h = x
    for w in weights:
        h = torch.relu(h @ w)
    loss = h.mean()
    loss.backward()
    for w in weights:
        w.grad = None
""",
)
def exploding(run: Run) -> list[Found]:
    """Gradients beyond measure, while the loss is still a number."""
    passes = _passes(run)
    if len(passes) < 2 or re.search(r"clip_grad|\.clamp_?\(|sign\(\)", run.source.text):
        return []
    worst: dict[int, tuple[float, float]] = {}
    # Adaptive optimizers divide by the gradient's own size, so only a step of SGD is as long as the gradient.
    steps = [e for e in run.by_kind[EventKind.UPDATE] if e.op == "SGD"]
    used = {t: len(users) / len(passes) for t, users in run.used_by.items()}
    rate = max((r for e in steps if (r := rate_of(e)) is not None), default=0.0)
    for number, backward in enumerate((passes[0], passes[1])):
        norms = gradient_norms(run, backward)
        is_deep = len(_weights(run, norms)) >= 4
        for tensor, norm in norms.items():
            if len(run.tensor(tensor).shape) < 2:
                continue
            made = value_at(run.trace, tensor, len(run.trace.events))
            own = norm_of(run, tensor, made.event) if made is not None else None
            # A large gradient with a small rate is a matter of units (a sum, say); depth or long steps make it a fault.
            is_bad = is_deep or used.get(tensor, 0) >= 4 or rate * norm > (own or 0.0)
            if (
                own
                and is_bad
                and np.isfinite(norm)
                and norm > 1e3
                and norm > 300 * own
                and (number == 0 or tensor in worst)
            ):
                worst[tensor] = (norm, norm / own)
            else:
                worst.pop(tensor, None)
    if not worst:
        return []
    tensor, (norm, ratio) = max(worst.items(), key=lambda item: item[1][1])
    event = next(e for e in run.by_kind[EventKind.ACCUMULATE] if e.outputs and run.tensor(e.outputs[0]).of == tensor)
    loss_line = line_of(run, event)
    words_ = {
        "name": quoted_name(run.trace, tensor),
        "size": words.number(float(f"{norm:.3g}")),
        "ratio": words.number(float(f"{ratio:.1g}")),
    }
    return [Found(words_, {"norm": norm}, event=event.id, line=loss_line)]


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


def _training_sections(run: Run) -> list[tuple[int, int]]:
    """Stretches of events in which a parameter was updated, recorded in detail."""
    steps = {e.id for e in run.by_kind[EventKind.UPDATE]}
    sections = [(s.first, s.end) for s in run.trace.sections if s.kind == "iteration" and s.detailed]
    ordered = sorted(steps)
    return [(a, b) for a, b in sections if any(a <= s < b for s in ordered)]


def _random_modules(run: Run) -> dict[str, str]:
    """Modules that behave differently in training: path and type."""
    return {
        m.path: m.type
        for m in run.trace.modules
        if (m.type in _RANDOM and "p=0.0" not in m.text) or m.type.startswith("BatchNorm")
    }


def _roots_of(paths: Iterable[str]) -> set[str]:
    return {p.partition(".")[0] for p in paths}


@silent_bug(
    "GL726",
    Severity.WARNING,
    title=N_("{model} is trained in `eval()` mode"),
    what=N_(
        "{layers} did nothing of its own in {n} training iterations: `eval()` was called and `train()` wasn't "
        "called after it."
    ),
    why=N_(
        "In `eval()` mode dropout drops nothing and batch norm doesn't learn its statistics, so training isn't "
        "what it seems."
    ),
    fix=N_("Call `{text}.train()` before the training loop, and `{text}.eval()` only to test."),
    example={"model": "`net`", "layers": "`net.1` (Dropout)", "n": 5, "text": "net"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
net.eval()
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
net.train()
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def trained_in_eval(run: Run) -> list[Found]:
    """Dropout and batch norm that rest while parameters are updated."""
    modules = _random_modules(run)
    evals = [c for c in method_calls(run, "eval") if isinstance(c.func, ast.Attribute)]
    evals += [
        c for c in method_calls(run, "train") if c.args and isinstance(c.args[0], ast.Constant) and not c.args[0].value
    ]
    if not modules or not evals:
        return []
    owners = {dotted(c.func.value) for c in evals if isinstance(c.func, ast.Attribute)}
    frozen = _frozen(run)
    quiet: dict[str, int] = {}
    for first, end in _training_sections(run):
        events = run.trace.events[first:end]
        active = {
            e.module
            for e in events
            if e.kind == EventKind.FORWARD and (e.op.endswith("dropout") or e.params.get("training"))
        }
        trained = {e.module for e in events if e.kind == EventKind.BACKWARD and e.module} - frozen
        rest = {
            e.module
            for e in events
            if e.kind == EventKind.FORWARD and e.op == "batch_norm" and not e.params.get("training")
        }
        for path, type_ in modules.items():
            root = path.partition(".")[0]
            if root not in _roots_of(trained) or path in active or path in frozen:
                continue
            # A batch norm that rests shows in the trace; a dropout that rests leaves nothing behind.
            if (type_ in _RANDOM and _siblings_ran(path, trained)) or path in rest:
                quiet[path] = quiet.get(path, 0) + 1
    hits = {p: n for p, n in quiet.items() if n >= 2}
    if not hits:
        return []
    path, n = max(hits.items(), key=lambda item: item[1])
    root = path.partition(".")[0]
    owner = root if root in owners else next(iter(sorted(owners)), root)
    if root not in owners and "self" not in owners and "model" not in owners and len(owners) != 1:
        return []
    line = evals[0].lineno
    fixes = []
    loop = _training_loop(run)
    if loop is not None:
        first_statement = loop.body[0]
        title = words.fill(N_("Add `{text}.train()` at the head of the loop"), {"text": owner})
        fixes.append(Fix(title, "maybe", [run.source.line_before(first_statement, f"{owner}.train()")]))
    layers = f"{words.code(path)} ({modules[path]})"
    return [Found({"model": words.code(owner), "layers": layers, "n": n, "text": owner}, fixes=fixes, line=line)]


def _frozen(run: Run) -> set[str]:
    """Modules that were given no parameter to train: all of theirs, or of their siblings where they have none, rest."""
    learning: dict[str, bool] = {}
    for tensor in run.trace.tensors:
        if tensor.kind in (TensorKind.PARAMETER, TensorKind.LEAF) and "." in tensor.name:
            path = tensor.name.rpartition(".")[0]
            learning[path] = learning.get(path, False) or tensor.requires_grad
    found = {path for path, is_learning in learning.items() if not is_learning}
    for module in run.trace.modules:
        if module.path in learning or "." not in module.path:
            continue
        parent = module.path.rpartition(".")[0]
        siblings = [is_learning for path, is_learning in learning.items() if path.startswith(parent + ".")]
        if siblings and not any(siblings):
            found.add(module.path)
    return found


def _siblings_ran(path: str, trained: set[str]) -> bool:
    parent = path.rpartition(".")[0]
    return any(p != path and (p.rpartition(".")[0] == parent or p == parent) for p in trained)


def _training_loop(run: Run) -> ast.For | ast.While | None:
    """The innermost loop around a `backward()` call."""
    for call in method_calls(run, "backward"):
        node: ast.AST | None = call
        while node is not None and not isinstance(node, ast.For | ast.While):
            node = run.source.parents.get(node)
        if node is not None:
            return node
    return None


@silent_bug(
    "GL727",
    Severity.WARNING,
    title=N_("{layers} is still training while {model} is tested"),
    what=N_("On line {line} {model} predicts without gradients, and {layers} works as in training: {effect}."),
    why=N_("Dropout and batch norm must be told that training is over; `torch.no_grad()` doesn't do it."),
    fix=N_("Call `{text}.eval()` before testing, and `{text}.train()` before training goes on."),
    example={
        "model": "`net`",
        "layers": "`net.1` (Dropout)",
        "line": 14,
        "effect": "it drops entries at random",
        "text": "net",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print(net(x).mean())
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
net.eval()
with torch.no_grad():
    print(net(x).mean())
""",
)
def tested_in_train(run: Run) -> list[Found]:
    """Dropout or batch norm in training mode where no gradient is recorded, after or beside training."""
    trained = {run.tensor(t).name.partition(".")[0] for t in updated(run)}
    last_update = max((e.id for e in run.by_kind[EventKind.UPDATE]), default=-1)
    if last_update < 0:
        return []
    hits: dict[tuple[str, int], list[Event]] = {}
    targets = ancestors(run, roots(run))
    used_backward = {e.forward for e in run.by_kind[EventKind.BACKWARD]}
    generators = _generators(run, trained)
    for event in run.by_kind[EventKind.FORWARD]:
        is_random = event.op.endswith("dropout") and event.params.get("p", 1) != 0
        is_norm = event.op == "batch_norm" and event.params.get("training")
        if not (is_random or is_norm) or not event.outputs or event.id in used_backward:
            continue
        if event.outputs[0] in targets:
            continue  # computed without gradients for a loss: no test but a teacher's answer, a next state's value
        root = event.module.partition(".")[0]
        is_watched = run.tensor(event.outputs[0]).requires_grad
        if (is_watched and event.id < last_update) or (root and root not in trained):
            continue
        if is_watched and _is_for_distillation(run, event.outputs[0]):
            continue
        if is_norm and root in generators:
            continue
        hits.setdefault((event.module, event.span), []).append(event)
    for (path, _span), events in hits.items():
        if _meant(run, line_of(run, events[0]), bool(run.tensor(events[0].outputs[0]).requires_grad)):
            continue
        inputs = {tuple(e.inputs[:1]) for e in events}
        root = path.partition(".")[0]
        entry = _calls_of(run, root, events[0])
        # Many draws over one input are Monte Carlo dropout, and meant.
        if len(events) >= 5 and len({tuple(entry_inputs) for entry_inputs in inputs}) <= 1 + len(events) // 5:
            continue
        if (
            len(events) >= 5
            and re.search(r"range\(|repeat|samples", run.source.text)
            and _same_root_input(run, root, events)
        ):
            continue
        type_ = next((m.type for m in run.trace.modules if m.path == path), "")
        is_function = events[0].op.endswith("dropout") and type_ not in _RANDOM
        line = line_of(run, events[0])
        effect = _("it drops entries at random") if "dropout" in events[0].op else _("it uses the mean of this batch")
        layers = f"{words.code(path)} ({type_})" if type_ and not is_function else words.code(events[0].op)
        text = root or "model"
        found = Found(
            {"model": words.code(text), "layers": layers, "line": line, "effect": effect, "text": text},
            event=events[0].id,
            line=line,
        )
        if run.tensor(events[0].outputs[0]).requires_grad:
            found.what = N_(
                "On line {line} {model} is used after its training, and {layers} works as before: {effect}."
            )
        if is_function:
            found.why = N_(
                "`F.dropout` doesn't know whether the module trains or is tested; it drops always unless it is told."
            )
            found.fix = N_(
                "Write `F.dropout(x, training=self.training)`, or use the layer `nn.Dropout`, and call `eval()` "
                "to test."
            )
            calls = [c for c in run.source.calls_at(line) if called(c) == "dropout"]
            if (
                len(calls) == 1
                and not any(k.arg == "training" for k in calls[0].keywords)
                and "self" in run.source.text
            ):
                edit = run.source.add_argument(calls[0], "training=self.training")
                found.fixes.append(Fix(_("Add `training=self.training`"), "maybe", [edit]))
        elif entry is not None:
            title = words.fill(N_("Add `{text}.eval()` before it"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [run.source.line_before(entry, f"{text}.eval()")]))
        return [found]
    return []


_NOISE = ("randn", "rand", "normal", "randn_like", "uniform")


def _generators(run: Run, trained: set[str]) -> set[str]:
    """Models that make samples of noise for another model to judge. Their samples are drawn with the statistics of
    the batch while they train, in the papers as in the tutorials."""
    entered: dict[str, list[bool]] = {}
    judged: set[str] = set()
    for event in run.by_kind[EventKind.FORWARD]:
        root = event.module.partition(".")[0]
        if root not in trained:
            continue
        for tensor in event.inputs[:1]:
            made = run.made_by.get(tensor)
            before = made.module.partition(".")[0] if made is not None else ""
            if before and before != root:
                judged.add(before)
            elif made is not None and not before and made.kind in (EventKind.CREATE, EventKind.FORWARD):
                entered.setdefault(root, []).append(made.op in _NOISE)
    return {root for root in judged if entered.get(root) and all(entered[root])}


def _is_for_distillation(run: Run, tensor: int) -> bool:
    """Whether what comes of a tensor is compared with another model's answer: a test compares it with data."""
    known = learned(run)
    of_it = {tensor}
    for event in run.by_kind[EventKind.FORWARD]:
        if of_it.isdisjoint(event.inputs):
            continue
        of_it.update(event.outputs)
        if event.op.endswith(("_loss", "div", "entropy")) and len(event.inputs) >= 2:
            others = [t for t in event.inputs[:2] if t not in of_it]
            if any(t in known and not run.tensor(t).requires_grad for t in others):
                return True
    return False


def _meant(run: Run, line: int, is_watched: bool) -> bool:
    """Whether the program says itself that it wants the training mode there: `train()` came last before the place."""
    calls = [*method_calls(run, "eval"), *method_calls(run, "train")]
    if is_watched and calls:
        return True
    outside = [c for c in calls if c.lineno < line and not _in_loop_with_backward(run, c)]
    last = max(outside, key=lambda c: c.lineno, default=None)
    after_training = list(method_calls(run, "backward"))
    is_late = last is not None and all(b.lineno < last.lineno for b in after_training)
    return last is not None and is_late and called(last) == "train" and not last.args


def _same_root_input(run: Run, root: str, events: list[Event]) -> bool:
    """Whether the model was fed one and the same tensor each time."""
    firsts = set()
    for event in events:
        at = event.id
        while at > 0 and run.trace.events[at - 1].module.partition(".")[0] == root:
            at -= 1
        firsts.add(tuple(run.trace.events[at].inputs[:1]))
    return len(firsts) == 1


def _calls_of(run: Run, root: str, event: Event) -> ast.stmt | None:
    """The statement after training that calls the model."""
    for call in run.source.calls():
        if dotted(call.func) == root and not _in_loop_with_backward(run, call):
            statement = run.source.statement_of(call)
            parent = run.source.parents.get(statement) if statement is not None else None
            if isinstance(parent, ast.With) and parent.body and parent.body[0] is statement:
                return parent
            if statement is not None:
                return statement
    return None


def _in_loop_with_backward(run: Run, node: ast.AST | None) -> bool:
    while node is not None:
        node = run.source.parents.get(node)
        if isinstance(node, ast.For | ast.While) and any(
            isinstance(n, ast.Call) and called(n) == "backward" for n in ast.walk(node)
        ):
            return True
    return False


_ADAPTIVE = {"Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "Rprop"}


def rate_of(event: Event) -> float | None:
    """The learning rate of an update."""
    rate = event.params.get("lr")
    return float(rate) if isinstance(rate, int | float) else None


def _rate_node(run: Run) -> ast.expr | None:
    nodes = [k.value for c in optimizers(run).values() for k in c.keywords if k.arg == "lr"]
    node = nodes[0] if len(nodes) == 1 else None
    if isinstance(node, ast.Name):
        node = run.source.assigned(node.id, node)
    return node if isinstance(node, ast.Constant) else None


@silent_bug(
    "GL728",
    Severity.WARNING,
    title=N_("The learning rate {rate} is far too small: {loss} hardly moves"),
    what=N_("In {n} iterations {loss} went only from {first} to {last}, with a learning rate of {rate}."),
    why=N_(
        "Each step is the gradient times the learning rate; the parameters moved by less than {moved} of their "
        "size in all."
    ),
    fix=N_("Try a rate ten or a hundred times larger: `lr={better}`."),
    example={"rate": "1e−7", "loss": "`loss`", "n": 10, "first": "36", "last": "36", "moved": "1e−5", "better": "0.01"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1e-8)
for step in range(12):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1e-2)
for step in range(12):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def rate_too_small(run: Run) -> list[Found]:
    """A learning rate at which nothing happens."""
    updates = run.by_kind[EventKind.UPDATE]
    rates = {r for e in updates if (r := rate_of(e)) is not None}
    if not rates or max(rates) > 1e-4 or max(rates) <= 0:
        return []
    for name, losses in losses_by_name(run).items():
        values = [each.value for each in losses]
        if len(values) < 8 or not np.isfinite(values).all() or abs(values[0]) < 1e-6:
            continue
        # By halves, since the losses of single batches differ more than a small step changes them.
        half = len(values) // 2
        early, late = float(np.mean(values[:half])), float(np.mean(values[half:]))
        if abs(early - late) > 0.01 * abs(early):
            continue
        rate = max(rates)
        # Adam's steps are as long as its rate, however small the gradient: 1e-5 is a usual one for large nets.
        if rate > 2e-6 and any(e.op in _ADAPTIVE for e in updates):
            continue
        better = "0.001" if any(e.op.startswith("Adam") for e in updates) else "0.01"
        node = _rate_node(run)
        line = node.lineno if node is not None else line_of(run, updates[0])
        fixes = []
        if node is not None:
            title = words.fill(N_("Use `lr={better}`"), {"better": better})
            fixes.append(Fix(title, "maybe", [run.source.replace(node, better)]))
        found = {
            "rate": words.number(rate),
            "loss": words.code(name) if name else _("the loss"),
            "n": len(values),
            "first": words.number(values[0]),
            "last": words.number(values[-1]),
            "moved": "1 %",
            "better": better,
        }
        return [Found(found, {"rate": rate}, fixes=fixes, event=updates[0].id, line=line)]
    return []


@silent_bug(
    "GL729",
    Severity.WARNING,
    title=N_("{loss} never changes: it is {value} in all {n} iterations"),
    what=N_("{loss} has the same value {value} from the first to the last of {n} iterations."),
    why=N_("{reason}"),
    fix=N_(
        "Print `parameter.grad` and the parameters before and after `step()`, and see which of them stays as it is."
    ),
    example={
        "loss": "`loss`",
        "value": "0.693",
        "n": 10,
        "reason": N_("The parameters on which it depends don't change."),
    },
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.0)
for step in range(5):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
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
def constant_loss(run: Run) -> list[Found]:
    """A loss that stays the same although it is trained."""
    updates = run.by_kind[EventKind.UPDATE]
    if cleared_too_early(run) or never_stepped(run) or dead_relu(run) or rate_too_small(run):
        return []
    if not optimizers(run):
        return []
    for name, losses in losses_by_name(run).items():
        values = [each.value for each in losses]
        if len(values) < 4 or len(set(values)) > 1 or values[0] == 0 or not np.isfinite(values[0]):
            continue
        rates = [rate_of(e) for e in updates]
        # A step follows each backward pass in training; passes without any are something else.
        if not updates and not method_calls(run, "step"):
            continue
        if updates and all(r == 0 for r in rates):
            reason = _("The learning rate is 0, so the parameters stay where they are.")
        elif not updates:
            reason = _("No parameter of the optimizer gets a gradient, so `step()` changes nothing.")
        else:
            grads = [e.inputs[1] for e in updates if len(e.inputs) > 1]
            if grads and all(
                is_zero(run, e.inputs[1], e.id) for e in updates[: 4 * len(set(grads))] if len(e.inputs) > 1
            ):
                reason = _("All gradients are exactly 0, so the parameters stay where they are.")
            else:
                reason = _("The parameters that the optimizer changes have no influence on it.")
        event = run.trace.events[losses[0].event]
        found = {
            "loss": words.code(name) if name else _("the loss"),
            "value": words.number(values[0]),
            "n": len(values),
            "reason": reason,
        }
        node = _rate_node(run) if updates and not any(rates) else None
        fixes = []
        if isinstance(node, ast.Constant) and node.value == 0:
            better = "0.001" if any(e.op.startswith("Adam") for e in updates) else "0.01"
            title = words.fill(N_("Use `lr={better}`"), {"better": better})
            fixes.append(Fix(title, "maybe", [run.source.replace(node, better)]))
        return [Found(found, fixes=fixes, event=event.id, line=line_of(run, event))]
    return []


@silent_bug(
    "GL730",
    Severity.WARNING,
    title=N_("The learning rate {rate} is far too large: {loss} jumps about"),
    what=N_("{loss} started at {first}, and ends at {last} after {n} iterations; it rose in {n_up} of them."),
    why=N_("A step that is too long jumps over the valley and lands higher up on the other side."),
    fix=N_("Try a rate ten or a hundred times smaller: `lr={better}`."),
    example={"rate": "10", "loss": "`loss`", "first": "1.1", "last": "250", "n": 20, "n_up": 10, "better": "0.01"},
    program="""import torch
w = torch.tensor([1.0, -1.0], requires_grad=True)
optimizer = torch.optim.Adam([w], lr=5.0)
for step in range(10):
    loss = ((w - torch.tensor([0.5, 0.2])) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor([1.0, -1.0], requires_grad=True)
optimizer = torch.optim.Adam([w], lr=0.05)
for step in range(10):
    loss = ((w - torch.tensor([0.5, 0.2])) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def rate_too_large(run: Run) -> list[Found]:
    """A learning rate at which the loss ends above where it began, without exploding."""
    updates = run.by_kind[EventKind.UPDATE]
    rates = {r for e in updates if (r := rate_of(e)) is not None}
    if len(rates) != 1:
        return []
    rate = next(iter(rates))
    is_adam = any(e.op.startswith(("Adam", "RMSprop", "NAdam")) for e in updates)
    if rate < (0.2 if is_adam else 1.0):
        return []
    by_name = losses_by_name(run)
    if len(by_name) != 1:  # games of two losses rise and fall
        return []
    for name, losses in by_name.items():
        values = [each.value for each in losses]
        if len(values) < 6 or not np.isfinite(values).all() or min(values) < 0:
            continue
        late = float(np.median(values[-max(3, len(values) // 4) :]))
        n_up = sum(b > a for a, b in itertools.pairwise(values))
        top = max(values)
        # Adam's steps are as long as its rate: with one of 1 a loss leaps up at first even if it comes down later.
        is_leaping = is_adam and rate >= 1 and top >= 4 * values[0] and 4 * n_up >= len(values)
        if (late < 2 * values[0] and not is_leaping) or late > 1000 * max(values[0], 1e-6):
            continue
        better = "0.01" if is_adam else f"{rate / 100:g}"
        node = _rate_node(run)
        line = node.lineno if node is not None else line_of(run, updates[0])
        fixes = []
        if node is not None:
            fixes.append(
                Fix(
                    words.fill(N_("Use `lr={better}`"), {"better": better}), "maybe", [run.source.replace(node, better)]
                )
            )
        found = {
            "rate": words.number(rate),
            "loss": words.code(name) if name else _("the loss"),
            "first": words.number(values[0]),
            "last": words.number(values[-1]),
            "n": len(values),
            "n_up": n_up,
            "better": better,
            "top": words.number(top),
        }
        one = Found(found, {"rate": rate}, fixes=fixes, event=updates[0].id, line=line)
        if late < 2 * values[0]:
            one.what = N_(
                "{loss} started at {first}, rose to {top} on the way, and ends at {last} after {n} iterations; it rose "
                "in {n_up} of them."
            )
        return [one]
    return []
