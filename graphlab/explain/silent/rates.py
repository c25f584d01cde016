"""Learning rates far off, and losses that never change."""

from __future__ import annotations

import ast
import itertools

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.gradients import dead_relu
from graphlab.explain.silent.loops import method_calls, optimizers, rate_node
from graphlab.explain.silent.steps import cleared_too_early, never_stepped
from graphlab.explain.silent.trail import is_zero, line_of, losses_by_name, rate_of
from graphlab.i18n import N_, _
from graphlab.trace.records import EventKind, Fix

_ADAPTIVE = {"Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "Rprop"}


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
        node = rate_node(run)
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
        node = rate_node(run) if updates and not any(rates) else None
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
        node = rate_node(run)
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
