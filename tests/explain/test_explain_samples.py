"""The sample programs: those that fail on purpose are explained, the others raise no alarm, every step is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from inprocess import apply

from graphlab.explain import formula, narrate

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.py"))
EXPECTED = {
    "column_targets": "GL401",
    "integer_grad": "GL301",
    "out_of_memory": "GL501",
    "softmax_dim": "GL410",
    "vector_backward": "GL302",
    "wide_linear": "GL103",
}
MAX_TOLD = 3000


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_sample_is_explained_or_raises_no_alarm(path: Path, run: Callable) -> None:
    ran = run(path.read_text(encoding="utf-8"))
    wanted = EXPECTED.get(path.stem)
    if wanted is None:
        assert ran.trace.failure is None, ran.trace.failure
        assert ran.codes == []
        return
    assert ran.codes == [wanted]
    again = run(apply(ran.source, ran.problem.fixes[0].edits))
    assert again.trace.failure is None
    assert again.codes == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_every_step_of_a_sample_is_told(path: Path, run: Callable) -> None:
    trace = run(path.read_text(encoding="utf-8")).trace
    for event in trace.events[:MAX_TOLD]:
        told = narrate(trace, event.id)
        assert told, event
        assert not re.search(r"[{}\x01\n]|\bNone\b|tensor\(|array\(", told), told
        assert len(told) < 600, told
        assert not re.search(r"[{}\x01\n]", formula(trace, event.id))
