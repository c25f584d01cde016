"""What a program would have done after the expression that failed, read from its text. Runs nothing."""

# ruff: noqa: SIM905

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from graphlab.trace.records import Ghost

MAX_GHOSTS = 40
_RETURNED = "\0returned"

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.MatMult: "matmul", ast.Pow: "pow",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.USub: "neg",
}  # fmt: skip

_NO_STEP = frozenset(
    "print range len enumerate zip list tuple dict set str int float bool format round isinstance hasattr getattr type "
    "sorted reversed super append extend join item tolist numpy size dim numel parameters state_dict train eval "
    "zero_grad perf_counter time abs min max sum map filter items keys values".split()
)
"""Calls that are no step of the computation. `max` and the like count where they are called on something."""


@dataclass(frozen=True)
class Place:
    """Where a frame of the program stands: its current expression. Lines from 1, columns from 0 in characters."""

    line: int
    column: int = -1
    end_line: int = -1
    end_column: int = -1


def ghosts(source: str, failed: Place, callers: Sequence[Place] = ()) -> list[Ghost]:
    """The steps after `failed` in its function, then after each call in `callers` (innermost first).

    A step that feeds another one without being assigned has its own text as `output`, so that the two can be joined.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    _link(tree)
    found: list[Ghost] = []
    for place in (failed, *callers):
        expression, statement = _locate(tree, source, place)
        if statement is None:
            continue
        # What the function would have returned is now what its caller calls it.
        given = _given_name(expression, statement)
        found = [
            msgspec.structs.replace(ghost, output=given) if ghost.output == _RETURNED else ghost for ghost in found
        ]
        for ghost in _rest(expression, statement):
            found.append(ghost)
            if len(found) >= MAX_GHOSTS:
                break
    return [msgspec.structs.replace(ghost, output="") if ghost.output == _RETURNED else ghost for ghost in found]


def _given_name(call: ast.expr | None, statement: ast.stmt) -> str:
    if call is None:
        return ""
    if isinstance(statement, ast.Assign) and statement.value is call:
        return _target_name(statement.targets[0])
    if isinstance(statement, ast.Return) and statement.value is call:
        return _RETURNED
    return _reference(call)


def _link(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]


def _parent(node: ast.AST) -> ast.AST | None:
    return getattr(node, "parent", None)


def _locate(tree: ast.AST, source: str, place: Place) -> tuple[ast.expr | None, ast.stmt | None]:
    """The expression at exactly `place`, and the innermost statement on its line."""
    lines = source.splitlines()
    statement: ast.stmt | None = None
    expression: ast.expr | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= place.line <= (node.end_lineno or node.lineno):
            if statement is None or node.lineno >= statement.lineno:
                statement = node
        elif isinstance(node, ast.expr) and place.column >= 0 and node.lineno == place.line:
            start = _characters(lines, node.lineno, node.col_offset)
            end = _characters(lines, node.end_lineno or 0, node.end_col_offset or 0)
            if (start, node.end_lineno, end) == (place.column, place.end_line, place.end_column):
                expression = node
    return expression, statement


def _characters(lines: list[str], line: int, offset: int) -> int:
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return len(text.encode("utf-8", "replace")[:offset].decode("utf-8", "replace"))


def _rest(expression: ast.expr | None, statement: ast.stmt) -> Iterator[Ghost]:
    """Steps after `expression`: in its own statement, then in those that follow, up to the end of the function."""
    if expression is not None:
        inside = {id(node) for node in ast.walk(expression)}
        yield from _steps_of(statement, skip=inside, after=expression)
    node: ast.AST = statement
    while not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
        above = _parent(node)
        if above is None:
            return
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(above, block, None)
            if isinstance(statements, list) and node in statements:
                for later in statements[statements.index(node) + 1 :]:
                    yield from _steps_of(later)
                    if isinstance(later, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
                        break
        node = above


def _steps_of(
    statement: ast.stmt, skip: frozenset[int] | set[int] = frozenset(), after: ast.expr | None = None
) -> Iterator[Ghost]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return
    if isinstance(statement, (ast.For, ast.While, ast.With, ast.If, ast.Try)):
        if after is not None:  # it failed in the head: the body would have come
            for step in _steps_in_head(statement):
                yield from _steps(step, "", skip, after)
        for part in statement.body:
            yield from _steps_of(part)
        return
    name = ""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        name = _target_name(statement.targets[0])
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        name = _target_name(statement.target)
    elif isinstance(statement, ast.Return):
        name = _RETURNED
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.AugAssign):
        if after is None or id(statement.value) in skip or _contains(statement.value, after):
            yield from _steps(statement.value, "", skip, after)
            label = _OPERATORS.get(type(statement.op))
            if label:
                yield Ghost(label + "_", [name, _reference(statement.value)], name, statement.lineno)
    elif isinstance(value, ast.expr):
        yield from _steps(value, name, skip, after)


def _steps_in_head(statement: ast.stmt) -> Iterator[ast.expr]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr):
            yield child


def _contains(outer: ast.AST, inner: ast.AST) -> bool:
    return any(node is inner for node in ast.walk(outer))


def _steps(
    expression: ast.expr, output: str, skip: frozenset[int] | set[int], after: ast.expr | None
) -> Iterator[Ghost]:
    """Steps inside an expression in the order of evaluation; with `after` those only that come after it."""
    order = list(_in_order(expression))
    if after is not None:
        position = next((at for at, node in enumerate(order) if node is after), None)
        if position is None:
            return
        order = order[position + 1 :]
    for node in order:
        if id(node) in skip:
            continue
        step = _label(node)
        if step is None:
            continue
        label, operands = step
        name = output if node is expression else _reference(node)
        yield Ghost(label, [_reference(operand) for operand in operands], name, node.lineno)


def _in_order(node: ast.expr) -> Iterator[ast.expr]:
    """Depth first, operands before the operation; nothing of lambdas, comprehensions and what is only printed."""
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.JoinedStr)):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _in_order(child)
        elif isinstance(child, ast.keyword):
            yield from _in_order(child.value)
    yield node


def _label(node: ast.expr) -> tuple[str, list[ast.expr]] | None:
    if isinstance(node, ast.BinOp):
        label = _OPERATORS.get(type(node.op))
        if label is None or (isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)):
            return None
        return label, [side for side in (node.left, node.right) if not isinstance(side, ast.Constant)]
    if isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        label = _OPERATORS.get(type(node.op))
        return (label, [node.operand]) if label else None
    if not isinstance(node, ast.Call):
        return None
    operands = [argument for argument in node.args if _can_be_tensor(argument)]
    if isinstance(node.func, ast.Name):
        return None if node.func.id in _NO_STEP else (node.func.id, operands)
    if not isinstance(node.func, ast.Attribute):
        return None
    label = node.func.attr
    owner = node.func.value
    if isinstance(owner, ast.Name) and owner.id in ("self", "F", "torch", "nn"):
        return label, operands
    if label in _NO_STEP and label not in ("abs", "min", "max", "sum"):
        return None
    if label == "step":
        return label, []
    return label, [owner, *operands] if _can_be_tensor(owner) else operands


def _can_be_tensor(node: ast.expr) -> bool:
    return not isinstance(node, (ast.Constant, ast.Starred, ast.Lambda, ast.JoinedStr))


def _target_name(target: ast.expr) -> str:
    if isinstance(target, ast.Tuple) and target.elts:
        return _target_name(target.elts[0])
    return ast.unparse(target) if isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)) else ""


def _reference(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 48 else text[:47] + "…"
