"""Groups: which contain which, the innermost one around two nodes, and the frames around their members."""

import numpy as np

from graphlab.i18n import _
from graphlab.layout.model import Floats, GroupBox, Ints, Options


class Frames:
    """The tree of groups over the nodes. Raises ValueError when a group contains itself."""

    def __init__(
        self, group: Ints, parents: Ints, paths: list[tuple[int, ...]] | None = None, widths: Floats | None = None
    ) -> None:
        self.group = group
        self.widths = widths
        self.parents = parents.tolist()
        self.paths = paths or []  # of each group, from the outermost down to itself
        for start in range(len(self.paths), len(self.parents)):
            path: list[int] = []
            k = start
            while k >= 0:
                path.append(k)
                if len(path) > len(self.parents):
                    raise ValueError(_("Group {group} contains itself").format(group=start))
                k = self.parents[k]
            self.paths.append(tuple(reversed(path)))
        tops = np.array([path[0] for path in self.paths] + [-1], dtype=np.int64)
        self.outermost: Ints = tops[group]  # group -1 picks the last entry
        self.is_used = bool((group >= 0).any())

    def path(self, group: int) -> tuple[int, ...]:
        """Groups around and including `group`, outermost first; () for -1."""
        return self.paths[group] if group >= 0 else ()

    def common(self, a: int, b: int) -> int:
        """The innermost group that contains both groups, -1 when there is none."""
        if a == b:
            return a
        out = -1
        for p, q in zip(self.path(a), self.path(b)):
            if p != q:
                break
            out = p
        return out

    def inside(self, active: int, a: int, b: int) -> int:
        """Where in a row of group `active` an edge from group a to group b runs: in the innermost group around
        `active` that holds one of its ends."""
        p, q = self.common(active, a), self.common(active, b)
        return p if len(self.path(p)) >= len(self.path(q)) else q

    def active(self, nodes: Ints, row: Ints, n_rows: int) -> list[int]:
        """The innermost group that each row belongs to, -1 for none, where rows belong to groups."""
        out = [-1] * n_rows
        for group, first, last in sorted(self.rows(nodes, row), key=lambda r: len(self.path(r[0]))):
            for r in range(first, last + 1):
                out[r] = group
        return out

    def rows(self, nodes: Ints, row: Ints) -> list[tuple[int, int, int]]:
        """(group, first row, last row) of every group with members among `nodes`, whose rows are given."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for group, r in zip(self.group[nodes].tolist(), row.tolist()):
            for g in self.path(group):
                first[g] = min(first.get(g, r), r)
                last[g] = max(last.get(g, r), r)
        return [(g, first[g], last[g]) for g in sorted(first)]

    def boxes(self, x: Floats, y: Floats, width: Floats, height: Floats, options: Options) -> list[GroupBox]:
        """Frames around the members and around inner frames, outer ones first."""
        n_groups = len(self.parents)
        if not self.is_used:
            return []
        low = np.full((n_groups, 2), np.inf)
        high = np.full((n_groups, 2), -np.inf)
        inside = np.flatnonzero(self.group >= 0)
        of = self.group[inside]
        half = np.stack([width[inside], height[inside]], axis=1) / 2
        centre = np.stack([x[inside], y[inside]], axis=1)
        np.minimum.at(low, of, centre - half)
        np.maximum.at(high, of, centre + half)
        # Left to right the axes are exchanged at the end: room for the title then lies along x here.
        title = np.array([0.0, options.group_title] if options.direction == "down" else [options.group_title, 0.0])
        for k in sorted(range(n_groups), key=lambda k: -len(self.paths[k])):
            if not np.isfinite(low[k, 0]):
                continue
            low[k] -= options.group_padding + title
            high[k] += options.group_padding
            if self.widths is not None and options.direction == "down":  # nothing else stands in a frame's rows
                high[k, 0] = max(high[k, 0], low[k, 0] + self.widths[k])
            parent = self.parents[k]
            if parent >= 0:
                low[parent] = np.minimum(low[parent], low[k])
                high[parent] = np.maximum(high[parent], high[k])
        out = [
            GroupBox(
                k, len(self.paths[k]) - 1, float(low[k, 0]), float(low[k, 1]), float(high[k, 0]), float(high[k, 1])
            )
            for k in range(n_groups)
            if np.isfinite(low[k, 0])
        ]
        return sorted(out, key=lambda b: (b.depth, b.group))
