"""One expression

A single line of algebra and its gradient: how much would the loss change if w or b did?
"""
import torch

x = torch.tensor([1.0, 2.0, 3.0])
y = torch.tensor([3.0, 5.0, 7.0])
w = torch.tensor(1.5, requires_grad=True)
b = torch.tensor(0.5, requires_grad=True)

loss = ((w * x + b - y) ** 2).mean()
loss.backward()

print("loss:", loss)
print("w.grad:", w.grad)
print("b.grad:", b.grad)
