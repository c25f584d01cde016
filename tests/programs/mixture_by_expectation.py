"""A mixture of two normal distributions, by expectation maximization and by gradients."""

import torch
from torch.distributions import MultivariateNormal, Categorical, MixtureSameFamily

torch.manual_seed(0)
mix = Categorical(torch.tensor([0.3, 0.7]))
comp = MultivariateNormal(
    torch.tensor([[-2.0, 0.0], [2.0, 1.0]]), torch.stack([torch.eye(2) * 0.5, torch.tensor([[1.0, 0.6], [0.6, 1.0]])])
)
gmm = MixtureSameFamily(mix, comp)
X = gmm.sample((150,))
print(X.shape, X.mean(0), torch.cov(X.T))
K, D = 2, 2
pi = torch.full((K,), 1 / K)
mu = X[[0, 1]].clone()
cov = torch.eye(D).repeat(K, 1, 1)
prev = -float("inf")
for it in range(30):
    logp = MultivariateNormal(mu, cov).log_prob(X[:, None]) + pi.log()
    ll = logp.logsumexp(1)
    r = (logp - ll[:, None]).exp()
    Nk = r.sum(0)
    mu = (r.T @ X) / Nk[:, None]
    d = X[:, None] - mu
    cov = torch.einsum("nk,nki,nkj->kij", r, d, d) / Nk[:, None, None] + 1e-6 * torch.eye(D)
    pi = Nk / len(X)
    if it % 10 == 0:
        print(it, f"{ll.mean():.5f}", pi)
    if (ll.mean() - prev).abs() < 1e-7:
        print("converged", it > 3)
        break
    prev = ll.mean()
o = mu[:, 0].argsort()
print(mu[o])
print(cov[o])
print(gmm.log_prob(X[:3]), gmm.mean)
bic = -2 * ll.sum() + 11 * torch.log(torch.tensor(150.0))
print("%.3f" % bic)
# gradient version
logits = torch.zeros(2, requires_grad=True)
m = mu.clone().requires_grad_()
L = torch.eye(2).repeat(2, 1, 1).requires_grad_()
opt = torch.optim.Adam([logits, m, L], lr=0.05)
for i in range(20):
    q = MixtureSameFamily(Categorical(logits=logits), MultivariateNormal(m, scale_tril=L.tril()))
    loss = -q.log_prob(X).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print("%.4f" % loss, torch.linalg.matrix_norm(L.detach()), q)
kde = lambda z: (
    torch.logsumexp(-0.5 * ((z[:, None] - X[None]) ** 2).sum(-1) / 0.25, 1)
    - torch.log(torch.tensor(150 * 2 * torch.pi * 0.25))
)
print(kde(torch.tensor([[0.0, 0.0], [2.0, 1.0]])))
w = torch.softmax(torch.tensor([1.0, 2.0, 3.0]), 0)
idx = Categorical(w).sample((1000,))
print(torch.bincount(idx).float().div(1000).sub(w).abs().max() < 0.06)
print(torch.distributions.kl_divergence(comp, MultivariateNormal(torch.zeros(2), torch.eye(2))))
