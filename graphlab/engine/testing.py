"""`torch.testing`: `assert_close`, which says how far apart two tensors are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.tensor import Tensor

__all__ = ["assert_close"]

_TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (0.016, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}
_TOLERANCES |= {"complex64": _TOLERANCES["float32"], "complex128": _TOLERANCES["float64"]}
_NUMBER = (bool, int, float, complex)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise an AssertionError unless |actual − expected| ≤ atol + rtol · |expected| everywhere.

    Tensors, numbers, and lists and dicts of them; the tolerances follow from the dtype unless both are given.
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    given = None if rtol is None or atol is None else (rtol, atol)
    checks = (check_device, check_dtype, check_stride)
    text = _difference(actual, expected, given, equal_nan, checks, [])
    if text is not None:
        raise AssertionError(msg(text) if callable(msg) else text if msg is None else msg)


def _difference(x: Any, y: Any, given: Any, equal_nan: bool, checks: tuple[bool, ...], at: list[Any]) -> str | None:
    """What is different, None where nothing is; `at` are the keys that led here."""
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        text = _attributes(x, y, checks)
        if text is None:
            kinds = (x.dtype, y.dtype)
            kind = dtypes.promote_types(*kinds).np
            text = _numbers(x.detach().cpu()._array, y.detach().cpu()._array, kind, kinds, given, equal_nan)
    elif isinstance(x, (*_NUMBER, np.ndarray, np.number)) and isinstance(y, (*_NUMBER, np.ndarray, np.number)):
        a, b = np.asarray(x), np.asarray(y)
        kind = np.result_type(a, b)
        kinds = (dtypes.of(a), dtypes.of(b))
        if a.shape != b.shape:
            text = f"The values for attribute 'shape' do not match: {_size(a)} != {_size(b)}."
        else:
            text = _numbers(a, b, kind, kinds, given, equal_nan)
    elif x is None or y is None:
        text = None if x is y else f"None mismatch: {x} is not {y}"
    elif isinstance(x, Sequence) and isinstance(y, Sequence) and not isinstance(x, str) and not isinstance(y, str):
        if len(x) != len(y):
            text = f"The length of the sequences mismatch: {len(x)} != {len(y)}"
        else:
            return _first(((i, a, b) for i, (a, b) in enumerate(zip(x, y))), given, equal_nan, checks, at)
    elif isinstance(x, Mapping) and isinstance(y, Mapping):
        missing, extra = sorted(set(y) - set(x), key=str), sorted(set(x) - set(y), key=str)
        if missing or extra:
            text = "The keys of the mappings do not match:"
            text += f"\nMissing keys in the actual mapping: {missing}" if missing else ""
            text += f"\nAdditional keys in the actual mapping: {extra}" if extra else ""
        else:
            return _first(((k, x[k], y[k]) for k in x), given, equal_nan, checks, at)
    else:
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(x)} and {type(y)}.")
    if text is not None and at:
        text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in at)}"
    return text


def _first(pairs: Any, given: Any, equal_nan: bool, checks: tuple[bool, ...], at: list[Any]) -> str | None:
    for key, a, b in pairs:
        text = _difference(a, b, given, equal_nan, checks, [*at, key])
        if text is not None:
            return text
    return None


def _attributes(x: Tensor, y: Tensor, checks: tuple[bool, ...]) -> str | None:
    device, dtype, stride = checks
    for name, a, b, is_checked in (
        ("shape", x.shape, y.shape, True),
        ("device", x._device, y._device, device),
        ("dtype", x.dtype, y.dtype, dtype),
        ("stride()", x.stride(), y.stride(), stride),
    ):
        if is_checked and a != b:
            return f"The values for attribute '{name}' do not match: {a} != {b}."
    return None


def _size(a: Any) -> str:
    return f"torch.Size({list(a.shape)})"


def _numbers(a: Any, b: Any, kind: Any, kinds: Any, given: Any, equal_nan: bool) -> str | None:
    if given is None:
        pairs = [_TOLERANCES.get(each.name, (0.0, 0.0)) for each in kinds]
        rtol, atol = max(r for r, _ in pairs), max(t for _, t in pairs)
    else:
        rtol, atol = given
    a, b = a.astype(kind), b.astype(kind)
    exact = rtol == 0 and atol == 0
    if kind.kind in "iub":
        a, b = a.astype(np.int64), b.astype(np.int64)
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
        matches = (a == b) | (np.isfinite(apart) & (apart <= atol + np.abs(rtol * b)))
        if equal_nan:
            matches |= np.isnan(a) & np.isnan(b)
        if matches.all():
            return None
        ratio = apart / np.abs(b) if kind.kind in "fVc" else (apart.astype(np.float32) / np.abs(b)).astype(np.float32)
    word = "equal" if exact else "close"
    limits = ("", "") if exact else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    if not a.ndim:
        gap = apart.item()
        share = gap / abs(b.item()) if b.item() else float("inf")
        return (
            f"Scalars are not {word}!\n\nExpected {b.item()} but got {a.item()}.\n"
            f"Absolute difference: {gap}{limits[0]}\nRelative difference: {share}{limits[1]}"
        )
    wrong, n = int((~matches).sum()), matches.size
    lines = [f"Tensor-likes are not {word}!", "", f"Mismatched elements: {wrong} / {n} ({wrong / n:.1%})"]
    for title, values, limit in (("absolute", apart, limits[0]), ("relative", ratio, limits[1])):
        # Where the numbers match, nothing differs: a relative difference of 0 / 0 does not count.
        place = int(np.argmax(np.where(matches, 0, values)))
        index = tuple(int(i) for i in np.unravel_index(place, values.shape))
        lines.append(f"Greatest {title} difference: {values.reshape(-1)[place].item()} at index {index}{limit}")
    return "\n".join(lines)
