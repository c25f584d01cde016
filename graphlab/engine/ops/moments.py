"""Variances, norms and logsumexp over dims."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename_all
from graphlab.engine.errors import fail, wrap_dim, wrap_dims
from graphlab.engine.ops.reduce import _add_reduce, _count, _reduction, _sum, dims_of, mean, reduced, spread
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.i18n import N_


def _var(x: Any, dim: Any, keepdim: bool, correction: float) -> Any:
    n = _count(x.shape, dim)
    d = x - np.mean(x, axis=dim, keepdims=True) if x.size else x
    total = _add_reduce(d * d, axis=dim, keepdims=keepdim)
    left = np.maximum(n - correction, 0)
    return np.true_divide(total, x.dtype.type(left))


def _centred(node: Any, x: Any, dim: Any) -> Any:
    xp = node.xp
    which = tuple(range(len(node.params[0]))) if dim is None else dim
    return x - xp.sum(x, which, True) / (_count(node.params[0], dim) or 1)


def _var_vjp(node: Any, g: Any, x: Any) -> Any:
    shape, dim, keepdim, correction = node.params
    n = _count(shape, dim) - correction
    return (spread(node, g * (2.0 / n if n > 0 else float("nan")), shape, dim, keepdim) * _centred(node, x, dim),)


def _std_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    shape, dim, keepdim, correction = node.params
    n = _count(shape, dim) - correction
    slope = g / (out * n) if n > 0 else g * float("nan")
    slope = node.xp.where(out == 0, slope * 0, slope) if n > 0 else slope
    return (spread(node, slope, shape, dim, keepdim) * _centred(node, x, dim),)


VAR = _reduction(
    "var",
    "out = Σ (input − mean)² / (n − correction)",
    "d input = g · 2 · (input − mean) / (n − correction)",
    _var,
    _var_vjp,
    N_("how far the entries of {input} spread around their mean, squared: {shape}"),
    ("input",),
    ("dim", "keepdim", "correction"),
    lambda: [((3, 4), {"dim": (1,), "keepdim": False, "correction": 1})],
)
STD = _reduction(
    "std",
    "out = √(Σ (input − mean)² / (n − correction))",
    "d input = g · (input − mean) / (out · (n − correction))",
    lambda x, *p: np.sqrt(_var(x, *p)),
    _std_vjp,
    N_("how far the entries of {input} spread around their mean: {shape}"),
    ("input", "out"),
    ("dim", "keepdim", "correction"),
    lambda: [((3, 4), {"dim": (1,), "keepdim": False, "correction": 1})],
)


def _spread_arguments(name: str, input: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool) -> Any:
    x = need_tensor(input, name)._array
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if x.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            "std and var only support floating point and complex dtypes"
            if name in ("var", "std")
            else f"{name} only support floating point and complex dtypes",
            kind="mean_dtype",
            op=name,
            dtype=dtypes.of(x).name,
        )
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    which = dims_of(dim, x.ndim, name)
    if _count(x.shape, which) - correction <= 0 and x.ndim >= 0:
        from graphlab.engine.ops.activation import warn

        warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
            f"reduction factor (input "
            f"numel divided by output numel).",
            "degrees_of_freedom",
            stacklevel=6,
            op=name,
        )
    return which, bool(keepdim), correction


@public(VAR)
def var(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None, out: Any = None
) -> Any:
    """Σ (input − mean)² / (n − correction)"""
    return run(VAR, (input,), _spread_arguments("var", input, dim, unbiased, correction, keepdim))


@public(STD)
def std(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None, out: Any = None
) -> Any:
    """The square root of the variance."""
    return run(STD, (input,), _spread_arguments("std", input, dim, unbiased, correction, keepdim))


@public("var_mean", method=False)
def var_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """Variance and mean."""
    params = _spread_arguments("var_mean", input, dim, unbiased, correction, keepdim)
    centre = mean(input, dim if not isinstance(dim, bool) else None, keepdim)
    return rename_all((run(VAR, (input,), params), centre), "VarMeanBackward0")


@public("std_mean", method=False)
def std_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """Standard deviation and mean."""
    params = _spread_arguments("std_mean", input, dim, unbiased, correction, keepdim)
    centre = mean(input, dim if not isinstance(dim, bool) else None, keepdim)
    return rename_all((run(STD, (input,), params), centre), "StdMeanBackward0")


def _norm(x: Any, p: float, dim: Any, keepdim: bool) -> Any:
    a = np.abs(x)
    if p == np.inf:
        return np.max(a, axis=dim, keepdims=keepdim) if x.size else _sum(a, dim, keepdim)
    if p == -np.inf:
        return np.min(a, axis=dim, keepdims=keepdim)
    if p == 0:
        return _sum((x != 0).astype(x.dtype), dim, keepdim)
    if p == 1:
        return _sum(a, dim, keepdim)
    if p == 2:
        return np.sqrt(_sum(x * x, dim, keepdim))
    return np.power(_sum(np.power(a, x.dtype.type(p)), dim, keepdim), x.dtype.type(1 / p))


def _norm_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    shape, p, dim, keepdim = node.params
    xp = node.xp
    if p == 0:
        return (x * 0,)
    big = spread(node, g, shape, dim, keepdim)
    if p == 1:
        return (xp.sign(x) * big,)
    all_out = spread(node, out, shape, dim, keepdim)
    if p == 2:
        return (xp.where(all_out == 0, x * 0, x / xp.where(all_out == 0, all_out * 0 + 1, all_out)) * big,)
    if p in (np.inf, -np.inf):
        hit = xp.array_of(xp.abs(x)) == xp.array_of(all_out)
        which = tuple(range(len(shape))) if dim is None else dim
        share = hit / np.sum(hit, axis=which, keepdims=True)
        return (xp.sign(x) * big * xp.constant(share.astype(xp.array_of(g).dtype), g),)
    safe = xp.where(all_out == 0, all_out * 0 + 1, all_out)
    ratio = xp.abs(x) / safe
    ratio = xp.where(x == 0, ratio * 0 + 1, ratio)
    return (xp.where(all_out == 0, x * 0, xp.sign(x) * ratio ** (p - 1)) * big,)


NORM = _reduction(
    "norm",
    "out = (Σ |input|^p)^(1/p)",
    "d input = g · sign(input) · (|input| / out)^(p − 1)",
    _norm,
    _norm_vjp,
    N_("the {p}-norm of {input}, its length: {shape}"),
    ("input", "out"),
    ("p", "dim", "keepdim"),
    lambda: [((3, 2), {"p": 2.0, "dim": None, "keepdim": False}), ((3, 2), {"p": 3.0, "dim": (1,), "keepdim": False})],
)
NORM.node = NORM.node_type.__name__ = "LinalgVectorNormBackward0"
NORM.shape = lambda s, p, dim=None, keepdim=False: reduced(s, dim, keepdim)


@public(NORM)
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None) -> Any:
    """The p-norm over all or the given dims."""
    x = need_tensor(input, "norm")._array
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + dtypes.of(x).title,
            kind="mean_dtype",
            op="norm",
            dtype=dtypes.of(x).name,
        )
    if p == "nuc":
        from graphlab.engine import linalg

        return linalg.matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)
    power = 2.0 if p is None or p == "fro" else float(p)
    return run(NORM, (input,), (power, dims_of(dim, x.ndim, "norm"), bool(keepdim)))


def _logsumexp_many(x: Any, dim: Any, keepdim: bool) -> Any:
    top = np.max(x, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(np.sum(np.exp(x - top), axis=dim, keepdims=True)) + top
    return out if keepdim else out.reshape(reduced(x.shape, dim, False))


LOGSUMEXP = _reduction(
    "logsumexp",
    "out = ln Σ e^input",
    "d input = g · e^(input − out)",
    lambda x, d, k: _logsumexp_many(x, d, k) if x.ndim else x.copy(),
    lambda node, g, x, out: (
        spread(node, g, *node.params) * node.xp.exp(x - spread(node, out, *node.params)) if node.params[0] else g,
    ),
    N_("the logarithm of the sum of the exponentials of {input} along {along}: {shape}"),
    ("input", "out"),
    samples=lambda: [((3, 2), {"dim": (1,), "keepdim": False})],
)


@public(LOGSUMEXP, "logsumexp", "special_logsumexp")
def logsumexp(input: Any, dim: Any, keepdim: bool = False, *, out: Any = None) -> Any:
    """ln Σ e^input, computed without overflow."""
    x = need_tensor(input, "logsumexp")._array
    casts = None if x.dtype.kind in "fVc" else (dtypes.get_default_dtype().np,)
    which = (wrap_dim(dim, x.ndim),) if isinstance(dim, int) else wrap_dims(dim, x.ndim)
    return run(LOGSUMEXP, (input,), (which if x.ndim else (), bool(keepdim)), casts)
