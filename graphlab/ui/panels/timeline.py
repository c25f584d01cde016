"""The scrubber: every event of the run on one strip, forward steps rising, backward steps hanging below the line.

Position is the second signal beside the colour: forward above the middle, backward below it, updates on both sides.
Where many events share a pixel they are counted per pixel with NumPy, so that the cost depends on the width alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from graphlab.i18n import N_, _
from graphlab.ui.canvas.phases import LABELS, PHASE_OF_KIND, Phase, kind_of
from graphlab.ui.language import again, say
from graphlab.ui.painting import guarded
from graphlab.ui.panels.narration import sentence
from graphlab.ui.theme import Tokens, tokens

if TYPE_CHECKING:
    import numpy.typing as npt

    from graphlab.ui.state import ViewState

MARGIN = 12
LABEL_ROW = 15  # height of the row of iteration numbers
KNOB = 4.5  # radius of the playhead's knob, below the numbers
MARK_ROW = 7  # height of the row of print and warning marks
MIN_LABEL_GAP = 38


class Timeline(QWidget):
    """All events of the shown trace. Click and drag seek; Ctrl+wheel zooms; arrows step, Page keys go by iteration."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        say(self.setAccessibleName, N_("Timeline"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(60)
        self._state = state
        self._n = 0  # events taken over from the trace
        self._phases: npt.NDArray[np.uint8] = np.empty(256, np.uint8)
        self._counts: npt.NDArray[np.int32] = np.zeros((257, len(Phase)), np.int32)  # [i, p]: those before event i
        self._first, self._last = 0.0, 1.0  # the shown stretch, in events
        self._hover = -1
        self._strip: QImage | None = None  # the bars; the playhead is painted over it
        state.trace_changed.connect(self._start_over)
        state.trace_grown.connect(self._take_new_events)
        state.event_changed.connect(self._show_event)
        state.section_changed.connect(self._repaint_all)
        state.theme_changed.connect(self._repaint_all)
        self._start_over()
        again(self._say_all)

    # What is shown

    def _start_over(self) -> None:
        self._n = 0
        self._first, self._last = 0.0, 1.0
        self._take_new_events()

    def _take_new_events(self) -> None:
        trace = self._state.trace
        events = trace.events if trace is not None else []
        was_full = self._first <= 0 and self._last >= self._n
        if len(events) > self._n:
            self._append([kind_of(event) for event in events[self._n :]])
        if was_full:
            self._first, self._last = 0.0, float(max(1, self._n))
        self._show_event(self._state.event)
        self._repaint_all()

    def _append(self, kinds: list[int]) -> None:
        start, end = self._n, self._n + len(kinds)
        if end > len(self._phases):
            size = max(end, 2 * len(self._phases))
            self._phases = np.resize(self._phases, size)
            counts = np.zeros((size + 1, len(Phase)), np.int32)
            counts[: start + 1] = self._counts[: start + 1]
            self._counts = counts
        index = np.asarray(kinds, np.int64)
        new = np.where(index < len(PHASE_OF_KIND), PHASE_OF_KIND[np.minimum(index, len(PHASE_OF_KIND) - 1)], Phase.NOTE)
        self._phases[start:end] = new
        steps = np.zeros((len(kinds), len(Phase)), np.int32)
        steps[np.arange(len(kinds)), new] = 1
        self._counts[start + 1 : end + 1] = self._counts[start] + np.cumsum(steps, axis=0, dtype=np.int32)
        self._n = end

    def _show_event(self, event: int) -> None:
        if event >= 0 and not self._first <= event < self._last:
            self._scroll_to(event)
        self.setAccessibleDescription(
            _("Step {step} of {total}").format(step=event + 1, total=self._n) if event >= 0 else ""
        )
        self.update()

    def _say_all(self) -> None:
        self._show_event(self._state.event)
        self._repaint_all()

    def _scroll_to(self, event: int) -> None:
        span = self._last - self._first
        self._set_range(event - span / 2, span)

    def _set_range(self, first: float, span: float) -> None:
        total = float(max(1, self._n))
        span = min(max(span, min(total, 8.0)), total)
        self._first = min(max(first, 0.0), total - span)
        self._last = self._first + span
        self._repaint_all()

    def _repaint_all(self) -> None:
        self._strip = None
        self.update()

    @property
    def shown_range(self) -> tuple[float, float]:
        """The first event shown and the end of the last one."""
        return self._first, self._last

    # Places

    def x_of(self, event: int) -> float:
        """Where the middle of an event lies, in widget coordinates."""
        return MARGIN + (event + 0.5 - self._first) * self._scale()

    def event_at(self, x: float) -> int:
        """The event at a place, -1 where there is none at all."""
        if not self._n:
            return -1
        return int(np.clip(np.floor(self._first + (x - MARGIN) / self._scale()), 0, self._n - 1))

    def _scale(self) -> float:
        return max(1.0, self.width() - 2 * MARGIN) / (self._last - self._first)

    # Mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._state.seek(self.event_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self.event_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._state.seek(hover)
        if hover != self._hover:
            self._hover = hover
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._set_range(0.0, float(self._n))

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        span = self._last - self._first
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            place = self._first + (event.position().x() - MARGIN) / self._scale()
            new_span = span * 0.8 ** (delta / 120)
            share = (place - self._first) / span
            self._set_range(place - share * min(max(new_span, 8.0), float(max(1, self._n))), new_span)
        else:
            self._set_range(self._first - delta / 120 * span * 0.12, span)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self._state.event
        key = event.key()
        target = {
            Qt.Key.Key_Left: current - 1,
            Qt.Key.Key_Right: current + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: self._n - 1,
        }.get(Qt.Key(key))
        if key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            target = self._other_section(-1 if key == Qt.Key.Key_PageUp else 1)
        if target is None:
            super().keyPressEvent(event)
        else:
            self._state.seek(target)

    def _other_section(self, step: int) -> int:
        """The same place in the section before or after."""
        trace, event, section = self._state.trace, self._state.event, self._state.section
        if trace is None or section < 0 or not 0 <= section + step < len(trace.sections):
            return 0 if step < 0 else self._n - 1
        place = event - trace.sections[section].first
        other = trace.sections[section + step]
        return min(other.first + place, max(other.first, min(other.end, self._n) - 1))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.event_at(event.pos().x())
            if index >= 0:
                QToolTip.showText(event.globalPos(), self.tip(index), self)
            return True
        return super().event(event)

    def tip(self, index: int) -> str:
        """What the tooltip says of an event."""
        trace = self._state.trace
        if trace is None or not 0 <= index < len(trace.events):
            return ""
        phase = _(LABELS[Phase(int(self._phases[index]))]) if index < self._n else ""
        head = _("Step {step} · {phase}").format(step=index + 1, phase=phase)
        return f"{head}\n{sentence(trace, index)}"

    # Painting

    def sizeHint(self) -> QSize:
        return QSize(600, 60)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 60)

    def resizeEvent(self, event: QEvent) -> None:
        self._strip = None

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        t = tokens(self._state.theme)
        painter = QPainter(self)
        if self._strip is None or self._strip.devicePixelRatio() != self.devicePixelRatioF():
            self._strip = self._draw_strip(t)
        painter.drawImage(0, 0, self._strip)
        if self._n:
            self._paint_playhead(painter, t)

    def _draw_strip(self, t: Tokens) -> QImage:
        ratio = self.devicePixelRatioF()
        image = QImage(self.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(t.surface)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strip = self._strip_rect()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.canvas if t.is_dark else t.background)
        painter.drawRoundedRect(strip.adjusted(-4, 0, 4, 0), 5, 5)
        if not self._n:
            painter.setPen(t.text_muted)
            painter.setFont(t.font(t.small_size))
            painter.drawText(strip, Qt.AlignmentFlag.AlignCenter, _("The steps of a run appear here"))
        else:
            self._paint_sections(painter, t, strip)
            if self._scale() >= 3:
                self._paint_single(painter, t, strip)
            else:
                self._paint_counted(painter, t, strip, ratio)
            self._paint_marks(painter, t, strip)
        painter.end()
        return image

    def _strip_rect(self) -> QRectF:
        return QRectF(MARGIN, LABEL_ROW + 3, self.width() - 2 * MARGIN, self.height() - LABEL_ROW - MARK_ROW - 5)

    def _paint_sections(self, painter: QPainter, t: Tokens, strip: QRectF) -> None:
        trace = self._state.trace
        sections = trace.sections if trace is not None else []
        if not sections:
            return
        starts = np.array([section.first for section in sections], float)
        visible = np.flatnonzero((starts < self._last) & (np.append(starts[1:], self._n) > self._first))
        xs = MARGIN + (starts - self._first) * self._scale()
        painter.setFont(t.font(t.small_size - 1))
        height = painter.fontMetrics().ascent()
        label_end = line_end = -1e9
        for i in visible.tolist():
            x = max(float(xs[i]), strip.left())
            section = sections[i]
            if xs[i] > strip.left() + 1 and x - line_end >= 5:
                painter.setPen(QPen(t.border_strong, 1))
                painter.drawLine(QPointF(round(x) + 0.5, LABEL_ROW - 2), QPointF(round(x) + 0.5, strip.bottom() + 2))
                line_end = x
            if x < label_end:
                continue
            text = self._section_label(section.kind, section.iteration)
            end = float(xs[i + 1]) if i + 1 < len(sections) else strip.right()
            room = painter.fontMetrics().horizontalAdvance(text) + 8
            if room > end - x and section.kind != "iteration":
                continue
            painter.setPen(t.text_muted if i != self._state.section else t.text)
            painter.drawText(QPointF(x + 3, height + 1), text)
            label_end = max(x + MIN_LABEL_GAP, x + room)

    def _section_label(self, kind: str, iteration: int) -> str:
        if kind == "iteration":
            return str(iteration + 1)
        return _("setup") if kind == "setup" else _("after")

    def _colors(self, t: Tokens) -> list[QColor]:
        return [t.border_strong, t.forward, t.backward, t.update, t.hint, t.failed]

    def _paint_single(self, painter: QPainter, t: Tokens, strip: QRectF) -> None:
        """One bar an event."""
        scale, middle = self._scale(), strip.center().y()
        gap = 1.0 if scale >= 4 else 0.5
        first, last = int(self._first), min(self._n, int(np.ceil(self._last)))
        colors = self._colors(t)
        reach = strip.height() / 2 - 3
        extents = {  # above and below the middle, as shares
            Phase.DATA: (0.3, 0.3), Phase.FORWARD: (1.0, -0.08), Phase.BACKWARD: (-0.08, 1.0),
            Phase.UPDATE: (0.6, 0.6), Phase.NOTE: (0.12, 0.12), Phase.ERROR: (1.1, 1.1),
        }  # fmt: skip
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setClipRect(strip.adjusted(-1, -2, 1, 2))
        for i, phase in enumerate(self._phases[first:last].tolist(), first):
            above, below = extents[Phase(phase)]
            x = MARGIN + (i - self._first) * scale
            painter.setBrush(colors[phase])
            bar = QRectF(x + gap / 2, middle - above * reach, max(1.0, scale - gap), (above + below) * reach)
            radius = min(2.5, bar.width() / 3)
            painter.drawRoundedRect(bar, radius, radius)
        painter.setClipping(False)

    def _paint_counted(self, painter: QPainter, t: Tokens, strip: QRectF, ratio: float) -> None:
        """Several events a pixel: each column shows how much of it is forward (up), backward (down) and update."""
        width = max(1, int(strip.width() * ratio))
        height = max(8, int((strip.height() - 6) * ratio))
        places = np.linspace(self._first, min(self._last, self._n), width + 1)
        edges = np.clip(np.floor(places), 0, self._n).astype(np.int64)
        ends = np.maximum(edges[1:], np.minimum(edges[:-1] + 1, self._n))
        counts = (self._counts[ends] - self._counts[edges[:-1]]).astype(np.float64)
        total = np.maximum(1.0, counts.sum(axis=1))
        share = counts / total[:, None]
        half = height / 2
        rows = np.arange(height)[:, None] - half + 0.5  # negative above the middle
        # A floor keeps a phase visible that has a small share of its pixel.
        up = np.where(share[:, Phase.FORWARD] > 0, 0.25 + 0.75 * share[:, Phase.FORWARD], 0) * half
        down = np.where(share[:, Phase.BACKWARD] > 0, 0.25 + 0.75 * share[:, Phase.BACKWARD], 0) * half
        both = np.where(share[:, Phase.UPDATE] > 0, 0.15 + 0.6 * share[:, Phase.UPDATE], 0) * half
        quiet = np.where(share[:, Phase.DATA] + share[:, Phase.NOTE] > 0, 0.12, 0) * half
        pixels = np.zeros((height, width, 4), np.uint8)
        colors = [np.array([c.blue(), c.green(), c.red(), 255], np.uint8) for c in self._colors(t)]
        pixels[np.abs(rows) <= quiet] = colors[Phase.DATA]
        pixels[(rows < 0) & (-rows <= up)] = colors[Phase.FORWARD]
        pixels[(rows > 0) & (rows <= down)] = colors[Phase.BACKWARD]
        pixels[np.abs(rows) <= both] = colors[Phase.UPDATE]
        pixels[:, counts[:, Phase.ERROR] > 0] = colors[Phase.ERROR]
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
        used = QRectF(strip.left(), strip.top() + 3, strip.width(), strip.height() - 6)
        painter.drawImage(used, image)

    def _paint_marks(self, painter: QPainter, t: Tokens, strip: QRectF) -> None:
        """Small marks below the strip: printed text, warnings, errors."""
        first, last = int(self._first), min(self._n, int(np.ceil(self._last)))
        phases = self._phases[first:last]
        y = strip.bottom() + MARK_ROW / 2 + 1
        painter.setPen(Qt.PenStyle.NoPen)
        for phase, color in ((Phase.NOTE, t.hint), (Phase.ERROR, t.failed)):
            xs = MARGIN + (np.flatnonzero(phases == phase) + first + 0.5 - self._first) * self._scale()
            for x in np.unique(np.round(xs / 3) * 3).tolist() if len(xs) > 50 else xs.tolist():
                painter.setBrush(color)
                if phase == Phase.ERROR:
                    painter.drawPolygon([QPointF(x, y - 3.5), QPointF(x + 3.8, y + 3), QPointF(x - 3.8, y + 3)])
                else:
                    painter.drawEllipse(QPointF(x, y), 1.6, 1.6)

    def _paint_playhead(self, painter: QPainter, t: Tokens) -> None:
        strip = self._strip_rect()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if 0 <= self._hover < self._n:
            x = self.x_of(self._hover)
            painter.setPen(QPen(t.border_strong, 1))
            painter.drawLine(QPointF(x, strip.top()), QPointF(x, strip.bottom()))
        event = self._state.event
        if event < 0:
            return
        x = self.x_of(event)
        scale = self._scale()
        if scale >= 6:
            painter.setPen(QPen(t.current, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(x - scale / 2, strip.top() + 0.5, scale, strip.height() - 1), 3, 3)
        painter.setPen(QPen(t.text, 1.6))
        painter.drawLine(QPointF(x, LABEL_ROW + 1), QPointF(x, strip.bottom() + 1))
        painter.setPen(QPen(t.surface, 1.5))
        painter.setBrush(t.text)
        painter.drawEllipse(QPointF(x, LABEL_ROW + 1), KNOB, KNOB)
        if self.hasFocus():
            painter.setPen(QPen(t.accent, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, LABEL_ROW + 1), KNOB + 2.5, KNOB + 2.5)
