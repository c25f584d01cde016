"""Classes and words by number: one_hot, embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine.errors import fail
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import (
    bad_argument,
    bump,
    need_tensor,
    public,
    run,
)
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import known
from graphlab.i18n import N_


@public("one_hot", method=False)
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows with a single 1 at each class."""
    x = need_tensor(tensor, "one_hot", "self")._array
    if x.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if known(x) and x.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        if not x.size:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(x.max()) + 1
    elif known(x) and x.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((x[..., None] == np.arange(num_classes)).astype(np.int64), tensor._device)


EMBEDDING = declare(
    Op(
        name="embedding",
        category=Category.INDEX,
        args=("weight", "input"),
        params=("padding_idx", "scale_grad_by_freq"),
        formula="out = weight[input]",
        backward_formula=N_("d weight = g added to the rows that were looked up"),
        forward=lambda w, i, pad, *_: w[i],
        vjp=lambda node, g, i: (_embedding_vjp(node, g, i), None),
        saves=("input",),
        broadcasts=True,
        shape=lambda w, i, pad, *_: (*i, w[1]),
        narrate=N_("{n} rows of the table {weight} {weight_shape} are looked up by {input}"),
        narrate_backward=N_("each row of {weight} that was looked up gets its gradient added"),
        facts=lambda out, w, i, *_, **__: {"n": int(np.size(i))},
    )
)


def _embedding_vjp(node: Any, g: Any, i: Any) -> Any:
    shape, _, pad, *scaled = node.params
    index = node.xp.array_of(i)
    if scaled and known(index):
        counts = np.bincount(index.reshape(-1), minlength=shape[0])[index]
        g = g * node.xp.constant((1 / np.expand_dims(counts, -1)).astype(node.xp.array_of(g).dtype), g)
    if pad is not None and pad >= 0:
        keep = np.expand_dims(index != pad, -1).astype(node.xp.array_of(g).dtype)
        g = g * node.xp.constant(keep, g)
    return node.xp.scatter_pick(g, shape, (index,), False)


@public(EMBEDDING, method=False)
def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of a table at the given indices."""
    if not isinstance(weight, Tensor):
        raise bad_argument("embedding", "weight", 1, "Tensor", weight)
    i = need_tensor(input, "embedding", "indices", 2)._array
    if i.dtype not in (np.int64, np.int32):
        fail(
            RuntimeError,
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{input.dtype.title}Tensor instead (while checking arguments for embedding)",
            kind="index_dtype",
            op="embedding",
        )
    if weight._array.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    n = weight._array.shape[0]
    if padding_idx is not None and padding_idx < 0:
        padding_idx += n
    if known(i) and (i.min() < 0 or i.max() >= n):
        fail(
            IndexError,
            "index out of range in self",
            kind="index_range",
            op="embedding",
            index=int(i.max()),
            size=n,
        )
    if max_norm is not None and known(i):
        from graphlab.engine.ops.sampling import limit_rows

        limit_rows(weight, i, max_norm, norm_type)
        bump(weight)
    return run(EMBEDDING, (weight, input), (padding_idx, True) if scale_grad_by_freq else (padding_idx,))
