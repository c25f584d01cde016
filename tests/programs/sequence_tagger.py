"""Sentences of different lengths, packed through an LSTM; hooks, weight norm, checkpointing and an averaged model."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(0)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4, padding_idx=0)
        self.lstm = nn.LSTM(4, 5, batch_first=True, bidirectional=True)
        self.mid = weight_norm(nn.Linear(10, 6))
        self.out = nn.Linear(6, 3)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        out, _ = self.lstm(packed)
        padded, _ = pad_packed_sequence(out, batch_first=True)
        return self.out(torch.tanh(checkpoint(self.mid, padded, use_reentrant=False)))


sentences = [torch.tensor([1, 2, 3]), torch.tensor([4, 5]), torch.tensor([6, 7, 8, 9])]
tags = [torch.tensor([0, 1, 2]), torch.tensor([0, 2]), torch.tensor([1, 1, 0, 2])]
words = pad_sequence(sentences, batch_first=True)
target = pad_sequence(tags, batch_first=True, padding_value=-100)
lengths = torch.tensor([len(s) for s in sentences])

model = Tagger()
average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
norms = []
model.mid.register_full_backward_hook(lambda module, grads, outs: norms.append(outs[0].norm().item()))
model.embed.weight.register_hook(lambda grad: grad * 0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(6):
    optimizer.zero_grad()
    logits = model(words, lengths)
    loss = F.cross_entropy(logits.reshape(-1, 3), target.reshape(-1), ignore_index=-100)
    loss.backward()
    optimizer.step()
    average.update_parameters(model)
    print(f"{epoch}: loss {loss.item():.4f}")
print([round(n, 4) for n in norms])
with torch.no_grad():
    print(model(words, lengths).argmax(-1))
    print(average(words, lengths).argmax(-1))
