"""What vjps compute with when the backward pass is itself recorded: the names of `numeric`, for tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.dtypes import Array
from graphlab.engine.ops.gather import GATHER, SCATTER
from graphlab.engine.ops.index import INDEX, SETITEM
from graphlab.engine.ops.run import FUNCTIONS, run
from graphlab.engine.tensor import Tensor, wrap


def __getattr__(name: str) -> Any:
    # exp, log, where, matmul, …: the operator of that name.
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise AttributeError(name) from None


def sign(x: Tensor) -> Any:
    """−1, 0, 1, or for complex numbers those of length 1."""
    return FUNCTIONS["sgn"](x)


def sum(x: Tensor, dim: tuple[int, ...], keepdim: bool = False) -> Any:
    """Sum over dims."""
    return x.sum(dim, keepdim) if dim else x


def sum_to(g: Tensor, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: sum over what was stretched from `shape`."""
    if g._array.shape == shape:
        return g
    extra = g.ndim - len(shape)
    dims = tuple(range(extra)) + tuple(
        i + extra for i, n in enumerate(shape) if n == 1 and g._array.shape[i + extra] != 1
    )
    if dims:
        g = g.sum(dims, True)
    return g.reshape(shape)


def expand(x: Tensor, shape: tuple[int, ...]) -> Any:
    """Stretch to a shape."""
    return x.expand(shape)


def reshape(x: Tensor, shape: tuple[int, ...]) -> Any:
    """The same elements in another shape."""
    return x.reshape(shape)


def permute(x: Tensor, dims: tuple[int, ...]) -> Any:
    """Reorder dims."""
    return x.permute(dims)


def mT(x: Tensor) -> Any:
    """Swap the last two dims."""
    return x.transpose(-1, -2)


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y."""
    return FUNCTIONS["where"](condition, x, y)


def keep(g: Tensor, mask: Any) -> Any:
    """`g` where the mask holds, 0 elsewhere."""
    return FUNCTIONS["where"](mask, g, 0)


def full(shape: tuple[int, ...], value: float, like: Tensor) -> Any:
    """A tensor of one value."""
    return wrap(np.full(shape, value, like._array.dtype), like._device)


def cast(x: Tensor, like: Tensor) -> Any:
    """To the type of `like`."""
    return x.to(dtypes.of(like._array))


def constant(x: Array, like: Tensor) -> Any:
    """Data computed apart, as an operand."""
    return wrap(x, like._device)


def array_of(x: Tensor) -> Array:
    """The numbers, for questions that have no derivative."""
    return x._array


def pick(x: Tensor, key: Any) -> Any:
    """`x[key]`"""
    arrays = any(isinstance(k, np.ndarray) for k in key)
    if not arrays:
        return x[key]
    return run(INDEX, (x,), ((slice(None),) * x.ndim + (...,), key))


def scatter_pick(g: Tensor, shape: tuple[int, ...], key: Any, basic: bool) -> Any:
    """Zeros of `shape` with `g` added at `key`."""
    zeros = wrap(np.zeros(shape, g._array.dtype), g._device)
    if basic:
        return run(SETITEM, (zeros, g), (key, None, False))
    return run(SETITEM, (zeros, g), ((slice(None),) * len(shape) + (...,), key, True))


def zero_at(g: Tensor, basic: Any, second: Any) -> Any:
    """`g` with zeros at `[basic][second]`."""
    return run(SETITEM, (g, 0), (basic, second, False))


def gather(x: Tensor, dim: int, index: Array) -> Any:
    """`x` at `index` along `dim`."""
    return run(GATHER, (x, wrap(index, x._device)), (dim,))


def scatter_add(shape: tuple[int, ...], dim: int, index: Array, g: Tensor) -> Any:
    """Zeros of `shape` with `g` added at `index` along `dim`."""
    zeros = wrap(np.zeros(shape, g._array.dtype), g._device)
    return run(SCATTER, (zeros, wrap(index, g._device), g), (dim, "add"))


def undo_diagonal(g: Tensor, shape: tuple[int, ...], offset: int, a: int, b: int) -> Any:
    """Zeros of `shape` with `g` on the diagonal."""
    zeros = wrap(np.zeros(shape, g._array.dtype), g._device)
    places = np.arange(zeros._array.size).reshape(shape).diagonal(offset, a, b).reshape(-1)
    flat = run(SETITEM, (zeros.reshape(-1), g.reshape(-1)), ((slice(None), ...), (places,), False))
    return flat.reshape(shape)


def convert(x: Tensor, dtype: Any) -> Any:
    """To a NumPy type."""
    return x.to(dtypes.BY_NUM[dtype.num])
