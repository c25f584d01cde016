"""README.md is true: its examples print what it says, its keys are the window's, its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphlab.ui.commands import COMMANDS
from graphlab.ui.docks import PANELS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSION = README.partition("## The command line")[2].split("```")[1]
EXAMPLES = [part.partition("\n") for part in SESSION.split("$ graphlab ")[1:]]


@pytest.mark.parametrize(("command", "shown"), [(head, rest) for head, _line, rest in EXAMPLES])
def test_example_prints_what_is_shown(command: str, shown: str) -> None:
    words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', command)]
    done = subprocess.run(
        [sys.executable, "-m", "graphlab", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    printed = (done.stdout + done.stderr).splitlines()
    expected = [line for line in shown.splitlines() if line not in ("", "…")]
    assert expected
    assert [line for line in expected if line not in printed] == []


def test_keys_are_those_of_the_window() -> None:
    known = {command.shortcut for command in COMMANDS} | {panel.shortcut for panel in PANELS}
    named = set(re.findall(r"\*\*((?:Ctrl\+|Shift\+|Alt\+)*(?:F\d+|\w+|\+|-))\*\*", README))
    keys = {name for name in named if "+" in name or re.fullmatch(r"F\d+", name)}
    assert len(keys) > 15
    assert keys - known == set()


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            if not link.startswith("docs/screenshots"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"
