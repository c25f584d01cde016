# ruff: noqa: E501 - a table reads best with few lines a row
"""All commands, in one table. Menus, toolbar, shortcuts, the palette and the page of shortcuts are built from it.

A command's handler is named by its path from the window ("controller.run"), and so is checked by a test, not by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from graphlab.i18n import N_, _
from graphlab.ui.language import say

if TYPE_CHECKING:
    from graphlab.trace.records import Problem
    from graphlab.ui.window import MainWindow

MENUS = {
    "file": N_("&File"), "edit": N_("&Edit"), "program": N_("&Program"), "step": N_("&Step"), "view": N_("&View"),
    "help": N_("&Help"),
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One thing that the reader can ask for."""

    id: str
    text: str
    tip: str
    menu: str
    handler: str
    shortcut: str = ""
    icon: str = ""
    when: str = ""  # name of a condition in CONDITIONS, "" for always
    starts_group: bool = False  # a separator stands before it in the menu
    checkable: bool = False


COMMANDS = (
    Command("file.new", N_("New program"), N_("Start with an empty program"), "file", "files.new", "Ctrl+N", "new"),
    Command("file.open", N_("Open…"), N_("Open a program, a project folder or a saved trace"), "file", "files.open",
            "Ctrl+O", "open"),
    Command("file.open_sample", N_("Open a sample…"), N_("Show the samples as cards"), "file", "show_start", "Ctrl+Shift+O",
            "sample"),
    Command("file.save", N_("Save"), N_("Save the program"), "file", "files.save", "Ctrl+S", "save", "has_program", True),
    Command("file.save_as", N_("Save as…"), N_("Save the program, or the run as a trace, under another name"), "file",
            "files.save_as", "Ctrl+Shift+S", when="has_program"),
    Command("file.export_image", N_("Export image…"), N_("Save the drawn graph as SVG or PNG"), "file",
            "files.export_image", "Ctrl+Shift+E", "image", "has_trace"),
    Command("file.preferences", N_("Preferences…"), N_("Limits of a run, look, language, fixes"), "file", "show_preferences",
            "Ctrl+,", "settings", starts_group=True),
    Command("file.close", N_("Close program"), N_("Close the program and show the start page"), "file", "files.close",
            "Ctrl+W", when="has_program", starts_group=True),
    Command("file.quit", N_("Quit"), N_("Close GraphLab"), "file", "close", "Ctrl+Q"),
    Command("edit.undo", N_("Undo"), N_("Take back the last change of the program"), "edit", "editor.undo", "Ctrl+Z",
            "undo", "can_undo"),
    Command("edit.redo", N_("Redo"), N_("Make the change again"), "edit", "editor.redo", "Ctrl+Shift+Z", "redo", "can_redo"),
    Command("edit.cut", N_("Cut"), N_("Cut the selected text"), "edit", "editor.cut", "Ctrl+X", when="has_program",
            starts_group=True),
    Command("edit.copy", N_("Copy"), N_("Copy the selected text"), "edit", "copy_selection", "Ctrl+C", "copy"),
    Command("edit.paste", N_("Paste"), N_("Paste text into the program"), "edit", "editor.paste", "Ctrl+V", when="has_program"),
    Command("edit.find", N_("Find in program"), N_("Find text in the program (Ctrl+F while typing)"), "edit",
            "find_in_program", "Ctrl+Shift+F", "search", "has_program", True),
    Command("edit.toggle_comment", N_("Comment or uncomment"), N_("Turn the selected lines into comments and back"), "edit",
            "editor.toggle_comment", "Ctrl+/", when="has_program"),
    Command("program.run", N_("Run"), N_("Run the program and record every step"), "program", "controller.run", "F5", "run",
            "can_run"),
    Command("program.stop", N_("Stop"), N_("Stop the program; what it computed stays"), "program", "controller.stop",
            "Shift+F5", "stop", "is_running"),
    Command("program.toggle_breakpoint", N_("Set or remove breakpoint"), N_("At the line of the cursor"), "program",
            "editor.toggle_breakpoint_here", "F9", "breakpoint", "has_program", True),
    Command("step.first", N_("First step"), N_("Go to the beginning of the run"), "step", "steps.first", "Alt+Home", "first",
            "can_go_back"),
    Command("step.previous_iteration", N_("Previous iteration"), N_("Go to the same step one iteration earlier"), "step",
            "steps.previous_iteration", "Ctrl+Shift+F10", "iteration_previous", "has_previous_section"),
    Command("step.back", N_("Step back"), N_("Go back one step"), "step", "steps.back", "Shift+F10", "back", "can_go_back"),
    Command("step.forward", N_("Step forward"), N_("Go forward one step"), "step", "steps.forward", "F10", "forward",
            "can_go_forward"),
    Command("step.next_iteration", N_("Next iteration"), N_("Go to the same step one iteration later"), "step",
            "steps.next_iteration", "Ctrl+F10", "iteration_next", "has_next_section"),
    Command("step.last", N_("Last step"), N_("Go to the end of the run"), "step", "steps.last", "Alt+End", "last",
            "can_go_forward"),
    Command("step.into", N_("Step into"), N_("Go to the next step, into modules too"), "step", "steps.into", "F11", "into",
            "can_go_forward", True),
    Command("step.out", N_("Step out"), N_("Go on until the current module is left"), "step", "steps.out", "Shift+F11", "out",
            "can_go_forward"),
    Command("step.continue", N_("Continue"), N_("Go on to the next step on a line with a breakpoint"), "step",
            "steps.run_on", "F8", "continue", "can_go_forward", True),
    Command("step.reverse_continue", N_("Continue backward"), N_("Go back to the step before on a line with a breakpoint"),
            "step", "steps.run_back", "Shift+F8", "reverse_continue", "can_go_back"),
    Command("problem.next", N_("Next problem"), N_("Choose the next problem, in the source and in the graph"), "step",
            "problems.next", "F4", when="has_problems", starts_group=True),
    Command("problem.previous", N_("Previous problem"), N_("Choose the problem before"), "step", "problems.previous",
            "Shift+F4", when="has_problems"),
    Command("problem.apply_fix", N_("Apply the first fix"), N_("Make the change that the chosen problem offers first"),
            "step", "problems.apply_first", "Ctrl+.", when="has_fix"),
    Command("problem.show_path", N_("Show the path"), N_("Light the path of the chosen problem on the graph"), "step",
            "problems.show_path", "F6", when="has_path"),
    Command("problem.more", N_("More about this problem"), N_("Show the page of the chosen problem's diagnosis"), "step",
            "problems.show_page", "Ctrl+F1", when="has_problems"),
    Command("view.gradient_path", N_("Show gradient path"), N_("Light the way of the gradient to the selected tensor, "
            "or where it ends"), "view", "lighting.show_selected_gradient", "F7", when="has_trace"),
    Command("view.clear_path", N_("Clear the path"), N_("Show the whole graph again"), "view", "lighting.clear", "Esc",
            when="has_lit"),
    Command("view.fit", N_("Fit graph"), N_("Show the whole graph"), "view", "graph.fit", "Ctrl+0", "fit", "has_trace"),
    Command("view.zoom_in", N_("Zoom in"), N_("Show the graph larger"), "view", "graph.zoom_in", "Ctrl++", "zoom_in",
            "has_trace"),
    Command("view.zoom_out", N_("Zoom out"), N_("Show the graph smaller"), "view", "graph.zoom_out", "Ctrl+-", "zoom_out",
            "has_trace"),
    Command("view.search", N_("Search the graph"), N_("Find a tensor or operator by name"), "view", "focus_search", "Ctrl+F",
            "search"),
    Command("view.theme_light", N_("Light theme"), N_("Dark text on light ground"), "view", "theme_light", starts_group=True,
            checkable=True),
    Command("view.theme_dark", N_("Dark theme"), N_("Light text on dark ground"), "view", "theme_dark", checkable=True),
    Command("view.theme_system", N_("Theme of the system"), N_("Follow the desktop"), "view", "theme_system", checkable=True),
    Command("view.language_system", N_("Language of the system"), N_("Follow the language of the desktop"), "view",
            "language_system", starts_group=True, checkable=True),
    Command("view.language_english", N_("Language: English"), N_("Show all texts in English"), "view", "language_english",
            checkable=True),
    Command("view.language_chinese", N_("Language: 简体中文"), N_("Show all texts in Simplified Chinese"), "view",
            "language_chinese", checkable=True),
    Command("view.reset_layout", N_("Reset layout"), N_("Put all panels back where they were at first"), "view",
            "arrangement.reset", starts_group=True),
    Command("view.full_screen", N_("Full screen"), N_("Use the whole screen"), "view", "toggle_full_screen", "Ctrl+Shift+F11"),
    Command("app.command_palette", N_("Command palette…"), N_("Find any command by its name"), "view", "show_palette",
            "Ctrl+Shift+P", "palette", starts_group=True),
    Command("help.explain_message", N_("Explain a message…"), N_("Paste a PyTorch error message and read what it means"),
            "help", "show_explain", "Ctrl+E", "explain"),
    Command("help.shortcuts", N_("Keyboard shortcuts"), N_("All commands and their keys"), "help", "show_shortcuts", "F1",
            "keyboard"),
    Command("help.about", N_("About GraphLab"), N_("Version and licence"), "help", "show_about", icon="info",
            starts_group=True),
)  # fmt: skip


def has_path(problem: Problem) -> bool:
    """Whether a problem has a path that can be lit on the graph."""
    from graphlab.explain.lineage import has_path as has

    return has(problem.code)


CONDITIONS: dict[str, Callable[[MainWindow], bool]] = {
    "has_program": lambda w: w.has_program,
    "has_trace": lambda w: w.state.trace is not None,
    "can_undo": lambda w: w.has_program and w.editor.document().isUndoAvailable(),
    "can_redo": lambda w: w.has_program and w.editor.document().isRedoAvailable(),
    "can_run": lambda w: w.has_program and w.state.run_state == "idle",
    "is_running": lambda w: w.state.run_state == "running",
    "can_go_back": lambda w: w.state.trace is not None and w.state.event > 0,
    "can_go_forward": lambda w: w.state.trace is not None and w.state.event < len(w.state.trace.events) - 1,
    "has_problems": lambda w: bool(w.state.problems),
    "has_fix": lambda w: (chosen := w.chosen_problem) is not None and any(fix.edits for fix in chosen.fixes),
    "has_path": lambda w: (chosen := w.chosen_problem) is not None and has_path(chosen),
    "has_lit": lambda w: w.state.path is not None,
    "has_previous_section": lambda w: w.state.trace is not None and w.state.section > 0,
    "has_next_section": lambda w: w.state.trace is not None and w.state.section < len(w.state.trace.sections) - 1,
}


def handler(window: MainWindow, path: str) -> Callable[[], object]:
    """The bound method that a command's path names."""
    return reduce(getattr, path.split("."), window)  # type: ignore[arg-type, return-value]


class Commands:
    """The table as actions of one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.actions: dict[str, QAction] = {}
        for command in COMMANDS:
            action = QAction(window)
            say(action.setText, command.text)
            action.setObjectName(command.id)
            action.setCheckable(command.checkable)
            if command.shortcut:
                action.setShortcut(QKeySequence(command.shortcut))
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            say(action.setToolTip, partial(_tip, command.tip, keys))
            say(action.setStatusTip, command.tip)
            action.triggered.connect(_Handler(window, command.handler))
            window.addAction(action)
            self.actions[command.id] = action

    def build_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Fill the menu bar; returns the menus by name."""
        menus = {}
        for name, title in MENUS.items():
            menu = menus[name] = QMenu(bar)
            bar.addMenu(menu)
            say(menu.setTitle, title)
            menu.setObjectName(f"menu_{name}")
            for command in COMMANDS:
                if command.menu == name:
                    if command.starts_group:
                        menu.addSeparator()
                    menu.addAction(self.actions[command.id])
        return menus

    def update(self) -> None:
        """Enable each command that makes sense now."""
        now = {name: test(self._window) for name, test in CONDITIONS.items()}
        for command in COMMANDS:
            self.actions[command.id].setEnabled(now.get(command.when, True))

    def set_icons(self, theme: str) -> None:
        """Draw the icons in the colours of a theme."""
        from graphlab.ui.icons import icon

        special = {"program.run": "text_on_accent", "program.stop": "failed"}
        for command in COMMANDS:
            if command.icon:
                self.actions[command.id].setIcon(icon(command.icon, theme, special.get(command.id, "text")))
                # Drawn for the ground of its button, it would not be seen on the ground of a menu.
                self.actions[command.id].setIconVisibleInMenu(command.id not in special)


def _tip(tip: str, keys: str) -> str:
    return _("{tip} ({keys})").format(tip=_(tip), keys=keys) if keys else _(tip)


class _Handler:
    """Looks the handler up when it is called, so that a panel may be built later than its commands."""

    def __init__(self, window: MainWindow, path: str) -> None:
        self._window = window
        self._path = path

    def __call__(self, _checked: bool = False) -> None:
        handler(self._window, self._path)()
