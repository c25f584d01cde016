"""What the layout takes and gives: plain arrays.

Lengths are in scene units (pixels at 100 %), y grows downward, and a node's position is its centre.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from graphlab.i18n import _

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class EdgeKind(IntEnum):
    """What an edge is to the picture."""

    FLOW = 0  # pulls its ends together and may become part of the spine
    MINOR = 1  # a parameter, a reference: drawn, but never the spine


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The layout was given up because its caller said so."""


@dataclass(frozen=True, slots=True)
class Options:
    """Spacing and direction."""

    direction: str = "down"  # or "right"
    node_gap: float = 28.0  # between neighbours of a rank
    rank_gap: float = 40.0  # between one rank's bottom and the next one's top
    edge_gap: float = 14.0  # between an edge that passes and its neighbours
    column_gap: float = 72.0  # between the forward and the backward column
    component_gap: float = 64.0
    group_padding: float = 14.0
    group_title: float = 20.0  # room above a group's members for its name
    portal_width: float = 84.0
    portal_height: float = 18.0
    max_span: int = 30  # an edge that spans more ranks is cut into a pair of portals
    effort: float = 1.0  # scales the number of sweeps


@dataclass(frozen=True, slots=True)
class LayoutGraph:
    """A graph to be drawn. n nodes, m edges, g groups.

    `pair[i]` is the forward counterpart of the backward node i, which is then drawn beside it, else -1. `backward`
    says which nodes belong to the backward column; by default those with a pair and all that follow them alone.
    `group[i]` is the innermost group of node i or -1, `group_parents[k]` the group around group k or -1;
    a backward node shares its counterpart's group, unless it has one of its own.
    `names` name the portals of cut edges. `keys` identify nodes across edits, for `arrange(…, previous=…)`.
    """

    widths: Floats  # (n,)
    heights: Floats  # (n,)
    edges: Ints  # (m, 2) source, target
    edge_kinds: Ints | None = None  # (m,) EdgeKind
    pair: Ints | None = None  # (n,)
    backward: Bools | None = None  # (n,)
    group: Ints | None = None  # (n,)
    group_parents: Ints | None = None  # (g,)
    group_widths: Floats | None = None  # (g,) least width of each frame, for its title (top to bottom only)
    names: Sequence[str] | None = None  # (n,)
    keys: Sequence[Hashable] | None = None  # (n,)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.widths)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.edges)


@dataclass(frozen=True, slots=True)
class Portal:
    """An edge that was cut: a name tag near its source and one near its target instead of a line between them."""

    edge: int
    leave: Floats  # (p, 2) from the source to the tag
    arrive: Floats  # (p, 2) from the tag to the target
    from_place: tuple[float, float]  # centre of the tag near the source
    to_place: tuple[float, float]  # centre of the tag near the target
    name: str


@dataclass(frozen=True, slots=True)
class GroupBox:
    """The frame around a group's members."""

    group: int
    depth: int  # 0 for the outermost
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Where everything stands.

    Edge e runs along `points[offsets[e]:offsets[e + 1]]`, a polyline fine enough to look smooth, from the border of its
    source to the border of its target. An edge that was cut has no points but a `Portal`.
    """

    x: Floats  # (n,) centres
    y: Floats  # (n,)
    points: Floats  # (p, 2)
    offsets: Ints  # (m + 1,)
    rank: Ints  # (n,)
    portals: list[Portal] = field(default_factory=list)
    groups: list[GroupBox] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    is_reversed: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))  # (m,) runs against the direction

    def route(self, edge: int) -> Floats:
        """The points of one edge, (p, 2); empty when it was cut."""
        return self.points[self.offsets[edge] : self.offsets[edge + 1]]


Previous = Mapping[Hashable, tuple[float, float]]
"""Key of a node -> where its centre was in the last picture."""


def check(graph: LayoutGraph) -> None:
    """Raise ValueError, in one sentence, when the graph cannot be drawn."""
    n, m = len(graph.widths), len(graph.edges)
    sizes = np.concatenate([np.asarray(graph.widths, float), np.asarray(graph.heights, float)])
    if len(graph.heights) != n:
        raise ValueError(_("Widths and heights differ in number: {a} and {b}").format(a=n, b=len(graph.heights)))
    bad = ~(np.isfinite(sizes) & (sizes > 0))
    if bad.any():
        node = int(np.flatnonzero(bad)[0]) % max(n, 1)
        raise ValueError(_("Node {node} has no drawable size: it must be finite and above zero").format(node=node))
    edges = np.asarray(graph.edges)
    if m and (edges.ndim != 2 or edges.shape[1] != 2):
        raise ValueError(_("Edges must be an array of pairs (m, 2), not {shape}").format(shape=edges.shape))
    if m and not np.issubdtype(edges.dtype, np.integer):
        raise ValueError(_("Edges must be whole numbers, not {dtype}").format(dtype=edges.dtype))
    if m and (edges.min() < 0 or edges.max() >= n):
        edge = int(np.flatnonzero(((edges < 0) | (edges >= n)).any(axis=1))[0])
        raise ValueError(_("Edge {edge} names a node that is not there ({n} nodes)").format(edge=edge, n=n))
    n_groups = 0 if graph.group_parents is None else len(graph.group_parents)
    for name, values, length, low, high in (
        ("pair", graph.pair, n, -1, n),
        ("group", graph.group, n, -1, n_groups),
        ("group_parents", graph.group_parents, n_groups, -1, n_groups),
        ("group_widths", graph.group_widths, n_groups, 0, float("inf")),
        ("edge_kinds", graph.edge_kinds, m, 0, 256),
        ("backward", graph.backward, n, 0, 2),
    ):
        if values is None:
            continue
        if len(values) != length:
            raise ValueError(_("{name} has {a} entries instead of {b}").format(name=name, a=len(values), b=length))
        if length and not (float(np.min(values)) >= low and float(np.max(values)) < high):
            raise ValueError(_("{name} names something that is not there").format(name=name))
    for name, labels in (("names", graph.names), ("keys", graph.keys)):
        if labels is not None and len(labels) != n:
            raise ValueError(_("{name} has {a} entries instead of {b}").format(name=name, a=len(labels), b=n))


def normalised(graph: LayoutGraph) -> LayoutGraph:
    """The graph with every optional array filled in."""
    n, m = graph.n_nodes, graph.n_edges
    pair = np.full(n, -1) if graph.pair is None else np.asarray(graph.pair, dtype=np.int64)
    pair = np.where(pair == np.arange(n), -1, pair)
    edges = np.asarray(graph.edges, dtype=np.int64).reshape(m, 2)
    backward = _backward(n, edges, pair) if graph.backward is None else np.asarray(graph.backward, dtype=np.bool_)
    group = np.full(n, -1) if graph.group is None else np.asarray(graph.group, dtype=np.int64)
    parents = np.zeros(0, np.int64) if graph.group_parents is None else np.asarray(graph.group_parents, np.int64)
    # An update is told of its parameter and follows its gradient, which has the place beside the parameter: it stands
    # above both, outside the innermost frame. Other backward nodes share their counterpart's frame, unless they are
    # said to be in another one: then they stand there, beside nothing.
    source, target = edges[:, 0], edges[:, 1]
    told, follows = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    told[target[(source == pair[target]) & backward[target]]] = True
    follows[target[backward[source] & backward[target]]] = True
    is_update = told & follows
    beside = backward & (pair >= 0) & ~is_update
    elsewhere = beside & (group >= 0) & (group != group[pair])
    beside &= ~elsewhere
    pair = np.where(elsewhere, -1, pair)
    group = np.where(beside, group[pair], group)
    outer = np.concatenate([parents, [-1]])
    group = np.where(is_update, outer[group], group)
    pair = np.where(is_update, -1, pair)
    return replace(
        graph,
        widths=np.asarray(graph.widths, dtype=np.float64),
        heights=np.asarray(graph.heights, dtype=np.float64),
        edges=edges,
        edge_kinds=np.zeros(m, dtype=np.int64) if graph.edge_kinds is None else np.asarray(graph.edge_kinds),
        pair=np.where(backward, pair, -1),
        backward=backward,
        group=group,
        group_parents=parents,
    )


def _backward(n: int, edges: Ints, pair: Ints) -> Bools:
    """Nodes with a pair, and those that follow from such nodes while nothing forward needs them."""
    backward = pair >= 0
    if not backward.any():
        return backward
    after: list[list[int]] = [[] for _ in range(n)]
    for source, target in edges.tolist():
        after[source].append(target)
    is_forward = np.zeros(n, dtype=np.bool_)
    is_forward[pair[pair >= 0]] = True
    stack = np.flatnonzero(backward).tolist()
    while stack:
        for target in after[stack.pop()]:
            if not backward[target] and not is_forward[target]:
                backward[target] = True
                stack.append(target)
    return backward
