"""Results taken for something else: a tuple for its first part, nothing for a value, a list for a tensor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    enclosing,
    indent_of,
    maybe,
    on_line,
    remedy,
    shortened,
    statement,
    tensor_named,
)
from graphlab.explain.remedies.orders import calls_in_traceback
from graphlab.explain.results import Several, maker, nothing, several, values_used
from graphlab.explain.source import Function, called, dotted, literal
from graphlab.i18n import N_
from graphlab.trace.records import Fix


def _is_about(case: Case, found: Found, kind: str) -> bool:
    facts = (found.facts.get("got"), found.facts.get("owner"))
    message = message_of(case)
    is_said = re.match(f"{kind} indices|can't multiply sequence", message) is not None
    return kind in facts or f"'{kind}'" in message or is_said


@remedy("GL131", "GL802", "GL811", "GL814", is_cause=True)
def taken_apart(case: Case, found: Found) -> Iterator[Fix]:
    """`recon = model(x)` of a model that returns three values: all are named, or the first is taken."""
    if not _is_about(case, found, "tuple"):
        return
    hit = several(case)
    if hit is None or hit.kind == "along":
        if hit is not None:
            _along_said(case, found, hit)
        return
    text = shortened(case.source.text_of(hit.call), 40)
    name = dotted(hit.node)
    found.words.update(
        node=words.code(name or text),
        call=words.code(text),
        n=len(hit.parts),
        parts=words.listing(words.code(p) for p in hit.parts),
    )
    found.title = N_("{node} is a tuple of {n} values, not one tensor")
    found.what = N_("{call} gives {n} values, {parts}, and {node} holds all of them as a tuple.")
    if not name:
        found.what = N_("{call} gives {n} values, {parts}, and they are used here as if they were one.")
    found.why = _WHY[hit.kind]
    where = case.source.statement_of(hit.call)
    target = where.targets[0] if isinstance(where, ast.Assign) and where.value is hit.call else None
    if isinstance(target, ast.Name):
        names = _names_for(case, hit, target)
        found.words["text"] = f"{names} = {text}"
        found.fix = N_("Take the values apart where they are made: `{text}`.")
        yield maybe(
            N_("Take the values apart: `{text}`"),
            [case.source.replace(target, names)],
            text=found.words["text"],
        )
    else:
        found.words["text"] = f"{text}[0]"
        found.fix = N_("Take the one that is meant: `{text}` is the first of them.")
    yield maybe(N_("Take the first of the values: `{text}[0]`"), case.source.append(hit.call, "[0]"), text=text)


_WHY = {
    "recurrent": N_("A recurrent layer returns the output of every step together with its state after the last one."),
    "attention": N_("Attention returns its output together with the weights that it gave to each place."),
    "own": N_("`return a, b` makes a tuple; whoever calls the function takes it apart, or chooses one of its parts."),
}


def _along_said(case: Case, found: Found, hit: Several) -> None:
    text = shortened(case.source.text_of(hit.call), 40)
    found.words.update(
        node=words.code(dotted(hit.node) or text), call=words.code(text), op=words.code(called(hit.call))
    )
    found.title = N_("{node} holds `values` and `indices`, not one tensor")
    found.what = N_("{call} gives two tensors, `values` and `indices`, and {node} holds both.")
    found.why = N_("Along a dim, {op} tells the entries that it finds and the places where they stand.")
    found.fix = N_("Take the one that is meant: `.values` or `.indices`.")


def _names_for(case: Case, hit: Several, target: ast.Name) -> str:
    """Names for the parts: that which was there for the first, and those of the function's own where they are free."""
    scope = case.source.scope_of(target)
    bound = {
        n.id
        for n in case.source.nodes
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and case.source.scope_of(n) is scope
    }
    names = [target.id]
    for part in hit.parts[1:]:
        is_free = hit.kind == "own" and part.isidentifier() and part not in bound and part not in names
        names.append(part if is_free else "_")
    return ", ".join(names)


@remedy("GL802", "GL811", "GL814", "GL815", "GL131", "GL812", is_cause=True)
def given_nothing(case: Case, found: Found) -> Iterator[Fix]:
    """Words for a value that is None since a function of the program has no `return`, or a method gives nothing."""
    if "NoneType" not in message_of(case) and found.facts.get("got") != "NoneType":
        return
    hit = nothing(case)
    if hit is None:
        return
    text = shortened(case.source.text_of(hit.call), 40)
    found.words.update(node=words.code(dotted(hit.node) or text), call=words.code(text), at=hit.call.lineno)
    found.title = N_("{node} holds nothing")
    if hit.function is None:
        found.words["deed"] = words.code(f".{called(hit.call)}()")
        found.what = N_("{node} holds nothing: it is what {call} on line {at} gave back.")
        found.why = N_("{deed} changes the object before the dot and gives nothing back.")
        found.fix = N_("Call {deed} on a line of its own, and go on with the object itself.")
        where = case.source.statement_of(hit.call)
        owner = dotted(hit.call.func.value) if isinstance(hit.call.func, ast.Attribute) else ""
        if isinstance(where, ast.Assign) and where.value is hit.call and owner:
            call = case.source.text_of(hit.call)
            name = dotted(where.targets[0])
            text = call if name == owner else f"{call}\n{indent_of(case, where)}{name} = {owner}"
            yield maybe(
                N_("Call it alone, and go on with the object: `{text}`"),
                [case.source.replace(where, text)],
                text=shortened(call),
            )
        return
    found.words["function"] = words.code(f"{_owner(case, hit.function)}{hit.function.name}")
    found.what = N_("{node} holds nothing: {call} runs {function}, and that has no `return`.")
    found.why = N_("A function gives back what stands after `return`; without it, what it computed is lost.")
    found.fix = N_("End {function} with a `return` of what it computed.")


def _owner(case: Case, function: Function) -> str:
    cls = case.source.parents.get(function)
    return f"{cls.name}." if isinstance(cls, ast.ClassDef) else ""


# lists


@remedy("GL131", is_cause=True)
def list_to_tensor(case: Case, found: Found) -> Iterator[Fix]:
    """A list of numbers that a layer gets, here or as the argument of the `forward` around it; a batch of a loader."""
    if found.facts.get("got") not in ("list", "float", "int"):
        return
    name = str(case.facts.get("module") or "").rpartition(".")[2]
    node = next((v for v in values_used(case) if isinstance(v, ast.Name) and _is_given(case, v, name)), None)
    if node is None:
        return
    if (loop := _loader_loop(case, node)) is not None:
        yield from _batch_apart(case, found, node, loop)
        return
    function = next(enclosing(case, node, ast.FunctionDef), None)
    if function is not None and node.id in [a.arg for a in function.args.args]:
        yield from _converted_by_caller(case, found, node, function)
    text = f"torch.tensor({node.id})"
    yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(node, text)], text=text)


def _is_given(case: Case, node: ast.Name, layer: str) -> bool:
    """Whether a name is an argument of a call, of that layer where one is known."""
    call = case.source.parents.get(node)
    if not isinstance(call, ast.Call) or node not in call.args:
        return False
    return not layer or layer.isdigit() or dotted(call.func).rpartition(".")[2] == layer


def _converted_by_caller(case: Case, found: Found, node: ast.Name, function: Function) -> Iterator[Fix]:
    names = [a.arg for a in function.args.args if a.arg != "self"]
    at = names.index(node.id) if node.id in names else 0
    for call in calls_in_traceback(case, function):
        if at >= len(call.args) or call.lineno == case.line:
            continue
        given = call.args[at]
        text = f"torch.tensor({case.source.text_of(given)})"
        if isinstance(literal(given), int | float):
            text = f"torch.tensor([{case.source.text_of(given)}])"
        found.words.update(x=words.code(case.source.text_of(given)), at=call.lineno, text=shortened(text))
        found.words["kind"] = words.code(str(found.facts["got"]))
        found.what = N_("{x} on line {at} is of type {kind}, and {function} wants `Tensor` as {argument}.")
        found.fix = N_("Make a tensor of it where it is passed on line {at}: `{text}`.")
        yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(given, text)], text=shortened(text))
        return


def _loader_loop(case: Case, node: ast.Name) -> ast.For | None:
    """The loop over a `DataLoader` whose batches a name holds."""
    loop: ast.For
    for loop in enclosing(case, node, ast.For):
        targets = [loop.target, *(loop.target.elts if isinstance(loop.target, ast.Tuple) else [])]
        if any(dotted(t) == node.id for t in targets) and _goes_through_a_loader(case, loop.iter):
            return loop
    return None


def _goes_through_a_loader(case: Case, node: ast.expr) -> bool:
    if called(node) == "enumerate" and isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    name = dotted(node)
    made = case.source.assigned(name, node) if name else node
    return called(made) == "DataLoader" or (made is None and "loader" in name.lower())


def _batch_apart(case: Case, found: Found, node: ast.Name, loop: ast.For) -> Iterator[Fix]:
    where = statement(case)
    bound = {n.id for n in case.source.nodes if isinstance(n, ast.Name)}
    pairs = (("xb", "yb"), ("inputs", "targets"), ("x_batch", "y_batch"))
    inputs, targets = next((p for p in pairs if not set(p) & bound), pairs[0])
    found.words.update(node=words.code(node.id), at=loop.lineno, text=f"{inputs}, {targets} = {node.id}")
    found.title = N_("{node} is a list of the parts of a batch, not one tensor")
    found.what = N_("The loader on line {at} gives each batch as a list, inputs and targets, and {node} holds both.")
    found.why = N_("A loader joins what the data set gives for each sample: pairs become a list of two tensors.")
    found.fix = N_("Take the batch apart before it is used: `{text}`.")
    if where is not None:
        edits = [case.source.line_before(where, found.words["text"]), case.source.replace(node, inputs)]
        edits += [case.source.replace(whole, targets) for whole in _whole_targets(case, loop)]
        yield maybe(N_("Take the batch apart: `{text}`"), edits, text=found.words["text"])


def _whole_targets(case: Case, loop: ast.For) -> list[ast.Name]:
    """Where a loop over batches names all targets, `y` of `TensorDataset(X, y)`: those of the batch are meant."""
    data = [c for c in case.source.calls() if called(c) == "TensorDataset" and len(c.args) == 2]
    name = dotted(data[0].args[1]) if len(data) == 1 else ""
    return [
        n
        for s in loop.body
        for n in ast.walk(s)
        if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
    ]


# classes for objects, lists for tables


@remedy("GL131", is_cause=True)
def layer_never_made(case: Case, found: Found) -> Iterator[Fix]:
    """`self.act = nn.ReLU` without brackets: calling it makes a layer instead of running one."""
    got = str(found.facts.get("got") or "")
    for node in values_used(case):
        owner = dotted(node.func) if isinstance(node, ast.Call) else ""
        made = case.source.assigned(owner, node) if owner else maker(case, node)
        if isinstance(made, ast.Call) and not isinstance(node, ast.Call):
            owner = dotted(made.func)
            made = case.source.assigned(owner, made) if owner else None
        if not got or not isinstance(made, ast.Attribute) or made.attr != got:
            continue
        text = f"{case.source.text_of(made)}()"
        found.words.update(layer=words.code(owner), cls=words.code(got), at=made.lineno, text=text)
        found.title = N_("{layer} is the class {cls}, not a layer made from it")
        found.what = N_("{layer} was set to the class {cls} on line {at}, so calling it makes a layer of its input.")
        found.why = N_("A layer is made first, with brackets, and called with its input afterwards.")
        found.fix = N_("Write the brackets on line {at}: `{text}`.")
        yield maybe(N_("Make the layer: `{text}`"), [case.source.replace(made, text)], text=text)
        return


@remedy("GL816", is_cause=True)
def list_as_table(case: Case, found: Found) -> Iterator[Fix]:
    """`alpha[target]` of a list and a tensor of indices: only tensors take many indices at once."""
    if "can be converted to an index" not in message_of(case):
        return
    for node in on_line(case, ast.Subscript):
        name = dotted(node.value)
        if not name or not dotted(node.slice) or tensor_named(case, name) is not None:
            continue
        text = f"torch.tensor({name})"
        found.words.update(x=words.code(name), index=words.code(dotted(node.slice)), text=text)
        found.title = N_("{x} is a list, and a list takes one index at a time")
        found.what = N_("Line {line} indexes {x} with the tensor {index}, which holds several indices.")
        found.words["line"] = case.line
        found.why = N_("A list gives one entry for one whole number; a tensor gives one for each index in a tensor.")
        found.fix = N_("Make a tensor of the list first: `{text}`.")
        yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(node.value, text)], text=text)
        return
