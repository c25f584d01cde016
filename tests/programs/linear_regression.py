import torch
import torch.nn as nn
import torch.optim as optim

x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
y = 2 * x
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
loss_fn = nn.MSELoss()
optimizer = optim.SGD([w, b], lr=0.01)
for epoch in range(10):
    pred = w * x + b
    loss = loss_fn(pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch + 1}: loss {loss.item():.6f} w {w.item():.6f} b {b.item():.6f}")
print(w, b, w.grad, loss)
