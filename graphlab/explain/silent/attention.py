"""Attention that looks at the wrong places: weights along the wrong axis, masks upside down, the future in sight."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import ancestors, line_of, roots
from graphlab.explain.source import called
from graphlab.explain.values import array_at
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix, TensorKind

_PRODUCTS = ("matmul", "bmm", "baddbmm", "einsum")
_ON_SCORES = re.compile("mul|div|masked_fill|add|sub|where|clamp|contiguous|to|float")
_ON_WEIGHTS = re.compile("dropout|clone|contiguous|to|masked_fill|nan_to_num")


def _weightings(run: Run) -> Iterator[tuple[Event, Event, Event]]:
    """The softmax of attention: the product that gave its scores, itself, and the product that it weighs."""
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "softmax" or not event.inputs or event.inputs[0] < 0:
            continue
        scores = _scores_behind(run, event.inputs[0])
        weighed = _weighed(run, event.outputs[0]) if scores is not None else None
        if scores is not None and weighed is not None:
            yield scores, event, weighed


def _scores_behind(run: Run, tensor: int) -> Event | None:
    """The product of two activations that a tensor of scores came from."""
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or event.kind != EventKind.FORWARD:
            return None
        if event.op in _PRODUCTS:
            factors = [t for t in event.inputs if t >= 0]
            is_learned = any(run.tensor(t).kind == TensorKind.PARAMETER for t in factors)
            return event if len(factors) >= 2 and not is_learned else None
        if not _ON_SCORES.fullmatch(event.op):
            return None
        wide = [t for t in event.inputs if t >= 0 and run.tensor(t).dtype != "bool"]
        if not wide:
            return None
        tensor = max(wide, key=lambda t: (run.tensor(t).requires_grad, t in run.made_by, len(run.tensor(t).shape)))
    return None


def _weighed(run: Run, tensor: int) -> Event | None:
    """The product whose first factor are the weights."""
    for _turn in range(4):
        users = run.used_by.get(tensor, [])
        product = next((e for e in users if e.op in _PRODUCTS and e.inputs[0] == tensor), None)
        if product is not None:
            return product
        through = next((e for e in users if _ON_WEIGHTS.fullmatch(e.op) and e.inputs[0] == tensor), None)
        if through is None:
            return None
        tensor = through.outputs[0]
    return None


@silent_bug(
    "GL752",
    Severity.WARNING,
    title=N_("The weights of the attention don't sum to 1: softmax along dim {dim} instead of the last"),
    what=N_(
        "`softmax` on line {line} sums to 1 along dim {dim} of {scores} {shape}, and the product on line {product} "
        "adds up along the last one."
    ),
    why=N_("Each query takes a weighted mean of all values: its weights, one row of the scores, must sum to 1."),
    fix=N_("Use `dim=-1`."),
    example={"dim": 1, "line": 5, "scores": "`scores`", "shape": "(2, 3, 3)", "product": 6},
    program="""import torch
torch.manual_seed(0)
q, k, v = torch.nn.Linear(5, 12)(torch.randn(2, 3, 5)).chunk(3, dim=-1)
scores = q @ k.transpose(1, 2)
weights = scores.softmax(dim=1)
out = weights @ v
out.sum().backward()
""",
    mended="""import torch
torch.manual_seed(0)
q, k, v = torch.nn.Linear(5, 12)(torch.randn(2, 3, 5)).chunk(3, dim=-1)
scores = q @ k.transpose(1, 2)
weights = scores.softmax(dim=-1)
out = weights @ v
out.sum().backward()
""",
)
def weights_along_queries(run: Run) -> list[Found]:
    """Softmax of attention scores along another axis than the one that is summed over."""
    for _scores, event, weighed in _weightings(run):
        shape = run.tensor(event.inputs[0]).shape
        dim = event.params.get("dim")
        if not isinstance(dim, int) or len(shape) < 2 or weighed.op == "einsum":
            continue
        dim = dim + len(shape) if dim < 0 else dim
        if dim == len(shape) - 1 or (dim == 0 and len(shape) > 2):  # the batch has an entry of its own
            continue
        values = {
            "dim": dim,
            "line": line_of(run, event),
            "scores": quoted_name(run.trace, event.inputs[0]),
            "shape": words.shape(shape),
            "product": line_of(run, weighed),
        }
        fixes = []
        node = run.source.expression_at(run.span(event))
        given = [k.value for k in node.keywords if k.arg == "dim"] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Call) and not given:
            is_function = called(node) == "softmax" and len(node.args) == 2
            given = node.args[-1:] if is_function or len(node.args) == 1 else []
        if given and called(node) == "softmax":
            fixes.append(Fix(words.fill(N_("Use `dim=-1`"), {}), "maybe", [run.source.replace(given[0], "-1")]))
        return [Found(values, fixes=fixes, event=event.id, line=line_of(run, event))]
    return []


def _square_weights(run: Run) -> Iterator[tuple[Event, npt.NDArray[Any]]]:
    """The weights of self-attention as (…, steps, steps), where whole values were kept."""
    seen: dict[tuple[str, int], int] = {}
    for _scores, event, weighed in _weightings(run):
        # Each place a few times: the iterations of a loop are alike.
        place = (event.module, event.span)
        seen[place] = seen.get(place, 0) + 1
        if seen[place] > 3:
            continue
        # Some mask after the softmax; what dropout leaves says nothing about a mask.
        into = run.made_by.get(weighed.inputs[0])
        is_masked = into is not None and into.op == "masked_fill"
        weights = weighed.inputs[0] if is_masked else event.outputs[0]
        array = array_at(run.trace, weights, weighed.id)
        if array is not None and array.ndim >= 2 and array.shape[-1] == array.shape[-2] >= 3:
            yield event, np.asarray(array, dtype=np.float64)


@silent_bug(
    "GL753",
    Severity.WARNING,
    title=N_("The mask of the attention is upside down: each position sees only what comes after it"),
    what=N_(
        "After `softmax` on line {line} all weights on and below the diagonal are 0: position {at} of {n} looks at the "
        "later ones alone."
    ),
    why=N_(
        "A causal mask blocks what lies above the diagonal. `True` means blocked in `masked_fill` and in `attn_mask` "
        "of `nn.MultiheadAttention`, and allowed in `scaled_dot_product_attention`."
    ),
    fix=N_("Block `torch.triu(…, diagonal=1)`, or what is 0 in `torch.tril(…)`."),
    example={"line": 6, "at": 0, "n": 4},
    program="""import torch
torch.manual_seed(0)
q, k, v = torch.nn.Linear(3, 6)(torch.randn(1, 4, 3)).chunk(3, dim=-1)
tril = torch.tril(torch.ones(4, 4))
scores = (q @ k.transpose(1, 2)).masked_fill(tril == 1, -1e9)
weights = scores.softmax(dim=-1)
(weights @ v).sum().backward()
""",
    mended="""import torch
torch.manual_seed(0)
q, k, v = torch.nn.Linear(3, 6)(torch.randn(1, 4, 3)).chunk(3, dim=-1)
tril = torch.tril(torch.ones(4, 4))
scores = (q @ k.transpose(1, 2)).masked_fill(tril == 0, -1e9)
weights = scores.softmax(dim=-1)
(weights @ v).sum().backward()
""",
)
def mask_upside_down(run: Run) -> list[Found]:
    """A causal mask that blocks the past instead of the future."""
    for event, weights in _square_weights(run):
        rows = weights[..., :-1, :]  # the last one has nothing left to look at: NaN, or the same everywhere
        past = np.tril(np.ones(weights.shape[-2:], dtype=bool))[:-1]
        if np.abs(rows[..., past]).max() < 1e-6 and np.nanmin(rows[..., ~past]) > 0:
            line = line_of(run, event)
            values = {"line": line, "at": 0, "n": weights.shape[-1]}
            return [Found(values, event=event.id, line=line)]
    return _padding_alone(run)


def _padding_alone(run: Run) -> list[Found]:
    """Attention in which the real tokens of a batch have no weight and the padding has all."""
    embedded = [e for e in run.by_kind[EventKind.FORWARD] if e.op == "embedding" and len(e.inputs) > 1]
    for event, weights in _square_weights(run):
        n = weights.shape[-1]
        for given in embedded:
            tokens = array_at(run.trace, given.inputs[1], given.id) if given.inputs[1] >= 0 else None
            if tokens is None or tokens.ndim != 2 or tokens.shape[1] != n or weights.shape[0] % len(tokens):
                continue
            padding = given.params.get("padding_idx")
            is_pad = tokens == (padding if isinstance(padding, int) else 0)
            if not is_pad.any() or is_pad.all():
                continue
            columns = weights.reshape(len(tokens), -1, n, n).max(axis=(1, 2))  # the most that each token gets
            rows = is_pad.any(axis=1)
            seen, hidden = columns[rows][is_pad[rows]], columns[rows][~is_pad[rows]]
            if not np.isfinite(seen).all() or not hidden.size or hidden.max() > 1e-6 or seen.min() <= 1e-6:
                continue
            line = line_of(run, event)
            n_real = int((~is_pad[rows]).sum())
            found = Found({"line": line, "n_real": n_real}, event=event.id, line=line)
            found.title = N_("The mask of the attention is upside down: only the padding is looked at")
            found.what = N_(
                "After `softmax` on line {line} the {n_real} real tokens have a weight of 0, and the padding has all."
            )
            found.why = N_("In `key_padding_mask` and in `masked_fill`, `True` marks what is left out.")
            found.fix = N_("Mark the padding: `mask = tokens == pad`, not `tokens != pad`.")
            return [found]
    return []


@silent_bug(
    "GL754",
    Severity.WARNING,
    title=N_("The model sees the next token that it should predict: the attention has no causal mask"),
    what=N_(
        "{targets} is {tokens} moved by one, and position {at} of the attention on line {line} gives position {later} "
        "a weight of {weight}: the answer itself."
    ),
    why=N_(
        "In training all positions are predicted at once. What isn't masked may be copied from the right, so the loss "
        "falls and the model generates nonsense."
    ),
    fix=N_("Mask the future before the softmax: `scores.masked_fill(torch.triu(…, diagonal=1).bool(), -inf)`."),
    example={
        "targets": "`y`",
        "tokens": "`x`",
        "at": 0,
        "later": 1,
        "weight": "0.12",
        "line": 11,
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
emb, head = nn.Embedding(9, 4), nn.Linear(4, 9)
tokens = torch.randint(0, 9, (2, 6))
x, y = tokens[:, :-1], tokens[:, 1:]
optimizer = torch.optim.SGD([*emb.parameters(), *head.parameters()], lr=0.1)
for step in range(2):
    h = emb(x)
    scores = h @ h.transpose(1, 2)
    out = head(scores.softmax(dim=-1) @ h)
    loss = nn.functional.cross_entropy(out.reshape(-1, 9), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
emb, head = nn.Embedding(9, 4), nn.Linear(4, 9)
tokens = torch.randint(0, 9, (2, 6))
x, y = tokens[:, :-1], tokens[:, 1:]
future = torch.triu(torch.ones(5, 5), diagonal=1).bool()
optimizer = torch.optim.SGD([*emb.parameters(), *head.parameters()], lr=0.1)
for step in range(2):
    h = emb(x)
    scores = (h @ h.transpose(1, 2)).masked_fill(future, float("-inf"))
    out = head(scores.softmax(dim=-1) @ h)
    loss = nn.functional.cross_entropy(out.reshape(-1, 9), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def future_in_sight(run: Run) -> list[Found]:
    """Next-token training whose attention looks ahead."""
    shifted = _shifted(run)
    if shifted is None or mask_upside_down(run):
        return []
    tokens, targets, root, shape = shifted
    needed = ancestors(run, [root])
    for event, weights in _square_weights(run):
        if weights.shape[-1] != shape[-1] or event.outputs[0] not in needed:
            continue
        # The heads of one batch; a mask leaves exact zeros.
        ahead = np.stack([weights[..., at, at + 1] for at in range(weights.shape[-1] - 1)])
        if not (np.isfinite(ahead).all() and ahead.min() > 1e-6):
            continue
        line = line_of(run, event)
        values = {
            "targets": quoted_name(run.trace, targets),
            "tokens": quoted_name(run.trace, tokens),
            "at": 0,
            "later": 1,
            "weight": words.number(float(f"{ahead[0].flat[0]:.2g}")),
            "line": line,
        }
        if _is_mask_lost(run, event):
            continue
        return [Found(values, event=event.id, line=line)]
    return []


def _is_mask_lost(run: Run, event: Event) -> bool:
    """Whether a mask was computed for these scores and thrown away: that has an entry of its own."""
    users = run.used_by.get(event.inputs[0], [])
    return any(e.op == "masked_fill" and not run.used_by.get(e.outputs[0]) for e in users)


def _shifted(run: Run) -> tuple[int, int, int, list[int]] | None:
    """The tokens of an embedding and the targets of a loss, where the targets are the tokens moved by one."""
    embedded = [
        e.inputs[1]
        for e in run.by_kind[EventKind.FORWARD]
        if e.op == "embedding" and len(e.inputs) > 1 and e.inputs[1] >= 0
    ]
    for root in roots(run):
        made = run.made_by.get(root)
        if made is None or made.op not in ("cross_entropy", "nll_loss") or len(made.inputs) < 2:
            continue
        targets = made.inputs[1]
        goal = array_at(run.trace, targets, made.id) if targets >= 0 else None
        if goal is None:
            continue
        for tokens in embedded:
            shape = run.tensor(tokens).shape
            given = array_at(run.trace, tokens, made.id)
            if given is None or given.size != goal.size or not shape or shape[-1] < 3:
                continue
            one, other = given.reshape(-1, shape[-1]), goal.reshape(-1, shape[-1])
            if (one[:, 1:] == other[:, :-1]).all() and (one != other).any() and len(np.unique(one)) > 2:
                named = targets
                while not run.tensor(named).name and (step := run.made_by.get(named)) is not None and step.inputs:
                    named = step.inputs[0]
                return tokens, named, root, shape
    return None
