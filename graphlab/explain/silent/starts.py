"""Networks that start badly: layers that are one and the same, weights that are all equal, inputs out of scale."""

from __future__ import annotations

import ast
import re

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import loops_around
from graphlab.explain.silent.trail import ancestors, line_of, norm_of, roots
from graphlab.explain.source import called, dotted
from graphlab.explain.values import array_at, range_at
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, TensorKind

_WITH_PARAMETERS = re.compile(
    "(Linear|Bilinear|Embedding|Conv[123]d|ConvTranspose[123]d|RNN|LSTM|GRU|(RNN|LSTM|GRU)Cell|BatchNorm[123]d|"
    "LayerNorm|GroupNorm|MultiheadAttention|Transformer(En|De)coderLayer|PReLU)"
)
_CONTAINERS = ("ModuleList", "Sequential")


def makes_parameters(run: Run, node: ast.expr) -> bool:
    """Whether a call makes a layer with parameters of its own."""
    if not isinstance(node, ast.Call):
        return False
    if _WITH_PARAMETERS.fullmatch(called(node)):
        return True
    if called(node) == "Sequential":
        return any(makes_parameters(run, a) for a in node.args)
    class_ = run.source.class_of(called(node))
    return class_ is not None and any(dotted(b).rpartition(".")[2] == "Module" for b in class_.bases)


@silent_bug(
    "GL756",
    Severity.WARNING,
    title=N_("`{text}` puts one and the same layer into each place"),
    what=N_(
        "`{text}` on line {line} makes one {layer}, and all `{n}` places of the list hold it: one set of parameters."
    ),
    why=N_("`[x] * n` repeats the reference, not the object, so one layer is trained in all places."),
    fix=N_("Make a new one each time: `{instead}`."),
    example={
        "text": "[nn.Linear(8, 8)] * 3",
        "line": 5,
        "n": "3",
        "layer": "`Linear`",
        "instead": "[nn.Linear(8, 8) for _ in range(3)]",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
layers = nn.Sequential(*[nn.Linear(3, 3)] * 2, nn.Linear(3, 1))
loss = layers(torch.randn(5, 3)).mean()
loss.backward()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
layers = nn.Sequential(*[nn.Linear(3, 3) for _ in range(2)], nn.Linear(3, 1))
loss = layers(torch.randn(5, 3)).mean()
loss.backward()
""",
)
def one_layer_repeated(run: Run) -> list[Found]:
    """A list of layers that holds one layer several times."""
    found = []
    for node in run.source.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            made, times = (node.left, node.right) if isinstance(node.left, ast.List) else (node.right, node.left)
            if not isinstance(made, ast.List) or not any(makes_parameters(run, e) for e in made.elts):
                continue
            inner = run.source.text_of(made)[1:-1].strip()
            count = run.source.text_of(times)
            if len(made.elts) == 1:
                instead = f"[{inner} for _ in range({count})]"
            else:
                instead = f"[layer for _ in range({count}) for layer in ({inner})]"
            layer = next(e for e in made.elts if makes_parameters(run, e))
            values = {
                "text": run.source.text_of(node),
                "line": node.lineno,
                "n": count,
                "layer": words.code(called(layer)),
                "instead": instead,
            }
            title = words.fill(N_("Write `{text}`"), {"text": instead})
            found.append(
                Found(values, fixes=[Fix(title, "maybe", [run.source.replace(node, instead)])], line=node.lineno)
            )
    return (found or _appended(run))[:2]


def _appended(run: Run) -> list[Found]:
    """One layer that was made before a loop and is put into the list in each turn."""
    found = []
    for call in run.source.calls():
        if called(call) != "append" or len(call.args) != 1 or not isinstance(call.args[0], ast.Name):
            continue
        loops = loops_around(run, call)
        made = run.source.assigned(call.args[0].id, call)
        if not loops or made is None or not makes_parameters(run, made) or loops_around(run, made)[:1] == loops[:1]:
            continue
        if not isinstance(loops[0], ast.For) or not isinstance(call.func, ast.Attribute):
            continue
        owner = dotted(call.func.value).rpartition(".")[2]
        if not any(called(c) in _CONTAINERS and owner in run.source.text_of(c) for c in run.source.calls()):
            holder = run.source.assigned(dotted(call.func.value), call)
            if called(holder) not in _CONTAINERS:
                continue
        text = run.source.text_of(made)
        turns = loops[0].iter
        n = run.source.text_of(turns.args[-1]) if isinstance(turns, ast.Call) and turns.args else "n"
        values = {
            "text": text,
            "line": call.lineno,
            "n": n,
            "layer": words.code(called(made)),
            "instead": f"{run.source.text_of(call.func)}({text})",
        }
        one = Found(values, line=call.lineno)
        one.why = N_("The list holds the same object in each place, so there is one weight to be trained.")
        title = words.fill(N_("Write `{text}`"), {"text": values["instead"]})
        one.fixes.append(Fix(title, "maybe", [run.source.replace(call.args[0], text)]))
        found.append(one)
    return found


_BETWEEN = re.compile(
    "relu|tanh|sigmoid|gelu|silu|elu|leaky_relu|dropout|softplus|batch_norm|layer_norm|max_pool2d|view"
)


def _constant(run: Run, tensor: int, event: Event) -> float | None:
    """The one number that all entries of a weight are, None where they differ."""
    record = run.tensor(tensor)
    if record.kind != TensorKind.PARAMETER or not record.requires_grad or len(record.shape) < 2:
        return None
    span = range_at(run.trace, tensor, event.id)
    return span[0] if span is not None and span[0] == span[1] else None


@silent_bug(
    "GL757",
    Severity.WARNING,
    title=N_("All weights of {first} and {second} start as {value}: their units can't become different"),
    what=N_("{first} {first_shape} and {second} {second_shape} are filled with {value} when the training begins."),
    why=N_("{reason}"),
    fix=N_("Leave the weights as the layer starts them, or use `nn.init.xavier_uniform_`; zeros are for biases."),
    example={
        "first": "`net.0.weight`",
        "second": "`net.2.weight`",
        "first_shape": "(8, 2)",
        "second_shape": "(1, 8)",
        "value": "0",
        "reason": N_("With zeros in the next layer no gradient comes back, and all units of a layer stay alike."),
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
for layer in (net[0], net[2]):
    nn.init.zeros_(layer.weight)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(8, 2)
y = x.sum(1, keepdim=True)
for step in range(3):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
for layer in (net[0], net[2]):
    nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(8, 2)
y = x.sum(1, keepdim=True)
for step in range(3):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def alike_from_the_start(run: Run) -> list[Found]:
    """Two layers one after the other whose weights are all the same number."""
    if not run.trace.losses or not run.by_kind[EventKind.UPDATE]:
        return []
    seen: set[int] = set()
    for event in run.by_kind[EventKind.FORWARD]:
        weights = [t for t in event.inputs[1:] if t >= 0 and len(run.tensor(t).shape) >= 2]
        if event.op not in ("linear", "conv2d", "conv1d", "matmul") or not weights or weights[0] in seen:
            continue
        seen.add(weights[0])
        value = _constant(run, weights[0], event)
        before = _layer_before(run, event.inputs[0]) if value is not None else None
        if before is None or value is None:
            continue
        first = next((t for t in before.inputs[1:] if t >= 0 and len(run.tensor(t).shape) >= 2), -1)
        if first < 0 or run.tensor(first).shape[0] < 2 or _constant(run, first, before) is None:
            continue
        reason = (
            _("With zeros in the next layer no gradient comes back, and all units of a layer stay alike.")
            if value == 0
            else _("Units with equal weights compute the same and get the same gradient, so they stay alike.")
        )
        values = {
            "first": quoted_name(run.trace, first),
            "second": quoted_name(run.trace, weights[0]),
            "first_shape": words.shape(run.tensor(first).shape),
            "second_shape": words.shape(run.tensor(weights[0]).shape),
            "value": words.number(value),
            "reason": reason,
        }
        filled = [e for e in run.by_kind[EventKind.INPLACE] if weights[0] in e.outputs and e.id < event.id]
        at = filled[-1] if filled else event
        return [Found(values, {"value": value}, event=at.id, line=line_of(run, at))]
    return []


def _layer_before(run: Run, tensor: int) -> Event | None:
    for _turn in range(6):
        event = run.made_by.get(tensor)
        if event is None or event.kind != EventKind.FORWARD or not event.inputs:
            return None
        if event.op in ("linear", "conv2d", "conv1d", "matmul"):
            return event
        if not _BETWEEN.fullmatch(event.op):
            return None
        tensor = event.inputs[0]
    return None


_RESHAPED = re.compile(
    "cat|stack|view|reshape|flatten|to|float|double|permute|transpose|unsqueeze|squeeze|index|select|slice|getitem|contiguous"
)
MUCH = 100.0


@silent_bug(
    "GL759",
    Severity.HINT,
    title=N_("{x} isn't normalised: its entries go up to {top}"),
    what=N_("{layer} on line {line} gets {x} with entries from {low} to {top}; a typical one is {typical}."),
    why=N_(
        "Layers start with weights for inputs of about 1: great ones saturate the activations and make gradients "
        "that no single learning rate suits."
    ),
    fix=N_("Bring each column to mean 0 and deviation 1 first: `{text} = ({text} - {text}.mean(0)) / {text}.std(0)`."),
    example={
        "x": "`x`",
        "text": "x",
        "top": "200 000",
        "low": "18",
        "typical": "71 000",
        "layer": "`model.0`",
        "line": 12,
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.rand(16, 2) * 50000
y = (x[:, :1] > 25000).float()
net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    loss = nn.functional.binary_cross_entropy_with_logits(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.rand(16, 2) * 50000
y = (x[:, :1] > 25000).float()
x = (x - x.mean(0)) / x.std(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    loss = nn.functional.binary_cross_entropy_with_logits(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def out_of_scale(run: Run) -> list[Found]:
    """Data that goes into the first layer with values far from 1."""
    if len(run.trace.losses) < 2 or not run.by_kind[EventKind.UPDATE]:
        return []
    needed = ancestors(run, roots(run))
    seen: set[int] = set()
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("linear", "conv2d", "conv1d") or not event.inputs or event.inputs[0] in seen:
            continue
        x = event.inputs[0]
        seen.add(x)
        if run.tensor(x).requires_grad or event.outputs[0] not in needed or not event.module:
            continue
        if len(run.tensor(x).shape) < 2 or run.tensor(x).shape[0] < 2:
            continue
        size = _typical(run, x, event)
        span = range_at(run.trace, x, event.id)
        if size is None or span is None or size < MUCH or _came_through_layers(run, x):
            continue
        name = quoted_name(run.trace, x)
        text = run.tensor(x).name or "x"
        values = {
            "x": name,
            "text": text,
            "top": _rounded(span[1]),
            "low": _rounded(span[0]),
            "typical": _rounded(size),
            "layer": words.code(event.module),
            "line": line_of(run, event),
        }
        one = Found(values, {"typical": size}, event=event.id, line=line_of(run, event))
        if event.op != "linear" and 200 < span[1] <= 255 and span[0] >= 0:
            one.fix = N_("Bring pixels to 0 … 1 first: `{text} = {text} / 255`.")
        return [one]
    return []


def _rounded(value: float) -> str:
    """A number in three digits, great ones written out: 198 000."""
    short = float(f"{value:.3g}")
    return words.number(int(short) if 1e4 <= abs(short) < 1e9 else short)


def _typical(run: Run, tensor: int, event: Event) -> float | None:
    """The root mean square of the entries; of the largest column where whole values are kept."""
    array = array_at(run.trace, tensor, event.id)
    if array is not None and array.size and array.dtype.kind in "fiu":
        columns = array.reshape(array.shape[0], -1).astype(np.float64)
        return float(np.sqrt((columns**2).mean(0)).max()) if array.ndim == 2 else float(np.sqrt((columns**2).mean()))
    norm = norm_of(run, tensor, event.id)
    n = int(np.prod(run.tensor(tensor).shape))
    return float(norm / np.sqrt(n)) if norm is not None and n else None


def _came_through_layers(run: Run, tensor: int) -> bool:
    """Whether the tensor is what another layer gave, not data."""
    return any(
        made.op in ("linear", "conv2d", "conv1d", "embedding", "batch_norm", "layer_norm")
        for t in ancestors(run, [tensor])
        if (made := run.made_by.get(t)) is not None
    )
