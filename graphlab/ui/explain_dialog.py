"""Explain a message: paste what PyTorch said, read what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QLabel, QScrollArea, QTextEdit, QVBoxLayout, QWidget

from graphlab.i18n import _
from graphlab.ui.panels.rich import rich
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow

DELAY = 150  # ms after the last key
MAX_LENGTH = 100_000


class ExplainDialog(QDialog):
    """A box for the message, and below it the explanation, live."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._state = window.state
        self.setObjectName("explain_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_("Explain a message"))
        self.resize(680, 560)
        intro = QLabel(_("Paste an error message or a whole traceback of PyTorch"), self)
        intro.setProperty("muted", True)
        self.box = QTextEdit(self)
        self.box.setObjectName("paste_box")
        self.box.setAcceptRichText(False)
        self.box.setTabChangesFocus(True)
        self.box.setPlaceholderText(
            "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)"  # PyTorch's own words
        )
        self.box.setAccessibleName(_("Message to explain"))
        self.box.setFixedHeight(120)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self._explain)
        self.box.textChanged.connect(self._timer.start)
        self.answer = QScrollArea(self)
        self.answer.setObjectName("answer")
        self.answer.setFrameShape(QFrame.Shape.NoFrame)
        self.answer.setWidgetResizable(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(intro)
        layout.addWidget(self.box)
        layout.addSpacing(4)
        layout.addWidget(self.answer, 1)
        layout.addWidget(buttons)
        self.shown: list[str] = []
        self._explain()
        self.box.setFocus()

    def _explain(self) -> None:
        text = self.box.toPlainText()[:MAX_LENGTH].strip()
        page = QWidget()
        page.setProperty("surface", True)
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(4)
        self.shown = []
        if not text:
            self._add(layout, page, _("The explanation appears here"), muted=True)
        else:
            self._fill(layout, page, text)
        layout.addStretch(1)
        self.answer.setWidget(page)

    def _fill(self, layout: QVBoxLayout, page: QWidget, text: str) -> None:
        from graphlab.explain import explain_text

        found = explain_text(text)
        title = self._add(layout, page, found.title)
        title.setStyleSheet("font-size: 11pt; font-weight: 600;")
        if found.code:
            self._add(layout, page, found.code, muted=True)
        for name, part in ((_("What happened"), found.what), (_("Why"), found.why), (_("What to do"), found.fix)):
            if part:
                layout.addSpacing(8)
                heading = QLabel(name, page)
                heading.setProperty("section", True)
                layout.addWidget(heading)
                self._add(layout, page, part)

    def _add(self, layout: QVBoxLayout, page: QWidget, text: str, muted: bool = False) -> QLabel:
        label = QLabel(rich(text, tokens(self._state.theme)), page)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setProperty("muted", muted)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(label)
        self.shown.append(text)
        return label
