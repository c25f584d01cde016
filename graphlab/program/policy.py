"""The restricted language as a RestrictedPython policy: which syntax passes, and where guards are put in.

Public attributes, subscripts, iteration and calls are left as they are: no object that a program can reach holds
anything dangerous under a public name (see library.py, and the test that walks them all). So ordinary code runs at
full speed, and every expression keeps its place in the text. Guards stand only before the few names that need them.
"""

# ruff: noqa: N802, N815 - the visitors' names are ast's

import ast
from dataclasses import dataclass
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer, copy_locations

from graphlab.i18n import _
from graphlab.program.names import (
    BUILTIN_HINTS,
    DEFINABLE,
    FUTURE,
    GUARDED,
    INNER,
    LIBRARY_NAMES,
    MODULE_HINTS,
    NAMED_TUPLE,
    READ_TABLES,
    READABLE,
    TORCH_MODULES,
)


@dataclass(frozen=True)
class Refusal:
    """Why a program cannot be run: one plain sentence and its place. Lines from 1, columns from 0, the end exclusive.

    Kinds: "syntax", "import", "builtin", "name", "attribute", "construct", "size", "encoding".
    """

    kind: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Loop:
    """A loop of the program: what the recorder's `loop_started(id)` speaks of."""

    id: int
    line: int
    end_line: int


def _is_range(iterable: ast.expr) -> bool:
    return isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and iterable.func.id == "range"


def is_reserved(name: str) -> bool:
    """Whether a variable of this name could stand for a guard or for Python's own machinery."""
    return name.startswith("__") or (name.startswith("_") and name.endswith("_") and name != "_")


class Policy(RestrictingNodeTransformer):  # type: ignore[misc]
    """Collects refusals and puts in guards. One instance a program."""

    def __init__(self, bound: frozenset[str], line_offsets: "list[str]") -> None:
        super().__init__()
        self.refusals: list[Refusal] = []
        self.loops: list[Loop] = []
        self._bound = bound
        self._lines = line_offsets
        self._classes: list[str] = []

    # Refusals -------------------------------------------------------------------------------------------------

    def refuse(self, node: ast.AST, kind: str, message: str) -> None:
        """Note that `node` cannot be run."""
        line = getattr(node, "lineno", 1)
        end_line = getattr(node, "end_lineno", None) or line
        self.refusals.append(
            Refusal(
                kind,
                message,
                line,
                self._column(line, getattr(node, "col_offset", 0)),
                end_line,
                self._column(end_line, getattr(node, "end_col_offset", None) or 0),
            )
        )

    def _column(self, line: int, offset: int) -> int:
        # ast counts UTF-8 bytes, editors count characters.
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        return len(text.encode("utf-8", "replace")[:offset].decode("utf-8", "replace"))

    def error(self, node: ast.AST, info: str) -> None:
        """RestrictedPython's own refusals; reached only by syntax that no method here speaks for."""
        self.refuse(node, "construct", _("This cannot be used in GraphLab: {info}").format(info=info))

    def not_allowed(self, node: ast.AST) -> None:
        words = {
            "AsyncFunctionDef": "async def",
            "AsyncFor": "async for",
            "AsyncWith": "async with",
            "Await": "await",
            "TryStar": "except*",
        }
        word = words.get(type(node).__name__, type(node).__name__)
        self.refuse(
            node,
            "construct",
            _("`{word}` is not available in GraphLab: a program runs from top to bottom in one thread.").format(
                word=word
            ),
        )

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuse a name that belongs to Python's machinery or to the guards."""
        if name is None or not is_reserved(name):
            return
        if allow_magic_methods and self._classes and (name in DEFINABLE or not name.endswith("__")):
            return
        if self._classes and name.startswith("__") and not name.endswith("__"):
            return  # a private name of the class: Python mangles it
        self.refuse(
            node,
            "name",
            _("`{name}` is a name of Python's inner workings. Choose another name on line {line}.").format(
                name=name, line=getattr(node, "lineno", 1)
            ),
        )

    # Names ----------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == "__name__" and isinstance(node.ctx, ast.Load):
            return node
        if isinstance(node.ctx, ast.Load) and node.id in BUILTIN_HINTS and node.id not in self._bound:
            self.refuse(
                node,
                "builtin",
                _("`{name}` is not available in GraphLab: {why}.").format(name=node.id, why=_(BUILTIN_HINTS[node.id])),
            )
        self.check_name(node, node.id)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    # Attributes -----------------------------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = node.attr
        self.node_contents_visit(node)
        is_read = isinstance(node.ctx, ast.Load)
        if name in INNER:
            return self._refuse_attribute(node, name)
        if name.startswith("__") and not name.endswith("__") and self._classes:
            # Python would mangle it after us; we do it now, so that the guard sees the name in force.
            name = node.attr = f"_{self._classes[-1].lstrip('_')}{name}"
        if name.startswith("__"):
            if is_read and name == "__class__":
                return self._call("_type_", node, node.value)
            if not is_read or name not in READABLE:
                return self._refuse_attribute(node, name)
            return node
        if name.startswith("_") and not (is_read and name in NAMED_TUPLE):
            guard = "_table_" if is_read and name in READ_TABLES else "_own_"
            node.value = self._call(guard, node.value, node.value, name)
        elif is_read:
            if name in GUARDED:
                node.value = self._call("_guarded_", node.value, node.value, name)
        else:
            node.value = self._call("_write_", node.value, node.value, name)
        return node

    def _refuse_attribute(self, node: ast.Attribute, name: str) -> ast.AST:
        self.refuse(
            node,
            "attribute",
            _(
                "`.{name}` is closed in GraphLab: it leads into Python's inner workings. Remove it from line {line}."
            ).format(name=name, line=node.end_lineno),
        )
        return node

    def _call(self, guard: str, place: ast.expr, value: ast.expr, *arguments: str) -> ast.Call:
        call = ast.Call(ast.Name(guard, ast.Load()), [value, *(ast.Constant(text) for text in arguments)], [])
        copy_locations(call, place)
        return call

    # Plain expressions and statements: nothing to guard -------------------------------------------------------

    def _plain(self, node: Any) -> Any:
        return self.node_contents_visit(node)

    visit_Call = visit_Subscript = visit_Assign = visit_AugAssign = visit_AnnAssign = _plain
    visit_comprehension = visit_With = visit_Lambda = visit_arguments = _plain
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_NamedExpr = _plain
    visit_Match = visit_match_case = visit_MatchValue = visit_MatchSingleton = _plain
    visit_MatchSequence = visit_MatchOr = _plain

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._plain(node)  # type: ignore[no-any-return]

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self.check_name(node, node.arg)
        return self._plain(node)  # type: ignore[no-any-return]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.check_name(node, node.name)
        return self._plain(node)  # type: ignore[no-any-return]

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        self.check_name(node, node.name)
        return self._plain(node)  # type: ignore[no-any-return]

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.AST:
        self.check_name(node, node.name)
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        self.check_name(node, node.rest)
        return self._plain(node)  # type: ignore[no-any-return]

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        # A class pattern reads attributes by name, past every guard.
        for name in node.kwd_attrs:
            if name.startswith("_") or name in INNER or name in GUARDED:
                self.refuse(
                    node,
                    "attribute",
                    _("`{name}=` cannot be matched in GraphLab. Remove it from line {line}.").format(
                        name=name, line=node.lineno
                    ),
                )
        return self._plain(node)  # type: ignore[no-any-return]

    # Loops ----------------------------------------------------------------------------------------------------

    def _loop(self, node: Any) -> Any:
        loop = Loop(len(self.loops), node.lineno, node.end_lineno or node.lineno)
        self.loops.append(loop)
        self.node_contents_visit(node)
        if isinstance(node, ast.For) and not _is_range(node.iter):
            node.iter = self._turns(loop.id, node.iter)
        else:
            node.body.insert(0, self._mark("_loop_started_", loop.id, node))
        guarded = ast.Try(body=[node], handlers=[], orelse=[], finalbody=[self._mark("_loop_ended_", loop.id, node)])
        copy_locations(guarded, node)
        return guarded

    visit_For = visit_While = _loop

    def _turns(self, number: int, iterable: ast.expr) -> ast.expr:
        """The iterable, telling of each turn before it is asked for the next item: a batch belongs to its turn."""
        call = ast.Call(ast.Name("_turns_", ast.Load()), [ast.Constant(number), iterable], [])
        copy_locations(call, iterable)
        return call

    def _mark(self, guard: str, number: int, node: ast.stmt) -> ast.stmt:
        mark = ast.Expr(ast.Call(ast.Name(guard, ast.Load()), [ast.Constant(number)], []))
        copy_locations(mark, node)
        for part in ast.walk(mark):
            if hasattr(part, "end_lineno"):
                part.end_lineno, part.end_col_offset = node.lineno, node.col_offset  # type: ignore[attr-defined]
        return mark

    # Definitions ----------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.check_name(node, node.name, allow_magic_methods=True)
        self.node_contents_visit(node)
        if node.name == "__getattr__":
            # NumPy asks objects for raw memory under special names, and would believe what this method answers.
            # Outermost, so that no decorator of the program can put another function in its place.
            guard = ast.Name("_public_only_", ast.Load())
            copy_locations(guard, node)
            node.decorator_list.insert(0, guard)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.check_name(node, node.name)
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg == "metaclass":
                self.refuse(keyword, "construct", _("A class cannot choose its metaclass in GraphLab. Remove it."))
        # Decorators, bases and keywords stand outside the class; only its body sees mangled names.
        for field in ("decorator_list", "bases", "keywords"):
            setattr(node, field, [self.visit(part) for part in getattr(node, field)])
        self._classes.append(node.name)
        body: list[ast.stmt] = []
        for statement in node.body:
            result = self.visit(statement)
            body.extend(result if isinstance(result, list) else [result])
        node.body = body
        self._classes.pop()
        return node

    # Imports --------------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            self._check_import(node, alias.name, f"import {alias.name}")
            self.check_name(node, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        module = node.module or ""
        if node.level:
            self.refuse(
                node,
                "import",
                _("`from .` imports are not available in GraphLab: a program is one file. Remove line {line}.").format(
                    line=node.lineno
                ),
            )
            return node
        if module == FUTURE:
            return node
        if not self._check_import(node, module, f"from {module} import {', '.join(a.name for a in node.names)}"):
            return node
        for alias in node.names:
            self.check_name(node, alias.asname or alias.name)
            if alias.name == "*" or module in TORCH_MODULES or f"{module}.{alias.name}" in LIBRARY_NAMES:
                continue
            names = LIBRARY_NAMES[module]
            if names != "*" and alias.name not in names.split():
                self.refuse(
                    node,
                    "import",
                    _("`{name}` of `{module}` is not available in GraphLab. Remove it from line {line}.").format(
                        name=alias.name, module=module, line=node.lineno
                    ),
                )
        return node

    def _check_import(self, node: ast.stmt, module: str, text: str) -> bool:
        if module in TORCH_MODULES or module in LIBRARY_NAMES:
            return True
        top = module.partition(".")[0]
        why = MODULE_HINTS.get(top)
        if why is None and top == "torch":
            why = _("the engine has no module of this name")
        elif why is None and top in LIBRARY_NAMES:
            why = _("only a part of `{module}` is here").format(module=top)
        elif why is None:
            why = _("only torch, numpy and parts of Python's library are here")
        else:
            why = _(why)
        self.refuse(
            node,
            "import",
            _("`{text}` is not available in GraphLab: {why}. Remove line {line}.").format(
                text=text, why=why, line=node.lineno
            ),
        )
        return False
