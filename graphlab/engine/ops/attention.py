"""Attention: `scaled_dot_product_attention`, fused, and `multi_head_attention_forward` made of it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.errors import broadcast, fail
from graphlab.engine.ops.applied import NUMERIC, composed
from graphlab.engine.ops.op import Category, Op, declare, known_as
from graphlab.engine.ops.rows import row_max, row_sum
from graphlab.engine.ops.run import FUNCTIONS, common_device, need_tensor, public, run
from graphlab.engine.tensor import Tensor, wrap
from graphlab.i18n import N_


def _weights(q: Any, k: Any, mask: Any, is_causal: bool, scale: float) -> Any:
    """softmax(q · kᵀ · scale + mask); a row that may look at nothing is 0, as in PyTorch."""
    s = np.matmul(q, k.swapaxes(-1, -2))
    s *= s.dtype.type(scale)
    if is_causal:
        np.copyto(s, -np.inf, where=np.tri(*s.shape[-2:]) == 0)
    hides = is_causal
    if mask is not None:
        if mask.dtype.kind == "b":
            s = np.where(mask, s, s.dtype.type(-np.inf))
        else:
            s = s + mask
        hides = True
    if not s.size:
        return s
    top = row_max(s)
    if hides:
        top[np.isneginf(top)] = 0
    s -= top
    np.exp(s, out=s)
    total = row_sum(s)
    if hides:
        total[total == 0] = 1
    s /= total
    return s


def _forward(q: Any, k: Any, v: Any, mask: Any, is_causal: bool, scale: float) -> Any:
    if q.itemsize == 2:
        kind = q.dtype
        q, k, v = (a.astype(np.float32) for a in (q, k, v))
        return np.matmul(_weights(q, k, mask, is_causal, scale), v).astype(kind)
    return np.matmul(_weights(q, k, mask, is_causal, scale), v)


def _plain(is_causal: bool, scale: float) -> Any:
    """The same of plain operators."""

    def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Any:
        scores = FUNCTIONS["matmul"](q, k.transpose(-2, -1)) * scale
        hidden = None
        if is_causal:
            hidden = np.tri(*scores._array.shape[-2:]) == 0
        if mask is not None:
            if mask._array.dtype.kind == "b":
                hidden = ~mask._array
            else:
                scores = scores + mask
        if hidden is None:
            return FUNCTIONS["matmul"](FUNCTIONS["softmax"](scores, -1), v)
        cover = wrap(np.broadcast_to(hidden, scores._array.shape).copy(), scores._device)
        # A large negative number in place of −inf keeps rows that see nothing free of NaN.
        weights = FUNCTIONS["softmax"](scores.masked_fill(cover, float(np.finfo(scores._array.dtype).min)), -1)
        return FUNCTIONS["matmul"](weights.masked_fill(cover, 0.0), v)

    return attention


def _vjp(node: Any, g: Any, q: Any, k: Any, v: Any, mask: Any) -> Any:
    is_causal, scale = node.params
    xp = node.xp
    if xp is not NUMERIC:
        return composed(_plain(is_causal, scale), (q, k, v, mask), g, node.edges)
    p = _weights(q, k, mask, is_causal, scale)
    eq, ek, ev, em = node.edges
    dq = dk = dv = dm = None
    if ev is not None:
        dv = xp.sum_to(np.matmul(p.swapaxes(-1, -2), g), v.shape)
    if eq is not None or ek is not None or em is not None:
        ds = np.matmul(g, v.swapaxes(-1, -2))
        ds -= np.einsum("...i,...i->...", ds, p)[..., None]
        ds *= p
        if em is not None:
            dm = xp.sum_to(ds, mask.shape)
            ds = ds.copy() if dm is ds else ds
        ds *= ds.dtype.type(scale)
        if eq is not None:
            dq = xp.sum_to(np.matmul(ds, k), q.shape)
        if ek is not None:
            dk = xp.sum_to(np.matmul(ds.swapaxes(-1, -2), q), k.shape)
    return dq, dk, dv, dm


ATTENTION = declare(
    Op(
        name="scaled_dot_product_attention",
        node="ScaledDotProductFlashAttentionForCpuBackward0",
        category=Category.MATRIX,
        args=("query", "key", "value", "attn_mask"),
        params=("is_causal", "scale"),
        formula="out = softmax(query · keyᵀ · scale + mask) · value",
        backward_formula="d value = Pᵀ · g;  dS = P · (g · valueᵀ − Σ P · (g · valueᵀ));  d query = dS · key · scale",
        forward=_forward,
        vjp=_vjp,
        saves=("query", "key", "value", "attn_mask"),
        shape=lambda q, k, v, *_: (*np.broadcast_shapes(q[:-2], k[:-2], v[:-2]), q[-2], v[-1]),
        narrate=N_(
            "each row of {query} {query_shape} is compared with every row of {key}; the softmax of that weighs "
            "the rows of {value}"
        ),
        narrate_backward=N_(
            "each row of {value} gets the gradients by the weight that it had; the weights send theirs on"
        ),
        samples=lambda: [((2, 3, 4), (2, 5, 4), (2, 5, 6), None, {"is_causal": False, "scale": 0.5})],
    )
)


def _check(q: Any, k: Any, v: Any, mask: Any, dropout_p: float, is_causal: bool) -> None:
    facts: dict[str, Any] = {"op": ATTENTION.name, "shapes": [list(a.shape) for a in (q, k, v)]}
    kinds = [dtypes.of(a).c_name() for a in (q, k, v)]
    if len(set(kinds)) > 1:
        fail(
            RuntimeError,
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {kinds[0]} key.dtype: "
            f"{kinds[1]} and value.dtype: {kinds[2]} instead.",
            kind="dtype_mix",
            dtypes=[dtypes.of(a).name for a in (q, k, v)],
            **facts,
        )
    if min(q.ndim, k.ndim, v.ndim) < 2:
        fail(
            RuntimeError,
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{q.ndim} key.dim: {k.ndim} and value.dim: {v.ndim} instead.",
            kind="attention_dims",
            **facts,
        )
    if mask is not None:
        if mask.dtype.kind != "b" and mask.dtype != q.dtype and mask.dtype != np.float32:
            fail(
                RuntimeError,
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{dtypes.of(mask).c_name()} and  query.dtype: {kinds[0]} instead.",
                kind="dtype_mix",
                dtypes=[dtypes.of(mask).name, dtypes.of(q).name],
                **facts,
            )
        if is_causal and q.ndim != 4:
            fail(
                RuntimeError,
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True",
                kind="attention_mask",
                **facts,
            )
    if q.dtype.kind not in "fVc":
        fail(
            RuntimeError,
            f"expected scalar type Float but found {dtypes.of(q).title}",
            kind="dtype_unsupported",
            dtype=dtypes.of(q).name,
            **facts,
        )
    if not 0 <= dropout_p <= 1:
        fail(
            RuntimeError,
            f"dropout probability has to be between 0 and 1, but got {dropout_p:g}",
            kind="probability",
            p=dropout_p,
            **facts,
        )
    try:
        batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2])
    except ValueError:
        raise broadcast(ATTENTION.name, q.shape[:-2], k.shape[:-2]) from None
    n = math.prod(batch)
    if q.shape[-1] != k.shape[-1]:
        fail(
            RuntimeError,
            f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {q.shape[-1]}] but got: "
            f"[{n}, {k.shape[-1]}].",
            kind="matmul",
            sizes=[q.shape[-1], k.shape[-1]],
            **facts,
        )
    scores = (*batch, q.shape[-2], k.shape[-2])
    if mask is not None:
        try:
            np.broadcast_shapes(scores, mask.shape)
        except ValueError:
            raise broadcast(ATTENTION.name, scores, mask.shape) from None
    if k.shape[-2] != v.shape[-2]:
        fail(
            RuntimeError,
            f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {k.shape[-2]}] but got: "
            f"[{n}, {v.shape[-2]}].",
            kind="matmul",
            sizes=[k.shape[-2], v.shape[-2]],
            **facts,
        )


@public(ATTENTION, method=False)
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(query · keyᵀ / √width + mask) · value; a boolean mask is True where a row may look."""
    name = ATTENTION.name
    for i, (word, each) in enumerate((("query", query), ("key", key), ("value", value))):
        need_tensor(each, name, word, i + 1)
    if enable_gqa and key._array.ndim > 2 and key._array.shape[-3] != query._array.shape[-3]:
        times = query._array.shape[-3] // max(key._array.shape[-3], 1)
        key = key.repeat_interleave(times, -3)
        value = value.repeat_interleave(query._array.shape[-3] // max(value._array.shape[-3], 1), -3)
    q, k, v = query._array, key._array, value._array
    mask = None if attn_mask is None else attn_mask._array
    _check(q, k, v, mask, dropout_p, is_causal)
    where = common_device(name, (query, key, value, attn_mask))
    factor = 1 / math.sqrt(q.shape[-1] or 1) if scale is None else float(scale)
    if dropout_p:
        # PyTorch, too, goes the plain way then: the same random numbers fall on the same weights.
        scores = FUNCTIONS["matmul"](query, key.transpose(-2, -1)) * factor
        if is_causal:
            attn_mask = wrap(np.tri(*scores._array.shape[-2:]) != 0, where)
        if attn_mask is not None:
            is_bool = attn_mask._array.dtype.kind == "b"
            scores = scores.masked_fill(attn_mask.logical_not(), -math.inf) if is_bool else scores + attn_mask
        weights = FUNCTIONS["softmax"](scores, -1)
        return FUNCTIONS["matmul"](FUNCTIONS["dropout"](weights, dropout_p, True), value)
    inputs = (query, key, value, attn_mask)
    params = (bool(is_causal), factor)
    # The weights, as many as rows times columns, are made again in the backward pass rather than kept, as in PyTorch.
    return run(ATTENTION if q.ndim == k.ndim == v.ndim == 4 else _PLAIN[q.ndim == 2], inputs, params)


# PyTorch has a kernel for four dims only.
_PLAIN = known_as(ATTENTION, "UnsafeViewBackward0"), known_as(ATTENTION, "MmBackward0")


# Several heads


def canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """A mask to be added: −inf where a boolean one is True."""
    if mask is None:
        return None
    is_float = mask._array.dtype.kind in "fVc"
    if not is_float and mask._array.dtype.kind != "b":
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=4,
        )
    if is_float:
        return mask
    return wrap(np.where(mask._array, -np.inf, 0.0).astype(target_type.np), mask._device)


def _check_heads(query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any, num_heads: int) -> bool:
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    word = "For batched (3-D) `query`" if dims == 3 else "For unbatched (2-D) `query`"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"{word}, expected `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D tensors "
            "respectively"
        )
    if padding is not None and padding.dim() != dims - 1:
        raise AssertionError(
            f"{word}, expected `key_padding_mask` to be `None` or {dims - 1}-D but found {padding.dim()}-D "
            "tensor instead"
        )
    if mask is not None:
        if mask.dim() not in (2, 3):
            raise AssertionError(
                f"{word}, expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.dim()}-D tensor instead"
            )
        if dims == 2 and mask.dim() == 3:
            wanted = (num_heads, query.shape[0], key.shape[0])
            if tuple(mask.shape) != wanted:
                raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {mask.shape}")
    return dims == 3


def _projected(query: Any, key: Any, value: Any, weight: Tensor, bias: Tensor | None) -> tuple[Any, Any, Any]:
    """Query, key and value by one weight that holds three."""
    width = query.shape[-1]
    linear = FUNCTIONS["linear"]
    if key is value:
        if query is key:
            return tuple(linear(query, weight, bias).chunk(3, -1))
        w_q, w_kv = weight.split([width, width * 2])
        b_q, b_kv = (None, None) if bias is None else bias.split([width, width * 2])
        return (linear(query, w_q, b_q), *linear(key, w_kv, b_kv).chunk(2, -1))
    weights = weight.chunk(3)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    q, k, v = (linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))
    return q, k, v


def _right_mask(mask: Tensor, batch: int, num_heads: int, target: int, source: int) -> Any:
    if mask.dim() == 2:
        if tuple(mask.shape) != (target, source):
            raise RuntimeError(f"The shape of the 2D attn_mask is {mask.shape}, but should be {(target, source)}.")
        return mask.unsqueeze(0)
    wanted = (batch * num_heads, target, source)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the 3D attn_mask is {mask.shape}, but should be {wanted}.")
    return mask


def _one_more(mask: Tensor) -> Any:
    """A column of zeros after the mask."""
    zeros = wrap(np.zeros((*mask._array.shape[:-1], 1), mask._array.dtype), mask._device)
    return FUNCTIONS["cat"]([mask, zeros], -1)


@public("multi_head_attention_forward", method=False, guarded=False)
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """Attention of several heads on (length, batch, width); returns the output and the weights (or None)."""
    is_batch = _check_heads(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batch:
        same_kv, same_qk = value is key, key is query
        query = query.unsqueeze(1)
        key = query if same_qk else key.unsqueeze(1)
        value = key if same_kv else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    target, batch, width = query.shape
    source = key.shape[0]
    key_padding_mask = canonical_mask(
        key_padding_mask, "key_padding_mask", None if attn_mask is None else attn_mask.dtype, "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        if key_padding_mask is not None:
            is_causal = False
    if width != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    head = width // num_heads
    if head * num_heads != width:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        for letter, each in (("q", q_proj_weight), ("k", k_proj_weight), ("v", v_proj_weight)):
            if each is None:
                raise AssertionError(f"use_separate_proj_weight is True but {letter}_proj_weight is None")
        biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = (
            FUNCTIONS["linear"](x, w, b)
            for x, w, b in zip((query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), biases)
        )
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = _right_mask(attn_mask, batch, num_heads, target, source)
    extra = 0
    if bias_k is not None and bias_v is not None:
        if static_k is not None:
            raise AssertionError("bias cannot be added to static key.")
        if static_v is not None:
            raise AssertionError("bias cannot be added to static value.")
        k = FUNCTIONS["cat"]([k, bias_k.repeat(1, batch, 1)])
        v = FUNCTIONS["cat"]([v, bias_v.repeat(1, batch, 1)])
        extra += 1
    elif bias_k is not None:
        raise AssertionError("bias_k is set but bias_v is None")
    elif bias_v is not None:
        raise AssertionError("bias_v is set but bias_k is None")

    def by_head(x: Any) -> Any:
        return x.contiguous().view(x.shape[0], batch * num_heads, head).transpose(0, 1)

    q = by_head(q)
    k = by_head(k) if static_k is None else _static("static_k", static_k, batch * num_heads, head)
    v = by_head(v) if static_v is None else _static("static_v", static_v, batch * num_heads, head)
    if add_zero_attn:
        zeros = wrap(np.zeros((batch * num_heads, 1, head), k._array.dtype), k._device)
        k, v = FUNCTIONS["cat"]([k, zeros], 1), FUNCTIONS["cat"]([v, zeros], 1)
        extra += 1
    for _ in range(extra):
        attn_mask = None if attn_mask is None else _one_more(attn_mask)
        key_padding_mask = None if key_padding_mask is None else _one_more(key_padding_mask)
    source = k.shape[1]
    if key_padding_mask is not None:
        for i, wanted in enumerate((batch, source)):
            if key_padding_mask.shape[i] != wanted:
                raise AssertionError(
                    f"Expected key_padded_mask.shape[{i}] to be {wanted}, but got {key_padding_mask.shape[i]}"
                )
        key_padding_mask = (
            key_padding_mask.view(batch, 1, 1, source)
            .expand(-1, num_heads, -1, -1)
            .reshape(batch * num_heads, 1, source)
        )
        attn_mask = key_padding_mask if attn_mask is None else attn_mask + key_padding_mask
    if not training:
        dropout_p = 0.0
    weights: Any = None
    if need_weights:
        if is_causal and attn_mask is None:
            raise AssertionError("FIXME: is_causal not implemented for need_weights")
        scores = FUNCTIONS["bmm"](q * math.sqrt(1.0 / head), k.transpose(-2, -1))
        weights = FUNCTIONS["softmax"](scores if attn_mask is None else attn_mask + scores, -1)
        if dropout_p > 0:
            weights = FUNCTIONS["dropout"](weights, dropout_p, True)
        out = FUNCTIONS["bmm"](weights, v).transpose(0, 1).reshape(target * batch, width)
        weights = weights.view(batch, num_heads, target, source)
        if average_attn_weights:
            weights = weights.mean(1)
        if not is_batch:
            weights = weights.squeeze(0)
    else:
        if attn_mask is not None:
            single = attn_mask.shape[0] == 1 and attn_mask.dim() == 3
            attn_mask = attn_mask.unsqueeze(0) if single else attn_mask.view(batch, num_heads, -1, source)
        q, k, v = (x.view(batch, num_heads, -1, head) for x in (q, k, v))
        out = scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
        out = out.permute(2, 0, 1, 3).reshape(batch * target, width)
    out = FUNCTIONS["linear"](out, out_proj_weight, out_proj_bias).view(target, batch, -1)
    return (out if is_batch else out.squeeze(1)), weights


def _static(name: str, x: Tensor, rows: int, head: int) -> Tensor:
    for i, wanted in ((0, rows), (2, head)):
        if x.size(i) != wanted:
            raise AssertionError(f"expecting {name}.size({i}) of {wanted}, but got {x.size(i)}")
    return x
