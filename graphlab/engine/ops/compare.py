"""Comparisons, logic and the remaining operators on two operands; `where` and its relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors
from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import fail
from graphlab.engine.ops.arithmetic import (
    NUMBERS,
    SAVE_BOTH,
    binary,
    broadcast_shape,
    function,
    inplace_function,
    mixed,
    number,
)
from graphlab.engine.ops.choice import choose
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import (
    FUNCTIONS,
    attach,
    bad_combination,
    guard,
    method,
    need_tensor,
    public,
    run,
    run_inplace,
)
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, no_kernel
from graphlab.i18n import N_


def _declare(
    name: str,
    category: Category,
    formula: str,
    ufunc: Any,
    narrate: str,
    vjp: Callable[..., Any] | None = None,
    backward: str = "",
    bool_out: bool = False,
    samples: Any = None,
    node: str = "",
) -> Op:
    return declare(
        Op(
            name=name,
            node=node,
            category=category,
            args=("input", "other"),
            formula=formula,
            backward_formula=backward,
            forward=ufunc,
            vjp=vjp,
            saves=("input", "other") if vjp else (),
            broadcasts=True,
            shape=broadcast_shape,
            dtype=(lambda *_: dtypes.BOOL) if bool_out else None,
            narrate=narrate,
            narrate_backward=N_("the gradient is shared between {input} and {other}") if vjp else "",
            facts=(lambda out, x, y: {"n_true": int(np.sum(out)), "n": int(np.size(out))}) if bool_out else None,
            samples=samples or (lambda: [((3, 2), (3, 2)), ((3, 2), (2,))]),
        )
    )


_ufunc: Any
for _name, _ufunc, _sign, _words, _aliases in (
    ("eq", np.equal, "=", N_("which entries of {input} equal {other}: {n_true} of {n}"), ()),
    ("ne", np.not_equal, "≠", N_("which entries of {input} differ from {other}: {n_true} of {n}"), ("not_equal",)),
    ("lt", np.less, "<", N_("which entries of {input} are below {other}: {n_true} of {n}"), ("less",)),
    ("le", np.less_equal, "≤", N_("which entries of {input} are at most {other}: {n_true} of {n}"), ("less_equal",)),
    ("gt", np.greater, ">", N_("which entries of {input} are above {other}: {n_true} of {n}"), ("greater",)),
    (
        "ge",
        np.greater_equal,
        "≥",
        N_("which entries of {input} are at least {other}: {n_true} of {n}"),
        ("greater_equal",),
    ),
):
    _op = _declare(_name, Category.COMPARISON, f"out = input {_sign} other", _ufunc, _words, bool_out=True)
    _call = binary(_op, _ufunc, SAVE_BOTH, differentiable=False)
    function(_op, _call, _name, *_aliases)
    if _name == "eq":
        # Alone of the comparisons `t == array` is one of tensors.
        _call = binary(_op, _ufunc, SAVE_BOTH, differentiable=False, takes_arrays=True)
    setattr(Tensor, f"__{_name}__", _call)
    inplace_function(_op, "same", _name + "_")


def _tensors_only(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def both(input: Any, other: Any) -> Any:
        need_tensor(input, name)
        need_tensor(other, name, "other", 2)
        return call(input, other)

    return both


for _name, _ufunc, _word in (
    ("logical_and", np.logical_and, "and"),
    ("logical_or", np.logical_or, "or"),
    ("logical_xor", np.logical_xor, "xor"),
):
    _op = _declare(
        _name,
        Category.COMPARISON,
        f"out = input {_word} other",
        _ufunc,
        N_("{input} and {other} are joined as truth values: {n_true} of {n} are true"),
        bool_out=True,
    )
    function(_op, _tensors_only(_name, binary(_op, _ufunc, SAVE_BOTH, differentiable=False)))
    inplace_function(_op, "same")


def _on_bits(ufunc: Any, name: str) -> Callable[..., Any]:
    kernel = {"bitwise_left_shift": "lshift", "bitwise_right_shift": "rshift"}.get(name, name)

    def forward(x: Any, y: Any) -> Any:
        try:
            return ufunc(x, y)
        except TypeError:
            np.broadcast_shapes(np.shape(x), np.shape(y))
            kind = dtypes.result(x, y)
            raise errors.make(
                NotImplementedError,
                f"\"{kernel}_cpu\" not implemented for '{kind.title}'",
                kind="dtype_unsupported",
                op=name,
                dtype=kind.name,
            ) from None

    return forward


def _bitwise(name: str, ufunc: Any, sign: str, dunder: str) -> None:
    op = _declare(
        name,
        Category.COMPARISON,
        f"out = input {sign} other",
        _on_bits(ufunc, name),
        N_("the bits of {input} and {other} are joined"),
    )

    def call(input: Any, other: Any) -> Any:
        if not isinstance(other, (Tensor, *NUMBERS)):
            return NotImplemented
        if not isinstance(input, Tensor) and not isinstance(other, Tensor):
            raise bad_combination(name, input, other)
        if not isinstance(input, Tensor):
            input = FUNCTIONS["scalar_tensor"](input, dtype=dtypes.of_number(input))
        return mixed(op, input, other, (), "same")

    made = guard(name, call)
    function(op, made)
    setattr(Tensor, f"__{dunder}__", made)
    setattr(Tensor, f"__r{dunder}__", made)
    setattr(Tensor, f"__i{dunder}__", inplace_function(op, "same"))


_bitwise("bitwise_and", np.bitwise_and, "&", "and")
_bitwise("bitwise_or", np.bitwise_or, "|", "or")
_bitwise("bitwise_xor", np.bitwise_xor, "^", "xor")
_bitwise("bitwise_left_shift", np.left_shift, "<<", "lshift")
_bitwise("bitwise_right_shift", np.right_shift, ">>", "rshift")


def _extreme_vjp(above: bool) -> Callable[..., Any]:
    def vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
        # PyTorch gives each side half where both are equal.
        a, b = node.edges
        sx, sy = node.params
        xp = node.xp
        tie = x == y
        if xp.array_of(tie).any():
            g = xp.where(tie, g / 2, g)
        less, more = x < y, x > y
        da = None if a is None else xp.sum_to(xp.keep(g, (less if above else more) == 0), sx)
        db = None if b is None else xp.sum_to(xp.keep(g, (more if above else less) == 0), sy)
        return da, db

    return vjp


MAXIMUM = _declare(
    "maximum",
    Category.ELEMENTWISE,
    N_("out = the larger of input and other"),
    np.maximum,
    N_("the larger of each pair of entries of {input} and {other}"),
    _extreme_vjp(True),
    N_("d of the larger = g, 0 for the other; half each where they are equal"),
)
MINIMUM = _declare(
    "minimum",
    Category.ELEMENTWISE,
    N_("out = the smaller of input and other"),
    np.minimum,
    N_("the smaller of each pair of entries of {input} and {other}"),
    _extreme_vjp(False),
    N_("d of the smaller = g, 0 for the other; half each where they are equal"),
)
maximum = binary(MAXIMUM, np.maximum, SAVE_BOTH)
minimum = binary(MINIMUM, np.minimum, SAVE_BOTH)


function(MAXIMUM, _tensors_only("maximum", maximum))
function(MINIMUM, _tensors_only("minimum", minimum))


def _fmax_vjp(above: bool) -> Callable[..., Any]:
    def vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
        sx, sy = node.params
        xp = node.xp
        # The first argument wins ties; a nan loses.
        first = ((x >= y) if above else (x <= y)) | (y != y)
        return xp.sum_to(xp.keep(g, first), sx), xp.sum_to(xp.keep(g, first == 0), sy)

    return vjp


for _name, _ufunc, _formula in (
    ("fmax", np.fmax, N_("out = the larger of both, a number before nan")),
    ("fmin", np.fmin, N_("out = the smaller of both, a number before nan")),
):
    _op = _declare(
        _name,
        Category.ELEMENTWISE,
        _formula,
        _ufunc,
        N_("one of each pair of entries of {input} and {other} is chosen"),
        _fmax_vjp(_name == "fmax"),
        N_("d of the chosen one = g, 0 for the other"),
    )
    function(_op, _tensors_only(_name, binary(_op, _ufunc, SAVE_BOTH)))


def _zero_division(x: Any, y: Any) -> None:
    if isinstance(x, (np.ndarray, np.generic, int)) and np.asarray(x).dtype.kind in "iub" and np.any(np.equal(y, 0)):
        raise RuntimeError("ZeroDivisionError")


def _whole(ufunc: Any) -> Callable[..., Any]:
    def forward(x: Any, y: Any) -> Any:
        _zero_division(x, y)
        return ufunc(x, y)

    return forward


def _floor_divide(x: Any, y: Any) -> Any:
    _zero_division(x, y)
    out = np.floor_divide(x, y)
    if np.asarray(out).dtype.kind in "fVc":
        # PyTorch divides by zero to ±inf, NumPy to nan.
        out = np.where(np.equal(y, 0), np.true_divide(x, y), out).astype(np.asarray(out).dtype)
    return out


FLOOR_DIVIDE = _declare(
    "floor_divide",
    Category.ARITHMETIC,
    "out = ⌊input / other⌋",
    _floor_divide,
    N_("{input} is divided by {other} and rounded down"),
)
_floor_div = binary(FLOOR_DIVIDE, _floor_divide, SAVE_BOTH, differentiable=False)
function(FLOOR_DIVIDE, _floor_div)
attach(__floordiv__=_floor_div)
attach(__ifloordiv__=inplace_function(FLOOR_DIVIDE, "same"))
attach(
    __rfloordiv__=lambda self, other: _floor_div(
        other if isinstance(other, Tensor) else FUNCTIONS["full_like"](self, other), self
    )
)


def _remainder_vjp(round_: str) -> Callable[..., Any]:
    def vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
        sx, sy = node.params[:2]
        xp = node.xp
        db = None
        if node.edges[1] is not None:
            x = x if x is not None else sx
            db = xp.sum_to(-g * getattr(xp, round_)(x / y), sy)
        return (None if node.edges[0] is None else xp.sum_to(g, sx)), db

    return vjp


REMAINDER = _declare(
    "remainder",
    Category.ARITHMETIC,
    "out = input − other · ⌊input / other⌋",
    _whole(np.remainder),
    N_("what is left of {input} after division by {other}"),
    _remainder_vjp("floor"),
    "d input = g;  d other = −g · ⌊input / other⌋",
    samples=lambda: [((3, 2), (3, 2), {"_domain": (0.3, 2.0)})],
)
FMOD = _declare(
    "fmod",
    Category.ARITHMETIC,
    "out = input − other · trunc(input / other)",
    _whole(np.fmod),
    N_("what is left of {input} after division by {other}, with the sign of {input}"),
    _remainder_vjp("trunc"),
    "d input = g;  d other = −g · trunc(input / other)",
    samples=lambda: [((3, 2), (3, 2), {"_domain": (0.3, 2.0)})],
)
_remainder = binary(REMAINDER, _whole(np.remainder), SAVE_BOTH)


def _by_operands(call: Callable[..., Any], node: str) -> Callable[..., Any]:
    """PyTorch has a second name for the node where the divisor is a tensor."""

    def named(input: Any, other: Any) -> Any:
        made = call(input, other)
        return rename(made, node) if isinstance(other, Tensor) and made is not NotImplemented else made

    return named


function(REMAINDER, _by_operands(_remainder, "RemainderBackward1"))
function(FMOD, _by_operands(binary(FMOD, _whole(np.fmod), SAVE_BOTH), "FmodBackward1"))
attach(__mod__=_by_operands(_remainder, "RemainderBackward1"))
attach(
    __rmod__=lambda self, other: _remainder(
        other if isinstance(other, Tensor) else FUNCTIONS["full_like"](self, other), self
    )
)
attach(__imod__=inplace_function(REMAINDER, "same"))
inplace_function(FMOD, "same")


def _trunc_divide(x: Any, y: Any) -> Any:
    kind = np.result_type(x, y)
    if kind.kind in "fVc":
        return np.trunc(np.true_divide(x, y))
    _zero_division(x, y)
    return (np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y))).astype(kind)


def _flat_vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
    sx, sy = node.params
    to = node.xp.sum_to
    return None if node.edges[0] is None else to(g * 0, sx), None if node.edges[1] is None else to(g * 0, sy)


TRUNC_DIVIDE = _declare(
    "div_trunc",
    Category.ARITHMETIC,
    "out = trunc(input / other)",
    _trunc_divide,
    N_("{input} is divided by {other} and loses its fraction"),
    _flat_vjp,
    "d input = 0;  d other = 0",
    node="DivBackward2",
)
DIV_FLOOR = _declare(
    "div_floor",
    Category.ARITHMETIC,
    "out = ⌊input / other⌋",
    _floor_divide,
    N_("{input} is divided by {other} and rounded down"),
    _flat_vjp,
    "d input = 0;  d other = 0",
    node="DivBackward2",
)


def _rounded_division(op: Op) -> Callable[..., Any]:
    def call(input: Any, other: Any) -> Any:
        return mixed(op, input, other, (), "same")

    op.function = call
    return call


FUNCTIONS["_trunc_divide"] = _rounded_division(TRUNC_DIVIDE)
FUNCTIONS["_floor_divide"] = _rounded_division(DIV_FLOOR)

ATAN2 = _declare(
    "atan2",
    Category.ELEMENTWISE,
    N_("out = the angle of the point (other, input)"),
    np.arctan2,
    N_("the angle of each point with height {input} and distance {other}"),
    lambda node, g, x, y: (
        node.xp.sum_to(g * y / (x * x + y * y), node.params[0]),
        node.xp.sum_to(-g * x / (x * x + y * y), node.params[1]),
    ),
    "d input = g · other / (input² + other²);  d other = −g · input / (input² + other²)",
)
function(ATAN2, _tensors_only("atan2", binary(ATAN2, np.arctan2, SAVE_BOTH, "float")), "atan2", "arctan2")
HYPOT = _declare(
    "hypot",
    Category.ELEMENTWISE,
    "out = √(input² + other²)",
    np.hypot,
    N_("the length of each vector ({input}, {other})"),
    lambda node, g, x, y: (
        node.xp.sum_to(g * x / node.xp.sqrt(x * x + y * y), node.params[0]),
        node.xp.sum_to(g * y / node.xp.sqrt(x * x + y * y), node.params[1]),
    ),
    "d input = g · input / out;  d other = g · other / out",
)
function(HYPOT, _tensors_only("hypot", binary(HYPOT, np.hypot, SAVE_BOTH)))
LOGADDEXP = _declare(
    "logaddexp",
    Category.ELEMENTWISE,
    "out = ln(e^input + e^other)",
    np.logaddexp,
    N_("the logarithm of the sum of the exponentials of {input} and {other}"),
    lambda node, g, x, y: (
        node.xp.sum_to(g / (1 + node.xp.exp(y - x)), node.params[0]),
        node.xp.sum_to(g / (1 + node.xp.exp(x - y)), node.params[1]),
    ),
    "d input = g · σ(input − other);  d other = g · σ(other − input)",
)
function(LOGADDEXP, _tensors_only("logaddexp", binary(LOGADDEXP, np.logaddexp, SAVE_BOTH)))


# where

WHERE = declare(
    Op(
        name="where",
        category=Category.INDEX,
        args=("condition", "input", "other"),
        formula=N_("out = input where condition, else other"),
        backward_formula=N_("d input = g where condition, else 0;  d other = g where not condition, else 0"),
        forward=lambda c, x, y: choose(c, x, y),
        vjp=lambda node, g, c: (
            None,
            None if node.edges[1] is None else node.xp.sum_to(node.xp.keep(g, c != 0), node.params[1]),
            None if node.edges[2] is None else node.xp.sum_to(node.xp.keep(g, c == 0), node.params[2]),
        ),
        saves=("condition",),
        broadcasts=True,
        shape=lambda c, x, y: np.broadcast_shapes(c, x, y),
        dtype=lambda c, x, y: dtypes.result(x, y).np,
        narrate=N_("entries come from {input} where {condition} holds ({n_true} of {n}), else from {other}"),
        narrate_backward=N_("each entry's gradient goes to the side it came from"),
        facts=lambda out, c, *_: {"n_true": int(np.sum(c)), "n": int(np.size(c))},
    )
)


@public(WHERE, method=False)
def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """input where condition, else other; with a condition only, where it holds."""
    c = need_tensor(condition, "where", "condition")
    if input is None and other is None:
        return FUNCTIONS["nonzero"](condition, as_tuple=True)
    if c._array.dtype.kind != "b" and c._array.dtype != np.uint8:
        fail(
            RuntimeError,
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {c.dtype.title}",
            kind="dtype_mix",
            op="where",
            dtypes=[c.dtype.name],
        )
    x, y = number(input), number(other)
    ax = x._array if isinstance(x, Tensor) else x
    ay = y._array if isinstance(y, Tensor) else y
    kind = dtypes.result(ax, ay).np
    sides = tuple(v if isinstance(v, Tensor) else wrap(np.asarray(v, kind), c._device) for v in (x, y))
    shapes = [c._array.shape, sides[0]._array.shape, sides[1]._array.shape]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        for i, j in ((0, 1), (0, 2), (1, 2)):
            try:
                np.broadcast_shapes(shapes[i], shapes[j])
            except ValueError:
                raise errors.broadcast("where", shapes[i], shapes[j]) from None
        raise
    return run(WHERE, (c, *sides), (), (None, kind, kind))


@method("where", "where")
def _where(self: Tensor, condition: Any, other: Any) -> Any:
    return where(condition, self, other)


MASKED_FILL = declare(
    Op(
        name="masked_fill",
        category=Category.INDEX,
        args=("input", "mask", "value"),
        formula=N_("out = value where mask, else input"),
        backward_formula=N_("d input = g where not mask, else 0"),
        forward=lambda x, m, v: choose(m, np.asarray(v, x.dtype), x),
        vjp=lambda node, g, m: (
            None if node.edges[0] is None else node.xp.sum_to(node.xp.keep(g, m == 0), node.params[0]),
            None,
            None if node.edges[2] is None else node.xp.sum_to(node.xp.keep(g, m != 0), ()),
        ),
        saves=("mask",),
        broadcasts=True,
        shape=lambda x, m, v: np.broadcast_shapes(x, m),
        narrate=N_("{n_true} entries of {input}, where {mask} holds, become {value}"),
        narrate_backward=N_("the overwritten entries of {input} get no gradient"),
        facts=lambda out, x, m, *_: {"n_true": int(np.sum(m))},
    )
)


def _mask(mask: Any, name: str) -> Tensor:
    need_tensor(mask, name, "mask", 2)
    if mask._array.dtype.kind != "b":
        raise (
            errors.make(
                RuntimeError,
                f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.c_name()}",
                kind="mask_dtype",
                dtype=mask.dtype.name,
            )
            if name == "masked_fill"
            else RuntimeError(f"{name}: expected BoolTensor for mask")
        )
    return mask  # type: ignore[no-any-return]


def _mask_clash(x: Tensor, m: Tensor) -> BaseException:
    # PyTorch counts the mask as the first of the two.
    error: Any = errors.broadcast("masked_fill", m._array.shape, x._array.shape)
    for fact in ("shapes", "sizes"):
        error.facts.get(fact, []).reverse()
    return error  # type: ignore[no-any-return]


@public(MASKED_FILL)
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """value where mask, else input"""
    x = need_tensor(input, "masked_fill")
    m = _mask(mask, "masked_fill")
    if isinstance(value, Tensor) and value._array.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value._array.ndim} dimension(s)."
        )
    try:
        np.broadcast_shapes(x._array.shape, m._array.shape)
    except ValueError:
        raise _mask_clash(x, m) from None
    _check_fill(x, value)
    return run(_FILL_BY_TENSOR if isinstance(value, Tensor) else MASKED_FILL, (x, m, number(value)))


_FILL_BY_TENSOR = known_as(MASKED_FILL, "MaskedFillBackward1")


def _check_fill(x: Tensor, value: Any) -> None:
    """Refuse a complex value for real entries."""
    if isinstance(value, complex) or (isinstance(value, Tensor) and value.is_complex()):
        named = {"float32": "float", "float64": "double", "int64": "int64_t", "int32": "int"}
        if not x.is_complex():
            raise RuntimeError(
                f"value cannot be converted to type {named.get(x.dtype.name, x.dtype.name)} without overflow"
            )


@method("masked_fill_")
def masked_fill_(self: Any, mask: Any, value: Any) -> Any:
    """In place: value where mask."""
    _check_fill(self, value)
    return run_inplace(MASKED_FILL, (self, _mask(mask, "masked_fill"), number(value)))


# Questions about whole tensors


@public("equal")
def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and entries."""
    x, y = need_tensor(input, "equal")._array, need_tensor(other, "equal", "other", 2)._array
    if type(x) is Virtual or type(y) is Virtual:
        no_kernel("equal")
    return bool(x.shape == y.shape and (x == y).all())


@public("isclose")
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Which entries are about equal."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")
    x, y = need_tensor(input, "isclose")._array, need_tensor(other, "isclose", "other", 2)._array
    if x.dtype != y.dtype:
        raise RuntimeError(f"{input.dtype.title} did not match {other.dtype.title}")
    return wrap(np.isclose(x, y, rtol, atol, equal_nan), input._device)


@public("allclose")
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all entries are about equal."""
    x, y = need_tensor(input, "allclose")._array, need_tensor(other, "allclose", "other", 2)._array
    if x.dtype != y.dtype:
        raise RuntimeError(f"{input.dtype.title} did not match {other.dtype.title}")
    return bool(np.isclose(x, y, rtol, atol, equal_nan).all())


@public("is_tensor", method=False)
def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)
