import torch
import torch.nn as nn

model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(10, 3))
print(model)
model(torch.ones(4, 2))
