"""Connectionist temporal classification: the loss of sequences whose alignment is not known.

Graves et al., "Connectionist Temporal Classification", 2006; α and β are kept as logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail
from graphlab.engine.ops.loss import reduction_of
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, no_kernel
from graphlab.i18n import N_


def _with_blanks(labels: Array, blank: int) -> Array:
    path = np.full(2 * len(labels) + 1, blank, np.int64)
    path[1::2] = labels
    return path


def _alpha(logs: Array, path: Array) -> Array:
    """α[t, s]: the log-probability of all ways to be at place s of the path at time t."""
    n, size = len(logs), len(path)
    alpha = np.full((max(n, 1), size), -np.inf)
    if not n:
        alpha[0, 0] = 0 if size == 1 else -np.inf
        return alpha
    alpha[0, :2] = logs[0, path[:2]]
    skips = np.zeros(size, bool)
    skips[2:] = path[2:] != path[:-2]
    for t in range(1, n):
        before = alpha[t - 1]
        one = np.concatenate([[-np.inf], before[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf, -np.inf], before[:-2]])[:size], -np.inf)
        alpha[t] = np.logaddexp(np.logaddexp(before, one), two) + logs[t, path]
    return alpha


def _loss(alpha: Array) -> float:
    last = alpha[-1]
    return float(-(np.logaddexp(last[-1], last[-2]) if len(last) > 1 else last[-1]))


def _sequences(logs: Array, targets: tuple[Array, ...], lengths: tuple[int, ...], blank: int) -> Any:
    for i, labels in enumerate(targets):
        yield i, logs[: lengths[i], i].astype(np.float64), _with_blanks(labels, blank)


def _forward(logs: Array, targets: tuple[Array, ...], lengths: tuple[int, ...], blank: int, zero_infinity: bool) -> Any:
    out = np.empty(logs.shape[1], logs.dtype)
    for i, rows, path in _sequences(logs, targets, lengths, blank):
        out[i] = _loss(_alpha(rows, path))
    return np.where(np.isposinf(out), 0, out).astype(logs.dtype) if zero_infinity else out


def _vjp(node: Any, g: Any, logs: Any) -> Any:
    targets, lengths, blank, zero_infinity = node.params
    raw = node.xp.array_of(logs)
    slope = np.zeros(raw.shape)
    for i, rows, path in _sequences(raw, targets, lengths, blank):
        if not len(rows):
            continue
        alpha, beta = _alpha(rows, path), _alpha(rows[::-1], path[::-1])[::-1, ::-1]
        cost = _loss(alpha)
        if zero_infinity and cost == np.inf:
            continue
        both = alpha + beta
        total = np.full(rows.shape, -np.inf)
        for s, label in enumerate(path):
            total[:, label] = np.logaddexp(total[:, label], both[:, s])
        # Both hold the probability of the entry itself: once too often.
        slope[: len(rows), i] = np.exp(rows) - np.exp(total + cost - rows)
    return (node.xp.constant(slope.astype(raw.dtype), logs) * node.xp.reshape(g, (1, -1, 1)),)


CTC = declare(
    Op(
        name="ctc_loss",
        category=Category.LOSS,
        args=("log_probs",),
        params=("targets", "input_lengths", "blank", "zero_infinity"),
        formula=N_("out = −ln Σ of the probabilities of all alignments of the target"),
        backward_formula=N_("d log_probs = g · (p − the share of alignments that use the label at that time)"),
        forward=_forward,
        vjp=_vjp,
        saves=("log_probs",),
        shape=lambda s, *_: (s[1],),
        narrate=N_("all alignments of {n} target sequences with {log_probs} {log_probs_shape} are summed up"),
        narrate_backward=N_("each time step is pushed towards the labels that alignments use there"),
        facts=lambda out, x, *_, **__: {"n": x.shape[1]},
    )
)


def _numbers(value: Any) -> list[int]:
    if isinstance(value, Tensor):
        return [int(v) for v in value._array.reshape(-1)]
    return [int(v) for v in value] if isinstance(value, (tuple, list)) else [int(value)]


_WHERE = "(while checking arguments for ctc_loss_allocate_outputs)"


@public("ctc_loss", method=False)
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The connectionist temporal classification loss."""
    reduction = reduction_of(reduction)
    logs = need_tensor(log_probs, "ctc_loss", "log_probs")
    labels = need_tensor(targets, "ctc_loss", "targets", 2)._array
    if type(logs._array) is Virtual and any(isinstance(v, Tensor) for v in (input_lengths, target_lengths)):
        no_kernel("_ctc_loss.Tensor")
    is_batch = logs._array.ndim == 3
    if not is_batch:
        logs = logs.unsqueeze(1)
        labels = labels.reshape(1, -1) if labels.ndim == 1 else labels
    n_steps, n, n_labels = logs._array.shape
    if not 0 <= blank < n_labels:
        raise RuntimeError("blank must be in label range")
    sizes, lengths = _numbers(input_lengths), _numbers(target_lengths)
    for label, given in (("input_lengths", sizes), ("target_lengths", lengths)):
        if len(given) != n:
            raise RuntimeError(f"{label} must be of size batch_size")
    for size in lengths:
        if size < 0:
            raise RuntimeError(f"Expected target_lengths to have value at least 0, but got value {size} {_WHERE}")
    if labels.ndim == 1:
        ends = np.cumsum([0, *lengths])
        if ends[-1] != labels.size:
            raise RuntimeError(
                f"Expected tensor to have size {ends[-1]} at dimension 0, but got size {labels.size} for argument #2 "
                f"'targets' {_WHERE}"
            )
        rows = tuple(np.split(labels, ends[1:-1]))
    else:
        if labels.shape[0] != n or labels.shape[1] < max(lengths, default=0):
            raise RuntimeError(
                f"Expected tensor to have size at least {max(lengths, default=0)} at dimension 1, but got size "
                f"{labels.shape[1]} for argument #2 'targets' {_WHERE}"
            )
        rows = tuple(labels[i, :size] for i, size in enumerate(lengths))
    for size in sizes:
        if not 0 <= size <= n_steps:
            bound = f"at most {n_steps}" if size > n_steps else "at least 0"
            fail(
                RuntimeError,
                f"Expected input_lengths to have value {bound}, but got value {size} {_WHERE}",
                kind="target_range",
                loss="ctc_loss",
            )
    out = run(CTC, (logs,), (rows, tuple(sizes), int(blank), bool(zero_infinity)))
    if reduction == "mean":
        return (out / wrap(np.maximum(np.array(lengths), 1).astype(out._array.dtype), logs._device)).mean()
    if reduction == "sum":
        return out.sum()
    return out if is_batch else out.squeeze(0)


CTC.function = FUNCTIONS["ctc_loss"]
