"""Recorded runs of what is less common: hooks, packed sequences, transforms of functions, checkpointing."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlab.analysis.flow import flow_graph
from graphlab.explain import narrate
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader

PROGRAMS = Path(__file__).parents[1] / "programs"
HOOKS = """import torch
import torch.nn as nn
from torch.nn.modules.module import register_module_forward_hook
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.LazyLinear(1))
x, y = torch.randn(4, 2), torch.randn(4, 1)
net(x)
net[0].register_forward_pre_hook(lambda m, args: (args[0] * 2,))
net[0].register_forward_hook(lambda m, args, out: out + 1)
net[2].register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.5,))
net[2].register_full_backward_pre_hook(lambda m, go: (go[0].clamp(-1, 1),))
net[0].weight.register_hook(lambda g: g + g.sign())
net[0].bias.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
with register_module_forward_hook(lambda m, a, out: None):
    for _ in range(4):
        opt.zero_grad()
        h = net(x)
        h.register_hook(lambda g: g * 2)
        h.retain_grad()
        loss = (h - y).pow(2).mean()
        loss.backward()
        opt.step()
        print(round(loss.item(), 5), round(h.grad.norm().item(), 5))
"""


@pytest.mark.parametrize("name", ["hooks", "sequence_tagger", "functional_transforms"])
def test_recording_survives(name: str, execute) -> None:
    source = HOOKS if name == "hooks" else (PROGRAMS / f"{name}.py").read_text()
    plain = execute(source, record=False)
    ended = execute(source)
    assert ended.outcome.status == "ok", ended.outcome.traceback
    assert ended.printed == plain.printed != ""
    reader = TraceReader(ended.run.trace_path)
    try:
        assert not [problem for problem in reader.problems if problem.severity == "error"]
        for section in range(len(reader.sections)):
            assert flow_graph(reader, section).nodes is not None
        for number, event in enumerate(reader.events):
            sentence = narrate(reader, number)
            assert "{" not in sentence or event.kind == EventKind.PRINT, sentence
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("t = 0.0\nt += x.item", "unsupported operand type(s) for +=: 'float' and 'builtin_function_or_method'"),
        ("x.sum[0]", "'builtin_function_or_method' object is not subscriptable"),
        ("f'{x.item:.2f}'", "unsupported format string passed to builtin_function_or_method.__format__"),
        ("class A:\n    def item(self): ...\n1 + A().item", "unsupported operand type(s) for +: 'int' and 'method'"),
    ],
)
def test_a_tensors_method_that_was_not_called_is_called_as_in_pytorch(program: str, message: str, execute) -> None:
    ended = execute(f"import torch\nx = torch.tensor(1.0)\n{program}", record=False)
    assert ended.outcome.error_message == message
