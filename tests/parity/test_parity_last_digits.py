"""Functions of small float32 arrays, compared to the last digit: nearly all entries are PyTorch's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import graphlab.engine as engine  # noqa: E402 - torch must be there first

pytestmark = pytest.mark.parity

SHARES = {"exp": 0.9, "tanh": 0.9, "sigmoid": 0.85, "softmax": 0.6, "log_softmax": 0.8}
"""How many entries must be equal; NumPy's float32 functions alone reach 0.6, 0.7, 0.75, 0.5 and 0.75."""


def _outcome(lib: Any, name: str, x: Any) -> Any:
    t = lib.from_numpy(x)
    return (getattr(lib, name)(t, -1) if "softmax" in name else getattr(lib, name)(t)).numpy()


@pytest.mark.parametrize("name", sorted(SHARES))
@pytest.mark.parametrize("width", [3, 10, 15, 27])
def test_last_digits_are_pytorchs(name: str, width: int) -> None:
    x = np.random.default_rng(width).normal(size=(40, width)).astype(np.float32) * 2
    theirs, mine = _outcome(torch, name, x), _outcome(engine, name, x)
    assert mine.dtype == theirs.dtype
    assert (mine == theirs).mean() >= SHARES[name]


def test_softmax_of_extremes_is_pytorchs() -> None:
    for row in ([200.0, 0.0], [-200.0, 0.0], [float("inf"), 0.0], [float("nan"), 1.0], [float("-inf"), 1.0]):
        x = np.array([row], np.float32)
        np.testing.assert_array_equal(_outcome(engine, "softmax", x), _outcome(torch, "softmax", x))
    empty = np.zeros((0, 3), np.float32)
    assert _outcome(engine, "softmax", empty).shape == (0, 3)
