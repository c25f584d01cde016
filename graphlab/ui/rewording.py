"""Tells the problems of a trace in another language: they are diagnosed again, in a thread, from the trace alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, QThread, Signal

from graphlab import i18n

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from graphlab.trace.records import Fix, Problem


class Rewording(QThread):
    """One telling, in the language of the window.

    Signals:
        told(object, str): the problems in words of the language
    """

    told = Signal(object, str)

    def __init__(self, path: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName("rewording")
        self._path = path

    def run(self) -> None:
        from graphlab.explain import diagnose
        from graphlab.trace.store import TraceReader

        language = i18n.language()
        try:
            reader = TraceReader(self._path)
            try:
                problems = diagnose(reader)
            finally:
                reader.close()
        except Exception:  # the thread's edge: a trace from elsewhere keeps the words that it came with
            return
        self.told.emit(problems, language)


def with_checks(told: Sequence[Problem], before: Sequence[Problem]) -> list[Problem]:
    """The problems in other words, with the fixes marked as checked that were so before.

    Those that only the checks found, put together of several, keep their words and stand first.
    """
    checked = {(problem.code, _edits(fix.edits)) for problem in before for fix in problem.fixes if fix.verified}
    return [
        msgspec.structs.replace(
            problem,
            fixes=[
                *_put_together(problem, before),
                *(
                    msgspec.structs.replace(fix, verified=(problem.code, _edits(fix.edits)) in checked)
                    for fix in problem.fixes
                ),
            ],
        )
        for problem in told
    ]


def _put_together(problem: Problem, before: Sequence[Problem]) -> list[Fix]:
    known = {_edits(fix.edits) for fix in problem.fixes}
    same = [p for p in before if (p.code, p.line, p.event) == (problem.code, problem.line, problem.event)]
    return [fix for p in same for fix in p.fixes if fix.verified and _edits(fix.edits) not in known]


def _edits(edits: object) -> bytes:
    return msgspec.msgpack.encode(edits)
