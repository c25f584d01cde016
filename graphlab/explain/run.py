"""A whole run as the watches for silent bugs see it: indexes over the trace, built once when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from graphlab.explain.source import Source
from graphlab.trace.records import Event, EventKind, Span, Tensor

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

    @cached_property
    def used_by(self) -> dict[int, list[Event]]:
        """The forward events that read each tensor, in order."""
        found: dict[int, list[Event]] = {}
        for event in self.by_kind[EventKind.FORWARD]:
            for tensor in event.inputs:
                if tensor >= 0:
                    found.setdefault(tensor, []).append(event)
        return found

    def span(self, event: Event) -> Span | None:
        """Where an event stands in the program."""
        return self.trace.spans[event.span] if 0 <= event.span < len(self.trace.spans) else None

    def tensor(self, index: int) -> Tensor:
        """A tensor by its id."""
        return self.trace.tensors[index]
