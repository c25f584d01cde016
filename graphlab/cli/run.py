"""`graphlab run`: a program without a window. Its prints go to stdout as they come, problems to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

import msgspec

from graphlab import explain
from graphlab.cli.command import fail
from graphlab.cli.report import problem_text
from graphlab.i18n import _
from graphlab.program.language import Refusal, check
from graphlab.session.projects import ProjectError, open_document, save_trace
from graphlab.session.runner import Outcome, Printed, Run, Runner, RunRequest
from graphlab.session.verify import verify_fixes
from graphlab.trace.records import Problem
from graphlab.trace.store import TraceError, TraceReader

EXIT = {"ok": 0, "failed": 1, "refused": 1, "crashed": 1, "stopped": 1, "limit": 3}


class Result(msgspec.Struct):
    """What `run --json` prints."""

    ok: bool
    stdout: str
    losses: dict[str, list[list[float]]]
    error: dict[str, Any] | None
    problems: list[dict[str, Any]]
    iterations: int
    events: int
    peak_memory: dict[str, int]


def run(path: str, as_json: bool, trace: str | None, seconds: float | None, no_verify: bool) -> int:
    """Run FILE; returns 0 when it ended well, 1 when it failed, 2 when it cannot be read, 3 when a limit ended it."""
    try:
        document = open_document(path)
    except ProjectError as error:
        return fail(str(error))
    if document.kind == "trace" and not document.source:
        return fail(_("this trace holds no program to run. Open it in the window instead. ({path})").format(path=path))
    limits = document.settings.limits
    if seconds is not None:
        limits = msgspec.structs.replace(limits, seconds=seconds)
    with Runner(keep_warm=False) as runner:
        folder = str(document.path) if document.kind == "project" else ""
        run = runner.start(RunRequest(document.source, limits=limits, folder=folder))
        printed, outcome = _follow(run, None if as_json else sys.stdout)
        if trace is not None and outcome.status != "refused" and Path(run.trace_path).exists():
            try:
                save_trace(run.trace_path, trace)
            except ProjectError as error:
                return fail(str(error))
        result, problems = _result(run, outcome, printed)
        if not no_verify and problems:
            problems = verify_fixes(problems, document.source, runner, limits, folder=folder)
        result.problems = [_plain(problem) for problem in problems]
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    else:
        _report(outcome, problems, document.source, printed)
    return EXIT[outcome.status]


def _follow(run: Run, live: TextIO | None) -> tuple[str, Outcome]:
    parts: list[str] = []
    while True:
        try:
            run.wait(0.05)
        except TimeoutError:
            pass
        except KeyboardInterrupt:
            run.stop()
        for message in run.poll():
            if isinstance(message, Printed):
                if message.stream == "stdout":
                    parts.append(message.text)
                if live is not None:
                    target = live if message.stream == "stdout" else sys.stderr
                    target.write(message.text)
                    target.flush()
            elif isinstance(message, Outcome):
                return "".join(parts), message


def _result(run: Run, outcome: Outcome, printed: str) -> tuple[Result, list[Problem]]:
    error = None
    if not outcome.is_clean:
        type_ = outcome.error_type or {"limit": "Limit", "stopped": "Stopped"}.get(outcome.status, "Crash")
        error = {"type": type_, "message": outcome.error_message or outcome.sentence, "line": outcome.line}
    result = Result(outcome.is_clean, printed, {}, error, [], 0, 0, outcome.peak_memory)
    if outcome.status == "refused":
        refusal = check(run.request.source)
        return result, [explain.problem_for_refusal(refusal, run.request.source)] if isinstance(
            refusal, Refusal
        ) else []
    try:
        reader = TraceReader(run.trace_path)
    except TraceError:  # the worker was gone before it began one
        return result, []
    try:
        for loss in reader.losses:
            result.losses.setdefault(loss.name, []).append([loss.iteration, loss.value])
        result.iterations = sum(section.kind == "iteration" for section in reader.sections)
        result.events = len(reader.events)
        return result, reader.problems
    finally:
        reader.close()


def _plain(problem: Problem) -> dict[str, Any]:
    """A problem as DESIGN.md writes it: without what only the window draws."""
    fields: dict[str, Any] = msgspec.to_builtins(problem)
    names = ("code", "severity", "title", "what", "why", "fix", "line", "end_line", "facts", "fixes")
    return {name: fields[name] for name in names}


def _report(outcome: Outcome, problems: list[Problem], source: str, printed: str) -> None:
    if printed and not printed.endswith("\n"):
        sys.stdout.write("\n")
        sys.stdout.flush()
    out = sys.stderr
    if outcome.traceback and outcome.status == "failed":
        print(outcome.traceback.rstrip(), file=out)
    for problem in problems:
        print(f"\n{problem_text(problem, source)}", file=out)
    if (
        outcome.sentence
        and (outcome.status != "failed" or not (problems or outcome.traceback))
        and not (outcome.status == "refused" and problems)
    ):
        print(f"graphlab: {outcome.sentence}", file=out)
