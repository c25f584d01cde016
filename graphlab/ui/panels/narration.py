"""One sentence about the current step, large, at a fixed place and height so that stepping never makes it jump."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QResizeEvent, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from graphlab.i18n import N_, _, pieces
from graphlab.ui.canvas.phases import GLYPHS, LABELS, Phase, phase_of
from graphlab.ui.language import again, say
from graphlab.ui.painting import guarded
from graphlab.ui.theme import Tokens, tokens

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader
    from graphlab.ui.state import ViewState


def sentence(trace: TraceReader, event: int) -> str:
    """What `explain` says of an event."""
    from graphlab.explain import narrate  # not at the top: the first picture doesn't wait for the catalogue

    return narrate(trace, event)


class Narration(QWidget):
    """The phase, the number and the sentence of the current step."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("narration")
        say(self.setAccessibleName, N_("Narration"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._state = state
        self._plain = self._shown = ""
        self._badge = _Badge(self)
        self._place = QLabel(self)
        self._sentence = QLabel(self)
        self._sentence.setWordWrap(True)
        self._sentence.setTextFormat(Qt.TextFormat.RichText)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._sentence.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._sentence.setMinimumWidth(80)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._badge)
        top.addWidget(self._place)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 6)
        layout.setSpacing(5)
        layout.addLayout(top)
        layout.addWidget(self._sentence, 1)
        state.trace_changed.connect(self._show)
        state.trace_grown.connect(self._show_place)
        state.event_changed.connect(self._show)
        state.theme_changed.connect(self._dress)
        state.run_state_changed.connect(self._show)
        again(self._dress)

    def text(self) -> str:
        """The sentence as plain text, without emphasis."""
        return self._plain

    def shown_text(self) -> str:
        """What is seen of the sentence: all of it, or its beginning and "…"."""
        return self._shown

    def place(self) -> str:
        """Where in the run the step is: "step 12 of 340 · forward · line 14"."""
        return self._place.text()

    def _dress(self) -> None:
        t = tokens(self._state.theme)
        self._place.setFont(t.font(t.small_size))
        self._place.setStyleSheet(f"color: {t.text_muted.name()}; background: transparent;")
        font = t.font(t.ui_size + 3)
        self._sentence.setFont(font)
        # Two large lines, or three small ones of a sentence that names much.
        lines = max(2 * QFontMetrics(font).lineSpacing() + 6, 3 * QFontMetrics(t.font()).lineSpacing() + 3)
        self._sentence.setFixedHeight(lines)
        self.setFixedHeight(lines + 8 + 6 + 5 + max(20, self._place.sizeHint().height()))
        self._show()

    def _show(self) -> None:
        t = tokens(self._state.theme)
        trace, event = self._state.trace, self._state.event
        if trace is None or not 0 <= event < len(trace.events):
            self._plain = (
                _("Press Run, then step through the program: each step is told here in one sentence")
                if self._state.run_state == "idle"
                else _("Running…")
            )
            self._badge.setVisible(False)
            self._place.setText("")
            self._shown = self._plain
            self._sentence.setStyleSheet(f"background: transparent; font-size: {t.ui_size + 3}pt;")
            self._sentence.setText(f'<span style="color:{t.text_muted.name()}">{html.escape(self._plain)}</span>')
            return
        record = trace.events[event]
        phase = phase_of(record)
        self._badge.setVisible(True)
        self._badge.show_phase(phase, t)
        self._show_place()
        self._plain = sentence(trace, event)
        self._sentence.setToolTip(self._plain)
        self.setAccessibleDescription(self._plain)
        self._fit()

    def _fit(self) -> None:
        """Show the sentence in the largest of a few sizes in which it has room, cut off when it has none in any."""
        t = tokens(self._state.theme)
        trace, event = self._state.trace, self._state.event
        if trace is None or not 0 <= event < len(trace.events):
            return
        names, color = named_tensors(trace, event), phase_color(t, phase_of(trace.events[event])).name()
        width, height = self._sentence.width(), self._sentence.height()
        shown, size = self._plain, t.ui_size + 3
        while size > t.ui_size and not _has_room(shown, names, color, t.font(size), width, height):
            size -= 1
        if not _has_room(shown, names, color, t.font(size), width, height):
            words = pieces(self._plain)
            low, high = 1, len(words)  # words that fit, words that don't
            while high - low > 1:
                middle = (low + high) // 2
                if _has_room(_cut(words, middle), names, color, t.font(size), width, height):
                    low = middle
                else:
                    high = middle
            shown = _cut(words, low)
        self._shown = shown
        self._sentence.setStyleSheet(f"color: {t.text.name()}; background: transparent; font-size: {size}pt;")
        self._sentence.setText(emphasised(shown, names, color))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _show_place(self) -> None:
        trace, event = self._state.trace, self._state.event
        if trace is None or not 0 <= event < len(trace.events):
            return
        record = trace.events[event]
        line = trace.spans[record.span].line if 0 <= record.span < len(trace.spans) else 0
        values = {
            "step": event + 1,
            "total": len(trace.events),
            "phase": _(LABELS[phase_of(record)]),
            "line": line,
        }
        template = (
            _("step {step} of {total} · {phase} · line {line}") if line else _("step {step} of {total} · {phase}")
        )
        self._place.setText(template.format(**values))

    def sizeHint(self) -> QSize:
        return QSize(500, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.height())  # the same for every sentence, or each step would lay out the whole window

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens(self._state.theme)
        painter = QPainter(self)
        painter.fillRect(self.rect(), t.surface)


def _has_room(text: str, names: set[str], color: str, font: QFont, width: int, height: int) -> bool:
    document = QTextDocument()
    document.setDefaultFont(font)
    document.setDocumentMargin(0)
    document.setHtml(emphasised(text, names, color))
    document.setTextWidth(width)
    return document.size().height() <= height


def _cut(words: list[str], n: int) -> str:
    return "".join(words[:n]).rstrip(" ,.;:，。；：、") + " …"


def named_tensors(trace: TraceReader, event: int) -> set[str]:
    """Names of the tensors that a sentence about an event may speak of: its own, and those whose gradients they are."""
    record = trace.events[event]
    related = [*record.inputs, *record.outputs]
    if 0 <= record.forward < len(trace.events):
        forward = trace.events[record.forward]
        related += [*forward.inputs, *forward.outputs]
    known = [trace.tensors[i] for i in related if 0 <= i < len(trace.tensors)]
    known += [trace.tensors[tensor.of] for tensor in known if tensor.of >= 0]
    return {tensor.name for tensor in known if tensor.name}


def emphasised(text: str, names: set[str], color: str) -> str:
    """The sentence as rich text with the names of tensors in bold and their phase's colour."""
    wanted = sorted((name for name in names if name), key=len, reverse=True)
    if not wanted:
        return html.escape(text)
    pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, wanted)) + r")(?!\w)")
    parts = pattern.split(text)  # odd places are the names
    return "".join(
        f'<b style="color:{color}">{html.escape(part)}</b>' if i % 2 else html.escape(part)
        for i, part in enumerate(parts)
    )


def phase_color(t: Tokens, phase: Phase) -> QColor:
    """The colour of a phase's lines and texts."""
    return (t.text_muted, t.forward, t.backward, t.update, t.hint, t.failed)[phase]


def phase_fill(t: Tokens, phase: Phase) -> QColor:
    """The soft fill of a phase, under normal text."""
    return (t.hover, t.forward_soft, t.backward_soft, t.update_soft, t.accent_soft, t.failed_soft)[phase]


class _Badge(QLabel):
    """A phase as a small coloured label with its sign."""

    def show_phase(self, phase: Phase, t: Tokens) -> None:
        self.setFont(t.font(t.small_size, bold=True))
        self.setText(f"{GLYPHS[phase]}  {_(LABELS[phase])}")
        self.setStyleSheet(
            f"color: {phase_color(t, phase).name()}; background: {phase_fill(t, phase).name()};"
            "border-radius: 9px; padding: 2px 10px;"
        )
