# An LSTM that predicts a sine wave one step ahead, then goes on alone.
import math

import torch
import torch.nn as nn

torch.manual_seed(0)
steps = torch.arange(0, 60, dtype=torch.float32)
waves = torch.stack([torch.sin(steps * 2 * math.pi / 20 + phase) for phase in (0.0, 0.7, 1.9, 3.1)])
inputs, targets = waves[:, :-1].unsqueeze(-1), waves[:, 1:].unsqueeze(-1)


class Sequence(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        out, state = self.lstm(x, state)
        return self.linear(out), state


model = Sequence()
print(model)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(30):
    optimizer.zero_grad()
    prediction, _ = model(inputs)
    loss = criterion(prediction, targets)
    loss.backward()
    optimizer.step()
    if epoch % 6 == 5:
        print(epoch, f"{loss.item():.5f}")
with torch.no_grad():
    out, state = model(inputs[:1])
    value = out[:, -1:]
    future = []
    for _ in range(6):
        value, state = model(value, state)
        future.append(round(value.item(), 3))
    print(future)
print(state[0].shape, state[1].shape)
print({name: tuple(p.shape) for name, p in model.named_parameters()})
