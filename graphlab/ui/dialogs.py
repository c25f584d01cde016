"""Small dialogs: the page of shortcuts, and what this program is."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from graphlab.i18n import _
from graphlab.ui import resources
from graphlab.ui.canvas.inputs import KEYS as GRAPH_KEYS
from graphlab.ui.commands import COMMANDS, MENUS
from graphlab.ui.language import plain_name

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow


class ShortcutsDialog(QDialog):
    """All commands with their keys, by menu."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setObjectName("shortcuts_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_("Keyboard shortcuts"))
        self.resize(680, 620)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(_("Filter by name or key"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._filter)
        self.tree = QTreeWidget(self)
        self.tree.setColumnCount(3)
        self.tree.setHeaderLabels([_("Command"), _("Key"), _("What it does")])
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(12)
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(True)
        bold = self.font()
        bold.setBold(True)
        for name, title in MENUS.items():
            group = QTreeWidgetItem([plain_name(_(title))])
            group.setFont(0, bold)
            self.tree.addTopLevelItem(group)
            for command in COMMANDS:
                if command.menu == name:
                    action = window.commands.actions[command.id]
                    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                    group.addChild(QTreeWidgetItem([_(command.text), keys, _(command.tip)]))
        in_graph = QTreeWidgetItem([_("In the graph")])
        in_graph.setFont(0, bold)
        self.tree.addTopLevelItem(in_graph)
        for keys, name, meaning in GRAPH_KEYS:
            in_graph.addChild(QTreeWidgetItem([_(name), _(keys), _(meaning)]))
        self.tree.expandAll()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(self.field)
        layout.addWidget(self.tree, 1)
        layout.addWidget(buttons)

    def _filter(self, text: str) -> None:
        wanted = text.lower()
        for number in range(self.tree.topLevelItemCount()):
            group = self.tree.topLevelItem(number)
            shown = 0
            for row in range(group.childCount()):
                item = group.child(row)
                fits = any(wanted in item.text(column).lower() for column in range(3))
                item.setHidden(not fits)
                shown += fits
            group.setHidden(not shown)


class AboutDialog(QDialog):
    """Version and licence."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setObjectName("about_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_("About GraphLab"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        row = QHBoxLayout()
        row.setSpacing(16)
        logo = QLabel(self)
        logo.setPixmap(QIcon(resources.icon_file()).pixmap(QSize(64, 64), self.devicePixelRatioF()))
        words = QLabel(
            "<p style='font-size:15pt; font-weight:600; margin:0'>GraphLab</p><p>"
            + _("Version {version}").format(version=_version())
            + "</p><p>"
            + _("See what PyTorch-style code computes")
            + "<br>"
            + _("Free software under the MIT licence")
            + "</p>",
            self,
        )
        row.addWidget(logo, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(words, 1)
        layout.addLayout(row)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.setMinimumWidth(380)


def _version() -> str:
    try:
        return metadata.version("graphlab-studio")
    except metadata.PackageNotFoundError:
        return _("unknown")
