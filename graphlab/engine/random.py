"""Seeds, and random tensors: `rand`, `randn`, `randint`, `randperm`, `normal_` and the like, drawn as PyTorch's CPU kernels do."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.device import Virtual, cpu_error, device, resolve
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.generator import Generator, default_generator
from graphlab.engine.ops.create import leaf, room, sizes
from graphlab.engine.ops.run import bump, check_inplace, method, public
from graphlab.engine.tensor import Tensor, wrap


def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew from `seed`; returns the generator. A negative seed wraps around 2**64."""
        seed = int(seed)
        if not -0x8000_0000_0000_0000 <= seed <= 0xFFFF_FFFF_FFFF_FFFF:
            raise RuntimeError("Overflow when unpacking long long")
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

    def random32(self, n: int) -> np.ndarray:
        """`n` draws of 32 bits, in a uint64 array."""
        return self._bits.random_raw(n)  # type: ignore[no-any-return]

    def random64(self, n: int) -> np.ndarray:
        """`n` draws of 64 bits; each is two of 32, the upper half first."""
        raw = self._bits.random_raw(2 * n)
        return (raw[0::2] << _SHIFT_32) | raw[1::2]  # type: ignore[no-any-return]

    def uniform32(self, n: int) -> np.ndarray:
        """`n` float32 in [0, 1), of 24 bits each."""
        return (self._bits.random_raw(n) & _MASK_24).astype(_F32) * _F32(2.0**-24)

    def uniform64(self, n: int) -> np.ndarray:
        """`n` float64 in [0, 1), of 53 bits each."""
        return (self.random64(n) & _MASK_53).astype(np.float64) * 2.0**-53

    def fill_uniform(self, out: np.ndarray, low: float = 0.0, high: float = 1.0) -> None:
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
                drawn = _fma64(drawn, high_ - low_, low_) if is_double else _fma(drawn, high_ - low_, low_)
            part[...] = drawn
            if not is_plain or out.dtype == np.float16:
                # Rounding may have reached the upper bound, which is not part of the range.
                part[part == out.dtype.type(high)] = out.dtype.type(low)

    def fill_normal(self, out: np.ndarray, mean: float = 0.0, std: float = 1.0) -> None:
        """Fill a contiguous float array as `Tensor.normal_(mean, std)` does.

        Below 16 elements each is drawn alone in double precision; from 16 on, blocks of 16 uniforms become 8 cosines
        and 8 sines (Box-Muller), and a last incomplete block redraws the last 16.
        """
        flat = out.reshape(-1)
        n = flat.size
        if n < 16:
            drawn = np.array([self.normal() for _ in range(n)])
            flat[...] = drawn if mean == 0.0 and std == 1.0 else _fma64(drawn, np.float64(std), np.float64(mean))
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

    def integers(self, low: int, high: int, shape: Sequence[int], dtype: Any = np.int64) -> np.ndarray:
        """Integers from [low, high): a draw modulo the range, of 32 bits where the range allows it."""
        n = math.prod(shape)
        span = high - low
        if span >= 1 << 28:
            drawn = self.random64(n) % np.uint64(span)
        else:
            drawn = self.random32(n) % np.uint64(span)
        return (drawn.astype(np.int64) + low).astype(dtype).reshape(shape)

    def permutation(self, n: int, dtype: Any = np.int64) -> np.ndarray:
        """The numbers below `n` in random order: n - 1 draws, each swaps an entry with a later one."""
        order = list(range(n))
        if n > 1:
            steps = (self.random32(n - 1) % np.arange(n, 1, -1, dtype=np.uint64)).tolist()
            for i, step in enumerate(steps):
                j = i + step
                order[i], order[j] = order[j], order[i]
        return np.array(order, dtype=dtype)

    def bernoulli(self, p: float, shape: Sequence[int]) -> np.ndarray:
        """True with probability `p`: what `Tensor.bernoulli_(p)` and dropout draw (a double each)."""
        out = np.empty(math.prod(shape), dtype=np.bool_)
        for start in range(0, out.size, _CHUNK):
            part = out[start : start + _CHUNK]
            np.less(self.uniform64(part.size), p, out=part)
        return out.reshape(shape)

    def bernoulli_each(self, p: np.ndarray) -> np.ndarray:
        """True with the probability that stands in `p`: what `torch.bernoulli(p)` draws."""
        flat = p.reshape(-1)
        drawn = self.uniform64(flat.size) if p.dtype == np.float64 else self.uniform32(flat.size)
        return (drawn < flat).reshape(p.shape)

    def exponential(self, n: int) -> np.ndarray:
        """`n` doubles from the exponential distribution of rate 1."""
        return -np.log1p(-self.uniform64(n))

    def multinomial(self, weights: np.ndarray, n_samples: int, replacement: bool) -> np.ndarray:
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


def _fma(a: np.ndarray, b: Any, c: Any) -> np.ndarray:
    product = np.multiply(a, b, dtype=np.float64)
    product += c
    return product.astype(_F32)


def _fma64(a: np.ndarray, b: Any, c: Any) -> np.ndarray:
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


def _log_32(x: np.ndarray) -> np.ndarray:
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


def _sin_cos_32(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _box_muller_32(uniforms: np.ndarray, mean: float, std: float) -> np.ndarray:
    blocks = uniforms.reshape(-1, 2, 8)
    radius = np.sqrt(_F32(-2) * _log_32(_F32(1) - blocks[:, 0]))
    sine, cosine = _sin_cos_32(_F32(2 * math.pi) * blocks[:, 1])
    out = np.empty_like(blocks)
    np.multiply(radius, cosine, out=out[:, 0])
    np.multiply(radius, sine, out=out[:, 1])
    flat = out.reshape(-1)
    return flat if mean == 0.0 and std == 1.0 else _fma(flat, _F32(std), _F32(mean))


def _box_muller_64(uniforms: np.ndarray, mean: float, std: float) -> np.ndarray:
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
    return flat if mean == 0.0 and std == 1.0 else _fma64(flat, np.float64(std), np.float64(mean))


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the default generator anew from `seed`; returns it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator anew from a seed that the operating system draws; returns that seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator was last started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The default generator's state as a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Go on from a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


def empty_array(shape: tuple[int, ...], kind: dtypes.dtype, where: device) -> Array:
    """Memory for a new tensor whose numbers come next; refused in PyTorch's words where it does not fit."""
    array: Array | None = room(shape, kind, where)
    if array is None:
        try:
            array = np.empty(shape, kind.np)
        except (MemoryError, ValueError):
            raise cpu_error(prod(shape) * kind.itemsize) from None
    return array


def _made(
    op: str, array: Array, where: device, requires_grad: bool, out: Tensor | None, params: dict[str, Any]
) -> Tensor:
    if out is not None:
        out._array = array
        bump(out)
        return out
    return leaf(op, array, requires_grad, where, params)


def _float_type(dtype: Any, kernel: str) -> dtypes.dtype:
    chosen: dtypes.dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if not chosen.is_floating_point:
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{chosen.title}'",
            kind="dtype_unsupported",
            op=kernel,
            dtype=chosen.name,
        )
    return chosen


def _fill(array: Array, generator: Generator | None, name: str, *args: float) -> Array:
    if type(array) is not Virtual:
        getattr(generator or default_generator, name)(array, *args)
    return array


@public("rand", method=False)
def rand(
    *size: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers from the uniform distribution on [0, 1)."""
    shape, where = sizes(size, "rand"), resolve(device)
    array = _fill(empty_array(shape, _float_type(dtype, "check_uniform_bounds"), where), generator, "fill_uniform")
    return _made("rand", array, where, requires_grad, out, {"size": list(shape)})


@public("randn", method=False)
def randn(
    *size: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers from the normal distribution with mean 0 and standard deviation 1."""
    shape, where = sizes(size, "randn"), resolve(device)
    array = _fill(empty_array(shape, _float_type(dtype, "normal_kernel_cpu"), where), generator, "fill_normal")
    return _made("randn", array, where, requires_grad, out, {"size": list(shape)})


@public("rand_like", method=False)
def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Tensor:
    """`rand` of another tensor's shape, type and device."""
    where = input._device if device is None else resolve(device)
    kind = _float_type(dtype or input.dtype, "check_uniform_bounds")
    array = _fill(empty_array(input._array.shape, kind, where), None, "fill_uniform")
    return _made("rand_like", array, where, requires_grad, None, {})


@public("randn_like", method=False)
def randn_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Tensor:
    """`randn` of another tensor's shape, type and device."""
    where = input._device if device is None else resolve(device)
    kind = _float_type(dtype or input.dtype, "normal_kernel_cpu")
    array = _fill(empty_array(input._array.shape, kind, where), None, "fill_normal")
    return _made("randn_like", array, where, requires_grad, None, {})


def _integers(low: int, high: int, shape: tuple[int, ...], dtype: Any, where: device, generator: Any) -> Array:
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    chosen = dtypes.int64 if dtype is None else dtype
    array = empty_array(shape, chosen, where)
    if type(array) is not Virtual:
        array[...] = (generator or default_generator).integers(low, high, shape)
    return array


@public("randint", method=False)
def randint(
    *args: Any,
    low: int = 0,
    high: int | None = None,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Integers from [low, high): `randint(high, size)` or `randint(low, high, size)`."""
    given = list(args)
    if size is None and given and not isinstance(given[-1], int):
        size = given.pop()
    if len(given) == 2:
        low, high = given
    elif len(given) == 1:
        if high is None:
            high = given[0]
        else:
            low = given[0]
    if high is None or size is None or isinstance(size, int):
        raise TypeError(
            "randint() received an invalid combination of arguments - got ("
            + ", ".join(type(a).__name__ for a in args)
            + "), but expected one of:\n"
            " * (int high, tuple of ints size, *, torch.Generator generator, Tensor out, torch.dtype dtype, "
            "torch.layout layout, torch.device device, bool pin_memory, bool requires_grad)\n"
            " * (int low, int high, tuple of ints size, *, torch.Generator generator, Tensor out, torch.dtype dtype, "
            "torch.layout layout, torch.device device, bool pin_memory, bool requires_grad)\n"
        )
    shape, where = sizes((size,), "randint"), resolve(device)
    array = _integers(int(low), int(high), shape, dtype, where, generator)
    return _made("randint", array, where, requires_grad, out, {"low": int(low), "high": int(high), "size": list(shape)})


@public("randint_like", method=False)
def randint_like(input: Tensor, *bounds: int, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    """`randint` of another tensor's shape, type and device."""
    low, high = bounds if len(bounds) == 2 else (0, bounds[0])
    where = input._device if device is None else resolve(device)
    array = _integers(low, high, input._array.shape, dtype or input.dtype, where, None)
    return _made("randint_like", array, where, False, None, {"low": low, "high": high})


@public("randperm", method=False)
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The integers below `n` in random order."""
    if n < 0:
        raise RuntimeError("n must be non-negative, got" + str(n))
    where = resolve(device)
    array = empty_array((n,), dtypes.int64 if dtype is None else dtype, where)
    if type(array) is not Virtual:
        array[...] = (generator or default_generator).permutation(n)
    return _made("randperm", array, where, requires_grad, out, {"n": n})


@public("normal", method=False)
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **_: Any,
) -> Tensor:
    """Numbers from normal distributions; `mean` and `std` may be tensors, one entry for each result."""
    if not isinstance(std, Tensor) and std < 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if size is not None:
        shape, where = tuple(int(n) for n in size), resolve(device)
        kind = _float_type(dtype, "normal_kernel_cpu")
        array = _fill(empty_array(shape, kind, where), generator, "fill_normal", float(mean), float(std))
        return _made("normal", array, where, requires_grad, out, {"mean": mean, "std": std, "size": list(shape)})
    like = mean if isinstance(mean, Tensor) else std
    centre = mean._array if isinstance(mean, Tensor) else mean
    spread = std._array if isinstance(std, Tensor) else None
    shape = np.broadcast_shapes(np.shape(centre), np.shape(spread) if spread is not None else ())
    array = np.empty(shape, like._array.dtype)
    if spread is None:
        _fill(array, generator, "fill_normal", 0.0, float(std))
    else:
        _fill(array, generator, "fill_normal")
        array *= spread
    array += array.dtype.type(centre) if not isinstance(centre, np.ndarray) else centre
    return _made("normal", array, like._device, requires_grad, out, {})


@public("bernoulli")
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """1 with the probability that stands in `input` (or `p`), else 0."""
    array = input._array
    source = generator or default_generator
    if p is not None:
        drawn = source.bernoulli(float(p), array.shape)
    else:
        if array.dtype.kind != "f":
            fail(
                NotImplementedError,
                f"\"bernoulli_tensor_cpu_p_\" not implemented for '{input.dtype.title}'",
                kind="dtype_unsupported",
                op="bernoulli",
                dtype=input.dtype.name,
            )
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
        drawn = source.bernoulli_each(array)
    return _made("bernoulli", drawn.astype(array.dtype), input._device, False, out, {})


@public("multinomial")
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Any = None
) -> Tensor:
    """Indices drawn with the weights that stand in each row of `input`."""
    array = input._array
    if array.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if array.dtype.kind != "f":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype.title}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > array.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    rows = array.reshape(-1, array.shape[-1])
    if not np.isfinite(rows).all() or (rows < 0).any():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (rows.sum(axis=1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    picked = (generator or default_generator).multinomial(rows, num_samples, replacement)
    return _made("multinomial", picked.reshape(*array.shape[:-1], num_samples), input._device, False, out, {})


# Written into a tensor that exists


def _overwrite(t: Tensor, name: str, values: Any, params: dict[str, Any]) -> Tensor:
    """Write drawn numbers into `t`: an in-place change without a derivative (its gradient is 0)."""
    if modes.grad and t._rg:
        check_inplace(t, name)
        if t._fn is not None:
            # What was there before no longer matters to the loss.
            return t.copy_(wrap(values, t._device))  # type: ignore[no-any-return]
    if type(t._array) is not Virtual:
        t._array[...] = values
    bump(t)
    if observe.observer is not None:
        observe.observer.inplace(name, t, (t,), params)
    return t


def _drawn(t: Tensor, generator: Generator | None, name: str, *args: float) -> Array:
    return _fill(np.empty(t._array.shape, t._array.dtype), generator, name, *args)


@method("uniform_", "uniform_")
def uniform_(
    t: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None, **renamed: Any
) -> Tensor:
    """Fill with numbers from [from, to)."""
    low = renamed.get("from", from_)
    _float_type(t.dtype, "check_uniform_bounds")
    if low > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={to:g}")
    return _overwrite(t, "uniform_", _drawn(t, generator, "fill_uniform", low, to), {"from": low, "to": to})


@method("normal_", "normal_")
def normal_(t: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers from a normal distribution."""
    _float_type(t.dtype, "normal_kernel_cpu")
    if std < 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    return _overwrite(t, "normal_", _drawn(t, generator, "fill_normal", mean, std), {"mean": mean, "std": std})


@method("bernoulli_", "bernoulli_")
def bernoulli_(t: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability `p`, else 0."""
    source = generator or default_generator
    if isinstance(p, Tensor):
        drawn = source.bernoulli_each(np.broadcast_to(p._array, t._array.shape))
        return _overwrite(t, "bernoulli_", drawn.astype(t._array.dtype), {})
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    return _overwrite(t, "bernoulli_", source.bernoulli(float(p), t._array.shape).astype(t._array.dtype), {"p": p})


@method("random_", "random_")
def random_(t: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Fill with integers: `random_(to)` or `random_(from, to)`."""
    low, high = (from_, to) if to is not None else (0, from_)
    source = generator or default_generator
    if not high:
        high = {"float32": (1 << 24) + 1, "float64": (1 << 53) + 1, "float16": (1 << 11) + 1}.get(t.dtype.name, 0)
        high = high or (2 if t.dtype.name == "bool" else int(np.iinfo(t._array.dtype).max) + 1)
        n = t._array.size
        wide = t.dtype.name in ("float64", "int64")
        raw = source.random64(n) if wide else source.random32(n)
        drawn = (raw % np.uint64(high)).astype(t._array.dtype).reshape(t._array.shape)
        return _overwrite(t, "random_", drawn, {})
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    drawn = source.integers(low, high, t._array.shape, t._array.dtype)
    return _overwrite(t, "random_", drawn, {"from": low, "to": high})


@method("exponential_", "exponential_")
def exponential_(t: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers from an exponential distribution of rate `lambd`."""
    _float_type(t.dtype, "exponential_")
    drawn = (generator or default_generator).exponential(t._array.size) / lambd
    return _overwrite(t, "exponential_", drawn.astype(t._array.dtype).reshape(t._array.shape), {"lambd": lambd})
