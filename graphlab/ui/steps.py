"""The commands that travel in time over the recorded trace: back costs what forward costs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from graphlab.ui.state import ViewState


class Steps(QObject):
    """Moves the current event of a state."""

    def __init__(self, state: ViewState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state

    def first(self) -> None:
        """To the beginning of the run."""
        self._state.seek(0)

    def last(self) -> None:
        """To the end of the run."""
        if self._state.trace is not None:
            self._state.seek(len(self._state.trace.events) - 1)

    def forward(self) -> None:
        """One event on."""
        self._state.seek(self._state.event + 1)

    def back(self) -> None:
        """One event back."""
        self._state.seek(self._state.event - 1)

    def section(self, index: int) -> None:
        """To a section, at the same step of it as now where it is that long."""
        trace = self._state.trace
        if trace is None or not 0 <= index < len(trace.sections):
            return
        now, wanted = self._state.section, trace.sections[index]
        offset = 0
        if 0 <= now < len(trace.sections) and trace.sections[now].kind == wanted.kind:
            offset = self._state.event - trace.sections[now].first
        self._state.seek(min(wanted.first + offset, max(wanted.end - 1, wanted.first)))

    def next_iteration(self) -> None:
        """One section on."""
        self.section(self._state.section + 1)

    def previous_iteration(self) -> None:
        """One section back."""
        self.section(self._state.section - 1)

    def into(self) -> None:
        """To the next event deeper inside modules; one event on where there is none."""
        depth = self._depth(self._state.event)
        self._state.seek(self._find(1, lambda event: self._depth(event) > depth, self._state.event + 1))

    def out(self) -> None:
        """To the first event outside the current module; to the end where there is none."""
        depth = self._depth(self._state.event)
        self._state.seek(self._find(1, lambda event: self._depth(event) < depth, self._n - 1))

    def run_on(self) -> None:
        """To the next event on a line with a breakpoint; to the end where there is none."""
        self._state.seek(self._find(1, self._is_halt, self._n - 1))

    def run_back(self) -> None:
        """To the event before on a line with a breakpoint; to the beginning where there is none."""
        self._state.seek(self._find(-1, self._is_halt, 0))

    @property
    def _n(self) -> int:
        return len(self._state.trace.events) if self._state.trace is not None else 0

    def _find(self, step: int, test: Callable[[int], bool], otherwise: int) -> int:
        event = self._state.event + step
        while 0 <= event < self._n:
            if test(event):
                return event
            event += step
        return otherwise

    def _depth(self, event: int) -> int:
        trace = self._state.trace
        return trace.events[event].depth if trace is not None and 0 <= event < self._n else 0

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
