"""Opening, saving and recovering: nothing is lost, and a bad file leaves everything as it was."""

import json
import sqlite3

import msgspec
import pytest
from driving import action, open_program, open_sample, press, run
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton

from graphlab.trace.records import Event, EventKind
from graphlab.trace.store import TraceWriter
from graphlab.ui.app import create_window

PROGRAM = "import torch\nx = torch.ones(2)\n"


def answer(monkeypatch, button):
    """The question about unsaved changes is answered with this button; returns the list of questions."""
    asked = []

    def question(_parent, _title, text, *_buttons):
        asked.append(text)
        return button

    monkeypatch.setattr(QMessageBox, "question", question)
    return asked


def choose(monkeypatch, path, chosen_filter=""):
    """The file dialogs give this path."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(path), chosen_filter))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a, **_k: (str(path), chosen_filter))


def test_window_begins_with_the_samples(window):
    assert window.is_start_shown
    assert len(window.findChild(type(window.arrangement.start)).cards) >= 8
    assert not action(window, "program.run").isEnabled()


def test_card_opens_its_sample(window, qtbot):
    card = next(card for card in window.arrangement.start.cards if card.name == "mlp")
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert "nn.Linear" in window.editor.toPlainText()
    assert not window.is_start_shown
    assert window.windowTitle().startswith("Multilayer perceptron")
    assert not window.isWindowModified()


def test_toolbar_and_panels_come_and_go_with_the_program(window):
    assert not window.toolbar.isVisible()
    for _turn in range(2):
        open_sample(window, "mlp")
        assert window.toolbar.isVisible()
        assert all(dock.isVisible() for dock in window.docks.values())
        press(window, "file.close")
        assert not window.toolbar.isVisible()
        assert not any(dock.isVisible() for dock in window.docks.values())


def test_card_opens_with_the_keyboard(window, qtbot):
    qtbot.keyClick(window.arrangement.start.cards[0], Qt.Key.Key_Return)
    assert window.has_program


def test_saved_program_is_on_disk_and_recent(window, monkeypatch, tmp_path):
    path = tmp_path / "net.py"
    choose(monkeypatch, path)
    open_program(window, PROGRAM)
    window.editor.insertPlainText("# mine\n")
    assert window.isWindowModified()
    press(window, "file.save")
    assert path.read_text() == "# mine\n" + PROGRAM
    assert not window.isWindowModified()
    assert window.windowTitle().startswith("net.py")
    assert window.settings.recent_files == [str(path)]


def test_save_that_fails_says_so_and_keeps_the_text(window, monkeypatch, tmp_path):
    choose(monkeypatch, tmp_path / "no" / "such" / "folder" / "net.py")
    open_program(window, PROGRAM)
    window.editor.insertPlainText("# mine\n")
    press(window, "file.save")
    assert "could not be saved" in window.message_bar.text
    assert window.isWindowModified()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("binary.py", b"a\0b", "not a text file"),
        ("latin.py", "x = 'é'".encode("latin-1"), "not UTF-8"),
        ("half.graphlab", b"SQLite format 3\0", "trace"),
    ],
)
def test_bad_file_gets_one_sentence_and_changes_nothing(window, tmp_path, name, data, words):
    open_program(window, PROGRAM)
    path = tmp_path / name
    path.write_bytes(data)
    assert not window.files.open_path(path)
    assert words in window.message_bar.text
    assert window.editor.toPlainText() == PROGRAM


def test_missing_file_gets_one_sentence(window, tmp_path):
    assert not window.files.open_path(tmp_path / "gone.py")
    assert "no such file" in window.message_bar.text
    assert window.is_start_shown


def test_saved_run_opens_as_a_trace(window, qtbot, monkeypatch, tmp_path):
    path = tmp_path / "run.graphlab"
    open_sample(window, "linear_regression")
    run(window, qtbot)
    n = len(window.state.trace.events)
    choose(monkeypatch, path)
    press(window, "file.save_as")
    press(window, "file.close")
    assert window.state.trace is None
    assert window.files.open_path(path)
    assert len(window.state.trace.events) == n
    assert "torch" in window.editor.toPlainText()
    assert run(window, qtbot) == "ok"


def test_project_folder_is_opened_and_saved(window, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM)
    assert window.files.open_path(folder)
    window.editor.insertPlainText("# mine\n")
    press(window, "file.save")
    assert (folder / "program.py").read_text() == "# mine\n" + PROGRAM
    assert (folder / "project.json").is_file()


def test_dropped_file_is_opened(window, tmp_path):
    path = tmp_path / "dropped.py"
    path.write_text(PROGRAM)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy = Qt.DropAction.CopyAction
    window.dropEvent(QDropEvent(QPointF(5, 5), copy, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier))
    assert window.editor.toPlainText() == PROGRAM


def test_unsaved_changes_are_asked_about(window, monkeypatch):
    open_program(window, PROGRAM)
    window.editor.insertPlainText("# mine\n")
    asked = answer(monkeypatch, QMessageBox.StandardButton.Cancel)
    press(window, "file.new")
    assert len(asked) == 1
    assert window.editor.toPlainText().startswith("# mine")
    assert not window.close()
    answer(monkeypatch, QMessageBox.StandardButton.Discard)
    press(window, "file.new")
    assert window.editor.toPlainText() == ""


def test_unsaved_work_of_a_lost_window_is_offered(window, home):
    folder = home / "autosave"
    folder.mkdir(exist_ok=True)
    lost = folder / "1-1.json"
    lost.write_text(json.dumps({"text": "x = 42\n", "path": "", "name": "Lost"}))
    window.files.offer_recovery()
    assert "Lost" in window.message_bar.text
    button = next(b for b in window.message_bar._buttons if b.text() == "Restore")
    button.click()
    assert window.editor.toPlainText() == "x = 42\n"
    assert window.isWindowModified()
    assert not lost.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"text": 5}'])
def test_damaged_autosave_is_left_alone(window, home, text):
    folder = home / "autosave"
    folder.mkdir(exist_ok=True)
    (folder / "1-1.json").write_text(text)
    window.files.offer_recovery()
    assert window.message_bar.text == ""


def test_autosave_of_a_living_window_is_not_offered(window, qtbot, home):
    open_program(window, PROGRAM)
    window.editor.insertPlainText("# mine\n")
    qtbot.waitUntil(lambda: list((home / "autosave").glob("*.json")) != [], timeout=5000)
    other = create_window()
    qtbot.addWidget(other)
    other.files.offer_recovery()
    assert other.message_bar.text == ""
    window.editor.document().setModified(False)
    window.close()
    assert list((home / "autosave").glob("*.json")) == []


def test_layout_and_theme_persist(window, qtbot):
    open_sample(window, "mlp")
    window.theme_dark()
    window.docks["inspector"].hide()
    window.editor.document().setModified(False)
    window.close()
    again = create_window()
    qtbot.addWidget(again)
    assert again.state.theme == "dark"
    again.show()
    open_sample(again, "mlp")
    assert again.docks["inspector"].isHidden()
    again.arrangement.reset()
    assert not again.docks["inspector"].isHidden()
    again.theme_light()
    again.close()


def test_editor_text_set_by_a_script_opens_a_program(window):
    window.editor.setPlainText(PROGRAM)
    assert window.has_program and not window.is_start_shown
    window.editor.document().setModified(False)


def long_trace(path, n_batches=400, batch=500):
    """A trace that takes much longer to read than one slice."""
    writer = TraceWriter(path)
    writer.set_meta("source", "import torch\n")
    for at in range(n_batches):
        writer.add_many("event", [Event(at * batch + i, EventKind.PRINT, "", text="x") for i in range(batch)])
        writer.flush()
    writer.close()
    return n_batches * batch


def test_long_trace_is_opened_beside_the_work(window, qtbot, tmp_path):
    n = long_trace(tmp_path / "long.graphlab")
    open_sample(window, "linear_regression")
    assert window.files.open_path(tmp_path / "long.graphlab")
    assert window.files.is_opening
    assert window.state.trace is None and "long.graphlab" in window.message_bar.text
    qtbot.waitUntil(lambda: not window.files.is_opening, timeout=30_000)
    assert len(window.state.trace.events) == n
    assert window.message_bar.text == ""


def test_opening_a_long_trace_can_be_cancelled(window, qtbot, tmp_path):
    long_trace(tmp_path / "long.graphlab")
    open_sample(window, "linear_regression")
    text = window.editor.toPlainText()
    window.files.open_path(tmp_path / "long.graphlab")
    button = next(b for b in window.message_bar.findChildren(QPushButton) if b.text() == "Cancel")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not window.files.is_opening
    assert window.editor.toPlainText() == text and window.state.trace is None


def test_damage_at_the_end_of_a_long_trace_leaves_all_as_it_was(window, qtbot, tmp_path):
    path = tmp_path / "long.graphlab"
    n = long_trace(path)
    with sqlite3.connect(path) as db:
        data = msgspec.msgpack.encode([Event(n, EventKind.FORWARD, "relu", outputs=[7])])
        db.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (10**6, "event", 1, data))
    db.close()
    open_sample(window, "linear_regression")
    text = window.editor.toPlainText()
    window.files.open_path(path)
    qtbot.waitUntil(lambda: not window.files.is_opening, timeout=30_000)
    assert "damaged" in window.message_bar.text
    assert window.editor.toPlainText() == text
