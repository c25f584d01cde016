"""Which events belong to which iteration: the training loop is found, nobody has to name it.

The innermost loop active when a backward pass begins is the training loop, and its turns are the iterations. Without
such a loop each backward pass is one iteration.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Loop:
    id: int
    starts: list[int] = field(default_factory=list)  # first event of each turn; turns without events share one entry


class Iterations:
    """Cuts the run into sections. `close(kind, iteration, first, end)` is called for each one as soon as it is over."""

    def __init__(self, close: Callable[[str, int, int, int], None]) -> None:
        self._close = close
        self._loops: list[_Loop] = []
        self.training: int | None = None  # id of the training loop
        self._kind = "setup"  # of the open section
        self._passes = 0  # backward passes in the open section
        self._restart = -1  # first forward event after the last backward pass
        self._over = -1  # where the training loop ended; it may begin again
        self.waits_for_forward = False  # whether `needs_grad` wants to be told
        self.first = 0  # first event of the open section
        self.iteration = -1  # number of the newest iteration

    @property
    def current(self) -> int:
        """Number of the iteration that a backward pass starting now belongs to."""
        return self.iteration if self._kind == "iteration" else self.iteration + 1

    def loop_started(self, loop: int, event: int) -> bool:
        """A turn of `loop` begins; `event` is the next event. True when a new iteration began."""
        while self._loops and self._loops[-1].id != loop and any(known.id == loop for known in self._loops):
            self._loops.pop()  # left by `return` or an exception
        if not self._loops or self._loops[-1].id != loop:
            self._loops.append(_Loop(loop))
        starts = self._loops[-1].starts
        if loop != self.training:
            if not starts or starts[-1] != event:
                starts.append(event)
            return False
        self._over = -1
        self._cut(event)
        self._open("iteration")
        return True

    def turned(self, loop: int, event: int, is_told: bool = True) -> bool:
        """Like `loop_started` after a whole turn of the training loop, only quicker; False if it is not so.

        Without `is_told` nobody is told that the section is over.
        """
        loops = self._loops
        if loop != self.training or self._kind != "iteration" or loops[-1].id != loop or event <= self.first:
            return False
        self._over = -1
        if is_told:
            self._close("iteration", self.iteration, self.first, event)
        self.first = event
        self._passes = 0
        self._restart = -1
        self.waits_for_forward = False
        self.iteration += 1
        return True

    def loop_emptied(self, loop: int) -> None:
        """The turn of `loop` that began last got no item: it is none, and what follows stands after the iterations."""
        if loop == self.training and self._kind == "iteration" and not self._passes:
            self.iteration -= 1
            self._kind = "after"

    def loop_ended(self, loop: int, event: int) -> None:
        """The loop is over (its last turn and all that it called)."""
        while self._loops and any(known.id == loop for known in self._loops):
            self._loops.pop()
        if loop == self.training and self._kind == "iteration":
            self._over = event

    def needs_grad(self, event: int) -> None:
        """The first operator after a backward pass that builds a graph again: a new pass may begin here."""
        self._restart = event
        self.waits_for_forward = False

    def backward_started(self, event: int) -> None:
        """A backward pass begins; `event` is its first event."""
        active = self._loops[-1] if self._loops else None
        if active is not None and active.id == self.training:
            if self._kind != "iteration":
                self._kind_is_iteration()
        elif active is not None and not any(known.id == self.training for known in self._loops):
            self.training = active.id
            if self._over >= 0:
                self._cut(self._over)
                self._open("setup")
                self._over = -1
            starts = [start for start in active.starts if start >= self.first] or [self.first]
            for start in starts:
                self._cut(start)
                self._open("iteration")
            active.starts.clear()
        elif active is None:
            if self._over >= 0:
                self._cut(self._over)
                self._open("setup")
                self._over = -1
            if self._passes and self._restart >= 0:
                self._cut(self._restart)
                self._open("iteration")
            else:
                self._kind_is_iteration()
        self._passes += 1
        self._restart = -1
        self.waits_for_forward = True

    def passed(self) -> bool:
        """Like `backward_started` in a turn of the training loop, only quicker; False if it is not so."""
        if self._kind != "iteration" or not self._loops or self._loops[-1].id != self.training:
            return False
        self._passes += 1
        self._restart = -1
        self.waits_for_forward = True
        return True

    def finish(self, event: int) -> None:
        """The run is over; `event` is the number of events."""
        if self._over >= 0:
            self._cut(self._over)
            self._open("after")
        self._cut(event)

    def _kind_is_iteration(self) -> None:
        if self._kind != "iteration":
            self._kind = "iteration"
            self.iteration += 1

    def _open(self, kind: str) -> None:
        self._kind = kind
        self._passes = 0
        self._restart = -1
        self.waits_for_forward = False
        if kind == "iteration":
            self.iteration += 1

    def _cut(self, event: int) -> None:
        """End the open section before `event`; one without events is none."""
        if event > self.first:
            self._close(self._kind, self.iteration if self._kind == "iteration" else -1, self.first, event)
        self.first = event
