"""Every random number against the real torch, bit for bit."""

import random as python_random

import numpy as np
import pytest

import graphlab.engine as engine
from graphlab.engine import generator, random

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SIZES = [0, 1, 2, 5, 15, 16, 17, 31, 32, 33, 100, 1000, 5003]
FLOATS = {"float32": np.float32, "float64": np.float64, "float16": np.float16}
KINDS = ["rand", "uniform", "randn", "normal", "randint", "randperm", "bernoulli", "bernoulli_each", "exponential"]
SEEDS = [0, 1, 42, 12345, -1, -7, 2**31, 2**40 + 7, 2**64 - 1]


def _draws(choose):
    """One draw of a random kind: its name, the array here, the array there."""
    name = choose.choice(list(FLOATS))
    theirs, mine = getattr(torch, name), FLOATS[name]
    n = choose.choice(SIZES)
    source = generator.default_generator
    out = np.empty(n, mine)
    kind = choose.choice(
        ["rand", "uniform", "randn", "normal", "randint", "randperm", "bernoulli", "bernoulli_each", "exponential"]
    )
    if kind == "rand":
        source.fill_uniform(out)
        return kind, out, torch.rand(n, dtype=theirs)
    if kind == "uniform":
        low = choose.uniform(-3, 3)
        high = low + choose.uniform(0, 5)
        source.fill_uniform(out, low, high)
        return kind, out, torch.empty(n, dtype=theirs).uniform_(low, high)
    if kind == "randn":
        source.fill_normal(out)
        return kind, out, torch.randn(n, dtype=theirs)
    if kind == "normal":
        mean, std = choose.uniform(-3, 3), choose.uniform(0, 5)
        source.fill_normal(out, mean, std)
        return kind, out, torch.empty(n, dtype=theirs).normal_(mean, std)
    if kind == "randint":
        low = choose.choice([-5, 0, 3])
        high = choose.choice([4, 100, 2**28 + low - 1, 2**28 + low, 2**32, 2**33, 2**62])
        return kind, source.integers(low, high, (n,)), torch.randint(low, high, (n,))
    if kind == "randperm":
        return kind, source.permutation(n), torch.randperm(n)
    if kind == "bernoulli":
        return kind, source.bernoulli(0.37, (n,)), torch.empty(n, dtype=torch.bool).bernoulli_(0.37)
    if kind == "bernoulli_each":
        p = torch.linspace(0, 1, n, dtype=torch.float64 if name == "float64" else torch.float32)
        return kind, source.bernoulli_each(p.numpy()).astype(p.numpy().dtype), torch.bernoulli(p)
    drawn = source.exponential(n)
    there = torch.empty(n, dtype=torch.float64).exponential_()
    assert np.allclose(drawn, there.numpy(), rtol=1e-14)
    return kind, drawn[:0], there[:0]


@pytest.mark.parametrize("trial", range(40))
def test_any_interleaving_of_draws_gives_the_same_bits(trial):
    choose = python_random.Random(trial)
    seed = choose.choice([*SEEDS, choose.randrange(2**63)])
    torch.manual_seed(seed)
    random.manual_seed(seed)
    assert random.initial_seed() == torch.initial_seed()
    for step in range(30):
        kind, mine, theirs = _draws(choose)
        assert mine.tobytes() == theirs.numpy().tobytes(), (trial, step, kind, mine.shape, mine.dtype)


def test_a_large_normal_draw_that_is_made_in_parts():
    torch.manual_seed(3)
    random.manual_seed(3)
    assert random.randn(700_003)._array.tobytes() == torch.randn(700_003).numpy().tobytes()
    assert random.rand(5)._array.tobytes() == torch.rand(5).numpy().tobytes()


def test_default_seed():
    torch.manual_seed(generator.DEFAULT_SEED)
    fresh = generator.Generator()
    out = np.empty(9, np.float32)
    fresh.fill_uniform(out)
    assert out.tolist() == torch.rand(9).tolist()
    assert fresh.initial_seed() == torch.Generator().initial_seed()


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seed_out_of_range_is_refused_in_the_same_words(seed):
    for library in (torch, random):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            library.manual_seed(seed)


@pytest.mark.parametrize(
    ("n", "k", "replacement"), [(5, 3, False), (5, 5, False), (5, 1, False), (7, 40, True), (5, 1, True)]
)
def test_multinomial(n, k, replacement):
    torch.manual_seed(11)
    random.manual_seed(11)
    weights = torch.rand(6, n)
    mine = random.rand(6, n)
    assert mine._array.tolist() == weights.tolist()
    for _ in range(20):
        assert (
            random.multinomial(mine, k, replacement)._array.tolist()
            == torch.multinomial(weights, k, replacement).tolist()
        )


def test_state_travels_both_ways():
    torch.manual_seed(5)
    random.manual_seed(5)
    torch.randn(3), random.randn(3)
    assert torch.get_rng_state().numpy().tobytes() == generator.default_generator.state_bytes()
    state = random.get_rng_state()
    first = random.randn(3)._array.tolist()
    random.set_rng_state(state)
    assert random.randn(3)._array.tolist() == first
    generator.default_generator.load_state_bytes(torch.get_rng_state().numpy().tobytes())
    assert random.randn(20)._array.tolist() == torch.randn(20).tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.rand(2, 3),
        lambda t: t.rand((2, 3), dtype=t.float64),
        lambda t: t.randn(4, 4),
        lambda t: t.randint(10, (3, 2)),
        lambda t: t.randint(-4, 4, (3, 2)),
        lambda t: t.randint(low=2, high=9, size=(5,)),
        lambda t: t.randint(3, (4,), dtype=t.float32),
        lambda t: t.randperm(20),
        lambda t: t.normal(1.0, 2.0, (3, 3)),
        lambda t: t.normal(t.tensor([1.0, 2.0]), 3.0),
        lambda t: t.normal(t.tensor([1.0, 2.0]), t.tensor([0.5, 0.1])),
        lambda t: t.bernoulli(t.tensor([0.2, 0.9, 0.5])),
        lambda t: t.rand_like(t.zeros(3, 2)),
        lambda t: t.randn_like(t.zeros(20)),
        lambda t: t.zeros(30).uniform_(-2, 3),
        lambda t: t.zeros(30).normal_(1, 0.5),
        lambda t: t.zeros(30).random_(5),
        lambda t: t.zeros(30, dtype=t.int64).random_(),
        lambda t: t.zeros(30).bernoulli_(0.2),
        lambda t: t.rand(3, generator=t.Generator().manual_seed(9)),
    ],
)
def test_functions_of_torch(call):
    torch.manual_seed(8)
    engine.manual_seed(8)
    mine, theirs = call(engine), call(torch)
    assert str(mine.dtype) == str(theirs.dtype)
    assert mine.tolist() == theirs.tolist()
    assert engine.rand(2).tolist() == torch.rand(2).tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.rand(-1),
        lambda t: t.rand(2, dtype=t.int64),
        lambda t: t.randn(2, dtype=t.int64),
        lambda t: t.randint(3, 3, (2,)),
        lambda t: t.normal(0.0, -1.0, (2,)),
        lambda t: t.bernoulli(t.tensor([1.5])),
        lambda t: t.bernoulli(t.tensor([1])),
        lambda t: t.multinomial(t.tensor([0.0, 0.0]), 1),
        lambda t: t.multinomial(t.tensor([0.5, 0.5]), 3),
        lambda t: t.multinomial(t.tensor([-0.5, 0.5]), 1),
        lambda t: t.zeros(2).uniform_(3, 1),
        lambda t: t.zeros(2).normal_(0, -1),
        lambda t: t.zeros(2).bernoulli_(2.0),
        lambda t: t.zeros(2, requires_grad=True).normal_(),
    ],
)
def test_refusals_in_the_same_words(call):
    with pytest.raises((RuntimeError, ValueError, TypeError)) as there:
        call(torch)
    with pytest.raises(type(there.value)) as here:
        call(engine)
    assert str(here.value) == str(there.value)
