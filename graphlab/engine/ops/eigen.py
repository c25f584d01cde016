"""Eigenvalues and eigenvectors of matrices that need not be symmetric: complex numbers, also for real matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.complex import complex_of
from graphlab.engine.ops.extremes import named
from graphlab.engine.ops.kinds import COMPLEX_VJP, conjugate
from graphlab.engine.ops.linalg import SOLVE
from graphlab.engine.ops.matrices import need_kernel, need_matrices
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import guard, run
from graphlab.engine.virtual import known
from graphlab.i18n import N_


def _eig(a: Any) -> tuple[Any, Any]:
    kind = complex_of(a)
    if not np.isfinite(a).all():
        missing = kind.type(complex(np.nan, np.nan))
        return np.full(a.shape[:-1], missing), np.full(a.shape, missing)
    values, vectors = np.linalg.eig(a)
    return values.astype(kind), vectors.astype(kind)


def _adjoint(node: Any, x: Any) -> Any:
    return conjugate(node.xp.mT(x))


def _eig_vjp(node: Any, gs: Any, values: Any, vectors: Any) -> Any:
    xp = node.xp
    g_values, g_vectors = gs
    n = values.shape[-1]
    eye = xp.constant(np.eye(n, dtype=xp.array_of(values).dtype), values)
    inner: Any = 0
    if g_vectors is not None:
        along = xp.matmul(_adjoint(node, vectors), g_vectors)
        diagonal = xp.sum(along * eye, (len(along.shape) - 2,))
        _refuse_phase(xp.array_of(diagonal))
        lengths = xp.reshape(diagonal.real, (*diagonal.shape[:-1], 1, n))
        along = along - xp.matmul(_adjoint(node, vectors), vectors * lengths)
        row = xp.reshape(values, (*values.shape[:-1], 1, n))
        column = xp.reshape(values, (*values.shape[:-1], n, 1))
        inner = along * (1 - eye) / conjugate(row - column + eye)
    if g_values is not None:
        inner = inner + xp.reshape(g_values, (*g_values.shape[:-1], n, 1)) * eye
    turned = _adjoint(node, vectors)
    out = apply(node, SOLVE, (turned, xp.matmul(inner, turned)))
    return (out.real if node.params[0] else out,)


def _refuse_phase(diagonal: Any) -> None:
    # An eigenvector times e^(iφ) is one, too: a loss that changes with φ has no derivative.
    if diagonal.size and np.abs(diagonal.imag).max() > 1e-2 + 1e-2 * np.abs(diagonal.real).max():
        fail(
            RuntimeError,
            "linalg_eig_backward: The eigenvectors in the complex case are specified up to multiplication by "
            "e^{i phi}. The specified loss function depends on this quantity, so it is ill-defined.",
            kind="eigenvector_phase",
            op="linalg_eig",
        )


EIG: Op = declare(
    Op(
        name="linalg_eig",
        category=Category.MATRIX,
        args=("input",),
        params=("is_real",),
        formula="input · V = V · diag(L)",
        backward_formula="d input = V⁻ᴴ · (diag(gL) + (Vᴴ · gV − Vᴴ · V · diag(Re Vᴴ · gV)) / E*) · Vᴴ",
        forward=lambda a, is_real: _eig(a),
        vjp=_eig_vjp,
        saves=("out", "out1"),
        n_outputs=2,
        shape=lambda s, *_: (s[:-1], s),
        dtype=lambda a, *_: complex_of(a),
        narrate=N_("eigenvalues and eigenvectors of {input} {input_shape}: complex numbers"),
        narrate_backward=N_("the gradients of eigenvalues and eigenvectors are turned back to {input}"),
    )
)
COMPLEX_VJP["linalg_eig"] = _eig_vjp
_NAMED = named("linalg_eig", ("eigenvalues", "eigenvectors"))


def _both(A: Any, is_whole: bool) -> Any:
    t = need_matrices(A, "linalg_eig", "linalg.eig" if is_whole else "linalg.eigvals")
    if t.dtype.rank < 2:
        raise RuntimeError(f"Unknown Complex ScalarType for {t.dtype.title}")
    need_kernel(t, "linalg_eig_out_cpu")
    if is_whole and known(t._array) and not np.isfinite(t._array).all():
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    return run(EIG, (t,), (t.dtype not in (dtypes.complex64, dtypes.complex128),))


def eig(A: Any, *, out: Any = None) -> Any:
    """Eigenvalues and eigenvectors, complex."""
    return _NAMED(_both(A, True))


def eigvals(A: Any, *, out: Any = None) -> Any:
    """Eigenvalues, complex."""
    return _both(A, False)[0]


FUNCTIONS = {"eig": guard("linalg_eig", eig), "eigvals": guard("linalg_eigvals", eigvals)}
"""What `torch.linalg` has of this."""
