"""A lit path on the canvas: everything else dimmed, the path drawn over it, its birth or its end marked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from graphlab.i18n import _
from graphlab.ui.canvas.faces import outline_path, paint_face
from graphlab.ui.canvas.overlay import paint_labels
from graphlab.ui.canvas.paths import arrow_heads
from graphlab.ui.canvas.render import LABEL_SCALE, TILE_SCALE, Renderer, View, edge_path

if TYPE_CHECKING:
    from graphlab.analysis.lineage import Lineage
    from graphlab.trace.store import TraceReader
    from graphlab.ui.canvas.scene import Ints, Scene

MAX_PAINTED = 400
"""Nodes and edges drawn again in one frame; of a longer path in view the rest is left to the rectangles."""
DIM = 190  # alpha of the canvas's colour over what isn't on the path
HALO = 3.0


@dataclass(slots=True)
class Lit:
    """A path as far as it lies in one scene."""

    kind: str
    nodes: list[int]
    edges: Ints
    beyond: Ints  # edges after the place where a gradient's path ends
    place: int  # the marked node, -1 where it is in another section or the path is whole
    mark: str  # what stands in the mark: "NaN", "✕"
    notice: str
    sentences: list[str] = field(default_factory=list)
    norms: dict[int, str] = field(default_factory=dict)  # what stands beside the gradients of a path

    @property
    def is_bad(self) -> bool:
        """Whether it shows something that is wrong."""
        return self.kind == "not_finite" or bool(self.mark)


def lit_in(scene: Scene, trace: TraceReader, path: Lineage) -> Lit:
    """The nodes and edges of a scene that a path goes through."""
    from graphlab.explain.lineage import birth_name, headline, sentences
    from graphlab.explain.words import number

    flow = scene.flow
    nodes = {flow.node_of_event[event] for event in path.events if event in flow.node_of_event}
    for tensor in path.tensors:
        here = flow.nodes_of_tensor.get(tensor, [])
        nodes.update(here[:1] if tensor in path.extra else here)  # not what an update made of a parameter
    on = np.zeros(scene.n_nodes, np.bool_)
    on[list(nodes)] = True
    ends = scene.edge_ends
    edges = np.flatnonzero(on[ends[:, 0]] & on[ends[:, 1]])
    if path.kind == "not_finite":  # what made it bad is lit on its way there, not on its other ways
        causes = {node for tensor in path.extra for node in flow.nodes_of_tensor.get(tensor, [])[:1]}
        birth = flow.node_of_event.get(path.place, -1)
        edges = edges[~np.isin(ends[edges, 0], list(causes)) | (ends[edges, 1] == birth)]
    far = {flow.node_of_event[step.event] for step in path.beyond if step.event in flow.node_of_event}
    for tensor in (path.tensor, *(step.tensor for step in path.beyond)):
        if path.kind == "gradient" and path.reason and path.reason != "zero":
            far.update(flow.nodes_of_tensor.get(tensor, ()))
    is_beyond = np.isin(ends[edges, 0], list(far)) if far else np.zeros(len(edges), np.bool_)
    said = sentences(trace, path)
    place = flow.node_of_event.get(path.place, -1) if path.place >= 0 else -1
    if place < 0 and path.reason == "unused":
        place = next(iter(flow.nodes_of_tensor.get(path.tensor, ())), -1)
    mark = "" if not path.reason and path.kind == "gradient" else birth_name(path) if path.kind == "not_finite" else "✕"
    notice = _("{sentence} Esc: back to the whole graph").format(sentence=headline(trace, path).replace("`", ""))
    norms = {}
    for step in path.steps:
        if path.kind == "gradient" and step.norm is not None:
            for node in flow.nodes_of_tensor.get(step.tensor, ())[-1:]:
                norms[node] = _("norm {norm}").format(norm=number(float(f"{step.norm:.3g}")))
    return Lit(path.kind, sorted(nodes), edges[~is_beyond], edges[is_beyond], place, mark, notice, said, norms)


def paint_lit(painter: QPainter, renderer: Renderer, scene: Scene, view: View, lit: Lit, area: QRectF) -> None:
    """Dim the frame below and draw the path over it."""
    t, camera = view.tokens, view.camera
    wash = QColor(t.canvas)
    wash.setAlpha(DIM)
    painter.fillRect(area, wash)
    color = t.failed if lit.kind == "not_finite" else t.backward
    x0, y0 = camera.to_scene(area.left(), area.top())
    x1, y1 = camera.to_scene(area.right(), area.bottom())
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    seen = scene.edges_in(x0, y0, x1, y1)
    bright = np.intersect1d(lit.edges, seen)[:MAX_PAINTED]
    _edges(painter, scene, view, bright, color, Qt.PenStyle.SolidLine)
    faint = np.intersect1d(lit.beyond, seen)[:MAX_PAINTED]
    _edges(painter, scene, view, faint, t.text_muted, Qt.PenStyle.DashLine)
    paint_labels(painter, scene, view, faint.tolist(), t.text_muted)
    paint_labels(painter, scene, view, bright.tolist(), color)
    visible = np.intersect1d(np.array(lit.nodes, np.int64), scene.nodes_in(x0, y0, x1, y1))
    for node in visible[:MAX_PAINTED].tolist():
        _node(painter, renderer, scene, view, node, color)
    for node in visible[:MAX_PAINTED].tolist():
        if node in lit.norms and camera.scale >= LABEL_SCALE:
            _norm(painter, scene, view, node, lit.norms[node])
    if lit.place >= 0 and lit.mark:
        _mark(painter, scene, view, lit.place, lit.mark, t.failed)
    painter.restore()


def _edges(painter: QPainter, scene: Scene, view: View, edges: Ints, color: QColor, style: Qt.PenStyle) -> None:
    if not len(edges):
        return
    camera = view.camera
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, max(1.8, 3.0 * camera.scale), style, Qt.PenCapStyle.RoundCap))
    for edge in edges.tolist():
        painter.drawPath(edge_path(scene, camera, edge))
    if camera.scale >= 0.25:
        geometry = scene.geometry
        painter.save()
        painter.scale(camera.scale, camera.scale)
        painter.translate(-camera.x, -camera.y)
        painter.fillPath(arrow_heads(geometry.points, geometry.offsets, edges, 10.0), color)
        painter.restore()


def _node(painter: QPainter, renderer: Renderer, scene: Scene, view: View, node: int, color: QColor) -> None:
    camera = view.camera
    x0, y0, x1, y1 = scene.rects[node].tolist()
    rect, face = QRectF(x0, y0, x1 - x0, y1 - y0), scene.faces[scene.face_of[node]]
    painter.save()
    painter.scale(camera.scale, camera.scale)
    painter.translate(-camera.x, -camera.y)
    if camera.scale < TILE_SCALE:
        painter.fillPath(outline_path(face, rect), color)
        painter.restore()
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, HALO * 2))
    painter.drawPath(outline_path(face, rect))
    paint_face(painter, face, rect, view.tokens, True)
    painter.restore()
    if face.has_value:
        renderer.paint_value(painter, scene, view, node)


def _norm(painter: QPainter, scene: Scene, view: View, node: int, text: str) -> None:
    """How large the gradient of a node is, to the right of it."""
    t, camera = view.tokens, view.camera
    _x0, y0, x1, y1 = scene.rects[node].tolist()
    left, middle = camera.to_widget(x1, (y0 + y1) / 2)
    painter.setFont(t.font(t.small_size))
    place = QRectF(left + 8, middle - 9, painter.fontMetrics().horizontalAdvance(text) + 12.0, 18)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(t.canvas)
    painter.drawRoundedRect(place, 9, 9)
    painter.setPen(t.backward)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def _mark(painter: QPainter, scene: Scene, view: View, node: int, text: str, color: QColor) -> None:
    """A disc with a word at the upper right corner of a node: where it was born, or where the path ends."""
    t, camera = view.tokens, view.camera
    _x0, y0, x1, _y1 = scene.rects[node].tolist()
    left, top = camera.to_widget(x1, y0)
    painter.setFont(t.font(t.small_size, bold=True))
    width = max(20.0, painter.fontMetrics().horizontalAdvance(text) + 12.0)
    place = QRectF(QPointF(left - 8, top - 12), QPointF(left - 8 + width, top + 8))
    painter.setPen(QPen(t.canvas, 2))
    painter.setBrush(color)
    painter.drawRoundedRect(place, 10, 10)
    painter.setPen(t.canvas)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
