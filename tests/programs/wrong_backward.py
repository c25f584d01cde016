import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
z = x + torch.tensor([3.0, 4.0])
print(z)
z.backward()
