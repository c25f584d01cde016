"""Recurrent layers: one operator runs one layer in one direction over all time steps.

Input (time, batch, features); what all steps share is one matrix product before the loop and one after it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from graphlab.engine.ops.applied import NUMERIC, composed, finish_many, needs_grad
from graphlab.engine.ops.op import Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS, common_device, run
from graphlab.engine.tensor import Tensor
from graphlab.i18n import N_

_ARGS = ("input", "hidden", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
_LSTM_ARGS = ("input", "hidden", "cell", "weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _before(x: Any, w: Any, *biases: Any) -> Any:
    """The input's part of all steps' gates: (time, batch, gates)."""
    steps, batch, width = x.shape
    pre = x.reshape(steps * batch, width) @ w.T
    total: Any = None
    for b in biases:
        if b is not None:
            total = b if total is None else total + b
    if total is not None:
        pre += total
    return pre.reshape(steps, batch, -1)


def _sigmoid(x: Any, out: Any) -> None:
    # tanh is quicker than exp and a division, and does not overflow.
    np.multiply(x, x.dtype.type(0.5), out=out)
    np.tanh(out, out=out)
    out *= out.dtype.type(0.5)
    out += out.dtype.type(0.5)


def _sums(d: Any, x: Any, hidden: Any, w_ih: Any, edges: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The gradients of input, weights and biases from those of all steps' gates `d`."""
    e_x, e_ih, e_hh, e_bih, e_bhh = edges
    flat = d.reshape(-1, d.shape[-1])
    db = None
    if e_bih is not None or e_bhh is not None:
        db = np.ones(len(flat), d.dtype) @ flat
    return (
        None if e_x is None else (flat @ w_ih).reshape(x.shape),
        None if e_ih is None else flat.T @ x.reshape(len(flat), -1),
        None if e_hh is None else flat.T @ hidden.reshape(len(flat), -1),
        None if e_bih is None else db,
        None if e_bhh is None else db.copy() if db is not None else None,
    )


def _narrowed(vjp: Any, node: Any, gs: Any, inputs: Any) -> Any:
    """The gradients of half-precision operands, computed in float32."""
    kind = inputs[0].dtype
    wide = [[None if a is None else a.astype(np.float32) for a in arrays] for arrays in (gs, inputs)]
    return tuple(None if g is None else g.astype(kind) for g in vjp(node, wide[0], *wide[1]))


def _turn(reverse: bool, *arrays: Any) -> list[Any]:
    return [None if a is None else a[::-1] if reverse else a for a in arrays]


def _earlier(first: Any, out: Any) -> Any:
    """The hidden state before each step."""
    return np.concatenate((first[None], out[:-1])) if len(out) else out


# LSTM


def _lstm(x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, reverse: bool) -> tuple[Any, ...]:
    """Output, last hidden and cell state; and what `_lstm_vjp` can use again.

    These are: input, forget and output gate, new part and cell before, each for all steps; tanh of the cells after; and
    for each step the row of hidden state before, input and 1, which one matrix a gate takes to the gates.
    """
    kind = x.dtype
    if kind != np.float32 and kind != np.float64:
        wide: Any = [None if a is None else a.astype(np.float32) for a in (x, h, c, w_ih, w_hh, b_ih, b_hh)]
        forward: Any = _lstm
        return tuple(a.astype(kind) for a in forward(*wide, reverse)[:3])
    (x,) = _turn(reverse, x)
    steps, batch, width = x.shape
    n = h.shape[1]
    bias = b_ih if b_hh is None else b_hh if b_ih is None else b_ih + b_hh
    tall = n + width + (bias is not None)
    rows = np.empty((steps, batch, tall), kind)
    rows[:, :, n : n + width] = x
    # tanh does for all four gates: sigmoid(z) = tanh(z / 2) / 2 + 1 / 2, and a half is exact.
    half = kind.type(0.5)
    weights = np.empty((4, tall, n), kind)
    for to, at in enumerate((0, 1, 3, 2)):
        part = slice(at * n, (at + 1) * n)
        weights[to, :n] = w_hh[part].T
        weights[to, n : n + width] = w_ih[part].T
        if bias is not None:
            weights[to, -1] = bias[part]
    if bias is not None:
        rows[..., -1] = 1
    weights[:3] *= half
    gates = np.empty((5, steps, batch, n), kind)
    bent = np.empty((steps, batch, n), kind)
    out = np.empty((steps, batch, n), kind)
    # One step's gates lie together, and each gate of all steps: NumPy takes twice as long over what does not.
    step = np.empty((5, batch, n), kind)
    all_four, sigmoids, takes, given, shows, cell = step[:4], step[:3], step[:2], step[3:], step[2], step[4]
    products = np.empty((2, batch, n), kind)
    first, second = products
    first_h, cell[...] = h, c
    matmul, tanh, multiply, add, copy = np.matmul, np.tanh, np.multiply, np.add, np.copyto
    for row, before, at, bend, hidden in zip(rows, rows[:, :, :n], gates.swapaxes(0, 1), bent, out):
        copy(before, h)
        matmul(row, weights, all_four)
        tanh(all_four, all_four)
        multiply(sigmoids, half, sigmoids)
        add(sigmoids, half, sigmoids)
        copy(at, step)
        multiply(takes, given, products)
        add(first, second, cell)
        tanh(cell, bend)
        multiply(bend, shows, hidden)
        h = hidden
    last = (out[-1] if steps else first_h).copy()
    return (*_turn(reverse, out), last, cell.copy(), gates, bent, rows)


def _lstm_slopes(gates: Any, bent: Any) -> Any:
    """What does not depend on the later steps, for each of them: for input, forget, new part and output gate its slope
    times what it lets through; and how the cell goes into the hidden state."""
    i, f, o, g, before = gates
    out = np.empty((len(bent), 5, *bent.shape[1:]), bent.dtype)
    work = np.empty_like(bent)
    for to, gate, partner in ((0, i, g), (1, f, before), (3, o, bent)):
        np.subtract(1, gate, out=work)
        work *= gate
        np.multiply(work, partner, out=out[:, to])
    for to, gate, value in ((2, i, g), (4, o, bent)):
        np.multiply(value, value, out=work)
        np.subtract(1, work, out=work)
        np.multiply(work, gate, out=out[:, to])
    return out


def _lstm_vjp(
    node: Any, gs: Any, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *kept: Any
) -> Any:
    reverse = node.params[0]
    inputs = (x, h0, c0, w_ih, w_hh, b_ih, b_hh)
    if node.xp is not NUMERIC:
        return composed(partial(lstm_plain, reverse=reverse), inputs, gs, node.edges)
    kind = x.dtype
    if kind != np.float32 and kind != np.float64:
        return _narrowed(_lstm_vjp, node, gs, inputs)
    g_out, g_h, g_c = gs
    gates, bent, rows = kept or _lstm(*inputs, reverse)[3:]
    (g_out,) = _turn(reverse, g_out)
    steps, batch, n = bent.shape
    dh = np.zeros((batch, n), kind) if g_h is None else np.array(g_h)
    dc = np.zeros((batch, n), kind) if g_c is None else np.array(g_c)
    slopes = _lstm_slopes(gates, bent)
    d = np.empty((steps, batch, 4 * n), kind)
    together = np.empty((4, batch, n), kind)
    taken, shown = together[:3], together[3]
    product = np.empty((batch, n), kind)
    dot, multiply, add, copy = np.dot, np.multiply, np.add, np.copyto
    by_gate = d.reshape(steps, batch, 4, n).transpose(0, 2, 1, 3)
    for at, others, own, through, forget, step, to in zip(
        range(steps - 1, -1, -1),
        slopes[::-1, :3],
        slopes[::-1, 3],
        slopes[::-1, 4],
        gates[1, ::-1],
        d[::-1],
        by_gate[::-1],
    ):
        if g_out is not None:
            add(dh, g_out[at], dh)
        multiply(dh, through, product)
        add(dc, product, dc)
        multiply(dh, own, shown)
        multiply(dc, others, taken)
        multiply(dc, forget, dc)
        copy(to, together)
        dot(step, w_hh, dh)
    e_x, _, _, e_ih, e_hh, e_bih, e_bhh = node.edges
    flat = d.reshape(-1, 4 * n)
    dx = d_ih = d_hh = db = None
    if e_x is not None:
        (dx,) = _turn(reverse, (flat @ w_ih).reshape(x.shape))
    if e_ih is not None or e_hh is not None or e_bih is not None or e_bhh is not None:
        width = x.shape[2]
        both = flat.T @ rows.reshape(len(flat), rows.shape[2])
        d_hh, d_ih, db = both[:, :n].copy(), both[:, n : n + width].copy(), both[:, -1].copy()
    return dx, dh, dc, d_ih, d_hh, db, None if db is None else db.copy()


def lstm_plain(
    x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, reverse: bool = False
) -> tuple[Any, Any, Any]:
    """The same of plain operators, which can be differentiated twice."""
    linear, tanh, sigmoid = FUNCTIONS["linear"], FUNCTIONS["tanh"], FUNCTIONS["sigmoid"]
    steps = list(x.unbind(0))
    outs = []
    for step in reversed(steps) if reverse else steps:
        i, f, g, o = (linear(step, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, 1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        outs.append(h)
    return FUNCTIONS["stack"](outs[::-1] if reverse else outs), h, c


# GRU


def _gru(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, reverse: bool) -> tuple[Any, ...]:
    (x,) = _turn(reverse, x)
    gates = _before(np.ascontiguousarray(x), w_ih, b_ih)
    steps, batch, wide = gates.shape
    n = wide // 3
    out = np.empty((steps, batch, n), x.dtype)
    inner = np.empty_like(out)
    w = np.ascontiguousarray(w_hh.T)
    part = np.empty((batch, wide), x.dtype)
    product = np.empty((batch, n), x.dtype)
    first = h
    for t in range(steps):
        g = gates[t]
        np.matmul(h, w, out=part)
        if b_hh is not None:
            part += b_hh
        g[:, : 2 * n] += part[:, : 2 * n]
        _sigmoid(g[:, : 2 * n], g[:, : 2 * n])
        inner[t] = part[:, 2 * n :]
        np.multiply(g[:, :n], part[:, 2 * n :], out=product)
        g[:, 2 * n :] += product
        np.tanh(g[:, 2 * n :], out=g[:, 2 * n :])
        new = out[t]
        np.subtract(h, g[:, 2 * n :], out=new)
        new *= g[:, n : 2 * n]
        new += g[:, 2 * n :]
        h = new
    return (*_turn(reverse, out), h.copy() if steps else first.copy(), gates, inner, out)


def _gru_vjp(node: Any, gs: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, *kept: Any) -> Any:
    reverse = node.params[0]
    inputs = (x, h0, w_ih, w_hh, b_ih, b_hh)
    if node.xp is not NUMERIC:
        return composed(partial(gru_plain, reverse=reverse), inputs, gs, node.edges)
    g_out, g_h = gs
    gates, inner, out = kept or _gru(*inputs, reverse)[2:]
    x, g_out = _turn(reverse, x, g_out)
    x = np.ascontiguousarray(x)
    steps, batch, wide = gates.shape
    n = wide // 3
    hidden = _earlier(h0, out)
    d = np.empty_like(gates)  # of the input's part
    d_in = np.empty_like(inner)  # of the hidden part of the third gate
    dh = np.zeros((batch, n), x.dtype) if g_h is None else np.array(g_h)
    r, z, new = gates[:, :, :n], gates[:, :, n : 2 * n], gates[:, :, 2 * n :]
    to_new = (1 - z) * (1 - new * new)
    to_z = (hidden - new) * z * (1 - z)
    to_r = inner * r * (1 - r)
    both = np.empty((batch, wide), x.dtype)
    for t in range(steps - 1, -1, -1):
        if g_out is not None:
            dh += g_out[t]
        step = d[t]
        np.multiply(dh, to_new[t], out=step[:, 2 * n :])
        np.multiply(dh, to_z[t], out=step[:, n : 2 * n])
        np.multiply(step[:, 2 * n :], to_r[t], out=step[:, :n])
        np.multiply(step[:, 2 * n :], r[t], out=d_in[t])
        both[:, : 2 * n] = step[:, : 2 * n]
        both[:, 2 * n :] = d_in[t]
        dh *= z[t]
        dh += both @ w_hh
    e_x, _, e_ih, e_hh, e_bih, e_bhh = node.edges
    dx, dw_ih, _, db_ih, _ = _sums(d, x, hidden, w_ih, (e_x, e_ih, None, e_bih, None))
    dw_hh = db_hh = None
    if e_hh is not None or e_bhh is not None:
        d[:, :, 2 * n :] = d_in
        flat = d.reshape(-1, wide)
        dw_hh = flat.T @ hidden.reshape(len(flat), -1)
        db_hh = flat.sum(0)
    return (*_turn(reverse, dx), dh, dw_ih, dw_hh, db_ih, db_hh)


def gru_plain(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, reverse: bool = False) -> tuple[Any, Any]:
    """The same of plain operators, which can be differentiated twice."""
    linear, tanh, sigmoid = FUNCTIONS["linear"], FUNCTIONS["tanh"], FUNCTIONS["sigmoid"]
    steps = list(x.unbind(0))
    outs = []
    for step in reversed(steps) if reverse else steps:
        ir, iz, i_new = linear(step, w_ih, b_ih).chunk(3, 1)
        hr, hz, h_new = linear(h, w_hh, b_hh).chunk(3, 1)
        new = tanh(i_new + sigmoid(ir + hr) * h_new)
        h = new + sigmoid(iz + hz) * (h - new)
        outs.append(h)
    return FUNCTIONS["stack"](outs[::-1] if reverse else outs), h


# The plain recurrent net


def _rnn(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, reverse: bool, kind: str) -> tuple[Any, ...]:
    (x,) = _turn(reverse, x)
    out = _before(np.ascontiguousarray(x), w_ih, b_ih, b_hh)
    w = np.ascontiguousarray(w_hh.T)
    part = np.empty(h.shape, x.dtype)
    first = h
    for new in out:
        np.matmul(h, w, out=part)
        new += part
        if kind == "tanh":
            np.tanh(new, out=new)
        else:
            np.maximum(new, 0, out=new)
        h = new
    return (*_turn(reverse, out), h.copy() if len(out) else first.copy())


def _rnn_vjp(node: Any, gs: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, out: Any) -> Any:
    reverse, kind = node.params
    if node.xp is not NUMERIC:
        inputs = (x, h0, w_ih, w_hh, b_ih, b_hh)
        return composed(partial(rnn_plain, reverse=reverse, kind=kind), inputs, gs, node.edges)
    g_out, g_h = gs
    x, g_out, out = _turn(reverse, x, g_out, out)
    x = np.ascontiguousarray(x)
    d = np.empty(out.shape, x.dtype)
    slope = 1 - out * out if kind == "tanh" else (out > 0).astype(x.dtype)
    dh = np.zeros(out.shape[1:], x.dtype) if g_h is None else np.array(g_h)
    for t in range(len(out) - 1, -1, -1):
        if g_out is not None:
            dh += g_out[t]
        np.multiply(dh, slope[t], out=d[t])
        np.matmul(d[t], w_hh, out=dh)
    dx, *rest = _sums(d, x, _earlier(h0, out), w_ih, (node.edges[0], *node.edges[2:]))
    return (*_turn(reverse, dx), dh, *rest)


def rnn_plain(
    x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, reverse: bool = False, kind: str = "tanh"
) -> tuple[Any, Any]:
    """The same of plain operators, which can be differentiated twice."""
    linear, bend = FUNCTIONS["linear"], FUNCTIONS[kind]
    steps = list(x.unbind(0))
    outs = []
    for step in reversed(steps) if reverse else steps:
        h = bend(linear(step, w_ih, b_ih) + linear(h, w_hh, b_hh))
        outs.append(h)
    return FUNCTIONS["stack"](outs[::-1] if reverse else outs), h


def _shapes(x: Any, h: Any, *_: Any) -> tuple[Any, Any]:
    return (*x[:2], h[1]), h


LSTM = declare(
    Op(
        name="lstm",
        node="MkldnnRnnLayerBackward0",
        category=Category.MATRIX,
        args=_LSTM_ARGS,
        params=("reverse",),
        formula=(
            "i, f, o = σ(W·x + U·h + b);  g = tanh(W·x + U·h + b);  cell = f · cell + i · g;  hidden = o · tanh(cell)"
        ),
        backward_formula=N_("back through time: each step's gradient goes through its gates to the step before"),
        forward=lambda *a: _lstm(*a)[:3],
        vjp=_lstm_vjp,
        saves=_LSTM_ARGS,
        n_outputs=3,
        shape=lambda x, h, c, *_: ((*x[:2], h[1]), h, c),
        narrate=N_("{input} {input_shape} is read step by step; gates decide what the cell keeps, takes in and shows"),
        narrate_backward=N_("the gradient goes back through time, step by step, to {input} and the weights"),
        samples=lambda: [((3, 2, 4), (2, 5), (2, 5), (20, 4), (20, 5), (20,), (20,), {"reverse": False})],
    )
)
GRU = declare(
    Op(
        name="gru",
        node="StackBackward0",
        category=Category.MATRIX,
        args=_ARGS,
        params=("reverse",),
        formula="r, z = σ(W·x + U·h + b);  n = tanh(W·x + b + r · (U·h + b));  hidden = (1 − z) · n + z · hidden",
        backward_formula=N_("back through time: each step's gradient goes through its gates to the step before"),
        forward=lambda *a: _gru(*a)[:2],
        vjp=_gru_vjp,
        saves=_ARGS,
        n_outputs=2,
        shape=_shapes,
        narrate=N_("{input} {input_shape} is read step by step; gates decide how much of the hidden state is renewed"),
        narrate_backward=N_("the gradient goes back through time, step by step, to {input} and the weights"),
        samples=lambda: [((3, 2, 4), (2, 5), (15, 4), (15, 5), (15,), (15,), {"reverse": False})],
    )
)
RNN = declare(
    Op(
        name="rnn",
        node="StackBackward0",
        category=Category.MATRIX,
        args=_ARGS,
        params=("reverse", "nonlinearity"),
        formula=N_("hidden = tanh(W · x + U · hidden + b), step by step"),
        backward_formula=N_("back through time: d hidden = (g + d of the next step) · (1 − hidden²)"),
        forward=_rnn,
        vjp=_rnn_vjp,
        saves=(*_ARGS, "out"),
        n_outputs=2,
        shape=_shapes,
        narrate=N_(
            "{input} {input_shape} is read step by step, each together with the hidden state of the step before"
        ),
        narrate_backward=N_("the gradient goes back through time, step by step, to {input} and the weights"),
        samples=lambda: [((3, 2, 4), (2, 5), (5, 4), (5, 5), (5,), (5,), {"reverse": False, "nonlinearity": "tanh"})],
    )
)


def layer(mode: str, inputs: tuple[Any, ...], reverse: bool) -> tuple[Tensor, ...]:
    """One layer in one direction: (output, hidden) or, for LSTM, (output, hidden, cell)."""
    op, params = {
        "LSTM": (LSTM, (reverse,)),
        "GRU": (GRU, (reverse,)),
        "RNN_TANH": (RNN, (reverse, "tanh")),
        "RNN_RELU": (RNN, (reverse, "relu")),
    }[mode]
    where = common_device(op.name, inputs)
    if op is RNN or where.simulated or not needs_grad(inputs):
        return run(op, inputs, params)  # type: ignore[no-any-return]
    arrays: Any = [None if t is None else t._array for t in inputs]
    n = op.n_outputs
    forward: Any = _lstm if op is LSTM else _gru
    made = forward(*arrays, reverse)
    return finish_many(op, inputs, made[:n], params, made[n:])
