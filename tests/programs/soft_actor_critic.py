"""An actor with a squashed normal distribution, two critics, a temperature that is learned."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal
import copy
import numpy as np
from collections import deque
import random

LOG_STD_MAX, LOG_STD_MIN = 2, -20
random.seed(1)
np.random.seed(1)
torch.manual_seed(1)


def mlp(sizes, activation, output_activation=nn.Identity):
    layers = []
    for j in range(len(sizes) - 1):
        act = activation if j < len(sizes) - 2 else output_activation
        layers += [nn.Linear(sizes[j], sizes[j + 1]), act()]
    return nn.Sequential(*layers)


class SquashedGaussianMLPActor(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden, act_limit):
        super().__init__()
        self.net = mlp([obs_dim] + list(hidden), nn.ReLU, nn.ReLU)
        self.mu_layer = nn.Linear(hidden[-1], act_dim)
        self.log_std_layer = nn.Linear(hidden[-1], act_dim)
        self.act_limit = act_limit

    def forward(self, obs, deterministic=False, with_logprob=True):
        net_out = self.net(obs)
        mu = self.mu_layer(net_out)
        log_std = torch.clamp(self.log_std_layer(net_out), LOG_STD_MIN, LOG_STD_MAX)
        pi = Normal(mu, torch.exp(log_std))
        a = mu if deterministic else pi.rsample()
        logp = None
        if with_logprob:
            logp = pi.log_prob(a).sum(axis=-1)
            logp -= (2 * (np.log(2) - a - F.softplus(-2 * a))).sum(axis=1)
        return self.act_limit * torch.tanh(a), logp


class Q(nn.Module):
    def __init__(self, o, a, h):
        super().__init__()
        self.q = mlp([o + a] + list(h) + [1], nn.ReLU)

    def forward(self, obs, act):
        return torch.squeeze(self.q(torch.cat([obs, act], dim=-1)), -1)


pi, q1, q2 = SquashedGaussianMLPActor(2, 1, (16, 16), 1.0), Q(2, 1, (16,)), Q(2, 1, (16,))
print(pi)
targ = copy.deepcopy(nn.ModuleList([q1, q2]))
for p in targ.parameters():
    p.requires_grad = False
pi_opt = torch.optim.Adam(pi.parameters(), lr=3e-3)
q_opt = torch.optim.Adam([*q1.parameters(), *q2.parameters()], lr=3e-3)
log_alpha = torch.tensor(np.log(0.2), requires_grad=True)
a_opt = torch.optim.Adam([log_alpha], lr=1e-2)
print(log_alpha)
buf = deque(maxlen=200)
s = np.array([0.5, 0.0], dtype=np.float32)
for t in range(60):
    with torch.no_grad():
        a, _ = pi(torch.as_tensor(s)[None], with_logprob=False)
    a = a.numpy()[0]
    s2 = s + 0.1 * np.array([s[1], a[0]], dtype=np.float32)
    buf.append((s, a, -float(s2 @ s2), s2, t % 20 == 19))
    s = s2 if t % 20 != 19 else np.array([0.5, 0.0], dtype=np.float32)
    if t >= 31 and t % 4 == 0:
        batch = random.sample(buf, 16)
        o, a_, r, o2, d = (torch.as_tensor(np.array(v, dtype=np.float32)) for v in zip(*batch))
        with torch.no_grad():
            a2, lp2 = pi(o2)
            backup = r + 0.95 * (1 - d) * (torch.min(targ[0](o2, a2), targ[1](o2, a2)) - log_alpha.exp() * lp2)
        lq = ((q1(o, a_) - backup) ** 2).mean() + ((q2(o, a_) - backup) ** 2).mean()
        q_opt.zero_grad()
        lq.backward()
        q_opt.step()
        ap, lp = pi(o)
        lpi = (log_alpha.exp().detach() * lp - torch.min(q1(o, ap), q2(o, ap))).mean()
        pi_opt.zero_grad()
        lpi.backward()
        pi_opt.step()
        la = -(log_alpha * (lp.detach() - 1.0)).mean()
        a_opt.zero_grad()
        la.backward()
        a_opt.step()
        with torch.no_grad():
            for p, pt in zip([*q1.parameters(), *q2.parameters()], targ.parameters()):
                pt.data.mul_(0.95)
                pt.data.add_(0.05 * p.data)
        print(t, "%.4f %.4f %.4f" % (lq.item(), lpi.item(), log_alpha.exp().item()))
print(o.dtype, d.dtype, backup.dtype, log_alpha.dtype)
