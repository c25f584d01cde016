"""NumPy's functions on arrays without numbers, those that are no universal functions: shapes by rule.

`virtual.py` fetches this when a program first needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine.shapes import einsum_shape, reduced_shape
from graphlab.engine.virtual import (
    RULES,
    Virtual,
    broadcast,
    no_data,
    no_kernel,
    no_nonzero,
    no_value,
    probe,
    virtual,
)


def _rule(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            RULES[function] = rule
        return rule

    return enter


@_rule(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **named: Any) -> Any:
    low, high = named.pop("min", a_min), named.pop("max", a_max)
    if out is not None:
        return out
    given = [v for v in (a, low, high) if v is not None]
    kind = np.clip(*[probe(v) for v in (a, low, high)], **named).dtype
    return virtual(broadcast(given), kind)


@_rule(np.where)
def _where(condition: Any, *branches: Any) -> Any:
    if not branches:
        return condition.nonzero()
    shape = broadcast([condition, *branches])
    return virtual(shape, np.where(np.empty(0, bool), *[probe(b) for b in branches]).dtype)


@_rule(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [np.asanyarray(a) for a in arrays]
    kind = np.concatenate([probe(p) for p in parts], dtype=dtype).dtype
    if out is not None:
        return out
    if axis is None:
        return virtual((sum(p.size for p in parts),), kind)
    d = axis % parts[0].ndim
    for p in parts[1:]:
        if p.ndim != parts[0].ndim or any(m != n for i, (m, n) in enumerate(zip(parts[0].shape, p.shape)) if i != d):
            raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
    shape = parts[0].shape
    return virtual((*shape[:d], sum(p.shape[d] for p in parts), *shape[d + 1 :]), kind)


@_rule(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    kind = np.dot(probe(a), probe(b)).dtype
    sa, sb = np.shape(a), np.shape(b)
    if not sa or not sb:
        return virtual(sa + sb, kind)
    inner = sb[-2] if len(sb) > 1 else sb[0]
    if sa[-1] != inner:
        raise ValueError(f"shapes {sa} and {sb} not aligned: {sa[-1]} (dim {len(sa) - 1}) != {inner} (dim 0)")
    return virtual((*sa[:-1], *sb[:-2], *(sb[-1:] if len(sb) > 1 else ())), kind)


@_rule(np.inner)
def _inner(a: Any, b: Any) -> Any:
    sa, sb = np.shape(a), np.shape(b)
    shape = (*sa[:-1], *sb[:-1]) if sa and sb else sa + sb
    return virtual(shape, np.inner(probe(a), probe(b)).dtype)


@_rule(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return virtual((), np.vdot(probe(a), probe(b)).dtype)


@_rule(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return virtual((np.size(a), np.size(b)), np.multiply(probe(a), probe(b)).dtype)


@_rule(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    sa, sb = np.shape(a), np.shape(b)
    if isinstance(axes, int):
        left, right = tuple(range(len(sa) - axes, len(sa))), tuple(range(axes))
    else:
        left, right = (tuple(x) if isinstance(x, (tuple, list)) else (x,) for x in axes)
    gone_a, gone_b = {d % len(sa) for d in left}, {d % len(sb) for d in right}
    shape = (*(n for d, n in enumerate(sa) if d not in gone_a), *(n for d, n in enumerate(sb) if d not in gone_b))
    return virtual(shape, np.multiply(probe(a), probe(b)).dtype)


@_rule(np.kron)
def _kron(a: Any, b: Any) -> Any:
    sa, sb = np.shape(a), np.shape(b)
    n = max(len(sa), len(sb))
    sa, sb = (1,) * (n - len(sa)) + sa, (1,) * (n - len(sb)) + sb
    return virtual(tuple(x * y for x, y in zip(sa, sb)), np.multiply(probe(a), probe(b)).dtype)


@_rule(np.einsum)
def _einsum(subscripts: str, *operands: Any, **named: Any) -> Any:
    kind = np.result_type(*operands)
    return virtual(einsum_shape(subscripts, [np.shape(o) for o in operands]), kind)


@_rule(np.empty_like, np.zeros_like, np.ones_like)
def _like(prototype: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None, **_: Any) -> Any:
    sizes = np.shape(prototype) if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    return virtual(sizes, np.dtype(dtype) if dtype is not None else prototype.dtype)


@_rule(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    if not isinstance(a, np.ndarray):
        a = np.asarray(a)
    return _like(a, dtype, shape=shape)


@_rule(np.copyto, np.putmask, np.place, np.fill_diagonal, np.put_along_axis)
def _nothing(*args: Any, **named: Any) -> None:
    return None


@_rule(np.copy)
def _copy(a: Any, order: Any = "K", subok: Any = False) -> Any:
    return a.copy(order)


@_rule(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: Any = False) -> Any:
    sizes = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
    return array._seen(lambda a: np.broadcast_to(a, sizes))


@_rule(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: Any = False) -> Any:
    shape = broadcast(arrays)
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@_rule(np.nan_to_num)
def _nan_to_num(x: Any, copy: Any = True, **_: Any) -> Any:
    return x.copy("K") if copy else x


@_rule(np.lexsort)
def _lexsort(keys: Any, axis: Any = -1) -> Any:
    first = keys[0]
    return virtual(np.shape(first), np.dtype(np.intp))


@_rule(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    return virtual(np.shape(v), np.dtype(np.intp))


@_rule(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    no_kernel("bincount")


@_rule(np.unique)
def _unique(*args: Any, **named: Any) -> Any:
    no_kernel("_unique2")


@_rule(np.flatnonzero, np.argwhere)
def _flatnonzero(a: Any) -> Any:
    no_nonzero()


@_rule(np.array_equal, np.allclose)
def _equal(*args: Any, **named: Any) -> Any:
    no_value()


@_rule(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return virtual(reduced_shape(a.shape, axis, keepdims), np.dtype(np.intp))


@_rule(np.isin)
def _tests(a: Any, b: Any, *args: Any, **named: Any) -> Any:
    return virtual(np.shape(a), np.dtype(bool))


@_rule(np.isclose)
def _isclose(a: Any, b: Any, *args: Any, **named: Any) -> Any:
    return virtual(broadcast([a, b]), np.dtype(bool))


@_rule(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **_: Any) -> Any:
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    return virtual(tuple(n + a + b for n, (a, b) in zip(array.shape, widths)), array.dtype)


@_rule(np.apply_along_axis)
def _apply_along_axis(function: Any, axis: Any, array: Any, *args: Any, **named: Any) -> Any:
    d = axis % array.ndim
    found = np.shape(function(np.zeros(array.shape[d], array.dtype), *args, **named))
    return virtual((*array.shape[:d], *found, *array.shape[d + 1 :]), array.dtype)


@_rule(np.median, np.nanmedian, np.nanmean, np.nanmax, np.nanmin, np.nansum, np.nanvar)
def _statistic(a: Any, axis: Any = None, out: Any = None, *args: Any, keepdims: Any = False, **_: Any) -> Any:
    return virtual(reduced_shape(a.shape, axis, keepdims is True), a.dtype)


@_rule(np.quantile, np.nanquantile, np.percentile)
def _quantile(a: Any, q: Any, axis: Any = None, *args: Any, keepdims: Any = False, **_: Any) -> Any:
    kind = np.quantile(np.ones(1, _array_type(a)), np.zeros((), _array_type(q))).dtype
    return virtual((*np.shape(q), *reduced_shape(np.shape(a), axis, keepdims)), kind)


def _array_type(value: Any) -> Any:
    return value.dtype if isinstance(value, np.ndarray) else np.asarray(value).dtype


@_rule(np.interp)
def _interp(x: Any, *args: Any, **named: Any) -> Any:
    return virtual(np.shape(x), np.dtype(np.float64))


@_rule(np.cross)
def _cross(a: Any, b: Any, *args: Any, axis: Any = None, **named: Any) -> Any:
    return virtual(broadcast([a, b]), np.multiply(probe(a), probe(b)).dtype)


@_rule(np.cov, np.corrcoef)
def _cov(m: Any, *args: Any, **named: Any) -> Any:
    n = m.shape[0] if m.ndim > 1 else 1
    return virtual((n, n) if n > 1 else (), np.dtype(np.float64))


@_rule(np.result_type)
def _result_type(*values: Any) -> Any:
    return np.result_type(*[v.dtype if isinstance(v, np.ndarray) else v for v in values])


@_rule(np.shares_memory, np.may_share_memory)
def _shares(a: Any, b: Any, *_: Any) -> bool:
    return type(a) is Virtual and type(b) is Virtual and a.root() is b.root()


@_rule(np.save, np.savez, np.array2string, np.array_repr, np.array_str)
def _written(*args: Any, **named: Any) -> Any:
    no_data()


# Linear algebra: what NumPy makes of one small matrix of ones on the diagonal tells the types


def _square(a: Any) -> Any:
    return np.eye(1, dtype=a.dtype)


@_rule(np.linalg.inv, np.linalg.cholesky, np.linalg.matrix_power)
def _same_matrix(a: Any, *args: Any, **named: Any) -> Any:
    return virtual(a.shape, np.linalg.inv(_square(a)).dtype)


@_rule(np.linalg.pinv)
def _pinv(a: Any, *args: Any, **named: Any) -> Any:
    return virtual((*a.shape[:-2], a.shape[-1], a.shape[-2]), np.linalg.inv(_square(a)).dtype)


@_rule(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    kind = np.linalg.solve(np.eye(1, dtype=a.dtype), np.ones((1, 1), b.dtype)).dtype
    if b.ndim == 1:
        return virtual((*a.shape[:-2], a.shape[-1]), kind)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return virtual((*batch, a.shape[-1], b.shape[-1]), kind)


@_rule(np.linalg.det)
def _det(a: Any) -> Any:
    return virtual(a.shape[:-2], np.linalg.det(_square(a)).dtype)


@_rule(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    found = np.linalg.slogdet(_square(a))
    return type(found)(virtual(a.shape[:-2], found[0].dtype), virtual(a.shape[:-2], found[1].dtype))


@_rule(np.linalg.eigh, np.linalg.eig)
def _eigen(a: Any, *args: Any) -> Any:
    found = np.linalg.eigh(_square(a))
    return type(found)(virtual(a.shape[:-1], found[0].dtype), virtual(a.shape, found[1].dtype))


@_rule(np.linalg.eigvalsh)
def _eigvalsh(a: Any, *args: Any) -> Any:
    return virtual(a.shape[:-1], np.linalg.eigvalsh(_square(a)).dtype)


@_rule(np.linalg.svd)
def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    *batch, m, n = a.shape
    k = min(m, n)
    found = np.linalg.svd(_square(a))
    s = virtual((*batch, k), found[1].dtype)
    if not compute_uv:
        return s
    u, vh = ((m, m), (n, n)) if full_matrices else ((m, k), (k, n))
    return type(found)(virtual((*batch, *u), found[0].dtype), s, virtual((*batch, *vh), found[2].dtype))


@_rule(np.linalg.svdvals)
def _svdvals(a: Any) -> Any:
    return _svd(a, compute_uv=False)


@_rule(np.linalg.qr)
def _qr(a: Any, mode: Any = "reduced") -> Any:
    *batch, m, n = a.shape
    k = m if mode == "complete" else min(m, n)
    r = virtual((*batch, k, n), a.dtype)
    if mode == "r":
        return r
    return type(np.linalg.qr(np.eye(1)))(virtual((*batch, m, k), a.dtype), r)


@_rule(np.linalg.matrix_rank)
def _matrix_rank(a: Any, *args: Any, **named: Any) -> Any:
    return virtual(a.shape[:-2], np.dtype(np.intp))


@_rule(np.linalg.lstsq)
def _lstsq(*args: Any, **named: Any) -> Any:
    no_kernel("linalg_lstsq.out")
