"""The commands that travel in time. Where to go is asked of `graphlab.analysis.steps`; going is `ViewState.seek`."""

from __future__ import annotations

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
