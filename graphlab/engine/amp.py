"""Mixed precision: `autocast` runs matrix products in bfloat16 (or float16) and what needs digits in float32;
`GradScaler` scales losses so that small gradients survive in float16. `torch.amp`, `torch.cpu.amp`, `torch.cuda.amp`.

Autocast swaps the functions that programs call for ones that convert their arguments, while a block is entered;
outside of any block nothing is looked at.
"""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor, wrap

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

LOWER = (
    "mm", "bmm", "baddbmm", "addmm", "addbmm", "addmv", "mv", "matmul", "chain_matmul", "einsum", "linear",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "scaled_dot_product_attention", "lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell",
    "rnn_tanh_cell", "rnn_relu_cell",
)  # fmt: skip
"""What runs in the lower type, on every device."""
CPU_FLOAT = (
    "binary_cross_entropy", "mse_loss", "cosine_embedding_loss", "nll_loss", "hinge_embedding_loss", "poisson_nll_loss",
    "cross_entropy", "l1_loss", "huber_loss", "margin_ranking_loss", "multilabel_margin_loss",
    "soft_margin_loss", "triplet_margin_loss", "multi_margin_loss", "ctc_loss", "kl_div", "multilabel_soft_margin_loss",
    "binary_cross_entropy_with_logits", "smooth_l1_loss",
    "avg_pool3d", "grid_sample", "polar", "prod", "quantile", "nanquantile", "stft", "cdist", "trace",
    "view_as_complex",
    "cholesky", "cholesky_inverse", "cholesky_solve", "inverse", "lu_solve", "orgqr", "ormqr", "pinverse",
    "max_pool3d", "max_unpool2d", "max_unpool3d", "adaptive_avg_pool3d", "reflection_pad1d", "reflection_pad2d",
    "replication_pad1d", "replication_pad2d", "replication_pad3d", "geqrf", "qr", "svd", "triangular_solve",
    "fractional_max_pool2d", "fractional_max_pool3d", "adaptive_max_pool3d",
)  # fmt: skip
"""What runs in float32 on the cpu."""
CUDA_FLOAT = (
    "acos", "asin", "cosh", "erfinv", "exp", "expm1", "log", "log10", "log2", "log1p", "reciprocal", "rsqrt", "sinh",
    "tan", "pow", "softplus", "layer_norm", "group_norm", "norm", "cosine_similarity", "cdist", "dist", "pdist",
    "renorm",
    "logsumexp", "prod", "cumprod", "cumsum", "sum", "softmax", "log_softmax", "softmin",
    "poisson_nll_loss", "cosine_embedding_loss", "nll_loss", "cross_entropy", "hinge_embedding_loss", "kl_div",
    "l1_loss", "smooth_l1_loss", "huber_loss", "mse_loss", "margin_ranking_loss", "multilabel_margin_loss",
    "soft_margin_loss", "triplet_margin_loss", "multi_margin_loss", "binary_cross_entropy_with_logits",
)  # fmt: skip
"""What runs in float32 on a GPU."""
WIDEST = ("cat", "stack", "index_copy", "addcdiv", "addcmul", "atan2", "bilinear", "cross", "dot", "vdot", "tensordot",
    "scatter_add", "index_put")  # fmt: skip
"""What runs in the widest type of its arguments."""

_DEVICES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, "
    "privateuseone"
)
_stack: list[autocast] = []
_types: dict[str, dtypes.dtype] = {"cpu": dtypes.bfloat16, "cuda": dtypes.float16}
_swapped: list[tuple[Any, str, Any]] = []


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for such a device."""
    return device_type in ("cpu", "cuda")


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether a block of autocast for this device (cuda by default) is entered."""
    return bool(_current(device_type or "cuda"))


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """The lower type of autocast for a device."""
    found = _current(device_type)
    return found.fast_dtype if found else _types[device_type]


def _current(device_type: str) -> autocast | None:
    for each in reversed(_stack):
        if each.device == device_type:
            return each if each.enabled else None
    return None


class autocast:
    """A block (or a decorated function) in which operators choose their type themselves."""

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in ("cpu", "cuda"):
            if device_type.split(":")[0] in _DEVICES.split(", "):
                raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
            raise RuntimeError(f"Expected one of {_DEVICES} device type at start of device string: {device_type}")
        self.device = device_type
        self.fast_dtype = _types[device_type] if dtype is None else dtype
        if enabled and device_type == "cpu" and self.fast_dtype not in dtypes.LOW:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                UserWarning,
                stacklevel=2,
            )
            enabled = False
        self.enabled = enabled

    def __enter__(self) -> autocast:
        _stack.append(self)
        if len(_stack) == 1:
            _swap()
        return self

    def __exit__(self, *error: object) -> None:
        _stack.remove(self)
        if not _stack:
            _swap_back()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with autocast(self.device, self.fast_dtype, self.enabled):
                return function(*args, **kwargs)

        return inside


_ENGINE = "graphlab.engine"
PLACES: list[dict[str, Any]] = []
"""Further tables through which programs call functions: where they stand, autocast swaps them too."""
program: list[dict[str, Any]] = []
"""The globals of the program that runs, for what it took by `from torch import mm`."""


def _places() -> list[dict[str, Any]]:
    """Where functions are called from: `torch`, `torch.nn.functional` and its kin, and modules of layers."""
    importlib.import_module(f"{_ENGINE}.nn.functional")
    names = [n for n in sys.modules if n in (_ENGINE, f"{_ENGINE}.linalg") or n.startswith(f"{_ENGINE}.nn")]
    return [FUNCTIONS, *(vars(sys.modules[n]) for n in names), *PLACES, *program]


def _swap() -> None:
    """Put the converting functions in the place of the others."""
    rules = {**dict.fromkeys(WIDEST, "widest"), **dict.fromkeys((*CPU_FLOAT, *CUDA_FLOAT), "float"),
        **dict.fromkeys(LOWER, "lower")}  # fmt: skip
    made: dict[int, Any] = {}
    functional = importlib.import_module("graphlab.engine.nn.functional")
    for name, rule in rules.items():
        for original in (FUNCTIONS.get(name), getattr(functional, name, None), Tensor.__dict__.get(name)):
            if original is not None and id(original) not in made:
                made[id(original)] = (original, _converting(name, rule, original))
    layer = importlib.import_module(f"{_ENGINE}.ops.recurrent").layer
    made[id(layer)] = (layer, _converting("lstm", "lower", layer))
    original = Tensor.__dict__["__matmul__"]
    made[id(original)] = (original, _converting("matmul", "lower", original))
    for place in _places():
        for key, value in list(place.items()):
            if id(value) in made:
                _swapped.append((place, key, value))
                place[key] = made[id(value)][1]
    for key, value in list(Tensor.__dict__.items()):
        if id(value) in made:
            _swapped.append((None, key, value))
            setattr(Tensor, key, made[id(value)][1])


def _swap_back() -> None:
    while _swapped:
        place, name, original = _swapped.pop()
        if place is None:
            setattr(Tensor, name, original)
        elif getattr(place.get(name), "__wrapped__", None) is original:  # the program may have used the name anew
            place[name] = original


def _converting(name: str, rule: str, original: Any) -> Any:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        tensors = list(_tensors((args, kwargs)))
        device = next((t._device.type for t in tensors), "cpu")
        current = _current(device)
        if current is None or not tensors:
            return original(*args, **kwargs)
        kind: Any = None
        if rule == "lower":
            kind = current.fast_dtype
        elif rule == "float":
            kind = dtypes.float32 if name in (CPU_FLOAT if device == "cpu" else CUDA_FLOAT) else None
        elif any(t.dtype is dtypes.float32 for t in tensors):
            kind = dtypes.float32
        if kind is None:
            return original(*args, **kwargs)
        args, kwargs = _as(args, kind), _as(kwargs, kind)
        # What the function itself calls is not converted again.
        taken, _stack[:] = _stack[:], []
        try:
            return original(*args, **kwargs)
        finally:
            _stack[:] = taken

    return call


def _tensors(value: Any) -> Any:
    if isinstance(value, Tensor):
        if value.is_floating_point() and value.dtype is not dtypes.float64:
            yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _as(value: Any, kind: dtypes.dtype) -> Any:
    if isinstance(value, Tensor):
        return value.to(kind) if value.is_floating_point() and value.dtype is not dtypes.float64 else value
    if type(value) in (tuple, list):
        return type(value)(_as(each, kind) for each in value)
    if isinstance(value, dict):
        return {key: _as(each, kind) for key, each in value.items()}
    return value


def custom_fwd(fwd: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Decorate the `forward` of a Function: with `cast_inputs`, inputs of that type and no autocast inside."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def inside(*args: Any, **kwargs: Any) -> Any:
        current = _current(device_type)
        args[0]._fwd_used_autocast = current is not None and cast_inputs is None
        if cast_inputs is None or current is None:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*_as(args, cast_inputs), **_as(kwargs, cast_inputs))

    return inside


def custom_bwd(bwd: Any = None, *, device_type: str = "cuda") -> Any:
    """Decorate the `backward` of a Function: in the same autocast state as its `forward`."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=bool(getattr(args[0], "_fwd_used_autocast", False))):
            return bwd(*args, **kwargs)

    return inside


# Scaled losses


class GradScaler:
    """Multiplies losses with a scale, divides gradients by it, leaves out steps with infinite gradients and lowers the
    scale then; after `growth_interval` good steps the scale grows."""

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
        self._device = device
        self._enabled = enabled
        self._init_scale = init_scale
        self._scale: Tensor | None = None
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval = growth_interval
        self._growth = 0
        self._states: dict[int, dict[str, Any]] = {}

    def _made(self) -> Tensor:
        if self._scale is None:
            self._scale = wrap(np.array(self._init_scale, np.float32))
        return self._scale

    def scale(self, outputs: Any) -> Any:
        """The outputs (a tensor or several) times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            scale: Any = self._made()
            return scale * outputs
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(each) for each in outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _state(self, optimizer: Any) -> dict[str, Any]:
        return self._states.setdefault(id(optimizer), {"stage": "ready", "found_inf": None})

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale."""
        if not self._enabled:
            return
        if self._scale is None:
            raise AssertionError(
                "Attempted unscale_ but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )
        state = self._state(optimizer)
        if state["stage"] == "unscaled":
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] == "stepped":
            raise RuntimeError("unscale_() is being called after step().")
        factor = np.float32(1.0 / float(self._scale._array))
        found = None
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p._grad is None:
                    continue
                if p._grad.dtype is dtypes.float16:
                    raise ValueError("Attempting to unscale FP16 gradients.")
                array = p._grad._array
                found = bool(found) or not bool(np.isfinite(array).all())
                array *= array.dtype.type(factor)
        state["found_inf"] = found
        state["stage"] = "unscaled"

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()`, unless a gradient is infinite or nan."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if self._scale is None:
            raise AssertionError(
                "Attempted step but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
                "outputs) earlier in the iteration."
            )
        state = self._state(optimizer)
        if state["stage"] == "stepped":
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] == "ready":
            self.unscale_(optimizer)
        if state["found_inf"] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if state["found_inf"] else optimizer.step(*args, **kwargs)
        state["stage"] = "stepped"
        return result

    def update(self, new_scale: Any = None) -> None:
        """Lower the scale after an infinite gradient, raise it after many good steps, or set it."""
        if not self._enabled:
            return
        if self._scale is None:
            raise AssertionError(
                "Attempted update but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
                "outputs) earlier in the iteration."
            )
        scale = self._scale._array
        if new_scale is not None:
            scale[...] = float(new_scale)
        else:
            found = [s["found_inf"] for s in self._states.values() if s["found_inf"] is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any(found):
                scale[...] *= np.float32(self._backoff_factor)
                self._growth = 0
            elif self._growth + 1 == self._growth_interval:
                grown = scale * np.float32(self._growth_factor)
                if np.isfinite(grown):
                    scale[...] = grown
                self._growth = 0
            else:
                self._growth += 1
        self._states.clear()

    def get_scale(self) -> float:
        """The scale; 1.0 where scaling is off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale._array)

    def get_growth_factor(self) -> float:
        """By what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set by what the scale grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the scale shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set by what the scale shrinks."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether anything is scaled."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes; empty where scaling is off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Set everything to what `state_dict` returned."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale._array[...] = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth = state_dict["_growth_tracker"]
