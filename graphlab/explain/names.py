"""Which known name comes nearest to one that isn't known, and what the objects of PyTorch offer."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable

_CUTOFF = 0.72


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Known names that look like `name`, best first: one letter off, two swapped, or much the same on the whole."""
    folded = {k.lower(): k for k in sorted(known, reverse=True) if not k.startswith("__")}
    close = difflib.get_close_matches(name.lower(), list(folded), n=3, cutoff=_CUTOFF)
    slips = [k for k in folded if len(k) > 2 and k not in close and is_slip(name.lower(), k)]
    short = [k for k in folded if k not in close and abbreviates(k, name.lower())]
    return [folded[f] for f in [*sorted(short), *close, *sorted(slips)][:3] if folded[f] != name]


def abbreviates(a: str, b: str) -> bool:
    """Whether two names of several words are the same, one word of them shortened: `train_dl`, `train_dataloader`."""
    first, second = a.split("_"), b.split("_")
    if len(first) != len(second) or len(first) < 2:
        return False
    pairs = [(x, y) for x, y in zip(first, second) if x != y]
    return len(pairs) == 1 and any(_is_short_for(x, y) for x, y in (pairs[0], pairs[0][::-1]))


def _is_short_for(short: str, long: str) -> bool:
    """`dl` for `dataloader`: the same first letter, and the others in their order."""
    rest = iter(long)
    return bool(short) and short[0] == long[:1] and len(short) < len(long) and all(c in rest for c in short)


def is_slip(a: str, b: str) -> bool:
    """Whether one letter was changed, left out, put in, or swapped with its neighbour."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    at = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
    short, long = sorted((a, b), key=len)
    return short[at:] == long[at + 1 :]


def members_of(owner: str) -> set[str]:
    """What an object of PyTorch's own offers: the attributes of an optimizer, a layer, a data set."""
    from graphlab.engine import nn, optim
    from graphlab.engine.utils import data

    for module in (nn, optim, optim.lr_scheduler, data):
        kind = getattr(module, owner, None)
        if isinstance(kind, type):
            # What instances have beside: parameters, and the settings that the constructor keeps.
            settings = set(inspect.signature(kind).parameters) - {"args", "kwargs"}
            kept = {"weight", "bias"} & {*settings, "weight"} if module is nn else set()
            return {n for n in dir(kind) if not n.startswith("_")} | settings | kept
    return set()
