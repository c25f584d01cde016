"""Statements that do nothing: results thrown away, methods that are named and not called, attributes nobody reads."""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import EventKind, Fix

_TWINS = (
    "masked_fill|masked_scatter|index_fill|index_add|scatter|scatter_add|clamp|clip|relu|sigmoid|tanh|squeeze|"
    "unsqueeze|add|sub|mul|div|abs|exp|neg|triu|tril|round|floor|nan_to_num"
)
_HAVE_TWIN = re.compile(_TWINS)
_CHANGING = re.compile(
    f"{_TWINS}|softmax|log_softmax|normalize|dropout|view|reshape|transpose|permute|flatten|float|long|double|half|"
    "detach|roll|flip|t"
)
_METHODS = frozenset(["train", "eval", "backward", "step", "zero_grad"])
_TIMED = re.compile(r"\b(perf_counter|timeit|time\.time|process_time)\b")


@silent_bug(
    "GL744",
    Severity.WARNING,
    title=N_("{text} on line {line} has no effect"),
    what=N_("{text} makes a new tensor and leaves {name} as it is, and nothing takes the new one."),
    why=N_("Operators without `_` at the end of their name don't change a tensor: they return another one."),
    fix=N_("Take the result: `{instead}`."),
    example={"text": "`w.clamp(0, 1)`", "line": 4, "name": "`w`", "instead": "w = w.clamp(0, 1)"},
    program="""import torch
scores = torch.tensor([[1.0, 2.0], [0.5, 0.1]], requires_grad=True) * 1.0
future = torch.ones(2, 2).triu(1).bool()
scores.masked_fill(future, float("-inf"))
weights = scores.softmax(dim=-1)
weights[:, 0].sum().backward()
""",
    mended="""import torch
scores = torch.tensor([[1.0, 2.0], [0.5, 0.1]], requires_grad=True) * 1.0
future = torch.ones(2, 2).triu(1).bool()
scores = scores.masked_fill(future, float("-inf"))
weights = scores.softmax(dim=-1)
weights[:, 0].sum().backward()
""",
)
def without_effect(run: Run) -> list[Found]:
    """Statements whose value nothing takes, where one that changes something was meant."""
    return [*_thrown_away(run), *_not_called(run), *_compared_only(run)]


def _thrown_away(run: Run) -> list[Found]:
    """`x.clamp(0, 1)` as a statement of its own, and `x` used as before after it."""
    if _TIMED.search(run.source.text):
        return []
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if not event.inputs or event.inputs[0] < 0 or event.span in found:
            continue
        if any(run.used_by.get(t) for t in event.outputs):
            continue
        node = run.source.expression_at(run.span(event))
        if not isinstance(node, ast.Call) or not isinstance(run.source.parents.get(node), ast.Expr):
            continue
        if not _CHANGING.fullmatch(called(node)) or not isinstance(node.func, ast.Attribute):
            continue
        if any(k.arg in ("inplace", "out") for k in node.keywords):
            continue
        is_function = dotted(node.func.value) in ("torch", "F", "nn.functional", "torch.nn.functional")
        taken = (node.args[0] if node.args else None) if is_function else node.func.value
        name = dotted(taken)
        is_used_on = any(e.id > event.id for e in run.used_by.get(event.inputs[0], []))
        if not name or not is_used_on:
            continue
        text = " ".join(run.source.text_of(node).split())
        instead = f"{name} = {text}"
        one = Found(
            {"text": words.code(text), "line": node.lineno, "name": words.code(name), "instead": instead},
            event=event.id,
            line=node.lineno,
        )
        title = words.fill(N_("Take the result: `{instead}`"), {"instead": instead})
        one.fixes.append(Fix(title, "maybe", [run.source.insert_at(*run.source.place(node)[:2], f"{name} = ")]))
        if not is_function and _HAVE_TWIN.fullmatch(called(node)) and not run.tensor(event.inputs[0]).requires_grad:
            line, column = run.source.place(node.func.value)[2:]
            place = run.source.insert_at(line, column + len(f".{called(node)}"), "_")
            title = words.fill(N_("Change it in place: `{op}_`"), {"op": called(node)})
            if run.source.lines[line - 1][column:].startswith(f".{called(node)}"):
                one.fixes.append(Fix(title, "maybe", [place]))
        found[event.span] = one
    return list(found.values())[:3]


def _not_called(run: Run) -> list[Found]:
    """`model.eval` without the brackets."""
    found = []
    for node in run.source.nodes:
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Attribute):
            continue
        text = dotted(node.value)
        if node.value.attr not in _METHODS or not text:
            continue
        instead = f"{text}()"
        values = {"text": words.code(text), "line": node.lineno, "instead": instead}
        one = Found(values, {"method": node.value.attr}, line=node.lineno)
        one.what = N_("{text} on line {line} only names the method; it isn't called.")
        one.why = N_("A method runs when brackets stand after its name.")
        one.fix = N_("Call it: `{instead}`.")
        title = words.fill(N_("Call it: `{instead}`"), {"instead": instead})
        one.fixes.append(Fix(title, "maybe", [run.source.replace(node.value, instead)]))
        found.append(one)
    return found


def _compared_only(run: Run) -> list[Found]:
    """`p.requires_grad == False` as a statement."""
    found = []
    for node in run.source.nodes:
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Compare):
            continue
        test = node.value
        if not isinstance(test.left, ast.Attribute) or not isinstance(test.ops[0], ast.Eq) or len(test.ops) > 1:
            continue
        left = run.source.text_of(test.left)
        instead = f"{left} = {run.source.text_of(test.comparators[0])}"
        values = {
            "text": words.code(run.source.text_of(test)),
            "line": node.lineno,
            "name": words.code(left),
            "instead": instead,
        }
        one = Found(values, line=node.lineno)
        one.what = N_(
            "{text} on line {line} asks whether both are equal and forgets the answer: {name} stays as it is."
        )
        one.why = N_("`==` compares, `=` sets.")
        one.fix = N_("Write `{instead}`.")
        title = words.fill(N_("Write `{instead}`"), {"instead": instead})
        one.fixes.append(Fix(title, "maybe", [run.source.replace(test, instead)]))
        found.append(one)
    return found


@silent_bug(
    "GL745",
    Severity.WARNING,
    title=N_("`{text}` freezes nothing"),
    what=N_("`{text}` on line {line} sets an attribute of {owner} that nothing reads: {owner} is a module."),
    why=N_("Whether gradients are computed is said by each parameter; a module has the method `requires_grad_()`."),
    fix=N_("Write `{instead}`."),
    example={
        "text": "net.requires_grad = False",
        "line": 5,
        "owner": "`net`",
        "instead": "net.requires_grad_(False)",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
body, head = nn.Linear(3, 4), nn.Linear(4, 1)
body.requires_grad = False
optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.1)
x, y = torch.randn(8, 3), torch.randn(8, 1)
for step in range(3):
    loss = ((head(body(x)) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
body, head = nn.Linear(3, 4), nn.Linear(4, 1)
body.requires_grad_(False)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
x, y = torch.randn(8, 3), torch.randn(8, 1)
for step in range(3):
    loss = ((head(body(x)) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def frozen_in_vain(run: Run) -> list[Found]:
    """`net.requires_grad = False` of a module, or a misspelt `p.require_grad = False`."""
    paths = {m.path for m in run.trace.modules}
    ends = {p.rpartition(".")[2] for p in paths}
    found = []
    for node in run.source.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Attribute):
            continue
        target = node.targets[0]
        owner, text, value = dotted(target.value), run.source.text_of(node), run.source.text_of(node.value)
        if not owner or not isinstance(node.value, ast.Constant) or not isinstance(node.value.value, bool):
            continue
        values = {"text": text, "line": node.lineno, "owner": words.code(owner)}
        if target.attr == "requires_grad":
            if owner not in paths and not (owner.startswith("self.") and owner.rpartition(".")[2] in ends):
                continue
            instead = f"{owner}.requires_grad_({value})"
            one = Found({**values, "instead": instead}, line=node.lineno)
        elif get_close_matches(target.attr, ["requires_grad"], cutoff=0.85):
            instead = f"{owner}.requires_grad = {value}"
            one = Found({**values, "instead": instead, "given": target.attr}, line=node.lineno)
            one.what = N_("`{text}` on line {line} makes a new attribute `{given}`, which PyTorch doesn't read.")
            one.why = N_("Python lets any name be set on an object; the one that counts is `requires_grad`.")
        else:
            continue
        title = words.fill(N_("Write `{instead}`"), {"instead": instead})
        one.fixes.append(Fix(title, "maybe", [run.source.replace(node, instead)]))
        found.append(one)
    return found[:2]
