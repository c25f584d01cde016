"""Reshaping, joining, indexing: how the entries of a tensor are arranged, and what can't be."""

from __future__ import annotations

import ast
from math import prod

from graphlab.explain import words
from graphlab.explain.axes import marked_axes
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, integer
from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Fix


def _entries(n: int) -> str:
    return ngettext("{n} entry", "{n} entries", n).format(n=words.number(n))


@diagnosis(
    "GL104",
    Severity.ERROR,
    kinds=("reshape",),
    title=N_("{n} don't fill the shape {wanted}"),
    what=N_("{x} has shape {shape}, that is {n}; the shape {wanted} needs {m}."),
    why=N_("Reshaping only arranges the same entries anew, so the product of the sizes must stay the same."),
    fix=N_("Choose sizes whose product is {count}, or put −1 for one size and let PyTorch compute it."),
    example={"shape": [2, 3], "wanted": [4, 2]},
    program="""import torch
x = torch.ones(2, 3)
print(x.reshape(4, 2))
""",
    mended="""import torch
x = torch.ones(2, 3)
print(x.reshape(3, 2))
""",
)
def reshape(case: Case) -> Found | None:
    """reshape or view to another number of entries."""
    wanted = [int(d) for d in case.facts.get("wanted") or []]
    shape = case.facts.get("shape")
    if not wanted or (shape is None and case.facts.get("n") is None):
        return None
    count = prod(words.tuple_of(shape)) if shape is not None else int(case.facts["n"])
    (x,) = case.arguments([_("the tensor")], [words.tuple_of(shape)] if shape is not None else [])
    known = prod(d for d in wanted if d != -1)
    has_free = wanted.count(-1) == 1
    found = Found(
        {
            "x": x.said,
            "shape": words.shape(words.tuple_of(shape)) if shape is not None else "",
            "wanted": words.shape(wanted).replace("-", "−"),
            "n": _entries(count),
            "m": _entries(known),
            "count": words.number(count),
        }
    )
    if has_free:
        found.title = N_("{n} can't be divided into groups of {m}")
        found.what = N_("{x} has shape {shape}, that is {n}; for {wanted} they would have to fall into groups of {m}.")
        found.fix = N_("Choose sizes beside the −1 whose product divides {count}.")
        if shape is None:
            found.what = N_("The tensor has {n}; for {wanted} they would have to fall into groups of {m}.")
    elif shape is None:
        found.what = N_("The tensor has {n}; the shape {wanted} needs {m}.")
    call = case.call_of("reshape", "view")
    if call is None or has_free or not known:
        return found
    sizes: list[ast.expr] = list(call.args)
    if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
        sizes = list(sizes[0].elts)
    if len(sizes) == len(wanted):
        for axis in range(len(wanted)):
            rest = prod(d for at, d in enumerate(wanted) if at != axis)
            if rest and count % rest == 0 and len(found.fixes) < 2:
                result = [*wanted[:axis], count // rest, *wanted[axis + 1 :]]
                title = words.fill(
                    N_("Let PyTorch compute size {axis} with −1: the shape becomes {shape}"),
                    {"axis": axis, "shape": words.shape(result)},
                )
                found.fixes.append(Fix(title, "maybe", [case.source.replace(sizes[axis], "-1")]))
    return found


def _fills(case: Case) -> bool:
    """Whether a `view` was refused although the number of entries is right: their order in memory is what it lacks."""
    shape, wanted = case.facts.get("shape"), case.facts.get("wanted")
    if case.op != "view" or shape is None or not wanted:
        return False
    count, known = prod(words.tuple_of(shape)), prod(int(d) for d in wanted if int(d) != -1)
    return count % known == 0 if -1 in wanted and known else count == known


@diagnosis(
    "GL105",
    Severity.ERROR,
    kinds=("view_stride", "reshape"),
    over=("GL104",),
    title=N_("`view` can't be used here: the entries don't lie in that order in memory"),
    what=N_("{x} was turned or sliced, so its entries don't lie in memory in the order that `view` needs."),
    why=N_("`view` never copies; it can only join axes whose entries follow each other in memory."),
    fix=N_("Use `reshape`, which copies where it must."),
    example={},
    program="""import torch
x = torch.ones(2, 3)
print(x.t().view(6))
""",
    mended="""import torch
x = torch.ones(2, 3)
print(x.t().reshape(6))
""",
)
def view_stride(case: Case) -> Found | None:
    """view of a tensor that isn't contiguous."""
    if case.kind == "reshape" and not _fills(case):
        return None
    call = case.call_of("view")
    found = Found({"x": _("the tensor")})
    if call is not None and isinstance(call.func, ast.Attribute):
        owner = case.source.text_of(call.func.value)
        found.words["x"] = words.code(owner) if len(owner) < 40 and "\n" not in owner else _("the tensor")
        _line, _column, end_line, end_column = case.source.place(call.func)
        from graphlab.trace.records import Edit

        edit = Edit(end_line, end_column - len("view"), end_line, end_column, "reshape")
        found.fixes.append(Fix(_("Use `reshape` instead of `view`"), "safe", [edit]))
    return found


@diagnosis(
    "GL106",
    Severity.ERROR,
    kinds=("concat",),
    title=N_("{op} can't join {a} and {b}"),
    what=N_("Tensor number {i} has shape {a_shape}, tensor number {j} has shape {b_shape}."),
    why=N_("`cat` along dim {dim} needs equal sizes in all other dims, because the pieces are laid end to end there."),
    fix=N_("Join along another dim, or bring the other sizes into line first."),
    example={"op": "cat", "dim": 0, "shapes": [[2, 3], [2, 4]], "sizes": [3, 4], "index": 1},
    program="""import torch
a = torch.ones(2, 3)
b = torch.ones(2, 4)
print(torch.cat([a, b]))
""",
    mended="""import torch
a = torch.ones(2, 3)
b = torch.ones(2, 4)
print(torch.cat([a, b], dim=1))
""",
)
def concat(case: Case) -> Found | None:
    """cat and stack of shapes that don't fit."""
    op = str(case.facts.get("op") or case.op or "cat")
    shapes = shapes_of(case)
    dim = int(case.facts.get("dim") or 0)
    if len(shapes) < 2:
        sizes = case.facts.get("sizes")
        if not sizes:
            n_dims = case.facts.get("n_dims")
            if case.facts.get("is_bare"):
                return _uncounted(op, str(case.facts["is_bare"]))
            if not n_dims:
                return None
            axes = [ngettext("{n} axis", "{n} axes", int(n)).format(n=int(n)) for n in n_dims]
            return Found(
                {"op": words.code(op), "a": axes[0], "b": axes[1]},
                title=N_("{op} can't join tensors with {a} and with {b}"),
                what=N_("One tensor has {a}, another has {b}."),
                why=N_("Tensors are joined along one axis they all have, so all need the same number of axes."),
                fix=N_("Give the smaller one an axis with `unsqueeze`."),
            )
        return Found(
            {"op": words.code(op), "a": sizes[0], "b": sizes[1], "dim": dim, "i": 0, "j": case.facts.get("index", 1)},
            title=N_("{op} can't join sizes {a} and {b}"),
            what=N_("Where the first tensor has size {a}, tensor number {j} (counted from 0) has {b}."),
        )
    first, second = shapes[0], next((s for s in shapes[1:] if s != shapes[0]), shapes[1])
    for index in range(1, len(shapes)):
        clash = len(shapes[index]) != len(first) or any(
            x != y for axis, (x, y) in enumerate(zip(first, shapes[index])) if axis != dim or op == "stack"
        )
        if clash:
            second = shapes[index]
            break
    position = int(case.facts.get("index") or shapes.index(second))
    call = case.call_of("cat", "concat", "stack", "concatenate", "hstack", "vstack")
    nodes: list[ast.expr] = []
    if call is not None and call.args and isinstance(call.args[0], ast.List | ast.Tuple):
        nodes = list(call.args[0].elts)
    names = [
        words.code(case.source.text_of(nodes[at])) if at < len(nodes) and len(nodes) == len(shapes) else ""
        for at in (0, position)
    ]
    a = names[0] or _("the first tensor")
    b = names[1] or _("another one")
    found = Found(
        {
            "op": words.code(op),
            "a": a,
            "b": b,
            "i": 0,
            "j": position,
            "dim": dim,
            "a_shape": words.shape(first),
            "b_shape": words.shape(second),
        },
        picture=marked_axes(
            [a.strip("`"), b.strip("`")],
            [first, second],
            [
                [x for x in range(len(s)) if x >= len(o) or (o[x] != s[x] and (x != dim or op == "stack"))]
                for s, o in ((first, second), (second, first))
            ],
            _("All sizes must be equal, but along dim {dim}.").format(dim=dim)
            if op != "stack"
            else _("All sizes must be equal."),
        ),
    )
    if all(names):
        found.what = N_("{a} has shape {a_shape}, {b} has shape {b_shape}.")
    if op == "cat" and not first:
        found.what = N_("The tensors have shape (): they are single numbers without an axis.")
        found.why = N_("`cat` joins along an axis that the tensors have; a single number has none.")
        found.fix = N_("Use `torch.stack`, which makes a new axis.")
        if call is not None and called(call) == "cat" and isinstance(call.func, ast.Attribute):
            text = f"{case.source.text_of(call.func.value)}.stack"
            found.fixes.append(Fix(_("Write `torch.stack`"), "safe", [case.source.replace(call.func, text)]))
        return found
    if len(first) != len(second):
        found.words.update(n_a=len(first), n_b=len(second))
        found.what = N_("{a} has shape {a_shape}, {b} has shape {b_shape}: {n_a} axes and {n_b}.")
        found.why = N_("Tensors are joined along one axis that they all have, so all need the same number of axes.")
        found.fix = N_("Give the smaller one an axis with `unsqueeze(0)`.")
        small = 0 if len(first) < len(second) else 1
        if len(nodes) == len(shapes):
            node = nodes[(0, position)[small]]
            title = words.fill(N_("Write `{text}.unsqueeze(0)`"), {"text": case.source.base(node)})
            found.fixes.append(Fix(title, "maybe", case.source.append(node, ".unsqueeze(0)")))
        return found
    if op == "stack":
        found.why = N_("`stack` lays equal tensors side by side along a new axis, so all shapes must be the same.")
        found.fix = N_("Bring all to one shape first, or join them end to end with `torch.cat`.")
        return found
    fitting = [
        d
        for d in range(len(first))
        if all(
            len(s) == len(first) and all(x == y for at, (x, y) in enumerate(zip(first, s)) if at != d) for s in shapes
        )
    ]
    if call is not None and fitting:
        total = [*first]
        total[fitting[0]] = sum(s[fitting[0]] for s in shapes)
        old = argument(call, 1, "dim")
        edit = (
            case.source.replace(old, str(fitting[0]))
            if old is not None
            else case.source.add_argument(call, f"dim={fitting[0]}")
        )
        title = words.fill(
            N_("Join along `dim={dim}`: the result has shape {shape}"), {"dim": fitting[0], "shape": words.shape(total)}
        )
        found.fixes.append(Fix(title, "maybe", [edit]))
    return found


def _uncounted(op: str, differing: str) -> Found:
    """What an old message says that names no sizes."""
    found = Found({"op": words.code(op)}, title=N_("{op} can't join tensors of different shapes"))
    found.what = N_("The tensors to be joined have different numbers of axes; the message doesn't say which.")
    found.why = N_("Tensors are joined along one axis that they all have, so all need the same number of axes.")
    found.fix = N_("Print the shapes, and give the smaller one an axis with `unsqueeze`.")
    if differing == "lengths":
        found.title = N_("The samples of a batch have different lengths")
        found.what = N_("The data set gives lists, and not all of them have the same length.")
        found.why = N_("A batch is put together entry by entry, so each sample needs equally many.")
        found.fix = N_("Pad the lists to one length in a `collate_fn`, for example with `nn.utils.rnn.pad_sequence`.")
    return found


@diagnosis(
    "GL107",
    Severity.ERROR,
    kinds=("dim_range",),
    title=N_("There is no dim {dim} in a tensor with {axes}"),
    what=N_("{x} has {axes}, so `dim` can be from {low} to {high}, not {dim}."),
    why=N_(
        "Dims are counted from 0, and from −1 backwards: in a tensor of shape (rows, columns) dim 0 is rows and "
        "dim 1 columns."
    ),
    fix=N_("Use dim {high} or −1 for the last axis, or give the tensor another axis with `unsqueeze` first."),
    example={"dim": 2, "n_dims": 2},
    program="""import torch
x = torch.ones(2, 3)
print(x.sum(dim=2))
""",
    mended="""import torch
x = torch.ones(2, 3)
print(x.sum(dim=-1))
""",
)
def dim_range(case: Case) -> Found | None:
    """A dim that the tensor doesn't have."""
    dim, n_dims = case.facts.get("dim"), case.facts.get("n_dims")
    if dim is None or n_dims is None:
        return None
    n = max(int(n_dims), 1)
    (x,) = case.arguments([_("the tensor")])
    found = Found(
        {
            "dim": words.number(int(dim)),
            "axes": ngettext("{n} axis", "{n} axes", int(n_dims)).format(n=int(n_dims)),
            "low": words.number(-n),
            "high": n - 1,
            "x": x.said,
        }
    )
    node = case.expression
    if isinstance(node, ast.Call):
        hits = [k.value for k in node.keywords if k.arg in ("dim", "axis") and integer(k.value) == dim]
        hits = hits or [a for a in node.args if integer(a) == dim]
        if len(hits) == 1:
            title = words.fill(N_("Use the last axis: `dim={last}`"), {"last": -1})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(hits[0], "-1")]))
    return found


@diagnosis(
    "GL108",
    Severity.ERROR,
    kinds=("index_range",),
    title=N_("Index {index} is outside of size {size}"),
    what=N_("{x} has size {size} along dim {dim}, so its indices there go from 0 to {last}; {index} is outside."),
    why=N_("Counting starts at 0, so the last of {size} entries has index {last}, or −1 counted from the end."),
    fix=N_("Use an index up to {last}, or −1 for the last entry."),
    example={"index": 3, "dim": 0, "size": 3},
    program="""import torch
x = torch.tensor([1.0, 2.0, 3.0])
print(x[3])
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0, 3.0])
print(x[2])
""",
)
def index_range(case: Case) -> Found | None:
    """An index past the end."""
    index, size = case.facts.get("index"), case.facts.get("size")
    if index is None or size is None:
        return None
    node = case.expression
    owner = node.value if isinstance(node, ast.Subscript) else None
    text = case.source.text_of(owner) if owner is not None else ""
    found = Found(
        {
            "index": words.number(int(index)),
            "size": int(size),
            "last": int(size) - 1,
            "dim": int(case.facts.get("dim") or 0),
            "x": words.code(text) if 0 < len(text) < 40 else _("the tensor"),
        }
    )
    if int(size) == 0:
        found.what = N_("{x} has size 0 along dim {dim}: it is empty there, so no index fits.")
        found.why = N_("An empty tensor has no entry to pick.")
        found.fix = N_("Find out why it is empty: a mask that matched nothing, or a slice past the end.")
        return found
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        hits = [p for p in parts if integer(p) == index]
        if len(hits) == 1 and int(index) >= 0:
            title = words.fill(N_("Use the last entry: index {last}"), {"last": int(size) - 1})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(hits[0], str(int(size) - 1))]))
    return found


@diagnosis(
    "GL109",
    Severity.ERROR,
    kinds=("too_many_indices", "index_scalar", "index_range"),
    title=N_("More indices than axes"),
    what=N_("{x} has {axes}, but it is indexed with more."),
    why=N_("Each index picks along one axis, so there can't be more of them than axes."),
    fix=N_("Print the shape and leave an index out."),
    example={"n_dims": 2},
    program="""import torch
x = torch.ones(2, 3)
print(x[0, 0, 0])
""",
    mended="""import torch
x = torch.ones(2, 3)
print(x[0, 0])
""",
)
def too_many_indices(case: Case) -> Found | None:
    """x[0, 0, 0] of a matrix, x[0] of a single number."""
    if case.kind == "index_range" and any(key in case.facts for key in ("index", "mask_shape", "mask")):
        return None
    node = case.expression
    owner = node.value if isinstance(node, ast.Subscript) else None
    text = case.source.text_of(owner) if owner is not None else ""
    said = words.code(text) if 0 < len(text) < 40 else _("the tensor")
    n_dims = 0 if case.kind == "index_scalar" else case.facts.get("n_dims")
    if n_dims is None:
        shape = case.facts.get("shape")
        if shape is None:
            return None
        n_dims = len(shape)
    found = Found({"x": said, "axes": ngettext("{n} axis", "{n} axes", int(n_dims)).format(n=int(n_dims))})
    if int(n_dims) == 0:
        found.title = N_("A single number can't be indexed")
        found.what = N_("{x} holds one number and has no axis, so there is nothing to index.")
        found.fix = N_("Use it as it is, or `.item()` for a Python number.")
        if isinstance(node, ast.Subscript) and integer(node.slice) == 0 and text:
            title = words.fill(N_("Take the number: `{text}.item()`"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(node, f"{text}.item()")]))
    return found


@diagnosis(
    "GL110",
    Severity.ERROR,
    kinds=("mask_shape", "index_range"),
    title=N_("A mask of shape {mask} doesn't fit a tensor of shape {shape}"),
    what=N_("The mask has shape {mask}, but the tensor it picks from has shape {shape}: they differ in axis {axis}."),
    why=N_("A mask says yes or no for each entry, or for each row, so its sizes must be those of the tensor."),
    fix=N_("Build the mask from the same tensor, or from one with the same first sizes."),
    example={"mask": [3], "shape": [2, 3], "axis": 0},
    program="""import torch
x = torch.ones(2, 3)
mask = torch.tensor([True, False, True])
print(x[mask])
""",
    mended="""import torch
x = torch.ones(2, 3)
mask = torch.tensor([True, False, True])
print(x[:, mask])
""",
)
def mask_shape(case: Case) -> Found | None:
    """A boolean index of another shape."""
    mask, shape, axis = (
        case.facts.get("mask") or case.facts.get("mask_shape"),
        case.facts.get("shape"),
        case.facts.get("axis"),
    )
    if mask is None or shape is None:
        return None
    mask, shape = words.tuple_of(mask), words.tuple_of(shape)
    if axis is None:
        axis = next((at for at, (m, s) in enumerate(zip(mask, shape)) if m != s), 0)
    found = Found({"mask": words.shape(mask), "shape": words.shape(shape), "axis": int(axis)})
    node = case.expression
    if isinstance(node, ast.Subscript) and len(mask) == 1 and len(shape) == 2 and shape[1] == mask[0]:
        text = f":, {case.source.text_of(node.slice)}"
        title = words.fill(N_("Pick columns instead of rows: `{text}`"), {"text": f"[{text}]"})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(node.slice, text)]))
    return found


@diagnosis(
    "GL111",
    Severity.ERROR,
    kinds=("expand", "broadcast"),
    over=("GL101",),
    title=N_("Size {size} can't be stretched to {wanted}"),
    what=N_("Along dim {dim} the tensor has size {size}, and `expand` asks for {wanted}."),
    why=N_(
        "Only an axis of size 1 can be stretched, because its one entry serves for all; several would be ambiguous."
    ),
    fix=N_("Ask for {size} along dim {dim}, or give the tensor an axis of size 1 with `unsqueeze` first."),
    example={"wanted": 4, "size": 3, "dim": 0},
    program="""import torch
x = torch.ones(3, 1)
print(x.expand(4, 2))
""",
    mended="""import torch
x = torch.ones(3, 1)
print(x.expand(3, 2))
""",
)
def expand(case: Case) -> Found | None:
    """expand of an axis that isn't 1."""
    facts = dict(case.facts)
    if case.kind == "broadcast":
        if case.op != "expand" or len(facts.get("sizes") or []) != 2:
            return None
        facts["wanted"], facts["size"] = facts["sizes"]
    if any(facts.get(k) is None for k in ("wanted", "size", "dim")):
        return None
    found = Found({k: int(facts[k]) for k in ("wanted", "size", "dim")})
    call = case.call_of("expand")
    if call is not None:
        sizes: list[ast.expr] = list(call.args)
        if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
            sizes = list(sizes[0].elts)
        dim = found.words["dim"]
        if dim < len(sizes) and integer(sizes[dim]) == found.words["wanted"]:
            title = words.fill(N_("Keep size {size} along dim {dim}"), found.words)
            found.fixes.append(Fix(title, "maybe", [case.source.replace(sizes[dim], str(found.words["size"]))]))
    return found


@diagnosis(
    "GL112",
    Severity.ERROR,
    kinds=("ragged",),
    title=N_("The rows have different lengths"),
    what=N_("One list has {a}, another one has {b}, so together they make no rectangle."),
    why=N_("A tensor has one size for each axis, so all rows must have the same number of entries."),
    fix=N_("Fill the short rows up (padding), cut the long ones, or keep them in a Python list."),
    example={"a": 2, "b": 1, "dim": 1},
    program="""import torch
x = torch.tensor([[1.0, 2.0], [3.0]])
""",
    mended="""import torch
x = torch.tensor([[1.0, 2.0], [3.0, 0.0]])
""",
)
def ragged(case: Case) -> Found | None:
    """A nested list that isn't a rectangle."""
    a, b = case.facts.get("a"), case.facts.get("b")
    if a is None or b is None:
        return None
    return Found({"a": _entries(int(a)), "b": _entries(int(b))})


_WANTED_RANK = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1), "addmm": (2, 2)}


@diagnosis(
    "GL113",
    Severity.ERROR,
    kinds=("matmul_rank", "matmul"),
    over=("GL102",),
    title=N_("{op} doesn't take tensors with that many axes"),
    what=N_("{said}"),
    why=N_(
        "`mm` is for two matrices, `bmm` for two stacks of matrices, `mv` for matrix and vector, `dot` for two vectors."
    ),
    fix=N_("Use `@` (matmul), which takes all of these, or bring the tensors to the number of axes that {op} needs."),
    example={"op": "dot", "n_dims": [2, 1]},
    program="""import torch
a = torch.ones(3)
b = torch.ones(3, 4)
print(torch.mm(a, b))
""",
    mended="""import torch
a = torch.ones(3)
b = torch.ones(3, 4)
print(a @ b)
""",
)
def matmul_rank(case: Case) -> Found | None:
    """mm, bmm, mv, dot with the wrong number of axes."""
    op = str(case.facts.get("op") or case.op or "")
    shapes = shapes_of(case)
    call = case.call_of(op or "mm", "mm", "bmm", "mv", "dot", "addmm")
    op = op or called(call)
    n_dims = case.facts.get("n_dims") or [len(s) for s in shapes]
    wanted = _WANTED_RANK.get(op)
    if case.kind == "matmul" and (case.facts.get("sizes") or (0 not in n_dims and tuple(n_dims) == wanted)):
        return None
    if len(n_dims) != 2:
        said = _("{op} got a tensor with another number of axes than it takes.").format(
            op=words.code(op) if op else _("The product")
        )
    elif wanted is not None:
        axes = [ngettext("{n} axis", "{n} axes", int(n)).format(n=int(n)) for n in (*wanted, *n_dims)]
        said = _("{op} takes tensors with {a} and with {b}, but they have {c} and {d}.").format(
            op=words.code(op), a=axes[0], b=axes[1], c=axes[2], d=axes[3]
        )
    else:
        axes = [ngettext("{n} axis", "{n} axes", int(n)).format(n=int(n)) for n in n_dims]
        said = _("The left tensor has {a}, the right one {b}.").format(a=axes[0], b=axes[1])
    found = Found({"op": words.code(op) if op else _("this product"), "said": said})
    if call is not None and called(call) in ("mm", "bmm", "mv", "dot") and len(call.args) == 2:
        a, b = (case.source.text_of(x) for x in call.args)
        if all(isinstance(x, ast.Name | ast.Attribute | ast.Call) for x in call.args):
            title = words.fill(N_("Write `{a} @ {b}`, which works for vectors, matrices and stacks"), {"a": a, "b": b})
            text = f"({a} @ {b})" if not isinstance(case.source.parents.get(call), ast.Assign) else f"{a} @ {b}"
            found.fixes.append(Fix(title, "maybe", [case.source.replace(call, text)]))
    return found
