"""Functions of one tensor, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, attach, bad_combination, guard, need_tensor, public, run, run_inplace
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def unary(
    name: str,
    forward: Callable[..., Any],
    vjp: Callable[..., Any] | None,
    saves: tuple[str, ...] = ("input",),
    *,
    formula: str,
    backward: str = "",
    narrate: str,
    narrate_backward: str = "",
    rule: str = "float",
    category: Category = Category.ELEMENTWISE,
    samples: Callable[[], list[tuple[Any, ...]]] | None = None,
    node: str = "",
    aliases: tuple[str, ...] = (),
    inplace: bool = True,
    facts: Callable[..., dict[str, Any]] | None = None,
) -> Op:
    """Declare a function of one tensor with its method and in-place form.

    `rule`: "float" (integers become float), "same", "bool" (the result is bool), "real" (bool is refused).
    """
    op = declare(
        Op(
            name=name,
            node=node,
            category=category,
            args=("input",),
            formula=formula,
            backward_formula=backward,
            forward=forward,
            vjp=vjp,
            saves=saves if vjp is not None else (),
            shape=same_shape,
            dtype=(lambda x: dtypes.BOOL) if rule == "bool" else None,
            narrate=narrate,
            narrate_backward=narrate_backward
            or N_("the gradient into {input} is the incoming one times the slope at each entry"),
            samples=samples or (lambda: [((3, 2),), ((),)]),
            facts=facts,
        )
    )

    def cast(x: Array) -> Any:
        if rule == "float" and x.dtype.kind != "f":
            return (dtypes.get_default_dtype().np,)
        if rule == "real" and x.dtype.kind == "b":
            fail(
                RuntimeError,
                f"\"{name}_cpu\" not implemented for 'Bool'",
                kind="dtype_unsupported",
                op=name,
                dtype="bool",
            )
        return None

    def call(input: Any, *, out: Any = None) -> Any:
        return run(op, (input,), (), cast(need_tensor(input, name)._array))

    call.__name__ = name
    call.__doc__ = formula
    public(op, name, *aliases)(call)
    if inplace and rule != "bool":

        def call_(input: Any) -> Any:
            return run_inplace(op, (input,), (), name + "_", cast(need_tensor(input, name + "_")._array))

        call_.__name__ = name + "_"
        made = guard(name + "_", call_)
        for each in (name, *aliases):
            setattr(Tensor, each + "_", made)
            FUNCTIONS[each + "_"] = made
    return op


def positive() -> list[tuple[Any, ...]]:
    """Samples for functions that want positive arguments."""
    return [((3, 2), {"_domain": (0.2, 2.0)})]


def unit() -> list[tuple[Any, ...]]:
    """Samples for functions on (−1, 1)."""
    return [((3, 2), {"_domain": (-0.9, 0.9)})]


def _flat(node: Any, g: Any) -> Any:
    return (g * 0,)


def _negative(x: Array) -> Any:
    if x.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the "
            "`~` or `logical_not()` operator instead."
        )
    return np.negative(x)


unary(
    "neg",
    _negative,
    lambda n, g: (-g,),
    (),
    rule="same",
    formula="out = −input",
    backward="d input = −g",
    narrate=N_("the sign of each entry of {input} is turned"),
    category=Category.ARITHMETIC,
    aliases=("negative",),
)
unary(
    "exp",
    np.exp,
    lambda n, g, out: (g * out,),
    ("out",),
    formula="out = e ^ input",
    backward="d input = g · out",
    narrate=N_("e is raised to the power of each entry of {input}"),
)
unary(
    "exp2",
    np.exp2,
    lambda n, g, out: (g * out * math.log(2),),
    ("out",),
    formula="out = 2 ^ input",
    backward="d input = g · out · ln 2",
    narrate=N_("2 is raised to the power of each entry of {input}"),
)
unary(
    "expm1",
    np.expm1,
    lambda n, g, out: (g * (out + 1),),
    ("out",),
    formula="out = e ^ input − 1",
    backward="d input = g · (out + 1)",
    narrate=N_("e is raised to the power of each entry of {input}, less 1"),
)
unary(
    "log",
    np.log,
    lambda n, g, x: (g / x,),
    formula="out = ln input",
    backward="d input = g / input",
    narrate=N_("the natural logarithm of each entry of {input}"),
    samples=positive,
)
unary(
    "log2",
    np.log2,
    lambda n, g, x: (g / (x * math.log(2)),),
    formula="out = log₂ input",
    backward="d input = g / (input · ln 2)",
    narrate=N_("the logarithm to base 2 of each entry of {input}"),
    samples=positive,
)
unary(
    "log10",
    np.log10,
    lambda n, g, x: (g / (x * math.log(10)),),
    formula="out = log₁₀ input",
    backward="d input = g / (input · ln 10)",
    narrate=N_("the logarithm to base 10 of each entry of {input}"),
    samples=positive,
)
unary(
    "log1p",
    np.log1p,
    lambda n, g, x: (g / (x + 1),),
    formula="out = ln (1 + input)",
    backward="d input = g / (1 + input)",
    narrate=N_("the natural logarithm of 1 plus each entry of {input}"),
    samples=positive,
)
unary(
    "sqrt",
    np.sqrt,
    lambda n, g, out: (g / (out * 2),),
    ("out",),
    formula="out = √input",
    backward="d input = g / (2 · out)",
    narrate=N_("the square root of each entry of {input}"),
    samples=positive,
)
unary(
    "rsqrt",
    lambda x: 1 / np.sqrt(x),
    lambda n, g, out: (g * -0.5 * out**3,),
    ("out",),
    formula="out = 1 / √input",
    backward="d input = −g · out³ / 2",
    narrate=N_("one over the square root of each entry of {input}"),
    samples=positive,
)
unary(
    "square",
    lambda x: x * x,
    lambda n, g, x: (g * (x * 2),),
    rule="same",
    node="PowBackward0",
    formula="out = input²",
    backward="d input = g · 2 · input",
    narrate=N_("each entry of {input} is squared"),
)
unary(
    "reciprocal",
    lambda x: np.reciprocal(x),
    lambda n, g, out: (-g * out * out,),
    ("out",),
    formula="out = 1 / input",
    backward="d input = −g · out²",
    narrate=N_("one over each entry of {input}"),
    samples=positive,
)
unary(
    "abs",
    np.abs,
    lambda n, g, x: (g * n.xp.sign(x),),
    rule="same",
    formula="out = |input|",
    backward="d input = g · sign(input)",
    narrate=N_("each entry of {input} loses its sign"),
    aliases=("absolute",),
)
unary(
    "sign",
    np.sign,
    _flat,
    (),
    rule="same",
    formula="out = −1, 0 or 1 by the sign of input",
    backward="d input = 0",
    narrate=N_("each entry of {input} becomes −1, 0 or 1 by its sign"),
)
unary(
    "sgn",
    np.sign,
    _flat,
    (),
    rule="same",
    formula="out = −1, 0 or 1 by the sign of input",
    backward="d input = 0",
    narrate=N_("each entry of {input} becomes −1, 0 or 1 by its sign"),
)
unary(
    "sin",
    np.sin,
    lambda n, g, x: (g * n.xp.cos(x),),
    formula="out = sin input",
    backward="d input = g · cos input",
    narrate=N_("the sine of each entry of {input}"),
)
unary(
    "cos",
    np.cos,
    lambda n, g, x: (-g * n.xp.sin(x),),
    formula="out = cos input",
    backward="d input = −g · sin input",
    narrate=N_("the cosine of each entry of {input}"),
)
unary(
    "tan",
    np.tan,
    lambda n, g, out: (g * (out * out + 1),),
    ("out",),
    formula="out = tan input",
    backward="d input = g · (1 + out²)",
    narrate=N_("the tangent of each entry of {input}"),
    samples=unit,
)
unary(
    "asin",
    np.arcsin,
    lambda n, g, x: (g / n.xp.sqrt(1 - x * x),),
    formula="out = arcsin input",
    aliases=("arcsin",),
    backward="d input = g / √(1 − input²)",
    narrate=N_("the angle whose sine is each entry of {input}"),
    samples=unit,
)
unary(
    "acos",
    np.arccos,
    lambda n, g, x: (-g / n.xp.sqrt(1 - x * x),),
    formula="out = arccos input",
    aliases=("arccos",),
    backward="d input = −g / √(1 − input²)",
    narrate=N_("the angle whose cosine is each entry of {input}"),
    samples=unit,
)
unary(
    "atan",
    np.arctan,
    lambda n, g, x: (g / (x * x + 1),),
    formula="out = arctan input",
    aliases=("arctan",),
    backward="d input = g / (1 + input²)",
    narrate=N_("the angle whose tangent is each entry of {input}"),
)
unary(
    "sinh",
    np.sinh,
    lambda n, g, x: (g * n.xp.cosh(x),),
    formula="out = sinh input",
    backward="d input = g · cosh input",
    narrate=N_("the hyperbolic sine of each entry of {input}"),
)
unary(
    "cosh",
    np.cosh,
    lambda n, g, x: (g * n.xp.sinh(x),),
    formula="out = cosh input",
    backward="d input = g · sinh input",
    narrate=N_("the hyperbolic cosine of each entry of {input}"),
)
unary(
    "tanh",
    np.tanh,
    lambda n, g, out: (g * (1 - out * out),),
    ("out",),
    formula="out = tanh input",
    backward="d input = g · (1 − out²)",
    category=Category.ACTIVATION,
    narrate=N_("each entry of {input} is squeezed between −1 and 1: from {low:.4g} to {high:.4g}"),
    facts=lambda out, x: {
        "low": float(np.min(out)) if out.size else 0.0,
        "high": float(np.max(out)) if out.size else 0.0,
    },
)
unary(
    "asinh",
    np.arcsinh,
    lambda n, g, x: (g / n.xp.sqrt(x * x + 1),),
    formula="out = arsinh input",
    aliases=("arcsinh",),
    backward="d input = g / √(input² + 1)",
    narrate=N_("the inverse hyperbolic sine of each entry of {input}"),
)
unary(
    "acosh",
    np.arccosh,
    lambda n, g, x: (g / n.xp.sqrt(x * x - 1),),
    formula="out = arcosh input",
    aliases=("arccosh",),
    backward="d input = g / √(input² − 1)",
    narrate=N_("the inverse hyperbolic cosine of each entry of {input}"),
    samples=lambda: [((3, 2), {"_domain": (1.5, 3.0)})],
)
unary(
    "atanh",
    np.arctanh,
    lambda n, g, x: (g / (1 - x * x),),
    formula="out = artanh input",
    aliases=("arctanh",),
    backward="d input = g / (1 − input²)",
    narrate=N_("the inverse hyperbolic tangent of each entry of {input}"),
    samples=unit,
)


def sigmoid_array(x: Array) -> Array:
    """1 / (1 + e^−x) without overflow."""
    out: Array = np.negative(x)
    out = np.exp(out)
    out = np.reciprocal(out + x.dtype.type(1))
    return out


unary(
    "sigmoid",
    sigmoid_array,
    lambda n, g, out: (g * (out * (1 - out)),),
    ("out",),
    formula="out = 1 / (1 + e^(−input))",
    backward="d input = g · out · (1 − out)",
    category=Category.ACTIVATION,
    aliases=("special_expit",),
    narrate=N_("each entry of {input} is squeezed between 0 and 1: from {low:.4g} to {high:.4g}"),
    facts=lambda out, x: {
        "low": float(np.min(out)) if out.size else 0.0,
        "high": float(np.max(out)) if out.size else 0.0,
    },
)

_erf = np.vectorize(math.erf, otypes=[np.float64])


# A rational approximation of erf on [-4, 4], as in Eigen: computed in double precision it is off by 6.5e-8 at most,
# half a unit in the last place of float32.
_ERF_OVER = (
    -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04,
    -2.95459980854025e-03, -1.60960333262415e-02,
)  # fmt: skip
_ERF_UNDER = (
    -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02,
)  # fmt: skip
_ERF_PIECE = 4096  # entries at once, so that the three work arrays stay in the first cache


def _horner(square: Array, factors: tuple[float, ...], out: Array) -> None:
    np.multiply(square, factors[0], out=out)
    for factor in factors[1:-1]:
        out += factor
        out *= square
    out += factors[-1]


def _erf_single(x: Array) -> Array:
    """erf of a float32 array, to its precision; 60 times as quick as entry by entry."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty(flat.shape, flat.dtype)
    work = np.empty((4, min(_ERF_PIECE, flat.size)))
    for at in range(0, flat.size, _ERF_PIECE):
        part = flat[at : at + _ERF_PIECE]
        n = part.size
        v, square, over, under = work[0, :n], work[1, :n], work[2, :n], work[3, :n]
        np.clip(part, -4.0, 4.0, out=v)
        np.multiply(v, v, out=square)
        _horner(square, _ERF_OVER, over)
        over *= v
        _horner(square, _ERF_UNDER, under)
        over /= under
        # Beyond 3.92 float32 knows no number between erf and 1.
        np.copyto(over, np.sign(v), where=np.abs(v) > 3.92)
        out[at : at + n] = over
    return out.reshape(x.shape)


def erf_array(x: Array) -> Array:
    """The error function, which NumPy lacks: by math.erf entry by entry, or a formula for many entries of float32."""
    if x.dtype == np.float32 and x.size > 64:
        return _erf_single(x)
    out: Array = _erf(x).astype(x.dtype) if x.size else x.copy()
    return out


_erfc = np.vectorize(math.erfc, otypes=[np.float64])
_lgamma = np.vectorize(
    lambda v: (
        math.lgamma(v) if math.isfinite(v) and not (v <= 0 and v == int(v)) else (math.nan if v != v else math.inf)
    ),
    otypes=[np.float64],
)
unary(
    "erf",
    erf_array,
    lambda n, g, x: (g * (2 / math.sqrt(math.pi)) * n.xp.exp(-(x * x)),),
    formula="out = erf input",
    backward="d input = g · 2/√π · e^(−input²)",
    narrate=N_("the error function of each entry of {input}"),
    aliases=("special_erf",),
)
unary(
    "erfc",
    lambda x: _erfc(x).astype(x.dtype) if x.size else x.copy(),
    lambda n, g, x: (g * (-2 / math.sqrt(math.pi)) * n.xp.exp(-(x * x)),),
    formula="out = 1 − erf input",
    backward="d input = −g · 2/√π · e^(−input²)",
    narrate=N_("one less the error function of each entry of {input}"),
    aliases=("special_erfc",),
)

for _name, _forward, _words in (
    ("floor", np.floor, N_("each entry of {input} is rounded down")),
    ("ceil", np.ceil, N_("each entry of {input} is rounded up")),
    ("trunc", np.trunc, N_("each entry of {input} loses its fraction")),
):
    unary(
        _name,
        lambda x, f=_forward: x.copy() if x.dtype.kind != "f" else f(x),
        _flat,
        (),
        rule="real",
        formula=f"out = {_name} input",
        backward="d input = 0",
        narrate=_words,
        narrate_backward=N_("the result is flat almost everywhere: {input} gets a gradient of 0"),
        aliases=("fix",) if _name == "trunc" else (),
    )
unary(
    "frac",
    lambda x: x - np.trunc(x),
    lambda n, g: (g,),
    (),
    rule="same",
    formula="out = input − trunc input",
    backward="d input = g",
    narrate=N_("the fraction of each entry of {input}"),
)

ROUND = declare(
    Op(
        name="round",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("decimals",),
        formula="out = input rounded to decimals, halves to even",
        backward_formula="d input = 0",
        forward=lambda x, decimals: x.copy() if x.dtype.kind != "f" else np.round(x, decimals),
        vjp=_flat,
        shape=same_shape,
        narrate=N_("each entry of {input} is rounded"),
        narrate_backward=N_("the result is flat almost everywhere: {input} gets a gradient of 0"),
        samples=lambda: [((3, 2), {"decimals": 0})],
    )
)


@public(ROUND)
def round(input: Any, *, decimals: int = 0, out: Any = None) -> Any:
    """Rounded to decimals; halves go to the even neighbour."""
    return run(ROUND, (need_tensor(input, "round"),), (decimals,))


unary(
    "isnan",
    lambda x: np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool),
    None,
    rule="bool",
    formula="out = input is not a number",
    narrate=N_("which entries of {input} are not numbers: {n_true}"),
    category=Category.COMPARISON,
    facts=lambda out, x: {"n_true": int(np.sum(out))},
)
unary(
    "isinf",
    lambda x: np.isinf(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool),
    None,
    rule="bool",
    formula="out = input is infinite",
    narrate=N_("which entries of {input} are infinite: {n_true}"),
    category=Category.COMPARISON,
    facts=lambda out, x: {"n_true": int(np.sum(out))},
)
unary(
    "isposinf",
    lambda x: np.isposinf(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool),
    None,
    rule="bool",
    formula="out = input is +∞",
    narrate=N_("which entries of {input} are +∞"),
    category=Category.COMPARISON,
)
unary(
    "isneginf",
    lambda x: np.isneginf(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool),
    None,
    rule="bool",
    formula="out = input is −∞",
    narrate=N_("which entries of {input} are −∞"),
    category=Category.COMPARISON,
)
unary(
    "isfinite",
    lambda x: np.isfinite(x),
    None,
    rule="bool",
    formula="out = input is finite",
    narrate=N_("which entries of {input} are finite numbers: {n_true}"),
    category=Category.COMPARISON,
    facts=lambda out, x: {"n_true": int(np.sum(out))},
)
unary(
    "signbit",
    lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0,
    None,
    rule="bool",
    formula="out = input has a minus sign",
    narrate=N_("which entries of {input} are negative"),
    category=Category.COMPARISON,
)
unary(
    "logical_not",
    lambda x: np.logical_not(x),
    None,
    rule="bool",
    formula="out = not input",
    narrate=N_("which entries of {input} are zero"),
    category=Category.COMPARISON,
)


def _bitwise_not(x: Array) -> Any:
    if x.dtype.kind == "f":
        fail(
            RuntimeError,
            f"\"bitwise_not_cpu\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op="bitwise_not",
            dtype=dtypes.of(x).name,
        )
    return np.invert(x)


unary(
    "bitwise_not",
    _bitwise_not,
    None,
    rule="same",
    formula="out = ~input",
    narrate=N_("every bit of {input} is turned"),
    category=Category.COMPARISON,
)
unary(
    "deg2rad",
    lambda x: x * x.dtype.type(math.pi / 180),
    lambda n, g: (g * (math.pi / 180),),
    (),
    formula="out = input · π / 180",
    backward="d input = g · π / 180",
    narrate=N_("degrees of {input} become radians"),
)
unary(
    "rad2deg",
    lambda x: x * x.dtype.type(180 / math.pi),
    lambda n, g: (g * (180 / math.pi),),
    (),
    formula="out = input · 180 / π",
    backward="d input = g · 180 / π",
    narrate=N_("radians of {input} become degrees"),
)
unary(
    "positive",
    lambda x: x,
    lambda n, g: (g,),
    (),
    rule="real",
    formula="out = input",
    backward="d input = g",
    narrate=N_("{input} is passed on"),
    inplace=False,
)


attach(__neg__=lambda self: FUNCTIONS["neg"](self))
attach(__pos__=lambda self: FUNCTIONS["positive"](self))
attach(__abs__=lambda self: FUNCTIONS["abs"](self))
attach(__invert__=lambda self: FUNCTIONS["bitwise_not"](self))
attach(__round__=lambda self, n=0: FUNCTIONS["round"](self, decimals=n))


# Clamping and the like

CLAMP = declare(
    Op(
        name="clamp",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("min", "max"),
        formula="out = input kept between min and max",
        backward_formula="d input = g where input lies between min and max, else 0",
        forward=lambda x, low, high: np.clip(
            x, None if low is None else x.dtype.type(low), None if high is None else x.dtype.type(high)
        ),
        vjp=lambda node, g, x: (
            g
            * (
                ((x >= node.params[0]) if node.params[0] is not None else (x == x))
                & ((x <= node.params[1]) if node.params[1] is not None else (x == x))
            ),
        ),
        saves=("input",),
        shape=same_shape,
        narrate=N_("each entry of {input} is kept between {min} and {max}: {n_changed} change"),
        narrate_backward=N_("the gradient passes where {input} lay within the limits"),
        facts=lambda out, x, **_: {"n_changed": int(np.sum(out != x))},
        samples=lambda: [((3, 2), {"min": -0.5, "max": 0.5}), ((3,), {"min": 0.1, "max": None})],
    )
)


@public(CLAMP, "clamp", "clip")
def clamp(input: Any, min: Any = None, max: Any = None, *, out: Any = None) -> Any:
    """input kept between min and max (numbers or tensors)."""
    x = need_tensor(input, "clamp")._array
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        result = input
        if min is not None:
            result = FUNCTIONS["maximum"](
                result, min if isinstance(min, Tensor) else FUNCTIONS["full_like"](input, min)
            )
        if max is not None:
            result = FUNCTIONS["minimum"](
                result, max if isinstance(max, Tensor) else FUNCTIONS["full_like"](input, max)
            )
        return result
    kind = dtypes.result(x, *(v for v in (min, max) if v is not None))
    return run(CLAMP, (input,), (min, max), None if kind.np == x.dtype else (kind.np,))


@public("clamp_", "clamp_", "clip_")
def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Any:
    """In place: kept between min and max."""
    return run_inplace(CLAMP, (input,), (min, max), "clamp_")


@public("clamp_min")
def clamp_min(input: Tensor, min: Any) -> Any:
    """At least min."""
    if not isinstance(input, Tensor):
        raise bad_combination("clamp_min", input, min)
    return clamp(input, min=min)


@public("clamp_max")
def clamp_max(input: Tensor, max: Any) -> Any:
    """At most max."""
    if not isinstance(input, Tensor):
        raise bad_combination("clamp_max", input, max)
    return clamp(input, max=max)


NAN_TO_NUM = declare(
    Op(
        name="nan_to_num",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("nan", "posinf", "neginf"),
        formula="out = input with nan, +∞ and −∞ replaced",
        narrate_backward=N_("the gradient passes where {input} was a finite number"),
        backward_formula="d input = g where input is finite, else 0",
        forward=lambda x, nan, posinf, neginf: (
            np.nan_to_num(x, nan=nan or 0.0, posinf=posinf, neginf=neginf) if x.dtype.kind == "f" else x.copy()
        ),
        vjp=lambda node, g, x: (g * ((x - x) == 0),),
        saves=("input",),
        shape=same_shape,
        narrate=N_("what is not a finite number in {input} is replaced: {n_changed} entries"),
        facts=lambda out, x, **_: {"n_changed": int(np.sum(~np.isfinite(x)))},
        samples=lambda: [((3, 2), {"nan": 0.0, "posinf": None, "neginf": None})],
    )
)


@public(NAN_TO_NUM)
def nan_to_num(input: Any, nan: float | None = None, posinf: Any = None, neginf: Any = None, *, out: Any = None) -> Any:
    """nan, +∞ and −∞ replaced by numbers."""
    return run(NAN_TO_NUM, (need_tensor(input, "nan_to_num"),), (nan, posinf, neginf))


LOGIT = declare(
    Op(
        name="logit",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("eps",),
        formula="out = ln (input / (1 − input))",
        narrate_backward=N_("the gradient into {input} is the incoming one times the slope at each entry"),
        backward_formula="d input = g / (input · (1 − input))",
        forward=lambda x, eps: (lambda z: np.log(z / (1 - z)))(x if eps is None else np.clip(x, eps, 1 - eps)),
        vjp=lambda node, g, x: (
            g / (x * (1 - x))
            if node.params[0] is None
            else g * ((x >= node.params[0]) & (x <= 1 - node.params[0])) / (x * (1 - x)),
        ),
        saves=("input",),
        shape=same_shape,
        narrate=N_("the logarithm of the odds of each entry of {input}"),
        samples=lambda: [((3, 2), {"eps": None, "_domain": (0.1, 0.9)})],
    )
)


@public(LOGIT, "logit", "special_logit")
def logit(input: Any, eps: float | None = None, *, out: Any = None) -> Any:
    """ln (input / (1 − input))"""
    x = need_tensor(input, "logit")._array
    return run(LOGIT, (input,), (eps,), None if x.dtype.kind == "f" else (dtypes.get_default_dtype().np,))


# Activations with parameters


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
    if x.dtype.kind != "f":
        fail(
            RuntimeError if name not in ("gelu", "silu", "elu", "leaky_relu") else NotImplementedError,
            f"\"{name}_cpu\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op=name,
            dtype=dtypes.of(x).name,
        )
    return input


LEAKY_RELU = activation(
    "leaky_relu",
    ("negative_slope",),
    lambda x, s: np.where(x > 0, x, x * x.dtype.type(s)),
    lambda node, g, x: (node.xp.where(x > 0, g, g * node.params[0]),),
    ("input",),
    "out = input where input > 0, else negative_slope · input",
    "d input = g where input > 0, else negative_slope · g",
    N_("negative entries of {input} are multiplied by {negative_slope}"),
    [((3, 2), {"negative_slope": 0.01})],
)
ELU = activation(
    "elu",
    ("alpha", "scale", "input_scale"),
    lambda x, a, s, i: np.where(
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
    "out = input where input > 0, else alpha · (e^input − 1)",
    "d input = g where input > 0, else g · alpha · e^input",
    N_("negative entries of {input} bend towards −{alpha}"),
    [((3, 2), {"alpha": 1.0, "scale": 1.0, "input_scale": 1.0})],
)
SILU = activation(
    "silu",
    (),
    lambda x: x * sigmoid_array(x),
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
    lambda x: x * np.tanh(np.logaddexp(x.dtype.type(0), x)),
    lambda node, g, x: (
        (lambda t, s: g * (t + x * s * (1 - t * t)))(node.xp.tanh(node.xp.softplus(x)), 1 / (1 + node.xp.exp(-x))),
    ),
    ("input",),
    "out = input · tanh(softplus(input))",
    "d input = g · (t + input · σ(input) · (1 − t²)) with t = tanh(softplus(input))",
    N_("each entry of {input} is multiplied by the tanh of its softplus"),
    [((3, 2), {})],
)
SOFTPLUS = activation(
    "softplus",
    ("beta", "threshold"),
    lambda x, b, t: np.where(x * b > t, x, np.logaddexp(x.dtype.type(0), x * x.dtype.type(b)) / x.dtype.type(b)),
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
    lambda x: -np.logaddexp(x.dtype.type(0), -x),
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
    lambda node, g, x: (g * ((x > node.params[0]) & (x < node.params[1])),),
    ("input",),
    "out = input kept between min_val and max_val",
    "d input = g within the limits, else 0",
    N_("each entry of {input} is kept between {min_val} and {max_val}"),
    [((3, 2), {"min_val": -1.0, "max_val": 1.0})],
)
_C = math.sqrt(2 / math.pi)


def _gelu(x: Array, approximate: str) -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(x.dtype.type(_C) * (x + x.dtype.type(0.044715) * x**3)))
    return 0.5 * x * (1 + erf_array(x * x.dtype.type(math.sqrt(0.5))))


def _gelu_vjp(node: Any, g: Any, x: Any) -> Any:
    xp = node.xp
    if node.params[0] == "tanh":
        t = xp.tanh((x + x**3 * 0.044715) * _C)
        return (g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (_C * (1 + 3 * 0.044715 * x * x))),)
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


@public("celu", method=False)
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """max(0, input) + min(0, alpha · (e^(input/alpha) − 1))"""
    return run(ELU, (_floating(input, "celu"),), (alpha, 1.0, 1.0 / alpha))


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
    return relu6(input + 3) / 6


@public("hardswish", method=False)
def hardswish(input: Any, inplace: bool = False) -> Any:
    """input · relu6(input + 3) / 6"""
    return input * relu6(input + 3) / 6


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
