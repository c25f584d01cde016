"""The measures see the flaws that they are there to count."""

import shutil
import subprocess

import numpy as np
import pytest

from graphlab.layout import LayoutGraph, Picture, arrange
from graphlab.layout.quality import crossings, measure


def picture(x, y, lines):
    points = np.array([p for line in lines for p in line], dtype=float).reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(int)
    x, y = np.array(x, float), np.array(y, float)
    return Picture(x, y, points, offsets, np.zeros(len(x), dtype=int))


def boxes(n, edges):
    return LayoutGraph(np.full(n, 20.0), np.full(n, 10.0), np.array(edges, dtype=np.int64).reshape(-1, 2))


def test_boxes_that_cover_each_other_are_counted():
    g = boxes(3, [])
    assert measure(g, picture([0, 15, 60], [0, 5, 0], [])).overlaps == 1
    assert measure(g, picture([0, 20, 60], [0, 0, 0], [])).overlaps == 0


def test_a_line_through_a_box_is_counted_and_one_past_it_is_not():
    g = boxes(3, [(0, 2)])
    through = picture([0, 0, 0], [0, 50, 100], [[(0, 5), (0, 95)]])
    past = picture([0, 0, 0], [0, 50, 100], [[(0, 5), (30, 40), (30, 60), (0, 95)]])
    assert measure(g, through).through_nodes == 1
    assert measure(g, past).through_nodes == 0


def test_an_end_in_the_air_and_a_missing_route_are_counted():
    g = boxes(2, [(0, 1), (0, 1)])
    loose = picture([0, 0], [0, 50], [[(0, 5), (0, 40)], []])
    assert measure(g, loose).loose_ends == 2


def test_crossing_lines_are_counted_once():
    g = boxes(4, [(0, 3), (1, 2)])
    crossed = picture([0, 100, 0, 100], [0, 0, 100, 100], [[(0, 5), (100, 95)], [(100, 5), (0, 95)]])
    assert measure(g, crossed).crossings == 1


def mlp_with_backward():
    """Two layers: x, (W, b, linear, h, relu, a) … loss, and the way back."""
    edges, pair, kinds, n = [], [], [], 0

    def node(of=-1):
        nonlocal n
        pair.append(of)
        n += 1
        return n - 1

    def edge(a, b, kind=0):
        edges.append((a, b))
        kinds.append(kind)

    tape = []
    h = node()
    for layer in range(3):
        w, b = node(), node()
        op, out = node(), node()
        edge(h, op)
        edge(w, op, 1)
        edge(b, op, 1)
        edge(op, out)
        tape.append((op, [h, w, b] if layer else [w, b], out, [h, w]))
        h = out
        op, out = node(), node()
        edge(h, op)
        edge(op, out)
        tape.append((op, [h], out, [h]))
        h = out
    grad = node(h)
    edge(h, grad)
    for op, inputs, _, saved in reversed(tape):
        back = node(op)
        edge(grad, back)
        for s in saved:
            edge(s, back)
        for i in inputs:
            g = node(i)
            edge(back, g)
            if i == inputs[0]:
                grad = g
    return LayoutGraph(
        np.full(n, 90.0), np.full(n, 34.0), np.array(edges), pair=np.array(pair), edge_kinds=np.array(kinds)
    )


def test_an_mlp_is_a_figure_without_flaws():
    graph = mlp_with_backward()
    drawn = arrange(graph)
    quality = measure(graph, drawn)
    assert quality.overlaps == quality.loose_ends == quality.through_nodes == 0
    assert quality.crossings <= 9
    spine = [0, 3, 4, 5, 6, 9, 10, 11, 12, 15, 16, 17, 18]
    assert np.ptp(drawn.x[spine]) < 1e-6
    backward = np.flatnonzero(graph.pair >= 0)
    assert np.array_equal(drawn.y[backward], drawn.y[graph.pair[backward]])


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz judges only where it is installed")
@pytest.mark.parametrize("seed", range(3))
def test_crossings_stay_near_those_of_dot(seed):
    rng = np.random.default_rng(seed)
    n = 40
    later = np.arange(1, n)
    tree = np.stack([np.maximum(0, later - rng.integers(1, 5, n - 1)), later], axis=1)
    more = np.sort(rng.integers(0, n, (10, 2)), axis=1)
    edges = np.unique(np.concatenate([tree, more[more[:, 0] != more[:, 1]]]), axis=0)
    graph = LayoutGraph(np.full(n, 54.0), np.full(n, 36.0), edges)
    ours = measure(graph, arrange(graph))
    text = 'digraph { node [shape=box fixedsize=true width=0.75 height=0.5 label=""];'
    text += " ".join(f"{a} -> {b};" for a, b in edges.tolist()) + "}"
    plain = subprocess.run(
        ["dot", "-Tplain"], input=text, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    theirs = dot_crossings(plain, edges)
    assert ours.overlaps == ours.through_nodes == 0
    assert ours.crossings <= 1.5 * theirs + 4


def dot_crossings(plain, edges):
    number = {tuple(e): k for k, e in enumerate(edges.tolist())}
    starts, ends, owner = [], [], []
    for line in plain.splitlines():
        word = line.split()
        if word[0] != "edge":
            continue
        count = int(word[3])
        points = np.array(word[4 : 4 + 2 * count], dtype=float).reshape(-1, 2)
        starts.append(points[:-1])
        ends.append(points[1:])
        owner.append(np.full(count - 1, number[int(word[1]), int(word[2])]))
    return crossings(edges, np.concatenate(starts), np.concatenate(ends), np.concatenate(owner))
