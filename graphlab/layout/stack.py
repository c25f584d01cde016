"""Rows for a graph with groups: the rows of a group hold nothing else, so that frames never meet.

At each level of the tree of groups the inner groups are put below each other in the order of the run; the nodes beside
them stand in the gaps between, and each gap and each group is ranked on its own.
"""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from graphlab.layout import ranks
from graphlab.layout.frames import Frames
from graphlab.layout.model import Bools, Ints
from graphlab.layout.ranks import Poll, poll


def fold(
    n: int,
    sources: Ints,
    targets: Ints,
    pair: Ints,
    is_backward: Bools,
    group: Ints,
    frames: Frames,
    is_cancelled: Poll,
) -> tuple[Ints, Bools]:
    """`ranks.fold` for a graph with groups; what is paired shares its group."""

    def ranker(n: int, sources: Ints, targets: Ints, places: Ints, falls: list[int], is_cancelled: Poll) -> Ints:
        return rank(n, sources, targets, group[places], falls, frames, is_cancelled)

    return ranks.fold(n, sources, targets, pair, is_backward, is_cancelled, ranker, group)


@dataclass(slots=True)
class _Level:
    """What stands directly in one group (or in none), and the edges between these elements.

    An element is a node (its number) or an inner group k (as -1 - k).
    """

    nodes: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)


def rank(
    n: int, sources: Ints, targets: Ints, group: Ints, falls: list[int], frames: Frames, is_cancelled: Poll
) -> Ints:
    """Rows from 0 for a DAG. Edges go down, except those that leave a group and lead back into it over other nodes.

    `group` is the innermost group of each node, -1 for none.
    """
    if not (group >= 0).any():
        return ranks.rank(n, sources, targets, is_cancelled, falls)
    levels = _levels(n, sources, targets, group, frames)
    poll(is_cancelled)
    first = _first_steps(n, targets, group, frames)
    row = np.zeros(n, dtype=np.int64)
    start = dict.fromkeys(levels, 0)
    height: dict[int, int] = {}
    for owner in sorted(levels, key=lambda g: -len(frames.path(g))):
        poll(is_cancelled)
        height[owner] = _solve(levels[owner], first, height, falls, row, start, is_cancelled)
    for owner in sorted(levels, key=lambda g: len(frames.path(g))):
        if owner >= 0:
            start[owner] += start[frames.parents[owner]]
    shift = np.array([start.get(g, 0) for g in range(-1, len(frames.parents))], dtype=np.int64)
    rows: Ints = np.unique(row + shift[group + 1], return_inverse=True)[1].astype(np.int64)
    return rows


def _levels(n: int, sources: Ints, targets: Ints, group: Ints, frames: Frames) -> dict[int, _Level]:
    levels: dict[int, _Level] = defaultdict(_Level)
    levels[-1] = _Level()
    for g in np.unique(group[group >= 0]).tolist():
        for k in frames.path(g):
            if k not in levels:
                levels[frames.parents[k]].groups.append(k)
                levels[k] = _Level()
    for node, g in enumerate(group.tolist()):
        levels[g].nodes.append(node)
    known: dict[tuple[int, int], tuple[int, int, int]] = {}
    groups = group.tolist()
    for a, b in zip(sources.tolist(), targets.tolist()):
        ends = groups[a], groups[b]
        if ends not in known:
            owner = frames.common(*ends)
            known[ends] = owner, _below(frames, owner, ends[0]), _below(frames, owner, ends[1])
        owner, over_a, over_b = known[ends]
        levels[owner].edges.append((a if over_a < 0 else -1 - over_a, b if over_b < 0 else -1 - over_b))
    return levels


def _below(frames: Frames, owner: int, group: int) -> int:
    """The group directly in `owner` that holds `group`; -1 when that is `owner` itself."""
    return -1 if group == owner else frames.path(group)[len(frames.path(owner))]


def _first_steps(n: int, targets: Ints, group: Ints, frames: Frames) -> dict[int, int]:
    """For each group the first of its nodes that follows from another one (else the first node)."""
    follows = np.zeros(n, dtype=np.bool_)
    follows[targets] = True
    out: dict[int, int] = {}
    for late in (True, False):  # what follows from nothing counts only where there is nothing else
        found: dict[int, int] = {}
        for node in np.flatnonzero((group >= 0) & (follows == late)).tolist():
            for k in frames.path(int(group[node])):
                found.setdefault(k, node)
        for k, node in found.items():
            out.setdefault(k, node)
    return out


def _solve(
    level: _Level,
    first: dict[int, int],
    height: dict[int, int],
    falls: list[int],
    row: Ints,
    start: dict[int, int],
    is_cancelled: Poll,
) -> int:
    """Set the rows of a level's nodes and the starts of its groups, both relative to the level; returns its height."""
    elements = [*level.nodes, *(-1 - k for k in level.groups)]
    number = {element: i for i, element in enumerate(elements)}
    pairs = sorted({(number[a], number[b]) for a, b in level.edges})
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    n, p = len(elements), len(level.nodes)
    reverse = ranks.back_edges(n, ends[:, 0], ends[:, 1], is_cancelled)
    ends[reverse] = ends[reverse][:, ::-1]
    if not level.groups:
        rows = ranks.rank(n, ends[:, 0], ends[:, 1], is_cancelled, [falls[node] for node in level.nodes])
        row[level.nodes] = rows
        return int(rows.max(initial=-1)) + 1
    after, before = ranks.adjacency(n, ends[:, 0], ends[:, 1]), ranks.adjacency(n, ends[:, 1], ends[:, 0])
    key = [*level.nodes, *(first[k] for k in level.groups)]
    order = _in_order_of_run(after, before, key)
    gap = _gaps(order, after, before, p, [falls[node] == ranks.HANG for node in level.nodes])
    stacked = [i - p for i in order if i >= p]
    members: list[list[int]] = [[] for _ in range(len(stacked) + 1)]
    for i in range(p):
        members[gap[i]].append(i)
    at = 0
    for k, inside in enumerate(members):
        if inside:
            rows = _rank_gap(inside, after, before, [falls[level.nodes[i]] for i in inside], is_cancelled)
            row[[level.nodes[i] for i in inside]] = at + rows
            at += int(rows.max()) + 1
        if k < len(stacked):
            inner = level.groups[stacked[k]]
            start[inner] = at
            at += height[inner]
    return at


def _in_order_of_run(after: list[list[int]], before: list[list[int]], key: list[int]) -> list[int]:
    """Elements so that edges go forward, otherwise by their keys.

    What an early element waits for is as early: an update stands above the weight of its layer, though it comes last.
    """
    key = list(key)
    left = [len(b) for b in before]
    some = [i for i, count in enumerate(left) if count == 0]
    for i in some:
        for j in after[i]:
            left[j] -= 1
            if left[j] == 0:
                some.append(j)
    for i in reversed(some):
        key[i] = min([key[i], *(key[j] for j in after[i])])
    left = [len(b) for b in before]
    ready = [(key[i], i) for i, count in enumerate(left) if count == 0]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        i = heapq.heappop(ready)[1]
        order.append(i)
        for j in after[i]:
            left[j] -= 1
            if left[j] == 0:
                heapq.heappush(ready, (key[j], j))
    return order


def _gaps(order: list[int], after: list[list[int]], before: list[list[int]], p: int, hangs: list[bool]) -> list[int]:
    """Number of the gap of each node: gap k lies above group k of the stack. For groups: their place in the stack.

    What hangs loose (a leaf, a chain from one) stands in the gap above its first consumer.
    """
    gap = [0] * len(order)
    is_loose = [False] * len(order)
    n_groups = 0
    for i in order:
        gap[i] = n_groups
        n_groups += i >= p
        is_loose[i] = i < p and (hangs[i] or all(is_loose[j] and len(after[j]) == 1 for j in before[i]))
    for i in reversed(order):
        if is_loose[i] and after[i]:
            gap[i] = min(gap[j] for j in after[i])
    return gap


def _rank_gap(
    inside: list[int], after: list[list[int]], before: list[list[int]], falls: list[int], is_cancelled: Poll
) -> Ints:
    """Rows of the nodes of one gap, whose neighbours elsewhere pull like one node above and one below."""
    number = {i: k for k, i in enumerate(inside)}
    top, bottom = len(inside), len(inside) + 1
    ends = [(top, bottom)]
    for i, k in number.items():
        inner = [number[j] for j in after[i] if j in number]
        ends += [(k, j) for j in inner]
        if len(inner) < len(after[i]):
            ends.append((k, bottom))
        if any(j not in number for j in before[i]):
            ends.append((top, k))
    pairs = np.array(ends, dtype=np.int64)
    falls = [*falls, ranks.STAY, ranks.STAY]
    rows: Ints = ranks.rank(len(inside) + 2, pairs[:, 0], pairs[:, 1], is_cancelled, falls)[: len(inside)]
    rows -= rows.min()
    return rows
