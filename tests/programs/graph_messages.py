"""A net on a graph: messages along edges, added up in several ways, and attention over the neighbours."""

import torch
from torch import nn
from torch.nn import functional as F


class Messages(nn.Module):
    def __init__(self, n_in, n_out, how):
        super().__init__()
        self.project = nn.Linear(n_in, n_out, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.how = how

    def forward(self, x, edges):
        source, target = edges
        degree = torch.zeros(len(x)).scatter_add_(0, target, torch.ones(len(target)))
        scale = degree.clamp(min=1).rsqrt()
        sent = self.project(x)[source] * (scale[source] * scale[target]).unsqueeze(-1)
        empty = torch.zeros(len(x), sent.size(1))
        match self.how:
            case "index_add":
                out = empty.index_add(0, target, sent)
            case "scatter_add":
                out = empty.scatter_add(0, target[:, None].expand_as(sent), sent)
            case "mean" | "amax" as reduce:
                out = empty.scatter_reduce(0, target[:, None].expand_as(sent), sent, reduce, include_self=False)
            case other:
                raise ValueError(f"{other!r} is no way to add up messages")
        return out + self.bias


class Attention(nn.Module):
    def __init__(self, n_in, n_out, heads):
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(n_in, n_out)
        self.weigh = nn.Parameter(torch.empty(heads, 2 * n_out // heads))
        nn.init.xavier_uniform_(self.weigh, gain=1.4)

    def forward(self, x, adjacency):
        n = len(x)
        h = self.project(x).view(n, self.heads, -1)
        i, j = adjacency.nonzero(as_tuple=True)
        score = F.leaky_relu(torch.einsum("ehc,hc->eh", torch.cat([h[i], h[j]], -1), self.weigh), 0.2)
        full = torch.full((n, n, self.heads), -torch.inf).index_put((i, j), score)
        self.share = full.softmax(1)
        return torch.einsum("ijh,jhc->ihc", self.share, h).reshape(n, -1)


torch.manual_seed(4)
pairs = torch.tensor([[0, 1], [1, 2], [2, 0], [3, 4], [4, 5], [5, 3], [2, 3]]).T
edges = torch.cat([pairs, pairs.flip(0), torch.arange(6).repeat(2, 1)], dim=1)
label = torch.tensor([0, 0, 0, 1, 1, 1])
x = torch.randn(6, 4)
for how in ("index_add", "scatter_add", "mean", "amax"):
    torch.manual_seed(8)
    first, second = Messages(4, 8, how), Messages(8, 2, how)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.05, weight_decay=5e-4)
    for _ in range(8):
        loss = F.cross_entropy(second(first(x, edges).relu(), edges), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{how:>12} {loss.item():.4f}", second(first(x, edges).relu(), edges).argmax(1))
adjacency = torch.zeros(6, 6)
adjacency[edges[0], edges[1]] = 1
print(adjacency.int(), adjacency.sum(1), (adjacency @ adjacency).diagonal())
layer = Attention(4, 6, heads=2)
out = layer(x, adjacency)
out.pow(2).mean().backward()
print(out[0], layer.share.sum(1)[0], f"{layer.weigh.grad.norm():.4f}")
pooled = torch.zeros(2, 4).index_add(0, label, x) / torch.bincount(label).unsqueeze(-1)
print(pooled, torch.unique(edges[0], return_counts=True)[1])
try:
    Messages(4, 2, "median")(x, edges)
except ValueError as error:
    print(error)
