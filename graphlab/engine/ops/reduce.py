"""Reductions: sum, mean, max and min with their dims, products, variances, norms, cumulative sums."""

from __future__ import annotations

from math import prod as _prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail, type_name, wrap_dim, wrap_dims
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import need_tensor, public, run
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
        backward_formula=N_("d input = g for every entry that was summed"),
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


SUM_DIM = known_as(SUM, "SumBackward1")


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
    elif x.dtype.kind not in "fVc" and x.dtype != dtypes.I64:
        input = input.to(dtypes.int64)
    dim = dim if axis is None else axis
    which = dims_of(dim, x.ndim, "sum")
    if keepdim is not False and keepdim is not True:
        raise TypeError(f"sum(): argument 'keepdim' must be bool, not {type_name(keepdim)}")
    return run(SUM if dim is None else SUM_DIM, (input,), (which, bool(keepdim if keepdims is None else keepdims)))


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


MEAN_DIM = known_as(MEAN, "MeanBackward1")


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
    elif x.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {dtypes.of(x).title}",
            kind="mean_dtype",
            dtype=dtypes.of(x).name,
        )
    dim = dim if axis is None else axis
    which = dims_of(dim, x.ndim, "mean")
    return run(MEAN if dim is None else MEAN_DIM, (input,), (which, bool(keepdim if keepdims is None else keepdims)))


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


# Truth

for _name, _ufunc, _words in (
    ("all", np.all, N_("whether all entries of {input} are true")),
    ("any", np.any, N_("whether any entry of {input} is true")),
):

    def _truth(name: str, ufunc: Any, words: str) -> None:
        op = _reduction(
            name,
            f"out = {name}(input)",
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
    N_("the entries of {input} along {along} are multiplied: {shape}"),
    ("input", "out"),
)


PROD_DIM = known_as(PROD, "ProdBackward1")


@public(PROD)
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    """Π input over all or one dim."""
    x = need_tensor(input, "prod")._array
    if dtype is not None:
        input = input.to(dtype)
    elif x.dtype.kind not in "fVc" and x.dtype != dtypes.I64:
        input = input.to(dtypes.int64)
    return run(PROD if dim is None else PROD_DIM, (input,), (dims_of(dim, x.ndim, "prod"), bool(keepdim)))
