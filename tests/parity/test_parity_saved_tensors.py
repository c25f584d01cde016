"""Hooks on saved tensors, and what a node of a program's own function tells: as in torch."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HEAD = """
graph = torch.autograd.graph
order = []
def pack(t):
    order.append(("pack", tuple(t.shape), t.requires_grad, t.is_leaf, torch.is_grad_enabled()))
    return t
def unpack(t):
    order.append(("unpack", tuple(t.shape), torch.is_grad_enabled()))
    return t
a = torch.tensor([0.5, 1.5], requires_grad=True)
w = torch.tensor([[2.0], [3.0]], requires_grad=True)
"""

PROGRAMS = """
with graph.saved_tensors_hooks(pack, unpack):
    y = (a * w).exp()
show(order)
y.sum().backward()
show(sorted(order), a.grad, w.grad)

with graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t):
    y = (a * 1).pow(2)
y.sum().backward()
show(a.grad)

kept = {}
def name(t):
    kept[len(kept)] = t.clone()
    return len(kept) - 1
with graph.saved_tensors_hooks(name, kept.pop):
    y = torch.tanh(a).sum()
show(sorted(kept))
y.backward()
show(sorted(kept), a.grad)

with graph.saved_tensors_hooks(pack, unpack):
    y = (a**3).sum()
g, = torch.autograd.grad(y, a, create_graph=True)
show(order, g, torch.autograd.grad(g.sum(), a))

with graph.saved_tensors_hooks(pack, unpack):
    y = a.exp()
g, = torch.autograd.grad(y.sum(), a, create_graph=True)
show(torch.autograd.grad(g.sum(), a))

with graph.saved_tensors_hooks(lambda t: order.append("outer"), unpack):
    with graph.saved_tensors_hooks(lambda t: (order.append("inner"), t)[1], lambda t: t):
        y = a.exp()
    z = y.cos()
show(order)
torch.autograd.grad(y.sum(), a)

with graph.saved_tensors_hooks(lambda t: 3, lambda t: t):
    y = a.exp()
y.sum().backward()

with graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
    y = a.exp()

with graph.saved_tensors_hooks(3, 4):
    pass

with graph.disable_saved_tensors_hooks("not here"):
    with graph.saved_tensors_hooks(pack, unpack):
        pass

with graph.save_on_cpu(), torch.no_grad():
    y = a.exp()
with graph.save_on_cpu():
    z = (a.exp() * w).sum()
z.backward()
show(y, a.grad, w.grad)

class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, by):
        ctx.by = by
        ctx.save_for_backward(x)
        return x * by
    @staticmethod
    def backward(ctx, g):
        return g * ctx.by, None
with graph.saved_tensors_hooks(pack, unpack):
    y = Scale.apply(a, 3.0)
show(order, y.grad_fn.by, y.grad_fn.saved_tensors, str(type(y.grad_fn)), repr(y.grad_fn).split(" at ")[0])
y.sum().backward()
y.grad_fn.saved_tensors
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
def test_saved_tensors_go_through_hooks(program: str) -> None:
    compare(torch, HEAD + program)
