"""Long runs: what is kept, and that what is kept is right."""

from itertools import pairwise

import numpy as np
import pytest

from graphlab.analysis.flow import flow_graph
from graphlab.analysis.values import gradient_at, value_at
from graphlab.record.retention import Renumbering, Retention
from graphlab.trace.records import EventKind

TRAINING = """
import torch
w = torch.tensor([1.0, -1.0], requires_grad=True)
x = torch.tensor([1.0, 2.0])
state = torch.zeros(2)
optimizer = torch.optim.SGD([w], lr=0.01)
seen = []
for i in range(N):
    LOOP(1)
    optimizer.zero_grad()
    y = w * x
    state = state * 0.5 + y.detach()
    loss = ((y - state) ** 2).sum()
    loss.backward()
    optimizer.step()
    if i % 10 == 0:
        print("turn", i)
    hook()
ENDLOOP(1)
end = w * 1
"""


def test_a_thousand_iterations_are_thinned_out_honestly(lab):
    weights = []

    def keep(recorder):
        weights.append(None)

    trace = lab.record(TRAINING.replace("N)", "1000)"), detail_events=500, hook=keep)
    assert len(weights) == 1000
    iterations = [s for s in trace.sections if s.kind == "iteration"]
    assert [s.iteration for s in iterations] == list(range(1000))
    detailed = [s.iteration for s in iterations if s.detailed]
    assert detailed[:5] == [0, 1, 2, 3, 4] and detailed[-1] == 999
    assert 60 < len(detailed) < 120
    assert all(a.end == b.first for a, b in zip(trace.sections, trace.sections[1:]))
    assert [loss.iteration for loss in trace.losses] == list(range(1000))
    assert len([e for e in trace.events if e.kind == EventKind.PRINT]) == 100
    for loss in trace.losses:
        section = iterations[loss.iteration]
        assert section.first <= loss.event < section.end
    whole = flow_graph(trace, iterations[0].index).signature
    last = flow_graph(trace, iterations[-1].index)
    assert {node.label for node in last.nodes} >= {"w", "x", "y", "loss", "w.grad", "SGD"}
    assert whole  # the first iteration clears no gradient, so its graph may differ


def test_kept_iterations_have_the_same_numbers_as_without_thinning(lab):
    full = lab.record(TRAINING.replace("N)", "60)"))
    thin = lab.record(TRAINING.replace("N)", "60)"), detail_events=200)
    assert len(thin.events) < len(full.events) / 2
    assert [loss.value for loss in thin.losses] == [loss.value for loss in full.losses]
    full_at = {s.iteration: s for s in full.sections if s.kind == "iteration"}
    compared = 0
    for section in thin.sections:
        if section.kind != "iteration" or not section.detailed:
            continue
        other = full_at[section.iteration]
        here, there = thin.events[section.first : section.end], full.events[other.first : other.end]
        assert [e.op for e in here] == [e.op for e in there]
        for one, two in zip(here, there):
            for tensor_one, tensor_two in zip((*one.inputs, *one.outputs), (*two.inputs, *two.outputs)):
                assert (tensor_one < 0) == (tensor_two < 0)
                if tensor_one < 0:
                    continue
                value_one, value_two = value_at(thin, tensor_one, one.id), value_at(full, tensor_two, two.id)
                assert (value_one is None) == (value_two is None)
                if value_one is not None:
                    assert np.array_equal(thin.array(value_one.id), full.array(value_two.id)), (section, one.op)
                    compared += 1
    assert compared > 200


def test_parameters_and_gradients_are_right_where_a_kept_iteration_begins(lab):
    full = lab.record(TRAINING.replace("N)", "60)"))
    thin = lab.record(TRAINING.replace("N)", "60)"), detail_events=200)
    w_full = next(t.id for t in full.tensors if t.name == "w")
    w_thin = next(t.id for t in thin.tensors if t.name == "w")
    full_at = {s.iteration: s for s in full.sections if s.kind == "iteration"}
    for section in thin.sections:
        if section.kind == "iteration" and section.detailed:
            other = full_at[section.iteration]
            for offset in (1, section.end - section.first - 1):
                one = value_at(thin, w_thin, section.first + offset)
                two = value_at(full, w_full, other.first + offset)
                assert np.array_equal(thin.array(one.id), full.array(two.id))
                one, two = (
                    gradient_at(thin, w_thin, section.first + offset),
                    gradient_at(full, w_full, other.first + offset),
                )
                assert (one is None) == (two is None)


def test_a_failure_after_thinning_points_to_the_right_event(lab):
    source = TRAINING.replace("N)", "100)").replace("    hook()", "    if i == 77:\n        y + torch.ones(3)")
    trace = lab.record(source, fails=RuntimeError, detail_events=200)
    event = trace.events[trace.failure.event]
    assert event.kind == EventKind.ERROR
    assert [trace.tensors[o["tensor"]].shape for o in trace.failure.facts["operands"]] == [[2], [3]]
    assert trace.failure.facts["operands"][0]["name"] == "y"
    assert trace.sections[-1].detailed and trace.sections[-1].iteration == 77


def test_the_budget_counts_bytes_too(lab):
    source = TRAINING.replace("N)", "50)").replace("1.0, 2.0]", "1.0, 2.0]")
    trace = lab.record(source, detail_bytes=2000)
    assert not all(s.detailed for s in trace.sections)


def test_twenty_thousand_operators_in_one_iteration(lab):
    source = """
import torch
w = torch.tensor(1.0, requires_grad=True)
y = w
for i in range(20000):
    y = y + 1
loss = y * 1
loss.backward()
"""
    trace = lab.record(source, detail_events=1000)
    assert len([e for e in trace.events if e.kind == EventKind.BACKWARD]) == 20001
    assert [s.kind for s in trace.sections] == ["iteration"]
    graph = flow_graph(trace, 0)
    assert len(graph.nodes) > 60_000


def test_retention_keeps_ever_fewer():
    retention = Retention(100, 10)
    assert retention.is_spent(100, 0) and retention.is_spent(0, 10) and not retention.is_spent(99, 9)
    kept = [n for n in range(100, 100_000) if retention.keeps(n)]
    assert len(kept) < 100
    gaps = [b - a for a, b in pairwise(kept)]
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("number", [0, 4])
def test_numbers_are_ids_while_nothing_is_left_out(number):
    assert Renumbering().id_of(number) == number


def test_renumbering_closes_the_gaps():
    ids = Renumbering()
    ids.begin(10)
    ids.drop(20, [12, 15])
    ids.keep(25)
    ids.drop(30, [])
    assert [ids.id_of(n) for n in (9, 11, 12, 15, 19, 20, 24, 27, 30, 31)] == [9, -1, 10, 11, -1, 12, 16, -1, 17, 18]
    assert [ids.is_lost(n) for n in (9, 11, 12, 22, 27, 30)] == [False, True, False, False, True, False]


EPOCHS = """
import torch
w = torch.tensor([1.0, -1.0], requires_grad=True)
x = torch.tensor([1.0, 2.0])
for epoch in range(200):
    for i in range(3):
        LOOP(1)
        loss = (w * x).sum()
        loss.backward()
        w.grad = None
    LOOP(1)
    EMPTY(1)
    ENDLOOP(1)
    check = w.detach() * 2
    print(epoch)
"""


@pytest.mark.parametrize("is_replaying", [True, False])
def test_what_stands_between_epochs_is_thinned_out_with_them(lab, is_replaying):
    trace = lab.record(EPOCHS, detail_events=300, is_replaying=is_replaying)
    iterations = [s for s in trace.sections if s.kind == "iteration"]
    assert [s.iteration for s in iterations] == list(range(600))
    assert all(a.end == b.first for a, b in zip(trace.sections, trace.sections[1:]))
    between = [s for s in trace.sections if s.kind == "after"]
    assert len(between) == 200  # each holds a print, which is kept always
    assert between[0].detailed and between[-1].detailed
    whole = [s for s in between if [e.op for e in trace.events[s.first : s.end]] == ["detach", "mul", "print"]]
    assert 10 < len(whole) < 60
    assert [e.text for e in trace.events if e.kind == EventKind.PRINT] == [str(n) for n in range(200)]
    assert len(trace.events) < 1500
