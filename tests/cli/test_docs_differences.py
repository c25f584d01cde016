"""docs/DIFFERENCES.md lists as missing only what is missing."""

import re
from pathlib import Path

import pytest

import graphlab.engine as torch

PAGE = (Path(__file__).parents[2] / "docs" / "DIFFERENCES.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\w[\w ]*) \| (.+) \|$", PAGE.partition("## Not there yet")[2], re.M)
HOMES = ("", "nn.", "optim.", "cuda.", "random.", "utils.", "autograd.")


def has(name: str) -> bool:
    for home in HOMES:
        target = torch
        try:
            for part in (home + name.removeprefix("torch.")).split("."):
                target = getattr(target, part)
        except AttributeError:
            continue
        return True
    return False


def test_names_are_found_where_they_are() -> None:
    assert all(map(has, ["SGD", "torch.relu", "Linear", "autograd.Function", "is_available"]))


@pytest.mark.parametrize("area", [area for area, _text in ROWS if area != "area"])
def test_what_is_called_missing_is_missing(area: str) -> None:
    text = dict(ROWS)[area].partition(". There are")[0]
    assert [name for name in re.findall(r"`([\w.]+)`", text) if has(name)] == []
