"""Functions of one tensor, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.ops import precise
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, attach, guard, need_tensor, public, run, run_inplace
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
        if rule == "float" and x.dtype.kind not in "fVc":
            return (dtypes.get_default_dtype().np,)
        if rule == "real" and x.dtype.kind == "b":
            fail(
                NotImplementedError,
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
).dtype = lambda x: _negative(np.empty(0, x.dtype)).dtype
unary(
    "exp",
    precise.exp,
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
    precise.log,
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
    formula=N_("out = −1, 0 or 1 by the sign of input"),
    backward="d input = 0",
    narrate=N_("each entry of {input} becomes −1, 0 or 1 by its sign"),
)
unary(
    "sgn",
    np.sign,
    _flat,
    (),
    rule="same",
    formula=N_("out = −1, 0 or 1 by the sign of input"),
    backward="d input = 0",
    narrate=N_("each entry of {input} becomes −1, 0 or 1 by its sign"),
)


def sigmoid_array(x: Array) -> Array:
    """1 / (1 + e^−x) without overflow."""
    out: Array = np.negative(x)
    out = precise.exp(out)
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


def _of_floats(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test that only floating-point numbers can pass."""
    return lambda x: test(x) if x.dtype.kind in "fVc" else np.zeros(x.shape, bool)


for _name, _test, _formula, _words in (
    (
        "isnan",
        _of_floats(np.isnan),
        N_("out = input is not a number"),
        N_("which entries of {input} are not numbers: {n_true}"),
    ),
    (
        "isinf",
        _of_floats(np.isinf),
        N_("out = input is infinite"),
        N_("which entries of {input} are infinite: {n_true}"),
    ),
    ("isposinf", _of_floats(np.isposinf), N_("out = input is +∞"), N_("which entries of {input} are +∞")),
    ("isneginf", _of_floats(np.isneginf), N_("out = input is −∞"), N_("which entries of {input} are −∞")),
    ("isfinite", np.isfinite, N_("out = input is finite"), N_("which entries of {input} are finite numbers: {n_true}")),
):
    unary(
        _name,
        _test,
        None,
        rule="bool",
        formula=_formula,
        narrate=_words,
        category=Category.COMPARISON,
        facts=lambda out, x: {"n_true": int(np.sum(out))},
    )
unary(
    "signbit",
    lambda x: np.signbit(x) if x.dtype.kind in "fVc" else x < 0,
    None,
    rule="bool",
    formula=N_("out = input has a minus sign"),
    narrate=N_("which entries of {input} are negative"),
    category=Category.COMPARISON,
)
unary(
    "logical_not",
    np.logical_not,
    None,
    rule="bool",
    formula="out = not input",
    narrate=N_("which entries of {input} are zero"),
    category=Category.COMPARISON,
)


def _bitwise_not(x: Array) -> Any:
    if x.dtype.kind in "fVc":
        fail(
            NotImplementedError,
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


def _invert(self: Any) -> Any:
    if self._array.dtype.kind in "fVc":
        fail(
            TypeError,
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
            kind="dtype_unsupported",
            op="bitwise_not",
            dtype=self.dtype.name,
        )
    return FUNCTIONS["bitwise_not"](self)


attach(__neg__=lambda self: FUNCTIONS["neg"](self))
attach(__pos__=lambda self: FUNCTIONS["positive"](self))
attach(__abs__=lambda self: FUNCTIONS["abs"](self))
attach(__invert__=_invert)
