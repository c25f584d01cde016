"""Runs the program of the window and shows how it goes. One timer polls the run; nothing here waits for the worker."""

from __future__ import annotations

import gc
import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot
from shiboken6 import isValid

from graphlab import i18n
from graphlab.i18n import N_, _, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from graphlab.session.messages import Outcome, RunRequest
    from graphlab.session.runner import Run, Runner
    from graphlab.trace.records import Problem
    from graphlab.trace.store import TraceReader
    from graphlab.ui.panels.console import Console
    from graphlab.ui.rewording import Rewording
    from graphlab.ui.verification import Verification
    from graphlab.ui.window import MainWindow

POLL = 33  # ms
WARM_UP = 300  # ms after the window was painted, when its own imports are done
TELL = 0.1
"""Seconds between two tellings that the shown trace has grown; the plots of a fast run grow smoothly enough by that."""
FOLLOW = 0.25
"""Seconds between two moves to the newest event while the program runs; more where drawing takes long."""

MIB = 2**20
NO_TENSORS = N_("The program made no tensors, so there is no graph to show. Its output is in the console.")
LONG_SOURCE = 200_000
"""Characters of a refused program that the window reads itself for a better explanation."""


class Controller(QObject):
    """Owns the runner, the run that goes on and the trace that is shown.

    Signals:
        run_ended(str): a run is over; its status as in `Outcome`
        fixes_checked: the verification of fixes is over
    """

    run_ended = Signal(str)
    fixes_checked = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._state = window.state
        self._runner: Runner | None = None
        self._run: Run | None = None
        self._shown_run: Run | None = None  # the one whose trace is shown; it keeps the trace file
        self._reader: TraceReader | None = None  # of the run that goes on, before it is shown
        self._place: tuple[int, int] | None = None  # section and event in it, before the program was run again
        self._node = ("", -1)  # the selected node, and its event counted from the section's first
        self._followed_to = -1
        self._next_follow = 0.0
        self._next_tell = 0.0
        self._has_grown = False  # since the panels were told
        self._stages: list[Callable[[], object]] = []  # what comes next, one a turn: input and painting go between
        self._outcome: Outcome | None = None  # known, while the rest of the trace is read
        self._verification: Verification | None = None
        self._rewording: Rewording | None = None
        self._ending: list[QThread] = []  # cancelled ones that have not ended yet
        self._ended: tuple[RunRequest, Outcome] | None = None  # whose problems are shown, unless a saved trace's are
        self._diagnosed: Path | None = None  # the trace that the shown problems were found in
        self._timer = QTimer(self)
        self._timer.setInterval(POLL)
        self._timer.timeout.connect(self._poll)
        self._warm_up = QTimer(self)
        self._warm_up.setSingleShot(True)
        self._warm_up.setInterval(WARM_UP)
        self._warm_up.timeout.connect(self._runner_now)

    # Commands

    def warm_up(self) -> None:
        """Start the worker that waits for the first run."""
        self._warm_up.start()

    def _runner_now(self) -> Runner:
        if self._runner is None:
            from graphlab.session.runner import Runner

            self._runner = Runner()
        return self._runner

    def run(self) -> None:
        """Run the program in the editor."""
        if self._state.run_state != "idle":
            return
        self.run_source(self._window.editor.toPlainText())

    def run_source(self, source: str) -> None:
        """Run a program text."""
        from graphlab.session.messages import Limits, RunRequest

        self._cancel_verification()
        self._cancel_rewording()
        settings = self._window.settings
        limits = self._window.files.limits or Limits(
            seconds=settings.get("run/time_limit"),
            memory=settings.get("run/memory_limit") * MIB,
            characters=settings.get("run/output_limit") * 1024,
            cuda=int(settings.get("run/gpu_capacity") * 2**30),
        )
        self._window.message_bar.dismiss(topic="run")
        self._window.show_work()
        self.console.clear()
        trace = self._state.trace
        self._place = None
        if trace is not None and 0 <= self._state.section < len(trace.sections):
            self._place = (self._state.section, self._state.event - trace.sections[self._state.section].first)
        self._node = (self._state.node, -1)
        if self._place is not None and self._state.node_event >= 0:
            self._node = (self._state.node, self._state.node_event - trace.sections[self._place[0]].first)
        self._reader = None
        self._followed_to = -1
        self._next_follow = 0.0
        self._outcome = None
        self._has_grown = False
        self._stages = []
        self._run = self._runner_now().start(RunRequest(source, limits=limits, folder=self._window.files.folder))
        self._state.set_run_state("running")
        self._window.tell(lambda: _("Running…"))
        self._timer.start(POLL)

    def stop(self) -> None:
        """End the program; what it computed stays."""
        if self._run is not None and self._state.run_state == "running":
            self._state.set_run_state("stopping")
            self._run.stop()

    @property
    def console(self) -> Console:
        """The panel with the output."""
        return self._window.panel("console")  # type: ignore[return-value]

    @property
    def process_id(self) -> int:
        """The process of the run that goes on, 0 when there is none."""
        return self._run.process_id if self._run is not None else 0

    # While it runs

    def _poll(self) -> None:
        from graphlab.session.messages import Outcome, Printed

        run = self._run
        if run is None:
            self._timer.stop()
            return
        if self._stages:
            self._stages.pop(0)()
            self._pace()
            return
        printed = []
        for message in run.poll():
            if isinstance(message, Printed):
                printed.append(message.text)
            elif isinstance(message, Outcome):
                self._outcome = message
        if printed:
            self.console.append("".join(printed))
        is_behind = self._read_trace(run)
        if self._outcome is None or is_behind or self._stages:
            self._pace()
            return
        self._timer.stop()
        outcome, self._outcome = self._outcome, None
        self._end(run, outcome)

    def _pace(self) -> None:
        """Go on soon; at once where something waits, or where nothing else is to come."""
        wanted = 0 if self._stages or self._outcome is not None else POLL
        if self._run is not None and (self._timer.interval() != wanted or not self._timer.isActive()):
            self._timer.start(wanted)

    def _read_trace(self, run: Run) -> bool:
        """Show some of what the trace has more; a trace is shown from its first event on. True when there is more."""
        from graphlab.trace.store import TraceError, TraceReader
        from graphlab.ui.reading import SLICE, index, read_slice

        try:
            if self._reader is None:
                self._reader = TraceReader(run.trace_path, SLICE)
                index(self._reader)
                grew = True
            else:
                grew = read_slice(self._reader)
        except TraceError as error:
            if self._outcome is not None and self._reader is not None:
                self._window.message_bar.say(str(error), "error", topic="run")
            return False  # the worker has not made the file yet
        reader = self._reader
        self._has_grown = self._has_grown or grew
        is_other = reader is not self._state.trace
        is_last = self._outcome is not None and not reader.is_behind
        is_due = is_other or is_last or time.monotonic() >= self._next_tell
        if self._has_grown and reader.events and is_due:
            gc.freeze()  # the records form no cycles; looking for some among them would stop the window now and then
            self._stages = [partial(self._show_growth, run, reader), self._follow]
        return reader.is_behind

    def _show_growth(self, run: Run, reader: TraceReader) -> None:
        now = time.monotonic()
        self._has_grown = False
        if reader is not self._state.trace:
            self._show(run, reader)
        else:
            self._state.tell_growth()
            n = len(reader.events)
            self._window.tell(lambda: ngettext("Running… {n} step", "Running… {n} steps", n).format(n=f"{n:,}"))
        self._next_tell = time.monotonic() + max(TELL, 4 * (time.monotonic() - now))

    def _show(self, run: Run, reader: TraceReader) -> None:
        old_trace, old_run = self._state.trace, self._shown_run
        self._shown_run = run
        self._state.show_trace(reader)
        self._let_go(old_trace, old_run)

    def _let_go(self, trace: TraceReader | None, run: Run | None) -> None:
        if trace is not None:
            trace.close()
            gc.unfreeze()
        if run is not None and self._runner is not None:
            self._runner.discard(run)

    def _follow(self) -> None:
        """Go along with the newest event, as long as the reader has not gone elsewhere."""
        now = time.monotonic()
        if now < self._next_follow or self._state.trace is None:
            return
        if self._followed_to >= 0 and self._state.event != self._followed_to:
            return
        if self._place is not None:
            return  # run again: the view stays where it was
        self._state.seek(len(self._state.trace.events) - 1)
        self._followed_to = self._state.event
        self._next_follow = time.monotonic() + max(FOLLOW, 8 * (time.monotonic() - now))

    # When it is over

    def _end(self, run: Run, outcome: Outcome) -> None:
        self._run = None
        reader, self._reader = self._reader, None
        if self._has_grown and reader is self._state.trace:
            self._has_grown = False
            self._state.tell_growth()
        problems = self._problems_of(reader)
        if reader is not None and reader is not self._state.trace:
            if outcome.is_clean or reader.events:
                self._show(run, reader)  # a program without tensors: an empty graph is the truth
            else:
                reader.close()
                self._discard(run)
        elif reader is None:
            self._discard(run)
        self._ended = (run.request, outcome)
        self._diagnosed = reader.path if reader is not None and reader is self._state.trace else None
        self._state.set_problems(self._with_outcome(problems), run.request.source)
        if self._state.trace is reader and reader is not None:
            self._settle()
        problems = self._state.problems
        self._tell(run, outcome, problems)
        self._state.set_run_state("idle")
        self.run_ended.emit(outcome.status)
        self._verify(run, problems)
        if run.request.language != i18n.language():
            self.reword()

    def _with_outcome(self, problems: list[Problem]) -> list[Problem]:
        """The problems that were diagnosed, and what the outcome says where none of them does."""
        if self._ended is None or any(problem.severity == "error" for problem in problems):
            return problems
        request, outcome = self._ended
        problem = _problem_of(outcome, request)
        return [problem, *problems] if problem is not None else problems

    def reword(self) -> None:
        """Tell the shown problems in the language of the window, which they were not told in."""
        self._cancel_rewording()
        if self._state.run_state != "idle" or not self._state.problems:
            return  # the end of a run asks again
        if self._diagnosed is None:
            self._state.set_problems(self._with_outcome([]))
            return
        from graphlab.ui.rewording import Rewording

        self._rewording = Rewording(self._diagnosed, self)
        self._rewording.told.connect(self._take_told)
        self._rewording.finished.connect(self._rewording.deleteLater)
        self._rewording.start()

    @Slot(object, str)
    def _take_told(self, problems: list[Problem], language: str) -> None:
        from graphlab.ui.rewording import with_checks

        if self.sender() is not self._rewording or language != i18n.language():
            return
        self._rewording = None
        self._state.set_problems(self._with_outcome(with_checks(problems, self._state.problems)))

    def _cancel_rewording(self) -> None:
        if self._rewording is not None:
            self._ending.append(self._rewording)
            self._rewording = None

    @property
    def is_rewording(self) -> bool:
        """Whether the problems are being told in another language."""
        return self._rewording is not None

    def _discard(self, run: Run) -> None:
        if self._runner is not None:
            self._runner.discard(run)

    @staticmethod
    def _problems_of(reader: TraceReader | None) -> list[Problem]:
        from graphlab.trace.store import TraceError

        if reader is None:
            return []
        try:
            return list(reader.problems)
        except TraceError:
            return []  # its failure is told by the outcome

    def _settle(self) -> None:
        """Choose where we stand when the run is over: at the failure, where we were, or at the first iteration."""
        state = self._state
        trace = state.trace
        if trace is None or not trace.events:
            return
        has_moved = self._followed_to >= 0 and state.event != self._followed_to
        failure = trace.failure
        if failure is not None:
            state.seek(failure.event if failure.event >= 0 else len(trace.events) - 1)
        elif self._place is not None:
            section, offset = self._place
            section = min(section, len(trace.sections) - 1)
            if section >= 0:
                part = trace.sections[section]
                state.seek(min(part.first + max(offset, 0), max(part.end, part.first + 1) - 1))
        elif not has_moved:
            first = next((section.first for section in trace.sections if section.iteration >= 0), 0)
            state.seek(first)
        self._select_again()

    def _select_again(self) -> None:
        """Select the node that was selected before the program was run again, where it is still there."""
        state = self._state
        node, offset = self._node
        sections = state.trace.sections if state.trace is not None else []
        if not node or not 0 <= state.section < len(sections):
            return
        section = sections[state.section]
        event = section.first + offset
        is_there = offset >= 0 and section.first <= event < section.end
        state.select_node(node if is_there else "", event if is_there else -1)

    def _tell(self, run: Run, outcome: Outcome, problems: list[Problem]) -> None:
        trace = self._state.trace
        window = self._window
        n = len(trace.events) if trace is not None else 0
        window.tell(partial(_how_it_ended, outcome, n))
        if outcome.is_clean:
            if trace is None or not trace.tensors:
                window.message_bar.say(lambda: _(NO_TENSORS), topic="run")
            if problems:
                window.show_problems_quietly()
            else:
                window.show_results_quietly()
            return
        if outcome.status == "failed":
            text = outcome.traceback or f"{outcome.error_type}: {outcome.error_message}"
            self._append_line(text.rstrip("\n"), "error")
        elif outcome.sentence:
            self._append_line(partial(_sentence, outcome, run.request), "note")
        if outcome.status in ("crashed", "limit", "stopped"):
            severity = "error" if outcome.status == "crashed" else "warning"
            window.message_bar.say(partial(_sentence, outcome, run.request), severity, topic="run")
        if outcome.status in ("failed", "refused", "crashed"):
            window.show_problems_quietly()

    def _append_line(self, text: str | Callable[[], str], kind: str) -> None:
        if not self.console.is_at_line_start:
            self.console.append("\n", kind)
        self.console.append(text + "\n" if isinstance(text, str) else lambda: text() + "\n", kind)

    # Fixes

    def _verify(self, run: Run, problems: list[Problem]) -> None:
        from graphlab.ui.verification import Verification

        if not self._window.settings.get("run/check_fixes") or not any(problem.fixes for problem in problems):
            return
        self._verification = Verification(problems, run.request.source, run.request.limits, self, run.request.folder)
        self._verification.checked.connect(self._take_checked)
        self._verification.finished.connect(self._verification.deleteLater)
        self._verification.start(QThread.Priority.LowPriority)

    @Slot(object)
    def _take_checked(self, problems: list[Problem]) -> None:
        if self.sender() is not self._verification:
            return  # the program was run again meanwhile
        from graphlab.ui.rewording import with_checks

        self._verification = None
        self._state.set_problems(with_checks(self._state.problems, problems))
        self.fixes_checked.emit()

    def _cancel_verification(self) -> None:
        if self._verification is not None:
            self._verification.cancel()
            self._ending.append(self._verification)
            self._verification = None
        self._ending = [thread for thread in self._ending if isValid(thread) and thread.isRunning()]

    @property
    def is_checking(self) -> bool:
        """Whether fixes are being checked."""
        return self._verification is not None

    # Other traces

    def show_saved(self, reader: TraceReader) -> None:
        """Show a trace from a file."""
        self.leave()
        gc.freeze()
        self._state.show_trace(reader)
        self._ended, self._diagnosed = None, reader.path
        self._state.set_problems(self._problems_of(reader))
        if self._state.problems and reader.language != i18n.language():
            self.reword()
        self._place = None
        self._node = ("", -1)
        self._followed_to = -1
        self._settle()

    def leave(self) -> None:
        """Show no trace any more; a run that goes on is ended."""
        self._cancel_verification()
        self._cancel_rewording()
        self._ended = self._diagnosed = None
        if self._run is not None:
            self._timer.stop()
            self._stages = []
            run, self._run = self._run, None
            if self._reader is not None and self._reader is not self._state.trace:
                self._reader.close()
            self._reader = None
            if run is not self._shown_run:
                self._discard(run)
            else:
                run.close()
            self._state.set_run_state("idle")
        old_trace, old_run = self._state.trace, self._shown_run
        self._shown_run = None
        self._state.select_node("")
        self._state.show_trace(None)
        self._state.set_problems([])
        self._let_go(old_trace, old_run)
        self._window.tell(str)

    def close(self) -> None:
        """The window closes: end all processes and remove the traces of its runs."""
        self._timer.stop()
        self._warm_up.stop()
        self.leave()
        for thread in self._ending:
            if isValid(thread):
                thread.wait()
        self._ending = []
        if self._runner is not None:
            self._runner.close()
            self._runner = None


def _how_it_ended(outcome: Outcome, n_events: int) -> str:
    """The status line for a run that is over."""
    seconds = _("{seconds:.2f} s").format(seconds=outcome.seconds)
    if outcome.is_clean:
        steps = ngettext("{n} step recorded in {time}", "{n} steps recorded in {time}", n_events)
        return steps.format(n=f"{n_events:,}", time=seconds)
    words = {
        "failed": _("Failed after {time}"),
        "refused": _("Not run"),
        "stopped": _("Stopped after {time}"),
        "limit": _("Ended by a limit after {time}"),
        "crashed": _("The worker was lost after {time}"),
    }
    return words.get(outcome.status, outcome.status).format(time=seconds)


def _sentence(outcome: Outcome, request: RunRequest) -> str:
    """What the outcome says, in the language of the window where that can be known."""
    from graphlab.session.messages import limit_sentence

    if outcome.status == "stopped":
        return _("The program was stopped.")
    return limit_sentence(outcome.limit, request.limits) if outcome.limit else outcome.sentence


def _problem_of(outcome: Outcome, request: RunRequest) -> Problem | None:
    """What the outcome says where the trace holds no diagnosis of it."""
    from graphlab.trace.records import Problem

    source = request.source
    if outcome.status in ("ok", "stopped"):
        return None
    if outcome.status == "refused" and len(source) < LONG_SOURCE:
        from graphlab.explain import problem_for_refusal
        from graphlab.program.language import Refusal, check

        refusal = check(source)
        if isinstance(refusal, Refusal):
            return problem_for_refusal(refusal, source)
    titles = {
        "failed": f"{outcome.error_type}: {outcome.error_message}",
        "refused": outcome.error_message or _("The program was not run"),
        "limit": _("The program was ended by a limit"),
        "crashed": _("The program's process ended unexpectedly"),
    }
    return Problem(
        code="",
        severity="error",
        title=titles[outcome.status],
        what=_sentence(outcome, request) or outcome.error_message,
        why="",
        fix="",
        line=outcome.line,
        end_line=outcome.end_line or outcome.line,
    )
