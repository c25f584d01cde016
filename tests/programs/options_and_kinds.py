"""Options, enumerations and the module's own tables, as scripts have them around a model."""

import argparse
import inspect
from collections import deque
from enum import Enum, IntEnum, auto
from operator import attrgetter
from types import SimpleNamespace

import torch
from torch import nn
from torch.autograd import Variable

parser = argparse.ArgumentParser(description="a small classifier")
parser.add_argument("--hidden", nargs="+", type=int, default=[6, 4])
parser.add_argument("--rate", type=float, default=0.1)
parser.add_argument("--no-bias", action="store_true")
parser.add_argument("--kind", choices=["relu", "tanh"], default="tanh")
options = parser.parse_args([])
print(options, parser.parse_args(["--hidden", "3", "--no-bias"]).hidden)


class Activation(Enum):
    RELU = "relu"
    TANH = "tanh"

    def layer(self):
        return {Activation.RELU: nn.ReLU, Activation.TANH: nn.Tanh}[self]()


class Stage(IntEnum):
    WARM = auto()
    FULL = auto()


print(Activation("relu"), Activation["TANH"].layer(), list(Activation.__members__), max(Stage), repr(Stage.WARM))
try:
    Activation("gelu")
except ValueError as error:
    print(error)

torch.manual_seed(0)
widths = [4, *options.hidden, 2]
layers = []
for before, after in zip(widths, widths[1:]):
    layers += [nn.Linear(before, after, bias=not options.no_bias), Activation(options.kind).layer()]
net = nn.Sequential(*layers[:-1])
print(net._modules["0"], list(net._modules), [name for name in net[0]._parameters], net._buffers)
net._modules["1"] = nn.ReLU()
print(net[1], sum(1 for module in net.modules() if isinstance(module, nn.Tanh)))

accepted = inspect.signature(torch.optim.SGD).parameters
settings = {"momentum": 0.9, "beta": 1}
optimizer = torch.optim.SGD(net.parameters(), lr=options.rate, **{k: v for k, v in settings.items() if k in accepted})
history = deque(maxlen=3)
state = SimpleNamespace(step=0, best=float("inf"))
x, y = torch.randn(16, 4), torch.arange(16) % 2
for state.step in range(6):
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())
    state.best = min(state.best, history[-1])
print(torch.tensor(history), torch.FloatTensor(history).mean(), torch.tensor([history, history]).shape)
print(f"{state.best:.4f}", state.step, [type(m).__name__ for m in sorted(net, key=attrgetter("__class__.__name__"))])

old = Variable(x[:2], requires_grad=True)
(slope,) = torch.autograd.grad(
    outputs=net(old).sum(), inputs=old, create_graph=True, retain_graph=True, only_inputs=True
)
penalty = ((slope.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
print(f"{penalty:.5f} {net[0].weight.grad.norm():.5f}", isinstance(x, Variable), torch.Tensor.float.__name__)
named = torch.autograd.grad(net(old).sum(), {"x": old, "w": net[0].weight})
print({name: tuple(g.shape) for name, g in named.items()})
