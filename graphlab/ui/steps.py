"""The commands that travel in time over the recorded trace: back costs what forward costs.

A step is what the graph shows as one: a folded module is stepped over, `into` unfolds it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from graphlab.ui.state import ViewState


class Steps(QObject):
    """Moves the current event of a state. `folded` tells the modules that the graph shows folded.

    Signals:
        unfold_requested(str): the reader steps into this folded module
    """

    unfold_requested = Signal(str)

    def __init__(self, state: ViewState, folded: Callable[[], frozenset[str]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._folded = folded

    def first(self) -> None:
        """To the beginning of the run."""
        self._state.seek(0)

    def last(self) -> None:
        """To the end of the run."""
        self._state.seek(self._n - 1)

    def forward(self) -> None:
        """One step on."""
        self._step(1)

    def back(self) -> None:
        """One step back."""
        self._step(-1)

    def _step(self, direction: int) -> None:
        event = self._state.event + direction
        if folded := self._folded():
            here = self._fold_of(self._state.event, folded)
            while here and 0 < event < self._n - 1 and self._fold_of(event, folded) == here:
                event += direction
        self._state.seek(event)

    def _fold_of(self, event: int, folded: frozenset[str]) -> str:
        """The outermost folded module that an event lies in, "" for none."""
        trace = self._state.trace
        if trace is None or not 0 <= event < self._n:
            return ""
        parts = trace.events[event].module.split(".")
        return next((p for n in range(len(parts)) if (p := ".".join(parts[: n + 1])) in folded), "")

    def into(self) -> None:
        """One event on; a folded module is unfolded first."""
        if fold := self._fold_of(self._state.event + 1, self._folded()):
            self.unfold_requested.emit(fold)
        self._state.seek(self._state.event + 1)

    def out(self) -> None:
        """To the first event outside the current module."""
        from graphlab.analysis import steps

        if self._state.trace is not None:
            self._state.seek(steps.out(self._state.trace, self._state.event))

    def section(self, index: int) -> None:
        """To a section, at the step of it that corresponds to this one."""
        from graphlab.analysis import steps

        trace = self._state.trace
        if trace is not None and 0 <= index < len(trace.sections):
            self._state.seek(steps.same_place(trace, self._state.event, index))

    def next_iteration(self) -> None:
        """One section on."""
        self.section(self._state.section + 1)

    def previous_iteration(self) -> None:
        """One section back."""
        self.section(self._state.section - 1)

    def run_on(self) -> None:
        """To the next event on a line with a breakpoint; to the end where there is none."""
        self._state.seek(self._find(1, self._n - 1))

    def run_back(self) -> None:
        """To the event before on a line with a breakpoint; to the beginning where there is none."""
        self._state.seek(self._find(-1, 0))

    @property
    def _n(self) -> int:
        return len(self._state.trace.events) if self._state.trace is not None else 0

    def _find(self, step: int, otherwise: int) -> int:
        event = self._state.event + step
        while 0 <= event < self._n:
            if self._is_halt(event):
                return event
            event += step
        return otherwise

    def _line(self, event: int) -> int:
        trace = self._state.trace
        if trace is None or not 0 <= event < self._n:
            return 0
        span = trace.events[event].span
        return trace.spans[span].line if 0 <= span < len(trace.spans) else 0

    def _is_halt(self, event: int) -> bool:
        """Whether the event is the first of a visit to a line with a breakpoint."""
        line = self._line(event)
        return line in self._state.breakpoints and self._line(event - 1) != line
