"""Dropout."""

from __future__ import annotations

from typing import Any

from graphlab.engine.nn import functional as F
from graphlab.engine.nn.module import Module
from graphlab.engine.tensor import Tensor


class Dropout(Module):
    """In training, sets each entry to 0 with probability `p` and divides the others by 1 - p."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
