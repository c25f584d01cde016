"""What the axes of a tensor mean, as far as the trace or the text says so: "batch", "channels", a name of the program.

Nothing is guessed: an axis that no layer, loss, batch or name in the program speaks of has no meaning ("").
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from graphlab.explain.source import Source, called, dotted
from graphlab.explain.values import index_of
from graphlab.i18n import N_, _
from graphlab.trace.records import Axes, Event, EventKind, Operand, Tensor, TensorKind

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader

BATCH, FEATURES, CHANNELS, CLASSES = N_("batch"), N_("features"), N_("channels"), N_("classes")
_WORDS = frozenset([BATCH, FEATURES, CHANNELS, CLASSES, "length", "height", "width", "depth", "kernel"])
"""The meanings that are words to be translated; all others are names of the program or of PyTorch's arguments."""
_SPACE = {1: (N_("length"),), 2: (N_("height"), N_("width")), 3: (N_("depth"), N_("height"), N_("width"))}
_KERNEL = N_("kernel")
_MAX_DEPTH = 60
_CREATED = frozenset({"randn", "rand", "zeros", "ones", "empty", "full", "randint", "normal"})
_POOLS = ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "lp_pool")
_SAME = frozenset({
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign",
    "hardtanh", "hardswish", "hardsigmoid", "tanh", "sigmoid", "log_sigmoid", "logsigmoid", "softmax",
    "log_softmax", "softmin", "dropout", "dropout2d", "exp", "log", "log1p", "expm1", "sqrt", "rsqrt", "abs", "neg",
    "sin", "cos", "square", "clamp", "round", "floor", "ceil", "sign", "reciprocal", "detach", "clone",
    "contiguous", "to", "masked_fill", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm",
    "normalize", "cumsum",
})  # fmt: skip
_PAIRED = frozenset({
    "add", "sub", "mul", "div", "pow", "maximum", "minimum", "where", "eq", "ne", "lt", "le", "gt", "ge",
})  # fmt: skip
_CLASS_LOSSES = frozenset(["cross_entropy", "cross_entropy_loss", "nll_loss"])


class Meanings:
    """The meanings of a run's tensors, each worked out when first asked for."""

    def __init__(self, trace: TraceReader, source: Source) -> None:
        self._trace = trace
        self._source = source
        self._known: dict[int, list[str]] = {}
        self._used: dict[int, list[Event]] | None = None

    def of(self, tensor: int) -> list[str]:
        """One word or name for each axis of a tensor, "" where nothing says it."""
        return [told(word) for word in self._of(tensor, 0)]

    def named(self, name: str, shape: Sequence[int]) -> list[str]:
        """The meanings of the newest tensor of this name and shape; all "" where there is none."""
        for tensor in reversed(self._trace.tensors):
            if tensor.name == name and list(tensor.shape) == list(shape) and tensor.of < 0:
                return self.of(tensor.id)
        return [""] * len(shape)

    def _of(self, tensor: int, depth: int) -> list[str]:
        found = self._known.get(tensor)
        if found is not None:
            return found
        record = self._trace.tensors[tensor]
        n = len(record.shape)
        if not n or depth > _MAX_DEPTH:
            return [""] * n
        self._known[tensor] = [""] * n  # a tensor that is changed in place may lead back to itself
        layers = [
            self._of_weight(record),
            self._of_creation(record),
            self._of_use(record),
            self._of_maker(record, depth),
            self._of_layer(record),
        ]
        merged = [next((layer[axis] for layer in layers if len(layer) == n and layer[axis]), "") for axis in range(n)]
        self._known[tensor] = merged
        return merged

    # What a tensor is used as: convolutions and losses fix what the axes of their inputs are.

    def _of_use(self, record: Tensor) -> list[str]:
        if record.kind == TensorKind.PARAMETER:
            return []
        merged = [""] * len(record.shape)
        for event in self._uses.get(record.id, ()):
            for axis, word in enumerate(self._as_input(event, event.inputs.index(record.id), record)):
                merged[axis] = merged[axis] or word
        return merged

    def _of_layer(self, record: Tensor) -> list[str]:
        """The last axis of what a linear layer takes holds its features, whatever the axes before it are."""
        if record.kind == TensorKind.PARAMETER or record.id not in self._linear_inputs:
            return []
        return [*[""] * (len(record.shape) - 1), FEATURES]

    @cached_property
    def _linear_inputs(self) -> frozenset[int]:
        kinds = (EventKind.FORWARD, EventKind.ERROR)
        return frozenset(
            event.inputs[0]
            for event in self._trace.events
            if event.kind in kinds and event.op == "linear" and event.inputs and event.inputs[0] >= 0
        )

    @property
    def _uses(self) -> dict[int, list[Event]]:
        if self._used is None:
            self._used = {}
            for event in self._trace.events:
                if event.kind in (EventKind.FORWARD, EventKind.ERROR) and _says_axes(event.op):
                    for tensor in event.inputs[:2]:
                        if tensor >= 0:
                            self._used.setdefault(tensor, []).append(event)
        return self._used

    def _as_input(self, event: Event, place: int, record: Tensor) -> list[str]:
        n = len(record.shape)
        if event.op in _CLASS_LOSSES:
            scores = self._trace.tensors[event.inputs[0]].shape
            if place == 0:
                return [BATCH, CLASSES, *[""] * (n - 2)] if n >= 2 else [CLASSES]
            return [BATCH, *[""] * (n - 1)] if len(scores) >= 2 and record.shape[:1] == scores[:1] else []
        space = _SPACE.get(_digit(event.op))
        if place != 0 or space is None:
            return []
        if n == len(space) + 2:
            return [BATCH, CHANNELS, *space]
        return [CHANNELS, *space] if n == len(space) + 1 else []

    # What a tensor belongs to: the weights of layers.

    def _of_weight(self, record: Tensor) -> list[str]:
        if record.kind not in (TensorKind.PARAMETER, TensorKind.BUFFER):
            return []
        path, _dot, last = record.name.rpartition(".")
        module = next((module for module in self._trace.modules if module.path == path), None)
        return weight_axes(module.type, last, len(record.shape)) if module is not None else []

    # How the text made it: sizes that are names, batches of a loader.

    def _of_creation(self, record: Tensor) -> list[str]:
        event = self._maker(record.id)
        if event is None or event.kind != EventKind.CREATE:
            return []
        n = len(record.shape)
        if event.op == "batch":  # what a DataLoader gave
            return [BATCH, *[""] * (n - 1)]
        if event.op not in _CREATED or not 0 <= event.span < len(self._trace.spans):
            return []
        node = self._source.expression_at(self._trace.spans[event.span])
        if not isinstance(node, ast.Call) or called(node) not in _CREATED:
            return []
        sizes = _sizes(node)
        return [_name(size) for size in sizes] if len(sizes) == n else []

    # Which operator made it.

    def _of_maker(self, record: Tensor, depth: int) -> list[str]:
        event = self._maker(record.id)
        if event is None or event.kind != EventKind.FORWARD:
            return []
        inputs = [tensor for tensor in event.inputs if tensor >= 0]
        if not inputs:
            return []
        first, n = self._trace.tensors[inputs[0]], len(record.shape)
        op = event.op.rstrip("_")
        if op in _SAME or _is_pool(op):
            return self._of(first.id, depth + 1) if len(first.shape) == n else []
        if op in ("linear", "addmm") and (op == "linear" or event.module):
            data = first.id if op == "linear" else inputs[1] if len(inputs) > 1 else first.id
            batch = self._of(data, depth + 1)
            return [*batch[:-1], _output_of(event)] if len(batch) == n else []
        if op in ("matmul", "mm", "bmm") and len(inputs) == 2:
            left, right = self._of(inputs[0], depth + 1), self._of(inputs[1], depth + 1)
            return [*left[:-1], right[-1]] if len(left) == len(right) == n >= 2 else []
        if op.startswith("conv"):
            space = _SPACE.get(_digit(op), ())
            return [BATCH, CHANNELS, *space][-n:] if n in (len(space) + 1, len(space) + 2) else []
        if op == "embedding":
            ids = next((t for t in inputs if self._trace.tensors[t].dtype.startswith("int")), first.id)
            batch = self._of(ids, depth + 1)
            return [*batch, FEATURES] if len(batch) == n - 1 else []
        if op in _PAIRED:
            return self._paired(record, inputs, depth)
        if op in ("flatten", "view", "reshape"):
            before = self._of(first.id, depth + 1)
            kept = _kept(first.shape, record.shape)
            return [*before[:kept], *[""] * (n - kept)]
        return self._turned(event, first, n, depth)

    def _paired(self, record: Tensor, inputs: Sequence[int], depth: int) -> list[str]:
        n = len(record.shape)
        merged = [""] * n
        for tensor in inputs:
            words, shape = self._of(tensor, depth + 1), self._trace.tensors[tensor].shape
            for axis, (word, size) in enumerate(zip(words, shape), n - len(shape)):
                if word and size == record.shape[axis]:
                    merged[axis] = merged[axis] or word
        return merged

    def _turned(self, event: Event, first: Tensor, n: int, depth: int) -> list[str]:
        words, m = self._of(first.id, depth + 1), len(first.shape)
        op, params = event.op, event.params
        if op in ("t", "T") and m == n == 2:
            return words[::-1]
        if op == "transpose" and m == n:
            a, b = params.get("dim0"), params.get("dim1")
            if isinstance(a, int) and isinstance(b, int):
                words = list(words)
                words[a], words[b] = words[b], words[a]
                return words
        if op == "permute" and m == n:
            dims = params.get("dims")
            if isinstance(dims, list) and len(dims) == n and all(isinstance(dim, int) for dim in dims):
                return [words[dim] for dim in dims]
        dim = params.get("dim")
        if op == "unsqueeze" and isinstance(dim, int) and n == m + 1:
            words = list(words)
            words.insert(dim % n, "")
            return words
        if op in ("squeeze", "sum", "mean", "amax", "amin", "select") and isinstance(dim, int) and n == m - 1:
            return [word for axis, word in enumerate(words) if axis != dim % m]
        return []

    def _maker(self, tensor: int) -> Event | None:
        made = index_of(self._trace).producer.get(tensor, -1)
        return self._trace.events[made] if made >= 0 else None


def weight_axes(module_type: str, name: str, n: int) -> list[str]:
    """What the axes of a layer's weight are, in the names of its arguments; [] for what isn't known."""
    if module_type == "Linear":
        return {"weight": ["out_features", "in_features"], "bias": ["out_features"]}.get(name, [])
    if module_type == "Embedding" and name == "weight":
        return ["num_embeddings", "embedding_dim"]
    if module_type.startswith(("Conv", "LazyConv")) and name in ("weight", "bias"):
        if name == "bias":
            return ["out_channels"]
        channels = ["in_channels", "out_channels"] if "Transpose" in module_type else ["out_channels", "in_channels"]
        return [*channels, *[_KERNEL] * (n - 2)]
    if module_type.startswith(("BatchNorm", "InstanceNorm", "SyncBatchNorm")) and n == 1:
        return ["num_features"]
    if module_type in ("RNN", "LSTM", "GRU") and n == 2:
        gates = {"RNN": "", "GRU": "3 × ", "LSTM": "4 × "}[module_type]
        rows = f"{gates}hidden_size"
        return [rows, "input_size" if name == "weight_ih_l0" else "hidden_size"] if name.endswith("l0") else [rows, ""]
    return []


def told(word: str) -> str:
    """A meaning in the chosen language."""
    return _(word) if word in _WORDS else word


def as_shown(axes: Axes | None) -> Axes | None:
    """A drawing that was kept in English, in the chosen language as far as its words are known."""
    if axes is None:
        return None
    operands = [
        msgspec.structs.replace(operand, meanings=[told(word) for word in operand.meanings])
        for operand in axes.operands
    ]
    return msgspec.structs.replace(axes, operands=operands, note=_(axes.note) if axes.note else "")


def with_meanings(axes: Axes, tensors: Sequence[int], meanings: Meanings) -> Axes:
    """The drawing with what its rows' axes mean; `tensors` names the tensor of each row, -1 for none.

    A row that says more already keeps its words.
    """
    operands = [
        _told(operand, meanings.of(tensor) if tensor >= 0 else meanings.named(operand.name, operand.shape))
        for operand, tensor in zip(axes.operands, tensors)
    ]
    return msgspec.structs.replace(axes, operands=operands)


def _told(operand: Operand, words: Sequence[str]) -> Operand:
    if not len(words) == len(operand.shape) == len(operand.columns) or not any(words):
        return operand
    own = operand.meanings if len(operand.meanings) == len(words) else [""] * len(words)
    return msgspec.structs.replace(operand, meanings=[mine or word for mine, word in zip(own, words)])


def _output_of(event: Event) -> str:
    """The axis that a layer makes: called by the layer's path."""
    return event.module or FEATURES


def _says_axes(op: str) -> bool:
    """Whether an operator fixes what the axes of its inputs are."""
    return op.startswith("conv") or op in _CLASS_LOSSES or _is_pool(op)


def _is_pool(op: str) -> bool:
    return op.startswith(_POOLS)


def _digit(op: str) -> int:
    """The number of axes that an operator moves over: 2 for conv2d."""
    return next((int(c) for c in op if c in "123"), 0)


def _kept(before: Sequence[int], after: Sequence[int]) -> int:
    """How many leading axes a reshape leaves as they are: those whose sizes agree, where more than 1."""
    n = 0
    while n < min(len(before), len(after)) - 1 and before[n] == after[n] > 1:
        n += 1
    return n


def _sizes(call: ast.Call) -> list[ast.expr]:
    """The expressions of the sizes in `randn(n, d)`, `zeros((n, d))`, `randint(0, 3, (n,))`."""
    given = next((k.value for k in call.keywords if k.arg == "size"), None)
    items: list[ast.expr] = [given] if given is not None else list(call.args)
    if called(call) in ("randint", "full", "normal") and given is None:
        items = [*[a for a in items if isinstance(a, ast.Tuple | ast.List)][:1]]
    if len(items) == 1 and isinstance(items[0], ast.Tuple | ast.List):
        return list(items[0].elts)
    return [] if any(isinstance(item, ast.Starred) for item in items) else items


def _name(size: ast.expr) -> str:
    """The name that a size was given by, "" for a number or a longer expression."""
    name = dotted(size)
    return name.removeprefix("self.") if len(name) <= 24 else ""
