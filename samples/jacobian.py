"""A Jacobian

Every derivative of every output with respect to every input: x ** 2 for six numbers gives six times six of them.
"""
import torch
from torch.autograd.functional import jacobian


def square(x):
    return x ** 2


x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
J = jacobian(square, x)

print(J.shape)
print(J)
