"""Functions that give nothing back, or call themselves for ever."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    definition,
    indent_of,
    line_after,
    maybe,
    on_line,
    remedy,
)
from graphlab.explain.results import function_behind
from graphlab.explain.source import Function, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Fix


@remedy("GL802", "GL815", "GL814", "GL812", "GL811", "GL131", leads=True)
def return_forgotten(case: Case, found: Found) -> Iterator[Fix]:
    """A function or `forward` without `return`: it gives nothing."""
    if "None" not in message_of(case):
        return
    names = {n.id for n in on_line(case, ast.Name)} | {dotted(c.func) for c in on_line(case, ast.Call)}
    calls = list(on_line(case, ast.Call))
    for name in names:
        made = case.source.assigned(name)
        if isinstance(made, ast.Call):
            calls.append(made)
    seen: set[str] = set()
    for call in calls:
        function = function_behind(case, call)
        if function is None or function.name in seen or any(isinstance(n, ast.Return) for n in ast.walk(function)):
            continue
        seen.add(function.name)
        loss = _loss_number(function)
        if loss:
            yield maybe(
                N_("Return the loss as a number: `return {text}` at the end of `{function}`"),
                [line_after(case, function.body[-1], f"return {loss}.item()")],
                text=f"{loss}.item()",
                function=function.name,
            )
            continue
        where = case.source.parents.get(call)
        name = dotted(where.targets[0]) if isinstance(where, ast.Assign) else ""
        bound = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if name in bound:
            yield maybe(
                N_("Add `return {names}` at the end of `{function}`"),
                [line_after(case, function.body[-1], f"return {name}")],
                names=name,
                function=function.name,
            )
            continue
        last = function.body[-1]
        while isinstance(last, ast.With | ast.For | ast.If) and last.body:
            last = last.body[-1]
        if isinstance(last, ast.Assign | ast.AugAssign):
            target = last.targets[0] if isinstance(last, ast.Assign) else last.target
            text = case.source.text_of(target)
            end = function.body[-1]
            yield maybe(
                N_("Add `return {names}` at the end of `{function}`"),
                [line_after(case, end, f"return {text}")],
                names=text,
                function=function.name,
            )
        elif (
            isinstance(last, ast.Expr)
            and isinstance(last.value, ast.Call | ast.BinOp)
            and called(last.value) not in _GIVE_NOTHING
        ):
            line, column, _, _ = case.source.place(last)
            yield maybe(
                N_("Return what the last line of `{function}` computes"),
                [case.source.insert_at(line, column, "return ")],
                function=function.name,
            )


_GIVE_NOTHING = frozenset({"print", "step", "zero_grad", "backward", "append", "extend", "update", "clip_grad_norm_"})


def _loss_number(function: Function) -> str:
    """The variable that a training step called `backward()` on."""
    owners = [
        dotted(n.func.value)
        for n in ast.walk(function)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "backward"
    ]
    return owners[-1] if owners and owners[-1].isidentifier() else ""


@remedy("GL806")
def base_case(case: Case, found: Found) -> Iterator[Fix]:
    """A function of a number that counts down: let it end at 0."""
    name = str(found.words.get("name") or "").strip("`").removesuffix("()")
    function = definition(case, name) if name.isidentifier() else None
    if function is None or not function.args.args:
        return
    argument = next((a.arg for a in function.args.args if a.arg != "self"), "")
    returns = [r.value for r in ast.walk(function) if isinstance(r, ast.Return) and r.value is not None]
    counts_down = any(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) and dotted(n.left) == argument
        for r in returns
        for n in ast.walk(r)
    )
    if counts_down and returns:
        start = "1" if any(isinstance(n, ast.Mult) for n in ast.walk(returns[0])) else "0"
        first = function.body[0]
        text = f"if {argument} <= {start}:\n{indent_of(case, first)}    return {start}"
        yield maybe(
            N_("Let it end: `if {argument} <= {start}: return {start}`"),
            [case.source.line_before(first, text)],
            argument=argument,
            start=start,
        )
