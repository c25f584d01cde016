"""Where everything stands in the window: docks, tabs and titles, the middle, the start page; and how it persists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QMainWindow,
    QStackedWidget,
    QTabBar,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from graphlab.ui.docks import AREAS, PANELS, Dock, PanelHost
from graphlab.ui.message_bar import MessageBar
from graphlab.ui.start import StartPage

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow

LAYOUT_VERSION = 2
"""Raise it when docks are added or renamed: a layout of another version is not restored."""

LOW = (170, 190)
"""Between which heights the docks below stand at first: most of the window is the graph's."""
TABS = 36  # of that at most the height of the tabs, which isn't the dock's own

DOCK_OPTIONS = (
    QMainWindow.DockOption.AllowTabbedDocks
    | QMainWindow.DockOption.AllowNestedDocks
    | QMainWindow.DockOption.GroupedDragging
)


class Arrangement(QObject):
    """Builds and keeps the layout of one window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._is_fresh = True  # nobody has chosen the sizes of docks yet
        self._is_placed = False  # the docks are laid out when the first program is opened
        self._layout: QByteArray | None = None  # to come back to, from the start page or the last window
        self._shown: list[Dock] = []  # before the start page hid them
        self._front: list[Dock] = []
        self.docks: dict[str, Dock] = {}
        self.hosts: dict[str, PanelHost] = {}
        window.setDockOptions(DOCK_OPTIONS)
        self._build_docks()
        self._build_center()

    def _build_docks(self) -> None:
        window = self._window
        _set_corners(window)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self._raised: tuple[int, int] | None = None  # how high the docks below were before problems needed more
        self._titles = QTimer(self)
        self._titles.setSingleShot(True)
        self._titles.setInterval(0)
        self._titles.timeout.connect(self._fit_titles)
        for panel in PANELS:
            if panel.area == "center":
                self.hosts[panel.name] = PanelHost(panel, window.state, window)
                continue
            dock = Dock(panel, window.state, window)
            dock.dockLocationChanged.connect(self._fit_titles_soon)
            dock.topLevelChanged.connect(self._fit_titles_soon)
            dock.visibilityChanged.connect(self._fit_titles_soon)
            self.docks[panel.name] = dock
            dock.hide()
            self.hosts[panel.name] = dock.host

    def _size_docks(self) -> None:
        """The sizes of the first time; they need a window that is shown. The graph gets what is left: most of it."""
        width, height = self._window.width(), self._window.height()
        sides = [min(max(330, int(width * 0.24)), 420), min(max(300, int(width * 0.2)), 340)]
        self._window.resizeDocks([self.docks["editor"], self.docks["inspector"]], sides, Qt.Orientation.Horizontal)
        bottom = min(max(LOW[0], int(height * 0.2)), LOW[1])
        self._window.resizeDocks([self.docks["problems"]], [bottom], Qt.Orientation.Vertical)

    def make_room_for_problems(self) -> None:
        """Raise the docks below where nobody has chosen their height, so that a card can be read without scrolling."""
        dock = self.docks["problems"]
        wanted = min(int(self._window.height() * 0.33), 310)
        if LOW[0] - TABS <= dock.height() <= LOW[1] and not dock.isFloating():
            self._raised = (dock.height(), wanted)
            self._window.resizeDocks([dock], [wanted], Qt.Orientation.Vertical)

    def give_room_back(self) -> None:
        """Lower the docks below again where they still have the height that problems needed."""
        problems = self.docks["problems"]
        for dock in [problems, *self._window.tabifiedDockWidgets(problems)]:
            if self._raised and isinstance(dock, Dock) and dock.host.is_seen and not dock.isFloating():
                before, raised = self._raised
                tabs = raised - dock.height()
                if 0 <= tabs <= TABS:
                    self._window.resizeDocks([dock], [before + tabs], Qt.Orientation.Vertical)
                self._raised = None

    def _fit_titles_soon(self) -> None:
        self._titles.start()

    def _fit_titles(self) -> None:
        if self._is_fresh and self._window.isVisible() and not self.is_start_shown:
            self._is_fresh = False
            self._size_docks()
        for dock in self.docks.values():
            dock.fit_title(bool(self._window.tabifiedDockWidgets(dock)))
        for bar in self._window.findChildren(QTabBar):
            bar.setDocumentMode(True)
            bar.setDrawBase(False)
            bar.setExpanding(False)
            bar.setElideMode(Qt.TextElideMode.ElideNone)

    def _build_center(self) -> None:
        window = self._window
        self.start = StartPage(window.state, window.settings, window)
        self._work = QWidget(window)
        work = QVBoxLayout(self._work)
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(0)
        work.addWidget(self.hosts["graph_view"], 1)
        rule = QFrame(self._work)
        rule.setObjectName("rule")
        rule.setFixedHeight(1)
        work.addWidget(rule)
        work.addWidget(self.hosts["narration"])
        work.addWidget(self.hosts["timeline"])
        self.message_bar = MessageBar(window)
        self._pages = QStackedWidget(window)
        self._pages.addWidget(self.start)
        self._pages.addWidget(self._work)
        center = QWidget(window)
        layout = QVBoxLayout(center)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message_bar)
        layout.addWidget(self._pages, 1)
        window.setCentralWidget(center)

    # The start page

    @property
    def is_start_shown(self) -> bool:
        """Whether the start page is in front."""
        return self._pages.currentWidget() is self.start

    def show_start(self) -> None:
        """Show the samples and recent files; panels make room."""
        if not self.is_start_shown:
            if self._is_placed:
                self._layout = self._window.saveState(LAYOUT_VERSION)
                self._shown = [dock for dock in self.docks.values() if not dock.isHidden()]
                self._front = [dock for dock in self._shown if dock.host.is_seen]
            for dock in self.docks.values():
                dock.hide()
        self.start.refresh()
        self._pages.setCurrentWidget(self.start)
        self.start.setFocus()

    def show_work(self) -> None:
        """Show the panels again."""
        if not self._is_placed:
            self._place()
        elif self.is_start_shown:
            for dock in self._shown:
                dock.show()
            for dock in self._front:
                dock.raise_()
        self._pages.setCurrentWidget(self._work)
        self._fit_titles_soon()

    def _place(self) -> None:
        """Lay the docks out as they were kept, or as they are at first.

        WORKAROUND QTBUG: Docks that are tabbed one by one before their window is shown, and docks that are restored
        while they have tabs, leave a tab bar behind that nobody lays out and that is painted over the menus (Qt 6.11).
        So they are laid out by one `restoreState`, also the first time. Remove when tabifyDockWidget needs no care.
        """
        self._is_placed = True
        self._is_fresh = self._layout is None or not self._window.restoreState(self._layout, LAYOUT_VERSION)
        if self._is_fresh:
            self._window.restoreState(_first_layout(), LAYOUT_VERSION)

    # Persistence

    def reset(self) -> None:
        """Put all panels back where they were at first."""
        self._layout = None
        if not self._is_placed:
            return
        was_start_shown = self.is_start_shown
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.hide()
        layout = self._window.layout()
        if layout is not None:
            layout.activate()  # takes the tab bars out of sight, before restoreState forgets them
        self._place()
        if was_start_shown:
            self._pages.setCurrentWidget(self._work)
            self.show_start()
        else:
            self._fit_titles_soon()

    def restore(self) -> None:
        """Put everything where it was when the last window closed; the docks when they are first shown."""
        memory = self._window.settings.memory
        geometry, layout = memory("geometry"), memory("layout")
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        if isinstance(layout, QByteArray):
            self._layout = layout

    def save(self) -> None:
        """Remember where everything is."""
        settings = self._window.settings
        settings.remember("geometry", self._window.saveGeometry())
        if self._is_placed and not self.is_start_shown:
            self.give_room_back()
            self._layout = self._window.saveState(LAYOUT_VERSION)
        if self._layout is not None:
            settings.remember("layout", self._layout)
        settings.sync()


def _first_layout() -> QByteArray:
    """The layout of the first time as `QMainWindow.saveState` tells it, made in a window that is never shown."""
    window = QMainWindow()
    window.setDockOptions(DOCK_OPTIONS)
    _set_corners(window)
    first: dict[str, QDockWidget] = {}
    for panel in PANELS:
        if panel.area not in AREAS:
            continue
        dock = QDockWidget(window)
        dock.setObjectName(f"{panel.name}_dock")
        window.addDockWidget(AREAS[panel.area], dock)
        if panel.area in first:
            window.tabifyDockWidget(first[panel.area], dock)
        first.setdefault(panel.area, dock)
    for dock in first.values():
        dock.raise_()
    return window.saveState(LAYOUT_VERSION)


def _set_corners(window: QMainWindow) -> None:
    window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
