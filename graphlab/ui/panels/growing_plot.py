"""What the loss curves and the memory plot share: lines that grow with the trace, a legend, an empty state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from graphlab.ui.language import again, say
from graphlab.ui.theme import Tokens, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphlab.trace.store import TraceReader
    from graphlab.ui.panels.plot import LinePlot, Series
    from graphlab.ui.state import ViewState


class GrowingPlot(QWidget):
    """Lines over the records of a trace, one a name. pyqtgraph is imported with the first record, not with the window.

    A subclass says which records (`_records`), what point each is (`_point`), how the plot is made (`_new_plot`), what
    the legend says (`_legend_parts`) and where the marker stands (`_mark`).
    """

    def __init__(self, state: ViewState, empty_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._plot: LinePlot | None = None
        self._series: dict[str, Series] = {}
        self._n_read = 0
        self._legend = QLabel(self)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._empty = QLabel(self)
        say(self._empty.setText, empty_text)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def _connect(self) -> None:
        """Follow the state; the subclass calls it when its own widgets are there."""
        self._state.trace_changed.connect(self._start_anew)
        self._state.trace_grown.connect(self._read)
        self._state.event_changed.connect(self._mark)
        self._state.theme_changed.connect(self._dress)
        self._start_anew()
        again(self._dress)

    # What a subclass says

    def _records(self, trace: TraceReader) -> Sequence[Any]:
        """The records that the lines are drawn from; they only ever grow."""
        raise NotImplementedError

    def _point(self, record: Any) -> tuple[str, float, float]:
        """The line's name, x and y of one record."""
        raise NotImplementedError

    def _new_plot(self) -> LinePlot:
        """Make the plot and put it into the layout."""
        raise NotImplementedError

    def _legend_parts(self, t: Tokens) -> list[str]:
        """What the legend says, as rich text."""
        raise NotImplementedError

    def _mark(self) -> None:
        """Put the marker where the current event is."""
        raise NotImplementedError

    def _show_filled(self, filled: bool) -> None:
        """Show the plot (or what holds it) or hide it."""
        raise NotImplementedError

    # What all do

    def points(self, name: str) -> list[tuple[float, float]]:
        """What is drawn under `name`: (x, y) of each point."""
        series = self._series.get(name)
        return [] if series is None else list(zip(series.x.tolist(), series.y.tolist(), strict=True))

    @property
    def names(self) -> list[str]:
        """The lines drawn, in order of appearance."""
        return list(self._series)

    @property
    def plot(self) -> LinePlot | None:
        """The plot, None before the first record."""
        return self._plot

    def _start_anew(self) -> None:
        self._series = {}
        self._n_read = 0
        if self._plot is not None:
            self._plot.show_series([], [])
            self._plot.mark(None)
        self._read()
        self._show_which()

    def _read(self) -> None:
        trace = self._state.trace
        records = self._records(trace) if trace is not None else []
        if len(records) == self._n_read:
            return
        from graphlab.ui.panels.plot import Series

        n_lines = len(self._series)
        for record in records[self._n_read :]:
            name, x, y = self._point(record)
            series = self._series.get(name)
            if series is None:
                series = self._series[name] = Series(name)
            series.append(x, y)
        self._n_read = len(records)
        self._show_which()
        if self._plot is not None:
            if len(self._series) > n_lines:
                self._show_lines()
            else:
                self._plot.redraw()
        self._show_legend()

    def _show_which(self) -> None:
        filled = bool(self._series)
        if filled and self._plot is None:
            self._plot = self._new_plot()
            self._dress()
        self._show_filled(filled)
        self._legend.setVisible(filled)
        self._empty.setVisible(not filled)

    def _show_lines(self) -> None:
        assert self._plot is not None
        colors = tokens(self._state.theme).series
        series = list(self._series.values())
        self._plot.show_series(series, [colors[i % len(colors)] for i in range(len(series))])

    def _show_legend(self) -> None:
        self._legend.setText("&nbsp;&nbsp;&nbsp;".join(self._legend_parts(tokens(self._state.theme))))

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
        self._mark()


def dot(t: Tokens, line: int) -> str:
    """The coloured dot of line number `line` in a legend."""
    return f'<span style="color:{t.series[line % len(t.series)].name()}">●</span>'


def muted(t: Tokens, text: str) -> str:
    """A quiet remark in a legend."""
    return f'<span style="color:{t.text_muted.name()}">{text}</span>'
