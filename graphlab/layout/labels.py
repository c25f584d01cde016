"""Where texts stand in a picture: shapes on edges off every box and off each other, frames' titles off the lines."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from graphlab.layout.model import Floats, GroupBox, Picture

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""

CELL = 96.0
SHARES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)
"""How far along its edge a label is tried."""


class Room:
    """The boxes that are taken, looked up by the cells of a grid."""

    def __init__(self, taken: Iterable[Box] = ()) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = defaultdict(list)
        for box in taken:
            self.take(box)

    def is_free(self, box: Box) -> bool:
        """Whether nothing that was taken touches the box."""
        x0, y0, x1, y1 = box
        return not any(
            x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1
            for cell in _cells(box)
            for b in self._cells.get(cell, ())
        )

    def take(self, box: Box) -> None:
        """Keep others off the box."""
        for cell in _cells(box):
            self._cells[cell].append(box)


def _cells(box: Box) -> Iterable[tuple[int, int]]:
    columns = range(int(box[0] // CELL), int(box[2] // CELL) + 1)
    rows = range(int(box[1] // CELL), int(box[3] // CELL) + 1)
    return ((column, row) for column in columns for row in rows)


def place_on_line(line: Floats, width: float, height: float, room: Room) -> tuple[float, float] | None:
    """The middle of a label on a line, else just beside it; None where there is no room. The place is taken."""
    step = np.hypot(*np.diff(line, axis=0).T)
    reach = np.concatenate([[0.0], np.cumsum(step)])
    shares = np.array(SHARES) * reach[-1]
    xs, ys = np.interp(shares, reach, line[:, 0]), np.interp(shares, reach, line[:, 1])
    for aside in (0.0, width / 2 + 5, -width / 2 - 5):
        for x, y in zip((xs + aside).tolist(), ys.tolist(), strict=True):
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if room.is_free(box):
                room.take(box)
                return x, y
    return None


def widened(boxes: list[GroupBox], titles: list[float], nodes: list[Box], padding: float) -> list[GroupBox]:
    """The frames, wide enough for their titles where nothing that stands outside is in the way, children first.

    `titles[i]` is the width that the title of `boxes[i]` needs.
    """
    result = list(boxes)
    for i in sorted(range(len(boxes)), key=lambda i: -boxes[i].depth):
        box = result[i]
        inner = [b for k, b in enumerate(result) if boxes[k].depth > box.depth and _holds(boxes[i], boxes[k])]
        right = max([box.x1, box.x0 + titles[i], *(b.x1 + padding for b in inner)])
        new = (box.x1, box.y0, right, box.y1)
        others = [(b.x0, b.y0, b.x1, b.y1) for k, b in enumerate(result) if k != i and not _holds(boxes[k], boxes[i])]
        outside = [b for b in (*nodes, *others) if b[0] >= box.x1 - 0.5]
        blocked = [b[0] for b in outside if b[0] < new[2] + 4 and new[1] < b[3] and b[1] < new[3]]
        right = max(box.x1, min([right, *(x - 6 for x in blocked)]))
        result[i] = replace(box, x1=right)
    return result


def _holds(outer: GroupBox, inner: GroupBox) -> bool:
    return outer.x0 <= inner.x0 and outer.y0 <= inner.y0 and outer.x1 >= inner.x1 and outer.y1 >= inner.y1


def title_left(box: GroupBox, width: float, height: float, lines: "Segments", inset: float = 10.0) -> float:
    """Where the title of a frame begins: on the left, or in the middle or on the right when lines cross it there."""
    y0, y1 = box.y0 + 4, box.y0 + 4 + height
    left, right = box.x0 + inset, max(box.x0 + inset, box.x1 - inset - width)
    for x in (left, right, (left + right) / 2):
        if not lines.cross((x - 2, y0, x + width + 2, y1)):
            return x
    return left


class Segments:
    """All pieces of a picture's lines, to be asked which boxes they cross."""

    def __init__(self, picture: Picture) -> None:
        ends = np.asarray(picture.offsets, dtype=np.int64)[1:] - 1
        joined = np.ones(max(len(picture.points) - 1, 0), dtype=np.bool_)
        inner = ends[(ends >= 0) & (ends < len(joined))]
        joined[inner] = False  # from one line's end to the next one's start
        pieces = [np.concatenate([picture.points[:-1], picture.points[1:]], axis=1)[joined]]
        for portal in picture.portals:
            for line in (portal.leave, portal.arrive):
                pieces.append(np.concatenate([line[:-1], line[1:]], axis=1))
        self._pieces: npt.NDArray[np.float64] = np.concatenate(pieces) if pieces else np.zeros((0, 4))

    def cross(self, box: Box) -> bool:
        """Whether a line runs through the box, by the surrounding boxes of its pieces."""
        p = self._pieces
        low, high = np.minimum(p[:, :2], p[:, 2:]), np.maximum(p[:, :2], p[:, 2:])
        hit = (low[:, 0] < box[2]) & (high[:, 0] > box[0]) & (low[:, 1] < box[3]) & (high[:, 1] > box[1])
        return bool(hit.any())
