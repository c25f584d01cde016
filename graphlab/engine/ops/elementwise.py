"""Functions of two or three operands, entry by entry with broadcasting: xlogy, copysign, lerp, addcmul and the like."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors
from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import fail
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.arithmetic import NUMBERS, number
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, method, need_tensor, public, run, run_inplace
from graphlab.engine.ops.special import lower_gamma, upper_gamma, zeta_array
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

Slope = Callable[..., Any] | None


def invalid_combination(function: str, args: tuple[Any, ...], *signatures: str) -> TypeError:
    """PyTorch's TypeError for a call that fits none of the forms of a function."""
    got = ", ".join(type(a).__name__ for a in args)
    forms = "".join(f" * ({each})\n" for each in signatures)
    return TypeError(
        f"{function}() received an invalid combination of arguments - got ({got}), but expected one of:\n{forms}"
    )


def broadcast_all(*shapes: Any) -> tuple[int, ...]:
    """The shape that all operands broadcast to."""
    return np.broadcast_shapes(*(s for s in shapes if isinstance(s, tuple)))


def slopes(*each: Slope, out: bool = False) -> Callable[..., Any]:
    """The vjp of a function of several operands, from `slope(node, g, *operands)` of each."""
    n = len(each)

    def vjp(node: Any, g: Any, *saved: Any) -> Any:
        operands = [node.params[i] if s is None else s for i, s in enumerate(saved[:n])]
        extra = saved[n:] if out else ()
        found: list[Any] = []
        for i, slope in enumerate(each):
            if node.edges[i] is None or slope is None:
                found.append(None)
            else:
                found.append(node.xp.sum_to(slope(node, g, *operands, *extra), node.params[i]))
        return tuple(found)

    return vjp


def entrywise(
    name: str,
    args: tuple[str, ...],
    forward: Callable[..., Any],
    vjp: Callable[..., Any] | None,
    *,
    formula: str,
    narrate: str,
    backward: str = "",
    narrate_backward: str = "",
    params: tuple[str, ...] = (),
    out: bool = False,
    node: str = "",
    category: Category = Category.ELEMENTWISE,
    samples: Callable[[], list[tuple[Any, ...]]] | None = None,
) -> Op:
    """Declare an operator on operands that broadcast."""
    return declare(
        Op(
            name=name,
            node=node,
            category=category,
            args=args,
            params=params,
            formula=formula,
            backward_formula=backward,
            forward=forward,
            vjp=vjp,
            saves=(() if vjp is None else args) + (("out",) if out else ()),
            broadcasts=True,
            shape=lambda *s: broadcast_all(*s[: len(args)]),
            narrate=narrate,
            narrate_backward=narrate_backward
            or N_("each operand gets the incoming gradient times its slope, summed over stretched dims"),
            samples=samples or (lambda: [((3, 2),) * len(args)]),
        )
    )


def operate(
    op: Op, operands: tuple[Any, ...], params: tuple[Any, ...] = (), rule: str = "same", inplace: str = ""
) -> Any:
    """Promote the operands' types as PyTorch does, then run; `rule` "float" makes float of integers."""
    operands = tuple(number(t) for t in operands)
    for i, (t, name) in enumerate(zip(operands, op.args)):
        if not isinstance(t, (Tensor, *NUMBERS)):
            raise bad_argument(op.name, name, i + 1, "Tensor", t)
    arrays = [t._array if isinstance(t, Tensor) else t for t in operands]
    kind = dtypes.result(*arrays)
    if rule == "float" and kind.rank < 2:
        kind = dtypes.get_default_dtype()
    casts = tuple(kind.np if isinstance(a, np.ndarray) else None for a in arrays)
    same = all(c is None or a.dtype == c for a, c in zip(arrays, casts))
    exact = (float, complex)[kind.rank - 2] if kind.rank >= 2 else None
    operands = tuple(t if isinstance(t, Tensor) or exact is None else exact(t) for t in operands)
    shapes = [a.shape for a in arrays if isinstance(a, np.ndarray)]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        for a, b in itertools.pairwise(shapes):
            try:
                np.broadcast_shapes(a, b)
            except ValueError:
                raise errors.broadcast(op.name, a, b) from None
        raise errors.broadcast(op.name, shapes[0], shapes[-1]) from None
    if inplace:
        return run_inplace(op, operands, params, inplace, None if same else casts)
    return run(op, operands, params, None if same else casts)


def binary_function(op: Op, rule: str, *names: str, inplace: bool = True, numbers: bool = True) -> None:
    """Enter a function of two operands with its method and in-place form."""
    # What may be a number: the second operand; the first too, but for copysign.
    first = None if op.name == "copysign" else "Number self, Tensor other"

    def call(input: Any, other: Any, *, out: Any = None) -> Any:
        if not numbers:
            need_tensor(input, op.name)
            need_tensor(other, op.name, "other", 2)
        elif not isinstance(input, Tensor) and (first is None or not isinstance(other, Tensor)):
            forms = ("Tensor input, Tensor other", first, "Tensor input, Number other")
            raise invalid_combination(op.name, (input, other), *(f"{f}, *, Tensor out = None" for f in forms if f))
        return operate(op, (input, other), (), rule)

    def call_(self: Any, other: Any) -> Any:
        return operate(op, (self, other), (), rule, op.name + "_")

    call.__name__, call.__doc__ = op.name, op.formula
    public(op, *(names or (op.name,)))(call)
    if inplace:
        method(op.name + "_", op.name + "_")(call_)


# Logarithms times something


def _xlogy(x: Any, y: Any) -> Any:
    return np.where(np.isnan(y), y, np.where(np.equal(x, 0), 0 * np.where(np.isfinite(y), y, 0), x * np.log(y))).astype(
        np.result_type(x, y)
    )


def _xlog1py(x: Any, y: Any) -> Any:
    return np.where(
        np.isnan(y), y, np.where(np.equal(x, 0), 0 * np.where(np.isfinite(y), y, 0), x * np.log1p(y))
    ).astype(np.result_type(x, y))


def _log_of(node: Any, y: Any) -> Any:
    return node.xp.log(y) if hasattr(y, "shape") else math.log(y) if y > 0 else (-math.inf if y == 0 else math.nan)


def _log1p_of(node: Any, y: Any) -> Any:
    return node.xp.log1p(y) if hasattr(y, "shape") else _log_of(node, 1 + y)


XLOGY = entrywise(
    "xlogy",
    ("input", "other"),
    _xlogy,
    slopes(
        lambda node, g, x, y: node.xp.where((x == 0) & (y <= 0), g * 0, g * _log_of(node, y)),
        lambda node, g, x, y: g * x / y,
    ),
    formula=N_("out = input · ln other, 0 where input is 0"),
    backward="d input = g · ln other;  d other = g · input / other",
    narrate=N_("{input} times the logarithm of {other}, entry by entry"),
    samples=lambda: [((3, 2), (3, 2), {"_domain": (0.2, 2.0)}), ((3, 2), (2,), {"_domain": (0.2, 2.0)})],
)
binary_function(XLOGY, "float", "xlogy", "special_xlogy")
XLOG1PY = entrywise(
    "special_xlog1py",
    ("input", "other"),
    _xlog1py,
    slopes(
        lambda node, g, x, y: node.xp.where((x == 0) & (y <= -1), g * 0, g * _log1p_of(node, y)),
        lambda node, g, x, y: g * x / (y + 1),
    ),
    formula=N_("out = input · ln(1 + other), 0 where input is 0"),
    backward="d input = g · ln(1 + other);  d other = g · input / (1 + other)",
    narrate=N_("{input} times the logarithm of 1 plus {other}, entry by entry"),
    samples=lambda: [((3, 2), (3, 2), {"_domain": (0.2, 2.0)})],
)
binary_function(XLOG1PY, "float", inplace=False)
LOGADDEXP2 = entrywise(
    "logaddexp2",
    ("input", "other"),
    np.logaddexp2,
    slopes(
        lambda node, g, x, y, out: g * apply(node, _EXP2(), (x - out,)),
        lambda node, g, x, y, out: g * apply(node, _EXP2(), (y - out,)),
        out=True,
    ),
    formula="out = log₂(2^input + 2^other)",
    backward="d input = g · 2^(input − out);  d other = g · 2^(other − out)",
    narrate=N_("the logarithm to base 2 of the sum of 2 to the powers {input} and {other}"),
    out=True,
)


def _EXP2() -> Op:
    from graphlab.engine.ops.op import OPS

    return OPS["exp2"]


binary_function(LOGADDEXP2, "same", inplace=False, numbers=False)


# Special functions of two operands

IGAMMA = entrywise(
    "igamma",
    ("input", "other"),
    lower_gamma,
    slopes(None, lambda node, g, a, x: g * _gamma_density(node, a, x)),
    formula=N_("out = P(input, other), the lower regularized incomplete gamma function"),
    backward="d other = g · e^(−other) · other^(input − 1) / Γ(input)",
    narrate=N_("the lower incomplete gamma function of {input} and {other}"),
)
IGAMMAC = entrywise(
    "igammac",
    ("input", "other"),
    upper_gamma,
    slopes(None, lambda node, g, a, x: -g * _gamma_density(node, a, x)),
    formula=N_("out = Q(input, other), the upper regularized incomplete gamma function"),
    backward="d other = −g · e^(−other) · other^(input − 1) / Γ(input)",
    narrate=N_("the upper incomplete gamma function of {input} and {other}"),
)


def _gamma_density(node: Any, a: Any, x: Any) -> Any:
    from graphlab.engine.ops.op import OPS

    return node.xp.exp((a - 1) * node.xp.log(x) - x - apply(node, OPS["lgamma"], (a,)))


binary_function(IGAMMA, "float", "igamma", "special_gammainc", numbers=False)
binary_function(IGAMMAC, "float", "igammac", "special_gammaincc", numbers=False)
ZETA: Op = entrywise(
    "special_zeta",
    ("input", "other"),
    zeta_array,
    slopes(None, lambda node, g, s, q: g * -s * apply(node, ZETA, (s + 1, q))),
    formula=N_("out = Σ 1 / (other + k)^input over k ≥ 0"),
    backward="d other = −g · input · zeta(input + 1, other)",
    narrate=N_("the Hurwitz zeta function of {input} and {other}"),
)
binary_function(ZETA, "float", inplace=False)


# Signs, steps, bits


def _copysign_vjp_input(node: Any, g: Any, x: Any, y: Any, out: Any) -> Any:
    zero = x == 0
    return g * node.xp.where(zero, out * 0, out / node.xp.where(zero, x * 0 + 1, x))


COPYSIGN = entrywise(
    "copysign",
    ("input", "other"),
    np.copysign,
    slopes(_copysign_vjp_input, lambda node, g, x, y, out: g * 0, out=True),
    formula=N_("out = |input| with the sign of other"),
    backward=N_("d input = g, its sign turned where input's was"),
    narrate=N_("the entries of {input} take the signs of {other}"),
    out=True,
)
binary_function(COPYSIGN, "float")
NEXTAFTER = entrywise(
    "nextafter",
    ("input", "other"),
    np.nextafter,
    slopes(lambda node, g, x, y: g, lambda node, g, x, y: g * 0),
    formula=N_("out = the next number after input towards other"),
    backward="d input = g",
    narrate=N_("each entry of {input} goes to the next number towards {other}"),
)
binary_function(NEXTAFTER, "same", numbers=False)


def _heaviside(x: Any, y: Any) -> Any:
    return np.where(x == 0, y, (x > 0).astype(x.dtype))


HEAVISIDE = entrywise(
    "heaviside",
    ("input", "values"),
    _heaviside,
    None,
    formula=N_("out = 0 below 0, values at 0, 1 above"),
    narrate=N_("each entry of {input} becomes 0 or 1 by its sign"),
)


def _step_operands(input: Any, values: Any) -> None:
    x, y = need_tensor(input, "heaviside")._array, need_tensor(values, "heaviside", "values", 2)._array
    if x.dtype != y.dtype:
        fail(
            RuntimeError,
            "heaviside is not yet implemented for tensors with different dtypes.",
            kind="dtype_mix",
            op="heaviside",
            dtypes=[input.dtype.name, values.dtype.name],
        )


@public(HEAVISIDE)
def heaviside(input: Any, values: Any, *, out: Any = None) -> Any:
    """0 below 0, `values` at 0, 1 above."""
    _step_operands(input, values)
    return operate(HEAVISIDE, (input, values))


@method(HEAVISIDE, "heaviside_")
def heaviside_(self: Any, values: Any) -> Any:
    """In place: 0 below 0, `values` at 0, 1 above."""
    _step_operands(self, values)
    return operate(HEAVISIDE, (self, values), inplace="heaviside_")


def _integers_only(name: str, ufunc: Any) -> Callable[..., Any]:
    def forward(x: Any, y: Any) -> Any:
        kind = np.result_type(x, y)
        if kind.kind not in "iu":
            title = dtypes.BY_NUM[kind.num].title
            fail(
                NotImplementedError,
                f"\"{name}_cpu\" not implemented for '{title}'",
                kind="dtype_unsupported",
                op=name,
                dtype=dtypes.BY_NUM[kind.num].name,
            )
        return ufunc(x, y)

    return forward


GCD = entrywise(
    "gcd",
    ("input", "other"),
    _integers_only("gcd", np.gcd),
    None,
    formula=N_("out = the greatest common divisor"),
    narrate=N_("the greatest common divisors of {input} and {other}"),
    category=Category.ARITHMETIC,
)
LCM = entrywise(
    "lcm",
    ("input", "other"),
    _integers_only("lcm", np.lcm),
    None,
    formula=N_("out = the least common multiple"),
    narrate=N_("the least common multiples of {input} and {other}"),
    category=Category.ARITHMETIC,
)
binary_function(GCD, "same", numbers=False)
binary_function(LCM, "same", numbers=False)


@public("ldexp")
def ldexp(input: Any, other: Any, *, out: Any = None) -> Any:
    """input · 2^other"""
    made = need_tensor(input, "ldexp") * FUNCTIONS["pow"](2.0, need_tensor(other, "ldexp", "other", 2))
    return rename(made, "LdexpBackward0")


@method("ldexp_")
def ldexp_(self: Any, other: Any) -> Any:
    """In place: self · 2^other"""
    return self.mul_(FUNCTIONS["pow"](2.0, other))


@public("frexp")
def frexp(input: Any, *, out: Any = None) -> Any:
    """The mantissas in [0.5, 1) and the exponents to base 2."""
    from graphlab.engine.ops.extremes import named
    from graphlab.engine.tensor import wrap

    x = need_tensor(input, "frexp")._array
    if x.dtype.kind not in "fV":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    exponent = wrap(np.frexp(x)[1].astype(np.int32), input._device)
    # A division, so that the gradient of the mantissa is there.
    mantissa = (
        input / FUNCTIONS["pow"](2.0, exponent).to(input.dtype) if input._rg else wrap(np.frexp(x)[0], input._device)
    )
    return named("frexp", ("mantissa", "exponent"))((rename(mantissa, "FrexpBackward0"), exponent))


def _to_double(value: Any) -> Any:
    return value.to(dtypes.complex128 if value.is_complex() else dtypes.float64) if isinstance(value, Tensor) else value


def _wide(value: Any) -> Any:
    return complex(value) if isinstance(value, complex) else float(value)


@public("float_power")
def float_power(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """input ^ exponent in float64."""
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        forms = ("Tensor input, Tensor exponent", "Number self, Tensor exponent", "Tensor input, Number exponent")
        raise invalid_combination("float_power", (input, exponent), *(f"{f}, *, Tensor out = None" for f in forms))
    if not isinstance(exponent, Tensor):
        return FUNCTIONS["pow"](_to_double(input), _wide(exponent))
    return FUNCTIONS["pow"](_to_double(input) if isinstance(input, Tensor) else _wide(input), _to_double(exponent))


@method("float_power_")
def float_power_(self: Any, exponent: Any) -> Any:
    """In place: self ^ exponent, for float64."""
    if self.dtype is not dtypes.float64:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.title} but the operation's result "
            "requires dtype Double"
        )
    return self.copy_(float_power(self, exponent))


# Weighted mixtures


def _lerp(x: Any, end: Any, w: Any) -> Any:
    d = end - x
    kind = np.result_type(x)
    near = np.abs(w) < 0.5
    if not isinstance(w, np.ndarray):
        w = kind.type(w)
        return x + w * d if near else end - d * (1 - w)
    return np.where(near, x + w * d, end - d * (1 - w)).astype(kind)


LERP = entrywise(
    "lerp",
    ("input", "end", "weight"),
    _lerp,
    slopes(
        lambda node, g, x, end, w: g * (1 - w),
        lambda node, g, x, end, w: g * w,
        lambda node, g, x, end, w: g * (end - x),
    ),
    formula="out = input + weight · (end − input)",
    backward="d input = g · (1 − weight);  d end = g · weight;  d weight = g · (end − input)",
    narrate=N_("a mixture of {input} and {end}, by {weight}"),
    category=Category.ARITHMETIC,
    node="LerpBackward0",
    samples=lambda: [((3, 2), (3, 2), (3, 2)), ((3, 2), (2,), ())],
)


_LERP_BY_TENSOR = known_as(LERP, "LerpBackward1")


def _same_types(name: str, input: Any, others: tuple[tuple[str, Any], ...]) -> None:
    kind = need_tensor(input, name).dtype
    for label, t in others:
        if isinstance(t, Tensor) and t.dtype is not kind:
            fail(
                RuntimeError,
                f"expected dtype {kind.c_name()} for `{label}` but got dtype {t.dtype.c_name()}",
                kind="dtype_mix",
                op=name,
                dtypes=[kind.name, t.dtype.name],
            )


@public(LERP)
def lerp(input: Any, end: Any, weight: Any, *, out: Any = None) -> Any:
    """input + weight · (end − input)"""
    _same_types("lerp", input, (("end", end), ("weight", weight)))
    return operate(_LERP_BY_TENSOR if isinstance(weight, Tensor) else LERP, (input, end, weight))


@method(LERP, "lerp_")
def lerp_(self: Any, end: Any, weight: Any) -> Any:
    """In place: self + weight · (end − self)"""
    _same_types("lerp", self, (("end", end), ("weight", weight)))
    return operate(LERP, (self, end, weight), inplace="lerp_")


def _fused(x: Any, a: Any, b: Any, value: Any) -> Any:
    return x + (a * b if value == 1 else np.multiply(a, np.result_type(a).type(value)) * b)


ADDCMUL = entrywise(
    "addcmul",
    ("input", "tensor1", "tensor2"),
    _fused,
    slopes(
        lambda node, g, x, a, b: g,
        lambda node, g, x, a, b: g * b * node.params[3],
        lambda node, g, x, a, b: g * a * node.params[3],
    ),
    params=("value",),
    formula="out = input + value · tensor1 · tensor2",
    backward="d input = g;  d tensor1 = g · value · tensor2;  d tensor2 = g · value · tensor1",
    narrate=N_("{tensor1} times {tensor2} times {value} is added to {input}"),
    category=Category.ARITHMETIC,
    samples=lambda: [((3, 2), (3, 2), (3, 2), {"value": 0.5}), ((3, 2), (2,), (), {"value": 1})],
)
ADDCDIV = entrywise(
    "addcdiv",
    ("input", "tensor1", "tensor2"),
    lambda x, a, b, value: x + (a if value == 1 else a * np.result_type(a).type(value)) / b,
    slopes(
        lambda node, g, x, a, b: g,
        lambda node, g, x, a, b: g * node.params[3] / b,
        lambda node, g, x, a, b: -g * node.params[3] * (a / b / b),
    ),
    params=("value",),
    formula="out = input + value · tensor1 / tensor2",
    backward="d input = g;  d tensor1 = g · value / tensor2;  d tensor2 = −g · value · tensor1 / tensor2²",
    narrate=N_("{tensor1} divided by {tensor2}, times {value}, is added to {input}"),
    category=Category.ARITHMETIC,
    samples=lambda: [((3, 2), (3, 2), (3, 2), {"value": 0.5, "_domain": (0.5, 2.0)})],
)


def _three(op: Op) -> None:
    name = op.name

    def call(input: Any, *args: Any, value: Any = 1, out: Any = None, tensor1: Any = None, tensor2: Any = None) -> Any:
        return operate(op, _operands(name, input, args, tensor1, tensor2), (_scale(name, args, value),))

    def call_(self: Any, *args: Any, value: Any = 1, tensor1: Any = None, tensor2: Any = None) -> Any:
        return operate(
            op, _operands(name, self, args, tensor1, tensor2), (_scale(name, args, value),), "same", name + "_"
        )

    call.__name__, call.__doc__ = name, op.formula
    public(op)(call)
    method(op, name + "_")(call_)


def _operands(name: str, input: Any, args: tuple[Any, ...], first: Any, second: Any) -> tuple[Any, ...]:
    # The old form addcmul(input, value, tensor1, tensor2) is still accepted.
    tensors = [a for a in args if isinstance(a, Tensor)] + [t for t in (first, second) if t is not None]
    if len(tensors) != 2:
        raise bad_argument(name, "tensor1", 2, "Tensor", args[0] if args else None)
    everything = (need_tensor(input, name), *tensors)
    if name == "addcdiv" and all(t._array.dtype.kind not in "fVc" for t in everything):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
            "* torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + "
            "value * tensor1 / tensor2), for all dtypes."
        )
    return everything


def _scale(name: str, args: tuple[Any, ...], value: Any) -> Any:
    return args[0] if len(args) == 3 and not isinstance(args[0], Tensor) else number(value)


_three(ADDCMUL)
_three(ADDCDIV)
