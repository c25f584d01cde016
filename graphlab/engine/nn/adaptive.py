"""A softmax over very many classes: the frequent ones in a head, the others in clusters with smaller layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphlab.engine.nn import functional as F
from graphlab.engine.nn.container import ModuleList, Sequential
from graphlab.engine.nn.linear import Linear
from graphlab.engine.nn.module import Module
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor


class _ASMoutput(NamedTuple):
    """The targets' log probabilities, and the loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Classes up to `cutoffs[0]` have an output each; each further span of them one output and a network."""

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            given != sorted(given)
            or min(given) <= 0
            or max(given) > n_classes - 1
            or len(set(given)) != len(given)
            or any(int(c) != c for c in given)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            narrow = int(in_features // (div_value ** (i + 1)))
            n = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(Linear(in_features, narrow, False, device, dtype), Linear(narrow, n, False, device, dtype))
            )

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> Any:
        is_batched = target_.dim() > 0
        self._check(input_, target_)
        input = input_ if is_batched else input_.unsqueeze(0)
        target = target_ if is_batched else target_.unsqueeze(0)
        chosen = target.clone()
        output = input.new_zeros(target.size(0))
        n_used = 0
        for i, (low, high) in enumerate(zip([0, *self.cutoffs], self.cutoffs)):
            mask = (target >= low) & (target < high)
            rows = mask.nonzero().squeeze(1)
            n_used += rows.numel()
            if i == 0 or not rows.numel():
                continue
            chosen[rows] = self.shortlist_size + i - 1
            inside = F.log_softmax(self.tail[i - 1](input.index_select(0, rows)), dim=1)
            local = inside.gather(1, (target[mask] - low).unsqueeze(1)).squeeze(1)
            output = output.index_add(0, rows, local)
        if n_used != target.size(0):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{target.min().item()}, "
                f"{target.max().item()}] were found. "
            )
        head = F.log_softmax(self.head(input), dim=1)
        output = output + head.gather(1, chosen.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if is_batched else output.squeeze(0), loss)

    @staticmethod
    def _check(input: Any, target: Any) -> None:
        if target.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target.dim() and input.size(0) != target.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input.dim() != target.dim() + 1:
            raise RuntimeError(
                f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found inputs with size "
                f"{input.size()}"
            )

    def log_prob(self, input: Tensor) -> Any:
        """The log probabilities of all classes: (batch, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            place = self.shortlist_size + i
            parts.append(F.log_softmax(tail(input), dim=1) + head[:, place : place + 1])
        return FUNCTIONS["cat"](parts, 1)

    def predict(self, input: Tensor) -> Any:
        """The most probable class of each sample."""
        return self.log_prob(input).argmax(dim=1)
