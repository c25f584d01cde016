"""Activations with a threshold or a gate: hardshrink, softshrink, threshold, glu, rrelu, softmin."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.generator import default_generator
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.arithmetic import NUMBERS
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, need_tensor, public, run, run_inplace
from graphlab.engine.tensor import wrap
from graphlab.engine.virtual import Virtual
from graphlab.i18n import N_

tensor_of: Any = need_tensor
# Its operators are attached to Tensor later, so a type checker does not know them.


def _gate(
    name: str,
    params: tuple[str, ...],
    forward: Any,
    passes: Any,
    formula: str,
    backward: str,
    words: str,
    samples: list[Any],
) -> Op:
    """An operator that passes the gradient where `passes(x, *params)` holds."""
    return declare(
        Op(
            name=name,
            category=Category.ACTIVATION,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula=backward,
            forward=forward,
            vjp=lambda node, g, x: (node.xp.keep(g, passes(x, *node.params)),),
            saves=("input",),
            shape=same_shape,
            narrate=words,
            narrate_backward=N_("the gradient passes where {input} was let through"),
            samples=lambda: samples,
        )
    )


HARDSHRINK = _gate(
    "hardshrink",
    ("lambd",),
    lambda x, lambd: np.where((x >= -lambd) & (x <= lambd), 0, x).astype(x.dtype),
    lambda x, lambd: (x < -lambd) | (x > lambd),
    N_("out = input where |input| > lambd, else 0"),
    N_("d input = g where |input| > lambd, else 0"),
    N_("entries of {input} within {lambd} of 0 become 0"),
    [((3, 2), {"lambd": 0.5})],
)
SOFTSHRINK = _gate(
    "softshrink",
    ("lambd",),
    lambda x, lambd: np.where(
        x > lambd, x - x.dtype.type(lambd), np.where(x < -lambd, x + x.dtype.type(lambd), x * 0)
    ).astype(x.dtype),
    lambda x, lambd: (x < -lambd) | (x > lambd),
    N_("out = input moved by lambd towards 0, and 0 within it"),
    N_("d input = g where |input| > lambd, else 0"),
    N_("entries of {input} move by {lambd} towards 0, at most to 0"),
    [((3, 2), {"lambd": 0.5})],
)
THRESHOLD = _gate(
    "threshold",
    ("threshold", "value"),
    lambda x, threshold, value: np.where(x <= threshold, x.dtype.type(value), x).astype(x.dtype),
    lambda x, threshold, value: x > threshold,
    N_("out = input where input > threshold, else value"),
    N_("d input = g where input > threshold, else 0"),
    N_("entries of {input} up to {threshold} become {value}"),
    [((3, 2), {"threshold": 0.1, "value": 20.0})],
)


def _need_floats(input: Any, kernel: str) -> None:
    if input._array.dtype.kind not in "fVc":
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{input.dtype.title}'",
            kind="dtype_unsupported",
            op=kernel,
            dtype=input.dtype.name,
        )


@public(HARDSHRINK)
def hardshrink(input: Any, lambd: float = 0.5, *, out: Any = None) -> Any:
    """input where |input| > lambd, else 0"""
    _need_floats(tensor_of(input, "hardshrink"), "hardshrink_cpu")
    return run(HARDSHRINK, (input,), (lambd,))


@public(SOFTSHRINK, method=False)
def softshrink(input: Any, lambd: float = 0.5, *, out: Any = None) -> Any:
    """input moved by lambd towards 0, and 0 within it"""
    x = tensor_of(input, "softshrink")._array
    _need_floats(input, "softshrink_check")
    top = dtypes.largest(x.dtype) if x.dtype.kind in "fV" else np.inf
    if not 0 <= lambd <= top:
        raise RuntimeError(
            f"lambda must be in range [0, {top:g}] for input dtype {input.dtype.title}, but found {lambd:g}"
        )
    return run(SOFTSHRINK, (input,), (lambd,))


@public(THRESHOLD, method=False)
def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """input where it is above a threshold, else a value"""
    for place, (name, given) in enumerate((("threshold", threshold), ("value", value)), 2):
        if not isinstance(given, NUMBERS):
            raise bad_argument("threshold", name, place, "Number", given)
    tensor_of(input, "threshold")
    if inplace:
        return run_inplace(THRESHOLD, (input,), (threshold, value), "threshold_")
    return run(THRESHOLD, (input,), (threshold, value))


@public("threshold_", method=False)
def threshold_(input: Any, threshold: float, value: float) -> Any:
    """In place: input where it is above a threshold, else a value"""
    return FUNCTIONS["threshold"](input, threshold, value, True)


# A half gates the other


def _halves(x: Array, dim: int) -> Any:
    return np.split(x, 2, dim)


def _glu(x: Array, dim: int) -> Any:
    a, b = _halves(x, dim)
    return a / (1 + np.exp(-b))


def _glu_vjp(node: Any, g: Any, x: Any) -> Any:
    dim = node.params[0]
    xp = node.xp
    n = x.shape[dim] // 2
    key = (slice(None),) * dim
    a, b = xp.pick(x, (*key, slice(0, n))), xp.pick(x, (*key, slice(n, 2 * n)))
    s = 1 / (1 + xp.exp(-b))
    return (xp.cat([g * s, g * a * s * (1 - s)], dim),)


GLU = declare(
    Op(
        name="glu",
        category=Category.ACTIVATION,
        args=("input",),
        params=("dim",),
        formula=N_("out = a · σ(b), with the halves a and b of input along dim"),
        backward_formula=N_("d a = g · σ(b);  d b = g · a · σ(b) · (1 − σ(b))"),
        forward=_glu,
        vjp=_glu_vjp,
        saves=("input",),
        shape=lambda s, dim: (*s[:dim], s[dim] // 2, *s[dim + 1 :]),
        narrate=N_("the first half of {input} along dim {dim} is gated by the second: {shape}"),
        narrate_backward=N_("the first half gets the gradient through the gate, the second that of the gate"),
        samples=lambda: [((3, 4), {"dim": 1})],
    )
)


@public(GLU, method=False)
def glu(input: Any, dim: int = -1) -> Any:
    """One half along a dim, times σ of the other."""
    x = tensor_of(input, "glu")._array
    if not x.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    d = wrap_dim(dim, x.ndim, "glu")
    if x.shape[d] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {d} is size {x.shape[d]}")
    _need_floats(input, "glu_cpu")
    return run(GLU, (input,), (d,))


# Random slopes

RRELU = declare(
    Op(
        name="rrelu",
        category=Category.ACTIVATION,
        args=("input", "noise"),
        formula=N_("out = input where input > 0, else noise · input"),
        backward_formula=N_("d input = g where input > 0, else noise · g"),
        forward=lambda x, noise: x * noise,
        vjp=lambda node, g, noise: (g * noise, None),
        saves=("noise",),
        shape=same_shape,
        narrate=N_("negative entries of {input} are scaled by random slopes"),
        narrate_backward=N_("the gradient passes, scaled by the same random slopes where {input} was negative"),
    )
)


@public(RRELU, method=False)
def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    """Leaky relu with a slope drawn for each negative entry; its mean outside training."""
    x = tensor_of(input, "rrelu")._array
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        made = FUNCTIONS["leaky_relu"](input, (lower + upper) / 2, inplace)
        return made if inplace else rename(made, "RreluWithNoiseBackward0")
    if type(x) is Virtual:
        return run(RRELU, (input, input.detach()))
    noise = np.ones(x.shape, x.dtype)
    flat, values = noise.reshape(-1), x.reshape(-1)
    low = values <= 0
    # Numbers are drawn for these entries only, a double each.
    flat[low] = (default_generator.uniform64(int(low.sum())) * (upper - lower) + lower).astype(x.dtype)
    args: tuple[Any, ...] = (input, wrap(noise, input._device))
    return run_inplace(RRELU, args, (), "rrelu_") if inplace else rename(run(RRELU, args), "RreluWithNoiseBackward0")


@public("rrelu_", method=False)
def rrelu_(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """In place: leaky relu with random slopes."""
    return FUNCTIONS["rrelu"](input, lower, upper, training, True)


@public("softmin", method=False)
def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """softmax of −input."""
    return FUNCTIONS["softmax"](-tensor_of(input, "softmin"), dim, _stacklevel, dtype)
