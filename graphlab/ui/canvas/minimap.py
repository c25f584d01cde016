"""The whole graph small in a corner, with a frame around what is in view; shown only while not all of it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from graphlab.ui.canvas.camera import Camera

if TYPE_CHECKING:
    from graphlab.ui.canvas.render import Renderer, View
    from graphlab.ui.canvas.scene import Scene

WIDTH, HEIGHT = 104.0, 84.0
PADDING = 6.0
MARGIN = 12.0
SMALLEST = QSizeF(560, 360)  # in a smaller view it would hide more than it shows


class Minimap:
    """Keeps the small picture of one structure."""

    def __init__(self) -> None:
        self._image: QImage | None = None
        self._made_for: tuple[object, ...] = ()
        self._camera = Camera()
        self._place = QRectF()
        self._corner = 0

    @property
    def place(self) -> QRectF:
        """Where it stands in the widget; empty while it is hidden."""
        return self._place

    def scene_place(self, point: QPointF) -> tuple[float, float]:
        """The place in the scene under a place of the map (widget coordinates)."""
        inner = point - self._place.topLeft() - QPointF(PADDING, PADDING)
        return self._camera.to_scene(inner.x(), inner.y())

    def paint(
        self, painter: QPainter, renderer: Renderer, scene: Scene, view: View, area: QRectF, avoided: list[QRectF]
    ) -> None:
        """Paint it in a right corner of `area` where none of `avoided` stands, unless all of the graph is in view."""
        x0, y0, x1, y1 = scene.geometry.bounds
        left, top = view.camera.to_widget(x0, y0)
        right, bottom = view.camera.to_widget(x1, y1)
        self._place = QRectF()
        sees_all = left >= -2 and top >= -2 and right <= area.right() + 2 and bottom <= area.bottom() + 2
        if sees_all or area.width() < SMALLEST.width() or area.height() < SMALLEST.height():
            return
        scale = min(WIDTH / max(x1 - x0, 1.0), HEIGHT / max(y1 - y0, 1.0))
        width, height = max((x1 - x0) * scale, 14.0), max((y1 - y0) * scale, 14.0)
        self._camera = Camera((x0 + x1) / 2 - width / 2 / scale, (y0 + y1) / 2 - height / 2 / scale, scale)
        size = QSizeF(width + 2 * PADDING, height + 2 * PADDING)
        self._place = self._best_place(scene, view, area, size, avoided)
        t = view.tokens
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(t.border, 1))
        painter.setBrush(t.surface)
        painter.setOpacity(0.9)
        painter.drawRoundedRect(self._place, 6, 6)
        inner = self._place.adjusted(PADDING, PADDING, -PADDING, -PADDING)
        painter.drawImage(inner, self._picture(renderer, scene, view, inner))
        seen = QRectF(QPointF(*self._camera.to_widget(*view.camera.to_scene(0, 0))), inner.size())
        seen.setBottomRight(QPointF(*self._camera.to_widget(*view.camera.to_scene(area.right(), area.bottom()))))
        seen = seen.translated(inner.topLeft()).intersected(self._place.adjusted(2, 2, -2, -2))
        if not seen.isEmpty():
            fill = QColor(t.accent)
            fill.setAlpha(26)
            painter.setPen(QPen(t.accent, 1.3))
            painter.setBrush(fill)
            painter.drawRoundedRect(seen, 2, 2)
        painter.restore()

    def _best_place(self, scene: Scene, view: View, area: QRectF, size: QSizeF, avoided: list[QRectF]) -> QRectF:
        """The corner (the legend stands in the fourth) that hides nothing, else the least; rather the last one."""
        right, bottom = area.right() - MARGIN - size.width(), area.bottom() - MARGIN - size.height()
        left, top = area.left() + MARGIN, area.top() + MARGIN
        costs: list[tuple[int, bool, int]] = []
        places = [QRectF(QPointF(*corner), size) for corner in ((right, bottom), (right, top), (left, top))]
        for number, place in enumerate(places):
            low = view.camera.to_scene(place.left() - 4, place.top() - 4)
            high = view.camera.to_scene(place.right() + 4, place.bottom() + 4)
            hidden = len(scene.nodes_in(*low, *high)) + 100 * sum(place.intersects(rect) for rect in avoided)
            costs.append((hidden, number != self._corner, number))
        self._corner = min(costs)[2]
        return places[self._corner]

    def _picture(self, renderer: Renderer, scene: Scene, view: View, inner: QRectF) -> QImage:
        key = (id(scene.geometry), view.tokens.name, view.ratio, inner.width(), inner.height())
        if self._image is None or key != self._made_for:
            size = inner.size() * view.ratio
            image = QImage(int(size.width()) + 1, int(size.height()) + 1, QImage.Format.Format_ARGB32_Premultiplied)
            image.setDevicePixelRatio(view.ratio)
            image.fill(view.tokens.surface)
            painter = QPainter(image)
            small = replace(
                view,
                camera=self._camera,
                happened=np.ones(scene.n_nodes, np.bool_),
                edge_happened=np.ones(len(scene.edge_ends), np.bool_),
            )
            renderer.paint_far(painter, scene, small, QRectF(0, 0, inner.width() + 1, inner.height() + 1))
            painter.end()
            self._image, self._made_for = image, key
        return self._image
