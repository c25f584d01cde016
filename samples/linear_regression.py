"""Linear regression

Finds w and b of y = 2x from five points. Watch the loss fall while w climbs towards 2.
"""
import torch
import torch.nn as nn
import torch.optim as optim

x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
y = torch.tensor([2.0, 4.0, 6.0, 8.0, 10.0])

w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)

loss_fn = nn.MSELoss()
optimizer = optim.SGD([w, b], lr=0.01)

for epoch in range(10):
    y_pred = w * x + b
    loss = loss_fn(y_pred, y)

    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    print(f"Epoch {epoch + 1}: loss = {loss.item():.4f}, w = {w.item():.4f}, b = {b.item():.4f}")
