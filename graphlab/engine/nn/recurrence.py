"""Recurrent layers over packed sequences, and LSTM with projections: what `rnn.py` needs for these two."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from graphlab.engine.nn import functional as F
from graphlab.engine.ops.recurrent import layer
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor

Layer = Callable[[str, tuple[Any, ...], bool], tuple[Tensor, ...]]


def projected(inputs: tuple[Any, ...], reverse: bool) -> tuple[Tensor, ...]:
    """One LSTM layer whose hidden state is projected: (input, hidden, cell, weights and biases, projection)."""
    x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr = inputs
    gates_in = F.linear(x, w_ih, b_ih)
    outs = []
    steps = gates_in.unbind(0)
    for step in reversed(steps) if reverse else steps:
        i, f, g, o = (step + F.linear(h, w_hh, b_hh)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = F.linear(o.sigmoid() * c.tanh(), w_hr)
        outs.append(h)
    return FUNCTIONS["stack"](outs[::-1] if reverse else outs), h, c


def one_layer(mode: str, inputs: tuple[Any, ...], reverse: bool) -> tuple[Tensor, ...]:
    """One layer in one direction, with a projection where the last weight is one."""
    if mode == "LSTM" and len(inputs) == 8:
        return projected(inputs, reverse)
    return layer(mode, inputs, reverse)


def packed_layer(
    mode: str, data: Tensor, batch_sizes: list[int], states: tuple[Tensor, ...], weights: list[Any], reverse: bool
) -> tuple[Tensor, list[Tensor]]:
    """One layer in one direction over packed data: outputs packed alike, and the last states of all sequences.

    Steps that have the same number of sequences are run together, as one padded piece.
    """
    pieces = []
    start = 0
    for n, group in groupby(batch_sizes):
        n_steps = len(list(group))
        pieces.append((start, n_steps, n))
        start += n_steps * n
    outs: list[Any] = []
    now = list(states if not reverse else (s[: pieces[-1][2]] for s in states))
    ended: list[list[Tensor]] = [[] for _ in states]
    for at, n_steps, n in reversed(pieces) if reverse else pieces:
        n_now = now[0].shape[0]
        if n > n_now:  # on the way back more sequences begin
            now = [FUNCTIONS["cat"]([old, first[n_now:n]]) for old, first in zip(now, states)]
        elif n < n_now:  # on the way forward some have ended
            for kept, old in zip(ended, now):
                kept.append(old[n:])
            now = [old[:n] for old in now]
        piece = data[at : at + n_steps * n].reshape(n_steps, n, data.shape[1])
        out, *now = one_layer(mode, (piece, *now, *weights), reverse)
        outs.append(out.reshape(n_steps * n, out.shape[2]))
    if reverse:
        outs.reverse()
    last = [FUNCTIONS["cat"]([old, *kept[::-1]]) if kept else old for old, kept in zip(now, ended)]
    return outs[0] if len(outs) == 1 else FUNCTIONS["cat"](outs), last
