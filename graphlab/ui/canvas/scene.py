"""The drawn graph as arrays: what stands where and in which style. Made from a `FlowGraph` and a `Picture`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QPainterPath

from graphlab.i18n import _
from graphlab.layout.model import LayoutGraph, Picture
from graphlab.layout.prepare import from_flow
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.analysis.flow import FlowEdge, FlowGraph, FlowNode

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Style(IntEnum):
    """How a node is drawn."""

    TENSOR = 0
    PARAMETER = 1
    OP = 2
    GRAD = 3
    BACKWARD = 4
    UPDATE = 5
    MODULE = 6
    MODULE_BACKWARD = 7
    FAILED = 8
    GHOST = 9


class EdgeStyle(IntEnum):
    """How an edge is drawn."""

    DATA = 0
    GRAD = 1
    UPDATE = 2
    GHOST = 3


_EDGE_STYLES = {"data": EdgeStyle.DATA, "parameter": EdgeStyle.DATA, "grad": EdgeStyle.GRAD, "seed": EdgeStyle.GRAD,
                "update": EdgeStyle.UPDATE, "ghost": EdgeStyle.GHOST}  # fmt: skip
BOXES = (Style.TENSOR, Style.PARAMETER, Style.GRAD)  # nodes with a value in them

# Sizes in scene units, which are pixels at 100 %.
PADDING = 10.0
VALUE_WIDTH = 46.0  # room for the little heat map or the number
VALUE_HEIGHT = 34.0
BOX_HEIGHT = 50.0
PILL_HEIGHT = 28.0
MODULE_HEIGHT = 46.0
MAX_TEXT = 200.0
EDGE_LABEL_HEIGHT = 14.0
TITLE_ROOM = 42.0  # beside the name of a module's frame: the sign that folds it, and space


@lru_cache(maxsize=2)
def fonts(kind: str) -> tuple[QFontMetricsF, QFontMetricsF]:
    """Metrics of the name and of the small line below it. Sizes are the same in both themes."""
    t = tokens("light")
    if kind == "pill":
        return QFontMetricsF(t.font(t.ui_size, bold=True)), QFontMetricsF(t.font(t.small_size - 1))
    return QFontMetricsF(t.font(t.ui_size, bold=True)), QFontMetricsF(t.font(t.small_size - 0.5))


@lru_cache(maxsize=1)
def title_metrics() -> QFontMetricsF:
    """Metrics of the name of a module's frame."""
    t = tokens("light")
    return QFontMetricsF(t.font(t.small_size, bold=True))


@dataclass(frozen=True, slots=True)
class Face:
    """What a node shows apart from its value; nodes with equal faces share one tile."""

    style: Style
    label: str
    sublabel: str
    category: str
    width: float
    height: float
    has_value: bool = False
    op_text: str = ""


@dataclass(slots=True)
class Geometry:
    """Places that depend on the structure alone and are used again for every iteration."""

    rects: Floats  # (n, 4) x0 y0 x1 y1
    points: Floats  # (p, 2)
    offsets: Ints  # (m + 1,)
    edge_boxes: Floats  # (m, 4)
    picture: Picture
    label_places: Floats  # (m, 2) middles of the edges' labels, NaN where there is no room
    label_widths: Floats  # (m,)
    bounds: tuple[float, float, float, float]
    group_boxes: Floats  # (g, 4) frames of modules, as in `picture.groups`
    paths: dict[int, QPainterPath] = field(default_factory=dict)  # curves of the edges that were seen close up


@dataclass(slots=True)
class Scene:
    """A graph ready to be painted."""

    flow: FlowGraph
    geometry: Geometry
    keys: list[str]
    styles: npt.NDArray[np.uint8]  # (n,) Style
    faces: list[Face]  # the distinct ones
    face_of: Ints  # (n,)
    events: Ints  # (n,) event that made the node, -1 for what was there before
    tensors: Ints  # (n,)
    edge_ends: Ints  # (m, 2)
    edge_styles: npt.NDArray[np.uint8]  # (m,)
    edge_labels: list[str]
    index: dict[str, int] = field(default_factory=dict)
    others: dict[int, list[int]] = field(default_factory=dict)  # node -> further tensors that it stands for

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.keys)

    @property
    def rects(self) -> Floats:
        """(n, 4) x0 y0 x1 y1 of every node in scene units."""
        return self.geometry.rects

    def node_at(self, x: float, y: float) -> int:
        """The node at a place in scene units, -1 where there is none."""
        r = self.geometry.rects
        hits = np.flatnonzero((r[:, 0] <= x) & (x <= r[:, 2]) & (r[:, 1] <= y) & (y <= r[:, 3]))
        return int(hits[-1]) if len(hits) else -1

    def nodes_in(self, x0: float, y0: float, x1: float, y1: float) -> Ints:
        """The nodes that touch a rectangle."""
        r = self.geometry.rects
        return np.flatnonzero((r[:, 2] >= x0) & (r[:, 0] <= x1) & (r[:, 3] >= y0) & (r[:, 1] <= y1))

    def groups_in(self, x0: float, y0: float, x1: float, y1: float, least: float) -> Ints:
        """The modules' frames that touch a rectangle and are at least `least` wide and high."""
        r = self.geometry.group_boxes
        touches = (r[:, 2] >= x0) & (r[:, 0] <= x1) & (r[:, 3] >= y0) & (r[:, 1] <= y1)
        return np.flatnonzero(touches & (r[:, 2] - r[:, 0] >= least) & (r[:, 3] - r[:, 1] >= least))

    def edges_in(self, x0: float, y0: float, x1: float, y1: float) -> Ints:
        """The edges whose surrounding boxes touch a rectangle."""
        r = self.geometry.edge_boxes
        return np.flatnonzero((r[:, 2] >= x0) & (r[:, 0] <= x1) & (r[:, 3] >= y0) & (r[:, 1] <= y1))

    def labels_in(self, x0: float, y0: float, x1: float, y1: float) -> Ints:
        """The edges whose labels touch a rectangle, which a thin edge itself may pass by."""
        place, half, high = self.geometry.label_places, self.geometry.label_widths / 2, EDGE_LABEL_HEIGHT / 2
        x, y = place[:, 0], place[:, 1]  # NaN where there is no room: that touches nothing
        return np.flatnonzero((x + half >= x0) & (x - half <= x1) & (y + high >= y0) & (y - high <= y1))


def style_of(node: FlowNode) -> Style:
    """How a node is drawn."""
    if node.ghost:
        return Style.GHOST
    if node.failed:
        return Style.FAILED
    if node.kind == "tensor":
        return Style.PARAMETER if node.role == "parameter" else Style.TENSOR
    if node.kind == "module":
        return Style.MODULE_BACKWARD if node.phase == "backward" else Style.MODULE
    return {
        "op": Style.OP,
        "grad": Style.GRAD,
        "backward": Style.BACKWARD,
        "accumulate": Style.UPDATE,
        "update": Style.UPDATE,
        "ghost": Style.GHOST,
    }.get(node.kind, Style.OP)


def measure(flow: FlowGraph, category_role: Callable[[str], str]) -> tuple[list[Face], Ints]:
    """The distinct faces of the nodes, and which one each node has. `category_role` names an operator's colour."""
    faces: dict[tuple[Style, str, str], int] = {}
    result: list[Face] = []
    face_of = np.empty(len(flow.nodes), np.int64)
    for i, node in enumerate(flow.nodes):
        style = style_of(node)
        label = shown_label(node)
        key = (style, label, node.sublabel)
        found = faces.get(key)
        if found is None:
            found = faces[key] = len(result)
            result.append(_face(node, style, label, category_role))
        face_of[i] = found
    return result, face_of


def shown_label(node: FlowNode) -> str:
    """The name in the box: inside a module's frame without the module's path, which the frame's title says."""
    return node.label.removeprefix(f"{node.module}.") if node.module else node.label


def _face(node: FlowNode, style: Style, label: str, category_role: Callable[[str], str]) -> Face:
    bold, small = fonts("box")
    label = _elided(bold, label)
    if style in BOXES:
        sublabel = _elided(small, node.sublabel)
        text = max(bold.horizontalAdvance(label), small.horizontalAdvance(sublabel), 24.0)
        return Face(style, label, sublabel, "", round(text + VALUE_WIDTH + 3 * PADDING), BOX_HEIGHT, True)
    if style in (Style.MODULE, Style.MODULE_BACKWARD):
        return Face(style, label, node.sublabel, "", round(bold.horizontalAdvance(label) + 64), MODULE_HEIGHT)
    op = node.label.removesuffix(" backward")
    sublabel = _elided(small, node.sublabel)
    width = bold.horizontalAdvance(label) + 2 * (PADDING + 4)
    if sublabel:
        width += small.horizontalAdvance(sublabel) + 8
    if style == Style.FAILED:
        width += 20
    width = max(width, 44.0)
    return Face(style, label, sublabel, category_role(op) if style == Style.OP else "", round(width), PILL_HEIGHT)


def _elided(metrics: QFontMetricsF, text: str) -> str:
    if metrics.horizontalAdvance(text) <= MAX_TEXT:
        return text
    return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, MAX_TEXT)


def layout_graph(flow: FlowGraph, faces: list[Face], face_of: Ints) -> LayoutGraph:
    """What the layout needs to know of a graph."""
    sizes = np.array([(face.width, face.height) for face in faces], float).reshape(-1, 2)
    bold = title_metrics()
    titles = np.array([bold.horizontalAdvance(group.label) + TITLE_ROOM for group in flow.groups], float)
    return from_flow(flow, sizes[face_of, 0], sizes[face_of, 1], titles)


def edge_ends(edges: list[FlowEdge]) -> Ints:
    """(m, 2) source and target of each edge."""
    return np.array([(edge.source, edge.target) for edge in edges], np.int64).reshape(-1, 2)


def edge_label(edge: FlowEdge) -> str:
    """The shape that stands on an edge."""
    return edge.label or (_("scalar") if edge.tensor >= 0 else "")


def make_geometry(flow: FlowGraph, graph: LayoutGraph, picture: Picture) -> Geometry:
    """Everything about places that painting and hit-testing need."""
    from graphlab.ui.canvas.labels import place_labels

    half_w, half_h = np.asarray(graph.widths) / 2, np.asarray(graph.heights) / 2
    x, y = np.asarray(picture.x, float), np.asarray(picture.y, float)
    rects = np.stack([x - half_w, y - half_h, x + half_w, y + half_h], axis=1).reshape(-1, 4)
    points = np.asarray(picture.points, float).reshape(-1, 2)
    offsets = np.asarray(picture.offsets, np.int64)
    boxes = _edge_boxes(points, offsets)
    small = fonts("pill")[1]
    texts = [edge_label(edge) for edge in flow.edges]
    widths = {text: small.horizontalAdvance(text) + 8 if text else 0.0 for text in set(texts)}
    label_widths = np.array([widths[text] for text in texts], float)
    frames = np.array([(g.x0, g.y0, g.x1, g.y1) for g in picture.groups], float).reshape(-1, 4)
    titles = np.stack(
        [frames[:, 0], frames[:, 1], np.minimum(frames[:, 2], frames[:, 0] + 130), frames[:, 1] + 22], axis=1
    )
    obstacles = np.concatenate([rects, titles])
    labels = place_labels(points, offsets, obstacles, label_widths, EDGE_LABEL_HEIGHT)
    corners = [rects, frames]
    if len(points):
        corners.append(np.concatenate([points, points], axis=1))
    every = np.concatenate(corners) if len(rects) else np.zeros((1, 4))
    low, high = every[:, :2].min(axis=0), every[:, 2:].max(axis=0)
    bounds = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Geometry(rects, points, offsets, boxes, picture, labels, label_widths, bounds, frames)


def _edge_boxes(points: Floats, offsets: Ints) -> Floats:
    """(m, 4) surrounding boxes; those of cut edges are NaN and so never touched."""
    m = len(offsets) - 1
    boxes = np.full((max(m, 0), 4), np.nan)
    filled = np.flatnonzero(np.diff(offsets) > 0) if m > 0 else np.zeros(0, np.int64)
    if len(filled):
        starts = offsets[:-1][filled]
        boxes[filled, :2] = np.minimum.reduceat(points, starts)
        boxes[filled, 2:] = np.maximum.reduceat(points, starts)
    return boxes


def make_scene(flow: FlowGraph, faces: list[Face], face_of: Ints, geometry: Geometry) -> Scene:
    """Join the numbers of one section to the places of its structure."""
    keys = [node.key for node in flow.nodes]
    others: dict[int, list[int]] = {}
    for tensor, nodes in flow.nodes_of_tensor.items():
        for node in nodes:
            if flow.nodes[node].kind == "grad" and flow.nodes[node].tensor != tensor:
                others.setdefault(node, []).append(tensor)
    return Scene(
        flow=flow,
        geometry=geometry,
        keys=keys,
        styles=np.array([face.style for face in faces], np.uint8)[face_of] if faces else np.zeros(0, np.uint8),
        faces=faces,
        face_of=face_of,
        events=np.array([node.event for node in flow.nodes], np.int64),
        tensors=np.array([node.tensor for node in flow.nodes], np.int64),
        edge_ends=edge_ends(flow.edges),
        edge_styles=np.array([_EDGE_STYLES.get(edge.kind, EdgeStyle.DATA) for edge in flow.edges], np.uint8),
        edge_labels=[edge_label(edge) for edge in flow.edges],
        index={key: i for i, key in enumerate(keys)},
        others=others,
    )
