"""Where the shapes stand on the edges: on the line, off every node, and off each other where there is room.

All edges at once in NumPy: each label tries several places along its edge and takes the first that no node covers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRIES = (0.5, 0.38, 0.62, 0.25, 0.75, 0.15, 0.85)
CELL = 160.0  # of the grid in which nodes are looked up
GREEDY_LIMIT = 6000  # labels up to which they are also kept off each other, one by one


def place_labels(points: Floats, offsets: Ints, rects: Floats, widths: Floats, height: float) -> Floats:
    """Middles of the labels, (m, 2); NaN for edges without a label, without a route or without room."""
    m = len(widths)
    places = np.full((m, 2), np.nan)
    open_edges = np.flatnonzero((widths > 0) & (np.diff(offsets) > 1)) if m else np.zeros(0, np.int64)
    if not len(open_edges):
        return places
    lengths, starts = _lengths(points, offsets)
    grid = _Grid(rects)
    taken: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for share in TRIES:
        middles = _along(points, offsets, lengths, starts, open_edges, share)
        half = np.stack([widths[open_edges] / 2, np.full(len(open_edges), height / 2)], axis=1)
        free = ~grid.touches(np.concatenate([middles - half, middles + half], axis=1))
        if m <= GREEDY_LIMIT:
            free = _take_in_turn(middles, widths[open_edges], height, free, taken)
        places[open_edges[free]] = middles[free]
        open_edges = open_edges[~free]
        if not len(open_edges):
            break
    return places


def _lengths(points: Floats, offsets: Ints) -> tuple[Floats, Ints]:
    """Running length along all routes, restarted nowhere: only differences within one route mean anything."""
    steps = np.zeros(len(points))
    if len(points) > 1:
        steps[1:] = np.hypot(*(points[1:] - points[:-1]).T)
    first = offsets[:-1][np.diff(offsets) > 0]
    steps[first] = 0
    return np.cumsum(steps), first


def _along(points: Floats, offsets: Ints, lengths: Floats, starts: Ints, edges: Ints, share: float) -> Floats:
    first, last = offsets[:-1][edges], offsets[1:][edges] - 1
    target = lengths[first] + share * (lengths[last] - lengths[first])
    after = np.clip(np.searchsorted(lengths, target, side="right"), first + 1, last)
    before = after - 1
    span = np.maximum(lengths[after] - lengths[before], 1e-9)
    part = np.clip((target - lengths[before]) / span, 0, 1)[:, None]
    result: Floats = points[before] * (1 - part) + points[after] * part
    return result


class _Grid:
    """Nodes by the cells that they touch."""

    def __init__(self, rects: Floats) -> None:
        self.rects = rects
        cells, nodes = _cells(rects)
        order = np.argsort(cells, kind="stable")
        self.cells, self.nodes = cells[order], nodes[order]

    def touches(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """Whether a node lies in each of the boxes."""
        cells, owners = _cells(boxes)
        low = np.searchsorted(self.cells, cells, side="left")
        counts = np.searchsorted(self.cells, cells, side="right") - low
        who = np.repeat(owners, counts)
        places = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
        r, b = self.rects[self.nodes[places]], boxes[who]
        hit = (r[:, 0] < b[:, 2]) & (r[:, 2] > b[:, 0]) & (r[:, 1] < b[:, 3]) & (r[:, 3] > b[:, 1])
        result = np.zeros(len(boxes), np.bool_)
        result[who[hit]] = True
        return result


def _cells(rects: Floats) -> tuple[Ints, Ints]:
    """Numbers of the cells that each rectangle touches, and the rectangle of each."""
    low = np.floor(rects[:, :2] / CELL).astype(np.int64)
    counts = np.floor(rects[:, 2:] / CELL).astype(np.int64) - low + 1
    n_cells = counts[:, 0] * counts[:, 1]
    owner = np.repeat(np.arange(len(rects)), n_cells)
    k = np.arange(n_cells.sum()) - np.repeat(np.cumsum(n_cells) - n_cells, n_cells)
    column = low[owner, 0] + k % counts[owner, 0]
    row = low[owner, 1] + k // counts[owner, 0]
    return row * 1_000_003 + column, owner


def _take_in_turn(
    middles: Floats,
    widths: Floats,
    height: float,
    free: npt.NDArray[np.bool_],
    taken: dict[tuple[int, int], list[tuple[float, float, float]]],
) -> npt.NDArray[np.bool_]:
    result = free.copy()
    for i in np.flatnonzero(free).tolist():
        x, y, half = float(middles[i, 0]), float(middles[i, 1]), float(widths[i]) / 2
        columns = range(int((x - half) // CELL), int((x + half) // CELL) + 1)
        rows = range(int((y - height) // CELL), int((y + height) // CELL) + 1)
        cells = [(row, column) for row in rows for column in columns]
        if any(
            abs(x - ox) < half + other + 2 and abs(y - oy) < height
            for cell in cells
            for ox, oy, other in taken.get(cell, ())
        ):
            result[i] = False
            continue
        for cell in cells:
            taken.setdefault(cell, []).append((x, y, half))
    return result
