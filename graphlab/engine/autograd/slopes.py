"""`torch.autograd.gradcheck`: derivatives held against the slopes of small steps, also those of derivatives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine.autograd.gradients import grad
from graphlab.engine.random import randn_like
from graphlab.engine.tensor import Tensor, wrap


class GradcheckError(RuntimeError):
    """A derivative and its numeric slope differ."""


def _numeric(outputs: Callable[[], list[Any]], x: Tensor, eps: float) -> list[Any]:
    """(entries of x, entries of output) for each output: central differences."""
    flat = x._array.reshape(-1)
    rows: list[list[Any]] = []

    def slope(i: int, step: Any) -> list[Any]:
        kept = flat[i]
        flat[i] = kept - step
        low = outputs()
        flat[i] = kept + step
        high = outputs()
        flat[i] = kept
        return [((b - a) / (2 * eps)).reshape(-1) for a, b in zip(low, high)]

    for i in range(flat.size):
        found = slope(i, eps)
        if flat.dtype.kind == "c":
            found = [real + 1j * imag for real, imag in zip(found, slope(i, eps * 1j))]
        rows.append(found)
    return [np.stack(columns) for columns in zip(*rows)]


def _analytic(output: Tensor, x: Tensor) -> Any:
    """(entries of x, entries of output), one backward pass for each entry (or part of a complex one) of the output."""
    n = output._array.size
    ways = (1, 1j) if output._array.dtype.kind == "c" else (1,)
    columns = np.zeros((x._array.size, n * len(ways)), x._array.dtype)
    for j in range(n * len(ways)):
        seed = np.zeros(output._array.shape, output._array.dtype)
        seed.reshape(-1)[j % n] = ways[j // n]
        (g,) = grad(output, x, wrap(seed), retain_graph=True, allow_unused=True)
        if g is not None:
            columns[:, j] = g._array.reshape(-1)
    return columns


def _parts(array: Any) -> Any:
    """A copy; of complex numbers first the real parts, then the imaginary ones."""
    return np.stack((array.real, array.imag)) if array.dtype.kind == "c" else np.array(array)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **options: Any,
) -> bool:
    """Whether `func`'s derivatives with respect to `inputs` are the slopes; else a GradcheckError, or False.

    PyTorch's other checks (`nondet_tol`, `fast_mode`, `check_undefined_grad`, …) are accepted and not made.
    """
    given = _as_tuple(inputs)
    wanted = [x for x in given if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i, x in enumerate(given):
        if isinstance(x, Tensor) and x.requires_grad and x._array.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=2,
            )
    outputs = [out for out in _as_tuple(func(*given)) if out.requires_grad]

    def values() -> list[Any]:
        return [_parts(out._array) for out in _as_tuple(func(*given)) if out.requires_grad]

    for i, x in enumerate(given):
        if not (isinstance(x, Tensor) and x.requires_grad):
            continue
        for j, (out, numeric) in enumerate(zip(outputs, _numeric(values, x, eps))):
            analytic = _analytic(out, x)
            if not np.allclose(analytic, numeric, rtol, atol):
                if not raise_exception:
                    return False
                raise GradcheckError(
                    f"Jacobian mismatch for output {j} with respect to input {i},\n"
                    f"numerical:{wrap(numeric)}\nanalytical:{wrap(analytic)}\n"
                )
    return True


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, raise_exception: bool = True, **options: Any
) -> bool:
    """`gradcheck` of the derivatives: whether the second derivatives of `func` are right."""
    given = _as_tuple(inputs)
    outputs = [out for out in _as_tuple(func(*given)) if out.requires_grad]
    if grad_outputs is None:
        seeds = tuple(randn_like(out.detach()).requires_grad_() for out in outputs)
    else:
        seeds = _as_tuple(grad_outputs)
    n = len(given)

    def first(*args: Any) -> Any:
        results = [out for out in _as_tuple(func(*args[:n])) if out.requires_grad]
        chosen = tuple(x for x in args[:n] if isinstance(x, Tensor) and x.requires_grad)
        grads = grad(results, chosen, args[n:], create_graph=True, allow_unused=True)
        return tuple(g for g in grads if g is not None)

    return gradcheck(first, (*given, *seeds), raise_exception=raise_exception, **options)
