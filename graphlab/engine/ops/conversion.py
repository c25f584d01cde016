"""Conversions and copies: to, type, clone, contiguous, detach."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import attach, method, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import no_data
from graphlab.i18n import N_


def _to_vjp(node: Any, g: Any) -> Any:
    return (node.xp.convert(g, node.params[0]),)


CLONE = declare(
    Op(
        name="clone",
        category=Category.CONVERSION,
        args=("input",),
        formula=N_("out = a copy of input"),
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
        formula=N_("out = input, in row order in memory"),
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
        formula=N_("out = input as another type or on another device"),
        backward_formula="d input = g, converted back",
        forward=lambda x, dtype, device: x.astype(getattr(dtypes, dtype if dtype != "bool" else "bool_").np),
        vjp=lambda node, g: (node.xp.convert(g, node.casts_to),),
        shape=lambda s, *_: s,
        narrate=N_("{input} is converted to {dtype} on {device}"),
        narrate_backward=N_("the gradient is converted back to the type of {input}"),
    )
)


def _back(node: Any, g: Any) -> Any:
    if node.params:  # from the meta device to one with numbers
        no_data()
    return (g,)


TO.node_type.vjp = staticmethod(_back)  # the cast back is the node's own: see `casts`


@method("to", "to")
def to(self: Tensor, *args: Any, **named: Any) -> Any:
    """As another type or on another device; itself where nothing changes and no copy is asked for."""
    from graphlab.engine.autograd.graph import make_node
    from graphlab.engine.device import CPU, META, Virtual, device, hollow, is_hollow, reserve, resolve

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
    if self._device is META and target is not META:
        no_data()
    if is_hollow(target, n_bytes) or (target is not CPU and type(x) is Virtual):
        reserve(target, n_bytes)
        out: Any = hollow(x).astype(kind.np)
    else:
        if target is not CPU:
            reserve(target, n_bytes)
        if x.dtype.kind in "fV" and kind.rank < 2 and kind.rank:
            # Out-of-range floats wrap as C does on x86 instead of warning.
            out = np.where(np.isfinite(x), x, 0).astype(np.int64).astype(kind.np) if kind.np != I64 else x.astype(I64)
        else:
            if x.dtype.kind == "c" and 0 < kind.rank < 3:
                from graphlab.engine.ops.activation import warn

                warn("Casting complex values to real discards the imaginary part", "complex_to_real", stacklevel=4)
                out = x.real.astype(kind.np)
            else:
                out = x.astype(kind.np)
    from graphlab.engine import modes, observe
    from graphlab.engine.tensor import wrap

    t = wrap(out, target)
    if self._rg and modes.grad and kind.rank >= 2:
        node = make_node(TO.node_type, (self,), (), ())
        node.casts = (x.dtype,)
        if target is META and self._device is not META:
            node.params = (self._device,)
        t._fn, t._rg = node, True
    if observe.observer is not None:
        observe.observer.forward("to", (self,), t, {"dtype": kind.name, "device": str(target)})
    return t


I64 = dtypes.I64
for _name, _kind in (
    ("float", dtypes.float32),
    ("double", dtypes.float64),
    ("half", dtypes.float16),
    ("bfloat16", dtypes.bfloat16),
    ("cfloat", dtypes.complex64),
    ("cdouble", dtypes.complex128),
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
    place = "torch." if self._device.type == "cpu" else f"torch.{self._device.type}."
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
        formula=N_("out = input, cut off from the graph"),
        forward=lambda x: x,
        view=True,
        shape=lambda s: s,
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
