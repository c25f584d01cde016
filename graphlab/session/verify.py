"""Checks fixes by running them: one is verified only when the mended program ran to its end, clean of the problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from graphlab.program.edits import EditError, apply
from graphlab.session.runner import Limits, Run, Runner, RunRequest
from graphlab.trace.records import Fix, Problem
from graphlab.trace.store import TraceReader

SECONDS = 20.0
"""A check never takes longer, whatever the program's own limit is."""

Cancelled = Callable[[], bool]


def verify(
    problem: Problem,
    fix: Fix,
    source: str,
    runner: Runner,
    limits: Limits,
    others: Sequence[Problem] = (),
    is_cancelled: Cancelled = lambda: False,
    folder: str = "",
) -> bool:
    """Whether the program with `fix` applied ends well, has no problem of that code, and no error it had not before.

    `others`: the problems of the program as it is; `folder`: its project. Blocks for as long as the run takes; call
    it from a thread.
    """
    try:
        mended = apply(source, fix.edits)
    except EditError:
        return False
    if mended == source:
        return False
    limits = msgspec.structs.replace(limits, seconds=min(limits.seconds or SECONDS, SECONDS))
    run = runner.start(RunRequest(mended, limits=limits, folder=folder, is_trial=True))
    try:
        if not _finish(run, limits, is_cancelled):
            return False
        left = _problems_of(run)
    finally:
        runner.discard(run)
    known = {(each.code, each.title) for each in others}
    if sum(each.code == problem.code for each in left) >= max(1, sum(each.code == problem.code for each in others)):
        return False
    return not any(each.severity == "error" or _is_new(each, known) for each in left)


def _is_new(problem: Problem, known: set[tuple[str, str]]) -> bool:
    return problem.severity == "warning" and problem.code not in {code for code, _title in known}


def _finish(run: Run, limits: Limits, is_cancelled: Cancelled) -> bool:
    waited = 0.0
    while True:
        try:
            return run.wait(0.2).is_clean
        except TimeoutError:
            waited += 0.2
        if is_cancelled() or waited > limits.seconds + 5:
            run.stop()
            return False


def _problems_of(run: Run) -> list[Problem]:
    reader = TraceReader(run.trace_path)
    try:
        return reader.problems
    finally:
        reader.close()


def verify_fixes(
    problems: Sequence[Problem],
    source: str,
    runner: Runner,
    limits: Limits | None = None,
    is_cancelled: Cancelled = lambda: False,
    folder: str = "",
) -> list[Problem]:
    """The same problems with `verified` set on each fix that was checked by a re-run.

    Fixes that need input are not run: what they would become is not known yet. `folder`: the program's project, from
    which it may load; what it saves on trial is not kept.
    """
    limits = limits or Limits()
    checked = []
    for problem in problems:
        fixes = []
        for fix in problem.fixes:
            if not fix.edits or fix.applicability == "needs-input" or is_cancelled():
                fixes.append(fix)
                continue
            is_clean = verify(problem, fix, source, runner, limits, problems, is_cancelled, folder)
            # Nothing is called safe that didn't come out clean.
            word = fix.applicability if is_clean or is_cancelled() else "maybe"
            fixes.append(msgspec.structs.replace(fix, verified=is_clean, applicability=word))
        fixes.sort(key=lambda fix: not fix.verified)  # those that were seen to help come first
        checked.append(msgspec.structs.replace(problem, fixes=fixes))
    return checked
