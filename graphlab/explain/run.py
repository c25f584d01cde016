"""A whole run as the watches for silent bugs see it: indexes over the trace, built once when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphlab.explain.source import Source
from graphlab.trace.records import Event, EventKind, Span, Tensor, ValueForm

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader


class Run:
    """A trace and its program, with the look-ups that more than one watch needs."""

    def __init__(self, trace: TraceReader, source: Source) -> None:
        self.trace = trace
        self.source = source

    @cached_property
    def by_kind(self) -> dict[int, list[Event]]:
        """Events by their kind, in order."""
        found: dict[int, list[Event]] = {int(kind): [] for kind in EventKind}
        for event in self.trace.events:
            found.setdefault(event.kind, []).append(event)
        return found

    @cached_property
    def made_by(self) -> dict[int, Event]:
        """The event that made each tensor."""
        made: dict[int, Event] = {}
        for event in self.trace.events:
            if event.kind in (EventKind.CREATE, EventKind.FORWARD):
                for tensor in event.outputs:
                    if tensor >= 0:
                        made.setdefault(tensor, event)
        return made

    def span(self, event: Event) -> Span | None:
        """Where an event stands in the program."""
        return self.trace.spans[event.span] if 0 <= event.span < len(self.trace.spans) else None

    def tensor(self, index: int) -> Tensor:
        """A tensor by its id."""
        return self.trace.tensors[index]

    def numbers(self, event: Event, output: int = 0) -> npt.NDArray[Any] | None:
        """The whole value of an output, None where only a summary was kept."""
        if output >= len(event.values) or event.values[output] < 0:
            return None
        value = self.trace.values[event.values[output]]
        return self.trace.array(value.id) if value.form == ValueForm.WHOLE else None

    def has_bad(self, event: Event, output: int = 0) -> bool:
        """Whether an output holds NaN or infinity, as far as it was kept."""
        if output >= len(event.values) or event.values[output] < 0:
            return False
        value = self.trace.values[event.values[output]]
        if value.form == ValueForm.WHOLE:
            array = self.trace.array(value.id)
            return bool(array.dtype.kind in "fc" and not np.isfinite(array).all())
        return bool(value.stats.get("n_nan", 0) or value.stats.get("n_inf", 0))
