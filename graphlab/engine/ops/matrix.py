"""Matrix products: matmul and its relatives `mm`, `bmm`, `mv` and `dot`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphlab.engine import modes
from graphlab.engine.errors import broadcast, fail
from graphlab.engine.ops.matching import mismatch, same_dtype
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.run import (
    FUNCTIONS,
    attach,
    common_device,
    need_tensor,
    out_of_memory,
    public,
    run,
)
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_


def _matmul_vjp(node: Any, g: Any, x: Any, y: Any) -> Any:
    a, b = node.edges
    sx, sy = node.params
    xp = node.xp
    dx = dy = None
    if len(sx) == 1 and len(sy) == 1:
        return None if a is None else g * y, None if b is None else g * x
    if len(sx) == 1:
        g = xp.reshape(g, (*g.shape[:-1], 1, g.shape[-1]))
        x = None if x is None else xp.reshape(x, (1, sx[0]))
    if len(sy) == 1:
        g = xp.reshape(g, (*g.shape, 1))
        y = None if y is None else xp.reshape(y, (sy[0], 1))
    if a is not None:
        dx = xp.matmul(g, xp.mT(y))
        if dx.shape != sx:
            dx = xp.reshape(xp.sum_to(dx, (1, *sx)), sx) if len(sx) == 1 else xp.sum_to(dx, sx)
    if b is not None:
        dy = xp.matmul(xp.mT(x), g)
        if dy.shape != sy:
            dy = xp.reshape(xp.sum_to(dy, (*sy, 1)), sy) if len(sy) == 1 else xp.sum_to(dy, sy)
    return dx, dy


def _matmul_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    batch = np.broadcast_shapes(a[:-2], b[:-2])
    return (*batch, *(a[-2:-1] if len(a) > 1 else ()), *(b[-1:] if len(b) > 1 else ()))


def _product_op(name: str, node: str, args: tuple[str, str], formula: str, narrate: str) -> Op:
    return declare(
        Op(
            name=name,
            node=node,
            category=Category.MATRIX,
            args=args,
            formula=formula,
            backward_formula=f"d {args[0]} = g · {args[1]}ᵀ;  d {args[1]} = {args[0]}ᵀ · g",
            forward=np.matmul,
            vjp=_matmul_vjp,
            saves=(f"{args[0]}:{args[1]}", f"{args[1]}:{args[0]}"),
            broadcasts=True,
            shape=_matmul_shape,
            narrate=narrate,
            narrate_backward=N_("each factor gets the gradient times the other factor, transposed"),
        )
    )


MATMUL = _product_op(
    "matmul",
    "UnsafeViewBackward0",
    ("input", "other"),
    "out = input · other",
    N_("the matrix product of {input} {input_shape} and {other} {other_shape} is {shape}"),
)
MM = _product_op(
    "mm",
    "MmBackward0",
    ("input", "mat2"),
    "out = input · mat2",
    N_("the matrix product of {input} {input_shape} and {mat2} {mat2_shape} is {shape}"),
)
BMM = _product_op(
    "bmm",
    "BmmBackward0",
    ("input", "mat2"),
    "out[b] = input[b] · mat2[b]",
    N_("each matrix of {input} {input_shape} is multiplied with its partner in {mat2} {mat2_shape}: {shape}"),
)
MV = _product_op(
    "mv",
    "MvBackward0",
    ("input", "vec"),
    "out = input · vec",
    N_("the matrix {input} {input_shape} times the vector {vec} {vec_shape} is {shape}"),
)
DOT = _product_op(
    "dot",
    "DotBackward0",
    ("input", "other"),
    "out = Σ input · other",
    N_("the products of the entries of {input} and {other} are summed"),
)
MATMUL.samples = lambda: [((3, 4), (4, 2)), ((2, 3, 4), (4, 5)), ((4,), (4, 2)), ((3, 4), (4,)), ((4,), (4,))]
MM.samples = lambda: [((3, 4), (4, 2))]
BMM.samples = lambda: [((2, 3, 4), (2, 4, 5))]
MV.samples = lambda: [((3, 4), (4,))]
DOT.samples = lambda: [((4,), (4,))]


@public(MATMUL, "matmul")
def matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    """The matrix product; 1-dim arguments are vectors, more than 2 dims are batches."""
    need_tensor(input, "matmul")
    need_tensor(other, "matmul", "other", 2)
    x, y = input._array, other._array
    common_device("matmul", (input, other))
    if x.ndim == 0 or y.ndim == 0:
        fail(
            RuntimeError,
            f"both arguments to matmul need to be at least 1D, but they are {x.ndim}D and {y.ndim}D",
            kind="matmul",
            op="matmul",
            shapes=[list(x.shape), list(y.shape)],
            sizes=[],
        )
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    if x.shape[-1] != inner:
        _matmul_mismatch(x.shape, y.shape, inner)
    if x.ndim <= 2 and y.ndim <= 2:
        if x.ndim == 1 and y.ndim == 1:
            same_dtype("matmul", x, y, "dot : expected both vectors to have same dtype, but found {0} and {1}")
            return run(DOT_AS_MATMUL, (input, other))
        same_dtype("matmul", x, y)
        if x.ndim == 1:
            return run(VM_AS_MATMUL, (input, other))
        return run(MM_AS_MATMUL if y.ndim == 2 else MV_AS_MATMUL, (input, other))
    same_dtype("matmul", x, y, "expected scalar type {0} but found {1}")
    try:
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise broadcast("matmul", x.shape[:-2], y.shape[:-2]) from None
    if x.ndim == 2 and input._rg and modes.grad:
        # PyTorch multiplies the other way round and turns the result.
        is_flat = x.shape[0] == 1 or y.shape[-1] == 1
        return run(TURNED_MATMUL if is_flat else COPIED_MATMUL, (input, other))
    return run(MATMUL, (input, other))


# `matmul` under the grad_fn names that PyTorch shows for arguments of some dims.
MM_AS_MATMUL = known_as(MATMUL, "MmBackward0")
MV_AS_MATMUL = known_as(MATMUL, "MvBackward0")
VM_AS_MATMUL = known_as(MATMUL, "SqueezeBackward4")
DOT_AS_MATMUL = known_as(MATMUL, "DotBackward0")
TURNED_MATMUL = known_as(MATMUL, "TransposeBackward0")
COPIED_MATMUL = known_as(MATMUL, "CloneBackward0")


def _matmul_mismatch(a: tuple[int, ...], b: tuple[int, ...], inner: int) -> None:
    facts: dict[str, Any] = {
        "kind": "matmul",
        "op": "matmul",
        "shapes": [list(a), list(b)],
        "sizes": [a[-1], inner],
    }
    if len(a) == 1 and len(b) == 1:
        fail(
            RuntimeError,
            f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the same number of elements, "
            f"but got {a[0]} and {b[0]} elements respectively",
            **facts,
        )
    if len(b) == 1 and len(a) == 2:
        fail(RuntimeError, f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]})", **facts)
    if len(a) == 1 and len(b) == 2:
        fail(
            RuntimeError,
            f"mat1 and mat2 shapes cannot be multiplied (1x{a[0]} and {b[0]}x{b[1]})",
            **facts,
        )
    if len(b) <= 2 or len(a) <= 2:
        if len(b) == 2:
            fail(
                RuntimeError,
                f"mat1 and mat2 shapes cannot be multiplied ({prod(a[:-1])}x{a[-1]} and {b[0]}x{b[1]})",
                **facts,
            )
        if len(b) == 1:
            fail(
                RuntimeError,
                f"size mismatch, got input ({prod(a[:-1])}), mat ({prod(a[:-1])}x{a[-1]}), vec ({b[0]})",
                **facts,
            )
    batch = np.broadcast_shapes(a[:-2], b[:-2])
    n = prod(batch)
    rows = a[-2] if len(a) > 1 else 1
    fail(
        RuntimeError,
        f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {a[-1]}] but got: [{n}, {inner}].",
        **{**facts, "rows": rows},
    )


@public(MM)
def mm(input: Any, mat2: Any, out_dtype: Any = None, *, out: Any = None) -> Any:
    """The product of two matrices."""
    need_tensor(input, "mm")
    need_tensor(mat2, "mm", "mat2", 2)
    x, y = input._array, mat2._array
    if x.ndim != 2:
        fail(
            RuntimeError,
            "self must be a matrix",
            kind="matmul",
            op="mm",
            shapes=[list(x.shape), list(y.shape)],
            sizes=[],
        )
    if y.ndim != 2:
        fail(
            RuntimeError,
            "mat2 must be a matrix",
            kind="matmul",
            op="mm",
            shapes=[list(x.shape), list(y.shape)],
            sizes=[],
        )
    if x.shape[1] != y.shape[0]:
        mismatch("mm", x.shape, y.shape, (x.shape[1], y.shape[0]))
    same_dtype("mm", x, y)
    return run(MM, (input, mat2))


FUNCTIONS["spmm"] = FUNCTIONS["mm"]  # graph networks call it, also where the matrix is a dense one


@public(BMM)
def bmm(input: Any, mat2: Any, out_dtype: Any = None, *, out: Any = None) -> Any:
    """The products of the matrices of two batches."""
    x, y = need_tensor(input, "bmm")._array, need_tensor(mat2, "bmm", "mat2", 2)._array
    facts: dict[str, Any] = {"kind": "matmul", "op": "bmm", "shapes": [list(x.shape), list(y.shape)]}
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
    same_dtype("bmm", x, y, "expected scalar type {0} but found {1}")
    return run(BMM, (input, mat2))


@public(MV)
def mv(input: Any, vec: Any, *, out: Any = None) -> Any:
    """The product of a matrix and a vector."""
    x, y = need_tensor(input, "mv")._array, need_tensor(vec, "mv", "vec", 2)._array
    facts: dict[str, Any] = {"kind": "matmul", "op": "mv", "shapes": [list(x.shape), list(y.shape)]}
    if x.ndim != 2 or y.ndim != 1:
        fail(
            RuntimeError,
            f"vector + matrix @ vector expected, got {min(y.ndim, 1)}, {x.ndim}, {y.ndim}",
            sizes=[],
            **facts,
        )
    if x.shape[1] != y.shape[0]:
        fail(
            RuntimeError,
            f"size mismatch, got input ({x.shape[0]}), mat ({x.shape[0]}x{x.shape[1]}), vec ({y.shape[0]})",
            sizes=[x.shape[1], y.shape[0]],
            **facts,
        )
    same_dtype("mv", x, y)
    return run(MV, (input, vec))


@public(DOT, "dot", "inner_dot", "vdot")
def dot(input: Any, tensor: Any, *, out: Any = None) -> Any:
    """Σ input · tensor of two vectors."""
    x, y = need_tensor(input, "dot")._array, need_tensor(tensor, "dot", "tensor", 2)._array
    facts: dict[str, Any] = {"kind": "matmul", "op": "dot", "shapes": [list(x.shape), list(y.shape)]}
    if x.ndim != 1 or y.ndim != 1:
        fail(
            RuntimeError,
            f"1D tensors expected, but got {x.ndim}D and {y.ndim}D tensors",
            sizes=[],
            **facts,
        )
    same_dtype("dot", x, y, "dot : expected both vectors to have same dtype, but found {0} and {1}")
    if x.shape != y.shape:
        fail(
            RuntimeError,
            f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have "
            f"the same number of "
            f"elements, but got {x.shape[0]} and {y.shape[0]} elements respectively",
            sizes=[x.shape[0], y.shape[0]],
            **facts,
        )
    same_dtype("dot", x, y, "dot : expected both vectors to have same dtype, but found {0} and {1}")
    return run(DOT, (input, tensor))


def _matmul_operator(self: Any, other: Any) -> Any:
    try:
        return matmul(self, other) if isinstance(other, Tensor) else NotImplemented
    except MemoryError as error:
        raise out_of_memory("matmul", (self, other), error) from None


attach(__matmul__=_matmul_operator)
