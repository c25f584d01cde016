"""What an operator needs of the entries: a square, at least one, chances, numbers rather than truth values or words."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.operands import operand, said_of
from graphlab.explain.source import dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix


@diagnosis(
    "GL128",
    Severity.ERROR,
    kinds=("not_square",),
    title=N_("Only square matrices have this: {x} is {shape}"),
    what=N_("{x} has shape {shape}, and `{op}` takes square matrices only."),
    why=N_("An inverse, a determinant and the like exist only for as many rows as columns."),
    fix=N_(
        "Check the shape; for a solution in the least-squares sense use `torch.linalg.lstsq` or `torch.linalg.pinv`."
    ),
    example={"op": "inverse", "shape": [3, 2]},
    program="""import torch
print(torch.inverse(torch.ones(3, 2)))
""",
    mended="""import torch
print(torch.inverse(torch.eye(2)))
""",
)
def not_square(case: Case) -> Found | None:
    """A rectangle where a square is needed."""
    shape = operand(case, 0).get("shape") or case.facts.get("shape") or []
    said = words.shape(words.tuple_of(shape))
    return Found({"op": case.op or "inverse", "shape": said, "x": said_of(operand(case, 0), _("the matrix"))})


@diagnosis(
    "GL129",
    Severity.ERROR,
    kinds=("empty_reduction",),
    title=N_("`{op}` of an empty tensor"),
    what=N_("{x} is empty: its shape is {shape}, so there is no number for `{op}` to find."),
    why=N_("A sum of nothing is 0, but nothing has no largest and no smallest entry."),
    fix=N_("Find out why {x} is empty (a mask that picks nothing, an empty batch), or ask `if {text}.numel():` first."),
    example={"op": "max", "shape": [0]},
    program="""import torch
x = torch.tensor([0.2, 0.4])
big = x[x > 1]
print(big.max())
""",
    mended="""import torch
x = torch.tensor([0.2, 1.4])
big = x[x > 1]
print(big.max())
""",
)
def empty_reduction(case: Case) -> Found | None:
    """max, min, argmax of nothing."""
    shape = operand(case, 0).get("shape")
    if shape is None:
        shape = case.facts.get("shape", [0])
    text = str(operand(case, 0).get("name") or "x")
    return Found(
        {
            "op": case.op or "max",
            "x": said_of(operand(case, 0), _("the tensor")),
            "shape": words.shape(words.tuple_of(shape)),
            "text": text,
        }
    )


@diagnosis(
    "GL134",
    Severity.ERROR,
    kinds=("multinomial_range", "multinomial_count"),
    title=N_("{x} can't be sampled from"),
    what=N_("`multinomial` draws with the chances in {x}, and some of them are negative, NaN or infinite."),
    why=N_("A chance is 0 or more. Scores (logits) can be negative; softmax turns them into chances."),
    fix=N_("Turn scores into chances first: `torch.softmax(scores, dim=-1)`."),
    example={},
    program="""import torch
print(torch.multinomial(torch.tensor([0.5, -1.0]), 1))
""",
    mended="""import torch
torch.manual_seed(0)
print(torch.multinomial(torch.softmax(torch.tensor([0.5, -1.0]), dim=-1), 1))
""",
)
def multinomial(case: Case) -> Found | None:
    """multinomial of scores, or of more draws than there are entries."""
    found = Found({"x": said_of(operand(case, 0), _("the tensor"))})
    call = case.call_of("multinomial")
    if case.kind == "multinomial_count":
        found.title = N_("More draws than entries")
        found.what = N_("`multinomial` draws without putting back, so it can't draw more often than {x} has entries.")
        found.why = N_("By default each entry can be drawn only once.")
        found.fix = N_("Add `replacement=True`, so that an entry can come more than once, or draw fewer.")
        if call is not None:
            title = _("Put each entry back after its draw: `replacement=True`")
            found.fixes.append(Fix(title, "maybe", [case.source.add_argument(call, "replacement=True")]))
        return found
    found.what = N_("`multinomial` draws with the chances in {x}, and some of them are below 0, NaN or infinite.")
    if call is not None and call.args and isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch":
        text = f"torch.softmax({case.source.text_of(call.args[0])}, dim=-1)"
        title = words.fill(N_("Turn scores into chances: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(call.args[0], text)]))
    return found


@diagnosis(
    "GL207",
    Severity.ERROR,
    kinds=("bool_minus", "dtype_mix"),
    over=("GL201",),
    title=N_("`-` doesn't work on True and False"),
    what=N_("{x} holds True and False (dtype bool), and `-` is not defined for them."),
    why=N_("PyTorch asks what is meant: the opposite of a mask, or a difference of numbers."),
    fix=N_("For the opposite write `~mask`; for numbers turn the mask into them first with `.float()` or `.long()`."),
    example={},
    program="""import torch
a = torch.tensor([True, False])
print(a - torch.tensor([True, True]))
""",
    mended="""import torch
a = torch.tensor([True, False])
print(a ^ torch.tensor([True, True]))
""",
)
def bool_minus(case: Case) -> Found | None:
    """Minus between booleans."""
    if case.kind == "dtype_mix" and "Subtraction, the `-` operator" not in case.message:
        return None
    item = next((operand(case, at) for at in (0, 1) if operand(case, at).get("dtype") == "bool"), {})
    found = Found({"x": said_of(item, _("a tensor"))})
    node = case.expression
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        if isinstance(node.left, ast.Constant) and node.left.value == 1:
            text = f"~{case.source.base(node.right)}"
            found.fixes.append(
                Fix(
                    words.fill(N_("Take the opposite: `{text}`"), {"text": text}),
                    "safe",
                    [case.source.replace(node, text)],
                )
            )
        else:
            edits = [*case.source.append(node.left, ".long()"), *case.source.append(node.right, ".long()")]
            found.fixes.append(Fix(_("Turn both into 0 and 1 first: `.long()`"), "maybe", edits))
    return found


@diagnosis(
    "GL208",
    Severity.ERROR,
    kinds=("tensor_data",),
    title=N_("A tensor can't hold {got}"),
    what=N_("The data given to make a tensor hold {got}; a tensor holds numbers only, all of one dtype."),
    why=N_(
        "Computing with tensors means computing with numbers, so words and empty places have to become numbers first."
    ),
    fix=N_("Give each word a number (a dictionary does it), and put a number such as NaN where a value is missing."),
    example={"got": "str"},
    program="""import torch
labels = torch.tensor(["cat", "dog"])
""",
    mended="""import torch
numbers = {"cat": 0, "dog": 1}
labels = torch.tensor([numbers[name] for name in ["cat", "dog"]])
""",
)
def tensor_data(case: Case) -> Found | None:
    """Text or None in the data of a tensor."""
    got = str(case.facts.get("got") or "")
    said = {
        "str": _("text (`str`)"),
        "NoneType": _("nothing (`NoneType`)"),
        "object": _("mixed objects (dtype object)"),
    }
    found = Found({"got": said.get(got, words.code(got))}, {"got": got})
    if got == "object":
        found.fix = N_("Make the array of one kind of number first: `array.astype(float)`.")
    elif got == "NoneType":
        found.fix = N_('Put `float("nan")` where a value is missing, or leave the row out.')
    return found
