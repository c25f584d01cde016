"""Operators that rearrange elements. Views share memory with what they look at."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors
from graphlab.engine.errors import fail, wrap_dim, wrap_dims
from graphlab.engine.ops.create import sizes
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import bad_argument, common_device, method, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def wanted_shape(shape: tuple[int, ...], wanted: tuple[int, ...], op: str = "reshape") -> tuple[int, ...]:
    """`wanted` with its -1 worked out, checked against `shape`."""
    n = prod(shape)
    facts = {"kind": "reshape", "op": op, "shape": list(shape), "wanted": list(wanted)}
    free = [i for i, size in enumerate(wanted) if size == -1]
    if len(free) > 1:
        fail(RuntimeError, "only one dimension can be inferred", **facts)
    for size in wanted:
        if size < -1:
            fail(RuntimeError, f"invalid shape dimension {size}", **facts)
    known = prod(size for size in wanted if size != -1)
    if free:
        if known == 0 and n == 0:
            fail(
                RuntimeError,
                f"cannot reshape tensor of 0 elements into shape {list(wanted)} because the unspecified dimension size -1 "
                "can be any value and is ambiguous",
                **facts,
            )
        if known == 0 or n % known:
            fail(RuntimeError, f"shape '{list(wanted)}' is invalid for input of size {n}", **facts)
        return tuple(n // known if size == -1 else size for size in wanted)
    if known != n:
        fail(RuntimeError, f"shape '{list(wanted)}' is invalid for input of size {n}", **facts)
    return wanted


def _back_to_shape(node: Any, g: Any) -> Any:
    return (node.xp.reshape(g, node.params[0]),)


def _view_op(name: str, node: str, params: tuple[str, ...], forward: Any, vjp: Any, formula: str, narrate: str,
             samples: Any, category: Category = Category.SHAPE, backward: str = "") -> Op:  # fmt: skip
    return declare(
        Op(
            name=name,
            node=node,
            category=category,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula=backward or "d input = g, arranged as before",
            forward=forward,
            vjp=vjp,
            broadcasts=True,
            view=True,
            narrate=narrate,
            narrate_backward=N_("the gradient is arranged as {input} was: {input_shape}"),
            samples=samples,
        )
    )


VIEW = _view_op(
    "view", "ViewBackward0", ("shape",), lambda x, shape: x.reshape(shape), _back_to_shape,
    "out = the same elements in another shape",
    N_("the {input_shape} elements of {input} are seen as {shape}"),
    lambda: [((3, 2), {"shape": (6,)}), ((2, 3), {"shape": (3, 2)})],
)  # fmt: skip
RESHAPE = _view_op(
    "reshape", "ViewBackward0", ("shape",), lambda x, shape: np.reshape(x, shape), _back_to_shape,
    "out = the same elements in another shape",
    N_("the elements of {input} {input_shape} are arranged as {shape}"),
    lambda: [((3, 2), {"shape": (6,)}), ((2, 3), {"shape": (3, 2)})],
)  # fmt: skip


@method("view")
def view(self: Tensor, *shape: Any, dtype: Any = None) -> Any:
    """The same elements in another shape, sharing memory."""
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], dtypes.dtype)):
        kind = dtype or shape[0]
        return run(VIEW_DTYPE, (self,), (kind.np,))
    x = self._array
    wanted = wanted_shape(x.shape, sizes_with_free(shape, "view"), "view")
    if not x.flags.c_contiguous and x.size:
        try:
            np.reshape(x, wanted, copy=False)
        except (ValueError, TypeError):
            fail(
                RuntimeError,
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous subspaces). Use .reshape(...) instead.",
                kind="reshape",
                op="view",
                shape=list(x.shape),
                wanted=list(wanted),
            )
    return run(VIEW, (self,), (wanted,))


VIEW_DTYPE = declare(
    Op(
        name="view_dtype",
        category=Category.CONVERSION,
        args=("input",),
        params=("dtype",),
        formula="out = the same bytes read as another type",
        forward=lambda x, dtype: x.view(dtype),
        view=True,
        narrate=N_("the bytes of {input} are read as another type"),
    )
)


def sizes_with_free(shape: tuple[Any, ...], function: str) -> tuple[int, ...]:
    """The shape from `(2, -1)` or `((2, -1),)`."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    for i, n in enumerate(shape):
        if isinstance(n, (bool, float)) or not isinstance(n, (int, np.integer, Tensor)):
            raise TypeError(
                f"{function}(): argument 'shape' (position 1) must be tuple of ints, but found element of type "
                f"{type(n).__name__} at pos {i}"
            )
    return tuple(int(n) for n in shape)


Tensor.view_as = lambda self, other: self.view(other.shape)  # type: ignore[assignment]
Tensor.reshape_as = lambda self, other: self.reshape(other.shape)  # type: ignore[assignment]


@public(RESHAPE)
def reshape(input: Any, *shape: Any, **named: Any) -> Any:
    """The same elements in another shape, sharing memory where that is possible."""
    x = need_tensor(input, "reshape")._array
    if named:
        shape = (named["shape"],)
    wanted = wanted_shape(x.shape, sizes_with_free(shape, "reshape"))
    return run(RESHAPE, (input,), (wanted,))
