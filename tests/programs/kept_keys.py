"""A decoder with rotary positions, shared keys and a cache; sampling, beam search, low-rank additions."""

import torch, math
from torch import nn
from torch.nn import functional as F
from collections import deque


class RMSNorm(nn.Module):
    def __init__(self, d, eps=1e-5):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d)), eps

    def forward(self, x):
        return (x.float() * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + self.eps)).type_as(x) * self.weight


def rope(x, pos, base=10000.0):
    d = x.shape[-1]
    f = base ** (-torch.arange(0, d, 2) / d)
    ang = pos[:, None] * f
    c = torch.polar(torch.ones_like(ang), ang)
    xc = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(xc * c).flatten(-2).type_as(x)


def repeat_kv(x, n):
    b, h, t, d = x.shape
    return x[:, :, None].expand(b, h, n, t, d).reshape(b, h * n, t, d)


class GQA(nn.Module):
    def __init__(self, d, h, kv):
        super().__init__()
        self.h, self.kv, self.hd = h, kv, d // h
        self.wq, self.wk, self.wv, self.wo = (
            nn.Linear(d, d, bias=False),
            nn.Linear(d, kv * self.hd, bias=False),
            nn.Linear(d, kv * self.hd, bias=False),
            nn.Linear(d, d, bias=False),
        )
        self.cache = None

    def forward(self, x, start=0, use_cache=False):
        B, T, _ = x.shape
        pos = torch.arange(start, start + T)
        q = rope(self.wq(x).view(B, T, self.h, self.hd).transpose(1, 2), pos)
        k = rope(self.wk(x).view(B, T, self.kv, self.hd).transpose(1, 2), pos)
        v = self.wv(x).view(B, T, self.kv, self.hd).transpose(1, 2)
        if use_cache:
            if self.cache is not None:
                k, v = torch.cat([self.cache[0], k], 2), torch.cat([self.cache[1], v], 2)
            self.cache = (k, v)
        k, v = repeat_kv(k, self.h // self.kv), repeat_kv(v, self.h // self.kv)
        s = q @ k.transpose(-1, -2) / math.sqrt(self.hd)
        S = k.size(2)
        s = s.masked_fill(torch.ones(T, S, dtype=torch.bool).triu(S - T + 1), float("-inf"))
        return self.wo((s.softmax(-1) @ v).transpose(1, 2).reshape(B, T, -1))


class Block(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.n1, self.n2, self.att = RMSNorm(d), RMSNorm(d), GQA(d, 4, 2)
        self.w1, self.w2, self.w3 = (
            nn.Linear(d, 24, bias=False),
            nn.Linear(24, d, bias=False),
            nn.Linear(d, 24, bias=False),
        )

    def forward(self, x, **kw):
        x = x + self.att(self.n1(x), **kw)
        h = self.n2(x)
        return x + self.w2(F.silu(self.w1(h)) * self.w3(h))


class LM(nn.Module):
    def __init__(self, v=12, d=16, n=2):
        super().__init__()
        self.emb, self.blocks, self.norm, self.out = (
            nn.Embedding(v, d),
            nn.ModuleList(Block(d) for _ in range(n)),
            RMSNorm(d),
            nn.Linear(d, v, bias=False),
        )

    def forward(self, x, **kw):
        x = self.emb(x)
        for b in self.blocks:
            x = b(x, **kw)
        return self.out(self.norm(x))


torch.manual_seed(0)
m = LM()
seq = (torch.arange(40) * 5) % 12
X = seq.unfold(0, 9, 4)
opt = torch.optim.AdamW(m.parameters(), 1e-2, betas=(0.9, 0.95))
for i in range(16):
    lg = m(X[:, :-1])
    loss = F.cross_entropy(lg.flatten(0, 1), X[:, 1:].flatten())
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 5 == 0:
        print(i, "%.4f" % loss)
m.eval()
with torch.no_grad():
    full = m(seq[None, :8])
    inc = []
    for b in m.blocks:
        b.att.cache = None
    for t in range(8):
        inc.append(m(seq[None, t : t + 1], start=t, use_cache=True))
    inc = torch.cat(inc, 1)
print(torch.allclose(full, inc, atol=1e-4), full.shape)


def sample(logits, temp=1.0, top_p=0.9, rep=1.2, prev=()):
    logits = logits.clone()
    for p in set(prev):
        logits[p] = logits[p] / rep if logits[p] > 0 else logits[p] * rep
    probs = (logits / temp).softmax(-1)
    sp, si = probs.sort(descending=True)
    cut = sp.cumsum(-1) - sp > top_p
    sp[cut] = 0
    sp /= sp.sum()
    return si[torch.multinomial(sp, 1)].item()


out = [0]
with torch.no_grad():
    for _ in range(6):
        out.append(sample(m(torch.tensor([out]))[0, -1], prev=out))
print(out)


def beam(k=3, steps=4):
    beams = [([0], 0.0)]
    for _ in range(steps):
        cand = []
        for s, sc in beams:
            lp = m(torch.tensor([s]))[0, -1].log_softmax(-1)
            v, i = lp.topk(k)
            cand += [(s + [j.item()], sc + w.item()) for w, j in zip(v, i)]
        beams = sorted(cand, key=lambda c: -c[1])[:k]
    return beams


with torch.no_grad():
    for s, sc in beam():
        print(s, "%.3f" % sc)
lora_A, lora_B = nn.Parameter(torch.randn(2, 16) * 0.01), nn.Parameter(torch.zeros(16, 2))
W = m.blocks[0].att.wq.weight
print(torch.equal(W + lora_B @ lora_A, W), (lora_A.numel() + lora_B.numel()) / W.numel())
