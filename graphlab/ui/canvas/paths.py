"""From NumPy polylines to one Qt path, without a Python object for each point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QPainterPath

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ELEMENT = np.dtype([("command", ">i4"), ("x", ">f8"), ("y", ">f8")])


def path_of(points: Floats, starts: npt.NDArray[np.bool_]) -> QPainterPath:
    """One path through `points` (p, 2), lifted at every start.

    Goes through Qt's stream format of a path (as pyqtgraph does): 4 ns a point where `lineTo` takes 300.
    """
    n = len(points)
    if n < 2:
        return QPainterPath()
    elements = np.empty(n, _ELEMENT)
    elements["command"] = np.where(starts, 0, 1)
    elements["command"][0] = 0
    elements["x"], elements["y"] = points[:, 0], points[:, 1]
    return _from_elements(elements)


def smooth_path(points: Floats) -> QPainterPath:
    """A path of curves through the points of one edge, which are close where it bends: no corners at any zoom."""
    steps = points[1:] - points[:-1] if len(points) > 1 else np.zeros((0, 2))
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    keep = lengths > 1e-9
    points = np.concatenate([points[:1], points[1:][keep]])
    if len(points) < 3:
        return path_of(points, np.zeros(len(points), np.bool_))
    steps, lengths = steps[keep], lengths[keep][:, None]
    directions = steps / lengths
    # At a joint the longer neighbour decides, so that a straight line stays straight up to where the bend begins.
    weight = lengths**2
    joints = (directions[:-1] * weight[:-1] + directions[1:] * weight[1:]) / (weight[:-1] + weight[1:])
    tangents = np.concatenate([directions[:1], joints, directions[-1:]])
    elements = np.empty(3 * len(steps) + 1, _ELEMENT)
    places = np.empty((len(elements), 2))
    places[0] = points[0]
    places[1::3] = points[:-1] + tangents[:-1] * lengths / 3
    places[2::3] = points[1:] - tangents[1:] * lengths / 3
    places[3::3] = points[1:]
    elements["command"] = 3
    elements["command"][1::3] = 2
    elements["command"][0] = 0
    elements["x"], elements["y"] = places[:, 0], places[:, 1]
    return _from_elements(elements)


def _from_elements(elements: npt.NDArray[np.void]) -> QPainterPath:
    path = QPainterPath()
    data = np.array([len(elements)], ">i4").tobytes() + elements.tobytes() + np.zeros(2, ">i4").tobytes()
    stream = QDataStream(QByteArray(data))  # with an open mode it would keep a pointer to the temporary array
    stream >> path
    return path


def ragged(offsets: Ints, edges: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Indices of all points of the given edges, one after another, and which of them start an edge."""
    counts = offsets[edges + 1] - offsets[edges]
    edges, counts = edges[counts > 0], counts[counts > 0]
    total = int(counts.sum())
    first = np.cumsum(counts) - counts
    index = np.arange(total) - np.repeat(first, counts) + np.repeat(offsets[edges], counts)
    starts = np.zeros(total, np.bool_)
    starts[first] = True
    return index, starts


def coarse(points: Floats, offsets: Ints, edges: Ints, n: int) -> Floats:
    """Each edge with n points only, (edges, n, 2); edges without a route are left out."""
    counts = offsets[edges + 1] - offsets[edges]
    edges, counts = edges[counts > 1], counts[counts > 1]
    steps = np.rint(np.linspace(0, 1, n)[None, :] * (counts - 1)[:, None]).astype(np.int64)
    result: Floats = points[offsets[edges][:, None] + steps]
    return result


def arrow_heads(points: Floats, offsets: Ints, edges: Ints, size: float) -> QPainterPath:
    """A triangle at the end of each edge, as one path to be filled."""
    counts = offsets[edges + 1] - offsets[edges]
    edges = edges[counts > 1]
    last = offsets[edges + 1] - 1
    tips, before = points[last], points[last - 1]
    # The last piece of a curve may be shorter than the head, which then follows the one before it.
    is_short = np.hypot(*(tips - before).T) < size * 0.6
    before = np.where(is_short[:, None], points[np.maximum(last - 2, offsets[edges])], before)
    along = tips - before
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    base = tips - along * size
    corners = np.stack([tips, base + across * size * 0.42, base - across * size * 0.42, tips], axis=1)
    starts = np.zeros((len(edges), 4), np.bool_)
    starts[:, 0] = True
    return path_of(corners.reshape(-1, 2), starts.reshape(-1))
