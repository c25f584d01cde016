"""Slips in the learner's own classes: `__init__` misspelt, `self.` forgotten, a comma too many, old functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import enclosing, line_after, maybe, on_line, remedy
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_INIT = re.compile(r"_*(?:init|int|inti|ini|intit|initt|initialize|initialise)_*", re.IGNORECASE)


def _method(cls: ast.ClassDef | None, name: str) -> ast.FunctionDef | None:
    body = cls.body if cls is not None else []
    return next((f for f in body if isinstance(f, ast.FunctionDef) and f.name == name), None)


@remedy("GL802", "GL809", "GL704", is_cause=True)
def constructor_misspelt(case: Case, found: Found) -> Iterator[Fix]:
    """`def _init_(self)`: an ordinary method, which nobody calls."""
    owner = str(found.facts.get("owner") or "")
    named = re.match(r"(?:[\w<>]+\.)*?(\w+)(?:\.__init__)?\(\) takes", message_of(case))
    cls = case.source.class_of(owner or (named.group(1) if named is not None else ""))
    if cls is None or _method(cls, "__init__") is not None:
        return
    methods = [f for f in cls.body if isinstance(f, ast.FunctionDef) and _INIT.fullmatch(f.name)]
    if len(methods) != 1:
        return
    method = methods[0]
    column = case.source.lines[method.lineno - 1].find(method.name, method.col_offset)
    found.facts["cause"] = "constructor"
    found.words.update(cls=words.code(cls.name), method=words.code(method.name), at=method.lineno)
    found.what = N_("{cls} has a method {method} and no `__init__`, so nothing ran when the object was made.")
    found.why = N_("Python calls `__init__`, with two underscores on each side, when an object is made; no other name.")
    found.fix = N_("Write `__init__` on line {at}.")
    yield maybe(
        N_("Name the method on line {line} `__init__`"),
        [Edit(method.lineno, column, method.lineno, column + len(method.name), "__init__")],
        line=method.lineno,
    )


@remedy("GL802", is_cause=True)
def self_left_out(case: Case, found: Found) -> Iterator[Fix]:
    """`fc2 = nn.Linear(8, 2)` in `__init__`: a variable that is gone when the constructor ends."""
    name, owner = str(found.facts.get("name") or ""), str(found.facts.get("owner") or "")
    cls = case.source.class_of(owner)
    for method in [f for f in cls.body if isinstance(f, ast.FunctionDef)] if cls is not None else []:
        uses = [n for n in ast.walk(method) if isinstance(n, ast.Name) and n.id == name]
        stores = [n for n in uses if isinstance(n.ctx, ast.Store)]
        arguments = method.args.args
        if not stores or not arguments or arguments[0].arg != "self":
            continue
        line = stores[0].lineno
        found.facts["cause"] = "self"
        found.words.update(method=words.code(method.name), at=line, cls=words.code(owner))
        found.what = N_(
            "Line {at} keeps {name} in a variable of {method}, not in the object, so {cls} doesn't have it."
        )
        found.why = N_("A variable of a method is gone when the method ends; what is to stay belongs to `self`.")
        found.fix = N_("Write `self.` before {name} on line {at}.")
        yield maybe(
            N_("Keep it in the object: `self.{name}` on line {line}"),
            [case.source.insert_at(n.lineno, case.source.place(n)[1], "self.") for n in uses],
            name=name,
            line=line,
        )
        return


@remedy("GL801", is_cause=True)
def argument_of_constructor(case: Case, found: Found) -> Iterator[Fix]:
    """`hidden` in `forward`, which only `__init__` was given: keep it in `self`."""
    name = str(found.facts.get("name") or "")
    uses = [n for n in on_line(case, ast.Name) if n.id == name and isinstance(n.ctx, ast.Load)]
    cls = next(enclosing(case, uses[0], ast.ClassDef), None) if uses else None
    constructor = _method(cls, "__init__")
    if constructor is None or name not in {a.arg for a in [*constructor.args.args, *constructor.args.kwonlyargs]}:
        return
    within = next(enclosing(case, uses[0], ast.FunctionDef), None)
    is_kept = any(
        isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and dotted(n) == f"self.{name}"
        for n in ast.walk(constructor)
    )
    if within is None or within is constructor or is_kept:
        return
    found.words["method"] = words.code(within.name)
    found.what = N_("{method} uses {name}, which is an argument of `__init__` and known only there.")
    found.why = N_("The arguments of a function are gone when it ends; what other methods need is kept in `self`.")
    found.fix = N_("Keep it in `__init__` with `self.{plain} = {plain}`, and write `self.{plain}` here.")
    found.words["plain"] = name
    everywhere = [n for n in ast.walk(within) if isinstance(n, ast.Name) and n.id == name]
    if any(isinstance(n.ctx, ast.Store) for n in everywhere):
        return
    text = f"self.{name} = {name}"
    first = constructor.body[0]
    begins = [s for s in constructor.body if isinstance(s, ast.Expr) and "super()" in case.source.text_of(s)]
    edit = line_after(case, begins[0], text) if begins else case.source.line_before(first, text)
    edits = [edit, *(case.source.insert_at(n.lineno, case.source.place(n)[1], "self.") for n in everywhere)]
    yield maybe(
        N_("Keep it in the object: `{text}` in `__init__`, and `self.{name}` here"), edits, text=text, name=name
    )


@remedy("GL814", "GL802", "GL811", "GL131", "GL703", is_cause=True)
def comma_at_the_end(case: Case, found: Found) -> Iterator[Fix]:
    """`self.fc1 = nn.Linear(4, 8),`: the comma makes a tuple of it."""
    if "tuple" not in message_of(case):
        return
    for node in [*on_line(case, ast.Attribute), *on_line(case, ast.Name)]:
        made = case.source.assigned(dotted(node), node) if dotted(node) else None
        if not isinstance(made, ast.Tuple) or len(made.elts) != 1:
            continue
        _, _, line, column = case.source.place(made.elts[0])
        _, _, end_line, end_column = case.source.place(made)
        text = case.source.text_of(made)
        if text.startswith("(") or not text.endswith(","):
            continue
        found.words.update(node=words.code(dotted(node)), at=end_line)
        found.facts["cause"] = "comma"
        found.what = N_("{node} is a tuple, because line {at} ends with a comma.")
        found.why = N_("In Python the comma makes the tuple, brackets or not: `x = 3,` is `x = (3,)`.")
        found.fix = N_("Take the comma at the end of line {at} away.")
        yield maybe(
            N_("Take the comma at the end of line {line} away"),
            [Edit(line, column, end_line, end_column, "")],
            line=end_line,
        )
        return


@remedy("GL802", "GL811", "GL131", "GL814", is_cause=True)
def saved_in_a_tuple(case: Case, found: Found) -> Iterator[Fix]:
    """`x = ctx.saved_tensors`: always a tuple, of one tensor as well."""
    if "tuple" not in message_of(case):
        return
    for node in on_line(case, ast.Name):
        made = case.source.assigned(node.id, node)
        where = case.source.statement_of(made)
        if isinstance(made, ast.Attribute) and made.attr == "saved_tensors" and isinstance(where, ast.Assign):
            found.words.update(node=words.code(node.id), at=where.lineno)
            found.what = N_("{node} is the whole tuple of saved tensors, set on line {at}.")
            found.why = N_("`ctx.saved_tensors` is a tuple, of one tensor as well.")
            found.fix = N_("Unpack it on line {at}: `{plain}, = ctx.saved_tensors`.")
            found.words["plain"] = node.id
            yield maybe(
                N_("Unpack the tuple: `{name}, = ctx.saved_tensors`"),
                [case.source.replace(where.targets[0], f"{node.id},")],
                name=node.id,
            )
            return


@remedy("GL802", is_cause=True)
def report_of_loading(case: Case, found: Found) -> Iterator[Fix]:
    """`model = model.load_state_dict(…)`: what it returns is a report, not the model."""
    if found.facts.get("owner") != "_IncompatibleKeys":
        return
    for node in on_line(case, ast.Attribute):
        made = case.source.assigned(dotted(node.value), node) if dotted(node.value) else None
        where = case.source.statement_of(made)
        if not (isinstance(where, ast.Assign) and isinstance(made, ast.Call) and called(made) == "load_state_dict"):
            continue
        function = made.func
        if not isinstance(function, ast.Attribute) or where.value is not made:
            continue
        target, owner = case.source.text_of(where.targets[0]), case.source.text_of(function.value)
        found.words.update(target=words.code(target), at=where.lineno)
        found.what = N_("{target} isn't the model any more: line {at} put the report of `load_state_dict` there.")
        found.why = N_(
            "`load_state_dict` fills the model in place and returns only which names were missing or unexpected."
        )
        found.fix = N_("Call it on a line of its own, without assigning what it returns.")
        line, column, _, _ = case.source.place(where)
        begin = case.source.lines[line - 1][:column]
        text = case.source.text_of(made)
        if owner != target:
            arguments = text[len(case.source.text_of(function)) :]
            text = f"{target} = {owner}\n{begin}{target}.load_state_dict{arguments}"
        yield maybe(
            N_("Load into the model without assigning: `{text}`"),
            [case.source.replace(where, text)],
            text=text.replace(f"\n{begin}", "; "),
        )
        return


@remedy("GL316", is_cause=True)
def made_static(case: Case, found: Found) -> Iterator[Fix]:
    """An old autograd function: its methods static, and called by `apply`."""
    name = str(case.facts.get("name") or "")
    cls = case.source.class_of(name)
    if cls is None:
        return
    edits: list[Edit] = []
    for method in cls.body:
        is_step = isinstance(method, ast.FunctionDef) and method.name in ("forward", "backward")
        if isinstance(method, ast.FunctionDef) and is_step and not method.decorator_list:
            edits.append(case.source.line_before(method, "@staticmethod"))
    for call in case.source.calls():
        if called(call) == name and not call.args:
            edits.append(case.source.replace(call, f"{case.source.text_of(call.func)}.apply"))
    yield maybe(N_("Make its methods static, and call `{name}.apply(…)`"), edits, name=name)
