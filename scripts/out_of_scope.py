"""Writes docs/OUT_OF_SCOPE.md: which of PyTorch's names are not here. With `--check`, only says whether it is stale."""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import graphlab.engine
from graphlab.engine import absent

PAGE = Path(__file__).resolve().parents[1] / "docs" / "OUT_OF_SCOPE.md"
HEAD = """# What of PyTorch is not here

Made by `scripts/out_of_scope.py` from the names of PyTorch 2.13 (`graphlab/engine/torch_names.txt`); the reasons stand
in `graphlab/engine/absent.py`. A program that asks for one of these gets an AttributeError that says so, with the
nearest name that is there.
"""
LATER = "These would fit into a lesson, and may come."
OUT = "These are left out for good."


def page() -> str:
    """The whole page."""
    left_out: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    n_all = n_absent = 0
    for owner, names in absent.torch_names().items():
        here = _owner(owner)
        for name in sorted(names):
            n_all += 1
            if not _has(here, name):
                n_absent += 1
                left_out[absent.reason(owner, name)][owner].append(name)
    parts = [HEAD, f"Of {n_all} public names of PyTorch's modules for learners {n_all - n_absent} are here.\n"]
    for key, words in absent.REASONS.items():
        if left_out[key]:
            parts.append(f"## {words[0].upper()}{words[1:]}\n")
            parts.append((LATER if key == "later" else OUT) + "\n")
            parts.extend(
                f"* `{owner}`: {', '.join(f'`{name}`' for name in names)}" for owner, names in left_out[key].items()
            )
            parts.append("")
    return "\n".join(parts)


def _owner(name: str) -> Any:
    try:
        return importlib.import_module(name.replace("torch", "graphlab.engine", 1))
    except ModuleNotFoundError:
        here: Any = graphlab.engine
        for part in name.split(".")[1:]:
            if not hasattr(here, part):
                return None
            here = getattr(here, part)
        return here


def _has(owner: Any, name: str) -> bool:
    # Not hasattr: an attribute of a class may be there only to say that it isn't.
    if isinstance(owner, type):
        return name in absent.public_names(owner)
    return owner is not None and hasattr(owner, name)


def main() -> int:
    """Write the page, or compare it."""
    made = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print("docs/OUT_OF_SCOPE.md is stale: run scripts/out_of_scope.py")
            return 1
        return 0
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
