"""Bugs that no error tells: watches over the trace of a run that ended well."""

# The families register their entries when imported.
from graphlab.explain.silent import (  # noqa: F401
    attention,
    axes,
    counts,
    cuts,
    gradients,
    idle,
    kept,
    layout,
    measures,
    modes,
    pairing,
    places,
    rates,
    reach,
    repeats,
    replaced,
    schedules,
    scores,
    signs,
    starts,
    steps,
    strays,
    unused,
)
