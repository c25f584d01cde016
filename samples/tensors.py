"""Tensors

What a tensor is: numbers with a shape and a type. Adds, multiplies, reshapes and slices a few of them.
"""
import torch

v = torch.tensor([1, 2, 3])
m = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

print(v)
print(m)
print("shape:", m.shape, "dtype:", m.dtype)

print("sum of the columns:", m.sum(dim=0))
print("row plus vector:", m + v)
print("matrix times vector:", m @ v.float())
print("turned:", m.T)
print("second column:", m[:, 1])
print("as one row:", m.reshape(1, 6))

a = torch.tensor([2.0, 3.0], requires_grad=True)
b = a * a
print(b)
