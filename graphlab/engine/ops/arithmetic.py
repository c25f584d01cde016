"""Operators on two operands with broadcasting: + - * / ** %, minimum, maximum, comparisons, logic.

Each function has a fast way for two float tensors of one type on the cpu, or a float tensor and a Python number;
everything else (mixed types, errors, simulated devices) goes the general way through `mixed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors, modes, observe
from graphlab.engine.autograd.graph import accumulator, next_seq, rename
from graphlab.engine.device import ROOMY
from graphlab.engine.dtypes import F32, F64
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.overlap import refuse_overlap, refuse_repeats
from graphlab.engine.ops.refusals import out_of_memory
from graphlab.engine.ops.run import (
    FUNCTIONS,
    attach,
    bad_argument,
    bad_combination,
    bump,
    guard,
    into,
    report,
    run,
    run_inplace,
    worded,
)
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

# PyTorch computes inf and nan in silence.
np.seterr(all="ignore")

_new = object.__new__
_ndarray = np.ndarray
_asarray = np.asarray
NUMBERS = (int, float, bool, complex, np.number, np.bool_)


def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...], *_: Any) -> tuple[int, ...]:
    """The shape that two shapes broadcast to."""
    return np.broadcast_shapes(a, b)


def number(value: Any) -> Any:
    """A Python number for a NumPy one."""
    return value.item() if isinstance(value, np.generic) else value


def _fit(value: Any, kind: dtypes.dtype) -> Any:
    """A Python number as it takes part in a computation of type `kind`."""
    if kind.rank == 2:
        return float(value)
    if kind.rank == 3:
        return complex(value)
    if kind.rank == 1:
        low, high = np.iinfo(kind.np).min, np.iinfo(kind.np).max
        if isinstance(value, int) and not low <= value <= high:
            return np.array(value & (2**64 - 1), np.uint64).astype(kind.np)[()]
        return int(value)
    return bool(value)


def mixed(op: Op, input: Any, other: Any, params: tuple[Any, ...], rule: str, inplace: str = "") -> Any:
    """The general way: PyTorch's type promotion, then the operator. `rule`: "same", "float" (integers become float)."""
    input, other = number(input), number(other)
    if op.name in ("sub", "rsub"):
        no_bool(input, other)
    x = input._array if isinstance(input, Tensor) else input
    y = other._array if isinstance(other, Tensor) else other
    kind = dtypes.result(x, y)
    if rule == "float" and kind.rank < 2:
        kind = dtypes.get_default_dtype()
    casts = (kind.np, kind.np)
    a = input if isinstance(input, Tensor) else _fit(input, kind)
    b = other if isinstance(other, Tensor) else _fit(other, kind)
    same = all(not isinstance(t, Tensor) or t._array.dtype == kind.np for t in (input, other))
    try:
        if inplace:
            return run_inplace(op, (a, b), params, inplace, None if same else casts)
        return run(op, (a, b), params, None if same else casts)
    except MemoryError as error:
        raise out_of_memory(error) from None
    except ValueError as error:
        if inplace and isinstance(x, np.ndarray) and not x.flags.writeable:
            refuse_repeats(op.name, x)
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            raise errors.broadcast(op.name, x.shape, y.shape) from None
        raise RuntimeError(str(error)) from error


STRICT = {
    "add",
    "sub",
    "mul",
    "div",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "hypot",
    "logaddexp",
    "atan2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "floor_divide",
}
"""Functions whose first argument must be a tensor in every form, which changes PyTorch's message."""
SAVE_NONE, SAVE_CROSS, SAVE_BOTH, SAVE_DIVISOR = range(4)
"""What a node keeps: nothing; each operand for the other's gradient; both; the divisor, and the rest if needed."""


def _is_bool(value: Any) -> bool:
    return value._array.dtype.kind == "b" if isinstance(value, Tensor) else isinstance(value, (bool, np.bool_))


def no_bool(input: Any, other: Any) -> None:
    """Refuse to subtract truth values."""
    first, second = _is_bool(input), _is_bool(other)
    if first and second:
        raise errors.make(
            RuntimeError,
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead.",
            kind="dtype_mix",
            op="sub",
            dtypes=["bool", "bool"],
        )
    if first or second:
        raise errors.make(
            RuntimeError,
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead.",
            kind="dtype_mix",
            op="sub",
            dtypes=["bool"],
        )


def binary(
    op: Op, ufunc: Any, saves: int, rule: str = "same", differentiable: bool = True, takes_arrays: bool = False
) -> Callable[..., Any]:
    """The function for an operator on two operands, with its fast way."""
    node_type, name = op.node_type, op.name

    def call(input: Any, other: Any) -> Any:
        try:
            x = input._array
            where = input._device
        except AttributeError:
            if isinstance(input, NUMBERS) and isinstance(other, Tensor) and op.args[0] == "base":
                return mixed(op, input, other, (), rule)
            if name in STRICT:
                raise bad_argument(name, "input", 1, "Tensor", input) from None
            raise bad_combination(name, input, other) from None
        kind = x.dtype
        if (kind is not F32 and kind is not F64) or where.simulated:
            return general(input, other)
        if isinstance(other, Tensor):
            y = other._array
            if y.dtype is not kind or other._device is not where:
                return general(input, other)
            if where.counts and x.size * y.size > ROOMY and x.shape != y.shape:
                return general(input, other)
            try:
                out = ufunc(x, y)
            except (ValueError, MemoryError):
                return general(input, other)
            needs = differentiable and (input._rg or other._rg) and modes.grad
        elif other.__class__ is float or other.__class__ is int:
            try:
                out = ufunc(x, other)
            except (OverflowError, MemoryError):
                return general(input, other)
            y = None
            needs = differentiable and input._rg and modes.grad
        else:
            return general(input, other)
        t = _new(Tensor)
        t._array = out = out if out.__class__ is _ndarray else _asarray(out)
        t._device = where
        t._nr = 0
        t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
        if where.counts:
            where.ledger.charge(out)
        if not needs:
            t._rg = False
            t._fn = None
        else:
            t._rg = True
            node = _new(node_type)
            if y is None:
                node.edges = (input._fn or accumulator(input), None)
                node.nrs = (input._nr, 0) if input._nr else None
                node.params = (x.shape, other)
                node.saved = () if saves != SAVE_BOTH else (input, None)
            else:
                a, b = input._rg, other._rg
                node.edges = (
                    (input._fn or accumulator(input)) if a else None,
                    (other._fn or accumulator(other)) if b else None,
                )
                node.nrs = (input._nr, other._nr) if input._nr or other._nr else None
                node.params = (x.shape, y.shape)
                if saves == SAVE_NONE:
                    node.saved = ()
                elif saves == SAVE_CROSS:
                    node.saved = (input if b else None, other if a else None)
                elif saves == SAVE_DIVISOR:
                    node.saved = (input if b else None, other)
                else:
                    node.saved = (input, other)
            versions = None
            for s in node.saved:
                if s is not None and s._version is not None and s._version[0]:
                    versions = tuple(0 if s is None or s._version is None else s._version[0] for s in node.saved)
            node.versions = versions
            node.seq = next_seq()
            node.hooks = node.casts = node.outs = node.meta = node._mark = None
            t._fn = node
        if observe.observer is not None:
            observe.observer.forward(name, (input, other), t, {})
        return t

    def general(input: Any, other: Any) -> Any:
        if not isinstance(other, Tensor) and not isinstance(other, NUMBERS):
            if not takes_arrays or not isinstance(other, np.ndarray) or other.dtype.kind not in "biufc":
                return NotImplemented
            other = FUNCTIONS["as_tensor"](other)
        try:
            return mixed(op, input, other, (), rule)
        except Exception as error:
            report(name, (input, other), {}, error)
            raise

    call.__name__ = name
    call.__doc__ = op.formula
    return call


_MISSING: Any = object()


def function(op: Op, call: Callable[..., Any], *names: str, out: bool = True) -> None:
    """Make `call` what `torch.<name>` and `Tensor.<name>` are, for every name."""

    def entered(called: str) -> Callable[..., Any]:
        # Not guarded, for speed; the same without a call between.
        def named(input: Any = _MISSING, other: Any = _MISSING, *rest: Any, out: Any = None) -> Any:
            try:
                result = call(input, other)
                if result is not NotImplemented and not rest and out is None:
                    return result
                if rest or result is NotImplemented:
                    raise bad_argument(op.name, "other", 2, "Tensor", other)
                return into(out, result, called, (input, other))
            except Exception as error:
                args = tuple(a for a in (input, other, *rest) if a is not _MISSING)
                kwargs = {} if out is None else {"out": out}
                told = worded(called, args, kwargs, error)
                report(op.name, args, kwargs, told)
                try:
                    if told is error:
                        raise
                    raise told from None
                finally:
                    del told  # or this frame and the error would hold each other, and with them the tensors

        named.__name__ = named.__qualname__ = called.partition(".")[2]
        named.__doc__ = op.formula
        return named

    for name in names or (op.name,):
        FUNCTIONS[name] = entered(f"torch.{name}")
        setattr(Tensor, name, entered(f"Tensor.{name}"))
    op.function = op.function or FUNCTIONS[(names or (op.name,))[0]]


def inplace_function(op: Op, rule: str, *names: str, ufunc: Any = None) -> Callable[..., Any]:
    """Make the in-place form `name_`."""
    own = op.name + "_"

    def call(self: Any, other: Any) -> Any:
        x = self._array
        if (
            ufunc is not None
            and observe.observer is None
            and not (modes.grad and (self._rg or (other.__class__ is Tensor and other._rg)))
            and not self._device.simulated
        ):
            # Nothing to record: straight into the array.
            if isinstance(other, Tensor):
                y = other._array
                if (
                    y.dtype is x.dtype
                    and (y.dtype is F32 or y.dtype is F64)
                    and y.ndim <= x.ndim
                    and other._device is self._device
                ):
                    if (x.base is not None or y.base is not None) and y is not x:
                        refuse_overlap(own, x, y)
                    try:
                        ufunc(x, y, out=x)
                    except ValueError:
                        pass
                    else:
                        bump(self)
                        return self
            elif other.__class__ in (float, int) and (x.dtype is F32 or x.dtype is F64):
                ufunc(x, other, out=x)
                bump(self)
                return self
        if not isinstance(other, Tensor) and not isinstance(other, NUMBERS):
            raise bad_argument(own, "other", 1, "Tensor", other)
        return mixed(op, self, other, (), rule, inplace=own)

    call.__name__ = own
    made = guard(own, call)
    for name in names or (own,):
        setattr(Tensor, name, made)
    return made


# + -


def _add_vjp(node: Any, g: Any) -> Any:
    a, b = node.edges
    sx, sy = node.params
    to = node.xp.sum_to
    return (
        None if a is None else g if g.shape == sx else to(g, sx),
        None if b is None else g if g.shape == sy else to(g, sy),
    )


ADD = declare(
    Op(
        name="add",
        category=Category.ARITHMETIC,
        args=("input", "other"),
        formula="out = input + other",
        backward_formula=N_("d input = g;  d other = g  (summed over stretched dims)"),
        forward=np.add,
        vjp=_add_vjp,
        broadcasts=True,
        shape=broadcast_shape,
        narrate=N_("{input} and {other} are added entry by entry"),
        narrate_backward=N_("a sum passes its gradient on unchanged to both {input} and {other}"),
        samples=lambda: [((3, 2), (3, 2)), ((3, 2), (2,)), ((2, 1), (1, 3)), ((), (3,))],
    )
)
_add = binary(ADD, np.add, SAVE_NONE)
_add_ = inplace_function(ADD, "same", "__iadd__", ufunc=np.add)


def _scaled(other: Any, alpha: Any, input: Any) -> Any:
    """`alpha * other`, refusing a fractional alpha for integers as PyTorch does."""
    kinds = [dtypes.of(t._array) if isinstance(t, Tensor) else dtypes.of_number(t) for t in (input, other)]
    if isinstance(alpha, float) and all(k.rank < 2 for k in kinds):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, bool) and kinds[0].rank:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    return other * alpha


def add(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """input + alpha · other"""
    if alpha != 1:
        other = _scaled(other, alpha, input)
    result = _add(input, other)
    if result is NotImplemented:
        raise bad_argument("add", "other", 2, "Tensor", other)
    return result


def add_(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    """In place: self + alpha · other"""
    if alpha != 1:
        other = _scaled(other, alpha, self)
    return _add_(self, other)


def _sub_vjp(node: Any, g: Any) -> Any:
    a, b = node.edges
    sx, sy = node.params
    to = node.xp.sum_to
    return (
        None if a is None else g if g.shape == sx else to(g, sx),
        None if b is None else -g if g.shape == sy else to(-g, sy),
    )


SUB = declare(
    Op(
        name="sub",
        category=Category.ARITHMETIC,
        args=("input", "other"),
        formula="out = input − other",
        backward_formula=N_("d input = g;  d other = −g  (summed over stretched dims)"),
        forward=np.subtract,
        vjp=_sub_vjp,
        broadcasts=True,
        shape=broadcast_shape,
        narrate=N_("{other} is subtracted from {input} entry by entry"),
        narrate_backward=N_("a difference passes its gradient on to {input}, and with its sign turned to {other}"),
        samples=lambda: [((3, 2), (3, 2)), ((3, 2), (2,)), ((), (3,))],
    )
)
_sub = binary(SUB, np.subtract, SAVE_NONE)
_sub_ = inplace_function(SUB, "same", "__isub__", ufunc=np.subtract)


def sub(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
    """input − alpha · other"""
    if alpha != 1:
        other = _scaled(other, alpha, input)
    result = _sub(input, other)
    if result is NotImplemented:
        raise bad_argument("sub", "other", 2, "Tensor", other)
    return result


def sub_(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    """In place: self − alpha · other"""
    if alpha != 1:
        other = _scaled(other, alpha, self)
    return _sub_(self, other)


RSUB = declare(
    Op(
        name="rsub",
        node="RsubBackward1",
        category=Category.ARITHMETIC,
        args=("input", "other"),
        formula="out = other − input",
        backward_formula="d input = −g",
        forward=lambda x, y: np.subtract(y, x),
        vjp=lambda node, g: _sub_vjp(_Swapped(node), g)[::-1],
        broadcasts=True,
        shape=broadcast_shape,
        narrate=N_("{input} is subtracted from {other}"),
        narrate_backward=N_("the gradient goes on to {input} with its sign turned"),
        samples=lambda: [((3, 2), (3, 2))],
    )
)


class _Swapped:
    """A node with its two arguments exchanged."""

    __slots__ = ("edges", "params", "xp")

    def __init__(self, node: Any) -> None:
        self.edges = node.edges[::-1]
        self.params = node.params[::-1]
        self.xp = node.xp


_rsub = binary(RSUB, lambda x, y: np.subtract(y, x), SAVE_NONE)


# * /


def _mul_vjp(node: Any, g: Any, x: Any = None, y: Any = None) -> Any:
    a, b = node.edges
    sx, sy = node.params
    if y is None and b is None:  # times a Python number
        return g * sy if sy.__class__ is not tuple else None, None
    da = db = None
    if a is not None:
        da = g * y
        if da.shape != sx:
            da = node.xp.sum_to(da, sx)
    if b is not None:
        db = g * x
        if db.shape != sy:
            db = node.xp.sum_to(db, sy)
    return da, db


MUL = declare(
    Op(
        name="mul",
        category=Category.ARITHMETIC,
        args=("input", "other"),
        formula="out = input · other",
        backward_formula=N_("d input = g · other;  d other = g · input  (summed over stretched dims)"),
        forward=np.multiply,
        vjp=_mul_vjp,
        saves=("input:other", "other:input"),
        broadcasts=True,
        shape=broadcast_shape,
        narrate=N_("{input} and {other} are multiplied entry by entry"),
        narrate_backward=N_("the gradient into {input} is the incoming one times {other}, and the other way round"),
        samples=lambda: [((3, 2), (3, 2)), ((3, 2), (2,)), ((2, 1), (1, 3)), ((), (3,))],
    )
)
_mul = binary(MUL, np.multiply, SAVE_CROSS)
_mul_ = inplace_function(MUL, "same", "mul_", "__imul__", "multiply_", ufunc=np.multiply)


def _div_vjp(node: Any, g: Any, x: Any = None, y: Any = None) -> Any:
    a, b = node.edges
    sx, sy = node.params[:2]
    if b is None and y is None:
        return g / sy, None
    da = db = None
    if a is not None:
        da = g / y
        if da.shape != sx:
            da = node.xp.sum_to(da, sx)
    if b is not None:
        db = -g * ((x / y) / y)
        if db.shape != sy:
            db = node.xp.sum_to(db, sy)
    return da, db


DIV = declare(
    Op(
        name="div",
        category=Category.ARITHMETIC,
        args=("input", "other"),
        formula="out = input / other",
        backward_formula="d input = g / other;  d other = −g · input / other²",
        forward=np.true_divide,
        vjp=_div_vjp,
        saves=("input:other", "other"),
        broadcasts=True,
        shape=broadcast_shape,
        narrate=N_("{input} is divided by {other} entry by entry"),
        narrate_backward=N_("the gradient into {input} is the incoming one divided by {other}"),
        facts=lambda out, x, y: {"n_zeros": int(np.sum(np.equal(y, 0)))},
        samples=lambda: [((3, 2), (3, 2)), ((3, 2), (2,)), ((), (3,))],
    )
)
_div = binary(DIV, np.true_divide, SAVE_DIVISOR, "float")
_div_ = inplace_function(DIV, "float", "__itruediv__", ufunc=np.true_divide)


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """input / other; `rounding_mode` "floor" or "trunc" for integer division."""
    if rounding_mode == "floor":
        return FUNCTIONS["_floor_divide"](input, other)
    if rounding_mode == "trunc":
        return FUNCTIONS["_trunc_divide"](input, other)
    if rounding_mode is not None:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    result = _div(input, other)
    if result is NotImplemented:
        raise bad_argument("div", "other", 2, "Tensor", other)
    return result


def div_(self: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """In place: self / other"""
    if rounding_mode is not None:
        return self.copy_(div(self, other, rounding_mode=rounding_mode))
    return _div_(self, other)


for _name, _call in (("add", add), ("sub", sub), ("div", div)):
    FUNCTIONS[_name] = guard(_name, _call)
    setattr(Tensor, _name, FUNCTIONS[_name])
for _alias, _name in (("subtract", "sub"), ("divide", "div"), ("true_divide", "div")):
    FUNCTIONS[_alias] = FUNCTIONS[_name]
    setattr(Tensor, _alias, FUNCTIONS[_name])
ADD.function, SUB.function, DIV.function = FUNCTIONS["add"], FUNCTIONS["sub"], FUNCTIONS["div"]
function(MUL, _mul, "mul", "multiply")


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """other − alpha · input"""
    result = _rsub(input if alpha == 1 else _scaled(input, alpha, other), other)
    if result is NotImplemented:
        raise bad_argument("rsub", "other", 2, "Tensor", other)
    return rename(result, "RsubBackward0") if isinstance(other, Tensor) else result


FUNCTIONS["rsub"] = RSUB.function = guard("rsub", rsub)
attach(rsub=FUNCTIONS["rsub"])
attach(
    add_=guard("add_", add_),
    sub_=guard("sub_", sub_),
    subtract_=guard("sub_", sub_),
    div_=guard("div_", div_),
    divide_=guard("div_", div_),
)


def tensor_operator(call: Callable[..., Any]) -> Callable[..., Any]:
    """The operator that leaves operands other than tensors and numbers to them."""

    def operator(self: Any, other: Any) -> Any:
        if not isinstance(other, (Tensor, *NUMBERS)):
            return NotImplemented
        return call(self, other)

    return operator


for _dunder, _call in (
    ("__add__", _add),
    ("__radd__", _add),
    ("__sub__", _sub),
    ("__rsub__", _rsub),
    ("__mul__", _mul),
    ("__rmul__", _mul),
    ("__truediv__", _div),
):
    setattr(Tensor, _dunder, _call)
attach(__rtruediv__=tensor_operator(lambda self, other: self.reciprocal() * other))
