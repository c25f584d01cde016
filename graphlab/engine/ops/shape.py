"""Operators that rearrange elements. Views share memory with what they look at."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors
from graphlab.engine.errors import fail, wrap_dim, wrap_dims
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, attach, bad_argument, common_device, method, need_tensor, public, run
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
) -> Op:
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
    "view",
    "ViewBackward0",
    ("shape",),
    lambda x, shape: x.reshape(shape),
    _back_to_shape,
    "out = the same elements in another shape",
    N_("the {input_shape} elements of {input} are seen as {shape}"),
    lambda: [((3, 2), {"shape": (6,)}), ((2, 3), {"shape": (3, 2)})],
)
RESHAPE = _view_op(
    "reshape",
    "ViewBackward0",
    ("shape",),
    lambda x, shape: np.reshape(x, shape),
    _back_to_shape,
    "out = the same elements in another shape",
    N_("the elements of {input} {input_shape} are arranged as {shape}"),
    lambda: [((3, 2), {"shape": (6,)}), ((2, 3), {"shape": (3, 2)})],
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


# Conversions and copies


def _to_vjp(node: Any, g: Any) -> Any:
    return (node.xp.convert(g, node.params[0]),)


CLONE = declare(
    Op(
        name="clone",
        category=Category.CONVERSION,
        args=("input",),
        formula="out = a copy of input",
        backward_formula="d input = g",
        forward=lambda x: x.copy(),
        vjp=lambda node, g: (g,),
        shape=lambda s: s,
        narrate=N_("{input} is copied"),
        narrate_backward=N_("a copy passes its gradient on to {input} unchanged"),
        samples=lambda: [((3, 2), {})],
    )
)


@public(CLONE)
def clone(input: Any, *, memory_format: Any = None) -> Any:
    """A copy that gradients flow through."""
    return run(CLONE, (need_tensor(input, "clone"),))


CONTIGUOUS = declare(
    Op(
        name="contiguous",
        node="CloneBackward0",
        category=Category.CONVERSION,
        args=("input",),
        formula="out = input, in row order in memory",
        backward_formula="d input = g",
        forward=lambda x: np.array(x, order="C"),
        vjp=lambda node, g: (g,),
        shape=lambda s: s,
        narrate=N_("{input} is copied into row order in memory"),
        narrate_backward=N_("the gradient is passed on to {input} unchanged"),
        samples=lambda: [((3, 2), {})],
    )
)


@method(CONTIGUOUS, "contiguous")
def contiguous(self: Tensor, memory_format: Any = None) -> Any:
    """The tensor itself if it lies in row order, else such a copy."""
    return self if self._array.flags.c_contiguous else run(CONTIGUOUS, (self,))


TO = declare(
    Op(
        name="to",
        node="ToCopyBackward0",
        category=Category.CONVERSION,
        args=("input",),
        params=("dtype", "device"),
        formula="out = input as another type or on another device",
        backward_formula="d input = g, converted back",
        forward=lambda x, dtype, device: x.astype(getattr(dtypes, dtype if dtype != "bool" else "bool_").np),
        vjp=lambda node, g: (node.xp.convert(g, node.casts_to),),
        shape=lambda s, *_: s,
        narrate=N_("{input} is converted to {dtype} on {device}"),
        narrate_backward=N_("the gradient is converted back to the type of {input}"),
    )
)
TO.node_type.vjp = staticmethod(lambda node, g: (g,))  # the cast back is the node's own: see `casts`


@method("to", "to")
def to(self: Tensor, *args: Any, **named: Any) -> Any:
    """As another type or on another device; itself where nothing changes and no copy is asked for."""
    from graphlab.engine.autograd.graph import make_node
    from graphlab.engine.device import CPU, VIRTUAL_FROM, Virtual, device, reserve, reserved, resolve

    kind: Any = named.get("dtype")
    where: Any = named.get("device")
    rest = []
    for each in args:
        if isinstance(each, dtypes.dtype):
            kind = each
        elif isinstance(each, Tensor):
            kind, where = each.dtype, each._device
        elif isinstance(each, (str, device)) or (isinstance(each, int) and not isinstance(each, bool)):
            where = each
        elif each is not None:
            rest.append(each)
    if "other" in named:
        kind, where = named["other"].dtype, named["other"]._device
    copy = named.get("copy", rest[1] if len(rest) > 1 else False)
    target = self._device if where is None else resolve(where)
    kind = kind or self.dtype
    if kind.np == self._array.dtype and target is self._device and not copy:
        return self
    x = self._array
    n_bytes = x.size * kind.itemsize
    if target is not CPU and (n_bytes > VIRTUAL_FROM or type(x) is Virtual):
        out: Any = reserved(target, x.shape, kind.np)
    else:
        if target is not CPU:
            reserve(target, n_bytes)
        if x.dtype.kind == "f" and kind.rank < 2 and kind.rank:
            # Out-of-range floats wrap as C does on x86 instead of warning.
            out = np.where(np.isfinite(x), x, 0).astype(np.int64).astype(kind.np) if kind.np != I64 else x.astype(I64)
        else:
            out = x.astype(kind.np)
    from graphlab.engine import modes, observe
    from graphlab.engine.tensor import wrap

    t = wrap(out, target)
    if self._rg and modes.grad and kind.rank == 2:
        node = make_node(TO.node_type, (self,), (), ())
        node.casts = (x.dtype,)
        node.outs = self._device
        t._fn, t._rg = node, True
    if observe.observer is not None:
        observe.observer.forward("to", (self,), t, {"dtype": kind.name, "device": str(target)})
    return t


I64 = dtypes.I64
for _name, _kind in (
    ("float", dtypes.float32),
    ("double", dtypes.float64),
    ("half", dtypes.float16),
    ("long", dtypes.int64),
    ("int", dtypes.int32),
    ("short", dtypes.int16),
    ("char", dtypes.int8),
    ("byte", dtypes.uint8),
    ("bool", dtypes.bool_),
):
    setattr(Tensor, _name, lambda self, memory_format=None, kind=_kind: self.to(kind))
attach(cpu=lambda self, memory_format=None: self.to("cpu"))
attach(cuda=lambda self, device=None, non_blocking=False, memory_format=None: self.to("cuda"))
attach(type_as=lambda self, other: self.to(other.dtype))
attach(pin_memory=lambda self, device=None: self)


@method("type", "type")
def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Its type's old name ("torch.FloatTensor"), or itself as another type."""
    place = "torch.cuda." if self._device.type == "cuda" else "torch."
    if dtype is None:
        return f"{place}{self.dtype.title}Tensor"
    if isinstance(dtype, str):
        titles = {f"torch.{k.title}Tensor": k for k in dtypes.ALL}
        if dtype not in titles:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = titles[dtype]
    return self.to(dtype)


@public("detach")
def detach(input: Tensor) -> Tensor:
    """The same memory, without the graph."""
    from graphlab.engine.tensor import wrap

    t = wrap(input._array, input._device)
    if input._version is None:
        input._version = [0]
    t._version = input._version
    from graphlab.engine import observe

    if observe.observer is not None:
        observe.observer.forward("detach", (input,), t, {})
    return t


declare(
    Op(
        name="detach",
        category=Category.CONVERSION,
        args=("input",),
        formula="out = input, cut off from the graph",
        forward=lambda x: x,
        view=True,
        narrate=N_("{input} is taken out of the graph: no gradient flows back through here"),
    )
)


@public("detach_")
def detach_(input: Tensor) -> Tensor:
    """Cut this tensor off from its graph."""
    if input._view is not None and input._fn is not None:
        raise RuntimeError("Can't detach views in-place. Use detach() instead.")
    input._fn = None
    input._nr = 0
    input._rg = False
    return input


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
    "out = input with dims start_dim … end_dim joined into one",
    N_("dims {start_dim} to {end_dim} of {input} {input_shape} are joined: {shape}"),
    lambda: [((2, 3, 2), {"start_dim": 0, "end_dim": 1})],
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
    "out = input without dims of size 1",
    N_("dims of size 1 of {input} {input_shape} are dropped: {shape}"),
    lambda: [((2, 1, 3), {"dim": (1,)})],
)
UNSQUEEZE = _view_op(
    "unsqueeze",
    "UnsqueezeBackward0",
    ("dim",),
    lambda x, dim: np.expand_dims(x, dim),
    _back_to_shape,
    "out = input with a new dim of size 1",
    N_("{input} {input_shape} gets a new dim of size 1 at {dim}: {shape}"),
    lambda: [((2, 3), {"dim": 1})],
)


@public(SQUEEZE)
def squeeze(input: Any, dim: Any = None) -> Any:
    """Without its dims of size 1 (or the given ones among them)."""
    x = need_tensor(input, "squeeze")._array
    if dim is None:
        which = tuple(range(x.ndim))
    elif isinstance(dim, (tuple, list)):
        which = wrap_dims(dim, x.ndim, "squeeze")
    else:
        which = (wrap_dim(dim, x.ndim, "squeeze"),)
    return run(SQUEEZE, (input,), (which,))


@public(UNSQUEEZE)
def unsqueeze(input: Any, dim: int) -> Any:
    """With a new dim of size 1."""
    x = need_tensor(input, "unsqueeze")._array
    return run(UNSQUEEZE, (input,), (wrap_dim(dim, x.ndim + 1, "unsqueeze"),))


def _swap(x: Any, a: int, b: int) -> Any:
    return x.swapaxes(a, b) if x.ndim else x[...]


TRANSPOSE = _view_op(
    "transpose",
    "TransposeBackward0",
    ("dim0", "dim1"),
    _swap,
    lambda node, g: (g.swapaxes(node.params[1], node.params[2]) if len(node.params[0]) else g,),
    "out = input with dims dim0 and dim1 exchanged",
    N_("dims {dim0} and {dim1} of {input} {input_shape} are exchanged: {shape}"),
    lambda: [((2, 3), {"dim0": 0, "dim1": 1})],
    backward="d input = g with the dims exchanged back",
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
)
PERMUTE = _view_op(
    "permute",
    "PermuteBackward0",
    ("dims",),
    lambda x, dims: x.transpose(dims),
    lambda node, g: (node.xp.permute(g, tuple(int(i) for i in np.argsort(node.params[1]))),),
    "out = input with its dims in the order dims",
    N_("the dims of {input} {input_shape} are put in the order {dims}: {shape}"),
    lambda: [((2, 3, 4), {"dims": (2, 0, 1)})],
    backward="d input = g with the dims put back",
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
    "out = input stretched to size",
    N_("{input} {input_shape} is stretched to {shape} without copying"),
    lambda: [((3, 1), {"size": (2, 3, 4)})],
    backward="d input = g summed over the stretched dims",
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
    return tuple(expand(each, shape) for each in tensors)


@public("broadcast_shapes", method=False)
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that all broadcast to."""
    from graphlab.engine.tensor import Size

    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape") from None


# Joining and cutting


def _cat_vjp(node: Any, g: Any) -> Any:
    *shapes, dim = node.params
    out = []
    at = 0
    for shape in shapes:
        n = shape[dim] if len(shape) > dim else 0
        key = (slice(None),) * dim + (slice(at, at + n),)
        out.append(g[key] if len(shape) == g.ndim else None)
        at += n
    return out


def _cat_shape(*args: Any) -> tuple[int, ...]:
    *shapes, dim = args
    full = [s for s in shapes if s != (0,)] or [(0,)]
    return tuple(sum(s[dim] for s in full) if i == dim else n for i, n in enumerate(full[0]))


CAT = declare(
    Op(
        name="cat",
        category=Category.SHAPE,
        args=("tensors",),
        params=("dim",),
        formula="out = the tensors one after another along dim",
        backward_formula="d of each tensor = its part of g",
        forward=lambda *args: np.concatenate([a for a in args[:-1] if a.shape != (0,)] or args[:1], args[-1]),
        vjp=_cat_vjp,
        broadcasts=True,
        shape=_cat_shape,
        narrate=N_("tensors are joined along dim {dim}: {shape}"),
        narrate_backward=N_("each tensor that was joined gets its part of the gradient"),
    )
)
STACK = declare(
    Op(
        name="stack",
        category=Category.SHAPE,
        args=("tensors",),
        params=("dim",),
        formula="out = the tensors side by side along a new dim",
        backward_formula="d of each tensor = its slice of g",
        forward=lambda *args: np.stack(args[:-1], args[-1]),
        vjp=lambda node, g: [g[(slice(None),) * node.params[-1] + (i,)] for i in range(len(node.edges))],
        broadcasts=True,
        shape=lambda *args: (*args[0][: args[-1]], len(args) - 1, *args[0][args[-1] :]),
        narrate=N_("tensors of the same shape are put side by side along a new dim {dim}: {shape}"),
        narrate_backward=N_("each tensor that was stacked gets its slice of the gradient"),
    )
)


def _sequence(tensors: Any, name: str) -> tuple[Tensor, ...]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(each).__name__}")
    return tuple(tensors)


@public(CAT, "cat", "concat", "concatenate", method=False)
def cat(tensors: Any, dim: int = 0, *, out: Any = None, axis: int | None = None) -> Any:
    """The tensors one after another along a dim."""
    parts = _sequence(tensors, "cat")
    if not parts:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    shapes = [p._array.shape for p in parts]
    for i, s in enumerate(shapes):
        if not s:
            fail(
                RuntimeError,
                f"zero-dimensional tensor (at position {i}) cannot be concatenated",
                kind="concat",
                op="cat",
                shapes=[list(s) for s in shapes],
            )
    full = [s for s in shapes if s != (0,)]
    d = wrap_dim(dim if axis is None else axis, len(full[0]) if full else 1, "cat")
    for i, s in enumerate(shapes):
        if s == (0,):
            continue
        if len(s) != len(full[0]):
            fail(
                RuntimeError,
                f"Tensors must have same number of dimensions: got {len(full[0])} and {len(s)}",
                kind="concat",
                op="cat",
                shapes=[list(s) for s in shapes],
            )
        for k, (n, m) in enumerate(zip(full[0], s)):
            if n != m and k != d:
                fail(
                    RuntimeError,
                    f"Sizes of tensors must match except in dimension {d}. Expected size {n} but got "
                    f"size {m} for tensor "
                    f"number {i} in the list.",
                    kind="concat",
                    op="cat",
                    shapes=[list(s) for s in shapes],
                    dim=d,
                    sizes=[n, m],
                )
    kind = dtypes.of(parts[0]._array)
    for p in parts[1:]:
        kind = dtypes.promote_types(kind, p.dtype)
    casts = None if all(p._array.dtype == kind.np for p in parts) else (kind.np,) * len(parts)
    common_device("cat", parts)
    return run(CAT, parts, (d,), casts)


@public(STACK, method=False)
def stack(tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    """The tensors side by side along a new dim."""
    parts = _sequence(tensors, "stack")
    if not parts:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = parts[0]._array.shape
    for i, p in enumerate(parts):
        if p._array.shape != shape:
            fail(
                RuntimeError,
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(p._array.shape)} at entry {i}",
                kind="concat",
                op="stack",
                shapes=[list(q._array.shape) for q in parts],
            )
    kind = dtypes.of(parts[0]._array)
    for p in parts[1:]:
        kind = dtypes.promote_types(kind, p.dtype)
    casts = None if all(p._array.dtype == kind.np for p in parts) else (kind.np,) * len(parts)
    return run(STACK, parts, (wrap_dim(dim, len(shape) + 1, "stack"),), casts)


def _not_empty(tensors: Any, name: str) -> None:
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")


@public("hstack", method=False)
def hstack(tensors: Any, *, out: Any = None) -> Any:
    """Joined along columns."""
    _not_empty(tensors, "hstack")
    parts = [p if p._array.ndim else p.reshape(1) for p in tensors]
    return cat(parts, 0 if parts[0]._array.ndim == 1 else 1)


@public("vstack", "vstack", "row_stack", method=False)
def vstack(tensors: Any, *, out: Any = None) -> Any:
    """Joined along rows."""
    _not_empty(tensors, "vstack")
    return cat([p.reshape(1, -1) if p._array.ndim < 2 else p for p in tensors], 0)


@public("column_stack", method=False)
def column_stack(tensors: Any, *, out: Any = None) -> Any:
    """Vectors as columns side by side."""
    return hstack([p.reshape(-1, 1) if p._array.ndim < 2 else p for p in tensors])


@public("dstack", method=False)
def dstack(tensors: Any, *, out: Any = None) -> Any:
    """Joined along a third dim."""
    _not_empty(tensors, "dstack")
    deep = [p.reshape(1, -1, 1) if p._array.ndim < 2 else unsqueeze(p, 2) if p._array.ndim == 2 else p for p in tensors]
    return cat(deep, 2)


def _split(x: Any, sizes_: tuple[int, ...], dim: int) -> Any:
    out, at = [], 0
    for n in sizes_:
        out.append(x[(slice(None),) * dim + (slice(at, at + n),)])
        at += n
    return out


def _filled(node: Any, gs: Any) -> list[Any]:
    """The gradients of several outputs, zeros where none arrived."""
    like = next(g for g in gs if g is not None)
    return [node.xp.full(shape, 0, like) if g is None else g for g, (shape, _) in zip(gs, node.outs)]


SPLIT = declare(
    Op(
        name="split",
        node="SplitBackward0",
        category=Category.SHAPE,
        args=("input",),
        params=("sizes", "dim"),
        formula="out = consecutive pieces of input along dim",
        backward_formula="d input = the pieces' gradients joined",
        forward=_split,
        vjp=lambda node, gs: (node.xp.cat(_filled(node, gs), node.params[1]),),
        view=True,
        n_outputs=2,
        narrate=N_("{input} {input_shape} is cut along dim {dim} into pieces of sizes {sizes}"),
        narrate_backward=N_("the gradients of the pieces are joined into that of {input}"),
    )
)
UNBIND = declare(
    Op(
        name="unbind",
        category=Category.SHAPE,
        args=("input",),
        params=("dim",),
        formula="out[i] = slice i of input along dim",
        backward_formula="d input = the slices' gradients stacked",
        forward=lambda x, dim: [
            x[(slice(None),) * dim + (slice(i, i + 1),)].reshape(x.shape[:dim] + x.shape[dim + 1 :])
            for i in range(x.shape[dim])
        ],
        vjp=lambda node, gs: (node.xp.stack(_filled(node, gs), node.params[0]),),
        view=True,
        n_outputs=2,
        narrate=N_("{input} {input_shape} is taken apart along dim {dim}"),
        narrate_backward=N_("the gradients of the slices are stacked into that of {input}"),
    )
)


@public(SPLIT)
def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Consecutive pieces of a size, or of given sizes, along a dim."""
    x = need_tensor(input, "split")._array
    if not x.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = wrap_dim(dim, x.ndim, "split")
    n = x.shape[d]
    if isinstance(split_size_or_sections, (tuple, list)):
        pieces = tuple(int(s) for s in split_size_or_sections)
        if sum(pieces) != n or any(s < 0 for s in pieces):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                f"dimension {d}), but "
                f"got split_sizes={list(pieces)}"
            )
    else:
        size = int(split_size_or_sections)
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        pieces = tuple(min(size, n - at) for at in range(0, n, size or 1)) or (0,)
    return run(SPLIT, (input,), (pieces, d))


attach(split_with_sizes=split)


@public("chunk")
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of equal size (the last may be smaller)."""
    x = need_tensor(input, "chunk")._array
    if not x.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = wrap_dim(dim, x.ndim, "chunk")
    size = -(-x.shape[d] // chunks)
    if not size:
        return split(input, [0] * chunks, d)
    return split(input, size, d)


@public("tensor_split")
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    """Pieces cut at indices, or a number of almost equal pieces."""
    x = need_tensor(input, "tensor_split")._array
    d = wrap_dim(dim, x.ndim, "tensor_split")
    n = x.shape[d]
    if isinstance(indices_or_sections, Tensor):
        found = indices_or_sections._array
        indices_or_sections = found.tolist()
    if isinstance(indices_or_sections, int):
        k, extra = divmod(n, indices_or_sections)
        return split(input, [k + 1] * extra + [k] * (indices_or_sections - extra), d)
    cuts = [0, *(min(max(i + n if i < 0 else i, 0), n) for i in map(int, indices_or_sections)), n]
    return tuple(FUNCTIONS["narrow"](input, d, a, max(b - a, 0)) for a, b in pairwise(cuts))


@public(UNBIND)
def unbind(input: Any, dim: int = 0) -> Any:
    """All slices along a dim."""
    x = need_tensor(input, "unbind")._array
    if not x.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    d = wrap_dim(dim, x.ndim, "unbind")
    return run(UNBIND, (input,), (d,)) if x.shape[d] else ()


def _iterate(self: Tensor) -> Any:
    if not self._array.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self, 0))


attach(__iter__=_iterate)


def _repeat_vjp(node: Any, g: Any) -> Any:
    shape, repeats = node.params
    full = (1,) * (len(repeats) - len(shape)) + tuple(shape)
    xp = node.xp
    parts = xp.reshape(g, tuple(v for r, n in zip(repeats, full) for v in (r, n)))
    dims = tuple(range(0, 2 * len(full), 2))
    return (xp.reshape(xp.sum(parts, dims) if dims else parts, shape),)


REPEAT = declare(
    Op(
        name="repeat",
        category=Category.SHAPE,
        args=("input",),
        params=("repeats",),
        formula="out = copies of input, repeats along each dim",
        backward_formula="d input = g summed over the copies",
        forward=lambda x, repeats: np.tile(x, repeats),
        vjp=_repeat_vjp,
        broadcasts=True,
        shape=lambda s, repeats: tuple(r * n for r, n in zip(repeats, (1,) * (len(repeats) - len(s)) + tuple(s))),
        narrate=N_("{input} {input_shape} is copied {repeats} times: {shape}"),
        narrate_backward=N_("the gradients of all copies are summed into {input}"),
        samples=lambda: [((2, 3), {"repeats": (2, 1, 2)})],
    )
)


@method(REPEAT, "repeat")
def repeat(self: Tensor, *repeats: Any) -> Any:
    """Copies along each dim."""
    counts = _dims_argument(repeats, "repeat")
    if len(counts) < self._array.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(c < 0 for c in counts):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(counts)}: {list(counts)}")
    return run(REPEAT, (self,), (counts,))


REPEAT.function = lambda input, repeats: repeat(input, *repeats)


@public("tile")
def tile(input: Any, *dims: Any) -> Any:
    """Copies along each dim; missing counts are 1."""
    counts = _dims_argument(dims, "tile")
    return repeat(input, (1,) * (input._array.ndim - len(counts)) + counts)


@public("repeat_interleave")
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None, *, output_size: Any = None) -> Any:
    """Each entry (or slice along dim) repeated in place."""
    if dim is None:
        input, dim = flatten(input) if input._array.ndim != 1 else input, 0
    n = input._array.shape[wrap_dim(dim, input._array.ndim, "repeat_interleave")]
    counts = repeats._array if isinstance(repeats, Tensor) else repeats
    index = np.repeat(np.arange(n), np.broadcast_to(counts, (n,)) if np.ndim(counts) else counts)
    from graphlab.engine.tensor import wrap

    return FUNCTIONS["index_select"](input, dim, wrap(index, input._device))


FLIP = declare(
    Op(
        name="flip",
        category=Category.SHAPE,
        args=("input",),
        params=("dims",),
        formula="out = input in reverse order along dims",
        backward_formula="d input = g in reverse order along dims",
        forward=lambda x, dims: np.flip(x, dims).copy(),
        vjp=lambda node, g: (node.xp.flip(g, node.params[0]),),
        shape=lambda s, dims: s,
        narrate=N_("{input} is put in reverse order along dims {dims}"),
        narrate_backward=N_("the gradient is put back in order"),
        samples=lambda: [((2, 3), {"dims": (1,)})],
    )
)
ROLL = declare(
    Op(
        name="roll",
        category=Category.SHAPE,
        args=("input",),
        params=("shifts", "dims"),
        formula="out = input shifted along dims, what falls out comes in at the other end",
        backward_formula="d input = g shifted back",
        forward=lambda x, shifts, dims: np.roll(x, shifts, dims),
        vjp=lambda node, g: (
            node.xp.roll(g, tuple(-s for s in node.params[0]), node.params[1])
            if node.params[1] is not None
            else node.xp.reshape(node.xp.roll(node.xp.reshape(g, (-1,)), (-node.params[0][0],), (0,)), g.shape),
        ),
        shape=lambda s, *_: s,
        narrate=N_("{input} is shifted by {shifts} along dims {dims}"),
        narrate_backward=N_("the gradient is shifted back"),
        samples=lambda: [((2, 3), {"shifts": (1,), "dims": (1,)})],
    )
)


@public(FLIP)
def flip(input: Any, *dims: Any, **named: Any) -> Any:
    """In reverse order along dims."""
    dims = (named["dims"],) if named else dims
    n = need_tensor(input, "flip")._array.ndim
    return run(FLIP, (input,), (wrap_dims(_dims_argument(dims, "flip"), n, "flip"),))


@public("fliplr")
def fliplr(input: Any) -> Any:
    """Columns in reverse order."""
    if input._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@public("flipud")
def flipud(input: Any) -> Any:
    """Rows in reverse order."""
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@public(ROLL)
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Shifted along dims, around the end."""
    n = need_tensor(input, "roll")._array.ndim
    by = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    along = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not by:
        raise RuntimeError("`shifts` required")
    if along and not n:
        raise IndexError(f"Dimension specified as {along[0]} but tensor has no dimensions")
    if not along:
        if len(by) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:0")
        return run(ROLL, (input,), (by, None))
    if len(by) != len(along):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}")
    return run(ROLL, (input,), (by, tuple(wrap_dim(d, n, "roll") for d in along)))


def _triangle(name: str, forward: Any, words: str) -> Op:
    op = declare(
        Op(
            name=name,
            category=Category.INDEX,
            args=("input",),
            params=("diagonal",),
            formula=f"out = the {'lower' if name == 'tril' else 'upper'} triangle of input, 0 elsewhere",
            backward_formula="d input = g in the triangle, 0 elsewhere",
            forward=forward,
            vjp=lambda node, g: (getattr(node.xp, name)(g, node.params[0]),),
            shape=lambda s, *_: s,
            narrate=words,
            narrate_backward=N_("only the triangle of {input} gets a gradient"),
            samples=lambda: [((3, 4), {"diagonal": 0}), ((3, 3), {"diagonal": 1})],
        )
    )

    def call(input: Any, diagonal: int = 0, *, out: Any = None) -> Any:
        if need_tensor(input, name)._array.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        return run(op, (input,), (diagonal,))

    call.__name__ = name
    public(op)(call)
    return op


_triangle("tril", np.tril, N_("what lies above the diagonal of {input} becomes 0"))
_triangle("triu", np.triu, N_("what lies below the diagonal of {input} becomes 0"))
