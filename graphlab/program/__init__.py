"""The learner's source: the restricted language, spans and edits."""
