"""Two views of each sample are pulled together: contrasted, decorrelated, followed slowly."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import copy

torch.manual_seed(0)


def info_nce_loss(features, batch_size, n_views=2, temperature=0.5):
    labels = torch.cat([torch.arange(batch_size) for i in range(n_views)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    features = F.normalize(features, dim=1)
    similarity_matrix = torch.matmul(features, features.T)
    mask = torch.eye(labels.shape[0], dtype=torch.bool)
    labels = labels[~mask].view(labels.shape[0], -1)
    similarity_matrix = similarity_matrix[~mask].view(similarity_matrix.shape[0], -1)
    positives = similarity_matrix[labels.bool()].view(labels.shape[0], -1)
    negatives = similarity_matrix[~labels.bool()].view(similarity_matrix.shape[0], -1)
    logits = torch.cat([positives, negatives], dim=1)
    labels = torch.zeros(logits.shape[0], dtype=torch.long)
    logits = logits / temperature
    return logits, labels


class NTXent(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.t = temperature

    def forward(self, z1, z2):
        z = torch.cat([F.normalize(z1, dim=-1), F.normalize(z2, dim=-1)])
        sim = z @ z.t() / self.t
        sim.fill_diagonal_(-9e15)
        n = z1.size(0)
        target = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
        return F.cross_entropy(sim, target)


class Encoder(nn.Module):
    def __init__(self, out_dim=4):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True))
        self.projector = nn.Sequential(
            nn.Linear(16, 16, bias=False),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Linear(16, out_dim),
            nn.BatchNorm1d(out_dim, affine=False),
        )

    def forward(self, x):
        return self.projector(self.backbone(x))


def off_diagonal(x):
    n, m = x.shape
    assert n == m
    return x.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()


centers = torch.randn(3, 6) * 3
data = centers[torch.arange(48) % 3] + 0.3 * torch.randn(48, 6)
aug = lambda x: x + 0.2 * torch.randn_like(x) * (torch.rand(x.shape[0], 1) > 0.3)
model = Encoder()
print(model)
opt = torch.optim.Adam(model.parameters(), 3e-3, weight_decay=1e-6)
crit = nn.CrossEntropyLoss()
nt = NTXent(0.5)
for epoch in range(10):
    x = data[torch.randperm(48)[:16]]
    z = model(torch.cat([aug(x), aug(x)]))
    logits, labels = info_nce_loss(z, 16)
    loss = crit(logits, labels)
    z1, z2 = z.chunk(2)
    loss2 = nt(z1, z2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 3 == 0:
        print(epoch, "%.4f %.4f" % (loss.item(), loss2.item()), logits.shape)
# Barlow twins step
bt = Encoder()
z1, z2 = bt(aug(data)), bt(aug(data))
c = z1.T @ z2 / 48
on_diag = torch.diagonal(c).add_(-1).pow_(2).sum()
off = off_diagonal(c).pow_(2).sum()
loss = on_diag + 0.0051 * off
loss.backward()
print("%.4f %.4f" % (on_diag, off), bt.projector[0].weight.grad.norm() > 0)
# BYOL target
online, target = Encoder(), None
target = copy.deepcopy(online)
for p in target.parameters():
    p.requires_grad_(False)
predictor = nn.Linear(4, 4)
opt = torch.optim.SGD(list(online.parameters()) + list(predictor.parameters()), lr=0.05)
for i in range(3):
    p = predictor(online(aug(data)))
    with torch.no_grad():
        y = target(aug(data))
    loss = 2 - 2 * F.cosine_similarity(p, y.detach(), dim=-1).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    with torch.no_grad():
        for a, b in zip(online.parameters(), target.parameters()):
            b.data.mul_(0.99).add_(a.data, alpha=0.01)
    print(f"{loss:.4f}")
print([n for n, p in target.named_parameters() if p.requires_grad])
trip = nn.TripletMarginLoss(margin=1.0, p=2)
a, p, n = torch.randn(3, 5, 4).unbind(0)
print(trip(a, p, n), nn.CosineEmbeddingLoss(margin=0.1)(a, p, torch.tensor([1, -1, 1, -1, 1])))
d = torch.cdist(data[:4], centers)
print(d.argmin(1), d)
