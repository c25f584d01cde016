"""The stretches of a run: setup, the iterations, what comes after; also while the run still goes on."""

from bisect import bisect_right

from graphlab.trace.records import EventKind, Section
from graphlab.trace.store import TraceReader


def sections(trace: TraceReader) -> list[Section]:
    """All sections in order; events that no finished section holds yet form a provisional last one."""
    finished = trace.sections
    first = finished[-1].end if finished else 0
    end = len(trace.events)
    if first >= end:
        return list(finished)
    iteration = max((section.iteration for section in finished), default=-1)
    if any(loss.event >= first for loss in reversed(trace.losses[-1:])) or _has_backward(trace, first, end):
        last = Section(len(finished), "iteration", iteration + 1, first, end)
    else:
        last = Section(len(finished), "after" if iteration >= 0 else "setup", -1, first, end)
    return [*finished, last]


def _has_backward(trace: TraceReader, first: int, end: int) -> bool:
    # While a program runs this is asked for every refresh: the newest events tell soonest.
    return any(event.kind == EventKind.BACKWARD for event in trace.events[max(first, end - 2000) : end])


def section_of(trace: TraceReader, event: int) -> int:
    """Index of the section that holds `event`, -1 when there are no events."""
    if not trace.events:
        return -1
    finished = trace.sections
    if not finished or event >= finished[-1].end:
        return len(finished)
    return max(0, bisect_right(finished, event, key=lambda section: section.first) - 1)


def section_at(trace: TraceReader, index: int) -> Section | None:
    """The section with this index, also the provisional one; None when there is none."""
    if 0 <= index < len(trace.sections):
        return trace.sections[index]
    every = sections(trace)
    return every[index] if 0 <= index < len(every) else None
