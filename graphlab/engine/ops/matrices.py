"""What factorizations share: checks of their arguments in PyTorch's words, permutations, triangular systems."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, make
from graphlab.engine.ops.run import need_tensor
from graphlab.engine.tensor import Tensor

INT32 = np.dtype(np.int32)


def need_matrices(
    value: Any, function: str, shown: str, *, square: bool = True, word: str = "input", position: int = 1
) -> Tensor:
    """The argument, if it is a tensor of (square) matrices; `shown` is how PyTorch names the function in messages."""
    t = need_tensor(value, function, word, position)
    shape = t._array.shape
    if len(shape) < 2:
        fail(
            RuntimeError,
            f"{shown}: The input tensor A must have at least 2 dimensions.",
            kind="matrix_dims",
            op=function,
            shape=list(shape),
        )
    if square and shape[-1] != shape[-2]:
        fail(
            RuntimeError,
            f"{shown}: A must be batches of square matrices, but they are {shape[-2]} by {shape[-1]} matrices",
            kind="matrix_square",
            op=function,
            shape=list(shape),
        )
    return t


def need_kernel(t: Tensor, kernel: str) -> None:
    """Refuse types for which PyTorch has no such kernel: whole numbers and half precision."""
    if t._array.dtype.kind not in "fc" or t._array.itemsize == 2:
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{t.dtype.title}'",
            kind="dtype_unsupported",
            op=kernel,
            dtype=t.dtype.name,
        )


def need_floating(t: Tensor, shown: str) -> None:
    """Refuse types that are not floating-point."""
    if t.dtype.rank < 2:
        fail(
            RuntimeError,
            f"{shown}: Expected a floating point or complex tensor as input. Got {t.dtype.title}",
            kind="dtype_unsupported",
            op=shown,
            dtype=t.dtype.name,
        )


def need_system(function: str, a: Tensor, b: Tensor) -> None:
    """Refuse a right-hand side that does not go with its square matrices (the older functions' words)."""
    na, nb = a._array.shape, b._array.shape
    if na[-1] != nb[-2]:
        fail(
            RuntimeError,
            f"Incompatible matrix sizes for {function}: each A matrix is {na[-1]} by {na[-1]} but each b matrix is "
            f"{nb[-2]} by {nb[-1]}",
            kind="matmul",
            op=function,
            shapes=[list(na), list(nb)],
            sizes=[na[-1], nb[-2]],
        )
    if na[-1] != na[-2]:
        fail(
            RuntimeError,
            f"A must be batches of square matrices, but they are {na[-2]} by {na[-1]} matrices",
            kind="matrix_square",
            op=function,
            shape=list(na),
        )
    if a._array.dtype != b._array.dtype:
        fail(
            RuntimeError,
            f"Expected b and A to have the same dtype, but found b of type {b.dtype.title} and A of type "
            f"{a.dtype.title} instead.",
            kind="dtype_mix",
            op=function,
            dtypes=[b.dtype.name, a.dtype.name],
        )


def batch_element(infos: Array) -> tuple[str, int]:
    """The words for the first matrix of a batch that failed, and what LAPACK would have said of it."""
    flat = infos.reshape(-1)
    index = int(np.argmax(flat != 0))
    return (f"(Batch element {index}): " if infos.ndim else "", int(flat[index]))


def singular(kind: type[BaseException], text: str, function: str, shape: tuple[int, ...]) -> BaseException:
    """The error for a matrix without an inverse."""
    return make(kind, text, kind="singular", op=function, shape=list(shape))


def listed(a: Array, n_dims: int = 2) -> Any:
    """All matrices (or vectors) of a batch one after the other."""
    split = a.ndim - n_dims
    return a.reshape(math.prod(a.shape[:split]), *a.shape[split:])


def transposed(a: Any) -> Any:
    """The last two dims swapped."""
    return a.swapaxes(-1, -2)


def adjoint(a: Any) -> Any:
    """The last two dims swapped, and complex numbers conjugated."""
    return a.conj().swapaxes(-1, -2)


def magnitude(a: Any) -> Any:
    """What LAPACK compares when it looks for a pivot: of complex numbers the sum of their parts' absolute values."""
    return np.abs(a.real) + np.abs(a.imag) if a.dtype.kind == "c" else np.abs(a)


def triangular(a: Array, b: Array, upper: bool) -> Any:
    """The x with a · x = b for triangular a; zeros on the diagonal give infinities and NaN, as in LAPACK."""
    diagonal = np.diagonal(a, axis1=-2, axis2=-1)
    if a.size and np.all(diagonal != 0) and np.all(np.isfinite(a)):
        # Substitution by columns is what LU does with such a matrix; LAPACK's loop is the faster one.
        if upper:
            return np.linalg.solve(a, b)
        return np.linalg.solve(a[..., ::-1, ::-1], b[..., ::-1, :])[..., ::-1, :]
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.broadcast_to(b, (*shape, *b.shape[-2:])).copy()
    n = a.shape[-1]
    with np.errstate(all="ignore"):
        for i in range(n - 1, -1, -1) if upper else range(n):
            known = slice(i + 1, None) if upper else slice(0, i)
            if x[..., known, :].shape[-2]:
                x[..., i, :] -= (a[..., i, known][..., None, :] @ x[..., known, :])[..., 0, :]
            x[..., i, :] /= a[..., i, i][..., None]
    return x


def permutation(pivots: Array, n: int) -> Any:
    """Which row of the matrix comes to each place, from LAPACK's exchanges (counted from 1)."""
    flat = listed(pivots, 1)
    order = np.broadcast_to(np.arange(n), (len(flat), n)).copy()
    rows = np.arange(len(flat))
    for i in range(flat.shape[-1]):
        j = flat[:, i].astype(np.int64) - 1
        order[rows, i], order[rows, j] = order[rows, j], order[rows, i]
    return order.reshape(*pivots.shape[:-1], n)


def permutation_matrix(pivots: Array, n: int, dtype: Any) -> Any:
    """The P of A = P · L · U."""
    order = permutation(pivots, n)
    return transposed(np.eye(n, dtype=dtype)[order])
