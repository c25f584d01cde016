"""What sums to 1 in a softmax: along the axis that was used and along every other, worked out on recorded scores."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphlab.analysis.values import value_at
from graphlab.trace.records import Event, EventKind, Param, Softmax, SoftmaxChoice, ValueForm
from graphlab.trace.store import TraceReader

Floats = npt.NDArray[np.float64]

MAX_SHOWN = 8
"""Rows and columns of a table."""
MAX_SCORES = 200_000
"""Of more numbers than these only the shown slice is worked out: every choice takes about 3 ms for as many."""
MAX_DIMS = 5
_AHEAD = 400  # events after a softmax in which what it is used for is looked for

APPLIED = frozenset({"softmax", "log_softmax", "softmin"})
IMPLIED = frozenset({"cross_entropy", "cross_entropy_loss"})
_CLASS_LOSSES = IMPLIED | {"nll_loss"}
_PASSES_ON = frozenset({"log", "exp", "clamp", "dropout", "detach", "add", "clone", "to", "contiguous", "masked_fill"})
_PRODUCTS = frozenset({"matmul", "bmm", "mm"})
_LAYERS = frozenset({"linear", "addmm"})


def implicit_dim(n_dims: int) -> int:
    """The axis that PyTorch takes where `dim` is left out: 0 for 0, 1 or 3 dimensions, else 1."""
    return 0 if n_dims in (0, 1, 3) else 1


def class_axis(n_dims: int) -> int:
    """The axis of the classes in what a cross-entropy or nll_loss is given: 1, or 0 without a batch."""
    return 1 if n_dims >= 2 else 0


def softmax_at(trace: TraceReader, event: int) -> Softmax | None:
    """What the softmax of an event sums to 1; None where the event applies none."""
    if not 0 <= event < len(trace.events):
        return None
    step = trace.events[event]
    if step.kind == EventKind.WARNING:
        step = next((e for e in trace.events[event + 1 : event + 3] if e.op in APPLIED), step)
    is_loss = step.op in IMPLIED
    if step.kind not in (EventKind.FORWARD, EventKind.ERROR) or not (is_loss or step.op in APPLIED):
        return None
    if not step.inputs or step.inputs[0] < 0:
        return None
    scores = trace.tensors[step.inputs[0]]
    n = len(scores.shape)
    if n > MAX_DIMS:
        return None
    dim = class_axis(n) if is_loss else _axis(step.params.get("dim"), n)
    if dim is None:
        return None
    expected, by = (dim, step.op) if is_loss else _expected(trace, step, n)
    given = "loss" if is_loss else "implicit" if _is_implicit(trace, step) else "argument"
    array = _scores(trace, step)
    axes = _shown_axes(n, dim, expected) if n else []
    choices = []
    n_hidden = 0
    if array is not None:
        if step.op == "softmin":
            array = -array
        choices = [_choice(array, each, axes) for each in range(max(n, 1))]
        n_hidden = sum(max(0, scores.shape[axis] - MAX_SHOWN) for axis in axes)
    name = scores.name
    return Softmax(step.id, step.op, name, list(scores.shape), dim, given, expected, by, choices, axes, n_hidden)


def _axis(dim: Param, n: int) -> int | None:
    """A `dim` counted from 0; None for what is none."""
    if not isinstance(dim, int) or not -max(n, 1) <= dim < max(n, 1):
        return None
    return dim % max(n, 1)


def _is_implicit(trace: TraceReader, step: Event) -> bool:
    before = trace.events[max(0, step.id - 2) : step.id]
    return any(e.kind == EventKind.WARNING and e.params.get("kind") == "softmax_dim" for e in before)


def _expected(trace: TraceReader, step: Event, n: int) -> tuple[int, str]:
    """The axis that what follows needs to sum to 1, and what that is; (-1, "") where nothing says it."""
    followed = {tensor for tensor in step.outputs if tensor >= 0}
    for event in trace.events[step.id + 1 : step.id + _AHEAD]:
        if event.kind not in (EventKind.FORWARD, EventKind.ERROR) or not event.inputs:
            continue
        if event.inputs[0] not in followed:
            continue
        if event.op in _CLASS_LOSSES:
            return class_axis(n), event.op
        if event.op in _PRODUCTS and n >= 2:
            return n - 1, event.op
        if event.op == "argmax":
            dim = _axis(event.params.get("dim"), n)
            if dim is not None:
                return dim, event.op
        if event.op in _PASSES_ON and event.outputs and event.outputs[0] >= 0:
            followed.add(event.outputs[0])
    made = next(
        (e for e in reversed(trace.events[max(0, step.id - _AHEAD) : step.id]) if step.inputs[0] in e.outputs), None
    )
    if made is not None and made.op in _LAYERS and n >= 2 and made.module:
        return n - 1, "layer"
    return -1, ""


def _scores(trace: TraceReader, step: Event) -> Floats | None:
    value = value_at(trace, step.inputs[0], step.id)
    if value is None or value.form != ValueForm.WHOLE or value.size == 0:
        return None
    array: npt.NDArray[Any] = trace.array(value.id)
    return array.astype(np.float64) if array.dtype.kind != "c" else None


def _shown_axes(n: int, dim: int, expected: int) -> list[int]:
    """The two axes of a table: those that matter, filled up with the last ones."""
    wanted = [dim] + ([expected] if 0 <= expected != dim else [])
    wanted += [axis for axis in (0, *reversed(range(n))) if axis not in wanted and n]
    if n > 2 and len({dim, expected} - {-1}) == 1:  # beside the one axis stands its neighbour, not the batch
        near = dim - 1 if dim > 0 else dim + 1
        wanted = [dim, near]
    return sorted(wanted[: min(2, max(n, 1))])


def softmax(scores: Floats, dim: int) -> Floats:
    """exp(x − max) / sum along an axis; a slice without a finite maximum is NaN, as in PyTorch."""
    if not scores.ndim:
        return np.where(np.isfinite(scores), np.ones_like(scores), np.nan)
    with np.errstate(all="ignore"):
        shifted = np.exp(scores - scores.max(axis=dim, keepdims=True))
        result: Floats = shifted / shifted.sum(axis=dim, keepdims=True)
    return result


def _choice(scores: Floats, dim: int, axes: Sequence[int]) -> SoftmaxChoice:
    if scores.size > MAX_SCORES:
        # The slice through the first entries of the axes that aren't shown is enough to look at.
        keep = tuple(slice(None) if axis in (*axes, dim) else slice(0, 1) for axis in range(scores.ndim))
        scores = scores[keep]
    given = softmax(scores, dim)
    sums = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a slice of NaN has no least sum
        for axis in range(given.ndim):
            along = given.sum(axis=axis)
            sums.append([float(np.nanmin(along)), float(np.nanmax(along))])
    table = given[tuple(slice(None) if axis in axes else 0 for axis in range(given.ndim))]
    table = table.reshape(1, -1) if table.ndim < 2 else table
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    shown = table[:MAX_SHOWN, :MAX_SHOWN]
    return SoftmaxChoice(dim, shown.tolist(), rows[:MAX_SHOWN].tolist(), columns[:MAX_SHOWN].tolist(), sums)


def sums_to_one(choice: SoftmaxChoice, axis: int) -> bool:
    """Whether all slices along an axis sum to 1."""
    if axis >= len(choice.sums):
        return True
    low, high = choice.sums[axis]
    return abs(low - 1) < 1e-3 and abs(high - 1) < 1e-3
