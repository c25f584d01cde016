"""A flow graph as SVG or DOT text, without Qt: what `graphlab render` writes."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np

from graphlab.analysis.flow import FlowEdge, FlowGraph, FlowNode
from graphlab.layout.arrange import arrange
from graphlab.layout.labels import Box, Room, Segments, place_on_line, title_left, widened
from graphlab.layout.model import Floats, GroupBox, Options, Picture
from graphlab.layout.prepare import Prepared, from_flow, share_out

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif"
MARGIN = 24.0
LABEL_SIZE, SUBLABEL_SIZE, EDGE_LABEL_SIZE, TITLE_SIZE = 13.0, 10.5, 9.5, 11.0
LONGEST_LABEL = 48
"""Longer labels are cut and end in "…"; the whole text is in the tooltip."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme: fill, outline and text of each kind of node, lines, grounds."""

    ground: str
    group_fill: str
    group_line: str
    text: str
    muted: str
    edge: str
    edge_backward: str
    edge_update: str
    nodes: dict[str, tuple[str, str, str]]


LIGHT = Palette(
    "#fcfcfd",
    "#f3f6fa",
    "#ced6e2",
    "#1c2128",
    "#5a6370",
    "#98a2b0",
    "#d3935c",
    "#5aa88b",
    {
        "tensor": ("#f5f9fe", "#7fa9d6", "#16324f"),
        "parameter": ("#eceafb", "#8d80d8", "#2c2363"),
        "op": ("#0b62b8", "#084c90", "#ffffff"),
        "grad": ("#fff8f0", "#dda069", "#5b2c05"),
        "backward": ("#a84a00", "#853b00", "#ffffff"),
        "update": ("#00724f", "#00573c", "#ffffff"),
        "failed": ("#fde9ea", "#c11f2e", "#7d0f1a"),
        "ghost": ("#f5f6f8", "#b4bac4", "#626a77"),
    },
)
DARK = Palette(
    "#181a20",
    "#1f2229",
    "#363d4a",
    "#e4e7ec",
    "#a4adba",
    "#667080",
    "#9c6c42",
    "#2f7d61",
    {
        "tensor": ("#202a36", "#4a7299", "#d6e6f7"),
        "parameter": ("#2b2843", "#7467bd", "#e0dbff"),
        "op": ("#2c6cab", "#6db3f8", "#ffffff"),
        "grad": ("#33281d", "#a2713f", "#fbe3cb"),
        "backward": ("#9a541a", "#f5a35c", "#ffffff"),
        "update": ("#1a6d50", "#4ecb9a", "#ffffff"),
        "failed": ("#42212a", "#ff7d80", "#ffd9da"),
        "ghost": ("#252931", "#5a6270", "#9da6b4"),
    },
)


def kind_of(node: FlowNode) -> str:
    """The palette's name for a node."""
    if node.failed:
        return "failed"
    if node.ghost:
        return "ghost"
    if node.kind == "tensor":
        return "parameter" if node.role == "parameter" else "tensor"
    if node.kind == "module":
        return {"backward": "backward", "update": "update"}.get(node.phase, "op")
    return "backward" if node.kind == "accumulate" else node.kind if node.kind in LIGHT.nodes else "tensor"


def shown_label(node: FlowNode) -> str:
    """The name in the box: inside a module's frame without the module's path, which the frame's title says."""
    return node.label.removeprefix(f"{node.module}.") if node.module else node.label


def text_width(text: str, size: float) -> float:
    """A generous guess at how wide a text is drawn."""
    wide = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.6 for c in text)
    return wide * size


def sizes(flow: FlowGraph) -> tuple[Floats, Floats]:
    """Widths and heights of the boxes that hold the nodes' texts."""
    width, height = [], []
    for node in flow.nodes:
        label = text_width(_cut(shown_label(node)), LABEL_SIZE) + (20 if node.failed else 0)
        width.append(max(48.0, label + 24, text_width(_cut(node.sublabel), SUBLABEL_SIZE) + 24))
        height.append(44.0 if node.sublabel else 30.0)
    return np.array(width), np.array(height)


def to_svg(
    flow: FlowGraph,
    dark: bool = False,
    options: Options | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    title: str = "",
) -> str:
    """The graph as an SVG document; `title` is what a screen reader says.

    Raises Cancelled when `is_cancelled` says so.
    """
    prepared = share_out(from_flow(flow, *sizes(flow)), is_cancelled=is_cancelled)
    options = options or Options()
    picture = arrange(prepared.graph, options, is_cancelled)
    palette = DARK if dark else LIGHT
    return "\n".join(_Writer(flow, prepared, picture, palette, options, title).document()) + "\n"


class _Writer:
    def __init__(
        self, flow: FlowGraph, prepared: Prepared, picture: Picture, palette: Palette, options: Options, title: str
    ) -> None:
        self.flow, self.prepared, self.picture, self.palette, self.title = flow, prepared, picture, palette, title
        graph = prepared.graph
        half_w, half_h = graph.widths / 2, graph.heights / 2
        corners = [picture.x - half_w, picture.y - half_h, picture.x + half_w, picture.y + half_h]
        self.boxes: list[Box] = [(a, b, c, d) for a, b, c, d in np.stack(corners, axis=1).reshape(-1, 4).tolist()]
        wanted = [text_width(self._group_name(box), TITLE_SIZE) + 22 for box in picture.groups]
        self.frames = widened(picture.groups, wanted, self.boxes, options.group_padding)

    def _group_name(self, box: GroupBox) -> str:
        return _cut(self.flow.groups[box.group].label)

    def document(self) -> list[str]:
        picture, palette = self.picture, self.palette
        right = max([picture.width, *(frame.x1 for frame in self.frames)])
        width, height = right + 2 * MARGIN, picture.height + 2 * MARGIN
        heads = [
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0 0.8 8 4 0 7.2Z" fill="{colour}"/></marker>'
            for name, colour in (
                ("head", palette.edge),
                ("head-backward", palette.edge_backward),
                ("head-update", palette.edge_update),
            )
        ]
        titles = self._group_titles()  # they have their place before the shapes on the edges
        return [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.1f} {height:.1f}" font-family="{FONT}" role="img">',
            *([f"<title>{_clean(self.title)}</title>"] if self.title else []),
            f"<defs>{''.join(heads)}</defs>",
            f'<rect x="{-MARGIN:.0f}" y="{-MARGIN:.0f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{palette.ground}"/>',
            *self._groups(),
            *self._edges(),
            *self._portals(),
            *[text for text, _box in titles],
            *self._nodes(),
            *self._edge_labels([box for _text, box in titles]),
            "</svg>",
        ]

    def _groups(self) -> list[str]:
        palette = self.palette
        out = []
        for box in self.frames:
            out.append(
                f'<rect x="{box.x0:.1f}" y="{box.y0:.1f}" width="{box.x1 - box.x0:.1f}" height="{box.y1 - box.y0:.1f}" '
                f'rx="8" fill="{palette.group_fill}" stroke="{palette.group_line}"/>'
            )
        return out

    def _group_titles(self) -> list[tuple[str, Box]]:
        """The groups' names, over the lines, with the places that they take."""
        lines = Segments(self.picture)
        out = []
        for box in self.frames:
            name = self._group_name(box)
            fits = int((box.x1 - box.x0 - 16) / (0.6 * TITLE_SIZE))
            name = _cut(name, max(fits, 2))
            wide = text_width(name, TITLE_SIZE)
            x = title_left(box, wide, TITLE_SIZE + 3, lines)
            text = _text(
                x, box.y0 + 15, name, TITLE_SIZE, self.palette.muted, anchor="start", halo=self.palette.group_fill
            )
            out.append((text, (x - 2, box.y0 + 3, x + wide + 2, box.y0 + 19)))
        return out

    def _line_style(self, edge: FlowEdge) -> str:
        palette = self.palette
        colour, head = {
            "grad": (palette.edge_backward, "head-backward"),
            "seed": (palette.edge_backward, "head-backward"),
            "update": (palette.edge_update, "head-update"),
        }.get(edge.kind, (palette.edge, "head"))
        dash = ' stroke-dasharray="4 4"' if edge.kind == "ghost" else ""
        return f'fill="none" stroke="{colour}" stroke-width="1.4"{dash} marker-end="url(#{head})"'

    def _edges(self) -> list[str]:
        out = []
        for number, edge in enumerate(self.flow.edges):
            line = self.picture.route(number)
            if len(line):
                out.append(f'<path d="{_path(line)}" {self._line_style(edge)}/>')
        return out

    def _portals(self) -> list[str]:
        palette = self.palette
        out = []
        for portal in self.picture.portals:
            style = self._line_style(self.flow.edges[portal.edge])
            out.append(f'<path d="{_path(portal.leave)}" {style}/>')
            out.append(f'<path d="{_path(portal.arrive)}" {style}/>')
            for x, y in (portal.from_place, portal.to_place):
                out.append(
                    f'<rect x="{x - 32:.1f}" y="{y - 9:.1f}" width="64" height="18" rx="9" fill="{palette.ground}" '
                    f'stroke="{palette.edge}"/>'
                )
                out.append(_text(x, y + 3.5, _cut(portal.name, 9), SUBLABEL_SIZE, palette.muted))
        return out

    def _nodes(self) -> list[str]:
        picture, graph = self.picture, self.prepared.graph
        out = []
        for i, origin in enumerate(self.prepared.origin.tolist()):
            node = self.flow.nodes[origin]
            fill, line, colour = self.palette.nodes[kind_of(node)]
            w, h, x, y = float(graph.widths[i]), float(graph.heights[i]), float(picture.x[i]), float(picture.y[i])
            radius = h / 2 if node.kind in ("op", "backward", "update", "accumulate") and not node.sublabel else 6
            dash = ' stroke-dasharray="4 3"' if node.ghost or self.prepared.is_reference[i] else ""
            thick = 2.5 if node.failed else 1.2
            out.append(
                f'<g><title>{_clean(node.label)}</title><rect x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" width="{w:.1f}" '
                f'height="{h:.1f}" rx="{radius:.1f}" fill="{fill}" stroke="{line}" stroke-width="{thick}"{dash}/>'
            )
            middle = x
            if node.failed:  # told by more than its colour
                middle, left = x + 10, x - w / 2 + 17
                out.append(
                    f'<circle cx="{left:.1f}" cy="{y:.1f}" r="8" fill="{line}"/>'
                    f'<path d="M{left - 3:.1f} {y - 3:.1f}l6 6m0-6l-6 6" stroke="{fill}" stroke-width="1.8"/>'
                )
            shift = -3.0 if node.sublabel else 4.5
            out.append(_text(middle, y + shift, _cut(shown_label(node)), LABEL_SIZE, colour, weight=500))
            if node.sublabel:
                out.append(_text(middle, y + 13, _cut(node.sublabel), SUBLABEL_SIZE, colour))
            out.append("</g>")
        return out

    def _edge_labels(self, titles: list[Box]) -> list[str]:
        """The shape on every edge that has room for it, near the middle of its line."""
        palette = self.palette
        tags = [(x - 32, y - 9, x + 32, y + 9) for p in self.picture.portals for x, y in (p.from_place, p.to_place)]
        room = Room([*self.boxes, *titles, *tags])
        out = []
        for number, edge in enumerate(self.flow.edges):
            line = self.picture.route(number)
            if len(line) < 2 or not edge.label:
                continue
            place = place_on_line(line, text_width(edge.label, EDGE_LABEL_SIZE) + 2, EDGE_LABEL_SIZE * 1.1, room)
            if place is None:
                continue
            x, y = place
            is_inside = any(f.x0 < x < f.x1 and f.y0 < y < f.y1 for f in self.frames)
            halo = palette.group_fill if is_inside else palette.ground
            out.append(_text(x, y + 3.2, edge.label, EDGE_LABEL_SIZE, palette.muted, halo=halo))
        return out


def _path(line: Floats) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line.tolist())


def _cut(text: str, longest: int = LONGEST_LABEL) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _clean(text: str) -> str:
    """Text as XML can hold it."""
    return escape(_NOT_XML.sub("\ufffd", text))


def _text(
    x: float, y: float, text: str, size: float, colour: str, anchor: str = "middle", weight: int = 400, halo: str = ""
) -> str:
    """A text; `halo` keeps lines behind it off. (Not by `paint-order`, which many viewers do not know.)"""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}"'
    ground = ""
    if halo:
        wide = text_width(text, size)
        left = x - wide / 2 if anchor == "middle" else x
        ground = (
            f'<rect x="{left - 1:.1f}" y="{y - size * 0.8:.1f}" width="{wide + 2:.1f}" height="{size * 1.05:.1f}" '
            f'rx="2" fill="{halo}" fill-opacity="0.9"/>'
        )
    return f'{ground}<text {place} fill="{colour}">{_clean(text)}</text>'


def to_dot(flow: FlowGraph, dark: bool = False) -> str:
    """The graph in Graphviz' language, for those who want to lay it out themselves."""
    palette = DARK if dark else LIGHT
    out = [
        "digraph graphlab {",
        f'  graph [rankdir=TB, bgcolor="{palette.ground}", fontcolor="{palette.text}", compound=true];',
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12];',
        f'  edge [color="{palette.edge}", fontcolor="{palette.muted}", fontname="Helvetica", fontsize=9];',
    ]
    known = {group.path: number for number, group in enumerate(flow.groups)}
    graph = from_flow(flow, *sizes(flow))
    assert graph.group is not None
    inside: dict[int, list[int]] = {}
    for i, group in enumerate(graph.group.tolist()):
        inside.setdefault(group, []).append(i)
    inner: dict[int, list[int]] = {}
    for number, frame in enumerate(flow.groups):
        inner.setdefault(known.get(frame.parent, -1), []).append(number)
    todo: list[tuple[int, bool]] = [(-1, True)]
    while todo:
        group, is_start = todo.pop()
        if not is_start:
            out.append("  }")
            continue
        if group >= 0:
            label = _quoted(flow.groups[group].label)
            out.append(f'  subgraph cluster_{group} {{ label={label}; color="{palette.group_line}";')
            todo.append((group, False))
        for i in inside.get(group, []):
            node = flow.nodes[i]
            fill, line, colour = palette.nodes[kind_of(node)]
            text = _quoted(f"{node.label}\n{node.sublabel}" if node.sublabel else node.label)
            out.append(f'  n{i} [label={text}, fillcolor="{fill}", color="{line}", fontcolor="{colour}"];')
        todo.extend((child, True) for child in reversed(inner.get(group, [])))
    for edge in flow.edges:
        # Backward operators stand beside their forward ones; Graphviz must not rank by edges that run back up.
        extra = ", constraint=false" if edge.kind == "seed" else ""
        out.append(f"  n{edge.source} -> n{edge.target} [label={_quoted(edge.label)}{extra}];")
    out.append("}")
    return "\n".join(out) + "\n"


def _quoted(text: str) -> str:
    text = _NOT_XML.sub("\ufffd", text).replace("\r", "")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
