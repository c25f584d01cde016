"""How good a picture is, in numbers: what tests assert and what `benchmarks/layout.py` compares with `dot`."""

from dataclasses import dataclass

import numpy as np

from graphlab.layout.frames import Frames
from graphlab.layout.model import Floats, Ints, LayoutGraph, Picture, normalised

TOUCH = 1.0
"""A line may come this near to a box's border without counting as running through it."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of flaws, and lengths in scene units."""

    overlaps: int  # pairs of nodes that cover each other
    loose_ends: int  # ends of routes that do not touch their node
    through_nodes: int  # (edge, node) where the line runs through a box that is not its own end's
    crossings: int  # pairs of edges that cross (counted once)
    edge_length: float  # of all routes together
    area: float


def measure(graph: LayoutGraph, picture: Picture, deep: bool = True) -> Quality:
    """Measure a picture; without `deep` the pairwise counts of lines stay 0 (they take long)."""
    a, b, owner = segments(picture)
    length = float(np.hypot(*(b - a).T).sum()) if len(a) else 0.0
    return Quality(
        overlaps=overlaps(picture.x, picture.y, graph.widths, graph.heights),
        loose_ends=_loose_ends(graph, picture),
        through_nodes=_through(graph, picture, a, b, owner) if deep else 0,
        crossings=crossings(graph.edges, a, b, owner) if deep else 0,
        edge_length=length,
        area=picture.width * picture.height,
    )


@dataclass(frozen=True, slots=True)
class FrameFaults:
    """What a frame must not do."""

    strangers: int  # (frame, node) that meet although the node is no member
    meetings: int  # pairs of frames that meet although neither lies in the other


def frame_faults(graph: LayoutGraph, picture: Picture) -> FrameFaults:
    """Look at every frame of a picture."""
    graph = normalised(graph)
    assert graph.group is not None and graph.group_parents is not None
    frames = Frames(graph.group, graph.group_parents)
    x0, x1 = picture.x - graph.widths / 2, picture.x + graph.widths / 2
    y0, y1 = picture.y - graph.heights / 2, picture.y + graph.heights / 2
    strangers = meetings = 0
    for k, box in enumerate(picture.groups):
        meets = (x0 < box.x1) & (x1 > box.x0) & (y0 < box.y1) & (y1 > box.y0)
        near = np.flatnonzero(meets).tolist()
        strangers += sum(box.group not in frames.path(int(graph.group[node])) for node in near)
        for other in picture.groups[:k]:
            if box.x0 < other.x1 and box.x1 > other.x0 and box.y0 < other.y1 and box.y1 > other.y0:
                is_inside = box.x0 > other.x0 and box.x1 < other.x1 and box.y0 > other.y0 and box.y1 < other.y1
                meetings += not (is_inside and other.group in frames.path(box.group))
    return FrameFaults(strangers, meetings)


def segments(picture: Picture) -> tuple[Floats, Floats, Ints]:
    """Every straight piece of every route: starts, ends, edges."""
    counts = np.diff(picture.offsets)
    owner = np.repeat(np.arange(len(counts)), counts)
    if len(owner) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
    same = owner[1:] == owner[:-1]
    return picture.points[:-1][same], picture.points[1:][same], owner[1:][same]


def overlaps(x: Floats, y: Floats, width: Floats, height: Floats) -> int:
    """Pairs of boxes that cover each other, by a sweep down the picture."""
    total = 0
    if not len(x):
        return 0
    order = np.argsort(y - height / 2, kind="stable")
    top, bottom = (y - height / 2)[order], (y + height / 2)[order]
    left, right = (x - width / 2)[order], (x + width / 2)[order]
    slack = 1e-6
    # Boxes of one row have nearly the same top: sort within a row by x, where only neighbours can touch.
    row = np.concatenate([[0], np.cumsum(np.maximum.accumulate(bottom)[:-1] <= top[1:] + slack)])
    for start, end in zip(*_runs(row)):
        if end - start < 2:
            continue
        if end - start <= 400:
            part = slice(start, end)
            wide = (left[part][:, None] < right[part] - slack) & (left[part] < right[part][:, None] - slack)
            tall = (top[part][:, None] < bottom[part] - slack) & (top[part] < bottom[part][:, None] - slack)
            total += int(np.triu(wide & tall, 1).sum())
        else:
            by_x = start + np.argsort(left[start:end], kind="stable")
            reach = np.maximum.accumulate(right[by_x])[:-1]
            suspects = np.flatnonzero(reach > left[by_x][1:] + slack)
            for k in suspects.tolist():
                me, others = by_x[k + 1], by_x[: k + 1]
                hit = (right[others] > left[me] + slack) & (top[others] < bottom[me] - slack)
                total += int((hit & (top[me] < bottom[others] - slack)).sum())
    return total


def _runs(row: Ints) -> tuple[list[int], list[int]]:
    if not len(row):
        return [], []
    starts = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
    return starts.tolist(), [*starts[1:].tolist(), len(row)]


def _loose_ends(graph: LayoutGraph, picture: Picture) -> int:
    lines = [(int(s), int(t), picture.route(e)) for e, (s, t) in enumerate(graph.edges) if len(picture.route(e))]
    lines += [(int(graph.edges[p.edge, 0]), -1, p.leave) for p in picture.portals]
    lines += [(-1, int(graph.edges[p.edge, 1]), p.arrive) for p in picture.portals]
    cut = {p.edge for p in picture.portals}
    loose = sum(1 for e in range(graph.n_edges) if not len(picture.route(e)) and e not in cut)
    for source, target, line in lines:
        for node, (px, py) in ((source, line[0]), (target, line[-1])):
            if node < 0:
                continue
            dx = abs(px - picture.x[node]) - graph.widths[node] / 2
            dy = abs(py - picture.y[node]) - graph.heights[node] / 2
            if abs(max(dx, dy)) > 1e-6:
                loose += 1
    return loose


def _through(graph: LayoutGraph, picture: Picture, a: Floats, b: Floats, owner: Ints) -> int:
    """Lines that enter the inside of a box other than their own ends' (and their own ends' by more than the border)."""
    hits: set[tuple[int, int]] = set()
    low, high = np.minimum(a, b), np.maximum(a, b)
    for node in range(graph.n_nodes):
        x0, x1 = picture.x[node] - graph.widths[node] / 2 + TOUCH, picture.x[node] + graph.widths[node] / 2 - TOUCH
        y0, y1 = picture.y[node] - graph.heights[node] / 2 + TOUCH, picture.y[node] + graph.heights[node] / 2 - TOUCH
        if x0 >= x1 or y0 >= y1:
            continue
        near = (low[:, 0] < x1) & (high[:, 0] > x0) & (low[:, 1] < y1) & (high[:, 1] > y0)
        for k in np.flatnonzero(near).tolist():
            if _enters(a[k], b[k], float(x0), float(y0), float(x1), float(y1)):
                hits.add((int(owner[k]), node))
    return len(hits)


def _enters(a: Floats, b: Floats, x0: float, y0: float, x1: float, y1: float) -> bool:
    """Liang and Barsky's clipping of a segment to a rectangle."""
    t0, t1 = 0.0, 1.0
    dx, dy = float(b[0] - a[0]), float(b[1] - a[1])
    for p, q in ((-dx, a[0] - x0), (dx, x1 - a[0]), (-dy, a[1] - y0), (dy, y1 - a[1])):
        if p == 0:
            if q <= 0:
                return False
        elif p < 0:
            t0 = max(t0, q / p)
        else:
            t1 = min(t1, q / p)
    return t0 < t1


def crossings(edges: Ints, a: Floats, b: Floats, owner: Ints) -> int:
    """Pairs of edges without a common end whose lines cross."""
    pairs: set[tuple[int, int]] = set()
    low, high = np.minimum(a, b), np.maximum(a, b)
    d = b - a
    for k in range(len(a)):
        rest = np.flatnonzero(
            (low[k + 1 :] <= high[k]).all(axis=1) & (high[k + 1 :] >= low[k]).all(axis=1) & (owner[k + 1 :] != owner[k])
        )
        if not len(rest):
            continue
        j = rest + k + 1
        side_a = _cross(d[k], a[j] - a[k]) * _cross(d[k], b[j] - a[k])
        side_b = _cross(d[j], a[k] - a[j]) * _cross(d[j], b[k] - a[j])
        for other in owner[j[(side_a < 0) & (side_b < 0)]].tolist():
            first = int(owner[k])
            if not set(edges[first].tolist()) & set(edges[other].tolist()):
                pairs.add((min(first, other), max(first, other)))
    return len(pairs)


def _cross(u: Floats, v: Floats) -> Floats:
    out: Floats = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return out
