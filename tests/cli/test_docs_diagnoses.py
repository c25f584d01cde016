"""docs/DIAGNOSES.md and the pages beside it are what the catalogue says, and `graphlab explain` says the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from graphlab.cli.explain import explain
from graphlab.explain import DIAGNOSES, pages

ROOT = Path(__file__).parents[2]


def test_pages_are_current() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "diagnoses_page.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_every_diagnosis_has_a_page_and_a_row() -> None:
    index = (ROOT / "docs" / "DIAGNOSES.md").read_text(encoding="utf-8")
    assert [code for code in DIAGNOSES if f"[{code}](diagnoses/{code}.md)" not in index] == []
    assert sorted(path.stem for path in (ROOT / "docs" / "diagnoses").glob("*.md")) == sorted(DIAGNOSES)


def test_page_in_the_terminal_shows_program_message_and_axes(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(["gl101"], as_json=False) == 0
    shown = capsys.readouterr().out
    assert "+print(x + b.unsqueeze(1))" in shown
    assert "RuntimeError: The size of tensor a (4) must match" in shown
    assert "^   4 ≠ 3" in shown


def test_what_is_recorded_belongs_to_the_catalogue() -> None:
    recorded = pages.recorded()
    assert sorted(recorded) == sorted(DIAGNOSES)
    errors = [code for code, entry in DIAGNOSES.items() if entry.severity == "error" and entry.check is not None]
    silent = [code for code in errors if not recorded[code].message]
    # A program that is refused before it runs, or that a limit ends, has no message of PyTorch.
    assert all(code.startswith(("GL5", "GL8", "GL9")) for code in silent), silent
