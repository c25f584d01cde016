"""Layers and losses that nobody knows: layers outside the module that uses them, losses made anew as leaves."""

from __future__ import annotations

import ast
from collections import defaultdict

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import optimizers
from graphlab.explain.silent.trail import gradients_of, line_of, updated
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import EventKind, Fix, TensorKind


@silent_bug(
    "GL742",
    Severity.WARNING,
    title=N_("{layer} doesn't belong to {model}: `parameters()` doesn't find it"),
    what=N_(
        "{layer} on line {line} computes and gets gradients, but {model} doesn't know it, so no optimizer changes it."
    ),
    why=N_(
        "A module finds its layers where they are attributes of their own or stand in `nn.ModuleList`, `nn.ModuleDict` "
        "or `nn.Sequential`; in a plain list or dict it doesn't."
    ),
    fix=N_("Put the layers into `nn.ModuleList(…)` in `__init__`, and make the optimizer after that."),
    example={"layer": "`Linear`", "line": 9, "model": "`net`", "n": 4},
    program="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2) for i in range(2)]
        self.out = nn.Linear(2, 1)
    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.out(x)
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
        self.layers = nn.ModuleList([nn.Linear(2, 2) for i in range(2)])
        self.out = nn.Linear(2, 1)
    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.out(x)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    loss = net(torch.ones(4, 2)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def unknown_layer(run: Run) -> list[Found]:
    """A layer that is used inside a module and isn't registered in it."""
    moved = updated(run)
    trained = {run.tensor(t).name.partition(".")[0] for t in moved}
    n_gradients = gradients_of(run)
    at: dict[str, list[int]] = defaultdict(list)
    for tensor in run.trace.tensors:
        if tensor.kind == TensorKind.PARAMETER and tensor.id in n_gradients and tensor.id not in moved:
            at[tensor.name.rpartition(".")[0]].append(tensor.id)
    first = next((e.id for e in run.by_kind[EventKind.ACCUMULATE]), 0)  # before it a layer sets up its weights
    written = {t for e in run.by_kind[EventKind.INPLACE] if e.id > first for t in e.outputs}
    found: dict[int, Found] = {}
    for module in run.trace.modules:
        parent, _dot, last = module.path.rpartition(".")
        tensors = [t for t in at.get(module.path, []) if t not in written]
        if not tensors and last == module.type:  # a block of layers, none of which its owner knows
            tensors = [t for path, ts in at.items() if path.startswith(f"{module.path}.") for t in ts]
            if not written.isdisjoint(tensors):
                continue
        # A layer that its owner doesn't know goes by the name of its type.
        if last != module.type or not tensors or parent.partition(".")[0] not in trained:
            continue
        events = [e for e in run.by_kind[EventKind.FORWARD] if not set(tensors).isdisjoint(e.inputs)]
        if not events:
            continue
        line = line_of(run, events[0])
        one = Found(
            {"layer": words.code(module.type), "line": line, "model": words.code(parent)},
            event=events[0].id,
            line=line,
        )
        n_weights = len({t for t in tensors if n_gradients[t] == 1})
        made_here = [c for c in run.source.calls_at(line) if called(c) == module.type]
        if n_weights == len(tensors) and len(tensors) >= 3 and made_here:
            one.title = N_("{layer} is made anew in each forward pass")
            one.what = N_(
                "Line {line} makes a new {layer} whenever {model} is called, with new random weights each time."
            )
            one.why = N_("What an optimizer learned would be thrown away with the layer, and it never sees this one.")
            one.fix = N_("Make the layer once, in `__init__` as an attribute of `self`, and only call it in `forward`.")
        elif max(n_gradients[t] for t in tensors) < 2:
            continue
        else:
            one.fixes = _into_module_list(run)
        found.setdefault(line, one)
    return list(found.values())[:3]


def _into_module_list(run: Run) -> list[Fix]:
    """`self.layers = [...]` of modules, put into `nn.ModuleList`."""
    hits = []
    for node in run.source.nodes:
        if not isinstance(node, ast.Assign) or not dotted(node.targets[0]).startswith("self."):
            continue
        items: list[ast.expr] = []
        if isinstance(node.value, ast.ListComp):
            items = [node.value.elt]
        elif isinstance(node.value, ast.List):
            items = list(node.value.elts)
        if items and all(isinstance(i, ast.Call) and called(i)[:1].isupper() for i in items):
            hits.append(node.value)
    if len(hits) != 1:
        return []
    name = "nn.ModuleList" if "nn." in run.source.text else "torch.nn.ModuleList"
    text = f"{name}({run.source.text_of(hits[0])})"
    title = words.fill(N_("Write `{text}`"), {"text": text if len(text) <= 70 else f"{name}(…)"})
    return [Fix(title, "maybe", [run.source.replace(hits[0], text)])]


@silent_bug(
    "GL743",
    Severity.WARNING,
    title=N_("{loss} knows nothing of the parameters: its gradient was switched on afterwards"),
    what=N_(
        "{loss} on line {line} is a leaf of its own: `backward()` gives a gradient to {loss} and to no parameter of "
        "{optimizer}."
    ),
    why=N_(
        "`requires_grad=True` only marks a tensor as something to learn; it doesn't bring back how its number was "
        "computed."
    ),
    fix=N_(
        "Take the loss as the operators give it, and look for what cut its history: `.item()`, `detach()`, `no_grad`."
    ),
    example={"loss": "`loss`", "line": 7, "optimizer": "`optimizer`"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    error = ((w * 3.0 - 6.0) ** 2).item()
    half = error / 2
    loss = torch.tensor(half, requires_grad=True)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 - 6.0) ** 2 / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def loss_is_a_leaf(run: Run) -> list[Found]:
    """`backward()` of a tensor that is a leaf itself, beside an optimizer whose parameters get nothing."""
    known = optimizers(run)
    if not known or updated(run):
        return []
    leaves = [
        (run.tensor(run.tensor(t).of), event)
        for event in run.by_kind[EventKind.ACCUMULATE]
        if event.op == "backward"
        for t in event.outputs
        if t >= 0 and run.tensor(t).kind == TensorKind.GRADIENT
    ]
    own = [(t, e) for t, e in leaves if not t.shape and _is_leaf(run, t.id)]
    if len(own) < 2 or len(own) < len(leaves):
        return []
    tensor, event = own[0]
    maker = run.made_by.get(tensor.id)
    line = line_of(run, maker) if maker is not None else line_of(run, event)
    loss = quoted_name(run.trace, tensor.id) if tensor.name else _("the loss")
    found = {"loss": loss, "line": line, "optimizer": words.code(next(iter(known)))}
    one = Found(found, event=maker.id if maker is not None else event.id, line=line)
    node = run.source.expression_at(run.span(maker)) if maker is not None else None
    number = node.args[0] if isinstance(node, ast.Call) and called(node) == "tensor" and node.args else None
    if node is not None and isinstance(number, ast.Call) and called(number) == "item" and not number.args:
        text = run.source.text_of(number.func.value) if isinstance(number.func, ast.Attribute) else ""
        if text:
            title = words.fill(N_("Take what was computed: `{text}`"), {"text": text})
            one.fixes.append(Fix(title, "maybe", [run.source.replace(node, text)]))
    return [one]


def _is_leaf(run: Run, tensor: int) -> bool:
    """Whether a tensor with a gradient has nothing before it that the gradient could flow to."""
    event = run.made_by.get(tensor)
    return (
        event is None
        or event.kind != EventKind.FORWARD
        or not any(t >= 0 and run.tensor(t).requires_grad for t in event.inputs)
    )
