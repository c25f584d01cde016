"""Generic tests over every declared operator: slopes, second order, narration."""

from __future__ import annotations

import string
from typing import Any

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine.ops import OPS
from graphlab.engine.ops.run import run

CONSTANT_ARGUMENT = {"igamma", "igammac", "special_zeta", "dropout"}
"""These have no derivative with respect to one of their arguments, in PyTorch neither."""


def _cases() -> list[Any]:
    cases = []
    for name, op in sorted(OPS.items()):
        if op.samples is None or op.vjp is None or name in CONSTANT_ARGUMENT:
            continue
        for i, sample in enumerate(op.samples()):
            named = sample[-1] if sample and isinstance(sample[-1], dict) else {}
            shapes = sample[:-1] if sample and isinstance(sample[-1], dict) else sample
            if not all(isinstance(s, tuple) for s in shapes):
                continue
            cases.append(pytest.param(name, shapes, named, id=f"{name}-{i}"))
    return cases


def _inputs(shapes: Any, domain: tuple[float, float]) -> list[Any]:
    rng = np.random.default_rng(7)
    low, high = domain
    # Distinct values, none near 0 or near another: kinks are not what this looks for.
    out = []
    for k, shape in enumerate(shapes):
        n = int(np.prod(shape))
        values = np.linspace(low, high, 2 * n + 3)[1::2][:n] + 0.013 + 0.0371 * k
        out.append(rng.permutation(values).reshape(shape))
    return out


def _total(op: Any, tensors: Any, params: Any) -> Any:
    out = run(op, tuple(tensors), params)
    parts = out if isinstance(out, tuple) else (out,)
    total: Any = 0
    for k, part in enumerate(p for p in parts if p.dtype.is_floating_point):
        weights = torch.tensor(np.cos(np.arange(part.numel()) * 0.9 + k).reshape(tuple(part.shape)))
        total = total + (part * weights).sum()
    return total


@pytest.mark.parametrize(("name", "shapes", "named"), _cases())
def test_derivative_is_the_numeric_slope_to_second_order(name: str, shapes: Any, named: dict[str, Any]) -> None:
    op = OPS[name]
    domain = named.get("_domain", (-1.7, 1.9))
    params = tuple(named[p] for p in op.params if p in named)
    arrays = _inputs(shapes, domain)
    rng = np.random.default_rng(3)
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def value(t: float) -> tuple[float, float]:
        """The function, and its derivative along the direction, at a step `t` along it."""
        leaves = [torch.tensor(a + t * d, requires_grad=True) for a, d in zip(arrays, directions)]
        total = _total(op, leaves, params)
        grads = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        slope = sum((g * torch.tensor(d)).sum().item() for g, d in zip(grads, directions) if g is not None)
        return total.item(), slope

    h = 1e-5
    (up, slope_up), (down, slope_down) = value(h), value(-h)
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    # First order on arrays, the way that training goes.
    _total(op, leaves, params).backward()
    slope = sum(float((leaf.grad.numpy() * d).sum()) for leaf, d in zip(leaves, directions) if leaf.grad is not None)
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-6)
    # Second order on tensors.
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    grads = torch.autograd.grad(_total(op, leaves, params), leaves, create_graph=True, allow_unused=True)
    along: Any = 0
    for g, d in zip(grads, directions):
        if g is not None:
            along = along + (g * torch.tensor(d)).sum()
    second = 0.0
    if isinstance(along, torch.Tensor) and along.requires_grad:
        seconds = torch.autograd.grad(along, leaves, allow_unused=True)
        second = sum(float((s.numpy() * d).sum()) for s, d in zip(seconds, directions) if s is not None)
    assert second == pytest.approx((slope_up - slope_down) / (2 * h), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", sorted(OPS))
def test_formula_and_narration_use_known_names_only(name: str) -> None:
    op = OPS[name]
    assert op.formula
    assert op.narrate and not op.narrate.rstrip().endswith(".")
    allowed = {
        "out",
        "shape",
        *(["along"] if "dim" in op.params else []),
        *op.args,
        *(a + "_shape" for a in op.args),
        *op.params,
    }
    if op.facts is not None and op.samples is not None:
        for sample in op.samples():
            named = sample[-1] if isinstance(sample[-1], dict) else {}
            shapes = sample[:-1] if isinstance(sample[-1], dict) else sample
            arrays = _inputs(shapes, named.get("_domain", (0.3, 1.7)))
            params = {p: named[p] for p in op.params if p in named}
            out = op.forward(*arrays, *params.values())
            allowed |= set(op.facts(out, *arrays, **params))
            break
    elif op.facts is not None:
        allowed |= _FACTS.get(name, set())
    for text in (op.narrate, op.narrate_backward):
        used = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        assert used <= allowed, f"{used - allowed} in {text!r}"


_FACTS = {
    "ctc_loss": {"n"},
    "cross_entropy": {"n", "n_classes", "n_right"},
    "nll_loss": {"n", "n_classes", "n_right"},
    "where": {"n", "n_true"},
    "masked_fill": {"n_true"},
    "embedding": {"n"},
    "isnan": {"n_true"},
}


@pytest.mark.parametrize("name", sorted(n for n, op in OPS.items() if op.vjp is not None))
def test_differentiable_operators_say_what_their_gradient_is(name: str) -> None:
    assert OPS[name].backward_formula
    assert OPS[name].narrate_backward
