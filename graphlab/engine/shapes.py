"""Shapes and strides by rule: of indexed, reduced and multiplied arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def contiguous(shape: Shape, itemsize: int) -> Shape:
    """The strides of an array that lies in row order without gaps."""
    steps = []
    step = itemsize
    for n in reversed(shape):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


def is_dense(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """Whether an array with these strides lies in row order without gaps."""
    if 0 in shape:
        return True
    step = itemsize
    for n, s in zip(reversed(shape), reversed(strides)):
        if n != 1:
            if s != step:
                return False
            step *= n
    return True


def dense_like(array: Any, itemsize: int | None = None) -> Shape:
    """The strides of a copy that keeps the order of the axes and has no gaps."""
    size = itemsize or array.itemsize
    shape, steps = array.shape, array.strides
    order = sorted(range(len(shape)), key=lambda d: (-abs(steps[d]), d))
    dense = contiguous(tuple(shape[d] for d in order), size)
    made = [0] * len(shape)
    for d, s in zip(order, dense):
        made[d] = s
    return tuple(made)


def filled_in(wanted: Any, size: int) -> Shape:
    """The wanted sizes with their -1 worked out."""
    sizes = (int(wanted),) if isinstance(wanted, (int, np.integer)) else tuple(int(n) for n in wanted)
    known = prod(n for n in sizes if n != -1)
    return tuple(size // max(known, 1) if n == -1 else n for n in sizes)


def indexed_shape(shape: Shape, key: Any) -> Shape:
    """The shape of `array[key]` by NumPy's rules, arrays and masks among the indices; reads no array but masks."""
    items: list[Any] = []
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, (list, bool, np.bool_)):
            item = np.asarray(item)
        if isinstance(item, np.ndarray) and item.dtype.kind == "b":
            # A mask stands for the places of its true entries, one array for each of its axes.
            items.extend([("mask", len(n)) for n in item.nonzero()] if item.ndim else [("flag", bool(item))])
        else:
            items.append(item)
    used = sum(i is not None and i is not Ellipsis and not (isinstance(i, tuple) and i[0] == "flag") for i in items)
    if used > len(shape):
        raise IndexError(f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed")
    if not any(i is Ellipsis for i in items):
        items.append(Ellipsis)
    out: list[Any] = []
    picked: list[Shape] = []
    at = -1  # where the picked axes go
    runs = 0
    was_array = False
    dim = 0
    for item in items:
        is_array = isinstance(item, (np.ndarray, int, np.integer, tuple))
        if is_array:
            if isinstance(item, tuple):
                picked.append((item[1],) if item[0] == "mask" else (int(item[1]),))
                dim += item[0] == "mask"
            else:
                picked.append(np.shape(item))
                dim += 1
            if not was_array:
                runs += 1
                if at < 0:
                    at = len(out)
        elif item is Ellipsis:
            n = len(shape) - used
            out.extend(shape[dim : dim + n])
            dim += n
            if not n:
                continue  # an Ellipsis of no axes still separates; see below
        elif item is None:
            out.append(1)
        else:
            out.append(len(range(*item.indices(shape[dim]))))
            dim += 1
        was_array = is_array
    if not picked:
        return tuple(out)
    try:
        middle = np.broadcast_shapes(*picked)
    except ValueError:
        shapes = " ".join(str(p).replace(" ", "") for p in picked)
        raise IndexError(
            f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}"
        ) from None
    at = 0 if runs > 1 else at
    return (*out[:at], *middle, *out[at:])


def reduced_shape(shape: Shape, axis: Any, keepdims: Any) -> Shape:
    """The shape after the axes are reduced (None: all of them)."""
    n = len(shape)
    if axis is None:
        gone = set(range(n))
    else:
        gone = {a % n if n else 0 for a in (axis if isinstance(axis, (tuple, list)) else (axis,))}
    if keepdims:
        return tuple(1 if d in gone else size for d, size in enumerate(shape))
    return tuple(size for d, size in enumerate(shape) if d not in gone)


def einsum_shape(subscripts: str, shapes: list[Shape]) -> Shape:
    """The shape that `einsum` gives: letters and an ellipsis."""
    text = subscripts.replace(" ", "")
    left, _, right = text.partition("->")
    sizes: dict[str, int] = {}
    rest: Shape = ()
    for part, shape in zip(left.split(","), shapes):
        before, dots, after = part.partition("...")
        n = len(shape) - len(before) - len(after)
        for name, size in zip(before + after, (*shape[: len(before)], *shape[len(shape) - len(after) :])):
            if sizes.get(name, 1) == 1:
                sizes[name] = size
        if dots:
            rest = np.broadcast_shapes(rest, shape[len(before) : len(before) + n])
    if "->" not in text:
        letters = left.replace("...", "").replace(",", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    before, _, after = right.partition("...")
    middle = rest if "..." in right else ()
    return (*(sizes[c] for c in before), *middle, *(sizes[c] for c in after))
