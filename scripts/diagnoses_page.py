"""Writes docs/DIAGNOSES.md and a page each in docs/diagnoses/ from the catalogue of diagnoses.

It runs the program of each diagnosis for PyTorch's message and the pictures, and keeps them in
graphlab/explain/pages.json, where `graphlab explain` and the window read them. With `--check` nothing is run: it only
says which pages are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from graphlab.explain import DIAGNOSES, as_text, pages, softmax
from graphlab.explain.pages import Page, Recorded
from graphlab.session.messages import Limits
from graphlab.session.runner import Runner, RunRequest
from graphlab.trace.records import EventKind, Problem
from graphlab.trace.store import TraceReader

DOCS = Path(__file__).resolve().parents[1] / "docs"
INDEX = DOCS / "DIAGNOSES.md"
FOLDER = DOCS / "diagnoses"
LIMITS = Limits(seconds=3.0)
"""Two of the programs never end by themselves."""
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

What GraphLab explains, each with a page of its own: what it means, the smallest program that shows it, what PyTorch
says to that, and the change that mends it. The sentences are told of an example; in the window they name your
variables, shapes and lines. `graphlab explain GL103` prints one of the pages, `graphlab explain "RuntimeError: mat1 and
mat2 …"` finds the one for a message.
"""


def index_page() -> str:
    """The list of all diagnoses, by families."""
    parts = [HEAD]
    for prefix, family in FAMILIES.items():
        codes = sorted(code for code in DIAGNOSES if code.startswith(prefix))
        if codes:
            parts.append(f"\n## {family}\n\n| code | | what it says |\n|---|---|---|")
            parts.extend(_row(code) for code in codes)
    left = [code for code in DIAGNOSES if code[:3] not in FAMILIES]
    if left:
        raise SystemExit(f"no family for {', '.join(left)}: add one to FAMILIES")
    return "\n".join(parts) + "\n"


def _row(code: str) -> str:
    found = _found(code)
    title = found.title.replace("|", "\\|")
    return f"| [{code}](diagnoses/{code}.md) | {found.severity} | {title} |"


def _found(code: str) -> Page:
    found = pages.page(code)
    assert found is not None
    return found


def diagnosis_page(code: str) -> str:
    """The page of one diagnosis."""
    found = _found(code)
    lines = [f"# {code} · {found.title}", "", f"*{found.severity.capitalize()}.* {found.what}", ""]
    if found.why:
        lines += ["## Why", "", found.why, ""]
    if found.fix:
        lines += ["## What to do", "", found.fix, ""]
    lines += ["## A program that shows it", "", "```python", found.program.rstrip(), "```", ""]
    if found.message:
        lines += ["PyTorch says:", "", "```text", *_trimmed(found.message), "```", ""]
    if found.picture is not None:
        lines += ["The axes:", "", "```text", *_trimmed(as_text(found.picture)), "```", ""]
    if found.softmax is not None:
        lines += ["What sums to 1:", "", "```text", *_trimmed(softmax.as_text(found.softmax)), "```", ""]
    lines += ["## Mended", "", "```diff", *[line.rstrip() for line in found.change], "```", ""]
    lines += ["[All diagnoses](../DIAGNOSES.md)", ""]
    return "\n".join(lines)


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def all_pages() -> dict[Path, str]:
    """Every page with its text."""
    return {INDEX: index_page(), **{FOLDER / f"{code}.md": diagnosis_page(code) for code in sorted(DIAGNOSES)}}


def record() -> dict[str, Recorded]:
    """Run the program of each diagnosis in a worker, and keep what came of it."""
    found = {}
    with Runner() as runner:
        for code in sorted(DIAGNOSES):
            run = runner.start(RunRequest(DIAGNOSES[code].program, limits=LIMITS))
            outcome = run.wait(120)
            if outcome.status == "refused":
                found[code] = Recorded()
                continue
            reader = TraceReader(run.trace_path)
            try:
                found[code] = recorded_of(code, reader, reader.problems)
            finally:
                reader.close()
    return found


def recorded_of(code: str, trace: TraceReader, problems: list[Problem]) -> Recorded:
    """What is kept of one run: the message, and the pictures of the diagnosis."""
    problem = next((p for p in problems if p.code == code), None)
    if problem is None:
        return Recorded()
    message = ""
    if trace.failure is not None and problem.severity == "error":
        message = f"{trace.failure.type}: {trace.failure.message}" if trace.failure.message else trace.failure.type
    elif 0 <= problem.event < len(trace.events) and trace.events[problem.event].kind == EventKind.WARNING:
        message = f"UserWarning: {trace.events[problem.event].text}"
    return Recorded(message, problem.line, problem.picture, problem.softmax)


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; 1 when one is stale."""
    if "--check" not in arguments:
        encoded = msgspec.json.format(msgspec.json.encode(record()), indent=1)
        pages.FILE.write_bytes(encoded + b"\n")
        pages.recorded.cache_clear()
    wanted = all_pages()
    present = {INDEX, *FOLDER.glob("*.md")} if FOLDER.is_dir() else {INDEX}
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    stale += [path for path in present if path not in wanted]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(DOCS)} is not what the catalogue says", file=sys.stderr)
        if stale:
            print("Run: python scripts/diagnoses_page.py", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in present:
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
