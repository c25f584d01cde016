"""Numbers that go wrong in a run that raises nothing: where the first NaN or infinity was born, and losses "
"that explode."""

from __future__ import annotations

import ast
import math
from itertools import pairwise

import numpy as np

from graphlab.analysis.lineage import Lineage, not_finite_path
from graphlab.analysis.sections import section_at, section_of
from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.lineage import operands_at
from graphlab.explain.modules import OPTIMIZERS
from graphlab.explain.narrate import name_of
from graphlab.explain.run import Run
from graphlab.explain.source import called
from graphlab.explain.values import array_at
from graphlab.i18n import N_, _
from graphlab.trace.records import EventKind, Fix, Loss

_REASONS = {
    "log": N_("The logarithm of 0 is −inf, and that of a negative number is NaN"),
    "log1p": N_("The logarithm of 0 is −inf, and that of a negative number is NaN"),
    "log2": N_("The logarithm of 0 is −inf, and that of a negative number is NaN"),
    "log10": N_("The logarithm of 0 is −inf, and that of a negative number is NaN"),
    "div": N_("A number divided by 0 is inf, and 0 divided by 0 is NaN"),
    "reciprocal": N_("1 divided by 0 is inf"),
    "sqrt": N_("The square root of a negative number is NaN"),
    "rsqrt": N_("The square root of a negative number is NaN, and 1 divided by 0 is inf"),
    "exp": N_("`exp` of more than about 88 is beyond what float32 can hold, so it becomes inf"),
    "pow": N_("A power can leave the range of float32, and 0 to a negative power is inf"),
}
_GENERIC = N_("A result beyond the range of its dtype becomes inf, and inf − inf or 0 × inf is NaN")
MIN_GROWTH = 1000.0


def birth(run: Run, loss: Loss) -> Lineage | None:
    """The way of the first NaN or infinity to a loss; None where the trace can't say."""
    path = not_finite_path(run.trace, loss.event)
    if path is None or _is_thinned(run, path.place):
        return None
    return path


def _is_thinned(run: Run, event: int) -> bool:
    """Whether the numbers around an event were not all kept, so that the first bad one seen may not be the first."""
    section = section_at(run.trace, section_of(run.trace, event))
    return section is not None and not section.detailed


def _rate_fix(run: Run) -> list[Fix]:
    """A tenth of the learning rate, where the text shows it."""
    calls = [c for c in run.source.calls() if called(c) in OPTIMIZERS]
    nodes = [k.value for c in calls for k in c.keywords if k.arg == "lr"]
    if len(nodes) != 1:
        return []
    node: ast.expr | None = nodes[0]
    if isinstance(node, ast.Name):
        node = run.source.assigned(node.id, node)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float) or node.value <= 0:
        return []
    rate = float(f"{node.value / 10:.6g}")
    title = words.fill(N_("A tenth of the learning rate: {new} instead of {old}"), {"new": rate, "old": node.value})
    return [Fix(title, "maybe", [run.source.replace(node, repr(rate))])]


def _grew(losses: list[Loss]) -> bool:
    """Whether a loss grew from turn to turn by a factor of a thousand in all, as with too large a learning rate."""
    finite = [abs(each.value) for each in losses if math.isfinite(each.value)]
    if len(finite) < 4 or finite[0] == 0 or max(finite) < MIN_GROWTH * max(finite[0], 1e-6):
        return False
    tail = finite[-min(len(finite), 8) :]
    return all(b > a for a, b in pairwise(tail))


def _by_name(run: Run) -> dict[str, list[Loss]]:
    found: dict[str, list[Loss]] = {}
    for loss in run.trace.losses:
        found.setdefault(loss.name, []).append(loss)
    return found


@silent_bug(
    "GL601",
    Severity.WARNING,
    title=N_("{loss} becomes {value} in iteration {iteration}"),
    what=N_("The first number that isn't finite comes from {op} on line {line}: {detail}."),
    why=N_("{reason}. Everything that is computed from it is NaN or inf as well, and so are the gradients."),
    fix=N_(
        "Look at the inputs of {op} there; keep them in range with `clamp(min=…)`, a small epsilon, or a "
        "function that is safe, such as `log_softmax`."
    ),
    example={
        "loss": "`loss`",
        "value": "NaN",
        "iteration": "3",
        "op": "`log`",
        "line": "7",
        "detail": N_("p has shape (4,)"),
        "reason": "The logarithm of 0 is −inf, and that of a negative number is NaN",
    },
    program="""import torch
w = torch.tensor([0.0, 1.0], requires_grad=True)
loss = torch.log(w).sum()
loss.backward()
""",
    mended="""import torch
w = torch.tensor([0.5, 1.0], requires_grad=True)
loss = torch.log(w).sum()
loss.backward()
""",
)
def not_finite(run: Run) -> list[Found]:
    """A loss that is NaN or infinite, traced back to where the first such number was made."""
    found: list[Found] = []
    for name, losses in _by_name(run).items():
        bad = next((each for each in losses if not math.isfinite(each.value)), None)
        if bad is None or _grew(losses):
            continue
        path = birth(run, bad)
        said = {
            "loss": words.code(name),
            "value": words.number(bad.value),
            "iteration": bad.iteration + 1 if bad.iteration >= 0 else 1,
        }
        if path is None:
            found.append(
                Found(
                    said,
                    event=bad.event,
                    what=N_(
                        "{loss} is {value} in iteration {iteration}; the trace doesn't hold the values that "
                        "show where it began."
                    ),
                    why=N_("Once one number is NaN or inf, everything that is computed from it is as well."),
                    fix=N_("Run fewer iterations, so that all of them are recorded in detail, and look again."),
                )
            )
            continue
        event = run.trace.events[path.place]
        span = run.span(event)
        inputs = [t for t in event.inputs if t >= 0]
        details = [operands_at(path.entries[0])] if path.entries and path.entries[0].operands else []
        for tensor in inputs[:2] if not details else ():
            array = array_at(run.trace, tensor, event.id - 1)
            if array is not None and array.size and array.dtype.kind in "fiu":
                details.append(
                    _("{name} goes from {low} to {high}").format(
                        name=name_of(run.trace, tensor),
                        low=words.number(float(np.nanmin(array))),
                        high=words.number(float(np.nanmax(array))),
                    )
                )
        said.update(
            op=words.code(event.op),
            line=span.line if span else 0,
            detail=words.listing(details) or _("its output is the first that isn't finite"),
            reason=_(_REASONS.get(event.op, _GENERIC)),
        )
        one = Found(said, {"op": event.op, "iteration": bad.iteration}, event=event.id, line=span.line if span else 0)
        if event.kind == EventKind.BACKWARD:
            one.what = N_(
                "The first number that isn't finite is a gradient: it arises going back through {op} of line {line}, "
                "where {detail}."
            )
            one.why = N_(
                "A slope can be infinite where the value is not: √x and log x are vertical at 0. NaN then "
                "spreads everywhere."
            )
        if not span:
            one.what = N_("The first number that isn't finite comes from {op}: {detail}.")
        found.append(one)
    return found


@silent_bug(
    "GL602",
    Severity.WARNING,
    title=N_("{loss} explodes: from {first} to {last}"),
    what=N_("{loss} grows from iteration to iteration, from {first} to {last} after {n} of them."),
    why=N_(
        "Each step overshoots the valley and lands higher up on the other side: the learning rate is too large "
        "for this loss."
    ),
    fix=N_("Lower the learning rate, to a tenth at first, or scale the inputs to about −1 to 1."),
    example={"loss": "`loss`", "first": "4", "last": "1.2e+07", "n": "10"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=10.0)
for step in range(10):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(10):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def exploding(run: Run) -> list[Found]:
    """A loss that grows without end."""
    found: list[Found] = []
    for name, losses in _by_name(run).items():
        if not _grew(losses):
            continue
        finite = [each for each in losses if math.isfinite(each.value)]
        event = run.trace.events[losses[0].event] if 0 <= losses[0].event < len(run.trace.events) else None
        span = run.span(event) if event is not None else None
        found.append(
            Found(
                {
                    "loss": words.code(name),
                    "first": words.number(finite[0].value),
                    "last": words.number(losses[-1].value),
                    "n": len(losses),
                },
                {"first": finite[0].value, "last": finite[-1].value},
                _rate_fix(run),
                event=finite[-1].event,
                line=span.line if span else 0,
            )
        )
    return found
