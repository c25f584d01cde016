"""The little pictures of values in the nodes: a heat map, or the number of a scalar."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from graphlab.i18n import _
from graphlab.trace.store import TraceError
from graphlab.ui.theme import heat_colors

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader

MAX_CELLS = 24  # a side; what is larger is thinned out
KEPT = 4000

Shown = QImage | str
"""A heat map, or the text that stands in its place."""


def number_text(value: Any) -> str:
    """A scalar in at most eight characters or so."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        text = str(int(value))
        return text if len(text) <= 8 else f"{float(value):.2e}"
    if isinstance(value, complex | np.complexfloating):
        return f"{value:.2g}"
    number = float(value)
    if not np.isfinite(number):
        return str(number)
    if number == 0 or 1e-3 <= abs(number) < 1e5:
        text = f"{number:.4f}" if abs(number) < 10 else f"{number:.5g}"
        text = text.rstrip("0") if "." in text else text + "."
        return text
    return f"{number:.2e}"


def cells_of(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The array as at most 24×24 cells: a vector as a row, further axes stacked."""
    numbers = np.abs(array) if np.iscomplexobj(array) else array
    grid = numbers.astype(np.float64).reshape(1, -1) if array.ndim < 2 else numbers.astype(np.float64)
    grid = grid.reshape(-1, grid.shape[-1]) if grid.ndim > 2 else grid
    for axis in (0, 1):
        n = grid.shape[axis]
        if n > MAX_CELLS:
            grid = np.take(grid, np.linspace(0, n - 1, MAX_CELLS).round().astype(int), axis=axis)
    return grid


def heat_image(array: npt.NDArray[Any], theme: str) -> QImage:
    """The array as a picture with one pixel a cell; the strongest colours are ± its largest magnitude."""
    grid = cells_of(array)
    finite = np.isfinite(grid)
    top = float(np.max(np.abs(grid[finite]))) if finite.any() else 0.0
    scaled = np.where(finite, grid, 0.0) / top if top > 0 else np.zeros_like(grid)
    codes = np.clip(np.rint(128 + scaled * 127), 0, 255).astype(np.uint8)
    pixels = heat_colors(theme)[codes]
    pixels[~finite] = (255, 0, 90, 255)
    pixels = np.ascontiguousarray(pixels)
    height, width = codes.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).convertToFormat(
        QImage.Format.Format_ARGB32_Premultiplied
    )


class Pictures:
    """Pictures of values, kept for the value and the theme."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, str], Shown] = OrderedDict()

    def clear(self) -> None:
        """Forget all; another trace is shown."""
        self._kept.clear()

    def known(self, trace: TraceReader, value: int, theme: str) -> Shown | None:
        """The picture if it is at hand."""
        return self._kept.get((id(trace), value, theme))

    def of(self, trace: TraceReader, value: int, theme: str) -> Shown:
        """The picture of a value; "" for one without numbers."""
        key = (id(trace), value, theme)
        shown = self._kept.get(key)
        if shown is None:
            shown = self._kept[key] = self._make(trace, value, theme)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return shown

    def _make(self, trace: TraceReader, value: int, theme: str) -> Shown:
        try:
            array = trace.array(value)
        except TraceError:
            return _("damaged")
        if array.size == 0:
            return _("empty")
        if not trace.values[value].shape:
            return number_text(array.reshape(-1)[0])
        return heat_image(array, theme)


def statistics(trace: TraceReader, value: int) -> str:
    """Least, mean and greatest number, for tooltips."""
    from graphlab.analysis.values import statistics_of

    stats = statistics_of(trace, trace.values[value])
    if "mean" not in stats:
        return ""
    text = _("min {low} · mean {mean} · max {high}").format(
        low=number_text(stats["min"]), mean=number_text(stats["mean"]), high=number_text(stats["max"])
    )
    bad = int(stats.get("n_nan", 0) + stats.get("n_inf", 0))
    return text + (" · " + _("{n} not finite").format(n=bad) if bad else "")
