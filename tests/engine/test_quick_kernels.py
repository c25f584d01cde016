"""Kernels that work in pieces, on bits or by halves give what the plain formula gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine.ops.choice import choose
from graphlab.engine.ops.rows import row_max, row_sum

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.float16])
def test_choice_is_that_of_numpy(kind: type) -> None:
    a, b = (RNG.integers(-9, 9, (40, 30)).astype(kind) for _ in range(2))
    mask = RNG.random((40, 30)) > 0.5
    for one, other in ((a, b), (a, kind(0)), (kind(0), b), (a[:1], b), (a.T.copy().T, b[:, :1]), (kind(3), kind(-1))):
        found = choose(mask, one, other)
        wanted = np.where(mask, one, other)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


def test_choice_stretches_the_mask_and_keeps_nan_and_infinity() -> None:
    a = np.full((4, 20, 30), math.inf, np.float32)
    b = np.full((4, 20, 30), math.nan, np.float32)
    mask = RNG.random((20, 30)) > 0.5
    np.testing.assert_array_equal(choose(mask, a, b), np.where(mask, a, b))
    np.testing.assert_array_equal(choose(mask, a, 0.0), np.where(mask, a, np.float32(0)))


@pytest.mark.parametrize("width", [1, 7, 16, 64, 65])
def test_rows_have_their_largest_entry_and_sum(width: int) -> None:
    x = RNG.standard_normal((3, 50, width)).astype(np.float32)
    np.testing.assert_array_equal(row_max(x), x.max(-1, keepdims=True))
    np.testing.assert_allclose(row_sum(x), x.sum(-1, keepdims=True), rtol=1e-5, atol=1e-5)
    x[1, 2, 0] = math.nan
    assert math.isnan(row_max(x)[1, 2, 0]) and np.isnan(row_max(x)).sum() == 1


def test_gelu_of_many_entries_is_that_of_each() -> None:
    x = np.concatenate((RNG.standard_normal(20_000) * 3, [0.0, -0.0, 9.0, -9.0, math.inf])).astype(np.float32)
    exact = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) if math.isfinite(v) else v for v in x.tolist()])
    t = torch.tensor(x, requires_grad=True)
    out = torch.nn.functional.gelu(t)
    np.testing.assert_allclose(out.detach().numpy(), exact, rtol=0, atol=1.2e-6)
    out[:-1].sum().backward()
    slope = [
        0.5 * (1 + math.erf(v / math.sqrt(2))) + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi)
        for v in x[:-1].tolist()
    ]
    np.testing.assert_allclose(t.grad.numpy()[:-1], slope, rtol=0, atol=4e-7)


def test_depthwise_convolution_is_one_for_each_channel() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 8, 7, dtype=torch.float64, requires_grad=True)
    w = torch.randn(3, 1, 3, 2, dtype=torch.float64, requires_grad=True)
    out = torch.nn.functional.conv2d(x, w, padding=1, groups=3)
    g = torch.randn(*out.shape, dtype=torch.float64)
    out.backward(g)
    for c in range(3):
        own, kernel = x.detach()[:, c : c + 1].requires_grad_(), w.detach()[c : c + 1].requires_grad_()
        alone = torch.nn.functional.conv2d(own, kernel, padding=1)
        alone.backward(g[:, c : c + 1])
        np.testing.assert_allclose(alone.detach().numpy()[:, 0], out.detach().numpy()[:, c], rtol=1e-12)
        np.testing.assert_allclose(own.grad.numpy()[:, 0], x.grad.numpy()[:, c], rtol=1e-12)
        np.testing.assert_allclose(kernel.grad.numpy()[0], w.grad.numpy()[c], rtol=1e-12)


def test_long_chain_is_built_differentiated_and_freed_without_recursion() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(60_000):
        y = y * 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    y = x
    for _ in range(60_000):
        y = y * 1.0
    del y  # never differentiated: the whole graph goes at once


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["erf", "erfc", "lgamma"])
def test_special_functions_of_many_entries_are_those_of_each(name: str, kind: type) -> None:
    ends = [0.0, 0.46875, 1.0, 2.0, 4.0, 5.99, 27.0]
    x = np.concatenate((RNG.uniform(-30, 30, 9_000), RNG.standard_normal(9_000), ends, [-v for v in ends])).astype(kind)
    exact = np.array([math.inf if name == "lgamma" and v <= 0 and v == int(v) else getattr(math, name)(v) for v in x])
    found = getattr(torch, name)(torch.tensor(x)).numpy()
    assert found.dtype == kind
    # 1e-16 relative and a little more; ln Γ near its zeros is as exact as float32 can say it
    np.testing.assert_allclose(found, exact.astype(kind), rtol=2e-15 if kind is np.float64 else 2.4e-7, atol=1e-300)
    odd = getattr(torch, name)(torch.tensor([math.nan, math.inf, -math.inf] * 40, dtype=torch.tensor(x).dtype)).numpy()
    wanted = {"erf": [1.0, -1.0], "erfc": [0.0, 2.0], "lgamma": [math.inf, math.inf]}[name]
    assert math.isnan(odd[0]) and odd[1:3].tolist() == wanted


def test_rows_that_are_looked_up_often_get_all_their_gradients() -> None:
    places = RNG.integers(0, 7, 200)
    g = RNG.standard_normal((200, 3))
    wanted = np.zeros((9, 3))
    for place, row in zip(places, g, strict=True):
        wanted[place] += row
    table = torch.zeros(9, 3, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.embedding(torch.tensor(places), table).backward(torch.tensor(g))
    np.testing.assert_allclose(table.grad.numpy(), wanted, rtol=1e-12)
    table.grad = None
    # The same rows, some of them counted from the end.
    table[torch.tensor(np.where(np.arange(200) % 2, places, places - 9))].backward(torch.tensor(g))
    np.testing.assert_allclose(table.grad.numpy(), wanted, rtol=1e-12)
