"""Moving along the timeline: the next step at this depth, into a module, out of it, to the edge of an iteration.

Every function takes an event and returns an event; where there is nothing to go to, the one that it was given.
"""

from graphlab.analysis.flow import FlowGraph
from graphlab.analysis.sections import section_at, section_of
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader


def forward(trace: TraceReader, event: int) -> int:
    """The next event in the same module or outside of it: calls of modules further in are stepped over."""
    events = trace.events
    if not 0 <= event < len(events):
        return event
    depth = events[event].depth
    for at in range(event + 1, len(events)):
        if events[at].depth <= depth:
            return at
    return min(event + 1, len(events) - 1)  # all that is left lies further in: show it rather than nothing


def back(trace: TraceReader, event: int) -> int:
    """The previous event in the same module or outside of it."""
    events = trace.events
    if not 0 <= event < len(events):
        return event
    depth = events[event].depth
    for at in range(event - 1, -1, -1):
        if events[at].depth <= depth:
            return at
    return max(event - 1, 0)


def into(trace: TraceReader, event: int) -> int:
    """The next event, however deep."""
    return min(event + 1, len(trace.events) - 1) if 0 <= event < len(trace.events) else event


def out(trace: TraceReader, event: int) -> int:
    """The first event after the module that `event` stands in; at top level the next section."""
    events = trace.events
    if not 0 <= event < len(events):
        return event
    depth = events[event].depth
    if depth == 0:
        return next_section(trace, event)
    for at in range(event + 1, len(events)):
        if events[at].depth < depth:
            return at
    return len(events) - 1


def first(trace: TraceReader) -> int:
    """The first event, -1 when there is none."""
    return 0 if trace.events else -1


def last(trace: TraceReader) -> int:
    """The last event, -1 when there is none."""
    return len(trace.events) - 1


def next_section(trace: TraceReader, event: int) -> int:
    """The first event of the next section; in the last one its last event."""
    section = section_at(trace, section_of(trace, event))
    return event if section is None else min(section.end, len(trace.events) - 1)


def previous_section(trace: TraceReader, event: int) -> int:
    """The first event of this section, or when standing on it, of the one before."""
    index = section_of(trace, event)
    section = section_at(trace, index)
    if section is None:
        return event
    if event > section.first:
        return section.first
    before = section_at(trace, index - 1)
    return before.first if before is not None else section.first


def same_place(trace: TraceReader, event: int, section: int) -> int:
    """The event in another section that corresponds to `event`: the same operator in the same place of the program."""
    here, there = section_at(trace, section_of(trace, event)), section_at(trace, section)
    if here is None or there is None:
        return event
    wanted = trace.events[event]
    signature = (wanted.kind, wanted.op, wanted.span, wanted.module)
    nth = sum(1 for e in trace.events[here.first : event] if (e.kind, e.op, e.span, e.module) == signature)
    found = -1
    for other in trace.events[there.first : there.end]:
        if (other.kind, other.op, other.span, other.module) == signature:
            found = other.id
            if nth == 0:
                return found
            nth -= 1
    return found if found >= 0 else there.first


def phase_start(trace: TraceReader, event: int, kind: EventKind) -> int:
    """The first event of `kind` in the section of `event`, -1 when there is none."""
    section = section_at(trace, section_of(trace, event))
    if section is None:
        return -1
    return next((e.id for e in trace.events[section.first : section.end] if e.kind == kind), -1)


def node_of(graph: FlowGraph, event: int) -> str:
    """Key of the node that `event` lights up, "" for events that are no node (a print)."""
    index = graph.node_of_event.get(event, -1)
    return graph.nodes[index].key if index >= 0 else ""


def events_of(graph: FlowGraph, key: str) -> list[int]:
    """The events that belong to a node, in order."""
    index = graph.node_of_key.get(key, -1)
    return sorted(event for event, at in graph.node_of_event.items() if at == index) if index >= 0 else []
