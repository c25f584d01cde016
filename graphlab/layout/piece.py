"""One connected piece of the graph: fold it into a forward and a backward column, lay out both, draw the edges."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from graphlab.layout import net, order, place, stack
from graphlab.layout.frames import Frames
from graphlab.layout.model import Bools, EdgeKind, Floats, Ints, LayoutGraph, Options, Portal
from graphlab.layout.routes import Router

LOOP_ROOM = 32.0


@dataclass(slots=True)
class Column:
    """One column of a piece. `mirrored` columns were laid out with left and right exchanged."""

    nodes: Ints  # of the piece
    net: net.Net
    x: Floats  # (items,) centres, already in the piece's coordinates
    is_last: Bools  # (items,) nothing stands between the item and the other column
    mirrored: bool


@dataclass(slots=True)
class Piece:
    """A finished piece; its upper left corner is (0, 0)."""

    nodes: Ints
    edges: Ints
    x: Floats
    y: Floats
    rank: Ints
    is_reversed: Bools
    points: Floats
    offsets: Ints
    portals: list[Portal] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


@dataclass(slots=True)
class Local:
    """The piece's part of the graph, with nodes and edges numbered from 0."""

    nodes: Ints
    edges: Ints
    source: Ints
    target: Ints
    width: Floats
    height: Floats
    room: Floats  # width including self-loops
    is_minor: Bools
    backward: Bools
    row: Ints
    upper: Ints  # the end of each edge in the higher row
    lower: Ints
    is_up: Bools  # the edge points upward


def arrange_piece(
    graph: LayoutGraph,
    options: Options,
    is_cancelled: Callable[[], bool],
    hints: Floats | None,
    frames: Frames,
    nodes: Ints,
    edges: Ints,
    looped: Bools,
) -> Piece:
    """Lay out the piece of `graph` that consists of `nodes` and `edges` (without self-loops)."""
    local = _localise(graph, frames, nodes, edges, looped, is_cancelled)
    n_rows = int(local.row.max()) + 1
    cross = local.backward[local.source] != local.backward[local.target]
    far = cross & (np.abs(local.row[local.source] - local.row[local.target]) > options.max_span)
    columns: list[Column] = []
    group = graph.group[nodes] if graph.group is not None else np.full(len(nodes), -1)
    is_grouped = bool((group >= 0).any())
    active = frames.active(nodes, local.row, n_rows) if is_grouped else []
    column_of = local.backward.astype(np.int64)
    item_of = np.zeros(len(nodes), dtype=np.int64)
    for which in (0, 1):
        members = np.flatnonzero(column_of == which)
        if not len(members):
            continue
        item_of[members] = np.arange(len(members))
        inner = np.flatnonzero(~cross & (column_of[local.source] == which))
        pull = np.bincount(
            np.concatenate([local.source[cross & ~far], local.target[cross & ~far]]), minlength=len(nodes)
        )[members]
        built = net.build(
            local.row[members],
            local.room[members],
            group[members],
            is_grouped,
            pull,
            item_of[local.upper[inner]],
            item_of[local.lower[inner]],
            local.is_minor[inner],
            n_rows,
            options,
            lambda row, a, b: frames.inside(active[row], a, b),
            _cross_tags(local, item_of, column_of, which, far),
        )
        if is_grouped:
            built.level = np.array([len(frames.path(g)) for g in built.group.tolist()], dtype=np.int64)
        hint = _item_hints(hints, nodes[members], built.n_items, mirrored=which == 1)
        rows = order.order(built, hint, options.effort, is_cancelled)
        walls = _walls(built, rows, [frames.path(g) for g in active])
        title = 0.0 if options.direction == "down" else options.group_title  # left to right x becomes y
        x = place.place(built, rows, walls, options.group_padding + title, options.effort, is_cancelled)
        last = np.zeros(built.n_items, dtype=np.bool_)
        last[[row[-1] for row in rows if row]] = True
        columns.append(Column(members, built, x, last, mirrored=which == 1))
    return Router(graph, options, frames, local, columns, item_of, cross, far, n_rows, is_cancelled).piece()


def _walls(built: net.Net, rows: list[list[int]], paths: list[tuple[int, ...]]) -> list[place.Wall]:
    """For each group that something passes by, which items of each of its rows stand on which side."""
    walls: dict[int, place.Wall] = {}
    level = built.level.tolist()
    for row, path in zip(rows, paths):
        for depth, g in enumerate(path, 1):
            k = sum(level[item] < depth for item in row)
            right = row[k] if k < len(row) else -1
            n_frames = level[right] - depth + 1 if right >= 0 else 0
            walls.setdefault(g, []).append((row[k - 1] if k else -1, right, n_frames))
    return [wall for wall in walls.values() if any(a >= 0 for a, *_ in wall) and any(b >= 0 for _, b, _ in wall)]


def _localise(
    graph: LayoutGraph, frames: Frames, nodes: Ints, edges: Ints, looped: Bools, is_cancelled: Callable[[], bool]
) -> Local:
    assert graph.pair is not None and graph.backward is not None and graph.edge_kinds is not None
    number = np.full(graph.n_nodes, -1)
    number[nodes] = np.arange(len(nodes))
    source, target = number[graph.edges[edges, 0]], number[graph.edges[edges, 1]]
    pair = graph.pair[nodes]
    pair = np.where(pair >= 0, number[pair], -1)
    backward = graph.backward[nodes]
    if backward.all():
        backward = np.zeros(len(nodes), dtype=np.bool_)
    group = graph.group[nodes] if graph.group is not None else np.full(len(nodes), -1)
    row, is_up = stack.fold(len(nodes), source, target, pair, backward, group, frames, is_cancelled)
    width = graph.widths[nodes]
    return Local(
        nodes=nodes,
        edges=edges,
        source=source,
        target=target,
        width=width,
        height=graph.heights[nodes],
        room=width + np.where(looped[nodes], LOOP_ROOM, 0.0),
        is_minor=graph.edge_kinds[edges] == EdgeKind.MINOR,
        backward=backward,
        row=row,
        upper=np.where(is_up, target, source),
        lower=np.where(is_up, source, target),
        is_up=is_up,
    )


def _cross_tags(local: Local, item_of: Ints, column_of: Ints, which: int, far: Bools) -> list[tuple[int, int, bool]]:
    """(edge, item, below) for every end in this column of an edge between the columns that must be cut."""
    out: list[tuple[int, int, bool]] = []
    for e in np.flatnonzero(far).tolist():
        s, t = int(local.source[e]), int(local.target[e])
        here, there = (s, t) if column_of[s] == which else (t, s)
        out.append((e, int(item_of[here]), bool(local.row[there] > local.row[here])))
    return out


def _item_hints(hints: Floats | None, nodes: Ints, n_items: int, mirrored: bool) -> Floats | None:
    if hints is None:
        return None
    out = np.full(n_items, np.nan)
    out[: len(nodes)] = -hints[nodes] if mirrored else hints[nodes]
    return out if np.isfinite(out).any() else None
