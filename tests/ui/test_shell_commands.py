"""The table of commands: unique, complete, and everything built from it."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from graphlab.ui.canvas.inputs import KEYS as GRAPH_KEYS
from graphlab.ui.command_palette import CommandPalette, score
from graphlab.ui.commands import COMMANDS, CONDITIONS, MENUS, handler
from graphlab.ui.dialogs import ShortcutsDialog
from graphlab.ui.docks import PANELS
from graphlab.ui.icons import NAMES

PROMISED = [
    "file.new",
    "file.open",
    "file.save",
    "file.save_as",
    "file.export_image",
    "program.run",
    "program.stop",
    "step.forward",
    "step.back",
    "step.into",
    "step.out",
    "step.first",
    "step.last",
    "step.continue",
    "step.reverse_continue",
    "view.fit",
    "view.search",
    "help.explain_message",
    "app.command_palette",
]
KEYS = {
    "program.run": "F5",
    "program.stop": "Shift+F5",
    "step.forward": "F10",
    "step.back": "Shift+F10",
    "step.into": "F11",
    "step.out": "Shift+F11",
    "step.continue": "F8",
    "step.reverse_continue": "Shift+F8",
    "view.search": "Ctrl+F",
    "help.explain_message": "Ctrl+E",
    "app.command_palette": "Ctrl+Shift+P",
}


def test_ids_are_unique():
    assert [name for name, n in Counter(command.id for command in COMMANDS).items() if n > 1] == []


def test_shortcuts_are_unique():
    keys = [QKeySequence(c.shortcut).toString() for c in COMMANDS if c.shortcut]
    keys += [QKeySequence(panel.shortcut).toString() for panel in PANELS if panel.shortcut]
    assert "" not in keys
    assert [key for key, n in Counter(keys).items() if n > 1] == []


def test_each_command_names_a_known_menu_condition_and_icon():
    for command in COMMANDS:
        assert command.menu in MENUS, command.id
        assert command.when in CONDITIONS or command.when == "", command.id
        assert command.icon in NAMES or command.icon == "", command.id


def test_each_command_has_a_handler(window):
    for command in COMMANDS:
        assert callable(handler(window, command.handler)), command.id


@pytest.mark.parametrize("name", PROMISED)
def test_promised_command_is_an_action_of_the_window(window, name):
    found = window.findChild(QAction, name)
    assert found is not None
    assert found.shortcut() == QKeySequence(KEYS.get(name, "")) or name not in KEYS


def test_every_command_stands_in_a_menu(window):
    in_menus = set()

    def collect(menu):
        for entry in menu.actions():
            if entry.menu():
                collect(entry.menu())
            elif not entry.isSeparator():
                in_menus.add(entry.objectName())

    for top in window.menuBar().actions():
        collect(top.menu())
    assert {command.id for command in COMMANDS} <= in_menus


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
def test_every_panel_is_found_by_its_name(window, panel):
    from PySide6.QtWidgets import QWidget

    found = window.findChild(QWidget, panel.name)
    assert found is not None
    assert found.objectName() == panel.name


def test_palette_finds_by_letters_in_order(window, qtbot):
    palette = CommandPalette(window)
    palette.open_above()
    palette.field.setText("them dark")
    assert palette.list.item(0).text() == "Dark theme"
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.state.theme == "dark"
    assert not palette.isVisible()
    window.theme_light()


def test_palette_moves_around_the_end(window, qtbot):
    palette = CommandPalette(window)
    palette.open_above()
    n = sum(entry.is_enabled for entry in palette._hits)
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentRow() == n - 1
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 0
    palette.close()


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [("run", "Run", "Restore default run"), ("zi", "Zoom in", "Resize pixel"), ("fit", "Fit graph", "File in tree")],
)
def test_score_prefers_beginnings(query, better, worse):
    assert score(query, better) > score(query, worse) >= 0


def test_score_is_zero_where_letters_are_missing():
    assert score("xyz", "Zoom in") == 0


def test_the_page_of_shortcuts_tells_the_keys_of_the_graph(window, qtbot):
    page = ShortcutsDialog(window)
    qtbot.addWidget(page)
    groups = [page.tree.topLevelItem(i) for i in range(page.tree.topLevelItemCount())]
    (graph,) = [group for group in groups if group.text(0) == "In the graph"]
    assert graph.childCount() == len(GRAPH_KEYS)
    assert "Tab" in {graph.child(i).text(1) for i in range(graph.childCount())}
