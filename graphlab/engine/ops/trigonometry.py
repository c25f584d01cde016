"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

import numpy as np

from graphlab.engine.ops import precise
from graphlab.engine.ops.op import Category
from graphlab.engine.ops.pointwise import unary, unit
from graphlab.i18n import N_

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
    precise.tanh,
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
