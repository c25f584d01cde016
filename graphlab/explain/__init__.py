"""Diagnoses, fixes, narration: what happened, why, and what to do."""
