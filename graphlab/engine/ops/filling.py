"""In-place fills and copies: copy_, fill_, zero_, set_."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import errors
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import (
    attach,
    method,
    need_tensor,
    public,
    run_inplace,
)
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

COPY = declare(
    Op(
        name="copy",
        node="CopyBackwards",
        category=Category.INDEX,
        args=("input", "src"),
        formula="input = src",
        backward_formula="d src = g;  d input = 0",
        forward=lambda x, src: np.broadcast_to(src.astype(x.dtype), x.shape),
        vjp=lambda node, g: (
            None if node.edges[0] is None else g * 0,
            None if node.edges[1] is None else node.xp.sum_to(g, node.params[1]),
        ),
        broadcasts=True,
        shape=lambda x, src: x,
        narrate=N_("{src} is copied into {input}"),
        narrate_backward=N_("the gradient goes to {src}, from where the values came"),
    )
)


@method("copy_")
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """In place: the values of src."""
    need_tensor(src, "copy_", "other", 1)
    x, y = self._array, src._array
    try:
        fits = np.broadcast_shapes(x.shape, y.shape) == x.shape
    except ValueError:
        raise errors.broadcast("copy_", x.shape, y.shape) from None
    if not fits:
        raise RuntimeError(
            f"output with shape {list(x.shape)} doesn't match the broadcast shape "
            f"{list(np.broadcast_shapes(x.shape, y.shape))}"
        )
    if src._device is not self._device:
        src = src.to(self._device)
    casts = (None, x.dtype) if y.dtype != x.dtype else None
    return run_inplace(COPY, (self, src), (), "copy_", casts)  # type: ignore[no-any-return]


FILL = declare(
    Op(
        name="fill",
        category=Category.INDEX,
        args=("input", "value"),
        formula=N_("input = value everywhere"),
        backward_formula="d input = 0;  d value = Σ g",
        forward=lambda x, value: np.full(x.shape, value, x.dtype),
        vjp=lambda node, g: (g * 0, None if node.edges[1] is None else node.xp.sum_to(g, ())),
        broadcasts=True,
        shape=lambda x, value: x,
        narrate=N_("every entry of {input} becomes {value}"),
        narrate_backward=N_("nothing of the old {input} is left: its gradient is 0"),
    )
)


@public("fill_")
def fill_(input: Tensor, value: Any) -> Tensor:
    """In place: every entry is value."""
    if isinstance(value, Tensor) and value._array.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
        )
    return run_inplace(FILL, (input, value), (), "fill_")  # type: ignore[no-any-return]


ZERO = declare(
    Op(
        name="zero",
        category=Category.INDEX,
        args=("input",),
        formula=N_("input = 0 everywhere"),
        backward_formula="d input = 0",
        forward=np.zeros_like,
        shape=lambda x: x,
        vjp=lambda node, g: (g * 0,),
        narrate=N_("every entry of {input} becomes 0"),
        narrate_backward=N_("nothing of the old {input} is left: its gradient is 0"),
    )
)


@public("zero_")
def zero_(input: Tensor) -> Tensor:
    """In place: every entry is 0."""
    return run_inplace(ZERO, (input,), (), "zero_")  # type: ignore[no-any-return]


def _set_data(self: Tensor, source: Tensor | None = None) -> Tensor:
    if source is not None:
        self._array = source._array
    return self


attach(set_=_set_data)
