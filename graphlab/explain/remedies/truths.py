"""Truth values and counts: masks combined entry by entry, choices for each entry, a count that may be 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from graphlab.explain.case import Case, Found
from graphlab.explain.remedies.kit import (
    maybe,
    on_line,
    remedy,
    shortened,
    statement,
)
from graphlab.explain.source import integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix


@remedy("GL807")
def not_by_zero(case: Case, found: Found) -> Iterator[Fix]:
    """A count that may be 0."""
    for node in on_line(case, ast.BinOp):
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and integer(node.right) is None:
            text = f"max({case.source.text_of(node.right)}, 1)"
            yield maybe(
                N_("Divide by at least 1, if it is a count: `{text}`"),
                [case.source.replace(node.right, text)],
                text=text,
            )


@remedy("GL312", leads=True)
def entry_by_entry(case: Case, found: Found) -> Iterator[Fix]:
    """`and` and chains between masks, `max(x, 0)`, a choice with `if … else`."""
    for node in on_line(case, ast.BoolOp):
        mark = " & " if isinstance(node.op, ast.And) else " | "
        parts = [case.source.text_of(v) for v in node.values]
        text = mark.join(p if isinstance(v, ast.Name | ast.Call) else f"({p})" for p, v in zip(parts, node.values))
        if _is_test(case, node):
            text = f"({text}).all()"
        yield maybe(N_("Combine entry by entry: `{text}`"), [case.source.replace(node, text)], text=shortened(text))
    for node in on_line(case, ast.Compare):
        if len(node.ops) == 2:
            a, b, c = (case.source.text_of(x) for x in (node.left, *node.comparators))
            marks = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
            first, second = (marks.get(type(o), "==") for o in node.ops)
            text = f"(({a} {first} {b}) & ({b} {second} {c}))"
            if _is_test(case, node):
                text += ".all()"
            yield maybe(N_("Combine entry by entry: `{text}`"), [case.source.replace(node, text)], text=shortened(text))
    for node in on_line(case, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            text = f"not {case.source.base(node.operand)}.any()"
            yield maybe(N_("True when it holds for none: `{text}`"), [case.source.replace(node, text)], text=text)
    for node in on_line(case, ast.IfExp):
        text = f"torch.where({', '.join(case.source.text_of(x) for x in (node.test, node.body, node.orelse))})"
        yield maybe(N_("Choose entry by entry: `{text}`"), [case.source.replace(node, text)], text=shortened(text))
    for call in on_line(case, ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id in ("max", "min") and len(call.args) == 2:
            numbers = [a for a in call.args if isinstance(a, ast.Constant)]
            tensors = [a for a in call.args if not isinstance(a, ast.Constant)]
            if len(numbers) == 1 and len(tensors) == 1:
                bound = "min" if call.func.id == "max" else "max"
                text = f"{case.source.base(tensors[0])}.clamp({bound}={case.source.text_of(numbers[0])})"
            else:
                text = f"torch.{call.func.id}imum({', '.join(case.source.text_of(a) for a in call.args)})"
            yield maybe(N_("Choose entry by entry: `{text}`"), [case.source.replace(call, text)], text=shortened(text))
    where = statement(case)
    if isinstance(where, ast.If) and len(where.body) == 1 and len(where.orelse) == 1:
        yes, no = where.body[0], where.orelse[0]
        if isinstance(yes, ast.Assign | ast.Return) and type(yes) is type(no):
            values = [s.value for s in (yes, no) if isinstance(s, ast.Assign | ast.Return)]
            if all(v is not None for v in values):
                inner = ", ".join(case.source.text_of(v) for v in [where.test, *values] if v is not None)
                head = "return " if isinstance(yes, ast.Return) else f"{case.source.text_of(yes.targets[0])} = "
                text = f"{head}torch.where({inner})"
                line, column, _, _ = case.source.place(where)
                _, _, end_line, end_column = case.source.place(no)
                yield maybe(
                    N_("Choose entry by entry: `{text}`"),
                    [Edit(line, column, end_line, end_column, text)],
                    text=shortened(text),
                )


def _is_test(case: Case, node: ast.expr) -> bool:
    parent = case.source.parents.get(node)
    return isinstance(parent, ast.If | ast.While | ast.Assert | ast.IfExp) and parent.test is node
