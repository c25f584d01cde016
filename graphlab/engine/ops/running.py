"""Along a dim, step by step: running maxima and log-sums, differences, slopes of samples, areas under them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.extremes import named
from graphlab.engine.ops.op import Category, Op, declare, values_and_places
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _running_extreme(name: str, ufunc: Any, words: str) -> None:
    def forward(x: Array, dim: int) -> Any:
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        values = ufunc.accumulate(x, axis=dim) if x.size else x.copy()
        at = np.arange(x.shape[dim]).reshape([-1 if i == dim else 1 for i in range(x.ndim)])
        # A tie goes to the later place, and a nan stays where it came first.
        hit = (x == values) | (np.isnan(x) if x.dtype.kind in "fVc" else False)
        if x.dtype.kind in "fVc":
            nan = np.isnan(x)
            before = np.cumsum(nan, axis=dim) - nan > 0
            hit = np.where(before, nan, hit)
        return values, np.maximum.accumulate(np.where(hit, at, 0), axis=dim) if x.size else np.zeros(x.shape, np.int64)

    op = declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim",),
            formula=(
                N_("out[i] = the largest of input[0 … i] along dim, and its place")
                if name == "cummax"
                else N_("out[i] = the smallest of input[0 … i] along dim, and its place")
            ),
            backward_formula=N_("d input = Σ of the g whose place it is"),
            forward=forward,
            vjp=_picked_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            shape=lambda s, dim: (s, s),
            dtype=values_and_places,
            narrate=words,
            narrate_backward=N_("each entry of {input} gets the gradients of the results that it was taken for"),
        )
    )
    result = named(name)

    def call(input: Any, dim: int, *, out: Any = None) -> Any:
        return result(run(op, (input,), (wrap_dim(dim, need_tensor(input, name)._array.ndim, name),)))

    call.__name__, call.__doc__ = name, op.formula
    public(op)(call)


def _picked_vjp(node: Any, gs: Any, places: Any) -> Any:
    shape, dim = node.params
    if gs[0] is None or not shape:
        return (gs[0],)
    return (node.xp.scatter_add(shape, dim, node.xp.array_of(places), gs[0]),)


_running_extreme("cummax", np.maximum, N_("the largest entry so far along dim {dim} of {input}"))
_running_extreme("cummin", np.minimum, N_("the smallest entry so far along dim {dim} of {input}"))


def _logcumsumexp(x: Array, dim: int) -> Any:
    # PyTorch adds up in float64 too.
    return np.logaddexp.accumulate(x.astype(np.float64), axis=dim).astype(x.dtype) if x.ndim and x.size else x.copy()


def _logcumsumexp_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    dim = node.params[0]
    if not len(g.shape):
        return (g,)
    xp = node.xp
    least = xp.full((), -np.inf, g)

    def part(positive: Any, logs: Any) -> Any:
        back = xp.flip(
            apply(node, LOGCUMSUMEXP, (xp.flip(xp.where(positive, logs - out, least), (dim,)),), (dim,)), (dim,)
        )
        return xp.exp(back + x)

    # In logarithms, so that large entries do not overflow.
    one = g * 0 + 1
    return (part(g > 0, xp.log(xp.where(g > 0, g, one))) - part(g < 0, xp.log(xp.where(g < 0, -g, one))),)


LOGCUMSUMEXP = declare(
    Op(
        name="logcumsumexp",
        category=Category.REDUCTION,
        args=("input",),
        params=("dim",),
        formula=N_("out[i] = ln Σ e^input[0 … i] along dim"),
        backward_formula=N_("d input[j] = Σ g[i] · e^(input[j] − out[i]) over i ≥ j"),
        forward=_logcumsumexp,
        vjp=_logcumsumexp_vjp,
        saves=("input", "out"),
        shape=lambda s, dim: s,
        narrate=N_("the logarithm of the running sums of the exponentials of {input} along dim {dim}"),
        narrate_backward=N_("each entry of {input} gets its share of the gradients of all results from it on"),
        samples=lambda: [((3, 4), {"dim": 1})],
    )
)


@public(LOGCUMSUMEXP)
def logcumsumexp(input: Any, dim: int, *, out: Any = None) -> Any:
    """The logarithm of running sums of exponentials."""
    x = need_tensor(input, "logcumsumexp")._array
    if x.dtype.kind not in "fVc":
        fail(
            NotImplementedError,
            f"\"logcumsumexp_out_cpu\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op="logcumsumexp",
            dtype=dtypes.of(x).name,
        )
    return run(LOGCUMSUMEXP, (input,), (wrap_dim(dim, x.ndim, "logcumsumexp"),))


# Differences


@public("diff")
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None, *, out: Any = None) -> Any:
    """Each entry less the one before it, n times."""
    x = need_tensor(input, "diff")._array
    if not x.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    d = wrap_dim(dim, x.ndim, "diff")
    for extra in (prepend, append):
        if extra is None:
            continue
        if extra.ndim != x.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input")
        for i, (size, own) in enumerate(zip(extra.shape, x.shape)):
            if i != d and size != own:
                raise RuntimeError(
                    "diff expects the shape of tensor to prepend or append to match that of input except along the "
                    f"differencing dimension; input.size({i}) = {own}, but got tensor.size({i}) = {size}"
                )
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if not n:
        return rename(input.clone(), "CopyBackwards")
    parts = [t for t in (prepend, input, append) if t is not None]
    t = FUNCTIONS["cat"](parts, d) if len(parts) > 1 else input
    n = min(n, t._array.shape[d])
    for _ in range(n):
        size = t._array.shape[d]
        n_left = max(size - 1, 0)
        upper, lower = FUNCTIONS["narrow"](t, d, min(1, size), n_left), FUNCTIONS["narrow"](t, d, 0, n_left)
        t = FUNCTIONS["logical_xor"](upper, lower) if t.dtype is dtypes.bool_ else upper - lower
    return t


def _slope(t: Tensor, spacing: Any, d: int, edge_order: int) -> Any:
    n = t._array.shape[d]

    def at(start: int, size: int = 1) -> Any:
        return FUNCTIONS["narrow"](t, d, start if start >= 0 else n + start, size)

    if not isinstance(spacing, Tensor):
        inner = (at(2, n - 2) - at(0, n - 2)) / (2 * spacing)
        if edge_order == 1:
            first, last = (at(1) - at(0)) / spacing, (at(-1) - at(-2)) / spacing
        else:
            first = (at(0) * -3 + at(1) * 4 - at(2)) / (2 * spacing)
            last = (at(-1) * 3 - at(-2) * 4 + at(-3)) / (2 * spacing)
        return FUNCTIONS["cat"]([first, inner, last], d)
    shape = [-1 if i == d else 1 for i in range(t._array.ndim)]
    steps = spacing.diff().reshape(shape)

    def step(start: int, size: int = 1) -> Any:
        return FUNCTIONS["narrow"](steps, d, start if start >= 0 else n - 1 + start, size)

    h, k = step(0, n - 2), step(1, n - 2)
    inner = (
        at(0, n - 2) * (-k / (h * (h + k))) + at(1, n - 2) * ((k - h) / (h * k)) + at(2, n - 2) * (h / (k * (h + k)))
    )
    if edge_order == 1:
        first, last = (at(1) - at(0)) / step(0), (at(-1) - at(-2)) / step(-1)
    else:
        h, k = step(0), step(1)
        first = at(0) * (-(2 * h + k) / (h * (h + k))) + at(1) * ((h + k) / (h * k)) + at(2) * (-h / (k * (h + k)))
        h, k = step(-2), step(-1)
        last = at(-3) * (k / (h * (h + k))) + at(-2) * (-(k + h) / (h * k)) + at(-1) * ((2 * k + h) / (k * (h + k)))
    return FUNCTIONS["cat"]([first, inner, last], d)


@public("gradient", method=False)
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> Any:
    """The slope along each dim of a function that was sampled: central differences, one-sided at the edges."""
    x = need_tensor(input, "gradient")._array
    if x.dtype == np.uint8:
        raise RuntimeError("torch.gradient does not support uint8 input.")
    wanted = list(range(x.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    for d in wanted:
        wrap_dim(d, x.ndim, "gradient")
    dims = [wrap_dim(d, x.ndim, "gradient") for d in wanted]
    if len(set(dims)) != len(dims):
        twice = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    several = isinstance(spacing, (tuple, list))
    if several and len(spacing) != len(dims):
        if dim is None:
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
                "'self.dim() = "
                f"{x.ndim}', since dim argument was not given, but got a list of length {len(spacing)}"
            )
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have "
            "the same "
            f"length, but got a spacing argument of length {len(spacing)} and a dim argument of length {len(dims)}."
        )
    steps = list(spacing) if several else [spacing] * len(dims)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for i, d in enumerate(dims):
        if isinstance(steps[i], Tensor) and steps[i]._array.size != x.shape[d]:
            raise RuntimeError(
                f"torch.gradient expected each element to match the input's size along the corresponding dim, but got "
                f"{steps[i]._array.size} and {x.shape[d]}"
            )
        if x.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple(_slope(input, h, d, edge_order) for h, d in zip(steps, dims))


# Areas


def _widths(name: str, y: Tensor, x: Any, dx: Any, d: int) -> Any:
    size = y._array.shape[d]
    upper = FUNCTIONS["narrow"](y, d, min(1, size), max(size - 1, 0))
    lower = FUNCTIONS["narrow"](y, d, 0, max(size - 1, 0))
    if x is None:
        return (upper + lower) * (dx / 2.0) if not isinstance(dx, Tensor) else (upper + lower) * dx / 2.0
    if not x._array.ndim:
        raise RuntimeError(f"{name}: received zero-dimensional coordinates, if you want to use a scalar, use `dx`")
    if x._array.ndim == 1:
        if x._array.size != size:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if i == d else 1 for i in range(y._array.ndim)])
    elif x._array.ndim < y._array.ndim:
        x = x.reshape((1,) * (y._array.ndim - x._array.ndim) + tuple(x.shape))
    n = x._array.shape[d]
    return (FUNCTIONS["narrow"](x, d, 1, n - 1) - FUNCTIONS["narrow"](x, d, 0, n - 1)) * (upper + lower) / 2.0


def _area_arguments(name: str, y: Any, x: Any, dx: Any, dim: int) -> Any:
    d = wrap_dim(dim, need_tensor(y, name, "y")._array.ndim, name)
    if x is not None and dx is not None:
        raise TypeError(f"{name}() received an invalid combination of arguments")
    if any(isinstance(t, Tensor) and t.dtype is dtypes.bool_ for t in (y, x)):
        raise RuntimeError(f"{name}: received a bool input for `y` or `x`, but bool is not supported")
    return d


@public("trapezoid", method=False)
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The area under samples y, by trapezoids."""
    d = _area_arguments("trapezoid", y, x, dx, dim)
    if not y._array.shape[d]:
        shape = y._array.shape
        return FUNCTIONS["zeros"](*(shape[:d] + shape[d + 1 :]), dtype=y.dtype)
    made = _widths("trapezoid", y, x, 1.0 if dx is None else dx, d).sum(d)
    return rename(made, "MulBackward1" if x is None else "DivBackward1")


@public("trapz", method=False)
def trapz(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The area under samples y, by trapezoids."""
    return trapezoid(y, x, dx=dx, dim=dim)


@public("cumulative_trapezoid", method=False)
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The running area under samples y, by trapezoids."""
    d = _area_arguments("cumulative_trapezoid", y, x, dx, dim)
    made = _widths("cumulative_trapezoid", y, x, 1.0 if dx is None else dx, d).cumsum(d)
    return made if x is None else rename(made, "DivBackward1")
