"""Runs small programs through the real language, engine and recorder, and reads what they left behind."""

from __future__ import annotations

import gc
import io
import itertools
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from graphlab.engine import observe
from graphlab.engine.device import count_cpu, set_capacity, set_cuda
from graphlab.explain import diagnose, problem_for_refusal
from graphlab.program.guards import main_module, namespace
from graphlab.program.language import FILENAME, Refusal, check
from graphlab.record.recorder import Recorder
from graphlab.session.wording import reword
from graphlab.trace.records import Edit, Problem
from graphlab.trace.store import TraceReader, TraceWriter

CAPACITY = 8 * 2**30


class Prints(io.StringIO):
    """Where a program prints; hands what it gets on to the recorder."""

    listener: Callable[[str], None] | None = None

    def write(self, text: str) -> int:
        if self.listener is not None:
            self.listener(text)
        return super().write(text)


class Ran:
    """A program that was run: its trace, its problems, what it printed."""

    def __init__(self, source: str, trace: TraceReader | None, problems: list[Problem], printed: str) -> None:
        self.source = source
        self.trace = trace
        self.problems = problems
        self.printed = printed

    @property
    def codes(self) -> list[str]:
        """The codes of its problems."""
        return [problem.code for problem in self.problems]

    @property
    def problem(self) -> Problem:
        """Its most important problem."""
        assert self.problems, f"no problem found in:\n{self.source}"
        return self.problems[0]


def run_program(source: str, path: Path) -> Ran:
    """Run a program as the worker does, but in this process and without limits."""
    checked = check(source)
    if isinstance(checked, Refusal):
        return Ran(source, None, [problem_for_refusal(checked, source)], "")
    set_cuda(True)
    set_capacity(CAPACITY)
    writer = TraceWriter(path)
    writer.set_meta("source", source)
    recorder = Recorder(writer, FILENAME, source=source)
    prints = Prints()
    prints.listener = recorder.printed
    names = namespace(prints, None, recorder.loop_started, recorder.loop_ended, recorder.loop_emptied)
    module = main_module(names)
    count_cpu(True)
    before = sys.getrecursionlimit()
    error: BaseException | None = None
    observe.set_observer(recorder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sys.setrecursionlimit(400)
            exec(checked.code, module.__dict__)
    except Exception as raised:  # a program may raise anything
        reword(raised, source)
        error = raised
    finally:
        sys.setrecursionlimit(before)
        observe.set_observer(None)
        count_cpu(False)
    if error is not None:
        recorder.failed_program(error)
    recorder.finish()
    error = None
    module.__dict__.clear()  # what the program made counts as memory in use until it is gone
    gc.collect()
    writer.flush()
    writer.close()
    trace = TraceReader(path)
    return Ran(source, trace, diagnose(trace), prints.getvalue())


def apply(source: str, edits: list[Edit]) -> str:
    """The text after edits, each given in the places of the text before."""
    lines = source.splitlines(keepends=True)
    starts = list(itertools.accumulate((len(line) for line in lines), initial=0))

    def offset(line: int, column: int) -> int:
        return min(starts[min(line - 1, len(lines))] + column, len(source))

    for edit in sorted(edits, key=lambda e: (e.line, e.column), reverse=True):
        start, end = offset(edit.line, edit.column), offset(edit.end_line, edit.end_column)
        source = source[:start] + edit.text + source[end:]
    return source
