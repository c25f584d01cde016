"""Products of matrices and vectors with something added: `addmm` and its relatives, and `outer`."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import of
from graphlab.engine.errors import fail
from graphlab.engine.ops.matching import mismatch, same_dtype
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import need_tensor, public, run
from graphlab.i18n import N_


def _plus_shape(x: Any, a: Any, b: Any, *_: Any) -> Any:
    if len(b) == 1:
        product = (*a[:-1],) if len(a) > 1 else (*a, *b)  # a matrix times a vector, or all products of two vectors
    else:
        product = (*a[:-1], b[-1])
    return np.broadcast_shapes(x, product)


def _plus(name: str, node: str, product: Any, args: tuple[str, str, str], formula: str, words: str, samples: Any) -> Op:
    def vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
        s, sx, sy, beta, alpha = node.params
        xp = node.xp
        e0, e1, e2 = node.edges
        d0 = None if e0 is None else xp.sum_to(g * beta, s)
        inner = g * alpha
        d1 = d2 = None
        if name == "addmv":
            d1 = None if e1 is None else xp.reshape(inner, (*inner.shape, 1)) * y
            d2 = None if e2 is None else xp.matmul(xp.mT(x), inner)
        elif name == "addr":
            d1 = None if e1 is None else xp.matmul(inner, y)
            d2 = None if e2 is None else xp.matmul(xp.mT(inner), x)
        else:
            d1 = None if e1 is None else xp.sum_to(xp.matmul(inner, xp.mT(y)), sx)
            d2 = None if e2 is None else xp.sum_to(xp.matmul(xp.mT(x), inner), sy)
        return d0, d1, d2

    def forward(x: Any, a: Any, b: Any, beta: Any, alpha: Any) -> Any:
        out = product(a, b)
        if alpha != 1:
            out = out * out.dtype.type(alpha)
        if beta == 0:
            return np.broadcast_to(out, np.broadcast_shapes(out.shape, x.shape)).copy()
        return out + (x if beta == 1 else x * x.dtype.type(beta))

    return declare(
        Op(
            name=name,
            node=node,
            category=Category.MATRIX,
            args=args,
            params=("beta", "alpha"),
            formula=formula,
            backward_formula=N_("d input = beta · g;  the factors get alpha · g times each other"),
            forward=forward,
            vjp=vjp,
            saves=(f"{args[1]}:{args[2]}", f"{args[2]}:{args[1]}"),
            broadcasts=True,
            shape=_plus_shape,
            narrate=words,
            narrate_backward=N_("{input} gets the gradient itself, each factor the gradient times the other factor"),
            samples=samples,
        )
    )


def _params() -> dict[str, Any]:
    return {"beta": 1, "alpha": 1}


ADDMM = _plus(
    "addmm",
    "AddmmBackward0",
    np.matmul,
    ("input", "mat1", "mat2"),
    "out = beta · input + alpha · mat1 · mat2",
    N_("the matrix product of {mat1} {mat1_shape} and {mat2} {mat2_shape} plus {input}: {shape}"),
    lambda: [((3, 2), (3, 4), (4, 2), _params()), ((2,), (3, 4), (4, 2), _params())],
)
BADDBMM = _plus(
    "baddbmm",
    "BaddbmmBackward0",
    np.matmul,
    ("input", "batch1", "batch2"),
    "out = beta · input + alpha · batch1 · batch2",
    N_("the matrix products of the batches {batch1} and {batch2} plus {input}: {shape}"),
    lambda: [((2, 3, 2), (2, 3, 4), (2, 4, 2), _params())],
)
ADDMV = _plus(
    "addmv",
    "AddmvBackward0",
    np.matmul,
    ("input", "mat", "vec"),
    "out = beta · input + alpha · mat · vec",
    N_("the product of {mat} and {vec} plus {input}: {shape}"),
    lambda: [((3,), (3, 4), (4,), _params())],
)
ADDR = _plus(
    "addr",
    "AddrBackward0",
    np.outer,
    ("input", "vec1", "vec2"),
    "out = beta · input + alpha · vec1 · vec2ᵀ",
    N_("the outer product of {vec1} and {vec2} plus {input}: {shape}"),
    lambda: [((3, 4), (3,), (4,), _params())],
)


def _sum_fits(op: str, input: Any, target: tuple[int, ...]) -> None:
    have = input._array.shape
    try:
        fits = np.broadcast_shapes(have, target) == target
    except ValueError:
        fits = False
    if fits:
        return
    if len(have) > len(target):
        fail(
            RuntimeError,
            f"expand(torch.{input.dtype.title}Tensor{{{list(have)}}}, size={list(target)}): the "
            f"number of sizes provided "
            f"({len(target)}) must be greater or equal to the number of dimensions in the tensor ({len(have)})",
            kind="broadcast",
            op=op,
            shapes=[list(have), list(target)],
        )
    for back in range(1, len(have) + 1):
        if have[-back] not in (1, target[-back]):
            fail(
                RuntimeError,
                f"The expanded size of the tensor ({target[-back]}) must match the existing size ({have[-back]}) at "
                f"non-singleton dimension {len(target) - back}.  Target sizes: {list(target)}.  "
                f"Tensor sizes: {list(have)}",
                kind="broadcast",
                op=op,
                shapes=[list(have), list(target)],
                dim=len(target) - back,
                sizes=[target[-back], have[-back]],
            )


@public(ADDMM)
def addmm(
    input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1, out: Any = None, out_dtype: Any = None
) -> Any:
    """beta · input + alpha · mat1 · mat2"""
    x, y = need_tensor(mat1, "addmm", "mat1", 2)._array, need_tensor(mat2, "addmm", "mat2", 3)._array
    facts: dict[str, Any] = {"kind": "matmul", "op": "addmm", "shapes": [list(x.shape), list(y.shape)]}
    if x.ndim != 2:
        fail(RuntimeError, f"mat1 must be a matrix, got {x.ndim}-D tensor", sizes=[], **facts)
    if y.ndim != 2:
        fail(RuntimeError, f"mat2 must be a matrix, got {y.ndim}-D tensor", sizes=[], **facts)
    if x.shape[1] != y.shape[0]:
        mismatch("addmm", x.shape, y.shape, (x.shape[1], y.shape[0]))
    _sum_fits("addmm", input, (x.shape[0], y.shape[1]))
    same_dtype("addmm", x, y)
    return run(ADDMM, (input, mat1, mat2), (beta, alpha))


@public(BADDBMM)
def baddbmm(
    input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1, out: Any = None, out_dtype: Any = None
) -> Any:
    """beta · input + alpha · batch1 · batch2"""
    x, y = need_tensor(batch1, "baddbmm", "batch1", 2)._array, need_tensor(batch2, "baddbmm", "batch2", 3)._array
    facts: dict[str, Any] = {"kind": "matmul", "op": "baddbmm", "shapes": [list(x.shape), list(y.shape)]}
    if x.ndim != 3:
        fail(RuntimeError, "batch1 must be a 3D tensor", sizes=[], **facts)
    if y.ndim != 3:
        fail(RuntimeError, "batch2 must be a 3D tensor", sizes=[], **facts)
    if x.shape[0] != y.shape[0] or x.shape[2] != y.shape[1]:
        fail(
            RuntimeError,
            f"Expected size for first two dimensions of batch2 tensor to be: [{x.shape[0]}, {x.shape[2]}] but got: "
            f"[{y.shape[0]}, {y.shape[1]}].",
            sizes=[x.shape[2], y.shape[1]],
            **facts,
        )
    _sum_fits("baddbmm", input, (x.shape[0], x.shape[1], y.shape[2]))
    return run(BADDBMM, (input, batch1, batch2), (beta, alpha))


@public(ADDMV)
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1, out: Any = None) -> Any:
    """beta · input + alpha · mat · vec"""
    x, y = need_tensor(mat, "addmv", "mat", 2)._array, need_tensor(vec, "addmv", "vec", 3)._array
    if x.ndim != 2 or y.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input._array.ndim}, {x.ndim}, {y.ndim}")
    if x.shape[1] != y.shape[0]:
        fail(
            RuntimeError,
            f"size mismatch, got input ({x.shape[0]}), mat ({x.shape[0]}x{x.shape[1]}), vec ({y.shape[0]})",
            kind="matmul",
            op="addmv",
            shapes=[list(x.shape), list(y.shape)],
            sizes=[x.shape[1], y.shape[0]],
        )
    return run(ADDMV, (input, mat, vec), (beta, alpha))


@public(ADDR)
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1, out: Any = None) -> Any:
    """beta · input + alpha · vec1 · vec2ᵀ"""
    return run(ADDR, (input, vec1, vec2), (beta, alpha))


OUTER = declare(
    Op(
        name="outer",
        node="MulBackward0",
        category=Category.MATRIX,
        args=("input", "vec2"),
        formula="out[i][j] = input[i] · vec2[j]",
        backward_formula="d input = g · vec2;  d vec2 = gᵀ · input",
        forward=np.outer,
        vjp=lambda node, g, x, y: (
            None if node.edges[0] is None else node.xp.matmul(g, y),
            None if node.edges[1] is None else node.xp.matmul(node.xp.mT(g), x),
        ),
        saves=("input:vec2", "vec2:input"),
        shape=lambda a, b: (*a, *b),
        narrate=N_("every entry of {input} is multiplied with every entry of {vec2}: {shape}"),
        narrate_backward=N_("each vector gets the gradient times the other vector"),
        samples=lambda: [((3,), (4,), {})],
    )
)


@public(OUTER, "outer", "ger")
def outer(input: Any, vec2: Any, *, out: Any = None) -> Any:
    """Every entry of one vector times every entry of another."""
    x, y = need_tensor(input, "outer")._array, need_tensor(vec2, "outer", "vec2", 2)._array
    for name, v in (("self", x), ("vec2", y)):
        if v.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {v.ndim}-D")
    kind = of(np.empty(0, np.result_type(x.dtype, y.dtype))) if x.dtype != y.dtype else None
    return run(OUTER, (input, vec2), (), None if kind is None else (kind.np, kind.np))
