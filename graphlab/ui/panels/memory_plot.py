"""Where the memory went: bytes in use on each device, step by step, and who holds them at the current step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from graphlab.i18n import _
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.ui.panels.plot import LinePlot, Series
    from graphlab.ui.state import ViewState


class MemoryPlot(QWidget):
    """A stair line for each device over the steps; beside it the largest tensors alive at the current step."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("memory_plot")
        self.setAccessibleName(_("Memory"))
        self._state = state
        self._plot: LinePlot | None = None
        self._series: dict[str, Series] = {}
        self._peaks: dict[str, int] = {}
        self._n_read = 0
        self._legend = QLabel(self)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setContentsMargins(12, 6, 12, 0)
        self._empty = QLabel(_("Run a program to see how many bytes its tensors hold, step by step"), self)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._holders = QTableWidget(0, 3, self)
        self._holders.setHorizontalHeaderLabels([_("held by"), _("shape"), _("size")])
        self._holders.verticalHeader().hide()
        self._holders.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._holders.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self._holders.setShowGrid(False)
        self._holders.horizontalHeader().setStretchLastSection(True)
        self._holders.setAccessibleName(_("Largest tensors alive at this step"))
        self._holders.cellClicked.connect(self._select)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._legend)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self._empty, 1)
        state.trace_changed.connect(self._start_anew)
        state.trace_grown.connect(self._read)
        state.event_changed.connect(self._show_event)
        state.theme_changed.connect(self._dress)
        self._start_anew()
        self._dress()

    def points(self, device: str) -> list[tuple[float, float]]:
        """What is drawn for `device`: (step from 1, bytes)."""
        series = self._series.get(device)
        return [] if series is None else list(zip(series.x.tolist(), series.y.tolist(), strict=True))

    def holders(self) -> list[str]:
        """Names in the table of who holds the bytes."""
        return [item.text() for row in range(self._holders.rowCount()) if (item := self._holders.item(row, 0))]

    def _start_anew(self) -> None:
        self._series = {}
        self._peaks = {}
        self._n_read = 0
        self._holders.setRowCount(0)
        if self._plot is not None:
            self._plot.show_series([], [])
            self._plot.mark(None)
        self._read()
        self._show_which()

    def _read(self) -> None:
        trace = self._state.trace
        if trace is None or len(trace.memory) == self._n_read:
            return
        from graphlab.ui.panels.plot import Series

        new_lines = False
        for point in trace.memory[self._n_read :]:
            series = self._series.get(point.device)
            if series is None:
                series = self._series[point.device] = Series(point.device)
                new_lines = True
            series.append(point.event + 1, point.in_use)
            self._peaks[point.device] = max(point.peak, self._peaks.get(point.device, 0))
        self._n_read = len(trace.memory)
        self._show_which()
        if self._plot is not None:
            if new_lines:
                self._show_lines()
            else:
                self._plot.redraw()
        self._show_legend()

    def _show_which(self) -> None:
        has_points = bool(self._series)
        if has_points and self._plot is None:
            self._make_plot()
        self._splitter.setVisible(has_points)
        self._legend.setVisible(has_points)
        self._empty.setVisible(not has_points)

    def _make_plot(self) -> None:
        from graphlab.ui.panels.plot import LinePlot, bytes_text

        self._plot = LinePlot("", self)
        self._plot.set_step(True)
        self._plot.format_x = lambda x: _("step {n}").format(n=f"{x:g}")
        self._plot.format_y = bytes_text
        self._plot.place_chosen.connect(lambda x: self._state.seek(round(x) - 1))
        self._plot.show_bytes()
        self._splitter.addWidget(self._plot)
        self._splitter.addWidget(self._holders)
        self._splitter.setSizes([640, 320])
        self._dress()

    def _show_lines(self) -> None:
        assert self._plot is not None
        colors = tokens(self._state.theme).series
        series = list(self._series.values())
        self._plot.show_series(series, [colors[i % len(colors)] for i in range(len(series))])

    def _show_legend(self) -> None:
        from graphlab.ui.panels.plot import bytes_text

        t = tokens(self._state.theme)
        parts = []
        for i, device in enumerate(self._series):
            color = t.series[i % len(t.series)].name()
            text = _("{device}: peak {peak}").format(device=device, peak=bytes_text(self._peaks[device]))
            parts.append(f'<span style="color:{color}">●</span> {text}')
        parts.append(f'<span style="color:{t.text_muted.name()}">{_("by step")}</span>')
        self._legend.setText("&nbsp;&nbsp;&nbsp;".join(parts))

    def _show_event(self) -> None:
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
            tensor = trace.tensors[holder.tensor]
            shape = "×".join(map(str, tensor.shape)) or _("scalar")
            for column, text in enumerate((holder.name, shape, bytes_text(holder.n_bytes))):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, holder.tensor)
                self._holders.setItem(row, column, item)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._show_event()

    def _select(self, row: int, _column: int) -> None:
        item = self._holders.item(row, 0)
        if item is not None:
            self._state.select_tensor(int(item.data(Qt.ItemDataRole.UserRole)))

    def _dress(self) -> None:
        t = tokens(self._state.theme)
        self._legend.setFont(t.font(t.small_size))
        self._empty.setFont(t.font())
        self._empty.setStyleSheet(f"color: {t.text_muted.name()};")
        if self._plot is not None:
            self._plot.dress(t)
            if self._series:
                self._show_lines()
                self._show_legend()
