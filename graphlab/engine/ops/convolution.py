"""Convolutions over one to three dims, and transposed ones.

All work is matrix products: the windows of a few samples are laid out as columns (im2col), in pieces that stay in the
cache, and multiplied with the weight. A convolution is linear in its input and in its weight, so its three arrays
(input, weight, output) give three products, and each one's derivative is made of the other two.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine.errors import fail
from graphlab.engine.ops.applied import apply
from graphlab.engine.ops.columns import Ints, convolve, correlate, out_sizes, pairs_of, spread, transposed_sizes
from graphlab.engine.ops.convolution_checks import (
    SIGNATURE,
    SIGNATURE_T,
    batched,
    check_dtypes,
    check_shapes,
    check_types,
    dims_differ,
    expanded,
    is_ints,
)
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, common_device, guard, run
from graphlab.i18n import N_

# The operators


def _bias_gradient(node: Any, g: Any, edge: Any) -> Any:
    if edge is None:
        return None
    return node.xp.sum(g, (0, *range(2, g.ndim)))


def _conv_forward(x: Any, w: Any, b: Any, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Any:
    out = convolve(x, w, stride, padding, dilation, groups)
    if b is not None:
        out += b.reshape(-1, *(1,) * (x.ndim - 2))
    return out


def _conv_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    ex, ew, eb = node.edges
    sx, sw, _, *how = node.params
    dx = None if ex is None else apply(node, CONV_INPUT, (g, w), (sx[2:], *how))
    dw = None if ew is None else apply(node, CONV_WEIGHT, (x, g), (sw[2:], *how))
    return dx, dw, _bias_gradient(node, g, eb)


def _conv_shape(x: Any, w: Any, b: Any, stride: Ints, padding: Any, dilation: Ints, groups: int) -> Ints:
    return (x[0], w[0], *out_sizes(x[2:], w[2:], stride, pairs_of(padding), dilation))


def _transpose_forward(
    x: Any, w: Any, b: Any, stride: Ints, padding: Ints, output_padding: Ints, groups: int, dilation: Ints
) -> Any:
    spatial = transposed_sizes(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    out = spread(x, w, spatial, stride, padding, dilation, groups)
    if b is not None:
        out = out + b.reshape(-1, *(1,) * (x.ndim - 2))
    return np.ascontiguousarray(out)


def _transpose_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    ex, ew, eb = node.edges
    sx, sw, _, stride, padding, _, groups, dilation = node.params
    how = (stride, padding, dilation, groups)
    dx = dw = None
    if ex is not None:
        # With an output padding the convolution may have one place more than the input had: those saw only padding.
        dx = apply(node, CONV_PLAIN, (g, w), how)[(..., *(slice(0, n) for n in sx[2:]))]
    if ew is not None:
        dw = apply(node, CONV_WEIGHT, (g, x), (sw[2:], *how))
    return dx, dw, _bias_gradient(node, g, eb)


def _transpose_shape(
    x: Any, w: Any, b: Any, stride: Ints, padding: Ints, more: Ints, groups: int, dilation: Ints
) -> Ints:
    return (x[0], w[1] * groups, *transposed_sizes(x[2:], w[2:], stride, padding, more, dilation))


CONV_PLAIN: Op = declare(
    Op(
        name="convolution",
        category=Category.MATRIX,
        args=("input", "weight"),
        params=("stride", "padding", "dilation", "groups"),
        formula=N_("out[place] = Σ weight · input under the kernel at place"),
        backward_formula=N_("d input = each g times the kernel, added where it lay;  d weight = Σ g · input under it"),
        forward=convolve,
        vjp=lambda node, g, x, w: _plain_vjp(node, g, x, w),
        saves=("input:weight", "weight:input"),
        broadcasts=True,
        shape=lambda x, w, *how: _conv_shape(x, w, None, *how),
        narrate=N_("{weight} {weight_shape} is slid over {input} {input_shape}: {shape}"),
        narrate_backward=N_("each gradient goes back through the kernel to the entries that it covered"),
        samples=lambda: [
            ((2, 3, 5, 6), (4, 3, 3, 2), {"stride": (1, 2), "padding": (1, 0), "dilation": (1, 1), "groups": 1})
        ],
    )
)
CONV_INPUT: Op = declare(
    Op(
        name="convolution_input",
        category=Category.MATRIX,
        args=("gradient", "weight"),
        params=("spatial", "stride", "padding", "dilation", "groups"),
        formula=N_("out = each entry of gradient times the kernel, added where it lay"),
        backward_formula=N_("d gradient = the convolution of g;  d weight = Σ gradient · g under the kernel"),
        forward=spread,
        vjp=lambda node, g, y, w: _input_vjp(node, g, y, w),
        saves=("gradient:weight", "weight:gradient"),
        broadcasts=True,
        shape=lambda y, w, spatial, stride, padding, dilation, groups: (y[0], w[1] * groups, *spatial),
        narrate=N_("each entry of {gradient} adds the kernel {weight} to the part that it covered: {shape}"),
        narrate_backward=N_("the gradient is convolved with the same kernel"),
    )
)
CONV_WEIGHT: Op = declare(
    Op(
        name="convolution_weight",
        category=Category.MATRIX,
        args=("input", "gradient"),
        params=("kernel", "stride", "padding", "dilation", "groups"),
        formula=N_("out[entry] = Σ gradient · input under that entry of the kernel"),
        backward_formula=(
            N_("d input = each gradient times g, added where it lay;  d gradient = the convolution of input with g")
        ),
        forward=correlate,
        vjp=lambda node, g, x, y: _weight_vjp(node, g, x, y),
        saves=("input:gradient", "gradient:input"),
        broadcasts=True,
        shape=lambda x, y, kernel, stride, padding, dilation, groups: (y[1], x[1] // groups, *kernel),
        narrate=N_(
            "for each entry of the kernel, {gradient} is multiplied with the {input} that lay under it, and summed"
        ),
        narrate_backward=N_("the gradient acts as a kernel on both factors"),
    )
)


def _plain_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    ex, ew = node.edges
    sx, sw, *how = node.params
    return (
        None if ex is None else apply(node, CONV_INPUT, (g, w), (sx[2:], *how)),
        None if ew is None else apply(node, CONV_WEIGHT, (x, g), (sw[2:], *how)),
    )


def _input_vjp(node: Any, g: Any, y: Any, w: Any) -> Any:
    ey, ew = node.edges
    sy, sw, _, *how = node.params
    return (
        None if ey is None else apply(node, CONV_PLAIN, (g, w), tuple(how))[(..., *(slice(0, n) for n in sy[2:]))],
        None if ew is None else apply(node, CONV_WEIGHT, (g, y), (sw[2:], *how)),
    )


def _weight_vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
    ex, ey = node.edges
    sx, sy, _, *how = node.params
    return (
        None if ex is None else apply(node, CONV_INPUT, (y, g), (sx[2:], *how)),
        None if ey is None else apply(node, CONV_PLAIN, (x, g), tuple(how))[(..., *(slice(0, n) for n in sy[2:]))],
    )


def _conv_facts(out: Any, x: Any, w: Any, b: Any = None, **_: Any) -> dict[str, Any]:
    return {"n_filters": out.shape[1], "n_places": prod(out.shape[2:]), "kernel": "×".join(map(str, w.shape[2:]))}


def _declare(n: int) -> tuple[Op, Op]:
    sizes = (5, 6, 4)[:n]
    kernels = (3, 2, 2)[:n]
    usual = {"stride": (2,) * n, "padding": (1,) * n, "dilation": (1,) * n, "groups": 1}
    conv = declare(
        Op(
            name=f"conv{n}d",
            node="ConvolutionBackward0",
            category=Category.MATRIX,
            args=("input", "weight", "bias"),
            params=("stride", "padding", "dilation", "groups"),
            formula=N_("out[filter, place] = Σ weight[filter] · input under the kernel at place + bias[filter]"),
            backward_formula=(
                N_(
                    "d input = each g times the kernel, added where it lay;  d weight = Σ g · input under it;  "
                    "d bias = Σ g"
                )
            ),
            forward=_conv_forward,
            vjp=_conv_vjp,
            saves=("input:weight", "weight:input"),
            broadcasts=True,
            shape=_conv_shape,
            narrate=N_(
                "{n_filters} filters of {kernel} are slid over {input} {input_shape}, {n_places} places each: {shape}"
            ),
            narrate_backward=N_(
                "each place sends its gradient through the filter to the entries that it covered; {weight} gets "
                "the sum over all places"
            ),
            facts=_conv_facts,
            samples=lambda: [((2, 3, *sizes), (4, 3, *kernels), (4,), usual)],
        )
    )
    transposed = declare(
        Op(
            name=f"conv_transpose{n}d",
            node="ConvolutionBackward0",
            category=Category.MATRIX,
            args=("input", "weight", "bias"),
            params=("stride", "padding", "output_padding", "groups", "dilation"),
            formula=N_("out = each entry of input times the kernel, added stride apart, + bias"),
            backward_formula=(
                N_(
                    "d input = the convolution of g with weight;  d weight = Σ input · g under the kernel;  "
                    "d bias = Σ g"
                )
            ),
            forward=_transpose_forward,
            vjp=_transpose_vjp,
            saves=("input:weight", "weight:input"),
            broadcasts=True,
            shape=_transpose_shape,
            narrate=N_("each entry of {input} {input_shape} paints the kernel {weight_shape} into the output: {shape}"),
            narrate_backward=N_(
                "each entry of {input} collects the gradient of what it painted, weighted by the kernel"
            ),
            facts=_conv_facts,
            samples=lambda: [((2, 3, *sizes), (3, 4, *kernels), (4,), {**usual, "output_padding": (1,) * n})],
        )
    )
    return conv, transposed


_OPS = {n: _declare(n) for n in (1, 2, 3)}


# What programs call


def _conv(n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    name = f"conv{n}d"
    op = _OPS[n][0]
    ints = {"stride": stride, "dilation": dilation}
    if not isinstance(padding, str):
        ints["padding"] = padding
    check_types(name, input, weight, bias, ints, groups, SIGNATURE)
    x, is_batch = batched(name, input, n)
    k = weight._array.ndim - 2
    if k < 1:
        fail(
            RuntimeError,
            "weight should have at least three dimensions",
            kind="conv_dims",
            op=name,
            shapes=[list(x._array.shape), list(weight._array.shape)],
        )
    where: Any = 0
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            fail(
                RuntimeError, f"Invalid padding string: '{padding}'", kind="conv_argument", op=name, argument="padding"
            )
        if padding == "same" and k != n:
            dims_differ(name, x._array.shape, weight._array.shape)
        strides, dilations = expanded("stride", stride, k, n), expanded("dilation", dilation, k, n)
        if padding == "same":
            if any(s != 1 for s in strides):
                fail(
                    RuntimeError,
                    "padding='same' is not supported for strided convolutions",
                    kind="conv_argument",
                    op=name,
                    argument="padding",
                )
            totals = [d * (size - 1) for d, size in zip(dilations, weight._array.shape[2:])]
            where = tuple(t // 2 if t % 2 == 0 else (t // 2, t - t // 2) for t in totals)
        else:
            where = (0,) * k
    else:
        strides, where, dilations = (
            expanded("stride", stride, k, n),
            expanded("padding", padding, k, n),
            expanded("dilation", dilation, k, n),
        )
    b = None if bias is None else bias._array
    check_shapes(
        name,
        x._array.shape,
        weight._array.shape,
        None if b is None else b.shape,
        strides,
        where,
        dilations,
        groups,
        False,
    )
    common_device(name, (x, weight, bias))
    check_dtypes(name, x._array, weight._array, b)
    out = run(op, (x, weight, bias), (strides, where, dilations, int(groups)))
    return out if is_batch else out.squeeze(0)


def _conv_transposed(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    name = f"conv_transpose{n}d"
    if not is_ints(padding):
        raise TypeError(f"{name}(): argument 'padding' must be tuple of ints, not {type(padding).__name__}")
    ints = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    check_types(name, input, weight, bias, ints, groups, SIGNATURE_T)
    x, is_batch = batched(name, input, n)
    k = weight._array.ndim - 2
    strides, around, more, dilations = (
        expanded("stride", stride, k, n),
        expanded("padding", padding, k, n),
        expanded("output_padding", output_padding, k, n),
        expanded("dilation", dilation, k, n),
    )
    b = None if bias is None else bias._array
    if any(m < 0 for m in more):
        fail(
            RuntimeError,
            "negative output_padding is not supported",
            kind="conv_argument",
            op=name,
            argument="output_padding",
        )
    check_shapes(
        name,
        x._array.shape,
        weight._array.shape,
        None if b is None else b.shape,
        strides,
        around,
        dilations,
        groups,
        True,
    )
    if any(m >= s and m >= d for m, s, d in zip(more, strides, dilations)):
        words = ("depth", "height", "width")[-max(k, 2) :]

        def named(what: str, values: Ints) -> str:
            values = (
                (0,) * (len(words) - len(values)) + values
                if what == "output_padding"
                else ((1,) * (len(words) - len(values)) + values)
            )
            return " ".join(f"{what}_{word}: {v}" for word, v in zip(words, values))

        text = f"{named('output_padding', more)} {named('stride', strides)} {named('dilation', dilations)}"
        fail(
            RuntimeError,
            f"output padding must be smaller than either stride or dilation, but got {text}",
            kind="conv_argument",
            op=name,
            argument="output_padding",
        )
    spatial = x._array.shape[2:]
    sizes = transposed_sizes(spatial, weight._array.shape[2:], strides, around, more, dilations)
    if any(s < 1 for s in sizes):
        fail(
            RuntimeError,
            f"Given input size per channel: ({' x '.join(map(str, spatial))}). Calculated output size per channel: "
            f"({' x '.join(map(str, sizes))}). Output size is too small",
            kind="output_too_small",
            op=name,
            shapes=[list(x._array.shape), list(weight._array.shape)],
            sizes=[list(spatial), list(sizes)],
        )
    common_device(name, (x, weight, bias))
    check_dtypes(name, x._array, weight._array, b)
    out = run(_OPS[n][1], (x, weight, bias), (strides, around, more, int(groups), dilations))
    return out if is_batch else out.squeeze(0)


def _public(n: int) -> None:
    def conv(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: Any = 1
    ) -> Any:
        """Slide each filter of `weight` over the input: (N, C, …) becomes (N, filters, …)."""
        return _conv(n, input, weight, bias, stride, padding, dilation, groups)

    def conv_transpose(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Any = 1,
        dilation: Any = 1,
    ) -> Any:
        """The transposed convolution: each entry paints its kernel, `stride` apart."""
        return _conv_transposed(n, input, weight, bias, stride, padding, output_padding, groups, dilation)

    function: Any
    for op, function in zip(_OPS[n], (conv, conv_transpose)):
        function.__name__ = function.__qualname__ = op.name
        FUNCTIONS[op.name] = op.function = guard(op.name, function)


for _n in _OPS:
    _public(_n)
