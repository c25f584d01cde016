"""Where a mask shuts a gradient out it is exactly 0, whatever comes in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine.ops import numeric

F: Any = torch.nn.functional
NAN = float("nan")
CASES: dict[str, Any] = {
    "where": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.0),
    "clamp": lambda x: x.clamp(min=0),
    "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "fmax": lambda x: torch.fmax(x, torch.zeros_like(x)),
    "relu": torch.relu,
    "relu6": lambda x: F.relu6(x),
    "threshold": lambda x: F.threshold(x, 0.0, 0.0),
    "hardshrink": lambda x: F.hardshrink(x, 0.1) * (x > 0),
}


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("n", [3, 3000])
def test_nan_does_not_pass_a_mask(name: str, n: int) -> None:
    values = np.where(np.arange(n) % 3 == 0, 2.0, -0.05).astype(np.float32)
    x = torch.tensor(values, requires_grad=True)
    CASES[name](x).backward(torch.full((n,), NAN))
    got = x.grad.numpy()
    assert np.isnan(got[values > 0]).all()
    assert (got[values < 0] == 0).all()


def test_logarithm_behind_a_mask_does_no_harm() -> None:
    x = torch.tensor([0.0, 1.0, 4.0], requires_grad=True)
    torch.where(x > 0, torch.where(x > 0, x, torch.ones(3)).log(), torch.zeros(3)).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.25]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("shape", [(), (7,), (40, 50)])
def test_keep_is_where(dtype: Any, shape: Any) -> None:
    rng = np.random.default_rng(0)
    g = np.asarray(rng.standard_normal(shape)).astype(dtype)
    mask = np.asarray(rng.random(shape) > 0.5)
    kept = numeric.keep(g, mask)
    assert kept.dtype == dtype
    np.testing.assert_array_equal(kept, np.where(mask, g, 0))
    flipped = numeric.keep(g.T, mask.T)
    np.testing.assert_array_equal(flipped, np.where(mask, g, 0).T)
