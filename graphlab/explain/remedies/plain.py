"""Plain Python: names, attributes, keys, unpacking, brackets, and what an object can do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.names import nearest
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.arrangement import loops_one_less
from graphlab.explain.remedies.kit import (
    definition,
    enclosing,
    indent_of,
    line_after,
    maybe,
    on_line,
    remedy,
    shape_named,
    shortened,
    statement,
    tensor_named,
    visible,
    without_call,
)
from graphlab.explain.source import called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_HOMES = {
    "Dataset": "from torch.utils.data import Dataset",
    "DataLoader": "from torch.utils.data import DataLoader",
    "TensorDataset": "from torch.utils.data import TensorDataset",
    "random_split": "from torch.utils.data import random_split",
    "Subset": "from torch.utils.data import Subset",
    "Categorical": "from torch.distributions import Categorical",
    "Normal": "from torch.distributions import Normal",
    "Bernoulli": "from torch.distributions import Bernoulli",
    "SummaryWriter": "",
    "pad_sequence": "from torch.nn.utils.rnn import pad_sequence",
    "pack_padded_sequence": "from torch.nn.utils.rnn import pack_padded_sequence",
    "clip_grad_norm_": "from torch.nn.utils import clip_grad_norm_",
    "StepLR": "from torch.optim.lr_scheduler import StepLR",
    "SGD": "from torch.optim import SGD",
    "Adam": "from torch.optim import Adam",
    "AdamW": "from torch.optim import AdamW",
    "tensor": "from torch import tensor",
    "randn": "from torch import randn",
    "copy": "import copy",
    "deepcopy": "from copy import deepcopy",
    "time": "import time",
    "collections": "import collections",
    "defaultdict": "from collections import defaultdict",
    "Counter": "from collections import Counter",
    "deque": "from collections import deque",
    "OrderedDict": "from collections import OrderedDict",
    "namedtuple": "from collections import namedtuple",
    "partial": "from functools import partial",
    "itertools": "import itertools",
    "functools": "import functools",
    "product": "from itertools import product",
    "dataclass": "from dataclasses import dataclass",
    "sqrt": "from math import sqrt",
    "pi": "from math import pi",
    "exp": "from torch import exp",
    "log": "from math import log",
    "ceil": "from math import ceil",
    "floor": "from math import floor",
    "func": "from torch import func",
    "vmap": "from torch.func import vmap",
    "grad": "from torch.func import grad",
    "jacrev": "from torch.func import jacrev",
    "jacobian": "from torch.autograd.functional import jacobian",
    "lr_scheduler": "from torch.optim import lr_scheduler",
    "autograd": "from torch import autograd",
    "Function": "from torch.autograd import Function",
    "Variable": "from torch.autograd import Variable",
    "Parameter": "from torch.nn import Parameter",
    "init": "from torch.nn import init",
    "data": "from torch.utils import data",
}


def _import(case: Case, text: str) -> Edit:
    line = 1
    for node in case.source.tree.body if case.source.tree is not None else []:
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = (node.end_lineno or node.lineno) + 1
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            break
    if line > len(case.source.lines):
        return case.source.insert_at(len(case.source.lines), len(case.source.lines[-1]), "\n" + text)
    return case.source.insert_at(line, 0, text + "\n")


@remedy("GL801", leads=True)
def name_from_elsewhere(case: Case, found: Found) -> Iterator[Fix]:
    """`fc1(x)` → `self.fc1(x)`, `Linear` → `nn.Linear`, an import that is missing."""
    name = str(found.facts.get("name") or "")
    uses = [n for n in on_line(case, ast.Name) if n.id == name and isinstance(n.ctx, ast.Load)]
    if not name or not uses:
        return
    cls = next(enclosing(case, uses[0], ast.ClassDef), None)
    if cls is not None:
        own = {t.attr for n in ast.walk(cls) for t in [n] if isinstance(t, ast.Attribute) and dotted(t.value) == "self"}
        own |= {f.name for f in cls.body if isinstance(f, ast.FunctionDef)}
        if name in own:
            yield maybe(
                N_("Take it from the module: `self.{name}`"),
                [case.source.insert_at(u.lineno, case.source.place(u)[1], "self.") for u in uses],
                name=name,
            )
    aliases = {
        "nn": ("Linear", "Conv2d", "Conv1d", "Module", "Sequential", "ReLU", "Dropout", "Embedding", "LSTM", "GRU",
               "CrossEntropyLoss", "MSELoss", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "MaxPool2d",
               "Flatten", "Softmax", "Sigmoid", "Tanh", "LayerNorm", "ModuleList", "NLLLoss", "L1Loss"),
        "F": ("cross_entropy", "mse_loss", "nll_loss", "one_hot", "relu", "max_pool2d", "log_softmax", "softmax",
              "binary_cross_entropy", "pad", "dropout", "interpolate"),
        "torch": ("zeros", "ones", "rand", "randn", "arange", "randint", "tensor", "cat", "stack", "no_grad",
                  "manual_seed", "sigmoid", "tanh", "exp", "matmul", "mean", "float32", "float64", "long", "int64",
                  "linspace", "eye",
                  "sqrt", "relu", "where", "Tensor", "randperm", "argmax", "optim", "device"),
    }  # fmt: skip
    for module, members in aliases.items():
        if name in members and _imported(case, module):
            yield maybe(
                N_("Write `{text}`"),
                [case.source.insert_at(u.lineno, case.source.place(u)[1], f"{module}.") for u in uses],
                text=f"{module}.{name}",
            )
    text = _HOMES.get(name, "")
    if not text and name in aliases["nn"]:
        text = f"from torch.nn import {name}"
    if text:
        yield maybe(N_("Add `{text}` at the top"), [_import(case, text)], text=text)


def _imported(case: Case, name: str) -> bool:
    return any(
        (a.asname or a.name) == name
        for n in case.source.nodes
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    )


@remedy("GL801", leads=True)
def unbound(case: Case, found: Found) -> Iterator[Fix]:
    """A name that a function counts up without having begun: from 0, or the one outside."""
    name = str(found.facts.get("name") or "")
    uses = [n for n in on_line(case, ast.Name) if n.id == name]
    if not uses or not (case.facts.get("is_unbound") or "local variable" in message_of(case)):
        return
    function = next(enclosing(case, uses[0], ast.FunctionDef), None)
    if function is None:
        return
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1:
        first = function.body[1]
    is_global = any(
        isinstance(n, ast.Name)
        and n.id == name
        and isinstance(n.ctx, ast.Store)
        and case.source.scope_of(n) is case.source.tree
        for n in case.source.nodes
    )
    if is_global:
        yield maybe(
            N_("Change the variable outside of the function: `global {name}`"),
            [case.source.line_before(first, f"global {name}")],
            name=name,
        )
    where = statement(case)
    if isinstance(where, ast.AugAssign) and dotted(where.target) == name:
        start = "1" if isinstance(where.op, ast.Mult) else ("[]" if isinstance(where.value, ast.List) else "0")
        yield maybe(
            N_("Let it begin with {start}: `{name} = {start}`"),
            [case.source.line_before(first, f"{name} = {start}")],
            name=name,
            start=start,
        )


@remedy("GL802", leads=True)
def attribute_nearest(case: Case, found: Found) -> Iterator[Fix]:
    """A layer, parameter or buffer with nearly that name; the module itself."""
    name, owner = str(found.facts.get("name") or ""), str(found.facts.get("owner") or "")
    cls = case.source.class_of(owner)
    if not name:
        return
    if cls is None:
        yield from _renamed(case, found, name, nearest(name, _members(owner)) if not found.fixes else [])
        return
    known = {n.attr for n in ast.walk(cls) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    known |= {f.name for f in cls.body if isinstance(f, ast.FunctionDef)}
    for call in ast.walk(cls):
        if (
            isinstance(call, ast.Call)
            and called(call) in ("register_buffer", "register_parameter", "add_module")
            and call.args
        ):
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                known.add(first.value)
    if any(dotted(b).endswith("Module") for b in cls.bases):
        known |= _members("Module")
    yield from _renamed(case, found, name, nearest(name, known - {name})[:2])


def _members(owner: str) -> set[str]:
    """What an object of PyTorch's own offers: the attributes of an optimizer, a layer, a data set."""
    from graphlab.engine import nn, optim
    from graphlab.engine.utils import data

    for module in (nn, optim, optim.lr_scheduler, data):
        kind = getattr(module, owner, None)
        if isinstance(kind, type):
            return {n for n in dir(kind) if not n.startswith("_")}
    return set()


def _renamed(case: Case, found: Found, name: str, names: list[str]) -> Iterator[Fix]:
    """The attribute under the names that come nearest."""
    for near in names:
        for use in on_line(case, ast.Attribute):
            if use.attr == name:
                _line, _column, end_line, end_column = case.source.place(use)
                found.words["near"] = words.code(near)
                if "cause" not in found.facts:
                    found.fix = N_("Did you mean {near}?")
                yield maybe(
                    N_("Write {near}"),
                    [Edit(end_line, end_column - len(name), end_line, end_column, near)],
                    near=words.code(near),
                )
                break


@remedy("GL802", "GL811", "GL131", leads=True)
def values_of_pair(case: Case, found: Found) -> Iterator[Fix]:
    """`max(dim)`, an LSTM and attention give several values: take one of them."""
    message = message_of(case)
    if "return_types" not in message and "tuple" not in message and "multiply sequence" not in message:
        return
    name = str(found.facts.get("name") or "")
    nodes: list[ast.expr] = [n.value for n in on_line(case, ast.Attribute) if n.attr == name] if name else []
    if not nodes:
        nodes = [n for n in on_line(case, ast.Name) if isinstance(n.ctx, ast.Load)]
    for node in nodes:
        made = case.source.assigned(dotted(node), node) if dotted(node) else node
        is_callee = isinstance(parent := case.source.parents.get(node), ast.Call) and parent.func is node
        is_tensor = (
            isinstance(node, ast.Name) and tensor_named(case, node.id) is not None and "return_types" not in message
        )
        if not isinstance(made, ast.Call) or is_callee or is_tensor:
            continue
        if called(made) in ("max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax"):
            for part, said in (
                ("values", N_("Take the values: `{text}.values`")),
                ("indices", N_("Take the places: `{text}.indices`")),
            ):
                yield maybe(said, case.source.append(node, f".{part}"), text=case.source.base(node))
            return
        if "tuple" in message and called(made) not in ("tensor", "zeros", "tuple", "zip", "print", "size", "list"):
            where = case.source.statement_of(made)
            if isinstance(where, ast.Assign) and where.value is made and isinstance(where.targets[0], ast.Name):
                text = f"{where.targets[0].id}, _"
                yield maybe(
                    N_("Take the output only: `{text} = {call}`"),
                    [case.source.replace(where.targets[0], text)],
                    text=text,
                    call=shortened(case.source.text_of(made)),
                )
                yield maybe(
                    N_("Take the first of the values: `{text}[0]`"),
                    case.source.append(made, "[0]"),
                    text=shortened(case.source.text_of(made)),
                )
                return


_NUMBER_ALREADY = frozenset({"item", "detach", "cpu", "numpy", "tolist", "clone"})


@remedy("GL802", leads=True)
def tensor_of_it(case: Case, found: Found) -> Iterator[Fix]:
    """A list that is asked for what tensors have; a tensor that is asked for what lists have."""
    name, owner = str(found.facts.get("name") or ""), str(found.facts.get("owner") or "")
    uses = [n for n in on_line(case, ast.Attribute) if n.attr == name]
    if not uses:
        return
    node = uses[0].value
    made = case.source.assigned(dotted(node), node) if dotted(node) else node
    call = case.source.parents.get(uses[0])
    if owner in ("float", "int", "bool") and name in _NUMBER_ALREADY and isinstance(call, ast.Call) and not call.args:
        found.words["deed"] = words.code(f".{name}()")
        found.fix = N_("It is a plain number already: leave out {deed}.")
        yield maybe(
            N_("Leave out {deed}: it is a plain number already"),
            [without_call(case, call)],
            deed=words.code(f".{name}()"),
        )
        return
    if owner in ("list", "tuple", "float", "int") and _tensors_have(name):
        target = made if isinstance(made, ast.List | ast.Constant | ast.Tuple) else node
        is_of_tensors = isinstance(made, ast.ListComp) or (isinstance(made, ast.List) and not made.elts)
        is_of_tensors |= isinstance(made, ast.List) and any(isinstance(e, ast.Call | ast.Name) for e in made.elts)
        maker = "stack" if is_of_tensors else "tensor"
        text = f"torch.{maker}({case.source.text_of(target if maker == 'tensor' else node)})"
        yield maybe(
            N_("Make a tensor of it: `{text}`"),
            [case.source.replace(target if maker == "tensor" else node, text)],
            text=shortened(text),
        )
    elif owner == "bool" and _tensors_have(name):
        for compare in on_line(case, ast.Compare):
            for side in (compare.left, *compare.comparators):
                value = case.source.assigned(dotted(side), side) if dotted(side) else side
                if isinstance(value, ast.List | ast.ListComp):
                    text = f"torch.tensor({case.source.text_of(side)})"
                    yield maybe(
                        N_("Make a tensor of it: `{text}`"), [case.source.replace(side, text)], text=shortened(text)
                    )
    elif owner in ("Tensor", "float") and name in ("zero_grad", "step"):
        yield from _optimizer_instead(case, uses[0])
    elif owner in ("ndarray", "numpy.ndarray") and _tensors_have(name):
        text = f"torch.from_numpy({case.source.text_of(node)})"
        yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(node, text)], text=shortened(text))
    elif owner == "Tensor" and name in ("append", "extend"):
        where = statement(case)
        call = case.source.parents.get(uses[0])
        if (
            isinstance(where, ast.Expr)
            and isinstance(call, ast.Call)
            and where.value is call
            and call.args
            and dotted(node)
        ):
            value = case.source.text_of(call.args[0])
            tensor = tensor_named(case, dotted(call.args[0]))
            item = (
                f"{value}.reshape(1)"
                if tensor is not None and not tensor.shape
                else (value if tensor else f"torch.tensor([{value}])")
            )
            text = f"{dotted(node)} = torch.cat([{dotted(node)}, {item}])"
            yield maybe(N_("Join it to the end: `{text}`"), [case.source.replace(where, text)], text=text)
            if made is not None and isinstance(made, ast.Call) and called(made) in ("tensor", "zeros", "empty"):
                yield maybe(
                    N_("Collect in a list: `{name} = []`"), [case.source.replace(made, "[]")], name=dotted(node)
                )
    elif name in ("cuda", "to", "cpu") and owner in ("list", "tuple", "dict", "int", "float"):
        call = case.source.parents.get(uses[0])
        if isinstance(call, ast.Call):
            yield maybe(
                N_("Leave out `.{name}()`: only tensors and modules are moved"), [without_call(case, call)], name=name
            )


def _optimizer_instead(case: Case, use: ast.Attribute) -> Iterator[Fix]:
    """`loss.step()`: the optimizer takes the step, and it or the model clears the gradients."""
    for name in visible(case, use):
        made = case.source.assigned(name, use)
        kind = called(made)
        cls = case.source.class_of(kind)
        is_model = kind in _members_of_nn() or (
            cls is not None and any(dotted(b).endswith("Module") for b in cls.bases)
        )
        if kind in ("SGD", "Adam", "AdamW", "RMSprop") or (is_model and use.attr == "zero_grad"):
            yield maybe(
                N_("Ask {name} for it: `{text}`"),
                [case.source.replace(use.value, name)],
                name=words.code(name),
                text=f"{name}.{use.attr}()",
            )


def _members_of_nn() -> set[str]:
    return {"Linear", "Sequential", "Conv2d", "LSTM", "GRU", "RNN", "Embedding", "ModuleList"}


def _tensors_have(name: str) -> bool:
    from graphlab.engine.tensor import Tensor

    return hasattr(Tensor, name)


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
        function = _function_behind(case, call)
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


def _loss_number(function: ast.FunctionDef) -> str:
    """The variable that a training step called `backward()` on."""
    owners = [
        dotted(n.func.value)
        for n in ast.walk(function)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "backward"
    ]
    return owners[-1] if owners and owners[-1].isidentifier() else ""


def _function_behind(case: Case, call: ast.Call) -> ast.FunctionDef | None:
    """The program's own function that a call runs; `forward` for a module."""
    name = dotted(call.func)
    plain = definition(case, name.rpartition(".")[2]) if name else None
    if isinstance(plain, ast.FunctionDef):
        return plain
    made: ast.expr | None = call.func
    if name:
        made = case.source.assigned(name, call)
    class_name = called(made) if isinstance(made, ast.Call) else ""
    cls = case.source.class_of(class_name) if class_name else None
    body = cls.body if cls is not None else []
    return next((f for f in body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)


# keys, indices, unpacking


@remedy("GL808", leads=True)
def key_nearest(case: Case, found: Found) -> Iterator[Fix]:
    """A key spelled like one that is there; `.get` with a value for the others."""
    key = str(found.words.get("text") or "")
    for node in on_line(case, ast.Subscript):
        made = case.source.assigned(dotted(node.value), node.value) if dotted(node.value) else None
        keys: list[object] = []
        if isinstance(made, ast.Dict):
            keys = [k.value for k in made.keys if isinstance(k, ast.Constant)]
        elif isinstance(made, ast.Call) and called(made) == "dict":
            keys = [k.arg for k in made.keywords if k.arg]
        else:  # a batch of a data set, an entry of another dictionary: the keys that the program writes anywhere
            keys = [
                k.value
                for n in case.source.nodes
                if isinstance(n, ast.Dict)
                for k in n.keys
                if isinstance(k, ast.Constant) and isinstance(k.value, str)
            ]
        if isinstance(node.slice, ast.Constant) and repr(node.slice.value) == key:
            value = node.slice.value
            texts = [k for k in keys if isinstance(k, str)]
            near: list[object] = []
            if isinstance(value, str):
                near += nearest(value, texts)
            if texts and isinstance(made, ast.Dict):
                found.words["keys"] = words.listing(words.code(repr(k)) for k in texts[:8])
                found.fix = N_("The keys that are there: {keys}.")
            near = near or [k for k in keys if str(k) == str(value) and k != value]
            if not near and len(texts) == 1:
                near += texts
            for each in near[:2]:
                yield maybe(
                    N_("Use the key that is there: {key}"),
                    [case.source.replace(node.slice, repr(each) if not isinstance(each, str) else f'"{each}"')],
                    key=words.code(repr(each)),
                )
        owner, text_of = case.source.text_of(node.value), case.source.text_of(node.slice)
        parent = case.source.parents.get(node)
        where = statement(case)
        if isinstance(parent, ast.Attribute) and parent.attr in ("append", "extend"):
            text = f"{owner}.setdefault({text_of}, [])"
            yield maybe(
                N_("Begin with an empty list where the key is missing: `{text}`"),
                [case.source.replace(node, text)],
                text=text,
            )
            continue
        if isinstance(where, ast.AugAssign) and where.target is node and isinstance(where.op, ast.Add):
            text = f"{owner}[{text_of}] = {owner}.get({text_of}, 0) + {case.source.base(where.value)}"
            yield maybe(
                N_("Begin with 0 where the key is missing: `{text}`"), [case.source.replace(where, text)], text=text
            )
            continue
        if isinstance(node.ctx, ast.Load) and (isinstance(made, ast.Dict | ast.DictComp) or called(made) == "dict"):
            is_number = isinstance(made, ast.DictComp) or all(
                isinstance(v, ast.Constant) and not isinstance(v.value, str)
                for v in (made.values if isinstance(made, ast.Dict) else [])
            )
            default = "0" if is_number else '""'
            text = f"{case.source.text_of(node.value)}.get({case.source.text_of(node.slice)}, {default})"
            yield maybe(
                N_("Take {default} for a key that is missing: `{text}`"),
                [case.source.replace(node, text)],
                default=default,
                text=text,
            )


@remedy("GL810", leads=True)
def index_in_list(case: Case, found: Found) -> Iterator[Fix]:
    """A loop that ends earlier, the last entry."""
    yield from loops_one_less(case)
    yield from samples_ahead(case)
    for node in on_line(case, ast.Subscript):
        made = case.source.assigned(dotted(node.value), node.value) if dotted(node.value) else None
        index = integer(node.slice)
        if index is not None and index >= 0 and isinstance(node.ctx, ast.Load):
            n = len(made.elts) if isinstance(made, ast.List | ast.Tuple) else None
            if n is None or index >= n > 0:
                yield maybe(
                    N_("Take the last entry: `{text}`"),
                    [case.source.replace(node.slice, "-1")],
                    text=f"{case.source.text_of(node.value)}[-1]",
                )
        elif isinstance(node.ctx, ast.Store) and isinstance(made, ast.List) and not made.elts:
            where = statement(case)
            if isinstance(where, ast.Assign):
                text = f"{case.source.text_of(node.value)}.append({case.source.text_of(where.value)})"
                yield maybe(N_("Put it at the end: `{text}`"), [case.source.replace(where, text)], text=text)


def samples_ahead(case: Case) -> Iterator[Fix]:
    """A data set whose `__getitem__` looks at `i + 1`: it has one sample less."""
    getter = next(enclosing(case, case.expression, ast.FunctionDef), None)
    cls = case.source.parents.get(getter) if getter is not None else None
    if getter is None or getter.name != "__getitem__" or not isinstance(cls, ast.ClassDef):
        return
    ahead = [
        n.slice
        for n in on_line(case, ast.Subscript)
        if isinstance(n.slice, ast.BinOp) and isinstance(n.slice.op, ast.Add)
    ]
    length = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__len__"), None)
    for item in ast.walk(length) if ahead and length is not None else []:
        if isinstance(item, ast.Return) and item.value is not None:
            text = f"{case.source.text_of(item.value)} - {case.source.text_of(ahead[0].right)}"
            yield maybe(
                N_("Stop before the end, because line {line} looks ahead: `{text}`"),
                [case.source.replace(item.value, text)],
                line=case.line,
                text=text,
            )


@remedy("GL812")
def names_for_values(case: Case, found: Found) -> Iterator[Fix]:
    """As many names as there are values: a `_` for what isn't used, or what isn't there left out."""
    message = message_of(case)
    counts = re.search(r"\(expected (?:at least )?(\d+)(?:, got (\d+))?\)", message)
    if counts is None:
        return
    wanted = int(counts.group(1))
    got = int(counts.group(2)) if counts.group(2) else _values_given(case)
    target = _unpacked_target(case)
    if target is None or len(target.elts) != wanted:
        return
    names = [case.source.text_of(e) for e in target.elts]
    value = _unpacked_value(case, target)
    if got is None and "too many" in message:
        text = ", ".join([*names, "*_"])
        yield maybe(N_("Let `*_` take the other values: `{text}`"), [_retargeted(case, target, text)], text=text)
    elif got is not None and got > wanted:
        extra = ["_"] * (got - wanted)
        for text in (", ".join([*names, *extra]), ", ".join([*extra, *names])):
            yield maybe(
                N_("Write a name for each of the {n} values: `{text}`"),
                [_retargeted(case, target, text)],
                n=got,
                text=text,
            )
    elif got is not None and got < wanted:
        used = {n.id for n in case.source.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        free = [at for at, name in enumerate(names) if name not in used]
        drop = set(free[: wanted - got])
        if len(drop) == wanted - got and got > 0:
            kept = [name for at, name in enumerate(names) if at not in drop]
            text = ", ".join(kept) + ("," if len(kept) == 1 else "")
            yield maybe(
                N_("Write a name for each of the {n} values: `{text}`"),
                [_retargeted(case, target, text)],
                n=got,
                text=text,
            )
        elif got == 1 and isinstance(value, ast.expr):
            is_loop = isinstance(case.source.parents.get(target), ast.For)
            text = f"({names[0]},)" if is_loop else f"{names[0]},"
            yield maybe(
                N_("Write a name for each of the {n} values: `{text}`"),
                [_retargeted(case, target, text)],
                n=1,
                text=text,
            )
        if isinstance(value, ast.Attribute) and value.attr == "shape" and got == wanted - 1:
            yield from _axis_added(case, value)


def _values_given(case: Case) -> int | None:
    target = _unpacked_target(case)
    value = _unpacked_value(case, target) if target is not None else None
    if isinstance(value, ast.List | ast.Tuple) and value.elts:
        if isinstance(case.source.parents.get(target) if target is not None else None, ast.For | ast.comprehension):
            first = value.elts[0]
            return len(first.elts) if isinstance(first, ast.Tuple | ast.List) else None
        return len(value.elts)
    if isinstance(value, ast.Attribute) and value.attr == "shape":
        shape = shape_named(case, dotted(value.value))
        return len(shape) if shape else None
    return None


def _unpacked_target(case: Case) -> ast.Tuple | ast.List | None:
    for node in case.source.nodes:
        if isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Store) and node.lineno == case.line:
            return node
    return None


def _unpacked_value(case: Case, target: ast.expr) -> ast.expr | None:
    parent = case.source.parents.get(target)
    if isinstance(parent, ast.For | ast.comprehension):
        return parent.iter
    return parent.value if isinstance(parent, ast.Assign) else None


def _retargeted(case: Case, target: ast.Tuple | ast.List, text: str) -> Edit:
    old = case.source.text_of(target)
    is_bracketed = old.startswith(("(", "["))
    return case.source.replace(target, f"({text})" if is_bracketed and not text.startswith("(") else text)


def _axis_added(case: Case, value: ast.Attribute) -> Iterator[Fix]:
    """`B, T, C = x.shape` of a matrix: a batch of one where the function is called."""
    function = next(enclosing(case, value, ast.FunctionDef), None)
    where = statement(case)
    name = dotted(value.value)
    if function is not None and where is not None and name in {a.arg for a in function.args.args}:
        text = f"{name} = {name}.unsqueeze(0)"
        yield maybe(N_("Make a batch of one of it: `{text}`"), [case.source.line_before(where, text)], text=text)


# objects


@remedy("GL814", leads=True)
def used_as_it_is(case: Case, found: Found) -> Iterator[Fix]:
    """A tensor called, a number indexed or gone through, a tuple or text changed."""
    message = message_of(case)
    type_ = str(found.facts.get("type_of_object") or "")
    if "not callable" in message and type_ not in ("int", "float", "NoneType", "str", "module"):
        for call in on_line(case, ast.Call):
            name = dotted(call.func)
            is_own = tensor_named(case, name) is not None or case.source.assigned(name, call) is not None
            if is_own and len(call.args) == 1 and not call.keywords:
                text = f"{case.source.base(call.func)}[{case.source.text_of(call.args[0])}]"
                yield maybe(N_("Index it: `{new}`"), [case.source.replace(call, text)], new=text)
            elif isinstance(call.func, ast.Attribute) and call.func.attr in (
                "shape",
                "dtype",
                "grad",
                "data",
                "T",
                "device",
            ):
                text = case.source.text_of(call.func)
                if not call.args:
                    yield maybe(N_("Read it without brackets: `{text}`"), [case.source.replace(call, text)], text=text)
    if "not subscriptable" in message:
        is_method = any(w in type_ for w in ("function", "method"))
        for node in on_line(case, ast.Subscript):
            text = case.source.text_of(node.value)
            if is_method:
                new = f"{text}({case.source.text_of(node.slice)})"
                yield maybe(
                    N_("Call it with round brackets: `{text}`"), [case.source.replace(node, new)], text=shortened(new)
                )
            elif type_ in ("int", "float") and dotted(node.value):
                yield maybe(N_("Use the number as it is: `{text}`"), [case.source.replace(node, text)], text=text)
    if "0-d tensor" in message or "iteration over a 0-d" in message:
        for node in [
            n.iter
            for n in case.source.nodes
            if isinstance(n, ast.For | ast.comprehension) and n.iter.lineno == case.line
        ]:
            yield maybe(
                N_("Give it an axis: `{text}.reshape(-1)`"),
                case.source.append(node, ".reshape(-1)"),
                text=case.source.base(node),
            )
            yield maybe(
                N_("To repeat something that often: `{text}`"),
                [case.source.replace(node, f"range(int({case.source.text_of(node)}))")],
                text=f"range(int({shortened(case.source.text_of(node))}))",
            )
        for call in on_line(case, ast.Call):
            if called(call) == "len" and len(call.args) == 1:
                text = f"{case.source.base(call.args[0])}.numel()"
                yield maybe(N_("Count the numbers: `{text}`"), [case.source.replace(call, text)], text=text)
    if "does not support item assignment" in message:
        yield from _changed(case, type_)
    if "is not iterable" in message and type_ not in ("int", "float", "NoneType"):
        yield from _gone_through(case, type_)


def _changed(case: Case, type_: str) -> Iterator[Fix]:
    where = statement(case)
    target = where.targets[0] if isinstance(where, ast.Assign) else getattr(where, "target", None)
    if where is None or not isinstance(target, ast.Subscript) or not dotted(target.value):
        return
    name = dotted(target.value)
    if type_ in ("tuple", "torch.Size", "Size", "range"):
        text = f"{name} = list({name})"
        yield maybe(N_("Make a list of it first: `{text}`"), [case.source.line_before(where, text)], text=text)
    elif type_ == "str" and isinstance(where, ast.Assign):
        at, value = case.source.text_of(target.slice), case.source.text_of(where.value)
        if integer(target.slice) is not None and (integer(target.slice) or 0) >= 0:
            text = f"{name} = {name}[:{at}] + {value} + {name}[{integer(target.slice)} + 1:]"
            yield maybe(N_("Build a new text: `{text}`"), [case.source.replace(where, text)], text=text)


def _gone_through(case: Case, type_: str) -> Iterator[Fix]:
    for node in [
        n.iter for n in case.source.nodes if isinstance(n, ast.For | ast.comprehension) and n.iter.lineno == case.line
    ]:
        text = case.source.text_of(node)
        if any(w in type_ for w in ("method", "function")):
            yield maybe(N_("Add the brackets that call it: `{text}`"), case.source.append(node, "()"), text=f"{text}()")
        elif isinstance(node, ast.Name) and case.source.class_of(type_) is not None:
            yield maybe(
                N_("Go through its layers: `{text}.children()`"), case.source.append(node, ".children()"), text=text
            )


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


def _for_channels(case: Case, node: ast.BinOp, side: ast.expr, made: ast.expr) -> str:
    """What brings a list with one number for each channel of the other side to its axis."""
    other = node.left if side is node.right else node.right
    shape = shape_named(case, dotted(other)) or []
    n = len(made.elts) if isinstance(made, ast.List) else 0
    if n and len(shape) > 2 and shape[-1] != n and shape[-3] == n:
        return ".view(-1, 1, 1)"
    return ""


@remedy("GL811", leads=True)
def sides_converted(case: Case, found: Found) -> Iterator[Fix]:
    """Lists, texts and numbers between `+`, `-`, `*` and tensors."""
    a, b = (str(found.words.get(k) or "").strip("`") for k in ("a", "b"))
    kinds = {a, b}
    if kinds & {"list", "tuple"} and "NoneType" not in kinds:
        for node in on_line(case, ast.BinOp):
            for side in (node.left, node.right):
                made = case.source.assigned(dotted(side), side) if dotted(side) else side
                if isinstance(made, ast.List | ast.ListComp) and (not isinstance(made, ast.List) or made.elts):
                    text = f"torch.tensor({case.source.text_of(side)}){_for_channels(case, node, side, made)}"
                    yield maybe(
                        N_("Make a tensor of it: `{text}`"), [case.source.replace(side, text)], text=shortened(text)
                    )
    if "str" in kinds and "concatenate" in message_of(case):
        for node in on_line(case, ast.BinOp):
            for side in (node.right, node.left):
                made = case.source.assigned(dotted(side), side) if dotted(side) else None
                is_text = isinstance(made, ast.Constant) and isinstance(made.value, str)
                if isinstance(side, ast.Name | ast.Attribute | ast.Subscript | ast.Call) and not is_text:
                    text = f"str({case.source.text_of(side)})"
                    yield maybe(N_("Turn it into text: `{text}`"), [case.source.replace(side, text)], text=text)
    if "str" in kinds and kinds & {"int", "float"}:
        for node in on_line(case, ast.BinOp, ast.Compare):
            sides = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.left, *node.comparators]
            for side in sides:
                made = case.source.assigned(dotted(side), side) if dotted(side) else side
                if (
                    isinstance(made, ast.Constant)
                    and isinstance(made.value, str)
                    and re.fullmatch(r"-?\d+(\.\d+)?", made.value)
                ):
                    name = "float" if "." in made.value else "int"
                    text = f"{name}({case.source.text_of(side)})"
                    yield maybe(
                        N_("Turn the text into a number: `{text}`"), [case.source.replace(side, text)], text=text
                    )


# syntax


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


# truth values


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
