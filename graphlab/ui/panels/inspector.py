"""What the selected node is, computes and holds: formula, shape, value, gradient, and the chain rule in numbers."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, TensorKind, Value, ValueForm
from graphlab.ui.icons import icon
from graphlab.ui.language import again, say
from graphlab.ui.panels.value_view import PageChoice, ValueView
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader
    from graphlab.ui.panels.softmax_picture import SoftmaxPicture
    from graphlab.ui.state import ViewState

_KINDS = {
    TensorKind.LEAF: N_("tensor"),
    TensorKind.PARAMETER: N_("parameter"),
    TensorKind.BUFFER: N_("buffer"),
    TensorKind.INTERMEDIATE: N_("result"),
    TensorKind.GRADIENT: N_("gradient"),
    TensorKind.LEAF_GRAD: N_("gradient"),
}
_STEPS = {
    EventKind.CREATE: N_("created"),
    EventKind.FORWARD: N_("operator"),
    EventKind.BACKWARD: N_("backward of an operator"),
    EventKind.ACCUMULATE: N_("gradients added"),
    EventKind.UPDATE: N_("optimizer step"),
    EventKind.INPLACE: N_("in-place operator"),
    EventKind.PRINT: N_("print"),
    EventKind.WARNING: N_("warning"),
    EventKind.ERROR: N_("error"),
}
_MAX_VIEWS = 5
_MAX_NAMED = 3
"""Results that the title names one by one."""


@dataclass(frozen=True)
class Part:
    """One array of the inspector: its title, its phase, its value (None: `note` says why there is none)."""

    title: str
    role: str
    value: Value | None
    note: str = ""


def tensor_name(trace: TraceReader, tensor: int) -> str:
    """The tensor's name; for gradients "grad of w"; as on the graph "(relu)" when the program gave it none."""
    from graphlab.analysis.memory import name_of

    record = trace.tensors[tensor]
    if record.name:
        return record.name
    if record.of >= 0:
        return _("grad of {name}").format(name=tensor_name(trace, record.of))
    return f"({name_of(trace, tensor)})"


def tensor_parts(trace: TraceReader, tensor: int, event: int) -> list[Part]:
    """Value and gradient of a tensor as they are at `event`."""
    from graphlab.analysis.index import index_of
    from graphlab.analysis.values import gradient_at, value_at

    record = trace.tensors[tensor]
    name = tensor_name(trace, tensor)
    made_at = index_of(trace).made_at.get(tensor, -1)
    missing = missing_note(trace, tensor, made_at) if 0 <= made_at <= event else _("Not computed yet at this step")
    if record.of >= 0:
        return [Part(_("Value of {name}").format(name=name), "backward", value_at(trace, tensor, event), missing)]
    parts = [Part(_("Value of {name}").format(name=name), "forward", value_at(trace, tensor, event), missing)]
    if record.requires_grad:
        note = _("No gradient yet: the backward pass has not reached it at this step")
        parts.append(
            Part(_("Gradient of {name}").format(name=name), "backward", gradient_at(trace, tensor, event), note)
        )
    elif record.kind == TensorKind.LEAF:
        note = _("It needs none: requires_grad is False")
        parts.append(Part(_("Gradient of {name}").format(name=name), "backward", None, note))
    return parts


def event_parts(trace: TraceReader, event: Event, now: int) -> list[Part]:
    """What a step took and made, as it is at event `now`."""
    from graphlab.analysis.values import value_at

    if event.kind in (EventKind.BACKWARD, EventKind.ACCUMULATE):
        parts = [
            Part(
                _("In: {name}").format(name=tensor_name(trace, i)),
                "backward",
                value_at(trace, i, event.id),
                missing_note(trace, i, event.id),
            )
            for i in event.inputs
            if i >= 0
        ]
        parts += [
            Part(
                _("Out: {name}").format(name=tensor_name(trace, i)),
                "backward",
                _own_value(trace, event, place),
                missing_note(trace, i, event.id),
            )
            for place, i in enumerate(event.outputs)
            if i >= 0
        ]
        return parts
    if event.kind == EventKind.UPDATE:
        param = event.outputs[0]
        name = tensor_name(trace, param)
        before = value_at(trace, param, event.id - 1)
        missing = missing_note(trace, param, event.id)
        parts = [Part(_("{name} before").format(name=name), "forward", before, missing)]
        if len(event.inputs) > 1 and event.inputs[1] >= 0:
            grad = value_at(trace, event.inputs[1], event.id)
            parts.append(Part(_("Gradient of {name}").format(name=name), "backward", grad, missing))
        parts.append(Part(_("{name} after").format(name=name), "update", _own_value(trace, event, 0), missing))
        return parts
    if event.kind == EventKind.ERROR:
        return [
            Part(
                _("Value of {name}").format(name=tensor_name(trace, i)),
                "forward",
                value_at(trace, i, event.id),
                missing_note(trace, i, event.id),
            )
            for i in event.inputs
            if i >= 0
        ]
    return [part for tensor in event.outputs if tensor >= 0 for part in tensor_parts(trace, tensor, max(now, event.id))]


def _own_value(trace: TraceReader, event: Event, place: int) -> Value | None:
    value = event.values[place] if place < len(event.values) else -1
    return trace.values[value] if value >= 0 else None


def missing_note(trace: TraceReader, tensor: int, event: int) -> str:
    """Why the trace holds no numbers of a tensor at an event."""
    from graphlab.analysis.sections import section_at, section_of

    record = trace.tensors[tensor]
    section = section_at(trace, section_of(trace, event))
    if section is not None and not section.detailed:
        return _("This iteration was thinned out to save space: its numbers were not kept")
    if record.device.startswith("cuda"):
        return _("A tensor on the simulated GPU takes up memory there, but is too large for numbers to be computed")
    return _("It was given no numbers: only its shape is known")


class Inspector(QWidget):
    """Follows the current step; a selected node is shown instead, and a pinned one stays while stepping.

    Signals:
        source_requested(int): the user wants to see this line of the program
        gradient_path_requested(int): light the way of the gradient to this tensor, or to where it ends
    """

    source_requested = Signal(int)
    gradient_path_requested = Signal(int)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector")
        say(self.setAccessibleName, N_("Inspector"))
        self._state = state
        self._subject: tuple[str, int] = ("", -1)  # ("tensor" or "event", id)
        self._views: list[ValueView] = []
        self._chip = QLabel(self)
        self._name = QLabel(self)
        self._name.setWordWrap(True)
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts = QLabel(self)
        self._facts.setWordWrap(True)
        self._facts.setTextFormat(Qt.TextFormat.RichText)
        self._facts.linkActivated.connect(lambda line: self.source_requested.emit(int(line)))
        self._formula = QLabel(self)
        self._formula.setWordWrap(True)
        self._formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._pin = QToolButton(self)
        self._pin.setCheckable(True)
        self._pin.setAutoRaise(True)
        say(self._pin.setToolTip, N_("Keep showing this while stepping"))
        say(self._pin.setAccessibleName, N_("Pin"))
        self._pin.toggled.connect(self._pinned)
        self._chain = QLabel(self)
        self._chain.setWordWrap(True)
        self._chain.setTextFormat(Qt.TextFormat.RichText)
        self._chain.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._path = QPushButton(self)
        self._path.setObjectName("gradient_path")
        self._path.clicked.connect(self._ask_for_path)
        self._path_tensor = -1
        self._sums: SoftmaxPicture | None = None
        self._choice = PageChoice(self)
        self._choice.page_chosen.connect(self._choose_page)
        self._empty = QLabel(self)
        say(self._empty.setText, N_("Select a node of the graph, or step, to see its formula, value and gradient"))
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        head = QHBoxLayout()
        head.addWidget(self._chip)
        head.addStretch(1)
        head.addWidget(self._pin)
        self._page = QWidget(self)
        self._body = QVBoxLayout(self._page)
        self._body.setContentsMargins(14, 10, 14, 14)
        self._body.setSpacing(10)
        self._body.addLayout(head)
        for widget in (self._name, self._facts, self._formula):
            self._body.addWidget(widget)
        self._body.addWidget(self._path, 0, Qt.AlignmentFlag.AlignLeft)
        self._sums_place = self._body.count()
        for widget in (self._chain, self._choice):
            self._body.addWidget(widget)
        self._body.addStretch(1)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        layout.addWidget(self._empty)
        self.setMinimumWidth(240)
        state.trace_changed.connect(self._forget)
        state.event_changed.connect(self._follow)
        state.tensor_selected.connect(self._take_tensor)
        state.node_selected.connect(self._take_node)
        state.theme_changed.connect(self._dress)
        again(self._dress)

    # What is shown, for tests and for whoever reads the screen

    def title(self) -> str:
        """The name of what is shown."""
        return self._name.text() if not self._scroll.isHidden() else ""

    def formula(self) -> str:
        """The formula of what is shown, "" when it has none."""
        return self._formula.text() if not self._formula.isHidden() else ""

    def chain(self) -> str:
        """The chain rule in numbers as rich text, "" when there is none."""
        return self._chain.text() if not self._chain.isHidden() else ""

    def views(self) -> list[ValueView]:
        """The shown arrays, in order."""
        return [view for view in self._views if not view.isHidden()]

    # What to show

    def _forget(self) -> None:
        self._pin.setChecked(False)
        self._subject = ("", -1)
        self._show()

    def _follow(self, event: int) -> None:
        if not self._pin.isChecked():
            self._subject = ("event", event)
        self._show()

    def _take_tensor(self, tensor: int) -> None:
        if tensor >= 0:
            self._subject = ("tensor", tensor)
            self._show()

    def _take_node(self, node: str) -> None:
        if node and self._state.node_event >= 0 and self._state.tensor < 0:
            self._subject = ("event", self._state.node_event)
            self._show()

    def _pinned(self, pinned: bool) -> None:
        if not pinned and self._state.event >= 0:
            self._follow(self._state.event)

    def _show(self) -> None:
        trace = self._state.trace
        kind, number = self._subject
        known = {"tensor": trace.tensors, "event": trace.events}.get(kind, []) if trace is not None else []
        if trace is None or not 0 <= number < len(known):
            self._scroll.hide()
            self._empty.show()
            return
        self._empty.hide()
        self._scroll.show()
        if kind == "tensor":
            self._show_tensor(trace, number)
        else:
            self._show_event(trace, trace.events[number])

    def _show_tensor(self, trace: TraceReader, tensor: int) -> None:
        record = trace.tensors[tensor]
        role = "backward" if record.of >= 0 else "forward"
        self._show_head(_(_KINDS[TensorKind(record.kind)]), role, tensor_name(trace, tensor))
        facts = ["×".join(map(str, record.shape)) or _("scalar"), record.dtype, record.device]
        if record.requires_grad:
            facts.append("requires_grad")
        self._facts.setText("  ·  ".join(facts))
        maker = self._maker(trace, tensor)
        self._show_formula(trace, maker)
        self._offer_path(trace, tensor)
        self._show_sums(trace, maker)
        self._show_chain(trace, None)
        self._show_parts(trace, tensor_parts(trace, tensor, max(self._state.event, 0)))

    def _show_event(self, trace: TraceReader, event: Event) -> None:
        role = {
            EventKind.BACKWARD: "backward",
            EventKind.ACCUMULATE: "backward",
            EventKind.UPDATE: "update",
            EventKind.ERROR: "failed",
        }.get(EventKind(event.kind), "forward")
        outputs = [tensor_name(trace, i) for i in event.outputs if i >= 0]
        every = f"{event.op} → {', '.join(outputs)}" if outputs and event.op else event.op or ", ".join(outputs)
        name = every
        if event.op and len(outputs) > _MAX_NAMED:
            name = _("{op} → {first} and {n} more").format(op=event.op, first=outputs[0], n=len(outputs) - 1)
        self._show_head(_(_STEPS[EventKind(event.kind)]), role, name or event.text, every if name != every else "")
        facts = []
        if event.module:
            facts.append(event.module)
        if 0 <= event.span < len(trace.spans):
            line = trace.spans[event.span].line
            link = tokens(self._state.theme).accent.name()
            place = _("line {line}").format(line=line)
            facts.append(f'<a style="color:{link}" href="{line}">{place}</a>')
        words = ""
        if event.kind == EventKind.WARNING:  # its parameters are for diagnoses; its words may not fit elsewhere
            words = f'<p style="color:{tokens(self._state.theme).text.name()}">{html.escape(event.text)}</p>'
        else:
            facts += [f"{key}={value}" for key, value in event.params.items()]
        self._facts.setText("  ·  ".join(facts) + words)
        self._show_formula(trace, event)
        self._offer_path(trace, next((tensor for tensor in event.outputs if tensor >= 0), -1))
        self._show_sums(trace, event)
        self._show_chain(trace, event)
        self._show_parts(trace, event_parts(trace, event, self._state.event))

    def _maker(self, trace: TraceReader, tensor: int) -> Event | None:
        """The event that made the tensor; None for what was only first seen in one, as parameters are."""
        from graphlab.analysis.index import index_of

        made = index_of(trace).made_at.get(tensor, -1)
        return trace.events[made] if made >= 0 and tensor in trace.events[made].outputs else None

    def _show_head(self, chip: str, role: str, name: str, tip: str = "") -> None:
        t = tokens(self._state.theme)
        soft = {"backward": t.backward_soft, "update": t.update_soft, "failed": t.failed_soft}.get(role, t.forward_soft)
        self._chip.setText(chip)
        self._chip.setStyleSheet(
            f"color: {t.phase(role).name()}; background: {soft.name()}; border-radius: 9px; padding: 2px 10px;"
        )
        self._name.setText(name)
        self._name.setToolTip(tip)

    def _show_formula(self, trace: TraceReader, event: Event | None) -> None:
        from graphlab.explain import formula

        text = formula(trace, event.id) if event is not None else ""
        self._formula.setText(text)
        self._formula.setVisible(bool(text))

    def _offer_path(self, trace: TraceReader, tensor: int) -> None:
        """A button that lights the gradient's path to a tensor, where there could be one."""
        from graphlab.analysis.values import gradient_at

        record = trace.tensors[tensor] if tensor >= 0 else None
        if record is not None and record.of >= 0:
            tensor, record = record.of, trace.tensors[record.of]
        is_float = record is not None and record.dtype.startswith(("float", "bfloat", "complex"))
        has_any = record is not None and record.of < 0 and is_float and bool(trace.losses)
        self._path_tensor = tensor
        self._path.setVisible(has_any)
        if has_any:
            end = len(trace.events) - 1
            has_gradient = gradient_at(trace, tensor, max(self._state.event, 0)) or gradient_at(trace, tensor, end)
            self._path.setText(_("Show gradient path") if has_gradient is not None else _("Why has this no gradient?"))
            self._path.setToolTip(
                _("Light on the graph how the gradient comes here from the loss, or where it ends (F7)")
            )

    def _ask_for_path(self) -> None:
        self.gradient_path_requested.emit(self._path_tensor)

    def sums(self) -> SoftmaxPicture | None:
        """The picture of what sums to 1, None for what is no softmax."""
        return self._sums

    def _show_sums(self, trace: TraceReader, event: Event | None) -> None:
        """The picture of a softmax."""
        from graphlab.analysis.softmax import APPLIED, IMPLIED, softmax_at
        from graphlab.ui.panels.softmax_picture import SoftmaxPicture

        is_softmax = event is not None and event.op in APPLIED | IMPLIED
        view = softmax_at(trace, event.id) if event is not None and is_softmax else None
        if self._sums is not None:
            self._body.removeWidget(self._sums)
            self._sums.hide()
            self._sums.deleteLater()
            self._sums = None
        if view is not None:
            self._sums = SoftmaxPicture(view, self._state, self._page)
            self._body.insertWidget(self._sums_place, self._sums)

    def _show_chain(self, trace: TraceReader, event: Event | None) -> None:
        text = ""
        if event is not None and event.kind == EventKind.BACKWARD:
            from graphlab.ui.panels.chain_view import chain_html

            text = chain_html(trace, event, tokens(self._state.theme))
        self._chain.setText(text)
        self._chain.setVisible(bool(text))

    def _choose_page(self, page: int) -> None:
        for view in self._views:
            view.choose(page)

    def _show_parts(self, trace: TraceReader, parts: list[Part]) -> None:
        parts = parts[:_MAX_VIEWS]
        while len(self._views) < len(parts):
            view = ValueView(self._state, self._page)
            view.dress(tokens(self._state.theme))
            view.choose(self._choice.page)
            self._views.append(view)
            self._body.insertWidget(self._body.count() - 1, view)
        for view, part in zip(self._views, parts, strict=False):
            view.set_role(part.role)
            if part.value is None:
                view.show_array(part.title, None, part.note)
            else:
                array = trace.array(part.value.id)
                if part.value.form == ValueForm.WHOLE:
                    view.show_array(part.title, array)
                else:
                    shape = "×".join(map(str, part.value.shape))
                    note = _("A sample of {shape} numbers; the statistics are of all").format(shape=shape)
                    view.show_array(part.title, array, note, part.value.stats)
            view.show()
        for view in self._views[len(parts) :]:
            view.hide()
        self._choice.setVisible(any(part.value is not None and part.value.shape for part in parts))

    def _dress(self) -> None:
        t = tokens(self._state.theme)
        self._chip.setFont(t.font(t.small_size, bold=True))
        self._name.setFont(t.font(t.ui_size + 3, bold=True))
        self._facts.setFont(t.font(t.small_size))
        self._facts.setStyleSheet(f"color: {t.text_muted.name()};")
        families = ", ".join(f"'{family}'" for family in t.mono_families)
        for label in (self._formula, self._chain):
            # The font stands here, not in setFont: the window's style sheet would win over that one.
            label.setStyleSheet(
                f"font-family: {families}; font-size: {t.mono_size}pt; background: {t.surface_raised.name()};"
                f"border: 1px solid {t.border.name()}; border-radius: {t.radius}px; padding: 8px;"
            )
        self._empty.setFont(t.font())
        self._empty.setStyleSheet(f"color: {t.text_muted.name()}; padding: 24px;")
        self._pin.setIcon(icon("pin", self._state.theme))
        for view in self._views:
            view.dress(t)
        self._show()
