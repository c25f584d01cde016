"""What a network is built of: shortcuts around layers, lists of layers that are gone through, losses that are added."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.remedies.kit import enclosing, indent_of, line_after, maybe, remedy, shortened, statement
from graphlab.explain.results import maker
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_EMPTY = frozenset({"Sequential", "Identity"})


@remedy("GL101", is_cause=True)
def shortcut_fits(case: Case, found: Found) -> Iterator[Fix]:
    """`out + x` around convolutions that change the channels or the size: the shortcut needs a 1 × 1 convolution."""
    shapes, nodes = shapes_of(case), case.operand_nodes()
    if case.op not in ("add", "add_") or len(shapes) != 2 or len(nodes) != 2 or len(shapes[0]) != 4:
        return
    forward = next(enclosing(case, nodes[0], ast.FunctionDef), None)
    cls = next(enclosing(case, nodes[0], ast.ClassDef), None)
    if forward is None or cls is None or [len(s) for s in shapes] != [4, 4] or shapes[0][0] != shapes[1][0]:
        return
    at = next((k for k, n in enumerate(nodes) if _is_shortcut(case, n, forward)), None)
    constructor = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None)
    if at is None or constructor is None:
        return
    convolutions = [c for c in ast.walk(constructor) if isinstance(c, ast.Call) and called(c) == "Conv2d"]
    convolutions.sort(key=lambda c: (c.lineno, c.col_offset))
    stride = next((k for c in convolutions if (k := argument(c, 3, "stride")) is not None and c.args), None)
    if not convolutions or any(len(c.args) < 2 for c in (convolutions[0], convolutions[-1])):
        return
    skip, main = shapes[at], shapes[1 - at]
    parts = [case.source.text_of(convolutions[0].args[0]), case.source.text_of(convolutions[-1].args[1]), "1"]
    if skip[2:] != main[2:] and stride is not None:
        parts.append(f"stride={case.source.text_of(stride)}")
    text = f"{case.source.text_of(convolutions[0].func)}({', '.join(parts)})"
    node = nodes[at]
    found.words.update(
        a=words.code(case.source.text_of(nodes[1 - at])), b=words.code(case.source.text_of(node)), text=text
    )
    found.words.update(main=words.shape(main), skip=words.shape(skip))
    found.why = N_(
        "A shortcut is added entry by entry, so it must change channels and size as the layers beside it do."
    )
    found.fix = N_("Let the shortcut go through a 1 × 1 convolution that gives {main}: `{text}`.")
    title = N_("Bring the shortcut to the shape of the other side: `{text}`")
    layer = dotted(node.func) if isinstance(node, ast.Call) else ""
    made = case.source.assigned(layer, node) if layer else None
    if isinstance(made, ast.Call) and called(made) in _EMPTY and not made.args:
        yield maybe(title, [case.source.replace(made, text)], text=text)
    elif not isinstance(node, ast.Call):
        edits = [
            line_after(case, constructor.body[-1], f"self.shortcut = {text}"),
            case.source.replace(node, f"self.shortcut({case.source.text_of(node)})"),
        ]
        if not any(isinstance(n, ast.Attribute) and n.attr == "shortcut" for n in ast.walk(cls)):
            yield maybe(title, edits, text=text)


def _is_shortcut(case: Case, node: ast.expr, forward: ast.FunctionDef) -> bool:
    """Whether an operand is the input of the block, under its name or through an empty layer."""
    names = {a.arg for a in forward.args.args}
    if isinstance(node, ast.Call) and len(node.args) == 1 and dotted(node.func).startswith("self."):
        made = case.source.assigned(dotted(node.func), node)
        return called(made) in _EMPTY and dotted(node.args[0]) in names
    for _turn in range(3):
        made = maker(case, node) if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Name) and made is None:
            return node.id in names
        if made is None or made is node:
            return False
        node = made
    return False


@remedy("GL705", is_cause=True)
def layers_in_a_loop(case: Case, found: Found) -> Iterator[Fix]:
    """`self.layers(x)` of a `ModuleList`: go through it, layer by layer."""
    if str(case.facts.get("name") or "") not in ("ModuleList", "ModuleDict"):
        return
    kind = str(case.facts["name"])
    for call in [c for c in case.source.calls() if c.lineno <= case.line <= (c.end_lineno or c.lineno)]:
        owner = dotted(call.func)
        if called(case.source.assigned(owner, call) if owner else None) != kind or len(call.args) != 1:
            continue
        x = case.source.text_of(call.args[0])
        loop = f"for layer in {owner}: {x} = layer({x})"
        found.words.update(layers=words.code(owner), kind=words.code(kind), text=loop)
        found.title = N_("{layers} is a list of layers and can't be called itself")
        found.what = N_("{layers} is a {kind}: it holds layers, and doesn't say in which order they are applied.")
        found.why = N_("A {kind} registers its layers and no more; `nn.Sequential` applies them one after the other.")
        found.fix = N_("Go through the layers: `{text}`.")
        where = statement(case)
        if kind == "ModuleList" and isinstance(where, ast.Assign) and dotted(where.targets[0]) == x:
            indent = indent_of(case, where)
            line, column, _, _ = case.source.place(where)
            edits = [
                case.source.insert_at(line, column, f"for layer in {owner}:\n{indent}    "),
                case.source.replace(call.func, "layer"),
            ]
            yield maybe(N_("Go through the layers: `{text}`"), edits, text=loop)
        return


@remedy("GL304", is_cause=True)
def losses_added(case: Case, found: Found) -> Iterator[Fix]:
    """Two losses over one shared part: `(loss1 + loss2).backward()`."""
    where = statement(case)
    second = _went_back(where) if where is not None else ""
    if where is None or not second:
        return
    bodies = (getattr(n, "body", None) for n in case.source.nodes)
    body = next((b for b in bodies if isinstance(b, list) and where in b), [])
    for first in reversed(body[: body.index(where)] if body else []):
        name = _went_back(first)
        if name and name != second:
            text = f"({name} + {second}).backward()"
            found.words.update(first=words.code(name), second=words.code(second), at=first.lineno, text=text)
            found.what = N_("{first} and {second} share a part of the graph, and `backward()` on line {at} freed it.")
            found.fix = N_("Add the losses and go back once: `{text}`.")
            line, column, end_line, end_column = case.source.place(first)
            edits = [Edit(line, column, end_line, end_column, "pass"), case.source.replace(where, text)]
            if body.index(where) - body.index(first) == 1:
                _, _, last_line, last_column = case.source.place(where)
                edits = [Edit(line, column, last_line, last_column, text)]
            elif not case.source.lines[line - 1][:column].strip():
                edits[0] = Edit(line, 0, line + 1, 0, "")
            yield maybe(N_("Add the losses and go back once: `{text}`"), edits, text=text)
            return
        if isinstance(first, ast.Expr) and called(first.value) in ("step", "zero_grad"):
            return


def _went_back(node: ast.stmt) -> str:
    """The variable that a statement calls `backward()` on, without arguments."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or called(call) != "backward" or call.args or call.keywords:
        return ""
    return dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""


_RESIZED = "torch.nn.functional.interpolate(t[None], size={size})[0]"


@remedy("GL106")
def pictures_of_one_size(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.stack` of pictures of several sizes: each is scaled to the size of the first."""
    shapes = shapes_of(case) or [list(t.shape) for t in case.tensors]
    call = case.call_of("stack")
    if call is None or len(call.args) != 1 or len(shapes) < 2 or any(len(s) != 3 for s in shapes):
        return
    if len({s[0] for s in shapes}) != 1 or not isinstance(call.args[0], ast.Name):
        return
    name = call.args[0].id
    new = f"[{_RESIZED.format(size=f'{name}[0].shape[-2:]')} for t in {name}]"
    other = next((s for s in shapes if s != shapes[0]), shapes[-1])
    found.words.update(size=words.shape(shapes[0][1:]), other=words.shape(other[1:]))
    found.fix = N_("The pictures have sizes {size} and {other}: scale or crop all of them to one size before `stack`.")
    yield maybe(
        N_("Scale all of them to the size of the first: `{text}`"),
        [case.source.replace(call.args[0], new)],
        text=shortened(new, 80),
    )
