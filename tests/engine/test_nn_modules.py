"""Modules and what an observer hears of them."""

import copy

import pytest

import graphlab.engine as torch
from graphlab.engine import nn, observe


class Listener:
    """Keeps the names of what it is told."""

    def __init__(self):
        self.heard = []

    def __getattr__(self, name):
        def hear(*args):
            self.heard.append((name, *(each if isinstance(each, str) else type(each).__name__ for each in args[:2])))

        return hear


@pytest.fixture
def listener():
    listener = Listener()
    before = observe.set_observer(listener)
    yield listener
    observe.set_observer(before)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return self.fc(x)


def test_an_observer_hears_modules_come_and_go(listener):
    net = Net()
    assert listener.heard == []
    x = torch.ones(1, 2)
    listener.heard.clear()
    net(x)
    assert listener.heard == [
        ("module_entered", "Net"),
        ("module_entered", "Linear"),
        ("forward", "linear", "tuple"),
        ("module_left", "Linear", "Tensor"),
        ("module_left", "Net", "Tensor"),
    ]


def test_modules_are_left_when_a_layer_refuses_its_input(listener):
    net = Net()
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        net(torch.ones(4, 7))
    names = [each[0] for each in listener.heard]
    assert names.count("module_entered") == names.count("module_left") == 2
    assert "failed" in names


def test_parameters_are_plain_attributes_too():
    net = Net()
    assert net.__dict__["fc"] is net._modules["fc"] is net.fc
    net.fc.weight = nn.Parameter(torch.zeros(3, 2))
    assert net.fc.__dict__["weight"] is net.fc._parameters["weight"]
    del net.fc
    assert "fc" not in net.__dict__ and "fc" not in net._modules
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'fc'"):
        net.fc  # noqa: B018


def test_numbering_of_a_container_holds_after_changes():
    net = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    del net[0]
    assert list(net._modules) == ["0", "1"]
    assert net.__dict__["0"] is net[0] and "2" not in net.__dict__


def test_a_deep_copy_shares_nothing():
    net = Net()
    other = copy.deepcopy(net)
    assert other.fc.weight is other.fc._parameters["weight"] is not net.fc.weight
    with torch.no_grad():
        other.fc.weight += 1
    assert other.fc.weight.tolist() != net.fc.weight.tolist()


def test_bytes_of_a_layer_on_the_simulated_gpu_are_counted():
    from graphlab.engine.device import CUDA0

    before = CUDA0.ledger.in_use
    layer = nn.Linear(100, 100, device="cuda")
    assert CUDA0.ledger.in_use - before == 40448 + 512
    del layer
    assert CUDA0.ledger.in_use == before


def test_a_layer_too_large_for_the_gpu_is_refused():
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        nn.Linear(100_000, 100_000, device="cuda")
