"""Layers that learn their input's size from the first input, and become ordinary ones then."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import resolve
from graphlab.engine.nn.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from graphlab.engine.nn.linear import Linear
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.norm import BatchNorm1d
from graphlab.engine.nn.normalization import BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.random import empty_array
from graphlab.engine.tensor import Tensor, adopt

_NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
    "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
    "parameters before accessing their attributes."
)


class _Uninitialized:
    """A tensor whose shape is not known yet."""

    __slots__ = ()

    @property
    def shape(self) -> Any:
        """Not known yet."""
        raise RuntimeError(_NO_SHAPE)

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Take this shape, and be an ordinary tensor from now on; the numbers are still to be set."""
        own: Any = self
        where = own._device if device is None else resolve(device)
        kind = own.dtype if dtype is None else dtype
        own._array = empty_array(tuple(shape), kind, where)
        own._device = where
        own.__class__ = Parameter if isinstance(own, Parameter) else Tensor

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return f"<{type(self).__name__}>"


def _made(cls: type, requires_grad: bool, device: Any, dtype: Any) -> Any:
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    return adopt(cls, np.zeros(0, kind.np), resolve(device), requires_grad)


class UninitializedParameter(_Uninitialized, Parameter):  # type: ignore[misc]
    """A parameter whose shape is not known yet."""

    __slots__ = ()

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        return _made(cls, requires_grad, device, dtype)  # type: ignore[no-any-return]


class UninitializedBuffer(_Uninitialized, Tensor):  # type: ignore[misc]
    """A tensor whose shape is not known yet, to be registered as a buffer."""

    __slots__ = ()

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> UninitializedBuffer:
        return _made(cls, requires_grad, device, dtype)  # type: ignore[no-any-return]


def is_lazy(value: Any) -> bool:
    """Whether a parameter's or buffer's shape is not known yet."""
    return isinstance(value, _Uninitialized)


class LazyModuleMixin(Module):
    """Sees to it that the first call finds the shapes; the module is an ordinary one afterwards."""

    _becomes: type[Module]

    def _wait(self) -> None:
        """Find the shapes before the first `forward`, and when a state_dict is loaded."""
        self.__dict__["_initialize_hook"] = self.register_forward_pre_hook(_initialize, with_kwargs=True)
        self.__dict__["_load_hook"] = self.register_load_state_dict_pre_hook(_shapes_from)

    def has_uninitialized_params(self) -> bool:
        """Whether a shape is not known yet."""
        return any(is_lazy(each) for each in (*self._parameters.values(), *self._buffers.values()))

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Take the shapes from the first input."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def _settle(self) -> None:
        for name in ("_initialize_hook", "_load_hook"):
            self.__dict__.pop(name).remove()
        self.__class__ = self._becomes  # type: ignore[assignment]


def _initialize(module: Any, args: Any, kwargs: Any) -> None:
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {type(module).__name__} has not been fully initialized")
    module._settle()


def _shapes_from(module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, held in (*module._parameters.items(), *module._buffers.items()):
        given = state.get(prefix + name)
        if is_lazy(held) and given is not None and not is_lazy(given):
            held.materialize(given.shape)


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear that takes `in_features` from its first input."""

    _becomes = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        Linear.__init__(self, 0, 0, False)
        for name in ("weight", "bias"):
            self._parameters.pop(name, None)
            self.__dict__.pop(name, None)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        else:
            self.register_parameter("bias", None)
        self._wait()

    def reset_parameters(self) -> None:
        """Draw initial values, once the shapes are known."""
        if self._parameters and not self.has_uninitialized_params() and self.in_features:
            Linear.reset_parameters(self)

    def initialize_parameters(self, input: Tensor, *_: Any, **__: Any) -> None:
        if not self.has_uninitialized_params():
            self.in_features = self.weight.shape[-1]
            return
        self.in_features = input.shape[-1]
        _materialize(self.weight, (self.out_features, self.in_features))
        if self.bias is not None:
            _materialize(self.bias, (self.out_features,))
        self.reset_parameters()


def _materialize(held: Any, shape: tuple[int, ...]) -> None:
    if is_lazy(held):
        held.materialize(shape)


class _LazyConv(LazyModuleMixin):
    in_channels: int
    out_channels: int
    groups: int
    kernel_size: tuple[int, ...]
    transposed = False
    weight: Any
    bias: Any

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **settings: Any) -> None:
        place: dict[str, Any] = {"device": settings.get("device"), "dtype": settings.get("dtype")}
        # A small ordinary layer checks and keeps all settings; its weights are thrown away without a trace.
        names = _CONV_TRANSPOSE_ARGS if self.transposed else _CONV_ARGS
        settings = {**dict(zip(names, args)), **settings}
        bias = settings.pop("bias", True)
        groups = settings.get("groups", 1)
        kind: Any = self._becomes
        kind.__init__(self, groups, groups, kernel_size, **settings, bias=False)
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels, self.out_channels = 0, out_channels
        for name in ("weight", "bias"):
            self._parameters.pop(name, None)
            self.__dict__.pop(name, None)
        self.weight = UninitializedParameter(**place)
        if bias:
            self.bias = UninitializedParameter(**place)
        else:
            self.register_parameter("bias", None)
        self._wait()

    def reset_parameters(self) -> None:
        """Draw initial values, once the shapes are known."""
        if self.__dict__.get("_initialize_hook") is not None and not self.has_uninitialized_params():
            kind: Any = self._becomes
            kind.reset_parameters(self)

    def initialize_parameters(self, input: Tensor, *_: Any, **__: Any) -> None:
        if not self.has_uninitialized_params():
            return
        n = len(self.kernel_size)
        if input.dim() not in (n + 1, n + 2):
            raise RuntimeError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {type(self).__name__}, but got input of "
                f"size: {input.shape}"
            )
        self.in_channels = input.shape[-n - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        inner = (self.in_channels, self.out_channels // self.groups)
        outer = (self.out_channels, self.in_channels // self.groups)
        _materialize(self.weight, (*(inner if self.transposed else outer), *self.kernel_size))
        if self.bias is not None:
            _materialize(self.bias, (self.out_channels,))
        self.reset_parameters()


_CONV_ARGS = ("stride", "padding", "dilation", "groups", "bias", "padding_mode", "device", "dtype")
_CONV_TRANSPOSE_ARGS = (
    "stride", "padding", "output_padding", "groups", "bias", "dilation", "padding_mode", "device", "dtype",
)  # fmt: skip


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d that takes `in_channels` from its first input."""

    _becomes = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d that takes `in_channels` from its first input."""

    _becomes = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d that takes `in_channels` from its first input."""

    _becomes = Conv3d


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """A ConvTranspose1d that takes `in_channels` from its first input."""

    _becomes = ConvTranspose1d
    transposed = True


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """A ConvTranspose2d that takes `in_channels` from its first input."""

    _becomes = ConvTranspose2d
    transposed = True


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """A ConvTranspose3d that takes `in_channels` from its first input."""

    _becomes = ConvTranspose3d
    transposed = True


class _LazyNorm(LazyModuleMixin):
    num_features: int
    affine: bool
    track_running_stats: bool

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        kind: Any = self._becomes
        kind.__init__(self, 0, eps, momentum, False, False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if self.affine:
            for name in ("weight", "bias"):
                setattr(self, name, UninitializedParameter(device=device, dtype=dtype))
        if self.track_running_stats:
            for name in ("running_mean", "running_var"):
                self._forget(name)
                self.register_buffer(name, UninitializedBuffer(device=device, dtype=dtype))
            self._forget("num_batches_tracked")
            self.register_buffer("num_batches_tracked", adopt(Tensor, np.zeros((), np.int64), device))
        self._wait()

    def reset_parameters(self) -> None:
        """Set initial values, once the shapes are known."""
        if self.__dict__.get("_initialize_hook") is not None and not self.has_uninitialized_params():
            kind: Any = self._becomes
            kind.reset_parameters(self)

    def initialize_parameters(self, input: Tensor, *_: Any, **__: Any) -> None:
        if self.has_uninitialized_params():
            self.num_features = input.shape[1]
            for held in (*self._parameters.values(), *self._buffers.values()):
                _materialize(held, (self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d that takes `num_features` from its first input."""

    _becomes = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d that takes `num_features` from its first input."""

    _becomes = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d that takes `num_features` from its first input."""

    _becomes = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An InstanceNorm1d that takes `num_features` from its first input."""

    _becomes = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An InstanceNorm2d that takes `num_features` from its first input."""

    _becomes = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An InstanceNorm3d that takes `num_features` from its first input."""

    _becomes = InstanceNorm3d
