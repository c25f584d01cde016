# A recurrent net whose gradients are clipped, by norm and by value, and gradients accumulated over small batches.
import torch
import torch.nn as nn

torch.manual_seed(9)
x = torch.randn(12, 20, 3)
y = x.sum(dim=(1, 2), keepdim=False).unsqueeze(1).sign()
rnn = nn.RNN(3, 10, batch_first=True)
head = nn.Linear(10, 1)
params = list(rnn.parameters()) + list(head.parameters())
with torch.no_grad():
    rnn.weight_hh_l0.mul_(3.0)
optimizer = torch.optim.SGD(params, lr=0.05)
for step in range(12):
    optimizer.zero_grad()
    out, h = rnn(x)
    loss = torch.nn.functional.mse_loss(head(out[:, -1]), y)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(params, max_norm=1.0)
    optimizer.step()
    if step % 3 == 2:
        print(step, f"{loss.item():.3f}", f"{norm.item():.2f}")
torch.nn.utils.clip_grad_value_(params, 0.01)
print(max(p.grad.abs().max().item() for p in params) <= 0.01)

optimizer.zero_grad()
whole = torch.nn.functional.mse_loss(head(rnn(x)[0][:, -1]), y)
whole.backward()
full = [p.grad.clone() for p in params]
optimizer.zero_grad()
for part_x, part_y in zip(x.chunk(3), y.chunk(3)):
    loss = torch.nn.functional.mse_loss(head(rnn(part_x)[0][:, -1]), part_y) / 3
    loss.backward()
print([torch.allclose(a, p.grad, rtol=1e-3, atol=1e-5) for a, p in zip(full, params)])
print(torch.nn.utils.parameters_to_vector(params).shape)
