"""Paths of gradients that are cut: `detach()`, `.data`, `no_grad()`, a trip through plain numbers."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.handed import groups_in_optimizers, is_handed_over, owners_in_optimizers
from graphlab.explain.silent.loops import method_calls, optimizers
from graphlab.explain.silent.strays import loss_is_a_leaf
from graphlab.explain.silent.trail import MAX_WALK, ancestors, line_of, roots, with_gradient
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, TensorKind


def _strays(run: Run) -> tuple[str, ...]:
    """Modules that their owners don't know, which go by their types: `parameters()` doesn't give what is in them."""
    paths = [(m.path, m.type) for m in run.trace.modules if "." in m.path]
    return tuple(f"{path}." for path, type_ in paths if path.rpartition(".")[2] == type_)


def _cut(run: Run, parameter: int, needed: set[int]) -> Event | None:
    """The operator on the way from a parameter to the loss at which the gradient stops."""
    queue = [parameter]
    seen = {parameter}
    users: dict[int, list[Event]] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        for tensor in event.inputs:
            users.setdefault(tensor, []).append(event)
    while queue and len(seen) < MAX_WALK:
        for event in users.get(queue.pop(0), []):
            for out in event.outputs:
                if out < 0 or out in seen or out not in needed:
                    continue
                if not run.tensor(out).requires_grad:
                    return event
                seen.add(out)
                queue.append(out)
    return None


@silent_bug(
    "GL731",
    Severity.WARNING,
    title=N_("No gradient reaches {name}: the path is cut on line {line}"),
    what=N_(
        "{loss} is computed from {name}, but {cut} on line {line} gives numbers without a history, so no gradient "
        "comes back to {name}."
    ),
    why=N_(
        "Gradients flow back only along recorded operators; `detach()`, `.data`, `torch.no_grad()`, `argmax` "
        "and the like record nothing."
    ),
    fix=N_("Take out what cuts the path on line {line}, so that the gradient can pass."),
    example={"name": "`net.fc1.weight`", "loss": "`loss`", "cut": "`detach`", "line": 12},
    program="""import torch
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
optimizer = torch.optim.SGD([a, b], lr=0.01)
for step in range(3):
    h = (a * 2.0).detach()
    loss = (h * b - 1.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
optimizer = torch.optim.SGD([a, b], lr=0.01)
for step in range(3):
    h = a * 2.0
    loss = (h * b - 1.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def path_cut(run: Run) -> list[Found]:
    """A parameter of the optimizer on which the loss depends, but not by a recorded path."""
    known = roots(run)
    if len(run.trace.losses) < 2 or not optimizers(run):
        return []
    reached = with_gradient(run)
    owners, groups, strays = owners_in_optimizers(run), groups_in_optimizers(run), _strays(run)
    needed: set[int] | None = None
    found: dict[int, list[tuple[int, Event]]] = {}
    for tensor in run.trace.tensors:
        if tensor.kind != TensorKind.PARAMETER or not tensor.requires_grad or tensor.id in reached or not tensor.name:
            continue
        if not is_handed_over(tensor.name, owners, groups) or tensor.name.startswith(strays):
            continue
        if needed is None:
            needed = ancestors(run, known)
        if tensor.id not in needed:
            continue
        event = _cut(run, tensor.id, needed)
        if event is not None:
            found.setdefault(event.span, []).append((tensor.id, event))
    if not found and not loss_is_a_leaf(run):
        found = _cut_by_numbers(run, reached, owners, groups, known)
    problems = []
    for hits in found.values():
        tensor_id, event = hits[0]
        line = line_of(run, event)
        name = quoted_name(run.trace, tensor_id)
        if len(hits) > 1:
            name = _("{name} and {n} more").format(name=name, n=len(hits) - 1)
        root = next(iter(known), -1)
        loss = quoted_name(run.trace, root) if root >= 0 and run.tensor(root).name else _("the loss")
        cut, fixes = _cut_said(run, event)
        if cut == words.code(".data") and fixes:
            line = fixes[0].edits[0].line  # `.data` leaves no event; the one at hand is its first user
        problems.append(
            Found(
                {"name": name, "loss": loss, "cut": cut, "line": line},
                {"cut": event.op},
                fixes,
                event=event.id,
                line=line,
            )
        )
    return problems[:3]


def _cut_by_numbers(
    run: Run, reached: dict[int, set[int]], owners: set[str], groups: dict[str, set[str]], known: dict[int, Event]
) -> dict[int, list[tuple[int, Event]]]:
    """Parameters whose results became Python or NumPy numbers, of which a new tensor was made."""
    needed = ancestors(run, known)
    used = {t for e in run.by_kind[EventKind.FORWARD] for t in e.inputs}
    lost = [
        t.id
        for t in run.trace.tensors
        if t.kind == TensorKind.PARAMETER
        and t.requires_grad
        and t.name
        and t.id not in reached
        and t.id in used
        and t.id not in needed
        and is_handed_over(t.name, owners, groups)
    ]
    if not lost:
        return {}
    item = _cut_by_item(run, lost)
    if item is not None:
        return {item.span: [(t, item) for t in lost]}
    for event in run.by_kind[EventKind.CREATE]:
        if not event.outputs or event.outputs[0] not in needed:
            continue
        node = run.source.expression_at(run.span(event))
        text = run.source.text_of(node) if node is not None else ""
        if re.search(r"\.item\(\)|\.numpy\(\)|\.tolist\(\)|\bfloat\(", text) or _from_numbers(run, node):
            return {event.span: [(t, event) for t in lost]}
    # `.data` leaves no step behind: a leaf that nothing made, under a name that the text takes from `.data`.
    for event in run.by_kind[EventKind.FORWARD]:
        for tensor in event.inputs:
            if tensor not in needed or tensor in run.made_by or not run.tensor(tensor).name:
                continue
            made = run.source.assigned(run.tensor(tensor).name)
            if isinstance(made, ast.Attribute) and made.attr == "data":
                return {event.span: [(t, event) for t in lost]}
    for event in run.by_kind[EventKind.FORWARD]:
        strays = [t for t in event.inputs if t in needed and t not in run.made_by and not run.tensor(t).requires_grad]
        if any(run.tensor(t).kind == TensorKind.LEAF for t in strays) and _data_in(run, event) is not None:
            return {event.span: [(t, event) for t in lost]}
    return {}


def _item_in(run: Run, event: Event) -> ast.Call | None:
    """`x.item()` or `x.tolist()` on the line of an event, whose number goes under a name into further arithmetic."""
    reckoned = {
        n.id for b in run.source.nodes if isinstance(b, ast.BinOp) for n in (b.left, b.right) if isinstance(n, ast.Name)
    }
    for call in run.source.calls_at(line_of(run, event)):
        statement = run.source.statement_of(call)
        if called(call) not in ("item", "tolist") or not isinstance(call.func, ast.Attribute):
            continue
        if isinstance(statement, ast.Assign) and dotted(statement.targets[0]) in reckoned:
            return call
        if isinstance(run.source.parents.get(call), ast.BinOp):
            return call
    return None


def _cut_by_item(run: Run, lost: list[int]) -> Event | None:
    """The last operator before `item()`, by which parameters became a plain number that the loss is computed with."""
    of_them = set(lost)
    for event in run.by_kind[EventKind.FORWARD]:
        if of_them.isdisjoint(event.inputs):
            continue
        of_them.update(event.outputs)
        if _item_in(run, event) is not None:
            return event
    return None


def _data_in(run: Run, event: Event) -> ast.Attribute | None:
    """`x.data` in the expression of an event."""
    node = run.source.expression_at(run.span(event))
    parts = ast.walk(node) if node is not None else ()
    return next((p for p in parts if isinstance(p, ast.Attribute) and p.attr == "data"), None)


def _from_numbers(run: Run, node: ast.expr | None) -> bool:
    """Whether `torch.tensor(a)` or `from_numpy(a)` reads a name that was made with `.item()`, `.numpy()` and "
    "the like."""
    if not isinstance(node, ast.Call) or called(node) not in ("tensor", "from_numpy", "as_tensor", "FloatTensor"):
        return False
    if called(node) == "from_numpy" and "numpy()" in run.source.text:
        return True
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            made = run.source.assigned(part.id, part)
            text = run.source.text_of(made) if made is not None else ""
            if re.search(r"\.item\(\)|\.numpy\(\)|\.tolist\(\)|\bfloat\(", text):
                return True
            for call in method_calls(run, "append"):  # a list that was filled with numbers, one by one
                is_it = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == part.id
                if is_it and call.args and called(call.args[0]) in ("item", "tolist", "float", "numpy"):
                    return True
    return False


def _cut_said(run: Run, event: Event) -> tuple[str, list[Fix]]:
    """What cuts the path, in words, and the fix that leaves it out."""
    node = run.source.expression_at(run.span(event))
    if event.op != "detach" and event.kind == EventKind.FORWARD:
        names = [run.tensor(t).name for t in event.inputs if t >= 0 and t not in run.made_by]
        made = [m for n in names if n and isinstance(m := run.source.assigned(n), ast.Attribute) and m.attr == "data"]
        direct = _data_in(run, event)
        if direct is not None:
            made.append(direct)
        if made:
            text = run.source.text_of(made[0].value)
            title = words.fill(N_("Leave out `.data`: `{text}`"), {"text": text})
            return words.code(".data"), [Fix(title, "maybe", [run.source.replace(made[0], text)])]
    item = _item_in(run, event) if event.op != "detach" and event.kind == EventKind.FORWARD else None
    if item is not None and isinstance(item.func, ast.Attribute) and run.tensor(event.outputs[0]).requires_grad:
        text = run.source.text_of(item.func.value)
        title = words.fill(N_("Leave out `.{method}()`: `{text}`"), {"method": called(item), "text": text})
        fixes = [Fix(title, "maybe", [run.source.replace(item, text)])] if called(item) == "item" else []
        return words.code(f"{called(item)}()"), fixes
    if event.kind == EventKind.CREATE:
        return _("`{op}` of plain numbers").format(op=f"torch.{event.op}"), []
    if event.op == "detach":
        attribute = node
        if (
            isinstance(attribute, ast.Call)
            and called(attribute) == "detach"
            and isinstance(attribute.func, ast.Attribute)
        ):
            text = run.source.text_of(attribute.func.value)
            title = words.fill(N_("Leave out `.detach()`: `{text}`"), {"text": text})
            return words.code("detach()"), [Fix(title, "maybe", [run.source.replace(attribute, text)])]
        if isinstance(attribute, ast.Attribute) and attribute.attr == "data":
            text = run.source.text_of(attribute.value)
            title = words.fill(N_("Leave out `.data`: `{text}`"), {"text": text})
            return words.code(".data"), [Fix(title, "maybe", [run.source.replace(attribute, text)])]
        return words.code("detach"), []
    holder: ast.AST | None = node
    while holder is not None:
        holder = run.source.parents.get(holder)
        if isinstance(holder, ast.With) and any("no_grad" in ast.unparse(i.context_expr) for i in holder.items):
            return _("`{op}` under `torch.no_grad()`").format(op=event.op), []
    return words.code(event.op), []
