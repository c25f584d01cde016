"""Softmax without dim

F.softmax(x) warns, and then guesses an axis. See what sums to 1 along which one.
"""
import torch
import torch.nn.functional as F

scores = torch.tensor([[2.0, 1.0, 0.1], [0.5, 2.5, 0.2]])
probabilities = F.softmax(scores)
print(probabilities)
print("rows sum to", probabilities.sum(dim=1))
