# A GAN on points of a ring: two optimizers, detach, BCEWithLogits.
import math

import torch
import torch.nn as nn

torch.manual_seed(111)
angle = 2 * math.pi * torch.rand(128)
ring = torch.stack((torch.cos(angle), torch.sin(angle)), dim=1) + 0.05 * torch.randn(128, 2)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1)
        )

    def forward(self, x):
        return self.model(x)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        return self.model(x)


discriminator, generator = Discriminator(), Generator()
loss_function = nn.BCEWithLogitsLoss()
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)
for epoch in range(10):
    for n in range(4):
        real = ring[n * 32 : (n + 1) * 32]
        fake = generator(torch.randn(32, 2))
        optimizer_d.zero_grad()
        loss_d = loss_function(discriminator(real), ones) + loss_function(discriminator(fake.detach()), zeros)
        loss_d.backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        loss_g = loss_function(discriminator(fake), ones)
        loss_g.backward()
        optimizer_g.step()
    if epoch % 2 == 1:
        print(f"Epoch: {epoch} Loss D.: {loss_d.item():.4f} Loss G.: {loss_g.item():.4f}")
generated = generator(torch.randn(100, 2)).detach()
print(f"{generated.norm(dim=1).mean().item():.3f}", [round(v, 3) for v in generated.mean(0).tolist()])
