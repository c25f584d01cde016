"""The drawn graph of a section."""

import time

import numpy as np
import pytest

from graphlab.analysis.flow import FlowGraph, flow_graph
from graphlab.trace.records import Event, EventKind, Ghost, Section, Tensor, TensorKind
from graphlab.trace.store import TraceReader, TraceWriter


def check(graph):
    """What every graph must be: unique keys, edges and pairs inside, no cycle."""
    n = len(graph.nodes)
    assert len({node.key for node in graph.nodes}) == n
    sources = [[] for _ in range(n)]
    for edge in graph.edges:
        assert 0 <= edge.source < n and 0 <= edge.target < n and edge.source != edge.target
        sources[edge.target].append(edge.source)
    for node in graph.nodes:
        assert -1 <= node.pair < n
        if node.pair >= 0:
            assert graph.nodes[node.pair].phase == "forward"
            assert node.phase != "forward"
    assert all(0 <= index < n for index in graph.node_of_event.values())
    paths = {group.path for group in graph.groups}
    assert all(group.parent in paths or group.parent == "" for group in graph.groups)
    left = {i: set(s) for i, s in enumerate(sources)}
    while left:
        free = [i for i, s in left.items() if not s]
        assert free, "the graph has a cycle"
        for i in free:
            del left[i]
        for s in left.values():
            s.difference_update(free)
    return graph


def test_an_iteration_is_drawn_forward_and_backward(training):
    reader, *_ = training
    graph = check(flow_graph(reader, 1))
    assert graph.as_text().splitlines() == [
        "  w                tensor     float32",
        "  x                tensor     float32",
        "  mul              op                            <- w x",
        "  h                tensor     float32            <- mul",
        "  mul              op                            <- h h",
        "  loss             tensor     float32            <- mul",
        "  grad loss        grad       float32            <- loss",
        "  mul backward     backward                      <- grad loss",
        "  grad h           grad       float32            <- mul backward",
        "  grad h           grad       float32            <- mul backward",
        "  +                accumulate                    <- grad h grad h",
        "  grad h           grad       float32            <- +",
        "  mul backward     backward                      <- grad h",
        "  w.grad           grad       float32            <- mul backward",
        "  SGD              update     w                  <- w w.grad",
    ]


def test_backward_nodes_are_paired_with_their_forward_ones(training):
    reader, *_ = training
    graph = flow_graph(reader, 1)
    pairs = {(node.label, graph.nodes[node.pair].label) for node in graph.nodes if node.pair >= 0}
    assert pairs == {
        ("grad loss", "loss"),
        ("mul backward", "mul"),
        ("grad h", "h"),
        ("+", "h"),
        ("w.grad", "w"),
        ("SGD", "w"),
    }


def test_every_event_of_a_section_has_its_node(training):
    reader, _w, _x, turns = training
    graph = flow_graph(reader, 1)
    section = reader.sections[1]
    assert sorted(graph.node_of_event) == list(range(section.first, section.end))
    label = {name: graph.nodes[graph.node_of_event[turns[0][name]]].label for name in ("mul", "back", "acc", "update")}
    assert label == {"mul": "mul", "back": "mul backward", "acc": "w.grad", "update": "SGD"}


def test_setup_shows_what_it_made_and_iterations_show_it_as_leaves(training):
    reader, w, *_ = training
    assert [node.label for node in check(flow_graph(reader, 0)).nodes] == ["w", "x"]
    leaf = flow_graph(reader, 1).nodes[0]
    assert (leaf.tensor, leaf.event, leaf.role) == (w, -1, "parameter")


def test_keys_and_signature_agree_from_iteration_to_iteration(training):
    reader, *_ = training
    one, two = flow_graph(reader, 1), flow_graph(reader, 2)
    assert [node.key for node in one.nodes] == [node.key for node in two.nodes]
    assert one.signature == two.signature != flow_graph(reader, 0).signature
    assert one.nodes[2].event != two.nodes[2].event


def test_a_collapsed_module_is_one_node_for_each_direction(training):
    reader, *_ = training
    graph = check(flow_graph(reader, 1, frozenset({"net"})))
    boxes = {node.key: node for node in graph.nodes if node.kind == "module"}
    assert set(boxes) == {"module:net", "module:net:backward"}
    assert boxes["module:net:backward"].pair == graph.node_of_key["module:net"]
    assert graph.groups[0].collapsed
    assert graph.signature != flow_graph(reader, 1).signature
    labels = [node.label for node in graph.nodes]
    assert labels == ["w", "x", "net: Net", "h", *labels[4:]] and "relu" not in labels


def test_collapsing_an_unknown_module_changes_no_node(training):
    reader, *_ = training
    plain, odd = flow_graph(reader, 1), flow_graph(reader, 1, frozenset({"other"}))
    assert [node.key for node in odd.nodes] == [node.key for node in plain.nodes]


@pytest.mark.parametrize("section", [-1, 3, 99])
def test_a_section_that_is_not_there_is_an_empty_graph(training, section):
    reader, *_ = training
    assert flow_graph(reader, section) == FlowGraph(section)


def test_a_second_backward_adds_to_the_gradient_that_is_there(story):
    w = story.tensor("w", [1.0], TensorKind.PARAMETER)
    y = story.tensor("y", [2.0], TensorKind.INTERMEDIATE)
    w_grad = story.tensor("w.grad", [4.0], TensorKind.LEAF_GRAD, of=w)
    story.event(EventKind.CREATE, "tensor", [], [w])
    forward = story.event(EventKind.FORWARD, "mul", [w, -1], [y], params={"other": 2})
    for root in range(2):
        seed = story.tensor("", [1.0], TensorKind.GRADIENT, of=y)
        story.event(EventKind.ACCUMULATE, "backward", [], [seed], root=root)
        gw = story.tensor("", [2.0], TensorKind.GRADIENT, of=w)
        story.event(EventKind.BACKWARD, "mul", [seed], [gw, -1], forward=forward, root=root)
        story.event(EventKind.ACCUMULATE, "accumulate", [w_grad, gw] if root else [gw], [w_grad], root=root)
    graph = check(flow_graph(story.read(), 0))
    text = graph.as_text()
    assert text.count("mul backward     backward") == 2
    assert "+                accumulate                    <- w.grad grad w" in text
    assert [node.key for node in graph.nodes if node.label == "w.grad"] == ["leafgrad:t:w", "leafgrad:t:w#2"]


def test_an_in_place_write_makes_a_new_version_of_its_tensor(story):
    x, y = story.tensor("x", [1.0, 2.0]), story.tensor("y", [3.0, 4.0], TensorKind.INTERMEDIATE)
    story.event(EventKind.CREATE, "tensor", [], [x])
    story.event(EventKind.INPLACE, "add_", [x, -1], [x], params={"other": 1})
    story.event(EventKind.FORWARD, "neg", [x], [y])
    graph = check(flow_graph(story.read(), 0))
    assert [node.key for node in graph.nodes if node.label == "x"] == ["t:x", "t:x#2"]
    neg = next(i for i, node in enumerate(graph.nodes) if node.label == "neg")
    assert [graph.nodes[edge.source].key for edge in graph.edges if edge.target == neg] == ["t:x#2"]


def test_the_failed_operator_stands_with_its_operands_and_ghosts_follow(story):
    x, y = story.tensor("x", [[1.0, 2.0]]), story.tensor("y", [[3.0, 4.0]])
    story.event(EventKind.CREATE, "tensor", [], [x])
    story.event(EventKind.CREATE, "tensor", [], [y])
    span = story.span(3, "z")
    story.event(EventKind.ERROR, "matmul", [x, y], span=span, text="shapes cannot be multiplied")
    story.writer.set_meta(
        "ghosts", [Ghost("relu", ["z"], "a", 4), Ghost("mul", ["a", "x"], "b", 5), Ghost("print", [], "", 6)]
    )
    graph = check(flow_graph(story.read(), 0))
    failed = next(node for node in graph.nodes if node.failed)
    assert (failed.label, failed.kind) == ("matmul", "op")
    by_index = {node.label: index for index, node in enumerate(graph.nodes)}
    edges = {(graph.nodes[e.source].label, graph.nodes[e.target].label) for e in graph.edges}
    assert edges == {
        ("x", "matmul"),
        ("y", "matmul"),
        ("matmul", "relu"),
        ("relu", "mul"),
        ("x", "mul"),
        ("mul", "print"),
    }
    assert all(graph.nodes[by_index[label]].ghost for label in ("relu", "mul", "print"))


def test_edges_say_the_shape_that_flows(story):
    x, h = story.tensor("x", np.zeros((3, 2))), story.tensor("h", np.zeros(3), TensorKind.INTERMEDIATE)
    story.event(EventKind.FORWARD, "sum", [x], [h], params={"dim": 1})
    graph = flow_graph(story.read(), 0)
    assert [edge.label for edge in graph.edges] == ["3×2", "3"]
    assert [node.sublabel for node in graph.nodes] == ["3×2 float32", "dim=1", "3 float32"]


def test_a_gradient_whose_forward_lies_in_an_earlier_section_is_still_drawn(story):
    w = story.tensor("w", [1.0], TensorKind.PARAMETER)
    y = story.tensor("y", [1.0], TensorKind.INTERMEDIATE)
    forward = story.event(EventKind.FORWARD, "neg", [w], [y])
    story.section("setup", 0)
    seed = story.tensor("", [1.0], TensorKind.GRADIENT, of=y)
    story.event(EventKind.ACCUMULATE, "backward", [], [seed], root=0)
    gw = story.tensor("", [-1.0], TensorKind.GRADIENT, of=w)
    story.event(EventKind.BACKWARD, "neg", [seed], [gw], forward=forward, root=0)
    graph = check(flow_graph(story.read(), 1))
    assert [node.label for node in graph.nodes] == ["y", "grad y", "neg backward", "w", "grad w"]


def test_twenty_thousand_events_take_under_half_a_second(tmp_path):
    writer = TraceWriter(tmp_path / "long.trace")
    n = 10_000
    for i in range(n + 1):
        writer.add("tensor", Tensor(i, TensorKind.INTERMEDIATE if i else TensorKind.LEAF, [8, 8], "float32", "cpu", ""))
    for i in range(n):
        writer.add("event", Event(i, EventKind.FORWARD, "relu", inputs=[i], outputs=[i + 1]))
    for i in range(n + 1):
        writer.add("tensor", Tensor(n + 1 + i, TensorKind.GRADIENT, [8, 8], "float32", "cpu", "", of=n - i))
    for i in range(n):
        event = Event(n + i, EventKind.BACKWARD, "relu", inputs=[n + 1 + i], outputs=[n + 2 + i], forward=n - 1 - i)
        writer.add("event", event)
    writer.add("section", Section(0, "iteration", 0, 0, 2 * n))
    writer.close()
    reader = TraceReader(tmp_path / "long.trace")
    times = []
    for _ in range(3):
        started = time.process_time()
        graph = flow_graph(reader, 0)
        times.append(time.process_time() - started)
    assert len(graph.nodes) == 4 * n + 2
    assert min(times) < 0.5, times
    reader.close()


def test_an_operator_names_only_what_is_not_usual(story):
    x, y = story.tensor("x", np.zeros((3, 2))), story.tensor("y", np.zeros(3), TensorKind.INTERMEDIATE)
    cases = [
        ({"reduction": "mean", "ignore_index": -100, "label_smoothing": 0.0}, ""),
        ({"reduction": "sum"}, "reduction=sum"),
        ({"dtype": "float32", "device": "cpu"}, ""),
        ({"dim": 1, "keepdim": True}, "dim=1, keepdim"),
        ({"dim": 0, "keepdim": False}, "dim=0"),
        ({"other": 2}, "2"),
        ({"exponent": 0.30000001192}, "0.3"),
        ({"negative_slope": 0.2}, "negative_slope=0.2"),
        ({"stride": [1, 1], "padding": [2, 2]}, "padding=2"),
        ({"dims": [1, 0]}, "dims=1,0"),
        ({"size": [2, 3]}, ""),
        ({"largest": True, "p": 2.0}, ""),
        ({"key": [":", "0"]}, ""),
    ]
    for params, _expected in cases:
        story.event(EventKind.FORWARD, "op", [x], [y], params=params)
    graph = flow_graph(story.read(), 0)
    shown = [node.sublabel for node in graph.nodes if node.kind == "op"]
    assert shown == [expected for _params, expected in cases]


def test_only_a_variable_is_named_in_what_never_ran(story):
    x = story.tensor("x", [[1.0, 2.0]])
    story.event(EventKind.CREATE, "tensor", [], [x])
    story.event(EventKind.ERROR, "matmul", [x, x], span=story.span(3, "z"), text="shapes cannot be multiplied")
    story.writer.set_meta("ghosts", [Ghost("relu", ["z"], "F.relu(z)", 4), Ghost("sum", ["F.relu(z)"], "s", 4)])
    graph = check(flow_graph(story.read(), 0))
    assert [(node.label, node.sublabel) for node in graph.nodes if node.ghost] == [("relu", ""), ("sum", "s")]


def test_a_module_that_is_called_again_gets_another_frame(story):
    story.module("net", "Net")
    story.module("net.fc", "Linear")
    w = story.tensor("net.fc.weight", [1.0], TensorKind.PARAMETER)
    x = story.tensor("x", [1.0])
    story.event(EventKind.CREATE, "tensor", [], [x])
    values = [x]
    for module in ("net.fc", "net", "net.fc", ""):
        values.append(story.tensor("", [1.0], TensorKind.INTERMEDIATE))
        inputs = [values[-2], w] if module == "net.fc" else [values[-2]]
        story.event(EventKind.FORWARD, "op", inputs, [values[-1]], module=module)
    graph = check(flow_graph(story.read(), 0))
    frames = [node.frame for node in graph.nodes if node.kind == "op"]
    assert frames == ["net.fc", "net", "net.fc#2", ""]
    by_tensor = {node.tensor: node.frame for node in graph.nodes if node.tensor >= 0}
    assert [by_tensor[t] for t in values] == ["", "net", "net", "", ""]
    assert by_tensor[w] == "net.fc"
    labels = [(group.path, group.label) for group in graph.groups]
    assert labels == [("net", "net: Net"), ("net.fc", "fc: Linear"), ("net.fc#2", "fc: Linear (2)")]
    folded = check(flow_graph(story.read(), 0, frozenset({"net.fc"})))
    assert [node.key for node in folded.nodes if node.kind == "module"] == ["module:net.fc", "module:net.fc#2"]
