"""How much of a long run is kept: all of it up to a budget, then fewer and fewer whole iterations."""

from bisect import bisect_right

DETAIL_BYTES = 256 * 2**20
DETAIL_EVENTS = 200_000


class Retention:
    """Decides which iterations keep every step. The first ones and the last always do.

    Once the budget is spent, the next iteration kept is 10 % further on: 100, 111, 123, … so a million iterations add
    under a hundred.
    """

    def __init__(self, detail_bytes: int = DETAIL_BYTES, detail_events: int = DETAIL_EVENTS) -> None:
        self.detail_bytes = detail_bytes
        self.detail_events = detail_events
        self._next = 0

    def is_spent(self, n_bytes: int, n_events: int) -> bool:
        """Whether the budget for full detail is used up."""
        return n_bytes >= self.detail_bytes or n_events >= self.detail_events

    def keeps(self, iteration: int) -> bool:
        """Whether this iteration, past the budget, is kept whole."""
        if self._next == 0:
            self._next = iteration + 1 + iteration // 10
            return False
        if iteration < self._next:
            return False
        self._next = iteration + 1 + iteration // 10
        return True

    def drops(self, iteration: int) -> bool:
        """Whether `keeps` would say no, which is then said; a yes is left to `keeps`."""
        return (self._next == 0 or iteration < self._next) and not self.keeps(iteration)


class Renumbering:
    """From the numbers given while events came in to the ids on disk, when some stretches were left out."""

    def __init__(self) -> None:
        self.floor = 1 << 62  # numbers below it are ids
        self.start = 0  # first number of what is not decided yet
        self._shift = 0
        self._starts: list[int] = []
        # For each kept stretch: end number, first id; and of iterations that are alike, how long each is and which
        # numbers of it are kept.
        self._kept: list[tuple[int, int, int, tuple[int, ...]]] = []

    def begin(self, number: int) -> None:
        """From `number` on stretches may be left out."""
        self.floor = self.start = number

    def keep(self, end: int) -> None:
        """All from `start` up to `end` was written."""
        if end > self.start:
            self._starts.append(self.start)
            self._kept.append((end, self.start - self._shift, 1, (0,)))
        self.start = end

    def drop(self, end: int, kept: list[int]) -> None:
        """All from `start` up to `end` was left out but for the numbers in `kept` (ascending)."""
        first = self.start - self._shift
        for place, number in enumerate(kept):
            self._starts.append(number)
            self._kept.append((number + 1, first + place, 1, (0,)))
        self._shift += end - self.start - len(kept)
        self.start = end

    def drop_alike(self, n: int, step: int, kept: tuple[int, ...]) -> None:
        """The next `n` iterations, of `step` numbers each, were left out but for those at the places `kept` in each."""
        end = self.start + n * step
        if kept:
            self._starts.append(self.start)
            self._kept.append((end, self.start - self._shift, step, kept))
        self._shift += n * (step - len(kept))
        self.start = end

    def id_of(self, number: int) -> int:
        """The id on disk, -1 for one that was left out."""
        if number < self.floor:
            return number
        if number >= self.start:
            return number - self._shift
        at = bisect_right(self._starts, number) - 1
        if at < 0:
            return -1
        end, first, step, kept = self._kept[at]
        if number >= end:
            return -1
        n, place = divmod(number - self._starts[at], step)
        return first + n * len(kept) + kept.index(place) if place in kept else -1

    def is_lost(self, number: int) -> bool:
        """Whether the number belongs to a stretch that was left out."""
        return self.floor <= number < self.start and self.id_of(number) < 0
