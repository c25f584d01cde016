"""How entries are arranged: reshape, join, dims, indices, masks, the order of axes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.remedies.kit import (
    creation,
    definition,
    enclosing,
    maybe,
    names_in,
    on_line,
    range_of,
    remedy,
    shape_named,
    shortened,
    sizes_written,
    statement,
)
from graphlab.explain.remedies.shapes import with_size
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

PAD = "torch.nn.utils.rnn.pad_sequence"


@remedy("GL104")
def sizes_that_fill(case: Case, found: Found) -> Iterator[Fix]:
    """One −1 only; a size that divides; the batch kept in front."""
    shape = case.facts.get("shape")
    calls = [c for c in on_line(case, ast.Call) if called(c) in ("view", "reshape", "unflatten", "view_as")]
    if len(calls) != 1:
        return
    call = calls[0]
    if called(call) == "unflatten":
        sizes = argument(call, 1, "sizes")
        if isinstance(sizes, ast.Tuple | ast.List) and sizes.elts:
            for node in sizes.elts[-2:]:
                yield maybe(
                    N_("Let PyTorch compute one size with −1, in place of {old}"),
                    [case.source.replace(node, "-1")],
                    old=case.source.text_of(node),
                )
        return
    wanted = [int(d) for d in case.facts.get("wanted") or []]
    is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
    written = sizes_written(ast.Call(call.func, call.args[1:] if is_function else call.args, []))
    unknown = [n for n in written if integer(n) == -1]
    if len(unknown) > 1:
        line, column, _, _ = case.source.place(written[0])
        _, _, end_line, end_column = case.source.place(written[-1])
        yield maybe(
            N_("Leave one −1 only, which makes one long row: `{text}`"),
            [Edit(line, column, end_line, end_column, "-1")],
            text=f"{called(call)}(-1)",
        )
        return
    if not shape or not wanted or len(written) != len(wanted):
        return
    count = prod(words.tuple_of(shape))
    yield from _divisor(case, written)
    if -1 in wanted:
        known = [at for at, d in enumerate(wanted) if d > 1 and integer(written[at]) == d]
        first = int(shape[0]) if len(shape) > 1 else 0
        if wanted[0] == -1 and first and len(wanted) == 2:
            owner = call.func.value if isinstance(call.func, ast.Attribute) else None
            is_method = owner is not None and dotted(owner) not in ("", "torch")
            text = f"{dotted(owner)}.size(0), -1" if is_method else f"{first}, -1"
            found.words.update(first=first, each=count // first, text=f"{called(call)}({text})")
            found.fix = N_("Each of the {first} along axis 0 has {each} numbers: write `{text}`.")
            line, column, _, _ = case.source.place(written[0])
            _, _, end_line, end_column = case.source.place(written[-1])
            yield maybe(
                N_("Keep the first axis and let PyTorch compute the rest: `{text}`"),
                [Edit(line, column, end_line, end_column, text)],
                text=f"{called(call)}({text})",
            )
        for at in known:
            rest = prod(d for k, d in enumerate(wanted) if k != at and d != -1)
            fitting = [d for d in range(2, count + 1) if count % (d * rest) == 0] if 0 < count < 100_000 else []
            fitting.sort(key=lambda d: (abs(d - wanted[at]), d))
            for new in fitting[:2]:
                yield maybe(
                    N_("Groups of {new} divide the {count} entries: write {new} instead of {old}"),
                    [case.source.replace(written[at], str(new))],
                    new=new,
                    count=count,
                    old=wanted[at],
                )


def _divisor(case: Case, written: list[ast.expr]) -> Iterator[Fix]:
    """`C // n_head` that leaves a rest: another number of heads."""
    for node in written:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv)):
            continue
        made = case.source.assigned(dotted(node.right), node) if dotted(node.right) else node.right
        whole = _size_of(case, node.left)
        part = integer(made)
        if made is None or not whole or not part or whole % part == 0:
            continue
        best = min((d for d in range(1, whole + 1) if whole % d == 0), key=lambda d: (abs(d - part), d))
        yield maybe(
            N_("{name} must divide {whole} without a rest: make it {best} instead of {part}"),
            [case.source.replace(made, str(best))],
            name=words.code(case.source.text_of(node.right)),
            whole=whole,
            best=best,
            part=part,
        )


def _size_of(case: Case, node: ast.expr) -> int | None:
    """The number that `C` stands for: a literal, or one of `B, T, C = x.shape`."""
    plain = integer(node) or integer(case.source.assigned(dotted(node), node) if dotted(node) else None)
    if plain:
        return plain
    for each in case.source.nodes:
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Tuple):
            value = each.value
            names = [dotted(t) for t in each.targets[0].elts]
            shape = shape_named(case, dotted(value.value)) if isinstance(value, ast.Attribute) else None
            if dotted(node) in names and shape is not None and len(shape) == len(names):
                return shape[names.index(dotted(node))]
    return None


@remedy("GL106")
def padded(case: Case, found: Found) -> Iterator[Fix]:
    """Rows of different lengths: `pad_sequence` fills them up; joined end to end; pictures cut to one size."""
    shapes = shapes_of(case)
    if not shapes and case.facts.get("op") != "stack":
        return
    call = case.call_of("stack", "cat", "concat", "vstack")
    is_ragged = all(len(s) == len(shapes[0]) and s[1:] == shapes[0][1:] for s in shapes)
    if (
        call is not None
        and called(call) == "stack"
        and call.args
        and is_ragged
        and len(call.args) + len(call.keywords) == 1
    ):
        rows = case.source.text_of(call.args[0])
        text = f"{PAD}({rows}, batch_first=True)"
        yield maybe(
            N_("Fill the short ones up with zeros: `{text}`"),
            [case.source.replace(call, text)],
            text=shortened(text, 90),
        )
        text = f"{case.source.text_of(call.func).removesuffix('stack')}cat({rows})"
        yield maybe(N_("Join them end to end: `{text}`"), [case.source.replace(call, text)], text=shortened(text))
        return
    if call is None and is_ragged:
        yield from _collate_padded(case)
        return
    if (
        call is not None
        and called(call) in ("cat", "concat")
        and call.args
        and isinstance(call.args[0], ast.List | ast.Tuple)
    ):
        yield from _cropped(case, call.args[0].elts, shapes)


def _collate_padded(case: Case) -> Iterator[Fix]:
    """`collate_fn` for a loader whose samples have different lengths."""
    loaders = [c for c in case.source.calls() if called(c) == "DataLoader" and argument(c, 99, "collate_fn") is None]
    getter = definition(case, "__getitem__")
    returns = [r.value for r in ast.walk(getter) if isinstance(r, ast.Return)] if getter is not None else []
    n = len(returns[0].elts) if returns and isinstance(returns[0], ast.Tuple) else 1
    if n == 1:
        text = f"lambda batch: {PAD}(batch, batch_first=True)"
    else:
        text = f"lambda batch: ({PAD}([s[0] for s in batch], batch_first=True), torch.tensor([s[1] for s in batch]))"
    if len(loaders) == 1:
        yield maybe(
            N_("Fill the short samples up with zeros in a `collate_fn` of your own: `{text}`"),
            [case.source.add_argument(loaders[0], f"collate_fn={text}")],
            text=shortened(text, 90),
        )


def _cropped(case: Case, nodes: list[ast.expr], shapes: list[list[int]]) -> Iterator[Fix]:
    """Two pictures joined by a skip connection, the larger one cut to the smaller."""
    if len(nodes) != 2 or len(shapes) != 2 or len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 3:
        return
    small, large = (0, 1) if prod(shapes[0][2:]) < prod(shapes[1][2:]) else (1, 0)
    if any(x > y for x, y in zip(shapes[small][2:], shapes[large][2:])):
        return
    name = case.source.text_of(nodes[small])
    n = len(shapes[0]) - 2
    cut = (
        ", ".join(f":{name}.shape[{k - n}]" for k in range(n))
        if dotted(nodes[small])
        else ", ".join(f":{d}" for d in shapes[small][2:])
    )
    text = f"[..., {cut}]"
    yield maybe(
        N_("Cut the larger picture to the smaller: `{text}`"),
        case.source.append(nodes[large], text),
        text=f"{case.source.base(nodes[large])}{text}",
    )


@remedy("GL107", leads=True)
def dim_where_it_is_said(case: Case, found: Found) -> Iterator[Fix]:
    """A dim that was given to a module's constructor, or in a tuple, or counts a batch axis that isn't there."""
    dim = case.facts.get("dim")
    if not isinstance(dim, int):
        return
    here = isinstance(case.expression, ast.Call) and any(
        integer(a) == dim for a in [*case.expression.args, *(k.value for k in case.expression.keywords)]
    )
    for call in on_line(case, ast.Call):
        for node in [*call.args, *(k.value for k in call.keywords if k.arg in ("dim", "axis", "dims"))]:
            if isinstance(node, ast.Tuple | ast.List) and any(integer(e) == dim for e in node.elts):
                old = [integer(e) for e in node.elts]
                if all(o is not None and o > 0 for o in old):
                    new = "(" + ", ".join(str((o or 0) - 1) for o in old) + ")"
                    yield maybe(
                        N_("Count the dims without a batch axis: `{new}`"), [case.source.replace(node, new)], new=new
                    )
        if not here and (
            dotted(call.func).rpartition(".")[2] in ("softmax", "log_softmax", "sum", "mean", "cat", "stack")
        ):
            for node in [*call.args, *(k.value for k in call.keywords)]:
                if integer(node) == dim:
                    yield maybe(N_("Use the last axis: `dim={last}`"), [case.source.replace(node, "-1")], last=-1)
    if here:
        return
    for call in case.source.calls():
        node = argument(call, 0, "dim") or argument(call, 0, "start_dim")
        is_layer = called(call) in ("Softmax", "LogSoftmax", "Softmin", "Flatten", "Unflatten", "GLU")
        if is_layer and node is not None and integer(node) == dim:
            yield maybe(
                N_("Use the last axis: `{text}`"), [case.source.replace(node, "-1")], text=f"{called(call)}(dim=-1)"
            )


@remedy("GL108", leads=True)
def loop_too_far(case: Case, found: Found) -> Iterator[Fix]:
    """`range(n + 1)` where `range(n)` counts all, `x[i + 1]` at the end, a count that begins with 1."""
    from graphlab.explain.remedies.entries import samples_ahead

    yield from loops_one_less(case)
    yield from samples_ahead(case)


def loops_one_less(case: Case) -> Iterator[Fix]:
    """Fixes of a loop over indices that runs one turn too far."""
    for subscript in on_line(case, ast.Subscript):
        for loop in enclosing(case, subscript, ast.For, ast.ListComp, ast.GeneratorExp):
            generators = (
                [(loop.target, loop.iter)]
                if isinstance(loop, ast.For)
                else [(g.target, g.iter) for g in loop.generators]
            )
            for target, iterator in generators:
                if not isinstance(iterator, ast.Call) or called(iterator) != "range" or not iterator.args:
                    continue
                name = dotted(target)
                if name not in names_in(subscript.slice):
                    continue
                stop = iterator.args[0] if len(iterator.args) == 1 else iterator.args[1]
                is_plus = (
                    isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) and integer(stop.right) is not None
                )
                if is_plus and isinstance(stop, ast.BinOp):
                    text = case.source.text_of(stop.left)
                    yield maybe(
                        N_("End the loop one turn earlier: `range(… {text})`"),
                        [case.source.replace(stop, text)],
                        text=text,
                    )
                if len(iterator.args) == 2 and integer(iterator.args[0]) == 1 and isinstance(subscript.slice, ast.Name):
                    text = f"{name} - 1"
                    yield maybe(
                        N_("`{name}` counts from 1 and indices from 0: write `{text}`"),
                        [case.source.replace(subscript.slice, text)],
                        name=name,
                        text=text,
                    )
                ahead = subscript.slice
                if isinstance(ahead, ast.BinOp) and isinstance(ahead.op, ast.Add) and integer(ahead.right) is not None:
                    text = f"{case.source.text_of(stop)} - {case.source.text_of(ahead.right)}"
                    yield maybe(
                        N_("Stop before the end, because line {line} looks ahead: `{text}`"),
                        [case.source.replace(stop, text)],
                        line=case.line,
                        text=text,
                    )
                elif integer(stop) is not None or isinstance(stop, ast.Name):
                    owner = case.source.text_of(subscript.value)
                    text = f"len({owner})"
                    if not is_plus and dotted(subscript.value):
                        yield maybe(
                            N_("Run the loop over what is there: `range({text})`"),
                            [case.source.replace(stop, text)],
                            text=text,
                        )


@remedy("GL108", "GL118")
def room_for_index(case: Case, found: Found) -> Iterator[Fix]:
    """A table made with more rows; indices that count from 1."""
    index, size = case.facts.get("index"), case.facts.get("size")
    if not isinstance(index, int) or not isinstance(size, int) or index < 0:
        return
    tensors = case.tensors
    ranges = [(t, r) for t in tensors if (r := range_of(case, t)) is not None and r[1] >= size]
    largest = max([index, *(r[1] for _t, r in ranges)])
    for tensor, (low, high) in ranges:
        node = next((n for n in on_line(case, ast.Name) if n.id == tensor.name and isinstance(n.ctx, ast.Load)), None)
        if low == 1 and high == size and node is not None:
            yield maybe(
                N_("Count from 0: `{text}`, if {name} counts from 1"),
                [case.source.replace(node, f"({node.id} - 1)" if _is_owner(case, node) else f"{node.id} - 1")],
                text=f"{node.id} - 1",
                name=words.code(node.id),
            )
    dim = int(case.facts.get("dim") or 0)
    for name in _owners(case):
        made = creation(case, name)
        sizes = sizes_written(made)
        if dim < len(sizes) and integer(sizes[dim]) == size and made is not None:
            new = str(largest + 1)
            same = [n for n in sizes if integer(n) == size and dim < 2 and len(sizes) == 2 and case.op != "gather"]
            edits = [case.source.replace(n, new) for n in (same if len(same) == 2 else [sizes[dim]])]
            yield maybe(
                N_("Make {name} with {size} there: `{text}`"),
                edits,
                name=words.code(dotted(name)),
                size=new,
                text=with_size(case, made, sizes[dim], new),
            )


def _is_owner(case: Case, node: ast.expr) -> bool:
    return isinstance(case.source.parents.get(node), ast.Attribute)


def _owners(case: Case) -> list[ast.Name]:
    """Names on the line that are indexed: of subscripts, and the first operand of `gather` and its like."""
    found: list[ast.Name] = []
    for node in on_line(case, ast.Subscript):
        if isinstance(node.value, ast.Name):
            found.append(node.value)
    for call in on_line(case, ast.Call):
        if called(call) in ("gather", "index_select", "scatter", "take") and isinstance(call.func, ast.Attribute):
            first = call.args[0] if dotted(call.func.value) == "torch" and call.args else call.func.value
            if isinstance(first, ast.Name):
                found.append(first)
    return found


@remedy("GL118")
def padding_index(case: Case, found: Found) -> Iterator[Fix]:
    """−1 as padding of token lists."""
    if not (isinstance(found.facts.get("index"), int) and found.facts["index"] < 0):
        return
    call = case.expression
    node = call.args[0] if isinstance(call, ast.Call) and call.args else None
    if node is not None and dotted(node):
        yield maybe(
            N_("Read the padding as row 0: `{text}`"),
            case.source.append(node, ".clamp(min=0)"),
            text=f"{case.source.base(node)}.clamp(min=0)",
        )


@remedy("GL109")
def fewer_indices(case: Case, found: Found) -> Iterator[Fix]:
    """An index left out; `loss.data[0]` of old programs."""
    for node in on_line(case, ast.Subscript):
        if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1:
            for kept in (node.slice.elts[1:], node.slice.elts[:-1]):
                text = ", ".join(case.source.text_of(e) for e in kept)
                yield maybe(
                    N_("Leave one index out: `{text}`"),
                    [case.source.replace(node.slice, text)],
                    text=f"{case.source.text_of(node.value)}[{text}]",
                )
        elif isinstance(node.value, ast.Attribute) and node.value.attr == "data" and integer(node.slice) == 0:
            text = f"{case.source.text_of(node.value.value)}.item()"
            yield maybe(N_("Take the number: `{text}`"), [case.source.replace(node, text)], text=text)


@remedy("GL110")
def masked_part(case: Case, found: Found) -> Iterator[Fix]:
    """A mask shorter than what it picks from."""
    mask = words.tuple_of(case.facts.get("mask") or case.facts.get("mask_shape") or [])
    shape = words.tuple_of(case.facts.get("shape") or [])
    for node in on_line(case, ast.Subscript):
        if len(mask) == 1 and shape and isinstance(node.slice, ast.Name | ast.Compare):
            text = case.source.text_of(node.slice)
            if mask[0] < shape[0]:
                yield maybe(
                    N_("Pick only from the first {n} entries: `{text}`"),
                    [case.source.replace(node.value, f"{case.source.text_of(node.value)}[:{mask[0]}]")],
                    n=mask[0],
                    text=f"{case.source.text_of(node.value)}[:{mask[0]}][{text}]",
                )
            elif mask[0] > shape[0] and isinstance(node.slice, ast.Name):
                yield maybe(
                    N_("Use only the part that fits: `{text}` has shape {shape}"),
                    case.source.append(node.slice, f"[:{shape[0]}]"),
                    text=f"{text}[:{shape[0]}]",
                    shape=words.shape([shape[0]]),
                )


@remedy("GL112")
def rows_filled(case: Case, found: Found) -> Iterator[Fix]:
    """Rows of a literal filled up with zeros; a list of lists by `pad_sequence`."""
    calls = [
        c
        for c in on_line(case, ast.Call)
        if called(c) in ("tensor", "as_tensor", "FloatTensor", "LongTensor") and c.args
    ]
    if len(calls) != 1:
        return
    call = calls[0]
    data = call.args[0]
    made = case.source.assigned(dotted(data), data) if isinstance(data, ast.Name) else data
    if isinstance(made, ast.List) and made.elts and all(isinstance(e, ast.List) for e in made.elts):
        rows = [e.elts for e in made.elts if isinstance(e, ast.List)]
        n = max(len(r) for r in rows)
        if n <= 50 and all(not isinstance(x, ast.List) for r in rows for x in r):
            is_float = any(isinstance(x, ast.Constant) and isinstance(x.value, float) for r in rows for x in r)
            zero = "0.0" if is_float else "0"
            edits = []
            for row in rows:
                if 0 < len(row) < n:
                    _, _, line, column = case.source.place(row[-1])
                    edits.append(case.source.insert_at(line, column, f", {zero}" * (n - len(row))))
            if edits:
                yield maybe(N_("Fill the short rows up with {zero}, to {n} entries each"), edits, zero=zero, n=n)
    rest = "".join(f", {case.source.text_of(k)}" for k in call.keywords)
    text = f"{PAD}([torch.tensor(row{rest}) for row in {case.source.text_of(data)}], batch_first=True)"
    yield maybe(
        N_("Fill the short ones up with zeros: `{text}`"), [case.source.replace(call, text)], text=shortened(text, 90)
    )


@remedy("GL120", leads=True)
def order_completed(case: Case, found: Found) -> Iterator[Fix]:
    """`permute` with axes left out: those that weren't named stay where they are."""
    call = case.call_of("permute")
    n = int(found.words.get("n") or 0)
    written = sizes_written(call)
    given = [integer(a) for a in written]
    if call is None or not n or not written or any(g is None for g in given):
        return
    numbers = [g % n for g in given if g is not None]
    if len(set(numbers)) != len(numbers) or len(numbers) >= n:
        return
    line, column, _, _ = case.source.place(written[0])
    _, _, end_line, end_column = case.source.place(written[-1])
    shifted = [*range(n - len(numbers)), *(g + n - len(numbers) for g in numbers)]
    orders = [shifted] if sorted(numbers) == list(range(len(numbers))) else []
    orders.append([*numbers, *(a for a in range(n) if a not in numbers)])
    for order in orders:
        text = ", ".join(str(o) for o in order)
        shape = shape_named(case, dotted(call.func.value)) if isinstance(call.func, ast.Attribute) else None
        yield maybe(
            N_("Name all {n} axes: `permute({text})` gives shape {shape}")
            if shape is not None and len(shape) == n
            else N_("Name all {n} axes: `permute({text})`"),
            [Edit(line, column, end_line, end_column, text)],
            n=n,
            text=text,
            shape=words.shape([shape[o] for o in order]) if shape is not None and len(shape) == n else "",
        )


@remedy("GL129")
def guarded(case: Case, found: Found) -> Iterator[Fix]:
    """Ask first whether there is anything."""
    where = statement(case)
    name = str(found.words.get("text") or "")
    if not name.isidentifier() or not isinstance(where, ast.Expr | ast.Assign | ast.AugAssign):
        return
    line, column, end_line, _ = case.source.place(where)
    if line == end_line and not case.source.lines[line - 1][:column].strip():
        indent = case.source.lines[line - 1][:column]
        text = f"if {name}.numel() > 0:"
        edit = case.source.replace(where, f"{text}\n{indent}    {case.source.text_of(where)}")
        yield maybe(N_("Do it only where there is something: `{text}`"), [edit], text=text)


@remedy("GL106", leads=True)
def tensors_as_data_set(case: Case, found: Found) -> Iterator[Fix]:
    """`DataLoader([X, y])`: a list of two samples, not of pairs."""
    for call in case.source.calls():
        data = call.args[0] if called(call) == "DataLoader" and call.args else None
        if isinstance(data, ast.List | ast.Tuple) and len(data.elts) > 1:
            text = f"torch.utils.data.TensorDataset({', '.join(case.source.text_of(x) for x in data.elts)})"
            yield maybe(
                N_("Pair the tensors entry by entry: `{text}`"),
                [case.source.replace(data, text)],
                text=shortened(text, 80),
            )
