"""What the panels share: which trace is shown, where in it we are, what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from graphlab.analysis.lineage import Lineage
    from graphlab.trace.records import Problem
    from graphlab.trace.store import TraceReader


class ViewState(QObject):
    """The only changeable object that panels share. Setters compare before they emit, which alone stops echo loops.

    Signals:
        trace_changed: another trace is shown (or none); everything else was reset
        trace_grown: the shown trace has more events, losses or memory points
        event_changed(int): the current event, -1 for none
        section_changed(int): the section (iteration) that the graph shows, -1 for none
        node_selected(str): key of the selected node of the graph, "" for none
        tensor_selected(int): the tensor that the inspector shows, -1 for none
        problems_changed: the list of problems changed
        theme_changed(str): "light" or "dark"
        run_state_changed(str): "idle", "running", "stopping"
        breakpoints_changed: the lines with breakpoints changed
        path_changed: another path is lit on the graph, or none
    """

    trace_changed = Signal()
    trace_grown = Signal()
    event_changed = Signal(int)
    section_changed = Signal(int)
    node_selected = Signal(str)
    tensor_selected = Signal(int)
    problems_changed = Signal()
    theme_changed = Signal(str)
    run_state_changed = Signal(str)
    breakpoints_changed = Signal()
    path_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._trace: TraceReader | None = None
        self._event = -1
        self._section = -1
        self._node = ""
        self._node_event = -1
        self._tensor = -1
        self._problems: list[Problem] = []
        self._theme = "light"
        self._run_state = "idle"
        self._breakpoints: frozenset[int] = frozenset()
        self._problem_source = ""
        self._source_lines: list[str] = []
        self._path: Lineage | None = None

    @property
    def trace(self) -> TraceReader | None:
        """The shown trace."""
        return self._trace

    def show_trace(self, trace: TraceReader | None) -> None:
        """Show another trace from its first event (panels keep their view where node keys agree)."""
        if trace is self._trace:
            return
        self._trace = trace
        self._event = self._section = self._tensor = self._node_event = -1
        self._problems = []
        self._problem_source = trace.source if trace is not None else ""
        self._source_lines = self._problem_source.split("\n")
        self.show_path(None)
        self.trace_changed.emit()
        self.problems_changed.emit()

    @property
    def source_lines(self) -> list[str]:
        """The lines of the program as it was run, which the spans of the trace count in."""
        return self._source_lines

    def tell_growth(self) -> None:
        """The shown trace was refreshed and has grown."""
        self.trace_grown.emit()

    @property
    def event(self) -> int:
        """The current event."""
        return self._event

    def seek(self, event: int) -> None:
        """Go to an event; the section follows it. Out of range is moved to the nearest one."""
        if self._trace is None or not self._trace.events:
            return
        event = max(0, min(event, len(self._trace.events) - 1))
        if event == self._event:
            return
        self._event = event
        self._set_section(self._section_of(event))
        self.event_changed.emit(event)

    def _section_of(self, event: int) -> int:
        from graphlab.analysis.sections import section_of

        return section_of(self._trace, event) if self._trace is not None else -1

    @property
    def section(self) -> int:
        """Index of the section that the graph shows."""
        return self._section

    def _set_section(self, section: int) -> None:
        if section == self._section:
            return
        self._section = section
        self.section_changed.emit(section)

    @property
    def node(self) -> str:
        """Key of the selected node."""
        return self._node

    @property
    def node_event(self) -> int:
        """The event that the selected node stands for, -1 when it stands for none."""
        return self._node_event

    def select_node(self, node: str, event: int = -1) -> None:
        """Select a node of the graph ("" for none); `event` is what it stands for in the shown section."""
        if node == self._node and event == self._node_event:
            return
        self._node = node
        self._node_event = event
        self.node_selected.emit(node)

    @property
    def tensor(self) -> int:
        """The tensor that the inspector shows."""
        return self._tensor

    def select_tensor(self, tensor: int) -> None:
        """Show a tensor in the inspector (-1 for none)."""
        if tensor == self._tensor:
            return
        self._tensor = tensor
        self.tensor_selected.emit(tensor)

    @property
    def problems(self) -> list[Problem]:
        """The problems of the shown run, most important first."""
        return self._problems

    def set_problems(self, problems: list[Problem], source: str | None = None) -> None:
        """Replace the problems, for example when fixes were checked. `source`: the program text that they speak of,
        where it is not that of the shown trace (which stays while a program is refused)."""
        if source is not None:
            self._problem_source = source
        if problems == self._problems:
            return
        self._problems = problems
        self.problems_changed.emit()

    @property
    def path(self) -> Lineage | None:
        """The path that is lit on the graph."""
        return self._path

    def show_path(self, path: Lineage | None) -> None:
        """Light a path through the shown trace, None for none."""
        if path == self._path:
            return
        self._path = path
        self.path_changed.emit()

    @property
    def problem_source(self) -> str:
        """The program text that the problems and their fixes speak of."""
        return self._problem_source

    @property
    def theme(self) -> str:
        """ "light" or "dark"."""
        return self._theme

    def set_theme(self, theme: str) -> None:
        """Switch between "light" and "dark"."""
        if theme == self._theme:
            return
        self._theme = theme
        self.theme_changed.emit(theme)

    @property
    def run_state(self) -> str:
        """ "idle", "running" or "stopping"."""
        return self._run_state

    def set_run_state(self, run_state: str) -> None:
        """Tell that a run began or ended."""
        if run_state == self._run_state:
            return
        self._run_state = run_state
        self.run_state_changed.emit(run_state)

    @property
    def breakpoints(self) -> frozenset[int]:
        """The lines, from 1, at which `step.continue` halts."""
        return self._breakpoints

    def set_breakpoints(self, lines: frozenset[int]) -> None:
        """Replace the breakpoints."""
        if lines == self._breakpoints:
            return
        self._breakpoints = lines
        self.breakpoints_changed.emit()
