import torch
from torch.autograd.functional import hessian, jacobian

x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
y = x**2
print(y)
print(jacobian(lambda t: t**2, x))
print(hessian(lambda t: (t**3).sum(), torch.tensor([1.0, 2.0])))
y.sum().backward()
print(x.grad)
z = torch.tensor(2.0, requires_grad=True)
(first,) = torch.autograd.grad(z**3, z, create_graph=True)
(second,) = torch.autograd.grad(first, z)
print(first, second)
torch.manual_seed(7)
print(torch.rand(2, 3), torch.randn(20), torch.randperm(6), torch.randint(0, 9, (2, 2)))
