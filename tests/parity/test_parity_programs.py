"""Whole programs print the same here and in the real torch, and fail with the same words.

Each is run in three ways: by PyTorch, by our engine in its place, and as `graphlab run` does: in the restricted
language, with every step recorded.
"""

import contextlib
import importlib
import io
import re
import sys
import warnings
from pathlib import Path

import pytest

import graphlab.engine as engine
from graphlab.session.runner import Limits, Printed, Runner, RunRequest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

PROGRAMS = sorted((Path(__file__).parents[1] / "programs").glob("*.py"))
PARTS = ["nn", "nn.functional", "nn.utils", "nn.init", "optim", "optim.lr_scheduler", "utils", "utils.data", "autograd"]
PARTS += ["autograd.functional", "func", "nn.utils.rnn", "nn.utils.parametrizations", "optim.swa_utils"]
PARTS += ["utils.checkpoint"]

SUMMATION_ORDER = {
    "gradient_clipping": (
        3e-2,
        "The recurrent weight is three times too large, so that 20 steps back through time multiply a difference. "
        "The first is in the 7th digit, where W·h sums ten products in the order of another BLAS library.",
    ),
    "small_gpt": (
        3e-4,
        "The weight gradients sum 128 rows, layer_norm's mean 32 entries: PyTorch adds them in vector lanes (8 or 16 "
        "partial sums), NumPy pairwise. AdamW divides by the root of the squared gradient, so that a difference in "
        "the 7th digit of an entry near 0 moves its weight in the 4th.",
    ),
    "two_layer_by_hand": (
        1e-4,
        "The loss is a sum of 128 squares: PyTorch adds them in vector lanes, NumPy pairwise; the gradients are "
        "products over 32 rows in the order of two BLAS libraries. After 60 updates the sixth digit differs.",
    ),
}
"""Programs whose last printed digits differ: by how much at most (relatively), and from where on."""


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


def _output(path, first=""):
    out = io.StringIO()
    code = compile(first + path.read_text(encoding="utf-8"), str(path), "exec")
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(code, {"__name__": "__main__"})
        except Exception as error:
            out.write(f"{type(error).__name__}: {error}\n")
    return out.getvalue()


@pytest.fixture(scope="module")
def there():
    """What a program prints in PyTorch, on one thread: its sums depend on how many there are."""
    kept = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def output(path):
        if path not in kept:
            kept[path] = _output(path)
        return kept[path]

    yield output
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def runner():
    with Runner() as made:
        yield made


_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")


def _assert_same(name, here, there):
    if name not in SUMMATION_ORDER:
        assert here == there
        return
    # All words and whole numbers must agree, the others up to the table's tolerance.
    assert _NUMBER.sub("#", here) == _NUMBER.sub("#", there)
    relative, _ = SUMMATION_ORDER[name]
    ours, theirs = ([float(n) for n in _NUMBER.findall(text)] for text in (here, there))
    assert ours == pytest.approx(theirs, rel=relative, abs=1e-3)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_prints_the_same(path, there):
    with _engine_as_torch():
        here = _output(path)
    _assert_same(path.stem, here, there(path))
    assert here
    if path.stem.startswith("wrong"):
        assert "Error: " in here
    else:
        assert "Error:" not in here


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_recorded_run_prints_the_same(path, there, runner):
    source = path.read_text(encoding="utf-8")
    run = runner.start(RunRequest(source, limits=Limits(seconds=60.0)))
    outcome = run.wait(90)
    here = "".join(m.text for m in run.poll() if isinstance(m, Printed) and m.stream == "stdout")
    if path.stem.startswith("wrong"):
        assert outcome.status == "failed"
        here += f"{outcome.error_type}: {outcome.error_message}\n"
    else:
        assert outcome.status == "ok", outcome.error_message
    _assert_same(path.stem, here, there(path))


@pytest.mark.parametrize("name", sorted(SUMMATION_ORDER))
def test_in_double_precision_no_digit_differs(name):
    """What the order of sums explains must go away with twice the digits."""
    path = next(path for path in PROGRAMS if path.stem == name)
    first = "import torch; torch.set_default_dtype(torch.float64)\n"
    try:
        there = _output(path, first)
        with _engine_as_torch():
            here = _output(path, first)
    finally:
        for each in (torch, engine):
            each.set_default_dtype(each.float32)
    assert here == there
