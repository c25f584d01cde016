"""A layer that does not fit

The second layer expects 8 features, the first one gives 16. The error names the sizes; see which layer to change.
"""
import torch
import torch.nn as nn

torch.manual_seed(0)

model = nn.Sequential(
    nn.Linear(4, 16),
    nn.ReLU(),
    nn.Linear(8, 3),
)

x = torch.randn(5, 4)
output = model(x)
print(output.shape)
