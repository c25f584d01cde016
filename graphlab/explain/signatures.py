"""Calls and what is called, side by side: which arguments a function wants, which it was given, and what is missing."""

from __future__ import annotations

import ast
import inspect
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.source import Function, called, dotted
from graphlab.i18n import N_, _, ngettext

_NAMED = re.compile(r"(?:[\w<>]+\.)*?(?:(\w+)\.)?([\w<>]+)\(\) (?:missing|takes|got)")
_MAX_KNOWN = 8


def calls_of(case: Case, name: str, owner: str) -> list[ast.Call]:
    """The calls on the line of failure that may have called `owner.name`."""
    calls = [c for c in case.source.calls() if c.lineno <= case.line <= (c.end_lineno or c.lineno)]
    if name == "__init__" or not owner:
        wanted = {owner or name} - {"", "Module"}
        hits = [c for c in calls if called(c) in wanted]
    else:  # a method: of `owner()` itself, of what holds an instance, or by its name
        hits = [c for c in calls if called(c.func) == owner or called(c) == name]
    if not hits and owner:
        hits = [c for c in calls if class_behind(case, c.func) == owner and called(c) != owner]
    if not hits:
        whole = case.expression
        hits = [whole] if isinstance(whole, ast.Call) else [c for c in calls if called(c) not in ("print", "super")]
    return hits


def class_behind(case: Case, function: ast.expr) -> str:
    """The class whose instance a called name holds: "CrossEntropyLoss" for `criterion`."""
    made = case.source.assigned(dotted(function), function) if dotted(function) else function
    if made is None and dotted(function).startswith("self."):
        return ""
    return called(made) if isinstance(made, ast.Call) else dotted(made)


def definition_of(case: Case, name: str, owner: str) -> Function | None:
    """The function or method of the program that was called."""
    for node in case.source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            parent = case.source.parents.get(node)
            if not owner or (isinstance(parent, ast.ClassDef) and parent.name == owner):
                return node
    return None


def parameters(function: Function) -> list[str]:
    """The arguments of a function by name, without `self`."""
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def really_missing(function: Function, call: ast.Call, wanted: int) -> list[int]:
    """Places of the arguments that were left out, judged by the names of those that were given.

    Python calls the last ones missing, whichever were forgotten: `loss(out, mu, var)` for `loss(out, x, mu, var)`.
    """
    names = parameters(function)
    given = [dotted(a).rpartition(".")[2].lower() for a in call.args]
    if (
        wanted != 1
        or call.keywords
        or len(names) - len(given) != wanted
        or any(isinstance(a, ast.Starred) for a in call.args)
    ):
        return list(range(len(given), len(given) + wanted))

    def agreement(gap: int) -> int:
        rest = names[:gap] + names[gap + 1 :]
        return sum(_alike(g, n.lower()) for g, n in zip(given, rest))

    # Of equally good places the last one, which is Python's own answer.
    return [max(range(len(names)), key=lambda gap: (agreement(gap), gap))]


def _alike(given: str, name: str) -> int:
    if given == name:
        return 2
    return 1 if len(given) > 2 and len(name) > 2 and (given in name or name in given) else 0


def _signature(function: Function, owner: str) -> str:
    name = owner if function.name == "__init__" else function.name
    return f"{name}({', '.join(parameters(function))})"


def _n_arguments(n: int) -> str:
    return ngettext("{n} argument", "{n} arguments", n).format(n=n) if n else _("no argument")


def call_said(case: Case, found: Found, message: str) -> None:
    """Say in the names of the program what a call has too many, too few, or under another name."""
    named = _NAMED.match(message)
    if named is None or not case.source.text:
        return
    owner, name = named.group(1) or "", named.group(2)
    function = definition_of(case, name, owner)
    calls = calls_of(case, name, owner)
    call = calls[0] if len(calls) == 1 else None
    if function is not None:
        found.words["signature"] = words.code(_signature(function, owner))
    if "missing" in message:
        _missing_said(case, found, message, function, call)
    elif counts := re.search(r"takes (?:from \d+ to )?(\d+) positional arguments? but (\d+)", message):
        _count_said(case, found, function, call, owner, int(counts.group(1)), int(counts.group(2)))
    elif keyword := re.search(r"unexpected keyword argument '(\w+)'", message):
        known = parameters(function) if function is not None else _known_parameters(owner, name)
        known = [k for k in known if not k.startswith("_")]
        if known:
            found.words.update(keyword=words.code(keyword.group(1)))
            shown = [words.code(k) for k in known[:_MAX_KNOWN]]
            is_long = len(known) > _MAX_KNOWN
            found.words["known"] = _(", ").join([*shown, "…"]) if is_long else words.listing(shown)
            found.what = N_("{function} was called with {keyword}; its arguments are {known}.")


def _missing_said(case: Case, found: Found, message: str, function: Function | None, call: ast.Call | None) -> None:
    wanted = re.findall(r"'(\w+)'", message)
    if wanted == ["self"]:
        _class_said(case, found, call)
        return
    if function is not None and call is not None:
        places = really_missing(function, call, len(wanted))
        names = parameters(function)
        wanted = [names[p] for p in places if p < len(names)] or wanted
        found.words.update(n=_n_arguments(len(call.args) + len(call.keywords)))
        found.what = N_("Line {line} calls {signature} with {n}: {missing} isn't given.")
    else:
        found.what = N_("Line {line} calls {function} without {missing}, which it needs.")
    found.words["missing"] = words.listing(words.code(w) for w in wanted)
    found.fix = N_("Give {missing} in the call on line {line}.")


def _class_said(case: Case, found: Found, call: ast.Call | None) -> None:
    owner = call.func.value if call is not None and isinstance(call.func, ast.Attribute) else None
    made = case.source.assigned(dotted(owner), owner) if owner is not None else None
    name = dotted(made) if made is not None else dotted(owner)
    if case.source.class_of(name) is None:
        return
    found.words.update(cls=words.code(name), node=words.code(dotted(owner)), plain=name)
    found.title = N_("{cls} is a class; an object of it was never made")
    found.what = N_("{node} is the class {cls} itself, and {function} works on an object of it.")
    found.why = N_("A class is the plan; calling it with brackets makes an object, with its own layers and parameters.")
    found.fix = N_("Make an object first: `{plain}()`.")


def _count_said(
    case: Case, found: Found, function: Function | None, call: ast.Call | None, owner: str, takes: int, given: int
) -> None:
    if function is None:
        is_method = bool(owner) and given > 0
        found.words.update(n=_n_arguments(takes - is_method), m=_n_arguments(given - is_method))
        found.what = N_("{function} takes {n}, and line {line} gives {m}.")
        return
    cls = case.source.parents.get(function)
    first = [a.arg for a in function.args.args][:1]
    is_static = any(dotted(d) == "staticmethod" for d in function.decorator_list)
    if isinstance(cls, ast.ClassDef) and first not in (["self"], ["cls"]) and not is_static:
        rest = ", ".join(["self", *(a.arg for a in function.args.args)])
        found.words.update(cls=words.code(cls.name), head=f"def {function.name}({rest}):")
        found.title = N_("{function} has no `self`")
        found.what = N_("{signature} in {cls} lacks `self`: Python passes the object itself as the first argument.")
        found.fix = N_("Write `{head}`.")
        return
    n_self = 1 if first in (["self"], ["cls"]) else 0
    found.words.update(n=_n_arguments(takes - n_self), m=_n_arguments(given - n_self))
    found.what = N_("{signature} takes {n}, and line {line} gives {m}.")


def _known_parameters(owner: str, name: str) -> list[str]:
    """The arguments of a layer, optimizer or scheduler of PyTorch's own."""
    from graphlab.engine import nn, optim
    from graphlab.engine.utils import data

    if name != "__init__":
        return []
    for module in (nn, optim, optim.lr_scheduler, data):
        kind = getattr(module, owner, None)
        if isinstance(kind, type):
            return [p for p in inspect.signature(kind).parameters if p not in ("args", "kwargs")]
    return []
