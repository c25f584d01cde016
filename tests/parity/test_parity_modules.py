# ruff: noqa: E501 - programs in text
"""Lazy layers, initial values, samplers, checkpointing, averaged models, late optimizers: the results of torch."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HEAD = """
def state(m):
    show({k: v for k, v in m.state_dict().items()})
def train(opt_of, n=4):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    opt = opt_of(net)
    x = torch.randn(5, 3)
    for _ in range(n):
        opt.zero_grad()
        net(x).pow(2).sum().backward()
        opt.step()
    state(net)
    return opt
"""

PROGRAMS = """
m = nn.LazyLinear(3)
show(repr(m), type(m).__name__, [str(p) for p in m.parameters()], m.has_uninitialized_params())
m(torch.randn(2, 4))
show(repr(m), type(m).__name__)
state(m)

m = nn.LazyLinear(3, bias=False)
m(torch.ones(2, 5))
state(m)

m = nn.LazyLinear(3)
m.weight.shape

net = nn.Sequential(nn.LazyConv2d(4, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
show(repr(net))
opt = optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(2, 3, 4, 4)
net(x).sum().backward()
opt.step()
show(repr(net), list(net.state_dict()))
state(net)

m = nn.LazyConv1d(4, 3, stride=2, groups=2, bias=False)
show(m(torch.randn(1, 4, 9)), repr(m))

m = nn.LazyConvTranspose2d(4, 3, 2, output_padding=1)
show(m(torch.randn(1, 3, 4, 4)), repr(m))

m = nn.LazyConv2d(4, 3)
m(torch.randn(3, 4))

m = nn.LazyInstanceNorm1d(affine=True)
show(m(torch.randn(2, 3, 4)), repr(m), list(m.state_dict()))

m = nn.LazyBatchNorm1d(momentum=0.3)
show(m(torch.randn(4, 3)), repr(m))
state(m)

m, source = nn.LazyLinear(3), nn.Linear(4, 3)
m.load_state_dict(source.state_dict())
show(m(torch.ones(1, 4)), source(torch.ones(1, 4)))

for shape in [(3, 3), (5, 3), (3, 5), (2, 3, 4)]:
    w = init.orthogonal_(torch.empty(shape), gain=2)
    show(w)

show(init.trunc_normal_(torch.empty(4, 5)), init.trunc_normal_(torch.empty(6), std=3.0, a=-1, b=1))

show(init.trunc_normal_(torch.empty(5, 5), mean=1.0, std=0.5, a=0, b=3), init.trunc_normal_(torch.empty(20), a=2, b=4))

show(init.dirac_(torch.empty(4, 2, 3)), init.dirac_(torch.empty(4, 2, 3, 3), 2), init.sparse_(torch.empty(6, 4), 0.5))

init.orthogonal_(torch.empty(3))

init.dirac_(torch.empty(3, 3))

show(init.uniform(torch.empty(3)), init.xavier_normal(torch.empty(2, 2)))

m = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10], div_value=2.0)
x, y = torch.randn(6, 16), torch.tensor([0, 3, 5, 11, 19, 9])
out = m(x, y)
out.loss.backward()
show(list(out), {k: p.grad for k, p in m.named_parameters()}, m.log_prob(x), m.predict(x), repr(m))
show(list(m(x[0], y[0])))

m = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [4])
m(torch.randn(2, 8), torch.tensor([0, 10]))

nn.AdaptiveLogSoftmaxWithLoss(8, 10, [4, 4])

show(list(data.WeightedRandomSampler([0.1, 5.0, 2.0], 8)), list(data.WeightedRandomSampler([0.1, 5.0, 2.0], 3, replacement=False)))

show(list(data.SubsetRandomSampler([5, 7, 9, 11])), len(data.SubsetRandomSampler([1, 2])))

data.WeightedRandomSampler([1.0], 0)

a = data.TensorDataset(torch.arange(4))
b = data.TensorDataset(torch.arange(4) * 2)
s = data.StackDataset(a, b)
show(s[1], len(s), data.StackDataset(x=a, y=b)[2])
loader = data.DataLoader(s, batch_size=2, sampler=data.SubsetRandomSampler(range(4)))
show([batch for batch in loader])

data.StackDataset(data.TensorDataset(torch.arange(4)), data.TensorDataset(torch.arange(3)))

net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 1))
x = torch.randn(5, 3, requires_grad=True)
for reentrant in (True, False):
    torch.manual_seed(1)
    net.zero_grad()
    x.grad = None
    y = checkpointing.checkpoint(net, x, use_reentrant=reentrant)
    y.sum().backward()
    show(y, x.grad, [p.grad for p in net.parameters()], torch.rand(1))

net = nn.Linear(3, 2)
y = checkpointing.checkpoint(net, torch.ones(1, 3), use_reentrant=False)
y.sum().backward()
show([p.grad for p in net.parameters()])

net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU())
x = torch.randn(2, 3, requires_grad=True)
y = checkpointing.checkpoint_sequential(net, 2, x, use_reentrant=False)
y.sum().backward()
show(y, x.grad, [p.grad for p in net.parameters()])

def two(a, b, k=1):
    return a * b * k, a + 1
a, b = torch.ones(2, requires_grad=True), torch.full((2,), 3.0)
p, q = checkpointing.checkpoint(two, a, b, k=2, use_reentrant=False)
(p.sum() + q.sum()).backward()
show(p, q, a.grad)

checkpointing.checkpoint(torch.sin, torch.ones(1), use_reentrant=True, k=3)

m = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
for avg in (swa_utils.AveragedModel(m), swa_utils.AveragedModel(m, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9)), swa_utils.AveragedModel(m, avg_fn=swa_utils.get_ema_avg_fn(0.8), use_buffers=True)):
    for i in range(3):
        with torch.no_grad():
            m[0].weight.add_(i)
        m(torch.randn(4, 3))
        avg.update_parameters(m)
    state(avg)
    show(avg.eval()(torch.ones(1, 3)))

m = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
swa_utils.update_bn([torch.randn(4, 3) for _ in range(3)], m)
state(m)

swa_utils.get_ema_avg_fn(2.0)

opt = optim.SGD([torch.ones(1, requires_grad=True)], lr=0.5)
s = swa_utils.SWALR(opt, swa_lr=0.05, anneal_epochs=4, anneal_strategy="linear")
rates = []
for _ in range(6):
    opt.step()
    s.step()
    rates.append(opt.param_groups[0]["lr"])
show(rates)

opt = optim.SGD([torch.ones(1, requires_grad=True)], lr=0.5)
s = swa_utils.SWALR(opt, swa_lr=0.05, anneal_epochs=3)
rates = []
for _ in range(5):
    opt.step()
    s.step()
    rates.append(opt.param_groups[0]["lr"])
show(rates)

train(lambda net: optim.Adafactor(net.parameters(), lr=0.1))

opt = train(lambda net: optim.Adafactor(net.parameters(), weight_decay=0.1, d=2.0, maximize=True))
show(list(opt.state_dict()["state"][0]), opt.state_dict()["state"][0]["row_var"])

optim.Adafactor([torch.ones(1, requires_grad=True)], d=0.5)

optim.Muon([torch.ones(1, requires_grad=True)])

m = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
m.set_submodule("0", nn.Linear(2, 3))
show(repr(m), m.get_submodule("0").out_features)
m.set_submodule("", nn.ReLU())
"""

MUON = """
train(lambda net: optim.Muon([net[0].weight, net[2].weight], lr=0.1))

train(lambda net: optim.Muon([net[0].weight, net[2].weight], lr=0.1, nesterov=False, adjust_lr_fn="match_rms_adamw"))
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
@pytest.mark.filterwarnings("ignore")
def test_modules_agree(program: str) -> None:
    compare(torch, HEAD + program)


@pytest.mark.parametrize("program", blocks(MUON))
@pytest.mark.filterwarnings("ignore")
def test_muon_agrees_as_far_as_bfloat16_does(program: str) -> None:
    compare(torch, HEAD + program, 2e-2)
