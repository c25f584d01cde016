"""What pooling refuses, in PyTorch's words and order: sizes, padding, dtypes and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail, type_name
from graphlab.engine.tensor import Tensor

Ints = tuple[int, ...]


def places_of(spatial: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> Ints:
    """How many places the window has along each dim."""
    out = []
    for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation):
        m = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (m - 1) * s >= n + p:
            m -= 1  # the last window must start inside the input or its left padding
        out.append(m)
    return tuple(out)


_WORDS = {1: "one int", 2: "two ints", 3: "three ints"}


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (
        isinstance(value, Tensor) and value._array.dtype.kind in "iu" and value._array.size == 1
    )


def window_sizes(function: str, name: str, position: int, value: Any, n: int) -> Ints:
    """One number for each dim, with PyTorch's refusals."""
    many = isinstance(value, (tuple, list))
    if many and value and not _is_int(value[0]):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found element of type "
            f"{type_name(value[0])} at pos 0"
        )
    if not all(_is_int(v) for v in (value if many else (value,))):
        kind = type_name(value) if not many else "tuple"
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be tuple of ints, not {kind}")
    ints = tuple(int(v) for v in value) if many else (int(value),)
    if len(ints) == 1:
        return ints * n
    if len(ints) != n:
        if n == 1:
            fail(
                RuntimeError,
                f"{function}() argument '{name}' should contain one int (got {len(ints)})",
                kind="pool_argument",
                op=function,
                argument=name,
            )
        either = "either be omitted, a single int," if name == "stride" else "either be a single int,"
        fail(
            RuntimeError,
            f"{function}: {name} must {either} or a tuple of {_WORDS[n]}",
            kind="pool_argument",
            op=function,
            argument=name,
        )
    return ints


def refuse(function: str, message: str, argument: str) -> None:
    fail(RuntimeError, message, kind="pool_argument", op=function, argument=argument)


def check_padding(function: str, kernel: Ints, padding: Ints, dilation: Ints) -> None:
    for p, k, d in zip(padding, kernel, dilation):
        if p < 0:
            refuse(function, f"pad must be non-negative, but got pad: {p}", "padding")
        if p > (d * (k - 1) + 1) // 2:
            refuse(
                function,
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                f"dilation={d}",
                "padding",
            )


def checked_places(
    function: str, x: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> None:
    """PyTorch's refusals that 2-d and 3-d pooling (and 1-d averages) share."""
    n = len(kernel)
    if any(s == 0 for s in stride):
        refuse(function, "stride should not be zero", "stride")
    if any(s < 0 for s in stride) or any(k <= 0 for k in kernel):
        which = "kernel size" if any(k <= 0 for k in kernel) else "stride"
        refuse(function, f"{which} should be greater than zero", which)
    check_padding(function, kernel, padding, dilation)
    if any(d <= 0 for d in dilation):
        words = ("T", "H", "W")[-n:]
        text = " ".join(f"dilation{word}: {d}" for word, d in zip(words, dilation))
        refuse(function, f"dilation should be greater than zero, but got {text}", "dilation")
    if n > 1:
        check_empty(x, n)
    places = places_of(x[-n:], kernel, stride, padding, dilation, ceil_mode)
    if any(m < 1 for m in places):
        channels = x[-n - 1] if n > 1 else "x".join(map(str, x[-2:-1] if len(x) > 1 else (1,)))
        inside = "x".join(map(str, x[-n:]))
        outside = "x".join(map(str, places))
        if n == 1:  # PyTorch computes it as a picture of height 1
            inside, outside = f"1x{inside}", f"1x{outside}"
        fail(
            RuntimeError,
            f"Given input size: ({channels}x{inside}). Calculated output size: ({channels}x{outside}). "
            "Output size is too small",
            kind="output_too_small",
            op=function,
            shapes=[list(x)],
            sizes=[list(x[-n:]), list(places)],
            window=list(kernel),
        )


def checked_max1(x: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool) -> None:
    (k,), (s,), (p,), (d,) = kernel, stride, padding, dilation
    for name, value in (("kernel_size", k), ("stride", s)):
        if value <= 0:
            refuse("max_pool1d", f"max_pool1d() {name} must be greater than zero, but got {value}", name)
    if p < 0:
        refuse("max_pool1d", f"max_pool1d() padding must be non-negative, but got {p}", "padding")
    if p > (d * (k - 1) + 1) // 2 and d > 0:
        refuse(
            "max_pool1d",
            f"max_pool1d() padding should be at most half of kernel size, but got padding={p} and kernel_size={k}",
            "padding",
        )
    if d <= 0:
        refuse("max_pool1d", f"max_pool1d() dilation must be greater than zero, but got {d}", "dilation")
    m = places_of(x[-1:], kernel, stride, padding, dilation, ceil_mode)[0]
    if m <= 0:
        fail(
            RuntimeError,
            f"max_pool1d() Invalid computed output size: {m}",
            kind="output_too_small",
            op="max_pool1d",
            shapes=[list(x)],
            sizes=[list(x[-1:]), [m]],
            window=list(kernel),
        )


def refuse_dtype(kernel: str, x: Any, kinds: str) -> None:
    if x.dtype.kind not in kinds:
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{dtypes.of(x).title}'",
            kind="dtype_unsupported",
            op=kernel,
            dtype=dtypes.of(x).name,
        )


def check_dims(function: str, x: Ints, n: int, is_max: bool) -> None:
    facts: dict[str, Any] = {"kind": "pool_dims", "op": function, "shapes": [list(x)], "n_dims": n}
    right = len(x) in (n + 1, n + 2)
    if n == 1 and is_max:
        if not right or 0 in x[1 - len(x) :] or (len(x) == 2 and 0 in x):
            fail(
                RuntimeError,
                "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
                f"{list(x)}",
                **facts,
            )
    elif n == 1:
        one_dim(function, x, facts)
    elif not right:
        if not is_max and n == 2 and len(x) < 3:
            fail(
                IndexError,
                f"Dimension out of range (expected to be in range of [{-max(len(x), 1)}, {max(len(x), 1) - 1}], "
                "but got -3)",
                **facts,
            )
        fail(RuntimeError, f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input", **facts)


def check_empty(x: Ints, n: int) -> None:
    if 0 not in (x[1:] if len(x) == n + 2 else x):
        return
    facts: dict[str, Any] = {"kind": "pool_dims", "shapes": [list(x)], "n_dims": n, "op": ""}
    if n == 3:
        # PyTorch prints the dim's size, which is 0, where its number was meant.
        fail(
            RuntimeError,
            "max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to have positive "
            "length, but "
            f"input has a shape of {list(x)} and non-batch dimension 0 has length zero!",
            **facts,
        )
    fail(
        RuntimeError,
        f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
        f"got:{list(x)}",
        **facts,
    )


def one_dim(function: str, x: Ints, facts: dict[str, Any]) -> None:
    if len(x) not in (2, 3):
        fail(
            RuntimeError,
            f"Expected 2 to 3 dimensions, but got {len(x)}-dimensional tensor for argument #1 'self' (while checking "
            f"arguments for {function})",
            **facts,
        )


def wanted(name: str, x: Ints, output_size: Any, n: int) -> Ints:
    if isinstance(output_size, (tuple, list)):
        if n > 1 and len(x) <= len(output_size):
            raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
        values = tuple(output_size)
    else:
        if n > 1 and not isinstance(output_size, int):
            len(output_size)
        values = (output_size,) * n
    if len(values) != n:
        text = f"{name}: output_size must be {n}"
        if n == 1:
            text = f"{name}() argument 'output_size' should contain one int (got {len(values)})"
        elif "max" in name:
            text = f"{name}(): internal error: output_size.size() must be {n}"
        fail(RuntimeError, text, kind="pool_argument", op=name, argument="output_size")
    return tuple(m if v is None else int(v) for v, m in zip(values, x[-n:]))


def check_adaptive(name: str, x: Ints, n: int, colon: str) -> None:
    facts: dict[str, Any] = {"kind": "pool_dims", "op": name, "shapes": [list(x)], "n_dims": n}
    if n == 1:
        one_dim(name, x, facts)
        shown = (*x[:-1], 1, x[-1])  # PyTorch computes it as a picture of height 1
        name = name.replace("1d", "2d")
    else:
        shown = x
        if len(x) not in (n + 1, n + 2):
            fail(RuntimeError, f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got{colon} {list(x)}", **facts)
    for i in range(1, len(shown)):
        if shown[-i] == 0 and (i <= n or (i == len(shown) - 1 and len(shown) == n + 1)):
            fail(
                RuntimeError,
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(shown)} with dimension {len(shown) - i} being empty",
                **facts,
            )
