"""Every sample leaves a trace of which every section can be drawn, stepped and asked."""

from collections import Counter
from pathlib import Path

import pytest

from graphlab.analysis.chain import chain_rule
from graphlab.analysis.flow import flow_graph
from graphlab.analysis.memory import holders
from graphlab.analysis.sections import sections
from graphlab.analysis.values import tensors_at
from graphlab.trace.records import EventKind

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.py"))
DOUBLE = """
import torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x ** 3).sum()
(g,) = torch.autograd.grad(y, x, create_graph=True)
z = (g ** 2).sum()
z.backward()
"""
TEXTS = [pytest.param(path.read_text(encoding="utf-8"), id=path.stem) for path in SAMPLES]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("source", [*TEXTS, pytest.param(DOUBLE, id="double")])
def test_every_section_of_a_sample_can_be_drawn_and_asked(lab, source):
    trace = lab.record(source, may_fail=True)
    assert trace.events
    for section in sections(trace):
        for collapsed in (frozenset(), frozenset(module.path for module in trace.modules)):
            drawable(flow_graph(trace, section.index, collapsed))
        last = section.end - 1
        rows = tensors_at(trace, last)
        assert len({row.name for row in rows}) == len(rows)
        assert sum(holder.n_bytes for holder in holders(trace, last, limit=10**6)) >= 0
    for event in trace.events:
        if event.kind == EventKind.BACKWARD:
            assert event.forward >= 0
            for link in chain_rule(trace, event.id).links:
                assert link.is_exact, (event, link)


def drawable(graph):
    """Unique keys, edges and pairs that lead somewhere, no cycle."""
    n = len(graph.nodes)
    assert len({node.key for node in graph.nodes}) == n
    waiting = Counter(edge.target for edge in graph.edges)
    free = [index for index in range(n) if not waiting[index]]
    followers = {}
    for edge in graph.edges:
        followers.setdefault(edge.source, []).append(edge.target)
    for index in free:
        for target in followers.get(index, ()):
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    assert len(free) == n, "the graph has a cycle"
    assert all(node.pair < 0 or graph.nodes[node.pair].phase == "forward" for node in graph.nodes)
