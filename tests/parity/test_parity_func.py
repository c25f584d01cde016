# ruff: noqa: E501 - programs in text
"""torch.func: the same values, structures and refusals as in torch."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HEAD = """
from functools import partial
grad, vjp, jvp, vmap = func.grad, func.vjp, func.jvp, func.vmap
x = torch.tensor([0.5, 1.0, -2.0])
X = torch.arange(6.0).reshape(2, 3) / 3
def f(x):
    return (x.sin() * x**2).sum()
def g(x, y):
    return {"a": x * y.sum(), "b": (y**2, x.exp())}
"""

PROGRAMS = """
show(grad(f)(x), x.requires_grad, grad(f)(x).requires_grad)

show(grad(grad(lambda t: t**4))(torch.tensor(3.0)), grad(grad(grad(torch.sin)))(torch.tensor(1.0)))

show(grad(lambda x, y: (x * y).sum(), argnums=1)(x, x * 2), grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, x * 2), grad(lambda x, y: (x * y).sum(), argnums=-1)(x, x * 2))

show(func.grad_and_value(f)(x), grad(lambda x: (f(x), {"n": x * 2}), has_aux=True)(x), func.grad_and_value(lambda x: (f(x), x * 2), has_aux=True)(x))

show(grad(lambda p: (p["w"] @ x + p["b"]).sum())({"w": X, "b": torch.ones(2)}))

show(grad(lambda x: torch.tensor(1.0))(x))

w = torch.tensor(2.0, requires_grad=True)
out = grad(lambda x: (w * x**2).sum())(x)
show(out, out.requires_grad)
out.sum().backward()
show(w.grad)

xr = x.clone().requires_grad_()
out = grad(f)(xr)
show(out.requires_grad)
out.sum().backward()
show(xr.grad)

xr = x.clone().requires_grad_()
with torch.no_grad():
    out = grad(f)(xr)
show(out, out.requires_grad)

grad(lambda x: x * 2)(x)

grad(lambda x: 3.0)(x)

grad(f)(3.0)

grad(f, argnums=1)(x)

grad(f, argnums=(0, 0))(x)

grad(f, argnums=())(x)

grad(f, argnums="a")(x)

grad(lambda x: x.sum(), has_aux=True)(x)

out, pull = vjp(g, x, x * 2)
show(out)
show(pull({"a": x, "b": (x, x + 1)}), pull({"a": x, "b": (x, x + 1)}))

out, pull = vjp(torch.sin, x)
show(out, pull(torch.ones(3)), out.requires_grad)

out, pull, aux = vjp(lambda x: (x * 2, {"k": x + 1}), x, has_aux=True)
show(out, pull(torch.ones(3)), aux)

vjp(lambda x: x > 0, x)

show(jvp(torch.sin, (x,), (torch.ones(3),)))

show(jvp(g, (x, x * 2), (x + 1, x - 1)))

show(jvp(lambda x: (x * 2, x + 1), (x,), (x,), has_aux=True))

show(jvp(lambda x: torch.ones(2), (x,), (x,)))

jvp(lambda x: torch.ones(2), (x,), (x,), strict=True)

jvp(torch.sin, x, x)

show(func.jacrev(lambda x: x**2 * x.sum())(x), func.jacfwd(lambda x: x**2 * x.sum())(x))

show(func.jacrev(g, argnums=(0, 1))(x, x * 2))

show(func.jacfwd(g, argnums=1)(x, x * 2), func.jacrev(lambda x: (x**2, x.sum()), has_aux=True)(x))

show(func.jacrev(lambda p: p["w"] @ x)({"w": X}), func.jacrev(torch.sum)(x))

show(func.hessian(f)(x), func.hessian(lambda x: (x**3).sum())(X))

show(func.jacrev(func.jacrev(lambda x: x**3))(x), func.jacrev(x.dot)(x))

func.jacrev(torch.sin, chunk_size=0)

show(vmap(torch.dot)(X, X), vmap(torch.dot, in_dims=(0, None))(X, x), vmap(lambda a: a.sum())(X), torch.vmap(torch.sum)(X))

show(vmap(torch.mul, in_dims=(1, 0))(X, torch.ones(3, 2)), vmap(torch.mul, in_dims=(-1, 0), out_dims=1)(X, torch.ones(3, 2)))

show(vmap(vmap(lambda a, b: a * b, in_dims=(0, None)), in_dims=(None, 0))(x, x), vmap(vmap(torch.sin))(X))

show(vmap(lambda d: {"s": d["x"].sum(), "t": (d["x"], d["y"] + 1)}, in_dims=({"x": 0, "y": None},))({"x": X, "y": x}))

show(vmap(lambda a: (a, a * 2), out_dims=(0, 1))(X), vmap(lambda a: (a, a * 2), out_dims=-1)(X))

show(vmap(grad(f))(X), vmap(func.grad_and_value(f))(X), vmap(func.jacrev(torch.sin))(X), vmap(func.hessian(f))(X))

show(func.jacrev(vmap(torch.sin))(X), grad(lambda X: vmap(f)(X).sum())(X))

Xr = X.clone().requires_grad_()
vmap(f)(Xr).sum().backward()
show(Xr.grad)

show(vmap(lambda a: a.sum(), chunk_size=1)(X), vmap(partial(torch.add, alpha=2))(X, X), vmap(lambda a, k: a * k, in_dims=(0, None))(X, 3))

show(vmap(lambda a: 2 * x)(X), vmap(lambda a: (a, 5), out_dims=(0, None))(X))

vmap(f)()

vmap(f)(3)

vmap(f, in_dims=None)(X)

vmap(f, in_dims=[0])(X)

vmap(f, in_dims=(None,))(X)

vmap(f, in_dims=(2,))(X)

vmap(f, in_dims=(1.0,))(X)

vmap(torch.mul)(X, torch.ones(3, 2))

vmap(lambda a: 5)(X)

vmap(f, out_dims="x")(X)

vmap(f, out_dims=None)(X)

vmap(f, randomness="maybe")

vmap(f, chunk_size=0)

vmap(lambda a: a + torch.rand(()))(X)

out = vmap(lambda a: torch.rand(()), randomness="same")(X)
show(bool((out == out[0]).all()), out.shape)
out = vmap(lambda a: torch.rand(()), randomness="different")(X)
show(bool((out == out[0]).all()), out.shape)

m = nn.Linear(3, 2)
params = {k: v.detach() * 2 for k, v in m.named_parameters()}
show(func.functional_call(m, params, (X,)), func.functional_call(m, {"bias": torch.zeros(2)}, X), m(X))
show(grad(lambda p: func.functional_call(m, p, (X,)).pow(2).sum())(params))

m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
params = {k: v.detach() for k, v in m.named_parameters()}
def loss(p, x, y):
    return nn.functional.mse_loss(func.functional_call(m, p, (x,)), y)
per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(params, X, torch.ones(2, 1))
show(per_sample)
m.zero_grad()

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight
    def forward(self, x, *, k=1):
        return self.b(self.a(x)) * k
t = Tied()
new = {"a.weight": torch.eye(2) * 2}
show(func.functional_call(t, new, torch.ones(1, 2), {"k": 3}), func.functional_call(t, new, torch.ones(1, 2), tie_weights=False))

m = nn.Linear(3, 2)
func.functional_call(m, {"weight": torch.ones(2, 3)}, X, strict=True)

m = nn.Linear(3, 2)
func.functional_call(m, [{"weight": X}, {"weight": X}], X)

m = nn.Linear(3, 2)
func.functional_call(m, 3, X)

m = nn.BatchNorm1d(3)
p, b = dict(m.named_parameters()), {k: v.clone() for k, v in m.named_buffers()}
show(func.functional_call(m, (p, b), X), b, m.running_mean)

models = [nn.Linear(3, 2) for _ in range(3)]
params, buffers = func.stack_module_state(models)
show(params, buffers, params["weight"].requires_grad, params["weight"].is_leaf)
base = nn.Linear(3, 2)
show(vmap(lambda p, b, x: func.functional_call(base, (p, b), (x,)), in_dims=(0, 0, None))(params, buffers, X))

func.stack_module_state([])

func.stack_module_state([nn.Linear(1, 1), nn.ReLU()])
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
@pytest.mark.filterwarnings("ignore")
def test_transforms_agree(program: str) -> None:
    compare(torch, HEAD + program)
