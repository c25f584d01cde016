"""Which parameters the optimizers were given, as the program's text says it."""

from __future__ import annotations

import ast

from graphlab.explain.run import Run
from graphlab.explain.silent.loops import optimizers
from graphlab.explain.source import dotted


def owners_in_optimizers(run: Run) -> set[str]:
    """Names that stand in the arguments of the optimizers: `net` for `SGD(net.parameters())`."""
    names: set[str] = set()
    queue: list[ast.AST] = list(optimizers(run).values())
    seen: set[str] = set()
    while queue:
        for node in ast.walk(queue.pop()):
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                names.add(node.id)
                made = run.source.assigned(node.id, None)
                if isinstance(made, ast.List | ast.BinOp | ast.Tuple | ast.ListComp):
                    queue.append(made)
    return names


def groups_in_optimizers(run: Run) -> dict[str, set[str]]:
    """Models of which the optimizers were given parts alone, with the paths of these parts."""
    parts: dict[str, set[str]] = {}
    whole: set[str] = set()
    for call in {id(c): c for c in optimizers(run).values()}.values():
        for node in ast.walk(call):
            if not isinstance(node, ast.Name):
                continue
            holder = run.source.parents.get(node)
            top: ast.AST = node
            while isinstance(holder, ast.Attribute):
                top, holder = holder, run.source.parents.get(holder)
            path, _dot, method = dotted(top).rpartition(".")
            is_part = method == "parameters" and isinstance(holder, ast.Call) and "." in path
            if is_part and node.id != "self":
                parts.setdefault(node.id, set()).add(path)
            else:
                whole.add(node.id)
    return {name: paths for name, paths in parts.items() if name not in whole}


def is_handed_over(name: str, owners: set[str], groups: dict[str, set[str]]) -> bool:
    """Whether the parameter of that name is among what the optimizers were given."""
    owner = name.partition(".")[0].partition("[")[0]
    if owner in groups:
        return any(name.startswith(f"{path}.") for path in groups[owner])
    return owner in owners
