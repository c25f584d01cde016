"""Paints what is visible of a scene. Close up tiles, curves and labels; further out plain boxes; far out a raster.

Each step is chosen by what it costs for what is visible now, so that a frame takes about the same time at every zoom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from graphlab.layout.model import Options
from graphlab.ui.canvas.atlas import Atlas
from graphlab.ui.canvas.camera import Camera
from graphlab.ui.canvas.faces import (
    blend,
    fold_rect,
    node_colors,
    paint_edge_label,
    paint_face,
    paint_fold_sign,
    value_rect,
)
from graphlab.ui.canvas.paths import arrow_heads, coarse, path_of, ragged, smooth_path
from graphlab.ui.canvas.scene import BOXES, EDGE_LABEL_HEIGHT, EdgeStyle, Face, Style
from graphlab.ui.theme import Tokens

if TYPE_CHECKING:
    from graphlab.ui.canvas.scene import Scene
    from graphlab.ui.canvas.values import Shown

TILE_SCALE = 0.36  # from here on names can be read
LABEL_SCALE = 0.55
TITLE_SCALE = 0.3
MIN_GROUP = 14  # pixels below which a module's frame is left out
VALUE_SCALE = 0.36
MAX_TILED = 900  # nodes drawn as tiles in one frame
MAX_FINE_EDGES = 260  # edges drawn with round wide pens
MAX_BOXES = 1200
MAX_SMOOTH = 100  # tiles stretched smoothly while the zoom moves
PORTAL_WIDTH = Options().portal_width
DIM = 0.42  # opacity of what has not happened yet

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class View:
    """What one frame shows."""

    camera: Camera
    tokens: Tokens
    ratio: float  # device pixels a pixel
    happened: Bools  # (n,) at the current event
    edge_happened: Bools  # (m,)
    value: Callable[[int], Shown | None]  # picture of a node's value
    settled: bool = True  # the zoom stands still
    tile_seconds: float = 0.006
    is_vector: bool = False  # for export: no tiles, no raster


class Renderer:
    """Paints scenes; keeps the tiles."""

    def __init__(self) -> None:
        self.atlas = Atlas()

    def paint(self, painter: QPainter, scene: Scene, view: View, area: QRectF) -> None:
        """Paint the part of the scene that lies in `area` (widget coordinates), background included."""
        painter.save()
        painter.setClipRect(area)
        painter.fillRect(area, view.tokens.canvas)
        camera = view.camera
        self.atlas.begin(camera.scale, view.ratio, view.tokens.name, view.settled, view.tile_seconds)
        x0, y0 = camera.to_scene(area.left() - 4, area.top() - 4)
        x1, y1 = camera.to_scene(area.right() + 4, area.bottom() + 4)
        nodes = scene.nodes_in(x0, y0, x1, y1)
        edges = scene.edges_in(x0, y0, x1, y1)
        is_close = view.is_vector or (camera.scale >= TILE_SCALE and len(nodes) <= MAX_TILED)
        groups = scene.groups_in(x0, y0, x1, y1, MIN_GROUP / camera.scale)
        self._groups(painter, scene, view, groups)
        self._edges(painter, scene, view, edges, is_close)
        self._group_titles(painter, scene, view, groups, area)
        if is_close:
            self._portals(painter, scene, view, area)
            if camera.scale >= LABEL_SCALE:
                self._edge_labels(painter, scene, view, scene.labels_in(x0, y0, x1, y1))
            self._tiles(painter, scene, view, nodes)
        else:
            self._far_nodes(painter, scene, view, nodes, area)
        painter.restore()

    def paint_far(self, painter: QPainter, scene: Scene, view: View, area: QRectF) -> None:
        """Paint the whole scene without names, values and background, for the minimap."""
        every = np.arange(len(scene.edge_ends))
        self._edges(painter, scene, view, every, False)
        self._far_nodes(painter, scene, view, np.arange(scene.n_nodes), area)

    def _far_nodes(self, painter: QPainter, scene: Scene, view: View, nodes: Ints, area: QRectF) -> None:
        if len(nodes) <= MAX_BOXES:
            self._boxes(painter, scene, view, nodes)
        else:
            self._raster(painter, scene, view, nodes, area)

    # Groups

    def _groups(self, painter: QPainter, scene: Scene, view: View, groups: Ints) -> None:
        if not len(groups):
            return
        t, camera = view.tokens, view.camera
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(t.group_outline, 1))
        painter.setBrush(t.group_fill)
        for x0, y0, x1, y1 in scene.geometry.group_boxes[groups].tolist():
            rect = _to_widget(camera, x0, y0, x1, y1)
            radius = min(11 * camera.scale, rect.width() / 2)
            painter.drawRoundedRect(rect, radius, radius)

    def _group_titles(self, painter: QPainter, scene: Scene, view: View, groups: Ints, area: QRectF) -> None:
        """The modules' names and −/+ signs, over the edges that pass."""
        t, camera = view.tokens, view.camera
        if camera.scale < TITLE_SCALE:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number in groups.tolist():
            box = scene.geometry.picture.groups[number]
            if not _to_widget(camera, box.x0, box.y0, box.x1, box.y0 + 24).intersects(area):
                continue
            painter.save()
            painter.translate(*camera.to_widget(box.x0, box.y0))
            painter.scale(camera.scale, camera.scale)
            painter.setFont(t.font(t.small_size, bold=True))
            room = max(box.x1 - box.x0 - 34, 8)
            label = scene.flow.groups[box.group].label
            text = painter.fontMetrics().elidedText(label, Qt.TextElideMode.ElideRight, int(room))
            width = painter.fontMetrics().horizontalAdvance(text) + 6
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(blend(t.canvas, t.group_outline, 0.3))
            painter.drawRoundedRect(QRectF(5, 3, width + 22, 18), 5, 5)
            paint_fold_sign(painter, fold_rect(0, 0), t, False)
            painter.setPen(t.text_muted)
            painter.drawText(QRectF(26, 3, width, 18), Qt.AlignmentFlag.AlignVCenter, text)
            painter.restore()

    # Edges

    def _edges(self, painter: QPainter, scene: Scene, view: View, edges: Ints, is_close: bool) -> None:
        if not len(edges):
            return
        camera, geometry = view.camera, scene.geometry
        happened = view.edge_happened[edges]
        styles = scene.edge_styles[edges]
        fine = view.is_vector or (is_close and len(edges) <= MAX_FINE_EDGES)
        limit = 16000 if view.ratio <= 1.5 else 10000
        for style in EdgeStyle:
            of_style = styles == style
            if not of_style.any():
                continue
            for done in (False, True):
                some = edges[of_style & (happened == done)]
                if not len(some):
                    continue
                color = edge_color(style, view.tokens, done)
                if fine:
                    self._fine_edges(painter, scene, camera, some, style, color)
                    continue
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(edges) <= 4000)
                if not is_close and len(edges) > 700:
                    color = blend(color, view.tokens.canvas, 0.45)  # so many lines would drown the nodes
                painter.setPen(QPen(color, 0))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                if is_close or len(edges) < 700:
                    index, starts = ragged(geometry.offsets, some)
                    points = geometry.points[index]
                else:
                    n = 4 if len(edges) < 3000 else 2
                    if len(edges) > limit:
                        some = some[:: -(-len(edges) // limit)]
                    lines = coarse(geometry.points, geometry.offsets, some, n)
                    if n == 2:  # what is shorter than two pixels hides under its nodes anyway
                        reach = np.abs(lines[:, 1] - lines[:, 0]).max(axis=1)
                        lines = lines[reach * camera.scale > 2]
                    points = lines.reshape(-1, 2)
                    starts = np.zeros(len(points), np.bool_)
                    starts[::n] = True
                painter.drawPath(path_of((points - (camera.x, camera.y)) * camera.scale, starts))
                if is_close:
                    self._arrows(painter, scene, camera, some, color)

    def _fine_edges(
        self, painter: QPainter, scene: Scene, camera: Camera, edges: Ints, style: EdgeStyle, color: QColor
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(color, max(1.0, 1.4 * min(camera.scale, 1.3)), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        if style == EdgeStyle.GHOST:
            pen.setDashPattern([4, 3.5])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # One path an edge: a path of many wide lines is rasterised as one shape, 20 times slower.
        for edge in edges.tolist():
            painter.drawPath(edge_path(scene, camera, edge))
        self._arrows(painter, scene, camera, edges, color)

    def _arrows(self, painter: QPainter, scene: Scene, camera: Camera, edges: Ints, color: QColor) -> None:
        size = 7.5 * min(max(camera.scale, 0.5), 1.6)
        points = scene.geometry.points
        last = scene.geometry.offsets[edges + 1] - 1
        edges = edges[last >= scene.geometry.offsets[edges]]
        if not len(edges) or camera.scale < 0.25:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(
            _in_widget(arrow_heads(points, scene.geometry.offsets, edges, size / camera.scale), camera), color
        )

    def _edge_labels(self, painter: QPainter, scene: Scene, view: View, shown: Ints) -> None:
        t = view.tokens
        if len(shown) > MAX_TILED:
            return
        done = view.edge_happened
        for edge in shown.tolist():
            text = scene.edge_labels[edge]
            painter.setOpacity(1.0 if done[edge] else DIM + 0.15)

            def paint(p: QPainter, rect: QRectF, text: str = text) -> None:
                paint_edge_label(p, text, rect, t)

            self._draw(painter, ("edge", text), edge_label_rect(scene, edge), paint, view)
        painter.setOpacity(1.0)

    def _portals(self, painter: QPainter, scene: Scene, view: View, area: QRectF) -> None:
        camera, t = view.camera, view.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for portal in scene.geometry.picture.portals:
            for place, line, is_leave in (
                (portal.from_place, portal.leave, True),
                (portal.to_place, portal.arrive, False),
            ):
                rect = portal_rect(camera, place)
                if not rect.adjusted(-60, -60, 60, 60).intersects(area):
                    continue
                style = EdgeStyle(int(scene.edge_styles[portal.edge]))
                painter.setPen(QPen(edge_color(style, t, bool(view.edge_happened[portal.edge])), 1.2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                points = np.asarray(line, float).reshape(-1, 2)
                painter.drawPath(_in_widget(smooth_path(points), camera))
                painter.setBrush(t.surface_raised)
                painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
                if camera.scale < LABEL_SCALE:
                    continue
                painter.save()
                painter.translate(rect.center())
                painter.scale(camera.scale, camera.scale)
                painter.setPen(t.edge_label)
                painter.setFont(t.font(t.small_size - 1))
                text = f"{portal.name} ↓" if is_leave else f"↑ {portal.name}"
                text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, int(PORTAL_WIDTH) - 6)
                painter.drawText(QRectF(-PORTAL_WIDTH / 2, -9, PORTAL_WIDTH, 18), Qt.AlignmentFlag.AlignCenter, text)
                painter.restore()

    # Nodes

    def _draw(
        self, painter: QPainter, key: object, rect: QRectF, paint: Callable[[QPainter, QRectF], None], view: View
    ) -> bool:
        """Draw a tile with its scene rectangle at its place; False when there is none yet."""
        camera = view.camera
        if view.is_vector:
            paint(painter, rect)
            return True
        tile, exact = self.atlas.tile(key, (rect.width(), rect.height()), paint)
        if tile is None:
            return False
        x, y = camera.to_widget(rect.x() - 1, rect.y() - 1)
        if exact:
            ratio = view.ratio
            painter.drawImage(QPointF(_snapped(x, ratio), _snapped(y, ratio)), tile)
        else:
            target = QRectF(x, y, (rect.width() + 2) * camera.scale, (rect.height() + 2) * camera.scale)
            painter.drawImage(target, tile, QRectF(tile.rect()))
        return True

    def _tiles(self, painter: QPainter, scene: Scene, view: View, nodes: Ints) -> None:
        t, camera = view.tokens, view.camera
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # Stretching tiles smoothly takes four times as long: while many move, that would cost frames.
        is_smooth = view.settled or len(nodes) <= MAX_SMOOTH
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
        faces, face_of, rects, happened = scene.faces, scene.face_of, scene.rects, view.happened
        missing: list[int] = []
        shows_values = camera.scale >= VALUE_SCALE
        for i in nodes.tolist():
            face = faces[face_of[i]]
            x0, y0, x1, y1 = rects[i].tolist()
            rect = QRectF(x0, y0, x1 - x0, y1 - y0)
            painter.setOpacity(1.0 if happened[i] or face.style == Style.GHOST else DIM)

            def paint(p: QPainter, r: QRectF, face: Face = face) -> None:
                paint_face(p, face, r, t)

            if not self._draw(painter, face, rect, paint, view):
                missing.append(i)
            elif face.has_value and shows_values and (happened[i] or view.is_vector):
                self.paint_value(painter, scene, view, i)
        painter.setOpacity(1.0)
        if missing:
            self._boxes(painter, scene, view, np.array(missing, np.int64))

    def paint_value(self, painter: QPainter, scene: Scene, view: View, node: int) -> None:
        """Paint the heat map or number of one node."""
        shown = view.value(node)
        if not shown and shown is not None:
            return
        camera, t = view.camera, view.tokens
        x0, y0, x1, y1 = scene.rects[node].tolist()
        room = value_rect(QRectF(x0, y0, x1 - x0, y1 - y0))
        if shown is None:
            return
        if isinstance(shown, str):
            painter.save()
            if not view.is_vector:
                painter.translate(*camera.to_widget(room.x(), room.y()))
                painter.scale(camera.scale, camera.scale)
            else:
                painter.translate(room.x(), room.y())
            painter.setPen(node_colors(scene.faces[scene.face_of[node]], t).text)
            painter.setFont(t.mono(t.small_size if len(shown) < 7 else t.small_size - 1.5))
            painter.drawText(
                QRectF(-14, 0, room.width() + 17, room.height()),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                shown,
            )
            painter.restore()
            return
        cells = heat_rect(room, shown.width(), shown.height())
        if not view.is_vector:
            cells = _to_widget(camera, cells.left(), cells.top(), cells.right(), cells.bottom())
            ratio = view.ratio
            cells = QRectF(_snapped(cells.x(), ratio), _snapped(cells.y(), ratio), cells.width(), cells.height())
        # Cells that are pixels large keep hard edges; smaller ones are mixed, or the picture would flicker.
        is_fine = cells.width() * view.ratio < 2 * shown.width() or cells.height() * view.ratio < 2 * shown.height()
        was_smooth = painter.testRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_fine and not view.is_vector)
        painter.drawImage(cells, shown)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, was_smooth)
        if camera.scale >= LABEL_SCALE or view.is_vector:
            painter.setPen(QPen(t.border_strong, 0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(cells)

    def _boxes(self, painter: QPainter, scene: Scene, view: View, nodes: Ints) -> None:
        camera, t = view.camera, view.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        places = (scene.rects[nodes] - (camera.x, camera.y, camera.x, camera.y)) * camera.scale
        styles, happened = scene.styles[nodes], view.happened[nodes]
        for style in np.unique(styles).tolist():
            fill, line = _far_colors(Style(style), t)
            for done in (False, True):
                some = places[(styles == style) & (happened == done)]
                if not len(some):
                    continue
                painter.setBrush(QBrush(fill if done else blend(fill, t.canvas, 0.6)))
                painter.setPen(QPen(line if done else blend(line, t.canvas, 0.6), 0))
                x, y, w, h = some[:, 0], some[:, 1], some[:, 2] - some[:, 0], some[:, 3] - some[:, 1]
                rects = list(map(QRectF, x.tolist(), y.tolist(), w.tolist(), h.tolist()))
                if len(rects) <= 200:
                    radius = (8 if style in BOXES else 14) * camera.scale
                    for rect in rects:
                        painter.drawRoundedRect(rect, radius, radius)
                else:
                    painter.drawRects(rects)

    def _raster(self, painter: QPainter, scene: Scene, view: View, nodes: Ints, area: QRectF) -> None:
        """Thousands of nodes as coloured rectangles, written straight into an image."""
        camera, t = view.camera, view.tokens
        width, height = int(area.width()) + 2, int(area.height()) + 2
        left, top = area.left(), area.top()
        places = (scene.rects[nodes] - (camera.x, camera.y, camera.x, camera.y)) * camera.scale
        x0 = np.clip(np.rint(places[:, 0] - left).astype(np.int64), 0, width - 1)
        y0 = np.clip(np.rint(places[:, 1] - top).astype(np.int64), 0, height - 1)
        w = np.clip(np.rint(places[:, 2] - left).astype(np.int64), x0 + 1, width) - x0
        h = np.clip(np.rint(places[:, 3] - top).astype(np.int64), y0 + 1, height) - y0
        table = np.zeros(2 * len(Style), np.uint32)
        for style in Style:
            fill, line = _far_colors(style, t)
            color = blend(fill, line, 0.55)
            table[2 * style] = blend(color, t.canvas, 0.6).rgba()
            table[2 * style + 1] = color.rgba()
        colors = table[2 * scene.styles[nodes].astype(np.int64) + view.happened[nodes]]
        pixels = np.zeros(width * height, np.uint32)
        first = y0 * width + x0
        for dy in range(int(h.max())):
            rows = h > dy
            if not rows.any():
                break
            start, spans, row_colors = first[rows] + dy * width, w[rows], colors[rows]
            total = int(spans.sum())
            within = np.arange(total) - np.repeat(np.cumsum(spans) - spans, spans)
            pixels[np.repeat(start, spans) + within] = np.repeat(row_colors, spans)
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
        painter.drawImage(QPointF(left, top), image)


def _snapped(place: float, ratio: float) -> float:
    """The nearest device pixel. `round` takes halves to even numbers: a tile would jump when the view is moved."""
    return floor(place * ratio + 0.501) / ratio


def heat_rect(room: QRectF, columns: int, rows: int) -> QRectF:
    """Where cells stand in the room for a value: as square as they can be, never thinner than a few units."""
    cell = min(room.width() / columns, room.height() / rows, 14.0)
    width = max(cell * columns, min(room.width(), 12.0 * columns, 9.0))
    height = max(cell * rows, min(room.height(), 12.0 * rows, 9.0))
    return QRectF(room.right() - width, room.center().y() - height / 2, width, height)


def edge_label_rect(scene: Scene, edge: int) -> QRectF:
    """Where the shape on an edge stands, in scene units; empty where there is no room for it."""
    x, y = scene.geometry.label_places[edge].tolist()
    width = float(scene.geometry.label_widths[edge])
    return QRectF(x - width / 2, y - EDGE_LABEL_HEIGHT / 2, width, EDGE_LABEL_HEIGHT) if x == x else QRectF()


def edge_color(style: EdgeStyle, t: Tokens, happened: bool) -> QColor:
    """The colour of an edge; what has not happened yet is faint."""
    color = {
        EdgeStyle.DATA: t.edge,
        EdgeStyle.GRAD: t.edge_backward,
        EdgeStyle.UPDATE: blend(t.canvas, t.update, 0.55),
        EdgeStyle.GHOST: t.ghost,
    }[style]
    return color if happened or style == EdgeStyle.GHOST else blend(color, t.canvas, 0.6)


def edge_path(scene: Scene, camera: Camera, edge: int) -> QPainterPath:
    """The route of one edge in widget coordinates."""
    geometry = scene.geometry
    path = geometry.paths.get(edge)
    if path is None:
        path = geometry.paths[edge] = smooth_path(geometry.points[geometry.offsets[edge] : geometry.offsets[edge + 1]])
    return _in_widget(path, camera)


def portal_rect(camera: Camera, place: tuple[float, float]) -> QRectF:
    """The tag of a cut edge in widget coordinates."""
    half = PORTAL_WIDTH / 2
    return _to_widget(camera, place[0] - half, place[1] - 9, place[0] + half, place[1] + 9)


def _in_widget(path: QPainterPath, camera: Camera) -> QPainterPath:
    transform = QTransform(camera.scale, 0, 0, camera.scale, -camera.x * camera.scale, -camera.y * camera.scale)
    return transform.map(path)


def _to_widget(camera: Camera, x0: float, y0: float, x1: float, y1: float) -> QRectF:
    left, top = camera.to_widget(x0, y0)
    return QRectF(left, top, (x1 - x0) * camera.scale, (y1 - y0) * camera.scale)


def _far_colors(style: Style, t: Tokens) -> tuple[QColor, QColor]:
    colors = node_colors(Face(style, "", "", "pointwise", 1, 1), t)
    return colors.fill, colors.outline
