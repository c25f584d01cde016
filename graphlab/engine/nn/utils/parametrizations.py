"""Parametrizations that keep a weight orthogonal or of bounded norm, or part its length from its direction."""

from __future__ import annotations

from typing import Any

from graphlab.engine.modes import no_grad
from graphlab.engine.nn import functional as F
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.utils import parametrize
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Any:
    """The norms of the slices along `dim`, shaped to be multiplied with `v`; of all numbers for -1."""
    if dim == -1:
        return v.norm(pow)
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    return v.norm(pow, others, keepdim=True) if others else v.abs()


class _WeightNorm(Module):
    """weight = g · v / |v|, the norm for each index of `dim`."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Any) -> Any:
        return weight_v * (weight_g / norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight: Tensor) -> Any:
        """Length and direction of a weight."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Part a weight into its length (`original0`) and its direction (`original1`)."""
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def take_old_names(_module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state for key in old):
            for i, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)

    module.register_load_state_dict_pre_hook(take_old_names)
    return module


class _SpectralNorm(Module):
    """weight / its largest singular value, which a step of the power method a time keeps up with."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        n = weight.dim()
        if not -n <= dim < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{n}, {n - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % n
        self.eps = eps
        if n > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight)
            h, w = matrix.shape
            u, v = matrix.new_empty(h).normal_(0, 1), matrix.new_empty(w).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._step(matrix, 15)

    def _matrix(self, weight: Any) -> Any:
        if self.dim:
            weight = weight.permute(self.dim, *(d for d in range(weight.dim()) if d != self.dim))
        return weight.flatten(1)

    def _step(self, matrix: Any, n: int) -> None:
        with no_grad():
            u: Any = self._buffers["_u"]
            v: Any = self._buffers["_v"]
            for _ in range(n):
                u.copy_(F.normalize(matrix.mv(v), dim=0, eps=self.eps))
                v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._step(matrix, self.n_power_iterations)
        # Copies, since a second forward pass before backward writes into u and v.
        u: Any = self._buffers["_u"]
        v: Any = self._buffers["_v"]
        return weight / u.clone().dot(matrix.mv(v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself: it is meant to satisfy the constraint."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        transposed = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
        dim = 1 if any(kind.__name__ in transposed for kind in type(module).__mro__) else 0
    parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


class _Orthogonal(Module):
    """An orthogonal matrix, from an exponential, by Cayley's map or from reflections."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self._is_trivialized = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        transposed = X.size(-2) < X.size(-1)
        if transposed:
            X = X.transpose(-2, -1)
        n, k = X.size(-2), X.size(-1)
        if self.orthogonal_map == "householder":
            A = X.tril(-1)
            tau = 2.0 / (1.0 + (A * A).sum(-2))
            Q = FUNCTIONS["orgqr"](A, tau) * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            Q = self._mapped(X.tril(), n, k)
        if self._is_trivialized:
            Q = self.base @ Q
        return Q.transpose(-2, -1) if transposed else Q

    def _mapped(self, X: Any, n: int, k: int) -> Any:
        if n != k:
            X = FUNCTIONS["cat"]([X, X.new_zeros(n, n - k).expand(*X.shape[:-2], -1, -1)], -1)
        A = X - X.transpose(-2, -1)
        if self.orthogonal_map == "matrix_exp":
            Q = FUNCTIONS["matrix_exp"](A)
        else:
            from graphlab.engine import linalg

            one = FUNCTIONS["eye"](n, dtype=A.dtype, device=A.device)
            Q = linalg.solve(one - A * 0.5, one + A * 0.5)
        return Q[..., :k] if n != k else Q

    def right_inverse(self, Q: Any) -> Any:
        """A start from which `forward` gives Q."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        with no_grad():
            start = Q
            transposed = Q.size(-2) < Q.size(-1)
            if transposed:
                Q = Q.transpose(-2, -1)
            n, k = Q.size(-2), Q.size(-1)
            if not self._is_trivialized:
                return self._reflections(Q, transposed)
            if n == k:
                self.base = Q.clone() if _is_orthogonal(Q) else _as_orthogonal(Q)
            else:
                # The columns that are missing are drawn, and made orthogonal to those that are there.
                more = FUNCTIONS["randn"](*Q.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)
                self.base = _as_orthogonal(FUNCTIONS["cat"]([Q, more], -1))
            zero = FUNCTIONS["zeros_like"](start)
            eye = FUNCTIONS["eye"](*zero.shape[-2:], dtype=zero.dtype)
            return zero - eye if self.orthogonal_map == "householder" else zero

    def _reflections(self, Q: Any, transposed: bool) -> Any:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        A, tau = FUNCTIONS["geqrf"](Q)
        A.diagonal(dim1=-2, dim2=-1).sign_()
        A.diagonal(dim1=-2, dim2=-1)[tau == 0.0] *= -1
        return A.transpose(-2, -1) if transposed else A


def _is_orthogonal(Q: Any) -> bool:
    n = Q.size(-1)
    eps = 10.0 * n * {"float32": 1.1920929e-07, "float64": 2.220446e-16}.get(Q.dtype.name, 1e-3)
    one = FUNCTIONS["eye"](n, dtype=Q.dtype)
    return bool(FUNCTIONS["allclose"](Q.transpose(-2, -1) @ Q, one, atol=eps))


def _as_orthogonal(X: Any) -> Any:
    """The orthogonal matrix of a QR decomposition whose R has a positive diagonal."""
    from graphlab.engine import linalg

    Q, R = linalg.qr(X)
    return Q * R.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a matrix orthogonal (or its columns, where it is not square)."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    parametrize.register_parametrization(module, name, made, unsafe=True)
    return module
