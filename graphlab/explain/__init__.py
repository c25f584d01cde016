"""Diagnoses, fixes, narration: what happened, why, and what to do."""

# The families register their entries when imported.
from graphlab.explain import (  # noqa: F401
    absences,
    arguments,
    arrangement,
    autograd,
    criteria,
    dtypes,
    endings,
    entries,
    histories,
    indices,
    language,
    layers,
    loading,
    losses,
    machine,
    memory,
    modules,
    notices,
    numerics,
    objects,
    older,
    orders,
    overlap,
    shapes,
    silent,
    surroundings,
    usage,
    wordings,
)
from graphlab.explain.axes import as_text
from graphlab.explain.catalogue import DIAGNOSES, Explanation, Severity, explain_code
from graphlab.explain.diagnose import diagnose, explain_text, problem_for_refusal
from graphlab.explain.narrate import describe_op, formula, narrate

__all__ = [
    "DIAGNOSES",
    "Explanation",
    "Severity",
    "as_text",
    "describe_op",
    "diagnose",
    "explain_code",
    "explain_text",
    "formula",
    "narrate",
    "problem_for_refusal",
]
