"""Axes named, repeated, cut and lettered: permute, repeat, split, lists of tensors, einsum."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.operands import operand, said_of
from graphlab.explain.source import integer
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix


@diagnosis(
    "GL120",
    Severity.ERROR,
    kinds=("permute_count", "matrix_only"),
    title=N_("`{op}` doesn't fit a tensor with {n} axes"),
    what=N_("{x} has {n} axes, and `{op}` was given {n_given}."),
    why=N_("`permute` names every axis exactly once, in the new order."),
    fix=N_("Name all {n} axes: `permute({example})` and so on."),
    example={"op": "permute", "n": 4, "n_given": 3},
    program="""import torch
images = torch.zeros(2, 8, 8, 3)
print(images.permute(2, 0, 1).shape)
""",
    mended="""import torch
images = torch.zeros(2, 8, 8, 3)
print(images.permute(0, 3, 1, 2).shape)
""",
)
def order_of_axes(case: Case) -> Found | None:
    """permute with too few axes, t() of a stack."""
    shape = operand(case, 0).get("shape")
    n = int(case.facts.get("n") or (len(shape) if isinstance(shape, list) else 0))
    x = said_of(operand(case, 0), _("the tensor"))
    if case.kind == "matrix_only":
        found = Found({"op": "t()", "n": n, "x": x})
        found.title = N_("`t()` is for matrices, and {x} has {n} axes")
        found.what = N_("{x} has {n} axes; `t()` swaps the two axes of a matrix and takes at most 2.")
        found.why = N_("With more axes it isn't clear which two to swap.")
        found.fix = N_("Say which: `.transpose(-2, -1)` swaps the last two, `.mT` does the same.")
        call = case.call_of("t")
        if call is not None and isinstance(call.func, ast.Attribute) and not call.args:
            text = f"{case.source.base(call.func.value)}.transpose(-2, -1)"
            title = words.fill(N_("Swap the last two axes: `{text}`"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(call, text)]))
        return found
    found = Found({"op": "permute", "n": n, "x": x, "n_given": case.facts.get("n_given", 0)})
    found.words["example"] = ", ".join(map(str, [0, n - 1, *range(1, n - 1)])) if n > 1 else "0"
    call = case.call_of("permute")
    given = [integer(a) for a in call.args] if call is not None else []
    if call is not None and len(given) == n - 1 and all(g is not None for g in given):
        numbers = [g for g in given if g is not None]
        # An order written for one sample, used on a batch: the batch axis stays in front.
        if sorted(numbers) == list(range(n - 1)):
            new = ", ".join(str(v) for v in [0, *(g + 1 for g in numbers)])
            text = f"{case.source.text_of(call.func)}({new})"
            title = words.fill(N_("Leave the first axis in front and move the others: `{text}`"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(call, text)]))
    return found


@diagnosis(
    "GL121",
    Severity.ERROR,
    kinds=("repeat_count",),
    title=N_("`repeat` needs a number for every axis"),
    what=N_("{x} has {n} axes, and `repeat` was given {n_given}."),
    why=N_("`repeat` says for each axis how often to lay the tensor out along it; it never counts less axes."),
    fix=N_("Write 1 for the axes that stay: `repeat({example})`."),
    example={"n": 2, "n_given": 1},
    program="""import torch
x = torch.zeros(2, 3)
print(x.repeat(4))
""",
    mended="""import torch
x = torch.zeros(2, 3)
print(x.repeat(4, 1))
""",
)
def repeat_count(case: Case) -> Found | None:
    """repeat with too few numbers."""
    shape = operand(case, 0).get("shape")
    n = int(case.facts.get("n") or (len(shape) if isinstance(shape, list) else 2))
    call = case.call_of("repeat")
    n_given = len(call.args) if call is not None else int(case.facts.get("n_given") or 1)
    texts = [case.source.text_of(a) for a in call.args] if call is not None else ["4"]
    found = Found({"x": said_of(operand(case, 0), _("the tensor")), "n": n, "n_given": n_given})
    found.words["example"] = ", ".join([*texts, *["1"] * (n - len(texts))])
    if call is not None and call.args and n > n_given:
        first, last = ["1"] * (n - n_given) + texts, texts + ["1"] * (n - n_given)
        for order in (last, first):
            text = f"{case.source.text_of(call.func)}({', '.join(order)})"
            title = words.fill(N_("Write `{text}`"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(call, text)]))
    return found


@diagnosis(
    "GL122",
    Severity.ERROR,
    kinds=("split_sizes",),
    title=N_("The pieces {sizes} don't add up to {n}"),
    what=N_("The axis has {n} entries, and the pieces {sizes} need {total}."),
    why=N_("`split` with a list cuts an axis into pieces of these sizes, without a rest and without a gap."),
    fix=N_("Choose sizes that add up to {n}."),
    example={"sizes": [6, 5], "n": 10},
    program="""import torch
a, b = torch.split(torch.arange(10), [6, 5])
""",
    mended="""import torch
a, b = torch.split(torch.arange(10), [6, 4])
""",
)
def split_sizes(case: Case) -> Found | None:
    """split sizes that don't fill the axis."""
    sizes, n = words.tuple_of(case.facts["sizes"]), int(case.facts["n"])
    found = Found({"sizes": "[" + ", ".join(map(str, sizes)) + "]", "n": n, "total": sum(sizes)})
    call = case.call_of("split", "split_with_sizes")
    lists = [a for a in call.args if isinstance(a, ast.List)] if call is not None else []
    rest = n - sum(sizes[:-1])
    if len(lists) == 1 and rest > 0 and len(lists[0].elts) == len(sizes):
        title = words.fill(N_("Let the last piece take the rest: {rest}"), {"rest": rest})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(lists[0].elts[-1], str(rest))]))
    return found


@diagnosis(
    "GL123",
    Severity.ERROR,
    kinds=("empty_list",),
    title=N_("`{op}` got an empty list"),
    what=N_("The list {x} that `{op}` was to join is empty: no tensor was put into it."),
    why=N_("Without a first tensor there is no shape and no dtype that the result could have."),
    fix=N_("Look at the loop that fills {x}: does it run at all? Else ask `if {text}:` before this line."),
    example={"op": "cat"},
    program="""import torch
parts = []
print(torch.cat(parts))
""",
    mended="""import torch
parts = [torch.zeros(2)]
print(torch.cat(parts))
""",
)
def empty_list(case: Case) -> Found | None:
    """cat or stack of nothing."""
    op = str(case.facts.get("op") or case.op or "cat")
    call = case.call_of("cat", "stack", "concat", "vstack", "hstack", "pad_sequence")
    text = case.source.text_of(call.args[0]) if call is not None and call.args else "parts"
    return Found({"op": op, "x": words.code(text), "text": text})


@diagnosis(
    "GL124",
    Severity.ERROR,
    kinds=("einsum", "matmul", "broadcast"),
    over=("GL101", "GL102"),
    title=N_("The letters of `einsum` don't fit the sizes"),
    what=N_("A letter of the equation{equation} stands for axes of different sizes{sizes}."),
    why=N_("Each letter is one size: where it appears twice, both axes must be equally long."),
    fix=N_("Print the shapes of the operands, and write one letter below each axis."),
    example={},
    program="""import torch
print(torch.einsum("ij,jk->ik", torch.zeros(2, 3), torch.zeros(4, 5)))
""",
    mended="""import torch
print(torch.einsum("ij,jk->ik", torch.zeros(2, 3), torch.zeros(3, 5)))
""",
)
def einsum(case: Case) -> Found | None:
    """einsum with sizes that clash."""
    if case.kind != "einsum" and case.op != "einsum":
        return None
    call = case.call_of("einsum")
    text = case.source.text_of(call.args[0]) if call is not None and call.args else ""
    shapes = [o.get("shape") for o in (operand(case, 0), operand(case, 1))]
    known = [words.shape(words.tuple_of(s)) for s in shapes if isinstance(s, list)]
    said = _(": the operands have shapes {shapes}").format(shapes=words.listing(known)) if known else ""
    found = Found({"equation": f" {words.code(text)}" if text else "", "sizes": said})
    if "n_letters" in case.facts:
        at = int(case.facts["at"])
        name = said_of(operand(case, at), _("operand {n}").format(n=at + 1))
        found.words.update(x=name, n=case.facts["n_axes"], n_letters=case.facts["n_letters"])
        found.title = N_("`einsum` has {n_letters} letters for a tensor of {n} axes")
        found.what = N_("{x} has {n} axes, and the equation{equation} writes {n_letters} letters for it{sizes}.")
        found.why = N_(
            "Each letter names one axis, so an operand has as many letters as axes; `...` stands for any rest."
        )
    return found
