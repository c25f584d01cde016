"""Statistics of an array, and a thinned-out sample of it to look at."""

from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLE_SIDE = 64
_BLOCK = 2**20

Statistics = dict[str, float]
"""min max mean std norm (of the finite elements; missing when there are none), n_nan n_inf n_zero. {} when empty."""


def magnitudes(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers that can be compared and drawn: the absolute values of complex ones, others as they are."""
    return np.abs(array) if array.dtype.kind == "c" else array


def statistics(array: npt.NDArray[Any]) -> Statistics:
    """The statistics of an array (complex: of the absolute values). The standard deviation is the population's."""
    if array.size == 0:
        return {}
    flat = magnitudes(array).reshape(-1)
    if flat.dtype.kind == "f" and flat.size > 64:
        quick = _all_finite(flat)
        if quick is not None:
            return quick
    n_nan = n_inf = n_zero = n = 0
    low, high, total, squares = np.inf, -np.inf, 0.0, 0.0
    for start in range(0, flat.size, _BLOCK):  # in blocks: a large array needs no float64 copy of its size
        block = flat[start : start + _BLOCK].astype(np.float64)
        finite = block[np.isfinite(block)]
        n_nan += int(np.count_nonzero(np.isnan(block)))
        n_inf += int(np.count_nonzero(np.isinf(block)))
        n_zero += int(np.count_nonzero(block == 0))
        if finite.size:
            n += finite.size
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            total += float(finite.sum())
            squares += float(np.dot(finite, finite))
    counts = {"n_nan": float(n_nan), "n_inf": float(n_inf), "n_zero": float(n_zero)}
    if n == 0:
        return counts
    mean = total / n
    deviation = max(0.0, squares / n - mean * mean) ** 0.5
    return {"min": low, "max": high, "mean": mean, "std": deviation, "norm": squares**0.5, **counts}


def _all_finite(flat: npt.NDArray[Any]) -> Statistics | None:
    """The statistics in a few passes at the array's own precision; None when something is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = float(np.dot(flat, flat)) if flat.dtype != np.float16 else np.inf
    if not np.isfinite(squares):
        return None
    mean = float(flat.mean(dtype=np.float64))
    centred = flat - flat.dtype.type(mean)
    return {
        "min": float(flat.min()),
        "max": float(flat.max()),
        "mean": mean,
        "std": float(np.dot(centred, centred) / flat.size) ** 0.5,
        "norm": squares**0.5,
        "n_nan": 0.0,
        "n_inf": 0.0,
        "n_zero": float(flat.size - np.count_nonzero(flat)),
    }


def sample(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """At most 64 × 64 elements, at even steps over the last two axes and from the middle of the others."""
    while array.ndim > 2:
        array = array[array.shape[0] // 2] if array.shape[0] else array.reshape(0, array.shape[-1])
    thinned = array[tuple(slice(None, None, -(-max(1, n) // SAMPLE_SIDE)) for n in array.shape)]
    return thinned.copy()
