"""Chinese sentences for the steps and problems of real runs: whole, without English left over, joined as Chinese is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from graphlab.engine.ops.op import OPS
from graphlab.explain import describe_op, narrate, words

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.py"))
MAX_TOLD = 300
ENGLISH = re.compile(r"\b(the|is|are|of|with|has|and|for|by|its|gets|along|entry|entries|result|shape|gradient)\b")
BLANK_IN_CHINESE = re.compile("[\u4e00-\u9fff，。：；] [\u4e00-\u9fff]")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_every_step_and_problem_of_a_sample_is_told_in_chinese(path: Path, run: Callable, in_chinese: None) -> None:
    ran = run(path.read_text(encoding="utf-8"))
    for event in ran.trace.events[:MAX_TOLD]:
        told = narrate(ran.trace, event.id)
        if told.startswith(("程序打印", "程序失败", "警告")) or "失败：" in told:
            continue  # words of the program's own, or of PyTorch
        assert re.search("[\u4e00-\u9fff]", told), told
        assert not re.search(r"[{}\x01\n]|\bNone\b", told), told
        assert not ENGLISH.search(told), told
        assert not BLANK_IN_CHINESE.search(told), told
        assert told.endswith("。"), told
    for problem in ran.problems:
        for text in (problem.title, problem.what, problem.why, problem.fix, *(fix.title for fix in problem.fixes)):
            plain = re.sub("`[^`]*`", "x", text)
            assert re.search("[\u4e00-\u9fff]", plain), text
            assert not ENGLISH.search(plain), text
            assert not BLANK_IN_CHINESE.search(plain), text


def test_formulas_with_words_are_told_in_chinese(in_chinese: None) -> None:
    for name in OPS:
        told = describe_op(name)
        for text in (told["formula"], told["backward"]):
            assert not re.search(r"\b(the|is|are|of|with|has|for|along|where|else|each|at|by)\b", text), text


def test_lists_and_clauses_are_joined_as_the_language_does(in_chinese: None) -> None:
    assert words.listing(["a", "b", "c"]) == "a、b 和 c"
    assert words.clauses(["a 得到 1", "b 得到 2", "c 得到 3"]) == "a 得到 1，b 得到 2，c 得到 3"
    assert [words.ordinal(n) for n in (1, 4, 22)] == ["第一", "第 4", "第 22"]


def test_lists_and_clauses_in_english() -> None:
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.clauses(["a gets 1", "b gets 2", "c gets 3"]) == "a gets 1, b gets 2 and c gets 3"
    assert [words.ordinal(n) for n in (1, 4, 11, 22, 103)] == ["first", "4th", "11th", "22nd", "103rd"]


def test_blanks_around_placeholders_go_where_chinese_meets_chinese() -> None:
    assert words.joined("把 该线性层 的 in_features 设为 8") == "把该线性层的 in_features 设为 8"
    assert words.joined("写成 `a 好 b` 之后 的") == "写成 `a 好 b` 之后的"
    assert words.joined("plain English stays") == "plain English stays"


def test_sentence_begins_with_a_capital_in_english_only() -> None:
    assert words.sentence("the left tensor") == "The left tensor"
    assert words.sentence("pow 的结果") == "pow 的结果"
