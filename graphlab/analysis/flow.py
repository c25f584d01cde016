"""The drawn graph of one section: tensors, operators, gradients, backward operators, updates, and what never ran.

Events in, nodes and edges out; positions are `layout`'s. Keys of nodes come from variables, module paths and operators,
so that a node keeps its key from iteration to iteration and over re-runs of an edited program.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from graphlab.analysis.sections import section_at
from graphlab.trace.records import Event, EventKind, Tensor, TensorKind
from graphlab.trace.store import TraceReader

MULTIPLICATION_SIGN = "×"


@dataclass(slots=True)
class FlowNode:
    """One box of the graph."""

    key: str  # stable over iterations and re-runs
    kind: str  # "tensor", "op", "grad", "backward", "accumulate", "update", "module", "ghost"
    label: str  # "h", "relu", "grad h"
    sublabel: str = ""  # "3×2 float32"
    module: str = ""  # path of the module that it stands in
    event: int = -1  # the event that made it, -1 for what an earlier section made
    tensor: int = -1  # the tensor shown, -1 for operators
    phase: str = "forward"  # "forward", "backward", "update"
    pair: int = -1  # node index of the forward counterpart, for folding
    role: str = ""  # of tensors: "leaf", "parameter", "buffer", "intermediate", "gradient"
    failed: bool = False
    ghost: bool = False


@dataclass(slots=True)
class FlowEdge:
    """One arrow: `tensor` flows from node `source` to node `target` (indices into `FlowGraph.nodes`)."""

    source: int
    target: int
    label: str = ""  # the shape that flows: "3×2"
    tensor: int = -1
    kind: str = "data"  # "data", "parameter", "grad", "seed", "update", "ghost"


@dataclass(slots=True)
class FlowGroup:
    """One module: a box around the nodes whose `module` is its path or lies below it."""

    path: str  # "net.fc1"
    parent: str  # "net", "" for the outermost
    label: str  # "fc1: Linear"
    collapsed: bool = False


@dataclass(slots=True)
class FlowGraph:
    """The graph of one section."""

    section: int
    nodes: list[FlowNode] = field(default_factory=list)
    edges: list[FlowEdge] = field(default_factory=list)
    groups: list[FlowGroup] = field(default_factory=list)
    signature: str = ""  # equal for graphs that differ in numbers only, so that a layout can be used again
    node_of_event: dict[int, int] = field(default_factory=dict)
    node_of_key: dict[str, int] = field(default_factory=dict)
    nodes_of_tensor: dict[int, list[int]] = field(default_factory=dict)  # in order of appearance

    def as_text(self) -> str:
        """The nodes with their sources, one a line: for tests and for a look in the terminal."""
        sources: dict[int, list[str]] = defaultdict(list)
        for edge in self.edges:
            sources[edge.target].append(self.nodes[edge.source].label)
        lines = []
        for index, node in enumerate(self.nodes):
            mark = "!" if node.failed else "?" if node.ghost else " "
            arrow = f" <- {' '.join(sources[index])}" if sources[index] else ""
            lines.append(f"{mark} {node.label:<16} {node.kind:<10} {node.sublabel:<18}{arrow}".rstrip())
        return "\n".join(lines)


def shape_text(shape: Iterable[int]) -> str:
    """ "3×2"; "scalar" has no axes and is shown as ""."""
    return MULTIPLICATION_SIGN.join(map(str, shape))


def tensor_text(tensor: Tensor) -> str:
    """ "3×2 float32"; for a scalar the dtype alone."""
    shape = shape_text(tensor.shape)
    return f"{shape} {tensor.dtype}" if shape else tensor.dtype


def flow_graph(trace: TraceReader, section: int, collapsed: frozenset[str] = frozenset()) -> FlowGraph:
    """The graph of section number `section`, with the modules in `collapsed` drawn as one node each.

    An unknown section gives an empty graph. 20,000 events take about 0.2 s.
    """
    stretch = section_at(trace, section)
    if stretch is None:
        return FlowGraph(section)
    builder = _Builder(trace, section)
    builder.read(trace.events[stretch.first : stretch.end])
    graph = builder.graph
    _add_groups(trace, graph, collapsed)
    if collapsed:
        graph = _collapse(trace, graph, collapsed)
    graph.node_of_key = {node.key: index for index, node in enumerate(graph.nodes)}
    graph.signature = _signature(graph)
    return graph


_ROLES = {
    TensorKind.LEAF: "leaf",
    TensorKind.PARAMETER: "parameter",
    TensorKind.BUFFER: "buffer",
    TensorKind.INTERMEDIATE: "intermediate",
    TensorKind.GRADIENT: "gradient",
    TensorKind.LEAF_GRAD: "gradient",
}


class _Builder:
    """Reads events in order and keeps, for each tensor, the node that holds its newest version."""

    def __init__(self, trace: TraceReader, section: int) -> None:
        self.trace = trace
        self.graph = FlowGraph(section)
        self._node_of: dict[int, int] = {}  # tensor id -> its newest node
        self._op_of: dict[int, int] = {}  # forward event -> its operator's node
        self._counts: dict[str, int] = defaultdict(int)
        self._direct: dict[int, int] = {}  # a contribution that became `.grad` unchanged -> the LEAF_GRAD tensor
        self._modules = {module.path for module in trace.modules}
        self._handlers = {
            EventKind.CREATE: self._create,
            EventKind.FORWARD: self._forward,
            EventKind.INPLACE: self._inplace,
            EventKind.BACKWARD: self._backward,
            EventKind.ACCUMULATE: self._accumulate,
            EventKind.UPDATE: self._update,
            EventKind.ERROR: self._error,
        }

    def read(self, events: list[Event]) -> None:
        tensors = self.trace.tensors
        for event in events:
            if event.kind == EventKind.ACCUMULATE and len(event.inputs) == 1 and event.inputs[0] >= 0:
                target = event.outputs[0] if event.outputs else -1
                if target >= 0 and tensors[target].kind == TensorKind.LEAF_GRAD:
                    self._direct[event.inputs[0]] = target
        for event in events:
            handler = self._handlers.get(event.kind)  # type: ignore[call-overload]
            if handler is not None:
                handler(event)
        if any(node.failed for node in self.graph.nodes[-8:]):
            self._ghosts()

    # Keys and nodes

    def _unique(self, base: str) -> str:
        n = self._counts[base] = self._counts[base] + 1
        return base if n == 1 else f"{base}#{n}"

    def _add(self, node: FlowNode) -> int:
        nodes = self.graph.nodes
        index = len(nodes)
        nodes.append(node)
        if node.event >= 0:
            self.graph.node_of_event.setdefault(node.event, index)
        if node.tensor >= 0:
            self.graph.nodes_of_tensor.setdefault(node.tensor, []).append(index)
        return index

    def _edge(self, source: int, target: int, tensor: int, kind: str) -> None:
        label = shape_text(self.trace.tensors[tensor].shape) if tensor >= 0 else ""
        self.graph.edges.append(FlowEdge(source, target, label, tensor, kind))

    def _tensor_node(self, tensor_id: int, event: int, base: str, module: str) -> int:
        """A new node for a forward tensor or a new version of one."""
        tensor = self.trace.tensors[tensor_id]
        key = self._unique(f"t:{tensor.name}" if tensor.name else base)
        role = _ROLES.get(tensor.kind, "")  # type: ignore[call-overload]
        label = tensor.name or _unnamed(tensor, self.trace.events[event].op if event >= 0 else "")
        index = self._add(FlowNode(key, "tensor", label, tensor_text(tensor), module, event, tensor_id, role=role))
        self._node_of[tensor_id] = index
        return index

    def _node(self, tensor_id: int) -> int:
        """The newest node of a tensor; one that came from an earlier section appears as a leaf."""
        index = self._node_of.get(tensor_id)
        if index is not None:
            return index
        tensor = self.trace.tensors[tensor_id]
        if tensor.kind in (TensorKind.GRADIENT, TensorKind.LEAF_GRAD):
            return self._grad_node(tensor_id, -1)
        return self._tensor_node(tensor_id, -1, "t:", self._owner(tensor))

    def _owner(self, tensor: Tensor) -> str:
        """The module that a parameter belongs to, read from its name."""
        if tensor.kind not in (TensorKind.PARAMETER, TensorKind.BUFFER):
            return ""
        path = tensor.name.rpartition(".")[0]
        return path if path in self._modules else ""

    def _grad_node(self, tensor_id: int, event: int, module: str = "") -> int:
        tensor = self.trace.tensors[tensor_id]
        pair, of = -1, "?"
        if tensor.of >= 0:
            pair = self._node_of.get(tensor.of, -1)
            if pair < 0 and self.trace.tensors[tensor.of].of < 0:
                pair = self._node(tensor.of)
        if pair >= 0:
            of = self.graph.nodes[pair].key
            module = self.graph.nodes[pair].module or module
            if self.graph.nodes[pair].phase != "forward":  # the gradient of a gradient
                pair = -1
        leaf = tensor.kind == TensorKind.LEAF_GRAD
        label = tensor.name or f"grad {self.graph.nodes[pair].label}" if pair >= 0 else tensor.name or "grad"
        key = self._unique(f"{'leafgrad' if leaf else 'grad'}:{of}")
        index = self._add(
            FlowNode(key, "grad", label, tensor_text(tensor), module, event, tensor_id, "backward", pair, "gradient")
        )
        self._node_of[tensor_id] = index
        return index

    # One method a kind of event

    def _create(self, event: Event) -> None:
        for tensor_id in event.outputs:
            if tensor_id < 0:
                continue
            tensor = self.trace.tensors[tensor_id]
            if tensor_id not in self._node_of:
                self._tensor_node(tensor_id, event.id, f"t:{event.op}", self._owner(tensor) or event.module)

    def _operator(self, event: Event, failed: bool = False) -> int:
        tensors = self.trace.tensors
        sources = [(tensor_id, self._node(tensor_id)) for tensor_id in event.inputs if tensor_id >= 0]
        name = next((tensors[t].name for t in event.outputs if t >= 0 and tensors[t].name), "")
        key = self._unique(f"op:{event.module}/{event.op}={name}")
        index = self._add(FlowNode(key, "op", event.op, _params_text(event), event.module, event.id, -1, failed=failed))
        for tensor_id, source in sources:
            parameter = tensors[tensor_id].kind == TensorKind.PARAMETER
            self._edge(source, index, tensor_id, "parameter" if parameter else "data")
        self._op_of[event.id] = index
        return index

    def _forward(self, event: Event) -> None:
        index = self._operator(event)
        key = self.graph.nodes[index].key
        for tensor_id in event.outputs:
            if tensor_id >= 0:
                output = self._tensor_node(tensor_id, event.id, f"t:{key}", event.module)
                self._edge(index, output, tensor_id, "data")

    def _inplace(self, event: Event) -> None:
        if event.op == "zero_grad":
            return
        self._forward(event)

    def _backward(self, event: Event) -> None:
        pair = self._op_of.get(event.forward, -1)
        forward_key = self.graph.nodes[pair].key if pair >= 0 else f"{event.module}/{event.op}"
        sources = [(tensor_id, self._node(tensor_id)) for tensor_id in event.inputs if tensor_id >= 0]
        key = self._unique(f"bw:{forward_key}")
        label = f"{event.op} backward"
        index = self._add(FlowNode(key, "backward", label, "", event.module, event.id, -1, "backward", pair))
        for tensor_id, source in sources:
            self._edge(source, index, tensor_id, "grad")
        for tensor_id in event.outputs:
            if tensor_id >= 0:
                # Where `.grad` is this contribution alone, one box says both.
                shown = self._direct.get(tensor_id, tensor_id)
                target = self._grad_node(shown, event.id, event.module)
                if shown != tensor_id:
                    self._node_of[tensor_id] = target
                    self.graph.nodes_of_tensor.setdefault(tensor_id, []).append(target)
                self._edge(index, target, tensor_id, "grad")

    def _accumulate(self, event: Event) -> None:
        outputs = [tensor_id for tensor_id in event.outputs if tensor_id >= 0]
        inputs = [tensor_id for tensor_id in event.inputs if tensor_id >= 0]
        if not outputs:
            return
        if not inputs:  # the 1 that a backward pass starts from
            index = self._grad_node(outputs[0], event.id, event.module)
            pair = self.graph.nodes[index].pair
            if pair >= 0:
                self._edge(pair, index, outputs[0], "seed")
            return
        if len(inputs) == 1 and self._direct.get(inputs[0]) == outputs[0]:
            index = self._node_of.get(outputs[0], -1)
            if index < 0 or self._node_of.get(inputs[0]) != index:  # its backward stands in an earlier section
                source = self._node(inputs[0])
                index = self._grad_node(outputs[0], event.id, event.module)
                self._edge(source, index, inputs[0], "grad")
            self.graph.node_of_event[event.id] = index
            return
        sources = [(tensor_id, self._node(tensor_id)) for tensor_id in inputs]
        of = self.trace.tensors[outputs[0]].of
        pair = self._node(of) if of >= 0 else -1
        base = self.graph.nodes[pair].key if pair >= 0 else "?"
        module = self.graph.nodes[pair].module if pair >= 0 else event.module
        key = self._unique(f"acc:{base}")
        index = self._add(FlowNode(key, "accumulate", "+", "", module, event.id, -1, "backward", pair))
        for tensor_id, source in sources:
            self._edge(source, index, tensor_id, "grad")
        target = self._grad_node(outputs[0], event.id, module)
        self._edge(index, target, outputs[0], "grad")

    def _update(self, event: Event) -> None:
        sources = [(tensor_id, self._node(tensor_id)) for tensor_id in event.inputs if tensor_id >= 0]
        pair = next((self._node(tensor_id) for tensor_id in event.outputs if tensor_id >= 0), -1)
        node = self.graph.nodes[pair] if pair >= 0 else None
        key = self._unique(f"up:{node.key if node else event.op}")
        sublabel = node.label if node else ""
        module = node.module if node else ""
        index = self._add(FlowNode(key, "update", event.op, sublabel, module, event.id, -1, "update", pair))
        for tensor_id in event.outputs:
            if tensor_id >= 0:
                self.graph.nodes_of_tensor.setdefault(tensor_id, []).append(index)
        for tensor_id, source in sources:
            self._edge(source, index, tensor_id, "update")

    def _error(self, event: Event) -> None:
        if event.op:
            self._operator(event, failed=True)

    def _ghosts(self) -> None:
        """What would have followed the failed operator, fed from variables by their newest node."""
        nodes = self.graph.nodes
        failed = max(index for index, node in enumerate(nodes) if node.failed)
        by_name = {node.label: index for index, node in enumerate(nodes) if node.kind == "tensor" and node.label}
        span = self.trace.events[nodes[failed].event].span
        produced = self.trace.spans[span].name if 0 <= span < len(self.trace.spans) else ""
        if produced:
            by_name[produced] = failed
        previous = failed
        for ghost in self.trace.ghosts:
            key = self._unique(f"ghost:{ghost.label}={ghost.output}")
            index = self._add(FlowNode(key, "ghost", ghost.label, ghost.output, ghost=True))
            sources = [by_name[name] for name in ghost.inputs if name in by_name]
            for source in dict.fromkeys(sources or [previous]):
                self.graph.edges.append(FlowEdge(source, index, "", -1, "ghost"))
            if ghost.output:
                by_name[ghost.output] = index
            previous = index


def _unnamed(tensor: Tensor, op: str) -> str:
    """What stands for a name: the operator that made it, or what it is."""
    return f"({op})" if op else _ROLES.get(tensor.kind, "")  # type: ignore[call-overload]


def _params_text(event: Event) -> str:
    """The few arguments that say what the operator does: "dim=1"."""
    shown = [
        f"{name}={value}"
        for name, value in event.params.items()
        if value is not None and value is not False and not isinstance(value, list | dict)
    ]
    text = ", ".join(shown[:2])
    return text if len(text) <= 24 else text[:23] + "…"


def _add_groups(trace: TraceReader, graph: FlowGraph, collapsed: frozenset[str]) -> None:
    types = {module.path: module.type for module in trace.modules}
    paths: set[str] = set()
    for module in {node.module for node in graph.nodes if node.module}:
        while module and module not in paths:
            paths.add(module)
            module = module.rpartition(".")[0]
    for path in sorted(paths):
        parent, _, last = path.rpartition(".")
        label = f"{last}: {types[path]}" if path in types else last
        graph.groups.append(FlowGroup(path, parent, label, path in collapsed))


def _collapse(trace: TraceReader, graph: FlowGraph, collapsed: frozenset[str]) -> FlowGraph:
    """Put one node in the place of all nodes of a collapsed module; one for each phase, or the graph had cycles."""
    box_of: dict[str, str] = {}  # module path -> the outermost collapsed module around it
    for path in {node.module for node in graph.nodes}:
        parts = path.split(".") if path else []
        heads = (".".join(parts[:n]) for n in range(1, len(parts) + 1))
        box_of[path] = next((head for head in heads if head in collapsed), "")
    labels = {group.path: group.label for group in graph.groups}
    result = FlowGraph(graph.section)
    boxes: dict[tuple[str, str], int] = {}
    moved: list[int] = []
    for node in graph.nodes:
        box = box_of[node.module]
        if not box or node.failed:
            moved.append(len(result.nodes))
            result.nodes.append(node)
            continue
        phase = "forward" if node.phase == "forward" else "backward"
        index = boxes.get((box, phase), -1)
        if index < 0:
            key = f"module:{box}" if phase == "forward" else f"module:{box}:backward"
            index = boxes[box, phase] = len(result.nodes)
            label = labels.get(box, box) if phase == "forward" else f"{labels.get(box, box)} backward"
            pair = boxes.get((box, "forward"), -1) if phase == "backward" else -1
            parent = box.rpartition(".")[0]
            result.nodes.append(FlowNode(key, "module", label, "", parent, node.event, -1, phase, pair))
        elif result.nodes[index].event < 0:
            result.nodes[index].event = node.event
        moved.append(index)
    for old, node in enumerate(graph.nodes):
        if result.nodes[moved[old]] is node and node.pair >= 0:
            node.pair = moved[node.pair]
    seen: set[tuple[int, int, int]] = set()
    for edge in graph.edges:
        source, target = moved[edge.source], moved[edge.target]
        if source != target and (source, target, edge.tensor) not in seen:
            seen.add((source, target, edge.tensor))
            result.edges.append(FlowEdge(source, target, edge.label, edge.tensor, edge.kind))
    shown = {
        group.path
        for group in graph.groups
        if box_of.get(group.path, _inside(group.path, collapsed)) in ("", group.path)
    }
    result.groups = [group for group in graph.groups if group.path in shown]
    result.node_of_event = {event: moved[index] for event, index in graph.node_of_event.items()}
    for tensor_id, indices in graph.nodes_of_tensor.items():
        result.nodes_of_tensor[tensor_id] = list(dict.fromkeys(moved[index] for index in indices))
    return result


def _inside(path: str, collapsed: frozenset[str]) -> str:
    parts = path.split(".")
    return next((head for n in range(1, len(parts) + 1) if (head := ".".join(parts[:n])) in collapsed), "")


def _signature(graph: FlowGraph) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join([f"{node.key}\t{node.pair}\t{node.sublabel}" for node in graph.nodes]).encode())
    digest.update("\n".join([f"{edge.source} {edge.target}" for edge in graph.edges]).encode())
    digest.update("\n".join([f"{group.path}{group.collapsed}" for group in graph.groups]).encode())
    return digest.hexdigest()
