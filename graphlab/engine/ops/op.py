"""`Op`: everything that is to be known about one operator, declared in one place, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from graphlab.engine import dtypes
from graphlab.engine.autograd.graph import Node, kind_named
from graphlab.i18n import N_


class Category(Enum):
    """What kind of computation an operator is: its colour and legend entry."""

    ARITHMETIC = N_("Arithmetic")
    ELEMENTWISE = N_("Elementwise function")
    ACTIVATION = N_("Activation")
    MATRIX = N_("Matrix product")
    REDUCTION = N_("Reduction")
    SHAPE = N_("Shape")
    INDEX = N_("Indexing")
    COMPARISON = N_("Comparison")
    LOSS = N_("Loss")
    NORMALIZATION = N_("Normalization")
    CREATION = N_("Creation")
    RANDOM = N_("Random")
    CONVERSION = N_("Conversion")

    @property
    def label(self) -> str:
        """Its name in English, to be translated where it is shown."""
        return self.value


ENTRYWISE = (Category.ARITHMETIC, Category.ELEMENTWISE, Category.ACTIVATION, Category.COMPARISON)
"""Operators whose result lies in memory as their operands do."""


@dataclass(slots=True)
class Op:
    """One operator.

    `forward` takes the arrays of the tensor arguments, then `params` in order. `vjp(node, g, *saved)` returns the
    gradient of each argument (None where there is none); it computes with operators and with `node.xp` only, so that
    it runs on arrays and, when the backward pass is itself recorded, on tensors. `saves` names what it needs: an
    argument, "*" for all, "out" (or "out1" for the second output); "x:w" saves x only when w's gradient is wanted.
    """

    name: str
    category: Category
    args: tuple[str, ...]
    formula: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    saves: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    node: str = ""  # PyTorch's name of its grad_fn: "AddBackward0"; made from the name when empty
    backward_formula: str = ""
    # By rule, without numbers, as the meta device needs them. A tuple of each where there are several outputs.
    shape: Callable[..., Any] | None = None  # output shape from the arguments' shapes and params
    dtype: Callable[..., Any] | None = None  # output NumPy type from the arguments and params; the first one's if None
    broadcasts: bool = False  # the node's params start with the arguments' shapes
    view: bool = False  # the output may share the input's memory
    n_outputs: int = 1
    narrate: str = ""
    narrate_backward: str = ""
    facts: Callable[..., dict[str, Any]] | None = None
    samples: Callable[[], list[tuple[Any, ...]]] | None = None
    errors: Callable[[], list[tuple[Any, ...]]] | None = None
    function: Callable[..., Any] | None = None  # what programs call
    node_type: type[Node] = Node
    plan: tuple[tuple[int, int], ...] = field(default=())  # `saves` as (argument or -1 - output, needed by or -1)


def values_and_places(x: Any, *_: Any) -> tuple[Any, Any]:
    """The types of an operator that gives entries of its input and where they were."""
    return x.dtype, dtypes.I64


def first_shape(shape: Any, *_: Any) -> Any:
    """The shape of an operator whose output is like its first argument."""
    return shape


OPS: dict[str, Op] = {}
"""All operators by name."""


def declare(op: Op) -> Op:
    """Enter an operator into the registry."""
    if op.name in OPS:
        raise ValueError(f"operator {op.name!r} is declared twice")
    plan = []
    for each in op.saves:
        what, _, by = each.partition(":")
        if what == "*":
            continue
        index = -1 - int(what[3:] or 0) if what.startswith("out") else op.args.index(what)
        plan.append((index, op.args.index(by) if by else -1))
    op.plan = tuple(plan)
    op.node = op.node or "".join(part.title() for part in op.name.split("_")) + "Backward0"
    op.node_type = type(
        op.node,
        (Node,),
        {
            "__slots__": (),
            "__module__": "builtins",  # as PyTorch's are: `print(type(t.grad_fn))`
            "op": op,
            "vjp": staticmethod(op.vjp or _no_vjp(op.name)),
            "n_outputs": op.n_outputs,
        },
    )
    OPS[op.name] = op
    return op


def known_as(op: Op, node: str) -> Op:
    """The same operator under another of PyTorch's names for its grad_fn: what `sum` with a dim is called."""
    return replace(op, node=node, node_type=kind_named(op.node_type, node))


def _no_vjp(name: str) -> Callable[..., Any]:
    def vjp(node: Any, g: Any, *saved: Any) -> Any:
        raise RuntimeError(f"derivative for {name} is not implemented")

    return vjp
