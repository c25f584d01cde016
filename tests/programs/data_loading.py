# A Dataset of the user's own, a split, loaders with shuffling and a collate function, a training over them.
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, random_split


class Spiral(Dataset):
    def __init__(self, n):
        t = torch.linspace(0.3, 3.0, n)
        sign = torch.where(torch.arange(n) % 2 == 0, 1.0, -1.0)
        self.x = torch.stack((t * torch.cos(3 * t) * sign, t * torch.sin(3 * t) * sign), dim=1)
        self.y = (sign > 0).long()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


torch.manual_seed(2)
data = Spiral(90)
train, test = random_split(data, [70, 20], generator=torch.Generator().manual_seed(5))
print(len(train), len(test), train.indices[:5])
train_loader = DataLoader(train, batch_size=16, shuffle=True)
test_loader = DataLoader(test, batch_size=8)
print([len(y) for _, y in train_loader], len(DataLoader(train, batch_size=16, drop_last=True)))


def collate(items):
    xs, ys = zip(*items)
    return {"x": torch.stack(xs), "y": torch.stack(ys)}


batch = next(iter(DataLoader(Subset(data, [3, 1, 4]), batch_size=3, collate_fn=collate)))
print(batch["x"], batch["y"])

model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.03)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8):
    model.train()
    total = 0.0
    for x, y in train_loader:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * x.size(0)
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
    if epoch % 2 == 1:
        print(f"epoch {epoch}: loss {total / len(train):.4f}, right {right}/{len(test)}")
