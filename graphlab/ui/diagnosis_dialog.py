"""The page of a diagnosis: why it happens, what to do, a program that shows it and the lines that mend it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from graphlab.explain.pages import Page, page
from graphlab.i18n import _
from graphlab.ui.language import again
from graphlab.ui.panels.axes_picture import AxesPicture
from graphlab.ui.panels.rich import rich
from graphlab.ui.panels.softmax_picture import SoftmaxPicture
from graphlab.ui.theme import Tokens, tokens

if TYPE_CHECKING:
    from graphlab.ui.state import ViewState


class DiagnosisDialog(QDialog):
    """One page of the catalogue."""

    def __init__(self, code: str, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("diagnosis_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(720, 640)
        self._code_of_page = code
        self._state = state
        self._t = tokens(state.theme)
        self._scroll = scroll = QScrollArea(self)
        scroll.setObjectName("diagnosis_page")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        again(self._fill)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(scroll, 1)
        layout.addWidget(buttons)
        scroll.setFocus()

    def _fill(self) -> None:
        code = self._code_of_page
        self.setWindowTitle(_("About {code}").format(code=code))
        found = page(code)
        self._scroll.setWidget(self._page(found) if found is not None else self._unknown(code))

    def _surface(self) -> tuple[QWidget, QVBoxLayout]:
        surface = QWidget()
        surface.setProperty("surface", True)
        surface.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(surface)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(4)
        return surface, layout

    def _unknown(self, code: str) -> QWidget:
        surface, layout = self._surface()
        layout.addWidget(self._label(_("There is no page for {code}.").format(code=code), surface))
        layout.addStretch(1)
        return surface

    def _page(self, found: Page) -> QWidget:
        surface, layout = self._surface()
        title = self._label(found.title, surface)
        title.setStyleSheet("font-size: 12pt; font-weight: 600;")
        layout.addWidget(title)
        severity = {"error": _("Error"), "warning": _("Warning"), "hint": _("Hint")}.get(found.severity, "")
        meta = QLabel(f"{severity} · {found.code}", surface)
        meta.setProperty("muted", True)
        layout.addWidget(meta)
        for name, text in ((_("What happened"), found.what), (_("Why"), found.why), (_("What to do"), found.fix)):
            if text:
                self._heading(name, surface, layout)
                layout.addWidget(self._label(text, surface))
        self._heading(_("A program that shows it, and the lines that mend it"), surface, layout)
        layout.addWidget(self._code(_change_html(found.change, self._t), surface, "diagnosis_program"))
        if found.message:
            self._heading(_("What PyTorch says to it"), surface, layout)
            layout.addWidget(self._code(found.message, surface, "diagnosis_message"))
        if found.picture is not None:
            self._heading(_("Axes"), surface, layout)
            layout.addWidget(AxesPicture(found.picture, self._state, surface))
            layout.addWidget(self._label(found.picture.note, surface))
        if found.softmax is not None:
            self._heading(_("What sums to 1"), surface, layout)
            layout.addWidget(SoftmaxPicture(found.softmax, self._state, surface))
        layout.addStretch(1)
        return surface

    def _heading(self, text: str, parent: QWidget, layout: QVBoxLayout) -> None:
        layout.addSpacing(8)
        heading = QLabel(text, parent)
        heading.setProperty("section", True)
        layout.addWidget(heading)

    def _label(self, text: str, parent: QWidget) -> QLabel:
        label = QLabel(rich(text, self._t), parent)
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _code(self, text: str, parent: QWidget, name: str) -> QLabel:
        label = QLabel(text, parent)
        label.setObjectName(name)
        label.setTextFormat(Qt.TextFormat.RichText if name == "diagnosis_program" else Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        families = ", ".join(f"'{family}'" for family in self._t.mono_families)
        label.setStyleSheet(
            f"font-family: {families}; font-size: {self._t.small_size}pt; background: {self._t.surface_raised.name()};"
            f"border: 1px solid {self._t.border.name()}; border-radius: {self._t.radius}px; padding: 8px;"
        )
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label


def _change_html(lines: list[str], t: Tokens) -> str:
    """The program with removed and added lines coloured; the sign in front says it too."""
    rows = []
    for line in lines:
        color = {"+": t.update, "-": t.failed}.get(line[:1], t.text).name()
        back = {"+": t.update_soft, "-": t.failed_soft}.get(line[:1], t.surface_raised).name()
        text = html.escape(f"{line[:1] or ' '} {line[1:]}").replace(" ", "&nbsp;")
        rows.append(f'<div style="color:{color}; background-color:{back};">{text}</div>')
    return "".join(rows)
