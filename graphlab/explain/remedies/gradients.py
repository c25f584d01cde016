"""Gradients that can't flow, graphs used twice, values overwritten: what leads back to a clean backward pass."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    dedented,
    enclosing,
    expression_of,
    indent_of,
    line_after,
    maybe,
    names_in,
    on_line,
    remedy,
    shape_named,
    shortened,
    statement,
    tensor_named,
    visible,
    without_argument,
    without_attribute,
    without_call,
    without_statement,
)
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, EventKind, Fix

_SYMBOLS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_MAX_CHAIN = 60


def _owner(case: Case) -> ast.expr | None:
    """What `backward()` was called on."""
    call = case.call_of("backward")
    if call is not None and isinstance(call.func, ast.Attribute):
        return call.func.value
    return None


def _behind(case: Case, node: ast.expr | None) -> list[ast.expr]:
    """The expressions that a result was computed from, through names and the program's own functions; itself first."""
    queue: list[ast.expr] = [node] if node is not None else []
    found: list[ast.expr] = []
    seen: set[str] = set()
    while queue and len(found) < _MAX_CHAIN:
        at = queue.pop(0)
        if not isinstance(at, ast.Name):
            found.append(at)
        for part in ast.walk(at):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id not in seen:
                seen.add(part.id)
                values = [
                    n.value
                    for n in case.source.nodes
                    if isinstance(n, ast.Assign | ast.AugAssign)
                    and n.lineno <= case.line
                    and case.source.scope_of(n) is case.source.scope_of(part)
                    and part.id in {x.id for x in ast.walk(_target(n)) if isinstance(x, ast.Name)}
                ]
                queue.extend(values[-2:])
            elif isinstance(part, ast.Call):
                queue.extend(_returned(case, part, seen))
    return found


def _target(node: ast.Assign | ast.AugAssign) -> ast.expr:
    return node.targets[0] if isinstance(node, ast.Assign) else node.target


def _returned(case: Case, call: ast.Call, seen: set[str]) -> list[ast.expr]:
    """What the program's own function or module gives back, for a call of it."""
    name = dotted(call.func)
    made = case.source.assigned(name, call) if name and name not in seen else None
    class_name = called(made) if isinstance(made, ast.Call) else ""
    cls = case.source.class_of(class_name) if class_name else None
    bodies = [n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == name]
    if cls is not None:
        bodies = [n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    seen.add(name)
    return [r.value for b in bodies for r in ast.walk(b) if isinstance(r, ast.Return) and r.value is not None]


@remedy("GL303", leads=True)
def cut_removed(case: Case, found: Found) -> Iterator[Fix]:
    """Leave out `detach()`, `.data`, `.item()`, `torch.tensor(…)` on the way to the loss."""
    owner = _owner(case)
    for node in _behind(case, owner):
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                yield from _cut_call(case, part)
            elif isinstance(part, ast.Attribute) and part.attr == "data":
                yield maybe(
                    N_("Leave out `.data` on line {line}, so that the graph goes on"),
                    [without_attribute(case, part)],
                    line=part.lineno,
                )


def _cut_call(case: Case, call: ast.Call) -> Iterator[Fix]:
    if not isinstance(call.func, ast.Attribute):
        return
    name, value = call.func.attr, call.func.value
    if name in ("tensor", "as_tensor", "FloatTensor") and dotted(value) == "torch" and len(call.args) >= 1:
        inner = call.args[0]
        core = inner.elts[0] if isinstance(inner, ast.List) and len(inner.elts) == 1 else inner
        if isinstance(core, ast.Call) and called(core) == "item" and isinstance(core.func, ast.Attribute):
            core = core.func.value
        elif isinstance(core, ast.BinOp | ast.UnaryOp):
            yield from _numbers_kept(case, call, core)
            return
        elif isinstance(core, ast.Name):
            made = tensor_named(case, core.id)
            if made is None:
                if _holds_tensors(case, core.id):
                    yield maybe(
                        N_("Stack the tensors of the list, which keeps their graphs: `{text}`"),
                        [case.source.replace(call.func, "torch.stack")],
                        text=f"torch.stack({core.id})",
                    )
                return
        else:
            return
        text = case.source.text_of(core)
        yield maybe(
            N_("Use the tensor itself instead of a new one made from its number: `{text}`"),
            [case.source.replace(call, text if isinstance(core, ast.Name) else f"({text})")],
            text=shortened(text),
        )
    elif name in ("detach", "item", "numpy", "tolist") and not call.args and dotted(value) != "torch":
        statement_ = case.source.statement_of(call)
        parent = case.source.parents.get(call)
        if isinstance(parent, ast.Call) and called(parent) in ("tensor", "as_tensor", "print", "append"):
            return
        if isinstance(statement_, ast.AugAssign) and name == "item":
            return
        yield maybe(
            N_("Leave out `.{name}()` on line {line}, so that the graph goes on"),
            [without_call(case, call)],
            name=name,
            line=call.end_lineno or call.lineno,
        )


def _holds_tensors(case: Case, name: str) -> bool:
    """Whether a list is filled with what calls return, and not with their numbers."""
    added = [
        c.args[0]
        for c in case.source.calls()
        if called(c) == "append" and isinstance(c.func, ast.Attribute) and dotted(c.func.value) == name and c.args
    ]
    return bool(added) and not any(
        isinstance(a, ast.Constant) or called(a) in ("item", "float", "int", "tolist", "numpy") for a in added
    )


def _numbers_kept(case: Case, call: ast.Call, inner: ast.expr) -> Iterator[Fix]:
    """`torch.tensor(-log_prob * 1.5)` of numbers that `.item()` took out: the tensors themselves."""
    items = [c for c in ast.walk(inner) if isinstance(c, ast.Call) and called(c) == "item"]
    for name in names_in(inner):
        made = case.source.assigned(name, inner)
        items += [c for c in ast.walk(made) if isinstance(c, ast.Call) and called(c) == "item"] if made else []
    line, column, end_line, end_column = case.source.place(call)
    first, start, last, stop = case.source.place(inner)
    brackets = [Edit(line, column, first, start, "("), Edit(last, stop, end_line, end_column, ")")]
    if items:
        yield maybe(
            N_("Compute with the tensors, without `.item()` and `torch.tensor`: `{text}`"),
            [*brackets, *(without_call(case, c) for c in items)],
            text=shortened(case.source.text_of(inner)),
        )


@remedy("GL303")
def recording_switched_off(case: Case, found: Found) -> Iterator[Fix]:
    """Take what leads to the loss out of `with torch.no_grad():`, or recording was switched off for good."""
    owner = _owner(case)
    for node in _behind(case, owner):
        for block in enclosing(case, node, ast.With):
            if any(called(i.context_expr) in ("no_grad", "inference_mode") for i in block.items):
                first = block.body[0].lineno
                if first > block.lineno:
                    edits = [Edit(block.lineno, 0, block.lineno + 1, 0, ""), *dedented(case, block, first)]
                    yield maybe(
                        N_("Compute it with gradients: take lines {first} to {last} out of `torch.no_grad()`")
                        if (block.end_lineno or first) > first
                        else N_("Compute it with gradients: take line {first} out of `torch.no_grad()`"),
                        edits,
                        first=first,
                        last=block.end_lineno or first,
                    )
        for function in enclosing(case, node, ast.FunctionDef):
            for decorator in function.decorator_list:
                if called(decorator) in ("no_grad", "inference_mode") or dotted(decorator).endswith("no_grad"):
                    line = decorator.lineno
                    yield maybe(
                        N_("Leave out `@torch.no_grad()` above `{name}`"),
                        [Edit(line, 0, line + 1, 0, "")],
                        name=function.name,
                    )
    for call in case.source.calls():
        value = argument(call, 0, "mode")
        if called(call) == "set_grad_enabled" and isinstance(value, ast.Constant) and value.value is False:
            yield maybe(
                N_("Switch recording on again: `torch.set_grad_enabled(True)`"), [case.source.replace(value, "True")]
            )


@remedy("GL303", "GL701")
def frozen(case: Case, found: Found) -> Iterator[Fix]:
    """`p.requires_grad = False` for all that could learn; first for what the optimizer has."""
    places: list[tuple[bool, ast.expr, str]] = []
    learned = {n for c in case.source.calls() if called(c) in _OPTIMIZERS for a in c.args for n in names_in(a)}
    for node in case.source.nodes:
        value: ast.expr | None = None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            value = node.value if node.targets[0].attr == "requires_grad" else None
        elif isinstance(node, ast.Call) and called(node) == "requires_grad_":
            value = argument(node, 0, "requires_grad")
        elif isinstance(node, ast.keyword) and node.arg == "requires_grad":
            value = node.value
        if isinstance(value, ast.Constant) and value.value is False and value.lineno < case.line:
            loop = next(enclosing(case, value, ast.For), None)
            names = names_in(loop.iter) if loop is not None else []
            places.append((not learned & set(names), value, names[0] if names else ""))
    places.sort(key=lambda place: (place[0], place[1].lineno))
    if places and places[0][2] and not places[0][0]:
        found.words.update(net=words.code(places[0][2]), at=places[0][1].lineno)
        found.what = N_("Line {at} switches `requires_grad` off for {net}, which the optimizer is to train.")
        found.why = N_("PyTorch keeps a graph only for what depends on a tensor that requires a gradient.")
        found.fix = N_("Leave `requires_grad` of {net} on, and switch it off only for layers that are to stay.")
    for _is_other, value, _name in places:
        yield maybe(
            N_("Let it learn again: `requires_grad` True on line {line}"),
            [case.source.replace(value, "True")],
            line=value.lineno,
        )


_OPTIMIZERS = frozenset({"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Rprop", "LBFGS"})


_CLASSES = ("argmax", "round", "eq", "sign", "floor", "long", "int", "bool", "gt", "lt")


@remedy("GL303")
def classes_in_the_loss(case: Case, found: Found) -> Iterator[Fix]:
    """A loss of predicted classes: `cross_entropy` compares the scores themselves with the classes."""
    owner = _owner(case)
    if owner is None or not isinstance(owner, ast.Name):
        return
    loss = case.source.assigned(owner.id, owner)
    if loss is None:
        return
    nodes = _behind(case, owner)
    for node in nodes:
        for part in ast.walk(node):
            if not (isinstance(part, ast.Call) and called(part) == "argmax" and isinstance(part.func, ast.Attribute)):
                continue
            is_function = dotted(part.func.value) == "torch"
            scores = part.args[0] if is_function and part.args else part.func.value
            others = [n for e in nodes for n in names_in(e) if _are_classes(case, n)]
            if others:
                text = f"torch.nn.functional.cross_entropy({case.source.text_of(scores)}, {others[0]})"
                yield maybe(
                    N_("`argmax` has no gradient; compare the scores with the classes: `{text}`"),
                    [case.source.replace(loss, text)],
                    text=text,
                )
                return


def _are_classes(case: Case, name: str) -> bool:
    tensor = tensor_named(case, name)
    if tensor is None or tensor.dtype != "int64" or len(tensor.shape) != 1:
        return False
    made = case.source.assigned(name)
    return not (isinstance(made, ast.Call) and called(made) == "argmax")


@remedy("GL802", leads=True)
def number_backward(case: Case, found: Found) -> Iterator[Fix]:
    """`backward()` of what `.item()` gave."""
    if found.facts.get("name") not in ("backward", "grad", "requires_grad_"):
        return
    if found.facts.get("owner") not in ("float", "int", "list", "numpy.ndarray", "ndarray", "numpy.float32"):
        return
    owner = _owner(case)
    if found.facts.get("owner") == "list" and owner is not None and dotted(owner):
        text = f"sum({dotted(owner)})"
        yield maybe(N_("Add the entries of the list up: `{text}`"), [case.source.replace(owner, text)], text=text)
    for node in _behind(case, owner):
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and called(part) in ("item", "tolist", "numpy") and not part.args:
                found.words.update(deed=words.code(f".{called(part)}()"), at=part.lineno)
                found.why = N_("{deed} gives a plain number, which has no graph behind it and no gradients.")
                found.fix = N_("Leave out {deed} on line {at}; take the number only where it is printed or kept.")
                yield maybe(
                    N_("Leave out `.{name}()` on line {line}, so that the graph goes on"),
                    [without_call(case, part)],
                    name=called(part),
                    line=part.lineno,
                )
            elif isinstance(part, ast.Call) and called(part) in ("float", "int") and len(part.args) == 1:
                text = case.source.text_of(part.args[0])
                yield maybe(
                    N_("Use the tensor itself instead of a new one made from its number: `{text}`"),
                    [case.source.replace(part, text)],
                    text=shortened(text),
                )


# a second backward


@remedy("GL304", leads=True)
def carried_over(case: Case, found: Found) -> Iterator[Fix]:
    """A state that is carried from turn to turn is cut from the graph of the turn before."""
    call = case.call_of("backward")
    for loop in enclosing(case, call, ast.For, ast.While):
        before = set(visible(case, loop))
        stored = [
            n.id
            for s in loop.body
            for n in ast.walk(s)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id in before
        ]
        for name in dict.fromkeys(stored):
            if not _is_carried(loop, name) or name == dotted(_owner(case)):
                continue
            is_pair = tensor_named(case, name) is None or _is_lstm_state(case, loop, name)
            text = f"{name} = tuple(s.detach() for s in {name})" if is_pair else f"{name} = {name}.detach()"
            if is_pair and _state_call(loop, name) is None:
                continue
            made = case.source.assigned(name, loop)
            line = text
            if isinstance(made, ast.Constant) and made.value is None:
                line = f"if {name} is not None: {text}"
            yield maybe(
                N_("Start each turn of the loop without the history of the last one: `{text}`"),
                [case.source.line_before(loop.body[0], line)],
                text=text,
            )
        names = [n for n in dict.fromkeys(stored) if _is_carried(loop, n) and tensor_named(case, n) is not None]
        if len(names) == 2:
            text = "; ".join(f"{n} = {n}.detach()" for n in names)
            yield maybe(
                N_("Start each turn of the loop without the history of the last one: `{text}`"),
                [case.source.line_before(loop.body[0], text)],
                text=text,
            )


def _is_carried(loop: ast.For | ast.While, name: str) -> bool:
    """Whether a turn of the loop reads a name before it gives it a new value."""
    events = [
        (n.lineno, isinstance(n.ctx, ast.Store))
        for s in loop.body
        for n in ast.walk(s)
        if isinstance(n, ast.Name) and n.id == name
    ]
    reads = [line for line, is_store in events if not is_store]
    stores = [line for line, is_store in events if is_store]
    return bool(reads and stores) and min(reads) <= min(stores)


def _state_call(loop: ast.For | ast.While, name: str) -> ast.Call | None:
    """The call of a recurrent layer that gives a name its state back."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Call):
            elements = node.targets[0].elts
            if len(elements) == 2 and dotted(elements[1]) == name:
                return node.value
    return None


def _is_lstm_state(case: Case, loop: ast.For | ast.While, name: str) -> bool:
    """Whether a state is the pair that an LSTM gives back."""
    call = _state_call(loop, name)
    return call is not None and called(case.source.assigned(dotted(call.func), call)) == "LSTM"


@remedy("GL304")
def computed_before_the_loop(case: Case, found: Found) -> Iterator[Fix]:
    """What the loss comes from is computed once, before the loop: compute it in each turn."""
    owner = _owner(case)
    for loop in enclosing(case, owner, ast.For, ast.While):
        inside = {
            n.id for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        wanted = [n for n in names_in(owner) if n not in inside]
        wanted += [n for s in loop.body for n in names_in(s) if n not in inside]
        lines: list[ast.stmt] = []
        seen: set[str] = set()
        while wanted and len(seen) < 50:
            name = wanted.pop(0)
            if name in seen:
                continue
            seen.add(name)
            tensor = tensor_named(case, name)
            made = case.source.assigned(name, loop)
            where = case.source.statement_of(made) if made is not None else None
            if tensor is None or not isinstance(where, ast.Assign) or where in lines:
                continue
            is_leaf = argument(made, 99, "requires_grad") is not None if isinstance(made, ast.Call) else False
            if tensor.requires_grad and not is_leaf and called(made) not in ("Parameter", "requires_grad_"):
                lines.append(where)
                wanted.extend(names_in(made))
        if lines:
            lines.sort(key=lambda s: s.lineno)
            indent = indent_of(case, loop.body[0])
            text = f"\n{indent}".join(case.source.text_of(s) for s in lines)
            edits = [case.source.line_before(loop.body[0], text), *(without_statement(case, s) for s in lines)]
            yield maybe(
                N_("Compute it anew in each turn: move line {line} into the loop")
                if len(lines) == 1
                else N_("Compute it anew in each turn: move lines {lines} into the loop"),
                edits,
                line=lines[0].lineno,
                lines=", ".join(str(s.lineno) for s in lines),
            )
        return


# overwritten values


@remedy("GL306", leads=True)
def out_of_place(case: Case, found: Found) -> Iterator[Fix]:
    """The in-place steps of the run, each written as one that makes a new tensor."""
    for node in _inplace_places(case, found):
        where = case.source.statement_of(node)
        if isinstance(where, ast.AugAssign) and isinstance(where.target, ast.Name) and type(where.op) in _SYMBOLS:
            name, value = where.target.id, case.source.text_of(where.value)
            value = f"({value})" if isinstance(where.value, ast.BinOp | ast.IfExp) else value
            text = f"{name} = {name} {_SYMBOLS[type(where.op)]} {value}"
            yield maybe(
                N_("Make a new tensor on line {line}: `{text}`"),
                [case.source.replace(where, text)],
                line=where.lineno,
                text=text,
            )
        elif isinstance(where, ast.AugAssign | ast.Assign) and isinstance(_target(where), ast.Subscript):
            target = _target(where)
            name = dotted(target.value) if isinstance(target, ast.Subscript) else ""
            if name:
                yield maybe(
                    N_("Write into a copy: `{text}` before line {line}"),
                    [case.source.line_before(where, f"{name} = {name}.clone()")],
                    text=f"{name} = {name}.clone()",
                    line=where.lineno,
                )
        elif isinstance(node, ast.Call):
            yield from _method_out_of_place(case, node, where)
    yield from _inplace_flags(case)


def _inplace_places(case: Case, found: Found) -> list[ast.expr | ast.stmt]:
    """Where the run wrote in place, the writes into the named tensor first."""
    if case.trace is None:
        return []
    shape = case.facts.get("shape")
    places: list[ast.expr | ast.stmt] = []
    names: set[str] = set()
    for event in case.trace.events:
        if event.kind != EventKind.INPLACE or not event.outputs:
            continue
        tensor = case.trace.tensors[event.outputs[0]] if event.outputs[0] >= 0 else None
        if tensor is None or (shape is not None and list(tensor.shape) != list(shape)):
            continue
        node: ast.expr | ast.stmt | None = expression_of(case, event)
        if node is None or isinstance(node, ast.Name | ast.Constant | ast.Subscript):
            line = case.trace.spans[event.span].line if 0 <= event.span < len(case.trace.spans) else 0
            node = next(
                (n for n in case.source.nodes if isinstance(n, ast.AugAssign | ast.Assign) and n.lineno == line), node
            )
        if node is not None and node not in places:
            places.append(node)
        names.add(tensor.name)
    if len(names) == 1 and "" not in names:  # the only one of that shape: it must be this
        found.words["tensor"] = words.code(names.pop())
    return places[:4]


def _method_out_of_place(case: Case, call: ast.Call, where: ast.stmt | None) -> Iterator[Fix]:
    function = call.func
    if not isinstance(function, ast.Attribute) or not function.attr.endswith("_") or function.attr.startswith("_"):
        return
    _, _, end_line, end_column = case.source.place(function)
    shorter = Edit(end_line, end_column - 1, end_line, end_column, "")
    name = dotted(function.value)
    if name in ("torch", "F"):
        owner = dotted(call.args[0]) if call.args else ""
    else:
        owner = name
    if isinstance(where, ast.Expr) and where.value is call and owner:
        line, column, _, _ = case.source.place(where)
        text = f"{owner} = {case.source.text_of(call).replace(function.attr + '(', function.attr[:-1] + '(', 1)}"
        yield maybe(
            N_("Make a new tensor on line {line}: `{text}`"),
            [case.source.insert_at(line, column, f"{owner} = "), shorter],
            line=where.lineno,
            text=shortened(text),
        )
    elif where is not None:
        yield maybe(
            N_("Make a new tensor on line {line}: `{text}`"),
            [shorter],
            line=call.lineno,
            text=f".{function.attr[:-1]}(…)",
        )


def _inplace_flags(case: Case) -> Iterator[Fix]:
    """`inplace=True` of an activation."""
    flags = [
        (c, k)
        for c in case.source.calls()
        for k in c.keywords
        if k.arg == "inplace" and isinstance(k.value, ast.Constant) and k.value.value is True
    ]
    if flags:
        yield maybe(
            N_("Leave out `inplace=True` on line {line}")
            if len(flags) == 1
            else N_("Leave out `inplace=True` in all {n} places"),
            [without_argument(case, c, k) for c, k in flags],
            line=flags[0][0].lineno,
            n=len(flags),
        )


@remedy("GL306")
def step_too_early(case: Case, found: Found) -> Iterator[Fix]:
    """`optimizer.step()` between a forward pass and its backward: take it after."""
    where = statement(case)
    if where is None:
        return
    for node in case.source.nodes:
        if (
            isinstance(node, ast.Expr)
            and called(node.value) == "step"
            and node.lineno < where.lineno
            and case.source.parents.get(node) is case.source.parents.get(where)
        ):
            text = case.source.text_of(node)
            yield maybe(
                N_("Take the step after the last backward: move `{text}` below line {line}"),
                [without_statement(case, node), line_after(case, where, text)],
                text=text,
                line=where.lineno,
            )


# gradients that are not there


@remedy("GL308")
def unused_allowed(case: Case, found: Found) -> Iterator[Fix]:
    """`allow_unused=True`."""
    call = case.call_of("grad")
    if call is not None and argument(call, 99, "allow_unused") is None:
        yield maybe(
            N_("Get nothing for what isn't used, instead of an error: `allow_unused=True`"),
            [case.source.add_argument(call, "allow_unused=True")],
        )
    listed = argument(call, 1, "inputs") if call is not None else None
    index = re.search(r"at index (\d+)", message_of(case))
    if isinstance(listed, ast.List | ast.Tuple) and index is not None and len(listed.elts) > 1:
        rest = [case.source.text_of(e) for at, e in enumerate(listed.elts) if at != int(index.group(1))]
        yield maybe(
            N_("Ask only for what the result depends on: `{text}`"),
            [case.source.replace(listed, f"[{', '.join(rest)}]")],
            text=f"[{', '.join(rest)}]",
        )


def _grads(case: Case) -> list[ast.Attribute]:
    """The `.grad` on the line of failure."""
    return [n for n in on_line(case, ast.Attribute) if n.attr == "grad" and isinstance(n.ctx, ast.Load)]


@remedy("GL802", "GL811", "GL815", "GL131", leads=True)
def gradient_is_none(case: Case, found: Found) -> Iterator[Fix]:
    """`.grad` is None: backward wasn't called, the tensor is no leaf, or nothing depends on it."""
    if "None" not in message_of(case) or not _grads(case):
        return
    where = statement(case)
    if where is None:
        return
    for node in _grads(case):
        name = dotted(node.value)
        if not name:
            continue
        made = case.source.assigned(name, where)
        passes = [c for c in case.source.calls() if called(c) == "backward" and c.lineno < (where.end_lineno or 0)]
        loop = next(enclosing(case, where, ast.For, ast.While), None)
        loops = [n for n in ast.walk(loop) if isinstance(n, ast.Assign)] if loop is not None else []
        rebound = [a for a in loops if dotted(a.targets[0]) == name and name in names_in(a.value)]
        tensor = tensor_named(case, name)
        if rebound and isinstance(rebound[0].value, ast.BinOp):
            yield from _in_place_update(case, rebound[0], name)
        elif passes and isinstance(made, ast.BinOp | ast.Call) and _is_computed(case, made, tensor is not None):
            at = case.source.statement_of(made)
            if at is not None:
                yield maybe(
                    N_("Keep the gradient of a computed tensor: `{text}`"),
                    [line_after(case, at, f"{name}.retain_grad()")],
                    text=f"{name}.retain_grad()",
                )
        elif not passes:
            loss = _result_of(case, name, where)
            if loss:
                yield maybe(
                    N_("Compute the gradients first: `{text}`"),
                    [case.source.line_before(where, f"{loss}.backward()")],
                    text=f"{loss}.backward()",
                )
        if not isinstance(where, ast.FunctionDef | ast.For | ast.While | ast.With | ast.If):
            text = f"if {name}.grad is not None:"
            line, column, end_line, end_column = case.source.place(where)
            if line == end_line and not case.source.lines[line - 1][:column].strip():
                body = f"{text}\n{indent_of(case, where)}    {case.source.text_of(where)}"
                yield maybe(
                    N_("Leave {name} out where it has no gradient: ask first whether there is one"),
                    [Edit(line, column, end_line, end_column, body)],
                    name=words.code(name),
                )


def _is_computed(case: Case, made: ast.expr, is_tensor: bool) -> bool:
    if isinstance(made, ast.BinOp):
        return is_tensor
    return isinstance(made, ast.Call) and argument(made, 99, "requires_grad") is None and called(made) not in (
        "tensor", "randn", "zeros", "ones", "rand", "Parameter", "requires_grad_",
    )  # fmt: skip


def _in_place_update(case: Case, node: ast.Assign, name: str) -> Iterator[Fix]:
    """`w = w - lr * w.grad` → the same under `no_grad`, into the leaf itself."""
    value = node.value
    if not isinstance(value, ast.BinOp) or dotted(value.left) != name or type(value.op) not in _SYMBOLS:
        return
    indent = indent_of(case, node)
    text = f"{name} {_SYMBOLS[type(value.op)]}= {case.source.text_of(value.right)}"
    others = [s for s in _siblings_after(case, node) if _is_update(s)]
    is_inside = any(called(i.context_expr) == "no_grad" for w in enclosing(case, node, ast.With) for i in w.items)
    lines = [text]
    for other in others:
        value = other.value
        assert isinstance(value, ast.BinOp)
        lines.append(f"{dotted(other.targets[0])} {_SYMBOLS[type(value.op)]}= {case.source.text_of(value.right)}")
    edits = []
    for at, (each, line) in enumerate(zip([node, *others], lines)):
        begin = "" if is_inside else (f"with torch.no_grad():\n{indent}    " if at == 0 else "    ")
        edits.append(case.source.replace(each, begin + line))
    yield maybe(N_("Change the leaf itself, without recording: `{text}`"), edits, text=shortened("; ".join(lines), 90))


def _is_update(node: ast.stmt) -> bool:
    """`b = b - lr * b.grad`."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.BinOp):
        return False
    name = dotted(node.targets[0])
    reads_grad = any(isinstance(n, ast.Attribute) and dotted(n) == f"{name}.grad" for n in ast.walk(node.value))
    return bool(name) and dotted(node.value.left) == name and type(node.value.op) in _SYMBOLS and reads_grad


def _siblings_after(case: Case, node: ast.stmt) -> list[ast.Assign]:
    """The updates that follow a statement on the lines right after it."""
    block = next((b for _, b in ast.iter_fields(case.source.parents[node]) if isinstance(b, list) and node in b), [])
    found: list[ast.Assign] = []
    for each in block[block.index(node) + 1 :]:
        if not _is_update(each):
            break
        found.append(each)
    return found


def _result_of(case: Case, name: str, before: ast.stmt) -> str:
    """The variable with one number that was computed from `name` last."""
    related = {name}
    best = ""
    assigns = [n for n in case.source.nodes if isinstance(n, ast.Assign) and n.lineno < before.lineno]
    for node in sorted(assigns, key=lambda n: n.lineno):
        target = dotted(node.targets[0])
        if target and _reads(node.value, related):
            related.add(target)
            if shape_named(case, target) in ([], [1]):
                best = target
    return best


def _reads(node: ast.expr, names: set[str]) -> bool:
    return any(dotted(n) in names or dotted(n).partition(".")[0] in names for n in ast.walk(node) if dotted(n))


@remedy("GL315")
def gradient_for_each_input(case: Case, found: Found) -> Iterator[Fix]:
    """`return grad` → `return grad, None` in a custom `backward`."""
    wanted, got = int(case.facts.get("wanted") or 0), int(case.facts.get("got") or 0)
    for node in case.source.nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "backward":
            returns = [r for r in ast.walk(node) if isinstance(r, ast.Return) and r.value is not None]
            for item in returns:
                value = item.value
                n = len(value.elts) if isinstance(value, ast.Tuple) else 1
                if value is None or n != got:
                    continue
                if wanted > got:
                    _, _, line, column = case.source.place(value)
                    text = ", None" * (wanted - got)
                    yield maybe(
                        N_("Return nothing for the inputs that need no gradient, so that there are {wanted} values"),
                        [case.source.insert_at(line, column, text)],
                        wanted=wanted,
                    )
                elif isinstance(value, ast.Tuple) and wanted:
                    kept = ", ".join(case.source.text_of(e) for e in value.elts[:wanted])
                    yield maybe(
                        N_("Return one gradient for each input: `{text}`"),
                        [case.source.replace(value, kept)],
                        text=f"return {kept}",
                    )


@remedy("GL702", "GL313")
def leaf_of_it(case: Case, found: Found) -> Iterator[Fix]:
    """A computed tensor handed to an optimizer: cut it from its history."""
    call = next((c for c in on_line(case, ast.Call) if c.args and isinstance(c.args[0], ast.List)), None)
    for item in call.args[0].elts if call is not None and isinstance(call.args[0], ast.List) else []:
        made = case.source.assigned(dotted(item), item) if dotted(item) else None
        if isinstance(made, ast.Call | ast.BinOp):
            base = case.source.base(made)
            text = f"{base}.detach().requires_grad_()"
            yield maybe(
                N_("Cut it from its history, then ask for its gradient: `{text}`"),
                [case.source.replace(made, text)],
                text=shortened(text),
            )


@remedy("GL309", leads=True)
def numbers_for_numpy(case: Case, found: Found) -> Iterator[Fix]:
    """NumPy's functions of tensors: PyTorch's own, or of the numbers."""
    import graphlab.engine as engine

    for call in on_line(case, ast.Call):
        function = call.func
        if not isinstance(function, ast.Attribute) or dotted(function.value) not in ("np", "numpy"):
            continue
        if len(call.args) != 1:
            continue
        node = call.args[0]
        text = case.source.text_of(node)
        is_list = isinstance(node, ast.Name) and tensor_named(case, node.id) is None
        if not is_list and hasattr(engine, function.attr):
            yield maybe(
                N_("Use PyTorch's own function, which keeps the gradient: `{text}`"),
                [case.source.replace(function.value, "torch")],
                text=f"torch.{function.attr}({shortened(text)})",
            )
        text = f"[v.item() for v in {text}]" if is_list else f"{case.source.base(node)}.detach().numpy()"
        yield maybe(N_("Give it the numbers: `{text}`"), [case.source.replace(node, text)], text=shortened(text))
