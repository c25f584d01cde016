"""Settings that notebooks make in their first cell: threads, precision, determinism, default types.

Results here never depend on the first three: they are kept and given back.
"""

from __future__ import annotations

from typing import Any

from graphlab.engine import dtypes
from graphlab.engine.device import default_device
from graphlab.engine.ops.activation import warn

_state: dict[str, Any] = {
    "threads": 1,
    "interop": 1,
    "precision": "highest",
    "deterministic": False,
    "warn_only": False,
}


def _threads(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RuntimeError(f"{name} expects an int, but got {type(value).__name__}")
    if value <= 0:
        raise RuntimeError(f"{name} expects a positive integer")
    return value


def set_num_threads(number: Any) -> None:
    """How many threads an operator would use in PyTorch."""
    _state["threads"] = _threads("set_num_threads", number)


def get_num_threads() -> int:
    """What `set_num_threads` was given."""
    return int(_state["threads"])


def set_num_interop_threads(number: Any) -> None:
    """How many operators would run at once in PyTorch."""
    _state["interop"] = _threads("set_num_interop_threads", number)


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was given."""
    return int(_state["interop"])


def set_float32_matmul_precision(precision: str) -> None:
    """How exactly a GPU would multiply matrices in PyTorch."""
    if precision not in ("highest", "high", "medium"):
        warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
            "setFloat32MatmulPrecision call has no effect.",
            "matmul_precision",
        )
        return
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given."""
    return str(_state["precision"])


def use_deterministic_algorithms(mode: Any, *, warn_only: bool = False) -> None:
    """Whether operators without a repeatable way would be refused in PyTorch; here all are repeatable."""
    if not isinstance(mode, bool):
        raise TypeError(
            "_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not " + type(mode).__name__
        )
    _state["deterministic"], _state["warn_only"] = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was given."""
    return bool(_state["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it would only warn."""
    return bool(_state["warn_only"])


def get_default_device() -> Any:
    """Where new tensors are made."""
    return default_device()


def set_default_tensor_type(t: Any) -> None:
    """The old `set_default_dtype`: a tensor class or its name."""
    warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        "deprecated",
    )
    name = t.rpartition(".")[2] if isinstance(t, str) else t.__name__
    kinds = {"DoubleTensor": dtypes.float64, "FloatTensor": dtypes.float32, "HalfTensor": dtypes.float16}
    if name not in kinds:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(kinds[name])
