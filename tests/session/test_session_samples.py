import subprocess
import sys

import pytest

from graphlab.session.samples import ORDER, samples

FAILS = {
    "column_targets": ("RuntimeError", "0D or 1D target tensor expected, multi-target not supported"),
    "integer_grad": ("RuntimeError", "Only Tensors of floating point and complex dtype can require gradients"),
    "vector_backward": ("RuntimeError", "grad can be implicitly created only for scalar outputs"),
    "wide_linear": ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (5x16 and 8x3)"),
    "out_of_memory": ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 3.05 GiB."),
}


def test_every_sample_has_title_and_summary_and_a_place_in_the_order() -> None:
    assert [sample.name for sample in samples()] == list(ORDER)
    for sample in samples():
        assert sample.title and not sample.title.endswith(".")
        assert 20 < len(sample.summary) < 160


@pytest.mark.parametrize("name", ORDER)
def test_sample_runs_as_it_says(execute, name: str) -> None:
    source = next(sample.source for sample in samples() if sample.name == name)
    outcome = execute(source).outcome
    if name in FAILS:
        assert (outcome.status, outcome.error_type) == ("failed", FAILS[name][0])
        assert outcome.error_message.startswith(FAILS[name][1])
    else:
        assert (outcome.status, outcome.sentence) == ("ok", "")


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in ORDER if name != "out_of_memory"])
def test_sample_prints_the_same_digits_in_torch(execute, name: str) -> None:
    pytest.importorskip("torch")
    sample = next(sample for sample in samples() if sample.name == name)
    theirs = subprocess.run(
        [sys.executable, "-W", "ignore", str(sample.path)], capture_output=True, text=True, timeout=120
    )
    ours = execute(sample.source)
    assert ours.printed == theirs.stdout
    if name in FAILS:
        last = theirs.stderr.strip().splitlines()[-1]
        assert last == f"{ours.outcome.error_type}: {ours.outcome.error_message}"
