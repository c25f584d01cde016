"""Parameters that the optimizer wasn't given, and layers that nothing uses."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.handed import groups_in_optimizers, is_handed_over, owners_in_optimizers
from graphlab.explain.silent.loops import optimizers
from graphlab.explain.silent.steps import one_never_stepped
from graphlab.explain.silent.trail import updated, with_gradient
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import EventKind, Fix, TensorKind


@silent_bug(
    "GL732",
    Severity.WARNING,
    title=N_("{name} gets gradients, but no optimizer changes it"),
    what=N_("{name} got a gradient in {n} passes and kept its value: it was not handed to {optimizer}."),
    why=N_("An optimizer changes only the tensors in the list that it was made with."),
    fix=N_("Add {name} to the list: {advice}."),
    example={"name": "`b`", "n": 5, "optimizer": "`optimizer`", "advice": "`SGD([w, b], …)`"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 + b - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.01)
for step in range(4):
    loss = (w * 3.0 + b - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def not_in_optimizer(run: Run) -> list[Found]:
    """A parameter with gradients that stands in no optimizer."""
    moved = updated(run)
    made = optimizers(run)
    if not moved or not made or len(run.trace.losses) < 2:
        return _not_in_list(run) if not moved and not made else []
    groups = groups_in_optimizers(run)
    written = {t for e in run.by_kind[EventKind.INPLACE] for t in e.outputs}
    owners = owners_in_optimizers(run)
    # `[w]` names single tensors; `net.parameters()` names a model, and what isn't a parameter of any model is data.
    is_list = any(
        isinstance(c.args[0], ast.List) and not any(isinstance(n, ast.Call) for n in c.args[0].elts)
        for c in made.values()
        if c.args
    )
    fed = {e.inputs[0] for e in run.by_kind[EventKind.FORWARD] if e.op in ("linear", "conv2d", "conv1d") and e.inputs}
    shaped = _shaped_by(run, {t for t in moved if "." not in run.tensor(t).name})
    hits = []
    for leaf, passes in with_gradient(run).items():
        tensor = run.tensor(leaf)
        if leaf in moved or leaf in written or len(passes) < 2 or not tensor.name or leaf in fed:
            continue
        owner, dot, _rest = tensor.name.partition(".")
        parts = groups.get(owner, set())  # of one part alone it may be meant: only the head is tuned
        if len(parts) >= 2 and not is_handed_over(tensor.name, owners, groups):
            hits.append((tensor, len(passes)))  # the model's other parts were handed over one by one
            continue
        if owner.partition("[")[0] in owners or leaf in shaped:
            continue
        if not dot and not is_list and not _is_made_to_learn(run, tensor.name):
            continue
        hits.append((tensor, len(passes)))
    if not hits or one_never_stepped(run):
        return []
    tensor, n = hits[0]
    name, optimizer = tensor.name, next(iter(made))
    call = made[optimizer]
    owner, dot, _rest = name.partition(".")
    layer = ".".join(name.split(".")[:2]) if owner in groups else owner
    advice = words.code(f"{layer}.parameters()") if dot else words.code(name)
    said = words.code(name)
    if len(hits) > 1:
        said = _("{name} and {n} more").format(name=said, n=len(hits) - 1)
    found = Found({"name": said, "n": n, "optimizer": words.code(optimizer), "advice": advice}, line=call.lineno)
    if len(hits) > 1:
        found.title = N_("{name} get gradients, but no optimizer changes them")
        found.what = N_("{name} got gradients in {n} passes and kept their values: {optimizer} was not given them.")
    argument = call.args[0] if call.args else None
    if not dot and isinstance(argument, ast.List) and argument.elts:
        last = argument.elts[-1]
        place = run.source.place(last)
        extra = ", ".join(t.name for t, _n in hits if "." not in t.name)
        title = words.fill(N_("Add {name} to the list"), {"name": words.code(extra)})
        found.fixes.append(Fix(title, "maybe", [run.source.insert_at(place[2], place[3], f", {extra}")]))
    elif (
        dot
        and isinstance(argument, ast.Call)
        and called(argument) == "parameters"
        and run.source.assigned(owner) is not None
    ):
        text = f"[*{run.source.text_of(argument)}, *{owner}.parameters()]"
        title = words.fill(N_("Hand over both: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [run.source.replace(argument, text)]))
    elif not dot and isinstance(argument, ast.Call) and called(argument) == "parameters":
        extra = ", ".join(t.name for t, _n in hits if "." not in t.name)
        text = f"[*{run.source.text_of(argument)}, {extra}]"
        title = words.fill(N_("Hand over both: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [run.source.replace(argument, text)]))
    elif dot and argument is not None:
        left = {".".join(t.name.split(".")[:2]) if owner in groups else t.name.split(".")[0] for t, _n in hits}
        found.fixes += _handed_over_too(run, argument, sorted(left))
    return [found]


def _is_made_to_learn(run: Run, name: str) -> bool:
    """Whether a name stands for a single `nn.Parameter` whose gradient the program doesn't use by itself."""
    made = run.source.assigned(name) if name.isidentifier() else None
    is_parameter = isinstance(made, ast.Call) and called(made) == "Parameter"
    return is_parameter and not re.search(rf"\b{name}\.(grad|data)\b", run.source.text)


def _handed_over_too(run: Run, argument: ast.expr, models: list[str]) -> list[Fix]:
    """Further models in what an optimizer is given: a list of groups or parameters, a chain, a sum of lists."""
    if isinstance(argument, ast.Name):
        argument = run.source.assigned(argument.id, argument) or argument
    if any(run.source.assigned(m.partition(".")[0]) is None for m in models):
        return []
    items = [f"{m}.parameters()" for m in models]
    if isinstance(argument, ast.List) and argument.elts:
        last = argument.elts[-1]
        if all(isinstance(e, ast.Dict) for e in argument.elts):
            items = [f'{{"params": {item}}}' for item in items]
        elif isinstance(last, ast.Starred):
            items = [f"*{item}" for item in items]
        else:
            return []
        extra = ", " + ", ".join(items)
    elif isinstance(argument, ast.Call) and called(argument) == "chain" and argument.args:
        last, extra = argument.args[-1], ", " + ", ".join(items)
    elif isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add):
        last, extra = argument, "".join(f" + list({item})" for item in items)
    else:
        return []
    place = run.source.place(last)
    title = words.fill(N_("Hand over {name} as well"), {"name": words.listing(words.code(m) for m in models)})
    return [Fix(title, "maybe", [run.source.insert_at(place[2], place[3], extra)])]


def _not_in_list(run: Run) -> list[Found]:
    """A leaf with gradients that stands not in the list by which a loop updates the others by hand."""
    reached = with_gradient(run)
    names = {run.tensor(t).name: t for t, passes in reached.items() if len(passes) >= 3}
    updated_in = {
        n.iter.id
        for n in run.source.nodes
        if isinstance(n, ast.For)
        and isinstance(n.iter, ast.Name)
        and isinstance(n.target, ast.Name)
        and any(
            isinstance(part, ast.Attribute) and part.attr == "grad" and dotted(part.value) == n.target.id
            and isinstance(part.ctx, ast.Load)
            for statement in n.body
            for part in ast.walk(statement)
        )
    }  # fmt: skip
    if len(updated_in) != 1 or len(names) < 3:
        return []
    name = next(iter(updated_in))
    made = run.source.assigned(name)
    if not isinstance(made, ast.List) or not all(isinstance(e, ast.Name) for e in made.elts):
        return []
    listed = {dotted(e) for e in made.elts}
    if len(listed & set(names)) < 2 or len(listed & set(names)) < len(listed):
        return []
    fed = {e.inputs[0] for e in run.by_kind[EventKind.FORWARD] if e.inputs and e.op in ("matmul", "mm", "linear")}
    written = {t for e in run.by_kind[EventKind.INPLACE] for t in e.outputs}
    left = [
        n
        for n, t in names.items()
        if n.isidentifier() and n not in listed and t not in fed and t not in written
        and len(re.findall(rf"\b{n}\b", run.source.text)) >= 2 and f"{n}.grad" not in run.source.text
    ]  # fmt: skip
    if not left:
        return []
    place = run.source.place(made.elts[-1])
    title = words.fill(N_("Add {name} to the list"), {"name": words.code(", ".join(left))})
    fix = Fix(title, "maybe", [run.source.insert_at(place[2], place[3], f", {', '.join(left)}")])
    said = words.listing(words.code(n) for n in left)
    n_passes = len(reached[names[left[0]]])
    values = {"name": said, "n": n_passes, "optimizer": words.code(name), "advice": words.code(f"{name} = […]")}
    one = Found(values, fixes=[fix], line=made.lineno)
    one.title = N_("{name} gets gradients, but nothing changes it")
    one.what = N_("{name} got a gradient in {n} passes and kept its value: it doesn't stand in the list {optimizer}.")
    if len(left) > 1:
        one.title = N_("{name} get gradients, but nothing changes them")
        one.what = N_("{name} got gradients in {n} passes and kept their values: they don't stand in {optimizer}.")
    one.why = N_("The loop changes only the tensors that stand in its list.")
    one.fix = N_("Add {name} to the list {optimizer}.")
    return [one]


def _shaped_by(run: Run, moved: set[int]) -> set[int]:
    """What works on data that is itself being learned, as the net does through which an image or a code is improved:
    such a net is meant to stay as it is."""
    depends = set(moved)
    found: set[int] = set()
    for event in run.by_kind[EventKind.FORWARD] if moved else ():
        if not depends.isdisjoint(event.inputs):
            depends.update(event.outputs)
            found.update(t for t in event.inputs if t >= 0 and "." in run.tensor(t).name)
    return found


@silent_bug(
    "GL733",
    Severity.HINT,
    title=N_("{name} is never used"),
    what=N_(
        "{name} belongs to {model}, which is trained, but no operator ever reads it: the layer isn't called in "
        "`forward`."
    ),
    why=N_(
        "Only what the forward pass goes through has an influence on the loss; an unused layer keeps its first "
        "random numbers."
    ),
    fix=N_("Call the layer in `forward`, or take it out of `__init__`."),
    example={"name": "`net.fc2` (Linear)", "model": "`net`"},
    program="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 1)
        self.fc2 = nn.Linear(1, 1)
    def forward(self, x):
        return self.fc1(x)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    loss = net(torch.ones(4, 2)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 1)
        self.fc2 = nn.Linear(1, 1)
    def forward(self, x):
        return self.fc2(self.fc1(x))
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    loss = net(torch.ones(4, 2)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def never_used(run: Run) -> list[Found]:
    """A layer of a trained model that no forward pass goes through."""
    moved = {run.tensor(t).name.partition(".")[0] for t in updated(run)}
    if not moved:
        return []
    ran = {e.module for e in run.by_kind[EventKind.FORWARD] if e.module}
    used = {t for e in run.by_kind[EventKind.FORWARD] for t in e.inputs}
    by_path: dict[str, list[int]] = {}
    for tensor in run.trace.tensors:
        if tensor.kind == TensorKind.PARAMETER and "." in tensor.name:
            by_path.setdefault(tensor.name.rpartition(".")[0], []).append(tensor.id)
    found = []
    for module in run.trace.modules:
        if module.path.partition(".")[0] not in moved or module.type not in (
            "Linear",
            "Conv1d",
            "Conv2d",
            "Embedding",
            "LSTM",
            "GRU",
            "RNN",
        ):
            continue
        tensors = by_path.get(module.path, [])
        if module.path in ran or any(t in used for t in tensors) or any(r.startswith(module.path + ".") for r in ran):
            continue
        call = run.source.layer(module.path, module.type)
        if call is None or _is_shared(run, module.path):
            continue
        name = f"{words.code(module.path)} ({module.type})"
        found.append(Found({"name": name, "model": words.code(module.path.partition(".")[0])}, line=call.lineno))
    return found[:3]


def _is_shared(run: Run, path: str) -> bool:
    """Whether the last name of a path is read anywhere in the text: used under another name, perhaps under a "
    "condition."""
    last = path.rpartition(".")[2]
    return (
        any(
            isinstance(n, ast.Attribute)
            and n.attr == last
            and isinstance(n.ctx, ast.Load)
            and not isinstance(run.source.parents.get(n), ast.Assign)
            for n in run.source.nodes
        )
        or last.isdigit()
    )
