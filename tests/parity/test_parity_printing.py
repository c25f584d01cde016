"""What tensors and modules look like, against the real torch."""

import itertools

import numpy as np
import pytest

import graphlab.engine as engine
from graphlab.engine import nn, printing

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

NAN, INF = float("nan"), float("inf")
DATA = [
    1.5,
    3,
    True,
    [],
    [[]],
    [[], []],
    [1, 2, 3],
    [[1, -2], [30, 4]],
    [True, False],
    [1.0, 2.0],
    [1.0, 2.5],
    [0.0],
    [-0.0],
    [1e-5, 1.0],
    [1e8, 1.0],
    [1e9, 2e9],
    [0.0001],
    [0.00001],
    [1000.0, 0.5],
    [1001.0, 1.0],
    [123456.789],
    [NAN],
    [INF, -INF],
    [NAN, 1.0],
    [INF, 1.5],
    [NAN, 1e10, 1.0],
    [1e10],
    [3.0, 1e10],
    [1e-10, 0.0],
    [-1.5, 2.25],
    [[[1.0, 2.0]], [[3.0, 4.0]]],
    list(range(30)),
    [[float(i * j) for i in range(12)] for j in range(3)],
    [0.1] * 40,
    [-100000, 1],
    [1.0, -1.0, 1e5],
    [9.9999e7],
    [1e8 + 8],
    [99999.5],
    [0.99999],
    [[1.0]],
    [[[[1.5]]]],
]


def _same(mine, theirs):
    assert repr(mine) == repr(theirs)
    assert str(mine) == str(theirs)


@pytest.mark.parametrize("data", DATA, ids=str)
def test_small_tensors(data):
    _same(engine.tensor(data), torch.tensor(data))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 0), (4,), (2, 3), (1, 1, 2)])
def test_every_type_and_shape(dtype, shape):
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) * 3 - 2).astype(dtype)
    _same(engine.from_numpy(array), torch.from_numpy(array))


@pytest.mark.parametrize(
    "shape", [(1001,), (1000,), (40, 40), (7, 200), (3, 500), (11, 11, 11), (2, 3, 4, 60), (5000, 1)]
)
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e6])
def test_summaries(shape, scale):
    engine.manual_seed(1)
    torch.manual_seed(1)
    _same(engine.randn(*shape), torch.randn(*shape))
    array = (np.arange(np.prod(shape)).reshape(shape) * scale).astype(np.float32)
    _same(engine.from_numpy(array), torch.from_numpy(array))


def test_random_values_over_many_magnitudes():
    rng = np.random.default_rng(0)
    for n, exponent in itertools.product((1, 3, 17, 200), range(-8, 12)):
        array = (rng.standard_normal(n) * 10.0**exponent).astype(np.float32)
        _same(engine.from_numpy(array), torch.from_numpy(array))


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.tensor([1.0, 2.0], requires_grad=True),
        lambda t: t.tensor([1.0, 2.0], requires_grad=True) * 2,
        lambda t: t.tensor([1.0, 2.0], requires_grad=True) + 1,
        lambda t: (t.tensor([1.0, 2.0], requires_grad=True) ** 2).sum(),
        lambda t: t.rand(3, 20, requires_grad=True) * 1e-3,
        lambda t: t.nn.Parameter(t.tensor([[1.0, 2.0]])),
        lambda t: t.nn.Parameter(t.tensor([1.0, 2.0]), requires_grad=False),
        lambda t: t.tensor([1.0, 2.0], dtype=t.float64, requires_grad=True) / 3,
        lambda t: t.nn.Linear(3, 40).weight,
        lambda t: t.tensor([1.0]).shape,
        lambda t: [t.tensor(1.0), t.tensor([2])],
        lambda t: {"a": t.nn.Parameter(t.tensor(1.0))},
        lambda t: t.nn.Linear(2, 1).state_dict(),
        lambda t: t.nn.Linear(2, 1).load_state_dict(t.nn.Linear(2, 1).state_dict()),
        lambda t: t.float32,
        lambda t: t.device("cpu"),
    ],
)
def test_what_a_program_prints(make):
    engine.manual_seed(2)
    torch.manual_seed(2)
    _same(make(engine), make(torch))


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"precision": 8},
        {"sci_mode": True},
        {"sci_mode": False},
        {"linewidth": 40},
        {"profile": "full"},
        {"threshold": 5},
        {"threshold": 5, "edgeitems": 1},
        {"profile": "short"},
        {"edgeitems": 0, "threshold": 3},
    ],
    ids=str,
)
def test_options(options):
    arrays = [np.linspace(0, 1, 30, dtype=np.float32), np.arange(24).reshape(4, 6), np.array([1e-7, 1], np.float32)]
    with printing.printoptions(**options), torch._tensor_str.printoptions(**options):
        assert printing.get_printoptions() == torch._tensor_str.get_printoptions()
        for array in arrays:
            _same(engine.from_numpy(array), torch.from_numpy(array))
    assert printing.get_printoptions() == torch._tensor_str.get_printoptions()


@pytest.mark.parametrize("spec", ["", ".2f", "8.3f", ".3e", "g", ">10.1f"])
def test_formats_of_single_numbers(spec):
    for value in (1.23456, -2.0, 1e-9):
        assert format(engine.tensor(value), spec) == format(torch.tensor(value), spec)


def _models(t):
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = t.nn.Linear(2, 16)
            self.act = t.nn.ReLU()
            self.blocks = t.nn.ModuleList([t.nn.Linear(16, 16) for _ in range(3)] + [t.nn.Linear(16, 4)])
            self.heads = t.nn.ModuleDict({"a": t.nn.Linear(4, 1), "b": t.nn.Identity()})
            self.scale = t.nn.Parameter(t.ones(3))
            self.extra = t.nn.ParameterList([t.nn.Parameter(t.zeros(2, 3))])

    n = t.nn
    return [
        Net(),
        n.Sequential(n.Linear(2, 3, bias=False), n.ReLU(inplace=True), n.Dropout(0.25), n.Sequential(n.Tanh())),
        n.Sequential(),
        n.ModuleList(),
        n.LeakyReLU(0.2),
        n.ELU(),
        n.GELU(),
        n.GELU("tanh"),
        n.SiLU(),
        n.Softplus(),
        n.Softmax(dim=1),
        n.LogSoftmax(),
        n.Sigmoid(),
        n.PReLU(),
        n.Hardtanh(),
        n.Flatten(),
        n.Unflatten(1, (2, 3)),
        n.Bilinear(2, 3, 4),
        n.Embedding(10, 3),
        n.Embedding(10, 3, padding_idx=-1, max_norm=1.0),
        n.LayerNorm(5),
        n.LayerNorm((2, 3), bias=False),
        n.LayerNorm(5, elementwise_affine=False),
        n.BatchNorm1d(4),
        n.MSELoss(),
        n.CrossEntropyLoss(),
        n.NLLLoss(),
        n.BCELoss(),
        n.BCEWithLogitsLoss(),
        n.KLDivLoss(),
        n.HuberLoss(),
        n.SmoothL1Loss(),
        n.L1Loss(),
    ]


def test_modules():
    for mine, theirs in zip(_models(engine), _models(torch), strict=True):
        assert repr(mine) == repr(theirs)


def test_optimizers():
    for name, settings in (
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("Adam", {}),
        ("AdamW", {"lr": 0.5}),
        ("RMSprop", {}),
    ):
        mine = getattr(engine.optim, name)(nn.Linear(2, 1).parameters(), **settings)
        theirs = getattr(torch.optim, name)(torch.nn.Linear(2, 1).parameters(), **settings)
        assert repr(mine) == repr(theirs)
