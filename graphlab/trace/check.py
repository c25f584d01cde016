"""Whether records read from a file fit together, so that whoever indexes with them never falls off a list."""

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.i18n import _
from graphlab.trace.records import Event, Loss, Memory, Section, Tensor, Value, ValueForm

MAX_DIMS = 64
_NAMES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip
DTYPES = {name: np.dtype(name).newbyteorder("<") for name in _NAMES} | {"bfloat16": np.dtype("<u2")}
"""The element types that a value can have, as its bytes lie in the file; bfloat16's are the upper half of float32's."""


def check_records(known: dict[str, list[Any]], new: dict[str, list[Any]]) -> str:
    """What is wrong with the `new` records that would follow the `known` ones; "" when nothing is."""
    n = {kind: len(records) + len(new.get(kind, ())) for kind, records in known.items()}
    for kind in ("event", "tensor", "value", "span", "section"):
        first = len(known[kind])
        for at, record in enumerate(new.get(kind, ()), first):
            if (record.index if kind == "section" else record.id) != at:
                return _("its {kind} records are not in order").format(kind=kind)
    for kind, check in _CHECKS.items():
        for record in new.get(kind, ()):
            if not check(record, n):
                return _("a record of kind {kind} points to something that is not there").format(kind=kind)
    return ""


def _tensor(tensor: Tensor, _n: dict[str, int]) -> bool:
    # What a tensor refers to is older than itself, so nobody who follows the references runs in a circle.
    return (
        -1 <= tensor.of < tensor.id
        and -1 <= tensor.base < tensor.id
        and len(tensor.shape) <= MAX_DIMS
        and (not tensor.shape or min(tensor.shape) >= 0)
    )


def _event(event: Event, n: dict[str, int]) -> bool:
    n_tensors = n["tensor"]
    inputs, outputs, values = event.inputs, event.outputs, event.values
    return (
        (not inputs or (min(inputs) >= -1 and max(inputs) < n_tensors))
        and (not outputs or (min(outputs) >= -1 and max(outputs) < n_tensors))
        and (not values or (min(values) >= -1 and max(values) < n["value"]))
        and -1 <= event.span < n["span"]
        and -1 <= event.forward < n["event"]
    )


def _value(value: Value, n: dict[str, int]) -> bool:
    if not (0 <= value.tensor < n["tensor"] and 0 <= value.event < n["event"] and value.offset >= 0):
        return False
    dtype = DTYPES.get(value.dtype)
    shape = value.shape if value.form == ValueForm.WHOLE else value.sample_shape
    if dtype is None or len(shape) > MAX_DIMS or value.chunk < 0:
        return False
    size = dtype.itemsize
    for length in shape:
        if length < 0:
            return False
        size *= length
    return size == value.size


def _section(section: Section, n: dict[str, int]) -> bool:
    return 0 <= section.first <= section.end <= n["event"]


def _at_event(record: Loss | Memory, n: dict[str, int]) -> bool:
    return 0 <= record.event < n["event"]


_CHECKS: dict[str, Callable[[Any, dict[str, int]], bool]] = {
    "tensor": _tensor,
    "event": _event,
    "value": _value,
    "section": _section,
    "loss": _at_event,
    "memory": _at_event,
}
