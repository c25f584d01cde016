"""A network as the right side of a differential equation, and the adjoint by hand."""

import torch
import torch.nn as nn
import numpy as np

torch.manual_seed(42)
np.random.seed(42)


def euler(f, t, x, dt):
    return x + dt * f(t, x)


def rk4(f, t, x, dt):
    k1 = f(t, x)
    k2 = f(t + dt / 2, x + dt / 2 * k1)
    k3 = f(t + dt / 2, x + dt / 2 * k2)
    k4 = f(t + dt, x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def odeint(f, x0, ts, method=rk4):
    xs = [x0]
    for t0, t1 in zip(ts[:-1], ts[1:]):
        xs.append(method(f, t0, xs[-1], t1 - t0))
    return torch.stack(xs)


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])


class Lambda(nn.Module):
    def forward(self, t, y):
        return torch.mm(y**3, true_A)


class ODEFunc(nn.Module):
    def __init__(self):
        super(ODEFunc, self).__init__()
        self.net = nn.Sequential(
            nn.Linear(2, 20),
            nn.Tanh(),
            nn.Linear(20, 2),
        )
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y**3)


class RunningAverageMeter(object):
    """Computes and stores the average and current value"""

    def __init__(self, momentum=0.99):
        self.momentum = momentum
        self.reset()

    def reset(self):
        self.val = None
        self.avg = 0

    def update(self, val):
        if self.val is None:
            self.avg = val
        else:
            self.avg = self.avg * self.momentum + val * (1 - self.momentum)
        self.val = val


true_y0 = torch.tensor([[2.0, 0.0]])
t = torch.linspace(0.0, 5.0, 60)
with torch.no_grad():
    true_y = odeint(Lambda(), true_y0, t)
print(true_y.shape, true_y[:4, 0])


def get_batch(batch_time=5, batch_size=8):
    s = torch.from_numpy(np.random.choice(np.arange(60 - batch_time, dtype=np.int64), batch_size, replace=False))
    batch_y0 = true_y[s]
    batch_t = t[:batch_time]
    batch_y = torch.stack([true_y[s + i] for i in range(batch_time)], dim=0)
    return batch_y0, batch_t, batch_y


func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-3)
loss_meter = RunningAverageMeter(0.97)
for itr in range(1, 31):
    optimizer.zero_grad()
    batch_y0, batch_t, batch_y = get_batch()
    pred_y = odeint(func, batch_y0, batch_t)
    loss = torch.mean(torch.abs(pred_y - batch_y))
    loss.backward()
    optimizer.step()
    loss_meter.update(loss.item())
    if itr % 10 == 0:
        with torch.no_grad():
            pred_y = odeint(func, true_y0, t, euler)
            loss = torch.mean(torch.abs(pred_y - true_y))
            print("Iter {:04d} | Total Loss {:.4f} | avg {:.4f}".format(itr, loss.item(), loss_meter.avg))

# adjoint by hand against autograd
w = torch.tensor(0.7, requires_grad=True)
x = torch.tensor(1.5)
ts = torch.linspace(0, 1, 21)
xs = odeint(lambda t, x: -w * x, x, ts, euler)
L = xs[-1] ** 2
(g,) = torch.autograd.grad(L, w)
a = 2 * xs[-1].detach()
dw = torch.tensor(0.0)
for i in range(20, 0, -1):
    dt = ts[i] - ts[i - 1]
    dw += a * dt * (-xs[i - 1].detach())
    a = a * (1 - dt * w.detach())
print(g.item(), dw.item())
print(f"{L.item():.6f} vs {1.5**2 * np.exp(-1.4):.6f}")
