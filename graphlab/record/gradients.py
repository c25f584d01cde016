"""What the recorder writes of backward passes: gradients, where they flow, and where they end."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine.device import Virtual
from graphlab.record.pages import DTYPES
from graphlab.record.replaying import Replaying, unfolded
from graphlab.trace.records import EventKind, TensorKind, ValueForm

if TYPE_CHECKING:
    from graphlab.engine.autograd.graph import Node
    from graphlab.engine.tensor import Tensor

Array = np.ndarray[Any, Any]

_BACKWARD = int(EventKind.BACKWARD)
_ACCUMULATE = int(EventKind.ACCUMULATE)
_GRADIENT = int(TensorKind.GRADIENT)
_LEAF_GRAD = int(TensorKind.LEAF_GRAD)
_WHOLE = ValueForm.WHOLE.value
_NO_PARAMS: dict[str, Any] = {}
_TOP = ("", 0)
_frame = sys._getframe


class Gradients(Replaying):
    """The part of the observer that is told of backward passes."""

    def backward_started(self, root: Tensor) -> None:
        """See `Observer.backward_started`."""
        event = self._n_events
        number = self._meet(root, event)
        self._named_site = None
        self._iterations.backward_started(event)
        self._pass = self._n_passes
        self._n_passes += 1
        self._pass_site = self._places.here()
        self._pending.clear()
        self._further.clear()
        array = root._array
        name: str | None = None
        if array.size == 1 and type(array) is not Virtual:
            name = self._loss_name(number)
            self._losses.append((name, self._iterations.current, float(array.reshape(())), event))
        learning = self._learning
        if learning is not None:
            entry = (learning.slot(number), self._checks(_frame()), name)
            learning.step("backward_started", entry, self._position())

    def backward_ended(self) -> None:
        """See `Observer.backward_ended`."""
        self._pass = -1
        self._pending.clear()
        self._further.clear()
        if self._learning is not None:
            self._learning.step("backward_ended", True, self._position())

    def _gradient(self, of: int, array: Array, event: int) -> int:
        """A new gradient tensor with its value; its value's number is the newest."""
        number = self._n_tensors
        self._n_tensors = number + 1
        dtype = DTYPES[array.dtype.num]
        shape = array.shape
        size = array.nbytes
        self._tensors.append((number, _GRADIENT, shape, dtype, "cpu", "", False, of, -1, size))
        if size > self._whole or array.__class__ is Virtual:
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

    def backward(self, node: Node, grads: tuple[Array | None, ...], result: Sequence[Array | None]) -> None:
        """See `Observer.backward`."""
        mark = node._mark
        if mark is None:
            self._give_up_learning()
            return
        if len(mark) == 2:
            mark = unfolded(mark)
        forward, sources, targets, span, module = mark
        pending = self._pending
        incoming: list[int] = []
        seeds: list[int] = []
        for of, grad in zip(targets, grads):
            if grad is None:
                incoming.append(-1)
                seeds.append(-1)
            else:
                number = pending.pop(of, -1)
                seeds.append(-2 if number >= 0 else grad.nbytes)
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
        if self._learning is not None:
            sizes = [-1 if grad is None else grad.nbytes for grad in result[: len(sources)]]
            entry = (self._learning.maker(forward), tuple(seeds), tuple(sizes))
            self._learning.step("backward", entry, self._position())

    def summed(self, node: Node, output: int, contribution: Array, total: Array) -> None:
        """See `Observer.summed`."""
        event = self._n_events
        mark = node._mark
        learning = self._learning
        made = None
        if mark is not None:
            if len(mark) == 2:
                mark = unfolded(mark)
            forward, _, targets, span, module = mark
            of = targets[output]
            if learning is not None:
                made = learning.maker(forward)
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
        if learning is not None:
            learning.step("summed", (made, learning.slot(of), output, total.nbytes), self._position())

    def accumulated(self, leaf: Tensor, grad: Array) -> None:
        """See `Observer.accumulated`."""
        of = self._meet(leaf, self._n_events)
        contribution = self._pending.pop(of, -1)
        seed = -1
        if contribution < 0:
            seed = grad.nbytes
            contribution = self._seed(of, grad)
        event = self._n_events
        total = leaf._grad
        assert total is not None, "the engine tells after it has set the gradient"
        number = self._leaf_grads.get(of, -1)
        if number < 0 or (number >= self._tensor_ids.floor and self._tensor_ids.is_lost(number)):
            self._give_up_learning()
            name = self._name_of(of)
            number = self._add_tensor(
                _LEAF_GRAD, total._array, f"{name}.grad" if name else "", False, of, str(leaf._device)
            )
            self._leaf_grads[of] = number
            inputs: tuple[int, ...] = (contribution,)
        else:
            inputs = (number, contribution) if total._mark == number else (contribution,)
        total._mark = number
        array = total._array
        value = self._add_value(number, event, array)
        self._event(_ACCUMULATE, "accumulate", self._pass_site.id, _TOP, inputs, (number,), (value,))
        learning = self._learning
        if learning is not None:
            slots = learning.slot(of), learning.slot(number)
            entry = (*slots, len(inputs) == 2, seed, array.shape, array.nbytes)
            learning.step("accumulated", entry, self._position())
