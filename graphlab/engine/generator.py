"""PyTorch's CPU random number generator, number for number: the Mersenne Twister and what is drawn from it.

The draws and their order are those of ATen's CPU kernels (`DistributionTemplates.h`), so a seeded program sees the same
numbers here and there. `bernoulli_` and dropout follow ATen's own kernel; PyTorch takes MKL's stream for them when it
finds an Intel processor.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array

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

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew from `seed`; returns the generator. A negative seed wraps around 2**64."""
        seed = int(seed)
        if not -0x8000_0000_0000_0000 <= seed <= 0xFFFF_FFFF_FFFF_FFFF:
            raise ValueError("Overflow when unpacking long long")
        if seed < 0:
            seed += 1 << 64
        self._seed = seed
        # PyTorch keeps 64 bits of seed and feeds the lower 32 to the twister.
        self._bits._legacy_seeding(seed & 0xFFFF_FFFF)
        self._next_normal = None
        return self

    def initial_seed(self) -> int:
        """The seed that the stream was last started from."""
        return self._seed

    def seed(self) -> int:
        """Start the stream anew from a seed that the operating system draws; returns that seed."""
        seed = int.from_bytes(os.urandom(8), "little") >> 11
        self.manual_seed(seed)
        return seed

    def get_state(self) -> Any:
        """The state as a uint8 tensor of 5056 bytes, laid out as PyTorch does."""
        from graphlab.engine.tensor import wrap

        return wrap(np.frombuffer(self.state_bytes(), dtype=np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state that `get_state` returned."""
        self.load_state_bytes(np.asarray(new_state.numpy(), dtype=np.uint8).tobytes())
        return self

    def state_bytes(self) -> bytes:
        """PyTorch's legacy layout: seed, left, seeded, next, 624 words, the cached normal sample."""
        state = self._bits.state["state"]
        position = int(state["pos"])
        cached = self._next_normal
        head = struct.pack("<QiiQ", self._seed, 624 - position + 1, 1, position)
        words = np.asarray(state["key"], dtype=np.uint64).tobytes()
        tail = struct.pack("<dddi4xfi", 0.0, 0.0 if cached is None else cached, 0.0, cached is not None, 0.0, 0)
        return head + words + tail

    def load_state_bytes(self, state: bytes) -> None:
        """The inverse of `state_bytes`."""
        if len(state) != 5056:
            raise RuntimeError(
                "Expected either a CPUGeneratorImplStateLegacy of size 5048 or a CPUGeneratorImplState of size 5056 "
                f"but found the input RNG state size to be {len(state)}"
            )
        seed, left, _, _ = struct.unpack_from("<QiiQ", state)
        key = np.frombuffer(state, dtype=np.uint64, count=624, offset=24).astype(np.uint32)
        _, normal, _, is_valid = struct.unpack_from("<dddi", state, 24 + 4992)
        self._seed = seed
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 624 - left + 1}}
        self._next_normal = normal if is_valid else None

    # Draws, as arrays.

    def random32(self, n: int) -> Array:
        """`n` draws of 32 bits, in a uint64 array."""
        return self._bits.random_raw(n)

    def random64(self, n: int) -> Array:
        """`n` draws of 64 bits; each is two of 32, the upper half first."""
        raw = self._bits.random_raw(2 * n)
        return (raw[0::2] << _SHIFT_32) | raw[1::2]

    def uniform32(self, n: int) -> Array:
        """`n` float32 in [0, 1), of 24 bits each."""
        return (self._bits.random_raw(n) & _MASK_24).astype(_F32) * _F32(2.0**-24)

    def uniform64(self, n: int) -> Array:
        """`n` float64 in [0, 1), of 53 bits each."""
        return (self.random64(n) & _MASK_53).astype(np.float64) * 2.0**-53

    def fill_uniform(self, out: Array, low: float = 0.0, high: float = 1.0) -> None:
        """Fill a contiguous float array as `Tensor.uniform_(low, high)` does."""
        flat = out.reshape(-1)
        is_double = out.dtype == np.float64
        draw = self.uniform64 if is_double else self.uniform32
        kind = np.float64 if is_double else _F32
        is_plain = low == 0.0 and high == 1.0
        low_, high_ = kind(low), kind(high)
        for start in range(0, flat.size, _CHUNK):
            part = flat[start : start + _CHUNK]
            drawn = draw(part.size)
            if not is_plain:
                drawn = fma64(drawn, high_ - low_, low_) if is_double else _fma(drawn, high_ - low_, low_)
            part[...] = drawn
            if not is_plain or out.itemsize == 2:
                # Rounding may have reached the upper bound, which is not part of the range.
                part[part == out.dtype.type(high)] = out.dtype.type(low)

    def fill_normal(self, out: Array, mean: float = 0.0, std: float = 1.0) -> None:
        """Fill a contiguous float array as `Tensor.normal_(mean, std)` does.

        Below 16 elements each is drawn alone in double precision; from 16 on, blocks of 16 uniforms become 8 cosines
        and 8 sines (Box-Muller), and a last incomplete block redraws the last 16.
        """
        flat = out.reshape(-1)
        n = flat.size
        if n < 16:
            drawn = np.array([self.normal() for _ in range(n)])
            flat[...] = drawn if mean == 0.0 and std == 1.0 else fma64(drawn, np.float64(std), np.float64(mean))
            return
        is_double = out.dtype == np.float64
        draw = self.uniform64 if is_double else self.uniform32
        block = _box_muller_64 if is_double else _box_muller_32
        whole = n - n % 16
        if is_double or out.dtype == _F32:
            # The tail's uniforms are drawn with the others, and then 16 more.
            for start in range(0, whole, _CHUNK):
                part = flat[start : min(start + _CHUNK, whole)]
                part[...] = block(draw(part.size), mean, std)
            if n % 16:
                draw(n % 16)
        else:
            for start in range(0, whole, _CHUNK):
                part = flat[start : min(start + _CHUNK, whole)]
                part[...] = block(draw(part.size), mean, std)
        if n % 16:
            flat[n - 16 :] = block(draw(16), mean, std)

    def normal(self) -> float:
        """One double from the standard normal distribution; every second one was cached by the one before."""
        cached = self._next_normal
        if cached is not None:
            self._next_normal = None
            return cached
        u1, u2 = self.uniform64(2).tolist()
        radius = math.sqrt(-2.0 * math.log1p(-u2))
        theta = 2.0 * math.pi * u1
        self._next_normal = radius * math.sin(theta)
        return radius * math.cos(theta)

    def integers(self, low: int, high: int, shape: Sequence[int], dtype: Any = np.int64) -> Array:
        """Integers from [low, high): a draw modulo the range, of 32 bits where the range allows it."""
        n = math.prod(shape)
        span = high - low
        if span >= 1 << 28:
            drawn = self.random64(n) % np.uint64(span)
        else:
            drawn = self.random32(n) % np.uint64(span)
        return (drawn.astype(np.int64) + low).astype(dtype).reshape(shape)

    def permutation(self, n: int, dtype: Any = np.int64) -> Array:
        """The numbers below `n` in random order: n - 1 draws, each swaps an entry with a later one."""
        order = list(range(n))
        if n > 1:
            steps = (self.random32(n - 1) % np.arange(n, 1, -1, dtype=np.uint64)).tolist()
            for i, step in enumerate(steps):
                j = i + step
                order[i], order[j] = order[j], order[i]
        return np.array(order, dtype=dtype)

    def bernoulli(self, p: float, shape: Sequence[int]) -> Array:
        """True with probability `p`: what `Tensor.bernoulli_(p)` and dropout draw (a double each)."""
        out = np.empty(math.prod(shape), dtype=np.bool_)
        for start in range(0, out.size, _CHUNK):
            part = out[start : start + _CHUNK]
            np.less(self.uniform64(part.size), p, out=part)
        return out.reshape(shape)

    def bernoulli_each(self, p: Array) -> Array:
        """True with the probability that stands in `p`: what `torch.bernoulli(p)` draws."""
        flat = p.reshape(-1)
        drawn = self.uniform64(flat.size) if p.dtype == np.float64 else self.uniform32(flat.size)
        return (drawn < flat).reshape(p.shape)

    def exponential(self, n: int) -> Array:
        """`n` doubles from the exponential distribution of rate 1."""
        return -np.log1p(-self.uniform64(n))

    def multinomial(self, weights: Array, n_samples: int, replacement: bool) -> Array:
        """Indices drawn from each row of `weights` (2-d, need not sum to 1), shape (rows, n_samples)."""
        rows, n = weights.shape
        if not replacement or n_samples == 1:
            # The race of exponential clocks, as ATen does it; the winner is the largest weight / clock.
            clocks = self.exponential(rows * n).reshape(rows, n).astype(weights.dtype)
            with np.errstate(divide="ignore", invalid="ignore"):
                keys = weights / clocks
            return np.argsort(-keys, axis=1, kind="stable")[:, :n_samples].astype(np.int64)
        sums = np.cumsum(weights, axis=1)
        sums = sums / sums[:, -1:]
        sums[:, -1] = 1.0
        drawn = self.uniform64(rows * n_samples).reshape(rows, n_samples)
        picked = [np.searchsorted(sums[row], drawn[row], side="left") for row in range(rows)]
        return np.array(picked, dtype=np.int64).reshape(rows, n_samples)


# Arithmetic of the vectorised kernel. Its compiler joins each product with the sum that follows it (fma), so `_fma`
# rounds once: the product of two float32 is exact in float64.


def _fma(a: Array, b: Any, c: Any) -> Array:
    product = np.multiply(a, b, dtype=np.float64)
    product += c
    rounded: Array = product.astype(_F32)
    return rounded


def fma64(a: Array, b: Any, c: Any) -> Array:
    """a * b + c rounded once, by Dekker's product and Knuth's sum (nothing here comes near overflow)."""
    product = a * b
    split = 134217729.0
    a_high = a * split - (a * split - a)
    b_high = b * split - (b * split - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    rest = total - product
    error = error + ((product - (total - rest)) + (c - rest))
    return np.asarray(total + error)


_LOG_TERMS = (
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)


def _log_32(x: Array) -> Array:
    """Natural logarithm as `log256_ps` (Cephes) computes it, bit for bit, for normal positive float32."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(_F32)
    x = ((bits & ~0x7F800000) | 0x3F000000).view(_F32)
    is_low = x < _F32(0.707106781186547524)
    low = np.where(is_low, x, _F32(0))
    x = (x - _F32(1)) + low
    exponent -= is_low
    z = x * x
    y = _fma(x, _F32(7.0376836292e-2), _F32(_LOG_TERMS[0]))
    for term in _LOG_TERMS[1:]:
        y = _fma(y, x, _F32(term))
    y = _fma(y * x, z, exponent * _F32(-2.12194440e-4))
    y = _fma(z, _F32(-0.5), y)
    return _fma(exponent, _F32(0.693359375), x + y)


def _sin_cos_32(x: Array) -> tuple[Array, Array]:
    """Sine and cosine as `sincos256_ps` (Cephes) computes them, bit for bit, for 0 <= x < 8192."""
    octant = (x * _F32(1.27323954473516)).astype(np.int32)
    octant = (octant + 1) & ~1
    y = octant.astype(_F32)
    for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8):
        x = _fma(y, _F32(part), x)
    z = x * x
    cosine = _fma(z, _F32(2.443315711809948e-5), _F32(-1.388731625493765e-3))
    cosine = _fma(cosine, z, _F32(4.166664568298827e-2))
    cosine = _fma(cosine * z, z, z * _F32(-0.5)) + _F32(1)
    sine = _fma(z, _F32(-1.9515295891e-4), _F32(8.3321608736e-3))
    sine = _fma(sine, z, _F32(-1.6666654611e-1))
    sine = _fma(sine * z, x, x)
    is_even = (octant & 2) == 0
    sin_sign = (octant & 4) << 29
    cos_sign = (~(octant - 2) & 4) << 29
    out_sin = np.where(is_even, sine, cosine).view(np.int32) ^ sin_sign
    out_cos = np.where(is_even, cosine, sine).view(np.int32) ^ cos_sign
    return out_sin.view(_F32), out_cos.view(_F32)


def _box_muller_32(uniforms: Array, mean: float, std: float) -> Array:
    blocks = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(_F32(-2) * _log_32(_F32(1) - blocks[:, 0]))
    sine, cosine = _sin_cos_32(_F32(2 * math.pi) * blocks[:, 1])
    out = np.empty_like(blocks)
    np.multiply(radius, cosine, out=out[:, 0])
    np.multiply(radius, sine, out=out[:, 1])
    flat = out.reshape(-1)
    return flat if mean == 0.0 and std == 1.0 else _fma(flat, _F32(std), _F32(mean))


def _box_muller_64(uniforms: Array, mean: float, std: float) -> Array:
    # PyTorch calls libm for each number here; NumPy's vectorised functions differ from it in the last bit.
    blocks = uniforms.reshape(-1, 2, 8)
    shape = blocks[:, 0].shape
    logs = np.array([math.log(u) for u in (1.0 - blocks[:, 0]).ravel().tolist()]).reshape(shape)
    radius = np.sqrt(-2.0 * logs)
    angles = (2.0 * math.pi * blocks[:, 1]).ravel().tolist()
    out = np.empty_like(blocks)
    out[:, 0] = radius * np.array([math.cos(a) for a in angles]).reshape(shape)
    out[:, 1] = radius * np.array([math.sin(a) for a in angles]).reshape(shape)
    flat = out.reshape(-1)
    return flat if mean == 0.0 and std == 1.0 else fma64(flat, np.float64(std), np.float64(mean))


default_generator = Generator()
