"""How the process handles memory: what a training step frees stays, since the next step needs as much again.

The C library gives what is free at the top of its heap back to the system, and takes large blocks from there one by
one. Of a step that makes a few megabytes of intermediate arrays a third to a half of the time then went into page
faults (measured with an LSTM over 50 steps: 800 faults and 1.2 ms of 3.0 ms). Only glibc can be told otherwise.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of settings in malloc.h
KEPT = 256 * 2**20
"""As many free bytes stay with the process."""
ALONE_FROM = 32 * 2**20
"""Larger blocks come from the system one by one and go back at once; the largest number that glibc allows."""


def keep_freed_memory() -> bool:
    """Ask the C library to keep up to `KEPT` bytes of freed memory; False where it cannot be asked."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, ALONE_FROM)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))


def leave_out_imports() -> None:
    """Let the garbage collector pass over all that is there now, which is what was imported and stays.

    While a long graph is built it looks through everything several times: a chain of 100,000 operators took twice as
    long for each as one of 10,000.
    """
    gc.freeze()
