"""Views of another shape: view, reshape, flatten, squeeze and unsqueeze."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import fail, wrap_dim, wrap_dims
from graphlab.engine.ops.op import Category, Op, declare, first_shape, known_as
from graphlab.engine.ops.run import attach, bad_argument, method, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def wanted_shape(shape: tuple[int, ...], wanted: tuple[int, ...], op: str = "reshape") -> tuple[int, ...]:
    """`wanted` with its -1 worked out, checked against `shape`."""
    n = prod(shape)
    facts: dict[str, Any] = {"kind": "reshape", "op": op, "shape": list(shape), "wanted": list(wanted)}
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
                f"cannot reshape tensor of 0 elements into shape {list(wanted)} because the "
                f"unspecified dimension size -1 "
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


def _view_op(
    name: str,
    node: str,
    params: tuple[str, ...],
    forward: Any,
    vjp: Any,
    formula: str,
    narrate: str,
    samples: Any,
    category: Category = Category.SHAPE,
    backward: str = "",
    shape: Any = None,
    narrate_backward: str = "",
) -> Op:
    return declare(
        Op(
            name=name,
            node=node,
            category=category,
            args=("input",),
            params=params,
            formula=formula,
            backward_formula=backward or N_("d input = g, arranged as before"),
            forward=forward,
            vjp=vjp,
            broadcasts=True,
            view=True,
            shape=shape,
            narrate=narrate,
            narrate_backward=narrate_backward or N_("the gradient is arranged as {input} was: {input_shape}"),
            samples=samples,
        )
    )


VIEW = _view_op(
    "view",
    "ViewBackward0",
    ("shape",),
    lambda x, shape: x.reshape(shape),
    _back_to_shape,
    N_("out = the same elements in another shape"),
    N_("the {input_shape} elements of {input} are seen as {shape}"),
    lambda: [((3, 2), {"shape": (6,)}), ((2, 3), {"shape": (3, 2)})],
    shape=lambda s, shape: shape,
)
RESHAPE = _view_op(
    "reshape",
    "ViewBackward0",
    ("shape",),
    lambda x, shape: np.reshape(x, shape),
    _back_to_shape,
    N_("out = the same elements in another shape"),
    N_("the elements of {input} {input_shape} are arranged as {shape}"),
    lambda: [((3, 2), {"shape": (6,)}), ((2, 3), {"shape": (3, 2)})],
    shape=lambda s, shape: shape,
)


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
                "view size is not compatible with input tensor's size and stride (at least one "
                "dimension spans across two "
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
        formula=N_("out = the same bytes read as another type"),
        forward=lambda x, dtype: x.view(dtype),
        view=True,
        shape=first_shape,
        dtype=lambda x, dtype: dtype,
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


attach(view_as=lambda self, other: self.view(other.shape))
attach(reshape_as=lambda self, other: self.reshape(other.shape))


@public(RESHAPE)
def reshape(input: Any, *shape: Any, **named: Any) -> Any:
    """The same elements in another shape, sharing memory where that is possible."""
    x = need_tensor(input, "reshape")._array
    if named:
        shape = (named["shape"],)
    wanted = wanted_shape(x.shape, sizes_with_free(shape, "reshape"))
    return run(RESHAPE, (input,), (wanted,))


# Rearranging


def _dims_argument(args: tuple[Any, ...], name: str) -> tuple[int, ...]:
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    for each in args:
        if isinstance(each, bool) or not isinstance(each, (int, np.integer)):
            raise bad_argument(name, "dims", 2, "tuple of ints", each)
    return tuple(int(a) for a in args)


FLATTEN = _view_op(
    "flatten",
    "ViewBackward0",
    ("start_dim", "end_dim"),
    lambda x, a, b: x.reshape(_flat_shape(x.shape, a, b)),
    _back_to_shape,
    N_("out = input with dims start_dim … end_dim joined into one"),
    N_("dims {start_dim} to {end_dim} of {input} {input_shape} are joined: {shape}"),
    lambda: [((2, 3, 2), {"start_dim": 0, "end_dim": 1})],
    shape=lambda s, a, b: _flat_shape(s, a, b),
)


def _flat_shape(shape: tuple[int, ...], a: int, b: int) -> tuple[int, ...]:
    return (*shape[:a], prod(shape[a : b + 1]), *shape[b + 1 :])


@public(FLATTEN)
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Dims start_dim … end_dim joined into one."""
    x = need_tensor(input, "flatten")._array
    a, b = wrap_dim(start_dim, x.ndim, "flatten"), wrap_dim(end_dim, x.ndim, "flatten")
    if a > b:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if a == b and x.ndim:
        return input
    return run(FLATTEN, (input,), (a, b))


@public("ravel")
def ravel(input: Any) -> Any:
    """All dims joined into one."""
    return reshape(input, -1)


@public("unflatten")
def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """One dim split into several."""
    x = need_tensor(input, "unflatten")._array
    d = wrap_dim(dim, x.ndim, "unflatten")
    try:
        inner = wanted_shape((x.shape[d],), tuple(sizes), "unflatten")
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} "
            f"({x.shape[d]}) in the input tensor"
        ) from None
    return view(input, *x.shape[:d], *inner, *x.shape[d + 1 :])


SQUEEZE = _view_op(
    "squeeze",
    "SqueezeBackward1",
    ("dim",),
    lambda x, dim: x.reshape(tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in dim)),
    _back_to_shape,
    N_("out = input without dims of size 1"),
    N_("dims of size 1 of {input} {input_shape} are dropped: {shape}"),
    lambda: [((2, 1, 3), {"dim": (1,)})],
    shape=lambda s, dim: tuple(n for i, n in enumerate(s) if n != 1 or i not in dim),
)
UNSQUEEZE = _view_op(
    "unsqueeze",
    "UnsqueezeBackward0",
    ("dim",),
    lambda x, dim: np.expand_dims(x, dim),
    _back_to_shape,
    N_("out = input with a new dim of size 1"),
    N_("{input} {input_shape} gets a new dim of size 1 at {dim}: {shape}"),
    lambda: [((2, 3), {"dim": 1})],
    shape=lambda s, dim: (*s[:dim], 1, *s[dim:]),
)


_SQUEEZE_ALL, _SQUEEZE_SEVERAL = known_as(SQUEEZE, "SqueezeBackward0"), known_as(SQUEEZE, "SqueezeBackward2")


@public(SQUEEZE)
def squeeze(input: Any, dim: Any = None) -> Any:
    """Without its dims of size 1 (or the given ones among them)."""
    x = need_tensor(input, "squeeze")._array
    if dim is None:
        return run(_SQUEEZE_ALL, (input,), (tuple(range(x.ndim)),))
    if isinstance(dim, (tuple, list)):
        return run(_SQUEEZE_SEVERAL, (input,), (wrap_dims(dim, x.ndim, "squeeze"),))
    else:
        which = (wrap_dim(dim, x.ndim, "squeeze"),)
    return run(SQUEEZE, (input,), (which,))


@public(UNSQUEEZE)
def unsqueeze(input: Any, dim: int) -> Any:
    """With a new dim of size 1."""
    x = need_tensor(input, "unsqueeze")._array
    return run(UNSQUEEZE, (input,), (wrap_dim(dim, x.ndim + 1, "unsqueeze"),))
