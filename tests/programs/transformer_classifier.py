# A TransformerEncoder with sinusoidal positions and a padding mask that tells whether a sequence holds its first token again.
import math

import torch
import torch.nn as nn


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=50):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[: x.size(0)]


class Classifier(nn.Module):
    def __init__(self, vocab, d_model=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, d_model, padding_idx=0)
        self.pos = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead=2, dim_feedforward=32, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.out = nn.Linear(d_model, 2)

    def forward(self, tokens):
        padding = tokens == 0
        x = self.pos(self.embed(tokens.t()) * math.sqrt(16))
        x = self.encoder(x, src_key_padding_mask=padding)
        keep = (~padding).t().unsqueeze(-1).float()
        return self.out((x * keep).sum(0) / keep.sum(0))


torch.manual_seed(0)
tokens = torch.randint(1, 12, (32, 9))
lengths = torch.randint(4, 10, (32,))
tokens[torch.arange(9).unsqueeze(0) >= lengths.unsqueeze(1)] = 0
labels = (tokens[:, 1:] == tokens[:, :1]).any(dim=1).long()
print(labels.sum(), tokens[0])
model = Classifier(12)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(20):
    logits = model(tokens)
    loss = nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 4:
        print(step, f"{loss.item():.4f}", f"{(logits.argmax(1) == labels).float().mean().item():.3f}")
print(model.embed.weight[0].abs().sum(), "pos.pe" in model.state_dict())
