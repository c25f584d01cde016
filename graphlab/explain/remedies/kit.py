"""What remedies are made of: the register, what the run knows about names, and edits that change one thing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.source import Function, called, dotted
from graphlab.explain.values import array_at
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Event, Fix, Tensor, TensorKind

Remedy = Callable[[Case, Found], Iterable[Fix]]
MAX_FIXES = 5
"""More candidates than these nobody reads."""

_REMEDIES: dict[str, list[tuple[int, Remedy]]] = {}
_GRADIENTS = (TensorKind.GRADIENT, TensorKind.LEAF_GRAD)
_VALUES = 10_000


def remedy(*codes: str, leads: bool = False, is_cause: bool = False) -> Callable[[Remedy], Remedy]:
    """Register what proposes fixes for these diagnoses.

    Those of one that `leads` stand before those that the diagnosis itself has; where one found out why it happened
    (`is_cause`), its fixes stand before all others.
    """
    rank = 0 if is_cause else 1 if leads else 2

    def register(function: Remedy) -> Remedy:
        for code in codes:
            _REMEDIES.setdefault(code, []).append((rank, function))
        return function

    return register


def add_remedies(code: str, case: Case, found: Found) -> None:
    """Put the fixes that the remedies of a diagnosis know to those it has; each leaves a text that Python can read."""
    if not case.source.text:
        return
    first: list[Fix] = []
    rest: list[Fix] = []
    for rank, function in sorted(_REMEDIES.get(code, ()), key=lambda pair: pair[0]):
        (first if rank < 2 else rest).extend(function(case, found))
    kept: list[Fix] = []
    texts = {case.source.text}
    for each in [*first, *found.fixes, *rest]:
        text = edited(case.source.text, each.edits)
        if not each.edits or (text not in texts and _is_python(text)):
            kept.append(each)
            texts.add(text)
    found.fixes = kept[:MAX_FIXES]
    _follow_first(code, found)


def _follow_first(code: str, found: Found) -> None:
    """Let the advice in words be the fix that stands first, where the diagnosis has none of its own."""
    if not found.fixes or not found.fixes[0].edits:
        return
    if code == "GL101" and not found.fix:
        found.fix = N_(
            "{first_fix}. If that isn't what you mean, bring the axes that belong together under each other first."
        )
        found.words["first_fix"] = found.fixes[0].title


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def edited(text: str, edits: Sequence[Edit]) -> str:
    """A text after edits, each given in the places of the text before."""
    lines = text.splitlines(keepends=True)
    starts = list(accumulate((len(line) for line in lines), initial=0))

    def offset(line: int, column: int) -> int:
        return min(starts[min(line - 1, len(lines))] + column, len(text))

    for edit in sorted(edits, key=lambda e: (e.line, e.column), reverse=True):
        text = text[: offset(edit.line, edit.column)] + edit.text + text[offset(edit.end_line, edit.end_column) :]
    return text


def maybe(title: str, edits: Sequence[Edit], **values: Any) -> Fix:
    """A fix that its reader must agree with; `title` is a template."""
    return Fix(words.fill(title, values), "maybe", list(edits))


def shortened(text: str, size: int = 60) -> str:
    """A text of the program for a title: on one line, and not too long."""
    text = " ".join(text.split())
    return text if len(text) <= size else text[:size] + "…"


# what the run knows


def tensor_named(case: Case, name: str) -> Tensor | None:
    """The newest tensor of that name in the run."""
    if case.trace is None or not name:
        return None
    return next((t for t in reversed(case.trace.tensors) if t.name == name and t.kind not in _GRADIENTS), None)


def shape_named(case: Case, name: str) -> list[int] | None:
    """The shape of the newest tensor of that name, None where there is none."""
    tensor = tensor_named(case, name)
    return list(tensor.shape) if tensor is not None else None


def made_by(case: Case, tensor: int) -> Event | None:
    """The event that made a tensor."""
    return case.producer(tensor) if tensor >= 0 else None


def expression_of(case: Case, event: Event | None) -> ast.expr | None:
    """The expression that an event stands at."""
    if event is None or case.trace is None or not 0 <= event.span < len(case.trace.spans):
        return None
    span = case.trace.spans[event.span]
    return case.source.expression_at(span, span.line)


def range_of(case: Case, tensor: Tensor | None) -> tuple[int, int] | None:
    """Least and largest number in a recorded tensor of whole numbers."""
    if tensor is None or case.trace is None:
        return None
    array = array_at(case.trace, tensor.id, case.event if case.event >= 0 else len(case.trace.events))
    if array is None or array.dtype.kind not in "iu" or not 0 < array.size <= _VALUES:
        return None
    return int(array.min()), int(array.max())


# what the text knows


def statement(case: Case) -> ast.stmt | None:
    """The innermost statement at the place of failure."""
    found = case.source.statement_of(case.expression) if case.span is not None else None
    if found is not None and found.lineno <= case.line <= (found.end_lineno or found.lineno):
        return found
    hits = [
        n for n in case.source.nodes if isinstance(n, ast.stmt) and n.lineno <= case.line <= (n.end_lineno or n.lineno)
    ]
    return hits[-1] if hits else None


def on_line(case: Case, *kinds: type[ast.expr]) -> list[Any]:
    """The expressions of these kinds on the line of failure."""
    return [
        n for n in case.source.nodes if isinstance(n, kinds) and n.lineno <= case.line <= (n.end_lineno or n.lineno)
    ]


def enclosing(case: Case, node: ast.AST | None, *kinds: type[ast.AST]) -> Iterator[Any]:
    """What of these kinds a node stands in, the innermost first."""
    while node is not None:
        if isinstance(node, kinds):
            yield node
        node = case.source.parents.get(node)


def names_in(node: ast.AST | None) -> list[str]:
    """The plain names that are read in a node, each once, in order."""
    found = [n for n in ast.walk(node) if isinstance(n, ast.Name)] if node is not None else []
    found.sort(key=lambda n: (n.lineno, n.col_offset))
    return list(dict.fromkeys(n.id for n in found if isinstance(n.ctx, ast.Load)))


def visible(case: Case, node: ast.AST | None) -> list[str]:
    """Variables that were given a value before a node, in its function or the module, the newest first."""
    scope, line = case.source.scope_of(node), getattr(node, "lineno", case.line)
    found: list[tuple[int, str]] = []
    for each in case.source.nodes:
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            place = case.source.scope_of(each)
            if place is scope and each.lineno < line:
                found.append((each.lineno, each.id))
            elif isinstance(place, ast.Module) and not isinstance(scope, ast.Module):
                found.append((-1, each.id))
        elif isinstance(each, ast.arg) and case.source.parents.get(case.source.parents.get(each, each)) is scope:
            found.append((0, each.arg))
    return list(dict.fromkeys(name for _line, name in sorted(found, reverse=True)))


def definition(case: Case, name: str, owner: str = "") -> Function | None:
    """The function of that name; a method of the class `owner`, where one is given."""
    for node in case.source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            parent = case.source.parents.get(node)
            if not owner or (isinstance(parent, ast.ClassDef) and parent.name == owner):
                return node
    return None


def instances(case: Case, class_name: str) -> list[str]:
    """Variables that hold an instance of a class of the program."""
    return [
        dotted(n.targets[0])
        for n in case.source.nodes
        if isinstance(n, ast.Assign) and len(n.targets) == 1 and dotted(n.targets[0]) and called(n.value) == class_name
    ]


def sizes_written(call: ast.Call | None) -> list[ast.expr]:
    """The sizes that `torch.zeros(2, 3)` or `torch.zeros((2, 3))` is called with."""
    if call is None:
        return []
    sizes: list[ast.expr] = list(call.args)
    if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
        sizes = list(sizes[0].elts)
    return sizes


FILLED = frozenset({"zeros", "ones", "rand", "randn", "empty"})
"""Functions that are called with the sizes of what they make."""


def creation(case: Case, node: ast.expr | None) -> ast.Call | None:
    """The `torch.zeros(2, 3)` that made what an expression names, looking through `nn.Parameter(…)`."""
    made = case.source.assigned(dotted(node), node) if node is not None and dotted(node) else node
    if isinstance(made, ast.Call) and called(made) == "Parameter" and made.args:
        made = made.args[0]
    return made if isinstance(made, ast.Call) and called(made) in FILLED else None


# edits


def without_call(case: Case, call: ast.Call) -> Edit:
    """The edit that takes a method call off: `x.detach()` becomes `x`."""
    if not isinstance(call.func, ast.Attribute):
        return case.source.replace(call, case.source.text_of(call))
    _, _, line, column = case.source.place(call.func.value)
    _, _, end_line, end_column = case.source.place(call)
    text = case.source.text_between(line, column, end_line, end_column)
    column += text.index(".") if "." in text.split("\n")[0] else 0  # a closing bracket stays
    return Edit(line, column, end_line, end_column, "")


def without_attribute(case: Case, node: ast.Attribute) -> Edit:
    """The edit that takes an attribute off: `x.data` becomes `x`."""
    _, _, end_line, end_column = case.source.place(node)
    return Edit(end_line, end_column - len(node.attr) - 1, end_line, end_column, "")


def without_argument(case: Case, call: ast.Call, item: ast.expr | ast.keyword) -> Edit:
    """The edit that leaves one argument out of a call, its comma as well."""
    items: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    items.sort(key=lambda n: (n.lineno, n.col_offset))
    at = items.index(item)
    line, column, end_line, end_column = case.source.place(item)
    if at > 0:
        _, _, line, column = case.source.place(items[at - 1])
    elif len(items) > 1:
        end_line, end_column, _, _ = case.source.place(items[1])
    return Edit(line, column, end_line, end_column, "")


def indent_of(case: Case, node: ast.stmt) -> str:
    """The blanks before a statement."""
    line, column, _, _ = case.source.place(node)
    return case.source.lines[line - 1][:column]


def line_after(case: Case, node: ast.stmt, text: str) -> Edit:
    """The edit that puts a line after a statement, indented as it is."""
    _, _, end_line, _ = case.source.place(node)
    at = case.source.lines[end_line - 1]
    return case.source.insert_at(end_line, len(at), f"\n{indent_of(case, node)}{text}")


def without_statement(case: Case, node: ast.stmt) -> Edit:
    """The edit that takes a statement and its line out."""
    line, column, end_line, end_column = case.source.place(node)
    is_alone = not case.source.lines[line - 1][:column].strip()
    rest = case.source.lines[end_line - 1][end_column:].strip()
    if is_alone and (not rest or rest.startswith("#")):
        if end_line < len(case.source.lines):
            return Edit(line, 0, end_line + 1, 0, "")
        return Edit(line, 0, end_line, len(case.source.lines[end_line - 1]), "")
    if rest.startswith(";"):
        end_column += case.source.lines[end_line - 1][end_column:].index(";") + 1
    return Edit(line, column, end_line, end_column, "")


def dedented(case: Case, block: ast.With | ast.FunctionDef, first: int) -> list[Edit]:
    """Edits that take the lines of a block from line `first` on to the level of the block itself."""
    level = block.col_offset
    body = block.body[0].col_offset
    edits = []
    for line in range(first, (block.end_lineno or block.lineno) + 1):
        text = case.source.lines[line - 1]
        if text.strip() and not text[:body].strip():
            edits.append(Edit(line, level, line, body, ""))
    return edits
