"""PyTorch's CPU random number generator, number for number: the Mersenne Twister and what is drawn from it.

The draws and their order are those of ATen's CPU kernels (`DistributionTemplates.h`), so a seeded program sees the same
numbers here and there. `bernoulli_` and dropout follow ATen's own kernel; PyTorch takes MKL's stream for them when it
finds an Intel processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DEFAULT_SEED = 67280421310721
_CHUNK = 1 << 18
"""Elements drawn at a time, so that temporary arrays stay within the processor's cache and memory stays bounded."""

_MASK_24 = np.uint64((1 << 24) - 1)
_MASK_53 = np.uint64((1 << 53) - 1)
_SHIFT_32 = np.uint64(32)
_F32 = np.float32


class Generator:
    """A stream of random numbers (`torch.Generator`). All of PyTorch's simulated devices share the CPU's algorithm."""

    __slots__ = ("_bits", "_next_normal", "_seed", "device")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device
        self._bits = np.random.MT19937()
        self._next_normal: float | None = None
        self._seed = DEFAULT_SEED
        self.manual_seed(DEFAULT_SEED)
