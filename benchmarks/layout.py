"""How long a layout takes and how good it is; where Graphviz is installed, beside `dot` on the same graph.

    python -m benchmarks layout

Forward-and-backward chains of residual blocks are what GraphLab draws; the random graphs are the hard case.
"""

from __future__ import annotations

import shutil
import subprocess
import time

import numpy as np

from graphlab.layout import LayoutGraph, arrange
from graphlab.layout.quality import measure

DOT_TIMEOUT = 60.0


def residual(n_blocks: int) -> LayoutGraph:
    """h = h + relu(h @ w) over and over, with every gradient: 17 nodes a block."""
    edges: list[tuple[int, int]] = []
    pair: list[int] = []

    def node(of: int = -1) -> int:
        pair.append(of)
        return len(pair) - 1

    h = node()
    tape: list[tuple[int, int, int, int, int, int, int, int]] = []
    for _ in range(n_blocks):
        w, mul, z, relu, r, add, out = (node() for _ in range(7))
        edges += [(h, mul), (w, mul), (mul, z), (z, relu), (relu, r), (h, add), (r, add), (add, out)]
        tape.append((h, w, mul, z, relu, r, add, out))
        h = out
    grad = node(h)
    edges.append((h, grad))
    for h, w, mul, z, relu, r, add, _out in reversed(tape):
        add_b, r_g, relu_b, z_g, mul_b, w_g, first, second = (node(i) for i in (add, r, relu, z, mul, w, h, h))
        total, h_g = node(), node(h)
        edges += [(grad, add_b), (add_b, r_g), (r_g, relu_b), (relu_b, z_g), (z_g, mul_b), (mul_b, w_g)]
        edges += [(mul_b, first), (add_b, second), (first, total), (second, total), (total, h_g)]
        edges += [(z, relu_b), (h, mul_b), (w, mul_b)]
        grad = h_g
    n = len(pair)
    return LayoutGraph(np.full(n, 84.0), np.full(n, 36.0), np.array(edges), pair=np.array(pair))


def random(n: int, reach: int, seed: int = 0) -> LayoutGraph:
    """1.5 edges a node, each to one of the `reach` next nodes."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, n - 1, n * 3 // 2)
    end = np.minimum(n - 1, start + rng.integers(1, reach + 1, len(start)))
    return LayoutGraph(np.full(n, 84.0), np.full(n, 36.0), np.stack([start, end], axis=1))


def chain(n: int) -> LayoutGraph:
    """One node after another."""
    return LayoutGraph(np.full(n, 84.0), np.full(n, 36.0), np.stack([np.arange(n - 1), np.arange(1, n)], axis=1))


def fan(n: int) -> LayoutGraph:
    """One node that n others use."""
    edges = np.stack([np.zeros(n, dtype=np.int64), np.arange(1, n + 1)], axis=1)
    return LayoutGraph(np.full(n + 1, 84.0), np.full(n + 1, 36.0), edges)


def dot_seconds(graph: LayoutGraph) -> float | None:
    """How long `dot` takes for the graph as it is; None where it is not installed, inf when it was given up."""
    if shutil.which("dot") is None:
        return None
    text = "digraph { node [shape=box];" + " ".join(f"{a} -> {b};" for a, b in graph.edges.tolist()) + "}"
    start = time.perf_counter()
    try:
        subprocess.run(["dot", "-Tplain"], input=text.encode(), capture_output=True, timeout=DOT_TIMEOUT, check=True)
    except subprocess.TimeoutExpired:
        return float("inf")
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    cases: list[tuple[str, LayoutGraph, float | None, bool]] = [
        ("residual, forward and backward", residual(6), None, True),
        ("residual, forward and backward", residual(56), 0.25, True),
        ("residual, forward and backward", residual(560), 1.5, False),
        ("random, near", random(1_000, 50), 0.25, False),
        ("random, near", random(10_000, 50), 1.5, False),
        ("random, far", random(10_000, 10_000), 1.5, False),
        ("random, far", random(50_000, 50_000), 5.0, False),
        ("chain", chain(20_000), None, False),
        ("fan-out", fan(5_000), None, False),
    ]
    print(f"{'graph':32}{'nodes':>7}{'edges':>7}{'s':>8}{'limit':>7}{'poll ms':>9}{'dot s':>8}  quality")
    for name, graph, limit, judged in cases:
        best, gap = float("inf"), 0.0
        for _ in range(3 if graph.n_nodes < 20_000 else 1):
            last = start = time.perf_counter()
            worst = 0.0

            def poll() -> bool:
                nonlocal last, worst
                now = time.perf_counter()
                worst, last = max(worst, now - last), now
                return False

            picture = arrange(graph, is_cancelled=poll)
            seconds = time.perf_counter() - start
            if seconds < best:
                best, gap = seconds, worst
        dot = dot_seconds(graph) if judged else None
        quality = measure(graph, picture, deep=graph.n_nodes <= 1_000)
        detail = f"overlaps {quality.overlaps}"
        if graph.n_nodes <= 1_000:
            detail += f", through nodes {quality.through_nodes}, crossings {quality.crossings}"
        print(
            f"{name:32}{graph.n_nodes:7}{graph.n_edges:7}{best:8.3f}{'' if limit is None else limit:>7}"
            f"{gap * 1000:9.0f}{'' if dot is None else f'{dot:.2f}':>8}  {detail}, portals {len(picture.portals)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
