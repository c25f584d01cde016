# A network whose depth is drawn anew for each pass, with the same layer used several times.
import math
import random

import torch


class DynamicNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(()))
        self.b = torch.nn.Parameter(torch.randn(()))
        self.c = torch.nn.Parameter(torch.randn(()))
        self.d = torch.nn.Parameter(torch.randn(()))
        self.e = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x**2 + self.d * x**3
        for exp in range(4, random.randint(4, 6)):
            y = y + self.e * x**exp
        return y

    def string(self):
        return f"y = {self.a.item():.3f} + {self.b.item():.3f} x + {self.c.item():.3f} x^2 + {self.d.item():.3f} x^3"


class Shared(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(4, 8)
        self.middle = torch.nn.Linear(8, 8)
        self.last = torch.nn.Linear(8, 1)

    def forward(self, x):
        h = self.first(x).clamp(min=0)
        for _ in range(random.randint(0, 3)):
            h = self.middle(h).clamp(min=0)
        return self.last(h)


random.seed(7)
torch.manual_seed(7)
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
model = DynamicNet()
criterion = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
for t in range(120):
    y_pred = model(x)
    loss = criterion(y_pred, y)
    if t % 30 == 29:
        print(t, f"{loss.item():.1f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(model.string())

data, target = torch.randn(16, 4), torch.randn(16, 1)
net = Shared()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for t in range(60):
    loss = torch.nn.functional.mse_loss(net(data), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if t % 15 == 14:
        print(t, f"{loss.item():.4f}", net.middle.weight.grad is None or f"{net.middle.weight.grad.norm().item():.3f}")
