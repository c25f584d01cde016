"""Where numbers went wrong: the first event whose result is not finite."""

from dataclasses import dataclass

from graphlab.analysis.values import statistics_of
from graphlab.trace.store import TraceReader


@dataclass(slots=True, frozen=True)
class NotFinite:
    """A value with NaN or infinity in it."""

    event: int
    tensor: int
    n_nan: int
    n_inf: int


def first_not_finite(trace: TraceReader) -> NotFinite | None:
    """The first event that has a NaN or an infinity among its results; None when all kept values are finite."""
    for value in trace.values:
        if value.dtype.startswith(("float", "bfloat", "complex")):
            stats = statistics_of(trace, value)
            n_nan, n_inf = int(stats.get("n_nan", 0)), int(stats.get("n_inf", 0))
            if n_nan or n_inf:
                return NotFinite(value.event, value.tensor, n_nan, n_inf)
    return None
