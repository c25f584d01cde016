"""Diagnoses, fixes, narration: what happened, why, and what to do."""

# The families register their entries when imported.
from graphlab.explain import autograd, language, losses, memory, shapes  # noqa: F401
from graphlab.explain.axes import as_text
from graphlab.explain.catalogue import DIAGNOSES, Explanation, Severity, explain_code
from graphlab.explain.diagnose import diagnose, explain_text, problem_for_refusal

__all__ = [
    "DIAGNOSES",
    "Explanation",
    "Severity",
    "as_text",
    "diagnose",
    "explain_code",
    "explain_text",
    "problem_for_refusal",
]
