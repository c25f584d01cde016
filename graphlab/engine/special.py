"""Special functions under their own names: `torch.special`."""

from __future__ import annotations

from typing import Any

from graphlab.engine.ops.run import FUNCTIONS

_SAME = (
    "exp2",
    "expm1",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "round",
    "sinc",
    "softmax",
    "xlogy",
    "i0",
    "digamma",
    "erf",
    "erfc",
    "erfinv",
)


def __getattr__(name: str) -> Any:
    found = FUNCTIONS.get("special_" + name) or (FUNCTIONS.get(name) if name in _SAME else None)
    if found is None:
        raise AttributeError(f"module 'torch.special' has no attribute '{name}'")
    return found
