"""Bugs that no error tells: watches over the trace of a run that ended well."""

# The families register their entries when imported.
from graphlab.explain.silent import (  # noqa: F401
    axes,
    cuts,
    gradients,
    kept,
    measures,
    modes,
    pairing,
    rates,
    scores,
    steps,
    strays,
    unused,
)
