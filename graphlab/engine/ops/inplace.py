"""The in-place twins of operators that have no short way of their own: `round_`, `tril_`, `unsqueeze_`, …"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import modes, observe
from graphlab.engine.errors import make
from graphlab.engine.ops.run import (
    FUNCTIONS,
    _before,
    bump,
    check_fits,
    check_inplace,
    guard,
    method,
    need_tensor,
    public,
    rebase,
)
from graphlab.engine.tensor import Tensor, View
from graphlab.engine.tensor import wrap as wrapped

_VALUES = (
    "addmm", "addmv", "addr", "arctan2", "atan2", "baddbmm", "clamp_max", "clamp_min", "conj_physical", "cumprod",
    "cumsum", "gcd", "greater", "greater_equal", "hypot", "lcm", "ldexp", "less", "less_equal", "logical_not", "logit",
    "masked_scatter", "nan_to_num", "not_equal", "round", "tril", "triu", "true_divide", "xlogy",
)  # fmt: skip
_ON_TORCH = {"addmv", "clamp_max", "clamp_min", "conj_physical", "gcd", "lcm", "ldexp", "logit", "nan_to_num", "round",
             "xlogy"}  # fmt: skip
_LAYERS = ("celu", "elu", "hardtanh", "leaky_relu", "selu")
_SHAPES = ("squeeze", "swapaxes", "swapdims", "t", "transpose", "unsqueeze")


def _flows(t: Tensor, args: Any) -> bool:
    return modes.grad and (t._rg or any(isinstance(a, Tensor) and a._rg for a in args))


def written(t: Tensor, name: str, result: Tensor, inputs: tuple[Any, ...]) -> Tensor:
    """The tensor with the numbers of `result`, which was computed from a copy of it, and its history."""
    check_fits(t, result._array, name)
    if _flows(t, inputs):
        if t._view is not None or not result._rg:
            return t.copy_(result.to(t.dtype))  # type: ignore[no-any-return]
        t._array[...] = result._array
        bump(t)
        rebase(t, result._fn)
        t._nr = result._nr
    else:
        t._array[...] = result._array
        bump(t)
    if observe.observer is not None:
        observe.observer.inplace(name.rstrip("_"), t, inputs, {})
    return t


def _value_twin(name: str, function: Any) -> Any:
    def twin(*args: Any, **kwargs: Any) -> Any:
        # By name where a program calls the function of `torch.nn.functional`.
        t = need_tensor(args[0] if args else kwargs.pop("input"), name + "_")
        args = args[1:]
        source: Any = t
        watcher = observe.set_observer(None)
        try:
            if _flows(t, (*args, *kwargs.values())):
                check_inplace(t, name + "_")
                # From a copy: what the derivative keeps must be the numbers before the write.
                source = t.clone()
            result = function(source, *args, **kwargs)
        finally:
            observe.set_observer(watcher)
        return written(t, name + "_", result, (t, *(a for a in args if isinstance(a, Tensor))))

    twin.__name__, twin.__doc__ = name + "_", f"In place: `{name}`."
    return twin


def _shape_twin(name: str, function: Any) -> Any:
    def twin(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        t = need_tensor(self, name + "_")
        if modes.grad:
            check_inplace(t, name + "_")
        old = _before(t)
        old._view = t._view
        watcher = observe.set_observer(None)
        try:
            result = function(old, *args, **kwargs)
        finally:
            observe.set_observer(watcher)
        if result is old:
            return t
        t._array = result._array
        t._fn, t._nr, t._rg = result._fn, result._nr, result._rg
        if t._view is not None and isinstance(result._view, View):
            t._view = result._view
        bump(t)
        if observe.observer is not None:
            observe.observer.inplace(name, t, (t,), {})
        return t

    twin.__name__, twin.__doc__ = name + "_", f"In place: `{name}`."
    return twin


def _attach() -> None:
    for name in _VALUES:
        function = FUNCTIONS.get(name) or getattr(Tensor, name, None)
        if function is None:
            continue
        twin = _value_twin(name, function)
        if not hasattr(Tensor, name + "_"):
            method(name, name + "_")(twin)
        if name in _ON_TORCH and name + "_" not in FUNCTIONS:
            FUNCTIONS[name + "_"] = guard(name, twin)
    for name in _LAYERS:
        if name in FUNCTIONS and name + "_" not in FUNCTIONS:
            FUNCTIONS[name + "_"] = guard(name, _value_twin(name, FUNCTIONS[name]))
    for name in _SHAPES:
        function = FUNCTIONS.get(name) or getattr(Tensor, name, None)
        if function is not None and not hasattr(Tensor, name + "_"):
            method(name, name + "_")(_shape_twin(name, function))


_attach()


@method("fill_diagonal_")
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Any:
    """In place: a number on the main diagonal; `wrap` starts it anew below a square in a tall matrix."""
    shape = self._array.shape
    if len(shape) < 2:
        raise make(RuntimeError, "dimensions must larger than 1", kind="matrix_dims")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise make(RuntimeError, "all dimensions of input must be of equal length", kind="matrix_dims")
    places = np.zeros(shape, bool)
    np.fill_diagonal(places, True, wrap=wrap)
    if not wrap and len(shape) == 2:
        places[min(shape) :] = False
    return self.masked_fill_(wrapped(places, self._device), fill_value)


@public("is_nonzero", "is_nonzero")
def is_nonzero(input: Any) -> bool:
    """Whether the one entry is not 0."""
    t = need_tensor(input, "is_nonzero")
    n = t._array.size
    if n != 1:
        what = "no values" if n == 0 else "more than one value"
        raise make(
            RuntimeError,
            f"Boolean value of Tensor with {what} is ambiguous",
            kind="ambiguous_bool",
            shape=list(t._array.shape),
        )
    return bool(t._array.reshape(()))


@public("is_same_size", "is_same_size")
def is_same_size(input: Any, other: Any) -> bool:
    """Whether both have the same shape."""
    a, b = need_tensor(input, "is_same_size"), need_tensor(other, "is_same_size", "other", 2)
    return tuple(a.shape) == tuple(b.shape)


@public("numel", "numel", method=False)
def numel(input: Any) -> int:
    """How many entries there are."""
    return int(need_tensor(input, "numel")._array.size)


def _writable(t: Tensor, name: str) -> None:
    if t._rg:
        what = name.removesuffix("_")
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{what}_() instead.")


@method("apply_")
def apply_(self: Tensor, callable: Any) -> Tensor:
    """In place: a Python function of each entry."""
    _writable(self, "apply_")
    x = self._array
    made = np.array([callable(v) for v in x.reshape(-1).tolist()], object).reshape(x.shape).astype(x.dtype)
    return self.copy_(wrapped(made, self._device))  # type: ignore[no-any-return]


@method("map_")
def map_(self: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """In place: a Python function of each entry and that of another tensor, stretched to the same shape."""
    _writable(self, "map_")
    other = need_tensor(tensor, "map_", "other", 2)
    if other.dtype is not self.dtype:
        raise TypeError(f"map_: expected {self.type()} for 'other' (got {other.type()})")
    x, y = self._array, FUNCTIONS["broadcast_to"](other.detach(), self.shape)._array
    pairs = zip(x.reshape(-1).tolist(), y.reshape(-1).tolist())
    made = np.array([callable(a, b) for a, b in pairs], object).reshape(x.shape).astype(x.dtype)
    return self.copy_(wrapped(made, self._device))  # type: ignore[no-any-return]
