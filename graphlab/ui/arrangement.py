"""Where everything stands in the window: docks, tabs and titles, the middle, the start page; and how it persists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QMainWindow, QStackedWidget, QTabBar, QTabWidget, QVBoxLayout, QWidget

from graphlab.ui.docks import AREAS, PANELS, Dock, PanelHost
from graphlab.ui.message_bar import MessageBar
from graphlab.ui.start import StartPage

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow

LAYOUT_VERSION = 1
"""Raise it when docks are added or renamed: a layout of another version is not restored."""


class Arrangement(QObject):
    """Builds and keeps the layout of one window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._is_fresh = True  # nobody has chosen the sizes of docks yet
        self._hidden_docks: QByteArray | None = None  # the layout to come back to from the start page
        self.docks: dict[str, Dock] = {}
        self.hosts: dict[str, PanelHost] = {}
        option = QMainWindow.DockOption
        window.setDockOptions(option.AllowTabbedDocks | option.AllowNestedDocks | option.GroupedDragging)
        self._build_docks()
        self._build_center()

    def _build_docks(self) -> None:
        window = self._window
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for panel in PANELS:
            if panel.area == "center":
                self.hosts[panel.name] = PanelHost(panel, window.state, window)
                continue
            dock = Dock(panel, window.state, window)
            dock.dockLocationChanged.connect(self._fit_titles_soon)
            dock.topLevelChanged.connect(self._fit_titles_soon)
            dock.visibilityChanged.connect(self._fit_titles_soon)
            self.docks[panel.name] = dock
            self.hosts[panel.name] = dock.host
        self._titles = QTimer(self)
        self._titles.setSingleShot(True)
        self._titles.setInterval(0)
        self._titles.timeout.connect(self._fit_titles)
        self._place_docks()

    def _place_docks(self) -> None:
        first: dict[str, Dock] = {}
        for dock in self.docks.values():
            area = dock.panel.area
            dock.setFloating(False)
            self._window.addDockWidget(AREAS[area], dock)
            if area in first:
                self._window.tabifyDockWidget(first[area], dock)
            first.setdefault(area, dock)
            dock.show()
        for dock in first.values():
            dock.raise_()
        self._is_fresh = True
        self._fit_titles_soon()

    def _size_docks(self) -> None:
        """The sizes of the first time, as parts of the window; they need a window that is shown."""
        width, height = self._window.width(), self._window.height()
        sides = [max(320, int(width * 0.28)), max(300, int(width * 0.25))]
        self._window.resizeDocks([self.docks["editor"], self.docks["inspector"]], sides, Qt.Orientation.Horizontal)
        self._window.resizeDocks([self.docks["problems"]], [max(180, int(height * 0.25))], Qt.Orientation.Vertical)

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
        if self._hidden_docks is None:
            self._hidden_docks = self._window.saveState(LAYOUT_VERSION)
        for dock in self.docks.values():
            dock.hide()
        self.start.refresh()
        self._pages.setCurrentWidget(self.start)
        self.start.setFocus()

    def show_work(self) -> None:
        """Show the panels again."""
        if self._hidden_docks is not None:
            self._window.restoreState(self._hidden_docks, LAYOUT_VERSION)
            self._hidden_docks = None
        self._pages.setCurrentWidget(self._work)
        self._fit_titles_soon()

    # Persistence

    def reset(self) -> None:
        """Put all panels back where they were at first."""
        self._place_docks()
        if self.is_start_shown:
            self._hidden_docks = self._window.saveState(LAYOUT_VERSION)
            self.show_start()

    def restore(self) -> None:
        """Put everything where it was when the last window closed."""
        memory = self._window.settings.memory
        geometry, layout = memory("geometry"), memory("layout")
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        if isinstance(layout, QByteArray):
            self._is_fresh = not self._window.restoreState(layout, LAYOUT_VERSION)

    def save(self) -> None:
        """Remember where everything is."""
        settings = self._window.settings
        settings.remember("geometry", self._window.saveGeometry())
        settings.remember("layout", self._hidden_docks or self._window.saveState(LAYOUT_VERSION))
        settings.sync()
