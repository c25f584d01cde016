"""Keys, places in lists, and as many names as there are values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.names import nearest
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.arrangement import loops_one_less
from graphlab.explain.remedies.kit import (
    enclosing,
    maybe,
    on_line,
    remedy,
    shape_named,
    statement,
)
from graphlab.explain.source import called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix


@remedy("GL808", leads=True)
def key_nearest(case: Case, found: Found) -> Iterator[Fix]:
    """A key spelled like one that is there; `.get` with a value for the others."""
    key = str(found.words.get("text") or "")
    for node in on_line(case, ast.Subscript):
        made = case.source.assigned(dotted(node.value), node.value) if dotted(node.value) else None
        keys: list[object] = []
        if isinstance(made, ast.Dict):
            keys = [k.value for k in made.keys if isinstance(k, ast.Constant)]
        elif isinstance(made, ast.Call) and called(made) == "dict":
            keys = [k.arg for k in made.keywords if k.arg]
        else:  # a batch of a data set, an entry of another dictionary: the keys that the program writes anywhere
            keys = [
                k.value
                for n in case.source.nodes
                if isinstance(n, ast.Dict)
                for k in n.keys
                if isinstance(k, ast.Constant) and isinstance(k.value, str)
            ]
        if isinstance(node.slice, ast.Constant) and repr(node.slice.value) == key:
            value = node.slice.value
            texts = [k for k in keys if isinstance(k, str)]
            near: list[object] = []
            if isinstance(value, str):
                near += nearest(value, texts)
            if texts and isinstance(made, ast.Dict):
                found.words["keys"] = words.listing(words.code(repr(k)) for k in texts[:8])
                found.fix = N_("The keys that are there: {keys}.")
            near = near or [k for k in keys if str(k) == str(value) and k != value]
            if not near and len(texts) == 1:
                near += texts
            for each in near[:2]:
                yield maybe(
                    N_("Use the key that is there: {key}"),
                    [case.source.replace(node.slice, repr(each) if not isinstance(each, str) else f'"{each}"')],
                    key=words.code(repr(each)),
                )
        owner, text_of = case.source.text_of(node.value), case.source.text_of(node.slice)
        parent = case.source.parents.get(node)
        where = statement(case)
        if isinstance(parent, ast.Attribute) and parent.attr in ("append", "extend"):
            text = f"{owner}.setdefault({text_of}, [])"
            yield maybe(
                N_("Begin with an empty list where the key is missing: `{text}`"),
                [case.source.replace(node, text)],
                text=text,
            )
            continue
        if isinstance(where, ast.AugAssign) and where.target is node and isinstance(where.op, ast.Add):
            text = f"{owner}[{text_of}] = {owner}.get({text_of}, 0) + {case.source.base(where.value)}"
            yield maybe(
                N_("Begin with 0 where the key is missing: `{text}`"), [case.source.replace(where, text)], text=text
            )
            continue
        if isinstance(node.ctx, ast.Load) and (isinstance(made, ast.Dict | ast.DictComp) or called(made) == "dict"):
            is_number = isinstance(made, ast.DictComp) or all(
                isinstance(v, ast.Constant) and not isinstance(v.value, str)
                for v in (made.values if isinstance(made, ast.Dict) else [])
            )
            default = "0" if is_number else '""'
            text = f"{case.source.text_of(node.value)}.get({case.source.text_of(node.slice)}, {default})"
            yield maybe(
                N_("Take {default} for a key that is missing: `{text}`"),
                [case.source.replace(node, text)],
                default=default,
                text=text,
            )


@remedy("GL810", leads=True)
def index_in_list(case: Case, found: Found) -> Iterator[Fix]:
    """A loop that ends earlier, the last entry."""
    yield from loops_one_less(case)
    yield from samples_ahead(case)
    for node in on_line(case, ast.Subscript):
        made = case.source.assigned(dotted(node.value), node.value) if dotted(node.value) else None
        index = integer(node.slice)
        if index is not None and index >= 0 and isinstance(node.ctx, ast.Load):
            n = len(made.elts) if isinstance(made, ast.List | ast.Tuple) else None
            if n is None or index >= n > 0:
                yield maybe(
                    N_("Take the last entry: `{text}`"),
                    [case.source.replace(node.slice, "-1")],
                    text=f"{case.source.text_of(node.value)}[-1]",
                )
        elif isinstance(node.ctx, ast.Store) and isinstance(made, ast.List) and not made.elts:
            where = statement(case)
            if isinstance(where, ast.Assign):
                text = f"{case.source.text_of(node.value)}.append({case.source.text_of(where.value)})"
                yield maybe(N_("Put it at the end: `{text}`"), [case.source.replace(where, text)], text=text)


def samples_ahead(case: Case) -> Iterator[Fix]:
    """A data set whose `__getitem__` looks at `i + 1`: it has one sample less."""
    getter = next(enclosing(case, case.expression, ast.FunctionDef), None)
    cls = case.source.parents.get(getter) if getter is not None else None
    if getter is None or getter.name != "__getitem__" or not isinstance(cls, ast.ClassDef):
        return
    ahead = [
        n.slice
        for n in on_line(case, ast.Subscript)
        if isinstance(n.slice, ast.BinOp) and isinstance(n.slice.op, ast.Add)
    ]
    length = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__len__"), None)
    for item in ast.walk(length) if ahead and length is not None else []:
        if isinstance(item, ast.Return) and item.value is not None:
            text = f"{case.source.text_of(item.value)} - {case.source.text_of(ahead[0].right)}"
            yield maybe(
                N_("Stop before the end, because line {line} looks ahead: `{text}`"),
                [case.source.replace(item.value, text)],
                line=case.line,
                text=text,
            )


@remedy("GL812")
def names_for_values(case: Case, found: Found) -> Iterator[Fix]:
    """As many names as there are values: a `_` for what isn't used, or what isn't there left out."""
    message = message_of(case)
    counts = re.search(r"\(expected (?:at least )?(\d+)(?:, got (\d+))?\)", message)
    if counts is None:
        return
    wanted = int(counts.group(1))
    got = int(counts.group(2)) if counts.group(2) else _values_given(case)
    target = _unpacked_target(case)
    if target is None or len(target.elts) != wanted:
        return
    names = [case.source.text_of(e) for e in target.elts]
    value = _unpacked_value(case, target)
    if got is None and "too many" in message:
        text = ", ".join([*names, "*_"])
        yield maybe(N_("Let `*_` take the other values: `{text}`"), [_retargeted(case, target, text)], text=text)
    elif got is not None and got > wanted:
        extra = ["_"] * (got - wanted)
        for text in (", ".join([*names, *extra]), ", ".join([*extra, *names])):
            yield maybe(
                N_("Write a name for each of the {n} values: `{text}`"),
                [_retargeted(case, target, text)],
                n=got,
                text=text,
            )
    elif got is not None and got < wanted:
        used = {n.id for n in case.source.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        free = [at for at, name in enumerate(names) if name not in used]
        drop = set(free[: wanted - got])
        if len(drop) == wanted - got and got > 0:
            kept = [name for at, name in enumerate(names) if at not in drop]
            text = ", ".join(kept) + ("," if len(kept) == 1 else "")
            yield maybe(
                N_("Write a name for each of the {n} values: `{text}`"),
                [_retargeted(case, target, text)],
                n=got,
                text=text,
            )
        elif got == 1 and isinstance(value, ast.expr):
            is_loop = isinstance(case.source.parents.get(target), ast.For)
            text = f"({names[0]},)" if is_loop else f"{names[0]},"
            yield maybe(
                N_("Write a name for each of the {n} values: `{text}`"),
                [_retargeted(case, target, text)],
                n=1,
                text=text,
            )
        if isinstance(value, ast.Attribute) and value.attr == "shape" and got == wanted - 1:
            yield from _axis_added(case, value)


def _values_given(case: Case) -> int | None:
    target = _unpacked_target(case)
    value = _unpacked_value(case, target) if target is not None else None
    if isinstance(value, ast.List | ast.Tuple) and value.elts:
        if isinstance(case.source.parents.get(target) if target is not None else None, ast.For | ast.comprehension):
            first = value.elts[0]
            return len(first.elts) if isinstance(first, ast.Tuple | ast.List) else None
        return len(value.elts)
    if isinstance(value, ast.Attribute) and value.attr == "shape":
        shape = shape_named(case, dotted(value.value))
        return len(shape) if shape else None
    return None


def _unpacked_target(case: Case) -> ast.Tuple | ast.List | None:
    for node in case.source.nodes:
        if isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Store) and node.lineno == case.line:
            return node
    return None


def _unpacked_value(case: Case, target: ast.expr) -> ast.expr | None:
    parent = case.source.parents.get(target)
    if isinstance(parent, ast.For | ast.comprehension):
        return parent.iter
    return parent.value if isinstance(parent, ast.Assign) else None


def _retargeted(case: Case, target: ast.Tuple | ast.List, text: str) -> Edit:
    old = case.source.text_of(target)
    is_bracketed = old.startswith(("(", "["))
    return case.source.replace(target, f"({text})" if is_bracketed and not text.startswith("(") else text)


def _axis_added(case: Case, value: ast.Attribute) -> Iterator[Fix]:
    """`B, T, C = x.shape` of a matrix: a batch of one where the function is called."""
    function = next(enclosing(case, value, ast.FunctionDef), None)
    where = statement(case)
    name = dotted(value.value)
    if function is not None and where is not None and name in {a.arg for a in function.args.args}:
        text = f"{name} = {name}.unsqueeze(0)"
        yield maybe(N_("Make a batch of one of it: `{text}`"), [case.source.line_before(where, text)], text=text)
