"""docs/DIAGNOSES.md is what the catalogue says."""

import subprocess
import sys
from pathlib import Path

from graphlab.explain import DIAGNOSES

ROOT = Path(__file__).parents[2]


def test_page_is_current() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "diagnoses_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_diagnosis_has_an_entry() -> None:
    text = (ROOT / "docs" / "DIAGNOSES.md").read_text(encoding="utf-8")
    assert [code for code in DIAGNOSES if f"### {code} · " not in text] == []
