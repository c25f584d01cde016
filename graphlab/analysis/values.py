"""The value and the gradient of a tensor at a step of the timeline, and the rows of the tensors panel."""

from dataclasses import dataclass

from graphlab.analysis.index import index_of
from graphlab.analysis.sections import section_at, section_of
from graphlab.analysis.statistics import Statistics, statistics
from graphlab.trace.records import TensorKind, Value, ValueForm
from graphlab.trace.store import TraceReader

_GRADIENTS = (TensorKind.GRADIENT, TensorKind.LEAF_GRAD)
_ALWAYS = (TensorKind.PARAMETER, TensorKind.BUFFER)


@dataclass(slots=True, frozen=True)
class TensorRow:
    """One tensor as the tensors panel lists it. Statistics are None where no numbers were kept."""

    tensor: int
    name: str
    shape: list[int]
    dtype: str
    device: str
    kind: int  # TensorKind
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    grad_norm: float | None = None


def value_at(trace: TraceReader, tensor: int, event: int) -> Value | None:
    """The last value of `tensor` at or before `event`; None when it had none yet, or was cleared (zero_grad)."""
    value = index_of(trace).value_at(tensor, event)
    return trace.values[value] if value >= 0 else None


def gradient_at(trace: TraceReader, tensor: int, event: int) -> Value | None:
    """The gradient of `tensor` as it stands at `event`: a leaf's `.grad`, else the newest that flowed into it."""
    index = index_of(trace)
    newest = -1
    for gradient in reversed(index.gradients.get(tensor, ())):
        if trace.tensors[gradient].kind == TensorKind.LEAF_GRAD:
            value = index.value_at(gradient, event)
            if value >= 0:
                return trace.values[value]
        elif newest < 0 and index.made_at.get(gradient, event + 1) <= event:
            newest = index.value_at(gradient, event)
        if newest >= 0 and trace.tensors[tensor].kind == TensorKind.INTERMEDIATE:
            break  # only leaves have a `.grad`
    if newest < 0:
        return None
    if trace.tensors[tensor].kind != TensorKind.INTERMEDIATE:
        # A leaf whose `.grad` was cleared has no gradient, whatever flowed before.
        cleared = [
            entry
            for gradient in index.gradients.get(tensor, ())
            if trace.tensors[gradient].kind == TensorKind.LEAF_GRAD
            for entry in index.values.get(gradient, ())
            if entry[0] <= event
        ]
        if cleared and trace.values[newest].event < max(cleared)[0]:
            return None
    return trace.values[newest]


def statistics_of(trace: TraceReader, value: Value) -> Statistics:
    """The statistics of a value: as they were kept, or computed from the whole array."""
    return value.stats if value.form == ValueForm.SUMMARY else statistics(trace.array(value.id))


def tensors_at(trace: TraceReader, event: int, limit: int = 500) -> list[TensorRow]:
    """The named tensors that exist at `event`, each name once with its newest tensor, in the order of first use.

    Parameters and buffers stay; of the others those that the section of `event` or an earlier setup made, not what an
    earlier iteration left behind.
    """
    index = index_of(trace)
    section = section_at(trace, section_of(trace, event))
    start = section.first if section is not None else 0
    setup_end = next((each.first for each in trace.sections if each.kind == "iteration"), 0)
    candidates = [tensor for tensor in index.leaves if trace.tensors[tensor].kind in _ALWAYS]
    for stretch in (trace.events[: min(setup_end, start)], trace.events[start : event + 1]):
        for step in stretch:
            candidates += step.outputs
            candidates += step.inputs
    newest: dict[str, int] = {}
    for tensor_id in dict.fromkeys(candidates):
        if tensor_id < 0:
            continue
        tensor = trace.tensors[tensor_id]
        if tensor.name and tensor.kind not in _GRADIENTS and 0 <= index.made_at.get(tensor_id, -1) <= event:
            newest[tensor.name] = tensor_id
    return [_row(trace, tensor_id, event) for tensor_id in list(newest.values())[:limit]]


def _row(trace: TraceReader, tensor_id: int, event: int) -> TensorRow:
    tensor = trace.tensors[tensor_id]
    value = value_at(trace, tensor_id, event)
    stats = statistics_of(trace, value) if value is not None else {}
    gradient = gradient_at(trace, tensor_id, event)
    grad_norm = statistics_of(trace, gradient).get("norm") if gradient is not None else None
    return TensorRow(
        tensor_id,
        tensor.name,
        tensor.shape,
        tensor.dtype,
        tensor.device,
        tensor.kind,
        stats.get("min"),
        stats.get("mean"),
        stats.get("max"),
        grad_norm,
    )
