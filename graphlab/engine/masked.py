"""Reductions and normalizations that leave masked-out entries aside: `torch.masked`. A mask is True where it counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.ops.run import FUNCTIONS, need_tensor
from graphlab.engine.tensor import Tensor, wrap

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median",
    "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip


def _dims(dim: Any, n_dims: int) -> tuple[int, ...]:
    """The dims, counted from the front and sorted; None and () mean all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not len(dim)):
        return tuple(range(n_dims))
    n = max(n_dims, 1)
    found: list[int] = []
    for d in dim if isinstance(dim, (tuple, list)) else (dim,):
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -n <= d < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {d})")
        found.append(d % n)
    return tuple(sorted(found))


def _whole_mask(input: Tensor, mask: Tensor) -> Tensor:
    """The mask in the input's shape."""
    if mask.dim() > input.dim():
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    if tuple(mask.shape) != tuple(input.shape):
        mask = FUNCTIONS["broadcast_to"](mask.clone(), tuple(input.shape))
    whole: Tensor = mask.to(dtypes.bool_)
    return whole


def _least(input: Tensor, sign: int) -> float:
    """What loses against everything: −inf (or inf), or the smallest (largest) whole number of the type."""
    if input.dtype.rank >= 2:
        return -sign * math.inf
    limits = np.iinfo(input._array.dtype)
    return int(limits.min if sign > 0 else limits.max)


def _filled(input: Any, mask: Tensor | None, value: float) -> Any:
    """The input with `value` where it is masked out."""
    t = need_tensor(input, "masked", "input")
    if mask is None:
        return t
    kept = _whole_mask(t, mask)
    other = wrap(np.asarray(value, t._array.dtype), t._device)
    found: Any = FUNCTIONS["where"](kept, t, other)
    return found


def _total_dtype(input: Tensor, dtype: Any) -> Any:
    if dtype is not None:
        return dtype
    return dtypes.int64 if input._array.dtype.kind in "biu" else input.dtype


def sum(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Any:
    """The sum of what counts."""
    dims = _dims(dim, input.ndim)
    return FUNCTIONS["sum"](_filled(input, mask, 0), dims, bool(keepdim), dtype=_total_dtype(input, dtype))


def prod(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Any:
    """The product of what counts."""
    result = _filled(input, mask, 1).to(_total_dtype(input, dtype))
    for d in reversed(_dims(dim, input.ndim)):
        result = result.prod(d, keepdim=bool(keepdim))
    return result


def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """Running sums of what counts."""
    kind = input.dtype if dtype is None else dtype
    return FUNCTIONS["cumsum"](_filled(input, mask, 0), _dims(dim, input.ndim)[0], dtype=kind)


def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """Running products of what counts."""
    kind = input.dtype if dtype is None else dtype
    return FUNCTIONS["cumprod"](_filled(input, mask, 1), _dims(dim, input.ndim)[0], dtype=kind)


def _extreme(name: str, sign: int) -> Any:
    def extreme(
        input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None
    ) -> Any:
        t = _filled(input, mask, _least(input, sign))
        found = FUNCTIONS[name](t, _dims(dim, t.ndim), bool(keepdim))
        return found if dtype is None else found.to(dtype)

    extreme.__name__ = name
    extreme.__doc__ = f"The {'largest' if sign > 0 else 'smallest'} of what counts."
    return extreme


amax, amin = _extreme("amax", 1), _extreme("amin", -1)


def _place(name: str, sign: int) -> Any:
    def place(
        input: Any, dim: int | None = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None
    ) -> Any:
        t = _filled(input, mask, _least(input, sign))
        return FUNCTIONS[name](t, dim, bool(keepdim)).to(input.dtype if dtype is None else dtype)

    place.__name__ = name
    place.__doc__ = f"Where the {'largest' if sign > 0 else 'smallest'} of what counts is."
    return place


argmax, argmin = _place("argmax", 1), _place("argmin", -1)


def _counts(input: Tensor, dim: Any, keepdim: bool, mask: Tensor | None) -> Any:
    kept = wrap(np.ones(input._array.shape, bool), input._device) if mask is None else _whole_mask(input, mask)
    return FUNCTIONS["sum"](kept, _dims(dim, input.ndim), keepdim, dtype=dtypes.int64)


def mean(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None, mask: Any = None) -> Any:
    """The mean of what counts; nan where nothing does."""
    kind, source = (input.dtype, "Input") if dtype is None else (dtype, "Optional")
    if kind.rank < 2:
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. "
            f"Got: {kind}"
        )
    return sum(input, dim, keepdim=keepdim, dtype=kind, mask=mask) / _counts(input, dim, bool(keepdim), mask)


def median(input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The middle one (the lower of two) of what counts."""
    kind = input.dtype if dtype is None else dtype
    is_float = input.dtype.is_floating_point
    t = _filled(input if is_float else input.to(dtypes.float32), mask, math.nan)
    found = FUNCTIONS["nanmedian"](t, _dims(dim, input.ndim)[0], keepdim)[0]
    if is_float:
        return found
    if np.isnan(found._array).any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return found.to(kind)


def logsumexp(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """ln Σ eˣ over what counts."""
    t = _filled(input, mask, _least(input, 1))
    return FUNCTIONS["logsumexp"](t, _dims(dim, input.ndim), keepdim).to(input.dtype if dtype is None else dtype)


def logaddexp(input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None) -> Any:
    """ln(eˣ + eʸ) of what counts."""
    x, y = _filled(input, input_mask, _least(input, 1)), _filled(other, other_mask, _least(other, 1))
    return FUNCTIONS["logaddexp"](x, y).to(input.dtype if dtype is None else dtype)


def norm(
    input: Any,
    ord: float | None = 2.0,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    """The p-norm of what counts."""
    from graphlab.engine import linalg

    t = _filled(input, mask, math.inf if ord == -math.inf else 0)
    kind = input.dtype if dtype is None else dtype
    return linalg.vector_norm(t, ord, _dims(dim, input.ndim), bool(keepdim), dtype=kind)


def _spread(
    input: Tensor, dim: Any, unbiased: bool | None, correction: Any, keepdim: bool, dtype: Any, mask: Any
) -> Any:
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 0 if unbiased is False else 1
    kind = dtype or (input.dtype if input.dtype.rank >= 2 else dtypes.float32)
    inner = kind if kind.rank >= 2 else dtypes.float32
    count = _counts(input, dim, True, mask)
    away = FUNCTIONS["sub"](input, sum(input, dim, keepdim=True, dtype=kind, mask=mask) / count)
    total = sum(away * away, dim, keepdim=keepdim, dtype=inner, mask=mask)
    if not keepdim:
        count = count.reshape(tuple(total.shape))
    if correction:
        # No fewer than none: nan or inf where too few count.
        count = (count.to(inner) - correction).clamp(min=0)
    return (total / count).to(kind)


def var(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool | None = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    """The variance of what counts."""
    return _spread(input, dim, unbiased, correction, bool(keepdim), dtype, mask)


def std(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool | None = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    """The standard deviation of what counts."""
    return _spread(input, dim, unbiased, correction, bool(keepdim), dtype, mask).sqrt()


def _soft(name: str, sign: int) -> Any:
    def soft(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
        t = _filled(input, mask, _least(input, sign))
        kind = input.dtype if dtype is None else dtype
        return FUNCTIONS[name](t, _dims(dim, input.ndim)[0], dtype=kind)

    soft.__name__ = name
    soft.__doc__ = f"`{name}` over what counts."
    return soft


softmax, log_softmax, softmin = _soft("softmax", 1), _soft("log_softmax", 1), _soft("softmin", -1)


def normalize(input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None) -> Any:
    """What counts, divided by its p-norm."""
    size = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / FUNCTIONS["maximum"](size, wrap(np.asarray(eps, size._array.dtype), size._device))
