"""The drawn graph of one section: tensors, operators, gradients, backward operators, updates, and what never ran.

Events in, nodes and edges out; positions are `layout`'s. Keys of nodes come from variables, module paths and operators,
so that a node keeps its key from iteration to iteration and over re-runs of an edited program.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from graphlab.analysis.calls import Calls, Chain
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
    module: str = ""  # path of the module that it belongs to
    event: int = -1  # the event that made it, -1 for what an earlier section made
    tensor: int = -1  # the tensor shown, -1 for operators
    phase: str = "forward"  # "forward", "backward", "update"
    pair: int = -1  # node index of the forward counterpart, for folding
    role: str = ""  # of tensors: "leaf", "parameter", "buffer", "intermediate", "gradient"
    failed: bool = False
    ghost: bool = False
    frame: str | None = None  # path of its group (what a module takes and gives stands outside); None: as `module`


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
    """One call of a module: a box around the nodes whose `frame` is its path or that of a group in it."""

    path: str  # "net.fc1", "net.fc1#2" for its second call
    parent: str  # "net", "" for the outermost
    label: str  # "fc1: Linear"
    collapsed: bool = False
    module: str = ""  # "net.fc1"


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
    """The graph of section number `section`, with each call of the modules in `collapsed` drawn as one node.

    An unknown section gives an empty graph. 20,000 events take about 0.2 s.
    """
    stretch = section_at(trace, section)
    if stretch is None:
        return FlowGraph(section)
    builder = _Builder(trace, section)
    builder.read(trace.events[stretch.first : stretch.end])
    graph = builder.graph
    builder.frame()
    _add_groups(builder.calls, graph, collapsed)
    if collapsed:
        graph = _collapse(graph)
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
        self.calls = Calls({module.path: module.type for module in trace.modules})
        self._chains: dict[int, Chain] = {}  # operator's node -> the frames that it stands in
        self._owned: set[int] = set()  # parameters and buffers, which stand where they are used
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
        if module and module == self._owner(tensor):
            self._owned.add(index)
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
                owner = self._owner(tensor)
                index = self._tensor_node(tensor_id, event.id, f"t:{event.op}", owner or event.module)
                if event.module and not owner:
                    self._chains[index] = self.calls.enter(event.module)

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
        self._chains[index] = self.calls.enter(event.module)
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

    def frame(self) -> None:
        """Say of every node which group it stands in, once all are there."""
        nodes = self.graph.nodes
        if not self._modules and not self.calls.frames:
            return
        steps_after: dict[int, list[int]] = defaultdict(list)  # of each node the forward operators that use it
        made_by: dict[int, int] = {}
        feeds: dict[int, list[int]] = defaultdict(list)
        for edge in self.graph.edges:
            source, target = nodes[edge.source], nodes[edge.target]
            if target.kind == "op":
                steps_after[edge.source].append(edge.target)
            elif target.phase == "forward" and source.kind == "op":
                made_by[edge.target] = edge.source
            elif target.phase == "backward":
                feeds[edge.target].append(edge.source)
        last: dict[str, int] = {}  # of each frame its last operator
        for index, chain in self._chains.items():
            if nodes[index].kind == "op":
                last.update(dict.fromkeys(chain, index))
        frames: list[Chain] = [()] * len(nodes)
        for index, node in enumerate(nodes):
            if node.phase != "forward":
                continue
            users = steps_after[index]
            if index in self._owned:
                near = self._chains[users[0]] if users else self.calls.first(node.module)
                frames[index] = self.calls.within(near, node.module)
            elif index in self._chains:
                frames[index] = self._chains[index]
            elif index in made_by:
                frames[index] = self._outside(made_by[index], users, last)
        for index, node in enumerate(nodes):
            if node.phase == "forward":
                continue
            pair = node.pair
            if pair in self._owned and node.phase == "backward":
                frames[index] = self._beside_use(index, frames, feeds)
            elif pair >= 0:
                frames[index] = frames[pair]
            elif node.module:
                frames[index] = self.calls.first(node.module)
        for node, chain in zip(nodes, frames):
            node.frame = chain[-1] if chain else ""

    def _outside(self, operator: int, users: list[int], last: dict[str, int]) -> Chain:
        """Where the output of an operator stands: below the frames in which nothing more is done with it."""
        chain = self._chains.get(operator, ())
        while chain and (users or last[chain[-1]] == operator):
            k = len(chain) - 1
            if any(self._chains[user][k : k + 1] == chain[k:] for user in users):
                break
            chain = chain[:-1]
        return chain

    def _beside_use(self, index: int, frames: list[Chain], feeds: dict[int, list[int]]) -> Chain:
        """Where a part of a parameter's gradient stands: in the call that it comes from; `.grad` by the parameter."""
        node = self.graph.nodes[index]
        if node.tensor >= 0 and self.trace.tensors[node.tensor].kind == TensorKind.LEAF_GRAD:
            return frames[node.pair]
        sources = feeds[index]
        if not sources:
            return frames[node.pair]
        source = max(sources)
        operator = self.graph.nodes[source]
        if operator.kind != "backward" or operator.pair < 0:
            return frames[source]
        return self.calls.within(self._chains.get(operator.pair, ()), self.graph.nodes[node.pair].module)

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
            variable = ghost.output if ghost.output.isidentifier() else ""
            index = self._add(FlowNode(key, "ghost", ghost.label, variable, ghost=True))
            sources = [by_name[name] for name in ghost.inputs if name in by_name]
            for source in dict.fromkeys(sources or [previous]):
                self.graph.edges.append(FlowEdge(source, index, "", -1, "ghost"))
            if ghost.output:
                by_name[ghost.output] = index
            previous = index


def _unnamed(tensor: Tensor, op: str) -> str:
    """What stands for a name: the operator that made it, or what it is."""
    return f"({op})" if op else _ROLES.get(tensor.kind, "")  # type: ignore[call-overload]


_USUAL: dict[str, tuple[object, ...]] = {
    "reduction": ("mean",), "ignore_index": (-100,), "label_smoothing": (0,), "beta": (1,), "alpha": (1,),
    "eps": (1e-5,), "stride": (1,), "padding": (0,), "dilation": (1,), "groups": (1,), "output_padding": (0,),
    "negative_slope": (0.01,), "p": (2,), "correction": (1,), "threshold": (20,), "largest": (True,),
    "sorted": (True,), "approximate": ("none",), "momentum": (0.1,), "count_include_pad": (True,), "start_dim": (0,),
    "end_dim": (-1,), "diagonal": (0,), "offset": (0,), "delta": (1,), "affine": (True,), "num_classes": (-1,),
}  # fmt: skip
"""What PyTorch takes for a parameter that isn't given: shown values differ from it."""

_SILENT = frozenset(
    {"dtype", "device", "layout", "requires_grad", "generator", "memory_format", "non_blocking", "copy", "out", "size",
     "shape", "split_sizes", "sizes"}
)  # fmt: skip
"""Seen in the tensors' boxes already, or of no meaning for the result."""

_BARE = {"other", "exponent", "input", "self"}
"""Operands: the number alone says what is done with it."""


def _params_text(event: Event) -> str:
    """The few arguments that say what the operator does and are not the usual ones: "dim=1"."""
    shown: list[str] = []
    for name, value in event.params.items():
        if value is None or value is False or name in _SILENT or name.startswith("n_"):
            continue
        if isinstance(value, list) and len({str(item) for item in value}) == 1:
            value = value[0]
        if any(
            type(value) is type(usual) or type(usual) is not bool for usual in _USUAL.get(name, ()) if value == usual
        ):
            continue
        text = _param_text(value)
        if text:
            shown.append(text if name in _BARE else name if value is True else f"{name}={text}")
    text = ", ".join(shown[:2])
    return text if len(text) <= 18 else text[:17] + "…"


def _param_text(value: object) -> str:
    """One value, short: "0.01", "2×2" for several numbers; "" for what is too long to be shown."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        if not all(isinstance(item, int) for item in value) or len(value) > 4:
            return ""
        return ",".join(map(str, value))
    return str(value) if isinstance(value, int | str) else ""


def _add_groups(calls: Calls, graph: FlowGraph, collapsed: frozenset[str]) -> None:
    for frame in calls.ordered(node.frame or "" for node in graph.nodes):
        kind = calls.types.get(frame.module, "")
        label = f"{frame.name}: {kind}" if kind else frame.name
        if frame.call > 1:
            label += f" ({frame.call})"
        is_collapsed = frame.module in collapsed or frame.path in collapsed
        graph.groups.append(FlowGroup(frame.path, frame.parent, label, is_collapsed, frame.module))


def _collapse(graph: FlowGraph) -> FlowGraph:
    """Put one node in the place of all nodes of a collapsed call; one for each phase, or the graph had cycles."""
    groups = {group.path: group for group in graph.groups}
    box_of = {"": ""}  # frame -> the outermost collapsed one around it
    for group in graph.groups:  # outer ones come first
        box_of[group.path] = box_of[group.parent] or (group.path if group.collapsed else "")
    result = FlowGraph(graph.section)
    boxes: dict[tuple[str, str], int] = {}
    moved: list[int] = []
    for node in graph.nodes:
        box = box_of[node.frame or ""]
        if not box or node.failed:
            moved.append(len(result.nodes))
            result.nodes.append(node)
            if node.failed and box:
                node.frame = groups[box].parent
            continue
        phase = "forward" if node.phase == "forward" else "backward"
        index = boxes.get((box, phase), -1)
        if index < 0:
            index = boxes[box, phase] = len(result.nodes)
            result.nodes.append(_box(groups[box], phase, node.event, boxes.get((box, "forward"), -1)))
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
    result.groups = [group for group in graph.groups if box_of[group.path] in ("", group.path)]
    result.node_of_event = {event: moved[index] for event, index in graph.node_of_event.items()}
    for tensor_id, indices in graph.nodes_of_tensor.items():
        result.nodes_of_tensor[tensor_id] = list(dict.fromkeys(moved[index] for index in indices))
    return result


def _box(group: FlowGroup, phase: str, event: int, forward: int) -> FlowNode:
    """The node in the place of a collapsed call."""
    is_forward = phase == "forward"
    key = f"module:{group.path}" if is_forward else f"module:{group.path}:backward"
    label = group.label if is_forward else f"{group.label} backward"
    pair = -1 if is_forward else forward
    return FlowNode(key, "module", label, "", group.module, event, -1, phase, pair, frame=group.parent)


def _signature(graph: FlowGraph) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join([f"{node.key}\t{node.pair}\t{node.sublabel}" for node in graph.nodes]).encode())
    digest.update("\n".join([f"{edge.source} {edge.target}" for edge in graph.edges]).encode())
    digest.update("\n".join([f"{group.path}{group.collapsed}" for group in graph.groups]).encode())
    digest.update("\n".join([node.frame or "" for node in graph.nodes]).encode())
    return digest.hexdigest()
