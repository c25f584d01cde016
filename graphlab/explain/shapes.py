"""Shapes that don't fit: elementwise operators, matrix products, layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from math import prod

from graphlab.explain import words
from graphlab.explain.axes import broadcast_axes, marked_axes, matmul_axes
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Edit, EventKind, Fix

REDUCTIONS = {"sum", "mean", "max", "min", "std", "var", "prod", "norm", "amax", "amin", "logsumexp"}
_SYMBOLS = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "pow": "**"}
_FILLED = {"zeros", "ones", "rand", "randn", "empty"}
_KEEPS_SHAPE = {"relu", "tanh", "sigmoid", "leaky_relu", "gelu", "dropout", "softmax", "elu", "silu", "log_softmax"}


def broadcast_shape(a: Sequence[int], b: Sequence[int]) -> list[int] | None:
    """The shape that `a` and `b` broadcast to, None where they don't."""
    n = max(len(a), len(b))
    padded_a, padded_b = [1] * (n - len(a)) + list(a), [1] * (n - len(b)) + list(b)
    if any(x != y and 1 not in (x, y) for x, y in zip(padded_a, padded_b)):
        return None
    return [y if x == 1 else x for x, y in zip(padded_a, padded_b)]


def shapes_of(case: Case) -> list[list[int]]:
    """The operands' shapes from the facts."""
    return [words.tuple_of(s) for s in case.facts.get("shapes") or []]


def rewrite(case: Case, operand: Argument, suffix: str) -> list[Edit]:
    """Edits that put a method call after an operand; [] where its place isn't known."""
    node = operand.node
    if node is None or isinstance(getattr(node, "ctx", None), ast.Store):  # `x` in `x += y` can't be rewritten
        return []
    return case.source.append(node, suffix)


# GL101 broadcasting


def _size_in_creation(case: Case, operand: Argument, axis: int, size: int) -> tuple[Edit, str] | None:
    """The edit that makes an operand of the right size where `torch.zeros(3)` and the like made it."""
    node = operand.node
    made = case.source.assigned(dotted(node), node) if node is not None and dotted(node) else node
    if not isinstance(made, ast.Call) or called(made) not in _FILLED:
        return None
    sizes: list[ast.expr] = list(made.args)
    if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
        sizes = list(sizes[0].elts)
    if len(sizes) != len(operand.shape) or integer(sizes[axis]) != operand.shape[axis]:
        return None
    edit = case.source.replace(sizes[axis], str(size))
    line = case.source.lines[edit.line - 1]
    return edit, (line[: edit.column] + str(size) + line[edit.end_column :]).strip()


def _keepdim(case: Case, operand: Argument, other: list[int]) -> Fix | None:
    """`keepdim=True` at the reduction that made an operand, where that makes it fit."""
    node = operand.node
    made = case.source.assigned(dotted(node), node) if node is not None and dotted(node) else node
    if not isinstance(made, ast.Call) or called(made) not in REDUCTIONS:
        return None
    if any(k.arg == "keepdim" for k in made.keywords):
        return None
    is_method = isinstance(made.func, ast.Attribute) and dotted(made.func.value) not in ("torch", "F")
    dim = integer(argument(made, 0 if is_method else 1, "dim"))
    if dim is None:
        return None
    n = len(operand.shape) + 1
    position = dim % n if -n <= dim < n else n
    kept = [*operand.shape[:position], 1, *operand.shape[position:]]
    if broadcast_shape(kept, other) is None:
        return None
    return Fix(
        words.fill(
            N_("Add `keepdim=True`, so that {name} keeps the axis as size 1: shape {shape}"),
            {"name": operand.said, "shape": words.shape(kept)},
        ),
        "maybe",
        [case.source.add_argument(made, "keepdim=True")],
    )


def _unsqueezed(case: Case, operand: Argument, other: Sequence[int], n_of: str) -> Iterator[Fix]:
    shape = operand.shape
    for position in range(1, len(shape) + 1):
        wider = [*shape[:position], 1, *shape[position:]]
        result = broadcast_shape(wider, other)
        # Only where the result keeps the other's shape: (3,) + (4,) "fits" as (3, 4), which nobody meant by chance.
        if result is None or result != list(other):
            continue
        edits = rewrite(case, operand, f".unsqueeze({position})")
        title = words.fill(
            N_("Write `{text}.unsqueeze({position})`: shape {shape}, one entry of {name} for each row"),
            {"text": operand.base, "position": position, "shape": words.shape(wider), "name": operand.said},
        )
        if edits:
            yield Fix(title, "maybe", edits)


def _broadcast_fixes(case: Case, operands: list[Argument]) -> list[Fix]:
    fixes: list[Fix] = []
    for operand, other in ((operands[1], operands[0]), (operands[0], operands[1])):
        keepdim = _keepdim(case, operand, other.shape)
        if keepdim is not None:
            fixes.append(keepdim)
    for operand, other in ((operands[1], operands[0]), (operands[0], operands[1])):
        if len(operand.shape) < len(other.shape):
            fixes.extend(_unsqueezed(case, operand, other.shape, ""))
    for operand, other in ((operands[1], operands[0]), (operands[0], operands[1])):
        if len(operand.shape) == 2 and operand.node is not None:
            turned = operand.shape[::-1]
            edits = rewrite(case, operand, ".T")
            # A table of all pairs, (4, 1) with (1, 2), fits too, and is hardly ever meant.
            if edits and broadcast_shape(turned, other.shape) in (turned, list(other.shape)):
                title = words.fill(
                    N_("Turn {name} over: `{text}.T` has shape {shape}"),
                    {"name": operand.said, "text": operand.base, "shape": words.shape(turned)},
                )
                fixes.append(Fix(title, "maybe", edits))
    return fixes


@diagnosis(
    "GL101",
    Severity.ERROR,
    kinds=("broadcast", "output_shape"),
    title=N_("The shapes {a_shape} and {b_shape} don't fit together"),
    what=N_("{a} has shape {a_shape} and {b} has shape {b_shape}: one has size {n_a} where the other has {n_b}."),
    why=N_("{op} pairs the axes from the right, and two sizes fit only when they are equal or one of them is 1."),
    fix=N_(
        "Decide which axis of {b} belongs to which axis of {a}, then bring it there with `unsqueeze`, `.T` or "
        "`reshape`."
    ),
    example={"op": "add", "shapes": [[3, 4], [3]], "dim": 1, "sizes": [4, 3]},
    program="""import torch
x = torch.ones(3, 4)
b = torch.tensor([1.0, 2.0, 3.0])
print(x + b)
""",
    mended="""import torch
x = torch.ones(3, 4)
b = torch.tensor([1.0, 2.0, 3.0])
print(x + b.unsqueeze(1))
""",
)
def broadcast(case: Case) -> Found | None:
    """An elementwise operator got shapes that don't broadcast."""
    shapes, sizes = shapes_of(case), case.facts.get("sizes") or []
    symbol = _SYMBOLS.get(case.op)
    op = words.code(symbol) if symbol else (words.code(case.op) if case.op else _("An elementwise operation"))
    if case.kind == "output_shape" and len(shapes) == 2:
        return Found(
            {"a_shape": words.shape(shapes[0]), "b_shape": words.shape(shapes[1])},
            title=N_("A result of shape {b_shape} can't be written into a tensor of shape {a_shape}"),
            what=N_("The tensor that is changed in place has shape {a_shape}, and the result has shape {b_shape}."),
            why=N_("A step in place can't change the shape: only the other operand is stretched, never the result."),
            fix=N_(
                "Use the step that makes a new tensor (`a = a + b`), or bring both to one shape first. With pictures: "
                "a mean for 3 channels doesn't fit a gray picture of 1."
            ),
        )
    if len(shapes) != 2:
        if len(sizes) != 2:
            return None
        return Found(
            {"n_a": sizes[0], "n_b": sizes[1], "dim": case.facts.get("dim", 0), "op": op},
            title=N_("Sizes {n_a} and {n_b} don't fit together"),
            what=N_("In dimension {dim} the left tensor (a) has size {n_a} and the right one (b) has size {n_b}."),
            fix=N_(
                "Print both shapes. To pair b with the rows of a, use `b.unsqueeze(1)`; after a sum or mean, "
                "`keepdim=True` keeps the axis; a swapped matrix needs `.T`."
            ),
        )
    operands = case.arguments([_("the left tensor"), _("the right tensor")], shapes)
    a, b = (Argument(o.said, o.text, o.name, s, o.node) for o, s in zip(operands, shapes))
    clash = next(
        (
            (a.shape[-k], b.shape[-k])
            for k in range(1, min(len(a.shape), len(b.shape)) + 1)
            if a.shape[-k] != b.shape[-k] and 1 not in (a.shape[-k], b.shape[-k])
        ),
        (sizes[0], sizes[1]) if len(sizes) == 2 else None,
    )
    if clash is None:
        return None
    said = {"a": a.said, "b": b.said, "a_shape": words.shape(a.shape), "b_shape": words.shape(b.shape)}
    found = Found({**said, "n_a": clash[0], "n_b": clash[1], "op": op}, {}, _broadcast_fixes(case, [a, b]))
    found.picture = broadcast_axes([_label(a), _label(b)], [a.shape, b.shape])
    return found


def _label(operand: Argument) -> str:
    return operand.said.strip("`")


# GL102 matrix products


def _matmul_result(a: Sequence[int], b: Sequence[int]) -> list[int] | None:
    if not a or not b or a[-1] != b[0 if len(b) == 1 else -2]:
        return None
    batch = broadcast_shape(a[:-2], b[:-2])
    if batch is None:
        return None
    return batch + (list(a[-2:-1]) if len(a) > 1 else []) + (list(b[-1:]) if len(b) > 1 else [])


def _transposed(shape: Sequence[int]) -> list[int]:
    return [*shape[:-2], shape[-1], shape[-2]]


def _matmul_fixes(case: Case, a: Argument, b: Argument) -> list[Fix]:
    fixes: list[Fix] = []
    for operand, pair in ((b, lambda s: (a.shape, s)), (a, lambda s: (s, b.shape))):
        if len(operand.shape) < 2:
            continue
        result = _matmul_result(*pair(_transposed(operand.shape)))
        suffix = ".T" if len(operand.shape) == 2 else ".transpose(-2, -1)"
        edits = rewrite(case, operand, suffix)
        if result is not None and edits:
            title = words.fill(
                N_("Turn {name} over with `{text}{suffix}`: the product has shape {shape}"),
                {"name": operand.said, "text": operand.base, "suffix": suffix, "shape": words.shape(result)},
            )
            fixes.append(Fix(title, "maybe", edits))
    swapped = _matmul_result(b.shape, a.shape)
    if swapped is not None and a.node is not None and b.node is not None and case.op in ("matmul", "mm", "bmm"):
        title = words.fill(
            N_("Swap the two: {b} before {a}, the product has shape {shape}"),
            {"a": a.said, "b": b.said, "shape": words.shape(swapped)},
        )
        edits = [case.source.replace(a.node, b.text), case.source.replace(b.node, a.text)]
        fixes.append(Fix(title, "maybe", edits))
    node = case.expression
    if a.shape == b.shape and isinstance(node, ast.BinOp) and a.node is not None and b.node is not None:
        _, _, line, column = case.source.place(a.node)
        to_line, to_column, _, _ = case.source.place(b.node)
        between = case.source.text_between(line, column, to_line, to_column)
        if between.count("@") == 1:
            edit = Edit(line, column, to_line, to_column, between.replace("@", "*"))
            title = words.fill(
                N_("Multiply entry by entry with `*`: the result keeps shape {shape}"), {"shape": words.shape(a.shape)}
            )
            fixes.append(Fix(title, "maybe", [edit]))
    turned = list(fixes)
    for operand, other, axis, size in (
        (b, a, len(b.shape) - 2 if len(b.shape) > 1 else 0, a.shape[-1]),
        (a, b, len(a.shape) - 1, b.shape[-2 if len(b.shape) > 1 else 0]),
    ):
        # Where the operands fit when turned, nobody means other sizes.
        made = _size_in_creation(case, operand, axis, size) if not turned else None
        if made is not None and operand.shape[axis] != size:
            title = words.fill(
                N_("Make {name} fit {other} with size {size} in axis {axis}: `{line}`"),
                {"name": operand.said, "other": other.said, "size": size, "axis": axis, "line": made[1]},
            )
            fixes.append(Fix(title, "maybe", [made[0]]))
    return fixes


@diagnosis(
    "GL102",
    Severity.ERROR,
    kinds=("matmul", "bmm_size", "matmul_bare"),
    title=N_("The inner sizes {n_a} and {n_b} of a matrix product differ"),
    what=N_("{a} has shape {a_shape} and {b} has shape {b_shape}: the product would pair {n_a} with {n_b}."),
    why=N_("A matrix product needs as many columns on the left as rows on the right: (n, k) @ (k, m) gives (n, m)."),
    fix=N_(
        "Make the inner sizes equal: turn one over with `.T` where rows and columns are swapped, or change its size."
    ),
    example={"op": "matmul", "shapes": [[3, 4], [3, 4]], "sizes": [4, 3]},
    program="""import torch
a = torch.ones(3, 4)
b = torch.ones(3, 4)
print(a @ b)
""",
    mended="""import torch
a = torch.ones(3, 4)
b = torch.ones(3, 4)
print(a @ b.T)
""",
)
def matmul(case: Case) -> Found | None:
    """A matrix product got inner sizes that differ."""
    if case.kind == "bmm_size":
        return _batch_product(case)
    if case.kind == "matmul_bare":
        return Found(
            title=N_("The inner sizes of a matrix product differ"),
            what=N_("Two matrices can't be multiplied; the message doesn't say which sizes they have."),
            fix=N_(
                "Print both shapes before that line. For `nn.Linear`, `in_features` must be the last size of the input."
            ),
        )
    shapes = shapes_of(case)
    sizes = list(case.facts.get("sizes") or [])
    if len(shapes) == 3:  # addmm, baddbmm: the bias comes first
        shapes = shapes[1:]
    if len(shapes) != 2 or not shapes[0] or not shapes[1]:
        return None
    if len(sizes) != 2:
        sizes = [shapes[0][-1], shapes[1][0 if len(shapes[1]) == 1 else -2]]
    operands = case.arguments([_("the left matrix"), _("the right matrix")], shapes)
    a, b = (Argument(o.said, o.text, o.name, s, o.node) for o, s in zip(operands, shapes))
    found = Found(
        {
            "a": a.said,
            "b": b.said,
            "a_shape": words.shape(a.shape),
            "b_shape": words.shape(b.shape),
            "n_a": sizes[0],
            "n_b": sizes[1],
        },
        fixes=_matmul_fixes(case, a, b),
        picture=matmul_axes([_label(a), _label(b)], [a.shape, b.shape]),
    )
    if found.fixes:
        found.words["first"] = found.fixes[0].title
        found.fix = N_("{first}.")
    elif not case.source.text and not case.op and len(a.shape) == len(b.shape) == 2:
        found.fix = N_(
            "If this is a layer, it was made as `nn.Linear({n_b}, …)`: make it `nn.Linear({n_a}, …)`. "
            "If it is `@` or `mm`, turn the operand over whose rows and columns are swapped."
        )
    if sizes[0] == sizes[1]:  # the inner sizes fit: the batch axes are what clashes
        found.title = N_("The batch axes of {a_shape} and {b_shape} don't fit together")
        found.what = N_("{a} has shape {a_shape} and {b} has shape {b_shape}: the axes before the last two differ.")
        found.why = N_("A product of stacks of matrices pairs the stacks as broadcasting does: equal sizes, or a 1.")
        found.fix = N_("Give both the same number of matrices, or size 1 where one matrix serves for all.")
    elif min(len(a.shape), len(b.shape)) == 1:
        found.why = N_(
            "A product with a vector adds up entry times entry, so both must have the same number of entries there."
        )
    return found


def _batch_product(case: Case) -> Found | None:
    """A message that names only what the right stack of matrices should have begun with."""
    wanted, got = case.facts.get("wanted"), case.facts.get("got")
    if not wanted or not got or len(wanted) != 2 or len(got) != 2:
        return None
    return Found(
        {"n_a": wanted[1], "n_b": got[1], "stack": wanted[0], "other": got[0]},
        title=N_("Two stacks of matrices don't fit together"),
        what=N_("The left stack needs {stack} matrices with {n_a} rows on the right; there are {other} with {n_b}."),
    )


# GL103 layers


def _linear_path(case: Case) -> str:
    module = case.module
    return module.path if module is not None and module.type == "Linear" else ""


def _before(case: Case) -> tuple[str, int]:
    """Path and out_features of the linear layer whose output came in, looking through activations; "" for none."""
    record = case.record
    if case.trace is None or record is None or not record.inputs:
        return "", 0
    tensor = record.inputs[0]
    for _step in range(8):
        event = case.producer(tensor) if tensor >= 0 else None
        if event is None or event.kind != EventKind.FORWARD or not event.inputs:
            return "", 0
        if event.op in ("linear", "addmm"):
            shape = case.trace.tensors[event.outputs[0]].shape
            return event.module, shape[-1] if shape else 0
        if event.op not in _KEEPS_SHAPE:
            return "", 0
        tensor = event.inputs[0]
    return "", 0


def _feature_fix(case: Case, path: str, position: int, keyword: str, old: int, new: int | str, said: str) -> Fix | None:
    call = case.source.layer(path, "Linear")
    if call is None:
        return None
    node = argument(call, position, keyword)
    if node is None:
        return None
    edit = case.source.replace(node, str(new))
    text = case.source.text_of(call)
    line, column, _, _ = case.source.place(call)
    shown = text
    if edit.line == line and "\n" not in text:
        shown = text[: edit.column - column] + str(new) + text[edit.end_column - column :]
    # A literal that says the wrong number can be changed for sure; a name may be used elsewhere too.
    certain = integer(node) == old
    title = words.fill(said, {"layer": words.code(path), "new": new, "old": old, "text": shown})
    return Fix(title, "safe" if certain and position == 0 else "maybe", [edit])


@diagnosis(
    "GL103",
    Severity.ERROR,
    kinds=("matmul",),
    over=("GL102",),
    title=N_("{layer} takes {wanted_features} but gets {given}"),
    what=N_("{layer} is made for {wanted_features}, but {x} has shape {x_shape}: its last axis has {given}."),
    why=N_(
        "`nn.Linear(in_features, out_features)` multiplies the last axis of its input, so that must be in_features."
    ),
    fix=N_("Set in_features of {layer} to {given}, or give it an input whose last axis has {wanted} entries."),
    example={"op": "linear", "shapes": [[1, 8], [3, 16]], "sizes": [8, 16]},
    program="""import torch
import torch.nn as nn
net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(16, 3))
x = torch.ones(5, 2)
print(net(x))
""",
    mended="""import torch
import torch.nn as nn
net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
x = torch.ones(5, 2)
print(net(x).shape)
""",
)
def linear(case: Case) -> Found | None:
    """A linear layer got an input with another number of features."""
    path, sizes = _linear_path(case), list(case.facts.get("sizes") or [])
    if (case.op not in ("linear", "Linear") and not path) or len(sizes) != 2:
        return None
    given, wanted = int(sizes[0]), int(sizes[1])
    if given == wanted:
        return None
    shapes = shapes_of(case)
    tensors = case.tensors
    x_shape = list(tensors[0].shape) if tensors and tensors[0].shape else (shapes[0] if shapes else [given])
    before, n_before = _before(case)
    name = tensors[0].name if tensors else ""
    operands = case.arguments([_("its input")], [x_shape])
    x = operands[0]
    if x.node is not None and before:  # inside a container the call's argument isn't this layer's input
        x = Argument(words.code(name) if name else _("its input"), name=name, shape=x_shape)
    layer = words.code(path) if path else _("the linear layer")
    features = ngettext("{n} feature", "{n} features", wanted).format(n=wanted)
    said = {
        "layer": layer,
        "wanted": wanted,
        "wanted_features": features,
        "given": given,
        "x": x.said,
        "x_shape": words.shape(x_shape),
    }
    found = Found(said, {"layer": path, "in_features": wanted, "given": given})
    # The engine gives the weight as it is multiplied, (in, out); it is drawn as the layer keeps it, (out, in).
    weight = shapes[1] if len(shapes) > 1 and len(shapes[1]) == 2 else []
    weight_shape = weight if weight and weight[-1] == wanted else weight[::-1]
    found.picture = marked_axes(
        [_label(x), _("{layer}.weight").format(layer=path or "linear")] if weight_shape else [_label(x)],
        [x_shape, weight_shape] if weight_shape else [x_shape],
        [[len(x_shape) - 1], [1]] if weight_shape else [[len(x_shape) - 1]],
        _("The last axis of the input meets the last axis of the weight (out_features, in_features)."),
        [
            [*[_("batch")] * (len(x_shape) - 1), _("features")] if len(x_shape) == 2 else [""] * len(x_shape),
            [_("out"), _("in")],
        ],
        align="right",
    )
    found.fixes = _linear_fixes(case, path, before, x, x_shape, given, wanted, n_before)
    if before:
        found.words["before"] = words.code(before)
        found.what = N_("{layer} is made for {wanted_features}, but {before} before it gives {given}.")
    if found.fixes:
        found.words["first"] = found.fixes[0].title
        found.fix = N_("{first}.")
    return found


def _size_by_name(case: Case, path: str, before: str) -> str:
    """What the layer before calls its number of outputs, where this layer is made in the same function."""
    call, other = (case.source.layer(p, "Linear") for p in (path, before))
    node = argument(other, 1, "out_features") if other is not None else None
    is_near = call is not None and case.source.scope_of(call) is case.source.scope_of(other)
    own = argument(call, 0, "in_features") if call is not None else None
    return node.id if isinstance(node, ast.Name) and is_near and isinstance(own, ast.Name) else ""


def _times_its_size(case: Case, path: str, given: int, wanted: int) -> str:
    """`2 * hidden` where the layer is made with `hidden` and gets twice as many, as from a bidirectional LSTM."""
    call = case.source.layer(path, "Linear")
    own = argument(call, 0, "in_features") if call is not None else None
    maker = case.source.scope_of(call) if call is not None else None
    if isinstance(own, ast.Name) and isinstance(maker, ast.FunctionDef):
        others = [a for c in ast.walk(maker) if isinstance(c, ast.Call) and c is not call for a in c.args]
        for other in [a for a in others if isinstance(a, ast.Name) and a.id != own.id]:
            number = case.source.number_behind(other)
            if number is not None and number[1] == given:
                return other.id
    if not isinstance(own, ast.Name | ast.Attribute) or not wanted or given % wanted or not 2 <= given // wanted <= 4:
        return ""
    return f"{given // wanted} * {case.source.text_of(own)}"


def _where_written(case: Case, path: str, wanted: int, given: int, said: str) -> Fix | None:
    """The number of features where the program writes it, `MLP(12, 32, 1)`, when only this layer is made with it."""
    call = case.source.layer(path, "Linear")
    node = argument(call, 0, "in_features") if call is not None else None
    number = case.source.number_behind(node) if isinstance(node, ast.Name) else None
    if number is None or not isinstance(node, ast.Name) or number[1] != wanted:
        return None
    maker = case.source.scope_of(node)
    uses = [n for n in ast.walk(maker) if isinstance(n, ast.Name) and n.id == node.id] if maker is not None else []
    around = case.source.parents.get(number[0])
    if len(uses) != 1 or not isinstance(around, ast.Call) or isinstance(maker, ast.Module):
        return None
    line, column, _, _ = case.source.place(around)
    edit = case.source.replace(number[0], str(given))
    text = case.source.text_of(around)
    shown = text[: edit.column - column] + str(given) + text[edit.end_column - column :]
    if edit.line != line or "\n" in text:
        shown = text
    values = {"layer": words.code(path), "new": given, "old": wanted, "text": shown}
    return Fix(words.fill(said, values), "maybe", [edit])


def _linear_fixes(
    case: Case, path: str, before: str, x: Argument, x_shape: list[int], given: int, wanted: int, n_before: int
) -> list[Fix]:
    fixes: list[Fix | None] = []
    if len(x_shape) > 2 and prod(x_shape[1:]) == wanted and x.node is not None:
        flat = words.shape([x_shape[0], wanted])
        title = words.fill(
            N_("Flatten each sample with `{text}.flatten(1)`: shape {shape}"), {"text": x.base, "shape": flat}
        )
        fixes.append(Fix(title, "maybe", rewrite(case, x, ".flatten(1)")))
    if len(x_shape) == 1 and wanted == 1 and x.node is not None:
        title = words.fill(
            N_("Write `{text}.unsqueeze(1)`: {n} samples of one feature each"), {"text": x.base, "n": given}
        )
        fixes.append(Fix(title, "maybe", rewrite(case, x, ".unsqueeze(1)")))
    if path:
        said = N_("Let {layer} take {new} features: `{text}`")
        named = (
            _size_by_name(case, path, before)
            if before and n_before == given
            else _times_its_size(case, path, given, wanted)
        )
        written = None if named else _where_written(case, path, wanted, given, said)
        fixes.append(written)
        fixes.append(_feature_fix(case, path, 0, "in_features", wanted, named or given, said))
    if len(x_shape) == 2 and x_shape[0] == wanted and not before and x.node is not None:
        title = words.fill(
            N_("Turn {x} over with `{text}.T`: {n} samples of {wanted} features"),
            {"x": x.said, "text": x.base, "n": given, "wanted": wanted},
        )
        fixes.append(Fix(title, "maybe", rewrite(case, x, ".T")))
    if before and n_before == given:
        said = N_("Let {layer} give {new} features: `{text}`")
        fixes.append(_feature_fix(case, before, 1, "out_features", given, wanted, said))
    return [fix for fix in fixes if fix is not None and fix.edits]
