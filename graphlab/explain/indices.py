"""Indices that don't fit: ranks of gather, lists of other lengths, backward slices, too many winners, other dtypes."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.losses import dtype_name
from graphlab.explain.operands import operand, said_of
from graphlab.explain.source import argument, dotted, integer
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix

_NO_INDEX = ("float", "bool", "int32", "int16", "int8", "bfloat")


@diagnosis(
    "GL125",
    Severity.ERROR,
    kinds=("index_rank", "gather_index"),
    title=N_("`{op}` wants an index with as many axes as its input"),
    what=N_("{x} has {n} axes, {index} has {n_index}."),
    why=N_("`gather` picks, for each place of the index, one entry along `dim`, so both need the same axes."),
    fix=N_("Give {index} the missing axis with `.unsqueeze(1)`, and take it out of the result with `.squeeze(1)`."),
    example={"op": "gather"},
    program="""import torch
q = torch.zeros(4, 2)
print(q.gather(1, torch.tensor([0, 1, 1, 0])))
""",
    mended="""import torch
q = torch.zeros(4, 2)
print(q.gather(1, torch.tensor([0, 1, 1, 0]).unsqueeze(1)))
""",
)
def index_rank(case: Case) -> Found | None:
    """gather or scatter with an index of other rank."""
    op = case.op or "gather"
    if case.kind == "gather_index":
        return _gather_index(case, op)
    found = Found(
        {"op": op, "x": said_of(operand(case, 0), _("the input")), "index": said_of(operand(case, 1), _("the index"))}
    )
    shapes = [operand(case, at).get("shape") for at in (0, 1)]
    if all(isinstance(s, list) for s in shapes):
        a, b = (words.tuple_of(s) for s in shapes)
        found.words.update(n=len(a), n_index=len(b))
        found.facts.update(shapes=[a, b])
        node = _index_node(case, op)
        if node is not None and len(b) == len(a) - 1:
            edits = case.source.append(node, ".unsqueeze(1)")
            title = words.fill(N_("Write `{text}.unsqueeze(1)`"), {"text": case.source.base(node)})
            found.fixes.append(Fix(title, "maybe", edits))
    else:
        found.what = N_("The index has another number of axes than the input.")
    return found


def _gather_index(case: Case, op: str) -> Found:
    """An index whose sizes, or whose numbers, don't fit the input of gather or scatter."""
    given, wanted = case.facts.get("given"), case.facts.get("wanted")
    found = Found({"op": op, "given": words.shape(given or []), "wanted": words.shape(wanted or [])})
    found.title = N_("The index of `{op}` doesn't fit its input")
    found.what = N_("The index has shape {given}, the input {wanted}: along the other axes it may not be larger.")
    found.why = N_("`gather` picks along one axis; in all others, index and input are walked together.")
    found.fix = N_("Print both shapes: apart from `dim`, no size of the index may be larger than that of the input.")
    if not given or not wanted:
        found.what = N_("The index of `{op}` points outside of its input; the message doesn't say where.")
        found.fix = N_("Print the smallest and the largest number of the index: they must lie below the size at `dim`.")
    return found


def _index_node(case: Case, op: str) -> ast.expr | None:
    call = case.call_of(op, op + "_")
    if call is None:
        return None
    is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
    return argument(call, 2 if is_function else 1, "index")


@diagnosis(
    "GL126",
    Severity.ERROR,
    kinds=("index_range", "index_shapes", "index_value", "broadcast"),
    over=("GL101", "GL108", "GL109"),
    title=N_("{a} and {b} entries don't go together in this index"),
    what=N_("{said} {a} and {b}."),
    why=N_("Lists of indices side by side are read in pairs: the first of each, the second of each, and so on."),
    fix=N_("Give them the same length; for all combinations of rows and columns write `x[rows][:, columns]`."),
    example={"message_shapes": [[2], [3]]},
    program="""import torch
x = torch.zeros(5, 5)
print(x[[0, 1], [0, 1, 2]])
""",
    mended="""import torch
x = torch.zeros(5, 5)
print(x[[0, 1], [0, 1]])
""",
)
def index_shapes(case: Case) -> Found | None:
    """Lists of indices, or a value and the places that it goes to, of different lengths."""
    message = case.message
    if "message_shapes" in case.facts:
        shapes = [words.tuple_of(s) for s in case.facts["message_shapes"]]
        is_value = case.kind == "index_value"
    elif case.kind == "index_range" and "indexing tensors could not be broadcast" in message:
        shapes = [words.tuple_of(re.findall(r"\d+", s)) for s in re.findall(r"\[([\d, ]*)\]", message)]
        is_value = False
    elif case.kind == "broadcast" and case.op == "setitem" and len(case.facts.get("shapes") or []) == 2:
        shapes = [words.tuple_of(s) for s in case.facts["shapes"]]
        is_value = True
    else:
        return None
    if len(shapes) < 2:
        return None
    a, b = (s[0] if len(s) == 1 else words.shape(s) for s in shapes[:2])
    found = Found({"a": a, "b": b, "said": _("The lists of indices have lengths")}, {"sizes": shapes[:2]})
    if is_value:
        found.title = N_("{a} values don't fit into {b} places")
        found.what = N_("The value on the right has shape {a_shape}, and the index on the left picks {b_shape}.")
        found.words.update(a_shape=words.shape(shapes[0]), b_shape=words.shape(shapes[1]))
        found.why = N_(
            "Each picked place gets its own value, so both sides need the same number, or one value for all."
        )
        found.fix = N_("Give one number for all places, or as many values as places: `x[mask].shape` says how many.")
    return found


@diagnosis(
    "GL127",
    Severity.ERROR,
    kinds=("slice_step",),
    title=N_("A tensor can't be sliced backwards"),
    what=N_("The slice on line {line} has a step of 0 or less, and tensors take only steps of 1 or more."),
    why=N_("A slice of a tensor is a view into the same memory, and PyTorch's views don't run backwards."),
    fix=N_("Use `torch.flip({x}, dims=[0])` to turn the order around."),
    example={},
    program="""import torch
x = torch.arange(5)
print(x[::-1])
""",
    mended="""import torch
x = torch.arange(5)
print(torch.flip(x, dims=[0]))
""",
)
def slice_step(case: Case) -> Found | None:
    """x[::-1]."""
    node = next(
        (
            n
            for n in case.source.nodes
            if isinstance(n, ast.Subscript) and n.lineno == case.line and isinstance(n.slice, ast.Slice)
        ),
        None,
    )
    text = case.source.text_of(node.value) if node is not None else "x"
    found = Found({"line": case.line, "x": text})
    if not case.line:
        found.what = N_("The slice has a step of 0 or less, and tensors take only steps of 1 or more.")
    if node is not None and isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.upper is None:
        new = f"torch.flip({text}, dims=[0])"
        title = words.fill(N_("Write `{new}`"), {"new": new})
        if integer(node.slice.step) == -1:
            found.fixes.append(Fix(title, "safe", [case.source.replace(node, new)]))
    return found


@diagnosis(
    "GL133",
    Severity.ERROR,
    kinds=("index_range", "topk"),
    over=("GL108", "GL109"),
    title=N_("The {k} largest of {n} don't exist"),
    what=N_("`topk` was asked for {k} entries along an axis that has {n}."),
    why=N_("There can't be more winners than entries; by default `topk` looks along the last axis."),
    fix=N_("Ask for at most {n}, or give the axis that is meant with `dim=`."),
    example={"op": "topk", "k": 5, "shape": [3]},
    program="""import torch
print(torch.topk(torch.tensor([0.1, 0.7, 0.2]), 5))
""",
    mended="""import torch
print(torch.topk(torch.tensor([0.1, 0.7, 0.2]), 3))
""",
)
def topk(case: Case) -> Found | None:
    """topk with k above the size."""
    if case.op not in ("topk", "kthvalue") and case.kind != "topk":
        return None
    shape = words.tuple_of(case.facts.get("shape") or operand(case, 0).get("shape") or [])
    k, n = case.facts.get("k"), shape[-1] if shape else None
    if k is None or n is None:
        return Found(
            title=N_("`topk` was asked for more entries than there are"),
            what=N_("`k` is larger than the axis along which `topk` looks."),
            fix=N_("Ask for at most as many as the axis has, or give another axis with `dim=`."),
        )
    found = Found({"k": k, "n": n})
    call = case.call_of("topk")
    is_function = call is not None and isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
    old = argument(call, 1 if is_function else 0, "k") if call is not None else None
    if old is not None:
        title = words.fill(N_("Ask for all {n}"), {"n": n})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(old, str(n))]))
    return found


@diagnosis(
    "GL205",
    Severity.ERROR,
    kinds=("index_dtype", "index_kind"),
    title=N_("{index} can't be used as an index: it holds {dtype} numbers"),
    what=N_("{index} has dtype {dtype}, and {op} wants whole numbers (int64, `torch.long`)."),
    why=N_("An index counts places, and there is no place number 1.5; PyTorch doesn't round by itself."),
    fix=N_("Turn it into whole numbers with `.long()`, or make it from whole numbers."),
    example={"dtype": "float32", "op": "embedding"},
    program="""import torch
x = torch.arange(10)
print(x[torch.tensor([1.0, 3.0])])
""",
    mended="""import torch
x = torch.arange(10)
print(x[torch.tensor([1.0, 3.0]).long()])
""",
)
def index_dtype(case: Case) -> Found | None:
    """Floats used as indices."""
    op = case.op
    names = {"getitem": _("an index"), "setitem": _("an index"), "": _("an index")}
    said = names.get(op, words.code(op))
    if case.kind == "index_kind":
        got = str(case.facts.get("got") or "")
        if got == "str":
            return None
        found = Found({"index": _("the index"), "dtype": words.code(got) if got else _("other"), "op": said})
        found.title = N_("The index is a {dtype}, not a whole number")
        found.what = N_(
            "The index on line {line} is a {dtype}; {op} must be a whole number, a slice or a tensor of whole numbers."
        )
        found.words.update(line=case.line)
        if not case.line:
            found.what = N_(
                "The index is a {dtype}; {op} must be a whole number, a slice or a tensor of whole numbers."
            )
        found.fix = N_("Use `//` where a division makes it, or `int(…)`.")
        return found
    order = (0, 1) if op in ("embedding", "one_hot", "bincount", "embedding_bag") else (1, 0)
    index = next(
        (o for o in (operand(case, at) for at in order) if str(o.get("dtype") or "").startswith(_NO_INDEX)),
        {},
    )
    dtype = dtype_name(str(index.get("dtype") or case.facts.get("dtype") or ""))
    found = Found({"index": said_of(index, _("the index")), "dtype": dtype or _("other"), "op": said})
    if not dtype:
        found.title = N_("An index must hold whole numbers")
        found.what = N_("The index has another dtype than {op} takes: whole numbers (int64, `torch.long`).")
    node = _dtype_node(case, str(index.get("name") or ""), op)
    if node is not None:
        edits = case.source.append(node, ".long()")
        title = words.fill(N_("Write `{text}.long()`"), {"text": case.source.base(node)})
        found.fixes.append(Fix(title, "maybe", edits))
    return found


def _dtype_node(case: Case, name: str, op: str) -> ast.expr | None:
    expression = case.expression
    if isinstance(expression, ast.Subscript) and not isinstance(expression.slice, ast.Tuple | ast.Slice):
        return expression.slice
    call = case.call
    if call is None:
        return None
    nodes = [a for a in [*call.args, *(k.value for k in call.keywords)] if name and dotted(a) == name]
    if len(nodes) == 1:
        return nodes[0]
    if op in ("gather", "scatter", "scatter_", "index_select", "take_along_dim"):
        is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
        return argument(call, 2 if is_function else 1, "index")
    if len(call.args) == 1 and not call.keywords and (case.facts.get("module") or op in ("embedding", "one_hot")):
        return call.args[0]
    return None
