"""The further optimizers and schedules against the real torch."""

import warnings

import numpy as np
import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SETTINGS = [
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 0.01}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.4, 1.5), "step_sizes": (1e-3, 0.1), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "t0": 3, "weight_decay": 0.1}),
]


def trained(t, name, settings, dtype, shape, n_steps=12):
    rng = np.random.default_rng(7)
    p = t.nn.Parameter(t.from_numpy(rng.standard_normal(shape).astype(dtype)))
    optimizer = getattr(t.optim, name)([p], **settings)
    for _ in range(n_steps):
        p.grad = t.from_numpy(rng.standard_normal(shape).astype(dtype))
        optimizer.step()
    return p.detach().numpy(), optimizer


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (50, 60)], ids=str)
def test_steps(name, settings, dtype, shape):
    mine, _ = trained(engine, name, settings, dtype, shape)
    theirs, _ = trained(torch, name, settings, dtype, shape)
    # The rates of ASGD and the product of NAdam's momenta are kept in float32.
    rtol = 2e-5 if dtype == "float32" or name in ("ASGD", "NAdam") else 1e-12
    assert np.allclose(mine, theirs, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_state_has_the_same_entries(name, settings):
    _, mine = trained(engine, name, settings, "float32", (3,))
    _, theirs = trained(torch, name, settings, "float32", (3,))
    state, there = mine.state_dict(), theirs.state_dict()
    assert {k: sorted(v) for k, v in state["state"].items()} == {k: sorted(v) for k, v in there["state"].items()}
    assert state["param_groups"] == there["param_groups"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lr": 0.5, "max_iter": 4, "history_size": 2},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 5, "lr": 0.3},
    ],
    ids=str,
)
def test_lbfgs_takes_the_same_steps(settings):
    def run(t):
        p = t.nn.Parameter(t.tensor([-1.2, 1.0], dtype=t.float64))
        optimizer = t.optim.LBFGS([p], **settings)

        def closure():
            optimizer.zero_grad()
            loss = (1 - p[0]) ** 2 + 5 * (p[1] - p[0] ** 2) ** 2
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(4)]
        state = optimizer.state_dict()["state"][0]
        return losses, p.tolist(), state["func_evals"], state["n_iter"], sorted(set(state) - {"al"})

    mine, theirs = run(engine), run(torch)
    assert np.allclose(mine[0], theirs[0], rtol=1e-6, atol=1e-12)
    assert np.allclose(mine[1], theirs[1], rtol=1e-6)
    assert mine[2:] == theirs[2:]


SCHEDULES = [
    lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.95),
    lambda s, o: s.ConstantLR(o, factor=0.5, total_iters=4),
    lambda s, o: s.LinearLR(o, start_factor=0.25, total_iters=6),
    lambda s, o: s.PolynomialLR(o, total_iters=7, power=2.0),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.01),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=4),
    lambda s, o: s.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=3),
    lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=2, step_size_down=4, mode="triangular2"),
    lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=3, mode="exp_range", gamma=0.9),
    lambda s, o: s.OneCycleLR(o, max_lr=0.5, total_steps=15),
    lambda s, o: s.OneCycleLR(o, max_lr=0.5, epochs=5, steps_per_epoch=3, anneal_strategy="linear", three_phase=True),
    lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)], [3]),
    lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, T_max=8)], [4]),
    lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
]


@pytest.mark.parametrize("make", SCHEDULES)
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_schedules(make, name):
    def run(t):
        p = t.nn.Parameter(t.tensor([1.0]))
        optimizer = getattr(t.optim, name)([p], lr=0.4, **({"momentum": 0.9} if name == "SGD" else {}))
        schedule = make(t.optim.lr_scheduler, optimizer)
        group = optimizer.param_groups[0]
        rates = [group["lr"]]
        for _ in range(14):
            p.grad = t.ones(1)
            optimizer.step()
            schedule.step()
            rates.append((group["lr"], group.get("momentum"), group.get("betas"), *schedule.get_last_lr()))
        return rates

    assert run(engine) == run(torch)


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 1},
        {"mode": "max", "factor": 0.5, "cooldown": 2, "patience": 0},
        {"threshold_mode": "abs", "threshold": 0.5, "patience": 2, "min_lr": 0.05},
    ],
    ids=str,
)
def test_reduce_on_plateau(settings):
    def run(t):
        optimizer = t.optim.SGD([t.nn.Parameter(t.ones(1))], lr=0.4)
        schedule = t.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        rates = []
        for value in (3.0, 2.0, 2.0, 1.9999, 2.5, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0):
            schedule.step(t.tensor(value))
            rates.append((optimizer.param_groups[0]["lr"], schedule.num_bad_epochs, schedule.best))
        return rates

    assert run(engine) == run(torch)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda t, p: t.optim.Adadelta([p], rho=2.0),
        lambda t, p: t.optim.Adamax([p], betas=(1.0, 0.9)),
        lambda t, p: t.optim.NAdam([p], momentum_decay=-1.0),
        lambda t, p: t.optim.RAdam([p], eps=-1.0),
        lambda t, p: t.optim.Rprop([p], etas=(1.5, 1.2)),
        lambda t, p: t.optim.ASGD([p], weight_decay=-1.0),
        lambda t, p: t.optim.LBFGS([{"params": [p]}, {"params": []}]),
        lambda t, p: t.optim.lr_scheduler.LinearLR(t.optim.SGD([p]), start_factor=2.0),
        lambda t, p: t.optim.lr_scheduler.ConstantLR(t.optim.SGD([p]), factor=-1.0),
        lambda t, p: t.optim.lr_scheduler.OneCycleLR(t.optim.SGD([p]), max_lr=1.0),
        lambda t, p: t.optim.lr_scheduler.OneCycleLR(t.optim.SGD([p]), max_lr=1.0, total_steps=-3),
        lambda t, p: t.optim.lr_scheduler.CyclicLR(t.optim.Adagrad([p]), 0.1, 1.0),
        lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(t.optim.SGD([p]), factor=1.0),
        lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(t.optim.SGD([p]), mode="up"),
        lambda t, p: t.optim.lr_scheduler.CosineAnnealingWarmRestarts(t.optim.SGD([p]), T_0=0),
        lambda t, p: t.optim.lr_scheduler.SequentialLR(t.optim.SGD([p]), [], []),
        lambda t, p: t.optim.lr_scheduler.ChainedScheduler([]),
    ],
)
def test_refusals_in_the_same_words(wrong):
    with pytest.raises((ValueError, TypeError)) as there, warnings.catch_warnings():
        wrong(torch, torch.nn.Parameter(torch.ones(2)))
    with pytest.raises(type(there.value)) as here:
        wrong(engine, engine.nn.Parameter(engine.ones(2)))
    assert str(here.value) == str(there.value)
