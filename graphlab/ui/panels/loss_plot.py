"""The loss curves: they grow while the program runs, and a click on one travels to that iteration."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from graphlab.i18n import N_, _, ngettext
from graphlab.ui.language import say
from graphlab.ui.panels.growing_plot import GrowingPlot, dot, muted
from graphlab.ui.theme import Tokens

if TYPE_CHECKING:
    from graphlab.trace.records import Loss
    from graphlab.trace.store import TraceReader
    from graphlab.ui.panels.plot import LinePlot
    from graphlab.ui.state import ViewState


class LossPlot(GrowingPlot):
    """One line for each loss (each root of `backward()`), iteration by iteration, counted from 1."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        empty = N_("The loss of each iteration appears here\nRun a program that calls loss.backward() in a loop")
        super().__init__(state, empty, parent)
        self.setObjectName("loss_plot")
        say(self.setAccessibleName, N_("Loss curves"))
        self._events: dict[str, list[int]] = {}  # for each point of a line its event
        self._n_not_finite = 0
        self._log = QCheckBox(self)
        say(self._log.setText, N_("Logarithmic"))
        self._log.toggled.connect(self._set_log)
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
        self._connect()

    def _start_anew(self) -> None:
        self._events = {}
        self._n_not_finite = 0
        super()._start_anew()

    def _records(self, trace: TraceReader) -> list[Loss]:
        return trace.losses

    def _point(self, record: Loss) -> tuple[str, float, float]:
        self._events.setdefault(record.name, []).append(record.event)
        self._n_not_finite += not math.isfinite(record.value)
        return record.name, record.iteration + 1, record.value

    def _new_plot(self) -> LinePlot:
        from graphlab.ui.panels.plot import LinePlot

        plot = LinePlot("", self)
        plot.format_x = lambda x: _("iteration {n}").format(n=f"{x:g}")
        plot.place_chosen.connect(self._travel)
        plot.set_log(self._log.isChecked())
        self._layout.addWidget(plot, 1)
        return plot

    def _show_filled(self, filled: bool) -> None:
        if self._plot is not None:
            self._plot.setVisible(filled)
        self._log.setVisible(filled)

    def _legend_parts(self, t: Tokens) -> list[str]:
        parts = []
        for line, series in enumerate(self._series.values()):
            last = float(series.y[-1])
            number = f"{last:.4g}" if math.isfinite(last) else "nan"
            parts.append(f"{dot(t, line)} {html.escape(series.name)} <b>{number}</b>")
        parts.append(muted(t, _("by iteration")))
        if self._n_not_finite:
            text = ngettext("{n} value is not finite", "{n} values are not finite", self._n_not_finite)
            parts.append(f'<span style="color:{t.failed.name()}">⚠ {text.format(n=self._n_not_finite)}</span>')
        return parts

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
