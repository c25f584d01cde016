"""A column of the picture as a proper layered net: long edges become chains of dummies, cut ones become name tags."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graphlab.layout.model import Bools, Floats, Ints, Options

NODE, DUMMY, TAG = 0, 1, 2


@dataclass(slots=True)
class Net:
    """Items in rows. The first n are the nodes; segments join items of neighbouring rows, upper end first."""

    kind: Ints  # (k,) NODE, DUMMY, TAG
    row: Ints  # (k,)
    width: Floats  # (k,)
    margin: Floats  # (k,) least distance to a neighbour's border
    upper: Ints  # (s,) items
    lower: Ints  # (s,)
    is_minor: Bools  # (s,)
    group: Ints  # (k,) innermost group, -1 for none
    level: Ints  # (k,) how many groups are around the item: what passes a frame stands left of its members
    pull: Ints  # (k,) edges that leave towards the other column, which stands on the right
    chain_start: Ints  # (e,) first dummy of each edge, in the order given
    chain_length: Ints  # (e,) number of its dummies
    tag_above: Ints  # (e,) for a cut edge the tag hanging below its upper end, else -1
    tag_below: Ints  # (e,) the tag above its lower end
    cross_tag: dict[int, int]  # for each cut edge to the other column its tag in this one
    n_rows: int
    depth: Ints  # (k,) nodes on the longest way from the top to the item
    height: Ints  # (k,) and on the longest way on to the bottom

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.row)


def build(
    row: Ints,
    width: Floats,
    group: Ints,
    is_grouped: bool,
    pull: Ints,
    upper: Ints,
    lower: Ints,
    is_minor: Bools,
    n_rows: int,
    options: Options,
    inside: Callable[[int, int, int], int],
    cross: list[tuple[int, int, bool]],
) -> Net:
    """The net of nodes 0..n-1 and edges upper -> lower, which all point from a smaller to a greater row.

    Several edges between the same two nodes share one chain. `inside(row, a, b)` is the group in which an edge between
    nodes of the groups a and b crosses a row.
    `cross` lists (edge, node, below) for edges to the other column that are cut: each gets a tag beside its node.
    """
    n, m = len(row), len(upper)
    span = row[lower] - row[upper]
    # Parallel edges share everything: the lines are fanned out when they are drawn.
    _, first, same = np.unique(upper * max(n, 1) + lower, return_index=True, return_inverse=True)
    keep = np.sort(first)
    slot = np.empty(len(first), dtype=np.int64)
    slot[np.argsort(first, kind="stable")] = np.arange(len(first))
    same = slot[same] if m else np.zeros(0, dtype=np.int64)
    u, v, s, minor = upper[keep], lower[keep], span[keep], is_minor[keep]
    cut = s > options.max_span
    plain = ~cut
    n_dummies = np.where(plain, np.maximum(s - 1, 0), 0)
    start = n + np.concatenate([[0], np.cumsum(n_dummies)[:-1]]) if len(keep) else np.zeros(0, dtype=np.int64)
    total = int(n_dummies.sum())
    owner = np.repeat(np.arange(len(keep)), n_dummies)
    step = np.arange(total) - (start[owner] - n) if total else np.zeros(0, dtype=np.int64)
    dummy_row = row[u[owner]] + 1 + step
    # One tag below each cut source, shared by its cut edges; one above each cut edge's target per source.
    sources, source_tag = np.unique(u[cut], return_inverse=True)
    n_cut = int(cut.sum())
    tag_above = np.full(len(keep), -1)
    tag_below = np.full(len(keep), -1)
    tag_above[cut] = n + total + source_tag
    tag_below[cut] = n + total + len(sources) + np.arange(n_cut)
    own_tags = n + total + len(sources) + n_cut
    cross_node = np.array([node for _, node, _ in cross], dtype=np.int64)
    cross_below = np.array([below for _, _, below in cross], dtype=np.bool_)
    cross_item = own_tags + np.arange(len(cross))
    n_tags = len(sources) + n_cut + len(cross)
    kind = np.concatenate([np.full(n, NODE), np.full(total, DUMMY), np.full(n_tags, TAG)])
    rows = np.concatenate(
        [row, dummy_row, row[sources] + 1, row[v[cut]] - 1, row[cross_node] + np.where(cross_below, 1, -1)]
    )
    widths = np.concatenate([width, np.zeros(total), np.full(n_tags, options.portal_width)])
    margins = np.where(kind == DUMMY, options.edge_gap / 2, options.node_gap / 2)
    margins[kind == TAG] = options.edge_gap / 2
    short = plain & (s == 1)
    longer = plain & (s > 1)
    inner = step < n_dummies[owner] - 1
    dummies = n + np.arange(total)
    seg_upper = [u[short], u[longer], dummies[inner], (start + n_dummies - 1)[longer], sources, tag_below[cut]]
    seg_upper.append(np.where(cross_below, cross_node, cross_item))
    seg_lower = [v[short], start[longer], dummies[inner] + 1, v[longer], n + total + np.arange(len(sources)), v[cut]]
    seg_lower.append(np.where(cross_below, cross_item, cross_node))
    seg_minor = [
        minor[short],
        minor[longer],
        minor[owner[inner]],
        minor[longer],
        np.ones(len(sources), dtype=np.bool_),
        np.ones(n_cut, dtype=np.bool_),
        np.ones(len(cross), dtype=np.bool_),
    ]
    groups = np.full(len(kind), -1)
    groups[:n] = group
    if is_grouped:
        a = np.concatenate([group[u][owner], group[sources], group[v[cut]], group[cross_node]])
        b = np.concatenate([group[v][owner], a[total:]])
        groups[n:] = [inside(*step) for step in zip(rows[n:].tolist(), a.tolist(), b.tolist())]
    pulls = np.zeros(len(kind), dtype=np.int64)
    pulls[:n] = pull
    uppers, lowers = np.concatenate(seg_upper), np.concatenate(seg_lower)
    depth, height = _reach(kind == NODE, rows, uppers, lowers)
    return Net(
        kind=kind,
        row=rows,
        width=widths,
        margin=margins,
        upper=uppers,
        lower=lowers,
        is_minor=np.concatenate(seg_minor),
        group=groups,
        level=np.zeros(len(kind), dtype=np.int64),
        pull=pulls,
        chain_start=start[same],
        chain_length=n_dummies[same],
        tag_above=tag_above[same],
        tag_below=tag_below[same],
        cross_tag={edge: int(item) for (edge, _, _), item in zip(cross, cross_item)},
        n_rows=n_rows,
        depth=depth,
        height=height,
    )


def _reach(is_node: Bools, row: Ints, upper: Ints, lower: Ints) -> tuple[Ints, Ints]:
    """How many nodes lie on the longest way to each item from above, and from it to the bottom."""
    by_row = np.argsort(row[upper], kind="stable")
    uppers, lowers = upper[by_row].tolist(), lower[by_row].tolist()
    step = is_node.astype(np.int64).tolist()
    depth, height = [0] * len(step), [0] * len(step)
    for a, b in zip(uppers, lowers):
        if depth[a] + step[a] > depth[b]:
            depth[b] = depth[a] + step[a]
    for a, b in zip(reversed(uppers), reversed(lowers)):
        if height[b] + step[b] > height[a]:
            height[a] = height[b] + step[b]
    return np.array(depth, dtype=np.int64), np.array(height, dtype=np.int64)
