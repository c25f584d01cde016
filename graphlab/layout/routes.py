"""Edges as polylines. Between two rows an edge is an S with vertical ends, through a row it runs straight, so no edge
crosses a box. Edges between the columns leave at the side where nothing stands in the way, else through the gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from graphlab.layout.frames import Frames
from graphlab.layout.model import Bools, Floats, Ints, LayoutGraph, Options, Portal
from graphlab.layout.net import TAG
from graphlab.layout.ranks import poll

if TYPE_CHECKING:
    from graphlab.layout.piece import Column, Local, Piece

N_STEPS = 10
"""Pieces of line that an S is drawn with."""

PORT_GAP = 14.0
STRAIGHT = 0.5

CHUNK = 2_000
"""So many edges are drawn between two looks at whether the caller still wants the picture."""


def s_curve(x0: Floats, y0: Floats, x1: Floats, y1: Floats) -> Floats:
    """(k, N_STEPS + 1, 2) points of cubics from (x0, y0) to (x1, y1) with vertical ends."""
    # Closer together at the ends, where a wide S between near rows bends most.
    t = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, N_STEPS + 1))
    b1, b2, b3 = 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    x = x0[:, None] + (x1 - x0)[:, None] * (b2 + b3)
    y = y0[:, None] + (y1 - y0)[:, None] * (0.5 * b1 + 0.5 * b2 + b3)
    return np.stack([x, y], axis=2)


class Router:
    """Turns placed columns into a piece."""

    def __init__(
        self,
        graph: LayoutGraph,
        options: Options,
        frames: Frames,
        local: Local,
        columns: list[Column],
        item_of: Ints,
        cross: Bools,
        far: Bools,
        n_rows: int,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.graph, self.options, self.frames, self.local = graph, options, frames, local
        self.columns, self.item_of, self.cross, self.far = columns, item_of, cross, far
        self.n_rows, self.is_cancelled = n_rows, is_cancelled
        self.x = np.zeros(len(local.nodes))
        self.is_last = np.zeros(len(local.nodes), dtype=np.bool_)
        self.gutter = (0.0, 0.0)
        self.lanes: dict[int, int] = {}
        self._columns_side_by_side()
        self._rows_below_each_other()
        self.pieces: dict[int, list[Floats]] = {}

    def _columns_side_by_side(self) -> None:
        options = self.options
        lanes = self._lanes()
        right = 0.0
        for k, column in enumerate(self.columns):
            half = column.net.width / 2
            if column.mirrored:
                column.x = -column.x
            low = float((column.x - half).min())
            if k == 1:
                width = options.column_gap + max(0, lanes - 2) * options.edge_gap
                self.gutter = (right, right + width)
                right += width
            column.x += right - low
            right = float((column.x + half).max())
            self.x[column.nodes] = column.x[: len(column.nodes)]
            self.is_last[column.nodes] = column.is_last[: len(column.nodes)]
        self.width = right

    def _lanes(self) -> int:
        """Give each long edge between the columns a lane of the gutter; how many lanes there are."""
        local = self.local
        a, b = local.row[local.source], local.row[local.target]
        long = np.flatnonzero(self.cross & ~self.far & (np.abs(a - b) >= 2))
        top, bottom = np.minimum(a, b), np.maximum(a, b)
        free_from: list[int] = []
        for e in long[np.argsort(top[long], kind="stable")].tolist():
            free = [lane for lane, row in enumerate(free_from) if row <= top[e]]
            if not free:
                free_from.append(0)
            lane = free[0] if free else len(free_from) - 1
            free_from[lane] = int(bottom[e]) + 1
            self.lanes[e] = lane
        return len(free_from)

    def _rows_below_each_other(self) -> None:
        """Top and bottom of each row. Gaps grow with the reach of the edges in them and with group frames."""
        options, local, n_rows = self.options, self.local, self.n_rows
        height = np.zeros(n_rows)
        np.maximum.at(height, local.row, local.height)
        reach = np.zeros(n_rows)
        for column in self.columns:
            net = column.net
            tags = net.row[net.kind == TAG]
            height[tags] = np.maximum(height[tags], options.portal_height)
            np.maximum.at(reach, net.row[net.upper], np.abs(column.x[net.upper] - column.x[net.lower]))
        gap = options.rank_gap * np.clip(0.5 + reach / 500, 1.0, 3.0)
        above, below = np.zeros(n_rows + 1), np.zeros(n_rows + 1)
        if self.frames.is_used:
            for _, first, last in self.frames.rows(local.nodes, local.row):
                above[first] += options.group_padding + options.group_title
                below[last] += options.group_padding
        gap[:-1] = np.maximum(gap[:-1], 0.6 * options.rank_gap + above[1:n_rows] + below[: n_rows - 1])
        self.top = np.concatenate([[0.0], np.cumsum(height + gap)[:-1]])
        self.bottom = self.top + height
        self.middle = (self.top + self.bottom) / 2
        self.y = self.middle[local.row]
        self.height = float(self.bottom[-1])

    def piece(self) -> Piece:
        """Draw everything."""
        from graphlab.layout.piece import Piece

        local = self.local
        m = len(local.edges)
        poll(self.is_cancelled)
        self._ports()
        poll(self.is_cancelled)
        lengths = np.zeros(m, dtype=np.int64)
        drawn: list[tuple[Ints, Floats, Ints]] = []
        portals: list[Portal] = []
        for column in self.columns:
            poll(self.is_cancelled)
            inner = np.flatnonzero(
                ~self.cross & (self.local.backward[local.source] == self.local.backward[column.nodes[0]])
            )
            for k in range(0, len(inner), CHUNK):
                poll(self.is_cancelled)
                drawn.append(self._inner(column, inner, slice(k, k + CHUNK)))
            portals.extend(self._cut(column, inner))
        if len(self.columns) == 2:
            drawn.append(self._between())
            portals.extend(self._cut_between())
        poll(self.is_cancelled)
        for edges, _, counts in drawn:
            lengths[edges] = counts
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        points = np.zeros((int(offsets[-1]), 2))
        for edges, pts, counts in drawn:
            ends = np.cumsum(counts)
            at = np.repeat(offsets[edges] - (ends - counts), counts) + np.arange(len(pts))
            # A line is drawn downward and turned round where the edge points up.
            flip = np.repeat(local.is_up[edges], counts)
            mirror = np.repeat(2 * offsets[edges] + counts - 1, counts) - at
            points[np.where(flip, mirror, at)] = pts
        return Piece(
            nodes=local.nodes,
            edges=local.edges,
            x=self.x,
            y=self.y,
            rank=local.row,
            is_reversed=local.is_up,
            points=points,
            offsets=offsets,
            portals=portals,
            width=self.width,
            height=self.height,
        )

    # Ports

    def _ports(self) -> None:
        """Where on a node's top or bottom each edge ends, as an offset from its centre.

        The edge that is straight keeps the middle; the others are spread out by where they come from.
        """
        local, m = self.local, len(self.local.edges)
        self.side_exit = self._side_exits()
        toward_upper, toward_lower = np.zeros(m), np.zeros(m)  # x of the next item, seen from the lower and upper end
        for column in self.columns:
            inner = np.flatnonzero(~self.cross & (local.backward[local.source] == local.backward[column.nodes[0]]))
            net, x = column.net, column.x
            has = net.chain_length > 0
            cut = net.tag_above >= 0
            start, length = net.chain_start, net.chain_length
            down = np.where(has, start, np.where(cut, net.tag_above, self.item_of[local.lower[inner]]))
            up = np.where(has, start + length - 1, np.where(cut, net.tag_below, self.item_of[local.upper[inner]]))
            toward_lower[inner], toward_upper[inner] = x[down], x[up]
        # Edges to the other column come and go on the side of the gutter.
        middle = sum(self.gutter) / 2
        toward_lower[self.cross] = toward_upper[self.cross] = middle
        node = np.concatenate([local.upper, local.lower])
        at_bottom = np.concatenate([np.ones(m, dtype=np.bool_), np.zeros(m, dtype=np.bool_)])
        flat = local.row[local.upper] == local.row[local.lower]
        at_bottom[m:][flat] = True  # within a row the edge dives under what stands between
        toward = np.concatenate([toward_lower, toward_upper])
        uses = ~np.concatenate([self.side_exit[0], self.side_exit[1]])
        slot = node * 2 + at_bottom
        order = np.lexsort((np.tile(np.arange(m), 2), toward, slot))
        order = order[uses[order]]
        slots = slot[order]
        first = np.searchsorted(slots, slots, side="left")
        count = np.searchsorted(slots, slots, side="right") - first
        index = np.arange(len(order)) - first
        middle_index = (count - 1) / 2.0
        straight = np.abs(toward[order] - self.x[node[order]]) < STRAIGHT
        straight &= ~np.concatenate([self.cross, self.cross])[order]
        aligned = np.full(2 * len(self.x), np.nan)
        aligned[slots[straight]] = index[straight]
        middle_index = np.where(np.isfinite(aligned[slots]), aligned[slots], middle_index)
        reach = np.maximum(np.maximum(middle_index, count - 1 - middle_index), 1e-9)
        step = np.minimum(PORT_GAP, 0.4 * local.width[node[order]] / reach)
        offset = np.zeros(2 * m)
        offset[order] = (index - middle_index) * step
        self.upper_port, self.lower_port = offset[:m], offset[m:]

    def _side_exits(self) -> tuple[Bools, Bools]:
        """For the upper and the lower end of each edge: does it leave at the side, straight into the gutter?"""
        local = self.local
        return self.cross & self.is_last[local.upper], self.cross & self.is_last[local.lower]

    # Edges within a column

    def _inner(self, column: Column, edges: Ints, part: slice) -> tuple[Ints, Floats, Ints]:
        """Lines of a part of the edges within one column, drawn downward."""
        local, net = self.local, column.net
        drawn = net.tag_above[part] < 0
        start, length = net.chain_start[part][drawn], net.chain_length[part][drawn]
        edges = edges[part][drawn]
        k = len(edges)
        if not k:
            return edges, np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
        upper, lower = local.upper[edges], local.lower[edges]
        pieces = length + 1
        owner = np.repeat(np.arange(k), pieces)
        step = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        is_first, is_last = step == 0, step == length[owner]
        a_x = np.where(
            is_first, (self.x[upper] + self.upper_port[edges])[owner], column.x[np.maximum(start[owner] + step - 1, 0)]
        )
        b_item = np.where(is_last, 0, start[owner] + step)
        b_x = np.where(is_last, (self.x[lower] + self.lower_port[edges])[owner], column.x[b_item])
        row = local.row[upper][owner] + step
        curves = s_curve(a_x, self.bottom[row], b_x, self.top[row + 1])
        # An S needs its inner points only where it bends.
        keep = np.ones(curves.shape[:2], dtype=np.bool_)
        keep[np.abs(a_x - b_x) < STRAIGHT, 1:-1] = False
        per_edge = np.bincount(owner, keep.sum(axis=1), minlength=k).astype(np.int64) + 2
        ends = np.cumsum(per_edge)
        points = np.empty((int(ends[-1]), 2))
        first_at, last_at = ends - per_edge, ends - 1
        points[first_at, 0], points[last_at, 0] = self.x[upper] + self.upper_port[edges], b_x[is_last]
        points[first_at, 1] = self.y[upper] + local.height[upper] / 2
        points[last_at, 1] = self.y[lower] - local.height[lower] / 2
        inside = np.ones(len(points), dtype=np.bool_)
        inside[first_at] = inside[last_at] = False
        points[inside] = curves[keep]
        return edges, *_thinned(points, per_edge)

    def _cut(self, column: Column, edges: Ints) -> list[Portal]:
        """Portals of the edges within one column that span too many rows."""
        local, net = self.local, column.net
        out: list[Portal] = []
        for n_done, k in enumerate(np.flatnonzero(net.tag_above >= 0).tolist()):
            if n_done % 64 == 0:
                poll(self.is_cancelled)
            e = int(edges[k])
            upper, lower = int(local.upper[e]), int(local.lower[e])
            high = self._stub(column, upper, int(net.tag_above[k]), below=True, port=float(self.upper_port[e]))
            low = self._stub(column, lower, int(net.tag_below[k]), below=False, port=float(self.lower_port[e]))
            out.append(self._portal(e, upper, high, low))
        return out

    def _cut_between(self) -> list[Portal]:
        local = self.local
        out: list[Portal] = []
        for e in np.flatnonzero(self.far).tolist():
            ends: list[tuple[Floats, tuple[float, float]]] = []
            for node, other in ((local.upper[e], local.lower[e]), (local.lower[e], local.upper[e])):
                column = self.columns[int(local.backward[node])]
                below = bool(local.row[other] > local.row[node])
                ends.append(self._stub(column, int(node), column.net.cross_tag[e], below, port=0.0))
            out.append(self._portal(e, int(local.upper[e]), ends[0], ends[1]))
        return out

    def _portal(
        self,
        edge: int,
        upper: int,
        high: tuple[Floats, tuple[float, float]],
        low: tuple[Floats, tuple[float, float]],
    ) -> Portal:
        """`high` and `low` are the stubs (node to tag) and tags at the upper and the lower end."""
        local = self.local
        starts_high = local.source[edge] == upper
        near, distant = (high, low) if starts_high else (low, high)
        source = int(local.nodes[local.source[edge]])
        names = self.graph.names
        return Portal(
            edge=int(local.edges[edge]),
            leave=near[0],
            arrive=distant[0][::-1].copy(),
            from_place=near[1],
            to_place=distant[1],
            name=names[source] if names is not None else str(source),
        )

    def _stub(
        self, column: Column, node: int, tag: int, below: bool, port: float
    ) -> tuple[Floats, tuple[float, float]]:
        """The line from a node to a tag in the next row, and the tag's centre."""
        local = self.local
        row = int(local.row[node])
        tag_x, tag_y = float(column.x[tag]), float(self.middle[row + (1 if below else -1)])
        half = self.options.portal_height / 2
        x, y, h = float(self.x[node]) + port, float(self.y[node]), float(local.height[node]) / 2
        if below:
            ends = (x, self.bottom[row], tag_x, self.top[row + 1])
            first, last = (x, y + h), (tag_x, tag_y - half)
        else:
            ends = (x, self.top[row], tag_x, self.bottom[row - 1])
            first, last = (x, y - h), (tag_x, tag_y + half)
        curve = s_curve(*(np.array([float(v)]) for v in ends))[0]
        return np.concatenate([[first], curve, [last]]), (tag_x, tag_y)

    # Edges between the columns

    def _between(self) -> tuple[Ints, Floats, Ints]:
        """Lines of the edges between the columns, drawn from the upper to the lower end."""
        edges = np.flatnonzero(self.cross & ~self.far)
        lines: list[Floats] = []
        for n_done, e in enumerate(edges.tolist()):
            if n_done % 64 == 0:
                poll(self.is_cancelled)
            lines.append(self._bridge(e))
        counts = np.array([len(line) for line in lines], dtype=np.int64)
        return edges, np.concatenate(lines) if lines else np.zeros((0, 2)), counts

    def _bridge(self, e: int) -> Floats:
        local = self.local
        upper, lower = int(local.upper[e]), int(local.lower[e])
        start = self._way_out(e, upper, bool(self.side_exit[0][e]), float(self.upper_port[e]), below=True)
        same_row = local.row[upper] == local.row[lower]
        end = self._way_out(e, lower, bool(self.side_exit[1][e]), float(self.lower_port[e]), below=bool(same_row))
        end = end[::-1]
        (x0, y0), (x1, y1) = start[-1], end[0]
        if e in self.lanes:
            gap = (self.gutter[1] - self.gutter[0]) / (max(self.lanes.values()) + 2)
            x = self.gutter[0] + gap * (self.lanes[e] + 1)
            middle = _rounded(x0, y0, x, x1, y1)
        elif abs(y1 - y0) < STRAIGHT:
            middle = np.array([(x0, y0), (x1, y1)])
        else:
            flat = s_curve(*(np.array([v]) for v in (y0, x0, y1, x1)))[0]
            middle = flat[:, ::-1]
        line = np.concatenate([start[:-1], middle, end[1:]])
        return _thinned(line, np.array([len(line)]))[0]

    def _way_out(self, e: int, node: int, at_side: bool, port: float, below: bool) -> Floats:
        """From the node's border to the near edge of the gutter."""
        local = self.local
        from_left = not self.columns[int(local.backward[node])].mirrored
        gutter = self.gutter[0] if from_left else self.gutter[1]
        x, y = float(self.x[node]), float(self.y[node])
        if at_side:
            side = x + (1 if from_left else -1) * float(local.width[node]) / 2
            shift = self._side_port(e, node)
            return np.array([(side, y + shift), (gutter, y + shift)])
        row = int(local.row[node])
        h = float(local.height[node]) / 2
        x += port
        if below:
            edge, border = float(self.bottom[row]), y + h
            beyond = float(self.top[row + 1]) if row + 1 < self.n_rows else edge + self.options.rank_gap
        else:
            edge, border = float(self.top[row]), y - h
            beyond = float(self.bottom[row - 1]) if row > 0 else edge - self.options.rank_gap
        lane = edge + (beyond - edge) * (0.3 + 0.08 * (e % 4))
        radius = min(abs(gutter - x), abs(lane - edge))
        turn = x + (radius if from_left else -radius)
        t = np.linspace(0, 1, 6)[:, None]
        corner = (
            (1 - t) ** 2 * np.array([x, edge]) + 2 * t * (1 - t) * np.array([x, lane]) + t**2 * np.array([turn, lane])
        )
        return np.concatenate([[(x, border)], corner, [(gutter, lane)]])

    def _side_port(self, e: int, node: int) -> float:
        """How far from the node's middle an edge meets its side: edges from above above, those from below below."""
        local = self.local
        other = int(local.upper[e]) if node == local.lower[e] else int(local.lower[e])
        difference = int(local.row[other]) - int(local.row[node])
        return float(np.clip(difference, -1, 1)) * float(local.height[node]) * 0.22


def _rounded(x0: float, y0: float, x: float, x1: float, y1: float) -> Floats:
    """Across, along x, across again, with round corners."""
    down = 1.0 if y1 >= y0 else -1.0
    radius = min(14.0, abs(y1 - y0) / 2)
    t = np.linspace(0, 1, 6)[:, None]
    parts = [np.array([(x0, y0)])]
    r = min(radius, abs(x - x0))
    p, q, s = np.array([x - r if x >= x0 else x + r, y0]), np.array([x, y0]), np.array([x, y0 + down * r])
    parts.append((1 - t) ** 2 * p + 2 * t * (1 - t) * q + t**2 * s)
    r = min(radius, abs(x1 - x))
    p, q, s = np.array([x, y1 - down * r]), np.array([x, y1]), np.array([x + r if x1 >= x else x - r, y1])
    parts.append((1 - t) ** 2 * p + 2 * t * (1 - t) * q + t**2 * s)
    parts.append(np.array([(x1, y1)]))
    return np.concatenate(parts)


def _thinned(points: Floats, counts: Ints) -> tuple[Floats, Ints]:
    """Without inner points that lie on the line between their neighbours."""
    if len(points) < 3:
        return points, counts
    keep = np.ones(len(points), dtype=np.bool_)
    a, b, c = points[:-2], points[1:-1], points[2:]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    keep[1:-1] = np.abs(area) > 1e-3
    ends = np.cumsum(counts)
    keep[ends - 1] = True
    keep[ends - counts] = True
    owner = np.repeat(np.arange(len(counts)), counts)
    return points[keep], np.bincount(owner[keep], minlength=len(counts))
