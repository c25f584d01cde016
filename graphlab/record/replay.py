"""Recording iterations that are like one that was recorded before: each step is compared with its step, and only the
values are kept. What the trace holds in the end is the same.

While a replay runs, its methods stand in the place of the recorder's. At the first step that differs the recorder
takes over again, in the state in which it would be had it recorded everything itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.record.copies import Copies
from graphlab.record.pattern import Counters

if TYPE_CHECKING:
    from graphlab.engine.autograd.graph import Node
    from graphlab.engine.tensor import Tensor
    from graphlab.record.learning import Template
    from graphlab.record.recorder import Recorder

Array = np.ndarray[Any, Any]
_frame = sys._getframe
METHODS = (
    *("created", "forward", "inplace", "backward_started", "backward", "summed", "accumulated", "backward_ended"),
    *("updated", "zeroed", "module_entered", "module_left", "warned", "failed"),
)
"""What a replay does in the place of its recorder."""


class Replay(Copies):
    """A run of iterations like `template`, the first of which begins now."""

    __slots__ = (
        *("_accumulated", "_backward", "_backward_ended", "_backward_started", "_created", "_entered", "_event_at"),
        *("_forward", "_inplace", "_iterations", "_marks", "_moves", "_n_steps", "_printed", "_recorder"),
        *("_running", "_summed", "_updated", "_zeroed"),
    )

    def __init__(self, recorder: Recorder, template: Template, first: Counters) -> None:
        super().__init__(template, first, recorder._cpu, recorder._cuda)
        self._recorder = recorder
        self._iterations = recorder._iterations
        self._running = recorder._running
        self._moves = template.moves
        self._n_steps = template.n_steps
        self._event_at = [position.counters.event for position in template.positions]
        self._marks = [template.shifted(number, self._shift[1]) for number in template.slots]
        nothing = [None] * (template.n_steps + 1)
        kinds = template.kinds
        self._created = kinds.get("created", nothing)
        self._forward = kinds.get("forward", nothing)
        self._inplace = kinds.get("inplace", nothing)
        self._backward_started = kinds.get("backward_started", nothing)
        self._backward = kinds.get("backward", nothing)
        self._summed = kinds.get("summed", nothing)
        self._accumulated = kinds.get("accumulated", nothing)
        self._backward_ended = kinds.get("backward_ended", nothing)
        self._updated = kinds.get("updated", nothing)
        self._zeroed = kinds.get("zeroed", nothing)
        self._entered = kinds.get("module_entered", nothing)
        self._printed = kinds.get("printed", nothing)

    def _leave(self) -> Recorder:
        """A step differs: the recorder takes over."""
        self._recorder.end_replay()
        return self._recorder

    def _same_inputs(self, inputs: tuple[Any, ...], slots: tuple[int, ...], numbers: tuple[Any, ...]) -> bool:
        if len(inputs) != len(slots):
            return False
        marks = self._marks
        for given, slot, number in zip(inputs, slots, numbers):
            if slot >= 0:
                if getattr(given, "_mark", None) != marks[slot]:
                    return False
            elif given is not number and (
                given.__class__ is not number.__class__ or given != number or (not given and str(given) != str(number))
            ):
                return False
        return True

    # Observer: operators

    def created(self, op: str, tensor: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.created`."""
        at = self.at
        entry = self._created[at]
        if entry is None:
            return self._leave().created(op, tensor, params)
        name, known, checks, depth, made = entry
        if op is not name or len(self._running) != depth or not made.fits(tensor) or not known.same(params):
            return self._leave().created(op, tensor, params)
        for out, code, lasti in checks:
            frame = _frame(out)
            if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                return self._leave().created(op, tensor, params)
        self._recorder._chunk += tensor._array.tobytes()
        tensor._mark = self._marks[made.slot]
        if self._counted:
            self._note(self._cpu.in_use)
        self.at = at + 1
        return None

    def forward(self, op: str, inputs: tuple[Any, ...], output: Any, params: dict[str, Any]) -> None:
        """See `Observer.forward`."""
        at = self.at
        entry = self._forward[at]
        if entry is None or output.__class__ is tuple:
            return self._forward_many(op, inputs, output, params)
        name, n_inputs, slots, numbers, known, checks, depth, shape, dtype, made = entry
        array = output._array
        if (
            op is not name
            or len(inputs) != n_inputs
            or len(self._running) != depth
            or array.shape != shape
            or array.dtype is not dtype
            or output._rg is not made.requires_grad
            or output._device is not made.device
            or ((params or known.known) and not known.same(params))
        ):
            return self._leave().forward(op, inputs, output, params)
        marks = self._marks
        if numbers is None:
            try:
                for given, slot in zip(inputs, slots):
                    if given._mark != marks[slot]:
                        return self._leave().forward(op, inputs, output, params)
            except AttributeError:  # a number in the place of a tensor
                return self._leave().forward(op, inputs, output, params)
        elif not self._same_inputs(inputs, slots, numbers):
            return self._leave().forward(op, inputs, output, params)
        for out, code, lasti in checks:
            frame = _frame(out)
            if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                return self._leave().forward(op, inputs, output, params)
        if (array.base is not None or made.is_view) and shares(array, inputs) is not made.is_view:
            return self._leave().forward(op, inputs, output, params)
        node = output._fn
        if (node is not None) is not made.has_node:
            return self._leave().forward(op, inputs, output, params)
        self._recorder._chunk += array.tobytes()
        output._mark = marks[made.slot]
        if node is not None:
            node._mark = (self._shift, made)
        if self._counted:
            self._note(self._cpu.in_use)
        self.at = at + 1
        return None

    def _forward_many(self, op: str, inputs: tuple[Any, ...], output: Any, params: dict[str, Any]) -> None:
        # The frame of `forward` stands between this one and the engine's: see `_leave`.
        return self._leave().forward(op, inputs, output, params)

    def inplace(self, op: str, tensor: Tensor, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        """See `Observer.inplace`."""
        at = self.at
        entry = self._inplace[at]
        if entry is None:
            return self._leave().inplace(op, tensor, inputs, params)
        name, slots, numbers, known, checks, depth, target, made = entry
        if (
            op is not name
            or len(self._running) != depth
            or tensor._mark != self._marks[target]
            or tensor._view is not None
            or not made.fits(tensor)
            or not known.same(params)
            or not self._same_inputs(inputs, slots, numbers)
        ):
            return self._leave().inplace(op, tensor, inputs, params)
        for out, code, lasti in checks:
            frame = _frame(out)
            if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                return self._leave().inplace(op, tensor, inputs, params)
        self._recorder._chunk += tensor._array.tobytes()
        if tensor._fn is not None:
            tensor._fn._mark = (self._shift, made)
        if self._counted:
            self._note(self._cpu.in_use)
        self.at = at + 1
        return None

    # Observer: backward

    def backward_started(self, root: Tensor) -> None:
        """See `Observer.backward_started`."""
        at = self.at
        entry = self._backward_started[at]
        if entry is None or root._mark != self._marks[entry[0]]:
            return self._leave().backward_started(root)
        _slot, checks, name = entry
        for out, code, lasti in checks:
            frame = _frame(out)
            if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                return self._leave().backward_started(root)
        event = self._event_at[at] + self._shift[0]
        iterations = self._iterations
        if not iterations.passed():
            iterations.backward_started(event)
        if name is not None:
            self._recorder._losses.append((name, iterations.current, float(root._array.reshape(())), event))
        self.at = at + 1
        return None

    def backward(self, node: Node, grads: tuple[Array | None, ...], result: Sequence[Array | None]) -> None:
        """See `Observer.backward`."""
        at = self.at
        entry = self._backward[at]
        mark = node._mark
        if entry is None or mark is None or mark[0] is not self._shift or mark[1] is not entry[0]:
            return self._leave().backward(node, grads, result)
        _, seeds, sizes = entry
        data = b""
        for grad, size in zip(grads, seeds):
            if grad is None:
                if size != -1:
                    return self._leave().backward(node, grads, result)
            elif size >= 0:
                data = grad.tobytes()
                if len(data) != size:
                    return self._leave().backward(node, grads, result)
            elif size == -1:
                return self._leave().backward(node, grads, result)
        for grad, size in zip(result, sizes):
            if grad is None:
                if size >= 0:
                    return self._leave().backward(node, grads, result)
            else:
                more = grad.tobytes()
                if len(more) != size:
                    return self._leave().backward(node, grads, result)
                data += more
        self._recorder._chunk += data
        if self._counted:
            in_use = self._cpu.in_use
            for size in seeds:
                if size >= 0:
                    self._note(in_use)
            self._note(in_use)
        self.at = at + 1
        return None

    def summed(self, node: Node, output: int, contribution: Array, total: Array) -> None:
        """See `Observer.summed`."""
        at = self.at
        entry = self._summed[at]
        if entry is None:
            return self._leave().summed(node, output, contribution, total)
        made, slot, nr, size = entry
        mark = node._mark
        data = total.tobytes()
        if (
            nr != output
            or len(data) != size
            or (
                node.variable._mark != self._marks[slot]  # type: ignore[attr-defined]
                if made is None and mark is None
                else mark is None or made is None or mark[0] is not self._shift or mark[1] is not made
            )
        ):
            return self._leave().summed(node, output, contribution, total)
        self._recorder._chunk += data
        if self._counted:
            self._note(self._cpu.in_use)
        self.at = at + 1
        return None

    def accumulated(self, leaf: Tensor, grad: Array) -> None:
        """See `Observer.accumulated`."""
        at = self.at
        entry = self._accumulated[at]
        if entry is None:
            return self._leave().accumulated(leaf, grad)
        slot, total_slot, goes_on, seed, shape, size = entry
        total = leaf._grad
        assert total is not None, "the engine tells after it has set the gradient"
        marks = self._marks
        number = marks[total_slot]
        array = total._array
        data = array.tobytes()
        if (
            leaf._mark != marks[slot]
            or (total._mark == number) is not goes_on
            or array.shape != shape
            or len(data) != size
        ):
            return self._leave().accumulated(leaf, grad)
        if seed >= 0:
            first = grad.tobytes()
            if len(first) != seed:
                return self._leave().accumulated(leaf, grad)
            data = first + data
        self._recorder._chunk += data
        total._mark = number
        if self._counted:
            in_use = self._cpu.in_use
            self._note(in_use)
            if seed >= 0:
                self._note(in_use)
        self.at = at + 1
        return None

    def backward_ended(self) -> None:
        """See `Observer.backward_ended`."""
        if self._backward_ended[self.at] is None:
            return self._leave().backward_ended()
        self.at += 1
        return None

    # Observer: optimizers, modules, messages

    def updated(self, optimizer: str, param: Tensor, params: dict[str, Any]) -> None:
        """See `Observer.updated`."""
        at = self.at
        entry = self._updated[at]
        if entry is None:
            return self._leave().updated(optimizer, param, params)
        name, slot, known, checks, shape, size = entry
        array = param._array
        data = array.tobytes()
        if (
            optimizer != name
            or param._mark != self._marks[slot]
            or array.shape != shape
            or len(data) != size
            or (params is not known.known and not known.same(params))
        ):
            return self._leave().updated(optimizer, param, params)
        for out, code, lasti in checks:
            frame = _frame(out)
            if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                return self._leave().updated(optimizer, param, params)
        self._recorder._chunk += data
        if self._counted:
            self._note(self._cpu.in_use)
        self.at = at + 1
        return None

    def zeroed(self, params: list[Tensor]) -> None:
        """See `Observer.zeroed`."""
        at = self.at
        entry = self._zeroed[at]
        if entry is None:
            return self._leave().zeroed(params)
        slots, checks = entry
        marks = self._marks
        if len(params) != len(slots):
            return self._leave().zeroed(params)
        for param, slot in zip(params, slots):
            if param._mark != (marks[slot] if slot >= 0 else None):
                return self._leave().zeroed(params)
        for out, code, lasti in checks:
            frame = _frame(out)
            if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                return self._leave().zeroed(params)
        if self._counted:
            self._note(self._cpu.in_use)
        self.at = at + 1
        return None

    def module_entered(self, module: Any) -> None:
        """See `Observer.module_entered`."""
        entry = self._entered[self.at]
        if entry is None or entry[0]() is not module or len(self._running) != entry[1]:
            return self._leave().module_entered(module)
        self._running.append(module)
        self.at += 1
        return None

    def module_left(self, module: Any, result: Any) -> None:
        """See `Observer.module_left`."""
        # Not a step: the depth at the next one tells that it happened.
        self._running.pop()

    def warned(self, message: str, category: str, kind: str, facts: dict[str, Any]) -> None:
        """See `Observer.warned`."""
        self._leave().warned(message, category, kind, facts)

    def failed(self, op: str, inputs: tuple[Any, ...], params: dict[str, Any], error: BaseException) -> None:
        """See `Observer.failed`."""
        self._leave().failed(op, inputs, params, error)

    # What the session tells

    def printed(self, text: str) -> None:
        """See `Recorder.printed`, which calls this."""
        recorder = self._recorder
        at = self.at
        entry = self._printed[at]
        if entry is None or len(self._running) != entry[2]:
            return self._leave().printed(text)
        checks, site, _ = entry
        if not recorder._partial:
            for out, code, lasti in checks:
                frame = _frame(out + 1)
                if frame.f_code is not code or (lasti >= 0 and frame.f_lasti != lasti):
                    return self._leave().printed(text)
            recorder._print_site = site
        recorder._partial += text
        if recorder.is_line_over:
            self._texts.append(recorder._partial.removesuffix("\n"))
            recorder._partial = ""
            if self._counted:
                self._note(self._cpu.in_use)
            self.at = at + 1
        return None

    def loop_started(self, loop: int) -> None:
        """See `Recorder.loop_started`."""
        if self._recorder._partial:
            self._leave().loop_started(loop)
            return
        if loop != self._iterations.training:
            self._iterations.loop_started(loop, self.event)
            return
        if self.at != self._n_steps or self._running:
            self._leave().loop_started(loop)
            return
        recorder = self._recorder
        first, tensor, value, passes, *_ = self.template.step
        n = self.n + 1
        event = self.first.event + n * first
        recorder._n_events = event
        recorder._n_tensors = self.first.tensor + n * tensor
        recorder._n_values = self.first.value + n * value
        recorder._n_passes = self.first.passes + n * passes
        if not self._iterations.turned(loop, event):
            self._iterations.loop_started(loop, event)
        self._turned(n)
        recorder.replay_turned()

    def _turned(self, n: int) -> None:
        """Iteration `n` begins."""
        step = self.template.step
        self._marks = [number + move for number, move in zip(self._marks, self._moves)]
        self._shift = (self._shift[0] + step.event, self._shift[1] + step.tensor)
        self.at = 0  # before the number of the iteration: who looks in between sees too little rather than too much
        self.n = n

    def loop_ended(self, loop: int) -> None:
        """See `Recorder.loop_ended`."""
        if loop == self._iterations.training:
            self._leave().loop_ended(loop)
        else:
            self._iterations.loop_ended(loop, self.event)


def shares(array: Array, inputs: tuple[Any, ...]) -> bool:
    """Whether an operator's output is a view of its first input."""
    if array.base is None or not inputs or not hasattr(inputs[0], "_array"):
        return False
    other = inputs[0]._array
    return array.base is other or (other.base is not None and array.base is other.base)
