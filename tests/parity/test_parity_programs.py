"""Whole programs print the same here and in the real torch, and fail with the same words."""

import contextlib
import importlib
import io
import sys
import warnings
from pathlib import Path

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

PROGRAMS = sorted((Path(__file__).parents[1] / "programs").glob("*.py"))
PARTS = ["nn", "nn.functional", "nn.utils", "nn.init", "optim", "optim.lr_scheduler", "utils", "utils.data", "autograd"]
PARTS += ["autograd.functional"]


@contextlib.contextmanager
def _engine_as_torch():
    """`import torch` gives our engine inside this block."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    for name in before:
        del sys.modules[name]
    sys.modules["torch"] = engine
    for part in PARTS:
        sys.modules[f"torch.{part}"] = importlib.import_module(f"graphlab.engine.{part}")
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
            del sys.modules[name]
        sys.modules.update(before)


def _output(path):
    out = io.StringIO()
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(code, {"__name__": "__main__"})
        except Exception as error:
            out.write(f"{type(error).__name__}: {error}\n")
    return out.getvalue()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_prints_the_same(path):
    there = _output(path)
    with _engine_as_torch():
        here = _output(path)
    assert here == there
    assert there
    if path.stem.startswith("wrong"):
        assert "Error: " in there
    else:
        assert "Error" not in there
