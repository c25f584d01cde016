"""Optimizers by hand-worked values, and what an observer hears of them."""

import pytest

import graphlab.engine as torch
from graphlab.engine import nn, observe, optim


class Listener:
    """Keeps what it is told of updates."""

    def __init__(self):
        self.heard = []

    def updated(self, optimizer, param, params):
        self.heard.append((optimizer, param, params["lr"]))

    def zeroed(self, params):
        self.heard.append(("zeroed", len(params)))


def _parameter(value, grad):
    p = nn.Parameter(torch.tensor(value))
    p.grad = torch.tensor(grad)
    return p


def test_sgd_by_hand():
    p = _parameter([1.0, 2.0], [0.5, -1.0])
    optim.SGD([p], lr=0.5).step()
    assert p.tolist() == [0.75, 2.5]


def test_momentum_by_hand():
    p = _parameter([1.0], [1.0])
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5)
    optimizer.step()
    optimizer.step()
    assert p.tolist() == [1.0 - 0.5 - 0.75]


def test_the_first_step_of_adam_has_the_size_of_the_rate():
    p = _parameter([1.0, 1.0], [3.0, -0.001])
    optim.Adam([p], lr=0.1).step()
    assert p.tolist() == pytest.approx([0.9, 1.1], abs=1e-5)


def test_a_step_counts_as_an_in_place_change():
    w = nn.Parameter(torch.tensor([2.0]))
    loss = (w * w).sum()
    w.grad = torch.tensor([1.0])
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_memory_given_anew_is_what_is_updated():
    p = _parameter([1.0, 2.0], [1.0, 1.0])
    optimizer = optim.SGD([p], lr=1.0)
    optimizer.step()
    p.data = torch.tensor([10.0, 20.0])
    optimizer.step()
    optimizer.step()
    assert p.tolist() == [8.0, 18.0]


def test_an_observer_hears_each_update_and_gets_the_same_numbers():
    p = _parameter([1.0, 2.0], [0.5, -1.0])
    optimizer = optim.SGD([p], lr=0.5)
    listener = Listener()
    before = observe.set_observer(listener)
    try:
        optimizer.step()
        optimizer.zero_grad()
    finally:
        observe.set_observer(before)
    assert listener.heard == [("SGD", p, 0.5), ("zeroed", 1)]
    assert p.tolist() == [0.75, 2.5]
    assert p.grad is None


def test_an_empty_list_is_refused_with_its_kind():
    with pytest.raises(ValueError, match="optimizer got an empty parameter list") as refused:
        optim.SGD([], lr=0.1)
    assert refused.value.kind == "optimizer_empty"
