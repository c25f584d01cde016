"""Tiles: every distinct node face and edge label rendered once at the exact scale and device pixel ratio.

While the zoom moves, tiles of the last scale are drawn stretched; making new ones stops when its time is used up, so
that no frame waits for text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from time import perf_counter

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

MAX_TILES = 4000


class Atlas:
    """Tiles for one scale, and those of the scale before."""

    def __init__(self) -> None:
        self._stamp: Hashable = None
        self._tiles: dict[Hashable, QImage] = {}
        self._stale: dict[Hashable, QImage] = {}
        self._scale = 1.0
        self._ratio = 1.0
        self._deadline = 0.0
        self._may_make = True
        self.is_incomplete = False

    def clear(self) -> None:
        """Forget all tiles; the theme or the fonts changed."""
        self._tiles, self._stale = {}, {}

    def begin(self, scale: float, ratio: float, theme: str, settled: bool, seconds: float) -> None:
        """Start a frame. New tiles are made only when `settled`, and only for so many seconds."""
        if theme != self._stamp:
            self.clear()
            self._stamp = theme
        self._may_make = settled or (scale == self._scale and ratio == self._ratio)
        if self._may_make and (scale != self._scale or ratio != self._ratio):
            if len(self._tiles) > len(self._stale) // 4:
                self._stale = self._tiles
            self._tiles = {}
            self._scale, self._ratio = scale, ratio
        if len(self._tiles) > MAX_TILES:
            self._tiles = {}
        self._deadline = perf_counter() + seconds
        self.is_incomplete = False

    def tile(
        self, key: Hashable, size: tuple[float, float], paint: Callable[[QPainter, QRectF], None]
    ) -> tuple[QImage | None, bool]:
        """The tile for a key and whether it has the exact scale; `size` is in scene units, with a margin of 1."""
        tile = self._tiles.get(key)
        if tile is not None:
            return tile, self._may_make
        if self._may_make and (perf_counter() < self._deadline):
            tile = self._tiles[key] = self._make(size, paint)
            return tile, True
        self.is_incomplete = True
        return self._stale.get(key), False

    def _make(self, size: tuple[float, float], paint: Callable[[QPainter, QRectF], None]) -> QImage:
        factor = self._scale * self._ratio
        pixels = QSizeF((size[0] + 2) * factor, (size[1] + 2) * factor)
        image = QImage(
            int(pixels.width() + 0.999), int(pixels.height() + 0.999), QImage.Format.Format_ARGB32_Premultiplied
        )
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.scale(factor, factor)
        paint(painter, QRectF(1, 1, size[0], size[1]))
        painter.end()
        image.setDevicePixelRatio(self._ratio)
        return image
