"""From a trace, a refusal or a pasted text to problems in plain words, the most important first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from graphlab.analysis.softmax import APPLIED, softmax_at
from graphlab.explain import messages
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import DIAGNOSES, Diagnosis, Explanation, match
from graphlab.explain.meanings import Meanings
from graphlab.explain.pictures import illustrated, picture_of
from graphlab.explain.remedies import add_remedies
from graphlab.explain.run import Run
from graphlab.explain.source import Source
from graphlab.i18n import _
from graphlab.trace.records import EventKind, Problem

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader

_WEIGHT = {"error": 0, "warning": 1, "hint": 2}
MAX_WARNINGS = 200


class Refusal(Protocol):
    """Why a program can't be run, as `graphlab.program` says it."""

    @property
    def kind(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def end_line(self) -> int: ...
    @property
    def end_column(self) -> int: ...


def known_kinds() -> frozenset[str]:
    """Every kind of failure that the catalogue has an entry for."""
    return frozenset(kind for entry in DIAGNOSES.values() for kind in entry.kinds)


def _settle(case: Case) -> Case:
    """A case whose kind the catalogue knows: the engine's, else what the message says, else Python's type."""
    reading = messages.read_message(case.message, case.type)
    if case.kind in known_kinds():
        if reading is not None and reading.kind == case.kind:
            case.facts = {**reading.facts, **case.facts}  # what the message says beyond the engine's facts
        return case
    if reading is not None and reading.kind in known_kinds():
        case.facts = {**case.facts, **reading.facts}  # the entry knows these names
        case.kind = reading.kind
        return case
    case.kind = "python"
    return case


def _problem(case: Case, meanings: Meanings) -> Problem:
    hit = match(_settle(case))
    drawn = picture_of(case)
    if hit is None:
        case.kind = "unknown"
        hit = match(case)
    if hit is None:  # the generic entry always answers
        raise LookupError("the catalogue has no entry for what is unknown")
    entry, found = hit
    add_remedies(entry.code, case, found)
    return illustrated(entry.problem(found, case), meanings, drawn)


def diagnose(trace: TraceReader) -> list[Problem]:
    """Every problem of a run: its failure, its warnings, and silent bugs; the most important first."""
    source = Source(trace.source)
    meanings = Meanings(trace, source)
    problems: list[Problem] = []
    failure = trace.failure
    limit = _limit(trace, source)
    if limit is not None:
        problems.append(limit)
    elif failure is not None:
        problems.append(_problem(Case.of_failure(failure, trace, source), meanings))
    problems.extend(_warnings(trace, source))
    run = Run(trace, source)
    for entry in DIAGNOSES.values():
        if entry.watch is not None:
            problems.extend(illustrated(entry.problem(found), meanings) for found in entry.watch(run))
    told = [_with_softmax(problem, trace) for problem in _distinct(_settled(problems))]
    return sorted(told, key=lambda p: (_WEIGHT.get(p.severity, 3), p.line))


def _with_softmax(problem: Problem, trace: TraceReader) -> Problem:
    """A problem of a softmax with the picture of what sums to 1."""
    view = softmax_at(trace, problem.event)
    return msgspec.structs.replace(problem, softmax=view) if view is not None and view.op in APPLIED else problem


_CAUSES = {
    "GL741": {"GL601", "GL602", "GL724"},
    "GL601": {"GL724", "GL602", "GL759"},
    "GL602": {"GL722", "GL724"},
    "GL720": {"GL731"},
    "GL731": {"GL729", "GL743"},
    "GL743": {"GL729"},
    "GL749": {"GL729"},
    "GL771": {"GL742"},
}
"""Silent bugs that explain others: the cause is told, its consequence is left out."""

_NOT_CALLED = {"zero_grad": "GL706", "step": "GL721"}
"""What follows where a method is only named, and not called."""


def _settled(problems: list[Problem]) -> list[Problem]:
    explained = {code for problem in problems for code in _CAUSES.get(problem.code, ())}
    explained |= {_NOT_CALLED.get(str(problem.facts.get("method")), "") for problem in problems}
    return [problem for problem in problems if problem.code not in explained]


_LIMITS = {"seconds": "limit_time", "memory": "limit_memory", "characters": "limit_output", "trace": "limit_trace"}


def _limit(trace: TraceReader, source: Source) -> Problem | None:
    """The problem of a run that was ended by a limit."""
    outcome = trace.meta("outcome", dict)
    if not outcome or outcome.get("status") != "limit":
        return None
    kind = _LIMITS.get(str(outcome.get("limit")), "limit_time")
    line = int(outcome.get("line") or (trace.failure.line if trace.failure is not None else 0))
    case = Case(kind, {"limit": outcome.get("limit")}, line=line, source=source, trace=trace)
    hit = match(case)
    return hit[0].problem(hit[1], case) if hit is not None else None


def _warnings(trace: TraceReader, source: Source) -> list[Problem]:
    problems = []
    seen: set[tuple[str, int]] = set()
    for event in trace.events:
        if event.kind != EventKind.WARNING:
            continue
        key = (event.text, event.span)
        if key in seen or len(seen) >= MAX_WARNINGS:
            continue
        seen.add(key)
        case = _warning_case(trace, source, event.id)
        hit = match(case) if case is not None else None
        if case is not None and hit is not None:
            problems.append(hit[0].problem(hit[1], case))
    return problems


def _warning_case(trace: TraceReader, source: Source, at: int) -> Case | None:
    event = trace.events[at]
    span = trace.spans[event.span] if 0 <= event.span < len(trace.spans) else None
    given: Any = event.params.get("facts")
    facts = dict(given) if isinstance(given, dict) else dict(event.params)
    kind = str(event.params.get("kind") or "")
    reading = messages.read_message(event.text)
    if reading is not None:
        facts = {**reading.facts, **facts}
        kind = kind or reading.kind
    if not kind:
        return None
    return Case(kind, facts, "", event.text, span.line if span else 0, source, span, event.id, trace, is_warning=True)


def _distinct(problems: list[Problem]) -> list[Problem]:
    """One problem for a place and code: a warning in a loop is told once."""
    kept: dict[tuple[str, int], Problem] = {}
    for problem in problems:
        kept.setdefault((problem.code, problem.line), problem)
    return list(kept.values())


def problem_for_refusal(refusal: Refusal, source: str) -> Problem:
    """The problem that a program which can't be run shows: a syntax error, or what the language refuses."""
    kind = "syntax" if refusal.kind == "syntax" else "refused"
    case = Case(kind, {"kind": refusal.kind}, "SyntaxError", refusal.message, refusal.line, Source(source))
    case.facts["place"] = [refusal.line, refusal.column, refusal.end_line, refusal.end_column]
    entry, found = match(case) or _generic(case)
    add_remedies(entry.code, case, found)
    found.end_line = refusal.end_line
    problem = entry.problem(found, case)
    return problem


def _generic(case: Case) -> tuple[Diagnosis, Found]:
    return DIAGNOSES["GL900"], Found({"type": case.type, "message": case.message})


def explain_text(text: str) -> Explanation:
    """What a pasted message, traceback or log says. `code` is None where it isn't known."""
    if DIAGNOSES.get(text.strip().upper()) is not None:
        from graphlab.explain.catalogue import explain_code

        page = explain_code(text)
        if page is not None:
            return page
    reading = messages.read(text)
    if reading is not None:
        facts = {**reading.facts, **_context(reading.kind, text)}
        case = Case(reading.kind, facts, reading.type, reading.text, is_warning=reading.is_warning)
        hit = match(case)
        if hit is not None:
            entry, found = hit
            explanation = Explanation.of(entry.problem(found, case))
            explanation.facts.update(_place(text, reading.type))
            return explanation
    return _unknown(text)


def _place(text: str, type_: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": type_} if type_ else {}
    line = messages.line_in(text)
    return {**facts, "line": line} if line else facts


def _context(kind: str, text: str) -> dict[str, Any]:
    """What the traceback around a message adds: the layer or the function that it came from."""
    if kind == "matmul" and re.search(r"modules[/\\]linear\.py|F\.linear\(|in linear\b", text):
        return {"op": "linear"}
    if kind == "jacobian_call":
        found = re.search(r"\b(jacobian|hessian|vjp|jvp|hvp|vhp)\b", text)
        return {"function": found.group(1) if found is not None else ""}
    return {}


def _unknown(text: str) -> Explanation:
    type_, message = messages.exception_in(text)
    facts = _place(text, type_)
    hit = match(Case("python", {"type": type_, "message": message}, type_, message)) if type_ else None
    if hit is not None and hit[0].code != "GL900":
        explanation = Explanation.of(hit[0].problem(hit[1]))
        explanation.facts.update(facts)
        return explanation
    if message:
        facts["message"] = message
    if not text.strip():
        return Explanation(
            None,
            _("Nothing to explain"),
            _("The text is empty."),
            "",
            _("Paste an error message or a whole traceback."),
            {},
        )
    if not type_:
        return Explanation(
            None,
            _("This text is not known"),
            _("No error message of PyTorch or Python was found in it."),
            "",
            _("Paste the whole traceback, from “Traceback” to its last line."),
            facts,
        )
    said = f"{type_}: {message}" if message else type_
    if facts.get("line"):
        what = _("The first error in it is “{said}”, raised from line {line}.").format(said=said, line=facts["line"])
    else:
        what = _("The first error in it is “{said}”.").format(said=said)
    return Explanation(
        None,
        _("This error is not known"),
        what,
        "",
        _("Look at the line that the traceback names, and print the shapes and dtypes of what it uses."),
        facts,
    )
