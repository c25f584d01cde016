"""The language of a run: its problems are told in it, what the program sees is English in every one."""

from __future__ import annotations

import pytest

from graphlab.session.messages import Limits
from graphlab.session.runner import Runner, RunRequest
from graphlab.trace.store import TraceReader

WRONG_SHAPE = "import torch\ntorch.zeros(3, 4) + torch.zeros(3)\n"
ASKS = """import torch
for wrong in ("save", "__class__"):
    try:
        getattr(torch, wrong).x
    except Exception as error:
        print(type(error).__name__, error)
try:
    type("A", (), {})
except TypeError as error:
    print(error)
try:
    torch.zeros(2) @ torch.zeros(3)
except RuntimeError as error:
    print(error)
"""


def run(runner: Runner, source: str, language: str = "", **limits: float):
    started = runner.start(RunRequest(source, language=language, limits=Limits(**limits)))
    outcome = started.wait(30)
    printed = "".join(getattr(message, "text", "") for message in started.poll())
    return started, outcome, printed


def test_problems_are_told_in_the_language_of_the_request(runner: Runner) -> None:
    told = {}
    for language in ("en", "zh_CN"):
        started, outcome, _printed = run(runner, WRONG_SHAPE, language)
        reader = TraceReader(started.trace_path)
        told[language] = reader.problems[0].title
        assert reader.language == language
        assert "must match the size of tensor b" in outcome.error_message
        reader.close()
    assert told == {"en": "The shapes (3, 4) and (3,) don't fit together", "zh_CN": "形状 (3, 4) 与 (3,) 不匹配"}


def test_runner_takes_the_language_of_its_process(runner: Runner, in_chinese: None) -> None:
    started, _outcome, _printed = run(runner, WRONG_SHAPE)
    reader = TraceReader(started.trace_path)
    assert reader.language == "zh_CN"
    reader.close()


def test_what_a_program_sees_does_not_depend_on_the_language(runner: Runner) -> None:
    english, chinese = (run(runner, ASKS, language)[2] for language in ("en", "zh_CN"))
    assert english == chinese
    assert english.count("\n") == 4


@pytest.mark.parametrize(
    ("language", "words"), [("en", "The program printed more"), ("zh_CN", "程序输出超过 100 个字符")]
)
def test_limit_is_told_in_the_language(runner: Runner, language: str, words: str) -> None:
    _started, outcome, _printed = run(runner, "print('x' * 1000)\n", language, characters=100)
    assert outcome.status == "limit"
    assert outcome.sentence.startswith(words)
