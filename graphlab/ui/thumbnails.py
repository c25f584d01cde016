"""The small drawings on the cards of the samples, chosen by words in the sample's name."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from graphlab.ui.theme import Tokens

Drawing = Callable[[QPainter, QRectF, Tokens], None]


def drawing(name: str) -> Drawing:
    """What to draw for a sample of this name."""
    lower = name.lower()
    for words, draw in _TABLE:
        if any(word in lower for word in words):
            return draw
    return graph


def _pen(color: QColor, width: float = 1.6) -> QPen:
    return QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def _box(
    painter: QPainter, middle: QPointF, fill: QColor, outline: QColor, width: float = 30, height: float = 13
) -> None:
    painter.setPen(_pen(outline, 1.2))
    painter.setBrush(fill)
    painter.drawRoundedRect(QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height), 4, 4)


def _curve(painter: QPainter, start: QPointF, end: QPointF, color: QColor) -> None:
    path = QPainterPath(start)
    middle = (start.x() + end.x()) / 2
    path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
    painter.setPen(_pen(color))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)


def graph(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Two leaves, two operators, and the gradient on its way back."""
    x = [area.left() + area.width() * part for part in (0.1, 0.42, 0.68, 0.92)]
    top, middle, bottom = area.top() + 12, area.center().y(), area.bottom() - 12
    _curve(painter, QPointF(x[0], top), QPointF(x[1], middle), t.edge)
    _curve(painter, QPointF(x[0], bottom), QPointF(x[1], middle), t.edge)
    _curve(painter, QPointF(x[1], middle), QPointF(x[2], top + 6), t.forward)
    _curve(painter, QPointF(x[2], top + 6), QPointF(x[3], middle), t.forward)
    _curve(painter, QPointF(x[3], middle), QPointF(x[2], bottom - 2), t.backward)
    _curve(painter, QPointF(x[2], bottom - 2), QPointF(x[0], bottom), t.backward)
    _box(painter, QPointF(x[0], top), t.node_tensor.fill, t.node_tensor.outline)
    _box(painter, QPointF(x[0], bottom), t.node_parameter.fill, t.node_parameter.outline)
    _box(painter, QPointF(x[1], middle), t.node_op.fill, t.node_op.outline)
    _box(painter, QPointF(x[2], top + 6), t.node_op.fill, t.node_op.outline)
    _box(painter, QPointF(x[2], bottom - 2), t.node_backward.fill, t.node_backward.outline)
    _box(painter, QPointF(x[3], middle), t.node_tensor.fill, t.node_tensor.outline, 22)


def line_fit(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Points and the line that is fitted to them."""
    painter.setPen(_pen(t.border_strong, 1))
    painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))
    painter.drawLine(QLineF(area.bottomLeft(), area.topLeft()))
    for dash, slope in ((True, 0.25), (True, 0.55), (False, 0.9)):
        pen = _pen(t.ghost if dash else t.forward, 1.2 if dash else 2)
        if dash:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawLine(QLineF(area.bottomLeft(), QPointF(area.right() - 8, area.bottom() - area.height() * slope)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(t.backward)
    for number in range(1, 6):
        part = number / 5.4
        painter.drawEllipse(
            QPointF(area.left() + part * (area.width() - 8), area.bottom() - part * 0.9 * area.height()), 3.2, 3.2
        )


def network(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Layers of a small network."""
    layers = []
    for place, n in ((0.12, 2), (0.5, 5), (0.88, 3)):
        gap = area.height() / n
        layers.append(
            [QPointF(area.left() + place * area.width(), area.top() + gap * (number + 0.5)) for number in range(n)]
        )
    painter.setPen(_pen(t.edge, 0.8))
    for left, right in pairwise(layers):
        for start in left:
            for end in right:
                painter.drawLine(QLineF(start, end))
    colors = (t.node_tensor, t.node_op, t.node_update)
    for layer, color in zip(layers, colors, strict=True):
        painter.setPen(_pen(color.outline, 1.2))
        painter.setBrush(color.fill)
        for point in layer:
            painter.drawEllipse(point, 4.6, 4.6)


def clash(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Two shapes whose axes do not fit."""
    size, gap = 24.0, 7.0
    rows = ((("3", t.text_muted), ("4", t.failed)), (("5", t.failed), ("2", t.text_muted)))
    for number, row in enumerate(rows):
        y = area.top() + number * (size + 16) + 2
        x = area.center().x() - (2 * size + gap) / 2 + (number - 0.5) * (size + gap)
        for column, (text, color) in enumerate(row):
            cell = QRectF(x + column * (size + gap), y, size, size)
            painter.setPen(_pen(color, 1.4))
            painter.setBrush(t.failed_soft if color == t.failed else t.surface)
            painter.drawRoundedRect(cell, 4, 4)
            painter.setFont(t.mono(9.5))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)
    middle = area.center().x()
    painter.setPen(_pen(t.failed, 1.8))
    y = area.top() + size + 4
    painter.drawLine(QLineF(middle, y, middle, y + 10))


def memory(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Memory that grows past its limit."""
    n = 11
    width = area.width() / n
    limit = area.top() + area.height() * 0.3
    painter.setPen(Qt.PenStyle.NoPen)
    for number in range(n):
        part = min(1.0, 0.12 + 0.9 * (number / (n - 1)) ** 1.4)
        top = area.bottom() - part * area.height()
        painter.setBrush(t.failed if top < limit else t.node_op.fill)
        painter.drawRoundedRect(QRectF(area.left() + number * width + 2, top, width - 4, area.bottom() - top), 2, 2)
    pen = _pen(t.failed, 1.4)
    pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.drawLine(QLineF(area.left(), limit, area.right(), limit))


def bars(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Bars that sum to one."""
    heights = (0.12, 0.34, 0.9, 0.22, 0.5)
    width = area.width() / len(heights)
    painter.setPen(Qt.PenStyle.NoPen)
    for number, height in enumerate(heights):
        painter.setBrush(t.backward if height == max(heights) else t.node_op.fill)
        top = area.bottom() - height * area.height()
        painter.drawRoundedRect(QRectF(area.left() + number * width + 5, top, width - 10, area.bottom() - top), 3, 3)
    painter.setPen(_pen(t.border_strong, 1.2))
    painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))


def matrix(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """A matrix of numbers as colours."""
    columns, rows = 9, 5
    size = min(area.width() / columns, area.height() / rows)
    left = area.center().x() - columns * size / 2
    top = area.center().y() - rows * size / 2
    painter.setPen(Qt.PenStyle.NoPen)
    for row in range(rows):
        for column in range(columns):
            value = math.sin(column * 0.9 + row * 1.3) * math.cos(row * 0.8 - column * 0.3)
            color = QColor(t.forward if value < 0 else t.backward)
            color.setAlphaF(0.12 + 0.85 * abs(value))
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(left + column * size + 1, top + row * size + 1, size - 2, size - 2), 2, 2)


def misfit(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Two layers, of which the second is narrower than what comes out of the first."""
    y, size = area.center().y(), area.height() / 2
    for place, height, color in ((0.26, size, t.node_op), (0.66, size * 0.55, t.node_failed)):
        x = area.left() + place * area.width()
        painter.setPen(_pen(color.outline, 1.4))
        painter.setBrush(color.fill)
        painter.drawRoundedRect(QRectF(x - 22, y - height, 44, 2 * height), 4, 4)
    n = 6
    for number in range(n):
        at = y + (number - (n - 1) / 2) * (2 * size - 12) / (n - 1)
        fits = abs(at - y) < size * 0.5
        painter.setPen(_pen(t.forward if fits else t.failed, 1.4))
        end = area.left() + (0.66 if fits else 0.56) * area.width() - (22 if fits else 0)
        painter.drawLine(QLineF(area.left() + 0.26 * area.width() + 23, at, end, at))


def column(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Numbers in a column where a row is wanted."""
    size = area.height() / 3.4
    painter.setFont(t.mono(9))
    for number in range(3):
        bad = QRectF(area.left() + area.width() * 0.16, area.top() + number * (size + 4), size, size)
        good = QRectF(area.left() + area.width() * 0.5 + number * (size + 4), area.center().y() - size / 2, size, size)
        for cell, line, fill in ((bad, t.failed, t.failed_soft), (good, t.update, t.update_soft)):
            painter.setPen(_pen(line, 1.3))
            painter.setBrush(fill)
            painter.drawRoundedRect(cell, 4, 4)
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, str(number))
    y = area.center().y()
    start, end = area.left() + area.width() * 0.16 + size + 10, area.left() + area.width() * 0.5 - 8
    painter.setPen(_pen(t.text_muted, 1.6))
    painter.drawLine(QLineF(start, y, end, y))
    painter.drawLine(QLineF(end - 5, y - 4, end, y))
    painter.drawLine(QLineF(end - 5, y + 4, end, y))


def arrows(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """A vector whose backward pass does not know where to begin."""
    size = area.height() / 3.6
    x = area.left() + area.width() * 0.74
    for number in range(3):
        cell = QRectF(x, area.top() + number * (size + 5), size * 1.5, size)
        painter.setPen(_pen(t.node_tensor.outline, 1.3))
        painter.setBrush(t.node_tensor.fill)
        painter.drawRoundedRect(cell, 4, 4)
        pen = _pen(t.backward, 1.6)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        _start, y = QPointF(x - 4, cell.center().y()), area.center().y()
        painter.drawLine(QLineF(_start, QPointF(area.left() + area.width() * 0.36, y)))
    _box(painter, QPointF(area.left() + area.width() * 0.22, area.center().y()), t.node_backward.fill,
         t.node_backward.outline, 46, 20)  # fmt: skip
    painter.setPen(t.node_backward.text)
    painter.setFont(t.font(10, bold=True))
    painter.drawText(QRectF(area.left() + area.width() * 0.22 - 23, area.center().y() - 10, 46, 20),
                     Qt.AlignmentFlag.AlignCenter, "?")  # fmt: skip


def integers(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Whole numbers, and the same with a fraction."""
    size = area.height() / 2.6
    painter.setFont(t.mono(9.5))
    rows = ((("1", "2", "3"), t.failed, t.failed_soft), (("1.", "2.", "3."), t.update, t.update_soft))
    for row, (texts, line, fill) in enumerate(rows):
        for number, text in enumerate(texts):
            x = area.center().x() + (number - 1.5) * (size * 1.5 + 6)
            cell = QRectF(x, area.top() + 2 + row * (size + 8), size * 1.5, size)
            painter.setPen(_pen(line, 1.3))
            painter.setBrush(fill)
            painter.drawRoundedRect(cell, 4, 4)
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)


def quadrants(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """Four points that no line separates."""
    size = area.height()
    square = QRectF(area.center().x() - size / 2, area.top(), size, size)
    painter.setPen(Qt.PenStyle.NoPen)
    for number in range(4):
        right, low = number % 2, number // 2
        fill = QColor(t.forward if right != low else t.backward)
        fill.setAlphaF(0.16)
        painter.setBrush(fill)
        cell = QRectF(square.left() + right * size / 2, square.top() + low * size / 2, size / 2, size / 2)
        painter.drawRect(cell.adjusted(1, 1, -1, -1))
        painter.setBrush(t.forward if right != low else t.backward)
        painter.drawEllipse(cell.center(), 4.5, 4.5)


def jacobian(painter: QPainter, area: QRectF, t: Tokens) -> None:
    """A matrix of derivatives, of which only the diagonal is not zero."""
    n = 6
    size = area.height() / n
    left = area.center().x() - n * size / 2
    painter.setPen(_pen(t.border_strong, 0.8))
    for row in range(n):
        for place in range(n):
            color = QColor(t.forward)
            color.setAlphaF(0.25 + 0.12 * row if row == place else 0.03)
            painter.setBrush(color)
            painter.drawRect(QRectF(left + place * size, area.top() + row * size, size, size))


_TABLE: tuple[tuple[tuple[str, ...], Drawing], ...] = (
    (("memory", "oom", "cuda", "batch"), memory),
    (("column", "target"), column),
    (("wide", "layer"), misfit),
    (("integer",), integers),
    (("vector",), arrows),
    (("xor",), quadrants),
    (("jacobian", "hessian"), jacobian),
    (("shape", "broadcast", "error", "wrong"), clash),
    (("softmax", "dim"), bars),
    (("tensor",), matrix),
    (("linear", "regression"), line_fit),
    (("mlp", "net", "classif"), network),
)
