"""What convolutions refuse, in PyTorch's words and order: types, dtypes and shapes of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail
from graphlab.engine.ops.columns import Ints, pairs_of
from graphlab.engine.tensor import Tensor

SIGNATURE = (
    " * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, "
    "tuple of "
    "ints dilation = 1, int groups = 1)\n * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints "
    "stride = 1, "
    'str padding = "valid", tuple of ints dilation = 1, int groups = 1)\n'
)
SIGNATURE_T = (
    " * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, "
    "tuple of "
    "ints output_padding = 0, int groups = 1, tuple of ints dilation = 1)\n"
)


def is_ints(value: Any) -> bool:
    each = value if isinstance(value, (tuple, list)) else (value,)
    return all(isinstance(v, (int, np.integer)) for v in each)


def _types(values: dict[str, Any]) -> str:
    words = []
    for name, value in values.items():
        kind = "Tensor" if isinstance(value, Tensor) else type(value).__name__
        words.append(kind if name in ("input", "weight") else f"{name}={kind}")
    return ", ".join(words)


def expanded(name: str, value: Any, n: int, n_own: int) -> Ints:
    """One number for each of the weight's `n` dims; `n_own` is how many the function itself is for."""
    ints = tuple(int(v) for v in value) if isinstance(value, (tuple, list)) else (int(value),) * n_own
    if len(ints) == 1:
        return ints * n
    if len(ints) != n:
        fail(
            RuntimeError,
            f"expected {name} to be a single integer value or a list of {n} values to match the convolution "
            "dimensions, but "
            f"got {name}={list(ints)}",
            kind="conv_argument",
            op="",
            argument=name,
        )
    return ints


def check_types(name: str, x: Any, w: Any, b: Any, ints: dict[str, Any], groups: Any, signature: str) -> None:
    right = isinstance(x, Tensor) and isinstance(w, Tensor) and (b is None or isinstance(b, Tensor))
    right = right and isinstance(groups, (int, np.integer)) and all(is_ints(v) for v in ints.values())
    if right:
        return
    given = {"input": x, "weight": w}
    if b is not None:
        given["bias"] = b
    given.update({k: v for k, v in ints.items() if v not in (0, 1)})
    if groups != 1:
        given["groups"] = groups
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({_types(given)}), but expected one "
        f"of:\n{signature}"
    )


def check_dtypes(name: str, x: Any, w: Any, b: Any) -> None:
    mine = dtypes.of(x)
    if b is not None and b.dtype != x.dtype:
        fail(
            RuntimeError,
            f"Input type ({mine.c_name()}) and bias type ({dtypes.of(b).c_name()}) should be the same",
            kind="dtype_mix",
            op=name,
            dtypes=[mine.name, dtypes.of(b).name],
        )
    if w.dtype != x.dtype:
        fail(
            RuntimeError,
            f"expected scalar type {mine.title} but found {dtypes.of(w).title}",
            kind="dtype_mix",
            op=name,
            dtypes=[mine.name, dtypes.of(w).name],
        )
    if x.dtype.kind == "b":
        n = max(2, x.ndim - 2)
        fail(
            NotImplementedError,
            f"\"slow_conv{n}d_cpu\" not implemented for 'Bool'",
            kind="dtype_unsupported",
            op=name,
            dtype=mine.name,
        )


def dims_differ(name: str, x: Ints, w: Ints) -> None:
    fail(
        RuntimeError,
        f"Expected {len(w)}-dimensional input for {len(w)}-dimensional weight{list(w)}, but got {len(x)}-dimensional "
        f"input of size {list(x)} instead",
        kind="conv_dims",
        op=name,
        shapes=[list(x), list(w)],
    )


def check_shapes(
    name: str, x: Ints, w: Ints, b: Any, stride: Ints, padding: Any, dilation: Ints, groups: int, transposed: bool
) -> None:
    facts: dict[str, Any] = {"op": name, "shapes": [list(x), list(w)], "groups": groups}
    if any(min(p) < 0 for p in pairs_of(padding)):
        fail(RuntimeError, "negative padding is not supported", kind="conv_argument", argument="padding", **facts)
    if any(s <= 0 for s in stride):
        fail(RuntimeError, "non-positive stride is not supported", kind="conv_argument", argument="stride", **facts)
    if any(d <= 0 for d in dilation):
        fail(
            RuntimeError,
            "dilation should be greater than zero" + (f", but got {list(dilation)}" if min(dilation) == 0 else ""),
            kind="conv_argument",
            argument="dilation",
            **facts,
        )
    if groups <= 0:
        fail(RuntimeError, "non-positive groups is not supported", kind="conv_argument", argument="groups", **facts)
    if len(w) != len(x):
        dims_differ(name, x, w)
    if w[0] < groups:
        fail(
            RuntimeError,
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{list(w)} instead",
            kind="conv_groups",
            **facts,
        )
    if w[0] % groups:
        fail(
            RuntimeError,
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight "
            "of size "
            f"[{list(w)}] instead",
            kind="conv_groups",
            **facts,
        )
    wanted = w[0] if transposed else w[1] * groups
    how = "transposed=1" if transposed else f"groups={groups}"
    if x[1] != wanted:
        fail(
            RuntimeError,
            f"Given {how}, weight of size {list(w)}, expected input{list(x)} to have {wanted} channels, but got {x[1]} "
            "channels instead",
            kind="conv_channels",
            sizes=[x[1], wanted],
            **facts,
        )
    n_out = w[1] * groups if transposed else w[0]
    if b is not None and (len(b) != 1 or b[0] != n_out):
        fail(
            RuntimeError,
            f"Given {how if transposed else ''}{', ' if transposed else ''}weight of size {list(w)}, expected "
            "bias to be "
            f"1-dimensional with {n_out} elements, but got bias of size {list(b)} instead",
            kind="conv_bias",
            sizes=[list(b), [n_out]],
            **facts,
        )
    if not transposed:
        under = [n + a + c for n, (a, c) in zip(x[2:], pairs_of(padding))]
        reach = [d * (k - 1) + 1 for k, d in zip(w[2:], dilation)]
        if any(k > n for k, n in zip(reach, under)):
            fail(
                RuntimeError,
                f"Calculated padded input size per channel: ({' x '.join(map(str, under))}). Kernel size: "
                f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size",
                kind="conv_kernel",
                sizes=[under, reach],
                **facts,
            )
    if any(k == 0 for k in w[2:]):
        words = {1: ("width",), 2: ("height", "width"), 3: ("depth", "height", "width")}[len(w) - 2]
        text = " ".join(f"kernel_{word}: {k}" for word, k in zip(words, w[2:]))
        fail(
            RuntimeError,
            f"kernel size should be greater than zero, but got {text}",
            kind="conv_kernel",
            sizes=[list(x[2:]), list(w[2:])],
            **facts,
        )
    if x[0] and x[1] and 0 in x[2:]:
        fail(
            RuntimeError,
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(x)}",
            kind="conv_dims",
            **facts,
        )


def batched(name: str, input: Tensor, n: int) -> tuple[Tensor, bool]:
    if input._array.ndim == n + 2:
        return input, True
    if input._array.ndim == n + 1:
        return input.unsqueeze(0), False
    fail(
        RuntimeError,
        f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: "
        f"{list(input._array.shape)}",
        kind="conv_dims",
        op=name,
        shapes=[list(input._array.shape)],
        n_dims=n,
    )
