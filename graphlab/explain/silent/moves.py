"""Edits that put a statement elsewhere in the program."""

from __future__ import annotations

import ast

from graphlab.explain.run import Run
from graphlab.trace.records import Edit


def moved(run: Run, statement: ast.stmt, before: ast.stmt) -> list[Edit]:
    """A statement on lines of its own put before another one; none where it shares its lines or is all of its block."""
    line, _column, end_line, _end_column = run.source.place(statement)
    text = run.source.text_of(statement)
    if "\n".join(run.source.lines[line - 1 : end_line]).strip() != text:
        return []
    block = getattr(run.source.parents.get(statement), "body", [])
    if len(block) < 2 or "\n" in text:
        return []
    return [run.source.line_before(before, text), _removed(run, line, end_line)]


def moved_behind(run: Run, statement: ast.stmt, after: ast.stmt) -> list[Edit]:
    """A statement on a line of its own put behind another one, indented as that one is."""
    line, _column, end_line, _end_column = run.source.place(statement)
    text = run.source.text_of(statement)
    if line != end_line or run.source.lines[line - 1].strip() != text:
        return []
    _line, column, last, end_column = run.source.place(after)
    return [_removed(run, line, line), run.source.insert_at(last, end_column, f"\n{' ' * column}{text}")]


def _removed(run: Run, line: int, end_line: int) -> Edit:
    """The edit that takes whole lines out; of the last ones only the text, since nothing follows."""
    if end_line < len(run.source.lines):
        return Edit(line, 0, end_line + 1, 0, "")
    return Edit(line, 0, end_line, len(run.source.lines[end_line - 1]), "")
