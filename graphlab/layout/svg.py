"""A flow graph as SVG or DOT text, without Qt: what `graphlab render` writes."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np

from graphlab.analysis.flow import FlowEdge, FlowGraph, FlowNode
from graphlab.layout.arrange import arrange
from graphlab.layout.model import Floats, Options, Picture
from graphlab.layout.prepare import Prepared, from_flow, share_out

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif"
MARGIN = 24.0
LABEL_SIZE, SUBLABEL_SIZE, EDGE_LABEL_SIZE = 13.0, 10.5, 9.5
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
    nodes: dict[str, tuple[str, str, str]]


LIGHT = Palette(
    "#fcfcfd",
    "#f3f6fa",
    "#ced6e2",
    "#1c2128",
    "#5a6370",
    "#98a2b0",
    "#d3935c",
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


def text_width(text: str, size: float) -> float:
    """A generous guess at how wide a text is drawn."""
    wide = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.6 for c in text)
    return wide * size


def sizes(flow: FlowGraph) -> tuple[Floats, Floats]:
    """Widths and heights of the boxes that hold the nodes' texts."""
    width, height = [], []
    for node in flow.nodes:
        label = text_width(_cut(node.label), LABEL_SIZE)
        width.append(max(48.0, label + 24, text_width(_cut(node.sublabel), SUBLABEL_SIZE) + 24))
        height.append(44.0 if node.sublabel else 30.0)
    return np.array(width), np.array(height)


def to_svg(
    flow: FlowGraph,
    dark: bool = False,
    options: Options | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> str:
    """The graph as an SVG document. Raises Cancelled when `is_cancelled` says so."""
    prepared = share_out(from_flow(flow, *sizes(flow)), is_cancelled=is_cancelled)
    picture = arrange(prepared.graph, options, is_cancelled)
    return "\n".join(_Writer(flow, prepared, picture, DARK if dark else LIGHT).document()) + "\n"


class _Writer:
    def __init__(self, flow: FlowGraph, prepared: Prepared, picture: Picture, palette: Palette) -> None:
        self.flow, self.prepared, self.picture, self.palette = flow, prepared, picture, palette

    def document(self) -> list[str]:
        picture, palette = self.picture, self.palette
        width, height = picture.width + 2 * MARGIN, picture.height + 2 * MARGIN
        heads = [
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0 0.8 8 4 0 7.2Z" fill="{colour}"/></marker>'
            for name, colour in (("head", palette.edge), ("head-backward", palette.edge_backward))
        ]
        return [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.1f} {height:.1f}" font-family="{FONT}">',
            f"<defs>{''.join(heads)}</defs>",
            f'<rect x="{-MARGIN:.0f}" y="{-MARGIN:.0f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{palette.ground}"/>',
            *self._groups(),
            *self._edges(),
            *self._portals(),
            *self._group_titles(),
            *self._nodes(),
            *self._edge_labels(),
            "</svg>",
        ]

    def _groups(self) -> list[str]:
        palette = self.palette
        out = []
        for box in self.picture.groups:
            out.append(
                f'<rect x="{box.x0:.1f}" y="{box.y0:.1f}" width="{box.x1 - box.x0:.1f}" height="{box.y1 - box.y0:.1f}" '
                f'rx="8" fill="{palette.group_fill}" stroke="{palette.group_line}"/>'
            )
        return out

    def _group_titles(self) -> list[str]:
        """The groups' names, over the lines."""
        palette = self.palette
        return [
            _text(
                box.x0 + 10,
                box.y0 + 15,
                _cut(self.flow.groups[box.group].label),
                11,
                palette.muted,
                anchor="start",
                halo=palette.group_fill,
            )
            for box in self.picture.groups
        ]

    def _line_style(self, edge: FlowEdge) -> str:
        is_backward = edge.kind in ("grad", "seed", "update")
        colour = self.palette.edge_backward if is_backward else self.palette.edge
        dash = ' stroke-dasharray="4 4"' if edge.kind == "ghost" else ""
        head = "head-backward" if is_backward else "head"
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
            shift = -3.0 if node.sublabel else 4.5
            out.append(_text(x, y + shift, _cut(node.label), LABEL_SIZE, colour, weight=500))
            if node.sublabel:
                out.append(_text(x, y + 13, _cut(node.sublabel), SUBLABEL_SIZE, colour))
            out.append("</g>")
        return out

    def _edge_labels(self) -> list[str]:
        """The shape on every edge, in the middle of its line."""
        palette = self.palette
        out = []
        for number, edge in enumerate(self.flow.edges):
            line = self.picture.route(number)
            if len(line) < 2 or not edge.label:
                continue
            x, y = _middle(line)
            out.append(_text(x, y + 3, edge.label, EDGE_LABEL_SIZE, palette.muted, halo=palette.ground))
        return out


def _middle(line: Floats) -> tuple[float, float]:
    """The point half-way along a line."""
    step = np.hypot(*np.diff(line, axis=0).T)
    reach = np.concatenate([[0.0], np.cumsum(step)])
    return float(np.interp(reach[-1] / 2, reach, line[:, 0])), float(np.interp(reach[-1] / 2, reach, line[:, 1]))


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
            f'rx="2" fill="{halo}" fill-opacity="0.85"/>'
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
