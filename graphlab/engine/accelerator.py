"""`torch.accelerator`: whether there is a GPU, which here is the simulated one."""

from __future__ import annotations

from typing import Any

from graphlab.engine.device import CUDA0, device, is_cuda_available, resolve

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "empty_cache",
    "is_available",
    "set_device_index",
    "synchronize",
]


def is_available() -> bool:
    """Whether the project has a (simulated) GPU."""
    return is_cuda_available()


def current_accelerator(check_available: bool = False) -> device | None:
    """`device("cuda")`, or None without a GPU."""
    return device("cuda") if is_cuda_available() else None


def device_count() -> int:
    """One or none."""
    return 1 if is_cuda_available() else 0


def current_device_index() -> int:
    """Always 0."""
    return 0


def set_device_index(device: Any) -> None:
    """Check that there is such a device; there is only one."""
    resolve(CUDA0 if device is None else device)


def synchronize(device: Any = None) -> None:
    """Nothing to wait for: everything runs in order."""


def empty_cache() -> None:
    """Nothing is cached."""
