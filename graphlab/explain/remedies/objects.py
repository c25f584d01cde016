"""What an object can't do: pairs, lists, numbers and texts where tensors belong, and the other way round."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    maybe,
    on_line,
    remedy,
    shape_named,
    shortened,
    statement,
    tensor_named,
    visible,
    without_call,
)
from graphlab.explain.results import several
from graphlab.explain.source import called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Fix


@remedy("GL802", "GL811", "GL131", leads=True)
def values_of_pair(case: Case, found: Found) -> Iterator[Fix]:
    """`max(dim)`, an LSTM and attention give several values: take one of them."""
    message = message_of(case)
    if "return_types" not in message and "tuple" not in message and "multiply sequence" not in message:
        return
    hit = several(case)
    if hit is not None and hit.kind != "along":
        return  # told by `taken_apart`
    name = str(found.facts.get("name") or "")
    nodes: list[ast.expr] = [n.value for n in on_line(case, ast.Attribute) if n.attr == name] if name else []
    if not nodes:
        nodes = [n for n in on_line(case, ast.Name) if isinstance(n.ctx, ast.Load)]
    for node in nodes:
        made = case.source.assigned(dotted(node), node) if dotted(node) else node
        is_callee = isinstance(parent := case.source.parents.get(node), ast.Call) and parent.func is node
        is_tensor = (
            isinstance(node, ast.Name) and tensor_named(case, node.id) is not None and "return_types" not in message
        )
        if not isinstance(made, ast.Call) or is_callee or is_tensor:
            continue
        if called(made) in ("max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax"):
            for part, said in (
                ("values", N_("Take the values: `{text}.values`")),
                ("indices", N_("Take the places: `{text}.indices`")),
            ):
                yield maybe(said, case.source.append(node, f".{part}"), text=case.source.base(node))
            return
        if "tuple" in message and called(made) not in ("tensor", "zeros", "tuple", "zip", "print", "size", "list"):
            where = case.source.statement_of(made)
            if isinstance(where, ast.Assign) and where.value is made and isinstance(where.targets[0], ast.Name):
                text = f"{where.targets[0].id}, _"
                yield maybe(
                    N_("Take the output only: `{text} = {call}`"),
                    [case.source.replace(where.targets[0], text)],
                    text=text,
                    call=shortened(case.source.text_of(made)),
                )
                yield maybe(
                    N_("Take the first of the values: `{text}[0]`"),
                    case.source.append(made, "[0]"),
                    text=shortened(case.source.text_of(made)),
                )
                return


_NUMBER_ALREADY = frozenset({"item", "detach", "cpu", "numpy", "tolist", "clone"})


@remedy("GL802", leads=True)
def tensor_of_it(case: Case, found: Found) -> Iterator[Fix]:
    """A list that is asked for what tensors have; a tensor that is asked for what lists have."""
    name, owner = str(found.facts.get("name") or ""), str(found.facts.get("owner") or "")
    uses = [n for n in on_line(case, ast.Attribute) if n.attr == name]
    if not uses:
        return
    node = uses[0].value
    made = case.source.assigned(dotted(node), node) if dotted(node) else node
    call = case.source.parents.get(uses[0])
    if owner in ("float", "int", "bool") and name in _NUMBER_ALREADY and isinstance(call, ast.Call) and not call.args:
        found.words["deed"] = words.code(f".{name}()")
        found.fix = N_("It is a plain number already: leave out {deed}.")
        yield maybe(
            N_("Leave out {deed}: it is a plain number already"),
            [without_call(case, call)],
            deed=words.code(f".{name}()"),
        )
        return
    if owner in ("list", "tuple", "float", "int") and _tensors_have(name):
        is_written = isinstance(made, ast.Constant | ast.Tuple) or (isinstance(made, ast.List) and bool(made.elts))
        target = made if is_written and made is not None else node
        is_of_tensors = isinstance(made, ast.ListComp) or (isinstance(made, ast.List) and not made.elts)
        is_of_tensors |= isinstance(made, ast.List) and any(isinstance(e, ast.Call | ast.Name) for e in made.elts)
        maker = "stack" if is_of_tensors and not _holds_numbers(case, dotted(node)) else "tensor"
        text = f"torch.{maker}({case.source.text_of(target if maker == 'tensor' else node)})"
        yield maybe(
            N_("Make a tensor of it: `{text}`"),
            [case.source.replace(target if maker == "tensor" else node, text)],
            text=shortened(text),
        )
    elif owner == "bool" and _tensors_have(name):
        for compare in on_line(case, ast.Compare):
            for side in (compare.left, *compare.comparators):
                value = case.source.assigned(dotted(side), side) if dotted(side) else side
                if isinstance(value, ast.List | ast.ListComp):
                    text = f"torch.tensor({case.source.text_of(side)})"
                    yield maybe(
                        N_("Make a tensor of it: `{text}`"), [case.source.replace(side, text)], text=shortened(text)
                    )
    elif owner in ("Tensor", "float") and name in ("zero_grad", "step"):
        yield from _optimizer_instead(case, uses[0])
    elif owner in ("ndarray", "numpy.ndarray") and _tensors_have(name):
        text = f"torch.from_numpy({case.source.text_of(node)})"
        yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(node, text)], text=shortened(text))
    elif owner == "Tensor" and name in ("append", "extend"):
        where = statement(case)
        call = case.source.parents.get(uses[0])
        if (
            isinstance(where, ast.Expr)
            and isinstance(call, ast.Call)
            and where.value is call
            and call.args
            and dotted(node)
        ):
            value = case.source.text_of(call.args[0])
            tensor = tensor_named(case, dotted(call.args[0]))
            item = (
                f"{value}.reshape(1)"
                if tensor is not None and not tensor.shape
                else (value if tensor else f"torch.tensor([{value}])")
            )
            text = f"{dotted(node)} = torch.cat([{dotted(node)}, {item}])"
            yield maybe(N_("Join it to the end: `{text}`"), [case.source.replace(where, text)], text=text)
            if made is not None and isinstance(made, ast.Call) and called(made) in ("tensor", "zeros", "empty"):
                yield maybe(
                    N_("Collect in a list: `{name} = []`"), [case.source.replace(made, "[]")], name=dotted(node)
                )
    elif name in ("cuda", "to", "cpu") and owner in ("list", "tuple", "dict", "int", "float"):
        call = case.source.parents.get(uses[0])
        if isinstance(call, ast.Call):
            yield maybe(
                N_("Leave out `.{name}()`: only tensors and modules are moved"), [without_call(case, call)], name=name
            )


def _holds_numbers(case: Case, name: str) -> bool:
    """Whether a list was filled with plain numbers: `losses.append(loss.item())`."""
    items = [
        c.args[0]
        for c in case.source.calls()
        if called(c) == "append" and isinstance(c.func, ast.Attribute) and dotted(c.func.value) == name and c.args
    ]
    return bool(items) and all(
        isinstance(i, ast.Constant)
        or called(i) in ("item", "float", "int", "len", "random", "uniform", "randint")
        or (isinstance(i, ast.BinOp) and any(called(n) in ("item", "float", "len") for n in (i.left, i.right)))
        for i in items
    )


def _optimizer_instead(case: Case, use: ast.Attribute) -> Iterator[Fix]:
    """`loss.step()`: the optimizer takes the step, and it or the model clears the gradients."""
    for name in visible(case, use):
        made = case.source.assigned(name, use)
        kind = called(made)
        cls = case.source.class_of(kind)
        is_model = kind in _members_of_nn() or (
            cls is not None and any(dotted(b).endswith("Module") for b in cls.bases)
        )
        if kind in ("SGD", "Adam", "AdamW", "RMSprop") or (is_model and use.attr == "zero_grad"):
            yield maybe(
                N_("Ask {name} for it: `{text}`"),
                [case.source.replace(use.value, name)],
                name=words.code(name),
                text=f"{name}.{use.attr}()",
            )


def _members_of_nn() -> set[str]:
    return {"Linear", "Sequential", "Conv2d", "LSTM", "GRU", "RNN", "Embedding", "ModuleList"}


def _tensors_have(name: str) -> bool:
    from graphlab.engine.tensor import Tensor

    return hasattr(Tensor, name)


@remedy("GL814", leads=True)
def used_as_it_is(case: Case, found: Found) -> Iterator[Fix]:
    """A tensor called, a number indexed or gone through, a tuple or text changed."""
    message = message_of(case)
    type_ = str(found.facts.get("type_of_object") or "")
    if "not callable" in message and type_ not in ("int", "float", "NoneType", "str", "module"):
        for call in on_line(case, ast.Call):
            name = dotted(call.func)
            is_own = tensor_named(case, name) is not None or case.source.assigned(name, call) is not None
            if is_own and len(call.args) == 1 and not call.keywords:
                text = f"{case.source.base(call.func)}[{case.source.text_of(call.args[0])}]"
                yield maybe(N_("Index it: `{new}`"), [case.source.replace(call, text)], new=text)
            elif isinstance(call.func, ast.Attribute) and call.func.attr in (
                "shape",
                "dtype",
                "grad",
                "data",
                "T",
                "device",
            ):
                text = case.source.text_of(call.func)
                if not call.args:
                    yield maybe(N_("Read it without brackets: `{text}`"), [case.source.replace(call, text)], text=text)
    if "not subscriptable" in message:
        is_method = any(w in type_ for w in ("function", "method"))
        for node in on_line(case, ast.Subscript):
            text = case.source.text_of(node.value)
            if is_method:
                new = f"{text}({case.source.text_of(node.slice)})"
                yield maybe(
                    N_("Call it with round brackets: `{text}`"), [case.source.replace(node, new)], text=shortened(new)
                )
            elif type_ in ("int", "float") and dotted(node.value):
                yield maybe(N_("Use the number as it is: `{text}`"), [case.source.replace(node, text)], text=text)
    if "0-d tensor" in message or "iteration over a 0-d" in message:
        for node in [
            n.iter
            for n in case.source.nodes
            if isinstance(n, ast.For | ast.comprehension) and n.iter.lineno == case.line
        ]:
            yield maybe(
                N_("Give it an axis: `{text}.reshape(-1)`"),
                case.source.append(node, ".reshape(-1)"),
                text=case.source.base(node),
            )
            yield maybe(
                N_("To repeat something that often: `{text}`"),
                [case.source.replace(node, f"range(int({case.source.text_of(node)}))")],
                text=f"range(int({shortened(case.source.text_of(node))}))",
            )
        for call in on_line(case, ast.Call):
            if called(call) == "len" and len(call.args) == 1:
                text = f"{case.source.base(call.args[0])}.numel()"
                yield maybe(N_("Count the numbers: `{text}`"), [case.source.replace(call, text)], text=text)
    if "does not support item assignment" in message:
        yield from _changed(case, type_)
    if "is not iterable" in message and type_ not in ("int", "float", "NoneType"):
        yield from _gone_through(case, type_)


def _changed(case: Case, type_: str) -> Iterator[Fix]:
    where = statement(case)
    target = where.targets[0] if isinstance(where, ast.Assign) else getattr(where, "target", None)
    if where is None or not isinstance(target, ast.Subscript) or not dotted(target.value):
        return
    name = dotted(target.value)
    if type_ in ("tuple", "torch.Size", "Size", "range"):
        text = f"{name} = list({name})"
        yield maybe(N_("Make a list of it first: `{text}`"), [case.source.line_before(where, text)], text=text)
    elif type_ == "str" and isinstance(where, ast.Assign):
        at, value = case.source.text_of(target.slice), case.source.text_of(where.value)
        if integer(target.slice) is not None and (integer(target.slice) or 0) >= 0:
            text = f"{name} = {name}[:{at}] + {value} + {name}[{integer(target.slice)} + 1:]"
            yield maybe(N_("Build a new text: `{text}`"), [case.source.replace(where, text)], text=text)


def _gone_through(case: Case, type_: str) -> Iterator[Fix]:
    for node in [
        n.iter for n in case.source.nodes if isinstance(n, ast.For | ast.comprehension) and n.iter.lineno == case.line
    ]:
        text = case.source.text_of(node)
        if any(w in type_ for w in ("method", "function")):
            yield maybe(N_("Add the brackets that call it: `{text}`"), case.source.append(node, "()"), text=f"{text}()")
        elif isinstance(node, ast.Name) and case.source.class_of(type_) is not None:
            yield maybe(
                N_("Go through its layers: `{text}.children()`"), case.source.append(node, ".children()"), text=text
            )


def _for_channels(case: Case, node: ast.BinOp, side: ast.expr, made: ast.expr) -> str:
    """What brings a list with one number for each channel of the other side to its axis."""
    other = node.left if side is node.right else node.right
    shape = shape_named(case, dotted(other)) or []
    n = len(made.elts) if isinstance(made, ast.List) else 0
    if n and len(shape) > 2 and shape[-1] != n and shape[-3] == n:
        return ".view(-1, 1, 1)"
    return ""


@remedy("GL811", leads=True)
def sides_converted(case: Case, found: Found) -> Iterator[Fix]:
    """Lists, texts and numbers between `+`, `-`, `*` and tensors."""
    a, b = (str(found.words.get(k) or "").strip("`") for k in ("a", "b"))
    kinds = {a, b}
    if kinds & {"list", "tuple"} and "NoneType" not in kinds:
        for node in on_line(case, ast.BinOp):
            for side in (node.left, node.right):
                made = case.source.assigned(dotted(side), side) if dotted(side) else side
                if isinstance(made, ast.List | ast.ListComp) and (not isinstance(made, ast.List) or made.elts):
                    text = f"torch.tensor({case.source.text_of(side)}){_for_channels(case, node, side, made)}"
                    yield maybe(
                        N_("Make a tensor of it: `{text}`"), [case.source.replace(side, text)], text=shortened(text)
                    )
    if "str" in kinds and "concatenate" in message_of(case):
        for node in on_line(case, ast.BinOp):
            for side in (node.right, node.left):
                made = case.source.assigned(dotted(side), side) if dotted(side) else None
                is_text = isinstance(made, ast.Constant) and isinstance(made.value, str)
                if isinstance(side, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and not is_text:
                    text = f"str({case.source.text_of(side)})"
                    yield maybe(N_("Turn it into text: `{text}`"), [case.source.replace(side, text)], text=text)
    if "str" in kinds and kinds & {"int", "float"}:
        for node in on_line(case, ast.BinOp, ast.Compare):
            sides = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.left, *node.comparators]
            for side in sides:
                made = case.source.assigned(dotted(side), side) if dotted(side) else side
                if (
                    isinstance(made, ast.Constant)
                    and isinstance(made.value, str)
                    and re.fullmatch(r"-?\d+(\.\d+)?", made.value)
                ):
                    name = "float" if "." in made.value else "int"
                    text = f"{name}({case.source.text_of(side)})"
                    yield maybe(
                        N_("Turn the text into a number: `{text}`"), [case.source.replace(side, text)], text=text
                    )
