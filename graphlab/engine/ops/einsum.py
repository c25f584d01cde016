"""Sums of products named by index letters: `einsum` and `tensordot`."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from graphlab.engine.autograd.graph import rename
from graphlab.engine.ops.equations import check_equation
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import (
    public,
    run,
)
from graphlab.engine.shapes import einsum_shape
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _spelled(equation: str, n_dims: list[int]) -> str:
    """The equation with its result written out and with letters for what "..." stands for in each operand."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    ins = left.split(",")
    rests = [n - len(t) + 3 for t, n in zip(ins, n_dims, strict=True) if "..." in t]
    spare = "".join(c for c in ascii_letters if c not in equation)[: max((0, *rests))]
    spelled = []
    for t, n in zip(ins, n_dims, strict=True):
        n_rest = n - len(t) + 3
        spelled.append(t.replace("...", spare[len(spare) - n_rest :] if n_rest > 0 else ""))
    if arrow:
        right = right.replace("...", spare)
    else:
        letters = left.replace("...", "").replace(",", "")
        right = spare + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return ",".join(spelled) + "->" + right


def _einsum_vjp(node: Any, g: Any, *operands: Any) -> Any:
    *shapes, equation = node.params
    left, _, right = equation.partition("->")
    ins = left.split(",")
    xp = node.xp
    size: dict[str, int] = {}
    for t, shape in zip(ins, shapes, strict=True):
        for c, n in zip(t, shape, strict=True):
            size[c] = max(n, size.get(c, n)) if n else 0
    out: list[Any] = []
    for i, e in enumerate(node.edges):
        if e is None:
            out.append(None)
            continue
        mine = ins[i]
        unique = "".join(dict.fromkeys(mine))
        others = [t for j, t in enumerate(ins) if j != i]
        known = set(right).union(*others)
        kept = "".join(c for c in unique if c in known)
        part = xp.einsum(",".join([right, *others]) + "->" + kept, g, *(o for j, o in enumerate(operands) if j != i))
        if kept != unique:  # letters that only this operand has: it is stretched over them
            part = xp.reshape(part, tuple(size[c] if c in known else 1 for c in unique))
            part = xp.expand(part, tuple(size[c] for c in unique))
        if unique != mine:  # letters that it has twice: only the diagonal gets a gradient
            grid = np.indices(tuple(size[c] for c in unique), sparse=True)
            key = tuple(np.broadcast_to(grid[unique.index(c)], tuple(size[c] for c in unique)) for c in mine)
            part = xp.scatter_pick(part, shapes[i], key, False)
        out.append(xp.sum_to(part, shapes[i]))
    return out


def _equation_of(first: Any, rest: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The form `einsum(a, [0, 1], b, [1, 2], [0, 2])` as an equation."""
    items = [first, *rest]

    def letters(numbers: Any) -> str:
        return "".join(
            "..." if k is Ellipsis else "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[k] for k in numbers
        )

    n = len(items) // 2
    left = ",".join(letters(items[2 * i + 1]) for i in range(n))
    right = "->" + letters(items[-1]) if len(items) % 2 else ""
    return left + right, tuple(items[0 : 2 * n : 2])


EINSUM = declare(
    Op(
        name="einsum",
        node="ViewBackward0",
        category=Category.MATRIX,
        args=("operands",),
        params=("equation",),
        formula=N_("out = Σ of products of the operands over the letters that are not in the result"),
        backward_formula=N_("d of each operand = einsum of g with the other operands"),
        forward=lambda *args: np.array(np.einsum(args[-1], *args[:-1], optimize=len(args) > 3)),
        vjp=_einsum_vjp,
        saves=("*",),
        broadcasts=True,
        shape=lambda *args: einsum_shape(args[-1], list(args[:-1])),
        narrate=N_("operands are multiplied and summed as {equation} says: {shape}"),
        narrate_backward=N_("each operand gets the gradient multiplied with the other operands"),
    )
)


_EINSUM_SUM = known_as(EINSUM, "SumBackward1")
_EINSUM_PERMUTE = known_as(EINSUM, "PermuteBackward0")
_EINSUM_MUL = known_as(EINSUM, "MulBackward0")


def _einsum_named(spelled: str) -> Op:
    """By what PyTorch does last: sum, permute, multiply, or drop the dims that were summed."""
    left, _, right = spelled.partition("->")
    is_summed = bool(set(left) - set(right) - {","})
    if "," in left:
        return EINSUM if is_summed else _EINSUM_MUL
    return _EINSUM_SUM if is_summed else _EINSUM_PERMUTE


@public(EINSUM, method=False)
def einsum(equation: str, *operands: Any) -> Any:
    """Σ of products by index letters."""
    if isinstance(equation, Tensor):
        equation, operands = _equation_of(equation, operands)
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    check_equation(equation, operands)
    text = equation.replace(" ", "")
    spelled = _spelled(text, [o._array.ndim for o in operands])
    return run(_einsum_named(spelled), tuple(operands), (spelled,))


@public("tensordot", method=False)
def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Any:
    """Σ over the given dims of both."""
    n, m = a._array.ndim, b._array.ndim
    if isinstance(dims, int):
        left, right = list(range(n - dims, n)), list(range(dims))
    else:
        left, right = ([d % n for d in dims[0]], [d % m for d in dims[1]])
    for i, j in zip(left, right):
        # A dim of size 1 goes with any other: the other one is summed first.
        if a._array.shape[i] == 1 != b._array.shape[j]:
            b = b.sum(j, True)
        elif b._array.shape[j] == 1 != a._array.shape[i]:
            a = a.sum(i, True)
    letters = "abcdefghijklmnopqrstuvwxyz"
    first = letters[:n]
    second = ["" for _ in range(m)]
    for i, j in zip(left, right):
        second[j] = first[i]
    fresh = iter(letters[n:])
    second = [c or next(fresh) for c in second]
    keep = "".join(c for i, c in enumerate(first) if i not in left) + "".join(
        c for j, c in enumerate(second) if j not in right
    )
    return rename(einsum(f"{first},{''.join(second)}->{keep}", a, b), "ViewBackward0")
