"""A bar above the graph that says one thing and offers what can be done about it. Never modal."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from graphlab.i18n import N_
from graphlab.ui import language

ICON = QSize(18, 18)


class MessageBar(QFrame):
    """Hidden until `say` is called."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_bar")
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 6, 6, 6)
        self._layout.setSpacing(8)
        self._icon = QLabel(self)
        self._label = QLabel(self)
        self._label.setObjectName("message_text")
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._layout.addWidget(self._icon)
        self._layout.addWidget(self._label, 1)
        self._buttons: list[QPushButton] = []
        self._close = QToolButton(self)
        language.say(self._close.setToolTip, N_("Close this message"))
        self._close.setText("✕")
        self._close.clicked.connect(self.dismiss)
        self._layout.addWidget(self._close)
        self._topic = ""
        self._words: Callable[[], str] = str
        self._severity = "info"
        self._theme = ""  # "" until the first icons are drawn
        self.hide()

    @property
    def text(self) -> str:
        """What it says now, "" when it is hidden."""
        return self._label.text() if not self.isHidden() else ""

    @property
    def topic(self) -> str:
        """What it speaks of, "" when it is hidden."""
        return self._topic if not self.isHidden() else ""

    def update_text(self, words: Callable[[], str]) -> None:
        """Say it with other words; buttons stay, also under the mouse."""
        self._words = words
        language.say(self._label.setText, words)

    def retell(self) -> None:
        """Say it again: what it speaks of may have other words now."""
        if not self.isHidden():
            self._label.setText(self._words())

    def say(
        self,
        text: str | Callable[[], str],
        severity: str = "info",
        actions: list[tuple[str, Callable[[], object]]] | None = None,
        topic: str = "",
    ) -> None:
        """Show a sentence, from a function where it can be made anew in another language.

        `severity` is "info", "warning" or "error"; `actions` are buttons that also dismiss it, named by texts marked
        with `N_`.
        """
        for button in self._buttons:
            self._layout.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        self._topic = topic
        self.update_text(text if callable(text) else lambda: text)
        self.setProperty("severity", severity)
        for name, act in actions or []:
            button = QPushButton(self)
            language.say(button.setText, name)
            button.clicked.connect(self.dismiss)
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._layout.insertWidget(self._layout.count() - 1, button)
            self._buttons.append(button)
        self._severity = severity
        self._show_icon()
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    def dismiss(self, _checked: bool = False, topic: str = "") -> None:
        """Hide the bar; with a topic only when it speaks of that."""
        if not topic or topic == self._topic:
            self.hide()

    def set_icons(self, theme: str) -> None:
        """Draw the icons in the colours of a theme."""
        from graphlab.ui.icons import icon

        self._theme = theme
        self._show_icon()
        self._close.setText("")
        self._close.setIcon(icon("close", theme, "text_muted"))

    def _show_icon(self) -> None:
        if not self._theme:
            return
        from graphlab.ui.icons import icon

        name, color = {"error": ("error", "failed"), "warning": ("warning", "warning")}.get(
            self._severity, ("info", "accent")
        )
        self._icon.setPixmap(icon(name, self._theme, color).pixmap(ICON, self.devicePixelRatioF()))
