"""Activations: relu and its relatives, softmax and log_softmax."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.autograd.graph import SavedOutput, accumulator, next_seq
from graphlab.engine.dtypes import F32
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops import precise
from graphlab.engine.ops.choice import choose
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.rows import row_max, row_sum
from graphlab.engine.ops.run import (
    FUNCTIONS,
    bad_argument,
    need_tensor,
    out_of_memory,
    public,
    report,
    run,
    run_inplace,
)
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

_new = object.__new__
_ndarray = np.ndarray


def same_shape(shape: tuple[int, ...], *_: Any) -> tuple[int, ...]:
    """The shape of the first argument."""
    return shape


def _relu_vjp(node: Any, g: Any, out: Any) -> Any:
    # PyTorch sends 0 at exactly 0, so the test is on out; a nan or an infinite g at 0 does not spread.
    if node.xp is not _NUMERIC:
        return (node.xp.where(out <= 0, node.xp.full((), 0, g), g),)
    zero = _ZERO32 if out.dtype is F32 else _ZERO[out.dtype]
    if out.size > 1024:
        return (choose(~_less_equal(out, zero), g, zero),)
    dx = g.copy()
    _putmask(dx, _less_equal(out, zero), zero)
    return (dx,)


_putmask = np.putmask
_less_equal = np.less_equal
_ZERO = {np.dtype(k): np.zeros((), k) for k in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")}
"""0-dim zeros: a ufunc takes twice as long with a Python number."""
_ZERO32 = _ZERO[F32]


RELU = declare(
    Op(
        name="relu",
        category=Category.ACTIVATION,
        args=("input",),
        formula="out = max(input, 0)",
        backward_formula=N_("d input = g where out > 0, else 0"),
        forward=lambda x: np.maximum(x, x.dtype.type(0)),
        vjp=_relu_vjp,
        saves=("out",),
        shape=same_shape,
        narrate=N_("each negative entry of {input} becomes 0: {n_zeroed} of {n} entries"),
        narrate_backward=N_(
            "the gradient passes where {out} is above 0; at the {n_zeroed} other entries it is stopped"
        ),
        facts=lambda out, x: {"n_zeroed": int(np.sum(np.asarray(out) <= 0)), "n": x.size},
        samples=lambda: [((3, 2),), ((),)],
    )
)
_RELU_NODE = RELU.node_type
_NUMERIC = _RELU_NODE.xp
_maximum = np.maximum


def relu(input: Any, inplace: bool = False) -> Any:
    """max(input, 0)"""
    try:
        x = input._array
        where = input._device
    except AttributeError:
        error = bad_argument("relu", "input", 1, "Tensor", input)
        report("relu", (input,), {}, error)
        raise error from None
    if inplace:
        return input.relu_()
    if where.simulated or x.dtype.kind not in "fiu":
        try:
            if x.dtype.kind == "b":
                raise RuntimeError("Boolean inputs not supported for relu")
            return run(RELU, (input,))
        except Exception as error:
            report("relu", (input,), {}, error)
            raise
    try:
        out = _maximum(x, _ZERO32 if x.dtype is F32 else _ZERO[x.dtype])
    except MemoryError as error:
        raise out_of_memory("relu", (input,), error) from None
    if out.__class__ is not _ndarray:
        out = np.asarray(out)
    if where.counts:
        where.ledger.charge(out)
    t = _new(Tensor)
    t._array = out
    t._device = where
    t._nr = 0
    t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    if input._rg and modes.grad:
        t._rg = True
        node = _new(_RELU_NODE)
        node.edges = (input._fn or accumulator(input),)
        node.nrs = (input._nr,) if input._nr else None
        t._version = version = [0]
        node.saved = (SavedOutput(out, where, version),)
        node.seq = next_seq()
        node.versions = node.params = node.hooks = node.casts = node.outs = node.meta = node._mark = None
        t._fn = node
    else:
        t._rg = False
        t._fn = None
    if observe.observer is not None:
        observe.observer.forward("relu", (input,), t, {})
    return t


FUNCTIONS["relu"] = RELU.function = relu
setattr(Tensor, "relu", relu)  # noqa: B010 - the class is told of it here only


@public("relu_")
def relu_(input: Tensor) -> Tensor:
    """In place: max(input, 0)"""
    return run_inplace(RELU, (need_tensor(input, "relu_"),))  # type: ignore[no-any-return]


# softmax


def _softmax(x: Any, dim: int) -> Any:
    if not x.ndim:
        return np.ones_like(x)
    if not x.size:
        return x.copy()
    is_last = dim in (-1, x.ndim - 1)
    if x.dtype is precise.F32 and x.size <= precise.MOST:
        if is_last:
            return precise.softmax_rows(x, row_max(x))
        out = precise.exp(x - np.maximum.reduce(x, axis=dim, keepdims=True))
        out /= np.add.reduce(out, axis=dim, keepdims=True)
        return out
    out = x - (row_max(x) if is_last else np.maximum.reduce(x, axis=dim, keepdims=True))
    np.exp(out, out=out)
    out /= row_sum(out) if is_last else np.add.reduce(out, axis=dim, keepdims=True)
    return out


def _log_softmax(x: Any, dim: int) -> Any:
    if not x.ndim:
        return np.zeros_like(x)
    if not x.size:
        return x.copy()
    is_last = dim in (-1, x.ndim - 1)
    out = x - (row_max(x) if is_last else np.maximum.reduce(x, axis=dim, keepdims=True))
    if is_last and x.dtype is precise.F32 and x.size <= precise.MOST:
        out -= precise.log(precise.row_sums(precise.exp(out)))
        return out
    powers = precise.exp(out)
    out -= np.log(row_sum(powers) if is_last else np.add.reduce(powers, axis=dim, keepdims=True))
    return out


def _softmax_vjp(node: Any, g: Any, out: Any) -> Any:
    dim = (node.params[0],) if out.ndim else ()
    gx = g * out
    return (gx - out * node.xp.sum(gx, dim, True),)


def _log_softmax_vjp(node: Any, g: Any, out: Any) -> Any:
    dim = (node.params[0],) if out.ndim else ()
    return (g - node.xp.exp(out) * node.xp.sum(g, dim, True),)


SOFTMAX = declare(
    Op(
        name="softmax",
        category=Category.ACTIVATION,
        args=("input",),
        params=("dim",),
        formula=N_("out = exp(input) / Σ exp(input) along dim"),
        backward_formula="d input = out · (g − Σ g · out)",
        forward=_softmax,
        vjp=_softmax_vjp,
        saves=("out",),
        shape=same_shape,
        narrate=N_("{input} becomes {n_rows} groups of {n} probabilities that each sum to 1 along dim {dim}"),
        narrate_backward=N_(
            "each group's gradient is centred by its probability-weighted mean and scaled by the probabilities"
        ),
        facts=lambda out, x, dim=0: {
            "n": x.shape[dim] if x.ndim else 1,
            "n_rows": x.size // max(x.shape[dim], 1) if x.ndim else 1,
        },
        samples=lambda: [((3, 4), {"dim": 1}), ((2, 3, 2), {"dim": -2})],
    )
)
LOG_SOFTMAX = declare(
    Op(
        name="log_softmax",
        category=Category.ACTIVATION,
        args=("input",),
        params=("dim",),
        formula=N_("out = input − ln Σ exp(input) along dim"),
        backward_formula="d input = g − exp(out) · Σ g",
        forward=_log_softmax,
        vjp=_log_softmax_vjp,
        saves=("out",),
        shape=same_shape,
        narrate=N_("{input} becomes the logarithms of {n_rows} groups of {n} probabilities along dim {dim}"),
        narrate_backward=N_("each entry's gradient loses its probability times the sum of the group's gradients"),
        facts=SOFTMAX.facts,
        samples=lambda: [((3, 4), {"dim": 1}), ((2, 3, 2), {"dim": -2})],
    )
)


def warn(message: str, kind: str, category: type[Warning] = UserWarning, stacklevel: int = 4, **facts: Any) -> None:
    """Warn as PyTorch does, and tell the observer."""
    if observe.observer is not None:
        observe.observer.warned(message, category.__name__, kind, facts)
    warnings.warn(message, category, stacklevel=stacklevel)


def _along(op: Op, input: Any, dim: Any, dtype: Any) -> Any:
    x = need_tensor(input, op.name)._array
    if dim is None:
        # PyTorch's old choice: 0 for 0, 1 or 3 dims, else 1.
        dim = 0 if x.ndim in (0, 1, 3) else 1
        warn(
            f"Implicit dimension choice for {op.name} has been deprecated. Change the call to include "
            f"dim=X as an argument.",
            "softmax_dim",
            stacklevel=5,
            op=op.name,
            shape=list(x.shape),
            dim=dim,
        )
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind not in "fVc":
        name = "softmax_lastdim_kernel_impl" if op is SOFTMAX else "log_softmax_lastdim_kernel_impl"
        if wrap_dim(dim, x.ndim, op.name) != max(x.ndim - 1, 0):
            name = "softmax_kernel_impl" if op is SOFTMAX else "log_softmax_kernel_impl"
        fail(
            NotImplementedError,
            f"\"{name}\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op=op.name,
            dtype=dtypes.of(x).name,
        )
    return run(op, (input,), (wrap_dim(dim, x.ndim, op.name),))


@public(SOFTMAX)
def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """exp(input) / Σ exp(input) along dim."""
    return _along(SOFTMAX, input, dim, dtype)


@public(LOG_SOFTMAX)
def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """The logarithm of softmax, computed without overflow."""
    return _along(LOG_SOFTMAX, input, dim, dtype)
