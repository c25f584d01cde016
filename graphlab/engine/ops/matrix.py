"""Matrix products: matmul and its relatives, and the fused `linear`."""

from __future__ import annotations

from math import prod
from string import ascii_letters
from typing import Any

import numpy as np

from graphlab.engine import modes, observe
from graphlab.engine.autograd.graph import Node, accumulator, kind_named, next_seq, rename
from graphlab.engine.device import ROOMY
from graphlab.engine.dtypes import F32, F64, of
from graphlab.engine.errors import broadcast, fail
from graphlab.engine.ops.equations import check_equation
from graphlab.engine.ops.op import OPS, Category, Op, declare, known_as
from graphlab.engine.ops.run import (
    FUNCTIONS,
    attach,
    bad_argument,
    common_device,
    need_tensor,
    out_of_memory,
    public,
    report,
    run,
)
from graphlab.engine.shapes import einsum_shape
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

_new = object.__new__
_empty = np.empty


def _same_dtype(op: str, a: Any, b: Any, text: str = "") -> None:
    if a.dtype != b.dtype:
        x, y = of(a), of(b)
        fail(
            RuntimeError,
            text.format(x.title, y.title)
            if text
            else f"expected m1 and m2 to have the same dtype, but got: {x.c_name()} != {y.c_name()}",
            kind="dtype_mix",
            op=op,
            dtypes=[x.name, y.name],
        )


def mismatch(op: str, a: tuple[int, ...], b: tuple[int, ...], inner: tuple[int, int]) -> None:
    """PyTorch's error for two matrices that do not fit, flattened to two dims as it does."""
    rows = 1
    for n in a[:-1]:
        rows *= n
    fail(
        RuntimeError,
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a[-1]} and {'x'.join(str(n) for n in b)})",
        kind="matmul",
        op=op,
        shapes=[list(a), list(b)],
        sizes=list(inner),
    )


# linear


def _rows_dot(x: Any, w: Any) -> Any:
    """x · wᵀ; `dot` of more than two dims goes to BLAS row by row, five times slower."""
    if x.ndim < 3:
        return x.dot(w.T)
    return x.reshape(prod(x.shape[:-1]), x.shape[-1]).dot(w.T).reshape(*x.shape[:-1], *w.shape[:-1])


def _linear_forward(x: Any, w: Any, b: Any = None) -> Any:
    out = _rows_dot(x, w)
    return out if b is None else out + b


def _linear_vjp(node: Any, g: Any, x: Any, w: Any) -> Any:
    edges = node.edges
    params = node.params
    xp = node.xp
    dx = dw = db = None
    if xp is _NUMERIC and g.ndim == 2 and len(params[0]) == 2:
        # The usual case: a batch of rows.
        if edges[0] is not None:
            dx = g.dot(w)
        if edges[1] is not None:
            dw = g.T.dot(x)
        if len(edges) == 3 and edges[2] is not None:
            db = _ones(len(g), g.dtype).dot(g)
            if db.shape != params[2]:
                db = xp.sum_to(db, params[2])
        return dx, dw, db
    ex, ew, *rest = edges
    sx, sw, *sb = params
    eb = rest[0] if rest else None
    if xp is _NUMERIC and len(sw) == 2 and g.ndim > 2 and (g.dtype is F32 or g.dtype is F64):
        g = g.reshape(prod(sx[:-1]), sw[0])
        if ex is not None:
            dx = g.dot(w).reshape(sx)
        if ew is not None:
            dw = g.T.dot(x.reshape(len(g), sx[-1]))
        if eb is not None:
            db = _ones(len(g), g.dtype).dot(g)
            if db.shape != sb[0]:
                db = xp.sum_to(db, sb[0])
        return dx, dw, db
    if eb is not None:
        db = xp.sum_to(g, sb[0])
    if len(sw) == 1:  # the weight is a vector: one output
        g = xp.reshape(g, (*g.shape, 1))
        w = None if w is None else xp.reshape(w, (1, sw[0]))
    if ex is not None:
        dx = xp.matmul(g, w)
    if ew is not None:
        flat = xp.reshape(g, (prod(sx[:-1]), g.shape[-1]))
        dw = xp.reshape(xp.matmul(xp.mT(flat), xp.reshape(x, (prod(sx[:-1]), sx[-1]))), sw)
    return dx, dw, db


_ONES: dict[int, Any] = {}
_ONES64: dict[int, Any] = {}


def _ones(n: int, dtype: Any) -> Any:
    """Ones to sum rows with: a product with ones takes a third of the time of a reduction of a small array."""
    known = _ONES if dtype is F32 else _ONES64
    found = known.get(n)
    if found is None or found.dtype is not dtype:
        if len(known) > 64:
            known.clear()
        found = known[n] = np.ones(n, dtype)
    return found


def _linear_shape(x: tuple[int, ...], w: tuple[int, ...], b: Any = None) -> tuple[int, ...]:
    return (*x[:-1], w[0]) if len(w) == 2 else x[:-1]


LINEAR = declare(
    Op(
        name="linear",
        node="AddmmBackward0",
        category=Category.MATRIX,
        args=("input", "weight", "bias"),
        formula="out = input · weightᵀ + bias",
        backward_formula=N_("d input = g · weight;  d weight = gᵀ · input;  d bias = sum of g over the batch"),
        forward=_linear_forward,
        vjp=_linear_vjp,
        saves=("input:weight", "weight:input"),
        broadcasts=True,
        shape=_linear_shape,
        narrate=N_(
            "each row of {input} {input_shape} is multiplied with {weight} {weight_shape}, plus {bias}: {shape}"
        ),
        narrate_backward=N_(
            "the gradient goes back through {weight} to {input}; {weight} gets gᵀ · {input}, {bias} "
            "the sum over the batch"
        ),
        samples=lambda: [((3, 4), (2, 4), (2,)), ((2, 3, 4), (5, 4), (5,)), ((4,), (2, 4), (2,))],
    )
)
_LINEAR_NODE = LINEAR.node_type


def _linear_next_functions(node: Node) -> tuple[tuple[Node | None, int], ...]:
    """As PyTorch has them: of `addmm(bias, input, weight.t())`."""
    (x, at_x), (weight, at_weight), *bias = zip(node.edges, node.nrs or (0,) * len(node.edges))
    turned = None
    if weight is not None:
        turned = _new(OPS["t"].node_type)
        turned.edges, turned.nrs = (weight,), (at_weight,)
        turned.saved = turned.params = ()
        turned.versions = turned.hooks = turned.casts = turned.outs = turned.meta = turned._mark = None
        turned.seq = node.seq
    return (*(each for each in bias if node.params[2] is not None), (x, at_x), (turned, 0))


def _linear_node(ndim: int, is_bare: bool) -> type[Node]:
    if ndim == 1:
        return kind_named(_LINEAR_NODE, "SqueezeBackward4" if is_bare else "ViewBackward0")
    if ndim == 2:
        return kind_named(_LINEAR_NODE, "MmBackward0" if is_bare else "AddmmBackward0")
    return kind_named(_LINEAR_NODE, "UnsafeViewBackward0" if is_bare else "ViewBackward0")


_LINEAR_NODE.next_functions = property(_linear_next_functions)  # type: ignore[assignment]
_NUMERIC = LINEAR.node_type.xp


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input · weightᵀ + bias"""
    try:
        x = input._array
        w = weight._array
        where = input._device
        b = None if bias is None else bias._array
    except AttributeError:
        for i, (name, value) in enumerate((("input", input), ("weight", weight), ("bias", bias))):
            if not isinstance(value, Tensor) and not (i == 2 and value is None):
                error = bad_argument("linear", name, i + 1, "Tensor", value)
                report("linear", (input, weight, bias), {}, error)
                raise error from None
        raise
    kind, sx, sw = x.dtype, x.shape, w.shape
    sb = None if b is None else b.shape
    if (
        where.simulated
        or w.dtype is not kind
        or (kind is not F32 and kind is not F64)
        or weight._device is not where
        or len(sw) != 2
        or not sx
        or sx[-1] != sw[1]
        or (where.counts and x.size * sw[0] > ROOMY * sw[1])
        or (b is not None and (b.dtype is not kind or sb != sw[:1] or bias._device is not where))
    ):
        return _general_linear(input, weight, bias)
    try:
        out = x.dot(w.T) if len(sx) < 3 else _rows_dot(x, w)
    except MemoryError as error:
        raise out_of_memory("linear", (input, weight, bias), error) from None
    if b is not None:
        if len(sx) == 2 and out.size <= 4096:
            # Stretched by assignment: a ufunc that broadcasts takes twice as long on a small array.
            wide = _empty(out.shape, kind)
            wide[...] = b
            out += wide
        else:
            out += b
    if where.counts:
        where.ledger.charge(out)
    t = _new(Tensor)
    t._array = out
    t._device = where
    t._nr = 0
    t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    rx, rw, rb = input._rg, weight._rg, b is not None and bias._rg
    if modes.grad and (rx or rw or rb):
        t._rg = True
        node = _new(_LINEAR_NODE if b is not None and len(sx) == 2 else _linear_node(len(sx), b is None))
        node.edges = (
            (input._fn or accumulator(input)) if rx else None,
            (weight._fn or accumulator(weight)) if rw else None,
            (bias._fn or accumulator(bias)) if rb else None,
        )
        node.nrs = (
            None
            if not (input._nr or weight._nr or (b is not None and bias._nr))
            else (input._nr, weight._nr, 0 if b is None else bias._nr)
        )
        node.saved = (input if rw else None, weight if rx else None)
        version, other = input._version, weight._version
        if version is None and other is None:
            node.versions = None
        else:
            node.versions = (0 if version is None else version[0], 0 if other is None else other[0])
        node.params = (sx, sw, sb)
        node.seq = next_seq()
        node.hooks = node.casts = node.outs = node.meta = node._mark = None
        t._fn = node
    else:
        t._rg = False
        t._fn = None
    if observe.observer is not None:
        observe.observer.forward("linear", (input, weight) if bias is None else (input, weight, bias), t, {})
    return t


def _not_expandable(own: tuple[int, ...], target: tuple[int, ...]) -> tuple[str, int, tuple[int, int]] | None:
    """Why a shape does not expand to another: the words, the dim and its two sizes."""
    ends = f"Target sizes: {list(target)}.  Tensor sizes: {list(own)}"
    if len(own) > len(target):
        n, m = len(target), len(own)
        return (
            f"expand({list(own)}, size={list(target)}): the number of sizes provided ({n}) must be greater or "
            f"equal to the number of dimensions in the tensor ({m})",
            0,
            (n, m),
        )
    for back in range(1, len(own) + 1):
        size, wanted = own[-back], target[-back]
        if size not in (1, wanted):
            dim = len(target) - back
            return (
                f"The expanded size of the tensor ({wanted}) must match the existing size ({size}) at non-singleton "
                f"dimension {dim}.  {ends}",
                dim,
                (wanted, size),
            )
    return None


def _general_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    try:
        common_device("linear", (input, weight, bias))
        x, w = input._array, weight._array
        if w.ndim > 2:
            fail(
                RuntimeError,
                f"t() expects a tensor with <= 2 dimensions, but self is {w.ndim}D",
                kind="matmul_dims",
                op="linear",
            )
        if not x.ndim or not w.ndim:
            fail(
                RuntimeError,
                f"both arguments to linear need to be at least 1D, but they are {x.ndim}D and {w.ndim}D",
                kind="matmul",
                op="linear",
                shapes=[list(x.shape), list(w.shape)],
                sizes=[],
            )
        inner = w.shape[-1]
        if bias is not None and w.ndim == 1:
            fail(RuntimeError, "mat2 must be a matrix, got 1-D tensor", kind="matmul_dims", op="linear")
        if x.shape[-1] != inner:
            if x.ndim == 1 and w.ndim == 1:
                fail(
                    RuntimeError,
                    f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{inner}] to have the same "
                    f"number of elements, but got {x.shape[0]} and {inner} elements respectively",
                    kind="matmul",
                    op="linear",
                    shapes=[list(x.shape), list(w.shape)],
                    sizes=[x.shape[-1], inner],
                )
            mismatch("linear", x.shape, w.shape[::-1], (x.shape[-1], inner))
        # PyTorch adds the bias as it multiplies, over all rows at once, where they lie in one piece.
        is_joined = bias is not None and (x.ndim < 4 and (x.ndim < 3 or x.flags.c_contiguous))
        if is_joined:
            _same_dtype("linear", x, w, "mat1 and mat2 must have the same dtype, but got {} and {}")
        _same_dtype("linear", x, w)
        if bias is not None:
            _same_dtype("linear", bias._array, x, "self and mat2 must have the same dtype, but got {} and {}")
            target = _linear_shape(x.shape, w.shape)
            rows = (prod(target[:-1]), target[-1]) if is_joined else target
            clash = _not_expandable(bias._array.shape, rows)
            if clash is not None:
                fail(
                    RuntimeError,
                    clash[0],
                    kind="broadcast",
                    op="linear",
                    shapes=[list(rows), list(bias._array.shape)],
                    dim=clash[1],
                    sizes=list(clash[2]),
                )
        return run(LINEAR, (input, weight) if bias is None else (input, weight, bias))
    except Exception as error:
        report("linear", (input, weight, bias), {}, error)
        raise


FUNCTIONS["linear"] = LINEAR.function = linear


# matmul


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
            _same_dtype("matmul", x, y, "dot : expected both vectors to have same dtype, but found {0} and {1}")
            return run(DOT_AS_MATMUL, (input, other))
        _same_dtype("matmul", x, y)
        if x.ndim == 1:
            return run(VM_AS_MATMUL, (input, other))
        return run(MM_AS_MATMUL if y.ndim == 2 else MV_AS_MATMUL, (input, other))
    _same_dtype("matmul", x, y, "expected scalar type {0} but found {1}")
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
    _same_dtype("mm", x, y)
    return run(MM, (input, mat2))


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
    _same_dtype("bmm", x, y, "expected scalar type {0} but found {1}")
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
    _same_dtype("mv", x, y)
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
    _same_dtype("dot", x, y, "dot : expected both vectors to have same dtype, but found {0} and {1}")
    if x.shape != y.shape:
        fail(
            RuntimeError,
            f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have "
            f"the same number of "
            f"elements, but got {x.shape[0]} and {y.shape[0]} elements respectively",
            sizes=[x.shape[0], y.shape[0]],
            **facts,
        )
    _same_dtype("dot", x, y, "dot : expected both vectors to have same dtype, but found {0} and {1}")
    return run(DOT, (input, tensor))


def _matmul_operator(self: Any, other: Any) -> Any:
    try:
        return matmul(self, other) if isinstance(other, Tensor) else NotImplemented
    except MemoryError as error:
        raise out_of_memory("matmul", (self, other), error) from None


attach(__matmul__=_matmul_operator)


# Products with a sum


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
    _same_dtype("addmm", x, y)
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


# einsum


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
