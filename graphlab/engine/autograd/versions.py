"""The check that nothing which a derivative needs was overwritten, in PyTorch's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphlab.engine import dtypes
from graphlab.engine.autograd import anomaly
from graphlab.engine.autograd.graph import Node, SavedOutput
from graphlab.engine.errors import fail, make

if TYPE_CHECKING:
    from graphlab.engine.tensor import Tensor

_TRANSPOSED = {
    "linear": ("weight",),
    "gru": ("weight_ih", "weight_hh"),
    "rnn": ("weight_ih", "weight_hh"),
}
"""Arguments that PyTorch transposes before it multiplies with them: it is the transposed view that it saves."""

_NAMESPACED = ("CopySlices", "CopyBackwards", "AccumulateGrad")


def short_name(node: Node) -> str:
    """A node's name in PyTorch's sentences about in-place writes: that of the operator, "Exp"."""
    name = node.name()
    return f"torch::autograd::{name}" if name in _NAMESPACED else re.sub(r"Backward\d*$", "", name)


def check_versions(node: Node, saved: Sequence[Any]) -> None:
    """Refuse a saved tensor that was written to since it was saved."""
    versions = node.versions
    for i, t in enumerate(saved):
        if t is None or t._version is None:
            continue
        expected = versions[i] if versions is not None else 0
        if t._version[0] != expected:
            raise _overwritten(node, i, t, expected)


def _overwritten(node: Node, i: int, t: Any, expected: int) -> BaseException:
    array = t._array
    sizes, source = _saved_as(node, i, t)
    title = dtypes.of(array).title
    where = "torch.cuda." if t._device.type == "cuda" else "torch."
    kind = f"Meta{title}Type" if t._device.type == "meta" else f"{where}{title}Tensor"
    hint = (
        "the backtrace further above shows the operation that failed to compute its gradient. The variable in question "
        "was changed in there or anywhere later. Good luck!"
        if anomaly.is_on
        else "enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    return make(
        RuntimeError,
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{kind} {sizes}]{source} is at version {t._version[0]}; expected version "
        f"{expected} instead. Hint: {hint}",
        kind="inplace_modified",
        version=t._version[0],
        expected=expected,
        shape=list(array.shape),
        op=node.op.name,
    )


def _saved_as(node: Node, i: int, t: Any) -> tuple[list[int], str]:
    """The sizes of a saved tensor and where it comes from, as PyTorch tells them."""
    sizes = list(t._array.shape)
    if type(t) is SavedOutput:
        return sizes, _output_of(t.nr, short_name(node))
    if t._view is not None and (t._rg or t._view.base._rg):
        if t._view.chain[-1][2] is not None and t._fn is not None:
            refuse_shared_view(t)
        # The history of a view that was written to is made anew, by strides.
        return sizes, _output_of(0, "AsStrided")
    plan = node.op.plan
    if i < len(plan) and plan[i][0] >= 0 and node.op.args[plan[i][0]] in _TRANSPOSED.get(node.op.name, ()):
        return sizes[::-1], _output_of(0, "AsStrided") if t._rg else ""
    return sizes, "" if t._fn is None else _output_of(t._nr, short_name(t._fn))


def _output_of(nr: int, name: str) -> str:
    return f", which is output {nr} of {name},"


def refuse_shared_view(t: Tensor, is_written: bool = False) -> None:
    """Refuse a write into one of several views that one operator gave out, or a use of one after its base was written.

    `is_written`: the view itself is about to be written to.
    """
    assert t._fn is not None
    deed = (
        "is a view and is being modified inplace."
        if is_written
        else "is a view and its base or another view of its base has been modified inplace."
    )
    fail(
        RuntimeError,
        f"Output {t._nr} of {short_name(t._fn)} {deed} This view is the output of a function that returns multiple "
        "views. Such functions do not allow the output views to be modified inplace. You should replace the inplace "
        "operation by an out-of-place one.",
        kind="inplace_view",
        op=t._fn.op.name,
    )
