"""One failure or warning as the diagnoses see it: the engine's facts, and the program's text around it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphlab.explain import words
from graphlab.explain.source import Source, called, dotted
from graphlab.trace.records import Axes, Event, EventKind, Failure, Fix, Module, Span, Tensor

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader

_NAMESPACES = {"torch", "F", "nn", "functional", "nn.functional", "torch.nn.functional", "torch.linalg", "linalg"}
_METHODS = frozenset(
    [
        "add",
        "sub",
        "mul",
        "div",
        "matmul",
        "mm",
        "bmm",
        "mv",
        "dot",
        "addmm",
        "pow",
        "maximum",
        "minimum",
        "atan2",
        "view",
        "reshape",
        "flatten",
        "squeeze",
        "unsqueeze",
        "transpose",
        "permute",
        "expand",
        "repeat",
        "sum",
        "mean",
        "softmax",
        "log_softmax",
        "cat",
        "max",
        "min",
        "argmax",
        "argmin",
        "std",
        "var",
        "prod",
        "norm",
        "t",
        "item",
        "backward",
        "gather",
        "scatter",
        "index_select",
        "masked_fill",
        "where",
        "clamp",
        "sigmoid",
        "tanh",
        "relu",
        "exp",
        "log",
        "sqrt",
        "abs",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "view_as",
        "expand_as",
        "add_",
        "sub_",
        "mul_",
        "div_",
        "copy_",
        "fill_",
        "zero_",
        "numpy",
        "outer",
        "ger",
        "requires_grad_",
    ]
)
MAX_SAID = 40


@dataclass(frozen=True)
class Argument:
    """One operand: how to call it in a sentence, and where it stands."""

    said: str  # "`x`", or "the left tensor" where the program gives no name
    text: str = ""  # as typed; "" when unknown
    name: str = ""  # the variable, "" for other expressions
    shape: list[int] = field(default_factory=list)
    node: ast.expr | None = None

    @property
    def base(self) -> str:
        """The text on one line, as a title may show it before a dot."""
        is_atom = self.node is None or isinstance(self.node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        text = " ".join(self.text.split())
        text = text if len(text) <= 2 * MAX_SAID else text[: 2 * MAX_SAID] + "…"
        return text if is_atom else f"({text})"


@dataclass
class Found:
    """What a diagnosis found out: the words for its sentences, plain facts, fixes and a drawing."""

    words: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    fixes: list[Fix] = field(default_factory=list)
    picture: Axes | None = None
    line: int = 0
    end_line: int = 0
    event: int = -1
    title: str = ""  # other templates than the block's own, where the case asks for them
    what: str = ""
    why: str = ""
    fix: str = ""


@dataclass
class Case:
    """A failure or warning. Without a trace (a pasted message) only `kind`, `facts` and the message are there."""

    kind: str
    facts: dict[str, Any]
    type: str = ""
    message: str = ""
    line: int = 0
    source: Source = field(default_factory=lambda: Source(""))
    span: Span | None = None
    event: int = -1
    trace: TraceReader | None = None
    traceback: str = ""
    is_warning: bool = False

    @classmethod
    def of_failure(cls, failure: Failure, trace: TraceReader, source: Source) -> Case:
        """The case of a run that ended with an exception."""
        span = trace.spans[failure.span] if 0 <= failure.span < len(trace.spans) else None
        if span is None and 0 <= failure.event < len(trace.events):
            at = trace.events[failure.event].span
            span = trace.spans[at] if 0 <= at < len(trace.spans) else None
        return cls(
            failure.kind,
            dict(failure.facts),
            failure.type,
            failure.message,
            failure.line or (span.line if span else 0),
            source,
            span,
            failure.event,
            trace,
            failure.traceback,
        )

    # what the trace knows

    @property
    def record(self) -> Event | None:
        """The event of this case."""
        if self.trace is not None and 0 <= self.event < len(self.trace.events):
            return self.trace.events[self.event]
        return None

    @property
    def tensors(self) -> list[Tensor]:
        """The operands as the trace has them (ERROR events carry them as inputs)."""
        if self.trace is None or self.record is None:
            return []
        return [self.trace.tensors[t] for t in self.record.inputs if 0 <= t < len(self.trace.tensors)]

    @property
    def op(self) -> str:
        """The operator that failed, "" when unknown."""
        return str(self.facts.get("op") or (self.record.op if self.record else "") or "")

    @property
    def module(self) -> Module | None:
        """The module in which it happened."""
        path = self.record.module if self.record else ""
        return self.module_at(path) if path else None

    def module_at(self, path: str) -> Module | None:
        """The module with that path."""
        return next((m for m in self.trace.modules if m.path == path), None) if self.trace else None

    # what the text knows

    @property
    def expression(self) -> ast.expr | None:
        """The expression that failed."""
        return self.source.expression_at(self.span, self.line)

    @property
    def call(self) -> ast.Call | None:
        """The call that failed: the expression itself, else the only call on its line."""
        node = self.expression
        if isinstance(node, ast.Call):
            return node
        if self.span is None:
            calls = self.source.calls_at(self.line)
            return calls[0] if len(calls) == 1 else None
        return None

    def call_of(self, *names: str) -> ast.Call | None:
        """The call of one of these names at the place of failure: the expression itself, in it, or on its line."""
        node = self.expression
        if isinstance(node, ast.Call) and called(node) in names:
            return node
        places = list(ast.walk(node)) if node is not None else []
        candidates = [n for n in places if isinstance(n, ast.Call) and called(n) in names]
        candidates = candidates or [c for c in self.source.calls_at(self.line) if called(c) in names]
        return candidates[0] if len(candidates) == 1 else None

    def operand_nodes(self) -> list[ast.expr]:
        """The expressions of the operands, in the operator's order, as far as the text shows them."""
        node = self.expression
        if node is None or (isinstance(node, ast.Name | ast.Constant)):
            statement = self._statement_on_line()
            if isinstance(statement, ast.AugAssign):
                return [statement.target, statement.value]
            node = statement.value if isinstance(statement, ast.Assign | ast.Expr) else node
        if isinstance(node, ast.BinOp):
            return [node.left, node.right]
        if isinstance(node, ast.Compare):
            return [node.left, node.comparators[0]]
        if isinstance(node, ast.Call):
            arguments = [a for a in node.args if not isinstance(a, ast.Starred)]
            arguments += [k.value for k in node.keywords if k.arg in ("input", "target", "other", "mat2", "tensor")]
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in _METHODS:
                owner = dotted(function.value)
                if owner not in _NAMESPACES and owner != "self":
                    return [function.value, *arguments]
            return arguments
        return []

    def _statement_on_line(self) -> ast.stmt | None:
        found = [n for n in self.source.nodes if isinstance(n, ast.stmt) and n.lineno == self.line]
        return found[-1] if found else None

    def arguments(self, phrases: Sequence[str], shapes: Sequence[Sequence[int]] = ()) -> list[Argument]:
        """The operands with their names; `phrases` say what to call those that have none."""
        nodes: list[ast.expr | None] = list(self.operand_nodes())
        given = [_name_and_text(item) for item in self.facts.get("operands") or []]
        tensors = self.tensors
        n = len(phrases)
        if len(nodes) < n and len(given) == n:
            nodes = [self._node_with_text(text) for _, text in given]
        arguments: list[Argument] = []
        for index in range(n):
            node = nodes[index] if index < len(nodes) else None
            name, text = given[index] if index < len(given) else ("", "")
            if node is not None:
                text = self.source.text_of(node)
                name = dotted(node)
            elif not name and index < len(tensors) and len(tensors) == n:
                name = tensors[index].name
            shape = list(shapes[index]) if index < len(shapes) else []
            if not shape and index < len(tensors) and len(tensors) >= n:
                shape = list(tensors[index].shape)
            shown = name or (text if "\n" not in text else "")
            said = words.code(shown) if shown and len(shown) <= MAX_SAID else phrases[index]
            arguments.append(Argument(said, text, name, shape, node))
        return arguments

    def _node_with_text(self, text: str) -> ast.expr | None:
        if not text or not self.line:
            return None
        found = [
            n
            for n in self.source.nodes
            if isinstance(n, ast.expr) and n.lineno == self.line and self.source.text_of(n) == text
        ]
        return found[0] if len(found) == 1 else None

    def producer(self, tensor: int) -> Event | None:
        """The forward event that made a tensor."""
        if self.trace is None:
            return None
        for event in reversed(self.trace.events):
            if event.kind in (EventKind.FORWARD, EventKind.CREATE, EventKind.INPLACE) and tensor in event.outputs:
                return event
        return None


def _name_and_text(item: Any) -> tuple[str, str]:
    """An operand as the recorder wrote it: {"name", "text"}, a pair, or a name alone."""
    if isinstance(item, dict):
        return str(item.get("name") or ""), str(item.get("text") or "")
    if isinstance(item, list | tuple) and len(item) >= 2:
        return str(item[0] or ""), str(item[1] or "")
    return (item, item) if isinstance(item, str) else ("", "")
