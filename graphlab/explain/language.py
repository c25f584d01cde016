"""What Python itself says: names, attributes, syntax, limits, and the honest answer where nothing is known."""

from __future__ import annotations

import ast
import builtins
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.names import members_of, nearest
from graphlab.explain.signatures import call_said
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Edit, Fix

_IMPORTS = {
    "torch": "import torch",
    "nn": "import torch.nn as nn",
    "F": "import torch.nn.functional as F",
    "optim": "import torch.optim as optim",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "math": "import math",
    "random": "import random",
}


@diagnosis(
    "GL900",
    Severity.ERROR,
    kinds=("python", "unknown"),
    title=N_("{type} on line {line}"),
    what=N_("Line {line} stopped with {type}: {message}"),
    why=N_("This is the message of Python or PyTorch itself; GraphLab has nothing more certain to say about it."),
    fix=N_(
        "Look at the values that line {line} uses: click the nodes before the red one, or print their shapes "
        "and dtypes."
    ),
    example={},
    program="""raise RuntimeError("something special")
""",
    mended="""print("nothing special")
""",
)
def unknown(case: Case) -> Found | None:
    """Anything that no other entry knows: what is known, and nothing invented."""
    message = " ".join(case.message.split())
    if len(message) > 300:
        message = message[:300] + "…"
    type_ = case.type or _("an error")
    found = Found({"type": type_, "message": message or type_, "line": case.line})
    if not case.line:
        found.title = N_("{type}")
        found.what = N_("The program stopped with {type}: {message}")
        found.fix = N_("Look at the values computed last, or print shapes and dtypes before the place where it stops.")
    return found


def _import_edit(case: Case, text: str) -> Edit:
    line = 1
    for node in case.source.tree.body if case.source.tree is not None else []:
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = (node.end_lineno or node.lineno) + 1
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            break
    if line > len(case.source.lines):
        end = len(case.source.lines)
        return case.source.insert_at(end, len(case.source.lines[-1]), "\n" + text)
    return case.source.insert_at(line, 0, text + "\n")


@diagnosis(
    "GL801",
    Severity.ERROR,
    kinds=("name_unknown",),
    title=N_("The name {name} isn't known"),
    what=N_("The program uses {name}, but nothing of that name was made before."),
    why=N_("Python looks a name up when the line runs; it must have been assigned, imported or defined by then."),
    fix=N_("Check the spelling, or assign {name} before this line."),
    example={"name": "lenght"},
    program="""length = 3
print(lenght)
""",
    mended="""length = 3
print(length)
""",
)
def name_unknown(case: Case) -> Found | None:
    """NameError and UnboundLocalError, with what comes nearest."""
    name = str(case.facts.get("name") or "")
    if not name:
        quoted = re.search(r"'(\w+)'", case.message)
        name = quoted.group(1) if quoted is not None else ""
    if not name:
        return None
    found = Found({"name": words.code(name)}, {"name": name})
    uses = [n for n in case.source.nodes if isinstance(n, ast.Name) and n.id == name and n.lineno == case.line]
    if case.facts.get("is_unbound"):
        found.what = N_("{name} is used in this function before the function gives it a value.")
        found.why = N_("A name that a function assigns anywhere is the function's own from its first line on.")
        found.fix = N_("Assign {name} before this line, pass it as an argument, or give the inner one another name.")
        return found
    if name in _IMPORTS:
        text = _IMPORTS[name]
        found.words["text"] = text
        found.fix = N_("Add `{text}` at the top of the program.")
        if case.source.lines and case.source.tree is not None:
            title = words.fill(N_("Add `{text}` at the top"), {"text": text})
            found.fixes.append(Fix(title, "safe", [_import_edit(case, text)]))
        return found
    known = {n.id for n in case.source.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known |= {n.name for n in case.source.nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    known |= {
        (a.asname or a.name).partition(".")[0]
        for n in case.source.nodes
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    }
    known |= {a.arg for n in case.source.nodes if isinstance(n, ast.arguments) for a in [*n.args, *n.kwonlyargs]}
    near = nearest(name, known | set(dir(builtins)))
    if near:
        found.words["near"] = words.code(near[0])
        found.fix = N_("Did you mean {near}?")
        for other in near[:2]:
            title = words.fill(N_("Write {near}"), {"near": words.code(other)})
            if uses:
                found.fixes.append(Fix(title, "maybe", [case.source.replace(use, other) for use in uses]))
    return found


@diagnosis(
    "GL802",
    Severity.ERROR,
    kinds=("attribute_unknown",),
    title=N_("{owner} has no {name}"),
    what=N_("The program asks {owner} for {name}, which it doesn't have."),
    why=N_("A name after a dot must be something that the object before the dot offers."),
    fix=N_("Check the spelling of {name}, and what kind of object stands before the dot."),
    example={"owner": "Tensor", "name": "shap"},
    program="""import torch
x = torch.tensor([1.0, 2.0])
print(x.shap)
""",
    mended="""import torch
x = torch.tensor([1.0, 2.0])
print(x.shape)
""",
)
def attribute_unknown(case: Case) -> Found | None:
    """AttributeError, with what comes nearest where the message or the facts say it."""
    name, owner = str(case.facts.get("name") or ""), str(case.facts.get("owner") or "")
    if not (name and owner):
        return None
    found = Found({"name": words.code(name), "owner": words.code(owner)}, {"name": name, "owner": owner})
    if owner == "NoneType":
        return _none_attribute(case, found, name)
    if case.facts.get("absent"):
        found.words["reason"] = _(str(case.facts["absent"]))
        found.title = N_("GraphLab doesn't have {name} of {owner}")
        found.what = N_("PyTorch has {name} in {owner}, but GraphLab doesn't.")
        found.why = N_("What GraphLab leaves out here: {reason}. The page docs/OUT_OF_SCOPE.md lists it all.")
        found.fix = N_("Write it with something else, or run this program with PyTorch itself.")
        if case.facts.get("nearest"):
            found.words["near"] = words.code(str(next(iter(case.facts["nearest"]))))
            found.fix = N_("{near} is nearest to it here; or run this program with PyTorch itself.")
        return found
    if owner in ("DataParallel", "DistributedDataParallel"):
        found.what = N_("The program asks {owner} for {name}, and it is the model in it that may have it.")
        found.why = N_("{owner} wraps a model and hands on only the call; all else of the model is in `.module`.")
        found.words["through"] = words.code(f"model.module.{name}")
        found.fix = N_("Go through the wrapper: {through}; and save `model.module.state_dict()`.")
        return found
    if not case.source.text and _of_another_version(found, owner, name):
        return found
    suggestions = case.facts.get("nearest") or re.findall(r"Did you mean:? [`'\"]?(?:[\w.]*\.)?(\w+)", case.message)
    if isinstance(suggestions, str):
        suggestions = [suggestions]
    if "return_types" in owner:
        found.words["owner"] = words.code(owner)
        found.what = N_("{owner} holds two tensors, `values` and `indices`, and has no {name} of its own.")
        found.fix = N_("Take the one that is meant: `.values` or `.indices`.")
    elif not suggestions:
        assigned = {n.attr for n in case.source.nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
        methods = {n.name for n in case.source.nodes if isinstance(n, ast.FunctionDef)}
        kind = getattr(builtins, owner, None)
        if isinstance(kind, type):
            suggestions = nearest(name, set(dir(kind)))
            if not suggestions and owner in ("list", "tuple", "int", "float") and name in _torch_names():
                found.why = N_("{owner} is a type of Python's own; {name} is something that tensors have.")
                found.fix = N_("Make a tensor of it first with `torch.tensor(…)`.")
                if owner == "tuple":
                    found.fix = N_(
                        "Unpack the tuple first: recurrent layers and `max(dim)` return several values, such as "
                        "`out, state`."
                    )
        elif case.source.class_of(owner) is not None:
            suggestions = nearest(name, assigned | methods)
        else:
            suggestions = nearest(name, members_of(owner)) or nearest(name, assigned | methods | _torch_names())
    uses = [n for n in case.source.nodes if isinstance(n, ast.Attribute) and n.attr == name and n.lineno == case.line]
    if owner in ("Tensor", "Parameter") and name in _OF_ARRAYS:
        _said_as_arrays_do(case, found, name, uses)
    elif suggestions:
        found.words["near"] = words.code(suggestions[0])
        found.fix = N_("Did you mean {near}?")
        if len(uses) == 1:
            _line, _column, end_line, end_column = case.source.place(uses[0])
            edit = Edit(end_line, end_column - len(name), end_line, end_column, suggestions[0])
            title = words.fill(N_("Write {near}"), {"near": words.code(suggestions[0])})
            found.fixes.append(Fix(title, "maybe", [edit]))
    return found


_OF_ARRAYS = frozenset({"append", "astype", "copy", "len", "length"})


def _said_as_arrays_do(case: Case, found: Found, name: str, uses: list[ast.Attribute]) -> None:
    """A method of NumPy's arrays, or of lists, and what tensors have for it."""
    call = case.source.parents.get(uses[0]) if len(uses) == 1 else None
    base = case.source.text_of(uses[0].value) if call is not None else "x"
    given = call.args[0] if isinstance(call, ast.Call) and len(call.args) == 1 else None
    text = ""
    if name == "append":
        found.fix = N_(
            "A tensor doesn't grow. Collect in a Python list and make one tensor of it at the end with `torch.stack`, "
            "or join two with `torch.cat([a, b])`."
        )
    elif name == "copy":
        found.fix = N_("A copy of a tensor is `x.clone()`; `x.detach().clone()` leaves the graph behind.")
        text = f"{base}.clone()"
    elif name == "astype":
        found.fix = N_("Another dtype is `x.to(torch.float32)`, or short `x.float()` and `x.long()`.")
        dtype = str(given.value) if isinstance(given, ast.Constant) else dotted(given).rpartition(".")[2]
        dtype = {"int": "int64", "float": "float64"}.get(dtype, dtype)
        text = f"{base}.to(torch.{dtype})" if dtype in _DTYPES else ""
    else:
        found.fix = N_("The size of the first axis is `len(x)` or `x.size(0)`.")
        text = f"len({base})"
    whole: ast.expr | None = call if isinstance(call, ast.Call) else None
    if text and whole is not None:
        title = words.fill(N_("Write {near}"), {"near": words.code(text)})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(whole, text)]))


_DTYPES = frozenset({"bool", "complex64", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint8"})

_REPLACED = {
    ("torch", "symeig"): "torch.linalg.eigh",
    ("torch", "eig"): "torch.linalg.eig",
    ("torch", "solve"): "torch.linalg.solve",
    ("torch", "lstsq"): "torch.linalg.lstsq",
    ("torch", "matrix_rank"): "torch.linalg.matrix_rank",
    ("torch", "rfft"): "torch.fft.rfft",
    ("torch", "irfft"): "torch.fft.irfft",
    ("torch", "ifft"): "torch.fft.ifft",
    **{("numpy", name): name for name in ("float", "int", "bool", "complex", "object", "str")},
    ("numpy", "float_"): "np.float64",
    ("numpy", "Inf"): "np.inf",
    ("numpy", "NaN"): "np.nan",
    ("numpy", "product"): "np.prod",
    ("numpy", "in1d"): "np.isin",
}
"""What PyTorch and NumPy took away, and what does the same."""


def _of_another_version(found: Found, owner: str, name: str) -> bool:
    """A name of a package that another version of it has: later ones, or those before it was taken away."""
    from graphlab.engine.absent import torch_names

    found.why = N_("Each version of a package adds names and takes some away.")
    instead = _REPLACED.get((owner, name))
    if instead:
        found.words["instead"] = words.code(instead)
        found.what = N_("The program asks {owner} for {name}, which newer versions no longer have.")
        found.fix = N_("Write {instead} in its place; where another package asks for it, install a newer one of that.")
        return True
    if name in torch_names().get("torch.Tensor" if owner in ("Tensor", "Parameter") else owner, ()):
        found.what = N_(
            "The program asks {owner} for {name}. PyTorch 2.13 has it, so this PyTorch is older, or something else "
            "was imported as `torch`."
        )
        found.fix = N_(
            "Print `torch.__version__` and `torch.__file__`: update PyTorch, or rename a `torch.py` of yours."
        )
        return True
    found.why = ""
    return False


def _none_attribute(case: Case, found: Found, name: str) -> Found:
    """An attribute of None: which expression is it, and why it may be."""
    owners = [
        n.value for n in case.source.nodes if isinstance(n, ast.Attribute) and n.attr == name and n.lineno == case.line
    ]
    text = case.source.text_of(owners[0]) if len(owners) == 1 else ""
    found.words["owner"] = words.code(text) if text and len(text) < 60 else _("the object before the dot")
    found.title = N_("{owner} holds nothing, so it has no {name}")
    found.what = N_("The program asks {owner} for {name}, but it is Python's “nothing” there.")
    found.why = N_("A variable or a function's result is nothing where no value was assigned or returned.")
    found.fix = N_("Find out where {owner} should have got its value; a function without `return` gives nothing.")
    if text.endswith(".grad"):
        found.why = N_(
            "`.grad` is filled by `backward()`, and only for leaves with `requires_grad=True` that the result "
            "depends on."
        )
        found.fix = N_(
            "Call `backward()` before this line, and check that the tensor was made with `requires_grad=True`."
        )
    return found


def _torch_names() -> set[str]:
    from graphlab.engine.ops.op import OPS

    return {name for name in OPS if not name.startswith("_")} | {
        "shape", "dtype", "device", "grad", "grad_fn", "requires_grad", "backward", "item", "detach", "numpy", "tolist",
        "size", "dim", "numel", "float", "long", "double", "clone", "zero_grad", "parameters", "manual_seed", "zeros",
        "ones", "randn", "rand", "tensor", "Linear", "Sequential", "ReLU", "CrossEntropyLoss", "MSELoss", "Module",
    }  # fmt: skip


@diagnosis(
    "GL803",
    Severity.ERROR,
    kinds=("syntax",),
    title=N_("Line {line} isn't Python yet"),
    what=N_("{message}"),
    why=N_("Python reads the whole program before it runs any of it, so nothing was computed."),
    fix=N_("Look at the marked place on line {line}, and at the end of the line before it."),
    example={},
    program="""x = (1 + 2
print(x)
""",
    mended="""x = (1 + 2)
print(x)
""",
)
def syntax(case: Case) -> Found | None:
    """A text that Python can't read."""
    message = case.message.partition(": ")[2] or case.message
    message = words.sentence(message.strip().rstrip(".")) or _("Python can't read this line")
    found = Found({"line": case.line or 1, "message": message if message.endswith(("?", "!")) else message + "."})
    lower = message.lower()
    if "expected ':'" in lower and case.line and 0 < case.line <= len(case.source.lines):
        text = case.source.lines[case.line - 1]
        bare = text.split("#")[0].rstrip()
        found.fixes.append(
            Fix(_("Put a colon at the end of the line"), "safe", [case.source.insert_at(case.line, len(bare), ":")])
        )
    elif "maybe you meant '=='" in lower:
        found.fix = N_("`=` assigns a value; to compare two values write `==`.")
    elif "was never closed" in lower:
        found.fix = N_("Add the missing closing bracket to line {line}.")
    elif "expected an indented block" in lower:
        found.fix = N_("Indent line {line} with four spaces: it belongs to the line above that ends with a colon.")
    elif "unterminated string" in lower:
        found.fix = N_("Add the missing quotation mark at the end of the text on line {line}.")
    return found


@diagnosis(
    "GL804",
    Severity.ERROR,
    kinds=("refused",),
    title=N_("Line {line} uses something that GraphLab doesn't run"),
    what=N_("{message}"),
    why=N_(
        "Programs here run in a closed room: no files, no network, no other processes. The rest of Python is there."
    ),
    fix=N_(
        "Remove it or replace it on line {line}; what a lesson needs of PyTorch, math, random and NumPy is available."
    ),
    example={},
    program="""import os
print(os.getcwd())
""",
    mended="""print("no files here")
""",
)
def refused(case: Case) -> Found | None:
    """What the restricted language refuses; the sentence is the language's own."""
    message = case.message.strip() or _("The program uses something that is not allowed here.")
    return Found({"line": case.line or 1, "message": message if message.endswith((".", "!", "?")) else message + "."})


@diagnosis(
    "GL805",
    Severity.ERROR,
    kinds=("limit_time", "limit_output", "limit_memory", "limit_trace"),
    title=N_("The program was stopped at the {limit} limit"),
    what=N_("{said}"),
    why=N_("A limit keeps an endless loop or an endless print from running for ever; all up to there is recorded."),
    fix=N_(
        "Look for a loop whose condition never becomes False, or do fewer iterations; the limits can be raised "
        "in Settings."
    ),
    example={"limit": "time"},
    program="""while True:
    pass
""",
    mended="""for _ in range(3):
    pass
""",
)
def limit(case: Case) -> Found | None:
    """A limit of the run was reached."""
    said = {
        "limit_time": (_("time"), _("The program ran for longer than it may.")),
        "limit_output": (_("output"), _("The program printed more than it may.")),
        "limit_trace": (_("recording"), _("The program left more behind than may be recorded.")),
        "limit_memory": (_("memory"), _("The program asked for more memory than it may have.")),
    }
    name, sentence = said.get(case.kind, said["limit_time"])
    return Found({"limit": name, "said": sentence})


@diagnosis(
    "GL806",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("{name} calls itself without end"),
    what=N_("{name} kept calling itself until Python's limit on nested calls was reached."),
    why=N_("Each call waits for the one inside it, so a function that always calls itself never comes back."),
    fix=N_("Add a condition under which the function returns without calling itself, and check that it is reached."),
    example={"type": "RecursionError"},
    program="""def count(n):
    return 1 + count(n - 1)
print(count(3))
""",
    mended="""def count(n):
    return 0 if n == 0 else 1 + count(n - 1)
print(count(3))
""",
)
def recursion(case: Case) -> Found | None:
    """RecursionError."""
    if "RecursionError" not in (case.type, case.facts.get("type")):
        return None
    function = case.span.function if case.span else ""
    node = next(
        (
            n
            for n in case.source.nodes
            if isinstance(n, ast.FunctionDef) and n.lineno <= case.line <= (n.end_lineno or 0)
        ),
        None,
    )
    name = function.rpartition(".")[2] or (node.name if node is not None else "")
    return Found({"name": words.code(name) if name else _("a function")})


@diagnosis(
    "GL807",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("Division by zero"),
    what=N_("Line {line} divides by zero: {divisor} is 0."),
    why=N_("Python's own numbers refuse to divide by zero; tensors give inf or NaN instead."),
    fix=N_("Check {divisor} before dividing, or find out why it became 0."),
    example={"type": "ZeroDivisionError"},
    program="""n = 0
print(1 / n)
""",
    mended="""n = 2
print(1 / n)
""",
)
def zero_division(case: Case) -> Found | None:
    """ZeroDivisionError."""
    if "ZeroDivisionError" not in (case.type, case.facts.get("type")):
        return None
    divisors = [
        n.right
        for n in case.source.nodes
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div | ast.FloorDiv | ast.Mod) and n.lineno == case.line
    ]
    said = words.code(case.source.text_of(divisors[0])) if len(divisors) == 1 else _("the divisor")
    found = Found({"line": case.line, "divisor": said})
    if not case.line:
        found.what = N_("The program divides by zero.")
    return found


@diagnosis(
    "GL808",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("The key {key} isn't in the dictionary"),
    what=N_("Line {line} looks up {key}, but the dictionary has no such key."),
    why=N_("Square brackets on a dictionary insist that the key is there, spelled exactly so."),
    fix=N_("Print the dictionary to see its keys, or use `.get({text}, default)`, which puts up with a missing key."),
    example={"type": "KeyError", "message": "'lr'"},
    program="""settings = {"rate": 0.1}
print(settings["lr"])
""",
    mended="""settings = {"rate": 0.1}
print(settings["rate"])
""",
)
def key_unknown(case: Case) -> Found | None:
    """KeyError."""
    if "KeyError" not in (case.type, case.facts.get("type")):
        return None
    key = (case.message or str(case.facts.get("message", ""))).strip()[:80]
    found = Found({"key": words.code(key), "text": key, "line": case.line})
    if not case.line:
        found.what = N_("The program looks up {key}, but the dictionary has no such key.")
    return found


_KEYWORDS = {
    "dim",
    "keepdim",
    "dtype",
    "device",
    "requires_grad",
    "retain_graph",
    "create_graph",
    "lr",
    "momentum",
    "weight_decay",
    "in_features",
    "out_features",
    "bias",
    "kernel_size",
    "stride",
    "padding",
    "reduction",
    "num_classes",
    "batch_size",
    "shuffle",
    "batch_first",
    "hidden_size",
    "input_size",
    "num_layers",
    "step_size",
    "gamma",
}
_ALIASES = {"learning_rate": "lr", "axis": "dim", "keepdims": "keepdim", "epochs": "n_epochs", "type": "dtype"}


@diagnosis(
    "GL809",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("The call of {function} doesn't fit its arguments"),
    what=N_("Python says: {message}."),
    why=N_("A call must give each argument that has no default exactly once, under the names that the function knows."),
    fix=N_("Compare the call on line {line} with the definition of {function}."),
    example={"type": "TypeError", "message": "f() missing 1 required positional argument: 'b'"},
    program="""def f(a, b):
    return a + b
print(f(1))
""",
    mended="""def f(a, b):
    return a + b
print(f(1, 2))
""",
)
def call_arguments(case: Case) -> Found | None:
    """A TypeError about the arguments of a call."""
    message = " ".join((case.message or str(case.facts.get("message", ""))).split())
    if "TypeError" not in (case.type, case.facts.get("type")) or len(message) > 300:
        return None
    named = re.match(
        r"(?:[\w<>]+\.)*?([\w.<>]+)\(\) (missing \d+ required|takes (?:from )?\d+|got an unexpected keyword|got "
        r"multiple values|takes no arguments)",
        message,
    )
    if named is None:
        return None
    called_name = named.group(1).removesuffix(".__init__")
    found = Found({"function": words.code(called_name + "()"), "message": message.rstrip("."), "line": case.line})
    if not case.line:
        found.fix = N_("Compare the call with the definition of {function}.")
    if "takes 0 positional arguments but 1" in message or re.search(
        r"takes (\d+) positional arguments? but (\d+)", message
    ):
        found.why = N_(
            "The call gives another number of arguments than the function takes; in a method, `self` is counted too."
        )
    elif "unexpected keyword" in message:
        keyword = re.search(r"keyword argument '(\w+)'", message)
        found.why = N_("The function has no argument of that name.")
        definition = next(
            (n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == named.group(1)), None
        )
        known = {a.arg for a in definition.args.args} if definition is not None else _KEYWORDS
        name = keyword.group(1) if keyword is not None else ""
        near = [_ALIASES[name]] if definition is None and name in _ALIASES else nearest(name, known)
        uses = [k for c in case.source.calls_at(case.line) for k in c.keywords if name and k.arg == name]
        if near and len(uses) == 1:
            line, column, _end_line, _end_column = case.source.place(uses[0])
            edit = Edit(line, column, line, column + len(name), near[0])
            title = words.fill(N_("Write {near}"), {"near": words.code(near[0])})
            found.fixes.append(Fix(title, "maybe", [edit]))
        if near:
            found.words["near"] = words.code(near[0])
            found.fix = N_("Did you mean {near}?")
    call_said(case, found, message)
    return found


@diagnosis(
    "GL810",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("The list has no entry with that index"),
    what=N_("Line {line} asks {owner} for an index that it doesn't have."),
    why=N_("Counting starts at 0, so a list of n entries has the indices 0 to n − 1."),
    fix=N_("Print `len(…)` of it before this line, or use −1 for the last entry."),
    example={"type": "IndexError", "message": "list index out of range"},
    program="""numbers = [1, 2]
print(numbers[2])
""",
    mended="""numbers = [1, 2]
print(numbers[1])
""",
)
def list_index(case: Case) -> Found | None:
    """IndexError of a list, tuple or string."""
    message = case.message or str(case.facts.get("message", ""))
    if not re.match(r"(list|tuple|string|list assignment) index out of range", message):
        return None
    owners = [n.value for n in case.source.nodes if isinstance(n, ast.Subscript) and n.lineno == case.line]
    if isinstance(case.expression, ast.Subscript):
        owners = [case.expression.value]
    elif len({ast.dump(o) for o in owners}) == 1:
        owners = owners[:1]
    text = case.source.text_of(owners[0]) if len(owners) == 1 else ""
    found = Found({"line": case.line, "owner": words.code(text) if text and len(text) < 40 else _("a list")})
    if not case.line:
        found.what = N_("The program asks a list for an index that it doesn't have.")
    return found


def _sequence_on(case: Case) -> str:
    """What kind of sequence is multiplied on the line: "list", "str", or "tuple" for what a call gave."""
    for node in case.source.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and node.lineno == case.line:
            for side in (node.left, node.right):
                made = case.source.assigned(dotted(side), side) if dotted(side) else side
                if isinstance(made, ast.List | ast.ListComp):
                    return "list"
                if isinstance(made, ast.JoinedStr) or (isinstance(made, ast.Constant) and isinstance(made.value, str)):
                    return "str"
                if isinstance(made, ast.Call) and called(made) in ("max", "min", "sort", "topk", "median", "mode"):
                    return "tuple"
    return "tuple"


_MARKS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def _sides_said(case: Case, found: Found, op: str, a: str, b: str) -> None:
    """Name both sides of the operator as the program writes them, where there is only one such operator on the line."""
    sides: list[tuple[ast.expr, ast.expr]] = []
    for node in case.source.nodes:
        if isinstance(node, ast.BinOp) and _MARKS.get(type(node.op)) == op:
            pair = (node.left, node.right)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and _MARKS.get(type(node.ops[0])) == op:
            pair = (node.left, node.comparators[0])
        else:
            continue
        if node.lineno <= case.line <= (node.end_lineno or node.lineno):
            sides.append(pair)
    whole = case.expression
    if isinstance(whole, ast.BinOp) and _MARKS.get(type(whole.op)) == op:
        sides = [(whole.left, whole.right)]
    texts = [" ".join(case.source.text_of(s).split()) for s in sides[0]] if len(sides) == 1 else []
    if not texts or any(len(t) > 40 for t in texts):
        return
    found.words.update(left=words.code(texts[0]), right=words.code(texts[1]))
    found.what = N_("{left} is of type {a} and {right} of type {b}; `{op}` doesn't take these two together.")
    if "NoneType" in (a, b):
        nothing, other = (0, 1) if a == "NoneType" else (1, 0)
        found.words.update(left=words.code(texts[nothing]), right=words.code(texts[other]))
        found.words["kind"] = words.code((a, b)[other])
        found.what = N_("{left} holds nothing (None) here, and {right} is of type {kind}; `{op}` needs two values.")


@diagnosis(
    "GL811",
    Severity.ERROR,
    kinds=("python",),
    over=("GL900",),
    title=N_("{a} and {b} can't be combined with `{op}`"),
    what=N_("One side of `{op}` is {a}, the other {b}."),
    why=N_(
        "Python doesn't convert between text, numbers, lists and tensors by itself, so that no mistake goes unseen."
    ),
    fix=N_("Convert one side: `str(…)` for text, `float(…)` for a number, `torch.tensor(…)` for a tensor."),
    example={"type": "TypeError", "message": 'can only concatenate str (not "int") to str'},
    program="""n = 3
print("n is " + n)
""",
    mended="""n = 3
print("n is " + str(n))
""",
)
def operand_types(case: Case) -> Found | None:
    """A TypeError of an operator between two types."""
    message = case.message or str(case.facts.get("message", ""))
    joined = re.match(r"can only concatenate (\w+) \(not \"(\w+)\"\) to", message)
    compared = re.match(r"'([<>=]{1,2})' not supported between instances of '([\w.]+)' and '([\w.]+)'", message)
    repeated = re.match(r"can't multiply sequence by non-int of type '([\w.]+)'", message)
    other = re.match(r"unsupported operand type\(s\) for ([^:]{1,10}): '([\w.]+)' and '([\w.]+)'", message)
    if joined is not None:
        op, a, b = "+", joined.group(1), joined.group(2)
    elif other is not None:
        op, a, b = other.group(1), other.group(2), other.group(3)
    elif compared is not None:
        op, a, b = compared.group(1), compared.group(2), compared.group(3)
    elif repeated is not None:
        op, a, b = "*", _sequence_on(case), repeated.group(1)
    else:
        return None
    found = Found({"op": op, "a": words.code(a), "b": words.code(b)})
    if repeated is None:  # that message doesn't say which side is which
        _sides_said(case, found, op, a, b)
    grads = [
        dotted(n)
        for n in case.source.nodes
        if isinstance(n, ast.Attribute) and n.attr == "grad" and n.lineno == case.line and dotted(n)
    ]
    if "NoneType" in (a, b) and grads:
        found.words["owner"] = words.code(grads[0])
        found.title = N_("{owner} holds nothing")
        found.what = N_("{op} meets {owner}, and that has no value: no gradient was computed for it.")
        found.why = N_(
            "`.grad` is filled by `backward()`, and only for leaves with `requires_grad=True` that the result "
            "depends on."
        )
        found.fix = N_(
            "Call `backward()` before this line, and check that the tensor was made with `requires_grad=True`."
        )
        found.words["op"] = words.code(op)
    elif "NoneType" in (a, b):
        found.fix = N_(
            "One side holds nothing: find out where it should have got its value; a function without `return` "
            "gives nothing."
        )
    nodes = [n for n in case.source.nodes if isinstance(n, ast.BinOp) and n.lineno == case.line]
    if joined is not None and a == "str" and b in ("int", "float", "Tensor") and len(nodes) == 1:
        text = f"str({case.source.text_of(nodes[0].right)})"
        title = words.fill(N_("Turn it into text: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "safe", [case.source.replace(nodes[0].right, text)]))
    return found
