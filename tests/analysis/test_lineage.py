"""Lit paths: where NaN and infinity are born, forward and backward, and where the path of a gradient ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "explain"))
from inprocess import run_program

from graphlab.analysis.lineage import Lineage, gradient_path, not_finite_path
from graphlab.explain.lineage import sentences
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader

HEAD = "import torch\nimport torch.nn as nn\ntorch.manual_seed(0)\n"


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Callable[[str], TraceReader]]:
    """Runs a program and gives its trace."""
    readers: list[TraceReader] = []

    def run(body: str) -> TraceReader:
        ran = run_program(HEAD + body, tmp_path / f"{len(readers)}.trace")
        assert ran.trace is not None and ran.trace.failure is None
        readers.append(ran.trace)
        return ran.trace

    yield run
    for reader in readers:
        reader.close()


def ops(trace: TraceReader, path: Lineage) -> list[str]:
    """The operators of a path in its order."""
    return [trace.events[step.event].op for step in path.steps]


def of(trace: TraceReader, name: str, event: int = -1) -> Lineage:
    """The gradient's path to a tensor by its name."""
    tensor = next(t.id for t in trace.tensors if t.name == name)
    path = gradient_path(trace, tensor, event)
    assert path is not None
    return path


def test_infinity_is_traced_to_the_entries_that_made_it(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "p = torch.ones(3, 6)\np[2, 5] = 0.0\nw = torch.ones(3, 6, requires_grad=True)\n"
        "h = torch.log(p * w)\nloss = h.mean()\nloss.backward()\n"
    )
    path = not_finite_path(trace)
    assert path is not None
    assert ops(trace, path) == ["log", "mean"]
    (entry,) = path.entries
    assert (entry.place, entry.value) == ((2, 5), float("-inf"))
    assert [(o.name, o.value) for o in entry.operands] == [("mul", 0.0)]
    assert sentences(trace, path)[0] == "`log` on line 7 makes −inf at [2, 5], where `mul` is 0."


def test_gradient_that_is_born_going_back_is_found_through_the_update(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "w = torch.zeros(2, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\nfor step in range(2):\n"
        "    loss = torch.sqrt(w).sum()\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n"
    )
    path = not_finite_path(trace)
    assert path is not None
    birth = trace.events[path.place]
    assert (birth.op, birth.kind) == ("sqrt", EventKind.BACKWARD)
    assert ops(trace, path)[0] == "sqrt" and ops(trace, path)[-1] == "sum"
    assert EventKind.UPDATE in {trace.events[step.event].kind for step in path.steps}


def test_finite_loss_with_a_gradient_that_is_not(traced: Callable[[str], TraceReader]) -> None:
    trace = traced("w = torch.zeros(2, requires_grad=True)\nloss = torch.sqrt(w).sum()\nloss.backward()\n")
    path = not_finite_path(trace)
    assert path is not None
    assert trace.tensors[path.tensor].name == "w.grad"
    assert trace.events[path.place].op == "sqrt"


def test_masking_with_infinity_is_no_birth(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "s = torch.zeros(3, 3, requires_grad=True)\nmask = torch.ones(3, 3).triu(1) > 0\n"
        "p = s.masked_fill(mask, float('-inf')).softmax(1)\nloss = p.sum()\nloss.backward()\n"
    )
    assert not_finite_path(trace) is None


def test_updates_by_hand_are_followed(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "w = torch.tensor([0.0, 1.0], requires_grad=True)\nfor step in range(3):\n    loss = w.sqrt().sum()\n"
        "    loss.backward()\n    with torch.no_grad():\n        w -= 0.1 * w.grad\n        w.grad.zero_()\n"
    )
    path = not_finite_path(trace)
    assert path is not None and trace.events[path.place].op == "sqrt"


def test_whole_path_has_a_norm_at_every_step(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "x = torch.ones(4, 2)\nfc = nn.Linear(2, 3)\nh = torch.tanh(fc(x))\nloss = (h ** 2).mean()\nloss.backward()\n"
    )
    path = of(trace, "fc.weight")
    assert path.reason == ""
    assert ops(trace, path)[:2] == ["backward", "mean"]
    assert trace.tensors[path.steps[-1].tensor].name == "fc.weight.grad"
    assert all(step.norm is not None for step in path.steps)


@pytest.mark.parametrize(
    ("body", "reason", "op"),
    [
        ("h = (w * 2).detach()\nloss = (h * v).sum()\n", "detach", "detach"),
        ("with torch.no_grad():\n    h = w * 2\nloss = (h * v).sum()\n", "no_grad", "mul"),
        ("h = (w * 2) > 1\nloss = (h * v).sum()\n", "integers", "gt"),
        ("h = torch.tensor((w * 2).sum().item())\nloss = (h * v).sum()\n", "left", "sum"),
        ("loss = v.sum()\n", "unused", ""),
        ("h = torch.relu(-w)\nloss = (h + v).sum()\n", "zero", "relu"),
    ],
)
def test_place_where_the_path_ends(traced: Callable[[str], TraceReader], body: str, reason: str, op: str) -> None:
    head = "w = torch.ones(2, requires_grad=True)\nv = torch.ones(2, requires_grad=True)\n"
    trace = traced(head + body + "loss.backward()\n")
    path = of(trace, "w")
    assert path.reason == reason
    assert (trace.events[path.place].op if path.place >= 0 else "") == op
    assert all("{" not in sentence and sentence.endswith(".") for sentence in sentences(trace, path))
    assert of(trace, "v").reason == ""


def test_path_to_a_cut_reaches_from_the_loss_and_from_the_tensor(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "w = torch.ones(2, requires_grad=True)\nv = torch.ones(2, requires_grad=True)\n"
        "h = (w * 2).detach()\nloss = (h * v).sum()\nloss.backward()\n"
    )
    path = of(trace, "w")
    assert ops(trace, path) == ["sum", "mul", "detach"]
    assert [trace.events[step.event].op for step in path.beyond] == ["mul"]


def test_what_wants_no_gradient_says_so(traced: Callable[[str], TraceReader]) -> None:
    trace = traced("x = torch.ones(2)\nw = torch.ones(2, requires_grad=True)\nloss = (x * w).sum()\nloss.backward()\n")
    assert of(trace, "x").reason == "not_wanted"
    assert of(trace, "w").reason == ""
    no_backward = traced("w = torch.ones(2, requires_grad=True)\ny = w * 2\n")
    assert of(no_backward, "w").reason == "no_backward"


def test_of_several_uses_the_largest_contribution_is_followed(traced: Callable[[str], TraceReader]) -> None:
    trace = traced(
        "w = torch.ones(2, requires_grad=True)\n"
        "loss = (w * 0.001).sum() + (w * 100).exp2().log().sum()\nloss.backward()\n"
    )
    assert "log" in ops(trace, of(trace, "w"))
