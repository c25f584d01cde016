"""Runs the corpus and prints the scoreboard; through the worker, as a user does, or with --quick in this process.

`--write` writes docs/EXPLANATIONS.md; `--show` prints each case that failed; words pick cases by their names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "explain"))

from corpus import CorpusCase, Verdict, judge, read_cases, refused, said_by  # noqa: E402
from inprocess import apply, run_program  # noqa: E402

from graphlab.explain import explain_text, problem_for_refusal  # noqa: E402
from graphlab.program.language import Refusal, check  # noqa: E402
from graphlab.session.runner import Limits, Runner, RunRequest  # noqa: E402
from graphlab.session.verify import verify  # noqa: E402
from graphlab.trace.records import Problem  # noqa: E402
from graphlab.trace.store import TraceReader  # noqa: E402

Outcome = tuple[tuple[str, str] | None, list[Problem], bool]
Judge = Callable[[CorpusCase], Outcome]


def quickly(case: CorpusCase) -> Outcome:
    """Run in this process; fixes are checked in it as well."""
    with tempfile.TemporaryDirectory() as folder:
        ran = run_program(case.text, Path(folder) / "a.trace")
        error = None
        if ran.trace is not None:
            failure = ran.trace.failure
            error = (failure.type, failure.message) if failure is not None else None
            ran.trace.close()
        else:
            refusal = check(case.text)
            if isinstance(refusal, Refusal):
                error = refused(refusal.message)
        is_fixed = False
        fixes = [f for p in ran.problems[:1] for f in p.fixes if f.edits and f.applicability != "needs-input"]
        for number, fix in enumerate(fixes):
            again = run_program(apply(case.text, fix.edits), Path(folder) / f"{number}.trace")
            if again.trace is None:
                continue
            is_clean = again.trace.failure is None and ran.problems[0].code not in again.codes
            again.trace.close()
            is_fixed = is_fixed or is_clean
        return error, ran.problems, is_fixed


def through_worker(runner: Runner) -> Judge:
    """Run and check fixes in worker processes."""

    def run(case: CorpusCase) -> Outcome:
        limits = Limits(seconds=20.0)
        refusal = check(case.text)
        if isinstance(refusal, Refusal):
            problems = [problem_for_refusal(refusal, case.text)]
            error: tuple[str, str] | None = refused(refusal.message)
        else:
            started = runner.start(RunRequest(case.text, limits=limits))
            outcome = started.wait(30)
            error = None if outcome.is_clean else (outcome.error_type or outcome.status, outcome.error_message or "")
            reader = TraceReader(started.trace_path)
            problems = reader.problems
            reader.close()
            runner.discard(started)
        is_fixed = case.id.startswith("errors/") and any(
            verify(problem, fix, case.text, runner, limits, problems)
            for problem in problems[:1]
            for fix in problem.fixes
            if fix.edits and fix.applicability != "needs-input"
        )
        return error, problems, is_fixed

    return run


def judged(kind: str, words: list[str], run: Judge) -> list[Verdict]:
    """Verdicts on the cases of one kind."""
    found = []
    for case in read_cases(kind):
        if words and not any(word in case.id for word in words):
            continue
        error, problems, is_fixed = run(case)
        if kind == "clean":
            verdict = Verdict(case, [p.code for p in problems], is_right=not problems and error is None)
            if error is not None:
                verdict.notes.append(f"fails: {error}")
            verdict.notes += [f"false alarm {p.code}: {said_by(p)}" for p in problems if error is None]
        else:
            verdict = judge(case, error, problems, is_fixed)
            if kind == "silent" and error is not None:
                verdict.notes.append(f"fails: {error}")
        found.append(verdict)
    return found


def messages(words: list[str]) -> list[Verdict]:
    """Verdicts on pasted messages."""
    found = []
    for case in read_cases("messages"):
        if words and not any(word in case.id for word in words):
            continue
        told = explain_text(case.text)
        verdict = Verdict(case, [told.code or "unknown"], is_right=(told.code or "unknown") in case.code.split())
        said = "\n".join([told.title, told.what, told.why, told.fix, repr(told.facts)])
        missing = case.missing(said)
        verdict.is_named = not missing
        if not verdict.is_right:
            verdict.notes.append(f"told {told.code}, wanted {case.code}: {told.what}")
        if missing:
            verdict.notes.append(f"not named: {missing} in {said!r}")
        found.append(verdict)
    return found


def share(verdicts: list[Verdict], mark: str) -> tuple[int, int]:
    """How many have a mark, of those that could."""
    marks = [getattr(v, mark) for v in verdicts if getattr(v, mark) is not None]
    return sum(marks), len(marks)


def table(verdicts: dict[str, list[Verdict]]) -> list[tuple[str, int, int, str]]:
    """Rows of the scoreboard: what, how many, of how many, what must be reached."""
    broken, silent, pasted, clean = (verdicts[k] for k in ("errors", "silent", "messages", "clean"))
    n_fixed = sum(bool(v.is_fixed) for v in broken)
    alarms = sum(not v.is_right for v in clean)
    return [
        ("exception type and message equal to torch's", *share(broken, "is_same_error"), "≥ 97 %"),
        ("right diagnosis of a broken program", *share(broken, "is_right"), "≥ 95 %"),
        ("every needed fact named", *share(broken, "is_named"), "≥ 95 %"),
        ("a checked fix offered", n_fixed, len(broken), "≥ 70 %"),
        ("… where one is expected", *share(broken, "is_fixed"), ""),
        ("silent bugs found", *share(silent, "is_right"), "≥ 90 %"),
        ("pasted messages explained", *share(pasted, "is_right"), "≥ 95 %"),
        ("… with every needed fact", *share(pasted, "is_named"), "≥ 95 %"),
        ("clean programs with a false alarm", alarms, len(clean), "0"),
    ]


def page(rows: list[tuple[str, int, int, str]], verdicts: dict[str, list[Verdict]]) -> str:
    """docs/EXPLANATIONS.md."""
    lines = [
        "# How well errors are explained",
        "",
        "Written by `make corpus` from the programs and messages in tests/corpus; every broken one was run in",
        "PyTorch 2.13, whose exception is the one to reach. Each runs here in a worker process, as a user's would.",
        "",
        "| what | reached | of | share | must reach |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {what} | {n} | {of} | {100 * n / max(of, 1):.1f} % | {goal} |" for what, n, of, goal in rows]
    missed = [
        (v.case.id, ", ".join(v.codes) or "nothing", v.case.code or "nothing")
        for kind in verdicts.values()
        for v in kind
        if not v.is_right
    ]
    lines += ["", "## What is still missed", ""]
    lines += ["| case | diagnosed | wanted |", "|---|---|---|"] if missed else ["Nothing of what is in the corpus."]
    lines += [f"| {id_} | {codes} | {wanted} |" for id_, codes, wanted in missed]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in this process, without workers")
    parser.add_argument("--show", action="store_true", help="print what failed")
    parser.add_argument("--write", action="store_true", help="write docs/EXPLANATIONS.md")
    parser.add_argument("words", nargs="*", help="only cases whose name has one of these")
    options = parser.parse_args()
    with Runner(keep_warm=True) as runner:
        run: Judge = quickly if options.quick else through_worker(runner)
        verdicts = {kind: judged(kind, options.words, run) for kind in ("errors", "silent", "clean")}
    verdicts["messages"] = messages(options.words)
    if options.show:
        for kind in verdicts.values():
            for verdict in kind:
                for note in verdict.notes:
                    print(f"{verdict.case.id}: {note}")
    rows = table(verdicts)
    for what, n, of, goal in rows:
        print(f"{what:<48} {n:>4} of {of:>4}  {100 * n / max(of, 1):6.1f} %  {goal}")
    if options.write:
        (ROOT / "docs" / "EXPLANATIONS.md").write_text(page(rows, verdicts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
