"""Refusals of two factors that do not go together: shapes and dtypes of matrix products."""

from __future__ import annotations

from typing import Any

from graphlab.engine.dtypes import of
from graphlab.engine.errors import fail


def same_dtype(op: str, a: Any, b: Any, text: str = "") -> None:
    """Refuse two arrays of different dtypes; `text` has places for both names."""
    if a.dtype != b.dtype:
        x, y = of(a), of(b)
        fail(
            RuntimeError,
            text.format(x.title, y.title)
            if text
            else f"expected m1 and m2 to have the same dtype, but got: {x.c_name()} != {y.c_name()}",
            kind="dtype_mix",
            op=op,
            dtypes=[x.name, y.name],
        )


def mismatch(op: str, a: tuple[int, ...], b: tuple[int, ...], inner: tuple[int, int]) -> None:
    """PyTorch's error for two matrices that do not fit, flattened to two dims as it does."""
    rows = 1
    for n in a[:-1]:
        rows *= n
    fail(
        RuntimeError,
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a[-1]} and {'x'.join(str(n) for n in b)})",
        kind="matmul",
        op=op,
        shapes=[list(a), list(b)],
        sizes=list(inner),
    )
