"""The loss curves: the value of each backward pass's root, by its name."""

from dataclasses import dataclass, field

from graphlab.trace.store import TraceReader


@dataclass(slots=True)
class Curve:
    """One loss over the iterations, in the order in which it was computed."""

    name: str
    iterations: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)


def curves(trace: TraceReader) -> dict[str, Curve]:
    """All loss curves by name."""
    found: dict[str, Curve] = {}
    for loss in trace.losses:
        curve = found.get(loss.name)
        if curve is None:
            curve = found[loss.name] = Curve(loss.name)
        curve.iterations.append(loss.iteration)
        curve.values.append(loss.value)
        curve.events.append(loss.event)
    return found
