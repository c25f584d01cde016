"""`torch.cuda`: the simulated GPU's memory, and the calls that have nothing to do here."""

from __future__ import annotations

from typing import Any

from graphlab.engine.device import CUDA0, is_cuda_available, reserve
from graphlab.engine.errors import OutOfMemoryError

__all__ = ["OutOfMemoryError"]


def is_available() -> bool:
    """Whether the project has a (simulated) GPU."""
    return is_cuda_available()


def device_count() -> int:
    """One or none."""
    return 1 if is_cuda_available() else 0


def current_device() -> int:
    """Always 0."""
    return 0


def get_device_name(device: Any = None) -> str:
    """What the simulated GPU calls itself."""
    return "GraphLab simulated GPU"


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """A recent one."""
    return 9, 0


def memory_allocated(device: Any = None) -> int:
    """Bytes in use."""
    return CUDA0.ledger.in_use


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that were in use since the last reset."""
    return CUDA0.ledger.peak


def reset_peak_memory_stats(device: Any = None) -> None:
    """Forget the peak."""
    CUDA0.ledger.peak = CUDA0.ledger.in_use


reset_max_memory_allocated = reset_peak_memory_stats
memory_reserved = memory_allocated
max_memory_reserved = max_memory_allocated


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes."""
    total = CUDA0.ledger.capacity or 0
    return total - CUDA0.ledger.in_use, total


def memory_stats(device: Any = None) -> dict[str, int]:
    """Bytes in use and their peak."""
    return {"allocated_bytes.all.current": CUDA0.ledger.in_use, "allocated_bytes.all.peak": CUDA0.ledger.peak}


class _Properties:
    name = "GraphLab simulated GPU"
    major, minor = 9, 0

    @property
    def total_memory(self) -> int:
        return CUDA0.ledger.capacity or 0


def get_device_properties(device: Any = None) -> _Properties:
    """Name and capacity."""
    return _Properties()


def would_fit(n_bytes: int) -> bool:
    """Whether an allocation would be granted now."""
    try:
        reserve(CUDA0, n_bytes)
    except OutOfMemoryError:
        return False
    return True


def empty_cache() -> None:
    """Nothing is cached here."""


def synchronize(device: Any = None) -> None:
    """Nothing runs elsewhere."""


def set_device(device: Any) -> None:
    """There is only one."""


def manual_seed(seed: int) -> None:
    """The simulated GPU draws from the CPU's generator, which has a seed of its own."""


manual_seed_all = manual_seed
