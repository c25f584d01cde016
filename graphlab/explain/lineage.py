"""A lit path in words: where a NaN or infinity was born and from which numbers, or where a gradient's path ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from graphlab.analysis.lineage import Entry, Lineage, PathStep, gradient_path, not_finite_path
from graphlab.analysis.memory import name_of
from graphlab.explain import words
from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Event, EventKind, Problem, TensorKind

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader

VANISHED = 1e-3
"""A gradient that is smaller than the loss's by more than this vanishes, larger by its inverse explodes."""
MAX_NORMS = 12
_REASONS = {
    "detach": N_("The path ends at {step}: it gives the numbers on without their history."),
    "no_grad": N_("The path ends at {step}: it ran under `torch.no_grad()`, so nothing of it was recorded."),
    "integers": N_("The path ends at {step}: its result are whole numbers or truth values, which have no slope."),
    "left": N_(
        "The path ends after {step}: nothing that is computed from it as a tensor reaches {loss}. Numbers "
        "taken with `.item()`, `.numpy()` or `float()` carry no gradient."
    ),
    "unused": N_(
        "No recorded step that leads to {loss} uses {name}. What is read with `.data`, `.item()` or NumPy leaves no "
        "history."
    ),
    "not_wanted": N_("{name} wants no gradient: its `requires_grad` is False."),
    "no_backward": N_("No backward pass ran in this part of the run, so there are no gradients yet."),
}


def sentences(trace: TraceReader, path: Lineage) -> list[str]:
    """What the lit path shows, whole sentences."""
    return _not_finite(trace, path) if path.kind == "not_finite" else _gradient(trace, path)


def headline(trace: TraceReader, path: Lineage) -> str:
    """What matters most of it: the birth, where the path ends, or that a whole one fades or explodes."""
    told = sentences(trace, path)
    if path.kind == "not_finite":
        return told[0]
    if path.reason:
        return told[min(1, len(told) - 1)]
    norms = [step.norm for step in path.steps if step.norm is not None]
    return " ".join([told[0], *(_trend(norms[0], norms[-1]) if norms else [])])


def said(trace: TraceReader, tensor: int) -> str:
    """What to call a tensor: its name as code, else what made it."""
    name = name_of(trace, tensor) if tensor >= 0 else ""
    return words.code(name) if name else _("the loss")


def step_text(trace: TraceReader, event: Event) -> str:
    """What to call a step: "`log` on line 7"; for a backward step the line of its forward one."""
    span = trace.spans[event.span] if 0 <= event.span < len(trace.spans) else None
    if span is None and event.kind == EventKind.BACKWARD and 0 <= event.forward < len(trace.events):
        at = trace.events[event.forward].span
        span = trace.spans[at] if 0 <= at < len(trace.spans) else None
    op = words.code(event.op)
    return _("{op} on line {line}").format(op=op, line=span.line) if span is not None else op


def place_text(place: tuple[int, ...]) -> str:
    """An index as Python writes it: "[2, 5]"; "" for a scalar."""
    return f"[{', '.join(map(str, place))}]" if place else ""


# NaN and infinity


def birth_name(path: Lineage) -> str:
    """What was born: "NaN", "inf", "−inf"; "NaN" where the entries weren't kept."""
    return words.number(path.entries[0].value) if path.entries else "NaN"


def _not_finite(trace: TraceReader, path: Lineage) -> list[str]:
    birth = trace.events[path.place]
    found = [birth_sentence(trace, path)]
    rest = path.n_bad - 1
    if path.entries and rest > 0:
        found.append(
            ngettext("{n} more entry of it isn't finite.", "{n} more entries of it aren't finite.", rest).format(n=rest)
        )
    n = len(path.steps) - 1
    if n > 0:
        found.append(
            ngettext(
                "From there it reaches {loss} in {n} step, which is lit.",
                "From there it reaches {loss} in {n} steps, which are lit.",
                n,
            ).format(loss=said(trace, path.tensor), n=n)
        )
    if birth.kind == EventKind.BACKWARD:
        found.append(_("The value itself is finite there: it is its slope that isn't."))
    return found


def birth_sentence(trace: TraceReader, path: Lineage) -> str:
    """Where it was born, and from which numbers: "`log` on line 7 makes −inf at [2, 5], where `p` is 0."."""
    birth = trace.events[path.place]
    values = {"step": step_text(trace, birth)}
    if not path.entries:
        return _("{step} gives the first number that isn't finite.").format_map(values)
    entry = path.entries[0]
    values["value"] = words.number(entry.value)
    values["place"] = place_text(entry.place)
    if birth.kind == EventKind.CREATE:
        return (
            _("{step} holds {value} at {place} from the beginning.").format_map(values)
            if entry.place
            else _("{step} is {value} from the beginning.").format_map(values)
        )
    values["operands"] = operands_text(entry)
    if birth.kind == EventKind.BACKWARD:
        if values["operands"] and entry.place:
            return _("The backward of {step} makes {value} at {place}, where {operands}.").format_map(values)
        if values["operands"]:
            return _("The backward of {step} makes {value}, where {operands}.").format_map(values)
        return _("The backward of {step} makes {value}.").format_map(values)
    if values["operands"] and entry.place:
        return _("{step} makes {value} at {place}, where {operands}.").format_map(values)
    if values["operands"]:
        return _("{step} makes {value}, where {operands}.").format_map(values)
    if entry.place:
        return _("{step} makes {value} at {place}.").format_map(values)
    return _("{step} makes {value}.").format_map(values)


def operands_text(entry: Entry) -> str:
    """The numbers that an entry was computed from: "`p` is 0 and what flows in is 2"."""
    parts = []
    for operand in entry.operands:
        value = words.number(operand.value)
        if operand.role == "gradient":
            parts.append(_("the gradient that flows in is {value}").format(value=value))
        elif operand.role == "value" and operand.name:
            parts.append(_("{name} is {value}").format(name=words.code(operand.name), value=value))
        elif operand.role == "value":
            parts.append(_("the other operand is {value}").format(value=value))
    return words.listing(parts)


def operands_at(entry: Entry) -> str:
    """The numbers that an entry was computed from and where they stand: "at [2, 5] `p` is 0"."""
    if not entry.place:
        return operands_text(entry)
    return _("at {place} {operands}").format(place=place_text(entry.place), operands=operands_text(entry))


# Gradients


def _gradient(trace: TraceReader, path: Lineage) -> list[str]:
    name, loss = said(trace, path.tensor), said(trace, path.loss)
    if path.reason and path.reason != "zero":
        event = trace.events[path.place] if path.place >= 0 else None
        step = step_text(trace, event) if event is not None else ""
        if path.reason == "left" and event is None:
            return [_(_REASONS["unused"]).format(name=name, loss=loss)]
        reason = _(_REASONS[path.reason]).format(step=step, name=name, loss=loss)
        return [_("{name} has no gradient.").format(name=name), reason]
    n = max(len(path.steps) - 1, 1)
    found = [
        ngettext(
            "The gradient comes from {loss} to {name} in {n} step, which is lit.",
            "The gradient comes from {loss} to {name} in {n} steps, which are lit.",
            n,
        ).format(loss=loss, name=name, n=n)
    ]
    if path.reason == "zero":
        event = trace.events[path.place]
        found.append(
            _("From the backward of {step} on it is exactly 0, so {name} learns nothing from it.").format(
                step=step_text(trace, event), name=name
            )
        )
    norms = [step.norm for step in path.steps if step.norm is not None]
    if len(norms) > 1:
        found.append(_("Its norm on the way: {norms}.").format(norms=norms_text(path.steps)))
        found += _trend(norms[0], norms[-1])
    return found


def _trend(first: float, last: float) -> list[str]:
    if not (math.isfinite(first) and math.isfinite(last)) or first <= 0 or last <= 0:
        return []
    ratio = last / first
    if ratio < VANISHED:
        return [_("It vanishes: what arrives is {ratio} of what left the loss.").format(ratio=words.number(ratio))]
    if ratio > 1 / VANISHED:
        return [_("It explodes: {ratio} times what left the loss arrives.").format(ratio=words.number(ratio))]
    return []


def norms_text(steps: tuple[PathStep, ...]) -> str:
    """The norms along a path: "1 → 0.5 → 0.01", the middle left out where there are many."""
    norms = [words.number(float(f"{step.norm:.3g}")) for step in steps if step.norm is not None]
    if len(norms) > MAX_NORMS:
        half = MAX_NORMS // 2
        norms = [*norms[:half], "…", *norms[-half:]]
    return " → ".join(norms)


# Which path a problem is about

NOT_FINITE = frozenset({"GL601"})
ENDED = frozenset({"GL731", "GL737"})
FADING = frozenset({"GL722", "GL723", "GL724"})
MAX_PARAMETERS = 40
"""Parameters that are tried until one is found whose path ends where the problem says."""


def has_path(code: str) -> bool:
    """Whether problems with this code have a path that can be lit."""
    return code in NOT_FINITE | ENDED | FADING


def path_of(trace: TraceReader, problem: Problem) -> Lineage | None:
    """The path that a problem is about, None where the trace doesn't hold one."""
    if problem.code in NOT_FINITE:
        return not_finite_path(trace)
    if not has_path(problem.code):
        return None
    event = problem.event if 0 <= problem.event < len(trace.events) else len(trace.events) - 1
    near = _of_event(trace, event)
    wanted = [t.id for t in trace.tensors if t.kind == TensorKind.PARAMETER and t.requires_grad]
    candidates = [*near, *(t for t in wanted if t not in near)][:MAX_PARAMETERS]
    paths = (gradient_path(trace, tensor, event) for tensor in candidates)
    if problem.code in FADING:
        return next((path for path in paths if path is not None and path.steps), None)
    ended = [path for path in paths if path is not None and path.reason not in ("", "no_backward", "not_wanted")]
    return next((path for path in ended if path.place == problem.event), ended[0] if ended else None)


def _of_event(trace: TraceReader, event: int) -> list[int]:
    """Parameters that an event is about: its own, or those whose gradient it makes."""
    step = trace.events[event]
    tensors = [trace.tensors[t] for t in (*step.outputs, *step.inputs) if t >= 0]
    own = [t.of if t.of >= 0 else t.id for t in tensors]
    return [t for t in dict.fromkeys(own) if trace.tensors[t].kind == TensorKind.PARAMETER]
