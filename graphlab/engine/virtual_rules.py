"""NumPy's functions on arrays without numbers: shapes by rule.

`virtual.py` fetches this when a program first needs it. What is not listed here is refused, so that nothing is computed
by accident: give the operator a shape rule, or the function one here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine.shapes import Shape, einsum_shape, reduced_shape
from graphlab.engine.virtual import (
    RULES,
    UFUNCS,
    Virtual,
    broadcast,
    no_kernel,
    no_nonzero,
    no_value,
    ordered,
    probe,
    virtual,
)

_TRANSPARENT: tuple[Any, ...] = (
    # These do nothing but ask for a shape or call a method or a function that has a rule.
    np.all, np.amax, np.amin, np.any, np.argmax, np.argmin, np.argsort, np.atleast_1d, np.atleast_2d, np.cumprod,
    np.cumsum, np.diagonal, np.expand_dims, np.flip, np.max, np.mean, np.min, np.moveaxis, np.ndim, np.nonzero, np.prod,
    np.ravel, np.repeat, np.reshape, np.result_type, np.round, np.shape, np.size, np.squeeze, np.stack, np.std, np.sum,
    np.swapaxes, np.take, np.transpose, np.var,
)  # fmt: skip
RULES.update({function: function._implementation for function in _TRANSPARENT})


def _rule(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            RULES[function] = rule
        return rule

    return enter


# Universal functions


def _call(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    if ufunc.signature is not None:
        return _generalized(ufunc, inputs, named)
    where = named.pop("where", True)
    named.pop("order", None)
    shape = broadcast([*inputs, where])
    found = ufunc(*[probe(i) for i in inputs], **named)
    many = isinstance(found, tuple)
    made = tuple(
        virtual(shape, f.dtype, ordered(shape, inputs, f.dtype.itemsize)) for f in (found if many else (found,))
    )
    return made if many else made[0]


def _generalized(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    ins, outs = ufunc.signature.split("->")
    sizes: dict[str, int] = {}
    missing: set[str] = set()
    loops = []
    axis = named.pop("axis", None)
    for text, value in zip(_cores(ins), inputs):
        shape = np.shape(value)
        if axis is not None:
            shape = (*shape[: axis % len(shape)], *shape[axis % len(shape) + 1 :], shape[axis])
        core = list(text)
        for name in text:
            if len(core) > len(shape) and name.endswith("?"):
                core.remove(name)
                missing.add(name)
        n = len(shape) - len(core)
        if n < 0:
            raise ValueError(f"{ufunc.__name__}: Input operand does not have enough dimensions")
        loops.append(shape[:n])
        for name, size in zip(core, shape[n:]):
            if sizes.setdefault(name, size) != size:
                raise ValueError(
                    f"{ufunc.__name__}: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                    f"{ufunc.signature} (size {size} is different from {sizes[name]})"
                )
    loop = np.broadcast_shapes(*loops)
    # No elements at all where the loop's dims can be told from the core's.
    none: Shape = () if missing else (0,)
    found = ufunc(
        *[
            np.ones((*none, *(1 for name in text if name not in missing)), v.dtype)
            for text, v in zip(_cores(ins), inputs)
        ],
        **named,
    )
    many = isinstance(found, tuple)
    made = tuple(
        virtual((*loop, *(sizes.get(n, min(sizes.values(), default=0)) for n in text if n not in missing)), f.dtype)
        for text, f in zip(_cores(outs), found if many else (found,))
    )
    return made if many else made[0]


def _cores(text: str) -> list[list[str]]:
    return [[n.strip() for n in part.strip("()").split(",") if n.strip()] for part in text.split("),")]


def _reduce(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    (array, *rest) = inputs
    axis = rest[0] if rest else named.get("axis", 0)
    dtype = rest[1] if len(rest) > 1 else named.get("dtype")
    keepdims = rest[3] if len(rest) > 3 else named.get("keepdims", False)
    found = ufunc.reduce(np.ones(1, array.dtype), dtype=dtype)
    return virtual(reduced_shape(array.shape, axis, keepdims is True), found.dtype)


def _accumulate(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    array = inputs[0]
    dtype = inputs[2] if len(inputs) > 2 else named.get("dtype")
    return virtual(array.shape, ufunc.accumulate(np.ones(1, array.dtype), dtype=dtype).dtype)


def _outer_ufunc(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    a, b = inputs
    return virtual((*np.shape(a), *np.shape(b)), ufunc(probe(a), probe(b), **named).dtype)


def _reduceat(ufunc: Any, inputs: Any, named: dict[str, Any]) -> Any:
    array, at = inputs[:2]
    axis = (inputs[2] if len(inputs) > 2 else named.get("axis", 0)) % array.ndim
    kind = ufunc.reduce(np.ones(1, array.dtype), dtype=named.get("dtype")).dtype
    return virtual((*array.shape[:axis], len(at), *array.shape[axis + 1 :]), kind)


UFUNCS.update(__call__=_call, reduce=_reduce, accumulate=_accumulate, outer=_outer_ufunc, reduceat=_reduceat)


# Entry by entry


@_rule(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **named: Any) -> Any:
    low, high = named.pop("min", a_min), named.pop("max", a_max)
    if out is not None:
        return out
    kind = np.clip(*[None if v is None else probe(v) for v in (a, low, high)], **named).dtype
    return virtual(broadcast([v for v in (a, low, high) if v is not None]), kind)


@_rule(np.where)
def _where(condition: Any, *branches: Any) -> Any:
    if not branches:
        return condition.nonzero()
    shape = broadcast([condition, *branches])
    return virtual(shape, np.where(np.empty(0, bool), *[probe(b) for b in branches]).dtype)


@_rule(np.isclose)
def _isclose(a: Any, b: Any, *args: Any, **named: Any) -> Any:
    return virtual(broadcast([a, b]), np.dtype(bool))


@_rule(np.isin)
def _isin(element: Any, *args: Any, **named: Any) -> Any:
    return virtual(np.shape(element), np.dtype(bool))


@_rule(np.nan_to_num)
def _nan_to_num(x: Any, copy: Any = True, **_: Any) -> Any:
    return x.copy("K") if copy else x


@_rule(np.unravel_index)
def _unravel_index(indices: Any, shape: Any, order: Any = "C") -> Any:
    return tuple(virtual(indices.shape, np.dtype(np.intp)) for _ in shape)


@_rule(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    return virtual(np.shape(v), np.dtype(np.intp))


# Copies


@_rule(np.empty_like, np.zeros_like, np.ones_like)
def _like(prototype: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None, **_: Any) -> Any:
    sizes = np.shape(prototype) if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    return virtual(sizes, prototype.dtype if dtype is None else np.dtype(dtype))


@_rule(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, **named: Any) -> Any:
    return _like(a, dtype, **named)


@_rule(np.copyto)
def _copyto(*args: Any, **named: Any) -> None:
    return None


@_rule(np.copy)
def _copy(a: Any, order: Any = "K", subok: Any = False) -> Any:
    return a.copy(order)


# Shapes


@_rule(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: Any = False) -> Any:
    sizes = (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)
    return array._seen(lambda a: np.broadcast_to(a, sizes))


@_rule(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: Any = False) -> Any:
    shape = broadcast(arrays)
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@_rule(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = "same_kind") -> Any:
    parts = [np.asanyarray(a) for a in arrays]
    kind = np.concatenate([probe(p) for p in parts], dtype=dtype).dtype
    if axis is None:
        return virtual((sum(p.size for p in parts),), kind)
    shape = parts[0].shape
    d = axis % len(shape)
    for p in parts[1:]:
        if p.ndim != len(shape) or any(m != n for i, (m, n) in enumerate(zip(shape, p.shape)) if i != d):
            raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
    return virtual((*shape[:d], sum(p.shape[d] for p in parts), *shape[d + 1 :]), kind)


@_rule(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **_: Any) -> Any:
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    return virtual(tuple(n + a + b for n, (a, b) in zip(array.shape, widths)), array.dtype)


# Products


@_rule(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    kind = np.dot(probe(a), probe(b)).dtype
    sa, sb = np.shape(a), np.shape(b)
    if not sa or not sb:
        return virtual(sa + sb, kind)
    inner = sb[-2] if len(sb) > 1 else sb[0]
    if sa[-1] != inner:
        raise ValueError(f"shapes {sa} and {sb} not aligned: {sa[-1]} (dim {len(sa) - 1}) != {inner} (dim 0)")
    return virtual((*sa[:-1], *sb[:-2], *(sb[-1:] if len(sb) > 1 else ())), kind)


@_rule(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return virtual((np.size(a), np.size(b)), np.multiply(probe(a), probe(b)).dtype)


@_rule(np.einsum)
def _einsum(subscripts: str, *operands: Any, **named: Any) -> Any:
    return virtual(einsum_shape(subscripts, [np.shape(o) for o in operands]), np.result_type(*operands))


# Linear algebra: what NumPy makes of one small matrix tells the types


@_rule(np.linalg.cholesky)
def _cholesky(a: Any, **named: Any) -> Any:
    return virtual(a.shape, np.linalg.cholesky(np.eye(1, dtype=a.dtype)).dtype)


@_rule(np.linalg.svd)
def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    *batch, m, n = a.shape
    k = min(m, n)
    found = np.linalg.svd(np.eye(1, dtype=a.dtype))
    s = virtual((*batch, k), found[1].dtype)
    if not compute_uv:
        return s
    u, vh = ((m, m), (n, n)) if full_matrices else ((m, k), (k, n))
    return type(found)(virtual((*batch, *u), found[0].dtype), s, virtual((*batch, *vh), found[2].dtype))


# What depends on values


@_rule(np.unique)
def _unique(*args: Any, **named: Any) -> Any:
    no_kernel("_unique2")


@_rule(np.bincount)
def _bincount(*args: Any, **named: Any) -> Any:
    no_kernel("bincount")


@_rule(np.flatnonzero, np.argwhere)
def _flatnonzero(a: Any) -> Any:
    no_nonzero()


@_rule(np.array_equal, np.allclose)
def _equal(*args: Any, **named: Any) -> Any:
    no_value()


@_rule(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return virtual(reduced_shape(a.shape, axis, keepdims), np.dtype(np.intp))


@_rule(np.shares_memory, np.may_share_memory)
def _shares(a: Any, b: Any, *_: Any) -> bool:
    return type(a) is Virtual and type(b) is Virtual and a.root() is b.root()
