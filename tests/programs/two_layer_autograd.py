# The same network, the gradients by autograd and the update by hand.
import torch

dtype = torch.float
device = torch.device("cpu")
torch.manual_seed(2)
x = torch.randn(40, 12, device=device, dtype=dtype)
y = torch.randn(40, 3, device=device, dtype=dtype)
w1 = (torch.randn(12, 24, device=device, dtype=dtype) * 0.3).requires_grad_()
w2 = (torch.randn(24, 3, device=device, dtype=dtype) * 0.3).requires_grad_()

learning_rate = 1e-3
for t in range(80):
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    if t % 20 == 19:
        print(t, f"{loss.item():.4f}", loss.grad_fn.name())
    loss.backward()
    with torch.no_grad():
        w1 -= learning_rate * w1.grad
        w2 -= learning_rate * w2.grad
        w1.grad.zero_()
        w2.grad.zero_()
print(w1[0])
print(w2.grad.abs().sum(), w1.is_leaf, y_pred.is_leaf)
