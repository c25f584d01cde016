"""The panel of the program: the editor and its find bar."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from graphlab.ui.editor.editor import Editor
from graphlab.ui.editor.find_bar import FindBar
from graphlab.ui.state import ViewState


class ProgramPanel(QWidget):
    """Editor above, find bar below when it is wanted."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("program_panel")
        self.editor = Editor(state, self)
        self.find_bar = FindBar(self.editor, self)
        self.editor.find_requested.connect(self.find_bar.open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.editor)
        layout.addWidget(self.find_bar)
        self.setFocusProxy(self.editor)
