"""Checks and compiles a learner's program: the restricted language of GraphLab. Runs nothing."""

import ast
import types
import warnings
from dataclasses import dataclass

from graphlab.i18n import _
from graphlab.program.policy import Loop, Policy, Refusal

FILENAME = "<program>"
"""The file name in the code objects of every program; frames with it are the program's own."""

MAX_CHARACTERS = 1_000_000

__all__ = ["FILENAME", "MAX_CHARACTERS", "Checked", "Loop", "ProgramRefused", "Refusal", "check", "compile_program"]


class ProgramRefused(Exception):  # noqa: N818 - a fact, as KeyboardInterrupt is
    """A program cannot be run. `refusal` says why and where."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True)
class Checked:
    """A program that may run."""

    source: str
    code: types.CodeType
    loops: tuple[Loop, ...]


def check(source: str) -> Checked | Refusal:
    """Compile `source`, or say in one sentence why it cannot be run. Never raises for any text."""
    early = _check_text(source)
    if early is not None:
        return early
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "invalid escape sequence" and the like are no reason to stop
        try:
            tree = ast.parse(source, FILENAME)
            policy = Policy(_bound_names(tree), _lines(source))
            policy.visit(tree)
            if policy.refusals:
                return min(policy.refusals, key=lambda refusal: (refusal.line, refusal.column))
            code = compile(tree, FILENAME, "exec", dont_inherit=True)
        except SyntaxError as error:
            return _syntax_refusal(error, source)
        except (RecursionError, MemoryError):
            return _at_start(
                "size", _("The program is nested too deeply. Split its longest expression into several lines.")
            )
        except (ValueError, OverflowError) as error:
            return _at_start("syntax", _("The program cannot be read: {error}.").format(error=error))
    return Checked(source, code, tuple(policy.loops))


def compile_program(source: str) -> Checked:
    """As `check`, but raises `ProgramRefused`."""
    result = check(source)
    if isinstance(result, Refusal):
        raise ProgramRefused(result)
    return result


def _check_text(source: str) -> Refusal | None:
    if len(source) > MAX_CHARACTERS:
        return _at_start(
            "size",
            _("The program is too long: {n:,} characters, at most {limit:,} can be run. Shorten it.").format(
                n=len(source), limit=MAX_CHARACTERS
            ),
        )
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        return Refusal(
            "encoding",
            _("Line {line} contains a zero byte, which no program can contain. Delete it.").format(line=line),
            line, 0, line, 0,
        )  # fmt: skip
    try:
        source.encode()
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        return Refusal(
            "encoding",
            _("Line {line} contains a broken character. Delete it.").format(line=line),
            line, 0, line, 0,
        )  # fmt: skip
    return None


def _at_start(kind: str, message: str) -> Refusal:
    return Refusal(kind, message, 1, 0, 1, 0)


def _lines(source: str) -> list[str]:
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _syntax_refusal(error: SyntaxError, source: str) -> Refusal:
    n_lines = len(_lines(source))
    line = min(max(error.lineno or 1, 1), n_lines)
    column = max((error.offset or 1) - 1, 0)
    end_line = min(max(error.end_lineno or line, line), n_lines)
    end_column = max((error.end_offset or 0) - 1, 0)
    if (end_line, end_column) <= (line, column):
        end_line, end_column = line, column + 1
    word = type(error).__name__
    return Refusal("syntax", f"{word}: {error.msg}", line, column, end_line, end_column)


def _bound_names(tree: ast.AST) -> frozenset[str]:
    """Every name that the program itself gives a meaning to anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return frozenset(names)
