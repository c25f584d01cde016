"""The seam through which a run is watched: what is told, in which order."""

from __future__ import annotations

from typing import Any

import pytest

import graphlab.engine as torch
from graphlab.engine import observe


class Watcher:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def tell(*args: Any) -> None:
            self.told.append((name, *args))

        return tell

    def names(self) -> list[Any]:
        """The events in a few words."""
        return [(t[0], t[1]) if isinstance(t[1] if len(t) > 1 else None, str) else t[0] for t in self.told]


@pytest.fixture
def watcher() -> Any:
    made = Watcher()
    before = observe.set_observer(made)  # type: ignore[arg-type]
    yield made
    observe.set_observer(before)


def test_one_training_step_is_told_in_order(watcher: Watcher) -> None:
    x = torch.tensor([[1.0, 2.0]])
    w = torch.tensor([[0.5, -0.5]], requires_grad=True)
    loss = torch.mse_loss(torch.relu(torch.linear(x, w)), torch.tensor([[1.0]]))
    loss.backward()
    assert watcher.names() == [
        ("created", "tensor"),
        ("created", "tensor"),
        ("forward", "linear"),
        ("forward", "relu"),
        ("created", "tensor"),
        ("forward", "mse_loss"),
        "backward_started",
        "backward",
        "backward",
        "backward",
        "accumulated",
        "backward_ended",
    ]
    backward = [t for t in watcher.told if t[0] == "backward"]
    assert [t[1].op.name for t in backward] == ["mse_loss", "relu", "linear"]
    assert backward[-1][3][1].shape == (1, 2)


def test_sums_of_gradients_are_told(watcher: Watcher) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (x * x + x).backward()
    totals = [float(t[4]) for t in watcher.told if t[0] == "summed"]
    assert totals == [3.0, 5.0] or totals[-1] == 5.0
    assert all(t[1].variable is x for t in watcher.told if t[0] == "summed")


def test_failure_is_told_once_with_its_facts(watcher: Watcher) -> None:
    a, b = torch.ones(3, 2), torch.ones(3)
    with pytest.raises(RuntimeError):
        a + b
    with pytest.raises(RuntimeError):
        torch.linear(a, torch.ones(4, 5))
    failed = [t for t in watcher.told if t[0] == "failed"]
    assert [(t[1], t[4].kind) for t in failed] == [("add", "broadcast"), ("linear", "matmul")]
    assert failed[0][2] == (a, b)
    assert failed[1][4].facts["sizes"] == [2, 5]


def test_softmax_without_dim_warns_and_tells(watcher: Watcher) -> None:
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax has been deprecated"):
        torch.softmax(torch.ones(2, 3))
    warned = next(t for t in watcher.told if t[0] == "warned")
    assert warned[3:] == ("softmax_dim", {"op": "softmax", "shape": [2, 3], "dim": 1})


def test_in_place_writes_are_told_after_the_write(watcher: Watcher) -> None:
    x = torch.zeros(2)
    x += 1
    kind, op, tensor, inputs, _ = watcher.told[-1]
    assert (kind, op, tensor.tolist(), inputs[1]) == ("inplace", "add", [1.0, 1.0], 1.0)


def _entropy(target: Any) -> Any:
    return torch.cross_entropy(torch.ones(3, 4), target)


@pytest.mark.parametrize(
    ("call", "kind", "facts"),
    [
        (lambda: torch.ones(2, 3) @ torch.ones(2, 3), "matmul", {"sizes": [3, 2]}),
        (lambda: _entropy(torch.tensor([[0], [1], [2]])), "target_shape", {"target_shape": [3, 1]}),
        (lambda: _entropy(torch.tensor([0, 1, 7])), "target_range", {"target": 7, "n_classes": 4}),
        (lambda: torch.cross_entropy(torch.ones(3, 4), torch.ones(3)), "target_dtype", {"target_dtype": "float32"}),
        (lambda: torch.ones(2).sum(3), "dim_range", {"dim": 3, "n_dims": 1}),
        (lambda: torch.ones(6).view(4, 2), "reshape", {"shape": [6], "wanted": [4, 2]}),
        (lambda: torch.ones(2, 2).mm(torch.ones(2, 2).long()), "dtype_mix", {"dtypes": ["float32", "int64"]}),
        (lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)]), "concat", {"sizes": [3, 4]}),
        (lambda: torch.ones(3)[5], "index_range", {"index": 5, "size": 3}),
    ],
)  # fmt: skip
def test_errors_carry_their_kind_and_facts(call: Any, kind: str, facts: dict[str, Any]) -> None:
    with pytest.raises((RuntimeError, IndexError, ValueError)) as caught:
        call()
    assert caught.value.kind == kind  # type: ignore[attr-defined]
    found = caught.value.facts  # type: ignore[attr-defined]
    assert {k: found[k] for k in facts} == facts
