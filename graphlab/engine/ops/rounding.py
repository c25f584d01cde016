"""Rounding to whole numbers: floor, ceil, trunc, frac, round."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.ops.activation import same_shape
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.pointwise import _flat, unary
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.i18n import N_

for _name, _forward, _words in (
    ("floor", np.floor, N_("each entry of {input} is rounded down")),
    ("ceil", np.ceil, N_("each entry of {input} is rounded up")),
    ("trunc", np.trunc, N_("each entry of {input} loses its fraction")),
):
    unary(
        _name,
        lambda x, f=_forward: x.copy() if x.dtype.kind not in "fVc" else f(x),
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
        formula=N_("out = input rounded to decimals, halves to even"),
        backward_formula="d input = 0",
        forward=lambda x, decimals: x.copy() if x.dtype.kind not in "fVc" else np.round(x, decimals),
        vjp=_flat,
        shape=same_shape,
        narrate=N_("each entry of {input} is rounded"),
        narrate_backward=N_("the result is flat almost everywhere: {input} gets a gradient of 0"),
        samples=lambda: [((3, 2), {"decimals": 0})],
    )
)


_ROUND_DECIMALS = known_as(ROUND, "RoundBackward1")


@public(ROUND)
def round(input: Any, *, decimals: int = 0, out: Any = None) -> Any:
    """Rounded to decimals; halves go to the even neighbour."""
    return run(_ROUND_DECIMALS if decimals else ROUND, (need_tensor(input, "round"),), (decimals,))
