"""Reductions: sum, mean, max and min with their dims, products, variances, norms, cumulative sums."""

from __future__ import annotations

from math import prod as _prod
from operator import itemgetter
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail, wrap_dim, wrap_dims
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, bad_combination, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

# NumPy's stubs know fewer forms of reduce than there are.
_add_reduce: Any = np.add.reduce
_multiply_reduce: Any = np.multiply.reduce


def dims_of(dim: Any, n_dims: int, op: str) -> tuple[int, ...] | None:
    """The dims that an argument `dim` names, None for all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    if isinstance(dim, (tuple, list)):
        found = wrap_dims(dim, n_dims, op)
    else:
        found = (wrap_dim(dim, n_dims, op),)
    return found if n_dims else ()


def reduced(shape: tuple[int, ...], dim: tuple[int, ...] | None, keepdim: bool) -> tuple[int, ...]:
    """The shape that is left."""
    if dim is None:
        return (1,) * len(shape) if keepdim else ()
    return tuple(1 if i in dim else n for i, n in enumerate(shape) if keepdim or i not in dim)


def spread(node: Any, g: Any, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Any:
    """The gradient of a reduced result, stretched back to the shape before."""
    xp = node.xp
    if not keepdim and dim is not None and dim != ():
        g = xp.reshape(g, reduced(shape, dim, True))
    elif not keepdim and dim is None and shape:
        g = xp.reshape(g, (1,) * len(shape))
    return xp.expand(g, shape)


def _sum(x: Any, dim: Any, keepdim: bool, dtype: Any = None) -> Any:
    if dtype is not None:
        return x.sum(axis=dim, keepdims=keepdim, dtype=dtype)
    return _add_reduce(x, axis=dim, keepdims=keepdim)


def _over(dim: tuple[int, ...] | None, keepdim: bool = False) -> dict[str, Any]:
    return {"dim": dim, "keepdim": keepdim}


SUM = declare(
    Op(
        name="sum",
        category=Category.REDUCTION,
        args=("input",),
        params=("dim", "keepdim"),
        formula="out = Σ input",
        backward_formula="d input = g for every entry that was summed",
        forward=_sum,
        vjp=lambda node, g: (spread(node, g, *node.params),),
        broadcasts=True,
        shape=lambda s, dim, keepdim, dtype=None: reduced(s, dim, keepdim),
        narrate=N_("all {n} entries of {input} are summed into {shape}"),
        narrate_backward=N_("each entry that was summed gets the same gradient"),
        facts=lambda out, x, **_: {"n": x.size},
        samples=lambda: [
            ((3, 2), _over(None)),
            ((3, 2), _over((1,))),
            ((2, 3, 2), _over((0, 2), True)),
            ((), _over(None)),
        ],
    )
)


@public(SUM)
def sum(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    out: Any = None,
    keepdims: bool | None = None,
) -> Any:
    """Σ input over all or the given dims; integers are summed as int64."""
    x = need_tensor(input, "sum")._array
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind != "f" and x.dtype != dtypes.I64:
        input = input.to(dtypes.int64)
    which = dims_of(dim if axis is None else axis, x.ndim, "sum")
    return run(SUM, (input,), (which, bool(keepdim if keepdims is None else keepdims)))


def _count(shape: tuple[int, ...], dim: tuple[int, ...] | None) -> int:
    return _prod(shape) if dim is None else _prod(shape[d] for d in dim)


def _mean(x: Any, dim: Any, keepdim: bool) -> Any:
    n = _count(x.shape, dim)
    total = _add_reduce(x, axis=dim, keepdims=keepdim)
    return np.true_divide(total, n if n else np.nan)


MEAN = declare(
    Op(
        name="mean",
        category=Category.REDUCTION,
        args=("input",),
        params=("dim", "keepdim"),
        formula="out = Σ input / n",
        backward_formula="d input = g / n",
        forward=_mean,
        vjp=lambda node, g: (spread(node, g / _count(node.params[0], node.params[1]), *node.params),),
        broadcasts=True,
        shape=lambda s, dim, keepdim: reduced(s, dim, keepdim),
        narrate=N_("the mean of {n} entries of {input} is taken for each of the results {shape}"),
        narrate_backward=N_("each entry gets the gradient divided by the number of entries averaged, {n}"),
        facts=lambda out, x, dim=None, **_: {"n": _count(x.shape, dim)},
        samples=lambda: [((3, 2), _over(None)), ((3, 2), _over((1,))), ((2, 3, 2), _over((0, 2), True))],
    )
)


@public(MEAN)
def mean(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    out: Any = None,
    keepdims: bool | None = None,
) -> Any:
    """The mean over all or the given dims; floating point only."""
    x = need_tensor(input, "mean")._array
    if dtype is not None:
        if dtype.rank < 2:
            raise RuntimeError(
                "mean(): could not infer output dtype. Optional dtype must be either a floating "
                "point or complex dtype. "
                f"Got: {dtype.title}"
            )
        input = input.to(dtype)
    elif x.dtype.kind != "f":
        fail(
            RuntimeError,
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {dtypes.of(x).title}",
            kind="mean_dtype",
            dtype=dtypes.of(x).name,
        )
    which = dims_of(dim if axis is None else axis, x.ndim, "mean")
    return run(MEAN, (input,), (which, bool(keepdim if keepdims is None else keepdims)))


def _normal_dims(dim: Any, n_dims: int, op: str, which: Any = None) -> Any:
    return dims_of(dim if which is None else which, n_dims, op)


def _reduction(
    name: str,
    formula: str,
    backward: str,
    forward: Any,
    vjp: Any,
    narrate: str,
    saves: tuple[str, ...] = (),
    params: tuple[str, ...] = ("dim", "keepdim"),
    samples: Any = None,
    dtype: Any = None,
) -> Op:
    return declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula=backward,
            forward=forward,
            vjp=vjp,
            saves=saves,
            broadcasts=True,
            shape=lambda s, dim=None, keepdim=False, *_: reduced(s, dim, keepdim),
            dtype=dtype,
            narrate=narrate,
            narrate_backward=N_("the gradient is spread over the entries of {input} that were reduced") if vjp else "",
            samples=samples
            or (lambda: [((3, 2), {"dim": None, "keepdim": False}), ((3, 2), {"dim": (1,), "keepdim": True})]),
        )
    )


def _need_size(x: Any, dim: Any, op: str) -> None:
    if x.size:
        return
    if dim is None:
        fail(
            RuntimeError,
            f"{op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
            f"reduction dim with the "
            "'dim' argument.",
            kind="empty_reduction",
            op=op,
        )
    for d in dim:
        if x.ndim and not x.shape[d]:
            fail(
                IndexError,
                f"{op}(): Expected reduction dim {d} to have non-zero size.",
                kind="empty_reduction",
                op=op,
            )


# The largest and the smallest


def _extreme_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    # PyTorch shares the gradient evenly among equal entries.
    shape, dim, keepdim = node.params
    xp = node.xp
    hit = x == spread(node, out, shape, dim, keepdim)
    hits = xp.constant(np.asarray(xp.array_of(hit), xp.array_of(g).dtype), g)
    counts = xp.sum(hits, dim if dim is not None else tuple(range(len(shape))), True)
    return (hits * spread(node, g, shape, dim, keepdim) / counts,)


AMAX = _reduction(
    "amax",
    "out = the largest entry",
    "d input = g at the largest entries, shared evenly",
    lambda x, dim, keepdim: np.max(x, axis=dim, keepdims=keepdim),
    _extreme_vjp,
    N_("the largest entries of {input} along dims {dim}: {shape}"),
    ("input", "out"),
)
AMIN = _reduction(
    "amin",
    "out = the smallest entry",
    "d input = g at the smallest entries, shared evenly",
    lambda x, dim, keepdim: np.min(x, axis=dim, keepdims=keepdim),
    _extreme_vjp,
    N_("the smallest entries of {input} along dims {dim}: {shape}"),
    ("input", "out"),
)
MAX_ALL = _reduction(
    "max_all",
    "out = the largest entry",
    "d input = g at the largest entries, shared evenly",
    lambda x, dim, keepdim: np.max(x),
    _extreme_vjp,
    N_("the largest of all entries of {input} is taken"),
    ("input", "out"),
    samples=lambda: [((3, 2), {"dim": None, "keepdim": False})],
)
MIN_ALL = _reduction(
    "min_all",
    "out = the smallest entry",
    "d input = g at the smallest entries, shared evenly",
    lambda x, dim, keepdim: np.min(x),
    _extreme_vjp,
    N_("the smallest of all entries of {input} is taken"),
    ("input", "out"),
    samples=lambda: [((3, 2), {"dim": None, "keepdim": False})],
)
for _op, _node in ((MAX_ALL, "MaxBackward1"), (MIN_ALL, "MinBackward1")):
    _op.node = _op.node_type.__name__ = _node


def _pick_vjp(node: Any, gs: Any, index: Any) -> Any:
    shape, dim, keepdim = node.params[:3]
    g = gs[0]
    if g is None:
        return (None,)
    xp = node.xp
    i = xp.array_of(index)
    if not shape:
        return (g,)
    if not keepdim:
        full = reduced(shape, (dim,), True)
        g, i = xp.reshape(g, full), i.reshape(full)
    return (xp.scatter_add(shape, dim, i, g),)


def _pair(name: str, node: str, find: Any, formula: str, narrate: str) -> Op:
    def forward(x: Any, dim: int, keepdim: bool) -> Any:
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        i = np.expand_dims(find(x, dim), dim)
        values = np.take_along_axis(x, i, dim)
        return (values, i) if keepdim else (values.squeeze(dim), i.squeeze(dim))

    return declare(
        Op(
            name=name,
            node=node,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim", "keepdim"),
            formula=formula,
            backward_formula="d input = g at the place that was taken, 0 elsewhere",
            forward=forward,
            vjp=_pick_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            narrate=narrate,
            narrate_backward=N_("only the entries of {input} that were taken get a gradient"),
        )
    )


def _argmax(x: Any, dim: int) -> Any:
    return np.argmax(x, dim)


def _median_place(x: Any, dim: int) -> Any:
    k = (x.shape[dim] - 1) // 2
    order = np.argsort(x, axis=dim, kind="stable")
    found = np.take(order, k, dim)
    if x.dtype.kind == "f" and np.isnan(x).any():
        bad = np.isnan(x)
        found = np.where(bad.any(dim), np.argmax(bad, dim), found)
    return found


MAX = _pair(
    "max",
    "MaxBackward0",
    _argmax,
    "out = the largest entry along dim, and its place",
    N_("the largest entry of {input} along dim {dim} is found, and its place: {shape}"),
)
MIN = _pair(
    "min",
    "MinBackward0",
    lambda x, dim: np.argmin(x, dim),
    "out = the smallest entry along dim, and its place",
    N_("the smallest entry of {input} along dim {dim} is found, and its place: {shape}"),
)
MEDIAN = _pair(
    "median",
    "MedianBackward1",
    _median_place,
    "out = the middle entry along dim (the lower of two), and its place",
    N_("the middle entry of {input} along dim {dim} is found, and its place: {shape}"),
)


class _Named(tuple[Any, ...]):
    """A result of several tensors with names, printed as PyTorch prints it."""

    __slots__ = ()
    _fields: tuple[str, ...] = ("values", "indices")

    def __repr__(self) -> str:
        fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"


def named(name: str, fields: tuple[str, ...] = ("values", "indices")) -> Any:
    """A type of named results."""
    members: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    return type(name, (_Named,), {**members, "_fields": fields, "__slots__": ()})


_MAX_RESULT, _MIN_RESULT, _MEDIAN_RESULT = named("max"), named("min"), named("median")


def _extreme(name: str, pair: Op, whole: Op, elementwise: str, result: Any) -> Any:
    def call(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None) -> Any:
        if not isinstance(input, Tensor):
            raise bad_combination(name, input, *(v for v in (dim, other) if v is not None))
        x = input._array
        if isinstance(dim, Tensor) or other is not None:
            return FUNCTIONS[elementwise](input, dim if other is None else other)
        if dim is None:
            if not x.size:
                fail(
                    RuntimeError,
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                    f"Specify the reduction dim "
                    "with the 'dim' argument.",
                    kind="empty_reduction",
                    op=name,
                )
            return run(whole, (input,), (None, False))
        d = wrap_dim(dim, x.ndim, name)
        _need_size(x, (d,), name)
        return result(run(pair, (input,), (d, bool(keepdim))))

    call.__name__ = name
    return public(pair)(call)


max = _extreme("max", MAX, MAX_ALL, "maximum", _MAX_RESULT)
min = _extreme("min", MIN, MIN_ALL, "minimum", _MIN_RESULT)


@public(MEDIAN)
def median(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The middle entry (the lower of two), along a dim with its place."""
    x = need_tensor(input, "median")._array
    if dim is None:
        if not x.size:
            return run(SUM, (input,), (None, False)) * float("nan")
        return run(MEDIAN, (input.reshape(-1),), (0, False))[0]
    d = wrap_dim(dim, x.ndim, "median")
    if x.ndim and not x.shape[d]:
        _need_size(x, (d,), "median")
    return _MEDIAN_RESULT(run(MEDIAN, (input,), (d, bool(keepdim))))


def _amax(name: str, op: Op) -> None:
    def call(input: Any, dim: Any = (), keepdim: bool = False, *, out: Any = None) -> Any:
        x = need_tensor(input, name)._array
        which = dims_of(dim, x.ndim, name)
        _need_size(x, which, name)
        return run(op, (input,), (which, bool(keepdim)))

    call.__name__ = name
    public(op)(call)


_amax("amax", AMAX)
_amax("amin", AMIN)


@public("aminmax")
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest and the largest entries."""
    x = need_tensor(input, "aminmax")._array
    if not x.size:
        if dim is None:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
            )
        if not x.shape[wrap_dim(dim, x.ndim, "aminmax")]:
            raise IndexError(f"aminmax: Expected reduction dim {dim} to have non-zero size.")
    return named("aminmax", ("min", "max"))(
        (
            FUNCTIONS["amin"](input, () if dim is None else dim, keepdim),
            FUNCTIONS["amax"](input, () if dim is None else dim, keepdim),
        )
    )


def _places(name: str, find: Any) -> None:
    op = declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim", "keepdim"),
            formula=f"out = the place of the {'largest' if name == 'argmax' else 'smallest'} entry along dim",
            forward=lambda x, dim, keepdim: find(x, dim, keepdim),
            shape=lambda s, dim, keepdim: reduced(s, None if dim is None else (dim,), keepdim),
            dtype=lambda *_: dtypes.I64,
            narrate=N_("the place of the largest entry of {input} along dim {dim}: {shape}")
            if name == "argmax"
            else N_("the place of the smallest entry of {input} along dim {dim}: {shape}"),
        )
    )

    def call(input: Any, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        x = need_tensor(input, name)._array
        if dim is None:
            if not x.size:
                raise IndexError(
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                    f"Specify the reduction dim "
                    "with the 'dim' argument."
                )
            return run(op, (input,), (None, bool(keepdim)))
        d = wrap_dim(dim, x.ndim, name)
        _need_size(x, (d,), name)
        return run(op, (input,), (d if x.ndim else None, bool(keepdim)))

    call.__name__ = name
    public(op)(call)


_places("argmax", lambda x, dim, keepdim: np.argmax(x, axis=dim, keepdims=keepdim))
_places("argmin", lambda x, dim, keepdim: np.argmin(x, axis=dim, keepdims=keepdim))


# Truth

for _name, _ufunc, _words in (
    ("all", np.all, N_("whether all entries of {input} are true")),
    ("any", np.any, N_("whether any entry of {input} is true")),
):

    def _truth(name: str, ufunc: Any, words: str) -> None:
        op = _reduction(
            name,
            f"out = {name} of input",
            "",
            lambda x, dim, keepdim: ufunc(x, axis=dim, keepdims=keepdim),
            None,
            words,
            dtype=lambda *_: dtypes.BOOL,
        )

        def call(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
            x = need_tensor(input, name)._array
            return run(op, (input,), (dims_of(dim, x.ndim, name), bool(keepdim)))

        call.__name__ = name
        public(op)(call)

    _truth(_name, _ufunc, _words)


# Products, variances, norms


def _prod_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    shape, dim, keepdim = node.params
    xp = node.xp
    if not shape:
        return (g,)
    raw = xp.array_of(x)
    if (raw == 0).any():
        # Products of all the others, from both sides; no division by zero.
        axis = dim[0] if dim is not None else None
        flat = x if axis is not None else xp.reshape(x, (-1,))
        axis = 0 if axis is None else axis
        n = flat.shape[axis]
        parts = []
        for i in range(n):
            others = [xp.pick(flat, (slice(None),) * axis + (slice(j, j + 1),)) for j in range(n) if j != i]
            total = xp.full(tuple(1 if k == axis else m for k, m in enumerate(flat.shape)), 1, flat)
            for other in others:
                total = total * other
            parts.append(total)
        return (xp.reshape(xp.cat(parts, axis), shape) * spread(node, g, shape, dim, keepdim),)
    return (spread(node, g * out, shape, dim, keepdim) / x,)


PROD = _reduction(
    "prod",
    "out = Π input",
    "d input = g · out / input",
    lambda x, dim, keepdim: _multiply_reduce(x, axis=dim, keepdims=keepdim),
    _prod_vjp,
    N_("the entries of {input} along dims {dim} are multiplied: {shape}"),
    ("input", "out"),
)


@public(PROD)
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    """Π input over all or one dim."""
    x = need_tensor(input, "prod")._array
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind != "f" and x.dtype != dtypes.I64:
        input = input.to(dtypes.int64)
    return run(PROD, (input,), (dims_of(dim, x.ndim, "prod"), bool(keepdim)))


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
    if x.dtype.kind != "f":
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
    return run(VAR, (input,), params), mean(input, dim if not isinstance(dim, bool) else None, keepdim)


@public("std_mean", method=False)
def std_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """Standard deviation and mean."""
    params = _spread_arguments("std_mean", input, dim, unbiased, correction, keepdim)
    return run(STD, (input,), params), mean(input, dim if not isinstance(dim, bool) else None, keepdim)


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
    elif x.dtype.kind != "f":
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
    N_("the logarithm of the sum of the exponentials of {input} along dims {dim}: {shape}"),
    ("input", "out"),
    samples=lambda: [((3, 2), {"dim": (1,), "keepdim": False})],
)


@public(LOGSUMEXP, "logsumexp", "special_logsumexp")
def logsumexp(input: Any, dim: Any, keepdim: bool = False, *, out: Any = None) -> Any:
    """ln Σ e^input, computed without overflow."""
    x = need_tensor(input, "logsumexp")._array
    casts = None if x.dtype.kind == "f" else (dtypes.get_default_dtype().np,)
    which = (wrap_dim(dim, x.ndim),) if isinstance(dim, int) else wrap_dims(dim, x.ndim)
    return run(LOGSUMEXP, (input,), (which if x.ndim else (), bool(keepdim)), casts)


# Running sums and products


def _cumsum_vjp(node: Any, g: Any) -> Any:
    dim = node.params[0]
    xp = node.xp
    if not len(g.shape):
        return (g,)
    return (xp.flip(xp.cumsum(xp.flip(g, (dim,)), dim), (dim,)),)


def _cumprod_slopes(node: Any, g: Any, x: Any, dim: int) -> Any:
    """The slope of each entry from the running products without it: slow, but there may be zeros."""
    from graphlab.engine.ops.applied import apply
    from graphlab.engine.ops.op import OPS

    xp = node.xp
    n = x.shape[dim]
    at = np.arange(n).reshape([-1 if d == dim else 1 for d in range(len(g.shape))])
    kind = xp.array_of(g).dtype
    parts = []
    for i in range(n):
        own = xp.constant(np.asarray(at == i, kind), x)
        others = apply(node, OPS["cumprod"], (x * (1 - own) + own,), (dim,))
        parts.append(xp.sum(g * others * xp.constant(np.asarray(at >= i, kind), x), (dim,), True))
    return xp.cat(parts, dim)


def _cumprod_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    dim = node.params[0]
    xp = node.xp
    if not len(g.shape):
        return (g,)
    if (xp.array_of(x) == 0).any():
        return (_cumprod_slopes(node, g, x, dim),)
    return (xp.flip(xp.cumsum(xp.flip(g * out, (dim,)), dim), (dim,)) / x,)


def _running(
    name: str, forward: Any, vjp: Any, saves: tuple[str, ...], formula: str, backward: str, words: str
) -> None:
    op = declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim",),
            formula=formula,
            backward_formula=backward,
            forward=lambda x, dim: forward(x, axis=dim, dtype=x.dtype) if x.ndim else x.copy(),
            vjp=vjp,
            saves=saves,
            shape=lambda s, dim: s,
            narrate=words,
            narrate_backward=N_("each entry of {input} gets the gradients of all results that it went into"),
            samples=lambda: [((3, 4), {"dim": 1})],
        )
    )

    def call(input: Any, dim: int, *, dtype: Any = None, out: Any = None) -> Any:
        x = need_tensor(input, name)._array
        if dtype is not None:
            input = input.to(dtype)
        elif x.dtype.kind != "f" and x.dtype != dtypes.I64:
            input = input.to(dtypes.int64)
        return run(op, (input,), (wrap_dim(dim, x.ndim, name),))

    call.__name__ = name
    public(op)(call)


_running(
    "cumsum",
    np.cumsum,
    _cumsum_vjp,
    (),
    "out[i] = Σ input[0 … i] along dim",
    "d input[i] = Σ g[i …]",
    N_("running sums of {input} along dim {dim}"),
)
_running(
    "cumprod",
    np.cumprod,
    _cumprod_vjp,
    ("input", "out"),
    "out[i] = Π input[0 … i] along dim",
    "d input[i] = Σ g[i …] · out[i …] / input[i]",
    N_("running products of {input} along dim {dim}"),
)


# Sorting


def _sort(x: Any, dim: int, descending: bool) -> Any:
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    if descending:
        # Stable from the other end, so that equal entries keep their order.
        order = np.flip(x.shape[dim] - 1 - np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)
    else:
        order = np.argsort(x, axis=dim, kind="stable")
    return np.take_along_axis(x, order, dim), order


def _topk(x: Any, dim: int, k: int, largest: bool) -> Any:
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    values, order = _sort(x, dim, largest)
    key = (slice(None),) * dim + (slice(0, k),)
    return values[key].copy(), order[key].copy()


def _order_vjp(node: Any, gs: Any, order: Any) -> Any:
    shape, dim = node.params[:2]
    if gs[0] is None:
        return (None,)
    if not shape:
        return (gs[0],)
    return (node.xp.scatter_add(shape, dim, node.xp.array_of(order), gs[0]),)


def _ordering(name: str, params: tuple[str, ...], forward: Any, formula: str, words: str) -> Op:
    return declare(
        Op(
            name=name,
            category=Category.INDEX,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula="d input = g at the places that the entries came from",
            forward=forward,
            vjp=_order_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            narrate=words,
            narrate_backward=N_("each entry's gradient goes back to its place in {input}"),
        )
    )


SORT = _ordering(
    "sort",
    ("dim", "descending"),
    _sort,
    "out = input in order along dim, and where each entry came from",
    N_("{input} is put in order along dim {dim}"),
)
TOPK = _ordering(
    "topk",
    ("dim", "k", "largest"),
    _topk,
    "out = the k largest entries along dim, and their places",
    N_("the {k} first entries of {input} by size along dim {dim} are kept: {shape}"),
)
_SORT_RESULT, _TOPK_RESULT = named("sort"), named("topk")


@public(SORT)
def sort(input: Any, dim: int = -1, descending: bool = False, stable: Any = None, *, out: Any = None) -> Any:
    """In order along a dim, with the places that the entries came from."""
    x = need_tensor(input, "sort")._array
    return _SORT_RESULT(run(SORT, (input,), (wrap_dim(dim, x.ndim, "sort"), bool(descending))))


@public("argsort")
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Where the entries in order came from."""
    return sort(input, dim, descending)[1]


@public("msort")
def msort(input: Any) -> Any:
    """In order along the first dim."""
    return sort(input, 0)[0]


@public(TOPK)
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The k largest (or smallest) entries along a dim, with their places."""
    x = need_tensor(input, "topk")._array
    d = wrap_dim(dim, x.ndim, "topk")
    if not 0 <= k <= (x.shape[d] if x.ndim else 1):
        fail(RuntimeError, "selected index k out of range", kind="index_range", op="topk", k=k, shape=list(x.shape))
    return _TOPK_RESULT(run(TOPK, (input,), (d, int(k), bool(largest))))


@public("kthvalue")
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest entry along a dim, with its place."""
    x = need_tensor(input, "kthvalue")._array
    d = wrap_dim(dim, x.ndim, "kthvalue")
    if not 1 <= k <= (x.shape[d] if x.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    values, places = sort(input, d)
    if not x.ndim:
        return named("kthvalue")((values, places))
    pick = (FUNCTIONS["narrow"](v, d, k - 1, 1) for v in (values, places))
    return named("kthvalue")(v if keepdim else v.squeeze(d) for v in pick)


@public("unique")
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """The distinct entries in order."""
    from graphlab.engine.tensor import wrap

    x = need_tensor(input, "unique")._array
    found, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=dim)
    out = [wrap(found, input._device)]
    if return_inverse:
        out.append(wrap(inverse.reshape(x.shape if dim is None else -1).astype(np.int64), input._device))
    if return_counts:
        out.append(wrap(counts.astype(np.int64), input._device))
    return out[0] if len(out) == 1 else tuple(out)


@public("bincount")
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number occurs."""
    from graphlab.engine.tensor import wrap

    x = need_tensor(input, "bincount")._array
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    return wrap(np.bincount(x, None if weights is None else weights._array, minlength), input._device)
