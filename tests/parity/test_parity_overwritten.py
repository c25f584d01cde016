"""Backward passes that are refused: after in-place writes, for unused inputs."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

PROGRAMS = """
x = torch.ones(2, requires_grad=True)
y = x.sigmoid()
y.add_(1)
y.sum().backward()

x = torch.ones(3, requires_grad=True)
y = x + 1
z = y**2
y.relu_()
z.sum().backward()

net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
opt = optim.SGD(net.parameters(), lr=0.1)
a, b = net(torch.ones(5, 2)).sum(), net(torch.ones(5, 2)).sum()
a.backward()
opt.step()
b.backward()

x = torch.ones(5, 2, 3, requires_grad=True)
m = nn.Linear(3, 4, bias=False)
y = m(x).sum()
with torch.no_grad():
    m.weight.mul_(2)
y.backward()

m = nn.Conv2d(3, 2, 3)
y = m(torch.ones(1, 3, 4, 4, requires_grad=True)).sum()
with torch.no_grad():
    m.weight.mul_(2)
y.backward()

m = nn.GRU(2, 3)
y = m(torch.ones(4, 1, 2))[0].sum()
with torch.no_grad():
    m.weight_hh_l0.mul_(2)
y.backward()

x = torch.ones(2, requires_grad=True)
w = torch.ones(2)
y = x * w
w.add_(1)
y.sum().backward()

x = torch.ones(2, 2, requires_grad=True)
y = x * 2
v = y[0]
z = v * v
y.add_(1)
z.sum().backward()

x = torch.ones(2, 2, requires_grad=True)
y = x * 2
z = y @ y
y.add_(1)
z.sum().backward()

x = torch.ones(4, requires_grad=True)
y = x * 1
z = y.chunk(2)[1] ** 2
y.add_(1)
z.sum().backward()

x = torch.zeros(4, requires_grad=True) * 1
a, b = x.chunk(2)
a.add_(1)

x = torch.ones(2, requires_grad=True)
y = x * 3
z = y * y
y.mul_(2)
y[0] = 3
z.sum().backward()

x = torch.ones(2, requires_grad=True)
y = x.clone()
z = y.pow(3)
y.zero_()
z.sum().backward()

m = nn.Embedding(4, 2, padding_idx=0)
z = (m.weight * m.weight).sum()
with torch.no_grad():
    m.weight[0] = 1
z.backward()

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * x
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]
y = Square.apply(torch.ones(2, requires_grad=True))
y.add_(1)
y.sum().backward()

x = torch.ones(2, requires_grad=True)
y = x.exp()
y += 1
with torch.autograd.detect_anomaly():
    y.sum().backward()

a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
torch.autograd.grad((a * 2).sum(), [a, b])

a = torch.ones(2, requires_grad=True)
torch.autograd.grad((a * 2).sum(), [a, torch.ones(2)])

a = torch.ones(2, requires_grad=True)
torch.autograd.grad(a.sum(), [a], materialize_grads=True, allow_unused=False)

a = torch.ones(2, requires_grad=True)
a.sum().backward(inputs=[torch.ones(2)])

a = torch.ones(2, requires_grad=True)
torch.autograd.grad(a.sum(), 3)
"""

ALLOWED = """
x = torch.arange(16.0).reshape(1, 1, 4, 4).requires_grad_()
net = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(inplace=True))
net(x - 7).sum().backward()
show(x.grad)

x = torch.arange(8.0).reshape(1, 1, 8).requires_grad_()
y = F.max_pool1d(x * -1, 3, stride=2, padding=1)
y.mul_(2)
(y * y).sum().backward()
show(x.grad)
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
def test_refusals_of_backward_are_worded_alike(program: str) -> None:
    compare(torch, program)


@pytest.mark.parametrize("program", blocks(ALLOWED))
def test_what_no_derivative_needs_may_be_overwritten(program: str) -> None:
    compare(torch, program)
