"""Every entry of the catalogue: its program is diagnosed as it says, the mended one is clean, the texts are whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Formatter

import pytest

from graphlab.explain import DIAGNOSES, Severity, explain_code, explain_text
from graphlab.explain.catalogue import Diagnosis

ENTRIES = [pytest.param(entry, id=code) for code, entry in sorted(DIAGNOSES.items())]
LIMITED = {"GL805"}
"""Entries for what only the worker's limits end."""


def assert_whole(*texts: str) -> None:
    """No placeholder, None or half a sentence is left in texts that are shown."""
    for text in texts:
        assert text.strip(), "a text is empty"
        assert not re.search(r"\{[a-z_]*\}|\bNone\b|\bnan\b|``|  |\.\.(?!\.)", text), text
        assert text[0].isupper() or not text[0].isalpha(), text


@pytest.mark.parametrize("entry", ENTRIES)
def test_program_is_diagnosed_as_its_entry(entry: Diagnosis, run: Callable) -> None:
    if entry.code in LIMITED:
        pytest.skip("ended by the limits of the worker")
    ran = run(entry.program)
    failure = ran.trace.failure if ran.trace is not None else None
    assert ran.codes == [entry.code], failure
    problem = ran.problem
    assert_whole(problem.title, problem.what, problem.why, problem.fix, *(f.title for f in problem.fixes))
    assert problem.line > 0 or entry.code == "GL601"
    assert problem.severity == str(entry.severity)


@pytest.mark.parametrize("entry", ENTRIES)
def test_mended_program_is_clean(entry: Diagnosis, run: Callable) -> None:
    ran = run(entry.mended)
    assert ran.trace is not None, ran.problems
    assert ran.trace.failure is None
    assert ran.codes == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_page_of_an_entry_is_whole(entry: Diagnosis) -> None:
    page = explain_code(entry.code)
    assert page is not None
    assert page.code == entry.code
    assert_whole(page.title, page.what, page.why, page.fix)
    assert explain_text(entry.code.lower()).title == page.title


@pytest.mark.parametrize("entry", ENTRIES)
def test_templates_name_their_placeholders(entry: Diagnosis) -> None:
    for template in (entry.title, entry.what, entry.why, entry.fix):
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
        assert all(name.isidentifier() for name in names), template


def test_codes_are_unknown_or_known() -> None:
    assert explain_code("GL999") is None
    assert {entry.severity for entry in DIAGNOSES.values()} <= set(Severity)
