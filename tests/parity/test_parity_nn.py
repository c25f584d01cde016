"""Modules against the real torch: numbers, state, errors."""

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def both(function):
    engine.manual_seed(4)
    torch.manual_seed(4)
    return function(engine), function(torch)


def plain(value):
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.nn.Linear(5, 7),
        lambda t: t.nn.Linear(1, 1),
        lambda t: t.nn.Linear(300, 20),
        lambda t: t.nn.Linear(4, 3, dtype=t.float64),
        lambda t: t.nn.Bilinear(3, 4, 5),
        lambda t: t.nn.Embedding(10, 3),
        lambda t: t.nn.Embedding(3, 2, padding_idx=1),
        lambda t: t.nn.LayerNorm(4),
        lambda t: t.nn.BatchNorm1d(4),
        lambda t: t.nn.PReLU(),
        lambda t: t.nn.Sequential(t.nn.Linear(2, 16), t.nn.ReLU(), t.nn.Linear(16, 3)),
        lambda t: t.nn.ModuleDict({"b": t.nn.Linear(2, 2), "a": t.nn.Linear(2, 1, bias=False)}),
    ],
)
def test_initial_state(make):
    mine, theirs = both(make)
    assert plain(mine.state_dict()) == plain(dict(theirs.state_dict()))
    assert [name for name, _ in mine.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in mine.named_modules()] == [name for name, _ in theirs.named_modules()]


@pytest.mark.parametrize(
    "fill",
    [
        lambda t, w: t.nn.init.kaiming_uniform_(w, nonlinearity="relu"),
        lambda t, w: t.nn.init.kaiming_normal_(w, mode="fan_out"),
        lambda t, w: t.nn.init.xavier_uniform_(w, gain=t.nn.init.calculate_gain("tanh")),
        lambda t, w: t.nn.init.xavier_normal_(w),
        lambda t, w: t.nn.init.uniform_(w, -0.1, 0.1),
        lambda t, w: t.nn.init.normal_(w, 1.0, 0.02),
        lambda t, w: t.nn.init.constant_(w, 0.3),
        lambda t, w: t.nn.init.ones_(w),
        lambda t, w: t.nn.init.zeros_(w),
        lambda t, w: t.nn.init.eye_(w),
    ],
)
def test_init(fill):
    def run(t):
        layer = t.nn.Linear(6, 5)
        fill(t, layer.weight)
        return layer.weight.tolist()

    mine, theirs = both(run)
    assert mine == theirs


def _net(t):
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = t.nn.Linear(2, 3)
            self.fc2 = t.nn.Linear(3, 1)

        def forward(self, x):
            return self.fc2(t.relu(self.fc1(x)))

    return Net()


def _no_init(t):
    class Net(t.nn.Module):
        def __init__(self):
            self.fc = t.nn.Linear(2, 3)

    return Net()


def _no_init_call(t):
    class Net(t.nn.Module):
        def __init__(self):
            self.n = 3

        def forward(self, x):
            return x

    return Net()(1)


def _no_init_parameter(t):
    class Net(t.nn.Module):
        def __init__(self):
            self.w = t.nn.Parameter(t.ones(2))

    return Net()


def _assign(name, value):
    def run(t):
        setattr(_net(t), name, value(t))

    return run


@pytest.mark.parametrize(
    "wrong",
    [
        _no_init,
        _no_init_call,
        _no_init_parameter,
        lambda t: t.nn.Module()(1),
        lambda t: _net(t).fc9,
        _assign("fc1", lambda t: 3),
        _assign("fc1", lambda t: t.ones(2)),
        lambda t: setattr(_net(t).fc1, "weight", t.ones(3, 2)),
        lambda t: setattr(_net(t).fc1, "weight", "text"),
        lambda t: _net(t).load_state_dict({}),
        lambda t: _net(t).load_state_dict({"fc1.weight": t.ones(2, 2), "other": t.ones(1)}),
        lambda t: _net(t).load_state_dict(3),
        lambda t: _net(t).register_parameter("a.b", None),
        lambda t: _net(t).register_parameter("", None),
        lambda t: _net(t).register_parameter("fc1", None),
        lambda t: _net(t).register_parameter("w", t.ones(2)),
        lambda t: _net(t).register_buffer("w", 3),
        lambda t: _net(t).register_buffer(3, t.ones(1)),
        lambda t: _net(t).add_module("x", 3),
        lambda t: _net(t).add_module("a.b", t.nn.ReLU()),
        lambda t: _net(t).train(1),
        lambda t: _net(t).to(t.int64),
        lambda t: _net(t).get_submodule("fc1.nothing"),
        lambda t: _net(t).get_parameter("fc1"),
        lambda t: t.nn.Sequential(t.nn.ReLU())[3],
        lambda t: t.nn.Sequential(3),
        lambda t: t.nn.Sequential(t.nn.ReLU) and None,
        lambda t: t.nn.ModuleList([t.nn.ReLU()])[1],
        lambda t: t.nn.ModuleList(3),
        lambda t: t.nn.ModuleList([t.nn.ReLU()])(t.ones(1)),
        lambda t: t.nn.Dropout(2),
        lambda t: t.nn.Unflatten(1, 3),
        lambda t: t.nn.Linear(2, 3, foo=1),
        lambda t: t.nn.Linear(2),
        lambda t: t.nn.ReLU(foo=1),
        lambda t: t.nn.Sigmoid(3),
        lambda t: t.nn.Parameter(t.tensor([1, 2])),
        lambda t: t.nn.Parameter([1.0]),
        lambda t: t.nn.Linear(2, 3)(t.ones(4, 5)),
        lambda t: t.nn.Linear(2, 3)([1.0, 2.0]),
        lambda t: t.nn.Linear(2, 3)(),
        lambda t: _net(t)(t.ones(1, 2), t.ones(1)),
        lambda t: t.nn.Embedding(3, 2, padding_idx=5),
        lambda t: t.nn.init.xavier_uniform_(t.ones(3)),
        lambda t: t.nn.init.calculate_gain("nothing"),
        lambda t: t.nn.functional.nothing,
    ],
)
def test_refusals_in_the_same_words(wrong):
    try:
        wrong(torch)
    except Exception as error:
        there = error
    else:
        pytest.fail("torch does not refuse this")
    with pytest.raises(type(there)) as here:
        wrong(engine)
    cut = " at 0x"
    mine, theirs = str(here.value), str(there)
    mine = mine.replace("test_parity_nn.", "").replace("graphlab.engine.nn.container", "torch.nn.modules.container")
    assert mine.split(cut)[0] == theirs.replace("test_parity_nn.", "").split(cut)[0]


def test_a_parameter_replaced_keeps_its_place_and_its_attribute():
    def run(t):
        net = _net(t)
        net.fc1.weight = t.nn.Parameter(t.zeros(3, 2))
        net.fc1.bias = None
        net.other = t.nn.ReLU()
        net.fc2 = t.nn.Linear(3, 3)
        del net.other
        assert net.fc1.bias is None
        assert not hasattr(net, "other")
        assert net.fc1.weight is dict(net.named_parameters())["fc1.weight"]
        return [name for name, _ in net.named_parameters()], [name for name, _ in net.named_modules()], repr(net)

    mine, theirs = both(run)
    assert mine == theirs


def test_shared_parameters_are_listed_once():
    def run(t):
        shared = t.nn.Linear(2, 2)
        net = t.nn.Sequential(shared, shared)
        return (
            [name for name, _ in net.named_parameters()],
            [name for name, _ in net.named_parameters(remove_duplicate=False)],
            list(net.state_dict()),
        )

    mine, theirs = both(run)
    assert mine == theirs


def test_sequential_and_lists_as_sequences():
    def run(t):
        n = t.nn
        net = n.Sequential(n.Linear(2, 3), n.ReLU(), n.Linear(3, 1))
        net[1] = n.Tanh()
        net.append(n.Sigmoid())
        net.insert(1, n.Dropout(0.1))
        del net[0]
        net += n.Sequential(n.Identity())
        some = n.ModuleList([n.ReLU(), n.Tanh()])
        some.extend([n.Identity()])
        some.insert(0, n.Sigmoid())
        popped = some.pop(1)
        return (
            repr(net),
            repr(net[1:3]),
            len(net),
            repr(net[-1]),
            repr(some),
            repr(popped),
            repr(some[1:]),
            repr(net * 2),
        )

    mine, theirs = both(run)
    assert mine == theirs


def test_hooks_see_and_change_calls():
    def run(t):
        seen = []
        layer = t.nn.Linear(2, 2)
        first = layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
        second = layer.register_forward_hook(lambda module, args, out: seen.append(args[0].tolist()) or out + 1)
        with_hooks = layer(t.ones(1, 2)).tolist()
        first.remove()
        second.remove()
        return with_hooks, layer(t.ones(1, 2)).tolist(), seen

    mine, theirs = both(run)
    assert mine[2] == theirs[2]
    for a, b in zip(mine[:2], theirs[:2], strict=True):
        assert a[0] == pytest.approx(b[0], rel=1e-6)


def test_train_apply_zero_grad_and_requires_grad():
    def run(t):
        net = _net(t)
        names = []
        net.apply(lambda module: names.append(type(module).__name__))
        net.eval()
        modes = [module.training for module in net.modules()]
        net(t.ones(3, 2)).sum().backward()
        grads = [p.grad is None for p in net.parameters()]
        net.zero_grad()
        cleared = [p.grad is None for p in net.parameters()]
        net.requires_grad_(False)
        return (
            names,
            modes,
            grads,
            cleared,
            [p.requires_grad for p in net.parameters()],
            net.double().fc1.weight.dtype.itemsize,
        )

    mine, theirs = both(run)
    assert mine == theirs


def test_state_dict_round_trip_copies_and_keeps_memory():
    def run(t):
        one, other = _net(t), _net(t)
        before = other.fc1.weight
        result = other.load_state_dict(one.state_dict())
        assert other.fc1.weight is before
        with t.no_grad():
            one.fc1.weight.add_(1)
        return repr(result), plain(dict(other.state_dict()))

    mine, theirs = both(run)
    assert mine == theirs


@pytest.mark.parametrize("training", [True, False])
def test_clip_grad_norm(training):
    def run(t):
        net = _net(t)
        (net(t.ones(3, 2)).sum() * 10).backward()
        norm = t.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        t.nn.utils.clip_grad_value_(net.parameters(), 0.2)
        return [norm.item(), *[x for p in net.parameters() for x in p.grad.flatten().tolist()]]

    mine, theirs = both(run)
    assert mine == pytest.approx(theirs, rel=1e-5)


def test_data_loader_shuffles_the_same():
    import torch.utils.data as their_data

    from graphlab.engine.utils import data as mine_data

    def run(t, data):
        x = t.arange(23).reshape(23, 1).float()
        dataset = data.TensorDataset(x, t.arange(23))
        loader = data.DataLoader(dataset, batch_size=5, shuffle=True)
        order = [[b[1].tolist() for b in loader] for _ in range(2)]
        parts = data.random_split(dataset, [0.7, 0.3])
        rest = [b[1].tolist() for b in data.DataLoader(parts[0], batch_size=4, drop_last=True)]
        seeded = data.DataLoader(dataset, 10, shuffle=True, generator=t.Generator().manual_seed(3))
        return order, len(loader), [len(p) for p in parts], rest, [b[0].tolist() for b in seeded], t.rand(2).tolist()

    engine.manual_seed(1)
    torch.manual_seed(1)
    assert run(engine, mine_data) == run(torch, their_data)


ACTIVATIONS = ["ReLU", "LeakyReLU", "Sigmoid", "Tanh", "GELU", "SiLU", "ELU", "Softplus", "Hardtanh", "SELU", "Mish"]
ACTIVATIONS += ["LogSigmoid", "Softsign", "ReLU6"]
LAYERS = [
    lambda n: (n.LayerNorm(4), (3, 4)),
    lambda n: (n.LayerNorm((3, 4)), (2, 3, 4)),
    lambda n: (n.LayerNorm(4, elementwise_affine=False), (3, 4)),
    lambda n: (n.BatchNorm1d(4), (6, 4)),
    lambda n: (n.BatchNorm1d(4), (3, 4, 5)),
    lambda n: (n.BatchNorm1d(4, affine=False, momentum=None), (6, 4)),
    lambda n: (n.BatchNorm1d(4, track_running_stats=False).eval(), (6, 4)),
    lambda n: (n.PReLU(), (5, 4)),
    lambda n: (n.PReLU(4), (5, 4, 2)),
    lambda n: (n.Dropout(0.3), (50, 7)),
    lambda n: (n.Dropout(0.3).eval(), (5, 7)),
    lambda n: (n.Sequential(n.Linear(4, 8), n.ReLU(), n.Linear(8, 2)), (5, 4)),
    lambda n: (n.Sequential(n.Flatten(), n.Linear(12, 2), n.Softmax(dim=1)), (5, 3, 4)),
    *((lambda n, name=name: (getattr(n, name)(), (5, 4))) for name in ACTIVATIONS),
]


@pytest.mark.parametrize("make", LAYERS)
def test_layers_forward_backward_and_in_evaluation(make):
    def run(t):
        layer, shape = make(t.nn)
        x = t.randn(*shape, requires_grad=True)
        out = layer(x)
        (out * t.randn(*out.shape)).sum().backward()
        values = [*out.flatten().tolist(), *x.grad.flatten().tolist()]
        for p in layer.parameters():
            values += p.grad.flatten().tolist()
        for b in layer.buffers():
            values += b.flatten().tolist()
        layer.eval()
        again = layer(x.detach())
        return values + again.flatten().tolist(), out.grad_fn.name() if out.grad_fn is not x.grad_fn else None

    mine, theirs = both(run)
    assert mine[0] == pytest.approx(theirs[0], rel=2e-4, abs=2e-6)
    assert mine[1] == theirs[1]


def test_dropout_takes_the_same_entries():
    def run(t):
        x = t.ones(200)
        return [t.nn.functional.dropout(x, p).tolist() for p in (0.5, 0.1, 0.0, 1.0, 0.9)], t.rand(2).tolist()

    mine, theirs = both(run)
    assert mine == theirs


def test_bilinear():
    def run(t):
        layer = t.nn.Bilinear(3, 4, 2)
        a, b = t.randn(5, 3, requires_grad=True), t.randn(5, 4, requires_grad=True)
        out = layer(a, b)
        out.sum().backward()
        return [*out.flatten().tolist(), *a.grad.flatten().tolist(), *layer.weight.grad.flatten().tolist()]

    mine, theirs = both(run)
    assert mine == pytest.approx(theirs, rel=1e-4, abs=1e-6)
