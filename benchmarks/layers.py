"""Single layers and functions against PyTorch on one thread, forward and backward: each within 2.5 times its time, or
marked with a star.

Times are of the thread's own clock and the best of several rounds, so that what else the machine does counts little.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Callable
from time import thread_time
from typing import Any

Step = Callable[[], object]
Make = Callable[[Any], Step]
LIMIT = 2.5


def layer(make: Callable[[Any], Any], shape: tuple[int, ...], is_input: bool = False) -> Make:
    """A module under a fixed gradient; `is_input`: its input needs no gradient."""

    def build(torch: Any) -> Step:
        torch.manual_seed(0)
        module, x = make(torch), torch.randn(*shape, requires_grad=not is_input)
        out = module(x)
        g = torch.ones_like((out[0] if isinstance(out, tuple) else out).detach())

        def step() -> None:
            module.zero_grad()
            x.grad = None
            out = module(x)
            (out[0] if isinstance(out, tuple) else out).backward(g)

        return step

    return build


def function(call: Callable[[Any, Any], Any], low: float, high: float, shape: tuple[int, ...] = (64, 4096)) -> Make:
    """A function of random entries, and the gradient of its sum."""

    def build(torch: Any) -> Step:
        torch.manual_seed(0)
        x = (torch.rand(*shape) * (high - low) + low).requires_grad_()

        def step() -> None:
            x.grad = None
            call(torch, x).sum().backward()

        return step

    return build


def embedding(torch: Any) -> Step:
    """A table of 10,000 rows of 128, 2,048 of them looked up."""
    torch.manual_seed(0)
    table, x = torch.nn.Embedding(10_000, 128), torch.randint(0, 10_000, (32, 64))

    def step() -> None:
        table.zero_grad()
        table(x).sum().backward()

    return step


def cross_entropy(torch: Any) -> Step:
    """64 rows of 50,000 classes."""
    torch.manual_seed(0)
    x, y = torch.randn(64, 50_000, requires_grad=True), torch.randint(0, 50_000, (64,))

    def step() -> None:
        x.grad = None
        torch.nn.functional.cross_entropy(x, y).backward()

    return step


def cell(torch: Any) -> Step:
    """An LSTMCell called for 50 steps."""
    torch.manual_seed(0)
    module, xs = torch.nn.LSTMCell(32, 64), torch.randn(50, 16, 32)

    def step() -> None:
        module.zero_grad()
        state, outs = (torch.zeros(16, 64), torch.zeros(16, 64)), []
        for x in xs:
            state = module(x, state)
            outs.append(state[0])
        torch.stack(outs).sum().backward()

    return step


PICTURES = (16, 64, 32, 32)
ROWS: dict[str, Make] = {
    "depthwise Conv2d 3×3, 64 channels": layer(lambda t: t.nn.Conv2d(64, 64, 3, padding=1, groups=64), PICTURES),
    "Conv2d 3×3 in 4 groups": layer(lambda t: t.nn.Conv2d(64, 64, 3, padding=1, groups=4), PICTURES),
    "Conv2d 3×3, stride 2": layer(lambda t: t.nn.Conv2d(32, 64, 3, stride=2, padding=1), (16, 32, 32, 32)),
    "Conv2d 1×1": layer(lambda t: t.nn.Conv2d(64, 128, 1), PICTURES),
    "Conv2d 3×3 of grey pictures": layer(lambda t: t.nn.Conv2d(1, 16, 3, padding=1), (64, 1, 28, 28), True),
    "Conv2d 5×5, 6 to 16 channels": layer(lambda t: t.nn.Conv2d(6, 16, 5), (32, 6, 14, 14)),
    "Conv1d": layer(lambda t: t.nn.Conv1d(32, 64, 5, padding=2), (16, 32, 256)),
    "Conv3d": layer(lambda t: t.nn.Conv3d(8, 16, 3, padding=1), (4, 8, 16, 16, 16)),
    "ConvTranspose2d, stride 2": layer(
        lambda t: t.nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), (16, 64, 16, 16)
    ),
    "MaxPool2d 2": layer(lambda t: t.nn.MaxPool2d(2), PICTURES),
    "MaxPool2d 3, stride 2": layer(lambda t: t.nn.MaxPool2d(3, 2, 1), PICTURES),
    "AvgPool2d 2": layer(lambda t: t.nn.AvgPool2d(2), PICTURES),
    "BatchNorm2d": layer(lambda t: t.nn.BatchNorm2d(64), PICTURES),
    "BatchNorm1d": layer(lambda t: t.nn.BatchNorm1d(256), (128, 256)),
    "GroupNorm": layer(lambda t: t.nn.GroupNorm(8, 64), PICTURES),
    "LayerNorm": layer(lambda t: t.nn.LayerNorm(128), (32, 64, 128)),
    "Embedding": embedding,
    "cross-entropy over 50,000 classes": cross_entropy,
    "GRU, 50 steps": layer(lambda t: t.nn.GRU(32, 64), (50, 16, 32)),
    "RNN, 50 steps": layer(lambda t: t.nn.RNN(32, 64), (50, 16, 32)),
    "LSTMCell, 50 calls": cell,
    "TransformerEncoderLayer": layer(
        lambda t: t.nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True), (8, 64, 128)
    ),
    "softmax": function(lambda t, x: t.softmax(x, -1) * x, -2, 2),
    "relu": function(lambda t, x: t.relu(x), -2, 2),
    "leaky_relu": function(lambda t, x: t.nn.functional.leaky_relu(x), -2, 2),
    "sigmoid": function(lambda t, x: t.sigmoid(x), -2, 2),
    "tanh": function(lambda t, x: t.tanh(x), -2, 2),
    "gelu": function(lambda t, x: t.nn.functional.gelu(x), -2, 2),
    "silu": function(lambda t, x: t.nn.functional.silu(x), -2, 2),
    "softplus": function(lambda t, x: t.nn.functional.softplus(x), -2, 2),
    "elu": function(lambda t, x: t.nn.functional.elu(x), -2, 2),
    "exp": function(lambda t, x: t.exp(x), -2, 2),
    "erf": function(lambda t, x: t.erf(x), -2, 2),
    "erfc": function(lambda t, x: t.erfc(x), -2, 2),
    "erfinv": function(lambda t, x: t.erfinv(x), -0.9, 0.9),
    "lgamma": function(lambda t, x: t.lgamma(x), 0.1, 5),
}


def _timed(step: Step, n: int) -> float:
    start = thread_time()
    for _ in range(n):
        step()
    return (thread_time() - start) / n * 1e6


def bests(steps: list[Step], seconds: float = 0.6, rounds: int = 7) -> list[float]:
    """Microseconds a step for each: the best of rounds in turns."""
    slowest = 0.0
    for step in steps:
        step()
        slowest += _timed(step, 1) / 1e6
    n = max(1, int(seconds / rounds / slowest))
    return [min(column) for column in zip(*([_timed(step, n) for step in steps] for _ in range(rounds)), strict=True)]


def main() -> None:
    """Print the table; a ratio above 1 says how many times longer ours takes than PyTorch."""
    import torch

    import graphlab.engine as engine

    torch.set_num_threads(1)
    print(f"{'forward and backward':36} {'torch µs':>10} {'ours µs':>10} {'ratio':>7}")
    above = 0
    for name, make in ROWS.items():
        them, us = bests([make(torch), make(engine)])
        above += us > LIMIT * them
        print(f"{name:36} {them:10.0f} {us:10.0f} {us / them:7.2f}{' *' if us > LIMIT * them else ''}", flush=True)
    print(f"* above {LIMIT}: {above} of {len(ROWS)}")


if __name__ == "__main__":
    main()
