"""The three products of a convolution's input, weight and output, on arrays: windows laid out as columns (im2col)."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

_PIECE = 1 << 19  # elements of columns at once: 2 MiB of float32, measured best among 2^16 … 2^22


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


def windows(x: Any, kernel: Ints, out: Ints, stride: Ints, dilation: Ints) -> Any:
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
            view = windows(x, self.kernel, self.out, self.stride, self.dilation)
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


def transposed_sizes(x: Ints, kernel: Ints, stride: Ints, padding: Ints, more: Ints, dilation: Ints) -> Ints:
    """The size of a transposed convolution's output along each dim."""
    return tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, k, s, p, m, d in zip(x, kernel, stride, padding, more, dilation)
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


def shifted(x: Any, offset: Ints, places: Ints, stride: Ints, dilation: Ints) -> Any:
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
            shifted(out, offset, places, stride, dilation)[...] += g * factor
    else:
        weight = np.ascontiguousarray(w.reshape(groups, n_out // groups, -1).swapaxes(1, 2))[None]
        step = max(1, _PIECE // max(1, weight.shape[2] * groups * prod(places)))
        for at in range(0, len(g), step):
            part = np.ascontiguousarray(g[at : at + step])
            n = len(part)
            columns: Any = np.matmul(weight, part.reshape(n, groups, n_out // groups, -1))
            columns = columns.reshape(n, groups * c, *kernel, *places)
            for offset in product(*(range(k) for k in kernel)):
                shifted(out[at : at + step], offset, places, stride, dilation)[...] += columns[
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
