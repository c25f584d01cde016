"""Predictions that can't become what they should: an activation after the last layer that leaves values out."""

from __future__ import annotations

import ast
import re

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import ancestors, line_of, roots, source_of
from graphlab.explain.source import called
from graphlab.explain.values import array_at
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix

_REACH = {
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, np.inf),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
}
_COMPARING = re.compile("mse_loss|l1_loss|smooth_l1_loss|huber_loss|sub")
_SCORES = ("cross_entropy", "binary_cross_entropy_with_logits")
MIN_SHARE = 0.05


@silent_bug(
    "GL758",
    Severity.WARNING,
    title=N_("{prediction} can't reach {target}: `{op}` gives only {range}"),
    what=N_("{n_out} of the {n} entries of {target} lie outside {range}, from {low} to {high}."),
    why=N_("An activation after the last layer limits what the model can say, however long it is trained."),
    fix=N_("Leave `{op}` out after the last layer, or bring the targets into {range}."),
    example={
        "prediction": "`pred`",
        "target": "`y`",
        "op": "relu",
        "range": "0 … ∞",
        "n_out": 24,
        "n": 50,
        "low": "−3.1",
        "high": "2.8",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
x = torch.randn(20, 2)
y = 3 * x.sum(1, keepdim=True)
for step in range(3):
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
x = torch.randn(20, 2)
y = 3 * x.sum(1, keepdim=True)
for step in range(3):
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def out_of_reach(run: Run) -> list[Found]:
    """Targets outside the range of the last activation; scores without their negative half."""
    known = roots(run)
    needed = ancestors(run, known)
    for event in run.by_kind[EventKind.FORWARD]:
        if len(event.inputs) < 2 or min(event.inputs[:2]) < 0 or needed.isdisjoint(event.outputs):
            continue
        if event.op in _SCORES:
            found = _scores_cut(run, event)
        elif _COMPARING.fullmatch(event.op):
            found = _targets_outside(run, event)
        else:
            continue
        if found is not None:
            return [found]
    return []


def _last_activation(run: Run, tensor: int) -> Event | None:
    made = run.made_by.get(tensor)
    if made is not None and made.op in ("clamp", "index", "getitem"):
        return None
    return source_of(run, tensor)


def _targets_outside(run: Run, event: Event) -> Found | None:
    a, b = event.inputs[:2]
    if event.op == "sub":
        users = {e.op for t in event.outputs for e in run.used_by.get(t, [])}
        if not users & {"pow", "square", "abs"}:
            return None
        if not run.tensor(a).requires_grad:
            a, b = b, a
    if not run.tensor(a).requires_grad or run.tensor(b).requires_grad or run.tensor(a).shape != run.tensor(b).shape:
        return None
    made = _last_activation(run, a)
    reach = _REACH.get(made.op) if made is not None else None
    target = array_at(run.trace, b, event.id)
    if made is None or reach is None or target is None or target.dtype.kind not in "fiu" or target.size < 2:
        return None
    low, high = reach
    slack = 0.02 * (high - low) if np.isfinite(high) else 0.02 * float(np.abs(target).max())
    outside = (target < low - slack) | (target > high + slack)
    n_out = int(outside.sum())
    if n_out < max(1, MIN_SHARE * target.size):
        return None
    values = {
        "prediction": quoted_name(run.trace, a),
        "target": quoted_name(run.trace, b),
        "op": made.op,
        "range": f"{words.number(low)} … {words.number(high) if np.isfinite(high) else '∞'}",
        "n_out": n_out,
        "n": target.size,
        "low": words.number(float(target.min())),
        "high": words.number(float(target.max())),
    }
    return Found(values, {"op": made.op}, _left_out(run, made), event=made.id, line=line_of(run, made))


def _scores_cut(run: Run, event: Event) -> Found | None:
    """Scores for a softmax or sigmoid that went through a relu: none is below 0."""
    made = _last_activation(run, event.inputs[0])
    if made is None or made.op != "relu" or not run.tensor(event.inputs[0]).requires_grad:
        return None
    before = run.made_by.get(made.inputs[0])
    if before is None or before.op not in ("linear", "conv2d", "matmul", "add"):
        return None
    loss = "cross_entropy" if event.op == "cross_entropy" else "binary_cross_entropy_with_logits"
    values = {"prediction": quoted_name(run.trace, event.inputs[0]), "op": made.op, "loss": loss}
    found = Found(values, {"op": made.op}, _left_out(run, made), event=made.id, line=line_of(run, made))
    found.title = N_("A `relu` after the last layer: {prediction} has no scores below 0")
    found.what = N_("{prediction} goes through `relu` and then into `{loss}`, which expects any numbers as scores.")
    if loss == "cross_entropy":
        found.why = N_(
            "A class says that it is unlikely by a negative score; where `relu` cuts them, it can't learn to."
        )
    else:
        found.why = N_("A score of 0 means a probability of 0.5, so no answer can fall below one half.")
    found.fix = N_("Leave `relu` out after the last layer.")
    return found


def _left_out(run: Run, event: Event) -> list[Fix]:
    """The activation left out where it stands by itself around the last layer."""
    node = run.source.expression_at(run.span(event))
    if not isinstance(node, ast.Call) or called(node) != event.op or not isinstance(node.func, ast.Attribute):
        return []
    inner = node.args[0] if node.args else None
    if inner is None or (len(node.args) > 1 and event.op != "softmax"):
        return []
    if not isinstance(run.source.parents.get(node), ast.Return) or not isinstance(inner, ast.Call):
        return []
    text = run.source.text_of(inner)
    return [Fix(words.fill(N_("Write `{text}`"), {"text": text}), "maybe", [run.source.replace(node, text)])]
