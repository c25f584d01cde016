"""Batches of a loader belong to the iteration that uses them and bear the names of the loop's variables."""

from contextlib import closing

import pytest

from graphlab.trace.store import TraceReader

PROGRAM = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
x = torch.arange(12.0).reshape(12, 1)
loader = DataLoader(TensorDataset(x, 2 * x), batch_size=4)
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
for epoch in range(3):
    for {target} in {loader}:
        loss = ((model({x}) - {y}) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        model(x)
"""

FORMS = {
    "unpacked": ({"target": "a, b", "loader": "loader", "x": "a", "y": "b"}, ["a", "b"]),
    "counted": ({"target": "i, (a, b)", "loader": "enumerate(loader)", "x": "a", "y": "b"}, ["a", "b"]),
    "whole": ({"target": "batch", "loader": "loader", "x": "batch[0]", "y": "batch[1]"}, ["batch[0]", "batch[1]"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_iteration_begins_with_its_batch(execute, form) -> None:
    fields, names = FORMS[form]
    ended = execute(PROGRAM.format(**fields))
    assert ended.outcome.status == "ok", ended.outcome
    with closing(TraceReader(ended.run.trace_path)) as trace:
        iterations = [section for section in trace.sections if section.kind == "iteration"]
        assert [section.iteration for section in iterations] == list(range(9))
        for section in iterations:
            first = trace.events[section.first : section.first + 3]
            assert [event.op for event in first] == ["batch", "batch", "linear"]
            assert [trace.tensors[event.outputs[0]].name for event in first[:2]] == names


def test_what_runs_between_epochs_is_no_iteration(execute) -> None:
    ended = execute(PROGRAM.format(**FORMS["unpacked"][0]))
    with closing(TraceReader(ended.run.trace_path)) as trace:
        kinds = [section.kind for section in trace.sections]
        assert kinds == ["setup", *(["iteration"] * 3 + ["after"]) * 3]
        between = [section for section in trace.sections if section.kind == "after"]
        for section in between:
            assert [event.op for event in trace.events[section.first : section.end]] == ["linear"]
        assert all(a.end == b.first for a, b in zip(trace.sections, trace.sections[1:], strict=False))
