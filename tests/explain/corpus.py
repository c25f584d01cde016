"""Reads the corpus in tests/corpus: blocks of text with a head each, and what torch said of the broken programs.

A block is `=== name`, lines `key: value`, `---`, and then the text up to the next `===`. Keys:
`code` the diagnosis; `named` what its sentences must hold, parted by `;`, each with alternatives parted by ` or `;
`fix: no` where no checked fix is expected; `also` codes that may be reported beside it; `line` where it is found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from graphlab.trace.records import Problem

CORPUS = Path(__file__).parents[1] / "corpus"
RECORDED = CORPUS / "recorded.json"


@dataclass(frozen=True)
class CorpusCase:
    """One program or message of the corpus, and what is expected of it."""

    id: str
    text: str
    code: str = ""
    named: list[list[str]] = field(default_factory=list)
    needs_fix: bool = True
    also: frozenset[str] = frozenset()
    line: int = 0

    def missing(self, said: str) -> list[str]:
        """What an explanation should have named and didn't."""
        said = " ".join(said.replace("−", "-").split())
        return [" or ".join(names) for names in self.named if not any(name in said for name in names)]


def read_cases(kind: str) -> list[CorpusCase]:
    """All cases of "errors", "silent", "clean" or "messages", in the order of the files."""
    return [case for path in sorted((CORPUS / kind).glob("*.txt")) for case in _cases(kind, path)]


def _cases(kind: str, path: Path) -> list[CorpusCase]:
    found: list[CorpusCase] = []
    for block in ("\n" + path.read_text(encoding="utf-8")).split("\n=== ")[1:]:
        head, parted, text = block.partition("\n---\n")
        if not parted:
            raise ValueError(f"{path.name}: no line --- in the block {block[:40]!r}")
        name, *lines = head.splitlines()
        keys = dict(line.split(": ", 1) for line in lines if line.strip())
        unknown = set(keys) - {"code", "named", "fix", "also", "line"}
        if unknown:
            raise ValueError(f"{path.name}: {name}: unknown keys {sorted(unknown)}")
        named = [[n.strip() for n in item.split(" or ")] for item in keys.get("named", "").split(";") if item.strip()]
        also = frozenset(keys.get("also", "").split())
        line = int(keys.get("line", "0"))
        id_ = f"{kind}/{path.stem}/{name.strip()}"
        found.append(
            CorpusCase(id_, text.rstrip("\n") + "\n", keys.get("code", ""), named, keys.get("fix") != "no", also, line)
        )
    return found


def recorded() -> dict[str, tuple[str, str]]:
    """Type and message of the exception that torch raises for each broken program."""
    if not RECORDED.exists():
        return {}
    return {k: (v[0], v[1]) for k, v in json.loads(RECORDED.read_text(encoding="utf-8")).items()}


def refused(message: str) -> tuple[str, str]:
    """Type and message of a program that can't be read, which the language tells in one sentence."""
    type_, parted, rest = message.partition(": ")
    return (type_, rest) if parted and type_.endswith("Error") else ("SyntaxError", message)


@dataclass
class Verdict:
    """How one case came out; a mark is None where it wasn't asked for."""

    case: CorpusCase
    codes: list[str]
    is_same_error: bool | None = None  # exception type and message equal to torch's
    is_right: bool | None = None  # the diagnosis
    is_named: bool | None = None  # every needed fact
    is_fixed: bool | None = None  # a fix that was re-run and came out clean
    notes: list[str] = field(default_factory=list)


def said_by(problem: Problem) -> str:
    """Everything that a problem says."""
    return "\n".join([problem.title, problem.what, problem.why, problem.fix, *(f.title for f in problem.fixes)])


def judge(case: CorpusCase, error: tuple[str, str] | None, problems: list[Problem], is_fixed: bool) -> Verdict:
    """The verdict on a broken program or one with a silent bug."""
    verdict = Verdict(case, [p.code for p in problems])
    wanted = recorded().get(case.id)
    if case.id.startswith("errors/"):
        verdict.is_same_error = error == wanted
        if not verdict.is_same_error:
            verdict.notes.append(f"error {error}, torch {wanted}")
    accepted = set(case.code.split())
    hits = [p for p in problems if p.code in accepted]
    strange = [p.code for p in problems if p.code not in accepted | case.also]
    verdict.is_right = bool(hits) and not strange and (not case.line or any(p.line == case.line for p in hits))
    if not verdict.is_right:
        verdict.notes.append(f"diagnosed {[(p.code, p.line) for p in problems]}, wanted {case.code} {case.line or ''}")
    missing = case.missing(said_by(hits[0])) if hits else [" or ".join(n) for n in case.named]
    verdict.is_named = not missing
    if hits and missing:
        verdict.notes.append(f"not named: {missing} in {said_by(hits[0])!r}")
    if case.needs_fix or is_fixed:
        verdict.is_fixed = is_fixed
        if not is_fixed:
            verdict.notes.append("no checked fix")
    return verdict
