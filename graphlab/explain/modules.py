"""Modules and optimizers: what they need before they can work."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix

OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Rprop", "LBFGS", "Adamax")


@diagnosis(
    "GL701",
    Severity.ERROR,
    kinds=("optimizer_empty",),
    title=N_("The optimizer got no parameters"),
    what=N_("{optimizer} was given an empty list: there is nothing that it could change."),
    why=N_(
        "An optimizer changes the tensors it is given; `parameters()` finds layers only where they are "
        "attributes of the module, not in a plain list."
    ),
    fix=N_(
        "Pass `model.parameters()` of a model that has layers; put layers of a list into `nn.ModuleList`, and make "
        "tensors of your own an `nn.Parameter`."
    ),
    example={},
    program="""import torch
optimizer = torch.optim.SGD([], lr=0.1)
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
""",
)
def optimizer_empty(case: Case) -> Found | None:
    """An optimizer over nothing."""
    call = case.call_of(*OPTIMIZERS)
    found = Found({"optimizer": words.code(called(call)) if call is not None else _("the optimizer")})
    if call is not None and call.args and isinstance(call.args[0], ast.List) and not call.args[0].elts:
        leaves = [
            dotted(n.targets[0])
            for n in case.source.nodes
            if isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Name)
            and isinstance(n.value, ast.Call)
            and any(
                k.arg == "requires_grad" and isinstance(k.value, ast.Constant) and k.value.value is True
                for k in n.value.keywords
            )
            and n.lineno < call.lineno
        ]
        if leaves:
            text = f"[{', '.join(dict.fromkeys(leaves))}]"
            title = words.fill(N_("Give it the tensors to learn: `{text}`"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(call.args[0], text)]))
    return found


@diagnosis(
    "GL702",
    Severity.ERROR,
    kinds=("optimizer_non_leaf",),
    title=N_("The optimizer can only change leaves"),
    what=N_("{optimizer} was given a tensor that was computed from others."),
    why=N_(
        "A computed tensor is made anew each time, so changing it would change nothing; only leaves, made "
        "directly, last."
    ),
    fix=N_(
        "Make the tensor first and set `requires_grad_()` last, for instance `(torch.randn(3) * 0.1).requires_grad_()`."
    ),
    example={},
    program="""import torch
w = torch.ones(3, requires_grad=True) * 0.1
optimizer = torch.optim.SGD([w], lr=0.1)
""",
    mended="""import torch
w = (torch.ones(3) * 0.1).requires_grad_()
optimizer = torch.optim.SGD([w], lr=0.1)
""",
)
def optimizer_leaf(case: Case) -> Found | None:
    """An optimizer over a computed tensor."""
    call = case.call_of(*OPTIMIZERS)
    found = Found({"optimizer": words.code(called(call)) if call is not None else _("the optimizer")})
    listed = call.args[0].elts if call is not None and call.args and isinstance(call.args[0], ast.List) else []
    for item in listed:
        made = case.source.assigned(dotted(item), item) if dotted(item) else None
        if not isinstance(made, ast.BinOp):
            continue
        flags = [k for n in ast.walk(made) if isinstance(n, ast.Call) for k in n.keywords if k.arg == "requires_grad"]
        if len(flags) != 1:
            continue
        text = case.source.text_of(made)
        flag = re.escape(case.source.text_of(flags[0]))
        without = re.sub(rf",?\s*{flag}", "", text, count=1)
        title = words.fill(N_("Ask for the gradient last: `({text}).requires_grad_()`"), {"text": without})
        found.fixes.append(Fix(title, "safe", [case.source.replace(made, f"({without}).requires_grad_()")]))
    return found


@diagnosis(
    "GL703",
    Severity.ERROR,
    kinds=("optimizer_tensor", "python"),
    over=("GL900",),
    title=N_("The optimizer wants a list of tensors"),
    what=N_("{optimizer} was given a single tensor instead of a list of tensors."),
    why=N_("An optimizer goes through a list of parameters; a bare tensor would be taken apart into its rows."),
    fix=N_("Put the tensor into a list: `[w]`."),
    example={},
    program="""import torch
w = torch.ones(3, requires_grad=True)
optimizer = torch.optim.SGD(w, lr=0.1)
""",
    mended="""import torch
w = torch.ones(3, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
""",
)
def optimizer_tensor(case: Case) -> Found | None:
    """An optimizer over a bare tensor, a module, or a method that wasn't called."""
    call = case.call_of(*OPTIMIZERS)
    if case.kind == "python":
        if call is None or not call.args or not re.match(r"'\w+' object is not iterable", case.message):
            return None
        text = case.source.text_of(call.args[0])
        is_method = case.message.startswith(("'method'", "'function'"))
        wanted = f"{text}()" if is_method else f"{text}.parameters()"
        found = Found({"optimizer": words.code(called(call)), "given": words.code(text), "wanted": wanted})
        found.what = N_("{optimizer} was given {given}, which is no list of tensors.")
        found.why = N_("An optimizer goes through a list of parameters; `parameters()` of a module gives it.")
        found.fix = N_("Write `{wanted}`.")
        title = words.fill(N_("Write `{wanted}`"), {"wanted": wanted})
        found.fixes.append(Fix(title, "safe", [case.source.replace(call.args[0], wanted)]))
        return found
    found = Found({"optimizer": words.code(called(call)) if call is not None else _("the optimizer")})
    if case.facts.get("got") and case.facts["got"] not in ("Tensor", "torch.FloatTensor", "Parameter"):
        found.words["got"] = words.code(str(case.facts["got"]))
        found.what = N_("{optimizer} was given {got}, which is no list of tensors.")
        found.why = N_("An optimizer goes through a list of parameters; `parameters()` of a module gives it.")
        found.fix = N_("Pass `model.parameters()`, or a list of tensors such as `[w, b]`.")
        return found
    if call is not None and call.args:
        text = f"[{case.source.text_of(call.args[0])}]"
        title = words.fill(N_("Put it into a list: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "safe", [case.source.replace(call.args[0], text)]))
    return found


@diagnosis(
    "GL704",
    Severity.ERROR,
    kinds=("module_init",),
    title=N_("{name} doesn't call `super().__init__()`"),
    what=N_("{name} sets up its layers before `nn.Module` was set up itself."),
    why=N_("`nn.Module` keeps its lists of layers and parameters in attributes that its own `__init__` makes."),
    fix=N_("Make `super().__init__()` the first line of `__init__` in {name}."),
    example={"name": "Net"},
    program="""import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(2, 3)
net = Net()
""",
    mended="""import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)
net = Net()
""",
)
def module_init(case: Case) -> Found | None:
    """A module without super().__init__()."""
    at = [
        (c, f)
        for c in case.source.nodes
        if isinstance(c, ast.ClassDef)
        for f in c.body
        if isinstance(f, ast.FunctionDef) and f.name == "__init__" and not _calls_super(f)
    ]
    here = [(c, f) for c, f in at if c.lineno <= case.line <= (c.end_lineno or 0)] or at
    name = str(case.facts.get("name") or "")
    if not here:
        return Found({"name": words.code(name) if name else _("the module")})
    cls, function = here[0]
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1:
        first = function.body[1]  # after the docstring
    fix = Fix(
        _("Add `super().__init__()` as the first line"), "safe", [case.source.line_before(first, "super().__init__()")]
    )
    return Found({"name": words.code(cls.name)}, fixes=[fix])


def _calls_super(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "__init__"
        for n in ast.walk(function)
    )


@diagnosis(
    "GL705",
    Severity.ERROR,
    kinds=("module_forward",),
    title=N_("{name} has no `forward`"),
    what=N_("{name} was called like a function, but it doesn't define `forward`."),
    why=N_("Calling a module runs its `forward` method, which says how the output is computed."),
    fix=N_("Define `def forward(self, x):` in {name}; check its spelling and that it is indented inside the class."),
    example={"name": "Net"},
    program="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
    def foward(self, x):
        return x
print(Net()(torch.ones(2)))
""",
    mended="""import torch
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
    def forward(self, x):
        return x
print(Net()(torch.ones(2)))
""",
)
def module_forward(case: Case) -> Found | None:
    """A module without forward."""
    name = str(case.facts.get("name") or "")
    found = Found({"name": words.code(name) if name else _("the module")})
    cls = case.source.class_of(name)
    methods = [f for f in cls.body if isinstance(f, ast.FunctionDef)] if cls is not None else []
    from graphlab.explain.names import nearest
    from graphlab.trace.records import Edit

    near = nearest("forward", {f.name for f in methods} - {"__init__"})
    function = next((f for f in methods if near and f.name == near[0]), None)
    if function is not None:
        line = case.source.lines[function.lineno - 1]
        column = line.find(function.name, function.col_offset)
        if column >= 0:
            edit = Edit(function.lineno, column, function.lineno, column + len(function.name), "forward")
            title = words.fill(N_("Rename {old} to `forward`"), {"old": words.code(function.name)})
            found.fixes.append(Fix(title, "safe", [edit]))
    return found
