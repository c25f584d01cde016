"""Discrete Fourier transforms: `torch.fft`."""

from __future__ import annotations

from typing import Any

from graphlab.engine import dtypes
from graphlab.engine.errors import wrap_dim
from graphlab.engine.ops import FUNCTIONS
from graphlab.engine.ops.complex import is_complex
from graphlab.engine.ops.fourier import C2C, C2R, R2C
from graphlab.engine.ops.padding import pad
from graphlab.engine.ops.run import guard, need_tensor, run
from graphlab.engine.tensor import Tensor

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift",
    "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip


def _scale(norm: Any, forward: bool) -> str:
    """How a transform is scaled: "none", "root" (1/√n) or "n" (1/n)."""
    if norm is None or norm == "backward":
        return "none" if forward else "n"
    if norm == "forward":
        return "n" if forward else "none"
    if norm == "ortho":
        return "root"
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _promoted(x: Tensor, needs_complex: bool = False) -> Any:
    """The tensor in a type that is transformed: integers become floats."""
    kind = x.dtype
    if kind.rank < 2:
        kind = dtypes.get_default_dtype()
    if kind in dtypes.LOW:
        raise RuntimeError(f"Unsupported dtype {kind.title}")
    return x.to(kind.to_complex() if needs_complex else kind)


def _sized(x: Any, dims: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
    """The tensor cut off or filled up with zeros to these sizes along the dims; -1: as it is."""
    padding = [0] * (2 * x.dim())
    for d, n in zip(dims, sizes):
        if n == -1:
            continue
        here = x._array.shape[d]
        if n < here:
            x = x.narrow(d, 0, n)
        elif n > here:
            padding[2 * (x.dim() - 1 - d) + 1] = n - here
    return pad(x, padding) if any(padding) else x


def _check_points(n: int) -> None:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def _integer(function: str, name: str, value: Any) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        where = " (position 2)" if name == "n" else ""
        raise TypeError(f"fft_{function}(): argument '{name}'{where} must be int, not {type(value).__name__}")


def _along(function: str, input: Any, n: Any, dim: Any) -> tuple[Any, int]:
    x = need_tensor(input, "fft_" + function)
    _integer(function, "n", n)
    _integer(function, "dim", dim)
    if not x.dim():
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return x, wrap_dim(dim, x.dim(), function)


def _complex_to_complex(function: str, input: Any, n: Any, dim: int, norm: Any, forward: bool) -> Any:
    x, d = _along(function, input, n, dim)
    if not is_complex(x):
        return _real_to_complex(function, input, n, dim, norm, forward, False)
    x = _promoted(x)
    n = x.shape[d] if n is None else n
    _check_points(n)
    return run(C2C, (_sized(x, (d,), (n,)),), ((d,), _scale(norm, forward), forward))


def _real_to_complex(
    function: str, input: Any, n: Any, dim: int, norm: Any, forward: bool, onesided: bool = True
) -> Any:
    x, d = _along(function, input, n, dim)
    if is_complex(x):
        raise RuntimeError(f"{function} expects a real input tensor, but got {x.dtype.title}")
    x = _promoted(x)
    n = x.shape[d] if n is None else n
    _check_points(n)
    out = run(R2C, (_sized(x, (d,), (n,)),), ((d,), _scale(norm, forward), onesided))
    return out if forward else FUNCTIONS["conj"](out)


def _complex_to_real(function: str, input: Any, n: Any, dim: int, norm: Any, forward: bool) -> Any:
    x, d = _along(function, input, n, dim)
    x = _promoted(x, True)
    n = 2 * (x.shape[d] - 1) if n is None else n
    _check_points(n)
    x = _sized(x, (d,), (n // 2 + 1,))
    if forward:
        x = FUNCTIONS["conj"](x)
    return run(C2R, (x,), ((d,), _scale(norm, forward), n))


def fft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None) -> Any:
    """The frequencies of a signal along a dim."""
    return _complex_to_complex("fft", input, n, dim, norm, True)


def ifft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None) -> Any:
    """The signal that has these frequencies."""
    return _complex_to_complex("ifft", input, n, dim, norm, False)


def rfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None) -> Any:
    """The frequencies of a real signal, without those that mirror others."""
    return _real_to_complex("rfft", input, n, dim, norm, True)


def irfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None) -> Any:
    """The real signal that has these frequencies."""
    return _complex_to_real("irfft", input, n, dim, norm, False)


def hfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None) -> Any:
    """The real frequencies of a signal whose second half mirrors its first."""
    return _complex_to_real("hfft", input, n, dim, norm, True)


def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Any = None) -> Any:
    """The first half of the signal that has these real frequencies."""
    return _real_to_complex("ihfft", input, n, dim, norm, False)


# Along several dims


def _as_tuple(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _shape_and_dims(x: Any, s: Any, dim: Any, op: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes (as they will be) and the dims of a transform."""
    n_dims = x.dim()
    if not n_dims and dim is not None:
        for d in _as_tuple(dim):
            raise IndexError(f"Dimension specified as {d} but tensor has no dimensions")
    dims = None if dim is None else tuple(wrap_dim(d, n_dims, op) for d in _as_tuple(dim))
    if dims is not None and len(set(dims)) != len(dims):
        raise RuntimeError("FFT dims must be unique")
    if s is not None:
        s = _as_tuple(s)
        if dims is not None and len(dims) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > n_dims:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {n_dims} dimensions.")
        if dims is None:
            dims = tuple(range(n_dims - len(s), n_dims))
    elif dims is None:
        dims = tuple(range(n_dims))
    sizes = tuple(x.shape[d] if n == -1 else n for d, n in zip(dims, s or (-1,) * len(dims)))
    return sizes, dims


def _n_complex(op: str, input: Any, s: Any, dim: Any, norm: Any, forward: bool) -> Any:
    x = need_tensor(input, "fft_" + op)
    sizes, dims = _shape_and_dims(x, s, dim, op)
    for n in sizes:
        _check_points(n)
    x = _sized(_promoted(x, True), dims, sizes)
    scale = _scale(norm, forward)
    return run(C2C, (x,), (dims, scale, forward)) if dims else x.clone()


def _n_real(op: str, input: Any, s: Any, dim: Any, norm: Any) -> Any:
    x = need_tensor(input, "fft_" + op)
    if is_complex(x):
        raise RuntimeError(f"{op} expects a real-valued input tensor, but got {x.dtype.title}")
    sizes, dims = _shape_and_dims(x, s, dim, op)
    if not dims:
        raise RuntimeError(f"{op} must transform at least one axis")
    for n in sizes:
        _check_points(n)
    return run(R2C, (_sized(_promoted(x), dims, sizes),), (dims, _scale(norm, True), True))


def _n_inverse(op: str, input: Any, s: Any, dim: Any) -> tuple[Any, tuple[int, ...], int]:
    """The complex input of a transform to real numbers, its dims, and the last size of the result."""
    x = need_tensor(input, "fft_" + op)
    sizes, dims = _shape_and_dims(x, s, dim, op)
    if not dims:
        raise RuntimeError(f"{op} must transform at least one axis")
    given = -1 if s is None else _as_tuple(s)[-1]
    last = 2 * (x.shape[dims[-1]] - 1) if given == -1 else given
    _check_points(last)
    sizes = (*sizes[:-1], last // 2 + 1)
    for n in sizes:
        _check_points(n)
    return _sized(_promoted(x, True), dims, sizes), dims, last


def fftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Any = None) -> Any:
    """The frequencies along several dims, all of them by default."""
    return _n_complex("fftn", input, s, dim, norm, True)


def ifftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Any = None) -> Any:
    """The inverse of `fftn`."""
    return _n_complex("ifftn", input, s, dim, norm, False)


def rfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Any = None) -> Any:
    """The frequencies of real numbers along several dims; half of them along the last."""
    return _n_real("rfftn", input, s, dim, norm)


def irfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Any = None) -> Any:
    """The inverse of `rfftn`."""
    x, dims, last = _n_inverse("irfftn", input, s, dim)
    return run(C2R, (x,), (dims, _scale(norm, False), last))


def hfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Any = None) -> Any:
    """The real frequencies of what mirrors itself along the last dim."""
    x, dims, last = _n_inverse("hfftn", input, s, dim)
    if len(dims) > 1:
        x = run(C2C, (x,), (dims[:-1], _scale(norm, True), True))
    return run(C2R, (FUNCTIONS["conj"](x),), (dims[-1:], _scale(norm, True), last))


def ihfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None, *, out: Any = None) -> Any:
    """The inverse of `hfftn`."""
    x = need_tensor(input, "fft_ihfftn")
    if is_complex(x):
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {x.dtype.title}")
    sizes, dims = _shape_and_dims(x, s, dim, "ihfftn")
    if not dims:
        raise RuntimeError("ihfftn must transform at least one axis")
    for n in sizes:
        _check_points(n)
    scale = _scale(norm, False)
    out = run(R2C, (_sized(_promoted(x), dims, sizes),), (dims[-1:], scale, True))
    out = FUNCTIONS["conj"](out)
    return run(C2C, (out,), (dims[:-1], scale, False)) if len(dims) > 1 else out


def _in_two(function: Any, name: str) -> Any:
    def two(input: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None, *, out: Any = None) -> Any:
        return function(input, s, dim, norm)

    two.__name__ = two.__qualname__ = name
    two.__doc__ = f"`{function.__name__}` along two dims, the last ones by default."
    return guard("fft_" + name, two)


# Frequencies and their order


def fftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """The frequency of each place of an `fft` of n points at distance d: [0, 1, …, −2, −1] / (n · d)."""
    k = FUNCTIONS["arange"](n, dtype=dtype or dtypes.get_default_dtype(), device=device)
    half = (n + 1) // 2
    if n:
        k[half:] = FUNCTIONS["arange"](-(n // 2), 0, dtype=k.dtype, device=device)
    k = k * (1.0 / (n * d)) if n else k
    return k.requires_grad_() if requires_grad else k


def rfftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:  # fmt: skip
    """The frequency of each place of an `rfft` of n points at distance d: [0, 1, …, n/2] / (n · d)."""
    k = FUNCTIONS["arange"](n // 2 + 1, dtype=dtype or dtypes.get_default_dtype(), device=device)
    k = k * (1.0 / (n * d))
    return k.requires_grad_() if requires_grad else k


def _shifted(function: str, input: Any, dim: Any, back: bool) -> Any:
    x = need_tensor(input, "fft_" + function)
    dims = tuple(range(x.dim())) if dim is None else _as_tuple(dim)
    sizes = [x.shape[wrap_dim(d, x.dim(), function)] for d in dims]
    return x.roll([(n + 1) // 2 if back else n // 2 for n in sizes], dims)


def fftshift(input: Any, dim: Any = None) -> Any:
    """The frequencies in rising order, 0 in the middle."""
    return _shifted("fftshift", input, dim, False)


def ifftshift(input: Any, dim: Any = None) -> Any:
    """The inverse of `fftshift`."""
    return _shifted("ifftshift", input, dim, True)


for _function in (
    fft, ifft, rfft, irfft, hfft, ihfft, fftn, ifftn, rfftn, irfftn, hfftn, ihfftn, fftfreq, rfftfreq, fftshift,
    ifftshift,
):  # fmt: skip
    globals()[_function.__name__] = guard("fft_" + _function.__name__, _function)
fft2, ifft2, rfft2, irfft2 = (
    _in_two(fftn, "fft2"),
    _in_two(ifftn, "ifft2"),
    _in_two(rfftn, "rfft2"),
    _in_two(irfftn, "irfft2"),
)
hfft2, ihfft2 = _in_two(hfftn, "hfft2"), _in_two(ihfftn, "ihfft2")
