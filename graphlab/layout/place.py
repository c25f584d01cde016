"""Where each item stands in its row: chains that should be straight become blocks with one x, then blocks are moved
towards their neighbours without ever overlapping. Higher classes (spine, then branches, then leaves) move first."""

from bisect import bisect_left

import numpy as np

from graphlab.layout.model import Floats, Ints
from graphlab.layout.net import DUMMY, NODE, Net
from graphlab.layout.ranks import Poll, adjacency, poll

INFINITY = float("inf")

MANY = 5_000
"""With more blocks than this, chains of all lengths move at once."""

WALL_GAP = 8.0
"""What passes a frame keeps this distance from it."""

HUGE = 30_000
"""With more blocks than this all move at once, without classes."""


Wall = list[tuple[int, int, int]]
"""The left border of a frame: for each of its rows the item left of it, the one right of it (-1 for none), and how many
frames begin between the two."""


def place(
    net: Net, rows: list[list[int]], walls: list[Wall], padding: float, effort: float, is_cancelled: Poll
) -> Floats:
    """x of every item's centre. `padding` is how far a frame reaches beyond its members to the left."""
    k = net.n_items
    position = np.zeros(k, dtype=np.int64)
    flat = np.array([item for row in rows for item in row], dtype=np.int64)
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    position[flat] = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    same_row = np.ones(max(len(flat) - 1, 0), dtype=np.bool_)
    ends = np.cumsum(lengths)[:-1]
    same_row[ends[(ends > 0) & (ends < len(flat))] - 1] = False
    left, right = flat[:-1][same_row], flat[1:][same_row]
    distance = (net.width[left] + net.width[right]) / 2 + net.margin[left] + net.margin[right]
    block = _blocks(net, position, is_cancelled)
    wall_left, wall_right, wall_distance = _fences(net, walls, block, padding)
    blocks = _Blocks(
        net,
        block,
        np.concatenate([block[left], wall_left]),
        np.concatenate([block[right], wall_right]),
        np.concatenate([distance, wall_distance]),
        len(walls),
        is_cancelled,
    )
    return blocks.solve(effort)[block]


def _fences(net: Net, walls: list[Wall], block: Ints, padding: float) -> tuple[Ints, Ints, Floats]:
    """Walls as blocks of no width: block on the left, block on the right and distance of each two neighbours."""
    low = int(block.max(initial=-1)) + 1
    half, of = (net.width / 2).tolist(), block.tolist()
    left: list[int] = []
    right: list[int] = []
    distance: list[float] = []
    for wall, sides in enumerate(walls, low):
        for a, b, n_frames in sides:
            if a >= 0:
                left.append(of[a])
                right.append(wall)
                distance.append(half[a] + WALL_GAP)
            if b >= 0:
                left.append(wall)
                right.append(of[b])
                distance.append(half[b] + padding * n_frames)
    return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), np.array(distance, dtype=np.float64)


def _blocks(net: Net, position: Ints, is_cancelled: Poll) -> Ints:
    """For each item the number of its block: items that are joined by edges which ought to be straight."""
    up, down = _preferred(net)
    k = net.n_items
    top = np.flatnonzero(up >= 0)
    pairs = top[down[up[top]] == top]  # lower ends whose choice is mutual
    uppers = up[pairs]
    # The spine first, then long edges, then the rest; what would cross an earlier choice stays bent.
    weight = np.where(
        (net.kind[uppers] == NODE) & (net.kind[pairs] == NODE),
        0,
        np.where((net.kind[uppers] == DUMMY) & (net.kind[pairs] == DUMMY), 1, 2),
    )
    order = np.lexsort((position[uppers], weight, net.row[pairs]))
    block = list(range(k))
    chosen_row = -1
    tops: list[int] = []
    bottoms: list[int] = []
    links: list[tuple[int, int]] = []
    position_of = position.tolist()
    for n_done, (a, b, row) in enumerate(
        zip(uppers[order].tolist(), pairs[order].tolist(), net.row[pairs[order]].tolist())
    ):
        if n_done % 8192 == 0:
            poll(is_cancelled)
        if row != chosen_row:
            chosen_row, tops, bottoms = row, [], []
        at = bisect_left(tops, position_of[a])
        if (at > 0 and bottoms[at - 1] > position_of[b]) or (at < len(tops) and bottoms[at] < position_of[b]):
            continue
        tops.insert(at, position_of[a])
        bottoms.insert(at, position_of[b])
        links.append((a, b))
    for a, b in links:  # rows come in ascending order, so the upper end already has its number
        block[b] = block[a]
    return np.unique(np.array(block, dtype=np.int64), return_inverse=True)[1]


def _preferred(net: Net) -> tuple[Ints, Ints]:
    """For each item the neighbour above and below that it would stand in line with, -1 where none stands out."""
    k = net.n_items
    n_above = np.bincount(net.lower, minlength=k)
    n_below = np.bincount(net.upper, minlength=k)
    depth, height = net.depth, net.height
    flow = (~net.is_minor).astype(np.int64)
    kind = net.kind == NODE
    above_score = ((flow * 2 + (n_above[net.upper] > 0)) * 2 + kind[net.upper]) * (k + 1) + depth[net.upper]
    below_score = ((flow * 2 + (n_below[net.lower] > 0)) * 2 + kind[net.lower]) * (k + 1) + height[net.lower]
    return (
        _best(net.lower, net.upper, above_score, k),
        _best(net.upper, net.lower, below_score, k),
    )


def _best(of: Ints, other: Ints, score: Ints, k: int) -> Ints:
    """For each item in `of` the one in `other` with the single highest score; -1 on a tie."""
    out = np.full(k, -1, dtype=np.int64)
    if not len(of):
        return out
    order = np.lexsort((-score, of))
    of, other, score = of[order], other[order], score[order]
    first = np.concatenate([[True], of[1:] != of[:-1]])
    tie = np.concatenate([(of[1:] == of[:-1]) & (score[1:] == score[:-1]), [False]])
    clear = first & ~tie
    out[of[clear]] = other[clear]
    return out


class _Blocks:
    """Blocks, how far apart they must stay, and what pulls at them."""

    def __init__(
        self, net: Net, block: Ints, a: Ints, b: Ints, distance: Floats, n_walls: int, is_cancelled: Poll
    ) -> None:
        self.is_cancelled = is_cancelled
        self.n = n = (int(block.max()) + 1 if len(block) else 0) + n_walls
        order = np.lexsort((b, a))
        a, b, distance = a[order], b[order], distance[order]
        first = np.concatenate([[True], (a[1:] != a[:-1]) | (b[1:] != b[:-1])])[: len(a)]
        starts = np.flatnonzero(first)
        a, b = a[starts], b[starts]
        distance = np.maximum.reduceat(distance, starts) if len(starts) else distance
        self.sequence = self._sequence(a, b)
        self.before = self._pairs(b, a, distance)
        self.after = self._pairs(a, b, distance)
        u, v = block[net.upper], block[net.lower]
        real = net.kind == NODE
        n_above = np.bincount(net.lower, minlength=net.n_items)
        n_below = np.bincount(net.upper, minlength=net.n_items)
        leaf = ((n_above == 0) | (n_below == 0)) & (n_above + n_below <= 1) | (net.kind == 2)
        size = np.bincount(block, minlength=n)
        loose = np.ones(n, dtype=np.bool_)
        loose[block[~leaf]] = False
        # 0 spine and long edges, 1 short chains, 2 single nodes, 3 leaves at the side of what uses them
        long = max(4, int(size.max(initial=0)) // 3) if n < MANY else 2
        self.level = np.where(size >= long, 0, np.where(size > 1, 1, np.where(loose, 3, 2)))
        if n > HUGE:
            self.level[:] = 0
        self.level[n - n_walls :] = 3  # a wall has no wish of its own
        apart = u != v
        weight = np.where(real[net.upper] & real[net.lower], 1.0, 2.0) * np.where(net.is_minor, 0.3, 1.0)
        weight = np.where(leaf[net.upper] | leaf[net.lower], weight * 0.02, weight)[apart]
        self.pull_to = np.concatenate([u[apart], v[apart]])
        self.pull_from = np.concatenate([v[apart], u[apart]])
        self.pull_weight = np.concatenate([weight, weight])
        self.total = np.bincount(self.pull_to, self.pull_weight, minlength=n)

    def _sequence(self, a: Ints, b: Ints) -> list[int]:
        after = adjacency(self.n, a, b)
        missing = np.bincount(b, minlength=self.n).tolist()
        out = [i for i in range(self.n) if missing[i] == 0]
        k = 0
        while k < len(out):
            if k % 8192 == 0:
                poll(self.is_cancelled)
            for i in after[out[k]]:
                missing[i] -= 1
                if missing[i] == 0:
                    out.append(i)
            k += 1
        return out

    def _pairs(self, of: Ints, other: Ints, distance: Floats) -> list[list[tuple[int, float]]]:
        order = np.argsort(of, kind="stable")
        ends = np.searchsorted(of[order], np.arange(self.n + 1)).tolist()
        flat = list(zip(other[order].tolist(), distance[order].tolist()))
        return [flat[ends[i] : ends[i + 1]] for i in range(self.n)]

    def rightmost(self, wish: list[float]) -> list[float]:
        """The smallest x that are at least the wishes and keep every distance."""
        x = wish[:]
        for n_done, i in enumerate(self.sequence):
            if n_done & 2047 == 2047:
                poll(self.is_cancelled)
            at = x[i]
            for j, d in self.before[i]:
                if x[j] + d > at:
                    at = x[j] + d
            x[i] = at
        return x

    def leftmost(self, wish: list[float]) -> list[float]:
        """The largest x that are at most the wishes and keep every distance."""
        x = wish[:]
        for n_done, i in enumerate(reversed(self.sequence)):
            if n_done & 2047 == 2047:
                poll(self.is_cancelled)
            at = x[i]
            for j, d in self.after[i]:
                if x[j] - d < at:
                    at = x[j] - d
            x[i] = at
        return x

    def wishes(self, x: Floats) -> Floats:
        """The weighted mean place of what each block is joined to."""
        mean = np.bincount(self.pull_to, self.pull_weight * x[self.pull_from], minlength=self.n)
        out: Floats = np.where(self.total > 0, mean / np.maximum(self.total, 1e-12), x)
        return out

    def move(self, x: Floats, share: float) -> Floats:
        """All blocks moved towards their wishes, level by level; each level yields to those before it.

        The first level goes only `share` of its way, since its blocks wish for each other's places.
        """
        fixed = np.zeros(self.n, dtype=np.bool_)
        x = x.copy()
        for level in range(int(self.level.max()) + 1):
            now = self.level == level
            if not now.any():
                continue
            wish = self.wishes(x)
            if fixed.any():
                low = np.array(self.rightmost(np.where(fixed, x, -INFINITY).tolist()))
                high = np.array(self.leftmost(np.where(fixed, x, INFINITY).tolist()))
                wish = np.clip(wish, low, high)
            else:
                wish = x + (wish - x) * share
            placed = fixed | now
            goal = np.where(fixed, x, wish)
            a = np.array(self.rightmost(np.where(placed, goal, -INFINITY).tolist()))
            b = np.array(self.leftmost(np.where(placed, goal, INFINITY).tolist()))
            x[now] = (a[now] + b[now]) / 2
            fixed = placed
        return x

    def solve(self, effort: float) -> Floats:
        """Positions after some rounds of moves."""
        if not self.n:
            return np.zeros(0)
        start = np.array(self.rightmost([0.0] * self.n))
        end = np.array(self.leftmost([float(start.max())] * self.n))
        x: Floats = (start + end) / 2
        n_rounds = max(3, round((24 if self.n < 2_000 else 8 if self.n < 20_000 else 3) * effort))
        for k in range(n_rounds):
            poll(self.is_cancelled)
            x = self.move(x, 0.5 if k < n_rounds - 2 else 1.0)
        return x
