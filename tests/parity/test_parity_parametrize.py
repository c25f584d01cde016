"""Parametrized weights: the numbers, names and refusals of torch."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HEAD = """
x = torch.randn(4, 3)
def state(m):
    show({k: v for k, v in m.state_dict().items()}, [k for k, p in m.named_parameters()])
def step(m):
    m.zero_grad()
    m(x).pow(2).sum().backward()
    show({k: p.grad for k, p in m.named_parameters()})
class Symmetric(nn.Module):
    def forward(self, X):
        return X.triu() + X.triu(1).t()
    def right_inverse(self, A):
        return A.triu()
class Double(nn.Module):
    def forward(self, X):
        return 2 * X
    def right_inverse(self, X):
        return X / 2
class Parts(nn.Module):
    def forward(self, a, b):
        return a + b
    def right_inverse(self, X):
        return X / 2, X / 2
"""

PROGRAMS = """
m = nn.Linear(3, 3)
parametrize.register_parametrization(m, "weight", Symmetric())
show(type(m).__name__, m.weight, parametrize.is_parametrized(m), parametrize.is_parametrized(m, "bias"), repr(m))
state(m)
step(m)
m.weight = torch.eye(3)
show(m.weight, m.parametrizations.weight.original)
parametrize.register_parametrization(m, "weight", Double())
show(m.weight)
step(m)
parametrize.remove_parametrizations(m, "weight")
show(type(m).__name__, m.weight)
state(m)

m = nn.Linear(3, 3)
parametrize.register_parametrization(m, "weight", Symmetric())
parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)
state(m)

m = nn.Linear(3, 2)
parametrize.register_parametrization(m, "weight", Parts())
state(m)
step(m)
m.weight = torch.ones(2, 3)
show(m.weight)
parametrize.remove_parametrizations(m, "weight")
state(m)

m = nn.Linear(3, 2)
parametrize.register_parametrization(m, "weight", Parts())
parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)

class N(nn.Module):
    n = 0
    def forward(self, X):
        N.n += 1
        return X * 1
m = nn.Linear(3, 2)
parametrize.register_parametrization(m, "weight", N())
before = N.n
with parametrize.cached():
    m(x), m(x), m.weight
show(N.n - before)
m(x), m(x)
show(N.n - before)

m = nn.Linear(3, 2)
parametrize.register_parametrization(m, "weight", nn.Linear(3, 4))

m = nn.Linear(3, 2)
parametrize.register_parametrization(m, "wait", Double())

parametrize.remove_parametrizations(nn.Linear(3, 2), "weight")

class One(nn.Module):
    def forward(self, X):
        return X
m = nn.Linear(3, 2)
parametrize.register_parametrization(m, "weight", One())
m.weight = torch.ones(2, 3)

m = parametrizations.weight_norm(nn.Linear(3, 2))
state(m)
show(repr(m), m.weight)
step(m)

m = parametrizations.weight_norm(nn.Conv2d(2, 3, 2), dim=None)
state(m)
show(m.weight)

m = parametrizations.spectral_norm(nn.Linear(3, 5))
state(m)
show(m.weight)
step(m)
m.eval()
show(m(x), m(x))

m = parametrizations.spectral_norm(nn.Conv2d(2, 3, 2), n_power_iterations=3)
show(m.weight, m(torch.ones(1, 2, 3, 3)))

m = parametrizations.spectral_norm(nn.ConvTranspose2d(2, 3, 2))
show(m.weight)

m = parametrizations.orthogonal(nn.Linear(3, 3))
show(m.weight)
step(m)

m = parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="cayley")
show(m.weight)
step(m)

m = parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="householder")
show(m.weight.t() @ m.weight)

m = parametrizations.orthogonal(nn.Linear(3, 5))
show((m.weight.t() @ m.weight - torch.eye(3)).abs().max() < 1e-5)

parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="x")

parametrizations.orthogonal(nn.Linear(3, 3), "bias")

parametrizations.spectral_norm(nn.Linear(3, 3), n_power_iterations=0)

parametrizations.spectral_norm(nn.Linear(3, 3), dim=2)

m = nn.utils.weight_norm(nn.Linear(3, 2))
state(m)
step(m)
show(m.weight)
nn.utils.remove_weight_norm(m)
state(m)

m = nn.utils.weight_norm(nn.Linear(3, 2))
nn.utils.weight_norm(m)

nn.utils.remove_weight_norm(nn.Linear(3, 2))

m = nn.utils.spectral_norm(nn.Linear(3, 2))
m(x)
state(m)
step(m)
m.eval()
show(m(x))
nn.utils.remove_spectral_norm(m)
state(m)

m = parametrizations.weight_norm(nn.GRU(3, 2), "weight_hh_l0")
show(m(x.unsqueeze(1))[0], list(m.state_dict()))

conv, bn = nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)
bn(conv(torch.randn(4, 2, 3, 3)))
conv.eval(), bn.eval()
fused = nn.utils.fuse_conv_bn_eval(conv, bn)
y = torch.randn(1, 2, 3, 3)
show(fused(y), bn(conv(y)))

nn.utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3))
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
@pytest.mark.filterwarnings("ignore")
def test_parametrizations_agree(program: str) -> None:
    compare(torch, HEAD + program)
