"""What notebooks set in their first cell, in both."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import graphlab.engine as engine  # noqa: E402 - torch must be there first

pytestmark = pytest.mark.parity


@pytest.fixture(autouse=True)
def _usual() -> Any:
    threads = torch.get_num_threads()
    yield
    for lib in (torch, engine):
        lib.set_float32_matmul_precision("highest")
        lib.use_deterministic_algorithms(False)
        lib.set_default_dtype(lib.float32)
    torch.set_num_threads(threads)
    engine.set_num_threads(1)


def test_what_is_set_is_given_back() -> None:
    for lib in (torch, engine):
        lib.set_num_threads(1)
        lib.set_float32_matmul_precision("high")
        lib.use_deterministic_algorithms(True, warn_only=True)
        assert lib.get_num_threads() == 1
        assert lib.get_float32_matmul_precision() == "high"
        assert lib.are_deterministic_algorithms_enabled()
        assert lib.is_deterministic_algorithms_warn_only_enabled()
        assert str(lib.get_default_device()) == "cpu"


def test_old_way_to_set_the_default_type() -> None:
    for lib in (torch, engine):
        with pytest.warns(UserWarning, match="set_default_tensor_type"):
            lib.set_default_tensor_type("torch.DoubleTensor")
        assert str(lib.ones(1).dtype) == "torch.float64"
        lib.set_default_dtype(lib.float32)


WRONG: list[Any] = [
    lambda lib: lib.set_num_threads(0),
    lambda lib: lib.set_num_threads("a"),
    lambda lib: lib.use_deterministic_algorithms(3),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_pytorch_refuses_is_refused_in_its_words(number: int) -> None:
    seen = []
    for lib in (torch, engine):
        with pytest.raises((TypeError, RuntimeError)) as caught:
            WRONG[number](lib)
        seen.append((type(caught.value), str(caught.value)))
    assert seen[0] == seen[1]


def test_unknown_precision_is_a_warning() -> None:
    for lib in (torch, engine):
        with pytest.warns(UserWarning, match="has no effect"):
            lib.set_float32_matmul_precision("x")
        assert lib.get_float32_matmul_precision() == "highest"
