"""What graphlab/explain/pages.json keeps of the programs in the catalogue is what they do now."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inprocess import Ran

from graphlab.explain import DIAGNOSES, pages

Runner = Callable[[str], Ran]
KEPT = sorted(code for code, kept in pages.recorded().items() if kept.message or kept.picture or kept.softmax)


@pytest.mark.parametrize("code", KEPT)
def test_recorded_page_is_what_the_program_does(run: Runner, code: str) -> None:
    kept = pages.recorded()[code]
    ran = run(DIAGNOSES[code].program)
    problem = next(p for p in ran.problems if p.code == code)
    assert problem.picture == kept.picture
    assert (problem.softmax is None) == (kept.softmax is None)
    if kept.message and ran.trace is not None and ran.trace.failure is not None:
        assert kept.message.startswith(ran.trace.failure.type)
        assert ran.trace.failure.message in kept.message


def test_unknown_code_has_no_page() -> None:
    assert pages.page("GL000") is None


def test_page_marks_the_lines_that_mend() -> None:
    page = pages.page("GL101")
    assert page is not None
    assert "-print(x + b)" in page.change and "+print(x + b.unsqueeze(1))" in page.change
    assert page.change[0] == " import torch"
