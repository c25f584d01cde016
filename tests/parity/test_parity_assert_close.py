"""`torch.testing.assert_close`: what it accepts, and how it says what differs."""

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
NAN = float("nan")


def pairs(lib):
    a = lib.arange(6.0).reshape(2, 3)
    return {
        "nearly equal": (a, a + 1e-9),
        "apart": (a, a + 1),
        "another dtype": (a, a.double()),
        "another shape": (a, a[0]),
        "without dims": (lib.tensor(1.0), lib.tensor(1.1)),
        "whole numbers": (lib.tensor([1, 2]), lib.tensor([1, 3])),
        "truth values": (lib.tensor([True, False]), lib.tensor([True, True])),
        "nan": (lib.tensor([NAN]), lib.tensor([NAN])),
        "doubles": (a.double(), a.double() + 1e-3),
        "numbers": (1.0, 1.1),
        "Python's whole numbers": (1, 2),
        "lists": ([a, a], [a, a + 1]),
        "lists of other lengths": ([a], [a, a]),
        "dicts": ({"x": a}, {"x": a * 2}),
        "dicts of other keys": ({"x": a}, {"y": a}),
        "nothing": (a, None),
        "a tensor and a list": (a, [1, 2]),
        "texts": ("a", "b"),
    }


OPTIONS = {
    "tolerances": {"atol": 0.1, "rtol": 0},
    "half of the tolerances": {"atol": 0.1},
    "message": {"msg": "not the same"},
    "message made": {"msg": lambda text: f"So: {text}"},
    "wide tolerances": {"atol": 2, "rtol": 0},
}


def told(lib, actual, expected, **options):
    try:
        return str(lib.testing.assert_close(actual, expected, **options))
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace("graphlab.engine.tensor.Tensor", "torch.Tensor")


@pytest.mark.parametrize("name", pairs(engine))
def test_difference_is_told_in_the_words_of_torch(name):
    assert told(engine, *pairs(engine)[name]) == told(torch, *pairs(torch)[name])


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options):
    assert told(engine, *pairs(engine)["apart"], **options) == told(torch, *pairs(torch)["apart"], **options)


def test_what_may_differ_may_be_told():
    a = engine.ones(2)
    engine.testing.assert_close(a, a.double(), check_dtype=False)
    engine.testing.assert_close(a * NAN, a * NAN, equal_nan=True)
