"""The factorizations that `torch.linalg` and `torch` have, and what is solved with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.errors import fail, make, wrap_dim
from graphlab.engine.ops import exponential, factorizations, indefinite, reflections
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.extremes import named
from graphlab.engine.ops.linalg import LinAlgError
from graphlab.engine.ops.matrices import (
    INT32,
    batch_element,
    need_floating,
    need_kernel,
    need_matrices,
    need_system,
    singular,
)
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, guard, need_tensor, public, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, known, virtual

LINALG: dict[str, Callable[..., Any]] = {}
"""What `torch.linalg` gets from here, by name."""


def _linalg(function: Callable[..., Any]) -> Callable[..., Any]:
    made = guard(f"linalg_{function.__name__}", function)
    LINALG[function.__name__] = made
    return made


def _apart(t: Tensor) -> Tensor:
    """An output that is no part of the graph."""
    t._fn, t._rg = None, False
    return t


# LU

_LU = named("linalg_lu", ("P", "L", "U"))
_LU_FACTOR = named("linalg_lu_factor", ("LU", "pivots"))
_LU_FACTOR_EX = named("linalg_lu_factor_ex", ("LU", "pivots", "info"))
_LU_UNPACK = named("lu_unpack", ("P", "L", "U"))
_LU_OLD = named("_lu_with_info", ("LU", "pivots", "info"))


def _at_least_matrices(value: Any, function: str, shown: str, word: str = "A") -> Tensor:
    t = need_tensor(value, function, word)
    if t.dim() < 2:
        fail(
            RuntimeError,
            f"{shown}: Expected tensor with 2 or more dimensions. Got size: {list(t.shape)} instead",
            kind="matrix_dims",
            op=function,
            shape=list(t.shape),
        )
    return t


def _lu_input(A: Any, function: str, pivot: bool, shown: str = "torch.lu_factor", word: str = "A") -> Tensor:
    a = _at_least_matrices(A, function, shown, word)
    need_kernel(a, "lu_cpu")
    if not pivot:
        raise make(RuntimeError, "linalg.lu_factor: LU without pivoting is not implemented on the CPU", kind="pivot")
    return a


def _zero_pivot(info: Tensor, function: str, shape: Any) -> None:
    if known(info._array) and info._array.any():
        where, k = batch_element(info._array)
        raise singular(
            RuntimeError,
            f"torch.{function.replace('_', '.', 1)}: {where}U[{k},{k}] is zero and using it on lu_solve would result "
            "in a division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)",
            function,
            shape,
        )


@_linalg
def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """L and U packed into one matrix, the row exchanges, and which U has a zero on its diagonal."""
    parts = run(factorizations.LU_FACTOR, (_lu_input(A, "linalg_lu_factor_ex", pivot),))
    if check_errors:
        _zero_pivot(parts[2], "linalg_lu_factor_ex", A.shape)
    return _LU_FACTOR_EX(parts)


@_linalg
def lu_factor(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U packed into one matrix, and the row exchanges."""
    parts = run(factorizations.LU_FACTOR, (_lu_input(A, "linalg_lu_factor", pivot),))
    _zero_pivot(parts[2], "linalg_lu_factor", A.shape)
    return _LU_FACTOR(parts[:2])


@_linalg
def lu(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """P, L and U with P · L · U = A."""
    p, low, up = run(factorizations.LU, (_lu_input(A, "linalg_lu", pivot, "linalg.lu"),))
    return _LU((_apart(p), low, up))


@_linalg
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False, out: Any = None) -> Any:
    """The x with A · x = B (or x · A = B, or with Aᵀ), from the factors of A."""
    shown = "torch.linalg.lu_solve"
    a = need_matrices(LU, "linalg_lu_solve", shown, word="LU")
    p, b = need_tensor(pivots, "linalg_lu_solve", "pivots", 2), need_tensor(B, "linalg_lu_solve", "B", 3)
    need_floating(a, shown)
    if a._array.dtype != b._array.dtype:
        fail(
            RuntimeError,
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type {a.dtype.title} and B of "
            f"type {b.dtype.title} instead",
            kind="dtype_mix",
            op="linalg_lu_solve",
            dtypes=[a.dtype.name, b.dtype.name],
        )
    if p._array.dtype != INT32:
        raise make(RuntimeError, "linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32", kind="pivot")
    if b.dim() < 2:
        raise make(
            RuntimeError, "linalg.lu_solve: The input tensor B must have at least 2 dimensions.", kind="matrix_dims"
        )
    rows = b.shape[-2] if left else b.shape[-1]
    if rows != a.shape[-1]:
        fail(
            RuntimeError,
            f"linalg.lu_solve: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})",
            kind="matmul",
            op="linalg_lu_solve",
            shapes=[list(a.shape), list(b.shape)],
            sizes=[a.shape[-1], rows],
        )
    if p.shape[-1] != a.shape[-1]:
        raise make(
            RuntimeError,
            "linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix",
            kind="pivot",
        )
    if left:
        return run(factorizations.LU_SOLVE, (a, p, b), (bool(adjoint),))
    return rename(run(factorizations.LU_SOLVE, (a, p, b.mT), (not adjoint,)).mT, "LinalgLuSolveBackward0")


@public("lu_unpack", "lu_unpack", method=False)
def lu_unpack(
    LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """P, L and U out of what `lu_factor` gave."""
    a = _at_least_matrices(LU_data, "lu_unpack", "torch.lu_unpack", "LU_data")
    p = need_tensor(LU_pivots, "lu_unpack", "LU_pivots", 2)
    if unpack_pivots:
        if p._array.dtype != INT32:
            raise make(
                RuntimeError,
                "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
                "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor",
                kind="pivot",
            )
        if known(p._array) and (p._array.min() < 1 or p._array.max() > a.shape[-2]):
            raise make(
                RuntimeError,
                "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive."
                "Did you properly pass the result of lu_factor?",
                kind="pivot",
            )
    else:
        p = wrap(np.broadcast_to(np.arange(1, p.shape[-1] + 1, dtype=INT32), p._array.shape).copy(), a._device)
    parts = run(factorizations.LU_UNPACK, (a, p))
    none = wrap(np.zeros(0, a._array.dtype), a._device)
    return _LU_UNPACK(
        (
            _apart(parts[0]) if unpack_pivots else none,
            parts[1] if unpack_data else none,
            parts[2] if unpack_data else none,
        )
    )


@public("lu", "lu")
def _old_lu(A: Any, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    warn(
        "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex and will be "
        "removed in a future PyTorch release.\nLU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\n"
        "LU, pivots = torch.linalg.lu_factor(A, compute_pivots)\nand\n"
        "LU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)\nshould be replaced with\n"
        "LU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)",
        "deprecated",
    )
    parts = run(factorizations.LU_FACTOR, (_lu_input(A, "_lu_with_info", pivot, word="input"),))
    return _LU_OLD(parts) if get_infos else tuple(parts[:2])


@public("lu_solve", "lu_solve")
def _old_lu_solve(b: Any, LU_data: Any, LU_pivots: Any, *, out: Any = None) -> Any:
    warn(
        "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch "
        "release.\nNote that torch.linalg.lu_solve has its arguments reversed.\nX = torch.lu_solve(B, LU, pivots)\n"
        "should be replaced with\nX = torch.linalg.lu_solve(LU, pivots, B)",
        "deprecated",
    )
    return lu_solve(LU_data, LU_pivots, b)


# Cholesky

_CHOLESKY_EX = named("linalg_cholesky_ex", ("L", "info"))


def _check_positive(info: Tensor, shown: str, shape: Any) -> None:
    if info._array.any():
        where, order = batch_element(info._array)
        raise make(
            LinAlgError,
            f"{shown}: {where}The factorization could not be completed because the input is not positive-definite (the "
            f"leading minor of order {order} is not positive-definite).",
            kind="not_positive_definite",
            op=shown.replace(".", "_"),
            shape=list(shape),
        )


@_linalg
def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The triangular L with L · Lᵀ = A, and whether there is one."""
    a = need_matrices(A, "linalg_cholesky_ex", "linalg.cholesky")
    need_floating(a, "linalg.cholesky")
    need_kernel(a, "cholesky_cpu")
    parts = run(factorizations.CHOLESKY_EX, (a,), (bool(upper),))
    if check_errors:
        _check_positive(parts[1], "linalg.cholesky_ex", a.shape)
    return _CHOLESKY_EX(parts)


@public(factorizations.CHOLESKY_OLD, "cholesky")
def cholesky(input: Any, upper: bool = False, *, out: Any = None) -> Any:
    """The triangular L with L · Lᵀ = input."""
    a = need_matrices(input, "cholesky", "cholesky")
    warn(
        "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch "
        "release.\nL = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\n"
        "U = torch.cholesky(A, upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\n"
        "This transform will produce equivalent results for all valid (symmetric positive definite) inputs.",
        "deprecated",
    )
    need_kernel(a, "cholesky_cpu")
    _check_positive(wrap(factorizations.CHOLESKY_EX.forward(a._array, False)[1]), "cholesky", a.shape)
    return run(factorizations.CHOLESKY_OLD, (a,), (bool(upper),))


@public(factorizations.CHOLESKY_SOLVE, "cholesky_solve")
def cholesky_solve(B: Any, L: Any, upper: bool = False, *, out: Any = None) -> Any:
    """The x with L · Lᵀ · x = B."""
    b, a = need_tensor(B, "cholesky_solve"), need_tensor(L, "cholesky_solve", "input2", 2)
    for name, t in (("b", b), ("u", a)):
        if t.dim() < 2:
            raise make(
                RuntimeError,
                f"{name} should have at least 2 dimensions, but has {t.dim()} dimensions instead",
                kind="matrix_dims",
            )
    if a.shape[-1] != a.shape[-2] and a.shape[-1] == b.shape[-2]:
        need_matrices(a, "cholesky_solve", "cholesky_solve")
    need_system("cholesky_solve", a, b)
    need_kernel(b, "cholesky_solve_cpu")
    return run(factorizations.CHOLESKY_SOLVE, (b, a), (bool(upper),))


@public(factorizations.CHOLESKY_INVERSE, "cholesky_inverse")
def cholesky_inverse(L: Any, upper: bool = False, *, out: Any = None) -> Any:
    """The inverse of L · Lᵀ."""
    a = need_matrices(L, "cholesky_inverse", "cholesky_inverse")
    need_kernel(a, "cholesky_inverse_out_cpu")
    zero = np.diagonal(a._array, axis1=-2, axis2=-1) == 0
    if known(zero) and zero.any():
        where, k = batch_element(np.where(zero.any(-1), np.argmax(zero, -1) + 1, 0))
        raise singular(
            LinAlgError,
            f"cholesky_inverse: {where}The diagonal element {k} is zero, the inversion could not be completed because "
            "the input matrix is singular.",
            "cholesky_inverse",
            a.shape,
        )
    return run(factorizations.CHOLESKY_INVERSE, (a,), (bool(upper),))


# LDL

_LDL = named("linalg_ldl_factor", ("LD", "pivots"))
_LDL_EX = named("linalg_ldl_factor_ex", ("LD", "pivots", "info"))


def _ldl(A: Any, function: str) -> Any:
    shown = "torch.linalg.ldl_factor_ex"
    a = need_matrices(A, function, shown)
    need_floating(a, shown)
    need_kernel(a, "ldl_factor_kernel_cpu")
    return run(indefinite.LDL_FACTOR, (a,))


def _check_ldl(info: Tensor, function: str) -> None:
    if known(info._array) and info._array.any():
        # PyTorch's own words for this are an internal assertion with a path of its sources.
        _, code = batch_element(info._array)
        raise make(RuntimeError, f"torch.linalg.{function}: Unknown error code: {code}.", kind="singular")


@_linalg
def ldl_factor(A: Any, *, hermitian: bool = False, out: Any = None) -> Any:
    """L and D packed into one matrix with L · D · Lᵀ = A for a symmetric A, and the row exchanges."""
    ld, pivots, info = _ldl(A, "linalg_ldl_factor")
    _check_ldl(info, "ldl_factor")
    return _LDL((ld, pivots))


@_linalg
def ldl_factor_ex(A: Any, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The same, and which D is singular."""
    parts = _ldl(A, "linalg_ldl_factor_ex")
    if check_errors:
        _check_ldl(parts[2], "ldl_factor_ex")
    return _LDL_EX(parts)


@_linalg
def ldl_solve(LD: Any, pivots: Any, B: Any, *, hermitian: bool = False, out: Any = None) -> Any:
    """The x with A · x = B, from what `ldl_factor` made of A."""
    shown = "torch.linalg.ldl_solve"
    a = need_matrices(LD, "linalg_ldl_solve", shown, word="LD")
    p, b = need_tensor(pivots, "linalg_ldl_solve", "pivots", 2), need_tensor(B, "linalg_ldl_solve", "B", 3)
    wrap_dim(-2, b.dim(), "linalg_ldl_solve")
    need_system(shown, a, b)
    if p._array.dtype.kind not in "iu":
        raise make(RuntimeError, f"{shown}: Expected pivots to be integers. Got {p.dtype.title}", kind="pivot")
    if tuple(p.shape) != tuple(a.shape[:-1]):
        raise make(
            RuntimeError,
            f"{shown}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(p.shape)} instead",
            kind="pivot",
        )
    return run(indefinite.LDL_SOLVE, (a, p, b))


# Inverses and systems that say whether they could be solved

_INV_EX = named("linalg_inv_ex", ("inverse", "info"))
_SOLVE_EX = named("linalg_solve_ex", ("result", "info"))


def _infos(a: Tensor) -> Tensor:
    if type(a._array) is Virtual:
        return wrap(virtual(a.shape[:-2], INT32), a._device)
    return wrap(factorizations.lu_arrays(a._array)[2], a._device)


@_linalg
def inv_ex(A: Any, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and which diagonal entry of U is zero where there is none."""
    a = need_matrices(A, "linalg_inv_ex", "linalg.inv", word="A")
    need_floating(a, "linalg.inv")
    if a._array.itemsize == 2:
        raise make(
            RuntimeError,
            f"linalg.inv: Low precision dtypes not supported. Got {a.dtype.title}",
            kind="dtype_unsupported",
        )
    info = _infos(a)
    if not (known(info._array) and info._array.any()):
        return _INV_EX((FUNCTIONS["inverse"](a), info))
    if check_errors:
        where, k = batch_element(info._array)
        raise singular(
            LinAlgError,
            f"linalg.inv_ex: {where}The diagonal element {k} is zero, the inversion could not be completed because the "
            "input matrix is singular.",
            "linalg_inv_ex",
            a.shape,
        )
    eye = wrap(np.broadcast_to(np.eye(a.shape[-1], dtype=a._array.dtype), a._array.shape).copy(), a._device)
    return _INV_EX((_by_factors(a, eye), info))


def _by_factors(a: Tensor, b: Tensor) -> Any:
    """The solution by LU, infinities and NaN where a matrix is singular."""
    packed, pivots, _ = run(factorizations.LU_FACTOR, (a,))
    return run(factorizations.LU_SOLVE, (packed, pivots, b), (False,))


@_linalg
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """The x with A · x = B, and which diagonal entry of U is zero where there is none."""
    from graphlab.engine import linalg

    a = need_matrices(A, "linalg_solve_ex", "linalg.solve", word="A")
    info = _infos(a)
    if not (known(info._array) and info._array.any()):
        return _SOLVE_EX((linalg.solve(a, B, left=left), info))
    if check_errors:
        where, _ = batch_element(info._array)
        raise singular(
            LinAlgError,
            f"torch.linalg.solve_ex: {where}The solver failed because the input matrix is singular.",
            "linalg_solve_ex",
            a.shape,
        )
    is_vector = B.dim() == 1 or (B.dim() == a.dim() - 1 and tuple(B.shape) == tuple(a.shape[:-1]))
    b = B.unsqueeze(-1) if is_vector else B
    x = _by_factors(a, b) if left else _by_factors(a.mT, b.mT).mT
    return _SOLVE_EX((x.squeeze(-1) if is_vector else x, info))


@_linalg
def tensorsolve(A: Any, B: Any, dims: Any = None, *, out: Any = None) -> Any:
    """The x with tensordot(A, x, x.ndim) = B."""
    from graphlab.engine import linalg

    a, b = need_tensor(A, "linalg_tensorsolve", "input"), need_tensor(B, "linalg_tensorsolve", "other", 2)
    if dims is not None:
        moved = [wrap_dim(d, a.dim(), "linalg_tensorsolve") for d in dims]
        a = a.movedim(moved, list(range(a.dim() - len(moved), a.dim())))
    inner, outer = a.shape[b.dim() :], a.shape[: b.dim()]
    if math.prod(inner) != math.prod(outer):
        fail(
            RuntimeError,
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {math.prod(inner)} != {math.prod(outer)}",
            kind="matrix_square",
            op="linalg_tensorsolve",
            shape=list(a.shape),
        )
    n = math.prod(inner)
    return linalg.solve(a.reshape(n, n), b.flatten()).reshape(tuple(inner))


@public("triangular_solve", "triangular_solve")
def triangular_solve(
    b: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None
) -> Any:
    """The x with A · x = b for a triangular A, and a copy of A."""
    right, a = need_tensor(b, "triangular_solve"), need_tensor(A, "triangular_solve", "A", 2)
    for name, t in (("b", right), ("A", a)):
        if t.dim() < 2:
            raise make(
                RuntimeError,
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {t.dim()} "
                "dimensions instead",
                kind="matrix_dims",
            )
    need_system("triangular_solve", a, right)
    need_kernel(a, "triangular_solve_cpu")
    warn(
        "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future "
        "PyTorch release.\ntorch.linalg.solve_triangular has its arguments reversed and does not return a copy of one "
        "of the inputs.\nX = torch.triangular_solve(B, A).solution\nshould be replaced with\n"
        "X = torch.linalg.solve_triangular(A, B).",
        "deprecated",
    )
    params = bool(upper), bool(transpose), bool(unitriangular)
    return _TRIANGULAR(run(factorizations.TRIANGLE_OLD, (right, a), params))


_TRIANGULAR = named("triangular_solve", ("solution", "cloned_coefficient"))


# Reflections

_GEQRF = named("geqrf", ("a", "tau"))


def _batch_is(tau: Tensor, a: Tensor, shown: str, word: str = "tau") -> None:
    if tau.dim() != a.dim() - 1:
        raise make(
            RuntimeError,
            f"{shown}: Expected {word} to have one dimension less than input, but got {word}.ndim equal to {tau.dim()} "
            f"and input.ndim is equal to {a.dim()}",
            kind="matrix_dims",
        )
    if tuple(tau.shape[:-1]) != tuple(a.shape[:-2]):
        raise make(
            RuntimeError,
            f"{shown}: Expected batch dimensions of {word} to be equal to input.shape[:-2], but got "
            f"{list(tau.shape[:-1])}",
            kind="matrix_dims",
        )


@_linalg
def householder_product(input: Any, tau: Any, *, out: Any = None) -> Any:
    """The first columns of the product of reflections, from the columns of `input` below the diagonal and `tau`."""
    shown = "torch.linalg.householder_product"
    v, t = need_tensor(input, "linalg_householder_product"), need_tensor(tau, "linalg_householder_product", "tau", 2)
    if v.dim() < 2:
        raise make(RuntimeError, f"{shown}: input must have at least 2 dimensions.", kind="matrix_dims")
    if v.shape[-2] < v.shape[-1]:
        raise make(
            RuntimeError,
            f"{shown}: input.shape[-2] must be greater than or equal to input.shape[-1]",
            kind="reflection",
        )
    if v.shape[-1] < t.shape[-1]:
        raise make(
            RuntimeError, f"{shown}: input.shape[-1] must be greater than or equal to tau.shape[-1]", kind="reflection"
        )
    _batch_is(t, v, shown)
    if t._array.dtype != v._array.dtype:
        raise make(
            RuntimeError,
            f"{shown}: tau dtype {t.dtype.title} does not match input dtype {v.dtype.title}",
            kind="dtype_mix",
        )
    need_kernel(v, "orgqr_cpu")
    return run(reflections.HOUSEHOLDER, (v, t))


@public("ormqr", "ormqr")
def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False, *, out: Any = None) -> Any:
    """`other` times the orthogonal matrix whose reflections `input` and `tau` hold."""
    shown = "torch.ormqr"
    v, t, c = (
        need_tensor(input, "ormqr"),
        need_tensor(tau, "ormqr", "input2", 2),
        need_tensor(other, "ormqr", "input3", 3),
    )
    for name, each in (("input", v), ("other", c)):
        if each.dim() < 2:
            raise make(RuntimeError, f"{shown}: {name} must have at least 2 dimensions.", kind="matrix_dims")
    side = -2 if left else -1
    if c.shape[side] < t.shape[-1]:
        raise make(
            RuntimeError,
            f"{shown}: other.shape[{side}] must be greater than or equal to tau.shape[-1]"
            if min(c.shape[side], v.shape[-1]) == t.shape[-1]
            else f"{shown}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])",
            kind="reflection",
        )
    if min(c.shape[side], v.shape[-1]) != t.shape[-1] and c.shape[side] == v.shape[-2]:
        raise make(
            RuntimeError,
            f"{shown}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])",
            kind="reflection",
        )
    if c.shape[side] != v.shape[-2]:
        raise make(RuntimeError, f"{shown}: other.shape[{side}] must be equal to input.shape[-2]", kind="reflection")
    _batch_is(t, v, shown)
    if c.dim() != v.dim():
        raise make(
            RuntimeError,
            f"{shown}: Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{c.dim()} and input.ndim is equal to {v.dim()}",
            kind="matrix_dims",
        )
    for name, each in (("tau", t), ("other", c)):
        if each._array.dtype != v._array.dtype:
            raise make(
                RuntimeError,
                f"{shown}: Expected input and {name} to have the same dtype, but input has dtype{v.dtype.title} and "
                f"{name} has dtype {each.dtype.title}",
                kind="dtype_mix",
            )
    need_kernel(v, "ormqr_cpu")
    return run(reflections.ORMQR, (v, t, c), (bool(left), bool(transpose)))


@public(reflections.GEQRF, "geqrf")
def geqrf(input: Any, *, out: Any = None) -> Any:
    """R and the reflections that lead to it, packed into one matrix, and the reflections' factors."""
    a = need_tensor(input, "geqrf")
    if a.dim() < 2:
        raise make(RuntimeError, "torch.geqrf: input must have at least 2 dimensions.", kind="matrix_dims")
    need_kernel(a, "geqrf_cpu")
    return _GEQRF(run(reflections.GEQRF, (a,)))


FUNCTIONS["orgqr"] = LINALG["householder_product"]
Tensor.orgqr = LINALG["householder_product"]  # type: ignore[attr-defined]


# Functions of one matrix


@public(exponential.MATRIX_EXP, "matrix_exp")
def matrix_exp(input: Any) -> Any:
    """1 + A + A² / 2 + A³ / 6 + …"""
    a = need_matrices(input, "linalg_matrix_exp", "linalg.matrix_exp")
    need_floating(a, "linalg.matrix_exp")
    return run(exponential.MATRIX_EXP, (a,))


LINALG["matrix_exp"] = matrix_exp


@_linalg
def matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    """The matrix product."""
    return FUNCTIONS["matmul"](input, other)


_SVD = named("svd", ("U", "S", "V"))
_QR = named("qr", ("Q", "R"))


@public("svd", "svd")
def svd(input: Any, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """U, S, V with U · diag(S) · Vᵀ = input."""
    from graphlab.engine import linalg

    a = need_tensor(input, "svd")
    if a.dim() < 2:
        raise make(
            RuntimeError,
            f"linalg.svd: input should have at least 2 dimensions, but has {a.dim()} dimensions instead",
            kind="matrix_dims",
        )
    if compute_uv:
        u, s, vh = linalg.svd(a, full_matrices=not some)
        return _SVD((u, s, vh.mH))
    m, n = a.shape[-2:]
    s = linalg.svdvals(a)

    def zeros(size: int) -> Tensor:
        return wrap(np.zeros((*a.shape[:-2], size, size), a._array.dtype), a._device)

    return _SVD((zeros(m), s, zeros(n)))


@public("qr", "qr")
def qr(input: Any, some: bool = True, *, out: Any = None) -> Any:
    """Q and R with Q · R = input."""
    from graphlab.engine import linalg

    warn(
        "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\nThe "
        "boolean parameter 'some' has been replaced with a string parameter 'mode'.\nQ, R = torch.qr(A, some)\nshould "
        "be replaced with\nQ, R = torch.linalg.qr(A, 'reduced' if some else 'complete')",
        "deprecated",
    )
    if not isinstance(input, Tensor):
        raise bad_argument("qr", "input", 1, "Tensor", input)
    return _QR(linalg.qr(input, "reduced" if some else "complete"))


@public("chain_matmul", "chain_matmul", method=False)
def chain_matmul(*matrices: Any, out: Any = None) -> Any:
    """The product of several matrices, in the cheapest order."""
    from graphlab.engine import linalg

    warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters.",
        "deprecated",
    )
    given = list(matrices[0]) if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else list(matrices)
    return given[0] if len(given) == 1 else linalg.multi_dot(given)
