"""How one node looks, painted in scene units. The atlas keeps the results as tiles; exports paint them directly."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from graphlab.ui.canvas.scene import BOXES, PADDING, VALUE_HEIGHT, VALUE_WIDTH, Face, Style
from graphlab.ui.theme import NodeColors, Tokens

CENTER = Qt.AlignmentFlag.AlignCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
BOX_RADIUS = 7.0
FOLD_SIZE = 14.0  # of the −/+ sign that folds a module


def blend(first: QColor, second: QColor, share: float) -> QColor:
    """The first colour with `share` of the second mixed in."""
    a, b = first.getRgb(), second.getRgb()
    return QColor(*(round(x + (y - x) * share) for x, y in zip(a[:3], b[:3], strict=True)))


def node_colors(face: Face, t: Tokens, lit: bool = False) -> NodeColors:
    """Fill, outline and text of a node; a lit operator is filled with its phase's full colour."""
    style = face.style
    if style == Style.OP:
        if lit:
            return t.node_op
        color = t.category(face.category)
        return NodeColors(blend(t.canvas, color, 0.13 if not t.is_dark else 0.2), blend(t.canvas, color, 0.75), color)
    if style == Style.BACKWARD:
        return t.node_backward if lit else NodeColors(t.backward_soft, blend(t.canvas, t.backward, 0.75), t.backward)
    if style == Style.UPDATE:
        return t.node_update if lit else NodeColors(t.update_soft, blend(t.canvas, t.update, 0.75), t.update)
    if style == Style.MODULE:
        return NodeColors(blend(t.canvas, t.forward, 0.08), blend(t.canvas, t.forward, 0.55), t.text)
    if style == Style.MODULE_BACKWARD:
        return NodeColors(t.backward_soft, blend(t.canvas, t.backward, 0.55), t.text)
    return {
        Style.TENSOR: t.node_tensor,
        Style.PARAMETER: t.node_parameter,
        Style.GRAD: t.node_grad,
        Style.FAILED: t.node_failed,
        Style.GHOST: t.node_ghost,
    }[style]


def phase_color(style: Style, t: Tokens) -> QColor:
    """The colour in which a node glows while its step is the current one."""
    if style in (Style.GRAD, Style.BACKWARD, Style.MODULE_BACKWARD):
        return t.backward
    if style == Style.UPDATE:
        return t.update
    if style == Style.FAILED:
        return t.failed
    return t.forward


def value_rect(rect: QRectF) -> QRectF:
    """Where a box shows its value."""
    return QRectF(
        rect.right() - PADDING - VALUE_WIDTH + 2, rect.center().y() - VALUE_HEIGHT / 2, VALUE_WIDTH, VALUE_HEIGHT
    )


def fold_rect(x: float, y: float) -> QRectF:
    """The −/+ sign of a module whose frame begins at (x, y)."""
    return QRectF(x + 7, y + 5, FOLD_SIZE, FOLD_SIZE)


def outline_path(face: Face, rect: QRectF) -> QPainterPath:
    """The border of a node."""
    radius = BOX_RADIUS
    if face.style in (Style.OP, Style.BACKWARD, Style.FAILED, Style.GHOST):
        radius = rect.height() / 2
    elif face.style in (Style.MODULE, Style.MODULE_BACKWARD):
        radius = 9.0
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    return path


def paint_face(painter: QPainter, face: Face, rect: QRectF, t: Tokens, lit: bool = False) -> None:
    """Paint a node without its value."""
    colors = node_colors(face, t, lit)
    pen = QPen(colors.outline, 1.2)
    if face.style == Style.GHOST:
        pen.setStyle(Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([4, 3])
    elif face.style == Style.FAILED:
        pen.setWidthF(2.2)
    if face.style in (Style.MODULE, Style.MODULE_BACKWARD):
        painter.setPen(QPen(blend(t.canvas, colors.outline, 0.5), 1.2))
        painter.setBrush(blend(t.canvas, colors.fill, 0.6))
        painter.drawPath(outline_path(face, rect.adjusted(4.5, 4.5, -0.6, -0.6)))
        rect = rect.adjusted(0.6, 0.6, -4.5, -4.5)
    else:
        rect = rect.adjusted(0.6, 0.6, -0.6, -0.6)
    painter.setPen(pen)
    painter.setBrush(colors.fill)
    painter.drawPath(outline_path(face, rect))
    if face.style in BOXES:
        _box_text(painter, face, rect, t, colors)
    elif face.style in (Style.MODULE, Style.MODULE_BACKWARD):
        paint_fold_sign(painter, QRectF(rect.left() + 10, rect.center().y() - 7, 14, 14), t, True)
        painter.setPen(colors.text)
        painter.setFont(t.font(bold=True))
        painter.drawText(rect.adjusted(32, 0, -8, 0), LEFT, face.label)
    else:
        _pill_text(painter, face, rect, t, colors)


def _box_text(painter: QPainter, face: Face, rect: QRectF, t: Tokens, colors: NodeColors) -> None:
    inner = rect.adjusted(PADDING, 6, -VALUE_WIDTH - PADDING, -6)
    if face.style == Style.PARAMETER:  # marked by more than its colour
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.outline)
        painter.drawRoundedRect(QRectF(rect.left() + 3.2, rect.top() + 8, 2.6, rect.height() - 16), 1.3, 1.3)
    painter.setPen(colors.text)
    painter.setFont(t.font(bold=True))
    half = inner.height() / 2
    if face.label:
        painter.drawText(QRectF(inner.left(), inner.top(), inner.width() + 6, half), LEFT, face.label)
        place = QRectF(inner.left(), inner.top() + half, inner.width() + 6, half)
    else:
        place = inner.adjusted(0, 0, 6, 0)
    painter.setPen(blend(colors.text, colors.fill, 0.28))
    painter.setFont(t.font(t.small_size - 0.5))
    painter.drawText(place, LEFT, face.sublabel)


def _pill_text(painter: QPainter, face: Face, rect: QRectF, t: Tokens, colors: NodeColors) -> None:
    if face.style == Style.FAILED:
        badge = QRectF(rect.left() + 8, rect.center().y() - 8, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.outline)
        painter.drawEllipse(badge)
        painter.setPen(QPen(t.surface, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        c = badge.center()
        painter.drawLine(c + QPointF(-3, -3), c + QPointF(3, 3))
        painter.drawLine(c + QPointF(-3, 3), c + QPointF(3, -3))
        rect = rect.adjusted(18, 0, 0, 0)
    painter.setPen(colors.text)
    painter.setFont(t.font(bold=True))
    if not face.sublabel:
        painter.drawText(rect, CENTER, face.label)
        return
    width = painter.fontMetrics().horizontalAdvance(face.label)
    left = rect.left() + PADDING + 4
    painter.drawText(QRectF(left, rect.top(), width + 6, rect.height()), LEFT, face.label)
    painter.setFont(t.font(t.small_size - 0.5))
    painter.setPen(blend(colors.text, colors.fill, 0.2))
    painter.drawText(QRectF(left + width + 7, rect.top(), rect.width(), rect.height()), LEFT, face.sublabel)


def paint_fold_sign(painter: QPainter, rect: QRectF, t: Tokens, folded: bool) -> None:
    """A small box with + (folded) or − in it."""
    painter.setPen(QPen(t.border_strong, 1))
    painter.setBrush(t.surface)
    painter.drawRoundedRect(rect, 3, 3)
    painter.setPen(QPen(t.text_muted, 1.4))
    c, r = rect.center(), rect.width() / 2 - 3.5
    painter.drawLine(c + QPointF(-r, 0), c + QPointF(r, 0))
    if folded:
        painter.drawLine(c + QPointF(0, -r), c + QPointF(0, r))


def paint_edge_label(painter: QPainter, text: str, rect: QRectF, t: Tokens, color: QColor | None = None) -> None:
    """The shape on an edge, on a patch of the canvas so that the line doesn't run through it."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(t.canvas)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    painter.setPen(color or t.edge_label)
    painter.setFont(t.font(t.small_size - 1))
    painter.drawText(rect, CENTER, text)
