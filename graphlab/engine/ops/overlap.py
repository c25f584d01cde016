"""Writing into memory that is read in the same step, refused where PyTorch refuses it (ATen/MemoryOverlap.h)."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.errors import fail
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import Virtual

WHOLE = {"scatter", "scatter_add", "scatter_reduce", "index_copy", "index_add", "index_reduce", "index_put"}
"""Operators whose source must not even be the written tensor itself."""

APART = {"fill", "masked_fill", "index_fill", "setitem"}
"""Operators that read a number first, or of which a part is written, which they look at themselves."""


def refuse_overlap(op: str, written: Any, read: Any, whole: bool = False) -> None:
    """Refuse the arrays of a step that writes into one and reads the other, if they partly share memory.

    `whole`: also if they are the same memory. Like PyTorch, take what isn't dense (a column of a matrix) as apart.
    """
    if type(written) is Virtual or type(read) is Virtual or not np.may_share_memory(written, read):
        return
    if written is read or (_place(written) == _place(read)):
        if not whole:
            return
    elif not (_is_dense(written) and _is_dense(read)):
        return
    fail(
        RuntimeError,
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
        "location. Please clone() the tensor before performing the operation.",
        kind="memory_overlap",
        op=op,
        shapes=[list(written.shape), list(read.shape)],
    )


def refuse_repeats(op: str, written: Any) -> None:
    """Refuse to write into an array of which several entries are one place in memory, as `expand` makes it."""
    if any(step == 0 and n > 1 for step, n in zip(written.strides, written.shape)):
        fail(
            RuntimeError,
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation.",
            kind="memory_overlap",
            op=op,
            shapes=[list(written.shape)],
        )


def refuse_sources(op: str, written: Any, inputs: tuple[Any, ...]) -> None:
    """`refuse_overlap` for every tensor among the inputs of an in-place operator, the first of which is written."""
    owner = written.base
    for each in inputs[1:]:
        if isinstance(each, Tensor):
            read = each._array
            if owner is not None or read.base is not None or read is written:
                refuse_overlap(op, written, read, op in WHOLE)


def _place(array: Any) -> tuple[Any, ...]:
    return array.ctypes.data, array.shape, array.strides


def _is_dense(array: Any) -> bool:
    """Whether the entries fill their stretch of memory, each once, in any order of the axes."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return True
    size = array.itemsize
    for step, n in sorted((step, n) for step, n in zip(array.strides, array.shape) if n > 1):
        if step != size:
            return False
        size *= n
    return True
