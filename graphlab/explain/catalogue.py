"""The numbered diagnoses: one block each, words plus a check. The families register themselves when imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from graphlab.explain.case import Case, Found
from graphlab.explain.words import fill, sentence
from graphlab.i18n import _
from graphlab.trace.records import Axes, Problem

if TYPE_CHECKING:
    from graphlab.explain.run import Run


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True)
class Diagnosis:
    """One entry of the catalogue. Texts are templates marked with `N_`; see `words.fill`."""

    code: str
    severity: Severity
    title: str
    what: str
    why: str
    fix: str
    kinds: tuple[str, ...]  # failures and warnings that it explains; empty for silent bugs
    check: Callable[[Case], Found | None] | None
    watch: Callable[[Run], list[Found]] | None
    over: tuple[str, ...]  # more general entries that this one replaces where both match
    example: dict[str, Any]  # facts of an example, for the page of this entry
    program: str  # triggers it
    mended: str  # the same, mended

    def problem(self, found: Found, case: Case | None = None) -> Problem:
        """The problem in words."""
        facts = {k: v for k, v in (case.facts if case else {}).items() if k != "operands"}
        facts.update(found.facts)
        line = found.line or (case.line if case else 0)
        end_line = found.end_line or (case.span.end_line if case and case.span and case.span.line == line else line)
        return Problem(
            self.code,
            str(self.severity),
            fill(found.title or self.title, found.words),
            fill(found.what or self.what, found.words),
            fill(found.why or self.why, found.words),
            fill(found.fix or self.fix, found.words),
            line,
            end_line,
            facts,
            found.fixes,
            found.event if found.event >= 0 else (case.event if case else -1),
            found.picture,
        )


DIAGNOSES: dict[str, Diagnosis] = {}
"""Every diagnosis by its code."""


def diagnosis(
    code: str,
    severity: Severity,
    *,
    title: str,
    what: str,
    why: str,
    fix: str,
    kinds: Sequence[str],
    example: dict[str, Any],
    program: str,
    mended: str,
    over: Sequence[str] = (),
) -> Callable[[Callable[[Case], Found | None]], Callable[[Case], Found | None]]:
    """Register a check of one failure or warning: it returns what it found, None where another entry fits."""

    def register(check: Callable[[Case], Found | None]) -> Callable[[Case], Found | None]:
        _add(
            Diagnosis(
                code, severity, title, what, why, fix, tuple(kinds), check, None, tuple(over), example, program, mended
            )
        )
        return check

    return register


def silent_bug(
    code: str,
    severity: Severity,
    *,
    title: str,
    what: str,
    why: str,
    fix: str,
    example: dict[str, Any],
    program: str,
    mended: str,
) -> Callable[[Callable[[Run], list[Found]]], Callable[[Run], list[Found]]]:
    """Register a watch over a whole run: it returns one `Found` for each place where the bug shows."""

    def register(watch: Callable[[Run], list[Found]]) -> Callable[[Run], list[Found]]:
        _add(Diagnosis(code, severity, title, what, why, fix, (), None, watch, (), example, program, mended))
        return watch

    return register


def _add(entry: Diagnosis) -> None:
    if entry.code in DIAGNOSES:
        raise ValueError(f"two diagnoses are numbered {entry.code}")
    DIAGNOSES[entry.code] = entry


@dataclass
class Explanation:
    """What `graphlab explain` prints: `code` is None where the text isn't known."""

    code: str | None
    title: str
    what: str
    why: str
    fix: str
    facts: dict[str, Any] = field(default_factory=dict)
    picture: Axes | None = None

    @classmethod
    def of(cls, problem: Problem) -> Explanation:
        """The explanation in a problem."""
        return cls(problem.code, problem.title, problem.what, problem.why, problem.fix, problem.facts, problem.picture)


def match(case: Case) -> tuple[Diagnosis, Found] | None:
    """The most special entry that explains a case."""
    hits: list[tuple[Diagnosis, Found]] = []
    for entry in DIAGNOSES.values():
        if entry.check is not None and case.kind in entry.kinds:
            found = entry.check(case)
            if found is not None:
                hits.append((entry, found))
    replaced = {code for entry, _ in hits for code in entry.over}
    left = [hit for hit in hits if hit[0].code not in replaced]
    return left[0] if left else None


def _phrase(value: Any) -> Any:
    """An example's value: a phrase of several words is shown in the reader's language, a name as it is."""
    return _(value) if isinstance(value, str) and " " in value else value


def explain_code(code: str) -> Explanation | None:
    """The page of one entry, told on its own example; None for a code that isn't in the catalogue."""
    entry = DIAGNOSES.get(code.strip().upper())
    if entry is None:
        return None
    if entry.check is None:
        values = {key: _phrase(value) for key, value in entry.example.items()}
        title, what, why, fix = (fill(t, values) for t in (entry.title, entry.what, entry.why, entry.fix))
        return Explanation(entry.code, title, what, why, fix)
    case = Case(entry.kinds[0], dict(entry.example))
    found = entry.check(case)
    if found is None:
        return Explanation(entry.code, sentence(_(entry.title)), "", "", "", {})
    return Explanation.of(entry.problem(found, case))
