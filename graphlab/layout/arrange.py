"""From a graph to a picture: split into components, fold, rank, order, place, route, pack."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from graphlab.layout import model, ranks
from graphlab.layout.frames import Frames
from graphlab.layout.model import Bools, Floats, Ints, LayoutGraph, Options, Picture, Portal, Previous
from graphlab.layout.piece import Piece, arrange_piece

LOOP_REACH = 16.0
"""How far a self-loop sticks out at the side of its node."""

MANY_PIECES = 200
"""With more components than this, the smaller ones are laid out together."""


def arrange(
    graph: LayoutGraph,
    options: Options | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    previous: Previous | None = None,
) -> Picture:
    """Where every node stands and every edge runs.

    The same input gives the same picture. `previous` (key -> centre in the last picture) keeps the order of what stays.
    Raises ValueError when the graph cannot be drawn, Cancelled when `is_cancelled` says so.
    """
    options = options or Options()
    model.check(graph)
    graph = model.normalised(graph)
    if options.direction == "down":
        return _Arrangement(graph, options, is_cancelled, _hints(graph, previous, 0)).picture()
    turned = replace(graph, widths=graph.heights, heights=graph.widths)
    picture = _Arrangement(turned, options, is_cancelled, _hints(graph, previous, 1)).picture()
    return _turned(picture)


def _hints(graph: LayoutGraph, previous: Previous | None, axis: int) -> Floats | None:
    if not previous or graph.keys is None:
        return None
    hints = np.full(graph.n_nodes, np.nan)
    for i, key in enumerate(graph.keys):
        if key in previous:
            hints[i] = previous[key][axis]
    return hints if np.isfinite(hints).any() else None


class _Arrangement:
    """One run of the layout over a checked graph, top to bottom."""

    def __init__(
        self, graph: LayoutGraph, options: Options, is_cancelled: Callable[[], bool], hints: Floats | None
    ) -> None:
        self.graph, self.options, self.is_cancelled, self.hints = graph, options, is_cancelled, hints
        assert graph.pair is not None and graph.group is not None and graph.group_parents is not None
        self.frames = Frames(graph.group, graph.group_parents, widths=graph.group_widths)
        self.x = np.zeros(graph.n_nodes)
        self.y = np.zeros(graph.n_nodes)
        self.rank = np.zeros(graph.n_nodes, dtype=np.int64)
        self.is_reversed = np.zeros(graph.n_edges, dtype=np.bool_)
        self.routes: list[tuple[Ints, Floats, Ints]] = []  # edges, points, offsets
        self.portals: list[Portal] = []

    def picture(self) -> Picture:
        """Lay everything out."""
        graph, options = self.graph, self.options
        loops = graph.edges[:, 0] == graph.edges[:, 1]
        looped = np.zeros(graph.n_nodes, dtype=np.bool_)
        looped[graph.edges[loops, 0]] = True
        lonely, pieces = self._components(loops)
        boxes: list[tuple[float, float, Callable[[float, float], None]]] = []
        for nodes, edges in pieces:
            ranks.poll(self.is_cancelled)
            piece = arrange_piece(graph, options, self.is_cancelled, self.hints, self.frames, nodes, edges, looped)
            boxes.append(self._settle(piece))
        if len(lonely):
            boxes.append(self._grid(lonely, looped))
        self._pack(boxes)
        self._loops(np.flatnonzero(loops))
        return self._finish()

    def _components(self, loops: Bools) -> tuple[Ints, list[tuple[Ints, Ints]]]:
        """Nodes that stand alone, and the connected pieces as (nodes, edges), in input order."""
        graph = self.graph
        n = graph.n_nodes
        assert graph.pair is not None and graph.group is not None
        real = np.flatnonzero(~loops)
        links = [graph.edges[real]]
        paired = np.flatnonzero(graph.pair >= 0)
        links.append(np.stack([paired, graph.pair[paired]], axis=1))
        outermost = self.frames.outermost
        members = np.flatnonzero(outermost >= 0)
        members = members[np.argsort(outermost[members], kind="stable")]
        same = outermost[members[1:]] == outermost[members[:-1]]
        links.append(np.stack([members[:-1][same], members[1:][same]], axis=1))
        every = np.concatenate(links)
        label = _connected(n, every[:, 0], every[:, 1])
        count = np.bincount(label, minlength=n)
        linked = np.zeros(n, dtype=np.bool_)
        linked[every.ravel()] = True
        linked[members] = True  # room for a frame is made in pieces only
        lonely = np.flatnonzero(~linked)
        roots, which = np.unique(label[linked], return_inverse=True)
        if len(roots) > MANY_PIECES:
            big = np.sort(np.argsort(-count[roots], kind="stable")[:MANY_PIECES])
            number = np.full(len(roots), MANY_PIECES)
            number[big] = np.arange(MANY_PIECES)
            which = number[which]
        piece_of = np.full(n, -1)
        piece_of[linked] = which
        nodes = np.flatnonzero(linked)
        nodes = nodes[np.argsort(piece_of[nodes], kind="stable")]
        edges = real[np.argsort(piece_of[graph.edges[real, 0]], kind="stable")]
        n_pieces = int(piece_of.max()) + 1 if n else 0
        node_ends = np.searchsorted(piece_of[nodes], np.arange(n_pieces + 1))
        edge_ends = np.searchsorted(piece_of[graph.edges[edges, 0]], np.arange(n_pieces + 1))
        return lonely, [
            (nodes[node_ends[i] : node_ends[i + 1]], edges[edge_ends[i] : edge_ends[i + 1]]) for i in range(n_pieces)
        ]

    def _settle(self, piece: Piece) -> tuple[float, float, Callable[[float, float], None]]:
        graph = self.graph
        assert graph.group is not None
        x0, y0, x1, y1 = 0.0, 0.0, piece.width, piece.height
        if (graph.group[piece.nodes] >= 0).any():
            parents = np.array(self.frames.parents, dtype=np.int64)
            inner = Frames(graph.group[piece.nodes], parents, self.frames.paths, graph.group_widths)
            sizes = graph.widths[piece.nodes], graph.heights[piece.nodes]
            for box in inner.boxes(piece.x, piece.y, *sizes, self.options):
                x0, y0, x1, y1 = min(x0, box.x0), min(y0, box.y0), max(x1, box.x1), max(y1, box.y1)

        def settle(dx: float, dy: float) -> None:
            dx, dy = dx - x0, dy - y0
            self.x[piece.nodes] = piece.x + dx
            self.y[piece.nodes] = piece.y + dy
            self.rank[piece.nodes] = piece.rank
            self.is_reversed[piece.edges] = piece.is_reversed
            shift = np.array([dx, dy])
            self.routes.append((piece.edges, piece.points + shift, piece.offsets))
            for portal in piece.portals:
                self.portals.append(
                    replace(
                        portal,
                        leave=portal.leave + shift,
                        arrive=portal.arrive + shift,
                        from_place=(portal.from_place[0] + dx, portal.from_place[1] + dy),
                        to_place=(portal.to_place[0] + dx, portal.to_place[1] + dy),
                    )
                )

        return x1 - x0, y1 - y0, settle

    def _grid(self, nodes: Ints, looped: Bools) -> tuple[float, float, Callable[[float, float], None]]:
        """Nodes that stand alone, in rows."""
        gap = self.options.node_gap
        wide = self.graph.widths[nodes] + np.where(looped[nodes], 2 * LOOP_REACH, 0) + gap
        tall = self.graph.heights[nodes]
        per_row = max(1, math.ceil(math.sqrt(len(nodes) * (float(tall.mean()) + gap) / float(wide.mean()) * 1.6)))
        row = np.arange(len(nodes)) // per_row
        column = np.arange(len(nodes)) % per_row
        column_width = np.zeros(int(column.max()) + 1)
        np.maximum.at(column_width, column, wide)
        row_height = np.zeros(int(row.max()) + 1)
        np.maximum.at(row_height, row, tall + gap)
        x = (np.cumsum(column_width) - column_width / 2)[column]
        y = (np.cumsum(row_height) - row_height / 2)[row]

        def settle(dx: float, dy: float) -> None:
            self.x[nodes] = x + dx
            self.y[nodes] = y + dy

        return float(column_width.sum()), float(row_height.sum()), settle

    def _pack(self, boxes: list[tuple[float, float, Callable[[float, float], None]]]) -> None:
        """Side by side in input order, a new shelf when a shelf is full."""
        gap = self.options.component_gap
        area = sum((w + gap) * (h + gap) for w, h, _ in boxes)
        full = max([math.sqrt(area) * 1.5, *(w for w, _, _ in boxes)], default=0.0)
        x = y = shelf = 0.0
        for width, height, settle in boxes:
            if x > 0 and x + width > full:
                x, y, shelf = 0.0, y + shelf + gap, 0.0
            settle(x, y)
            x += width + gap
            shelf = max(shelf, height)

    def _loops(self, edges: Ints) -> None:
        """Self-loops as drops at the right side of their node; several lie within each other."""
        if not len(edges):
            return
        node = self.graph.edges[edges, 0]
        order = np.argsort(node, kind="stable")
        number = np.arange(len(edges)) - np.searchsorted(node[order], node[order])
        nth = np.empty(len(edges))
        nth[order] = number
        reach = LOOP_REACH / (1 + 0.35 * nth)
        half = self.graph.heights[node] * 0.25 / (1 + 0.35 * nth)
        t = np.linspace(0, math.pi, 13)
        x = (self.x[node] + self.graph.widths[node] / 2)[:, None] + reach[:, None] * np.sin(t)
        y = self.y[node][:, None] - half[:, None] * np.cos(t)
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        self.routes.append((edges, points, np.arange(len(edges) + 1) * len(t)))

    def _finish(self) -> Picture:
        graph = self.graph
        m = graph.n_edges
        lengths = np.zeros(m, dtype=np.int64)
        for edges, _, offsets in self.routes:
            lengths[edges] = np.diff(offsets)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        points = np.zeros((int(offsets[-1]), 2))
        for edges, piece_points, piece_offsets in self.routes:
            count = np.diff(piece_offsets)
            at = np.repeat(offsets[edges] - piece_offsets[:-1], count) + np.arange(len(piece_points))
            points[at] = piece_points
        boxes = self.frames.boxes(self.x, self.y, graph.widths, graph.heights, self.options)
        corners = [
            np.stack([self.x - graph.widths / 2, self.y - graph.heights / 2], axis=1),
            np.stack([self.x + graph.widths / 2, self.y + graph.heights / 2], axis=1),
            points,
            np.array([(b.x0, b.y0) for b in boxes] + [(b.x1, b.y1) for b in boxes]).reshape(-1, 2),
            *(np.concatenate([p.leave, p.arrive]) for p in self.portals),
        ]
        every = np.concatenate(corners)
        low = every.min(axis=0) if len(every) else np.zeros(2)
        high = every.max(axis=0) if len(every) else np.zeros(2)
        shifted = _shifted(self.portals, low)
        return Picture(
            x=self.x - low[0],
            y=self.y - low[1],
            points=points - low,
            offsets=offsets,
            rank=self.rank,
            portals=sorted(shifted, key=lambda p: p.edge),
            groups=[replace(b, x0=b.x0 - low[0], x1=b.x1 - low[0], y0=b.y0 - low[1], y1=b.y1 - low[1]) for b in boxes],
            width=float(high[0] - low[0]),
            height=float(high[1] - low[1]),
            is_reversed=self.is_reversed,
        )


def _shifted(portals: list[Portal], low: Floats) -> list[Portal]:
    return [
        replace(
            p,
            leave=p.leave - low,
            arrive=p.arrive - low,
            from_place=(p.from_place[0] - float(low[0]), p.from_place[1] - float(low[1])),
            to_place=(p.to_place[0] - float(low[0]), p.to_place[1] - float(low[1])),
        )
        for p in portals
    ]


def _turned(picture: Picture) -> Picture:
    """The picture with x and y exchanged: top to bottom becomes left to right."""
    return replace(
        picture,
        x=picture.y,
        y=picture.x,
        points=picture.points[:, ::-1].copy(),
        width=picture.height,
        height=picture.width,
        portals=[
            replace(
                p,
                leave=p.leave[:, ::-1].copy(),
                arrive=p.arrive[:, ::-1].copy(),
                from_place=p.from_place[::-1],
                to_place=p.to_place[::-1],
            )
            for p in picture.portals
        ],
        groups=[replace(b, x0=b.y0, x1=b.y1, y0=b.x0, y1=b.x1) for b in picture.groups],
    )


def _connected(n: int, a: Ints, b: Ints) -> Ints:
    """For each node the smallest node that it is connected to (pointer jumping, no Python loop over nodes)."""
    label = np.arange(n)
    while True:
        before = label.copy()
        low = np.minimum(label[a], label[b])
        np.minimum.at(label, label[a], low)
        np.minimum.at(label, label[b], low)
        while True:
            further = label[label]
            if np.array_equal(further, label):
                break
            label = further
        if np.array_equal(before, label):
            return label
