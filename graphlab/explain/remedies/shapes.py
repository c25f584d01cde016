"""Operands that don't fit: sizes where a tensor or layer is made, missing axes, slices, other reductions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from graphlab.explain import words
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.remedies.kit import (
    creation,
    made_by,
    maybe,
    names_in,
    on_line,
    remedy,
    shape_named,
    shortened,
    sizes_written,
    statement,
)
from graphlab.explain.shapes import REDUCTIONS, broadcast_shape, rewrite, shapes_of
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, EventKind, Fix

_KEEPS = frozenset({
    "relu", "tanh", "sigmoid", "leaky_relu", "gelu", "dropout", "softmax", "log_softmax", "elu", "silu", "batch_norm",
    "layer_norm", "squeeze", "mul", "add",
})  # fmt: skip


def _pair(case: Case) -> tuple[Argument, Argument] | None:
    shapes = shapes_of(case)
    if len(shapes) != 2:
        return None
    a, b = case.arguments(["", ""], shapes)
    return Argument(a.said, a.text, a.name, shapes[0], a.node), Argument(b.said, b.text, b.name, shapes[1], b.node)


def _clashes(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Axes, counted from the right, at which two shapes don't broadcast."""
    return [k for k in range(1, min(len(a), len(b)) + 1) if a[-k] != b[-k] and 1 not in (a[-k], b[-k])]


def placed(operand: Argument) -> bool:
    return operand.node is not None and not isinstance(getattr(operand.node, "ctx", None), ast.Store)


@remedy("GL101", leads=True)
def trailing_axes(case: Case, found: Found) -> Iterator[Fix]:
    """One number for each channel: (3,) with (3, 8, 8) needs two axes of size 1 behind it."""
    pair = _pair(case)
    if pair is None:
        return
    for operand, other in (pair, pair[::-1]):
        n = len(other.shape) - len(operand.shape)
        if n < 2 or not placed(operand) or operand.node is None:
            continue
        for behind in range(n, 0, -1):
            shape = [*operand.shape, *[1] * behind]
            if broadcast_shape(shape, other.shape) == list(other.shape) and not _clashes(shape, other.shape):
                suffix = f".view(-1, {', '.join(['1'] * behind)})"
                if len(operand.shape) != 1:
                    suffix = ".unsqueeze(-1)" * behind
                edits = _named_operands(case, operand, suffix)
                yield maybe(
                    N_("Give {name} {n} axes of size 1 behind: `{text}` has shape {shape}"),
                    edits,
                    name=operand.said or words.code(operand.base),
                    n=behind,
                    text=f"{operand.base}{suffix}",
                    shape=words.shape(shape),
                )
                break


def _named_operands(case: Case, operand: Argument, suffix: str) -> list[Edit]:
    """The suffix behind an operand, and behind each like it in the same statement: `(image - mean) / std`."""
    edits = rewrite(case, operand, suffix)
    where = case.source.statement_of(operand.node)
    for node in ast.walk(where) if where is not None else []:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id != operand.name:
            parent = case.source.parents.get(node)
            if isinstance(parent, ast.BinOp) and parent.right is node and shape_named(case, node.id) == operand.shape:
                edits += case.source.append(node, suffix)
    return edits


@remedy("GL101", leads=True)
def matrix_product(case: Case, found: Found) -> Iterator[Fix]:
    """`a * b` of two matrices whose inner sizes fit."""
    pair, node = _pair(case), case.expression
    if pair is None or not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return
    a, b = pair
    if len(a.shape) == len(b.shape) == 2 and a.shape[1] == b.shape[0]:
        text = f"{case.source.base(node.left)} @ {case.source.base(node.right)}"
        yield maybe(
            N_("Multiply the matrices: `{text}` has shape {shape}"),
            [case.source.replace(node, text)],
            text=text,
            shape=words.shape([a.shape[0], b.shape[1]]),
        )


@remedy("GL101", leads=True)
def all_statistics(case: Case, found: Found) -> Iterator[Fix]:
    """`(x - mean) / std`: what one of the statistics of the rows needs, the others need as well."""
    pair = _pair(case)
    where = case.source.statement_of(case.expression)
    if pair is None or where is None:
        return
    for operand, other in (pair[::-1], pair):
        if not operand.name or len(operand.shape) != len(other.shape) - 1:
            continue
        names = [n for n in names_in(where) if shape_named(case, n) == operand.shape]
        made = [m for n in names if isinstance(m := case.source.assigned(n, where), ast.Call)]
        is_alike = len(made) == len(names) > 1 and all(called(m) in REDUCTIONS for m in made)
        dims = {integer(argument(m, 0, "dim")) for m in made}
        if not is_alike or len(dims) != 1 or None in dims or any(k.arg == "keepdim" for m in made for k in m.keywords):
            continue
        dim = (dims.pop() or 0) % len(other.shape)
        kept = [*operand.shape[:dim], 1, *operand.shape[dim:]]
        if broadcast_shape(kept, other.shape) == list(other.shape):
            yield maybe(
                N_("Add `keepdim=True` to {names}, so that they keep the axis as size 1: shape {shape}"),
                [case.source.add_argument(m, "keepdim=True") for m in made],
                names=words.listing(words.code(n) for n in names),
                shape=words.shape(kept),
            )
            return


@remedy("GL101")
def other_dim(case: Case, found: Found) -> Iterator[Fix]:
    """A reduction over another dim: `x.mean(1)` where `x.mean(0)` fits."""
    pair = _pair(case)
    if pair is None:
        return
    for operand, other in (pair[::-1], pair):
        nodes: list[ast.expr] = [operand.node] if operand.node is not None else []
        nodes += [n for n in ast.walk(operand.node) if isinstance(n, ast.Name)] if operand.node is not None else []
        for node in nodes:
            made = case.source.assigned(dotted(node), node) if dotted(node) else node
            if (
                not isinstance(made, ast.Call)
                or called(made) not in REDUCTIONS
                or not isinstance(made.func, ast.Attribute)
            ):
                continue
            is_function = dotted(made.func.value) == "torch"
            base = made.args[0] if is_function and made.args else made.func.value
            shape = shape_named(case, dotted(base))
            dim = argument(made, 1 if is_function else 0, "dim")
            old = integer(dim)
            if shape is None or dim is None or old is None or argument(made, 9, "keepdim") is not None:
                continue
            for new in range(len(shape)):
                left = [s for axis, s in enumerate(shape) if axis != new]
                if new != old % len(shape) and left == list(other.shape):
                    yield maybe(
                        N_("Reduce along dim {new} instead: the result has shape {shape}"),
                        [case.source.replace(dim, str(new))],
                        new=new,
                        shape=words.shape(left),
                    )


@remedy("GL101", "GL102", "GL111", "GL126")
def layer_size(case: Case, found: Found) -> Iterator[Fix]:
    """A layer on the way whose output has the wrong size: let it give what the other side has."""
    pair = _pair(case)
    tensors = case.tensors
    if pair is None or len(tensors) != 2 or case.trace is None:
        return
    for at in (1, 0):
        shape, other = pair[at].shape, pair[1 - at].shape
        clashes = _clashes(shape, other)
        if clashes != [1]:
            continue
        layer = last_layer(case, tensors[at].id)
        if layer is None:
            continue
        call, node, path = layer
        if integer(node) == shape[-1]:
            yield maybe(
                N_("Let {layer} give {new} features, as the other side has: `{text}`"),
                [case.source.replace(node, str(other[-1]))],
                layer=words.code(path),
                new=other[-1],
                text=with_size(case, call, node, str(other[-1])),
            )


def with_size(case: Case, call: ast.Call, node: ast.expr, new: str) -> str:
    """The text of a call with one argument replaced."""
    text = case.source.text_of(call)
    line, column, _, _ = case.source.place(call)
    at = case.source.place(node)
    if "\n" in text or at[0] != line:
        return f"{called(call)}(…{new}…)"
    return shortened(text[: at[1] - column] + new + text[at[3] - column :])


def last_layer(case: Case, tensor: int) -> tuple[ast.Call, ast.expr, str] | None:
    """The linear layer, or embedding, that gave a tensor its last size, looking through activations."""
    for _step in range(10):
        event = made_by(case, tensor)
        if event is None or event.kind != EventKind.FORWARD or not event.inputs or case.trace is None:
            return None
        kinds = {"linear": "Linear", "addmm": "Linear", "embedding": "Embedding"}
        if event.op in kinds:
            if not event.module:
                return None
            call = case.source.layer(event.module, kinds[event.op])
            names = ("embedding_dim",) if event.op == "embedding" else ("out_features",)
            node = argument(call, 1, names[0]) if call is not None else None
            return (call, node, event.module) if call is not None and node is not None else None
        if event.op not in _KEEPS:
            return None
        tensor = event.inputs[0]
    return None


@remedy("GL101")
def sliced(case: Case, found: Found) -> Iterator[Fix]:
    """The larger one cut to the size of the other: `mask[:5, :5]`, `positions[:T]`."""
    pair = _pair(case)
    if pair is None:
        return
    for operand, other in (pair[::-1], pair):
        clashes = _clashes(operand.shape, other.shape)
        if isinstance(operand.node, ast.UnaryOp):  # `~mask`
            inner = operand.node.operand
            operand = Argument("", case.source.text_of(inner), dotted(inner), operand.shape, inner)
        if not clashes or not placed(operand) or operand.node is None or not _is_plain(case, operand.node):
            continue
        if any(operand.shape[-k] < other.shape[-k] for k in clashes):
            continue
        if len(operand.shape) == len(other.shape) == 1 and isinstance(operand.node, ast.Compare | ast.BinOp):
            continue
        parts = [f":{other.shape[-k]}" if k in clashes else ":" for k in range(len(operand.shape), 0, -1)]
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        text = f"[{', '.join(parts)}]"
        yield maybe(
            N_("Use only the part that fits: `{text}` has shape {shape}"),
            case.source.append(operand.node, text),
            text=f"{operand.base}{text}",
            shape=words.shape(
                [other.shape[-k] if k in clashes else operand.shape[-k] for k in range(len(operand.shape), 0, -1)]
            ),
        )


def _is_plain(case: Case, node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Compare)


@remedy("GL101", "GL111", "GL102", "GL108", "GL126")
def made_larger(case: Case, found: Found) -> Iterator[Fix]:
    """Another size where `torch.zeros(3)` or `nn.Parameter(torch.zeros(10, 8))` made one of the two."""
    pair = _pair(case)
    if pair is None:
        yield from _resized_arguments(case)
        return
    for operand, other in (pair[::-1], pair):
        clashes = _clashes(operand.shape, other.shape)
        made = creation(case, operand.node)
        sizes = sizes_written(made)
        if len(clashes) != 1 or len(sizes) != len(operand.shape) or case.op in ("matmul", "mm", "bmm", "linear"):
            continue
        node = sizes[-clashes[0]]
        new = other.shape[-clashes[0]]
        more = new - operand.shape[-clashes[0]]
        if made is not None and integer(node) is None and more in (1, -1) and not isinstance(node, ast.Starred):
            text = f"{case.source.text_of(node)} {'+' if more > 0 else '-'} 1"
            found.words.update(b=operand.said or words.code(operand.base), size=new, text=text)
            found.fix = N_("Give {b} {size} entries along that axis where it is made: `{text}`.")
            yield maybe(
                N_("Make {name} with {size} there: `{text}`"),
                [case.source.replace(node, text)],
                name=operand.said or words.code(operand.base),
                size=new,
                text=text,
            )
        elif integer(node) == operand.shape[-clashes[0]] and made is not None:
            yield maybe(
                N_("Make {name} with {size} there: `{text}`"),
                [case.source.replace(node, str(new))],
                name=operand.said or words.code(operand.base),
                size=new,
                text=with_size(case, made, node, str(new)),
            )
    yield from _resized_arguments(case)


def _resized_arguments(case: Case) -> Iterator[Fix]:
    """A literal size inside the failing call itself: `torch.where(x > 0, x, torch.zeros(3))`."""
    sizes = case.facts.get("sizes") or []
    if len(sizes) != 2 or case.expression is None or case.op in ("matmul", "mm", "linear"):
        return
    for call in ast.walk(case.expression):
        written = (
            sizes_written(call) if isinstance(call, ast.Call) and called(call) in ("zeros", "ones", "full") else []
        )
        for node in written:
            for old, new in (sizes, sizes[::-1]):
                if integer(node) == old and isinstance(call, ast.Call):
                    yield maybe(
                        N_("Make it with {size} there: `{text}`"),
                        [case.source.replace(node, str(new))],
                        size=new,
                        text=with_size(case, call, node, str(new)),
                    )


@remedy("GL111")
def stretched(case: Case, found: Found) -> Iterator[Fix]:
    """`broadcast_to` and `expand` with a size that is there; a row cut to the places that it goes to."""
    wanted, size = case.facts.get("wanted"), case.facts.get("size")
    if wanted is None or size is None:
        sizes = case.facts.get("sizes") or []
        if len(sizes) != 2:
            return
        wanted, size = sizes
    for call in on_line(case, ast.Call):
        if called(call) in ("broadcast_to", "expand"):
            for node in ast.walk(call):
                if isinstance(node, ast.Constant) and node.value == wanted:
                    yield maybe(
                        N_("Ask for the size that is there: {size} instead of {wanted}"),
                        [case.source.replace(node, str(size))],
                        size=size,
                        wanted=wanted,
                    )
                    return
    where = statement(case)
    if isinstance(where, ast.Assign) and isinstance(where.targets[0], ast.Subscript) and int(size) > int(wanted):
        target = where.targets[0].value
        made = creation(case, target)
        for node in sizes_written(made):
            if integer(node) == wanted and made is not None:
                yield maybe(
                    N_("Make {name} with {size} there: `{text}`"),
                    [case.source.replace(node, str(size))],
                    name=words.code(case.source.text_of(target)),
                    size=size,
                    text=with_size(case, made, node, str(size)),
                )
        text = f"[:{wanted}]"
        yield maybe(N_("Use only the first {n} of the values"), case.source.append(where.value, text), n=wanted)


@remedy("GL126")
def index_lists(case: Case, found: Found) -> Iterator[Fix]:
    """`x[rows, columns]` → `x[rows][:, columns]`; one number for all places of a mask."""
    where = statement(case)
    if isinstance(where, ast.Assign) and isinstance(where.targets[0], ast.Subscript):
        value = where.value
        numbers = _numbers(value)
        if numbers and len(set(numbers)) == 1:
            text = str(numbers[0])
            yield maybe(N_("Give one number for all places: `{text}`"), [case.source.replace(value, text)], text=text)
        index = where.targets[0].slice
        if isinstance(value, ast.Name) and isinstance(index, ast.Compare | ast.Name):
            text = f"[{case.source.text_of(index)}]"
            yield maybe(
                N_("Take the values from the same places: `{text}`"),
                case.source.append(value, text),
                text=f"{value.id}{text}",
            )
        return
    for node in on_line(case, ast.Subscript):
        if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
            rows, columns = (case.source.text_of(e) for e in node.slice.elts)
            text = f"{case.source.text_of(node.value)}[{rows}][:, {columns}]"
            yield maybe(
                N_("Take all combinations of rows and columns: `{text}`"),
                [case.source.replace(node, text)],
                text=shortened(text),
            )


def _numbers(node: ast.expr) -> list[object]:
    """The numbers of `torch.tensor([0.0, 0.0])`, or the one of `torch.zeros(3)`."""
    if isinstance(node, ast.Call) and called(node) in ("zeros", "ones"):
        return [0.0 if called(node) == "zeros" else 1.0]
    if isinstance(node, ast.Call) and called(node) == "tensor" and node.args and isinstance(node.args[0], ast.List):
        return [e.value for e in node.args[0].elts if isinstance(e, ast.Constant)]
    return []


# matrix products


@remedy("GL102")
def product_sizes(case: Case, found: Found) -> Iterator[Fix]:
    """Sizes where the operands of a product are made; vectors cut to the shorter one."""
    pair = _pair(case)
    if pair is None:
        return
    if case.op == "dot" or (len(pair[0].shape) == len(pair[1].shape) == 1):
        short, long = sorted(pair, key=lambda o: o.shape[0])
        if placed(long) and long.node is not None and short.shape != long.shape:
            text = f"[:{short.shape[0]}]"
            yield maybe(
                N_("Use only the part that fits: `{text}` has shape {shape}"),
                case.source.append(long.node, text),
                text=f"{long.base}{text}",
                shape=words.shape(short.shape),
            )
    for operand, other in (pair[::-1], pair):
        if len(operand.shape) < 3 or len(other.shape) != len(operand.shape):
            continue
        wrong = [k for k in range(len(operand.shape) - 2) if operand.shape[k] != other.shape[k]]
        made = creation(case, operand.node)
        sizes = sizes_written(made)
        if len(wrong) == 1 and len(sizes) == len(operand.shape) and made is not None:
            node, new = sizes[wrong[0]], str(other.shape[wrong[0]])
            yield maybe(
                N_("Make {name} with {size} there: `{text}`"),
                [case.source.replace(node, new)],
                name=operand.said or words.code(operand.base),
                size=new,
                text=with_size(case, made, node, new),
            )


@remedy("GL113")
def times_a_number(case: Case, found: Found) -> Iterator[Fix]:
    """`matmul` with a single number is a plain product."""
    shapes = shapes_of(case) or [list(t.shape) for t in case.tensors]
    node = case.expression
    if [] not in shapes or len(shapes) != 2:
        return
    if isinstance(node, ast.Call):
        operands = case.operand_nodes()
        if len(operands) == 2:
            text = " * ".join(case.source.base(o) for o in operands)
            yield maybe(N_("Multiply by the number: `{text}`"), [case.source.replace(node, text)], text=text)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        text = f"{case.source.text_of(node.left)} * {case.source.text_of(node.right)}"
        yield maybe(N_("Multiply by the number: `{text}`"), [case.source.replace(node, text)], text=text)


@remedy("GL128")
def pseudo_inverse(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.linalg.pinv` for a rectangle."""
    for call in on_line(case, ast.Call):
        if called(call) in ("inverse", "inv") and isinstance(call.func, ast.Attribute):
            if dotted(call.func.value) in ("torch", "torch.linalg", "linalg") and call.args:
                text = f"torch.linalg.pinv({case.source.text_of(call.args[0])})"
            else:
                text = f"torch.linalg.pinv({case.source.text_of(call.func.value)})"
            yield maybe(
                N_("Use the pseudo-inverse, which rectangles have: `{text}`"),
                [case.source.replace(call, text)],
                text=shortened(text),
            )
