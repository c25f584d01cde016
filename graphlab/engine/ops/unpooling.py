"""The way back from max pooling, and max pooling in windows at random places: max_unpool, fractional_max_pool."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, make, wrap_dim
from graphlab.engine.ops.op import Category, Op, declare, values_and_places
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public, run
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import known
from graphlab.i18n import N_


def _flat(shape: Any, n: int) -> tuple[int, ...]:
    """The shape with its last n dims as one."""
    return (*shape[: len(shape) - n], math.prod(shape[len(shape) - n :]))


def _unpool(x: Array, indices: Array, sizes: tuple[int, ...]) -> Any:
    n = len(sizes)
    out = np.zeros((*x.shape[: x.ndim - n], math.prod(sizes)), x.dtype)
    if x.size:
        np.put_along_axis(out, indices.reshape(_flat(x.shape, n)), x.reshape(_flat(x.shape, n)), -1)
    return out.reshape(*x.shape[: x.ndim - n], *sizes)


def _unpool_vjp(node: Any, g: Any, indices: Any) -> Any:
    xp = node.xp
    n = len(node.params[0])
    places = xp.array_of(indices)
    flat = xp.reshape(g, _flat(g.shape, n))
    picked = xp.gather(flat, len(flat.shape) - 1, places.reshape(_flat(places.shape, n)))
    return xp.reshape(picked, places.shape), None


def _declare_unpool(n: int) -> Op:
    return declare(
        Op(
            name=f"max_unpool{n}d",
            node=f"MaxUnpool{n}DBackward0",
            category=Category.REDUCTION,
            args=("input", "indices"),
            params=("sizes",),
            formula="out[indices[i]] = input[i], 0 elsewhere",
            backward_formula="d input[i] = g[indices[i]]",
            forward=_unpool,
            vjp=_unpool_vjp,
            saves=("indices",),
            shape=lambda s, _, sizes: (*s[: len(s) - len(sizes)], *sizes),
            narrate=N_("the entries of {input} go back to where they were the largest, into {shape}"),
            narrate_backward=N_("each entry of {input} gets the gradient of the place that it went to"),
        )
    )


UNPOOL = {n: _declare_unpool(n) for n in (2, 3)}


def _tuple(value: Any, n: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def _sizes(input: Tensor, kernel: Any, stride: Any, padding: Any, output_size: Any) -> tuple[int, ...]:
    n = len(kernel)
    usual = [(input.shape[d - n] - 1) * stride[d] + kernel[d] - 2 * padding[d] for d in range(n)]
    sizes = list(usual)
    if output_size is not None:
        if len(output_size) == n + 2:
            output_size = output_size[2:]
        if len(output_size) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
                f"'{len(output_size)}'"
            )
        for d in range(n):
            low, high = usual[d] - stride[d], usual[d] + stride[d]
            if not low < output_size[d] < high:
                raise ValueError(f'invalid output_size "{output_size}" (dim {d} must be between {low} and {high})')
        sizes = list(output_size)
    for d, size in enumerate(sizes):
        if size < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={size}"
            )
    return tuple(sizes)


def _unpooled(input: Tensor, indices: Tensor, sizes: tuple[int, ...]) -> Any:
    n = len(sizes)
    x, i = input._array, indices._array
    if i.dtype != np.int64:
        raise make(
            RuntimeError,
            f"elements in indices should be type int64{f' but got: {indices.dtype.title}' if n == 2 else ''}",
            kind="dtype_unsupported",
        )
    if x.ndim not in (n + 1, n + 2):
        raise make(
            RuntimeError,
            f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor with "
            f"{x.ndim} dimensions.",
            kind="conv_dims",
        )
    if x.shape != i.shape:
        fail(
            RuntimeError,
            f"Expected shape of indices to be same as that of the input tensor ({list(x.shape)}) but got indices "
            f"tensor with shape: {list(i.shape)}",
            kind="target_shape",
            op=f"max_unpool{n}d",
            shapes=[list(x.shape), list(i.shape)],
        )
    for d in range(1, x.ndim):
        if not x.shape[d]:
            raise make(
                RuntimeError,
                f"max_unpooling{n}d_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, "
                f"but got {list(x.shape)} with dimension {d} being empty.",
                kind="output_too_small",
            )
    if x.dtype.kind not in "fV":
        raise make(
            NotImplementedError,
            f"\"max_unpool{n}d\" not implemented for '{input.dtype.title}'",
            kind="dtype_unsupported",
            dtype=input.dtype.name,
        )
    wrong = (i < 0) | (i >= math.prod(sizes))
    if known(wrong) and wrong.any():
        fail(
            RuntimeError,
            f"Found an invalid max index: {int(i[wrong].flat[0])} (output volumes are of size "
            f"{'x'.join(map(str, sizes))})",
            kind="index_range",
            op=f"max_unpool{n}d",
            shape=list(sizes),
        )
    return run(UNPOOL[n], (input, indices), (sizes,))


def _max_unpool(n: int) -> Any:
    def max_unpool(
        input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Any:
        """The largest entries back at their places, zeros elsewhere: the partial inverse of max pooling."""
        t, i = need_tensor(input, f"max_unpool{n}d"), need_tensor(indices, f"max_unpool{n}d", "indices", 2)
        kernel, padding = _tuple(kernel_size, n), _tuple(padding, n)
        sizes = _sizes(t, kernel, kernel if stride is None else _tuple(stride, n), padding, output_size)
        if n == 1:
            return _unpooled(t.unsqueeze(-1), i.unsqueeze(-1), (*sizes, 1)).squeeze(-1)
        return _unpooled(t, i, sizes)

    max_unpool.__name__ = f"max_unpool{n}d"
    return max_unpool


for _n in (1, 2, 3):
    public(UNPOOL.get(_n, "max_unpool1d"), f"max_unpool{_n}d", method=False)(_max_unpool(_n))


# Windows at random places


def _starts(samples: Array, size: int, n_windows: int, window: int) -> Any:
    """Where the windows start: Graham's pseudo-random sequence (arXiv:1412.6071), one for each sample."""
    first = np.zeros((*samples.shape, n_windows), np.int64)
    if n_windows > 1:
        one = samples.dtype.type
        alpha = one(size - window) / one(n_windows - 1)
        steps = np.arange(n_windows - 1, dtype=samples.dtype)
        first[..., :-1] = ((steps + samples[..., None]) * alpha).astype(np.int64) - (samples * alpha).astype(np.int64)[
            ..., None
        ]
    if n_windows:
        first[..., -1] = size - window
    return first


def _fractional(x: Array, samples: Array, window: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[Any, Any]:
    n = len(window)
    space = x.shape[-n:]
    lead = x.shape[:-n]
    # PyTorch takes the samples for images from the last dim on, those for volumes from the first.
    order = range(n - 1, -1, -1) if n == 2 else range(n)
    flat: Any = 0
    for d in range(n):
        starts = _starts(samples[..., list(order).index(d)], space[d], sizes[d], window[d])
        places = starts[..., None] + np.arange(window[d])
        shape = [1] * (2 * n)
        shape[d], shape[n + d] = sizes[d], window[d]
        flat = flat * space[d] + places.reshape(*places.shape[:-2], *shape)
    flat = np.broadcast_to(flat[: lead[0]] if len(lead) == 2 else flat[0], (*lead, *sizes, *window))
    flat = flat.reshape(*lead, math.prod(sizes), math.prod(window))
    values = np.take_along_axis(x.reshape(*lead, 1, math.prod(space)), flat, -1)
    best = np.argmax(values, -1)[..., None]
    shape_out = (*lead, *sizes)
    return (
        np.take_along_axis(values, best, -1).reshape(shape_out),
        np.take_along_axis(flat, best, -1).reshape(shape_out),
    )


def _fractional_vjp(node: Any, gs: Any, indices: Any) -> Any:
    xp = node.xp
    shape, _, window = node.params[:3]
    n = len(window)
    places = xp.array_of(indices)
    flat = xp.reshape(gs[0], _flat(places.shape, n))
    wide = xp.scatter_add(_flat(shape, n), len(shape) - n, places.reshape(_flat(places.shape, n)), flat)
    return xp.reshape(wide, shape), None


def _fractional_shapes(s: Any, _: Any, window: Any, sizes: Any) -> Any:
    out = (*s[: len(s) - len(sizes)], *sizes)
    return out, out


def _declare_fractional(n: int) -> Op:
    return declare(
        Op(
            name=f"fractional_max_pool{n}d",
            node=f"FractionalMaxPool{n}DBackward0",
            category=Category.REDUCTION,
            args=("input", "samples"),
            params=("kernel_size", "output_size"),
            formula=N_("out = the largest entry of each window; the windows start at random steps"),
            backward_formula=N_("d input = g at the place that was taken, 0 elsewhere"),
            forward=_fractional,
            vjp=_fractional_vjp,
            saves=("out1",),
            broadcasts=True,
            n_outputs=2,
            shape=_fractional_shapes,
            dtype=values_and_places,
            narrate=N_("the largest entry of each window of {input} is taken; the windows lie at random places"),
            narrate_backward=N_("only the entries of {input} that were taken get a gradient"),
        )
    )


FRACTIONAL = {n: _declare_fractional(n) for n in (2, 3)}
_AXES = {2: ("height", "width"), 3: ("time", "height", "width")}
_MANY = {2: "tuple of Ints", 3: "tuple of three Ints"}


def _fractional_pool(n: int) -> tuple[Any, Any]:
    name = f"fractional_max_pool{n}d"

    def with_indices(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        """The largest entries of windows at random places, and where they are."""
        t = need_tensor(input, name)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if output_size is None:
            if len(output_ratio) > n:
                raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
            ratio = _tuple(output_ratio, n)
            output_size = [int(t.size(d - n) * ratio[d]) for d in range(n)]
        if _random_samples is None:
            wrap_dim(-n - 1, t.dim(), name)
            if t._array.dtype.kind not in "fV":
                raise make(
                    NotImplementedError,
                    f"\"check_uniform_bounds\" not implemented for '{t.dtype.title}'",
                    kind="dtype_unsupported",
                )
            n_batch = 1 if t.dim() == n + 1 else t.size(0)
            from graphlab.engine.random import rand

            _random_samples = rand(n_batch, t.size(-n - 1), n, dtype=dtypes.of(t._array), device=t._device)
        window, sizes = _tuple(kernel_size, n), _tuple(output_size, n)
        for word, value in (("kernel_size", window), ("output_size", sizes)):
            if len(value) != n:
                raise make(
                    RuntimeError, f"{name}: {word} must either be a single Int or {_MANY[n]}", kind="pool_argument"
                )
        _check_fractional(name, t, window, sizes, _random_samples)
        return run(FRACTIONAL[n], (t, _random_samples), (window, sizes))

    def pool(
        input: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:
        """The largest entries of windows at random places."""
        both = with_indices(input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
        return both if return_indices else both[0]

    with_indices.__name__, pool.__name__ = f"{name}_with_indices", name
    return with_indices, pool


def _check_fractional(name: str, t: Tensor, window: Any, sizes: Any, samples: Tensor) -> None:
    n = len(window)
    shape = tuple(t.shape)
    if t.dim() not in (n + 1, n + 2):
        raise make(
            RuntimeError,
            f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(shape)}",
            kind="conv_dims",
        )
    for d in range(t.dim() - n - 1, t.dim()):
        if not shape[d]:
            raise make(
                RuntimeError,
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got{list(shape)} with "
                f"dimension {d} being empty.",
                kind="output_too_small",
            )
    for d, axis in enumerate(_AXES[n]):
        if sizes[d] + window[d] - 1 > shape[d - n]:
            raise make(
                RuntimeError,
                f"{name}{'_out' if n == 3 else ''}(): pool {axis} {window[d]} too large relative to input {axis} "
                f"{shape[d - n]}",
                kind="output_too_small",
                op=name,
            )
    if samples.shape[1] != shape[-n - 1]:
        raise make(RuntimeError, "Expect _random_samples.size(1) equals to input channel size.", kind="pool_argument")
    if samples.shape[2] != n:
        raise make(
            RuntimeError,
            f"Expect _random_samples.size(2) equals to {n}; got {samples.shape[2]}.",
            kind="pool_argument",
        )


for _n, _suffix in itertools.product((2, 3), (0, 1)):
    _both = _fractional_pool(_n)
    public(FRACTIONAL[_n], f"fractional_max_pool{_n}d" + ("" if _suffix else "_with_indices"), method=False)(
        _both[_suffix]
    )
__all__ = ["FRACTIONAL", "FUNCTIONS", "UNPOOL"]
