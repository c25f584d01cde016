"""The picture as a whole: nothing overlaps, edges end at their nodes, odd graphs pass, same in, same out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.layout import Cancelled, LayoutGraph, Options, Picture, arrange
from graphlab.layout.model import normalised
from graphlab.layout.quality import frame_faults, measure


def graph(n, edges, **more):
    return LayoutGraph(np.full(n, 80.0), np.full(n, 34.0), np.array(edges, dtype=np.int64).reshape(-1, 2), **more)


def assert_sound(g: LayoutGraph, picture: Picture) -> None:
    assert np.isfinite(picture.x).all() and np.isfinite(picture.y).all() and np.isfinite(picture.points).all()
    assert len(picture.offsets) == g.n_edges + 1
    quality = measure(g, picture)
    assert quality.overlaps == 0
    assert quality.loose_ends == 0
    assert quality.through_nodes == 0
    half_w, half_h = g.widths / 2, g.heights / 2
    assert (picture.x - half_w >= -1e-6).all() and (picture.y - half_h >= -1e-6).all()
    assert (picture.x + half_w <= picture.width + 1e-6).all() and (picture.y + half_h <= picture.height + 1e-6).all()


@st.composite
def digraphs(draw):
    n = draw(st.integers(0, 24))
    node = st.integers(0, max(n - 1, 0))
    edges = draw(st.lists(st.tuples(node, node), max_size=50)) if n else []
    size = st.floats(4, 160)
    widths = np.array(draw(st.lists(size, min_size=n, max_size=n)), dtype=float)
    heights = np.array(draw(st.lists(size, min_size=n, max_size=n)), dtype=float)
    pair = np.array(draw(st.lists(st.integers(-1, max(n - 1, -1)), min_size=n, max_size=n)), dtype=np.int64)
    if draw(st.booleans()):
        pair[:] = -1
    return LayoutGraph(widths, heights, np.array(edges, dtype=np.int64).reshape(-1, 2), pair=pair)


@given(digraphs(), st.sampled_from(["down", "right"]), st.sampled_from([2, 30]))
@settings(max_examples=300, deadline=None)
def test_any_digraph_is_drawn_without_overlaps_and_with_every_edge(g, direction, max_span):
    options = Options(direction=direction, max_span=max_span)
    picture = arrange(g, options)
    assert_sound(g, picture)
    again = arrange(g, options)
    assert np.array_equal(picture.x, again.x) and np.array_equal(picture.y, again.y)
    assert np.array_equal(picture.points, again.points)


@st.composite
def grouped(draw):
    """A digraph with a random tree of groups over it."""
    g = draw(digraphs())
    n_groups = draw(st.integers(1, 6))
    parents = np.array([draw(st.integers(-1, k - 1)) for k in range(n_groups)])
    group = np.array([draw(st.integers(-1, n_groups - 1)) for _ in range(g.n_nodes)], dtype=np.int64)
    return LayoutGraph(g.widths, g.heights, g.edges, pair=g.pair, group=group, group_parents=parents)


@given(grouped(), st.sampled_from(["down", "right"]))
@settings(max_examples=300, deadline=None)
def test_a_frame_holds_its_members_only_and_meets_no_other_frame(g, direction):
    picture = arrange(g, Options(direction=direction))
    assert_sound(g, picture)
    faults = frame_faults(g, picture)
    assert faults.strangers == 0
    assert faults.meetings == 0


def test_a_frame_is_as_wide_as_its_title_and_so_is_what_is_around_it():
    edges = [(0, 1), (1, 2), (2, 3)]
    groups = {"group": np.array([-1, 1, 1, -1]), "group_parents": np.array([-1, 0])}
    g = graph(4, edges, **groups, group_widths=np.array([50.0, 300.0]))
    picture = arrange(g)
    outer, inner = picture.groups
    assert inner.x1 - inner.x0 == 300 and outer.x1 > inner.x1
    assert picture.width >= outer.x1
    with pytest.raises(ValueError, match="group_widths"):
        arrange(graph(4, edges, **groups, group_widths=np.array([50.0, float("nan")])))


@pytest.mark.parametrize("side", [1, 2])
def test_what_passes_a_frame_runs_beside_it(side):
    # x -> a -> [b -> c -> d] -> e, and x -> e past the group, whose widest member is in the middle
    edges = np.array([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)])
    g = LayoutGraph(
        np.array([60.0, 60, 60, 260, 60, 60]),
        np.full(6, 30.0),
        np.concatenate([edges] * side),
        group=np.array([-1, -1, 0, 0, 0, -1]),
        group_parents=np.array([-1]),
    )
    picture = arrange(g)
    (box,) = picture.groups
    route = picture.route(5)
    x = np.interp(picture.y[2:5], route[:, 1], route[:, 0])
    assert ((x < box.x0) | (x > box.x1)).all()


@given(digraphs(), st.data())
@settings(max_examples=100, deadline=None)
def test_groups_hold_their_members_and_inner_groups(g, data):
    n_groups = data.draw(st.integers(1, 5))
    parents = np.array([data.draw(st.integers(-1, k - 1)) for k in range(n_groups)])
    group = np.array([data.draw(st.integers(-1, n_groups - 1)) for _ in range(g.n_nodes)], dtype=np.int64)
    g = LayoutGraph(g.widths, g.heights, g.edges, pair=g.pair, group=group, group_parents=parents)
    picture = arrange(g)
    assert_sound(g, picture)
    boxes = {b.group: b for b in picture.groups}
    group = normalised(g).group  # backward nodes share their counterpart's group
    for i in range(g.n_nodes):
        k = int(group[i])
        while k >= 0:
            box = boxes[k]
            assert box.x0 < picture.x[i] - g.widths[i] / 2 and picture.x[i] + g.widths[i] / 2 < box.x1
            assert box.y0 < picture.y[i] - g.heights[i] / 2 and picture.y[i] + g.heights[i] / 2 < box.y1
            if parents[k] >= 0:
                outer = boxes[int(parents[k])]
                assert outer.x0 < box.x0 and box.x1 < outer.x1 and outer.y0 < box.y0 and box.y1 < outer.y1
            k = int(parents[k])


@pytest.mark.parametrize(
    ("n", "edges"),
    [
        (0, []),
        (1, []),
        (1, [(0, 0)]),
        (1, [(0, 0), (0, 0)]),
        (2, [(0, 1), (1, 0)]),
        (3, [(0, 1), (1, 2), (2, 0)]),
        (2, [(0, 1)] * 4),
        (9, []),
        (4, [(0, 1), (2, 3)]),
    ],
)
def test_odd_little_graphs(n, edges):
    g = graph(n, edges)
    picture = arrange(g)
    assert_sound(g, picture)
    assert all(len(picture.route(e)) >= 2 for e in range(g.n_edges))


@pytest.mark.parametrize(
    ("n", "edges"),
    [
        (5_001, [(0, i + 1) for i in range(5_000)]),
        (5_001, [(i + 1, 0) for i in range(5_000)]),
        (20_000, [(i, i + 1) for i in range(19_999)]),
        (20_000, [(i, (i + 1) % 20_000) for i in range(20_000)]),
        (3_000, []),
        (6_000, [(2 * i, 2 * i + 1) for i in range(3_000)]),
    ],
    ids=["fan-out", "fan-in", "chain", "ring", "isolated", "pairs"],
)
def test_extreme_graphs_pass(n, edges):
    g = graph(n, edges)
    picture = arrange(g)
    assert np.isfinite(picture.x).all()
    assert measure(g, picture, deep=False).overlaps == 0


def test_edges_point_down_and_a_cycle_is_cut_where_it_closes():
    picture = arrange(graph(4, [(0, 1), (1, 2), (2, 3), (3, 1)]))
    assert picture.y[0] < picture.y[1] < picture.y[2] < picture.y[3]
    assert picture.is_reversed.tolist() == [False, False, False, True]
    back = picture.route(3)
    assert back[0][1] > back[-1][1]


def test_left_to_right_exchanges_the_axes():
    picture = arrange(graph(3, [(0, 1), (1, 2)]), Options(direction="right"))
    assert picture.x[0] < picture.x[1] < picture.x[2]
    assert np.ptp(picture.y) < 1e-9


def test_a_backward_node_stands_beside_its_forward_one():
    # x -> f -> y -> g -> z, and the way back
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (0, 8), (2, 6)]
    pair = np.array([-1] * 5 + [4, 3, 2, 1, 0])
    g = graph(10, edges, pair=pair)
    picture = arrange(g)
    assert_sound(g, picture)
    assert picture.y[5:].tolist() == picture.y[[4, 3, 2, 1, 0]].tolist()
    assert (picture.x[5:] > picture.x[:5].max() + 80).all()
    assert np.ptp(picture.x[:5]) < 1e-6 and np.ptp(picture.x[5:]) < 1e-6


def test_a_sum_of_gradients_keeps_the_place_beside_its_tensor():
    # h is used twice; its gradient is the sum of two contributions, which point to h as well
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 5), (4, 6), (5, 7), (6, 8), (7, 9), (8, 9), (9, 10)]
    pair = np.array([-1, -1, -1, -1, 3, 1, 2, 0, 0, -1, 0])
    g = graph(11, edges, pair=pair, backward=np.arange(11) >= 4)
    picture = arrange(g)
    assert_sound(g, picture)
    assert picture.y[10] == picture.y[0]
    assert picture.y[9] > picture.y[10] and picture.y[7] > picture.y[9]


def test_a_parameter_stands_right_above_its_operator():
    edges = [(k, k + 1) for k in range(9)] + [(10, 9)]
    picture = arrange(graph(11, edges))
    assert picture.rank[10] == picture.rank[9] - 1
    assert np.ptp(picture.x[:10]) < 1e-6


def test_a_long_edge_becomes_a_pair_of_portals():
    edges = [(k, k + 1) for k in range(50)] + [(0, 50)]
    g = graph(51, edges, names=[f"t{k}" for k in range(51)])
    picture = arrange(g)
    assert_sound(g, picture)
    (portal,) = picture.portals
    assert (portal.edge, portal.name) == (50, "t0")
    assert len(picture.route(50)) == 0
    assert portal.leave[0][1] == pytest.approx(picture.y[0] + 17)
    assert portal.arrive[-1][1] == pytest.approx(picture.y[50] - 17)
    assert portal.from_place[1] < portal.to_place[1]


def test_a_long_edge_between_the_columns_becomes_portals_too():
    n = 40
    forward = [(k, k + 1) for k in range(n - 1)]
    back = [(n + k + 1, n + k) for k in range(n - 1)]
    g = graph(2 * n, [*forward, (n - 1, 2 * n - 1), *back, (0, 2 * n - 1)], pair=np.array([-1] * n + list(range(n))))
    picture = arrange(g)
    assert_sound(g, picture)
    assert [p.edge for p in picture.portals] == [2 * n - 1]


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_node_without_a_size_is_refused_in_a_sentence(bad):
    with pytest.raises(ValueError, match="Node 1 has no drawable size"):
        arrange(LayoutGraph(np.array([10.0, bad]), np.array([10.0, 10.0]), np.zeros((0, 2), dtype=np.int64)))


def test_edges_to_nowhere_and_groups_in_groups_in_circles_are_refused():
    with pytest.raises(ValueError, match="Edge 1 names a node"):
        arrange(graph(2, [(0, 1), (0, 2)]))
    with pytest.raises(ValueError, match="contains itself"):
        arrange(graph(2, [(0, 1)], group=np.array([0, 1]), group_parents=np.array([1, 0])))


def test_a_layout_is_given_up_soon_after_the_caller_says_so():
    calls = 0

    def is_cancelled():
        nonlocal calls
        calls += 1
        return calls > 3

    with pytest.raises(Cancelled):
        arrange(graph(2_000, [(i // 2, i + 1) for i in range(1_999)]), is_cancelled=is_cancelled)
    assert calls == 4


def test_previous_places_keep_the_order_of_what_stays():
    edges = [(0, k) for k in range(1, 6)]
    keys = ["root", "a", "b", "c", "d", "e"]
    before = {"root": (0.0, 0.0), "a": (500.0, 90.0), "b": (400.0, 90.0), "c": (300.0, 90.0), "d": (200.0, 90.0)}
    picture = arrange(graph(6, edges, keys=keys), previous=before)
    assert picture.x[1] > picture.x[2] > picture.x[3] > picture.x[4]


def test_a_small_edit_moves_little():
    edges = [(k, k + 1) for k in range(12)] + [(20 + k, k + 1) for k in range(0, 12, 3)]
    ids = sorted({i for e in edges for i in e})
    number = {i: k for k, i in enumerate(ids)}
    first = arrange(graph(len(ids), [(number[a], number[b]) for a, b in edges]))
    more = [(number[a], number[b]) for a, b in edges] + [(number[12], len(ids))]
    second = arrange(graph(len(ids) + 1, more))
    assert np.allclose(first.x, second.x[:-1]) and np.allclose(first.y, second.y[:-1])
