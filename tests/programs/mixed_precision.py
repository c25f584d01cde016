"""Autocast through functions, methods and layers; hooks on saved tensors."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x, w, labels = torch.randn(6, 4), torch.randn(4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
with torch.autocast("cpu", dtype=torch.bfloat16):
    kinds = [torch.mm(x, w), x @ w, F.linear(x, w), nn.Linear(4, 3)(x), F.softmax(x @ w, 1), (x @ w) + x]
    print([str(k.dtype) for k in kinds])
    print(F.cross_entropy(torch.mm(x, w), labels).dtype, F.mse_loss(x @ w, x).dtype)
    with torch.autocast("cpu", enabled=False):
        print(torch.mm(x, w).dtype)
print(torch.mm(x, w).dtype)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x):
        return x + self.net(x)


model = nn.Sequential(Block(4), Block(4), nn.Linear(4, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
        out = model(x)
        loss = F.cross_entropy(out, labels)
    loss.backward()
    optimizer.step()
    print(step, out.dtype, loss.dtype, f"{loss.item():.1f}", model[2].weight.grad.dtype)

kept = []
with torch.autograd.graph.saved_tensors_hooks(
    lambda t: (kept.append(tuple(t.shape)), t.double())[1], lambda t: t.float()
):
    y = torch.tanh(x * 2).sum()
leaf = x.clone().requires_grad_()
with torch.autograd.graph.save_on_cpu():
    z = torch.tanh(leaf * 2).sum()
z.backward()
print(kept, leaf.grad.norm())
print(nn.Sequential(nn.MaxPool2d(2), nn.ReLU(inplace=True))(torch.arange(16.0).view(1, 1, 4, 4) - 8))
