"""Programs with several mistakes: a right fix uncovers the next error, whose fixes go on from there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from graphlab.i18n import _
from graphlab.trace.records import Edit, Fix, Problem

MAX_RUNS = 8
"""Further runs that a problem may cost whose own fixes did not suffice."""
MAX_STEPS = 4
"""Fixes that are put together at most."""
TRIED_OF_ONE = 3
"""Fixes of an uncovered error that are tried."""


class Trial(NamedTuple):
    """What became of a mended program: its text, whether it ran to its end, and what was found in it."""

    text: str
    is_finished: bool
    problems: list[Problem]

    def is_clean(self, problem: Problem, others: Sequence[Problem]) -> bool:
        """Whether it ended well, without that problem, and without an error or warning that wasn't there before."""
        n = sum(each.code == problem.code for each in others)
        if not self.is_finished or sum(each.code == problem.code for each in self.problems) >= max(1, n):
            return False
        known = {(each.code, each.title) for each in others}
        return not any(each.severity == "error" or _is_new(each, known) for each in self.problems)

    def leaves(self, problem: Problem, source: str) -> bool:
        """Whether it ended with the very error that it was to mend, on the same line."""
        error = self.error
        return problem.severity == "error" and error is not None and _place(error, self.text) == _place(problem, source)

    @property
    def error(self) -> Problem | None:
        """The error that ended it."""
        return None if self.is_finished else next((p for p in self.problems if p.severity == "error"), None)


def _is_new(problem: Problem, known: set[tuple[str, str]]) -> bool:
    return problem.severity == "warning" and problem.code not in {code for code, _title in known}


Rerun = Callable[[Fix, str], Trial | None]


def followed(
    problem: Problem,
    trials: Sequence[tuple[Fix, Trial]],
    source: str,
    rerun: Rerun,
    others: Sequence[Problem],
    is_cancelled: Callable[[], bool] = lambda: False,
) -> list[Fix]:
    """One fix made of several, each of which got the program further, the last to its end; [] where none is found.

    It changes more than its reader asked for, so it is never called safe.
    """
    queue = [
        ([fix.title], trial)
        for fix, trial in trials
        if trial.error is not None
        and not _drops_data(fix)
        and _place(trial.error, trial.text) != _place(problem, source)
    ]
    n = 0
    while queue:
        titles, trial = queue.pop(0)
        error = trial.error
        if error is None:
            continue
        fixes = [f for f in error.fixes if f.edits and f.applicability != "needs-input" and not _drops_data(f)]
        for fix in fixes[:TRIED_OF_ONE]:
            if n == MAX_RUNS or is_cancelled():
                return []
            n += 1
            again = rerun(fix, trial.text)
            if again is None:
                continue
            said = [*titles, _("then, on line {line}: {fix}").format(line=error.line, fix=fix.title)]
            if again.is_clean(problem, others):
                return [Fix("; ".join(said), "maybe", edits_between(source, again.text), verified=True)]
            here = _place(error, trial.text)
            if again.error is not None and _place(again.error, again.text) != here and len(said) < MAX_STEPS:
                queue.append((said, again))
    return []


def _drops_data(fix: Fix) -> bool:
    """Whether a fix cuts a part off, `y[:4]`: it may be meant alone, and hides mistakes among others."""
    return any(re.match(r"\[[^\]]*?(?:\w\s*:|:\s*[\w(-])", edit.text) for edit in fix.edits)


def _place(problem: Problem, text: str) -> tuple[int, str, str]:
    """Where and what an error is, counted from the end of the program, since fixes add lines before it."""
    return problem.line - text.count("\n"), problem.code, problem.title


def edits_between(before: str, after: str) -> list[Edit]:
    """Edits of whole lines that make one text of another."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [Edit(i + 1, 0, j + 1, 0, "".join(new[k:m])) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"]
