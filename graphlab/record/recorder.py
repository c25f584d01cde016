"""The observer that turns what the engine does into a trace.

What runs for each operator is kept short: it copies small values and appends tuples that are records already. Places
and names are found once for each place in the program; encoding and disk come at `flush`, some twenty times a second.
"""

from __future__ import annotations

import contextlib
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine.device import CPU, Virtual
from graphlab.record import failures
from graphlab.record import params as plain
from graphlab.record.pages import DTYPES, FLUSH_BYTES, FLUSH_EVENTS, FLUSH_SECONDS, Pages, take_from
from graphlab.record.places import NOWHERE, Places
from graphlab.record.retention import DETAIL_BYTES, DETAIL_EVENTS
from graphlab.record.spans import Site
from graphlab.trace.records import EventKind, Failure, TensorKind, ValueForm

if TYPE_CHECKING:
    from graphlab.engine.autograd.graph import Node
    from graphlab.engine.tensor import Tensor
    from graphlab.trace.store import TraceWriter

Array = np.ndarray[Any, Any]

_CREATE = int(EventKind.CREATE)
_FORWARD = int(EventKind.FORWARD)
_BACKWARD = int(EventKind.BACKWARD)
_ACCUMULATE = int(EventKind.ACCUMULATE)
_UPDATE = int(EventKind.UPDATE)
_INPLACE = int(EventKind.INPLACE)
_PRINT = int(EventKind.PRINT)
_WARNING = int(EventKind.WARNING)
_ERROR = int(EventKind.ERROR)
_LEAF = int(TensorKind.LEAF)
_PARAMETER = int(TensorKind.PARAMETER)
_BUFFER = int(TensorKind.BUFFER)
_INTERMEDIATE = int(TensorKind.INTERMEDIATE)
_GRADIENT = int(TensorKind.GRADIENT)
_LEAF_GRAD = int(TensorKind.LEAF_GRAD)
_WHOLE = ValueForm.WHOLE.value
_NO_PARAMS: dict[str, Any] = {}
_TOP = ("", 0)


class Recorder(Pages):
    """Watches a run and appends it to `writer`. One recorder a run.

    `filename` is the `co_filename` of the program's code, `source` its text (else the writer's meta "source"). Values
    of up to `whole_value_bytes` are kept whole, larger ones as statistics and a sample. Full detail lasts until
    `detail_bytes` of values or `detail_events` events are written; then see `Retention`.
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
    ) -> None:
        super().__init__(writer, detail_bytes, detail_events, whole_value_bytes, flush_seconds, clock)
        self._filename = filename
        self._places = Places(writer, filename, source)
        self._site = self._places.here
        self._named_site: Site | None = None  # the place whose name the last operator's output took
        self._named_tensor = -1
        self._module: tuple[str, int] = ("", 0)
        self._modules: list[tuple[str, int]] = []
        self._running: list[Any] = []  # the modules whose calls are not over
        self._paths: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._written_modules: set[str] = set()
        self._pass = -1  # number of the running backward pass, -1 outside
        self._n_passes = 0
        self._pass_site = NOWHERE
        self._pending: dict[int, int] = {}  # tensor -> the gradient that flows into it
        self._further: dict[int, deque[int]] = {}  # tensor -> contributions not yet added
        self._leaf_grads: dict[int, int] = {}
        self._partial = ""  # printed, without the end of its line
        self._print_site = -1

    @property
    def n_events(self) -> int:
        """How many events there have been."""
        return self._n_events

    # Tensors and values

    def _meet(self, tensor: Tensor, event: int) -> int:
        """Number of a tensor that the recorder may not know yet: its value is kept as of `event`."""
        mark = tensor._mark
        if mark is not None and (mark < self._tensor_ids.floor or not self._tensor_ids.is_lost(mark)):
            return mark  # type: ignore[no-any-return]
        is_parameter = tensor._rg and tensor._fn is None
        kind = _PARAMETER if is_parameter else _INTERMEDIATE if tensor._fn is not None else _LEAF
        return self._introduce(tensor, kind, self._variable_of(tensor), event)

    def _introduce(self, tensor: Tensor, kind: int, name: str, event: int) -> int:
        array = tensor._array
        number = self._add_tensor(kind, array, name, tensor._rg, -1, str(tensor._device))
        tensor._mark = number
        if kind != _INTERMEDIATE:
            self._names[number] = name
        self._add_value(number, event, array)
        return number

    def _variable_of(self, value: object) -> str:
        """The variable of the program that holds `value`, searched from the innermost frame outwards."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self._filename:
                for scope in (frame.f_locals, frame.f_globals):
                    for name, held in scope.items():
                        if held is value and name != "self" and not name.startswith("_"):
                            return name
            frame = frame.f_back
        return ""

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

    # Observer: operators

    def created(self, op: str, tensor: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.created`."""
        site = self._site()
        named = self._places.naming(site) if site.returns else site
        event = self._n_events
        kind = _PARAMETER if tensor._rg else _LEAF
        array = tensor._array
        name = named.name
        number = self._add_tensor(kind, array, name, tensor._rg, -1, str(tensor._device))
        tensor._mark = number
        self._names[number] = name
        self._named_site = None
        self._event(_CREATE, op, site.id, self._module, (), (number,), (self._add_value(number, event, array),), params)

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
        site = self._site()
        named = self._places.naming(site) if site.returns else site
        if named.name:
            if named is self._named_site:
                self._take_name_back()
            self._named_site = named
        else:
            self._named_site = None
        first = inputs[0] if inputs else None
        if output.__class__ is tuple:
            names = named.names
            targets = [
                self._output(each, sources, first, names[at] if at < len(names) else "", event)
                for at, each in enumerate(output)
            ]
            outputs: Any = [number for number, _ in targets]
            values: Any = [value for _, value in targets]
            node = next((each._fn for each in output if each._fn is not None), None)
            self._named_tensor = -1
        else:
            number, value = self._output(output, sources, first, named.name, event)
            outputs = (number,)
            values = (value,)
            node = output._fn
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

    def _output(self, tensor: Tensor, sources: list[int], first: Any, name: str, event: int) -> tuple[int, int]:
        array = tensor._array
        base = -1
        if array.base is not None and sources and sources[0] >= 0:
            other = first._array
            if array.base is other or (other.base is not None and array.base is other.base):
                base = sources[0]
        number = self._n_tensors
        self._n_tensors = number + 1
        device = "cpu" if tensor._device is CPU else "cuda:0"
        dtype = DTYPES[array.dtype.num]
        shape = array.shape
        size = array.nbytes
        requires_grad = tensor._rg
        self._tensors.append((number, _INTERMEDIATE, shape, dtype, device, name, requires_grad, -1, base, size))
        tensor._mark = number
        if size > self._whole:
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
        if -1 in sources:
            params = plain.with_numbers(op, inputs, params)
        value = self._add_value(number, event, tensor._array)
        self._named_site = None
        self._event(_INPLACE, op, site.id, self._module, sources, (number,), (value,), params)

    # Observer: backward

    def backward_started(self, root: Tensor) -> None:
        """See `Observer.backward_started`."""
        event = self._n_events
        number = self._meet(root, event)
        self._iterations.backward_started(event)
        self._pass = self._n_passes
        self._n_passes += 1
        self._pass_site = self._site()
        self._pending.clear()
        self._further.clear()
        array = root._array
        if array.size == 1 and type(array) is not Virtual:
            name = self._loss_name(number)
            self._losses.append((name, self._iterations.current, float(array.reshape(())), event))

    def _loss_name(self, number: int) -> str:
        name = self._name_of(number)
        if name:
            return name
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self._filename:
            frame = frame.f_back
        text = ""
        if frame is not None:
            text = failures.receiver_text(self._places.source_map(), frame.f_code, frame.f_lasti)
        return text if text and len(text) <= 40 and "\n" not in text else "loss"

    def backward_ended(self) -> None:
        """See `Observer.backward_ended`."""
        self._pass = -1
        self._pending.clear()
        self._further.clear()

    def _gradient(self, of: int, array: Array, event: int) -> int:
        """A new gradient tensor with its value; its value's number is the newest."""
        number = self._n_tensors
        self._n_tensors = number + 1
        dtype = DTYPES[array.dtype.num]
        shape = array.shape
        size = array.nbytes
        self._tensors.append((number, _GRADIENT, shape, dtype, "cpu", "", False, of, -1, size))
        if size > self._whole:
            self._add_summary(number, event, array)
        else:
            value = self._n_values
            self._n_values = value + 1
            chunk = self._chunk
            self._values.append((value, number, event, _WHOLE, dtype, shape, self._chunk_id, len(chunk), size))
            chunk += array.tobytes()
        return number

    def _newest_value(self, tensor: int) -> int:
        """Number of the value just added for `tensor`, -1 when it had no numbers."""
        values = self._values
        return values[-1][0] if values and values[-1][1] == tensor else -1

    def _seed(self, of: int, array: Array) -> int:
        """The gradient that a pass starts from: an event of its own, without inputs."""
        number = self._gradient(of, array, self._n_events)
        value = self._newest_value(number)
        self._event(_ACCUMULATE, "backward", self._pass_site.id, _TOP, (), (number,), (value,))
        return number

    def backward(self, node: Node, grads: tuple[Array | None, ...], result: tuple[Array | None, ...]) -> None:
        """See `Observer.backward`."""
        mark = node._mark
        if mark is None:
            return
        forward, sources, targets, span, module = mark
        pending = self._pending
        incoming: list[int] = []
        for of, grad in zip(targets, grads):
            if grad is None:
                incoming.append(-1)
            else:
                number = pending.pop(of, -1)
                incoming.append(number if number >= 0 else self._seed(of, grad))
        event = self._n_events
        outgoing: list[int] = []
        values: list[int] = []
        for of, grad in zip(sources, result):
            if grad is None:
                outgoing.append(-1)
                values.append(-1)
                continue
            number = self._gradient(of, grad, event)
            outgoing.append(number)
            values.append(self._n_values - 1 if type(grad) is not Virtual else -1)
            if of in pending:
                self._further.setdefault(of, deque()).append(number)
            else:
                pending[of] = number
        self._event(_BACKWARD, node.op.name, span, module, incoming, outgoing, values, _NO_PARAMS, forward)

    def summed(self, node: Node, output: int, contribution: Array, total: Array) -> None:
        """See `Observer.summed`."""
        event = self._n_events
        mark = node._mark
        if mark is not None:
            forward, _, targets, span, module = mark
            of = targets[output]
        else:
            leaf: Tensor = node.variable  # type: ignore[attr-defined]
            of, forward, span, module = self._meet(leaf, event), -1, self._pass_site.id, ("", 0)
        waiting = self._further.get(of)
        second = waiting.popleft() if waiting else -1
        first = self._pending.get(of, -1)
        number = self._gradient(of, total, event)
        value = self._newest_value(number)
        self._pending[of] = number
        self._event(_ACCUMULATE, "add", span, module, (first, second), (number,), (value,), _NO_PARAMS, forward)

    def accumulated(self, leaf: Tensor, grad: Array) -> None:
        """See `Observer.accumulated`."""
        of = self._meet(leaf, self._n_events)
        contribution = self._pending.pop(of, -1)
        if contribution < 0:
            contribution = self._seed(of, grad)
        event = self._n_events
        total = leaf._grad
        assert total is not None, "the engine tells after it has set the gradient"
        number = self._leaf_grads.get(of, -1)
        if number < 0 or (number >= self._tensor_ids.floor and self._tensor_ids.is_lost(number)):
            name = self._names.get(of, "")
            number = self._add_tensor(
                _LEAF_GRAD, total._array, f"{name}.grad" if name else "", False, of, str(leaf._device)
            )
            self._leaf_grads[of] = number
            inputs: tuple[int, ...] = (contribution,)
        else:
            inputs = (number, contribution) if total._mark == number else (contribution,)
        total._mark = number
        value = self._add_value(number, event, total._array)
        self._event(_ACCUMULATE, "accumulate", self._pass_site.id, _TOP, inputs, (number,), (value,))

    # Observer: optimizers, modules, messages

    def updated(self, optimizer: str, param: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.updated`."""
        event = self._n_events
        number = self._meet(param, event)
        value = self._add_value(number, event, param._array)
        inputs = (number, self._leaf_grads.get(number, -1))
        self._event(_UPDATE, optimizer, self._site().id, _TOP, inputs, (number,), (value,), params)

    def zeroed(self, params: list[Tensor]) -> None:
        """See `Observer.zeroed`."""
        cleared = [self._leaf_grads[each._mark] for each in params if each._mark in self._leaf_grads]
        self._event(_INPLACE, "zero_grad", self._site().id, _TOP, cleared, cleared, [-1] * len(cleared))

    def module_entered(self, module: Any) -> None:
        """See `Observer.module_entered`."""
        known = self._paths.get(id(module))
        if known is None or known[0]() is not module:
            self._learn_module(module)
            known = self._paths[id(module)]
        self._module = (known[1], len(self._modules) + 1)
        self._modules.append(self._module)
        self._running.append(module)

    def module_left(self, module: Any) -> None:
        """See `Observer.module_left`."""
        self._modules.pop()
        self._running.pop()
        self._module = self._modules[-1] if self._modules else ("", 0)

    def _learn_module(self, root: Any) -> None:
        """Give a module, all below it and their parameters the names that the program knows them by."""
        above = self._module[0]
        name = self._variable_of(root) if not above else ""
        kind = type(root).__name__
        base = name or (f"{above}.{kind}" if above else kind)
        for number in [number for number, given in self._named.items() if given == base]:
            self._amend(number, name="")  # `net = Net().to(device)`: it is the module that has the name
        for path, module in root.named_modules():
            known = self._paths.get(id(module))
            if known is not None and known[0]() is module and module is not root:
                continue
            full = f"{base}.{path}" if path else base
            self._paths[id(module)] = (weakref.ref(module), full)
            if full not in self._written_modules:
                self._written_modules.add(full)
                self._writer.add("module", (full, type(module).__name__, _one_line(module)))
        for path, parameter in root.named_parameters():
            self._name_member(parameter, _PARAMETER, f"{base}.{path}")
        for path, buffer in root.named_buffers():
            self._name_member(buffer, _BUFFER, f"{base}.{path}")

    def _name_member(self, tensor: Tensor, kind: int, name: str) -> None:
        mark = tensor._mark
        if mark is None or self._tensor_ids.is_lost(mark):
            self._introduce(tensor, kind, name, self._n_events)
        elif self._names.get(mark) != name and "." not in self._names.get(mark, ""):
            self._names[mark] = name
            self._amend(mark, kind=kind, name=name, requires_grad=tensor._rg)

    def warned(self, message: str, category: str, kind: str, facts: dict[str, Any]) -> None:
        """See `Observer.warned`."""
        self._event(_WARNING, category, self._site().id, self._module, params={"kind": kind, **facts}, text=message)

    def failed(self, op: str, inputs: tuple[Any, ...], params: dict[str, Any], error: BaseException) -> None:
        """See `Observer.failed`. Becomes an event only if the program does not catch the error."""
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

    def loop_started(self, loop: int) -> None:
        """A turn of loop number `loop` of the program begins."""
        self._say_partial()
        self._iterations.loop_started(loop, self._n_events)

    def loop_ended(self, loop: int) -> None:
        """Loop number `loop` is over."""
        self._iterations.loop_ended(loop, self._n_events)

    def printed(self, text: str) -> None:
        """The program printed `text` (any part of a line)."""
        if not self._partial:
            self._print_site = self._site().id
        self._partial += text
        if text.endswith("\n") or len(self._partial) > 65536:
            self._say_partial()

    def _say_partial(self) -> None:
        if self._partial:
            text, self._partial = self._partial, ""
            self._event(_PRINT, "print", self._print_site, self._module, text=text.removesuffix("\n"))

    def failed_program(self, error: BaseException) -> Failure:
        """The program ended with `error`: an event and the `failure` meta say how. Returns what it wrote."""
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
        self._writer.flush()

    close = finish


def _one_line(module: Any) -> str:
    text = " ".join(repr(module).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
