"""What has a history or needs one: flags of computed tensors, deep copies, functions with a backward of their own."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix


@diagnosis(
    "GL313",
    Severity.ERROR,
    kinds=("requires_grad_flag",),
    title=N_("`requires_grad` of a computed tensor can't be switched off"),
    what=N_("{x} was computed from tensors with `requires_grad`, so its own flag is a consequence, not a choice."),
    why=N_("Only leaves, the tensors that you make yourself, have a flag of their own."),
    fix=N_("Take it out of the graph with `.detach()`, which gives the same numbers without a history."),
    example={},
    program="""import torch
w = torch.tensor(2.0, requires_grad=True)
y = w * 3
y.requires_grad = False
""",
    mended="""import torch
w = torch.tensor(2.0, requires_grad=True)
y = w * 3
y = y.detach()
""",
)
def requires_grad_flag(case: Case) -> Found | None:
    """requires_grad = False on a non-leaf."""
    statement = next((n for n in case.source.nodes if isinstance(n, ast.stmt) and n.lineno == case.line), None)
    found = Found({"x": _("this tensor")})
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
        name = dotted(statement.targets[0].value)
        if name:
            found.words["x"] = words.code(name)
            text = f"{name} = {name}.detach()"
            found.fixes.append(
                Fix(words.fill(N_("Write `{text}`"), {"text": text}), "maybe", [case.source.replace(statement, text)])
            )
    return found


@diagnosis(
    "GL314",
    Severity.ERROR,
    kinds=("deepcopy",),
    title=N_("A computed tensor can't be deep-copied"),
    what=N_("`copy.deepcopy` met a tensor that was computed and has a graph behind it."),
    why=N_("A copy would have to copy the whole graph; only leaves, the tensors made by you, can be copied so."),
    fix=N_("Copy the numbers: `x.detach().clone()`."),
    example={},
    program="""import copy
import torch
w = torch.tensor(2.0, requires_grad=True)
z = copy.deepcopy(w * 2)
""",
    mended="""import torch
w = torch.tensor(2.0, requires_grad=True)
z = (w * 2).detach().clone()
""",
)
def deepcopy(case: Case) -> Found | None:
    """deepcopy of a non-leaf."""
    found = Found()
    call = case.call_of("deepcopy")
    if call is not None and len(call.args) == 1:
        text = f"{case.source.base(call.args[0])}.detach().clone()"
        found.fixes.append(
            Fix(words.fill(N_("Write `{text}`"), {"text": text}), "maybe", [case.source.replace(call, text)])
        )
    return found


@diagnosis(
    "GL315",
    Severity.ERROR,
    kinds=("gradient_count",),
    title=N_("`backward` of {name} must return {wanted} gradients, not {got}"),
    what=N_("{name} took {wanted} inputs in `forward`, and its `backward` returned {got} gradients."),
    why=N_("Each input of `forward` gets its own gradient, in the same order; one that needs none gets `None`."),
    fix=N_("Return a gradient for each input: `return grad_a, grad_b`."),
    example={"name": "Multiply", "wanted": 2, "got": 1},
    program="""import torch
class Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b
    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        return grad * b
a = torch.tensor(2.0, requires_grad=True)
Multiply.apply(a, a * 1).backward()
""",
    mended="""import torch
class Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b
    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        return grad * b, grad * a
a = torch.tensor(2.0, requires_grad=True)
Multiply.apply(a, a * 1).backward()
""",
)
def gradient_count(case: Case) -> Found | None:
    """A custom function's backward returns too few or too many gradients."""
    name = str(case.facts.get("name") or "").removesuffix("Backward")
    return Found(
        {
            "name": words.code(name) if name else _("the function"),
            "wanted": case.facts["wanted"],
            "got": case.facts["got"],
        },
        # What a page calls None in Python's own sense reads as nothing here.
        why=N_("Each input of `forward` gets its own gradient, in the same order."),
    )
