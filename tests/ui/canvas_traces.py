"""Real traces for the tests of canvas, timeline and narration: programs run by the real worker."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from graphlab.session.runner import Runner, RunRequest
from graphlab.trace.store import TraceReader

LINEAR = """\
import torch
import torch.nn as nn

x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
y = torch.tensor([2.0, 4.0, 6.0, 8.0, 10.0])
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.01)
for epoch in range(10):
    y_pred = w * x + b
    loss = nn.MSELoss()(y_pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(w.item())
"""

MLP = """\
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear({inner}, 3)

    def forward(self, x):
        h = F.relu(self.fc1(x))
        return self.fc2(h)

torch.manual_seed(0)
net = Net()
x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
y = torch.tensor([0, 1, 2])
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(5):
    out = net(x)
    loss = F.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

PROGRAMS = {
    "linear": LINEAR,
    "mlp": MLP.replace("{inner}", "16"),
    "failing": MLP.replace("{inner}", "8"),
    "empty": "print('nothing here')\n",
}


@lru_cache(maxsize=1)
def _folder() -> Path:
    return Path(mkdtemp(prefix="graphlab-traces-"))


@lru_cache(maxsize=8)
def recorded(name: str) -> Path:
    """The trace file of a program, run once a session."""
    return record(PROGRAMS[name], _folder() / f"{name}.trace", "failed" if name == "failing" else "ok")


def record(source: str, path: Path, status: str = "ok") -> Path:
    """Run a program in a worker, which must end with `status`, and keep its trace at `path`."""
    runner = Runner()
    try:
        outcome = runner.start(RunRequest(source, trace_path=str(path))).wait(60)
        assert outcome.status == status, outcome
    finally:
        runner.close()
    return path


def trace_of(name: str) -> TraceReader:
    """A reader of a program's trace."""
    return TraceReader(recorded(name))
