"""Pooling: the maximum or the mean under a window that is moved over the input, in one to three dims."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from graphlab.engine.ops.applied import NUMERIC, apply, needs_grad
from graphlab.engine.ops.op import Category, Op, declare, values_and_places
from graphlab.engine.ops.pooling_checks import (
    Ints,
    check_adaptive,
    check_dims,
    check_padding,
    checked_max1,
    checked_places,
    places_of,
    refuse,
    refuse_dtype,
    wanted,
    window_sizes,
)
from graphlab.engine.ops.resampling import resample, resample_vjp, sizes
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, guard, need_tensor, run
from graphlab.i18n import N_


def _around(x: Any, places: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, value: Any) -> Any:
    """The input in a border of `value`, as wide as the windows reach."""
    n = len(places)
    spatial = x.shape[-n:]
    reach = [(m - 1) * s + d * (k - 1) + 1 for m, s, k, d in zip(places, stride, kernel, dilation)]
    if not any(padding) and all(r <= have for r, have in zip(reach, spatial)):
        return x
    full = tuple(max(r, p + have) for r, p, have in zip(reach, padding, spatial))
    out: Any = np.full((*x.shape[:-n], *full), value, x.dtype)
    out[(..., *(slice(p, p + have) for p, have in zip(padding, spatial)))] = x
    return out


def _slices(places: Ints, kernel: Ints, stride: Ints, dilation: Ints) -> list[Any]:
    """For each entry of the window: where it lies at all places."""
    return [
        (..., *(slice(o * d, o * d + (m - 1) * s + 1, s) for o, m, s, d in zip(offset, places, stride, dilation)))
        for offset in product(*(range(k) for k in kernel))
    ]


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind in "fVc" else np.iinfo(dtype).min


# Maximum


def _max_forward(x: Any, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Any:
    n = len(kernel)
    places = places_of(x.shape[-n:], kernel, stride, padding, dilation, ceil_mode)
    wide = _around(x, places, kernel, stride, padding, dilation, _lowest(x.dtype))
    first, *rest = _slices(places, kernel, stride, dilation)
    out = wide[first].copy()
    for key in rest:
        np.maximum(out, wide[key], out=out)
    return out


def _max_indices(x: Any, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> tuple[Any, Any]:
    """The maxima, and where they lie: numbers of entries counted over the pooled dims."""
    n = len(kernel)
    spatial = x.shape[-n:]
    places = places_of(spatial, kernel, stride, padding, dilation, ceil_mode)
    wide = _around(x, places, kernel, stride, padding, dilation, _lowest(x.dtype))
    numbers = _around(np.arange(prod(spatial)).reshape(spatial), places, kernel, stride, padding, dilation, -1)
    first, *rest = _slices(places, kernel, stride, dilation)
    out = wide[first].copy()
    at = np.broadcast_to(numbers[first], out.shape).copy()
    for key in rest:
        value, number = wide[key], numbers[key]
        better = ((value > out) | (value != value) | (at < 0)) & (number >= 0)
        np.copyto(out, value, where=better)
        np.copyto(at, number, where=better)
    return out, at


def put(node: Any, g: Any, at: Any, shape: Ints, n: int) -> Any:
    """Zeros of `shape` with `g` added at the entries `at`, counted over the last `n` dims."""
    rows, length = prod(shape[:-n]), prod(shape[-n:])
    at = at.reshape(rows, -1)
    if node.xp is NUMERIC:
        flat = (at + np.arange(rows)[:, None] * length).reshape(-1)
        return np.bincount(flat, np.asarray(g).reshape(-1), rows * length).astype(g.dtype).reshape(shape)
    xp = node.xp
    return xp.reshape(xp.scatter_add((rows, length), 1, at, xp.reshape(g, at.shape)), shape)


def _max_vjp(node: Any, g: Any, x: Any) -> Any:
    shape, *how = node.params
    kernel, stride, padding, dilation, _ = how
    n = len(kernel)
    if node.xp is not NUMERIC or x.itemsize == 2:
        return (put(node, g, _max_indices(node.xp.array_of(x), *how)[1], shape, n),)
    # Not saved, but taken again: a program may overwrite the pooled tensor, as `nn.ReLU(inplace=True)` after it does.
    out = _max_forward(x, kernel, stride, padding, dilation, node.params[-1])
    places = out.shape[-n:]
    wide = _around(x, places, kernel, stride, padding, dilation, _lowest(x.dtype))
    dx: Any = np.zeros(wide.shape, g.dtype)
    free: Any = None
    for key in _slices(places, kernel, stride, dilation):
        # The first of equal entries gets it all; not "==", so that NaN gets its gradient too.
        here = ~(wide[key] < out)
        if free is None:
            free = ~here
        else:
            here &= free
            free &= ~here
        dx[key] += g * here
    if wide is x:
        return (dx,)
    spatial = shape[-n:]
    return (dx[(..., *(slice(p, p + m) for p, m in zip(padding, spatial)))],)


def _pool_shape(x: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Ints:
    n = len(kernel)
    return (*x[:-n], *places_of(x[-n:], kernel, stride, padding, dilation, ceil_mode))


def _max_pair_vjp(node: Any, gs: Any, at: Any) -> Any:
    shape, kernel, *_ = node.params
    return (None if gs[0] is None else put(node, gs[0], node.xp.array_of(at), shape, len(kernel)),)


def _pool_facts(out: Any, x: Any, kernel: Any = (), **_: Any) -> dict[str, Any]:
    out = out[0] if isinstance(out, tuple) else out
    return {"window": "×".join(map(str, kernel)), "n_places": prod(out.shape[-len(kernel) :])}


_MAX_PARAMS = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


def _declare_max(n: int) -> tuple[Op, Op]:
    usual = dict(zip(_MAX_PARAMS, ((2,) * n, (2,) * n, (1,) * n, (1,) * n, False)))
    samples = lambda: [((2, 3, *(6, 5, 4)[:n]), usual)]  # noqa: E731
    texts: dict[str, Any] = {
        "category": Category.REDUCTION,
        "args": ("input",),
        "params": _MAX_PARAMS,
        "formula": N_("out[place] = the largest input under the window at place"),
        "backward_formula": N_("d input = g where the largest entry was, 0 elsewhere"),
        "broadcasts": True,
        "narrate": N_("of each window of {window} on {input} {input_shape} the largest entry stays: {shape}"),
        "narrate_backward": N_("only the largest entry of each window of {input} gets the window's gradient"),
        "facts": lambda out, x, **p: _pool_facts(out, x, p.get("kernel_size", ())),
        "samples": samples,
    }
    node = f"MaxPool{n}DWithIndicesBackward0" if n > 1 else "SqueezeBackward1"
    plain = declare(
        Op(
            name=f"max_pool{n}d",
            node=node,
            forward=_max_forward,
            vjp=_max_vjp,
            saves=("input",),
            shape=_pool_shape,
            **texts,
        )
    )
    pair = declare(
        Op(
            name=f"max_pool{n}d_with_indices",
            node=node,
            forward=_max_indices,
            vjp=_max_pair_vjp,
            saves=("out1",),
            n_outputs=2,
            shape=lambda *a: (_pool_shape(*a),) * 2,
            dtype=values_and_places,
            **texts,
        )
    )
    return plain, pair


# Mean


def _divisors(
    spatial: Ints,
    places: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    count_include_pad: bool,
    override: int | None,
) -> Any:
    """How many entries each window has; an array over the places."""
    if override is not None:
        return override
    out: Any = 1
    for i, (n, m, k, s, p) in enumerate(zip(spatial, places, kernel, stride, padding)):
        start = np.arange(m) * s - p
        end = np.minimum(start + k, n + p)
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        out = out * (end - start).reshape(-1, *(1,) * (len(places) - 1 - i))
    return out


def _avg_forward(
    x: Any, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool, count_include_pad: bool, override: int | None
) -> Any:
    n = len(kernel)
    ones = (1,) * n
    places = places_of(x.shape[-n:], kernel, stride, padding, ones, ceil_mode)
    wide = _around(x, places, kernel, stride, padding, ones, 0)
    first, *rest = _slices(places, kernel, stride, ones)
    out = wide[first].copy()
    for key in rest:
        out += wide[key]
    by = _divisors(x.shape[-n:], places, kernel, stride, padding, count_include_pad, override)
    if x.dtype.kind not in "fVc":
        return np.asarray(np.trunc(out / by), x.dtype)
    out /= np.asarray(by, x.dtype)
    return out


def _avg_back(
    g: Any, spatial: Ints, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool, count_include_pad: bool,
    override: int | None,
) -> Any:  # fmt: skip
    n = len(kernel)
    ones = (1,) * n
    places = g.shape[-n:]
    each = g / np.asarray(_divisors(spatial, places, kernel, stride, padding, count_include_pad, override), g.dtype)
    reach = [(m - 1) * s + k for m, s, k in zip(places, stride, kernel)]
    dx: Any = np.zeros((*g.shape[:-n], *(max(r, m + p) for r, m, p in zip(reach, spatial, padding))), g.dtype)
    for key in _slices(places, kernel, stride, ones):
        dx[key] += each
    return dx[(..., *(slice(p, p + m) for p, m in zip(padding, spatial)))]


_AVG_PARAMS = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
AVG_BACK = declare(
    Op(
        name="avg_pool_back",
        category=Category.REDUCTION,
        args=("gradient",),
        params=("spatial", *_AVG_PARAMS),
        formula=N_("out = each window's gradient shared out evenly to its entries"),
        backward_formula=N_("d gradient = the mean of g under each window"),
        forward=_avg_back,
        vjp=lambda node, g: (apply(node, AVG[len(node.params[1])], (g,), node.params[1:]),),
        shape=lambda g, spatial, kernel, *_: (*g[: -len(kernel)], *spatial),
        narrate=N_("each window's gradient is shared out evenly to its entries: {shape}"),
        narrate_backward=N_("the gradient is averaged under each window"),
    )
)


def _avg_shape(x: Ints, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool, *_: Any) -> Ints:
    return _pool_shape(x, kernel, stride, padding, (1,) * len(kernel), ceil_mode)


def _avg_vjp(node: Any, g: Any) -> Any:
    shape, *how = node.params
    return (apply(node, AVG_BACK, (g,), (shape[-len(how[0]) :], *how)),)


def _declare_avg(n: int) -> Op:
    usual = dict(zip(_AVG_PARAMS, ((2,) * n, (2,) * n, (1,) * n, True, False, None)))
    return declare(
        Op(
            name=f"avg_pool{n}d",
            node=f"AvgPool{n}DBackward0" if n > 1 else "SqueezeBackward1",
            category=Category.REDUCTION,
            args=("input",),
            params=_AVG_PARAMS,
            formula=N_("out[place] = the mean of input under the window at place"),
            backward_formula=N_("d input = g over the size of the window, for each window that covers the entry"),
            forward=_avg_forward,
            vjp=_avg_vjp,
            broadcasts=True,
            shape=_avg_shape,
            narrate=N_("each window of {window} on {input} {input_shape} becomes its mean: {shape}"),
            narrate_backward=N_("each entry of a window gets an equal part of the window's gradient"),
            facts=lambda out, x, **p: _pool_facts(out, x, p.get("kernel_size", ())),
            samples=lambda: [((2, 3, *(6, 5, 4)[:n]), usual)],
        )
    )


# To a given size


def _declare_adaptive(n: int) -> Op:
    return declare(
        Op(
            name=f"adaptive_avg_pool{n}d",
            node=f"AdaptiveAvgPool{n}DBackward0" if n > 1 else "SqueezeBackward1",
            category=Category.REDUCTION,
            args=("input",),
            params=("maps",),
            formula=N_("out[place] = the mean of the part of input that falls to place"),
            backward_formula=N_("d input = g over the size of its part"),
            forward=resample,
            vjp=resample_vjp,
            shape=sizes,
            narrate=N_(
                "{input} {input_shape} is cut into as many parts as the output has places; each becomes its "
                "mean: {shape}"
            ),
            narrate_backward=N_("each entry of a part gets an equal share of its gradient"),
            samples=lambda: [
                ((2, 3, *(6, 5, 4)[:n]), {"maps": tuple(("mean", m, 3, False, None) for m in (6, 5, 4)[:n])})
            ],
        )
    )


def _adaptive_indices(x: Any, size: Ints) -> tuple[Any, Any]:
    n = len(size)
    spatial = x.shape[-n:]
    rows = x.reshape(-1, *spatial)
    numbers = np.arange(prod(spatial)).reshape(spatial)
    out: Any = np.empty((len(rows), *size), x.dtype)
    at: Any = np.empty((len(rows), *size), np.int64)
    for place in product(*(range(m) for m in size)):
        key = tuple(slice(i * m // s, -(-(i + 1) * m // s)) for i, m, s in zip(place, spatial, size))
        part = rows[(slice(None), *key)]
        part = part.reshape(len(rows), prod(part.shape[1:]))
        best = part.argmax(1)
        out[(slice(None), *place)] = np.take_along_axis(part, best[:, None], 1)[:, 0]
        at[(slice(None), *place)] = numbers[key].reshape(-1)[best]
    shape = (*x.shape[:-n], *size)
    return out.reshape(shape), at.reshape(shape)


def _declare_adaptive_max(n: int) -> Op:
    return declare(
        Op(
            name=f"adaptive_max_pool{n}d",
            node=f"AdaptiveMaxPool{n}DBackward0" if n > 1 else "SqueezeBackward1",
            category=Category.REDUCTION,
            args=("input",),
            params=("output_size",),
            formula=N_("out[place] = the largest entry of the part of input that falls to place"),
            backward_formula=N_("d input = g where the largest entry was, 0 elsewhere"),
            forward=_adaptive_indices,
            vjp=_max_pair_vjp,
            saves=("out1",),
            n_outputs=2,
            broadcasts=True,
            shape=lambda x, size: ((*x[: -len(size)], *size),) * 2,
            dtype=values_and_places,
            narrate=N_(
                "{input} {input_shape} is cut into as many parts as the output has places; each gives its largest entry"
            ),
            narrate_backward=N_("only the largest entry of each part gets its gradient"),
            samples=lambda: [((2, 3, *(6, 5, 4)[:n]), {"output_size": (3,) * n})],
        )
    )


MAX = {n: _declare_max(n) for n in (1, 2, 3)}
AVG: dict[int, Op] = {n: _declare_avg(n) for n in (1, 2, 3)}
ADAPTIVE_AVG = {n: _declare_adaptive(n) for n in (1, 2, 3)}
ADAPTIVE_MAX = {n: _declare_adaptive_max(n) for n in (1, 2, 3)}


# What programs call


def _max_pool(
    n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, pair: bool
) -> Any:
    name = f"max_pool{n}d"
    x = need_tensor(input, name)._array
    kernel = window_sizes(name, "kernel_size", 2, kernel_size, n)
    steps = kernel if stride is None or stride == [] else window_sizes(name, "stride", 3, stride, n)
    around = window_sizes(name, "padding", 4, padding, n)
    spread = window_sizes(name, "dilation", 5, dilation, n)
    if type(ceil_mode) is not bool:
        raise bad_argument(f"{name}_with_indices" if pair and n < 3 else name, "ceil_mode", 6, "bool", ceil_mode)
    check_dims(name, x.shape, n, True)
    if n == 1:
        if pair or needs_grad((input,)):  # with indices, PyTorch goes through the 2-d one
            check_padding(name, kernel, around, spread)
        checked_max1(x.shape, kernel, steps, around, spread, bool(ceil_mode))
    else:
        checked_places(name, x.shape, kernel, steps, around, spread, bool(ceil_mode))
    refuse_dtype("max_pool1d_impl" if n == 1 else name, x, "fV" if n == 1 else "fViu")
    return run(MAX[n][pair], (input,), (kernel, steps, around, spread, bool(ceil_mode)))


def _avg_pool(
    n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any, include: Any, override: Any
) -> Any:
    name = f"avg_pool{n}d"
    x = need_tensor(input, name)._array
    kernel = window_sizes(name, "kernel_size", 2, kernel_size, n)
    steps = kernel if stride is None or stride == () or stride == [] else window_sizes(name, "stride", 3, stride, n)
    around = window_sizes(name, "padding", 4, padding, n)
    for place, (label, flag) in enumerate((("ceil_mode", ceil_mode), ("count_include_pad", include))):
        if type(flag) is not bool:
            raise bad_argument(name, label, 5 + place, "bool", flag)
    if override == 0:
        refuse(name, "divisor must be not zero", "divisor_override")
    check_dims(name, x.shape, n, False)
    checked_places(name, x.shape, kernel, steps, around, (1,) * n, bool(ceil_mode))
    refuse_dtype("avg_pool2d" if n < 3 else "avg_pool3d_out_frame", x, "fiu" if x.dtype == np.int64 else "fV")
    return run(AVG[n], (input,), (kernel, steps, around, bool(ceil_mode), bool(include), override))


def _adaptive_avg(n: int, input: Any, output_size: Any) -> Any:
    name = f"adaptive_avg_pool{n}d"
    x = need_tensor(input, name)._array
    size = wanted(name, x.shape, output_size, n) if x.ndim >= n else (1,) * n
    if any(m < 0 for m in size):
        text = f"{1 if n == 1 else size[0]}, {','.join(map(str, size[n > 1 :]))}"
        refuse(
            name,
            f"adaptive_avg_pool{max(n, 2)}d: elements of output_size must be greater than or equal to 0 but "
            f"received {{{text}}}",
            "output_size",
        )
    check_adaptive(name, x.shape, n, "")
    refuse_dtype(f"adaptive_avg_pool{max(n, 2)}d", x, "fV")
    if all(m == 1 for m in size) and n == 2:
        return input.mean((-2, -1), True)
    return run(ADAPTIVE_AVG[n], (input,), (tuple(("mean", a, b, False, None) for a, b in zip(x.shape[-n:], size)),))


def _adaptive_max(n: int, input: Any, output_size: Any) -> Any:
    name = f"adaptive_max_pool{n}d"
    x = need_tensor(input, name)._array
    size = wanted(name, x.shape, output_size, n) if x.ndim >= n else (1,) * n
    check_adaptive(name, x.shape, n, ":")
    if any(m < 0 for m in size):
        bad = next(m for m in size if m < 0)
        refuse(
            name,
            f"Trying to create tensor with negative dimension {bad}: {[*x.shape[:-n], *(1,) * (n == 1), *size]}",
            "output_size",
        )
    refuse_dtype(f"adaptive_max_pool{max(n, 2)}d", x, "fV")
    return run(ADAPTIVE_MAX[n], (input,), (size,))


def _public(n: int) -> None:
    def max_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        """The largest entry of each window; with `return_indices` also where it lies."""
        return _max_pool(n, input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices))

    def max_pool_with_indices(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = True,
    ) -> Any:
        """The largest entry of each window, and where it lies."""
        return _max_pool(n, input, kernel_size, stride, padding, dilation, ceil_mode, True)

    def avg_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Any:
        """The mean of each window."""
        return _avg_pool(n, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)

    def adaptive_avg_pool(input: Any, output_size: Any) -> Any:
        """Means of as many parts as the output has places."""
        return _adaptive_avg(n, input, output_size)

    def adaptive_max_pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        """The largest entries of as many parts as the output has places."""
        pair = _adaptive_max(n, input, output_size)
        return pair if return_indices else pair[0]

    def lp_pool(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
        """The p-norm of each window: (Σ input^p)^(1/p)."""
        mean = _avg_pool(n, input.pow(norm_type), kernel_size, stride, 0, ceil_mode, True, None)
        size = prod(window_sizes(f"lp_pool{n}d", "kernel_size", 3, kernel_size, n))
        return (mean.sign() * FUNCTIONS["relu"](mean.abs())).mul(size).pow(1.0 / norm_type)

    made: dict[str, tuple[Op | None, Any]] = {
        f"max_pool{n}d": (MAX[n][0], max_pool),
        f"max_pool{n}d_with_indices": (MAX[n][1], max_pool_with_indices),
        f"avg_pool{n}d": (AVG[n], avg_pool),
        f"adaptive_avg_pool{n}d": (ADAPTIVE_AVG[n], adaptive_avg_pool),
        f"adaptive_max_pool{n}d": (ADAPTIVE_MAX[n], adaptive_max_pool),
        f"lp_pool{n}d": (None, lp_pool),
    }
    for name, (op, function) in made.items():
        function.__name__ = function.__qualname__ = name
        FUNCTIONS[name] = guard(name, function)
        if op is not None:
            op.function = FUNCTIONS[name]


for _n in (1, 2, 3):
    _public(_n)
