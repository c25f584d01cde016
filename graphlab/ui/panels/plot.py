"""A line plot in the window's own dress: pyqtgraph with a fixed range, a readout, and clicks that travel.

Auto-range and antialiasing on every frame are what makes such plots slow; the range is set here when data came.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from graphlab.ui.theme import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

FEW = 60
"""Points up to which each is drawn as a dot of its own."""

MANY = 2_000
"""Points from which on lines are 1 pixel wide: wider ones take three times as long."""

BOLD = 2

STRETCHES = 2_000
"""Into how many stretches a long line is divided: more than a plot has pixels."""


def bytes_text(n: float) -> str:
    """ "20.0 MiB": three digits and a binary unit."""
    power = min(3, int(math.log(max(abs(n), 1), 1024)))
    size = n / 1024**power
    unit = ("B", "KiB", "MiB", "GiB")[power]
    return f"{size:.0f} {unit}" if size >= 1000 or power == 0 else f"{size:.3g} {unit}"


def thinned(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A line that looks the same with at most about 4,000 points: least and greatest value of each stretch.

    pyqtgraph's own downsampling took 30 ms a frame at 100,000 points.
    """
    size = len(x) // STRETCHES
    if size < 4:
        return x, y
    whole = len(x) // size * size
    stretches = y[:whole].reshape(-1, size)
    places, values = x[:whole:size].repeat(2), np.empty(2 * len(stretches))
    values[0::2], values[1::2] = np.fmin.reduce(stretches, axis=1), np.fmax.reduce(stretches, axis=1)
    return np.append(places, x[whole - 1 :]), np.append(values, y[whole - 1 :])


class Series:
    """One line that grows: x ascending, y finite or NaN, in buffers that double."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._x = np.empty(64)
        self._y = np.empty(64)
        self._n = 0

    def append(self, x: float, y: float) -> None:
        """Add a point at the right end."""
        if self._n == len(self._x):
            self._x = np.concatenate([self._x, np.empty_like(self._x)])
            self._y = np.concatenate([self._y, np.empty_like(self._y)])
        self._x[self._n] = x
        self._y[self._n] = y if math.isfinite(y) else math.nan
        self._n += 1

    @property
    def x(self) -> npt.NDArray[np.float64]:
        """The x values so far."""
        return self._x[: self._n]

    @property
    def y(self) -> npt.NDArray[np.float64]:
        """The y values so far; what isn't finite is NaN and leaves a gap."""
        return self._y[: self._n]

    def nearest(self, x: float) -> int:
        """Index of the point nearest to `x`, -1 when there is none."""
        if not self._n:
            return -1
        right = int(np.searchsorted(self.x, x))
        if right == 0:
            return 0
        if right == self._n:
            return self._n - 1
        return right if self._x[right] - x < x - self._x[right - 1] else right - 1


class LinePlot(QWidget):
    """Lines over a common x axis, a marker where we are, and a readout under the mouse.

    Signals:
        place_chosen(float): the user clicked or dragged at this x
    """

    place_chosen = Signal(float)

    def __init__(self, x_label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x_label = x_label
        self._series: list[Series] = []
        self._curves: list[pg.PlotDataItem] = []
        self._step = self._is_late = False
        self._log = False
        self._from_zero = False
        self._colors: list[QColor] = []
        self.format_x: Callable[[float], str] = lambda x: f"{x:g}"
        self.format_y: Callable[[float], str] = lambda y: f"{y:.4g}"
        self._plot = pg.PlotWidget(self)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._item = self._plot.getPlotItem()
        self._item.setAxisItems({"bottom": _CountAxis("bottom")})
        self._item.setContentsMargins(4, 8, 12, 2)
        for side in ("left", "bottom"):
            self._item.getAxis(side).setCacheMode(pg.QtWidgets.QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self._item.showGrid(x=False, y=True, alpha=0.25)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        self._hover = pg.InfiniteLine(angle=90, movable=False)
        self._dot = pg.ScatterPlotItem(size=8)
        for item in (self._marker, self._hover, self._dot):
            self._item.addItem(item)
        self._marker.setVisible(False)
        self._hover.setVisible(False)
        self._readout = QLabel(self)
        self._readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._readout.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self._plot.scene().sigMouseMoved.connect(self._moved)
        self._plot.scene().sigMouseClicked.connect(self._clicked)

    def set_step(self, step: bool) -> None:
        """Draw stairs (a value holds until the next point) instead of straight lines."""
        self._step = step

    def show_bytes(self) -> None:
        """Label the y axis in KiB, MiB, GiB at powers of two, from 0."""
        self._from_zero = True
        self._item.setAxisItems({"left": _ByteAxis("left")})
        self._item.getAxis("left").setCacheMode(pg.QtWidgets.QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def set_log(self, log: bool) -> None:
        """Show y on a logarithmic scale; values at or below 0 leave gaps."""
        self._log = log
        self._item.setLogMode(x=False, y=log)
        self.redraw()

    @property
    def is_log(self) -> bool:
        """Whether y is logarithmic."""
        return self._log

    def show_series(self, series: list[Series], colors: list[QColor]) -> None:
        """Show these lines; those that grew are drawn anew at `redraw`."""
        for curve in self._curves:
            self._item.removeItem(curve)
        self._series = series
        self._colors = colors
        self._curves = []
        for color in colors[: len(series)]:
            curve = pg.PlotDataItem(
                pen=pg.mkPen(color, width=BOLD),
                connect="finite",
                stepMode="right" if self._step else None,
                symbolSize=5,
                symbolBrush=color,
                symbolPen=None,
            )
            self._item.addItem(curve)
            self._curves.append(curve)
        self.redraw()

    def redraw(self) -> None:
        """Take over what the series hold now and fit the range to it."""
        self._is_late = not self.isVisible()
        if self._is_late:
            return  # drawn when it is seen
        for curve, series in zip(self._curves, self._series, strict=True):
            y = series.y
            if self._log:
                y = np.where(y > 0, y, np.nan)
            # A single point has no line: it is drawn as a dot. Setting a symbol draws the curve anew each time.
            symbol = "o" if len(series.x) <= FEW and np.isfinite(y).any() else None
            if curve.opts["symbol"] != symbol:
                curve.setSymbol(symbol)
            width = BOLD if len(series.x) <= MANY else 1
            if curve.opts["pen"].width() != width:
                curve.setPen(pg.mkPen(curve.opts["pen"].color(), width=width))
            curve.setData(*thinned(series.x, y))
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_late:
            self.redraw()

    def _fit(self) -> None:
        xs = [series.x for series in self._series if len(series.x)]
        if not xs:
            return
        low = min(float(x[0]) for x in xs)
        high = max(float(x[-1]) for x in xs)
        if low == high:
            low, high = low - 0.5, high + 0.5
        left, right = self._plot.viewRange()[0]
        span = high - low
        # A growing line leaves the axis as it is until it reaches the edge: drawing axes costs more than the line.
        if not (left <= low <= left + 0.06 * span and right - 0.06 * span <= high <= right):
            self._plot.setXRange(low, high, padding=0.03)
        with np.errstate(all="ignore"):
            ys = [curve.yData for curve in self._curves if curve.yData is not None]  # not logarithmic
            values = [y[np.isfinite(y) & ((y > 0) | (not self._log))] for y in ys]
        values = [np.log10(v) if self._log else v for v in values if len(v)]
        if not values:
            return
        bottom = min(float(v.min()) for v in values)
        top = max(float(v.max()) for v in values)
        if self._from_zero:
            bottom = 0.0
        if bottom == top:
            bottom, top = bottom - (abs(bottom) * 0.1 or 1.0), top + (abs(top) * 0.1 or 1.0)
        self._plot.setYRange(bottom, top, padding=0.06)

    def mark(self, x: float | None) -> None:
        """Put the marker of where we are at `x`; None hides it."""
        self._marker.setVisible(x is not None)
        if x is not None:
            self._marker.setValue(x)

    def dress(self, t: Tokens) -> None:
        """Take the colours of a theme."""
        self._plot.setBackground(t.surface)
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(pg.mkPen(t.border_strong))
            axis.setTextPen(pg.mkPen(t.text_muted))
            axis.setTickFont(t.font(t.small_size))
            axis.setStyle(tickLength=-4)
        self._item.getAxis("left").setWidth(58)
        if self._x_label:
            style = {"color": t.text_muted.name(), "font-size": f"{t.small_size}pt"}
            self._item.setLabel("bottom", self._x_label, **style)
        self._marker.setPen(pg.mkPen(t.current, width=2))
        self._hover.setPen(pg.mkPen(t.border_strong, style=Qt.PenStyle.DashLine))
        self._dot.setBrush(pg.mkBrush(t.surface))
        self._dot.setPen(pg.mkPen(t.text))
        self._readout.setFont(t.font(t.small_size))
        self._readout.setStyleSheet(
            f"background: {t.surface_raised.name()}; color: {t.text.name()}; border: 1px solid {t.border.name()};"
            f"border-radius: {t.radius - 2}px; padding: 3px 7px;"
        )

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a point of the data stands, in this widget's coordinates."""
        y = math.log10(y) if self._log else y
        scene = self._item.getViewBox().mapViewToScene(QPointF(x, y))
        return QPointF(self._plot.mapTo(self, self._plot.mapFromScene(scene)))

    @property
    def canvas(self) -> QWidget:
        """The widget that takes the mouse."""
        return self._plot.viewport()

    def _data_x(self, scene_place: QPointF) -> float | None:
        box = self._item.getViewBox()
        if not box.sceneBoundingRect().contains(scene_place):
            return None
        return float(box.mapSceneToView(scene_place).x())

    def _clicked(self, click: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        x = self._data_x(click.scenePos())
        if x is not None and click.button() == Qt.MouseButton.LeftButton:
            self.place_chosen.emit(x)

    def _moved(self, place: QPointF) -> None:
        x = self._data_x(place)
        found = [(s, s.nearest(x)) for s in self._series if len(s.x)] if x is not None else []
        self._hover.setVisible(bool(found))
        self._readout.setVisible(bool(found))
        if not found:
            self._dot.clear()
            return
        at = min((float(s.x[i]) for s, i in found), key=lambda value: abs(value - x))
        self._hover.setValue(at)
        lines = [self.format_x(at)]
        dots = []
        for series, index in found:
            y = float(series.y[index])
            lines.append(f"{series.name}  {self.format_y(y)}" if math.isfinite(y) else f"{series.name}  nan")
            if math.isfinite(y) and (y > 0 or not self._log):
                dots.append((float(series.x[index]), math.log10(y) if self._log else y))
        self._dot.setData(pos=dots)
        self._readout.setText("\n".join(lines))
        self._readout.adjustSize()
        left = int(self._plot.mapFromScene(place).x()) + 14
        if left + self._readout.width() > self.width() - 4:
            left -= self._readout.width() + 28
        self._readout.move(max(4, left), 10)


class _CountAxis(pg.AxisItem):
    """An axis that counts: ticks at whole numbers only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        whole = [(step, offset) for step, offset in super().tickSpacing(low, high, size) if step >= 1]
        return whole or [(1.0, 0.0)]


class _ByteAxis(pg.AxisItem):
    """An axis with ticks at round numbers of KiB, MiB or GiB."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        wanted = max((high - low) / max(2.0, size / 40), 1.0)
        unit = 1024.0 ** max(0, min(4, math.floor(math.log(wanted, 1024))))
        step = next((m for m in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if m * unit >= wanted), 1024)
        return [(step * unit, 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        del scale, spacing
        return [bytes_text(value) for value in values]
