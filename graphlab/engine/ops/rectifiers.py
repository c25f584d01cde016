"""Activations with parameters: leaky_relu, elu, silu, mish, softplus, hardtanh, gelu."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.ops import precise
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.applied import NUMERIC
from graphlab.engine.ops.choice import choose
from graphlab.engine.ops.erf import erf_array, gelu_array, gelu_slope
from graphlab.engine.ops.numeric import softplus as softplus_array
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import need_tensor, public, run, run_inplace
from graphlab.i18n import N_


def activation(
    name: str,
    params: tuple[str, ...],
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    saves: tuple[str, ...],
    formula: str,
    backward: str,
    narrate: str,
    samples: list[tuple[Any, ...]],
    node: str = "",
) -> Op:
    """Declare an activation with parameters; its function checks nothing but the type."""
    return declare(
        Op(
            name=name,
            node=node,
            category=Category.ACTIVATION,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula=backward,
            forward=forward,
            vjp=vjp,
            saves=saves,
            shape=same_shape,
            narrate=narrate,
            narrate_backward=N_("the gradient into {input} is the incoming one times the slope at each entry"),
            samples=lambda: samples,
        )
    )


def _floating(input: Any, name: str) -> Any:
    x = need_tensor(input, name)._array
    if x.dtype.kind not in "fVc":
        fail(
            NotImplementedError,
            f"\"{'elu' if name in ('selu', 'celu') else name}_cpu\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op=name,
            dtype=dtypes.of(x).name,
        )
    return input


LEAKY_RELU = activation(
    "leaky_relu",
    ("negative_slope",),
    lambda x, s: np.maximum(x, x * x.dtype.type(s)) if 0 < s <= 1 else choose(x > 0, x, x * x.dtype.type(s)),
    lambda node, g, x: (node.xp.where(x > 0, g, g * node.params[0]),),
    ("input",),
    N_("out = input where input > 0, else negative_slope · input"),
    N_("d input = g where input > 0, else negative_slope · g"),
    N_("negative entries of {input} are multiplied by {negative_slope}"),
    [((3, 2), {"negative_slope": 0.01})],
)
ELU = activation(
    "elu",
    ("alpha", "scale", "input_scale"),
    lambda x, a, s, i: choose(
        x > 0, x * x.dtype.type(s), np.expm1(np.minimum(x, 0) * x.dtype.type(i)) * x.dtype.type(a * s)
    ),
    lambda node, g, x: (
        node.xp.where(
            x > 0,
            g * node.params[1],
            g * node.xp.exp(x * node.params[2] * (x <= 0)) * (node.params[0] * node.params[1] * node.params[2]),
        ),
    ),
    ("input",),
    N_("out = input where input > 0, else alpha · (e^input − 1)"),
    N_("d input = g where input > 0, else g · alpha · e^input"),
    N_("negative entries of {input} bend towards −{alpha}"),
    [((3, 2), {"alpha": 1.0, "scale": 1.0, "input_scale": 1.0})],
)
SILU = activation(
    "silu",
    (),
    lambda x: x / (precise.exp(np.negative(x)) + x.dtype.type(1)),
    lambda node, g, x: ((lambda s: g * (s * (1 + x * (1 - s))))(1 / (1 + node.xp.exp(-x))),),
    ("input",),
    "out = input · σ(input)",
    "d input = g · σ(input) · (1 + input · (1 − σ(input)))",
    N_("each entry of {input} is multiplied by its sigmoid"),
    [((3, 2), {})],
)
MISH = activation(
    "mish",
    (),
    lambda x: x * np.tanh(softplus_array(x)),
    lambda node, g, x: (
        (lambda t, s: g * (t + x * s * (1 - t * t)))(node.xp.tanh(node.xp.softplus(x)), 1 / (1 + node.xp.exp(-x))),
    ),
    ("input",),
    "out = input · tanh(softplus(input))",
    N_("d input = g · (t + input · σ(input) · (1 − t²)) with t = tanh(softplus(input))"),
    N_("each entry of {input} is multiplied by the tanh of its softplus"),
    [((3, 2), {})],
)
SOFTPLUS = activation(
    "softplus",
    ("beta", "threshold"),
    lambda x, b, t: choose(x * b > t, x, softplus_array(x * x.dtype.type(b)) / x.dtype.type(b)),
    lambda node, g, x: (
        node.xp.where(x * node.params[0] > node.params[1], g, g / (1 + node.xp.exp(-(x * node.params[0])))),
    ),
    ("input",),
    "out = ln(1 + e^(beta · input)) / beta",
    "d input = g · σ(beta · input)",
    N_("each entry of {input} is bent smoothly to be positive"),
    [((3, 2), {"beta": 1.0, "threshold": 20.0})],
)
LOGSIGMOID = activation(
    "logsigmoid",
    (),
    lambda x: -softplus_array(-x),
    lambda node, g, x: (g / (1 + node.xp.exp(x)),),
    ("input",),
    "out = ln σ(input)",
    "d input = g · (1 − σ(input))",
    N_("the logarithm of the sigmoid of each entry of {input}"),
    [((3, 2), {})],
    node="LogSigmoidBackward0",
)
HARDTANH = activation(
    "hardtanh",
    ("min_val", "max_val"),
    lambda x, low, high: np.clip(x, x.dtype.type(low), x.dtype.type(high)),
    lambda node, g, x: (node.xp.keep(g, (x > node.params[0]) & (x < node.params[1])),),
    ("input",),
    N_("out = input kept between min_val and max_val"),
    N_("d input = g within the limits, else 0"),
    N_("each entry of {input} is kept between {min_val} and {max_val}"),
    [((3, 2), {"min_val": -1.0, "max_val": 1.0})],
)
_C = math.sqrt(2 / math.pi)


def _gelu(x: Array, approximate: str) -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(x.dtype.type(_C) * (x + x.dtype.type(0.044715) * x**3)))
    if x.dtype == np.float32 and x.size > 64:
        return gelu_array(x)
    return 0.5 * x * (1 + erf_array(x * x.dtype.type(math.sqrt(0.5))))


def _gelu_vjp(node: Any, g: Any, x: Any) -> Any:
    xp = node.xp
    if node.params[0] == "tanh":
        t = xp.tanh((x + x**3 * 0.044715) * _C)
        return (g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (_C * (1 + 3 * 0.044715 * x * x))),)
    if xp is NUMERIC and x.dtype == np.float32 and x.size > 64:
        return (gelu_slope(g, x),)
    cdf = 0.5 * (1 + xp.erf(x * math.sqrt(0.5)))
    return (g * (cdf + x * xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))),)


GELU = activation(
    "gelu",
    ("approximate",),
    _gelu,
    _gelu_vjp,
    ("input",),
    "out = input · Φ(input)",
    "d input = g · (Φ(input) + input · φ(input))",
    N_("each entry of {input} is multiplied by the chance that a normal number lies below it"),
    [((3, 2), {"approximate": "none"}), ((3, 2), {"approximate": "tanh"})],
)


@public(LEAKY_RELU, method=False)
def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """input where positive, else negative_slope · input"""
    if inplace:
        return run_inplace(LEAKY_RELU, (_floating(input, "leaky_relu"),), (negative_slope,))
    return run(LEAKY_RELU, (_floating(input, "leaky_relu"),), (negative_slope,))


@public(ELU, method=False)
def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where positive, else alpha · (e^input − 1)"""
    if inplace:
        return run_inplace(ELU, (_floating(input, "elu"),), (alpha, 1.0, 1.0))
    return run(ELU, (_floating(input, "elu"),), (alpha, 1.0, 1.0))


_CELU = known_as(ELU, "CeluBackward0")


@public("celu", method=False)
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """max(0, input) + min(0, alpha · (e^(input/alpha) − 1))"""
    return run(_CELU, (_floating(input, "celu"),), (alpha, 1.0, 1.0 / alpha))


@public("selu", method=False)
def selu(input: Any, inplace: bool = False) -> Any:
    """scale · elu(input, alpha) with the self-normalising constants"""
    return run(ELU, (_floating(input, "selu"),), (1.6732632423543772, 1.0507009873554805, 1.0))


@public(SILU, method=False)
def silu(input: Any, inplace: bool = False) -> Any:
    """input · σ(input)"""
    return run_inplace(SILU, (input,)) if inplace else run(SILU, (_floating(input, "silu"),))


@public(MISH, method=False)
def mish(input: Any, inplace: bool = False) -> Any:
    """input · tanh(softplus(input))"""
    return run(MISH, (_floating(input, "mish"),))


@public(SOFTPLUS, method=False)
def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(beta · input)) / beta"""
    return run(SOFTPLUS, (_floating(input, "softplus"),), (beta, threshold))


@public(LOGSIGMOID, method=False)
def logsigmoid(input: Any) -> Any:
    """ln σ(input)"""
    return run(LOGSIGMOID, (_floating(input, "log_sigmoid_forward"),))


@public(HARDTANH, method=False)
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """input kept between min_val and max_val"""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return run(HARDTANH, (need_tensor(input, "hardtanh"),), (min_val, max_val))


@public("relu6", method=False)
def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(0, input), 6)"""
    return run(HARDTANH, (need_tensor(input, "relu6"),), (0.0, 6.0))


@public("hardsigmoid", method=False)
def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """relu6(input + 3) / 6"""
    _floating(input, "hardsigmoid")
    return rename(relu6(input + 3) / 6, "HardsigmoidBackward0")


@public("hardswish", method=False)
def hardswish(input: Any, inplace: bool = False) -> Any:
    """input · relu6(input + 3) / 6"""
    _floating(input, "hardswish")
    return rename(input * relu6(input + 3) / 6, "HardswishBackward0")


@public("softsign", method=False)
def softsign(input: Any) -> Any:
    """input / (1 + |input|)"""
    return input / (1 + input.abs())


@public("tanhshrink", method=False)
def tanhshrink(input: Any) -> Any:
    """input − tanh input"""
    return input - input.tanh()


@public(GELU, method=False)
def gelu(input: Any, approximate: str = "none") -> Any:
    """input · Φ(input)"""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return run(GELU, (_floating(input, "gelu"),), (approximate,))
