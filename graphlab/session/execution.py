"""Inside the worker: one program from text to outcome, recorded or not, with its diagnosis written into the trace."""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import CodeType
from typing import Any, Protocol

import numpy as np

import graphlab.engine
from graphlab import explain
from graphlab.engine import observe, serialization
from graphlab.engine.device import count_cpu, device, memory, set_capacity, set_cpu_limit, set_cuda
from graphlab.i18n import _
from graphlab.program.ahead import Place, ghosts
from graphlab.program.guards import ProgramExit, main_module, namespace
from graphlab.program.language import FILENAME, Checked, Refusal, check
from graphlab.program.library import library
from graphlab.record import failures
from graphlab.record.recorder import Recorder
from graphlab.session.messages import Limits, Outcome, RunRequest, limit_sentence
from graphlab.session.saving import Folder, Memory
from graphlab.session.wording import reword
from graphlab.trace.store import TraceReader, TraceWriter

SEED = 0
"""For `random` and `numpy.random`, which PyTorch's own default seed doesn't reach: a run must be repeatable."""


class Control(Protocol):
    """How the worker's main thread and the program's thread agree on when the program may be interrupted."""

    def enter(self) -> None:
        """The program's code begins."""

    def leave(self) -> None:
        """The program's code is over."""

    def ended(self, limits: Limits) -> Outcome | None:
        """How the program was ended from outside, None if it was not."""


def preload() -> None:
    """Build what every run needs before the program is there."""
    for name in ("torch", "numpy", "random", "sys"):
        library(name)
    graphlab.engine.zeros(1)


def execute(request: RunRequest, prints: Any, control: Control) -> Outcome:
    """Run the program of `request`. Everything that can go wrong in it ends in an `Outcome`."""
    checked = check(request.source)
    if isinstance(checked, Refusal):
        return refused(checked)
    _prepare(request.limits)
    serialization.set_door(Folder(request.folder, request.is_trial) if request.folder else Memory())
    if not request.record:
        outcome, _error = _run(checked, namespace(prints, prints.stderr), request.limits, prints, control)
        return outcome
    return _run_recorded(checked, request, prints, control)


def refused(refusal: Refusal) -> Outcome:
    """The outcome of a program that never began."""
    return Outcome(
        "refused",
        refusal.message,
        error_type="SyntaxError" if refusal.kind == "syntax" else "Refused",
        error_message=refusal.message,
        line=refusal.line,
        column=refusal.column,
        end_line=refusal.end_line,
        end_column=refusal.end_column,
    )


def _prepare(limits: Limits) -> None:
    set_cuda(limits.cuda > 0)
    set_capacity(limits.cuda)
    set_cpu_limit(limits.memory or None)
    random.seed(SEED)
    np.random.seed(SEED)
    np.seterr(all="ignore")  # a setting of each thread: PyTorch computes inf and nan in silence
    sys.setrecursionlimit(limits.recursion)


def _run_recorded(checked: Checked, request: RunRequest, prints: Any, control: Control) -> Outcome:
    writer = TraceWriter(request.trace_path)
    writer.set_meta("source", checked.source)
    recorder = Recorder(writer, FILENAME, source=checked.source)
    prints.listener = recorder.printed
    count_cpu(True)
    names = namespace(prints, prints.stderr, recorder.loop_started, recorder.loop_ended, recorder.loop_emptied)
    observe.set_observer(recorder)
    recorder.watch()
    try:
        outcome, error = _run(checked, names, request.limits, prints, control)
    finally:
        observe.set_observer(None)
        prints.listener = None
    if error is not None and outcome.status in ("failed", "limit"):
        recorder.failed_program(_presentable(error))
        writer.set_meta("ghosts", _ghosts(checked.source, error))
    recorder.finish()
    writer.set_meta("outcome", outcome)
    writer.flush()
    if request.diagnose:
        reader = TraceReader(request.trace_path)
        try:
            writer.set_meta("problems", explain.diagnose(reader))
            writer.set_meta("language", request.language)
        except Exception:  # a diagnosis that fails must not take the run with it
            traceback.print_exc(file=sys.__stderr__)
        finally:
            reader.close()
    writer.close()
    return outcome


def _run(
    checked: Checked, names: dict[str, Any], limits: Limits, prints: Any, control: Control
) -> tuple[Outcome, BaseException | None]:
    """Run the code in its own `__main__`; the outcome, and the exception that ended it."""
    module = main_module(names)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = prints, prints.stderr
    error: BaseException | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            control.enter()
            try:
                exec(checked.code, module.__dict__)
            finally:
                control.leave()
    except BaseException as raised:  # a program may raise anything, and this is its edge
        error = raised
        reword(error, checked.source)
    finally:
        sys.stdout, sys.stderr = before
    ended = control.ended(limits)
    if ended is not None:
        return ended, None
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0, True)):
        return _ok(), None
    if isinstance(error, ProgramExit):
        return _exited(error), None
    if isinstance(error, MemoryError) and not hasattr(error, "facts"):
        return Outcome("limit", limit_sentence("memory", limits), limit="memory"), error
    return _failed(error, checked.source), error


def _ok() -> Outcome:
    return Outcome("ok", "", peak_memory=_peak_memory())


def _exited(error: ProgramExit) -> Outcome:
    """`exit(3)` or `sys.exit("message")`: the program meant to end, and said that something is wrong."""
    return Outcome(
        "failed",
        _("The program ended itself with exit({code!r}).").format(code=error.code),
        error_type="SystemExit",
        error_message=str(error.code),
        line=_line(error),
        peak_memory=_peak_memory(),
    )


def _failed(error: BaseException, source: str) -> Outcome:
    kind = type(error).__name__
    message = _text_of(error)
    line = _line(error)
    sentence = _("{kind} in line {line}: {message}") if line else _("{kind}: {message}")
    first = message.split("\n", 1)[0]
    return Outcome(
        "failed",
        sentence.format(kind=kind, line=line, message=first if first else _("(no message)")),
        error_type=kind,
        error_message=message,
        line=line,
        traceback=failures.traceback_text(_presentable(error), FILENAME, source),
        peak_memory=_peak_memory(),
    )


def _text_of(error: BaseException) -> str:
    try:
        return str(error).encode("utf-8", "backslashreplace").decode()
    except Exception:  # the program's own __str__ may do anything
        return ""


def _presentable(error: BaseException) -> BaseException:
    """`error`, or a likeness of it where its text cannot be asked for or stored."""
    text = _text_of(error)
    with contextlib.suppress(Exception):
        if str(error) == text:
            return error
    likeness: BaseException = type(type(error).__name__, (Exception,), {})(text)
    return likeness.with_traceback(error.__traceback__)


def _line(error: BaseException) -> int:
    trail = failures.own_frames(error, FILENAME)
    return trail[-1][2] if trail else 0


def _peak_memory() -> dict[str, int]:
    peaks = {}
    for name in ("cpu", "cuda"):
        peak = memory(device(name))[1]
        if peak:
            peaks["cuda:0" if name == "cuda" else name] = peak
    return peaks


def _ghosts(source: str, error: BaseException) -> list[Any]:
    lines = source.splitlines()
    places = [_place(code, lasti, line, lines) for code, lasti, line, *_ in failures.own_frames(error, FILENAME)]
    if not places:
        return []
    places.reverse()
    return ghosts(source, places[0], places[1:20])


def _place(code: CodeType, lasti: int, line: int, lines: Sequence[str]) -> Place:
    position = next(itertools.islice(code.co_positions(), lasti // 2, None), (None,) * 4)
    start, end, column, end_column = position
    if start is None or end is None or column is None or end_column is None:
        return Place(line)
    return Place(start, _characters(lines, start, column), end, _characters(lines, end, end_column))


def _characters(lines: Sequence[str], line: int, n_bytes: int) -> int:
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return len(text.encode("utf-8", "replace")[:n_bytes].decode("utf-8", "replace"))
