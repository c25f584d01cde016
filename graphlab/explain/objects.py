"""Plain Python errors about what an object can do: unpack, call, index, walk through, convert, assert."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.arguments import whole_division
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix


def message_of(case: Case) -> str:
    """The message, from the failure or a pasted text."""
    return " ".join((case.message or str(case.facts.get("message", ""))).split())


def type_of(case: Case) -> str:
    """The exception's type, from the failure or a pasted text."""
    return case.type or str(case.facts.get("type") or "")


@diagnosis(
    "GL812",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900", "GL814"),
    title=N_("{n} names for {got} values"),
    what=N_("Line {line} takes a value apart into {n} names, and it has {got} parts."),
    why=N_("`a, b = value` needs exactly as many names on the left as there are parts on the right."),
    fix=N_("Print the value or its `shape` before this line, and write as many names as it has parts."),
    example={"type": "ValueError", "message": "not enough values to unpack (expected 3, got 2)"},
    program="""import torch
rows, columns, depth = torch.zeros(4, 8).shape
""",
    mended="""import torch
rows, columns = torch.zeros(4, 8).shape
""",
)
def unpacking(case: Case) -> Found | None:
    """Too many or not enough values to unpack."""
    message = message_of(case)
    counts = re.match(
        r"(?:not enough|too many) values to unpack \(expected (?:at least )?(\d+)(?:, got (\d+))?\)", message
    )
    nothing = re.match(r"cannot unpack non-iterable ([\w.]+) object", message)
    if nothing is not None:
        got = nothing.group(1)
        found = Found({"got": words.code(got), "line": case.line})
        found.title = N_("{got} can't be taken apart")
        found.what = N_("Line {line} takes a value apart into several names, but it is one single {got}.")
        found.why = N_("Only what holds several values, such as a tuple or a list, can be taken apart.")
        found.fix = N_("Look at what stands on the right: how many values does it give?")
        if got == "NoneType":
            function = _function_called(case)
            found.words["got"] = _("nothing (NoneType)")
            found.words["function"] = words.code(f"{function}()") if function else _("the function")
            found.what = N_("Line {line} takes the result of {function} apart, but it gives nothing back.")
            found.fix = N_("Add a `return` with the values at the end of {function}.")
            _add_return(case, found, function)
        if not case.line:
            found.what = N_("A value is taken apart into several names, but it is one single {got}.")
        return found
    if counts is None:
        return None
    n, got = counts.group(1), counts.group(2) or _("more")
    found = Found({"n": n, "got": got, "line": case.line}, {"expected": int(n)})
    if not case.line:
        found.what = N_("A value is taken apart into {n} names, and it has {got} parts.")
    statement = _unpacking_statement(case)
    value = statement.value if isinstance(statement, ast.Assign) else statement.iter if statement is not None else None
    if isinstance(value, ast.Attribute) and value.attr == "shape":
        text = case.source.text_of(value.value)
        found.words["x"] = words.code(text)
        found.what = N_("Line {line} gives {n} names to the shape of {x}, which has {got} axes.")
        found.fix = N_("Check the shape of {x}: is a batch or a feature axis missing, or one too many?")
    elif isinstance(value, ast.Call) and called(value) in ("chunk", "split", "unbind"):
        found.fix = N_("Ask for {n} pieces, or write {got} names on the left.")
        _chunks(case, value, int(n), found)
    elif isinstance(statement, ast.Assign) and isinstance(value, ast.Call) and _states_apart(case, statement, found):
        pass
    elif isinstance(value, ast.Name | ast.Call) and isinstance(statement, ast.For):
        found.fix = N_("Each turn of the loop gives {got} values; write that many names after `for`.")
        if got == "1" and isinstance(statement.target, ast.Tuple) and len(statement.target.elts) == 2:
            first = case.source.text_of(statement.target.elts[0])
            title = words.fill(N_("Take the one value: `for ({first},) in …`"), {"first": first})
            names = {x.id for x in ast.walk(statement.target) if isinstance(x, ast.Name)} - {first}
            is_used = any(isinstance(x, ast.Name) and x.id in names for b in statement.body for x in ast.walk(b))
            if not is_used:
                found.fixes.append(Fix(title, "maybe", [case.source.replace(statement.target, f"({first},)")]))
    return found


def _states_apart(case: Case, statement: ast.Assign, found: Found) -> bool:
    """`out, h, c = lstm(x)`: an LSTM gives its output and one pair of states."""
    kind = (
        called(case.source.assigned(dotted(statement.value.func), statement))
        if isinstance(statement.value, ast.Call)
        else ""
    )
    target = statement.targets[0]
    if kind != "LSTM" or not isinstance(target, ast.Tuple) or len(target.elts) != 3:
        return False
    names = [case.source.text_of(e) for e in target.elts]
    text = f"{names[0]}, ({names[1]}, {names[2]})"
    found.words.update(call=words.code(" ".join(case.source.text_of(statement.value).split())[:40]), text=text)
    found.what = N_("Line {line} gives {n} names to what {call} gives: two values, the output and a pair of states.")
    found.why = N_("An LSTM returns `output, (h, c)`: one vector for each step, and the two states after the last.")
    found.fix = N_("Put the names of the two states into brackets: `{text}`.")
    title = words.fill(N_("Put the states into brackets: `{text}`"), {"text": text})
    found.fixes.append(Fix(title, "maybe", [case.source.replace(target, text)]))
    return True


def _chunks(case: Case, call: ast.Call, n: int, found: Found) -> None:
    if called(call) == "chunk" and call.args:
        is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
        node = call.args[1] if is_function and len(call.args) > 1 else call.args[0]
        if isinstance(node, ast.Constant):
            title = words.fill(N_("Cut it into {n} pieces"), {"n": n})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(node, str(n))]))


def _unpacking_statement(case: Case) -> ast.Assign | ast.For | None:
    for node in case.source.nodes:
        if (
            isinstance(node, ast.Assign)
            and node.lineno == case.line
            and isinstance(node.targets[0], ast.Tuple | ast.List)
        ):
            return node
        if isinstance(node, ast.For) and node.lineno == case.line and isinstance(node.target, ast.Tuple | ast.List):
            return node
    return None


def _function_called(case: Case) -> str:
    statement = _unpacking_statement(case)
    value = statement.value if isinstance(statement, ast.Assign) else None
    return called(value) if isinstance(value, ast.Call) else ""


def _add_return(case: Case, found: Found, name: str) -> None:
    """`return` of the last assignment, where a function ends with one."""
    function = next((n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == name), None)
    last = function.body[-1] if function is not None else None
    if isinstance(last, ast.Assign) and not any(isinstance(n, ast.Return) for n in ast.walk(function or last)):
        names = case.source.text_of(last.targets[0])
        line, column, end_line, end_column = case.source.place(last)
        edit = case.source.insert_at(end_line, end_column, f"\n{case.source.lines[line - 1][:column]}return {names}")
        title = words.fill(N_("Add `return {names}` at its end"), {"names": names})
        found.fixes.append(Fix(title, "maybe", [edit]))


_CANT = (
    (r"'?([\w.]+)'? object is not callable", "call"),
    (r"'?([\w.]+)'? object is not subscriptable", "index"),
    (r"'([\w.]+)' object does not support item (?:assignment|deletion)", "change"),
    (r"'([\w.]+)' object is not iterable", "walk"),
    (r"iteration over a 0-d (tensor|array)", "walk"),
    (r"object of type '([\w.]+)' has no len\(\)", "length"),
    (r"len\(\) of a 0-d (tensor)", "length"),
    (r"'([\w.]+)' object is not an iterator", "next"),
    (r"(tuple|list) indices must be integers or slices, not \w+", "index by several"),
)


@diagnosis(
    "GL814",
    Severity.ERROR,
    kinds=("python", "index_kind", "too_many_indices", "index_range", "jacobian_call"),
    over=("GL900", "GL108", "GL109"),
    title=N_("{owner} can't be {deed}"),
    what=N_("Line {line} treats {owner} as something that can be {deed}, and it is a {type}."),
    why=N_("{rule}"),
    fix=N_("Print `type(…)` of it before this line, and look where it got its value."),
    example={"type": "TypeError", "message": "'float' object is not callable"},
    program="""n = 5
for i in n:
    print(i)
""",
    mended="""n = 5
for i in range(n):
    print(i)
""",
)
def object_use(case: Case) -> Found | None:
    """An object used as what it isn't: called, indexed, iterated, measured."""
    message = message_of(case)
    if case.kind not in ("python", "jacobian_call"):
        return _text_index(case)
    hit = next(((m.group(1), deed) for p, deed in _CANT if (m := re.match(p, message)) is not None), None)
    if hit is None:
        return None
    type_, deed = hit
    deeds = {
        "call": _("called"), "index": _("indexed"), "change": _("changed by index"), "walk": _("gone through"),
        "length": _("measured with `len`"), "next": _("asked for its next value"),
        "index by several": _("indexed like a tensor"),
    }  # fmt: skip
    rules = {
        "call": _("Round brackets after a name call it, which works for functions and modules; square ones index."),
        "index": _("Square brackets take an entry out of something that holds several: a list, a tuple, a tensor."),
        "change": _("A tuple, a text and a `torch.Size` stay as they were made; lists and tensors can be changed."),
        "walk": _("`for` goes through something that holds several values: a list, a tensor with axes, a range."),
        "length": _("`len` counts the entries of what holds several; your own class must define `__len__` for it."),
        "index by several": _("A list or tuple takes one whole number or slice; several axes at once are for tensors."),
        "next": _("`next` takes values from an iterator, which `iter(…)` makes of a list or a loader."),
    }
    node = _used(case, deed)
    text = case.source.text_of(node) if node is not None else ""
    owner = words.code(text) if text and len(text) < 40 and "\n" not in text else words.code(type_)
    found = Found(
        {"owner": owner, "deed": deeds[deed], "type": words.code(type_), "rule": rules[deed], "line": case.line},
        {"type_of_object": type_},
    )
    if not case.line:
        found.what = N_("The program treats a {type} as something that can be {deed}.")
    last = type_.rpartition(".")[2]
    if type_ == "tensor":
        found.words["type"] = _("0-d tensor, a single number")
        found.fix = N_("Take the number out with `.item()`, or give the tensor an axis with `.unsqueeze(0)`.")
    elif type_ == "NoneType":
        found.words["type"] = _("nothing (NoneType)")
        found.fix = N_("Find out where {owner} should have got its value; a function without `return` gives nothing.")
    elif deed == "call" and last in ("Tensor", "Size", "Parameter"):
        found.fix = N_("Use square brackets for an entry; attributes such as `shape` are read without brackets.")
        if node is not None:
            call = case.source.parents.get(node)
            if isinstance(call, ast.Call) and len(call.args) == 1:
                new = f"{case.source.base(node)}[{case.source.text_of(call.args[0])}]"
                title = words.fill(N_("Index it: `{new}`"), {"new": new})
                found.fixes.append(Fix(title, "maybe", [case.source.replace(call, new)]))
    elif deed == "call" and last in ("int", "float"):
        found.fix = N_("Is a `*` missing between {owner} and the bracket? Or was a function's name given to a number?")
        _times(case, node, found)
    elif deed == "call" and last in ("list", "dict", "str", "tuple", "set"):
        found.fix = N_(
            "A variable named like a built-in hides it: is {owner} assigned above? Choose another name there."
        )
        _renamed(case, node, found)
    elif deed == "walk" and last in ("int", "float"):
        found.fix = N_("To repeat something {owner} times, write `for … in range({text}):`.")
        found.words["text"] = text or "n"
        if node is not None:
            title = words.fill(N_("Write `range({text})`"), {"text": text})
            found.fixes.append(Fix(title, "safe", [case.source.replace(node, f"range({text})")]))
    elif deed == "index" and last == "DataLoader":
        found.fix = N_("A loader is gone through with `for`; for its first batch write `next(iter(loader))`.")
        subscript = case.source.parents.get(node) if node is not None else None
        if isinstance(subscript, ast.Subscript):
            new = f"next(iter({text}))"
            title = words.fill(N_("Take the first batch: `{new}`"), {"new": new})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(subscript, new)]))
    elif deed == "length" and case.source.class_of(last) is not None:
        found.fix = N_(
            "Add `def __len__(self):` to the class {type}; a loader asks for it to know how many samples there are."
        )
    elif deed == "change":
        found.fix = N_("Make a list of it first with `list(…)`, or build a new one with the changed entry.")
    return found


def _used(case: Case, deed: str) -> ast.expr | None:
    """The expression that was called, indexed or gone through on the line."""
    found: list[ast.expr] = []
    for node in case.source.nodes:
        if getattr(node, "lineno", 0) != case.line:
            continue
        if deed == "call" and isinstance(node, ast.Call):
            found.append(node.func)
        elif deed in ("index", "change", "index by several") and isinstance(node, ast.Subscript):
            found.append(node.value)
        elif deed == "walk" and isinstance(node, ast.For):
            found.append(node.iter)
        elif deed == "length" and isinstance(node, ast.Call) and called(node) == "len" and node.args:
            found.append(node.args[0])
    if deed == "call" and len(found) > 1:
        whole = case.expression
        if isinstance(whole, ast.Call):
            return whole.func
        own = [
            f
            for f in found
            if case.source.assigned(dotted(f)) is not None or (isinstance(f, ast.Attribute) and f.attr == "shape")
        ]
        return own[0] if len(own) == 1 else None
    return found[0] if len(found) == 1 else None


def _times(case: Case, node: ast.expr | None, found: Found) -> None:
    call = case.source.parents.get(node) if node is not None else None
    if isinstance(call, ast.Call) and isinstance(node, ast.Name) and len(call.args) == 1 and not call.keywords:
        text = f"{node.id} * ({case.source.text_of(call.args[0])})"
        title = words.fill(N_("Multiply: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(call, text)]))


def _renamed(case: Case, node: ast.expr | None, found: Found) -> None:
    """Another name for a variable that hides a built-in, everywhere but where the built-in is called."""
    if not isinstance(node, ast.Name):
        return
    calls = {n.func for n in case.source.nodes if isinstance(n, ast.Call)}
    uses = [n for n in case.source.nodes if isinstance(n, ast.Name) and n.id == node.id and n not in calls]
    if uses and any(isinstance(n.ctx, ast.Store) for n in uses):
        new = f"my_{node.id}"
        title = words.fill(N_("Name the variable `{new}`"), {"new": new})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(n, new) for n in uses]))


def _text_index(case: Case) -> Found | None:
    """x["name"] on a tensor."""
    subscripts = [
        n
        for n in case.source.nodes
        if isinstance(n, ast.Subscript)
        and n.lineno == case.line
        and isinstance(n.slice, ast.Constant)
        and isinstance(n.slice.value, str)
    ]
    if not subscripts and str(case.facts.get("got")) != "str":
        return None
    key = case.source.text_of(subscripts[0].slice) if subscripts else ""
    owner = case.source.text_of(subscripts[0].value) if subscripts else _("a tensor")
    return Found(
        {
            "owner": words.code(owner) if subscripts else owner,
            "key": words.code(key) if key else _("a text"),
            "line": case.line,
        },
        title=N_("A tensor has no entries with names"),
        what=N_("{owner} is a tensor, and line {line} asks it for {key}.")
        if case.line
        else N_("A tensor was asked for {key}."),
        why=N_("Tensors are indexed by whole numbers, slices and masks; names belong to dictionaries."),
        fix=N_("Index it with a number, or check whether a dictionary was meant."),
    )


@diagnosis(
    "GL816",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("{value} can't be used as {wanted}"),
    what=N_("Line {line} needs {wanted}, and got {value}."),
    why=N_(
        "Python converts nothing by guessing: a size or a count must be a whole number, and text must look like one."
    ),
    fix=N_("{advice}"),
    example={"type": "ValueError", "message": "invalid literal for int() with base 10: 'abc'"},
    program="""n = 5
for i in range(n / 2):
    print(i)
""",
    mended="""n = 5
for i in range(n // 2):
    print(i)
""",
)
def conversion(case: Case) -> Found | None:
    """A value that can't become a number of the wanted kind."""
    message = message_of(case)
    advice = _("Look where the value comes from; print it before this line.")
    wanted = ""
    value = ""
    if found := re.match(r"invalid literal for int\(\) with base \d+: (.{1,80})$", message):
        wanted, value = _("a whole number"), found.group(1)
        advice = _("Give digits only; for a number with a point use `float(…)`.")
    elif found := re.match(r"could not convert string to float: (.{1,80})$", message):
        wanted, value = _("a number"), found.group(1)
        advice = _("Leave out units and commas; write the point as `.`.")
    elif found := re.match(r"'([\w.]+)' object cannot be interpreted as an integer", message):
        wanted, value = _("a whole number"), found.group(1)
        advice = _("Use `//` instead of `/`, which gives whole numbers, or `int(…)`.")
    elif found := re.match(r"unsupported format string passed to ([\w.]+)\.__format__", message):
        wanted, value = _("one number to format"), found.group(1)
        advice = _("Take the number out with `.item()`, or print the tensor without a format such as `:.2f`.")
    elif found := re.match(
        r"(?:float|int)\(\) argument must be a string or a(?: real)? number, not '([\w.]+)'", message
    ):
        wanted, value = _("a number"), found.group(1)
    elif "converted to an index" in message and "tensor" in message:
        return Found(
            {"wanted": _("a whole number"), "value": _("a tensor of other numbers"), "line": case.line},
            what=N_("Line {line} counts with a tensor, and that works only for one whole number (dtype int64)."),
            fix=N_("Make a whole number of it with `int(…)`, or make the tensor from whole numbers."),
        )
    elif found := re.match(r"must be real number, not ([\w.]+)", message):
        wanted, value = _("a real number"), found.group(1)
    else:
        return None
    result = Found(
        {"wanted": wanted, "value": words.code(value), "advice": advice, "line": case.line}, {"value": value}
    )
    if not case.line:
        result.what = N_("The program needs {wanted}, and got {value}.")
    if value == "float":
        whole_division(case, result)
    return result


@diagnosis(
    "GL817",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("The check on line {line} failed"),
    what=N_("{said}"),
    why=N_("An `assert` is a check that the program makes of itself; it stops where the condition is false."),
    fix=N_("Print both sides of the condition before line {line} to see which one isn't what you expect."),
    example={"type": "AssertionError", "message": "shapes are wrong"},
    program="""x = [1, 2]
assert len(x) == 3, "three numbers are needed"
""",
    mended="""x = [1, 2, 3]
assert len(x) == 3, "three numbers are needed"
""",
)
def assertion(case: Case) -> Found | None:
    """An assert of the learner's own."""
    if type_of(case) != "AssertionError":
        return None
    statement = next((n for n in case.source.nodes if isinstance(n, ast.Assert) and n.lineno == case.line), None)
    if case.trace is not None and statement is None:
        return None
    message = message_of(case)
    text = " ".join(case.source.text_of(statement.test).split())[:80] if statement is not None else ""
    if text and message:
        said = _("`{text}` is false, and the program says: {message}").format(text=text, message=message)
    elif text:
        said = _("`{text}` is false.").format(text=text)
    elif message:
        said = _("A check of the program failed: {message}").format(message=message)
    else:
        said = _("A check of the program failed.")
    found = Found({"line": case.line, "said": said})
    if not case.line:
        found.title = N_("A check of the program failed")
        found.fix = N_("Print both sides of the condition before the `assert` to see which one isn't what you expect.")
    return found
