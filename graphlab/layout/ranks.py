"""Which row each node stands in: longest paths, then leaves and side chains pulled towards their consumers."""

from collections.abc import Callable

import numpy as np

from graphlab.layout.model import Bools, Cancelled, Ints

Poll = Callable[[], bool]


STAY, TIE, HANG = 0, 1, 2
"""How a node takes to standing lower: only where that shortens edges, also where it makes no difference, always."""


def poll(is_cancelled: Poll) -> None:
    """Give up when the caller wants it."""
    if is_cancelled():
        raise Cancelled


def adjacency(n: int, sources: Ints, targets: Ints) -> list[list[int]]:
    """For each node the targets of its edges, in the order of the edges."""
    order = np.argsort(sources, kind="stable")
    ends = np.searchsorted(sources[order], np.arange(n + 1)).tolist()
    flat = targets[order].tolist()
    return [flat[ends[i] : ends[i + 1]] for i in range(n)]


def back_edges(n: int, sources: Ints, targets: Ints, is_cancelled: Poll) -> Bools:
    """Edges that close a cycle, found by depth-first search in input order; reversing them leaves a DAG."""
    reverse = np.zeros(len(sources), dtype=np.bool_)
    in_degree = np.bincount(targets, minlength=n)
    after = adjacency(n, sources, targets)
    left = in_degree.tolist()
    ready = [i for i in range(n) if left[i] == 0]
    n_done = 0
    while ready:
        node = ready.pop()
        n_done += 1
        if n_done % 8192 == 0:
            poll(is_cancelled)
        for target in after[node]:
            left[target] -= 1
            if left[target] == 0:
                ready.append(target)
    if n_done == n:
        return reverse
    by_source = np.argsort(sources, kind="stable")
    starts = np.searchsorted(sources[by_source], np.arange(n + 1)).tolist()
    edge_of = by_source.tolist()
    state = bytearray(n)  # 0 unseen, 1 on the path, 2 done
    # True sources first: what is fed from outside a cycle decides where the cycle is cut.
    for root in np.argsort(in_degree > 0, kind="stable").tolist():
        if state[root]:
            continue
        stack = [(root, 0)]
        state[root] = 1
        while stack:
            node, k = stack.pop()
            targets_here = after[node]
            while k < len(targets_here):
                target = targets_here[k]
                if state[target] == 1:
                    reverse[edge_of[starts[node] + k]] = True
                elif state[target] == 0:
                    stack.append((node, k + 1))
                    state[target] = 1
                    stack.append((target, 0))
                    n_done += 1
                    if n_done % 8192 == 0:
                        poll(is_cancelled)
                    break
                k += 1
            else:
                state[node] = 2
    return reverse


def topological(n: int, after: list[list[int]], targets: Ints, is_cancelled: Poll) -> list[int]:
    """The nodes of a DAG so that every edge goes from an earlier to a later one; ties in input order."""
    left = np.bincount(targets, minlength=n).tolist()
    order = [i for i in range(n) if left[i] == 0]
    k = 0
    while k < len(order):
        if k % 8192 == 0:
            poll(is_cancelled)
        for target in after[order[k]]:
            left[target] -= 1
            if left[target] == 0:
                order.append(target)
        k += 1
    return order


def rank(n: int, sources: Ints, targets: Ints, is_cancelled: Poll, falls: list[int] | None = None) -> Ints:
    """Rows from 0 for a DAG: every edge spans at least one row, and the sum of spans is small.

    Where it makes no difference a node stands high, next to what it follows from. `falls` is STAY, TIE or HANG.
    """
    after = adjacency(n, sources, targets)
    poll(is_cancelled)
    before = adjacency(n, targets, sources)
    order = topological(n, after, targets, is_cancelled)
    rows = [0] * n
    for node in order:
        if before[node]:
            rows[node] = max([rows[p] for p in before[node]]) + 1
    # A leaf, and a chain that starts at one and serves nothing else, can go down to its consumer at no cost.
    is_loose = [False] * n
    for node in order:
        hangs = falls is not None and falls[node] == HANG
        is_loose[node] = hangs or all(is_loose[p] and len(after[p]) == 1 for p in before[node])
    for _ in range(6):
        poll(is_cancelled)
        moved = _pull_down(order, rows, after, before, is_loose, falls)
        poll(is_cancelled)
        moved += _pull_up(order, rows, after, before)
        if not moved:
            break
    lowest = min(rows, default=0)
    return np.array(rows, dtype=np.int64) - lowest


def _pull_down(
    order: list[int],
    rows: list[int],
    after: list[list[int]],
    before: list[list[int]],
    is_loose: list[bool],
    falls: list[int] | None,
) -> int:
    """Move nodes down towards their consumers where that shortens edges; what hangs loose always."""
    moved = 0
    for node in reversed(order):
        if not after[node]:
            continue
        gain = len(after[node]) - len(before[node])
        if gain <= 0 and not is_loose[node] and not (gain == 0 and falls is not None and falls[node] == TIE):
            continue
        row = min([rows[c] for c in after[node]]) - 1
        if row > rows[node]:
            rows[node] = row
            moved += 1
    return moved


def _pull_up(order: list[int], rows: list[int], after: list[list[int]], before: list[list[int]]) -> int:
    """Move nodes up towards what they are made from where that shortens edges."""
    moved = 0
    for node in order:
        if len(before[node]) <= len(after[node]):
            continue
        row = max([rows[p] for p in before[node]]) + 1
        if row < rows[node]:
            rows[node] = row
            moved += 1
    return moved


Ranker = Callable[[int, Ints, Ints, Ints, list[int], Poll], Ints]
"""(number of nodes, sources, targets, for each node one that stands there in the whole graph, how each falls, poll)
-> rows."""


def plain(n: int, sources: Ints, targets: Ints, places: Ints, falls: list[int], is_cancelled: Poll) -> Ints:
    """The `Ranker` of a graph without groups."""
    return rank(n, sources, targets, is_cancelled, falls)


def fold(
    n: int,
    sources: Ints,
    targets: Ints,
    pair: Ints,
    is_backward: Bools,
    is_cancelled: Poll,
    ranker: Ranker = plain,
    group: Ints | None = None,
) -> tuple[Ints, Bools]:
    """Rows where each backward node stands beside its forward counterpart, and which edges point up for it.

    Edges within the backward column count reversed; those between the columns do not count.
    """
    both = is_backward[sources] & is_backward[targets]
    a = np.where(both, targets, sources)
    b = np.where(both, sources, targets)
    counts = is_backward[sources] == is_backward[targets]
    merged = np.arange(n)
    paired = (pair >= 0) & is_backward & ~is_backward[pair]
    merged[paired] = pair[paired]
    # A gradient's contributions share their counterpart with their sum: only the last keeps the place beside it.
    depth = _depths(n, sources[both], targets[both], is_cancelled)
    last = np.full(n, -1)
    np.maximum.at(last, pair[paired], depth[paired])
    early = np.flatnonzero(paired)
    early = early[depth[early] < last[pair[early]]]
    merged[early] = early
    paired[early] = False
    loose = np.unique(sources[both & (merged[sources] == merged[targets])])
    merged[loose] = loose
    counts &= merged[a] != merged[b]
    names, place = np.unique(merged, return_inverse=True)
    ends = np.unique(np.stack([place[a[counts]], place[b[counts]]], axis=1), axis=0)
    reverse = back_edges(len(names), ends[:, 0], ends[:, 1], is_cancelled)
    ends[reverse] = ends[reverse][:, ::-1]
    ends = np.unique(ends, axis=0)
    # A part of a gradient stands next to the operator that it comes from, not by the sum far away that it goes into.
    # A leaf and what is made of it alone hang above their first use, whatever gradients they get.
    hangs = _hanging(n, sources, targets, is_backward)
    falls: list[int] = np.where(is_backward[names], TIE, np.where(hangs[names], HANG, STAY)).tolist()
    rows = ranker(len(names), ends[:, 0], ends[:, 1], names, falls, is_cancelled)[place]
    # A backward node that hangs on nothing but the forward column stands beside what it hangs on.
    alone = is_backward & ~paired
    alone[sources[both]] = False
    alone[targets[both]] = False
    cross = ~(is_backward[sources] == is_backward[targets])
    if group is not None:  # rows that belong to a group stay its own
        cross &= group[sources] == group[targets]
    for s, t in zip(sources[cross].tolist(), targets[cross].tolist()):
        if alone[t]:
            rows[t] = rows[s]
        elif alone[s]:
            rows[s] = rows[t]
    return rows, rows[sources] > rows[targets]


def _hanging(n: int, sources: Ints, targets: Ints, is_backward: Bools) -> Bools:
    """Forward nodes that start from a leaf and serve one thing only, as does all on the way to them."""
    forward = ~is_backward[sources] & ~is_backward[targets]
    a, b = sources[forward], targets[forward]
    n_uses = np.bincount(a, minlength=n)
    left = np.bincount(b, minlength=n)
    after = adjacency(n, a, b)
    out = np.zeros(n, dtype=np.bool_)
    stack = np.flatnonzero((left == 0) & ~is_backward).tolist()
    waiting = left.tolist()
    while stack:
        node = stack.pop()
        out[node] = True
        if n_uses[node] == 1:
            target = after[node][0]
            waiting[target] -= 1
            if waiting[target] == 0:
                stack.append(target)
    return out


def _depths(n: int, sources: Ints, targets: Ints, is_cancelled: Poll) -> Ints:
    """How many edges the longest way to each node has; nodes on cycles count as 0."""
    after = adjacency(n, sources, targets)
    depth = [0] * n
    for node in topological(n, after, targets, is_cancelled):
        for target in after[node]:
            if depth[node] >= depth[target]:
                depth[target] = depth[node] + 1
    return np.array(depth, dtype=np.int64)
