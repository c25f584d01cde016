"""The whole graph as a file: SVG, or a picture of pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from graphlab.i18n import _
from graphlab.ui.canvas.camera import Camera
from graphlab.ui.canvas.render import Renderer

if TYPE_CHECKING:
    from graphlab.ui.canvas.render import View
    from graphlab.ui.canvas.scene import Scene

MARGIN = 24.0
MAX_PIXELS = 16000  # a side; beyond it the picture gets coarser


def export(scene: Scene, view: View, path: str | Path) -> None:
    """Write the scene to `path`, as SVG or by the picture format of its ending. Raises OSError."""
    x0, y0, x1, y1 = scene.geometry.bounds
    width, height = x1 - x0 + 2 * MARGIN, y1 - y0 + 2 * MARGIN
    area = QRectF(x0 - MARGIN, y0 - MARGIN, width, height)
    view = replace(view, camera=Camera(), is_vector=True, settled=True)
    if Path(path).suffix.lower() == ".svg":
        _export_svg(scene, view, Path(path), area)
        return
    scale = min(2.0, MAX_PIXELS / max(width, height))
    image = QImage(max(1, round(width * scale)), max(1, round(height * scale)), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    _paint(painter, scene, view, area, scale)
    painter.end()
    if not image.save(str(path)):
        raise OSError(_("The picture could not be written. Choose another place or name. ({path})").format(path=path))


def _export_svg(scene: Scene, view: View, path: Path, area: QRectF) -> None:
    from PySide6.QtSvg import QSvgGenerator

    with path.open("wb"):
        pass  # raises what is wrong with the place; QSvgGenerator only logs it
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(QSize(round(area.width()), round(area.height())))
    generator.setViewBox(QRectF(0, 0, area.width(), area.height()))
    generator.setTitle(_("Computation graph"))
    painter = QPainter(generator)
    _paint(painter, scene, view, area, 1.0)
    painter.end()


def _paint(painter: QPainter, scene: Scene, view: View, area: QRectF, scale: float) -> None:
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.scale(scale, scale)
    painter.translate(-area.left(), -area.top())
    Renderer().paint(painter, scene, view, area)
