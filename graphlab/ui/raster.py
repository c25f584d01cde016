"""An SVG document as PNG, painted by Qt without a window or a display: for `graphlab render`."""

from __future__ import annotations

import os
import sys

from graphlab.i18n import _

MAX_PIXELS = 32_000
"""A side of the picture, as far as Qt paints; larger graphs get coarser."""
SCALE = 2.0


def rasterise(svg: str) -> bytes:
    """A PNG of the document, twice its size so that it stays crisp in print. Raises OSError when Qt cannot paint it."""
    # A picture needs fonts but no screen; on macOS and Windows the usual platform works without one.
    if sys.platform.startswith("linux"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QBuffer, QIODevice, QSize
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    app = QGuiApplication.instance() or QGuiApplication(["graphlab"])
    renderer = QSvgRenderer(svg.encode())
    size = renderer.defaultSize()
    if not renderer.isValid() or size.isEmpty():
        raise OSError(_("Qt cannot read the drawing"))
    scale = min(SCALE, MAX_PIXELS / max(size.width(), size.height()))
    image = QImage(
        QSize(max(1, round(size.width() * scale)), max(1, round(size.height() * scale))), QImage.Format.Format_RGB32
    )
    if image.isNull():
        raise OSError(_("the picture is too large for the memory"))
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):
        raise OSError(_("Qt cannot write PNG"))
    data = bytes(buffer.data().data())
    del app
    return data
