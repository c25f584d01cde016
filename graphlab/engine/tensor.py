"""`Tensor`: an array, where it lies, and how it was computed. Operators attach their methods from `ops/`."""

from __future__ import annotations

import weakref
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import CPU, META, Virtual, cpu_error, device, hollow
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, make, type_name, wrap_dim
from graphlab.engine.virtual import no_data, no_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphlab.engine.autograd.graph import AccumulateGrad, Node


_backward: Any = None  # graph.py puts its function here; an import at every call would cost as much as an operator


class TorchType(type):
    """A type that error messages call by its full name, as they do PyTorch's; its `__name__` is the short one."""

    __name__ = property(lambda cls: cls.__qualname__)


class Size(tuple[int, ...], metaclass=TorchType):
    """A shape: `torch.Size`."""

    __slots__ = ()
    __module__ = "torch"

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        n = 1
        for each in self:
            n *= each
        return n

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))


type.__dict__["__name__"].__set__(Size, "torch.Size")


class View:
    """How a view looks at its base: the chain of view operators that leads from it."""

    __slots__ = ("base", "chain")

    def __init__(self, base: Tensor, chain: tuple[tuple[Any, ...], ...]) -> None:
        self.base = base
        self.chain = chain


class Tensor:
    """A multi-dimensional array that can be differentiated: `torch.Tensor`."""

    __slots__ = (
        "__weakref__",
        "_acc",  # AccumulateGrad of a leaf: itself for a Parameter, else a weak reference
        "_array",  # the numbers; always an ndarray, shared by views
        "_device",
        "_extra",  # None, or a dict of what few tensors have: hooks, views, …
        "_fn",  # Node that computed it, or None
        "_grad",
        "_mark",  # the observer's own
        "_nr",  # which output of `_fn` it is
        "_rg",  # requires_grad
        "_version",  # None until the first in-place write or view; then a list of one number, shared by views
        "_view",  # None, or the View that it is
    )

    _acc: AccumulateGrad | weakref.ref[AccumulateGrad] | None
    _array: Array
    _device: device
    _extra: dict[str, Any] | None
    _fn: Node | None
    _grad: Tensor | None
    _mark: Any
    _nr: int
    _rg: bool
    _version: list[int] | None
    _view: View | None

    if TYPE_CHECKING:
        # Methods attached by ops/.
        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, key: Any) -> Any: ...

    def __new__(cls, *args: Any, device: Any = None) -> Tensor:
        """`torch.Tensor(2, 3)` (not initialised), `torch.Tensor([1, 2])`: of the default type."""
        made: Tensor = adopt(cls, legacy(args), device)
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # `__new__` has done it; subclasses may take other arguments.
        pass

    # What it is

    @property
    def shape(self) -> Size:
        """Its sizes, one for each dimension."""
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """Its shape, or one size of it."""
        if dim is None:
            return Size(self._array.shape)
        if not self._array.ndim:
            fail(
                IndexError,
                "Dimension specified as " + str(dim) + " but tensor has no dimensions",
                kind="dim_range",
                op="size",
                dim=dim,
                n_dims=0,
            )
        return self._array.shape[wrap_dim(dim, self._array.ndim, "size")]

    def stride(self, dim: int | None = None) -> Any:
        """Steps in memory, in elements, for each dimension."""
        each = tuple(s // self._array.itemsize for s in self._array.strides)
        return each if dim is None else each[wrap_dim(dim, self._array.ndim, "stride")]

    def storage_offset(self) -> int:
        """Where its first element lies in the memory that it shares, in elements."""
        from graphlab.engine.device import root

        if type(self._array) is Virtual:
            return self._array.start // self._array.itemsize
        owner = root(self._array)
        start: int = self._array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        return start // self._array.itemsize

    def data_ptr(self) -> int:
        """The address of its first element; 0 where it has no memory."""
        if type(self._array) is Virtual:
            return 0
        return int(self._array.__array_interface__["data"][0])

    @property
    def dtype(self) -> dtypes.dtype:
        """Its element type."""
        return dtypes.BY_NUM[self._array.dtype.num]

    @property
    def device(self) -> device:
        """Where it lies."""
        return self._device

    @property
    def layout(self) -> str:
        """Always `torch.strided`."""
        return "torch.strided"

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.nbytes

    @property
    def is_cuda(self) -> bool:
        """Whether it lies on the simulated GPU."""
        return self._device.type == "cuda"

    is_cpu = property(lambda self: self._device.type == "cpu")
    is_sparse = property(lambda self: False)
    is_quantized = property(lambda self: False)
    is_meta = property(lambda self: self._device is META)
    is_mps = property(lambda self: False)
    is_nested = property(lambda self: False)

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._array.itemsize

    def get_device(self) -> int:
        """The index of its GPU, -1 on the cpu."""
        return 0 if self._device.type == "cuda" else -1

    def is_floating_point(self) -> bool:
        """Whether its elements are floating-point numbers."""
        return bool(self._array.dtype.kind in "fV")

    def is_complex(self) -> bool:
        """Whether its elements are complex numbers."""
        return bool(self._array.dtype.kind == "c")

    def is_signed(self) -> bool:
        """Whether its elements can be negative."""
        return bool(self._array.dtype.kind in "ifVc")

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether its elements lie in memory in row order without gaps."""
        return bool(self._array.flags.c_contiguous)

    def is_inference(self) -> bool:
        """Never."""
        return False

    # Its numbers

    def numpy(self, *, force: bool = False) -> Array:
        """Its numbers as an array that shares its memory; not for one that requires grad."""
        if self._rg and not force:
            fail(
                RuntimeError,
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
                kind="numpy_requires_grad",
            )
        if self._device.type != "cpu" and not force:
            fail(
                TypeError,
                f"can't convert {self._device} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first.",
                kind="numpy_cuda",
                device=str(self._device),
            )
        if self._device is META:
            no_data()
        return self._array

    # NumPy's operators leave what has a higher priority to the other side: `np.float64(2) * t` is a tensor.
    __array_priority__ = 1000

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __array_wrap__(self, array: Array, context: Any = None, return_scalar: bool = False) -> Tensor:
        # What NumPy's functions make of a tensor is one, too; truth values become uint8, as in PyTorch.
        return wrap(array.astype(np.uint8) if array.dtype.kind == "b" else np.asarray(array))

    def _number(self, word: str) -> Any:
        if self._array.size != 1:
            is_item = word in ("item", "bool")
            fail(
                RuntimeError if is_item else ValueError,
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
                if is_item
                else "only one element tensors can be converted to Python scalars",
                kind="not_scalar",
                shape=list(self._array.shape),
            )
        if type(self._array) is Virtual:
            if self._device is META:
                no_value()
            fail(
                RuntimeError,
                "this value was not computed: it depends on a tensor of the simulated device that is too large "
                "to be held, so only its shape is known",
                kind="virtual_value",
                op=word,
            )
        return self._array.item()

    def item(self) -> Any:
        """The number in a tensor of one element."""
        return self._number("item")

    def tolist(self) -> Any:
        """Its numbers as nested lists."""
        return self._array.tolist()

    def __bool__(self) -> bool:
        n = self._array.size
        if n > 1:
            fail(
                RuntimeError,
                "Boolean value of Tensor with more than one value is ambiguous",
                kind="ambiguous_bool",
                shape=list(self._array.shape),
            )
        if n == 0:
            fail(
                RuntimeError,
                "Boolean value of Tensor with no values is ambiguous",
                kind="ambiguous_bool",
                shape=list(self._array.shape),
            )
        return bool(self._number("bool"))

    def __float__(self) -> float:
        return float(self._real_number("float", "double"))

    def __int__(self) -> int:
        return int(self._real_number("int", "int64_t"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def _real_number(self, word: str, kind: str) -> Any:
        found = self._number(word)
        if isinstance(found, complex):
            if found.imag:
                raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
            return found.real
        return found

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._number("index"))

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return int(self._array.shape[0])

    def __format__(self, spec: str) -> str:
        if not self._array.ndim and self._device is not META:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        from graphlab.engine.printing import tensor_text

        return tensor_text(self)

    def __hash__(self) -> int:
        return id(self)

    def __contains__(self, value: Any) -> bool:
        return bool(cast(Any, self == value).any().item())

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("tensors of GraphLab are not pickled")

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            fail(
                RuntimeError,
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a "
                "torch.nn.utils.weight_norm "
                "usage, see https://github.com/pytorch/pytorch/pull/103001",
                kind="deepcopy_non_leaf",
            )
        if id(self) not in memo:
            copy = adopt(type(self), self._array.copy(), self._device, self._rg)
            if self._grad is not None:
                copy._grad = self._grad.__deepcopy__(memo)
            memo[id(self)] = copy
        found: Tensor = memo[id(self)]
        return found

    # Autograd

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        return self._rg

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if not isinstance(on, bool):
            raise RuntimeError("requires_grad must be a bool")
        if on and self._fn is None and self._array.dtype.kind not in "fVc":
            fail(
                RuntimeError,
                "only Tensors of floating point and complex dtype can require gradients",
                kind="integer_grad",
                dtype=self.dtype.name,
            )
        self.requires_grad_(on)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Let gradients be computed for this leaf, or not."""
        if requires_grad is not True and requires_grad is not False:
            raise TypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type_name(requires_grad)}"
            )
        if self._fn is not None:
            if not requires_grad:
                fail(
                    RuntimeError,
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
                    kind="requires_grad_non_leaf",
                )
            return self
        if requires_grad and self._array.dtype.kind not in "fVc":
            fail(
                RuntimeError,
                "only Tensors of floating point dtype can require gradients",
                kind="integer_grad",
                dtype=self.dtype.name,
            )
        self._rg = bool(requires_grad)
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node of the graph that computed it; None for a leaf."""
        return self._fn

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` it is."""
        return self._nr

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operator computed it."""
        return self._fn is None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have added up here."""
        if self._grad is None and self._fn is not None and not (self._extra and "retain" in self._extra):
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
                ".grad attribute won't "
                "be populated during autograd.backward(). If you indeed want the .grad field to be populated for a "
                "non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                "mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for "
                "more informations.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type_name(value)}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._device is not self._device:
                raise RuntimeError(
                    f"attempting to assign a gradient with device type '{value._device.type}' to a tensor with device "
                    f"type '{self._device.type}'. Please ensure that the gradient and the tensor are on the same device"
                )
            if value._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype.name}' to a tensor with dtype "
                    f"'{self.dtype.name}'. Please ensure that the gradient and the tensor have the same dtype"
                )
            if value._array.shape != self._array.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: got {list(value.shape)}, expected {list(self.shape)}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """Its numbers without the graph, sharing memory."""
        return wrap(self._array, self._device)

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}")
        self._array = new._array
        self._device = new._device

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was asked for on this non-leaf."""
        return bool(self._extra and "retain" in self._extra)

    def retain_grad(self) -> None:
        """Keep `.grad` of this non-leaf too."""
        if not self._rg:
            fail(RuntimeError, "can't retain_grad on Tensor that has requires_grad=False", kind="no_grad_fn")
        if self._fn is None or self.retains_grad:
            return
        from graphlab.engine.autograd.graph import keep_grad

        self._more()["retain"] = keep_grad(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Call `hook` with this tensor's gradient in backward passes; what it returns replaces the gradient."""
        if not self._rg:
            fail(RuntimeError, "cannot register a hook on a tensor that doesn't require gradient", kind="no_grad_fn")
        from graphlab.engine.autograd.graph import add_hook

        return add_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Any:
        """Call `hook` with this leaf after `.grad` was added to."""
        if not self._rg:
            fail(RuntimeError, "cannot register a hook on a tensor that doesn't require gradient", kind="no_grad_fn")
        if self._fn is not None:
            fail(RuntimeError, "post accumulate grad hooks cannot be registered on non-leaf tensors", kind="non_leaf")
        from graphlab.engine.autograd.graph import RemovableHandle

        return RemovableHandle(self._more().setdefault("post_hooks", {}), hook)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor with respect to the leaves of its graph to their `.grad`."""
        _backward(self, gradient, retain_graph, create_graph, None, inputs)

    @property
    def _version_number(self) -> int:
        return 0 if self._version is None else self._version[0]

    def _more(self) -> dict[str, Any]:
        if self._extra is None:
            self._extra = {}
        return self._extra

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    def _is_view(self) -> bool:
        return self._view is not None


_new = object.__new__


def wrap(array: Any, where: device = CPU) -> Tensor:
    """A tensor without history around an array (a NumPy number becomes a 0-dim array)."""
    t = _new(Tensor)
    t._array = array if isinstance(array, np.ndarray) else np.asarray(array)
    t._device = where
    t._rg = False
    t._nr = 0
    t._fn = t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    if where.counts:
        if where is META:
            t._array = hollow(t._array)
        where.ledger.charge(t._array)
    return t


def adopt(cls: type[Tensor], array: Array, where: Any = None, requires_grad: bool = False) -> Any:
    """A leaf of type `cls` (a subclass such as Parameter) around an array."""
    from graphlab.engine.device import resolve

    t = _new(cls)
    t._array = array
    t._device = resolve(where)
    t._rg = requires_grad
    t._nr = 0
    t._fn = t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    if t._device.counts:
        if t._device is META:
            t._array = hollow(array)
        t._device.ledger.charge(array)
    return t


def legacy(args: tuple[Any, ...], dtype: Any = None) -> Array:
    """What `torch.Tensor(...)` and `torch.FloatTensor(...)` make of their arguments."""
    from graphlab.engine.ops.create import infer, room, sizes

    chosen = dtype or dtypes.get_default_dtype()
    kind = chosen.np
    if not args:
        return np.zeros(0, kind)
    data = args[0]
    if len(args) == 1 and isinstance(data, Tensor):
        return data._array.astype(kind)
    if isinstance(data, Size) or (isinstance(data, (int, np.integer)) and not isinstance(data, bool)):
        for i, n in enumerate(args):
            if not isinstance(data, Size) and (isinstance(n, bool) or not hasattr(n, "__index__")):
                raise make(
                    TypeError,
                    f"new(): argument 'size' failed to unpack the object at pos {i + 1} with error "
                    f'"type must be tuple of ints,but got {type_name(n)}"',
                )
        shape = sizes(tuple(data) if isinstance(data, Size) else args, "new")
        room(shape, chosen, CPU)
        try:
            return np.zeros(shape, kind)
        except (MemoryError, ValueError):
            raise cpu_error(prod(shape) * kind.itemsize) from None
    is_sequence = hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, dict)
    if len(args) > 1 or not is_sequence:
        got = type_name(data)
        raise make(TypeError, f"new(): data must be a sequence (got {got})")
    array = infer(data, chosen)
    if array.dtype.kind == "f" and kind.kind in "iu":
        array = np.trunc(array)
    return array.astype(kind)
