"""The start page: samples as cards, recent files, and how to begin."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QIcon, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from graphlab.i18n import N_, _, pieces
from graphlab.ui import resources, thumbnails
from graphlab.ui.language import say
from graphlab.ui.painting import guarded
from graphlab.ui.settings import Settings
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

CARD = QSize(238, 190)
SIDE = 200
MARGIN = 40
GAP = 12
MAX_COLUMNS = 4
SHOWN_RECENT = 6


class Thumbnail(QWidget):
    """The small picture on a card."""

    def __init__(self, state: ViewState, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._state = state
        self._draw = thumbnails.drawing(name)
        self.setFixedHeight(90)
        state.theme_changed.connect(self.update)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens(self._state.theme)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.surface_raised)
        painter.drawRoundedRect(QRectF(self.rect()), 5, 5)
        self._draw(painter, QRectF(self.rect()).adjusted(12, 10, -12, -10), t)
        painter.end()


class CardText(QWidget):
    """Title in one line, and as many lines of the summary as there is room for; what is cut ends in "…"."""

    def __init__(self, title: str, summary: str, state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        self._title, self._summary, self._state = title, summary, state
        state.theme_changed.connect(self.update)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens(self._state.theme)
        painter = QPainter(self)
        area = self.rect().adjusted(4, 4, -4, 0)
        painter.setFont(t.font(bold=True))
        painter.setPen(t.text)
        metrics = painter.fontMetrics()
        title = metrics.elidedText(_(self._title), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, title)
        top = metrics.lineSpacing() + 3
        painter.setFont(t.font(t.small_size))
        painter.setPen(t.text_muted)
        spacing = painter.fontMetrics().lineSpacing()
        lines = wrapped(_(self._summary), painter.fontMetrics(), area.width(), (area.height() - top) // spacing)
        for number, line in enumerate(lines):
            painter.drawText(area.left(), area.top() + top + number * spacing + painter.fontMetrics().ascent(), line)
        painter.end()


def wrapped(text: str, metrics: QFontMetrics, width: int, n_lines: int) -> list[str]:
    """A text broken into at most `n_lines` lines; the last one is elided."""
    lines: list[str] = []
    rest = pieces(text)
    while rest and len(lines) < n_lines:
        line = rest.pop(0).lstrip()
        while rest and metrics.horizontalAdvance((line + rest[0]).rstrip()) <= width:
            line += rest.pop(0)
        if rest and len(lines) == n_lines - 1:
            line = "".join([line, *rest])
        if line:
            lines.append(metrics.elidedText(line.rstrip(), Qt.TextElideMode.ElideRight, width))
    return lines


class Card(QFrame):
    """One sample. Click, Enter or Space opens it.

    Signals:
        chosen(str): the sample with this name is wanted
    """

    chosen = Signal(str)

    def __init__(self, name: str, title: str, summary: str, state: ViewState, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.name = name
        say(self.setAccessibleName, title)
        say(self.setAccessibleDescription, summary)
        self.setFixedSize(CARD)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(4)
        layout.addWidget(Thumbnail(state, name, self))
        layout.addWidget(CardText(title, summary, state, self), 1)
        say(self.setToolTip, summary)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.name)
        else:
            super().keyPressEvent(event)


class StartPage(QScrollArea):
    """Shown while nothing is open.

    Signals:
        sample_requested(str): open a copy of the sample with this name
        path_requested(str): open this file
        new_requested: an empty program
        open_requested: the file dialog
    """

    sample_requested = Signal(str)
    path_requested = Signal(str)
    new_requested = Signal()
    open_requested = Signal()

    def __init__(self, state: ViewState, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("start_page")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._state = state
        self._settings = settings
        self._cards: list[Card] = []
        self._columns = 0
        page = QWidget(self)
        page.setProperty("surface", True)
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        outer = QHBoxLayout(page)
        outer.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        outer.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(0)
        outer.addLayout(column)
        outer.addStretch(1)
        column.addLayout(self._header(page))
        column.addSpacing(28)
        body = QHBoxLayout()
        body.setSpacing(MARGIN)
        body.addLayout(self._side(page))
        body.addLayout(self._samples(page))
        column.addLayout(body)
        column.addStretch(1)
        self.setWidget(page)

    def _header(self, page: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(16)
        logo = QLabel(page)
        logo.setPixmap(QIcon(resources.icon_file()).pixmap(QSize(56, 56), self.devicePixelRatioF()))
        logo.setFixedSize(56, 56)
        words = QVBoxLayout()
        words.setSpacing(2)
        title = QLabel("GraphLab", page)
        title.setStyleSheet("font-size: 22pt; font-weight: 600;")
        line = QLabel(page)
        say(line.setText, N_("See what PyTorch-style code computes: every tensor, every gradient, step by step"))
        line.setProperty("muted", True)
        words.addWidget(title)
        words.addWidget(line)
        row.addWidget(logo)
        row.addLayout(words, 1)
        return row

    def _side(self, page: QWidget) -> QVBoxLayout:
        side = QVBoxLayout()
        side.setSpacing(6)
        side.addWidget(_section(N_("Begin"), page))
        new = QPushButton(page)
        say(new.setText, N_("New program"))
        new.setProperty("primary", True)
        new.clicked.connect(self.new_requested)
        choose = QPushButton(page)
        say(choose.setText, N_("Open…"))
        choose.clicked.connect(self.open_requested)
        for button in (new, choose):
            button.setFixedWidth(SIDE)
            side.addWidget(button)
        side.addSpacing(20)
        self._recent_title = _section(N_("Recent"), page)
        side.addWidget(self._recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        side.addLayout(self._recent)
        side.addSpacing(20)
        tip = QLabel(page)
        say(tip.setText, N_("A program or a saved trace can also be dropped anywhere on this window."))
        tip.setProperty("muted", True)
        tip.setWordWrap(True)
        tip.setFixedWidth(SIDE)
        side.addWidget(tip)
        side.addStretch(1)
        return side

    def _samples(self, page: QWidget) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(_section(N_("Samples"), page))
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        column.addLayout(self._grid)
        column.addStretch(1)
        return column

    def refresh(self) -> None:
        """Show the samples and the recent files as they are now."""
        from graphlab.session.samples import samples

        if not self._cards:
            for sample in samples():
                card = Card(sample.name, sample.title, sample.summary, self._state, self.widget())
                card.chosen.connect(self.sample_requested)
                self._cards.append(card)
            self._arrange(force=True)
        while (item := self._recent.takeAt(0)) is not None:
            item.widget().deleteLater()
        paths = [path for path in self._settings.recent_files if Path(path).exists()][:SHOWN_RECENT]
        self._recent_title.setVisible(bool(paths))
        for path in paths:
            button = QPushButton(Path(path).name, self.widget())
            button.setProperty("flat", True)
            button.setStyleSheet("text-align: left; padding: 4px 8px;")
            button.setToolTip(path)
            button.setFixedWidth(SIDE)
            button.clicked.connect(lambda _checked=False, path=path: self.path_requested.emit(path))
            self._recent.addWidget(button)

    @property
    def cards(self) -> list[Card]:
        """The cards of the samples."""
        return list(self._cards)

    def _arrange(self, force: bool = False) -> None:
        width = self.viewport().width() - 3 * MARGIN - SIDE
        columns = max(1, min(MAX_COLUMNS, (width + GAP) // (CARD.width() + GAP)))
        if columns == self._columns and not force:
            return
        self._columns = columns
        for number, card in enumerate(self._cards):
            self._grid.addWidget(card, number // columns, number % columns)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._arrange()


def _section(text: str, parent: QWidget) -> QLabel:
    label = QLabel(parent)
    say(label.setText, text)
    label.setProperty("section", True)
    return label
