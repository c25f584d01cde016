"""Slopes of the further operators against differences of their values, once and twice."""

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine.ops.op import OPS
from graphlab.engine.ops.run import run

NAMES = [
    "polygamma",
    "digamma",
    "lgamma",
    "erfinv",
    "special_erfcx",
    "special_ndtr",
    "special_log_ndtr",
    "special_ndtri",
    "special_entr",
    "sinc",
    "i0",
    "special_i0e",
    "special_i1",
    "special_i1e",
    "xlogy",
    "special_xlog1py",
    "logaddexp2",
    "copysign",
    "lerp",
    "addcmul",
    "addcdiv",
    "unfold_dim",
    "logcumsumexp",
    "cdist",
    "soft_margin_loss",
    "hardshrink",
    "softshrink",
    "threshold",
    "glu",
    "linalg_cross",
]
CASES = [(name, i) for name in NAMES for i in range(len(OPS[name].samples()))]


def inputs_of(sample):
    settings = dict(sample[-1]) if isinstance(sample[-1], dict) else {}
    low, high = settings.pop("_domain", (-1.5, 1.5))
    shapes = [s for s in sample if isinstance(s, tuple)]
    rng = np.random.default_rng(3)
    return [rng.uniform(low, high, s) for s in shapes], tuple(settings.values())


def weighted(op, arrays, params, weights):
    out = run(op, tuple(torch.from_numpy(np.array(a)) for a in arrays), params)
    return float((out.numpy() * weights).sum())


def gradient(op, arrays, params, weights, create_graph=False):
    leaves = [torch.from_numpy(np.array(a)).requires_grad_() for a in arrays]
    out = run(op, tuple(leaves), params)
    found = torch.autograd.grad(out, leaves, torch.from_numpy(weights), create_graph=create_graph, allow_unused=True)
    return leaves, [torch.zeros_like(a) if g is None else g for a, g in zip(leaves, found)]


def along(value_at, arrays, directions, eps=1e-6):
    above = value_at([a + eps * d for a, d in zip(arrays, directions)])
    below = value_at([a - eps * d for a, d in zip(arrays, directions)])
    return (above - below) / (2 * eps)


@pytest.mark.parametrize(("name", "i"), CASES)
def test_slope_in_a_random_direction(name, i):
    op = OPS[name]
    arrays, params = inputs_of(op.samples()[i])
    rng = np.random.default_rng(5)
    weights = rng.standard_normal(run(op, tuple(torch.from_numpy(a) for a in arrays), params).shape)
    directions = [rng.standard_normal(a.shape) for a in arrays]
    _, slopes = gradient(op, arrays, params, weights)
    expected = along(lambda at: weighted(op, at, params, weights), arrays, directions)
    got = sum(float((g.numpy() * d).sum()) for g, d in zip(slopes, directions))
    assert got == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("name", "i"), CASES)
def test_slope_of_the_slope_in_a_random_direction(name, i):
    op = OPS[name]
    arrays, params = inputs_of(op.samples()[i])
    rng = np.random.default_rng(6)
    weights = rng.standard_normal(run(op, tuple(torch.from_numpy(a) for a in arrays), params).shape)
    inner = [rng.standard_normal(a.shape) for a in arrays]
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def first(at):
        _, slopes = gradient(op, at, params, weights)
        return sum(float((g.numpy() * d).sum()) for g, d in zip(slopes, inner))

    leaves, slopes = gradient(op, arrays, params, weights, create_graph=True)
    total = sum((g * torch.from_numpy(d)).sum() for g, d in zip(slopes, inner))
    got = 0.0
    if total.requires_grad:
        second = torch.autograd.grad(total, leaves, allow_unused=True)
        got = sum(float((g.numpy() * d).sum()) for g, d in zip(second, directions) if g is not None)
    assert got == pytest.approx(along(first, arrays, directions), rel=1e-4, abs=1e-5)


def test_old_constructors_make_their_type_and_answer_isinstance():
    x = torch.LongTensor([1, 2])
    assert x.dtype is torch.int64
    assert isinstance(x, torch.LongTensor)
    assert not isinstance(x, torch.FloatTensor)
    assert torch.DoubleTensor(2, 3).shape == (2, 3)


def test_numbers_keep_their_digits_in_float64():
    assert torch.tensor([-1.2], dtype=torch.float64).item() == -1.2
    assert torch.tensor(0.1, dtype=torch.float64).item() == 0.1


def test_the_ctc_loss_of_the_only_alignment_is_its_probability():
    logs = torch.log(torch.tensor([[[0.2, 0.8]], [[0.6, 0.4]]], dtype=torch.float64))
    # Two steps, the label "1" once: 1-blank, blank-1, 1-1.
    expected = -np.log(0.8 * 0.6 + 0.2 * 0.4 + 0.8 * 0.4)
    loss = torch.nn.functional.ctc_loss(logs, torch.tensor([[1]]), (2,), (1,), reduction="sum")
    assert loss.item() == pytest.approx(expected)
