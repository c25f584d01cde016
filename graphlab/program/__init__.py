"""The learner's source: the restricted language, source spans, text edits and expressions. Runs nothing itself."""

from graphlab.program.language import FILENAME, Checked, Loop, ProgramRefused, Refusal, check, compile_program

__all__ = ["FILENAME", "Checked", "Loop", "ProgramRefused", "Refusal", "check", "compile_program"]
