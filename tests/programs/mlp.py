import torch
import torch.nn as nn
from torch import optim

torch.manual_seed(42)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return self.fc2(x)


net = Net()
print(net)
points = torch.tensor([[0.5, 1.0], [-1.0, 0.3], [1.5, -0.7], [0.2, 0.2]])
labels = torch.tensor([0, 1, 2, 1])
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1)
for epoch in range(10):
    optimizer.zero_grad()
    out = net(points)
    loss = criterion(out, labels)
    loss.backward()
    optimizer.step()
    print(f"Epoch [{epoch + 1}/10], Loss: {loss.item():.4f}")
print(out)
print(net.fc2.bias, net.fc2.bias.grad)
with torch.no_grad():
    pred = net(torch.tensor([[0.4, 0.9]]))
    value, index = torch.max(pred.data, 1)
    print(value, index)
