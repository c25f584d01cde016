"""What recording costs: a training step of the sample MLP, recorded, against the engine alone and PyTorch eager.

Run: python benchmarks/record.py. One thread, interleaved, the best of several rounds; PyTorch's column is left out
where it is not installed. "recorded" and "thinned out" are as in the worker, where the bytes of all tensors are counted
too; the latter is an iteration of which only the loss is kept.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

PROGRAMS = {
    "linear model": """
X = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]])
Y = 2 * X
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
loss_fn = nn.MSELoss()
optimizer = torch.optim.SGD([w, b], lr=0.01)

def step():
    loop(1)
    optimizer.zero_grad()
    y = w * X + b
    loss = loss_fn(y, Y)
    loss.backward()
    optimizer.step()
""",
    "MLP 2-16-3": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)

X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
Y = torch.tensor([0, 1, 2])
net = Net()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

def step():
    loop(1)
    optimizer.zero_grad()
    out = net(X)
    loss = loss_fn(out, Y)
    loss.backward()
    optimizer.step()
""",
}
N_STEPS = 300
N_ROUNDS = 7


def load(source: str, package: str, loop: Callable[[int], None]) -> Callable[[], None]:
    """The program's `step`, with `package` in the place of torch."""
    torch = importlib.import_module(package)
    names: dict[str, Any] = {"torch": torch, "nn": importlib.import_module(f"{package}.nn"), "loop": loop}
    names["__name__"] = "__main__"
    exec(compile(source, "<program>", "exec"), names)
    step: Callable[[], None] = names["step"]
    return step


def seconds(step: Callable[[], None]) -> float:
    """Seconds for one step, over `N_STEPS`."""
    started = time.perf_counter()
    for _ in range(N_STEPS):
        step()
    return (time.perf_counter() - started) / N_STEPS


def measure(source: str, folder: Path) -> dict[str, float]:
    """Microseconds a step: engine alone, recorded with flushes to disk, and PyTorch."""
    from graphlab.engine import observe
    from graphlab.engine.device import count_cpu
    from graphlab.record.recorder import Recorder
    from graphlab.trace.store import TraceWriter

    recorders = {}
    sides: dict[str, Callable[[], None]] = {"engine": load(source, "graphlab.engine", lambda loop: None)}
    for name, budget in (("recorded", 10**9), ("thinned", 100)):
        writer = TraceWriter(folder / f"{name}.trace")
        recorders[name] = Recorder(writer, "<program>", source=source, detail_events=budget)
        count_cpu(True)
        sides[name] = load(source, "graphlab.engine", recorders[name].loop_started)
        count_cpu(False)
    try:
        import torch

        torch.set_num_threads(1)
        sides["PyTorch"] = load(source, "torch", lambda loop: None)
    except ImportError:
        pass
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(N_ROUNDS):
        for name, step in sides.items():
            count_cpu(name in recorders)
            before = observe.set_observer(recorders.get(name))
            times[name].append(seconds(step) * 1e6)
            observe.set_observer(before)
    count_cpu(False)
    events = recorders["recorded"].n_events
    for recorder in recorders.values():
        recorder.close()
    result = {name: min(each) for name, each in times.items()}
    result["events"] = events / (N_STEPS * N_ROUNDS)
    return result


def main() -> None:
    """Print the table."""
    columns = (
        f"{'engine':>10}{'recorded':>10}{'thinned out':>13}{'PyTorch':>10}{'events':>8}{'µs/event':>10}"
        f"{'recorded/PyTorch':>18}"
    )
    print(f"{'step of the':<14}{columns}")
    for name, source in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as folder:
            r = measure(source, Path(folder))
        torch = r.get("PyTorch", float("nan"))
        cost = (r["recorded"] - r["engine"]) / r["events"]
        print(
            f"{name:<14}{r['engine']:>8.0f}µs{r['recorded']:>8.0f}µs{r['thinned']:>11.0f}µs{torch:>8.0f}µs"
            f"{r['events']:>8.1f}{cost:>10.2f}"
            f"{r['recorded'] / torch:>18.2f}"
        )


if __name__ == "__main__":
    main()
