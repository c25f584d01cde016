"""Singular values of matrices that are nearly of low rank, from random directions, and principal components.

N. Halko, P. G. Martinsson and J. Tropp, Finding Structure with Randomness, 2009: algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from typing import Any

from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public
from graphlab.engine.tensor import Tensor


def _directions(a: Tensor, q: int, n_rounds: int, mean: Any) -> Any:
    """Orthonormal columns that span nearly what the matrix spans."""
    from graphlab.engine import linalg
    from graphlab.engine.random import randn

    matmul = FUNCTIONS["matmul"]

    def times(matrix: Any, less: Any, x: Any) -> Any:
        found = matmul(matrix, x)
        return linalg.qr(found if less is None else found - matmul(less, x))[0]

    found = times(a, mean, randn(a.shape[-1], q, dtype=a.dtype, device=a.device))
    for _ in range(n_rounds):
        found = times(a.mH, None if mean is None else mean.mH, found)
        found = times(a, mean, found)
    return found


@public("svd_lowrank", "svd_lowrank", method=False)
def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:
    """U, S and V with U · diag(S) · Vᵀ ≈ A (less M), of rank q."""
    from graphlab.engine import linalg

    a: Any = need_tensor(A, "svd_lowrank", "A")
    mean = None if M is None else FUNCTIONS["broadcast_to"](M, tuple(a.shape))
    is_wide = a.shape[-2] < a.shape[-1]
    if is_wide:
        a, mean = a.mH, None if mean is None else mean.mH
    basis = _directions(a, 6 if q is None else q, 2 if niter is None else niter, mean)
    small = FUNCTIONS["matmul"](basis.mH, a)
    if mean is not None:
        small = small - FUNCTIONS["matmul"](basis.mH, mean)
    u, s, vh = linalg.svd(small, full_matrices=False)
    left, right = FUNCTIONS["matmul"](basis, u), vh.mH
    return (right, s, left) if is_wide else (left, s, right)


@public("pca_lowrank", "pca_lowrank", method=False)
def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """The principal components of the rows of A: as `svd_lowrank`, of A less its columns' means."""
    a: Any = need_tensor(A, "pca_lowrank", "A")
    least = min(a.shape[-2:])
    if q is None:
        q = min(6, least)
    elif not 0 <= q <= least:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={least}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(a - a.mean(-2, keepdim=True) if center else a, q, niter)


@public("vander", "vander", method=False)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of each entry of x along a new last dim, falling unless told otherwise."""
    from graphlab.engine import linalg

    t = need_tensor(x, "vander", "x")
    if t.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = t.shape[0] if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    if n == 0:
        return FUNCTIONS["empty"]((t.shape[0], 0), dtype=t.dtype, device=t.device)
    powers = linalg.vander(t, N=n)
    return powers if increasing else powers.flip(-1)
