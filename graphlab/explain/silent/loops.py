"""What the text of a program says of its training: its optimizers, their steps, the loops they stand in."""

from __future__ import annotations

import ast
import re

from graphlab.explain.modules import OPTIMIZERS
from graphlab.explain.run import Run
from graphlab.explain.source import called, dotted


def optimizers(run: Run) -> dict[str, ast.Call]:
    """The optimizers that the program makes, by the names they go by: of variables, and of arguments they become."""
    functions = {f.name: f for f in run.source.nodes if isinstance(f, ast.FunctionDef)}
    classes = {c.name: c for c in run.source.nodes if isinstance(c, ast.ClassDef)}
    for name, class_ in classes.items():
        init = next((f for f in class_.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
        if init is not None:
            functions[name] = init
    makers = {
        f.name: r.value
        for f in functions.values()
        for r in ast.walk(f)
        if isinstance(r, ast.Return) and isinstance(r.value, ast.Call) and called(r.value) in OPTIMIZERS
    }
    found: dict[str, ast.Call] = {}

    def made(value: ast.AST | None) -> ast.Call | None:
        if isinstance(value, ast.IfExp):
            return made(value.body) or made(value.orelse)
        if isinstance(value, ast.Call):
            return value if called(value) in OPTIMIZERS else makers.get(called(value))
        return found.get(dotted(value)) if isinstance(value, ast.Name | ast.Attribute) else None

    def bind(name: str, value: ast.AST | None) -> None:
        call = made(value)
        if name and call is not None:
            found.setdefault(name, call)

    for _round in range(3):  # handed on from function to function
        n_found = len(found)
        for node in run.source.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    bind(dotted(target), node.value)
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        for part, value in zip(target.elts, node.value.elts):
                            bind(dotted(part), value)
        for call in run.source.calls():
            function = functions.get(called(call))
            if function is not None:
                names = [a.arg for a in function.args.args]
                for name, value in zip(names[1:] if names[:1] == ["self"] else names, call.args):
                    bind(name, value)
                for keyword in call.keywords:
                    bind(keyword.arg or "", keyword.value)
        if len(found) == n_found:
            break
    return found


def step_calls(run: Run) -> list[ast.Call]:
    """Calls that may be `step()` of an optimizer: not a scheduler's, nor an environment's with an action."""
    known = optimizers(run)
    return [
        c
        for c in method_calls(run, "step")
        if isinstance(c.func, ast.Attribute)
        and (dotted(c.func.value) in known or (not c.args and re.search(r"opt", dotted(c.func.value), re.IGNORECASE)))
    ]


def method_calls(run: Run, method: str) -> list[ast.Call]:
    """Every call of a method of that name, in the order of the text."""
    return [c for c in run.source.calls() if isinstance(c.func, ast.Attribute) and c.func.attr == method]


def loops_around(run: Run, node: ast.AST | None) -> list[ast.For | ast.While]:
    """The loops that a node stands in within its function, the innermost first."""
    found: list[ast.For | ast.While] = []
    while node is not None and not isinstance(node, ast.FunctionDef | ast.Lambda):
        node = run.source.parents.get(node)
        if isinstance(node, ast.For | ast.While):
            found.append(node)
    return found


def in_loop_with_backward(run: Run, node: ast.AST | None) -> bool:
    """Whether a node stands in a loop in which `backward()` is called."""
    while node is not None:
        node = run.source.parents.get(node)
        if isinstance(node, ast.For | ast.While) and any(
            isinstance(n, ast.Call) and called(n) == "backward" for n in ast.walk(node)
        ):
            return True
    return False


def rate_node(run: Run) -> ast.expr | None:
    """The learning rate as the text gives it, where one optimizer is made with a plain number."""
    nodes = [k.value for c in optimizers(run).values() for k in c.keywords if k.arg == "lr"]
    node = nodes[0] if len(nodes) == 1 else None
    if isinstance(node, ast.Name):
        node = run.source.assigned(node.id, node)
    return node if isinstance(node, ast.Constant) else None
