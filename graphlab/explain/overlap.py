"""GL317: a step that writes into memory that it reads, or into memory that stands for several entries."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix

_STRETCHED = {"expand", "expand_as", "broadcast_to", "broadcast_tensors"}
_VIEWS = {
    "t",
    "view",
    "view_as",
    "reshape",
    "transpose",
    "permute",
    "squeeze",
    "unsqueeze",
    "narrow",
    "select",
    "detach",
}


@diagnosis(
    "GL317",
    Severity.ERROR,
    kinds=("memory_overlap",),
    title=N_("A step writes into memory that it is still reading"),
    what=N_("{written} and {read} share memory: while one is written, the other changes."),
    why=N_(
        "A slice, a row or a transpose is a view: it has no numbers of its own. Which entries were read before they "
        "were overwritten would be left to chance, so PyTorch refuses."
    ),
    fix=N_("Read from a copy: put `.clone()` after {source}, or make a new tensor instead of writing in place."),
    example={"op": "add", "shapes": [[3], [3]]},
    program="""import torch
x = torch.tensor([1.0, 2.0, 3.0, 4.0])
x[1:] += x[:-1]
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0, 3.0, 4.0])
x[1:] += x[:-1].clone()
""",
)
def overlap(case: Case) -> Found | None:
    """An in-place step between views of one tensor, or into a stretched one."""
    written, read = _sides(case)
    shapes = case.facts.get("shapes") or []
    if case.facts.get("repeats") or len(shapes) == 1:
        return _stretched(case, written)
    if read is None or not _is_view(read):
        return Found({"written": _("what is written"), "read": _("what is read"), "source": _("it")})
    source = words.code(case.source.text_of(read))
    found = Found({"written": _told(case, written, shapes, 0), "read": _told(case, read, shapes, 1), "source": source})
    edits = case.source.append(read, ".clone()")
    if edits:
        found.fixes.append(Fix(_("Read from a copy: `.clone()`"), "safe", edits))
    return found


def _stretched(case: Case, written: ast.expr | None) -> Found:
    name = dotted(written) if written is not None else ""
    made = _set_before(case, name) if name else written
    found = Found({"written": words.code(name) if name else _("The tensor")})
    found.what = N_("{written} was stretched without copying: several of its entries are one number in memory.")
    found.why = N_(
        "`expand` makes a view in which stretched entries are the same number; a write into one would change them all."
    )
    found.fix = N_("Give it numbers of its own before you write into it: `.clone()` after `expand`.")
    found.title = N_("A stretched tensor is written into")
    if isinstance(made, ast.Call) and called(made) in _STRETCHED - {"broadcast_tensors"}:
        edits = case.source.append(made, ".clone()")
        if edits:
            found.fixes.append(Fix(_("Copy what was stretched: `.clone()`"), "safe", edits))
    return found


def _set_before(case: Case, name: str) -> ast.expr | None:
    """What a name was set to above the failing line; that line itself, such as `grid += 1`, doesn't count."""
    values = [
        node.value
        for node in case.source.nodes
        if isinstance(node, ast.Assign) and node.lineno < case.line and dotted(node.targets[0]) == name
    ]
    return values[-1] if values else None


def _sides(case: Case) -> tuple[ast.expr | None, ast.expr | None]:
    """What the statement on the failing line writes, and what it reads."""
    for node in case.source.nodes:
        if not isinstance(node, ast.stmt) or node.lineno != case.line or hasattr(node, "body"):
            continue
        if isinstance(node, ast.AugAssign):
            return node.target, node.value
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            return node.targets[0], node.value
        value = getattr(node, "value", None)
        if isinstance(value, ast.Call):
            out = next((k.value for k in value.keywords if k.arg == "out"), None)
            if out is not None:
                return out, next((a for a in value.args if _is_view(a)), None)
            if isinstance(value.func, ast.Attribute):
                first = value.args[0] if value.args else next((k.value for k in value.keywords), None)
                return value.func.value, first
    return None, None


def _is_view(node: ast.expr) -> bool:
    """Whether an expression can be a view of something, or that itself."""
    if isinstance(node, ast.Call):
        return called(node) in _VIEWS
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def _told(case: Case, node: ast.expr | None, shapes: list[list[int]], at: int) -> str:
    text = words.code(case.source.text_of(node)) if node is not None else _("what is written")
    return f"{text} {words.shape(shapes[at])}" if at < len(shapes) else text
