"""Both languages are complete: catalogues fit the code, entries are whole, and no text goes around gettext."""

from __future__ import annotations

import ast
import gettext
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from graphlab import i18n
from graphlab.explain import DIAGNOSES, explain_code

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "graphlab"
SPEAKING = ("ui", "explain", "cli", "session", "program", "layout", "record", "trace", "analysis")
SETTERS = {
    "setText", "setToolTip", "setStatusTip", "setWindowTitle", "setTitle", "setPlaceholderText", "setAccessibleName",
    "setAccessibleDescription", "setPrefix", "setItemText", "setTabText", "addItem", "addAction", "addMenu", "addTab",
    "addButton", "setHeaderLabels", "setHorizontalHeaderLabels", "setLabel", "drawText", "showMessage",
    "say", "tell", "fail", "information", "warning", "critical", "question", "getOpenFileName", "getSaveFileName",
    "QLabel", "QPushButton", "QAction", "QMenu", "QCheckBox", "QRadioButton", "QGroupBox", "QTreeWidgetItem",
    "QListWidgetItem", "QTableWidgetItem", "Command", "Panel", "Setting", "Explanation", "Fix",
}  # fmt: skip
SPOKEN_KEYWORDS = {"help", "description", "epilog", "title", "what", "why", "fix"}
MARKS = {"_", "N_", "ngettext"}
PLAIN = {"GraphLab", "GraphLab[*]", "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)"}
"""Texts that are the same in every language."""
# Errors that tell of a mistake in GraphLab's own code, and what a running program sees, which is English as Python is.
INTERNAL = {"ValueError", "TypeError", "KeyError", "RuntimeError", "NotImplementedError", "AssertionError",
            "TimeoutError", "LookupError", "FileNotFoundError", "FrameError", "IndexError"}  # fmt: skip
SEEN_BY_PROGRAMS = {"program/guards.py", "program/library.py", "session/saving.py"}
WORDS = re.compile(r"[^\W\d_]{2,}")
KEYS_AND_UNITS = re.compile(r"((Ctrl|Shift|Alt|Esc)\b\S*| (pt|KiB|MiB|GiB))$")
QUOTING = {"GL803", "GL809", "GL817", "GL900"}
"""Diagnoses that quote a sentence of Python's or of the program's own."""


def translations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", ROOT / "scripts" / "translations.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("translations", module)
    spec.loader.exec_module(module)
    return module


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_marked(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS


def faulty_marks(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Calls of `_` and its like whose text the extraction cannot see."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(isinstance(part, ast.Name) and part.id in MARKS for part in node.args):
            yield node.lineno, "call it where the text stands: what is passed on is not extracted"
        if isinstance(node, ast.JoinedStr):
            for part in ast.walk(node):
                if is_marked(part) and part.args and isinstance(part.args[0], ast.Constant):
                    yield part.lineno, "a marked text inside an f-string is not extracted"
        if is_marked(node):
            texts = node.args[:2] if node.func.id == "ngettext" else node.args[:1]
            for text in texts:
                if isinstance(text, ast.JoinedStr | ast.BinOp):
                    yield node.lineno, "the text must be one literal; give values by named placeholders"
                if node.func.id != "_" and not isinstance(text, ast.Constant):
                    yield node.lineno, f"{node.func.id}() marks literals only"


def plain_words(node: ast.AST) -> Iterator[str]:
    """Literals with words in an argument, without those inside of calls and subscripts."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = re.sub(r"<[^>]*>|<[^>]*$|&\w+;", "", node.value)
        if WORDS.search(text) and text not in PLAIN and not KEYS_AND_UNITS.match(text):
            yield text
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                text = re.sub(r"<[^>]*>|<[^>]*$|&\w+;", "", str(part.value))
                if WORDS.search(text) and " " in text.strip():
                    yield text
    elif isinstance(node, ast.List | ast.Tuple):
        for part in node.elts:
            yield from plain_words(part)
    elif isinstance(node, ast.IfExp):
        yield from plain_words(node.body)
        yield from plain_words(node.orelse)
    elif isinstance(node, ast.BinOp):
        yield from plain_words(node.left)
        yield from plain_words(node.right)
    elif isinstance(node, ast.Lambda):
        yield from plain_words(node.body)


def escaping(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts for readers that no translation can reach."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            kind = name_of(node.exc)
            if kind not in INTERNAL and name not in SEEN_BY_PROGRAMS:
                for argument in node.exc.args:
                    yield from ((node.lineno, text) for text in plain_words(argument) if " " in text)
        if not isinstance(node, ast.Call) or is_marked(node):
            continue
        called = name_of(node)
        if called in SETTERS:
            for argument in node.args:
                yield from ((node.lineno, text) for text in plain_words(argument) if " " in text or text.istitle())
        for keyword in node.keywords:
            if keyword.arg in SPOKEN_KEYWORDS and called not in ("replace", "subplot"):
                yield from ((node.lineno, text) for text in plain_words(keyword.value) if " " in text)


def test_catalogues_fit_the_code_and_every_entry_is_whole():
    wrong = translations().check()
    assert not wrong, "run `make translations`, see docs/TRANSLATING.md:\n" + "\n".join(wrong[:30])


def test_every_marked_text_can_be_extracted():
    faults = [f"{name}:{line}: {reason}" for name, tree in sources() for line, reason in faulty_marks(tree)]
    assert not faults, "\n".join(faults)


def test_no_text_goes_around_gettext():
    found = [
        f"{name}:{line}: {text!r}"
        for name, tree in sources()
        if name.split("/")[0] in SPEAKING
        for line, text in escaping(name, tree)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        '_(f"{n} steps")',
        '_("a " + b)',
        "N_(text)",
        "f\"<b>{_('a text')}</b>\"",
        'partial(ngettext, "{n} error", "{n} errors")',
    ],
)
def test_faulty_marks_are_found(code):
    assert list(faulty_marks(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'label.setText("Run again")',
        'QLabel("Loss", self)',
        'raise ProjectError(f"no such file: {path}")',
        'parser.add_argument("file", help="the file to run")',
        'table.setHorizontalHeaderLabels(["Held by"])',
        'say(label.setText, lambda: f"{n} steps are left")',
    ],
)
def test_texts_that_escape_are_found(code):
    assert list(escaping("ui/window.py", ast.parse(code)))


@pytest.mark.parametrize(
    ("source", "string", "reason"),
    [
        ("{n} steps", "步", "placeholders differ"),
        ("Step {n}", "第 {n} 步。", "full stop differs"),
        ("The end.", "结束", "full stop differs"),
        ("use `x`", "使用 x", "code marks differ"),
        ("Run it", "运行,它", "half-width punctuation"),
        ("Run CPU", "运行CPU", "no space"),
        ("", "", ""),
    ],
)
def test_faults_of_a_translation_are_found(source, string, reason):
    module = translations()
    texts = module.Texts("zh_CN")
    if source:
        texts.add(source, string)
    found = module.faults(texts)
    assert len(found) == bool(reason) and all(reason in fault for fault in found)


def test_files_are_the_same_on_every_machine():
    module = translations()
    once, again = module.files(module.extract(), ["zh_CN"]), module.files(module.extract(), ["zh_CN"])
    assert once == again
    for path, content in once.items():
        if path.suffix != ".mo":
            text = content.decode()
            assert not re.search(r"Creation-Date|Revision-Date|Translator|Team|Generated-By|fuzzy|\.py:\d", text), path
            assert str(ROOT) not in text


def test_what_is_shown_is_translated_when_it_is_asked_for(in_chinese):
    """A text that was translated while its module was imported would stay in the language of that moment."""
    from graphlab.ui.commands import COMMANDS

    assert i18n._(COMMANDS[0].text) == "新建程序"
    assert "不匹配" in explain_code("GL101").title
    i18n.set_language("en")
    assert i18n._(COMMANDS[0].text) == "New program"
    assert "fit together" in explain_code("GL101").title


@pytest.mark.parametrize("code", sorted(DIAGNOSES))
def test_every_diagnosis_is_told_in_chinese(code, in_chinese):
    page = explain_code(code)
    for text in (page.title, page.what, page.why, page.fix) if code not in QUOTING else (page.title,):
        words = re.sub(r"`[^`]*`", "", text)
        assert not words or re.search("[\u4e00-\u9fff]", words), text
        # No sentence of English is left inside: names of types and modules stand alone.
        assert not re.search(r"\b(the|is|are|of|with|has|and|for)\b [a-z]", words), text


def test_unknown_language_is_english():
    i18n.set_language("xx")
    assert i18n.language() == "en"
    assert i18n._("Run") == "Run"


def test_empty_text_stays_empty(in_chinese):
    assert gettext.translation("graphlab", PACKAGE / "locale", languages=["zh_CN"]).gettext("")  # its header
    assert i18n._("") == ""


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("zh_CN.UTF-8", "zh_CN"), ("zh", "zh_CN"), ("zh-Hans-SG", "zh_CN"), ("zh_TW", ""), ("zh-Hant", ""),
        ("en_GB", "en"), ("C.UTF-8", "en"), ("POSIX", "en"), ("de_DE@euro", ""), ("", ""),
    ],
)  # fmt: skip
def test_name_of_a_locale_means_a_language(name, language):
    assert i18n.named(name) == language


def test_lines_are_broken_between_chinese_letters():
    assert i18n.pieces("损失 loss，下降。") == ["损", "失", " ", "loss，", "下", "降。"]
    assert i18n.pieces("two words") == ["two", " ", "words"]
    assert "".join(i18n.pieces("（见 `x`）“好”")) == "（见 `x`）“好”"
