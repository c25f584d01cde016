# An autoencoder that squeezes noisy points of a curve in 6 dimensions through 2.
import torch
from torch import nn

torch.manual_seed(3)
angle = torch.rand(64) * 6.2832
points = torch.stack([torch.cos(angle), torch.sin(angle), torch.cos(2 * angle)], dim=1)
data = points @ torch.randn(3, 6) + 0.05 * torch.randn(64, 6)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 2))
        self.decoder = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 6))

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(code), code


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
distance = nn.MSELoss()
for epoch in range(60):
    total = 0.0
    for batch in data.split(16):
        output, code = model(batch)
        loss = distance(output, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    if (epoch + 1) % 15 == 0:
        print(f"epoch [{epoch + 1}/60], loss:{total / len(data):.4f}")
model.eval()
with torch.no_grad():
    output, code = model(data[:3])
print(code.shape, f"{(output - data[:3]).abs().mean().item():.3f}")
state = model.state_dict()
print(list(state), state["encoder.0.weight"].shape)
again = Autoencoder()
print(again.load_state_dict(state))
print(torch.equal(again(data)[0], model(data)[0]))
