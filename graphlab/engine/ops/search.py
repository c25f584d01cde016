"""Finding places and memberships: searchsorted, bucketize, isin, unique_consecutive, index tables. No derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.device import need_room
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.arithmetic import NUMBERS
from graphlab.engine.ops.create import leaf
from graphlab.engine.ops.index import SETITEM
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, method, need_tensor, public, run, run_inplace
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, known, no_kernel, virtual
from graphlab.i18n import N_


def _places(row: Any, values: Any, right: bool) -> Any:
    return np.searchsorted(row, values, side="right" if right else "left")


def _searchsorted(sequence: Any, values: Any, right: bool, out_int32: bool, sorter: Any = None) -> Any:
    kind = np.int32 if out_int32 else np.int64
    if sorter is not None:
        sequence = np.take_along_axis(sequence, sorter, -1)
    if sequence.ndim == 1:
        return np.asarray(_places(sequence, values, right)).astype(kind)
    out = np.empty(values.shape, kind)
    for key in np.ndindex(sequence.shape[:-1]):
        out[key] = _places(sequence[key], values[key], right)
    return out


SEARCHSORTED = declare(
    Op(
        name="searchsorted",
        category=Category.INDEX,
        args=("sorted_sequence", "input"),
        params=("right", "out_int32", "sorter"),
        formula=N_("out = where each entry of input would be inserted to keep the order"),
        forward=_searchsorted,
        shape=lambda s, v, *_: v,
        dtype=lambda s, v, right, out_int32, *_: dtypes.int32.np if out_int32 else dtypes.I64,
        narrate=N_("the place of each entry of {input} in the ordered {sorted_sequence}: {shape}"),
        samples=lambda: [((4,), (3, 2), {"right": False, "out_int32": False, "sorter": None})],
    )
)


def _check_sequence(
    name: str, sequence: Any, values: Any, right: bool, side: Any, sorter: Any, out_int32: bool
) -> bool:
    label = "torch.searchsorted()"
    if isinstance(values, Tensor):
        s, v = sequence._array.shape, values._array.shape
        if sequence.dtype is not values.dtype:
            fail(
                RuntimeError,
                f"{label}: boundary tensor and input value tensor should have same dtype, but got boundary tensor "
                "dtype "
                f"{_scalar(sequence)} and input value tensor dtype {_scalar(values)}",
                kind="dtype_mix",
                op=name,
                dtypes=[sequence.dtype.name, values.dtype.name],
            )
        if not v and len(s) != 1:
            raise RuntimeError(
                f"{label}: input value can be a scalar only when boundary tensor dimension is 1, but we got boundary "
                f"tensor dim({len(s)}) and input value's dim(0) numel(1)"
            )
        if not s:
            raise RuntimeError(f"{label}: boundaries tensor should have positive dimension, but got 0 dimension")
        if len(s) != 1 and s[:-1] != v[:-1]:
            raise RuntimeError(
                f"{label}: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
                "and "
                f"input value tensor must match, but we got boundaries tensor {list(s)} and input value tensor "
                f"{list(v)}"
            )
    elif sequence._array.ndim != 1:
        raise RuntimeError(
            f"{label}: input value can be a scalar only when boundary tensor dimension is 1, but we got boundary "
            "tensor "
            f"dim({sequence._array.ndim}) and input value's dim(0) numel(1)"
        )
    if sorter is not None:
        if sorter._array.shape != sequence._array.shape:
            raise RuntimeError(
                f"{label}: boundary and sorter must have the same size, but got boundary tensor "
                f"{list(sequence.shape)}and got sorter tensor {list(sorter.shape)}"
            )
        if sorter.dtype is not dtypes.int64:
            raise RuntimeError(f"{label}: sorter must be a tensor of long dtype but got dtype {_scalar(sorter)}")
        places = sorter._array
        if known(places) and (places.min() < 0 or places.max() >= sequence._array.shape[-1]):
            raise RuntimeError(f"{label}: sorter index out of range")
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"{label}: side can only be 'left' or 'right' but got {side}")
        if right and side == "left":
            raise RuntimeError(
                f"{label}: side and right can't be set to opposites, got side of left while right was True"
            )
        return bool(side == "right")
    return right


def _scalar(t: Tensor) -> str:
    return t.dtype.title


@public("searchsorted")
def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: Any = None,
    sorter: Any = None,
    out: Any = None,
) -> Any:
    """Where each value would be inserted into an ordered sequence."""
    need_tensor(sorted_sequence, "searchsorted", "sorted_sequence")
    right = _check_sequence("searchsorted", sorted_sequence, input, right, side, sorter, out_int32)
    if out is not None and out.dtype is not (dtypes.int32 if out_int32 else dtypes.int64):
        raise RuntimeError(
            "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) "
            "depending on "
            f"whether out_int32 flag is True, but we got output tensor's dtype {_scalar(out)} and out_int32 flag is "
            f"{'True' if out_int32 else 'False'}"
        )
    if not isinstance(input, Tensor):
        input = wrap(np.asarray(input), sorted_sequence._device)
    order = None if sorter is None else sorter._array
    return run(SEARCHSORTED, (sorted_sequence, input), (bool(right), bool(out_int32), order))


@public("bucketize")
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False, out: Any = None) -> Any:
    """The number of the bucket, between ordered boundaries, that each entry falls into."""
    if need_tensor(boundaries, "bucketize", "boundaries", 2)._array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries._array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@public("isin", method=False)
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Any = None
) -> Any:
    """Which of the elements occur among the others."""
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin(): at least one of 'elements' and 'test_elements' must be a Tensor")
    for value in (elements, test_elements):
        if isinstance(value, Tensor) and value.dtype is dtypes.bool_:
            fail(
                RuntimeError,
                "Unsupported input type encountered for isin(): Bool",
                kind="dtype_unsupported",
                op="isin",
                dtype="bool",
            )
    where = (elements if isinstance(elements, Tensor) else test_elements)._device
    a, b = (t._array if isinstance(t, Tensor) else np.asarray(t) for t in (elements, test_elements))
    return leaf("isin", np.isin(a, b, invert=invert), False, where, {})


@public("unique_consecutive")
def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False, dim: Any = None) -> Any:
    """The entries without the ones equal to the one before."""
    x = need_tensor(input, "unique_consecutive")._array
    if type(x) is Virtual:
        no_kernel("unique_consecutive")
    d = 0 if dim is None else wrap_dim(dim, x.ndim, "unique_consecutive")
    rows = x.reshape(-1, 1) if dim is None else np.moveaxis(x, d, 0).reshape(x.shape[d], x.size // max(x.shape[d], 1))
    n = rows.shape[0]
    fresh = np.ones(n, bool)
    if n:
        fresh[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    found = x.reshape(-1)[fresh] if dim is None else np.compress(fresh, x, axis=d)
    out = [wrap(found, input._device)]
    if return_inverse:
        inverse = (np.cumsum(fresh) - 1).astype(np.int64)
        out.append(wrap(inverse.reshape(x.shape) if dim is None else inverse, input._device))
    if return_counts:
        starts = np.flatnonzero(fresh)
        out.append(wrap(np.diff(np.append(starts, n)).astype(np.int64), input._device))
    return out[0] if len(out) == 1 else tuple(out)


@public("unravel_index", method=False)
def unravel_index(indices: Any, shape: Any) -> Any:
    """Coordinates in a shape of places in the flattened tensor."""
    x = need_tensor(indices, "unravel_index", "indices")._array
    if x.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (int(shape),)
    if isinstance(shape, Tensor):
        sizes = tuple(int(n) for n in shape._array.reshape(-1))
    if any(not isinstance(n, (int, np.integer)) for n in sizes):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape).__name__}")
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    n_all = math.prod(sizes)
    if known(x) and (x.min() < -n_all or x.max() >= n_all):
        raise ValueError("indices out of bounds")
    places = np.unravel_index(np.where(x < 0, x + n_all, x), sizes) if sizes else ()
    return tuple(wrap(np.asarray(p).astype(x.dtype), indices._device) for p in places)


def _n_below(row: int, col: int, offset: int) -> int:
    # How many entries lie on and below a diagonal: a triangle of rows that grow by one, then full rows.
    last = max(0, min(col, row + offset))
    first = min(col, 1 + offset) if offset > 0 else int(row + offset > 0)
    growing = last - first + 1
    return (first + last) * growing // 2 + max(max(0, min(row, row + offset)) - growing, 0) * col


def _triangle(name: str, find: Any) -> None:
    def call(
        row: int,
        col: int,
        offset: int = 0,
        *,
        dtype: Any = None,
        device: Any = None,
        layout: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
    ) -> Any:
        for label, size in (("row", row), ("col", col)):
            if size < 0:
                raise RuntimeError(f"{label} must be non-negative, got{size}")
        kind = dtypes.int64 if dtype is None else dtype
        if kind not in (dtypes.int32, dtypes.int64):
            raise NotImplementedError(f"\"{name}\" not implemented for '{kind.title}'")
        below = _n_below(row, col, offset if name == "tril_indices" else offset - 1)
        need_room(2, below if name == "tril_indices" else row * col - below, itemsize=kind.itemsize)
        found = np.stack(find(row, offset, col)).astype(kind.np)
        return leaf(name, found, False, FUNCTIONS["empty"](0, device=device)._device, {"row": row, "col": col})

    call.__name__ = name
    call.__doc__ = "Rows and columns of the entries of a triangle of a matrix."
    public(name, method=False)(call)


_triangle("tril_indices", np.tril_indices)
_triangle("triu_indices", np.triu_indices)


@public("nonzero_static")
def nonzero_static(input: Any, *, size: int, fill_value: int = -1, out: Any = None) -> Any:
    """Where the entries are not 0: so many rows, filled up with a number."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    if type(need_tensor(input, "nonzero_static")._array) is Virtual:
        return wrap(virtual((size, input._array.ndim), np.dtype(np.int64)), input._device)
    found = FUNCTIONS["nonzero"](input)._array[:size]
    out_ = np.full((size, input._array.ndim), fill_value, np.int64)
    out_[: len(found)] = found
    return wrap(out_, input._device)


def _put(input: Any, index: Any, source: Any, accumulate: bool, inplace: bool) -> Any:
    x = need_tensor(input, "put_")._array
    i = need_tensor(index, "put_", "index", 2)._array
    need_tensor(source, "put_", "source", 3)
    if i.dtype != np.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {index.dtype.title}")
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {input.dtype.title} and "
            f"source.dtype = {source.dtype.title}"
        )
    if i.size != source._array.size:
        raise RuntimeError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source._array.size}, index.numel() = {i.size}"
        )
    if i.size and not x.size:
        raise RuntimeError("put_(): Tried to put elements into an empty tensor")
    n = x.size
    if known(i) and (i.min() < -n or i.max() >= n):
        bad = int(i.max() if i.max() >= n else i.min())
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {n} elements.")
    key = ((slice(None), ...), (np.where(i < 0, i + n, i).reshape(-1),), bool(accumulate))
    values = source.reshape(-1)
    if inplace:
        if x.flags.c_contiguous and not input._rg and not values._rg:
            flat = wrap(x.reshape(-1), input._device)
            run_inplace(SETITEM, (flat, values), key, "put_")
            return input
        return input.copy_(_put(input, index, source, accumulate, False))
    return rename(run(SETITEM, (input.reshape(-1), values), key).reshape(x.shape), "PutBackward0")


@public("put")
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """A copy with the values at places of the flattened tensor."""
    return _put(input, index, source, accumulate, False)


@method("put_")
def put_(self: Tensor, index: Any, source: Any, accumulate: bool = False) -> Any:
    """In place: the values at places of the flattened tensor."""
    return _put(self, index, source, accumulate, True)


@public("fill")
def fill(input: Any, value: Any) -> Any:
    """A copy with one value everywhere."""
    need_tensor(input, "fill")
    if isinstance(value, Tensor) and value._array.ndim:
        raise RuntimeError(
            f"fill only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
        )
    if not isinstance(value, (Tensor, *NUMBERS)):
        raise TypeError(f"fill(): argument 'value' (position 2) must be Number, not {type(value).__name__}")
    from graphlab.engine.ops.filling import FILL

    return run(FILL, (input, value))
