"""Sentences for the steps of real runs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from graphlab.explain import describe_op, formula, narrate
from graphlab.trace.records import EventKind

LINEAR = """import torch
import torch.nn as nn
x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
y = torch.tensor([2.0, 4.0, 6.0, 8.0, 10.0])
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
loss_fn = nn.MSELoss()
optimizer = torch.optim.SGD([w, b], lr=0.01)
for epoch in range(2):
    pred = w * x + b
    loss = loss_fn(pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(epoch)
"""

MLP = """import torch
import torch.nn as nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(16, 3)
    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))
net = Net()
X = torch.tensor([[1.0, 2.0], [2.0, 1.0], [0.5, 0.5]])
Y = torch.tensor([0, 1, 2])
opt = torch.optim.Adam(net.parameters(), lr=0.1)
loss = nn.CrossEntropyLoss()(net(X), Y)
loss.backward()
opt.step()
"""

SHARED = """import torch
w = torch.tensor(2.0, requires_grad=True)
c = w * w + w
c.backward()
c = w + w
c.backward()
"""

FAILING = """import torch
x = torch.ones(2, 3)
y = x @ torch.ones(2, 3)
"""


def sentences(ran: object, kind: EventKind) -> list[str]:
    trace = ran.trace  # type: ignore[attr-defined]
    return [narrate(trace, e.id) for e in trace.events if e.kind == kind]


def test_update_says_the_arithmetic(run: Callable) -> None:
    told = sentences(run(LINEAR), EventKind.UPDATE)
    assert told[0] == "SGD moves w from 0 to 0.44: w − 0.01 × (−44)."
    assert told[1] == "SGD moves b from 0 to 0.12: b − 0.01 × (−12)."


def test_gradient_of_a_broadcast_number_is_added_up(run: Callable) -> None:
    told = " ".join(sentences(run(LINEAR), EventKind.BACKWARD))
    assert "for w it is added up" in told
    assert "w gets −44" in told


def test_accumulate_names_the_gradient(run: Callable) -> None:
    told = sentences(run(LINEAR), EventKind.ACCUMULATE)
    assert told[0] == "Backward starts at loss: the gradient of loss with respect to itself is 1."
    assert "w.grad becomes −44." in told


def test_relu_counts_what_it_stops(run: Callable) -> None:
    ran = run(MLP)
    forward = next(t for t in sentences(ran, EventKind.FORWARD) if "negative" in t)
    n = int(re.search(r"(\d+) of 48", forward).group(1))  # type: ignore[union-attr]
    assert 0 < n < 48
    assert f"({n} of 48)" in next(t for t in sentences(ran, EventKind.BACKWARD) if "relu" in t)


def test_contributions_are_counted(run: Callable) -> None:
    told = sentences(run(SHARED), EventKind.ACCUMULATE)
    assert any(t.startswith("Second of 3 contributions to the gradient of w") for t in told), told
    assert any(t.startswith("Third of 3 contributions to the gradient of w") for t in told), told
    assert any(t == "w.grad becomes 7: 2 is added to the 5 that was there." for t in told), told


def test_failure_names_operator_and_operands(run: Callable) -> None:
    (told,) = sentences(run(FAILING), EventKind.ERROR)
    assert told.startswith("matmul fails with x (2, 3)")


@pytest.mark.parametrize("source", [LINEAR, MLP, SHARED, FAILING])
def test_every_event_has_one_whole_sentence(source: str, run: Callable) -> None:
    trace = run(source).trace
    for event in trace.events:
        told = narrate(trace, event.id)
        assert told.strip(), event
        assert not re.search(r"[{}\x01]|\bNone\b|tensor\(|array\(|  |\n", told), told
        assert len(told) < 500, told
        assert "\x01" not in formula(trace, event.id)


def test_formula_carries_the_names(run: Callable) -> None:
    trace = run(LINEAR).trace
    found = {formula(trace, e.id) for e in trace.events}
    assert "pred = (w * x) + b" in found
    assert "w ← w − 0.01 · w.grad" in found


def test_event_outside_the_trace_has_no_sentence(run: Callable) -> None:
    trace = run("x = 1\n").trace
    assert narrate(trace, 5) == ""
    assert formula(trace, -1) == ""


def test_operator_is_described_for_a_tooltip() -> None:
    relu = describe_op("relu")
    assert relu["name"] == "relu"
    assert relu["formula"]
    assert describe_op("no such operator")["formula"] == ""


LOGS = """import torch
rate = torch.tensor([[0.0, 0.2, 0.5, 1.0]] * 6, requires_grad=True)
log_rate = torch.log(rate)
bad = log_rate * 0.0
loss = bad.sum()
loss.backward()
rest = torch.full((5, 5), float("inf")) - torch.full((5, 5), float("inf"))
one = torch.tensor([[1.0, 2.0, 0.0, 3.0, 4.0]]).reciprocal()
"""


def test_infinities_and_nan_are_counted_in_what_came_out(run: Callable) -> None:
    told = sentences(run(LOGS), EventKind.FORWARD)
    assert told[0].endswith("log_rate has shape (6, 4): 6 of 24 entries are −inf, the others go from −1.609 to 0.")
    assert told[1].endswith("bad has shape (6, 4): 6 of 24 entries are NaN, all others are 0.")
    assert told[2] == "All 24 entries of bad are summed into one number; loss is NaN."
    assert told[3].endswith("rest has shape (5, 5), every entry NaN.")
    assert told[4].endswith("one has shape (1, 5): 1 of 5 entries is inf, the others go from 0.25 to 1.")


def test_infinities_and_nan_are_counted_in_gradients(run: Callable) -> None:
    ran = run(LOGS)
    assert sentences(ran, EventKind.BACKWARD)[-1].endswith("in the gradient of rate 6 of 24 entries are NaN.")
    assert sentences(ran, EventKind.ACCUMULATE)[-1] == "rate.grad of shape (6, 4) is set: 6 of 24 entries are NaN."


def test_update_that_spoils_a_parameter_says_so(run: Callable) -> None:
    ran = run(
        "import torch\nw = torch.zeros(2, 4, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\n"
        "w.sqrt().sum().backward()\noptimizer.step()\n"
    )
    assert sentences(ran, EventKind.UPDATE) == ["SGD changes w: 8 of 8 entries are −inf, with learning rate 0.1."]


def test_only_what_leaves_a_module_is_called_its_output(run: Callable) -> None:
    ran = run(
        "import torch\nimport torch.nn as nn\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        return x.exp().log().exp().sum(1)\nnet = Net()\ny = net(torch.ones(3, 2)).sqrt()\n"
    )
    told = sentences(ran, EventKind.FORWARD)
    assert "the output of" not in " ".join(told[:4])
    assert "of each entry of the result of exp" in told[1]
    assert told[4].startswith("The square root of each entry of the output of net")


def test_shape_is_said_once(run: Callable) -> None:
    told = sentences(
        run("import torch\na = torch.ones(2, 3)\nb = a.reshape(3, 2).transpose(0, 1)\n"), EventKind.FORWARD
    )
    assert told[1].startswith("Dims 0 and 1 of the result of reshape (3, 2) are exchanged; b has shape (2, 3)")


def test_gradient_of_stacked_rows_is_not_said_to_be_added_up(run: Callable) -> None:
    source = """import torch
a = torch.ones(3, requires_grad=True)
table = torch.ones(4, 2, requires_grad=True)
torch.stack([a * 2.0, a * 3.0]).sum().backward()
torch.nn.functional.embedding(torch.tensor([[0, 1, 1], [2, 0, 1]]), table).sum().backward()
torch.nn.functional.conv1d(torch.ones(2, 1, 5), torch.ones(4, 1, 3, requires_grad=True)).sum().backward()
"""
    told = " ".join(sentences(run(source), EventKind.BACKWARD))
    assert "stack" in told and "embedding" in told and "conv1d" in told
    assert "added up over" not in told
