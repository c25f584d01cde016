"""Layers that were put in after the optimizer was made, or that start frozen at random: they never learn."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import optimizers
from graphlab.explain.silent.starts import makes_parameters
from graphlab.explain.silent.trail import updated, with_gradient
from graphlab.explain.source import dotted
from graphlab.i18n import N_
from graphlab.trace.records import Fix


@silent_bug(
    "GL749",
    Severity.WARNING,
    title=N_("{layer} was replaced after {optimizer} was made, and never learns"),
    what=N_(
        "{optimizer} was made on line {made} with the parameters of that moment; line {line} puts a new {layer} in. It "
        "got gradients in {n} passes and kept its values."
    ),
    why=N_("An optimizer keeps the tensors it was given. It doesn't look again for what a model holds later."),
    fix=N_("Put {layer} in first, and make {optimizer} after that."),
    example={"layer": "`model.fc`", "optimizer": "`optimizer`", "made": 8, "line": 9, "n": 6},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
net[2] = nn.Linear(4, 1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(3):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
net[2] = nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(3):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def replaced_too_late(run: Run) -> list[Found]:
    """A new layer, or a new model, that the optimizer doesn't know."""
    moved = updated(run)
    made = optimizers(run)
    if not made or len(run.trace.losses) < 2:
        return []
    idle = {
        run.tensor(t).name: len(passes)
        for t, passes in with_gradient(run).items()
        if t not in moved and len(passes) >= 2 and "." in run.tensor(t).name
    }
    if not idle:
        return []
    for node in run.source.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        path = _path_of(node.targets[0])
        hits = [n for name, n in idle.items() if path and name.startswith(f"{path}.")]
        if not hits:
            continue
        before = [
            (name, call)
            for name, call in made.items()
            if call.lineno < node.lineno
            and run.source.scope_of(call) is run.source.scope_of(node)
            and any(isinstance(n, ast.Name) and n.id == path.partition(".")[0] for n in ast.walk(call))
        ]
        later = [c for c in made.values() if c.lineno > node.lineno]
        if not before or later or "add_param_group" in run.source.text:
            continue
        optimizer, call = before[-1]
        values = {
            "layer": words.code(run.source.text_of(node.targets[0])),
            "optimizer": words.code(optimizer),
            "made": call.lineno,
            "line": node.lineno,
            "n": max(hits),
        }
        return [Found(values, fixes=_moved_after(run, call, node), line=node.lineno)]
    return []


def _path_of(target: ast.expr) -> str:
    """`net.fc` or `net[2]` as the trace calls it: net.fc, net.2."""
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant) and type(target.slice.value) is int:
        owner = _path_of(target.value)
        return f"{owner}.{target.slice.value:d}" if owner else ""
    if isinstance(target, ast.Attribute):
        owner = _path_of(target.value)
        return f"{owner}.{target.attr}" if owner else ""
    return dotted(target)


def _moved_after(run: Run, call: ast.Call, node: ast.Assign) -> list[Fix]:
    """The optimizer's statement moved behind the one that puts the layer in, where each is one line."""
    statement = run.source.statement_of(call)
    if statement is None or run.source.parents.get(statement) is not run.source.parents.get(node):
        return []
    text = run.source.text_of(statement)
    _line, column, end_line, end_column = run.source.place(node)
    if "\n" in text or run.source.lines[statement.lineno - 1].strip() != text:
        return []
    removed = run.source.replace(statement, "pass")
    removed = type(removed)(statement.lineno, 0, statement.lineno + 1, 0, "")
    added = run.source.insert_at(end_line, end_column, f"\n{' ' * column}{text}")
    title = words.fill(N_("Make {optimizer} after it"), {"optimizer": words.code(_name_set(statement))})
    return [Fix(title, "maybe", [removed, added])]


def _name_set(statement: ast.stmt) -> str:
    """The name that a statement sets."""
    return dotted(statement.targets[0]) if isinstance(statement, ast.Assign) else ""


@silent_bug(
    "GL771",
    Severity.WARNING,
    title=N_("`{text}` makes a new layer in each call of `forward`"),
    what=N_("Line {line} makes a {layer} with new random weights in each call of `{class_name}`, and drops it after."),
    why=N_("What `forward` makes belongs to no module: no optimizer knows it, and nothing it learns is kept."),
    fix=N_("Make it once in `__init__` as `self.{name}`, and call `self.{name}(…)` in `forward`."),
    example={"text": "nn.Linear(64, 3)", "line": 12, "layer": "`Linear`", "class_name": "Net", "name": "fc"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 4)
    def forward(self, x):
        out = nn.Linear(4, 1)
        return out(torch.relu(self.body(x)))
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(3):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 4)
        self.out = nn.Linear(4, 1)
    def forward(self, x):
        return self.out(torch.relu(self.body(x)))
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(3):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def made_in_forward(run: Run) -> list[Found]:
    """Layers with parameters that `forward` makes anew."""
    if not run.trace.losses:
        return []
    for class_ in run.source.nodes:
        if not isinstance(class_, ast.ClassDef) or not any(dotted(b).endswith("Module") for b in class_.bases):
            continue
        forward = next((f for f in class_.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
        for call in ast.walk(forward) if forward is not None else ():
            if not isinstance(call, ast.Call) or not makes_parameters(run, call):
                continue
            statement = run.source.statement_of(call)
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if isinstance(target, ast.Attribute) or isinstance(run.source.parents.get(statement or call), ast.If):
                continue  # made on the first call, and kept
            is_named = isinstance(target, ast.Name) and isinstance(statement, ast.Assign) and statement.value is call
            values = {
                "text": run.source.text_of(call),
                "line": call.lineno,
                "layer": words.code(dotted(call.func).rpartition(".")[2]),
                "class_name": class_.name,
                "name": target.id if is_named and isinstance(target, ast.Name) else "layer",
            }
            return [Found(values, line=call.lineno)]
    return []
