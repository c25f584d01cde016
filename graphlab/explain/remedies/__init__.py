"""Remedies: fixes for diagnoses, one function for each way to mend a program, registered by the codes they fit."""

# The families register their remedies when imported.
from graphlab.explain.remedies import (  # noqa: F401
    arguments,
    arrangement,
    blocks,
    calls,
    classes,
    entries,
    gradients,
    idioms,
    layers,
    loading,
    losses,
    names,
    objects,
    operands,
    orders,
    pairs,
    respelled,
    results,
    returns,
    sequences,
    shapes,
    texts,
    truths,
)
from graphlab.explain.remedies.kit import add_remedies

__all__ = ["add_remedies"]
