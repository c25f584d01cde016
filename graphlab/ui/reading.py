"""Reads traces a slice at a time, so that the window goes on answering whatever their length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from pathlib import Path

    from graphlab.trace.store import TraceReader

SLICE = 0.006
"""Seconds of reading at once; indexing what was read takes about as long again."""


def read_slice(trace: TraceReader) -> bool:
    """Take in some of what the trace has more; True when there was anything. Raises `TraceError`.

    The look-up tables of the panels grow along: built in one go they would take longer than a frame.
    """
    grew = trace.refresh(SLICE)
    if grew:
        index(trace)
    return grew


def index(trace: TraceReader) -> None:
    """Bring the look-up tables up to date."""
    from graphlab.analysis.index import index_of
    from graphlab.explain.values import index_of as words_of

    index_of(trace)
    words_of(trace)


class Opening(QObject):
    """Reads a saved trace to its end.

    Signals:
        progressed(float): how much was read, from 0 to 1
        finished(object): the `TraceReader`, read to its end
        failed(str): a sentence that says why it cannot be read; the reader is closed
    """

    progressed = Signal(float)
    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, trace: TraceReader, parent: QObject) -> None:
        super().__init__(parent)
        self._trace: TraceReader | None = trace
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._go_on)

    @property
    def path(self) -> Path | None:
        """The file that is read, None when it is over."""
        return self._trace.path if self._trace is not None else None

    def start(self) -> None:
        """Begin when the window is idle."""
        self._timer.start()

    def cancel(self) -> None:
        """Read no further, and close the trace."""
        self._timer.stop()
        if self._trace is not None:
            self._trace.close()
            self._trace = None

    def _go_on(self) -> None:
        from graphlab.trace.store import TraceError

        trace = self._trace
        if trace is None:
            return
        try:
            read_slice(trace)
            if trace.is_behind:
                self.progressed.emit(trace.progress)
                return
        except TraceError as error:
            self.cancel()
            self.failed.emit(str(error))
            return
        self._timer.stop()
        self._trace = None
        self.finished.emit(trace)
