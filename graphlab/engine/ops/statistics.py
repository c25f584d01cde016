"""Statistics: sums and means without nan, quantiles, modes, covariances, histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.create import leaf
from graphlab.engine.ops.extremes import named
from graphlab.engine.ops.op import Category, Op, declare, known_as, values_and_places
from graphlab.engine.ops.reduce import reduced
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, need_tensor, public, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, known, no_kernel, virtual
from graphlab.i18n import N_

# Without nan


@public("nansum")
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    """The sum of what is a number."""
    need_tensor(input, "nansum")
    if input._array.dtype.kind in "fVc":
        input = FUNCTIONS["where"](FUNCTIONS["isnan"](input), 0, input)
    return rename(input.sum(dim, keepdim, dtype=dtype), "NansumBackward0")


@public("nanmean")
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    """The mean of what is a number."""
    x = need_tensor(input, "nanmean")._array
    if x.dtype.kind not in "fVc":
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {dtypes.of(x).title}"
        )
    count = FUNCTIONS["logical_not"](FUNCTIONS["isnan"](input.detach())).sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / count


def _taken_vjp(node: Any, gs: Any, places: Any) -> Any:
    shape, dim, keepdim = node.params
    g = gs[0]
    if g is None or not shape:
        return (g,)
    i = node.xp.array_of(places)
    if not keepdim:
        whole = reduced(shape, (dim,), True)
        g, i = node.xp.reshape(g, whole), i.reshape(whole)
    return (node.xp.scatter_add(shape, dim, i, g),)


def _taken(name: str, find: Any, formula: str, words: str) -> Op:
    """An operator that takes one entry along a dim, and tells its place."""

    def forward(x: Array, dim: int, keepdim: bool) -> Any:
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        places = np.expand_dims(find(x, dim), dim)
        values = np.take_along_axis(x, places, dim)
        return (values, places) if keepdim else (values.squeeze(dim), places.squeeze(dim))

    return declare(
        Op(
            name=name,
            category=Category.REDUCTION,
            args=("input",),
            params=("dim", "keepdim"),
            formula=formula,
            backward_formula=N_("d input = g at the place that was taken, 0 elsewhere"),
            forward=forward,
            vjp=_taken_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            shape=lambda s, dim, keepdim: (reduced(s, (dim,), keepdim) if s else (),) * 2,
            dtype=values_and_places,
            narrate=words,
            narrate_backward=N_("only the entries of {input} that were taken get a gradient"),
        )
    )


def _nanmedian_place(x: Array, dim: int) -> Any:
    order = np.argsort(x, axis=dim, kind="stable")
    n = np.sum(~np.isnan(x), axis=dim, keepdims=True) if x.dtype.kind in "fVc" else np.full((1,) * x.ndim, x.shape[dim])
    k = np.broadcast_to(np.maximum(n - 1, 0) // 2, reduced(x.shape, (dim,), True))
    return np.take_along_axis(order, k, dim).squeeze(dim)


def _mode_place(x: Array, dim: int) -> Any:
    rows = np.moveaxis(x, dim, -1)
    places = np.empty(rows.shape[:-1], np.int64)
    for key in np.ndindex(rows.shape[:-1]):
        row = rows[key]
        order = np.argsort(row, kind="stable")
        ends = np.flatnonzero(np.append(row[order][1:] != row[order][:-1], True))
        runs = np.diff(np.append(-1, ends))
        places[key] = order[ends[np.argmax(runs)]]
    return places


NANMEDIAN = _taken(
    "nanmedian",
    _nanmedian_place,
    N_("out = the middle of the numbers along dim (the lower of two), and its place"),
    N_("the middle entry of the numbers in {input} along dim {dim} is found, and its place: {shape}"),
)
MODE = _taken(
    "mode",
    _mode_place,
    N_("out = the most frequent entry along dim (the smallest of several), and its place"),
    N_("the most frequent entry of {input} along dim {dim} is found, and its place: {shape}"),
)
_NANMEDIAN_DIM = known_as(NANMEDIAN, "NanmedianBackward1")
_NANMEDIAN_RESULT, _MODE_RESULT = named("nanmedian"), named("mode")


@public(NANMEDIAN)
def nanmedian(input: Any, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """The middle of what is a number, along a dim with its place."""
    x = need_tensor(input, "nanmedian")._array
    if dim is None:
        if not x.size:
            return FUNCTIONS["full"]((), float("nan"), dtype=input.dtype)
        return run(NANMEDIAN, (input.reshape(-1),), (0, False))[0]
    d = wrap_dim(dim, x.ndim, "nanmedian")
    _need_entries(x, d, "median")
    return _NANMEDIAN_RESULT(run(_NANMEDIAN_DIM, (input,), (d, bool(keepdim))))


def _need_entries(x: Array, d: int, name: str) -> None:
    if x.ndim and not x.shape[d]:
        fail(
            IndexError,
            f"{name}(): Expected reduction dim {d} to have non-zero size.",
            kind="empty_reduction",
            op=name,
        )


@public(MODE)
def mode(input: Any, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The most frequent entry along a dim, with its place."""
    x = need_tensor(input, "mode")._array
    d = wrap_dim(dim, x.ndim, "mode")
    _need_entries(x, d, "mode")
    return _MODE_RESULT(run(MODE, (input,), (d, bool(keepdim))))


# Quantiles

_BETWEEN = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, out: Any) -> Any:
    x = need_tensor(input, name)._array
    skips_nan = name == "nanquantile"
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = FUNCTIONS["full"]((), float(q), dtype=input.dtype, device=input._device)
    if interpolation not in _BETWEEN:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if not x.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if q._array.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if x.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if q._array.dtype != x.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if known(q._array) and not ((q._array >= 0) & (q._array <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if dim is None:
        d, rows = 0, input.reshape(-1)
        left = (1,) * x.ndim if keepdim else ()
    else:
        d = wrap_dim(dim, x.ndim, name)
        rows = input.movedim(d, -1) if x.ndim else input.reshape(1)
        left = reduced(x.shape, (d,), keepdim) if x.ndim else ()
    if type(x) is Virtual:
        found = rows.sort(-1)[0].select(-1, 0).expand((*q._array.shape, *rows._array.shape[:-1]))
        return found.reshape((*q._array.shape, *left)) + 0 * q.reshape((*q._array.shape, *[1] * len(left)))
    ordered = rows.sort(-1)[0]
    values = ordered._array
    nan = np.isnan(values)
    last = values.shape[-1] - 1
    each = q._array.reshape(-1)
    shape = (*values.shape[:-1], each.size)
    if skips_nan:
        scale = ((~nan).sum(-1, keepdims=True) - 1).astype(x.dtype)
        fixed = np.broadcast_to(scale < 0, shape)
        ranks = np.maximum(np.broadcast_to(each * scale, shape), 0)
    else:
        scale = np.full((), last, x.dtype)
        fixed = np.broadcast_to(nan.any(-1, keepdims=True), shape)
        ranks = np.where(fixed, scale, np.broadcast_to(each * scale, shape))
    ranks = ranks.astype(x.dtype)
    if interpolation in ("lower", "higher", "nearest"):
        rounding: Any = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}[interpolation]
        ranks = rounding(ranks)
    below = ranks.astype(np.int64)
    found = ordered.gather(-1, wrap(below))
    if interpolation in ("linear", "midpoint"):
        above = ordered.gather(-1, wrap(np.ceil(ranks).astype(np.int64)))
        weights: Any = wrap(np.full(shape, 0.5, x.dtype))
        if interpolation == "linear":
            # From q itself, which may want a gradient.
            fraction = q.reshape(-1) * wrap(scale) - wrap(below.astype(x.dtype))
            weights = FUNCTIONS["where"](wrap(fixed), 0, fraction)
        found = FUNCTIONS["lerp"](found, above, weights)
    if not q._array.ndim:
        return rename(found.squeeze(-1).reshape(left), "SqueezeBackward4")
    return rename(found.movedim(-1, 0).reshape(each.size, *left), "SqueezeBackward4")


@public("quantile")
def quantile(
    input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear", out: Any = None
) -> Any:
    """The q-th quantiles along a dim."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


@public("nanquantile")
def nanquantile(
    input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear", out: Any = None
) -> Any:
    """The q-th quantiles of what is a number along a dim."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


# Covariance


def _weights(name: str, input: Tensor, weights: Any, frequency: bool) -> None:
    if weights is None:
        return
    w = weights._array
    label = "fweights" if frequency else "aweights"
    if w.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {label} to have one or fewer dimensions but got {label} with {w.ndim} dimensions"
        )
    if frequency and w.dtype.kind not in "iu":
        raise RuntimeError(
            f"cov(): expected fweights to have integral dtype but got fweights with {weights.dtype.title} dtype"
        )
    if not frequency and w.dtype.kind not in "fVc":
        raise RuntimeError(
            f"cov(): expected aweights to have floating point dtype but got aweights with {weights.dtype.title} dtype"
        )
    n = input._array.shape[-1] if input._array.ndim else 1
    if w.size != n:
        raise RuntimeError(
            f"cov(): expected {label} to have the same numel as there are observations in the input but got {w.size} "
            f"!= {n}"
        )
    if known(w) and w.min() < 0:
        raise RuntimeError(f"cov(): {label} cannot be negative")


@public("cov")
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """Covariances of the rows, whose columns are observations."""
    x = need_tensor(input, "cov")._array
    if x.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {x.ndim} dimensions"
        )
    if x.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input if x.ndim == 2 else input.reshape(1, -1)
    n = rows._array.shape[1]
    _weights("cov", rows, fweights, True)
    _weights("cov", rows, aweights, False)
    if type(x) is Virtual and not (fweights is None and aweights is None):
        no_kernel("equal")
    w = fweights if aweights is None else aweights if fweights is None else fweights * aweights
    total = n if w is None else w.sum()
    if w is not None and n and not float(total.item()):
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    average = (rows.sum(1) if w is None else (rows * w).sum(1)) / total
    if w is None or not correction or aweights is None:
        norm = total - correction
    else:
        norm = total - correction * ((w * aweights).sum() / total)
    size = float(norm.item()) if isinstance(norm, Tensor) else norm
    if size <= 0:
        from graphlab.engine.ops.activation import warn

        warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
            "degrees_of_freedom",
            op="cov",
        )
        norm = 0
    centred = rows - average.unsqueeze(1)
    out = centred @ (centred if w is None else centred * w).t().conj() / norm
    return rename(out.reshape(()) if out._array.size == 1 else out, "SqueezeBackward0")


@public("corrcoef")
def corrcoef(input: Any) -> Any:
    """Pearson's correlations of the rows."""
    x = need_tensor(input, "corrcoef")._array
    if x.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {x.ndim} dimensions"
        )
    c = cov(input)
    if not c._array.ndim:
        return c / c
    root = FUNCTIONS["diagonal"](c).sqrt()
    out = c / root.unsqueeze(1) / root.unsqueeze(0)
    if out.is_complex():
        clamp = FUNCTIONS["clamp"]
        return FUNCTIONS["complex"](clamp(out.real, -1.0, 1.0), clamp(out.imag, -1.0, 1.0))
    return FUNCTIONS["clamp"](out, -1.0, 1.0)


# Histograms


@public("histc")
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0, *, out: Any = None) -> Any:
    """How many entries fall into each of equal bins from min to max."""
    x = need_tensor(input, "histc")._array
    if x.dtype.kind == "b":
        fail(
            NotImplementedError,
            "\"histogram_cpu\" not implemented for 'Bool'",
            kind="dtype_unsupported",
            op="histc",
            dtype="bool",
        )
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if type(x) is Virtual:
        return leaf("histc", virtual((bins,), x.dtype), False, input._device, {"bins": bins})
    edges = _edges("histc", x, min, max, bins)
    return leaf("histc", _counted(x.reshape(-1), edges, None).astype(x.dtype), False, input._device, {"bins": bins})


def _edges(name: str, x: Array, low: Any, high: Any, bins: int) -> Array:
    if low == high and x.size:
        low, high = x.min(), x.max()
    if low == high:
        half = 1 if name == "histc" else 0.5
        low, high = (low - half, high + half) if x.size or name == "histc" else (0, 1)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(
            "max must be larger than min" if name == "histc" else f"torch.{name}: max must be larger than min"
        )
    kind = x.dtype if x.dtype.kind in "fVc" else np.dtype(np.float64)
    return np.linspace(float(low), float(high), bins + 1).astype(kind)


def _counted(x: Array, edges: Array, weights: Any) -> Array:
    n = len(edges) - 1
    inside = (x >= edges[0]) & (x <= edges[-1])
    # The last bin holds its upper edge too.
    place = np.minimum(np.searchsorted(edges, x, side="right") - 1, n - 1)
    w = None if weights is None else weights.reshape(-1)[inside]
    return np.bincount(place[inside], w, n)


@public("histogram")
def histogram(
    input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False, out: Any = None
) -> Any:
    """How many entries fall into each bin, and the bins' edges."""
    x = need_tensor(input, "histogram")._array
    if type(x) is Virtual:
        no_kernel("histogram.bin_ct")
    if isinstance(bins, Tensor):
        edges = bins._array
        if edges.dtype != x.dtype:
            raise RuntimeError(
                "torch.histogram: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{input.dtype.title} and bins with dtype {bins.dtype.title}"
            )
    elif isinstance(bins, int):
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
        edges = _edges("histogram", x, (range or (0, 0))[0], (range or (0, 0))[1], bins)
    else:
        raise bad_argument("histogram", "bins", 2, "Tensor", bins)
    counts = _counted(x.reshape(-1), edges, None if weight is None else weight._array).astype(x.dtype)
    if density:
        counts = counts / counts.sum() / np.diff(edges)
    return named("histogram", ("hist", "bin_edges"))(
        (wrap(counts.astype(x.dtype), input._device), wrap(edges.copy(), input._device))
    )


@public("histogramdd")
def histogramdd(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """How many points fall into each cell of a grid, and the grid's edges."""
    x = need_tensor(input, "histogramdd")._array
    if x.ndim < 2:
        raise RuntimeError(f"torch.histogramdd: input tensor should have at least 2 dimensions, but got {x.ndim}")
    if type(x) is Virtual:
        no_kernel("_histogramdd_bin_edges")
    points = x.reshape(-1, x.shape[-1])
    n = points.shape[1]
    each = list(bins) if isinstance(bins, (tuple, list)) else [bins] * n
    if len(each) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    edges = []
    for i, b in enumerate(each):
        if isinstance(b, Tensor):
            edges.append(b._array)
        else:
            limits = (0, 0) if range is None else (range[2 * i], range[2 * i + 1])
            edges.append(_edges("histogramdd", points[:, i], limits[0], limits[1], int(b)))
    inside = np.ones(len(points), bool)
    places = []
    for i, e in enumerate(edges):
        column = points[:, i]
        inside &= (column >= e[0]) & (column <= e[-1])
        places.append(np.minimum(np.searchsorted(e, column, side="right") - 1, len(e) - 2))
    shape = tuple(len(e) - 1 for e in edges)
    w = np.ones(len(points), x.dtype) if weight is None else weight._array.reshape(-1)
    counts = np.zeros(shape, np.float64)
    np.add.at(counts, tuple(p[inside] for p in places), w[inside])
    if density:
        counts = counts / counts.sum()
        for i, e in enumerate(edges):
            counts = counts / np.diff(e).reshape([-1 if k == i else 1 for k in np.arange(n)])
    result = named("histogramdd", ("hist", "bin_edges"))
    return result((wrap(counts.astype(x.dtype), input._device), tuple(wrap(e.copy(), input._device) for e in edges)))
