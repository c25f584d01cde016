"""Places in the program's text: from a frame's instruction to the exact expression and the variable it is assigned to.

The bytecode gives the expression's position (Python 3.11+), the syntax tree of the same text gives the variable.
"""

from __future__ import annotations

import ast
import contextlib
from dataclasses import dataclass, field
from types import CodeType

Position = tuple[int, int, int, int]  # line, column, end line, end column; columns in UTF-8 bytes, as Python has them

_PASSES_ON = frozenset({"requires_grad_", "to", "cuda", "cpu", "float", "double", "Parameter", "contiguous"})
"""Calls whose result is the same thing to a reader: `w = torch.randn(3).requires_grad_()` makes `w`."""


@dataclass(slots=True)
class Site:
    """One place in the program from which the engine is called."""

    id: int  # of its Span record
    line: int = 0
    column: int = 0  # in characters
    end_line: int = 0
    end_column: int = 0
    names: list[str] = field(default_factory=list)  # variables that the value is assigned to, one an output
    name: str = ""  # the variable, where it is one
    returns: bool = False  # the value is what the function returns: the caller names it
    is_each: bool = False  # the name goes to each of the values: the variable of a loop over them
    part: tuple[int, int] | None = None  # it is one of several that the function returns: which, and how many
    function: str = ""
    entries: list[str] = field(default_factory=list)  # of a loop's header: the variables of a batch's entries

    def names_of(self, n: int) -> list[str]:
        """The names of `n` values that are made here at once: `a, b = …`, or `parts = …`, which holds all of them."""
        if self.is_each:
            return self.names * n
        if len(self.names) == n:
            return self.names
        return [f"{self.name}[{at}]" for at in range(n)] if self.name else [""] * n

    def record(self) -> tuple[int, int, int, int, int, str, str]:
        """The fields of its Span record."""
        first = self.names[0] if self.names else ""
        return (self.id, self.line, self.column, self.end_line, self.end_column, first, self.function)


class SourceMap:
    """Answers questions about one program text. A text that does not parse has places but no names."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._names: dict[Position, list[str]] = {}
        self._returned: dict[Position, tuple[int, int] | None] = {}
        self._headers: dict[Position, Position] = {}  # a whole loop -> `target in iterator`, all that fetches from it
        self._entries: dict[Position, list[str]] = {}
        self._each: dict[Position, str] = {}  # what a loop goes through -> its variable
        self._nodes: dict[Position, ast.expr] = {}
        self._call_ends: dict[tuple[int, int], ast.expr] = {}
        self._positions: dict[int, tuple[CodeType, list[tuple[int | None, int | None, int | None, int | None]]]] = {}
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            self._read(ast.parse(source))

    def site(self, site_id: int, code: CodeType, instruction: int) -> Site:
        """The place of the instruction at byte offset `instruction` (`frame.f_lasti`) of `code`."""
        position = self._position(code, instruction)
        qualified = code.co_qualname
        function = "" if qualified == "<module>" else qualified
        if position is None:
            return Site(site_id, function=function)
        node = self._node(position)
        position = _position_of(node) if node is not None else self._headers.get(position, position)
        names = self._names.get(position, [])
        one = names[0] if len(names) == 1 else ""
        is_each = position in self._each
        if is_each:
            names = [self._each[position]]
        return Site(
            site_id,
            position[0],
            self._character(position[0], position[1]),
            position[2],
            self._character(position[2], position[3]),
            names,
            one,
            position in self._returned,
            is_each,
            self._returned.get(position),
            function,
            self._entries.get(position, []),
        )

    def expression(self, code: CodeType, instruction: int) -> ast.expr | None:
        """The syntax tree of the expression at an instruction."""
        position = self._position(code, instruction)
        return self._node(position) if position is not None else None

    def text(self, node: ast.expr) -> str:
        """The text of an expression as it stands in the program."""
        return ast.get_source_segment(self.source, node) or ""

    def _node(self, position: Position) -> ast.expr | None:
        # The call of a method over several lines starts, for Python 3.11, at the method's name: its end is told apart.
        node = self._nodes.get(position)
        if node is None:
            call = self._call_ends.get(position[2:])
            if call is not None and (call.lineno, call.col_offset) <= position[:2]:
                node = call
        return node

    def _position(self, code: CodeType, instruction: int) -> Position | None:
        known = self._positions.get(id(code))
        if known is None:
            known = self._positions[id(code)] = (code, list(code.co_positions()))
        index = instruction // 2
        if not 0 <= index < len(known[1]):
            return None
        line, end_line, column, end_column = known[1][index]
        if line is None:
            return None
        if end_line is None or column is None or end_column is None:
            return (line, 0, line, len(self._line(line).rstrip("\r\n").encode()))
        return (line, column, end_line, end_column)

    def _line(self, line: int) -> str:
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    def _character(self, line: int, column: int) -> int:
        text = self._line(line)
        if text.isascii():
            return column
        return len(text.encode()[:column].decode(errors="ignore"))

    def _read(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.expr):
                position = _position_of(node)
                self._nodes.setdefault(position, node)  # the walk meets the outer expression first
                if isinstance(node, ast.Call):
                    self._call_ends.setdefault(position[2:], node)
            match node:
                case ast.Assign(targets=[target, *_], value=value):
                    self._assign(target, value)
                case (
                    ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value)
                ):
                    self._assign(target, value)
                case ast.AugAssign(target=target):
                    # The operator of `w -= …` has the position of the whole statement.
                    self._names[_position_of(node)] = [ast.unparse(target)]
                case ast.For(target=target, iter=iterator):
                    header = (*_position_of(target)[:2], *_position_of(iterator)[2:])
                    self._headers[_position_of(node)] = header
                    if isinstance(target, ast.Name):
                        self._names[header] = [target.id]
                        self._each[header] = target.id
                    self._entries[header] = _entry_names(target, iterator)
                    self._go_through(target, iterator)
                case ast.comprehension(target=target, iter=iterator):
                    self._go_through(target, iterator)
                case ast.Return(value=ast.expr() as value) | ast.Lambda(body=value):
                    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
                    self._returned[_position_of(value)] = None
                    for at, part in enumerate(parts):
                        self._returned[_position_of(part)] = (at, len(parts))

    def _go_through(self, target: ast.expr, iterator: ast.expr) -> None:
        """`for i, batch in enumerate(x.split(8))` names the parts of `x`; `zip` goes through several at once."""
        match iterator, target:
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]), ast.Tuple(elts=[_, one]):
                self._go_through(one, inner)
            case ast.Call(func=ast.Name(id="zip"), args=inner), ast.Tuple(elts=each) if len(each) == len(inner):
                for one, part in zip(each, inner, strict=True):
                    self._go_through(one, part)
            case _, ast.Name(id=name) if name != "_":
                self._each[_position_of(iterator)] = name

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                for one, expression in zip(target.elts, value.elts, strict=True):
                    self._assign(one, expression)
            elif not any(isinstance(one, ast.Starred) for one in target.elts):
                self._names[_position_of(value)] = _variables(target)
            return
        if isinstance(target, ast.Starred):
            return
        name = ast.unparse(target)
        if isinstance(value, ast.Tuple | ast.List) and isinstance(target, ast.Name | ast.Attribute):
            for index, expression in enumerate(value.elts[:1000]):
                self._names.setdefault(_position_of(expression), [f"{name}[{index}]"])
            return
        while True:
            self._names[_position_of(value)] = [name]
            match value:
                case ast.Call(func=ast.Attribute(value=receiver, attr=called)) if called in _PASSES_ON:
                    value = value.args[0] if called == "Parameter" and value.args else receiver
                case ast.Call(func=ast.Name(id="Parameter"), args=[argument, *_]):
                    value = argument
                case _:
                    return


def _entry_names(target: ast.expr, iterator: ast.expr) -> list[str]:
    """The variables into which `for (x, y) in batches` or `for i, (x, y) in enumerate(batches)` unpacks a batch."""
    match iterator:
        case ast.Call(func=ast.Name(id="enumerate")) if isinstance(target, ast.Tuple) and len(target.elts) == 2:
            target = target.elts[1]
    if not isinstance(target, ast.Tuple | ast.List):
        return []
    return [each.id if isinstance(each, ast.Name) else "" for each in target.elts]


def _variables(target: ast.expr) -> list[str]:
    """`out, (h, c)` in the order of the values; "" for `_`, which is not looked at again."""
    if isinstance(target, ast.Tuple | ast.List):
        return [name for each in target.elts for name in _variables(each)]
    name = ast.unparse(target)
    return ["" if name == "_" else name]


def _position_of(node: ast.AST) -> Position:
    return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
