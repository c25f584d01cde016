"""The observer that turns what the engine does into a trace.

What runs for each operator is kept short: it copies small values and appends tuples that are records already. Places
and names are found once for each place in the program; encoding and disk come at `flush`, some twenty times a second.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine.device import CPU, Virtual
from graphlab.engine.generator import DEFAULT_SEED
from graphlab.engine.random import initial_seed
from graphlab.record import failures
from graphlab.record import params as plain
from graphlab.record.gradients import Gradients
from graphlab.record.learning import Check, comparable
from graphlab.record.pages import DTYPES, FLUSH_SECONDS, take_from
from graphlab.record.places import NOWHERE
from graphlab.record.replay import shares
from graphlab.record.retention import DETAIL_BYTES, DETAIL_EVENTS
from graphlab.record.spans import Site
from graphlab.record.watch import PERIOD, Watch
from graphlab.trace.records import EventKind, Failure, TensorKind, ValueForm

if TYPE_CHECKING:
    from graphlab.engine.tensor import Tensor
    from graphlab.trace.store import TraceWriter

Array = np.ndarray[Any, Any]

_CREATE = int(EventKind.CREATE)
_FORWARD = int(EventKind.FORWARD)
_UPDATE = int(EventKind.UPDATE)
_INPLACE = int(EventKind.INPLACE)
_PRINT = int(EventKind.PRINT)
_WARNING = int(EventKind.WARNING)
_ERROR = int(EventKind.ERROR)
_LEAF = int(TensorKind.LEAF)
_PARAMETER = int(TensorKind.PARAMETER)
_INTERMEDIATE = int(TensorKind.INTERMEDIATE)
_WHOLE = ValueForm.WHOLE.value
_NO_PARAMS: dict[str, Any] = {}
_TOP = ("", 0)
_frame = sys._getframe


class Recorder(Gradients):
    """Watches a run and appends it to `writer`. One recorder a run.

    `filename` is the `co_filename` of the program's code, `source` its text (else the writer's meta "source"). Values
    of up to `whole_value_bytes` are kept whole, larger ones as statistics and a sample. Full detail lasts until
    `detail_bytes` of values or `detail_events` events are written; then see `Retention`. Without `is_replaying` no use
    is made of iterations being alike (see `Replay`); the trace is the same.
    """

    def __init__(
        self,
        writer: TraceWriter,
        filename: str,
        *,
        source: str | None = None,
        detail_bytes: int = DETAIL_BYTES,
        detail_events: int = DETAIL_EVENTS,
        whole_value_bytes: int = 65536,
        flush_seconds: float = FLUSH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        is_replaying: bool = True,
    ) -> None:
        options = (detail_bytes, detail_events, whole_value_bytes, flush_seconds, clock)
        super().__init__(writer, filename, source, *options, is_replaying=is_replaying)
        self._site = self._places.here
        self._partial = ""  # printed, without the end of its line
        self._print_site = -1
        self._print_checks: list[Check] = []
        self._watch: Watch | None = None

    @property
    def n_events(self) -> int:
        """How many events there have been."""
        self._sync()
        return self._n_events

    # Tensors and values

    # Observer: operators

    def created(self, op: str, tensor: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.created`."""
        site = self._site()
        named = self._places.naming(site) if site.returns else site
        event = self._n_events
        kind = _PARAMETER if tensor._rg else _LEAF
        array = tensor._array
        name = _entry_name(site, params["entry"]) if op == "batch" and "entry" in params else named.name
        if op == "load" and name:
            name += params.get("entry", "")  # "['model']['weight']"
        number = self._add_tensor(kind, array, name, tensor._rg, -1, str(tensor._device))
        tensor._mark = number
        self._names[number] = name
        self._named_site = None
        self._event(_CREATE, op, site.id, self._module, (), (number,), (self._add_value(number, event, array),), params)
        learning = self._learning
        if learning is not None:
            made = learning.made(tensor, False)
            entry = (op, comparable(params), self._checks(_frame()), len(self._running), made)
            learning.step("created", entry, self._position())

    def forward(self, op: str, inputs: tuple[Any, ...], output: Any, params: dict[str, Any]) -> None:
        """See `Observer.forward`."""
        event = self._n_events
        ids = self._tensor_ids
        sources: list[int] = []
        for given in inputs:
            mark = getattr(given, "_mark", -1)
            if mark is None or ids.floor <= mark < ids.start:
                mark = self._meet(given, event)
            sources.append(mark)
        given_params = params
        site = self._site()
        named = self._places.naming(site) if site.returns else site
        if named.names:
            if named is self._named_site:
                self._take_name_back()
            self._named_site = named
        else:
            self._named_site = None
        first = inputs[0] if inputs else None
        if output.__class__ is tuple:
            names = named.names_of(len(output)) if named.names else ("",) * len(output)
            targets = [
                self._output(each, sources, first, name, event) for each, name in zip(output, names, strict=True)
            ]
            outputs: Any = [number for number, _ in targets]
            if named.names:
                self._named.update((number, name) for number, name in zip(outputs, names, strict=True) if name)
                self._named_parts = (named, outputs)
            values: Any = [value for _, value in targets]
            node = next((each._fn for each in output if each._fn is not None), None)
            self._named_tensor = -1
        else:
            number, value = self._output(output, sources, first, named.name, event)
            outputs = (number,)
            values = (value,)
            node = output._fn
            self._named_tensor = -1
            if named.name:
                self._named_tensor = number
                self._named[number] = named.name
        if node is not None:
            node._mark = (event, sources, outputs, site.id, self._module)
            if self._iterations.waits_for_forward and self._pass < 0:
                self._iterations.needs_grad(event)
        if -1 in sources:
            params = plain.with_numbers(op, inputs, params)
        self._event(_FORWARD, op, site.id, self._module, sources, outputs, values, params)
        if self._learning is not None:
            self._learn(op, inputs, output, given_params, sources, self._checks(_frame()))

    def _learn(
        self, op: str, inputs: tuple[Any, ...], output: Any, params: dict[str, Any], sources: list[int], at: list[Check]
    ) -> None:
        learning = self._learning
        assert learning is not None
        if output.__class__ is tuple:
            learning.is_possible = False
            return
        made = learning.made(output, shares(output._array, inputs))
        numbers = learning.numbers(inputs, sources) if -1 in sources else None
        known = comparable(params)
        look = (known, at, len(self._running), made.shape, made.dtype, made)
        learning.step("forward", (op, len(inputs), learning.slots(sources), numbers, *look), self._position())

    def _output(self, tensor: Tensor, sources: list[int], first: Any, name: str, event: int) -> tuple[int, int]:
        array = tensor._array
        base = -1
        if array.base is not None and sources and sources[0] >= 0:
            other = first._array
            if array.base is other or (other.base is not None and array.base is other.base):
                base = sources[0]
        number = self._n_tensors
        self._n_tensors = number + 1
        device = "cpu" if tensor._device is CPU else str(tensor._device)
        dtype = DTYPES[array.dtype.num]
        shape = array.shape
        size = array.nbytes
        requires_grad = tensor._rg
        self._tensors.append((number, _INTERMEDIATE, shape, dtype, device, name, requires_grad, -1, base, size))
        tensor._mark = number
        if size > self._whole or array.__class__ is Virtual:
            return number, self._add_summary(number, event, array)
        value = self._n_values
        self._n_values = value + 1
        chunk = self._chunk
        self._values.append((value, number, event, _WHOLE, dtype, shape, self._chunk_id, len(chunk), size))
        chunk += array.tobytes()
        return number, value

    def _take_name_back(self) -> None:
        """One expression ran several operators: only the last one's output is what the variable holds."""
        if self._named_tensor >= 0:
            self._amend(self._named_tensor, name="")
            self._named_tensor = -1
        of, numbers = self._named_parts
        if of is self._named_site:
            self._named_parts = (None, ())
            for number in numbers:
                self._amend(number, name="")

    def inplace(self, op: str, tensor: Tensor, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        """See `Observer.inplace`."""
        event = self._n_events
        sources = [self._meet(each, event) if hasattr(each, "_mark") else -1 for each in inputs]
        number = self._meet(tensor, event)
        site = self._site()
        node = tensor._fn
        if node is not None:
            node._mark = (event, sources, (number,), site.id, self._module)
        if tensor._view is not None and tensor._view.base._fn is not None:
            # A write into a view: the gradient flows through a node of the tensor that the view looks at.
            base = self._meet(tensor._view.base, event)
            tensor._view.base._fn._mark = (event, [base, *sources[1:]], (base,), site.id, self._module)
        value = self._add_value(number, event, tensor._array)
        self._named_site = None
        given_params = params
        if -1 in sources:
            params = plain.with_numbers(op, inputs, params)
        self._event(_INPLACE, op, site.id, self._module, sources, (number,), (value,), params)
        learning = self._learning
        if learning is not None:
            if tensor._view is not None:
                learning.is_possible = False
                return
            made = learning.made(tensor, False)
            look = (comparable(given_params), self._checks(_frame()), len(self._running), made.slot, made)
            numbers = learning.numbers(inputs, sources)
            learning.step("inplace", (op, learning.slots(sources), numbers, *look), self._position())

    # Observer: optimizers, modules, messages

    def updated(self, optimizer: str, param: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.updated`."""
        event = self._n_events
        number = self._meet(param, event)
        value = self._add_value(number, event, param._array)
        inputs = (number, self._leaf_grads.get(number, -1))
        self._event(_UPDATE, optimizer, self._site().id, _TOP, inputs, (number,), (value,), params)
        learning = self._learning
        if learning is not None:
            array = param._array
            look = (comparable(params), self._checks(_frame()), array.shape, array.nbytes)
            learning.step("updated", (optimizer, learning.slot(number), *look), self._position())

    def zeroed(self, params: list[Tensor]) -> None:
        """See `Observer.zeroed`."""
        cleared = [self._leaf_grads[each._mark] for each in params if each._mark in self._leaf_grads]
        self._event(_INPLACE, "zero_grad", self._site().id, _TOP, cleared, cleared, [-1] * len(cleared))
        learning = self._learning
        if learning is not None:
            slots = learning.slots(-1 if each._mark is None else each._mark for each in params)
            learning.step("zeroed", (slots, self._checks(_frame())), self._position())

    def module_entered(self, module: Any) -> None:
        """See `Observer.module_entered`."""
        known = self._paths.get(id(module))
        if known is None or known[0]() is not module:
            self._learn_module(module)
            known = self._paths[id(module)]
        self._module = (known[1], len(self._modules) + 1)
        self._modules.append(self._module)
        self._running.append(module)
        if self._learning is not None:
            self._learning.step("module_entered", (known[0], len(self._running) - 1), self._position())

    def module_left(self, module: Any, result: Any) -> None:
        """See `Observer.module_left`."""
        self._modules.pop()
        self._running.pop()
        self._module = self._modules[-1] if self._modules else ("", 0)
        if result.__class__ is tuple:
            self._name_result(result)

    def _name_result(self, result: tuple[Any, ...]) -> None:
        """`out, (h, c) = lstm(x)`: only here it is known which of the tensors that the module made they are."""
        site = self._places.called_from(_frame(4))  # the method of the module that told of it, and its `__call__`
        if site is None:
            return
        if site.returns:
            site = self._places.naming(site)
        results = list(_flat(result))
        if site is self._named_site:
            self._take_name_back()
        for each, name in zip(results, site.names_of(len(results)), strict=True):
            number = getattr(each, "_mark", None)
            if name and number is not None and not self._tensor_ids.is_lost(number) and not self._name_of(number):
                self._amend(number, name=name)
                self._named[number] = name

    def warned(self, message: str, category: str, kind: str, facts: dict[str, Any]) -> None:
        """See `Observer.warned`."""
        self._give_up_learning()
        self._event(_WARNING, category, self._site().id, self._module, params={"kind": kind, **facts}, text=message)

    def failed(self, op: str, inputs: tuple[Any, ...], params: dict[str, Any], error: BaseException) -> None:
        """See `Observer.failed`. Becomes an event only if the program does not catch the error."""
        self._give_up_learning()
        if failures.of(error) is not None:
            return  # an outer operator was given up for the same reason
        event = self._n_events
        site = self._site()
        if self._named_site is not None and self._places.naming(site) is self._named_site:
            self._take_name_back()  # the variable was never assigned
        tensors = [each if hasattr(each, "_mark") else None for each in inputs]
        found = failures.FailedOperator(
            op,
            [-1 if each is None else self._meet(each, event) for each in tensors],
            [None if each is None else list(each._array.shape) for each in tensors],
            ["" if each is None else DTYPES[each._array.dtype.num] for each in tensors],
            plain.plain(params),
            site,
            self._module,
            failures.sizes_of(self._running[-1] if self._running else None),
        )
        with contextlib.suppress(AttributeError):  # an exception without a __dict__
            setattr(error, failures.ATTRIBUTE, found)

    # What the session tells

    def watch(self, period: float = PERIOD) -> None:
        """Flush from a thread of its own when the program falls silent, until `finish`."""
        self._watch = Watch(self, period)
        self._watch.start()

    def loop_started(self, loop: int) -> None:
        """A turn of loop number `loop` of the program begins."""
        if self._replay is not None:
            self._replay.loop_started(loop)
            return
        self._say_partial()
        self._named_site = None
        if loop == self._iterations.training:
            self._learn_template()
        if self._iterations.loop_started(loop, self._n_events):
            self._turn()

    def loop_emptied(self, loop: int) -> None:
        """The turn of loop number `loop` that began last is none: there was no item for it."""
        if loop == self._iterations.training:
            self.end_replay()
            self._give_up_learning()
        self._iterations.loop_emptied(loop)

    def loop_ended(self, loop: int) -> None:
        """Loop number `loop` is over."""
        if self._replay is not None:
            self._replay.loop_ended(loop)
            return
        self._iterations.loop_ended(loop, self._n_events)

    def printed(self, text: str) -> None:
        """The program printed `text` (any part of a line)."""
        if self._replay is not None:
            self._replay.printed(text)
            return
        if not self._partial:
            self._print_site = self._site().id
            if self._learning is not None:
                self._print_checks = self._checks(_frame())
        self._partial += text
        if self.is_line_over:
            self._say_line()
            if self._learning is not None:
                entry = (self._print_checks, self._print_site, len(self._running))
                self._learning.step("printed", entry, self._position())

    @property
    def is_line_over(self) -> bool:
        """Whether what was printed so far makes an event."""
        return self._partial.endswith("\n") or len(self._partial) > 65536

    def _say_partial(self) -> None:
        if self._partial:
            self._give_up_learning()
            self._say_line()

    def _say_line(self) -> None:
        text, self._partial = self._partial, ""
        self._event(_PRINT, "print", self._print_site, self._module, text=text.removesuffix("\n"))

    def failed_program(self, error: BaseException) -> Failure:
        """The program ended with `error`: an event and the `failure` meta say how. Returns what it wrote."""
        self.end_replay()
        self._mend()
        self._say_partial()
        failed = failures.of(error)
        trail = failures.own_frames(error, self._filename)
        source_map = self._places.source_map()
        site = NOWHERE
        if trail:
            code, lasti, _ = trail[-1]
            site = self._places.at(code, lasti)
        facts = dict(getattr(error, "facts", None) or {})
        message = str(error)
        if failed is not None:
            names = [self._name_of(number) if number >= 0 else "" for number in failed.inputs]
            texts = failures.operand_texts(source_map, code, lasti, failed.op, len(failed.inputs)) if trail else []
            texts = failures.checked_texts(texts, failed, error, self._filename)
            facts = failures.operator_facts(facts, failed, names, texts)
            event = self._event(
                _ERROR, failed.op, site.id, failed.module, failed.inputs, params=failed.params, text=message
            )
        else:
            event = self._event(_ERROR, "", site.id, _TOP, text=message)
        for operand in facts.get("operands", ()):
            operand["tensor"] = self._tensor_ids.id_of(operand["tensor"])
        failure = Failure(
            type=type(error).__name__,
            message=message,
            line=trail[-1][2] if trail else getattr(error, "lineno", None) or 0,
            event=self._event_ids.id_of(event),
            kind=getattr(error, "kind", "") or "",
            facts=plain.plain(facts),
            traceback=failures.traceback_text(error, self._filename, source_map.source),
            span=site.id,
        )
        self._writer.set_meta("failure", failure)
        return failure

    def finish(self) -> None:
        """The program is over: write the last sections and all that waits. The writer stays open."""
        if self._is_finished:
            return
        if self._watch is not None:
            self._watch.stop()
        self.end_replay()
        self._mend()
        self._say_partial()
        self._is_finished = True
        for records, place in ((self._values, 2), (self._losses, 3)):
            early = take_from(records, place, self._n_events)
            if self._n_events:
                records += [(*fields[:place], self._n_events - 1, *fields[place + 1 :]) for fields in early]
        self._iterations.finish(self._n_events)
        self._keep()
        self._writer.set_meta("versions", failures.versions())
        if initial_seed() != DEFAULT_SEED:
            self._writer.set_meta("seed", initial_seed())
        self._writer.flush()

    close = finish


def _flat(result: Any) -> Iterator[Any]:
    if isinstance(result, tuple | list):
        for each in result:
            yield from _flat(each)
    else:
        yield result


def _entry_name(site: Site, entry: int | str) -> str:
    """Name of an entry of a batch that a loop fetches at `site`: what it is unpacked into, or its place there."""
    variables = site.entries or (site.names if len(site.names) > 1 else [])
    if variables:
        return variables[entry] if isinstance(entry, int) and entry < len(variables) else ""
    return f"{site.name}[{entry!r}]" if site.name else ""
