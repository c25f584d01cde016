"""What checks found stays when problems are told again in other words."""

from __future__ import annotations

from graphlab.trace.records import Edit, Fix, Problem
from graphlab.ui.rewording import with_checks


def problem(*fixes: Fix, title: str = "t", line: int = 4) -> Problem:
    return Problem("GL101", "error", title, "w", "y", "f", line, line, fixes=list(fixes))


def fix(title: str, text: str, verified: bool = False) -> Fix:
    return Fix(title, "maybe", [Edit(1, 0, 1, 1, text)], verified)


def test_checks_are_kept_in_other_words() -> None:
    before = problem(fix("a", "x", verified=True), fix("b", "y"))
    told = problem(fix("甲", "x"), fix("乙", "y"), title="题")
    assert [(f.title, f.verified) for f in with_checks([told], [before])[0].fixes] == [("甲", True), ("乙", False)]


def test_fix_that_checks_put_together_is_kept_with_its_problem() -> None:
    before = problem(fix("a; then, on line 6: b", "z", verified=True), fix("a", "x"))
    told = [problem(fix("甲", "x"), title="题"), problem(fix("丙", "w"), line=9)]
    kept = with_checks(told, [before])
    assert [f.verified for f in kept[0].fixes] == [True, False]
    assert [f.title for f in kept[0].fixes] == ["a; then, on line 6: b", "甲"]
    assert [f.title for f in kept[1].fixes] == ["丙"]
