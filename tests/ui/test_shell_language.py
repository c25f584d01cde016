"""The window changes its language while it is open: every text that stays in it, and what is told of the program."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from driving import action, console_text, open_program, press, problem_titles, run
from PySide6.QtCore import QLocale, QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLineEdit, QTableWidget, QTabWidget, QWidget

from graphlab import i18n
from graphlab.ui import language
from graphlab.ui.panels.builder import EXAMPLE
from graphlab.ui.settings import SETTINGS, Settings

SPOKEN = (
    "text", "toolTip", "statusTip", "windowTitle", "title", "placeholderText", "accessibleName",
    "accessibleDescription", "prefix",
)  # fmt: skip
NAMES = re.compile(
    r"\b(GraphLab|PyTorch|Python|Ctrl|Shift|Alt|Esc|Enter|Home|End|SVG|PNG|MIT|Language|English|NaN|GPU|Tab|dtype|"
    r"requires_grad|False|csv|npy|loss|backward|cuda|Del|Return|F\d+|MiB|KiB|GiB|pt|min|max)\b"
)

WRONG_SHAPE = "import torch\na = torch.zeros(3, 4)\nb = torch.zeros(3)\nprint(a + b)\n"
CLOSED = "import os\n"


@pytest.fixture(autouse=True)
def back_to_english(qapp: QApplication) -> Iterator[None]:
    yield
    language.use("en")
    QApplication.processEvents()


def texts(window: QWidget) -> dict[tuple[str, ...], str]:
    """All that the widgets and actions of a window say, by where it is said."""
    said: dict[tuple[str, ...], str] = {}
    for number, child in enumerate([window, *window.findChildren(QObject)]):
        if not isinstance(child, QWidget | QAction) or child.objectName().startswith("qt_"):
            continue
        kind = type(child).__name__
        for name in SPOKEN:
            value = child.property(name)
            if isinstance(child, QLineEdit) and (name == "text" or value == EXAMPLE):
                continue  # code of the reader's
            if isinstance(value, str) and value.strip():
                said[kind, child.objectName(), str(number), name] = value
        if isinstance(child, QTableWidget):
            for column in range(child.columnCount()):
                if item := child.horizontalHeaderItem(column):
                    said[kind, child.objectName(), str(number), str(column)] = item.text()
        if isinstance(child, QTabWidget):
            for tab in range(child.count()):
                said[kind, child.objectName(), str(number), str(tab)] = child.tabText(tab)
    return said


def english(said: dict[tuple[str, ...], str]) -> dict[tuple[str, ...], str]:
    """The texts that are words of English, not names or numbers."""
    found = {}
    for place, text in said.items():
        rest = NAMES.sub("", re.sub(r"<[^>]*>|`[^`]*`|&\w", "", text))
        if re.search(r"[A-Za-z]{3,}", rest) and not re.search(r"[\u4e00-\u9fff]", text):
            found[place] = text
    return found


def choose(window: QWidget, qtbot, command: str) -> None:
    """Choose a language by its command and wait until problems are told in it."""
    press(window, command)
    qtbot.waitUntil(lambda: not window.controller.is_rewording, timeout=30_000)


def test_every_text_that_stays_in_the_window_follows_the_language(window, qtbot):
    for host in window.hosts.values():
        host.widget()
    before = texts(window)
    choose(window, qtbot, "view.language_chinese")
    now = texts(window)
    assert now.keys() == before.keys()
    assert action(window, "program.run").text() == "运行"
    assert window.docks["problems"].windowTitle() == "问题"
    samples = {s.name for s in window.arrangement.start.cards}
    assert samples
    assert english(now) == {}
    choose(window, qtbot, "view.language_english")
    assert texts(window) == before


def test_problems_narration_and_status_follow_the_language(window, qtbot):
    open_program(window, WRONG_SHAPE)
    run(window, qtbot)
    qtbot.waitUntil(lambda: not window.controller.is_checking, timeout=60_000)
    before = texts(window), window.state.problems, window.panel("narration").text()
    choose(window, qtbot, "view.language_chinese")
    assert problem_titles(window) == ["形状 (3, 4) 与 (3,) 不匹配"]
    assert "`a` 的形状为 (3, 4)" in window.state.problems[0].what
    assert window.panel("narration").text().startswith("add 对")
    assert re.fullmatch(r"[\d.]+ 秒后失败", window.status.text())
    assert [f.verified for p in window.state.problems for f in p.fixes] == [
        f.verified for p in before[1] for f in p.fixes
    ]
    choose(window, qtbot, "view.language_english")
    assert window.state.problems == before[1]
    assert window.panel("narration").text() == before[2]


def test_program_is_told_in_the_language_that_was_chosen_before_it_ran(window, qtbot):
    choose(window, qtbot, "view.language_chinese")
    open_program(window, WRONG_SHAPE)
    run(window, qtbot)
    assert problem_titles(window) == ["形状 (3, 4) 与 (3,) 不匹配"]
    assert "must match the size of tensor b" in console_text(window)  # PyTorch's own words


def test_refusal_follows_the_language(window, qtbot):
    open_program(window, CLOSED)
    run(window, qtbot)
    said = window.state.problems[0].what
    choose(window, qtbot, "view.language_chinese")
    assert window.state.problems[0].what != said
    assert "这里的程序无法访问文件或其他程序" in window.state.problems[0].what
    choose(window, qtbot, "view.language_english")
    assert window.state.problems[0].what == said


def test_trace_that_was_saved_in_another_language_is_told_in_this_one(window, qtbot, tmp_path):
    from graphlab.session.projects import save_trace

    choose(window, qtbot, "view.language_chinese")
    open_program(window, WRONG_SHAPE)
    run(window, qtbot)
    path = tmp_path / "wrong.graphlab"
    save_trace(window.state.trace.path, path)
    choose(window, qtbot, "view.language_english")
    assert window.files.open_path(path)
    qtbot.waitUntil(lambda: problem_titles(window) == ["The shapes (3, 4) and (3,) don't fit together"], timeout=30_000)


def test_switching_while_the_program_runs_waits_for_its_end(window, qtbot):
    open_program(window, "import time\nimport torch\n" + "x = torch.zeros(3, 4) + 1\n" * 500 + "x + torch.zeros(3)\n")
    with qtbot.waitSignal(window.controller.run_ended, timeout=30_000):
        press(window, "program.run")
        press(window, "view.language_chinese")
    qtbot.waitUntil(lambda: not window.controller.is_rewording, timeout=30_000)
    assert problem_titles(window) == ["形状 (3, 4) 与 (3,) 不匹配"]


def test_message_bar_and_its_buttons_follow_the_language(window, qtbot):
    from PySide6.QtWidgets import QPushButton

    window.message_bar.say(lambda: i18n._("The program was stopped."), actions=[("Run again", lambda: None)])
    choose(window, qtbot, "view.language_chinese")
    assert window.message_bar.text == "程序已停止。"
    assert [b.text() for b in window.message_bar.findChildren(QPushButton)] == ["重新运行"]
    window.message_bar.dismiss()


def test_note_in_the_console_follows_the_language_and_what_was_printed_stays(window, qtbot):
    window.settings.set("run/time_limit", 1.0)
    open_program(window, "print('Step 3')\nwhile True:\n    pass\n")
    assert run(window, qtbot) == "limit"
    english = console_text(window)
    choose(window, qtbot, "view.language_chinese")
    printed, note = console_text(window).split("\n")[:2]
    assert printed == "Step 3" and note == window.message_bar.text
    assert "秒" in note
    choose(window, qtbot, "view.language_english")
    assert console_text(window) == english
    window.message_bar.dismiss()


def test_applied_fix_is_named_in_the_language(window, qtbot):
    open_program(window, WRONG_SHAPE)
    run(window, qtbot)
    press(window, "problem.apply_fix")
    said = window.message_bar.text
    choose(window, qtbot, "view.language_chinese")
    title = window.state.problems[0].fixes[0].title.replace("`", "")
    assert title in window.message_bar.text and window.message_bar.text != said
    choose(window, qtbot, "view.language_english")
    assert window.message_bar.text == said
    window.message_bar.dismiss()


def test_preferences_change_the_language_at_once_and_themselves_with_it(window, qtbot):
    from graphlab.ui.preferences import PreferencesDialog

    dialog = PreferencesDialog(window.settings, window)
    qtbot.addWidget(dialog)
    dialog.open()
    field = dialog.fields["look/language"]
    before = texts(dialog)
    field.setCurrentIndex(field.findData("zh_CN"))
    assert dialog.windowTitle() == "首选项"
    assert [field.itemText(i) for i in range(field.count())] == ["跟随系统", "English", "简体中文"]
    assert english(texts(dialog)).keys() <= {place for place, text in before.items() if text in ("Close", "&Close")}
    close = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Close)
    qtbot.waitUntil(lambda: "关闭" in close.text())  # Qt's own word, from its own translation
    field.setCurrentIndex(field.findData("en"))
    qtbot.waitUntil(lambda: texts(dialog) == before)
    dialog.close()


def test_qt_speaks_the_language_of_the_environment_from_the_start(qtbot, monkeypatch):
    from graphlab.ui.app import create_window

    monkeypatch.setenv("GRAPHLAB_LANGUAGE", "zh_CN")
    i18n.set_language("zh_CN")  # as `graphlab` does before it opens the window
    shown = create_window()
    qtbot.addWidget(shown)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save)
    qtbot.addWidget(buttons)
    assert "保存" in buttons.buttons()[0].text()
    assert shown.docks["console"].windowTitle() == "控制台"


def test_choice_is_remembered(window, qtbot, home):
    choose(window, qtbot, "view.language_chinese")
    window.settings.sync()
    assert Settings(home / "graphlab.ini").get("look/language") == "zh_CN"
    assert action(window, "view.language_chinese").isChecked()
    assert not action(window, "view.language_system").isChecked()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GRAPHLAB_LANGUAGE": "zh_CN", "LANG": "en_US.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_SG"}, "zh_CN"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_system_is_what_the_environment_says(monkeypatch, environment, expected):
    for name in i18n.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language.wanted(language.SYSTEM) == expected
    assert language.wanted("zh_CN") == "zh_CN"


def test_desktop_is_asked_where_the_environment_says_nothing(monkeypatch):
    for name in i18n.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(QLocale, "uiLanguages", lambda self: ["fr-FR", "zh-Hans-CN", "en"])
    assert language.wanted(language.SYSTEM) == "zh_CN"


def test_every_language_is_offered():
    setting = next(setting for setting in SETTINGS if setting.key == "look/language")
    assert [name for name, _label in setting.choices] == [language.SYSTEM, *i18n.LANGUAGES]


def test_widgets_that_are_gone_are_forgotten(qapp):
    import gc
    import weakref

    from PySide6.QtWidgets import QLabel

    label = QLabel()
    language.say(label.setText, "Run")
    language.say(label.setToolTip, label.text)  # holds the label, as words made by a panel hold the panel
    gone = weakref.ref(label)
    del label
    gc.collect()
    assert gone() is None
