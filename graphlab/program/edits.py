"""Text edits: applying them, and showing them as a diff. Lines from 1, columns from 0 in characters, ends exclusive."""

import difflib
import re
from collections.abc import Iterable, Sequence

from graphlab.i18n import _
from graphlab.trace.records import Edit

_LINE_END = re.compile(r"\r\n|\r|\n")


class EditError(ValueError):
    """Edits do not fit the text: a place outside it, or two that overlap."""


class Places:
    """Converts between (line, column) and offsets of one text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._ends = [*(match.start() for match in _LINE_END.finditer(text)), len(text)]

    @property
    def n_lines(self) -> int:
        """Number of lines; a text that ends with a line end has an empty last one."""
        return len(self._starts)

    def offset(self, line: int, column: int) -> int:
        """Offset of a place. Raises `EditError` outside the text; the start of the line after the last is its end."""
        if line == self.n_lines + 1 and column == 0:
            return self._ends[-1]
        if not 1 <= line <= self.n_lines or not 0 <= column <= self._ends[line - 1] - self._starts[line - 1]:
            raise EditError(
                _("There is no line {line}, column {column}: the text has changed. Run the program again.").format(
                    line=line, column=column
                )
            )
        return self._starts[line - 1] + column


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all `edits` made at once; their places are those in `text`. Raises `EditError`."""
    places = Places(text)
    spans = sorted(
        (
            (places.offset(edit.line, edit.column), places.offset(edit.end_line, edit.end_column), number, edit.text)
            for number, edit in enumerate(edits)
        )
    )
    parts = []
    done = 0
    for start, end, _number, new in spans:
        if start < done or end < start:
            raise EditError(_("Two changes overlap. Apply them one after the other."))
        parts += [text[done:start], new]
        done = end
    parts.append(text[done:])
    return "".join(parts)


def diff(text: str, edits: Sequence[Edit], context: int = 2) -> str:
    """The change as a unified diff without file names; "" when nothing changes."""
    lines = difflib.unified_diff(text.splitlines(), apply(text, edits).splitlines(), n=context, lineterm="")
    return "\n".join(list(lines)[2:])
