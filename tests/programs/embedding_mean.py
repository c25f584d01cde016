# Sentiment of short sentences: embeddings, their mean over the real words, one layer.
import torch
import torch.nn as nn
import torch.nn.functional as F

sentences = [
    ("a good film with a good heart", 1),
    ("bad plot and bad acting", 0),
    ("i liked the good music", 1),
    ("boring and far too long", 0),
    ("a wonderful story", 1),
    ("the worst film of the year", 0),
    ("great fun and great acting", 1),
    ("i fell asleep it was boring", 0),
]
vocab = {"<pad>": 0}
for text, _ in sentences:
    for word in text.split():
        vocab.setdefault(word, len(vocab))
width = max(len(text.split()) for text, _ in sentences)
ids = torch.zeros(len(sentences), width, dtype=torch.long)
for i, (text, _) in enumerate(sentences):
    words = [vocab[w] for w in text.split()]
    ids[i, : len(words)] = torch.tensor(words)
labels = torch.tensor([label for _, label in sentences], dtype=torch.float32)


class MeanPool(nn.Module):
    def __init__(self, n, dim):
        super().__init__()
        self.emb = nn.Embedding(n, dim, padding_idx=0)
        self.fc = nn.Linear(dim, 1)

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1)
        mean = (self.emb(ids) * mask).sum(dim=1) / mask.sum(dim=1)
        return self.fc(mean).squeeze(-1)


torch.manual_seed(20)
model = MeanPool(len(vocab), 8)
print(model, len(vocab))
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.3)
for epoch in range(20):
    optimizer.zero_grad()
    loss = F.binary_cross_entropy_with_logits(model(ids), labels)
    loss.backward()
    optimizer.step()
    if epoch % 5 == 4:
        print(epoch, f"{loss.item():.4f}")
print(model.emb.weight.grad[0])
print((torch.sigmoid(model(ids)) > 0.5).int())
near = F.cosine_similarity(model.emb.weight[vocab["good"]], model.emb.weight[vocab["great"]], dim=0)
print(f"{near.item():.3f}")
