"""What calls give back, as far as the text says it: several values where one was meant, or nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from graphlab.explain.case import Case
from graphlab.explain.source import Function, called, dotted

RECURRENT = frozenset({"RNN", "LSTM", "GRU"})
ATTENTION = frozenset({"MultiheadAttention"})
PAIRS_ALONG_A_DIM = frozenset({"max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax", "cummin"})
GIVE_NOTHING = frozenset({
    "append", "extend", "insert", "reverse", "update", "shuffle", "backward", "zero_grad", "clear", "seed", "print",
})  # fmt: skip


class Several(NamedTuple):
    """A value of several parts: the expression that holds it, the call that made it, and what the parts are."""

    node: ast.expr
    call: ast.Call
    parts: list[str]
    kind: str  # "recurrent", "attention", "along", or "own" for a function of the program


class Nothing(NamedTuple):
    """A value that is None: the expression, the call that made it, and the function of the program without `return`."""

    node: ast.expr
    call: ast.Call
    function: Function | None


def maker(case: Case, node: ast.expr) -> ast.expr | None:
    """What a name was last set to before the statement that it stands in; the expression itself where it is no name."""
    name = dotted(node)
    if not name:
        return node
    where = case.source.statement_of(node)
    scope, line = case.source.scope_of(node), getattr(where, "lineno", case.line)
    before: list[tuple[int, ast.expr | None]] = []
    for each in case.source.nodes:
        if not isinstance(each, ast.Assign) or each is where:
            continue
        for target in each.targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
            is_near = name.startswith("self.") or case.source.scope_of(each) is scope
            if is_near and (dotted(target) == name or any(dotted(t) == name for t in parts)):
                before.append((each.lineno, None if parts else each.value))
    earlier = [pair for pair in before if pair[0] <= line]
    if earlier:
        return max(earlier, key=lambda pair: pair[0])[1]
    return case.source.assigned(name, node) if not before else None


def function_behind(case: Case, call: ast.Call) -> Function | None:
    """The program's own function that a call runs; `forward` for a module."""
    name = dotted(call.func)
    if name == "self":
        node: ast.AST | None = call
        while node is not None and not isinstance(node, ast.ClassDef):
            node = case.source.parents.get(node)
        return _method(node, "forward", "__call__") if isinstance(node, ast.ClassDef) else None
    plain = _defined(case, name.rpartition(".")[2]) if name else None
    if plain is not None:
        return plain
    made: ast.expr | None = case.source.assigned(name, call) if name else call.func
    cls = case.source.class_of(called(made)) if isinstance(made, ast.Call) else None
    return _method(cls, "forward", "__call__") if cls is not None else None


def _method(cls: ast.ClassDef, *names: str) -> Function | None:
    return next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name in names), None)


def _defined(case: Case, name: str) -> Function | None:
    return next((n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == name), None)


def returns(function: Function) -> list[ast.Return]:
    """The `return`s of a function, without those of functions in it."""
    found: list[ast.Return] = []
    rest: list[ast.AST] = list(function.body)
    while rest:
        node = rest.pop()
        if isinstance(node, ast.Return):
            found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            rest += ast.iter_child_nodes(node)
    return sorted(found, key=lambda r: r.lineno)


def values_used(case: Case) -> Iterator[ast.expr]:
    """The values that the failed expression takes: operands and arguments, outer ones first."""
    whole = case.expression
    if whole is None or isinstance(whole, ast.Name | ast.Constant):
        where = next((n for n in case.source.nodes if isinstance(n, ast.stmt) and n.lineno == case.line), None)
        whole = getattr(where, "value", None)
    rest: list[ast.AST | None] = [whole]
    while rest:
        node = rest.pop(0)
        if isinstance(node, ast.BinOp):
            rest[:0] = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp):
            rest.insert(0, node.operand)
        elif isinstance(node, ast.Compare):
            rest[:0] = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            rest.insert(0, node.value)
        elif isinstance(node, ast.Name):
            yield node
        elif isinstance(node, ast.Attribute):
            if dotted(node).startswith("self."):
                yield node
            rest.insert(0, node.value)
        elif isinstance(node, ast.Call):
            yield node
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            rest[:0] = [owner, *node.args, *(k.value for k in node.keywords)]


def several(case: Case) -> Several | None:
    """The value of several parts that the failed expression uses as one."""
    for node in values_used(case):
        if isinstance(node, ast.Call) and node is case.expression:
            continue
        made = maker(case, node)
        if isinstance(made, ast.Call):
            kind, parts = parts_of(case, made)
            if parts:
                return Several(node, made, parts, kind)
    return None


def parts_of(case: Case, call: ast.Call) -> tuple[str, list[str]]:
    """What the parts of a call's result are, [] where it gives one value or that isn't known."""
    layer = _layer_behind(case, call)
    if layer in RECURRENT:
        return "recurrent", ["output", "state"]
    if layer in ATTENTION:
        return "attention", ["output", "weights"]
    is_along = bool(call.args or call.keywords) and isinstance(call.func, ast.Attribute)
    if called(call) in PAIRS_ALONG_A_DIM and is_along and not _is_of_two(call):
        return "along", ["values", "indices"]
    function = function_behind(case, call)
    given = [r.value for r in returns(function)] if function is not None else []
    if given and isinstance(given[-1], ast.Tuple) and all(isinstance(g, ast.Tuple) for g in given):
        return "own", [case.source.text_of(e) for e in given[-1].elts]
    return "", []


def _is_of_two(call: ast.Call) -> bool:
    """`torch.max(a, b)` and `torch.max(x)`: one value; `torch.max(x, 1)` and `x.max(1)`: two."""
    is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
    if not is_function or called(call) in ("sort", "topk", "cummax", "cummin", "kthvalue"):
        return (
            bool(call.args)
            and called(call) in ("max", "min")
            and not isinstance(call.args[0], ast.Constant | ast.UnaryOp)
        )
    if any(k.arg == "dim" for k in call.keywords):
        return False
    return len(call.args) < 2 or not isinstance(call.args[1], ast.Constant | ast.UnaryOp)


def _layer_behind(case: Case, call: ast.Call) -> str:
    """The kind of layer that is called: "LSTM" for `self.lstm(x)`."""
    name = dotted(call.func)
    return called(case.source.assigned(name, call)) if name else called(call.func)


def nothing(case: Case) -> Nothing | None:
    """The value that is None in the failed expression, where a call of the program made it so."""
    for node in values_used(case):
        made = maker(case, node)
        if not isinstance(made, ast.Call) or (isinstance(node, ast.Call) and node is case.expression):
            continue
        function = function_behind(case, made)
        if function is not None and not any(r.value is not None for r in returns(function)):
            return Nothing(node, made, function)
        if function is None and isinstance(made.func, ast.Attribute) and called(made) in GIVE_NOTHING:
            return Nothing(node, made, None)
    return None
