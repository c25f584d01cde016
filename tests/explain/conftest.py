"""The fixture `run`: small programs through the real language, engine and recorder."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inprocess import Ran, run_program

from graphlab.trace.store import TraceReader


@pytest.fixture(autouse=True, scope="module")
def collected_quickly() -> Iterator[None]:
    """Each run ends with a garbage collection: it needn't look at what the tests before it left in memory."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Ran]]:
    """Runs a program and diagnoses it."""
    open_traces: list[TraceReader] = []
    numbers = itertools.count()

    def _run(source: str) -> Ran:
        ran = run_program(source, tmp_path / f"{next(numbers)}.trace")
        if ran.trace is not None:
            open_traces.append(ran.trace)
        return ran

    yield _run
    for trace in open_traces:
        trace.close()
