"""Frames of real programs: each call of a module has one, it holds what the call computes, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from graphlab.analysis.flow import FlowGraph, flow_graph
from graphlab.layout import arrange
from graphlab.layout.model import Picture
from graphlab.layout.prepare import REFERENCE, from_flow, references, with_references
from graphlab.layout.quality import frame_faults, measure
from graphlab.session.runner import Runner, RunRequest
from graphlab.trace.store import TraceReader

SAMPLES = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parents[2] / "samples").glob("*.py")}
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\ntorch.manual_seed(0)\n"
CELL = """
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.i2h = nn.Linear(3, 4)
        self.h2h = nn.Linear(4, 4)
    def forward(self, x, h):
        return torch.tanh(self.i2h(x) + self.h2h(h))
cell = Cell()
head = nn.Linear(4, 1)
opt = torch.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.1)
xs, y = torch.randn(5, 2, 3), torch.randn(2, 1)
for epoch in range(2):
    h = torch.zeros(2, 4)
    for t in range(5):
        h = cell(xs[t], h)
    loss = F.mse_loss(head(h), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
RESIDUAL = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.fc2 = nn.Linear(4, 4)
    def forward(self, x):
        return x + self.fc2(torch.relu(self.fc1(x)))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(3)])
        self.head = nn.Linear(4, 2)
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)
net = Net()
x, y = torch.randn(6, 4), torch.randint(0, 2, (6,))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    loss = F.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
GAN = """
G = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
D = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
bce = nn.BCEWithLogitsLoss()
opt_g, opt_d = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
real = torch.randn(16, 2) + 3
for step in range(2):
    fake = G(torch.randn(16, 2))
    loss_d = bce(D(real), torch.ones(16, 1)) + bce(D(fake.detach()), torch.zeros(16, 1))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = bce(D(fake), torch.ones(16, 1))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
"""
ATTENTION = """
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return F.softmax(q @ k.transpose(-2, -1) / 8**0.5, dim=-1) @ v
att = Attention()
loss = att(torch.randn(5, 8)).mean()
loss.backward()
"""
PLAIN_RNN = """
W, U = torch.randn(4, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
xs, h = torch.randn(20, 2, 3), torch.zeros(2, 4)
for t in range(20):
    h = torch.tanh(h @ W + xs[t] @ U)
loss = (h ** 2).mean()
loss.backward()
"""
TIED = """
a, b = nn.Linear(4, 4), nn.Linear(4, 4)
b.weight = a.weight
x = torch.randn(2, 4)
out = b(F.relu(a(x))) + F.linear(x, a.weight)
out.sum().backward()
"""
PROGRAMS = {
    **SAMPLES,
    **{
        name: HEAD + text
        for name, text in {
            "cell": CELL,
            "residual": RESIDUAL,
            "gan": GAN,
            "attention": ATTENTION,
            "plain_rnn": PLAIN_RNN,
            "tied": TIED,
        }.items()
    },
}


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """The trace of a program by its name, run once."""
    folder = tmp_path_factory.mktemp("frames")
    runner, readers = Runner(), {}

    def trace(name: str) -> TraceReader:
        if name not in readers:
            path = folder / f"{name}.trace"
            runner.start(RunRequest(PROGRAMS[name], trace_path=str(path))).wait(60)
            readers[name] = TraceReader(path)
        return readers[name]

    yield trace
    for reader in readers.values():
        reader.close()
    runner.close()


def drawn(trace: TraceReader, section: int) -> tuple[FlowGraph, Picture]:
    flow = flow_graph(trace, section)
    flow = with_references(flow, references(flow))
    n = len(flow.nodes)
    graph = from_flow(flow, np.full(n, 110.0), np.full(n, 40.0))
    picture = arrange(graph)
    faults = frame_faults(graph, picture)
    assert (faults.strangers, faults.meetings) == (0, 0)
    quality = measure(graph, picture)
    assert (quality.overlaps, quality.loose_ends, quality.through_nodes) == (0, 0, 0)
    return flow, picture


def members(flow: FlowGraph, picture: Picture, group: str) -> set[str]:
    """Labels of the forward nodes that stand in a frame."""
    (box,) = [box for box in picture.groups if flow.groups[box.group].path == group]
    inside = (box.x0 < picture.x) & (picture.x < box.x1) & (box.y0 < picture.y) & (picture.y < box.y1)
    return {flow.nodes[i].label for i in np.flatnonzero(inside) if flow.nodes[i].phase == "forward"}


def last_iteration(trace: TraceReader) -> int:
    return max((s.index for s in trace.sections if s.kind == "iteration"), default=0)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_no_frame_of_a_program_holds_a_stranger_or_meets_another(traces, name):
    trace = traces(name)
    for section in {0, last_iteration(trace), len(trace.sections) - 1}:
        drawn(trace, section)


def test_what_a_module_takes_and_gives_stands_outside_its_frame(traces):
    flow, picture = drawn(traces("mlp"), last_iteration(traces("mlp")))
    assert members(flow, picture, "net.fc1") == {"net.fc1.weight", "net.fc1.bias", "linear"}
    assert members(flow, picture, "net.fc2") == {"net.fc2.weight", "net.fc2.bias", "linear"}
    inside = members(flow, picture, "net")
    assert {"relu", "x", "(linear)"} <= inside
    assert not {"X", "outputs", "y", "loss"} & inside


def test_the_backward_spine_of_the_mlp_is_straight(traces):
    flow, picture = drawn(traces("mlp"), last_iteration(traces("mlp")))
    spine = [i for i, node in enumerate(flow.nodes) if node.label in ("grad outputs", "grad x", "grad (linear)")]
    assert len(spine) == 3 and np.ptp(picture.x[spine]) < 1e-6


def test_each_call_of_a_module_has_a_frame_of_its_own(traces):
    trace = traces("cell")
    flow, picture = drawn(trace, last_iteration(trace))
    calls = [group for group in flow.groups if group.module == "cell"]
    assert [group.label for group in calls] == ["cell: Cell", *(f"cell: Cell ({n})" for n in range(2, 6))]
    for call in calls[1:]:
        inside = members(flow, picture, call.path)
        assert {"add", "tanh", "cell.i2h.weight" + REFERENCE} <= inside


def test_a_list_of_modules_is_no_frame(traces):
    flow, _picture = drawn(traces("residual"), last_iteration(traces("residual")))
    paths = {group.path: group.parent for group in flow.groups}
    assert paths["net.blocks.1"] == "net" and "net.blocks" not in paths
    assert paths["net.blocks.1.fc2"] == "net.blocks.1"


def test_a_weight_used_at_every_step_is_drawn_beside_each_use(traces):
    trace = traces("plain_rnn")
    flow, picture = drawn(trace, len(trace.sections) - 1)
    boxes = [i for i, node in enumerate(flow.nodes) if node.label.startswith("W")]
    assert len(boxes) >= 18 and not picture.portals
    tensor = flow.nodes[boxes[0]].tensor
    assert {flow.nodes[i].tensor for i in boxes if flow.nodes[i].phase == "forward"} == {tensor}
    assert flow.nodes[flow.nodes_of_tensor[tensor][-1]].label == "W"
    for edge in flow.edges:
        if flow.nodes[edge.source].label == "W" + REFERENCE:
            assert 0 < picture.rank[edge.target] - picture.rank[edge.source] <= 2


def test_references_change_nothing_but_where_edges_begin(traces):
    trace = traces("plain_rnn")
    flow = flow_graph(trace, len(trace.sections) - 1)
    shown = with_references(flow, references(flow))
    n = len(flow.nodes)
    assert shown.nodes[:n] == flow.nodes and shown.signature == flow.signature
    assert len({node.key for node in shown.nodes}) == len(shown.nodes)
    for before, after in zip(flow.edges, shown.edges, strict=True):
        assert after.target == before.target
        assert shown.nodes[after.source].tensor == flow.nodes[before.source].tensor
