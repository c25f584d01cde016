"""NumPy's numbers, arrays and functions beside tensors: what comes out is what PyTorch gives."""

import numpy as np
import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

MIXTURES = {
    "a function": lambda t: np.sin(t),
    "a function of truth values": lambda t: np.isnan(t),
    "a cumulative sum": lambda t: np.cumsum(t),
    "a float64 times": lambda t: np.float64(2) * t,
    "a float32 plus": lambda t: np.float32(2) + t,
    "an int64 less": lambda t: np.int64(1) - t,
    "a float64 compared": lambda t: np.float64(1) < t,
    "an array on the right": lambda t: t + np.ones(3),
    "an array on the left": lambda t: np.ones(3) * t,
    "a matrix on the right": lambda t: t @ np.ones((3, 2)),
    "equal to an array": lambda t: t == np.ones((2, 3)),
    "an array equal to": lambda t: np.ones((2, 3)) == t,
    "unequal to an array": lambda t: t != np.ones((2, 3)),
    "below an array": lambda t: t < np.ones((2, 3)),
    "dot products": lambda t: np.dot(t[0], t[1]),
    "clip": lambda t: np.clip(t, 1, 2),
    "an array made of it": lambda t: np.array(t),
    "a list of its rows": lambda t: np.array([row.sum() for row in t]),
    "Python's round": lambda t: round(t[0, 0]),
    "an index into an array": lambda t: np.arange(3)[t[0].long()],
}


def told(lib, function):
    t = lib.arange(6.0).reshape(2, 3)
    try:
        result = function(t)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"{type(result).__name__} {result} {getattr(result, 'dtype', '')}"


@pytest.mark.parametrize("function", MIXTURES.values(), ids=MIXTURES)
def test_mixture_is_what_it_is_in_torch(function):
    assert told(engine, function) == told(torch, function)


def test_a_function_of_each_entry_is_written_in_place():
    def both(lib):
        t = lib.arange(3)
        u = lib.ones(2, 3)
        return [
            told(lib, lambda _: t.apply_(lambda v: v * 2.7)),
            told(lib, lambda _: u.map_(lib.tensor([1.0, 2.0, 3.0]), lambda x, y: x + y)),
            told(lib, lambda _: u.map_(u.double(), lambda x, y: x)),
            told(lib, lambda _: lib.ones(2, requires_grad=True).apply_(abs)),
        ]

    assert both(engine) == both(torch)
