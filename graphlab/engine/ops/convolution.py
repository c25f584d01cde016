"""Convolutions over one to three dims, and transposed ones.

All work is matrix products: the windows of a few samples are laid out as columns (im2col), in pieces that stay in the
cache, and multiplied with the weight. A convolution is linear in its input and in its weight, so its three arrays
(input, weight, output) give three products, and each one's derivative is made of the other two.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphlab.engine import dtypes
from graphlab.engine.errors import fail
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, common_device, guard, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

_PIECE = 1 << 19  # elements of columns at once: 2 MiB of float32, measured best among 2^16 … 2^22


# The three products, on arrays


def pairs_of(padding: Any) -> Pairs:
    """Padding as (before, after) for each dim."""
    return tuple(p if isinstance(p, tuple) else (p, p) for p in padding)


def padded(x: Any, pairs: Pairs) -> Any:
    """Zeros around the last dims; a negative number crops."""
    if not any(a or b for a, b in pairs):
        return x
    n = len(pairs)
    shape = x.shape[:-n] + tuple(s + a + b for s, (a, b) in zip(x.shape[-n:], pairs))
    if any(s <= 0 for s in shape[-n:]):
        return np.zeros(tuple(max(s, 0) for s in shape), x.dtype)
    to = tuple(slice(max(a, 0), s - max(b, 0)) for s, (a, b) in zip(shape[-n:], pairs))
    of = tuple(slice(max(-a, 0), s - max(-b, 0)) for s, (a, b) in zip(x.shape[-n:], pairs))
    out: Any = np.zeros(shape, x.dtype)
    out[(..., *to)] = x[(..., *of)]
    return out


def _windows(x: Any, kernel: Ints, out: Ints, stride: Ints, dilation: Ints) -> Any:
    """(N, C, *kernel, *out): the input under each place of the kernel, without a copy."""
    steps = x.strides[2:]
    return as_strided(
        x,
        (*x.shape[:2], *kernel, *out),
        (*x.strides[:2], *(s * d for s, d in zip(steps, dilation)), *(s * t for s, t in zip(steps, stride))),
    )


class _Columns:
    """The columns of an input, piece by piece: arrays (samples, groups, C / groups · kernel, places).

    With stride 1 the places run on over the right padding ("wide" rows), so that columns are copied in long runs;
    what is computed at the places in between is thrown away.
    """

    def __init__(self, x: Any, kernel: Ints, out: Ints, stride: Ints, dilation: Ints, groups: int) -> None:
        self.kernel, self.out, self.stride, self.dilation, self.groups = kernel, out, stride, dilation, groups
        self.x = x = np.ascontiguousarray(x)
        self.n, self.c = x.shape[:2]
        spatial = x.shape[2:]
        self.rows = self.c // groups * prod(kernel)
        wide = (out[0], *spatial[1:])
        self.direct = prod(kernel) == 1 and all(s == 1 for s in stride) and out == spatial
        self.is_wide = all(s == 1 for s in stride) and len(out) > 1 and prod(wide) <= 1.5 * prod(out) and prod(out) > 64
        self.grid = wide if self.is_wide else out
        steps = [prod(spatial[i + 1 :]) for i in range(len(spatial))]
        self.places = 1 + sum((o - 1) * s for o, s in zip(out, steps)) if self.is_wide else prod(out)
        self.step = max(1, min(self.n, _PIECE // max(1, self.rows * groups * self.places)))
        self.buffer: Any = None

    def __iter__(self) -> Any:
        for at in range(0, self.n, self.step):
            yield at, min(at + self.step, self.n)

    def at(self, start: int, end: int) -> Any:
        """The columns of some samples; valid until the next call."""
        x = self.x[start:end]
        n = end - start
        if self.direct:
            return x.reshape(n, self.groups, self.rows, self.places)
        if self.buffer is None:
            self.buffer = np.empty((self.step, self.groups, self.rows, self.places), x.dtype)
        buffer = self.buffer[:n]
        if self.is_wide:
            steps = x.strides[2:]
            view = as_strided(
                x,
                (n, self.c, *self.kernel, self.places),
                (*x.strides[:2], *(s * d for s, d in zip(steps, self.dilation)), x.itemsize),
            )
            np.copyto(buffer.reshape(n, self.c, *self.kernel, self.places), view)
        else:
            view = _windows(x, self.kernel, self.out, self.stride, self.dilation)
            np.copyto(buffer.reshape(n, self.c, *self.kernel, *self.out), view)
        return buffer

    def narrowed(self, values: Any, out: Any) -> None:
        """Write the wide rows of `values` (samples, channels, grid) to `out` (samples, channels, *out)."""
        n, c = out.shape[:2]
        out[...] = values.reshape(n, c, *self.grid)[(..., *(slice(0, o) for o in self.out))]

    def widened(self, g: Any) -> Any:
        """The opposite: `g` with zeros at the places in between, (samples, channels, places)."""
        n, c = g.shape[:2]
        if not self.is_wide:
            return np.ascontiguousarray(g).reshape(n, c, self.places)
        wide: Any = np.zeros((n, c, *self.grid), g.dtype)
        wide[(..., *(slice(0, o) for o in self.out))] = g
        return wide.reshape(n, c, -1)[..., : self.places]


def out_sizes(spatial: Ints, kernel: Ints, stride: Ints, pairs: Pairs, dilation: Ints) -> Ints:
    """How many places the kernel has along each dim."""
    return tuple(
        (n + a + b - d * (k - 1) - 1) // s + 1 for n, k, s, (a, b), d in zip(spatial, kernel, stride, pairs, dilation)
    )


def convolve(x: Any, w: Any, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Any:
    """(N, C, *spatial) with (O, C / groups, *kernel): (N, O, *places)."""
    if x.dtype == np.float16:
        return convolve(x.astype("f"), w.astype("f"), stride, padding, dilation, groups).astype(x.dtype)
    pairs = pairs_of(padding)
    kernel = w.shape[2:]
    n_out = w.shape[0]
    places = out_sizes(x.shape[2:], kernel, stride, pairs, dilation)
    out = np.empty((x.shape[0], n_out, *places), x.dtype)
    if not out.size or not w.size:
        out.fill(0)
        return out
    x = padded(x, pairs)
    columns = _Columns(x, kernel, places, stride, dilation, groups)
    weight = np.ascontiguousarray(w).reshape(1, groups, n_out // groups, -1)
    room = None
    for start, end in columns:
        n = end - start
        if columns.is_wide:
            if room is None:
                room = np.empty((columns.step, groups, n_out // groups, prod(columns.grid)), x.dtype)
            np.matmul(weight, columns.at(start, end), out=room[:n, :, :, : columns.places])
            columns.narrowed(room[:n].reshape(n, n_out, -1), out[start:end])
        else:
            np.matmul(weight, columns.at(start, end), out=out[start:end].reshape(n, groups, n_out // groups, -1))
    return out


def _shifted(x: Any, offset: Ints, places: Ints, stride: Ints, dilation: Ints) -> Any:
    """What lies under one entry of the kernel at all places."""
    return x[
        (
            ...,
            *(slice(o * d, o * d + (n - 1) * s + 1, s) for o, n, s, d in zip(offset, places, stride, dilation)),
        )
    ]


def spread(g: Any, w: Any, spatial: Ints, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Any:
    """The transposed product: each entry of `g` (N, O, *places) adds its kernel to an input of (N, C, *spatial)."""
    if g.dtype == np.float16:
        return spread(g.astype("f"), w.astype("f"), spatial, stride, padding, dilation, groups).astype(g.dtype)
    pairs = pairs_of(padding)
    n_out, c = w.shape[:2]
    kernel = w.shape[2:]
    if not g.size or not w.size:
        return np.zeros((g.shape[0], c * groups, *spatial), g.dtype)
    if all(s == 1 for s in stride) and n_out // groups <= 2 * c:
        # A convolution with the kernel turned round: as many columns as outputs, where there are not too many of them.
        turned = np.flip(w, tuple(range(2, w.ndim))).reshape(groups, n_out // groups, c, *kernel)
        turned = np.ascontiguousarray(turned.swapaxes(1, 2)).reshape(groups * c, n_out // groups, *kernel)
        reach = [d * (k - 1) for k, d in zip(kernel, dilation)]
        around = tuple((r - a, n - p + a) for r, (a, _), n, p in zip(reach, pairs, spatial, g.shape[2:]))
        return convolve(g, turned, stride, around, dilation, groups)
    places = g.shape[2:]
    out: Any = np.zeros((g.shape[0], c * groups, *(n + a + b for n, (a, b) in zip(spatial, pairs))), g.dtype)
    if groups == n_out and c == 1:
        for offset in product(*(range(k) for k in kernel)):
            factor = w[(slice(None), 0, *offset)].reshape(-1, *(1,) * len(places))
            _shifted(out, offset, places, stride, dilation)[...] += g * factor
    else:
        weight = np.ascontiguousarray(w.reshape(groups, n_out // groups, -1).swapaxes(1, 2))[None]
        step = max(1, _PIECE // max(1, weight.shape[2] * groups * prod(places)))
        for at in range(0, len(g), step):
            part = np.ascontiguousarray(g[at : at + step])
            n = len(part)
            columns: Any = np.matmul(weight, part.reshape(n, groups, n_out // groups, -1))
            columns = columns.reshape(n, groups * c, *kernel, *places)
            for offset in product(*(range(k) for k in kernel)):
                _shifted(out[at : at + step], offset, places, stride, dilation)[...] += columns[
                    (slice(None), slice(None), *offset)
                ]
    return out[(..., *(slice(a, a + n) for n, (a, _) in zip(spatial, pairs)))]


def correlate(x: Any, g: Any, kernel: Ints, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Any:
    """The product of input and output that has the weight's shape (O, C / groups, *kernel)."""
    if x.dtype == np.float16:
        return correlate(x.astype("f"), g.astype("f"), kernel, stride, padding, dilation, groups).astype(x.dtype)
    n_out, c = g.shape[1], x.shape[1]
    out = np.zeros((groups, n_out // groups, c // groups * prod(kernel)), x.dtype)
    places = g.shape[2:]
    if x.size and g.size and out.size:
        x = padded(x, pairs_of(padding))
        columns = _Columns(x, kernel, places, stride, dilation, groups)
        for start, end in columns:
            wide = columns.widened(g[start:end]).reshape(end - start, groups, n_out // groups, -1)
            out += np.matmul(wide, columns.at(start, end).swapaxes(-1, -2)).sum(0)
    return out.reshape(n_out, c // groups, *kernel)


# The operators


def _bias_gradient(node: Any, g: Any, edge: Any) -> Any:
    if edge is None:
        return None
    return node.xp.sum(g, (0, *range(2, g.ndim)))


def _conv_forward(x: Any, w: Any, b: Any, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Any:
    out = convolve(x, w, stride, padding, dilation, groups)
    if b is not None:
        out += b.reshape(-1, *(1,) * (x.ndim - 2))
    return out


def _conv_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    ex, ew, eb = node.edges
    sx, sw, _, *how = node.params
    dx = None if ex is None else apply(node, CONV_INPUT, (g, w), (sx[2:], *how))
    dw = None if ew is None else apply(node, CONV_WEIGHT, (x, g), (sw[2:], *how))
    return dx, dw, _bias_gradient(node, g, eb)


def _conv_shape(x: Any, w: Any, b: Any, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Ints:
    return (x[0], w[0], *out_sizes(x[2:], w[2:], stride, pairs_of(padding), dilation))


def _transpose_forward(
    x: Any, w: Any, b: Any, stride: Ints, padding: Ints, output_padding: Ints, groups: int, dilation: Ints
) -> Any:
    spatial = transposed_sizes(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    out = spread(x, w, spatial, stride, padding, dilation, groups)
    if b is not None:
        out = out + b.reshape(-1, *(1,) * (x.ndim - 2))
    return np.ascontiguousarray(out)


def transposed_sizes(x: Ints, kernel: Ints, stride: Ints, padding: Ints, more: Ints, dilation: Ints) -> Ints:
    """The size of a transposed convolution's output along each dim."""
    return tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, k, s, p, m, d in zip(x, kernel, stride, padding, more, dilation)
    )


def _transpose_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    ex, ew, eb = node.edges
    sx, sw, _, stride, padding, _, groups, dilation = node.params
    how = (stride, padding, dilation, groups)
    dx = dw = None
    if ex is not None:
        # With an output padding the convolution may have one place more than the input had: those saw only padding.
        dx = apply(node, CONV_PLAIN, (g, w), how)[(..., *(slice(0, n) for n in sx[2:]))]
    if ew is not None:
        dw = apply(node, CONV_WEIGHT, (g, x), (sw[2:], *how))
    return dx, dw, _bias_gradient(node, g, eb)


def _transpose_shape(
    x: Any, w: Any, b: Any, stride: Ints, padding: Ints, more: Ints, groups: int, dilation: Ints
) -> Ints:
    return (x[0], w[1] * groups, *transposed_sizes(x[2:], w[2:], stride, padding, more, dilation))


CONV_PLAIN: Op = declare(
    Op(
        name="convolution",
        category=Category.MATRIX,
        args=("input", "weight"),
        params=("stride", "padding", "dilation", "groups"),
        formula=N_("out[place] = Σ weight · input under the kernel at place"),
        backward_formula=N_("d input = each g times the kernel, added where it lay;  d weight = Σ g · input under it"),
        forward=convolve,
        vjp=lambda node, g, x, w: _plain_vjp(node, g, x, w),
        saves=("input:weight", "weight:input"),
        broadcasts=True,
        shape=lambda x, w, *how: _conv_shape(x, w, None, *how),
        narrate=N_("{weight} {weight_shape} is slid over {input} {input_shape}: {shape}"),
        narrate_backward=N_("each gradient goes back through the kernel to the entries that it covered"),
        samples=lambda: [
            ((2, 3, 5, 6), (4, 3, 3, 2), {"stride": (1, 2), "padding": (1, 0), "dilation": (1, 1), "groups": 1})
        ],
    )
)
CONV_INPUT: Op = declare(
    Op(
        name="convolution_input",
        category=Category.MATRIX,
        args=("gradient", "weight"),
        params=("spatial", "stride", "padding", "dilation", "groups"),
        formula=N_("out = each entry of gradient times the kernel, added where it lay"),
        backward_formula=N_("d gradient = the convolution of g;  d weight = Σ gradient · g under the kernel"),
        forward=spread,
        vjp=lambda node, g, y, w: _input_vjp(node, g, y, w),
        saves=("gradient:weight", "weight:gradient"),
        broadcasts=True,
        shape=lambda y, w, spatial, stride, padding, dilation, groups: (y[0], w[1] * groups, *spatial),
        narrate=N_("each entry of {gradient} adds the kernel {weight} to the part that it covered: {shape}"),
        narrate_backward=N_("the gradient is convolved with the same kernel"),
    )
)
CONV_WEIGHT: Op = declare(
    Op(
        name="convolution_weight",
        category=Category.MATRIX,
        args=("input", "gradient"),
        params=("kernel", "stride", "padding", "dilation", "groups"),
        formula=N_("out[entry] = Σ gradient · input under that entry of the kernel"),
        backward_formula=(
            N_("d input = each gradient times g, added where it lay;  d gradient = the convolution of input with g")
        ),
        forward=correlate,
        vjp=lambda node, g, x, y: _weight_vjp(node, g, x, y),
        saves=("input:gradient", "gradient:input"),
        broadcasts=True,
        shape=lambda x, y, kernel, stride, padding, dilation, groups: (y[1], x[1] // groups, *kernel),
        narrate=N_(
            "for each entry of the kernel, {gradient} is multiplied with the {input} that lay under it, and summed"
        ),
        narrate_backward=N_("the gradient acts as a kernel on both factors"),
    )
)


def _plain_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    ex, ew = node.edges
    sx, sw, *how = node.params
    return (
        None if ex is None else apply(node, CONV_INPUT, (g, w), (sx[2:], *how)),
        None if ew is None else apply(node, CONV_WEIGHT, (x, g), (sw[2:], *how)),
    )


def _input_vjp(node: Any, g: Any, y: Any, w: Any) -> Any:
    ey, ew = node.edges
    sy, sw, _, *how = node.params
    return (
        None if ey is None else apply(node, CONV_PLAIN, (g, w), tuple(how))[(..., *(slice(0, n) for n in sy[2:]))],
        None if ew is None else apply(node, CONV_WEIGHT, (g, y), (sw[2:], *how)),
    )


def _weight_vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
    ex, ey = node.edges
    sx, sy, _, *how = node.params
    return (
        None if ex is None else apply(node, CONV_INPUT, (y, g), (sx[2:], *how)),
        None if ey is None else apply(node, CONV_PLAIN, (x, g), tuple(how))[(..., *(slice(0, n) for n in sy[2:]))],
    )


def _conv_facts(out: Any, x: Any, w: Any, b: Any = None, **_: Any) -> dict[str, Any]:
    return {"n_filters": out.shape[1], "n_places": prod(out.shape[2:]), "kernel": "×".join(map(str, w.shape[2:]))}


def _declare(n: int) -> tuple[Op, Op]:
    sizes = (5, 6, 4)[:n]
    kernels = (3, 2, 2)[:n]
    usual = {"stride": (2,) * n, "padding": (1,) * n, "dilation": (1,) * n, "groups": 1}
    conv = declare(
        Op(
            name=f"conv{n}d",
            node="ConvolutionBackward0",
            category=Category.MATRIX,
            args=("input", "weight", "bias"),
            params=("stride", "padding", "dilation", "groups"),
            formula=N_("out[filter, place] = Σ weight[filter] · input under the kernel at place + bias[filter]"),
            backward_formula=(
                N_(
                    "d input = each g times the kernel, added where it lay;  d weight = Σ g · input under it;  "
                    "d bias = Σ g"
                )
            ),
            forward=_conv_forward,
            vjp=_conv_vjp,
            saves=("input:weight", "weight:input"),
            broadcasts=True,
            shape=_conv_shape,
            narrate=N_(
                "{n_filters} filters of {kernel} are slid over {input} {input_shape}, {n_places} places each: {shape}"
            ),
            narrate_backward=N_(
                "each place sends its gradient through the filter to the entries that it covered; {weight} gets "
                "the sum over all places"
            ),
            facts=_conv_facts,
            samples=lambda: [((2, 3, *sizes), (4, 3, *kernels), (4,), usual)],
        )
    )
    transposed = declare(
        Op(
            name=f"conv_transpose{n}d",
            node="ConvolutionBackward0",
            category=Category.MATRIX,
            args=("input", "weight", "bias"),
            params=("stride", "padding", "output_padding", "groups", "dilation"),
            formula=N_("out = each entry of input times the kernel, added stride apart, + bias"),
            backward_formula=(
                N_(
                    "d input = the convolution of g with weight;  d weight = Σ input · g under the kernel;  "
                    "d bias = Σ g"
                )
            ),
            forward=_transpose_forward,
            vjp=_transpose_vjp,
            saves=("input:weight", "weight:input"),
            broadcasts=True,
            shape=_transpose_shape,
            narrate=N_("each entry of {input} {input_shape} paints the kernel {weight_shape} into the output: {shape}"),
            narrate_backward=N_(
                "each entry of {input} collects the gradient of what it painted, weighted by the kernel"
            ),
            facts=_conv_facts,
            samples=lambda: [((2, 3, *sizes), (3, 4, *kernels), (4,), {**usual, "output_padding": (1,) * n})],
        )
    )
    return conv, transposed


_OPS = {n: _declare(n) for n in (1, 2, 3)}


# What programs call


_SIGNATURE = (
    " * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, "
    "tuple of "
    "ints dilation = 1, int groups = 1)\n * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints "
    "stride = 1, "
    'str padding = "valid", tuple of ints dilation = 1, int groups = 1)\n'
)
_SIGNATURE_T = (
    " * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, "
    "tuple of "
    "ints output_padding = 0, int groups = 1, tuple of ints dilation = 1)\n"
)


def _is_ints(value: Any) -> bool:
    each = value if isinstance(value, (tuple, list)) else (value,)
    return all(isinstance(v, (int, np.integer)) for v in each)


def _types(values: dict[str, Any]) -> str:
    words = []
    for name, value in values.items():
        kind = "Tensor" if isinstance(value, Tensor) else type(value).__name__
        words.append(kind if name in ("input", "weight") else f"{name}={kind}")
    return ", ".join(words)


def expanded(name: str, value: Any, n: int, n_own: int) -> Ints:
    """One number for each of the weight's `n` dims; `n_own` is how many the function itself is for."""
    ints = tuple(int(v) for v in value) if isinstance(value, (tuple, list)) else (int(value),) * n_own
    if len(ints) == 1:
        return ints * n
    if len(ints) != n:
        fail(
            RuntimeError,
            f"expected {name} to be a single integer value or a list of {n} values to match the convolution "
            "dimensions, but "
            f"got {name}={list(ints)}",
            kind="conv_argument",
            op="",
            argument=name,
        )
    return ints


def _check_types(name: str, x: Any, w: Any, b: Any, ints: dict[str, Any], groups: Any, signature: str) -> None:
    right = isinstance(x, Tensor) and isinstance(w, Tensor) and (b is None or isinstance(b, Tensor))
    right = right and isinstance(groups, (int, np.integer)) and all(_is_ints(v) for v in ints.values())
    if right:
        return
    given = {"input": x, "weight": w}
    if b is not None:
        given["bias"] = b
    given.update({k: v for k, v in ints.items() if v not in (0, 1)})
    if groups != 1:
        given["groups"] = groups
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({_types(given)}), but expected one "
        f"of:\n{signature}"
    )


def _check_dtypes(name: str, x: Any, w: Any, b: Any) -> None:
    mine = dtypes.of(x)
    if b is not None and b.dtype != x.dtype:
        fail(
            RuntimeError,
            f"Input type ({mine.c_name()}) and bias type ({dtypes.of(b).c_name()}) should be the same",
            kind="dtype_mix",
            op=name,
            dtypes=[mine.name, dtypes.of(b).name],
        )
    if w.dtype != x.dtype:
        fail(
            RuntimeError,
            f"expected scalar type {mine.title} but found {dtypes.of(w).title}",
            kind="dtype_mix",
            op=name,
            dtypes=[mine.name, dtypes.of(w).name],
        )
    if x.dtype.kind == "b":
        n = max(2, x.ndim - 2)
        fail(
            NotImplementedError,
            f"\"slow_conv{n}d_cpu\" not implemented for 'Bool'",
            kind="dtype_unsupported",
            op=name,
            dtype=mine.name,
        )


def _dims_differ(name: str, x: Ints, w: Ints) -> None:
    fail(
        RuntimeError,
        f"Expected {len(w)}-dimensional input for {len(w)}-dimensional weight{list(w)}, but got {len(x)}-dimensional "
        f"input of size {list(x)} instead",
        kind="conv_dims",
        op=name,
        shapes=[list(x), list(w)],
    )


def _check_shapes(
    name: str, x: Ints, w: Ints, b: Any, stride: Ints, padding: Any, dilation: Ints, groups: int, transposed: bool
) -> None:
    facts: dict[str, Any] = {"op": name, "shapes": [list(x), list(w)], "groups": groups}
    if any(min(p) < 0 for p in pairs_of(padding)):
        fail(RuntimeError, "negative padding is not supported", kind="conv_argument", argument="padding", **facts)
    if any(s <= 0 for s in stride):
        fail(RuntimeError, "non-positive stride is not supported", kind="conv_argument", argument="stride", **facts)
    if any(d <= 0 for d in dilation):
        fail(
            RuntimeError,
            "dilation should be greater than zero" + (f", but got {list(dilation)}" if min(dilation) == 0 else ""),
            kind="conv_argument",
            argument="dilation",
            **facts,
        )
    if groups <= 0:
        fail(RuntimeError, "non-positive groups is not supported", kind="conv_argument", argument="groups", **facts)
    if len(w) != len(x):
        _dims_differ(name, x, w)
    if w[0] < groups:
        fail(
            RuntimeError,
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(w)} instead",
            kind="conv_groups",
            **facts,
        )
    if w[0] % groups:
        fail(
            RuntimeError,
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight "
            "of size "
            f"[{list(w)}] instead",
            kind="conv_groups",
            **facts,
        )
    wanted = w[0] if transposed else w[1] * groups
    how = "transposed=1" if transposed else f"groups={groups}"
    if x[1] != wanted:
        fail(
            RuntimeError,
            f"Given {how}, weight of size {list(w)}, expected input{list(x)} to have {wanted} channels, but got {x[1]} "
            "channels instead",
            kind="conv_channels",
            sizes=[x[1], wanted],
            **facts,
        )
    n_out = w[1] * groups if transposed else w[0]
    if b is not None and (len(b) != 1 or b[0] != n_out):
        fail(
            RuntimeError,
            f"Given {how if transposed else ''}{', ' if transposed else ''}weight of size {list(w)}, expected "
            "bias to be "
            f"1-dimensional with {n_out} elements, but got bias of size {list(b)} instead",
            kind="conv_bias",
            sizes=[list(b), [n_out]],
            **facts,
        )
    if not transposed:
        under = [n + a + c for n, (a, c) in zip(x[2:], pairs_of(padding))]
        reach = [d * (k - 1) + 1 for k, d in zip(w[2:], dilation)]
        if any(k > n for k, n in zip(reach, under)):
            fail(
                RuntimeError,
                f"Calculated padded input size per channel: ({' x '.join(map(str, under))}). Kernel size: "
                f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size",
                kind="conv_kernel",
                sizes=[under, reach],
                **facts,
            )
    if any(k == 0 for k in w[2:]):
        words = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}[len(w) - 2]
        text = " ".join(f"kernel_{word}: {k}" for word, k in zip(words, w[2:]))
        fail(
            RuntimeError,
            f"kernel size should be greater than zero, but got {text}",
            kind="conv_kernel",
            sizes=[list(x[2:]), list(w[2:])],
            **facts,
        )
    if x[0] and x[1] and 0 in x[2:]:
        fail(
            RuntimeError,
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(x)}",
            kind="conv_dims",
            **facts,
        )


def _batched(name: str, input: Tensor, n: int) -> tuple[Tensor, bool]:
    if input._array.ndim == n + 2:
        return input, True
    if input._array.ndim == n + 1:
        return input.unsqueeze(0), False
    fail(
        RuntimeError,
        f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: "
        f"{list(input._array.shape)}",
        kind="conv_dims",
        op=name,
        shapes=[list(input._array.shape)],
        n_dims=n,
    )


def _conv(n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    name = f"conv{n}d"
    op = _OPS[n][0]
    ints = {"stride": stride, "dilation": dilation}
    if not isinstance(padding, str):
        ints["padding"] = padding
    _check_types(name, input, weight, bias, ints, groups, _SIGNATURE)
    x, is_batch = _batched(name, input, n)
    k = weight._array.ndim - 2
    if k < 1:
        fail(
            RuntimeError,
            "weight should have at least three dimensions",
            kind="conv_dims",
            op=name,
            shapes=[list(x._array.shape), list(weight._array.shape)],
        )
    where: Any = 0
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            fail(
                RuntimeError, f"Invalid padding string: '{padding}'", kind="conv_argument", op=name, argument="padding"
            )
        if padding == "same" and k != n:
            _dims_differ(name, x._array.shape, weight._array.shape)
        strides, dilations = expanded("stride", stride, k, n), expanded("dilation", dilation, k, n)
        if padding == "same":
            if any(s != 1 for s in strides):
                fail(
                    RuntimeError,
                    "padding='same' is not supported for strided convolutions",
                    kind="conv_argument",
                    op=name,
                    argument="padding",
                )
            totals = [d * (size - 1) for d, size in zip(dilations, weight._array.shape[2:])]
            where = tuple(t // 2 if t % 2 == 0 else (t // 2, t - t // 2) for t in totals)
        else:
            where = (0,) * k
    else:
        strides, where, dilations = (
            expanded("stride", stride, k, n),
            expanded("padding", padding, k, n),
            expanded("dilation", dilation, k, n),
        )
    b = None if bias is None else bias._array
    _check_shapes(
        name,
        x._array.shape,
        weight._array.shape,
        None if b is None else b.shape,
        strides,
        where,
        dilations,
        groups,
        False,
    )
    common_device(name, (x, weight, bias))
    _check_dtypes(name, x._array, weight._array, b)
    out = run(op, (x, weight, bias), (strides, where, dilations, int(groups)))
    return out if is_batch else out.squeeze(0)


def _conv_transposed(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    name = f"conv_transpose{n}d"
    if not _is_ints(padding):
        raise TypeError(f"{name}(): argument 'padding' must be tuple of ints, not {type(padding).__name__}")
    ints = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    _check_types(name, input, weight, bias, ints, groups, _SIGNATURE_T)
    x, is_batch = _batched(name, input, n)
    k = weight._array.ndim - 2
    strides, around, more, dilations = (
        expanded("stride", stride, k, n),
        expanded("padding", padding, k, n),
        expanded("output_padding", output_padding, k, n),
        expanded("dilation", dilation, k, n),
    )
    b = None if bias is None else bias._array
    if any(m < 0 for m in more):
        fail(
            RuntimeError,
            "negative output_padding is not supported",
            kind="conv_argument",
            op=name,
            argument="output_padding",
        )
    _check_shapes(
        name,
        x._array.shape,
        weight._array.shape,
        None if b is None else b.shape,
        strides,
        around,
        dilations,
        groups,
        True,
    )
    if any(m >= s and m >= d for m, s, d in zip(more, strides, dilations)):
        words = ("depth", "height", "width")[-max(k, 2) :]

        def named(what: str, values: Ints) -> str:
            values = (
                (0,) * (len(words) - len(values)) + values
                if what == "output_padding"
                else ((1,) * (len(words) - len(values)) + values)
            )
            return " ".join(f"{what}_{word}: {v}" for word, v in zip(words, values))

        text = f"{named('output_padding', more)} {named('stride', strides)} {named('dilation', dilations)}"
        fail(
            RuntimeError,
            f"output padding must be smaller than either stride or dilation, but got {text}",
            kind="conv_argument",
            op=name,
            argument="output_padding",
        )
    spatial = x._array.shape[2:]
    sizes = transposed_sizes(spatial, weight._array.shape[2:], strides, around, more, dilations)
    if any(s < 1 for s in sizes):
        fail(
            RuntimeError,
            f"Given input size per channel: ({' x '.join(map(str, spatial))}). Calculated output size per channel: "
            f"({' x '.join(map(str, sizes))}). Output size is too small",
            kind="output_too_small",
            op=name,
            shapes=[list(x._array.shape), list(weight._array.shape)],
            sizes=[list(spatial), list(sizes)],
        )
    common_device(name, (x, weight, bias))
    _check_dtypes(name, x._array, weight._array, b)
    out = run(_OPS[n][1], (x, weight, bias), (strides, around, more, int(groups), dilations))
    return out if is_batch else out.squeeze(0)


def _public(n: int) -> None:
    def conv(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: Any = 1
    ) -> Any:
        """Slide each filter of `weight` over the input: (N, C, …) becomes (N, filters, …)."""
        return _conv(n, input, weight, bias, stride, padding, dilation, groups)

    def conv_transpose(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Any = 1,
        dilation: Any = 1,
    ) -> Any:
        """The transposed convolution: each entry paints its kernel, `stride` apart."""
        return _conv_transposed(n, input, weight, bias, stride, padding, output_padding, groups, dilation)

    function: Any
    for op, function in zip(_OPS[n], (conv, conv_transpose)):
        function.__name__ = function.__qualname__ = op.name
        FUNCTIONS[op.name] = op.function = guard(op.name, function)


for _n in _OPS:
    _public(_n)
