"""Gradients: what can have one, where backward may start, and what in-place writes break."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.losses import dtype_name
from graphlab.explain.shapes import rewrite
from graphlab.explain.source import argument, called, dotted, integer, literal
from graphlab.explain.values import index_of
from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Edit, Fix

_CREATORS = ("tensor", "zeros", "ones", "arange", "full", "randint", "as_tensor", "eye")


def _floated_literals(case: Case, node: ast.expr) -> list[Edit]:
    """Edits that write each whole number of a literal with a point: `[1, 2]` → `[1., 2.]`."""
    return [
        case.source.replace(part, f"{part.value}.")
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and type(part.value) is int and case.source.text_of(part).isdigit()
    ]


@diagnosis(
    "GL301",
    Severity.ERROR,
    kinds=("integer_grad",),
    title=N_("Whole numbers can't have gradients"),
    what=N_("{name} has dtype {dtype}, and `requires_grad` asks for a gradient of it."),
    why=N_("A gradient says what a tiny change does, and whole numbers have no tiny changes; only floating point can."),
    fix=N_("Write the numbers with a point (`1.`), or pass `dtype=torch.float32`."),
    example={"dtype": "int64"},
    program="""import torch
x = torch.tensor([1, 2, 3], requires_grad=True)
""",
    mended="""import torch
x = torch.tensor([1., 2., 3.], requires_grad=True)
""",
)
def integer_grad(case: Case) -> Found | None:
    """`requires_grad` on an integer tensor."""
    name = case.span.name if case.span else ""
    dtype = dtype_name(str(case.facts.get("dtype") or ""))
    found = Found({"name": words.code(name) if name else _("the tensor"), "dtype": dtype})
    if not dtype:
        found.what = N_("{name} holds whole numbers, and `requires_grad` asks for a gradient of it.")
    call = case.call_of(*_CREATORS)
    if call is None:
        method = case.call_of("requires_grad_")
        if method is not None and isinstance(method.func, ast.Attribute):
            owner = method.func.value
            edits = case.source.append(owner, ".float()")
            if isinstance(owner, ast.Name):
                found.words["name"] = words.code(owner.id)
            if isinstance(owner, ast.Call):  # on a name, the new tensor would be lost
                title = words.fill(
                    N_("Turn it into floats first: `{text}.float()`"), {"text": case.source.text_of(owner)}
                )
                found.fixes.append(Fix(title, "maybe", edits))
            made = case.source.assigned(dotted(owner), owner) if dotted(owner) else owner
            call = made if isinstance(made, ast.Call) and called(made) in _CREATORS else None
    if call is None:
        return found
    old = argument(call, 99, "dtype")
    if called(call) in ("tensor", "as_tensor") and call.args and old is None:
        edits = _floated_literals(case, call.args[0])
        data = literal(call.args[0])
        if edits and data is not None:
            first = edits[0].text
            title = words.fill(N_("Write the numbers with a point: `{first}` and so on"), {"first": first})
            if len(edits) == 1:
                title = words.fill(N_("Write the number with a point: `{first}`"), {"first": first})
            found.fixes.append(Fix(title, "safe", edits))
    edit = (
        case.source.replace(old, "torch.float32")
        if old is not None
        else case.source.add_argument(call, "dtype=torch.float32")
    )
    found.fixes.append(
        Fix(_("Add `dtype=torch.float32`") if old is None else _("Use `dtype=torch.float32`"), "safe", [edit])
    )
    return found


@diagnosis(
    "GL302",
    Severity.ERROR,
    kinds=("non_scalar_backward", "complex_backward", "python"),
    over=("GL900",),
    title=N_("`backward()` starts from one number, but {name} has {n}"),
    what=N_("{name} has shape {shape}, so it isn't clear which of its {n} numbers the gradients should be of."),
    why=N_("Each gradient answers how one number changes; for several, PyTorch must know how to weigh them."),
    fix=N_(
        "Make one number of it with `.sum()` or `.mean()`, or pass weights: "
        "`backward(gradient=torch.ones_like({text}))`."
    ),
    example={"shape": [3]},
    program="""import torch
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([1.0, 1.0, 1.0])
z = x + y
z.backward()
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([1.0, 1.0, 1.0])
z = x + y
z.sum().backward()
""",
)
def non_scalar_backward(case: Case) -> Found | None:
    """backward() on more than one number."""
    if case.kind == "python":
        return _function_of_many(case)
    call = case.call_of("backward")
    owner = call.func.value if call is not None and isinstance(call.func, ast.Attribute) else None
    if called(call) != "backward" or owner is None or dotted(owner) in ("torch.autograd", "autograd"):
        owner = None
    text = case.source.base(owner) if owner is not None else "z"
    name = dotted(owner) if owner is not None else ""
    shape = case.facts.get("shape")
    said = words.code(name) if name else (_("the tensor"))
    found = Found({"name": said, "text": text})
    if case.kind == "complex_backward" or "real scalar outputs" in case.message:
        found.title = N_("`backward()` starts from a real number, but {name} is complex")
        found.what = N_("{name} holds a complex number, and gradients are computed of a real one only.")
        found.why = N_("A loss is to become smaller, and complex numbers have no order: neither is the smaller one.")
        found.fix = N_("Make a real number of it: `.abs()`, `.real`, or `.abs().pow(2)`.")
        if owner is not None and call is not None and not call.args:
            for suffix in (".abs()", ".real"):
                title = words.fill(N_("Make a real number of it: `{text}`"), {"text": f"{text}{suffix}"})
                found.fixes.append(Fix(title, "maybe", case.source.append(owner, suffix)))
        return found
    if shape is None:
        found.title = N_("`backward()` starts from one number")
        found.what = N_("The tensor that `backward()` was called on holds more than one number.")
    elif (asked := case.call_of("grad")) is not None and asked.args and owner is None:
        return _grad_of_many(case, asked, words.tuple_of(shape))
    else:
        n = 1
        for size in shape:
            n *= int(size)
        found.words.update(n=n, shape=words.shape(words.tuple_of(shape)))
        if n == 0:
            found.what = N_(
                "{name} has shape {shape}: it holds no number at all, so there is nothing to take gradients of."
            )
            return found
    if owner is None or call is None or call.args or call.keywords:
        return found
    for suffix, said in (
        (".sum()", N_("Add all of it up: `{text}.sum().backward()`; gradients add up over the entries")),
        (
            ".mean()",
            N_("Take the average: `{text}.mean().backward()`; gradients don't grow with the number of entries"),
        ),
    ):
        found.fixes.append(Fix(words.fill(said, {"text": text}), "maybe", case.source.append(owner, suffix)))
    if name:
        edit = case.source.add_argument(call, f"gradient=torch.ones_like({text})")
        title = words.fill(
            N_("Weigh each entry with 1: `{text}.backward(gradient=torch.ones_like({text}))`, the same as `.sum()`"),
            {"text": text},
        )
        found.fixes.append(Fix(title, "maybe", [edit]))
    return found


def _grad_of_many(case: Case, call: ast.Call, shape: list[int]) -> Found:
    """`torch.autograd.grad(u, x)` of a `u` with several numbers."""
    output = case.source.text_of(call.args[0])
    n = 1
    for size in shape:
        n *= size
    found = Found({"name": words.code(output), "n": n, "shape": words.shape(shape), "text": output})
    found.title = N_("`grad` starts from one number, but {name} has {n}")
    found.what = N_("{name} has shape {shape}, so it isn't clear which of its {n} numbers the gradients should be of.")
    found.fix = N_(
        "Weigh each entry with 1: `grad_outputs=torch.ones_like({text})`; where each entry comes from its own input "
        "only, that gives the derivative of each."
    )
    title = words.fill(N_("Weigh each entry with 1: `grad_outputs=torch.ones_like({text})`"), {"text": output})
    edit = case.source.add_argument(call, f"grad_outputs=torch.ones_like({output})")
    found.fixes.append(Fix(title, "maybe", [edit]))
    return found


def _function_of_many(case: Case) -> Found | None:
    """`torch.func.grad` of a function that gives more than one number."""
    if "to return a scalar" not in (case.message or str(case.facts.get("message") or "")):
        return None
    call = case.call_of("grad", "grad_and_value")
    function = case.source.text_of(call.args[0]) if call is not None and call.args else ""
    shown = function if function.isidentifier() else ""
    found = Found({"name": words.code(shown) if shown else _("the function")})
    found.title = N_("`grad` wants a function that gives one number")
    found.what = N_("{name} gives a tensor with several numbers, and `grad` takes the gradient of one.")
    found.fix = N_("Let the function end with `.sum()`, or use `torch.func.jacrev`, which gives all derivatives.")
    if call is not None and shown:
        text = f"lambda *args: {shown}(*args).sum()"
        title = words.fill(N_("Add its numbers up: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(call.args[0], text)]))
        title = words.fill(N_("Take all derivatives: `{text}`"), {"text": f"torch.func.jacrev({shown})"})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(call.func, "torch.func.jacrev")]))
    return found


@diagnosis(
    "GL303",
    Severity.ERROR,
    kinds=("no_grad_fn",),
    title=N_("No gradient can flow from {name}"),
    what=N_("`backward()` was called on {name}, but nothing it was computed from has `requires_grad=True`."),
    why=N_(
        "PyTorch keeps the graph only for tensors that depend on one with `requires_grad`, and not under "
        "`no_grad` or after `detach()`."
    ),
    fix=N_("Create the tensors to learn with `requires_grad=True`, and compute {name} outside of `torch.no_grad()`."),
    example={},
    program="""import torch
w = torch.tensor(2.0)
loss = w * 3
loss.backward()
""",
    mended="""import torch
w = torch.tensor(2.0, requires_grad=True)
loss = w * 3
loss.backward()
""",
)
def no_grad_fn(case: Case) -> Found | None:
    """backward() on a tensor without a graph."""
    call = case.call_of("backward")
    owner = call.func.value if call is not None and isinstance(call.func, ast.Attribute) else None
    name = dotted(owner) if owner is not None else ""
    found = Found({"name": words.code(name) if name else _("this tensor")})
    second = case.call_of("grad")
    earlier = [
        c for c in case.source.calls() if called(c) == "grad" and second is not None and c.lineno < second.lineno
    ]
    if second is not None and earlier and argument(earlier[-1], 99, "create_graph") is None:
        found.words["line"] = earlier[-1].lineno
        found.what = N_("The gradient that line {line} computed has no graph of its own, so it can't be derived again.")
        found.why = N_("`autograd.grad` gives plain numbers unless it is told to record its own steps.")
        found.fix = N_("Pass `create_graph=True` on line {line}.")
        title = words.fill(N_("Add `create_graph=True` on line {line}"), found.words)
        found.fixes.append(Fix(title, "safe", [case.source.add_argument(earlier[-1], "create_graph=True")]))
        return found
    cut = _cut(case)
    if cut is not None:
        line, op = cut
        found.words.update(op=words.code(op), line=line)
        found.facts["cut"] = {"line": line, "op": op}
        found.line = 0
        found.what = N_("{name} depends on tensors with `requires_grad`, but the graph ends at {op} on line {line}.")
        found.why, found.fix = _why_cut(case, line, op)
        return found
    if name and owner is not None:
        found.fixes.extend(_requires_grad_fixes(case, owner))
    return found


def _why_cut(case: Case, line: int, op: str) -> tuple[str, str]:
    """Why the graph ends at an operator on a line, and what to do: what is true of that operator only."""
    if op in ("detach", "detach_", "item", "numpy"):
        return (
            N_("{op} gives the same numbers without their history, so nothing behind it is asked for a gradient."),
            N_("Leave out {op} on line {line}, or take the loss from the tensor before it."),
        )
    is_switched_off = any(
        isinstance(n, ast.With)
        and n.lineno <= line <= (n.end_lineno or n.lineno)
        and any(called(i.context_expr) in ("no_grad", "inference_mode", "set_grad_enabled") for i in n.items)
        for n in case.source.nodes
    )
    if is_switched_off:
        return (
            N_("Under `torch.no_grad()` nothing is recorded, so the results have no history."),
            N_("Take line {line} out of `torch.no_grad()`."),
        )
    if op in _STEPS:
        return (
            N_("{op} gives whole numbers, or true and false: a tiny change of its input changes nothing, or all."),
            N_("Compute the loss from the scores before {op}; for classes `F.cross_entropy(scores, classes)` does it."),
        )
    return (
        N_(
            "Under `torch.no_grad()` nothing is recorded, and `detach()`, `.data` and `.item()` give numbers "
            "without a history."
        ),
        N_("Take line {line} out of `torch.no_grad()`, or leave out what cuts the graph there."),
    )


_STEPS = frozenset(
    [
        "argmax",
        "argmin",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "argsort",
        "isnan",
        "long",
        "int",
        "to",
        "bool",
        "multinomial",
    ]
)


def _cut(case: Case) -> tuple[int, str] | None:
    """Line and operator where a result stops to require a gradient although its inputs do; None where none did."""
    if case.trace is None:
        return None
    operands = case.facts.get("operands") or []
    start = operands[0].get("tensor", -1) if operands and isinstance(operands[0], dict) else -1
    queue = [start, *(t.id for t in case.tensors)]
    seen: set[int] = set()
    while queue and len(seen) < 10_000:
        tensor = queue.pop(0)
        made = index_of(case.trace).producer.get(tensor, -1) if tensor >= 0 else -1
        if made < 0 or tensor in seen:
            continue
        seen.add(tensor)
        event = case.trace.events[made]
        inputs = [t for t in event.inputs if t >= 0]
        if any(case.trace.tensors[t].requires_grad for t in inputs) and 0 <= event.span < len(case.trace.spans):
            return case.trace.spans[event.span].line, event.op
        queue.extend(inputs)
    return None


def _requires_grad_fixes(case: Case, node: ast.expr) -> list[Fix]:
    """`requires_grad=True` at the float literals that a name was computed from."""
    seen: set[str] = set()
    fixes: list[Fix] = []
    queue: list[ast.expr] = [node]
    while queue and len(seen) < 50:
        at = queue.pop(0)
        for part in ast.walk(at):
            if not isinstance(part, ast.Name) or part.id in seen:
                continue
            seen.add(part.id)
            made = case.source.assigned(part.id, part)
            if made is None:
                continue
            if isinstance(made, ast.Call) and called(made) in ("tensor", "zeros", "ones", "randn", "rand", "full"):
                data = literal(made.args[0]) if made.args and called(made) == "tensor" else 1.0
                is_float = called(made) != "tensor" or (data is not None and "." in repr(data))
                if (
                    is_float
                    and argument(made, 99, "requires_grad") is None
                    and part.id not in ("x", "y", "X", "Y", "target", "targets", "labels")
                ):
                    title = words.fill(
                        N_("Let {name} have a gradient: `requires_grad=True`"), {"name": words.code(part.id)}
                    )
                    fixes.append(Fix(title, "maybe", [case.source.add_argument(made, "requires_grad=True")]))
            else:
                queue.append(made)
    return fixes[:3]


@diagnosis(
    "GL304",
    Severity.ERROR,
    kinds=("backward_twice",),
    title=N_("The graph of {name} was already used by an earlier `backward()`"),
    what=N_("`backward()` goes a second time through a graph whose saved values were freed after the first."),
    why=N_("To save memory PyTorch frees what backward needs as it goes, so a graph can be walked once only."),
    fix=N_(
        "Compute the loss anew before each `backward()`, and `.detach()` what is carried over from one turn to the "
        "next; if you really need the same graph twice, pass `retain_graph=True` the first time."
    ),
    example={},
    program="""import torch
x = torch.tensor(3.0, requires_grad=True)
y = x * x
y.backward()
y.backward()
""",
    mended="""import torch
x = torch.tensor(3.0, requires_grad=True)
y = x * x
y.backward(retain_graph=True)
y.backward()
""",
)
def backward_twice(case: Case) -> Found | None:
    """A second backward over one graph."""
    call = case.call_of("backward")
    owner = call.func.value if call is not None and isinstance(call.func, ast.Attribute) else None
    name = dotted(owner) if owner is not None else ""
    found = Found({"name": words.code(name) if name else _("this tensor")})
    if call is None:
        return found
    earlier = [c for c in case.source.calls() if called(c) == "backward" and c.lineno < call.lineno]
    same = [c for c in earlier if isinstance(c.func, ast.Attribute) and dotted(c.func.value) == name]
    target = (same or earlier or [call])[-1]
    if argument(target, 1, "retain_graph") is None:
        title = words.fill(
            N_("Keep the graph after the first pass: `retain_graph=True` on line {line}"), {"line": target.lineno}
        )
        found.fixes.append(Fix(title, "maybe", [case.source.add_argument(target, "retain_graph=True")]))
    return found


def _updates_after(case: Case, statement: ast.stmt) -> list[ast.stmt]:
    """The updates in place that follow a statement, line by line: `b -= lr * b.grad`, `w.grad.zero_()`."""
    bodies = (getattr(n, "body", None) for n in case.source.nodes)
    body: list[ast.stmt] = next((b for b in bodies if isinstance(b, list) and statement in b), [])
    found: list[ast.stmt] = []
    line = statement.lineno
    for each in body[body.index(statement) + 1 :] if body else []:
        is_call = isinstance(each, ast.Expr) and called(each.value).endswith("_")
        if (
            each.lineno != line + 1
            or each.lineno != each.end_lineno
            or not (isinstance(each, ast.AugAssign) or is_call)
        ):
            break
        found.append(each)
        line = each.lineno
    return found if any(isinstance(f, ast.AugAssign) for f in found) else []


@diagnosis(
    "GL305",
    Severity.ERROR,
    kinds=("inplace_leaf",),
    title=N_("{name} is changed in place while its gradient is being recorded"),
    what=N_("{name} was made with `requires_grad=True`, and line {line} writes into it with {op}."),
    why=N_(
        "A leaf must keep the value at which its gradient is taken, so PyTorch allows such writes only under "
        "`torch.no_grad()`."
    ),
    fix=N_(
        "Put an update of a parameter inside `with torch.no_grad():`, or make a new tensor instead, such as `w "
        "= w - step`."
    ),
    example={"op": "sub_"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
w -= 0.1
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
with torch.no_grad():
    w -= 0.1
""",
)
def inplace_leaf(case: Case) -> Found | None:
    """An in-place write into a leaf that requires grad."""
    statement = next(
        (n for n in case.source.nodes if isinstance(n, ast.stmt) and n.lineno == case.line and not hasattr(n, "body")),
        None,
    )
    name, op = "", case.op
    if isinstance(statement, ast.AugAssign):
        target = statement.target
        name = dotted(target.value) if isinstance(target, ast.Subscript) else dotted(target)
        symbol = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/="}.get(type(statement.op))
        op = symbol or op
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        name, op = dotted(statement.targets[0].value), "[…] ="
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute):
            name, op = dotted(function.value), function.attr
    tensors = case.tensors
    name = name or (tensors[0].name if tensors else "")
    found = Found(
        {
            "name": words.code(name) if name else _("a leaf tensor"),
            "op": words.code(op) if op else _("an in-place operation"),
            "line": case.line,
        }
    )
    if not case.line:
        found.what = N_("A tensor made with `requires_grad=True` is written into in place.")
    if isinstance(statement, ast.AugAssign | ast.Assign | ast.Expr) and statement.lineno == statement.end_lineno:
        line, column, end_line, end_column = case.source.place(statement)
        indent = case.source.lines[line - 1][:column]
        if not indent.strip():
            text = case.source.text_of(statement)
            edits = [Edit(line, column, end_line, end_column, f"with torch.no_grad():\n{indent}    {text}")]
            edits += [case.source.insert_at(s.lineno, column, "    ") for s in _updates_after(case, statement)]
            found.fixes.append(Fix(_("Do it without recording: `with torch.no_grad():`"), "maybe", edits))
    return found


@diagnosis(
    "GL306",
    Severity.ERROR,
    kinds=("inplace_modified",),
    title=N_("A value that backward needs was overwritten"),
    what=N_("{tensor} was changed in place after {op} had saved it for its gradient."),
    why=N_(
        "Backward computes with the values of the forward pass; once they are overwritten, the gradient would be wrong."
    ),
    fix=N_(
        "Replace the in-place step (`+=`, `relu_`, `x[0] = …`) by one that makes a new tensor, such as `x = x + "
        "1`, or change a `.clone()`."
    ),
    example={"op": "ExpBackward0", "shape": [3], "version": 1, "expected": 0},
    program="""import torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.exp(x)
y += 1
y.sum().backward()
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = torch.exp(x)
y = y + 1
y.sum().backward()
""",
)
def inplace_modified(case: Case) -> Found | None:
    """A saved tensor whose version moved on."""
    shape = case.facts.get("shape")
    op = words.operator(str(case.facts.get("op") or ""))
    version, expected = case.facts.get("version"), case.facts.get("expected")
    found = Found(
        {
            "tensor": _("a tensor of shape {shape}").format(shape=words.shape(words.tuple_of(shape)))
            if shape
            else _("a tensor"),
            "op": words.code(op) if op else _("an operation"),
        }
    )
    if version is not None and expected is not None:
        n = int(version) - int(expected)
        found.words["times"] = ngettext("{n} time", "{n} times", n).format(n=n)
        found.what = N_("{tensor} was changed in place {times} after {op} had saved it for its gradient.")
    statements = [
        n
        for n in case.source.nodes
        if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name) and n.lineno < (case.line or 1 << 30)
    ]
    symbols = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
    for statement in statements:
        symbol = symbols.get(type(statement.op))
        if (
            symbol is None
            or not isinstance(statement.target, ast.Name)
            or integer(case.source.assigned(statement.target.id, statement)) is not None
        ):
            continue
        name, value = statement.target.id, case.source.text_of(statement.value)
        if isinstance(statement.value, ast.BinOp | ast.IfExp | ast.Lambda):
            value = f"({value})"
        text = f"{name} = {name} {symbol} {value}"
        title = words.fill(N_("Make a new tensor on line {line}: `{text}`"), {"line": statement.lineno, "text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(statement, text)]))
    if len(found.fixes) > 3:
        found.fixes.clear()
    return found


@diagnosis(
    "GL307",
    Severity.ERROR,
    kinds=("jacobian_call", "not_callable"),
    title=N_("`{function}` wants a function, not a tensor"),
    what=N_(
        "The first argument of `{function}` is {got}, but it must be a function that computes the output from "
        "the input."
    ),
    why=N_(
        "`{function}` calls the function itself, on inputs that it prepares, to see how each output depends on "
        "each input."
    ),
    fix=N_("Pass the computation: `{call}`, or the name of a function defined with `def`."),
    example={"function": "jacobian", "got": "Tensor"},
    program="""import torch
from torch.autograd.functional import jacobian
x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
y = x ** 2
print(jacobian(y, x))
""",
    mended="""import torch
from torch.autograd.functional import jacobian
x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print(jacobian(lambda x: x ** 2, x))
""",
)
def jacobian_call(case: Case) -> Found | None:
    """jacobian(y, x) with tensors."""
    call = case.call_of("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp") or _transform_of_tensor(case)
    function = str(case.facts.get("function") or called(call) or "")
    if not function:
        return None
    got = _("a tensor")
    shown = f"{function}(lambda x: x ** 2, x)"
    found = Found({"function": function, "got": got, "call": shown})
    if call is None or not call.args:
        return found
    first = call.args[0]
    second = call.args[1] if len(call.args) > 1 else _variable_of(case, first)
    if len(call.args) < 2:
        found.words["call"] = f"{function}(lambda x: x ** 2)(x)"
    if isinstance(first, ast.Name):
        found.words["got"] = _("the tensor {name}").format(name=words.code(first.id))
    body: ast.expr | None = case.source.assigned(dotted(first), first) if dotted(first) else first
    if body is None or not isinstance(second, ast.Name) or called(body) in _CREATORS:
        return found
    names = {n.id for n in ast.walk(body) if isinstance(n, ast.Name)}
    if second.id not in names:
        return found
    text = f"lambda {second.id}: {case.source.text_of(body)}"
    found.words["call"] = (
        f"{function}({text}, {second.id})" if len(call.args) > 1 else f"{function}({text})({second.id})"
    )
    title = words.fill(N_("Pass the function instead: `{call}`"), found.words)
    found.fixes.append(Fix(title, "safe", [case.source.replace(first, text)]))
    return found


def _transform_of_tensor(case: Case) -> ast.Call | None:
    """`grad(y)(x)` of torch.func, where `y` is a tensor."""
    call = case.call_of("grad", "vmap", "jacrev", "jacfwd", "grad_and_value")
    is_func = call is not None and isinstance(case.source.parents.get(call), ast.Call) and len(call.args) == 1
    return call if is_func and "not callable" in case.message else None


def _variable_of(case: Case, node: ast.expr) -> ast.expr | None:
    """The first variable that an expression was computed from."""
    made = case.source.assigned(dotted(node), node) if dotted(node) else node
    return next((n for n in ast.walk(made) if isinstance(n, ast.Name)), None) if made is not None else None


@diagnosis(
    "GL308",
    Severity.ERROR,
    kinds=("unused_input",),
    title=N_("The result doesn't depend on one of the inputs"),
    what=N_("`autograd.grad` was asked for a gradient of a tensor that the output was not computed from."),
    why=N_(
        "A tensor made by `clone`, indexing or a second `tensor(…)` is another tensor: only what the graph "
        "holds has a gradient."
    ),
    fix=N_("Ask for a tensor that the output really uses, or pass `allow_unused=True` where some may be unused."),
    example={},
    program="""import torch
x = torch.tensor(1.0, requires_grad=True)
y = torch.tensor(2.0, requires_grad=True)
z = x * 3
print(torch.autograd.grad(z, y))
""",
    mended="""import torch
x = torch.tensor(1.0, requires_grad=True)
y = torch.tensor(2.0, requires_grad=True)
z = x * 3
print(torch.autograd.grad(z, x))
""",
)
def unused_grad(case: Case) -> Found | None:
    """autograd.grad of a tensor that is not in the graph."""
    return Found()


@diagnosis(
    "GL309",
    Severity.ERROR,
    kinds=("numpy_requires_grad",),
    title=N_("{name} has a graph behind it, so it can't become a NumPy array directly"),
    what=N_("`.numpy()` was called on {name}, which requires a gradient."),
    why=N_(
        "NumPy knows nothing of gradients: the graph would end there without a word, so PyTorch asks you to say so."
    ),
    fix=N_("Write `.detach().numpy()`: the numbers without their history."),
    example={},
    program="""import torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
print(x.numpy())
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
print(x.detach().numpy())
""",
)
def numpy_grad(case: Case) -> Found | None:
    """.numpy() on a tensor that requires grad."""
    call = case.call_of("numpy")
    found = Found({"name": _("the tensor")})
    if call is not None and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        operand = Argument("", case.source.text_of(owner), dotted(owner), [], owner)
        if operand.name:
            found.words["name"] = words.code(operand.name)
        title = words.fill(N_("Write `{text}.detach().numpy()`"), {"text": operand.base})
        found.fixes.append(Fix(title, "safe", rewrite(case, operand, ".detach()")))
    return found


@diagnosis(
    "GL310",
    Severity.ERROR,
    kinds=("gradient_shape",),
    title=N_("The `gradient` passed to `backward` has shape {given}, not {wanted}"),
    what=N_("The tensor has shape {wanted}, but the `gradient` passed to `backward` has shape {given}."),
    why=N_("`gradient` weighs each entry of the tensor, so it needs exactly one number for each."),
    fix=N_("Pass a gradient of shape {wanted}, for instance `torch.ones_like(…)` of the tensor."),
    example={"shape": [2], "wanted": [3]},
    program="""import torch
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
z = x * 2
z.backward(torch.ones(2))
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
z = x * 2
z.backward(torch.ones(3))
""",
)
def grad_shape(case: Case) -> Found | None:
    """backward(gradient=…) of another shape."""
    given, wanted = case.facts.get("shape"), case.facts.get("wanted")
    if given is None or wanted is None:
        return None
    found = Found({"given": words.shape(words.tuple_of(given)), "wanted": words.shape(words.tuple_of(wanted))})
    if case.facts.get("function"):
        found.words["function"] = words.code(str(case.facts["function"]))
        found.title = N_("`backward` of {function} gives a gradient of shape {given}, not {wanted}")
        found.what = N_("An input of {function} has shape {wanted}, and the gradient for it has shape {given}.")
        found.why = N_("A gradient holds one number for each entry of the input, so it has the shape of the input.")
        found.fix = N_(
            "Give each entry of the input its number: zeros of its shape, and the gradient put in its place."
        )
        return found
    call = case.call_of("backward")
    old = argument(call, 0, "gradient") if call is not None else None
    if call is not None and old is not None and isinstance(call.func, ast.Attribute) and dotted(call.func.value):
        text = f"torch.ones_like({dotted(call.func.value)})"
        title = words.fill(N_("Weigh each entry with 1: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(old, text)]))
    return found


@diagnosis(
    "GL311",
    Severity.ERROR,
    kinds=("not_scalar",),
    title=N_("A tensor of {n} can't become one Python number"),
    what=N_("`item()`, `float()` or `int()` was asked of a tensor with {n}."),
    why=N_("Only a tensor with exactly one entry has one Python number."),
    fix=N_(
        "Reduce it first (`.sum().item()`, `.mean().item()`), pick one entry (`x[0].item()`), or take all with "
        "`.tolist()`."
    ),
    example={"n": 3},
    program="""import torch
x = torch.tensor([1.0, 2.0, 3.0])
print(x.item())
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0, 3.0])
print(x.tolist())
""",
)
def item_many(case: Case) -> Found | None:
    """item() on several entries."""
    n = case.facts.get("n")
    if n is None and case.facts.get("shape") is not None:
        n = 1
        for size in case.facts["shape"]:
            n *= int(size)
    said = ngettext("{n} entry", "{n} entries", int(n)).format(n=int(n)) if n is not None else _("several entries")
    found = Found({"n": said})
    call = case.call_of("item")
    if call is not None and isinstance(call.func, ast.Attribute):
        text = case.source.text_of(call.func.value)
        shape = case.facts.get("shape")
        if shape is not None and len(text) < 40:
            found.words.update(x=words.code(text), shape=words.shape(words.tuple_of(shape)))
            found.what = N_("{x} has shape {shape}, and `item()` was asked of it as if it were one number.")
        edit = case.source.replace(call, f"{text}.tolist()")
        found.fixes.append(
            Fix(words.fill(N_("Take all of them as a list: `{text}.tolist()`"), {"text": text}), "maybe", [edit])
        )
        title = words.fill(N_("Take their mean: `{text}.mean().item()`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", case.source.append(call.func.value, ".mean()")))
    return found


@diagnosis(
    "GL312",
    Severity.ERROR,
    kinds=("ambiguous_bool",),
    title=N_("A tensor with several entries is neither true nor false"),
    what=N_("{place} asks whether a tensor with more than one entry is true."),
    why=N_("Each entry has its own answer, so `if`, `and`, `or` and `not` can't decide for all of them."),
    fix=N_("Say which you mean: `.all()`, `.any()`, or for a choice entry by entry `torch.where`."),
    example={},
    program="""import torch
x = torch.tensor([1.0, -2.0])
if x > 0:
    print("positive")
""",
    mended="""import torch
x = torch.tensor([1.0, -2.0])
if (x > 0).all():
    print("positive")
""",
)
def bool_ambiguous(case: Case) -> Found | None:
    """A truth test of several entries."""
    found = Found({"place": _("line {line}").format(line=case.line) if case.line else _("the program")})
    test = next(
        (
            n.test
            for n in case.source.nodes
            if isinstance(n, ast.If | ast.While | ast.Assert) and n.test.lineno == case.line
        ),
        None,
    )
    if isinstance(test, ast.Compare | ast.Name | ast.Call):
        text = case.source.text_of(test)
        for method, said in (
            (".all()", N_("True when it holds for every entry: `({text}).all()`")),
            (".any()", N_("True when it holds for at least one: `({text}).any()`")),
        ):
            found.fixes.append(Fix(words.fill(said, {"text": text}), "maybe", case.source.append(test, method)))
    return found
