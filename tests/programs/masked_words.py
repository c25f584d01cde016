"""Words behind masks are guessed by a small encoder; pairs of letters are merged into longer pieces."""

import torch
from torch import nn
import torch.nn.functional as F
import math, random, re
from collections import Counter, defaultdict, OrderedDict

corpus = ["the cat sat on the mat", "a dog ate my homework", "the dog chased the cat", "my cat ate the fish"]
special = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]
words = Counter(w for s in corpus for w in s.split())
vocab = {w: i for i, w in enumerate(special + [w for w, c in sorted(words.items(), key=lambda kv: (-kv[1], kv[0]))])}
inv = {i: w for w, i in vocab.items()}
print(len(vocab), list(vocab.items())[:7])
random.seed(0)
torch.manual_seed(0)


def make_batch():
    ids, labels = [], []
    for s in corpus:
        toks = [vocab["[CLS]"]] + [vocab[w] for w in s.split()] + [vocab["[SEP]"]]
        lab = [-100] * len(toks)
        for i in range(1, len(toks) - 1):
            if random.random() < 0.3:
                lab[i] = toks[i]
                toks[i] = vocab["[MASK]"] if random.random() < 0.8 else random.randrange(4, len(vocab))
        pad = 9 - len(toks)
        ids.append(toks + [0] * pad)
        labels.append(lab + [-100] * pad)
    return torch.tensor(ids), torch.tensor(labels)


class BertLike(nn.Module):
    def __init__(self, v, d=16, h=2, n=2, maxlen=9):
        super().__init__()
        self.tok, self.pos, self.seg = nn.Embedding(v, d, padding_idx=0), nn.Embedding(maxlen, d), nn.Embedding(2, d)
        self.ln = nn.LayerNorm(d, eps=1e-12)
        layer = nn.TransformerEncoderLayer(d, h, 4 * d, 0.0, activation="gelu", batch_first=True)
        self.enc = nn.TransformerEncoder(layer, n, enable_nested_tensor=False)
        self.dense = nn.Linear(d, d)
        self.bias = nn.Parameter(torch.zeros(v))

    def forward(self, ids, seg=None):
        seg = torch.zeros_like(ids) if seg is None else seg
        x = self.ln(self.tok(ids) + self.pos(torch.arange(ids.size(1), device=ids.device)) + self.seg(seg))
        x = self.enc(x, src_key_padding_mask=ids.eq(0))
        return F.linear(F.gelu(self.dense(x)), self.tok.weight, self.bias)


m = BertLike(len(vocab))
print(sum(p.numel() for p in m.parameters()))
opt = torch.optim.AdamW(m.parameters(), lr=1e-2)
warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 5))
for step in range(12):
    ids, labels = make_batch()
    logits = m(ids)
    loss = F.cross_entropy(logits.view(-1, logits.size(-1)), labels.view(-1), ignore_index=-100)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(m.parameters(), 1.0, norm_type=2)
    opt.step()
    warm.step()
    if step % 4 == 3:
        print(step, "%.3f" % loss.item(), warm.get_last_lr())
m.eval()
with torch.no_grad():
    ids, labels = make_batch()
    pred = m(ids).argmax(-1)
mask = labels != -100
print(mask.sum().item(), pred[mask].shape, ids[0].tolist(), labels[0].tolist())
print(m.tok.weight[0].abs().sum(), m.tok.weight.grad[0].abs().sum() >= 0)


def bpe(words, n):
    vocab = {tuple(w) + ("</w>",): c for w, c in words.items()}
    merges = []
    for _ in range(n):
        pairs = defaultdict(int)
        for w, c in vocab.items():
            for a, b in zip(w, w[1:]):
                pairs[a, b] += c
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        new = {}
        for w, c in vocab.items():
            out, i = [], 0
            while i < len(w):
                if i + 1 < len(w) and (w[i], w[i + 1]) == best:
                    out.append(w[i] + w[i + 1])
                    i += 2
                else:
                    out.append(w[i])
                    i += 1
            new[tuple(out)] = c
        vocab = new
    return merges


print(bpe(words, 4))
print(re.findall(r"\w+|[^\w\s]", "Hello, world! it's"))
