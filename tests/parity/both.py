"""Runs one short program with the real torch and with the engine, and compares what it shows.

A program calls `show(...)` with what is to be compared: tensors, numbers, text, lists and dicts of these. An exception
ends it; its type and words count as well.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

import graphlab.engine as engine

PARTS = {
    "nn": "nn",
    "F": "nn.functional",
    "optim": "optim",
    "init": "nn.init",
    "module": "nn.modules.module",
    "rnn": "nn.utils.rnn",
    "parametrize": "nn.utils.parametrize",
    "parametrizations": "nn.utils.parametrizations",
    "func": "func",
    "data": "utils.data",
    "checkpointing": "utils.checkpoint",
    "swa_utils": "optim.swa_utils",
}


def part(library: Any, name: str) -> Any:
    """A module of torch or of the engine, by its name below torch."""
    return importlib.import_module(f"{library.__name__}.{name}")


def blocks(text: str) -> list[str]:
    """The programs of a text: parted by empty lines."""
    return [block for each in text.split("\n\n") if (block := each.strip("\n"))]


def outcome(library: Any, program: str) -> tuple[list[Any], tuple[str, str] | None]:
    """What the program showed, and the exception that ended it."""
    shown: list[Any] = []
    names: dict[str, Any] = {name: part(library, where) for name, where in PARTS.items() if f"{name}." in program}
    names |= {"torch": library, "show": lambda *values: shown.extend(_plain(v) for v in values)}
    library.manual_seed(0)
    error = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(program, "program", "exec"), names)
        except Exception as raised:  # the programs fail on purpose
            error = type(raised).__name__, str(raised)
    return shown, error


def _plain(value: Any) -> Any:
    if hasattr(value, "detach"):
        return str(value.dtype), np.asarray(value.detach().numpy()).copy()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, int | float | str | None) else str(value)


def compare(torch: Any, program: str, tolerance: float = 1e-5) -> None:
    """Assert that torch and the engine show the same."""
    wanted, wanted_error = outcome(torch, program)
    got, error = outcome(engine, program)
    assert error == wanted_error
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted):
        _same(one, other, tolerance)


def _same(got: Any, wanted: Any, tolerance: float) -> None:
    assert type(got) is type(wanted), (got, wanted)
    if isinstance(got, dict):
        assert list(got) == list(wanted)
        for key in got:
            _same(got[key], wanted[key], tolerance)
    elif isinstance(got, list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted):
            _same(one, other, tolerance)
    elif isinstance(got, tuple):
        assert got[0].replace("graphlab.engine", "torch") == wanted[0]
        np.testing.assert_allclose(got[1], wanted[1], rtol=tolerance, atol=tolerance)
    elif isinstance(got, float):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    else:
        assert got == wanted
