"""Training that goes round in circles: the same batch, the same random numbers, data that changes under the hand."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import in_loop_with_backward, loops_around
from graphlab.explain.silent.moves import moved
from graphlab.explain.silent.trail import ancestors, learned, line_of, roots
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix, TensorKind

_RANDOM = re.compile("rand|randn|randint|randperm|rand_like|randn_like|normal|multinomial|bernoulli|dropout|normal_")
_CHANGING = re.compile("add_?|sub_?|mul_?|div_?|pow_?|clamp_?|neg_?|abs_?|sqrt_?|exp_?")


@silent_bug(
    "GL763",
    Severity.WARNING,
    title=N_("Each turn of the loop takes the same first batch of {loader}"),
    what=N_("`{call}` on line {line} starts {loader} anew in each turn, so all {n} iterations see the same samples."),
    why=N_("`iter()` begins at the first batch; without `shuffle=True` that is always the same one."),
    fix=N_("Write `for … in {text}:`, or make the iterator once before the loop."),
    example={"loader": "`loader`", "text": "loader", "call": "next(iter(loader))", "line": 8, "n": 20},
    program="""import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(12, 2), torch.randn(12, 1)), batch_size=4)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(6):
    xb, yb = next(iter(loader))
    loss = ((net(xb) - yb) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(12, 2), torch.randn(12, 1)), batch_size=4)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    for xb, yb in loader:
        loss = ((net(xb) - yb) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
)
def same_batch(run: Run) -> list[Found]:
    """`next(iter(loader))` in the training loop."""
    if len(run.trace.losses) < 3:
        return []
    for call in run.source.calls():
        inner = call.args[0] if called(call) == "next" and call.args else None
        if called(inner) != "iter" or not isinstance(inner, ast.Call) or not inner.args:
            continue
        loader = dotted(inner.args[0])
        made = run.source.assigned(loader, call) if loader else None
        if not in_loop_with_backward(run, call) or not isinstance(made, ast.Call) or called(made) != "DataLoader":
            continue
        given = {k.arg: k.value for k in made.keywords}
        shuffle = given.get("shuffle")
        is_shuffled = shuffle is not None and not (isinstance(shuffle, ast.Constant) and not shuffle.value)
        if is_shuffled or "sampler" in given or "batch_sampler" in given or len(made.args) > 2:
            continue
        batch = {
            t
            for e in run.by_kind[EventKind.CREATE]
            if e.op == "batch" and line_of(run, e) == call.lineno
            for t in e.outputs
        }
        if batch.isdisjoint(ancestors(run, roots(run))):
            continue  # looked at, not learned from
        values = {
            "loader": words.code(loader),
            "text": loader,
            "call": run.source.text_of(call),
            "line": call.lineno,
            "n": len(run.trace.losses),
        }
        return [Found(values, line=call.lineno)]
    return []


@silent_bug(
    "GL764",
    Severity.WARNING,
    title=N_("The random numbers are the same in each turn: `{call}` stands in the loop"),
    what=N_(
        "`{call}` on line {line} starts the generator anew in each turn, so {what} draws the same numbers each time."
    ),
    why=N_("A seed fixes everything that is drawn after it. Set once before the loop, it makes the run repeatable."),
    fix=N_("Move `{call}` before the loop."),
    example={"call": "torch.manual_seed(0)", "line": 7, "what": "`randn`"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    torch.manual_seed(0)
    x = torch.randn(8)
    loss = ((w * x - 2 * x) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
torch.manual_seed(0)
for step in range(4):
    x = torch.randn(8)
    loss = ((w * x - 2 * x) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def same_seed(run: Run) -> list[Found]:
    """A fixed seed set in each turn of the training loop."""
    for call in run.source.calls():
        if called(call) != "manual_seed" or not call.args or not in_loop_with_backward(run, call):
            continue
        loops = loops_around(run, call)
        turning = {
            n.id for each in loops for n in ast.walk(each) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        if any(isinstance(n, ast.Name) and n.id in turning for n in ast.walk(call.args[0])):
            continue
        if any(isinstance(n, ast.Call) for n in ast.walk(call.args[0])):
            continue
        innermost = loops[0]
        drawn = [
            e
            for e in run.trace.events
            if e.kind in (EventKind.CREATE, EventKind.FORWARD)
            and _RANDOM.fullmatch(e.op)
            and call.lineno < line_of(run, e)
        ]
        inside = [e for e in drawn if line_of(run, e) <= (innermost.end_lineno or 0)]
        if not inside:
            continue
        values = {"call": run.source.text_of(call), "line": call.lineno, "what": words.code(inside[0].op)}
        statement = run.source.statement_of(call)
        edits = moved(run, statement, loops[-1]) if statement is not None else []
        title = words.fill(N_("Move it before the loop"), {})
        fixes = [Fix(title, "maybe", edits)] if edits else []
        return [Found(values, fixes=fixes, event=inside[0].id, line=call.lineno)]
    return []


@silent_bug(
    "GL765",
    Severity.WARNING,
    title=N_("{data} is changed in place in each turn"),
    what=N_(
        "`{text}` on line {line} writes into {data} itself, {n} times: each turn starts from what the last one left."
    ),
    why=N_(
        "`+=`, `*=` and methods that end in `_` change the tensor in place; what reads it later gets the new numbers."
    ),
    fix=N_("Make a new tensor instead: `{name} = …` with an operator that doesn't write in place."),
    example={"data": "`x`", "text": "x += 0.1 * torch.randn_like(x)", "line": 8, "n": 20, "name": "x"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
x, y = torch.randn(8, 2), torch.randn(8, 1)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    x += 0.1 * torch.randn_like(x)
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
x, y = torch.randn(8, 2), torch.randn(8, 1)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    noisy = x + 0.1 * torch.randn_like(x)
    loss = ((net(noisy) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def data_written(run: Run) -> list[Found]:
    """Data that is changed in place in each turn."""
    if len(run.trace.losses) < 2:
        return []
    hits: dict[tuple[int, int], list[Event]] = {}
    for event in run.by_kind[EventKind.INPLACE]:
        if not event.outputs or event.outputs[0] < 0 or not _CHANGING.fullmatch(event.op):
            continue
        record = run.tensor(event.outputs[0])
        owner = record.base if record.base >= 0 else record.id
        hits.setdefault((owner, event.span), []).append(event)
    grown: set[int] | None = None
    for (owner, _span), events in hits.items():
        record = run.tensor(owner)
        if record.kind != TensorKind.LEAF or record.requires_grad or not record.dtype.startswith(("float", "bfloat")):
            continue
        node = _statement_at(run, events[0])
        if len(events) < 2 or not in_loop_with_backward(run, node) or any(e.outputs[0] != owner for e in events):
            continue
        grown = learned(run) if grown is None else grown
        if any(t in grown for e in events for t in e.inputs) or not _is_input(run, owner):
            continue
        if node is None:
            continue
        name = run.tensor(owner).name or run.tensor(events[0].outputs[0]).name or "x"
        values = {
            "data": quoted_name(run.trace, owner) if run.tensor(owner).name else words.code(name),
            "text": run.source.text_of(node),
            "line": node.lineno,
            "n": len(events),
            "name": name,
        }
        return [Found(values, event=events[0].id, line=node.lineno)]
    return _samples_written(run)


def _samples_written(run: Run) -> list[Found]:
    """`row = self.x[i]` and `row /= 255` in `__getitem__`: a row is a view of what is stored."""
    known = {t.name for t in run.trace.tensors}
    for function in run.source.nodes:
        if not isinstance(function, ast.FunctionDef) or function.name != "__getitem__":
            continue
        rows = {
            dotted(n.targets[0]): dotted(n.value.value)
            for n in ast.walk(function)
            if isinstance(n, ast.Assign) and isinstance(n.value, ast.Subscript) and dotted(n.value.value)
        }
        for node in ast.walk(function):
            name = dotted(node.target) if isinstance(node, ast.AugAssign) else ""
            value = node.value if isinstance(node, ast.Expr) else None
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and called(value).endswith("_"):
                name = dotted(value.func.value)
            stored = rows.get(name, "")
            if not isinstance(node, ast.stmt) or not stored.startswith("self."):
                continue
            made = run.source.assigned(stored)
            text = run.source.text_of(made) if made is not None else ""
            is_tensor = bool(re.search(r"\b(torch|np|numpy)\.|\.float\(\)", text)) or stored in known or text in known
            if not is_tensor and isinstance(node, ast.AugAssign):
                continue
            values = {"data": words.code(stored), "text": run.source.text_of(node), "line": node.lineno, "name": name}
            one = Found(values, line=node.lineno)
            one.title = N_("`__getitem__` changes the stored {data}: each epoch changes it again")
            one.what = N_("`{name}` is a view of {data}, and `{text}` on line {line} writes through it.")
            return [one]
    return []


def _statement_at(run: Run, event: Event) -> ast.stmt | None:
    """The statement of an event: `x += 1` is no expression, so its line is what is known."""
    line = line_of(run, event)
    found = [n for n in run.source.nodes if isinstance(n, ast.stmt) and n.lineno == line]
    return found[-1] if found else None


def _is_input(run: Run, tensor: int) -> bool:
    """Whether a loss is computed from a tensor by a model that reads it, not from a count that is kept in it."""
    known = list(roots(run))
    if not any(
        e.op in ("linear", "conv2d", "conv1d", "matmul", "embedding") or e.module for e in run.used_by.get(tensor, [])
    ):
        return False
    return len(known) >= 2 and all(tensor in ancestors(run, [root]) for root in known[:2])
