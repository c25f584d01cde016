"""The largest and the smallest over dims: max, min, amax, median, argmax."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare, known_as, values_and_places
from graphlab.engine.ops.reduce import SUM, _need_size, _reduction, dims_of, reduced, spread
from graphlab.engine.ops.run import FUNCTIONS, bad_combination, need_tensor, public, run
from graphlab.engine.tensor import Tensor, TorchType
from graphlab.i18n import N_


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
    N_("out = the largest entry"),
    N_("d input = g at the largest entries, shared evenly"),
    lambda x, dim, keepdim: np.max(x, axis=dim, keepdims=keepdim),
    _extreme_vjp,
    N_("the largest entries of {input} along {along}: {shape}"),
    ("input", "out"),
)
AMIN = _reduction(
    "amin",
    N_("out = the smallest entry"),
    N_("d input = g at the smallest entries, shared evenly"),
    lambda x, dim, keepdim: np.min(x, axis=dim, keepdims=keepdim),
    _extreme_vjp,
    N_("the smallest entries of {input} along {along}: {shape}"),
    ("input", "out"),
)
MAX_ALL = _reduction(
    "max_all",
    N_("out = the largest entry"),
    N_("d input = g at the largest entries, shared evenly"),
    lambda x, dim, keepdim: np.max(x),
    _extreme_vjp,
    N_("the largest of all entries of {input} is taken"),
    ("input", "out"),
    samples=lambda: [((3, 2), {"dim": None, "keepdim": False})],
)
MIN_ALL = _reduction(
    "min_all",
    N_("out = the smallest entry"),
    N_("d input = g at the smallest entries, shared evenly"),
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
            backward_formula=N_("d input = g at the place that was taken, 0 elsewhere"),
            forward=forward,
            vjp=_pick_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            shape=lambda s, dim, keepdim: (reduced(s, (dim,), keepdim) if s else (),) * 2,
            dtype=values_and_places,
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
    if x.dtype.kind in "fVc" and np.isnan(x).any():
        bad = np.isnan(x)
        found = np.where(bad.any(dim), np.argmax(bad, dim), found)
    return found


MAX = _pair(
    "max",
    "MaxBackward0",
    _argmax,
    N_("out = the largest entry along dim, and its place"),
    N_("the largest entry of {input} along dim {dim} is found, and its place: {shape}"),
)
MIN = _pair(
    "min",
    "MinBackward0",
    lambda x, dim: np.argmin(x, dim),
    N_("out = the smallest entry along dim, and its place"),
    N_("the smallest entry of {input} along dim {dim} is found, and its place: {shape}"),
)
MEDIAN = _pair(
    "median",
    "MedianBackward1",
    _median_place,
    N_("out = the middle entry along dim (the lower of two), and its place"),
    N_("the middle entry of {input} along dim {dim} is found, and its place: {shape}"),
)


_MEDIAN_ALL = known_as(MEDIAN, "MedianBackward0")


class _Named(tuple[Any, ...], metaclass=TorchType):
    """A result of several tensors with names, printed as PyTorch prints it."""

    __slots__ = ()
    _fields: tuple[str, ...] = ("values", "indices")

    def __repr__(self) -> str:
        fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"


def named(name: str, fields: tuple[str, ...] = ("values", "indices")) -> Any:
    """A type of named results."""
    members: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    full = f"torch.return_types.{name}"
    about = {"__module__": "torch.return_types", "__qualname__": name, "_fields": fields, "__slots__": ()}
    return TorchType(full, (_Named,), {**members, **about})


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
        return run(_MEDIAN_ALL, (input.reshape(-1),), (0, False))[0]
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
    both = (FUNCTIONS[name](input, () if dim is None else dim, keepdim) for name in ("amin", "amax"))
    return named("aminmax", ("min", "max"))(rename(t, "AminmaxBackward0") for t in both)


def _places(name: str, find: Any) -> None:
    op = declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim", "keepdim"),
            formula=(
                N_("out = the place of the largest entry along dim")
                if name == "argmax"
                else N_("out = the place of the smallest entry along dim")
            ),
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
                fail(
                    IndexError,
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0.",
                    kind="empty_reduction",
                    op=name,
                )
            return run(op, (input,), (None, bool(keepdim)))
        d = wrap_dim(dim, x.ndim, name)
        _need_size(x, (d,), name)
        return run(op, (input,), (d if x.ndim else None, bool(keepdim)))

    call.__name__ = name
    public(op)(call)


_places("argmax", lambda x, dim, keepdim: np.argmax(x, axis=dim, keepdims=keepdim))
_places("argmin", lambda x, dim, keepdim: np.argmin(x, axis=dim, keepdims=keepdim))
