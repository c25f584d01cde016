"""A tour without a reader: opens the MLP, runs it, steps through it, and leaves pictures. For screens that nobody sees.

Run as `python -m graphlab.ui.tour --pictures FOLDER [--sample NAME | FILE]`. Waits on signals, with a deadline.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from graphlab.i18n import _
from graphlab.trace.records import EventKind
from graphlab.ui.app import create_application, create_window

DEADLINE = 60_000  # ms
SETTLE = 400  # ms that the canvas takes to draw a step sharply
ENOUGH = 60  # single steps


class Tour(QObject):
    """Drives one window: each step of `_steps` yields how long to wait for the next one.

    Signals:
        ended: the window is closed, all pictures are there or `failure` says why not
    """

    ended = Signal()

    def __init__(self, folder: Path, sample: str, path: Path | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._sample = sample
        self._path = path  # instead of the sample
        self.pictures: list[Path] = []
        self.failure = ""
        self.window = create_window()
        self.window.resize(1600, 900)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._go_on)
        self._deadline = QTimer(self)
        self._deadline.setSingleShot(True)
        self._deadline.timeout.connect(self._give_up)
        self._way = self._steps()

    def start(self) -> None:
        """Show the window and begin."""
        self.window.show()
        self._deadline.start(DEADLINE)
        self._next.start(SETTLE)

    def _go_on(self, *_ignored: object) -> None:
        try:
            wait = next(self._way)
        except StopIteration:
            self._end()
            return
        if wait >= 0:  # below zero: a signal goes on
            self._next.start(wait)

    def _steps(self) -> Iterator[int]:
        window = self.window
        window.theme_light()
        self._picture("1-start")
        if self._path is None:
            window.files.open_sample(self._sample)
        else:
            window.files.open_path(self._path)
        yield SETTLE
        if not window.has_program:
            self.failure = window.message_bar.text or _("There is nothing to run")
            return
        window.controller.run_ended.connect(self._go_on)
        window.controller.run()
        yield -1
        window.controller.run_ended.disconnect(self._go_on)
        window.show_panel("loss_plot")
        yield 2 * SETTLE
        self._picture("2-forward")
        n_steps = 0
        while n_steps < ENOUGH and not self._is_mid_backward():
            window.commands.actions["step.forward"].trigger()
            n_steps += 1
            yield 0
        yield 2 * SETTLE
        self._picture("3-backward")
        for _back in range(n_steps):
            window.commands.actions["step.back"].trigger()
            yield 0
        window.commands.actions["step.next_iteration"].trigger()
        window.theme_dark()
        yield 2 * SETTLE
        self._picture("4-dark")

    def _is_mid_backward(self) -> bool:
        """Whether some steps of the backward pass lie behind us."""
        trace, event = self.window.state.trace, self.window.state.event
        if trace is None or event < 3:
            return False
        kinds = (EventKind.BACKWARD, EventKind.ACCUMULATE)
        return all(trace.events[at].kind in kinds for at in range(event - 3, event + 1))

    def _picture(self, name: str) -> None:
        path = self._folder / f"{name}.png"
        if not self.window.grab().save(str(path)):
            self.failure = _("The picture could not be saved. ({path})").format(path=path)
            return
        self.pictures.append(path)

    def _give_up(self) -> None:
        self.failure = _("The tour took too long and was given up")
        self._end()

    def _end(self) -> None:
        self._next.stop()
        self._deadline.stop()
        self.window.editor.document().setModified(False)
        self.window.close()
        self.ended.emit()


def main(argv: list[str] | None = None) -> int:
    """Take the tour; 0 when all pictures are there."""
    parser = argparse.ArgumentParser(prog="python -m graphlab.ui.tour", description=_("Run a sample and save pictures"))
    parser.add_argument("--pictures", type=Path, required=True, metavar="FOLDER", help=_("where the pictures go"))
    parser.add_argument("--sample", default="mlp", help=_("name of the sample"))
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help=_("a program to take instead of a sample"))
    options = parser.parse_args(argv)
    options.pictures.mkdir(parents=True, exist_ok=True)
    app = create_application(["graphlab"])
    tour = Tour(options.pictures, options.sample, options.file)
    tour.ended.connect(app.quit)
    tour.start()
    app.exec()
    for path in tour.pictures:
        print(path)
    if tour.failure:
        print(tour.failure, file=sys.stderr)
        return 1
    print(_("{n} pictures of the window lie in {folder}").format(n=len(tour.pictures), folder=options.pictures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
