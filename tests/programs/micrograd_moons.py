# Two moons, a hinge loss with regularization, and second derivatives by create_graph.
import math

import torch
import torch.nn as nn

torch.manual_seed(1337)
n = 40
t = torch.linspace(0, math.pi, n)
upper = torch.stack((torch.cos(t), torch.sin(t)), 1)
lower = torch.stack((1 - torch.cos(t), 0.5 - torch.sin(t)), 1)
X = torch.cat((upper, lower)) + 0.1 * torch.randn(2 * n, 2)
y = torch.cat((torch.ones(n), -torch.ones(n)))
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
for k in range(25):
    scores = model(X).squeeze()
    data_loss = (1 - y * scores).relu().mean()
    reg_loss = 1e-4 * sum((p * p).sum() for p in model.parameters())
    total = data_loss + reg_loss
    accuracy = ((scores > 0) == (y > 0)).float().mean()
    model.zero_grad()
    total.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= (0.5 - 0.3 * k / 25) * p.grad
    if k % 5 == 4:
        print(f"step {k} loss {total.item():.4f}, accuracy {accuracy.item() * 100:.1f}%")

v = torch.tensor([0.5, -1.0], requires_grad=True)
f = (v**3).sum() + torch.sin(v).prod()
(g,) = torch.autograd.grad(f, v, create_graph=True)
print(g)
hessian = torch.stack([torch.autograd.grad(g[i], v, retain_graph=True)[0] for i in range(2)])
print(hessian)
print(torch.allclose(hessian, torch.autograd.functional.hessian(lambda v: (v**3).sum() + torch.sin(v).prod(), v)))
