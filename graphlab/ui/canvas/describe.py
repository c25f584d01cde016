"""Nodes in words: tooltips, what a screen reader is told, and the picture as text."""

from __future__ import annotations

import html
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from graphlab.i18n import N_, _
from graphlab.ui.canvas.phases import LABELS, phase_of
from graphlab.ui.canvas.values import statistics

if TYPE_CHECKING:
    from graphlab.analysis.flow import FlowNode
    from graphlab.trace.store import TraceReader
    from graphlab.ui.canvas.scene import Scene

KINDS = {
    "tensor": N_("tensor"),
    "op": N_("operator"),
    "grad": N_("gradient"),
    "backward": N_("backward operator"),
    "accumulate": N_("sum of gradients"),
    "update": N_("update"),
    "module": N_("module"),
    "ghost": N_("not reached"),
}


# The theme's role for each category of operators, by the category's label, which is how `describe_op` gives it.
ROLES = {
    N_("Arithmetic"): "pointwise",
    N_("Elementwise function"): "pointwise",
    N_("Activation"): "activation",
    N_("Matrix product"): "linear",
    N_("Reduction"): "reduction",
    N_("Shape"): "shape",
    N_("Indexing"): "index",
    N_("Comparison"): "compare",
    N_("Loss"): "loss",
    N_("Normalization"): "normalization",
    N_("Convolution"): "convolution",
    N_("Creation"): "creation",
    N_("Random"): "creation",
    N_("Conversion"): "shape",
}


@lru_cache(maxsize=4096)
def category_role(op: str) -> str:
    """The theme's role for an operator's category; "pointwise" for one that nobody knows."""
    from graphlab.explain import describe_op  # not at the top: the catalogue takes its time to import

    label = describe_op(op)["category"]
    return ROLES.get(label, "pointwise")


def tooltip(trace: TraceReader, scene: Scene, node: int, value: int) -> str:
    """What the tooltip of a node says, as rich text."""
    record = scene.flow.nodes[node]
    lines = [f"<b>{html.escape(_name(record))}</b> · {html.escape(_kind(record))}"]
    if record.sublabel:
        lines.append(html.escape(record.sublabel))
    if value >= 0:
        lines.append(html.escape(statistics(trace, value)))
    formula = _formula(trace, record)
    if formula:
        lines.append(f"<code>{html.escape(formula)}</code>")
    if record.failed and 0 <= record.event < len(trace.events):
        lines.append(html.escape(trace.events[record.event].text[:300]))
    return "<br>".join(line for line in lines if line)


def _name(record: FlowNode) -> str:
    return record.label or _("unnamed")


def _kind(record: FlowNode) -> str:
    if record.failed:
        return _("failed operator")
    return _("parameter") if record.role == "parameter" else _(KINDS.get(record.kind, record.kind))


def _formula(trace: TraceReader, record: FlowNode) -> str:
    from graphlab.explain import formula

    if record.kind not in ("op", "backward", "update") or not 0 <= record.event < len(trace.events):
        return ""
    return str(formula(trace, record.event) or "")


def accessible_text(trace: TraceReader | None, scene: Scene, node: int) -> str:
    """What a screen reader says of the selected node, or of the whole picture."""
    if node < 0:
        return _("{nodes} nodes, {edges} edges").format(nodes=scene.n_nodes, edges=len(scene.edge_ends))
    record = scene.flow.nodes[node]
    text = f"{_name(record)}, {_kind(record)}"
    if record.sublabel:
        text += f", {record.sublabel}"
    if trace is not None and 0 <= record.event < len(trace.events):
        phase = _(LABELS[phase_of(trace.events[record.event])])
        text += ", " + _("step {step}, {phase}").format(step=record.event + 1, phase=phase)
    return text


def graph_text(scene: Scene, current: set[int]) -> str:
    """The picture as text, one node a line: mark, name, shape and dtype, kind, and where it comes from."""
    sources: dict[int, list[str]] = defaultdict(list)
    nodes = scene.flow.nodes
    for source, target in scene.edge_ends.tolist():
        sources[target].append(nodes[source].label or nodes[source].kind)
    lines = []
    for i, node in enumerate(nodes):
        mark = "*" if i in current else "!" if node.failed else "?" if node.ghost else " "
        arrow = f"  <- {' '.join(sources[i])}" if sources[i] else ""
        lines.append(f"{mark}  {node.label:<16} {node.sublabel:<20} {node.role or node.kind:<12}{arrow}".rstrip())
    return "\n".join(lines)
