"""Out of memory

A batch that is too large for the (simulated) 8 GiB of the GPU. See who holds the bytes, and what would help.
"""
import torch
import torch.nn as nn

device = "cuda"

model = nn.Sequential(
    nn.Linear(4096, 4096),
    nn.ReLU(),
    nn.Linear(4096, 4096),
    nn.ReLU(),
    nn.Linear(4096, 10),
).to(device)

x = torch.zeros(200000, 4096, device=device)
output = model(x)
loss = output.sum()
loss.backward()
print("peak:", torch.cuda.max_memory_allocated())
