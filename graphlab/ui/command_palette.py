"""The command palette: type a few letters of what you want, press Enter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QFrame, QLineEdit, QListWidget, QListWidgetItem, QStyledItemDelegate, QVBoxLayout

from graphlab.i18n import _
from graphlab.ui.commands import COMMANDS, MENUS
from graphlab.ui.language import plain_name
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QModelIndex
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QStyleOptionViewItem

    from graphlab.ui.window import MainWindow

WIDTH = 560
ROWS = 11
ROW = 34
KEYS = Qt.ItemDataRole.UserRole + 1
GROUP = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class Entry:
    """One line of the palette."""

    text: str
    group: str
    keys: str
    act: Callable[[], object]
    is_enabled: bool


def score(query: str, text: str) -> float:
    """How well a text fits what was typed: 0 not at all, more is better. The words may come in any order; the letters
    of each must appear in theirs."""
    words, text = query.lower().split(), text.lower()
    if not words:
        return 1.0
    scores = [_word_score(word, text) for word in words]
    return sum(scores) / len(scores) if all(scores) else 0.0


def _word_score(word: str, text: str) -> float:
    if word in text:
        at = text.index(word)
        return 100 - at + (20 if at == 0 or text[at - 1] == " " else 0) - 0.01 * len(text)
    total, place, run = 0.0, -1, 0
    for letter in word:
        found = text.find(letter, place + 1)
        if found < 0:
            return 0.0
        run = run + 1 if found == place + 1 else 0
        total += 1 + run + (3 if found == 0 or text[found - 1] in " :" else 0)
        place = found
    return total / (1 + 0.02 * len(text))


class CommandPalette(QDialog):
    """A list over the window; closes when something is chosen or the focus goes elsewhere."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("command_palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(_("Command palette"))
        self._window = window
        self._entries = self._gather()
        self._hits: list[Entry] = []
        t = tokens(window.state.theme)
        self.setStyleSheet(
            f"QDialog {{ background: {t.surface.name()}; border: 1px solid {t.border_strong.name()}; }}"
            f"QLineEdit {{ border: none; border-bottom: 1px solid {t.border.name()}; border-radius: 0;"
            " padding: 10px 14px; font-size: 11pt; }"
            "QListWidget { border: none; }"
        )
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(_("Type a command"))
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._search)
        self.list = QListWidget(self)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setItemDelegate(_Delegate(window.state.theme, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.itemClicked.connect(lambda _item: self._act())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.setFixedSize(WIDTH, 46 + ROWS * ROW)
        self._search("")

    def _gather(self) -> list[Entry]:
        window = self._window
        window.commands.update()
        entries = []
        groups = {command.id: plain_name(_(MENUS[command.menu])) for command in COMMANDS}
        for name, action in window.commands.actions.items():
            if name == "app.command_palette":
                continue
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            text = plain_name(action.text())
            group = groups.get(name, _("Show panel"))
            entries.append(Entry(text, group, keys, action.trigger, action.isEnabled()))
        for path in window.settings.recent_files:
            entries.append(
                Entry(Path(path).name, _("Recent"), "", lambda path=path: window.files.open_path(Path(path)), True)
            )
        return entries

    def open_above(self) -> None:
        """Show it over the upper middle of the window."""
        origin = self._window.mapToGlobal(self._window.rect().topLeft())
        self.move(origin.x() + (self._window.width() - WIDTH) // 2, origin.y() + 72)
        self.show()
        self.field.setFocus()

    def _search(self, query: str) -> None:
        ranked = [(score(query, f"{entry.group}: {entry.text}"), entry) for entry in self._entries]
        hits = [(points, entry) for points, entry in ranked if points > 0]
        hits.sort(key=lambda hit: (not hit[1].is_enabled, -hit[0]) if query else (not hit[1].is_enabled,))
        self._hits = [entry for _points, entry in hits]
        self.list.clear()
        for entry in self._hits:
            item = QListWidgetItem(entry.text)
            item.setData(KEYS, entry.keys)
            item.setData(GROUP, entry.group)
            if not entry.is_enabled:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        if self._hits:
            self.list.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS, Qt.Key.Key_PageUp: -ROWS}
            if event.key() in steps:
                self._move(steps[Qt.Key(event.key())])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._act()
                return True
        return super().eventFilter(watched, event)

    def _move(self, step: int) -> None:
        n = sum(entry.is_enabled for entry in self._hits)  # the enabled ones come first
        if n:
            row = self.list.currentRow() + step
            self.list.setCurrentRow(row % n if abs(step) == 1 else max(0, min(row, n - 1)))

    def _act(self) -> None:
        row = self.list.currentRow()
        if not 0 <= row < len(self._hits) or not self._hits[row].is_enabled:
            return
        act = self._hits[row].act
        self.close()
        act()


class _Delegate(QStyledItemDelegate):
    """Group in grey, the command, and its keys at the right."""

    def __init__(self, theme: str, parent: QObject) -> None:
        super().__init__(parent)
        self._t = tokens(theme)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(WIDTH - 20, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        from PySide6.QtWidgets import QStyle

        t = self._t
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, t.accent_soft)
        is_enabled = bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
        area = option.rect.adjusted(14, 0, -14, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        group = f"{index.data(GROUP)}"
        painter.setFont(t.font(t.small_size))
        painter.setPen(t.text_muted if is_enabled else t.disabled)
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignLeft, group)
        keys = index.data(KEYS) or ""
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, keys)
        used = painter.fontMetrics().horizontalAdvance(keys)
        painter.setFont(t.font())
        painter.setPen(t.text if is_enabled else t.disabled)
        text_area = area.adjusted(92, 0, -used - 12, 0)
        text = painter.fontMetrics().elidedText(index.data(), Qt.TextElideMode.ElideRight, text_area.width())
        painter.drawText(text_area, middle | Qt.AlignmentFlag.AlignLeft, text)
        painter.restore()
