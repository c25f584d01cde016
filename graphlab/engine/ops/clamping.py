"""Keeping entries within limits: clamp, nan_to_num; logit."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename
from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, bad_combination, need_tensor, public, run, run_inplace
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _within(x: Any, low: Any, high: Any) -> Any:
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


CLAMP = declare(
    Op(
        name="clamp",
        node="ClampBackward1",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("min", "max"),
        formula=N_("out = input kept between min and max"),
        backward_formula=N_("d input = g where input lies between min and max, else 0"),
        forward=lambda x, low, high: np.clip(
            x, None if low is None else x.dtype.type(low), None if high is None else x.dtype.type(high)
        ),
        vjp=lambda node, g, x: (node.xp.keep(g, _within(x, *node.params)),),
        saves=("input",),
        shape=same_shape,
        narrate=N_("each entry of {input} is kept between {min} and {max}: {n_changed} of {n} change"),
        narrate_backward=N_("the gradient passes where {input} lay within the limits"),
        facts=lambda out, x, **_: {"n_changed": int(np.sum(out != x)), "n": int(np.size(x))},
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
        return rename(result, "ClampBackward0")
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
    return rename(clamp(input, min=min), "ClampMinBackward1" if isinstance(min, Tensor) else "ClampMinBackward0")


@public("clamp_max")
def clamp_max(input: Tensor, max: Any) -> Any:
    """At most max."""
    if not isinstance(input, Tensor):
        raise bad_combination("clamp_max", input, max)
    return rename(clamp(input, max=max), "ClampMaxBackward1" if isinstance(max, Tensor) else "ClampMaxBackward0")


NAN_TO_NUM = declare(
    Op(
        name="nan_to_num",
        category=Category.ELEMENTWISE,
        args=("input",),
        params=("nan", "posinf", "neginf"),
        formula=N_("out = input with nan, +∞ and −∞ replaced"),
        narrate_backward=N_("the gradient passes where {input} was a finite number"),
        backward_formula=N_("d input = g where input is finite, else 0"),
        forward=lambda x, nan, posinf, neginf: (
            np.nan_to_num(x, nan=nan or 0.0, posinf=posinf, neginf=neginf) if x.dtype.kind in "fVc" else x.copy()
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
    return run(LOGIT, (input,), (eps,), None if x.dtype.kind in "fVc" else (dtypes.get_default_dtype().np,))
