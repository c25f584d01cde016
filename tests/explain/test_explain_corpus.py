"""The corpus: broken programs diagnosed, silent bugs found, pasted messages read, no alarm on clean programs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from corpus import CorpusCase, judge, read_cases, recorded, refused
from inprocess import Ran, apply, run_program

from graphlab.explain import explain_text, formula, narrate
from graphlab.program.language import Refusal, check
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader


def _cases(kind: str) -> list[object]:
    return [pytest.param(case, id=case.id.partition("/")[2]) for case in read_cases(kind)]


MAX_TOLD = 400
_SAID_BY_OTHERS = (EventKind.PRINT, EventKind.WARNING, EventKind.ERROR)


def assert_told(trace: TraceReader) -> None:
    """Every step has a sentence without placeholder, None or dump, and no name that lost its small first letter."""
    names = {tensor.name for tensor in trace.tensors if tensor.name}
    for event in trace.events[:MAX_TOLD]:
        told = narrate(trace, event.id)
        assert told, event
        if event.kind in _SAID_BY_OTHERS:
            continue
        assert not re.search(r"[{}\x01\n]|\bNone\b|tensor\(|array\(|\bnan\b", told), told
        assert len(told) < 600, told
        assert not re.search(r"[{}\x01\n]", formula(trace, event.id))
        first = told.split()[0].strip("`.,:")
        assert first in {*names, "A"} or first[:1].lower() + first[1:] not in names, told


def _share(marks: list[bool]) -> float:
    return sum(marks) / len(marks)


@contextlib.contextmanager
def _ran(text: str, path: Path) -> Iterator[Ran]:
    """A run whose trace is gone afterwards: hundreds that stay open would slow down all that follow."""
    ran = run_program(text, path)
    yield ran
    if ran.trace is not None:
        ran.trace.close()
        path.unlink()


@pytest.fixture
def verdicts(tmp_path: Path) -> Callable:
    """Judges every case of one kind of programs."""

    def _is_mended(text: str, code: str) -> bool:
        with _ran(text, tmp_path / "mended.trace") as again:
            return again.trace is not None and again.trace.failure is None and code not in again.codes

    def _judge(kind: str) -> list:
        found = []
        for case in read_cases(kind):
            with _ran(case.text, tmp_path / "case.trace") as ran:
                failure = ran.trace.failure if ran.trace is not None else None
                error = (failure.type, failure.message) if failure is not None else None
                if ran.trace is None:
                    refusal = check(case.text)
                    error = refused(refusal.message) if isinstance(refusal, Refusal) else None
                fixes = ran.problems[0].fixes[:2] if ran.problems and case.needs_fix else []
                tried = (apply(case.text, fix.edits) for fix in fixes if fix.edits)
                is_fixed = any(_is_mended(text, ran.problems[0].code) for text in tried)
                found.append(judge(case, error, ran.problems, is_fixed))
        return found

    return _judge


def test_broken_programs_are_explained(verdicts: Callable) -> None:
    found = verdicts("errors")
    assert len(found) >= 200
    wrong = [f"{v.case.id}: {v.notes}" for v in found if not v.is_right]
    assert _share([bool(v.is_right) for v in found]) >= 0.95, "\n".join(wrong)
    unnamed = [f"{v.case.id}: {v.notes}" for v in found if not v.is_named]
    assert _share([bool(v.is_named) for v in found]) >= 0.95, "\n".join(unnamed)
    unfixed = [v.case.id for v in found if v.is_fixed is False]
    assert _share([v.is_fixed for v in found if v.is_fixed is not None]) >= 0.7, unfixed


def test_silent_bugs_are_found(verdicts: Callable) -> None:
    found = verdicts("silent")
    assert len(found) >= 30
    missed = [f"{v.case.id}: {v.notes}" for v in found if not v.is_right]
    assert _share([bool(v.is_right) for v in found]) >= 0.9, "\n".join(missed)


@pytest.mark.parametrize("case", _cases("clean"))
def test_clean_program_raises_no_alarm(case: CorpusCase, run: Callable) -> None:
    ran = run(case.text)
    assert ran.trace is not None and ran.trace.failure is None, ran.trace and ran.trace.failure
    assert [(p.code, p.what) for p in ran.problems] == []
    assert_told(ran.trace)


@pytest.mark.parametrize("case", _cases("messages"))
def test_pasted_message_is_explained(case: CorpusCase) -> None:
    told = explain_text(case.text)
    assert (told.code or "unknown") in case.code.split(), told
    said = "\n".join([told.title, told.what, told.why, told.fix, repr(told.facts)])
    assert case.missing(said) == []


def test_every_broken_program_was_recorded_in_torch() -> None:
    assert {case.id for case in read_cases("errors")} == set(recorded())
