"""The panels of the window, in one table, and the docks that they stand in.

A panel is built when it is first shown or asked for: pyqtgraph and its like take longer to import than a window takes
to open.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from graphlab.i18n import N_
from graphlab.ui.language import say
from graphlab.ui.state import ViewState

Area = Qt.DockWidgetArea


@dataclass(frozen=True)
class Panel:
    """One panel: its object name, its title, the class that is it, and where it stands ("left", …, "center")."""

    name: str
    title: str
    target: str  # "module:Class", constructed as Class(state, parent)
    area: str
    shortcut: str = ""


PANELS = (
    Panel("editor", N_("Program"), "graphlab.ui.editor.program:ProgramPanel", "left", "Alt+1"),
    Panel("builder", N_("Expression"), "graphlab.ui.panels.builder:Builder", "left", "Alt+2"),
    Panel("graph_view", N_("Graph"), "graphlab.ui.canvas.view:GraphView", "center", "Alt+3"),
    Panel("narration", N_("This step"), "graphlab.ui.panels.narration:Narration", "center"),
    Panel("timeline", N_("Timeline"), "graphlab.ui.panels.timeline:Timeline", "center"),
    Panel("inspector", N_("Inspector"), "graphlab.ui.panels.inspector:Inspector", "right", "Alt+4"),
    Panel("problems", N_("Problems"), "graphlab.ui.panels.problems:Problems", "bottom", "Alt+5"),
    Panel("loss_plot", N_("Loss curves"), "graphlab.ui.panels.loss_plot:LossPlot", "bottom", "Alt+6"),
    Panel("memory_plot", N_("Memory"), "graphlab.ui.panels.memory_plot:MemoryPlot", "bottom", "Alt+7"),
    Panel("console", N_("Console"), "graphlab.ui.panels.console:Console", "bottom", "Alt+8"),
    Panel("tensors", N_("Tensors"), "graphlab.ui.panels.tensors:Tensors", "bottom", "Alt+9"),
)
AREAS = {"left": Area.LeftDockWidgetArea, "right": Area.RightDockWidgetArea, "bottom": Area.BottomDockWidgetArea}
TITLE_HEIGHT = 31  # as high as the tabs
EAGER = ("editor",)
"""Panels that are there from the first moment: the program's text lives in the editor."""


class PanelHost(QWidget):
    """The place of one panel; builds it when it is first shown.

    Signals:
        built(str, object): the panel with this name is this widget
    """

    built = Signal(str, object)

    def __init__(self, panel: Panel, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._panel = panel
        self._state = state
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._widget: QWidget | None = None
        self._is_seen = True
        self._wants_focus = False
        self.may_build = False  # set once the window was painted
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.show_if_seen)

    @property
    def is_built(self) -> bool:
        """Whether the panel is there yet."""
        return self._widget is not None

    def widget(self) -> QWidget:
        """The panel, built now when it was not yet."""
        if self._widget is None:
            module, _colon, name = self._panel.target.partition(":")
            self._widget = getattr(importlib.import_module(module), name)(self._state, self)
            if not self._widget.objectName() and self.findChild(QWidget, self._panel.name) is None:
                self._widget.setObjectName(self._panel.name)
            self._layout.addWidget(self._widget)
            self.setFocusProxy(self._widget)
            self.built.emit(self._panel.name, self._widget)
        return self._widget

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start()  # not at once: restoring a layout shows every tab for a moment

    @property
    def is_seen(self) -> bool:
        """Whether the panel is in front, not behind another tab."""
        return self._is_seen and self.isVisible()

    def set_seen(self, is_seen: bool) -> None:
        """Qt leaves a dock behind another tab "visible", outside the window: only its dock knows, and tells it here."""
        self._is_seen = is_seen
        self._soon.start()

    def show_soon(self) -> None:
        """Do `show_if_seen` when the window is idle, one panel at a time."""
        self._soon.start()

    def show_if_seen(self) -> None:
        """Show the panel while it is seen, and build it first where that was not done. Hidden ones do no work."""
        is_seen = self.is_seen
        if is_seen and self.may_build:
            self.widget()
        if self._widget is not None and is_seen == self._widget.isHidden():
            self._widget.setVisible(is_seen)
        if is_seen and self._widget is not None and self._wants_focus:
            self._wants_focus = False
            _first_stop(self._widget).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def take_focus(self) -> None:
        """Put the focus into the panel, as soon as it is seen."""
        self.widget()
        self._wants_focus = True
        self.show_if_seen()

    def sizeHint(self) -> QSize:
        return super().sizeHint() if self._widget is not None else QSize(320, 220)


def _first_stop(panel: QWidget) -> QWidget:
    """Where the keyboard can do something in a panel: itself, or the first of its parts that takes the focus."""
    target = panel.focusProxy() or panel
    if target.focusPolicy() != Qt.FocusPolicy.NoFocus:
        return target
    part = panel.nextInFocusChain()
    while part is not panel and panel.isAncestorOf(part):
        if part.focusPolicy() & Qt.FocusPolicy.TabFocus and part.isVisible() and part.isEnabled():
            return part
        part = part.nextInFocusChain()
    return panel


class DockTitle(QWidget):
    """A tidy title bar: the name, and two small buttons."""

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dock_title")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 4, 0)
        layout.setSpacing(2)
        label = QLabel(dock.windowTitle(), self)
        label.setObjectName("dock_title_text")
        dock.windowTitleChanged.connect(label.setText)
        layout.addWidget(label, 1)
        self.float_button = QToolButton(self)
        say(self.float_button.setToolTip, N_("Show in a window of its own, or put back"))
        self.float_button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        self.close_button = QToolButton(self)
        say(self.close_button.setToolTip, N_("Hide this panel"))
        self.close_button.clicked.connect(dock.close)
        for button in (self.float_button, self.close_button):
            button.setIconSize(QSize(14, 14))
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            layout.addWidget(button)

    def sizeHint(self) -> QSize:
        return QSize(120, TITLE_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, TITLE_HEIGHT)


class NoTitle(QWidget):
    """The title bar of a dock whose tab says its name already."""

    def sizeHint(self) -> QSize:
        return QSize(0, 0)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


class Dock(QDockWidget):
    """The dock of one panel. Shows its title bar only while no tab shows its name."""

    def __init__(self, panel: Panel, state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        say(self.setWindowTitle, panel.title)
        self.setObjectName(f"{panel.name}_dock")
        self.panel = panel
        self.host = PanelHost(panel, state, self)
        self.setWidget(self.host)
        self.visibilityChanged.connect(self.host.set_seen)
        self.title = DockTitle(self)
        self._no_title = NoTitle(self)
        self.setTitleBarWidget(self.title)

    def fit_title(self, is_tabbed: bool) -> None:
        """Show the title bar, or leave it to the tab."""
        wanted = self._no_title if is_tabbed and not self.isFloating() else self.title
        if self.titleBarWidget() is not wanted:
            self.setTitleBarWidget(wanted)
            wanted.show()
            (self.title if wanted is self._no_title else self._no_title).hide()

    def set_icons(self, theme: str) -> None:
        """Draw the icons in the colours of a theme."""
        from graphlab.ui.icons import icon

        self.title.float_button.setIcon(icon("float", theme, "text_muted"))
        self.title.close_button.setIcon(icon("close", theme, "text_muted"))
