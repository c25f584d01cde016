"""How the recorder goes over to comparing iterations with one that it knows, and back to recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from graphlab.engine.device import CPU
from graphlab.record import params as plain
from graphlab.record.learning import Check, Learning, Position, Template, checks
from graphlab.record.naming import Naming
from graphlab.record.pages import FLUSH_BYTES, FLUSH_EVENTS
from graphlab.record.pattern import Counters, header
from graphlab.record.places import NOWHERE
from graphlab.record.replay import METHODS, Replay
from graphlab.record.spans import Site
from graphlab.record.thinning import Thinned, kept_of

if TYPE_CHECKING:
    from graphlab.engine.tensor import Tensor

_NO_PARAMS: dict[str, Any] = {}
_TOP = ("", 0)
MAX_WAIT = 64


class Replaying(Naming):
    """Events, one at a time or whole iterations at once."""

    def __init__(self, *arguments: Any, is_replaying: bool = True) -> None:
        super().__init__(*arguments)
        self._named_site: Site | None = None  # the place whose name the last operator's output took
        self._named_tensor = -1
        self._named_parts: tuple[Site | None, Sequence[int]] = (None, ())  # the same, of several outputs
        self._pass = -1  # number of the running backward pass, -1 outside
        self._n_passes = 0
        self._pass_site = NOWHERE
        self._pending: dict[int, int] = {}  # tensor -> the gradient that flows into it
        self._further: dict[int, deque[int]] = {}  # tensor -> contributions not yet added
        self._leaf_grads: dict[int, int] = {}
        self._is_replaying = is_replaying
        self._learning: Learning | None = None
        self._template: Template | None = None
        self._replay: Replay | None = None
        self._wait = 0  # iterations to let pass before the next attempt to learn
        self._next_wait = 1

    def _event(
        self,
        kind: int,
        op: str,
        span: int,
        module: tuple[str, int],
        inputs: Any = (),
        outputs: Any = (),
        values: Any = (),
        params: dict[str, Any] = _NO_PARAMS,
        forward: int = -1,
        text: str = "",
    ) -> int:
        """Append an event; returns its number."""
        number = self._n_events
        self._n_events = number + 1
        if params:
            for value in params.values():
                if value.__class__ not in plain.PLAIN:
                    params = plain.plain(params)
                    break
        if self._cpu.in_use != self._in_use_cpu or self._cuda.in_use != self._in_use_cuda:
            self._note_memory(number)
        path, depth = module
        memory = self._shown_memory
        events = self._events
        events.append(
            (number, kind, op, span, path, depth, inputs, outputs, values, params, forward, text, memory, 0, self._pass)
        )
        if self._clock() >= self._due or len(events) >= FLUSH_EVENTS or len(self._chunk) > FLUSH_BYTES:
            self._flush_some()
        return number

    def _checks(self, frame: FrameType) -> list[Check]:
        """What tells this place of the program from others; `frame` is that of the observer's method."""
        places = self._places
        found = checks(frame, places.globals, places.at)
        if not any(lasti >= 0 for _, _, lasti in found):
            self._give_up_learning()
        return found

    def _position(self) -> Position:
        named = self._named_tensor
        return Position(
            Counters(
                *(self._n_events, self._n_tensors, self._n_values, self._n_passes, 0, len(self._chunk)),
            ),
            self._pass,
            self._pass_site,
            tuple(self._modules),
            self._named_site,
            named,
            self._named.get(named, "") if named >= 0 else "",
            dict(self._pending),
            {of: list(waiting) for of, waiting in self._further.items() if waiting},
        )

    def _give_up_learning(self) -> None:
        if self._learning is not None:
            self._learning.is_possible = False

    def _learn_template(self) -> None:
        """The iteration that was learned is over, and its records are not handed over yet."""
        learning, self._learning = self._learning, None
        if learning is None:
            return
        self._template = learning.template(self._events, self._tensors, self._values, self._name_of, self._position())
        if self._template is None:
            self._wait = self._next_wait
            self._next_wait = min(2 * self._next_wait, MAX_WAIT)

    def _turn(self) -> None:
        """An iteration of the training loop begins: perhaps it is like the last one."""
        if not self._is_replaying:
            return
        if self._wait > 0:
            self._wait -= 1
            return
        if self._pass >= 0 or self._modules:
            return
        is_thin = self._is_thin
        if not is_thin:
            self._keep()
        if self._tensors or self._values or self._events or self._losses or self._is_thin is not is_thin:
            return
        is_counted = bool(CPU.counts or self._cuda.peak)
        template = self._template
        if template is None or template.is_counted != is_counted:
            self._template = None
            self._learning = Learning(self._position(), is_counted)
            return
        position = self._position().counters
        if is_thin:
            if template.kept is None:
                template.kept = kept_of(template) or False
            if not template.kept or self._cuda.peak:
                return
            ids = Counters(
                self._event_ids.id_of(self._n_events),
                self._tensor_ids.id_of(self._n_tensors),
                self._n_values - self._lost_values,
                self._n_passes,
            )
            self._replay = Thinned(self, template, template.kept, position, ids)  # type: ignore[arg-type]
        else:
            self._replay = Replay(self, template, position)  # type: ignore[arg-type]
        for name in METHODS:
            self.__dict__[name] = getattr(self._replay, name)

    def replay_turned(self) -> None:
        """An iteration of the replay is over."""
        if self._is_thin:
            self.end_replay()
            self._turn()
        elif self._clock() >= self._due or len(self._chunk) > FLUSH_BYTES:
            self._flush_some()

    def end_replay(self) -> None:
        """From here on every step is recorded again."""
        replay = self._replay
        if replay is None:
            return
        template, position, shift = replay.template, replay.position, replay.shift
        replay.over()
        if isinstance(replay, Thinned):
            with self._lock:
                replay.hand_back()
        else:
            self._keep()
        self._replay = None
        for name in METHODS:
            self.__dict__.pop(name, None)
        counters = replay.counters
        self._n_events, self._n_tensors, self._n_values, self._n_passes, *_ = counters
        tensors = shift[1]
        self._pass = self._n_passes - 1 if position.run >= 0 else -1
        self._pass_site = position.pass_site
        self._modules = list(position.modules[: len(self._running)])
        self._module = self._modules[-1] if self._modules else _TOP
        self._named_site = position.named_site
        self._named_tensor = template.shifted(position.named_tensor, tensors)
        self._named_parts = (None, ())  # no template has an operator with several outputs
        self._pending = {
            template.shifted(of, tensors): template.shifted(number, tensors) for of, number in position.pending.items()
        }
        self._further = {
            template.shifted(of, tensors): deque(template.shifted(number, tensors) for number in waiting)
            for of, waiting in position.further.items()
        }
        self._past.append((replay.first.tensor, self._n_tensors, template))
        if position.name and self._name_of(self._named_tensor) != position.name:
            self._amend(self._named_tensor, name=position.name)
            self._named[self._named_tensor] = position.name
        is_whole = isinstance(replay, Thinned) and replay.at == template.n_steps  # it ended for being kept
        template.failures = 0 if replay.n > 1 or is_whole else template.failures + 1
        if template.failures > 2:
            self._template = None
            self._wait = self._next_wait
            self._next_wait = min(2 * self._next_wait, MAX_WAIT)
        elif replay.n > 1:
            self._next_wait = 1

    @property
    def progress(self) -> tuple[int, int]:
        """Grows with everything that is recorded; for another thread to look at."""
        replay = self._replay
        return (self._n_events + len(self._events), 0) if replay is None else (replay.n, replay.at)

    def _sync(self) -> None:
        """Count what the replay has recorded so far."""
        replay = self._replay
        if replay is not None:
            self._n_events, self._n_tensors, self._n_values, self._n_passes, *_ = replay.counters

    def _keeps_at_flush(self) -> bool:
        return self._replay is not None or super()._keeps_at_flush()

    def _keep(self) -> None:
        with self._lock:
            self._keep_all()

    def _keep_all(self) -> None:
        self._give_up_learning()
        replay = self._replay
        if replay is None:
            super()._keep()
            return
        if isinstance(replay, Thinned):
            replay.give()
            return
        counters = replay.counters
        self._sync()
        del self._chunk[counters.bytes - replay.taken :]  # of a step that was interrupted
        for row in replay.rows(self._writer.done, self._chunk_id, counters):
            self._writer.put_encoded(*row)
        if replay.template.is_counted:
            rows, counts = replay.memory_changes(counters.event, self._in_use_cpu)
            if len(rows):
                self._writer.put_encoded("memory", 0, len(rows), header(len(rows)) + rows.tobytes())
                self._in_use_cpu = self._shown_memory = int(rows[-1]["in_use"])
            for each in counts.tolist():
                self._note_counts(*each)
        super()._keep()
        replay.taken = counters.bytes

    def _introduce(self, tensor: Tensor, kind: int, name: str, event: int) -> int:
        self._give_up_learning()
        return super()._introduce(tensor, kind, name, event)

    def _amend(self, number: int, **changes: Any) -> None:
        if self._learning is not None and number < self._learning.first.tensor:
            self._give_up_learning()
        super()._amend(number, **changes)


def unfolded(mark: tuple[Any, ...]) -> tuple[Any, ...]:
    """The mark of a node that a replay marked, as the recorder itself would have made it."""
    (events, tensors), made = mark
    event, sources, outputs, site, module, first = made.mark
    return (
        event + events,
        [number + tensors if number >= first else number for number in sources],
        [number + tensors if number >= first else number for number in outputs],
        site,
        module,
    )
