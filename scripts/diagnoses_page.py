"""Writes docs/DIAGNOSES.md from the catalogue of diagnoses. With `--check`, only says whether the page is stale."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from graphlab.explain import DIAGNOSES, explain_code

PAGE = Path(__file__).resolve().parents[1] / "docs" / "DIAGNOSES.md"
FAMILIES = {
    "GL1": "Shapes",
    "GL2": "Types and devices",
    "GL3": "Gradients",
    "GL4": "Losses and softmax",
    "GL5": "Memory",
    "GL6": "Numbers that run away",
    "GL7": "Modules and optimizers",
    "GL8": "Python",
    "GL9": "Everything else",
}
HEAD = """# The diagnoses

Made by `scripts/diagnoses_page.py` from the catalogue in `graphlab/explain/`; change the texts there.

What GraphLab explains, each with the smallest program that shows it and the change that mends it. The sentences are
told of an example; in the window they name your variables, shapes and lines. `graphlab explain GL103` prints one of
them, `graphlab explain "RuntimeError: mat1 and mat2 …"` finds the one for a message.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for prefix, family in FAMILIES.items():
        codes = sorted(code for code in DIAGNOSES if code.startswith(prefix))
        if codes:
            parts.append(f"\n## {family}\n")
            parts.extend(_entry(code) for code in codes)
    left = [code for code in DIAGNOSES if code[:3] not in FAMILIES]
    if left:
        raise SystemExit(f"no family for {', '.join(left)}: add one to FAMILIES")
    return "\n".join(parts)


def _entry(code: str) -> str:
    entry, words = DIAGNOSES[code], explain_code(code)
    assert words is not None
    lines = [f"### {code} · {words.title}", "", f"*{entry.severity.capitalize()}.* {words.what}", ""]
    if words.why:
        lines += [f"**Why.** {words.why}", ""]
    if words.fix:
        lines += [f"**What to do.** {words.fix}", ""]
    before, after = entry.program.strip().splitlines(), entry.mended.strip().splitlines()
    change = difflib.unified_diff(before, after, n=max(len(before), len(after)), lineterm="")
    lines += ["```diff", *[line for line in change if not line.startswith(("---", "+++", "@@"))], "```", ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; 1 when it is stale."""
    text = page()
    if "--check" in arguments:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{PAGE.name} is not what the catalogue says. Run: python scripts/diagnoses_page.py", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
