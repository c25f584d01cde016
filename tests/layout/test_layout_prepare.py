"""Shared leaves become reference boxes; a flow graph becomes arrays."""

import numpy as np

from graphlab.analysis.flow import FlowEdge, FlowGraph, FlowGroup, FlowNode
from graphlab.layout import EdgeKind, LayoutGraph, arrange
from graphlab.layout.prepare import from_flow, share_out
from graphlab.layout.quality import measure


def recurrent(n_steps):
    """h0 -> step -> h1 -> step -> …, each step using the one weight, node 0."""
    edges = [(k, k + 1) for k in range(1, 2 * n_steps + 1)] + [(0, 2 * k + 2) for k in range(n_steps)]
    n = 2 * n_steps + 2
    names = ["W", *(f"n{k}" for k in range(1, n))]
    return LayoutGraph(np.full(n, 60.0), np.full(n, 30.0), np.array(edges), names=names, keys=names)


def test_a_weight_of_many_steps_is_drawn_once_per_far_use():
    graph = recurrent(20)
    prepared = share_out(graph)
    assert prepared.is_reference.sum() == 18  # the first use and the one two rows on keep the weight itself
    assert set(prepared.origin[prepared.is_reference].tolist()) == {0}
    assert np.array_equal(prepared.origin[prepared.graph.edges], graph.edges)
    assert len(set(prepared.graph.keys)) == prepared.graph.n_nodes
    before, after = measure(graph, arrange(graph)), measure(prepared.graph, arrange(prepared.graph))
    assert after.edge_length < before.edge_length / 2
    assert after.through_nodes == after.overlaps == 0


def test_a_leaf_that_is_used_nearby_stays_one_box():
    graph = recurrent(2)
    prepared = share_out(graph)
    assert not prepared.is_reference.any()
    assert np.array_equal(prepared.graph.edges, graph.edges)


def test_a_leaf_is_not_drawn_twice_for_one_consumer():
    graph = recurrent(10)
    doubled = LayoutGraph(graph.widths, graph.heights, np.concatenate([graph.edges, graph.edges[-1:]]))
    prepared = share_out(doubled)
    ends = prepared.graph.edges[-2:]
    assert np.array_equal(ends[0], ends[1]) and prepared.is_reference[ends[0, 0]]


def test_a_flow_graph_becomes_arrays_and_its_update_stands_above_the_gradient():
    flow = FlowGraph(
        0,
        [
            FlowNode("t:w", "tensor", "w", module="fc"),
            FlowNode("t:x", "tensor", "x"),
            FlowNode("mul", "op", "mul", module="fc"),
            FlowNode("t:y", "tensor", "y"),
            FlowNode("g:y", "grad", "grad y", phase="backward", pair=3),
            FlowNode("b:mul", "backward", "mul", phase="backward", pair=2, module="fc"),
            FlowNode("g:w", "grad", "w.grad", phase="backward", pair=0),
            FlowNode("u:w", "update", "SGD", phase="update", pair=0),
        ],
        [
            FlowEdge(0, 2, kind="parameter"),
            FlowEdge(1, 2),
            FlowEdge(2, 3),
            FlowEdge(3, 4, kind="seed"),
            FlowEdge(4, 5, kind="grad"),
            FlowEdge(5, 6, kind="grad"),
            FlowEdge(0, 7, kind="update"),
            FlowEdge(6, 7, kind="update"),
        ],
        [FlowGroup("fc", "", "fc: Linear")],
    )
    graph = from_flow(flow, np.full(8, 60.0), np.full(8, 30.0))
    assert graph.edge_kinds.tolist() == [EdgeKind.MINOR, *[EdgeKind.FLOW] * 5, EdgeKind.MINOR, EdgeKind.MINOR]
    assert graph.group.tolist() == [0, -1, 0, -1, -1, 0, -1, -1]
    picture = arrange(graph)
    assert picture.y[4] == picture.y[3] and picture.y[5] == picture.y[2] and picture.y[6] == picture.y[0]
    assert picture.y[7] < picture.y[6]
    (box,) = picture.groups
    assert box.y0 > picture.y[7] + 15  # the update stands outside its module's frame
