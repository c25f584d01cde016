"""docs/LANGUAGE.md says what the program says: its refusals, limits and modules."""

import re
from pathlib import Path

import pytest

from graphlab.program.language import Refusal, check
from graphlab.program.names import INNER_MODULES, LIBRARY_NAMES, TORCH_MODULES
from graphlab.session.messages import LIMIT_WORDS, Limits, limit_sentence

PAGE = (Path(__file__).parents[2] / "docs" / "LANGUAGE.md").read_text(encoding="utf-8")
BEFORE = PAGE.partition("## What is refused before")[2].partition("## What is refused while")[0]
REFUSED = re.findall(r"^\| `(.+?)` \| (.+) \|$", BEFORE, re.M)


def test_the_page_has_examples() -> None:
    assert len(REFUSED) > 20


@pytest.mark.parametrize(("program", "sentence"), REFUSED, ids=[program for program, _sentence in REFUSED])
def test_refusal_is_told_in_these_words(program: str, sentence: str) -> None:
    result = check(program)
    assert isinstance(result, Refusal)
    assert result.message == sentence


def test_every_module_is_named() -> None:
    named = set(re.findall(r"`([\w.]+)`", PAGE.partition("### Modules")[2].partition("##")[0]))
    inner = {"torch.nn.parameter", "torch.utils", "torch.backends.cudnn"} | INNER_MODULES.keys()
    assert (set(LIBRARY_NAMES) | set(TORCH_MODULES)) - inner <= named


@pytest.mark.parametrize("limit", LIMIT_WORDS)
def test_limits_are_told_in_these_words(limit: str) -> None:
    assert limit_sentence(limit, Limits()) in PAGE
