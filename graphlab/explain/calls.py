"""Calls that an operator refuses: arguments of the wrong kind or number, indices of the wrong dtype, empty inputs."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.losses import dtype_name
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix

_NO_INDEX = ("float", "bool", "int32", "int16", "int8", "bfloat")


def operand(case: Case, at: int) -> dict[str, object]:
    """One operand as the recorder wrote it, {} where there is none."""
    given = case.facts.get("operands") or []
    item = given[at] if at < len(given) else {}
    return item if isinstance(item, dict) else {}


def said_of(item: dict[str, object], default: str) -> str:
    """How to call an operand."""
    name = str(item.get("name") or "")
    return words.code(name) if name and len(name) < 40 else default


def method(case: Case) -> ast.Call | None:
    """The call of the operator that failed."""
    return case.call_of(case.op) if case.op else case.call


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
    "GL131",
    Severity.ERROR,
    kinds=("argument_type", "python"),
    over=("GL900",),
    title=N_("{function} can't take {got} as {argument}"),
    what=N_("{function} wants {wanted} as {argument}, and got {got}."),
    why=N_("PyTorch's functions check the kind of each argument before they compute anything."),
    fix=N_("Look at what is passed as {argument}; print its `type(…)` if you aren't sure."),
    example={"function": "linear", "argument": "input", "wanted": "Tensor", "got": "list"},
    program="""import torch
import torch.nn as nn
layer = nn.Linear(2, 1)
print(layer([1.0, 2.0]))
""",
    mended="""import torch
import torch.nn as nn
layer = nn.Linear(2, 1)
print(layer(torch.tensor([1.0, 2.0])))
""",
)
def argument_type(case: Case) -> Found | None:
    """A list where a tensor belongs, a float where an int does."""
    facts = case.facts
    if case.kind == "python":
        facts = _python_argument(case)
    function, got = str(facts.get("function") or case.op or ""), str(facts.get("got") or "")
    if not got:
        return None
    wanted = str(facts.get("wanted") or "")
    name = str(facts.get("argument") or "")
    path, type_ = str(facts.get("module") or ""), str(facts.get("module_type") or "")
    said = f"{words.code(path)} ({type_})" if path else words.code(function + "()")
    found = Found(
        {
            "function": said,
            "argument": words.code(name) if name else _("its argument"),
            "wanted": words.code(wanted) if wanted else _("another kind"),
            "got": words.code(got),
        },
        {"function": function, "argument": name, "wanted": wanted, "got": got},
    )
    if not wanted:
        found.what = N_("{function} got {got}, and that is not among the kinds of arguments that it takes.")
    if got == "NoneType":
        found.words["got"] = "`None` (NoneType)" if False else _("nothing (NoneType)")
        found.fix = N_(
            "Find out why {argument} holds nothing: a function without `return`, or a `.grad` before `backward()`."
        )
    elif got == "tuple" and wanted == "Tensor":
        found.fix = N_(
            "Unpack the tuple first: recurrent layers and `max(dim)` return several values, such as `out, state`."
        )
        _unpacked(case, found)
    elif got in ("list", "int", "float") and wanted == "Tensor":
        found.fix = N_("Make a tensor of it first with `torch.tensor(…)`.")
        _made_tensor(case, found, name)
    elif wanted in ("int", "tuple of ints", "SymInt") and got == "float":
        found.fix = N_("Sizes are whole numbers: use `//` instead of `/`, or `int(…)`.")
        _whole_division(case, found)
    elif got == "method" or got == "builtin_function_or_method":
        found.fix = N_("Add brackets to call the method: `x.sum()` instead of `x.sum`.")
    return found


def _python_argument(case: Case) -> dict[str, object]:
    """What a message says about an argument of the wrong kind, {} for others."""
    message = case.message or str(case.facts.get("message") or "")
    element = re.match(r"expected Tensor as element (\d+) in argument (\d+), but got ([\w.]+)", message)
    state = re.match(r"Expected state_dict to be dict-like, got <class '([\w.]+)'>", message)
    if element is not None:
        call = case.call_of("stack", "cat", "hstack", "vstack", "concat", "block_diag")
        name = called(call) or "cat"
        return {
            "function": name,
            "argument": f"tensors[{element.group(1)}]",
            "wanted": "Tensor",
            "got": element.group(3),
        }
    if state is not None:
        got = state.group(1).rpartition(".")[2]
        return {"function": "load_state_dict", "argument": "state_dict", "wanted": "dict", "got": got}
    return {}


def _made_tensor(case: Case, found: Found, name: str) -> None:
    call = case.call
    if call is None:
        return
    values = [a for a in [*call.args, *(k.value for k in call.keywords)] if isinstance(a, ast.List | ast.Name)]
    literals = [a for a in values if isinstance(_value(case, a), ast.List)]
    if len(literals) == 1:
        text = f"torch.tensor({case.source.text_of(literals[0])})"
        title = words.fill(N_("Make a tensor of it: `{text}`"), {"text": text if len(text) < 60 else "torch.tensor(…)"})
        found.fixes.append(Fix(title, "safe", [case.source.replace(literals[0], text)]))


def _value(case: Case, node: ast.expr) -> ast.expr | None:
    return case.source.assigned(node.id, node) if isinstance(node, ast.Name) else node


def _whole_division(case: Case, found: Found) -> None:
    from graphlab.trace.records import Edit

    call = case.call
    for node in ast.walk(call) if call is not None else []:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, right = case.source.place(node.left), case.source.place(node.right)
            between = case.source.text_between(left[2], left[3], right[0], right[1])
            if left[2] == right[0] and between.count("/") == 1:
                column = left[3] + between.index("/")
                edit = Edit(left[2], column, left[2], column + 1, "//")
                text = f"{case.source.text_of(node.left)} // {case.source.text_of(node.right)}"
                found.fixes.append(
                    Fix(words.fill(N_("Divide without a rest: `{text}`"), {"text": text}), "safe", [edit])
                )


def _unpacked(case: Case, found: Found) -> None:
    """`x = self.lstm(x)` → `x, _ = self.lstm(x)`, where the tuple comes from a recurrent layer."""
    makers = {"RNN", "LSTM", "GRU", "MultiheadAttention"}
    layers = {
        dotted(t).rpartition(".")[2]
        for n in case.source.nodes
        if isinstance(n, ast.Assign) and called(n.value) in makers
        for t in n.targets
    }
    for node in case.source.nodes:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and dotted(node.value.func).rpartition(".")[2] in layers
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            text = f"{node.targets[0].id}, _"
            title = words.fill(
                N_("Take the output only: `{text} = {call}`"), {"text": text, "call": case.source.text_of(node.value)}
            )
            found.fixes.append(Fix(title, "maybe", [case.source.replace(node.targets[0], text)]))


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


@diagnosis(
    "GL414",
    Severity.ERROR,
    kinds=("class_weight",),
    title=N_("The class weights must be one for each of the {n} classes"),
    what=N_("`weight` has shape {shape}, and there are {n} classes."),
    why=N_("`weight` says how much each class counts in the loss, so it needs one number for each class."),
    fix=N_("Give `weight` {n} numbers, in the order of the classes."),
    example={"n": 3, "shape": [2]},
    program="""import torch
import torch.nn as nn
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0]))
loss = criterion(torch.zeros(2, 3), torch.tensor([0, 2]))
""",
    mended="""import torch
import torch.nn as nn
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 1.0]))
loss = criterion(torch.zeros(2, 3), torch.tensor([0, 2]))
""",
)
def class_weight(case: Case) -> Found | None:
    """Weights for another number of classes."""
    shape = words.shape(words.tuple_of(case.facts.get("shape") or []))
    found = Found({"n": case.facts.get("n", ""), "shape": shape})
    if case.facts.get("name") == "pos_weight":
        found.title = N_("`pos_weight` must have one number for each of the {n} labels")
        found.what = N_("`pos_weight` has shape {shape}, and each sample has {n} labels.")
        found.why = N_("`pos_weight` says for each label how much a yes counts, so it has one number for each.")
        found.fix = N_("Give `pos_weight` {n} numbers, in the order of the labels.")
    return found


_REDUCTIONS = ("mean", "sum", "none")


@diagnosis(
    "GL415",
    Severity.ERROR,
    kinds=("reduction", "ambiguous_bool"),
    over=("GL312",),
    title=N_("{loss} is made first and called afterwards"),
    what=N_("Line {line} gives the predictions and targets to the constructor of {loss}, which takes settings only."),
    why=N_("`nn.{name}()` makes a loss function; calling that function with predictions and targets gives the loss."),
    fix=N_("Write `nn.{name}()(prediction, target)`, or `F.{function}(prediction, target)`."),
    example={"reduction": "average"},
    program="""import torch
import torch.nn as nn
pred = torch.tensor([1.0, 2.0], requires_grad=True)
loss = nn.MSELoss(pred, torch.tensor([1.5, 2.5]))
""",
    mended="""import torch
import torch.nn as nn
pred = torch.tensor([1.0, 2.0], requires_grad=True)
loss = nn.MSELoss()(pred, torch.tensor([1.5, 2.5]))
""",
)
def loss_settings(case: Case) -> Found | None:
    """The loss's constructor called with the operands, or with a reduction that isn't one."""
    if case.kind == "reduction":
        text = str(case.facts.get("reduction") or "")
        found = Found({"text": words.code(text)})
        found.title = N_("There is no reduction {text}")
        found.what = N_("`reduction` was given as {text}; it can be `mean`, `sum` or `none`.")
        found.why = N_("The reduction says how the losses of all samples become one number.")
        found.fix = N_("Write `reduction='mean'` for the average, `'sum'` for the total, `'none'` to keep each one.")
        places = [n for n in case.source.nodes if isinstance(n, ast.Constant) and n.value == text]
        if len(places) == 1 and text:
            found.fixes.append(Fix(_("Write `mean`, the average"), "maybe", [case.source.replace(places[0], '"mean"')]))
        return found
    calls = [c for c in case.source.calls_at(case.line) if called(c).endswith("Loss") and len(c.args) >= 2]
    if len(calls) != 1:
        return _loss_class(case)
    call = calls[0]
    name = called(call)
    function = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    found = Found({"loss": words.code(name), "name": name, "function": function, "line": case.line})
    inner = ", ".join(case.source.text_of(a) for a in call.args)
    text = f"{case.source.text_of(call.func)}()({inner})"
    found.fixes.append(Fix(words.fill(N_("Write `{text}`"), {"text": text}), "safe", [case.source.replace(call, text)]))
    return found


def _loss_class(case: Case) -> Found | None:
    """`criterion = nn.MSELoss`, and `criterion(…)` then makes a loss function instead of calling one."""
    for call in case.source.calls_at(case.line):
        made = case.source.assigned(dotted(call.func), call) if dotted(call.func) and len(call.args) >= 2 else None
        name = dotted(made).rpartition(".")[2]
        if not name.endswith("Loss") or made is None:
            continue
        text = f"{case.source.text_of(made)}()"
        title = words.fill(N_("Make the loss function where it is named: `{text}`"), {"text": text})
        return Found(
            {"loss": words.code(name), "name": name, "at": made.lineno, "criterion": words.code(dotted(call.func))},
            fixes=[Fix(title, "maybe", [case.source.replace(made, text)])],
            what=N_("{criterion} is the class {loss} itself, set on line {at}, not a loss function made by it."),
            fix=N_("Write the brackets on line {at}: `nn.{name}()`."),
        )
    return None
