"""What lies over the base frame and changes often: the lit step, hover, selection, matches, legend and notices."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from graphlab.i18n import _
from graphlab.ui.canvas.faces import BOX_RADIUS, outline_path, paint_edge_label, paint_face, phase_color
from graphlab.ui.canvas.paths import arrow_heads
from graphlab.ui.canvas.phases import GLYPHS, LABELS, Phase
from graphlab.ui.canvas.render import LABEL_SCALE, TILE_SCALE, Renderer, View, edge_label_rect, edge_path
from graphlab.ui.canvas.scene import BOXES, Scene, Style
from graphlab.ui.theme import Tokens

MAX_LIT = 200
NOTICE_TOP = 12.0
NOTICE_ROOM = 60.0  # what stays free at the top while a path is lit
NOTICE_WIDTH = 620.0  # of words in one line
NOTICE_SIDE = 116.0  # what stays free beside a notice, for the small map

CENTER = Qt.AlignmentFlag.AlignCenter


def _scene_transform(painter: QPainter, view: View) -> None:
    camera = view.camera
    painter.scale(camera.scale, camera.scale)
    painter.translate(-camera.x, -camera.y)


def _with_alpha(color: QColor, alpha: int) -> QColor:
    result = QColor(color)
    result.setAlpha(alpha)
    return result


def _rect(scene: Scene, node: int) -> QRectF:
    x0, y0, x1, y1 = scene.rects[node].tolist()
    return QRectF(x0, y0, x1 - x0, y1 - y0)


def paint_current(painter: QPainter, renderer: Renderer, scene: Scene, view: View, current: list[int]) -> None:
    """The nodes of the current step, glowing in their phase's colour, and the edges that feed them."""
    if not current:
        return
    t, camera = view.tokens, view.camera
    current = current[:MAX_LIT]
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    ends = scene.edge_ends
    edges = np.flatnonzero(np.isin(ends[:, 1], current))[:MAX_LIT]
    if len(edges):
        color = phase_color(Style(int(scene.styles[current[0]])), t)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, max(1.5, 2.2 * camera.scale), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for edge in edges.tolist():
            painter.drawPath(edge_path(scene, camera, edge))
        if camera.scale >= 0.25:
            geometry = scene.geometry
            painter.save()
            _scene_transform(painter, view)
            painter.fillPath(arrow_heads(geometry.points, geometry.offsets, edges, 9.0), color)
            painter.restore()
            paint_labels(painter, scene, view, edges.tolist(), color)
    for node in current:
        color = phase_color(Style(int(scene.styles[node])), t)
        rect, face = _rect(scene, node), scene.faces[scene.face_of[node]]
        painter.save()
        _scene_transform(painter, view)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        reach = 5.0 / min(max(camera.scale, 0.1), 1.0)
        for step in (3, 2, 1):  # a soft glow: wide and faint to narrow and strong
            painter.setPen(QPen(_with_alpha(color, 34 + 26 * (3 - step)), step * reach * 0.8))
            painter.drawPath(outline_path(face, rect))
        if camera.scale < TILE_SCALE:
            painter.fillPath(outline_path(face, rect), color)
            painter.restore()
            continue
        paint_face(painter, face, rect, t, True)
        if face.style in BOXES:
            painter.setPen(QPen(color, 2.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(outline_path(face, rect.adjusted(0.8, 0.8, -0.8, -0.8)))
        painter.restore()
        if face.has_value:
            renderer.paint_value(painter, scene, view, node)
    painter.restore()


def paint_labels(painter: QPainter, scene: Scene, view: View, edges: list[int], color: QColor) -> None:
    """The shapes on emphasised edges, over their lines."""
    if view.camera.scale < LABEL_SCALE:
        return
    painter.save()
    _scene_transform(painter, view)
    for edge in edges:
        rect = edge_label_rect(scene, edge)
        if not rect.isEmpty():
            paint_edge_label(painter, scene.edge_labels[edge], rect, view.tokens, color)
    painter.restore()


def paint_marks(
    painter: QPainter, scene: Scene, view: View, matches: list[int], hover: int, selected: int, has_focus: bool
) -> None:
    """Frames around what was found, what is under the mouse and what is selected."""
    t, camera = view.tokens, view.camera
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)

    def frame(node: int, distance: float, pen: QPen) -> None:
        if not 0 <= node < scene.n_nodes:
            return
        rect = _rect(scene, node)
        left, top = camera.to_widget(rect.x(), rect.y())
        place = QRectF(left, top, rect.width() * camera.scale, rect.height() * camera.scale)
        pill = scene.faces[scene.face_of[node]].height < 40
        radius = place.height() / 2 + distance if pill else BOX_RADIUS * camera.scale + distance
        painter.setPen(pen)
        painter.drawRoundedRect(place.adjusted(-distance, -distance, distance, distance), radius, radius)

    for node in matches[:500]:
        frame(node, 3, QPen(t.current, 2.5))
    if hover >= 0 and hover != selected:
        frame(hover, 2, QPen(_with_alpha(t.accent, 130), 1.5))
        ends = scene.edge_ends
        painter.setPen(QPen(_with_alpha(t.accent, 130), max(1.3, 1.8 * camera.scale)))
        edges = np.flatnonzero((ends[:, 0] == hover) | (ends[:, 1] == hover))[:MAX_LIT].tolist()
        for edge in edges:
            painter.drawPath(edge_path(scene, camera, edge))
        paint_labels(painter, scene, view, edges, t.accent)
    if selected >= 0:
        frame(selected, 4, QPen(t.accent, 2))
        if has_focus:
            pen = QPen(t.accent, 1)
            pen.setDashPattern([2, 2])
            frame(selected, 7, pen)
    painter.restore()


def paint_legend(painter: QPainter, scene: Scene, view: View, area: QRectF) -> None:
    """The phases that occur in the picture, in a quiet corner: sign, word and colour."""
    t = view.tokens
    present = np.bincount(scene.styles, minlength=len(Style)) > 0
    shown = [(Phase.FORWARD, t.forward)] if present[[Style.OP, Style.TENSOR, Style.MODULE]].any() else []
    if present[[Style.BACKWARD, Style.GRAD, Style.MODULE_BACKWARD]].any():
        shown.append((Phase.BACKWARD, t.backward))
    if present[Style.UPDATE]:
        shown.append((Phase.UPDATE, t.update))
    if present[Style.FAILED]:
        shown.append((Phase.ERROR, t.failed))
    if not shown or area.width() < 320:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(t.font(t.small_size - 1))
    metrics = painter.fontMetrics()
    texts = [f"{GLYPHS[phase]} {_(LABELS[phase])}" for phase, _color in shown]
    widths = [metrics.horizontalAdvance(text) + 14 for text in texts]
    box = QRectF(10, area.bottom() - 32, sum(widths) + 8, 22)
    painter.setPen(QPen(_with_alpha(t.border, 160), 1))
    painter.setBrush(_with_alpha(t.surface, 225))
    painter.drawRoundedRect(box, 11, 11)
    x = box.left() + 10
    for text, width, (_phase, color) in zip(texts, widths, shown, strict=True):
        painter.setPen(color)
        painter.drawText(QRectF(x, box.top(), width, box.height()), Qt.AlignmentFlag.AlignVCenter, text)
        x += width
    painter.restore()


def paint_notice(painter: QPainter, area: QRectF, t: Tokens, text: str, failed: bool = False) -> None:
    """Quiet words at the top, in as many lines as they need: the layout is on its way, or what the lit path shows."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(t.font(t.small_size))
    wraps = CENTER | Qt.TextFlag.TextWordWrap
    widest = max(min(area.width() - 2 * NOTICE_SIDE, NOTICE_WIDTH), 120.0)
    words = painter.fontMetrics().boundingRect(QRectF(0, 0, widest, 200).toRect(), wraps, text)
    width, height = words.width() + 28.0, max(26.0, words.height() + 11.0)
    box = QRectF(area.center().x() - width / 2, area.top() + NOTICE_TOP, width, height)
    painter.setPen(QPen(t.failed if failed else t.border, 1))
    painter.setBrush(t.failed_soft if failed else t.surface_raised)
    painter.drawRoundedRect(box, 13, 13)
    painter.setPen(t.failed if failed else t.text_muted)
    painter.drawText(QRectF(words).translated(box.center() - QRectF(words).center()), wraps, text)
    painter.restore()


def paint_empty(painter: QPainter, area: QRectF, t: Tokens, has_trace: bool) -> None:
    """What the canvas says before there is anything to draw."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    center = area.center() - QPointF(0, 60)
    painter.setPen(QPen(t.border_strong, 1.6))
    left, right, below = center + QPointF(-62, -28), center + QPointF(62, -28), center + QPointF(0, 28)
    for start in (left, right):
        path = QPainterPath(start + QPointF(0, 13))
        path.cubicTo(start + QPointF(0, 34), below + QPointF(0, -38), below + QPointF(0, -13))
        painter.drawPath(path)
    for place, colors in ((left, t.node_tensor), (right, t.node_parameter), (below, t.node_grad)):
        painter.setPen(QPen(colors.outline, 1.4))
        painter.setBrush(colors.fill)
        radius = 6 if place is not below else 13
        painter.drawRoundedRect(QRectF(place.x() - 34, place.y() - 13, 68, 26), radius, radius)
    lines = (
        (_("No tensors in this part of the run"), _("Step on, or choose another iteration"))
        if has_trace
        else (_("The graph appears here"), _("Open a sample or type a program, then press Run (F5)"))
    )
    painter.setFont(t.font(t.ui_size + 3, bold=True))
    painter.setPen(t.text)
    painter.drawText(QRectF(area.left(), center.y() + 64, area.width(), 28), CENTER, lines[0])
    painter.setFont(t.font())
    painter.setPen(t.text_muted)
    painter.drawText(QRectF(area.left(), center.y() + 92, area.width(), 24), CENTER, lines[1])
    painter.restore()
