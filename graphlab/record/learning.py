"""What one iteration did, step by step, so that the next ones can be compared with it instead of being written down.

A step is one call of the observer. `Learning` takes notes while the recorder works as always; `template` makes of them
what `Replay` compares with, or None where iterations can't be alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

from graphlab.record import params as plain
from graphlab.record.pattern import Counters, Pattern, events_pattern, tensors_pattern, values_pattern
from graphlab.record.spans import Site

if TYPE_CHECKING:
    from graphlab.engine.tensor import Tensor
    from graphlab.record.thinning import Kept

MAX_EVENTS = 2000
MAX_SECONDS = 0.02
"""Of iterations that take longer, recording is the smaller part."""

Check = tuple[int, CodeType, int]
"""How many frames out, which code must run there, and at which instruction (-1: any)."""
Array = np.ndarray[Any, Any]
_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_FREE = frozenset({str, type(None)})  # of these, equal ones are the same


class Position(NamedTuple):
    """The state of the recorder between two steps."""

    counters: Counters
    run: int  # number of the running backward pass, -1 outside
    pass_site: Site
    modules: tuple[tuple[str, int], ...]
    named_site: Site | None
    named_tensor: int
    name: str  # of `named_tensor`
    pending: dict[int, int]
    further: dict[int, list[int]]


class Params(NamedTuple):
    """An operator's parameters, ready to be compared with."""

    known: dict[str, Any]
    encoded: bytes  # b"" where being equal is enough: 1 and True are equal and not the same

    def same(self, given: dict[str, Any]) -> bool:
        """Whether `given` would be recorded alike."""
        if given is self.known:
            return True
        for value in given.values():
            if value.__class__ not in plain.PLAIN:  # to compare tensors would be an operator of its own
                return bool(self.encoded) and _encode(plain.plain(given)) == self.encoded
        return _encode(given) == self.encoded if self.encoded else given == self.known


def comparable(params: dict[str, Any]) -> Params:
    """`params`, ready to be compared with."""
    if all(value.__class__ in _FREE for value in params.values()):
        return Params(params, b"")
    known = plain.plain(params)
    return Params(params if all(value.__class__ in plain.PLAIN for value in params.values()) else known, _encode(known))


@dataclass(slots=True)
class Made:
    """What an operator's output must look like."""

    slot: int
    shape: tuple[int, ...]
    dtype: Any
    size: int
    requires_grad: bool
    device: Any
    has_node: bool
    is_view: bool
    mark: tuple[Any, ...] | None = None  # of its node, with the numbers of the iteration that was learned

    def fits(self, tensor: Tensor) -> bool:
        """Whether `tensor` looks like it, but for being a view."""
        array = tensor._array
        return (
            array.shape == self.shape
            and array.dtype is self.dtype
            and tensor._rg is self.requires_grad
            and tensor._device is self.device
            and (tensor._fn is not None) is self.has_node
        )


@dataclass(slots=True)
class Template:
    """An iteration that others may be like."""

    first: Counters
    step: Counters
    kinds: dict[str, list[Any]]  # for each observer method what it must be called with in each step, None elsewhere
    positions: list[Position]  # before each step, and after the last one
    events: Pattern
    tensors: Pattern
    values: Pattern
    slots: list[int]  # the tensors that steps refer to
    moves: list[int]  # for each slot: 0, or how much its number grows with each iteration
    names: dict[int, str]  # of the tensors that the iteration made
    is_counted: bool
    failures: int = field(default=0)  # runs in a row that ended at once
    kept: Kept | Literal[False] | None = None  # what stays when it is left out; False: cannot be told

    @property
    def n_steps(self) -> int:
        """Calls of the observer in one iteration."""
        return len(self.positions) - 1

    def shifted(self, tensor: int, shift: int) -> int:
        """Number of the tensor that stands in another iteration where `tensor` stood in this one."""
        return tensor + shift if tensor >= self.first.tensor else tensor


class Learning:
    """Notes on one iteration while it runs."""

    def __init__(self, position: Position, is_counted: bool) -> None:
        self.first = position.counters
        self._is_counted = is_counted
        self._steps: list[tuple[str, Any]] = []
        self._positions = [position]
        self._slots: dict[int, int] = {}
        self._makers: dict[int, Made] = {}  # by forward event
        self._started = time.perf_counter()
        self.is_possible = True

    def slot(self, tensor: int) -> int:
        """The slot of a tensor's number."""
        return self._slots.setdefault(tensor, len(self._slots))

    def slots(self, tensors: Any) -> tuple[int, ...]:
        """The slots of tensors' numbers, -1 for none."""
        return tuple(-1 if tensor < 0 else self.slot(tensor) for tensor in tensors)

    def numbers(self, inputs: tuple[Any, ...], tensors: list[int]) -> tuple[Any, ...]:
        """The inputs that are no tensors; no tensor is held on to."""
        return tuple(given if tensor < 0 else None for given, tensor in zip(inputs, tensors))

    def made(self, tensor: Tensor, is_view: bool) -> Made:
        """Notes on an operator's output."""
        array = tensor._array
        node = tensor._fn
        mark = None if node is None else node._mark
        if type(array) is not np.ndarray or (node is not None and mark is None):
            self.is_possible = False
        made = Made(
            *(self.slot(tensor._mark), array.shape, array.dtype, array.nbytes, tensor._rg, tensor._device),
            *(node is not None, is_view, None if mark is None else (*mark, self.first.tensor)),
        )
        if made.mark is not None:
            self._makers[made.mark[0]] = made
        return made

    def maker(self, event: int) -> Made | None:
        """What the forward event with this number made."""
        made = self._makers.get(event)
        if made is None:
            self.is_possible = False
        return made

    def step(self, kind: str, facts: Any, position: Position) -> None:
        """A step was taken, and this is where it led."""
        if position.counters.event - self.first.event > MAX_EVENTS:
            self.is_possible = False
        elif self.is_possible:
            self._steps.append((kind, facts))
            self._positions.append(position)

    def template(
        self,
        events: list[tuple[Any, ...]],
        tensors: list[tuple[Any, ...]],
        values: list[tuple[Any, ...]],
        names: Callable[[int], str],
        end: Position,
    ) -> Template | None:
        """The template that the iteration makes, whose records these are; None where it makes none."""
        first, last = self.first, end.counters
        step = Counters(*(b - a for a, b in zip(first, last)))._replace(chunk=0)
        if (
            not self.is_possible
            or not self._steps
            or time.perf_counter() - self._started > MAX_SECONDS
            or self._positions[-1].counters != last
            or (len(events), len(tensors), len(values)) != step[:3]
            or end.run >= 0
            or end.modules
            or any(len(value) > 9 for value in values)
        ):
            return None
        kinds: dict[str, list[Any]] = {}
        for at, (kind, facts) in enumerate(self._steps):
            if kind not in kinds:
                kinds[kind] = [None] * (len(self._steps) + 1)
            kinds[kind][at] = facts
        return Template(
            first=first,
            step=step,
            kinds=kinds,
            positions=self._positions,
            events=events_pattern(events, first, self._is_counted),
            tensors=tensors_pattern(tensors, first),
            values=values_pattern(values, first),
            slots=list(self._slots),
            moves=[step.tensor if number >= first.tensor else 0 for number in self._slots],
            names={number: name for number in range(first.tensor, last.tensor) if (name := names(number))},
            is_counted=self._is_counted,
        )


def checks(frame: FrameType, known: dict[str, Any] | None, site_at: Callable[[CodeType, int], Site]) -> list[Check]:
    """What must be found from the frame that `frame` returns to outwards, for the place and the name to be the same.

    `known`: the globals of the program. Ends at the frame whose place names the value.
    """
    found: list[Check] = []
    out = 0
    at = frame.f_back
    while at is not None:
        out += 1
        if at.f_globals is known:
            found.append((out, at.f_code, at.f_lasti))
            if not site_at(at.f_code, at.f_lasti).returns:
                break
        else:
            found.append((out, at.f_code, -1))
        at = at.f_back
    return found
