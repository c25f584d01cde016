"""Checks fixes by running them: one is verified only when the mended program ran to its end, clean of the problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from graphlab.program.edits import EditError, apply
from graphlab.session.followed import Trial, followed
from graphlab.session.messages import Outcome
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
    trial = try_fix(fix, source, runner, limits, is_cancelled, folder)
    return trial is not None and trial.is_clean(problem, others)


def try_fix(
    fix: Fix,
    source: str,
    runner: Runner,
    limits: Limits,
    is_cancelled: Cancelled = lambda: False,
    folder: str = "",
) -> Trial | None:
    """Run the program with `fix` applied; None where it can't be applied, changes nothing, or was stopped."""
    try:
        mended = apply(source, fix.edits)
    except EditError:
        return None
    if mended == source:
        return None
    limits = msgspec.structs.replace(limits, seconds=min(limits.seconds or SECONDS, SECONDS))
    run = runner.start(RunRequest(mended, limits=limits, folder=folder, is_trial=True))
    try:
        outcome = _finish(run, limits, is_cancelled)
        if outcome is None or not (outcome.is_clean or outcome.status == "failed"):
            return None
        return Trial(mended, outcome.is_clean, _problems_of(run))
    finally:
        runner.discard(run)


def _finish(run: Run, limits: Limits, is_cancelled: Cancelled) -> Outcome | None:
    waited = 0.0
    while True:
        try:
            return run.wait(0.2)
        except TimeoutError:
            waited += 0.2
        if is_cancelled() or waited > limits.seconds + 5:
            run.stop()
            return None


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

    Where no fix alone brings the program to its end, those that uncover the next error are followed: see `followed`.

    Fixes that leave the same error at the same place are left out. Those that need input are not run: what they would
    become is not known yet. `folder`: the program's project, from which it may load; what it saves on trial is not
    kept.
    """
    limits = limits or Limits()
    checked = []
    for problem in problems:
        fixes = []
        trials: list[tuple[Fix, Trial]] = []
        for fix in problem.fixes:
            if not fix.edits or fix.applicability == "needs-input" or is_cancelled():
                fixes.append(fix)
                continue
            trial = try_fix(fix, source, runner, limits, is_cancelled, folder)
            is_clean = trial is not None and trial.is_clean(problem, problems)
            if trial is not None and not is_clean and trial.leaves(problem, source):
                continue  # the same error at the same place: it doesn't help
            if trial is not None:
                trials.append((fix, trial))
            # Nothing is called safe that didn't come out clean.
            word = fix.applicability if is_clean or is_cancelled() else "maybe"
            fixes.append(msgspec.structs.replace(fix, verified=is_clean, applicability=word))
        if problem.severity == "error" and not any(fix.verified for fix in fixes):
            rerun = partial(try_fix, runner=runner, limits=limits, is_cancelled=is_cancelled, folder=folder)
            fixes += followed(problem, trials, source, rerun, problems, is_cancelled)
        fixes.sort(key=lambda fix: not fix.verified)  # those that were seen to help come first
        checked.append(msgspec.structs.replace(problem, fixes=fixes))
    return checked
