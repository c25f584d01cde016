"""Equations of einsum: what PyTorch checks in them, in its order and words."""

from __future__ import annotations

import functools
from string import ascii_letters
from typing import Any

from graphlab.engine.errors import fail, type_name
from graphlab.engine.tensor import Tensor

_REST = "..."


def check_equation(equation: str, operands: tuple[Any, ...]) -> None:
    """Refuse an equation that is spelled wrong or does not fit its operands."""
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type_name(equation)}")
    for i, each in enumerate(operands):
        if not isinstance(each, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type_name(each)}")
    _check(equation, tuple(o._array.shape for o in operands))


@functools.lru_cache(512)  # what is good is not looked at again
def _check(equation: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    left, arrow, right = equation.partition("->")
    inputs = _labels_of_inputs(left, len(shapes))
    for i, (labels, shape) in enumerate(zip(inputs, shapes)):
        n_dims, n_labels, has_rest = len(shape), sum(c != _REST for c in labels), _REST in labels
        if n_labels > n_dims or (n_labels < n_dims and not has_rest):
            why = "is more than" if has_rest else "does not match"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({n_labels}) {why} the number of dimensions "
                f"({n_dims}) for operand {i}" + ("" if has_rest else " and no ellipsis was given")
            )
    if arrow:
        _check_output(right, len(left) + 2, {c for labels in inputs for c in labels})
    _check_sizes(inputs, shapes)


def _labels_of_inputs(left: str, n: int) -> list[list[str]]:
    inputs: list[list[str]] = [[]]
    i = 0
    while i < len(left):
        c = left[i]
        k = len(inputs) - 1
        if c == ".":
            if _REST in inputs[k]:
                raise RuntimeError(f"einsum(): found '.' for operand {k} for which an ellipsis was already found")
            if left[i : i + 3] != _REST:
                raise RuntimeError(f"einsum(): found '.' for operand {k} that is not part of any ellipsis")
            inputs[k].append(_REST)
            i += 2
        elif c == ",":
            inputs.append([])
            if len(inputs) > n:
                raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
        elif c != " ":
            if c not in ascii_letters:
                raise RuntimeError(_not_a_letter(i))
            inputs[k].append(c)
        i += 1
    if len(inputs) < n:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    return inputs


def _check_output(right: str, start: int, known: set[str]) -> None:
    seen: set[str] = set()
    i = 0
    while i < len(right):
        c = right[i]
        if c == ".":
            if _REST in seen:
                raise RuntimeError("einsum(): found '.' for output but an ellipsis (...) was already found")
            if right[i : i + 3] != _REST:
                raise RuntimeError("einsum(): found '.' for output that is not part of any ellipsis (...)")
            seen.add(_REST)
            i += 2
        elif c != " ":
            if c not in ascii_letters:
                raise RuntimeError(_not_a_letter(start + i))
            if c not in known or c in seen:
                why = (
                    "appears more than once in the output"
                    if c in seen
                    else ("does not appear in the equation for any input operand")
                )
                raise RuntimeError(f"einsum(): output subscript {c} {why}")
            seen.add(c)
        i += 1


def _not_a_letter(i: int) -> str:
    return f"einsum(): invalid subscript given at index {i} in the equation string, subscripts must be in [a-zA-Z]"


def _check_sizes(inputs: list[list[str]], shapes: tuple[tuple[int, ...], ...]) -> None:
    sizes: dict[str, int] = {}
    for k, (labels, shape) in enumerate(zip(inputs, shapes)):
        n_rest = len(shape) - sum(c != _REST for c in labels)
        own: dict[str, int] = {}
        dim = 0
        for c in labels:
            if c == _REST:
                dim += n_rest
                continue
            n = shape[dim]
            if own.setdefault(c, n) != n:
                fail(
                    RuntimeError,
                    f"einsum(): subscript {c} is repeated for operand {k} but the sizes don't match, {n} != {own[c]}",
                    kind="matmul",
                    op="einsum",
                    shapes=[list(each) for each in shapes],
                    sizes=[n, own[c]],
                    dim=dim,
                )
            before = sizes.get(c, 1)
            if before != n and 1 not in (n, before):
                fail(
                    RuntimeError,
                    f"einsum(): subscript {c} has size {n} for operand {k} which does not broadcast with previously "
                    f"seen size {before}",
                    kind="matmul",
                    op="einsum",
                    shapes=[list(each) for each in shapes],
                    sizes=[before, n],
                    dim=dim,
                )
            if before == 1:
                sizes[c] = n
            dim += 1
