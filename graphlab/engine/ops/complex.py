"""Complex numbers: their parts, absolute values and angles, conjugates, and how they are made.

Gradients are PyTorch's: the conjugate of Wirtinger's derivative. A conjugate is computed at once (PyTorch only notes
it), so that `is_conj` is never true.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail
from graphlab.engine.ops.applied import NUMERIC, apply
from graphlab.engine.ops.arithmetic import broadcast_shape
from graphlab.engine.ops.elementwise import operate
from graphlab.engine.ops.kinds import COMPLEX_VJP
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, attach, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def same_shape(shape: tuple[int, ...], *_: Any) -> tuple[int, ...]:
    """The shape of the first argument."""
    return shape


def real_of(x: Any) -> np.dtype[Any]:
    """NumPy's type of the parts of a complex array."""
    return dtypes.of(x).to_real().np


def complex_of(x: Any) -> np.dtype[Any]:
    """NumPy's complex type for parts of an array's type."""
    return dtypes.of(x).to_complex().np


def is_complex(x: Any) -> bool:
    """Whether a tensor's (or array's) elements are complex."""
    return bool((x._array if isinstance(x, Tensor) else x).dtype.kind == "c")


# Real and imaginary parts

VIEW_AS_REAL = declare(
    Op(
        name="view_as_real",
        category=Category.CONVERSION,
        args=("input",),
        formula=N_("out = (real part, imaginary part) of each entry"),
        backward_formula="d input = g[…, 0] + i · g[…, 1]",
        forward=lambda x: x[..., None].view(real_of(x)),
        vjp=lambda node, g: (apply(node, VIEW_AS_COMPLEX, (g,)),),
        view=True,
        shape=lambda s: (*s, 2),
        dtype=lambda x: real_of(x),
        narrate=N_("each entry of {input} is seen as a pair: its real and its imaginary part"),
        narrate_backward=N_("the gradients of the two parts join to a complex one for {input}"),
    )
)


def _paired(x: Any) -> Any:
    if x.strides[-1] != x.itemsize:
        x = np.ascontiguousarray(x)
    return x.view(complex_of(x))[..., 0]


VIEW_AS_COMPLEX: Op = declare(
    Op(
        name="view_as_complex",
        category=Category.CONVERSION,
        args=("input",),
        formula="out = input[…, 0] + i · input[…, 1]",
        backward_formula=N_("d input = (real part, imaginary part) of g"),
        forward=_paired,
        vjp=lambda node, g: (apply(node, VIEW_AS_REAL, (g,)),),
        view=True,
        shape=lambda s: s[:-1],
        dtype=lambda x: complex_of(x),
        narrate=N_("pairs of {input} are seen as complex numbers"),
        narrate_backward=N_("the complex gradient goes on to {input} as pairs of its two parts"),
    )
)
COMPLEX_VJP["view_as_real"] = VIEW_AS_REAL.node_type.vjp


@public(VIEW_AS_REAL, method=False)
def view_as_real(input: Any) -> Any:
    """A complex tensor as a real one with a last dim of size 2, sharing memory."""
    if not is_complex(need_tensor(input, "view_as_real")):
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return run(VIEW_AS_REAL, (input,))


@public(VIEW_AS_COMPLEX, method=False)
def view_as_complex(input: Any) -> Any:
    """A real tensor with a last dim of size 2 as a complex one, sharing memory."""
    x = need_tensor(input, "view_as_complex")._array
    kind = dtypes.of(x)
    if kind not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{kind.title}"
        )
    if not x.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if x.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if x.strides[-1] != x.itemsize:
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return run(VIEW_AS_COMPLEX, (input,))


@public("real")
def real(input: Any) -> Any:
    """The real parts, sharing memory; a real tensor itself."""
    if not is_complex(need_tensor(input, "real")):
        return input
    return view_as_real(input).select(-1, 0)


@public("imag")
def imag(input: Any) -> Any:
    """The imaginary parts, sharing memory."""
    if not is_complex(need_tensor(input, "imag")):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return view_as_real(input).select(-1, 1)


Tensor.real = property(lambda self: real(self), lambda self, value: real(self).copy_(_as_tensor(value)))  # type: ignore[attr-defined]
Tensor.imag = property(lambda self: imag(self), lambda self, value: imag(self).copy_(_as_tensor(value)))  # type: ignore[attr-defined]


def _as_tensor(value: Any) -> Any:
    return value if isinstance(value, Tensor) else FUNCTIONS["tensor"](value)


# Conjugates


def _conj_op(name: str) -> Op:
    made: Op = declare(
        Op(
            name=name,
            category=Category.ELEMENTWISE,
            args=("input",),
            formula="out = real part − i · imaginary part",
            backward_formula=N_("d input = conjugate of g"),
            forward=np.conj,
            vjp=lambda node, g: (apply(node, made, (g,)),),
            shape=same_shape,
            narrate=N_("the imaginary part of each entry of {input} turns its sign"),
            narrate_backward=N_("the gradient goes on to {input} with the sign of its imaginary part turned"),
        )
    )
    COMPLEX_VJP[name] = made.node_type.vjp
    return made


CONJ, CONJ_PHYSICAL = _conj_op("conj"), _conj_op("conj_physical")


@public(CONJ)
def conj(input: Any) -> Any:
    """The complex conjugate; a real tensor itself."""
    return run(CONJ, (input,)) if is_complex(need_tensor(input, "conj")) else input


@public(CONJ_PHYSICAL)
def conj_physical(input: Any, *, out: Any = None) -> Any:
    """The complex conjugate; a real tensor itself."""
    return run(CONJ_PHYSICAL, (input,)) if is_complex(need_tensor(input, "conj_physical")) else input


@public("conj_physical_")
def conj_physical_(input: Any) -> Any:
    """In place: the complex conjugate."""
    return input.copy_(conj_physical(input)) if is_complex(input) else input


@public("adjoint")
def adjoint(input: Any) -> Any:
    """The conjugate of the last two dims exchanged."""
    return conj(need_tensor(input, "adjoint").transpose(-2, -1))


def _hermitian(self: Tensor) -> Any:
    n = self._array.ndim
    if n not in (0, 2):
        fail(
            RuntimeError,
            f"tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if n > 2 else ""),
            kind="dims",
            op="H",
        )
    return conj(self) if not n else adjoint(self)


attach(H=property(_hermitian), mH=property(adjoint), is_conj=lambda self: False, is_neg=lambda self: False)
FUNCTIONS["is_conj"] = FUNCTIONS["is_neg"] = lambda input: False
FUNCTIONS["is_complex"] = lambda input: need_tensor(input, "is_complex").is_complex()
FUNCTIONS["is_floating_point"] = lambda input: need_tensor(input, "is_floating_point").is_floating_point()


@public("isreal")
def isreal(input: Any) -> Any:
    """Which entries have no imaginary part."""
    if is_complex(need_tensor(input, "isreal")):
        return imag(input.detach()) == 0
    return FUNCTIONS["ones_like"](input, dtype=dtypes.bool_)


# Absolute values, angles, signs

COMPLEX_VJP["abs"] = lambda node, g, x: (g * _sign_of(node, x),)


def _sign_of(node: Any, x: Any) -> Any:
    return np.sign(x) if node.xp is NUMERIC else FUNCTIONS["sgn"](x)


def _sgn_vjp(node: Any, g: Any, x: Any, out: Any) -> Any:
    zero = x == 0
    size, unit = node.xp.abs(node.xp.where(zero, x * 0 + 1, x)), node.xp.where(zero, x * 0 + 1, out)
    along = (g / unit).real
    return (node.xp.where(zero, g * 0, g / size - along * unit / size),)


SGN = declare(
    Op(
        name="complex_sgn",
        node="SgnBackward0",
        category=Category.ELEMENTWISE,
        args=("input",),
        formula=N_("out = input / |input|, 0 at 0"),
        backward_formula=N_("d input = what of g / |input| is at a right angle to out"),
        forward=np.sign,
        vjp=_sgn_vjp,
        saves=("input", "out"),
        shape=same_shape,
        narrate=N_("each entry of {input} is divided by its absolute value"),
        narrate_backward=N_("what of the gradient turns {input} passes, what makes it longer is stopped"),
    )
)
COMPLEX_VJP["complex_sgn"] = _sgn_vjp


def _angle(x: Any) -> Any:
    if x.dtype.kind == "c":
        return np.angle(x).astype(real_of(x), copy=False)
    return np.where(x < 0, np.pi, np.where(np.isnan(x), x, 0)).astype(x.dtype)


def _angle_vjp(node: Any, g: Any, x: Any) -> Any:
    if not is_complex(x):
        return (g * 0,)
    zero = x == 0
    size = node.xp.abs(node.xp.where(zero, x * 0 + 1, x))
    return (node.xp.where(zero, x * 0, g * x / (size * size) * 1j),)


ANGLE = declare(
    Op(
        name="angle",
        category=Category.ELEMENTWISE,
        args=("input",),
        formula=N_("out = the angle of input in the complex plane"),
        backward_formula="d input = i · g · input / |input|²",
        forward=_angle,
        vjp=_angle_vjp,
        saves=("input",),
        shape=same_shape,
        dtype=lambda x: real_of(x),
        narrate=N_("the angle of each entry of {input} in the complex plane"),
        narrate_backward=N_("the gradient reaches {input} at a right angle to its entries"),
        samples=lambda: [((3, 2),)],
    )
)
COMPLEX_VJP["angle"] = _angle_vjp


@public(ANGLE)
def angle(input: Any, *, out: Any = None) -> Any:
    """The angle in the complex plane; of real numbers π where negative, else 0."""
    x = need_tensor(input, "angle")._array
    return run(ANGLE, (input,), (), None if x.dtype.kind in dtypes.INEXACT else (dtypes.get_default_dtype().np,))


_real_sgn = FUNCTIONS["sgn"]


@public("sgn")
def sgn(input: Any, *, out: Any = None) -> Any:
    """The sign: -1, 0, 1, or for complex numbers the number of length 1 in the same direction."""
    return run(SGN, (input,)) if is_complex(need_tensor(input, "sgn")) else _real_sgn(input)


# Made of two parts

_PARTS = (dtypes.float16, dtypes.float32, dtypes.float64)


def _check_parts(name: str, first: Any, second: Any) -> None:
    a, b = need_tensor(first, name).dtype, need_tensor(second, name).dtype
    if a not in _PARTS or b not in _PARTS:
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {a.title} and {b.title}")
    if a is not b:
        raise RuntimeError(
            f"Expected object of scalar type {a.title} but got scalar type {b.title} for second argument"
        )


def _joined(a: Any, b: Any) -> Any:
    out = np.empty(np.broadcast_shapes(np.shape(a), np.shape(b)), complex_of(a))
    out.real, out.imag = a, b
    return out


def _complex_vjp(node: Any, g: Any) -> Any:
    sx, sy = node.params[:2]
    a, b = node.edges
    return (
        None if a is None else node.xp.sum_to(g.real, sx),
        None if b is None else node.xp.sum_to(g.imag, sy),
    )


COMPLEX = declare(
    Op(
        name="complex",
        category=Category.CONVERSION,
        args=("real", "imag"),
        formula="out = real + i · imag",
        backward_formula=N_("d real = real part of g;  d imag = imaginary part of g"),
        forward=_joined,
        vjp=_complex_vjp,
        broadcasts=True,
        shape=broadcast_shape,
        dtype=lambda x, y: complex_of(x),
        narrate=N_("complex numbers are made of the real parts {real} and the imaginary parts {imag}"),
        narrate_backward=N_("the parts of the gradient go to {real} and to {imag}"),
    )
)


@public(COMPLEX, method=False)
def complex_(real: Any, imag: Any, *, out: Any = None) -> Any:
    """real + i · imag"""
    _check_parts("complex", real, imag)
    return operate(COMPLEX, (real, imag))


def _polar_vjp(node: Any, g: Any, size: Any, turn: Any, out: Any) -> Any:
    sx, sy = node.params[:2]
    a, b = node.edges
    turned = FUNCTIONS["conj"](g) if node.xp is not NUMERIC else np.conj(g)
    return (
        None if a is None else node.xp.sum_to((turned * _sign_of(node, out)).real, sx),
        None if b is None else node.xp.sum_to((turned * (out * 1j)).real, sy),
    )


POLAR = declare(
    Op(
        name="polar",
        category=Category.CONVERSION,
        args=("abs", "angle"),
        formula="out = abs · (cos angle + i · sin angle)",
        backward_formula=N_("d abs = g along out;  d angle = g at a right angle to out"),
        forward=lambda size, turn: _joined(size * np.cos(turn), size * np.sin(turn)),
        vjp=_polar_vjp,
        saves=("abs", "angle", "out"),
        broadcasts=True,
        shape=broadcast_shape,
        dtype=lambda x, y: complex_of(x),
        narrate=N_("complex numbers are made of the lengths {abs} and the angles {angle}"),
        narrate_backward=N_("what of the gradient is along the numbers goes to {abs}, what turns them to {angle}"),
    )
)


@public(POLAR, method=False)
def polar(abs: Any, angle: Any, *, out: Any = None) -> Any:
    """abs · e^(i · angle)"""
    _check_parts("polar", abs, angle)
    return operate(POLAR, (abs, angle))
