"""torch.func: gradients of functions, of each sample, of many models at once; a Hessian; Newton's method."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, hessian, jacrev, jvp, stack_module_state, vjp, vmap

torch.manual_seed(0)


def energy(x):
    return (x[0] - 1) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2


point = torch.tensor([-1.0, 2.0], dtype=torch.float64)
for step in range(5):
    point = point - torch.linalg.solve(hessian(energy)(point), grad(energy)(point))
    print(step, [round(v, 4) for v in point.tolist()], round(energy(point).item(), 6))

print(jacrev(torch.tanh)(torch.linspace(-1, 1, 3)))
value, slope = jvp(torch.sin, (torch.tensor(0.5),), (torch.tensor(2.0),))
print(round(value.item(), 4), round(slope.item(), 4))
value, pull = vjp(lambda w: w**2, torch.tensor([1.0, 2.0]))
print(pull(torch.ones(2))[0])

net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
params = {name: p.detach() for name, p in net.named_parameters()}
x, y = torch.randn(5, 2), torch.randn(5, 1)


def loss_of(params, x, y):
    return F.mse_loss(functional_call(net, params, (x,)), y)


each = vmap(grad(loss_of), in_dims=(None, 0, 0))(params, x, y)
together = grad(loss_of)(params, x, y)
for name in params:
    print(name, tuple(each[name].shape), torch.allclose(each[name].mean(0), together[name], atol=1e-6))

models = [nn.Linear(2, 1) for _ in range(3)]
stacked, buffers = stack_module_state(models)
outs = vmap(lambda p, b: functional_call(models[0], (p, b), (x,)))(stacked, buffers)
print(outs.shape, torch.allclose(outs[1], models[1](x)))
