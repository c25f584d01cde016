"""Powers: a tensor to a number, a number or a tensor to a tensor."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors
from graphlab.engine.ops.arithmetic import _fit, broadcast_shape, number, tensor_operator
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import (
    FUNCTIONS,
    attach,
    bad_argument,
    bad_combination,
    guard,
    run,
    run_inplace,
)
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _pow_vjp(node: Any, g: Any, x: Any) -> Any:
    exponent = node.params[1]
    if exponent == 0:
        return g * 0, None
    if exponent == 1:
        return g, None
    if exponent == 2:
        return g * (x * 2), None
    return g * (x ** (exponent - 1) * exponent), None


def _pow_number(x: Any, exponent: Any) -> Any:
    if exponent == 2:
        return x * x
    if exponent == 0.5:
        return np.sqrt(x)
    if x.dtype.kind in "iu" and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return np.power(x, exponent)


POW = declare(
    Op(
        name="pow",
        category=Category.ARITHMETIC,
        args=("input",),
        params=("exponent",),
        formula="out = input ^ exponent",
        backward_formula="d input = g · exponent · input ^ (exponent − 1)",
        forward=_pow_number,
        vjp=lambda node, g, x: _pow_vjp(_PowNode(node), g, x)[:1],
        saves=("input",),
        shape=lambda s, exponent: s,
        narrate=N_("each entry of {input} is raised to the power {exponent}"),
        narrate_backward=N_(
            "the gradient into {input} is the incoming one times {exponent} times {input} to the power one less"
        ),
        samples=lambda: [
            ((3, 2), {"exponent": 2}),
            ((3, 2), {"exponent": 3}),
            ((4,), {"exponent": 0.5, "_domain": (0.2, 2.0)}),
        ],
    )
)


class _PowNode:
    __slots__ = ("params",)

    def __init__(self, node: Any) -> None:
        self.params = (None, node.params[0])


def _log(base: Any) -> float:
    return math.log(base) if base.real > 0 else math.nan if base.real < 0 else 0.0


def _pow_tensor_vjp(node: Any, g: Any, x: Any, y: Any, out: Any) -> Any:
    a, b = node.edges
    sx, sy = node.params[:2]
    xp = node.xp
    da = db = None
    if a is not None:
        da = xp.sum_to(g * xp.where(y == 0, 0 * x, y * x ** (y - 1)), sx)
    if b is not None:
        base = x if hasattr(x, "shape") else node.params[2]
        zero = (base == 0) & (y >= 0)
        if hasattr(base, "shape"):
            logs = xp.log(xp.where(base == 0, base * 0 + 1, base))
        else:
            logs = cmath.log(base) if isinstance(base, complex) and base else _log(base)
            zero = (y >= 0) if base == 0 else (y != y)
        db = xp.sum_to(g * xp.where(zero, out * 0, out * logs), sy)
    return da, db


POW_TENSOR = declare(
    Op(
        name="pow_tensor",
        node="PowBackward1",
        category=Category.ARITHMETIC,
        args=("base", "exponent"),
        params=("number",),
        formula="out = base ^ exponent",
        backward_formula="d base = g · exponent · base ^ (exponent − 1);  d exponent = g · out · ln base",
        forward=lambda x, y, number=None: np.power(x, y),
        vjp=_pow_tensor_vjp,
        saves=("base", "exponent", "out"),
        broadcasts=True,
        shape=broadcast_shape,
        narrate=N_("each entry of {base} is raised to the power of the entry of {exponent}"),
        narrate_backward=N_(
            "the gradient reaches {base} through the power rule and {exponent} through the logarithm of the base"
        ),
    )
)


def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """input ^ exponent; either may be a number."""
    exponent = number(exponent)
    if isinstance(exponent, Tensor):
        base = number(input)
        x = base._array if isinstance(base, Tensor) else base
        kind = dtypes.result(x, exponent._array)
        base = base if isinstance(base, Tensor) else _fit(base, kind)
        if kind.rank == 1 and (exponent._array < 0).any():
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        try:
            return run(POW_TENSOR, (base, exponent), (None if isinstance(base, Tensor) else base,), (kind.np, kind.np))
        except ValueError:
            raise errors.broadcast("pow", x.shape, exponent._array.shape) from None
    if not isinstance(exponent, (int, float, complex)):
        raise bad_argument("pow", "exponent", 2, "Tensor", exponent)
    if not isinstance(input, Tensor):
        raise bad_combination("pow", input, exponent)
    kind = dtypes.result(input._array, exponent)
    if kind.rank == 0:
        kind = dtypes.int64 if not isinstance(exponent, bool) else kind
    casts = None if kind.np == input._array.dtype else (kind.np,)
    return run(POW, (input,), (exponent,), casts)


FUNCTIONS["pow"] = guard("pow", pow)
POW.function = POW_TENSOR.function = FUNCTIONS["pow"]


def _pow_(self: Any, exponent: Any) -> Any:
    exponent = number(exponent)
    if isinstance(exponent, Tensor):
        return run_inplace(POW_TENSOR, (self, exponent), (None,), "pow_")
    return run_inplace(POW, (self,), (exponent,), "pow_")


attach(pow=FUNCTIONS["pow"])
attach(__pow__=tensor_operator(FUNCTIONS["pow"]))
attach(__rpow__=tensor_operator(lambda self, other: FUNCTIONS["pow"](other, self)))
attach(pow_=guard("pow_", _pow_), __ipow__=guard("pow_", _pow_))
