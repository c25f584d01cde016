"""Lights paths on the graph on request: of a problem, or of the gradient of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from graphlab.trace.records import TensorKind

if TYPE_CHECKING:
    from graphlab.analysis.lineage import Lineage
    from graphlab.trace.records import Problem
    from graphlab.ui.state import ViewState


class Lighting(QObject):
    """What `ViewState.path` is set to, and where the view goes for it."""

    def __init__(self, state: ViewState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        state.trace_grown.connect(self.clear)

    def show_problem(self, problem: Problem) -> bool:
        """Light the path that a problem is about; False where there is none."""
        from graphlab.explain.lineage import path_of

        trace = self._state.trace
        return self._show(path_of(trace, problem)) if trace is not None else False

    def show_gradient(self, tensor: int) -> bool:
        """Light the way of the gradient to a tensor, or to where it ends."""
        from graphlab.analysis.lineage import gradient_path

        trace = self._state.trace
        if trace is None or not 0 <= tensor < len(trace.tensors):
            return False
        record = trace.tensors[tensor]
        return self._show(gradient_path(trace, record.of if record.of >= 0 else tensor, self._state.event))

    def show_selected_gradient(self) -> None:
        """The same for the tensor that is selected; without one for the first parameter."""
        tensor = self._state.tensor
        trace = self._state.trace
        if tensor < 0 and trace is not None:
            tensor = next((t.id for t in trace.tensors if t.kind == TensorKind.PARAMETER), -1)
        self.show_gradient(tensor)

    def clear(self) -> None:
        """Show the whole graph again."""
        self._state.show_path(None)

    def _show(self, path: Lineage | None) -> bool:
        if path is None:
            return False
        at = path.place if path.place >= 0 else path.steps[-1].event if path.steps else -1
        trace = self._state.trace
        if trace is not None and at >= 0:
            self._state.seek(at)
        self._state.show_path(path)
        return True
