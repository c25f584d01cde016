"""Sentences with `code` in them, as plain and as rich text."""

from __future__ import annotations

import html

from graphlab.ui.theme import Tokens


def plain(text: str) -> str:
    """A text without the marks of code."""
    return text.replace("`", "")


def rich(text: str, t: Tokens) -> str:
    """A text with `code` in the program's font, as HTML."""
    parts = html.escape(text).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts).replace("\n", "<br>")
    family = ", ".join(f"'{name}'" for name in t.mono_families)
    code = f'<span style="font-family: {family}; background-color: {t.hover.name()};">'
    words = [f"{code}{part}</span>" if n % 2 else part for n, part in enumerate(parts)]
    return "".join(words).replace("\n", "<br>")
