"""The chain rule in numbers for one backward step: incoming gradient, local derivative, outgoing gradient.

Read from the trace alone. For operators whose derivative is a number for each element the local derivative is given as
an array; for products of matrices as the rule that was applied; for others the two gradients stand alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphlab.analysis.index import index_of
from graphlab.analysis.memory import name_of
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, ValueForm
from graphlab.trace.store import TraceReader

Array = npt.NDArray[Any]
MAX_ELEMENTS = 64
"""Larger tensors are not written out in numbers; `Link.is_small` says so."""


@dataclass(slots=True)
class Link:
    """The gradient of one input of an operator. Arrays are None where the trace kept no numbers."""

    input: int  # the forward tensor
    output: int  # the operator's output that the gradient came from
    input_name: str
    output_name: str
    root_name: str  # what is differentiated: "loss"
    incoming: Array | None  # d root / d output
    outgoing: Array | None  # d root / d input, this operator's contribution
    local: Array | None = None  # d output / d input for each element, where that is a number
    rule: str = ""  # "incoming · other": the derivative in the operator's own argument names, marked with `N_`
    factors: dict[str, Array] = field(default_factory=dict)  # the values that the rule names, by argument
    is_summed: bool = False  # the input was stretched (broadcast), so contributions were added up
    is_exact: bool = True  # outgoing is incoming · local, checked in numbers

    @property
    def is_small(self) -> bool:
        """Whether all its arrays are small enough to be written out."""
        arrays = [a for a in (self.incoming, self.outgoing, self.local) if a is not None]
        return bool(arrays) and all(a.size <= MAX_ELEMENTS for a in arrays)


@dataclass(slots=True)
class Chain:
    """One backward step: a link for each input that has a gradient."""

    event: int
    op: str
    links: list[Link]


def chain_rule(trace: TraceReader, event: int) -> Chain | None:
    """The chain rule at a BACKWARD event; None for other events and for a backward step without its forward one."""
    if not 0 <= event < len(trace.events):
        return None
    step = trace.events[event]
    if step.kind != EventKind.BACKWARD or step.forward < 0:
        return None
    forward = trace.events[step.forward]
    output = next((t for at, t in enumerate(forward.outputs) if at < len(step.inputs) and step.inputs[at] >= 0), -1)
    gradient = next((t for t in step.inputs if t >= 0), -1)
    if output < 0 or gradient < 0:
        return None
    operands = _operands(trace, forward)
    out = _array(trace, output, forward.id)
    incoming = _array(trace, gradient, event)
    root = _root_name(trace, step)
    links = []
    for position, contribution in enumerate(step.outputs):
        if contribution < 0 or position >= len(forward.inputs):
            continue
        source = forward.inputs[position]
        link = Link(
            source,
            output,
            name_of(trace, source) if source >= 0 else "",
            name_of(trace, output),
            root,
            incoming,
            _array(trace, contribution, event),
        )
        _explain(link, forward, position, operands, out)
        links.append(link)
    return Chain(event, forward.op, links)


def _explain(link: Link, forward: Event, position: int, operands: list[Array | None], out: Array | None) -> None:
    rule = _RULES.get((forward.op, position)) or _RULES.get((forward.op, -1))
    if rule is None:
        return
    link.rule = rule.text
    names = ("input", "other") if forward.op in _BINARY else ("input", "weight", "bias")
    for at, operand in enumerate(operands):
        if operand is not None and at < len(names) and names[at] in rule.text:
            link.factors[names[at]] = operand
    if out is not None and "out" in rule.text.split():
        link.factors["out"] = out
    if rule.local is None or any(operand is None for operand in operands) or out is None:
        return
    if any(o is not None and o.dtype.kind == "c" for o in (*operands, link.incoming, link.outgoing)):
        return  # the rule's numbers are told of real functions
    with np.errstate(all="ignore"):
        local = rule.local([np.asarray(o, np.float64) for o in operands if o is not None], out, forward.params)
    if local is None:
        return
    shape = out.shape if forward.op not in _REDUCTIONS else operands[position].shape  # type: ignore[union-attr]
    link.local = np.broadcast_to(np.asarray(local, np.float64), shape)
    if link.incoming is None or link.outgoing is None:
        return
    incoming = _stretched(link.incoming, link.local, forward)
    with np.errstate(all="ignore"):
        product = incoming * link.local
    link.is_summed = product.shape != link.outgoing.shape
    reduced = _sum_to(product, link.outgoing.shape)
    # In single precision what matters is that the rule shown is the one applied, not its last digits.
    link.is_exact = reduced is not None and bool(
        np.allclose(reduced, link.outgoing, rtol=1e-3, atol=1e-5, equal_nan=True)
    )


def _stretched(incoming: Array, local: Array, forward: Event) -> Array:
    """The gradient of a reduction's output, for each element that went into it."""
    if forward.op not in _REDUCTIONS or incoming.ndim == local.ndim:
        return np.asarray(incoming)
    dim = forward.params.get("dim")
    dims = [dim] if isinstance(dim, int) else list(dim) if isinstance(dim, list) else []
    for axis in sorted(d % local.ndim for d in dims if isinstance(d, int)):
        incoming = np.expand_dims(incoming, axis)
    return np.asarray(incoming)


def _sum_to(array: Array, shape: tuple[int, ...]) -> Array | None:
    """The sums over the axes along which an input of `shape` was stretched."""
    if array.shape == shape:
        return array
    extra = array.ndim - len(shape)
    if extra < 0:
        return None
    axes = [*range(extra), *(extra + at for at, n in enumerate(shape) if n == 1 and array.shape[extra + at] != 1)]
    summed: Array = array.sum(axis=tuple(axes), keepdims=True)
    return summed.reshape(shape) if summed.size == int(np.prod(shape)) else None


def _operands(trace: TraceReader, forward: Event) -> list[Array | None]:
    names = ("input", "other")
    found: list[Array | None] = []
    for at, tensor in enumerate(forward.inputs):
        if tensor >= 0:
            found.append(_array(trace, tensor, forward.id))
        else:  # a Python number stands in the parameters
            number = forward.params.get(names[at]) if at < len(names) else None
            found.append(np.asarray(float(number)) if isinstance(number, int | float) else None)
    return found


def _array(trace: TraceReader, tensor: int, event: int) -> Array | None:
    value = index_of(trace).value_at(tensor, event)
    if value < 0 or trace.values[value].form != ValueForm.WHOLE:
        return None
    return trace.array(value)


def _root_name(trace: TraceReader, step: Event) -> str:
    """The name of what the backward pass started from."""
    for loss in reversed(trace.losses):
        if loss.event <= step.id:
            return loss.name if trace.events[loss.event].root == step.root else "loss"
    return "loss"


@dataclass(slots=True, frozen=True)
class _Rule:
    text: str
    local: Callable[[list[Array], Array, dict[str, Any]], Any] | None = None


def _exponent(params: dict[str, Any]) -> float | None:
    exponent = params.get("exponent")
    return float(exponent) if isinstance(exponent, int | float) else None


def _power(operands: list[Array], out: Array, params: dict[str, Any]) -> Array | None:
    exponent = _exponent(params)
    return None if exponent is None else np.asarray(exponent * operands[0] ** (exponent - 1))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


_REDUCTIONS = frozenset({"sum", "mean"})
_BINARY = frozenset({"add", "sub", "rsub", "mul", "div", "pow", "pow_tensor", "maximum", "minimum"})

# (operator, position of the input; -1 for every one) -> derivative
_RULES: dict[tuple[str, int], _Rule] = {
    ("add", -1): _Rule(N_("incoming · 1"), lambda x, out, p: 1.0),
    ("sub", 0): _Rule(N_("incoming · 1"), lambda x, out, p: 1.0),
    ("sub", 1): _Rule(N_("incoming · (−1)"), lambda x, out, p: -1.0),
    ("rsub", 0): _Rule(N_("incoming · (−1)"), lambda x, out, p: -1.0),
    ("rsub", 1): _Rule(N_("incoming · 1"), lambda x, out, p: 1.0),
    ("mul", 0): _Rule(N_("incoming · other"), lambda x, out, p: x[1]),
    ("mul", 1): _Rule(N_("incoming · input"), lambda x, out, p: x[0]),
    ("div", 0): _Rule(N_("incoming · 1 / other"), lambda x, out, p: 1 / x[1]),
    ("div", 1): _Rule(N_("incoming · (−input / other²)"), lambda x, out, p: -x[0] / x[1] ** 2),
    ("neg", 0): _Rule(N_("incoming · (−1)"), lambda x, out, p: -1.0),
    ("pow", 0): _Rule(N_("incoming · exponent · input^(exponent − 1)"), _power),
    ("exp", 0): _Rule(N_("incoming · out"), lambda x, out, p: out),
    ("log", 0): _Rule(N_("incoming · 1 / input"), lambda x, out, p: 1 / x[0]),
    ("sqrt", 0): _Rule(N_("incoming · 1 / (2 out )"), lambda x, out, p: 1 / (2 * out)),
    ("abs", 0): _Rule(N_("incoming · sign(input)"), lambda x, out, p: np.sign(x[0])),
    ("sin", 0): _Rule(N_("incoming · cos(input)"), lambda x, out, p: np.cos(x[0])),
    ("cos", 0): _Rule(N_("incoming · (−sin(input))"), lambda x, out, p: -np.sin(x[0])),
    ("relu", 0): _Rule(N_("incoming where input > 0, else 0"), lambda x, out, p: (x[0] > 0).astype(float)),
    ("sigmoid", 0): _Rule(N_("incoming · out · (1 − out )"), lambda x, out, p: out * (1 - out)),
    ("tanh", 0): _Rule(N_("incoming · (1 − out ²)"), lambda x, out, p: 1 - out**2),
    ("softplus", 0): _Rule(N_("incoming · sigmoid(input)"), lambda x, out, p: _sigmoid(x[0])),
    ("silu", 0): _Rule(
        N_("incoming · (σ + input · σ · (1 − σ))"),
        lambda x, out, p: _sigmoid(x[0]) * (1 + x[0] * (1 - _sigmoid(x[0]))),
    ),
    ("sum", 0): _Rule(N_("incoming · 1, for each element"), lambda x, out, p: 1.0),
    ("mean", 0): _Rule(
        N_("incoming · 1 / n, for each element"), lambda x, out, p: out.size / x[0].size if x[0].size else 0.0
    ),
    ("linear", 0): _Rule(N_("incoming @ weight")),
    ("linear", 1): _Rule(N_("incomingᵀ @ input")),
    ("linear", 2): _Rule(N_("sum of incoming over the batch")),
    **{(op, 0): _Rule(N_("incoming @ otherᵀ")) for op in ("matmul", "mm", "bmm")},
    **{(op, 1): _Rule(N_("inputᵀ @ incoming")) for op in ("matmul", "mm", "bmm")},
    **{
        (op, 0): _Rule(N_("incoming, in the shape of input"))
        for op in ("view", "reshape", "squeeze", "unsqueeze", "flatten")
    },
    **{(op, 0): _Rule(N_("incoming, transposed back")) for op in ("transpose", "t", "permute", "mT")},
}
