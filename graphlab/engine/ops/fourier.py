"""Discrete Fourier transforms: three operators (complex to complex, real to complex, complex to real) under all of
`torch.fft`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.ops.applied import NUMERIC, apply
from graphlab.engine.ops.complex import complex_of, real_of
from graphlab.engine.ops.kinds import COMPLEX_VJP
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.i18n import N_

FORWARD: dict[str, Any] = {"none": "backward", "root": "ortho", "n": "forward"}
"""NumPy's word for how a forward transform is scaled: not at all, by 1/√n, by 1/n."""
INVERSE: dict[str, Any] = {"none": "forward", "root": "ortho", "n": "backward"}


def _c2c(x: Any, dims: tuple[int, ...], scale: str, forward: bool) -> Any:
    if forward:
        return np.fft.fftn(x, axes=dims, norm=FORWARD[scale])
    return np.fft.ifftn(x, axes=dims, norm=INVERSE[scale])


def _c2c_vjp(node: Any, g: Any) -> Any:
    dims, scale, forward = node.params
    return (apply(node, C2C, (g,), (dims, scale, not forward)),)


C2C: Op = declare(
    Op(
        name="fft_c2c",
        node="FftC2CBackward0",
        category=Category.MATRIX,
        args=("input",),
        params=("dims", "scale", "forward"),
        formula="out[k] = Σ input[n] · e^(∓2πi·k·n/N)",
        backward_formula=N_("d input = the transform of g in the other direction"),
        forward=_c2c,
        vjp=_c2c_vjp,
        shape=lambda s, *_: s,
        narrate=N_("the frequencies in {input} along the dims {dims}"),
        narrate_backward=N_("the gradient is transformed in the other direction for {input}"),
    )
)
COMPLEX_VJP["fft_c2c"] = _c2c_vjp


def _mirrored(x: Any, dims: tuple[int, ...], scale: str) -> Any:
    """All frequencies of real numbers: the second half are the conjugates of the first."""
    if len(dims) > 1:
        return _c2c(x, dims, scale, True)
    half = np.moveaxis(np.fft.rfftn(x, axes=dims, norm=FORWARD[scale]), dims[0], 0)
    rest = half[1 : (x.shape[dims[0]] + 1) // 2][::-1].conj()
    return np.moveaxis(np.concatenate([half, rest]), 0, dims[0])


def _r2c_vjp(node: Any, g: Any) -> Any:
    (dims, scale, onesided), shape = node.params[1:], node.params[0]
    if onesided:
        last = dims[-1]
        missing = shape[last] - g.shape[last]
        if missing:
            zeros = np.zeros((*g.shape[:last], missing, *g.shape[last + 1 :]), complex_of(_array(node, g)))
            g = np.concatenate([g, zeros], last) if node.xp is NUMERIC else _append(g, zeros, last)
    return (apply(node, C2C, (g,), (dims, scale, False)).real,)


def _append(g: Any, zeros: Any, dim: int) -> Any:
    from graphlab.engine.ops.run import FUNCTIONS
    from graphlab.engine.tensor import wrap

    return FUNCTIONS["cat"]((g, wrap(zeros, g._device)), dim)


def _array(node: Any, g: Any) -> Any:
    return g if node.xp is NUMERIC else g._array


def _halved(s: tuple[int, ...], dims: tuple[int, ...], onesided: bool) -> tuple[int, ...]:
    last = dims[-1]
    return (*s[:last], s[last] // 2 + 1, *s[last + 1 :]) if onesided else s


R2C: Op = declare(
    Op(
        name="fft_r2c",
        node="FftR2CBackward0",
        category=Category.MATRIX,
        args=("input",),
        params=("dims", "scale", "onesided"),
        formula=N_("out[k] = Σ input[n] · e^(−2πi·k·n/N), for k up to N/2"),
        backward_formula=N_("d input = real part of the inverse transform of g, filled up with zeros"),
        forward=lambda x, dims, scale, onesided: (
            np.fft.rfftn(x, axes=dims, norm=FORWARD[scale]) if onesided else _mirrored(x, dims, scale)
        ),
        vjp=_r2c_vjp,
        broadcasts=True,
        shape=lambda s, dims, scale, onesided: _halved(s, dims, onesided),
        dtype=lambda x, *_: complex_of(x),
        narrate=N_("the frequencies in the real numbers {input} along the dims {dims}"),
        narrate_backward=N_("the gradient is transformed back, and its real part goes to {input}"),
    )
)


def _c2r_vjp(node: Any, g: Any) -> Any:
    dims, scale, n = node.params
    out = apply(node, R2C, (g,), (dims, scale, True))
    last = dims[-1]
    double = n - out.shape[last]
    if double > 0:
        # Each of these frequencies stood for its mirror image, too.
        weights = np.ones(
            [out.shape[last] if i == last else 1 for i in range(len(out.shape))], real_of(_array(node, out))
        )
        weights[(slice(None),) * last + (slice(1, 1 + double),)] = 2
        out = out * (weights if node.xp is NUMERIC else node.xp.constant(weights, out))
    return (out,)


C2R: Op = declare(
    Op(
        name="fft_c2r",
        node="FftC2RBackward0",
        category=Category.MATRIX,
        args=("input",),
        params=("dims", "scale", "n"),
        formula=N_("out[n] = Σ input[k] · e^(2πi·k·n/N), of frequencies up to N/2"),
        backward_formula=N_("d input = the transform of g, doubled where a frequency has a mirror image"),
        forward=lambda x, dims, scale, n: np.fft.irfftn(
            x, [*(x.shape[d] for d in dims[:-1]), n], dims, norm=INVERSE[scale]
        ),
        vjp=_c2r_vjp,
        shape=lambda s, dims, scale, n: (*s[: dims[-1]], n, *s[dims[-1] + 1 :]),
        dtype=lambda x, *_: real_of(x),
        narrate=N_("real numbers from the frequencies {input} along the dims {dims}"),
        narrate_backward=N_("the gradient is transformed into frequencies for {input}"),
    )
)
COMPLEX_VJP["fft_c2r"] = _c2r_vjp


def points(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    """How many points are transformed together."""
    return prod(shape[d] for d in dims)


def complex_type(x: Any) -> Any:
    """The complex type that a transform of an array computes in."""
    kind = dtypes.of(x)
    return (kind if kind.rank >= 2 else dtypes.get_default_dtype()).to_complex().np
