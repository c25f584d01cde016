"""Remedies: fixes for diagnoses, one function for each way to mend a program, registered by the codes they fit."""

# The families register their remedies when imported.
from graphlab.explain.remedies import arrangement, calls, gradients, layers, loading, losses, plain, shapes  # noqa: F401
from graphlab.explain.remedies.kit import add_remedies

__all__ = ["add_remedies"]
