"""Devices: `cpu`, `meta`, and a simulated `cuda` of a given capacity on which every tensor's bytes are counted.

Nothing runs on a GPU. A cuda tensor computes on the CPU; what is simulated is the memory: blocks of 512 bytes as the
CUDA allocator rounds, freed when the last tensor that shares them is gone, and refused *before* anything is allocated.
A meta tensor has a shape, a type and strides, and neither numbers nor memory: its array is always a `Virtual`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from math import prod
from typing import Any, ClassVar

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import OutOfMemoryError, fail, make
from graphlab.engine.virtual import Virtual, virtual

__all__ = ["CPU", "CUDA0", "META", "Ledger", "Virtual", "device", "reserve", "reserved", "resolve", "virtual"]
BLOCK = 512
_ROUND = BLOCK - 1
_n_references = weakref.getweakrefcount
ROOMY = 2**20
"""Results of no more entries than this are made without asking first whether there is room for them on the cpu."""
NO_ROOM = 2**40
"""No machine has room for a tensor of more bytes than this."""
VIRTUAL_FROM = 256 * 2**20
"""A cuda tensor of more bytes than this holds no numbers, only its shape: see `Virtual`."""


def root(array: Array) -> Array:
    """The array that owns the memory which `array` looks at."""
    if type(array) is Virtual:
        return array.root()
    while isinstance(array.base, np.ndarray) and type(array.base) is type(array):
        array = array.base
    return array


class Held(weakref.ref[Array]):
    """An array that is counted. It is equal to itself alone, whatever the array holds."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class Ledger:
    """The bytes in use on one device, by the arrays that own them."""

    __slots__ = ("_drop_large", "_drop_small", "_large", "_large_bytes", "_small", "capacity", "peak", "risen")

    def __init__(self, capacity: int | None) -> None:
        self.capacity = capacity
        self.peak = 0
        self.risen: Callable[[int], None] | None = None  # is told each new peak
        # Of arrays of one block it is enough to know how many there are: no Python runs when one is freed.
        self._small: set[Held] = set()
        self._large: dict[Held, int] = {}
        self._large_bytes = 0
        self._drop_small = self._small.discard  # bound once
        self._drop_large = self._free

    @property
    def in_use(self) -> int:
        """Bytes of the arrays that are alive."""
        return self._large_bytes + len(self._small) * BLOCK

    def charge(self, array: Array) -> None:
        """Count the memory that `array` looks at, once, until it is freed."""
        # Every tensor that a recorded program makes comes by here.
        owner = array if array.base is None else root(array)
        if _n_references(owner) and self._holds(owner):
            return
        size = owner.nbytes
        small = self._small
        if 0 < size <= BLOCK:
            small.add(Held(owner, self._drop_small))
        else:
            size = (size + _ROUND) & -BLOCK
            self._large[Held(owner, self._drop_large)] = size
            self._large_bytes += size
        total = self._large_bytes + len(small) * BLOCK
        if total > self.peak:
            self.peak = total
            if self.risen is not None:
                self.risen(total)

    def _holds(self, owner: Array) -> bool:
        small, large = self._small, self._large
        return any(held in small or held in large for held in weakref.getweakrefs(owner))

    def _free(self, held: Held) -> None:
        self._large_bytes -= self._large.pop(held)


class NoLedger(Ledger):
    """That of a device without memory."""

    __slots__ = ()

    def charge(self, array: Array) -> None:
        """Nothing: there is nothing to count."""


class device:
    """Where a tensor lies: `torch.device("cuda", 0)`, `torch.device("cpu")`. Equal ones are the same object."""

    __slots__ = ("counts", "index", "ledger", "simulated", "type")
    _known: ClassVar[dict[tuple[str, int | None], device]] = {}
    counts: bool  # whether the bytes of its tensors are counted
    index: int | None
    ledger: Ledger
    simulated: bool  # whether a tensor on it may hold no numbers: then no operator takes its quick way
    type: str

    def __new__(cls, type: Any, index: int | None = None) -> device:
        if isinstance(type, device):
            return type
        if isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {_type_name(type)}")
        name = type
        if ":" in type:
            name, _, number = type.partition(":")
            if not number.isdigit():
                fail(RuntimeError, f"Invalid device string: '{type}'", kind="device_unknown", device=type)
            index = int(number)
        if name not in ("cpu", "cuda", "meta"):
            fail(
                RuntimeError,
                "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, "
                f"vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {name}",
                kind="device_unknown",
                device=name,
            )
        made = cls._known.get((name, index))
        if made is None:
            made = object.__new__(cls)
            made.type = name
            made.index = index
            made.counts = made.simulated = name != "cpu"
            made.ledger = CUDA0.ledger if name == "cuda" else NoLedger(None) if name == "meta" else Ledger(None)
            cls._known[name, index] = made
        return made

    def __repr__(self) -> str:
        return (
            f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        global _default
        _stack.append(_default)
        _default = resolve(self)
        return self

    def __exit__(self, *error: object) -> None:
        global _default
        _default = _stack.pop()


def _type_name(value: Any) -> str:
    return type(value).__name__


device._known["cuda", 0] = object.__new__(device)
CUDA0 = device._known["cuda", 0]
CUDA0.type, CUDA0.index, CUDA0.counts, CUDA0.ledger = "cuda", 0, True, Ledger(8 * 2**30)
CUDA0.simulated = True
CPU = device("cpu")
META = device("meta")
_default = CPU
_stack: list[device] = []
_cuda_available = True
_cpu_limit: int | None = None


def set_capacity(n_bytes: int) -> None:
    """Set how many bytes the simulated cuda device has."""
    CUDA0.ledger.capacity = int(n_bytes)


def set_cuda(available: bool) -> None:
    """Set whether `torch.cuda.is_available()`."""
    global _cuda_available
    _cuda_available = available


def is_cuda_available() -> bool:
    """Whether the project has a (simulated) GPU."""
    return _cuda_available


def count_cpu(on: bool) -> None:
    """Count the bytes of cpu tensors that are made from now on."""
    CPU.counts = on


def set_cpu_limit(n_bytes: int | None) -> None:
    """Refuse cpu allocations of more than `n_bytes` at once; None for no limit."""
    global _cpu_limit
    _cpu_limit = n_bytes


def memory(where: device) -> tuple[int, int]:
    """Bytes in use on a device, and the most there have been."""
    return where.ledger.in_use, where.ledger.peak


def default_device() -> device:
    """Where new tensors are made when nothing else is said."""
    return _default


def set_default_device(where: Any) -> None:
    """Make new tensors on `where` unless something else is said."""
    global _default
    _default = CPU if where is None else resolve(where)


def resolve(where: Any) -> device:
    """The one device object for what a program wrote: None, "cuda", 0, `torch.device("cuda:0")`."""
    if where is None:
        return _default
    if where is CPU or where is CUDA0:
        found: device = where
        return found
    found = device(where)
    if found.type == "cpu":
        return CPU
    if found.type == "meta":
        return META
    if not _cuda_available:
        fail(AssertionError, "Torch not compiled with CUDA enabled", kind="no_cuda")
    if found.index:
        fail(
            RuntimeError,
            "CUDA error: invalid device ordinal\nGPU device may be out of range, do you have enough GPUs?",
            kind="device_unknown",
            device=str(found),
        )
    return CUDA0


def _size_text(n: int) -> str:
    if n <= 1024:
        return f"{n} bytes"
    if n <= 2**20:
        return f"{n / 1024:.2f} KiB"
    if n <= 2**30:
        return f"{n / 2**20:.2f} MiB"
    return f"{n / 2**30:.2f} GiB"


def reserve(where: device, n_bytes: int) -> None:
    """Refuse an allocation that does not fit, before it is made."""
    if where.type == "cpu":
        if _cpu_limit is not None and n_bytes > _cpu_limit:
            raise cpu_error(n_bytes)
        return
    if where is META:
        return
    ledger = where.ledger
    wanted = -(-n_bytes // BLOCK) * BLOCK
    capacity = ledger.capacity
    if capacity is None or ledger.in_use + wanted <= capacity:
        return
    free = capacity - ledger.in_use
    fail(
        OutOfMemoryError,
        f"CUDA out of memory. Tried to allocate {_size_text(wanted)}. GPU 0 has a total capacity of "
        f"{_size_text(capacity)} of which {_size_text(free)} is free. Including non-PyTorch memory, this process has "
        f"{_size_text(ledger.in_use)} memory in use. Of the allocated memory {_size_text(ledger.in_use)} is allocated "
        "by PyTorch, and 0 bytes is reserved by PyTorch but unallocated. If reserved but unallocated memory is large "
        "try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for "
        "Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)",
        kind="out_of_memory",
        device=str(where),
        requested=wanted,
        capacity=capacity,
        in_use=ledger.in_use,
        free=free,
        peak=ledger.peak,
    )


def is_hollow(where: device, n_bytes: int) -> bool:
    """Whether a tensor of so many bytes has a shape only on this device."""
    return where is META or (where is not CPU and n_bytes > VIRTUAL_FROM)


def hollow(array: Array) -> Virtual:
    """The array without its numbers, as the meta device holds it; it keeps its strides."""
    if type(array) is Virtual:
        return array
    return virtual(array.shape, array.dtype, None if array.flags.c_contiguous else array.strides)


def reserved(where: device, shape: tuple[int, ...], dtype: Any) -> Virtual:
    """An array without numbers, if there is room for it."""
    array = virtual(shape, dtype)
    reserve(where, array.nbytes)
    return array


def need_room(*shape: int, itemsize: int = 4) -> None:
    """Refuse a result that no machine has room for, before any work is done for it."""
    n_bytes = prod(shape) * itemsize
    if n_bytes > NO_ROOM:
        raise cpu_error(n_bytes)


def cpu_error(n_bytes: int) -> BaseException:
    """What PyTorch says when the machine itself has not enough memory."""
    return make(
        RuntimeError,
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        f"allocate {n_bytes} bytes. Error code 12 (Cannot allocate memory)",
        kind="out_of_memory",
        device="cpu",
        requested=n_bytes,
        capacity=_cpu_limit,
        in_use=CPU.ledger.in_use,
        free=None,
        peak=CPU.ledger.peak,
    )
