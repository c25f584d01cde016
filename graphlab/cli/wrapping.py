"""Paragraphs broken into lines for a terminal, Chinese too: no blanks between words there, and two columns a letter."""

from __future__ import annotations

import textwrap
import unicodedata

from graphlab.i18n import is_wide, pieces


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def wrapped(text: str, width: int, indent: str) -> str:
    """A paragraph in lines of at most `width` columns, each with the indent; words are not broken."""
    if not is_wide(text):
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
    lines, line = [], indent
    for piece in pieces(text.strip()):
        if columns(line) + columns(piece.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        if piece.strip() or line.strip():
            line += piece
    return "\n".join([*lines, line.rstrip()])
