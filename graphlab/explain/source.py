"""The program's text as a fix needs it: which expression stands at a span, where a name was made, and exact edits.

Columns are counted in characters, as in `trace.records.Span`; Python's `ast` counts bytes of UTF-8.
"""

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from graphlab.trace.records import Edit, Span

Function = ast.FunctionDef | ast.AsyncFunctionDef
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Tuple, ast.Dict, ast.ListComp)


class Source:
    """One program text, parsed once. An unparsable text has no nodes, and so gets no located fixes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines()

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, None for a text that isn't Python."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node, outer ones first."""
        return list(ast.walk(self.tree)) if self.tree is not None else []

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    def _column(self, line: int, n_bytes: int) -> int:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return n_bytes if text.isascii() else len(text.encode()[:n_bytes].decode(errors="ignore"))

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int, int, int]:
        """Line, column, end line, end column of a node, in characters."""
        end_line = node.end_lineno or node.lineno
        return (
            node.lineno,
            self._column(node.lineno, node.col_offset),
            end_line,
            self._column(end_line, node.end_col_offset or node.col_offset),
        )

    def text_of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The text of a node as it was typed."""
        return self.text_between(*self.place(node))

    def text_between(self, line: int, column: int, end_line: int, end_column: int) -> str:
        """The text between two places."""
        if not (1 <= line <= end_line <= len(self.lines)):
            return ""
        if line == end_line:
            return self.lines[line - 1][column:end_column]
        middle = self.lines[line : end_line - 1]
        return "\n".join([self.lines[line - 1][column:], *middle, self.lines[end_line - 1][:end_column]])

    def expression_at(self, span: Span | None, line: int = 0) -> ast.expr | None:
        """The expression that a span marks: exactly, else the smallest one that holds it."""
        if span is None:
            return None
        wanted = (span.line, span.column, span.end_line, span.end_column)
        best: ast.expr | None = None
        best_size = (1 << 30, 1 << 30)
        for node in self.nodes:
            if not isinstance(node, ast.expr):
                continue
            place = self.place(node)
            if place == wanted and not isinstance(node, ast.Name | ast.Constant):
                return node
            if place[:2] <= wanted[:2] and place[2:] >= wanted[2:]:
                size = (place[2] - place[0], place[3] - place[1])
                if size <= best_size:
                    best, best_size = node, size
        return best

    def statement_of(self, node: ast.AST | None) -> ast.stmt | None:
        """The statement that a node stands in."""
        while node is not None and not isinstance(node, ast.stmt):
            node = self.parents.get(node)
        return node

    def scope_of(self, node: ast.AST | None) -> ast.AST | None:
        """The function or module that a node stands in."""
        while node is not None and not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
        ):
            node = self.parents.get(node)
        return node

    def calls(self) -> Iterator[ast.Call]:
        """Every call, in the order of the text."""
        found = [node for node in self.nodes if isinstance(node, ast.Call)]
        yield from sorted(found, key=lambda c: (c.lineno, c.col_offset))

    def calls_at(self, line: int) -> list[ast.Call]:
        """Calls that begin on or span a line."""
        return [call for call in self.calls() if call.lineno <= line <= (call.end_lineno or call.lineno)]

    def assigned(self, name: str, before: ast.AST | None = None) -> ast.expr | None:
        """What `name` ("x", "self.fc") was last set to before `before`, in the same function or else the module.

        None when it is set in more than one way that could reach (a loop target, an argument, tuple unpacking).
        """
        scope = self.scope_of(before) if before is not None else self.tree
        line = getattr(before, "lineno", 1 << 30)
        for place in (scope, self.tree):
            values = [v for at, v in self._bindings(name, place) if at <= line]
            if values:
                return values[-1]
            if place is scope and scope is not self.tree and self._is_argument(name, scope):
                return None
        return None

    def _is_argument(self, name: str, scope: ast.AST | None) -> bool:
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return False
        args = scope.args
        return any(a.arg == name for a in [*args.posonlyargs, *args.args, *args.kwonlyargs])

    def _bindings(self, name: str, scope: ast.AST | None) -> list[tuple[int, ast.expr | None]]:
        found: list[tuple[int, ast.expr | None]] = []
        for node in self.nodes:
            targets: list[ast.expr] = []
            value: ast.expr | None = None
            if isinstance(node, ast.Assign):
                targets, value = node.targets, node.value
            elif isinstance(node, ast.AnnAssign):
                targets, value = [node.target], node.value
            elif isinstance(node, ast.AugAssign | ast.For):
                targets = [node.target]
            elif isinstance(node, ast.NamedExpr):
                targets, value = [node.target], node.value
            for target in targets:
                if dotted(target) == name:
                    if name.startswith("self.") or self.scope_of(node) is scope:
                        found.append((target.lineno, value))
                elif isinstance(target, ast.Tuple | ast.List) and any(dotted(t) == name for t in target.elts):
                    pair = None
                    if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                        pair = next(v for t, v in zip(target.elts, value.elts) if dotted(t) == name)
                    if self.scope_of(node) is scope:
                        found.append((target.lineno, pair))
        return sorted(found, key=lambda pair: pair[0])

    def number_behind(self, node: ast.expr | None, depth: int = 3) -> tuple[ast.expr, int] | None:
        """Where the whole number that an expression stands for is written, and which it is.

        Looks through names, and through arguments: to the one call that gives them, or to their default.
        """
        number = integer(node)
        if node is not None and number is not None:
            return node, number
        name = dotted(node)
        if node is None or not name or not depth:
            return None
        made = self.assigned(name, node)
        if made is not None and made is not node:
            return self.number_behind(made, depth - 1)
        scope = self.scope_of(node)
        if isinstance(scope, ast.FunctionDef) and self._is_argument(name, scope):
            return self.number_behind(self._given(scope, name), depth - 1)
        return None

    def _given(self, function: ast.FunctionDef, name: str) -> ast.expr | None:
        """What the calls of a function of the program give for an argument, where they agree; else its default."""
        names = [a.arg for a in function.args.args]
        owner = self.parents.get(function)
        is_constructor = function.name == "__init__" and isinstance(owner, ast.ClassDef)
        called_as = owner.name if is_constructor and isinstance(owner, ast.ClassDef) else function.name
        place = names.index(name) - (names[:1] == ["self"])
        given = [a for c in self.calls() if called(c) == called_as and (a := argument(c, place, name)) is not None]
        if given:
            return given[0] if len({ast.dump(g) for g in given}) == 1 else None
        at = names.index(name) - len(names) + len(function.args.defaults)
        return function.args.defaults[at] if at >= 0 else None

    def class_of(self, name: str) -> ast.ClassDef | None:
        """The class of that name."""
        return next((n for n in self.nodes if isinstance(n, ast.ClassDef) and n.name == name), None)

    def layer(self, path: str, module_type: str) -> ast.Call | None:
        """The call that made the module at `path` ("net.fc1", "net.0", "fc"), found by its last parts."""
        *owners, last = path.split(".")
        if not last.isdigit():
            candidates = [v for _, v in self._any_bindings(last) if self._makes(v, module_type)]
            calls = [c for c in candidates if isinstance(c, ast.Call)]
            return calls[0] if len({ast.dump(c) for c in calls}) == 1 else None
        owner = owners[-1] if owners else ""
        if owner:
            repeated = self._added_to(owner, module_type)
            if repeated is not None:
                return repeated
        containers = [v for _, v in self._any_bindings(owner) if isinstance(v, ast.Call)] if owner else []
        if not containers:
            containers = [c for c in self.calls() if called(c) == "Sequential"]
            containers = containers if len(containers) == 1 else []
        for container in containers:
            arguments: list[ast.expr] = list(container.args)
            if len(arguments) == 1 and isinstance(arguments[0], ast.List | ast.Tuple):
                arguments = list(arguments[0].elts)
            if any(isinstance(a, ast.Starred) for a in arguments) or int(last) >= len(arguments):
                continue
            child = arguments[int(last)]
            if isinstance(child, ast.Call) and self._makes(child, module_type):
                return child
        return None

    def _added_to(self, owner: str, module_type: str) -> ast.Call | None:
        """The one call that makes the modules of a ModuleList: in `append(…)`, or in a list comprehension."""
        found: list[ast.expr] = []
        for call in self.calls():
            name = dotted(call.func)
            if name in (f"self.{owner}.append", f"{owner}.append") and call.args:
                found.append(call.args[0])
        for _, value in self._any_bindings(owner):
            if isinstance(value, ast.Call) and called(value) in ("ModuleList", "Sequential"):
                inner = [a.value if isinstance(a, ast.Starred) else a for a in value.args]
                found += [a.elt for a in inner if isinstance(a, ast.ListComp | ast.GeneratorExp)]
        calls = [c for c in found if isinstance(c, ast.Call) and self._makes(c, module_type)]
        return calls[0] if len(calls) == 1 and len(found) == 1 else None

    def _makes(self, node: ast.expr | None, module_type: str) -> bool:
        return isinstance(node, ast.Call) and called(node) == module_type

    def _any_bindings(self, name: str) -> list[tuple[int, ast.expr | None]]:
        found: list[tuple[int, ast.expr | None]] = []
        for node in self.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if dotted(target) in (name, f"self.{name}"):
                        found.append((node.lineno, node.value))
        return found

    # edits

    def replace(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        """The edit that puts `text` in place of a node."""
        return Edit(*self.place(node), text)

    def insert_at(self, line: int, column: int, text: str) -> Edit:
        """The edit that inserts `text` at a place."""
        return Edit(line, column, line, column, text)

    def base(self, node: ast.expr) -> str:
        """The text of an expression as it may stand before a dot: `x`, `(x + y)`."""
        text = self.text_of(node)
        return text if isinstance(node, _ATOMS) else f"({text})"

    def append(self, node: ast.expr, text: str) -> list[Edit]:
        """Edits that put a method call after an expression: `x` → `x.sum()`, `x + y` → `(x + y).sum()`."""
        line, column, end_line, end_column = self.place(node)
        after = self.insert_at(end_line, end_column, text)
        if isinstance(node, _ATOMS) or self.is_parenthesised(node):
            if self.is_parenthesised(node) and not isinstance(node, _ATOMS):
                close = self._closing(node)
                return [self.insert_at(*close, text)]
            return [after]
        return [self.insert_at(line, column, "("), self.insert_at(end_line, end_column, ")" + text)]

    def is_parenthesised(self, node: ast.expr) -> bool:
        """Whether brackets of its own stand around an expression: `(a + b).sum()`."""
        line, column, end_line, end_column = self.place(node)
        before = self.lines[line - 1][:column].rstrip()
        after = self.lines[end_line - 1][end_column:].lstrip()
        if not (before.endswith("(") and after.startswith(")")):
            return False
        head = before[:-1].rstrip()
        return not re.search(r"[\w\])]$", head) or bool(re.search(r"\b(return|in|and|or|not|if|else|print)$", head))

    def _closing(self, node: ast.expr) -> tuple[int, int]:
        _, _, end_line, end_column = self.place(node)
        rest = self.lines[end_line - 1][end_column:]
        return end_line, end_column + rest.index(")") + 1

    def add_argument(self, call: ast.Call, text: str) -> Edit:
        """The edit that adds a last argument to a call, before a trailing comma if there is one."""
        items: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if items:
            last = max(items, key=lambda n: (n.end_lineno or 0, n.end_col_offset or 0))
            _, _, line, column = self.place(last)
            if isinstance(last, ast.expr) and self.is_parenthesised(last) and len(items) > 1:
                line, column = self._closing(last)
            return self.insert_at(line, column, ", " + text)
        _, _, line, column = self.place(call)
        return self.insert_at(line, column - 1, text)

    def line_before(self, statement: ast.stmt, text: str) -> Edit:
        """The edit that puts a line before a statement, indented as it is."""
        line, column, _, _ = self.place(statement)
        indent = self.lines[line - 1][:column]
        return self.insert_at(line, column, f"{text}\n{indent if not indent.strip() else ' ' * column}")


def dotted(node: ast.AST | None) -> str:
    """`self.fc1` as text, "" for what is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def called(call: ast.expr | None) -> str:
    """The last name of what a call calls: "Linear" for `nn.Linear(2, 3)`, "" for others."""
    if not isinstance(call, ast.Call):
        return ""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """The argument at a position or by its name."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if position < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args[: position + 1]):
        return call.args[position]
    return None


def integer(node: ast.expr | None) -> int | None:
    """The integer that a literal writes, None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = integer(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def literal(node: ast.expr | None) -> object:
    """The value of a literal (nested lists of numbers), None for anything else."""
    if node is None:
        return None
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value
