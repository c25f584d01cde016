"""Runs whose gradients go the wrong way: cut on the way, never handed to the optimizer, softmax on the wrong axis or
twice, inputs and targets that no longer belong together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.learning import (
    MAX_WALK,
    ancestors,
    line_of,
    method_calls,
    one_never_stepped,
    optimizers,
    roots,
    updated,
)
from graphlab.explain.narrate import name_of, quoted_name
from graphlab.explain.run import Run
from graphlab.explain.source import called, dotted, integer
from graphlab.explain.strays import loss_is_a_leaf
from graphlab.explain.training import _source_of, softmax_by_hand
from graphlab.explain.values import array_at
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, TensorKind

_MAKERS = (EventKind.CREATE, EventKind.FORWARD)


def with_gradient(run: Run) -> dict[int, set[int]]:
    """For each leaf that got a gradient, the backward passes in which it did."""
    found: dict[int, set[int]] = {}
    for event in run.by_kind[EventKind.ACCUMULATE]:
        if event.outputs and event.outputs[0] >= 0:
            record = run.tensor(event.outputs[0])
            if record.kind == TensorKind.LEAF_GRAD:
                found.setdefault(record.of, set()).add(event.root)
    return found


def _owners_in_optimizers(run: Run) -> set[str]:
    """Names that stand in the arguments of the optimizers: `net` for `SGD(net.parameters())`."""
    names: set[str] = set()
    queue: list[ast.AST] = list(optimizers(run).values())
    seen: set[str] = set()
    while queue:
        for node in ast.walk(queue.pop()):
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                names.add(node.id)
                made = run.source.assigned(node.id, None)
                if isinstance(made, ast.List | ast.BinOp | ast.Tuple | ast.ListComp):
                    queue.append(made)
    return names


def _groups_in_optimizers(run: Run) -> dict[str, set[str]]:
    """Models of which the optimizers were given parts alone, with the paths of these parts."""
    parts: dict[str, set[str]] = {}
    whole: set[str] = set()
    for call in {id(c): c for c in optimizers(run).values()}.values():
        for node in ast.walk(call):
            if not isinstance(node, ast.Name):
                continue
            holder = run.source.parents.get(node)
            top: ast.AST = node
            while isinstance(holder, ast.Attribute):
                top, holder = holder, run.source.parents.get(holder)
            path, _dot, method = dotted(top).rpartition(".")
            is_part = method == "parameters" and isinstance(holder, ast.Call) and "." in path
            if is_part and node.id != "self":
                parts.setdefault(node.id, set()).add(path)
            else:
                whole.add(node.id)
    return {name: paths for name, paths in parts.items() if name not in whole}


def _strays(run: Run) -> tuple[str, ...]:
    """Modules that their owners don't know, which go by their types: `parameters()` doesn't give what is in them."""
    paths = [(m.path, m.type) for m in run.trace.modules if "." in m.path]
    return tuple(f"{path}." for path, type_ in paths if path.rpartition(".")[2] == type_)


def _is_handed_over(name: str, owners: set[str], groups: dict[str, set[str]]) -> bool:
    """Whether the parameter of that name is among what the optimizers were given."""
    owner = name.partition(".")[0].partition("[")[0]
    if owner in groups:
        return any(name.startswith(f"{path}.") for path in groups[owner])
    return owner in owners


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
    owners, groups, strays = _owners_in_optimizers(run), _groups_in_optimizers(run), _strays(run)
    needed: set[int] | None = None
    found: dict[int, list[tuple[int, Event]]] = {}
    for tensor in run.trace.tensors:
        if tensor.kind != TensorKind.PARAMETER or not tensor.requires_grad or tensor.id in reached or not tensor.name:
            continue
        if not _is_handed_over(tensor.name, owners, groups) or tensor.name.startswith(strays):
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
        and _is_handed_over(t.name, owners, groups)
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


@silent_bug(
    "GL732",
    Severity.WARNING,
    title=N_("{name} gets gradients, but no optimizer changes it"),
    what=N_("{name} got a gradient in {n} passes and kept its value: it was not handed to {optimizer}."),
    why=N_("An optimizer changes only the tensors in the list that it was made with."),
    fix=N_("Add {name} to the list: {advice}."),
    example={"name": "`b`", "n": 5, "optimizer": "`optimizer`", "advice": "`SGD([w, b], …)`"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(4):
    loss = (w * 3.0 + b - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.01)
for step in range(4):
    loss = (w * 3.0 + b - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def not_in_optimizer(run: Run) -> list[Found]:
    """A parameter with gradients that stands in no optimizer."""
    moved = updated(run)
    made = optimizers(run)
    if not moved or not made or len(run.trace.losses) < 2:
        return _not_in_list(run) if not moved and not made else []
    groups = _groups_in_optimizers(run)
    written = {t for e in run.by_kind[EventKind.INPLACE] for t in e.outputs}
    owners = _owners_in_optimizers(run)
    # `[w]` names single tensors; `net.parameters()` names a model, and what isn't a parameter of any model is data.
    is_list = any(
        isinstance(c.args[0], ast.List) and not any(isinstance(n, ast.Call) for n in c.args[0].elts)
        for c in made.values()
        if c.args
    )
    fed = {e.inputs[0] for e in run.by_kind[EventKind.FORWARD] if e.op in ("linear", "conv2d", "conv1d") and e.inputs}
    shaped = _shaped_by(run, {t for t in moved if "." not in run.tensor(t).name})
    hits = []
    for leaf, passes in with_gradient(run).items():
        tensor = run.tensor(leaf)
        if leaf in moved or leaf in written or len(passes) < 2 or not tensor.name or leaf in fed:
            continue
        owner, dot, _rest = tensor.name.partition(".")
        parts = groups.get(owner, set())  # of one part alone it may be meant: only the head is tuned
        if len(parts) >= 2 and not _is_handed_over(tensor.name, owners, groups):
            hits.append((tensor, len(passes)))  # the model's other parts were handed over one by one
            continue
        if owner.partition("[")[0] in owners or leaf in shaped:
            continue
        if not dot and not is_list and not _is_made_to_learn(run, tensor.name):
            continue
        hits.append((tensor, len(passes)))
    if not hits or one_never_stepped(run):
        return []
    tensor, n = hits[0]
    name, optimizer = tensor.name, next(iter(made))
    call = made[optimizer]
    owner, dot, _rest = name.partition(".")
    layer = ".".join(name.split(".")[:2]) if owner in groups else owner
    advice = words.code(f"{layer}.parameters()") if dot else words.code(name)
    said = words.code(name)
    if len(hits) > 1:
        said = _("{name} and {n} more").format(name=said, n=len(hits) - 1)
    found = Found({"name": said, "n": n, "optimizer": words.code(optimizer), "advice": advice}, line=call.lineno)
    if len(hits) > 1:
        found.title = N_("{name} get gradients, but no optimizer changes them")
        found.what = N_("{name} got gradients in {n} passes and kept their values: {optimizer} was not given them.")
    argument = call.args[0] if call.args else None
    if not dot and isinstance(argument, ast.List) and argument.elts:
        last = argument.elts[-1]
        place = run.source.place(last)
        extra = ", ".join(t.name for t, _n in hits if "." not in t.name)
        title = words.fill(N_("Add {name} to the list"), {"name": words.code(extra)})
        found.fixes.append(Fix(title, "maybe", [run.source.insert_at(place[2], place[3], f", {extra}")]))
    elif (
        dot
        and isinstance(argument, ast.Call)
        and called(argument) == "parameters"
        and run.source.assigned(owner) is not None
    ):
        text = f"[*{run.source.text_of(argument)}, *{owner}.parameters()]"
        title = words.fill(N_("Hand over both: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [run.source.replace(argument, text)]))
    elif not dot and isinstance(argument, ast.Call) and called(argument) == "parameters":
        extra = ", ".join(t.name for t, _n in hits if "." not in t.name)
        text = f"[*{run.source.text_of(argument)}, {extra}]"
        title = words.fill(N_("Hand over both: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [run.source.replace(argument, text)]))
    elif dot and argument is not None:
        left = {".".join(t.name.split(".")[:2]) if owner in groups else t.name.split(".")[0] for t, _n in hits}
        found.fixes += _handed_over_too(run, argument, sorted(left))
    return [found]


def _is_made_to_learn(run: Run, name: str) -> bool:
    """Whether a name stands for a single `nn.Parameter` whose gradient the program doesn't use by itself."""
    made = run.source.assigned(name) if name.isidentifier() else None
    is_parameter = isinstance(made, ast.Call) and called(made) == "Parameter"
    return is_parameter and not re.search(rf"\b{name}\.(grad|data)\b", run.source.text)


def _handed_over_too(run: Run, argument: ast.expr, models: list[str]) -> list[Fix]:
    """Further models in what an optimizer is given: a list of groups or parameters, a chain, a sum of lists."""
    if isinstance(argument, ast.Name):
        argument = run.source.assigned(argument.id, argument) or argument
    if any(run.source.assigned(m.partition(".")[0]) is None for m in models):
        return []
    items = [f"{m}.parameters()" for m in models]
    if isinstance(argument, ast.List) and argument.elts:
        last = argument.elts[-1]
        if all(isinstance(e, ast.Dict) for e in argument.elts):
            items = [f'{{"params": {item}}}' for item in items]
        elif isinstance(last, ast.Starred):
            items = [f"*{item}" for item in items]
        else:
            return []
        extra = ", " + ", ".join(items)
    elif isinstance(argument, ast.Call) and called(argument) == "chain" and argument.args:
        last, extra = argument.args[-1], ", " + ", ".join(items)
    elif isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add):
        last, extra = argument, "".join(f" + list({item})" for item in items)
    else:
        return []
    place = run.source.place(last)
    title = words.fill(N_("Hand over {name} as well"), {"name": words.listing(words.code(m) for m in models)})
    return [Fix(title, "maybe", [run.source.insert_at(place[2], place[3], extra)])]


def _not_in_list(run: Run) -> list[Found]:
    """A leaf with gradients that stands not in the list by which a loop updates the others by hand."""
    reached = with_gradient(run)
    names = {run.tensor(t).name: t for t, passes in reached.items() if len(passes) >= 3}
    updated_in = {
        n.iter.id
        for n in run.source.nodes
        if isinstance(n, ast.For)
        and isinstance(n.iter, ast.Name)
        and isinstance(n.target, ast.Name)
        and any(
            isinstance(part, ast.Attribute) and part.attr == "grad" and dotted(part.value) == n.target.id
            and isinstance(part.ctx, ast.Load)
            for statement in n.body
            for part in ast.walk(statement)
        )
    }  # fmt: skip
    if len(updated_in) != 1 or len(names) < 3:
        return []
    name = next(iter(updated_in))
    made = run.source.assigned(name)
    if not isinstance(made, ast.List) or not all(isinstance(e, ast.Name) for e in made.elts):
        return []
    listed = {dotted(e) for e in made.elts}
    if len(listed & set(names)) < 2 or len(listed & set(names)) < len(listed):
        return []
    fed = {e.inputs[0] for e in run.by_kind[EventKind.FORWARD] if e.inputs and e.op in ("matmul", "mm", "linear")}
    written = {t for e in run.by_kind[EventKind.INPLACE] for t in e.outputs}
    left = [
        n
        for n, t in names.items()
        if n.isidentifier() and n not in listed and t not in fed and t not in written
        and len(re.findall(rf"\b{n}\b", run.source.text)) >= 2 and f"{n}.grad" not in run.source.text
    ]  # fmt: skip
    if not left:
        return []
    place = run.source.place(made.elts[-1])
    title = words.fill(N_("Add {name} to the list"), {"name": words.code(", ".join(left))})
    fix = Fix(title, "maybe", [run.source.insert_at(place[2], place[3], f", {', '.join(left)}")])
    said = words.listing(words.code(n) for n in left)
    n_passes = len(reached[names[left[0]]])
    values = {"name": said, "n": n_passes, "optimizer": words.code(name), "advice": words.code(f"{name} = […]")}
    one = Found(values, fixes=[fix], line=made.lineno)
    one.title = N_("{name} gets gradients, but nothing changes it")
    one.what = N_("{name} got a gradient in {n} passes and kept its value: it doesn't stand in the list {optimizer}.")
    if len(left) > 1:
        one.title = N_("{name} get gradients, but nothing changes them")
        one.what = N_("{name} got gradients in {n} passes and kept their values: they don't stand in {optimizer}.")
    one.why = N_("The loop changes only the tensors that stand in its list.")
    one.fix = N_("Add {name} to the list {optimizer}.")
    return [one]


def _shaped_by(run: Run, moved: set[int]) -> set[int]:
    """What works on data that is itself being learned, as the net does through which an image or a code is improved:
    such a net is meant to stay as it is."""
    depends = set(moved)
    found: set[int] = set()
    for event in run.by_kind[EventKind.FORWARD] if moved else ():
        if not depends.isdisjoint(event.inputs):
            depends.update(event.outputs)
            found.update(t for t in event.inputs if t >= 0 and "." in run.tensor(t).name)
    return found


@silent_bug(
    "GL733",
    Severity.HINT,
    title=N_("{name} is never used"),
    what=N_(
        "{name} belongs to {model}, which is trained, but no operator ever reads it: the layer isn't called in "
        "`forward`."
    ),
    why=N_(
        "Only what the forward pass goes through has an influence on the loss; an unused layer keeps its first "
        "random numbers."
    ),
    fix=N_("Call the layer in `forward`, or take it out of `__init__`."),
    example={"name": "`net.fc2` (Linear)", "model": "`net`"},
    program="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 1)
        self.fc2 = nn.Linear(1, 1)
    def forward(self, x):
        return self.fc1(x)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    loss = net(torch.ones(4, 2)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 1)
        self.fc2 = nn.Linear(1, 1)
    def forward(self, x):
        return self.fc2(self.fc1(x))
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    loss = net(torch.ones(4, 2)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def never_used(run: Run) -> list[Found]:
    """A layer of a trained model that no forward pass goes through."""
    moved = {run.tensor(t).name.partition(".")[0] for t in updated(run)}
    if not moved:
        return []
    ran = {e.module for e in run.by_kind[EventKind.FORWARD] if e.module}
    used = {t for e in run.by_kind[EventKind.FORWARD] for t in e.inputs}
    by_path: dict[str, list[int]] = {}
    for tensor in run.trace.tensors:
        if tensor.kind == TensorKind.PARAMETER and "." in tensor.name:
            by_path.setdefault(tensor.name.rpartition(".")[0], []).append(tensor.id)
    found = []
    for module in run.trace.modules:
        if module.path.partition(".")[0] not in moved or module.type not in (
            "Linear",
            "Conv1d",
            "Conv2d",
            "Embedding",
            "LSTM",
            "GRU",
            "RNN",
        ):
            continue
        tensors = by_path.get(module.path, [])
        if module.path in ran or any(t in used for t in tensors) or any(r.startswith(module.path + ".") for r in ran):
            continue
        call = run.source.layer(module.path, module.type)
        if call is None or _is_shared(run, module.path):
            continue
        name = f"{words.code(module.path)} ({module.type})"
        found.append(Found({"name": name, "model": words.code(module.path.partition(".")[0])}, line=call.lineno))
    return found[:3]


def _is_shared(run: Run, path: str) -> bool:
    """Whether the last name of a path is read anywhere in the text: used under another name, perhaps under a "
    "condition."""
    last = path.rpartition(".")[2]
    return (
        any(
            isinstance(n, ast.Attribute)
            and n.attr == last
            and isinstance(n.ctx, ast.Load)
            and not isinstance(run.source.parents.get(n), ast.Assign)
            for n in run.source.nodes
        )
        or last.isdigit()
    )


@silent_bug(
    "GL734",
    Severity.WARNING,
    title=N_("{op} along dim 0 mixes the samples of the batch"),
    what=N_(
        "{x} has shape {shape}: {n} samples with {classes} scores each. With `dim=0` the {n} samples of each "
        "class sum to 1."
    ),
    why=N_(
        "Class probabilities of one sample must sum to 1, so softmax goes along the class axis; axis 0 is the batch."
    ),
    fix=N_("Use `dim=1` (or `dim=-1`), the axis of the classes."),
    example={"op": "`softmax`", "x": "`scores`", "shape": "(8, 3)", "n": 8, "classes": 3},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 3)
scores = net(torch.randn(4, 2))
p = torch.softmax(scores, dim=0)
print(p)
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 3)
scores = net(torch.randn(4, 2))
p = torch.softmax(scores, dim=1)
print(p)
""",
)
def softmax_over_batch(run: Run) -> list[Found]:
    """Softmax along axis 0 of what a layer gave for a batch."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        written = softmax_by_hand(run, event)
        if written is not None and written.axis == 0:
            _by_hand_over_batch(run, event, written.x, found)
        if event.op not in ("softmax", "log_softmax") or not event.inputs or event.inputs[0] < 0:
            continue
        x = run.tensor(event.inputs[0])
        if len(x.shape) == 3 and event.params.get("dim") in (0, -3) and x.shape[0] >= 2:
            _attention_over_batch(run, event, found)
        dim, classes = event.params.get("dim"), _classes_of(run, event)
        is_elsewhere = classes is not None and isinstance(dim, int) and dim % len(x.shape) != classes
        if is_elsewhere and (len(x.shape) > 2 or dim not in (0, -2)):
            _not_the_classes(run, event, classes or 0, found)
            continue
        if len(x.shape) != 2 or dim not in (0, -2) or x.shape[0] < 2 or x.shape[1] < 2:
            continue
        if not is_elsewhere and (not _is_one_row_a_sample(run, x.id) or _is_weighting(run, event)):
            continue
        warned = any(
            e.kind == EventKind.WARNING and e.params.get("kind") == "softmax_dim"
            for e in run.trace.events[max(0, event.id - 2) : event.id]
        )
        line = line_of(run, event)
        if line in found or warned:
            continue
        node = run.source.expression_at(run.span(event))
        fixes = []
        for keyword in node.keywords if isinstance(node, ast.Call) else []:
            if keyword.arg == "dim" and integer(keyword.value) in (0, -2):
                fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(keyword.value, "1")]))
        if isinstance(node, ast.Call) and not fixes:
            last = [a for a in node.args if integer(a) in (0, -2)]
            if len(last) == 1:
                fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(last[0], "1")]))
        made = [
            c
            for c in run.source.calls()
            if called(c) in ("Softmax", "LogSoftmax") and (k := _dim_of(c)) is not None and integer(k) == 0
        ]
        if not fixes and len(made) == 1:
            written_dim = _dim_of(made[0])
            if written_dim is not None:
                fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(written_dim, "1")]))
        values = {
            "op": words.code(event.op),
            "x": quoted_name(run.trace, x.id),
            "shape": words.shape(x.shape),
            "n": x.shape[0],
            "classes": x.shape[1],
        }
        found[line] = Found(values, {"dim": 0}, fixes, event=event.id, line=line)
    return list(found.values())


_SAME_AXES = {"log", "clamp", "add", "sub", "mul", "div", "neg", "clone", "to", "float"}


def _classes_of(run: Run, event: Event) -> int | None:
    """The axis of a softmax's result that `nll_loss` takes for the classes, None where it doesn't get there."""
    tensor = event.outputs[0] if event.outputs else -1
    axes = list(range(len(run.tensor(tensor).shape))) if tensor >= 0 else []
    for _turn in range(8):
        users = [u for u in run.used_by.get(tensor, []) if u.outputs and u.inputs[:1] == [tensor]]
        if any(u.op == "nll_loss" for u in users):
            return axes[min(1, len(axes) - 1)] if axes else None
        if len(users) != 1:
            return None
        user = users[0]
        shape = run.tensor(user.outputs[0]).shape
        if user.op in ("permute", "transpose", "swapaxes", "t"):
            dims = user.params.get("dims")
            pair = [user.params.get(k) for k in ("dim0", "dim1")]
            if isinstance(dims, list | tuple) and len(dims) == len(axes) and all(isinstance(d, int) for d in dims):
                axes = [axes[d] for d in dims]
            elif user.op == "t" and len(axes) == 2:
                axes.reverse()
            elif isinstance(pair[0], int) and isinstance(pair[1], int):
                axes[pair[0]], axes[pair[1]] = axes[pair[1]], axes[pair[0]]
            else:
                return None
        elif user.op in ("view", "reshape", "flatten"):
            if len(shape) != 2 or len(axes) < 2 or shape[1] != run.tensor(tensor).shape[-1]:
                return None
            axes = [axes[0], axes[-1]]  # the axes before the last become one
        elif user.op not in _SAME_AXES or shape != run.tensor(tensor).shape:
            return None
        tensor = user.outputs[0]
    return None


def _not_the_classes(run: Run, event: Event, axis: int, found: dict[int, Found]) -> None:
    """A softmax along another axis than the one that the loss takes for the classes."""
    line = line_of(run, event)
    shape = run.tensor(event.inputs[0]).shape
    along = event.params.get("dim")
    dim = along % len(shape) if isinstance(along, int) else 0
    if line in found or shape[dim] < 2 or shape[axis] < 2:
        return
    values = {
        "op": words.code(event.op),
        "x": quoted_name(run.trace, event.inputs[0]),
        "shape": words.shape(shape),
        "n": shape[dim],
        "dim": dim,
        "axis": axis,
        "classes": shape[axis],
    }
    one = Found(values, {"dim": dim}, event=event.id, line=line)
    one.title = N_("{op} sums along dim {dim}, but the classes stand in dim {axis}")
    one.what = N_(
        "{x} has shape {shape}. The loss takes the {classes} entries along dim {axis} for the classes, and {op} makes "
        "the {n} entries along dim {dim} sum to 1."
    )
    one.why = N_("Class probabilities of one sample must sum to 1, so softmax goes along the class axis.")
    one.fix = N_("Use `dim={axis}`, the axis of the classes.")
    node = run.source.expression_at(run.span(event))
    if isinstance(node, ast.Call):
        same = (dim, dim - len(shape))
        dims = [k.value for k in node.keywords if k.arg == "dim"] or [a for a in node.args if integer(a) in same]
        if len(dims) == 1 and integer(dims[0]) in same:
            title = words.fill(N_("Use `dim={axis}`"), {"axis": axis})
            one.fixes.append(Fix(title, "maybe", [run.source.replace(dims[0], str(axis))]))
    found[line] = one


def _is_balanced(run: Run, event: Event) -> bool:
    """Whether shares are then made to sum to 1 along the other axis as well: rows and columns are balanced."""
    shares = event.outputs[0]
    users = run.used_by.get(shares, [])
    sums = {u.outputs[0] for u in users if u.op == "sum" and u.params.get("dim") is not None and u.outputs}
    return any(u.op == "div" and u.inputs[:1] == [shares] and not sums.isdisjoint(u.inputs[1:]) for u in users)


def _by_hand_over_batch(run: Run, event: Event, x: int, found: dict[int, Found]) -> None:
    """A softmax that is written out and sums over axis 0 of what a layer gave for a batch."""
    shape = run.tensor(x).shape
    line = line_of(run, event)
    if len(shape) != 2 or min(shape) < 2 or line in found:
        return
    if not _is_one_row_a_sample(run, x) or _is_weighting(run, event) or _is_balanced(run, event):
        return
    values = {
        "op": words.code("softmax"),
        "x": quoted_name(run.trace, x),
        "shape": words.shape(shape),
        "n": shape[0],
        "classes": shape[1],
        "line": line,
    }
    one = Found(values, {"dim": 0}, event=event.id, line=line)
    one.title = N_("The softmax on line {line} sums along dim 0 and mixes the samples of the batch")
    one.what = N_(
        "{x} has shape {shape}: {n} samples with {classes} scores each. Line {line} divides the exponentials by their "
        "sums along dim 0, so the {n} samples of each class sum to 1."
    )
    one.fix = N_("Sum along the axis of the classes: `sum(1, keepdim=True)`.")
    node = run.source.expression_at(run.span(event))
    scope = run.source.scope_of(node)
    if isinstance(scope, ast.FunctionDef):  # the sum, and the largest entry that is taken off before
        calls = [
            c for c in run.source.calls() if called(c) in ("sum", "max", "amax") and run.source.scope_of(c) is scope
        ]
        dims = [
            a for c in calls for a in [*c.args, *(k.value for k in c.keywords if k.arg == "dim")] if integer(a) == 0
        ]
        if dims and len(dims) == len(calls):
            one.fixes.append(Fix(_("Use `dim=1`"), "maybe", [run.source.replace(d, "1") for d in dims]))
    found[line] = one


def _attention_over_batch(run: Run, event: Event, found: dict[int, Found]) -> None:
    """Attention whose weights sum to 1 over the samples of the batch: a table for each of them, mixed with others."""
    line = line_of(run, event)
    if line in found or not _is_weighting(run, event):
        return
    made = _source_through(run, event.inputs[0], {"mul", "div", "masked_fill", "add", "where", "dropout"})
    if made is None or made.op not in ("matmul", "bmm", "baddbmm", "einsum") or len(made.inputs) < 2:
        return
    if any(t < 0 or len(run.tensor(t).shape) != 3 for t in made.inputs[-2:]):
        return
    shape = run.tensor(event.inputs[0]).shape
    values = {
        "op": words.code("softmax"),
        "x": quoted_name(run.trace, event.inputs[0]),
        "shape": words.shape(shape),
        "n": shape[0],
        "line": line,
    }
    one = Found(values, {"dim": 0}, event=event.id, line=line)
    one.what = N_(
        "{x} has shape {shape}: a table of weights for each of {n} samples. With `dim=0` the weights at one place "
        "sum to 1 over the {n} samples."
    )
    one.why = N_(
        "In attention the weights with which one query mixes the values must sum to 1, so softmax goes along the keys, "
        "the last axis."
    )
    one.fix = N_("Use `dim=-1`, the axis of the keys.")
    node = run.source.expression_at(run.span(event))
    if isinstance(node, ast.Call):
        dims = [k.value for k in node.keywords if k.arg == "dim"] or [a for a in node.args if integer(a) in (0, -3)]
        if len(dims) == 1 and integer(dims[0]) in (0, -3):
            one.fixes.append(Fix(_("Use `dim=-1`"), "maybe", [run.source.replace(dims[0], "-1")]))
    found[line] = one


def _source_through(run: Run, tensor: int, through: set[str]) -> Event | None:
    """The operator that computed a tensor, seen through some others that keep its shape."""
    shape = run.tensor(tensor).shape
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or event.op not in through:
            return event
        same = [t for t in event.inputs if t >= 0 and run.tensor(t).shape == shape]
        if not same:
            return None
        tensor = same[0]
    return None


_ROW_BY_ROW = {
    "batch_norm",
    "layer_norm",
    "relu",
    "tanh",
    "leaky_relu",
    "gelu",
    "dropout",
    "clone",
    "to",
    "neg",
    "clamp",
}


def _is_one_row_a_sample(run: Run, tensor: int) -> bool:
    """Whether a table comes out of a layer for a batch, a row for each sample, perhaps scaled or shifted since."""
    shape = run.tensor(tensor).shape
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or not event.inputs:
            return False
        if event.op in ("linear", "addmm") and len(event.inputs) >= 2:
            return True
        if event.op in ("matmul", "mm") and len(event.inputs) == 2 and min(event.inputs) >= 0:
            a, b = (run.tensor(t) for t in event.inputs)
            return b.kind == TensorKind.PARAMETER and a.kind != TensorKind.PARAMETER
        if event.op in ("add", "sub", "mul", "div"):
            same = [t for t in event.inputs if t >= 0 and run.tensor(t).shape == shape]
            if len(same) != 1:
                return False
            tensor = same[0]
        elif event.op in _ROW_BY_ROW and event.inputs[0] >= 0 and run.tensor(event.inputs[0]).shape == shape:
            tensor = event.inputs[0]
        else:
            return False
    return False


def _is_weighting(run: Run, event: Event) -> bool:
    """Whether a softmax gives weights by which other rows are mixed, as in attention: then axis 0 may be meant."""
    if event.op == "log_softmax":
        return False
    outs = {event.outputs[0]}
    for user in run.by_kind[EventKind.FORWARD]:
        if user.id <= event.id or outs.isdisjoint(user.inputs):
            continue
        if user.op in ("t", "transpose", "permute", "unsqueeze", "dropout"):
            outs.update(user.outputs)
        elif user.op in ("matmul", "mm", "bmm", "einsum", "mul") and min(user.inputs) >= 0:
            return True
    return False


def _dim_of(call: ast.Call) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == "dim"), call.args[0] if call.args else None)


@silent_bug(
    "GL735",
    Severity.WARNING,
    title=N_("{before} before {loss}: it is applied twice"),
    what=N_("{x} goes through `{before_op}` on line {line} and then into {loss}, which applies it itself."),
    why=N_(
        "Numbers between 0 and 1 taken for scores give probabilities between 0.5 and 0.73 only, so the loss "
        "can't fall far."
    ),
    fix=N_("Give the raw scores to {loss}, or use `BCELoss` with the probabilities."),
    example={"before": "Sigmoid", "before_op": "sigmoid", "loss": "`BCEWithLogitsLoss`", "x": "`scores`", "line": 6},
    program="""import torch
import torch.nn.functional as F
scores = torch.tensor([2.0, -1.0], requires_grad=True)
p = torch.sigmoid(scores)
loss = F.binary_cross_entropy_with_logits(p, torch.tensor([1.0, 0.0]))
loss.backward()
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.tensor([2.0, -1.0], requires_grad=True)
p = torch.sigmoid(scores)
loss = F.binary_cross_entropy(p, torch.tensor([1.0, 0.0]))
loss.backward()
""",
)
def sigmoid_twice(run: Run) -> list[Found]:
    """A sigmoid before the loss that has its own."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "binary_cross_entropy_with_logits" or not event.inputs:
            continue
        before = _source_of(run, event.inputs[0])
        if before is None or before.op != "sigmoid" or not run.tensor(before.outputs[0]).requires_grad:
            continue
        line = line_of(run, before)
        if line in found:
            continue
        x = quoted_name(run.trace, before.inputs[0])
        fixes = []
        names = [
            c for c in run.source.calls() if called(c) in ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits")
        ]
        if len(names) == 1:
            old = run.source.text_of(names[0].func)
            new = old.replace("BCEWithLogitsLoss", "BCELoss").removesuffix("_with_logits")
            title = words.fill(N_("Use `{new}` for probabilities"), {"new": new})
            fixes.append(Fix(title, "maybe", [run.source.replace(names[0].func, new)]))
        values = {
            "before": "Sigmoid",
            "before_op": "sigmoid",
            "loss": words.code("BCEWithLogitsLoss"),
            "x": x,
            "line": line,
        }
        found[line] = Found(values, fixes=fixes, event=before.id, line=line)
    return list(found.values())


@silent_bug(
    "GL736",
    Severity.WARNING,
    title=N_("`NLLLoss` gets {given} instead of log-probabilities"),
    what=N_("The input of `NLLLoss` on line {line} comes from `{op}`; it should come from `log_softmax`."),
    why=N_(
        "`NLLLoss` only picks the number of the right class and turns its sign; without the logarithm it has no "
        "lower limit."
    ),
    fix=N_("Put `F.log_softmax(scores, dim=1)` before it, or use `CrossEntropyLoss` on the raw scores."),
    example={"given": "raw scores", "op": "linear", "line": 7},
    program="""import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
net = nn.Linear(2, 3)
loss = F.nll_loss(net(torch.randn(4, 2)), torch.tensor([0, 1, 2, 0]))
loss.backward()
""",
    mended="""import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
net = nn.Linear(2, 3)
loss = F.cross_entropy(net(torch.randn(4, 2)), torch.tensor([0, 1, 2, 0]))
loss.backward()
""",
)
def nll_of_scores(run: Run) -> list[Found]:
    """NLLLoss of scores or probabilities."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "nll_loss" or not event.inputs:
            continue
        before = _source_of(run, event.inputs[0])
        if before is None or before.op not in ("linear", "addmm", "softmax", "sigmoid", "relu"):
            continue
        line = line_of(run, event)
        given = _("probabilities") if before.op in ("softmax", "sigmoid") else _("raw scores")
        fixes = []
        names = [c for c in run.source.calls() if called(c) in ("NLLLoss", "nll_loss")]
        if len(names) == 1 and before.op in ("linear", "addmm"):
            new = (
                run.source.text_of(names[0].func)
                .replace("NLLLoss", "CrossEntropyLoss")
                .replace("nll_loss", "cross_entropy")
            )
            title = words.fill(N_("Use `{new}`, which takes raw scores"), {"new": new})
            fixes.append(Fix(title, "maybe", [run.source.replace(names[0].func, new)]))
        elif before.op == "softmax":
            node = run.source.expression_at(run.span(before))
            if isinstance(node, ast.Call) and called(node) == "softmax":
                new = run.source.text_of(node.func).removesuffix("softmax") + "log_softmax"
                title = words.fill(N_("Use `{new}`"), {"new": new})
                fixes.append(Fix(title, "maybe", [run.source.replace(node.func, new)]))
            made = [c for c in run.source.calls() if called(c) == "Softmax"]
            if not fixes and len(made) == 1:
                new = run.source.text_of(made[0].func).replace("Softmax", "LogSoftmax")
                fixes.append(
                    Fix(words.fill(N_("Use `{new}`"), {"new": new}), "maybe", [run.source.replace(made[0].func, new)])
                )
        found.setdefault(
            line, Found({"given": given, "op": before.op, "line": line}, fixes=fixes, event=event.id, line=line)
        )
    return list(found.values())


_FLAT = ("floor", "round", "ceil", "trunc", "sign", "floor_divide", "heaviside", "sgn")


@silent_bug(
    "GL737",
    Severity.WARNING,
    title=N_("`{op}` on line {line} stops the gradient: its slope is 0 everywhere"),
    what=N_("{loss} depends on {x} only through `{op}`, and the gradient that comes back through it is exactly 0."),
    why=N_(
        "A function that jumps from one whole number to the next is flat in between, so no small change has an effect."
    ),
    fix=N_("Leave the rounding out of the loss (use `/` instead of `//`), and round only what is printed."),
    example={"op": "round", "line": 6, "loss": "`loss`", "x": "`h`"},
    program="""import torch
w = torch.tensor(2.3, requires_grad=True)
loss = (torch.round(w * 2.0) - 1.0) ** 2
loss.backward()
""",
    mended="""import torch
w = torch.tensor(2.3, requires_grad=True)
loss = (w * 2.0 - 1.0) ** 2
loss.backward()
""",
)
def flat_operator(run: Run) -> list[Found]:
    """Rounding on the way of the gradient, and whole divisions that leave only zeros."""
    known = roots(run)
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.BACKWARD]:
        if event.op not in _FLAT or event.forward < 0:
            continue
        forward = run.trace.events[event.forward]
        line = line_of(run, forward)
        root = next(iter(known), -1)
        loss = quoted_name(run.trace, root) if root >= 0 and run.tensor(root).name else _("the loss")
        x = quoted_name(run.trace, forward.inputs[0])
        node = run.source.expression_at(run.span(forward))
        fixes = []
        if isinstance(node, ast.Call):
            inner = (
                node.func.value
                if isinstance(node.func, ast.Attribute) and dotted(node.func.value) != "torch"
                else node.args[0]
                if node.args
                else None
            )
            if inner is not None:
                text = run.source.base(inner)
                fixes.append(
                    Fix(
                        words.fill(N_("Leave it out: `{text}`"), {"text": text}),
                        "maybe",
                        [run.source.replace(node, text)],
                    )
                )
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            text = f"{run.source.text_of(node.left)} / {run.source.text_of(node.right)}"
            fixes.append(
                Fix(
                    words.fill(N_("Divide with `/`: `{text}`"), {"text": text}),
                    "maybe",
                    [run.source.replace(node, text)],
                )
            )
        found.setdefault(
            line, Found({"op": event.op, "line": line, "loss": loss, "x": x}, fixes=fixes, event=forward.id, line=line)
        )
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "floor_divide" or not event.inputs or event.inputs[0] < 0 or not event.outputs:
            continue
        before, after = array_at(run.trace, event.inputs[0], event.id), array_at(run.trace, event.outputs[0], event.id)
        if (
            before is None
            or after is None
            or after.size < 2
            or after.any()
            or not before.any()
            or before.dtype.kind not in "iu"
        ):
            continue
        line = line_of(run, event)
        x = quoted_name(run.trace, event.inputs[0])
        found.setdefault(
            line,
            Found(
                {"op": "//", "line": line, "x": x},
                title=N_("`//` on line {line} turns everything into 0"),
                what=N_("{x} holds whole numbers, and all of them are 0 after the division on line {line}."),
                why=N_("`//` gives whole numbers and drops the rest, so what is smaller than the divisor becomes 0."),
                fix=N_("Use `/`, which gives floating point numbers."),
                fixes=_with_slash(run, event),
                event=event.id,
                line=line,
            ),
        )
    return list(found.values())


def _with_slash(run: Run, event: Event) -> list[Fix]:
    node = run.source.expression_at(run.span(event))
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.FloorDiv):
        return []
    text = f"{run.source.text_of(node.left)} / {run.source.text_of(node.right)}"
    return [Fix(words.fill(N_("Divide with `/`: `{text}`"), {"text": text}), "maybe", [run.source.replace(node, text)])]


@silent_bug(
    "GL738",
    Severity.WARNING,
    title=N_("{a} and {b} were shuffled apart: inputs no longer match their targets"),
    what=N_(
        "{a} was put into the order of {order} on line {line}, and {b}, with which {loss} compares the result, was not."
    ),
    why=N_("Sample number i must keep its own target, so inputs and targets need one and the same order."),
    fix=N_("Use one permutation for both: `perm = torch.randperm(n)`, then `x[perm]` and `y[perm]`."),
    example={"a": "`x`", "b": "`y`", "order": "`perm`", "line": 6, "loss": "`loss`"},
    program="""import torch
torch.manual_seed(0)
x = torch.arange(6.0).unsqueeze(1)
y = 2.0 * torch.arange(6.0).unsqueeze(1)
w = torch.tensor([[0.5]], requires_grad=True)
xs = x[torch.randperm(6)]
loss = ((xs @ w - y) ** 2).mean()
loss.backward()
""",
    mended="""import torch
torch.manual_seed(0)
x = torch.arange(6.0).unsqueeze(1)
y = 2.0 * torch.arange(6.0).unsqueeze(1)
w = torch.tensor([[0.5]], requires_grad=True)
perm = torch.randperm(6)
loss = ((x[perm] @ w - y[perm]) ** 2).mean()
loss.backward()
""",
)
def shuffled_apart(run: Run) -> list[Found]:
    """One of inputs and targets in a random order, the other not, or in another one."""
    apart = _loaders_apart(run)
    if apart is not None:
        return [apart]
    orders = _Orders(run)
    if not orders.values and not orders.is_shuffled:
        return []
    for a, b, loss in [*_compared(run), *_paired_in_data_sets(run)]:
        of_a, of_b = orders.behind(a), orders.behind(b)
        if not of_a or not of_b or _UNKNOWN in of_a or _UNKNOWN in of_b or of_a.keys() & of_b.keys():
            continue
        order, own, other = next(
            (o, of, rest) for of, rest in ((of_a, of_b), (of_b, of_a)) for o in of if o != _AS_IT_WAS
        )
        shuffled = run.trace.events[own[order]]
        line = line_of(run, shuffled)
        named = run.tensor(order).name if order >= 0 else "permutation"
        values = {
            "a": quoted_name(run.trace, shuffled.inputs[0]),
            "b": quoted_name(run.trace, orders.data_behind(other, b if other is of_b else a)),
            "order": words.code(named) if named else words.code("randperm"),
            "line": line,
            "loss": quoted_name(run.trace, loss) if loss >= 0 and run.tensor(loss).name else _("the loss"),
        }
        return [Found(values, event=shuffled.id, line=line)]
    return []


def _loaders_apart(run: Run) -> Found | None:
    """Inputs and targets from two loaders that are run side by side, each of which shuffles for itself."""
    lines: dict[int, list[ast.Call]] = {}
    for call in run.source.calls():
        if called(call) != "zip":
            continue
        made = [a if isinstance(a, ast.Call) else run.source.assigned(dotted(a), a) for a in call.args]
        loaders = [m for m in made if isinstance(m, ast.Call) and called(m) == "DataLoader" and _shuffles(m)]
        if len(loaders) >= 2:
            lines[call.lineno] = loaders
    if not lines:
        return None
    batches: dict[int, list[int]] = {}
    for made_batch in run.by_kind[EventKind.CREATE]:
        if made_batch.op == "batch":
            batches.setdefault(line_of(run, made_batch), []).append(made_batch.id)
    for a, b, loss in _compared(run):
        targets, inputs = (
            {t for t in ancestors(run, [side]) if (e := run.made_by.get(t)) is not None and e.op == "batch"}
            for side in (b, a)
        )
        event = run.made_by[next(iter(targets))] if targets else None
        if event is None or not inputs or targets & inputs or line_of(run, event) not in lines:
            continue
        # A loader that gives pairs makes more than one tensor for each turn of the loop.
        ids = batches[line_of(run, event)]
        n_at_once = next((n for n, at in enumerate(ids) if at != ids[0] + n), len(ids))
        if n_at_once != len(lines[line_of(run, event)]):
            continue
        line = line_of(run, event)
        values = {
            "a": quoted_name(run.trace, next(iter(inputs))),
            "b": quoted_name(run.trace, next(iter(targets))),
            "line": line,
            "loss": quoted_name(run.trace, loss) if loss >= 0 and run.tensor(loss).name else _("the loss"),
            "order": "",
        }
        one = Found(values, event=event.id, line=line)
        one.title = N_("Two loaders shuffle apart: inputs no longer match their targets")
        one.what = N_(
            "Inputs and targets on line {line} come from two `DataLoader`s, and each of them shuffles in an order of "
            "its own, so {loss} compares predictions with the targets of other samples."
        )
        one.fix = N_("Put both into one `TensorDataset(x, y)` and make a single `DataLoader` of it.")
        return one
    return None


def _shuffles(call: ast.Call) -> bool:
    """Whether a DataLoader is made with `shuffle=True`."""
    return any(
        k.arg == "shuffle" and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords
    )


_LOSSES = {
    "mse_loss",
    "cross_entropy",
    "nll_loss",
    "l1_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "smooth_l1_loss",
    "huber_loss",
    "sub",
}


def _compared(run: Run) -> Iterator[tuple[int, int, int]]:
    """What is computed and the target that it is compared with, and the loss that comes of it."""
    known = roots(run)
    root = next(iter(known), -1)
    needed = ancestors(run, known)
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in _LOSSES or len(event.inputs) < 2 or min(event.inputs[:2]) < 0:
            continue
        if needed.isdisjoint(event.outputs):
            continue
        a, b = event.inputs[:2]
        if event.op == "sub" and not run.tensor(a).requires_grad:
            a, b = b, a
        one, other = run.tensor(a), run.tensor(b)
        if other.requires_grad or not one.requires_grad or not one.shape or not other.shape:
            continue
        if one.shape[0] == other.shape[0] and one.shape[0] >= 3:
            yield a, b, root


def _paired_in_data_sets(run: Run) -> Iterator[tuple[int, int, int]]:
    """Tensors that stand beside each other in a `TensorDataset`."""
    batches = [e.id for e in run.by_kind[EventKind.CREATE] if e.op == "batch"]
    end = batches[0] if batches else len(run.trace.events)
    last: dict[str, int] = {}
    for event in run.trace.events[:end]:
        if event.kind in _MAKERS:
            last.update({run.tensor(t).name: t for t in event.outputs if t >= 0 and run.tensor(t).name})
    for call in run.source.calls():
        if called(call) == "TensorDataset" and len(call.args) == 2:
            names = [dotted(a) for a in call.args]
            if all(n in last for n in names):
                yield last[names[0]], last[names[1]], -1


_AS_IT_WAS = -1
_UNKNOWN = -2
_ELSEWHERE = -3


class _Orders:
    """The random orders of a run, and which of them the samples of a tensor stand in."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.values: list[tuple[int, int, list[int]]] = []  # the event, the tensor, its numbers
        for event in run.by_kind[EventKind.CREATE]:
            if event.op == "randperm" and event.outputs:
                array = array_at(run.trace, event.outputs[0], len(run.trace.events))
                if array is not None and array.size > 2:
                    self.values.append((event.id, event.outputs[0], array.tolist()))
        # What Python or NumPy shuffled leaves no tensor behind: whole orders are known by their numbers.
        self.is_shuffled = bool(re.search(r"\b(permutation|shuffle|sample)\(", run.source.text))
        self.is_turned_back = "argsort" in run.source.text
        self._elsewhere: dict[tuple[int, ...], int] = {}
        self._seen: dict[int, dict[int, int]] = {}

    def behind(self, tensor: int) -> dict[int, int]:
        """The orders on the ways from a tensor back to data, each with the event that indexed by it."""
        known = self._seen.get(tensor)
        if known is not None:
            return known
        found: dict[int, int] = {}
        queue, seen = [tensor], {tensor}
        n = (self.run.tensor(tensor).shape or [1])[0]
        while queue and len(seen) < MAX_WALK:
            at = queue.pop()
            event = self.run.made_by.get(at)
            order = self._order_of(event) if event is not None else None
            if event is not None and order is not None:
                found.setdefault(order, event.id)
                continue
            inputs = [t for t in event.inputs if t >= 0] if event is not None else []
            record = self.run.tensor(at)
            is_data = record.kind == TensorKind.LEAF and not record.requires_grad and not inputs
            if is_data and event is not None and event.op != "randperm" and record.shape and record.shape[0] >= n:
                found.setdefault(_AS_IT_WAS, event.id)
            queue += [t for t in inputs if t not in seen]
            seen.update(inputs)
        self._seen[tensor] = found
        return found

    def data_behind(self, found: dict[int, int], tensor: int) -> int:
        """What to call the data that stands in these orders by, seen from what came of it."""
        event = self.run.trace.events[next(iter(found.values()))]
        if next(iter(found)) != _AS_IT_WAS:
            return event.inputs[0]
        n_all = max([*(len(v) for _e, _o, v in self.values), *map(len, self._elsewhere)])
        for at in sorted(ancestors(self.run, [tensor]), reverse=True):
            record = self.run.tensor(at)
            if (
                record.name
                and record.shape[:1] == [n_all]
                and record.kind in (TensorKind.LEAF, TensorKind.INTERMEDIATE)
            ):
                return at
        return tensor

    def _order_of(self, event: Event) -> int | None:
        """The order in which an event picks samples; None where it doesn't reorder."""
        if event.op not in ("index", "getitem", "index_select") or not event.outputs or not event.inputs:
            return None
        arrays = event.params.get("arrays")
        texts = [str(a) for a in arrays] if isinstance(arrays, list) else []
        direct = next((o for _e, o, _v in self.values if o in event.inputs[1:]), None)
        if direct is not None:
            return direct
        if len(texts) != 1:
            return None
        if "..." in texts[0]:
            numbers = [int(x) for x in re.findall(r"\d+", texts[0].partition("...")[0])]
        else:
            numbers = [int(x) for x in re.findall(r"-?\d+", texts[0])]
        if len(numbers) < 2 or len(set(numbers)) < len(numbers):
            return None
        for made, order, values in reversed(self.values):
            if made < event.id and numbers[0] in values:
                at = values.index(numbers[0])
                if values[at : at + len(numbers)] == numbers:
                    return order
        if len(numbers) < 3 or numbers == sorted(numbers):
            return None
        is_whole = sorted(numbers) == list(range((self.run.tensor(event.inputs[0]).shape or [0])[0]))
        if is_whole and self.is_shuffled and not self.is_turned_back:
            return self._elsewhere.setdefault(tuple(numbers), _ELSEWHERE - len(self._elsewhere))
        return _UNKNOWN


@silent_bug(
    "GL739",
    Severity.WARNING,
    title=N_("Class numbers are compared with one-hot rows"),
    what=N_(
        "{a} holds one class number for each sample, shape {a_shape}, and {b} holds one-hot rows, shape {b_shape}."
    ),
    why=N_(
        "Both are stretched to one shape and compared place by place, which says nothing about right and wrong classes."
    ),
    fix=N_("Turn the one-hot rows into class numbers first: `{text}.argmax(dim=1)`."),
    example={"a": "`predicted`", "b": "`y`", "a_shape": "(3,)", "b_shape": "(3, 3)", "text": "y"},
    program="""import torch
predicted = torch.tensor([0, 2, 1])
y = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
print((predicted == y).float().mean())
""",
    mended="""import torch
predicted = torch.tensor([0, 2, 1])
y = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
print((predicted == y.argmax(dim=1)).float().mean())
""",
)
def one_hot_compared(run: Run) -> list[Found]:
    """argmax == one-hot."""
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "eq" or len(event.inputs) != 2 or min(event.inputs) < 0:
            continue
        a, b = sorted((run.tensor(t) for t in event.inputs), key=lambda t: int(np.prod(t.shape)))
        if len(b.shape) != 2 or b.shape[0] < 2 or b.shape[1] < 2 or not _is_choice(run, a.id):
            continue
        if a.shape not in (b.shape[1:], (b.shape[0], 1), [b.shape[1]], [b.shape[0], 1]):
            continue
        array = array_at(run.trace, b.id, event.id)
        if array is None or not ((array == 0) | (array == 1)).all() or not (array.sum(1) == 1).all():
            continue
        line = line_of(run, event)
        text = name_of(run.trace, b.id)
        fixes = []
        node = run.source.expression_at(run.span(event))
        for side in [node.left, *node.comparators] if isinstance(node, ast.Compare) else []:
            if dotted(side) == text:
                title = words.fill(N_("Write `{text}.argmax(dim=1)`"), {"text": text})
                fixes.append(Fix(title, "maybe", run.source.append(side, ".argmax(dim=1)")))
        values = {
            "a": quoted_name(run.trace, a.id),
            "b": words.code(text),
            "a_shape": words.shape(a.shape),
            "b_shape": words.shape(b.shape),
            "text": text,
        }
        return [Found(values, fixes=fixes, event=event.id, line=line)]
    return []


def _is_choice(run: Run, tensor: int) -> bool:
    """Whether a tensor holds the numbers of chosen classes: what `argmax` gave, or whole numbers."""
    source = _source_of(run, tensor)
    if source is not None and source.op in ("argmax", "max", "topk", "sort", "argsort"):
        return True
    return run.tensor(tensor).dtype in ("int64", "int32")


@silent_bug(
    "GL740",
    Severity.HINT,
    title=N_("`//` makes {name} a whole number"),
    what=N_("Line {line} divides with `//`, so {name} is rounded down: 0 until all are right."),
    why=N_("`//` drops the rest of a division; a share between 0 and 1 becomes 0."),
    fix=N_("Use `/`."),
    example={"name": "`accuracy`", "line": 3},
    program="""correct, total = 3, 4
accuracy = correct // total
print(accuracy)
""",
    mended="""correct, total = 3, 4
accuracy = correct / total
print(accuracy)
""",
)
def share_rounded(run: Run) -> list[Found]:
    """An accuracy or an average made with a whole division."""
    found = []
    for node in run.source.nodes:
        if isinstance(node, ast.Return | ast.Expr):
            found += _share_told(run, node)
        if not isinstance(node, ast.Assign) or not dotted(node.targets[0]):
            continue
        name = dotted(node.targets[0])
        if not re.search(r"(^|_)(acc|accuracy|avg|average|precision|recall)(_|$)", name.lower()):
            continue
        value = node.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.FloorDiv):
            text = f"{run.source.text_of(value.left)} / {run.source.text_of(value.right)}"
            title = words.fill(N_("Divide with `/`: `{text}`"), {"text": text})
            fixes = [Fix(title, "maybe", [run.source.replace(value, text)])]
            found.append(Found({"name": words.code(name), "line": node.lineno}, fixes=fixes, line=node.lineno))
    return found


_COUNTED = re.compile(r"(^|_)(n_|num_)?(correct|hits|right|matches|loss|running_loss)$")


def _share_told(run: Run, node: ast.Return | ast.Expr) -> list[Found]:
    """`return correct // total`, `print(correct // total)`: a count of right ones divided by how many there are."""
    found = []
    for value in ast.walk(node):
        if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.FloorDiv):
            continue
        if not _COUNTED.search(dotted(value.left).rpartition(".")[2].lower()) or (integer(value.right) is not None):
            continue
        said = run.source.text_of(value)
        text = f"{run.source.text_of(value.left)} / {run.source.text_of(value.right)}"
        title = words.fill(N_("Divide with `/`: `{text}`"), {"text": text})
        fixes = [Fix(title, "maybe", [run.source.replace(value, text)])]
        found.append(Found({"name": words.code(said), "line": value.lineno}, fixes=fixes, line=value.lineno))
    return found


@silent_bug(
    "GL741",
    Severity.WARNING,
    title=N_("{loss} adds up {n} samples instead of averaging them"),
    what=N_("{loss} sums over {n} entries, and with a learning rate of {rate} it grew from {first} to {last}."),
    why=N_("The gradient of a sum grows with the number of samples: each step is {n} times as long as with the mean."),
    fix=N_("Use `reduction='mean'` or `.mean()`, or divide the learning rate by {n}."),
    example={"loss": "`loss`", "n": 64, "rate": "0.1", "first": "12", "last": "9e12"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.randn(64, 2)
y = x.sum(1, keepdim=True)
model = nn.Linear(2, 1)
loss_fn = nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(6):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.randn(64, 2)
y = x.sum(1, keepdim=True)
model = nn.Linear(2, 1)
loss_fn = nn.MSELoss(reduction="mean")
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(6):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def summed_loss(run: Run) -> list[Found]:
    """A sum over the batch with a learning rate made for a mean."""
    from graphlab.explain.learning import losses_by_name, rate_of

    rates = [r for e in run.by_kind[EventKind.UPDATE] if (r := rate_of(e)) is not None]
    if not rates:
        return []
    for name, losses in losses_by_name(run).items():
        values = [each.value for each in losses]
        if len(values) < 4:
            continue
        finite = [v for v in values if np.isfinite(v)]
        if not finite or (len(finite) == len(values) and finite[-1] < 10 * max(finite[0], 1e-9)):
            continue
        root = next((t for t, e in roots(run).items() if e.id == losses[0].event), -1)
        made = run.made_by.get(root) if root >= 0 else None
        if made is None or not made.inputs or made.inputs[0] < 0:
            continue
        is_sum = made.params.get("reduction") == "sum" or (made.op == "sum" and not made.params.get("dim"))
        shape = run.tensor(made.inputs[0]).shape
        n = int(np.prod(shape)) if shape else 1
        if not is_sum or n < 16:
            continue
        nodes = [
            k.value for c in run.source.calls() for k in c.keywords
            if k.arg == "reduction" and isinstance(k.value, ast.Constant) and k.value.value == "sum"
        ]  # fmt: skip
        fixes = (
            [Fix(_("Average instead: `reduction='mean'`"), "maybe", [run.source.replace(nodes[0], '"mean"')])]
            if len(nodes) == 1
            else []
        )
        line = line_of(run, made)
        found = {
            "loss": words.code(name) if name else _("the loss"),
            "n": n,
            "rate": words.number(rates[0]),
            "first": words.number(finite[0]),
            "last": words.number(float(f"{finite[-1]:.3g}")),
        }
        calls = [c for c in method_calls(run, "sum") if c.lineno == line and not c.args and not c.keywords]
        if not fixes and len(calls) == 1 and isinstance(calls[0].func, ast.Attribute):
            text = f"{run.source.text_of(calls[0].func.value)}.mean()"
            fixes = [
                Fix(
                    words.fill(N_("Average instead: `{text}`"), {"text": text}),
                    "maybe",
                    [run.source.replace(calls[0], text)],
                )
            ]
        return [Found(found, {"n": n}, fixes, event=made.id, line=line)]
    return []
