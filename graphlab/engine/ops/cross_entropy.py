"""Cross-entropy and the negative log-likelihood: losses over classes."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.autograd.graph import Scratch, accumulator, next_seq, rename
from graphlab.engine.dtypes import F32, F64, I64
from graphlab.engine.errors import fail
from graphlab.engine.ops.linear import ones
from graphlab.engine.ops.loss import reduction_of
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, bad_argument, common_device, report, run
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import known
from graphlab.i18n import N_

_new = object.__new__
_asarray = np.asarray
_empty = np.empty
_INF = float("inf")
_subtract = np.subtract
_divide = np.divide
_max_reduce = np.maximum.reduce
_exp = np.exp
_log = np.log


def _class_last(x: Any) -> Any:
    """The class dim first where there is no batch, second otherwise: always as dim 1 of (N, C, …)."""
    return x[None] if x.ndim == 1 else x


def _coefficients(x: Any, t: Any, w: Any, ignore: int, smoothing: float) -> tuple[Any, Any]:
    """K with loss = −Σ K · log_softmax(input), and what the mean divides by; both from data only. x is (N, C, …)."""
    C = x.shape[1]
    if t.dtype.kind in "fVc":
        k = t * (1 - smoothing) + smoothing / C if smoothing else t
        if w is not None:
            k = k * w.reshape((1, C) + (1,) * (x.ndim - 2))
        return k, x.size // max(C, 1)
    keep = t != ignore
    safe = np.where(keep, t, 0)
    each = np.ones(t.shape, x.dtype) if w is None else w[safe]
    each = np.where(keep, each, x.dtype.type(0))
    k = np.zeros(x.shape, x.dtype)
    np.put_along_axis(k, np.expand_dims(safe, 1), np.expand_dims(each * x.dtype.type(1 - smoothing), 1), 1)
    if smoothing:
        every = np.full(C, smoothing / C, x.dtype) if w is None else w * x.dtype.type(smoothing / C)
        k += every.reshape((1, C) + (1,) * (x.ndim - 2)) * np.expand_dims(keep, 1)
    return k, each.sum()


def _weighted(k: Any, logs: Any) -> Any:
    # 0 · −inf is nan; a class without weight says nothing.
    return -np.where(k == 0, k, k * logs).sum(1)


def _entropy_forward(x: Any, t: Any, w: Any, reduction: str, ignore: int, smoothing: float, is_log: bool) -> Any:
    single = x.ndim == 1
    x = _class_last(x)
    if single:
        t = t.reshape(1) if t.dtype.kind in "iu" else t[None]
    k, norm = _coefficients(x, t, w, ignore, smoothing)
    logs = x if is_log else x - np.logaddexp.reduce(x, axis=1, keepdims=True)
    values = _weighted(k, logs)
    if reduction == "none":
        if t.dtype.kind in "iu":
            values = np.where(t == ignore, x.dtype.type(0), values)  # and not -0
        return values[0] if single else values
    total = values.sum()
    return total if reduction == "sum" else np.true_divide(total, norm)


def _entropy_vjp(node: Any, g: Any, x: Any, t: Any, w: Any, p: Any = None) -> Any:
    xp = node.xp
    sx, st, _, reduction, ignore, smoothing, is_log = node.params
    if p is not None and xp is _NUMERIC:
        # The fused way: p is softmax(input) times its sums, `smoothing` the sums, `ignore` the known targets.
        d = _empty(sx, p.dtype)
        d.T[...] = smoothing
        _divide(p, d, d)
        if ignore[2] is None:
            ignore[2] = hot = np.zeros(sx, d.dtype)
            hot.put(ignore[1], 1)
        d -= ignore[2]
        d *= _asarray(g.item() / sx[0], d.dtype)
        return d, None, None
    if not isinstance(ignore, int):
        ignore, smoothing = -100, 0.0
    single = len(sx) == 1
    if single:
        x = xp.reshape(x, (1, *sx))
        t = xp.reshape(t, (1,) if xp.array_of(t).dtype.kind in "iu" else (1, *st))
        g = xp.reshape(g, (1,)) if reduction == "none" else g
    raw_x, raw_t, raw_w = xp.array_of(x), xp.array_of(t), None if w is None else xp.array_of(w)
    k, norm = _coefficients(raw_x, raw_t, raw_w, ignore, smoothing)
    if reduction == "mean":
        g = g / float(norm) if norm else g * float("nan")
    elif reduction == "none":
        g = xp.reshape(g, (g.shape[0], 1, *g.shape[1:]))
    k = xp.constant(k, x)
    dt = None
    if is_log:
        dx = -k * g
    else:
        logs = xp.log_softmax(x, 1)
        if node.edges[1] is not None:
            # Probabilities as targets have a gradient of their own.
            dt = -logs * g * (1 - smoothing)
            if w is not None:
                dt = dt * xp.reshape(w, (1, sx[1] if not single else sx[0]) + (1,) * (len(sx) - 2))
        dx = (xp.exp(logs) * xp.sum(k, (1,), True) - k) * g
    return xp.reshape(dx, sx), dt if dt is None else xp.reshape(dt, st), None


def _entropy_shape(x: Any, t: Any, w: Any, reduction: str, *_: Any) -> tuple[int, ...]:
    return () if reduction != "none" else (x[0], *x[2:]) if len(x) > 1 else ()


def _entropy_facts(out: Any, x: Any, t: Any, *_: Any, **__: Any) -> dict[str, Any]:
    c = x.shape[1] if x.ndim > 1 else x.shape[0]
    picked = np.argmax(x, axis=1 if x.ndim > 1 else 0)
    wanted = t if t.dtype.kind not in "fVc" else np.argmax(t, axis=1 if x.ndim > 1 else 0)
    return {"n": int(np.size(wanted)), "n_classes": int(c), "n_right": int(np.sum(picked == wanted))}


CROSS_ENTROPY = declare(
    Op(
        name="cross_entropy",
        node="NllLossBackward0",
        category=Category.LOSS,
        args=("input", "target", "weight"),
        params=("reduction", "ignore_index", "label_smoothing", "is_log"),
        formula=N_("out = mean of −ln softmax(input)[target]"),
        backward_formula="d input = (softmax(input) − onehot(target)) · g / n",
        forward=_entropy_forward,
        vjp=_entropy_vjp,
        saves=("input", "target", "weight"),
        broadcasts=True,
        shape=_entropy_shape,
        narrate=N_(
            "the scores in {input} {input_shape} are compared with {target}: the highest is right for {n_right} of {n}"
        ),
        narrate_backward=N_(
            "each score of {input} is pushed down by its probability, the right class's up by one, over {n}"
        ),
        facts=_entropy_facts,
    )
)
NLL = declare(
    Op(
        name="nll_loss",
        node="NllLossBackward0",
        category=Category.LOSS,
        args=("input", "target", "weight"),
        params=("reduction", "ignore_index", "label_smoothing", "is_log"),
        formula=N_("out = mean of −input[target]"),
        backward_formula=N_("d input = −g / n at the target's place, 0 elsewhere"),
        forward=_entropy_forward,
        vjp=_entropy_vjp,
        saves=("input", "target", "weight"),
        broadcasts=True,
        shape=_entropy_shape,
        narrate=N_(
            "the log-probability that {input} {input_shape} gives to each target is taken with its "
            "sign turned: {n} of them"
        ),
        narrate_backward=N_("only the target's log-probability gets a gradient, −1/{n} of the incoming one"),
        facts=_entropy_facts,
    )
)
_CE_NODE = CROSS_ENTROPY.node_type
_NUMERIC = _CE_NODE.xp
_BASES: dict[tuple[int, int], Any] = {}


def _known_targets(target: Tensor, shape: tuple[int, int]) -> Any:
    """[shape (n, c), places of the targets in the flattened scores, the same as a matrix of zeros and ones once that
    was needed, version]; None when one is out of range. Kept with the target, since most programs use it again."""
    extra = target._extra
    version = 0 if target._version is None else target._version[0]
    if extra is not None:
        known = extra.get("targets")
        if known is not None and known[3] == version and known[0] == shape:
            return known
    n, c = shape
    t = target._array
    if not n or not t.flags.c_contiguous or np.maximum.reduce(t.view(np.uint64)) >= c:
        return None
    base = _BASES.get(shape)
    if base is None:
        if len(_BASES) > 64:
            _BASES.clear()
        base = _BASES[shape] = np.arange(0, n * c, c)
    known = [shape, t + base, None, version]
    if n * c <= 4096:
        target._more()["targets"] = known
    return known


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """−ln softmax(input)[target], averaged; targets are class numbers or probabilities."""
    try:
        x, y = input._array, target._array
        where = input._device
    except AttributeError:
        wrong = ("target", 2, target) if isinstance(input, Tensor) else ("input", 1, input)
        error = bad_argument("cross_entropy_loss", wrong[0], wrong[1], "Tensor", wrong[2])
        report("cross_entropy", (input, target), {}, error)
        raise error from None
    known = None
    kind, shape = x.dtype, x.shape
    if (
        weight is None
        and reduction == "mean"
        and not label_smoothing
        and ignore_index < 0  # such a target is out of range, which the general way looks into
        and size_average is None
        and reduce is None
        and len(shape) == 2
        and y.dtype is I64
        and y.shape == shape[:1]
        and (kind is F32 or kind is F64)
        and not where.simulated
        and target._device is where
    ):
        known = _known_targets(target, shape)
    if known is None:
        return class_loss(
            CROSS_ENTROPY, input, target, weight, ignore_index, reduction, label_smoothing, size_average, reduce
        )
    n, c = shape
    # exp(input − picked score) for each row: its sum's logarithm is the loss. Stretched by assignment: a ufunc that
    # broadcasts takes twice as long on a small array.
    p = _empty(shape, kind)
    p.T[...] = x.take(known[1])
    _subtract(x, p, p)
    _exp(p, p)
    sums = p.dot(ones(c, kind))
    loss = float(_log(sums).dot(ones(n, kind))) / n
    if not loss < _INF:
        # Scores so far apart that the above overflows: the largest must be taken off, not the picked one.
        top = _max_reduce(x, 1)
        p = _exp(x - top.reshape(n, 1))
        sums = p.dot(ones(c, kind))
        picked = x.take(known[1])
        picked -= top
        picked -= _log(sums)
        loss = float(picked.dot(ones(n, kind))) / -n
    t = _new(Tensor)
    t._array = _asarray(loss, kind)
    if where.counts:
        where.ledger.charge(t._array)
        where.ledger.charge(p)
    t._device = where
    t._nr = 0
    t._grad = t._version = t._view = t._extra = t._acc = t._mark = None
    if input._rg and modes.grad:
        t._rg = True
        node = _new(_CE_NODE)
        node.edges = (input._fn or accumulator(input), None, None)
        node.nrs = (input._nr, 0, 0) if input._nr else None
        scratch = _new(Scratch)
        scratch._array = p
        scratch._version = None
        node.saved = (input, target, None, scratch)
        version, other = input._version, target._version
        if version is None and other is None:
            node.versions = None
        else:
            node.versions = (0 if version is None else version[0], 0 if other is None else other[0], 0, 0)
        node.params = (shape, y.shape, None, "mean", known, sums, False)
        node.seq = next_seq()
        node.hooks = node.casts = node.outs = node.meta = node._mark = None
        t._fn = node
    else:
        t._rg = False
        t._fn = None
    if observe.observer is not None:
        observe.observer.forward("cross_entropy", (input, target), t, {"reduction": "mean"})
    return t


FUNCTIONS["cross_entropy"] = CROSS_ENTROPY.function = cross_entropy


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """−input[target], averaged, for log-probabilities."""
    for i, (name, value) in enumerate((("input", input), ("target", target))):
        if not isinstance(value, Tensor):
            error = bad_argument("nll_loss_nd", name, i + 1, "Tensor", value)
            report("nll_loss", (input, target), {}, error)
            raise error
    return class_loss(NLL, input, target, weight, ignore_index, reduction, 0.0, size_average, reduce)


FUNCTIONS["nll_loss"] = NLL.function = nll_loss


def class_loss(
    op: Op,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
    size_average: Any,
    reduce: Any,
) -> Any:
    """The general way for losses whose targets are classes, with PyTorch's checks."""
    try:
        reduction = reduction_of(reduction, size_average, reduce)
        common_device(op.name, (input, target))
        _check_classes(op, input, target, weight, ignore_index, smoothing)
        is_log = op is NLL
        inputs = (input, target, weight)
        params = (reduction, int(ignore_index), float(smoothing), is_log)
        return rename(run(op, inputs, params), _class_node(input._array, target._array, reduction, smoothing))
    except Exception as error:
        report(op.name, (input, target), {"reduction": reduction}, error)
        raise


def _class_node(x: Any, y: Any, reduction: str, smoothing: float) -> str:
    """By what PyTorch does last."""
    if y.dtype.kind in "fVc":
        return "DivBackward1" if reduction == "mean" else "NegBackward0"
    if smoothing:
        return "AddBackward0"
    if x.ndim < 3:
        return "NllLossBackward0"
    return "ViewBackward0" if reduction == "none" and x.ndim != 4 else "NllLoss2DBackward0"


def _need_floating(op: Op, x: Any, y: Any, kernel: str) -> None:
    """Refuse scores that are whole numbers, by the name of the kernel that PyTorch lacks."""
    if x.dtype.kind in "iub":
        title = dtypes.of(x).title
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{title}'",
            # With a floating point target they were exchanged, most likely.
            kind="dtype_unsupported" if y.dtype.kind in "iub" else "target_dtype",
            op=op.name,
            loss=op.name,
            dtype=dtypes.of(x).name,
            input_dtype=dtypes.of(x).name,
            target_dtype=dtypes.of(y).name,
        )


def _check_probabilities(op: Op, input: Tensor, target: Tensor, weight: Any, shapes: dict[str, Any]) -> None:
    """The checks of targets that have the shape of the scores."""
    x, y = input._array, target._array
    if y.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            f"Expected floating point type for target with class probabilities, got {dtypes.of(y).title}",
            kind="target_dtype",
            loss=op.name,
            input_dtype=dtypes.of(x).name,
            target_dtype=dtypes.of(y).name,
        )
    n_classes = x.shape[0] if x.ndim == 1 else x.shape[1] if x.ndim else 1
    if weight is not None and weight._array.shape != (n_classes,):
        fail(
            RuntimeError,
            f"cross_entropy: weight tensor should be defined either for all {n_classes} classes or no classes but got "
            f"weight tensor of shape: {list(weight._array.shape)}",
            kind="loss_weight",
            **shapes,
        )


def _check_classes(op: Op, input: Tensor, target: Tensor, weight: Any, ignore: int, smoothing: float) -> None:
    x, y = input._array, target._array
    shapes = {"loss": op.name, "op": op.name, "input_shape": list(x.shape), "target_shape": list(y.shape)}

    def refuse(type_: type[Exception], text: str, kind: str = "target_shape") -> NoReturn:
        fail(type_, text, kind=kind, **shapes)

    if op is not NLL and x.shape == y.shape:
        _check_probabilities(op, input, target, weight, shapes)
    if smoothing < 0 or smoothing > 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing:g}")
    if op is not NLL:
        _need_floating(op, x, y, "log_softmax_lastdim_kernel_impl" if x.ndim < 3 else "log_softmax_kernel_impl")
        if x.shape == y.shape:
            return
    if x.ndim == 0:
        refuse(ValueError, "Expected 1 or more dimensions (got 0)")
    n_classes = x.shape[0] if x.ndim == 1 else x.shape[1]
    if x.ndim > 1:
        n_targets = y.shape[0] if y.ndim else 0
        if n_targets != x.shape[0]:
            refuse(ValueError, f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({n_targets}).")
    if x.ndim == 4:
        if y.ndim != 3:
            refuse(
                RuntimeError,
                f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {y.ndim}",
            )
    elif x.ndim > 2:
        wanted = (x.shape[0], *x.shape[2:])
        if y.shape != wanted:
            refuse(RuntimeError, f"Expected target size {list(wanted)}, got {list(y.shape)}")
    elif y.ndim > 1:
        refuse(RuntimeError, "0D or 1D target tensor expected, multi-target not supported")
    if y.dtype != I64 and y.dtype != np.uint8:
        name = "nll_loss_forward_reduce_cuda_kernel_index" if x.ndim <= 2 else "nll_loss2d_forward_out_frame"
        text = (
            f"expected target dtype to be Long or Byte, but got {dtypes.of(y).title}"
            if input._device.type == "cpu"
            else f"\"{name}\" not implemented for '{dtypes.of(y).title}'"
        )
        fail(
            RuntimeError,
            text,
            kind="target_dtype",
            loss=op.name,
            op=op.name,
            input_dtype=dtypes.of(x).name,
            target_dtype=dtypes.of(y).name,
        )
    if x.ndim == 1 and y.ndim == 1 and y.shape[0] != 1:
        refuse(ValueError, f"For 1D input, 1D target must have size 1, but got target size: {y.shape[0]}")
    if x.ndim == 4 and y.shape != (x.shape[0], *x.shape[2:]):
        refuse(RuntimeError, f"size mismatch (got input: {list(x.shape)} , target: {list(y.shape)}")
    if weight is not None and weight._array.shape != (n_classes,):
        refuse(
            RuntimeError,
            f"weight tensor should be defined either for all {n_classes} classes or no classes but got weight tensor "
            f"of shape: {list(weight._array.shape)}"
            if x.ndim < 3
            else "weight tensor should be defined either for all or no classes",
            "loss_weight",
        )
    _need_floating(op, x, y, "nll_loss_out_frame" if x.ndim < 3 else "nll_loss2d_forward_out_frame")
    if weight is not None and weight._array.dtype != x.dtype:
        fail(
            RuntimeError,
            f"expected scalar type {dtypes.of(x).title} but found {weight.dtype.title}",
            kind="dtype_mix",
            op=op.name,
            dtypes=[dtypes.of(x).name, weight.dtype.name],
        )
    if x.ndim == 1 and y.ndim == 1 and smoothing:
        raise RuntimeError("output with shape [] doesn't match the broadcast shape [1]")
    if not known(y):
        return
    wrong = (y != ignore) & ((y < 0) | (y >= n_classes))
    if wrong.any():
        bad = int(y[wrong].flat[0])
        fail(
            IndexError,
            f"Target {bad} is out of bounds.",
            kind="target_range",
            loss=op.name,
            op=op.name,
            target=bad,
            n_classes=n_classes,
        )
