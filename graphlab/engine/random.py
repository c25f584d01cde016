"""Seeds, and random tensors (`rand`, `randn`, `randint`, `normal_`, …), drawn as PyTorch's CPU kernels draw them."""

from __future__ import annotations

import math
from math import prod
from typing import Any

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.device import Virtual, cpu_error, device, resolve, virtual
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.generator import Generator, default_generator
from graphlab.engine.ops.create import leaf, room, sizes
from graphlab.engine.ops.run import bad_combination, bump, check_inplace, method, public
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import known


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
    if chosen.rank < 2:
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
        if array.dtype.kind == "c":
            # Real and imaginary parts share the variance.
            mean, std = args or (0.0, 1.0)
            parts = array[..., None].view(dtypes.of(array).to_real().np)
            _fill(parts, generator, name, *((0.0, std / math.sqrt(2)) if name == "fill_normal" else args))
            array += array.dtype.type(mean if name == "fill_normal" else 0)
            return array
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
def randint_like(
    input: Tensor, *bounds: int, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
) -> Tensor:
    """`randint` of another tensor's shape, type and device."""
    low, high = bounds if len(bounds) == 2 else (0, bounds[0])
    where = input._device if device is None else resolve(device)
    array = _integers(low, high, input._array.shape, dtype or input.dtype, where, None)
    return _made("randint_like", array, where, requires_grad, None, {"low": low, "high": high})


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
        drawn = _fill(empty_array(shape, kind, where), generator, "fill_normal", float(mean), float(std))
        return _made("normal", drawn, where, requires_grad, out, {"mean": mean, "std": std, "size": list(shape)})
    if requires_grad:
        raise bad_combination("normal", mean, std)
    if isinstance(std, Tensor) and type(std._array) is not Virtual and (std._array < 0).any():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    like = mean if isinstance(mean, Tensor) else std
    centre = mean._array if isinstance(mean, Tensor) else mean
    spread = std._array if isinstance(std, Tensor) else None
    shape = np.broadcast_shapes(np.shape(centre), np.shape(spread) if spread is not None else ())
    array: Any
    if type(like._array) is Virtual:
        array = virtual(shape, like._array.dtype)
    else:
        array = np.empty(shape, like._array.dtype)
        if spread is None:
            _fill(array, generator, "fill_normal", 0.0, float(std))
        else:
            _fill(array, generator, "fill_normal")
            array *= spread
        array += array.dtype.type(centre) if not isinstance(centre, np.ndarray) else centre
    if out is None and modes.grad and any(isinstance(t, Tensor) and t._rg for t in (mean, std)):
        return _drawn_of("normal_of", (mean, std), array)
    return _made("normal", array, like._device, requires_grad, out, {})


@public("bernoulli")
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """1 with the probability that stands in `input` (or `p`), else 0."""
    array = input._array
    source = generator or default_generator
    drawn: Any
    if type(array) is Virtual and p is not None:
        drawn = array.copy()
    elif p is not None:
        drawn = source.bernoulli(float(p), array.shape)
    else:
        if array.dtype.kind not in "fV":
            fail(
                NotImplementedError,
                f"\"bernoulli_tensor_cpu_p_\" not implemented for '{input.dtype.title}'",
                kind="dtype_unsupported",
                op="bernoulli",
                dtype=input.dtype.name,
            )
        if known(array) and not (array.min() >= 0 and array.max() <= 1):
            raise RuntimeError(
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be "
                "improved?  If so, please report an enhancement request to PyTorch.)"
            )
        drawn = array.copy() if type(array) is Virtual else source.bernoulli_each(array)
        if out is None and input._rg and modes.grad:
            return _drawn_of("bernoulli_of", (input,), drawn.astype(array.dtype))
    return _made("bernoulli", drawn.astype(array.dtype), input._device, False, out, {})


@public("multinomial")
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Any = None
) -> Tensor:
    """Indices drawn with the weights that stand in each row of `input`."""
    array = input._array
    if array.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if array.dtype.kind not in "fV":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype.title}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > array.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if type(array) is Virtual:
        indices = virtual((*array.shape[:-1], num_samples), np.dtype(np.int64))
        return _made("multinomial", indices, input._device, False, out, {})
    rows = array.reshape(-1, array.shape[-1])
    if replacement:
        flat = rows.reshape(-1)
        bad = ~((flat >= 0) & np.isfinite(flat))
        if bad.any():
            # The first one is told; a nan counts as below 0.
            what = "= infinity or NaN" if flat[np.argmax(bad)] > 0 else "< 0"
            raise RuntimeError(f"invalid multinomial distribution (encountering probability entry {what})")
    if not np.isfinite(rows).all() or (rows < 0).any():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (rows.sum(axis=1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    picked = (generator or default_generator).multinomial(rows, num_samples, replacement)
    return _made("multinomial", picked.reshape(*array.shape[:-1], num_samples), input._device, False, out, {})


# Written into a tensor that exists


def _drawn_of(op: str, inputs: tuple[Any, ...], drawn: Array) -> Tensor:
    """Numbers drawn with parameters that require grad: part of the graph, though their gradient is 0."""
    from graphlab.engine.ops.applied import finish
    from graphlab.engine.ops.op import OPS

    return finish(OPS[op], inputs, drawn)


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
    if type(t._array) is Virtual:
        return t._array
    return _fill(np.empty(t._array.shape, t._array.dtype), generator, name, *args)


@method("uniform_", "uniform_")
def uniform_(
    t: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None, **renamed: Any
) -> Tensor:
    """Fill with numbers from [from, to)."""
    low = renamed.pop("from", from_)
    for name in renamed:
        raise TypeError(f"uniform_() got an unexpected keyword argument '{name}'")
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
    if type(t._array) is Virtual:
        return _overwrite(t, "bernoulli_", t._array, {})
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
    if type(t._array) is Virtual:
        return _overwrite(t, "random_", t._array, {})
    if not high:
        digits = {"float32": 24, "float64": 53, "float16": 11, "bfloat16": 8}.get(t.dtype.name)
        high = (1 << digits) + 1 if digits else 0
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
    if lambd <= 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    if not t.dtype.is_floating_point:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {t.dtype.title}"
        )
    if type(t._array) is Virtual:
        return _overwrite(t, "exponential_", t._array, {"lambd": lambd})
    drawn = (generator or default_generator).exponential(t._array.size) / lambd
    return _overwrite(t, "exponential_", drawn.astype(t._array.dtype).reshape(t._array.shape), {"lambd": lambd})
