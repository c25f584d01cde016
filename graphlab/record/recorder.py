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
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.analysis.statistics import sample, statistics
from graphlab.engine.device import CPU, CUDA0, Virtual
from graphlab.engine.dtypes import BY_NUM
from graphlab.record import failures
from graphlab.record import params as plain
from graphlab.record.iterations import Iterations
from graphlab.record.retention import DETAIL_BYTES, DETAIL_EVENTS, Renumbering, Retention
from graphlab.record.spans import Site, SourceMap
from graphlab.trace.records import EventKind, Failure, TensorKind, ValueForm

if TYPE_CHECKING:
    from graphlab.engine.autograd.graph import Node
    from graphlab.engine.tensor import Tensor
    from graphlab.trace.store import TraceWriter

Array = np.ndarray[Any, Any]

FLUSH_SECONDS = 0.05
FLUSH_BYTES = 4 * 2**20
SPILL_BYTES = 32 * 2**20
SPILL_EVENTS = 50_000

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
_SUMMARY = ValueForm.SUMMARY.value

_DTYPES = {number: each.name for number, each in BY_NUM.items()}
_NOWHERE = Site(-1)
_FIELDS = {"kind": 1, "name": 5, "requires_grad": 6}  # places in a tensor's tuple
_KEPT_ALWAYS = frozenset({_PRINT, _WARNING, _ERROR})


class Recorder:
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
        self._writer = writer
        self._filename = filename
        self._source = source
        self._map: SourceMap | None = None
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._due = clock() + flush_seconds
        self._whole = whole_value_bytes

        # Records not yet written, as tuples of their fields. Ids are numbers given here; see Renumbering.
        self._events: list[tuple[Any, ...]] = []
        self._tensors: list[tuple[Any, ...]] = []
        self._values: list[tuple[Any, ...]] = []
        self._memory: list[tuple[Any, ...]] = []
        self._losses: list[tuple[Any, ...]] = []
        self._sections: list[tuple[Any, ...]] = []
        self._chunk = bytearray()
        self._chunk_id = writer.next_chunk
        self._n_events = 0
        self._n_tensors = 0
        self._n_values = 0
        self._lost_values = 0  # of iterations left out
        self._value_bytes = 0

        self._sites: dict[tuple[int, int], Site] = {}
        self._n_sites = 0
        self._named_site: Site | None = None  # the place whose name the last operator's output took
        self._names: dict[int, str] = {}  # of leaves
        self._module: tuple[str, int] = ("", 0)
        self._modules: list[tuple[str, int]] = []
        self._paths: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._written_modules: set[str] = set()

        self._pass = -1  # number of the running backward pass, -1 outside
        self._n_passes = 0
        self._pass_site = _NOWHERE
        self._pending: dict[int, int] = {}  # tensor -> the gradient that flows into it
        self._further: dict[int, deque[int]] = {}  # tensor -> contributions not yet added
        self._leaf_grads: dict[int, int] = {}

        self._cpu = CPU.ledger
        self._cuda = CUDA0.ledger
        self._in_use = (-1, -1)
        self._shown_memory = -1

        self._named: dict[int, str] = {}  # written tensors that have a name, the newest
        self._named_tensor = -1
        self._running: list[Any] = []  # the modules whose calls are not over
        self._partial = ""  # printed, without the end of its line
        self._print_site = -1
        self._iterations = Iterations(self._section_over)
        self._n_sections = 0
        self._retention = Retention(detail_bytes, detail_events)
        self._is_thin = False
        self._tensor_ids = Renumbering()
        self._event_ids = Renumbering()
        self._carried: dict[int, tuple[tuple[Any, ...], bytes]] = {}  # newest values of iterations left out
        self._is_finished = False

    @property
    def n_events(self) -> int:
        """How many events there have been."""
        return self._n_events

    # Places

    def _site(self, depth: int = 2) -> Site:
        """The innermost place of the program that is being run."""
        frame: FrameType | None = sys._getframe(depth)
        filename = self._filename
        while frame is not None and frame.f_code.co_filename != filename:
            frame = frame.f_back
        if frame is None:
            return _NOWHERE
        code = frame.f_code
        lasti = frame.f_lasti
        site = self._sites.get((id(code), lasti))
        if site is None:
            site = self._new_site(code, lasti)
        return site

    def _new_site(self, code: CodeType, lasti: int) -> Site:
        source_map = self._source_map()
        site = source_map.site(self._n_sites, code, lasti)
        self._n_sites += 1
        self._sites[id(code), lasti] = site  # the map keeps `code` alive, so its id stays its own
        self._writer.add("span", site.record())
        return site

    def _source_map(self) -> SourceMap:
        if self._map is None:
            self._map = SourceMap(self._source if self._source is not None else self._writer.source)
        return self._map

    def _naming_site(self, site: Site, depth: int) -> Site:
        """The place that names a value: where a function returns it, its caller's."""
        frame: FrameType | None = sys._getframe(depth)
        filename = self._filename
        is_first = True
        while site.returns and frame is not None:
            if frame.f_code.co_filename == filename:
                if not is_first:
                    key = (id(frame.f_code), frame.f_lasti)
                    site = self._sites.get(key) or self._new_site(frame.f_code, frame.f_lasti)
                is_first = False
            frame = frame.f_back
        return site

    # Tensors and values

    def _add_tensor(self, kind: int, array: Array, name: str, requires_grad: bool, of: int, device: str) -> int:
        number = self._n_tensors
        self._n_tensors = number + 1
        self._tensors.append(
            (number, kind, array.shape, _DTYPES[array.dtype.num], device, name, requires_grad, of, -1, array.nbytes)
        )
        return number

    def _add_value(self, tensor: int, event: int, array: Array) -> int:
        size = array.nbytes
        if size > self._whole:
            return self._add_summary(tensor, event, array)
        number = self._n_values
        self._n_values = number + 1
        chunk = self._chunk
        offset = len(chunk)
        chunk += array.tobytes()
        self._values.append(
            (number, tensor, event, _WHOLE, _DTYPES[array.dtype.num], array.shape, self._chunk_id, offset, size)
        )
        return number

    def _add_summary(self, tensor: int, event: int, array: Array) -> int:
        if type(array) is Virtual:  # has a shape and no numbers
            return -1
        stats = statistics(array)
        kept = sample(array)
        number = self._n_values
        self._n_values = number + 1
        offset = len(self._chunk)
        self._chunk += kept.tobytes()
        dtype = _DTYPES[array.dtype.num]
        place = (self._chunk_id, offset, kept.nbytes)
        self._values.append((number, tensor, event, _SUMMARY, dtype, array.shape, *place, kept.shape, stats))
        return number

    def _meet(self, tensor: Tensor, event: int) -> int:
        """Number of a tensor that the recorder may not know yet: its value is kept as of `event`."""
        mark = tensor._mark
        if mark is not None and not self._tensor_ids.is_lost(mark):
            return mark
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
        params: dict[str, Any] | None = None,
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
        if self._cpu.in_use != self._in_use[0] or self._cuda.in_use != self._in_use[1]:
            self._note_memory(number)
        self._events.append(
            (
                number,
                kind,
                op,
                span,
                module[0],
                module[1],
                inputs,
                outputs,
                values,
                params or {},
                forward,
                text,
                self._shown_memory,
                0,
                self._pass,
            )
        )
        if self._clock() >= self._due or len(self._chunk) > FLUSH_BYTES:
            self._flush_some()
        return number

    def _note_memory(self, event: int) -> None:
        cpu, cuda = self._cpu, self._cuda
        before = self._in_use
        self._in_use = (cpu.in_use, cuda.in_use)
        if cpu.in_use != before[0] and cpu.peak:
            self._memory.append((event, "cpu", cpu.in_use, cpu.peak))
        if cuda.in_use != before[1] and cuda.peak:
            self._memory.append((event, "cuda:0", cuda.in_use, cuda.peak))
        self._shown_memory = cuda.in_use if cuda.peak else cpu.in_use if cpu.peak else -1

    # Observer: operators

    def created(self, op: str, tensor: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.created`."""
        site = self._site()
        named = self._naming_site(site, 2) if site.returns else site
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
        named = self._naming_site(site, 2) if site.returns else site
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
        dtype = _DTYPES[array.dtype.num]
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
            text = failures.receiver_text(self._source_map(), frame.f_code, frame.f_lasti)
        return text if text and len(text) <= 40 and "\n" not in text else "loss"

    def _name_of(self, number: int) -> str:
        name = self._names.get(number)
        if name is not None:
            return name
        first = self._tensors[0][0] if self._tensors else self._n_tensors
        return str(self._tensors[number - first][5]) if number >= first else self._named.get(number, "")

    def backward_ended(self) -> None:
        """See `Observer.backward_ended`."""
        self._pass = -1
        self._pending.clear()
        self._further.clear()

    def _gradient(self, of: int, array: Array) -> int:
        number = self._n_tensors
        self._n_tensors = number + 1
        dtype = _DTYPES[array.dtype.num]
        self._tensors.append((number, _GRADIENT, array.shape, dtype, "cpu", "", False, of, -1, array.nbytes))
        return number

    def _seed(self, of: int, array: Array) -> int:
        """The gradient that a pass starts from: an event of its own, without inputs."""
        number = self._gradient(of, array)
        value = self._add_value(number, self._n_events, array)
        self._event(_ACCUMULATE, "backward", self._pass_site.id, ("", 0), (), (number,), (value,))
        return number

    def backward(self, node: Node, grads: tuple[Array | None, ...], result: tuple[Array | None, ...]) -> None:
        """See `Observer.backward`."""
        mark = node._mark
        if mark is None:
            return
        forward, sources, targets, span, module = mark
        pending = self._pending
        incoming: list[int] = []
        for at, grad in enumerate(grads):
            if grad is None:
                incoming.append(-1)
                continue
            of = targets[at]
            number = pending.pop(of, -1)
            incoming.append(number if number >= 0 else self._seed(of, grad))
        event = self._n_events
        outgoing: list[int] = []
        values: list[int] = []
        for at, grad in enumerate(result):
            if grad is None:
                outgoing.append(-1)
                values.append(-1)
                continue
            of = sources[at]
            number = self._gradient(of, grad)
            outgoing.append(number)
            values.append(self._add_value(number, event, grad))
            if of in pending:
                self._further.setdefault(of, deque()).append(number)
            else:
                pending[of] = number
        self._event(_BACKWARD, self._op_name(node), span, module, incoming, outgoing, values, None, forward)

    def _op_name(self, node: Node) -> str:
        return node.op.name

    def summed(self, node: Node, output: int, contribution: Array, total: Array) -> None:
        """See `Observer.summed`."""
        event = self._n_events
        mark = node._mark
        if mark is not None:
            forward, _, targets, span, module = mark
            of = targets[output]
        else:
            of, forward, span, module = self._meet(node.variable, event), -1, self._pass_site.id, ("", 0)
        waiting = self._further.get(of)
        second = waiting.popleft() if waiting else -1
        first = self._pending.get(of, -1)
        number = self._gradient(of, total)
        value = self._add_value(number, event, total)
        self._pending[of] = number
        self._event(_ACCUMULATE, "add", span, module, (first, second), (number,), (value,), None, forward)

    def accumulated(self, leaf: Tensor, grad: Array) -> None:
        """See `Observer.accumulated`."""
        of = self._meet(leaf, self._n_events)
        contribution = self._pending.pop(of, -1)
        if contribution < 0:
            contribution = self._seed(of, grad)
        event = self._n_events
        total = leaf._grad
        number = self._leaf_grads.get(of, -1)
        if number < 0 or self._tensor_ids.is_lost(number):
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
        self._event(_ACCUMULATE, "accumulate", self._pass_site.id, ("", 0), inputs, (number,), (value,))

    # Observer: optimizers, modules, messages

    def updated(self, optimizer: str, param: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.updated`."""
        event = self._n_events
        number = self._meet(param, event)
        value = self._add_value(number, event, param._array)
        inputs = (number, self._leaf_grads.get(number, -1))
        self._event(_UPDATE, optimizer, self._site().id, ("", 0), inputs, (number,), (value,), params)

    def zeroed(self, params: list[Tensor]) -> None:
        """See `Observer.zeroed`."""
        cleared = [self._leaf_grads[each._mark] for each in params if each._mark in self._leaf_grads]
        self._event(_INPLACE, "zero_grad", self._site().id, ("", 0), cleared, cleared, [-1] * len(cleared))

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

    def _amend(self, number: int, **changes: Any) -> None:
        first = self._tensors[0][0] if self._tensors else self._n_tensors
        if number >= first:
            fields = list(self._tensors[number - first])
            for field, value in changes.items():
                fields[_FIELDS[field]] = value
            self._tensors[number - first] = tuple(fields)
        else:
            self._writer.amend_tensor(self._tensor_ids.id_of(number), changes)
            self._named.pop(number, None)

    def warned(self, message: str, category: str, kind: str, facts: dict[str, Any]) -> None:
        """See `Observer.warned`."""
        self._event(_WARNING, category, self._site().id, self._module, params={"kind": kind, **facts}, text=message)

    def failed(self, op: str, inputs: tuple[Any, ...], params: dict[str, Any], error: BaseException) -> None:
        """See `Observer.failed`. Becomes an event only if the program does not catch the error."""
        if failures.of(error) is not None:
            return  # an outer operator was given up for the same reason
        event = self._n_events
        tensors = [each if hasattr(each, "_mark") else None for each in inputs]
        found = failures.FailedOperator(
            op,
            [-1 if each is None else self._meet(each, event) for each in tensors],
            [None if each is None else list(each._array.shape) for each in tensors],
            ["" if each is None else _DTYPES[each._array.dtype.num] for each in tensors],
            plain.plain(params),
            self._site(),
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
        source_map = self._source_map()
        site = _NOWHERE
        if trail:
            code, lasti, _ = trail[-1]
            site = self._sites.get((id(code), lasti)) or self._new_site(code, lasti)
        facts = dict(getattr(error, "facts", None) or {})
        message = str(error)
        if failed is not None:
            names = [self._name_of(number) if number >= 0 else "" for number in failed.inputs]
            texts = failures.operand_texts(source_map, code, lasti, failed.op, len(failed.inputs)) if trail else []
            facts = failures.operator_facts(facts, failed, names, texts)
            event = self._event(
                _ERROR, failed.op, site.id, failed.module, failed.inputs, params=failed.params, text=message
            )
        else:
            event = self._event(_ERROR, "", site.id, ("", 0), text=message)
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
            early = _take_from(records, place, self._n_events)
            if self._n_events:
                records += [(*fields[:place], self._n_events - 1, *fields[place + 1 :]) for fields in early]
        self._iterations.finish(self._n_events)
        self._keep()
        self._writer.set_meta("versions", failures.versions())
        self._writer.flush()

    close = finish

    # Writing

    def flush(self) -> None:
        """Put on disk what is decided, so that a reader sees it."""
        self._flush_some()

    def _flush_some(self) -> None:
        if not self._is_thin or len(self._chunk) > SPILL_BYTES or len(self._events) > SPILL_EVENTS:
            self._keep()
        self._writer.flush()
        self._due = self._clock() + self._flush_seconds

    def _mend(self) -> None:
        """Set the counts by what is there: an interruption may have come between counting and appending."""
        if self._events:
            self._n_events = self._events[-1][0] + 1
        if self._tensors:
            self._n_tensors = self._tensors[-1][0] + 1
        values = self._values
        while values and (values[-1][1] >= self._n_tensors or values[-1][2] > self._n_events):
            values.pop()
        if values:
            self._n_values = values[-1][0] + 1

    def _section_over(self, kind: str, iteration: int, first: int, end: int) -> None:
        is_open = not self._is_finished and kind == "iteration" and end == self._n_events
        if self._is_thin and is_open and first >= self._event_ids.start and not self._retention.keeps(iteration):
            self._drop(kind, iteration, first)
            return
        self._sections.append((self._n_sections, kind, iteration, first, end, True))
        self._n_sections += 1
        if self._is_thin:
            self._keep()
        elif is_open and self._retention.is_spent(self._value_bytes + len(self._chunk), end):
            self._keep()
            self._is_thin = True
            self._event_ids.begin(self._n_events)
            self._tensor_ids.begin(self._n_tensors)

    def _keep(self) -> None:
        """Hand all records that wait to the writer."""
        writer = self._writer
        for fields in self._tensors:
            if fields[5]:
                self._named[fields[0]] = fields[5]
        if len(self._named) > 20_000:
            self._named = dict(list(self._named.items())[-5_000:])
        if self._is_thin:
            self._renumber()
            if self._carried and self._events:
                self._write_carried(self._events[0][0])
        if self._chunk:
            self._value_bytes += len(self._chunk)
            writer.put_chunk(bytes(self._chunk))
            self._chunk = bytearray()
            self._chunk_id = writer.next_chunk
        self._hand_over()
        if self._is_thin:
            self._event_ids.keep(self._n_events)
            self._tensor_ids.keep(self._n_tensors)

    def _hand_over(self) -> None:
        writer = self._writer
        # What belongs to an event that has not come yet waits for it.
        end = self._event_ids.id_of(self._n_events)
        early_values = _take_from(self._values, 2, end)
        early_losses = _take_from(self._losses, 3, end)
        waiting = (self._tensors, self._events, self._values, self._memory, self._losses, self._sections)
        for kind, records in zip(("tensor", "event", "value", "memory", "loss", "section"), waiting, strict=True):
            if records:
                writer.add_many(kind, records)
                records.clear()
        self._values += early_values
        self._losses += early_losses

    def _renumber(self) -> None:
        """Put ids in the place of numbers in all records that wait."""
        event_id, tensor_id, lost = self._event_ids.id_of, self._tensor_ids.id_of, self._lost_values
        self._tensors[:] = [(tensor_id(t[0]), *t[1:7], tensor_id(t[7]), tensor_id(t[8]), *t[9:]) for t in self._tensors]
        self._events[:] = [
            (
                event_id(e[0]),
                *e[1:6],
                [tensor_id(number) for number in e[6]],
                [tensor_id(number) for number in e[7]],
                [number - lost if number >= 0 else -1 for number in e[8]],
                e[9],
                event_id(e[10]),
                *e[11:],
            )
            for e in self._events
        ]
        self._values[:] = [(v[0] - lost, tensor_id(v[1]), event_id(v[2]), *v[3:]) for v in self._values]
        self._memory[:] = [(event_id(m[0]), *m[1:]) for m in self._memory]
        self._losses[:] = [(*loss[:3], event_id(loss[3])) for loss in self._losses]
        self._sections[:] = [(*s[:3], event_id(s[3]), event_id(s[4]), s[5]) for s in self._sections]

    def _write_carried(self, first: int) -> None:
        """What iterations that were left out made of older tensors is their value before event `first`, the next kept."""
        for value, data in self._carried.values():
            number = self._n_values
            self._n_values = number + 1
            place = (self._chunk_id, len(self._chunk), len(data))
            self._chunk += data
            tensor = self._tensor_ids.id_of(value[1])
            self._values.append(
                (number - self._lost_values, tensor, max(first - 1, 0), *value[3:6], *place, *value[9:])
            )
        self._carried.clear()

    def _drop(self, kind: str, iteration: int, first: int) -> None:
        """Leave out an iteration but for its losses and messages, and remember what it made of older tensors."""
        oldest = self._tensor_ids.start
        for value in self._values:
            if value[1] < oldest:
                self._carried[value[1]] = (value, bytes(self._chunk[value[7] : value[7] + value[8]]))
        roots = {loss[3] for loss in self._losses}
        events = [e for e in self._events if e[1] in _KEPT_ALWAYS or (e[0] in roots and e[1] == _ACCUMULATE)]
        gradients = {number for e in events if e[1] == _ACCUMULATE for number in e[7]}
        wanted = gradients | {t[7] for t in self._tensors if t[0] in gradients}
        tensors = [t for t in self._tensors if t[0] in wanted]
        values = {v[1]: v for v in self._values if v[1] in wanted and v[1] >= oldest}  # the newest of each
        n_before = self._n_values - len(self._values)
        self._event_ids.drop(self._n_events, [e[0] for e in events])
        self._tensor_ids.drop(self._n_tensors, [t[0] for t in tensors])
        first_id = n_before - self._lost_values
        event_id, tensor_id = self._event_ids.id_of, self._tensor_ids.id_of
        ids: dict[int, int] = {}
        records = []
        for at, value in enumerate(sorted(values.values())):
            ids[value[0]] = first_id + at
            place = self._writer.put_bytes(bytes(self._chunk[value[7] : value[7] + value[8]]))
            event = max(event_id(value[2]), event_id(events[0][0]) if events else 0)
            records.append((first_id + at, tensor_id(value[1]), event, *value[3:6], *place, *value[9:]))
        self._lost_values += len(self._values) - len(records)
        self._tensors[:] = [(tensor_id(t[0]), *t[1:7], tensor_id(t[7]), -1, *t[9:]) for t in tensors]
        self._events[:] = [
            (
                event_id(e[0]),
                *e[1:6],
                [tensor_id(number) for number in e[6]],
                [tensor_id(number) for number in e[7]],
                [ids.get(number, -1) for number in e[8]],
                e[9],
                -1,
                *e[11:],
            )
            for e in events
        ]
        self._values[:] = records
        last = event_id(events[-1][0]) if events else -1
        newest = {m[1]: m for m in self._memory}
        self._memory[:] = [(last, *m[1:]) for m in newest.values()] if events else []
        self._losses[:] = [(*loss[:3], event_id(loss[3])) for loss in self._losses if event_id(loss[3]) >= 0]
        if events:
            self._sections.append((self._n_sections, kind, iteration, event_id(events[0][0]), last + 1, False))
            self._n_sections += 1
        self._hand_over()
        self._chunk.clear()
        self._chunk_id = self._writer.next_chunk
        self._named_tensor = -1


def _take_from(records: list[tuple[Any, ...]], place: int, event: int) -> list[tuple[Any, ...]]:
    """Cut off and return the end of `records` whose field `place` is `event` or later."""
    at = len(records)
    while at and records[at - 1][place] >= event:
        at -= 1
    taken = records[at:]
    del records[at:]
    return taken


def _one_line(module: Any) -> str:
    text = " ".join(repr(module).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
