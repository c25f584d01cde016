"""Calls that don't fit what is called: the class for its instance, `self`, arguments that are missing or too many."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    definition,
    instances,
    maybe,
    on_line,
    remedy,
    shape_named,
    shortened,
    tensor_named,
    visible,
    without_argument,
)
from graphlab.explain.signatures import calls_of, class_behind, parameters, really_missing
from graphlab.explain.source import Function, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_ARGUMENTS = re.compile(
    r"(?:[\w<>]+\.)*?(?:(\w+)\.)?([\w<>]+)\(\) (missing|takes|got an unexpected|got multiple)(?: values)?"
)
_SYNONYMS = (
    {"target", "targets", "y", "label", "labels", "y_true", "yb", "batch_y", "y_train", "Y", "truth"},
    {"input", "inputs", "x", "X", "data", "xb", "batch", "images", "image", "out", "output", "logits", "pred"},
    {"optimizer", "opt", "optim"},
    {"model", "net", "network"},
    {"criterion", "loss_fn", "loss_function"},
    {"out_features", "hidden", "n_out", "num_classes", "n_classes", "classes", "n_hidden", "hidden_size"},
    {"in_features", "n_in", "n_inputs", "input_size"},
    {"dim", "axis"},
    {"epochs", "n_epochs", "num_epochs"},
    {"hidden_size", "hidden", "n_hidden"},
    {"metrics", "val_loss", "valid_loss", "loss", "epoch_loss", "train_loss", "running_loss", "total_loss"},
)
_USUAL = {
    "epochs": "10", "n_epochs": "10", "num_epochs": "10", "lr": "0.01", "learning_rate": "0.01", "hidden": "16",
    "hidden_size": "16", "n_hidden": "16", "hidden_dim": "16", "batch_size": "32", "step_size": "10", "gamma": "0.9",
    "milestones": "[10, 20]", "T_max": "10", "kernel_size": "3", "out_features": "1", "out_channels": "8", "p": "0.5",
    "dropout": "0.5", "num_classes": "10", "n_classes": "10", "num_heads": "1", "num_layers": "1", "lr_lambda":
    "lambda epoch: 0.95 ** epoch", "embedding_dim": "16", "normalized_shape": "1", "total_iters": "10", "seed": "0",
}  # fmt: skip
_BARE = frozenset({
    "ReLU", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Flatten", "Dropout", "GELU", "LeakyReLU", "ELU", "SiLU",
    "Softplus", "Identity", "ReLU6", "Hardtanh", "Softsign", "SELU", "Mish", "LogSigmoid",
})  # fmt: skip


@remedy("GL809", leads=True)
def class_for_instance(case: Case, found: Found) -> Iterator[Fix]:
    """`Net(x)` → `Net()(x)`, `Net.parameters()` → `net.parameters()`, `model = Net` → `model = Net()`."""
    message = message_of(case)
    named = _ARGUMENTS.match(message)
    if named is None:
        return
    owner, name = named.group(1) or "", named.group(2)
    for call in on_line(case, ast.Call):
        function = call.func
        if isinstance(function, ast.Attribute):
            class_name = dotted(function.value)
            made = case.source.assigned(class_name, call) if class_name else None
            if isinstance(made, ast.Name) and case.source.class_of(made.id) is not None and function.attr == name:
                yield maybe(
                    N_("Make an instance: `{name} = {text}()`"),
                    [case.source.replace(made, f"{made.id}()")],
                    name=class_name,
                    text=made.id,
                )
            cls = case.source.class_of(class_name)
            if cls is not None and name == "forward" and any(dotted(b).endswith("Function") for b in cls.bases):
                _, _, line, column = case.source.place(function)
                yield maybe(
                    N_("Run the function with `{name}.apply(…)`"),
                    [Edit(line, column - len(name), line, column, "apply")],
                    name=class_name,
                )
            elif cls is not None and function.attr == name and "missing" in message:
                known = [i for i in instances(case, class_name) if i in visible(case, call)]
                for text in [*known[:1], f"{class_name}()"]:
                    yield maybe(
                        N_("Ask an instance instead of the class: `{text}`"),
                        [case.source.replace(function.value, text)],
                        text=f"{text}.{name}(…)" if call.args else f"{text}.{name}()",
                    )
        if name != "__init__" or not _is_module(case, owner):
            continue
        if dotted(function) == owner and call.args and "takes" in message:
            inner = ", ".join(case.source.text_of(a) for a in [*call.args, *call.keywords])
            text = f"{dotted(function)}()({inner})"
            yield maybe(
                N_("Make an instance, then call it: `{text}`"),
                [case.source.replace(call, text)],
                text=shortened(text),
            )
        made = case.source.assigned(dotted(function), call) if dotted(function) else None
        if made is not None and dotted(made) == owner:
            yield maybe(
                N_("Make an instance: `{name} = {text}()`"),
                [case.source.replace(made, f"{owner}()")],
                name=dotted(function),
                text=owner,
            )


def _is_module(case: Case, name: str) -> bool:
    cls = case.source.class_of(name)
    return cls is not None and any(isinstance(n, ast.FunctionDef) and n.name == "forward" for n in cls.body)


@remedy("GL809", leads=True)
def self_forgotten(case: Case, found: Found) -> Iterator[Fix]:
    """`def forward(x):` in a class → `def forward(self, x):`."""
    named = _ARGUMENTS.match(message_of(case))
    if named is None or named.group(3) not in ("takes", "got multiple"):
        return
    function = definition(case, named.group(2), named.group(1) or "")
    if function is None or not isinstance(case.source.parents.get(function), ast.ClassDef):
        return
    arguments = function.args.args
    cls = case.source.parents.get(function)
    is_function = isinstance(cls, ast.ClassDef) and any(dotted(b).endswith("Function") for b in cls.bases)
    if is_function and function.name in ("forward", "backward") and (not arguments or arguments[0].arg != "ctx"):
        column = case.source.lines[function.lineno - 1].find("(", function.col_offset)
        yield maybe(
            N_("Add `ctx` as the first argument of `{name}`"),
            [case.source.insert_at(function.lineno, column + 1, "ctx, " if arguments else "ctx")],
            name=function.name,
        )
    if any(dotted(d) in ("staticmethod", "classmethod") for d in function.decorator_list):
        return
    if arguments and arguments[0].arg in ("self", "cls"):
        return
    line = case.source.lines[function.lineno - 1]
    column = line.find("(", function.col_offset)
    if column < 0:
        return
    text = "self, " if arguments or function.args.vararg else "self"
    yield maybe(
        N_("Add `self` as the first argument of `{name}`"),
        [case.source.insert_at(function.lineno, column + 1, text)],
        name=function.name,
    )


@remedy("GL809")
def too_many(case: Case, found: Found) -> Iterator[Fix]:
    """Leave out what the function doesn't take, or let it take it."""
    message = message_of(case)
    counts = re.search(r"takes (?:from \d+ to )?(\d+) positional arguments? but (\d+)", message)
    named = _ARGUMENTS.match(message)
    if counts is None or named is None:
        return
    takes, given = int(counts.group(1)), int(counts.group(2))
    name, owner = named.group(2), named.group(1) or ""
    function = definition(case, name, owner)
    for call in calls_of(case, name, owner)[:1]:
        n = len(call.args) - (given - takes)
        if 0 <= n < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
            extra = call.args[n:]
            line, column, _, _ = case.source.place(extra[0])
            if n:
                _, _, line, column = case.source.place(call.args[n - 1])
            _, _, end_line, end_column = case.source.place(extra[-1])
            said = shortened(", ".join(case.source.text_of(a) for a in extra))
            edit = Edit(line, column, end_line, end_column, "")
            if (
                function is not None
                and function.args.args
                and function.args.args[0].arg not in ("self", "cls")
                and owner
            ):
                continue
            yield maybe(N_("Leave out what it doesn't take: `{text}`"), [edit], text=said)
            if function is not None and len(extra) == 1 and not function.args.vararg and function.args.args:
                new = dotted(extra[0]) if isinstance(extra[0], ast.Name) else "other"
                last = function.args.args[-1]
                if new and new not in {a.arg for a in function.args.args} and not function.args.defaults:
                    end = last.annotation.end_col_offset if last.annotation is not None else last.end_col_offset
                    edit = case.source.insert_at(last.end_lineno or last.lineno, end or last.col_offset, f", {new}")
                    yield maybe(N_("Let `{name}` take one more argument: `{new}`"), [edit], name=function.name, new=new)


def _required(function: Function) -> list[str]:
    names = [a.arg for a in function.args.args]
    return names[: len(names) - len(function.args.defaults)]


def _related(wanted: str, name: str) -> bool:
    if wanted in name or (name in wanted and len(name) > 2):
        return True
    return any(wanted in group and name in group for group in _SYNONYMS)


@remedy("GL809")
def missing_argument(case: Case, found: Found) -> Iterator[Fix]:
    """Fill a missing argument from the variables that are there, else with what is usual for one of its name."""
    message = message_of(case)
    missing = re.search(r"missing (\d+) required (?:positional|keyword-only) arguments?: (.+)$", message)
    named = _ARGUMENTS.match(message)
    if missing is None or named is None:
        return
    wanted = re.findall(r"'(\w+)'", missing.group(2))
    name, owner = named.group(2), named.group(1) or ""
    if not wanted or wanted[0] == "self":
        return
    calls = calls_of(case, name, owner)
    if len(calls) != 1:
        return
    call = calls[0]
    made = case.source.assigned(dotted(call.func), call) if isinstance(call.func, ast.Name) else None
    if isinstance(made, ast.Name) and case.source.class_of(made.id) is not None:
        return  # the class, not an instance, was called
    function = definition(case, name, owner)
    places = really_missing(function, call, len(wanted)) if function is not None else []
    if function is not None and places and places[0] < len(call.args):
        at, wanted = places[0], [parameters(function)[places[0]]]
    else:
        at = len(call.args)
    used = {dotted(a) for a in call.args} | {dotted(k.value) for k in call.keywords} | {dotted(call.func)}
    names = [n for n in visible(case, call) if n not in used and n != "self"]
    for text in _candidates(case, call, wanted, names):
        edit = case.source.add_argument(call, text)
        if at < len(call.args):  # between the others
            line, column, _, _ = case.source.place(call.args[at])
            edit = case.source.insert_at(line, column, f"{text}, ")
        yield maybe(N_("Pass what is missing: `{text}`"), [edit], text=shortened(text))


def _candidates(case: Case, call: ast.Call, wanted: list[str], names: list[str]) -> list[str]:
    """What may stand for the missing arguments, each a text that follows the call's last argument."""
    by_keyword = bool(call.keywords)
    if set(wanted) <= {"key", "value"} and call.args:  # attention of a sequence to itself
        return [", ".join([case.source.text_of(call.args[-1])] * len(wanted))]
    shaped = _shaped(case, call)
    found: list[str] = []
    for rank in range(2):
        parts: list[str] = []
        for each in wanted:
            fitting = [each] if each in names else [n for n in names if _related(each, n)]
            tensors = [n for n in names if shaped and shape_named(case, n) and shape_named(case, n)[:1] == shaped[:1]]  # type: ignore[index]
            is_number = each in _USUAL
            choice = fitting or ([] if is_number else tensors)
            if rank < len(choice):
                text = choice[rank]
            elif rank == 0 and is_number:
                text = _USUAL[each]
            elif rank == len(choice) and shaped is not None and call.args and _takes_a_tensor(case, call):
                text = f"torch.ones_like({case.source.text_of(call.args[0])})"
            else:
                break
            parts.append(f"{each}={text}" if by_keyword or text == _USUAL.get(each) else text)
        if len(parts) == len(wanted):
            found.append(", ".join(parts))
    return list(dict.fromkeys(found))


def _shaped(case: Case, call: ast.Call) -> list[int] | None:
    """The shape of the first argument, where it is a tensor with axes."""
    if not call.args:
        return None
    first = call.args[0]
    name = dotted(first)
    shape = shape_named(case, name) if name else None
    if shape is None and isinstance(first, ast.Call) and called(first) in ("ones", "zeros", "randn", "rand", "tensor"):
        return [-1]
    return shape or None


def _takes_a_tensor(case: Case, call: ast.Call) -> bool:
    """Whether a module of the program was called, whose other arguments are tensors as well."""
    name = class_behind(case, call.func) or called(call.func)
    return _is_module(case, name)


@remedy("GL809")
def keyword(case: Case, found: Found) -> Iterator[Fix]:
    """A keyword that the function doesn't know, or that was given twice: leave it out."""
    message = message_of(case)
    hit = re.search(r"(?:unexpected keyword argument|multiple values for(?: keyword)? argument) '(\w+)'", message)
    if hit is None or found.words.get("near"):
        return
    for call in on_line(case, ast.Call):
        for item in call.keywords:
            if item.arg == hit.group(1):
                yield maybe(
                    N_("Leave out what it doesn't take: `{text}`")
                    if "unexpected" in message
                    else N_("It was already given by its position, so leave out `{text}`"),
                    [without_argument(case, call, item)],
                    text=shortened(case.source.text_of(item)),
                )


@remedy("GL312", "GL131", "GL814", "GL802", "GL900", "GL104", "GL201", "GL809", "GL311")
def layer_as_function(case: Case, found: Found) -> Iterator[Fix]:
    """`nn.ReLU(x)` makes a layer with a strange setting; `nn.ReLU()(x)` calls one."""
    names = {t.name for t in case.trace.tensors} if case.trace is not None else set()
    edits = []
    text = ""
    for call in case.source.calls():
        if called(call) not in _BARE or len(call.args) != 1 or not isinstance(call.func, ast.Attribute):
            continue
        argument = call.args[0]
        is_tensor = dotted(argument) in names or isinstance(argument, ast.Call)
        if is_tensor and dotted(call.func.value).endswith("nn") and dotted(argument):
            _, _, line, column = case.source.place(call.func)
            edits.append(case.source.insert_at(line, column, "()"))
            text = f"{case.source.text_of(call.func)}()({case.source.text_of(argument)})"
    if edits:
        yield maybe(N_("Make the layer first, then call it: `{text}`"), edits, text=text)


@remedy("GL131", "GL203", "GL201")
def array_for_tensor(case: Case, found: Found) -> Iterator[Fix]:
    """A NumPy array where a tensor belongs."""
    if found.facts.get("got") not in ("numpy.ndarray", "ndarray"):
        return
    call = case.call
    for node in [*call.args, *(k.value for k in call.keywords)] if call is not None else []:
        if isinstance(node, ast.Name) and tensor_named(case, node.id) is None:
            text = f"torch.from_numpy({node.id}).float()"
            yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(node, text)], text=text)


@remedy("GL131", "GL811", "GL312", "GL802", "GL814", leads=True)
def method_not_called(case: Case, found: Found) -> Iterator[Fix]:
    """`x.mean` where `x.mean()` is meant."""
    message = message_of(case)
    if not re.search(r"'?(?:builtin_function_or_method|method|function)'?\b", message):
        return
    names = {t.name for t in case.trace.tensors} if case.trace is not None else set()
    functions = {c.func for c in case.source.calls()}
    stored = {n.value for n in case.source.nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    for node in on_line(case, ast.Attribute):
        if node in functions or not isinstance(node.ctx, ast.Load):
            continue
        is_inner = node in stored and "has no attribute" not in message
        if is_inner or dotted(node.value) in ("torch", "nn", "F", "np", "math"):
            continue
        if dotted(node.value) in names or isinstance(node.value, ast.Call | ast.Name):
            _, _, line, column = case.source.place(node)
            text = f"{case.source.text_of(node)}()"
            yield maybe(
                N_("Add the brackets that call it: `{text}`"),
                [case.source.insert_at(line, column, "()")],
                text=shortened(text),
            )
    for name in on_line(case, ast.Name):
        if name not in functions and isinstance(name.ctx, ast.Load):
            made = case.source.assigned(name.id, name)
            if isinstance(made, ast.Attribute) and made not in functions and dotted(made.value) not in ("torch", "F"):
                _, _, line, column = case.source.place(made)
                yield maybe(
                    N_("Add the brackets that call it: `{text}`"),
                    [case.source.insert_at(line, column, "()")],
                    text=f"{case.source.text_of(made)}()",
                )
