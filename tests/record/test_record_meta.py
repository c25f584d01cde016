"""Runs with tensors of the meta device: recorded with shapes, without values, and without bytes."""

from graphlab.analysis.memory import holders
from graphlab.trace.records import EventKind

TRAINING = """
import torch
import torch.nn.functional as F
model = torch.nn.Sequential(torch.nn.Linear(3, 4, device="meta"), torch.nn.ReLU(), torch.nn.Linear(4, 2, device="meta"))
optimizer = torch.optim.Adam(model.parameters())
x = torch.randn(5, 3, device="meta")
y = torch.randint(0, 2, (5,), device="meta")
for _ in range(8):
    LOOP(1)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
ENDLOOP(1)
w = x[0]
w += 1
"""


def test_meta_tensors_have_shapes_and_no_values(lab):
    trace = lab.record(TRAINING)
    x = next(t for t in trace.tensors if t.name == "x")
    assert (tuple(x.shape), x.device) == ((5, 3), "meta")
    loss = next(t for t in trace.tensors if t.name == "loss")
    assert (tuple(loss.shape), loss.device) == ((), "meta")
    assert not [v for v in trace.values if trace.tensors[v.tensor].device == "meta"]
    assert sum(e.kind == EventKind.UPDATE for e in trace.events) == 8 * 4


def test_meta_tensors_hold_no_memory(lab):
    trace = lab.record(TRAINING)
    assert "meta" not in {m.device for m in trace.memory}
    held = {trace.tensors[h.tensor].device for h in holders(trace, len(trace.events) - 1)}
    assert "meta" not in held


def test_a_value_asked_of_meta_is_a_failure_like_others(lab):
    trace = lab.record("import torch\ntorch.empty((), device='meta').item()", fails=RuntimeError)
    assert trace.failure.message == "Tensor.item() cannot be called on meta tensors"
