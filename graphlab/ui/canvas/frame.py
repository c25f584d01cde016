"""The base frame: kept between paints, moved when the view pans, painted anew for everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from graphlab.ui.canvas.camera import Camera

if TYPE_CHECKING:
    from graphlab.ui.canvas.render import Renderer, View
    from graphlab.ui.canvas.scene import Scene


class Frame:
    """An image of the scene as the camera last saw it."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._image: QImage | None = None
        self.camera = Camera()
        """What the image shows; up to half a pixel off the camera that was asked for."""
        self.is_incomplete = False
        """Some nodes are plain boxes still, because their tiles would have taken too long."""

    def drop(self) -> None:
        """What it shows has changed."""
        self._image = None

    def image(self, scene: Scene, view: View, size: QSize, ratio: float) -> QImage:
        """The frame for a view, made with as little painting as possible."""
        image = self._image
        if image is not None and image.size() == size * ratio and image.devicePixelRatio() == ratio:
            dx = round((self.camera.x - view.camera.x) * view.camera.scale * ratio)
            dy = round((self.camera.y - view.camera.y) * view.camera.scale * ratio)
            if (
                self.camera.scale == view.camera.scale
                and abs(dx) < image.width() * 0.6
                and abs(dy) < image.height() * 0.6
            ):
                if dx or dy:
                    self._shift(scene, view, image, dx, dy)
                return self._image or image
        else:
            image = QImage(size * ratio, QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(ratio)
        painter = QPainter(image)
        self._renderer.paint(painter, scene, view, QRectF(0, 0, size.width(), size.height()))
        painter.end()
        self._image, self.camera = image, view.camera
        self.is_incomplete = self._renderer.atlas.is_incomplete
        return image

    def _shift(self, scene: Scene, view: View, image: QImage, dx: int, dy: int) -> None:
        """Move the image by whole device pixels, or text would smear, and paint what came into view."""
        ratio = image.devicePixelRatio()
        width, height = image.width() / ratio, image.height() / ratio
        x, y = dx / ratio, dy / ratio
        camera = self.camera.moved(x, y)
        shifted = QImage(image.size(), image.format())
        shifted.setDevicePixelRatio(ratio)
        painter = QPainter(shifted)
        painter.drawImage(QPointF(x, y), image)
        view = replace(view, camera=camera)
        if dx:
            self._renderer.paint(painter, scene, view, QRectF(0.0 if x > 0 else width + x, 0, abs(x), height))
            self.is_incomplete |= self._renderer.atlas.is_incomplete
        if dy:
            self._renderer.paint(painter, scene, view, QRectF(0, 0.0 if y > 0 else height + y, width, abs(y)))
            self.is_incomplete |= self._renderer.atlas.is_incomplete
        painter.end()
        self._image, self.camera = shifted, camera
