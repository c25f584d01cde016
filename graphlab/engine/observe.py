"""The one seam through which a run can be watched. Costs one test for None an operator when nobody does.

The engine calls the observer; it never asks it anything. Arrays handed over belong to the engine and may be written to
later: an observer that keeps numbers copies them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from graphlab.engine.autograd.graph import Node
    from graphlab.engine.tensor import Tensor


class Observer(Protocol):
    """What happens in the engine, in the order in which it happens.

    `Tensor` and `Node` each have a slot `_mark` (None at first) which the engine never reads: it is the observer's own.
    """

    def created(self, op: str, tensor: Tensor, params: dict[str, Any]) -> None:
        """The program made a leaf from data ("tensor", "zeros", "randn", …). Not called for what the engine makes."""

    def forward(self, op: str, inputs: tuple[Any, ...], output: Any, params: dict[str, Any]) -> None:
        """An operator ran. `inputs`: its tensor arguments in order (a Python number where the program gave one);
        `output`: a Tensor or tuple of Tensors, whose `grad_fn` is the Node or None."""

    def inplace(self, op: str, tensor: Tensor, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        """An operator wrote into `tensor` (after the write). `inputs` as in `forward`."""

    def backward_started(self, root: Tensor) -> None:
        """A backward pass from `root` begins (`Tensor.backward`, `autograd.grad`)."""

    def backward(self, node: Node, grads: tuple[np.ndarray | None, ...], result: Sequence[np.ndarray | None]) -> None:
        """A node's vector-Jacobian product ran: gradients of its outputs in, of its inputs (as in `forward`) out."""

    def summed(self, node: Node, output: int, contribution: np.ndarray, total: np.ndarray) -> None:
        """A second or later contribution was added to the gradient that flows into output number `output` of `node`
        (for a leaf: its AccumulateGrad node, whose attribute `variable` is the leaf)."""

    def accumulated(self, leaf: Tensor, grad: np.ndarray) -> None:
        """`leaf.grad` was set or added to. `grad`: what was added; `leaf.grad` is the total."""

    def backward_ended(self) -> None:
        """The pass is over, also when it failed."""

    def updated(self, optimizer: str, param: Tensor, params: dict[str, Any]) -> None:
        """An optimizer changed `param`; `params` are its settings ({"lr": 0.01, …})."""

    def zeroed(self, params: list[Tensor]) -> None:
        """`zero_grad` was called for these parameters."""

    def module_entered(self, module: Any) -> None:
        """A module's `__call__` begins."""

    def module_left(self, module: Any, result: Any) -> None:
        """A module's `__call__` is over with `result`, or has failed: None."""

    def warned(self, message: str, category: str, kind: str, facts: dict[str, Any]) -> None:
        """The engine warned. `kind` and `facts` as on errors ("softmax_dim")."""

    def failed(self, op: str, inputs: tuple[Any, ...], params: dict[str, Any], error: BaseException) -> None:
        """An operator refused its arguments. `error` may carry `kind` and `facts`."""


observer: Observer | None = None
"""The observer in force, or None. The hot path reads this module attribute; set it with `observing`."""


def set_observer(new: Observer | None) -> Observer | None:
    """Put an observer in force (None: nobody watches); returns the one before it."""
    global observer
    before, observer = observer, new
    return before
