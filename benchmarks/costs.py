"""What one operator costs above its NumPy work, the peak memory of a training step, and the time of large graphs.

Memory: for PyTorch the profiler's record of its CPU allocator (every allocation and release), for ours tracemalloc,
which NumPy tells of every array buffer and which also counts Python's own objects. Both start after two steps, so that
parameters, their gradients and the optimizer's state, held before, count in neither: what is compared is what a step
adds at its highest.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import gc
import statistics
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.engine import large
from benchmarks.engine_models import medians, small_gpt


def recorded(step: Callable[[], None]) -> Callable[[], None]:
    """The step with every operator and value recorded."""
    from graphlab.engine import observe
    from graphlab.record.recorder import Recorder
    from graphlab.trace.store import TraceWriter

    recorder = Recorder(TraceWriter(Path(tempfile.mkdtemp()) / "trace.glt"), "<program>")

    def run() -> None:
        before = observe.set_observer(recorder)
        try:
            step()
        finally:
            observe.set_observer(before)

    return run


def operators(torch: Any, engine: Any) -> None:
    """Microseconds above NumPy: without gradient, with (forward and backward, by operator), recorded."""
    import numpy as np

    n = 200
    print("µs above NumPy's own (in the first column)")
    heads = ("NumPy", "no grad", "grad", "+ backward", "recorded")
    print(f"{'operator, 16 × 16 float32':26}" + "".join(f" {head:>10}" for head in heads))
    a, b = (np.random.default_rng(i).random((16, 16), np.float32) for i in (0, 1))
    cases: list[tuple[str, Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = [
        ("x + y", lambda x, y: x + y, np.add),
        ("x * y", lambda x, y: x * y, np.multiply),
        ("x @ y", lambda x, y: x @ y, np.matmul),
        ("relu(x)", lambda x, y: engine.relu(x), lambda x, y: np.maximum(x, 0)),
        ("x.sum()", lambda x, y: x.sum(), lambda x, y: x.sum()),
    ]
    for name, run, plain in cases:
        x, y = engine.tensor(a), engine.tensor(b)
        gx, gy = engine.tensor(a, requires_grad=True), engine.tensor(b, requires_grad=True)
        seed = engine.ones_like(run(x, y))

        def work(run: Any = run, plain: Any = plain, x: Any = x, y: Any = y, gx: Any = gx, gy: Any = gy) -> Any:
            def repeat(f: Any, p: Any, q: Any) -> Callable[[], None]:
                def step() -> None:
                    for _ in range(n):
                        f(p, q)

                return step

            def both() -> None:
                for _ in range(n):
                    gx.grad = gy.grad = None
                    run(gx, gy).backward(seed)  # noqa: B023 - called before the next turn

            return [repeat(plain, a, b), repeat(run, x, y), repeat(run, gx, gy), both]

        steps = work()
        steps.append(recorded(steps[2]))
        base, *others = (t / n for t in medians(steps, seconds=1.0, rounds=7))
        print(f"{name:26} {base:10.2f}" + "".join(f" {t - base:10.2f}" for t in others))


def _torch_peak(step: Callable[[], object]) -> int:
    from torch.profiler import ProfilerActivity, profile

    for _ in range(2):
        step()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    now = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    return peak


def _our_peak(step: Callable[[], object]) -> int:
    for _ in range(2):
        step()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def memory(torch: Any, engine: Any) -> None:
    """Peak of what a training step adds to parameters and state."""
    print(f"\n{'peak memory of a step':32} {'torch MB':>9} {'ours MB':>9} {'ratio':>7} {'at most':>8}")
    for name, make in (("MLP 784-512-256-10, batch 256", large), ("small GPT", small_gpt)):
        them, us = _torch_peak(make(torch)), _our_peak(make(engine))
        print(f"{name:32} {them / 1e6:9.2f} {us / 1e6:9.2f} {us / them:7.2f} {1.2:8.2f}")


def _seconds(work: Callable[[], object], rounds: int = 3) -> float:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return statistics.median(times)


def graphs(torch: Any, engine: Any) -> None:
    """Time per operator of long chains and wide fan-ins: the same for ten times as many, where it is linear."""

    def chain(t: Any, n: int) -> Callable[[], None]:
        def work() -> None:
            x = t.ones(4, requires_grad=True)
            y = x
            for _ in range(n):
                y = y * 1.0
            y.sum().backward()

        return work

    def fan(t: Any, n: int) -> Callable[[], None]:
        def work() -> None:
            x = t.ones(4, requires_grad=True)
            y = x * 2
            total = t.stack([y * float(i) for i in range(n)]).sum()
            total.backward()

        return work

    print(f"\n{'forward and backward':32} {'torch ms':>9} {'ours ms':>9} {'µs an operator':>15}")
    for name, make, sizes in (("chain", chain, (10_000, 100_000)), ("fan-in", fan, (1_000, 10_000))):
        for n in sizes:
            them, us = _seconds(make(torch, n)), _seconds(make(engine, n))
            print(f"{f'{name} of {n:,}':32} {them * 1e3:9.1f} {us * 1e3:9.1f} {us / n * 1e6:15.2f}")


def main() -> None:
    """Print the tables."""
    import torch

    import graphlab.engine as engine

    torch.set_num_threads(1)
    operators(torch, engine)
    memory(torch, engine)
    graphs(torch, engine)


if __name__ == "__main__":
    main()
