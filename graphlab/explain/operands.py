"""The operands of a failure as the recorder wrote them, and what to call them."""

from __future__ import annotations

from graphlab.explain import words
from graphlab.explain.case import Case


def operand(case: Case, at: int) -> dict[str, object]:
    """One operand as the recorder wrote it, {} where there is none."""
    given = case.facts.get("operands") or []
    item = given[at] if at < len(given) else {}
    return item if isinstance(item, dict) else {}


def said_of(item: dict[str, object], default: str) -> str:
    """How to call an operand."""
    name = str(item.get("name") or "")
    return words.code(name) if name and len(name) < 40 else default
