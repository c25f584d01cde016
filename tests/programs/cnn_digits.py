# A small convolutional network on digits drawn as 8 x 8 pictures with noise.
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
glyphs = ["####..#..#..#..#####", "..#...#...#...#...#.", "####...#####.#...####"[:20], "###...#.###...#.###."]
shapes = torch.zeros(4, 1, 8, 8)
for i, glyph in enumerate(glyphs):
    rows = torch.tensor([1.0 if c == "#" else 0.0 for c in glyph]).view(5, 4)
    shapes[i, 0, 1:6, 2:6] = rows
labels = torch.arange(4).repeat(24)
pictures = shapes[labels] + 0.3 * torch.randn(96, 1, 8, 8)
train = TensorDataset(pictures[:80], labels[:80])
loader = DataLoader(train, batch_size=16, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 8, kernel_size=3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        return self.fc2(F.relu(self.fc1(x)))


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(5):
    running_loss = 0.0
    for i, (inputs, targets) in enumerate(loader, 0):
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f"[{epoch + 1}] loss: {running_loss / len(loader):.3f}")
net.eval()
correct = 0
with torch.no_grad():
    outputs = net(pictures[80:])
    _, predicted = torch.max(outputs, 1)
    correct += (predicted == labels[80:]).sum().item()
print(f"Accuracy: {100 * correct // 16} %", predicted.tolist())
print(net.conv1.weight[0, 0], net.conv2.weight.grad.shape)
