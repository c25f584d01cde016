"""The page of a diagnosis: its words, the program that shows it, PyTorch's message, the mended program, the axes.

What PyTorch says to the programs is recorded in pages.json by `scripts/diagnoses_page.py`; nothing is run here.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from graphlab.explain.catalogue import DIAGNOSES, explain_code
from graphlab.explain.meanings import as_shown
from graphlab.trace.records import Axes, Softmax

FILE = Path(__file__).with_name("pages.json")


class Recorded(msgspec.Struct, omit_defaults=True):
    """What came of running the program of a diagnosis."""

    message: str = ""  # "RuntimeError: …" for an error, "UserWarning: …" for a warning
    line: int = 0
    picture: Axes | None = None
    softmax: Softmax | None = None


@dataclass(frozen=True)
class Page:
    """One page."""

    code: str
    severity: str
    title: str
    what: str
    why: str
    fix: str
    program: str
    mended: str
    message: str
    picture: Axes | None
    softmax: Softmax | None

    @property
    def change(self) -> list[str]:
        """The program and the mended one as one text, each line with " ", "-" or "+" in front."""
        before, after = self.program.splitlines(), self.mended.splitlines()
        lines = difflib.unified_diff(before, after, n=max(len(before), len(after)), lineterm="")
        return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@cache
def recorded() -> dict[str, Recorded]:
    """What was recorded of each program, by code."""
    try:
        return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Recorded])
    except FileNotFoundError:
        return {}


def page(code: str) -> Page | None:
    """The page of a diagnosis in the chosen language; None for a code that isn't in the catalogue."""
    code = code.strip().upper()
    entry, words = DIAGNOSES.get(code), explain_code(code)
    if entry is None or words is None:
        return None
    found = recorded().get(code, Recorded())
    return Page(
        code,
        str(entry.severity),
        words.title,
        words.what,
        words.why,
        words.fix,
        entry.program.strip() + "\n",
        entry.mended.strip() + "\n",
        found.message,
        as_shown(found.picture),
        found.softmax,
    )
