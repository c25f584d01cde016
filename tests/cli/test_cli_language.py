"""The command line in both languages: `--language`, the environment, help texts, and lines that fit the terminal."""

import json
import os
import subprocess
import sys

import pytest

from graphlab.cli import language
from graphlab.cli.wrapping import columns, wrapped
from graphlab.session.samples import folder

MESSAGE = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)"


def graphlab(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("GRAPHLAB_LANGUAGE", "LANGUAGE")}
    return subprocess.run(
        [sys.executable, "-m", "graphlab", *arguments],
        capture_output=True,
        timeout=60,
        check=False,
        encoding="utf-8",
        env={**kept, "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "broken", **environment},
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--language", "zh_CN"], {}),
        (["--language=zh-Hans"], {}),
        ([], {"GRAPHLAB_LANGUAGE": "zh_CN"}),
        ([], {"LC_ALL": "zh_CN.UTF-8"}),
        (["--language", "zh_CN"], {"GRAPHLAB_LANGUAGE": "en"}),
    ],
)
def test_explanation_is_in_the_chosen_language(arguments: list[str], environment: dict[str, str]) -> None:
    done = graphlab("explain", *arguments, MESSAGE, **environment)
    assert done.returncode == 0
    assert done.stdout.startswith("GL102: 矩阵乘积的内侧大小 784 与 512 不同\n")


def test_english_can_be_chosen_in_a_chinese_environment() -> None:
    assert "inner sizes" in graphlab("explain", "--language", "en", MESSAGE, LC_ALL="zh_CN.UTF-8").stdout


def test_unknown_language_is_refused() -> None:
    done = graphlab("samples", "--language", "xx")
    assert done.returncode == 2
    assert done.stderr == "graphlab: there is no language 'xx'. Choose one of en, zh_CN.\n"


def test_help_is_in_the_chosen_language_with_what_argparse_says() -> None:
    done = graphlab("--language", "zh_CN", "run", "--help")
    assert "用法：" in done.stdout and "选项" in done.stdout and "显示此帮助信息并退出" in done.stdout
    assert "the" not in done.stdout.split()
    wrong = graphlab("--language", "zh_CN", "run")
    assert wrong.returncode == 2
    assert "错误：缺少以下参数：FILE" in wrong.stderr


def test_problems_of_a_run_are_told_in_the_chosen_language_and_its_output_is_not() -> None:
    program = str(folder() / "wide_linear.py")
    english, chinese = (
        json.loads(graphlab("run", "--json", "--no-verify", "--language", name, program).stdout)
        for name in ("en", "zh_CN")
    )
    assert english["error"] == chinese["error"]  # PyTorch's words
    assert [problem["code"] for problem in english["problems"]] == [problem["code"] for problem in chinese["problems"]]
    assert "特征" in chinese["problems"][0]["what"]
    assert [fix["edits"] for fix in english["problems"][0]["fixes"]] == [
        fix["edits"] for fix in chinese["problems"][0]["fixes"]
    ]


def test_samples_are_listed_in_the_chosen_language() -> None:
    assert "线性回归: 由五个点求出" in graphlab("samples", "--language", "zh_CN").stdout


def test_text_after_two_dashes_is_no_option() -> None:
    assert language.taken(["explain", "--", "--language", "zh_CN"]) == ["explain", "--", "--language", "zh_CN"]


def test_chinese_is_wrapped_by_columns_without_breaking_words() -> None:
    text = "`nn.Linear(in_features, out_features)` 与输入的最后一个轴相乘，因此它必须等于 in_features。" * 3
    lines = wrapped(text, 40, "  ").split("\n")
    assert all(columns(line) <= 42 and line.startswith("  ") for line in lines)  # a closing mark may stand out
    assert not any(line.lstrip()[0] in "，。" for line in lines)
    assert "".join(line.replace(" ", "") for line in lines) == text.replace(" ", "")
    assert sum("in_features。" in line for line in lines) == 3


def test_english_is_wrapped_as_before() -> None:
    assert wrapped("one two three", 9, "  ") == "  one two\n  three"
