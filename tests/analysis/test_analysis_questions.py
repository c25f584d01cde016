"""Values, gradients, steps, memory, losses and the chain rule, asked of traces written by hand."""

import numpy as np
import pytest

from graphlab.analysis import chain, losses, memory, numerics, sections, steps, values
from graphlab.analysis.flow import flow_graph
from graphlab.analysis.statistics import sample, statistics
from graphlab.trace.records import EventKind, Memory, TensorKind
from graphlab.trace.store import TraceReader


def number(reader, value):
    return None if value is None else float(reader.array(value.id))


def test_a_value_is_the_last_one_at_or_before_an_event(training):
    reader, w, _x, (one, two) = training
    after_first = 2 - np.float32(0.1) * np.float32(36)
    assert number(reader, values.value_at(reader, w, one["mul"])) == 2
    assert number(reader, values.value_at(reader, w, one["update"] - 1)) == 2
    assert number(reader, values.value_at(reader, w, one["update"])) == pytest.approx(after_first)
    assert number(reader, values.value_at(reader, w, two["mul"])) == pytest.approx(after_first)
    assert values.value_at(reader, one["h"], one["mul"] - 1) is None


def test_the_gradient_is_the_one_of_that_time(training):
    reader, w, _x, (one, two) = training
    assert values.gradient_at(reader, w, one["back"]) is None
    assert number(reader, values.gradient_at(reader, w, one["acc"])) == 36
    assert number(reader, values.gradient_at(reader, one["h"], one["back"])) == 6  # contributions so far
    assert number(reader, values.gradient_at(reader, one["h"], one["sum"])) == 12
    assert number(reader, values.gradient_at(reader, w, two["acc"])) == pytest.approx(18 * -1.6)


def test_a_cleared_gradient_is_gone(story):
    w = story.tensor("w", 1.0, TensorKind.PARAMETER)
    grad = story.tensor("w.grad", 3.0, TensorKind.LEAF_GRAD, of=w)
    story.event(EventKind.CREATE, "tensor", [], [w])
    story.event(EventKind.ACCUMULATE, "accumulate", [], [grad])
    cleared = story.n_events
    story.event(EventKind.INPLACE, "zero_grad", [grad], [grad], keep=False)
    reader = story.read()
    assert number(reader, values.gradient_at(reader, w, cleared - 1)) == 3
    assert values.gradient_at(reader, w, cleared) is None
    reader.close()


def test_the_index_follows_a_growing_trace(story):
    w = story.tensor("w", [1.0])
    story.event(EventKind.CREATE, "tensor", [], [w])
    story.writer.flush()
    reader = TraceReader(story.path)
    assert values.value_at(reader, w, 0).event == 0
    story.event(EventKind.INPLACE, "add_", [w], [w])
    story.writer.flush()
    reader.refresh()
    assert values.value_at(reader, w, 1).event == 1
    reader.close()
    story.writer.close()


def test_tensor_rows_have_names_statistics_and_gradient_norms(training):
    reader, _w, _x, (one, two) = training
    rows = {row.name: row for row in values.tensors_at(reader, one["update"])}
    assert list(rows) == ["w", "x", "h", "loss"]
    assert rows["h"].mean == 6 and rows["h"].grad_norm == 12
    assert rows["w"].grad_norm == 36 and rows["x"].grad_norm is None
    assert (rows["x"].shape, rows["x"].dtype, rows["x"].device) == ([], "float32", "cpu")
    assert [row.tensor for row in values.tensors_at(reader, two["mul"]) if row.name == "h"] == [two["h"]]
    assert [row.name for row in values.tensors_at(reader, one["mul"])] == ["w", "x", "h"]


def test_sections_have_a_provisional_last_one(story):
    a = story.tensor("a", [1.0])
    story.event(EventKind.CREATE, "tensor", [], [a])
    story.section("setup", 0)
    seed = story.tensor("", [1.0], TensorKind.GRADIENT, of=a)
    event = story.event(EventKind.ACCUMULATE, "backward", [], [seed], root=0)
    story.loss("loss", 0, 1.0, event)
    reader = story.read()
    every = sections.sections(reader)
    assert [(s.kind, s.iteration, s.first, s.end) for s in every] == [("setup", -1, 0, 1), ("iteration", 0, 1, 2)]
    assert [sections.section_of(reader, e) for e in (0, 1)] == [0, 1]
    assert sections.section_at(reader, 5) is None
    reader.close()


def test_steps_go_over_into_and_out_of_modules(story):
    t = story.tensor("t", [1.0])
    modules = ["", "net", "net.fc1", "net.fc1", "net", "", "net"]
    for module in modules:
        story.event(EventKind.FORWARD, "relu", [t], [], module=module)
    reader = story.read()
    assert steps.forward(reader, 0) == 5  # over the whole call of net
    assert steps.into(reader, 0) == 1
    assert steps.forward(reader, 1) == 4
    assert steps.out(reader, 2) == 4
    assert steps.back(reader, 5) == 0
    assert steps.back(reader, 4) == 1
    assert steps.forward(reader, 5) == 6  # nothing left at this depth: further in rather than nowhere
    assert steps.into(reader, 6) == 6
    assert (steps.first(reader), steps.last(reader)) == (0, 6)
    reader.close()


def test_section_borders_and_same_place(training):
    reader, _w, _x, (one, two) = training
    assert steps.next_section(reader, 0) == one["mul"]
    assert steps.next_section(reader, one["back"]) == two["mul"]
    assert steps.next_section(reader, two["mul"]) == len(reader.events) - 1
    assert steps.previous_section(reader, two["back"]) == two["mul"]
    assert steps.previous_section(reader, two["mul"]) == one["mul"]
    assert steps.same_place(reader, one["square"], 2) == two["square"]
    assert steps.phase_start(reader, two["mul"], EventKind.BACKWARD) == two["back"]


def test_events_and_nodes_find_each_other(training):
    reader, _w, _x, (one, _two) = training
    graph = flow_graph(reader, 1)
    key = steps.node_of(graph, one["back2"])
    assert key.startswith("bw:op:net/mul")
    assert steps.events_of(graph, key) == [one["back2"]]
    assert steps.node_of(graph, 10**6) == "" and steps.events_of(graph, "nothing") == []


def test_losses_by_name(training):
    reader, _w, _x, (one, two) = training
    curve = losses.curves(reader)["loss"]
    assert curve.iterations == [0, 1] and curve.events == [one["e_seed"], two["e_seed"]]
    assert curve.values == pytest.approx([36.0, 23.04])


def test_memory_series_and_who_holds_it(story):
    big = story.tensor("big", np.zeros(100))
    story.event(EventKind.CREATE, "zeros", [], [big])
    h = story.tensor("", np.zeros(50), TensorKind.INTERMEDIATE)
    forward = story.event(EventKind.FORWARD, "relu", [big], [h])
    view = story.tensor("v", np.zeros(50), TensorKind.INTERMEDIATE, base=h)
    story.event(EventKind.FORWARD, "view", [h], [view])
    seed = story.tensor("", np.zeros(50), TensorKind.GRADIENT, of=h)
    story.event(EventKind.BACKWARD, "relu", [seed], [-1], forward=forward)
    last = story.event(EventKind.PRINT, "print", text="")
    for event, in_use, peak in ((0, 512, 512), (1, 1024, 1024), (4, 512, 1024)):
        story.writer.add("memory", Memory(event, "cuda:0", in_use, peak))
    reader = story.read()
    one = memory.series(reader)["cuda:0"]
    assert (one.in_use, one.peak, one.peak_event) == ([512, 1024, 512], 1024, 1)
    assert memory.peak(reader) == {"cuda:0": 1024}
    assert [(h.name, h.n_bytes) for h in memory.holders(reader, 2)] == [("big", 400), ("relu", 200)]
    assert [h.name for h in memory.holders(reader, last)] == ["big"]
    assert memory.holders(reader, 2, limit=1)[0].tensor == big
    assert memory.holders(reader, 2, device="cuda:0") == []
    reader.close()


def test_the_chain_rule_in_numbers(training):
    reader, _w, _x, (one, _two) = training
    found = chain.chain_rule(reader, one["back2"])
    (link,) = found.links
    assert (link.input_name, link.output_name, link.root_name) == ("w", "h", "loss")
    assert (float(link.incoming), float(link.local), float(link.outgoing)) == (12, 3, 36)
    assert link.rule == "incoming · other" and float(link.factors["other"]) == 3
    assert link.is_exact and not link.is_summed and link.is_small
    both = chain.chain_rule(reader, one["back"]).links
    assert [float(link.outgoing) for link in both] == [6, 6]
    assert chain.chain_rule(reader, one["mul"]) is None and chain.chain_rule(reader, -1) is None


def test_the_chain_rule_adds_up_over_a_stretched_input(story):
    x, b = story.tensor("x", [[1.0, 2.0], [3.0, 4.0]]), story.tensor("b", [10.0, 20.0], TensorKind.PARAMETER)
    story.event(EventKind.CREATE, "tensor", [], [x])
    story.event(EventKind.CREATE, "tensor", [], [b])
    y = story.tensor("y", [[10.0, 40.0], [30.0, 80.0]], TensorKind.INTERMEDIATE)
    forward = story.event(EventKind.FORWARD, "mul", [x, b], [y])
    s = story.tensor("s", 160.0, TensorKind.INTERMEDIATE)
    total = story.event(EventKind.FORWARD, "mean", [y], [s])
    seed = story.tensor("", 1.0, TensorKind.GRADIENT, of=s)
    story.event(EventKind.ACCUMULATE, "backward", [], [seed])
    gy = story.tensor("", np.full((2, 2), 0.25), TensorKind.GRADIENT, of=y)
    first = story.event(EventKind.BACKWARD, "mean", [seed], [gy], forward=total)
    gb = story.tensor("", [1.0, 1.5], TensorKind.GRADIENT, of=b)
    second = story.event(EventKind.BACKWARD, "mul", [gy], [-1, gb], forward=forward)
    wrong = story.tensor("", [9.0, 9.0], TensorKind.GRADIENT, of=b)
    third = story.event(EventKind.BACKWARD, "mul", [gy], [-1, wrong], forward=forward)
    reader = story.read()
    mean = chain.chain_rule(reader, first).links[0]
    assert mean.local.tolist() == [[0.25, 0.25], [0.25, 0.25]] and mean.is_exact
    link = chain.chain_rule(reader, second).links[0]
    assert link.local.tolist() == [[1, 2], [3, 4]] and link.is_summed and link.is_exact
    assert not chain.chain_rule(reader, third).links[0].is_exact
    reader.close()


def test_the_first_value_that_is_not_finite_is_found(story):
    a = story.tensor("a", [1.0, 0.0])
    story.event(EventKind.CREATE, "tensor", [], [a])
    b = story.tensor("b", [0.0, -np.inf], TensorKind.INTERMEDIATE)
    event = story.event(EventKind.FORWARD, "log", [a], [b])
    reader = story.read()
    found = numerics.first_not_finite(reader)
    assert (found.event, found.tensor, found.n_nan, found.n_inf) == (event, b, 0, 1)
    reader.close()


def test_all_finite_values_have_no_first_bad_one(training):
    assert numerics.first_not_finite(training[0]) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.bool_])
def test_statistics_agree_with_numpy(dtype):
    array = (np.random.default_rng(1).normal(size=(40, 30)) * 3).astype(dtype)
    found = statistics(array)
    wide = array.astype(np.float64)
    for name, expected in {
        "min": wide.min(), "max": wide.max(), "mean": wide.mean(), "std": wide.std(), "norm": np.linalg.norm(wide),
        "n_nan": 0, "n_inf": 0, "n_zero": (wide == 0).sum(),
    }.items():  # fmt: skip
        assert found[name] == pytest.approx(expected, rel=1e-4, abs=1e-5), name


def test_statistics_set_apart_what_is_not_finite():
    found = statistics(np.array([1.0, np.nan, np.inf, -np.inf, 3.0, 0.0] * 30, np.float32))
    assert (found["n_nan"], found["n_inf"], found["n_zero"]) == (30, 60, 30)
    assert (found["min"], found["max"], found["mean"]) == (0.0, 3.0, pytest.approx(4 / 3))
    assert statistics(np.array([np.nan], np.float32)) == {"n_nan": 1, "n_inf": 0, "n_zero": 0}
    assert statistics(np.zeros((0, 3))) == {}
    assert statistics(np.full(100, 3e30, np.float32))["max"] == pytest.approx(3e30)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), ()), ((5,), (5,)), ((1000,), (63,)), ((7, 130), (7, 44)), ((3, 2, 200, 65), (50, 33)), ((0, 4, 4), (0, 4))],
)
def test_a_sample_has_at_most_64_on_a_side(shape, expected):
    assert sample(np.zeros(shape)).shape == expected
