"""What is done to a graph before it is laid out: from a flow graph to arrays, and shared leaves to reference boxes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from graphlab.analysis.flow import FlowGraph
from graphlab.layout import model, stack
from graphlab.layout.frames import Frames
from graphlab.layout.model import Bools, EdgeKind, Floats, Ints, LayoutGraph

REFERENCE = " ↗"
"""Ends the label of a reference box."""

NEAR_ROWS = 3
"""A leaf is joined by a line to what stands within so many rows; what is farther gets a reference box."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A graph to lay out, and what its nodes stand for. Edges keep their numbers."""

    graph: LayoutGraph
    origin: Ints  # (n,) the node of the graph before that each node stands for
    is_reference: Bools  # (n,) a second box for a leaf, near one of its uses


def from_flow(flow: FlowGraph, widths: Floats, heights: Floats, title_widths: Floats | None = None) -> LayoutGraph:
    """The arrays of a flow graph whose nodes have these sizes; `title_widths` are what the groups' names take."""
    number = {group.path: k for k, group in enumerate(flow.groups)}
    kinds = [EdgeKind.MINOR if is_minor else EdgeKind.FLOW for is_minor in _minor(flow)]
    return LayoutGraph(
        widths=np.asarray(widths, dtype=np.float64),
        heights=np.asarray(heights, dtype=np.float64),
        edges=np.array([(e.source, e.target) for e in flow.edges], dtype=np.int64).reshape(-1, 2),
        edge_kinds=np.array(kinds, dtype=np.int64),
        pair=np.array([n.pair if n.phase != "forward" else -1 for n in flow.nodes], dtype=np.int64),
        backward=np.array([n.phase != "forward" for n in flow.nodes], dtype=np.bool_),
        group=np.array(
            [_innermost(n.module if n.frame is None else n.frame, number) for n in flow.nodes], dtype=np.int64
        ),
        group_parents=np.array([number.get(g.parent, -1) for g in flow.groups], dtype=np.int64),
        group_widths=title_widths,
        names=_names(flow),
        keys=[n.key for n in flow.nodes],
    )


def _minor(flow: FlowGraph) -> list[bool]:
    """Which edges stand beside the spine: those of parameters, of their gradients and updates."""
    leads_aside = [  # a gradient that goes no further than to a leaf
        node.kind == "grad" and node.pair >= 0 and flow.nodes[node.pair].role in ("leaf", "parameter")
        for node in flow.nodes
    ]
    made = {edge.target for edge in flow.edges if flow.nodes[edge.source].kind == "backward"}
    out: list[bool] = []
    for edge in flow.edges:
        source, target = flow.nodes[edge.source], flow.nodes[edge.target]
        aside = source.kind == "backward" and leads_aside[edge.target]
        joins = target.kind == "accumulate" and leads_aside[edge.source] and edge.source in made
        out.append(edge.kind in ("parameter", "update") or aside or joins)
    return out


def _names(flow: FlowGraph) -> list[str]:
    """What to call what leaves a node: a tensor by its label, what an operator makes by that of the result."""
    made: dict[int, str] = {}
    for edge in flow.edges:
        if flow.nodes[edge.source].tensor < 0:
            made.setdefault(edge.source, flow.nodes[edge.target].label)
    return [made.get(i, node.label) for i, node in enumerate(flow.nodes)]


def _innermost(path: str, number: dict[str, int]) -> int:
    while path and path not in number:
        path = path.rpartition(".")[0]
    return number.get(path, -1)


@dataclass(frozen=True, slots=True)
class References:
    """The reference boxes of a structure: the leaf that each stands for, and where each edge then begins."""

    leaves: list[int]
    sources: list[int]


def references(flow: FlowGraph, is_cancelled: Callable[[], bool] = lambda: False) -> References:
    """Which far-away uses of leaves get a reference box. Depends on the structure alone."""
    n = len(flow.nodes)
    prepared = share_out(from_flow(flow, np.ones(n), np.ones(n)), is_cancelled=is_cancelled)
    return References(prepared.origin[n:].tolist(), prepared.graph.edges[:, 0].tolist())


def with_references(flow: FlowGraph, boxes: References) -> FlowGraph:
    """The flow graph with the reference boxes ("W ↗") behind all other nodes; the same graph where there are none.

    A reference shows the leaf's tensor and makes no difference to the signature.
    """
    if not boxes.leaves:
        return flow
    n = len(flow.nodes)
    nodes, nodes_of_tensor, node_of_key = list(flow.nodes), dict(flow.nodes_of_tensor), dict(flow.node_of_key)
    edges = [e if s == e.source else replace(e, source=s) for e, s in zip(flow.edges, boxes.sources)]
    users = {edge.source: flow.nodes[edge.target] for edge in edges if edge.source >= n}
    for index, leaf in enumerate(boxes.leaves, n):
        node, user = flow.nodes[leaf], users[index]
        key = f"{node.key} for {user.key}"
        frame = user.module if user.frame is None else user.frame
        nodes.append(replace(node, key=key, label=node.label + REFERENCE, frame=frame))
        # In front: who asks for the newest node of a tensor gets the real one.
        nodes_of_tensor[node.tensor] = [index, *nodes_of_tensor.get(node.tensor, [])]
        node_of_key[key] = index
    return replace(flow, nodes=nodes, edges=edges, nodes_of_tensor=nodes_of_tensor, node_of_key=node_of_key)


def share_out(
    graph: LayoutGraph, near_rows: int = NEAR_ROWS, is_cancelled: Callable[[], bool] = lambda: False
) -> Prepared:
    """Give each leaf that is used in far-away rows a reference box per such use (one per consumer).

    The first use keeps the leaf itself. Raises ValueError as `arrange` does.
    """
    model.check(graph)
    graph = model.normalised(graph)
    n = graph.n_nodes
    source, target = graph.edges[:, 0], graph.edges[:, 1]
    assert graph.pair is not None and graph.backward is not None and graph.group is not None
    is_leaf = (np.bincount(target, minlength=n) == 0) & (np.bincount(source, minlength=n) > 1)
    candidates = np.flatnonzero(is_leaf[source] & ~graph.backward[target])
    unchanged = Prepared(graph, np.arange(n), np.zeros(n, dtype=np.bool_))
    if not len(candidates):
        return unchanged
    assert graph.group_parents is not None
    frames = Frames(graph.group, graph.group_parents)
    # Each use with a leaf of its own: then its consumer stands where the rest of its work is.
    k = len(candidates)
    split = source.copy()
    split[candidates] = n + np.arange(k)
    proper = np.flatnonzero(source != target)
    row, _ = stack.fold(
        n + k,
        split[proper],
        target[proper],
        np.concatenate([graph.pair, np.full(k, -1)]),
        np.concatenate([graph.backward, np.zeros(k, dtype=np.bool_)]),
        np.concatenate([graph.group, np.full(k, -1)]),
        frames,
        is_cancelled,
    )
    # Where the leaf would stand for its first use alone, whatever its other uses pull it to.
    home = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(home, source[candidates], row[target[candidates]] - 1)
    is_far = np.abs(row[target[candidates]] - home[source[candidates]]) > near_rows
    # No line leaves the frame in which a leaf stands for one in which it doesn't.
    for k, (a, b) in enumerate(graph.group[graph.edges[candidates]].tolist()):
        is_far[k] |= a >= 0 and a not in frames.path(b)
    far = candidates[is_far]
    if not len(far):
        return unchanged
    uses, which = np.unique(np.stack([source[far], target[far]], axis=1), axis=0, return_inverse=True)
    leaf, consumer = uses[:, 0], uses[:, 1]
    edges = graph.edges.copy()
    edges[far, 0] = n + which.ravel()
    kinds = np.zeros(len(edges), dtype=np.int64) if graph.edge_kinds is None else graph.edge_kinds.copy()
    kinds[far] = EdgeKind.MINOR
    origin = np.concatenate([np.arange(n), leaf])
    is_reference = np.arange(n + len(leaf)) >= n
    prepared = replace(
        graph,
        widths=graph.widths[origin],
        heights=graph.heights[origin],
        edges=edges,
        edge_kinds=kinds,
        pair=np.concatenate([graph.pair, np.full(len(leaf), -1)]),
        backward=np.concatenate([graph.backward, graph.backward[consumer]]),
        group=np.concatenate([graph.group, graph.group[consumer]]),
        names=None if graph.names is None else [graph.names[i] for i in origin.tolist()],
        keys=None
        if graph.keys is None
        else [*graph.keys, *((graph.keys[a], "for", graph.keys[b]) for a, b in uses.tolist())],
    )
    return Prepared(prepared, origin, is_reference)
