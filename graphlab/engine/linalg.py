"""`torch.linalg`: the functions on matrices, made of the operators of `ops.linalg`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine import decompositions, dtypes
from graphlab.engine.autograd.graph import rename, rename_all
from graphlab.engine.errors import fail, make, wrap_dims
from graphlab.engine.ops import eigen
from graphlab.engine.ops import linalg as ops
from graphlab.engine.ops.extremes import named
from graphlab.engine.ops.linalg import LinAlgError, call, matrices, product
from graphlab.engine.ops.run import FUNCTIONS, guard, need_tensor, renamed
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, no_kernel

__all__ = ["LinAlgError"]


_SVD = named("linalg_svd", ("U", "S", "Vh"))
_QR = named("linalg_qr", ("Q", "R"))
_EIGH = named("linalg_eigh", ("eigenvalues", "eigenvectors"))
_SLOGDET = named("linalg_slogdet", ("sign", "logabsdet"))
_LSTSQ = named("linalg_lstsq", ("solution", "residuals", "rank", "singular_values"))


def inv(A: Any, *, out: Any = None) -> Any:
    """The inverse of each matrix."""
    return call(ops.INV, matrices("inv", A, True))


def det(A: Any, *, out: Any = None) -> Any:
    """The determinant of each matrix."""
    return call(ops.DET, matrices("det", A, True))


def slogdet(A: Any, *, out: Any = None) -> Any:
    """Sign and logarithm of the absolute value of each determinant."""
    return _SLOGDET(call(ops.SLOGDET, matrices("slogdet", A, True)))


def solve(A: Any, B: Any, *, left: bool = True, out: Any = None) -> Any:
    """The x with A · x = B (or x · A = B)."""
    a = matrices("solve", A, True)
    b = need_tensor(B, "linalg_solve", "B", 2)
    if a._array.dtype != b._array.dtype:
        fail(
            RuntimeError,
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {a.dtype.title} and B of type "
            f"{b.dtype.title} instead",
            kind="dtype_mix",
            op="linalg_solve",
            dtypes=[a.dtype.name, b.dtype.name],
        )
    is_vector = b.dim() == 1 or (b.dim() == a.dim() - 1 and tuple(b.shape) == tuple(a.shape[:-1]))
    if is_vector:
        b = b.unsqueeze(-1)
    if not left:
        if is_vector:
            raise make(RuntimeError, "linalg.solve: Vector broadcasting of the left hand side is not supported for "
                       "left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)")  # fmt: skip
        return solve(a.mT, b.mT).mT
    if a.shape[-1] != b.shape[-2]:
        fail(
            RuntimeError,
            "linalg.solve: Incompatible shapes of A and B for the equation AX = B "
            f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})",
            kind="matmul",
            op="linalg_solve",
            shapes=[list(a.shape), list(b.shape)],
            sizes=[a.shape[-1], b.shape[-2]],
        )
    x = call(ops.SOLVE, a, b)
    return rename(x.squeeze(-1), "LinalgSolveExBackward0") if is_vector else x


def cholesky(A: Any, *, upper: bool = False, out: Any = None) -> Any:
    """The triangular L with L · Lᵀ = A."""
    return call(ops.CHOLESKY, matrices("cholesky", A, True), params=(bool(upper),))


def qr(A: Any, mode: str = "reduced", *, out: Any = None) -> Any:
    """Orthogonal Q and upper triangular R with Q · R = A."""
    if mode not in ("reduced", "complete", "r"):
        raise make(
            RuntimeError,
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'",
        )
    return _QR(call(ops.QR, matrices("qr", A), params=(mode,)))


def svd(A: Any, full_matrices: bool = True, *, driver: Any = None, out: Any = None) -> Any:
    """U, S, Vh with U · diag(S) · Vh = A."""
    return _SVD(call(ops.SVD, matrices("svd", A), params=(bool(full_matrices),)))


def svdvals(A: Any, *, driver: Any = None, out: Any = None) -> Any:
    """The singular values, falling."""
    return call(ops.SVD, matrices("svd", A), params=(False,))[1]


def eigh(A: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """Eigenvalues (rising) and eigenvectors of symmetric matrices."""
    if UPLO.upper() not in ("L", "U"):
        raise make(RuntimeError, f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return _EIGH(call(ops.EIGH, matrices("eigh", A, True), params=(UPLO.upper() == "L",)))


def eigvalsh(A: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """The eigenvalues of symmetric matrices."""
    return eigh(A, UPLO)[0]


def matrix_power(A: Any, n: int, *, out: Any = None) -> Any:
    """A · A · … n times; the inverse's power where n is negative."""
    a = matrices("matrix_power", A, True, numbers="fVciub")
    if n == 0:
        eye = np.broadcast_to(np.eye(a.shape[-1], dtype=a._array.dtype), a._array.shape).copy()
        return FUNCTIONS["where"](wrap(np.zeros((), bool), a._device), a, wrap(eye, a._device))
    if n < 0:
        a, n = inv(a), -n
    result: Any = None
    while n:
        if n & 1:
            result = a if result is None else product(result, a)
        n >>= 1
        if n:
            a = product(a, a)
    return result.clone() if result is A else result


def _number(value: Any) -> Any:
    """A tolerance: a number, or an array with one for each matrix."""
    return value._array if isinstance(value, Tensor) else float(value)


def _tolerances(t: Tensor, rtol: Any, atol: Any) -> tuple[Any, Any]:
    eps = float(np.finfo(t._array.dtype).eps)
    usual = max(t.shape[-2:]) * eps
    a = 0.0 if atol is None else _number(atol)
    if rtol is None:
        return np.where(np.asarray(a) > 0, 0.0, usual), a
    return _number(rtol), a


def pinv(
    A: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None, atol: Any = None, out: Any = None
) -> Any:
    """The pseudo-inverse."""
    a = matrices("pinv", A, hermitian)
    return call(
        ops.PINV,
        a,
        params=(
            *(np.asarray(v)[..., None] for v in _tolerances(a, rcond if rtol is None else rtol, atol)),
            bool(hermitian),
        ),
    )


def matrix_rank(
    A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None, atol: Any = None, out: Any = None
) -> Any:
    """How many singular values are above the tolerance."""
    a = matrices("matrix_rank", A)
    relative, absolute = (np.asarray(v)[..., None] for v in _tolerances(a, rtol, atol if tol is None else tol))
    if tol is not None:
        relative = np.zeros(1)
    if not a._array.size:
        return wrap(np.zeros(a._array.shape[:-2], np.int64), a._device)
    s = np.linalg.svd(a._array, compute_uv=False)
    limit = np.maximum(absolute, relative * s.max(-1, keepdims=True))
    return wrap((s > limit).sum(-1), a._device)


def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: str | None = None) -> Any:
    """The x that makes |A · x − B| smallest; also residuals, rank and singular values."""
    if need_tensor(A, "linalg_lstsq", "input").dim() < 2:
        raise make(RuntimeError, "torch.linalg.lstsq: input must have at least 2 dimensions.", kind="matrix_dims")
    a = matrices("lstsq", A)
    b = need_tensor(B, "linalg_lstsq", "b", 2)
    is_vector = b.dim() == a.dim() - 1
    if is_vector:
        b = b.unsqueeze(-1)
    if a.shape[-2] != b.shape[-2]:
        fail(
            RuntimeError,
            "torch.linalg.lstsq: input.size(-2) should match other.size(-2)",
            kind="matmul",
            op="linalg_lstsq",
            shapes=[list(a.shape), list(b.shape)],
            sizes=[a.shape[-2], b.shape[-2]],
        )
    if type(a._array) is Virtual:
        no_kernel("linalg_lstsq.out")
    x = product(pinv(a, rcond), b)
    m, n = a.shape[-2:]
    none = wrap(np.zeros(0, a._array.dtype), a._device)
    by_rank = driver in (None, "gelsy", "gelsd", "gelss")
    rank = matrix_rank(a, rtol=rcond) if by_rank else wrap(np.zeros(0, np.int64), a._device)
    full = m > n and driver not in (None, "gelsy") and bool((matrix_rank(a)._array == n).all())
    residuals = (product(a, x) - b).pow(2).sum(-2) if full else x.flatten()[:0]
    values = svdvals(a.detach()) if driver in ("gelsd", "gelss") else none
    solution = x.squeeze(-1) if is_vector else x
    return _LSTSQ(rename_all((solution, residuals, rank, values), "LinalgLstsqBackward0"))


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None else x.to(dtype)


def vector_norm(
    x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None
) -> Any:
    """The p-norm over the dims (all by default)."""
    t = need_tensor(x, "linalg_vector_norm", "x")
    if t._array.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + t.dtype.title,
            kind="dtype_unsupported",
            op="linalg_vector_norm",
            dtype=t.dtype.name,
        )
    t = _cast(t, dtype)
    if isinstance(dim, int):
        dim = (dim,)
    dims = tuple(range(t.dim())) if dim is None or not len(dim) else wrap_dims(dim, t.dim(), "linalg_vector_norm")
    p = float(ord)
    if not t.dim():
        return rename(_ones_where_not_zero(t) if p == 0 else t.abs(), "LinalgVectorNormBackward0")
    if any(t.shape[d] == 0 for d in dims) and (p < 0 or p == math.inf):
        fail(
            RuntimeError,
            f"linalg.vector_norm cannot compute the {_shown(p)} norm on an empty tensor because the operation does not "
            "have an identity",
            kind="empty_reduction",
            op="linalg_vector_norm",
            shape=list(t.shape),
        )
    if p == 0:
        made = _ones_where_not_zero(t).sum(dims, keepdim)
    elif abs(p) == math.inf:
        made = t.abs().amax(dims, keepdim) if p > 0 else t.abs().amin(dims, keepdim)
    else:
        return FUNCTIONS["norm"](t, p, dims, keepdim)
    return rename(made, "LinalgVectorNormBackward0")


def _ones_where_not_zero(t: Tensor) -> Any:
    """Part of the graph like PyTorch's; its gradient is 0."""
    t = t.abs()
    counts = wrap((t._array != 0).astype(t._array.dtype), t._device)
    return FUNCTIONS["where"](wrap(np.ones(t._array.shape, bool), t._device), counts, t)


def _shown(p: float) -> str:
    return "inf" if p == math.inf else "-inf" if p == -math.inf else f"{p:g}"


def matrix_norm(
    A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None, out: Any = None
) -> Any:
    """The norm of each matrix: fro, nuc, ±inf, ±1, ±2."""
    if ord == "fro" and dtype is None and isinstance(A, Tensor) and A.dtype in dtypes.LOW and A.dim() > 1:
        return vector_norm(A, 2, dim, keepdim)
    a = _cast(matrices("matrix_norm", A), dtype)
    if len(dim) != 2:
        raise make(RuntimeError, f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    first, second = wrap_dims(dim, a.dim(), "linalg_matrix_norm") if dim[0] != dim[1] else (dim[0], dim[1])
    if first == second:
        raise make(RuntimeError, f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return vector_norm(a, 2, (first, second), keepdim)
    if isinstance(ord, str) and ord != "nuc":
        raise make(RuntimeError, f"linalg.matrix_norm: Order {ord} not supported.")
    if ord == "nuc" or abs(ord) == 2:
        rest = [d for d in range(a.dim()) if d not in (first, second)]
        s = svdvals(a.permute(*rest, first, second))
        out_ = s.sum(-1) if ord == "nuc" else s.amax(-1) if ord > 0 else s.amin(-1)
        if keepdim:
            for d in sorted((first, second)):
                out_ = out_.unsqueeze(d)
        return out_
    if abs(ord) not in (1, math.inf):
        raise make(RuntimeError, f"linalg.matrix_norm: Order {ord} not supported.")
    over, left = (first, second) if abs(ord) == 1 else (second, first)
    sums = a.abs().sum(over, True)
    found = sums.amax(left, True) if ord > 0 else sums.amin(left, True)
    if keepdim:
        return found
    for d in sorted((first, second), reverse=True):
        found = found.squeeze(d)
    return rename(found, "AmaxBackward0" if ord > 0 else "AminBackward0")


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Any = None, dtype: Any = None) -> Any:
    """A vector's or a matrix' norm, as `ord` and `dim` say."""
    t = need_tensor(A, "linalg_norm", "A")
    dims = (dim,) if isinstance(dim, int) else dim
    if ord is not None:
        n = len(dims) if dims is not None else t.dim()
        if (dims is not None and n not in (1, 2)) or (dims is None and n not in (1, 2)):
            if dims is not None:
                text = f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}"
            else:
                text = f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {n}D."
            fail(RuntimeError, text, kind="dim_range", op="linalg_norm", dim=0, n_dims=t.dim())
        if n == 2:
            return matrix_norm(t, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype)
    elif dims is None:
        return vector_norm(t.flatten() if not keepdim else t, 2, None, keepdim, dtype=dtype)
    return vector_norm(t, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


def cond(A: Any, p: Any = None, *, out: Any = None) -> Any:
    """The condition number."""
    a = matrices("cond", A)
    if p is None or p in (2, -2):
        s = svdvals(a)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(a, p) * matrix_norm(inv(a), p)


def multi_dot(tensors: Any, *, out: Any = None) -> Any:
    """The product of several matrices, in the cheapest order."""
    parts = list(tensors)
    if len(parts) < 2:
        raise make(RuntimeError, "multi_dot(): expected at least 2 tensors but got " + str(len(parts)))
    first_vector, last_vector = parts[0].dim() == 1, parts[-1].dim() == 1
    if first_vector:
        parts[0] = parts[0].unsqueeze(0)
    if last_vector:
        parts[-1] = parts[-1].unsqueeze(-1)
    while len(parts) > 1:
        costs = [parts[i].shape[0] * parts[i].shape[1] * parts[i + 1].shape[1] for i in range(len(parts) - 1)]
        i = costs.index(min(costs))
        parts[i : i + 2] = [product(parts[i], parts[i + 1])]
    result = parts[0]
    if last_vector:
        result = result.squeeze(-1)
    return rename(result.squeeze(0) if first_vector else result, "ViewBackward0")


def cross(input: Any, other: Any, *, dim: int = -1, out: Any = None) -> Any:
    """The cross product along a dim of size 3."""
    a, b = need_tensor(input, "linalg_cross"), need_tensor(other, "linalg_cross", "other", 2)
    if a.dim() != b.dim():
        raise make(RuntimeError, "linalg.cross: inputs must have the same number of dimensions.")
    (d,) = wrap_dims((dim,), a.dim(), "linalg_cross")
    if a.shape[d] != 3 or b.shape[d] != 3:
        fail(
            RuntimeError,
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {a.shape[d]} and {b.shape[d]}",
            kind="cross",
            op="linalg_cross",
            shapes=[list(a.shape), list(b.shape)],
        )
    roll = FUNCTIONS["roll"]
    one = roll(a, -1, d) * roll(b, -2, d)
    return rename(one - roll(a, -2, d) * roll(b, -1, d), "LinalgCrossBackward0")


def vecdot(x: Any, y: Any, *, dim: int = -1, out: Any = None) -> Any:
    """Σ x · y along a dim."""
    return rename((x.conj() * y).sum(dim), "SumBackward1" if x.dim() > 1 or y.dim() > 1 else "VdotBackward0")


def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonals of matrices."""
    return FUNCTIONS["diagonal"](A, offset, dim1, dim2)


def solve_triangular(
    A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Any = None
) -> Any:
    """The x with A · x = B for a triangular A; the other half of A is not looked at."""
    a = matrices("solve_triangular", A, True)
    half = FUNCTIONS["triu" if upper else "tril"](a, (1 if upper else -1) if unitriangular else 0)
    if unitriangular:
        half = half + wrap(np.eye(a.shape[-1], dtype=a._array.dtype), a._device)
    made = call(ops.SOLVE, half, B) if left else call(ops.SOLVE, half.mT, B.mT).mT
    return rename(made, "LinalgSolveTriangularBackward0")


def tensorinv(A: Any, ind: int = 2, *, out: Any = None) -> Any:
    """The inverse of a tensor as a matrix between its first `ind` dims and the others."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    if ind > A.dim():
        raise RuntimeError(f"ArrayRef: invalid slice, N = {ind}; size = {A.dim()}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if math.prod(first) != math.prod(last):
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{math.prod(last)} != {math.prod(first)}"
        )
    return rename(inv(A.reshape(math.prod(first), math.prod(last))).reshape(*last, *first), "ReshapeAliasBackward0")


def vander(x: Any, *, N: int | None = None) -> Any:
    """The powers of x: 0 to N − 1 along a new last dim."""
    if not x.dim():
        x = x.unsqueeze(0)
    n = x.shape[-1] if N is None else N
    powers = wrap(np.arange(n), x._device)
    made = rename(x.unsqueeze(-1) ** powers, "CatBackward0")
    return made if made.dtype is x.dtype or x.dtype is not dtypes.uint8 else made.to(dtypes.int64)


for _name in [
    "inv",
    "det",
    "slogdet",
    "solve",
    "cholesky",
    "qr",
    "svd",
    "svdvals",
    "eigh",
    "eigvalsh",
    "matrix_power",
    "pinv",
    "matrix_rank",
    "lstsq",
    "vector_norm",
    "matrix_norm",
    "norm",
    "cond",
    "multi_dot",
    "cross",
    "vecdot",
    "diagonal",
    "solve_triangular",
    "tensorinv",
    "vander",
]:
    globals()[_name] = guard(f"linalg_{_name}", globals()[_name], f"linalg.{_name}")
    __all__.append(_name)

globals().update({_name: renamed(each, f"linalg.{_name}") for _name, each in decompositions.LINALG.items()})
__all__.extend(decompositions.LINALG)
globals().update({_name: renamed(each, f"linalg.{_name}") for _name, each in eigen.FUNCTIONS.items()})
__all__.extend(eigen.FUNCTIONS)


def _old_names() -> None:
    """What `torch` itself and tensors have of these."""
    mine = globals()

    def logdet(input: Any) -> Any:
        """The logarithm of the determinant; nan where it is negative."""
        sign, log = mine["slogdet"](input)
        return rename(log + FUNCTIONS["log"](sign), "WhereBackward0")

    def old_cross(input: Any, other: Any, dim: int | None = None, *, out: Any = None) -> Any:
        """The cross product; without dim, along the first dim of size 3."""
        if dim is None:
            dim = next((i for i, n in enumerate(input.shape) if n == 3), -1)
        return mine["cross"](input, other, dim=dim)

    names = {
        "inverse": mine["inv"], "det": mine["det"], "slogdet": mine["slogdet"], "logdet": logdet, "qr": None,
        "matrix_power": mine["matrix_power"], "pinverse": mine["pinv"], "cross": old_cross,
    }  # fmt: skip
    for name, function in names.items():
        if function is not None and name not in FUNCTIONS:
            FUNCTIONS[name] = renamed(function, f"torch.{name}")
            setattr(Tensor, name, renamed(function, f"Tensor.{name}"))


_old_names()


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.linalg' has no attribute '{name}'")
