"""The engine against PyTorch on one thread: training steps of the sample MLP and of the linear model.

Both run in one process, in turns, so that a busy machine slows both; each figure is the median of several rounds.

    python benchmarks/engine.py [rounds]
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

# One thread for both; must stand before NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"


def mlp(torch: Any, batch: int) -> Callable[[], None]:
    """One training step of a 2-16-3 network with cross-entropy."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(2, 16)
            self.fc2 = nn.Linear(16, 3)

        def forward(self, x: Any) -> Any:
            return self.fc2(torch.relu(self.fc1(x)))

    torch.manual_seed(0)
    net = Net()
    x, y = torch.randn(batch, 2), torch.arange(batch) % 3
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()

    return step


def linear(torch: Any) -> Callable[[], None]:
    """One training step of y = 2x with scalar w and b."""
    w, b = torch.tensor(0.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    y = 2 * x
    loss_fn, optimizer = torch.nn.MSELoss(), torch.optim.SGD([w, b], lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        loss = loss_fn(w * x + b, y)
        loss.backward()
        optimizer.step()

    return step


def large(torch: Any) -> Callable[[], None]:
    """One training step of a 784-512-256-10 network, batch 256."""
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    x, y = torch.randn(256, 784), torch.arange(256) % 10
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()

    return step


def timed(step: Callable[[], None], n: int) -> float:
    """Microseconds a step."""
    start = perf_counter()
    for _ in range(n):
        step()
    return (perf_counter() - start) / n * 1e6


def compare(name: str, theirs: Callable[[], None], ours: Callable[[], None], n: int, rounds: int, goal: str) -> None:
    """Print one row: medians and the ratio of PyTorch's time to ours."""
    for step in (theirs, ours):
        timed(step, max(1, n // 4))
    pairs = [(timed(theirs, n), timed(ours, n)) for _ in range(rounds)]
    them, us = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{name:34} {them:9.1f} {us:9.1f} {ratio:7.2f}   {goal}")


def main() -> None:
    """Print the table."""
    import torch

    import graphlab.engine as engine

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    torch.set_num_threads(1)
    print(f"{'step':34} {'torch µs':>9} {'ours µs':>9} {'ratio':>7}   must reach")
    for batch in (3, 32):
        compare(f"MLP 2-16-3, batch {batch}", mlp(torch, batch), mlp(engine, batch), 300, rounds, "2.5")
    compare("linear y = 2x", linear(torch), linear(engine), 500, rounds, "2.5")
    compare("MLP 784-512-256-10, batch 256", large(torch), large(engine), 3, max(3, rounds // 3), "0.77")


if __name__ == "__main__":
    main()
