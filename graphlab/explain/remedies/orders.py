"""Calls of the program's own functions: arguments in another order than their names, hooks, a mean of a list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import enclosing, maybe, on_line, remedy, shortened, tensor_named
from graphlab.explain.results import function_behind
from graphlab.explain.signatures import parameters
from graphlab.explain.source import Function, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix


def calls_in_traceback(case: Case, function: Function) -> list[ast.Call]:
    """The calls of a function of the program, those that the traceback goes through where it is known."""
    calls = [c for c in case.source.calls() if function_behind(case, c) is function]
    lines = {int(n) for n in re.findall(r"line (\d+)", case.traceback)}
    return [c for c in calls if c.lineno in lines] or calls


@remedy("GL814", "GL802", "GL131", "GL809", "GL811", is_cause=True)
def names_in_order(case: Case, found: Found) -> Iterator[Fix]:
    """`train(model, loader, criterion, optimizer)` of `def train(model, loader, optimizer, criterion)`."""
    function = next(enclosing(case, case.expression or _first_on_line(case), ast.FunctionDef), None)
    if function is None:
        return
    names = parameters(function)
    for call in calls_in_traceback(case, function):
        given = [dotted(a).rpartition(".")[2] for a in call.args]
        wrong = [at for at, name in enumerate(given) if name in names and names.index(name) != at]
        if len(wrong) < 2 or len(given) != len(names) or {given[at] for at in wrong} != {names[at] for at in wrong}:
            continue
        texts = {name: case.source.text_of(a) for name, a in zip(given, call.args)}
        edits = [case.source.replace(call.args[at], texts[names[at]]) for at in wrong]
        ordered = [texts[names[at]] if at in wrong else case.source.text_of(a) for at, a in enumerate(call.args)]
        text = f"{case.source.text_of(call.func)}({', '.join(ordered)})"
        found.words.update(
            signature=words.code(f"{function.name}({', '.join(names)})"),
            at=call.lineno,
            given=words.code(given[wrong[0]]),
            wanted=words.code(names[wrong[0]]),
            text=shortened(text),
        )
        found.title = N_("The arguments on line {at} stand in another order than in {signature}")
        found.what = N_("Line {at} gives {given} where {signature} has {wanted}.")
        found.why = N_("Arguments without a name are matched by their place alone, whatever the variables are called.")
        found.fix = N_("Give them in the order of the definition: `{text}`.")
        yield maybe(N_("Give them in the order of the definition: `{text}`"), edits, text=shortened(text))
        return


def _first_on_line(case: Case) -> ast.expr | None:
    found = on_line(case, ast.expr)
    return found[0] if found else None


@remedy("GL809", is_cause=True)
def hook_arguments(case: Case, found: Found) -> Iterator[Fix]:
    """A hook that takes other arguments than a module gives it."""
    message = message_of(case)
    for call in case.source.calls():
        wanted = _HOOKS.get(called(call))
        name = dotted(call.args[0]) if wanted and call.args else ""
        function = next((n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == name), None)
        if function is None or wanted is None or f"{name}() " not in message:
            continue
        names = [a.arg for a in function.args.args]
        if not names or len(names) == len(wanted):
            continue
        # The last name is kept for the last argument: the output of a layer, its gradient.
        rest = [w if w not in names else f"{w}_" for w in wanted[1:-1]]
        text = ", ".join([names[0], *rest, names[-1] if len(names) > 1 else wanted[-1]])
        found.words.update(
            hook=words.code(name),
            kind=words.code(called(call)),
            wanted=words.listing(words.code(w) for w in wanted),
        )
        found.words["text"] = f"def {name}({text}):"
        found.what = N_("{hook} was registered with {kind}, and such a hook is called with {wanted}.")
        found.why = N_("A hook is called by the module itself, always with the same arguments, used or not.")
        found.fix = N_("Let it take all of them: `{text}`.")
        first, last = function.args.args[0], function.args.args[-1]
        line, column, _, _ = case.source.place(_as_name(first))
        _, _, end_line, end_column = case.source.place(_as_name(last))
        yield maybe(
            N_("Let it take all of them: `{text}`"),
            [Edit(line, column, end_line, end_column, text)],
            text=found.words["text"],
        )
        return


def _as_name(argument: ast.arg) -> ast.expr:
    """An argument as an expression, for its place in the text."""
    name = ast.Name(argument.arg)
    return ast.copy_location(name, argument)


_HOOKS = {
    "register_forward_hook": ("module", "inputs", "output"),
    "register_forward_pre_hook": ("module", "inputs"),
    "register_full_backward_hook": ("module", "grad_input", "grad_output"),
}


@remedy("GL811", is_cause=True)
def divided_by_a_list(case: Case, found: Found) -> Iterator[Fix]:
    """`sum(losses) / losses`: a mean divides by how many there are."""
    if "for /" not in message_of(case) or "list" not in message_of(case):
        return
    for node in on_line(case, ast.BinOp):
        name = dotted(node.right)
        if isinstance(node.op, ast.Div) and name and tensor_named(case, name) is None:
            text = f"len({name})"
            found.words.update(x=words.code(name), text=text)
            found.what = N_("The number is divided by {x}, and that is a list, not a number.")
            found.fix = N_("For a mean divide by how many there are: `{text}`.")
            yield maybe(
                N_("Divide by how many there are: `{text}`"), [case.source.replace(node.right, text)], text=text
            )
            return
