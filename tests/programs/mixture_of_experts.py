"""Each token goes to the two experts that its router likes best; low-rank additions train a frozen mixture."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F


class Mixture(nn.Module):
    def __init__(self, width, n_experts, n_chosen):
        super().__init__()
        self.router = nn.Linear(width, n_experts, bias=False)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)) for _ in range(n_experts)
        )
        self.n_chosen = n_chosen
        self.register_buffer("load", torch.zeros(n_experts))

    def forward(self, x):
        flat = x.reshape(-1, x.size(-1))
        best, chosen = self.router(flat).topk(self.n_chosen, dim=-1)
        share = best.softmax(-1)
        out = torch.zeros_like(flat)
        for number, expert in enumerate(self.experts):
            token, place = torch.where(chosen == number)
            if token.numel():
                out.index_add_(0, token, expert(flat[token]) * share[token, place, None])
        self.load = F.one_hot(chosen, len(self.experts)).sum((0, 1)).float() / chosen.numel()
        return out.view_as(x)


class LowRank(nn.Module):
    def __init__(self, base, rank):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(rank))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + x @ self.down.T @ self.up.T

    def extra_repr(self):
        return f"rank={len(self.down)}"


def fit(net, steps, rate):
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate)
    losses = []
    for _ in range(steps):
        loss = F.mse_loss(net(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(f"{loss.item():.4f}")
    print(losses, sum(p.numel() for p in trained))


torch.manual_seed(3)
x = torch.randn(4, 5, 6)
y = x.roll(1, -1).sin()
net = Mixture(6, 4, 2)
fit(net, 5, 1e-2)
print(net.load, net.router.weight.grad.norm() > 0)
before = copy.deepcopy(net.state_dict())
net.requires_grad_(False)
for expert in net.experts:
    for name, layer in list(expert.named_children()):
        if isinstance(layer, nn.Linear):
            setattr(expert, name, LowRank(layer, 2))
print(net.experts[0])
y = y.flip(0)
fit(net, 5, 2e-2)
after = net.state_dict()
same = [torch.equal(before[f"experts.0.{i}.weight"], after[f"experts.0.{i}.base.weight"]) for i in (0, 2)]
print(same, len(before), len(after))
hard = F.gumbel_softmax(torch.randn(3, 4), tau=0.5, hard=True)
print(hard, hard.sum(-1))
