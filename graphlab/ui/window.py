"""The main window: puts toolbar, docks, graph and start page together, and answers commands that concern it as a whole.

Running belongs to the controller, documents to `Files`, stepping to `Steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QIcon, QKeySequence, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QMainWindow,
    QMenu,
    QWidget,
)

from graphlab.i18n import N_, _, ngettext
from graphlab.ui import language, resources
from graphlab.ui.arrangement import Arrangement
from graphlab.ui.commands import Commands
from graphlab.ui.docks import EAGER, PANELS
from graphlab.ui.editor.program import ProgramPanel
from graphlab.ui.language import say
from graphlab.ui.lighting import Lighting
from graphlab.ui.painting import PaintFailed
from graphlab.ui.preload import Preload
from graphlab.ui.settings import Settings
from graphlab.ui.state import ViewState
from graphlab.ui.steps import Steps
from graphlab.ui.theme import ThemeSwitch
from graphlab.ui.toolbar import ToolBar

if TYPE_CHECKING:
    from graphlab.trace.records import Fix, Problem


LANGUAGE_COMMANDS = {
    "view.language_system": language.SYSTEM,
    "view.language_english": "en",
    "view.language_chinese": "zh_CN",
}


class MainWindow(QMainWindow):
    """One window with one program or trace."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowIcon(QIcon(resources.icon_file()))
        self.setAcceptDrops(True)
        self.settings = settings or Settings(parent=self)
        language.use(language.wanted(self.settings.get("look/language")))
        self.state = ViewState(self)
        self.theme = ThemeSwitch(self)
        self.theme.theme_changed.connect(self.state.set_theme)
        self.theme.choose(self.settings.get("look/theme"))
        self.state.set_theme(self.theme.theme)
        self._preload = Preload(self)
        self._preload.icons_ready.connect(self._build_seen)
        self.steps = Steps(self.state, self._folded, self)
        self.lighting = Lighting(self.state, self)
        self._was_painted = self._has_icons = False
        self._searched = ""  # found last; Enter goes to the next place

        self.resize(1440, 900)
        self.arrangement = Arrangement(self)
        self.docks, self.hosts = self.arrangement.docks, self.arrangement.hosts
        self.message_bar = self.arrangement.message_bar
        for host in self.hosts.values():
            host.built.connect(self._connect_panel)
        panel = self.panel("editor")
        assert isinstance(panel, ProgramPanel)
        self.program_panel = panel
        self.editor = panel.editor

        from graphlab.ui.controller import Controller
        from graphlab.ui.files import Files

        self.files = Files(self)
        self.controller = Controller(self)
        self.commands = Commands(self)
        self._build_menus()
        self.toolbar = ToolBar(self.commands, self.state, self)
        self.addToolBar(self.toolbar)
        self.toolbar.iteration.section_requested.connect(self.steps.section)
        self.toolbar.search.search_requested.connect(self.search)
        self._build_status()
        self._connect()
        self.arrangement.restore()
        self.show_start()
        self.refresh()

    # Building

    def _build_menus(self) -> None:
        menus = self.commands.build_menus(self.menuBar())
        self._recent_menu = QMenu(menus["file"])
        say(self._recent_menu.setTitle, N_("Open recent"))
        self._recent_menu.aboutToShow.connect(self._fill_recent)
        menus["file"].insertMenu(self.commands.actions["file.save"], self._recent_menu)
        panels = QMenu(menus["view"])
        say(panels.setTitle, N_("Panels"))
        for panel in PANELS:
            if panel.name in self.docks:
                action = QAction(self)
                say(action.setText, panel.title)
                action.triggered.connect(lambda _checked=False, name=panel.name: self.show_panel(name))
            else:
                continue
            action.setObjectName(f"view.panel_{panel.name}")
            say(action.setToolTip, partial(_panel_tip, panel.title))
            action.setShortcut(QKeySequence(panel.shortcut))
            self.commands.actions[action.objectName()] = action
            self.addAction(action)
            panels.addAction(action)
        menus["view"].insertMenu(self.commands.actions["view.reset_layout"], panels)

    def _build_status(self) -> None:
        self.status = QLabel(self)
        self.status.setObjectName("status")
        self.place = QLabel(self)
        self.place.setObjectName("place")
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.addWidget(self.status, 1)
        bar.addPermanentWidget(self.place)

    def _connect(self) -> None:
        state = self.state
        for signal in (state.trace_changed, state.trace_grown, state.event_changed, state.section_changed):
            signal.connect(self.refresh)
        state.section_changed.connect(self._forget_search)
        state.trace_changed.connect(self._forget_search)
        state.run_state_changed.connect(self.refresh)
        state.problems_changed.connect(self._name_problems)
        state.problems_changed.connect(self.refresh)
        state.problems_changed.connect(self.message_bar.retell)
        state.path_changed.connect(self.refresh)
        state.theme_changed.connect(self._change_theme)
        state.node_selected.connect(self._mark_node)
        self.editor.document().modificationChanged.connect(self.refresh)
        self.editor.undoAvailable.connect(self.refresh)
        self.editor.redoAvailable.connect(self.refresh)
        self.editor.zoomed.connect(lambda size: self.settings.set("look/font_size", size))
        self.editor.set_font_size(self.settings.get("look/font_size"))
        self.settings.changed.connect(self._setting_changed)
        self.arrangement.start.sample_requested.connect(self.files.open_sample)
        self.arrangement.start.path_requested.connect(lambda path: self.files.open_path(Path(path)))
        self.arrangement.start.new_requested.connect(self.files.new)
        self.arrangement.start.open_requested.connect(self.files.open)

    # Panels

    def panel(self, name: str) -> QWidget:
        """The panel with this object name; built now when nobody saw it yet."""
        return self.hosts[name].widget()

    def findChild(self, kind: type, *arguments: Any, **options: Any) -> Any:
        """As Qt's; a panel that was not shown yet is built first, so that scripts need not know of that."""
        name = arguments[0] if arguments else options.get("name")
        if isinstance(name, str) and name in self.hosts:
            self.panel(name)
        return super().findChild(kind, *arguments, **options)

    def _connect_panel(self, name: str, widget: QWidget) -> None:
        """A panel was built: answer its wishes."""
        if name == "graph_view":
            self.steps.unfold_requested.connect(self._unfold)
            widget.source_requested.connect(self._go_to_event_line)
            widget.gradient_path_requested.connect(self.lighting.show_gradient)
            widget.follow = self.settings.get("look/follow")
        elif name == "inspector":
            widget.source_requested.connect(self._go_to_line)
            widget.gradient_path_requested.connect(self.lighting.show_gradient)
        elif name == "tensors":
            widget.gradient_path_requested.connect(self.lighting.show_gradient)
        elif name == "problems":
            widget.problem_chosen.connect(self.go_to_problem)
            widget.fix_requested.connect(self.apply_fix)
            widget.path_requested.connect(self.lighting.show_problem)
            widget.page_requested.connect(self.show_diagnosis)
            widget.choice_changed.connect(self.refresh)
        elif name == "builder":
            widget.program_built.connect(self.files.take_built)
        elif name == "console":
            widget.set_font_size(self.settings.get("look/font_size"))

    def _folded(self) -> frozenset[str]:
        graph = self.hosts["graph_view"]
        return self.graph.collapsed if graph.is_built else frozenset()

    def _unfold(self, path: str) -> None:
        self.graph.set_collapsed(self.graph.collapsed - {path})

    @property
    def graph(self) -> Any:
        """The canvas."""
        return self.panel("graph_view")

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front and give it the focus."""
        if name in self.docks:
            if not self.has_program:
                return
            self.docks[name].show()
            self.docks[name].raise_()
        self.hosts[name].take_focus()

    @property
    def has_program(self) -> bool:
        """Whether a program or trace is open."""
        return self.files.is_open

    def show_start(self) -> None:
        """Show the samples and recent files; panels make room."""
        self.arrangement.show_start()
        self.toolbar.hide()
        self.statusBar().hide()
        self.refresh()

    def show_work(self) -> None:
        """Show the open program with its panels."""
        self.arrangement.show_work()
        self.toolbar.show()  # after the layout, which may have been kept without it
        self.statusBar().show()
        self.refresh()

    @property
    def is_start_shown(self) -> bool:
        """Whether the start page is in front."""
        return self.arrangement.is_start_shown

    # Commands

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.toolbar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.toolbar.search.selectAll()

    def search(self, text: str) -> None:
        """Go to the next node with this text."""
        if not text or self.state.trace is None:
            return
        if text == self._searched:
            self.graph.find_next()
            return
        self._searched = text
        n = self.graph.find(text)
        self.tell(partial(_found_text, text, n))

    def tell(self, words: Callable[[], str]) -> None:
        """Say something in the status line; `words` makes it, again when another language is chosen."""
        say(self.status.setText, words)

    def _forget_search(self) -> None:
        self._searched = ""

    def find_in_program(self) -> None:
        """Open the find bar of the editor."""
        self.show_panel("editor")
        self.program_panel.find_bar.open()

    def copy_selection(self) -> None:
        """Copy from whatever has the focus."""
        widget = QApplication.focusWidget()
        copy = getattr(widget, "copy", None)
        if callable(copy):
            copy()

    def theme_light(self) -> None:
        """Light from now on."""
        self.settings.set("look/theme", "light")
        self.refresh()

    def theme_dark(self) -> None:
        """Dark from now on."""
        self.settings.set("look/theme", "dark")
        self.refresh()

    def theme_system(self) -> None:
        """As the desktop has it from now on."""
        self.settings.set("look/theme", "system")
        self.refresh()

    def language_system(self) -> None:
        """All texts as environment and desktop say, from now on."""
        self.settings.set("look/language", language.SYSTEM)
        self.refresh()

    def language_english(self) -> None:
        """All texts in English from now on."""
        self.settings.set("look/language", "en")
        self.refresh()

    def language_chinese(self) -> None:
        """All texts in Simplified Chinese from now on."""
        self.settings.set("look/language", "zh_CN")
        self.refresh()

    def toggle_full_screen(self) -> None:
        """Use the whole screen, or no longer."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def show_palette(self) -> None:
        """Open the command palette."""
        from graphlab.ui.command_palette import CommandPalette

        CommandPalette(self).open_above()

    def show_shortcuts(self) -> None:
        """Show all commands and their keys."""
        from graphlab.ui.dialogs import ShortcutsDialog

        ShortcutsDialog(self).open()

    def show_explain(self) -> None:
        """Open the box for a pasted message."""
        from graphlab.ui.explain_dialog import ExplainDialog

        ExplainDialog(self).open()

    def show_preferences(self) -> None:
        """Open the preferences."""
        from graphlab.ui.preferences import PreferencesDialog

        PreferencesDialog(self.settings, self).open()

    def show_about(self) -> None:
        """Say version and licence."""
        from graphlab.ui.dialogs import AboutDialog

        AboutDialog(self).open()

    # Showing

    def refresh(self) -> None:
        """Title, status line and what can be done now."""
        if not hasattr(self, "commands"):
            return
        name = self.files.name
        title = f"{name}[*] – GraphLab" if name else "GraphLab[*]"
        if title != self.windowTitle():
            self.setWindowTitle(title)
        if self.files.is_modified != self.isWindowModified():
            self.setWindowModified(self.files.is_modified)  # 2 ms even when nothing changes
        self.commands.update()
        choice = self.settings.get("look/theme")
        for theme in ("light", "dark", "system"):
            self.commands.actions[f"view.theme_{theme}"].setChecked(theme == choice)
        choice = self.settings.get("look/language")
        for name, value in LANGUAGE_COMMANDS.items():
            self.commands.actions[name].setChecked(value == choice)
        trace = self.state.trace
        if trace is None or not trace.events:
            self.place.setText("")
        else:
            self.place.setText(
                _("Step {number} of {total}").format(number=f"{self.state.event + 1:,}", total=f"{len(trace.events):,}")
            )

    def _name_problems(self) -> None:
        n = len(self.state.problems)
        title = _("Problems")
        self.docks["problems"].setWindowTitle(f"{title} ({n})" if n else title)

    def show_problems_quietly(self) -> None:
        """Bring the problems to the front; the focus stays where it is."""
        if not self.is_start_shown:
            self.docks["problems"].show()
            self.docks["problems"].raise_()
            self.arrangement.make_room_for_problems()

    def show_results_quietly(self) -> None:
        """Where only the empty list of problems is in front: bring the loss curves or the output there instead."""
        trace = self.state.trace
        if self.is_start_shown or self.state.problems:
            return
        self.arrangement.give_room_back()
        if not self.hosts["problems"].is_seen:
            return
        self.docks["loss_plot" if trace is not None and trace.losses else "console"].raise_()

    @property
    def problems(self) -> Any:
        """The panel of problems."""
        return self.panel("problems")

    @property
    def chosen_problem(self) -> Problem | None:
        """The problem that is chosen; the first while nobody saw the panel."""
        if self.hosts["problems"].is_built:
            return self.problems.current
        return next(iter(self.state.problems), None)

    def show_diagnosis(self, code: str) -> None:
        """Show the page of a diagnosis."""
        from graphlab.ui.diagnosis_dialog import DiagnosisDialog

        DiagnosisDialog(code, self.state, self).open()

    def go_to_problem(self, problem: Problem) -> None:
        """Show a problem in the source and in the graph."""
        if problem.event >= 0:
            self.state.seek(problem.event)
        if problem.line > 0:
            self.editor.go_to_line(problem.line)

    def _go_to_event_line(self, event: int) -> None:
        """The graph asks for the source of an event."""
        trace = self.state.trace
        if (
            trace is not None
            and 0 <= event < len(trace.events)
            and 0 <= (span := trace.events[event].span) < len(trace.spans)
        ):
            self._go_to_line(trace.spans[span].line)

    def _go_to_line(self, line: int) -> None:
        self.show_panel("editor")
        self.editor.go_to_line(line)

    def _title_of(self, fix: Fix) -> str:
        """The title of a fix as it is told now: the problems may have been told in another language since."""
        fixes = (other for problem in self.state.problems for other in problem.fixes)
        return next((other.title for other in fixes if other.edits == fix.edits), fix.title)

    def apply_fix(self, fix: Fix) -> None:
        """Make the change of a fix in the program, as one step that can be undone, and offer to run it."""
        if self.editor.toPlainText() != self.state.problem_source:
            self.message_bar.say(
                lambda: _("The program was changed since it was run. Run it again, so that the fix fits it."),
                "warning",
                [(N_("Run"), self.controller.run)],
                topic="run",
            )
            return
        self.editor.apply_edits(fix.edits)
        self.message_bar.say(
            lambda: _("Applied: {title}").format(title=self._title_of(fix).replace("`", "")),
            actions=[(N_("Run again"), self.controller.run), (N_("Undo"), self.editor.undo)],
            topic="run",
        )

    def _mark_node(self) -> None:
        trace, event = self.state.trace, self.state.node_event
        self.editor.mark_span(trace.events[event].span if trace is not None and 0 <= event < len(trace.events) else -1)

    def _change_theme(self, theme: str) -> None:
        if self._has_icons:
            self._set_icons()
        del theme

    def _set_icons(self) -> None:
        theme = self.state.theme
        self.commands.set_icons(theme)
        self.message_bar.set_icons(theme)
        for dock in self.docks.values():
            dock.set_icons(theme)

    def _speak(self) -> None:
        """Show all texts in the chosen language."""
        if language.use(language.wanted(self.settings.get("look/language"))):
            self._name_problems()
            self.controller.reword()
            self.refresh()

    def _setting_changed(self, key: str) -> None:
        if key == "look/language":
            self._speak()
        elif key == "look/theme":
            self.theme.choose(self.settings.get(key))
        elif key == "look/font_size":
            self.editor.set_font_size(self.settings.get(key))
        elif key == "look/follow" and self.hosts["graph_view"].is_built:
            self.graph.follow = self.settings.get(key)

    def _fill_recent(self) -> None:
        self._recent_menu.clear()
        for path in self.settings.recent_files:
            self._recent_menu.addAction(path, lambda path=path: self.files.open_path(Path(path)))
        if self._recent_menu.isEmpty():
            self._recent_menu.addAction(_("No recent files")).setEnabled(False)

    # After the first picture

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            QTimer.singleShot(0, self._painted)

    def _painted(self) -> None:
        """The window is on the screen: now what takes longer to import."""
        if self._was_painted:
            return
        self._was_painted = True
        self._preload.start()
        self.files.offer_recovery()

    def _build_seen(self) -> None:
        """Icons can be drawn, so panels can be built: those in sight now, the others when they are seen."""
        if self._has_icons:
            return
        self._has_icons = True
        self._set_icons()
        for name, host in self.hosts.items():
            host.may_build = True
            if name not in EAGER:
                host.show_soon()
        self.controller.warm_up()

    def customEvent(self, event: QEvent) -> None:
        if isinstance(event, PaintFailed):
            self.message_bar.say(
                lambda: _(
                    "A panel could not be drawn, which is a defect of GraphLab; the rest goes on. ({error})"
                ).format(error=event.what),
                "error",
                topic="defect",
            )

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.files.may_discard():
            event.ignore()
            return
        self.arrangement.save()
        self._preload.stop()
        self.controller.close()
        self.files.close_for_good()
        event.accept()

    # Drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files.open_path(paths[0])


def _found_text(text: str, n: int) -> str:
    found = ngettext("{n} node with “{text}”: Enter goes on", "{n} nodes with “{text}”: Enter goes on", n)
    missing = _("No tensor or operator here is called “{text}”")
    return (found if n else missing).format(n=n, text=text)


def _panel_tip(title: str) -> str:
    return _("Show the panel “{title}”").format(title=_(title))
