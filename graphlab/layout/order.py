"""Who stands left of whom in each row: barycentre sweeps, then swaps of neighbours, so that few edges cross."""

from bisect import bisect_right, insort

import numpy as np

from graphlab.layout.model import Floats, Ints
from graphlab.layout.net import Net
from graphlab.layout.ranks import Poll, adjacency, poll

TINY = 800
"""Nets with fewer items than this get every care."""

SWAP_LIMIT = 4_000
"""Nets with more items than this do without swaps and counting."""


class Ordering:
    """Rows of items, being sorted."""

    def __init__(self, net: Net, is_cancelled: Poll) -> None:
        self.net = net
        self.is_cancelled = is_cancelled
        k = net.n_items
        self.below = adjacency(k, net.upper, net.lower)
        poll(is_cancelled)
        self.above = adjacency(k, net.lower, net.upper)
        poll(is_cancelled)
        self.pull = net.pull.tolist()
        # Among equals the longest way, the spine, stands next to the other column; parameters stand outside.
        flows = np.zeros(k, dtype=np.int64)
        flows[net.upper[~net.is_minor]] = 1
        flows[net.lower[~net.is_minor]] = 1
        n_pulls = int(net.pull.max(initial=0)) + 1
        self.tie = (((net.depth + net.height) * 2 + flows) * n_pulls + net.pull).tolist()
        self.anti_tie = [-t for t in self.tie]
        self.is_turned = False
        self.is_coarse = k > SWAP_LIMIT
        # What passes a frame stands left of its members in every row, so that no frame is run through.
        self.level = net.level.tolist() if net.level.any() else None
        self.place = [0.0] * k
        self.rows: list[list[int]] = []

    def reset(self, items: Ints) -> None:
        """Start with each row's items in the order given."""
        by_row = items[np.lexsort((self.net.level[items], self.net.row[items]))]
        ends = np.searchsorted(self.net.row[by_row], np.arange(self.net.n_rows + 1)).tolist()
        flat = by_row.tolist()
        self.rows = [flat[ends[r] : ends[r + 1]] for r in range(self.net.n_rows)]
        for row in self.rows:
            self._number(row)

    def _number(self, row: list[int]) -> None:
        middle = (len(row) - 1) / 2
        place = self.place
        for k, item in enumerate(row):
            place[item] = k - middle

    def sweep(self, down: bool) -> None:
        """Sort every row by the mean place of its neighbours in the row before (without any: after)."""
        first, second = (self.above, self.below) if down else (self.below, self.above)
        done = 0
        for row in self.rows if down else reversed(self.rows):
            done += len(row)
            if done > 4096:
                done = 0
                poll(self.is_cancelled)
            if len(row) > 1:
                self._sort(row, first, second)
                self._number(row)

    def _sort(self, row: list[int], first: list[list[int]], second: list[list[int]]) -> None:
        place = self.place
        keys: dict[int, float] = {}
        for item in row:
            near = first[item] or second[item]
            if near:
                keys[item] = sum([place[i] for i in near]) / len(near)
            else:
                keys[item] = place[item]
        level = self.level
        if self.is_coarse:
            row.sort(key=keys.__getitem__)
            if level is not None:
                row.sort(key=level.__getitem__)
            return
        # Children of one parent have the same mean: what lies beyond them decides, then the spine, in turns.
        tie = self.anti_tie if self.is_turned else self.tie
        row.sort(key=lambda item: (round(keys[item], 6), self._mean(second[item]), tie[item]))
        if level is not None:
            row.sort(key=level.__getitem__)

    def _mean(self, near: list[int]) -> float:
        return round(sum([self.place[i] for i in near]) / len(near), 6) if near else 0.0

    def n_crossings(self) -> int:
        """Pairs of segments that cross."""
        total = 0
        place = self.place
        for row in self.rows:
            if len(row) < 1:
                continue
            seen: list[float] = []
            for item in row:
                ends = sorted([place[i] for i in self.below[item]])
                for end in ends:
                    total += len(seen) - bisect_right(seen, end)
                for end in ends:
                    insort(seen, end)
        return total

    def swap(self, n_rounds: int) -> None:
        """Exchange neighbours wherever that removes crossings, until nothing improves or `n_rounds` are over."""
        n_rows = len(self.rows)
        active = [True] * n_rows
        for _ in range(n_rounds):
            changed = [False] * n_rows
            for r, row in enumerate(self.rows):
                if active[r] and len(row) > 1:
                    poll(self.is_cancelled)
                    changed[r] = self._swap_row(row)
            if not any(changed):
                break
            active = [any(changed[max(r - 1, 0) : r + 2]) for r in range(n_rows)]

    def _swap_row(self, row: list[int]) -> bool:
        place, level = self.place, self.level
        changed = False
        for k in range(len(row) - 1):
            a, b = row[k], row[k + 1]
            if level is not None and level[a] != level[b]:
                continue
            if self._cost(a, b) > self._cost(b, a):
                row[k], row[k + 1] = b, a
                place[a], place[b] = place[b], place[a]
                changed = True
        return changed

    def _cost(self, left: int, right: int) -> float:
        """Crossings between the segments of two neighbours."""
        place = self.place
        total: float = 0.0
        for side in (self.above, self.below):
            if len(side[left]) * len(side[right]) == 1:
                total += place[side[left][0]] > place[side[right][0]]
            elif side[left] and side[right]:
                ends = sorted([place[i] for i in side[right]])
                for i in side[left]:
                    total += bisect_right(ends, place[i] - 0.5)
        # Edges to the other column run under or over whatever stands between.
        return total + float(self.pull[left]) * (len(self.below[right]) + 0.5)


def order(net: Net, hint: Floats | None, effort: float, is_cancelled: Poll) -> list[list[int]]:
    """The items of each row from left to right. `hint` is where items were before, nan where unknown."""
    work = Ordering(net, is_cancelled)
    tiny, small = net.n_items <= TINY, net.n_items <= SWAP_LIMIT
    base = np.argsort(np.array(work.tie), kind="stable")
    starts = [(base, True)]
    if hint is not None:
        starts.insert(0, (np.argsort(np.where(np.isfinite(hint), hint, np.inf), kind="stable"), True))
    elif tiny:
        walk = _depth_first(work)
        starts += [(walk, True), (base, False), (walk, False)]
    best: tuple[int, list[list[int]]] | None = None
    n_sweeps = max(2, round((12 if tiny else 6 if net.n_items < 60_000 else 4) * effort))
    for start, down_first in starts if small else starts[:1]:
        work.reset(start)
        for k in range(n_sweeps):
            work.is_turned = small and (k // 2) % 2 == 1
            work.sweep(down=(k % 2 == 0) == down_first)
            if not small:
                continue
            if k >= 2:
                work.swap(8 if tiny else 2)
            count = work.n_crossings()
            if best is None or count < best[0]:
                best = (count, [list(row) for row in work.rows])
            if best[0] == 0:
                return best[1]
    return best[1] if best is not None else work.rows


def _depth_first(work: Ordering) -> Ints:
    """Items as a walk from the top meets them, which keeps chains together."""
    seen = [False] * work.net.n_items
    out: list[int] = []
    for root in np.argsort(work.net.row, kind="stable").tolist():
        stack = [root]
        while stack:
            item = stack.pop()
            if seen[item]:
                continue
            seen[item] = True
            out.append(item)
            stack.extend([i for i in reversed(work.below[item]) if not seen[i]])
    return np.array(out, dtype=np.int64)
