"""A small net is trained, loses half of its weights by size, and is trained again with the holes kept."""

import torch
from torch import nn
from torch.nn.utils import prune

torch.manual_seed(2)
points = torch.rand(64, 2) * 2 - 1
inside = (points.norm(dim=1) < 0.7).long()
net = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 2))
loss_of = nn.CrossEntropyLoss()


def train(steps):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(net(points), inside)
        loss.backward()
        optimizer.step()
    return loss.item()


def holes(layer):
    return 100.0 * (layer.weight == 0).float().mean().item()


print(f"before: {train(40):.4f}")
prune.l1_unstructured(net[0], "weight", amount=0.5)
prune.ln_structured(net[2], "weight", amount=3, n=2, dim=1)
prune.random_unstructured(net[0], "bias", amount=2)
print([name for name, _ in net.named_parameters()], [name for name, _ in net.named_buffers()])
print(f"holes: {holes(net[0]):.1f} % and {holes(net[2]):.1f} %", net[2].weight_mask[0])
print(f"after: {train(40):.4f}", net[0].bias_mask.sum())
prune.l1_unstructured(net[0], "weight", amount=2)
print(f"holes: {holes(net[0]):.1f} %, pruned: {prune.is_pruned(net)}")
prune.global_unstructured([(net[0], "weight"), (net[2], "weight")], prune.L1Unstructured, amount=0.25)
print(f"holes: {holes(net[0]):.1f} % and {holes(net[2]):.1f} %")


class EverySecond(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


EverySecond.apply(net[2], "bias")
for layer, name in ((net[0], "weight"), (net[0], "bias"), (net[2], "weight"), (net[2], "bias")):
    prune.remove(layer, name)
print(net[2].bias, list(net.state_dict()))
for amount in (1.5, -1, 99, "half"):
    try:
        prune.l1_unstructured(net[0], "weight", amount=amount)
    except (ValueError, TypeError) as error:
        print(type(error).__name__, error)
try:
    prune.remove(net[0], "weight")
except ValueError as error:
    print(error)
