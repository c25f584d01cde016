"""Views with other axes: transpose, permute, movedim, expand."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import errors
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.run import attach, need_tensor, public, run
from graphlab.engine.ops.views import _dims_argument, _view_op, view
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _swapped_shape(shape: tuple[int, ...], a: int, b: int) -> tuple[int, ...]:
    sizes = list(shape)
    if sizes:
        sizes[a], sizes[b] = sizes[b], sizes[a]
    return tuple(sizes)


def _swap(x: Any, a: int, b: int) -> Any:
    return x.swapaxes(a, b) if x.ndim else x[...]


TRANSPOSE = _view_op(
    "transpose",
    "TransposeBackward0",
    ("dim0", "dim1"),
    _swap,
    lambda node, g: (g.swapaxes(node.params[1], node.params[2]) if len(node.params[0]) else g,),
    N_("out = input with dims dim0 and dim1 exchanged"),
    N_("dims {dim0} and {dim1} of {input} {input_shape} are exchanged: {shape}"),
    lambda: [((2, 3), {"dim0": 0, "dim1": 1})],
    backward=N_("d input = g with the dims exchanged back"),
    shape=_swapped_shape,
)
T = _view_op(
    "t",
    "TBackward0",
    (),
    lambda x: x.T,
    lambda node, g: (g.T if len(node.params[0]) == 2 else g,),
    "out = inputᵀ",
    N_("{input} {input_shape} is transposed: {shape}"),
    lambda: [((2, 3), {})],
    backward="d input = gᵀ",
    shape=lambda s: s[::-1],
)
PERMUTE = _view_op(
    "permute",
    "PermuteBackward0",
    ("dims",),
    lambda x, dims: x.transpose(dims),
    lambda node, g: (node.xp.permute(g, tuple(int(i) for i in np.argsort(node.params[1]))),),
    N_("out = input with its dims in the order dims"),
    N_("the dims of {input} {input_shape} are put in the order {dims}: {shape}"),
    lambda: [((2, 3, 4), {"dims": (2, 0, 1)})],
    backward=N_("d input = g with the dims put back"),
    shape=lambda s, dims: tuple(s[d] for d in dims),
)


@public(TRANSPOSE, "transpose", "swapaxes", "swapdims")
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two dims exchanged."""
    n = need_tensor(input, "transpose")._array.ndim
    return run(TRANSPOSE, (input,), (wrap_dim(dim0, n, "transpose"), wrap_dim(dim1, n, "transpose")))


@public(T)
def t(input: Any) -> Any:
    """The transposed matrix."""
    n = need_tensor(input, "t")._array.ndim
    if n > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {n}D")
    return run(T, (input,))


@public(PERMUTE)
def permute(input: Any, *dims: Any, **named: Any) -> Any:
    """Its dims in another order."""
    x = need_tensor(input, "permute")._array
    order = _dims_argument((named["dims"],) if named else dims, "permute")
    if len(order) != x.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(order)}"
        )
    wrapped = tuple(wrap_dim(d, x.ndim, "permute") for d in order)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return run(PERMUTE, (input,), (wrapped,))


@public("movedim", "movedim", "moveaxis")
def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Dims moved to other places."""
    n = need_tensor(input, "movedim")._array.ndim
    a = [source] if isinstance(source, int) else list(source)
    b = [destination] if isinstance(destination, int) else list(destination)
    if len(a) != len(b):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({a} dims) should contain the same number of dims as "
            f"destination ({b} dims)"
        )
    a = [wrap_dim(d, n, "movedim") for d in a]
    b = [wrap_dim(d, n, "movedim") for d in b]
    if len(set(a)) != len(a) or len(set(b)) != len(b):
        which, values = ("source", source) if len(set(a)) != len(a) else ("destination", destination)
        raise RuntimeError(f"movedim: repeated dim in `{which}` ({list(values)})")
    order = [d for d in range(n) if d not in a]
    for to_, from_ in sorted(zip(b, a)):
        order.insert(to_, from_)
    return permute(input, order) if n else view(input, ())


def _transposed(self: Tensor) -> Any:
    n = self._array.ndim
    return run(PERMUTE, (self,), (tuple(range(n))[::-1],)) if n != 2 else run(T_ATTRIBUTE, (self,), ((1, 0),))


T_ATTRIBUTE = PERMUTE
attach(T=property(_transposed))
attach(mT=property(lambda self: transpose(self, -2, -1)))
attach(H=property(lambda self: transpose(self, 0, 1)))

EXPAND = _view_op(
    "expand",
    "ExpandBackward0",
    ("size",),
    lambda x, size: np.broadcast_to(x, size),
    lambda node, g: (node.xp.sum_to(g, node.params[0]),),
    N_("out = input stretched to size"),
    N_("{input} {input_shape} is stretched to {shape} without copying"),
    lambda: [((3, 1), {"size": (2, 3, 4)})],
    backward=N_("d input = g summed over the stretched dims"),
    narrate_backward=N_("the gradient is summed over the stretched dims, back to the shape {input_shape}"),
    shape=lambda s, size: size,
)


@public(EXPAND, "expand", method=True)
def expand(input: Any, *size: Any, implicit: bool = False) -> Any:
    """Stretched along dims of size 1, sharing memory."""
    shape = need_tensor(input, "expand")._array.shape
    wanted = list(_dims_argument(size, "expand"))
    extra = len(wanted) - len(shape)
    facts: dict[str, Any] = {"kind": "broadcast", "op": "expand", "shapes": [list(shape), wanted]}
    if extra < 0:
        fail(
            RuntimeError,
            f"expand(torch.{input.dtype.title}Tensor{{{list(shape)}}}, size={wanted}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})",
            **facts,
        )
    full = list(wanted)
    for i in range(len(wanted) - 1, -1, -1):
        have = shape[i - extra] if i >= extra else 1
        if wanted[i] == -1:
            if i < extra:
                fail(
                    RuntimeError,
                    f"The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension {i}",
                    **facts,
                )
            full[i] = have
        elif have != wanted[i] and have != 1:
            fail(
                RuntimeError,
                f"The expanded size of the tensor ({wanted[i]}) must match the existing size ({have}) at non-singleton "
                f"dimension {i}.  Target sizes: {wanted}.  Tensor sizes: {list(shape)}",
                dim=i,
                sizes=[wanted[i], have],
                **facts,
            )
    return run(EXPAND, (input,), (tuple(full),))


@public("broadcast_to")
def broadcast_to(input: Any, size: Any) -> Any:
    """Stretched to a shape."""
    return expand(input, size)


attach(expand_as=lambda self, other: expand(self, other.shape))


@public("broadcast_tensors", method=False)
def broadcast_tensors(*tensors: Any) -> Any:
    """All stretched to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = tensors[0]._array.shape
    for each in tensors[1:]:
        try:
            shape = np.broadcast_shapes(shape, each._array.shape)
        except ValueError:
            raise errors.broadcast("broadcast_tensors", shape, each._array.shape) from None
    return tuple(each if each._array.shape == shape else expand(each, shape) for each in tensors)


@public("broadcast_shapes", method=False)
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that all broadcast to."""
    from graphlab.engine.tensor import Size

    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape") from None
