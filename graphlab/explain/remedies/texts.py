"""The text itself: brackets, quotation marks, indents, commas; numbers in texts and texts of numbers."""

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
)
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix


@remedy("GL816", "GL311", leads=True)
def number_formatted(case: Case, found: Found) -> Iterator[Fix]:
    """`f"{x:.2f}"` of a tensor: its number, its mean, or each of its numbers."""
    if "__format__" not in message_of(case):
        return
    for node in on_line(case, ast.FormattedValue):
        if node.format_spec is None:
            continue
        shape = shape_named(case, dotted(node.value))
        base = case.source.base(node.value)
        spec = "".join(str(v.value) for v in getattr(node.format_spec, "values", []) if isinstance(v, ast.Constant))
        if shape == [] or shape is None:
            yield maybe(
                N_("Take the number: `{text}`"), case.source.append(node.value, ".item()"), text=f"{base}.item()"
            )
        if shape is None or shape:
            yield maybe(
                N_("Print the mean of its numbers: `{text}`"),
                case.source.append(node.value, ".float().mean().item()"),
                text=f"{base}.float().mean().item()",
            )
            line, _column, end_line, end_column = case.source.place(node.value)
            rest = case.source.lines[end_line - 1][end_column:]
            if line == end_line and rest.startswith(":" + spec + "}"):
                yield maybe(
                    N_("Print all of them, without a format: `{text}`"),
                    [Edit(end_line, end_column, end_line, end_column + 1 + len(spec), "")],
                    text="{" + case.source.text_of(node.value) + "}",
                )


@remedy("GL816")
def point_in_number(case: Case, found: Found) -> Iterator[Fix]:
    """`int("3.7")`, `float("3,7")`."""
    value = str(found.facts.get("value") or "").strip("'\"")
    for call in on_line(case, ast.Call):
        if called(call) == "int" and len(call.args) == 1 and re.fullmatch(r"\s*-?\d+\.\d*\s*", value):
            text = f"int(float({case.source.text_of(call.args[0])}))"
            yield maybe(N_("Read the point first: `{text}`"), [case.source.replace(call, text)], text=shortened(text))
        elif called(call) == "float" and len(call.args) == 1 and re.fullmatch(r"\s*-?\d+,\d+\s*", value):
            text = f'{case.source.base(call.args[0])}.replace(",", ".")'
            yield maybe(
                N_("Write the comma as a point: `{text}`"),
                [case.source.replace(call.args[0], text)],
                text=shortened(text),
            )


@remedy("GL803", leads=True)
def text_mended(case: Case, found: Found) -> Iterator[Fix]:
    """A bracket, a quotation mark, an indent, a comma: each tried, and only shown where Python can read the rest."""
    lines = case.source.lines
    lower = message_of(case).lower()
    line = min(max(case.line, 1), len(lines)) if lines else 0
    if not line:
        return
    text = lines[line - 1]
    bare = text.split("#")[0].rstrip()
    closed = re.search(r"'([(\[{])' was never closed", message_of(case))
    if closed is not None:
        bracket = {"(": ")", "[": "]", "{": "}"}[closed.group(1)]
        for end in (line, *range(line + 1, min(line + 4, len(lines)) + 1)):
            stop = lines[end - 1].split("#")[0].rstrip()
            places = [len(stop)] + ([len(stop) - 1] if stop.endswith(":") else [])
            for column in places:
                yield maybe(
                    N_("Close the bracket with `{bracket}` at the end of line {line}"),
                    [case.source.insert_at(end, column, bracket)],
                    bracket=bracket,
                    line=end,
                )
    elif "unmatched" in lower or "does not match" in lower:
        hit = re.search(r"'([)\]}])'", message_of(case))
        if hit is not None and hit.group(1) in text:
            column = text.rindex(hit.group(1))
            yield maybe(
                N_("Leave out the bracket `{bracket}`"),
                [Edit(line, column, line, column + 1, "")],
                bracket=hit.group(1),
            )
    elif "indented block" in lower:
        yield from _indented(case, line)
    elif "unexpected indent" in lower or "unindent does not match" in lower:
        before = next((x for x in reversed(lines[: line - 1]) if x.strip()), "")
        indent = before[: len(before) - len(before.lstrip())]
        yield maybe(
            N_("Indent line {line} like the line before it"),
            [Edit(line, 0, line, len(text) - len(text.lstrip()), indent)],
            line=line,
        )
    elif "unterminated" in lower:
        mark = '"' if bare.count('"') % 2 else "'"
        for column in (len(bare), *([len(bare) - 1] if bare.endswith(")") else [])):
            yield maybe(
                N_("Close the text with {mark}"), [case.source.insert_at(line, column, mark)], mark=words.code(mark)
            )
    elif "forgot a comma" in lower:
        if bare.endswith((")", "]", "}", '"', "'")):
            yield maybe(
                N_("Put a comma at the end of line {line}"), [case.source.insert_at(line, len(bare), ",")], line=line
            )
        for hit in re.finditer(r"(?<=[\w\])\"'.])(\s+)(?=[\w\[(\"'])", text):
            yield maybe(
                N_("Put a comma after `{before}`"),
                [case.source.insert_at(line, hit.start(), ",")],
                before=shortened(text[: hit.start()].strip()[-20:]),
            )
    elif "maybe you meant '=='" in lower:
        for hit in re.finditer(r"(?<![=!<>+\-*/])=(?!=)", text):
            yield maybe(N_("Compare with `==`"), [Edit(line, hit.start(), line, hit.end(), "==")])
    elif "did you mean print" in lower or "missing parentheses in call" in lower:
        hit = re.match(r"(\s*)print\s+(.+)$", bare)
        if hit is not None:
            yield maybe(
                N_("Call it with brackets: `print({text})`"),
                [Edit(line, len(hit.group(1)), line, len(bare), f"print({hit.group(2)})")],
                text=shortened(hit.group(2)),
            )
    elif "expected ':'" in lower or "invalid syntax" in lower:
        if re.match(r"\s*(if|for|while|def|class|else|elif|try|except|with|finally)\b", bare) and not bare.endswith(
            ":"
        ):
            yield maybe(N_("Put a colon at the end of the line"), [case.source.insert_at(line, len(bare), ":")])
        for wrong, right in (("&&", "and"), ("||", "or"), ("++", "+= 1"), ("else if", "elif"), ("!", "not ")):
            if wrong in text and not (wrong == "!" and "!=" in text):
                column = text.index(wrong)
                yield maybe(
                    N_("Write `{right}` instead of `{wrong}`"),
                    [Edit(line, column, line, column + len(wrong), right)],
                    wrong=wrong,
                    right=right.strip(),
                )


def _indented(case: Case, line: int) -> Iterator[Fix]:
    """The lines after a colon, indented: the next one, or all up to a blank line."""
    lines = case.source.lines
    head = next((n for n in range(line - 1, 0, -1) if lines[n - 1].split("#")[0].rstrip().endswith(":")), 0)
    if not head or not lines[line - 1].strip():
        return
    level = len(lines[head - 1]) - len(lines[head - 1].lstrip())
    last = line
    while last < len(lines) and lines[last].strip() and len(lines[last]) - len(lines[last].lstrip()) >= level:
        last += 1
    for end in dict.fromkeys((line, last)):
        edits = [case.source.insert_at(n, 0, " " * 4) for n in range(line, end + 1) if lines[n - 1].strip()]
        yield maybe(
            N_("Indent line {line} by four spaces")
            if end == line
            else N_("Indent lines {line} to {end} by four spaces"),
            edits,
            line=line,
            end=end,
        )
