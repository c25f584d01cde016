"""Capsules whose outputs agree by routing."""

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(3)


def squash(s, dim=-1):
    n = torch.norm(s, dim=dim, keepdim=True)
    return (n**2 / (1 + n**2)) * (s / (n + 1e-8))


class PrimaryCaps(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2)

    def forward(self, x):
        o = self.conv(x)
        return squash(o.view(x.size(0), -1, 4))


class DigitCaps(nn.Module):
    def __init__(self, n_in, n_out=3, d_in=4, d_out=5, iters=3):
        super().__init__()
        self.W = nn.Parameter(0.1 * torch.randn(1, n_out, n_in, d_out, d_in))
        self.iters = iters

    def forward(self, x):
        u = torch.matmul(self.W, x[:, None, :, :, None]).squeeze(-1)
        b = torch.zeros(u.shape[:3] + (1,))
        for i in range(self.iters):
            c = F.softmax(b, dim=1)
            s = (c * u).sum(dim=2)
            v = squash(s)
            if i < self.iters - 1:
                b = b + (u @ v.unsqueeze(-1)).detach()
        return v, c


def margin_loss(v, y, m_pos=0.9, m_neg=0.1, lam=0.5):
    l = v.norm(dim=-1)
    t = F.one_hot(y, l.size(1)).float()
    return (t * F.relu(m_pos - l) ** 2 + lam * (1 - t) * F.relu(l - m_neg) ** 2).sum(1).mean()


prim = PrimaryCaps()
x = torch.rand(6, 1, 7, 7)
y = torch.randint(3, (6,))
n_caps = prim(x).shape[1]
dig = DigitCaps(n_caps)
print(n_caps, dig.W.shape)
opt = torch.optim.Adam([*prim.parameters(), *dig.parameters()], lr=0.01)
for i in range(6):
    v, c = dig(prim(x))
    loss = margin_loss(v, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(f"{loss.item():.5f}")
print(c.sum(1).flatten()[:4], c.shape)
print(v.norm(dim=-1).argmax(-1).tolist(), y.tolist())
recon = nn.Sequential(nn.Linear(15, 20), nn.ReLU(), nn.Linear(20, 49), nn.Sigmoid())
masked = v * F.one_hot(y, 3)[:, :, None]
r = recon(masked.flatten(1))
print(F.mse_loss(r, x.flatten(1)).item().__format__(".4f"), r.shape)
