import torch
import torch.nn as nn

net = nn.Linear(2, 3)
loss = nn.CrossEntropyLoss()(net(torch.ones(3, 2)), torch.tensor([[0], [1], [2]]))
