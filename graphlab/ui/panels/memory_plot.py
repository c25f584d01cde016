"""Where the memory went: bytes in use on each device, step by step, and who holds them at the current step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from graphlab.i18n import N_, _
from graphlab.ui.language import say
from graphlab.ui.panels.growing_plot import GrowingPlot, dot, muted
from graphlab.ui.theme import Tokens

if TYPE_CHECKING:
    from graphlab.trace.records import Memory
    from graphlab.trace.store import TraceReader
    from graphlab.ui.panels.plot import LinePlot
    from graphlab.ui.state import ViewState


class MemoryPlot(GrowingPlot):
    """A stair line for each device over the steps, counted from 1; beside it the largest tensors alive at this step."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        empty = N_("Run a program to see how many bytes its tensors hold, step by step")
        super().__init__(state, empty, parent)
        self.setObjectName("memory_plot")
        say(self.setAccessibleName, N_("Memory"))
        self._peaks: dict[str, int] = {}
        self._legend.setContentsMargins(12, 6, 12, 0)
        self._holders = QTableWidget(0, 3, self)
        say(self._holders.setHorizontalHeaderLabels, lambda: [_("held by"), _("shape"), _("size")])
        self._holders.verticalHeader().hide()
        self._holders.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._holders.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self._holders.setShowGrid(False)
        self._holders.horizontalHeader().setStretchLastSection(True)
        say(self._holders.setAccessibleName, N_("Largest tensors alive at this step"))
        self._holders.cellClicked.connect(self._select)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._legend)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self._empty, 1)
        self._connect()

    def holders(self) -> list[str]:
        """Names in the table of who holds the bytes."""
        return [item.text() for row in range(self._holders.rowCount()) if (item := self._holders.item(row, 0))]

    def _start_anew(self) -> None:
        self._peaks = {}
        self._holders.setRowCount(0)
        super()._start_anew()

    def _records(self, trace: TraceReader) -> list[Memory]:
        return trace.memory

    def _point(self, record: Memory) -> tuple[str, float, float]:
        self._peaks[record.device] = max(record.peak, self._peaks.get(record.device, 0))
        return record.device, record.event + 1, record.in_use

    def _new_plot(self) -> LinePlot:
        from graphlab.ui.panels.plot import LinePlot, bytes_text

        plot = LinePlot("", self)
        plot.set_step(True)
        plot.format_x = lambda x: _("step {n}").format(n=f"{x:g}")
        plot.format_y = bytes_text
        plot.place_chosen.connect(lambda x: self._state.seek(round(x) - 1))
        plot.show_bytes()
        self._splitter.addWidget(plot)
        self._splitter.addWidget(self._holders)
        self._splitter.setSizes([640, 320])
        return plot

    def _show_filled(self, filled: bool) -> None:
        self._splitter.setVisible(filled)

    def _legend_parts(self, t: Tokens) -> list[str]:
        from graphlab.ui.panels.plot import bytes_text

        parts = []
        for line, device in enumerate(self._series):
            text = _("{device}: peak {peak}").format(device=device, peak=bytes_text(self._peaks[device]))
            parts.append(f"{dot(t, line)} {text}")
        return [*parts, muted(t, _("by step"))]

    def _mark(self) -> None:
        trace, event = self._state.trace, self._state.event
        if self._plot is not None:
            self._plot.mark(event + 1 if event >= 0 else None)
        if trace is None or event < 0 or not self._series or not self.isVisible():
            return
        from graphlab.analysis.memory import holders
        from graphlab.ui.panels.plot import bytes_text

        rows = holders(trace, event, limit=30)
        self._holders.setRowCount(len(rows))
        for row, holder in enumerate(rows):
            shape = "×".join(map(str, trace.tensors[holder.tensor].shape)) or _("scalar")
            for column, text in enumerate((holder.name, shape, bytes_text(holder.n_bytes))):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, holder.tensor)
                self._holders.setItem(row, column, item)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._mark()

    def _select(self, row: int, _column: int) -> None:
        item = self._holders.item(row, 0)
        if item is not None:
            self._state.select_tensor(int(item.data(Qt.ItemDataRole.UserRole)))
