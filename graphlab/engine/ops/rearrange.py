"""Rearranging tensors: at least so many dims, splits and rotations by name, products of sets, windows, strides."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import rename, rename_all
from graphlab.engine.device import need_room, root
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, wrap_dim
from graphlab.engine.ops.elementwise import invalid_combination
from graphlab.engine.ops.index import SETITEM
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, method, need_tensor, public, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, virtual
from graphlab.i18n import N_

# At least so many dims


def _at_least(n: int, grow: Any) -> None:
    def call(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
            return tuple(grow(t) for t in tensors[0])
        made = tuple(grow(need_tensor(t, name, "tensors")) for t in tensors)
        return made[0] if len(made) == 1 else made

    name = call.__name__ = f"atleast_{n}d"
    call.__doc__ = f"The tensors with at least {n} dims."
    public(name, method=False)(call)


def _grown_3(t: Any) -> Any:
    n = t._array.ndim
    if n == 2:
        return t.unsqueeze(-1)
    return rename(t.reshape(1, -1, 1), "UnsqueezeBackward0" if n else "ViewBackward0") if n < 2 else t


def _grown_2(t: Any) -> Any:
    n = t._array.ndim
    return rename(t.reshape(1, -1), "UnsqueezeBackward0" if n else "ViewBackward0") if n < 2 else t


_at_least(1, lambda t: t if t._array.ndim else t.reshape(1))
_at_least(2, _grown_2)
_at_least(3, _grown_3)


# Splitting by name


def _split_along(name: str, least: int, dim_of: Any) -> None:
    def call(input: Any, indices_or_sections: Any) -> Any:
        x = need_tensor(input, name)._array
        if x.ndim < least:
            fail(
                RuntimeError,
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {x.ndim} "
                "dimensions!",
                kind="n_dims",
                op=name,
                shape=list(x.shape),
            )
        dim = dim_of(x.ndim)
        if isinstance(indices_or_sections, int):
            if indices_or_sections == 0 or x.shape[dim] % indices_or_sections:
                fail(
                    RuntimeError,
                    f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                    f"{x.shape[dim]} is not divisible by the split_size {indices_or_sections}!",
                    kind="split",
                    op=name,
                    shape=list(x.shape),
                )
        elif not isinstance(indices_or_sections, (tuple, list)):
            forms = ("Tensor input, int sections", "Tensor input, tuple of ints indices")
            raise invalid_combination(name, (input, indices_or_sections), *forms)
        return FUNCTIONS["tensor_split"](input, indices_or_sections, dim)

    call.__name__ = name
    call.__doc__ = f"Parts along dim {name[0]}, as numpy.{name}."
    public(name)(call)


_split_along("hsplit", 1, lambda n: 0 if n == 1 else 1)
_split_along("vsplit", 2, lambda n: 0)
_split_along("dsplit", 3, lambda n: 2)


@public("unsafe_split")
def unsafe_split(input: Any, split_size: Any, dim: int = 0) -> Any:
    """Parts of one size, as copies."""
    return rename_all(tuple(t.clone() for t in FUNCTIONS["split"](input, split_size, dim)), "UnsafeSplitBackward0")


@public("unsafe_split_with_sizes")
def unsafe_split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> Any:
    """Parts of given sizes, as copies."""
    return unsafe_split(input, list(split_sizes), dim)


@public("unsafe_chunk")
def unsafe_chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """So many parts, as copies."""
    return rename_all(tuple(t.clone() for t in FUNCTIONS["chunk"](input, chunks, dim)), "UnsafeSplitBackward0")


# Turning


@public("rot90")
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """Turned by k right angles in the plane of two dims."""
    n = need_tensor(input, "rot90")._array.ndim
    dims = tuple(dims)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if n < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {n}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == n:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    for d in dims:
        if not -n <= d < n:
            which = dims.index(d)
            raise RuntimeError(f"Rotation dim{which} out of range, dim{which} = {d}")
    turns = k % 4
    if turns == 1:
        made = FUNCTIONS["flip"](input, [dims[1]]).transpose(*dims).clone()
    elif turns == 2:
        made = FUNCTIONS["flip"](input, list(dims))
    elif turns == 3:
        made = FUNCTIONS["flip"](input, [dims[0]]).transpose(*dims).clone()
    else:
        made = input.clone()
    return rename(made, "Rot90Backward0")


# Blocks, products of sets, pairs


@public("block_diag", method=False)
def block_diag(*tensors: Any) -> Any:
    """Matrices along the diagonal of one."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if not tensors:
        return FUNCTIONS["zeros"](1, 0)
    for i, t in enumerate(tensors):
        if need_tensor(t, "block_diag", "tensors")._array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {t.ndim} dimensions"
            )
    blocks = [FUNCTIONS["atleast_2d"](t) for t in tensors]
    kind = dtypes.result(*(b._array for b in blocks))
    width = sum(b._array.shape[1] for b in blocks)
    rows, at = [], 0
    for b in blocks:
        height, own = b._array.shape
        left = FUNCTIONS["zeros"](height, at, dtype=kind, device=b._device)
        right = FUNCTIONS["zeros"](height, width - at - own, dtype=kind, device=b._device)
        rows.append(FUNCTIONS["cat"]([left, b.to(kind), right], 1))
        at += own
    return rename(FUNCTIONS["cat"](rows, 0), "BlockDiagBackward0")


@public("cartesian_prod", method=False)
def cartesian_prod(*tensors: Any) -> Any:
    """All tuples of entries of the given vectors."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in tensors:
        if need_tensor(t, "cartesian_prod", "tensors")._array.ndim != 1:
            raise RuntimeError("Expect a 1D vector, but got shape " + str(list(t.shape)))
    if len(tensors) == 1:
        return tensors[0]
    grids = FUNCTIONS["meshgrid"](list(tensors), indexing="ij")
    return FUNCTIONS["stack"]([g.reshape(-1) for g in grids], 1)


@public("combinations")
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All combinations of r entries of a vector."""
    x = need_tensor(input, "combinations")._array
    if x.ndim != 1:
        raise RuntimeError("Expect a 1D vector, but got shape " + str(list(x.shape)))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return FUNCTIONS["empty"](0, dtype=input.dtype)
    if x.size**r >= 2**63:
        raise RuntimeError("numel: integer multiplication overflow")
    need_room(x.size**r, itemsize=1)  # PyTorch makes a mask of all tuples first
    need_room(math.comb(x.size + r - 1 if with_replacement else x.size, r), r, itemsize=80)  # a list of tuples here
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(x.size), r)), np.int64).reshape(-1, r)
    return FUNCTIONS["stack"]([input[wrap(np.ascontiguousarray(places[:, i]))] for i in range(r)], 1)


@public("kron")
def kron(input: Any, other: Any, *, out: Any = None) -> Any:
    """The Kronecker product."""
    a, b = need_tensor(input, "kron"), need_tensor(other, "kron", "other", 2)
    n = max(a.ndim, b.ndim)
    left, right = (1,) * (n - a.ndim) + tuple(a.shape), (1,) * (n - b.ndim) + tuple(b.shape)
    product = a.reshape([m for s in left for m in (s, 1)]) * b.reshape([m for s in right for m in (1, s)])
    return rename(product.reshape([s * t for s, t in zip(left, right)]), "UnsafeViewBackward0")


@public("diagflat")
def diagflat(input: Any, offset: int = 0) -> Any:
    """A matrix with all entries on its diagonal."""
    return FUNCTIONS["diag_embed"](need_tensor(input, "diagflat").reshape(-1), offset, 0, 1)


@public("channel_shuffle", method=False)
def channel_shuffle(input: Any, groups: int) -> Any:
    """The channels (dim 1), taken in turn from each of so many groups."""
    x = need_tensor(input, "channel_shuffle")._array
    if x.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(x.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    n, c, *rest = x.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    made = input.reshape(n, groups, c // groups, *rest).transpose(1, 2).reshape(n, c, *rest)
    return rename(made, "ChannelShuffleBackward0")


@method("sum_to_size")
def sum_to_size(self: Tensor, *size: Any) -> Any:
    """Summed over what was stretched from `size`."""
    wanted = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else tuple(size)
    shape = self._array.shape
    extra = len(shape) - len(wanted)
    if extra < 0 or any(w not in (1, n) for w, n in zip(wanted, shape[extra:])):
        raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(shape)}}}.")
    dims = tuple(range(extra)) + tuple(i + extra for i, w in enumerate(wanted) if w == 1 and shape[i + extra] != 1)
    if not wanted:
        return self.sum()
    if not dims:
        return self if len(wanted) == len(shape) else self.reshape(wanted)
    total = self.sum(dims, True)
    return total.reshape(wanted) if extra else total


# Windows along a dim


def _windows(x: Array, dim: int, size: int, step: int) -> Array:
    if not x.ndim:
        return x.reshape(1)[:size]
    n = (x.shape[dim] - size) // step + 1
    shape = (*x.shape[:dim], n, *x.shape[dim + 1 :], size)
    strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
    return looked_at(x, shape, strides, offset_of(x))


def _windows_vjp(node: Any, g: Any) -> Any:
    shape, dim, size, step = node.params
    places = _windows(np.arange(math.prod(shape)).reshape(shape), dim, size, step).reshape(-1)
    flat = node.xp.scatter_pick(node.xp.reshape(g, (-1,)), (math.prod(shape),), (places,), False)
    return (node.xp.reshape(flat, shape),)


UNFOLD = declare(
    Op(
        name="unfold_dim",
        node="UnfoldBackward0",
        category=Category.SHAPE,
        args=("input",),
        params=("dim", "size", "step"),
        formula=N_("out[i, …, k] = input[i · step + k] along dim"),
        backward_formula=N_("d input = g added at the places that each window covers"),
        forward=_windows,
        vjp=_windows_vjp,
        broadcasts=True,
        view=True,
        shape=lambda s, d, size, step: (*s[:d], (s[d] - size) // step + 1, *s[d + 1 :], size) if s else (size,),
        narrate=N_("windows of {size} entries, {step} apart, are taken along dim {dim} of {input}: {shape}"),
        narrate_backward=N_("each entry of {input} gets the gradients of all windows that it lay in"),
        samples=lambda: [((5, 2), {"dim": 0, "size": 3, "step": 1})],
    )
)


@method(UNFOLD, "unfold")
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Any:
    """Windows of a size, a step apart, along a dim."""
    x = self._array
    d = wrap_dim(dimension, x.ndim, "unfold")
    n = x.shape[d] if x.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {n} but size is {size}")
    return run(UNFOLD, (self,), (d, int(size), int(step)))


# Strides


def storage(x: Array) -> Array:
    """All of the memory that an array looks at, as a vector."""
    owner = root(x)
    if type(owner) is Virtual:
        return virtual((owner.size,), owner.dtype, owner=owner)
    flat = owner.ravel(order="K")
    if flat.size and not np.may_share_memory(flat, owner):
        raise RuntimeError("as_strided(): the memory of this tensor is not in one piece")
    return flat


def offset_of(x: Array) -> int:
    """Where an array starts in its memory, in elements."""
    if type(x) is Virtual:
        return x.start // (x.itemsize or 1)
    start: int = x.__array_interface__["data"][0] - root(x).__array_interface__["data"][0]
    return start // (x.itemsize or 1)


def looked_at(x: Array, shape: tuple[int, ...], strides: tuple[int, ...], start: int) -> Array:
    """The memory of an array with other sizes and strides (in bytes), as a view that knows whose memory it is."""
    owner = root(x)
    if type(owner) is Virtual:
        return virtual(shape, x.dtype, strides, start * x.itemsize, owner)
    if owner.flags.c_contiguous or owner.flags.f_contiguous:
        buffer = owner if owner.flags.c_contiguous else owner.T
        if x.flags.writeable and 0 not in shape:
            return np.ndarray(shape, x.dtype, buffer, start * x.itemsize, strides)
    return np.lib.stride_tricks.as_strided(storage(x)[start:], shape, strides)


def _strided(x: Array, size: tuple[int, ...], stride: tuple[int, ...], offset: int | None) -> Array:
    start = offset_of(x) if offset is None else offset
    return looked_at(x, size, tuple(s * x.itemsize for s in stride), start)


def _strided_vjp(node: Any, g: Any) -> Any:
    shape, size, stride, offset, own_stride, own_offset, n = node.params
    xp = node.xp
    everything = np.arange(n)
    start = own_offset if offset is None else offset
    taken = np.lib.stride_tricks.as_strided(everything[start:], size, tuple(s * 8 for s in stride)).reshape(-1)
    own = np.lib.stride_tricks.as_strided(everything[own_offset:], shape, tuple(s * 8 for s in own_stride)).reshape(-1)
    flat = xp.scatter_pick(xp.reshape(g, (-1,)), (n,), (taken,), False)
    counts = np.bincount(own, minlength=n)[own]
    back = xp.pick(flat, (own,))
    if (counts > 1).any():
        back = back / xp.constant(counts.astype(xp.array_of(g).dtype), g)
    return (xp.reshape(back, shape),)


AS_STRIDED = declare(
    Op(
        name="as_strided",
        category=Category.SHAPE,
        args=("input",),
        params=("size", "stride", "storage_offset", "own_stride", "own_offset", "n"),
        formula="out[i, j, …] = memory[storage_offset + i · stride[0] + j · stride[1] + …]",
        backward_formula=N_("d input = g added at the places that were looked at"),
        forward=lambda x, size, stride, offset, *_: _strided(x, size, stride, offset),
        vjp=_strided_vjp,
        broadcasts=True,
        view=True,
        shape=lambda s, size, *_: size,
        narrate=N_("the memory of {input} is looked at as {shape}"),
        narrate_backward=N_("each entry of {input} gets the gradients of all entries that look at it"),
    )
)


def strided_params(name: str, input: Any, size: Any, stride: Any, offset: int | None) -> tuple[Any, ...]:
    """Checked parameters of `as_strided`."""
    x = need_tensor(input, name)._array
    size, stride = tuple(int(s) for s in size), tuple(int(s) for s in stride)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: " + str(list(stride))
        )
    n = storage(x).size
    start = offset_of(x) if offset is None else offset
    if start < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {start}")
    needs = 0 if 0 in size else start + 1 + sum((m - 1) * s for m, s in zip(size, stride))
    if needs > n:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {start}, and itemsize "
            f"{x.itemsize} requiring a storage size of {needs * x.itemsize} are out of bounds for storage of size "
            f"{n * x.itemsize}"
        )
    own = tuple(s // x.itemsize for s in x.strides)
    return (size, stride, offset, own, offset_of(x), n)


@public(AS_STRIDED)
def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """The memory of a tensor looked at with other sizes and strides."""
    return run(AS_STRIDED, (input,), strided_params("as_strided", input, size, stride, storage_offset))


# Writing a part into a copy


@public("select_scatter")
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy with src in the place of one index of a dim."""
    x = need_tensor(input, "select_scatter")._array
    d = wrap_dim(dim, x.ndim, "select_scatter")
    _same_shape(FUNCTIONS["select"](input, d, index)._array.shape, src)
    return rename(_with_part(input, src, (slice(None),) * d + (index,)), "SelectScatterBackward0")


@public("slice_scatter")
def slice_scatter(input: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """A copy with src in the place of a slice of a dim."""
    x = need_tensor(input, "slice_scatter")._array
    d = wrap_dim(dim, x.ndim, "slice_scatter")
    key = (slice(None),) * d + (slice(start, end, step),)
    _same_shape(x[key].shape, src)
    return rename(_with_part(input, src, key), "SliceScatterBackward0")


def _with_part(input: Any, src: Any, key: Any) -> Any:
    return run(SETITEM, (input, src), ((*key, ...), None, False))


def _same_shape(wanted: tuple[int, ...], src: Any) -> None:
    if tuple(src.shape) != tuple(wanted):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. "
            f"src size = {list(src.shape)}, slice size = {list(wanted)}"
        )


@public("diagonal_scatter")
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy with src on a diagonal."""
    out = need_tensor(input, "diagonal_scatter").clone()
    part = FUNCTIONS["diagonal"](out, offset, dim1, dim2)
    _same_shape(part._array.shape, src)
    part.copy_(src)
    return rename(out, "DiagonalScatterBackward0")


@public("as_strided_scatter")
def as_strided_scatter(input: Any, src: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """A copy with src where `as_strided` would look."""
    x = need_tensor(input, "as_strided_scatter")._array
    flat = np.arange(x.size)
    params = strided_params("as_strided_scatter", wrap(np.zeros_like(x, order="C")), size, stride, storage_offset)
    places = _strided(flat, params[0], params[1], storage_offset or 0)
    _same_shape(places.shape, src)
    key = ((slice(None), ...), (places.reshape(-1),), False)
    made = run(SETITEM, (input.reshape(-1), src.reshape(-1)), key).reshape(x.shape)
    return rename(made, "AsStridedScatterBackward0")


@public("slice")
def slice_(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """A slice of a dim, sharing memory."""
    d = wrap_dim(dim, need_tensor(input, "slice")._array.ndim, "slice")
    return input[(slice(None),) * d + (slice(start, end, step),)]


@public("resolve_conj")
def resolve_conj(input: Any) -> Any:
    """The tensor itself: conjugates are computed at once."""
    return need_tensor(input, "resolve_conj")


@public("resolve_neg")
def resolve_neg(input: Any) -> Any:
    """The tensor itself."""
    return need_tensor(input, "resolve_neg")


# Sizes changed in place, and memory with given strides


@method("resize_")
def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """In place: another size; new entries are 0."""
    shape = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else tuple(sizes)
    if self._rg:
        raise RuntimeError("cannot resize variables that require grad")
    x = self._array
    n = math.prod(shape)
    flat = storage(x)[offset_of(x) :] if x.size else x.reshape(-1)
    if n > flat.size:
        flat = np.concatenate([flat, np.zeros(n - flat.size, x.dtype)])
    self._array = flat[:n].reshape(shape)
    return self


@public("resize_as_")
def resize_as_(input: Tensor, the_template: Any, *, memory_format: Any = None) -> Tensor:
    """In place: the size of another tensor."""
    return resize_(input, tuple(the_template.shape))


@public("empty_strided", method=False)
def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of zeros with given strides."""
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape: got {len(stride)} strides and {len(size)} sizes")
    n = 0 if 0 in size else 1 + sum((m - 1) * s for m, s in zip(size, stride))
    flat = FUNCTIONS["zeros"](n, dtype=dtype, device=device)
    steps = tuple(s * flat._array.itemsize for s in stride)
    made = wrap(looked_at(flat._array, size, steps, 0), flat._device)
    return made.requires_grad_(requires_grad)


@method("new_empty_strided")
def new_empty_strided(
    self: Tensor,
    size: Any,
    stride: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of zeros with given strides, of this one's type."""
    return empty_strided(
        size, stride, dtype=dtype or self.dtype, device=device or self._device, requires_grad=requires_grad
    )


@public("empty_permuted", method=False)
def empty_permuted(
    size: Any,
    physical_layout: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of zeros whose dims lie in memory in a given order."""
    size, order = tuple(size), tuple(physical_layout)
    if len(size) != len(order):
        raise RuntimeError(
            f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} is not equal to len(physical_layout) = {len(order)}"
        )
    seen: set[int] = set()
    for i, d in enumerate(order):
        if not 0 <= d < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d} at "
                f"index {i}).  NB: negative dims not currently supported; file an issue if you want it."
            )
        if d in seen:
            raise RuntimeError("Duplicate dim not allowed")
        seen.add(d)
    flat = FUNCTIONS["zeros"](*(size[d] for d in order), dtype=dtype, device=device)
    return wrap(flat._array.transpose(np.argsort(order)), flat._device).requires_grad_(requires_grad)


Tensor.mH = property(lambda self: self.mT)  # type: ignore[attr-defined]
