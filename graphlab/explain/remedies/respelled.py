"""Small changes of the program's own Python that fit what the run found there: keywords, nested names, numbers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain.case import Case, Found
from graphlab.explain.names import nearest
from graphlab.explain.remedies.kit import (
    definition,
    line_after,
    maybe,
    names_in,
    on_line,
    remedy,
    shape_named,
    shortened,
    without_call,
)
from graphlab.explain.source import Function, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_PAIRED = frozenset({"enumerate", "zip"})


def _said(case: Case) -> str:
    return case.message.split("\n")[0]


# keywords


@remedy("GL809", is_cause=True)
def keyword_meant(case: Case, found: Found) -> Iterator[Fix]:
    """`hidden=16` where the program's own class calls it `hidden_dim`: the name that is left and is like it."""
    hit = re.search(r"(?:(\w+)\.)?(\w+)\(\) got an unexpected keyword argument '(\w+)'", _said(case))
    if hit is None:
        return
    owner, name, wrong = hit.group(1) or "", hit.group(2), hit.group(3)
    function = definition(case, name, owner)
    if function is None:
        return
    for call in case.source.calls():
        item = next((k for k in call.keywords if k.arg == wrong), None)
        if item is None or (called(call) not in (owner, name, "super") and not dotted(call.func)):
            continue
        for meant in _names_left(function, call, wrong)[:2]:
            line, column, _, _ = case.source.place(item)
            yield maybe(
                N_("Call it as `{name}` does: `{meant}` instead of `{wrong}`"),
                [Edit(line, column, line, column + len(wrong), meant)],
                name=owner or name,
                meant=meant,
                wrong=wrong,
            )
        return


def _names_left(function: Function, call: ast.Call, wrong: str) -> list[str]:
    """Parameters that the call doesn't fill, those that are like the wrong name first."""
    parameters = [a.arg for a in function.args.args]
    if parameters[:1] == ["self"]:
        parameters = parameters[1:]
    taken = {k.arg for k in call.keywords}
    left = [p for p in parameters[len(call.args) :] if p not in taken]
    left += [a.arg for a in function.args.kwonlyargs if a.arg not in taken]
    alike = [p for p in left if wrong in p or p in wrong]
    alike += [p for p in nearest(wrong, left) if p not in alike]
    parts = set(wrong.lower().split("_"))
    alike += [p for p in left if p not in alike and parts & set(p.lower().split("_"))]
    return alike or (left if len(left) == 1 else [])


# names for what a loop gives


@remedy("GL812", is_cause=True)
def names_in_brackets(case: Case, found: Found) -> Iterator[Fix]:
    """`for i, x, y in enumerate(loader)`: what comes after the count is a pair of its own, in brackets."""
    for node in case.source.nodes:
        if not isinstance(node, ast.For | ast.comprehension) or node.iter.lineno != case.line:
            continue
        target, value = node.target, node.iter
        if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Call) or called(value) not in _PAIRED:
            continue
        if len(target.elts) < 3 or any(isinstance(e, ast.Tuple | ast.Starred) for e in target.elts):
            continue
        places = [1] if called(value) == "enumerate" else list(range(len(value.args)))
        n_inner = len(target.elts) - (2 if called(value) == "enumerate" else len(value.args)) + 1
        for at in places:
            texts = [case.source.text_of(e) for e in target.elts]
            texts[at : at + n_inner] = [f"({', '.join(texts[at : at + n_inner])})"]
            text = ", ".join(texts)
            yield maybe(
                N_("Put what comes together into brackets: `{text}`"),
                [case.source.replace(target, text)],
                text=text,
            )


# whole numbers


@remedy("GL900", "GL816", "GL815", "GL810", is_cause=True)
def whole_number(case: Case, found: Found) -> Iterator[Fix]:
    """A slice or count from a division: `//`, where `/` made it, else `int(…)`."""
    message = _said(case)
    if "slice indices must be integers" not in message and "'float' object cannot be interpreted" not in message:
        return
    bounds: list[ast.expr] = []
    for part in on_line(case, ast.Slice):
        bounds += [b for b in (part.lower, part.upper, part.step) if b is not None]
    if "slice indices" not in message:
        for call in on_line(case, ast.Call):
            bounds += [a for a in call.args if not isinstance(a, ast.Constant | ast.Starred)]
    seen: set[int] = set()
    for bound in bounds:
        for place in [bound, *(case.source.assigned(name, bound) for name in names_in(bound))]:
            for node in ast.walk(place) if place is not None else ():
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and id(node) not in seen:
                    seen.add(id(node))
                    text = f"{case.source.text_of(node.left)} // {case.source.text_of(node.right)}"
                    yield maybe(
                        N_("Divide to a whole number: `{text}` on line {line}"),
                        [case.source.replace(node, text)],
                        text=shortened(text),
                        line=node.lineno,
                    )
    texts: dict[str, list[ast.expr]] = {}
    for bound in bounds:
        if isinstance(bound, ast.Name | ast.BinOp | ast.Attribute | ast.Call) and called(bound) not in ("len", "int"):
            texts.setdefault(case.source.text_of(bound), []).append(bound)
    for text, places in texts.items():
        made = case.source.assigned(text, places[0]) if text.isidentifier() else None
        node = made if isinstance(made, ast.BinOp) else places[0]
        if node is not made and len(places) > 1:
            continue
        whole = f"int({case.source.text_of(node)})"
        yield maybe(
            N_("Take the whole number below: `{text}`"), [case.source.replace(node, whole)], text=shortened(whole)
        )


# what a module gives back


@remedy("GL131", "GL811", "GL802", "GL815", "GL814")
def return_in_a_module(case: Case, found: Found) -> Iterator[Fix]:
    """A `forward` without `return`, of a module somewhere in the net: what it set last is what it gives."""
    if "None" not in _said(case):
        return
    ran = {m.type for m in case.trace.modules} if case.trace is not None else set()
    for node in case.source.nodes:
        if not isinstance(node, ast.ClassDef) or node.name not in ran:
            continue
        for function in node.body:
            if not isinstance(function, ast.FunctionDef) or function.name != "forward":
                continue
            last = function.body[-1]
            if any(isinstance(n, ast.Return | ast.Yield) for n in ast.walk(function)) or not isinstance(
                last, ast.Assign | ast.AugAssign
            ):
                continue
            target = last.targets[0] if isinstance(last, ast.Assign) else last.target
            text = case.source.text_of(target)
            yield maybe(
                N_("Add `return {names}` at the end of `{function}`"),
                [line_after(case, last, f"return {text}")],
                names=text,
                function=f"{node.name}.forward",
            )


# sums of numbers that should have been sums of tensors


@remedy("GL303", is_cause=True)
def summed_with_its_graph(case: Case, found: Found) -> Iterator[Fix]:
    """`total += loss.item()`, and then `torch.tensor(total).backward()`: add the losses themselves."""
    call = case.call_of("backward")
    if call is None or not isinstance(call.func, ast.Attribute):
        return
    owner = call.func.value
    made = case.source.assigned(dotted(owner), owner) if dotted(owner) else owner
    edits: list[Edit] = []
    names = set(names_in(made)) | {dotted(owner)}
    for node in case.source.nodes:
        if not isinstance(node, ast.AugAssign) or dotted(node.target) not in names:
            continue
        items = [c for c in ast.walk(node.value) if isinstance(c, ast.Call) and called(c) in ("item", "detach")]
        edits += [without_call(case, c) for c in items if not c.args]
    if not edits:
        return
    if isinstance(made, ast.Call) and called(made) in ("tensor", "as_tensor") and made.args:
        edits.append(case.source.replace(made, case.source.text_of(made.args[0])))
        if isinstance(made.args[0], ast.BinOp):
            edits[-1] = case.source.replace(made, f"({case.source.text_of(made.args[0])})")
    yield maybe(
        N_("Add up the losses themselves, not their numbers, so that the sum keeps its graph"),
        edits,
    )


# tensors in lists, and several values where one is meant


@remedy("GL816", "GL811", "GL131", is_cause=True)
def list_of_tensors(case: Case, found: Found) -> Iterator[Fix]:
    """`log_probs * returns` of a list that the loop filled with tensors: stacked they are one tensor."""
    filled = {
        dotted(c.func.value)
        for c in case.source.calls()
        if called(c) == "append" and isinstance(c.func, ast.Attribute) and c.args
    }
    for node in on_line(case, ast.BinOp):
        for side in (node.left, node.right):
            if isinstance(side, ast.Name) and side.id in filled and not isinstance(node.op, ast.Mod):
                for function in ("stack", "tensor"):
                    text = f"torch.{function}({side.id})"
                    yield maybe(
                        N_("Make one tensor of the list: `{text}`"), [case.source.replace(side, text)], text=text
                    )


@remedy("GL811", "GL802", "GL814", "GL816", is_cause=True)
def values_of_a_call(case: Case, found: Found) -> Iterator[Fix]:
    """`r + gamma * net(s).max(1)`: `max` along a dim gives the values and their places; take the values."""
    for call in on_line(case, ast.Call):
        if called(call) not in ("max", "min", "sort", "topk", "median") or not isinstance(call.func, ast.Attribute):
            continue
        if isinstance(case.source.parents.get(call), ast.BinOp | ast.UnaryOp) and (call.args or call.keywords):
            yield maybe(
                N_("Take the values: `{text}.values`"),
                case.source.append(call, ".values"),
                text=shortened(case.source.base(call)),
            )


@remedy("GL816", is_cause=True)
def length_of_it(case: Case, found: Found) -> Iterator[Fix]:
    """`__len__` that returns the data, and not how many there are."""
    for node in case.source.nodes:
        if not isinstance(node, ast.FunctionDef) or node.name != "__len__":
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Return) and part.value is not None and dotted(part.value):
                text = f"len({case.source.text_of(part.value)})"
                yield maybe(
                    N_("Return how many there are: `return {text}`"),
                    [case.source.replace(part.value, text)],
                    text=text,
                )


@remedy("GL131", is_cause=True)
def two_states(case: Case, found: Found) -> Iterator[Fix]:
    """An LSTM is given one state, and it keeps two: (h, c)."""
    if found.facts.get("got") != "Tensor" and "must be tuple of Tensors, not Tensor" not in _said(case):
        return
    for call in on_line(case, ast.Call):
        if len(call.args) != 2 or not isinstance(call.args[1], ast.Name):
            continue
        state = call.args[1]
        made = case.source.assigned(state.id, state)
        values = [
            n.value
            for n in case.source.nodes
            if isinstance(n, ast.Assign) and n.lineno < call.lineno and dotted(n.targets[0]) == state.id
        ]
        first = values[0] if values else made
        if isinstance(first, ast.Call) and called(first) in ("zeros", "randn", "zeros_like", "new_zeros"):
            text = case.source.text_of(first)
            yield maybe(
                N_("An LSTM keeps two states, so begin with both: `{text}`"),
                [case.source.replace(first, f"({text}, {text})")],
                text=shortened(f"({text}, {text})"),
            )
            return


# arguments of PyTorch's functions


@remedy("GL131", "GL809", is_cause=True)
def keyword_of_function(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.mean(x, dims=1)`: a keyword of PyTorch's function that is spelled otherwise there."""
    message = case.message
    if "invalid combination of arguments" not in message and "unexpected keyword" not in message:
        return
    _, _, offered = message.partition("expected one of")
    known = set(re.findall(r"(\w+)(?: = [^,)]*)?[,)]", offered)) if offered else set()
    for call in on_line(case, ast.Call):
        for item in call.keywords:
            if not item.arg or item.arg in known or f"{item.arg}=" not in message.partition("expected")[0]:
                continue
            for meant in nearest(item.arg, known)[:2]:
                line, column, _, _ = case.source.place(item)
                yield maybe(
                    N_("Call it as `{name}` does: `{meant}` instead of `{wrong}`"),
                    [Edit(line, column, line, column + len(item.arg), meant)],
                    name=called(call),
                    meant=meant,
                    wrong=item.arg,
                )


@remedy("GL809", "GL131")
def axes_to_swap(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.transpose(x)`, as NumPy has it: which two axes it should swap."""
    for call in on_line(case, ast.Call):
        if called(call) not in ("transpose", "swapaxes", "permute") or call.keywords:
            continue
        is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
        if len(call.args) != int(is_function):
            continue
        base = call.args[0] if is_function else call.func.value if isinstance(call.func, ast.Attribute) else None
        shape = shape_named(case, dotted(base)) if base is not None else None
        axes = "0, 1" if shape is None or len(shape) < 3 else "-2, -1"
        if called(call) != "permute":
            yield maybe(
                N_("Say which two axes to swap: `{text}`"),
                [case.source.add_argument(call, axes)],
                text=f"{called(call)}({axes})",
            )
