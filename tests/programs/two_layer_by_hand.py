# A two-layer network on tensors alone: forward and backward written out, no autograd.
import torch

torch.manual_seed(1)
n, d_in, hidden, d_out = 32, 20, 16, 4
x = torch.randn(n, d_in)
y = torch.randn(n, d_out)
w1 = torch.randn(d_in, hidden) * 0.2
w2 = torch.randn(hidden, d_out) * 0.2

learning_rate = 2e-3
for t in range(60):
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)
    loss = (y_pred - y).pow(2).sum().item()
    if t % 10 == 9:
        print(t, f"{loss:.4f}")

    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h_relu = grad_y_pred.mm(w2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = x.t().mm(grad_h)
    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
print(w2)
print(w1.shape, w1.dtype, w1.requires_grad)
