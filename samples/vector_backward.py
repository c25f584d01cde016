"""Backward from a vector

z has three numbers, and a gradient needs one. See what backward() asks for.
"""
import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)

z = x + y
z.backward()
print(x.grad)
