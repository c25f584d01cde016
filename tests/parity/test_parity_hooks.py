# ruff: noqa: E501 - programs in text
"""Hooks of modules and tensors: the same order, the same values, the same refusals as in torch."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HEAD = """
order = []
def note(name, result=None):
    def hook(*args):
        order.append(name)
        show(name, len(args), [a for a in args if isinstance(a, (torch.Tensor, tuple, dict))])
        return result
    return hook
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)
    def forward(self, x, *, scale=1.0):
        return torch.tanh(self.fc(x)) * scale
x = torch.arange(4.0).reshape(2, 2).requires_grad_()
m = Two()
"""

PROGRAMS = """
m.register_forward_hook(note("a"))
m.register_forward_hook(note("b"), prepend=True)
m.register_forward_pre_hook(note("c"))
m.register_forward_pre_hook(note("d"), prepend=True)
m.fc.register_forward_hook(note("e"))
show(m(x, scale=2.0), order)

m.register_forward_hook(note("a"), with_kwargs=True)
m.register_forward_pre_hook(note("b"), with_kwargs=True)
show(m(x, scale=2.0), order)

m.register_forward_pre_hook(lambda mod, args: args[0] * 2)
m.register_forward_pre_hook(lambda mod, args: (args[0] + 1,))
m.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"scale": 3.0}), with_kwargs=True)
m.register_forward_hook(lambda mod, args, out: out * 10)
m.register_forward_hook(lambda mod, args, out: (out, out))
show(m(x))

m.register_forward_pre_hook(lambda mod, args, kwargs: args, with_kwargs=True)
m(x)

handle = m.register_forward_hook(note("a"))
m(x)
handle.remove()
handle.remove()
m(x)
with m.register_forward_hook(note("b")):
    m(x)
m(x)
show(order)

m.register_forward_hook(note("a"), always_call=True)
m.register_forward_hook(note("b"))
try:
    m(torch.ones(2, 3))
except RuntimeError as error:
    show(str(error), order)
m(x)
show(order)

m.register_full_backward_hook(note("a"))
m.register_full_backward_hook(note("b"), prepend=True)
m.register_full_backward_pre_hook(note("c"))
m.register_full_backward_pre_hook(note("d"), prepend=True)
m.fc.register_full_backward_hook(note("e"))
m(x).sum().backward()
show(order, x.grad, m.fc.weight.grad)

m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 3,))
m(x).sum().backward()
show(x.grad, m.fc.weight.grad, m.fc.bias.grad)

m.register_full_backward_hook(lambda mod, gi, go: (gi[0], gi[0]))
m(x).sum().backward()

m.register_full_backward_pre_hook(lambda mod, go: (go[0], go[0]))
m(x).sum().backward()

m.register_full_backward_hook(note("a"))
m(x.detach()).sum().backward()
show(order, m.fc.weight.grad)

m.register_full_backward_hook(lambda mod, gi, go: (torch.ones(2, 2),))
m(x.detach()).sum().backward()

m.register_full_backward_hook(note("a"))
with torch.no_grad():
    show(m(x))
show(order)

class Many(nn.Module):
    def forward(self, x, n, y):
        return x * n, y + 1, n
many = Many()
many.register_full_backward_hook(note("a"))
y = torch.ones(2)
a, b, c = many(x, 3, y)
(a.sum() + b.sum()).backward()
show(x.grad, b.requires_grad, a.grad_fn.name())

net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
for i, layer in enumerate(net):
    layer.register_full_backward_hook(note(str(i)))
net(x).sum().backward()
show(order, [p.grad for p in net.parameters()])

handles = [module.register_module_forward_pre_hook(lambda mod, a: order.append("pre " + type(mod).__name__)),
    module.register_module_forward_hook(lambda mod, a, o: order.append("post " + type(mod).__name__)),
    module.register_module_full_backward_hook(lambda mod, gi, go: order.append("back " + type(mod).__name__)),
    module.register_module_full_backward_pre_hook(lambda mod, go: order.append("pre back " + type(mod).__name__))]
m.register_forward_hook(note("own"))
m.register_full_backward_hook(note("own back"))
m(x).sum().backward()
show(order)
for handle in handles:
    handle.remove()
m(x)
show(order)

m.register_state_dict_post_hook(lambda mod, sd, prefix, meta: (order.append(prefix), sd.pop(prefix + "fc.bias")) and None)
m.fc.register_state_dict_pre_hook(lambda mod, prefix, keep: order.append("pre " + prefix))
show(list(m.state_dict()), order)
m.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
show(str(m.load_state_dict(m.state_dict())))

m.register_load_state_dict_pre_hook(lambda mod, sd, prefix, meta, strict, missing, unexpected, errors: sd.pop("extra", None) and None)
state = m.state_dict()
state["extra"] = torch.ones(1)
show(str(m.load_state_dict(state)), "extra" in state)

class Counted(nn.Linear):
    n = 0
    def get_extra_state(self):
        return {"n": self.n}
    def set_extra_state(self, state):
        self.n = state["n"]
c = Counted(1, 1)
c.n = 7
state = nn.Sequential(c).state_dict()
show(list(state), state["0._extra_state"])
other = nn.Sequential(Counted(1, 1))
show(str(other.load_state_dict(state)), other[0].n)
del state["0._extra_state"]
other.load_state_dict(state)

y = x * 2
y.register_hook(note("1"))
y.retain_grad()
y.register_hook(lambda g: g * 3)
y.register_hook(note("2"))
x.register_hook(note("leaf"))
x.register_hook(lambda g: g + 1)
(y * y).sum().backward()
show(y.grad, x.grad, order)

y = x * 2
y.grad_fn.register_hook(note("node"))
y.grad_fn.register_prehook(note("pre"))
y.register_hook(note("tensor"))
y.sum().backward()
show(order)

y = x * 2
y.register_hook(lambda g: 3)
y.sum().backward()

y = x * 2
y.register_hook(lambda g: g.double())
y.sum().backward()

def wide(g):
    return torch.ones(3)
y = x * 2
y.register_hook(wide)
y.sum().backward()

x.detach().register_hook(note("a"))

def clear(p):
    order.append(float(p.grad.sum()))
    p.grad = None
w = torch.ones(2, requires_grad=True)
w.register_post_accumulate_grad_hook(clear)
(w * 2).sum().backward()
(w * 3).sum().backward()
show(order, w.grad)

(x * 2).register_post_accumulate_grad_hook(note("a"))

a = torch.arange(3.0, requires_grad=True)
show(torch.autograd.grad(a**2, a, torch.eye(3), is_grads_batched=True))
torch.autograd.grad(a**2, a, torch.ones(2, 4), is_grads_batched=True)

w = torch.ones(2, requires_grad=True)
opt = optim.SGD([w], lr=0.1)
handle = opt.register_step_pre_hook(lambda o, args, kwargs: order.append(("pre", len(args), kwargs)))
opt.register_step_post_hook(lambda o, args, kwargs: order.append(("post", len(args))))
w.sum().backward()
opt.step()
handle.remove()
opt.step()
show(order)

handle = x.register_hook(note("a"))
y = (x * 2).sum()
handle.remove()
y.backward()
show(order, x.grad)
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
@pytest.mark.filterwarnings("ignore")
def test_hooks_are_called_alike(program: str) -> None:
    compare(torch, HEAD + program)
