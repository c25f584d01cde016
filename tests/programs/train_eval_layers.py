# Dropout and BatchNorm in training and in evaluation: running statistics, repeatable outputs.
import torch
from torch import nn

torch.manual_seed(6)
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 1))
print(net)
x = torch.randn(30, 4) * 2 + 1
y = x[:, :1] - x[:, 1:2]
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
for step in range(20):
    net.train()
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 4:
        net.eval()
        with torch.no_grad():
            print(step, f"{loss.item():.4f}", f"{nn.functional.mse_loss(net(x), y).item():.4f}")
norm = net[1]
print(norm.num_batches_tracked, norm.training)
print([round(v, 3) for v in norm.running_mean.tolist()])
print([round(v, 3) for v in norm.running_var.tolist()])
print(torch.equal(net(x), net(x)))
net.train()
print(torch.equal(net(x), net(x)), norm.num_batches_tracked)
drop = nn.Dropout(0.5)
print(drop(torch.ones(2, 8)))
drop.eval()
print(drop(torch.ones(4)))
images = nn.BatchNorm2d(3, momentum=None, affine=False)
for _ in range(3):
    images(torch.randn(4, 3, 5, 5) + 2)
print([round(v, 3) for v in images.running_mean.tolist()], images.num_batches_tracked.item())
layer = nn.LayerNorm(6)
out = layer(torch.arange(12.0).view(2, 6))
print(out, out.mean().abs().item() < 1e-6)
try:
    norm(torch.randn(1, 8))
except ValueError as error:
    print(error)
