"""The loss curves: they grow while the program runs, and a click on one travels to that iteration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from graphlab.i18n import _, ngettext
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.ui.panels.plot import LinePlot, Series
    from graphlab.ui.state import ViewState


class LossPlot(QWidget):
    """One line for each loss (each root of `backward()`), iteration by iteration.

    pyqtgraph is imported when the first loss is there, not when the window opens.
    """

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("loss_plot")
        self.setAccessibleName(_("Loss curves"))
        self._state = state
        self._plot: LinePlot | None = None
        self._series: dict[str, Series] = {}
        self._events: dict[str, list[int]] = {}  # for each point of a series its event
        self._n_read = 0
        self._n_not_finite = 0
        self._legend = QLabel(self)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._log = QCheckBox(_("Logarithmic"), self)
        self._log.toggled.connect(self._set_log)
        self._empty = QLabel(
            _("The loss of each iteration appears here\nRun a program that calls loss.backward() in a loop"), self
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        top = QHBoxLayout()
        top.setContentsMargins(12, 6, 12, 0)
        top.addWidget(self._legend)
        top.addStretch(1)
        top.addWidget(self._log)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addLayout(top)
        self._layout.addWidget(self._empty, 1)
        state.trace_changed.connect(self._start_anew)
        state.trace_grown.connect(self._read)
        state.event_changed.connect(self._mark)
        state.theme_changed.connect(self._dress)
        self._start_anew()
        self._dress()

    def points(self, name: str) -> list[tuple[float, float]]:
        """What is drawn for the loss `name`: (iteration from 1, value)."""
        series = self._series.get(name)
        return [] if series is None else list(zip(series.x.tolist(), series.y.tolist(), strict=True))

    @property
    def names(self) -> list[str]:
        """The losses drawn, in order of appearance."""
        return list(self._series)

    @property
    def plot(self) -> LinePlot | None:
        """The plot, None before the first loss."""
        return self._plot

    def _start_anew(self) -> None:
        self._series = {}
        self._events = {}
        self._n_read = 0
        self._n_not_finite = 0
        if self._plot is not None:
            self._plot.show_series([], [])
            self._plot.mark(None)
        self._read()
        self._show_which()

    def _read(self) -> None:
        trace = self._state.trace
        if trace is None or len(trace.losses) == self._n_read:
            return
        from graphlab.ui.panels.plot import Series

        new_lines = False
        for loss in trace.losses[self._n_read :]:
            series = self._series.get(loss.name)
            if series is None:
                series = self._series[loss.name] = Series(loss.name)
                self._events[loss.name] = []
                new_lines = True
            series.append(loss.iteration + 1, loss.value)
            self._events[loss.name].append(loss.event)
            self._n_not_finite += not math.isfinite(loss.value)
        self._n_read = len(trace.losses)
        self._show_which()
        if self._plot is not None:
            if new_lines:
                self._show_lines()
            else:
                self._plot.redraw()
        self._show_legend()

    def _show_which(self) -> None:
        has_losses = bool(self._series)
        if has_losses and self._plot is None:
            self._make_plot()
        if self._plot is not None:
            self._plot.setVisible(has_losses)
        self._empty.setVisible(not has_losses)
        self._legend.setVisible(has_losses)
        self._log.setVisible(has_losses)

    def _make_plot(self) -> None:
        from graphlab.ui.panels.plot import LinePlot

        self._plot = LinePlot("", self)
        self._plot.format_x = lambda x: _("iteration {n}").format(n=f"{x:g}")
        self._plot.place_chosen.connect(self._travel)
        self._layout.addWidget(self._plot, 1)
        self._dress()

    def _show_lines(self) -> None:
        assert self._plot is not None
        colors = tokens(self._state.theme).series
        series = list(self._series.values())
        self._plot.show_series(series, [colors[i % len(colors)] for i in range(len(series))])

    def _show_legend(self) -> None:
        t = tokens(self._state.theme)
        parts = []
        for i, series in enumerate(self._series.values()):
            color = t.series[i % len(t.series)].name()
            last = series.y[-1]
            number = f"{last:.4g}" if math.isfinite(last) else "nan"
            parts.append(f'<span style="color:{color}">●</span> {series.name} <b>{number}</b>')
        parts.append(f'<span style="color:{t.text_muted.name()}">{_("by iteration")}</span>')
        if self._n_not_finite:
            text = ngettext("{n} value is not finite", "{n} values are not finite", self._n_not_finite)
            parts.append(f'<span style="color:{t.failed.name()}">⚠ {text.format(n=self._n_not_finite)}</span>')
        self._legend.setText("&nbsp;&nbsp;&nbsp;".join(parts))

    def _travel(self, x: float) -> None:
        """Go to the iteration nearest to `x`, to the event where its loss was computed."""
        best: tuple[float, int] | None = None
        for name, series in self._series.items():
            index = series.nearest(x)
            if index >= 0 and (best is None or abs(series.x[index] - x) < best[0]):
                best = (abs(float(series.x[index]) - x), self._events[name][index])
        if best is not None:
            self._state.seek(best[1])

    def _mark(self) -> None:
        if self._plot is None:
            return
        trace, event = self._state.trace, self._state.event
        place = None
        if trace is not None and event >= 0:
            from graphlab.analysis.sections import section_at, section_of

            section = section_at(trace, section_of(trace, event))
            if section is not None and section.iteration >= 0:
                place = float(section.iteration + 1)
        self._plot.mark(place)

    def _set_log(self, log: bool) -> None:
        if self._plot is not None:
            self._plot.set_log(log)

    def _dress(self) -> None:
        t = tokens(self._state.theme)
        for label in (self._legend, self._empty):
            label.setFont(t.font(t.small_size if label is self._legend else t.ui_size))
        self._empty.setStyleSheet(f"color: {t.text_muted.name()};")
        if self._plot is not None:
            self._plot.dress(t)
            if self._series:
                self._show_lines()
                self._show_legend()
        self._mark()
