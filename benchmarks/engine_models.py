"""Training steps of the models that a course comes to: ratios to PyTorch, and to HIPS autograd where it can run them.

All run in one process, in turns, so that a busy machine slows all; each figure is the median of several rounds, on one
thread.
"""

from __future__ import annotations

import os

# One thread for all; must stand before NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import statistics
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

Step = Callable[[], object]


def character_mlp(torch: Any) -> Step:
    """Context of 3 characters, embedding of 10, 200 hidden units, batch 32, the update by hand."""
    torch.manual_seed(0)
    table, w1, b1 = torch.randn(27, 10), torch.randn(30, 200) * 0.2, torch.randn(200) * 0.01
    w2, b2 = torch.randn(200, 27) * 0.01, torch.zeros(27)
    parameters = [table, w1, b1, w2, b2]
    for p in parameters:
        p.requires_grad = True
    x, y = torch.randint(0, 27, (32, 3)), torch.randint(0, 27, (32,))

    def step() -> None:
        h = torch.tanh(table[x].view(-1, 30) @ w1 + b1)
        loss = torch.nn.functional.cross_entropy(h @ w2 + b2, y)
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad

    return step


def small_gpt(torch: Any) -> Step:
    """4 layers, 4 heads, 128 wide, 64 tokens, batch 8, AdamW."""
    nn, functional = torch.nn, torch.nn.functional
    width, length, heads, vocabulary = 128, 64, 4, 65

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            parts = self.qkv(self.ln1(x)).split(width, dim=2)
            q, k, v = (p.view(n, t, heads, width // heads).transpose(1, 2) for p in parts)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.proj(y.transpose(1, 2).contiguous().view(n, t, width))
            return x + self.down(functional.gelu(self.up(self.ln2(x))))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(4)])
            self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

        def forward(self, x: Any, y: Any) -> Any:
            h = self.tokens(x) + self.places(torch.arange(length))
            logits = self.head(self.ln(self.blocks(h)))
            return functional.cross_entropy(logits.view(-1, vocabulary), y.view(-1))

    torch.manual_seed(0)
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, y = (torch.randint(0, vocabulary, (8, length)) for _ in range(2))

    def step() -> None:
        optimizer.zero_grad()
        model(x, y).backward()
        optimizer.step()

    return step


def lstm(torch: Any) -> Step:
    """50 time steps, batch 16, 32 features, 64 hidden units."""
    torch.manual_seed(0)
    layer = torch.nn.LSTM(32, 64)
    x = torch.randn(50, 16, 32)

    def step() -> None:
        layer.zero_grad()
        out, _ = layer(x)
        out.sum().backward()

    return step


def convolution(torch: Any) -> Step:
    """Conv2d 3×3, 64 channels, 32×32, batch 16, forward and backward."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(64, 64, 3, padding=1)
    x = torch.randn(16, 64, 32, 32, requires_grad=True)
    g = torch.randn(16, 64, 32, 32)

    def step() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).backward(g)

    return step


def _hips_mlp(sizes: tuple[int, ...], batch: int, bend: str, by_character: bool = False) -> Step:
    """A training step with cross-entropy and plain descent in HIPS autograd, in float32."""
    import autograd.numpy as anp
    import numpy as np
    from autograd import grad

    rng = np.random.default_rng(0)
    parameters: list[Any] = []
    for n, m in pairwise(sizes):
        parameters += [rng.standard_normal((n, m), np.float32) / np.float32(n) ** 0.5, np.zeros(m, np.float32)]
    if by_character:
        table, x = rng.standard_normal((27, 10), np.float32), rng.integers(0, 27, (batch, 3))
        parameters.insert(0, table)
    else:
        x = rng.standard_normal((batch, sizes[0]), np.float32)
    y = np.arange(batch) % sizes[-1]
    rows = np.arange(batch)

    def loss(parameters: Any) -> Any:
        h: Any = x
        layers = parameters
        if by_character:
            h, layers = anp.reshape(parameters[0][x], (batch, -1)), parameters[1:]
        for i in range(0, len(layers), 2):
            h = anp.dot(h, layers[i]) + layers[i + 1]
            if i + 2 < len(layers):
                h = anp.tanh(h) if bend == "tanh" else anp.maximum(h, 0)
        top = anp.max(h, axis=1, keepdims=True)
        logs = h - top - anp.log(anp.sum(anp.exp(h - top), axis=1, keepdims=True))
        return -anp.mean(logs[rows, y])

    slope = grad(loss)

    def step() -> None:
        for p, g in zip(parameters, slope(parameters)):
            p -= np.float32(0.1) * g

    return step


def _hips_linear() -> Step:
    import autograd.numpy as anp
    import numpy as np
    from autograd import grad

    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0], np.float32)
    y = 2 * x
    parameters = [np.zeros((), np.float32), np.zeros((), np.float32)]

    def loss(parameters: Any) -> Any:
        return anp.mean((parameters[0] * x + parameters[1] - y) ** 2)

    slope = grad(loss)

    def step() -> None:
        for p, g in zip(parameters, slope(parameters)):
            p -= np.float32(0.01) * g

    return step


def logistic_regression(torch: Any) -> Step:
    """30 features, 569 samples, the update by hand."""
    torch.manual_seed(0)
    x, w, b = torch.randn(569, 30), torch.zeros(30, requires_grad=True), torch.zeros((), requires_grad=True)
    y = (torch.rand(569) > 0.5).float()

    def step() -> None:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ w + b, y)
        w.grad = b.grad = None
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad * 0.1)
            b.sub_(b.grad * 0.1)

    return step


def _hips_logistic() -> Step:
    import autograd.numpy as anp
    import numpy as np
    from autograd import grad

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((569, 30), np.float32), (rng.random(569) > 0.5).astype(np.float32)
    parameters = [np.zeros(30, np.float32), np.zeros((), np.float32)]

    def loss(parameters: Any) -> Any:
        z = anp.dot(x, parameters[0]) + parameters[1]
        return anp.mean(anp.logaddexp(0, z) - y * z)

    slope = grad(loss)

    def step() -> None:
        for p, g in zip(parameters, slope(parameters)):
            p -= np.float32(0.1) * g

    return step


def _hips_lstm() -> Step:
    """The same sizes as `lstm`, its gates written out."""
    import autograd.numpy as anp
    import numpy as np
    from autograd import grad

    rng = np.random.default_rng(0)
    x, n = rng.standard_normal((50, 16, 32), np.float32), 64
    shapes = ((32, 4 * n), (n, 4 * n), (4 * n,))
    parameters = [(rng.random(shape, np.float32) - 0.5) / 4 for shape in shapes]

    def loss(parameters: Any) -> Any:
        w, u, b = parameters
        h = c = np.zeros((16, n), np.float32)
        total = 0.0
        for row in x:
            gates = anp.dot(row, w) + anp.dot(h, u) + b
            i, f, o = (0.5 * anp.tanh(0.5 * gates[:, k * n : (k + 1) * n]) + 0.5 for k in (0, 1, 3))
            c = f * c + i * anp.tanh(gates[:, 2 * n : 3 * n])
            h = o * anp.tanh(c)
            total = total + anp.sum(h)
        return total

    slope = grad(loss)
    return lambda: slope(parameters)


def _timed(step: Step, n: int) -> float:
    start = perf_counter()
    for _ in range(n):
        step()
    return (perf_counter() - start) / n * 1e6


def medians(steps: list[Step], seconds: float = 2.0, rounds: int = 9) -> list[float]:
    """Microseconds a step for each, by medians of rounds in turns."""
    slowest = 0.0
    for step in steps:
        step()
        slowest += _timed(step, 1) / 1e6
    n = max(1, int(seconds / rounds / slowest))
    times = [[_timed(step, n) for step in steps] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times)]


def main() -> None:
    """Print the table; a ratio above 1 says how many times longer ours takes than PyTorch."""
    import torch

    import graphlab.engine as engine
    from benchmarks.engine import large, linear, mlp

    torch.set_num_threads(1)
    rows: list[tuple[str, str, Callable[[Any], Step], Callable[[], Step] | None]] = [
        ("MLP 2-16-3, batch 32", "0.40", lambda t: mlp(t, 32), lambda: _hips_mlp((2, 16, 3), 32, "relu")),
        ("linear y = 2x", "0.40", linear, _hips_linear),
        ("MLP 784-512-256-10, batch 256", "1.30", large, lambda: _hips_mlp((784, 512, 256, 10), 256, "relu")),
        ("Conv2d 3×3, 64 channels", "2.50", convolution, None),
        ("character MLP", "1.50", character_mlp, lambda: _hips_mlp((30, 200, 27), 32, "tanh", by_character=True)),
        ("small GPT", "1.50", small_gpt, None),
        ("LSTM, 50 steps", "1.50", lstm, _hips_lstm),
        ("logistic regression", "1.50", logistic_regression, _hips_logistic),
    ]
    heads = ("torch µs", "ours µs", "ours/torch", "at most", "HIPS µs", "ours/HIPS")
    print(f"{'step':32}" + "".join(f" {head:>10}" for head in heads))
    for name, goal, make, hips in rows:
        steps = [make(torch), make(engine)] + ([hips()] if hips else [])
        them, us, *other = medians(steps)
        beside = f"{other[0]:10.0f} {us / other[0]:10.2f}" if other else f"{'–':>10} {'–':>10}"
        print(f"{name:32} {them:10.0f} {us:10.0f} {us / them:10.2f} {goal:>10} {beside}", flush=True)


if __name__ == "__main__":
    main()
