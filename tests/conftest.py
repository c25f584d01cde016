"""All tests read English, whatever the language of who runs them; tests of other languages choose them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ["GRAPHLAB_LANGUAGE"] = "en"


@pytest.fixture
def in_chinese() -> Iterator[None]:
    """All texts in Simplified Chinese for the time of a test."""
    from graphlab.i18n import set_language

    set_language("zh_CN")
    yield
    set_language("en")
